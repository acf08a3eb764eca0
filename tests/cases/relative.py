"""Losses of an error in relation to the size of what is predicted."""

from __future__ import annotations

import numpy as np

from cases.arithmetic import Array, log
from cases.inputs import MAGNITUDES, RESIDUALS
from cases.table import Case, Kink


def msle(p: Array, t: Array) -> Array:
    return (log(1 + p) - log(1 + t)) ** 2


def mape(p: Array, t: Array, floor: float = 2.0**-52) -> Array:
    return abs(p - t) / np.maximum(abs(t), floor)


def smape(p: Array, t: Array) -> Array:
    total = abs(p) + abs(t)
    return 2 * abs(p - t) / np.where(total == 0, 1, total)


CASES = {
    "msle": Case(msle, {MAGNITUDES: ({},)}, ulps=8, cancels=True),
    "mape": Case(
        mape,
        {RESIDUALS: ({}, {"floor": 1.0}, {"floor": 0.25})},
        distance_to_kink=lambda p, t, floor=2.0**-52: abs(p - t),
        kinks=(
            Kink(3.0, 3.0, 0.0, 0.0, 0.0),
            Kink(0.0, 0.0, 0.0, 0.0, 0.0),
            Kink(1.0, 0.0, 2.0**52, 2.0**52, 0.0),
            Kink(1.0, 0.0, 4.0, 4.0, 0.0, {"floor": 0.25}),
        ),
    ),
    "smape": Case(
        smape,
        {RESIDUALS: ({},)},
        ulps=8,
        distance_to_kink=lambda p, t: np.minimum(abs(p - t), abs(p)),
        kinks=(
            Kink(3.0, 3.0, 0.0, 0.0, 0.0),
            Kink(0.0, 0.0, 0.0, 0.0, 0.0),
            Kink(0.0, 3.0, 2.0, 0.0, 0.0),
            Kink(3.0, 0.0, 2.0, 0.0, 0.0),
            Kink(-3.0, 1.0, 2.0, 0.0, 0.0),
        ),
    ),
}
