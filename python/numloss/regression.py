"""Losses of a real prediction against a real target."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from numloss._loss import Call, Loss, elementwise, kernel
from numloss._validate import positive

if TYPE_CHECKING:
    from numpy.typing import ArrayLike
    from typing_extensions import Unpack

__all__ = ["huber", "mae", "mse"]

_MSE = kernel("mse")
_MAE = kernel("mae")
_HUBER = kernel("huber")


@Loss
def mse(mode: int, prediction: ArrayLike, target: ArrayLike, **call: Unpack[Call]) -> Any:
    r"""Squared error, :math:`(p - t)^2`.

    The gradient is :math:`2 (p - t)`, the Hessian 2.

    {elementwise}

    {results}

    Examples
    --------
    >>> import numloss
    >>> float(numloss.mse([1.0, 2.0], [1.0, 4.0]))
    2.0
    >>> numloss.mse.grad([1.0, 2.0], [1.0, 4.0])
    array([ 0., -2.])

    References
    ----------
    C. F. Gauss, "Theoria combinationis observationum erroribus minimis obnoxiae", 1823.
    """
    return elementwise(_MSE, mode, prediction, target, (), call)


@Loss
def mae(mode: int, prediction: ArrayLike, target: ArrayLike, **call: Unpack[Call]) -> Any:
    r"""Absolute error, :math:`|p - t|`.

    The gradient is the sign of :math:`p - t`, 0 at the kink; the Hessian is 0.

    {elementwise}

    {results}

    Examples
    --------
    >>> import numloss
    >>> float(numloss.mae([1.0, 2.0], [1.0, 4.0]))
    1.0
    >>> numloss.mae.grad([1.0, 2.0], [1.0, 4.0], reduction="sum")
    array([ 0., -1.])

    References
    ----------
    P.-S. Laplace, "Mémoire sur la probabilité des causes par les événements", 1774.
    """
    return elementwise(_MAE, mode, prediction, target, (), call)


@Loss
def huber(
    mode: int,
    prediction: ArrayLike,
    target: ArrayLike,
    *,
    delta: float = 1.0,
    **call: Unpack[Call],
) -> Any:
    r"""Huber's loss: squared near zero, linear beyond ``delta``.

    With the residual :math:`r = p - t`

    .. math:: l = \begin{cases} r^2 / 2 & |r| \le \delta \\
                                \delta (|r| - \delta / 2) & |r| > \delta \end{cases}

    The gradient is :math:`r` clipped to :math:`[-\delta, \delta]`, the Hessian 1 inside (the bounds
    included) and 0 beyond. Smooth L1 with ``beta`` is this loss divided by ``delta=beta``.

    {elementwise}
    delta : float, default 1.0
        Residual at which the loss turns linear; positive, in the unit of the target.

    {results}

    Examples
    --------
    >>> import numloss
    >>> float(numloss.huber([0.0, 5.0], [0.5, 0.0], delta=1.0, reduction="sum"))
    4.625
    >>> numloss.huber.grad([0.0, 5.0], [0.5, 0.0], reduction="sum")
    array([-0.5,  1. ])

    References
    ----------
    P. J. Huber, "Robust estimation of a location parameter", Annals of Mathematical Statistics 35
    (1964), eq. 5.2.
    """
    return elementwise(_HUBER, mode, prediction, target, (positive("delta", delta),), call)
