"""Timing calls against each other: calibrated, interleaved, robust to a noisy machine."""

from __future__ import annotations

import contextlib
import gc
import os
import statistics
import threading
import time
import timeit
from dataclasses import dataclass, field
from pathlib import Path
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
        Time for all contestants of a cell together, untimed calls included, waits between them not.
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
#: Seconds between two looks at whether the threads of the process rest, and for all looks together.
STEP, PATIENCE = 2e-3, 0.3


@dataclass
class Timing:
    """Seconds a call took in each sample, each the mean over ``repeats`` calls."""

    repeats: int
    samples: list[float] = field(default_factory=list)

    @property
    def median(self) -> float:
        """Median over the samples."""
        return statistics.median(self.samples)

    @property
    def noise(self) -> float:
        """Distance of the quartiles as a share of the median: how noisy the machine was."""
        lower, median, upper = statistics.quantiles(self.samples, n=4)
        return (upper - lower) / median


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
    wait_until_quiet()
    timer.timeit(1)
    count = 1
    while (taken := timer.timeit(count)) < seconds:
        count = max(2 * count, int(1.2 * count * seconds / max(taken, 1e-7)))
    return count


def sample(timer: timeit.Timer, timing: Timing) -> float:
    """Take one sample after the untimed calls, and return the seconds both took."""
    wait_until_quiet()
    untimed = timer.timeit(WARM_UPS)
    seconds = timer.timeit(timing.repeats)
    timing.samples.append(seconds / timing.repeats)
    return untimed + seconds


def wait_until_quiet() -> None:
    """Wait for the threads that the call before left at work, where there is more than one CPU.

    Pools (OpenBLAS, libgomp, XLA) let theirs spin for up to a tenth of a second after a call, in
    case another one follows: on the CPUs that the next contestant needs.
    """
    if len(os.sched_getaffinity(0)) == 1:
        return
    end = time.monotonic() + PATIENCE
    while others_work() and time.monotonic() < end:
        time.sleep(STEP)


def others_work() -> bool:
    """Whether another thread of this process runs, or would if it got a CPU.

    Asked of the kernel thread by thread: the process's CPU time lags a thread on another CPU by up
    to a tick, which is longer than a wait should be.
    """
    own = str(threading.get_native_id())
    return any(
        state(thread) in WORKING
        for thread in Path("/proc/self/task").iterdir()
        if thread.name != own
    )


#: States of a thread: running or waiting for a CPU, and in the kernel, where it cannot be stopped.
WORKING = ("R", "D")


def state(thread: Path) -> str:
    """Return the state of a thread, a letter; nothing where it has ended meanwhile."""
    with contextlib.suppress(OSError):
        # The name before it, in parentheses, may have any characters.
        return (thread / "stat").read_text().rpartition(")")[2].split()[0]
    return ""
