"""Where gradients are written: arrays of the caller's, or new ones."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from numloss import _convert
from numloss._raise import Error, InputTypeError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from numloss.linear.problem import Problem


def places(problem: Problem, out: Any) -> tuple[tuple[NDArray[Any], ...], tuple[Any, ...]]:
    """Return an array for each gradient: of hidden, weight and, where there is one, bias.

    Beside them is what the call returns: the same, or whose memory of another library's it is.
    """
    inputs = {"hidden": problem.hidden, "weight": problem.weight}
    if problem.bias is not None:
        inputs["bias"] = problem.bias
    if out is None:
        out = (None,) * len(inputs)
    if not isinstance(out, tuple) or len(out) != len(inputs):
        came = f"a tuple of {len(out)}" if isinstance(out, tuple) else type(out).__name__
        raise InputTypeError(
            f"out must be a tuple of {len(inputs)} places (arrays or None), for the gradients of "
            f"{', '.join(inputs)}, got {came}",
            "out",
        )
    shapes = {name: x.shape for name, x in inputs.items()}
    shapes["hidden"] = (*problem.shape, problem.hidden.shape[1])
    given = [None if place is None else _convert.output(place) for place in out]
    for (name, x), place in zip(inputs.items(), given, strict=True):
        if place is not None:
            _check(name, place, shapes[name], problem.result_dtype(x))
    _check_apart(problem, [place for place in given if place is not None])
    made = tuple(
        np.empty(shapes[name], problem.result_dtype(x)) if place is None else place
        for (name, x), place in zip(inputs.items(), given, strict=True)
    )
    return made, tuple(x if place is None else place for x, place in zip(made, out, strict=True))


def _check(name: str, place: NDArray[Any], shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
    what = f"out of {name}"
    if place.shape != shape:
        raise Error(f"{what} must have shape {shape}, got {place.shape}", "out")
    if place.dtype != dtype:
        fix = f"use numpy.empty({shape}, '{dtype}')"
        raise Error(f"{what} must have dtype {dtype}, got {place.dtype}: {fix}", "out")
    if not place.flags.writeable:
        raise Error(f"{what} must be writeable, got a read-only array", "out")


def _check_apart(problem: Problem, given: list[NDArray[Any]]) -> None:
    """Refuse places that overlap: every input is read until the last gradient is written."""
    names = ("hidden", "weight", "bias", "labels", "soft", "row_weight", "class_weight")
    for name in names:
        x = getattr(problem, name)
        if x is not None and any(np.may_share_memory(x, place) for place in given):
            shown = "labels" if name == "soft" else name
            raise Error(f"out overlaps {shown}: it must be apart from every input", "out")
    if any(np.may_share_memory(one, two) for one, two in combinations(given, 2)):
        raise Error("out: the arrays for the gradients overlap each other", "out")
