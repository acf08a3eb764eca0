"""Metrics that people read beside losses: accuracy and Brier scores, made of the losses' kernels.

A metric is called like a loss and gives a number for each example, so that everything an evaluation
does with losses, it does with metrics: groups, weights, standard errors, comparisons. It has no
derivatives.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

import numloss

Array = npt.NDArray[Any]


class Metric:
    """A function of predictions and targets that gives a number for each example."""

    def __init__(
        self, function: Callable[..., Array], rowwise: bool, higher_is_better: bool
    ) -> None:
        self._function = function
        self.__name__ = function.__name__
        self.__doc__ = function.__doc__
        self.__signature__ = inspect.signature(function)
        #: Whether it is one over an axis of classes.
        self.rowwise = rowwise
        #: Whether good predictions have high values; those of losses are low.
        self.higher_is_better = higher_is_better

    def __call__(
        self, prediction: Any, target: Any, *, reduction: str = "none", dtype: Any = None,
        **options: Any,
    ) -> Array:  # fmt: skip
        """Return the number of each example."""
        if reduction != "none":
            raise ValueError(f"a metric is reduced by an evaluation, got reduction={reduction!r}")
        return self._function(prediction, target, **options)

    def _examples(
        self, prediction: Any, target: Any, *, weight: Any = None, dtype: Any = None, **options: Any
    ) -> tuple[Array, Array]:
        """Return the numbers, and the weights of the examples: 0 for what does not count."""
        values = self._function(prediction, target, **options)
        weights = np.ones(values.shape) if weight is None else np.array(
            np.broadcast_to(weight, values.shape), np.float64
        )  # fmt: skip
        if self.rowwise and np.ndim(target) == values.ndim:
            ignored = np.asarray(target) == options.get("ignore_index", -100)
            weights[ignored] = 0.0
        absent = weights == 0
        return np.where(absent, 0.0, values).astype(values.dtype), weights

    def __repr__(self) -> str:
        """Return the name."""
        return f"<metric {self.__name__}>"


def _labels(target: Array, ndim: int) -> Array:
    """Return labels, of probabilities the most likely one."""
    return target.argmax(-1) if target.ndim > ndim else target


def _over_classes(prediction: Any, target: Any, ignore_index: int) -> tuple[Array, Array]:
    """Check a call as cross_entropy does; return its values, NaN where nothing is known."""
    scores = np.asarray(prediction)
    values, predicted = numloss.cross_entropy(
        scores, target, ignore_index=ignore_index, reduction="none", return_predicted=True,
        dtype=np.float32 if scores.dtype.itemsize < 4 else None,
    )  # fmt: skip
    return np.asarray(values), np.asarray(predicted)


def accuracy(prediction: Any, target: Any, *, ignore_index: int = -100) -> Array:
    """Whether the class with the highest score is the label (top-1 accuracy).

    1 if it is, else 0; of equal scores the first class counts. Its mean is the share of examples
    that are right.
    """
    values, predicted = _over_classes(prediction, target, ignore_index)
    right = predicted == _labels(np.asarray(target), values.ndim)
    return np.where(np.isnan(values), np.nan, right).astype(np.float32)


def top_k_accuracy(prediction: Any, target: Any, *, k: int = 5, ignore_index: int = -100) -> Array:
    """Whether the label is among the `k` classes with the highest scores.

    1 if fewer than `k` classes have a higher score, else 0.
    """
    if not (isinstance(k, int) and k >= 1):
        raise ValueError(f"k must be a whole number of at least 1, got {k!r}")
    values, _ = _over_classes(prediction, target, ignore_index)
    scores = np.asarray(prediction)
    labels = _labels(np.asarray(target), values.ndim).astype(np.int64)
    inside = np.where((labels >= 0) & (labels < scores.shape[-1]), labels, 0)
    mine = np.take_along_axis(scores, inside[..., None], -1)
    right = (scores > mine).sum(-1) < k
    return np.where(np.isnan(values), np.nan, right).astype(np.float32)


def multiclass_brier(prediction: Any, target: Any, *, ignore_index: int = -100) -> Array:
    r"""Brier score over classes: squared distance of the softmax from the outcome.

    With probabilities p and the outcome y, 1 at the label

    .. math:: l = \sum_c (p_c - y_c)^2

    from 0 to 2 (Brier, "Verification of forecasts expressed in terms of probability", 1950).
    """
    scores = np.asarray(prediction)
    gradient = numloss.cross_entropy.grad(  # p - y
        scores, target, ignore_index=ignore_index, reduction="none",
        dtype=np.float32 if scores.dtype.itemsize < 4 else None,
    )  # fmt: skip
    found: Array = np.square(gradient).sum(-1)
    return found


def _of_two_classes(prediction: Any, target: Any, from_logits: bool) -> Array:
    scores = np.asarray(prediction)
    return np.asarray(
        numloss.binary_cross_entropy(
            scores, target, from_logits=from_logits, reduction="none",
            dtype=np.float32 if scores.dtype.itemsize < 4 else None,
        )
    )  # fmt: skip


def binary_accuracy(prediction: Any, target: Any, *, from_logits: bool = True) -> Array:
    """Whether the more likely one of two classes is the target.

    1 if a logit is above 0, or a probability above 0.5, where the target is above 0.5, and if it is
    not where the target is not; else 0.
    """
    values = _of_two_classes(prediction, target, from_logits)
    right = (np.asarray(prediction) > (0.0 if from_logits else 0.5)) == (np.asarray(target) > 0.5)
    return np.where(np.isnan(values), np.nan, right).astype(np.float32)


def brier(prediction: Any, target: Any, *, from_logits: bool = True) -> Array:
    r"""Brier score of two classes: squared distance of the probability from the outcome.

    .. math:: l = (p - y)^2, \qquad p = \mathrm{sigmoid}(x)

    (Brier, "Verification of forecasts expressed in terms of probability", 1950, for one class.)
    """
    if from_logits:
        scores = np.asarray(prediction)
        gradient = numloss.binary_cross_entropy.grad(  # p - y
            scores, target, reduction="none",
            dtype=np.float32 if scores.dtype.itemsize < 4 else None,
        )  # fmt: skip
        squared: Array = np.square(gradient)
        return squared
    values = _of_two_classes(prediction, target, from_logits=False)
    found: Array = np.asarray(numloss.mse(prediction, target, reduction="none"))
    return np.where(np.isnan(values), np.nan, found)


#: Metrics by name.
METRICS: dict[str, Metric] = {
    function.__name__: Metric(function, rowwise, higher_is_better)
    for function, rowwise, higher_is_better in (
        (accuracy, True, True), (top_k_accuracy, True, True), (multiclass_brier, True, False),
        (binary_accuracy, False, True), (brier, False, False),
    )
}  # fmt: skip
