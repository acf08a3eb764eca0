"""Which calls are counted, and what was counted of them.

Every loss and dtype is among them, and beside the plain calls the modes, options, kinds of target
and ways of reading memory that have code of their own.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from cases import APART, DISTRIBUTIONS, PLAIN, Domain, Shape
from typical import DTYPES, draw, method

import numloss

BASELINE = Path(__file__).with_name("baseline.json")
#: Whole tiles and a tail; rows side by side, and folded.
SHAPES = {False: ((20_001,),), True: ((650, 10), (70, 130), (9, 2001))}
#: Layouts of tests/native/replay.cpp: gaps after every number, and axes in the reverse order, which
#: kernels read through copies of a few rows.
LAYOUTS = ("spread", "by_columns")
#: The replay makes a plane of the elements: 127 columns, which are the least that divide them.
PLANE = (157 * 127,)
#: Losses that go through all pairs of a list: long ones would take minutes under Valgrind.
OF_PAIRS = ("pairwise_logistic", "lambdarank")
MODES = ("value", "value+grad")
MORE_MODES = ("grad", "grad+hess")


@dataclass(frozen=True)
class Counted:
    """A call to count. Its options are those of a shape; the domain is the loss's own if None."""

    loss: str
    mode: str
    shape: Shape
    dtype: str = "float32"
    name: str = ""
    options: Callable[[Shape], dict[str, Any]] = field(default=lambda shape: {})
    domain: Domain | None = None

    def __str__(self) -> str:
        """Name of the call in the baseline."""
        words = (self.loss, self.mode, "x".join(map(str, self.shape)), self.dtype, self.name)
        return " ".join(filter(None, words))

    def make(self, call: Callable[..., Any]) -> None:
        """Make the call through ``call``, which recording.call stands for."""
        data = draw(self.loss, self.shape, self.dtype, self.domain)
        options = {"reduction": "sum"} | data.options | self.options(self.shape)
        prediction = data.prediction
        if options.get("from_logits") is False:
            prediction = (1 / (1 + np.exp(-prediction))).astype(prediction.dtype)
        asked = method(self.loss, self.mode)
        loss = numloss.LOSSES[self.loss]
        name = "__call__" if asked is loss else asked.__name__
        call(loss, name, prediction, data.target, **options)


def calls() -> Iterator[Counted]:
    """Yield every call on contiguous arrays.

    Numbers of 16 bits are copied in and out, which losses share: those of the shared tests alone.
    """
    shared = {variant.name for variant in PLAIN}
    for name, loss in numloss.LOSSES.items():
        if name in APART:
            continue
        dtypes = DTYPES if name in shared else ("float32", "float64")
        shapes = SHAPES[loss.rowwise][: 2 if name in OF_PAIRS else None]
        for dtype, shape, mode in product(dtypes, shapes, MODES):
            yield Counted(name, mode, shape, dtype)
        for shape, mode in product(shapes, MORE_MODES):
            yield Counted(name, mode, shape)
    yield from special()


def special() -> Iterator[Counted]:
    """Yield the options, targets and reductions that have code of their own."""
    for (loss, name, options, domain), mode in product(OPTIONS, MODES):
        for shape in SHAPES[numloss.LOSSES[loss].rowwise]:
            yield Counted(loss, mode, shape, "float32", name, options, domain)
    for dtype in ("float64", "bfloat16"):
        yield Counted("mse", "value+grad", SHAPES[False][0], dtype, "weight", weighted)


def laid_out() -> Iterator[Counted]:
    """Yield the calls that are counted on other layouts as well."""
    for loss in ("mse", "binary_cross_entropy", "cross_entropy"):
        shapes = SHAPES[True] if numloss.LOSSES[loss].rowwise else (PLANE,)
        for shape, mode in product(shapes, MODES):
            yield Counted(loss, mode, shape)


def fixed(**options: Any) -> Callable[[Shape], dict[str, Any]]:
    """Return options that do not depend on the shape."""
    return lambda shape: options


def weighted(shape: Shape) -> dict[str, Any]:
    """Weights of the examples."""
    examples = shape if len(shape) == 1 else shape[:-1]
    return {"weight": np.linspace(0.5, 1.5, math.prod(examples), dtype=np.float32)}


def class_weighted(shape: Shape) -> dict[str, Any]:
    """Weights of the classes."""
    return {"class_weight": np.linspace(0.5, 1.5, shape[-1])}


#: Loss, name, options and domain, where it is not the loss's own.
OPTIONS: tuple[tuple[str, str, Callable[[Shape], dict[str, Any]], Domain | None], ...] = (
    *((loss, "weight", weighted, None) for loss in ("mse", "huber", "focal", "cross_entropy")),
    *((loss, "none", fixed(reduction="none"), None) for loss in ("mse", "focal", "cross_entropy")),
    ("binary_cross_entropy", "probabilities", fixed(from_logits=False), None),
    ("focal", "probabilities", fixed(from_logits=False), None),
    ("focal", "gamma 1.5", fixed(gamma=1.5), None),
    ("binary_cross_entropy", "pos_weight", fixed(pos_weight=3.0), None),
    ("cross_entropy", "soft", fixed(), DISTRIBUTIONS),
    ("cross_entropy", "soft class_weight", class_weighted, DISTRIBUTIONS),
    ("cross_entropy", "label_smoothing", fixed(label_smoothing=0.1), None),
    ("cross_entropy", "class_weight", class_weighted, None),
    ("multiclass_hinge", "crammer_singer", fixed(variant="crammer_singer"), None),
)


@cache
def baseline() -> dict[str, Any]:
    """Return the stored counts."""
    found: dict[str, Any] = json.loads(BASELINE.read_text())
    return found


def operations(loss: str, mode: str, shape: Shape, dtype: str) -> float | None:
    """Return the packed operations of each element, as counted on the shape nearest to this one.

    An instruction on a register of n numbers makes n operations. None where none were counted.
    """
    known = SHAPES[numloss.LOSSES[loss].rowwise]
    nearest = min(known, key=lambda counted: abs(math.log(counted[-1] / shape[-1])))
    counted = baseline()["calls"].get(str(Counted(loss, mode, nearest, dtype)))
    numbers = 4 if dtype == "float64" else 8
    return counted["packed"] * numbers / math.prod(nearest) if counted else None
