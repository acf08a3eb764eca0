"""Two models on the same rows: their losses, what the one is above the other, and who is below."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from numloss._core import differences
from numloss.evaluation.examples import Examples
from numloss.evaluation.result import LossResult, Statistics, shown_key, shown_number
from numloss.evaluation.specs import LossSpec

#: What a state keeps of each loss: those of both models, differences, and wins.
VALUES = 4
#: The level of intervals, where none is asked for.
LEVEL = 0.95
# Groups that a table shows.
_SHOWN = 50


def value_names(losses: Iterable[str], models: tuple[str, str] | None) -> list[str]:
    """Name the values that a state has of each row."""
    if models is None:
        return list(losses)
    first, other = models
    return [
        name
        for loss in losses
        for name in (
            f"{loss} of {first}", f"{loss} of {other}", f"{loss}: {other} - {first}",
            f"{loss}: won by {other}",
        )
    ]  # fmt: skip


def paired(spec: LossSpec, first: Examples, other: Examples) -> list[Examples]:
    """Return the losses of both, the other's less the first's, and 1 where the other is better.

    Differences are float64, and so exact for float32 losses of a like size. A tie counts half.
    """
    arrays = (first.losses, other.losses)
    if first.losses.dtype != other.losses.dtype:
        arrays = (first.losses.astype(np.float64), other.losses.astype(np.float64))
    difference, won = differences(*arrays, first.weights, spec.higher_is_better)
    row = replace(first, forecasts=None)
    return [first, other, replace(row, losses=difference), replace(row, losses=won)]


@dataclass(frozen=True)
class Comparison:
    """How another model does beside the first, in one loss.

    Attributes
    ----------
    first, other : str
        What the models are called.
    losses : LossResult
        The losses of the other model.
    difference : LossResult
        The other's loss less the first's, row by row: above 0 the other is worse, or better where
        higher is better. As rows are paired, the standard error is that of the differences.
    won : LossResult
        1 where the other is better, 0.5 for a tie: the mean is the share of rows won.
    """

    first: str
    other: str
    losses: LossResult
    difference: LossResult
    won: LossResult

    def to_dict(self, by: Sequence[str]) -> dict[str, Any]:
        """Return all numbers by name."""
        found: dict[str, Any] = {"first": self.first, "other": self.other}
        found["all"] = self._numbers(self.losses.total, self.difference.total, self.won.total, 1)
        if by:
            groups = list(
                zip(self.losses.groups, self.difference.groups, self.won.groups, strict=True)
            )
            found["groups"] = [
                {
                    "group": list(key) if len(by) > 1 else key,
                    **self._numbers(losses, difference, won, len(groups)),
                }
                for (key, losses), (_, difference), (_, won) in groups
            ]
        return found

    def _numbers(
        self, losses: Statistics, difference: Statistics, won: Statistics, groups: int
    ) -> dict[str, Any]:
        low, high = difference.confidence_interval(self.level(groups)) or (None, None)
        return {
            "mean": losses.mean, "difference": difference.mean,
            "standard_error": difference.standard_error, "interval_low": low,
            "interval_high": high, "won": won.mean,
        }  # fmt: skip

    def level(self, groups: int) -> float:
        """Return the level of an interval, of which so many are to hold together (Bonferroni)."""
        return 1 - (1 - (self.difference.confidence or LEVEL)) / max(groups, 1)

    def cells(
        self, loss: LossResult, by: Sequence[str]
    ) -> tuple[list[str], list[list[str]], str | None]:
        """Return titles and rows of a table, the groups that do worst first, and a note on it."""
        level = f"{100 * (self.difference.confidence or LEVEL):.12g}%"
        titles = [
            *by, self.first, self.other, "difference", "std. error", f"{level} from", "to",
            "rows won",
        ]  # fmt: skip
        rows = []
        for index in self._by_harm() if by else ():
            key = self.difference.groups.keys()[index]
            keys = key if len(by) > 1 else (key,)
            rows.append([*map(shown_key, keys), *self._cells(loss, index)])
        last = ["all", *[""] * (len(by) - 1)] if by else []
        rows.append([*last, *self._cells(loss, None)])
        if len(rows) <= 2:
            return titles, rows, None
        groups = f"the intervals of all {len(loss.groups)} groups"
        return titles, rows, f"{groups} hold together with {level} (Bonferroni)"

    def _by_harm(self) -> list[int]:
        return self.difference.groups.ranked(self.difference.spec.higher_is_better)[:_SHOWN]

    def _cells(self, loss: LossResult, index: int | None) -> list[str]:
        parts = (loss, self.losses, self.difference, self.won)
        first, losses, difference, won = (
            part.total if index is None else part.groups.at(index) for part in parts
        )
        groups = 1 if index is None else len(loss.groups)
        found = self._numbers(losses, difference, won, groups)
        names = ("mean", "difference", "standard_error", "interval_low", "interval_high")
        share = "-" if won.mean is None else f"{won.mean:.1%}"
        share = "NaN" if won.mean is not None and math.isnan(won.mean) else share
        numbers = [first.mean, *(found[name] for name in names)]
        return [*map(shown_number, numbers), share]
