"""Running cells: every contestant checked against numloss, then timed in turn."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from bench import limit
from bench.agreement import check
from bench.cells import with_data
from bench.instructions import operations
from bench.peers import NAMES, OURS, OURS_INTO_BUFFER, load
from bench.timing import interleave

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bench.cells import Cell, Data
    from bench.peers import Peer
    from bench.timing import Budget


def load_peers(names: Sequence[str] | None, threads: int) -> list[Peer]:
    """Load numloss and its peers: those named, or else all that are installed."""
    peers = [load(OURS, threads)]
    for name in NAMES if names is None else names:
        try:
            peers.append(load(name, threads))
        except ImportError as error:
            if names is not None:
                raise
            say(f"without {name}: {error}")
    return peers


def run(cells: Sequence[Cell], peers: Sequence[Peer], budget: Budget) -> list[dict[str, Any]]:
    """Measure cells one after the other."""
    measured = []
    for number, (cell, data) in enumerate(with_data(cells), 1):
        measured.append(measure(cell, data, peers, budget))
        say(f"[{number}/{len(cells)}] {summary(measured[-1])}")
    return limit.with_limits(measured)


def measure(cell: Cell, data: Data, peers: Iterable[Peer], budget: Budget) -> dict[str, Any]:
    """Measure one cell, as the JSON file has it but for the limits. Times are in seconds a call."""
    contestants, overflowing = check(
        cell, [c for peer in peers for c in peer.contestants(cell, data)]
    )
    yardsticks = limit.yardsticks(cell, data)
    calls = {entry.name: entry.call for entry in contestants} | yardsticks
    timings = interleave(calls, budget)
    medians = {name: timing.median for name, timing in timings.items()}
    times = {name: timing.summary() for name, timing in timings.items()}
    each = operations(cell)
    for entry in contestants:
        times[entry.name]["note"] = entry.note
    return {
        **asdict(cell),
        "name": cell.name,
        "elements": cell.elements,
        "bytes": limit.bytes_moved(cell, data),
        "operations": None if each is None else each * cell.elements,
        "times": times,
        "overflowing": overflowing,
        **comparison(medians, yardsticks),
    }


def comparison(medians: dict[str, float], yardsticks: Iterable[str]) -> dict[str, Any]:
    """Ratios of the others' times to ours, above 1 where numloss is faster."""
    ours = [name for name in (OURS, OURS_INTO_BUFFER) if name in medians]
    others = {name: t for name, t in medians.items() if name not in ours}
    peers = [name for name in others if name not in yardsticks]
    best = min(peers, key=others.__getitem__, default=None)
    return {
        "best_peer": best,
        "ratio_to_best": others[best] / medians[OURS] if best else None,
        "ratios": {
            name: {other: seconds / medians[name] for other, seconds in others.items()}
            for name in ours
        },
    }


def summary(measured: dict[str, Any]) -> str:
    """One line on a cell that has just been measured."""
    ours = measured["times"][OURS]["median"]
    line = f"{measured['name']}: {1e6 * ours:.4g} us"
    if measured["best_peer"]:
        line += f", {measured['best_peer']} takes {measured['ratio_to_best']:.3g} times as long"
    return line


def say(line: str) -> None:
    """Report progress."""
    print(line, file=sys.stderr, flush=True)
