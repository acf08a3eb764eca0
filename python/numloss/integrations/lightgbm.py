"""Losses as objectives and metrics of LightGBM."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import lightgbm
import numpy as np

from numloss._raise import Error
from numloss.integrations import boosting
from numloss.integrations.boosting import documented

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

__all__ = ["Adapter", "Classifier", "Regressor"]

_OBJECTIVE = ("objective", "objective_type", "app", "application", "loss")
_BALANCE = ("scale_pos_weight", "is_unbalance", "unbalance", "unbalanced_sets")
_LINEAR = ("linear_tree", "linear_trees")


@documented
class Adapter(boosting.Adapter):
    """A loss as objective and metric of LightGBM.

    `train` does all that a loss needs: it fits the start and adds it to the leaves of the first
    tree, as LightGBM does for its own losses, so that the booster keeps it in its file. Predictions
    are margins: see `response`. ``objective`` and ``metric`` go into ``lightgbm.train`` by hand,
    `wrapper_objective` and `wrapper_metric` into ``LGBMClassifier`` and ``LGBMRegressor``. Those
    start at 0, unless they are given ``init_score``, which is not part of their predictions.

    Parameters
    ----------
    {parameters}

    Examples
    --------
    >>> import numpy as np
    >>> import lightgbm
    >>> import numloss
    >>> x = np.arange(200.0)[:, None]
    >>> data = lightgbm.Dataset(x, label=x[:, 0] > 150)
    >>> adapter = numloss.lightgbm.Adapter("focal", gamma=1.0)
    >>> booster = adapter.train({"min_child_weight": 0.01, "verbosity": -1}, data, 50)
    >>> probabilities = adapter.response(booster.predict(x))
    >>> bool(probabilities[0] < 0.1 < 0.9 < probabilities[-1])
    True
    """

    def objective(self, margin: Array, data: lightgbm.Dataset) -> tuple[Array, Array]:
        """Return gradient and curvature: the ``objective`` among the parameters of a training."""
        target = self.targets(data.get_label(), data)
        return self._derivatives(margin, target, data.get_weight())

    def metric(self, margin: Array, data: lightgbm.Dataset) -> tuple[str, float, bool]:
        """Return name and mean of the loss, of which less is better: a training's ``feval``."""
        value = self.value(margin, self.targets(data.get_label(), data), data.get_weight())
        return self.loss.__name__, value, False

    # LightGBM counts the parameters of these: three are labels, margins and weights.

    def wrapper_objective(
        self, y_true: Array, y_pred: Array, weight: Array | None
    ) -> tuple[Array, Array]:
        """Return gradient and curvature: the ``objective`` of ``LGBMClassifier``."""
        return self._derivatives(y_pred, self.targets(y_true), weight)

    def wrapper_metric(
        self, y_true: Array, y_pred: Array, weight: Array | None
    ) -> tuple[str, float, bool]:
        """Return name and mean of the loss: the ``eval_metric`` of ``LGBMClassifier.fit``."""
        return self.loss.__name__, self.value(y_pred, self.targets(y_true), weight), False

    def _derivatives(
        self, margin: Array, target: Array, weight: Array | None
    ) -> tuple[Array, Array]:
        out = np.empty_like(margin), np.empty_like(margin)  # over classes in Fortran's order
        self.derivatives(margin, target, weight, out)
        return out

    def train(
        self,
        params: Mapping[str, Any],
        data: lightgbm.Dataset,
        num_boost_round: int = 100,
        **keywords: Any,
    ) -> lightgbm.Booster:
        """Train as ``lightgbm.train`` does, whose arguments these are.

        Returns
        -------
        lightgbm.Booster
            Its ``predict`` returns margins with the start, after a round through a file, too;
            `response` makes probabilities of them.
        """
        boosting.refuse_objective(params, *_OBJECTIVE)
        boosting.refuse_balance(params, *_BALANCE)
        start = self._start_of(data, params.get("num_class"))
        needed = {"metric": "None", **params}
        if self.is_wide:
            needed["num_class"] = np.size(start)
        # A model has a start in its first tree, and rows with scores of their own start from those.
        if keywords.get("init_model") is not None or _given(data, "init_score") is not None:
            start = None
        elif any(params.get(name) for name in _LINEAR):
            raise Error(
                "linear_tree must be False: LightGBM lets nobody add the start to leaves that are "
                "linear; give the data set an init_score, to add to predictions",
                "params",
            )
        at = self._starting_at(start)
        needed["objective"] = at.objective
        booster = lightgbm.train(needed, data, num_boost_round, **{"feval": at.metric, **keywords})
        _carry(booster, start)
        return booster

    def _start_of(self, data: lightgbm.Dataset, classes: int | None) -> Any:
        if data.label is None:  # of a file that has not been read
            data.construct()
        labels, weight = np.asarray(data.get_label()).reshape(-1), _given(data, "weight")
        return self.start(labels, weight, classes)

    def _fit(
        self,
        params: dict[str, Any],
        rounds: int,
        sets: Sequence[tuple[Any, Array, Array | None]],
        classes: int | None,
    ) -> lightgbm.Booster:
        params = {"verbosity": -1, **params}
        if classes is not None:
            params["num_class"] = classes
        (x, y, weight), *others = sets
        data = lightgbm.Dataset(x, label=y, weight=weight)
        watched = [lightgbm.Dataset(x, y, weight=weight, reference=data) for x, y, weight in others]
        return self.train(params, data, rounds, valid_sets=watched or None)

    def _margin_of(self, booster: lightgbm.Booster, X: Any) -> Array:
        margin: Array = booster.predict(X)
        return margin


def _given(data: lightgbm.Dataset, name: str) -> Any:
    try:
        return getattr(data, f"get_{name}")()
    except Exception:  # the only class that LightGBM has for a data set that is not constructed yet
        return getattr(data, name)


def _carry(booster: lightgbm.Booster, start: Any) -> None:
    """Add the start to the first tree, over classes to the first of each class."""
    if start is None:
        return
    leaves = [tree["num_leaves"] for tree in booster.dump_model(num_iteration=1)["tree_info"]]
    for tree, begin in enumerate(np.atleast_1d(start)):
        for leaf in range(leaves[tree]):
            booster.set_leaf_output(tree, leaf, booster.get_leaf_output(tree, leaf) + begin)


@documented
class Classifier(boosting.Classifier):
    """A classifier of scikit-learn's kind that trains LightGBM with a loss of numloss's.

    {estimator}

    Examples
    --------
    >>> import numpy as np
    >>> import numloss
    >>> x = np.arange(200.0)[:, None]
    >>> y = np.where(x[:, 0] > 150, "late", "early")
    >>> model = numloss.lightgbm.Classifier("focal", rounds=50, min_child_weight=0.01)
    >>> probabilities = model.fit(x, y).predict_proba(x)
    >>> bool(probabilities[0, 1] < 0.2 and probabilities[-1, 1] > 0.8)
    True
    >>> str(model.predict([[180.0]])[0])
    'late'
    """

    adapter = Adapter


@documented
class Regressor(boosting.Regressor):
    """A regressor of scikit-learn's kind that trains LightGBM with a loss of numloss's.

    {estimator}

    Examples
    --------
    >>> import numpy as np
    >>> import numloss
    >>> x = np.arange(200.0)[:, None]
    >>> model = numloss.lightgbm.Regressor("mae", curvature="constant", constant=0.1)
    >>> bool(abs(model.fit(x, x[:, 0]).predict([[50.0]])[0] - 50) < 20)
    True
    """

    adapter = Adapter
