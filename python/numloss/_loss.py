"""Declarations of losses in Python, and what the extension asks of them.

A loss is declared by a function without a body: its name, its signature, its text. What it takes
stands in csrc/checks/losses.cpp, what it computes in csrc/kernels/losses; a test holds the
signatures to the former.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import update_wrapper
from typing import TYPE_CHECKING, Any, Literal, ParamSpec, TypedDict

from numloss import _docs
from numloss._core import Loss

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, DTypeLike, NDArray

P = ParamSpec("P")

Reduction = Literal["mean", "sum", "none"]


class Call(TypedDict, total=False):
    """The keywords that every loss takes."""

    weight: ArrayLike | None
    reduction: Reduction
    denominator: Literal["weight", "count"] | float
    dtype: DTypeLike | None
    out: NDArray[Any] | tuple[Any, ...] | None


#: Parameters of losses over classes that ask for arrays beside the results, in their order.
EXTRAS = ("return_logsumexp", "return_predicted")

CALL_DEFAULTS = {
    "weight": None,
    "reduction": "mean",
    "denominator": "weight",
    "dtype": None,
    "out": None,
}


def loss(declaration: Callable[P, Any]) -> Loss[P]:
    """Return the loss that a function declares."""
    made: Loss[P] = Loss(declaration.__name__)
    update_wrapper(made, declaration)
    made.__doc__ = _docs.complete(declaration.__doc__)
    return made


def signature(made: Loss[...]) -> inspect.Signature:
    """Return a loss's signature, the keywords that every loss takes spelt out."""
    parameters: list[inspect.Parameter] = []
    for parameter in inspect.signature(made.__wrapped__).parameters.values():
        if parameter.kind is inspect.Parameter.VAR_KEYWORD:
            parameters += [
                inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default)
                for name, default in CALL_DEFAULTS.items()
            ]
        else:
            # Annotations are names here, which would only clutter help().
            parameters.append(parameter.replace(annotation=inspect.Parameter.empty))
    return inspect.Signature(parameters)


def represent(made: Loss[...]) -> str:
    """Return what ``repr`` shows of a loss."""
    return f"<loss {made.__name__}{signature(made)}>"


def text_of_method(made: Loss[...], name: str) -> str:
    """Return the documentation of a loss's method."""
    return _docs.METHODS[name].replace("{loss}", made.__name__)


Loss.__doc__ = _docs.LOSS
