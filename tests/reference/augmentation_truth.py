"""Make augmentation_truth.json: rotations, shifts and blurs of images by torchvision.

Value p (channel by channel, row by row) of an image is ((7919 p) mod 1009) / 1009. `affine` with bilinear interpolation turns
about the centre, clockwise, and shifts; nothing is outside (fill=None). `gaussian_blur` has windows of 5 x 5 pixels. All in
float64.
"""

import numpy as np
import torch
from fixture_json import round_significant, save_fixture
from torchvision.transforms import InterpolationMode
from torchvision.transforms.functional import affine, gaussian_blur

SHAPES = [[1, 8, 8], [3, 5, 9], [1, 12, 13]]
ROTATIONS = [0.0, 7.5, -32.0, 90.0, 180.0]
SHIFTS = [[0.0, 0.0], [2.0, -1.0], [-0.3, 1.75], [40.0, 0.0]]
SIGMAS = [0.01, 0.3, 0.81, 5.0]


def image(shape):
    p = np.arange(int(np.prod(shape)), dtype=np.int64)
    return torch.from_numpy((((7919 * p) % 1009) / 1009).reshape(shape))


def placed(picture, angle, down, right):
    moved = affine(
        picture, angle=angle, translate=[right, down], scale=1.0, shear=[0.0], interpolation=InterpolationMode.BILINEAR
    )
    return round_significant(moved.numpy().ravel(), 8)


def case(shape):
    picture = image(shape)
    return {
        "shape": shape,
        "rotations": [{"degrees": angle, "pixels": placed(picture, angle, 0.0, 0.0)} for angle in ROTATIONS],
        "translations": [{"down": down, "right": right, "pixels": placed(picture, 0.0, down, right)} for down, right in SHIFTS],
        "blurs": [
            {"sigma": sigma, "pixels": round_significant(gaussian_blur(picture, [5, 5], [sigma, sigma]).numpy().ravel(), 8)}
            for sigma in SIGMAS
        ],
    }


def main():
    print(save_fixture("augmentation_truth.json", {"cases": [case(shape) for shape in SHAPES]}), "bytes")


if __name__ == "__main__":
    main()
