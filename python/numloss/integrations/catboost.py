"""Losses as objectives and metrics of CatBoost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import catboost
import numpy as np

from numloss._raise import Error
from numloss.integrations import boosting
from numloss.integrations.boosting import documented

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

__all__ = ["Adapter", "Classifier", "Regressor"]

_LOGGING = ("verbose", "logging_level", "silent", "verbose_eval")


@documented
class Adapter(boosting.Adapter):
    """A loss as objective and metric of CatBoost.

    `train` does all that a loss needs: it fits the start and makes it the bias of the model, which
    keeps it in its file. ``objective`` and ``metric`` go into ``catboost.CatBoost`` by hand, as
    ``loss_function`` and ``eval_metric``; the start must then be given and added by hand, too.

    CatBoost calls an objective over classes twice for every row and round, which takes some 5
    microseconds each; one of a single margin gets blocks of rows.

    Parameters
    ----------
    {parameters}

    Examples
    --------
    >>> import numpy as np
    >>> import catboost
    >>> import numloss
    >>> x = np.arange(200.0)[:, None]
    >>> data = catboost.Pool(x, label=(x[:, 0] > 150).astype(float))
    >>> adapter = numloss.catboost.Adapter("focal", gamma=1.0)
    >>> settings = {"verbose": False, "allow_writing_files": False, "l2_leaf_reg": 0.1}
    >>> model = adapter.train({"learning_rate": 0.5, **settings}, data)
    >>> probabilities = model.predict(x, prediction_type="Probability")[:, 1]
    >>> bool(probabilities[0] < 0.1 < 0.9 < probabilities[-1])
    True
    """

    @property
    def objective(self) -> _Objective:
        """The ``loss_function`` of ``catboost.CatBoost``."""
        if self.loss.rowwise:
            return _RowObjective(self)
        return _TargetsObjective(self) if self.is_wide else _RangeObjective(self)

    @property
    def metric(self) -> Metric:
        """The ``eval_metric`` of ``catboost.CatBoost``."""
        return _TargetsMetric(self) if self._is_pair else Metric(self)

    def train(
        self, params: Mapping[str, Any], data: catboost.Pool, **keywords: Any
    ) -> catboost.CatBoost:
        """Train with parameters and a pool; keywords are those of ``CatBoost.fit``.

        Returns
        -------
        catboost.CatBoost
            Its ``predict`` returns margins with the start, and probabilities where it is asked for
            ``prediction_type="Probability"``, after a round through a file, too.
        """
        boosting.refuse_objective(params, "loss_function", "objective")
        boosting.refuse_balance(params, "class_weights", "auto_class_weights", "scale_pos_weight")
        if keywords.get("init_model") is not None:
            raise Error(
                "init_model must be None: CatBoost counts the bias of such a model at times and "
                "forgets it at others; use its predictions as baseline of the pool",
                "init_model",
            )
        classes = params.get("classes_count")
        start = self.start(self._labels_of(data), data.get_weight(), classes)
        if self.loss.rowwise and np.size(start) == 2:
            raise Error(
                f"{self.loss.__name__} is one over classes, and CatBoost has one margin for two: "
                "take one that tells two apart, such as 'binary_cross_entropy'",
                "loss",
            )
        starts_elsewhere = np.size(data.get_baseline()) > 0  # each row at a margin of its own
        at = self if starts_elsewhere else self._starting_at(start)
        needed = {"eval_metric": at.metric, **params, "loss_function": at.objective}
        if self.loss.rowwise:
            needed["classes_count"] = np.size(start)
        model = catboost.CatBoost(needed)
        model.fit(data, **keywords)
        if not starts_elsewhere:
            model.set_scale_and_bias(1.0, np.asarray(start).tolist())
        return model

    def _labels_of(self, data: catboost.Pool) -> Array:
        labels = np.asarray(data.get_label(), float)
        if not self._is_pair:
            if labels.ndim != 1:
                raise Error("data must have one label for each row: use a Pool with them", "data")
            return labels
        if labels.ndim != 2 or labels.shape[1] != 2 or (labels[:, 0] != labels[:, 1]).any():
            raise Error(
                f"label of the pool must hold the target twice, in two columns, for {self}: "
                "CatBoost has as many margins as columns; use numpy.stack([y, y], axis=1)",
                "data",
            )
        return labels[:, 0]

    def _fit(
        self,
        params: dict[str, Any],
        rounds: int,
        sets: Sequence[tuple[Any, Array, Array | None]],
        classes: int | None,
    ) -> catboost.CatBoost:
        params = {"iterations": rounds, "allow_writing_files": False, **params}
        if not any(name in params for name in _LOGGING):
            params["verbose"] = False
        if classes is not None:
            params["classes_count"] = classes
        if self._is_pair:
            sets = [(x, np.stack([y, y], axis=1), weight) for x, y, weight in sets]
        pools = [
            catboost.Pool(x, y, weight=weight, cat_features=params.get("cat_features"))
            for x, y, weight in sets
        ]
        return self.train(params, pools[0], eval_set=pools[1:] or None)

    def _margin_of(self, model: catboost.CatBoost, X: Any) -> Array:
        margin: Array = model.predict(X, prediction_type="RawFormulaVal")
        return margin


class _Objective:
    #: CatBoost compiles the methods of an object without this, or warns that it cannot.
    no_jit = True

    def __init__(self, adapter: Adapter) -> None:
        self.adapter = adapter


class _RangeObjective(_Objective):
    """Of one margin, in blocks of rows."""

    def calc_ders_range(self, approxes: Array, targets: Array, weights: Array | None) -> Array:
        """Return the derivatives of the negative loss, in two columns."""
        derivatives = np.empty((len(approxes), 2))
        self.adapter.derivatives(
            approxes, self.adapter.targets(targets), weights, (derivatives[:, 0], derivatives[:, 1])
        )
        return np.negative(derivatives, out=derivatives)


class _RowObjective(_Objective):
    """Over classes, row by row."""

    def calc_ders_multi(
        self, approxes: Array, target: float, weight: float
    ) -> tuple[list[float], list[list[float]]]:
        """Return the derivatives of the negative loss, the second ones as a diagonal matrix."""
        return _of_row(self.adapter, approxes, int(target), weight)  # the number of a class


class _TargetsObjective(_Objective, catboost.MultiTargetCustomObjective):  # type: ignore[misc]
    """Of mean and variance, row by row: both have the target as a column."""

    def calc_ders_multi(
        self, approxes: Array, targets: Array, weight: float
    ) -> tuple[list[float], list[list[float]]]:
        """Return the derivatives of the negative loss, the second ones as a diagonal matrix."""
        return _of_row(self.adapter, approxes, targets[0], weight)


def _of_row(
    adapter: Adapter, margins: Array, target: Any, weight: float
) -> tuple[list[float], list[list[float]]]:
    gradient, curvature = derivatives = np.empty((2, len(margins)))
    adapter.derivatives(margins, target, weight, (gradient, curvature))
    # Lists, which CatBoost reads faster than arrays; for a few numbers they are made faster, too.
    first, second = np.negative(derivatives, out=derivatives).tolist()
    nothing = [0.0] * len(second)
    matrix = []
    for i, x in enumerate(second):
        row = nothing.copy()
        row[i] = x
        matrix.append(row)
    return first, matrix


class Metric(_Objective):
    """The loss as CatBoost sums it up: it is shown under the name of the class."""

    def is_max_optimal(self) -> bool:
        """Return whether more is better."""
        return False

    def evaluate(
        self, approxes: Sequence[Array], target: Array, weight: Array | None
    ) -> tuple[float, float]:
        """Return the sum of the losses and that of the weights."""
        adapter = self.adapter
        margin = np.stack(approxes, axis=1) if adapter.is_wide else approxes[0]
        losses, weights = adapter.losses(margin, adapter.targets(target), weight)
        return float(losses @ weights), float(weights.sum())

    def get_final_error(self, error: float, weight: float) -> float:
        """Return the mean."""
        return error / weight if weight else np.nan


class _TargetsMetric(Metric, catboost.MultiTargetCustomMetric):  # type: ignore[misc]
    def evaluate(
        self, approxes: Sequence[Array], target: Any, weight: Array | None
    ) -> tuple[float, float]:
        return super().evaluate(approxes, target[0], weight)


@documented
class Classifier(boosting.Classifier):
    """A classifier of scikit-learn's kind that trains CatBoost with a loss of numloss's.

    {estimator}

    Examples
    --------
    >>> import numpy as np
    >>> import numloss
    >>> x = np.arange(200.0)[:, None]
    >>> y = np.where(x[:, 0] > 150, "late", "early")
    >>> model = numloss.catboost.Classifier("focal", rounds=50, l2_leaf_reg=0.1, learning_rate=0.3)
    >>> probabilities = model.fit(x, y).predict_proba(x)
    >>> bool(probabilities[0, 1] < 0.2 and probabilities[-1, 1] > 0.8)
    True
    >>> str(model.predict([[180.0]])[0])
    'late'
    """

    adapter = Adapter


@documented
class Regressor(boosting.Regressor):
    """A regressor of scikit-learn's kind that trains CatBoost with a loss of numloss's.

    {estimator}

    Examples
    --------
    >>> import numpy as np
    >>> import numloss
    >>> x = np.arange(200.0)[:, None]
    >>> model = numloss.catboost.Regressor("mae", curvature="constant", constant=0.01)
    >>> bool(abs(model.fit(x, x[:, 0]).predict([[50.0]])[0] - 50) < 20)
    True
    """

    adapter = Adapter
