"""Targets and numbers of losses over classes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from numloss._arithmetic import ieee
from numloss._validate.arrays import Arrays, array, promoted, result_type
from numloss._validate.messages import first_of, shown
from numloss._validate.parameters import integer, positive_integer

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


def class_count(prediction: NDArray[Any], axis: int) -> int:
    """Return the length of the class axis."""
    return int(prediction.shape[class_axis(prediction, axis)])


def class_axis(prediction: NDArray[Any], axis: int) -> int:
    ndim = prediction.ndim
    if ndim == 0:
        raise ValueError("prediction must have an axis of classes, got a scalar")
    axis = integer("axis", axis)
    if not -ndim <= axis < ndim:
        raise ValueError(
            f"axis must be in [{-ndim}, {ndim}) for a prediction of shape {prediction.shape}, "
            f"got {axis}"
        )
    if prediction.shape[axis] == 0:
        raise ValueError(f"prediction must have at least one class, got shape {prediction.shape}")
    return axis % ndim


def rowwise(
    prediction: ArrayLike,
    target: ArrayLike,
    axis: int,
    ignore_index: int,
    labels: bool,
    probabilities: bool,
) -> Arrays:
    """Check the arrays of a loss over classes: labels, or probabilities."""
    integer("ignore_index", ignore_index)
    p = array("prediction", prediction)
    at = class_axis(p, axis)
    examples = p.shape[:at] + p.shape[at + 1 :]
    t = array("target", target)
    if labels and t.size == 0 and t.dtype == np.float64 and t.shape == examples:
        t = t.astype(np.int64)  # an empty list says nothing of its type
    if labels and t.dtype.kind in "iu":
        if t.ndim > 0 and t.shape != examples:
            raise ValueError(
                f"target must hold a label per example, of shape {examples} for a prediction of "
                f"shape {p.shape} with classes on axis {at}, got {t.shape}"
                + _label_fix(t.shape, p.shape, at, probabilities)
            )
        return Arrays(p, t, result_type(p), examples)
    if not probabilities:
        raise TypeError(
            f"target must hold integer labels, got dtype {t.dtype}: use target.astype(int)"
        )
    if t.dtype.kind in "iub" or t.shape != p.shape:
        _refuse_probabilities(t, p.shape, examples, labels)
    p, t, dtype = promoted(p, t)
    return Arrays(p, t, dtype, examples)


def _label_fix(t: tuple[int, ...], p: tuple[int, ...], at: int, probabilities: bool) -> str:
    if t == p:
        return ": use target.astype(float)" if probabilities else f": use target.argmax({at})"
    return ": use target[..., 0]" if t == (*p[:at], *p[at + 1 :], 1) else ""


def _refuse_probabilities(
    t: NDArray[Any], p: tuple[int, ...], examples: tuple[int, ...], labels: bool
) -> NoReturn:
    forms = f"integer labels of shape {examples} or " if labels else ""
    text = (
        f"target must hold {forms}probabilities of the prediction's shape {p}, "
        f"got dtype {t.dtype} and shape {t.shape}"
    )
    if labels and t.shape == examples:
        raise TypeError(f"{text}: use target.astype(int)")
    if t.dtype.kind in "iub":
        raise TypeError(f"{text}: use target.astype(float)" if t.shape == p else text)
    raise ValueError(text)


def labels(value: ArrayLike, one_axis: bool = False) -> NDArray[Any]:
    """Return an array of labels, which are not empty and at least 0, or raise."""
    y = array("labels", value)
    if y.size == 0:
        raise ValueError("labels must hold at least one label, got none")
    if y.dtype.kind not in "iu":
        raise TypeError(f"labels must be integers, got dtype {y.dtype}: use labels.astype(int)")
    if y.min() < 0:
        where, shown = first_of(y < 0, y)
        raise ValueError(f"labels must be at least 0, got {shown}{where}")
    if one_axis and y.ndim != 1:
        raise ValueError(f"labels must have one axis, got shape {y.shape}")
    return y


def label_counts(y: NDArray[Any], num_classes: int | None) -> NDArray[np.int64]:
    """Return how often each class occurs among labels, or raise where they do not fit."""
    highest = int(y.max())
    if num_classes is None:
        name, classes = "labels", highest + 1
    else:
        name, classes = "num_classes", positive_integer("num_classes", num_classes)
    if highest >= classes:
        where, shown = first_of(y >= classes, y)
        raise ValueError(f"labels must be below num_classes={classes}, got {shown}{where}")
    try:
        return np.bincount(y.ravel().astype(np.int64), minlength=classes)
    except (MemoryError, OverflowError, ValueError):
        raise ValueError(
            f"{name} must mean no more classes than fit memory, got {classes}"
        ) from None


def class_numbers(name: str, value: ArrayLike | None, classes: int) -> NDArray[np.float64] | None:
    """Return one finite number of at least 0 per class; a scalar stands for all of them."""
    if value is None:
        return None
    numbers = _as_float64(name, value)
    if numbers.ndim == 0:
        numbers = np.full(classes, numbers)
    if numbers.shape != (classes,):
        raise ValueError(
            f"{name} must have one number for each of the {classes} classes, "
            f"got shape {numbers.shape}"
        )
    _refuse_negative(name, numbers)
    return numbers


def class_table(name: str, value: ArrayLike, classes: int) -> NDArray[np.float64]:
    """Return a square table of finite numbers of at least 0."""
    table = _as_float64(name, value)
    if table.shape != (classes, classes):
        raise ValueError(
            f"{name} must have shape {(classes, classes)} for {classes} classes, got {table.shape}"
        )
    _refuse_negative(name, table)
    return table


def _as_float64(name: str, value: ArrayLike) -> NDArray[np.float64]:
    with ieee:
        # A copy: the caller's own may be where the gradient goes.
        return np.array(array(name, value), dtype=np.float64, order="C")


def _refuse_negative(name: str, numbers: NDArray[np.float64]) -> None:
    with ieee:
        if not (np.isfinite(numbers).all() and (numbers >= 0).all()):
            raise ValueError(f"{name} must hold finite numbers of at least 0, got {shown(numbers)}")
