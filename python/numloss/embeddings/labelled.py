"""Losses of embeddings with labels: those of the same label belong together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from numloss import _convert
from numloss.embeddings.arguments import Call, Task, labels_of, settings, vectors_of
from numloss.embeddings.loss import BatchLoss
from numloss.embeddings.strips import Circle, Classes, Labelled
from numloss.embeddings.vectors import Vectors
from numloss.linear.problem import between

if TYPE_CHECKING:
    from numpy.typing import ArrayLike
    from typing_extensions import Unpack

EVERY = slice(None)


@BatchLoss
def supervised_contrastive(
    embeddings: ArrayLike,
    labels: ArrayLike,
    *,
    temperature: float = 0.1,
    normalize: bool = True,
    return_temperature_grad: bool = False,
    **call: Unpack[Call],
) -> Task:
    r"""Supervised contrastive loss: each embedding finds all others of its label.

    With an anchor's similarities :math:`s_j` to all others and its positives :math:`P`, the others
    of its label, it is :math:`L_{out}` of the paper:

    .. math:: l = \log \sum_j e^{s_j / T} - \frac{1}{|P|} \sum_{p \in P} s_p / T.

    An anchor without a positive has loss 0 and does not count in the mean; others are still
    compared with it. pytorch-metric-learning does the same; the paper's own code gives NaN for it.
    There is never an array of N x N: see `info_nce`.

    Parameters
    ----------
    embeddings : array-like
        N vectors, of shape (N, D). Several views of an example are several of them.
    labels : array-like
        An integer for each embedding, of shape (N,). Any will do.
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
    >>> embeddings = np.array([[1.0, 0.0], [3.0, 1.0], [0.0, 2.0], [-1.0, 0.0]])
    >>> numloss.supervised_contrastive(
    ...     embeddings, [4, 4, 4, 7], temperature=0.5, reduction="none"
    ... ).round(6)
    array([1.105908, 0.89847 , 1.040181, 0.      ])

    References
    ----------
    P. Khosla et al., "Supervised contrastive learning", NeurIPS 2020, equation 2.
    """
    x = vectors_of("embeddings", embeddings)
    classes = Classes(labels_of(labels, len(x)))
    own = settings([x], **call)
    heat = _convert.positive("temperature", temperature)
    return Task(
        inputs=(x,),
        vectors=(Vectors(x, own.dtype, normalize=_convert.switch("normalize", normalize)),),
        heads=((0, EVERY),),
        walks=((0, 0, Labelled(1 / heat, classes)),),
        counted=classes.positives > 0,
        settings=own,
        temperature=heat,
        return_temperature_grad=_convert.switch("return_temperature_grad", return_temperature_grad),
    )


@BatchLoss
def circle(
    embeddings: ArrayLike,
    labels: ArrayLike,
    *,
    gamma: float = 80.0,
    margin: float = 0.4,
    normalize: bool = True,
    constant_weights: bool = True,
    **call: Unpack[Call],
) -> Task:
    r"""Circle loss: similarities that are far from where they should be pull harder.

    With an anchor's cosines :math:`s_p` to the others of its label and :math:`s_n` to those of
    another, scale :math:`\gamma` and margin :math:`m`

    .. math:: l = \log\Big(1 + \sum_n e^{\gamma [s_n + m]_+ (s_n - m)}
                  \sum_p e^{\gamma [1 + m - s_p]_+ (1 - m - s_p)}\Big).

    The paper takes the weights :math:`[\cdot]_+` for constants where it differentiates, and so does
    the gradient, unless ``constant_weights=False``. An anchor without a positive, or without a
    negative, has loss 0 and does not count in the mean. There is never an array of N x N: see
    `info_nce`.

    Parameters
    ----------
    embeddings : array-like
        N vectors, of shape (N, D).
    labels : array-like
        An integer for each embedding, of shape (N,). Any will do.
    gamma : float, default 80.0
        :math:`\gamma`, positive. The paper has 256 for faces, 80 for finer kinds of things.
    margin : float, default 0.4
        :math:`m`, finite and at least 0: positives are to have a cosine above 1 - m, negatives one
        below m. The paper has 0.25 for faces.
    {normalize}
    constant_weights : bool, default True
        Whether the gradient is the paper's. With False it is the derivative of the value.
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
    >>> embeddings = np.array([[1.0, 0.0], [3.0, 1.0], [0.0, 2.0], [-1.0, 0.0]])
    >>> round(float(numloss.circle(embeddings, [0, 0, 1, 1], gamma=2.0, margin=0.25)), 6)
    1.823148

    References
    ----------
    Y. Sun et al., "Circle loss: a unified perspective of pair similarity optimization", CVPR 2020,
    equations 4 and 8, with the optima of section 3.3.
    """
    x = vectors_of("embeddings", embeddings)
    classes = Classes(labels_of(labels, len(x)))
    own = settings([x], **call)
    strips = Circle(
        classes,
        _convert.positive("gamma", gamma),
        between("margin", margin, 0, np.finfo(float).max, "of at least 0 and finite"),
        constant_weights=_convert.switch("constant_weights", constant_weights),
    )
    return Task(
        inputs=(x,),
        vectors=(Vectors(x, own.dtype, normalize=_convert.switch("normalize", normalize)),),
        heads=((0, EVERY),),
        walks=((0, 0, strips),),
        counted=(classes.positives > 0) & (classes.negatives > 0),
        settings=own,
    )
