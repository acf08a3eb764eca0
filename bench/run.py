"""Measuring a cell: every contestant is checked against numloss, then all are timed in turn."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from typical import Data

from bench import limit
from bench.cells import Cell, with_data
from bench.contestants import OURS, OURS_OUT, PEERS, UNASKED, Contestant, Result, ours
from bench.timing import Budget, interleave
from numloss import _core

# Room for the rounding of every peer (float32 sums over millions of elements, 16-bit results),
# but for no missing factor and no other formula.
TOLERANCE = {"float64": 1e-9, "float32": 1e-3, "float16": 2e-2, "bfloat16": 1e-1}
# The gradient of a mean over a million elements in float16 is a few of the smallest steps that the
# dtype has. Two of them an element are rounding too.
SMALLEST_STEPS = {"float16": 2 * 2.0**-24}


class MismatchError(Exception):
    """Two contestants gave different results, so their times must not be compared."""


def run(
    cells: Sequence[Cell], budget: Budget, peers: Sequence[str] | None = None
) -> Iterator[dict[str, Any]]:
    """Measure cells, with the peers named, or else with those that are installed."""
    chosen = UNASKED if peers is None else peers
    missing: set[str] = set()
    for number, (cell, data) in enumerate(with_data(cells), 1):
        entries = list(ours(cell, data))
        for name in (name for name in chosen if name not in missing):
            try:
                entries += PEERS[name](cell, data)
            except ImportError as error:
                if peers is not None:
                    raise
                missing.add(name)
                say(f"without {name}: {error}")
        row = measure(cell, data, entries, budget)
        say(f"[{number}/{len(cells)}] {summary(cell, row)}")
        yield row


def measure(
    cell: Cell, data: Data, contestants: Sequence[Contestant], budget: Budget
) -> dict[str, Any]:
    """Measure one cell, as a file of results has it: seconds are medians."""
    agreeing = agreeing_of(cell, contestants)
    yardsticks = limit.yardsticks(cell, data)
    calls = {entry.name: entry.call for entry in agreeing} | yardsticks
    timings = interleave(calls, budget)
    seconds = {name: timing.median for name, timing in timings.items()}
    return {
        **asdict(cell),
        "isa": _core.config()["isa"],
        **leads({name: seconds[name] for name in seconds if name not in yardsticks}),
        **limit.of(cell, {name: seconds[name] for name in yardsticks}),
        "bytes": limit.bytes_moved(cell, data),
        "noise": round(timings[OURS].noise, 3),
        "seconds": {name: float(f"{median:.4g}") for name, median in seconds.items()},
    }


def leads(seconds: dict[str, float]) -> dict[str, Any]:
    """How many times as long as numloss the fastest peer takes; ``out`` is with a buffer."""
    peers = {name: taken for name, taken in seconds.items() if name not in (OURS, OURS_OUT)}
    if not peers:
        return {"best": None, "lead": None, "lead_out": None}
    best = min(peers, key=peers.__getitem__)
    fresh, out = (seconds[best] / seconds[n] if n in seconds else None for n in (OURS, OURS_OUT))
    return {"best": best, "lead": fresh, "lead_out": out}


def agreeing_of(cell: Cell, contestants: Sequence[Contestant]) -> list[Contestant]:
    """Call every contestant once, and compare its result with the first one's.

    A peer whose own sums overflow in a 16-bit dtype is left out. MismatchError where a value or a
    derivative differs by more than rounding explains.
    """
    first, *others = contestants
    expected = first.read(first.call())
    agreeing = [first]
    for other in others:
        found = other.read(other.call())
        if cell.dtype in ("float16", "bfloat16") and not np.isfinite(flat(found)).all():
            say(f"{cell.name}: {other.name} overflows")
            continue
        compare(cell, (first.name, expected), (other.name, found))
        agreeing.append(other)
    return agreeing


def compare(cell: Cell, one: tuple[str, Result], other: tuple[str, Result]) -> None:
    """Raise where one result is not the other, of what the cell asks for."""
    (name, expected), (other_name, found) = one, other
    for part in Result._fields:
        asked = getattr(expected, part)
        if asked is None or agree(cell, flat(getattr(found, part)), flat(asked)):
            continue
        both = f"{name} gives {told(asked)}, {other_name} gives {told(getattr(found, part))}"
        raise MismatchError(f"{cell.name}: {part}: {both}")


def agree(cell: Cell, found: Any, expected: Any) -> bool:
    """Whether two results differ by no more than rounding, in the Euclidean norm.

    A norm, because the few elements that rounding carries over a kink may differ completely.
    """
    if found.shape != expected.shape:
        return False
    absolute = SMALLEST_STEPS.get(cell.dtype, 0.0) * np.sqrt(expected.size)
    allowed = TOLERANCE[cell.dtype] * np.linalg.norm(expected) + absolute
    return bool(np.linalg.norm(found - expected) <= allowed)


def flat(result: Any) -> Any:
    """Return all numbers of a result."""
    if isinstance(result, tuple):
        return np.concatenate([flat(part) for part in result if part is not None])
    return np.asarray(result, np.float64).reshape(-1)


def told(result: Any) -> str:
    """Tell a result: the number, or shape and norm."""
    numbers = flat(result)
    if np.ndim(result) == 0:
        return str(numbers[0])
    return f"{np.shape(result)} of norm {np.linalg.norm(numbers):.6g}"


def summary(cell: Cell, row: dict[str, Any]) -> str:
    """One line on a cell that has just been measured."""
    line = f"{cell.name}: {1e6 * row['seconds'][OURS]:.4g} us"
    if row["best"]:
        line += f", {row['best']} takes {row['lead']:.3g} times as long"
    return line


def say(line: str) -> None:
    """Report progress."""
    print(line, file=sys.stderr, flush=True)
