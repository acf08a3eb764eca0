"""Whether probabilities can be trusted, and whether scores rank: calibration and ROC-AUC."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

import numloss
from numloss._convert import array
from numloss._core import EvaluationState, apply
from numloss.evaluation.result import Order, shown_key, shown_number
from numloss.evaluation.specs import LossSpec
from numloss.evaluation.subgroups import Subgroups, in_groups
from numloss.evaluation.tables import Table
from numloss.evaluation.uncertainty import below_upper_end, normal_quantile

Array = npt.NDArray[Any]

#: Bins of equal width between 0 and 1, as in Guo et al. (see `Calibration`).
BINS = 15
# Groups that a table shows.
_SHOWN = 50


# ----------------------------------------------------------------------------------- from batches


@dataclass(frozen=True)
class Forecasts:
    """What predictions say of each example, one after the other."""

    confidence: Array  # probability of the positive or of the predicted class
    outcome: Array  # 1 where it came so
    score: Array | None  # by which two classes are told apart


def forecasts_of(spec: LossSpec, prediction: Any, target: Any) -> Forecasts:
    """Return what accepted predictions say, in the bits of the kernels."""
    scores, targets = array("prediction", prediction), array("target", target)
    if scores.dtype.kind not in "f" or scores.dtype.itemsize < 4:
        scores = scores.astype(np.float32 if scores.dtype.itemsize < 4 else np.float64)
    if spec.is_binary:
        return _of_two(scores, targets, bool(spec.options.get("from_logits", True)))
    return _of_several(scores, targets, int(spec.options.get("axis", -1)))


def _of_two(scores: Array, targets: Array, are_logits: bool) -> Forecasts:
    scores = np.ascontiguousarray(scores).reshape(-1)
    outcome = targets.reshape(-1).astype(scores.dtype)
    if are_logits:
        return Forecasts(apply("sigmoid", scores), outcome, scores)
    # Odds tell probabilities near 1 apart, for which a histogram of them would have few bins.
    wide = scores.astype(np.float64)
    with np.errstate(divide="ignore"):
        return Forecasts(scores, outcome, wide / (1.0 - wide))


def _of_several(scores: Array, targets: Array, axis: int) -> Forecasts:
    options: dict[str, Any] = {"axis": axis, "reduction": "none"}
    shape = scores.shape[:axis] + scores.shape[axis % scores.ndim + 1 :]
    labels = targets.argmax(axis) if targets.ndim == scores.ndim else targets
    _, predicted = numloss.cross_entropy(
        scores, np.zeros(shape, np.int64), return_predicted=True, **options
    )
    # -log of the probability of the most likely class.
    losses = numloss.cross_entropy(scores, predicted, **options)
    confidence = apply("exp_nonpositive", np.ascontiguousarray(-losses).reshape(-1))
    return Forecasts(confidence, (predicted == labels).reshape(-1).astype(confidence.dtype), None)


def _keys(key: Any, by: Sequence[str]) -> list[str]:
    return [shown_key(part) for part in (key if len(by) > 1 else (key,))]


# ------------------------------------------------------------------------------------- the result


@dataclass(frozen=True)
class Bin:
    """Examples whose probability lies between two bounds.

    Attributes
    ----------
    low, high : float
        The bounds; the lower one belongs to the bin.
    count : int
        How many examples are in it.
    weight : float
        The sum of their weights, or their count.
    confidence : float
        Mean of the probabilities.
    outcome : float
        Mean of the outcomes: the share that came so.
    standard_error : float or None
        Of the outcome, for independent examples.
    """

    low: float
    high: float
    count: int
    weight: float
    confidence: float
    outcome: float
    standard_error: float | None

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Return the score interval of the share that comes so, for independent examples.

        It never has a width of 0, as mean ± z · standard_error has where all came the same way
        (Wilson, "Probable inference, the law of succession, and statistical inference", 1927).
        Weights make it as wide as so many examples would that have the same standard error.
        """
        p, z = min(max(self.outcome, 0.0), 1.0), normal_quantile(below_upper_end(level))
        n = float(self.count)
        if self.standard_error:
            n = p * (1 - p) / self.standard_error**2
        if n == 0:
            return 0.0, 1.0
        middle = (p + z * z / (2 * n)) / (1 + z * z / n)
        half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
        return middle - half, middle + half

    def to_dict(self) -> dict[str, Any]:
        """Return the numbers by name."""
        return {
            "low": self.low, "high": self.high, "count": self.count, "weight": self.weight,
            "confidence": self.confidence, "outcome": self.outcome,
            "standard_error": self.standard_error,
        }  # fmt: skip


@dataclass(frozen=True)
class Calibration:
    """Whether what is forecast with probability p comes in a share p of all cases.

    Attributes
    ----------
    of : str
        What the probabilities are of: ``"positive class"`` of two, or ``"predicted class"``, the
        most likely one of several.
    bins : list of Bin
        The bins that have examples, of 15 of equal width: the reliability curve.
    expected_error : float or None
        Expected calibration error: mean over examples of abs(confidence - outcome) of their bin
        (Naeini, Cooper and Hauskrecht, "Obtaining well calibrated probabilities using Bayesian
        binning", 2015; Guo et al., "On calibration of modern neural networks", 2017). With few
        examples in a bin it is above 0 for perfect forecasts as well.
    maximum_error : float or None
        The largest of these distances.
    groups : dict
        The expected calibration error of each group by its key; None where nothing counts.
    """

    of: str
    bins: list[Bin]
    expected_error: float | None
    maximum_error: float | None
    groups: dict[Any, float | None]

    def to_dict(self, by: Sequence[str] = ()) -> dict[str, Any]:
        """Return all numbers by name."""
        groups = [
            {"group": list(key) if len(by) > 1 else key, "expected_calibration_error": error}
            for key, error in self.groups.items()
        ]
        return {
            "of": self.of,
            "expected_calibration_error": self.expected_error,
            "maximum_calibration_error": self.maximum_error,
            "bins": [bin.to_dict() for bin in self.bins],
            **({"groups": groups} if by else {}),
        }

    def tables(self, title: str, by: Sequence[str]) -> list[Table]:
        """Return a table of the bins with the errors, and one of the groups."""
        titles, rows = self.cells()
        error, largest = shown_number(self.expected_error), shown_number(self.maximum_error)
        said = f"expected calibration error {error}, in a bin at most {largest}"
        found = [Table(title, titles, rows, 1, said)]
        if by:
            cells = [[*_keys(key, by), shown_number(error)] for key, error in self.worst()[:_SHOWN]]
            titles = [*by, "expected calibration error"]
            found.append(Table(f"{title} by {', '.join(by)}", titles, cells, len(by)))
        return found

    def worst(self) -> list[tuple[Any, float | None]]:
        """Return the groups with the largest errors first: NaN before them, nothing behind."""
        return sorted(self.groups.items(), key=lambda one: _rank(one[1]))

    def cells(self) -> tuple[list[str], list[list[str]]]:
        """Return titles and rows of the table of bins."""
        titles = [
            f"probability of the {self.of}",
            "examples",
            "mean forecast",
            "observed",
            "std. error",
        ]
        rows = [
            [
                f"{bin.low:.3f} to {bin.high:.3f}",
                *map(shown_number, (bin.count, bin.confidence, bin.outcome, bin.standard_error)),
            ]
            for bin in self.bins
        ]
        return titles, rows


@dataclass(frozen=True)
class Bounds:
    """The numbers between which a statistic lies; equal where it is exact."""

    low: float
    high: float

    @property
    def exact(self) -> bool:
        """Whether the two are the same."""
        return self.low == self.high

    def __str__(self) -> str:
        """Return the number, or both: ``0.91 to 0.92``."""
        low, high = shown_number(self.low), shown_number(self.high)
        return low if low == high else f"{low} to {high}"

    def to_dict(self) -> dict[str, Any]:
        """Return both by name."""
        return {"low": self.low, "high": self.high}


@dataclass(frozen=True)
class RankingStatistics:
    """How well scores rank positive examples above negative ones; None where one kind is missing.

    Attributes
    ----------
    roc_auc : Bounds or None
        Area under the ROC curve: the share of pairs of a positive and a negative example in which
        the positive has the higher score, a tie counting half (Hanley and McNeil, "The meaning and
        use of the area under a receiver operating characteristic curve", 1982).
    average_precision : Bounds or None
        Sum over thresholds of precision times the growth of recall, as scikit-learn has it.
    """

    roc_auc: Bounds | None
    average_precision: Bounds | None

    def cells(self) -> list[str]:
        """Return both as a table shows them."""
        return ["-" if x is None else str(x) for x in (self.roc_auc, self.average_precision)]

    def to_dict(self) -> dict[str, Any]:
        """Return the numbers by name."""
        auc, precision = self.roc_auc, self.average_precision
        return {
            "roc_auc": None if auc is None else auc.to_dict(),
            "average_precision": None if precision is None else precision.to_dict(),
        }


@dataclass(frozen=True)
class Ranking:
    """How well scores rank, in all rows and in each group.

    Every example that has a weight above 0 counts once. Scores are kept as the quantiles' values
    are: up to 4096 of each class as they are, beyond in a histogram. Where a bin of it holds scores
    of several values, the statistics lie between bounds.
    """

    total: RankingStatistics
    groups: dict[Any, RankingStatistics]

    def to_dict(self, by: Sequence[str] = ()) -> dict[str, Any]:
        """Return all numbers by name."""
        groups = [
            {"group": list(key) if len(by) > 1 else key, **found.to_dict()}
            for key, found in self.groups.items()
        ]
        return {**self.total.to_dict(), **({"groups": groups} if by else {})}

    def tables(self, title: str, by: Sequence[str]) -> list[Table]:
        """Return a table, with the groups by which the scores rank worst first."""
        titles, rows = self.cells(by)
        return [Table(title, titles, rows, len(by))]

    def cells(self, by: Sequence[str]) -> tuple[list[str], list[list[str]]]:
        """Return titles and rows of the table."""
        rows = [[*_keys(key, by), *found.cells()] for key, found in self.worst()[:_SHOWN]]
        all_of_them = ["all", *[""] * (len(by) - 1)] if by else []
        rows.append([*all_of_them, *self.total.cells()])
        return [*by, "ROC-AUC", "average precision"], rows

    def worst(self) -> list[tuple[Any, RankingStatistics]]:
        """Return the groups by which the scores rank worst first."""
        return sorted(
            self.groups.items(),
            key=lambda one: 2.0 if one[1].roc_auc is None else one[1].roc_auc.low,
        )


def calibration_of(subgroups: Subgroups, groups: Order | None, of: str) -> Calibration:
    """Compute what is known of confidence and outcome by bin, and by group and bin."""
    order = subgroups.total.order()
    numbers = subgroups.total.keys_of_groups(0, order)
    confidence, outcome = (subgroups.total.summary(value, (), groups=order) for value in (0, 1))
    bins = [
        Bin(
            number / BINS, (number + 1) / BINS, int(outcome["count"][i]),
            float(outcome["weight"][i]), float(confidence["mean"][i]), float(outcome["mean"][i]),
            float(outcome["standard_error"][i]) if outcome["count"][i] > 1 else None,
        )
        for i, number in enumerate(numbers)
        if outcome["weight"][i] > 0
    ]  # fmt: skip
    gaps = [abs(bin.confidence - bin.outcome) for bin in bins]
    weight = sum(bin.weight for bin in bins)
    expected = sum(bin.weight * gap for bin, gap in zip(bins, gaps, strict=True))
    by_group: dict[Any, float | None] = {}
    if groups is not None and subgroups.grouped is not None:
        errors, weights = (array[groups.places].tolist() for array in _errors(subgroups.grouped))
        known = [error if weight else None for error, weight in zip(errors, weights, strict=True)]
        by_group = dict(zip(groups.keys, known, strict=True))
    whole = expected / weight if weight else None
    return Calibration(of, bins, whole, max(gaps, default=None), by_group)


def _rank(error: float | None) -> float:
    return math.inf if error is None else -math.inf if math.isnan(error) else -error


def _errors(state: EvaluationState) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return the calibration error and the weight of each group, in the order of the keys."""
    order, group = in_groups(state)
    confidence, outcome = (state.summary(value, (), groups=order) for value in (0, 1))
    gaps = np.abs(confidence["sum"] - outcome["sum"])
    with np.errstate(divide="ignore", invalid="ignore"):
        weights = np.bincount(group, confidence["weight"]).astype(np.float64)
        return np.bincount(group, gaps) / weights, weights


def ranking_of(state: EvaluationState, groups: Order | None) -> Ranking:
    """Compute what a state says that has the scores of positive and of negative examples."""
    total = _ranking(state.ranking(0, 1, total=True)[0])
    if groups is None:
        return Ranking(total, {})
    # Its groups have numbers of their own, and the same order of keys.
    found = state.ranking(0, 1, groups=state.order()[groups.places])
    return Ranking(total, dict(zip(groups.keys, map(_ranking, found), strict=True)))


def _ranking(row: npt.NDArray[np.float64]) -> RankingStatistics:
    low, high, precision_low, precision_high = row.tolist()
    return RankingStatistics(
        None if low != low else Bounds(low, high),
        None if precision_low != precision_low else Bounds(precision_low, precision_high),
    )
