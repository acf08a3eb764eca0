"""The loss that the service computes: what it takes, what it gives, and the evaluation of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from settings import Settings

import numloss

Array = npt.NDArray[Any]


class Scorer:
    """Losses of predictions and labels, for one loss with its options.

    Parameters
    ----------
    settings : Settings
        Which loss, with which options, of how many classes.

    Raises
    ------
    SystemExit
        If numloss has no such loss, or it takes no predictions of that shape.
    """

    def __init__(self, settings: Settings) -> None:
        if settings.loss not in numloss.LOSSES:
            raise SystemExit(
                f"SCORING_LOSS must be one of {', '.join(numloss.LOSSES)}, got {settings.loss!r}"
            )
        self._name = settings.loss
        self._loss = numloss.LOSSES[settings.loss]
        self._options = settings.options
        self._classes = settings.classes
        try:
            self.check(np.ones(1))
        except ValueError as error:
            raise SystemExit(
                f"SCORING_LOSS {settings.loss} with SCORING_CLASSES {settings.classes} and "
                f"SCORING_OPTIONS {settings.options}: {error}"
            ) from None

    def _shape(self, rows: int) -> tuple[int, ...]:
        return (rows, self._classes) if self._classes else (rows,)

    def check(self, labels: Array) -> None:
        """Raise numloss.Error, which names the first bad one, unless the loss takes all labels."""
        self.losses(np.zeros(self._shape(len(labels)), np.float32), labels)

    def losses(self, predictions: Array, labels: Array) -> Array:
        """Return the loss of each row."""
        losses: Array = self._loss(
            predictions, self._target(labels), reduction="none", **self._options
        )
        return losses

    def _target(self, labels: Array) -> Array:
        """Return labels as the loss has them: of classes they are whole numbers."""
        if not self._loss.rowwise or (abs(labels) >= 2**53).any():
            return labels
        whole = labels.astype(np.int64)
        return whole if (whole == labels).all() else labels

    def evaluation(self) -> numloss.Evaluation:
        """Return an evaluation of the loss by model and slice that has no rows yet."""
        return numloss.Evaluation({self._name: (self._loss, self._options)}, by=["model", "slice"])

    def update(
        self,
        evaluation: numloss.Evaluation,
        ids: Sequence[str],
        models: Sequence[str],
        slices: Sequence[str],
        predictions: bytes,
        labels: Array,
        weights: Array,
    ) -> None:
        """Let an evaluation take in rows."""
        evaluation.update(
            self.array(predictions, len(labels)),
            self._target(labels),
            # Rows that all weigh 1 are those of an evaluation without weights.
            weight=None if (weights == 1).all() else weights,
            groups=[models, slices],
            ids=ids,
        )

    def array(self, predictions: bytes, rows: int) -> Array:
        """Return predictions that are bytes of float32 as an array."""
        return np.frombuffer(predictions, np.float32).reshape(self._shape(rows))
