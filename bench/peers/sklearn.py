"""scikit-learn's private ``sklearn._loss``, which its own estimators train with.

Its methods fill an array with one loss a sample; the mean over that array is timed too. Its
gradient is that of the sum: the division by the number of samples, and the factor 2 of its half
squared error, are left out of the time, in its favour. Everything is written to buffers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn._loss.loss import (
    AbsoluteError,
    HalfBinomialLoss,
    HalfMultinomialLoss,
    HalfSquaredError,
    HuberLoss,
)

from bench.peers import Contestant, Result

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bench.cells import Cell, Data

DTYPES = ("float32", "float64")


def setup(threads: int) -> None:
    """Do nothing: the number of threads goes with each call."""


@dataclass(frozen=True)
class Entry:
    """A loss: how to make it for a number of classes, and our value over its value."""

    make: Callable[[int], Any]
    factor: float = 1.0


ENTRIES = {
    "mse": Entry(lambda _: HalfSquaredError(), factor=2.0),
    "mae": Entry(lambda _: AbsoluteError()),
    "huber": Entry(lambda _: HuberLoss(delta=1.0)),
    "binary_cross_entropy": Entry(lambda _: HalfBinomialLoss()),
    "cross_entropy": Entry(lambda classes: HalfMultinomialLoss(n_classes=classes)),
}


def contestants(cell: Cell, data: Data) -> Iterator[Contestant]:
    """Compute the cell with the method that its mode needs."""
    entry = ENTRIES.get(cell.loss)
    if entry is None or cell.dtype not in DTYPES:
        return
    loss = entry.make(cell.shape[-1])
    # Labels are floats there.
    arrays = {
        "y_true": data.target.astype(data.prediction.dtype),
        "raw_prediction": data.prediction,
        "n_threads": cell.threads,
    }
    losses = np.empty_like(arrays["y_true"])
    # Not the buffer that numloss writes to: their results are compared.
    gradient = np.empty_like(data.prediction) if cell.wants_gradient else None
    hessian = np.empty_like(data.prediction) if cell.wants_hessian else None
    if cell.wants_hessian and loss.approx_hessian:
        return

    def value() -> tuple[Any, ...]:
        return (loss.loss(**arrays, loss_out=losses).mean(),)

    def grad() -> tuple[Any, ...]:
        return None, loss.gradient(**arrays, gradient_out=gradient)

    def value_and_grad() -> tuple[Any, ...]:
        loss.loss_gradient(**arrays, loss_out=losses, gradient_out=gradient)
        return losses.mean(), gradient

    def grad_and_hess() -> tuple[Any, ...]:
        return None, *loss.gradient_hessian(**arrays, gradient_out=gradient, hessian_out=hessian)

    def read(returned: tuple[Any, ...]) -> Result:
        mean, *summed = returned
        value = None if mean is None else entry.factor * float(mean)
        derivatives = [each * (entry.factor / len(losses)) for each in summed]
        return Result(value, *(derivatives or [None]))

    calls = {"value": value, "grad": grad, "value+grad": value_and_grad, "grad+hess": grad_and_hess}
    call = calls[cell.mode]
    yield Contestant("sklearn", call, read, note="gradient of the sum" * cell.wants_gradient)
