"""Small calls: every loss on some 64 numbers, beside the cheapest call that NumPy can make.

On so few numbers the way to the kernels takes as long as their work. Microseconds say more of the
machine than of the library, so each time is held against that of `numpy.add` on the same arrays,
taken in the same rounds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numloss
from bench.cells import cells, shape_name
from bench.goals import MOST_ADDS
from bench.limit import ADD
from bench.peers import OURS, OURS_INTO_BUFFER
from bench.table import Table, number

if TYPE_CHECKING:
    from collections.abc import Sequence

CELLS = cells(numloss.LOSSES, shapes=((64,), (8, 8), (8, 10)))


def ours(cell: dict[str, Any]) -> str:
    """Which of our calls counts: a gradient goes where a training loop sends it."""
    return OURS_INTO_BUFFER if OURS_INTO_BUFFER in cell["times"] else OURS


def adds(cell: dict[str, Any]) -> float:
    """How many times as long as one `numpy.add` our call takes."""
    return 1 / float(cell["ratios"][ours(cell)][ADD])


def is_slow(cell: dict[str, Any]) -> bool:
    """Whether a value takes longer than it may."""
    return cell["mode"] == "value" and adds(cell) > MOST_ADDS


def table(measured: Sequence[dict[str, Any]]) -> Table:
    """Tabulate small calls: a row for each cell."""
    header = ["loss", "shape", "mode", "us", "numpy.add us", "x add", "best peer", "x best", ""]
    title = f"small calls; a value may take {number(MOST_ADDS)} x add"
    return Table(title, header, list(map(row, measured)))


def row(cell: dict[str, Any]) -> list[str]:
    """One cell."""
    name, best = ours(cell), cell["best_peer"]
    return [
        cell["loss"],
        shape_name(cell["shape"]),
        cell["mode"],
        number(1e6 * cell["times"][name]["median"]),
        number(1e6 * cell["times"][ADD]["median"]),
        number(adds(cell)),
        best or "",
        number(cell["ratios"][name].get(best)),
        "SLOW" if is_slow(cell) else "",
    ]
