"""Hessians beyond the diagonal: of a softmax in full, and their products with vectors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from numloss import Loss, _convert, _links
from numloss._curvature import softmax_losses
from numloss._raise import Error, shown
from numloss.evaluation.specs import loss_of

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from numloss._loss import Reduction

    Array = NDArray[Any]


# What a call says beside options of its loss.
_CALL = ("weight", "reduction", "denominator")


def softmax_hessian(
    loss: Loss[...] | str,
    prediction: ArrayLike,
    target: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: Any = "weight",
    axis: int = -1,
    **options: Any,
) -> NDArray[Any]:
    r"""Return the full Hessian of each row of a cross-entropy: a matrix of classes by classes.

    .. math:: H = w \left( \mathrm{diag}(p) - p p^\top \right), \qquad p = \mathrm{softmax}(x)

    with :math:`w` the factor of the row: its weight, that of its class, and what the reduction
    divides by. It is that of all losses that are linear in the logarithms of the probabilities
    (``loss.softmax_hessian``), whatever their targets: `cross_entropy`, `kl_divergence`,
    `ordinal_cross_entropy`. Others are refused, as their Hessians have another form.

    Parameters
    ----------
    loss : Loss or str
        Such a loss, or its name.
    prediction : array-like
        Scores, as the loss takes them.
    target : array-like
        Targets, as the loss takes them.
    weight : array-like, optional
        As the loss takes it.
    reduction : {"mean", "sum", "none"}, default "mean"
        The Hessian is that of the reduced value; with ``"none"`` of each row's, unscaled.
    denominator : {"weight", "count"} or float, default "weight"
        What a mean divides by.
    axis : int, default -1
        The axis of the classes of the prediction.
    **options : Any
        Options of the loss, such as ``class_weight`` or ``label_smoothing``.

    Returns
    -------
    ndarray
        Of shape (..., C, C), a matrix for each row, in the float type of the prediction. Between
        different rows the Hessian of the reduced value is 0.

    Raises
    ------
    numloss.Error
        (a ValueError) If the loss is none of them, or refuses the call.
    numloss.InputTypeError
        (a TypeError) If an argument has a type that cannot be taken.

    Examples
    --------
    >>> import numloss
    >>> numloss.softmax_hessian("cross_entropy", [[0.0, 0.0]], [1])
    array([[[ 0.25, -0.25],
            [-0.25,  0.25]]])

    References
    ----------
    D. Böhning, "Multinomial logistic regression algorithm", Annals of the Institute of Statistical
    Mathematics 44 (1992), eq. 2.4.
    """
    call = {"weight": weight, "reduction": reduction, "denominator": denominator}
    made, options = loss_of(loss, options, "a Hessian", ("axis",))
    if not made.softmax_hessian:
        raise Error(
            f"loss must have the Hessian of a softmax: {softmax_losses()} have it, got "
            f"{made.__name__}",
            "loss",
        )
    p, factor = _softmax_and_factor(made, prediction, target, axis, {**call, **options})
    full = -p[..., :, None] * p[..., None, :]
    diagonal = np.arange(p.shape[-1])
    full[..., diagonal, diagonal] = p * _others(p)
    full *= factor[..., None, None]
    return full


def hessian_vector(
    loss: Loss[...] | str,
    prediction: ArrayLike,
    target: ArrayLike,
    v: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: Any = "weight",
    axis: int = -1,
    **options: Any,
) -> NDArray[Any]:
    r"""Return the product of the Hessian by the prediction with a vector, exact.

    Of a loss of single numbers the Hessian is its diagonal, and the product :math:`h v`. Of a
    cross-entropy over classes it is :math:`w (p \odot v - p \, (p \cdot v))` in each row, without
    the matrix of `softmax_hessian`. Other losses over classes and those of two heads are refused:
    the library has their diagonal alone.

    Parameters
    ----------
    loss : Loss or str
        The loss, or its name.
    prediction : array-like
        Scores, as the loss takes them.
    target : array-like
        Targets, as the loss takes them.
    v : array-like
        The vector, of the shape of the prediction.
    weight : array-like, optional
        As the loss takes it.
    reduction : {"mean", "sum", "none"}, default "mean"
        The Hessian is that of the reduced value; with ``"none"`` of each example's, unscaled.
    denominator : {"weight", "count"} or float, default "weight"
        What a mean divides by.
    axis : int, default -1
        The axis of the classes, if there are classes.
    **options : Any
        Options of the loss.

    Returns
    -------
    ndarray
        Of the shape and float type of the prediction.

    Raises
    ------
    numloss.Error
        (a ValueError) If shapes differ, the loss has no such product, or refuses the call.
    numloss.InputTypeError
        (a TypeError) If an argument has a type that cannot be taken.

    Examples
    --------
    >>> import numloss
    >>> numloss.hessian_vector("cross_entropy", [[0.0, 0.0]], [1], [[1.0, 3.0]])
    array([[-0.5,  0.5]])
    >>> numloss.hessian_vector("mse", [1.0, 2.0], [0.0, 0.0], [1.0, -1.0])
    array([ 1., -1.])

    References
    ----------
    B. A. Pearlmutter, "Fast exact multiplication by the Hessian", Neural Computation 6 (1994).
    """
    call = {"weight": weight, "reduction": reduction, "denominator": denominator}
    made, options = loss_of(loss, options, "a Hessian", ("axis",))
    check_product(made)
    given = np.shape(_convert.array("prediction", prediction))
    vector = _convert.array("v", v)
    if vector.shape != given:
        raise Error(f"v must have the prediction's shape {given}, got {vector.shape}", "v")
    if not made.rowwise:
        hessian = made.grad_and_hess(prediction, target, **call, **options)[1]
        return hessian * vector.astype(hessian.dtype)  # type: ignore[no-any-return]
    p, factor = _softmax_and_factor(made, prediction, target, axis, {**call, **options})
    moved = np.moveaxis(vector, axis, -1).astype(p.dtype)
    # p (v - p·v) rather than p v - p (p·v), which cancels where one class has nearly all of p.
    product = factor[..., None] * p * (moved - (p * moved).sum(axis=-1, keepdims=True))
    return np.moveaxis(product, -1, axis)


def check_product(loss: Loss[...]) -> None:
    """Refuse a loss whose Hessian is more than what is known of it."""
    if _links.is_pair(loss) or (loss.rowwise and not loss.softmax_hessian):
        raise Error(
            f"loss must be one of single numbers, or {softmax_losses()}: of {loss.__name__} the "
            "diagonal of the Hessian alone is known",
            "loss",
        )


def _softmax_and_factor(
    loss: Loss[...], prediction: ArrayLike, target: ArrayLike, axis: int, call: dict[str, Any]
) -> tuple[Array, Array]:
    """Return probabilities, classes last, and what multiplies the Hessian of each row.

    Where all scores are equal the diagonal is that factor times (C - 1)/C²: the loss itself says
    what weights, class weights, smoothing, ignored rows and the reduction make of a row.
    """
    x = _convert.array("prediction", prediction)
    given = np.zeros(x.shape)
    diagonal = loss.grad_and_hess(given, target, axis=axis, **call)[1]
    p = np.moveaxis(loss.inverse_link(x, axis=axis), axis, -1)
    classes = p.shape[-1]
    _check_options(loss, classes, {key: x for key, x in call.items() if key not in _CALL})
    # Of a single class the Hessian is 0.
    factor = np.moveaxis(diagonal, axis, -1)[..., 0] * (classes**2 / max(classes - 1, 1))
    p = p if _convert.is_real(x.dtype) else p.astype(np.float64)
    # A row that does not count has no Hessian, whatever its scores.
    return np.where((factor == 0)[..., None], 0, p), factor.astype(p.dtype)


def _check_options(loss: Loss[...], classes: int, options: dict[str, Any]) -> None:
    """Refuse options with which the probabilities are others than the softmax of the scores."""
    scores = np.linspace(0, 2, classes)[None]
    target = np.zeros(1, int) if "labels" in loss.domain else np.eye(classes)[:1]
    call = {"reduction": "sum", **options}
    equal, found = (loss.grad_and_hess(x, target, **call)[1] for x in (0 * scores, scores))
    p = loss.inverse_link(scores)
    if not np.allclose(found * (1 - 1 / classes) / classes, equal * p * (1 - p), rtol=1e-9):
        given = ", ".join(f"{name}={shown(value)}" for name, value in options.items())
        raise Error(
            f"loss must have the Hessian of the scores' softmax, which {loss.__name__} has not "
            f"with {given}",
            "loss",
        )


def _others(p: Array) -> Array:
    """Return 1 - p, the digits kept where p is close to 1: what the other classes sum up to."""
    likeliest = p.argmax(axis=-1)[..., None]
    rest = 1 - p
    others = np.where(np.arange(p.shape[-1]) == likeliest, 0, p).sum(axis=-1, keepdims=True)
    np.put_along_axis(rest, likeliest, others.astype(p.dtype), axis=-1)
    return rest
