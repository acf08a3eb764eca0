"""What the adapters of XGBoost, LightGBM and CatBoost share.

A booster adds trees to a margin, of which a loss is a function. It asks for the gradient and the
curvature of the loss in every row, summed over nothing and divided by nothing, weights included. It
starts from a constant, which it finds for its own losses alone, and knows the link from margins to
probabilities for those alone. All of that is here; a host's own file has its orders, shapes, signs.
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal
from weakref import WeakKeyDictionary

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted
from typing_extensions import Self

from numloss import Loss, _convert
from numloss._core import apply
from numloss._losses import multiclass
from numloss._raise import Error, InputTypeError, shown
from numloss.evaluation.specs import LossSpec, options_of, spec_of
from numloss.integrations import kinds

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Array = NDArray[Any]

Curvature = Literal["exact", "absolute", "upper_bound", "friedman", "gradient", "constant"]
CURVATURES = ("exact", "absolute", "upper_bound", "friedman", "gradient", "constant")

# Where all labels are the same the best logit is infinite; sigmoid(30) is 1 - 1e-13.
_FARTHEST_LOGIT = 30.0
# Losses over classes whose Hessian is a multiple of diag(p) - p p', p the softmax: beside the
# diagonal a row adds up to p (1 - p), so that twice the diagonal bounds it (Gershgorin's circles).
_CROSS_ENTROPIES = ("cross_entropy", "ordinal_cross_entropy")

# The integer labels of each data set, beside the floats they were made of.
_labels: WeakKeyDictionary[Any, tuple[Array, Array]] = WeakKeyDictionary()

_PARAMETERS = """\
loss : Loss or str
    The loss, such as ``numloss.focal`` or ``"focal"``.
curvature : str, default "exact"
    The second derivative that leaves are divided by, of a row of weight 1:

    - ``"exact"``: that of the loss, at least ``floor``;
    - ``"absolute"``: its absolute value, at least ``floor``, for losses that are not convex;
    - ``"upper_bound"``: a bound, with which no step overshoots. Of a loss of one margin it is a
      constant, the largest second derivative there is; of a cross-entropy over classes twice the
      exact one, 2p(1 - p), which bounds the whole Hessian of a row;
    - ``"friedman"``: over C classes C/(C - 1) times the exact one;
    - ``"gradient"``: the absolute value of the gradient, at least ``floor``;
    - ``"constant"``: ``constant``, for losses whose second derivative is 0.
floor : float, default 1e-16
    Positive.
constant : float, default 1.0
    Positive.
scale : float, default 1.0
    Factor of gradient and curvature. Boosters halve the squared error: ``scale=0.5`` makes theirs
    of ``mse``.
**options
    Options of the loss, such as ``gamma=1.0``; not ``axis`` and ``from_logits``, as margins are
    scores in the last axis.
"""

_ESTIMATOR = (
    _PARAMETERS[: _PARAMETERS.index("**options")].replace(
        "curvature : str", "loss_options : mapping, optional\n    Its options.\ncurvature : str", 1
    )
    + """\
rounds : int, default 100
    The number of trees, over classes of trees for each class.
**params
    Parameters of the host's, such as ``max_depth``.
"""
)


class Adapter:
    """A loss as a booster takes it: the part that all hosts share.

    Attributes
    ----------
    loss : Loss
        The loss.
    options : Mapping
        Its options.
    link : str or tuple of str
        From a margin to what it predicts: ``"identity"``, ``"sigmoid"`` or ``"softmax"``, or a
        pair for two margins, of which the second is a variance's logarithm.
    """

    def __init__(
        self,
        loss: Loss[...] | str,
        *,
        curvature: Curvature = "exact",
        floor: float = 1e-16,
        constant: float = 1.0,
        scale: float = 1.0,
        **options: Any,
    ) -> None:
        spec = spec_of((loss, options))
        _refuse(spec)
        self.loss: Loss[...] = spec.loss
        self.options: Mapping[str, Any] = spec.options
        self.link = spec.loss.link
        self._is_signed = kinds.is_signed(spec)
        self._of_margins: Any = _Normal(self.loss) if self.link == kinds.NORMAL else self.loss
        #: Whether a row has several margins: of classes, or of a distribution's parameters.
        self.is_wide = self.loss.rowwise or self.link == kinds.NORMAL
        self.curvature = CURVATURES[_convert.choice("curvature", curvature, CURVATURES)]
        self.floor = _positive("floor", floor)
        self.constant = _positive("constant", constant)
        self.scale = _positive("scale", scale)
        # Added to every margin: the start, where the host has no place for it while it trains.
        self._shift: Any = None
        self._check_curvature()
        if self._is_constant and self.curvature != "constant":
            self.constant = self._largest_curvature()

    def __repr__(self) -> str:
        """Return the loss with its options, and the rule of curvature."""
        options = "".join(f", {name}={value!r}" for name, value in self.options.items())
        return (
            f"{type(self).__name__}({self.loss.__name__!r}, curvature={self.curvature!r}{options})"
        )

    # ------------------------------------------------------------------------------ derivatives

    def derivatives(
        self, margin: Array, target: Any, weight: Any, out: tuple[Array, Array]
    ) -> None:
        """Write gradient and curvature of every row, weights included."""
        gradient, curvature = out
        margin = self._shifted(margin)
        weight = _of_outputs(self._scaled(weight), target)
        call = {"weight": weight, "reduction": "sum", **self.options}
        if self._is_constant:
            self._of_margins.grad(margin, target, out=gradient, **call)
            curvature[...] = self.constant * self._weights(margin, target, weight)
            return
        self._of_margins.grad_and_hess(margin, target, out=out, **call)
        if self.curvature == "gradient":
            np.abs(gradient, out=curvature)
        elif self.curvature == "absolute":
            np.abs(curvature, out=curvature)
        elif self.curvature == "upper_bound":
            curvature *= 2
        elif self.curvature == "friedman":
            classes = margin.shape[-1]
            curvature *= classes / (classes - 1)
        np.maximum(curvature, self.floor * _columns(weight, curvature), out=curvature)

    @property
    def _is_constant(self) -> bool:
        bounded = self.curvature == "upper_bound" and not self.is_wide
        return self.curvature == "constant" or bounded

    def _scaled(self, weight: Array | None) -> Any:
        if weight is None:
            return None if self.scale == 1 else self.scale
        return weight if self.scale == 1 else weight * self.scale

    def _weights(self, margin: Array, target: Array, weight: Any) -> Any:
        """Return the weights of the rows as they count: class weights in, ignored rows 0."""
        if not self.loss.rowwise:
            return _columns(weight, margin)
        _, weights = self.loss._examples(margin, target, weight=weight, **self.options)
        return weights[..., None]

    def _shifted(self, margin: Array) -> Array:
        return margin if self._shift is None else margin + self._shift

    def _starting_at(self, start: Any) -> Self:
        """Return this adapter for a host that knows nothing of the start while it trains."""
        moved = copy.copy(self)
        moved._shift = start
        return moved

    def value(self, margin: Array, target: Array, weight: Array | None) -> float:
        """Return the mean loss, weighted."""
        margin, weight = self._shifted(margin), _of_outputs(weight, target)
        return float(self._of_margins(margin, target, weight=weight, **self.options))

    def losses(
        self, margin: Array, target: Array, weight: Array | None
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the loss of each row, and the weights by which a mean has them."""
        losses, weights = self._of_margins._examples(
            self._shifted(margin), target, weight=weight, dtype=np.float64, **self.options
        )
        return losses, weights

    # ---------------------------------------------------------------------------------- targets

    def targets(self, labels: ArrayLike, dataset: object = None) -> Array:
        """Return labels as the loss takes them: integers over classes, truth values for hinges.

        Those of a data set are converted once, and again where they have changed.
        """
        given = np.asarray(labels)
        if not self.loss.rowwise:
            return kinds.truth(given) if self._is_signed else given
        if dataset is None or given.dtype.kind in "iu":
            return _integers(given)
        known = _labels.get(dataset)
        if known is None or not np.array_equal(known[0], given):
            known = _labels[dataset] = (given, _integers(given))
        return known[1]

    # ------------------------------------------------------------------------------------ start

    def start(
        self, labels: ArrayLike, weight: ArrayLike | None = None, classes: int | None = None
    ) -> Any:
        """Return the constant margin of the least loss, where boosting begins.

        Parameters
        ----------
        labels : array-like
            Labels of the training rows.
        weight : array-like, optional
            Their weights.
        classes : int, optional
            The number of classes, for losses over classes; default: the largest label plus 1.

        Returns
        -------
        float, or ndarray of shape (classes,), (2,) or (outputs,)
            The margin, found by Newton's method on the loss's own gradient and Hessian. A logit
            lies within -30 and 30.

        Raises
        ------
        numloss.Error
            If the loss cannot be of such labels, or no row has a weight above 0.

        Examples
        --------
        >>> import numloss
        >>> numloss.xgboost.Adapter("mse").start([1.0, 2.0, 6.0])
        3.0
        """
        target = self.targets(labels)
        weights = None if weight is None else np.asarray(weight, np.float64)
        if target.size == 0:
            raise Error("labels must hold at least one label, got none", "labels")
        if weights is not None and not weights.any():
            raise Error("weight must not be 0 in every row", "weight")
        if self.loss.rowwise:
            return self._start_of_classes(target, weights, classes)

        if self.is_wide:
            return self._start_of_two(target, weights)

        if target.ndim == 2:
            return np.array([self.start(column, weights) for column in target.T])

        def slope(c: float) -> tuple[float, float]:
            margin = np.broadcast_to(np.float64(c), target.shape)
            g, h = self.loss.grad_and_hess(
                margin, target, weight=weights, reduction="sum", **self.options
            )
            return float(g.sum()), float(h.sum())

        farthest = _FARTHEST_LOGIT if self.link == "sigmoid" else 1e300
        return _root(slope, farthest)

    def _start_of_classes(
        self, target: Array, weight: Array | None, classes: int | None
    ) -> NDArray[np.float64]:
        """Every label occurs once, as often as it weighs: a constant margin knows no more."""
        kept = target != self.options.get("ignore_index", -100)
        labels = _convert.labels(target[kept])
        k = classes or int(labels.max()) + 1
        if k < 2:
            raise Error("labels must be of two classes or more, got 0 alone", "labels")
        counts = np.bincount(labels, None if weight is None else weight[kept], k)
        if counts.size > k:
            raise Error(f"labels must be below {k}, got {counts.size - 1}", "labels")
        with np.errstate(divide="ignore"):
            shares = np.log(counts / counts.sum())
        begin = np.maximum(shares, -_FARTHEST_LOGIT) if self.link == "softmax" else np.zeros(k)
        at = self._constant_on(np.arange(k), counts)
        return _descend(at, begin, 1e-12 * float(counts.sum()))

    def _start_of_two(self, target: Array, weight: Array | None) -> NDArray[np.float64]:
        """Mean and logarithm of the variance, from those of all rows."""
        mean = np.average(target, weights=weight)
        variance = np.average((target - mean) ** 2, weights=weight)
        if not variance > 0 or not np.isfinite(variance):
            raise Error(f"labels must be finite and differ, got variance {variance}", "labels")
        total = target.size if weight is None else float(weight.sum())
        begin = np.array([mean, np.log(variance)])
        return _descend(self._constant_on(target, weight), begin, 1e-12 * total)

    def _constant_on(
        self, target: Array, weight: Array | None
    ) -> Callable[[Array], tuple[float, Array, Array]]:
        """Return a function of constant margins: the sum of losses, its gradient and diagonal."""
        call = {"weight": weight, "reduction": "sum", **self.options}

        def at(c: Array) -> tuple[float, Array, Array]:
            margin = np.broadcast_to(c, (target.size, c.size))
            g, h = self._of_margins.grad_and_hess(margin, target, **call)
            return float(self._of_margins(margin, target, **call)), g.sum(0), h.sum(0)

        return at

    # ------------------------------------------------------------------------------- prediction

    def response(self, margin: ArrayLike) -> Array:
        """Return what margins predict: probabilities where the loss has them, else the margins.

        Parameters
        ----------
        margin : array-like
            Margins, of shape (n,) or (n, classes), the start included.

        Returns
        -------
        ndarray
            Of the same shape: the probability of the label 1, or of each class; mean and variance.

        Examples
        --------
        >>> import numloss
        >>> numloss.xgboost.Adapter("focal").response([0.0, 100.0])
        array([0.5, 1. ])
        """
        x = np.asarray(margin, order="C")
        x = x if x.dtype.kind == "f" else x.astype(np.float64)
        if self.link == "sigmoid":
            return apply("sigmoid", x.reshape(-1)).reshape(x.shape)
        if self.link == "softmax":
            return _softmax(x)
        if self.link == kinds.NORMAL:
            return np.stack([x[..., 0], np.exp(x[..., 1])], axis=-1)
        return x

    # -------------------------------------------------------------------------------- curvature

    def _hessian(self, margin: Array, target: Array) -> Array:
        call = {"reduction": "none", **self.options}
        hessian: Array = self._of_margins.grad_and_hess(margin, target, **call)[1]
        return hessian

    def _largest_curvature(self) -> float:
        """Return the largest second derivative, found to 0.1 % on a grid of margins."""
        margins = np.linspace(-40, 40, 2561)
        hessians = np.max([self._hessian(margins, t) for t in self._some_targets(margins)], axis=0)
        inner = hessians[np.abs(margins) < 20].max()
        if hessians.max() > inner:
            raise Error(
                f"curvature of {self.loss.__name__} has no upper bound: use curvature='exact'",
                "curvature",
            )
        return float(inner) * (1.001 if inner > hessians.min() else 1.0)

    def _some_targets(self, margins: Array) -> list[Array]:
        if self.link == "sigmoid":
            return [np.full_like(margins, t) for t in (0, 0.25, 0.5, 0.75, 1)]
        if self._is_signed:
            return [np.full(margins.shape, t) for t in (False, True)]
        return [np.zeros_like(margins)]

    def _check_curvature(self) -> None:
        """Refuse a rule that the loss has nothing for."""
        name, rule = self.loss.__name__, self.curvature
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
        if rule == "upper_bound" and self.is_wide and name not in _CROSS_ENTROPIES:
            raise Error(
                f"curvature='upper_bound' is known of {' and '.join(_CROSS_ENTROPIES)} and of "
                f"losses of one margin, got {name}: use 'absolute'",
                "curvature",
            )

    def _is_flat(self) -> bool:
        """Whether the Hessian is 0 everywhere; a loss that labels are no targets of is refused."""
        if not self.is_wide:
            margins = np.linspace(-40, 40, 2561)
            return not any(self._hessian(margins, t).any() for t in self._some_targets(margins))
        # Options with an entry for each class say how many there are.
        k = next((len(v) for v in self.options.values() if np.ndim(v)), 3)
        margins = np.linspace(-2, 2, k * k).reshape(k, k)
        try:
            return not self._hessian(margins, np.arange(k)).any()
        except Error as error:
            if error.argument != "target":
                raise
            raise Error(
                f"loss must take labels as targets, got {self.loss.__name__}, whose {error}", "loss"
            ) from None


def documented(made: type[Any]) -> type[Any]:
    """Put what hosts share into the documentation of a class."""
    text = inspect.cleandoc(made.__doc__ or "")
    text = text.replace("{parameters}\n", _PARAMETERS)
    made.__doc__ = text.replace("{estimator}\n", f"Parameters\n----------\n{_ESTIMATOR}\n")
    return made


def refuse_objective(params: Mapping[str, Any], *names: str) -> None:
    """Refuse another objective beside the loss."""
    for name in names:
        if name in params:
            raise Error(f"params must not have {name!r}: the loss of the adapter is it", name)


def refuse_balance(params: Mapping[str, Any], *names: str) -> None:
    """Refuse weights of classes that hosts give to losses of their own alone."""
    for name in names:
        value: Any = params.get(name)
        is_one = np.ndim(value) == 0 and value == 1 and value is not True
        if not (is_one or value is None or value is False):
            raise Error(
                f"{name} would have no effect, as the host gives it to its own losses alone: use "
                "weights of the rows, or what the loss has, such as pos_weight or class_weight",
                name,
            )


class _Normal:
    """The loss of a normal distribution as one of two columns: mean, logarithm of the variance.

    Its derivatives by the logarithm s of the variance v are v dl/dv and v² d²l/dv² + v dl/dv.
    """

    def __init__(self, loss: Any) -> None:
        self.loss = loss

    def __call__(self, margin: Array, target: Any, **call: Any) -> Any:
        return self.loss(margin[..., 0], target, np.exp(margin[..., 1]), **call)

    def _examples(self, margin: Array, target: Any, **call: Any) -> Any:
        return self.loss._examples(margin[..., 0], target, np.exp(margin[..., 1]), **call)

    def grad(self, margin: Array, target: Any, out: Array, **call: Any) -> None:
        self.grad_and_hess(margin, target, (out, np.empty_like(out)), **call)

    def grad_and_hess(
        self, margin: Array, target: Any, out: tuple[Array, Array] | None = None, **call: Any
    ) -> tuple[Array, Array]:
        variance = np.exp(margin[..., 1])
        first, second = self.loss.grad_and_hess(margin[..., 0], target, variance, **call)
        gradient, hessian = out or (np.empty(margin.shape), np.empty(margin.shape))
        gradient[..., 0], hessian[..., 0] = first[0], second[0]
        gradient[..., 1] = by_logarithm = variance * first[1]
        hessian[..., 1] = variance**2 * second[1] + by_logarithm
        return gradient, hessian


def _refuse(spec: LossSpec) -> None:
    """Refuse what is no function of a row's margins."""
    if not isinstance(spec.loss, Loss):
        raise InputTypeError(f"loss must be a loss, got the metric {spec.name}", "loss")
    for name in ("axis", "from_logits"):
        if name in spec.options:
            raise Error(f"{name} is not for boosting: margins are scores in the last axis", name)


def _positive(name: str, value: float) -> float:
    x = _convert.number(name, value)
    if not 0 < x < np.inf:
        raise Error(f"{name} must be positive and finite, got {shown(value)}", name)
    return x


def _of_outputs(weight: Any, target: Any) -> Any:
    """Return weights of rows as a loss takes them that has several targets in a row."""
    return weight[:, None] if np.ndim(weight) == 1 and np.ndim(target) == 2 else weight


def _columns(weight: Any, like: Array) -> Any:
    """Return weights of rows in a shape that multiplies their margins."""
    if weight is None:
        return 1.0
    return weight[:, None] if np.ndim(weight) == 1 and like.ndim == 2 else weight


def _integers(labels: Array) -> Array:
    with np.errstate(invalid="ignore"):
        whole = labels.astype(np.int64)
    if np.array_equal(whole, labels):
        return whole
    place = int(np.argmax(whole != labels))
    raise Error(
        f"labels must be whole numbers, got {labels[place]} at index {place}", "labels", (place,)
    )


def _softmax(x: Array) -> Array:
    rows = np.zeros(x.shape[:-1], np.int64)
    _, total = multiclass.cross_entropy(x, rows, reduction="none", return_logsumexp=True)
    return apply("exp_nonpositive", np.minimum(x - total[..., None], 0).reshape(-1)).reshape(
        x.shape
    )


def _root(slope: Callable[[float], tuple[float, float]], farthest: float) -> float:
    """Return where a sum of losses is least: Newton's method between two bounds.

    ``slope`` returns gradient and Hessian. Where there is no Hessian, as of absolute errors, the
    bounds are halved.
    """
    low = high = 0.0
    gradient, _ = slope(0.0)
    if not np.isfinite(gradient):
        raise Error("labels and weights must be finite: the gradient at 0 is not", "labels")
    ahead, step = gradient, -np.sign(gradient)
    while ahead * gradient > 0:
        low, high = high, high + step
        if abs(high) > farthest:
            return float(np.sign(step) * farthest)
        ahead, step = slope(high)[0], 2 * step
    if ahead == 0:
        return float(high)
    low, high = sorted((low, high))
    x, move = (low + high) / 2, high - low
    for _ in range(200):
        gradient, hessian = slope(x)
        if gradient == 0:
            break
        low, high = (x, high) if gradient < 0 else (low, x)
        newton = x - gradient / hessian if hessian > 0 else np.nan
        # A step outside the bounds, or one that does not halve the last, is replaced.
        if not (low <= newton <= high and abs(newton - x) < move / 2):
            newton = (low + high) / 2
        move, x = abs(newton - x), float(newton)
        if move <= 1e-15 * abs(x):
            break
    return x


def _descend(at: Callable[[Array], tuple[float, Array, Array]], c: Array, smallest: float) -> Array:
    """Return constant margins of a small loss: steps by the Hessian's diagonal that never climb.

    ``at`` returns value, gradient and the diagonal. It ends with a gradient below ``smallest``, or
    where no step leads down.
    """
    value, gradient, hessian = at(c)
    for _ in range(500):
        if np.abs(gradient).max() <= smallest:
            break
        step = gradient / np.maximum(np.abs(hessian), 1e-3 * np.abs(gradient).max() + 1e-300)
        while True:
            then = at(c - step)
            if then[0] < value:
                break
            step /= 2
            if np.abs(step).max() < 1e-12:
                return c
        c = c - step
        value, gradient, hessian = then
    return c


# -------------------------------------------------------------------------------------- estimators


class _Estimator(BaseEstimator):  # type: ignore[misc]
    """A model of scikit-learn's kind around an adapter; `adapter` is the host's."""

    adapter: ClassVar[type[Any]]

    def __init__(
        self,
        loss: Loss[...] | str,
        *,
        loss_options: Mapping[str, Any] | None = None,
        curvature: Curvature = "exact",
        floor: float = 1e-16,
        constant: float = 1.0,
        scale: float = 1.0,
        rounds: int = 100,
        **params: Any,
    ) -> None:
        self.loss = loss
        self.loss_options = loss_options
        self.curvature = curvature
        self.floor = floor
        self.constant = constant
        self.scale = scale
        self.rounds = rounds
        self.params = params

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the parameters by name, the host's among them."""
        return {**super().get_params(deep), **self.params}

    def set_params(self, **changes: Any) -> Self:
        """Set parameters by name, the host's among them."""
        own = super().get_params(deep=False)
        super().set_params(**{name: changes[name] for name in changes if name in own})
        others = {name: changes[name] for name in changes if name not in own}
        self.params = {**self.params, **others}
        return self

    def _fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any,
        eval_set: list[tuple[Any, ...]] | None,
        classes: int | None,
    ) -> Self:
        spec = spec_of(self.loss)
        if taken := options_of(spec.loss).keys() & self.params.keys():
            name = min(taken)
            raise Error(
                f"{name} is an option of {spec.name}: use loss_options={{{name!r}: ...}}; "
                "XGBoost's gamma and alpha have the names min_split_loss and reg_alpha, too",
                name,
            )
        self.adapter_ = self.adapter(
            self.loss,
            curvature=self.curvature,
            floor=self.floor,
            constant=self.constant,
            scale=self.scale,
            **(self.loss_options or {}),
        )
        sets = [(X, y, sample_weight), *((*some, None)[:3] for some in eval_set or [])]
        self.n_features_in_ = np.shape(X)[1]
        self.booster_ = self.adapter_._fit(dict(self.params), self.rounds, sets, classes)
        return self

    def _margin(self, X: Any) -> Array:
        check_is_fitted(self)
        margin: Array = self.adapter_._margin_of(self.booster_, X)
        return margin


def _column(name: str, y: ArrayLike) -> Array:
    labels = np.asarray(y)
    if labels.ndim != 1:
        fix = ": use numpy.ravel" if labels.shape[1:] == (1,) else ""
        raise Error(f"{name} must have one axis, got labels of shape {labels.shape}{fix}", name)
    return labels


def _has_probabilities(estimator: _Estimator) -> bool:
    return spec_of(estimator.loss).is_forecast


def _has_variance(estimator: _Estimator) -> bool:
    return bool(spec_of(estimator.loss).loss.link == kinds.NORMAL)


class Classifier(ClassifierMixin, _Estimator):  # type: ignore[misc]
    """A classifier of trees, whose probabilities are those of its loss."""

    def fit(
        self,
        X: Any,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        eval_set: list[tuple[Any, ...]] | None = None,
    ) -> Self:
        """Fit trees to labels of any kind.

        Parameters
        ----------
        X : array-like or data frame
            Features, as the host takes them.
        y : array-like of shape (n,)
            Labels: numbers or strings.
        sample_weight : array-like of shape (n,), optional
            Weights.
        eval_set : list of tuple, optional
            Pairs (X, y), or triples with weights, on which the loss is watched. Early stopping is a
            parameter of the host's.
        """
        spec = spec_of(self.loss)
        rowwise = spec.loss.rowwise
        if not (rowwise or spec.is_binary or kinds.is_signed(spec)):
            raise Error(f"{spec.name} is one of numbers, not of classes: use Regressor", "loss")
        self.classes_, codes = np.unique(_column("y", y), return_inverse=True)
        known = self.classes_.size
        if known < 2:
            raise Error(f"y must hold two classes or more, got {known}", "y")
        if not rowwise and known > 2:
            raise Error(
                f"{spec.name} tells two classes apart, y holds {known}: take one over classes", "y"
            )
        coded = [
            (x, kinds.codes("eval_set", _column("eval_set", labels), self.classes_), *more)
            for x, labels, *more in eval_set or []
        ]
        return self._fit(X, codes, sample_weight, coded, known if rowwise else None)

    def decision_function(self, X: Any) -> Array:
        """Return the margins, of shape (n,), or (n, classes) of a loss over classes."""
        return self._margin(X)

    @available_if(_has_probabilities)  # type: ignore[untyped-decorator]
    def predict_proba(self, X: Any) -> Array:
        """Return the probability of each class, of shape (n, classes)."""
        p: Array = self.adapter_.response(self._margin(X))
        return p if p.ndim == 2 else np.stack([1 - p, p], axis=1)

    def predict(self, X: Any) -> Array:
        """Return the likeliest class of each row."""
        margin = self._margin(X)
        chosen = margin.argmax(1) if margin.ndim == 2 else (margin > 0).astype(np.int64)
        found: Array = self.classes_[chosen]
        return found


class Regressor(RegressorMixin, _Estimator):  # type: ignore[misc]
    """A regressor of trees."""

    def fit(
        self,
        X: Any,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        eval_set: list[tuple[Any, ...]] | None = None,
    ) -> Self:
        """Fit trees to numbers; the arguments are those of `Classifier.fit`."""
        if spec_of(self.loss).loss.rowwise:
            raise Error(f"{spec_of(self.loss).name} is one over classes: use Classifier", "loss")
        return self._fit(X, _column("y", y), sample_weight, eval_set, None)

    def predict(self, X: Any) -> Array:
        """Return what the loss predicts: a number, or a probability where its margin is a logit."""
        found: Array = self.adapter_.response(self._margin(X))
        return found[:, 0] if found.ndim == 2 else found

    @available_if(_has_variance)  # type: ignore[untyped-decorator]
    def predict_variance(self, X: Any) -> Array:
        """Return the variance of each row."""
        found: Array = self.adapter_.response(self._margin(X))
        return found[:, 1]
