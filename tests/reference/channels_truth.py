"""Make channels_truth.json: covariances of the channels that convolutions read, and a network clipped to their eigenvectors, by NumPy.

A network of three convolutions with tanh between, the third in two groups, and a linear layer, with random float32 weights and images;
the rest is float64. Of a convolution that reads x [N, channels, h, w], a sample is what one group of channels has at one place, so

    C = sum over images, groups and places of x[n, group, :, y, x] x[n, group, :, y, x]^T / (N groups h w)

not centred, whatever the kernel, stride and padding are. For k = 1..: every pixel of the kernel, W[:, :, i, j], is replaced by
W[:, :, i, j] P_k with P_k the projector on the first k eigenvectors, which are stored in float32.
"""

import numpy as np
from fixture_json import save_fixture

IMAGES, SHAPE, CLASSES, SEED, MARGIN = 80, (2, 9, 8), 4, 4, 1e-4
# Output channels, kernel, stride, padding, groups.
CONVOLUTIONS = [(4, 3, 1, 1, 1), (4, 2, 1, 0, 1), (6, 3, 2, 0, 2)]


def convolve(x, w, b, stride, padding, groups):
    kernel = w.shape[2]
    x = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    windows = np.lib.stride_tricks.sliding_window_view(x, (kernel, kernel), axis=(2, 3))[:, :, ::stride, ::stride]
    pieces = zip(np.split(windows, groups, axis=1), np.split(w, groups, axis=0))
    return np.concatenate([np.einsum("nchwij,ocij->nohw", x, w) for x, w in pieces], axis=1) + b[:, None, None]


def forward(x, weights):
    """Logits, and what every convolution reads."""
    read = []
    for (w, b), (_, _, stride, padding, groups) in zip(weights, CONVOLUTIONS):
        read.append(x)
        x = np.tanh(convolve(x, w, b, stride, padding, groups))
    w, b = weights[-1]
    return x.reshape(len(x), -1) @ w.T + b, read


def samples(read, groups):
    """Samples [N groups h w, channels of a group]."""
    images, channels, height, width = read.shape
    grouped = read.reshape(images, groups, channels // groups, height * width)
    return grouped.transpose(0, 1, 3, 2).reshape(-1, channels // groups)


def checked(logits):
    best = np.sort(logits, axis=1)
    assert (best[:, -1] - best[:, -2]).min() > MARGIN * np.abs(logits).max()
    return logits.argmax(axis=1)


def main():
    generator = np.random.default_rng(SEED)

    def uniform(*shape):
        fan_in = np.prod(shape[1:])
        return (generator.uniform(-3, 3, shape) / np.sqrt(fan_in)).astype(np.float32)

    images = generator.uniform(-1, 1, (IMAGES, *SHAPE)).astype(np.float32)
    weights, channels = [], SHAPE[0]
    for outputs, kernel, _, _, groups in CONVOLUTIONS:
        weights.append((uniform(outputs, channels // groups, kernel, kernel), uniform(outputs, 1)[:, 0] / 3))
        channels = outputs
    wide = [(w.astype(np.float64), b.astype(np.float64)) for w, b in weights]
    x = images.astype(np.float64)
    for (w, b), (_, _, stride, padding, groups) in zip(wide, CONVOLUTIONS):
        x = np.tanh(convolve(x, w, b, stride, padding, groups))
    weights.append((uniform(CLASSES, x[0].size), uniform(CLASSES, 1)[:, 0] / 3))
    wide.append(tuple(values.astype(np.float64) for values in weights[-1]))

    logits, read = forward(images.astype(np.float64), wide)
    # Every fifth label is another class.
    labels = (checked(logits) + (np.arange(IMAGES) % 5 == 0)) % CLASSES
    layers = []
    for number, (inputs, (_, _, _, _, groups)) in enumerate(zip(read, CONVOLUTIONS)):
        rows = samples(inputs, groups)
        covariance = rows.T @ rows / len(rows)
        eigenvalues, columns = np.linalg.eigh(covariance)
        vectors = columns.T[::-1].astype(np.float32)
        correct = []
        for k in range(1, len(vectors) + 1):
            v = vectors[:k].astype(np.float64)
            clipped = list(wide)
            w, b = clipped[number]
            clipped[number] = (np.einsum("ocij,cd->odij", w, v.T @ v), b)
            correct.append(int((checked(forward(images.astype(np.float64), clipped)[0]) == labels).sum()))
        layers.append(
            {
                "name": f"conv{number + 1}",
                "covariance": covariance,
                "eigenvalues": eigenvalues[::-1],
                "vectors": vectors,
                "correct": correct,
            }
        )
    content = {
        "shape": list(SHAPE),
        "images": images.reshape(IMAGES, -1),
        "labels": labels,
        "tensors": [values.reshape(-1) for pair in weights for values in pair],
        "layers": layers,
    }
    print(f"channels_truth.json: {save_fixture('channels_truth.json', content)} bytes")


if __name__ == "__main__":
    main()
