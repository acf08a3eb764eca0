"""What the ways to hand an argument over cost: ``python -m bench.arguments``.

Microseconds of one call on 64 elements, or on 8 rows of 10 classes: the least of several rounds, in
which all ways take turns. The first row is the plain call; docs/arguments.md shows the table.
"""

from __future__ import annotations

import timeit
from collections.abc import Callable, Iterator
from contextlib import suppress

import ml_dtypes
import numpy as np

import numloss

ROUNDS, CALLS = 15, 2000


def ways() -> Iterator[tuple[str, Callable[[], object]]]:
    """Yield each way to call by what is special about it."""
    rng = np.random.default_rng(0)
    p = rng.normal(size=64).astype("f4")
    t = rng.normal(size=64).astype("f4")
    scores, labels = rng.normal(size=(8, 10)).astype("f4"), np.arange(8)
    ten, table, out = np.linspace(0.5, 2, 10), np.ones((10, 10)), np.empty_like(p)
    wide, integers, listed = t.astype("f8"), np.arange(64), t.tolist()
    weight = t * t
    swapped, half = p.astype(">f4"), p.astype(ml_dtypes.bfloat16)
    mse, cross_entropy = numloss.mse, numloss.cross_entropy
    yield "`mse` of two float32 arrays", lambda: mse(p, t)
    yield "with its gradient into `out`", lambda: mse.value_and_grad(p, t, out=out)
    yield "a parameter (`huber`, `delta=2.0`)", lambda: numloss.huber(p, t, delta=2.0)
    yield "a target of float64", lambda: mse(p, wide)
    yield "a target of integers", lambda: mse(p, integers)
    yield "a number as target", lambda: mse(p, 0.5)
    yield "weights", lambda: mse(p, t, weight=weight)
    yield "a prediction of the other byte order", lambda: mse(swapped, t)
    yield "a prediction of bfloat16", lambda: mse(half, 0.5)
    yield "a list of 64 numbers as target", lambda: mse(p, listed)
    yield "`numpy.asarray` of that list, for comparison", lambda: np.asarray(listed)
    yield "`cross_entropy` of 8 x 10", lambda: cross_entropy(scores, labels)
    yield "`class_weight`", lambda: cross_entropy(scores, labels, class_weight=ten)
    yield "`alpha` (`softmax_focal`)", lambda: numloss.softmax_focal(scores, labels, alpha=ten)
    yield (
        "a table of distances (`ordinal_cross_entropy`)",
        lambda: numloss.ordinal_cross_entropy(scores, labels, distance=table),
    )
    yield "`elastic_net`", lambda: numloss.elastic_net(p, l1_ratio=0.5)
    yield from foreign(p, t)


def foreign(p: np.ndarray, t: np.ndarray) -> Iterator[tuple[str, Callable[[], object]]]:
    """Yield calls with other libraries' arrays, of the libraries that are installed."""
    with suppress(ImportError):
        import pandas as pd

        series = pd.Series(t)
        yield "a pandas Series as target", lambda: numloss.mse(p, series)
        yield "`numpy.asarray` of that Series, for comparison", lambda: np.asarray(series)
    with suppress(ImportError):
        import polars as pl

        column = pl.Series(t)
        yield "a polars Series as target", lambda: numloss.mse(p, column)
        yield "`numpy.asarray` of that column, for comparison", lambda: np.asarray(column)
    with suppress(ImportError):
        import pyarrow as pa

        array = pa.array(t)
        yield "a pyarrow array as target", lambda: numloss.mse(p, array)
        yield "`numpy.asarray` of that array, for comparison", lambda: np.asarray(array)
    with suppress(ImportError):
        import torch

        tensor = torch.from_numpy(t.copy())
        half, out = tensor.bfloat16(), torch.empty_like(tensor)
        yield "a torch tensor as target", lambda: numloss.mse(p, tensor)
        yield "a torch tensor of bfloat16 as prediction", lambda: numloss.mse(half, 0.5)
        yield "its gradient into a torch tensor", lambda: numloss.mse.grad(p, tensor, out=out)
        yield "`numpy.asarray` of that tensor, for comparison", lambda: np.asarray(tensor)


def main() -> None:
    """Measure and print the table."""
    calls = dict(ways())
    least = dict.fromkeys(calls, float("inf"))
    for _ in range(ROUNDS):
        for name, call in calls.items():
            seconds = timeit.timeit(call, number=CALLS) / CALLS
            least[name] = min(least[name], seconds)
    print("| a call with | us |\n|---|---|")
    for name, seconds in least.items():
        print(f"| {name} | {seconds * 1e6:.2f} |")


if __name__ == "__main__":
    main()
