"""Links: from scores, any real numbers, to what they predict, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from numloss import _convert
from numloss._core import apply
from numloss._raise import Error

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from numloss._core import Loss

    Array = NDArray[Any]

#: What a link's inverse is called.
INVERSES = {"identity": "identity", "log": "exp", "sigmoid": "sigmoid", "softmax": "softmax"}


def inverse_link(loss: Loss[...], score: ArrayLike, *, axis: int = -1) -> Array:
    """Return what scores predict: by the exponential function, sigmoid or softmax, or as they are.

    ``loss.link`` says which. The functions are those of the kernels, with the same bits everywhere.

    Parameters
    ----------
    score : array-like
        Scores, any real numbers. Of a loss with two heads, such as `gaussian_nll`, the last axis
        holds a score for each: the mean, and the logarithm of the variance.
    axis : int, default -1
        The axis of the classes, for a softmax.

    Returns
    -------
    ndarray
        Of the same shape and float type; integers become float64.

    Raises
    ------
    numloss.Error
        (a ValueError) If the shape has no such axis, or no score for each head.
    numloss.InputTypeError
        (a TypeError) If the scores are no real numbers.

    Examples
    --------
    >>> import numloss
    >>> numloss.binary_cross_entropy.inverse_link([0.0, 100.0])
    array([0.5, 1. ])
    >>> numloss.cross_entropy.inverse_link([[0.0, 0.0], [800.0, 0.0]])
    array([[0.5, 0.5],
           [1. , 0. ]])
    """
    return _by_head(loss, "score", score, axis, _INVERSE)


def link_function(loss: Loss[...], prediction: ArrayLike, *, axis: int = -1) -> Array:
    """Return the scores that predict so: the inverse of ``loss.inverse_link``.

    It is the logarithm of a rate, of a variance or of the probability of a class, the logit of a
    probability, or the number itself. 0 and 1 have infinite logits.

    Parameters
    ----------
    prediction : array-like
        Means, rates or probabilities, as ``loss.link`` says. Of a loss with two heads the last axis
        holds a number for each.
    axis : int, default -1
        The axis of the classes, for a softmax.

    Returns
    -------
    ndarray
        Of the same shape and float type; integers become float64. Scores of classes are
        logarithms of probabilities, which are scores up to a constant in each row.

    Raises
    ------
    numloss.Error
        (a ValueError) If a number lies outside [0, 1], or below 0 where it is a rate.
    numloss.InputTypeError
        (a TypeError) If the predictions are no real numbers.

    Examples
    --------
    >>> import numloss
    >>> numloss.binary_cross_entropy.link_function([0.5, 1.0])
    array([ 0., inf])
    >>> numloss.cross_entropy.link_function([[0.25, 0.75]]).round(4)
    array([[-1.3863, -0.2877]])
    """
    return _by_head(loss, "prediction", prediction, axis, _LINK)


def _by_head(loss: Loss[...], name: str, given: ArrayLike, axis: int, functions: Any) -> Array:
    """Apply the function of the link, of each column that of its head's."""
    x = _convert.array(name, given)
    is_half = x.dtype.itemsize == 2 and _convert.is_real(x.dtype)
    wide = x.astype(x.dtype if x.dtype in (np.float32, np.float64) else "f4" if is_half else "f8")
    found: Array
    if isinstance(loss.link, str):
        found = functions[loss.link](name, wide, axis)
    else:
        heads = len(loss.link)
        if wide.shape[-1:] != (heads,):
            raise Error(
                f"{name} must hold {heads} numbers in the last axis for {loss.__name__}, got shape "
                f"{wide.shape}",
                name,
            )
        columns = [functions[link](name, wide[..., i], axis) for i, link in enumerate(loss.link)]
        found = np.stack(columns, axis=-1)
    return found.astype(x.dtype) if is_half else found


def elementwise(function: str, x: Array) -> Array:
    """Apply a function of the kernels to an array of float32 or float64."""
    found: Array = apply(function, np.ascontiguousarray(x).reshape(-1)).reshape(x.shape)
    return found


def _softmax(name: str, x: Array, axis: int) -> Array:
    if not -x.ndim <= axis < x.ndim or x.shape[axis] == 0:
        raise Error(f"{name} must have classes on axis {axis}, got shape {x.shape}", name)
    from numloss._losses.multiclass import cross_entropy  # which is made by _loss.py

    rows = np.moveaxis(x, axis, -1)
    with np.errstate(invalid="ignore"):  # of rows without a finite score
        # Below their highest: differences of large scores have lost no digits yet.
        rows = rows - rows.max(axis=-1, keepdims=True)
    labels = np.zeros(rows.shape[:-1], np.int64)
    total = np.asarray(cross_entropy(rows, labels, reduction="none", return_logsumexp=True)[1])
    p = elementwise("exp_nonpositive", rows) * elementwise("exp_nonpositive", -total)[..., None]
    return np.moveaxis(p, -1, axis)


def _within(name: str, x: Array, highest: float) -> Array:
    """Return numbers from 0 to a highest one, or raise; NaN is left as it is."""
    bad = (x < 0) | (x > highest)
    if bad.any():
        where, found = _convert.first_of(bad, x)
        needed = "lie in [0, 1]" if highest == 1 else "be at least 0"
        raise Error(f"{name} must {needed}, got {found}{where}", name)
    return x


def _log(name: str, x: Array, highest: float = np.inf) -> Array:
    return elementwise("log", _within(name, x, highest))


def _logit(name: str, p: Array, axis: int) -> Array:
    return _log(name, p, 1) - elementwise("log1p", -p)


_INVERSE = {
    "identity": lambda name, x, axis: x,
    "log": lambda name, x, axis: elementwise("exp", x),
    "sigmoid": lambda name, x, axis: elementwise("sigmoid", x),
    "softmax": _softmax,
}
_LINK = {
    "identity": lambda name, x, axis: x,
    "log": lambda name, x, axis: _log(name, x),
    "sigmoid": _logit,
    "softmax": lambda name, x, axis: _log(name, x, 1),
}


# ---------------------------------------------------------------------------- losses of score pairs


def is_pair(loss: Any) -> bool:
    """Whether two numbers are predicted: parameters of a distribution, bounds of an interval."""
    return not isinstance(loss.link, str)


def compares(loss: Any) -> bool:
    """Whether rows or scores are compared, and no numbers or classes are predicted."""
    return getattr(loss, "family", None) == "similarity"


def of_scores(loss: Any) -> Any:
    """Return a loss as one of scores alone: itself, or of several heads one of their columns."""
    return _OfColumns(loss) if is_pair(loss) else loss


class _OfColumns:
    """A loss of two heads as one of two columns of scores, each of which its link makes a head of.

    Of a head v = exp(s), derivatives by s are v dl/dv and v² d²l/dv² + v dl/dv.
    """

    def __init__(self, loss: Any) -> None:
        self.loss = loss

    def _heads(self, score: Array) -> list[Array]:
        return [_INVERSE[link]("score", score[..., k], -1) for k, link in enumerate(self.loss.link)]

    def __call__(self, score: Array, target: Any, **call: Any) -> Any:
        first, second = self._heads(score)
        return self.loss(first, target, second, **call)

    def _examples(self, score: Array, target: Any, **call: Any) -> Any:
        first, second = self._heads(score)
        return self.loss._examples(first, target, second, **call)

    def grad(self, score: Array, target: Any, out: Array | None = None, **call: Any) -> Array:
        places = None if out is None else (out, np.empty_like(out))
        return self.grad_and_hess(score, target, places, **call)[0]

    def value_and_grad(self, score: Array, target: Any, **call: Any) -> tuple[Any, Array]:
        heads = self._heads(score)
        value, by_head = self.loss.value_and_grad(heads[0], target, heads[1], **call)
        columns = [
            v * g if link == "log" else g
            for link, v, g in zip(self.loss.link, heads, by_head, strict=True)
        ]
        return value, np.stack(columns, axis=-1)

    def grad_and_hess(
        self, score: Array, target: Any, out: tuple[Array, Array] | None = None, **call: Any
    ) -> tuple[Array, Array]:
        heads = self._heads(score)
        first, second = self.loss.grad_and_hess(heads[0], target, heads[1], **call)
        gradient, hessian = out or (np.empty(score.shape), np.empty(score.shape))
        for k, link in enumerate(self.loss.link):
            gradient[..., k], hessian[..., k] = first[k], second[k]
            if link == "log":
                gradient[..., k] = by_logarithm = heads[k] * first[k]
                hessian[..., k] = heads[k] ** 2 * second[k] + by_logarithm
        return gradient, hessian
