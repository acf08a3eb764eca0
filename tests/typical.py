"""The typical call of each loss, on arrays of any size: what is timed, counted and evaluated.

It is the first one in the loss's row of `cases`, with that row's parameters and further operands,
on arrays of the same kind. Those are drawn in float32, the same ones in every run, and fast enough
for millions of numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import ml_dtypes
import numpy as np
from cases import (
    AMOUNTS,
    BINARY,
    COUNTS,
    DISTRIBUTIONS,
    LABELS,
    LOG_CHANCES,
    MAGNITUDES,
    MEMBERS,
    MODEST_SIGNS,
    RELEVANCES,
    RESIDUALS,
    RISING,
    SETS,
    SIGNS,
    THRESHOLDS,
    TIMES,
    TWO_HEADED_VARIANTS,
    VARIANTS,
    Array,
    Domain,
    Rng,
    Shape,
    Variant,
)

import numloss

MODES = ("value", "grad", "value+grad", "grad+hess")
DTYPES = ("float32", "float64", "float16", "bfloat16")


@dataclass(frozen=True)
class Data:
    """What a loss is called with. All but labels has the dtype asked for."""

    prediction: Array
    target: Array
    options: dict[str, Any]


def variant_of(name: str) -> Variant:
    """Return the first of a loss's row: its typical parameters, on its first domain."""
    everything = (*VARIANTS, *TWO_HEADED_VARIANTS)
    return next(variant for variant in everything if variant.name == name)


def method(name: str, mode: str) -> Callable[..., Any]:
    """Return what computes a loss in a mode."""
    loss = numloss.LOSSES[name]
    calls = (loss, loss.grad, loss.value_and_grad, loss.grad_and_hess)
    return dict(zip(MODES, calls, strict=True))[mode]


def draw(name: str, shape: Shape, dtype: str, domain: Domain | None = None) -> Data:
    """Draw what a loss is called with, on its own domain or on another one."""
    variant = variant_of(name)
    number = numpy_dtype(dtype)
    rng = np.random.default_rng(20)
    prediction = rng.standard_normal(shape, dtype=np.float32)
    domain = domain or variant.domain
    if domain not in KINDS:
        raise LookupError(f"{name}: {__file__} cannot draw {domain.name}")
    spread, target_of = KINDS[domain]
    prediction *= spread
    if domain is MAGNITUDES:
        prediction = abs(prediction)
    if domain is RISING:
        prediction.sort(axis=-1)
    target = target_of(rng, shape)
    target = target if target.dtype in (np.int64, np.bool_) else target.astype(number)
    options = variant.options(shape[-1], variant.examples(prediction), number)
    return Data(prediction.astype(number), target, options)


def real(rng: Rng, shape: Shape) -> Array:
    """Draw regression targets: residuals fall on both sides of Huber's delta."""
    return rng.standard_normal(shape, dtype=np.float32)


def magnitude(rng: Rng, shape: Shape) -> Array:
    """Draw targets of at least 0."""
    return abs(real(rng, shape))


def binary(rng: Rng, shape: Shape) -> Array:
    """Draw targets 0 and 1."""
    return rng.integers(0, 2, shape, dtype=np.int8)


def count(rng: Rng, shape: Shape) -> Array:
    """Draw counts from 0 to 7."""
    return rng.integers(0, 8, shape, dtype=np.int8)


def amount(rng: Rng, shape: Shape) -> Array:
    """Draw positive numbers up to 8."""
    return 8 - 8 * rng.random(shape, dtype=np.float32)


def sign(rng: Rng, shape: Shape) -> Array:
    """Draw targets -1 and +1."""
    return 2 * binary(rng, shape) - 1


def some(rng: Rng, shape: Shape) -> Array:
    """Draw which classes are there: one in eight."""
    return rng.random(shape, dtype=np.float32) < 0.125


def label(rng: Rng, shape: Shape) -> Array:
    """Draw one class a row."""
    return rng.integers(0, shape[-1], shape[:-1], dtype=np.int64)


def label_between(rng: Rng, shape: Shape) -> Array:
    """Draw one class a row, of those that its thresholds lie between."""
    return rng.integers(0, shape[-1] + 1, shape[:-1], dtype=np.int64)


def outcome(rng: Rng, shape: Shape) -> Array:
    """Draw one number a row."""
    return real(rng, shape[:-1])


def relevance(rng: Rng, shape: Shape) -> Array:
    """Draw grades from 0 to 4, most of them low."""
    return np.minimum(4, rng.standard_exponential(shape, dtype=np.float32)).astype(np.int8)


def distribution(rng: Rng, shape: Shape) -> Array:
    """Draw a probability for each class, none of them 0."""
    weights = np.exp(rng.standard_normal(shape))
    weights /= weights.sum(axis=-1, keepdims=True)
    return weights


#: How wide the predictions of a domain spread, and how its targets are drawn.
KINDS: dict[Domain, tuple[float, Callable[[Rng, Shape], Array]]] = {
    RESIDUALS: (1, real),
    MAGNITUDES: (1, magnitude),
    BINARY: (3, binary),
    SIGNS: (1, sign),
    COUNTS: (1, count),
    AMOUNTS: (1, amount),
    TIMES: (1, amount),
    MODEST_SIGNS: (1, sign),
    SETS: (1, some),
    LABELS: (3, label),
    LOG_CHANCES: (1, label),  # numbers of both signs, which cost the same
    DISTRIBUTIONS: (1, distribution),
    THRESHOLDS: (2, label_between),
    RISING: (2, label_between),
    MEMBERS: (1, outcome),
    RELEVANCES: (1, relevance),
}


def numpy_dtype(name: str) -> np.dtype[Any]:
    """Return NumPy's dtype of a name, with the one that NumPy does not have itself."""
    return np.dtype(getattr(ml_dtypes, name, name))
