"""Many callers at once: what a service with a thread for every request gets out of the machine.

The same calls, small and large ones mixed, are made by one thread, which may use all CPUs in each
of them, and by many threads at once. Rounds alternate. A ratio above 1 is how many times as long
one thread takes as they do together.
"""

from __future__ import annotations

import statistics
import threading
import time
from pathlib import Path

import numpy as np

import numloss

#: Elements of a call: 10 small ones for each large one, which is worth all CPUs.
SIZES = [64, 256, 1000, 4000, 10_000] * 2 + [2_000_000]

#: How many times as much as one many callers must get through: those of a noisy machine lose some.
LEAST = 0.9


def keep_up(result: dict[str, float]) -> bool:
    """Whether many callers get through as much as one, in the median of the rounds."""
    return result["ratio"] >= LEAST


def measure(callers: int = 64, rounds: int = 15) -> dict[str, float]:
    """Return the ratio, its quartiles, and the library's threads while all callers are alive."""
    rng = np.random.default_rng(0)
    arrays = [rng.normal(size=(2, n)).astype(np.float32) for n in SIZES]
    calls = [arrays[i % len(arrays)] for i in range(len(arrays) * callers)]
    ratios, threads = [], 0
    for _ in range(rounds):
        alone, _ = _seconds(calls, 1)
        together, threads = _seconds(calls, callers)
        ratios.append(alone / together)
    lower, median, upper = statistics.quantiles(ratios, n=4, method="inclusive")
    return {"ratio": median, "lower": lower, "upper": upper, "threads": threads}


def _seconds(calls: list[np.ndarray], callers: int) -> tuple[float, int]:
    """Share the calls among threads; return the time all take, and the library's own threads."""
    start, done = threading.Barrier(callers + 1), threading.Barrier(callers + 1)

    def work(share: list[np.ndarray]) -> None:
        start.wait()
        for prediction, target in share:
            numloss.huber(prediction, target)
        done.wait()
        start.wait()

    workers = [threading.Thread(target=work, args=(calls[i::callers],)) for i in range(callers)]
    for worker in workers:
        worker.start()
    start.wait()
    begin = time.perf_counter()
    done.wait()
    seconds = time.perf_counter() - begin
    threads = _helpers()
    start.wait()
    for worker in workers:
        worker.join()
    return seconds, threads


def _helpers() -> int:
    tasks = Path("/proc/self/task").iterdir()
    return sum((task / "comm").read_text() == "numloss\n" for task in tasks)


def describe(result: dict[str, float], callers: int) -> str:
    """Say in a line what was measured."""
    return (
        f"{callers} threads do the calls of one in 1/{result['ratio']:.2f} of its time (quartiles "
        f"{result['lower']:.2f} to {result['upper']:.2f}), with {numloss.num_threads()} threads a "
        f"call and {result['threads']} threads of the library in all"
    )
