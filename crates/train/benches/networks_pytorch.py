"""Compare whole training steps of the convolutional networks with PyTorch, one thread each, in turns.

Forward, mean cross-entropy, backward and update of one batch of random images. Ours: the example `training_step`, built
here. Of every round the fastest step counts; printed are milliseconds per 1000 images, and the median ratio of the rounds.

    python networks_pytorch.py [--rounds 3] [--steps 10]
"""

import argparse
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

try:
    import torch
    from torch import nn
except ImportError as error:
    print(f"comparison with PyTorch skipped: {error} (PYTHON={sys.executable})")
    sys.exit(0)

ROOT = Path(__file__).resolve().parents[3]
PROGRAM = "training_step"
# As the orchestrator starts its children.
ENVIRONMENT = {**os.environ, "MALLOC_TRIM_THRESHOLD_": "4000000000", "MALLOC_MMAP_THRESHOLD_": "33554432"}


def cnn():
    model = nn.Sequential(
        *[nn.Conv2d(1, 32, 5, 2, bias=False), nn.ReLU(), nn.Conv2d(32, 64, 5, 2, bias=False), nn.ReLU()],
        *[nn.Flatten(), nn.Linear(1600, 10, bias=False)],
    )
    return model, torch.optim.SGD(model.parameters(), lr=1e-4, momentum=0.9), 32, 128


def convnet():
    model = nn.Sequential(
        *[nn.Conv2d(1, 32, 5), nn.ReLU(), nn.MaxPool2d(2)],
        *[nn.Conv2d(32, 64, 5), nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(2)],
        *[nn.Flatten(), nn.Linear(1024, 128), nn.ReLU(), nn.Linear(128, 10)],
    )
    return model, torch.optim.Adam(model.parameters(), lr=1e-4), 28, 128


def embedding_net():
    layers = [layer for a, b in ((1, 8), (8, 16), (16, 32), (32, 64)) for layer in (nn.Conv2d(a, b, 2), nn.ReLU(), nn.MaxPool2d(2))]
    layers += [nn.Flatten(), nn.Linear(9216, 128), nn.ReLU(), nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, 3), nn.ReLU()]
    model = nn.Sequential(*layers, nn.Linear(3, 3), nn.Linear(3, 10))
    return model, torch.optim.Adam(model.parameters(), lr=1e-4), 221, 64


def theirs(make, steps):
    model, optimiser, side, batch = make()
    images, labels = torch.rand(batch, 1, side, side) - 0.5, torch.arange(batch) % 10
    fastest = float("inf")
    for _ in range(steps):
        start = time.perf_counter()
        optimiser.zero_grad()
        nn.functional.cross_entropy(model(images), labels).backward()
        optimiser.step()
        fastest = min(fastest, time.perf_counter() - start)
    return 1e6 * fastest / batch


def main():
    parser = argparse.ArgumentParser(description="Compare training steps with PyTorch.")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=10)
    options = parser.parse_args()
    torch.set_num_threads(1)
    build = ["cargo", "build", "--release", "--workspace", "--locked", "--quiet", "--example", PROGRAM]
    subprocess.run(build, cwd=ROOT, check=True)
    program = ROOT / os.environ.get("CARGO_TARGET_DIR", "target") / "release" / "examples" / PROGRAM
    for name, make in (("cnn", cnn), ("convnet", convnet), ("embedding-net", embedding_net)):
        pairs = []
        for _ in range(options.rounds):
            ours = subprocess.run([program, name, str(options.steps)], check=True, capture_output=True, text=True, env=ENVIRONMENT)
            pairs.append((float(ours.stdout), theirs(make, options.steps)))
        ratio = statistics.median(b / a for a, b in pairs)
        print(f"{name:14} ours {min(a for a, _ in pairs):7.0f}, PyTorch {min(b for _, b in pairs):7.0f} ms per 1000 images, ratio {ratio:.1f}")


if __name__ == "__main__":
    main()
