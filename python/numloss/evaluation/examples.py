"""The losses of the examples in a chunk, and which row is to blame where there is none."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt

from numloss.evaluation.columns import Array, NumberColumns
from numloss.evaluation.errors import UsageError
from numloss.evaluation.inputs import Chunk, Inputs
from numloss.evaluation.specs import LossSpec

Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.intp]

_SIGNED_FIX = "map labels 0 and 1 with 2 * target - 1 or target.astype(bool)"
_INDEX = re.compile(r" at index (?:\((\d+)[^)]*\)|(\d+))")


@dataclass(frozen=True)
class Examples:
    """The examples of a chunk that count, and the rows of those that do not."""

    losses: npt.NDArray[np.floating[Any]]
    row: Rows
    ignored_row: Rows
    weight: Floats | None = None
    weighted: Floats | None = None  # weight * losses


class ExampleLosses:
    """Computes one loss, chunk by chunk."""

    def __init__(self, spec: LossSpec, inputs: Inputs) -> None:
        self.spec = spec
        self._inputs = inputs
        self._loss = spec.loss
        self._checked = False

    def __call__(self, chunk: Chunk) -> Examples:
        """Compute the loss of every example of a chunk; rows are numbered within it."""
        prediction, target = self._arrays(chunk)
        weight = self._weight(chunk, prediction.ndim - self._loss.rowwise)
        if not self._checked:
            self._check_options(prediction[:0], target[:0])
            self._checked = True
        losses = self._losses(prediction, target, weight, chunk.first_row)
        row = np.repeat(np.arange(len(losses)), losses.size // len(losses))
        counted = self._counted(losses, target, weight)
        if weight is None and "class_weight" not in self.spec.options:
            flat = losses.reshape(-1)
            if counted is None:
                return Examples(flat, row, row[:0])
            return Examples(flat[counted], row[counted], row[~counted])
        if counted is None:
            counted = np.ones(losses.size, bool)
        factor = self._class_weight(prediction, target)
        return _weighted(losses, row, counted, weight, factor)

    # ---------------------------------------------------------------------------------- arrays

    def _arrays(self, chunk: Chunk) -> tuple[Array, Array]:
        """Bring prediction and target to the shapes and types that the loss takes."""
        prediction, target = chunk.prediction, chunk.target
        if self._loss.rowwise:
            return prediction, self._classes(prediction, target, chunk.first_row)
        # A column of vectors of one number is a column of numbers.
        if prediction.shape == (*target.shape, 1):
            prediction = prediction[..., 0]
        elif target.shape == (*prediction.shape, 1):
            target = target[..., 0]
        if prediction.shape != target.shape:
            raise self._usage(
                f"needs as many targets as predictions in a row, got {_width(target)} "
                f"({self._inputs.target.name}) for {_width(prediction)} "
                f"({self._inputs.prediction.name})"
            )
        return prediction, target

    def _classes(self, prediction: Array, target: Array, first_row: int) -> Array:
        """Return integer labels, or probabilities."""
        if prediction.ndim == 1:
            raise self._usage(
                "needs a prediction with one number per class: several columns (--prediction "
                "'logit_*'), or a column of vectors"
            )
        axis = self.spec.options.get("axis", -1)
        if (
            not isinstance(axis, int)
            or not 0 < axis % prediction.ndim < prediction.ndim
            or not (-prediction.ndim <= axis < prediction.ndim)
        ):
            raise self._usage(
                f"axis={axis} is no axis of classes: a row has {prediction.ndim - 1}, from axis 1"
            )
        if target.ndim == prediction.ndim and target.shape[axis] == 1 < prediction.shape[axis]:
            target = np.squeeze(target, axis)
        if target.ndim == prediction.ndim:
            return target if target.dtype.kind == "f" else target.astype(np.float64)
        if target.dtype.kind == "f":
            return self._labels(target, first_row)
        return target.astype(np.int64) if target.dtype.kind == "b" else target

    def _labels(self, target: Array, first_row: int) -> Array:
        """Turn whole floats into integers: text files and missing values make labels floats."""
        bad = ~((np.trunc(target) == target) & (np.abs(target) < 2.0**63))
        if bad.any():
            index = tuple(int(i) for i in np.argwhere(bad)[0])
            columns = self._inputs.target
            raise columns.source.error(
                f"{self.spec.name}: a label must be a whole number, got {target[index]}",
                row=first_row + index[0],
                name=columns.name,
            )
        return target.astype(np.int64)

    @staticmethod
    def _weight(chunk: Chunk, ndim: int) -> Floats | None:
        if chunk.weight is None:
            return None
        weight = chunk.weight.astype(np.float64)
        return weight.reshape(weight.shape + (1,) * (ndim - weight.ndim))

    def _class_weight(self, prediction: Array, target: Array) -> Floats | None:
        """Return what class weights multiply the weight of each example by."""
        given = self.spec.options.get("class_weight")
        if given is None:
            return None
        axis = self.spec.options.get("axis", -1)
        class_weight = np.broadcast_to(np.asarray(given, np.float64), prediction.shape[axis])
        if target.dtype.kind == "f":
            return np.moveaxis(target, axis, -1).astype(np.float64) @ class_weight
        known = (target >= 0) & (target < len(class_weight))
        return np.where(known, class_weight[np.where(known, target, 0)], 0.0)

    def _counted(
        self, losses: Array, target: Array, weight: Floats | None
    ) -> npt.NDArray[np.bool_] | None:
        """Return which examples count; None for all."""
        valid = None if weight is None else weight != 0
        if self._loss.rowwise and target.dtype.kind in "iu":
            labelled = target != self.spec.ignore_index
            valid = labelled if valid is None else labelled & valid
        if valid is None or valid.all():
            return None
        return np.broadcast_to(valid, losses.shape).reshape(-1)

    # ----------------------------------------------------------------------------------- calls

    def _losses(
        self, prediction: Array, target: Array, weight: Floats | None, first_row: int
    ) -> Array:
        """Call the loss. It does not look at what has no weight; the weights come in later."""
        mask = None if weight is None else (weight != 0).astype(np.float64)
        try:
            losses: Array = self._loss(
                prediction, target, reduction="none", weight=mask, **self.spec.options
            )
        except (ValueError, TypeError) as error:
            self._refuse(str(error), first_row)
        return losses

    def _check_options(self, prediction: Array, target: Array) -> None:
        """Without rows, only the options and the kinds of the columns can be wrong."""
        try:
            self._loss(prediction, target, reduction="none", **self.spec.options)
        except (ValueError, TypeError) as error:
            raise self._usage(str(error)) from error

    def _refuse(self, message: str, first_row: int) -> NoReturn:
        found = _INDEX.search(message)
        if found is None:
            raise self._usage(message)
        columns = self._blamed(message)
        # The fix for arrays is not one for a command.
        message = message.replace(_SIGNED_FIX, "--positive 1 makes the label 1 the positive class")
        raise columns.source.error(
            f"{self.spec.name}: {_INDEX.sub('', message)}",
            row=first_row + int(found[1] or found[2]),
            name=columns.name,
        )

    def _blamed(self, message: str) -> NumberColumns:
        blames_prediction = message.startswith("prediction")
        return self._inputs.prediction if blames_prediction else self._inputs.target

    def _usage(self, message: str) -> UsageError:
        return UsageError(f"--loss {self.spec.text}: {message}")


def _width(values: Array) -> int:
    return math.prod(values.shape[1:])


def _weighted(
    losses: Array,
    row: Rows,
    counted: npt.NDArray[np.bool_],
    weight: Floats | None,
    class_weight: Floats | None,
) -> Examples:
    """Weigh the examples. The losses come with their class weight, which is taken out again."""

    def selected(values: Array) -> Array:
        return np.broadcast_to(values, losses.shape).reshape(-1)[counted]

    values = selected(losses)
    weighted = values.astype(np.float64)
    product = np.ones(len(values))
    if class_weight is not None:
        product = selected(class_weight)
        values = np.divide(weighted, product, out=weighted.copy(), where=product != 0)
        # A class without weight is not there, unless smoothing gives it a share of the others.
        there = (product != 0) | (weighted != 0)
        counted = counted.copy()
        counted[np.flatnonzero(counted)[~there]] = False
        values, weighted, product = values[there], weighted[there], product[there]
    if weight is not None:
        weight = selected(weight)
        with np.errstate(over="ignore"):
            weighted, product = weighted * weight, product * weight
    return Examples(values, row[counted], row[~counted], product, weighted)
