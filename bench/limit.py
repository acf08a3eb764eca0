"""The limits of this machine: how fast it moves the bytes of a cell, and does its arithmetic.

A value reads the prediction and the target; derivatives are also written. The memory limit is
measured with the calls that move bytes fastest from Python, on the cell's own arrays, in the same
rounds as the contestants.

The arithmetic of a cell is what its AVX2 kernel was counted to do (`instructions`). The machine's
rate is the best one, of all cells of a run, at which it issued the packed multiply-adds of a matrix
product.
"""

from __future__ import annotations

import timeit
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.outcome import Outcome
from bench.peers import OURS, OURS_INTO_BUFFER
from bench.table import percent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from bench.cells import Cell, Data

# Below this NumPy's own overhead takes a good part of the time, which then says little of memory.
SMALLEST_BYTES = 1 << 20
#: How near a cell must come to its limit, by what binds it.
LEAST = {"memory": 0.85, "arithmetic": 0.70}


def bytes_moved(cell: Cell, data: Data) -> int:
    """Bytes that no way of computing the cell can avoid to move."""
    written = cell.wants_gradient + cell.wants_hessian
    return data.prediction.nbytes * (1 + written) + data.target.nbytes


ADD, MEMORY, PRODUCT = "numpy.add", "memory limit", "matrix product"
#: Fits the L2 cache of common machines, and is large enough for the library's best code.
PRODUCT_SIZE = 384


def yardsticks(cell: Cell, data: Data) -> dict[str, Callable[[], Any]]:
    """Return what a cell is held against beside its peers, as calls by name.

    For arrays too small to say anything of memory, it is the cheapest call NumPy can make: in
    float32, as NumPy emulates the arithmetic of shorter floats.
    """
    if bytes_moved(cell, data) < SMALLEST_BYTES:
        prediction = data.prediction.astype(np.float32)
        return {ADD: partial(np.add, prediction, np.ones_like(prediction))}
    factor = np.ones((PRODUCT_SIZE, PRODUCT_SIZE), arithmetic_dtype(cell.dtype))
    product = np.empty_like(factor)
    return {
        MEMORY: fastest(list(movers(cell, data))),
        PRODUCT: partial(np.matmul, factor, factor, out=product),
    }


def movers(cell: Cell, data: Data) -> Iterator[Callable[[], Any]]:
    """Yield the ways to move the bytes of a cell: array by array, and two at once where one can."""
    copies = [
        split(np.copyto, (buffer, data.prediction), cell.threads) for buffer in buffers(cell, data)
    ]
    read = reader(data.target, cell.threads)
    yield partial(run_all, [read, *(copies or [reader(data.prediction, cell.threads)])])
    both = (data.prediction.reshape(-1), data.target.reshape(-1))
    if cell.dtype in ("float32", "float64") and both[0].shape == both[1].shape:
        if copies:
            add = split(np.add, (*both, data.buffer.reshape(-1)), cell.threads)
            yield partial(run_all, [add, *copies[1:]])
        else:
            yield split(np.dot, both, cell.threads)


def buffers(cell: Cell, data: Data) -> list[NDArray[Any]]:
    """Return where the derivatives of a cell are written."""
    hessian = [data.hessian_buffer] if cell.wants_hessian else []
    return [data.buffer, *hessian] if cell.wants_gradient else []


def arithmetic_dtype(dtype: str) -> str:
    """Return the dtype that kernels compute in."""
    return "float64" if dtype == "float64" else "float32"


def with_limits(cells: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Give the cells of a run their limits, which one binds, and how near numloss comes to it.

    Derivatives are held to it where they go to buffers: no limit has the making of fresh memory.
    A call that is too small to say anything of memory comes near nothing. Nor does one of several
    threads: Python takes longer to hand them the bytes to move than numloss to be done.
    """
    rates = peak_rates(cells)
    limited = []
    for cell in cells:
        found = limits(cell, rates)
        bound = max(found, key=found.__getitem__)
        times = cell["times"]
        seconds = times.get(OURS_INTO_BUFFER, times[OURS])["median"]
        says_nothing = bound == "call" or cell["threads"] > 1
        of_limit = None if says_nothing else found[bound] / seconds
        limited.append({**cell, "limits": found, "bound": bound, "of_limit": of_limit})
    return limited


def peak_rates(cells: Iterable[dict[str, Any]]) -> dict[tuple[str, int], float]:
    """Return the best rates of multiply-adds, by the dtype of the arithmetic and the threads."""
    rates: dict[tuple[str, int], float] = {}
    for cell in cells:
        if PRODUCT in cell["times"]:
            kind = arithmetic_dtype(cell["dtype"]), cell["threads"]
            rate = PRODUCT_SIZE**3 / cell["times"][PRODUCT]["min"]
            rates[kind] = max(rate, rates.get(kind, 0.0))
    return rates


def limits(cell: dict[str, Any], rates: dict[tuple[str, int], float]) -> dict[str, float]:
    """Return the limits of a cell in seconds, by name."""
    if ADD in cell["times"]:
        return {"call": cell["times"][ADD]["median"]}
    found = {"memory": cell["times"][MEMORY]["median"]}
    if cell["operations"] is not None:
        rate = rates[arithmetic_dtype(cell["dtype"]), cell["threads"]]
        found["arithmetic"] = cell["operations"] / rate
    return found


def outcomes(cells: Iterable[dict[str, Any]]) -> Iterator[Outcome]:
    """Hold the cells that come near a limit, those that memory or arithmetic binds, against it."""
    for cell in cells:
        if cell["of_limit"] is not None:
            least = LEAST[cell["bound"]]
            reached = cell["of_limit"] >= least
            wanted = f">= {percent(least)} of {cell['bound']}"
            yield Outcome(cell["name"], wanted, percent(cell["of_limit"]), reached)


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
    return fastest(ways)


def fastest(ways: Sequence[Callable[[], Any]]) -> Callable[[], Any]:
    """Return the call that takes least."""
    if len(ways) == 1:
        return ways[0]
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
