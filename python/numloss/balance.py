"""Balancing classes of unequal size: weights for them, or a sample that has them equally often."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from numloss import _convert
from numloss._arithmetic import ieee
from numloss._raise import Error

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["class_weights", "oversample", "pos_weight"]


def class_weights(
    labels: ArrayLike,
    num_classes: int | None = None,
    scheme: Literal["balanced", "effective"] = "balanced",
    *,
    beta: float = 0.999,
) -> NDArray[np.float64]:
    r"""Weights that make up for the unequal size of classes, for ``class_weight``.

    With :math:`n_c` of :math:`n` labels in class :math:`c` of :math:`C`

    .. math:: w_c = \frac{n}{C n_c} \quad \text{(balanced)}, \qquad
              w_c \propto \frac{1 - \beta}{1 - \beta^{n_c}} \quad \text{(effective)}

    the latter scaled to a mean of 1: the effective number of samples, which weighs a class the less
    by its size the more its samples overlap. A class without labels has weight 0 and no part in
    :math:`C` or the mean.

    Parameters
    ----------
    labels : array-like of int
        Labels, at least 0, of any shape.
    num_classes : int, optional
        Length of the result; default: the largest label plus 1.
    scheme : {"balanced", "effective"}, default "balanced"
        The formula.
    beta : float, default 0.999
        For ``"effective"``: from 0 (no weighting) to below 1 (towards balanced).

    Returns
    -------
    ndarray of float64, shape (num_classes,)
        The weight of each class.

    Raises
    ------
    ValueError
        If a label is negative or too large, there are none, or a parameter is outside its domain.
    TypeError
        If the labels are not integers.

    Examples
    --------
    >>> import numloss
    >>> numloss.class_weights([0, 0, 0, 1])
    array([0.66666667, 2.        ])

    References
    ----------
    G. King and L. Zeng, "Logistic regression in rare events data", Political Analysis 9 (2001);
    Y. Cui et al., "Class-balanced loss based on effective number of samples", CVPR 2019, eq. 2.
    """
    counts = _convert.label_counts(_convert.labels(labels), num_classes)
    balanced = _convert.choice("scheme", scheme, ("balanced", "effective")) == 0
    beta = _convert.below_one("beta", beta)
    weights = np.zeros(counts.size)
    present = counts > 0
    with ieee:
        n = counts[present].astype(np.float64)
        weights[present] = n.sum() / (n.size * n) if balanced else _effective(n, beta)
    return weights


def _effective(n: NDArray[np.float64], beta: float) -> NDArray[np.float64]:
    if beta == 0:
        return np.ones_like(n)
    # expm1 keeps the digits where beta is close to 1.
    effective = np.expm1(n * np.log(beta)) / (beta - 1)
    weights: NDArray[np.float64] = (1 / effective) / np.mean(1 / effective)
    return weights


def pos_weight(target: ArrayLike) -> Any:
    r"""Weight of the positive examples that makes up for their number, for ``pos_weight``.

    .. math:: \frac{\sum_i (1 - t_i)}{\sum_i t_i}

    It is the number of negatives over that of positives; soft targets count in part on both sides.
    Of several labels each has a weight of its own.

    Parameters
    ----------
    target : array-like
        Targets in [0, 1], or truth values: of shape (n,), or (n, labels) with a label a column.

    Returns
    -------
    float, or ndarray of shape (labels,)
        The weight, or one for each column.

    Raises
    ------
    numloss.Error
        (a ValueError) If a target lies outside [0, 1], or there are no positives to be weighted.
    numloss.InputTypeError
        (a TypeError) If the targets are no real numbers.

    Examples
    --------
    >>> import numloss
    >>> numloss.pos_weight([0, 0, 0, 1])
    3.0
    >>> numloss.pos_weight([[0, 1], [0, 0], [1, 1]])
    array([2. , 0.5])

    References
    ----------
    G. King and L. Zeng, "Logistic regression in rare events data", Political Analysis 9 (2001).
    """
    t = _convert.array("target", target)
    if t.ndim not in (1, 2):
        raise Error(
            f"target must have one axis, or a second one of labels, got shape {t.shape}", "target"
        )
    t = t.astype(np.float64)
    bad = ~((t >= 0) & (t <= 1))
    if bad.any():
        where, found = _convert.first_of(bad, t)
        raise Error(f"target must lie in [0, 1], got {found}{where}", "target")
    with ieee:
        positives = t.sum(axis=0)
        negatives = (1 - t).sum(axis=0)
        if not (positives > 0).all():
            column = f" in column {int(np.argmin(positives))}" if t.ndim == 2 else ""
            raise Error(f"target must hold positives, got none{column}", "target")
        return negatives / positives if t.ndim == 2 else float(negatives / positives)


def oversample(
    labels: ArrayLike, rng: np.random.Generator | int | None = None, *, ratio: float = 1.0
) -> NDArray[np.int64]:
    r"""Draw a sample, as indices, in which every class occurs as often as the largest.

    Every example occurs; those of smaller classes are repeated, each as often as the others of its
    class or once more, drawn without replacement. The order is random. With a ``ratio``
    :math:`\rho` below 1 a class of :math:`n_c` examples grows to :math:`n_c + \rho (\max n - n_c)`
    only, rounded to a whole number, to an even one from the middle between two.

    Parameters
    ----------
    labels : array-like of int, shape (n,)
        Labels, at least 0.
    rng : numpy.random.Generator or int, optional
        Source of randomness, or its seed.
    ratio : float, default 1.0
        How far classes grow towards the size of the largest: from 0, not at all, to 1.

    Returns
    -------
    ndarray of int64
        Indices into ``labels``: with ``ratio=1``, the number of classes times the size of the
        largest.

    Raises
    ------
    ValueError
        If a label is negative, there are none, they have more than one axis, or the ratio lies
        outside [0, 1].
    TypeError
        If the labels are not integers.

    Examples
    --------
    >>> import numpy as np
    >>> import numloss
    >>> labels = np.array([0, 0, 0, 1])
    >>> np.bincount(labels[numloss.oversample(labels, rng=0)])
    array([3, 3])
    >>> np.bincount(labels[numloss.oversample(labels, rng=0, ratio=0.5)])
    array([3, 2])

    References
    ----------
    N. Japkowicz and S. Stephen, "The class imbalance problem: a systematic study", Intelligent Data
    Analysis 6 (2002).
    """
    y = _convert.labels(labels, one_axis=True)
    source = _convert.generator(rng)
    ratio = _convert.unit("ratio", ratio)
    counts = np.unique(y, return_counts=True)[1]
    classes = np.split(np.argsort(y, kind="stable"), np.cumsum(counts)[:-1])
    sizes = np.rint(counts + ratio * (counts.max() - counts)).astype(np.int64)
    chosen = [
        _repeated(indices, size, source) for indices, size in zip(classes, sizes, strict=True)
    ]
    return source.permutation(np.concatenate(chosen))


def _repeated(
    indices: NDArray[np.int64], size: int, source: np.random.Generator
) -> NDArray[np.int64]:
    times, rest = divmod(int(size), indices.size)
    extra = source.choice(indices, size=rest, replace=False)
    return np.concatenate([np.tile(indices, times), extra])
