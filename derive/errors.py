"""Every exception of the project: the input is wrong, or we cannot (yet), or two judges disagree."""

from __future__ import annotations


class SymstepError(Exception):
    """The root of every error this project raises on purpose."""


class InputError(SymstepError, ValueError):
    """The input is wrong: mend what the message names.

    Carries the place (`file`, 1-based `line` and `column`), what is wrong and what to do about it.
    """

    def __init__(
        self, message: str, *, remedy: str = "", file: str = "", line: int | None = None, column: int | None = None
    ) -> None:
        super().__init__(message)
        self.message, self.remedy, self.file, self.line, self.column = message, remedy, file, line, column

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.file, self.line, self.column) if part not in ("", None))
        text = f"{place}: {self.message}" if place else self.message
        return f"{text}; {self.remedy}" if self.remedy else text

    def at(self, *, file: str = "", line: int | None = None, column: int | None = None) -> InputError:
        """The same error with the place filled in where it was not known yet."""
        return InputError(
            self.message,
            remedy=self.remedy,
            file=self.file or file,
            line=self.line if self.line is not None else line,
            column=self.column if self.column is not None else column,
        )


class Undecided(SymstepError):
    """We cannot decide this (yet); the message says why. Never a no."""


class MissingDependency(SymstepError):
    """An optional package or program is not installed; the message names the command that installs it."""


class JudgesDisagree(SymstepError):
    """The kernel accepted what the second judge refutes: a bug of ours. Nothing is printed as proved; report it."""
