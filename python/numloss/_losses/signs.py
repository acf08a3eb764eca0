"""Losses of one score against a sign, -1 or +1."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from numloss._loss import Call, loss

if TYPE_CHECKING:
    from numpy.typing import ArrayLike
    from typing_extensions import Unpack

__all__ = [
    "exponential",
    "hinge",
    "hinge_embedding",
    "logistic",
    "modified_huber",
    "smoothed_hinge",
    "squared_hinge",
]


@loss(link="sigmoid", influence="bounded", likelihood=True)
def logistic(prediction: ArrayLike, target: ArrayLike, **call: Unpack[Call]) -> Any:
    r"""Logistic loss, :math:`\log(1 + e^{-t s})`.

    :math:`s` is the prediction, the logit of the probability of :math:`t = +1`, and
    :math:`t \in \{-1, +1\}` its target; booleans stand for -1 and +1 as well. It is
    ``binary_cross_entropy`` with targets 0 and 1 written as signs, and torch's
    ``soft_margin_loss``. The gradient is :math:`-t \sigma(-t s)`, the Hessian
    :math:`\sigma(s) \sigma(-s)` with :math:`\sigma(x) = 1 / (1 + e^{-x})`. No score, however large,
    overflows.

    {elementwise}

    {results}

    Examples
    --------
    >>> import numloss
    >>> round(float(numloss.logistic([2.0, -1.0], [1, -1])), 6)
    0.220095
    >>> numloss.logistic.grad([0.0, 0.0], [True, False], reduction="sum")
    array([-0.5,  0.5])

    References
    ----------
    J. Friedman, T. Hastie and R. Tibshirani, "Additive logistic regression: a statistical view of
    boosting", The Annals of Statistics 28 (2000), of margins in place of half margins.
    """


@loss()
def exponential(prediction: ArrayLike, target: ArrayLike, **call: Unpack[Call]) -> Any:
    r"""Exponential loss of AdaBoost, :math:`e^{-t s}`.

    :math:`s` is the prediction, a score, and :math:`t \in \{-1, +1\}` its target; booleans stand
    for -1 and +1 as well. The gradient is :math:`-t e^{-t s}`, the Hessian :math:`e^{-t s}`. Its
    mean is least where the score is half a logit, :math:`s = \frac{1}{2} \log(p / (1 - p))`: a
    probability is then :math:`\sigma(2 s)`. scikit-learn's ``ExponentialLoss`` is the same, of
    targets 0 and 1.

    {elementwise}

    {results}

    Examples
    --------
    >>> import numloss
    >>> float(numloss.exponential([0.0, 0.0], [1, -1]))
    1.0
    >>> numloss.exponential.grad([0.0, 0.0], [True, False], reduction="sum")
    array([-1.,  1.])

    References
    ----------
    Y. Freund and R. E. Schapire, "A decision-theoretic generalization of on-line learning and an
    application to boosting", Journal of Computer and System Sciences 55 (1997).
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
    Hessian is 0. With ``margin=0`` it is the loss of the perceptron, :math:`\max(0, -t s)`.

    {elementwise}
    margin : float, default 1.0
        :math:`m`; at least 0, in the unit of the score.

    {results}

    Examples
    --------
    >>> import numloss
    >>> float(numloss.hinge([0.5, -3.0], [1, -1]))
    0.25
    >>> numloss.hinge.grad([0.5, -3.0], [True, False], reduction="sum")
    array([-1.,  0.])

    The perceptron's:

    >>> float(numloss.hinge([0.5, 3.0], [1, -1], margin=0.0))
    1.5

    References
    ----------
    C. Cortes and V. Vapnik, "Support-vector networks", Machine Learning 20 (1995).

    F. Rosenblatt, "The perceptron: a probabilistic model for information storage and organization
    in the brain", Psychological Review 65 (1958).
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
        :math:`m`; at least 0, in the unit of the score.

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


@loss(smoothness=1, influence="bounded")
def smoothed_hinge(
    prediction: ArrayLike,
    target: ArrayLike,
    *,
    margin: float = 1.0,
    smoothing: float = 1.0,
    **call: Unpack[Call],
) -> Any:
    r"""Hinge loss whose kink is rounded off by a parabola.

    With :math:`z = m - t s`, of the prediction :math:`s`, a score, and its target
    :math:`t \in \{-1, +1\}` (booleans stand for -1 and +1 as well)

    .. math:: l = 0 \;\; (z \le 0), \qquad \frac{z^2}{2 \gamma} \;\; (0 < z \le \gamma), \qquad
              z - \frac{\gamma}{2} \;\; (z > \gamma)

    The gradient is :math:`-t \min(1, \max(0, z) / \gamma)`, the Hessian :math:`1 / \gamma` on the
    parabola, else 0. ``modified_huber`` is four times the one with ``smoothing=2``.

    {elementwise}
    margin : float, default 1.0
        :math:`m`; at least 0, in the unit of the score.
    smoothing : float, default 1.0
        :math:`\gamma`, the width of the parabola; positive, in the unit of the score. As it tends
        to 0, the loss tends to ``hinge``.

    {results}

    Examples
    --------
    >>> import numloss
    >>> numloss.smoothed_hinge([2.0, 0.5, -1.0], [1, 1, 1], reduction="none")
    array([0.   , 0.125, 1.5  ])
    >>> numloss.smoothed_hinge.grad([2.0, 0.5, -1.0], [1, 1, 1], reduction="none")
    array([-0. , -0.5, -1. ])

    References
    ----------
    J. D. M. Rennie and N. Srebro, "Loss functions for preference levels", IJCAI workshop on
    advances in preference handling (2005), of :math:`\gamma = 1`; S. Shalev-Shwartz and T. Zhang,
    "Stochastic dual coordinate ascent methods for regularized loss minimization", Journal of
    Machine Learning Research 14 (2013).
    """


@loss(smoothness=1, influence="bounded")
def modified_huber(prediction: ArrayLike, target: ArrayLike, **call: Unpack[Call]) -> Any:
    r"""Squared hinge that goes on as a line far from the margin: the modified Huber loss.

    .. math:: l = \max(0, 1 - t s)^2 \;\; (t s \ge -1), \qquad -4 t s \;\; (t s < -1)

    :math:`s` is the prediction, a score, and :math:`t \in \{-1, +1\}` its target; booleans stand
    for -1 and +1 as well. The gradient is :math:`-2 t \min(2, \max(0, 1 - t s))`; the Hessian is 2
    for :math:`-1 \le t s < 1`, else 0. It is the ``modified_huber`` of scikit-learn's
    ``SGDClassifier``; a probability is :math:`(\mathrm{clip}(s, -1, 1) + 1) / 2` there.

    {elementwise}

    {results}

    Examples
    --------
    >>> import numloss
    >>> numloss.modified_huber([2.0, 0.0, -3.0], [1, 1, 1], reduction="none")
    array([ 0.,  1., 12.])

    References
    ----------
    T. Zhang, "Solving large scale linear prediction problems using stochastic gradient descent
    algorithms", ICML 2004.
    """


@loss(smoothness=0, influence="bounded")
def hinge_embedding(
    prediction: ArrayLike,
    target: ArrayLike,
    *,
    margin: float = 1.0,
    **call: Unpack[Call],
) -> Any:
    r"""Loss of a distance between two examples that are alike or not.

    .. math:: l = x \;\; (t = +1), \qquad \max(0, m - x) \;\; (t = -1)

    :math:`x` is the prediction, mostly a distance, and :math:`t` its target: +1 of a pair that is
    alike, -1 of one that is not; booleans stand for -1 and +1 as well. The gradient is 1 of the
    former, of the latter -1 where the loss is positive, else 0; the Hessian is 0. It is torch's
    ``hinge_embedding_loss``.

    {elementwise}
    margin : float, default 1.0
        :math:`m`: pairs that are not alike and at least as far apart cost nothing; at least 0.

    {results}

    Examples
    --------
    >>> import numloss
    >>> numloss.hinge_embedding([0.25, 0.25, 3.0], [1, -1, -1], reduction="none")
    array([0.25, 0.75, 0.  ])

    References
    ----------
    S. Chopra, R. Hadsell and Y. LeCun, "Learning a similarity metric discriminatively, with
    application to face verification", CVPR 2005, whose losses are squares and exponentials of such
    distances.
    """
