"""A Parquet table as Hugging Face's `datasets` writes it, and tables with a column a pixel.

The pictures of `hub` are PNG files in a struct of bytes and path, with the names of the classes in the metadata of the file. `pixels`
[images, channels, height, width] and `labels` are what is in them.
"""

import io

import datasets
import numpy as np
import pyarrow
import pyarrow.parquet
from PIL import Image

from fixture_json import save_fixture

DRAW = np.random.default_rng(12)
IMAGES, HEIGHT, WIDTH = 6, 4, 5
NAMES = ["airplane", "bird", "cat"]


def hub(pictures, labels):
    features = datasets.Features({"image": datasets.Image(), "label": datasets.ClassLabel(names=NAMES)})
    encoded = []
    for picture in pictures:
        out = io.BytesIO()
        Image.fromarray(picture).save(out, format="PNG")
        encoded.append({"bytes": out.getvalue(), "path": None})
    out = io.BytesIO()
    datasets.Dataset.from_dict({"image": encoded, "label": labels}, features=features).to_parquet(out)
    return out.getvalue()


def columns(pictures, labels, compression):
    table = {"label": pyarrow.array(labels, pyarrow.int64())}
    for at, values in enumerate(pictures.reshape(len(pictures), -1).T):
        table[f"pixel{at}"] = pyarrow.array(values)
    out = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table(table), out, compression=compression)
    return out.getvalue()


def main():
    labels = [0, 1, 2, 2, 1, 0]
    rgb = DRAW.integers(0, 256, (IMAGES, HEIGHT, WIDTH, 3)).astype(np.uint8)
    grey = DRAW.integers(0, 256, (IMAGES, HEIGHT, WIDTH)).astype(np.uint8)
    content = {
        "labels": labels,
        "names": NAMES,
        "rgb": {"file": hub(rgb, labels).hex(), "pixels": np.moveaxis(rgb, 3, 1).ravel()},
        "grey": {"file": hub(grey, labels).hex(), "pixels": grey.ravel()},
        "columns": {"file": columns(grey, labels, "snappy").hex(), "pixels": grey.ravel()},
        "columns_zstd": {"file": columns(grey, labels, "zstd").hex(), "pixels": grey.ravel()},
    }
    print(save_fixture("parquet_truth.json", content), "bytes")


main()
