"""Losses as metrics and scorers of scikit-learn's kind."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import sklearn
from sklearn.utils.metadata_routing import MetadataRequest

from numloss import Loss
from numloss._convert import array
from numloss._links import is_pair
from numloss._raise import Error, InputTypeError, listed
from numloss.evaluation.specs import LossSpec, options_of, spec_of
from numloss.integrations import kinds

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray
    from typing_extensions import Self

    Array = NDArray[Any]

__all__ = ["Metric", "Scorer"]


class Metric:
    """A loss as scikit-learn calls metrics: ``metric(y_true, y_pred)``, the mean.

    Parameters
    ----------
    loss : Loss or str
        A loss, such as ``numloss.focal`` or ``"focal"``, or the name of a metric of
        ``numloss.evaluate``, such as ``"brier"``.
    from_logits : bool, default False
        Whether ``y_pred`` holds logits where the loss has probabilities, or logarithms where it has
        means of counts or amounts.
    **options
        Options of the loss.

    Examples
    --------
    >>> import numloss
    >>> metric = numloss.sklearn.Metric("cross_entropy")
    >>> y_true, y_pred = ["ham", "spam", "ham"], [[0.9, 0.1], [0.4, 0.6], [0.8, 0.2]]
    >>> round(metric(y_true, y_pred), 6)
    0.279777
    >>> round(metric(y_true, y_pred, sample_weight=[1, 0, 1]), 6)
    0.164252
    """

    def __init__(self, loss: Loss[...] | str, *, from_logits: bool = False, **options: Any) -> None:
        self.spec = _spec_of(loss, options)
        self.from_logits = from_logits
        self.link = self.spec.loss.link
        self.__name__ = self.spec.name
        self.greater_is_better = self.spec.higher_is_better

    def __repr__(self) -> str:
        """Return the loss with its options."""
        return f"{type(self).__name__}({self.spec.text!r})"

    def __call__(
        self,
        y_true: ArrayLike,
        y_pred: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
        labels: ArrayLike | None = None,
    ) -> float:
        """Return the mean loss.

        Parameters
        ----------
        y_true : array-like of shape (n,)
            Labels, numbers or strings; numbers to be predicted, also of shape (n, outputs); of
            losses that take them, probabilities of shape (n, classes), or whether each label is
            there, 0 or 1.
        y_pred : array-like of shape (n,) or (n, classes)
            Probabilities, or logits if ``from_logits``; scores of a hinge loss; predicted numbers.
            Of two classes one column is enough: that of the second. Means of counts and amounts,
            or their logarithms if ``from_logits``. Two columns for losses of two predictions, in
            their order.
        sample_weight : array-like of shape (n,), optional
            Weights: the mean is sum(w l) / sum(w).
        labels : array-like, optional
            The classes in the order of the columns of ``y_pred``. Default: those in ``y_true``,
            sorted, which must be all there are.
        """
        truth, prediction = np.asarray(y_true), array("y_pred", y_pred)
        classes = None if labels is None else np.asarray(labels)
        if is_pair(self.spec.loss):
            return self._of_pair(truth, prediction, sample_weight)
        if self.spec.loss.rowwise and self.spec.loss.domain == "real":
            target = array("y_true", truth)
        elif self.spec.loss.rowwise:
            prediction, target = self._of_classes(truth, prediction, classes)
        elif self.link == "sigmoid" or kinds.is_signed(self.spec):
            prediction, target = self._of_two(truth, prediction, classes)
        else:
            target = array("y_true", truth)
        if self.link == "sigmoid" and not self.from_logits:
            prediction = self._as_taken(prediction)
        weight = None if sample_weight is None else array("sample_weight", sample_weight)
        if weight is not None and target.ndim == 2 and not self.spec.loss.rowwise:
            weight = weight[:, None]
        return self._mean(prediction, target, weight)

    def _of_pair(self, y: Array, p: Array, weight: ArrayLike | None) -> float:
        if p.ndim != 2 or p.shape[1] != 2:
            raise Error(
                f"y_pred must have two columns, {' and '.join(self.spec.loss.heads)}, for "
                f"{self.spec.name}, got shape {p.shape}",
                "y_pred",
            )
        return float(self.spec.loss(p[:, 0], y, p[:, 1], weight=weight, **self.spec.options))

    def _mean(self, prediction: Array, target: Array, weight: Array | None) -> float:
        options: dict[str, Any] = {**self.spec.options, "weight": weight}
        if "from_logits" in options_of(self.spec.loss):
            options["from_logits"] = self.from_logits
        elif self.link == "log":
            options["log_input"] = self.from_logits
        if isinstance(self.spec.loss, Loss):
            return float(self.spec.loss(prediction, target, **options))
        values, weights = self.spec.loss._examples(prediction, target, **options)
        return float(np.average(values, weights=weights))

    def _as_taken(self, p: Array) -> Array:
        """Return probabilities as the loss takes them: as such, or as logits."""
        if "from_logits" in options_of(self.spec.loss):
            return p
        is_off = (p < 0) | (p > 1)
        if is_off.any():
            index = tuple(int(i) for i in np.argwhere(is_off)[0])
            raise Error(
                f"y_pred must hold probabilities, got {p[index]}: are these logits? use "
                "from_logits=True",
                "y_pred",
                index,
            )
        p = p.astype(np.float64)
        with np.errstate(divide="ignore"):
            logits: Array = np.log(p) - np.log1p(-p)
        return logits

    def _of_two(self, y: Array, p: Array, classes: Array | None) -> tuple[Array, Array]:
        """Return one column, and targets 0 and 1 or truth values."""
        if p.ndim == 2 and p.shape[1] == 2 and y.ndim == 1:
            p = p[:, 1] - p[:, 0] if self.from_logits else p[:, 1]
        if classes is None and y.dtype.kind in "fb":
            return p, kinds.truth(y) if kinds.is_signed(self.spec) else y
        if classes is None:
            classes = kinds.distinct("y_true", y)
            if y.dtype.kind in "iu" and np.isin(classes, (0, 1)).all():
                classes = np.array([0, 1])
        if classes.size != 2:
            raise Error(
                f"{self.spec.name} tells two classes apart, got {classes.size}: pass labels= to "
                "name both, or take a loss over classes",
                "labels",
            )
        return p, kinds.codes("y_true", y, classes) == 1

    def _of_classes(self, y: Array, p: Array, classes: Array | None) -> tuple[Array, Array]:
        """Return scores, and the numbers of the classes."""
        are_probabilities = self.link == "softmax" and not self.from_logits
        beside = self.spec.loss.domain == "ordered labels"  # a column stands between two classes
        if p.ndim == 1 and beside:
            p = p[:, None]
        if p.ndim == 1:
            p = np.stack([1 - p if are_probabilities else np.zeros_like(p), p], axis=1)
        if self.spec.loss.domain == "booleans":
            return p, kinds.truth(y)
        if y.ndim == 2:
            return _logits(p) if are_probabilities else p, y.astype(np.float64)
        if classes is None:
            classes = kinds.distinct("y_true", y)
        if p.shape[1] + beside != classes.size:
            what = "threshold between" if beside else "of"
            raise Error(
                f"y_pred must have a column for each {what} {classes.size} classes, got "
                f"{p.shape[1]}: pass labels= with the classes in the order of the columns",
                "y_pred",
            )
        return _logits(p) if are_probabilities else p, kinds.codes("y_true", y, classes)


def _spec_of(loss: Loss[...] | str, options: dict[str, Any]) -> LossSpec:
    for name in ("axis", "from_logits", "log_input"):
        if name in options:
            raise Error(
                f"{name} is no option here: classes are columns, and from_logits says what "
                "predictions are",
                name,
            )
    return spec_of((loss, options))


def _logits(p: Array) -> Array:
    """Return logits of probabilities: their logarithms, whose softmax they are."""
    is_off = (p < 0) | (p > 1.01) | (np.abs(p.sum(axis=1, keepdims=True) - 1) > 0.01)
    if is_off.any():
        row = int(np.argmax(is_off.any(axis=1)))
        raise Error(
            f"y_pred must hold probabilities that sum to 1, got {p[row]} in row {row}: are these "
            "logits? use from_logits=True",
            "y_pred",
            (row,),
        )
    with np.errstate(divide="ignore"):
        logits: Array = np.log(p)
    return logits


class Scorer:
    """A loss as ``scoring`` of ``cross_val_score``, ``GridSearchCV`` and their kind.

    It returns minus the mean loss, as greater is better there (and the mean of a metric of which
    more is better, such as ``"accuracy"``). It asks the estimator for probabilities where the loss
    has them, else for ``decision_function``; regressors, and losses of numbers, for ``predict``.
    Labels get the columns that the estimator's ``classes_`` say, whatever a fold holds.

    Parameters
    ----------
    loss : Loss or str
        A loss, such as ``numloss.focal`` or ``"focal"``, or the name of a metric of
        ``numloss.evaluate``, such as ``"brier"``.
    labels : array-like, optional
        All classes, in an order that the loss has a use for, such as ``["low", "middle", "high"]``
        of ordinal losses; default: ``classes_``. One that an estimator has not met has the
        probability 0; without ``labels`` it is an error in ``y``.
    response_method : str, optional
        ``"predict_proba"``, ``"decision_function"`` (logits) or ``"predict"``, if that choice is
        not the right one.
    **options
        Options of the loss.

    Examples
    --------
    >>> import numloss
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.model_selection import cross_val_score
    >>> X, y = load_iris(return_X_y=True)
    >>> scorer = numloss.sklearn.Scorer("cross_entropy")
    >>> scores = cross_val_score(LogisticRegression(max_iter=1000), X, y, scoring=scorer)
    >>> round(float(scores.mean()), 2)
    -0.14
    """

    def __init__(
        self,
        loss: Loss[...] | str,
        *,
        labels: Sequence[Any] | None = None,
        response_method: str | None = None,
        **options: Any,
    ) -> None:
        self.spec = _spec_of(loss, options)
        self.labels = labels
        self.response_method = response_method
        self._request: bool | str | None = None

    def __repr__(self) -> str:
        """Return the loss with its options."""
        return f"{type(self).__name__}({self.spec.text!r})"

    def __call__(
        self, estimator: Any, X: Any, y_true: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> float:
        """Return the score of an estimator on data."""
        method = self._method_of(estimator)
        prediction = array("y_pred", getattr(estimator, method)(X))
        classes = getattr(estimator, "classes_", None) if method != "predict" else None
        if classes is not None:
            classes, prediction = self._in_order(np.asarray(classes), prediction, method)
        are_logits = method == "decision_function"
        metric = Metric(self.spec.name, from_logits=are_logits, **self.spec.options)
        mean = metric(y_true, prediction, sample_weight=sample_weight, labels=classes)
        return mean if self.spec.higher_is_better else -mean

    def _method_of(self, estimator: Any) -> str:
        methods: tuple[str, ...] = ("predict",)
        if self.response_method is not None:
            methods = (self.response_method,)
        elif hasattr(estimator, "classes_") and self.spec.is_forecast:
            methods = ("predict_proba", "decision_function")
        elif self.spec.loss.rowwise or kinds.is_signed(self.spec):
            methods = ("decision_function",)
        found = next((name for name in methods if hasattr(estimator, name)), None)
        if found is None:
            raise InputTypeError(
                f"{self.spec.name} needs an estimator with {listed(methods)}, got "
                f"{type(estimator).__name__}: choose another response_method",
                "estimator",
            )
        return found

    def _in_order(self, classes: Array, prediction: Array, method: str) -> tuple[Array, Array]:
        """Return the labels asked for, and a column for each."""
        if prediction.ndim == 1:  # of two classes: how far the second leads
            prediction = np.stack([np.zeros_like(prediction), prediction], axis=1)
        if self.labels is None:
            return classes, prediction
        labels = np.asarray(self.labels)
        absent = 0.0 if method == "predict_proba" else -np.inf
        columns = np.full((len(prediction), labels.size), absent, prediction.dtype)
        columns[:, kinds.codes("classes_", classes, labels)] = prediction
        return labels, columns

    # ---------------------------------------------------------------------------------- routing

    def set_score_request(self, *, sample_weight: bool | str | None) -> Self:
        """Ask for the weights of the rows where metadata is routed.

        Parameters
        ----------
        sample_weight : bool, str or None
            Whether the scorer takes ``sample_weight``, or the name under which it is passed; None:
            passing it is an error.
        """
        if not sklearn.get_config()["enable_metadata_routing"]:
            raise RuntimeError(
                "metadata is not routed: use sklearn.set_config(enable_metadata_routing=True)"
            )
        self._request = sample_weight
        return self

    def get_metadata_routing(self) -> MetadataRequest:
        """Return what the scorer asks for."""
        request = MetadataRequest(owner=self)
        request.score.add_request(param="sample_weight", alias=self._request)
        return request

    def _accept_sample_weight(self) -> bool:
        """Answer searches, which ask so where metadata is not routed."""
        return True
