"""Losses as a command names them: ``softmax_focal:gamma=2``."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numloss
from numloss._loss import CALL_DEFAULTS, EXTRAS
from numloss.evaluation.errors import UsageError
from numloss.evaluation.names import closest

# Keywords that the evaluation sets itself, or has no place for the results of.
_RESERVED = {"prediction", "target", *CALL_DEFAULTS, *EXTRAS}
_WORDS = {
    "true": True, "false": False, "null": None, "none": None, "inf": float("inf"),
    "nan": float("nan"),
}  # fmt: skip


def options_of(loss: numloss.Loss[...]) -> dict[str, inspect.Parameter]:
    """Options that a command may set."""
    parameters = inspect.signature(loss).parameters
    return {name: value for name, value in parameters.items() if name not in _RESERVED}


@dataclass(frozen=True)
class LossSpec:
    """A loss with its options."""

    text: str
    name: str
    options: Mapping[str, Any]

    @property
    def loss(self) -> numloss.Loss[...]:
        """The loss object."""
        return numloss.LOSSES[self.name]

    @property
    def ignore_index(self) -> int | None:
        """The label of rows that do not count, if the loss knows one."""
        parameter = options_of(self.loss).get("ignore_index")
        return None if parameter is None else self.options.get("ignore_index", parameter.default)


def parse_loss(text: str) -> LossSpec:
    """Parse ``name`` or ``name:option=value,option=value``."""
    name, _, rest = text.partition(":")
    name = name.strip()
    if name not in numloss.LOSSES:
        hint = closest(name, numloss.LOSSES)
        raise UsageError(f"no loss is named {name!r}{hint}; there are {', '.join(numloss.LOSSES)}")
    known = options_of(numloss.LOSSES[name])
    if "variance" in known:
        raise UsageError(
            f"--loss {text}: {name} takes a variance for each row, for which the command has no "
            f"column: call numloss.{name} in Python"
        )
    options = _parse_options(text, rest)
    for option in options:
        if option in EXTRAS:
            raise UsageError(
                f"--loss {text}: the command has no place for what {option} asks for: call "
                f"numloss.{name} in Python"
            )
        if option not in known:
            choices = f"it has {', '.join(known)}" if known else "it has none"
            hint = closest(option, known)
            raise UsageError(f"--loss {text}: {name} has no option {option!r}{hint}; {choices}")
    return LossSpec(text, name, options)


def _parse_options(text: str, rest: str) -> dict[str, Any]:
    """Read the options with Python's grammar, in which bare words stand for strings."""
    try:
        call = ast.parse(f"loss({rest})", mode="eval").body
        if not isinstance(call, ast.Call) or call.args:
            raise ValueError("options must be written as option=value")
        options: dict[str, Any] = {}
        for keyword in call.keywords:
            if keyword.arg is None or keyword.arg in options:
                raise ValueError(f"{ast.unparse(keyword)!r} is no option, or a second one")
            options[keyword.arg] = _value(keyword.value)
        return options
    except (SyntaxError, ValueError, TypeError, RecursionError) as error:
        needed = "write --loss name:option=value,option=value"
        reason = str(error) if type(error) is ValueError else "cannot be read"
        raise UsageError(f"--loss {text}: {reason}; {needed}") from None


def _value(node: ast.expr) -> Any:
    if isinstance(node, ast.Name):
        return _WORDS.get(node.id.lower(), node.id)
    if isinstance(node, (ast.List, ast.Tuple)):
        return [_value(element) for element in node.elts]
    try:
        return ast.literal_eval(node)
    except ValueError:
        raise ValueError(f"{ast.unparse(node)!r} is not a number, a word or a list") from None
