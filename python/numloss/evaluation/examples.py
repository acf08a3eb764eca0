"""From a batch to the losses of its examples."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from numloss.evaluation.specs import LossSpec, asides_of, inputs_of

if TYPE_CHECKING:
    from numloss.evaluation.calibration import Forecasts


@dataclass(frozen=True)
class Examples:
    """Losses one after the other, as many for each row."""

    rows: int
    losses: npt.NDArray[np.floating[Any]]  # float32 or float64
    weights: npt.NDArray[np.float64] | None  # 0 beside a loss of 0: the example does not count
    weighted: bool  # else weights say only that
    lengths: npt.NDArray[np.int64] | None = None  # examples of each row, where rows differ
    forecasts: Forecasts | None = None  # where they are asked for

    def spread(self, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Repeat what each row has for its examples."""
        if self.lengths is not None:
            return np.repeat(values, self.lengths)
        each = len(self.losses) // max(self.rows, 1)
        return np.repeat(values, each) if each > 1 else values


# The types of half precision, as NumPy, torch, JAX and Arrow call them.
_HALVES = ("float16", "bfloat16", "halffloat")


def _losses(
    spec: LossSpec, prediction: Any, target: Any, weighted: bool, arguments: Mapping[str, Any]
) -> tuple[Any, Any]:
    """Return the loss and the weight of each example; None for weights that are all 1."""
    if weighted or spec.ignores:
        losses, weights = spec.loss._examples(prediction, target, **arguments)
        return losses, weights
    return spec.loss(prediction, target, reduction="none", **arguments), None


def _is_half(x: Any) -> bool:
    return str(getattr(x, "dtype", "")).rpartition(".")[2] in _HALVES


def _is_double(x: Any) -> bool:
    """Whether an input is an array of float64, and so the losses."""
    array = np.asarray(x)
    return array.dtype == np.float64 and array.ndim > 0


def examples_of(
    spec: LossSpec, prediction: Any, target: Any, weight: Any, inputs: Mapping[str, Any],
    forecast: bool = False,
) -> Examples:  # fmt: skip
    """Compute the loss of each example of a batch, half precision in float32."""
    loss = spec.loss
    arguments = dict(spec.options)
    for name in inputs_of(loss):
        if name not in inputs:
            raise ValueError(f"{spec.text} needs {name}, an array beside the target")
        arguments[name] = inputs[name]
    arguments |= {name: inputs[name] for name in asides_of(loss) if name in inputs}
    weighted = weight is not None or spec.weighs
    if weight is not None:
        arguments["weight"] = weight
    if _is_half(prediction) and not any(map(_is_double, (target, *inputs.values()))):
        arguments["dtype"] = np.float32
    losses, weights = _losses(spec, prediction, target, weighted, arguments)
    if losses.ndim == 0:
        raise ValueError("prediction must have an axis of rows, got a single example")
    flat = np.ascontiguousarray(losses).reshape(-1)
    if flat.dtype.itemsize < 4:
        flat = flat.astype(np.float32)
    if weights is not None:
        weights = np.ascontiguousarray(weights).reshape(-1)
    forecasts = None
    if forecast:
        from numloss.evaluation.calibration import forecasts_of  # 3 ms, which few need

        forecasts = forecasts_of(spec, prediction, target)
    return Examples(len(losses), flat, weights, weighted, forecasts=forecasts)
