"""Make spectra_truth.json: covariances of what layers read and of their weights, and the Marchenko-Pastur law.

PyTorch and SciPy, float64 from float32 weights (fixed seed, PyTorch's default initialisation, no training). Inputs are the
first digits, stored as values 0..16; the CNN sees every pixel as a square of 3 x 3, so 24 x 24.

MLP: linear layers without bias, ReLU between them. CNN: convolutions 5 x 5 with stride 2, no padding, no bias, ReLU after
each; flattened channel by channel; one linear layer without bias. For every layer, with phi what its weight multiplies (for
convolutions the columns of torch.nn.functional.unfold, over all images and places):

    activations   C = sum phi phi^T / samples
    weights       C = W^T W / n, W [n, p] flattened to [out, in * kh * kw], through the singular values s of W: s^2 / n

Law: f(x) = sqrt((b - x)(x - a)) / (2 pi sigma^2 gamma x), a, b = sigma^2 (1 -+ sqrt(gamma))^2, integrated numerically.
"""

import numpy as np
import torch
from digits_rows import load_rows
from fixture_json import save_fixture
from scipy.integrate import quad
from scipy.optimize import brentq
from torch.nn.functional import conv2d, relu, unfold

IMAGES, ENLARGED, VECTORS, SEED = 60, 3, 2, 9
KERNEL, STRIDE = 5, 2
WIDTHS, CHANNELS, CLASSES = [12, 8], [3, 4], 10
RATIOS = [(0.02, 1.0), (0.5, 0.25), (1.0, 1.0), (2.0, 1 / 3), (160.0, 1 / 4800)]
PARTS = [0.001, 0.05, 0.3, 0.5, 0.8, 0.99]


def draw(generator, *shape):
    """float32 weights, uniform in +-1/sqrt(fan_in)."""
    bound = 1 / np.sqrt(np.prod(shape[1:]))
    return torch.from_numpy(generator.uniform(-bound, bound, shape).astype(np.float32))


def networks(generator):
    """Name, input shape, sizes and the named weights of both networks."""
    widths = [64, *WIDTHS, CLASSES]
    mlp = {f"layer{i + 1}": draw(generator, b, a) for i, (a, b) in enumerate(zip(widths, widths[1:]))}
    side = 8 * ENLARGED
    channels = [1, *CHANNELS]
    cnn = {f"conv{i + 1}": draw(generator, b, a, KERNEL, KERNEL) for i, (a, b) in enumerate(zip(channels, channels[1:]))}
    rest = side
    for _ in CHANNELS:
        rest = (rest - KERNEL) // STRIDE + 1
    cnn["linear"] = draw(generator, CLASSES, CHANNELS[-1] * rest * rest)
    return [("mlp", [1, 8, 8], WIDTHS, mlp), ("cnn", [1, side, side], CHANNELS, cnn)]


def read_by_layers(weights, x):
    """For every layer, its samples [samples, p] in float64."""
    found = {}
    for name, weight in weights.items():
        weight = weight.double()
        if weight.ndim == 4:
            columns = unfold(x, KERNEL, stride=STRIDE)  # [images, p, places]
            found[name] = columns.transpose(1, 2).reshape(-1, columns.shape[1])
            x = relu(conv2d(x, weight, stride=STRIDE))
        else:
            x = x.flatten(1)
            found[name] = x
            x = relu(x @ weight.T)
    return found


def first_vectors(values, rows):
    """The first eigenvectors, a row each, the entry of largest absolute value positive."""
    kept = values[: VECTORS + 1] / values[0]
    assert (kept[:-1] - kept[1:]).min() > 5e-3, "nearly equal eigenvalues"
    rows = rows[:VECTORS].clone()
    largest = rows.gather(1, rows.abs().argmax(1, keepdim=True))
    return (rows * largest.sign()).numpy()


def of_activations(samples):
    covariance = samples.T @ samples / len(samples)
    values, columns = torch.linalg.eigh(covariance)
    values, rows = values.flip(0), columns.T.flip(0)
    return {
        "samples": len(samples),
        "diagonal": covariance.diagonal().numpy(),
        "row_sums": covariance.sum(1).numpy(),
        "eigenvalues": values.numpy(),
        "eigenvectors": first_vectors(values, rows),
    }


def of_weights(weight):
    matrix = weight.double().flatten(1)
    _, s, rows = torch.linalg.svd(matrix, full_matrices=False)
    values = s**2 / len(matrix)
    return {"eigenvalues": values.numpy(), "eigenvectors": first_vectors(values, rows)}


class Law:
    """The density of the non-zero eigenvalues, its two-sided integral, and the quantiles by root finding."""

    def __init__(self, ratio, variance):
        self.a, self.b = (variance * (1 + sign * np.sqrt(ratio)) ** 2 for sign in (-1, 1))
        self.scale = 1 / (2 * np.pi * variance * min(ratio, 1))

    def above(self, x):
        """The part above x, integrated from the nearer edge with the singular factor as the weight of the quadrature."""
        options = {"weight": "alg", "epsabs": 0, "epsrel": 1e-12, "limit": 500}
        if x > (self.a + self.b) / 2:
            return self.scale * quad(lambda t: np.sqrt(t - self.a) / t, x, self.b, wvar=(0, 0.5), **options)[0]
        if self.a == 0:
            return 1 - self.scale * quad(lambda t: np.sqrt(self.b - t), 0, x, wvar=(-0.5, 0), **options)[0]
        return 1 - self.scale * quad(lambda t: np.sqrt(self.b - t) / t, self.a, x, wvar=(0.5, 0), **options)[0]

    def quantile(self, part):
        return brentq(lambda x: self.above(x) - part, self.a + 1e-6 * self.b, self.b, xtol=1e-15 * self.b, rtol=1e-14)


def law(ratio, variance):
    found = Law(ratio, variance)
    middle = (found.a + found.b) / 2
    assert abs(found.above(middle * (1 + 1e-13)) - found.above(middle)) < 1e-11, "the two sides do not add up to 1"
    points = found.a + (found.b - found.a) * np.array([0.1, 0.5, 0.9])
    density = np.sqrt((found.b - points) * (points - found.a)) / (2 * np.pi * variance * ratio * points)
    return {
        "ratio": ratio,
        "variance": variance,
        "above": np.array(PARTS),
        "quantiles": np.array([found.quantile(part) for part in PARTS]),
        "points": points,
        "density": density,
        "cumulative": np.array([1 - min(1, 1 / ratio) * found.above(x) for x in points]),
    }


def main():
    torch.set_num_threads(1)
    pixels = load_rows()[0][:IMAGES]
    generator = np.random.default_rng(SEED)
    models = []
    for name, shape, sizes, weights in networks(generator):
        x = torch.from_numpy(pixels).double().reshape(IMAGES, 1, 8, 8)
        if name == "cnn":
            x = x.repeat_interleave(ENLARGED, 2).repeat_interleave(ENLARGED, 3)
        layers = [
            {
                "name": layer,
                "weight": weights[layer].flatten(1).numpy(),
                "activations": of_activations(samples),
                "weights": of_weights(weights[layer]),
            }
            for layer, samples in read_by_layers(weights, x).items()
        ]
        models.append({"network": name, "input": shape, "sizes": sizes, "layers": layers})
    content = {
        "images": (pixels * 16).astype(np.int64),
        "enlarged": ENLARGED,
        "models": models,
        "laws": [law(*case) for case in RATIOS],
    }
    print(f"spectra_truth.json: {save_fixture('spectra_truth.json', content)} bytes")


if __name__ == "__main__":
    main()
