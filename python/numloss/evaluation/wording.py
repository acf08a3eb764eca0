"""What messages call arguments: Python's callers know no options, and the command's users no names.

A message holds both, between marks that no printable text has. Whoever shows it chooses.
"""

from __future__ import annotations

import re

_BEGIN, _OR, _END = "\x02", "\x1f", "\x03"
_EITHER = re.compile(f"{_BEGIN}([^{_OR}{_END}]*){_OR}([^{_END}]*){_END}")


def either(python: str, command: str) -> str:
    """Say one thing to Python's callers, and another to the users of the command."""
    return f"{_BEGIN}{python}{_OR}{command}{_END}"


def argument(name: str, value: object = None) -> str:
    """Name an argument, and perhaps its value: ``by='age:0'``, or ``--by age:0``."""
    option = option_of(name)
    return (
        either(name, option) if value is None else either(f"{name}={value!r}", f"{option} {value}")
    )


def given(name: str) -> str:
    """Name an argument that should be given: ``target=...``, or ``--target``."""
    return either(f"{name}=...", option_of(name))


def option_of(name: str) -> str:
    """Return the option of the command that an argument is."""
    return f"--{name.replace('_', '-')}"


def in_python(message: str) -> str:
    """Return a message for Python's callers."""
    return _EITHER.sub(r"\1", message)


def in_command(message: str) -> str:
    """Return a message for the users of the command."""
    return _EITHER.sub(r"\2", message)


#: What the predictions are said to be.
LOGITS = either("scale='logits'", "--from-logits")
PROBABILITIES = either("scale='probabilities'", "--from-probabilities")
