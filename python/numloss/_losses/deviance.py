"""Losses of the mean of a count or an amount: half deviances, or negative log-likelihoods."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from numloss._loss import Call, loss

if TYPE_CHECKING:
    from numpy.typing import ArrayLike
    from typing_extensions import Unpack

__all__ = ["gamma", "generalized_kl", "poisson", "tweedie"]


@loss(link="log", estimates="mean")
def poisson(
    prediction: ArrayLike,
    target: ArrayLike,
    *,
    log_input: bool = True,
    full: bool = False,
    **call: Unpack[Call],
) -> Any:
    r"""Negative log-likelihood of a Poisson distribution, for counts.

    With the logarithm :math:`x` of the rate :math:`\lambda = e^x`

    .. math:: l = e^x - t x

    The gradient is :math:`e^x - t`, the Hessian :math:`e^x`. With ``log_input=False`` the
    prediction is the rate itself: :math:`l = \lambda - t \log \lambda`, gradient
    :math:`1 - t / \lambda`, Hessian :math:`t / \lambda^2`. Where :math:`t = 0` the second term is
    0, also at :math:`\lambda = 0`; there a positive target costs infinity.

    torch's ``poisson_nll_loss`` is this one but for its ``eps`` within the logarithm, and for its
    ``full``, which is Stirling's approximation for :math:`t > 1` and 0 below; scikit-learn's
    ``HalfPoissonLoss`` is this one; Keras's ``Poisson`` takes rates, and adds 1e-7 to them within
    the logarithm. Half the deviance of scikit-learn's ``mean_poisson_deviance`` is ``tweedie`` of
    power 1, :math:`t \log t - t` more.

    {elementwise}
    log_input : bool, default True
        Whether the prediction is the logarithm of the rate, else the rate, at least 0. Targets are
        at least 0; they need not be integers.
    full : bool, default False
        Whether :math:`\log t! = \log \Gamma(t + 1)`, a constant of the target, is added.

    {results}

    Examples
    --------
    >>> import numloss
    >>> float(numloss.poisson([0.0, 0.0], [1.0, 3.0]))
    1.0
    >>> numloss.poisson.grad([0.0, 0.0], [1.0, 3.0], reduction="sum")
    array([ 0., -2.])
    >>> float(numloss.poisson([2.0], [3.0], log_input=False, full=True).round(6))
    1.712318

    References
    ----------
    P. McCullagh and J. A. Nelder, "Generalized linear models", 2nd ed., Chapman & Hall, 1989,
    section 6.2.
    """


@loss(link="log", estimates="mean")
def gamma(
    prediction: ArrayLike, target: ArrayLike, *, log_input: bool = True, **call: Unpack[Call]
) -> Any:
    r"""Loss of the mean of a gamma distribution, for positive amounts: half its deviance.

    With the logarithm :math:`x` of the mean :math:`m = e^x`

    .. math:: l = x + t e^{-x}

    The gradient is :math:`1 - t e^{-x}`, the Hessian :math:`t e^{-x}`. With ``log_input=False`` the
    prediction is the mean itself: :math:`l = \log m + t / m`, gradient :math:`(m - t) / m^2`,
    Hessian :math:`(2 t - m) / m^3`.

    It is the negative log-likelihood divided by the shape of the distribution, less what depends on
    shape and target alone. scikit-learn's ``HalfGammaLoss`` is this one; half the deviance of its
    ``mean_gamma_deviance`` is ``tweedie`` of power 2, :math:`1 + \log t` less.

    {elementwise}
    log_input : bool, default True
        Whether the prediction is the logarithm of the mean, else the mean, above 0. Targets are
        above 0.

    {results}

    Examples
    --------
    >>> import numloss
    >>> float(numloss.gamma([0.0, 0.0], [1.0, 3.0]))
    2.0
    >>> numloss.gamma.grad([0.0, 0.0], [1.0, 3.0], reduction="sum")
    array([ 0., -2.])
    >>> float(numloss.gamma([2.0], [4.0], log_input=False).round(6))
    2.693147

    References
    ----------
    P. McCullagh and J. A. Nelder, "Generalized linear models", 2nd ed., Chapman & Hall, 1989,
    section 8.3.
    """


@loss(link="log", estimates="mean")
def generalized_kl(
    prediction: ArrayLike, target: ArrayLike, *, log_input: bool = True, **call: Unpack[Call]
) -> Any:
    r"""Generalized Kullback-Leibler divergence of amounts that need not add up to 1.

    With the logarithm :math:`x` of the predicted amount :math:`y = e^x`

    .. math:: l = t \log \frac{t}{y} - t + y

    which is never negative, and 0 where :math:`y = t`; :math:`0 \log 0 = 0`. The gradient is
    :math:`y - t`, the Hessian :math:`y`. With ``log_input=False`` the prediction is :math:`y`
    itself: gradient :math:`1 - t / y`, Hessian :math:`t / y^2`. The sum over the elements is the
    divergence, which is called I-divergence, too. It is ``tweedie`` of power 1, and ``poisson`` but
    for a constant of the target; no digit of a small one is lost.

    ``scipy.special.kl_div(t, y)`` is that of each element, and the sum what scikit-learn's ``NMF``
    minimises with ``beta_loss="kullback-leibler"``. For probabilities of classes from logits there
    is ``kl_divergence``.

    {elementwise}
    log_input : bool, default True
        Whether the prediction is the logarithm of the amount, else the amount, above 0. Targets are
        at least 0.

    {results}

    Examples
    --------
    >>> import numloss
    >>> round(float(numloss.generalized_kl([0.0, 0.0], [1.0, 3.0], reduction="sum")), 6)
    1.295837
    >>> float(numloss.generalized_kl([2.0], [0.0], log_input=False))
    2.0

    References
    ----------
    I. Csiszár, "Why least squares and maximum entropy? An axiomatic approach to inference for
    linear inverse problems", Annals of Statistics 19 (1991); D. D. Lee and H. S. Seung,
    "Algorithms for non-negative matrix factorization", NIPS 2000, eq. 3.
    """


@loss(link="log", estimates="mean")
def tweedie(
    prediction: ArrayLike,
    target: ArrayLike,
    *,
    power: float = 1.5,
    log_input: bool = True,
    **call: Unpack[Call],
) -> Any:
    r"""Half the unit deviance of a Tweedie distribution, whose variance is a power of its mean.

    With the mean :math:`m = e^x` and the power :math:`p`

    .. math:: l = \frac{\max(t, 0)^{2 - p}}{(1 - p)(2 - p)} - \frac{t m^{1 - p}}{1 - p}
                  + \frac{m^{2 - p}}{2 - p}

    and for :math:`p = 1` and :math:`p = 2` its limits, :math:`t \log(t / m) - t + m` and
    :math:`\log(m / t) + t / m - 1`: it is continuous in the power, and 0 where the mean is the
    target. The gradient by :math:`x` is :math:`m^{2 - p} - t m^{1 - p}`, the Hessian
    :math:`(2 - p) m^{2 - p} - (1 - p) t m^{1 - p}`. With ``log_input=False`` the prediction is the
    mean itself; the gradient is :math:`m^{-p} (m - t)`, the Hessian
    :math:`m^{-p} (1 - p + p t / m)`.

    Powers: 0 a normal distribution (half the squared error), 1 Poisson's, between 1 and 2 sums of
    gamma distributed amounts in a Poisson distributed number, 2 the gamma distribution, 3 the
    inverse Gaussian one. scikit-learn's ``HalfTweedieLossIdentity`` is this one with
    ``log_input=False``; its ``HalfTweedieLoss`` leaves the constant of the target out, and at power
    1 and 2 is ``poisson`` and ``gamma``, so that its values jump there. ``mean_tweedie_deviance``
    is twice the mean of this one.

    {elementwise}
    power : float, default 1.5
        At most 0 or at least 1. Up to 0 targets are any numbers, from 1 on at least 0, from 2 on
        above 0.
    log_input : bool, default True
        Whether the prediction is the logarithm of the mean, else the mean, above 0; of power 0 any
        number.

    {results}

    Examples
    --------
    >>> import numloss
    >>> float(numloss.tweedie([0.0, 0.0], [1.0, 4.0]))
    1.0
    >>> numloss.tweedie.grad([0.0, 0.0], [1.0, 4.0], reduction="sum")
    array([ 0., -3.])
    >>> float(numloss.tweedie([2.0], [4.0], power=0, log_input=False))
    2.0

    References
    ----------
    B. Jørgensen, "Exponential dispersion models", Journal of the Royal Statistical Society B 49
    (1987), section 4.
    """
