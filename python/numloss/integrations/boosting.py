"""What the adapters of XGBoost, LightGBM and CatBoost share.

A booster adds trees to a margin, of which a loss is a function. It asks for the gradient and the
curvature of the loss in every row, summed over nothing and divided by nothing, weights included. It
starts from a constant, which it finds for its own losses alone, and knows the link from margins to
probabilities for those alone. All of that is here; a host's own file has its orders, shapes, signs.
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar
from weakref import WeakKeyDictionary

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted
from typing_extensions import Self

from numloss import Loss, _constant, _convert
from numloss._curvature import DESCRIBED, Curvature, Rule
from numloss._links import is_pair
from numloss._raise import Error
from numloss.evaluation.specs import loss_of, options_of, spec_of
from numloss.integrations import kinds

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Array = NDArray[Any]

# The integer labels of each data set, beside the floats they were made of.
_labels: WeakKeyDictionary[Any, tuple[Array, Array]] = WeakKeyDictionary()

_PARAMETERS = """\
loss : Loss or str
    The loss, such as ``numloss.focal`` or ``"focal"``.
curvature : str, default "exact"
    The second derivative that leaves are divided by, of a row of weight 1:

{rules}
floor : float, default 1e-16
    Positive.
constant : float, default 1.0
    Positive.
scale : float, default 1.0
    Factor of gradient and curvature. Boosters halve the squared error: ``scale=0.5`` makes theirs
    of ``mse``.
loss_options : mapping, optional
    Options of the loss that are named as one of these, such as the ``scale`` of ``robust``.
**options
    Its other options, such as ``gamma=1.0``; not ``axis``, ``from_logits``, ``log_input`` and
    ``log_variance``, as margins are scores in the last axis, or logarithms.
""".replace("{rules}\n", "".join(f"    {line}\n" for line in DESCRIBED.splitlines()))

_ESTIMATOR = (
    _PARAMETERS[: _PARAMETERS.index("loss_options")].replace(
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
        From a margin to what it predicts: ``"identity"``, ``"log"``, ``"sigmoid"`` or
        ``"softmax"``, or a pair for two margins, such as a mean and a variance's logarithm.
    """

    def __init__(
        self,
        loss: Loss[...] | str,
        *,
        curvature: Rule = "exact",
        floor: float = 1e-16,
        constant: float = 1.0,
        scale: float = 1.0,
        loss_options: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> None:
        options = {**(loss_options or {}), **options}
        self.loss, self.options = loss_of(loss, options, "boosting")
        self.link = self.loss.link
        self._refuse()
        self._rule = Curvature(self.loss, self.options, curvature, floor=floor, constant=constant)
        self.curvature = self._rule.rule
        #: Whether a row has several margins: of classes, or of a distribution's parameters.
        self.is_wide = self._rule.is_wide
        self._is_pair = is_pair(self.loss)
        self._of_margins = self._rule.of_scores
        self.scale = _convert.positive("scale", scale)
        # Added to every margin: the start, where the host has no place for it while it trains.
        self._shift: Any = None

    def _refuse(self) -> None:
        """Refuse losses that labels are no targets of, and options of several margins."""
        if self.loss.rowwise and "labels" not in self.loss.domain:
            raise Error(
                f"loss must take labels as targets, got {self.loss.__name__}, which takes "
                f"{self.loss.domain}",
                "loss",
            )
        if self.loss.likelihood and self.options.get("temperature", 1) != 1:
            raise Error(
                "temperature must be 1, as probabilities are the softmax of the margins, got "
                f"{self.options['temperature']}",
                "temperature",
            )
        for name in ("softcap", "where"):
            if self.options.get(name) is not None:
                raise Error(
                    f"{name} must be None, as probabilities are the softmax of the margins", name
                )
        for name, value in self.options.items():
            if np.ndim(value) and not self.loss.rowwise:
                raise Error(f"{name} must be a number, as a row has one margin", name)

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
        weight = _of_outputs(self._scaled(weight), target)
        self._rule.derivatives(self._shifted(margin), target, weight, out)

    def _scaled(self, weight: Array | None) -> Any:
        if weight is None:
            return None if self.scale == 1 else self.scale
        return weight if self.scale == 1 else weight * self.scale

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
        """Return labels as the loss takes them: integers over classes, truth values for signs.

        Those of a data set are converted once, and again where they have changed.
        """
        given = np.asarray(labels)
        if not self.loss.rowwise:
            return kinds.truth(given) if self.loss.domain == "signs" else given
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
            The margin, as `numloss.best_constant` finds it. A logit lies within -30 and 30.

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
        if target.ndim == 2 and not self.is_wide:
            return np.array([self.start(column, weights) for column in target.T])
        return _constant.fitted(
            self.loss, target, weights, self.options, classes=classes, said="labels"
        )

    # ------------------------------------------------------------------------------- prediction

    def response(self, margin: ArrayLike) -> Array:
        """Return what margins predict: probabilities and rates where the loss has them.

        Parameters
        ----------
        margin : array-like
            Margins, of shape (n,) or (n, classes), the start included.

        Returns
        -------
        ndarray
            Of the same shape: the probability of the label 1, or of each class; a mean; two
            predictions such as mean and variance.

        Examples
        --------
        >>> import numloss
        >>> numloss.xgboost.Adapter("focal").response([0.0, 100.0])
        array([0.5, 1. ])
        """
        return self.loss.inverse_link(margin)


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


def _of_outputs(weight: Any, target: Any) -> Any:
    """Return weights of rows as a loss takes them that has several targets in a row."""
    several = isinstance(weight, np.ndarray) and weight.ndim == 1 and np.ndim(target) == 2
    return weight[:, None] if several else weight


def _integers(labels: Array) -> Array:
    with np.errstate(invalid="ignore"):
        whole = labels.astype(np.int64)
    if np.array_equal(whole, labels):
        return whole
    place = int(np.argmax(whole != labels))
    raise Error(
        f"labels must be whole numbers, got {labels[place]} at index {place}", "labels", (place,)
    )


# -------------------------------------------------------------------------------------- estimators


class _Estimator(BaseEstimator):  # type: ignore[misc]
    """A model of scikit-learn's kind around an adapter; `adapter` is the host's."""

    adapter: ClassVar[type[Any]]

    def __init__(
        self,
        loss: Loss[...] | str,
        *,
        loss_options: Mapping[str, Any] | None = None,
        curvature: Rule = "exact",
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
            loss_options=self.loss_options,
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
    return "variance" in spec_of(estimator.loss).loss.heads


def _has_two(estimator: _Estimator) -> bool:
    return is_pair(spec_of(estimator.loss).loss)


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
        labels = _column("y", y)
        self.classes_ = kinds.distinct("y", labels)
        codes = kinds.codes("y", labels, self.classes_)
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
        """Return what the loss predicts: a number, or a probability where its margin is a logit.

        Of two it is the first.
        """
        found: Array = self.adapter_.response(self._margin(X))
        return found[:, 0] if found.ndim == 2 else found

    @available_if(_has_two)  # type: ignore[untyped-decorator]
    def predict_parameters(self, X: Any) -> Array:
        """Return both predictions of each row, of shape (n, 2), in the order of the loss."""
        found: Array = self.adapter_.response(self._margin(X))
        return found

    @available_if(_has_variance)  # type: ignore[untyped-decorator]
    def predict_variance(self, X: Any) -> Array:
        """Return the variance of each row."""
        found: Array = self.adapter_.response(self._margin(X))
        return found[:, 1]
