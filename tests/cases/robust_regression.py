"""Losses of a residual that outliers move less than they move its square."""

from __future__ import annotations

import numpy as np

from cases.arithmetic import Array, cosh, exp, log, sqrt
from cases.inputs import RESIDUALS
from cases.table import Case


def pseudo_huber(p: Array, t: Array, delta: float = 1.0) -> Array:
    return delta**2 * (sqrt(1 + ((p - t) / delta) ** 2) - 1)


def log_cosh(p: Array, t: Array) -> Array:
    return log(cosh(p - t))


def fair(p: Array, t: Array, c: float = 1.0) -> Array:
    s = abs(p - t) / c
    return c**2 * (s - log(1 + s))


def cauchy(p: Array, t: Array, c: float = 1.0) -> Array:
    return c**2 / 2 * log(1 + ((p - t) / c) ** 2)


def tukey_biweight(p: Array, t: Array, c: float = 4.685) -> Array:
    u = np.minimum(((p - t) / c) ** 2, 1)
    return c**2 / 6 * (1 - (1 - u) ** 3)


def robust(p: Array, t: Array, alpha: float = 1.0, c: float = 1.0) -> Array:
    z = ((p - t) / c) ** 2
    if alpha == 2:
        return z / 2
    if alpha == 0:
        return log(z / 2 + 1)
    if abs(alpha) == np.inf:
        return exp(z / 2) - 1 if alpha > 0 else 1 - exp(-z / 2)
    d = abs(alpha - 2)
    return d / alpha * ((z / d + 1) ** (alpha / 2) - 1)


CASES = {
    "pseudo_huber": Case(
        pseudo_huber, {RESIDUALS: ({}, {"delta": 0.125}, {"delta": 1e6})}, ulps=8, cancels=True
    ),
    "log_cosh": Case(log_cosh, {RESIDUALS: ({},)}, cancels=True),
    "fair": Case(fair, {RESIDUALS: ({}, {"c": 0.125}, {"c": 8.0})}, ulps=8, cancels=True),
    "cauchy": Case(cauchy, {RESIDUALS: ({}, {"c": 0.375}, {"c": 1e6})}, ulps=8, cancels=True),
    "tukey_biweight": Case(tukey_biweight, {RESIDUALS: ({}, {"c": 1.5})}, ulps=16, cancels=True),
    "robust": Case(
        robust,
        {
            RESIDUALS: (
                {},
                *(
                    {"alpha": alpha, "c": 1.5}
                    for alpha in (
                        *(-np.inf, -(2.0**40), -2.0, -(2.0**-30), 0.0, 2.0**-30, 0.5),
                        *(1.5, 2 - 2.0**-40, 2.0, 2 + 2.0**-40),
                    )
                ),
            )
        },
        ulps=128,  # a power multiplies errors
        cancels=True,
    ),
}
