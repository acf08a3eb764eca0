"""docs/performance.md and its pictures, written from docs/performance.json and page.md.

Nothing here measures, and page.md has no figure of its own: the page says what the results say.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from itertools import product
from pathlib import Path

import numloss
from bench.cells import DTYPES, MIDDLE, MODES, shape_name
from bench.contestants import OURS, OURS_OUT, UNASKED
from bench.limit import ADD
from bench.results import (
    Row,
    Run,
    elements,
    largest,
    losses_of,
    merged,
    of_limit,
    rows_of,
    text,
    times_as_long,
)
from bench.tables import SMALL_CALL, machine, mean, number, percent, speedup, table

DOCS = Path(__file__).resolve().parents[1] / "docs"
FILE, PAGE = "performance.json", "performance.md"
TEMPLATE = Path(__file__).with_name("page.md")
BOTH = ("value", "value+grad")
#: A library is called close where it takes less than this many times as long.
CLOSE = 1.25
#: How many of the dearest layouts and options are told.
DEAREST = 8
#: Cells in which a library comes close that are shown.
NEAREST = 12
#: Cells beyond this are a class of their own: caches of common machines hold no more.
CACHED_BYTES = 32 << 20
SIZES: dict[str, Callable[[Row], bool]] = {
    "one call": lambda row: elements(row) <= SMALL_CALL,
    "to 32 MiB": lambda row: elements(row) > SMALL_CALL and row["bytes"] <= CACHED_BYTES,
    "beyond": lambda row: row["bytes"] > CACHED_BYTES,
}


def write(runs: Sequence[Run]) -> None:
    """Put runs into docs/performance.json, then write the page and the pictures from it.

    There is one run that has cells of one thread, and one of a machine of many CPUs that has not:
    each takes the place of the one before.
    """
    from bench import figures

    found = {on_one_thread(run): run for run in (*stored(), *merged(runs))}
    ordered = [found[alone] for alone in (True, False) if alone in found]
    (DOCS / FILE).write_text('{"runs": [' + ",\n".join(map(text, ordered)) + "]}\n")
    ordered = stored()  # as it is read again
    (DOCS / PAGE).write_text(page(ordered))
    figures.peers(ordered[0], DOCS / "performance-peers.svg")
    figures.threads(ordered[-1], DOCS / "performance-threads.svg")


def on_one_thread(run: Run) -> bool:
    """Whether a run has cells of one thread."""
    return any(row["threads"] == 1 for row in run.get("cells", ()))


def stored() -> list[Run]:
    """Return the runs of docs/performance.json, that of one thread first."""
    path = DOCS / FILE
    runs: list[Run] = json.loads(path.read_text())["runs"] if path.exists() else []
    return runs


def page(runs: Sequence[Run]) -> str:
    """Return the page: most of it tells of the first run, the threads' part of the last one."""
    run = runs[0]
    plain = rows_of(run, dtype="float32", threads=1)
    cells = [row for each in runs for row in each.get("cells", ()) if row["lead"] is not None]
    near = [row for row in cells if row["lead"] < CLOSE]
    parts = {
        "by_family": by_family(plain),
        "by_library": by_library(plain),
        "close": close(near),
        "layouts": costs("layout", run.get("layouts", ())),
        "options": costs("option", run.get("options", ())),
        "small": small(plain),
        "limits": limits(plain),
        "kinds": kinds(run),
        "threads": threads(runs[-1]),
        "threaded": threaded(runs),
        "machines": (f"- {line}" for each in runs for line in machine(each["machine"])),
    }
    return TEMPLATE.read_text().format(
        cells=len(cells),
        faster=sum(row["lead"] < 1 for row in near),
        near=len(near),
        close_to=CLOSE,
        dearest=DEAREST,
        nearest=NEAREST,
        small_call=SMALL_CALL,
        **{name: "\n".join(lines) for name, lines in parts.items()},
    )


def lead(rows: Sequence[Row]) -> str:
    """Return the lead over the best library of each cell: the geometric mean, and the least."""
    leads = [row["lead"] for row in rows if row["lead"] is not None]
    return f"{number(mean(leads))} ({number(min(leads))})" if leads else ""


def by_family(rows: Sequence[Row]) -> Iterator[str]:
    """Yield the leads of each family that was measured, by mode and size."""
    columns = list(product(BOTH, SIZES))
    families: dict[str, list[Row]] = {loss.family: [] for loss in numloss.LOSSES.values()}
    for row in rows:
        families[numloss.LOSSES[row["loss"]].family].append(row)
    found = [
        [name, *(lead(chosen(ours, mode, size)) for mode, size in columns)]
        for name, ours in families.items()
        if ours
    ]
    return table(["family", *(f"{mode}, {size}" for mode, size in columns)], found)


def chosen(rows: Sequence[Row], mode: str, size: str) -> list[Row]:
    """Return the cells of a mode and a size."""
    return [row for row in rows if row["mode"] == mode and SIZES[size](row)]


def by_library(rows: Sequence[Row]) -> Iterator[str]:
    """Yield how many times as long each library takes, by mode and size."""
    found = []
    for mode, size in product(BOTH, SIZES):
        cells = chosen(rows, mode, size)
        means = (mean(times_as_long(row, name) for row in cells) for name in UNASKED)
        found.append([mode, size, str(len(cells)), *map(number, means)])
    return table(["mode", "size", "cells", *UNASKED], found)


def close(near: Sequence[Row]) -> Iterator[str]:
    """Yield the cells in which a library comes near, the nearest first."""
    found = []
    for row in sorted(near, key=lambda row: row["lead"])[:NEAREST]:
        best = row["best"] or ""
        cell = [told(row, row["mode"]), row["dtype"], row["isa"], str(row["threads"]), best]
        found.append([*cell, number(row["lead"]), number(row["lead_out"])])
    header = ["cell", "dtype", "instructions", "threads", "library", "times as long", "with out="]
    return table(header, found)


def told(row: Row, mode: str) -> str:
    """Name a row and a mode."""
    return f"{row['loss']} {mode}, {shape_name(row['shape'])}"


def costs(kind: str, rows: Sequence[Row]) -> Iterator[str]:
    """Yield the layouts or options that cost most, the dearest first."""
    ratios: dict[str, list[tuple[float, str]]] = {}
    for row in rows:
        for mode, ratio in row["ratios"].items():
            ratios.setdefault(row["what"], []).append((ratio, told(row, mode)))
    dearest = sorted(ratios, key=lambda what: max(ratios[what]), reverse=True)[:DEAREST]
    found = (
        [what, number(mean(ratio for ratio, _ in ratios[what])), number(worst), there]
        for what in dearest
        for worst, there in [max(ratios[what])]
    )
    return table([kind, "times the plain call", "at worst", "there"], found)


def small(rows: Sequence[Row]) -> Iterator[str]:
    """Yield the times of calls on some 64 numbers."""
    calls = largest(filter(SIZES["one call"], rows))
    found = []
    for loss in losses_of(rows):
        line = [loss, shape_name(calls[loss, "value"]["shape"])]
        for row in (calls[loss, mode] for mode in BOTH):
            ours = row["seconds"][OURS]
            best = f"{number(row['lead'])} {row['best'] or ''}".strip()
            line += [number(1e6 * ours), number(ours / row["seconds"][ADD]), best]
        found.append(line)
    names = ("{}, us", "numpy.adds", "best library")
    header = ["loss", "shape", *(name.format(mode) for mode in BOTH for name in names)]
    return table(header, found)


def limits(rows: Sequence[Row]) -> Iterator[str]:
    """Yield how near each loss comes to its limit."""
    near = largest(row for row in rows if of_limit(row) is not None)
    header = ["loss", *(name for mode in BOTH for name in (mode, "ns an element", "of limit"))]
    found = (
        [loss, *(text for mode in BOTH for text in limited(near.get((loss, mode))))]
        for loss in losses_of(rows)
    )
    return table(header, found)


def limited(row: Row | None) -> list[str]:
    """Return shape, time of an element, and nearness to the limit."""
    if row is None:
        return ["", "", ""]
    seconds = row["seconds"].get(OURS_OUT, row["seconds"][OURS])
    shape, time = shape_name(row["shape"]), number(1e9 * seconds / elements(row))
    return [shape, time, f"{percent(of_limit(row))} of {row['bound']}"]


def kinds(run: Run) -> Iterator[str]:
    """Yield the leads of each instruction set, dtype and mode, on one thread."""
    best = run["machine"]["isa"]
    cells = [
        row
        for row in run["cells"]
        if row["threads"] == 1 and (row["isa"] != best or tuple(row["shape"]) in MIDDLE)
    ]
    sets = sorted({row["isa"] for row in cells}, key=lambda isa: isa != best)
    found = []
    for kind in product(sets, DTYPES, MODES):
        rows = [row for row in cells if (row["isa"], row["dtype"], row["mode"]) == kind]
        if lead(rows):
            found.append([*kind, str(len(rows)), lead(rows)])
    return table(["instructions", "dtype", "mode", "cells", "times as long"], found)


def threads(run: Run) -> Iterator[str]:
    """Yield how many times as fast the largest arrays of each loss are on more threads."""
    rows = largest(run["threads"]).values()
    counts = list(run["threads"][0]["seconds"])[1:]
    found = (
        [row["loss"], row["mode"], shape_name(row["shape"]), number(1e3 * row["seconds"]["1"])]
        + [number(speedup(row, count)) for count in counts]
        for row in rows
    )
    return table(["loss", "mode", "shape", "ms on 1", *(f"on {n}" for n in counts)], found)


def threaded(runs: Sequence[Run]) -> Iterator[str]:
    """Yield the leads over the best library where both have as many threads."""
    cells = [row for run in runs for row in run.get("cells", ()) if row["threads"] > 1]
    found = []
    for count, mode in product(sorted({row["threads"] for row in cells}), BOTH):
        rows = [row for row in cells if (row["threads"], row["mode"]) == (count, mode)]
        out = number(mean(row["lead_out"] for row in rows))
        found.append([str(count), mode, str(len(rows)), lead(rows), out])
    return table(["threads", "mode", "cells", "times as long", "with out="], found)
