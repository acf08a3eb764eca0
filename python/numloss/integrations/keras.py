"""Losses of Keras 3 on its torch and JAX backends: ``numloss.keras.Loss("huber", delta=2.0)``."""

from __future__ import annotations

import inspect
from typing import Any

import keras

import numloss
from numloss._links import compares
from numloss._raise import Error, listed, shown
from numloss.evaluation.specs import spec_of

__all__ = ["Loss"]


def _backend() -> Any:
    """Return the module of the losses that Keras differentiates."""
    name = keras.backend.backend()
    if name not in ("torch", "jax"):
        raise Error(
            f"numloss.keras needs the backend 'torch' or 'jax', got {name!r}: "
            "set KERAS_BACKEND before keras is imported"
        )
    return getattr(numloss, name)


def _takes_two(loss: numloss.Loss[...]) -> bool:
    """Whether a prediction and a target are all it needs, and they have forms that Keras knows."""
    parameters = inspect.signature(loss).parameters.values()
    if compares(loss) or loss.domain == "sequences":
        return False
    return sum(x.default is inspect.Parameter.empty for x in parameters) == 2


#: The largest int32.
_NO_CLASS = 2**31 - 1

#: The losses that fit: Keras hands them a prediction and a target.
_NAMES = [name for name, loss in numloss.LOSSES.items() if _takes_two(loss)]


@keras.saving.register_keras_serializable(package="numloss")
class Loss(keras.losses.Loss):  # type: ignore[misc]
    """A loss of numloss as Keras takes them: ``compile(loss=numloss.keras.Loss("huber"))``.

    Losses and gradients of examples are those of ``numloss.torch`` or ``numloss.jax``; the examples
    are weighted and reduced by Keras, in float32.

    Parameters
    ----------
    loss : str
        Name of a loss of a prediction and a target, such as ``"cross_entropy"``.
    reduction : str or None, default "sum_over_batch_size"
        How Keras reduces the losses of the examples.
    name : str, optional
        What Keras shows; default: that of the loss.
    dtype : str, optional
        In which Keras hands over predictions and targets; default: ``keras.config.floatx()``.
    **options
        Parameters of the loss, such as ``delta=2.0`` or ``class_weight=[0.5, 2.0]``: numbers and
        lists, which are saved with the model.

    Raises
    ------
    numloss.Error
        (a ValueError) If no such loss has that name, the loss has no such parameter, or Keras runs
        on another backend.

    Examples
    --------
    >>> import numpy as np
    >>> import numloss
    >>> loss = numloss.keras.Loss("huber", delta=2.0)
    >>> round(float(loss(np.zeros(2), np.array([0.5, 4.0]))), 4)
    3.0625
    """

    def __init__(
        self,
        loss: str,
        *,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
        dtype: Any = None,
        **options: Any,
    ) -> None:
        if loss not in _NAMES:
            raise Error(f"loss must be {listed(_NAMES)}, got {shown(loss)}", "loss")
        spec_of((loss, options))  # which refuses what is none of its own
        super().__init__(name=name or loss, reduction=reduction, dtype=dtype)
        self.loss, self.options = loss, options
        self.function = getattr(_backend(), loss)
        self.rowwise = numloss.LOSSES[loss].rowwise

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the losses of the examples, averaged over the last axis as Keras's own are."""
        target = self._labels(y_true, y_pred) if self.rowwise else _fitted(y_true, y_pred)
        losses = self.function(y_pred, target, reduction="none", **self.options)
        averages = not self.rowwise and len(losses.shape) > 1
        return keras.ops.mean(losses, axis=-1) if averages else losses

    def _labels(self, y_true: Any, y_pred: Any) -> Any:
        """Return labels as the integers or booleans that Keras made floats of; numbers stay."""
        if numloss.LOSSES[self.loss].domain == "booleans":
            return keras.ops.cast(y_true, "bool")
        is_number = numloss.LOSSES[self.loss].domain == "real"
        if tuple(y_true.shape) == tuple(y_pred.shape) and not is_number:
            return y_true  # probabilities
        if len(y_true.shape) == len(y_pred.shape) and y_true.shape[-1] == 1:
            y_true = keras.ops.squeeze(y_true, axis=-1)
        if is_number:
            return y_true
        whole = keras.ops.cast(y_true, "int32")
        # What is no integer becomes a label of no class, which the loss refuses.
        return keras.ops.where(keras.ops.cast(whole, y_true.dtype) == y_true, whole, _NO_CLASS)

    def get_config(self) -> dict[str, Any]:
        """Return what makes the same loss again."""
        return {**super().get_config(), "loss": self.loss, **self.options}


def _fitted(y_true: Any, y_pred: Any) -> Any:
    """Return targets with the axis of length 1 that Keras lets them lack, or have more."""
    have, need = tuple(y_true.shape), tuple(y_pred.shape)
    lone = have == (*need, 1) or need == (*have, 1)
    return keras.ops.reshape(y_true, need) if lone else y_true
