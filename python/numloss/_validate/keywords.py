"""The keywords that every loss takes: weight, reduction, denominator, out."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from difflib import get_close_matches
from inspect import Parameter, signature
from typing import TYPE_CHECKING, Any

import numpy as np

from numloss import _core
from numloss._validate.arrays import Arrays, array
from numloss._validate.messages import listed
from numloss._validate.parameters import one_of, positive

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


_REDUCTIONS = ("mean", "sum", "none")


def refuse_arguments(loss: Callable[..., Any], positional: int, named: Iterable[str]) -> None:
    """Raise where a call has more arguments or other names than its loss takes."""
    name = getattr(loss, "__name__", "")
    parameters = signature(loss).parameters.values()
    takes = [p.name for p in parameters]
    keywords = [p.name for p in parameters if p.kind is Parameter.KEYWORD_ONLY]
    places = takes[: len(takes) - len(keywords)]
    if positional > len(places):
        raise TypeError(
            f"{name}() takes {' and '.join(places)} by position, all else by keyword "
            f"({', '.join(keywords)}), got {positional} positional arguments"
        ) from None
    unknown = [x for x in named if x not in takes]
    if unknown:
        near = get_close_matches(unknown[0], takes, 1)
        fix = f"did you mean {near[0]!r}? It" if near else "it"
        raise TypeError(
            f"{name}() takes no argument named {listed(unknown)}: {fix} takes {', '.join(takes)}"
        ) from None


def call(
    mode: int,
    arrays: Arrays,
    weight: ArrayLike | None = None,
    reduction: str = "mean",
    denominator: str | float = "weight",
    out: Any = None,
) -> dict[str, Any]:
    """Check the keywords that every loss takes; return them as the kernels take them."""
    reduction = one_of("reduction", reduction, _REDUCTIONS)
    denominator = _denominator(denominator, reduction)
    w = None if weight is None else _weight(weight, arrays.examples)
    return {
        "weight": w,
        "reduction": reduction,
        "denominator": denominator,
        "out": _outputs(out, mode, reduction, arrays, w),
    }


def _denominator(denominator: str | float, reduction: str) -> str | float:
    if isinstance(denominator, str):
        denominator = one_of("denominator", denominator, ("weight", "count"))
    else:
        denominator = float(positive("denominator", denominator))
    if denominator != "weight" and reduction != "mean":
        raise ValueError(
            f"denominator divides a mean: it must be left out with reduction={reduction!r}"
        )
    return denominator


def _weight(weight: ArrayLike, examples: tuple[int, ...]) -> NDArray[Any]:
    w = array("weight", weight)
    try:
        return np.broadcast_to(w, examples)
    except ValueError:
        raise ValueError(
            f"weight must broadcast to the examples, of shape {examples}, got shape {w.shape}"
        ) from None


def _outputs(
    out: Any, mode: int, reduction: str, arrays: Arrays, weight: NDArray[Any] | None
) -> tuple[NDArray[Any] | None, ...] | None:
    """Return one place for each array among the results."""
    if out is None:
        return None
    places = []
    if mode & _core.VALUE and reduction == "none":
        places.append(arrays.examples)
    places += [arrays.prediction.shape] * (bool(mode & _core.GRADIENT) + bool(mode & _core.HESSIAN))
    if not places:
        raise ValueError("out needs an array among the results: use reduction='none' or a gradient")
    given = list(tuple.__iter__(out)) if isinstance(out, tuple) else [None] * len(places)
    if not isinstance(out, tuple):
        lone = 1 if mode & _core.VALUE and len(places) == 2 else 0
        given[lone] = out
    if len(given) != len(places):
        raise ValueError(
            f"out must have as many places as there are arrays among the results, {len(places)}, "
            f"got {len(given)}"
        )
    checked = [
        None if buffer is None else _output(buffer, shape, arrays.dtype)
        for buffer, shape in zip(given, places, strict=True)
    ]
    _refuse_overlap(checked, arrays, weight)
    return tuple(checked)


def _output(given: Any, shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
    if not isinstance(given, np.ndarray):
        raise TypeError(
            f"out must be a numpy.ndarray or a tuple of them, got {type(given).__name__}"
        )
    if issubclass(type(given), np.ma.MaskedArray):
        raise TypeError("out is a masked array, whose mask would be lost: pass its .data")
    # The array itself where the kernels take it, so that it is what comes back.
    buffer: NDArray[Any] = np.asarray(given)
    if buffer.shape != shape:
        raise ValueError(f"out must have shape {shape}, got {buffer.shape}")
    if buffer.dtype != dtype:
        raise TypeError(
            f"out must have dtype {dtype}, got {buffer.dtype}: use numpy.empty({shape}, '{dtype}')"
        )
    if not buffer.flags.writeable:
        raise ValueError("out must be writeable, got a read-only array")
    if _meets_itself(buffer):
        raise ValueError("out must have memory for every element, got a view that shares it")
    return buffer


def _meets_itself(buffer: NDArray[Any]) -> bool:
    """Whether elements may share memory, as in views that repeat or slide over an array."""
    if buffer.size == 0:
        return False
    span = buffer.itemsize
    for stride, length in sorted(zip(map(abs, buffer.strides), buffer.shape, strict=True)):
        if length > 1 and stride < span:
            return True
        span += stride * (length - 1)
    return False


def _refuse_overlap(
    outputs: list[NDArray[Any] | None], arrays: Arrays, weight: NDArray[Any] | None
) -> None:
    given = [buffer for buffer in outputs if buffer is not None]
    for i, buffer in enumerate(given):
        if not _is_same(buffer, arrays.prediction) and _overlap(buffer, arrays.prediction):
            raise ValueError("out overlaps prediction: it must be the same array or apart from it")
        for name, other in (("target", arrays.target), ("weight", weight)):
            if other is not None and _overlap(buffer, other):
                raise ValueError(f"out overlaps {name}: it must lie apart from it")
        if any(_overlap(buffer, other) for other in given[:i]):
            raise ValueError("out: the arrays for the results overlap each other")


def _is_same(a: NDArray[Any], b: NDArray[Any]) -> bool:
    """Whether two arrays have every element in the same place."""
    if a.shape != b.shape or a.itemsize != b.itemsize:
        return False
    steps = zip(a.strides, b.strides, a.shape, strict=True)
    return a.__array_interface__["data"][0] == b.__array_interface__["data"][0] and all(
        x == y for x, y, length in steps if length > 1
    )


_ENOUGH_WORK: Any = 10_000  # Any: NumPy's stubs know only its two special values


def _overlap(a: NDArray[Any], b: NDArray[Any]) -> bool:
    try:
        return np.shares_memory(a, b, max_work=_ENOUGH_WORK)
    except MemoryError:
        raise
    except Exception:  # too hard to tell for certain
        return True
