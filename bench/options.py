"""What options cost: a call with one beside the plain call on the same predictions.

Every loss is called with each option that its signature has; one that takes probabilities of the
classes as well as labels is also called with those.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from cases import DISTRIBUTIONS
from typical import Data, draw, variant_of

import numloss
from bench import beside
from bench.cells import accepts, parse_shape
from bench.timing import Budget

SIZES = ("10k", "1M", "20M", "4096x10", "100kx10", "1024x1000", "256x50257")
SHAPES = tuple(map(parse_shape, SIZES))
SOFT, CLASS_WEIGHT = "soft labels", "class_weight"


def measure(losses: Iterable[str], dtype: str, budget: Budget) -> Iterator[dict[str, Any]]:
    """Time every option of each loss, all those of one shape in turn."""
    for loss in losses:
        for shape in (shape for shape in SHAPES if accepts(loss, shape)):
            data = draw(loss, shape, dtype)
            varied = {
                what: beside.calls(loss, arrays, **options)
                for what, arrays, options in variations(loss, data)
            }
            problem = (loss, shape, dtype)
            yield from beside.measure(problem, beside.calls(loss, data), varied, budget)


def variations(loss: str, data: Data) -> Iterator[tuple[str, Data, dict[str, Any]]]:
    """Yield the options by name: the data they go with, and how they are passed."""
    parameters = inspect.signature(numloss.LOSSES[loss]).parameters
    found = {name: value for name, value in common(loss, data) if name in parameters}
    for name, value in found.items():
        yield name, data, {name: value}
    plain = variant_of(loss)
    if DISTRIBUTIONS in plain.case.parameters and plain.domain is not DISTRIBUTIONS:
        soft = draw(loss, data.prediction.shape, str(data.prediction.dtype), DISTRIBUTIONS)
        soft = replace(data, target=soft.target)
        yield SOFT, soft, {}
        if CLASS_WEIGHT in found:
            yield f"{SOFT}, {CLASS_WEIGHT}", soft, {CLASS_WEIGHT: found[CLASS_WEIGHT]}


def common(loss: str, data: Data) -> Iterator[tuple[str, Any]]:
    """Yield values of the options that losses have in common."""
    examples = variant_of(loss).examples(data.prediction)
    weight = np.linspace(0.5, 1.5, math.prod(examples)).astype(data.prediction.dtype)
    yield "weight", weight.reshape(examples)
    between = numloss.LOSSES[loss].domain == "ordered labels"  # columns are, of one class more
    yield CLASS_WEIGHT, np.linspace(0.5, 1.5, data.prediction.shape[-1] + between)
    yield "pos_weight", 3.0
    yield "label_smoothing", 0.1
