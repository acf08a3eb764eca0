"""Penalties without a derivative at 0: their proximal operators, and the group lasso."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from numloss import _convert
from numloss._arithmetic import ieee
from numloss._losses.penalties import elastic_net, l1_penalty, l2_penalty
from numloss._raise import Error, InputTypeError, shown

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Array = NDArray[Any]


class GroupLasso:
    r"""Group lasso, :math:`\lambda \sum_g \sqrt{d_g} \, \lVert w_g \rVert_2`, which drops groups.

    Coefficients of a group :math:`g` of :math:`d_g` become 0 together, or none does. The gradient
    is :math:`\lambda \sqrt{d_g} \, w_g / \lVert w_g \rVert`, and 0 where the whole group is 0:
    there it has no derivative, and `numloss.prox` is what minimizes it. It is no `Loss` and has no
    ``grad_and_hess``, as its Hessian is not diagonal.

    It is called as ``numloss.group_lasso(w, groups=...)``; ``grad`` and ``value_and_grad`` take the
    same arguments.

    Parameters
    ----------
    w : array-like
        Coefficients, of any shape.
    groups : array-like of int
        The group of each coefficient, in the shape of ``w``; or of its first axes, where what is
        beside them belongs together, such as the coefficients of one feature for all classes.
    strength : float, default 1.0
        :math:`\lambda`, at least 0.

    Returns
    -------
    numpy.float64, or ndarray
        The penalty; ``grad`` and ``value_and_grad`` return an array shaped like ``w``.

    Raises
    ------
    numloss.Error
        (a ValueError) If shapes do not fit or the strength lies outside its range.
    numloss.InputTypeError
        (a TypeError) If an argument has a type that cannot be taken.

    Examples
    --------
    >>> import numloss
    >>> float(numloss.group_lasso([3.0, 4.0, 0.0], groups=[0, 0, 1]).round(4))
    7.0711
    >>> numloss.group_lasso.grad([3.0, 4.0, 0.0], groups=[0, 0, 1]).round(4)
    array([0.8485, 1.1314, 0.    ])

    References
    ----------
    M. Yuan and Y. Lin, "Model selection and estimation in regression with grouped variables",
    Journal of the Royal Statistical Society B 68 (2006), eq. 2.1 and section 2.3.
    """

    __name__ = "group_lasso"

    def __repr__(self) -> str:
        """Return what a penalty shows."""
        return "<penalty group_lasso(w, *, groups, strength=1.0)>"

    def __reduce__(self) -> str:
        """Return the name that it has in its module."""
        return self.__name__

    def __call__(self, w: ArrayLike, *, groups: ArrayLike, strength: float = 1.0) -> np.float64:
        """Return the penalty."""
        return self.value_and_grad(w, groups=groups, strength=strength)[0]

    def grad(self, w: ArrayLike, *, groups: ArrayLike, strength: float = 1.0) -> NDArray[Any]:
        """Return the gradient, 0 in groups that are 0."""
        return self.value_and_grad(w, groups=groups, strength=strength)[1]

    def value_and_grad(
        self, w: ArrayLike, *, groups: ArrayLike, strength: float = 1.0
    ) -> tuple[np.float64, NDArray[Any]]:
        """Return penalty and gradient."""
        x, at, norms, roots = _groups_of(w, groups)
        strength = _strength(strength)
        with ieee:
            value = np.float64(strength * (roots * norms).sum())
            # Of a group that is 0 the numbers are divided by 1.
            factors = strength * roots / np.where(norms == 0, 1, norms)
            return value, (factors[at] * x).astype(x.dtype)


group_lasso = GroupLasso()


def _groups_of(w: ArrayLike, groups: ArrayLike) -> tuple[Array, Array, Array, Array]:
    """Return coefficients, where the group of each is, norms and roots of the sizes of groups."""
    x = _floats(w)
    g = _convert.array("groups", groups)
    if g.dtype.kind not in "iu":
        raise InputTypeError(
            f"groups must be integers, got dtype {g.dtype}: use groups.astype(int)", "groups"
        )
    if g.ndim == 0 or g.shape != x.shape[: g.ndim]:
        raise Error(
            f"groups must have the shape of w or of its first axes, got {g.shape} for {x.shape}",
            "groups",
        )
    names, codes = np.unique(g, return_inverse=True)
    beside = (1,) * (x.ndim - g.ndim)
    at = np.broadcast_to(codes.reshape(*g.shape, *beside), x.shape)
    sizes = np.bincount(at.reshape(-1), minlength=names.size)
    with ieee:
        # In units of the largest of a group no square is too large or too small.
        largest = np.zeros(names.size)
        absolute = np.abs(x.astype(np.float64)).reshape(-1)
        np.maximum.at(largest, at.reshape(-1), absolute)
        units = np.where((largest == 0) | np.isinf(largest), 1, largest)
        parts = (absolute / units[at.reshape(-1)]) ** 2
        norms = units * np.sqrt(np.bincount(at.reshape(-1), parts, names.size))
    return x, at, norms, np.sqrt(sizes)


def _floats(w: ArrayLike) -> Array:
    x = _convert.array("w", w)
    return x if _convert.is_real(x.dtype) else x.astype(np.float64)


def _strength(value: float) -> float:
    strength = _convert.number("strength", value)
    if 0 <= strength < np.inf:
        return strength
    raise Error(f"strength must be a finite number of at least 0, got {shown(value)}", "strength")


def prox(penalty: Any, w: ArrayLike, step: float = 1.0, **options: Any) -> NDArray[Any]:
    r"""Return the proximal operator of a penalty: the point that trades it against a distance.

    .. math:: \mathrm{prox}(w) = \arg\min_z \; \tau \, P(z) + \tfrac{1}{2} \lVert z - w \rVert^2

    with :math:`\tau` the ``step``. Proximal gradient descent takes a step along the gradient of the
    loss, then this one, and so minimizes penalties that have no derivative at 0. With
    :math:`s(x, t) = \mathrm{sign}(x) \max(|x| - t, 0)`

    - ``l1_penalty``: :math:`s(w, \tau \lambda)`, soft thresholding;
    - ``l2_penalty``: :math:`w / (1 + \tau \lambda)`;
    - ``elastic_net``: :math:`s(w, \tau \lambda \rho) / (1 + \tau \lambda (1 - \rho))`;
    - ``group_lasso``: :math:`w_g \max(1 - \tau \lambda \sqrt{d_g} / \lVert w_g \rVert, 0)`.

    Parameters
    ----------
    penalty : penalty
        ``numloss.l1_penalty``, ``l2_penalty``, ``elastic_net`` or ``group_lasso``.
    w : array-like
        Coefficients, of any shape.
    step : float, default 1.0
        :math:`\tau`, positive: the length of the step along the gradient.
    **options : Any
        Options of the penalty, such as ``strength=0.1``.

    Returns
    -------
    ndarray
        Of the shape and float type of ``w``.

    Raises
    ------
    numloss.Error
        (a ValueError) If the penalty is none of these, or a number lies outside its range.
    numloss.InputTypeError
        (a TypeError) If an argument has a type that cannot be taken.

    Examples
    --------
    >>> import numloss
    >>> numloss.prox(numloss.l1_penalty, [3.0, -0.5, -2.0], step=0.5, strength=2.0)
    array([ 2., -0., -1.])
    >>> numloss.prox(numloss.group_lasso, [3.0, 4.0, 0.5], groups=[0, 0, 1]).round(4)
    array([2.1515, 2.8686, 0.    ])

    References
    ----------
    N. Parikh and S. Boyd, "Proximal algorithms", Foundations and Trends in Optimization 1 (2014),
    sections 6.1.3, 6.5.2 to 6.5.4.
    """
    step = _convert.positive("step", step)
    if penalty is group_lasso:
        return _shrink_groups(w, step, **options)
    if penalty not in (l1_penalty, l2_penalty, elastic_net):
        raise Error(
            "penalty must be numloss.l1_penalty, l2_penalty, elastic_net or group_lasso, got "
            f"{shown(penalty)}",
            "penalty",
        )
    x = _floats(w)
    penalty(x, **options)  # which refuses options that it does not take
    strength = float(options.get("strength", 1.0))
    ratio = {l1_penalty: 1.0, l2_penalty: 0.0}.get(penalty, options.get("l1_ratio", 0.5))
    with ieee:
        threshold = step * strength * float(ratio)
        shrunk = np.copysign(np.maximum(np.abs(x) - x.dtype.type(threshold), 0), x)
        factor = 1 + step * strength * (1 - float(ratio))
        found: Array = (shrunk / x.dtype.type(factor)).astype(x.dtype)
    return found


def _shrink_groups(
    w: ArrayLike, step: float, *, groups: ArrayLike, strength: float = 1.0
) -> NDArray[Any]:
    x, at, norms, roots = _groups_of(w, groups)
    with ieee:
        thresholds = step * _strength(strength) * roots
        # Of a group that is 0 the numbers are divided by 1.
        factors = np.maximum(1 - thresholds / np.where(norms == 0, 1, norms), 0)
        return (factors[at] * x).astype(x.dtype)
