"""The goals the library is held to, and whether this machine reaches them now.

All of them are ratios of times measured in one run, or sizes: a figure in seconds would say more
of the machine than of the library.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numloss
from bench import footprint
from bench.cells import Cell, problem
from bench.peers import OURS, OURS_INTO_BUFFER
from bench.run import run, say
from bench.table import Table, number

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bench.peers import Peer
    from bench.timing import Budget

BEST = "best peer"
MEGABYTE = 1_000_000


@dataclass(frozen=True)
class SpeedGoal:
    """How many times as long as numloss another must take on a cell."""

    cell: Cell
    rival: str
    at_least: float

    @property
    def ours(self) -> str:
        """Which of our calls is held to it: a gradient goes where a training loop sends it."""
        return OURS_INTO_BUFFER if self.cell.wants_gradient else OURS


FLAT = ((64,), (10_000,), (1_000_000,), (20_000_000,))
ROWS = ((8, 10), (4096, 10), (100_000, 10), (20_000, 100), (1024, 1000), (256, 50257))
ROWS = (*ROWS, (128, 128_256))
#: The lead over the best peer, by shape: elements first, then rows of classes.
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

#: How many times as long as one numpy.add a value of 64 numbers may take: 0.6 us where that takes
#: 0.35.
MOST_ADDS = 0.6 / 0.35


def speed_goals() -> Iterator[SpeedGoal]:
    """Yield the leads over the best peer, and what a small call may take beside numpy.add."""
    for (loss, mode), leads in LEADS.items():
        shapes = ROWS if problem(loss).rowwise else FLAT
        for shape, lead in zip(shapes, leads, strict=True):
            yield SpeedGoal(Cell(loss, mode, shape), BEST, lead)
    for loss in numloss.LOSSES:
        if not problem(loss).rowwise:
            yield SpeedGoal(Cell(loss, "value", (64,)), "numpy.add", 1 / MOST_ADDS)


SPEED = tuple(speed_goals())

LARGE_FLAT, LARGE_ROWS, WIDE_ROWS = (20_000_000,), (1_000_000, 10), (256, 50257)
MEMORY = (
    (Cell("binary_cross_entropy", "value", LARGE_FLAT), "contiguous"),
    (Cell("binary_cross_entropy", "value+grad", LARGE_FLAT), "contiguous"),
    (Cell("binary_cross_entropy", "value+grad", LARGE_FLAT, "float16"), "contiguous"),
    (Cell("binary_cross_entropy", "value+grad", LARGE_FLAT), "strided"),
    (Cell("cross_entropy", "value+grad", LARGE_ROWS), "contiguous"),
    (Cell("cross_entropy", "value", WIDE_ROWS), "contiguous"),
    (Cell("cross_entropy", "value+grad", WIDE_ROWS), "contiguous"),
    (Cell("cross_entropy", "value+grad", WIDE_ROWS), "strided"),
)
# The sums of the blocks, 8 bytes each, may come on top; no block is shorter than this.
SHORTEST_BLOCK = 4096


@dataclass(frozen=True)
class Outcome:
    """A goal, what is wanted and what was measured. ``reached`` is None where nothing is wanted."""

    goal: str
    wanted: str
    measured: str
    reached: bool | None


def speed_outcomes(
    peers: Sequence[Peer], budget: Budget, isa: str
) -> tuple[list[Outcome], list[dict[str, Any]]]:
    """Measure the cells of the speed goals on the set in use; returns them beside the outcomes."""
    cells = list(dict.fromkeys(goal.cell for goal in SPEED))
    measured = run(cells, peers, budget)
    by_name = {cell["name"]: cell for cell in measured}
    share = SHARES.get(isa, 1.0)
    return [speed_outcome(goal, by_name[goal.cell.name], share) for goal in SPEED], measured


def speed_outcome(goal: SpeedGoal, cell: dict[str, Any], share: float = 1.0) -> Outcome:
    """Hold one measured cell against its goal, of which only a share may be asked."""
    rival = cell["best_peer"] if goal.rival == BEST else goal.rival
    ratio = cell["ratios"][goal.ours].get(rival)
    label = f"{goal.cell.name}: {goal.rival}" + f" ({rival})" * (goal.rival == BEST)
    at_least = share * goal.at_least
    wanted = f">= {number(at_least)}x"
    if ratio is None:
        return Outcome(label, wanted, "no such peer here", reached=None)
    return Outcome(label, wanted, f"{number(ratio)}x", ratio >= at_least)


def footprint_outcomes(*, build: bool) -> Iterator[Outcome]:
    """Measure import, memory, wheel and, on request, the build."""
    say("import")
    yield below("import after NumPy, ms", 20, 1e3 * footprint.import_seconds())
    for cell, layout in MEMORY:
        say(f"memory of {cell.name} {layout}")
        used = max(footprint.call_memory(cell, layout).values())
        allowed = MEGABYTE + 8 * (cell.elements // SHORTEST_BLOCK)
        label = f"memory of a call, {cell.name} {layout}, MB"
        yield below(label, allowed / MEGABYTE, used / MEGABYTE)
    yield from build_outcomes(build=build)


def build_outcomes(*, build: bool) -> Iterator[Outcome]:
    """Build the wheel, or look at the one in dist/."""
    size: int | None = None
    if build:
        say("build")
        seconds, size = footprint.build()
        yield Outcome("full build, s", "", number(seconds), reached=None)
    elif wheel := footprint.built_wheel():
        size = wheel.stat().st_size
    if size is None:
        yield Outcome("wheel, MB", "< 3", "not built: use --build", reached=None)
    else:
        yield below("wheel, MB", 3, size / MEGABYTE)


def below(goal: str, most: float, measured: float) -> Outcome:
    """Outcome of a goal that is an upper bound."""
    return Outcome(goal, f"< {number(most)}", number(measured), measured < most)


def table(outcomes: Sequence[Outcome]) -> Table:
    """Goals as a table."""
    words = {True: "reached", False: "NOT REACHED", None: "-"}
    rows = [[o.goal, o.wanted, o.measured, words[o.reached]] for o in outcomes]
    return Table("goals", ["goal", "wanted", "measured", ""], rows)
