"""Losses of one score or probability against a binary target."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from numloss._loss import Call, loss

if TYPE_CHECKING:
    from numpy.typing import ArrayLike
    from typing_extensions import Unpack

__all__ = ["binary_cross_entropy", "brier", "focal", "poly_binary_cross_entropy"]


@loss(link="sigmoid", influence="bounded", likelihood=True, estimates="mean")
def binary_cross_entropy(
    prediction: ArrayLike,
    target: ArrayLike,
    *,
    pos_weight: ArrayLike | None = None,
    label_smoothing: float = 0.0,
    clip: float = 0.0,
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
    pos_weight : float or array-like, optional
        Factor of the term with :math:`t`, at least 0: above 1 it favours recall. An array has one
        for each column (the last axis), such as each label of an example.
    label_smoothing : float, default 0.0
        :math:`\epsilon` in [0, 1]: the target becomes :math:`t (1 - \epsilon) + \epsilon / 2`.
    clip : float, default 0.0
        Of probabilities alone, in [0, 0.5]: they are clipped to [clip, 1 - clip], and have no
        gradient beyond. With 0 a certain prediction that is right costs exactly 0, one that is
        wrong ``inf``. Keras has ``clip=1e-7``; torch's values, whose logarithms end at -100, are
        those of ``clip=exp(-100)`` (its gradient does not end there); scikit-learn's ``log_loss``
        has ``clip=numpy.finfo(dtype).eps``.
    from_logits : bool, default True
        Whether the prediction is a logit. If not, it is a probability in [0, 1], 0 and 1 included.

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

    Of several labels an example, the mean over the labels and then over the examples, with a weight
    for each label (torch's ``multilabel_soft_margin_loss``, which divides by the number of labels
    and not by their weights):

    >>> logits, targets = [[2.0, -1.0], [0.5, 1.0]], [[1, 0], [0, 1]]
    >>> weight = [[1.0, 0.5]]
    >>> call = {"weight": weight, "denominator": "count"}
    >>> round(float(numloss.binary_cross_entropy(logits, targets, **call)), 6)
    0.353567
    >>> round(float(numloss.binary_cross_entropy(logits, targets, pos_weight=[3.0, 1.0])), 6)
    0.495346

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
    pos_weight: ArrayLike | None = None,
    label_smoothing: float = 0.0,
    clip: float = 0.0,
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
    pos_weight : float or array-like, optional
        Factor of the term of CE with :math:`t`, at least 0. An array has one for each column (the
        last axis), such as each label of an example.
    label_smoothing : float, default 0.0
        :math:`\epsilon` in [0, 1]: the target becomes :math:`t (1 - \epsilon) + \epsilon / 2`
        wherever it stands, as in Keras.
    clip : float, default 0.0
        Of probabilities alone, in [0, 0.5]: they are clipped to [clip, 1 - clip], and have no
        gradient beyond. Keras has ``clip=1e-7``.
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


@loss(link="sigmoid", influence="bounded")
def poly_binary_cross_entropy(
    prediction: ArrayLike, target: ArrayLike, *, epsilon: float = 1.0, **call: Unpack[Call]
) -> Any:
    r"""Poly-1 cross-entropy of two classes, :math:`\mathrm{CE}(x, t) + \epsilon (1 - p_t)`.

    With :math:`p = \sigma(x)` of the logit :math:`x`, target :math:`t \in [0, 1]`, CE the binary
    cross-entropy and :math:`p_t = p t + (1 - p)(1 - t)`; with ``epsilon=0`` it is cross-entropy.
    Over more classes it is optax's ``poly_loss_cross_entropy``, whose ``epsilon`` is 2 by default.

    {elementwise}
    epsilon : float, default 1.0
        Weight of the first polynomial term, at least -1, where the loss no longer falls as the
        prediction becomes better. Up to 1 it is convex.

    {results}

    Examples
    --------
    >>> import numloss
    >>> round(float(numloss.poly_binary_cross_entropy([0.0, 0.0], [1, 0])), 6)
    1.193147

    References
    ----------
    Z. Leng et al., "PolyLoss: a polynomial expansion perspective of classification loss functions",
    ICLR 2022, eq. 5.
    """


@loss(link="sigmoid", convex=False, influence="redescending", estimates="mean")
def brier(
    prediction: ArrayLike,
    target: ArrayLike,
    *,
    from_logits: bool = True,
    **call: Unpack[Call],
) -> Any:
    r"""Brier score of two classes: squared distance of the probability from the outcome.

    .. math:: l = (p - t)^2, \qquad p = \sigma(x)

    With logit :math:`x` and target :math:`t \in [0, 1]`. It is a proper score, from 0 to 1:
    scikit-learn's ``brier_score_loss``, half of Brier's own sum over both classes. Its gradient is
    :math:`2 (p - t) p (1 - p)`, which vanishes for a prediction that is wrong by far.

    {elementwise}
    from_logits : bool, default True
        Whether the prediction is a logit; if not, it is a probability in [0, 1].

    {results}

    Examples
    --------
    >>> import numloss
    >>> float(numloss.brier([0.9, 0.5], [1, 0], from_logits=False))
    0.13
    >>> numloss.brier.grad([0.0, 0.0], [1, 0], reduction="sum")
    array([-0.25,  0.25])

    References
    ----------
    G. W. Brier, "Verification of forecasts expressed in terms of probability", Monthly Weather
    Review 78 (1950).
    """
