"""Comparing two runs: ``python -m bench compare OLD.json NEW.json``."""

from __future__ import annotations

from typing import Any

from bench.peers import OURS
from bench.report import geometric_mean
from bench.table import Table, number


def compare(old: dict[str, Any], new: dict[str, Any]) -> Table:
    """Compare each cell that both runs have.

    The ratio of times holds where both runs come from one quiet machine. The lead over the best
    peer holds across machines and slow days as well, as both sides of it were timed together.
    """
    before = {cell["name"]: cell for cell in old.get("cells", ())}
    pairs = [
        (before[cell["name"]], cell) for cell in new.get("cells", ()) if cell["name"] in before
    ]
    rows = [row(was, now) for was, now in pairs]
    mean = geometric_mean(speedup(was, now) for was, now in pairs)
    return Table(
        f"{len(pairs)} cells in common, geometric mean of old / new {number(mean)}",
        ["cell", "old us", "new us", "old / new", "lead then", "lead now"],
        rows,
    )


def row(was: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """One cell."""
    return [
        now["name"],
        number(1e6 * median(was)),
        number(1e6 * median(now)),
        number(speedup(was, now)),
        number(was["ratio_to_best"]),
        number(now["ratio_to_best"]),
    ]


def speedup(was: dict[str, Any], now: dict[str, Any]) -> float:
    """Old time over new time."""
    return median(was) / median(now)


def median(cell: dict[str, Any]) -> float:
    """Our time for a cell."""
    return float(cell["times"][OURS]["median"])
