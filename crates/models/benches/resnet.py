"""ResNet-18 on images of 32 x 32 pixels in PyTorch, on one thread: for every line read, one forward pass of a batch, whose CPU seconds are
written. The architecture is torchvision's, without its package."""

import sys
import time

import torch
from torch import nn


def conv(inputs, outputs, kernel, stride):
    return nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False)


class Block(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.branch = nn.Sequential(
            conv(inputs, outputs, 3, stride),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
            conv(outputs, outputs, 3, 1),
            nn.BatchNorm2d(outputs),
        )
        self.shortcut = nn.Identity()
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Sequential(conv(inputs, outputs, 1, stride), nn.BatchNorm2d(outputs))
        self.relu = nn.ReLU(inplace=True)

    def forward(self, values):
        return self.relu(self.branch(values) + self.shortcut(values))


def resnet18():
    stem = [conv(3, 64, 7, 2), nn.BatchNorm2d(64), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2, 1)]
    blocks, inputs = [], 64
    for outputs, stride in [(64, 1), (128, 2), (256, 2), (512, 2)]:
        blocks += [Block(inputs, outputs, stride), Block(outputs, outputs, 1)]
        inputs = outputs
    return nn.Sequential(*stem, *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, 10))


def main():
    batch = int(sys.argv[1])
    torch.set_num_threads(1)
    network = resnet18().eval()
    images = torch.rand(batch, 3, 32, 32)
    with torch.inference_mode():
        for _ in sys.stdin:
            start = time.process_time()
            network(images)
            print(time.process_time() - start, flush=True)


if __name__ == "__main__":
    main()
