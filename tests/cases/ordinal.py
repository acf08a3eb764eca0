"""Losses over classes that have an order."""

from __future__ import annotations

import numpy as np

from cases.arithmetic import Array, at_label, erfc, exp, log, softmax, sqrt
from cases.inputs import LABELS, RAMP, RAMP_BETWEEN, RISING, THRESHOLDS, UNEVEN
from cases.multiclass import cross_entropy
from cases.table import Case, Kink


def ranked_probability(x: Array, label: Array, class_weight: Array | None = None) -> Array:
    cumulative = np.cumsum(softmax(x), axis=-1)
    reached = (label[..., None] <= np.arange(x.shape[-1])).astype(int)
    loss = ((cumulative - reached) ** 2)[..., :-1].sum(axis=-1)
    return loss if class_weight is None else class_weight[label] * loss


def ordinal_cross_entropy(
    x: Array,
    label: Array,
    distance: str | Array = "absolute",
    temperature: float = 1.0,
    class_weight: Array | None = None,
) -> Array:
    steps = abs(np.arange(x.shape[-1]) - label[..., None])
    powers = {"absolute": steps, "squared": steps**2}
    d = powers[distance] if isinstance(distance, str) else distance[label]
    loss = cross_entropy(x, softmax(-(d + 0 * x) / temperature))
    return loss if class_weight is None else class_weight[label] * loss


def expected_cost(
    x: Array, label: Array, costs: str | Array = "absolute", class_weight: Array | None = None
) -> Array:
    steps = abs(np.arange(x.shape[-1]) - label[..., None])
    powers = {"absolute": steps, "squared": steps**2}
    of_label = powers[costs] if isinstance(costs, str) else costs[label]
    loss = (softmax(x) * of_label).sum(axis=-1)
    return loss if class_weight is None else class_weight[label] * loss


def _sides(x: Array, label: Array) -> Array:
    """Return the numbers of the thresholds, with the sign of the side that the label is on."""
    above = label[..., None] > np.arange(x.shape[-1])
    return np.where(above, x, -x)


def _sum(terms: Array, label: Array, class_weight: Array | None) -> Array:
    loss = terms.sum(axis=-1)
    return loss if class_weight is None else class_weight[label] * loss


def coral(
    x: Array,
    label: Array,
    importance_weights: Array | float = 1,
    class_weight: Array | None = None,
) -> Array:
    return _sum(log(1 + exp(-_sides(x, label))) * importance_weights, label, class_weight)


def corn(x: Array, label: Array, class_weight: Array | None = None) -> Array:
    reached = label[..., None] >= np.arange(x.shape[-1])
    return _sum(reached * log(1 + exp(-_sides(x, label))), label, class_weight)


def all_threshold_hinge(
    x: Array, label: Array, margin: float = 1.0, class_weight: Array | None = None
) -> Array:
    return _sum(np.maximum(0, margin - _sides(x, label)), label, class_weight)


def immediate_threshold_hinge(
    x: Array, label: Array, margin: float = 1.0, class_weight: Array | None = None
) -> Array:
    k = np.arange(x.shape[-1])
    beside = (label[..., None] == k) | (label[..., None] == k + 1)
    return _sum(beside * np.maximum(0, margin - _sides(x, label)), label, class_weight)


def room_of_thresholds(x: Array, label: Array, margin: float = 1.0) -> Array:
    return abs(margin - _sides(x, label)).min(axis=-1)


def cumulative_link(
    x: Array, label: Array, link: str = "logit", class_weight: Array | None = None
) -> Array:
    # F at the thresholds, 0 before the first and 1 behind the last; or 1 - F, of small numbers.
    distribution = {
        "logit": lambda z: 1 / (1 + exp(-z)),
        "probit": lambda z: erfc(-z / sqrt(0 * z + 2)) / 2,
        "cloglog": lambda z: 1 - exp(-exp(z)),
    }[link]
    rest = {
        "logit": lambda z: 1 / (1 + exp(z)),
        "probit": lambda z: erfc(z / sqrt(0 * z + 2)) / 2,
        "cloglog": lambda z: exp(-exp(z)),
    }[link]

    def rise(values: Array, first: int, last: int) -> Array:
        ends = np.zeros_like(values[..., :1])
        values = np.concatenate([ends + first, values, ends + last], axis=-1)
        return at_label(values, label + 1) - at_label(values, label)

    is_low = at_label(np.concatenate([x, x[..., -1:]], axis=-1), label) <= 0
    loss = -log(np.where(is_low, rise(distribution(x), 0, 1), -rise(rest(x), 1, 0)))
    return loss if class_weight is None else class_weight[label] * loss


_WIDE = {"margin": 0.5}

CASES = {
    "coral": Case(
        coral,
        {THRESHOLDS: ({}, {"importance_weights": RAMP, "class_weight": RAMP_BETWEEN})},
        ulps=16,
    ),
    "corn": Case(corn, {THRESHOLDS: ({}, {"class_weight": RAMP_BETWEEN})}, ulps=16),
    "all_threshold_hinge": Case(
        all_threshold_hinge,
        {THRESHOLDS: ({}, {"margin": 0.25})},
        distance_to_kink=room_of_thresholds,
        kinks=(Kink([0.5, -0.5], 1, 0.0, [0.0, 0.0], [0.0, 0.0], _WIDE),),
    ),
    "immediate_threshold_hinge": Case(
        immediate_threshold_hinge,
        {THRESHOLDS: ({}, {"margin": 0.25})},
        distance_to_kink=room_of_thresholds,
        kinks=(Kink([0.5, -0.5, 3.0], 1, 0.0, [0.0, 0.0, 0.0], [0.0, 0.0, 0.0], _WIDE),),
    ),
    "cumulative_link": Case(
        cumulative_link,
        {RISING: ({}, {"class_weight": RAMP_BETWEEN}, {"link": "probit"}, {"link": "cloglog"})},
        ulps=16,
    ),
    "expected_cost": Case(
        expected_cost,
        {LABELS: ({}, {"costs": "squared"}, {"costs": UNEVEN, "class_weight": RAMP})},
        ulps=32,
        crosses_zero=1,
    ),
    "ranked_probability": Case(ranked_probability, {LABELS: ({}, {"class_weight": RAMP})}, ulps=16),
    "ordinal_cross_entropy": Case(
        ordinal_cross_entropy,
        {
            LABELS: (
                {},
                {"distance": "squared", "temperature": 3.0},
                {"distance": UNEVEN, "temperature": 0.5, "class_weight": RAMP},
            )
        },
        crosses_zero=1,
    ),
}
