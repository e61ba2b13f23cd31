"""Make resize_truth.json: images enlarged and reduced bilinearly with half-pixel centres, by PyTorch in float64.

Pixel p of channel c of an image is (7919 c + 104729 p) mod 256, divided by 255. Of every result each `every`-th value is
stored, channel by channel and row by row.
"""

import numpy as np
import torch
from fixture_json import save_fixture

EVERY = 89
CASES = [([1, 28, 28], [221, 221]), ([1, 8, 8], [64, 64]), ([3, 11, 6], [5, 13]), ([1, 9, 9], [3, 3])]


def main():
    cases = []
    for shape, size in CASES:
        channel, pixel = np.arange(shape[0])[:, None], np.arange(shape[1] * shape[2])[None, :]
        image = ((7919 * channel + 104729 * pixel) % 256 / 255.0).reshape(1, *shape)
        resized = torch.nn.functional.interpolate(torch.from_numpy(image), size=size, mode="bilinear", align_corners=False, antialias=False)
        cases.append({"shape": shape, "size": size, "values": resized.numpy().ravel()[::EVERY]})
    print(save_fixture("resize_truth.json", {"every": EVERY, "cases": cases}), "bytes")


if __name__ == "__main__":
    main()
