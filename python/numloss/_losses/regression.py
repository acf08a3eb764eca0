"""Losses of a real prediction against a real target."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from numloss._loss import Call, loss

if TYPE_CHECKING:
    from numpy.typing import ArrayLike
    from typing_extensions import Unpack

__all__ = [
    "epsilon_insensitive",
    "expectile",
    "half_mse",
    "huber",
    "mae",
    "mse",
    "quantile",
    "smooth_l1",
    "squared_epsilon_insensitive",
]


@loss(estimates="mean")
def mse(prediction: ArrayLike, target: ArrayLike, **call: Unpack[Call]) -> Any:
    r"""Squared error, :math:`(p - t)^2`.

    The gradient is :math:`2 (p - t)`, the Hessian 2. `half_mse` is half of it.

    Several outputs are columns, which a weight of shape (1, outputs) weighs: the mean is then that
    of the columns' means, which scikit-learn computes for ``multioutput=[...]``.

    {elementwise}

    {results}

    Examples
    --------
    >>> import numloss
    >>> float(numloss.mse([1.0, 2.0], [1.0, 4.0]))
    2.0
    >>> numloss.mse.grad([1.0, 2.0], [1.0, 4.0])
    array([ 0., -2.])
    >>> float(numloss.mse([[1.0, 2.0], [3.0, 4.0]], [[0.0, 2.0], [3.0, 0.0]], weight=[[3.0, 1.0]]))
    2.375

    References
    ----------
    C. F. Gauss, "Theoria combinationis observationum erroribus minimis obnoxiae", 1823.
    """


@loss(estimates="mean")
def half_mse(prediction: ArrayLike, target: ArrayLike, **call: Unpack[Call]) -> Any:
    r"""Half the squared error, :math:`(p - t)^2 / 2`.

    The gradient is :math:`p - t`, the Hessian 1: the convention of scikit-learn's
    ``HalfSquaredError``, of ``optax.l2_loss``, and of the squared error of boosters.

    {elementwise}

    {results}

    Examples
    --------
    >>> import numloss
    >>> float(numloss.half_mse([1.0, 2.0], [1.0, 4.0]))
    1.0
    >>> numloss.half_mse.grad([1.0, 2.0], [1.0, 4.0], reduction="sum")
    array([ 0., -2.])

    References
    ----------
    C. F. Gauss, "Theoria combinationis observationum erroribus minimis obnoxiae", 1823.
    """


@loss(smoothness=0, influence="bounded", estimates="median")
def mae(prediction: ArrayLike, target: ArrayLike, **call: Unpack[Call]) -> Any:
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


@loss(smoothness=1, influence="bounded")
def huber(
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
    included) and 0 beyond. `smooth_l1` with ``beta`` is this loss divided by ``delta=beta``.

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


@loss(smoothness=1, influence="bounded")
def smooth_l1(
    prediction: ArrayLike, target: ArrayLike, *, beta: float = 1.0, **call: Unpack[Call]
) -> Any:
    r"""Smooth L1 loss: squared near zero, the absolute error less a constant beyond.

    With the residual :math:`r = p - t`

    .. math:: l = \begin{cases} r^2 / (2 \beta) & |r| \le \beta \\
                                |r| - \beta / 2 & |r| > \beta \end{cases}

    as ``torch.nn.functional.smooth_l1_loss`` has it: `huber` with ``delta=beta``, divided by
    ``beta``. The gradient is :math:`r / \beta` clipped to [-1, 1], the Hessian :math:`1 / \beta`
    inside (the bounds included) and 0 beyond. ``beta=0`` is the absolute error, `mae`.

    {elementwise}
    beta : float, default 1.0
        Residual at which the loss turns linear; at least 0, in the unit of the target.

    {results}

    Examples
    --------
    >>> import numloss
    >>> numloss.smooth_l1([0.0, 5.0], [0.5, 0.0], beta=0.5, reduction="none")
    array([0.25, 4.75])
    >>> numloss.smooth_l1.grad([0.0, 5.0], [0.25, 0.0], beta=0.5, reduction="none")
    array([-0.5,  1. ])

    References
    ----------
    R. Girshick, "Fast R-CNN", ICCV 2015, eq. 3.
    """


@loss(smoothness=0, influence="bounded")
def epsilon_insensitive(
    prediction: ArrayLike, target: ArrayLike, *, epsilon: float = 0.1, **call: Unpack[Call]
) -> Any:
    r"""Loss of support vector regression, :math:`\max(0, |p - t| - \epsilon)`.

    The gradient is the sign of :math:`p - t` beyond ``epsilon``, else 0; the Hessian is 0.

    {elementwise}
    epsilon : float, default 0.1
        Errors up to here cost nothing; at least 0, in the unit of the target.

    {results}

    Examples
    --------
    >>> import numloss
    >>> float(numloss.epsilon_insensitive([1.0, 2.0], [1.0, 4.0], epsilon=0.5))
    0.75
    >>> numloss.epsilon_insensitive.grad([1.0, 2.0], [1.0, 4.0], reduction="sum")
    array([ 0., -1.])

    References
    ----------
    V. Vapnik, "The Nature of Statistical Learning Theory", Springer, 1995.
    """


@loss(smoothness=1)
def squared_epsilon_insensitive(
    prediction: ArrayLike, target: ArrayLike, *, epsilon: float = 0.1, **call: Unpack[Call]
) -> Any:
    r"""Squared loss of support vector regression, :math:`\max(0, |p - t| - \epsilon)^2`.

    Beyond ``epsilon`` the gradient is :math:`2 (|p - t| - \epsilon)` with the sign of
    :math:`p - t`, and the Hessian 2; up to it both are 0. scikit-learn's ``SGDRegressor`` and
    ``LinearSVR`` know both losses.

    {elementwise}
    epsilon : float, default 0.1
        Errors up to here cost nothing; at least 0, in the unit of the target.

    {results}

    Examples
    --------
    >>> import numloss
    >>> float(numloss.squared_epsilon_insensitive([1.0, 2.0], [1.0, 4.0], epsilon=0.5))
    1.125
    >>> numloss.squared_epsilon_insensitive.grad([1.0, 2.0], [1.0, 4.0], epsilon=0.5)
    array([ 0. , -1.5])

    References
    ----------
    V. Vapnik, "The Nature of Statistical Learning Theory", Springer, 1995.
    """


@loss(smoothness=0, influence="bounded", estimates="quantile")
def quantile(
    prediction: ArrayLike, target: ArrayLike, q: ArrayLike = 0.5, **call: Unpack[Call]
) -> Any:
    r"""Pinball loss of quantiles, :math:`\max(q (t - p), (q - 1)(t - p))`.

    Its mean is least where the prediction is the quantile :math:`q` of the target; ``q=0.5`` is
    half the absolute error. The gradient is :math:`-q` below the target, :math:`1 - q` above it and
    0 at the kink; the Hessian is 0.

    Several quantiles at once are columns of the prediction against one target a row.

    {elementwise}
    q : float or array-like, default 0.5
        Level of the quantile in [0, 1], or one for each column (the last axis) of the prediction.
        With one for each column the target may lack that axis: it then stands for all columns.

    {results}

    Examples
    --------
    >>> import numloss
    >>> float(numloss.quantile([1.0, 4.0], [2.0, 2.0], 0.75, reduction="sum"))
    1.25
    >>> prediction, target = [[1.0, 3.0], [0.0, 1.5]], [2.0, 1.0]
    >>> numloss.quantile(prediction, target, [0.25, 0.75], reduction="none")
    array([[0.25 , 0.25 ],
           [0.25 , 0.125]])

    References
    ----------
    R. Koenker and G. Bassett, "Regression quantiles", Econometrica 46 (1978), eq. 2.
    """


@loss()
def expectile(
    prediction: ArrayLike, target: ArrayLike, q: ArrayLike = 0.5, **call: Unpack[Call]
) -> Any:
    r"""Asymmetric squared error of expectiles, :math:`|q - 1_{t < p}| (p - t)^2`.

    Its mean is least where the prediction is the expectile :math:`q` of the target, for ``q=0.5``
    the mean; there it is half of `mse`. The gradient is :math:`2 q (p - t)` below the target and
    :math:`2 (1 - q) (p - t)` above it. The Hessian, :math:`2 q` and :math:`2 (1 - q)`, jumps at the
    target unless ``q`` is 0.5, and is :math:`2 q` there. CatBoost's ``Expectile`` has this factor.

    Several expectiles at once are columns of the prediction against one target a row.

    {elementwise}
    q : float or array-like, default 0.5
        Level of the expectile in [0, 1], or one for each column (the last axis) of the prediction.
        With one for each column the target may lack that axis: it then stands for all columns.

    {results}

    Examples
    --------
    >>> import numloss
    >>> numloss.expectile([1.0, 4.0], [2.0, 2.0], 0.75, reduction="none")
    array([0.75, 1.  ])
    >>> prediction, target = [[1.0, 3.0], [0.0, 1.5]], [2.0, 1.0]
    >>> numloss.expectile.grad(prediction, target, [0.25, 0.75], reduction="sum")
    array([[-0.5 ,  0.5 ],
           [-0.5 ,  0.25]])

    References
    ----------
    W. K. Newey and J. L. Powell, "Asymmetric least squares estimation and testing", Econometrica 55
    (1987), eq. 2.1.
    """
