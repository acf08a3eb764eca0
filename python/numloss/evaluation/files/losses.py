"""The losses of a chunk of files, and which row is to blame where there is none."""

from __future__ import annotations

import math
from typing import NoReturn

import numpy as np

import numloss
from numloss.evaluation.errors import UsageError
from numloss.evaluation.examples import Examples, examples_of
from numloss.evaluation.files.columns import Array
from numloss.evaluation.files.inputs import Chunk, Inputs
from numloss.evaluation.specs import LossSpec


class FileLosses:
    """Computes one loss, chunk by chunk."""

    def __init__(self, spec: LossSpec, inputs: Inputs) -> None:
        self.spec = spec
        self._inputs = inputs
        self._loss = spec.loss

    def __call__(self, chunk: Chunk) -> Examples:
        """Compute the loss of every example of a chunk."""
        prediction, target = self._arrays(chunk)
        weight = self._weight(chunk, prediction.ndim - self._loss.rowwise)
        try:
            return examples_of(self.spec, prediction, target, weight, {})
        except numloss.Error as error:
            self._refuse(error, chunk.first_row)

    def check(self, chunk: Chunk) -> None:
        """Without rows, only the options and the kinds of the columns can be wrong."""
        prediction, target = self._arrays(chunk)
        try:
            self._loss(prediction[:0], target[:0], reduction="none", **self.spec.options)
        except numloss.Error as error:
            raise self._usage(str(error)) from error

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
    def _weight(chunk: Chunk, ndim: int) -> Array | None:
        if chunk.weight is None:
            return None
        weight = chunk.weight.astype(np.float64)
        return weight.reshape(weight.shape + (1,) * (ndim - weight.ndim))

    def _refuse(self, error: numloss.Error, first_row: int) -> NoReturn:
        if not error.index:
            raise self._usage(str(error))
        columns = self._inputs.prediction if error.argument == "prediction" else self._inputs.target
        # The fix for arrays is not one for a command.
        signs = ": --positive 1 makes the label 1 the positive class"
        raise columns.source.error(
            f"{self.spec.name}: {error.problem}{signs if error.kind == 'signs' else error.fix}",
            row=first_row + error.index[0],
            name=columns.name,
        )

    def _usage(self, message: str) -> UsageError:
        return UsageError(f"--loss {self.spec.text}: {message}")


def _width(values: Array) -> int:
    return math.prod(values.shape[1:])
