"""Losses of images: ratios of sums over their pixels."""

from __future__ import annotations

import numpy as np

from cases.arithmetic import Array, sigmoid
from cases.inputs import MASKS, SETS, SHARES_OF_MASKS, SHARES_OF_SETS
from cases.table import Case


def _chances(x: Array, from_logits: bool) -> Array:
    return sigmoid(x) if from_logits else x


def dice(
    x: Array, t: Array, smooth: float = 1.0, squared: bool = False, from_logits: bool = True
) -> Array:
    p = _chances(x, from_logits)
    sizes = p * p + t * t if squared else p + t
    return 1 - (2 * (p * t).sum(axis=-1) + smooth) / (sizes.sum(axis=-1) + smooth)


def jaccard(x: Array, t: Array, smooth: float = 1.0, from_logits: bool = True) -> Array:
    p = _chances(x, from_logits)
    return 1 - ((p * t).sum(axis=-1) + smooth) / ((p + t - p * t).sum(axis=-1) + smooth)


def tversky(
    x: Array,
    t: Array,
    alpha: float = 0.3,
    beta: float = 0.7,
    gamma: float = 1.0,
    smooth: float = 1.0,
    from_logits: bool = True,
) -> Array:
    p = _chances(x, from_logits)
    common = (p * t).sum(axis=-1) + smooth
    false_alarms, misses = (p * (1 - t)).sum(axis=-1), ((1 - p) * t).sum(axis=-1)
    return (1 - common / (common + alpha * false_alarms + beta * misses)) ** gamma


def _errors(x: Array, t: Array) -> Array:
    return 1 - np.where(t, x, -x)


def _lovasz(error: Array, t: Array) -> Array:
    order = np.argsort(-error, axis=-1, kind="stable")
    error, there = (np.take_along_axis(a, order, axis=-1) for a in (error, t))
    size, one = there.sum(axis=-1, keepdims=True), 0 * error + 1
    common = (size - there.cumsum(axis=-1)) * one
    jaccard = 1 - common / (size + (~there).cumsum(axis=-1))
    return (np.maximum(error, 0) * np.diff(jaccard, axis=-1, prepend=0)).sum(axis=-1)


def lovasz_hinge(x: Array, t: Array) -> Array:
    return _lovasz(_errors(x, t), t)


def lovasz_softmax(x: Array, t: Array, from_logits: bool = True) -> Array:
    p = _chances(x, from_logits)
    return _lovasz(np.where(t, 1 - p, p), t)


def room_of_order(x: Array, t: Array) -> Array:
    error = _errors(x, t)
    gaps = np.diff(np.sort(error, axis=-1), axis=-1)
    return np.minimum(abs(error).min(axis=-1), gaps.min(axis=-1))


def room_of_shares(x: Array, t: Array, from_logits: bool = True) -> Array:
    """Distance of the numbers from where errors are alike."""
    error = np.where(t, -x, x) if from_logits else np.where(t, 1 - x, x)
    return np.diff(np.sort(error, axis=-1), axis=-1).min(axis=-1)


CASES = {
    "dice": Case(
        dice,
        {
            SETS: ({},),
            MASKS: ({"smooth": 0.125, "squared": True},),
            SHARES_OF_SETS: ({"from_logits": False},),
            SHARES_OF_MASKS: ({"from_logits": False, "squared": True},),
        },
        ulps=16,
        steep=True,
        crosses_zero=2,
    ),
    # Of a region found by halves, all logits near 0, second derivatives are far below the first.
    "jaccard": Case(
        jaccard,
        {SETS: ({},), SHARES_OF_SETS: ({"from_logits": False},)},
        ulps=600,
        crosses_zero=2,
    ),
    "tversky": Case(
        tversky,
        {
            SETS: ({}, {"gamma": 0.75}),
            MASKS: ({"alpha": 0.5, "beta": 2.0, "gamma": 2.0},),
            SHARES_OF_SETS: ({"from_logits": False, "gamma": 0.75},),
        },
        ulps=512,  # a power magnifies errors
        crosses_zero=2,
    ),
    "lovasz_hinge": Case(lovasz_hinge, {SETS: ({},)}, distance_to_kink=room_of_order),
    "lovasz_softmax": Case(
        lovasz_softmax,
        {SETS: ({},), SHARES_OF_SETS: ({"from_logits": False},)},
        ulps=16,
        distance_to_kink=room_of_shares,
        crosses_zero=2,
    ),
}
