"""Losses of times until an event, some of which are known in part."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from numloss._loss import Call, loss

if TYPE_CHECKING:
    from numpy.typing import ArrayLike
    from typing_extensions import Unpack

__all__ = ["aft", "cox"]


@loss(link="log")
def aft(
    prediction: ArrayLike,
    target: ArrayLike,
    upper: ArrayLike | None = None,
    *,
    distribution: Literal["normal", "logistic", "extreme"] = "normal",
    scale: float = 1.0,
    **call: Unpack[Call],
) -> Any:
    r"""Accelerated failure time: how unlikely a time is, or the bounds that it lies between.

    The logarithm of a time is the prediction plus noise, :math:`\log t = p + \sigma z`, with
    :math:`z` from a distribution with density :math:`f` and distribution function :math:`F`. With
    :math:`z(t) = (\log t - p) / \sigma`

    .. math:: l = \begin{cases} -\log \left( f(z(t)) \, / \, (\sigma t) \right) & t_l = t_u = t \\
                  -\log \left( F(z(t_u)) - F(z(t_l)) \right) & t_l < t_u \end{cases}

    The density of an event is that of the time itself: :math:`1 / (\sigma t)` is in it, as in
    XGBoost's. The target is the lower bound :math:`t_l`, ``upper`` the upper one :math:`t_u`:

    - an event at a time has both bounds there,
    - what had not happened yet (right-censored) has ``upper`` infinite,
    - what had happened already (left-censored) has the target 0,
    - what happened between two visits has them as bounds.

    All are exact in the far tails, where a difference of :math:`F` would have no digits. The value
    is that of XGBoost's metric ``aft-nloglik``, but for its floor of 1e-12 below likelihoods.
    XGBoost's ``survival:aft`` trains with the same derivatives, the gradient clipped to
    :math:`\pm 15` and the Hessian to between 1e-16 and 15: ``numpy.clip`` makes them of
    ``grad_and_hess`` with ``reduction="sum"``.

    {elementwise}
    upper : array-like, optional
        Upper bounds of the times, of the shape of the prediction, or a number; at least the target
        and above 0, which the target may be then. Infinite: the event had not happened. Default:
        the target, all of which are events.
    distribution : {"normal", "logistic", "extreme"}, default "normal"
        The noise: of a normal or a logistic distribution, or of the smallest of many numbers,
        :math:`F(z) = 1 - e^{-e^z}`, whose times have a Weibull distribution.
    scale : float, default 1.0
        :math:`\sigma`, positive.

    {results}

    Examples
    --------
    >>> import numloss
    >>> lower, upper = [1.0, 2.0, 0.0, 1.0], [1.0, float("inf"), 3.0, 4.0]
    >>> numloss.aft([0.0, 0.0, 0.0, 0.0], lower, upper, reduction="none").round(6)
    array([0.918939, 1.410142, 0.146146, 0.874258])
    >>> numloss.aft.grad([0.0, 2.0], [1.0, 2.0], distribution="logistic", reduction="sum").round(6)
    array([0.      , 0.573972])

    References
    ----------
    A. Barnwal, H. Cho and T. Hocking, "Survival regression with accelerated failure time model in
    XGBoost", Journal of Computational and Graphical Statistics 31 (2022), eq. 4, table 1.
    """


@loss(influence="bounded")
def cox(
    prediction: ArrayLike,
    target: ArrayLike,
    event: ArrayLike | None = None,
    *,
    ties: Literal["breslow", "efron"] = "breslow",
    groups: ArrayLike | None = None,
    axis: int = -1,
    **call: Unpack[Call],
) -> Any:
    r"""Cox's partial likelihood: which of those at risk have their event first.

    A score :math:`s` is the logarithm of a hazard ratio: the higher, the sooner the event. Over the
    events of a list, each among those whose time is not before its own,

    .. math:: l = \sum_{i \text{ happened}} \left( \log \sum_{t_j \ge t_i} e^{s_j} - s_i \right)

    is Breslow's; of :math:`d` events at one time Efron takes from the :math:`k`-th sum, counted
    from 0, the share :math:`k / d` of their own :math:`e^s`. Without ties the two are the same. The
    Hessian is the diagonal. A constant added to all scores changes nothing.

    The value of a list is the sum over its events. Divide by their number for the mean over events,
    which XGBoost's metric ``cox-nloglik`` tells: ``denominator=np.sum(event)``. XGBoost's
    ``survival:cox`` takes a time below 0 for a censored one: ``numloss.cox(s, abs(y), y > 0)`` has
    its derivatives, those of the sum, where no events have the same time; of events at one time
    XGBoost counts in each derivative those alone that it has sorted before it. A ``weight`` is that
    of a list: items have none of their own.

    {strata}
    event : array-like, optional
        Whether the event happened at that time, shaped like the prediction: booleans, or numbers 0
        and 1. Otherwise the item was last seen then (censored), and at risk until then. Default:
        all happened.
    ties : {"breslow", "efron"}, default "breslow"
        What events at one time cost; Efron is nearer to what an exact order would.

    {results}

    Examples
    --------
    >>> import numloss
    >>> scores, times = [0.5, 1.0, -0.5, 0.0], [5.0, 2.0, 7.0, 2.0]
    >>> event = [True, True, False, True]
    >>> float(numloss.cox(scores, times, event, reduction="sum").round(6))
    2.887939
    >>> numloss.cox.grad(scores, times, event, ties="efron", reduction="sum").round(6)
    array([ 0.407783, -0.214608,  0.517895, -0.71107 ])

    References
    ----------
    D. R. Cox, "Regression models and life-tables", Journal of the Royal Statistical Society B 34
    (1972); N. Breslow, "Covariance analysis of censored survival data", Biometrics 30 (1974);
    B. Efron, "The efficiency of Cox's likelihood function for censored data", Journal of the
    American Statistical Association 72 (1977).
    """
