"""Writes `checkpoints/`: model files of PyTorch, safetensors, ONNX and NumPy, and `checkpoint_truth.json`, what they hold.

Needs the packages of requirements.txt and checkpoint-requirements.txt.
"""

import argparse
import collections
import dataclasses
import enum
import io
import pathlib
import warnings
import zipfile
import zlib

import numpy
import onnx
import onnxruntime
import safetensors.torch
import torch
from torch import nn

import checkpoint_models
from fixture_json import save_fixture

FOLDER = pathlib.Path(__file__).parent / "checkpoints"
# What our own code writes; its tests compare their bytes, and here is checked that onnxruntime computes what it should.
# After a change: EIGENSCOPE_WRITE_FIXTURES=1 cargo test --release -p eigenscope-checkpoint -p eigenscope-graphs
OURS = {FOLDER / "written.onnx", *(FOLDER / f"{name}.exported.onnx" for name in checkpoint_models.MODELS)}


def described(state):
    """Names, shapes and a checksum of the little-endian float32 values of each tensor, as its first values."""
    tensors = []
    for name, tensor in state.items():
        values = tensor.detach().to(torch.float32).contiguous().numpy()
        tensors.append({
            "name": name, "shape": list(tensor.shape), "dtype": str(tensor.dtype).removeprefix("torch."),
            "crc32": zlib.crc32(values.astype("<f4").tobytes()), "first": [float(v) for v in values.reshape(-1)[:3]],
        })
    return tensors


def save(name, value, **options):
    torch.save(value, FOLDER / name, **options)


def models():
    truth = {}
    inputs = checkpoint_models.images()
    for name in checkpoint_models.MODELS:
        model = checkpoint_models.make(name)
        state = model.state_dict()
        save(f"{name}.pt", state)
        save(f"{name}.legacy.pt", state, _use_new_zipfile_serialization=False)
        safetensors.torch.save_file(state, FOLDER / f"{name}.safetensors", metadata={"format": "pt"})
        export(name, model, inputs)
        with torch.no_grad():
            logits = model(inputs)
        truth[name] = {"tensors": described(state), "logits": logits.tolist()}
    return truth


def export(name, model, inputs):
    """ONNX by both exporters, any number of images."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            model, (inputs,), FOLDER / f"{name}.onnx", dynamo=False, opset_version=17, input_names=["image"],
            output_names=["logits"], dynamic_axes={"image": {0: "batch"}, "logits": {0: "batch"}})
        torch.onnx.export(
            model, (inputs,), FOLDER / f"{name}.dynamo.onnx", dynamo=True, input_names=["image"],
            output_names=["logits"], dynamic_shapes=({0: torch.export.Dim("batch")},), external_data=False,
            verbose=False)
    # The new exporter tells where in which source file each node comes from.
    path = FOLDER / f"{name}.dynamo.onnx"
    model = onnx.load(path)
    for part in [model, model.graph, *model.graph.node, *model.graph.value_info, *model.graph.input, *model.graph.output]:
        del part.metadata_props[:]
    onnx.save(model, path)


def graphs():
    """Graphs with every way to store values, and what `onnx` reads from all graphs."""
    helper, folder = onnx.helper, str(FOLDER)
    values = numpy.array([0, 1, 1.5, 100], dtype=numpy.float32)
    types = onnx.TensorProto
    tensors = []
    for name in ["FLOAT", "DOUBLE", "FLOAT16", "BFLOAT16", "INT8", "INT16", "INT32", "INT64", "UINT8", "UINT16",
                 "UINT32", "UINT64", "BOOL", "FLOAT8E4M3FN", "FLOAT8E5M2"]:
        array = values.astype(helper.tensor_dtype_to_np_dtype(getattr(types, name)))
        typed = helper.make_tensor(f"{name}.typed", getattr(types, name), [2, 2], array.reshape(-1))
        raw = onnx.numpy_helper.from_array(array.reshape(2, 2), f"{name}.raw")
        tensors += [typed, raw]
    nodes = [helper.make_node("Identity", ["x"], ["y"], alpha=0.0, count=0, words=["a", "b"], sizes=[1, -2], text="t",
                              numbers=[0.5, 1.0], value=onnx.numpy_helper.from_array(values, "inner"))]
    info = helper.make_tensor_value_info("x", types.FLOAT, ["batch", 2, None])
    graph = helper.make_graph(nodes, "types", [info], [helper.make_tensor_value_info("y", types.FLOAT, None)], tensors)
    onnx.save(helper.make_model(graph), FOLDER / "types.onnx")
    weights = [onnx.numpy_helper.from_array(values * scale, f"w{scale}") for scale in (1, 2)]
    graph = helper.make_graph(nodes, "external", [info], [helper.make_tensor_value_info("y", types.FLOAT, None)], weights)
    onnx.save_model(helper.make_model(graph), FOLDER / "external.onnx", save_as_external_data=True, size_threshold=0,
                    location="external.onnx.data")
    (FOLDER / "external.onnx.data").chmod(0o644)
    # Batch normalisation that is not folded into the convolution before it.
    vgg = checkpoint_models.make("vgg")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            vgg, (checkpoint_models.images(),), FOLDER / "vgg.norm.onnx", dynamo=False, opset_version=17,
            input_names=["image"], output_names=["logits"], do_constant_folding=False,
            training=torch.onnx.TrainingMode.PRESERVE, dynamic_axes={"image": {0: "batch"}, "logits": {0: "batch"}})
    truth = {}
    for path in sorted(set(FOLDER.glob("*.onnx")) - OURS):
        model = onnx.load(path)
        held = {}
        for initializer in model.graph.initializer:
            array = onnx.numpy_helper.to_array(initializer, folder)
            held[initializer.name] = array
        tensors = described({name: torch.from_numpy(array.astype(numpy.float32)) for name, array in held.items()})
        for tensor in tensors:
            tensor["dtype"] = str(held[tensor["name"]].dtype)
        truth[path.name] = {
            "nodes": [f"{n.op_type}({', '.join(n.input)}) -> {', '.join(n.output)}" for n in model.graph.node],
            "tensors": tensors,
        }
    return truth


def check_written():
    """The graph that our own writer wrote, computed by onnxruntime."""
    path = FOLDER / "written.onnx"
    onnx.checker.check_model(onnx.load(path), full_check=True)
    session = onnxruntime.InferenceSession(path)
    image = numpy.array([[1, 0, 1], [0, -1, 2]], "<f4").reshape(2, 1, 1, 3)
    found = session.run(None, {"x": image})[0]
    # z = x W^T + b, below zero a quarter of it.
    numpy.testing.assert_array_equal(found, numpy.array([[4.5, 0], [4.5, -0.75]], "<f4"))


def check_exported():
    """Graphs that our own exporter wrote, computed by onnxruntime: the logits are PyTorch's."""
    images = checkpoint_models.images()
    for name in checkpoint_models.MODELS:
        path = FOLDER / f"{name}.exported.onnx"
        onnx.checker.check_model(onnx.load(path), full_check=True)
        found = onnxruntime.InferenceSession(path).run(["logits"], {"image": images.numpy()})[0]
        with torch.no_grad():
            expected = checkpoint_models.make(name)(images).numpy()
        if name == "mlp":
            found = torch.softmax(torch.from_numpy(found), 1).numpy()
        numpy.testing.assert_allclose(found, expected, rtol=0, atol=1e-5 * abs(expected).max())


class Optimiser(enum.Enum):
    ADAM = "adam"


@dataclasses.dataclass
class Config:
    learning_rate: float = 0.001
    optimiser: Optimiser = Optimiser.ADAM


def state_of(*shapes):
    generator = torch.Generator().manual_seed(len(shapes))
    return {f"layer{i}.weight": torch.rand(shape, generator=generator) for i, shape in enumerate(shapes)}


def forms():
    """What people put around a state dictionary, and the ways tensors are stored."""
    truth = {}

    def form(name, value, state, key=None, **options):
        save(name, value, **options)
        truth[name] = {"key": key or "", "tensors": described(state)}

    state = state_of((3, 4), (5,))
    base = torch.arange(24, dtype=torch.float32).reshape(4, 6)
    views = {
        "transposed": base.t(), "window": base[1:3, 1::2], "row": base[2], "column": base[:, 3],
        "repeated": base[:1, :1].expand(3, 5), "scalar": torch.tensor(2.5), "empty": torch.zeros(0, 3),
        "channels_last": torch.arange(48.0).reshape(1, 3, 4, 4).to(memory_format=torch.channels_last),
    }
    form("views.pt", views, views)
    form("views.legacy.pt", views, views, _use_new_zipfile_serialization=False)
    types = {
        str(dtype).removeprefix("torch."): torch.tensor([0, 1, 1.5, 100], dtype=torch.float32).to(dtype)
        for dtype in [torch.float64, torch.float16, torch.bfloat16, torch.uint8, torch.int8, torch.int16, torch.int32,
                      torch.int64, torch.bool, torch.uint16, torch.uint32, torch.uint64, torch.float8_e4m3fn,
                      torch.float8_e5m2, torch.float32]
    }
    form("types.pt", types, types)
    safetensors.torch.save_file(types, FOLDER / "types.safetensors")
    truth["types.safetensors"] = {"key": "", "tensors": described(types)}
    for protocol in (3, 4, 5):
        form(f"protocol{protocol}.pt", {"config": Config(), "model": state}, state, pickle_protocol=protocol)
    form("protocol4.legacy.pt", {"net": state}, state, pickle_protocol=4, _use_new_zipfile_serialization=False)

    layer = nn.Linear(4, 3)
    with torch.no_grad():
        layer.weight.copy_(state["layer0.weight"])
        layer.bias.fill_(0.25)
    optimiser = torch.optim.AdamW(layer.parameters())
    layer(torch.ones(2, 4)).sum().backward()
    optimiser.step()
    settings = argparse.Namespace(learning_rate=0.1, name="x")
    form("nested.pt", {
        "epoch": 3, "args": settings, "config": Config(), "best": numpy.float64(0.5), "loss": torch.tensor(0.1),
        "rng": torch.zeros(16, dtype=torch.uint8), "optimizer": optimiser.state_dict(), "state_dict": layer.state_dict(),
    }, layer.state_dict())
    form("lightning.ckpt", {
        "epoch": 1, "global_step": 10, "pytorch-lightning_version": "2.0.0", "loops": {"fit": {"progress": [1, 2]}},
        "callbacks": {"checkpoint": {"best_model_score": torch.tensor(0.5)}}, "lr_schedulers": [{"last_epoch": 1}],
        "optimizer_states": [optimiser.state_dict()], "hyper_parameters": {"width": 4}, "state_dict": layer.state_dict(),
    }, layer.state_dict())
    ema = {name: value * 0.5 for name, value in state.items()}
    form("two.pt", {"model": state, "ema": {"inner.state": ema}}, ema, key="ema.inner.state")
    parts = {"encoder": state, "decoder": {"layer0.weight": base}}
    both = {**{f"encoder.{name}": value for name, value in state.items()}, "decoder.layer0.weight": base}
    form("parts.pt", {"model": parts}, both, key="model")
    form("split.pt", {"epoch": 3, **parts, "optimizer": optimiser.state_dict()}, both)
    copy = {name: {key: value * 0.5 for key, value in part.items()} for name, part in parts.items()}
    form("copies.pt", {"model": parts, "ema": copy}, both, key="model")
    wrapped = {f"module.{name}": value for name, value in state.items()}
    form("parallel.pt", wrapped, state)
    form("compiled.pt", {f"_orig_mod.{name}": value for name, value in wrapped.items()}, state)
    counted = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2)).state_dict()
    form("counted.pt", counted, {k: v for k, v in counted.items() if "num_batches" not in k})
    form("list.pt", list(state.values()), dict(zip("01", state.values())))
    form("tensor.pt", base, {"tensor": base})
    parameters = {name: nn.Parameter(value) for name, value in state.items()}
    form("parameters.pt", parameters, state)

    location = torch.serialization.location_tag
    torch.serialization.location_tag = lambda storage: "cuda:0"
    try:
        form("gpu.pt", state, state)
        form("gpu.legacy.pt", state, state, _use_new_zipfile_serialization=False)
    finally:
        torch.serialization.location_tag = location

    module = nn.Sequential(collections.OrderedDict(first=nn.Linear(3, 2), norm=nn.BatchNorm1d(2), act=nn.ReLU()))
    module.register_buffer("passing", torch.ones(2), persistent=False)
    held = {k: v for k, v in module.state_dict().items() if "num_batches" not in k}
    form("module.pt", module, held)
    # Old files hold the source of each class, too.
    torch.serialization.get_source_lines_and_file = lambda of: (["class Module: ...\n"], 0, "module.py")
    form("module.legacy.pt", module, held, _use_new_zipfile_serialization=False)
    form("trainer.pt", {"epoch": 1, "model": module}, held)

    buffer = io.BytesIO()
    torch.save(state, buffer)
    with zipfile.ZipFile(buffer) as source, zipfile.ZipFile(
            FOLDER / "deflated.pt", "w", zipfile.ZIP_DEFLATED) as target:
        for entry in source.infolist():
            target.writestr(entry, source.read(entry), zipfile.ZIP_DEFLATED)
    truth["deflated.pt"] = {"key": "", "tensors": described(state)}
    torch.jit.save(torch.jit.script(nn.Linear(2, 2)), FOLDER / "script.pt")
    return truth


def quantised():
    """A model as integers: plain ones, and what PyTorch makes of it, as a state dictionary and as a whole module."""
    model = nn.Sequential(nn.Linear(3, 2), nn.ReLU(), nn.Linear(2, 2))
    save("int8.pt", {name: (100 * value).to(torch.int8) for name, value in model.state_dict().items()})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = torch.ao.quantization.quantize_dynamic(model, {nn.Linear}, dtype=torch.qint8)
        save("quantised.pt", model.state_dict())
        save("quantised.module.pt", model)


def arrays():
    """What NumPy writes."""
    base = numpy.arange(24).reshape(2, 3, 4)
    held = {
        "c": base.astype("<f4"), "fortran": numpy.asfortranarray(base.astype("<f4")), "big": base.astype(">i4"),
        "double": base.astype("<f8"), "half": base.astype("<f2"), "bytes": base.astype("u1"), "truth": base % 2 == 0,
        "scalar": numpy.array(7, "<i8"), "empty": numpy.zeros((0, 3), "<f4"),
        "big_fortran": numpy.asfortranarray(base.astype(">f8")),
    }
    numpy.savez(FOLDER / "arrays.npz", **held)
    numpy.savez_compressed(FOLDER / "arrays.compressed.npz", **held)
    numpy.save(FOLDER / "array.npy", held["fortran"])
    numpy.savez(FOLDER / "objects.npz", a=numpy.array([{}, None], dtype=object))
    return {
        name: {"shape": list(array.shape), "values": [float(v) for v in array.reshape(-1)]} for name, array in held.items()
    }


def main():
    torch.manual_seed(0)
    FOLDER.mkdir(exist_ok=True)
    for path in FOLDER.iterdir():
        if path not in OURS:
            path.unlink()
    check_written()
    check_exported()
    quantised()
    save_fixture("checkpoint_truth.json", {"models": models(), "graphs": graphs(), "forms": forms(), "arrays": arrays()})


if __name__ == "__main__":
    main()
