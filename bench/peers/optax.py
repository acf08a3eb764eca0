"""Optax: the loss functions that users of JAX import, compiled by ``jax.jit`` and averaged."""

from __future__ import annotations

from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp
from optax import losses

from bench.peers.jax import compiled, setup

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from jax import Array

    from bench.cells import Cell, Data
    from bench.peers import Contestant

__all__ = ["contestants", "setup"]


def contestants(cell: Cell, data: Data) -> Iterator[Contestant]:
    """Compute the cell with the function of its loss."""
    if (function := FUNCTIONS.get(cell.loss)) and not cell.wants_hessian:
        yield compiled("optax", lambda p, t: jnp.mean(function(p, t)), cell, data)


def focal(x: Array, t: Array) -> Array:
    """Sigmoid focal loss of each element."""
    return losses.sigmoid_focal_loss(x, t, alpha=0.25, gamma=2.0)


def kl_divergence(x: Array, q: Array) -> Array:
    """Kullback-Leibler divergence of each row."""
    return losses.kl_divergence(jax.nn.log_softmax(x, axis=-1), q)


# optax's multiclass hinge is the variant of Crammer and Singer, not the one measured here.
FUNCTIONS: dict[str, Callable[[Array, Array], Array]] = {
    "mse": losses.squared_error,
    "huber": losses.huber_loss,
    "binary_cross_entropy": losses.sigmoid_binary_cross_entropy,
    "cross_entropy": losses.softmax_cross_entropy_with_integer_labels,
    "kl_divergence": kl_divergence,
    "hinge": losses.hinge_loss,
    "focal": focal,
}
