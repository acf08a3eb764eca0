"""What a strip of similarities goes through: some anchors against all keys, turned where they lie.

A strip comes as an array of the similarities of the anchors ``index`` to all keys, times
``factor``. ``losses`` returns the anchors' losses times ``scale``. Where gradients are wanted, it
leaves in the strip the derivatives of their sum by the numbers that came.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from numloss._losses.multiclass import cross_entropy

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Strips(Protocol):
    """A loss as a function of its anchors' similarities."""

    #: What similarities are multiplied by before they come.
    factor: float
    #: How many arrays of the size of a strip its work takes beside the strip.
    arrays: int

    def losses(
        self, z: NDArray[Any], index: NDArray[np.int64], scale: NDArray[Any], gradients: bool
    ) -> NDArray[Any]:
        """Return the losses times ``scale``; leave their derivatives in ``z`` if asked to."""


class Paired:
    """Cross-entropy of the keys against the one that belongs to each anchor."""

    arrays = 0

    def __init__(self, factor: float, positive: NDArray[np.int64], *, among_itself: bool) -> None:
        self.factor = factor
        self._positive = positive
        self._among_itself = among_itself

    def losses(
        self, z: NDArray[Any], index: NDArray[np.int64], scale: NDArray[Any], gradients: bool
    ) -> NDArray[Any]:
        """Take the similarities for logits, the positive for their label."""
        if self._among_itself:
            z[np.arange(len(z)), index] = -np.inf  # no anchor is compared with itself
        return _cross_entropy(z, self._positive[index], scale, gradients)


class Labelled:
    """Cross-entropy of all but the anchor against those of its label, each with the same share."""

    arrays = 1

    def __init__(self, factor: float, classes: Classes) -> None:
        self.factor = factor
        self._classes = classes

    def losses(
        self, z: NDArray[Any], index: NDArray[np.int64], scale: NDArray[Any], gradients: bool
    ) -> NDArray[Any]:
        """Take the similarities for logits, the positives for probabilities."""
        z[np.arange(len(z)), index] = -np.inf
        share = 1 / self._classes.positives[index]
        target = self._classes.is_positive(index) * share[:, None].astype(z.dtype)
        return _cross_entropy(z, target, scale, gradients)


class Circle:
    """The softplus of the log-sum-exps of positives and of negatives, each bent by its weight."""

    factor = 1.0
    arrays = 4

    def __init__(
        self, classes: Classes, gamma: float, margin: float, *, constant_weights: bool
    ) -> None:
        self._classes = classes
        self._gamma = gamma
        self._margin = margin
        self._constant = constant_weights

    def losses(
        self, z: NDArray[Any], index: NDArray[np.int64], scale: NDArray[Any], gradients: bool
    ) -> NDArray[Any]:
        """Take cosines. Each is a positive or a negative, or the anchor itself."""
        gamma, margin = self._gamma, self._margin
        is_positive = self._classes.is_positive(index)
        # Of a positive 1 - s is to be small as s of a negative is: the same bend, at two places.
        gap = np.where(is_positive, 1 - z, z)
        weight = np.maximum(gap + margin, 0)
        logits = gamma * weight * (gap - margin)
        logits[np.arange(len(z)), index] = -np.inf
        of_positives = np.where(is_positive, logits, -np.inf)
        np.copyto(logits, -np.inf, where=is_positive)
        both = _softmax(of_positives) + _softmax(logits)
        if gradients:
            slope = weight if self._constant else np.where(weight > 0, 2 * gap, 0)
            factor = scale * (gamma * np.exp(-np.logaddexp(0, -both)))
            np.subtract(logits, of_positives, out=z)  # one of the two is 0
            z *= slope
            z *= factor.astype(z.dtype)[:, None]
        losses: NDArray[Any] = scale * np.logaddexp(0, both)
        return losses


class Classes:
    """Labels of a batch: who is whose positive."""

    def __init__(self, labels: NDArray[Any]) -> None:
        _, code, count = np.unique(labels, return_inverse=True, return_counts=True)
        self._code = code.astype(np.int32)
        #: How many others have each one's label.
        self.positives = count[code] - 1
        #: How many have another.
        self.negatives = len(labels) - count[code]

    def is_positive(self, index: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return which of all are positives of these."""
        found: NDArray[np.bool_] = self._code[index, None] == self._code
        found[np.arange(len(index)), index] = False
        return found


def _cross_entropy(
    z: NDArray[Any], target: NDArray[Any], scale: NDArray[Any], gradients: bool
) -> NDArray[Any]:
    losses: NDArray[Any]
    if gradients:
        losses, _ = cross_entropy.value_and_grad(z, target, weight=scale, reduction="none", out=z)
    else:
        losses = cross_entropy(z, target, weight=scale, reduction="none")
    return losses


def _softmax(z: NDArray[Any]) -> NDArray[np.float64]:
    """Turn logits into their softmax where they lie; return their log-sum-exp."""
    every, top = np.arange(len(z)), z.argmax(axis=1)
    maximum = z[every, top].astype(np.float64)
    # Against the largest logit the loss is the rest of the log-sum-exp, to all its digits.
    rest, _ = cross_entropy.value_and_grad(z, top, reduction="none", out=z)
    z[every, top] += 1
    found: NDArray[np.float64] = maximum + rest
    return found
