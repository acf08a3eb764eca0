"""The table that drives the tests: one row for each loss.

A row holds what cannot be derived: the loss's definition in plain NumPy, the inputs it is made for,
sets of its parameters, its kinks, and points at which a careless formula loses its digits.
Definitions are written from the documentation, never from the kernels, and do nothing for their
numerical stability: they run in long double, or on arrays of mpmath's numbers with as many digits
as it takes. Derivatives are differences of the definitions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import product
from typing import Any

import mpmath
import numpy as np
from numpy.typing import NDArray
from recording import call

import numloss

Array = NDArray[Any]
Inputs = tuple[Array, Array]
Rng = np.random.Generator
Shape = tuple[int, ...]

# ------------------------------------------------------------------------------------ definitions


def _any_precision(native: np.ufunc, exact: Callable[[Any], Any]) -> Callable[[Array], Array]:
    """Return a function of long doubles and of mpmath's numbers."""
    exact_ufunc = np.frompyfunc(exact, 1, 1)
    return lambda x: exact_ufunc(x) if x.dtype == object else native(x)


exp = _any_precision(np.exp, mpmath.exp)
log = _any_precision(np.log, mpmath.log)


def x_log_y(x: Array, y: Array) -> Array:
    """Return x log(y), which is 0 for x = 0."""
    return x * log(np.where(x == 0, 1, y))


def sigmoid(x: Array) -> Array:
    return 1 / (1 + exp(-x))


def softmax(x: Array) -> Array:
    exponentials = exp(x)
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


def is_label(label: Array, classes: int) -> Array:
    return label[..., None] == np.arange(classes)


def at_label(x: Array, label: Array) -> Array:
    return np.take_along_axis(x, label[..., None], axis=-1)[..., 0]


def mse(p: Array, t: Array) -> Array:
    return (p - t) ** 2


def mae(p: Array, t: Array) -> Array:
    return abs(p - t)


def huber(p: Array, t: Array, delta: float = 1.0) -> Array:
    r = abs(p - t)
    return np.where(r <= delta, r**2 / 2, delta * (r - delta / 2))


def quantile(p: Array, t: Array, q: float = 0.5) -> Array:
    return np.maximum(q * (t - p), (q - 1) * (t - p))


def gaussian_nll(p: Array, t: Array, variance: Array, full: bool = False) -> Array:
    constant = mpmath.log(2 * mpmath.pi) / 2 if full else 0
    return (log(variance) + (p - t) ** 2 / variance) / 2 + float(constant)


def binary_cross_entropy(
    p: Array,
    t: Array,
    pos_weight: float = 1.0,
    label_smoothing: float = 0.0,
    from_logits: bool = True,
) -> Array:
    positive, negative = (sigmoid(p), sigmoid(-p)) if from_logits else (p, 1 - p)
    t = t * (1 - label_smoothing) + label_smoothing / 2
    return -(pos_weight * x_log_y(t, positive) + x_log_y(1 - t, negative))


def focal(
    p: Array, t: Array, gamma: float = 2.0, alpha: float | None = 0.25, from_logits: bool = True
) -> Array:
    positive, negative = (sigmoid(p), sigmoid(-p)) if from_logits else (p, 1 - p)
    miss = positive * (1 - t) + negative * t  # 1 - p_t
    alpha_t = 1 if alpha is None else alpha * t + (1 - alpha) * (1 - t)
    return -alpha_t * miss**gamma * (x_log_y(t, positive) + x_log_y(1 - t, negative))


def sign(t: Array) -> Array:
    return 2 * t.astype(int) - 1 if t.dtype == bool else t


def hinge(s: Array, t: Array, margin: float = 1.0) -> Array:
    return np.maximum(0, margin - sign(t) * s)


def squared_hinge(s: Array, t: Array, margin: float = 1.0) -> Array:
    return hinge(s, t, margin) ** 2


def cross_entropy(
    x: Array, target: Array, class_weight: Array | float = 1.0, label_smoothing: float = 0.0
) -> Array:
    classes = x.shape[-1]
    q = target if target.ndim == x.ndim else is_label(target, classes).astype(int)
    q = q * (1 - label_smoothing) + label_smoothing / classes
    return -x_log_y(class_weight * q, softmax(x)).sum(axis=-1)


def kl_divergence(x: Array, q: Array) -> Array:
    return (x_log_y(q, q + 0 * x) - x_log_y(q, softmax(x))).sum(axis=-1)


def multiclass_hinge(
    s: Array,
    label: Array,
    margin: float = 1.0,
    variant: str = "weston_watkins",
    class_weight: Array | None = None,
) -> Array:
    excess = np.maximum(0, margin + s - at_label(s, label)[..., None])
    others = np.where(is_label(label, s.shape[-1]), 0, excess)
    loss = others.sum(axis=-1) if variant == "weston_watkins" else others.max(axis=-1)
    return loss if class_weight is None else class_weight[label] * loss


def softmax_focal(x: Array, label: Array, gamma: float = 2.0, alpha: Array | float = 1.0) -> Array:
    p = softmax(x)
    miss = np.where(is_label(label, x.shape[-1]), 0, p).sum(axis=-1)  # 1 - p_y
    factor = alpha[label] if isinstance(alpha, np.ndarray) else alpha
    return -factor * miss**gamma * log(at_label(p, label))


def ranked_probability(x: Array, label: Array, class_weight: Array | None = None) -> Array:
    cumulative = np.cumsum(softmax(x), axis=-1)
    reached = (label[..., None] <= np.arange(x.shape[-1])).astype(int)
    loss = ((cumulative - reached) ** 2)[..., :-1].sum(axis=-1)
    return loss if class_weight is None else class_weight[label] * loss


def ordinal_cross_entropy(
    x: Array,
    label: Array,
    distance: str | Array = "absolute",
    temperature: float = 1.0,
    class_weight: Array | None = None,
) -> Array:
    steps = abs(np.arange(x.shape[-1]) - label[..., None])
    powers = {"absolute": steps, "squared": steps**2}
    d = powers[distance] if isinstance(distance, str) else distance[label]
    loss = cross_entropy(x, softmax(-(d + 0 * x) / temperature))
    return loss if class_weight is None else class_weight[label] * loss


def derivatives(f: Callable[[Array], Array], x: Array, step: Any, rowwise: bool) -> Inputs:
    """Return the first and second derivatives of examples' values, by central differences.

    The stencils are of eighth order. For a rowwise loss the second ones are the diagonal.
    """
    if not rowwise:
        return _differences(lambda h: f(x + h), step)
    units = np.eye(x.shape[-1], dtype=int)
    columns = [_differences(lambda h, unit=unit: f(x + h * unit), step) for unit in units]
    first, second = zip(*columns, strict=True)
    return np.stack(first, axis=-1), np.stack(second, axis=-1)


def _differences(f: Callable[[Any], Array], step: Any) -> Inputs:
    center = f(0 * step)
    sides = [(f(k * step), f(-k * step)) for k in (1, 2, 3, 4)]
    odd = [ahead - behind for ahead, behind in sides]
    even = [(ahead - center) + (behind - center) for ahead, behind in sides]
    first = 672 * odd[0] - 168 * odd[1] + 32 * odd[2] - 3 * odd[3]
    second = 8064 * even[0] - 1008 * even[1] + 128 * even[2] - 9 * even[3]
    return first / (840 * step), second / (5040 * step**2)


# ----------------------------------------------------------------------------------------- inputs


@dataclass(frozen=True, eq=False)
class Domain:
    """Inputs a loss is made for: random ones, and points at which digits are easily lost.

    Predictions and targets are float64, labels int64. The last axis is that of the classes, where a
    loss has one.
    """

    name: str
    draw: Callable[[Rng, Shape], Inputs]
    points: Inputs


def _even_labels(rng: Rng, shape: Shape, classes: int) -> Array:
    n = int(np.prod(shape, dtype=int))
    return rng.permutation((rng.integers(classes) + np.arange(n)) % classes).reshape(shape)


def _grid(predictions: list[float], targets: list[Any]) -> Inputs:
    p, t = zip(*product(predictions, targets), strict=True)
    return np.array(p), np.array(t)


def _draw_residuals(rng: Rng, shape: Shape) -> Inputs:
    return rng.normal(scale=2.0, size=shape), rng.normal(size=shape)


def _draw_binary(rng: Rng, shape: Shape) -> Inputs:
    return rng.normal(scale=3.0, size=shape), _even_labels(rng, shape, 2).astype(float)


def _draw_fractions(rng: Rng, shape: Shape) -> Inputs:
    return rng.normal(scale=3.0, size=shape), rng.uniform(size=shape)


def _draw_chances(rng: Rng, shape: Shape) -> Inputs:
    return rng.uniform(0.02, 0.98, size=shape), _even_labels(rng, shape, 2).astype(float)


def _draw_signs(rng: Rng, shape: Shape) -> Inputs:
    return rng.normal(scale=1.5, size=shape), 2.0 * _even_labels(rng, shape, 2) - 1.0


def _draw_booleans(rng: Rng, shape: Shape) -> Inputs:
    return rng.normal(scale=1.5, size=shape), _even_labels(rng, shape, 2) == 1


def _draw_labels(rng: Rng, shape: Shape) -> Inputs:
    return rng.normal(scale=2.0, size=shape), _even_labels(rng, shape[:-1], shape[-1])


def _draw_distributions(rng: Rng, shape: Shape) -> Inputs:
    # One class in four has no share.
    shares = rng.exponential(size=shape) * (rng.uniform(size=shape) < 0.75)
    shares[..., -1:] += 0.125
    return rng.normal(scale=2.0, size=shape), shares / shares.sum(axis=-1, keepdims=True)


# All of them are float32 numbers, too.
_RESIDUALS = [2.0**-60, 2.0**-20, 0.25, 0.875, 30.0, 2.0**30]
_LOGITS = [0.0, 2.0**-30, 0.5, 5.0, 20.0, 90.0, 700.0]
_CHANCES = [2.0**-50, 2.0**-20, 0.125, 0.5, 1 - 2.0**-7, 1 - 2.0**-20]
_SCORES = [0.0, 0.5, 1 - 2.0**-20, 1.5, 2.0**30]
_ROWS = [
    [0.0, 0.0, 0.0, 0.0],
    [2.0**-20, 0.0, -(2.0**-20), 0.0],
    [5.0, 5.0, -80.0, 4.0],
    [20.0, 0.0, -1.0, 0.5],
    [-310.0, -400.0, -301.0, -302.0],
    [1.0, 700.0, 0.0, -50.0],
]
_SHARES = [[0.125, 0.375, 0.5, 0.0], [1.0, 0.0, 0.0, 0.0], [0.5, 0.0, 0.0, 0.5]]


def _signed(values: list[float]) -> list[float]:
    return values + [-x for x in values if x]


RESIDUALS = Domain("residuals", _draw_residuals, _grid(_signed(_RESIDUALS), [0.0, 0.75]))
BINARY = Domain("binary", _draw_binary, _grid(_signed(_LOGITS), [0.0, 1.0]))
FRACTIONS = Domain("fractions", _draw_fractions, _grid(_signed(_LOGITS), [0.25, 1.0]))
CHANCES = Domain("chances", _draw_chances, _grid(_CHANCES, [0.0, 1.0]))
SIGNS = Domain("signs", _draw_signs, _grid(_signed(_SCORES), [-1.0, 1.0]))
BOOLEANS = Domain("booleans", _draw_booleans, _grid(_signed(_SCORES), [False, True]))
LABELS = Domain("labels", _draw_labels, _grid(_ROWS, [0, 1, 2, 3]))
DISTRIBUTIONS = Domain("distributions", _draw_distributions, _grid(_ROWS, _SHARES))


@dataclass(frozen=True, eq=False)
class PerClass:
    """A parameter that depends on the number of classes."""

    name: str
    of: Callable[[int], Array]


@dataclass(frozen=True, eq=False)
class PerExample:
    """A further operand: a number for each example, such as a variance.

    Only numbers that are exact in every dtype are drawn, so that the definition has the same ones.
    """

    name: str
    draw: Callable[[Rng, Shape], Array]


def _uneven(classes: int) -> Array:
    ahead = np.subtract.outer(-np.arange(classes), -np.arange(classes))
    return np.maximum(0, ahead) + np.sqrt(np.maximum(0, -ahead)) / 2


RAMP = PerClass("ramp", lambda classes: np.linspace(0.5, 2.0, classes))
UNEVEN = PerClass("uneven", _uneven)

# -------------------------------------------------------------------------------------- the table

Parameters = Mapping[str, Any]


@dataclass(frozen=True)
class Kink:
    """A point without a derivative, and what the loss makes of it."""

    prediction: Any
    target: Any
    value: float
    gradient: Any
    hessian: Any
    parameters: Parameters = field(default_factory=dict)


@dataclass(frozen=True)
class Case:
    """A row of the table."""

    definition: Callable[..., Array]
    parameters: Mapping[Domain, tuple[Parameters, ...]]
    ulps: int = 4  # how far results may be off, see `Variant`
    distance_to_kink: Callable[..., Array] | None = None
    kinks: tuple[Kink, ...] = ()


def _distance_to_step(s: Array, label: Array, margin: float = 1.0) -> Array:
    """Distance of the scores from where a class becomes active, or leads another active one."""
    excess = margin + s - at_label(s, label)[..., None]
    others = np.where(is_label(label, s.shape[-1]), np.inf, excess)
    others = np.sort(others, axis=-1)
    return np.minimum(abs(others).min(axis=-1), np.diff(others, axis=-1).min(axis=-1))


#: A power of 2 for each example, which every type holds.
VARIANCE = PerExample("variance", lambda rng, shape: 2.0 ** rng.integers(-3, 4, size=shape))

TWO_HEADED = {
    "gaussian_nll": Case(
        gaussian_nll,
        {RESIDUALS: ({"variance": VARIANCE}, {"variance": VARIANCE, "full": True})},
    ),
}

CASES = {
    "mse": Case(mse, {RESIDUALS: ({},)}),
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
    "quantile": Case(
        quantile,
        {RESIDUALS: ({}, {"q": 0.9})},
        ulps=8,  # 1 - q has the error of q in the type, which weighs more the nearer q is to 1
        distance_to_kink=lambda p, t, q=0.5: abs(p - t),
        kinks=(Kink(2.0, 2.0, 0.0, 0.0, 0.0, {"q": 0.25}),),
    ),
    "binary_cross_entropy": Case(
        binary_cross_entropy,
        {
            BINARY: ({}, {"pos_weight": 3.0}, {"label_smoothing": 0.1}),
            FRACTIONS: ({}, {"pos_weight": 0.5, "label_smoothing": 0.25}),
            CHANCES: (
                {"from_logits": False},
                {"from_logits": False, "pos_weight": 3.0, "label_smoothing": 0.1},
            ),
        },
    ),
    "cross_entropy": Case(
        cross_entropy,
        {
            LABELS: (
                {},
                {"class_weight": RAMP},
                {"label_smoothing": 0.1},
                {"class_weight": RAMP, "label_smoothing": 0.1},
            ),
            DISTRIBUTIONS: ({}, {"class_weight": RAMP, "label_smoothing": 0.1}),
        },
    ),
    "kl_divergence": Case(kl_divergence, {DISTRIBUTIONS: ({},)}, ulps=32),
    "hinge": Case(
        hinge,
        {SIGNS: ({}, {"margin": 0.25}), BOOLEANS: ({},)},
        distance_to_kink=lambda s, t, margin=1.0: abs(margin - sign(t) * s),
        kinks=(Kink(1.0, 1.0, 0.0, 0.0, 0.0), Kink(-0.25, -1.0, 0.0, 0.0, 0.0, {"margin": 0.25})),
    ),
    "squared_hinge": Case(
        squared_hinge,
        {SIGNS: ({}, {"margin": 0.25}), BOOLEANS: ({},)},
        distance_to_kink=lambda s, t, margin=1.0: abs(margin - sign(t) * s),
        kinks=(Kink(1.0, 1.0, 0.0, 0.0, 0.0), Kink(-0.25, -1.0, 0.0, 0.0, 0.0, {"margin": 0.25})),
    ),
    "multiclass_hinge": Case(
        multiclass_hinge,
        {
            LABELS: (
                {},
                {"margin": 0.25, "class_weight": RAMP},
                {"variant": "crammer_singer"},
                {"variant": "crammer_singer", "margin": 2.0, "class_weight": RAMP},
            )
        },
        distance_to_kink=_distance_to_step,
        kinks=(
            Kink([1.0, 0.0, -1.0], 0, 0.0, [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]),
            Kink([0.5, 0.0, 0.0], 0, 1.0, [-2.0, 1.0, 1.0], [0.0, 0.0, 0.0]),
            Kink(
                [0.5, 0.0, 0.0],
                0,
                0.5,
                [-1.0, 1.0, 0.0],
                [0.0, 0.0, 0.0],
                {"variant": "crammer_singer"},
            ),
        ),
    ),
    "focal": Case(
        focal,
        {
            BINARY: (
                {},
                {"gamma": 0.0, "alpha": None},
                {"gamma": 0.5},
                {"gamma": 3.5, "alpha": 0.75},
            ),
            FRACTIONS: ({}, {"gamma": 1.0, "alpha": None}),
            CHANCES: ({"from_logits": False}, {"from_logits": False, "gamma": 1.5, "alpha": None}),
        },
        ulps=48,  # a power magnifies errors
    ),
    "softmax_focal": Case(
        softmax_focal,
        {
            LABELS: (
                {},
                {"gamma": 0.0, "alpha": RAMP},
                {"gamma": 0.5, "alpha": 0.25},
                {"gamma": 3.5},
            )
        },
        ulps=128,  # a power magnifies errors
    ),
    "ranked_probability": Case(ranked_probability, {LABELS: ({}, {"class_weight": RAMP})}, ulps=16),
    "ordinal_cross_entropy": Case(
        ordinal_cross_entropy,
        {
            LABELS: (
                {},
                {"distance": "squared", "temperature": 3.0},
                {"distance": UNEVEN, "temperature": 0.5, "class_weight": RAMP},
            )
        },
    ),
}


@dataclass(frozen=True, eq=False, repr=False)
class Variant:
    """A loss with a set of its parameters, and inputs that they are meant for."""

    name: str
    domain: Domain
    parameters: Parameters

    @property
    def case(self) -> Case:
        return (CASES | TWO_HEADED)[self.name]

    @property
    def loss(self) -> Any:
        return getattr(numloss, self.name)

    @property
    def rowwise(self) -> bool:
        return bool(self.loss.rowwise)

    def __repr__(self) -> str:
        parts = [self.name]
        if self.domain is not next(iter(self.case.parameters)):
            parts.append(self.domain.name)
        for key, x in self.parameters.items():
            parts.append(f"{key}={getattr(x, 'name', x)}")
        return "-".join(parts)

    def options(self, classes: int, examples: Shape = (), dtype: Any = float) -> dict[str, Any]:
        """Return the parameters for so many classes and examples, as the loss takes them."""

        def value(x: Any) -> Any:
            if isinstance(x, PerExample):
                return x.draw(np.random.default_rng(1), examples).astype(dtype)
            return x.of(classes) if isinstance(x, PerClass) else x

        return {key: value(x) for key, x in self.parameters.items()}

    def _options_for(self, prediction: Array) -> dict[str, Any]:
        classes = prediction.shape[-1] if self.rowwise else 1
        return self.options(classes, self.examples(prediction))

    def inputs(self, shape: int | Shape, dtype: Any = float, seed: int = 0) -> Inputs:
        """Draw predictions and targets, the same ones for a seed."""
        shape = (shape,) if isinstance(shape, int) else shape
        prediction, target = self.domain.draw(np.random.default_rng(seed), shape)
        return prediction.astype(dtype), in_type(target, dtype)

    def value(self, prediction: Array, target: Array, exact: bool = False) -> Array:
        """Return the definition's values in long double, or in mpmath's numbers."""
        options = {
            key: precise(x, exact) if isinstance(x, (float, np.ndarray)) else x
            for key, x in self._options_for(prediction).items()
        }
        if target.dtype.kind not in "iub":
            target = precise(target, exact)
        return self.case.definition(precise(prediction, exact), target, **options)

    def derivatives(self, prediction: Array, target: Array, exact: bool = False) -> Inputs:
        """Return the first and second derivatives of the definition's values."""
        if not exact and not self.rowwise:
            # In long double a step must suit the function; only rows are too many for mpmath.
            with mpmath.workdps(100):
                first, second = self.derivatives(prediction, target, exact=True)
            return first.astype(float), second.astype(float)
        x = precise(prediction, exact)
        step = mpmath.mpf(10) ** -30 if exact else self._step()
        return derivatives(lambda p: self.value(p, target, exact), x, step, self.rowwise)

    def _step(self) -> Any:
        return np.longdouble(1 / 64 if self.case.distance_to_kink is None else 1 / 1024)

    def smooth(self, prediction: Array, target: Array, reach: float = 5 / 1024) -> Array:
        """Return which examples are further from any kink than the differences reach."""
        if self.case.distance_to_kink is None:
            return np.ones(self.examples(prediction), dtype=bool)
        options = self._options_for(prediction)
        options = {k: x for k, x in options.items() if k not in ("class_weight", "variant")}
        return self.case.distance_to_kink(prediction, target, **options) > reach

    def examples(self, prediction: Array) -> Shape:
        """Return the shape of the examples."""
        return prediction.shape[:-1] if self.rowwise else prediction.shape

    @property
    def ulps(self) -> int:
        """How many units in the last place a result may be off."""
        # Smoothing takes digits: 1 - t is no longer exact, nor the share of a label.
        return self.case.ulps + 24 * ("label_smoothing" in self.parameters)

    @property
    def keeps_digits(self) -> bool:
        """Whether even the smallest derivative is right to `ulps` units in its own last place.

        With soft targets a derivative is a difference, and right to units of the example's largest.
        """
        soft = self.domain in (FRACTIONS, DISTRIBUTIONS) or "label_smoothing" in self.parameters
        return not soft and self.name != "ordinal_cross_entropy"

    def weight(self, target: Array, classes: int) -> Array:
        """Return what the class weights give each example."""
        class_weight = self.options(classes).get("class_weight")
        if class_weight is None:
            return np.ones(target.shape[:-1] if self.domain is DISTRIBUTIONS else target.shape)
        return class_weight[target] if self.domain is LABELS else target @ class_weight


def _variants(cases: Mapping[str, Case]) -> list[Variant]:
    return [
        Variant(name, domain, parameters)
        for name, case in cases.items()
        for domain, sets in case.parameters.items()
        for parameters in sets
    ]


VARIANTS = _variants(CASES)
#: Of the losses with two gradients, which tests/test_heads.py has to itself.
TWO_HEADED_VARIANTS = _variants(TWO_HEADED)


def precise(x: Any, exact: bool) -> Any:
    """Return numbers as long doubles, or as mpmath's."""
    x = np.asarray(x)
    if x.dtype not in (object, np.longdouble):
        x = np.frompyfunc(mpmath.mpf, 1, 1)(x.astype(float)) if exact else x.astype(np.longdouble)
    return x[()] if isinstance(x, np.ndarray) else x


def in_type(target: Array, dtype: Any) -> Array:
    """Return a target that goes with predictions of a type: labels and booleans stay."""
    return target if target.dtype.kind in "iub" else target.astype(dtype)


# ------------------------------------------------------------------------------- asking everything


#: All that can be asked of a loss, every way of asking at least once: methods, and their keywords.
WAYS: list[tuple[str, dict[str, Any]]] = [
    ("__call__", {"reduction": "none"}),
    ("__call__", {"reduction": "sum"}),
    ("grad", {"reduction": "none"}),
    ("grad_and_hess", {"reduction": "sum"}),
    ("value_and_grad", {"denominator": 3.0}),
    ("value_and_grad", {"denominator": "count"}),
    ("value_and_grad", {}),
]


def results(loss: Any, *inputs: Any, **options: Any) -> list[Array]:
    """Return all that can be asked of a loss."""
    return [x for method, way in WAYS for x in call(loss, method, *inputs, **way, **options)]


def per_example(loss: Any, prediction: Any, target: Any, **call: Any) -> list[Array]:
    """Return values, gradient and Hessian of every example."""
    call["reduction"] = "none"
    value = loss(prediction, target, **call)
    return [value, *loss.grad_and_hess(prediction, target, **call)]


def assert_same(some: Iterable[Any], others: Iterable[Any], what: object = "") -> None:
    """Compare results bit for bit, types included."""
    for i, (one, other) in enumerate(zip(some, others, strict=True)):
        a, b = np.asarray(one), np.asarray(other)
        assert a.dtype == b.dtype, f"{what}: result {i} is {a.dtype}, not {b.dtype}"
        assert a.shape == b.shape, f"{what}: result {i} has shape {a.shape}, not {b.shape}"
        if a.tobytes() != b.tobytes():
            bits = f"u{a.dtype.itemsize}"
            differ = np.flatnonzero(a.reshape(-1).view(bits) != b.reshape(-1).view(bits))
            at = [int(k) for k in np.unravel_index(differ[0], a.shape)]
            one, other = a.reshape(-1)[differ[0]], b.reshape(-1)[differ[0]]
            where = f"{differ.size} of {a.size} elements, first at {at}"
            raise AssertionError(f"{what}: result {i}: {one!r} is not {other!r} ({where})")
