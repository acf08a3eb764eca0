"""The bounds that the library means to keep: one list for the commands that check and for the page.

Each rule stands where what it judges is measured; here they are named and counted.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from bench import goals, layouts, limit, scaling, small, variants
from bench.outcome import MISSED, Outcome, outcome_table
from bench.table import Table, number, percent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator


@dataclass(frozen=True)
class Bound:
    """A bound: what it is called, what it asks, and how it judges the results of a run."""

    name: str
    asks: str
    judge: Callable[[dict[str, Any]], Iterable[Outcome]]


def elsewhere(results: dict[str, Any]) -> Iterator[Outcome]:
    """Judge the leads of other instruction sets than the machine's best."""
    for isa, cells in results.get("elsewhere", {}).items():
        for outcome in goals.outcomes(cells, isa):
            yield replace(outcome, goal=f"{isa}: {outcome.goal}")


def footprint(results: dict[str, Any]) -> Iterator[Outcome]:
    """Yield what was found of import, memory and wheel."""
    return (Outcome(**held) for held in results.get("footprint", ()))


BOUNDS = (
    Bound(
        "leads over the best peer",
        "the ratios of the table of goals on one thread, gradients with `out=`",
        lambda results: goals.outcomes(results.get("cells", ())),
    ),
    Bound(
        "leads on other instruction sets",
        ", ".join(f"{percent(share)} of them on {isa}" for isa, share in goals.SHARES.items())
        + ", all on another",
        elsewhere,
    ),
    Bound("footprint", "import, memory of a call, wheel", footprint),
    Bound(
        "nearness to the limit",
        f"{percent(limit.LEAST['memory'])} of the bandwidth where memory binds a cell, "
        f"{percent(limit.LEAST['arithmetic'])} of the arithmetic elsewhere, on one thread",
        lambda results: limit.outcomes(results.get("cells", ())),
    ),
    Bound(
        "small calls",
        f"a value of some 64 numbers in {number(small.MOST_ADDS)} times one numpy.add",
        lambda results: small.outcomes(results.get("cells", ())),
    ),
    Bound(
        "options",
        f"{variants.MOST} times the plain call, and the time of reading the option's own array",
        lambda results: variants.outcomes(results.get("variants", ())),
    ),
    Bound(
        "layouts",
        f"{layouts.MOST:g} times the contiguous call, or as many as numbers lie in memory for each"
        " one used",
        lambda results: layouts.outcomes(results.get("layouts", ())),
    ),
    Bound(
        "threads",
        f"{scaling.LEAST} times as fast from {scaling.ENOUGH} elements on where arithmetic binds a"
        " loss, and never slower",
        lambda results: scaling.outcomes(results.get("scaling", ())),
    ),
)


def judged(results: dict[str, Any]) -> dict[Bound, list[Outcome]]:
    """Return the outcomes of each bound that the results say something of."""
    found = {bound: list(bound.judge(results)) for bound in BOUNDS}
    return {bound: outcomes for bound, outcomes in found.items() if outcomes}


def status(results: dict[str, Any], *names: str) -> int:
    """Return the exit status of a command that checks: `MISSED` where a bound is missed, else 0.

    Bounds are those named, or else all that the results say something of.
    """
    held = judged(results).items()
    found = [missed(outcomes) for bound, outcomes in held if not names or bound.name in names]
    return MISSED if any(found) else 0


def missed(outcomes: Iterable[Outcome]) -> list[Outcome]:
    """Return the outcomes that miss their bound."""
    return [outcome for outcome in outcomes if outcome.reached is False]


def overview(results: dict[str, Any]) -> Table:
    """Count what reaches each bound and what misses it."""
    rows = []
    for bound, outcomes in judged(results).items():
        reached = sum(outcome.reached is True for outcome in outcomes)
        rows.append([bound.name, bound.asks, str(reached), str(len(missed(outcomes)))])
    return Table("bounds", ["bound", "asks for", "reached", "missed"], rows, OVERVIEW)


OVERVIEW = (
    "What the project holds the library to, and how many of the cases measured here reach it and"
    " miss it. What no peer computes is not counted."
)


def missed_tables(results: dict[str, Any]) -> Iterator[Table]:
    """Tabulate what misses each bound."""
    for bound, outcomes in judged(results).items():
        if found := missed(outcomes):
            yield outcome_table(f"missed: {bound.name}", found, f"It asks for {bound.asks}.")


GOALS = (
    "How many times as long as numloss the fastest peer of the cell takes; a gradient of numloss"
    " goes to a buffer, and the ratio in parentheses is that of the call that makes a fresh array"
    " as most peers do. Then import, memory of a call beyond its result, and size of the wheel."
)


def goals_table(results: dict[str, Any]) -> Table:
    """Tabulate the leads and the footprint, reached or not."""
    held = [*goals.outcomes(results.get("cells", ())), *footprint(results)]
    return outcome_table("goals", held, GOALS)


def elsewhere_tables(results: dict[str, Any]) -> Iterator[Table]:
    """Tabulate the leads of other instruction sets than the machine's best."""
    for isa, cells in results.get("elsewhere", {}).items():
        says = f"{percent(goals.SHARES.get(isa, 1.0))} of the leads above are asked of this set."
        held = goals.outcomes(cells, isa)
        yield outcome_table(f"goals with `NUMLOSS_ISA={isa}`", held, says)
