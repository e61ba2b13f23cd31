"""Make alignment_truth.json: what the layers of two networks read, aligned; eigenvectors compared; weights drawn.

Two MLPs and two CNNs with random weights (fixed seed, no training, no biases), the two of a kind alike but of
different widths, run by PyTorch in float64 on the first rows of both splits of the digits. The CNNs see them resized to
17 x 17 (bilinear, half-pixel centres). For every layer but the first, which reads phi in one network and psi in the
other:

    C12 = E[phi psi^T] = U S V^T   A = U V^T   r^2 = tr(A^T C12) / sqrt(tr C11 tr C22)

A is that of the training rows on both splits. One sample is one place for a convolution and one image for a linear
layer; the CNNs' linear layer is aligned by places too. Then, with A kron I acting on the columns of a weight
(channel-major):

    overlap = |V1 (A kron I) V2^T|, V1 and V2 the first right singular vectors of the layer's weights
    drawn = G diag(s) V^T / sqrt(n), W = U diag(s) V^T [n, p], G given; realigned = drawn (A kron I)

In every column of this V the entry of largest absolute value is positive. The last layer is not drawn: there,
realigned = W (A kron I).
"""

import numpy as np
import torch
from digits_rows import TRAIN_ROWS, load_rows
from fixture_json import save_fixture
from torch.nn import functional

TRAIN, TEST, CLASSES, SIDE, KEPT, SEED = 120, 40, 10, 17, 3, 238
CASES = {"mlp": ([10, 6], [10, 5]), "cnn": ([4, 3], [4, 5])}


def weights(generator, name, widths):
    """float32 weights by layer name, normal with variance 2 / fan_in."""
    shapes = {}
    if name == "mlp":
        sizes = [64, *widths, CLASSES]
        for i, (inputs, outputs) in enumerate(zip(sizes, sizes[1:])):
            shapes[f"layer{i + 1}"] = (outputs, inputs)
    else:
        channels = [1, *widths]
        for i, (inputs, outputs) in enumerate(zip(channels, channels[1:])):
            shapes[f"conv{i + 1}"] = (outputs, inputs, 5, 5)
        shapes["linear"] = (CLASSES, channels[-1] * 2 * 2)
    return {
        layer: (generator.standard_normal(shape) * np.sqrt(2 / np.prod(shape[1:]))).astype(np.float32)
        for layer, shape in shapes.items()
    }


def relative_of(generator, reference, name, widths):
    """Another network, its hidden units those of `reference` in reverse order plus noise: A is then well determined."""
    other = weights(generator, name, widths)
    for i, layer in enumerate(list(other)[:-1]):
        rows, columns = np.minimum(other[layer].shape, reference[layer].shape)[:2]
        shared = reference[layer][:rows, :columns][::-1]
        shared = shared[:, ::-1] if i > 0 else shared
        other[layer] *= np.float32(0.5)
        other[layer][:rows, :columns] += shared
    return other


def read_by_layers(stored, images):
    """What every layer reads: float64 [images, channels, height, width]."""
    read, values = {}, images
    for layer, weight in stored.items():
        if read:
            values = functional.relu(values)
        read[layer] = values.numpy() if values.ndim == 4 else values.numpy()[:, :, None, None]
        weight = torch.from_numpy(weight.astype(np.float64))
        if weight.ndim == 4:
            values = functional.conv2d(values, weight, stride=2)
        else:
            values = values.flatten(1) @ weight.T
    return read


def samples(read, by_places):
    """[samples, channels]: one row for each place of each image, or for each image."""
    if by_places:
        return np.moveaxis(read, 1, -1).reshape(-1, read.shape[1])
    return read.reshape(len(read), -1)


def align(phi, psi):
    """C12 and A."""
    cross = phi.T @ psi / len(phi)
    u, s, vt = np.linalg.svd(cross, full_matrices=False)
    assert s[-1] > 1e-3 * s[0], f"the alignment is badly determined: {s}"
    return cross, u @ vt


def r_squared(a, phi, psi):
    return float((a * (phi.T @ psi)).sum() / np.sqrt((phi**2).sum() * (psi**2).sum()))


def right_singular(weight):
    """s and V^T, largest entry of each row positive."""
    _, s, vt = np.linalg.svd(weight.reshape(len(weight), -1).astype(np.float64), full_matrices=False)
    largest = np.sort(np.abs(vt), axis=1)
    assert (largest[:, -1] - largest[:, -2] > 1e-4).all(), "the sign hangs on a tie"
    return s, vt * np.sign(vt[np.arange(len(vt)), np.abs(vt).argmax(1)])[:, None]


def layer_truth(generator, name, pair, read, by_places):
    """Everything about one layer in the two networks of `pair`."""
    phi, psi = (samples(r[name], by_places) for r in read)
    split = len(phi) // (TRAIN + TEST) * TRAIN
    cross, a = align(phi[:split], psi[:split])
    last = name == list(pair[0])[-1]
    weight = pair[0][name].reshape(len(pair[0][name]), -1).astype(np.float64)
    moved = np.kron(a, np.eye(weight.shape[1] // len(a)))
    bases = [right_singular(w[name])[1][:KEPT].astype(np.float32) for w in pair]
    truth = {
        "layer": name,
        "linear_samples": "places" if by_places else "images",
        "samples": [split, len(phi) - split],
        "cross": cross,
        "traces": [float((x[:split] ** 2).sum() / split) for x in (phi, psi)],
        "alignment": a,
        "r_squared": [r_squared(a, phi[:split], psi[:split]), r_squared(a, phi[split:], psi[split:])],
        "bases": bases,
        "overlap": np.abs(bases[0].astype(np.float64) @ moved @ bases[1].astype(np.float64).T),
    }
    if not last:
        s, vt = right_singular(pair[0][name])
        truth["noise"] = generator.standard_normal((len(weight), len(s)))
        weight = truth["noise"] * s @ vt / np.sqrt(len(weight))
        truth["drawn"] = weight
    truth["realigned"] = weight @ moved
    return truth


def case(generator, name, widths, pixels):
    images = torch.from_numpy(pixels.astype(np.float64)).reshape(-1, 1, 8, 8)
    if name == "cnn":
        images = functional.interpolate(images, size=(SIDE, SIDE), mode="bilinear", align_corners=False)
    reference = weights(generator, name, widths[0])
    pair = [reference, relative_of(generator, reference, name, widths[1])]
    read = [read_by_layers(each, images) for each in pair]
    layers = []
    for layer, weight in list(pair[0].items())[1:]:
        convolution = weight.ndim == 4
        for by_places in [True] if convolution else [False, True] if name == "cnn" else [False]:
            layers.append(layer_truth(generator, layer, pair, read, by_places))
    networks = [
        {"widths": each, "weights": {f"{layer}.weight": weight.ravel() for layer, weight in stored.items()}}
        for each, stored in zip(widths, pair, strict=True)
    ]
    return {"network": name, "side": images.shape[-1], "networks": networks, "layers": layers}


def main():
    torch.set_num_threads(1)
    pixels, _ = load_rows()
    pixels = np.concatenate([pixels[:TRAIN], pixels[TRAIN_ROWS : TRAIN_ROWS + TEST]])
    generator = np.random.default_rng(SEED)
    cases = [case(generator, name, widths, pixels) for name, widths in CASES.items()]
    content = {"train": TRAIN, "pixels": (pixels * 16).astype(np.int64), "cases": cases}
    print(f"alignment_truth.json: {save_fixture('alignment_truth.json', content)} bytes")


if __name__ == "__main__":
    main()
