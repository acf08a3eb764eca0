"""What threads give: a call on one and on several, and one caller beside many at once."""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
from typical import draw

import numloss
from bench import beside
from bench.cells import Shape, accepts, parse_shape
from bench.timing import Budget, interleave

SIZES = ("50k", "200k", "1M", "20M", "4096x10", "100kx10", "1024x1000", "256x50257")
SHAPES: tuple[Shape, ...] = tuple(map(parse_shape, SIZES))
#: Elements of a caller's calls: 10 small ones for each large one, which is worth all CPUs.
CALLS = [64, 256, 1000, 4000, 10_000] * 2 + [2_000_000]


def measure(
    losses: Iterable[str], counts: Sequence[int], budget: Budget
) -> Iterator[dict[str, Any]]:
    """Time each loss on one thread and on each number of threads, in seconds a call."""
    for loss in losses:
        for shape in (shape for shape in SHAPES if accepts(loss, shape)):
            for mode, call in beside.calls(loss, draw(loss, shape, "float32")).items():
                calls = {str(n): partial(on_threads, n, call) for n in sorted({1, *counts})}
                timings = interleave(calls, budget)
                seconds = {n: float(f"{timing.median:.4g}") for n, timing in timings.items()}
                yield {"loss": loss, "mode": mode, "shape": shape, "seconds": seconds}


def on_threads(count: int, call: beside.Call) -> None:
    """Call on that many threads. Setting them costs both sides the same."""
    with numloss.threads(count):
        call()


def callers(count: int, rounds: int) -> str:
    """Let one thread, and then many at once, make the same calls; tell how they compare."""
    rng = np.random.default_rng(0)
    arrays = [rng.normal(size=(2, n)).astype(np.float32) for n in CALLS]
    calls = [arrays[i % len(arrays)] for i in range(len(arrays) * count)]
    ratios = [shared(calls, 1) / shared(calls, count) for _ in range(rounds)]
    lower, median, upper = statistics.quantiles(ratios, n=4, method="inclusive")
    return (
        f"{count} threads get through {median:.2f} times as much as one (quartiles {lower:.2f} to"
        f" {upper:.2f}), with {numloss.num_threads()} threads a call"
    )


def shared(calls: list[np.ndarray], count: int) -> float:
    """Share calls among threads; return the seconds that all take."""
    gate = threading.Barrier(count + 1)

    def work(share: list[np.ndarray]) -> None:
        gate.wait()
        for prediction, target in share:
            numloss.huber(prediction, target)
        gate.wait()

    workers = [threading.Thread(target=work, args=(calls[i::count],)) for i in range(count)]
    for worker in workers:
        worker.start()
    gate.wait()
    begin = time.perf_counter()
    gate.wait()
    seconds = time.perf_counter() - begin
    for worker in workers:
        worker.join()
    return seconds
