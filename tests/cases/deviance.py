"""Losses of the mean of a count or an amount."""

from __future__ import annotations

import numpy as np

from cases.arithmetic import Array, exp, log, log_factorial, x_log_y
from cases.inputs import AMOUNTS, COUNTS, MEANS, RATES
from cases.table import Case


def poisson(p: Array, t: Array, log_input: bool = True, full: bool = False) -> Array:
    loss = exp(p) - t * p if log_input else p - x_log_y(t, p)
    return loss + log_factorial(t) if full else loss


def gamma(p: Array, t: Array, log_input: bool = True) -> Array:
    return p + t * exp(-p) if log_input else log(p) + t / p


def generalized_kl(p: Array, t: Array, log_input: bool = True) -> Array:
    """The terms of scipy.special.kl_div(t, prediction)."""
    y = exp(p) if log_input else p
    return x_log_y(t, t / y) - t + y


def tweedie(p: Array, t: Array, power: float = 1.5, log_input: bool = True) -> Array:
    mean = exp(p) if log_input else p
    if power == 1:
        return x_log_y(t, t / mean) - t + mean
    if power == 2:
        return log(mean / t) + t / mean - 1
    a, b = 1 - power, 2 - power
    own = np.where(t > 0, exp(b * log(np.where(t > 0, t, t + 1 - t))), 0 * t)
    # A mean of power 0 may be any number.
    upper, lower = (mean**2, mean) if power == 0 else (exp(b * log(mean)), exp(a * log(mean)))
    if power == 0:
        own = t**2
    return own / (a * b) - t * lower / a + upper / b


CASES = {
    "poisson": Case(
        poisson,
        {
            COUNTS: ({}, {"full": True}),
            RATES: ({"log_input": False}, {"log_input": False, "full": True}),
        },
        ulps=8,  # a term that is nearly as large is taken away
    ),
    "gamma": Case(gamma, {AMOUNTS: ({},), MEANS: ({"log_input": False},)}, ulps=8),
    "generalized_kl": Case(
        generalized_kl,
        {COUNTS: ({},), AMOUNTS: ({},), MEANS: ({"log_input": False},)},
        ulps=96,  # as the deviance of power 1
    ),
    "tweedie": Case(
        tweedie,
        {
            AMOUNTS: ({}, *({"power": p} for p in (-1.0, 0.0, 1.0, 1.125, 1.99, 2.0, 3.0))),
            MEANS: tuple(
                {"log_input": False, "power": p} for p in (1.5, -1.0, 0.0, 1.0, 1.125, 2.0, 3.0)
            ),
            COUNTS: ({}, {"power": 1.0}),
        },
        ulps=512,  # a power magnifies errors, of logarithms up to 80
    ),
}
