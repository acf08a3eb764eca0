"""Losses of lists that are to be ordered, such as what a query has found by its relevance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from numloss._loss import Call, loss

if TYPE_CHECKING:
    from numpy.typing import ArrayLike
    from typing_extensions import Unpack

__all__ = ["lambdarank", "list_mle", "pairwise_logistic", "softmax_ranking"]


@loss(influence="bounded")
def pairwise_logistic(
    prediction: ArrayLike,
    target: ArrayLike,
    *,
    scale: float = 1.0,
    groups: ArrayLike | None = None,
    axis: int = -1,
    **call: Unpack[Call],
) -> Any:
    r"""Pairwise logistic loss (RankNet): every pair of a list in the wrong order costs.

    Over the pairs of a list whose first item is the more relevant one, :math:`t_i > t_j`,

    .. math:: l = \sum_{t_i > t_j} \log(1 + e^{-\sigma (s_i - s_j)})

    Items of equal relevance make no pair; a list without pairs, as one of a single item, costs 0
    and counts in the mean. The work grows with the square of the length of a list. XGBoost's
    ``rank:pairwise`` on all pairs, its normalisations off, has this gradient of the sum and twice
    the Hessian.

    {lists}
    scale : float, default 1.0
        :math:`\sigma`, positive: how steep the cost is.

    {results}

    Examples
    --------
    >>> import numloss
    >>> scores, relevances = [[2.0, 1.0, 0.0]], [[1.0, 0.0, 0.0]]
    >>> round(float(numloss.pairwise_logistic(scores, relevances)), 6)
    0.44019
    >>> numloss.pairwise_logistic.grad(scores, relevances).round(6)
    array([[-0.388144,  0.268941,  0.119203]])

    References
    ----------
    C. Burges et al., "Learning to rank using gradient descent", ICML 2005, eq. 3.
    """


@loss(convex=False, smoothness=0, influence="bounded")
def lambdarank(
    prediction: ArrayLike,
    target: ArrayLike,
    *,
    k: int | None = None,
    scale: float = 1.0,
    exponential_gain: bool = True,
    groups: ArrayLike | None = None,
    axis: int = -1,
    **call: Unpack[Call],
) -> Any:
    r"""LambdaRank: pairs in the wrong order, by what their exchange changes the NDCG.

    With the gain :math:`G(t) = 2^t - 1`, the rank :math:`r_i` of an item by the scores, from 0 on,
    and the discount :math:`D(r) = 1 / \log_2(r + 2)`, which is 0 from rank ``k`` on,

    .. math:: l = \sum_{t_i > t_j} \frac{|G(t_i) - G(t_j)| \, |D(r_i) - D(r_j)|}{B}
              \log(1 + e^{-\sigma (s_i - s_j)})

    :math:`B` is the DCG of the best order, :math:`\sum_r G(t) D(r)` of the relevances from the
    highest on.

    Gradient and Hessian are the "lambdas" that boosters train with: ranks are held fixed in them,
    though the value jumps where two scores meet (of equal scores the first item ranks first). A
    list without relevant items costs 0. The sum is LightGBM's ``lambdarank`` with
    ``lambdarank_norm=False`` where ``k`` is no limit; LightGBM discounts places beyond its
    truncation level as if there were none. XGBoost's ``rank:ndcg`` on all pairs, its normalisations
    off, has this gradient and twice the Hessian. The work grows with the square of the length of a
    list.

    {lists}
    k : int, optional
        How many places of the list count, at least 1; default: all.
    scale : float, default 1.0
        :math:`\sigma`, positive: how steep the cost of a pair is.
    exponential_gain : bool, default True
        Whether the gain of an item is :math:`2^t - 1`; else it is :math:`t`. Relevances are at
        least 0.

    {results}

    Examples
    --------
    >>> import numloss
    >>> scores, relevances = [0.5, 2.0, 1.0, -1.0, 3.0], [2, 0, 1, 1, 0]
    >>> lambdas = numloss.lambdarank.grad(scores, relevances, groups=[3, 2], reduction="sum")
    >>> lambdas.round(6)
    array([-0.382645,  0.412064, -0.029418, -0.362432,  0.362432])

    References
    ----------
    C. Burges, R. Ragno and Q. V. Le, "Learning to rank with nonsmooth cost functions", NIPS 2006;
    X. Wang et al., "The LambdaLoss framework for ranking metric optimization", CIKM 2018, eq. 13.
    """


@loss(influence="bounded")
def softmax_ranking(
    prediction: ArrayLike,
    target: ArrayLike,
    *,
    groups: ArrayLike | None = None,
    axis: int = -1,
    **call: Unpack[Call],
) -> Any:
    r"""Softmax ranking loss (ListNet): the chance of each item to come first.

    With :math:`q = \operatorname{softmax}(t)` and :math:`p = \operatorname{softmax}(s)` of a list

    .. math:: l = -\sum_i q_i \log p_i

    The gradient is :math:`p - q`, the Hessian's diagonal :math:`p (1 - p)`. A score of -inf is an
    item that cannot come first, and costs infinitely where its relevance is finite. For shares of
    the relevances in place of their softmax (optax's ``ranking_softmax_loss``, TF-Ranking) take
    ``cross_entropy`` with ``t / t.sum(-1, keepdims=True)``.

    {lists}
    {results}

    Examples
    --------
    >>> import numloss
    >>> scores, relevances = [[2.0, 1.0, 0.0]], [[1.0, 0.0, 0.0]]
    >>> round(float(numloss.softmax_ranking(scores, relevances)), 6)
    1.043431
    >>> numloss.softmax_ranking.grad(scores, relevances).round(6)
    array([[ 0.089124,  0.032787, -0.121911]])

    References
    ----------
    Z. Cao et al., "Learning to rank: from pairwise approach to listwise approach", ICML 2007,
    definition 5.
    """


@loss(influence="bounded", likelihood=False)
def list_mle(
    prediction: ArrayLike,
    target: ArrayLike,
    *,
    groups: ArrayLike | None = None,
    axis: int = -1,
    **call: Unpack[Call],
) -> Any:
    r"""ListMLE: how unlikely the right order is, drawn from the scores.

    Items are drawn one by one, each with a chance proportional to :math:`e^{s}` among those that
    are left (Plackett and Luce). With the items numbered from the most relevant one

    .. math:: l = \sum_i \left( \log \sum_{j \ge i} e^{s_j} - s_i \right)

    Of equally relevant items the first is the further ahead.

    {lists}
    {results}

    Examples
    --------
    >>> import numloss
    >>> scores, relevances = [[2.0, 1.0, 0.0]], [[2.0, 1.0, 0.0]]
    >>> round(float(numloss.list_mle(scores, relevances)), 6)
    0.720868
    >>> numloss.list_mle.grad(scores, relevances).round(6)
    array([[-0.334759, -0.024213,  0.358972]])

    References
    ----------
    F. Xia et al., "Listwise approach to learning to rank: theory and algorithm", ICML 2008, eq. 3;
    R. L. Plackett, "The analysis of permutations", Applied Statistics 24 (1975).
    """
