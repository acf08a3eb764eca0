"""The limits of this machine: how fast it moves the bytes of a cell, and does its arithmetic.

A value reads the prediction and the target; a gradient is also written. The memory limit is
measured with the calls that move bytes fastest from Python, on the cell's own arrays, in the same
rounds as the contestants.

The arithmetic of a cell is what its kernel was counted to do (`instructions`). The machine's rate
is that of a matrix product, which issues one packed multiply-add after the other, in the same
rounds.
"""

from __future__ import annotations

import timeit
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.instructions import operations

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from bench.cells import Cell, Data

# Below this NumPy's own overhead takes a good part of the time, which then says little of memory.
SMALLEST_BYTES = 1 << 20


def bytes_moved(cell: Cell, data: Data) -> int:
    """Bytes that no way of computing the cell can avoid to move."""
    written = data.prediction.nbytes if cell.wants_gradient else 0
    return data.prediction.nbytes + data.target.nbytes + written


ADD, MEMORY, PRODUCT = "numpy.add", "memory limit", "matrix product"
#: Fits the L2 cache of common machines, and is large enough for the library's best code.
PRODUCT_SIZE = 384


def yardsticks(cell: Cell, data: Data) -> dict[str, Callable[[], Any]]:
    """Return what a cell is held against beside its peers, as calls by name.

    For arrays too small to say anything of memory, it is the cheapest call NumPy can make.
    """
    if bytes_moved(cell, data) < SMALLEST_BYTES:
        other = data.target if data.target.shape == data.prediction.shape else data.prediction
        return {ADD: partial(np.add, data.prediction, other)}
    steps = [reader(data.target, cell.threads)]
    if cell.wants_gradient:
        steps.append(split(np.copyto, (data.buffer, data.prediction), cell.threads))
    else:
        steps.append(reader(data.prediction, cell.threads))
    factor = np.ones((PRODUCT_SIZE, PRODUCT_SIZE), arithmetic_dtype(cell))
    product = np.empty_like(factor)
    return {
        MEMORY: partial(run_all, steps),
        PRODUCT: partial(np.matmul, factor, factor, out=product),
    }


def arithmetic_dtype(cell: Cell) -> str:
    """Return the dtype that kernels compute in."""
    return "float64" if cell.dtype == "float64" else "float32"


def limits(cell: Cell, medians: dict[str, float]) -> dict[str, float]:
    """Return the limits of a cell in seconds, by name, from the times of its yardsticks."""
    if ADD in medians:
        return {"call": medians[ADD]}
    found = {"memory": medians[MEMORY]}
    if (each := operations(cell)) is not None:
        second = PRODUCT_SIZE**3 / medians[PRODUCT]
        found["arithmetic"] = each * cell.elements / second
    return found


def run_all(steps: list[Callable[[], Any]]) -> None:
    """Call each step."""
    for step in steps:
        step()


def reader(array: NDArray[Any], threads: int) -> Callable[[], Any]:
    """Return the fastest way to read an array. Integers stand for any bits: no NaN slows them."""
    integers = array.reshape(-1).view(f"i{array.itemsize}")
    ways = [split(np.maximum.reduce, (integers,), threads)]
    if array.nbytes % 8 == 0:
        ways.append(split(np.add.reduce, (integers.view("i8"),), threads))
    if array.dtype in (np.float32, np.float64):
        ways.append(split(square, (array.reshape(-1),), threads))
    return min(ways, key=lambda way: min(timeit.repeat(way, number=1, repeat=3)))


def square(array: NDArray[Any]) -> Any:
    """Read an array through the linear algebra library."""
    return np.dot(array, array)


def split(
    function: Callable[..., Any], arrays: tuple[NDArray[Any], ...], threads: int
) -> Callable[[], Any]:
    """Return a call of ``function`` on ``arrays``, on an equal part of them in each thread."""
    if threads == 1:
        return partial(function, *arrays)
    pieces = (np.array_split(array.reshape(-1), threads) for array in arrays)
    parts = list(zip(*pieces, strict=True))
    pool = ThreadPoolExecutor(threads)

    def call() -> None:
        for future in [pool.submit(function, *part) for part in parts]:
            future.result()

    return call
