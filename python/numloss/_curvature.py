"""Curvatures in place of a Hessian that is 0, negative or not a bound: rules that have a name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

import numloss
from numloss import Loss, _convert, _links
from numloss._raise import Error
from numloss.evaluation.specs import loss_of

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Array = NDArray[Any]

Rule = Literal["exact", "absolute", "upper_bound", "friedman", "gradient", "constant"]
RULES = ("exact", "absolute", "upper_bound", "friedman", "gradient", "constant")

#: What rules are, for the documentation of all that take one.
DESCRIBED = """\
- ``"exact"``: that of the loss, at least ``floor``;
- ``"absolute"``: its absolute value, at least ``floor``, for losses that are not convex;
- ``"upper_bound"``: a bound, with which no step overshoots. Of a loss of one score it is a
  constant, the largest second derivative there is; of a cross-entropy over classes twice the
  exact one, 2p(1 - p), which bounds the whole Hessian of a row;
- ``"friedman"``: over C classes C/(C - 1) times the exact one;
- ``"gradient"``: the absolute value of the gradient, at least ``floor``;
- ``"constant"``: ``constant``, for losses whose second derivative is 0.
"""


def curvature(
    loss: Loss[...] | str,
    rule: Rule,
    prediction: ArrayLike,
    target: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    floor: float = 1e-16,
    constant: float = 1.0,
    **options: Any,
) -> NDArray[Any]:
    """Return a second derivative that Newton's steps can divide by, by a rule that has a name.

    The Hessian of the absolute error is 0, that of Huber's loss is 0 far from the target, that of a
    focal loss is negative where an example is badly missed, and that of a softmax alone bounds no
    step in several classes at once. The rules, of an example of weight 1, are:

    {rules}
    Boosters' adapters take the same ones (``numloss.xgboost.Adapter(..., curvature=rule)``).

    Parameters
    ----------
    loss : Loss or str
        The loss, such as ``numloss.huber`` or ``"huber"``.
    rule : str
        The rule.
    prediction : array-like
        Scores, with classes in the last axis. Of a loss of two heads the last axis holds a score
        for each: the mean, and the logarithm of the variance.
    target : array-like
        Targets, as the loss takes them.
    weight : array-like, optional
        Weight of each example, as the loss takes it.
    floor : float, default 1e-16
        Positive.
    constant : float, default 1.0
        Positive.
    **options : Any
        Options of the loss, such as ``delta=2.0``; not ``axis`` and ``from_logits``.

    Returns
    -------
    ndarray
        Of the shape of the prediction and the type of its gradient, times the weights of the
        examples (class weights are part of them; ignored rows have 0 of the constant). Nothing is
        divided by their sum: it goes with a gradient of ``reduction="sum"``.

    Raises
    ------
    numloss.Error
        (a ValueError) If the loss has nothing for the rule, a number lies outside its range, or the
        loss refuses the call.
    numloss.InputTypeError
        (a TypeError) If an argument has a type that cannot be taken.

    Examples
    --------
    >>> import numloss
    >>> numloss.curvature("huber", "upper_bound", [0.0, 9.0], [0.5, 0.0])
    array([1., 1.])
    >>> numloss.curvature("cross_entropy", "friedman", [[0.0, 0.0]], [1])
    array([[0.5, 0.5]])
    >>> numloss.curvature("mae", "constant", [1.0, 2.0], [0.0, 0.0], constant=0.1)
    array([0.1, 0.1])

    References
    ----------
    J. H. Friedman, "Greedy function approximation: a gradient boosting machine", Annals of
    Statistics 29 (2001), eq. 33, for C/(C - 1); D. Böhning, "Multinomial logistic regression
    algorithm", Annals of the Institute of Statistical Mathematics 44 (1992), for bounds of the
    Hessian of a softmax.
    """
    made, options = loss_of(loss, options, "a curvature")
    scores = _convert.array("prediction", prediction)
    scores = scores if _convert.is_real(scores.dtype) else scores.astype(np.float64)
    weights = None if weight is None else _convert.array("weight", weight)
    made_by = Curvature(made, options, rule, floor=floor, constant=constant)
    return made_by.derivatives(scores, target, weights)[1]


curvature.__doc__ = (curvature.__doc__ or "").replace(
    "    {rules}\n", "".join(f"    {line}\n" for line in DESCRIBED.splitlines()) + "\n"
)


class Curvature:
    """A rule of curvature for a loss with its options.

    Attributes
    ----------
    of_scores : Loss, or what stands for one
        The loss as a function of one array of scores.
    is_wide : bool
        Whether an example has several scores: of classes, or of a distribution's parameters.
    """

    def __init__(
        self,
        loss: Loss[...],
        options: Mapping[str, Any],
        rule: Rule,
        *,
        floor: float = 1e-16,
        constant: float = 1.0,
    ) -> None:
        self.loss, self.options = loss, options
        self.of_scores: Any = _links.of_scores(loss)
        self.is_wide = loss.rowwise or _links.is_pair(loss)
        self.rule = RULES[_convert.choice("curvature", rule, RULES)]
        self.floor = _convert.positive("floor", floor)
        self.constant = _convert.positive("constant", constant)
        # Found once: CatBoost asks for a single row at a time.
        self._is_constant = self.rule == "constant" or (
            self.rule == "upper_bound" and not self.is_wide
        )
        self._call = {"reduction": "sum", **options}
        self._check()
        if self._is_constant and self.rule != "constant":
            self.constant = self._largest()

    def derivatives(
        self, score: Array, target: Any, weight: Any, out: tuple[Array, Array] | None = None
    ) -> tuple[Array, Array]:
        """Return gradient and curvature of every example, weights included."""
        call = self._call
        if self._is_constant:
            gradient = self.of_scores.grad(score, target, out=out and out[0], weight=weight, **call)
            curvature = np.empty_like(gradient) if out is None else out[1]
            curvature[...] = self.constant * self._weights(score, target, weight)
            return gradient, curvature
        gradient, curvature = self.of_scores.grad_and_hess(
            score, target, out=out, weight=weight, **call
        )
        if self.rule == "gradient":
            np.abs(gradient, out=curvature)
        elif self.rule == "absolute":
            np.abs(curvature, out=curvature)
        elif self.rule == "upper_bound":
            curvature *= 2
        elif self.rule == "friedman":
            classes = score.shape[-1]
            curvature *= classes / (classes - 1)
        np.maximum(curvature, self.floor * self._beside(weight, score), out=curvature)
        return gradient, curvature

    def _weights(self, score: Array, target: Array, weight: Any) -> Any:
        """Return the weights of the examples as they count: class weights in, ignored rows 0."""
        if not self.loss.rowwise:
            return self._beside(weight, score)
        _, weights = self.loss._examples(score, target, weight=weight, **self.options)
        return weights[..., None]

    def _beside(self, weight: Any, score: Array) -> Any:
        """Return weights of examples in a shape that multiplies their scores."""
        if weight is None:
            return 1.0
        return weight[..., None] if self.is_wide and isinstance(weight, np.ndarray) else weight

    # ------------------------------------------------------------------ what a loss has nothing for

    def _hessian(self, score: Array, target: Array) -> Array:
        call = {"reduction": "none", **self.options}
        hessian: Array = self.of_scores.grad_and_hess(score, target, **call)[1]
        return hessian

    def _largest(self) -> float:
        """Return the largest second derivative, found to 0.1 % on a grid of scores."""
        scores = self._grid()
        hessians = np.max([self._hessian(scores, t) for t in self._some_targets(scores)], axis=0)
        inner = hessians[np.abs(scores) < 20].max()
        if hessians.max() > inner or self._above > -np.inf:
            raise Error(
                f"curvature of {self.loss.__name__} has no upper bound: use curvature='exact'",
                "curvature",
            )
        # A peak may lie between the points of the grid, a plateau does not.
        return float(inner) * (1.0 if np.count_nonzero(hessians == inner) > 2 else 1.001)

    @property
    def _above(self) -> float:
        """What a prediction must be above."""
        return self.loss.prediction_above

    def _grid(self) -> Array:
        """Return scores to look at; where options have a number for each column, in columns."""
        columns = next(((len(x),) for x in self.options.values() if np.ndim(x)), ())
        scores = np.linspace(-40, 40, 2561)
        scores = scores[scores > self._above].reshape(-1, *[1] * len(columns))
        return np.broadcast_to(scores, (len(scores), *columns))

    def _some_targets(self, scores: Array) -> list[Array]:
        some: dict[str, tuple[Any, ...]] = {
            "real": (0.0,), "unit interval": (0, 0.25, 0.5, 0.75, 1), "signs": (False, True),
        }  # fmt: skip
        # 1 is a target of every loss of numbers.
        return [np.full(scores.shape, t) for t in some.get(self.loss.domain, (1.0,))]

    def _check(self) -> None:
        """Refuse a rule that the loss has nothing for."""
        name, rule = self.loss.__name__, self.rule
        if rule == "friedman" and not self.loss.rowwise:
            raise Error(
                f"curvature='friedman' is for losses over classes, got {name}: use 'exact'",
                "curvature",
            )
        if self._is_flat() and rule not in ("constant", "gradient"):
            raise Error(
                f"{name} has a second derivative of 0, which {rule!r} cannot divide by: use "
                "curvature='constant'",
                "curvature",
            )
        # Of a multiple of diag(p) - p p' a row adds up to p (1 - p) beside the diagonal, so that
        # twice the diagonal bounds it (Gershgorin's circles).
        if rule == "upper_bound" and self.is_wide and not self.loss.softmax_hessian:
            raise Error(
                f"curvature='upper_bound' is known of {softmax_losses()} and of losses of one "
                f"score, got {name}: use 'absolute'",
                "curvature",
            )
        for option in ("softcap", "z_loss"):
            if rule == "upper_bound" and self.options.get(option):
                raise Error(
                    f"curvature='upper_bound' is not known with {option}: use 'absolute'",
                    "curvature",
                )

    def _is_flat(self) -> bool:
        """Whether the Hessian is 0 everywhere."""
        if not self.is_wide:
            scores = self._grid()
            return not any(self._hessian(scores, t).any() for t in self._some_targets(scores))
        if not self.loss.rowwise:  # of two heads
            return not self._hessian(np.linspace(-2, 2, 6).reshape(3, 2), np.ones(3)).any()
        # Options with an entry for each class say how many there are.
        k = next((len(v) for v in self.options.values() if np.ndim(v)), 3)
        scores = np.linspace(-2, 2, k * k).reshape(k, k)
        return not self._hessian(scores, self._rows(k)).any()

    def _rows(self, k: int) -> Array:
        """Return a target for each of so many rows, of another class each."""
        if "labels" in self.loss.domain:
            return np.arange(k)
        return np.eye(k, dtype=bool if self.loss.domain == "booleans" else float)


def softmax_losses() -> str:
    """Return the names of the losses over classes whose Hessian is that of a softmax."""
    names = [name for name, loss in numloss.LOSSES.items() if loss.softmax_hessian]
    return f"{', '.join(names[:-1])} and {names[-1]}"
