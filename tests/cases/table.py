"""What a row of the table holds, and what tests ask of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import mpmath
import numpy as np

import numloss
from cases.arithmetic import Array, derivatives
from cases.inputs import Domain, Inputs, PerClass, PerExample, Shape

Parameters = Mapping[str, Any]

# Parameters that make differences of derivatives, or sums of values.
_TAKES_DIGITS = {"label_smoothing", "softcap", "z_loss"}


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
    cancels: bool = False  # in the definition, so that long doubles have too few digits for it
    distance_to_kink: Callable[..., Array] | None = None
    kinks: tuple[Kink, ...] = ()
    steep: bool = False  # changes much within 1/64
    crosses_zero: int = 0  # which derivative of a class is 0 where no kink is, the first or second


#: The rows of all families, and those of losses with two gradients.
CASES: dict[str, Case] = {}
TWO_HEADED: dict[str, Case] = {}


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
        if self.case.cancels and not exact:
            with mpmath.workdps(100):
                return self._defined(prediction, target, exact=True).astype(np.longdouble)
        return self._defined(prediction, target, exact)

    def _defined(self, prediction: Array, target: Array, exact: bool) -> Array:
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
        step = mpmath.mpf(10) ** -30 if exact else self.step()
        return derivatives(lambda p: self._defined(p, target, exact), x, step, self.rowwise)

    def step(self) -> Any:
        """Return the step of differences of long doubles."""
        fine = self.case.steep or self.case.distance_to_kink is not None
        return np.longdouble(1 / 1024 if fine else 1 / 64)

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
        # Smoothing takes digits: 1 - t is no longer exact, nor the share of a label. So do sums.
        # So does exp(-exp(x)): an error of exp(x) is magnified by exp(x); and exp(-x²/2).
        more = 24 * (len(_TAKES_DIGITS & self.parameters.keys()) > 0)
        more += {"cloglog": 496, "probit": 16}.get(self.parameters.get("link"), 0)
        more += 96 * (self.parameters.get("distribution") == "extreme")  # of exp(z), too
        return self.case.ulps + more

    @property
    def keeps_digits(self) -> bool:
        """Whether even the smallest derivative is right to `ulps` units in its own last place.

        With soft targets, and where it passes 0, a derivative is a difference, and right to units
        of the example's largest.
        """
        soft = self.domain.soft or _TAKES_DIGITS & self.parameters.keys()
        return not soft and self.case.crosses_zero == 0

    def weight(self, target: Array, classes: int) -> Array:
        """Return what the class weights give each example."""
        class_weight = self.options(classes).get("class_weight")
        if class_weight is None:
            of_shares = self.rowwise and (self.domain.soft or target.dtype == bool)
            return np.ones(target.shape[:-1] if of_shares else target.shape)
        return class_weight[target] if target.dtype.kind in "iu" else target @ class_weight


def variants_of(cases: Mapping[str, Case]) -> list[Variant]:
    """Return every loss with each of its sets of parameters."""
    return [
        Variant(name, domain, parameters)
        for name, case in cases.items()
        for domain, sets in case.parameters.items()
        for parameters in sets
    ]


def precise(x: Any, exact: bool) -> Any:
    """Return numbers as long doubles, or as mpmath's."""
    x = np.asarray(x)
    if x.dtype not in (object, np.longdouble):
        x = np.frompyfunc(mpmath.mpf, 1, 1)(x.astype(float)) if exact else x.astype(np.longdouble)
    return x[()] if isinstance(x, np.ndarray) else x


def in_type(target: Array, dtype: Any) -> Array:
    """Return a target that goes with predictions of a type: labels and booleans stay."""
    return target if target.dtype.kind in "iub" else target.astype(dtype)
