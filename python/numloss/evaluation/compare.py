"""`numloss.compare`: two models on the same rows, whose predictions are arrays."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from numloss.evaluation.evaluation import Evaluation, names_of_columns
from numloss.evaluation.result import EvaluationResult
from numloss.evaluation.specs import LossLike


def compare(
    first: Any,
    second: Any,
    target: Any,
    losses: LossLike | Sequence[LossLike] | Mapping[str, LossLike],
    *,
    weight: Any = None,
    groups: Any = None,
    by: str | Sequence[str] | None = None,
    ids: Any = None,
    clusters: Any = None,
    names: tuple[str, str] = ("first", "second"),
    quantiles: Iterable[float] = (0.5, 0.95, 0.99),
    confidence: float | None = None,
    resample: bool = False,
    calibration: bool = False,
    auc: bool = False,
    worst: int = 10,
    **inputs: Any,
) -> EvaluationResult:
    r"""Compare the predictions of two models for the same targets, row by row.

    It is an `Evaluation` with ``compare=names`` that takes one batch. Batches, several processes
    and files need no more: `Evaluation` takes the first ones, `evaluate` with ``compare=`` the
    last.

    Parameters
    ----------
    first : array_like
        The predictions of one model, as losses take them; the first axis counts the rows.
    second : array_like
        Those of the other model.
    target : array_like
        What both should have predicted.
    losses : loss, name, or a sequence or mapping of them
        As `Evaluation` takes them.
    weight : array_like, optional
        A weight for each example, or what broadcasts to them.
    groups : array_like, or a mapping or sequence of them, optional
        The group of each row; of several columns, a combination of values is a group.
    by : str or sequence of str, optional
        What the columns of `groups` are called. Without, a mapping or data frame says it, and a
        single column is called ``"group"``.
    ids : array_like of int or str, optional
        An identity for each row, by which the rows with the highest losses are named. Without,
        rows are numbered from 0.
    clusters : array_like, optional
        What ties rows together that are not independent: a value for each row. Standard errors and
        intervals are then those of independent clusters.
    names : pair of str, default ``("first", "second")``
        What the models are called.
    quantiles : iterable of float
        Which quantiles to compute.
    confidence : float, optional
        The level of the intervals: 0.95 for differences where none is given.
    resample : bool, default False
        Whether standard errors are those of a jackknife of 1000 buckets of rows, or of clusters.
    calibration : bool, default False
        Whether to say how far the probabilities of each model can be trusted.
    auc : bool, default False
        Whether to compute ROC-AUC and average precision of each model.
    worst : int, default 10
        How many rows with the highest losses to name.
    **inputs : array_like
        What some losses take besides, such as ``variance``: the same for both models.

    Returns
    -------
    EvaluationResult
        The statistics of the first model by loss; in ``comparisons``, by loss as well, a
        `Comparison`: the ``losses`` of the second model, the ``difference`` (second less first, row
        by row, with its standard error and interval) and ``won``, the share of rows in which the
        second is better, a tie counting half.

    Raises
    ------
    numloss.Error
        If a loss refuses the arrays, as where `second` has another shape than the targets.
    ValueError
        If groups, ids or clusters do not belong to the rows, or `names` are not two names.
    TypeError
        If predictions are names of files, which `evaluate` reads.

    Examples
    --------
    >>> import numpy as np
    >>> import numloss
    >>> target = np.array([1.0, 2.0, 3.0, 4.0])
    >>> result = numloss.compare(target + 1.0, target + [0.5, 0.5, 1.0, 2.0], target, "mse")
    >>> found = result.comparisons["mse"]
    >>> found.difference.total.mean  # above 0: the second model is worse
    0.375
    >>> found.won.total.mean  # two rows won, one tie
    0.625

    With a group for each row:

    >>> result = numloss.compare(
    ...     target + 1.0, target, target, "mae", groups={"country": ["de", "de", "fr", "fr"]}
    ... )
    >>> {key: group.mean for key, group in result.comparisons["mae"].difference.groups}
    {'de': -1.0, 'fr': -1.0}
    """
    for predictions in (first, second):
        if isinstance(predictions, (str, Path)):
            raise TypeError(
                f"compare takes arrays of predictions, got {predictions!r}: numloss.evaluate("
                "first, losses, compare=second) reads files"
            )
    evaluation = Evaluation(
        losses, by=_names_of(groups, by), worst=worst, compare=names,
        cluster=None if clusters is None else "cluster", resample=resample,
        calibration=calibration, auc=auc,
    )  # fmt: skip
    evaluation.update(
        first, target, other=second, weight=weight, groups=groups, ids=ids, clusters=clusters,
        **inputs,
    )  # fmt: skip
    return evaluation.result(quantiles, confidence=confidence)


def _names_of(groups: Any, by: str | Sequence[str] | None) -> str | Sequence[str] | None:
    """Return what the columns of groups are called."""
    if groups is None or by is not None:
        return by
    return names_of_columns(groups) or "group"
