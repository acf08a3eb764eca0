"""Rows whose numbers lie along several axes, such as the pixels of an image.

The axes are made one, and the derivatives are given those of the prediction again.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from numloss import _convert
from numloss._raise import Error

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from numloss import Loss

    Array = NDArray[Any]

#: By the mode of a call: its method, and which of its results are derivatives.
_METHODS = {
    1: ("__call__", ()),
    2: ("grad", (0,)),
    3: ("value_and_grad", (1,)),
    6: ("grad_and_hess", (0, 1)),
}


def call(loss: Loss[...], mode: int, inputs: Sequence[Any], named: Mapping[str, Any]) -> Any:
    """Return what a call gives whose ``axis`` is a tuple."""
    if mode not in _METHODS:
        raise Error("axis must be an integer here: reshape the arrays", "axis")
    options = {**dict(zip(("prediction", "target"), inputs, strict=False)), **named}
    given = options.pop("axis")
    if options.get("out") is not None:
        raise Error("out must be left out where axis names several axes: reshape the arrays", "out")
    prediction = _convert.array("prediction", options["prediction"])
    axes = _within(prediction.ndim, _convert.axes("axis", given), prediction.shape)
    shape = prediction.shape
    options["prediction"] = _joined(prediction, axes)
    target = _convert.array("target", options["target"])
    if target.shape == shape:
        options["target"] = _joined(target, axes)
    where = options.get("where")
    if where is not None and np.ndim(where) == len(shape):
        options["where"] = _joined(_convert.array("where", where), axes)
    method, derivatives = _METHODS[mode]
    found = getattr(loss, method)(**options, axis=-1)
    if not isinstance(found, tuple):
        return _apart(found, axes, shape) if derivatives else found
    return tuple(_apart(x, axes, shape) if i in derivatives else x for i, x in enumerate(found))


def _within(ndim: int, axes: tuple[int, ...], shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return axes counted from the first, or raise."""
    if not axes:
        raise Error("axis must name an axis, got ()", "axis")
    for axis in axes:
        if not -ndim <= axis < ndim:
            raise Error(
                f"axis must be in [{-ndim}, {ndim}) for a prediction of shape {shape}, got {axis}",
                "axis",
            )
    counted = tuple(axis % ndim for axis in axes)
    if len(set(counted)) < len(counted):
        raise Error(f"axis must name an axis once, got {axes}", "axis")
    return counted


def _joined(x: Array, axes: tuple[int, ...]) -> Array:
    """Return an array with some axes as its last one: a view where memory allows it."""
    moved = np.moveaxis(x, axes, range(x.ndim - len(axes), x.ndim))
    others, joined = moved.shape[: x.ndim - len(axes)], moved.shape[x.ndim - len(axes) :]
    return moved.reshape(*others, math.prod(joined))


def _apart(x: Array, axes: tuple[int, ...], shape: tuple[int, ...]) -> Array:
    """Return an array with the last axis as those that it was made of."""
    whole = x.reshape(*x.shape[:-1], *(shape[axis] for axis in axes))
    return np.moveaxis(whole, range(x.ndim - 1, whole.ndim), axes)
