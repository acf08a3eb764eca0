"""Losses of images, of each of which a region is predicted: how far it overlaps the true one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from numloss._loss import Call, loss

if TYPE_CHECKING:
    from numpy.typing import ArrayLike
    from typing_extensions import Unpack

__all__ = ["dice", "jaccard", "lovasz_hinge", "lovasz_softmax", "tversky"]


@loss(link="sigmoid", convex=False, influence="bounded")
def dice(
    prediction: ArrayLike,
    target: ArrayLike,
    *,
    smooth: float = 1.0,
    squared: bool = False,
    from_logits: bool = True,
    axis: int = -1,
    **call: Unpack[Call],
) -> Any:
    r"""Dice loss: what the overlap of two regions lacks of their mean size.

    With :math:`p = \sigma(x)` of the logits :math:`x` of an image's pixels and targets :math:`t`

    .. math:: l = 1 - \frac{2 \sum_i p_i t_i + s}{\sum_i p_i + \sum_i t_i + s}

    a number for each image, whatever share of it the region has. Of an image without a region it is
    :math:`\sum p / (\sum p + s)`, the less the larger :math:`s` is; with ``smooth=0`` it is 1
    however little is predicted, and 0 with a gradient of 0 where nothing is. MONAI's ``DiceLoss``
    has ``smooth=1e-5``, that of segmentation_models_pytorch 0, and leaves out what has no region:
    ``weight=target.any(axis=-1)``.

    Of several classes, of which a pixel has one, a class of an image is a row: the loss of
    ``softmax(x, axis=1)`` of logits of shape (N, C, pixels), with ``from_logits=False``, against
    ``labels[:, None] == numpy.arange(C)[:, None]`` is the mean over the classes, and
    docs/choosing.md has its gradient by the logits. A class that an image has not counts as an
    image without a region does.

    {pixels}
    smooth : float, default 1.0
        :math:`s`, in pixels; at least 0.
    squared : bool, default False
        Whether the sums below have the squares of :math:`p` and :math:`t`, as Milletari et al.
        have it.
    {from_logits of pixels}

    {results}

    Examples
    --------
    Two images of four pixels. The loss of a batch as one, as other libraries have it, is that of a
    single row:

    >>> import numpy as np, numloss
    >>> logits = np.array([[[4.0, -4.0], [4.0, -4.0]], [[-4.0, -4.0], [-4.0, 0.0]]])
    >>> there = np.array([[[1, 0], [1, 0]], [[0, 0], [0, 1]]])
    >>> numloss.dice(logits.reshape(2, -1), there.reshape(2, -1), reduction="none").round(3)
    array([0.014, 0.217])
    >>> round(float(numloss.dice(logits.reshape(1, -1), there.reshape(1, -1))), 3)
    0.096

    Probabilities of three classes, one of which the image has not:

    >>> p = np.array([[[0.5, 0.25], [0.5, 0.5], [0.0, 0.25]]])
    >>> there = np.array([[0, 1]])[:, None] == np.arange(3)[:, None]
    >>> losses = numloss.dice(p, there, from_logits=False, smooth=0.0, reduction="none")
    >>> losses.round(3)
    array([[0.429, 0.5  , 1.   ]])
    >>> round(float(numloss.dice(p, there, from_logits=False, weight=there.any(axis=-1))), 3)
    0.303

    References
    ----------
    F. Milletari et al., "V-Net: fully convolutional neural networks for volumetric medical image
    segmentation", 3DV 2016, sec. 3, with squares; without them M. Drozdzal et al., "The importance
    of skip connections in biomedical image segmentation", DLMIA 2016.
    """


@loss(link="sigmoid", convex=False, influence="bounded")
def jaccard(
    prediction: ArrayLike,
    target: ArrayLike,
    *,
    smooth: float = 1.0,
    from_logits: bool = True,
    axis: int = -1,
    **call: Unpack[Call],
) -> Any:
    r"""Jaccard loss, or IoU loss: what the overlap of two regions lacks of their union.

    With :math:`p = \sigma(x)` of the logits :math:`x` of an image's pixels and targets :math:`t`

    .. math:: l = 1 - \frac{\sum_i p_i t_i + s}{\sum_i (p_i + t_i - p_i t_i) + s}

    It is ``tversky`` with both weights 1. Of an image without a region it is that of ``dice``.
    MONAI's ``DiceLoss(jaccard=True)`` has half of its smoothing as :math:`s`.

    {pixels}
    smooth : float, default 1.0
        :math:`s`, in pixels; at least 0.
    {from_logits of pixels}

    {results}

    Examples
    --------
    >>> import numpy as np, numloss
    >>> logits, there = [[4.0, -4.0, 0.0]], [[True, False, False]]
    >>> round(float(numloss.jaccard(logits, there, smooth=0.0)), 3)
    0.353

    References
    ----------
    M. A. Rahman and Y. Wang, "Optimizing intersection-over-union in deep neural networks for image
    segmentation", ISVC 2016.
    """


@loss(link="sigmoid", convex=False, influence="bounded")
def tversky(
    prediction: ArrayLike,
    target: ArrayLike,
    *,
    alpha: float = 0.3,
    beta: float = 0.7,
    gamma: float = 1.0,
    smooth: float = 1.0,
    from_logits: bool = True,
    axis: int = -1,
    **call: Unpack[Call],
) -> Any:
    r"""Tversky loss, also focal: Dice loss that weighs false alarms and misses as you like.

    With :math:`p = \sigma(x)` of the logits :math:`x` of an image's pixels, targets :math:`t` and
    the sums :math:`I = \sum p_i t_i`, :math:`F = \sum p_i (1 - t_i)` and
    :math:`M = \sum (1 - p_i) t_i`

    .. math:: l = \left(1 - \frac{I + s}{I + \alpha F + \beta M + s}\right)^\gamma

    With both weights 1/2 it is ``dice`` of twice the smoothing, with both 1 ``jaccard``. A larger
    ``beta`` finds more of small regions, a ``gamma`` below 1 raises the cost of images that are
    nearly right. Abraham and Khan call ``gamma`` 1/γ (theirs of 4/3 is ``gamma=0.75``); they, and
    Keras, have ``alpha`` and ``beta`` the other way round.

    {pixels}
    alpha : float, default 0.3
        :math:`\alpha`, the weight of pixels that are predicted and not there; at least 0.
    beta : float, default 0.7
        :math:`\beta`, that of pixels that are there and not predicted; at least 0.
    gamma : float, default 1.0
        :math:`\gamma`, positive.
    smooth : float, default 1.0
        :math:`s`, in pixels; at least 0.
    {from_logits of pixels}

    {results}

    Examples
    --------
    A false alarm, and a region that is missed:

    >>> import numpy as np, numloss
    >>> there = np.array([[True, False, False, False]] * 2)
    >>> logits = np.array([[9.0, 9.0, -9.0, -9.0], [-9.0, -9.0, -9.0, -9.0]])
    >>> numloss.tversky(logits, there, reduction="none").round(2)
    array([0.13, 0.41])

    References
    ----------
    S. S. M. Salehi et al., "Tversky loss function for image segmentation using 3D fully
    convolutional deep networks", MLMI 2017, eq. 4. N. Abraham and N. M. Khan, "A novel focal
    Tversky loss function with improved attention U-Net for lesion segmentation", ISBI 2019, eq. 4.
    """


@loss(smoothness=0, influence="bounded")
def lovasz_hinge(
    prediction: ArrayLike, target: ArrayLike, *, axis: int = -1, **call: Unpack[Call]
) -> Any:
    r"""Lovász hinge: the convex extension of the Jaccard loss of the pixels that are wrong.

    With scores :math:`x` and targets that are -1 or +1, the hinge errors
    :math:`e_i = 1 - t_i x_i` of an image's pixels in descending order, of equal ones the first
    pixel first,

    .. math:: l = \sum_k \max(0, e_k) \left(J_k - J_{k-1}\right)

    where :math:`J_k` is the Jaccard loss, 1 less intersection over union, if the first :math:`k`
    of these pixels are wrong and all others right. Of an image without a region it is the largest
    error, if that is above 0. The gradient of a pixel is minus or plus its factor, and at a tie
    that of the order above; the Hessian is 0. It sorts the errors above 0, and works in memory of
    five times a row.

    {pixels of scores}

    {results}

    Examples
    --------
    >>> import numpy as np, numloss
    >>> scores, there = np.array([[2.0, -0.5, 0.5, -2.0]]), np.array([[True, True, False, False]])
    >>> round(float(numloss.lovasz_hinge(scores, there)), 3)
    1.0
    >>> numloss.lovasz_hinge.grad(scores, there)
    array([[ 0.        , -0.5       ,  0.16666667,  0.        ]])

    References
    ----------
    M. Berman et al., "The Lovász-softmax loss: a tractable surrogate for the optimization of the
    intersection-over-union measure in neural networks", CVPR 2018, eq. 8 and algorithm 1.
    """


@loss(link="sigmoid", convex=False, smoothness=0, influence="bounded")
def lovasz_softmax(
    prediction: ArrayLike,
    target: ArrayLike,
    *,
    from_logits: bool = True,
    axis: int = -1,
    **call: Unpack[Call],
) -> Any:
    r"""Lovász-softmax: the Jaccard loss of a region, extended to probabilities that are wrong.

    With probabilities :math:`p` of an image's pixels, those of a class by a softmax or
    :math:`\sigma(x)` of logits, the errors :math:`e_i`, :math:`1 - p_i` of pixels in the region and
    :math:`p_i` of others, in descending order, of equal ones the first pixel first,

    .. math:: l = \sum_k e_k \left(J_k - J_{k-1}\right)

    where :math:`J_k` is the Jaccard loss, 1 less intersection over union, if the first :math:`k`
    of these pixels are wrong and all others right. It is the Jaccard loss itself where all
    probabilities are 0 and 1. Of an image without a region it is the largest error. The gradient of
    a pixel is minus or plus its factor, and at a tie that of the order above; the factors count as
    constants in the Hessian, which is 0 of probabilities. It sorts the errors, and works in memory
    of five times a row.

    Of several classes, of which a pixel has one, a class of an image is a row, as for ``dice``: the
    authors' ``lovasz_softmax`` is that of ``softmax(x, axis=1)`` of logits of shape (N, C, pixels),
    with ``from_logits=False``, against ``labels[:, None] == numpy.arange(C)[:, None]``. Theirs
    leaves out classes that are not there (``classes="present"``): ``weight=there.any(axis=-1)``
    does so, and divided by its sum over the classes gives each image the same weight
    (``per_image=True``). A batch as one has ``numpy.moveaxis(p, 1, 0).reshape(C, -1)``. A pixel to
    be ignored has probability 0 and target False, which costs nothing and moves no other.

    {pixels of a set}
    {from_logits of pixels}

    {results}

    Examples
    --------
    >>> import numpy as np, numloss
    >>> p, there = np.array([[1.0, 0.5, 0.25, 0.0]]), np.array([[True, True, False, False]])
    >>> round(float(numloss.lovasz_softmax(p, there, from_logits=False)), 6)
    0.291667
    >>> numloss.lovasz_softmax.grad(p, there, from_logits=False).round(3)
    array([[ 0.   , -0.5  ,  0.167,  0.   ]])

    References
    ----------
    M. Berman et al., "The Lovász-softmax loss: a tractable surrogate for the optimization of the
    intersection-over-union measure in neural networks", CVPR 2018, eq. 10 and algorithm 1.
    """
