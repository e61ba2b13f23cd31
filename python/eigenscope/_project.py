"""A project: pipelines, results, and the program that makes one from the other."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import pyarrow as pa

from . import _program
from ._program import TaskStatus
from ._results import Pipeline
from ._table import Table

StrPath: TypeAlias = str | os.PathLike[str]


@dataclass(frozen=True)
class Project:
    """A folder with pipelines and results."""

    folder: StrPath | None = None
    """Default: the nearest folder, from the working directory upwards, that holds `pipelines` or `artifacts`."""
    program: StrPath | None = None
    """Default: the variable EIGENSCOPE, else `eigenscope` on the path, else `target/release/eigenscope` of the folder."""
    artifacts: StrPath | None = None
    """Default: the variable EIGENSCOPE_ARTIFACTS, else `artifacts` of the folder."""
    data_dir: StrPath | None = None
    """Default: the variable EIGENSCOPE_DATA_DIR, else `data` of the folder."""

    def load(self, pipeline: str, *, verify: bool = False, stale: bool = False) -> Pipeline:
        """The results of a pipeline, as they are now.

        With `verify` each file is compared with the digest in its record before it is used; that needs the package `blake3`.
        With `stale` results are read that are no longer up to date, too.
        """
        status = self._ask("status", _file(pipeline))
        tasks = [TaskStatus.of(task) for task in status["tasks"]]
        return Pipeline(status["pipeline"], tasks, self._artifacts(), verify=verify, stale=stale)

    def run(
        self,
        pipeline: str,
        *targets: str,
        jobs: int | None = None,
        options: Sequence[str] = (),
        report: Callable[[str], object] | None = print,
    ) -> Pipeline:
        """Brings results up to date, all or those of `targets`, and returns what `load` returns.

        Each line of progress is handed to `report`. `options` are further options of `eigenscope run`. Raises `ProgramError` if a
        task fails; what was finished is kept.
        """
        threads = [] if jobs is None else ["--jobs", str(jobs)]
        command = self._command("run", *threads, *options, "--", _file(pipeline), *targets)
        _program.stream(command, self._folder(), report)
        return self.load(pipeline)

    def status(self, pipeline: str, *targets: str) -> list[TaskStatus]:
        """Which tasks are up to date, of all or of `targets` and what they need."""
        return [TaskStatus.of(task) for task in self._ask("status", _file(pipeline), *targets)["tasks"]]

    def sql(self, pipeline: str, query: str) -> Table:
        """The answer to a query over the tables of a pipeline."""
        answer = self._ask("sql", _file(pipeline), query)
        columns = zip(*answer["rows"], strict=True) if answer["rows"] else [()] * len(answer["columns"])
        return Table(pa.Table.from_arrays([pa.array(_numbers(column)) for column in columns], names=answer["columns"]))

    def call(self, *arguments: str) -> str:
        """What a command prints, such as `call("export", "digits", "train.mlp[seed=0]", "-o", "mlp.onnx")`.

        Paths are relative to the folder of the project.
        """
        return _program.answer(self._command(*arguments), self._folder())

    def _ask(self, *arguments: str) -> Any:
        return _program.json_answer(self._command(*arguments), self._folder())

    def _command(self, command: str, *arguments: str) -> list[str]:
        start = [_program.find(self.program, self._folder())]
        for option, path in (("--artifacts", self.artifacts), ("--data-dir", self.data_dir)):
            if path is not None:
                start += [option, os.path.abspath(path)]
        return [*start, command, *arguments]

    def _folder(self) -> Path:
        if self.folder is not None:
            return Path(self.folder).absolute()
        here = Path.cwd()
        candidates = (folder for folder in (here, *here.parents) if _is_project(folder))
        return next(candidates, here)

    def _artifacts(self) -> Path:
        if self.artifacts is not None:
            return Path(self.artifacts).absolute()
        return self._folder() / os.environ.get("EIGENSCOPE_ARTIFACTS", "artifacts")


def _is_project(folder: Path) -> bool:
    return any((folder / name).is_dir() for name in ("pipelines", "artifacts"))


def _file(pipeline: str) -> str:
    """The pipeline as the program is told of it, wherever that runs."""
    return os.path.abspath(pipeline) if pipeline.endswith(".toml") else pipeline


def _numbers(column: Sequence[Any]) -> Sequence[Any]:
    """The values; JSON has NaN and infinity as texts among numbers."""
    if any(isinstance(value, float) for value in column):
        return [float(value) if isinstance(value, str) else value for value in column]
    return column
