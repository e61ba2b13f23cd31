"""Make convolution_truth.json: convolutions and batch normalisations with what follows them, and all gradients, in float64.

Tensors are a formula, so that they need no storage: value i of tensor t (row-major) is
((7919 t + 104729 i) mod 1009) / 1009 - 0.5 in float32. t = 1: input [batch, channels, height, width]; t = 2: weight; t = 3:
bias; t = 4: the gradient of the result. "finish" is linear, relu, or relu-max-pool: ReLU, then the maximum of 2 x 2
pixels with stride 2, an odd last row or column dropped. Results have 9 significant digits.
"""

import numpy as np
import torch
from fixture_json import round_significant, save_fixture
from torch import nn

CONVOLUTIONS = [
    {"input": [2, 9, 8], "batch": 3, "outputs": 3, "kernel": 3, "stride": 1, "bias": True, "finish": "relu-max-pool"},
    {"input": [3, 12, 11], "batch": 2, "outputs": 5, "kernel": 5, "stride": 2, "bias": False, "finish": "linear"},
    {"input": [1, 9, 13], "batch": 2, "outputs": 6, "kernel": 2, "stride": 2, "bias": True, "finish": "relu"},
]
NORMALISATIONS = [
    {"input": [3, 4, 5], "batch": 6, "finish": "linear"},
    {"input": [2, 5, 6], "batch": 4, "finish": "relu-max-pool"},
]


def tensor(number, *shape):
    values = (7919 * number + 104729 * np.arange(int(np.prod(shape)))) % 1009
    values = values.astype(np.float32) / np.float32(1009) - np.float32(0.5)
    return torch.from_numpy(values.astype(np.float64).reshape(shape)).requires_grad_()


def finish(maps, kind):
    if kind == "linear":
        return maps
    maps = nn.functional.relu(maps)
    return maps if kind == "relu" else nn.functional.max_pool2d(maps, 2)


def pull(result, **leaves):
    result.backward(tensor(4, *result.shape).detach())
    return {"result": flat(result), **{f"{name}_gradient": flat(leaf.grad) for name, leaf in leaves.items()}}


def flat(values):
    return round_significant(values.detach().numpy().ravel(), 9)


def convolution(case):
    inputs = tensor(1, case["batch"], *case["input"])
    weight = tensor(2, case["outputs"], case["input"][0], case["kernel"], case["kernel"])
    leaves = {"input": inputs, "weight": weight}
    if case["bias"]:
        leaves["bias"] = tensor(3, case["outputs"])
    maps = nn.functional.conv2d(inputs, weight, leaves.get("bias"), stride=case["stride"])
    return {**case, **pull(finish(maps, case["finish"]), **leaves)}


def normalisation(case):
    channels = case["input"][0]
    inputs, weight, bias = tensor(1, case["batch"], *case["input"]), tensor(2, channels), tensor(3, channels)
    layer = nn.BatchNorm2d(channels, momentum=1.0, dtype=torch.float64)
    layer.weight, layer.bias = nn.Parameter(weight.detach()), nn.Parameter(bias.detach())
    maps = layer(inputs)
    found = pull(finish(maps, case["finish"]), input=inputs, weight=layer.weight, bias=layer.bias)
    return {**case, "mean": flat(layer.running_mean), "variance": flat(layer.running_var), **found}


def main():
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    content = {
        "convolutions": [convolution(case) for case in CONVOLUTIONS],
        "normalisations": [normalisation(case) for case in NORMALISATIONS],
    }
    print(save_fixture("convolution_truth.json", content), "bytes")


if __name__ == "__main__":
    main()
