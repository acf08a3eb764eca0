"""Losses of an error in relation to the size of what is predicted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from numloss._loss import Call, loss

if TYPE_CHECKING:
    from numpy.typing import ArrayLike
    from typing_extensions import Unpack

__all__ = ["mape", "msle", "smape"]


@loss(convex=False)
def msle(prediction: ArrayLike, target: ArrayLike, **call: Unpack[Call]) -> Any:
    r"""Squared logarithmic error, :math:`(\log(1 + p) - \log(1 + t))^2`.

    With the difference :math:`d` of the logarithms the gradient is :math:`2 d / (1 + p)`, the
    Hessian :math:`2 (1 - d) / (1 + p)^2`. scikit-learn has the same loss, XGBoost's
    ``reg:squaredlogerror`` half of it.

    Nothing is clipped: predictions and targets must be above -1. Keras raises both to 1e-7 at least
    (``numpy.maximum(prediction, 1e-7)`` does that), XGBoost predictions to -1 + 1e-6.

    {elementwise}

    {results}

    Examples
    --------
    >>> import numloss
    >>> numloss.msle([3.0, 99.0], [1.0, 99.0], reduction="none").round(4)
    array([0.4805, 0.    ])
    >>> numloss.msle.grad([3.0, 99.0], [1.0, 99.0], reduction="none").round(4)
    array([0.3466, 0.    ])

    References
    ----------
    F. Pedregosa et al., "Scikit-learn: machine learning in Python", Journal of Machine Learning
    Research 12 (2011), ``mean_squared_log_error``.
    """


@loss(smoothness=0, influence="bounded")
def mape(
    prediction: ArrayLike,
    target: ArrayLike,
    *,
    floor: float = 2.0**-52,
    **call: Unpack[Call],
) -> Any:
    r"""Absolute error as a share of the target, :math:`|p - t| / \max(|t|, \mathrm{floor})`.

    A target of 0, and any nearer to 0 than ``floor``, counts as ``floor``. The default is that of
    scikit-learn: where the target is 0 an error then costs 2**52 times its size. LightGBM
    and CatBoost have ``floor=1.0``, Keras 1e-7. It is a share; times 100 it is a percentage.

    The gradient is the sign of :math:`p - t` divided by the same number, 0 at the kink; the Hessian
    is 0.

    {elementwise}
    floor : float, default 2**-52
        What the size of a target is taken to be at least; positive, in the unit of the target.

    {results}

    Examples
    --------
    >>> import numloss
    >>> numloss.mape([9.0, 5.0], [10.0, 4.0], reduction="none")
    array([0.1 , 0.25])
    >>> numloss.mape([9.0, 0.5], [10.0, 0.0], floor=1.0, reduction="none")
    array([0.1, 0.5])

    References
    ----------
    A. de Myttenaere, B. Golden, B. Le Grand and F. Rossi, "Mean absolute percentage error for
    regression models", Neurocomputing 192 (2016).
    """


@loss(convex=False, smoothness=0, influence="redescending")
def smape(prediction: ArrayLike, target: ArrayLike, **call: Unpack[Call]) -> Any:
    r"""Symmetric relative error, :math:`2 |p - t| / (|p| + |t|)`, between 0 and 2.

    Where both are 0 it is 0; where they differ in sign, or one is 0, it is 2. The gradient is
    :math:`4 |t| / (|p| + |t|)^2` with the sign of :math:`p - t` where both have the same sign, else
    0, and 0 at the kinks; the Hessian there is its derivative. Half of it lies between 0 and 1, and
    100 times it is the percentage of the M competitions.

    {elementwise}

    {results}

    Examples
    --------
    >>> import numloss
    >>> numloss.smape([3.0, 0.0, -1.0], [1.0, 0.0, 4.0], reduction="none")
    array([1., 0., 2.])
    >>> numloss.smape.grad([3.0, 0.0, -1.0], [1.0, 0.0, 4.0], reduction="none")
    array([0.25, 0.  , 0.  ])

    References
    ----------
    S. Makridakis, "Accuracy measures: theoretical and practical concerns", International Journal of
    Forecasting 9 (1993).
    """
