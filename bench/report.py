"""Turning measured cells into tables for a terminal and for Markdown."""

from __future__ import annotations

import statistics
from itertools import groupby
from typing import TYPE_CHECKING, Any

from bench import layouts, scaling, variants
from bench.cells import shape_name
from bench.peers import ALL_NAMES, OURS, OURS_INTO_BUFFER
from bench.table import Table, number, percent

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

# A table gives the time of a whole call up to this many elements, and that of an element above.
SMALL_CALL = 2000
# Arrays beyond this do not stay in the last-level cache of common machines.
CACHE_BYTES = 32 << 20


def tables(results: dict[str, Any]) -> list[Table]:
    """All tables of a run: the times, the geometric means, and what else was measured."""
    cells = results.get("cells", [])
    means = [means_table(cells)] if cells else []
    return [*times_tables(cells), *means, *other_tables(results)]


def times_tables(cells: Sequence[dict[str, Any]]) -> list[Table]:
    """Tabulate times by mode, dtype and threads."""

    def kind(cell: dict[str, Any]) -> tuple[str, str, int]:
        return cell["mode"], cell["dtype"], cell["threads"]

    groups = groupby(sorted(cells, key=kind), key=kind)
    return [times_table(*key, list(group)) for key, group in groups]


def other_tables(results: dict[str, Any]) -> list[Table]:
    """Tables of the commands that measure no cells."""
    others = {
        "scaling": scaling.table,
        "variants": variants.table,
        "layouts": layouts.table,
    }
    return [table(results[name]) for name, table in others.items() if name in results]


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
            number(cell["ratio_to_best"]),
            cell["best_peer"] or "",
            number(cell["ratios"][OURS].get("torch")),
            scaled(cell, cell["limits"][cell["bound"]]),
            cell["bound"],
            percent(cell["of_limit"]),
        ]
        for cell in cells
    ]
    ratios = ["x best", "best", "x torch", "limit", "bound", "of limit"]
    header = ["loss", "shape", "unit", *names, *ratios]
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
    yield percent(geometric_mean(cell["of_limit"] for cell in cells))


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
    return scaled(cell, cell["times"][name]["median"]) if name in cell["times"] else ""


def scaled(cell: dict[str, Any], seconds: float) -> str:
    """Seconds in the unit of the row."""
    return number(1e6 * seconds if unit(cell) == "us" else 1e9 * seconds / cell["elements"])


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
        "'limit': the time to read and write the bytes that the cell must move, or to do its"
        " arithmetic, whichever is longer ('bound'); for the smallest arrays that of one numpy.add"
        " ('call'). 'of limit': how near numloss comes to it.",
    ]
