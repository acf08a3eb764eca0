"""The losses of a chunk of files, and which row is to blame where there is none."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import NoReturn

import numpy as np

import numloss
from numloss.evaluation.errors import UsageError
from numloss.evaluation.examples import Examples, examples_of
from numloss.evaluation.files.batches import Batch, batch_of
from numloss.evaluation.files.columns import CLASSES, Array
from numloss.evaluation.files.inputs import Chunk, Inputs
from numloss.evaluation.specs import LossSpec, inputs_of, options_of
from numloss.evaluation.wording import LOGITS, argument, either

# How far rounding may put a probability above 1, and a sum of them from 1.
_SLACK, _SUM_SLACK = 1e-6, 1e-3

_SERIES = either("prediction='logit_*'", "--prediction 'logit_*'")


class FileLosses:
    """Computes one loss, chunk by chunk."""

    def __init__(self, spec: LossSpec, inputs: Inputs, forecast: bool = False) -> None:
        self.spec = spec
        self._forecast = forecast
        self._inputs = inputs
        self._loss = spec.loss
        options = options_of(self._loss)
        link, domain = self._loss.link, self._loss.domain
        self._takes_logits = self._loss.rowwise or link == "sigmoid"
        self._takes_scores = link == "identity" and (self._loss.rowwise or domain == "signs")
        if takes := inputs_of(self._loss):
            raise self._usage(
                f"takes {', '.join(takes)} beside the target, for which files have no column: "
                "numloss.Evaluation takes it in Python"
            )
        if inputs.probabilities:
            self._expect_probabilities("from_logits" in options)
        #: Whether all predictions so far could be probabilities, though they are taken for logits.
        self.looks_like_probabilities = (
            self._takes_logits and not self._takes_scores and not inputs.scale_is_said
            and spec.options.get("from_logits", True)
        )  # fmt: skip
        self.rows = 0

    def _expect_probabilities(self, has_option: bool) -> None:
        """Probabilities go as such where a loss takes them, else as their logarithms."""
        takes = "logits" if self._loss.link == "sigmoid" else "scores"
        if self._takes_scores or (takes == "logits" and not has_option):
            raise self._usage(
                f"takes {takes}, and the prediction is named as probabilities: {LOGITS} says that "
                f"it holds {takes} all the same"
            )
        if has_option and "from_logits" not in self.spec.options:
            options = {**self.spec.options, "from_logits": False}
            self.spec = LossSpec(self.spec.text, self.spec.name, options)

    def __call__(self, chunk: Chunk) -> Examples:
        """Compute the loss of every example of a chunk."""
        batch = self._batch(chunk)
        prediction, target = self._arrays(batch)
        if self.looks_like_probabilities:
            self.looks_like_probabilities = self._could_be_probabilities(prediction)
        self.rows += batch.rows
        weight = self._weight(batch, prediction.ndim - self._loss.rowwise)
        try:
            found = examples_of(self.spec, prediction, target, weight, {}, self._forecast)
        except numloss.Error as error:
            self._refuse(error, batch)
        lengths = batch.lengths
        if lengths is not None and len(batch.prediction):
            # A token of several single numbers is as many examples.
            lengths = lengths * (len(found.losses) // len(batch.prediction))
        return replace(found, rows=batch.rows, lengths=lengths)

    def check(self, chunk: Chunk) -> None:
        """Without rows, only the options and the kinds of the columns can be wrong."""
        prediction, target = self._arrays(self._batch(chunk))
        try:
            self._loss(prediction[:0], target[:0], reduction="none", **self.spec.options)
        except numloss.Error as error:
            raise self._usage(str(error)) from error

    def _batch(self, chunk: Chunk) -> Batch:
        axis = self.spec.options.get("axis", -1)
        return batch_of(chunk, self._inputs, self._loss.rowwise, axis)

    def _arrays(self, batch: Batch) -> tuple[Array, Array]:
        """Bring prediction and target to the shapes and types that the loss takes."""
        prediction, target = batch.prediction, batch.target
        if self._loss.rowwise:
            if self._inputs.probabilities and prediction.ndim > 1:
                prediction = self._logarithms(prediction, batch)
            return prediction, self._classes(prediction, target, batch)
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

    def _logarithms(self, prediction: Array, batch: Batch) -> Array:
        """Turn the probabilities of classes into logits: their softmax is what they were."""
        axis = self.spec.options.get("axis", -1)
        values = prediction.astype(np.float64)
        total = values.sum(axis, keepdims=True)
        bad = ~((values >= 0) & (values <= 1 + _SLACK) & (np.abs(total - 1) <= _SUM_SLACK))
        bad &= ~np.isnan(total)
        if bad.any():
            index = tuple(int(i) for i in np.argwhere(bad)[0])
            columns = self._inputs.prediction
            raise columns.source.error(
                f"{self.spec.name}: probabilities of classes must lie in [0, 1] and add up to 1, "
                f"got {values[index]:.6g} in a row that adds up to "
                f"{np.take(total, 0, axis)[index[:-1]]:.6g}: {LOGITS} if they are logits",
                row=batch.row_of(index[0]),
                name=columns.name,
            )
        with np.errstate(divide="ignore"):
            logarithms: Array = np.log(values)
        return logarithms

    def _could_be_probabilities(self, prediction: Array) -> bool:
        if not (prediction.min(initial=0) >= 0 and prediction.max(initial=0) <= 1):
            return False
        if not self._loss.rowwise or self._loss.link == "sigmoid":
            return True
        total = prediction.sum(self.spec.options.get("axis", -1), dtype=np.float64)
        return bool((np.abs(total - 1) <= _SUM_SLACK).all())

    def _classes(self, prediction: Array, target: Array, batch: Batch) -> Array:
        """Return integer labels, or probabilities."""
        if prediction.ndim == 1:
            raise self._usage(
                f"needs a prediction with one number per class: several columns ({_SERIES}), or a "
                "column of vectors"
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
        if batch.lengths is not None and axis != -1:
            raise self._usage(f"axis={axis} cannot be where rows have unequally many tokens")
        if len(prediction):
            shape = (prediction.shape[axis],)
            self._inputs.prediction.hold(CLASSES, shape, batch.first_row)
        if target.ndim == prediction.ndim and target.shape[axis] == 1 < prediction.shape[axis]:
            target = np.squeeze(target, axis)
        if self._loss.domain == "booleans":
            return self._sets(target, batch)
        if self._loss.domain == "real":
            return target
        if target.ndim == prediction.ndim:
            return target if target.dtype.kind == "f" else target.astype(np.float64)
        if target.dtype.kind == "f":
            return self._labels(target, batch)
        return target.astype(np.int64) if target.dtype.kind == "b" else target

    def _sets(self, target: Array, batch: Batch) -> Array:
        """Turn numbers 0 and 1 into booleans."""
        bad = (target != 0) & (target != 1)
        if bad.any():
            index = tuple(int(i) for i in np.argwhere(bad)[0])
            columns = self._inputs.target
            raise columns.source.error(
                f"{self.spec.name}: a target must say with 0 or 1 whether a class is there, got "
                f"{target[index]}",
                row=batch.row_of(index[0]),
                name=columns.name,
            )
        there: Array = target == 1
        return there

    def _labels(self, target: Array, batch: Batch) -> Array:
        """Turn whole floats into integers: text files and missing values make labels floats."""
        bad = ~((np.trunc(target) == target) & (np.abs(target) < 2.0**63))
        if bad.any():
            index = tuple(int(i) for i in np.argwhere(bad)[0])
            columns = self._inputs.target
            raise columns.source.error(
                f"{self.spec.name}: a label must be a whole number, got {target[index]}",
                row=batch.row_of(index[0]),
                name=columns.name,
            )
        return target.astype(np.int64)

    @staticmethod
    def _weight(batch: Batch, ndim: int) -> Array | None:
        if batch.weight is None:
            return None
        weight = batch.weight.astype(np.float64)
        return weight.reshape(weight.shape + (1,) * (ndim - weight.ndim))

    def _refuse(self, error: numloss.Error, batch: Batch) -> NoReturn:
        if not error.index:
            raise self._usage(str(error))
        columns = self._inputs.prediction if error.argument == "prediction" else self._inputs.target
        # The fix for arrays is not one for a command.
        signs = f": {argument('positive', 1)} makes the label 1 the positive class"
        raise columns.source.error(
            f"{self.spec.name}: {error.problem}{signs if error.kind == 'signs' else error.fix}",
            row=batch.row_of(error.index[0]),
            name=columns.name,
        )

    def _usage(self, message: str) -> UsageError:
        return UsageError(f"{either('loss ', '--loss ')}{self.spec.text}: {message}")


def _width(values: Array) -> int:
    return math.prod(values.shape[1:])
