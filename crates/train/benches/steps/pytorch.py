"""What `main.rs` beside this file compares with: the same steps in PyTorch, from the same weights and batches, on one thread.

The first line read is JSON: the steps of the network, the shape of an image, the number of classes, the constants of SGD. All tensors
follow as float32, in the order of the state dictionary. Then, for each batch, a line of JSON (the number of images, and the learning
rate of a step or null for an evaluation), the images as float32 and the labels as bytes. The answer to each is a line: mean loss,
images classified correctly, CPU seconds.
"""

import json
import sys
import time

import numpy
import torch
from torch import nn


class Residual(nn.Module):
    def __init__(self, branch, shortcut):
        super().__init__()
        self.branch, self.shortcut = branch, shortcut

    def forward(self, values):
        return self.branch(values) + self.shortcut(values)


def layers(steps, channels, classes):
    """The steps of a pipeline file as modules, and the channels that they end with."""
    modules = []
    for step in steps:
        kind, value = (step, {}) if isinstance(step, str) else next(iter(step.items()))
        if kind == "conv":
            settings = {key: value[key] for key in ("stride", "padding", "bias") if key in value}
            modules.append(nn.Conv2d(channels, value["channels"], value["kernel"], **settings))
            channels = value["channels"]
        elif kind == "batch-norm":
            modules.append(nn.BatchNorm2d(channels))
        elif kind == "relu":
            modules.append(nn.ReLU(inplace=True))
        elif kind == "max-pool":
            modules.append(nn.MaxPool2d(value))
        elif kind == "residual":
            branch, after = layers(value["steps"], channels, classes)
            shortcut, _ = layers(value.get("shortcut", []), channels, classes)
            modules.append(Residual(branch, shortcut))
            channels = after
        elif kind == "global-average-pool":
            modules.append(nn.AdaptiveAvgPool2d(1))
        elif kind == "linear":
            modules += [nn.Flatten(), nn.LazyLinear(classes if value == "classes" else value)]
        else:
            raise ValueError(f"the step {kind} is not known here")
    return nn.Sequential(*modules), channels


def read(count, kind):
    values = numpy.frombuffer(sys.stdin.buffer.read(count * numpy.dtype(kind).itemsize), kind)
    return torch.from_numpy(values.copy())


def main():
    torch.set_num_threads(1)
    told = json.loads(sys.stdin.buffer.readline())
    shape = told["shape"]
    network, _ = layers(told["steps"], shape[0], told["classes"])
    network(torch.zeros(2, *shape))
    with torch.no_grad():
        for name, tensor in network.state_dict().items():
            if not name.endswith("num_batches_tracked"):
                tensor.copy_(read(tensor.numel(), "<f4").reshape(tensor.shape))
    constants = {"momentum": told["momentum"], "weight_decay": told["weight_decay"]}
    optimiser = torch.optim.SGD(network.parameters(), lr=1.0, **constants)
    while line := sys.stdin.buffer.readline():
        batch = json.loads(line)
        images = read(batch["images"] * shape[0] * shape[1] * shape[2], "<f4").reshape(-1, *shape)
        labels = read(batch["images"], "u1").long()
        start = time.process_time()
        trains = batch["learning_rate"] is not None
        network.train(trains)
        with torch.set_grad_enabled(trains):
            logits = network(images)
            loss = nn.functional.cross_entropy(logits, labels)
        if trains:
            optimiser.param_groups[0]["lr"] = batch["learning_rate"]
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        correct = (logits.argmax(1) == labels).sum().item()
        print(loss.item(), correct, time.process_time() - start, flush=True)


if __name__ == "__main__":
    main()
