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
            self.losses(self._zeros(1), np.ones(1))
        except ValueError as error:
            raise SystemExit(
                f"SCORING_LOSS {settings.loss} with SCORING_CLASSES {settings.classes} and "
                f"SCORING_OPTIONS {settings.options}: {error}"
            ) from None

    def _zeros(self, rows: int) -> Array:
        return np.zeros((rows, self._classes) if self._classes else rows, np.float32)

    def check(self, labels: Array) -> None:
        """Raise numloss.Error, which names the first bad one, unless the loss takes all labels."""
        self.losses(self._zeros(len(labels)), labels)

    def losses(self, predictions: Array, labels: Array) -> Array:
        """Return the loss of each row."""
        return self._loss(predictions, self._target(labels), reduction="none", **self._options)

    def _target(self, labels: Array) -> Array:
        """Return labels as the loss has them: of classes they are whole numbers."""
        whole = labels.astype(np.int64)
        return whole if self._loss.rowwise and (whole == labels).all() else labels

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
    ) -> None:
        """Let an evaluation take in rows."""
        evaluation.update(
            self.array(predictions, len(labels)),
            self._target(labels),
            groups=[models, slices],
            ids=ids,
        )

    def array(self, predictions: bytes, rows: int) -> Array:
        """Return predictions that are bytes of float32 as an array."""
        return np.frombuffer(predictions, np.float32).reshape(self._zeros(rows).shape)
