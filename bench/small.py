"""Small calls: every loss on some 64 numbers, beside the cheapest call that NumPy can make.

On so few numbers the way to the kernels takes as long as their work. Microseconds say more of the
machine than of the library, so each time is held against that of `numpy.add` on the same arrays,
taken in the same rounds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numloss
from bench.cells import cells, shape_name
from bench.limit import ADD
from bench.outcome import Outcome
from bench.peers import OURS, OURS_INTO_BUFFER
from bench.table import Table, number

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

CELLS = cells(numloss.LOSSES, shapes=((64,), (8, 8), (8, 10)))
NAMES = frozenset(cell.name for cell in CELLS)
#: How many times as long as one numpy.add a value may take: 0.6 us where that takes 0.35.
MOST_ADDS = 0.6 / 0.35


def adds(cell: dict[str, Any]) -> float:
    """How many times as long as one `numpy.add` our call takes."""
    return 1 / float(cell["ratios"][OURS][ADD])


def is_slow(cell: dict[str, Any]) -> bool:
    """Whether a value takes longer than it may."""
    return cell["mode"] == "value" and adds(cell) > MOST_ADDS


def outcomes(measured: Iterable[dict[str, Any]]) -> Iterator[Outcome]:
    """Hold the values among small calls against `numpy.add`."""
    for cell in among(measured):
        if cell["mode"] == "value":
            wanted = f"<= {number(MOST_ADDS)} x numpy.add"
            yield Outcome(cell["name"], wanted, number(adds(cell)), not is_slow(cell))


def among(measured: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the small calls among cells."""
    return [cell for cell in measured if cell["name"] in NAMES]


def table(measured: Iterable[dict[str, Any]]) -> Table:
    """Tabulate small calls: a row for each cell."""
    header = ["loss", "shape", "mode", "us", "us, `out=`", "numpy.add us", "x add"]
    header += ["best peer", "x best", "x best, `out=`", ""]
    return Table("small calls", header, list(map(row, among(measured))), SAYS)


SAYS = (
    "The time of a whole call on some 64 numbers in microseconds, and with `out=` where there is a"
    " gradient. 'x add' is how many times as long as one numpy.add on as many float32 numbers it"
    f" takes; a value may take {number(MOST_ADDS)} times as long, else it is marked SLOW. 'x best'"
    " is how many times as long the fastest peer takes."
)


def row(cell: dict[str, Any]) -> list[str]:
    """One cell."""
    best, times = cell["best_peer"], cell["times"]
    into = times[OURS_INTO_BUFFER]["median"] if OURS_INTO_BUFFER in times else None
    return [
        cell["loss"],
        shape_name(cell["shape"]),
        cell["mode"],
        number(1e6 * times[OURS]["median"]),
        number(None if into is None else 1e6 * into),
        number(1e6 * times[ADD]["median"]),
        number(adds(cell)),
        best or "",
        number(cell["ratios"][OURS].get(best)),
        number(cell["ratios"].get(OURS_INTO_BUFFER, {}).get(best)),
        "SLOW" if is_slow(cell) else "",
    ]
