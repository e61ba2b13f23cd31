"""What can go wrong."""

from collections.abc import Sequence


class EigenscopeError(Exception):
    """The base of all errors of this package."""


class ProgramError(EigenscopeError):
    """The program ended with another exit code than 0."""

    def __init__(self, command: Sequence[str], exit_code: int, messages: Sequence[str]) -> None:
        self.command = list(command)
        self.exit_code = exit_code
        """1: a task failed; 2: the command, a file or the set-up cannot be used; 4: another run uses the folder; 130: interrupted."""
        self.messages = list(messages)
        """The lines that the program wrote, without those of progress."""
        text = "\n".join(self.messages)
        super().__init__(f"`{' '.join(self.command)}` ended with exit code {exit_code}:\n{text}")


class NoSuchTask(EigenscopeError, KeyError):
    """The pipeline has no such task."""

    # That of `KeyError` would quote the message.
    __str__ = Exception.__str__


class NotUpToDate(EigenscopeError):
    """A result is missing, or was made from something that has changed since."""


class DigestMismatch(EigenscopeError):
    """A file is not the one that the record of its result describes."""
