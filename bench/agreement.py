"""Checking that contestants do the same work, before their times are compared."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.cells import Cell
    from bench.peers import Contestant, Result

# Room for the rounding of every peer (float32 sums over millions of elements, 16-bit results),
# but for no missing factor and no other formula.
TOLERANCE = {"float64": 1e-9, "float32": 1e-3, "float16": 2e-2, "bfloat16": 1e-1}
# The gradient of a mean over a million elements in float16 is a few of the smallest steps that the
# dtype has. Two of them an element are rounding too.
SMALLEST_STEPS = {"float16": 2 * 2.0**-24}


class MismatchError(Exception):
    """Two contestants gave different results, so their times must not be compared."""


def check(cell: Cell, contestants: Sequence[Contestant]) -> tuple[list[Contestant], list[str]]:
    """Call every contestant once, and compare its result with that of the first one.

    Returns
    -------
    agreeing : list of Contestant
        Those to time.
    overflowing : list of str
        Names of the others: those whose own sums overflow in a 16-bit dtype.

    Raises
    ------
    MismatchError
        Where a value or a gradient differs by more than rounding explains.
    """
    first, *others = contestants
    expected = first.read(first.call())
    agreeing, overflowing = [first], []
    for other in others:
        got = other.read(other.call())
        if overflows(cell, got):
            overflowing.append(other.name)
            continue
        compare(cell, first.name, expected, other.name, got)
        agreeing.append(other)
    return agreeing, overflowing


def overflows(cell: Cell, result: Result) -> bool:
    """Whether a 16-bit result is not finite. The data are, and so is every right result."""
    parts = [part for part in result if part is not None]
    narrow = cell.dtype in ("float16", "bfloat16")
    return narrow and not all(np.isfinite(np.asarray(part, np.float64)).all() for part in parts)


def compare(cell: Cell, name: str, expected: Result, other_name: str, got: Result) -> None:
    """Raise where one result is not the other."""
    if cell.wants_value and not agree(cell, got.value, expected.value):
        message = f"{cell.name}: {name} gives {expected.value}, {other_name} gives {got.value}"
        raise MismatchError(message)
    for part, wanted in (("gradient", cell.wants_gradient), ("hessian", cell.wants_hessian)):
        theirs, ours = getattr(got, part), getattr(expected, part)
        if wanted and not agree(cell, theirs, ours):
            both = f"{describe(ours)}, {describe(theirs)}"
            message = f"{cell.name}: {part}s of {name} and {other_name} differ: {both}"
            raise MismatchError(message)


def agree(cell: Cell, got: Any, expected: Any) -> bool:
    """Whether two results differ by no more than rounding, in the Euclidean norm.

    A norm, because the few elements that rounding carries over a kink may differ completely.
    """
    a, b = (np.asarray(part, dtype=np.float64) for part in (got, expected))
    if a.shape != b.shape:
        return False
    absolute = SMALLEST_STEPS.get(cell.dtype, 0.0) * np.sqrt(b.size)
    allowed = TOLERANCE[cell.dtype] * np.linalg.norm(b) + absolute
    return bool(np.linalg.norm(a - b) <= allowed)


def describe(array: Any) -> str:
    """Shape and norm of a gradient or a Hessian."""
    return f"shape {np.shape(array)} norm {np.linalg.norm(np.asarray(array, np.float64)):.6g}"
