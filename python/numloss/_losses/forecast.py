"""Losses of forecast distributions: of two parameters, of an ensemble, of quantiles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from numloss._loss import Call, loss

if TYPE_CHECKING:
    from numpy.typing import ArrayLike
    from typing_extensions import Unpack

__all__ = [
    "crps_ensemble",
    "crps_gaussian",
    "crps_quantile",
    "gaussian_nll",
    "interval_score",
    "laplace_nll",
    "student_t_nll",
]


@loss(link=("identity", "log"), convex=False, estimates=("mean", "variance"))
def gaussian_nll(
    prediction: ArrayLike,
    target: ArrayLike,
    variance: ArrayLike,
    *,
    full: bool = False,
    log_variance: bool = False,
    **call: Unpack[Call],
) -> Any:
    r"""Negative log-likelihood of a normal distribution, of which mean and variance are predicted.

    .. math:: l = \frac{1}{2} \left( \log v + \frac{(p - t)^2}{v} \right)

    Gradients and Hessians are pairs, by the prediction :math:`p` and by the variance :math:`v`:
    :math:`(p - t) / v` and :math:`(1 - z) / (2 v)` with :math:`z = (p - t)^2 / v`; :math:`1 / v`
    and :math:`(2 z - 1) / (2 v^2)`. ``out`` takes such pairs.

    With ``log_variance=True`` the second input is :math:`s = \log v`, any number: a network's
    output as it is, or a margin of XGBoost's normal objective. The derivatives by it are
    :math:`(1 - z) / 2` and :math:`z / 2`, those by the prediction the same as above.

    {elementwise}
    variance : array-like
        Predicted variances :math:`v`, of the shape of the prediction and above 0: none is raised to
        a least one in silence (``numpy.maximum(variance, floor)`` does that where it is meant).
    full : bool, default False
        Whether :math:`\frac{1}{2} \log(2 \pi)`, a constant, is added.
    log_variance : bool, default False
        Whether ``variance`` holds logarithms of variances.

    {results}

    Examples
    --------
    >>> import numloss
    >>> float(numloss.gaussian_nll([1.0, 2.0], [1.0, 4.0], [1.0, 4.0], reduction="sum").round(6))
    1.193147
    >>> by_mean, by_variance = numloss.gaussian_nll.grad(
    ...     [1.0, 2.0], [1.0, 4.0], [1.0, 4.0], reduction="sum"
    ... )
    >>> by_mean
    array([ 0. , -0.5])
    >>> by_variance
    array([0.5, 0. ])

    References
    ----------
    D. A. Nix and A. S. Weigend, "Estimating the mean and variance of the target probability
    distribution", ICNN 1994, eq. 4.
    """


@loss(link=("identity", "log"), convex=False, smoothness=0, influence="bounded")
def laplace_nll(
    prediction: ArrayLike,
    target: ArrayLike,
    scale: ArrayLike,
    *,
    full: bool = False,
    **call: Unpack[Call],
) -> Any:
    r"""Negative log-likelihood of a Laplace distribution, of which median and scale are predicted.

    .. math:: l = \log b + \frac{|p - t|}{b}

    Gradients and Hessians are pairs, by the prediction :math:`p` and by the scale :math:`b`:
    :math:`\mathrm{sign}(p - t) / b`, 0 at the kink, and :math:`(b - |p - t|) / b^2`; 0 and
    :math:`(2 |p - t| / b - 1) / b^2`. ``out`` takes such pairs. ``scipy.stats.laplace.logpdf`` is
    its negative with ``full=True``.

    {elementwise}
    scale : array-like
        Predicted scales :math:`b`, of the shape of the prediction and above 0; the standard
        deviation is :math:`\sqrt{2} b`.
    full : bool, default False
        Whether :math:`\log 2`, a constant, is added.

    {results}

    Examples
    --------
    >>> import numloss
    >>> float(numloss.laplace_nll([1.0, 2.0], [1.0, 4.0], [1.0, 1.0], reduction="sum"))
    2.0
    >>> by_median, by_scale = numloss.laplace_nll.grad(
    ...     [1.0, 2.0], [1.0, 4.0], [1.0, 1.0], reduction="sum"
    ... )
    >>> by_median
    array([ 0., -1.])
    >>> by_scale
    array([ 1., -1.])

    References
    ----------
    P.-S. Laplace, "Mémoire sur la probabilité des causes par les événements", 1774.
    """


@loss(link=("identity", "log"), convex=False, influence="redescending")
def student_t_nll(
    prediction: ArrayLike,
    target: ArrayLike,
    scale: ArrayLike,
    *,
    df: float = 4.0,
    full: bool = False,
    **call: Unpack[Call],
) -> Any:
    r"""Negative log-likelihood of Student's t, of which location and scale are predicted.

    With :math:`z = (p - t) / s` and :math:`\nu` degrees of freedom

    .. math:: l = \log s + \frac{\nu + 1}{2} \log \left( 1 + \frac{z^2}{\nu} \right)

    Gradients and Hessians are pairs, by the prediction :math:`p` and by the scale :math:`s`. With
    :math:`w = z^2 / (\nu + z^2)`, the gradients are
    :math:`(\nu + 1) (p - t) / (\nu s^2 + (p - t)^2)` and :math:`(1 - (\nu + 1) w) / s`, Hessians
    :math:`(\nu + 1)(1 - 2 w) / (\nu s^2 + (p - t)^2)`, negative where :math:`z^2 > \nu`, and
    :math:`((\nu + 1) w (3 - 2 w) - 1) / s^2`. ``out`` takes such pairs.
    ``scipy.stats.t.logpdf`` is its negative with ``full=True``.

    {elementwise}
    scale : array-like
        Predicted scales :math:`s`, of the shape of the prediction and above 0; the standard
        deviation is :math:`s \sqrt{\nu / (\nu - 2)}` where :math:`\nu > 2`.
    df : float, default 4.0
        Degrees of freedom :math:`\nu`, positive: 1 for a Cauchy distribution; the more, the nearer
        to a normal one.
    full : bool, default False
        Whether :math:`\log \Gamma(\frac{\nu}{2}) - \log \Gamma(\frac{\nu + 1}{2})
        + \frac{1}{2} \log(\nu \pi)`, a constant, is added.

    {results}

    Examples
    --------
    >>> import numloss
    >>> float(numloss.student_t_nll([1.0, 2.0], [1.0, 4.0], [1.0, 1.0], reduction="sum").round(6))
    1.732868
    >>> by_location, by_scale = numloss.student_t_nll.grad(
    ...     [1.0, 2.0], [1.0, 4.0], [1.0, 1.0], reduction="sum"
    ... )
    >>> by_location
    array([ 0.  , -1.25])
    >>> by_scale
    array([ 1. , -1.5])

    References
    ----------
    K. L. Lange, R. J. A. Little and J. M. G. Taylor, "Robust statistical modeling using the t
    distribution", Journal of the American Statistical Association 84 (1989).
    """


@loss(link=("identity", "log"), influence="bounded")
def crps_gaussian(
    prediction: ArrayLike, target: ArrayLike, sigma: ArrayLike, **call: Unpack[Call]
) -> Any:
    r"""Continuous ranked probability score of a normal distribution.

    With :math:`z = (t - p) / \sigma`, density :math:`\varphi` and distribution function
    :math:`\Phi` of the standard normal distribution

    .. math:: l = \sigma \left( z \, (2 \Phi(z) - 1) + 2 \varphi(z) - \frac{1}{\sqrt{\pi}} \right)

    It is in the unit of the target, and tends to the absolute error with :math:`\sigma \to 0`. (The
    source has it with the opposite sign, as a reward.) Gradients and Hessians are pairs, by the
    prediction :math:`p` and by :math:`\sigma`: :math:`1 - 2 \Phi(z)` and
    :math:`2 \varphi(z) - 1 / \sqrt{\pi}`; :math:`2 \varphi(z) / \sigma` and
    :math:`2 \varphi(z) z^2 / \sigma`. ``out`` takes such pairs. ``crps_normal`` of scoringrules is
    this one, without derivatives.

    {elementwise}
    sigma : array-like
        Predicted standard deviations, of the shape of the prediction and above 0.

    {results}

    Examples
    --------
    >>> import numloss
    >>> float(numloss.crps_gaussian([1.0, 2.0], [1.0, 4.0], [1.0, 1.0], reduction="sum").round(6))
    1.686487
    >>> by_mean, by_sigma = numloss.crps_gaussian.grad(
    ...     [1.0, 2.0], [1.0, 4.0], [1.0, 1.0], reduction="sum"
    ... )
    >>> by_mean.round(6)
    array([ 0.    , -0.9545])
    >>> by_sigma.round(6)
    array([ 0.233695, -0.456208])

    References
    ----------
    T. Gneiting and A. E. Raftery, "Strictly proper scoring rules, prediction, and estimation",
    Journal of the American Statistical Association 102 (2007), eq. 5 and section 4.2.
    """


@loss(link=("identity", "identity"), smoothness=0, influence="bounded")
def interval_score(
    lower: ArrayLike,
    target: ArrayLike,
    upper: ArrayLike,
    *,
    alpha: float = 0.1,
    **call: Unpack[Call],
) -> Any:
    r"""Interval score of a prediction interval: its width, and a penalty for targets outside.

    .. math:: S = (u - l) + \frac{2}{\alpha} \max(l - t, 0) + \frac{2}{\alpha} \max(t - u, 0)

    Its mean is least where :math:`l` and :math:`u` are the quantiles of levels :math:`\alpha / 2`
    and :math:`1 - \alpha / 2`: it is :math:`2 / \alpha` times the sum of the losses that
    ``quantile`` has at them. Gradients are pairs, by the lower bound :math:`l` and the upper one
    :math:`u`: :math:`2 / \alpha - 1` and :math:`1 - 2 / \alpha` by a bound that the target lies
    beyond, else -1 and 1, and 0 at the kink; Hessians are 0. ``out`` takes such pairs. Bounds that
    have crossed are not refused. ``interval_score`` of scoringrules is this one.

    Parameters
    ----------
    lower : array-like
        Predicted lower bounds :math:`l`, of any shape; every element is an example.
    target : array-like
        Targets, of the same shape, or a scalar.
    upper : array-like
        Predicted upper bounds :math:`u`, of the same shape.
    {call}
    alpha : float, default 0.1
        Share of the targets that the interval leaves out, half on either side; above 0 and below 1.

    {results}

    Examples
    --------
    >>> import numloss
    >>> float(numloss.interval_score([1.0, 1.0], [2.0, 4.0], [3.0, 3.0], alpha=0.5))
    4.0
    >>> by_lower, by_upper = numloss.interval_score.grad(
    ...     [1.0, 1.0], [2.0, 4.0], [3.0, 3.0], alpha=0.5, reduction="sum"
    ... )
    >>> by_lower
    array([-1., -1.])
    >>> by_upper
    array([ 1., -3.])

    References
    ----------
    T. Gneiting and A. E. Raftery, "Strictly proper scoring rules, prediction, and estimation",
    Journal of the American Statistical Association 102 (2007), eq. 43.
    """


@loss(convex=False, smoothness=0, influence="bounded")
def crps_ensemble(
    prediction: ArrayLike,
    target: ArrayLike,
    *,
    fair: bool = False,
    axis: int = -1,
    **call: Unpack[Call],
) -> Any:
    r"""Continuous ranked probability score of an ensemble.

    With the members :math:`x_i` of a row, m of them in any order, and what came true, :math:`y`

    .. math:: l = \frac{1}{m} \sum_i |x_i - y| - \frac{1}{2 m^2} \sum_{i, j} |x_i - x_j|
              = \int (F(z) - [z \ge y])^2 \, dz

    with the members' distribution function :math:`F`: it is added up as that integral, of sorted
    members, whose terms are at least 0. ``fair`` divides the second sum by :math:`2 m (m - 1)`, so
    that an ensemble is scored as the distribution it was drawn from; of a single member both are
    the absolute error. The gradient by a member is :math:`\mathrm{sign}(x_i - y) / m` less the
    number of members below it minus those above over the same :math:`m^2` or :math:`m (m - 1)`;
    where numbers are equal the sign is 0. The Hessian is 0. ``properscoring.crps_ensemble`` has the
    first, scoringrules' ``crps_ensemble`` both (``estimator="nrg"`` and ``"fair"``), target first.

    {members}
    fair : bool, default False
        Whether the expected score of a distribution's ensembles is to be that of the distribution.

    {results}

    Examples
    --------
    >>> import numloss
    >>> members = [[0.0, 3.0, 1.0]]
    >>> round(float(numloss.crps_ensemble(members, [2.0])), 4)
    0.6667
    >>> round(float(numloss.crps_ensemble(members, [2.0], fair=True)), 4)
    0.3333
    >>> numloss.crps_ensemble.grad(members, [2.0]).round(4)
    array([[-0.1111,  0.1111, -0.3333]])

    References
    ----------
    T. Gneiting and A. E. Raftery, "Strictly proper scoring rules, prediction, and estimation",
    Journal of the American Statistical Association 102 (2007), eq. 20 and 21; fair: C. A. T. Ferro,
    "Fair scores for ensemble forecasts", Quarterly Journal of the Royal Meteorological Society 140
    (2014), eq. 3.
    """


@loss(smoothness=0, influence="bounded")
def crps_quantile(
    prediction: ArrayLike,
    target: ArrayLike,
    *,
    levels: ArrayLike | None = None,
    axis: int = -1,
    **call: Unpack[Call],
) -> Any:
    r"""Continuous ranked probability score of quantiles: the mean of twice their pinball losses.

    With the quantiles :math:`x_k` of a row, of levels :math:`q_k`, and what came true, :math:`y`

    .. math:: l = \frac{2}{m} \sum_{k=0}^{m-1} \max(q_k (y - x_k), (q_k - 1) (y - x_k))

    Without levels they are the middles :math:`(k + 1/2) / m`, of which the score of rising
    quantiles is ``crps_ensemble``. The gradient is that of ``quantile``, 0 at the kinks; the
    Hessian is 0. It is scoringrules' ``crps_quantile``, which takes the target first.

    {quantiles}
    levels : array-like, optional
        :math:`q_k`: the level of each quantile of a row, in [0, 1].

    {results}

    Examples
    --------
    >>> import numloss
    >>> forecast = [[0.0, 1.0, 3.0]]
    >>> round(float(numloss.crps_quantile(forecast, [2.0])), 4)
    0.6667
    >>> round(float(numloss.crps_quantile(forecast, [2.0], levels=[0.1, 0.5, 0.9])), 4)
    0.5333

    References
    ----------
    T. Gneiting and R. Ranjan, "Comparing density forecasts using threshold- and quantile-weighted
    scoring rules", Journal of Business and Economic Statistics 29 (2011), eq. 14; the middles: J.
    Broecker, "Evaluating raw ensembles with the continuous ranked probability score", Quarterly
    Journal of the Royal Meteorological Society 138 (2012).
    """
