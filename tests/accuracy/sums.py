"""Sums over many examples through the public API."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

import cases
import numpy as np
from cases import Variant
from typical import variant_of

import numloss

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    Array = NDArray[Any]

COUNT = 10**8
CLASSES = 8
#: Draws and references take many times the memory of their numbers.
CHUNK = 10**6
#: One of the losses whose sums take the logarithms of many examples at once.
GROUPED = "binary_cross_entropy"


@dataclass(frozen=True)
class Summed:
    """A sum, and how far it is from the exact one."""

    terms: int
    ulps: float | None  # off the sum of the per-example values
    relative: float | None  # off the definition's sum


def check(name: str, count: int = COUNT, dtype: str = "float32") -> tuple[str, Summed]:
    """Sum a loss over so many numbers: examples, or classes times rows."""
    variant = variant_of(name)
    prediction, target = inputs(variant, count, dtype)
    options = variant.options(CLASSES, variant.examples(prediction), dtype)
    total = float(variant.loss(prediction, target, reduction="sum", **options))
    if name in cases.GROUPED:
        reference = exact_cross_entropy(prediction)
        return name, Summed(len(prediction), None, float(abs(total - reference) / reference))
    values = variant.loss(prediction, target, reduction="none", **options)
    exact = math.fsum(chain.from_iterable(part.tolist() for part in parts(values)))
    return name, Summed(values.size, abs(total - exact) / math.ulp(exact), None)


def inputs(variant: Variant, count: int, dtype: str) -> tuple[Array, Any]:
    """Draw predictions of a loss, and targets; a loss without classes has one target for all."""
    shape = (count // CLASSES, CLASSES) if variant.rowwise else (count,)
    prediction = np.empty(shape, dtype)
    target: Any = 1.0  # in every domain
    if variant.rowwise:
        labels = variant.inputs((1, CLASSES), dtype)[1]
        narrow = np.int8 if labels.dtype.kind == "i" else labels.dtype
        target = np.empty((len(prediction), *labels.shape[1:]), narrow)
    for seed, start in enumerate(range(0, len(prediction), CHUNK)):
        part = slice(start, start + CHUNK)
        drawn = variant.inputs(prediction[part].shape, dtype, seed)
        prediction[part] = drawn[0]
        if variant.rowwise:
            target[part] = drawn[1]
    return prediction, target


def parts(x: Array) -> Iterator[Array]:
    """Cut an array."""
    return (x[start : start + CHUNK] for start in range(0, len(x), CHUNK))


def exact_cross_entropy(logits: Array) -> Any:
    """Sum binary cross-entropies for the target 1, in long double."""
    zero = np.longdouble(0)
    return sum((np.logaddexp(zero, -x.astype(np.longdouble)).sum() for x in parts(logits)), zero)


def worst_grouped(dtype: str, points: int = 2001, repeats: int = 1024) -> float:
    """Return the largest relative error of a sum of equal examples: their roundings add up."""
    loss = numloss.LOSSES[GROUPED]
    worst = 0.0
    for logit in np.linspace(-20, 20, points).astype(dtype):
        prediction = np.full(repeats, logit)
        exact = exact_cross_entropy(prediction)
        total = loss(prediction, 1.0, reduction="sum")
        worst = max(worst, float(abs(total - exact) / exact))
    return worst
