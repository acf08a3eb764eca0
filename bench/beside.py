"""Calls beside a plain one of the same loss: with an option, or on another layout.

All calls of a loss on a shape are timed in turn; a ratio is the median over the rounds, in each of
them against the plain call of the same round.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from typical import Data

import numloss
from bench.cells import Shape
from bench.contestants import alike
from bench.timing import Budget, interleave, ratio

Call = Callable[[], Any]
VALUE, BOTH = "value", "value+grad"
FULL = Budget(sample=1e-3, seconds=0.25, rounds=(5, 40))
QUICK = Budget(sample=5e-4, seconds=0.05, rounds=(7, 15))


def measure(
    problem: tuple[str, Shape, str],
    plain: Mapping[str, Call],
    varied: Mapping[str, Mapping[str, Call]],
    budget: Budget,
) -> Iterator[dict[str, Any]]:
    """Time the variations of a loss on a shape and dtype, each mode against the plain call's.

    A mode that the plain call does not have is a kind of ``value+grad``. Times are those of the
    thread, which leaves the process's neighbours out.
    """
    calls: dict[tuple[str, str], Call] = {("", mode): call for mode, call in plain.items()}
    for what, modes in varied.items():
        calls |= {(what, mode): call for mode, call in modes.items()}
    more = replace(budget, seconds=budget.seconds * len(calls))
    timings = interleave(calls, more, time.thread_time)
    loss, shape, dtype = problem
    for what, modes in varied.items():
        ratios = {
            mode: ratio(timings[what, mode], timings["", mode if mode in plain else BOTH])
            for mode in modes
        }
        rounded = {mode: float(f"{times:.3g}") for mode, times in ratios.items()}
        yield {"loss": loss, "what": what, "shape": shape, "dtype": dtype, "ratios": rounded}


def calls(loss: str, data: Data, **options: Any) -> dict[str, partial[Any]]:
    """Return the calls of both modes, the gradient's with a buffer."""
    function = numloss.LOSSES[loss]
    arguments, options = (data.prediction, data.target), data.options | options
    out = alike(function.value_and_grad(*arguments, **options)[1])
    return {
        VALUE: partial(function, *arguments, **options),
        BOTH: partial(function.value_and_grad, *arguments, out=out, **options),
    }
