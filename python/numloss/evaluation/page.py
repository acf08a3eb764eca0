"""The report of an evaluation as one page of HTML, which runs no script and loads nothing."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from numbers import Real
from typing import Any

import numloss
from numloss.evaluation.calibration import Bin, Bounds, Calibration, Ranking
from numloss.evaluation.comparison import Comparison
from numloss.evaluation.extras import imported
from numloss.evaluation.result import (
    EvaluationResult,
    LossResult,
    Row,
    Statistics,
    WorstRow,
    notes,
    quantile_name,
    shown_key,
    shown_number,
)
from numloss.evaluation.tables import printable

# Groups of a loss, and of all losses together: a page of them stays below 0.5 MB.
_MOST_GROUPS, _FEWEST_GROUPS, _ALL_GROUPS = 200, 20, 600
_MOST_WORST = 100
_MOST_FILES = 20
# Letters of all keys of a group, of a name or value in a table, of a file or a sentence, of the
# command.
_LETTERS_OF_KEYS, _LETTERS, _LONG, _LONGEST = 48, 60, 300, 2000
# Units of a picture across and down. The browser stretches them, so that text keeps its size.
_ACROSS, _DOWN = 1000, 400
# What lies further above the lowest loss than so many times the 95th percentile is cut off.
_LONG_TAIL = 8.0


def engine() -> Any:
    """Import what fills the template in, or say how to get it."""
    return imported("jinja2", "an HTML report", "report")


@cache
def _template() -> Any:
    """Compile the template; whatever it is filled with is escaped."""
    jinja2 = engine()
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("numloss.evaluation"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html.j2")


def write_html(
    result: EvaluationResult, title: str, made: Mapping[str, str | Sequence[str]], worst: int
) -> str:
    """Return the report as a page; `EvaluationResult.to_html` says what the arguments are."""
    most = max(_FEWEST_GROUPS, min(_MOST_GROUPS, _ALL_GROUPS // max(len(result), 1)))
    several = len(set(_sources(result))) > 1
    page: str = _template().render(
        title=shortened(title, _LONG),
        rows=whole(result.rows),
        groups=whole(max(len(loss.groups) for loss in result.losses.values())),
        by=[shortened(name) for name in result.by],
        parts=_parts(result),
        losses=[
            LossView(place, loss, result.by, most, worst, several, result.comparisons.get(name))
            for place, (name, loss) in enumerate(result.losses.items(), 1)
        ],
        forecasts=list(_forecasts(result)),
        notes=list(_notes(result, most)),
        made=list(_made(result, made)),
    )
    return page


def _parts(result: EvaluationResult) -> str | None:
    """Say what the standard errors take as independent, if it is not the rows."""
    total = next(iter(result.losses.values())).total
    for name in ("clusters", "buckets"):
        if (number := getattr(total, name)) is not None:
            return f"{whole(number)} {name}"
    return None


def _forecasts(result: EvaluationResult) -> Iterator[ForecastView]:
    """Yield what there is to say of the probabilities and scores of each model."""
    models: tuple[str | None, ...] = (None, None)
    for comparison in result.comparisons.values():
        models = (comparison.first, comparison.other)
    pairs = (
        (result.calibration, result.ranking),
        (result.other_calibration, result.other_ranking),
    )
    for place, (model, (calibration, ranking)) in enumerate(zip(models, pairs, strict=True), 1):
        if calibration is not None or ranking is not None:
            name = None if model is None else shortened(model)
            yield ForecastView(place, name, result.by, calibration, ranking)


def _sources(result: EvaluationResult) -> Iterator[str | None]:
    """Yield the files of all rows that are named."""
    for loss in result.losses.values():
        rows = [loss.total.maximum_row, loss.total.first_nan, *(worst.row for worst in loss.worst)]
        yield from (row.source for row in rows if row is not None)


# ------------------------------------------------------------------------------- names and numbers


def shortened(text: object, most: int = _LETTERS) -> str:
    """Show a name without control characters; of a long one, its beginning and its end."""
    shown = printable(text)
    if not shown.strip():
        return "(empty)"
    if len(shown) <= most:
        return shown
    end = most // 3
    return f"{shown[: most - end - 1]}…{shown[-end:]}"


def whole(number: int) -> str:
    """Show a count with spaces between thousands, at which no line breaks."""
    return f"{number:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")


def signed(text: str) -> str:
    """Write a minus as wide as a plus."""
    return text.replace("-", "\N{MINUS SIGN}")


class Digits:
    """Shows the numbers of a loss with equally many decimals, so that they line up.

    They are as many as five digits of the mean take, or two of its standard error.
    """

    def __init__(self, total: Statistics) -> None:
        wanted = [
            digits - math.floor(math.log10(abs(value)))
            for value, digits in ((total.mean, 4), (total.standard_error, 1))
            if value is not None and math.isfinite(value) and value != 0
        ]
        self.decimals = min(max([*wanted, 0]), 12) if wanted else 4

    def __call__(self, value: float | None, mark: str = "") -> str:
        """Show a number; one that would be long or lose its digits in powers of ten."""
        if value is None:
            return "–"
        if not math.isfinite(value):
            return "NaN" if math.isnan(value) else signed(f"{value:f}".replace("inf", "∞"))
        text = f"{value:.{self.decimals}f}"
        if len(text) > 14 or 0 < abs(value) < 10.0 ** (1 - self.decimals):
            text = f"{value:.4g}"
        return mark + signed(text)


@dataclass(frozen=True)
class Interval:
    """The interval of 95 % around a mean."""

    low: float
    high: float


def interval_of(statistics: Statistics) -> Interval | None:
    """Return the interval, if both ends are finite."""
    ends = statistics.confidence_interval(0.95)
    return Interval(*ends) if ends is not None and all(map(math.isfinite, ends)) else None


def ticks(low: float, high: float, most: int) -> list[float]:
    """Return round numbers within a range, as many as asked for or less; of a tiny one none."""
    rough = high / most - low / most
    if rough < sys.float_info.min:
        return []
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 2.5, 5, 10, 20) if power * factor >= rough)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [float(f"{place * step:.12g}") for place in range(first, last + 1)]


@dataclass(frozen=True)
class Axis:
    """A range of finite losses, and where in a picture they lie."""

    low: float
    high: float

    @classmethod
    def around(cls, low: float, high: float) -> Axis:
        """Return a range, with room around it where it is but a number."""
        if not high - low > 1e-9 * max(abs(low), abs(high)):
            room = max(abs(low), abs(high)) / 2 or 1.0
            low, high = low - room if low < 0 else max(low - room, 0.0), high + room
        return cls(max(low, -sys.float_info.max), min(high, sys.float_info.max))

    def share(self, value: float) -> float:
        """Say where a value lies: 0 at the lower end, 1 at the upper."""
        span = self.high - self.low
        if math.isinf(span):
            return (value / 4 - self.low / 4) / (self.high / 4 - self.low / 4)
        return (value - self.low) / span

    def across(self, value: float) -> int:
        """Return the place from the left; of what lies outside, that of the edge."""
        return round(_ACROSS * min(max(self.share(value), 0.0), 1.0))

    def down(self, value: float) -> int:
        """Return the place from the top."""
        return round(_DOWN * (1 - min(max(self.share(value), 0.0), 1.0)))

    def ticks(self, most: int) -> list[tuple[str, float]]:
        """Return round numbers with their places in percent."""
        return [
            (signed(f"{value:.6g}"), round(100 * self.share(value), 2))
            for value in ticks(self.low, self.high, most)
        ]


# ------------------------------------------------------------------------ probabilities and scores


class ForecastView:
    """What the page says of a model's probabilities and scores."""

    def __init__(
        self,
        place: int,
        model: str | None,
        by: tuple[str, ...],
        calibration: Calibration | None,
        ranking: Ranking | None,
    ) -> None:
        self.place, self.model, self._by = place, model, by
        self._calibration, self._ranking = calibration, ranking

    @property
    def title(self) -> str:
        """What is shown."""
        names = [name for name, found in (("Calibration", self._calibration),
                                          ("ranking", self._ranking)) if found]  # fmt: skip
        return " and ".join(names).capitalize()

    @property
    def facts(self) -> list[tuple[str, str]]:
        """Names and values of the numbers for all examples."""
        found = []
        if self._calibration is not None:
            error, largest = self._calibration.expected_error, self._calibration.maximum_error
            found += [("expected calibration error", _four(error)),
                      ("largest in a bin", _four(largest))]  # fmt: skip
        if self._ranking is not None:
            total = self._ranking.total
            found += [("ROC-AUC", _bounds(total.roc_auc)),
                      ("average precision", _bounds(total.average_precision))]  # fmt: skip
        return found

    @property
    def curve(self) -> Reliability | None:
        """The reliability curve, if there are examples."""
        bins = [] if self._calibration is None else self._calibration.bins
        return Reliability(self._calibration.of, bins) if self._calibration and bins else None

    @property
    def groups(self) -> dict[str, Any] | None:
        """The table of groups, the worst first."""
        if not self._by:
            return None
        titles = [shortened(name) for name in self._by]
        lines: dict[Any, list[str]] = {}
        if self._ranking is not None:
            titles += ["ROC-AUC", "average precision"]
            for key, found in self._ranking.worst():
                lines[key] = [_bounds(found.roc_auc), _bounds(found.average_precision)]
        if self._calibration is not None:
            titles.append("expected calibration error")
            errors = dict(self._calibration.worst())
            order = list(lines or errors)
            lines = {key: [*lines.get(key, []), _four(errors.get(key))] for key in order}
        shown = [
            [
                *(shortened(shown_key(part)) for part in (key if len(self._by) > 1 else (key,))),
                *cells,
            ]
            for key, cells in list(lines.items())[:_MOST_GROUPS]
        ]
        left_out = whole(max(len(lines) - len(shown), 0))
        return {"keys": len(self._by), "titles": titles, "lines": shown, "left_out": left_out}


def _four(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"


def _bounds(bounds: Bounds | None) -> str:
    """Show what is known of a number, in four digits if that is exact enough."""
    if bounds is None:
        return "–"
    low, high = _four(bounds.low), _four(bounds.high)
    return low if low == high else f"{low} to {high}"


class Reliability:
    """A picture of how often what is forecast with a probability comes."""

    #: The part of the height that the most frequent bin takes.
    _HIGHEST = 0.25

    def __init__(self, of: str, bins: Sequence[Bin]) -> None:
        self.of = of
        axis = Axis(0.0, 1.0)
        self.lines = [(text, place, round(_DOWN * (1 - place / 100))) for text, place in
                      axis.ticks(4)]  # fmt: skip
        drawn = [bin for bin in bins if bin.confidence + bin.outcome < math.inf]  # and no NaN
        points = [(axis.across(bin.confidence), axis.down(bin.outcome)) for bin in drawn]
        self.path = "M" * bool(points) + "L".join(f"{x} {y}" for x, y in points)
        self.dots = "".join(f"M{x} {y}h0" for x, y in points)
        ends = [tuple(map(axis.down, bin.interval(0.95))) for bin in drawn]
        self.errors = "".join(
            f"M{x} {low}V{high}" for (x, _), (low, high) in zip(points, ends, strict=True)
        )
        most = max(bin.weight for bin in bins)
        self.counts = "".join(
            f"M{axis.across(bin.low)} {_DOWN}V{axis.down(self._HIGHEST * bin.weight / most)}"
            f"H{axis.across(bin.high)}V{_DOWN}Z"
            for bin in bins
        )
        self.said = (
            f"In {len(bins)} bins of the probability of the {of}, from {bins[0].low:.2f} to "
            f"{bins[-1].high:.2f}: "
            + ", ".join(f"{bin.confidence:.2f} forecast and {bin.outcome:.2f} observed"
                        for bin in bins)
            + "."
        )  # fmt: skip
        self.table = [
            (
                f"{bin.low:.3f} to {bin.high:.3f}", whole(bin.count), _four(bin.confidence),
                _four(bin.outcome), _four(bin.standard_error),
            )
            for bin in bins
        ]  # fmt: skip


# -------------------------------------------------------------------------------------- one loss


@dataclass(frozen=True)
class Cell:
    """A number, word or picture of a table."""

    text: str
    kind: str = ""


class LossView:
    """What the page says of a loss."""

    def __init__(
        self,
        place: int,
        loss: LossResult,
        by: tuple[str, ...],
        most: int,
        worst: int,
        several: bool,
        comparison: Comparison | None = None,
    ) -> None:
        self.place = place
        self.higher_is_better = loss.spec.higher_is_better
        self._comparison = comparison
        self.name = shortened(loss.name)
        self.total = loss.total
        self.number = Digits(loss.total)
        self._loss = loss
        self._by = by
        self._most = most
        self._several = several  # files, one of which the row with the maximum is in
        # Of a metric that is high for good predictions, high values are no fault.
        worst = 0 if self.higher_is_better else worst
        self._worst = loss.worst[: min(worst, _MOST_WORST)]
        self.worst_left_out = whole(min(worst, len(loss.worst)) - len(self._worst))

    @property
    def exact(self) -> str | None:
        """The mean with all of its digits, for programs."""
        mean = self.total.mean
        return repr(mean) if mean is not None and math.isfinite(mean) else None

    @property
    def summary(self) -> list[str]:
        """Cells of the summary behind name and mean."""
        total, number = self.total, self.number
        return [
            shown_interval(interval_of(total), number),
            number(total.standard_error),
            whole(total.count),
            weight(total.weight, total.weight),
            whole(total.ignored),
            whole(total.nan),
        ]

    @property
    def extremes(self) -> list[tuple[str, str]]:
        """Names and values of minimum, quantiles and maximum."""
        total, number = self.total, self.number
        mark = "" if total.exact_quantiles else "~"
        quantiles = [
            (quantile_name(p), number(value, mark))
            for p, value in sorted(total.quantiles.items())
            if value is not None
        ]
        return [("minimum", number(total.minimum)), *quantiles, ("maximum", number(total.maximum))]

    @property
    def maximum_at(self) -> str | None:
        """Where the maximum is."""
        row = self.total.maximum_row
        return None if row is None else shown_row(row if self._several else Row(None, row.row))

    @cached_property
    def curve(self) -> Curve | None:
        """The picture of all losses, if there are finite ones."""
        points = [(p, v) for p, v in self._loss.curve.items() if math.isfinite(v)]
        return Curve(points, self.total, self.number) if points else None

    @cached_property
    def groups(self) -> GroupsView | None:
        """The table of groups, if there are any."""
        if not self._by or not len(self._loss.groups):
            return None
        return GroupsView(self._loss, self._by, self._most, self.number)

    @cached_property
    def comparison(self) -> dict[str, Any] | None:
        """The table of another model beside the first, if there is one."""
        if self._comparison is None:
            return None
        titles, rows, note = self._comparison.cells(self._loss, self._by)
        return {
            "first": shortened(self._comparison.first), "other": shortened(self._comparison.other),
            "keys": len(self._by), "titles": [shortened(title) for title in titles],
            "lines": [[shortened(cell) for cell in row] for row in rows], "note": note,
        }  # fmt: skip

    @property
    def worst(self) -> WorstView | None:
        """The table of the rows with the highest losses, if they are known."""
        return WorstView(self._worst, self.number, self._several) if self._worst else None


def shown_interval(interval: Interval | None, number: Digits) -> str:
    """Show both ends of an interval."""
    return "–" if interval is None else f"{number(interval.low)} to {number(interval.high)}"


def weight(value: float, total: float) -> str:
    """Show a sum of weights as precisely as that of all, in six digits; that of ones as a count."""
    if total.is_integer() and value.is_integer() and abs(total) < 1e15:
        return whole(int(value))
    decimals = 5 - math.floor(math.log10(total)) if 0 < total < math.inf else -1
    return f"{value:.{decimals}f}" if 0 <= decimals <= 12 else shown_number(value)


def shown_row(row: Row) -> str:
    """Say which row it is, and of which file."""
    where = "" if row.source is None else f" of {shortened(row.source, _LONG)}"
    return f"row {shortened(row.row)}{where}"


class Curve:
    """A picture of quantiles: the losses of all examples in ascending order."""

    def __init__(
        self, points: Sequence[tuple[float, float]], total: Statistics, number: Digits
    ) -> None:
        self._number, self._mark = number, "" if total.exact_quantiles else "~"
        self._all = points
        self._points = list(_without_tail(points))
        axis = _axis_of([value for _, value in self._points])
        self.lines = [(text, place, round(_DOWN * (1 - place / 100))) for text, place in
                      axis.ticks(4)]  # fmt: skip
        steps = [f"{round(_ACROSS * p)} {axis.down(v)}" for p, v in self._points]
        self.path = f"M{'L'.join(steps)}"
        floor = axis.down(max(axis.low, 0.0) if axis.high > 0 else axis.high)
        right = round(_ACROSS * self._points[-1][0])
        left = round(_ACROSS * self._points[0][0])
        self.area = f"{self.path}V{floor}H{left}Z"
        self.right = right
        shown = {p: v for p, v in total.quantiles.items() if v is not None}
        self.dots = "".join(
            f"M{round(_ACROSS * p)} {axis.down(v)}h0"
            for p, v in sorted(shown.items())
            if p <= self._points[-1][0] and math.isfinite(v)
        )
        mean = total.mean
        drawn = mean is not None and axis.low <= mean <= axis.high
        self.mean = axis.down(mean) if drawn and mean is not None else None
        self.mean_place = round(100 - 100 * self.mean / _DOWN, 2) if self.mean is not None else 0
        self.mean_text = number(mean)
        self.kind = self._kind(total)

    def _kind(self, total: Statistics) -> str:
        """Say what the picture is made of, and how exact that is."""
        error = total.quantile_relative_error
        exact = f"within {100 * error:.1f} % of their value" if error else "exact"
        weights = ", without weights" if total.weight != total.count else ""
        return f"lines between {len(self._points)} quantiles, {exact}{weights}"

    @property
    def cut(self) -> str | None:
        """What the picture leaves out."""
        last = self._points[-1][0]
        if last == self._all[-1][0] == 1:
            return None
        top = self._number(self._all[-1][1]) if self._all[-1][0] == 1 else "∞"
        return f"The highest {100 * (1 - last):.6g} % of the losses, up to {top}, lie above it."

    @property
    def said(self) -> str:
        """The picture in words."""
        at = dict(self._all)
        parts = [
            f"{100 * p:g} % of the examples have a loss up to {self._number(at[p], self._mark)}"
            for p in (0.5, 0.9, 0.99)
            if p in at
        ]
        return f"{'; '.join(parts)}. The table below has all points."

    @property
    def table(self) -> list[tuple[str, str]]:
        """The points of the picture and those above it."""
        ends = (0.0, 1.0)
        return [
            (f"{100 * p:.6g} %", self._number(v, "" if p in ends else self._mark))
            for p, v in self._all
        ]


def _without_tail(points: Sequence[tuple[float, float]]) -> Iterator[tuple[float, float]]:
    """Yield the points below a long tail, which would press all others to the floor."""
    lowest = points[0][1]
    usual = max(value for p, value in points if p <= max(0.95, points[0][0])) - lowest
    for p, value in points:
        if usual <= 0 or value - lowest <= _LONG_TAIL * usual:
            yield p, value


def _axis_of(values: Sequence[float]) -> Axis:
    """Return an axis from zero, or from the lowest value where zero is far off."""
    low, high = min(values), max(values)
    if 0 <= low <= high / 2:
        low = 0.0
    return Axis.around(low, high)


# ---------------------------------------------------------------------------------------- groups


class GroupsView:
    """The groups of a loss with the worst means, as a table with a picture in each line."""

    def __init__(self, loss: LossResult, by: tuple[str, ...], most: int, number: Digits) -> None:
        self._total, self._number, self._by = loss.total, number, by
        self._shown = list(loss.groups.worst(most, loss.spec.higher_is_better))
        self._count = len(loss.groups)
        self.count = whole(self._count)
        self.left_out = whole(self._count - len(self._shown))
        self._several = len(by) > 1
        self._weighted = loss.total.weight != loss.total.count
        self._axis = self._axis_of_all()

    @property
    def tall(self) -> bool:
        """Whether the table scrolls in a box of its own."""
        return len(self._shown) > 25

    @property
    def ticks(self) -> list[tuple[str, float]]:
        """Numbers along the pictures."""
        return [] if self._axis is None else self._axis.ticks(4)

    @property
    def total_at(self) -> float | None:
        """Where the mean of all groups lies in the pictures: 0 at the left, 1 at the right."""
        mean = self._total.mean
        if self._axis is None or mean is None or not math.isfinite(mean):
            return None
        return round(self._axis.share(mean), 4)

    @property
    def by_chance(self) -> str:
        """How many intervals miss the mean of their group without any reason."""
        return whole(round(0.05 * self._count)) if self._count >= 30 else ""

    def _axis_of_all(self) -> Axis | None:
        """Return the range of the means, with room for intervals, but not for the widest ones."""
        statistics = [self._total, *(s for _, s in self._shown)]
        means = [s.mean for s in statistics if s.mean is not None and math.isfinite(s.mean)]
        if not means:
            return None
        low, high = min(means), max(means)
        found = [interval for interval in map(interval_of, statistics) if interval is not None]
        room = max(high - low, max((i.high - i.low for i in found[:1]), default=0.0))
        lowest = min([low, *(max(i.low, low - room) for i in found)])
        highest = max([high, *(min(i.high, high + room) for i in found)])
        margin = highest / 25 - lowest / 25
        return Axis.around(lowest - margin, highest + margin)

    @property
    def titles(self) -> list[str]:
        """Titles of the columns behind that of the pictures."""
        total = self._total
        return [
            "95 % interval",
            "from all",
            "count",
            *(["weight"] if self._weighted else []),
            *map(quantile_name, self._quantiles),
            "maximum",
            *(["ignored"] if total.ignored else []),
            *(["NaN"] if total.nan else []),
        ]

    @property
    def _quantiles(self) -> list[float]:
        return sorted(p for p, value in self._total.quantiles.items() if value is not None)

    @property
    def keys(self) -> list[str]:
        """Titles of the columns that name the groups."""
        return [shortened(name) for name in self._by]

    @property
    def lines(self) -> Iterator[dict[str, Any]]:
        """What the lines of the table hold."""
        for key, statistics in self._shown:
            yield self._line(key if self._several else (key,), statistics)

    @property
    def last(self) -> dict[str, Any]:
        """The line of all groups together."""
        return self._line(("all", *[""] * (len(self._by) - 1)), self._total)

    def _line(self, keys: Iterable[Any], statistics: Statistics) -> dict[str, Any]:
        number, interval = self._number, interval_of(statistics)
        side = "" if statistics is self._total else self._side(interval)
        mark = "" if statistics.exact_quantiles else "~"
        return {
            "keys": [
                shortened(shown_key(key), max(_LETTERS_OF_KEYS // len(self._by), 12))
                for key in keys
            ],
            "side": side,
            "mean": number(statistics.mean),
            "picture": self._picture(statistics.mean, interval),
            "cells": [
                shown_interval(interval, number),
                "" if statistics is self._total else self._from_all(statistics.mean, side),
                whole(statistics.count),
                *([weight(statistics.weight, self._total.weight)] if self._weighted else []),
                *(number(statistics.quantiles[p], mark) for p in self._quantiles),
                number(statistics.maximum),
                *([whole(statistics.ignored)] if self._total.ignored else []),
                *([whole(statistics.nan)] if self._total.nan else []),
            ],
        }

    def _side(self, interval: Interval | None) -> str:
        """Say on which side of the mean of all the whole interval lies."""
        mean = self._total.mean
        if interval is None or mean is None or not math.isfinite(mean):
            return ""
        return "above" if interval.low > mean else "below" if interval.high < mean else ""

    def _from_all(self, mean: float | None, side: str) -> str:
        """Return how far a mean is from that of all, with a mark if that is hardly chance."""
        all_of_them = self._total.mean
        if mean is None or all_of_them is None or not math.isfinite(mean - all_of_them):
            return "–"
        text = self._number(mean - all_of_them)
        sign = "+" if mean > all_of_them else ""
        return f"{ {'above': '▲ ', 'below': '▼ '}.get(side, '') }{sign}{text}"

    def _picture(self, mean: float | None, interval: Interval | None) -> dict[str, Any] | None:
        """Return the interval as a line, which ends in a cap unless the picture cuts it off."""
        axis = self._axis
        if axis is None or mean is None or not math.isfinite(mean):
            return None
        line = ""
        if interval is not None:
            low, high = axis.across(interval.low), axis.across(interval.high)
            left = f"M{low} 6v8" if interval.low >= axis.low else ""
            right = f"M{high} 6v8" if interval.high <= axis.high else ""
            line = f"M{low} 10H{high}{left}{right}"
        return {"line": line, "dot": f"M{axis.across(mean)} 10h0"}


# ------------------------------------------------------------------------------------- worst rows


class WorstView:
    """The rows with the highest losses, and what columns say of them."""

    def __init__(self, worst: Sequence[WorstRow], number: Digits, several: bool) -> None:
        self._worst, self._number, self._several = worst, number, several
        self._names = list(dict.fromkeys(name for row in worst for name in row.columns))

    @property
    def titles(self) -> list[Cell]:
        """Titles of the columns, each with the side that its values are on."""
        named = [Cell(shortened(name), self._kind(name)) for name in self._names]
        return [
            Cell("loss"), Cell("row"), *([Cell("file", "text")] if self._several else []), *named
        ]  # fmt: skip

    @property
    def lines(self) -> Iterator[list[Cell]]:
        """Yield the cells of each row."""
        for worst in self._worst:
            source, row = (None, None) if worst.row is None else worst.row
            yield [
                Cell(self._number(worst.loss)),
                Cell("–" if row is None else shortened(row)),
                *([Cell(shortened(source or "–"), "text")] if self._several else []),
                *(
                    Cell(_shown_value(worst.columns.get(name)), self._kind(name))
                    for name in self._names
                ),
            ]

    def _kind(self, name: str) -> str:
        values = [worst.columns.get(name) for worst in self._worst]
        return "" if all(value is None or isinstance(value, Real) for value in values) else "text"


def _shown_value(value: Any) -> str:
    if value is None:
        return "(missing)"
    return signed(f"{value:.6g}") if isinstance(value, float) else shortened(value)


# -------------------------------------------------------------------------------- notes and origin


def _notes(result: EvaluationResult, most: int) -> Iterator[str]:
    for note in notes(result, most):
        if note:
            yield shortened(note.strip(), _LONG)
    for loss in result.losses.values():
        total = loss.total
        if total.nan:
            first = "" if total.first_nan is None else f", first in {shown_row(total.first_nan)}"
            yield (
                f"{shortened(loss.name)} is NaN for {whole(total.nan)} of {whole(total.count)} "
                f"examples{first}: so are its sum and mean; quantiles describe the others"
            )
    parts = _parts(result) or "rows"
    yield (
        "An interval reaches as many standard errors to each side of the mean as Student's "
        f"distribution says, 1.96 for many rows. It takes the {parts} as independent."
    )


def _made(
    result: EvaluationResult, made: Mapping[str, str | Sequence[str]]
) -> Iterator[tuple[str, list[str]]]:
    """Yield what the report was made from, each under its name."""
    for name, value in made.items():
        several = [value] if isinstance(value, str) else list(value)
        shown = [shortened(text, _LONGEST) for text in several[:_MOST_FILES]]
        if len(several) > _MOST_FILES:
            shown.append(f"and {whole(len(several) - _MOST_FILES)} more")
        yield shortened(name), shown
    yield "rows", [whole(result.rows)]
    yield "numloss", [numloss.__version__]
    yield "instruction set", [numloss.show_config(mode="dict")["isa"]]
