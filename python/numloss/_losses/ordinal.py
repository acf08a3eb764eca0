"""Losses over classes that have an order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from numloss._loss import Call, loss

if TYPE_CHECKING:
    from numpy.typing import ArrayLike
    from typing_extensions import Unpack

__all__ = [
    "all_threshold_hinge",
    "coral",
    "corn",
    "cumulative_link",
    "expected_cost",
    "immediate_threshold_hinge",
    "ordinal_cross_entropy",
    "ranked_probability",
]


@loss(link="softmax", convex=False, influence="redescending", estimates="mean")
def ranked_probability(
    prediction: ArrayLike,
    target: ArrayLike,
    *,
    class_weight: ArrayLike | None = None,
    ignore_index: int = -100,
    axis: int = -1,
    return_logsumexp: bool = False,
    return_predicted: bool = False,
    **call: Unpack[Call],
) -> Any:
    r"""Ranked probability score of the softmax of logits: squared earth mover's distance.

    With :math:`F_k = \sum_{c \le k} \mathrm{softmax}(x)_c` and label :math:`y`

    .. math:: l = \sum_{k=0}^{C-2} (F_k - [y \le k])^2

    so that a prediction one class off costs less than one three classes off.

    {labels}
    {class_weight}
    {ignore_index}
    {logsumexp}
    {predicted}

    {results}

    Examples
    --------
    >>> import numloss
    >>> sure_of_last = [[0.0, 0.0, 50.0]]
    >>> round(float(numloss.ranked_probability(sure_of_last, [1])), 6)
    1.0
    >>> round(float(numloss.ranked_probability(sure_of_last, [0])), 6)
    2.0

    References
    ----------
    E. S. Epstein, "A scoring system for probability forecasts of ranked categories", Journal of
    Applied Meteorology 8 (1969); as a training loss: L. Hou et al., "Squared earth mover's
    distance-based loss", 2016, eq. 4.
    """


@loss(link="softmax", convex=False, influence="redescending")
def expected_cost(
    prediction: ArrayLike,
    target: ArrayLike,
    *,
    costs: ArrayLike | str = "absolute",
    class_weight: ArrayLike | None = None,
    ignore_index: int = -100,
    axis: int = -1,
    return_logsumexp: bool = False,
    return_predicted: bool = False,
    **call: Unpack[Call],
) -> Any:
    r"""Mean cost of a class that the softmax of logits draws, where another is right.

    With :math:`p = \mathrm{softmax}(x)`, label :math:`y` and costs :math:`c_{yk}` of the class
    :math:`k` in its place

    .. math:: l = \sum_k c_{yk} p_k

    With costs of 1 but for the label itself it is ``total_variation``, :math:`1 - p_y`; with those
    of an order, the default, the expected distance from the label. The gradient is
    :math:`p_j (c_{yj} - l)`.

    {labels}
    costs : {"absolute", "squared"} or array-like, default "absolute"
        :math:`|k - y|`, :math:`(k - y)^2`, or a table of C x C numbers of at least 0, the row of
        the label y holding the costs :math:`c_{yk}`, usually 0 for y itself.
    {class_weight}
    {ignore_index}
    {logsumexp}
    {predicted}

    {results}

    Examples
    --------
    >>> import numloss
    >>> float(numloss.expected_cost([[0.0, 0.0]], [1], costs=[[0, 1], [5, 0]]))
    2.5
    >>> float(numloss.expected_cost([[0.0, 0.0, 0.0, 0.0]], [0]))
    1.5

    References
    ----------
    A. Galdran et al., "Cost-sensitive regularization for diabetic retinopathy grading from eye
    fundus images", MICCAI 2020; costs: C. Elkan, "The foundations of cost-sensitive learning",
    IJCAI 2001.
    """


@loss(link="softmax", influence="bounded", softmax_hessian=True)
def ordinal_cross_entropy(
    prediction: ArrayLike,
    target: ArrayLike,
    *,
    distance: ArrayLike | str = "absolute",
    temperature: float = 1.0,
    class_weight: ArrayLike | None = None,
    ignore_index: int = -100,
    axis: int = -1,
    return_logsumexp: bool = False,
    return_predicted: bool = False,
    **call: Unpack[Call],
) -> Any:
    r"""Cross-entropy against soft labels that fall off with the distance from the label.

    With label :math:`y`, a distance :math:`d` between classes and a temperature :math:`\tau`

    .. math:: l = \log \sum_c e^{x_c} - \sum_c q_c x_c, \qquad
              q_c \propto e^{-d(c, y) / \tau}

    As :math:`\tau \to 0` it becomes ``cross_entropy``.

    {labels}
    distance : {"absolute", "squared"} or array-like, default "absolute"
        :math:`|c - y|`, :math:`(c - y)^2`, or a table of C x C numbers of at least 0, the row of
        the label y holding d(c, y).
    temperature : float, default 1.0
        :math:`\tau`; positive, in the unit of the distance.
    {class_weight}
    {ignore_index}
    {logsumexp}
    {predicted}

    {results}

    Examples
    --------
    >>> import numloss
    >>> sure_of_last = [[0.0, 0.0, 5.0]]
    >>> near, far = (numloss.ordinal_cross_entropy(sure_of_last, [y]) for y in (1, 0))
    >>> bool(near < far)
    True

    References
    ----------
    R. Diaz and A. Marathe, "Soft labels for ordinal regression", CVPR 2019, eq. 1.
    """


@loss(influence="bounded")
def coral(
    prediction: ArrayLike,
    target: ArrayLike,
    *,
    importance_weights: ArrayLike | None = None,
    class_weight: ArrayLike | None = None,
    ignore_index: int = -100,
    axis: int = -1,
    **call: Unpack[Call],
) -> Any:
    r"""CORAL: binary cross-entropies of whether the label lies above each threshold.

    With logits :math:`x_k` of the thresholds, label :math:`y` and weights :math:`w_k`

    .. math:: l = -\sum_{k=0}^{K-2} w_k \left( [y > k] \log \sigma(x_k)
              + [y \le k] \log \sigma(-x_k) \right)

    The authors take :math:`x_k = s + b_k` of one score :math:`s` and K - 1 biases, so that the
    probabilities fall with :math:`k`; the loss itself takes any logits. The gradient by the score
    is the sum of a row's, that by the biases the sum over the rows. It is coral-pytorch's
    ``coral_loss``, whose mean over the rows this is, too; mord's all-threshold logistic loss is
    that of :math:`x_k = s - \theta_k`. The predicted class is the number of logits above 0.

    {thresholds}
    importance_weights : array-like, optional
        :math:`w_k`: a factor for each of the K - 1 thresholds, finite and at least 0, no part of an
        example's weight.
    {class_weight}
    {ignore_index}

    {results}

    Examples
    --------
    >>> import numloss
    >>> logits = [[2.0, 0.5, -1.0]]  # the label lies above the first two of four classes
    >>> [round(float(numloss.coral(logits, [label])), 4) for label in range(4)]
    [3.4143, 1.4143, 0.9143, 1.9143]
    >>> numloss.coral.grad(logits, [2]).round(4)
    array([[-0.1192, -0.3775,  0.2689]])

    The gradient by the score that all logits of a row share:

    >>> numloss.coral.grad(logits, [2]).sum(axis=-1).round(4)
    array([-0.2278])

    References
    ----------
    W. Cao, V. Mirjalili and S. Raschka, "Rank consistent ordinal regression for neural networks
    with application to age estimation", Pattern Recognition Letters 140 (2020), eq. 4.
    """


@loss(influence="bounded", likelihood=True)
def corn(
    prediction: ArrayLike,
    target: ArrayLike,
    *,
    class_weight: ArrayLike | None = None,
    ignore_index: int = -100,
    axis: int = -1,
    **call: Unpack[Call],
) -> Any:
    r"""CORN: binary cross-entropies of thresholds, each of the labels that have got to it.

    Of threshold :math:`k` the logit :math:`x_k` is that of :math:`P(y > k \mid y \ge k)`, and
    labels below :math:`k` have no part in it:

    .. math:: l = -\sum_{k=0}^{\min(y, K-2)} \left( [y > k] \log \sigma(x_k)
              + [y = k] \log \sigma(-x_k) \right)

    It is the negative log-likelihood of the label, whose probabilities are products of the
    conditional ones. A mean is one over the rows; coral-pytorch's ``corn_loss`` divides by the
    number of all terms instead: ``denominator=numpy.minimum(target + 1, K - 1).sum()``.

    {thresholds}
    {class_weight}
    {ignore_index}

    {results}

    Examples
    --------
    >>> import numpy as np
    >>> import numloss
    >>> logits, labels = np.array([[2.0, 0.5, -1.0], [0.0, 1.0, 3.0]]), np.array([2, 0])
    >>> round(float(numloss.corn(logits, labels)), 4)
    0.8037
    >>> numloss.corn.grad(logits, labels, reduction="none").round(4)
    array([[-0.1192, -0.3775,  0.2689],
           [ 0.5   ,  0.    ,  0.    ]])

    coral-pytorch's mean:

    >>> terms = np.minimum(labels + 1, 3).sum()
    >>> round(float(numloss.corn(logits, labels, denominator=float(terms))), 4)
    0.4019

    References
    ----------
    X. Shi, W. Cao and S. Raschka, "Deep neural networks for rank-consistent ordinal regression
    based on conditional probabilities", Pattern Analysis and Applications 26 (2023), eq. 7.
    """


@loss(smoothness=0, influence="bounded")
def all_threshold_hinge(
    prediction: ArrayLike,
    target: ArrayLike,
    *,
    margin: float = 1.0,
    class_weight: ArrayLike | None = None,
    ignore_index: int = -100,
    axis: int = -1,
    **call: Unpack[Call],
) -> Any:
    r"""Hinge losses of a label against all thresholds between ordered classes.

    With the lead :math:`x_k = s - \theta_k` of a score over each threshold and label :math:`y`

    .. math:: l = \sum_{k=0}^{K-2} \max(0, m - \sigma_k x_k), \qquad
              \sigma_k = 1 \text{ where } y > k, \text{ else } -1

    so that a score costs more with every threshold that it is on the wrong side of. The gradient by
    the score is the sum of a row's, that by a threshold minus the sum over the rows. At the kinks
    it is 0; the Hessian is 0. With logistic losses in place of the hinges it is ``coral``.

    {thresholds}
    margin : float, default 1.0
        :math:`m`; at least 0, in the unit of the leads.
    {class_weight}
    {ignore_index}

    {results}

    Examples
    --------
    >>> import numpy as np
    >>> import numloss
    >>> scores, thresholds = np.array([0.5, 2.0]), np.array([-1.0, 0.0, 3.0])
    >>> leads = scores[:, None] - thresholds
    >>> numloss.all_threshold_hinge(leads, [1, 0], reduction="none")
    array([1.5, 7. ])
    >>> slopes = numloss.all_threshold_hinge.grad(leads, [1, 0], reduction="sum")
    >>> by_score, by_threshold = slopes.sum(axis=1), -slopes.sum(axis=0)
    >>> by_score, by_threshold
    (array([1., 2.]), array([-1., -2., -0.]))

    References
    ----------
    J. D. M. Rennie and N. Srebro, "Loss functions for preference levels: regression with discrete
    ordered labels", IJCAI 2005 workshop on advances in preference handling, section 3.2.
    """


@loss(smoothness=0, influence="bounded")
def immediate_threshold_hinge(
    prediction: ArrayLike,
    target: ArrayLike,
    *,
    margin: float = 1.0,
    class_weight: ArrayLike | None = None,
    ignore_index: int = -100,
    axis: int = -1,
    **call: Unpack[Call],
) -> Any:
    r"""Hinge losses of a label against the two thresholds that it lies between.

    With the lead :math:`x_k = s - \theta_k` of a score over each threshold and label :math:`y`

    .. math:: l = \max(0, m - x_{y-1}) + \max(0, m + x_y)

    without the first term for the first class and the second for the last: the other thresholds
    have no gradient. Else it is as ``all_threshold_hinge``, which bounds the absolute error of the
    predicted class, where this one bounds the number of wrong ones.

    {thresholds}
    margin : float, default 1.0
        :math:`m`; at least 0, in the unit of the leads.
    {class_weight}
    {ignore_index}

    {results}

    Examples
    --------
    >>> import numpy as np
    >>> import numloss
    >>> leads = np.array([0.5, 2.0])[:, None] - np.array([-1.0, 0.0, 3.0])
    >>> numloss.immediate_threshold_hinge(leads, [1, 0], reduction="none")
    array([1.5, 4. ])
    >>> numloss.immediate_threshold_hinge.grad(leads, [1, 0], reduction="none")
    array([[0., 1., 0.],
           [1., 0., 0.]])

    References
    ----------
    J. D. M. Rennie and N. Srebro, "Loss functions for preference levels: regression with discrete
    ordered labels", IJCAI 2005 workshop on advances in preference handling, section 3.1.
    """


@loss(influence="unbounded", likelihood=True)
def cumulative_link(
    prediction: ArrayLike,
    target: ArrayLike,
    *,
    link: str = "logit",
    class_weight: ArrayLike | None = None,
    ignore_index: int = -100,
    axis: int = -1,
    **call: Unpack[Call],
) -> Any:
    r"""Negative log-likelihood of a cumulative link model, such as proportional odds.

    The label is the number of thresholds :math:`\theta_k` below a score with noise of distribution
    function :math:`F`. With :math:`x_k = \theta_k - s`

    .. math:: l = -\log \left( F(x_y) - F(x_{y-1}) \right), \qquad
              F(x_{-1}) = 0, \; F(x_{K-1}) = 1

    A row's numbers must rise. Of a label whose two do not, which so has no chance, the loss is inf,
    and the gradient infinite towards the right order; of others nothing is asked. Close thresholds
    and far ones cost no digits. The gradient by a threshold is the sum over the rows, that by the
    score minus the sum of a row's.

    {thresholds}
    link : {"logit", "probit", "cloglog"}, default "logit"
        :math:`F`: the logistic function (proportional odds), the normal distribution function, or
        :math:`1 - \exp(-e^x)` (proportional hazards, grouped survival times).
    {class_weight}
    {ignore_index}

    {results}

    Examples
    --------
    Gradients by scores and thresholds:

    >>> import numpy as np
    >>> import numloss
    >>> scores, thresholds = np.array([0.5, 2.0]), np.array([-1.0, 0.0, 3.0])
    >>> labels = np.array([1, 3])
    >>> value, slopes = numloss.cumulative_link.value_and_grad(thresholds - scores[:, None], labels)
    >>> round(float(value), 4)
    1.4737
    >>> by_score, by_threshold = -slopes.sum(axis=1), slopes.sum(axis=0)
    >>> by_score.round(4), by_threshold.round(4)
    (array([ 0.22  , -0.3655]), array([ 0.3822, -0.6022,  0.3655]))

    References
    ----------
    P. McCullagh, "Regression models for ordinal data", Journal of the Royal Statistical Society B
    42 (1980).
    """
