"""Linear cross-entropy beside its matrix products alone, and the memory that it takes."""

from __future__ import annotations

import contextlib
import ctypes
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from bench.tables import number, table

#: Calls by what they are asked for; each returns what `value_and_grad` is given beside the arrays.
ASKED: dict[str, dict[str, Any]] = {
    "plain": {},
    "bias": {"bias": True},
    "smoothing": {"label_smoothing": 0.1},
    "soft-cap, temperature, z-loss": {"softcap": 30.0, "temperature": 0.8, "z_loss": 1e-4},
}


def against_products(
    shape: tuple[int, int, int], rounds: int, asked: list[str], max_memory: int
) -> Iterator[str]:
    """Yield a table: value and gradients beside the three products on whole matrices.

    The products have room for all logits, which the call has not. Both write to arrays that were
    there before. A ratio is the median over rounds, in each of which both were timed.
    """
    import numloss

    rows, width, classes = shape
    rng = np.random.default_rng(0)
    hidden = rng.standard_normal((rows, width), np.float32)
    weight = rng.standard_normal((classes, width), np.float32) / np.float32(width) ** 0.5
    bias = rng.standard_normal(classes, np.float32)
    labels = rng.integers(0, classes, rows)
    out = tuple(np.zeros_like(x) for x in (hidden, weight, bias))

    def call(options: dict[str, Any]) -> Callable[[], Any]:
        options = dict(options)
        given = [bias] if options.pop("bias", False) else []
        places = out[: 2 + len(given)]
        return lambda: numloss.linear_cross_entropy.value_and_grad(
            hidden, weight, labels, *given, out=places, max_memory=max_memory, **options
        )

    # Before anything else of the size: what the first call takes is what a program sees.
    memory = {name: growth(call(ASKED[name])) for name in asked}
    logits = np.zeros((rows, classes), np.float32)

    def products() -> None:
        np.matmul(hidden, weight.T, out=logits)
        np.matmul(logits, weight, out=out[0])
        np.matmul(logits.T, hidden, out=out[1])

    found = []
    for name in asked:
        times = [(seconds(products), seconds(call(ASKED[name]))) for _ in range(rounds)]
        alone, both = (statistics.median(one) for one in zip(*times, strict=True))
        ratio = statistics.median(ours / theirs for theirs, ours in times)
        found.append([name, number(alone), number(both), number(ratio), number(memory[name])])
    header = [
        "asked for",
        "s products",
        "s the call",
        "x products",
        "MB beyond in- and outputs",
    ]
    yield from table(header, found)


def seconds(work: Callable[[], Any]) -> float:
    """Time one call."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def growth(work: Callable[[], Any]) -> float:
    """Return by how many MB the resident memory of the process grows at most during a call."""
    with contextlib.suppress(AttributeError):  # another C library
        ctypes.CDLL(None).malloc_trim(0)  # what earlier calls have freed would cost nothing
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    before = status("VmRSS")
    work()
    return status("VmHWM") - before


def status(name: str) -> float:
    """Return a size that the kernel keeps of this process, in MB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    (line,) = (line for line in lines if line.startswith(f"{name}:"))
    return int(line.split()[1]) * 1024 / 1e6
