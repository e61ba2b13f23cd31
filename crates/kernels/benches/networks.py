"""What networks.rs measures, in PyTorch on one thread: milliseconds for forward and backward of one batch."""

import statistics
import time

import torch
from torch import nn

NETWORKS = {
    "Cnn": (128, 32, [nn.Conv2d(1, 32, 5, 2, bias=False), nn.ReLU(), nn.Conv2d(32, 64, 5, 2, bias=False), nn.ReLU()]),
    "ConvNet": (
        64,
        28,
        [nn.Conv2d(1, 32, 5), nn.ReLU(), nn.MaxPool2d(2)]
        + [nn.Conv2d(32, 64, 5), nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(2)],
    ),
    "EmbeddingNet": (
        64,
        221,
        [
            layer
            for channels in ((1, 8), (8, 16), (16, 32), (32, 64))
            for layer in (nn.Conv2d(*channels, 2), nn.ReLU(), nn.MaxPool2d(2))
        ],
    ),
}


def main():
    torch.set_num_threads(1)
    for name, (batch, side, layers) in NETWORKS.items():
        model, images = nn.Sequential(*layers), torch.randn(batch, 1, side, side)
        times = []
        for _ in range(23):
            model.zero_grad()
            start = time.perf_counter()
            model(images).sum().backward()
            times.append(1000 * (time.perf_counter() - start))
        times = times[3:]
        print(f"{name}: {batch} images, fastest {min(times):.1f} ms, median {statistics.median(times):.1f} ms")


if __name__ == "__main__":
    main()
