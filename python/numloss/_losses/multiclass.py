"""Losses over an axis of classes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from numloss._loss import Call, loss

if TYPE_CHECKING:
    from numpy.typing import ArrayLike
    from typing_extensions import Unpack

__all__ = [
    "bi_tempered",
    "cross_entropy",
    "entmax15",
    "forward_cross_entropy",
    "generalized_cross_entropy",
    "js_divergence",
    "kl_divergence",
    "ldam",
    "logit_adjusted",
    "multiclass_brier",
    "multiclass_hinge",
    "nll",
    "poly_cross_entropy",
    "softmax_focal",
    "sparsemax",
    "symmetric_cross_entropy",
    "total_variation",
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
    any_sum: bool = False,
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
    {any_sum}
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
    any_sum: bool = False,
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
    {any_sum}
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


@loss(link="softmax", convex=False, influence="redescending")
def js_divergence(
    prediction: ArrayLike,
    target: ArrayLike,
    *,
    beta: float = 0.5,
    any_sum: bool = False,
    ignore_index: int = -100,
    axis: int = -1,
    return_logsumexp: bool = False,
    return_predicted: bool = False,
    **call: Unpack[Call],
) -> Any:
    r"""Jensen-Shannon divergence of the softmax of logits and the target's probabilities.

    With :math:`p = \mathrm{softmax}(x)`, probabilities :math:`q`, of a label 1 at it and 0
    elsewhere, and :math:`m = \beta q + (1 - \beta) p`

    .. math:: l = \beta \sum_c q_c \log \frac{q_c}{m_c}
                  + (1 - \beta) \sum_c p_c \log \frac{p_c}{m_c}

    in nats, from 0 to :math:`-\beta \log \beta - (1 - \beta) \log (1 - \beta)`, which is
    :math:`\log 2` for ``beta=0.5``: no probability costs infinity. With
    :math:`g_c = (1 - \beta) \log(p_c / m_c)` the gradient is :math:`p_j (g_j - \sum_c p_c g_c)`.
    Near :math:`p = q` the value keeps the digits that :math:`p - q` has.

    Divided by :math:`\beta` it tends to ``kl_divergence`` as :math:`\beta \to 0`.
    ``jensenshannon`` of SciPy is the root of it with ``beta=0.5``; the divergence that TRL and
    Liger distill with has the same ``beta``, the weight of the teacher, and stands for a
    Kullback-Leibler divergence where that is 0 or 1. Englesson and Azizpour divide it by
    :math:`-(1 - \beta) \log(1 - \beta)`.

    {labels or probabilities}
    beta : float, default 0.5
        :math:`\beta`, the weight of the target's distribution; above 0 and below 1.
    {any_sum}
    {ignore_index}
    {logsumexp}
    {predicted}

    {results}

    Examples
    --------
    >>> import numloss
    >>> round(float(numloss.js_divergence([[0.0, 0.0]], [[1.0, 0.0]])), 6)
    0.215762
    >>> round(float(numloss.js_divergence([[-1e4, 0.0]], [0])), 6)
    0.693147
    >>> float(numloss.js_divergence([[0.0, 0.0]], [[0.5, 0.5]]))
    0.0

    References
    ----------
    J. Lin, "Divergence measures based on the Shannon entropy", IEEE Transactions on Information
    Theory 37 (1991), eq. 5.1. Of labels: E. Englesson and H. Azizpour, "Generalized Jensen-Shannon
    divergence loss for learning with noisy labels", NeurIPS 2021.
    """


@loss(link="softmax", convex=False, smoothness=0, influence="redescending")
def total_variation(
    prediction: ArrayLike,
    target: ArrayLike,
    *,
    any_sum: bool = False,
    ignore_index: int = -100,
    axis: int = -1,
    return_logsumexp: bool = False,
    return_predicted: bool = False,
    **call: Unpack[Call],
) -> Any:
    r"""Total variation distance of the softmax of logits and the target's probabilities.

    With :math:`p = \mathrm{softmax}(x)` and probabilities :math:`q`

    .. math:: l = \frac{1}{2} \sum_c |p_c - q_c|

    from 0 to 1. With :math:`g_c = \mathrm{sign}(p_c - q_c) / 2`, 0 at the kink :math:`p_c = q_c`,
    the gradient is :math:`p_j (g_j - \sum_c p_c g_c)`. Of a label it is :math:`1 - p_y`, half the
    mean absolute error of Ghosh et al., and ``generalized_cross_entropy`` with ``q=1``. Liger's
    ``TVDLoss`` is this one.

    {labels or probabilities}
    {any_sum}
    {ignore_index}
    {logsumexp}
    {predicted}

    {results}

    Examples
    --------
    >>> import numloss
    >>> float(numloss.total_variation([[0.0, 0.0]], [[0.75, 0.25]]))
    0.25
    >>> float(numloss.total_variation([[0.0, 0.0]], [0]))
    0.5

    References
    ----------
    D. A. Levin, Y. Peres and E. L. Wilmer, "Markov chains and mixing times", American Mathematical
    Society, 2009, proposition 4.2. Of labels: A. Ghosh, H. Kumar and P. S. Sastry, "Robust loss
    functions under label noise for deep neural networks", AAAI 2017.
    """


@loss(smoothness=1, influence="bounded")
def sparsemax(
    prediction: ArrayLike,
    target: ArrayLike,
    *,
    ignore_index: int = -100,
    axis: int = -1,
    return_predicted: bool = False,
    **call: Unpack[Call],
) -> Any:
    r"""Sparsemax loss: as cross-entropy, but of probabilities that may be exactly 0.

    The probabilities :math:`p` of scores :math:`z` are the distribution nearest to them,
    :math:`p_c = \max(0, z_c - \tau)` with the :math:`\tau` for which they add up to 1. With the
    classes :math:`S` where :math:`p > 0` and probabilities :math:`q`, of a label 1 at it and 0
    elsewhere,

    .. math:: l = \frac{1}{2} \sum_{c \in S} (z_c^2 - \tau^2) + \frac{1}{2} \sum_c q_c^2
                  - \sum_c q_c z_c

    The gradient is :math:`p - q`, the diagonal of the Hessian :math:`1 - 1 / |S|` for classes of
    :math:`S`, else 0. The loss of a label is 0 once its score leads every other by 1. It is
    computed as :math:`\sum_c (p_c - q_c)^2 / 2 + q_c \max(0, \tau - z_c)`, of which no term is
    negative. ``multiclass_sparsemax_loss`` of optax and ``sparsemax_loss`` of the package entmax
    are this one, of labels.

    {labels or probabilities}
    {ignore_index}
    {predicted}

    {results}

    Examples
    --------
    >>> import numloss
    >>> float(numloss.sparsemax([[0.5, 0.0, -2.0]], [1]))
    0.5625
    >>> numloss.sparsemax.grad([[0.5, 0.0, -2.0]], [1])
    array([[ 0.75, -0.75,  0.  ]])
    >>> float(numloss.sparsemax([[1.0, 0.0, -2.0]], [0]))
    0.0

    References
    ----------
    A. F. T. Martins and R. F. Astudillo, "From softmax to sparsemax: a sparse model of attention
    and multi-label classification", ICML 2016, eq. 17 and 21.
    """


@loss(influence="bounded")
def entmax15(
    prediction: ArrayLike,
    target: ArrayLike,
    *,
    ignore_index: int = -100,
    axis: int = -1,
    return_predicted: bool = False,
    **call: Unpack[Call],
) -> Any:
    r"""Loss of 1.5-entmax, half way between cross-entropy and ``sparsemax``.

    The probabilities of scores :math:`z` are :math:`p_c = s_c^2`, :math:`s_c = \max(0, z_c / 2 -
    \tau)`, with the :math:`\tau` for which they add up to 1. With probabilities :math:`q`, of a
    label 1 at it and 0 elsewhere, and the entropy :math:`H(p) = \frac{4}{3} \sum_c p_c (1 -
    \sqrt{p_c})`

    .. math:: l = \sum_c (p_c - q_c) z_c + H(p) - H(q)

    The gradient is :math:`p - q`, the diagonal of the Hessian :math:`s_j (1 - s_j / \sum_c s_c)`.
    The loss of a label is 0 once its score leads every other by 2. It is computed, with
    :math:`b = \sqrt{q}`, as :math:`\sum_c \frac{2}{3} (s_c - b_c)^2 (s_c + 2 b_c) + 2 q_c
    \max(0, \tau - z_c / 2)`, of which no term is negative. ``entmax15_loss`` of the package entmax
    is this one, of labels.

    {labels or probabilities}
    {ignore_index}
    {predicted}

    {results}

    Examples
    --------
    >>> import numloss
    >>> round(float(numloss.entmax15([[0.0, 0.0]], [0])), 6)
    0.390524
    >>> float(numloss.entmax15([[2.0, 0.0]], [0]))
    0.0

    References
    ----------
    B. Peters, V. Niculae and A. F. T. Martins, "Sparse sequence-to-sequence models", ACL 2019,
    eq. 8 to 12; M. Blondel, A. F. T. Martins and V. Niculae, "Learning with Fenchel-Young losses",
    Journal of Machine Learning Research 21 (2020).
    """


@loss(convex=False, influence="redescending")
def bi_tempered(
    prediction: ArrayLike,
    target: ArrayLike,
    *,
    t1: float = 0.8,
    t2: float = 1.2,
    any_sum: bool = False,
    ignore_index: int = -100,
    axis: int = -1,
    return_predicted: bool = False,
    **call: Unpack[Call],
) -> Any:
    r"""Bi-tempered logistic loss: cross-entropy that is bounded, of a softmax with heavy tails.

    With :math:`\exp_t(u) = \max(0, 1 + (1 - t) u)^{1 / (1 - t)}`, of which :math:`\log_t(p) =
    (p^{1 - t} - 1) / (1 - t)` is the inverse, the probabilities of logits :math:`x` are
    :math:`p_c = \exp_{t_2}(x_c - \lambda)` with the :math:`\lambda` for which they add up to 1.
    With probabilities :math:`q`, of a label 1 at it and 0 elsewhere,

    .. math:: l = \sum_c q_c (\log_{t_1} q_c - \log_{t_1} p_c)
                  - \frac{q_c^{2 - t_1} - p_c^{2 - t_1}}{2 - t_1}

    which is never negative. A ``t1`` below 1 bounds it by :math:`1 / (1 - t_1)`, so that an example
    far off pulls no harder than others; a ``t2`` above 1 lets its pull go back to 0. With both 1 it
    is ``kl_divergence``, of a label ``cross_entropy``. With :math:`w = p^{t_2}` and :math:`g_c =
    (p_c - q_c) p_c^{-t_1}` the gradient is :math:`w_j (g_j - \sum_c w_c g_c / \sum_c w_c)`.

    The authors' code is this one, but that it finds :math:`\lambda` in five steps, where here it is
    right to the last places, and that it smooths labels: pass such ones as probabilities.

    {labels or probabilities}
    t1 : float, default 0.8
        :math:`t_1`, in [0, 1].
    t2 : float, default 1.2
        :math:`t_2`, at least 0 and no less than ``t1``, if the gradient is to be bounded. Below 1
        probabilities may be 0.
    {any_sum}
    {ignore_index}
    {predicted}

    {results}

    Examples
    --------
    >>> import numloss
    >>> round(float(numloss.bi_tempered([[2.0, 0.0, -1.0]], [0])), 6)
    0.159964
    >>> round(float(numloss.bi_tempered([[2.0, 0.0, -1.0]], [0], t1=1.0, t2=1.0)), 6)
    0.169846
    >>> round(float(numloss.bi_tempered([[1e9, 0.0, 0.0]], [1])), 2)
    5.0

    References
    ----------
    E. Amid, M. K. Warmuth, R. Anil and T. Koren, "Robust bi-tempered logistic loss based on Bregman
    divergences", NeurIPS 2019, eq. 4 to 8.
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
    any_sum: bool = False,
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
    {any_sum}
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
    any_sum: bool = False,
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
    {any_sum}
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
def forward_cross_entropy(
    prediction: ArrayLike,
    target: ArrayLike,
    *,
    transition: ArrayLike | None = None,
    class_weight: ArrayLike | None = None,
    ignore_index: int = -100,
    axis: int = -1,
    return_logsumexp: bool = False,
    return_predicted: bool = False,
    **call: Unpack[Call],
) -> Any:
    r"""Cross-entropy of labels that are wrong at known rates: forward correction.

    With :math:`p = \mathrm{softmax}(x)`, label :math:`y` and the chances :math:`T_{ky}` that an
    example of class :math:`k` is labelled :math:`y`

    .. math:: l = -\log \sum_k T_{ky} p_k

    so that :math:`p` is fitted to the true classes, not to the labels: it has its least mean on
    wrong labels where cross-entropy has its own on right ones. The gradient is :math:`p - r`, with
    the chances :math:`r_k = T_{ky} p_k / \sum_j T_{jy} p_j` of the true class, given the label; the
    Hessian :math:`p (1 - p) - r (1 - r)`, which may be negative: with a transition the loss is not
    convex.

    {labels}
    transition : array-like, optional
        :math:`T`, a table of C x C numbers of at least 0: the row of a true class holds the chances
        of the labels and adds up to 1 (± 0.01). Without it the loss is ``cross_entropy``. Of a rate
        :math:`\rho` at which a label is any other class it is
        ``numpy.full((C, C), rho / (C - 1))`` with ``1 - rho`` on the diagonal.
    {class_weight}
    {ignore_index}
    {logsumexp}
    {predicted}

    {results}

    Examples
    --------
    One of ten examples of class 0 is labelled 1, and all of class 1 are right:

    >>> import numloss
    >>> rates = [[0.9, 0.1], [0.0, 1.0]]
    >>> round(float(numloss.forward_cross_entropy([[9.0, -9.0]], [1], transition=rates)), 4)
    2.3026
    >>> round(float(numloss.forward_cross_entropy([[-9.0, 9.0]], [0], transition=rates)), 4)
    18.1054

    References
    ----------
    G. Patrini et al., "Making deep neural networks robust to label noise: a loss correction
    approach", CVPR 2017, theorem 2.
    """


@loss(link="softmax", influence="bounded")
def ldam(
    prediction: ArrayLike,
    target: ArrayLike,
    *,
    counts: ArrayLike | None = None,
    max_margin: float = 0.5,
    scale: float = 30.0,
    class_weight: ArrayLike | None = None,
    ignore_index: int = -100,
    axis: int = -1,
    return_predicted: bool = False,
    **call: Unpack[Call],
) -> Any:
    r"""Label-distribution-aware margin loss: rare classes are to lead by a larger margin.

    With scores :math:`x`, label :math:`y` and the numbers :math:`n_c` of examples of the classes it
    is the cross-entropy of

    .. math:: s (x_c - [c = y] m_y), \qquad m_y = M \left(\frac{\min_c n_c}{n_y}\right)^{1/4}

    Scores are meant to be bounded, such as the cosines of a normalised last layer: the scale
    :math:`s` then says how sure a prediction may be. Predictions are made of :math:`x` alone. The
    gradient has :math:`s` as a factor, the Hessian :math:`s^2`.

    {labels}
    counts : array-like, optional
        :math:`n`, a number of at least 0 for each class, of which only ratios matter. A class of
        count 0 has the margin of the rarest, :math:`M`. Without them all classes have it.
    max_margin : float, default 0.5
        :math:`M`, in the unit of the scores; at least 0.
    scale : float, default 30.0
        :math:`s`, positive.
    {class_weight}
    {ignore_index}
    {predicted}

    {results}

    Examples
    --------
    >>> import numpy as np, numloss
    >>> cosines = [[0.5, 0.25], [0.25, 0.5]]
    >>> numloss.ldam(cosines, [0, 1], counts=[160, 10], scale=4.0, reduction="none").round(4)
    array([0.6931, 1.3133])

    References
    ----------
    K. Cao et al., "Learning imbalanced datasets with label-distribution-aware margin loss",
    NeurIPS 2019, eq. 12; their program has ``cls_num_list``, ``max_m`` and ``s``, and defers class
    weights, which are ``class_weight`` here, to the last epochs.
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
    any_sum: bool = False,
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
    {any_sum}
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
