"""Inputs that losses are made for, and parameters that depend on their shape."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from cases.arithmetic import Array

Inputs = tuple[Array, Array]
Rng = np.random.Generator
Shape = tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Domain:
    """Inputs a loss is made for: random ones, and points at which digits are easily lost.

    Predictions and targets are float64, labels int64. The last axis is that of the classes, where a
    loss has one. Predictions lie between `low` and `high`, which are left out.
    """

    name: str
    draw: Callable[[Rng, Shape], Inputs]
    points: Inputs
    #: Which predictions a loss may be asked for.
    inside: Callable[[Array], Array] = np.isfinite
    soft: bool = False  # targets are shares of what is
    in_unit: bool = False  # predictions are probabilities


def _even_labels(rng: Rng, shape: Shape, classes: int) -> Array:
    n = int(np.prod(shape, dtype=int))
    return rng.permutation((rng.integers(classes) + np.arange(n)) % classes).reshape(shape)


def _grid(predictions: list[float], targets: list[Any]) -> Inputs:
    p, t = zip(*product(predictions, targets), strict=True)
    return np.array(p), np.array(t)


def _draw_residuals(rng: Rng, shape: Shape) -> Inputs:
    return rng.normal(scale=2.0, size=shape), rng.normal(size=shape)


def _draw_magnitudes(rng: Rng, shape: Shape) -> Inputs:
    return rng.exponential(size=shape), rng.exponential(size=shape)


def _draw_binary(rng: Rng, shape: Shape) -> Inputs:
    return rng.normal(scale=3.0, size=shape), _even_labels(rng, shape, 2).astype(float)


def _draw_fractions(rng: Rng, shape: Shape) -> Inputs:
    return rng.normal(scale=3.0, size=shape), rng.uniform(size=shape)


def _draw_chances(rng: Rng, shape: Shape) -> Inputs:
    return rng.uniform(0.02, 0.98, size=shape), _even_labels(rng, shape, 2).astype(float)


def _draw_signs(rng: Rng, shape: Shape) -> Inputs:
    return rng.normal(scale=1.5, size=shape), 2.0 * _even_labels(rng, shape, 2) - 1.0


def _draw_booleans(rng: Rng, shape: Shape) -> Inputs:
    return rng.normal(scale=1.5, size=shape), _even_labels(rng, shape, 2) == 1


def _draw_labels(rng: Rng, shape: Shape) -> Inputs:
    return rng.normal(scale=2.0, size=shape), _even_labels(rng, shape[:-1], shape[-1])


def _draw_distributions(rng: Rng, shape: Shape) -> Inputs:
    # One class in four has no share.
    shares = rng.exponential(size=shape) * (rng.uniform(size=shape) < 0.75)
    shares[..., -1:] += 0.125
    return rng.normal(scale=2.0, size=shape), shares / shares.sum(axis=-1, keepdims=True)


def _draw_counts(rng: Rng, shape: Shape) -> Inputs:
    # exp(x) - t x crosses 0 for larger counts.
    return rng.normal(scale=1.5, size=shape), _even_labels(rng, shape, 3).astype(float)


def _draw_rates(rng: Rng, shape: Shape) -> Inputs:
    return rng.uniform(0.125, 8, size=shape), _even_labels(rng, shape, 3).astype(float)


# A mean near the target costs nothing, and a difference of logarithms loses its digits there.
def _draw_amounts(rng: Rng, shape: Shape) -> Inputs:
    target = 2.0 ** _even_labels(rng, shape, 3)
    apart = rng.uniform(0.5, 1.25, size=shape)
    return np.where(rng.uniform(size=shape) < 0.5, -apart, apart + 2), target


def _draw_means(rng: Rng, shape: Shape) -> Inputs:
    target = 2.0 ** _even_labels(rng, shape, 3)
    factor = rng.uniform(1.5, 8, size=shape)
    return np.where(rng.uniform(size=shape) < 0.5, target * factor, target / factor), target


# Nor are their logarithms near the predictions.
def _draw_times(rng: Rng, shape: Shape) -> Inputs:
    target = 2.0 ** _even_labels(rng, shape, 3)
    apart = rng.uniform(0.5, 3, size=shape)
    return np.where(rng.uniform(size=shape) < 0.5, -apart, apart + 1.5), target


def _draw_sets(rng: Rng, shape: Shape) -> Inputs:
    return rng.normal(scale=2.0, size=shape), rng.uniform(size=shape) < 0.25


def _draw_masks(rng: Rng, shape: Shape) -> Inputs:
    # One pixel in two lies outside the region.
    shares = rng.uniform(size=shape) * (rng.uniform(size=shape) < 0.5)
    return rng.normal(scale=2.0, size=shape), shares


# Errors lie apart: where two meet, ranks jump.
def _draw_shares_of_sets(rng: Rng, shape: Shape) -> Inputs:
    there = rng.uniform(size=shape) < 0.25
    places = rng.uniform(size=shape).argsort(axis=-1, kind="stable")
    errors = (places + rng.uniform(0.25, 0.75, size=shape)) / shape[-1]
    return np.where(there, 1 - errors, errors), there


def _draw_shares_of_masks(rng: Rng, shape: Shape) -> Inputs:
    return rng.uniform(0.02, 0.98, size=shape), _draw_masks(rng, shape)[1]


# Scores lie apart: where two meet, ranks jump.
def _draw_relevances(rng: Rng, shape: Shape) -> Inputs:
    places = rng.uniform(size=shape).argsort(axis=-1, kind="stable")
    scores = (places + rng.uniform(0, 0.5, size=shape)) / 2 - shape[-1] / 4
    return scores, np.floor(rng.uniform(0, 4, size=shape))


def _draw_thresholds(rng: Rng, shape: Shape) -> Inputs:
    return rng.normal(scale=2.0, size=shape), _even_labels(rng, shape[:-1], shape[-1] + 1)


# Rising by enough for differences to be taken, around 0 and not far from it.
def _draw_rising(rng: Rng, shape: Shape) -> Inputs:
    _, labels = _draw_thresholds(rng, shape)
    steps = rng.uniform(2, 2.25, size=shape) * min(1, 7 / shape[-1])
    x = steps.cumsum(axis=-1)
    return x - x[..., -1:] / 2 + rng.uniform(-0.5, 0.5, size=(*shape[:-1], 1)), labels


def _rises(p: Array) -> Array:
    return np.diff(p.astype(float), prepend=-np.inf, axis=-1) > 0


def _draw_members(rng: Rng, shape: Shape) -> Inputs:
    return rng.normal(scale=2.0, size=shape), rng.normal(size=shape[:-1])


def _log_softmax(x: Array) -> Array:
    shifted = x - x.max(axis=-1, keepdims=True)
    result: Array = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return result


def _draw_log_chances(rng: Rng, shape: Shape) -> Inputs:
    x, target = _draw_labels(rng, shape)
    return _log_softmax(x), target


def _draw_log_chances_of_shares(rng: Rng, shape: Shape) -> Inputs:
    x, target = _draw_distributions(rng, shape)
    return _log_softmax(x), target


# All of them are float32 numbers, too.
_RESIDUALS = [2.0**-60, 2.0**-20, 0.25, 0.875, 30.0, 2.0**30]
_LOGITS = [0.0, 2.0**-30, 0.5, 5.0, 20.0, 90.0, 700.0]
_CHANCES = [2.0**-50, 2.0**-20, 0.125, 0.5, 1 - 2.0**-7, 1 - 2.0**-20]
_LOGARITHMS = [0.0, 2.0**-30, 2.0**-10, 0.5, 5.0, 20.0]
_TIMES = [-5.0, -0.75, 2.0**-10, 3.5, 9.0]
_MEANS = [2.0**-30, 2.0**-10, 0.5, 1 - 2.0**-20, 1 + 2.0**-7, 5.0, 2.0**20, 2.0**30]
_SCORES = [0.0, 0.5, 1 - 2.0**-20, 1.5, 2.0**30]
_ROWS = [
    [0.0, 0.0, 0.0, 0.0],
    [2.0**-20, 0.0, -(2.0**-20), 0.0],
    [5.0, 5.0, -80.0, 4.0],
    [20.0, 0.0, -1.0, 0.5],
    [-310.0, -400.0, -301.0, -302.0],
    [1.0, 700.0, 0.0, -50.0],
]
_RISING = [
    [-1.0, 0.0, 1.5, 3.0],
    [0.0, 2.0**-20, 2.0**-10, 5.0],
    [-80.0, -40.0, -(2.0**-30), 2.0],
    [-310.0, -302.0, -301.0, -300.5],
    [4.0, 4.5, 30.0, 80.0],
]
_MEMBERS = [
    [-1.5, 0.25, 3.0, 0.875],
    [2.0**30, -(2.0**30), 0.5, 1.0],
    [-3.0, -2.0, -(2.0**-20), 0.5],
    [0.5, 0.5, 0.5, 4.0],
    [1.0, 1.0 + 2.0**-20, 1.0 - 2.0**-20, 1.0 + 2.0**-19],
]
_SETS = [[True, False, False, False], [False, True, True, False], [False] * 4, [True] * 4]
_MASKS = [[0.125, 0.75, 1.0, 0.0], [0.0] * 4, [1.0] * 4]
_SHARES_OF_PIXELS = [
    [2.0**-50, 2.0**-20, 0.125, 0.75],
    [1 - 2.0**-20, 0.5, 0.25, 2.0**-7],
    [0.875, 1 - 2.0**-10, 1 - 2.0**-7, 0.375],
]
_LOG_CHANCES = [
    [-0.6875, -1.25, -2.0, -3.5],
    [-(2.0**-20), -14.0, -16.0, -20.0],
    [-90.0, -(2.0**-30), -700.0, -50.0],
    [-1.375, -1.375, -1.375, -1.375],
]
_RELEVANCES = [
    [3.0, 2.0, 1.0, 0.0],
    [0.0, 0.0, 1.0, 0.0],
    [2.0, 2.0, 2.0, 1.0],
    [0.0, 1.0, 3.0, 1.0],
]
_SHARES = [[0.125, 0.375, 0.5, 0.0], [1.0, 0.0, 0.0, 0.0], [0.5, 0.0, 0.0, 0.5]]


def _signed(values: list[float]) -> list[float]:
    return values + [-x for x in values if x]


RESIDUALS = Domain("residuals", _draw_residuals, _grid(_signed(_RESIDUALS), [0.0, 0.75]))
MAGNITUDES = Domain(
    "magnitudes",
    _draw_magnitudes,
    _grid([*_RESIDUALS, -0.5, -0.875], [0.0, 0.75, -0.75]),
    lambda p: p > -1,
)
BINARY = Domain("binary", _draw_binary, _grid(_signed(_LOGITS), [0.0, 1.0]))
FRACTIONS = Domain("fractions", _draw_fractions, _grid(_signed(_LOGITS), [0.25, 1.0]), soft=True)


def _is_chance(p: Array) -> Array:
    return (p > 0) & (p < 1)


CHANCES = Domain("chances", _draw_chances, _grid(_CHANCES, [0.0, 1.0]), _is_chance, in_unit=True)
COUNTS = Domain("counts", _draw_counts, _grid(_signed([*_LOGARITHMS, 80.0]), [0.0, 2.0]))
RATES = Domain("rates", _draw_rates, _grid(_MEANS, [0.0, 0.125, 2.0]), lambda p: p > 0)
AMOUNTS = Domain("amounts", _draw_amounts, _grid(_signed(_LOGARITHMS), [0.125, 3.0]))
MEANS = Domain("means", _draw_means, _grid(_MEANS, [0.125, 3.0]), lambda p: p > 0)
TIMES = Domain("times", _draw_times, _grid(_TIMES, [1.0, 5.0]))
SIGNS = Domain("signs", _draw_signs, _grid(_signed(_SCORES), [-1.0, 1.0]))
MODEST_SIGNS = Domain(
    "modest_signs", _draw_signs, _grid(_signed([*_SCORES[:-1], 40.0]), [-1.0, 1.0])
)
BOOLEANS = Domain("booleans", _draw_booleans, _grid(_signed(_SCORES), [False, True]))
LABELS = Domain("labels", _draw_labels, _grid(_ROWS, [0, 1, 2, 3]))
THRESHOLDS = Domain("thresholds", _draw_thresholds, _grid(_ROWS, [0, 1, 2, 3, 4]))
RISING = Domain("rising", _draw_rising, _grid(_RISING, [0, 1, 2, 3, 4]), _rises)
MEMBERS = Domain("members", _draw_members, _grid(_MEMBERS, [0.75, -2.0]))
SETS = Domain("sets", _draw_sets, _grid(_ROWS, _SETS))
MASKS = Domain("masks", _draw_masks, _grid(_ROWS, _MASKS), soft=True)
SHARES_OF_SETS = Domain(
    "shares_of_sets",
    _draw_shares_of_sets,
    _grid(_SHARES_OF_PIXELS, _SETS),
    _is_chance,
    in_unit=True,
)
SHARES_OF_MASKS = Domain(
    "shares_of_masks",
    _draw_shares_of_masks,
    _grid(_SHARES_OF_PIXELS, _MASKS),
    _is_chance,
    soft=True,
    in_unit=True,
)
DISTRIBUTIONS = Domain("distributions", _draw_distributions, _grid(_ROWS, _SHARES), soft=True)
RELEVANCES = Domain("relevances", _draw_relevances, _grid(_ROWS, _RELEVANCES), soft=True)
LOG_CHANCES = Domain("log_chances", _draw_log_chances, _grid(_LOG_CHANCES, [0, 1, 2, 3]))
LOG_CHANCES_OF_SHARES = Domain(
    "log_chances_of_shares",
    _draw_log_chances_of_shares,
    _grid(_LOG_CHANCES, _SHARES),
    soft=True,
)


@dataclass(frozen=True, eq=False)
class PerClass:
    """A parameter that depends on the number of classes."""

    name: str
    of: Callable[[int], Array]


@dataclass(frozen=True, eq=False)
class PerExample:
    """A further operand: a number for each example, such as a variance.

    Only numbers that are exact in every dtype are drawn, so that the definition has the same ones.
    """

    name: str
    draw: Callable[[Rng, Shape], Array]


def _uneven(classes: int) -> Array:
    ahead = np.subtract.outer(-np.arange(classes), -np.arange(classes))
    return np.maximum(0, ahead) + np.sqrt(np.maximum(0, -ahead)) / 2


RAMP = PerClass("ramp", lambda classes: np.linspace(0.5, 2.0, classes))
#: Of the classes that thresholds lie between.
RAMP_BETWEEN = PerClass("ramp", lambda columns: np.linspace(0.5, 2.0, columns + 1))
LEVELS = PerClass("levels", lambda columns: np.linspace(0.0625, 0.875, columns))
UNEVEN = PerClass("uneven", _uneven)


def _transition(classes: int) -> Array:
    one = np.eye(classes)
    return 0.75 * one + (np.roll(one, 1, axis=1) + np.roll(one, 2, axis=1)) / 8


#: Chances of labels, a row for each true class, some of them 0.
TRANSITION = PerClass("transition", _transition)
