"""Turning measured cells into tables for a terminal and for Markdown."""

from __future__ import annotations

import statistics
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from bench import layouts, scaling, variants
from bench.cells import shape_name
from bench.peers import ALL_NAMES, OURS, OURS_INTO_BUFFER
from bench.table import Table, number, percent

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

# A table gives the time of a whole call up to this many elements, and that of an element above.
SMALL_CALL = 2000
# Cells that move more than this are a class of their own: caches of common machines hold no more.
LARGE_BYTES = 32 << 20
CALL, CACHE, MEMORY = "call", "to 32 MiB", "beyond 32 MiB"
CLASSES = (CALL, CACHE, MEMORY)


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
            *([number(into_buffer(cell))] if OURS_INTO_BUFFER in names else []),
            cell["best_peer"] or "",
            number(cell["ratios"][OURS].get("torch")),
            *(nearness(cell) if threads == 1 else ()),
        ]
        for cell in cells
    ]
    into = ["x best, `out=`"] if OURS_INTO_BUFFER in names else []
    near = ["limit", "bound", "of limit"] if threads == 1 else []
    header = ["loss", "shape", "unit", *names, "x best", *into, "best", "x torch", *near]
    title = f"{mode}, {dtype}, {threads} thread" + "s" * (threads > 1)
    return Table(title, header, rows, TIMES + NEAR if threads == 1 else TIMES)


TIMES = (
    "Medians, in the unit of the row. 'x best' is how many times as long as numloss the fastest"
    " peer takes, 'x torch' how many times torch. 'numloss' and these two are of fresh arrays;"
    " 'numloss out' and 'x best, `out=`' of numloss writing derivatives to a buffer."
)
NEAR = " 'limit', 'bound' and 'of limit' are explained at the top."


def nearness(cell: dict[str, Any]) -> Iterator[str]:
    """Limit of a cell, in the unit of the row, what sets it, and how near numloss comes to it."""
    yield scaled(cell, cell["limits"][cell["bound"]])
    yield cell["bound"]
    yield percent(cell["of_limit"])


def into_buffer(cell: dict[str, Any]) -> float | None:
    """How many times as long as ours with `out=` the best peer takes."""
    ratio: float | None = cell["ratios"].get(OURS_INTO_BUFFER, {}).get(cell["best_peer"])
    return ratio


def means_table(cells: list[dict[str, Any]]) -> Table:
    """Geometric means of the ratios, by threads, mode and size."""
    names = [name for name in ALL_NAMES if any(name in cell["times"] for cell in cells)]
    rows = []
    ordered = sorted(cells, key=itemgetter("threads"))
    for threads, mode in dict.fromkeys((cell["threads"], cell["mode"]) for cell in ordered):
        alike = [cell for cell in cells if (cell["threads"], cell["mode"]) == (threads, mode)]
        for size in (*CLASSES, "all"):
            chosen = [cell for cell in alike if size in (size_class(cell), "all")]
            if chosen:
                count = str(len(chosen))
                rows.append([str(threads), mode, size, count, *means(chosen, names)])
    header = ["threads", "mode", "size", "cells", "x best", "x best, `out=`"]
    header += [*(f"x {name}" for name in names), "of limit"]
    return Table("geometric means", header, rows, MEANS)


MEANS = (
    "How many times as long as numloss the fastest peer of each cell takes ('x best') and each peer"
    " ('x ...'). Derivatives go to fresh arrays on both sides, but for those of scikit-learn, which"
    " has buffers; 'x best, `out=`' is numloss with a buffer against the same peer. 'size':"
    f" '{CALL}' are cells of at most {SMALL_CALL} elements, the others are apart by the bytes that"
    " they move, whatever the machine's caches hold. 'of limit' leaves out the cells whose limit is"
    " that of a call, and those of several threads."
)


def means(cells: list[dict[str, Any]], names: Sequence[str]) -> Iterator[str]:
    """Geometric means over some cells: against the best peer, each peer, and the limit."""
    yield number(geometric_mean(cell["ratio_to_best"] for cell in cells))
    yield number(geometric_mean(map(into_buffer, cells)))
    for name in names:
        yield number(geometric_mean(cell["ratios"][OURS].get(name) for cell in cells))
    yield percent(geometric_mean(cell["of_limit"] for cell in cells))


def size_class(cell: dict[str, Any]) -> str:
    """Return the class of a cell's size."""
    if cell["elements"] <= SMALL_CALL:
        return CALL
    return CACHE if cell["bytes"] <= LARGE_BYTES else MEMORY


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
    return [
        *machine_lines(results["machine"]),
        "Medians of interleaved samples, each contestant called once untimed before each of them."
        " 'x' columns: time of the other over that of numloss, above 1 where numloss is faster.",
        "'limit': the time to read and write the bytes that the cell must move, or to do its"
        " arithmetic, whichever is longer ('bound'). The arithmetic is what the AVX2 kernel was"
        " counted to do, at the best rate of a matrix product in the run. For arrays below 1 MiB"
        " the limit is the time of one numpy.add of as many float32 numbers ('call'). 'of limit':"
        " how near numloss comes to it, with `out=` where there is a gradient. With several threads"
        " it is left out: Python takes too long to hand them the calls that move the bytes.",
        "'best' is the fastest peer of the cell. torch.compile is not among them: compiling a cell"
        " takes seconds, so it is measured only with `--peer torch_compile`.",
    ]


def machine_lines(machine: dict[str, Any]) -> list[str]:
    """Lines on the machine and what was installed there."""
    known = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    caches = ", ".join(f"{level} {size}" for level, size in machine["caches"].items())
    return [
        f"{machine['cpu']}, {machine['cpus']} CPUs, caches {caches}, {machine['date']}",
        f"Python {machine['python']}, {known}",
        "; ".join(machine["config"]),
    ]
