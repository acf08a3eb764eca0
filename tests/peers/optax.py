"""Optax: the loss functions that users of JAX import: of each element, or of each row."""

from __future__ import annotations

from collections.abc import Callable

import jax
from jax import Array
from optax import losses


def focal(x: Array, t: Array) -> Array:
    """Sigmoid focal loss of each element."""
    return losses.sigmoid_focal_loss(x, t, alpha=0.25, gamma=2.0)


def kl_divergence(x: Array, q: Array) -> Array:
    """Kullback-Leibler divergence of each row."""
    return losses.kl_divergence(jax.nn.log_softmax(x, axis=-1), q)


def poly_cross_entropy(x: Array, y: Array) -> Array:
    """Poly-1 cross-entropy of each row, which optax takes one-hot labels for."""
    return losses.poly_loss_cross_entropy(x, jax.nn.one_hot(y, x.shape[-1]))


# optax's multiclass hinge is the variant of Crammer and Singer, not the one measured here.
FORMULAS: dict[str, Callable[[Array, Array], Array]] = {
    "mse": losses.squared_error,
    "half_mse": losses.l2_loss,
    "huber": losses.huber_loss,
    "log_cosh": losses.log_cosh,
    "binary_cross_entropy": losses.sigmoid_binary_cross_entropy,
    "cross_entropy": losses.softmax_cross_entropy_with_integer_labels,
    "kl_divergence": kl_divergence,
    "poly_cross_entropy": poly_cross_entropy,
    "hinge": losses.hinge_loss,
    "focal": focal,
}
