"""The images of a data set, as NumPy arrays."""

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from ._errors import EigenscopeError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Images:
    """The images of a data set as they are stored, training images first."""

    pixels: "NDArray[np.uint8]"
    """`[images, channels, height, width]`."""
    labels: "NDArray[np.uint16]"
    """The class of each image, a position in `classes`."""
    splits: "NDArray[np.str_]"
    """`train` or `test`, for each image."""
    indices: "NDArray[np.uint32]"
    """The position of each image in the source file of its split."""
    classes: list[str]
    maximum: int
    """The largest value that a pixel can have."""
    transforms: list[Any]
    """What turns pixels into the inputs of networks, as in the pipeline file."""

    @classmethod
    def of(cls, table: pa.Table) -> "Images":
        """Reads them from the table `images`."""
        import numpy as np

        header = json.loads(json.loads(table.schema.metadata[b"eigenscope.metadata"])["header"])
        shape = (table.num_rows, header["channels"], header["height"], header["width"])
        pixels = np.frombuffer(b"".join(table["pixels"].to_pylist()), dtype=np.uint8).reshape(shape)
        return cls(
            pixels,
            table["label"].to_numpy(),
            np.array(table["split"].to_pylist(), dtype=np.str_),
            table["index"].to_numpy(),
            header["classes"],
            header["maximum"],
            header["transforms"],
        )

    def __len__(self) -> int:
        return len(self.labels)

    def split(self, name: str) -> "Images":
        """Those of one split, `train` or `test`."""
        rows = self.splits == name
        arrays = {field: getattr(self, field)[rows] for field in ("pixels", "labels", "splits", "indices")}
        return replace(self, **arrays)

    def inputs(self) -> "NDArray[np.float32]":
        """What networks see, `[images, channels, height, width]`: the pixels after the transforms, equal to rounding."""
        import numpy as np

        values = self.pixels.astype(np.float32)
        for transform in self.transforms:
            name, fields = next(iter(transform.items())) if isinstance(transform, dict) else (transform, {})
            if name == "scale":
                values /= np.float32(self.maximum)
            elif name == "normalise":
                mean, std = (np.array(fields[part], np.float32)[:, None, None] for part in ("mean", "std"))
                values = (values - mean) / std
            elif name == "grey":
                weights = np.array([0.2989, 0.587, 0.114], np.float32)
                values = np.einsum("nchw,c->nhw", values, weights)[:, None]
            elif name == "resize":
                values = _resize(_resize(values, 2, fields["height"]), 3, fields["width"])
            else:
                raise EigenscopeError(f"this package does not know the transform `{name}`: install that of the program's version")
        return values


def _resize(values: "NDArray[np.float32]", axis: int, size: int) -> "NDArray[np.float32]":
    """Linear interpolation along one axis, with half-pixel centres and clamped edges."""
    import numpy as np

    length = values.shape[axis]
    positions = np.maximum((np.arange(size) + 0.5) * (length / size) - 0.5, 0)
    low = np.minimum(positions.astype(int), length - 1)
    high = np.minimum(low + 1, length - 1)
    shape = [1] * values.ndim
    shape[axis] = size
    weight = (positions - low).astype(np.float32).reshape(shape)
    resized: NDArray[np.float32] = (1 - weight) * values.take(low, axis) + weight * values.take(high, axis)
    return resized
