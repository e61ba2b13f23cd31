"""Make steps_truth.json: every step that a list of steps can have, and small whole networks: results and all gradients, in float64.

Each case has a list of steps as users write it, which is built here from PyTorch's modules. Tensors are a formula, so that they
need no storage: value i of tensor t (row-major) is ((7919 t + 104729 i) mod 1009) / 1009 - 0.5 in float32. t = 0: the gradient of the
result; t = 1: the input [batch, channels, height, width]; t = 2, 3, ...: the parameters in the order of the steps, each weight, bias,
running mean and running variance (plus 1) of a step one after another, those of a shortcut after those of its branch. The values of
dropout number i (from 0) are kept where (7919 i + 104729 value) mod 1009 is at least 1009 times the rate. "train": whether the network is in training.
Results have 9 significant digits. Of large gradients every 7th value is stored.
"""

import json

import numpy as np
import torch
from fixture_json import round_significant, save_fixture
from torch import nn

LARGE = 150


def conv(channels, kernel, **more):
    return {"conv": {"channels": channels, "kernel": kernel, **more}}


def block(*steps, **more):
    return {"residual": {"steps": list(steps), **more}}


def basic_block(channels, stride=1, shortcut=False):
    steps = [
        conv(channels, 3, padding=1, stride=stride, bias=False),
        "batch-norm",
        "relu",
        conv(channels, 3, padding=1, bias=False),
        "batch-norm",
    ]
    if not shortcut:
        return [block(*steps), "relu"]
    return [block(*steps, shortcut=[conv(channels, 1, stride=stride, bias=False), "batch-norm"]), "relu"]


# Steps alone: the values of the result are the classes.
SINGLE = [
    ("linear", [2, 2, 3], [{"linear": 5}], False),
    ("linear without bias", [12, 1, 1], [{"linear": {"outputs": 5, "bias": False}}], False),
    ("convolution, padded", [3, 6, 5], [conv(4, 3, padding=1)], False),
    ("convolution, strided and padded", [2, 9, 8], [conv(5, 5, stride=2, padding=2, bias=False)], False),
    ("convolution, dilated", [2, 9, 8], [conv(3, 3, dilation=2, padding=2)], False),
    ("convolution, dilated and strided", [2, 11, 10], [conv(3, 3, dilation=3, stride=2, padding=1)], False),
    ("convolution in groups", [4, 6, 5], [conv(6, 3, groups=2, padding=1)], False),
    ("convolution of every channel", [5, 6, 5], [conv(10, 3, groups=5, stride=2, padding=1)], False),
    ("convolution of single pixels", [6, 4, 3], [conv(5, 1)], False),
    ("convolution, ReLU, max pooling", [2, 8, 7], [conv(4, 3, padding=1), "relu", {"max-pool": 2}], False),
    ("batch norm", [3, 4, 3], ["batch-norm"], False),
    ("batch norm of features", [7, 1, 1], ["batch-norm"], False),
    ("batch norm in training", [3, 4, 3], ["batch-norm"], True),
    ("batch norm of features in training", [7, 1, 1], [{"batch-norm": {"epsilon": 0.01, "momentum": 0.3}}], True),
    ("batch norm of flattened images in training", [2, 2, 3], ["flatten", "batch-norm"], True),
    ("batch norm, ReLU, max pooling in training", [2, 6, 5], ["batch-norm", "relu", {"max-pool": 2}], True),
    ("convolution and batch norm", [2, 6, 5], [conv(4, 3, padding=1), "batch-norm", "relu"], False),
    ("ReLU", [3, 4, 5], ["relu"], False),
    ("GELU", [3, 4, 5], [{"linear": 40}, "gelu"], False),
    ("GELU by tanh", [3, 4, 5], [{"linear": 40}, {"gelu": {"approximate": "tanh"}}], False),
    ("SiLU", [3, 4, 5], [{"linear": 40}, "silu"], False),
    ("tanh", [3, 4, 5], [{"linear": 40}, "tanh"], False),
    ("sigmoid", [3, 4, 5], [{"linear": 40}, "sigmoid"], False),
    ("leaky ReLU", [3, 4, 5], [{"leaky-relu": 0.2}], False),
    ("max pooling", [3, 6, 7], [{"max-pool": 2}], False),
    ("max pooling, padded", [3, 6, 7], [{"max-pool": {"kernel": 3, "stride": 2, "padding": 1}}], False),
    ("average pooling", [3, 6, 7], [{"average-pool": 3}], False),
    ("average pooling, padded", [3, 6, 7], [{"average-pool": {"kernel": 3, "stride": 2, "padding": 1}}], False),
    (
        "average pooling without its padding",
        [3, 6, 7],
        [{"average-pool": {"kernel": 3, "stride": 2, "padding": 1, "count_include_pad": False}}],
        False,
    ),
    (
        "average pooling of large windows without their padding, in training",
        [2, 5, 8],
        ["batch-norm", {"average-pool": {"kernel": 4, "stride": 3, "padding": 2, "count_include_pad": False}}],
        True,
    ),
    ("global average pooling", [3, 6, 7], ["global-average-pool"], False),
    ("dropout", [3, 4, 5], [{"dropout": 0.3}], False),
    ("dropout in training", [3, 4, 5], [{"dropout": 0.3}], True),
    ("bilinear", [2, 2, 3], [{"bilinear": 4}], False),
    ("bilinear with bias", [2, 2, 3], [{"bilinear": {"outputs": 4, "bias": True}}], False),
    ("residual", [3, 4, 5], [block(conv(3, 3, padding=1), "tanh")], False),
    (
        "residual with a shortcut",
        [3, 6, 5],
        [block(conv(4, 3, padding=1, stride=2), "relu", shortcut=[conv(4, 1, stride=2), "batch-norm"])],
        True,
    ),
    ("softmax left out", [2, 2, 3], [{"linear": 5}, "softmax"], False),
]

NETWORKS = [
    (
        "LeNet",
        [1, 14, 14],
        [
            conv(3, 5, padding=2), "tanh", {"average-pool": 2},
            conv(4, 3), "sigmoid", {"average-pool": 2},
            "flatten", {"linear": 9}, "tanh", {"linear": "classes"},
        ],
        [False],
    ),
    (
        "VGG",
        [3, 8, 8],
        [
            conv(4, 3, padding=1), "batch-norm", "relu", conv(4, 3, padding=1), "batch-norm", "relu", {"max-pool": 2},
            conv(6, 3, padding=1), "batch-norm", "relu", {"max-pool": 2},
            "flatten", {"linear": 8}, "relu", {"dropout": 0.5}, {"linear": "classes"},
        ],
        [False, True],
    ),
    (
        "ResNet",
        [3, 9, 8],
        [
            conv(4, 3, padding=1, bias=False), "batch-norm", "relu", {"max-pool": {"kernel": 3, "stride": 2, "padding": 1}},
            *basic_block(4), *basic_block(6, stride=2, shortcut=True), *basic_block(6),
            "global-average-pool", {"linear": "classes"},
        ],
        [False, True],
    ),
    (
        "depthwise and dilated",
        [3, 10, 9],
        [
            conv(6, 3, padding=1, stride=2, bias=False), "batch-norm", "silu",
            conv(6, 3, padding=2, dilation=2, groups=6, bias=False), "batch-norm", {"leaky-relu": 0.1},
            conv(8, 1), "relu", "global-average-pool", "flatten", {"linear": "classes"},
        ],
        [False, True],
    ),
    (
        "MLP with GELU",
        [1, 4, 5],
        [{"linear": 12}, "gelu", "batch-norm", {"dropout": 0.2}, block({"linear": 12}, "gelu"), {"linear": "classes"}],
        [False, True],
    ),
    (
        "bilinear blocks",
        [1, 4, 5],
        [{"linear": {"outputs": 6, "bias": False}}, block({"bilinear": 6}), block({"bilinear": 6}), {"linear": {"outputs": "classes", "bias": False}}],
        [False],
    ),
]  # fmt: skip


class Gate(nn.Module):
    def forward(self, values):
        left, right = values.chunk(2, dim=1)
        return left * right


class Mask(nn.Module):
    """Dropout with the mask of the formula."""

    def __init__(self, number, rate):
        super().__init__()
        self.number, self.rate = number, rate

    def forward(self, values):
        if not self.training:
            return values
        random = (7919 * self.number + 104729 * np.arange(values.numel())) % 1009
        keep = torch.from_numpy(random >= 1009 * self.rate).reshape(values.shape)
        return values * keep / (1 - self.rate)


class Residual(nn.Module):
    def __init__(self, branch, shortcut):
        super().__init__()
        self.branch, self.shortcut = branch, shortcut

    def forward(self, values):
        return self.branch(values) + self.shortcut(values)


class Builder:
    """PyTorch modules of a list of steps; shapes are found by running them."""

    def __init__(self, shape, classes):
        self.values = torch.zeros(2, *shape, dtype=torch.float64)
        self.classes, self.dropouts = classes, 0

    def steps(self, steps):
        return nn.Sequential(*[self.append(self.module(step)) for step in steps])

    def append(self, module):
        module = module.double().eval()
        with torch.no_grad():
            self.values = module(self.values)
        return module

    def linear(self, value, default_bias, factor=1):
        fields = value if isinstance(value, dict) else {"outputs": value}
        outputs = self.classes if fields["outputs"] == "classes" else fields["outputs"]
        inputs = self.values[0].numel()
        return [nn.Flatten(), nn.Linear(inputs, factor * outputs, bias=fields.get("bias", default_bias))]

    def module(self, step):
        kind, value = (step, {}) if isinstance(step, str) else next(iter(step.items()))
        channels = self.values.shape[1]
        match kind:
            case "linear":
                return nn.Sequential(*self.linear(value, True))
            case "bilinear":
                return nn.Sequential(*self.linear(value, False, 2), Gate())
            case "conv":
                fields = {key: value[key] for key in value if key != "name"}
                return nn.Conv2d(channels, fields.pop("channels"), fields.pop("kernel"), **fields)
            case "batch-norm":
                norm = nn.BatchNorm2d if self.values.dim() == 4 else nn.BatchNorm1d
                return norm(channels, eps=value.get("epsilon", 1e-5), momentum=value.get("momentum", 0.1))
            case "gelu":
                return nn.GELU(**value)
            case "leaky-relu":
                return nn.LeakyReLU(value)
            case "max-pool" | "average-pool":
                fields = dict(value) if isinstance(value, dict) else {"kernel": value}
                sizes = (fields["kernel"], fields.get("stride"), fields.get("padding", 0))
                if kind == "max-pool":
                    return nn.MaxPool2d(*sizes)
                return nn.AvgPool2d(*sizes, count_include_pad=fields.get("count_include_pad", True))
            case "global-average-pool":
                return nn.AdaptiveAvgPool2d(1)
            case "dropout":
                self.dropouts += 1
                return Mask(self.dropouts - 1, value)
            case "residual":
                before = self.values
                branch = self.steps(value["steps"])
                self.values = before
                shortcut = self.steps(value["shortcut"]) if "shortcut" in value else nn.Identity()
                self.values = before
                return Residual(branch, shortcut)
            case "softmax":
                return nn.Identity()
        simple = {"relu": nn.ReLU, "silu": nn.SiLU, "tanh": nn.Tanh, "sigmoid": nn.Sigmoid, "flatten": nn.Flatten}
        return simple[kind]()


def numbers(number, *shape):
    values = (7919 * number + 104729 * np.arange(int(np.prod(shape)))) % 1009
    values = values.astype(np.float32) / np.float32(1009) - np.float32(0.5)
    return torch.from_numpy(values.astype(np.float64).reshape(shape))


def tensors(network):
    """Parameters and running statistics in stored order."""
    for module in network.modules():
        own = [*module.named_parameters(recurse=False), *module.named_buffers(recurse=False)]
        yield from ((name, tensor) for name, tensor in own if name != "num_batches_tracked")


def stored(values):
    flat = values.detach().numpy().ravel()
    return round_significant(flat[::7] if flat.size > LARGE else flat, 9)


def case(name, shape, steps, train, classes, batch=4):
    builder = Builder(shape, classes)
    network = builder.steps(steps)
    classes = builder.values[0].numel()
    for number, (tensor_name, tensor) in enumerate(tensors(network)):
        values = numbers(number + 2, *tensor.shape)
        tensor.data = values + 1 if tensor_name == "running_var" else values
    network.train(train)
    inputs = numbers(1, batch, *shape).requires_grad_()
    result = network(inputs).flatten(1)
    result.backward(numbers(0, *result.shape))
    found = list(tensors(network))
    gradients = [[] if tensor.grad is None else stored(tensor.grad) for _, tensor in found]
    statistics = [stored(tensor) for name, tensor in found if name.startswith("running") and train]
    return {
        "name": name,
        "input": shape,
        "batch": batch,
        "classes": classes,
        "train": train,
        "steps": json.dumps(steps),
        "result": stored(result),
        "input_gradient": stored(inputs.grad),
        "gradients": gradients,
        "statistics": statistics,
    }


def main():
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    cases = [case(name, shape, steps, train, None) for name, shape, steps, train in SINGLE]
    for name, shape, steps, modes in NETWORKS:
        for train in modes:
            text = f"{name} in training" if train else name
            cases.append(case(text, shape, steps, train, 3, batch=6))
    print(save_fixture("steps_truth.json", {"cases": cases}), "bytes")


if __name__ == "__main__":
    main()
