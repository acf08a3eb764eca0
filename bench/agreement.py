"""Checking that contestants do the same work, before their times are compared."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from bench.cells import Cell
    from bench.peers import Contestant, Result

# Room for the rounding of every peer (float32 sums over millions of elements, 16-bit results),
# but for no missing factor and no other formula.
TOLERANCE = {"float64": 1e-9, "float32": 1e-3, "float16": 2e-2, "bfloat16": 1e-1}


class MismatchError(Exception):
    """Two contestants gave different results, so their times must not be compared."""


def check(cell: Cell, contestants: Sequence[Contestant]) -> None:
    """Call every contestant once, and compare its result with that of the first one.

    Raises
    ------
    MismatchError
        Where a value or a gradient differs by more than rounding explains.
    """
    first, *others = contestants
    expected = first.read(first.call())
    for other in others:
        compare(cell, first.name, expected, other.name, other.read(other.call()))


def compare(cell: Cell, name: str, expected: Result, other_name: str, got: Result) -> None:
    """Raise where one result is not the other."""
    tolerance = TOLERANCE[cell.dtype]
    if cell.wants_value and not distance(got.value, expected.value) <= tolerance:
        message = f"{cell.name}: {name} gives {expected.value}, {other_name} gives {got.value}"
        raise MismatchError(message)
    if cell.wants_gradient:
        if np.shape(got.gradient) != np.shape(expected.gradient):
            shapes = f"{np.shape(expected.gradient)} and {np.shape(got.gradient)}"
            raise MismatchError(f"{cell.name}: {name} and {other_name} have gradients of {shapes}")
        if not (apart := distance(got.gradient, expected.gradient)) <= tolerance:
            message = f"{cell.name}: the gradients of {name} and {other_name} are {apart:.2g} apart"
            raise MismatchError(message)


def distance(got: NDArray[Any] | float | None, expected: NDArray[Any] | float | None) -> float:
    """Relative distance in the Euclidean norm; NaN where either is NaN.

    A norm, because the few elements that rounding carries over a kink may differ completely.
    """
    a = np.asarray(got, dtype=np.float64).ravel()
    b = np.asarray(expected, dtype=np.float64).ravel()
    return float(np.linalg.norm(a - b) / np.linalg.norm(b))
