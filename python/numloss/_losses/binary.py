"""Losses of one score or probability against a binary target."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from numloss._loss import Call, loss

if TYPE_CHECKING:
    from numpy.typing import ArrayLike
    from typing_extensions import Unpack

__all__ = ["binary_cross_entropy", "focal", "hinge", "squared_hinge"]


@loss(link="sigmoid", influence="bounded", likelihood=True, estimates="mean")
def binary_cross_entropy(
    prediction: ArrayLike,
    target: ArrayLike,
    *,
    pos_weight: float | None = None,
    label_smoothing: float = 0.0,
    from_logits: bool = True,
    **call: Unpack[Call],
) -> Any:
    r"""Cross-entropy of a Bernoulli variable, from logits or from probabilities.

    With logit :math:`x`, target :math:`t \in [0, 1]` and :math:`\sigma(x) = 1 / (1 + e^{-x})`

    .. math:: l = \max(x, 0) - x t + \log(1 + e^{-|x|})
                = -t \log \sigma(x) - (1 - t) \log (1 - \sigma(x))

    The gradient is :math:`\sigma(x) - t`, the Hessian :math:`\sigma(x) (1 - \sigma(x))`. No logit,
    however large, overflows.

    {elementwise}
    pos_weight : float, optional
        Factor of the term with :math:`t`, at least 0: above 1 it favours recall.
    label_smoothing : float, default 0.0
        :math:`\epsilon` in [0, 1]: the target becomes :math:`t (1 - \epsilon) + \epsilon / 2`.
    from_logits : bool, default True
        Whether the prediction is a logit. If not, it is a probability in [0, 1], 0 and 1 included:
        a certain prediction that is right costs exactly 0, one that is wrong ``inf``; nothing is
        clipped.

    {results}

    Examples
    --------
    >>> import numloss
    >>> round(float(numloss.binary_cross_entropy([2.0, -1.0], [1, 0])), 6)
    0.220095
    >>> numloss.binary_cross_entropy.grad([0.0, 0.0], [1, 0], reduction="sum")
    array([-0.5,  0.5])
    >>> float(numloss.binary_cross_entropy([1.0, 0.5], [1, 0], from_logits=False, reduction="sum"))
    0.6931471805599453

    References
    ----------
    I. J. Good, "Rational decisions", Journal of the Royal Statistical Society B 14 (1952).
    """


@loss(link="sigmoid", convex=False, influence="bounded")
def focal(
    prediction: ArrayLike,
    target: ArrayLike,
    *,
    gamma: float = 2.0,
    alpha: float | None = 0.25,
    from_logits: bool = True,
    **call: Unpack[Call],
) -> Any:
    r"""Focal loss of RetinaNet: cross-entropy that fades for examples already well predicted.

    With :math:`p = \sigma(x)`, :math:`p_t = p t + (1 - p)(1 - t)` and
    :math:`\alpha_t = \alpha t + (1 - \alpha)(1 - t)`

    .. math:: l = \alpha_t (1 - p_t)^\gamma \, \mathrm{CE}(x, t)

    with CE the binary cross-entropy, which is :math:`-\log p_t` for a target of 0 or 1. With
    ``gamma=0`` it is weighted cross-entropy. The gradient is finite at every logit, for every
    ``gamma``.

    {elementwise}
    gamma : float, default 2.0
        How fast well predicted examples fade; at least 0.
    alpha : float or None, default 0.25
        Share of the positive class, in [0, 1]; None: no balancing.
    from_logits : bool, default True
        Whether the prediction is a logit; if not, it is a probability in [0, 1].

    {results}

    Examples
    --------
    >>> import numloss
    >>> round(float(numloss.focal([2.0, -1.0], [1, 0])), 6)
    0.008722
    >>> round(float(numloss.focal([2.0, -1.0], [1, 0], gamma=0.0, alpha=None)), 6)
    0.220095

    References
    ----------
    T.-Y. Lin et al., "Focal loss for dense object detection", ICCV 2017, eq. 5.
    """


@loss(smoothness=0, influence="bounded")
def hinge(
    prediction: ArrayLike,
    target: ArrayLike,
    *,
    margin: float = 1.0,
    **call: Unpack[Call],
) -> Any:
    r"""Hinge loss of the support vector machine, :math:`\max(0, m - t s)`.

    :math:`s` is the prediction, a score, and :math:`t \in \{-1, +1\}` its target; booleans stand
    for -1 and +1 as well. The gradient is :math:`-t` where the loss is positive, else 0; the
    Hessian is 0.

    {elementwise}
    margin : float, default 1.0
        :math:`m`; positive, in the unit of the score.

    {results}

    Examples
    --------
    >>> import numloss
    >>> float(numloss.hinge([0.5, -3.0], [1, -1]))
    0.25
    >>> numloss.hinge.grad([0.5, -3.0], [True, False], reduction="sum")
    array([-1.,  0.])

    References
    ----------
    C. Cortes and V. Vapnik, "Support-vector networks", Machine Learning 20 (1995).
    """


@loss(smoothness=1)
def squared_hinge(
    prediction: ArrayLike,
    target: ArrayLike,
    *,
    margin: float = 1.0,
    **call: Unpack[Call],
) -> Any:
    r"""Squared hinge loss, :math:`\max(0, m - t s)^2`.

    :math:`s` is the prediction, a score, and :math:`t \in \{-1, +1\}` its target; booleans stand
    for -1 and +1 as well. The gradient is :math:`-2 t \max(0, m - t s)`; the Hessian is 2 where the
    loss is positive, else 0.

    {elementwise}
    margin : float, default 1.0
        :math:`m`; positive, in the unit of the score.

    {results}

    Examples
    --------
    >>> import numloss
    >>> float(numloss.squared_hinge([0.5, -3.0], [1, -1]))
    0.125
    >>> numloss.squared_hinge.grad([0.5, -3.0], [1, -1], reduction="sum")
    array([-1.,  0.])

    References
    ----------
    C.-J. Lin et al., "A dual coordinate descent method for large-scale linear SVM" (ICML 2008),
    eq. 1 (L2-SVM).
    """
