"""Penalties on the size of a model's weights, to be added to a loss."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from numloss._loss import loss

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["elastic_net", "l1_penalty", "l2_penalty"]


@loss(smoothness=0, influence="bounded")
def l1_penalty(w: ArrayLike, *, strength: float = 1.0, out: NDArray[Any] | None = None) -> Any:
    r"""L1 penalty, :math:`\lambda \sum |w|`, which drives weights to 0.

    The gradient is :math:`\lambda \, \mathrm{sign}(w)`, 0 at 0.

    {penalty}
    {penalty results}

    Examples
    --------
    >>> import numloss
    >>> float(numloss.l1_penalty([1.0, -2.0, 0.0]))
    3.0
    >>> numloss.l1_penalty.grad([1.0, -2.0, 0.0])
    array([ 1., -1.,  0.])

    References
    ----------
    R. Tibshirani, "Regression shrinkage and selection via the lasso", Journal of the Royal
    Statistical Society B 58 (1996).
    """


@loss()
def l2_penalty(w: ArrayLike, *, strength: float = 1.0, out: NDArray[Any] | None = None) -> Any:
    r"""L2 penalty, :math:`\frac{\lambda}{2} \sum w^2`, which keeps weights small.

    The gradient is :math:`\lambda w`.

    {penalty}
    {penalty results}

    Examples
    --------
    >>> import numloss
    >>> float(numloss.l2_penalty([1.0, -2.0, 0.0]))
    2.5
    >>> value, gradient = numloss.l2_penalty.value_and_grad([1.0, -2.0], strength=0.5)
    >>> gradient
    array([ 0.5, -1. ])

    References
    ----------
    A. E. Hoerl and R. W. Kennard, "Ridge regression", Technometrics 12 (1970).
    """


@loss(smoothness=0)
def elastic_net(
    w: ArrayLike,
    *,
    strength: float = 1.0,
    l1_ratio: float = 0.5,
    out: NDArray[Any] | None = None,
) -> Any:
    r"""Elastic net, a mixture of the L1 and L2 penalties.

    With :math:`\rho` the ``l1_ratio``

    .. math:: \lambda \left( \rho \sum |w| + \frac{1 - \rho}{2} \sum w^2 \right)

    {penalty}
    l1_ratio : float, default 0.5
        :math:`\rho` in [0, 1]: 1 is ``l1_penalty``, 0 is ``l2_penalty``.
    {penalty results}

    Examples
    --------
    >>> import numloss
    >>> float(numloss.elastic_net([1.0, -2.0, 0.0]))
    2.75
    >>> numloss.elastic_net.grad([1.0, -2.0, 0.0])
    array([ 1. , -1.5,  0. ])

    References
    ----------
    H. Zou and T. Hastie, "Regularization and variable selection via the elastic net", Journal of
    the Royal Statistical Society B 67 (2005), in the form of scikit-learn.
    """
