"""Metrics that people read beside losses: accuracy, and the Brier score over classes.

They are made of the kernels of losses. A metric gives a number for each example, as a loss does, so
that everything an evaluation does with losses, it does with metrics: groups, weights, standard
errors, comparisons. It has no derivatives. What a metric takes and refuses is what its loss takes
and refuses, which is called first.
"""

from __future__ import annotations

import inspect
import operator
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

import numloss
from numloss._convert import array

Array = npt.NDArray[Any]

#: Options of a metric that its loss has, too.
_OPTIONS_OF_LOSS = ("ignore_index", "from_logits")


class Metric:
    """A function of predictions and targets that gives a number for each example.

    Parameters
    ----------
    function : callable
        Takes arrays that the loss has accepted, and options; returns a number for each example.
    loss : Loss
        The loss that checks the call.
    higher_is_better : bool
        Whether good predictions have high values; those of losses are low.
    """

    def __init__(
        self, function: Callable[..., Array], loss: numloss.Loss[...], higher_is_better: bool
    ) -> None:
        self._function = function
        self._loss = loss
        self.__name__ = function.__name__
        self.__doc__ = function.__doc__
        self.__signature__ = inspect.signature(function)
        #: How scores become predictions, as the loss has it.
        self.link = loss.link
        self.domain = loss.domain
        self.likelihood = False
        #: Whether it is one over an axis of classes.
        self.rowwise = loss.rowwise
        self.higher_is_better = higher_is_better
        #: Whether some examples may not count.
        self.ignores = "ignore_index" in self.__signature__.parameters

    def check(self, options: Mapping[str, Any]) -> None:
        """Refuse options that make no sense."""
        if "k" in options:
            try:
                k = 0 if isinstance(options["k"], bool) else operator.index(options["k"])
            except TypeError:
                k = 0
            if k < 1:
                raise ValueError(f"k must be a whole number of at least 1, got {options['k']!r}")

    def __call__(
        self, prediction: Any, target: Any, *, reduction: str = "none", **options: Any
    ) -> Array:
        """Return the number of each example."""
        if reduction != "none":
            raise ValueError(f"a metric is reduced by an evaluation, got reduction={reduction!r}")
        if self.ignores or options.get("weight") is not None:
            return self._examples(prediction, target, **options)[0]
        dtype = options.pop("dtype", None)
        self.check(options)
        losses = self._loss(
            prediction, target, reduction="none", dtype=dtype, **self._asked(options)
        )
        return self._known(losses, _scores(prediction), array("target", target), options)

    def _examples(
        self, prediction: Any, target: Any, *, weight: Any = None, dtype: Any = None, **options: Any
    ) -> tuple[Array, Array]:
        """Return the numbers, and the weights of the examples: 0 for what does not count."""
        self.check(options)
        asked = self._asked(options)
        if weight is not None:
            asked["weight"] = weight
        if dtype is not None:
            asked["dtype"] = dtype
        losses, weights = self._loss._examples(prediction, target, **asked)
        absent = weights == 0
        targets = _without(array("target", target), absent)
        values = self._known(losses, _scores(prediction), targets, options)
        if absent.any():
            values[absent] = 0  # what does not count has no value
        return values, weights

    @staticmethod
    def _asked(options: Mapping[str, Any]) -> dict[str, Any]:
        """Return the options that the loss has, too."""
        return {name: options[name] for name in _OPTIONS_OF_LOSS if name in options}

    def _known(
        self, losses: Array, scores: Array, target: Array, options: Mapping[str, Any]
    ) -> Array:
        """Return the numbers; those that the loss knows nothing of are NaN."""
        values = self._function(scores, target, **options).astype(losses.dtype)
        unknown = np.isnan(losses)
        if unknown.any():
            values[unknown] = np.nan
        return values

    def __repr__(self) -> str:
        """Return the name."""
        return f"<metric {self.__name__}>"


def _scores(prediction: Any) -> Array:
    scores = array("prediction", prediction)
    return scores if scores.dtype.kind in "fiu" else scores.astype(np.float32)  # bfloat16


def _without(target: Array, absent: Array) -> Array:
    """Replace the targets of examples that do not count, as nothing has checked them."""
    if not absent.any():
        return target
    if target.ndim == absent.ndim:
        return np.where(absent, np.zeros((), target.dtype), target)
    first = np.zeros(target.shape[-1], target.dtype)
    first[0] = 1
    return np.where(absent[..., None], first, target)


def _labels(target: Array, scores: Array) -> Array:
    """Return labels; of probabilities the most likely one."""
    found = target.argmax(-1) if target.ndim == scores.ndim else target
    return found.astype(np.int64)


def accuracy(prediction: Any, target: Any, *, ignore_index: int = -100) -> Array:
    """Whether the class with the highest score is the label (top-1 accuracy).

    1 if it is, else 0; of equal scores the first class counts. Its mean is the share of examples
    that are right.
    """
    right: Array = prediction.argmax(-1) == _labels(target, prediction)
    return right


def top_k_accuracy(prediction: Any, target: Any, *, k: int = 5, ignore_index: int = -100) -> Array:
    """Whether the label is among the `k` classes with the highest scores.

    1 if fewer than `k` classes have a higher score, else 0.
    """
    labels = _labels(target, prediction)
    mine = np.take_along_axis(prediction, labels[..., None], -1)
    right: Array = (prediction > mine).sum(-1) < k
    return right


def binary_accuracy(prediction: Any, target: Any, *, from_logits: bool = True) -> Array:
    """Whether the more likely one of two classes is the target.

    1 if a logit is above 0, or a probability above 0.5, where the target is above 0.5, and if it is
    not where the target is not; else 0.
    """
    right: Array = (prediction > (0.0 if from_logits else 0.5)) == (target > 0.5)
    return right


def _wide(scores: Array, target: Array) -> Any:
    """Return the type for half precision, unless the target is wider still."""
    return np.float32 if scores.dtype.itemsize < 4 and target.dtype != np.float64 else None


#: Metrics by name.
METRICS: dict[str, Metric] = {
    function.__name__: Metric(function, loss, higher_is_better)
    for function, loss, higher_is_better in (
        (accuracy, numloss.cross_entropy, True),
        (top_k_accuracy, numloss.cross_entropy, True),
        (binary_accuracy, numloss.binary_cross_entropy, True),
    )
}
