"""Losses of what is compared: rows of numbers that stand for things, and pairs of scores."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from numloss._loss import Call, loss

if TYPE_CHECKING:
    from numpy.typing import ArrayLike
    from typing_extensions import Unpack

__all__ = [
    "contrastive",
    "cosine_embedding",
    "cosine_similarity",
    "margin_ranking",
    "triplet_margin",
]


@loss(convex=False, smoothness=0)
def contrastive(
    first: ArrayLike,
    second: ArrayLike,
    target: ArrayLike,
    *,
    margin: float = 1.0,
    axis: int = -1,
    **call: Unpack[Call],
) -> Any:
    r"""Contrastive loss: pairs that are alike come together, others keep a distance.

    With the Euclidean distance :math:`d = |a - b|` of the rows :math:`a` and :math:`b`
    and :math:`t = 1` where they are alike, 0 where they are not,

    .. math:: l = \frac{1}{2} \left( t d^2 + (1 - t) \max(0, m - d)^2 \right)

    The halves are the paper's, whose :math:`Y` is :math:`1 - t`; many implementations leave them
    out and have twice this loss. Gradients and Hessians are pairs, by both rows. Of a pair that is
    not alike and has no distance, the direction in which to part it is none: its derivatives are
    0. So is the second one where :math:`d = m`.

    {pairs}
    margin : float, default 1.0
        :math:`m`, at least 0: how far apart pairs that are not alike are to be.

    {results}

    Examples
    --------
    >>> import numloss
    >>> a, b = [[0.0, 0.0], [0.0, 0.0]], [[3.0, 4.0], [0.0, 0.5]]
    >>> numloss.contrastive(a, b, [1, 0], reduction="none")
    array([12.5  ,  0.125])
    >>> by_first, by_second = numloss.contrastive.grad(a, b, [1, 0], reduction="none")
    >>> by_first
    array([[-3. , -4. ],
           [ 0. ,  0.5]])

    References
    ----------
    R. Hadsell, S. Chopra and Y. LeCun, "Dimensionality reduction by learning an invariant mapping",
    CVPR 2006, eq. 4.
    """


@loss(convex=False, smoothness=0, influence="bounded")
def cosine_embedding(
    first: ArrayLike,
    second: ArrayLike,
    target: ArrayLike,
    *,
    margin: float = 0.0,
    axis: int = -1,
    **call: Unpack[Call],
) -> Any:
    r"""Cosine of pairs of rows: 1 where they are alike, at most a margin where they are not.

    .. math:: l = \begin{cases} 1 - c & t = 1 \\ \max(0, c - m) & t = -1 \end{cases}

    with the cosine

    .. math:: c = \frac{a \cdot b}{A B}, \qquad A^2 = |a|^2 + \epsilon, \qquad
              B^2 = |b|^2 + \epsilon

    where :math:`\epsilon` is 1e-12 as in torch, which makes the cosine with a row of zeros 0.
    Gradients and Hessians are pairs, by both rows. Where :math:`c \le m` they are 0 for :math:`t =
    -1`; torch's gradient at :math:`c = m` itself is that of the other side.

    {pairs of signs}
    margin : float, default 0.0
        :math:`m`, from -1 on: the cosine that rows which are not alike may have.

    {results}

    Examples
    --------
    >>> import numloss
    >>> a, b = [[3.0, 4.0], [3.0, 4.0]], [[4.0, 3.0], [4.0, 3.0]]
    >>> numloss.cosine_embedding(a, b, [1, -1], margin=0.5, reduction="none").round(6)
    array([0.04, 0.46])
    >>> by_first, by_second = numloss.cosine_embedding.grad(a, b, [1, -1], reduction="none")
    >>> by_first.round(6)
    array([[-0.0448,  0.0336],
           [ 0.0448, -0.0336]])

    References
    ----------
    J. Mueller and A. Thyagarajan, "Siamese recurrent architectures for learning sentence
    similarity", AAAI 2016; in the form of PyTorch's ``CosineEmbeddingLoss``.
    """


@loss(convex=False, smoothness=0, influence="bounded")
def cosine_similarity(
    prediction: ArrayLike,
    target: ArrayLike,
    *,
    eps: float = 1e-8,
    axis: int = -1,
    **call: Unpack[Call],
) -> Any:
    r"""Cosine distance of rows, :math:`1 - \cos(p, t)`.

    .. math:: l = 1 - \frac{p \cdot t}{\max(|p|, \epsilon) \max(|t|, \epsilon)}

    It is 0 for rows of one direction and 2 for opposite ones. A row of zeros has the cosine 0, as
    in torch and Keras; below :math:`\epsilon` the norm counts as :math:`\epsilon`, and the gradient
    is that of the product alone, :math:`-t / (\epsilon |t|)`, the Hessian 0. It is
    optax's ``cosine_distance`` (there ``epsilon=0``). The Hessian is the diagonal.

    Keras's ``CosineSimilarity`` is the negative cosine: this loss minus 1, with the same gradient
    (and the least norm 1e-7).
    ``torch.nn.functional.cosine_similarity`` is 1 minus it.

    {rows}
    eps : float, default 1e-08
        :math:`\epsilon`, positive: the least norm.

    {results}

    Examples
    --------
    >>> import numloss
    >>> prediction, target = [[3.0, 4.0], [1.0, 0.0]], [[4.0, 3.0], [0.0, 2.0]]
    >>> numloss.cosine_similarity(prediction, target, reduction="none").round(6)
    array([0.04, 1.  ])
    >>> numloss.cosine_similarity.grad(prediction, target, reduction="sum").round(6)
    array([[-0.0448,  0.0336],
           [ 0.    , -1.    ]])

    References
    ----------
    G. Salton and M. J. McGill, "Introduction to modern information retrieval", McGraw-Hill 1983,
    the cosine coefficient.
    """


@loss(smoothness=0, influence="bounded")
def margin_ranking(
    first: ArrayLike,
    second: ArrayLike,
    target: ArrayLike,
    *,
    margin: float = 0.0,
    **call: Unpack[Call],
) -> Any:
    r"""Hinge of the difference of two scores, of which the target says which one is to be higher.

    .. math:: l = \max(0, m - t (a - b))

    Gradients and Hessians are pairs, by both scores: :math:`-t` and :math:`t` where the loss is
    above 0, else 0, the kink included (torch's gradient there is that of the other side); 0 and 0.

    {scores}
    margin : float, default 0.0
        :math:`m`, at least 0: how far the higher score is to be above the other.

    {results}

    Examples
    --------
    >>> import numloss
    >>> first, second, target = [2.0, 2.0, 2.0], [1.5, 1.5, 3.0], [1, -1, -1]
    >>> numloss.margin_ranking(first, second, target, margin=1.0, reduction="none")
    array([0.5, 1.5, 0. ])
    >>> by_first, by_second = numloss.margin_ranking.grad(first, second, target, reduction="sum")
    >>> by_first
    array([0., 1., 0.])

    References
    ----------
    R. Herbrich, T. Graepel and K. Obermayer, "Large margin rank boundaries for ordinal regression",
    Advances in Large Margin Classifiers, MIT Press 2000; in the form of PyTorch's
    ``MarginRankingLoss``.
    """


@loss(convex=False, smoothness=0, influence="bounded")
def triplet_margin(
    anchor: ArrayLike,
    positive: ArrayLike,
    negative: ArrayLike,
    *,
    margin: float = 1.0,
    p: float = 2.0,
    swap: bool = False,
    eps: float = 1e-6,
    axis: int = -1,
    **call: Unpack[Call],
) -> Any:
    r"""Triplet loss: a row is to be nearer to one that is alike than to one that is not.

    .. math:: l = \max(0, m + d(a, p) - d(a, n)), \qquad
              d(x, y) = |x - y + \epsilon|_p

    of the anchor :math:`a`, the positive :math:`p` and the negative :math:`n`. There is no target.
    Gradients and Hessians are triples, by all three rows, 0 where the loss is 0, the kink included
    (torch's gradient there is that of the other side). Where a distance is 0 its derivatives are
    0; with ``p=1`` so are those of each difference that is 0, and all Hessians. A distance that is
    infinite makes the loss so, or 0, or nan.

    It is torch's loss, whose ``eps`` is added to every difference; optax's ``triplet_margin_loss``
    adds its own to the sum of squares instead: pass ``eps=0``, and both differ by rounding where
    distances are not tiny.

    {triplets}
    margin : float, default 1.0
        :math:`m`, at least 0: how much nearer it is to be.
    p : float, default 2.0
        The norm, 1 or 2: the sum of the absolute differences, or the Euclidean one. (Others, which
        torch has, would take a power of every difference.)
    swap : bool, default False
        Whether :math:`d(p, n)` stands in the place of :math:`d(a, n)` where it is shorter; of equal
        ones the latter stays.
    eps : float, default 1e-06
        :math:`\epsilon`, at least 0.

    {results}

    Examples
    --------
    >>> import numloss
    >>> anchor, positive, negative = [[0.0, 0.0]], [[3.0, 4.0]], [[0.0, 5.5]]
    >>> round(float(numloss.triplet_margin(anchor, positive, negative, eps=0.0)), 6)
    0.5
    >>> by_anchor, by_positive, by_negative = numloss.triplet_margin.grad(
    ...     anchor, positive, negative, eps=0.0
    ... )
    >>> by_anchor.round(6)
    array([[-0.6,  0.2]])

    References
    ----------
    V. Balntas et al., "Learning local feature descriptors with triplets and shallow convolutional
    neural networks", BMVC 2016, eq. 5 and 6 (the swap).
    """
