"""Errors of values and gradients of every loss in `tests/cases`, against mpmath."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import ml_dtypes
import mpmath
import numpy as np
from cases import RISING, Variant, in_type

from accuracy.ulp import errors, long_double

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    Array = NDArray[Any]
    #: Computes values and gradients of the examples; None where it has no such loss or dtype.
    Contestant = Callable[
        [Variant, Array, Array, dict[str, Any]], tuple[Array, Array | None] | None
    ]

DTYPES = {
    name: np.dtype(getattr(ml_dtypes, name, name))
    for name in ("float64", "float32", "float16", "bfloat16")
}
#: Gradients of more classes are compared at so many of them: the label's, the likeliest's, others.
COMPARED_CLASSES = 8
#: Losses whose gradient is a difference, right to units of the largest of its row; and those of
#: which this is so against probabilities alone.
OF_DIFFERENCES = (
    "ranked_probability",
    "multiclass_brier",
    "expected_cost",
    "forward_cross_entropy",
    "sparsemax",
    "entmax15",
    "bi_tempered",
    "crps_ensemble",
    "pairwise_logistic",
    "lambdarank",
    "softmax_ranking",
    "list_mle",
    "cox",
)
DIVERGENCES = ("js_divergence", "total_variation")


class Size(NamedTuple):
    """How many random examples are drawn: shapes of losses without and with classes."""

    elements: tuple[int, ...]
    rows: tuple[tuple[int, int], ...]
    points: bool  # those of the table as well


FULL = Size((2000,), ((150, 7), (6, 200), (2, 1000)), points=True)
#: Of losses of pairs of classes, whose definitions take long.
PAIRS = Size((), ((150, 7), (6, 30)), points=True)
#: Of those that take longest: equations to solve, all pairs of a list, hundreds of digits.
FEW = Size((), ((20, 7), (2, 30)), points=True)
SMALL = Size((100,), ((6, 5),), points=False)


@dataclass(frozen=True)
class Sample:
    """Inputs, what is exact for them, and the numbers whose last place is the unit of an error."""

    prediction: Array
    target: Array
    options: dict[str, Any]
    value: Array
    value_scale: Array
    gradient: Array
    gradient_scale: Array
    classes: Array | None  # of which the gradient is compared
    smooth: Array  # examples that are not at a kink

    def errors(self, value: Array, gradient: Array | None) -> tuple[Array, Array]:
        """Return a contestant's errors, those of all examples after each other."""
        off = errors(value, self.value, self.value_scale).reshape(-1)
        if gradient is None:
            return off, np.empty(0)
        if self.classes is not None:
            gradient = np.take_along_axis(gradient, self.classes, axis=-1)
        slope = errors(gradient, self.gradient, self.gradient_scale)[self.smooth]
        return off, slope.reshape(-1)


def samples(variant: Variant, dtype: np.dtype[Any], size: Size) -> Iterator[Sample]:
    """Draw inputs of a dtype and compute what is exact for them."""
    for i, shape in enumerate(size.rows if variant.rowwise else [(n,) for n in size.elements]):
        # Half the examples are shrunk, to near 0 where the loss is even or a chance small.
        rng = np.random.default_rng([7, i])
        shrink = np.where(rng.uniform(size=shape[0]) < 0.5, 1, 2.0 ** rng.uniform(-20, 0, shape[0]))
        prediction, target = variant.domain.draw(rng, shape)
        prediction = (prediction.T * shrink).T
        # Of 1 - exp(-exp(x)), and of 1 - exp(-30 x), as many digits as of the points.
        digits = 400 if variant.domain is RISING or variant.case.steep else 100
        yield sample(variant, *_fit(variant, prediction, target, dtype), digits=digits)
    if size.points:
        prediction, target = variant.domain.points
        # Of 1 - exp(-700) hundreds of digits must be there.
        yield sample(variant, *_fit(variant, prediction, target, dtype), digits=400)


def _fit(variant: Variant, p: Array, t: Array, dtype: np.dtype[Any]) -> tuple[Array, Array]:
    """Round inputs to a dtype; leave out those that it takes out of the loss's domain."""
    with np.errstate(over="ignore"):
        p, t = p.astype(dtype), in_type(t, dtype)
    kept = np.isfinite(p) & variant.domain.inside(p)
    if variant.rowwise:
        kept = kept.all(axis=-1)
    return p[kept], t[kept]


def sample(variant: Variant, prediction: Array, target: Array, digits: int) -> Sample:
    """Compute what is exact for inputs."""
    with mpmath.workdps(digits):
        value = long_double(variant.value(prediction, target, exact=True))
        classes = _compared(prediction, target) if variant.rowwise else None
        gradient = _gradient(variant, prediction, target, classes)
        gradient_scale = _gradient_scale(variant, prediction, target, classes, gradient)
    wide = prediction.astype(np.float64), in_type(target, np.float64)
    return Sample(
        prediction,
        target,
        variant.options(prediction.shape[-1], variant.examples(prediction), prediction.dtype),
        value,
        _value_scale(variant, prediction, target, value),
        gradient,
        gradient_scale,
        classes,
        variant.smooth(*wide, reach=0),
    )


def _compared(prediction: Array, target: Array) -> Array:
    """Choose the classes whose derivatives are compared, for each row."""
    rows, classes = prediction.shape
    if classes <= COMPARED_CLASSES:
        return np.broadcast_to(np.arange(classes), prediction.shape)
    chosen = np.random.default_rng(5).integers(classes, size=(rows, COMPARED_CLASSES))
    if target.ndim > 1:
        chosen[:, 0] = target.argmax(axis=-1)
    elif target.dtype.kind in "iu":
        chosen[:, 0] = np.minimum(target, classes - 1)  # there may be a threshold less
    chosen[:, 1] = prediction.argmax(axis=-1)
    return chosen


def _gradient(
    variant: Variant, prediction: Array, target: Array, classes: Array | None, offset: float = 0.0
) -> Array:
    """Differentiate the definition, right to the square of the step.

    Each derivative is taken where its own logit is off by `offset`.
    """
    step = mpmath.mpf(10) ** -30
    x = np.frompyfunc(mpmath.mpf, 1, 1)(prediction.astype(np.float64))

    def along(direction: Array | int) -> Array:
        sides = (x + (offset + k) * direction for k in (step, -step))
        ahead, behind = (variant.value(side, target, exact=True) for side in sides)
        return long_double((ahead - behind) / (2 * step))

    if classes is None:
        return along(1)
    units = (classes[..., None] == np.arange(prediction.shape[-1])).astype(int)
    return np.stack([along(units[:, k]) for k in range(classes.shape[-1])], axis=-1)


def _gradient_scale(
    variant: Variant, prediction: Array, target: Array, classes: Array | None, gradient: Array
) -> Array:
    """Return the numbers in whose last place errors of the gradient are counted."""
    # A soft-cap takes the slope of what it is measured by below.
    soft = variant.domain.soft and variant.name in DIVERGENCES
    # A z-loss adds a share of p to the difference.
    differs = "softcap" in variant.parameters or "z_loss" in variant.parameters
    if variant.name in OF_DIFFERENCES or soft or differs:
        # Of a row whose gradient is 0 the differences leave some 1e-70.
        largest = np.maximum(abs(gradient).max(axis=-1, keepdims=True), 1e-50)
        return np.broadcast_to(largest, gradient.shape)
    if variant.name in ("poisson", "gamma"):
        # A term for the prediction, which is there without a target, less one for the target.
        alone = _gradient(variant, prediction, np.zeros_like(target), None)
        return np.maximum(abs(gradient), abs(alone))
    if variant.keeps_digits or variant.case.crosses_zero == 2:
        return abs(gradient)
    if variant.rowwise:
        # V p - v, and -v where p is 0.
        share = -_gradient(variant, prediction, target, classes, offset=-1000.0)
        return np.maximum(share, gradient + share)
    kept = {k: x for k, x in variant.parameters.items() if k != "label_smoothing"}
    pure = replace(variant, parameters=kept)
    towards = (_gradient(pure, prediction, np.full_like(target, label), None) for label in (0, 1))
    return np.maximum(*map(abs, towards))


def _value_scale(variant: Variant, prediction: Array, target: Array, value: Array) -> Array:
    """Return the numbers in whose last place errors of the value are counted."""
    if variant.name == "kl_divergence":
        q = target.astype(np.float64).astype(np.longdouble)
        return value - (q * np.log(np.where(q > 0, q, 1))).sum(axis=-1)
    if variant.name == "multiclass_hinge":
        margin = variant.parameters.get("margin", 1.0)
        return np.maximum(value, margin * variant.weight(target, prediction.shape[-1]))
    return value


def ours(
    variant: Variant, prediction: Array, target: Array, options: dict[str, Any]
) -> tuple[Array, Array]:
    """Compute with numloss."""
    return variant.loss.value_and_grad(prediction, target, reduction="none", **options)


@dataclass(frozen=True)
class Figures:
    """The errors of many results in units in the last place."""

    median: float
    most: float  # 99 of 100 are at most this
    worst: float

    @classmethod
    def of(cls, off: Array) -> Figures:
        """Summarise errors."""
        median, most = np.quantile(off, [0.5, 0.99], method="inverted_cdf")
        return cls(float(median), float(most), float(off.max()))


@dataclass(frozen=True)
class Measured:
    """A contestant's errors of one loss with its parameters, for one dtype."""

    value: Figures
    gradient: Figures | None


def measure(
    variant: Variant, dtype: str, size: Size, contestants: dict[str, Contestant]
) -> dict[str, Measured]:
    """Measure the contestants that have a loss on the same inputs."""
    drawn = list(samples(variant, DTYPES[dtype], size))
    found = {name: _measure(variant, drawn, compute) for name, compute in contestants.items()}
    return {name: measured for name, measured in found.items() if measured is not None}


def _measure(variant: Variant, drawn: list[Sample], compute: Contestant) -> Measured | None:
    off = []
    for one in drawn:
        results = compute(variant, one.prediction, one.target, one.options)
        if results is None:
            return None
        off.append(one.errors(*results))
    values, gradients = (np.concatenate(parts) for parts in zip(*off, strict=True))
    return Measured(Figures.of(values), Figures.of(gradients) if gradients.size else None)
