"""What can be wrong with a command or its files, and the exit code each kind ends with."""

from __future__ import annotations

from numloss.evaluation.wording import in_python


class EvaluationError(Exception):
    """A mistake in files or in what is asked of them, told in one message.

    Examples
    --------
    >>> import numloss
    >>> numloss.evaluate("nowhere.csv", "mse")
    Traceback (most recent call last):
        ...
    numloss.evaluation.errors.DataError: nowhere.csv: no such file
    """

    exit_code = 1

    def __init__(self, message: str) -> None:
        super().__init__(in_python(message))
        #: The message with what it says to Python's callers and to the users of the command.
        self.marked = message


class DataError(EvaluationError):
    """The file cannot be read, or something in it is wrong: in a row, if one is named."""

    def __init__(self, message: str, row: int | None = None) -> None:
        super().__init__(message)
        self.row = row


class UsageError(EvaluationError):
    """The command asks for something that is not there or makes no sense."""

    exit_code = 2


class StoppedError(EvaluationError):
    """A signal has ended the work; what was done is kept."""

    exit_code = 130
