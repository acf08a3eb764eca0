"""Losses of lists that are to be ordered."""

from __future__ import annotations

import numpy as np

from cases.arithmetic import Array, exp, log, softmax
from cases.inputs import RELEVANCES
from cases.table import Case


def _softplus(x: Array) -> Array:
    return np.maximum(x, 0) + log(1 + exp(-abs(x)))


def _differences(x: Array) -> Array:
    return x[..., :, None] - x[..., None, :]


def pairwise_logistic(s: Array, t: Array, scale: float = 1.0) -> Array:
    costs = _softplus(-scale * _differences(s))
    return np.where(_differences(t) > 0, costs, 0 * costs).sum(axis=(-2, -1))


def _ranks(x: Array) -> Array:
    return np.argsort(np.argsort(-x, axis=-1, kind="stable"), axis=-1)


def lambdarank(
    s: Array, t: Array, k: int | None = None, scale: float = 1.0, exponential_gain: bool = True
) -> Array:
    gain = 2**t - 1 if exponential_gain else t
    places = np.arange(s.shape[-1])
    exact = s[..., :1] * 0 + (places + 2)  # in the precision of the scores
    discount = np.where(places < (k or s.shape[-1]), log(exact[..., :1] * 0 + 2) / log(exact), 0)
    best = np.sum(-np.sort(-gain, axis=-1) * discount, axis=-1)[..., None, None]
    change = abs(_differences(gain) * _differences(np.take_along_axis(discount, _ranks(s), -1)))
    costs = change / np.where(best == 0, 1, best) * _softplus(-scale * _differences(s))
    return np.where(_differences(t) > 0, costs, 0 * costs).sum(axis=(-2, -1))


def softmax_ranking(s: Array, t: Array) -> Array:
    return (softmax(t) * (log(exp(s).sum(axis=-1, keepdims=True)) - s)).sum(axis=-1)


def list_mle(s: Array, t: Array) -> Array:
    s = np.take_along_axis(s, np.argsort(-t, axis=-1, kind="stable"), -1)
    left = np.cumsum(exp(s)[..., ::-1], axis=-1)[..., ::-1]
    return (log(left) - s).sum(axis=-1)


def room_of_ranks(s: Array, t: Array, **parameters: object) -> Array:
    distances = abs(_differences(s)) + np.where(np.eye(s.shape[-1], dtype=bool), np.inf, 0)
    return distances.min(axis=(-2, -1))


CASES = {
    "pairwise_logistic": Case(pairwise_logistic, {RELEVANCES: ({}, {"scale": 0.5})}, ulps=32),
    "lambdarank": Case(
        lambdarank,
        {RELEVANCES: ({}, {"k": 2, "scale": 0.5}, {"exponential_gain": False})},
        ulps=32,
        distance_to_kink=room_of_ranks,
    ),
    "softmax_ranking": Case(softmax_ranking, {RELEVANCES: ({},)}, ulps=8),
    "list_mle": Case(list_mle, {RELEVANCES: ({},)}, ulps=16),
}
