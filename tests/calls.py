"""Calls of every kind, for the tests of memory: from the tables of losses and of refusals."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from unittest import mock

import ml_dtypes
import numpy as np
import test_errors
from cases import Variant

METHODS = ("__call__", "grad", "value_and_grad", "grad_and_hess")


@dataclass(frozen=True)
class Asked:
    """A call, and what it raises: nothing, or an error."""

    name: str
    function: Callable[..., Any]
    args: tuple[Any, ...]
    options: dict[str, Any] = field(default_factory=dict)
    error: type[Exception] | None = None

    def __call__(self) -> Any:
        return self.function(*self.args, **self.options)

    def settle(self) -> None:
        """Call it and take what comes."""
        with contextlib.suppress(*([self.error] if self.error else [])):
            self()


def _places(loss: Any, method: str, reduction: str, prediction: Any) -> Any:
    """Return memory for all arrays among the results, None where there are none."""
    values = method in ("__call__", "value_and_grad") and reduction == "none"
    examples = prediction.shape[:-1] if loss.rowwise else prediction.shape
    derivatives = {"__call__": 0, "grad_and_hess": 2}.get(method, 1)
    shapes = [examples] * values + [prediction.shape] * derivatives
    return tuple(np.empty(shape, prediction.dtype) for shape in shapes) or None


def successes(variant: Variant) -> Iterator[Asked]:
    """Yield calls by each method, of arrays as they are and of some to be converted."""
    shape = (6, 5) if variant.rowwise else (30,)
    for dtype in ("float32", "float64", "float16", ml_dtypes.bfloat16, ">f4"):
        prediction, target = variant.inputs(shape, dtype)
        weight = np.linspace(0, 1, shape[0])
        for method in METHODS:
            call = getattr(variant.loss, method)
            for reduction in ("mean", "sum", "none"):
                name = f"{variant}-{method}-{reduction}-{np.dtype(dtype)}"
                options = variant.options(shape[-1]) | {"reduction": reduction}
                yield Asked(name, call, (prediction, target), options)
                yield Asked(name, call, (prediction.tolist(), target), options)
                if prediction.dtype.isnative:
                    places = _places(variant.loss, method, reduction, prediction)
                    full = options | {"weight": weight, "out": places}
                    yield Asked(f"{name}-out", call, (prediction, target), full)


def refusals() -> Iterator[Asked]:
    """Yield what is refused, by every method; a generator would be used up by the first."""
    for row in test_errors.ARRAYS:
        error, message, loss, prediction, target, options = row.values
        for method in METHODS if "<generator" not in message else ():
            call = getattr(loss, method)
            yield Asked(f"{row.id}-{method}", call, (prediction, target), options, error)
    for row in test_errors.OTHERS:
        error, _, function, args, options = row.values
        yield Asked(row.id, function, args, options, error)
    for row in test_errors.OUT:
        error, _, call = row.values
        yield Asked(row.id, call, (test_errors.Places(),), error=error)


def stays_in_the_extension(asked: Callable[[], Any]) -> bool:
    """Whether a call is answered without Python code that converts or refuses its arguments."""
    with mock.patch.dict(sys.modules, {"numloss._convert": None, "numloss._raise": None}):
        try:
            asked()
        except Exception:
            return False
    return True
