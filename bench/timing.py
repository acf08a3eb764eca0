"""Timing calls against each other: calibrated, interleaved, robust to a noisy machine."""

from __future__ import annotations

import gc
import statistics
import time
import timeit
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


K = TypeVar("K")


@dataclass(frozen=True)
class Budget:
    """How long to measure.

    Parameters
    ----------
    sample : float
        A sample repeats its call until it takes this many seconds, so that the clock and the loop
        around the call do not count.
    seconds : float
        Time for all contestants of a cell together, untimed calls included.
    rounds : tuple of int
        Fewest and most rounds, whatever ``seconds`` says.
    """

    sample: float = 2e-3
    seconds: float = 2.0
    rounds: tuple[int, int] = (5, 60)


FULL = Budget()
QUICK = Budget(sample=1e-3, seconds=1.0, rounds=(5, 25))
#: Untimed calls of each contestant before each of its samples: the contestant before it left the
#: caches full of its own arrays.
WARM_UPS = 1


@dataclass
class Timing:
    """Seconds a call took in each sample, each the mean over ``repeats`` calls."""

    repeats: int
    samples: list[float] = field(default_factory=list)

    @property
    def median(self) -> float:
        """Median over the samples."""
        return statistics.median(self.samples)

    def summary(self) -> dict[str, Any]:
        """Figures to keep: the quartiles tell how noisy the machine was."""
        lower, _, upper = statistics.quantiles(self.samples, n=4)
        return {
            "median": self.median,
            "min": min(self.samples),
            "quartiles": [lower, upper],
            "samples": len(self.samples),
            "repeats": self.repeats,
        }


def interleave(
    calls: Mapping[K, Callable[[], Any]],
    budget: Budget,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[K, Timing]:
    """Time calls in turn, round after round, so that a slow spell of the machine hits them all."""
    timers = {name: timeit.Timer(call, timer=clock) for name, call in calls.items()}
    timings = {name: Timing(repeats(timer, budget.sample)) for name, timer in timers.items()}
    gc.collect()
    round_seconds = sum(sample(timers[name], timing) for name, timing in timings.items())
    fewest, most = budget.rounds
    wanted = int(budget.seconds / round_seconds) if round_seconds > 0 else most
    for _ in range(min(max(wanted, fewest), most) - 1):
        for name, timing in timings.items():
            sample(timers[name], timing)
    return timings


def ratio(one: Timing, other: Timing) -> float:
    """Return the median of the ratios of two calls' samples, each of one round."""
    pairs = zip(one.samples, other.samples, strict=True)
    return statistics.median(seconds / others for seconds, others in pairs)


def repeats(timer: timeit.Timer, seconds: float) -> int:
    """Count the calls that fill a sample. The first call, which may compile, does not count."""
    timer.timeit(1)
    count = 1
    while (taken := timer.timeit(count)) < seconds:
        count = max(2 * count, int(1.2 * count * seconds / max(taken, 1e-7)))
    return count


def sample(timer: timeit.Timer, timing: Timing) -> float:
    """Take one sample after the untimed calls, and return the seconds both took."""
    untimed = timer.timeit(WARM_UPS)
    seconds = timer.timeit(timing.repeats)
    timing.samples.append(seconds / timing.repeats)
    return untimed + seconds
