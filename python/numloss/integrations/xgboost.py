"""Losses as objectives and metrics of XGBoost."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import xgboost

from numloss.integrations import boosting
from numloss.integrations.boosting import documented

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Array = NDArray[Any]

__all__ = ["Adapter", "Classifier", "Regressor"]


@documented
class Adapter(boosting.Adapter):
    """A loss as objective and metric of XGBoost.

    `train` does all that a loss needs: it fits the start, hands it to the booster, which keeps it
    in its file, and has the booster apply the inverse link. ``objective`` and ``metric`` go into
    ``xgboost.train`` by hand, `wrapper_objective` and `wrapper_metric` into ``XGBClassifier`` and
    ``XGBRegressor``, which know no link: see `response`.

    Parameters
    ----------
    {parameters}

    Examples
    --------
    >>> import numpy as np
    >>> import xgboost
    >>> import numloss
    >>> x = np.arange(200.0)[:, None]
    >>> data = xgboost.DMatrix(x, label=x[:, 0] > 150)
    >>> adapter = numloss.xgboost.Adapter("focal", gamma=1.0)
    >>> booster = adapter.train({"min_child_weight": 0.01}, data, 50)
    >>> probabilities = booster.predict(data)
    >>> bool(probabilities[0] < 0.1 < 0.9 < probabilities[-1])
    True
    """

    def objective(self, margin: Array, data: xgboost.DMatrix) -> tuple[Array, Array]:
        """Return gradient and curvature: the ``obj`` of ``xgboost.train``."""
        return self._derivatives(margin, self.targets(data.get_label(), data), _weight(data))

    def metric(self, margin: Array, data: xgboost.DMatrix) -> tuple[str, float]:
        """Return name and mean of the loss: the ``custom_metric`` of ``xgboost.train``."""
        target = self.targets(data.get_label(), data)
        return self.loss.__name__, self.value(margin, target, _weight(data))

    def wrapper_objective(
        self, y_true: Array, y_pred: Array, sample_weight: Array | None = None
    ) -> tuple[Array, Array]:
        """Return gradient and curvature: the ``objective`` of ``XGBClassifier``."""
        return self._derivatives(y_pred, self.targets(y_true), sample_weight)

    @property
    def wrapper_metric(self) -> Callable[..., float]:
        """The ``eval_metric`` of ``XGBClassifier``, under the name of the loss."""
        return _WrapperMetric(self)

    def _derivatives(
        self, margin: Array, target: Array, weight: Array | None
    ) -> tuple[Array, Array]:
        out = np.empty_like(margin), np.empty_like(margin)
        self.derivatives(margin, target, weight, out)
        return out

    def params(
        self, labels: ArrayLike, weight: ArrayLike | None = None, classes: int | None = None
    ) -> dict[str, Any]:
        """Return the parameters that a booster needs beside the objective.

        They are the start (``base_score``), the number of classes, and the built-in objective whose
        inverse link predictions go through; its gradient is not used.
        """
        start = self.start(labels, weight, classes)
        params: dict[str, Any] = {"disable_default_eval_metric": 1}
        if self.loss.rowwise:
            built_in = "multi:softprob" if self.link == "softmax" else "multi:softmax"
            # A list in the words of JSON, as XGBoost reads it.
            params |= {"num_class": len(start), "base_score": start.tolist()}
        elif self.is_wide:
            built_in = "reg:squarederror"
            params |= {"num_target": len(start), "base_score": start.tolist()}
        elif self.link in ("sigmoid", "log"):
            # Poisson's objective would limit the steps of the trees, too.
            built_in = "binary:logistic" if self.link == "sigmoid" else "reg:gamma"
            params["base_score"] = self.response(start).tolist()
        else:
            built_in = "reg:squarederror"
            params["base_score"] = np.asarray(start).tolist()
        return {**params, "objective": built_in}

    def train(
        self,
        params: Mapping[str, Any],
        data: xgboost.DMatrix,
        num_boost_round: int = 10,
        **keywords: Any,
    ) -> xgboost.Booster:
        """Train as ``xgboost.train`` does, whose arguments these are.

        Returns
        -------
        xgboost.Booster
            Its ``predict`` returns probabilities where the loss has them, its
            ``predict(output_margin=True)`` margins; both with the start, after a round through a
            file, too.
        """
        boosting.refuse_objective(params, "objective")
        boosting.refuse_balance(params, "scale_pos_weight")
        classes = params.get("num_class")
        needed = self.params(data.get_label(), _weight(data), classes)
        if keywords.get("xgb_model") is not None:  # which has a start
            del needed["base_score"]
        return xgboost.train(
            {**needed, **params},
            data,
            num_boost_round,
            **{"obj": self.objective, "custom_metric": self.metric, **keywords},
        )

    def _fit(
        self,
        params: dict[str, Any],
        rounds: int,
        sets: Sequence[tuple[Any, Array, Array | None]],
        classes: int | None,
    ) -> xgboost.Booster:
        data = [
            xgboost.DMatrix(x, label=y, weight=weight, enable_categorical=True)
            for x, y, weight in sets
        ]
        stop = params.pop("early_stopping_rounds", None)
        evals = [(some, f"validation_{i}") for i, some in enumerate(data[1:])]
        if classes is not None:
            params["num_class"] = classes
        return self.train(
            params, data[0], rounds, evals=evals, early_stopping_rounds=stop, verbose_eval=False
        )

    def _margin_of(self, booster: xgboost.Booster, X: Any) -> Array:
        best = getattr(booster, "best_iteration", -1)  # set where training stopped early
        data = xgboost.DMatrix(X, enable_categorical=True)
        margin: Array = booster.predict(data, output_margin=True, iteration_range=(0, best + 1))
        return margin


class _WrapperMetric:
    """XGBoost shows a metric under its `__name__`, and looks for `sample_weight` by name."""

    def __init__(self, adapter: Adapter) -> None:
        self.adapter = adapter
        self.__name__ = adapter.loss.__name__

    def __call__(self, y_true: Array, y_pred: Array, sample_weight: Array | None = None) -> float:
        return self.adapter.value(y_pred, self.adapter.targets(y_true), sample_weight)


def _weight(data: xgboost.DMatrix) -> Array | None:
    weight: Array = data.get_weight()
    return weight if weight.size else None


@documented
class Classifier(boosting.Classifier):
    """A classifier of scikit-learn's kind that trains XGBoost with a loss of numloss's.

    {estimator}

    Examples
    --------
    >>> import numpy as np
    >>> import numloss
    >>> x = np.arange(200.0)[:, None]
    >>> y = np.where(x[:, 0] > 150, "late", "early")
    >>> model = numloss.xgboost.Classifier("focal", rounds=50, min_child_weight=0.01)
    >>> probabilities = model.fit(x, y).predict_proba(x)
    >>> bool(probabilities[0, 1] < 0.2 and probabilities[-1, 1] > 0.8)
    True
    >>> str(model.predict([[180.0]])[0])
    'late'
    """

    adapter = Adapter


@documented
class Regressor(boosting.Regressor):
    """A regressor of scikit-learn's kind that trains XGBoost with a loss of numloss's.

    {estimator}

    Examples
    --------
    >>> import numpy as np
    >>> import numloss
    >>> x = np.arange(200.0)[:, None]
    >>> model = numloss.xgboost.Regressor("mae", curvature="constant", constant=0.1)
    >>> bool(abs(model.fit(x, x[:, 0]).predict([[50.0]])[0] - 50) < 5)
    True
    """

    adapter = Adapter
