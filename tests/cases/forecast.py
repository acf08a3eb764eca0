"""Losses of forecast distributions: of two parameters, of an ensemble, of quantiles."""

from __future__ import annotations

import mpmath
import numpy as np

from cases.arithmetic import Array, erf, exp, log
from cases.inputs import LEVELS, MEMBERS, RESIDUALS, PerExample
from cases.table import Case, Kink


def gaussian_nll(
    p: Array, t: Array, variance: Array, full: bool = False, log_variance: bool = False
) -> Array:
    v, s = (exp(variance), variance) if log_variance else (variance, log(variance))
    return (s + (p - t) ** 2 / v) / 2 + (mpmath.log(2 * mpmath.pi) / 2 if full else 0)


def laplace_nll(p: Array, t: Array, scale: Array, full: bool = False) -> Array:
    return log(scale) + abs(p - t) / scale + (mpmath.log(2) if full else 0)


def student_t_nll(p: Array, t: Array, scale: Array, df: float = 4.0, full: bool = False) -> Array:
    loss = log(scale) + (df + 1) / 2 * log(1 + ((p - t) / scale) ** 2 / df)
    if not full:
        return loss
    gammas = mpmath.loggamma(mpmath.mpf(df) / 2) - mpmath.loggamma((mpmath.mpf(df) + 1) / 2)
    return loss + gammas + mpmath.log(df * mpmath.pi) / 2


def crps_gaussian(p: Array, t: Array, sigma: Array) -> Array:
    z = (t - p) / sigma
    root_2, root_pi = mpmath.sqrt(2), mpmath.sqrt(mpmath.pi)
    density = exp(-(z**2) / 2) / (root_2 * root_pi)
    return sigma * (z * erf(z / root_2) + 2 * density - 1 / root_pi)


def interval_score(lower: Array, t: Array, upper: Array, alpha: float = 0.1) -> Array:
    outside = np.maximum(0, lower - t) + np.maximum(0, t - upper)
    return upper - lower + 2 / alpha * outside


def crps_ensemble(x: Array, y: Array, fair: bool = False) -> Array:
    m = x.shape[-1]
    pairs = abs(x[..., :, None] - x[..., None, :]).sum(axis=(-2, -1))
    of_pairs = m * (m - 1) if fair else m**2
    return abs(x - y[..., None]).sum(axis=-1) / m - pairs / (2 * of_pairs)


def room_of_members(x: Array, y: Array, fair: bool = False) -> Array:
    others = abs(x[..., :, None] - x[..., None, :]) + 9 * np.eye(x.shape[-1])
    return np.minimum(others.min(axis=(-2, -1)), abs(x - y[..., None]).min(axis=-1))


def crps_quantile(x: Array, y: Array, levels: Array | None = None) -> Array:
    m = x.shape[-1]
    q = (2 * np.arange(m) + 1) / (2 * y.dtype.type(m)) if levels is None else levels
    r = y[..., None] - x
    return 2 * np.maximum(q * r, (q - 1) * r).sum(axis=-1) / m


def _powers(name: str) -> PerExample:
    """Return powers of 2, which every type holds."""
    return PerExample(name, lambda rng, shape: 2.0 ** rng.integers(-3, 4, size=shape))


def _quarters(name: str) -> PerExample:
    return PerExample(name, lambda rng, shape: rng.integers(-12, 13, size=shape) / 4)


VARIANCE, LOGARITHM, SCALE = _powers("variance"), _quarters("logarithm"), _powers("scale")
SIGMA, UPPER = _powers("sigma"), _quarters("upper")

CASES: dict[str, Case] = {
    "crps_ensemble": Case(
        crps_ensemble,
        {MEMBERS: ({}, {"fair": True})},
        ulps=16,
        distance_to_kink=room_of_members,
        kinks=(
            # Of four members, of which two are what came true, and of two that are alike.
            Kink([0.0, 1.0, 1.0, 2.0], 1.0, 0.125, [-0.0625, 0, 0, 0.0625], [0.0] * 4),
            Kink([3.0, 3.0], 1.0, 2.0, [0.5, 0.5], [0.0] * 2, {"fair": True}),
        ),
    ),
    "crps_quantile": Case(
        crps_quantile,
        {MEMBERS: ({}, {"levels": LEVELS})},
        ulps=16,
        distance_to_kink=lambda x, y, levels=None: abs(x - y[..., None]).min(axis=-1),
        kinks=(Kink([1.0, 3.0], 1.0, 0.5, [0.0, 0.25], [0.0] * 2),),
    ),
}
TWO_HEADED = {
    "gaussian_nll": Case(
        gaussian_nll,
        {
            RESIDUALS: (
                {"variance": VARIANCE},
                {"variance": VARIANCE, "full": True},
                {"variance": LOGARITHM, "log_variance": True},
                {"variance": LOGARITHM, "log_variance": True, "full": True},
            )
        },
    ),
    "laplace_nll": Case(
        laplace_nll,
        {RESIDUALS: ({"scale": SCALE}, {"scale": SCALE, "full": True})},
        distance_to_kink=lambda p, t, **second: abs(p - t),
    ),
    "student_t_nll": Case(
        student_t_nll,
        {
            RESIDUALS: (
                {"scale": SCALE},
                {"scale": SCALE, "df": 1.0, "full": True},
                {"scale": SCALE, "df": 0.25, "full": True},
                {"scale": SCALE, "df": 50.0, "full": True},
                {"scale": SCALE, "df": 1e6},
            )
        },
        ulps=16,  # 1 - q² cancels
    ),
    "crps_gaussian": Case(crps_gaussian, {RESIDUALS: ({"sigma": SIGMA},)}, ulps=8),
    "interval_score": Case(
        interval_score,
        {RESIDUALS: ({"upper": UPPER}, {"upper": UPPER, "alpha": 0.5})},
        distance_to_kink=lambda p, t, upper, alpha=0.1: np.minimum(abs(p - t), abs(upper - t)),
    ),
}
