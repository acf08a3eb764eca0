"""Losses over classes that have an order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from numloss._loss import Call, loss

if TYPE_CHECKING:
    from numpy.typing import ArrayLike
    from typing_extensions import Unpack

__all__ = ["ordinal_cross_entropy", "ranked_probability"]


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
