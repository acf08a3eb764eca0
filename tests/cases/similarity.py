"""Losses of what is compared: rows of numbers, or scores, beside each other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from cases.arithmetic import Array, sqrt
from cases.inputs import Rng, Shape


def _norm(x: Array) -> Array:
    return sqrt((x * x).sum(axis=-1))


def margin_ranking(first: Array, second: Array, target: Array, margin: float = 0.0) -> Array:
    return np.maximum(margin - target * (first - second), 0)


def cosine_similarity(p: Array, t: Array, eps: float = 1e-8) -> Array:
    return 1 - (p * t).sum(axis=-1) / (np.maximum(_norm(p), eps) * np.maximum(_norm(t), eps))


def cosine_embedding(first: Array, second: Array, target: Array, margin: float = 0.0) -> Array:
    squares = [(x * x).sum(axis=-1) + 1e-12 for x in (first, second)]
    cosine = (first * second).sum(axis=-1) / sqrt(squares[0] * squares[1])
    return np.where(target > 0, 1 - cosine, np.maximum(cosine - margin, 0))


def contrastive(first: Array, second: Array, target: Array, margin: float = 1.0) -> Array:
    distance = _norm(first - second)
    return (target * distance**2 + (1 - target) * np.maximum(margin - distance, 0) ** 2) / 2


def triplet_margin(
    anchor: Array,
    positive: Array,
    negative: Array,
    margin: float = 1.0,
    p: float = 2.0,
    swap: bool = False,
    eps: float = 1e-6,
) -> Array:
    def distance(x: Array, y: Array) -> Array:
        return _norm(x - y + eps) if p == 2 else abs(x - y + eps).sum(axis=-1)

    other = distance(anchor, negative)
    if swap:
        other = np.minimum(other, distance(positive, negative))
    return np.maximum(margin + distance(anchor, positive) - other, 0)


def _signs(rng: Rng, shape: Shape) -> Array:
    return 2.0 * (rng.uniform(size=shape) < 0.5) - 1


def _draw_scores(rng: Rng, shape: Shape) -> list[Array]:
    return [rng.normal(size=shape), rng.normal(size=shape), _signs(rng, shape)]


def _near(rng: Rng, x: Array) -> Array:
    """Return rows of which every third is nearly the same."""
    y = rng.normal(size=x.shape)
    near = np.arange(len(x)) % 3 == 0
    return np.where(near.reshape(-1, *[1] * (x.ndim - 1)), 2 * x + y / 1024, y)


def _draw_rows(rng: Rng, shape: Shape) -> list[Array]:
    x = rng.normal(size=shape)
    return [x, _near(rng, x)]


def _draw_signed_rows(rng: Rng, shape: Shape) -> list[Array]:
    return [*_draw_rows(rng, shape), _signs(rng, shape[:-1])]


def _draw_shared_rows(rng: Rng, shape: Shape) -> list[Array]:
    first, second = _draw_rows(rng, shape)
    return [first, second, np.floor(rng.uniform(size=shape[:-1]) * 3) / 2]


def _draw_triplets(rng: Rng, shape: Shape) -> list[Array]:
    return [rng.normal(size=shape) for _ in range(3)]


@dataclass(frozen=True)
class Comparison:
    """A loss, sets of its parameters, and what it is called with: all that it takes by position."""

    definition: Callable[..., Array]
    draw: Callable[[Rng, Shape], list[Array]]
    parameters: tuple[Mapping[str, Any], ...] = ({},)


#: The losses that compare rows or scores: tests/test_similarity.py has them to itself.
COMPARING = {
    "margin_ranking": Comparison(margin_ranking, _draw_scores, ({}, {"margin": 0.5})),
    "cosine_similarity": Comparison(cosine_similarity, _draw_rows, ({}, {"eps": 2.0})),
    "cosine_embedding": Comparison(cosine_embedding, _draw_signed_rows, ({}, {"margin": -0.5})),
    "contrastive": Comparison(contrastive, _draw_shared_rows, ({}, {"margin": 4.0})),
    "triplet_margin": Comparison(
        triplet_margin,
        _draw_triplets,
        ({}, {"margin": 0.5, "swap": True, "eps": 0.0}, {"p": 1.0}, {"p": 1.0, "swap": True}),
    ),
}
