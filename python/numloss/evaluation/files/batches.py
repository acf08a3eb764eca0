"""From the columns of a chunk to arrays of examples, where rows may have unequally many."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeGuard

import numpy as np

from numloss.evaluation.files.columns import CLASSES, Array, NumberColumns, Ragged
from numloss.evaluation.files.inputs import Chunk, Inputs


@dataclass(frozen=True)
class Batch:
    """Arrays of a chunk; of rows of unequal lengths, the tokens one after the other."""

    first_row: int
    rows: int
    prediction: Array
    target: Array
    weight: Array | None
    lengths: Array | None = None  # of the rows, where tokens are the examples

    def row_of(self, index: int) -> int:
        """Return the row that the first axis has at a place."""
        if self.lengths is not None:
            index = Ragged(self.prediction, self.lengths).row_of(index)
        return self.first_row + index


def batch_of(chunk: Chunk, inputs: Inputs, over_classes: bool, axis: object) -> Batch:
    """Return the arrays of a chunk, for a loss over an axis of classes or one of single numbers."""
    prediction, target, weight = chunk.prediction, chunk.target, chunk.weight
    if over_classes and isinstance(prediction, Ragged) and prediction.values.ndim == 1:
        # Its rows are classes, not tokens.
        _refuse_unlike_rows(prediction, inputs.prediction, chunk.first_row)
    ragged = [isinstance(part, Ragged) for part in (prediction, target, weight)]
    if not any(ragged):
        _refuse_unlike_lists(chunk, inputs, over_classes, axis)
        return Batch(
            chunk.first_row, len(prediction), _flat(prediction), _flat(target),
            None if weight is None else _flat(weight),
        )  # fmt: skip
    lengths = _lengths(prediction)
    _refuse_unlike(target, lengths, inputs.target, chunk.first_row)
    if inputs.weight is not None and _has_lists(weight):
        _refuse_unlike(weight, lengths, inputs.weight, chunk.first_row)
    elif weight is not None:
        weight = np.repeat(_flat(weight), lengths)
    return Batch(
        chunk.first_row, len(lengths), _tokens(prediction), _tokens(target),
        None if weight is None else _tokens(weight), lengths,
    )  # fmt: skip


def _refuse_unlike_lists(chunk: Chunk, inputs: Inputs, over_classes: bool, axis: object) -> None:
    """Hold lists that have one length by chance to the same rule as others."""
    if not inputs.prediction.varies or (over_classes and axis != -1):
        return
    if _flat(chunk.prediction).ndim <= 1 + over_classes:
        return
    lengths = _lengths(chunk.prediction)
    if inputs.target.varies:
        _refuse_unlike(chunk.target, lengths, inputs.target, chunk.first_row)
    if inputs.weight is not None and _has_lists(chunk.weight):
        _refuse_unlike(chunk.weight, lengths, inputs.weight, chunk.first_row)


def _has_lists(weight: Array | Ragged | None) -> TypeGuard[Array | Ragged]:
    """Whether a row has several weights, or could have."""
    return isinstance(weight, Ragged) or (weight is not None and weight.ndim > 1)


def _flat(part: Array | Ragged) -> Array:
    assert not isinstance(part, Ragged)
    return part


def _lengths(part: Array | Ragged) -> Array:
    if isinstance(part, Ragged):
        return part.lengths
    return np.full(len(part), part.shape[1] if part.ndim > 1 else 1, np.int64)


def _tokens(part: Array | Ragged) -> Array:
    if isinstance(part, Ragged):
        return part.values
    return part.reshape(-1, *part.shape[2:]) if part.ndim > 1 else part


def _refuse_unlike_rows(part: Ragged, columns: NumberColumns, first_row: int) -> None:
    before = columns.held(CLASSES)
    wanted = before[0] if before else int(part.lengths[0])
    if wanted == 0:
        raise columns.source.error("an empty list", row=first_row, name=columns.name)
    bad = int(np.argmax(part.lengths != wanted))
    raise columns.source.error(
        f"{part.lengths[bad]} numbers, where the rows before have {wanted}",
        row=first_row + bad,
        name=columns.name,
    )


def _refuse_unlike(
    part: Array | Ragged, lengths: Array, columns: NumberColumns, first_row: int
) -> None:
    mine = _lengths(part)
    bad = np.flatnonzero(mine != lengths)
    if len(bad):
        raise columns.source.error(
            f"{mine[bad[0]]} values, where the prediction has {lengths[bad[0]]}",
            row=first_row + int(bad[0]),
            name=columns.name,
        )
