"""What `main.rs` beside this file compares with: the same training in PyTorch, from tensors in memory.

    pytorch.py version
    pytorch.py train THREADS WORKLOAD.json       {"wall": seconds, "cpu": seconds, "peak_bytes": bytes}, the first two an epoch
    pytorch.py products WORKLOAD.json            seconds of the plain matrix products of one epoch, on one thread

No data loader and no work that ours does not do: batches are gathered from one tensor, losses are read once a step.
"""

import json
import resource
import sys
import time
from pathlib import Path

import torch
from torch import nn


class Bilinear(nn.Module):
    def __init__(self, hidden):
        super().__init__()
        self.embed = nn.Linear(784, hidden, bias=False)
        self.gate = nn.Linear(hidden, 2 * hidden, bias=False)
        self.unembed = nn.Linear(hidden, 10, bias=False)

    def forward(self, x):
        left, right = self.gate(self.embed(x)).chunk(2, dim=-1)
        return self.unembed(left * right)


def network(kind, parameters):
    if kind == "bilinear":
        return Bilinear(parameters["hidden"])
    if kind == "cnn":
        first, second = parameters["channels"]
        layers = [nn.Conv2d(1, first, 5, 2, bias=False), nn.ReLU(), nn.Conv2d(first, second, 5, 2, bias=False), nn.ReLU()]
        return nn.Sequential(*layers, nn.Flatten(), nn.LazyLinear(10, bias=False))
    if kind == "convnet":
        layers = [nn.Conv2d(1, 32, 5), nn.ReLU(), nn.MaxPool2d(2)]
        layers += [nn.Conv2d(32, 64, 5), nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(2)]
        return nn.Sequential(*layers, nn.Flatten(), nn.LazyLinear(128), nn.ReLU(), nn.Linear(128, 10))
    layers = []
    for inputs, outputs in ((1, 8), (8, 16), (16, 32), (32, 64)):
        layers += [nn.Conv2d(inputs, outputs, 2), nn.ReLU(), nn.MaxPool2d(2)]
    embedding = parameters["embedding"]
    layers += [nn.Flatten(), nn.LazyLinear(128), nn.ReLU(), nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, embedding), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(embedding, embedding), nn.Linear(embedding, 10))


def optimiser(kind, parameters, model):
    rate = parameters["learning_rate"]
    if kind == "bilinear":
        return torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=parameters["weight_decay"])
    if kind == "cnn":
        return torch.optim.SGD(model.parameters(), lr=rate, momentum=parameters["momentum"])
    return torch.optim.Adam(model.parameters(), lr=rate)


def images(workload, split):
    stored, side, count = workload["stored"], workload["side"], workload[split]
    path = Path(workload["folder"]) / f"{split}.u8"
    pixels = torch.from_file(str(path), size=count * stored * stored, dtype=torch.uint8)
    pixels = pixels.reshape(count, 1, stored, stored).float() / 255
    if side != stored:
        pixels = nn.functional.interpolate(pixels, (side, side), mode="bilinear", align_corners=False)
    return pixels.flatten(1) if workload["kind"] == "bilinear" else pixels


def train(workload):
    kind, parameters, batch = workload["kind"], workload["parameters"], workload["batch"]
    inputs, test = images(workload, "train"), images(workload, "test")
    labels, test_labels = torch.arange(len(inputs)) % 10, torch.arange(len(test)) % 10
    model = network(kind, parameters)
    with torch.no_grad():
        model(inputs[:2])
    optim = optimiser(kind, parameters, model)
    loss_of = nn.CrossEntropyLoss()
    noise = parameters.get("noise_std", 0.0)
    used = len(inputs) // batch * batch if kind == "bilinear" else len(inputs)
    for epoch in range(workload["epochs"] + 1):
        if epoch == 1:
            wall, cpu = time.perf_counter(), time.process_time()
        model.train()
        total, correct = 0.0, 0
        for rows in torch.randperm(len(inputs))[:used].split(batch):
            x, y = inputs[rows], labels[rows]
            if noise > 0:
                x += torch.randn_like(x) * noise
            logits = model(x)
            loss = loss_of(logits, y)
            optim.zero_grad()
            loss.backward()
            optim.step()
            total += loss.item()
            correct += (logits.argmax(1) == y).sum().item()
        model.eval()
        with torch.no_grad():
            for x, y in zip(test.split(2000), test_labels.split(2000)):
                logits = model(x)
                loss_of(logits, y).item()
                (logits.argmax(1) == y).sum().item()
    epochs = workload["epochs"]
    return {
        "wall": (time.perf_counter() - wall) / epochs,
        "cpu": (time.process_time() - cpu) / epochs,
        "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }


def fastest(product, attempts=7):
    times = []
    for _ in range(attempts):
        start = time.perf_counter()
        product()
        times.append(time.perf_counter() - start)
    return min(times)


def products(workload):
    rows, step = workload["batch"], 0.0
    for position, (_, weight) in enumerate(network(workload["kind"], workload["parameters"]).named_parameters()):
        weight = weight.detach()
        outputs, inputs = weight.shape
        x, gradient = torch.rand(rows, inputs), torch.rand(rows, outputs)
        step += fastest(lambda: x @ weight.T) + fastest(lambda: gradient.T @ x)
        if position > 0:
            step += fastest(lambda: gradient @ weight)
    return step * (workload["train"] // rows)


def main():
    command = sys.argv[1]
    if command == "version":
        print(torch.__version__)
        return
    workload = json.loads(Path(sys.argv[-1]).read_text())
    torch.manual_seed(0)
    torch.set_num_threads(int(sys.argv[2]) if command == "train" else 1)
    print(json.dumps(train(workload) if command == "train" else products(workload)))


if __name__ == "__main__":
    main()
