"""Exported models against PyTorch and onnxruntime: equal logits for the same images.

Trains small models of several kinds on the embedded digits in a temporary folder, exports each as safetensors with its Python and as ONNX,
and compares the logits of all test images with those that eigenscope itself computes (the embedding of the last layer).
Also reads a checkpoint that PyTorch wrote, and compares likewise. Images and state dictionaries are those of the Python package.

Usage: check.py PROGRAMS, the folder with the program `eigenscope`.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import eigenscope
import numpy
import torch

try:
    import onnxruntime
except ImportError:
    onnxruntime = None

# Largest difference of logits, beside rounding in the last digits of larger ones.
TOLERANCE = 1e-5

# Kind, parameters, last layer.
MODELS = {
    "bilinear": ("hidden = 12\nbatch = 64\nepochs = 3", "unembed"),
    "mlp": ("widths = [16, 12]\nepochs = 2", "layer3"),
    "cnn": ("channels = [8]\nepochs = 2", "linear"),
    "network": (
        'epochs = 2\nsteps = [{ conv = { channels = 8, kernel = 3, padding = 1 } }, "batch-norm", "gelu", '
        '{ residual = { steps = [{ conv = { channels = 8, kernel = 3, padding = 1, groups = 2 } }, "batch-norm", "relu", '
        '{ conv = { channels = 8, kernel = 3, padding = 1, bias = false } }, "batch-norm"] } }, "relu", '
        '{ residual = { name = "train", steps = [{ conv = { channels = 16, kernel = 3, stride = 2, padding = 1, name = "half" } }, "silu"], '
        'shortcut = [{ conv = { channels = 16, kernel = 1, stride = 2 } }] } }, '
        '{ average-pool = { kernel = 3, stride = 2, padding = 1, count_include_pad = false } }, { dropout = 0.1 }, { bilinear = 12 }, { linear = { outputs = "classes", name = "forward" } }]',
        "forward",
    ),
}


def pipeline(described):
    tables = ["[data.digits]\n"]
    for kind, (parameters, last) in MODELS.items():
        if kind in described:
            tables.append(f'[train.{kind}]\ndata = "data.digits"\n{parameters}\n')
            tables.append(logits_of(f"train.{kind}", kind, last))
    return "\n".join(tables)


def logits_of(model, name, last):
    return f'[decompose.logits-{name}]\nkind = "embedding"\nmodel = "{model}"\ndata = "data.digits"\nlayer = "{last}"\n'


def compare(what, found, expected):
    difference = float(numpy.abs(found - expected).max())
    scale = float(numpy.abs(expected).max())
    assert difference <= TOLERANCE * max(1.0, scale), f"{what}: logits differ by {difference}, the largest is {scale}"
    print(f"{what}: logits of {len(expected)} images equal within {difference:.1e}")


def main():
    programs = Path(sys.argv[1]).resolve()
    # What a user has set must not count.
    for name in [name for name in os.environ if name.startswith("EIGENSCOPE_")]:
        del os.environ[name]
    described = subprocess.run([programs / "eigenscope-train", "describe"], check=True, capture_output=True, text=True)
    described = {kind["name"] for kind in json.loads(described.stdout)["kinds"]}
    kinds = [kind for kind in MODELS if kind in described]
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        project = eigenscope.Project(folder, programs / "eigenscope")
        run = lambda text: Path("p.toml").write_text(text) and project.run("p.toml", report=None)

        def export(task, name, *more):
            project.call("export", os.path.abspath("p.toml"), task, "-o", name, *more)
            return name

        own = pipeline(kinds)
        results = run(own)
        images = results["data.digits"].images().split("test")
        for kind in kinds:
            logits = numpy.load(export(f"decompose.logits-{kind}", f"{kind}-logits.npz"))
            assert (images.labels == logits["label"]).all()
            inputs = images.inputs()
            export(f"train.{kind}", f"{kind}.safetensors", "--snippet", f"{kind}.py")
            defined = {}
            exec(Path(f"{kind}.py").read_text(), defined)
            model = defined["model"]
            with torch.no_grad():
                compare(f"{kind} in PyTorch", model(torch.from_numpy(inputs)).numpy(), logits["vector"])
            exported, read = model.state_dict(), results[f"train.{kind}"].state_dict()
            model.load_state_dict(read)
            assert all(torch.equal(exported[name], read[name]) for name in read), f"{kind}: the package reads other weights"
            torch.save({"epoch": 3, "model": model.state_dict()}, f"{kind}.pth")
            if onnxruntime is not None:
                path = export(f"train.{kind}", f"{kind}.onnx")
                session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
                name = session.get_inputs()[0].name
                compare(f"{kind} in onnxruntime", session.run(None, {name: inputs})[0], logits["vector"])
        imported = [own]
        for kind in kinds:
            parameters, last = MODELS[kind]
            network = f'kind = "{kind}"' if kind != "network" else parameters.split("\n")[1]
            imported.append(f'[model.{kind}]\nfile = "{os.path.abspath(kind)}.pth"\ndata = "data.digits"\n{network}\n')
            imported.append(logits_of(f"model.{kind}", f"imported-{kind}", last))
            if onnxruntime is not None:
                imported.append(f'[model.{kind}-onnx]\nfile = "{os.path.abspath(kind)}.onnx"\ndata = "data.digits"\n')
        results = run("\n".join(imported))
        for kind in kinds:
            found, expected = (
                numpy.array(results[f"decompose.logits-{name}"].arrow()["vector"].to_pylist()) for name in (f"imported-{kind}", kind)
            )
            compare(f"{kind} from a file of PyTorch", found, expected)


main()
