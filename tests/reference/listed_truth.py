"""Make listed_truth.json: SGD steps of whole networks that are given as steps: one like VGG, with batch normalisation and dropout, and
the ResNet-20 of pipelines/resnet20.toml.

Inputs, labels and initial weights are those of embedding_truth.py; modules are those of steps_truth.py. Dropout number i (from 0, counted
through all training steps) has the mask of steps_truth.py. Stored after the steps, which are in float64: the losses before each, the
logits of the first batch with running statistics, and of every tensor, in stored order, every so many values (all of those with fewer).
In a deep network rounding soon takes a value to the other side of a ReLU, and two runs apart (seen: 4e-3 of a tensor between float32 and
float64 after four steps of ResNet-20). So there are two.
"""

import tomllib

import numpy as np
import torch
from embedding_truth import initialise
from feed_forward_truth import BATCH, CLASSES, batch
from fixture_json import FOLDER, round_significant, save_fixture
from steps_truth import Builder, Mask, conv, tensors
from torch import nn

PIPELINE = FOLDER.parent.parent / "pipelines" / "resnet20.toml"
VGG = [
    conv(8, 3, padding=1, bias=False), "batch-norm", "relu", conv(8, 3, padding=1), "batch-norm", "relu", {"max-pool": 2},
    {"dropout": 0.2},
    conv(12, 3, padding=1), "batch-norm", "relu", {"max-pool": 2},
    "flatten", {"linear": 16}, "batch-norm", "relu", {"dropout": 0.5}, {"linear": "classes"},
]  # fmt: skip


def cases():
    resnet20 = tomllib.loads(PIPELINE.read_text(encoding="utf-8"))["train"]["resnet20"]["steps"]
    yield "VGG", [3, 17, 14], VGG, {"learning_rate": 0.05, "momentum": 0.9, "weight_decay": 0.01, "steps": 10, "every": 13}
    yield "ResNet-20", [3, 11, 13], resnet20, {"learning_rate": 0.03, "momentum": 0.9, "weight_decay": 1e-4, "steps": 2, "every": 307}


def run(shape, steps, recipe, dtype):
    network = Builder(shape, CLASSES).steps(steps)
    initialise([module for module in network.modules() if [*module.parameters(recurse=False)]])
    network = network.to(dtype).train()
    settings = {key: recipe[key] for key in ["momentum", "weight_decay"]}
    optimiser = torch.optim.SGD(network.parameters(), lr=recipe["learning_rate"], **settings)
    masks = [module for module in network.modules() if isinstance(module, Mask)]
    losses = []
    for step in range(recipe["steps"]):
        for number, mask in enumerate(masks):
            mask.number = step * len(masks) + number
        inputs, labels = batch(step, shape)
        loss = nn.functional.cross_entropy(network(inputs.to(dtype)), labels)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    logits = network.eval()(batch(0, shape)[0].to(dtype)).detach().numpy()
    final = [tensor.detach().numpy().ravel() for _, tensor in tensors(network)]
    every = recipe["every"]
    return np.array(losses), logits, [round_significant(values[:: every if values.size >= every else 1], 9) for values in final]


def apart(found, expected):
    """max |found - expected| / max |expected|."""
    return np.abs(found - expected).max() / np.abs(expected).max()


def main():
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    content = []
    for name, shape, steps, recipe in cases():
        loss, logits, final = run(shape, steps, recipe, torch.float64)
        loss32, logits32, final32 = run(shape, steps, recipe, torch.float32)
        tensor = max(apart(a, b) for a, b in zip(final32, final))
        print(f"{name}: float32 is apart by {apart(loss32, loss):.1e} (losses), {apart(logits32, logits):.1e} (logits), {tensor:.1e} (a tensor)")
        recipe = {**recipe, "batch": BATCH, "classes": CLASSES}
        case = {"network": name, "input": shape, "listed": steps, "loss": loss, "logits": logits, "ordered": final}
        content.append({"recipe": recipe, "case": case})
    print(save_fixture("listed_truth.json", {"trainings": content}), "bytes")


if __name__ == "__main__":
    main()
