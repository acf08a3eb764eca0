"""What more threads give: the same call on one thread and on several, in turn."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, Any

import numloss
from bench.cells import make_data, parse_shape, problem, shape_name
from bench.outcome import Outcome
from bench.table import Table, number
from bench.timing import interleave

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from bench.timing import Budget

FLAT = tuple(map(parse_shape, ("10k", "50k", "100k", "200k", "500k", "1M", "20M")))
ROWS = ("500x10", "4096x10", "20kx10", "100kx10", "2000x100", "20kx100", "200x1000", "1024x1000")
SHAPES = {False: FLAT, True: (*map(parse_shape, ROWS), (256, 50257))}
LOSSES = ("mse", "binary_cross_entropy", "focal", "cross_entropy", "multiclass_hinge")


#: Losses that take an exponential of every number: arithmetic binds them, not memory.
ARITHMETIC = ("binary_cross_entropy", "focal", "cross_entropy")
#: How many times as fast two threads or more must be on those, from so many elements on.
LEAST, ENOUGH = 1.8, 200_000
#: Nothing may be slower on more threads; so much is noise.
NEVER_BELOW = 0.95


def on_threads(call: Callable[[], Any], threads: int) -> Callable[[], Any]:
    """Return the call on that many threads. Setting them costs both sides the same."""

    def measured() -> None:
        with numloss.threads(threads):
            call()

    return measured


def measure(threads: Sequence[int], budget: Budget) -> Iterator[dict[str, Any]]:
    """Time each cell on one thread and on each of ``threads``."""
    for loss in LOSSES:
        kind = problem(loss)
        for shape in SHAPES[kind.rowwise]:
            data = make_data(kind.target, shape, "float32")
            function = numloss.LOSSES[loss]
            value = partial(function, data.prediction, data.target)
            both = partial(function.value_and_grad, data.prediction, data.target, out=data.buffer)
            for mode, call in (("value", value), ("value+grad", both)):
                calls = {str(count): on_threads(call, count) for count in sorted({1, *threads})}
                timings = interleave(calls, budget)
                times = {name: timing.median for name, timing in timings.items()}
                yield {"loss": loss, "mode": mode, "shape": shape, "times": times}


def least(cell: dict[str, Any]) -> float:
    """How many times as fast as on one thread a cell must be on more."""
    large = math.prod(cell["shape"]) >= ENOUGH
    return LEAST if large and cell["loss"] in ARITHMETIC else NEVER_BELOW


def speedups(cell: dict[str, Any]) -> dict[str, float]:
    """How many times as fast as on one thread a cell is, by the number of threads."""
    alone, *others = cell["times"].items()
    return {count: alone[1] / seconds for count, seconds in others}


def outcomes(measured: Iterable[dict[str, Any]]) -> Iterator[Outcome]:
    """Hold more threads against one."""
    for cell in measured:
        for count, speedup in speedups(cell).items():
            name = f"{cell['loss']} {cell['mode']} {shape_name(cell['shape'])}, {count} threads"
            wanted, found = f">= {number(least(cell))}x", f"{number(speedup)}x"
            yield Outcome(name, wanted, found, speedup >= least(cell))


SAYS = (
    "The time of a call on one thread in microseconds, and how many times as fast it is on more."
    f" 'at least' is what is wanted: {LEAST} from {ENOUGH} elements on of the losses that"
    f" arithmetic binds ({', '.join(ARITHMETIC)}); elsewhere that it is not slower, where"
    f" {NEVER_BELOW} leaves room for noise. ! marks what is below."
)


def table(measured: Sequence[dict[str, Any]]) -> Table:
    """Tabulate the time on one thread and how many times as fast the others are."""
    counts = list(measured[0]["times"])[1:]
    rows = [
        [
            cell["loss"],
            cell["mode"],
            shape_name(cell["shape"]),
            number(1e6 * cell["times"]["1"]),
            number(least(cell)),
            *(number(ratio) + "!" * (ratio < least(cell)) for ratio in speedups(cell).values()),
        ]
        for cell in measured
    ]
    header = [
        "loss",
        "mode",
        "shape",
        "us, 1 thread",
        "at least",
        *(f"x on {count}" for count in counts),
    ]
    return Table("threads, float32", header, rows, SAYS)
