"""`numloss.Evaluation`: statistics of losses over any number of batches, files and machines."""

from __future__ import annotations

import json
import operator
import struct
import zlib
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from numloss._core import EvaluationState, Loss, bins_of, buckets_of_rows, split_by_outcome
from numloss.evaluation.comparison import VALUES, Comparison, paired, value_names
from numloss.evaluation.examples import Examples, examples_of
from numloss.evaluation.groups import Codes, GroupError, codes_of, integers_of
from numloss.evaluation.identities import (
    MOST_GROUPS,
    Identities,
    number_of,
    of_numbers,
    of_text,
)
from numloss.evaluation.kept import Kept
from numloss.evaluation.ranges import Ranges, add_range, end_of
from numloss.evaluation.result import EvaluationResult, Order, Row, result_of
from numloss.evaluation.specs import LossLike, LossSpec, specs_of
from numloss.evaluation.subgroups import Subgroups
from numloss.evaluation.uncertainty import BUCKETS, Parts
from numloss.evaluation.wording import in_python

if TYPE_CHECKING:
    from numloss.evaluation.calibration import Calibration, Ranking

_MAGIC = b"numloss\0"
_VERSION = 2
_HEAD = struct.Struct("<8sIQ")  # magic, version, bytes of the description
_CHECK = struct.Struct("<I")  # of all before it

# A row is source << 44 | place, as csrc/evaluation/groups.hpp has it.
_ROW_BITS = 44
_UNNAMED = (1 << 20) - 1  # the source of batches that name none
NO_ROW = (1 << 64) - 1
# Rows with something wrong that are named.
_MOST_SKIPS = 10


class _Addition(NamedTuple):
    """Values that a state will take in."""

    state: EvaluationState
    value: int  # its place in the state
    codes: Codes | None  # of the groups of the examples
    examples: Examples
    identities: Identities | None = None
    first_row: int | None = None


class StateError(ValueError):
    """Bytes that are no state of an evaluation, or states that do not belong together.

    Examples
    --------
    >>> import numloss
    >>> numloss.Evaluation.from_bytes(b"something else altogether")
    Traceback (most recent call last):
        ...
    numloss.evaluation.evaluation.StateError: not a state of numloss
    """


def names_of_columns(groups: Any) -> list[Any] | None:
    """Return the names of the columns of a mapping or data frame, or None of anything else."""
    if isinstance(groups, Mapping):
        return list(groups)
    names = getattr(groups, "column_names", getattr(groups, "columns", None))
    return None if names is None else list(names)


class Evaluation:
    """Statistics of losses, gathered batch by batch.

    What comes out depends on the rows alone: sums are exact, and any cutting into batches, threads,
    files or machines gives the same bits.

    Parameters
    ----------
    losses : loss, name, or a sequence or mapping of them
        What to compute. A loss is given as an object, by its name (``"mse"``), as text with options
        (``"huber:delta=0.5"``), or as a pair ``(loss, options)``. A mapping names them.
    by : str or sequence of str, optional
        Names of the columns that group the rows; `update` takes a value of each for every row.
    quantiles : bool, default True
        Whether to keep what quantiles need: each value of a group while it has few, then a
        histogram.
    worst : int, default 10
        How many rows with the highest losses to remember.
    compare : pair of str, optional
        What two models are called whose predictions `update` takes: the first's, and as `other` the
        other's. The result then also has their differences, row by row, and the rows won.
    cluster : str, optional
        What ties rows together that are not independent, such as ``"user"`` or ``"document"``;
        `update` takes a value of it for each row, as `clusters`. Standard errors and intervals are
        then those of independent clusters. The state grows with the number of clusters.
    resample : bool, default False
        Whether standard errors are those of a jackknife of 1000 buckets, into which rows are hashed
        by their identity, or whole clusters by theirs. They are the same on every machine, and need
        no room for each cluster.
    calibration : bool, default False
        Whether to keep the reliability curve of the first loss whose predictions are probabilities
        of classes, or logits, and with it the expected calibration error.
    auc : bool, default False
        Whether to keep what ROC-AUC and average precision need, for two classes.

    Notes
    -----
    A quantile is exact for up to 4096 examples. Beyond, it comes from a histogram with 512 bins to
    a factor of two and is within 2**-10 of its value. With more than 1024 groups those of a group
    are exact up to 64 examples, and have 128 bins (2**-8 of the value); with more than 16 384
    groups 32 bins (2**-6), with more than 131 072 groups 8 (2**-4). All groups together keep 512.

    Examples
    --------
    >>> import numpy as np
    >>> import numloss
    >>> evaluation = numloss.Evaluation(["mse", (numloss.huber, {"delta": 0.5})], by="fold")
    >>> evaluation.update(np.array([1.0, 2.0]), np.array([1.0, 4.0]), groups=["a", "b"])
    >>> evaluation.update(np.array([3.0]), np.array([0.0]), groups=["a"])
    >>> result = evaluation.result()
    >>> result["mse"].total.mean
    4.333333333333333
    >>> {key: group.mean for key, group in result["mse"].groups}
    {'a': 4.5, 'b': 4.0}
    """

    def __init__(
        self,
        losses: LossLike | Sequence[LossLike] | Mapping[str, LossLike],
        *,
        by: str | Sequence[str] | None = None,
        quantiles: bool = True,
        worst: int = 10,
        compare: tuple[str, str] | None = None,
        cluster: str | None = None,
        resample: bool = False,
        calibration: bool = False,
        auc: bool = False,
    ) -> None:
        if not 0 <= worst <= 1_000_000:
            raise ValueError(f"worst must lie between 0 and 1000000, got {worst}")
        self._losses: dict[str, LossSpec] = specs_of(losses)
        if not self._losses:
            raise ValueError("losses must name one at least")
        self._by = () if by is None else (by,) if isinstance(by, str) else tuple(by)
        if len(set(self._by)) < len(self._by):
            raise ValueError(f"by must name each column once, got {', '.join(self._by)}")
        self._quantiles = bool(quantiles)
        self._kept = Kept(int(worst), bool(resample), bool(calibration), bool(auc))
        if cluster is not None and cluster in self._by:
            raise ValueError(
                f"cluster must be another column than those of by, got {cluster}: a group of one "
                "cluster has no standard error"
            )
        self._cluster = cluster
        self._forecast = self._forecasting_loss()
        named = compare is None or (
            not isinstance(compare, str) and len(compare) == 2 == len({*map(str, compare)})
        )
        if not named:
            raise ValueError(f"compare must name two models, got {compare!r}")
        self._compare = None if compare is None else (str(compare[0]), str(compare[1]))
        self._state = self._new_state()
        # Sums by cluster or bucket, by bin of each model's probabilities; and each model's scores.
        self._parts: Subgroups | None = None
        if cluster is not None or resample:
            self._parts = Subgroups(self._value_count, self._by, sums_alone=True)
        models = 1 if self._compare is None else 2
        self._bins = [Subgroups(2, self._by) for _ in range(models if calibration else 0)]
        self._scores = [
            EvaluationState(2, len(self._by), True, 0, ties=True)
            for _ in range(models if auc else 0)
        ]
        self._cluster_kind = "nothing"  # what they are, where only their buckets are kept
        self._rows = 0
        self._sources: list[str] = []
        self._ranges: list[Ranges] = []  # the rows of each source that are in
        # Rows of batches without a source, or None where several streams of them were merged.
        self._unnamed: int | None = 0
        self._ids: str | None = None  # what rows are called: numbers or text
        self._names: dict[int, str] = {}  # texts of the rows that a report may name
        # How files were read, where that decides what a loss is: scale, positive class, classes.
        self._reading: dict[str, Any] = {}
        self._torn: str | None = None  # what ended an update half-way
        self._skipped = 0
        self._skips: list[
            tuple[str, int, str]
        ] = []  # the first of them: source, row, what is wrong

    def _new_state(self) -> EvaluationState:
        return EvaluationState(self._value_count, len(self._by), self._quantiles, self._kept.worst)

    def _forecasting_loss(self) -> int | None:
        """Return the place of the loss whose predictions are probabilities, if that is asked."""
        if not (self._kept.calibration or self._kept.auc):
            return None
        what, such = "auc", "binary_cross_entropy"
        if self._kept.calibration:
            what, such = "calibration", "cross_entropy or binary_cross_entropy"
        specs = list(self._losses.values())
        places = [place for place, spec in enumerate(specs) if spec.is_forecast]
        if not places:
            raise ValueError(
                f"{what} needs a loss of probabilities, such as {such}, got "
                f"{', '.join(self._losses)}"
            )
        if self._kept.auc and not specs[places[0]].is_binary:
            raise ValueError(
                "auc is of two classes, and needs a loss of them before others, such as "
                f"binary_cross_entropy, got {specs[places[0]].text}"
            )
        return places[0]

    def _states(self) -> list[EvaluationState]:
        """Return all that an evaluation keeps, in the order of its bytes."""
        subgroups = [*([] if self._parts is None else [self._parts]), *self._bins]
        return [self._state, *(state for one in subgroups for state in one.states), *self._scores]

    @property
    def _value_count(self) -> int:
        return len(self._losses) * self._per_loss

    @property
    def _per_loss(self) -> int:
        return 1 if self._compare is None else VALUES

    def _value_names(self) -> list[str]:
        return value_names(self._losses, self._compare)

    # ------------------------------------------------------------------------------------ update

    def update(
        self,
        prediction: Any,
        target: Any,
        *,
        weight: Any = None,
        groups: Any = None,
        ids: Any = None,
        source: str | None = None,
        other: Any = None,
        first_row: int | None = None,
        clusters: Any = None,
        **inputs: Any,
    ) -> None:
        """Take in a batch.

        Parameters
        ----------
        prediction, target : array_like
            What every loss takes; the first axis counts the rows.
        weight : array_like, optional
            A weight for each example, or what broadcasts to them.
        groups : array_like, or a mapping or sequence of them, optional
            The group of each row: for several columns of `by` an array for each, in their order or
            by name.
        ids : array_like of int or str, optional
            An identity for each row, which the report of the highest losses then shows. Without,
            rows are numbered in the order they come, for each `source`. Texts are kept for the rows
            that a report may name: the worst ones, and in each of up to 256 groups the one with the
            highest loss and the first NaN.
        source : str, optional
            Name of the file or stream that the rows come from. Rows without a source cannot be told
            apart once two evaluations that have such rows are merged: statistics stay, their row
            numbers go.
        other : array_like, optional
            The predictions of the model that is compared with the first one.
        first_row : int, optional
            Number of the batch's first row in its source. Without, rows follow on those that are
            in. With it, batches may come in any order, on any machine, and the state is the same.
        clusters : array_like, optional
            What each row belongs to, where the evaluation was given a `cluster`.
        **inputs : array_like
            What some losses take besides, such as ``variance`` or ``event``.

        Raises
        ------
        numloss.Error
            If a loss refuses the arrays. Nothing of the batch is taken in then.
        ValueError
            If groups or ids do not belong to the rows, or rows of the source are in already.
        StateError
            If an update before was ended half-way, by Ctrl-C or for want of memory.
        """
        if first_row is not None and (source is None or ids is not None or first_row < 0):
            raise ValueError("first_row counts the rows of a source from 0, without ids: name both")
        self._refuse_torn()
        ids = None if ids is None else np.asarray(ids)
        if first_row is not None:
            first_row = operator.index(first_row)
            if first_row >= 1 << _ROW_BITS - 1:
                raise ValueError(f"first_row must be below 2**{_ROW_BITS - 1}, got {first_row}")
        if (other is None) != (self._compare is None):
            raise ValueError("other holds the predictions of the model that `compare` names second")
        found: list[Examples] = []
        for place, spec in enumerate(self._losses.values()):
            forecast = place == self._forecast
            mine = examples_of(spec, prediction, target, weight, inputs, forecast)
            if other is None:
                found.append(mine)
            else:
                theirs = examples_of(spec, other, target, weight, inputs, forecast)
                found += paired(spec, mine, theirs)
        rows = found[0].rows
        for name, examples in zip(self._value_names(), found, strict=True):
            if examples.rows != rows:
                raise ValueError(f"{name} has {examples.rows} rows where others have {rows}")
        identities = self._checked_ids(ids, rows)
        columns = self._group_columns(groups, rows)
        clusters = self._checked_clusters(clusters, rows)
        if first_row is not None and source is not None:
            self._refuse_rows_that_are_in(source, first_row, first_row + rows)
            self._take_from(source, found, columns, first_row, clusters)
            return
        first = None if identities is not None else self._first_row(source)
        additions = self._additions(found, columns, clusters, first, identities, source)
        if not rows:
            return
        with self._torn_unless_whole():
            if identities is None and source is not None:
                self._source(source)
            self._add(additions, rows)
            if identities is not None:
                self._ids = "numbers" if np.asarray(ids).dtype.kind in "iu" else "text"
            if self._ids == "text" and identities is not None:
                self._keep_names(ids, identities)
            if identities is None and source is not None:
                ranges = self._ranges[self._source(source)]
                add_range(ranges, end_of(ranges), end_of(ranges) + rows)
            elif identities is None and self._unnamed is not None:
                self._unnamed += rows

    def _codes(self, groups: Sequence[Any]) -> Codes | None:
        """Give the combinations of values that group the rows numbers."""
        if not self._by:
            return None
        return self._state.combine(
            [
                codes_of(self._state, index, column, self._by[index])
                for index, column in enumerate(groups)
            ]
        )

    def _additions(
        self,
        found: Sequence[Examples],
        columns: Sequence[Any],
        clusters: Any,
        first_row: int | None,
        identities: Identities | None = None,
        source: str | None = None,
    ) -> list[_Addition]:
        """Return what goes to which state; whatever is wrong with a column is found here."""
        additions: list[_Addition] = []
        if not found[0].rows:
            return additions
        kind = self._cluster_kind
        if self._parts is not None:
            parts = clusters
            if self._kept.resample and clusters is None:
                parts = self._buckets_of_rows(found[0].rows, first_row, identities, source)
            elif self._kept.resample:
                parts, kind = self._buckets_of_clusters(clusters)
            numbers = self._parts.codes(columns, parts, self._cluster or "resample")
            for state, part_codes in zip(self._parts.states, numbers, strict=True):
                additions += [
                    _Addition(state, index, examples.spread(part_codes), examples)
                    for index, examples in enumerate(found)
                ]
        for model, subgroups in enumerate(self._bins):
            additions += self._of_bins(subgroups, self._forecasting(found, model), columns)
        for model, state in enumerate(self._scores):
            additions += self._of_scores(state, self._forecasting(found, model), columns)
        codes = self._codes(columns)
        for index, examples in enumerate(found):
            rows, first = identities, first_row
            if examples.lengths is not None and rows is None and first is not None:
                rows, first = np.arange(first, first + examples.rows, dtype=np.uint64), None
            additions.append(
                _Addition(
                    self._state, index, None if codes is None else examples.spread(codes), examples,
                    None if rows is None else examples.spread(rows), first,
                )
            )  # fmt: skip
        self._cluster_kind = kind
        return additions

    def _forecasting(self, found: Sequence[Examples], model: int) -> Examples:
        """Return the examples whose predictions a model's calibration is of."""
        assert self._forecast is not None
        return found[self._forecast * self._per_loss + model]

    def _buckets_of_clusters(self, clusters: Any) -> tuple[Codes, str]:
        """Return the bucket of each row by its cluster, and of what kind clusters are."""
        numbers = integers_of(clusters)
        if numbers is not None:  # needs no table of them
            kind, buckets = "whole numbers", buckets_of_rows(numbers.view(np.uint64), 0, BUCKETS)
        else:
            keys = EvaluationState(1, 1, False, 0)
            codes = codes_of(keys, 0, clusters, self._cluster or "")
            kind, buckets = keys.kind_of_keys(0), keys.buckets_of_keys(0, BUCKETS)[codes]
        if kind == "nothing":
            return buckets, self._cluster_kind
        if self._cluster_kind not in ("nothing", kind):  # 7 and "7" have other buckets
            raise GroupError(
                f"{self._cluster}: groups must be of one kind: they were {self._cluster_kind} "
                f"before, and are {kind} now"
            )
        return buckets, kind

    def _buckets_of_rows(
        self,
        rows: int,
        first_row: int | None,
        identities: Identities | None,
        source: str | None,
    ) -> Codes:
        """Return the bucket of each row, by what it is called."""
        if identities is not None:
            return buckets_of_rows(identities, 0, BUCKETS)
        if first_row is None:
            raise ValueError("resample needs ids, or a source: rows of merged streams have no name")
        # Numbers of sources depend on which others there are; names do not.
        place = first_row & ((1 << _ROW_BITS) - 1)
        named = np.arange(place, place + rows, dtype=np.uint64)
        return buckets_of_rows(named, zlib.crc32((source or "").encode()) << 32, BUCKETS)

    @staticmethod
    def _of_bins(
        subgroups: Subgroups, examples: Examples, columns: Sequence[Any]
    ) -> list[_Addition]:
        from numloss.evaluation.calibration import BINS

        forecasts = examples.forecasts
        assert forecasts is not None
        numbers = subgroups.codes(
            columns, bins_of(forecasts.confidence, BINS), "calibration", examples.spread
        )
        pair = [forecasts.confidence, forecasts.outcome]
        if examples.weights is not None:  # what does not count has a weight and a value of 0
            pair = [np.where(examples.weights == 0, 0, values) for values in pair]
        return [
            _Addition(state, index, codes, replace(examples, losses=values))
            for state, codes in zip(subgroups.states, numbers, strict=True)
            for index, values in enumerate(pair)
        ]

    def _of_scores(
        self, state: EvaluationState, examples: Examples, columns: Sequence[Any]
    ) -> list[_Addition]:
        forecasts = examples.forecasts
        assert forecasts is not None
        assert forecasts.score is not None
        each = [codes_of(state, i, column, self._by[i]) for i, column in enumerate(columns)]
        codes = examples.spread(state.combine(each)) if each else None
        additions = []
        kinds = split_by_outcome(forecasts.score, forecasts.outcome, examples.weights, codes)
        for index, (scores, some) in enumerate(kinds):
            additions.append(
                _Addition(state, index, some, Examples(len(scores), scores, None, False))
            )
        return additions

    def _add(self, additions: Sequence[_Addition], rows: int) -> None:
        """Take in the examples of rows."""
        for state, value, codes, examples, identities, first_row in additions:
            state.add(
                value, examples.losses, examples.weights, examples.weighted, codes, identities,
                first_row, max(len(examples.losses) // max(examples.rows, 1), 1),
            )  # fmt: skip
        self._rows += rows

    @contextmanager
    def _torn_unless_whole(self) -> Iterator[None]:
        """Note it when Ctrl-C or want of memory leaves a batch in some losses and not in others."""
        try:
            yield
        except BaseException as error:
            self._torn = type(error).__name__
            raise

    def _refuse_torn(self) -> None:
        if self._torn is not None:
            raise StateError(
                f"an update ended half-way ({self._torn}): begin anew, or from bytes kept before it"
            )

    def _take_from(
        self,
        source: str,
        found: Sequence[Examples],
        columns: Sequence[Any],
        first_row: int,
        clusters: Any = None,
    ) -> None:
        """Take in rows of a file, which say where they stand."""
        first = self._place(source) << _ROW_BITS | first_row
        additions = self._additions(found, columns, clusters, first, source=source)
        if not found[0].rows:
            return
        with self._torn_unless_whole():
            index = self._source(source)
            self._add(additions, found[0].rows)
            add_range(self._ranges[index], first_row, first_row + found[0].rows)

    def _refuse_rows_that_are_in(self, source: str, begin: int, end: int) -> None:
        if self._ids:
            raise ValueError("ids must be given for every batch, as they were before")
        ranges = self._ranges_of(source)
        if both := add_range(ranges, begin, end):
            raise ValueError(
                f"rows {both[0]} to {both[1] - 1} of {source} are in, and would count twice"
            )

    def _skip(self, source: str, row: int, problem: str) -> None:
        """Count a row that something is wrong with; it is in, and has no loss."""
        self._skipped += 1
        self._skips = sorted([*self._skips, (source, row, problem)])[:_MOST_SKIPS]
        self._source(source)
        add_range(self._ranges[self._sources.index(source)], row, row + 1)

    def _done(self) -> dict[str, Ranges]:
        """Return the rows of each source that are in."""
        return {
            name: list(ranges) for name, ranges in zip(self._sources, self._ranges, strict=True)
        }

    def _checked_ids(self, ids: Any, rows: int) -> Identities | None:
        if ids is None:
            if self._ids is not None and rows:
                raise ValueError("ids must be given for every batch, as they were before")
            return None
        values = np.asarray(ids)
        text = values.dtype.kind in "UT" or (
            values.dtype.kind == "O" and all(isinstance(value, str) for value in values.flat)
        )
        if not (text or values.dtype.kind in "iu") or values.shape != (rows,):
            raise ValueError(
                f"ids must be {rows} whole numbers or texts, one for each row, got {values.dtype} "
                f"of shape {values.shape}"
            )
        kind = "text" if text else "numbers"
        if self._rows and self._ids is None:
            raise ValueError("ids must be given from the first batch on")
        if self._ids not in (None, kind):
            raise ValueError(f"ids must be {self._ids}, as they were before, got {values.dtype}")
        return of_text(values) if text else of_numbers(values)

    def _checked_clusters(self, clusters: Any, rows: int) -> Any:
        if (clusters is None) == (self._cluster is not None):
            raise ValueError(
                f"clusters must have a value of {self._cluster} for each row"
                if clusters is None
                else "clusters belong to an evaluation that was given a cluster"
            )
        if clusters is not None and len(clusters) != rows:
            raise ValueError(f"{self._cluster}: {len(clusters)} clusters for {rows} rows")
        return clusters

    def _keep_names(self, ids: Any, identities: Identities) -> None:
        """Remember what the rows are called that a report may name."""
        named = self._named_rows()
        for index in np.flatnonzero(np.isin(identities, np.array(sorted(named), np.uint64))):
            self._names[int(identities[index])] = str(ids[index])
        self._names = {row: name for row, name in self._names.items() if row in named}

    def _named_rows(self) -> set[int]:
        """Return the rows with the highest losses, and the first ones that are NaN."""
        found = {row for loss in range(self._value_count) for _, row in self._state.worst(loss)}
        groups = self._state.order() if 0 < self._state.groups <= MOST_GROUPS else None
        for loss in range(self._value_count):
            tables = [self._state.summary(loss, (), total=True)]
            if groups is not None and self._by:
                tables.append(self._state.summary(loss, (), groups=groups))
            for table in tables:
                found.update(table["maximum_row"].tolist(), table["first_nan"].tolist())
        return found - {NO_ROW}

    def _group_columns(self, groups: Any, rows: int) -> list[Any]:
        if not self._by:
            if groups is not None:
                raise ValueError("groups belong to columns that the evaluation was given as `by`")
            return []
        if groups is None:
            raise ValueError(f"groups must have a value of {', '.join(self._by)} for each row")
        names = names_of_columns(groups)
        if names is not None:
            for name in self._by:
                if name not in names:
                    raise ValueError(
                        f"groups must have a column {name}, got {', '.join(map(str, names))}"
                    )
            columns = [groups[name] for name in self._by]
        elif len(self._by) == 1:
            columns = [groups[0] if isinstance(groups, tuple) and len(groups) == 1 else groups]
        else:
            columns = list(groups)
        if len(columns) != len(self._by):
            raise ValueError(
                f"groups must be {len(self._by)} columns, one for each of {', '.join(self._by)}, "
                f"got {len(columns)}"
            )
        for name, column in zip(self._by, columns, strict=True):
            if len(column) != rows:
                raise ValueError(f"{name}: {len(column)} groups for {rows} rows")
        return columns

    def _first_row(self, source: str | None) -> int | None:
        if source is not None:
            return self._place(source) << _ROW_BITS | end_of(self._ranges_of(source))
        return None if self._unnamed is None else _UNNAMED << _ROW_BITS | self._unnamed

    def _ranges_of(self, source: str) -> Ranges:
        """Return the rows of a source that are in."""
        known = source in self._sources
        return list(self._ranges[self._sources.index(source)]) if known else []

    def _place(self, source: str) -> int:
        """Return the number that a source has, or will have once it is in."""
        return bisect_left(self._sources, source)  # they are sorted

    def _source(self, name: str) -> int:
        if name not in self._sources:
            self._number_sources(sorted([*self._sources, name]))
        return self._sources.index(name)

    def _number_sources(self, sources: list[str]) -> None:
        """Give sources numbers in the order of their names, which ranks rows of equal loss."""
        if len(sources) >= _UNNAMED:
            raise ValueError(f"an evaluation has at most {_UNNAMED - 1} sources")
        place = {name: index for index, name in enumerate(sources)}
        ranges = dict(zip(self._sources, self._ranges, strict=True))
        if sources[: len(self._sources)] != self._sources:
            self._state.renumber([place[name] for name in self._sources], True)
        self._sources = sources
        self._ranges = [ranges.get(name, []) for name in sources]

    # ------------------------------------------------------------------------------------- merge

    def merge(self, other: Evaluation) -> None:
        """Take in what another evaluation of other rows has; the other does not change.

        Raises
        ------
        StateError
            If the two differ in losses, options, columns or what they keep, or rows of a source are
        in both.
        """
        if not isinstance(other, Evaluation):
            raise TypeError(f"merge takes an Evaluation, got {type(other).__name__}")
        self._refuse_torn()
        other._refuse_torn()
        if (mine := self._description()) != (theirs := other._description()):
            what = next(key for key in mine if mine[key] != theirs[key])
            raise StateError(
                f"evaluations of unlike {what} cannot be merged: {mine[what]} and {theirs[what]}"
            )
        if self._rows and other._rows and self._ids != other._ids:
            raise StateError(
                "evaluations of unlike ids cannot be merged: "
                f"{self._ids or 'none'} and {other._ids or 'none'}"
            )
        self._refuse_rows_of_both(other)
        self._refuse_unlike_keys(other)
        if other is self:
            other = self.copy()
        with self._torn_unless_whole():
            self._merge(other)

    def _refuse_unlike_keys(self, other: Evaluation) -> None:
        """Refuse columns that hold text here and numbers there, before anything changes."""
        pairs = [(name, self._state, other._state, place) for place, name in enumerate(self._by)]
        if self._parts is not None and other._parts is not None:
            name = self._cluster or "resample"
            pairs.append((name, self._parts.total, other._parts.total, 0))
        kinds = [
            (name, *(s.kind_of_keys(i) for s in (mine, theirs))) for name, mine, theirs, i in pairs
        ]
        if self._kept.resample and self._cluster is not None:
            kinds.append((self._cluster, self._cluster_kind, other._cluster_kind))
        for name, mine, theirs in kinds:
            if mine != theirs and "nothing" not in (mine, theirs):
                raise StateError(
                    f"evaluations of unlike {name} cannot be merged: {mine} and {theirs}"
                )

    def _merge(self, other: Evaluation) -> None:
        if other._cluster_kind != "nothing":
            self._cluster_kind = other._cluster_kind
        state = other._state
        sources = sorted({*self._sources, *other._sources})
        place = {name: index for index, name in enumerate(sources)}
        if sources:
            self._number_sources(sources)
            if other._sources != sources:
                state = self._new_state()
                state.merge(other._state)
                state.renumber([place[name] for name in other._sources], True)
        for mine_too, theirs_too in zip(self._states(), [state, *other._states()[1:]], strict=True):
            mine_too.merge(theirs_too)
        for name, ranges in zip(other._sources, other._ranges, strict=True):
            for begin, end in ranges:
                add_range(self._ranges[place[name]], begin, end)
        self._rows += other._rows
        self._skipped += other._skipped
        self._skips = sorted([*self._skips, *other._skips])[:_MOST_SKIPS]
        self._ids = self._ids or other._ids
        if self._ids == "text":
            named = self._named_rows()
            both = {**self._names, **other._names}
            self._names = {row: name for row, name in both.items() if row in named}
        if self._unnamed is None or other._unnamed is None or (self._unnamed and other._unnamed):
            self._unnamed = None
            self._state.renumber(list(range(len(self._sources))), False)
        else:
            self._unnamed += other._unnamed

    def _refuse_rows_of_both(self, other: Evaluation) -> None:
        mine = dict(zip(self._sources, self._ranges, strict=True))
        for name, ranges in zip(other._sources, other._ranges, strict=True):
            there = list(mine.get(name, []))
            for begin, end in ranges:
                if both := add_range(there, begin, end):
                    raise StateError(
                        f"rows {both[0]} to {both[1] - 1} of {name} are in both, and would count "
                        "twice"
                    )

    def copy(self) -> Evaluation:
        """Return an evaluation that holds the same and changes apart."""
        return type(self).from_bytes(self.to_bytes())

    # ------------------------------------------------------------------------------------- bytes

    def _description(self) -> dict[str, Any]:
        return {
            "losses": [[name, *spec.described()] for name, spec in self._losses.items()],
            "by": list(self._by),
            "quantiles": self._quantiles,
            "worst": self._kept.worst,
            "compare": None if self._compare is None else list(self._compare),
            "cluster": self._cluster,
            "resample": self._kept.resample,
            "calibration": self._kept.calibration,
            "auc": self._kept.auc,
            "reading": self._reading,
        }

    def to_bytes(self) -> bytes:
        """Return the state as bytes, the same for the same rows, with a version and a checksum."""
        self._refuse_torn()
        blocks = [state.write() for state in self._states()]
        description = {
            **self._description(),
            "sizes": list(map(len, blocks)),
            "rows": self._rows,
            "sources": dict(zip(self._sources, self._ranges, strict=True)),
            "unnamed": self._unnamed,
            "ids": self._ids,
            "cluster_kind": self._cluster_kind,
            "names": sorted(self._names.items()),
            "skipped": self._skipped,
            "skips": self._skips,
        }
        text = json.dumps(description, separators=(",", ":"), ensure_ascii=True).encode()
        body = b"".join([_HEAD.pack(_MAGIC, _VERSION, len(text)), text, *blocks])
        return body + _CHECK.pack(zlib.crc32(body))

    @classmethod
    def from_bytes(cls, blob: bytes | bytearray | memoryview) -> Evaluation:
        """Return the evaluation that `to_bytes` wrote.

        Raises
        ------
        StateError
            If the bytes are damaged, of something else, or of a newer numloss.
        """
        data = bytes(blob)
        if len(data) < _HEAD.size + _CHECK.size or not data.startswith(_MAGIC):
            raise StateError("not a state of numloss")
        _, version, size = _HEAD.unpack_from(data)
        if version != _VERSION:
            raise StateError(
                f"a state of version {version}, where this numloss {'reads' if version else 'has'} "
                f"version {_VERSION}: use the numloss that wrote it, or a newer one"
            )
        (check,) = _CHECK.unpack_from(data, len(data) - _CHECK.size)
        if zlib.crc32(data[: -_CHECK.size]) != check:
            raise StateError("a damaged state: its checksum is another one")
        try:
            return cls._restored(data, size)
        except (KeyError, TypeError, ValueError, RecursionError, OverflowError) as error:
            raise StateError(f"a damaged state: {error}") from error

    @classmethod
    def _restored(cls, data: bytes, size: int) -> Evaluation:
        head = json.loads(data[_HEAD.size : _HEAD.size + size])
        losses = {name: (loss, options) for name, loss, options in head["losses"]}
        evaluation = cls(
            losses,
            by=head["by"],
            quantiles=head["quantiles"],
            worst=head["worst"],
            compare=None if head["compare"] is None else tuple(head["compare"]),
            cluster=head["cluster"],
            resample=head["resample"],
            calibration=head["calibration"],
            auc=head["auc"],
        )
        begin = _HEAD.size + size
        for state, length in zip(evaluation._states(), head["sizes"], strict=True):
            state.read(data[begin : begin + length])
            begin += length
        if begin != len(data) - _CHECK.size:
            raise ValueError("there is more than a state")
        evaluation._rows, evaluation._unnamed = head["rows"], head["unnamed"]
        evaluation._sources = list(head["sources"])
        evaluation._ranges = [
            [(int(begin), int(end)) for begin, end in ranges] for ranges in head["sources"].values()
        ]
        evaluation._ids = head["ids"]
        evaluation._cluster_kind = str(head["cluster_kind"])
        evaluation._names = {int(row): str(name) for row, name in head["names"]}
        evaluation._skipped = int(head["skipped"])
        evaluation._skips = [(str(s), int(row), str(text)) for s, row, text in head["skips"]]
        evaluation._reading = dict(head["reading"])
        return evaluation

    def __reduce__(self) -> tuple[Any, tuple[bytes]]:
        """Travel as bytes."""
        return type(self).from_bytes, (self.to_bytes(),)

    def __eq__(self, other: object) -> bool:
        """Whether both hold the same."""
        if not isinstance(other, Evaluation):
            return NotImplemented
        return self.to_bytes() == other.to_bytes()

    __hash__ = None  # type: ignore[assignment]

    # ------------------------------------------------------------------------------------ result

    @property
    def by(self) -> tuple[str, ...]:
        """Names of the columns that group the rows."""
        return self._by

    @property
    def group_count(self) -> int:
        """Groups that were found so far."""
        return self._state.groups

    @property
    def rows(self) -> int:
        """Rows taken in so far."""
        return self._rows

    @property
    def losses(self) -> dict[str, Loss[...]]:
        """The losses by their names."""
        return {name: spec.loss for name, spec in self._losses.items()}

    @property
    def nbytes(self) -> int:
        """Bytes of memory that the state takes."""
        return sum(state.nbytes for state in self._states())

    def result(
        self,
        quantiles: Iterable[float] = (0.5, 0.95, 0.99),
        *,
        confidence: float | None = None,
    ) -> EvaluationResult:
        """Compute the statistics of what was taken in so far.

        Parameters
        ----------
        quantiles : iterable of float
            Which quantiles to compute.
        confidence : float, optional
            The level of intervals for the means, such as 0.95, which the result then shows.

        Returns
        -------
        EvaluationResult
            The statistics of each loss, by its name.
        """
        self._refuse_torn()
        if confidence is not None and not 0 < confidence < 1:
            raise ValueError(f"confidence must lie between 0 and 1, got {confidence}")
        return self._result(quantiles, lazily=False, confidence=confidence)

    def _result(
        self, quantiles: Iterable[float], lazily: bool, confidence: float | None = None
    ) -> EvaluationResult:
        specs = [spec for spec in self._losses.values() for _ in range(self._per_loss)]
        order = Order(self._state, len(self._by)) if self._by else None
        parts = None
        if self._parts is not None:
            parts = Parts(self._parts, "buckets" if self._kept.resample else "clusters")
        values = result_of(
            self._state, dict(zip(self._value_names(), specs, strict=True)), self._by,
            tuple(quantiles), self._row_named, lazily, confidence, order, parts,
        )  # fmt: skip
        losses = dict(zip(self._losses, values[:: self._per_loss], strict=True))
        comparisons = {}
        if self._compare is not None:
            for index, name in enumerate(self._losses):
                losses[name].name = name
                rest = values[VALUES * index + 1 : VALUES * (index + 1)]
                comparisons[name] = Comparison(*self._compare, *rest)
        skips = [(source, row, in_python(problem)) for source, row, problem in self._skips]
        return EvaluationResult(
            self._rows, self._by, losses, self._skipped, skips, confidence, comparisons,
            *self._forecast_results(order),
        )  # fmt: skip

    def _forecast_results(self, order: Order | None) -> tuple[list[Calibration], list[Ranking]]:
        """Return calibration and ranking of each model, where they are kept."""
        if self._forecast is None:
            return [], []
        from numloss.evaluation.calibration import calibration_of, ranking_of

        binary = list(self._losses.values())[self._forecast].is_binary
        of = "positive class" if binary else "predicted class"
        return (
            [calibration_of(subgroups, order, of) for subgroups in self._bins],
            [ranking_of(state, order) for state in self._scores],
        )

    def _row_named(self, row: int) -> Row | None:
        if row == NO_ROW:
            return None
        if self._ids == "numbers":
            return Row(None, number_of(row))
        if self._ids == "text":
            return Row(None, self._names[row]) if row in self._names else None
        source, place = row >> _ROW_BITS, row & ((1 << _ROW_BITS) - 1)
        return Row(None if source == _UNNAMED else self._sources[source], place)

    def __repr__(self) -> str:
        """Return losses, groups and rows in a line."""
        by = f", by {', '.join(self._by)}" if self._by else ""
        return f"<Evaluation of {', '.join(self._losses)}{by}: {self._rows} rows>"
