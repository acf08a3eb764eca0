"""Files of results: JSON with one row a line, which the tables and the page are made of.

A run has its `machine`, and lists of rows: `cells`, `layouts`, `options` and `threads`, as far as
they were measured. docs/performance.json has the runs of several machines.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numloss
from bench.contestants import OURS, OURS_OUT

Row = dict[str, Any]
Run = dict[str, Any]
LISTS = ("cells", "layouts", "options", "threads")


def text(run: Run) -> str:
    """Return a run as JSON, a row a line."""
    parts = [f'"machine": {json.dumps(run["machine"])}']
    for name in (name for name in LISTS if name in run):
        rows = ",\n  ".join(json.dumps(row) for row in run[name])
        parts.append(f'"{name}": [\n  {rows}\n ]')
    return "{" + ",\n ".join(parts) + "}"


def read(path: Path) -> list[Run]:
    """Read the runs of a file. ValueError where it has none."""
    try:
        found = json.loads(path.read_text())
        runs: list[Run] = found.get("runs", [found])
        if not all(run["machine"]["cpu"] for run in runs):
            raise KeyError("machine")
    except (OSError, ValueError, AttributeError, KeyError, TypeError) as error:
        reason = getattr(error, "strerror", None) or repr(error)
        raise ValueError(f"needs a file that --json wrote, got '{path}': {reason}") from error
    return runs


def merged(runs: Iterable[Run]) -> list[Run]:
    """Put runs of one machine together; where two have the same row, the later one counts."""
    found: dict[tuple[str, int], Run] = {}
    for run in runs:
        machine = run["machine"]
        together = found.setdefault((machine["cpu"], machine["cpus"]), {"machine": machine})
        for name in (name for name in LISTS if name in run):
            rows = {identity(row): row for row in (*together.get(name, ()), *run[name])}
            together[name] = list(rows.values())
    return list(found.values())


def identity(row: Row) -> tuple[Any, ...]:
    """Return what tells a row from the others of its list."""
    names = ("loss", "what", "mode", "dtype", "threads", "isa")
    return (*(row.get(name) for name in names), tuple(row["shape"]))


def rows_of(run: Run, **wanted: Any) -> list[Row]:
    """Return the cells that have these values; those of the best instruction set by default."""
    wanted = {"isa": run["machine"]["isa"]} | wanted
    return [
        row
        for row in run.get("cells", ())
        if all(row[name] == value for name, value in wanted.items())
    ]


def elements(row: Row) -> int:
    """Return how many numbers a row's prediction has."""
    return math.prod(row["shape"])


def of_limit(row: Row) -> float | None:
    """How near numloss comes to the limit of a cell, with a buffer for a gradient."""
    if row.get("bound") in (None, "numpy.add"):
        return None
    seconds = row["seconds"]
    return float(row["limit"] / seconds.get(OURS_OUT, seconds[OURS]))


def times_as_long(row: Row, name: str, ours: str = OURS) -> float | None:
    """How many times as long as numloss a contestant takes."""
    seconds = row.get("seconds", {})
    return seconds[name] / seconds[ours] if name in seconds and ours in seconds else None


def losses_of(rows: Iterable[Row]) -> list[str]:
    """Return the losses of rows, in the order of the library's list."""
    found = {row["loss"] for row in rows}
    return [loss for loss in numloss.LOSSES if loss in found]


def largest(rows: Iterable[Row]) -> dict[tuple[str, str], Row]:
    """Return the row of the largest shape of each loss and mode."""
    by_size = {(row["loss"], row["mode"]): row for row in sorted(rows, key=elements)}
    order = list(numloss.LOSSES)
    return dict(sorted(by_size.items(), key=lambda item: order.index(item[0][0])))
