"""Losses of a residual that outliers move less than they move its square."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from numloss._loss import Call, loss

if TYPE_CHECKING:
    from numpy.typing import ArrayLike
    from typing_extensions import Unpack

__all__ = ["cauchy", "fair", "log_cosh", "pseudo_huber", "robust", "tukey_biweight"]


@loss(influence="bounded")
def pseudo_huber(
    prediction: ArrayLike, target: ArrayLike, *, delta: float = 1.0, **call: Unpack[Call]
) -> Any:
    r"""Pseudo-Huber loss, a smooth `huber`: squared near zero, almost linear far beyond ``delta``.

    With the residual :math:`r = p - t` and :math:`h = \sqrt{1 + (r / \delta)^2}`

    .. math:: l = \delta^2 (h - 1)

    The gradient is :math:`r / h`, the Hessian :math:`1 / h^3`, as XGBoost's
    ``reg:pseudohubererror`` has them with ``huber_slope=delta``.

    {elementwise}
    delta : float, default 1.0
        Slope of the loss far from 0; positive, in the unit of the target.

    {results}

    Examples
    --------
    >>> import numloss
    >>> numloss.pseudo_huber([0.0, 15.0], [0.0, 0.0], delta=8.0, reduction="none")
    array([ 0., 72.])
    >>> numloss.pseudo_huber.grad([0.0, 15.0], [0.0, 0.0], delta=8.0, reduction="none").round(3)
    array([0.   , 7.059])

    References
    ----------
    P. Charbonnier, L. Blanc-Féraud, G. Aubert and M. Barlaud, "Deterministic edge-preserving
    regularization in computed imaging", IEEE Transactions on Image Processing 6 (1997).
    """


@loss(influence="bounded")
def log_cosh(prediction: ArrayLike, target: ArrayLike, **call: Unpack[Call]) -> Any:
    r"""Logarithm of the hyperbolic cosine, :math:`\log \cosh (p - t)`.

    It is the squared error, halved, near zero, and :math:`|p - t| - \log 2` far from it. The
    gradient is :math:`\tanh (p - t)`, the Hessian :math:`1 - \tanh^2 (p - t)`.

    {elementwise}

    {results}

    Examples
    --------
    >>> import numloss
    >>> numloss.log_cosh([0.5, 100.0], [0.0, 0.0], reduction="none").round(4)
    array([ 0.1201, 99.3069])
    >>> numloss.log_cosh.grad([0.5, 100.0], [0.0, 0.0], reduction="none").round(4)
    array([0.4621, 1.    ])

    References
    ----------
    P. J. Green, "Bayesian reconstructions from emission tomography data using a modified EM
    algorithm", IEEE Transactions on Medical Imaging 9 (1990), eq. 8.
    """


@loss(influence="bounded")
def fair(prediction: ArrayLike, target: ArrayLike, *, c: float = 1.0, **call: Unpack[Call]) -> Any:
    r"""Fair's loss: squared near zero, linear but for a logarithm far from it.

    With the residual :math:`r = p - t` and :math:`s = |r| / c`

    .. math:: l = c^2 (s - \log(1 + s))

    The gradient is :math:`r / (1 + s)`, the Hessian :math:`1 / (1 + s)^2`, as LightGBM's ``fair``
    has them with ``fair_c=c``.

    {elementwise}
    c : float, default 1.0
        Slope of the loss far from 0; positive, in the unit of the target.

    {results}

    Examples
    --------
    >>> import numloss
    >>> numloss.fair([1.0, 3.0], [0.0, 0.0], reduction="none").round(4)
    array([0.3069, 1.6137])
    >>> numloss.fair.grad([1.0, 3.0], [0.0, 0.0], reduction="none")
    array([0.5 , 0.75])

    References
    ----------
    R. C. Fair, "On the robust estimation of econometric models", Annals of Economic and Social
    Measurement 3 (1974).
    """


@loss(convex=False, influence="redescending")
def cauchy(
    prediction: ArrayLike, target: ArrayLike, *, c: float = 1.0, **call: Unpack[Call]
) -> Any:
    r"""Cauchy's (Lorentzian) loss: it grows as a logarithm, and outliers pull ever less.

    With the residual :math:`r = p - t` and :math:`s = r / c`

    .. math:: l = \frac{c^2}{2} \log(1 + s^2)

    The gradient is :math:`r / (1 + s^2)`, the Hessian :math:`(1 - s^2) / (1 + s^2)^2`, 1 at 0: the
    convention of ``scipy.optimize.least_squares`` with ``loss="cauchy"`` and ``f_scale=c``.
    Divided by :math:`c^2 / 2` it is `robust` for ``alpha=0`` with :math:`c / \sqrt{2}` for
    :math:`c`, and the negative log-likelihood of a Cauchy distribution but for a constant.

    {elementwise}
    c : float, default 1.0
        Residual that pulls most; positive, in the unit of the target.

    {results}

    Examples
    --------
    >>> import numloss
    >>> numloss.cauchy([1.0, 1000.0], [0.0, 0.0], reduction="none").round(4)
    array([0.3466, 6.9078])
    >>> numloss.cauchy.grad([1.0, 1000.0], [0.0, 0.0], reduction="none").round(4)
    array([0.5  , 0.001])

    References
    ----------
    M. J. Black and P. Anandan, "The robust estimation of multiple motions", Computer Vision and
    Image Understanding 63 (1996).
    """


@loss(convex=False, influence="redescending")
def tukey_biweight(
    prediction: ArrayLike, target: ArrayLike, *, c: float = 4.685, **call: Unpack[Call]
) -> Any:
    r"""Tukey's biweight: residuals beyond ``c`` cost a constant, and pull no more.

    With the residual :math:`r = p - t` and :math:`u = (r / c)^2`

    .. math:: l = \begin{cases} \frac{c^2}{6} (1 - (1 - u)^3) & |r| \le c \\
                                \frac{c^2}{6} & |r| > c \end{cases}

    The gradient is :math:`r (1 - u)^2`, the Hessian :math:`(1 - u)(1 - 5 u)`; both are 0 beyond.

    {elementwise}
    c : float, default 4.685
        Residual from which the loss is constant; positive, in the unit of the target. For normal
        residuals the default, times their standard deviation, has an efficiency of 95 %.

    {results}

    Examples
    --------
    >>> import numloss
    >>> numloss.tukey_biweight([1.0, 2.0, 9.0], 0.0, c=2.0, reduction="none").round(4)
    array([0.3854, 0.6667, 0.6667])
    >>> numloss.tukey_biweight.grad([1.0, 2.0, 9.0], 0.0, c=2.0, reduction="none")
    array([0.5625, 0.    , 0.    ])

    References
    ----------
    A. E. Beaton and J. W. Tukey, "The fitting of power series, meaning polynomials, illustrated on
    band-spectroscopic data", Technometrics 16 (1974).
    """


@loss(influence="bounded")
def robust(
    prediction: ArrayLike,
    target: ArrayLike,
    *,
    alpha: float = 1.0,
    c: float = 1.0,
    **call: Unpack[Call],
) -> Any:
    r"""Barron's general robust loss: one number says how much outliers count.

    With :math:`z = ((p - t) / c)^2` and :math:`d = |\alpha - 2|`

    .. math:: l = \frac{d}{\alpha} \left( \left( \frac{z}{d} + 1 \right)^{\alpha/2} - 1 \right)

    and its limits: :math:`z / 2` for :math:`\alpha = 2`, :math:`\log(z / 2 + 1)` for
    :math:`\alpha = 0`, :math:`1 - \exp(-z / 2)` for :math:`\alpha = -\infty`,
    :math:`\exp(z / 2) - 1` for :math:`\infty`. ``alpha=1`` is `pseudo_huber`, divided by
    :math:`c^2`, -2 the loss of Geman and McClure, and -infinity that of Welsch (Leclerc).

    The gradient is :math:`(p - t) / c^2 \cdot g` with :math:`g = (z / d + 1)^{\alpha / 2 - 1}`, the
    Hessian :math:`g / c^2 \cdot (1 + (\alpha - 1) z / d) / (1 + z / d)`. Convex for ``alpha`` of 1
    and more; outliers pull without bound above 1, ever less below it.

    {elementwise}
    alpha : float, default 1.0
        Shape: any number, infinite ones too.
    c : float, default 1.0
        Residual from which the shape shows; positive, in the unit of the target.

    {results}

    Examples
    --------
    >>> import numloss
    >>> for alpha in (2.0, 1.0, 0.0, -2.0, float("-inf")):
    ...     print(numloss.robust([1.0, 10.0], 0.0, alpha=alpha, reduction="none").round(4))
    [ 0.5 50. ]
    [0.4142 9.0499]
    [0.4055 3.9318]
    [0.4    1.9231]
    [0.3935 1.    ]

    References
    ----------
    J. T. Barron, "A general and adaptive robust loss function", CVPR 2019, eq. 13.
    """
