"""The goals the library is held to, and whether this machine reaches them now.

All of them are ratios of times measured in one run, or sizes: a figure in seconds would say more
of the machine than of the library.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bench import footprint
from bench.cells import Cell, problem
from bench.outcome import Outcome, below
from bench.peers import OURS, OURS_INTO_BUFFER
from bench.run import say
from bench.table import number

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MEGABYTE = 1_000_000


@dataclass(frozen=True)
class SpeedGoal:
    """How many times as long as numloss the best peer must take on a cell."""

    cell: Cell
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


def leads() -> Iterator[SpeedGoal]:
    """Yield the leads over the best peer."""
    for (loss, mode), at_least in LEADS.items():
        shapes = ROWS if problem(loss).rowwise else FLAT
        for shape, lead in zip(shapes, at_least, strict=True):
            yield SpeedGoal(Cell(loss, mode, shape), lead)


SPEED = tuple(leads())
CELLS = tuple(goal.cell for goal in SPEED)

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
# What the blocks of a call leave behind may come on top: kBlock, kMaxBlocks and Partial of
# csrc/runtime/table.hpp.
BLOCK, MOST_BLOCKS, PARTIAL_BYTES = 1 << 13, 4096, 48


def allowed_memory(elements: int) -> int:
    """Return the bytes that a call may take beyond its result."""
    blocks = min(-(-elements // BLOCK), MOST_BLOCKS)
    return MEGABYTE + PARTIAL_BYTES * blocks


def outcomes(cells: Iterable[dict[str, Any]], isa: str = "") -> Iterator[Outcome]:
    """Hold measured cells against the leads, of which a set may be asked only a share."""
    by_name = {cell["name"]: cell for cell in cells}
    for goal in SPEED:
        if goal.cell.name in by_name:
            yield outcome(goal, by_name[goal.cell.name], SHARES.get(isa, 1.0))


def outcome(goal: SpeedGoal, cell: dict[str, Any], share: float = 1.0) -> Outcome:
    """Hold one measured cell against its goal, of which only a share may be asked."""
    peer = cell["best_peer"]
    label = f"{goal.cell.name}: best peer" + (f" ({peer})" if peer else "")
    wanted = f">= {number(share * goal.at_least)}x"
    if peer is None:
        return Outcome(label, wanted, "no such peer here", reached=None)
    ratio, fresh = cell["ratios"][goal.ours][peer], cell["ratios"][OURS][peer]
    both = f"{number(ratio)}x" + f" ({number(fresh)}x fresh)" * goal.cell.wants_gradient
    return Outcome(label, wanted, both, ratio >= share * goal.at_least)


def footprint_outcomes(*, build: bool) -> Iterator[Outcome]:
    """Measure import, memory, wheel and, on request, the build."""
    say("import")
    yield below("import after NumPy, ms", 20, 1e3 * footprint.import_seconds())
    for cell, layout in MEMORY:
        say(f"memory of {cell.name} {layout}")
        used = max(footprint.call_memory(cell, layout).values())
        label = f"memory of a call, {cell.name} {layout}, MB"
        yield below(label, allowed_memory(cell.elements) / MEGABYTE, used / MEGABYTE)
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
