"""The program `eigenscope`: where it is, and how it is called."""

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ._errors import EigenscopeError, ProgramError

JSON_VERSION = 1


@dataclass(frozen=True)
class TaskStatus:
    """What the program says of a task."""

    task: str
    state: str
    """`current`, `stale` or `blocked`."""
    key: str | None = None
    """Name of its folder in the store, where it is known."""
    reasons: tuple[str, ...] = ()
    """Why it is not up to date."""
    warnings: tuple[str, ...] = ()

    @classmethod
    def of(cls, answer: dict[str, Any]) -> "TaskStatus":
        """Reads it from the program's JSON, which may have more fields."""
        reasons, warnings = (tuple(answer.get(name, ())) for name in ("reasons", "warnings"))
        return cls(answer["task"], answer["state"], answer.get("key"), reasons, warnings)


def find(argument: str | os.PathLike[str] | None, folder: Path) -> str:
    """The program: the argument, else `EIGENSCOPE`, else that on the path, else the one built in `folder`."""
    named = os.fspath(argument) if argument is not None else os.environ.get("EIGENSCOPE")
    if named:
        found = shutil.which(named)
        if found is None:
            origin = "the argument `program`" if argument is not None else "the variable EIGENSCOPE"
            raise EigenscopeError(f"{origin} names no program: {named}")
        return os.path.abspath(found)
    built = folder / "target" / "release" / "eigenscope"
    found = shutil.which("eigenscope") or shutil.which(built)
    if found is None:
        raise EigenscopeError(
            f"there is no program `eigenscope` on the path and no {built}: build it with `make programs`, "
            "or name it in the variable EIGENSCOPE"
        )
    return os.path.abspath(found)


def answer(command: Sequence[str], folder: Path) -> str:
    """What the program prints. Raises `ProgramError` if it does not end well."""
    ended = subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, encoding="utf-8", errors="replace")
    if ended.returncode != 0:
        raise ProgramError(command, exit_code(ended.returncode), ended.stderr.splitlines())
    return ended.stdout


def json_answer(command: Sequence[str], folder: Path) -> Any:
    """The JSON object that the program prints."""
    found = json.loads(answer([*command, "--json"], folder))
    if found["version"] != JSON_VERSION:
        raise EigenscopeError(
            f"{command[0]} answers in version {found['version']} of its JSON, this package reads {JSON_VERSION}: "
            "install program and package of one version"
        )
    return found


def stream(command: Sequence[str], folder: Path, report: Callable[[str], object] | None) -> None:
    """Runs the program and hands each line to `report` as soon as it is written.

    An interrupt is passed on, and the program ends in its own time; a second one ends it at once.
    """
    messages: list[str] = []
    process = subprocess.Popen(
        command,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        # Ctrl-C in a terminal would reach it twice, which means to drop everything.
        start_new_session=True,
    )
    assert process.stdout is not None
    try:
        for line in process.stdout:
            line = line.rstrip("\n")
            if not line.startswith("["):
                messages.append(line)
            if report is not None:
                report(line)
    except BaseException:
        process.send_signal(signal.SIGINT)
        try:
            process.stdout.read()
        except KeyboardInterrupt:
            process.send_signal(signal.SIGINT)
        raise
    finally:
        process.stdout.close()
        process.wait()
    if process.returncode != 0:
        raise ProgramError(command, exit_code(process.returncode), messages)


def exit_code(code: int) -> int:
    """The code as shells count: 128 and the number of the signal that ended the program."""
    return code if code >= 0 else 128 - code
