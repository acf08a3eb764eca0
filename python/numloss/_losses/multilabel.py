"""Losses of examples that may have several labels, or none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from numloss._loss import Call, loss

if TYPE_CHECKING:
    from numpy.typing import ArrayLike
    from typing_extensions import Unpack

__all__ = ["asymmetric", "multilabel_margin"]


@loss(link="sigmoid", convex=False, influence="bounded")
def asymmetric(
    prediction: ArrayLike,
    target: ArrayLike,
    *,
    gamma_pos: float = 1.0,
    gamma_neg: float = 4.0,
    clip: float = 0.05,
    **call: Unpack[Call],
) -> Any:
    r"""Asymmetric loss of labels that are mostly absent: focal, more so of those.

    With :math:`p = \sigma(x)` of the logit :math:`x`, target :math:`t \in [0, 1]` and
    :math:`u = \max(0, p - m)`

    .. math:: l = -t (1 - p)^{\gamma_+} \log p - (1 - t) u^{\gamma_-} \log (1 - u)

    An absent label whose probability is at most :math:`m` costs nothing and has no gradient. With
    both powers and ``clip`` 0 it is ``binary_cross_entropy``. The gradient is that of the loss as a
    whole, powers included (``disable_torch_grad_focal_loss=False`` of the authors' program).

    {elementwise}
    gamma_pos : float, default 1.0
        :math:`\gamma_+`, how fast labels that are there fade as they are predicted well; at least
        0.
    gamma_neg : float, default 4.0
        :math:`\gamma_-`, the same of absent ones; at least 0.
    clip : float, default 0.05
        :math:`m` in [0, 1]: by so much the probability of absent labels is lowered.

    {results}

    Examples
    --------
    >>> import numloss
    >>> round(float(numloss.asymmetric([[2.0, -1.0, -4.0]], [[1, 0, 0]])), 6)
    0.005233

    A sum over the labels, and a mean over the examples, as the authors train with:

    >>> logits, targets = [[2.0, -1.0], [0.5, 1.0]], [[1, 0], [0, 1]]
    >>> round(float(numloss.asymmetric(logits, targets, denominator=len(logits))), 6)
    0.0956

    References
    ----------
    T. Ridnik et al., "Asymmetric loss for multi-label classification", ICCV 2021, eq. 7.
    """


@loss(smoothness=0, influence="bounded")
def multilabel_margin(
    prediction: ArrayLike,
    target: ArrayLike,
    *,
    margin: float = 1.0,
    axis: int = -1,
    return_predicted: bool = False,
    **call: Unpack[Call],
) -> Any:
    r"""Hinge loss between the classes of an example that are there and those that are not.

    With scores :math:`s` and the set :math:`Y` of the classes that are there

    .. math:: l = \sum_{j \in Y} \sum_{i \notin Y} \max(0, m - (s_j - s_i))

    0 where all classes are there, or none. Of one class it is ``multiclass_hinge``. The gradient of
    a class that is not there is the number of those whose lead it cuts short of the margin, that of
    one that is there minus the number of those that come too near to it; the Hessian is 0. torch's
    ``multilabel_margin_loss`` divides by the number of classes, and takes the numbers of the
    classes that are there, with -1 behind the last.

    {sets}
    margin : float, default 1.0
        :math:`m`; at least 0, in the unit of the scores.
    {predicted}

    {results}

    Examples
    --------
    >>> import numloss
    >>> scores, there = [[2.0, 0.5, 1.5]], [[True, False, True]]
    >>> float(numloss.multilabel_margin(scores, there))
    0.0
    >>> float(numloss.multilabel_margin(scores, there, margin=2.0))
    1.5
    >>> numloss.multilabel_margin.grad(scores, there, margin=2.0)
    array([[-1.,  2., -1.]])

    torch's mean:

    >>> float(numloss.multilabel_margin(scores, there, margin=2.0)) / 3
    0.5

    References
    ----------
    A. Elisseeff and J. Weston, "A kernel method for multi-labelled classification", NIPS 2001,
    whose loss of pairs this is without its division by their number.
    """
