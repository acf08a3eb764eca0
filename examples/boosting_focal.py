"""Focal loss against log loss on imbalanced data, by average precision.

Two sets that scikit-learn ships: digits, the 8 against the rest (174 of 1797 rows), and breast
cancer, of whose malignant rows every tenth is kept (22 of 379). XGBoost trains with each loss of
numloss's on the same folds, with the same settings: `python examples/boosting_focal.py`.
"""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.metrics import average_precision_score
from sklearn.model_selection import RepeatedStratifiedKFold

import numloss

Array = NDArray[Any]

#: The losses by what the table calls them.
LOSSES = {
    "log loss": ("binary_cross_entropy", {}),
    "focal, gamma 0.5": ("focal", {"gamma": 0.5, "alpha": None}),
    "focal, gamma 1": ("focal", {"gamma": 1.0, "alpha": None}),
    "focal, gamma 2": ("focal", {"gamma": 2.0, "alpha": None}),
    "focal, gamma 2, alpha 0.25": ("focal", {"gamma": 2.0, "alpha": 0.25}),
}
#: Of XGBoost. The Hessian of a focal loss is small, and min_child_weight is a bound on its sum.
SETTINGS = {"max_depth": 4, "learning_rate": 0.2, "min_child_weight": 0.05, "nthread": 1}


def digits() -> tuple[Array, Array]:
    """Return the images, and whether each is an 8."""
    x, y = load_digits(return_X_y=True)
    return x, y == 8


def breast_cancer() -> tuple[Array, Array]:
    """Return the measurements, and whether a tumour is malignant, which few of those left are."""
    x, y = load_breast_cancer(return_X_y=True)
    malignant = y == 0
    kept = ~malignant
    kept[np.flatnonzero(malignant)[::10]] = True
    return x[kept], malignant[kept]


def precisions(x: Array, y: Array, repeats: int, rounds: int) -> dict[str, Array]:
    """Return the average precision of each loss in each fold."""
    folds = list(RepeatedStratifiedKFold(n_splits=5, n_repeats=repeats, random_state=0).split(x, y))
    found = {}
    for name, (loss, options) in LOSSES.items():
        model = numloss.xgboost.Classifier(
            loss, loss_options=options, curvature="absolute", rounds=rounds, **SETTINGS
        )
        found[name] = np.array(
            [
                average_precision_score(
                    y[test], model.fit(x[train], y[train]).predict_proba(x[test])[:, 1]
                )
                for train, test in folds
            ]
        )
    return found


def table(repeats: int, rounds: int) -> list[str]:
    """Return the lines of a table in Markdown."""
    lines = [
        "| | loss | average precision | lead over log loss | folds won, lost |",
        "|---|---|---|---|---|",
    ]
    for data in (digits, breast_cancer):
        found = precisions(*data(), repeats, rounds)
        for name, values in found.items():
            lead = values - found["log loss"]
            more = f"{lead.mean():+.4f} | {(lead > 0).sum()}, {(lead < 0).sum()} of {lead.size}"
            title = data.__name__.replace("_", " ")
            lines.append(
                f"| {title} | {name} | {values.mean():.4f} | "
                f"{'| ' if name == 'log loss' else more} |"
            )
    return lines


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=4, help="of five folds")
    parser.add_argument("--rounds", type=int, default=60, help="of boosting")
    print("\n".join(table(**vars(parser.parse_args()))))
