"""Make embedding_truth.json: SGD steps of `convnet` and `embedding-net`, from weights that are a formula.

Inputs and labels are those of feed_forward_truth.py. Weight or bias number i of tensor t (in stored order, running statistics
not counted) is 2 (((7919 (i + 100003 t)) mod 1009) / 1009 - 0.5) / sqrt(fan_in), computed in float32; batch normalisation
starts at weight 1, bias 0, mean 0, variance 1. Stored after the steps: the losses, the logits of the first batch with
running statistics, and of every tensor every 97th value (all of those with fewer than 97).
"""

import numpy as np
import torch
from feed_forward_truth import BATCH, CLASSES, batch
from fixture_json import save_fixture
from torch import nn

STEPS, EVERY = 6, 97
RECIPE = {"learning_rate": 0.02, "momentum": 0.9, "steps": STEPS, "batch": BATCH, "classes": CLASSES, "every": EVERY}
CASES = {"convnet": [1, 17, 16], "embedding-net": [1, 41, 40]}


def convnet(shape):
    names = ["conv1", "", "", "conv2", "norm2", "", "", "", "embedding", "", "classifier"]
    convolutions = [nn.Conv2d(1, 32, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(32, 64, 5), nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()]
    features = nn.Sequential(*convolutions)(torch.zeros(2, *shape)).shape[1]
    convolutions[4].reset_running_stats()
    return names, [*convolutions, nn.Linear(features, 128), nn.ReLU(), nn.Linear(128, CLASSES)]


def embedding_net(shape):
    names, modules, channels = [], [], [shape[0], 8, 16, 32, 64]
    for i, (a, b) in enumerate(zip(channels, channels[1:])):
        names += [f"conv{i + 1}", "", ""]
        modules += [nn.Conv2d(a, b, 2), nn.ReLU(), nn.MaxPool2d(2)]
    names, modules = [*names, ""], [*modules, nn.Flatten()]
    widths = [nn.Sequential(*modules)(torch.zeros(1, *shape)).shape[1], 128, 64, 3]
    for i, (a, b) in enumerate(zip(widths, widths[1:])):
        names += [f"linear{i + 1}", ""]
        modules += [nn.Linear(a, b), nn.ReLU()]
    return [*names, "embedding", "classifier"], [*modules, nn.Linear(3, 3), nn.Linear(3, CLASSES)]


def initialise(modules):
    tensors = [(p, m) for m in modules if not isinstance(m, (nn.BatchNorm1d, nn.BatchNorm2d)) for p in m.parameters()]
    counted = 0
    for module in modules:
        for parameter in module.parameters():
            if any(parameter is p for p, _ in tensors):
                fan_in = module.weight[0].numel()
                i = np.arange(parameter.numel(), dtype=np.int64) + 100003 * counted
                values = 2 * ((7919 * i % 1009).astype(np.float32) / np.float32(1009) - np.float32(0.5)) / np.sqrt(np.float32(fan_in))
                parameter.data = torch.from_numpy(values.astype(np.float32).reshape(parameter.shape))
            counted += 1


def run(name, shape, dtype):
    names, modules = convnet(shape) if name == "convnet" else embedding_net(shape)
    initialise(modules)
    model = nn.Sequential(*modules).to(dtype)
    optimiser = torch.optim.SGD(model.parameters(), lr=RECIPE["learning_rate"], momentum=RECIPE["momentum"])
    losses = []
    for step in range(STEPS):
        inputs, labels = batch(step, shape)
        loss = nn.functional.cross_entropy(model(inputs.to(dtype)), labels)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    model.eval()
    logits = model(batch(0, shape)[0].to(dtype)).detach().numpy()
    state = {f"{key}.{part}": value for key, module in zip(names, modules) for part, value in module.state_dict().items()}
    state = {key: value.numpy().ravel() for key, value in state.items() if value.dim() > 0}
    return np.array(losses), logits, {key: value[:: EVERY if value.size >= EVERY else 1] for key, value in state.items()}


def main():
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    cases = []
    for name, shape in CASES.items():
        loss32, logits32, _ = run(name, shape, torch.float32)
        loss, logits, final = run(name, shape, torch.float64)
        print(name, "float32 differs by", np.abs(loss - loss32).max(), np.abs(logits - logits32).max(), "of", np.abs(logits).max())
        cases.append({"network": name, "input": shape, "loss": loss, "logits": logits, "final": final})
    print(save_fixture("embedding_truth.json", {"recipe": RECIPE, "cases": cases}), "bytes")


if __name__ == "__main__":
    main()
