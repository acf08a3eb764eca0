"""Linear models with any loss, as functions that optimizers minimize."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from numloss import _constant, _convert, _hessian, _links
from numloss._loss import OF_LISTS
from numloss._raise import Error, InputTypeError, shown
from numloss.evaluation.specs import loss_of

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from numloss import Loss

    Array = NDArray[Any]
    Float64s = NDArray[np.float64]


class Objective:
    r"""Loss of a linear model as a function of its coefficients, with its gradient.

    .. math:: f(w, b) = L(X w + b, t) + P(w)

    with any loss of the library and a penalty, of which the intercept has no part. It is what
    ``scipy.optimize.minimize(objective, objective.start(), jac=True)`` takes.

    Parameters
    ----------
    loss : Loss or str
        The loss, such as ``numloss.huber`` or ``"huber"``.
    X : array-like or sparse matrix of shape (n, features)
        Features: an array, a sparse matrix of SciPy's, or one of its linear operators.
    target : array-like
        Targets of the rows, as the loss takes them.
    weight : array-like, optional
        Weights of the rows.
    intercept : bool, default True
        Whether there is an intercept.
    penalty : penalty, or pair of one and its options, optional
        Such as ``(numloss.l2_penalty, {"strength": 0.1})``. It is added to the reduced loss, and
        has the coefficients in the shape (features,) or (features, scores).
    classes : int, optional
        The number of classes, for losses over classes; default: the largest label plus 1, or as
        many as options with a number for each class have.
    reduction : {"mean", "sum"}, default "mean"
        How the losses of the rows are reduced.
    denominator : {"weight", "count"} or float, default "weight"
        What a mean divides by.
    **options : Any
        Options of the loss, such as ``delta=2.0``; not ``axis`` and ``from_logits``.

    Attributes
    ----------
    size : int
        The number of coefficients and intercepts.

    Raises
    ------
    numloss.Error
        (a ValueError) If shapes do not fit, or the loss or the penalty refuses the call.
    numloss.InputTypeError
        (a TypeError) If an argument has a type that cannot be taken.

    Notes
    -----
    A model over classes, or of the two heads of `gaussian_nll`, has a column of coefficients for
    each score. The vector that optimizers move holds the coefficients, (features, scores) in C
    order, then the intercepts; `split` takes it apart. Of two heads the second score is the
    logarithm of the variance. The matrix products are NumPy's or SciPy's, whose last bits depend on
    the machine.

    Examples
    --------
    >>> import numpy as np
    >>> from scipy.optimize import minimize
    >>> import numloss
    >>> X, target = np.arange(5.0)[:, None], [1.0, 3.0, 99.0, 7.0, 9.0]
    >>> objective = numloss.Objective("huber", X, target, delta=0.5)
    >>> found = minimize(objective, objective.start(), jac=True, method="L-BFGS-B", tol=1e-12)
    >>> coefficients, intercept = objective.split(found.x)
    >>> coefficients.round(3), round(float(intercept), 3)
    (array([2.]), 1.125)
    >>> objective.predict(found.x, [[10.0]]).round(3)
    array([21.125])
    """

    def __init__(
        self,
        loss: Loss[...] | str,
        X: Any,
        target: ArrayLike,
        *,
        weight: ArrayLike | None = None,
        intercept: bool = True,
        penalty: Any = None,
        classes: int | None = None,
        reduction: str = "mean",
        denominator: Any = "weight",
        **options: Any,
    ) -> None:
        made, options = loss_of(loss, options, "a linear model")
        _convert.choice("reduction", reduction, ("mean", "sum"))
        self.loss = made
        self.X = _matrix("X", X)
        self.target = _convert.array("target", target)
        if self.target.shape[:1] != self.X.shape[:1]:
            raise Error(
                f"target must have a row for each of X's {self.X.shape[0]}, got shape "
                f"{self.target.shape}",
                "target",
            )
        self.intercept = _convert.switch("intercept", intercept)
        self._penalty, self._penalty_options = _pair(penalty)
        self._of_scores = _links.of_scores(made)
        self._options = options
        self._call = {"weight": weight, "reduction": reduction, **options}
        if reduction == "mean":
            self._call["denominator"] = denominator
        self._columns = self._count_columns(classes)
        self.size = (self.X.shape[1] + self.intercept) * (self._columns or 1)

    def _count_columns(self, classes: int | None) -> int | None:
        """Return the number of scores of a row, None where it is a number."""
        if _links.is_pair(self.loss):
            return len(self.loss.link)
        if not self.loss.rowwise or self.loss.domain in OF_LISTS:
            return None
        return _constant.class_count(self.loss, self.target, self._options, classes, "target")

    def __call__(self, w: ArrayLike) -> tuple[float, Float64s]:
        """Return value and gradient."""
        coefficients, _ = self.split(w)
        value, by_score = self._of_scores.value_and_grad(self._scores(w), self.target, **self._call)
        gradient = self._by_coefficients(by_score)
        if self._penalty is not None:
            added, by_coefficient = self._penalty.value_and_grad(
                coefficients, **self._penalty_options
            )
            value = value + added
            gradient[: by_coefficient.size] += by_coefficient.reshape(-1)
        return float(value), gradient

    def value(self, w: ArrayLike) -> float:
        """Return the value."""
        value = self._of_scores(self._scores(w), self.target, **self._call)
        if self._penalty is not None:
            value = value + self._penalty(self.split(w)[0], **self._penalty_options)
        return float(value)

    def grad(self, w: ArrayLike) -> Float64s:
        """Return the gradient."""
        return self(w)[1]

    def hessp(self, w: ArrayLike, v: ArrayLike) -> Float64s:
        """Return the product of the Hessian at `w` with a vector, exact.

        For ``method="Newton-CG"``, ``"trust-ncg"`` and others of ``scipy.optimize.minimize``. A
        loss over classes must have the Hessian of a softmax, and a penalty a diagonal one.
        """
        _hessian.check_product(self.loss)
        coefficients, _ = self.split(w)
        along = self._scores(v, "v")
        product = self._by_coefficients(
            _hessian.hessian_vector(self.loss, self._scores(w), self.target, along, **self._call)
        )
        if self._penalty is not None:
            if not hasattr(self._penalty, "grad_and_hess"):
                raise Error(
                    f"penalty must have a diagonal Hessian, got {self._penalty.__name__}: use a "
                    "method that needs the gradient alone",
                    "penalty",
                )
            second = self._penalty.grad_and_hess(coefficients, **self._penalty_options)[1]
            product[: second.size] += (second * self.split(v, "v")[0]).reshape(-1)
        return product

    def start(self) -> Float64s:
        """Return where to begin: coefficients 0, the intercept the best constant score."""
        w = np.zeros(self.size)
        if self.intercept and self.loss.domain not in OF_LISTS:
            weight = self._call["weight"]
            begin = _constant.fitted(
                self.loss,
                self.target,
                None if weight is None else _convert.array("weight", weight),
                self._options,
                classes=self._columns,
            )
            w[self.size - (self._columns or 1) :] = begin
        return w

    def split(self, w: ArrayLike, name: str = "w") -> tuple[Float64s, Any]:
        """Return coefficients, (features,) or (features, scores), and intercept or intercepts."""
        x = _convert.array(name, w).astype(np.float64, copy=False)
        if x.shape != (self.size,):
            raise Error(f"{name} must have shape ({self.size},), got {x.shape}", name)
        features = self.X.shape[1]
        if self._columns is None:
            return x[:features], x[features] if self.intercept else 0.0
        columns = self._columns
        intercepts = x[features * columns :] if self.intercept else np.zeros(columns)
        return x[: features * columns].reshape(features, columns), intercepts

    def predict(self, w: ArrayLike, X: Any) -> NDArray[Any]:
        """Return what the model predicts of features: means, rates, probabilities, scores."""
        coefficients, intercept = self.split(w)
        return self.loss.inverse_link(_matrix("X", X) @ coefficients + intercept)

    def _scores(self, w: ArrayLike, name: str = "w") -> Float64s:
        coefficients, intercept = self.split(w, name)
        scores: Float64s = self.X @ coefficients + intercept
        return scores

    def _by_coefficients(self, by_score: Array) -> Float64s:
        """Return derivatives by coefficients and intercepts, of those by scores."""
        parts = [np.ravel(self.X.T @ by_score)]
        if self.intercept:
            parts.append(np.atleast_1d(by_score.sum(axis=0)))
        return np.concatenate(parts).astype(np.float64, copy=False)


def _matrix(name: str, X: Any) -> Any:
    """Return features as they are where they are sparse, or an operator, else as an array."""
    known = hasattr(X, "tocsr") or hasattr(X, "matvec")
    made = X if known else _convert.array(name, X)
    if len(made.shape) != 2:
        raise Error(f"{name} must have rows and features, got shape {made.shape}", name)
    return made if known or made.dtype.kind == "f" else made.astype(np.float64)


def _pair(penalty: Any) -> tuple[Any, Mapping[str, Any]]:
    made, options = penalty if isinstance(penalty, tuple) else (penalty, {})
    if made is not None and not hasattr(made, "value_and_grad"):
        raise InputTypeError(
            f"penalty must be a penalty such as numloss.l2_penalty, or a pair of it and its "
            f"options, got {shown(penalty)}",
            "penalty",
        )
    return made, options
