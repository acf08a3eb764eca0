"""What an evaluation found: numbers for programs, tables for people."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from numloss._core import EvaluationState
from numloss.evaluation.groups import Key, sortable
from numloss.evaluation.specs import LossSpec
from numloss.evaluation.tables import Table, printable, table
from numloss.evaluation.uncertainty import Errors, Parts, below_upper_end, student_quantile

if TYPE_CHECKING:
    from numloss.evaluation.calibration import Calibration, Ranking
    from numloss.evaluation.comparison import Comparison

# Groups shown in a table; files have all of them.
_SHOWN_GROUPS = 50
# Probabilities of the quantiles that a picture of all losses is made of: more where it bends.
_CURVE = (*(i / 50 for i in range(46)), *(i / 100 for i in range(91, 100)),
          0.992, 0.995, 0.998, 0.999, 1.0)  # fmt: skip


class Row(NamedTuple):
    """A row: its number within a source, or its id."""

    source: str | None
    row: int | str


class WorstRow(NamedTuple):
    """A row among those with the highest losses."""

    loss: float
    row: Row | None
    #: What the row says in the columns that were asked for.
    columns: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True)
class Statistics:
    """What there is to say about the losses of a group; None where there is nothing to say.

    Attributes
    ----------
    count : int
        Examples that count, NaN among them.
    ignored : int
        Examples that do not count: their label is ``ignore_index`` or their weight 0.
    nan : int
        Examples whose loss is NaN.
    weight : float
        Sum of their weights; their count where there are none.
    sum : float
        Exact sum of weight times loss, rounded once.
    mean : float or None
        sum / weight, from the exact sums, rounded once.
    standard_error : float or None
        Of the mean: sqrt(sum w² (loss - mean)² · n / (n - 1)) / sum w, for examples that are
        independent. Where the evaluation has clusters or resamples, a jackknife of those.
    minimum, maximum : float or None
        Of the losses but NaN.
    maximum_row : Row or None
        The first row that has the maximum.
    quantiles : dict of float to float or None
        Quantiles of the losses by their probability, interpolated as `numpy.quantile` does.
    quantile_relative_error : float
        How far a quantile may be off, relative to its value; 0 where they are exact.
    first_nan : Row or None
        The first row whose loss is NaN.
    clusters : int or None
        How many clusters the standard error is from, where the evaluation has some.
    buckets : int or None
        How many buckets it is from, where the evaluation resamples.
    """

    count: int
    ignored: int
    nan: int
    weight: float
    sum: float
    mean: float | None
    standard_error: float | None
    minimum: float | None
    maximum: float | None
    maximum_row: Row | None
    quantiles: Mapping[float, float | None]
    quantile_relative_error: float
    first_nan: Row | None
    clusters: int | None = None
    buckets: int | None = None

    @property
    def median(self) -> float | None:
        """The quantile 0.5, if it was asked for."""
        return self.quantiles.get(0.5)

    @property
    def p95(self) -> float | None:
        """The quantile 0.95, if it was asked for."""
        return self.quantiles.get(0.95)

    @property
    def p99(self) -> float | None:
        """The quantile 0.99, if it was asked for."""
        return self.quantiles.get(0.99)

    @property
    def exact_quantiles(self) -> bool:
        """Whether quantiles are exact."""
        return self.quantile_relative_error == 0.0

    @property
    def parts(self) -> int:
        """How many independent parts the standard error is from: examples, clusters or buckets."""
        known = (self.clusters, self.buckets, self.count)
        return next(number for number in known if number is not None)

    def confidence_interval(self, level: float = 0.95) -> tuple[float, float] | None:
        """Return an interval that holds the true mean with a probability of about `level`.

        It is mean ± t · standard_error, with the quantile t of Student's distribution for one
        degree of freedom less than there are examples, clusters or buckets. They must be
        independent; with fewer than some fifty, skewed losses need a wider interval.
        """
        if not 0 < level < 1:
            raise ValueError(f"level must lie between 0 and 1, got {level}")
        if self.mean is None or self.standard_error is None:
            return None
        half = student_quantile(below_upper_end(level), self.parts - 1) * self.standard_error
        return self.mean - half, self.mean + half

    def to_dict(self, confidence: float | None = None) -> dict[str, Any]:
        """Return the numbers by name, as JSON can hold them but for NaN and infinity."""
        low, high = (confidence and self.confidence_interval(confidence)) or (None, None)
        row, source = _place(self.maximum_row)
        return {
            "count": self.count, "ignored": self.ignored, "nan": self.nan, "weight": self.weight,
            "sum": self.sum, "mean": self.mean, "standard_error": self.standard_error,
            **({} if confidence is None else {"interval_low": low, "interval_high": high}),
            "minimum": self.minimum,
            **{quantile_name(p): value for p, value in self.quantiles.items()},
            "maximum": self.maximum, "maximum_row": row,
            **({} if source is None else {"maximum_file": source}),
            "quantile_relative_error": self.quantile_relative_error,
            **({} if self.clusters is None else {"clusters": self.clusters}),
            **({} if self.buckets is None else {"buckets": self.buckets}),
        }  # fmt: skip


def quantile_name(probability: float) -> str:
    """Name a quantile: ``median``, ``p95``, ``p99.9``."""
    return "median" if probability == 0.5 else f"p{probability * 100:.12g}"


def _place(row: Row | None) -> tuple[int | str | None, str | None]:
    return (None, None) if row is None else (row.row, row.source)


class _Asked:
    """Asks a state for what it has about groups, which are named by their places in an order."""

    def __init__(
        self, state: EvaluationState, loss: int, by: int, probabilities: tuple[float, ...],
        order: Order, parts: Parts | None,
    ) -> None:  # fmt: skip
        self._state, self._loss, self._by = state, loss, by
        self._probabilities = probabilities
        self._order = order.groups
        self._keys = order.known_keys
        self._kind = "" if parts is None else parts.kind
        # In the order of the groups.
        self._errors = None if parts is None else parts.of_groups(loss).at(order.places)

    def __len__(self) -> int:
        return len(self._order)

    def keys(self, places: Sequence[int] | None = None) -> list[Any]:
        """Return the keys of some groups, or all."""
        if self._keys is not None:
            return self._keys if places is None else [self._keys[place] for place in places]
        return _keys_of(self._state, self._by, self._some(places))

    def columns(self, places: Sequence[int] | None = None) -> dict[str, Any]:
        """Return the statistics of some groups, or all."""
        groups = self._some(places)
        found = self._state.summary(self._loss, self._probabilities, groups=groups)
        errors = self._errors
        if errors is not None and places is not None:
            errors = errors.at(places)
        return {**found, "kept": self._state.quantiles, **_columns(errors, self._kind)}

    def means(self) -> npt.NDArray[np.float64]:
        """Return the means of all groups, for a part of the time that all statistics take."""
        return self._state.means(self._loss, self._order)

    def _some(self, places: Sequence[int] | None) -> npt.NDArray[np.int32]:
        return self._order if places is None else self._order[list(places)]


def _columns(errors: Errors | None, kind: str) -> dict[str, Any]:
    """Return the columns that errors of clusters or buckets replace, and add."""
    return {} if errors is None else {"standard_error": errors.standard_error, kind: errors.parts}


class GroupStatistics:
    """The statistics of each group, in the order of the groups.

    Iterating gives pairs of a key and its `Statistics`; with several columns a key is a tuple. Text
    is in the order of people: ``fold2`` before ``fold10``. What is missing (None) comes last.
    """

    def __init__(
        self, asked: _Asked | None, probabilities: tuple[float, ...],
        row_named: Callable[[int], Row | None],
    ) -> None:  # fmt: skip
        self._asked = asked  # until all that it would say is here
        self._size = 0 if asked is None else len(asked)
        self._columns: dict[str, Any] = {}
        self._keys: list[Any] = []
        self._probabilities = probabilities
        self._row_named = row_named

    def __len__(self) -> int:
        """Return the number of groups."""
        return self._size

    def __iter__(self) -> Iterator[tuple[Any, Statistics]]:
        """Yield keys and statistics."""
        self._complete()
        return self.some(range(self._size))

    def _complete(self) -> None:
        """Compute everything, for which the state is no longer needed then."""
        if self._asked is not None:
            self._columns, self._keys = self._asked.columns(), self._asked.keys()
            self._asked = None

    def keys(self) -> list[Any]:
        """Return the keys of all groups, in their order."""
        if self._asked is not None and not self._keys:
            self._keys = self._asked.keys()
        return self._keys

    def __getitem__(self, key: Any) -> Statistics:
        """Return the statistics of a group."""
        return self.at(self._places[key])

    @cached_property
    def _places(self) -> dict[Any, int]:
        return {key: index for index, key in enumerate(self.keys())}

    def at(self, index: int) -> Statistics:
        """Return the statistics of the group at a place in the order."""
        if self._asked is not None:
            return statistics_of(
                self._asked.columns([index]), 0, self._probabilities, self._row_named
            )
        return statistics_of(self._columns, index, self._probabilities, self._row_named)

    def some(self, places: Sequence[int]) -> Iterator[tuple[Any, Statistics]]:
        """Yield the keys and statistics of the groups at some places in the order."""
        if self._asked is None:
            keys, columns = [self._keys[place] for place in places], self._columns
            rows: Sequence[int] = places
        else:
            keys, columns = self._asked.keys(places), self._asked.columns(places)
            rows = range(len(places))
        for key, row in zip(keys, rows, strict=True):
            yield key, statistics_of(columns, row, self._probabilities, self._row_named)

    @cached_property
    def means(self) -> npt.NDArray[np.float64]:
        """The mean of each group, or NaN."""
        if self._asked is not None:
            return self._asked.means()
        means: npt.NDArray[np.float64] = self._columns["mean"]
        return means

    def worst(self, most: int, higher_is_better: bool) -> Iterator[tuple[Any, Statistics]]:
        """Yield at most so many groups, the worst mean first: NaN before, nothing behind it."""
        yield from self.some(self.ranked(higher_is_better)[:most])

    def ranked(self, higher_is_better: bool) -> list[int]:
        """Return the places of all groups in that order."""
        means = self.means
        unknown = np.flatnonzero(np.isnan(means))
        if self._asked is None:
            counts = self._columns["count"][unknown]
        else:
            counts = self._asked.columns(unknown.tolist())["count"]
        kinds = np.zeros(len(means), np.int8)
        kinds[unknown] = np.where(counts > 0, -1, 1)
        ranks = means if higher_is_better else -means
        places: list[int] = np.lexsort((ranks, kinds)).tolist()
        return places

    def column(self, name: str) -> npt.NDArray[Any]:
        """Return one statistic of all groups as an array: ``count``, ``mean``, ``p95``, ..."""
        self._complete()
        for i, p in enumerate(self._probabilities):
            if name == quantile_name(p):
                values: npt.NDArray[Any] = self._columns["quantiles"][:, i]
                return values
        values = self._columns[name]
        if name in ("minimum", "maximum"):
            known = self._columns["count"] > self._columns["nan"]
            values = np.where(known, values, np.nan)
        return values


def statistics_of(
    columns: Mapping[str, Any], index: int, probabilities: tuple[float, ...],
    row_named: Callable[[int], Row | None],
) -> Statistics:  # fmt: skip
    """Return what columns say in one row; None where there is nothing to say."""
    count, nan = int(columns["count"][index]), int(columns["nan"][index])
    known = count > nan
    weight = float(columns["weight"][index])
    quantiles = columns["quantiles"]
    clusters, buckets = (
        int(columns[kind][index]) if kind in columns else None for kind in ("clusters", "buckets")
    )
    parts = buckets if clusters is None else clusters
    parts = count if parts is None else parts
    return Statistics(
        count,
        int(columns["ignored"][index]),
        nan,
        weight,
        float(columns["sum"][index]),
        float(columns["mean"][index]) if count and weight else None,
        float(columns["standard_error"][index]) if parts > 1 and weight else None,
        float(columns["minimum"][index]) if known else None,
        float(columns["maximum"][index]) if known else None,
        row_named(int(columns["maximum_row"][index])) if known else None,
        {
            p: float(quantiles[index, i]) if known and columns["kept"] else None
            for i, p in enumerate(probabilities)
        },
        0.0 if columns["exact"][index] else 0.5 / columns["bins_per_octave"],
        row_named(int(columns["first_nan"][index])) if nan else None,
        clusters,
        buckets,
    )


class LossResult:
    """The statistics of one loss: of all rows, and of each group.

    ``curve`` has some sixty quantiles of all rows by their probability, from 0 to 1, for a picture;
    it is empty where there is nothing to draw.
    """

    def __init__(
        self,
        name: str,
        spec: LossSpec,
        total: Statistics,
        groups: GroupStatistics,
        worst: list[WorstRow],
        confidence: float | None = None,
        curve: Mapping[float, float] = MappingProxyType({}),
    ) -> None:
        self.confidence = confidence
        self.name = name
        self.spec = spec
        self.total = total
        self.groups = groups
        self.worst = worst
        self.curve = curve

    @property
    def options(self) -> Mapping[str, Any]:
        """Options of the loss."""
        return self.spec.options

    @property
    def perplexity(self) -> float | None:
        """exp(mean), where the loss is the negative log-likelihood of labels, in nats."""
        mean = self.total.mean
        if mean is None or not self.spec.is_likelihood:
            return None
        return math.exp(mean) if mean < 709 else math.inf

    @property
    def bits(self) -> float | None:
        """Mean / log 2: bits per label, or token, where the loss is its negative log-likelihood."""
        mean = self.total.mean
        return mean / math.log(2) if mean is not None and self.spec.is_likelihood else None

    def to_dict(self) -> dict[str, Any]:
        """Return all numbers by name."""
        described = self.spec.described()
        likelihood = {"perplexity": self.perplexity, "bits": self.bits}
        return {
            "name": self.name, "loss": described[0], "options": described[1],
            **(likelihood if self.spec.is_likelihood else {}),
            "all": self.total.to_dict(self.confidence),
            "worst": [
                {
                    "loss": worst.loss, "row": row, **({} if source is None else {"file": source}),
                    **({"columns": dict(worst.columns)} if worst.columns else {}),
                }
                for worst in self.worst
                for row, source in [_place(worst.row)]
            ],
        }  # fmt: skip

    def __repr__(self) -> str:
        """Return the mean in a line."""
        return f"<{self.name}: mean {self.total.mean} of {self.total.count}>"


class EvaluationResult:
    """The statistics of every loss, by its name: ``result["mse"].total.mean``.

    ``str`` shows tables; `to_dict`, `to_pandas`, `to_polars` and `to_arrow` give all numbers, and
    `to_html` a page with pictures.

    Attributes
    ----------
    rows : int
        Rows that were taken in.
    by : tuple of str
        Columns that group them.
    losses : dict of str to LossResult
        What was found of each loss.
    skipped : int
        Rows that something was wrong with, where files were read with ``on_error="skip"``.
    skips : sequence of tuple
        The first of them: source, row, and what is wrong.
    confidence : float, optional
        The level of the intervals of means that tables and `to_dict` have.
    comparisons : mapping of str to Comparison
        For each loss how another model does beside the first, where there is one.
    calibration, other_calibration : Calibration, optional
        Whether probabilities can be trusted, of the first model and of the other.
    ranking, other_ranking : Ranking, optional
        How well scores rank positive examples above negative ones.

    Examples
    --------
    >>> import numpy as np
    >>> import numloss
    >>> evaluation = numloss.Evaluation("mae")
    >>> evaluation.update(np.array([1.0, 4.0]), np.zeros(2))
    >>> result = evaluation.result()
    >>> print(result)
    2 rows
    <BLANKLINE>
    mae
    count  mean  sum  std. error  minimum  median   p95   p99  maximum  ignored
        2   2.5    5         1.5        1     2.5  3.85  3.97        4        0
    >>> result["mae"].total.maximum_row.row
    1
    """

    def __init__(
        self,
        rows: int,
        by: tuple[str, ...],
        losses: dict[str, LossResult],
        skipped: int = 0,
        skips: Sequence[tuple[str, int, str]] = (),
        confidence: float | None = None,
        comparisons: Mapping[str, Comparison] = MappingProxyType({}),
        calibrations: Sequence[Calibration] = (),
        rankings: Sequence[Ranking] = (),
    ) -> None:
        self.calibration, self.other_calibration = (*calibrations, None, None)[:2]
        self.ranking, self.other_ranking = (*rankings, None, None)[:2]
        self.confidence = confidence
        self.comparisons = comparisons
        self.rows = rows
        self.by = by
        self.losses = losses
        self.skipped = skipped
        self.skips = skips

    def __getitem__(self, name: str) -> LossResult:
        """Return what was found of a loss."""
        return self.losses[name]

    def __iter__(self) -> Iterator[str]:
        """Yield the names of the losses."""
        return iter(self.losses)

    def __len__(self) -> int:
        """Return the number of losses."""
        return len(self.losses)

    def to_dict(self) -> dict[str, Any]:
        """Return all numbers as dictionaries and lists; NaN and infinity are floats here."""
        return {
            "rows": self.rows,
            "skipped": self.skipped,
            "skips": [
                {"file": source, "row": row, "problem": problem}
                for source, row, problem in self.skips
            ],
            "by": list(self.by),
            **{name: found.to_dict(self.by) for name, found in self.forecasts().items()},
            **({} if self.confidence is None else {"confidence": self.confidence}),
            "losses": [
                {
                    **loss.to_dict(),
                    **({"groups": list(self._group_dicts(loss))} if self.by else {}),
                    **(
                        {"comparison": self.comparisons[name].to_dict(self.by)}
                        if name in self.comparisons
                        else {}
                    ),
                }
                for name, loss in self.losses.items()
            ],
        }

    def forecasts(self) -> dict[str, Calibration | Ranking]:
        """Return what is known of probabilities and scores, by name."""
        named = {
            "calibration": self.calibration, "other_calibration": self.other_calibration,
            "ranking": self.ranking, "other_ranking": self.other_ranking,
        }  # fmt: skip
        return {name: found for name, found in named.items() if found is not None}

    def model_of(self, name: str) -> str | None:
        """Return what the model is called of one of the `forecasts`, where there are two."""
        for comparison in self.comparisons.values():
            return comparison.other if name.startswith("other_") else comparison.first
        return None

    def _group_dicts(self, loss: LossResult) -> Iterator[dict[str, Any]]:
        for key, statistics in loss.groups:
            found = statistics.to_dict(self.confidence)
            yield {"group": list(key) if len(self.by) > 1 else key, **found}

    def columns(self) -> dict[str, list[Any]]:
        """Return a table with a row for each loss and group, and one for all groups together."""
        records: list[dict[str, Any]] = []
        for loss in self.losses.values():
            for key, statistics in [*(loss.groups if self.by else []), (None, loss.total)]:
                keys = (key if len(self.by) > 1 else (key,)) if key is not None else ()
                named = dict(zip(self.by, keys, strict=False))
                whole = statistics is loss.total
                records.append(
                    {
                        "loss": loss.name,
                        **({"all": whole} if self.by else {}),
                        **{name: named.get(name) for name in self.by},
                        "maximum_file": None,
                        **statistics.to_dict(self.confidence),
                    }
                )
        names = list(records[0]) if records else []
        return {name: [record[name] for record in records] for name in names}

    def to_pandas(self) -> Any:
        """Return `columns` as a data frame of pandas."""
        pandas: Any = import_module("pandas")
        return pandas.DataFrame(self.columns())

    def to_polars(self) -> Any:
        """Return `columns` as a data frame of polars."""
        polars: Any = import_module("polars")
        return polars.DataFrame(self.columns(), strict=False)

    def to_arrow(self) -> Any:
        """Return `columns` as a table of Arrow."""
        pyarrow: Any = import_module("pyarrow")
        return pyarrow.table(self.columns())

    def to_html(
        self,
        title: str = "Evaluation",
        *,
        made: Mapping[str, str | Sequence[str]] = MappingProxyType({}),
        worst: int = 10,
    ) -> str:
        """Return a report as one page of HTML, which runs no script and loads nothing.

        It needs jinja2 (``pip install numloss[report]``). Of each loss it shows mean and interval,
        the quantiles as a picture, the 200 groups with the worst means (fewer where there are
        more than three losses), and rows with the highest losses. The same result gives the same
        page.

        Parameters
        ----------
        title : str
            What the page is headed with.
        made : mapping of str to str, or to a sequence of str
            What stands under "How it was made" beside rows, version and instruction set: a date,
            the files, the name of a model.
        worst : int, default 10
            How many rows with the highest losses to show, at most 100.

        Raises
        ------
        UsageError
            If jinja2 is missing.

        Examples
        --------
        >>> import numpy as np
        >>> import numloss
        >>> evaluation = numloss.Evaluation("mae")
        >>> evaluation.update(np.array([1.0, 4.0]), np.zeros(2))
        >>> page = evaluation.result().to_html("Model 7", made={"date": "2026-11-30"})
        >>> page.startswith("<!doctype html>")
        True
        """
        from numloss.evaluation.page import write_html

        return write_html(self, title, made, worst)

    def __str__(self) -> str:
        """Return the tables."""
        lines = [f"{self.rows} rows{', by ' + ', '.join(self.by) if self.by else ''}"]
        for loss in self.losses.values():
            lines += ["", printable(loss.name), *loss_table(loss, self.by)]
        more = [line for table in self.further_tables() for line in table.lines()]
        return "\n".join([*lines, *more, *notes(self)])

    def further_tables(self) -> Iterator[Table]:
        """Yield tables of another model beside the first, of calibration and of ranking."""
        for name, comparison in self.comparisons.items():
            title = f"{name}: {comparison.other} compared with {comparison.first}"
            titles, rows, note = comparison.cells(self.losses[name], self.by)
            yield Table(title, titles, rows, len(self.by), note)
        for name, found in self.forecasts().items():
            title, model = name.replace("other_", ""), self.model_of(name)
            yield from found.tables(title if model is None else f"{title} of {model}", self.by)

    def __repr__(self) -> str:
        """Return losses and rows in a line."""
        return f"<EvaluationResult of {', '.join(self.losses)}: {self.rows} rows>"

    def _repr_html_(self) -> str:
        import html  # which few need

        parts = [f"<p>{html.escape(str(self).partition(chr(10))[0])}</p>"]
        for loss in self.losses.values():
            titles, rows = cells(loss, self.by)
            head = "".join(f"<th>{html.escape(title)}</th>" for title in titles)
            body = "".join(
                "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>"
                for row in rows
            )
            caption = f"<caption>{html.escape(printable(loss.name))}</caption>"
            parts.append(f"<table>{caption}<tr>{head}</tr>{body}</table>")
        parts += [f"<p>{html.escape(note)}</p>" for note in notes(self) if note]
        return "".join(parts)


def result_of(
    state: EvaluationState,
    losses: Mapping[str, LossSpec],
    by: tuple[str, ...],
    probabilities: tuple[float, ...],
    row_named: Callable[[int], Row | None],
    lazily: bool = False,
    confidence: float | None = None,
    order: Order | None = None,
    parts: Parts | None = None,
) -> list[LossResult]:
    """Compute what a state says; of groups what is asked for, if the state stays as it is."""
    found = []
    for index, (name, spec) in enumerate(losses.items()):
        summed = {
            **state.summary(index, (*probabilities, *_CURVE), total=True), "kept": state.quantiles,
            **({} if parts is None else _columns(parts.of_all(index), parts.kind)),
        }  # fmt: skip
        total = statistics_of(summed, 0, probabilities, row_named)
        points = summed["quantiles"][0, len(probabilities) :].tolist()
        drawn = state.quantiles and total.maximum is not None
        curve = dict(zip(_CURVE, points, strict=True)) if drawn else {}
        asked = None
        if order is not None:
            asked = _Asked(state, index, len(by), probabilities, order, parts)
        groups = GroupStatistics(asked, probabilities, row_named)
        if not lazily:
            groups._complete()
        worst = [WorstRow(loss, row_named(row)) for loss, row in state.worst(index)]
        found.append(LossResult(name, spec, total, groups, worst, confidence, curve))
    return found


def _keys_of(state: EvaluationState, by: int, groups: npt.NDArray[np.int32]) -> list[Any]:
    columns: list[list[Key]] = [state.keys_of_groups(column, groups) for column in range(by)]
    return columns[0] if by == 1 else list(zip(*columns, strict=True))


class Order:
    """The groups in the order of people.

    Attributes
    ----------
    groups : ndarray
        The number of each group in the state.
    places : ndarray
        Its place in the state's own order, that of the keys.
    known_keys : list, optional
        The keys, where they were needed to sort.
    """

    def __init__(self, state: EvaluationState, by: int) -> None:
        self._state, self._by = state, by
        groups, places, keys = _ordered(state, by)
        self.groups: npt.NDArray[np.int32] = groups
        self.places: npt.NDArray[np.int64] = places
        self.known_keys: list[Any] | None = keys

    @cached_property
    def keys(self) -> list[Any]:
        """The key of each group."""
        if self.known_keys is not None:
            return self.known_keys
        return _keys_of(self._state, self._by, self.groups)


def _ordered(
    state: EvaluationState, by: int
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int64], list[Any] | None]:
    """Return groups, their places and keys; the keys only if the order is not that of C++."""
    order = state.order()
    if all(state.kind_of_keys(column) != "text" for column in range(by)):
        return order, np.arange(len(order)), None
    columns: list[list[Key]] = [state.keys_of_groups(column, order) for column in range(by)]
    keys: list[Any] = columns[0] if by == 1 else list(zip(*columns, strict=True))
    ranked = sorted(
        range(len(keys)), key=lambda i: tuple(sortable(column[i]) for column in columns)
    )
    return order[ranked], np.array(ranked, np.int64), [keys[i] for i in ranked]


# ---------------------------------------------------------------------------------------- tables

_TITLES = {
    "count": "count", "mean": "mean", "sum": "sum", "standard_error": "std. error",
    "clusters": "clusters", "buckets": "buckets", "interval_low": "{} from", "interval_high": "to",
    "minimum": "minimum", "median": "median", "p95": "p95", "p99": "p99", "maximum": "maximum",
    "ignored": "ignored",
}  # fmt: skip


def loss_table(loss: LossResult, by: tuple[str, ...], most: int = _SHOWN_GROUPS) -> list[str]:
    """Return the lines of a loss's table; of more groups, those with the worst means."""
    titles, rows = cells(loss, by, most)
    return table([printable(title) for title in titles], rows, left=len(by))


def cells(
    loss: LossResult, by: tuple[str, ...], most: int = _SHOWN_GROUPS
) -> tuple[list[str], list[list[str]]]:
    """Return the titles and rows of a loss's table."""
    total = loss.total
    parts = [name for name in ("clusters", "buckets") if getattr(total, name) is not None]
    interval = [] if loss.confidence is None else ["interval_low", "interval_high"]
    names = [
        *list(_TITLES)[:4], *parts, *interval, "minimum", *map(quantile_name, total.quantiles),
        "maximum", "ignored",
    ]  # fmt: skip
    level = "" if loss.confidence is None else f"{100 * loss.confidence:.12g}%"
    titles = [_TITLES.get(name, name).format(level) for name in names]
    titles += ["NaN"] if total.nan else []
    rows = []
    for key, statistics in _shown_groups(loss, most):
        keys = key if len(by) > 1 else (key,)
        rows.append([*map(shown_key, keys), *_numbers(statistics, names, loss)])
    if by:
        rest = len(loss.groups) - len(rows)
        last = "all" if not rest else f"all {len(loss.groups)} groups"
        rows.append([last, *[""] * (len(by) - 1), *_numbers(total, names, loss)])
    else:
        rows.append(_numbers(total, names, loss))
    return [*by, *titles], rows


def _shown_groups(loss: LossResult, most: int) -> Iterator[tuple[Any, Statistics]]:
    """Yield all groups, or those with the worst means, in their order."""
    groups = loss.groups
    if len(groups) <= most:
        yield from groups
        return
    means = groups.means
    sign = 1 if loss.spec.higher_is_better else -1
    ranks = np.where(np.isnan(means), -np.inf, sign * means)
    highest = np.sort(np.argpartition(ranks, most)[:most])
    ranked = highest[np.argsort(ranks[highest], kind="stable")]
    yield from groups.some(ranked.tolist())


def shown_key(key: Key) -> str:
    """Show the value of a group."""
    return "(missing)" if key is None else printable(key)


def _numbers(statistics: Statistics, names: Sequence[str], loss: LossResult) -> list[str]:
    values = statistics.to_dict(loss.confidence)
    approximate = not statistics.exact_quantiles
    quantiles = {quantile_name(p) for p in statistics.quantiles}
    shown = [
        shown_number(values[name], "~" if approximate and name in quantiles else "")
        for name in names
    ]
    return [*shown, *([str(statistics.nan)] if loss.total.nan else [])]


def shown_number(value: float | None, mark: str = "") -> str:
    """Show a number in six digits."""
    if value is None:
        return "-"
    return mark + (str(value) if isinstance(value, int) else f"{value:.6g}")


def notes(result: EvaluationResult, most: int = _SHOWN_GROUPS) -> list[str]:
    """Return what the reader should know about the numbers, a line each."""
    lines = []
    if result.skipped:
        were = "row was" if result.skipped == 1 else "rows were"
        lines.append(f"{result.skipped} {were} skipped, first:")
        lines += [f"  {printable(problem)}" for _, _, problem in result.skips[:3]]
    for loss in result.losses.values():
        if len(loss.groups) > most:
            lines.append(
                f"the {most} groups with the worst means of {len(loss.groups)} are "
                "shown: JSON has all"
            )
            break
    for loss in result.losses.values():
        if loss.perplexity is not None:
            lines.append(
                f"{printable(loss.name)}: perplexity {shown_number(loss.perplexity)}, "
                f"{shown_number(loss.bits)} bits"
            )
    errors = {
        statistics.quantile_relative_error
        for loss in result.losses.values()
        for statistics in [loss.total, *(s for _, s in _shown_groups(loss, most))]
    } - {0.0}
    if errors:
        lines.append(f"~ approximate: within {max(errors):.1%} of the value")
    if any(loss.total.maximum == math.inf for loss in result.losses.values()):
        lines.append("a loss is infinite, and so are the quantiles that reach it")
    return ["", *lines] if lines else []
