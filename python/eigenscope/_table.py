"""Tables, and the labels of the tasks that they come from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

import pyarrow as pa

if TYPE_CHECKING:
    import pandas
    import polars

Label: TypeAlias = int | float | bool | str
"""The value of a swept parameter: what reads as a number is one."""


@dataclass(frozen=True)
class Table:
    """A table that polars, pandas and Arrow take."""

    data: pa.Table
    provenance: Mapping[str, dict[str, Any]] = field(default_factory=dict)
    """What each task was made from, by task id: kind, parameters, seed, code and inputs. The answer to a query has none."""

    def arrow(self) -> pa.Table:
        """The table for Arrow. That of one task has the metadata of its file."""
        return self.data

    def polars(self) -> "polars.DataFrame":
        """The table for polars."""
        import polars

        frame = polars.from_arrow(self.data)
        assert isinstance(frame, polars.DataFrame)
        return frame

    def pandas(self) -> "pandas.DataFrame":
        """The table for pandas."""
        frame: pandas.DataFrame = self.data.to_pandas()
        return frame

    def __repr__(self) -> str:
        return f"Table({self.data.num_rows} rows: {', '.join(self.data.column_names)})"


def split_id(task: str) -> tuple[str, dict[str, str]]:
    """Table and labels of a task id or of a selection, such as `train.bilinear[hidden=8|16,seed=0]`."""
    table, _, selection = task.partition("[")
    conditions = selection.removesuffix("]").split(",") if selection else []
    labels = (condition.partition("=") for condition in conditions)
    return table, {name.strip(): text.strip() for name, _, text in labels}


def label(text: str) -> Label:
    """The value that a label of a task id stands for."""
    if text in ("true", "false"):
        return text == "true"
    for number in (int, float):
        # Python also reads `1_000`, `nan` and `infinity`.
        if text[-1:].isdigit() and "_" not in text:
            try:
                return number(text)
            except ValueError:
                pass
    return text


def matches(value: Label, wanted: object) -> bool:
    """Whether a label is the wanted value, or one of several."""
    if isinstance(wanted, (list, tuple, set, range)):
        return any(matches(value, one) for one in wanted)
    return value == wanted or value == label(str(wanted))


def label_columns(table: pa.Table, labels: Mapping[str, Label], types: Mapping[str, pa.DataType]) -> pa.Table:
    """The table with a column for each label in front; one that it has already is `label_` and its name, as in SQL."""
    names = set(table.column_names)
    for position, (name, value) in enumerate(labels.items()):
        kind = types[name]
        scalar = pa.scalar(text_of(value) if kind == pa.string() else value, kind)
        free = f"label_{name}" if name in names else name
        table = table.add_column(position, pa.field(free, kind, nullable=False), pa.repeat(scalar, table.num_rows))
    return table


def label_types(labels: list[dict[str, Label]]) -> dict[str, pa.DataType]:
    """For each label the type that holds all its values."""
    types: dict[str, pa.DataType] = {}
    for name in dict.fromkeys(name for one in labels for name in one):
        kinds = {type(one[name]) for one in labels if name in one}
        if kinds == {bool}:
            types[name] = pa.bool_()
        elif kinds == {int}:
            types[name] = pa.int64()
        elif kinds <= {int, float}:
            types[name] = pa.float64()
        else:
            types[name] = pa.string()
    return types


def text_of(value: Label) -> str:
    """The label as it stands in a task id."""
    return str(value).lower() if isinstance(value, bool) else str(value)
