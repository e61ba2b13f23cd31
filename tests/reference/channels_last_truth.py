"""Make channels_last_truth.json and two graphs in checkpoints/: small networks that read images with the channels last, in the nodes that
tf2onnx writes for TensorFlow, and their logits by onnxruntime.

`channels_last.onnx`: 3 channels, 6 x 5 pixels. A transposition to channels first, two convolutions with pooling between, the transposition
back, and a linear map of the places in a row. `one_channel_last.onnx`: one channel, brought to the front by a shape; the mean of all
places before the linear map. Value i of the images [4, channels, height, width] is ((37 i + 11) mod 64) / 64, value i of a weight
((13 i + 5) mod 29 - 14) / 20, and the same over 30 for the bias.
"""

import numpy as np
import onnx
import onnxruntime
from fixture_json import FOLDER, save_fixture
from onnx import TensorProto, helper, numpy_helper

CHECKPOINTS = FOLDER / "checkpoints"
CLASSES = 5


def pattern(shape):
    return np.float32([(37 * i + 11) % 64 / 64 for i in range(np.prod(shape))]).reshape(shape)


def parameters(tensors):
    """Initializers by names and shapes; one dimension is a bias."""
    made = []
    for name, shape in tensors.items():
        values = [((13 * i + 5) % 29 - 14) / (20 if len(shape) > 1 else 30) for i in range(np.prod(shape))]
        made.append(numpy_helper.from_array(np.float32(values).reshape(shape), name))
    return made


def integers(name, values):
    return numpy_helper.from_array(np.int64(values), name)


def conv(reads, name, makes, padding):
    return helper.make_node("Conv", [reads, f"{name}/kernel", f"{name}/bias"], [makes], name, pads=[padding] * 4, kernel_shape=[3, 3])


def model(nodes, initializers, size):
    channels, height, width = size
    images = helper.make_tensor_value_info("images", TensorProto.FLOAT, ["N", height, width, channels])
    logits = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["N", CLASSES])
    graph = helper.make_graph(nodes, "model", [images], [logits], initializers)
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(made, full_check=True)
    return made


def channels_last():
    tensors = {"conv1/kernel": (4, 3, 3, 3), "conv1/bias": (4,), "conv2/kernel": (6, 4, 3, 3), "conv2/bias": (6,)}
    tensors |= {"dense/kernel": (36, CLASSES), "dense/bias": (CLASSES,)}
    nodes = [
        helper.make_node("Transpose", ["images"], ["first"], "to_first", perm=[0, 3, 1, 2]),
        conv("first", "conv1", "a", 1),
        helper.make_node("Relu", ["a"], ["b"], "relu1"),
        helper.make_node("MaxPool", ["b"], ["c"], "pool", kernel_shape=[2, 2], strides=[2, 2]),
        conv("c", "conv2", "d", 1),
        helper.make_node("Relu", ["d"], ["e"], "relu2"),
        helper.make_node("Transpose", ["e"], ["last"], "to_last", perm=[0, 2, 3, 1]),
        helper.make_node("Reshape", ["last", "row"], ["f"], "flatten"),
        helper.make_node("MatMul", ["f", "dense/kernel"], ["g"], "dense"),
        helper.make_node("Add", ["g", "dense/bias"], ["logits"], "dense/add"),
    ]
    return model(nodes, [*parameters(tensors), integers("row", [-1, 36])], (3, 6, 5))


def one_channel_last():
    tensors = {"conv/kernel": (4, 1, 3, 3), "conv/bias": (4,), "dense/kernel": (4, CLASSES), "dense/bias": (CLASSES,)}
    nodes = [
        helper.make_node("Reshape", ["images", "shape"], ["first"], "to_first"),
        conv("first", "conv", "a", 0),
        helper.make_node("Relu", ["a"], ["b"], "relu"),
        helper.make_node("ReduceMean", ["b"], ["c"], "mean", axes=[2, 3], keepdims=0),
        helper.make_node("MatMul", ["c", "dense/kernel"], ["d"], "dense"),
        helper.make_node("Add", ["d", "dense/bias"], ["logits"], "dense/add"),
    ]
    return model(nodes, [*parameters(tensors), integers("shape", [-1, 1, 7, 8])], (1, 7, 8))


def main():
    models = {}
    for name, made, size in [("channels_last", channels_last(), (3, 6, 5)), ("one_channel_last", one_channel_last(), (1, 7, 8))]:
        onnx.save(made, CHECKPOINTS / f"{name}.onnx")
        images = pattern((4, *size)).transpose(0, 2, 3, 1)
        session = onnxruntime.InferenceSession(made.SerializeToString(), providers=["CPUExecutionProvider"])
        [logits] = session.run(None, {"images": np.ascontiguousarray(images)})
        models[name] = {"size": list(size), "logits": logits.tolist()}
    save_fixture("channels_last_truth.json", {"classes": CLASSES, "models": models})


if __name__ == "__main__":
    main()
