"""Statistics of losses that arrive in chunks, by group.

Every number is a function of the losses alone: it does not depend on the size of the chunks, and
two accumulators merge into what one would have held.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from numloss.evaluation.state.exact import ExactSum, exact_product, rounded, sums_of_groups
from numloss.evaluation.state.groups import Groups, Key, TooManyGroupsError, sortable
from numloss.evaluation.state.quantiles import Distribution

Floats = npt.NDArray[np.float64]

#: Quantiles are exact up to so many examples of a loss ...
EXACT_LIMIT = 2_000_000
#: ... and in every group of at most so many.
EXACT_GROUP = 4096


@dataclass(frozen=True)
class Examples:
    """The examples of a chunk that count, and the rows of those that do not."""

    losses: npt.NDArray[np.floating[Any]]
    row: npt.NDArray[np.intp]
    ignored_row: npt.NDArray[np.intp]
    weight: Floats | None = None
    weighted: Floats | None = None  # weight * losses


@dataclass(frozen=True)
class Summary:
    """What there is to say about the losses of a group; None where there is nothing to say."""

    count: int
    ignored: int
    nan: int
    weight: float
    sum: float
    mean: float | None
    standard_error: float | None
    minimum: float | None
    median: float | None
    p95: float | None
    p99: float | None
    maximum: float | None
    maximum_row: int | None
    exact_quantiles: bool


class Statistics:
    """The losses of one group."""

    def __init__(self) -> None:
        self.count = 0
        self.ignored = 0
        self.nan = 0
        self.first_nan: int | None = None
        self.low = math.inf
        self.high = -math.inf
        self.high_row: int | None = None
        self.distribution = Distribution()
        # Sums of w, of u = w * loss, and of their products; without weights, u and uu are enough.
        self.sums = {name: ExactSum() for name in ("w", "u", "uu", "uw", "ww")}
        self.weighted = False

    def merge(self, other: Statistics) -> None:
        """Take in the losses of another group."""
        self.count += other.count
        self.ignored += other.ignored
        self.nan += other.nan
        self.first_nan = _smaller(self.first_nan, other.first_nan)
        self.low = min(self.low, other.low)
        self.see_high(other.high, other.high_row)
        self.distribution.merge(other.distribution)
        self.weighted = self.weighted or other.weighted
        for name, part in other.sums.items():
            self.sums[name].merge(part)

    def see_high(self, high: float, row: int | None) -> None:
        """Remember the largest loss, and the first row that has it."""
        if high > self.high:
            self.high, self.high_row = high, row
        elif high == self.high:
            self.high_row = _smaller(self.high_row, row)

    def summary(self) -> Summary:
        """Compute all that is shown."""
        known = self.distribution.size > 0
        median = p95 = p99 = None
        if known:
            quantiles = self.distribution.quantiles((0.5, 0.95, 0.99), self.low, self.high)
            median, p95, p99 = quantiles
        return Summary(
            self.count,
            self.ignored,
            self.nan,
            rounded(self._fractions()["w"]),
            float(self.sums["u"]),
            self._mean(),
            self._standard_error(),
            self.low if known else None,
            median,
            p95,
            p99,
            self.high if known else None,
            self.high_row,
            self.distribution.exact,
        )

    def _fractions(self) -> dict[str, Fraction]:
        fractions = {name: part.fraction for name, part in self.sums.items()}
        if not self.weighted:
            count = Fraction(self.count)
            fractions.update(w=count, ww=count, uw=fractions["u"])
        return fractions

    def _mean(self) -> float | None:
        if self.count == 0:
            return None
        fractions = self._fractions()
        u = self.sums["u"]
        return rounded(fractions["u"] / fractions["w"]) if u.finite else float(u)

    def _standard_error(self) -> float | None:
        """Return sqrt(sum w² (loss - mean)²) / sum w · sqrt(n / (n - 1)), without cancellation."""
        if self.count < 2:
            return None
        if not all(part.finite for part in self.sums.values()):
            return math.nan
        w, u, uu, uw, ww = (self._fractions()[name] for name in ("w", "u", "uu", "uw", "ww"))
        mean = u / w
        square = (uu - 2 * mean * uw + mean * mean * ww) / (w * w)
        return math.sqrt(max(0.0, rounded(square * Fraction(self.count, self.count - 1))))


class Accumulator:
    """The statistics of one loss, by group."""

    def __init__(self, max_groups: int = 10_000) -> None:
        self.groups: dict[Key, Statistics] = {}
        self._max_groups = max_groups
        self._size = 0

    def add(self, examples: Examples, first_row: int, groups: Groups | None) -> None:
        """Take in the examples of a chunk."""
        if groups is None:
            groups = Groups(np.zeros(0, np.intp), [None])
            codes = np.zeros(len(examples.row), np.intp)
            ignored = np.zeros(len(examples.ignored_row), np.intp)
        else:
            codes, ignored = groups.codes[examples.row], groups.codes[examples.ignored_row]
        statistics = [self._group(key) for key in groups.keys]
        for group, count in zip(
            statistics, np.bincount(ignored, minlength=len(statistics)), strict=True
        ):
            group.ignored += int(count)
        if len(examples.losses) == 0:
            return
        block = _Block(examples, codes, first_row)
        block.add_to(statistics)
        self._grow(len(examples.losses), statistics)

    def merge(self, other: Accumulator) -> None:
        """Take in what another accumulator holds."""
        for key, statistics in other.groups.items():
            self._group(key).merge(statistics)
        self._grow(other._size, list(self.groups.values()))

    def summary(self) -> Summary:
        """Summarise all groups together."""
        return self.total().summary()

    def total(self) -> Statistics:
        """Merge all groups."""
        total = Statistics()
        for statistics in self.groups.values():
            total.merge(statistics)
        if self._size > EXACT_LIMIT:
            total.distribution.condense()
        return total

    def __iter__(self) -> Iterator[tuple[Key, Summary]]:
        """Summarise each group, in the order of their keys; missing values come last."""
        keys = sorted((key for key in self.groups if key is not None), key=sortable)
        for key in (*keys, *([None] if None in self.groups else [])):
            yield key, self.groups[key].summary()

    def _group(self, key: Key) -> Statistics:
        if key not in self.groups:
            if len(self.groups) >= self._max_groups:
                raise TooManyGroupsError(self._max_groups)
            self.groups[key] = Statistics()
        return self.groups[key]

    def _grow(self, size: int, touched: list[Statistics]) -> None:
        """Keep a histogram instead of the losses where there are too many of them.

        Whether a group is condensed in the end depends on the counts alone.
        """
        before, self._size = self._size, self._size + size
        if self._size <= EXACT_LIMIT:
            return
        for statistics in touched if before > EXACT_LIMIT else self.groups.values():
            distribution = statistics.distribution
            if distribution.exact and distribution.size > EXACT_GROUP:
                distribution.condense()


class _Block:
    """The examples of a chunk, sorted by group."""

    def __init__(self, examples: Examples, codes: npt.NDArray[np.intp], first_row: int) -> None:
        losses, row = examples.losses, examples.row
        weight, weighted = examples.weight, examples.weighted
        if codes.any():
            order = np.argsort(codes, kind="stable")
            losses, row, codes = losses[order], row[order], codes[order]
            if weight is not None and weighted is not None:
                weight, weighted = weight[order], weighted[order]
        self._losses, self._row = losses, row
        self._weight, self._weighted = weight, weighted
        self._first_row = first_row
        self._starts = np.concatenate([[0], np.flatnonzero(np.diff(codes)) + 1])
        self._present = codes[self._starts]

    def add_to(self, statistics: list[Statistics]) -> None:
        """Add the examples of each group to its statistics."""
        present = [statistics[code] for code in self._present]
        sizes = np.diff(np.append(self._starts, len(self._losses)))
        for group, size in zip(present, sizes, strict=True):
            group.count += int(size)
            group.weighted = self._weight is not None
        self._add_sums(present, sizes)
        self._add_extremes(present, sizes)

    def _add_sums(self, present: list[Statistics], sizes: npt.NDArray[np.intp]) -> None:
        if self._weight is None or self._weighted is None:
            losses = self._losses.astype(np.float64)
            self._add("u", sums_of_groups(losses, self._starts), present)
            self._add_product("uu", losses, losses, present, exact=self._losses.itemsize < 8)
            return
        self._add("w", sums_of_groups(self._weight, self._starts), present)
        self._add("u", sums_of_groups(self._weighted, self._starts), present)
        self._add_product("uu", self._weighted, self._weighted, present)
        self._add_product("uw", self._weighted, self._weight, present)
        self._add_product("ww", self._weight, self._weight, present)

    def _add_product(
        self,
        name: str,
        a: Floats,
        b: Floats,
        present: list[Statistics],
        *,
        exact: bool = False,
    ) -> None:
        """Add a product without rounding; that of two float32 is exact by itself."""
        product, error = (a * b, None) if exact else exact_product(a, b)
        self._add(name, sums_of_groups(product, self._starts), present)
        if error is not None:
            self._add(name, sums_of_groups(error, self._starts), present)

    @staticmethod
    def _add(name: str, parts: list[Floats], present: list[Statistics]) -> None:
        for part in parts:
            for group, value in zip(present, part.tolist(), strict=True):
                group.sums[name].add(value)

    def _add_extremes(self, present: list[Statistics], sizes: npt.NDArray[np.intp]) -> None:
        """Add what orders the losses; NaN has no place in it, and is counted."""
        missing = np.isnan(self._losses)
        any_missing = bool(missing.any())
        low = np.fmin.reduceat(self._losses, self._starts).tolist()
        high = np.fmax.reduceat(self._losses, self._starts).tolist()
        for i, group in enumerate(present):
            part = slice(self._starts[i], self._starts[i] + sizes[i])
            losses = self._losses[part]
            if any_missing and (absent := missing[part]).any():
                first = self._first_row + int(self._row[part][np.argmax(absent)])
                group.first_nan = _smaller(group.first_nan, first)
                group.nan += int(np.count_nonzero(absent))
                losses = losses[~absent]
            group.distribution.add(losses)
            if len(losses):
                group.low = min(group.low, low[i])
                if high[i] > group.high or group.high_row is None:
                    at = int(np.argmax(self._losses[part] == high[i]))
                    group.see_high(high[i], self._first_row + int(self._row[part][at]))


def _smaller(a: int | None, b: int | None) -> int | None:
    return min((x for x in (a, b) if x is not None), default=None)
