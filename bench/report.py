"""Turning measured cells into tables for a terminal and for Markdown."""

from __future__ import annotations

import statistics
import sys
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

from bench.cells import shape_name
from bench.peers import ALL_NAMES, OURS, OURS_INTO_BUFFER

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

# A table gives the time of a whole call up to this many elements, and that of an element above.
SMALL_CALL = 2000
# Arrays beyond this do not stay in the last-level cache of common machines.
CACHE_BYTES = 32 << 20
MEMORY_LIMIT = "memory limit"


@dataclass(frozen=True)
class Table:
    """A title, column names and rows of text."""

    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]


def tables(results: dict[str, Any]) -> list[Table]:
    """All tables of a run: the times by mode, dtype and threads, then the geometric means."""

    def kind(cell: dict[str, Any]) -> tuple[str, str, int]:
        return cell["mode"], cell["dtype"], cell["threads"]

    groups = groupby(sorted(results["cells"], key=kind), key=kind)
    found = [times_table(*key, list(cells)) for key, cells in groups]
    return [*found, means_table(results["cells"])] if found else []


def times_table(mode: str, dtype: str, threads: int, cells: list[dict[str, Any]]) -> Table:
    """Tabulate one mode: a row for each cell, a column for each contestant."""
    names = [
        name
        for name in (OURS, OURS_INTO_BUFFER, *ALL_NAMES)
        if any(name in cell["times"] for cell in cells)
    ]
    rows = [
        [
            cell["loss"],
            shape_name(cell["shape"]),
            unit(cell),
            *(in_unit(cell, name) for name in names),
            in_unit(cell, cell["yardstick"]),
            number(cell["ratio_to_best"]),
            cell["best_peer"] or "",
            number(cell["ratios"][OURS].get("torch")),
            percent(cell["ratios"][OURS].get(MEMORY_LIMIT)),
        ]
        for cell in cells
    ]
    yardsticks = ["limit or add", "x best", "best", "x torch", "of limit"]
    header = ["loss", "shape", "unit", *names, *yardsticks]
    title = f"{mode}, {dtype}, {threads} thread" + "s" * (threads > 1)
    return Table(title, header, rows)


def means_table(cells: list[dict[str, Any]]) -> Table:
    """Geometric means of the ratios, by mode and size."""
    names = [name for name in ALL_NAMES if any(name in cell["times"] for cell in cells)]
    rows = []
    for mode in dict.fromkeys(cell["mode"] for cell in cells):
        for size in ("call", "cache", "memory", "all"):
            chosen = [c for c in cells if c["mode"] == mode and size in (size_class(c), "all")]
            if chosen:
                rows.append([mode, size, str(len(chosen)), *means(chosen, names)])
    header = ["mode", "size", "cells", "x best", *(f"x {name}" for name in names), "of limit"]
    return Table("geometric means", header, rows)


def means(cells: list[dict[str, Any]], names: Sequence[str]) -> Iterator[str]:
    """Geometric means over some cells: against the best peer, each peer, and the limit."""
    yield number(geometric_mean(cell["ratio_to_best"] for cell in cells))
    for name in names:
        yield number(geometric_mean(cell["ratios"][OURS].get(name) for cell in cells))
    yield percent(geometric_mean(cell["ratios"][OURS].get(MEMORY_LIMIT) for cell in cells))


def size_class(cell: dict[str, Any]) -> str:
    """Tell what bounds a cell: the call itself, the cache or the memory."""
    if cell["elements"] <= SMALL_CALL:
        return "call"
    return "cache" if cell["bytes"] <= CACHE_BYTES else "memory"


def geometric_mean(ratios: Iterable[float | None]) -> float | None:
    """Geometric mean of the ratios that there are."""
    present = [ratio for ratio in ratios if ratio is not None]
    return statistics.geometric_mean(present) if present else None


def unit(cell: dict[str, Any]) -> str:
    """Return the unit of a row."""
    return "us" if cell["elements"] <= SMALL_CALL else "ns/element"


def in_unit(cell: dict[str, Any], name: str) -> str:
    """Median time of a contestant, in the unit of the row."""
    if name not in cell["times"]:
        return ""
    seconds = cell["times"][name]["median"]
    return number(1e6 * seconds if unit(cell) == "us" else 1e9 * seconds / cell["elements"])


def number(value: float | None) -> str:
    """Return three digits, which is what a noisy machine gives."""
    return "" if value is None else f"{value:.3g}" if value < 1000 else f"{value:.0f}"


def percent(value: float | None) -> str:
    """Return a fraction as a percentage."""
    return "" if value is None else f"{100 * value:.0f}%"


def legend(results: dict[str, Any]) -> list[str]:
    """Lines on the machine, and on how to read the tables."""
    machine = results["machine"]
    known = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    return [
        f"{machine['cpu']}, {machine['cpus']} CPUs, caches {machine['caches']}, {machine['date']}",
        f"Python {machine['python']}, {known}",
        "; ".join(machine["config"]),
        "Medians of interleaved samples. 'x' columns: time of the other over that of numloss, above"
        " 1 where numloss is faster.",
        "'limit or add': the time to read and write the bytes that the cell must move; for the"
        " smallest arrays one numpy.add instead. 'of limit': how near numloss comes to it.",
    ]


def print_tables(found: Iterable[Table], lines: Iterable[str] = ()) -> None:
    """Print to the terminal."""
    from rich.console import Console
    from rich.table import Table as RichTable

    console = Console(width=None if sys.stdout.isatty() else 220, highlight=False)
    for line in lines:
        console.print(line, markup=False)
    for table in found:
        shown = RichTable(title=table.title, title_justify="left")
        for index, name in enumerate(table.header):
            shown.add_column(name, justify="left" if index < 2 else "right")
        for row in table.rows:
            shown.add_row(*row)
        console.print(shown)


def write_markdown(path: Path, found: Iterable[Table], lines: Iterable[str] = ()) -> None:
    """Write Markdown."""
    text = [f"- {line}" for line in lines]
    for table in found:
        rows = [table.header, ["---"] * len(table.header), *table.rows]
        text += ["", f"### {table.title}", "", *("| " + " | ".join(row) + " |" for row in rows)]
    path.write_text("\n".join(text) + "\n")
