"""The results of eigenscope in Python.

>>> import eigenscope
>>> digits = eigenscope.load("digits")
>>> digits["metric.final"].polars()
>>> digits["train.bilinear"].where(hidden=8, seed=0).state_dict()

The functions work in the project around the working directory; `Project` takes another folder, program or folder of results.
"""

from collections.abc import Callable

from ._errors import DigestMismatch, EigenscopeError, NoSuchTask, NotUpToDate, ProgramError
from ._images import Images
from ._program import TaskStatus
from ._project import Project
from ._results import Figure, Pipeline, Results
from ._table import Label, Table

__all__ = [
    "DigestMismatch",
    "EigenscopeError",
    "Figure",
    "Images",
    "Label",
    "NoSuchTask",
    "NotUpToDate",
    "Pipeline",
    "ProgramError",
    "Project",
    "Results",
    "Table",
    "TaskStatus",
    "load",
    "run",
    "sql",
    "status",
]
__version__ = "0.1.0"


def load(pipeline: str, *, verify: bool = False, stale: bool = False) -> Pipeline:
    """`Project.load` in the project around the working directory."""
    return Project().load(pipeline, verify=verify, stale=stale)


def run(pipeline: str, *targets: str, jobs: int | None = None, report: Callable[[str], object] | None = print) -> Pipeline:
    """`Project.run` in the project around the working directory."""
    return Project().run(pipeline, *targets, jobs=jobs, report=report)


def sql(pipeline: str, query: str) -> Table:
    """`Project.sql` in the project around the working directory."""
    return Project().sql(pipeline, query)


def status(pipeline: str, *targets: str) -> list[TaskStatus]:
    """`Project.status` in the project around the working directory."""
    return Project().status(pipeline, *targets)
