"""scikit-learn's private ``sklearn._loss``, which its own estimators train with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sklearn._loss.loss import (
    AbsoluteError,
    HalfBinomialLoss,
    HalfGammaLoss,
    HalfMultinomialLoss,
    HalfPoissonLoss,
    HalfSquaredError,
    HuberLoss,
)


@dataclass(frozen=True)
class Entry:
    """A loss: how to make it for a number of classes, and our value over its value."""

    make: Callable[[int], Any]
    factor: float = 1.0


FORMULAS = {
    "mse": Entry(lambda _: HalfSquaredError(), factor=2.0),
    "half_mse": Entry(lambda _: HalfSquaredError()),
    "mae": Entry(lambda _: AbsoluteError()),
    "huber": Entry(lambda _: HuberLoss(delta=1.0)),
    "poisson": Entry(lambda _: HalfPoissonLoss()),
    "gamma": Entry(lambda _: HalfGammaLoss()),
    "binary_cross_entropy": Entry(lambda _: HalfBinomialLoss()),
    "cross_entropy": Entry(lambda classes: HalfMultinomialLoss(n_classes=classes)),
}
