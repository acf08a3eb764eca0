"""Losses of a real prediction against a real target."""

from __future__ import annotations

import numpy as np

from cases.arithmetic import Array
from cases.inputs import RESIDUALS, Domain
from cases.table import Case, Kink, Parameters


def mse(p: Array, t: Array) -> Array:
    return (p - t) ** 2


def half_mse(p: Array, t: Array) -> Array:
    return (p - t) ** 2 / 2


def mae(p: Array, t: Array) -> Array:
    return abs(p - t)


def huber(p: Array, t: Array, delta: float = 1.0) -> Array:
    r = abs(p - t)
    return np.where(r <= delta, r**2 / 2, delta * (r - delta / 2))


def smooth_l1(p: Array, t: Array, beta: float = 1.0) -> Array:
    return mae(p, t) if beta == 0 else huber(p, t, beta) / beta


def epsilon_insensitive(p: Array, t: Array, epsilon: float = 0.1) -> Array:
    return np.maximum(0, abs(p - t) - epsilon)


def squared_epsilon_insensitive(p: Array, t: Array, epsilon: float = 0.1) -> Array:
    return epsilon_insensitive(p, t, epsilon) ** 2


def expectile(p: Array, t: Array, q: float = 0.5) -> Array:
    return abs(q - (t < p)) * (p - t) ** 2


def quantile(p: Array, t: Array, q: float = 0.5) -> Array:
    return np.maximum(q * (t - p), (q - 1) * (t - p))


EPSILONS: dict[Domain, tuple[Parameters, ...]] = {
    RESIDUALS: ({}, {"epsilon": 0.25}, {"epsilon": 0.0})
}


def from_epsilon(p: Array, t: Array, epsilon: float = 0.1) -> Array:
    return abs(abs(p - t) - epsilon)


CASES = {
    "mse": Case(mse, {RESIDUALS: ({},)}),
    "half_mse": Case(half_mse, {RESIDUALS: ({},)}),
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
    "smooth_l1": Case(
        smooth_l1,
        {RESIDUALS: ({}, {"beta": 0.1}, {"beta": 2.5}, {"beta": 0.0})},
        distance_to_kink=lambda p, t, beta=1.0: abs(abs(p - t) - beta),
        kinks=(
            Kink(4.0, 3.0, 0.5, 1.0, 1.0),
            Kink(2.0, 3.0, 0.5, -1.0, 1.0),
            Kink(2.75, 3.0, 0.125, -1.0, 4.0, {"beta": 0.25}),
            Kink(3.0, 3.0, 0.0, 0.0, 0.0, {"beta": 0.0}),
        ),
    ),
    "epsilon_insensitive": Case(
        epsilon_insensitive,
        EPSILONS,
        ulps=256,  # |r| - epsilon cancels
        distance_to_kink=from_epsilon,
        kinks=(
            Kink(1.5, 1.0, 0.0, 0.0, 0.0, {"epsilon": 0.5}),
            Kink(0.5, 1.0, 0.0, 0.0, 0.0, {"epsilon": 0.5}),
            Kink(1.0, 1.0, 0.0, 0.0, 0.0, {"epsilon": 0.0}),
        ),
    ),
    "squared_epsilon_insensitive": Case(
        squared_epsilon_insensitive,
        EPSILONS,
        ulps=256,
        distance_to_kink=from_epsilon,
        kinks=(
            Kink(1.5, 1.0, 0.0, 0.0, 0.0, {"epsilon": 0.5}),
            Kink(0.5, 1.0, 0.0, 0.0, 0.0, {"epsilon": 0.5}),
        ),
    ),
    "expectile": Case(
        expectile,
        {RESIDUALS: ({}, {"q": 0.9})},
        ulps=8,  # 1 - q, as that of quantiles
        distance_to_kink=lambda p, t, q=0.5: abs(p - t),
        kinks=(
            Kink(2.0, 2.0, 0.0, 0.0, 1.0),
            Kink(2.0, 2.0, 0.0, 0.0, 0.5, {"q": 0.25}),
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
