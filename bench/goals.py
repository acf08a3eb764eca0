"""Goals for those who work on numloss, held against files of results: wishes, not bounds.

All of them are ratios of times measured in one run: a figure in seconds would say more of the
machine than of the library.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from bench.cells import shape_name
from bench.contestants import OURS
from bench.layouts import STEPS
from bench.limit import ADD
from bench.options import SOFT
from bench.results import Row, Run, elements, of_limit, rows_of, times_as_long
from bench.tables import number, percent, speedup, table


class Goal(NamedTuple):
    """What is wanted of a cell, what was measured, and whether that reaches it."""

    name: str
    wanted: str
    measured: str
    reached: bool


FLAT = ("64", "10k", "1M", "20M")
ROWS = ("8x10", "4096x10", "100kx10", "20kx100", "1024x1000", "256x50257", "128x128256")
#: The lead over the best peer, by shape: those of elements, or of rows of classes.
LEADS = {
    ("mse", "value"): (3, 3, 1.5, 1.5),
    ("mse", "value+grad"): (5, 3, 1.6, 1.8),
    ("mae", "value"): (3, 3, 1.5, 1.5),
    ("mae", "value+grad"): (5, 3, 1.6, 1.8),
    ("huber", "value"): (3, 4, 1.5, 3),
    ("huber", "value+grad"): (5, 6, 2.5, 8),
    ("binary_cross_entropy", "value"): (3, 4.5, 4.5, 12),
    ("binary_cross_entropy", "value+grad"): (3, 6, 4, 10),
    ("focal", "value"): (10, 6, 6, 25),
    ("focal", "value+grad"): (10, 10, 8, 20),
    ("cross_entropy", "value"): (3, 2, 1.8, 1.6, 1.6, 5, 5),
    ("cross_entropy", "value+grad"): (3, 2.5, 2.2, 1.3, 1.3, 3.5, 3.5),
    ("multiclass_hinge", "value"): (3, 3, 3, 3, 3, 3, 3),
}
#: What share of its leads an instruction set is held to; one that is not named here to all of them.
SHARES = {"v3": 1 / 1.5}
#: How near a cell must come to its limit, by what sets it.
NEAR = {"memory": 0.85, "arithmetic": 0.70}
#: How many numpy.add a value of so few numbers may take: 0.6 us where one takes 0.35.
SMALL, ADDS = 80, 0.6 / 0.35
#: Times the plain call. An option with an array as large as the prediction has more to read.
OPTION, SOFT_OPTION, LAYOUT = 1.5, 2.0, 2.0
#: A line of memory holds so many bytes, of which a layout may leave most unused.
LINE_BYTES, ITEM_BYTES = 64, {"float64": 8, "float32": 4}
#: How many times as fast two threads are from so many elements on, where arithmetic binds a loss.
THREADS, ENOUGH, NO_SLOWER = 1.8, 200_000, 0.95


def goals(run: Run) -> Iterator[Goal]:
    """Hold all that was measured against what is wanted."""
    for row in run.get("cells", ()):
        yield from of_cell(row)
    for row in run.get("options", ()):
        most = SOFT_OPTION if row["what"].startswith(SOFT) else OPTION
        yield from of_variation(row, most)
    for row in run.get("layouts", ()):
        apart = min(STEPS.get(row["what"], 1), LINE_BYTES // ITEM_BYTES.get(row["dtype"], 2))
        yield from of_variation(row, max(LAYOUT, apart))
    bound = {row["loss"] for row in rows_of(run, dtype="float32") if row["bound"] == "arithmetic"}
    for row in run.get("threads", ()):
        worth = elements(row) >= ENOUGH and row["loss"] in bound
        least = THREADS if worth else NO_SLOWER
        for count in list(row["seconds"])[1:]:
            yield at_least(f"{label(row)}, {count} threads", least, speedup(row, count) or 0.0)


def of_cell(row: Row) -> Iterator[Goal]:
    """Hold a cell against the best peer, its limit, and numpy.add."""
    wanted = LEADS.get((row["loss"], row["mode"]), ())
    by_shape = dict(zip(ROWS if len(row["shape"]) == 2 else FLAT, wanted, strict=False))
    least = by_shape.get(shape_name(row["shape"]))
    plain = row["dtype"] == "float32" and row["threads"] == 1
    if least and plain and row["best"]:
        share = SHARES.get(row["isa"], 1.0)
        lead = row["lead_out"] or row["lead"]
        yield at_least(f"{label(row)}, {row['isa']}: {row['best']}", share * least, lead)
    near = of_limit(row)
    if near is not None:
        share = NEAR[row["bound"]]
        name = f"{label(row)}: of {row['bound']}"
        yield Goal(name, f">= {percent(share)}", percent(near), near >= share)
    adds = times_as_long(row, OURS, ADD)
    if adds and row["mode"] == "value" and elements(row) <= SMALL:
        yield at_most(f"{label(row)}: numpy.adds", ADDS, adds)


def of_variation(row: Row, most: float) -> Iterator[Goal]:
    """Hold a layout or an option against the plain call."""
    for mode, ratio in row["ratios"].items():
        yield at_most(f"{label(row | {'mode': mode})}, {row['what']}", most, ratio)


def label(row: Row) -> str:
    """Name a row."""
    words = (row["loss"], row["mode"], shape_name(row["shape"]), row.get("dtype", "float32"))
    return " ".join(words)


def at_least(name: str, least: float, measured: float) -> Goal:
    """Return a goal that is a lower bound."""
    return Goal(name, f">= {number(least)}", number(measured), measured >= least)


def at_most(name: str, most: float, measured: float) -> Goal:
    """Return a goal that is an upper bound."""
    return Goal(name, f"<= {number(most)}", number(measured), measured <= most)


def lines(run: Run) -> Iterator[str]:
    """Yield how many goals are reached, and a table of those that are not."""
    found = list(goals(run))
    missed = [goal for goal in found if not goal.reached]
    yield f"{len(found) - len(missed)} of {len(found)} goals are reached; these are not:\n"
    yield from table(["goal", "wanted", "measured"], (goal[:3] for goal in missed))
