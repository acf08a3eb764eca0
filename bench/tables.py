"""Tables of results, in Markdown that a terminal shows as well."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any

from bench.cells import shape_name
from bench.contestants import OURS, OURS_OUT, PEERS
from bench.results import Row, Run, elements, identity, of_limit

#: A table gives the time of a whole call up to this many elements, and that of an element above.
SMALL_CALL = 2000


def number(value: float | None) -> str:
    """Return three digits, which is what a noisy machine gives."""
    return "" if value is None else f"{value:.3g}" if value < 1000 else f"{value:.0f}"


def percent(value: float | None) -> str:
    """Return a fraction as a percentage."""
    return "" if value is None else f"{100 * value:.0f} %"


def mean(ratios: Iterable[float | None]) -> float | None:
    """Return the geometric mean of the ratios that there are."""
    present = [ratio for ratio in ratios if ratio is not None]
    return statistics.geometric_mean(present) if present else None


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Yield the lines of a table, its columns as wide as what is in them."""
    cells = [header, *rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for number_, row in enumerate(cells):
        padded = (text.ljust(width) for text, width in zip(row, widths, strict=True))
        yield f"| {' | '.join(padded)} |"
        if number_ == 0:
            yield f"|{'|'.join('-' * (width + 2) for width in widths)}|"


def of_run(run: Run) -> Iterator[str]:
    """Yield the tables of all that was measured."""
    yield from (f"- {line}" for line in machine(run["machine"]))
    yield from cells(run.get("cells", ()))
    for name in ("layouts", "options"):
        if name in run:
            yield f"\n{name}: how many times as long as the plain call\n"
            yield from variations(run[name])
    if "threads" in run:
        yield "\nthreads: how many times as fast as on one\n"
        yield from threads(run["threads"])


def machine(found: dict[str, Any]) -> list[str]:
    """Return lines on a machine and what was installed there."""
    versions = ", ".join(f"{name} {version}" for name, version in found["versions"].items())
    caches = ", ".join(f"{level} {size}" for level, size in found["caches"].items())
    processor = f"{found['cpu']}, {found['cpus']} CPUs, caches {caches}"
    sources = f"{found['compiler']}, commit {found['commit']}"
    return [
        f"{processor}, instruction set {found['isa']}",
        f"{found['date'][:10]}, {sources}",
        f"Python {found['python']}, {versions}",
    ]


def cells(rows: Iterable[Row]) -> Iterator[str]:
    """Yield a table for each mode, dtype, number of threads and instruction set."""

    def kind(row: Row) -> tuple[Any, ...]:
        return row["mode"], row["dtype"], row["threads"], row["isa"]

    for (mode, dtype, count, isa), group in groupby(sorted(rows, key=kind), key=kind):
        yield f"\n{mode}, {dtype}, {count} threads, {isa}\n"
        yield from times(list(group))


def times(rows: list[Row]) -> Iterator[str]:
    """Yield a table of times: a row for each cell, a column for each contestant."""
    known = (OURS, OURS_OUT, *PEERS)
    names = [name for name in known if any(name in row.get("seconds", ()) for row in rows)]
    header = ["loss", "shape", "unit", *names, "best", "x best", "x best, out=", "of limit"]
    yield from table(header, (line(row, names) for row in rows))


def line(row: Row, names: Sequence[str]) -> list[str]:
    """Return the cells of a row of times."""
    small = elements(row) <= SMALL_CALL
    scale = 1e6 if small else 1e9 / elements(row)
    seconds = row.get("seconds", {})
    found = [number(scale * seconds[name]) if name in seconds else "" for name in names]
    leads = [row["best"] or "", number(row["lead"]), number(row["lead_out"])]
    unit = "us" if small else "ns/element"
    shape = shape_name(row["shape"])
    return [row["loss"], shape, unit, *found, *leads, percent(of_limit(row))]


def variations(rows: Sequence[Row]) -> Iterator[str]:
    """Yield a table of layouts or options: a column for each mode."""
    modes = list(dict.fromkeys(mode for row in rows for mode in row["ratios"]))
    found = (
        [row["loss"], row["what"], shape_name(row["shape"])]
        + [number(row["ratios"].get(mode)) for mode in modes]
        for row in rows
    )
    yield from table(["loss", "what", "shape", *modes], found)


def threads(rows: Sequence[Row]) -> Iterator[str]:
    """Yield a table of threads: a column for each number of them."""
    counts = list(rows[0]["seconds"])[1:]
    header = ["loss", "mode", "shape", "us on 1", *(f"x on {count}" for count in counts)]
    found = (
        [row["loss"], row["mode"], shape_name(row["shape"]), number(1e6 * row["seconds"]["1"])]
        + [number(speedup(row, count)) for count in counts]
        for row in rows
    )
    yield from table(header, found)


def speedup(row: Row, count: str) -> float | None:
    """How many times as fast as on one thread a call is on more."""
    seconds = row["seconds"]
    return seconds["1"] / seconds[count] if count in seconds else None


def comparison(old: Run, new: Run) -> Iterator[str]:
    """Yield a table of the cells that both runs have.

    The ratio of times holds where both runs come from one quiet machine. The lead over the best
    peer holds across machines and slow days as well, as both sides of it were timed together.
    """
    before = {identity(row): row for row in old.get("cells", ())}
    pairs = [(before[key], row) for row in new.get("cells", ()) if (key := identity(row)) in before]
    ratios = [was["seconds"][OURS] / now["seconds"][OURS] for was, now in pairs]
    yield f"{len(pairs)} cells in common, geometric mean of old / new {number(mean(ratios))}\n"
    found = (
        [now["loss"], now["mode"], shape_name(now["shape"]), now["dtype"]]
        + [number(1e6 * row["seconds"][OURS]) for row in (was, now)]
        + [number(ratio), number(was["lead"]), number(now["lead"])]
        for (was, now), ratio in zip(pairs, ratios, strict=True)
    )
    header = ["loss", "mode", "shape", "dtype", "old us", "new us", "old / new"]
    yield from table([*header, "lead then", "lead now"], found)
