"""The limit of a cell: what this machine needs at least to move its bytes, or for its arithmetic.

A value reads the prediction and the target; derivatives are also written. Both are timed by the
calls that move bytes fastest from Python, on the cell's own arrays, in the same rounds as the
contestants. The arithmetic is what the AVX2 kernel was counted to do (tests/instructions), at the
rate at which this machine issues the packed multiply-adds of a matrix product. For arrays below
1 MiB, which say little of memory, one `numpy.add` stands: the cheapest call that NumPy can make.
"""

from __future__ import annotations

import timeit
from collections.abc import Callable, Iterator, Sequence
from functools import cache, partial
from typing import Any

import numpy as np
from instructions.calls import operations
from numpy.typing import NDArray
from typical import Data

from bench.cells import Cell

Array = NDArray[Any]
Call = Callable[[], Any]
ADD, MEMORY = "numpy.add", "memory"
SMALLEST_BYTES = 1 << 20
#: Fits the L2 cache of common machines, and is large enough for the library's best code.
PRODUCT_SIZE = 384


def of(cell: Cell, yardsticks: dict[str, float]) -> dict[str, Any]:
    """Return the limit of a cell in seconds, and what sets it.

    Python takes longer to hand the bytes to several threads than numloss takes for everything:
    their cells have none.
    """
    found = dict(yardsticks)
    if cell.threads > 1 or not found:
        return {"limit": None, "bound": None}
    if MEMORY in found:
        found |= arithmetic(cell)
    bound = max(found, key=found.__getitem__)
    return {"limit": float(f"{found[bound]:.4g}"), "bound": bound}


def arithmetic(cell: Cell) -> dict[str, float]:
    """Return the time of the arithmetic, where it was counted."""
    each = operations(cell.loss, cell.mode, cell.shape, cell.dtype)
    dtype = "float64" if cell.dtype == "float64" else "float32"
    return {} if each is None else {"arithmetic": each * cell.elements / peak(dtype)}


@cache
def peak(dtype: str) -> float:
    """Return the best rate of multiply-adds of one thread."""
    factor = np.ones((PRODUCT_SIZE, PRODUCT_SIZE), dtype)
    product = partial(np.matmul, factor, factor, out=np.empty_like(factor))
    return PRODUCT_SIZE**3 / min(timeit.repeat(product, number=1, repeat=20))


def bytes_moved(cell: Cell, data: Data) -> int:
    """Return the bytes that no way of computing the cell can avoid to move."""
    operands = (x for x in data.options.values() if isinstance(x, np.ndarray))
    read = data.prediction.nbytes + data.target.nbytes + sum(x.nbytes for x in operands)
    return read + cell.derivatives * data.prediction.nbytes


def yardsticks(cell: Cell, data: Data) -> dict[str, Call]:
    """Return what a cell is held against beside its peers, as a call by its name."""
    if bytes_moved(cell, data) < SMALLEST_BYTES:
        # In float32, as NumPy emulates the arithmetic of shorter floats.
        prediction = data.prediction.astype(np.float32)
        return {ADD: partial(np.add, prediction, np.ones_like(prediction))}
    return {MEMORY: fastest(list(movers(cell, data)))} if cell.threads == 1 else {}


def movers(cell: Cell, data: Data) -> Iterator[Call]:
    """Yield the ways to move the bytes of a cell: array by array, and two at once if possible."""
    prediction, target = data.prediction, data.target
    buffers = [np.zeros_like(prediction) for _ in range(cell.derivatives)]
    copies: list[Call] = [partial(np.copyto, buffer, prediction) for buffer in buffers]
    operands = [reader(x) for x in data.options.values() if isinstance(x, np.ndarray)]
    yield partial(each, [reader(target), *operands, *(copies or [reader(prediction)])])
    if prediction.dtype.itemsize < 4 or prediction.shape != target.shape:
        return
    p, t = prediction.reshape(-1), target.reshape(-1)
    both = partial(np.add, p, t, buffers[0].reshape(-1)) if buffers else partial(np.dot, p, t)
    yield partial(each, [both, *operands, *copies[1:]])


def each(steps: Sequence[Call]) -> None:
    """Call each step."""
    for step in steps:
        step()


def reader(array: Array) -> Call:
    """Return the fastest way to read an array. Integers stand for any bits: no NaN slows them."""
    integers = array.reshape(-1).view(f"i{array.itemsize}")
    ways: list[Call] = [partial(np.maximum.reduce, integers)]
    if array.nbytes % 8 == 0:
        ways.append(partial(np.add.reduce, integers.view("i8")))
    if array.dtype in (np.float32, np.float64):
        ways.append(partial(np.dot, array.reshape(-1), array.reshape(-1)))
    return fastest(ways)


def fastest(ways: Sequence[Call]) -> Call:
    """Return the call that takes least."""
    return min(ways, key=lambda way: min(timeit.repeat(way, number=1, repeat=3)))
