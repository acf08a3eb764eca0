"""Losses over an axis of classes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from numloss._loss import Call, loss

if TYPE_CHECKING:
    from numpy.typing import ArrayLike
    from typing_extensions import Unpack

__all__ = [
    "cross_entropy",
    "generalized_cross_entropy",
    "kl_divergence",
    "logit_adjusted",
    "multiclass_brier",
    "multiclass_hinge",
    "nll",
    "poly_cross_entropy",
    "softmax_focal",
    "symmetric_cross_entropy",
]


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
    temperature: float = 1.0,
    softcap: float | None = None,
    z_loss: float = 0.0,
    where: ArrayLike | None = None,
    from_logits: bool = True,
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
    {temperature}
    {softcap}
    z_loss : float, default 0.0
        :math:`\zeta`, at least 0: :math:`\zeta (\log \sum_c e^{x_c})^2` is added to each row's
        loss, which draws its log-sum-exp, that of the divided scores, to 0. A row's has the row's
        weight: that of the example times its class weight, its label's or sum(q class_weight).
    {where}
    {from_logits}
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
    >>> numloss.cross_entropy.grad(logits[:1], [0], where=[True, True, False]).round(3)
    array([[-0.119,  0.119,  0.   ]])

    References
    ----------
    J. S. Bridle, "Probabilistic interpretation of feedforward classification network outputs",
    Neurocomputing (1990). Smoothing: C. Szegedy et al., CVPR 2016, section 7. z-loss: B. Zoph et
    al., "ST-MoE: designing stable and transferable sparse expert models", 2022, eq. 5, and A.
    Chowdhery et al., "PaLM", JMLR 2023, section 5. Soft-cap: Gemma Team, "Gemma 2", 2024.
    """


@loss(link="softmax", influence="bounded", estimates="mean", softmax_hessian=True)
def kl_divergence(
    prediction: ArrayLike,
    target: ArrayLike,
    *,
    temperature: float = 1.0,
    log_target: bool = False,
    from_logits: bool = True,
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
    {temperature}
    log_target : bool, default False
        Whether the target holds logarithms of probabilities, -inf for one of 0; as in torch, whose
        prediction holds such, too: here it is scores, of which logarithms of probabilities are one
        kind.
    {from_logits}
    {logsumexp}
    {predicted}

    {results}

    Examples
    --------
    >>> import numpy as np
    >>> import numloss
    >>> round(float(numloss.kl_divergence([0.0, 0.0], [0.5, 0.5])), 6)
    0.0
    >>> round(float(numloss.kl_divergence([0.0, 0.0], [1.0, 0.0])), 6)
    0.693147
    >>> round(float(numloss.kl_divergence([0.0, 0.0], [0.0, -np.inf], log_target=True)), 6)
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
    power: float = 1.0,
    normalize: bool = False,
    variant: Literal["weston_watkins", "crammer_singer"] = "weston_watkins",
    class_weight: ArrayLike | None = None,
    ignore_index: int = -100,
    axis: int = -1,
    return_predicted: bool = False,
    **call: Unpack[Call],
) -> Any:
    r"""Hinge loss over classes: the label's score should lead every other by a margin.

    With scores :math:`s` and label :math:`y`

    .. math:: l_{WW} = \sum_{j \ne y} \max(0, m + s_j - s_y)^k, \qquad
              l_{CS} = \max_{j \ne y} \max(0, m + s_j - s_y)^k

    With :math:`k = 1` the gradient is 1 for every active class (of the maximum: for the first of
    the largest), minus their number for the label, and the Hessian is 0. With :math:`k = 2` the
    gradient of an active class is twice its excess, its second derivative 2, and the label's are
    minus the sum of the former and the sum of the latter. ``multi_margin_loss`` of torch is the sum
    with ``normalize=True`` and, where it has class weights, ``denominator="count"``;
    ``multiclass_hinge_loss`` of optax is the maximum, and ``multiclass_perceptron_loss`` that with
    ``margin=0``.

    {labels}
    margin : float, default 1.0
        :math:`m`; at least 0, in the unit of the scores.
    power : float, default 1.0
        :math:`k`, 1 or 2.
    normalize : bool, default False
        Whether to divide by the number of classes.
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
    >>> float(numloss.multiclass_hinge([[1.0, 0.5, 0.25]], [0], power=2.0))
    0.3125

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
    from_logits: bool = True,
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
    {from_logits}
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


@loss(link="softmax", convex=False, influence="redescending")
def generalized_cross_entropy(
    prediction: ArrayLike,
    target: ArrayLike,
    *,
    q: float = 0.7,
    class_weight: ArrayLike | None = None,
    ignore_index: int = -100,
    axis: int = -1,
    return_logsumexp: bool = False,
    return_predicted: bool = False,
    **call: Unpack[Call],
) -> Any:
    r"""Generalized cross-entropy: robust against labels that are wrong.

    With :math:`p = \mathrm{softmax}(x)` and label :math:`y`

    .. math:: l = \frac{1 - p_y^q}{q}

    which tends to cross-entropy as :math:`q \to 0`, and is that at ``q=0``; at ``q=1`` it is the
    mean absolute error :math:`1 - p_y`. The gradient is that of cross-entropy times :math:`p_y^q`,
    so that labels the model holds for impossible lose their pull.

    {labels}
    q : float, default 0.7
        In [0, 1]: the higher, the less wrong labels count.
    {class_weight}
    {ignore_index}
    {logsumexp}
    {predicted}

    {results}

    Examples
    --------
    >>> import numloss
    >>> round(float(numloss.generalized_cross_entropy([[0.0, 0.0]], [0], q=1.0)), 6)
    0.5
    >>> round(float(numloss.generalized_cross_entropy([[0.0, 0.0]], [0], q=0.0)), 6)
    0.693147

    References
    ----------
    Z. Zhang and M. R. Sabuncu, "Generalized cross entropy loss for training deep neural networks
    with noisy labels", NeurIPS 2018, eq. 6.
    """


@loss(link="softmax", convex=False, influence="bounded")
def poly_cross_entropy(
    prediction: ArrayLike,
    target: ArrayLike,
    *,
    epsilon: float = 2.0,
    class_weight: ArrayLike | None = None,
    ignore_index: int = -100,
    axis: int = -1,
    return_logsumexp: bool = False,
    return_predicted: bool = False,
    **call: Unpack[Call],
) -> Any:
    r"""Poly-1 cross-entropy: cross-entropy with the first term of its expansion weighted anew.

    With :math:`p = \mathrm{softmax}(x)` and label :math:`y`

    .. math:: l = -\log p_y + \epsilon (1 - p_y)

    With ``epsilon=0`` it is cross-entropy, with ``epsilon=-1`` the term :math:`1 - p_y` of
    :math:`-\log p_y = \sum_k (1 - p_y)^k / k` is gone. It is convex for ``epsilon`` up to 1.

    {labels}
    epsilon : float, default 2.0
        :math:`\epsilon`, at least -1.
    {class_weight}
    {ignore_index}
    {logsumexp}
    {predicted}

    {results}

    Examples
    --------
    >>> import numloss
    >>> round(float(numloss.poly_cross_entropy([[0.0, 0.0]], [0])), 6)
    1.693147

    References
    ----------
    Z. Leng et al., "PolyLoss: a polynomial expansion perspective of classification loss functions",
    ICLR 2022, eq. 5; ``epsilon=2`` is what they use for images.
    """


@loss(link="softmax", convex=False, influence="bounded")
def symmetric_cross_entropy(
    prediction: ArrayLike,
    target: ArrayLike,
    *,
    alpha: float = 0.1,
    beta: float = 1.0,
    class_weight: ArrayLike | None = None,
    ignore_index: int = -100,
    axis: int = -1,
    return_logsumexp: bool = False,
    return_predicted: bool = False,
    **call: Unpack[Call],
) -> Any:
    r"""Symmetric cross-entropy: cross-entropy beside that with target and prediction swapped.

    With :math:`p = \mathrm{softmax}(x)` and label :math:`y`

    .. math:: l = -\alpha \log p_y - \beta \sum_c p_c \log q_c
                = -\alpha \log p_y + 4 \beta (1 - p_y)

    where :math:`q` is 1 at the label and its logarithm elsewhere stands for -4, as the authors
    have it; for :math:`A` in place of -4 pass :math:`-\beta A / 4` as ``beta``.

    {labels}
    alpha : float, default 0.1
        Factor of cross-entropy, at least 0.
    beta : float, default 1.0
        Factor of the reverse cross-entropy, at least 0.
    {class_weight}
    {ignore_index}
    {logsumexp}
    {predicted}

    {results}

    Examples
    --------
    >>> import numloss
    >>> round(float(numloss.symmetric_cross_entropy([[0.0, 0.0]], [0])), 6)
    2.069315

    References
    ----------
    Y. Wang et al., "Symmetric cross entropy for robust learning with noisy labels", ICCV 2019,
    eq. 7; the defaults are those for CIFAR-10.
    """


@loss(link="softmax", convex=False, influence="redescending", estimates="mean")
def multiclass_brier(
    prediction: ArrayLike,
    target: ArrayLike,
    *,
    ignore_index: int = -100,
    axis: int = -1,
    return_logsumexp: bool = False,
    return_predicted: bool = False,
    **call: Unpack[Call],
) -> Any:
    r"""Brier score over classes: squared distance of the softmax from the outcome.

    With :math:`p = \mathrm{softmax}(x)` and probabilities :math:`q`, of a label 1 at it and 0
    elsewhere,

    .. math:: l = \sum_c (p_c - q_c)^2

    from 0 to 2. It is ``brier_score_loss`` of scikit-learn for more than two classes; for two
    classes that has half of it, unless ``scale_by_half=False``.

    {labels or probabilities}
    {ignore_index}
    {logsumexp}
    {predicted}

    {results}

    Examples
    --------
    >>> import numloss
    >>> float(numloss.multiclass_brier([[0.0, 0.0]], [0]))
    0.5
    >>> float(numloss.multiclass_brier([[0.0, 0.0]], [[0.5, 0.5]]))
    0.0

    References
    ----------
    G. W. Brier, "Verification of forecasts expressed in terms of probability", Monthly Weather
    Review 78 (1950), eq. 2.
    """


@loss(link="log", influence="bounded", likelihood=True)
def nll(
    prediction: ArrayLike,
    target: ArrayLike,
    *,
    class_weight: ArrayLike | None = None,
    label_smoothing: float = 0.0,
    ignore_index: int = -100,
    axis: int = -1,
    return_predicted: bool = False,
    **call: Unpack[Call],
) -> Any:
    r"""Negative log-likelihood of log-probabilities, against labels or probabilities.

    With :math:`x = \log p` and label :math:`y`, or probabilities :math:`q`

    .. math:: l = -x_y, \qquad l = -\sum_c q_c x_c

    Of log-probabilities ``cross_entropy`` has the same value, as the softmax of them is :math:`p`,
    but the gradient by logits: here it is :math:`-q`, by the log-probabilities themselves, and the
    Hessian is 0. That they are such is not checked. Probabilities are passed as ``numpy.log(p)``:
    a class of probability 0 is one that cannot happen, and the loss of its label infinite.

    {labels or probabilities}
    {class_weight}
    label_smoothing : float, default 0.0
        :math:`\epsilon` in [0, 1]: :math:`q` becomes :math:`q (1 - \epsilon) + \epsilon / C`, each
        class with its class weight. A class that cannot happen (-inf) gets no share.
    {ignore_index}
    {predicted}

    {results}

    Examples
    --------
    >>> import numpy as np
    >>> import numloss
    >>> p = np.array([[0.5, 0.25, 0.25]])
    >>> round(float(numloss.nll(np.log(p), [0])), 6)
    0.693147
    >>> numloss.nll.grad(np.log(p), [0])
    array([[-1.,  0.,  0.]])

    References
    ----------
    I. J. Good, "Rational decisions", Journal of the Royal Statistical Society B 14 (1952): the
    logarithmic score.
    """


@loss(link="softmax", influence="bounded")
def logit_adjusted(
    prediction: ArrayLike,
    target: ArrayLike,
    *,
    priors: ArrayLike | None = None,
    tau: float = 1.0,
    class_weight: ArrayLike | None = None,
    label_smoothing: float = 0.0,
    ignore_index: int = -100,
    axis: int = -1,
    **call: Unpack[Call],
) -> Any:
    r"""Logit-adjusted cross-entropy: of classes that are rare in training, the score leads further.

    With logits :math:`x` and shares :math:`\pi` of the classes it is the cross-entropy of

    .. math:: x_c + \tau \log \pi_c

    so that :math:`x` itself ranks the classes as if they were alike frequent (``tau=1``; it is
    called balanced softmax, too). Predictions are made of :math:`x` alone.

    {labels or probabilities}
    priors : array-like, optional
        A number of at least 0 for each class, such as how many examples it has; only their ratios
        matter. A class of prior 0 cannot happen, unless ``tau=0``. Without them the loss is
        ``cross_entropy``.
    tau : float, default 1.0
        :math:`\tau`, at least 0.
    {class_weight}
    label_smoothing : float, default 0.0
        :math:`\epsilon` in [0, 1]: :math:`q` becomes :math:`q (1 - \epsilon) + \epsilon / C`, each
        class with its class weight. A class that cannot happen gets no share.
    {ignore_index}

    {results}

    Examples
    --------
    >>> import numloss
    >>> round(float(numloss.logit_adjusted([[0.0, 0.0]], [0], priors=[1, 3])), 6)
    1.386294
    >>> round(float(numloss.logit_adjusted([[0.0, 0.0]], [0], priors=[1, 3], tau=0.0)), 6)
    0.693147

    References
    ----------
    A. K. Menon et al., "Long-tail learning via logit adjustment", ICLR 2021, eq. 10; J. Ren et al.,
    "Balanced meta-softmax for long-tailed visual recognition", NeurIPS 2020, eq. 4.
    """
