"""Losses of pairs that belong together, everything else in the batch being what they do not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from numloss import _convert
from numloss._raise import Error
from numloss.embeddings.arguments import Call, Task, check_width, settings, vectors_of
from numloss.embeddings.loss import BatchLoss
from numloss.embeddings.strips import Paired
from numloss.embeddings.vectors import Vectors

if TYPE_CHECKING:
    from numpy.typing import ArrayLike
    from typing_extensions import Unpack

EVERY = slice(None)


@BatchLoss
def info_nce(
    queries: ArrayLike,
    keys: ArrayLike,
    *,
    temperature: float = 0.1,
    normalize: bool = True,
    symmetric: bool = False,
    return_temperature_grad: bool = False,
    **call: Unpack[Call],
) -> Task:
    r"""InfoNCE: each query is to be more like its own key than like all others.

    With similarities :math:`s_{ij}` of query i and key j, and temperature :math:`T`

    .. math:: l_i = \log \sum_j e^{s_{ij} / T} - s_{ii} / T.

    It is ``cross_entropy(queries @ keys.T / temperature, arange(N))`` of embeddings of length 1.
    The similarities are computed some queries at a time, turned into their gradient where they lie,
    and multiplied on: there is never an array of N x N. ``symmetric=True`` is the loss of CLIP, the
    mean of this and of the same with queries and keys exchanged.

    Products are NumPy's: their bits, and so those of every result, depend on its BLAS, on the
    processor and on ``max_memory``.

    Parameters
    ----------
    queries : array-like
        N vectors, of shape (N, D).
    keys : array-like
        Key i belongs to query i. Those beyond N belong to none, and are compared with all: shape
        (M, D) with M of at least N.
    temperature : float, default 0.1
        :math:`T`, positive. CLIP learns it, and begins with 0.07.
    {normalize}
    symmetric : bool, default False
        Whether keys look for their queries, too; M must be N then.
    {temperature_grad}
    {call}

    Returns
    -------
    {value}

    Raises
    ------
    {raises}

    Examples
    --------
    >>> import numpy as np
    >>> import numloss
    >>> images = np.array([[1.0, 0.0], [0.0, 2.0]])
    >>> texts = np.array([[3.0, 0.0], [1.0, 1.0]])
    >>> round(float(numloss.info_nce(images, texts, temperature=0.5, symmetric=True)), 6)
    0.370061
    >>> of_images, of_texts = numloss.info_nce.grad(images, texts, temperature=0.5)
    >>> of_images.round(6)
    array([[0.      , 0.252863],
           [0.028641, 0.      ]])

    References
    ----------
    A. van den Oord et al., "Representation learning with contrastive predictive coding", 2018,
    equation 4. A. Radford et al., "Learning transferable visual models from natural language
    supervision", ICML 2021, figure 3.
    """
    q, k = vectors_of("queries", queries), vectors_of("keys", keys)
    check_width(("queries", q), ("keys", k))
    both_ways = _convert.switch("symmetric", symmetric)
    if len(k) < len(q) or (both_ways and len(k) != len(q)):
        needed = f"{len(q)}" if both_ways else f"at least {len(q)}"
        raise Error(f"keys must be {needed}, as many as there are queries, got {len(k)}", "keys")
    own = settings([q, k], **call)
    heat = _convert.positive("temperature", temperature)
    normal = _convert.switch("normalize", normalize)
    strips = Paired(1 / heat, np.arange(len(q)), among_itself=False)
    return Task(
        inputs=(q, k),
        vectors=tuple(Vectors(x, own.dtype, normalize=normal) for x in (q, k)),
        heads=((0, EVERY), (1, EVERY)),
        walks=((0, 1, strips), (1, 0, strips)) if both_ways else ((0, 1, strips),),
        counted=np.ones(len(q), bool),
        settings=own,
        temperature=heat,
        return_temperature_grad=_convert.switch("return_temperature_grad", return_temperature_grad),
    )


@BatchLoss
def nt_xent(
    first: ArrayLike,
    second: ArrayLike,
    *,
    temperature: float = 0.1,
    normalize: bool = True,
    return_temperature_grad: bool = False,
    **call: Unpack[Call],
) -> Task:
    r"""NT-Xent, the loss of SimCLR: two views of each example find each other among all 2N.

    Each of the 2N views is an anchor. With its similarities :math:`s_j` to the others, itself left
    out, and that to the other view of its example, :math:`s_+`,

    .. math:: l = \log \sum_j e^{s_j / T} - s_+ / T.

    An example's loss is the mean of its two. There is never an array of 2N x 2N: see `info_nce`,
    which compares views of the one kind with those of the other alone.

    Parameters
    ----------
    first : array-like
        N vectors, of shape (N, D): a view of each example.
    second : array-like
        The other view of each, of the same shape.
    temperature : float, default 0.1
        :math:`T`, positive.
    {normalize}
    {temperature_grad}
    {call}

    Returns
    -------
    {value}

    Raises
    ------
    {raises}

    Examples
    --------
    >>> import numpy as np
    >>> import numloss
    >>> first, second = np.array([[1.0, 0.0], [0.0, 2.0]]), np.array([[3.0, 0.0], [1.0, 1.0]])
    >>> round(float(numloss.nt_xent(first, second, temperature=0.5)), 6)
    0.636671

    References
    ----------
    T. Chen et al., "A simple framework for contrastive learning of visual representations", ICML
    2020, equation 1.
    """
    x, y = vectors_of("first", first), vectors_of("second", second)
    if x.shape != y.shape:
        raise Error(
            f"second must have the shape of first, {x.shape}: the other view of each example, "
            f"got {y.shape}",
            "second",
        )
    own = settings([x, y], **call)
    heat = _convert.positive("temperature", temperature)
    n = len(x)
    views = np.concatenate([x.astype(own.dtype, copy=False), y.astype(own.dtype, copy=False)])
    other = np.concatenate([np.arange(n, 2 * n), np.arange(n)])
    normal = _convert.switch("normalize", normalize)
    return Task(
        inputs=(x, y),
        vectors=(Vectors(views, own.dtype, normalize=normal),),
        heads=((0, slice(0, n)), (0, slice(n, 2 * n))),
        walks=((0, 0, Paired(1 / heat, other, among_itself=True)),),
        counted=np.ones(n, bool),
        settings=own,
        temperature=heat,
        return_temperature_grad=_convert.switch("return_temperature_grad", return_temperature_grad),
    )
