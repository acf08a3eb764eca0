"""JAX: formulas for ``jax.jit``, as it has no losses of its own.

The formulas are those that XLA compiles to the fastest code on a CPU among the stable ones:
``log1p(exp(-|x|))`` beats ``jax.nn.softplus`` several times over, and a gather from the logits
beats both ``log_softmax`` and a one-hot sum.
"""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from peers import by_name
from peers.numpy import ordinal_labels


def mse(p: Array, t: Array) -> Array:
    """Mean squared error."""
    return jnp.mean(jnp.square(p - t))


def mae(p: Array, t: Array) -> Array:
    """Mean absolute error."""
    return jnp.mean(jnp.abs(p - t))


def huber(p: Array, t: Array) -> Array:
    """Huber loss, delta 1."""
    a = jnp.abs(p - t)
    return jnp.mean(jnp.where(a <= 1, 0.5 * a * a, a - 0.5))


def half_mse(p: Array, t: Array) -> Array:
    """Half the mean squared error."""
    return 0.5 * mse(p, t)


def smooth_l1(p: Array, t: Array) -> Array:
    """Smooth L1 loss, beta 1."""
    return huber(p, t)


def epsilon_insensitive(p: Array, t: Array) -> Array:
    """Loss of support vector regression, epsilon 0.1."""
    return jnp.mean(jax.nn.relu(jnp.abs(p - t) - 0.1))


def squared_epsilon_insensitive(p: Array, t: Array) -> Array:
    """Squared loss of support vector regression, epsilon 0.1."""
    return jnp.mean(jnp.square(jax.nn.relu(jnp.abs(p - t) - 0.1)))


def expectile(p: Array, t: Array) -> Array:
    """Loss of the expectile 1/2."""
    r = p - t
    return jnp.mean(jnp.where(r > 0, 1 - 0.5, 0.5) * r * r)


def pseudo_huber(p: Array, t: Array) -> Array:
    """Pseudo-Huber loss, delta 1."""
    r = p - t
    return jnp.mean(r * r / (1 + jnp.sqrt(1 + r * r)))


def log_cosh(p: Array, t: Array) -> Array:
    """Logarithm of the hyperbolic cosine."""
    a = jnp.abs(p - t)
    return jnp.mean(a + jnp.log1p(jnp.exp(-2 * a)) - jnp.log(2.0))


def fair(p: Array, t: Array) -> Array:
    """Fair's loss, c 1."""
    s = jnp.abs(p - t)
    return jnp.mean(s - jnp.log1p(s))


def cauchy(p: Array, t: Array) -> Array:
    """Cauchy's loss, c 1."""
    return jnp.mean(0.5 * jnp.log1p(jnp.square(p - t)))


def tukey_biweight(p: Array, t: Array) -> Array:
    """Tukey's biweight, c 4.685."""
    rest = 1 - jnp.minimum(jnp.square((p - t) / 4.685), 1)
    return jnp.mean(4.685**2 / 6 * (1 - rest * rest * rest))


def robust(p: Array, t: Array) -> Array:
    """Barron's loss, alpha 1, c 1, with the power that a general alpha takes."""
    return jnp.mean(jnp.power(jnp.square(p - t) + 1, jnp.asarray(0.5, p.dtype)) - 1)


def msle(p: Array, t: Array) -> Array:
    """Mean squared logarithmic error."""
    return jnp.mean(jnp.square(jnp.log1p(p) - jnp.log1p(t)))


def mape(p: Array, t: Array) -> Array:
    """Mean absolute percentage error, as a share, floor 2^-52."""
    return jnp.mean(jnp.abs(p - t) / jnp.maximum(jnp.abs(t), 2.0**-52))


def smape(p: Array, t: Array) -> Array:
    """Symmetric relative error."""
    return jnp.mean(2 * jnp.abs(p - t) / (jnp.abs(p) + jnp.abs(t)))


def binary_cross_entropy(x: Array, t: Array) -> Array:
    """Binary cross-entropy of logits."""
    return jnp.mean(logistic(x, t))


def logistic(x: Array, t: Array) -> Array:
    """Binary cross-entropy of each element."""
    return jnp.maximum(x, 0) - x * t + jnp.log1p(jnp.exp(-jnp.abs(x)))


def hinge(s: Array, t: Array) -> Array:
    """Hinge loss, margin 1."""
    return jnp.mean(jax.nn.relu(1 - t * s))


def squared_hinge(s: Array, t: Array) -> Array:
    """Squared hinge loss, margin 1."""
    return jnp.mean(jnp.square(jax.nn.relu(1 - t * s)))


def focal(x: Array, t: Array) -> Array:
    """Sigmoid focal loss, gamma 2, alpha 1/4."""
    p = jax.nn.sigmoid(x)
    p_t = p * t + (1 - p) * (1 - t)
    alpha_t = 0.25 * t + 0.75 * (1 - t)
    return jnp.mean(alpha_t * jnp.square(1 - p_t) * logistic(x, t))


def cross_entropy(x: Array, y: Array) -> Array:
    """Softmax cross-entropy with labels."""
    return jnp.mean(row_cross_entropy(x, y))


def row_cross_entropy(x: Array, y: Array) -> Array:
    """Softmax cross-entropy of each row."""
    picked = jnp.take_along_axis(x, y[:, None], axis=-1)[:, 0]
    return jax.nn.logsumexp(x, axis=-1) - picked


def kl_divergence(x: Array, q: Array) -> Array:
    """Kullback-Leibler divergence of the softmax from positive probabilities."""
    return mean_of_rows(q * (jnp.log(q) - jax.nn.log_softmax(x, axis=-1)))


def multiclass_hinge(x: Array, y: Array) -> Array:
    """Weston-Watkins hinge loss; the label's own term is the margin, 1."""
    picked = jnp.take_along_axis(x, y[:, None], axis=-1)
    return mean_of_rows(jax.nn.relu(1 + x - picked)) - 1


def softmax_focal(x: Array, y: Array) -> Array:
    """Softmax focal loss, gamma 2."""
    loss = row_cross_entropy(x, y)
    return jnp.mean(jnp.square(1 - jnp.exp(-loss)) * loss)


def ranked_probability(x: Array, y: Array) -> Array:
    """Ranked probability score of ordered classes."""
    cumulative = jnp.cumsum(jax.nn.softmax(x, axis=-1), axis=-1)[:, :-1]
    above = jnp.arange(x.shape[1] - 1) >= y[:, None]
    return mean_of_rows(jnp.square(cumulative - above))


def ordinal_cross_entropy(x: Array, y: Array) -> Array:
    """Cross-entropy against labels that decay with the distance to the class."""
    q = jnp.asarray(ordinal_labels(x.shape[1], np.dtype(np.float64)), dtype=x.dtype)[y]
    return -mean_of_rows(q * jax.nn.log_softmax(x, axis=-1))


def mean_of_rows(terms: Array) -> Array:
    """Sum over the classes, mean over the rows; one sum over both would overflow in float16."""
    return jnp.mean(jnp.sum(terms, axis=-1))


FORMULAS: dict[str, Callable[[Array, Array], Array]] = by_name(
    mse,
    mae,
    huber,
    half_mse,
    smooth_l1,
    epsilon_insensitive,
    squared_epsilon_insensitive,
    expectile,
    pseudo_huber,
    log_cosh,
    fair,
    cauchy,
    tukey_biweight,
    robust,
    msle,
    mape,
    smape,
    binary_cross_entropy,
    cross_entropy,
    kl_divergence,
    hinge,
    squared_hinge,
    multiclass_hinge,
    focal,
    softmax_focal,
    ranked_probability,
    ordinal_cross_entropy,
)
