"""Losses over an axis of classes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from numloss._loss import Call, loss

if TYPE_CHECKING:
    from numpy.typing import ArrayLike
    from typing_extensions import Unpack

__all__ = ["cross_entropy", "kl_divergence", "multiclass_hinge", "softmax_focal"]


@loss(
    link="softmax",
    influence="bounded",
    likelihood=True,
    estimates="mean",
    softmax_hessian=True,
)
def cross_entropy(
    prediction: ArrayLike,
    target: ArrayLike,
    *,
    class_weight: ArrayLike | None = None,
    label_smoothing: float = 0.0,
    ignore_index: int = -100,
    axis: int = -1,
    return_logsumexp: bool = False,
    return_predicted: bool = False,
    **call: Unpack[Call],
) -> Any:
    r"""Cross-entropy of the softmax of logits, against labels or probabilities.

    With logits :math:`x` and label :math:`y`, or probabilities :math:`q`

    .. math:: l = \log \sum_c e^{x_c} - x_y, \qquad l = \log \sum_c e^{x_c} - \sum_c q_c x_c

    The gradient is :math:`p - q` with :math:`p = \mathrm{softmax}(x)`, the diagonal of the Hessian
    :math:`p (1 - p)`. A label and the probabilities that are 1 at it give the same result, class
    weights included. The logits are read once, and nothing of their size is allocated.

    {labels or probabilities}
    {class_weight}
    label_smoothing : float, default 0.0
        :math:`\epsilon` in [0, 1]: :math:`q` becomes :math:`q (1 - \epsilon) + \epsilon / C`, each
        class with its class weight. A class that cannot happen (logit -inf) gets no share.
    {ignore_index}
    {logsumexp}
    {predicted}

    {results}

    Examples
    --------
    >>> import numpy as np
    >>> import numloss
    >>> logits = np.array([[2.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
    >>> round(float(numloss.cross_entropy(logits, [0, 1])), 6)
    0.360645
    >>> numloss.cross_entropy.grad(logits, [0, 1], reduction="sum").round(3)
    array([[-0.156,  0.114,  0.042],
           [ 0.212, -0.424,  0.212]])
    >>> value, predicted = numloss.cross_entropy(logits, [0, 1], return_predicted=True)
    >>> predicted
    array([0, 1])

    References
    ----------
    J. S. Bridle, "Probabilistic interpretation of feedforward classification network outputs",
    Neurocomputing (1990). Smoothing: C. Szegedy et al., CVPR 2016, section 7.
    """


@loss(link="softmax", influence="bounded", estimates="mean", softmax_hessian=True)
def kl_divergence(
    prediction: ArrayLike,
    target: ArrayLike,
    *,
    axis: int = -1,
    return_logsumexp: bool = False,
    return_predicted: bool = False,
    **call: Unpack[Call],
) -> Any:
    r"""Kullback-Leibler divergence of the softmax of logits from probabilities.

    .. math:: l = \sum_c q_c (\log q_c - \log \mathrm{softmax}(x)_c)

    with :math:`0 \log 0 = 0`: the cross-entropy less the entropy of :math:`q`. Its derivatives are
    those of ``cross_entropy``.

    {probabilities}
    {logsumexp}
    {predicted}

    {results}

    Examples
    --------
    >>> import numloss
    >>> round(float(numloss.kl_divergence([0.0, 0.0], [0.5, 0.5])), 6)
    0.0
    >>> round(float(numloss.kl_divergence([0.0, 0.0], [1.0, 0.0])), 6)
    0.693147

    References
    ----------
    S. Kullback and R. A. Leibler, "On information and sufficiency", Annals of Mathematical
    Statistics 22 (1951), eq. 2.4.
    """


@loss(smoothness=0, influence="bounded")
def multiclass_hinge(
    prediction: ArrayLike,
    target: ArrayLike,
    *,
    margin: float = 1.0,
    variant: Literal["weston_watkins", "crammer_singer"] = "weston_watkins",
    class_weight: ArrayLike | None = None,
    ignore_index: int = -100,
    axis: int = -1,
    return_predicted: bool = False,
    **call: Unpack[Call],
) -> Any:
    r"""Hinge loss over classes: the label's score should lead every other by a margin.

    With scores :math:`s` and label :math:`y`

    .. math:: l_{WW} = \sum_{j \ne y} \max(0, m + s_j - s_y), \qquad
              l_{CS} = \max_{j \ne y} \max(0, m + s_j - s_y)

    The gradient is 1 for every active class (of the maximum: for the first of the largest), minus
    their number for the label; the Hessian is 0.

    {labels}
    margin : float, default 1.0
        :math:`m`; positive, in the unit of the scores.
    variant : {"weston_watkins", "crammer_singer"}, default "weston_watkins"
        The sum over the other classes, or their maximum.
    {class_weight}
    {ignore_index}
    {predicted}

    {results}

    Examples
    --------
    >>> import numloss
    >>> float(numloss.multiclass_hinge([[1.0, 0.5, 0.25]], [0]))
    0.75
    >>> float(numloss.multiclass_hinge([[1.0, 0.5, 0.25]], [0], variant="crammer_singer"))
    0.5

    References
    ----------
    J. Weston and C. Watkins, "Support vector machines for multi-class pattern recognition", ESANN
    1999; K. Crammer and Y. Singer, "On the algorithmic implementation of multiclass kernel-based
    vector machines", Journal of Machine Learning Research 2 (2001).
    """


@loss(link="softmax", convex=False, influence="bounded")
def softmax_focal(
    prediction: ArrayLike,
    target: ArrayLike,
    *,
    gamma: float = 2.0,
    alpha: ArrayLike | None = None,
    ignore_index: int = -100,
    axis: int = -1,
    return_logsumexp: bool = False,
    return_predicted: bool = False,
    **call: Unpack[Call],
) -> Any:
    r"""Focal loss over classes: cross-entropy that fades for examples already well predicted.

    With :math:`p = \mathrm{softmax}(x)` and label :math:`y`

    .. math:: l = -\alpha_y (1 - p_y)^\gamma \log p_y

    With ``gamma=0`` it is cross-entropy, each example times its :math:`\alpha_y`. :math:`\alpha`
    scales the loss; unlike a class weight it is no part of what a mean divides by. The gradient is
    finite at every logit, for every ``gamma``.

    {labels}
    gamma : float, default 2.0
        How fast well predicted examples fade; at least 0.
    alpha : array-like, optional
        A factor of at least 0 for each class, or one for all.
    {ignore_index}
    {logsumexp}
    {predicted}

    {results}

    Examples
    --------
    >>> import numpy as np
    >>> import numloss
    >>> logits = np.array([[2.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
    >>> round(float(numloss.softmax_focal(logits, [0, 1])), 6)
    0.051613
    >>> round(float(numloss.softmax_focal(logits, [0, 1], gamma=0.0)), 6)
    0.360645

    References
    ----------
    T.-Y. Lin et al., "Focal loss for dense object detection", ICCV 2017, with softmax in place of
    the sigmoid.
    """
