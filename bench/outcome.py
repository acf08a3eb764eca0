"""What is asked of the library, and what was measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.table import Table, number

if TYPE_CHECKING:
    from collections.abc import Iterable

#: Exit status of a command that finds a bound missed. Other failures have 1, wrong arguments 2.
MISSED = 3
WORDS = {True: "reached", False: "NOT REACHED", None: "-"}


@dataclass(frozen=True)
class Outcome:
    """A goal, what is wanted and what was measured. ``reached`` is None where nothing is judged."""

    goal: str
    wanted: str
    measured: str
    reached: bool | None


def below(goal: str, most: float, measured: float) -> Outcome:
    """Outcome of a goal that is an upper bound."""
    return Outcome(goal, f"< {number(most)}", number(measured), measured < most)


def outcome_table(title: str, outcomes: Iterable[Outcome], says: str = "") -> Table:
    """Tabulate outcomes."""
    rows = [[o.goal, o.wanted, o.measured, WORDS[o.reached]] for o in outcomes]
    return Table(title, ["goal", "wanted", "measured", ""], rows, says)
