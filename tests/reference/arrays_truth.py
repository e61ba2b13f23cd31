"""Files of NumPy's arrays in the forms that people have, and the pixels and labels in them.

`pixels` [images, channels, height, width] and `labels` are whole numbers: values of a stated range are
numpy.floor(255 (value - lowest) / (highest - lowest) + 0.5). Of every file the training images come first, then the test images.
"""

import io

import numpy as np

from fixture_json import save_fixture

DRAW = np.random.default_rng(11)
TRAIN, TEST, HEIGHT, WIDTH, CLASSES = 5, 3, 5, 6, 3
CASES = []


def bytes_of(arrays, compressed=False):
    out = io.BytesIO()
    (np.savez_compressed if compressed else np.savez)(out, **arrays)
    return out.getvalue()


def case(name, arrays, images, labels, parameters=None, compressed=False):
    """`images` [images, channels, height, width] and `labels` of both splits."""
    CASES.append(
        {
            "name": name,
            "file": bytes_of(arrays, compressed).hex(),
            "parameters": parameters or {},
            "shape": list(images.shape[1:]),
            "train": TRAIN,
            "pixels": images.ravel(),
            "labels": labels,
        }
    )


def halves(values):
    return values[:TRAIN], values[TRAIN:]


def arrays(images, labels, names=("x_train", "y_train", "x_test", "y_test")):
    parts = [half for pair in zip(halves(images), halves(labels)) for half in pair]
    return dict(zip(names, parts))


def drawn(*shape):
    return DRAW.integers(0, 256, (TRAIN + TEST, *shape)).astype(np.uint8)


def main():
    labels = np.array([0, 1, 2, 2, 1, 0, 1, 2], np.uint8)
    grey = drawn(HEIGHT, WIDTH)
    case("keras", arrays(grey, labels), grey[:, None], labels)
    case("compressed", arrays(grey, labels), grey[:, None], labels, compressed=True)
    names = ["a", "b", "c", "d"]
    given = dict(zip(["train_images", "train_labels", "test_images", "test_labels"], names))
    case("other names", arrays(grey, labels.astype(">i4")[:, None], names), grey[:, None], labels, given)
    rgb = drawn(HEIGHT, WIDTH, 3)
    stored = {name: np.asfortranarray(part) for name, part in arrays(rgb, np.eye(CLASSES)[labels]).items()}
    case("fortran, channels last, one-hot", stored, np.moveaxis(rgb, 3, 1), labels)
    first = np.moveaxis(rgb, 3, 1)
    case("channels first", arrays(first, labels.astype(np.int64)), first, labels)
    for dtype in ["<f4", ">f4", "<f8", ">f8", "<f2"]:
        values = (grey / 255).astype(dtype)
        expected = np.floor(255 * values.astype(np.float64) + 0.5).astype(np.uint8)
        case(f"floats {dtype}", arrays(values, labels.astype(np.float32)), expected[:, None], labels, {"range": [0, 1]})
    for dtype in ["<i2", ">u2", "<i8", ">i4"]:
        values = (grey.astype(np.int64) * 16).astype(dtype)
        expected = np.floor(255 * values.astype(np.float64) / 4095 + 0.5).astype(np.uint8)
        case(f"integers {dtype}", arrays(values, labels), expected[:, None], labels, {"range": [0, 4095]})
        case(f"small integers {dtype}", arrays((grey // 2).astype(dtype), labels), (grey // 2)[:, None], labels)
    case("booleans", arrays(grey > 127, labels), (grey > 127).astype(np.uint8)[:, None], labels)
    flat = drawn(3 * 2 * 4)
    case("flat", arrays(flat, labels), flat.reshape(-1, 3, 2, 4), labels, {"shape": [3, 2, 4]})
    turned = np.swapaxes(grey, 1, 2)
    case("transposed, labels from 1", arrays(turned, labels + 1), grey[:, None], labels, {"transpose": True, "first_label": 1})
    objects = arrays(np.array([None] * 8, object), labels)
    size = save_fixture("arrays_truth.json", {"files": CASES, "objects": bytes_of(objects).hex()})
    print(f"{len(CASES)} files, {size} bytes")


main()
