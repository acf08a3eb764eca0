"""Losses of a real prediction against a real target."""

from __future__ import annotations

import mpmath
import numpy as np

from cases.arithmetic import Array, log
from cases.inputs import RESIDUALS, PerExample
from cases.table import Case, Kink


def mse(p: Array, t: Array) -> Array:
    return (p - t) ** 2


def mae(p: Array, t: Array) -> Array:
    return abs(p - t)


def huber(p: Array, t: Array, delta: float = 1.0) -> Array:
    r = abs(p - t)
    return np.where(r <= delta, r**2 / 2, delta * (r - delta / 2))


def quantile(p: Array, t: Array, q: float = 0.5) -> Array:
    return np.maximum(q * (t - p), (q - 1) * (t - p))


def gaussian_nll(p: Array, t: Array, variance: Array, full: bool = False) -> Array:
    constant = mpmath.log(2 * mpmath.pi) / 2 if full else 0
    return (log(variance) + (p - t) ** 2 / variance) / 2 + float(constant)


#: A power of 2 for each example, which every type holds.
VARIANCE = PerExample("variance", lambda rng, shape: 2.0 ** rng.integers(-3, 4, size=shape))

CASES = {
    "mse": Case(mse, {RESIDUALS: ({},)}),
    "mae": Case(
        mae,
        {RESIDUALS: ({},)},
        distance_to_kink=lambda p, t: abs(p - t),
        kinks=(Kink(3.0, 3.0, 0.0, 0.0, 0.0),),
    ),
    "huber": Case(
        huber,
        {RESIDUALS: ({}, {"delta": 0.1}, {"delta": 2.5})},
        distance_to_kink=lambda p, t, delta=1.0: abs(abs(p - t) - delta),
        kinks=(
            Kink(4.0, 3.0, 0.5, 1.0, 1.0),
            Kink(2.0, 3.0, 0.5, -1.0, 1.0),
            Kink(2.75, 3.0, 0.03125, -0.25, 1.0, {"delta": 0.25}),
        ),
    ),
    "quantile": Case(
        quantile,
        {RESIDUALS: ({}, {"q": 0.9})},
        ulps=8,  # 1 - q has the error of q in the type, which weighs more the nearer q is to 1
        distance_to_kink=lambda p, t, q=0.5: abs(p - t),
        kinks=(Kink(2.0, 2.0, 0.0, 0.0, 0.0, {"q": 0.25}),),
    ),
}

TWO_HEADED = {
    "gaussian_nll": Case(
        gaussian_nll,
        {RESIDUALS: ({"variance": VARIANCE}, {"variance": VARIANCE, "full": True})},
    ),
}
