"""Make residual_truth.json: SGD steps of a small residual network with batch normalisation, from weights that are a formula.

Inputs, labels and initial weights are those of embedding_truth.py; tensors are counted in the order branch, shortcut. The network is
given as the steps of a pipeline file. SGD has momentum and weight decay, which acts on all parameters. Stored after the steps:
the losses before each, the logits of the first batch with running statistics, and of every tensor every 13th value (all of
those with fewer than 13).
"""

import numpy as np
import torch
from embedding_truth import initialise
from feed_forward_truth import BATCH, CLASSES, batch
from fixture_json import save_fixture
from torch import nn

STEPS, EVERY, SHAPE = 10, 13, [3, 9, 8]
RECIPE = {
    "learning_rate": 0.05,
    "momentum": 0.9,
    "weight_decay": 0.01,
    "steps": STEPS,
    "batch": BATCH,
    "classes": CLASSES,
    "every": EVERY,
}


class Block(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        conv = lambda a, b, kernel, stride: nn.Conv2d(a, b, kernel, stride, padding=kernel // 2, bias=False)
        first = [("conv1", conv(inputs, outputs, 3, stride)), ("norm1", nn.BatchNorm2d(outputs)), ("", nn.ReLU())]
        self.branch = [*first, ("conv2", conv(outputs, outputs, 3, 1)), ("norm2", nn.BatchNorm2d(outputs))]
        self.shortcut = [("conv1", conv(inputs, outputs, 1, stride)), ("norm1", nn.BatchNorm2d(outputs))] if stride > 1 else []
        self.modules_ = nn.ModuleList([module for _, module in [*self.branch, *self.shortcut]])

    def forward(self, x):
        run = lambda part, x: nn.Sequential(*[module for _, module in part])(x)
        return run(self.branch, x) + run(self.shortcut, x)

    def named(self, name):
        yield from ((f"{name}.{own}", module) for own, module in self.branch if own)
        yield from ((f"{name}.shortcut.{own}", module) for own, module in self.shortcut)


def network():
    stem, norm, first, second = nn.Conv2d(3, 6, 3, padding=1, bias=False), nn.BatchNorm2d(6), Block(6, 6, 1), Block(6, 8, 2)
    linear = nn.Linear(8, CLASSES)
    model = nn.Sequential(
        stem, norm, nn.ReLU(), first, nn.ReLU(), second, nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), linear
    )
    named = [("conv1", stem), ("norm1", norm), *first.named("first"), *second.named("second"), ("linear", linear)]
    return named, model


def steps():
    conv = lambda channels, kernel, stride: {
        "conv": {"channels": channels, "kernel": kernel, "stride": stride, "padding": kernel // 2, "bias": False}
    }
    branch = lambda channels, stride: [conv(channels, 3, stride), "batch-norm", "relu", conv(channels, 3, 1), "batch-norm"]
    first = {"residual": {"name": "first", "steps": branch(6, 1)}}
    second = {"residual": {"name": "second", "steps": branch(8, 2), "shortcut": [conv(8, 1, 2), "batch-norm"]}}
    end = ["relu", "global-average-pool", {"linear": "classes"}]
    return [conv(6, 3, 1), "batch-norm", "relu", first, "relu", second, *end]


def run(dtype):
    named, model = network()
    initialise([module for _, module in named])
    model = model.to(dtype)
    settings = {key: RECIPE[key] for key in ["momentum", "weight_decay"]}
    optimiser = torch.optim.SGD(model.parameters(), lr=RECIPE["learning_rate"], **settings)
    losses = []
    for step in range(STEPS):
        inputs, labels = batch(step, SHAPE)
        loss = nn.functional.cross_entropy(model(inputs.to(dtype)), labels)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    model.eval()
    logits = model(batch(0, SHAPE)[0].to(dtype)).detach().numpy()
    final = {}
    for name, module in named:
        for key, tensor in module.state_dict().items():
            if key != "num_batches_tracked":
                values = tensor.numpy().ravel()
                final[f"{name}.{key}"] = values[::EVERY] if values.size >= EVERY else values
    return np.array(losses), logits, final


def main():
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    loss, logits, final = run(torch.float64)
    assert np.abs(loss - run(torch.float32)[0]).max() < 1e-5
    case = {"network": "network", "input": SHAPE, "listed": steps(), "loss": loss, "logits": logits, "final": final}
    print(save_fixture("residual_truth.json", {"recipe": RECIPE, "cases": [case]}), "bytes", loss)


if __name__ == "__main__":
    main()
