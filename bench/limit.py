"""The memory limit: how fast this machine moves the bytes that a cell has to move.

A value reads the prediction and the target; a gradient is also written. The limit is measured
with the calls that move bytes fastest from Python, on the cell's own arrays, in the same rounds
as the contestants.
"""

from __future__ import annotations

import timeit
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

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


def yardstick(cell: Cell, data: Data) -> tuple[str, Callable[[], Any]]:
    """Return what a cell is held against beside its peers, as a name and a call.

    For arrays too small to say anything of memory, it is the cheapest call NumPy can make.
    """
    if bytes_moved(cell, data) < SMALLEST_BYTES:
        other = data.target if data.target.shape == data.prediction.shape else data.prediction
        return "numpy.add", partial(np.add, data.prediction, other)
    steps = [reader(data.target, cell.threads)]
    if cell.wants_gradient:
        steps.append(split(np.copyto, (data.buffer, data.prediction), cell.threads))
    else:
        steps.append(reader(data.prediction, cell.threads))
    return "memory limit", partial(run_all, steps)


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
