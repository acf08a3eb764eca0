"""Losses over classes that have an order."""

from __future__ import annotations

import numpy as np

from cases.arithmetic import Array, softmax
from cases.inputs import LABELS, RAMP, UNEVEN
from cases.multiclass import cross_entropy
from cases.table import Case


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


CASES = {
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
