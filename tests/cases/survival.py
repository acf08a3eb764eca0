"""Losses of times until an event, some of which are known in part."""

from __future__ import annotations

import mpmath
import numpy as np

from cases.arithmetic import Array, erfc, exp, log, sqrt
from cases.inputs import RELEVANCES, TIMES
from cases.table import Case

#: Density and the chances of lower and of higher numbers, of each distribution.
DISTRIBUTIONS = {
    "normal": (
        lambda z: exp(-(z**2) / 2) / sqrt(2 * mpmath.pi + 0 * z),
        lambda z: erfc(-z / sqrt(0 * z + 2)) / 2,
        lambda z: erfc(z / sqrt(0 * z + 2)) / 2,
    ),
    "logistic": (
        lambda z: exp(-z) / (1 + exp(-z)) ** 2,
        lambda z: 1 / (1 + exp(-z)),
        lambda z: 1 / (1 + exp(z)),
    ),
    "extreme": (
        lambda z: exp(z - exp(z)),
        lambda z: 1 - exp(-exp(z)),
        lambda z: exp(-exp(z)),
    ),
}


def aft(
    p: Array,
    t: Array,
    upper: Array | None = None,
    distribution: str = "normal",
    scale: float = 1.0,
) -> Array:
    density, below, above = DISTRIBUTIONS[distribution]

    def z(time: Array) -> Array:
        return (log(0 * p + time) - p) / scale

    if upper is None:
        return -log(density(z(t)) / (scale * t))
    begin, ends = np.where(t == 0, 1, t), upper < np.inf
    end = np.where(ends, upper, 2 * begin)
    # On the side where both chances are small.
    chance = np.where(
        z(begin) > 0,
        above(z(begin)) - np.where(ends, above(z(end)), 0),
        np.where(ends, below(z(end)), 1) - below(z(begin)),
    )
    return -log(np.where(t == 0, np.where(ends, below(z(end)), 1), chance))


def cox(s: Array, t: Array, event: Array | None = None, ties: str = "breslow") -> Array:
    happened = np.ones(s.shape, dtype=bool) if event is None else np.asarray(event) != 0
    e, places = exp(s)[..., None, :], np.arange(s.shape[-1])
    at_risk = t[..., None, :] >= t[..., :, None]  # of each item, those at risk at its time
    tied = (t[..., None, :] == t[..., :, None]) & happened[..., None, :]
    before = (tied & (places < places[:, None])).sum(axis=-1)
    share = (0 * s + before) / np.maximum(tied.sum(axis=-1), 1) if ties == "efron" else 0
    left = (at_risk * e).sum(axis=-1) - share * (tied * e).sum(axis=-1)
    return np.where(happened, log(left) - s, 0).sum(axis=-1)


CASES = {
    "aft": Case(
        aft,
        {
            TIMES: (
                {},
                {"upper": 6.0},
                {"upper": np.inf, "scale": 0.5},
                {"distribution": "logistic"},
                {"distribution": "extreme", "scale": 2.0},
                {"upper": 6.0, "distribution": "logistic"},
                {"upper": 6.0, "distribution": "extreme"},
            ),
        },
        ulps=128,  # a difference of logarithms has lost digits, and exponentials magnify that
        cancels=True,
    ),
    "cox": Case(cox, {RELEVANCES: ({}, {"ties": "efron"})}, ulps=32),
}
