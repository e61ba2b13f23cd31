"""Results of the tasks of a pipeline."""

import base64
import difflib
import html
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from ._errors import DigestMismatch, EigenscopeError, NoSuchTask, NotUpToDate
from ._images import Images
from ._program import TaskStatus
from ._table import Label, Table, label, label_columns, label_types, matches, split_id, text_of

if TYPE_CHECKING:
    import numpy as np
    import pandas
    import polars
    import torch
    from numpy.typing import NDArray

RECORD_VERSION = 1
FIGURE_FILES = {"svg": "figure.svg", "png": "figure.png", "pdf": "figure.pdf", "interactive": "figure.json"}


@dataclass(frozen=True)
class Figure:
    """A figure. A notebook shows it as an image, which cannot run anything."""

    task: str
    svg: str
    png: bytes
    pdf: bytes

    def _repr_html_(self) -> str:
        data = base64.b64encode(self.svg.encode()).decode()
        return f'<img alt="{html.escape(self.task)}" src="data:image/svg+xml;base64,{data}">'

    def __repr__(self) -> str:
        return f"Figure({self.task})"


class Pipeline(Mapping[str, "Results"]):
    """The results of a pipeline by the names of its tables, such as `train.bilinear`.

    A task id or a selection is taken as well: `pipeline["train.bilinear[hidden=8|16,seed=0]"]`.
    """

    def __init__(self, name: str, tasks: Sequence[TaskStatus], artifacts: Path, *, verify: bool = False, stale: bool = False) -> None:
        self.name = name
        self._tables: dict[str, list[_Task]] = {}
        for status in tasks:
            task = _Task(status, self.name, artifacts, verify, stale)
            self._tables.setdefault(task.table, []).append(task)

    def __getitem__(self, name: str) -> "Results":
        table, conditions = split_id(name)
        if table not in self._tables:
            close = difflib.get_close_matches(table, self._tables, n=3)
            hint = f"did you mean {' or '.join(f'`{one}`' for one in close)}?" if close else f"there are {_list(self._tables)}"
            raise NoSuchTask(f"{self.name} has no task `{name}`; {hint}")
        results = Results(table, self._tables[table])
        return results.where(**{name: text.split("|") if "|" in text else text for name, text in conditions.items()})

    def __iter__(self) -> Iterator[str]:
        return iter(self._tables)

    def __len__(self) -> int:
        return len(self._tables)

    def __repr__(self) -> str:
        return f"Pipeline({self.name}: {', '.join(self)})"


class Results:
    """The results of one task, or of several tasks of one table; these can be iterated over."""

    def __init__(self, table: str, tasks: "Sequence[_Task]") -> None:
        self._table = table
        self._tasks = tasks

    def __len__(self) -> int:
        return len(self._tasks)

    def __iter__(self) -> "Iterator[Results]":
        return (Results(self._table, [task]) for task in self._tasks)

    def __repr__(self) -> str:
        return f"Results({self._tasks[0].status.task})" if len(self) == 1 else f"Results({len(self)} of {self._table})"

    @property
    def tasks(self) -> list[str]:
        """The task ids."""
        return [task.status.task for task in self._tasks]

    @property
    def labels(self) -> dict[str, Label]:
        """The labels of the task. This and what follows up to `figure` need one task."""
        return self._one.labels

    @property
    def status(self) -> TaskStatus:
        """What the program says of the task."""
        return self._one.status

    @property
    def folder(self) -> Path:
        """The folder of the files."""
        return self._one.folder

    @property
    def provenance(self) -> dict[str, Any]:
        """What the result was made from: kind, parameters, seed, code and inputs."""
        return self._one.provenance

    def images(self) -> Images:
        """The images of a data set."""
        return Images.of(self._one.read("images"))

    def weights(self) -> "dict[str, NDArray[np.float32]]":
        """The weights of a model: arrays with PyTorch's names and orientation."""
        import numpy as np

        table = self._one.read("tensors")
        rows = zip(*(table[name] for name in ("name", "shape", "data")), strict=True)
        return {name.as_py(): np.array(data.values.to_numpy()).reshape(shape.as_py()) for name, shape, data in rows}

    def state_dict(self) -> "dict[str, torch.Tensor]":
        """The weights of a model for `load_state_dict` of a PyTorch module."""
        import torch

        return {name: torch.from_numpy(array) for name, array in self.weights().items()}

    def figure(self) -> Figure:
        """The figure."""
        task = self._one
        svg, png, pdf = (task.bytes(output) for output in ("svg", "png", "pdf"))
        return Figure(task.status.task, svg.decode(), png, pdf)

    def where(self, **labels: object) -> "Results":
        """Those with these labels; a list means one of its values: `where(hidden=[8, 16], seed=0)`."""
        tasks = self._tasks
        for name, wanted in labels.items():
            known = dict.fromkeys(text_of(task.labels[name]) for task in tasks if name in task.labels)
            tasks = [task for task in tasks if name in task.labels and matches(task.labels[name], wanted)]
            if not known:
                names = dict.fromkeys(name for task in self._tasks for name in task.labels)
                raise NoSuchTask(f"{self._table} has no label `{name}`; it has {_list(names)}")
            if not tasks:
                raise NoSuchTask(f"{self._table} has no task with `{name}` {wanted}; there are {_list(known)}")
        return Results(self._table, tasks)

    def current(self) -> "Results":
        """Those that are up to date."""
        return Results(self._table, [task for task in self._tasks if task.status.state == "current"])

    @property
    def tables(self) -> list[str]:
        """The names of the tables that each task writes."""
        if not self._tasks:
            raise NotUpToDate(f"no result of {self._table} is up to date")
        return [output for output in self._tasks[0].outputs if output not in FIGURE_FILES]

    def table(self, name: str | None = None) -> Table:
        """One table of all tasks, with a column for each label in front. A task that writes several needs the name."""
        tables = self.tables
        if name is None and len(tables) != 1:
            raise EigenscopeError(f"name a table: {self._table} writes {_list(tables)}")
        chosen = tables[0] if name is None else name
        types = label_types([task.labels for task in self._tasks])
        parts = [label_columns(task.read(chosen), task.labels, types) for task in self._tasks]
        provenance = {task.status.task: task.provenance for task in self._tasks}
        if len(parts) == 1:
            return Table(parts[0], provenance)
        try:
            return Table(pa.concat_tables(part.replace_schema_metadata(None) for part in parts), provenance)
        except pa.ArrowInvalid as error:
            message = f"the tables `{chosen}` of {self._table} have different columns: read them one by one"
            raise EigenscopeError(message) from error

    def arrow(self, table: str | None = None) -> pa.Table:
        """`table` for Arrow."""
        return self.table(table).arrow()

    def polars(self, table: str | None = None) -> "polars.DataFrame":
        """`table` for polars."""
        return self.table(table).polars()

    def pandas(self, table: str | None = None) -> "pandas.DataFrame":
        """`table` for pandas."""
        return self.table(table).pandas()

    @property
    def _one(self) -> "_Task":
        if len(self._tasks) != 1:
            raise EigenscopeError(f"one task is needed, not {len(self)} of {self._table}: choose with `where`, or iterate")
        return self._tasks[0]


class _Task:
    """A task and its result, which is read when it is asked for."""

    def __init__(self, status: TaskStatus, pipeline: str, artifacts: Path, verify: bool, stale: bool) -> None:
        self.status = status
        self.table, labels = split_id(status.task)
        self.labels = {name: label(text) for name, text in labels.items()}
        self._pipeline = pipeline
        self._artifacts = artifacts
        self._verify = verify
        self._stale = stale

    @cached_property
    def folder(self) -> Path:
        if self.status.state == "current" and self.status.key is not None:
            return self._artifacts / "store" / self.status.key
        link = self._artifacts / self._pipeline / _link_name(self.status.task)
        if self._stale and link.is_dir():
            return link
        reasons = "; ".join(self.status.reasons) or "what it needs is not up to date"
        hint = f"call `eigenscope.run({self._pipeline!r}, {self.status.task!r})`"
        hint += ", or read the earlier result with `load(..., stale=True)`" if link.is_dir() else ""
        raise NotUpToDate(f"{self.status.task} is not up to date: {reasons}; {hint}")

    @cached_property
    def _record(self) -> dict[str, Any]:
        path = self.folder / "task.json"
        record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if record["version"] != RECORD_VERSION:
            raise EigenscopeError(f"{path} has version {record['version']}, this package reads {RECORD_VERSION}")
        return record

    @property
    def provenance(self) -> dict[str, Any]:
        return {"task": self._record["task"], **self._record["ingredients"]}

    @property
    def outputs(self) -> dict[str, Any]:
        outputs: dict[str, Any] = self._record["outputs"]
        return outputs

    def read(self, table: str) -> pa.Table:
        """The rows of a table."""
        source = pa.BufferReader(self.bytes(table)) if self._verify else self._path(table)
        try:
            return pq.ParquetFile(source).read()
        except pa.ArrowException as error:
            raise EigenscopeError(f"{self._path(table)} cannot be read: {error}") from error

    def bytes(self, output: str) -> bytes:
        """The bytes of an output, compared with the record where that is wanted."""
        path = self._path(output)
        content = path.read_bytes()
        if self._verify:
            from blake3 import blake3

            expected, found = self.outputs[output]["file"]["blake3"], blake3(content).hexdigest()
            if found != expected:
                raise DigestMismatch(
                    f"{path} has the digest {found}, its record says {expected}: it is damaged or was changed; "
                    f"remove {path.parent.resolve()} and run {self.status.task} again"
                )
        return content

    def _path(self, output: str) -> Path:
        if output not in self.outputs:
            raise EigenscopeError(f"{self.status.task} writes {_list(self.outputs)}, not `{output}`")
        name = FIGURE_FILES.get(output, f"{output}.parquet")
        # The record could be from anybody.
        if not re.fullmatch(r"[a-z0-9.-]+", name):
            raise EigenscopeError(f"{self.folder / 'task.json'} names an output that cannot be: {output!r}")
        return self.folder / name


def _link_name(task: str) -> str:
    """What a task is called in the artifacts folder."""
    names = {"[": ",", "=": "-", "]": ""}
    keep = (names.get(c, c) if c.isalnum() or c in "_-.,+@[=]" else _percent(c) for c in task)
    return "".join(keep)


def _percent(letter: str) -> str:
    return "".join(f"%{byte:02X}" for byte in letter.encode())


def _list(names: Iterable[str]) -> str:
    return ", ".join(names) or "none"
