"""Calls while memory is refused: what test_memory.py runs with failing_malloc.c preloaded.

Every allocation of a call fails in turn. Then the call raises MemoryError, or does without that
memory and returns the same bits; what it writes to is untouched or complete; and the next call
works. In the extension module every allocation is refused, also those that NumPy and the
interpreter make on its behalf. In the Python layer it is the large ones, as a system does it: NumPy
does not survive the lack of the buffers it iterates with.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable
from functools import partial
from itertools import islice
from typing import Any

import numpy as np
from calls import refusals, stays_in_the_extension
from cases import PLAIN, SHARED, assert_same

import numloss

MANY = 1 << 40
UNTOUCHED = 7
#: Bytes beyond any buffer that NumPy iterates with.
LARGE = 1 << 17

_shim = ctypes.CDLL(None)
passes, failures = (ctypes.c_long.in_dll(_shim, name) for name in ("passes", "failures"))
least = ctypes.c_size_t.in_dll(_shim, "least")

Call = Callable[[], Any]


def attempt(call: Call, passed: int, refused: int) -> tuple[type[BaseException] | None, Any, int]:
    """Return what a call raises, what it returns, and how many allocations it makes."""
    error, result = None, None
    failures.value = refused
    passes.value = passed
    try:
        result = call()
    except BaseException as raised:
        error = type(raised)
    left, passes.value = passes.value, -1
    return error, result, passed - left


def parts(result: Any) -> list[Any]:
    """Return the arrays and numbers of a result that is one."""
    if result is None or result is NotImplemented:
        return []
    return list(result) if isinstance(result, tuple) else [result]


def half_written(places: tuple[np.ndarray, ...], results: list[Any]) -> bool:
    """Whether a place is neither untouched nor holds the result it is for, one of the last."""
    wanted = results[len(results) - len(places) :] if results else [UNTOUCHED] * len(places)
    return not all(
        (place == UNTOUCHED).all() or (place == result).all()
        for place, result in zip(places, wanted, strict=True)
    )


def sweep(name: str, call: Call, places: tuple[np.ndarray, ...] = (), at_least: int = 0) -> int:
    """Let each allocation of a call fail, and some after it; return how many there are."""
    least.value = at_least
    for _ in range(2):  # caches fill
        error, result, count = attempt(call, MANY, 0)
    expected = [np.copy(x) for x in parts(result)]
    del result
    for n in range(count):
        for refused in (1, 3, MANY):
            for place in places:
                place[...] = UNTOUCHED
            found, result, _ = attempt(call, n, refused)
            where = f"{name}: allocation {n} of {count}"
            if found is None:
                assert error is None, f"{where}: not refused"
                assert_same(parts(result), expected, where)
            else:
                assert issubclass(found, (MemoryError, error or MemoryError)), (where, found)
            assert not half_written(places, expected), where
            del result
    found, result, _ = attempt(call, MANY, 0)
    assert found is error, name
    assert_same(parts(result), expected, f"{name}, after failures")
    return count


def sweep_core(name: str, call: Call, places: tuple[np.ndarray, ...] = ()) -> int:
    """Let each allocation fail in a call that is answered by the extension module alone."""
    return sweep(name, call, places) if stays_in_the_extension(call) else 0


def every_way_into_a_loss() -> int:
    """Arrays as they are, places for the results; short rows and long ones."""
    count = 0
    for variant in SHARED:
        for shape in [(6, 5), (2, 300)] if variant.rowwise else [(30,)]:
            prediction, target = variant.inputs(shape, "float32")
            loss = partial(variant.loss, **variant.options(shape[-1]))
            both = partial(variant.loss.value_and_grad, **variant.options(shape[-1]))
            hessian = partial(variant.loss.grad_and_hess, **variant.options(shape[-1]))
            places = np.empty_like(prediction), np.empty_like(prediction)
            count += sweep_core(f"{variant}", partial(loss, prediction, target))
            count += sweep_core(f"{variant} with gradient", partial(both, prediction, target))
            count += sweep_core(
                f"{variant} to places",
                partial(hessian, prediction, target, weight=0.5, out=places),
                places,
            )
    return count


def large_arrays() -> int:
    """Results and working memory from the heap: wide rows, many blocks, several threads."""
    count = 0
    for variant in PLAIN:
        shape = (3000, 200) if variant.rowwise else (600_000,)
        prediction, target = variant.inputs(shape, "float32")
        strided = np.repeat(prediction, 2, axis=0)[::2]
        place = np.empty_like(prediction)
        to_new = partial(variant.loss.value_and_grad, prediction, target)
        to_place = partial(variant.loss.grad, strided, target, out=place)
        for threads in (1, 2):
            with numloss.threads(threads):
                for call, places in ((to_new, ()), (to_place, (place,))):
                    label = f"large {variant.name} on {threads} threads"
                    count += sweep_core(label, call, places)
                    count += sweep(label, call, places, LARGE)
    return count


def errors_on_their_way() -> int:
    """What the kernels refuse, and the work that a message takes."""
    count = sum(sweep(asked.name, asked, (), LARGE) for asked in islice(refusals(), 0, None, 3))
    n = 1 << 18
    logits, labels = np.zeros((n, 5)), np.zeros(n, int)
    labels[-1] = 5
    shares = np.full((n, 5), 0.25)
    ones = np.ones(n)
    for call in (
        partial(numloss.cross_entropy, logits, labels),
        partial(numloss.cross_entropy.grad, logits, shares),
        partial(numloss.hinge, ones, 0 * ones),
        partial(numloss.binary_cross_entropy, ones, 2 * ones),
        partial(numloss.mse, ones, ones, weight=-ones),
        partial(numloss.mse.grad, ones, ones, out=ones[::-1]),
    ):
        count += sweep("large refusal", call, (), LARGE)
    return count


if __name__ == "__main__":
    # NumPy reports the lack of memory for an array once more, to no one.
    sys.unraisablehook = lambda _: None
    print(every_way_into_a_loss(), large_arrays(), errors_on_their_way())
