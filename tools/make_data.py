"""Writes the files of data/: what real models predict on real data sets.

Run ``python tools/make_data.py`` from the repository root; data/README.md says what the files
hold, where the sets come from and which versions wrote the files in the repository. Every
prediction is out of fold: the model that made it has not seen its row.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.model_selection import KFold, StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC
from statsmodels.datasets import anes96

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from sklearn.base import BaseEstimator

# Predictions keep four decimals. The solvers stop far below that, so that another processor or
# another linear-algebra library writes the same digits.
DECIMALS = 4


def logistic_regression(C: float = 1.0) -> BaseEstimator:
    """L2-penalised logistic regression on standardised features, solved to the last digits."""
    model = LogisticRegression(C=C, solver="newton-cholesky", tol=1e-10, max_iter=1000)
    return make_pipeline(StandardScaler(), model)


def out_of_fold(
    model: BaseEstimator,
    features: NDArray[Any],
    target: NDArray[Any],
    method: str = "decision_function",
) -> NDArray[np.float64]:
    """Predictions of ten fits, each for the tenth of the rows that it was not shown."""
    kind = KFold if method == "predict" else StratifiedKFold
    folds = kind(n_splits=10, shuffle=True, random_state=0)
    predicted = cross_val_predict(model, features, target, cv=folds, method=method)
    return np.round(predicted, DECIMALS)


def vectors(rows: NDArray[Any], dtype: Any = np.float32) -> pa.FixedSizeListArray:
    """One column holding a vector for each row."""
    flat = pa.array(rows.astype(dtype).ravel())
    return pa.FixedSizeListArray.from_arrays(flat, rows.shape[1])


def write_digits(folder: Path) -> None:
    """Logits of a linear model and the softer opinion of a stronger one, ten classes."""
    images, label = load_digits(return_X_y=True)
    logits = out_of_fold(logistic_regression(C=0.1), images, label)
    trees = ExtraTreesClassifier(n_estimators=500, random_state=0)
    teacher = out_of_fold(trees, images, label, method="predict_proba")
    shares = (teacher / teacher.sum(axis=1, keepdims=True)).astype(np.float32)
    ink = images.sum(axis=1)
    table = pa.table(
        {
            "label": label.astype(np.int8),
            "ink": np.where(ink > np.median(ink), "heavy", "light"),
            "logits": vectors(logits),
            "teacher": vectors(shares),
            "plausible": vectors(shares >= np.float32(0.05), np.int8),
        }
    )
    pq.write_table(table, folder / "digits.parquet", compression="zstd", compression_level=19)


def write_breast_cancer(folder: Path) -> None:
    """Log-odds of a logistic regression and the margin of a linear SVM, two classes."""
    features, benign = load_breast_cancer(return_X_y=True)
    malignant = 1 - benign
    radius = features[:, 0]
    score = out_of_fold(logistic_regression(), features, malignant)
    svm = LinearSVC(loss="hinge", C=0.1, tol=1e-8, max_iter=1_000_000, random_state=0)
    margin = out_of_fold(make_pipeline(StandardScaler(), svm), features, malignant)
    sizes = np.array(["small", "medium", "large"])
    frame = pd.DataFrame(
        {
            "label": malignant,
            "label_signed": 2 * malignant - 1,
            "size": sizes[np.searchsorted(np.quantile(radius, [1 / 3, 2 / 3]), radius)],
            "score": score,
            # Twelve decimals: a probability next to 1 has its information in the last ones.
            "probability": np.round(1 / (1 + np.exp(-score)), 12),
            "margin": margin,
        }
    )
    frame.to_csv(folder / "breast_cancer.csv", index=False)


def write_diabetes(folder: Path) -> None:
    """Disease progression after a year, predicted by ridge regression."""
    features, target = load_diabetes(return_X_y=True, scaled=False)
    ridge = make_pipeline(StandardScaler(), RidgeCV(alphas=np.logspace(-1, 3, 9)))
    sex = features[:, 1].astype(int)
    prediction = out_of_fold(ridge, features, target, method="predict")
    _, coded, count = np.unique(sex, return_inverse=True, return_counts=True)
    np.savez_compressed(
        folder / "diabetes.npz",
        prediction=prediction,
        target=target,
        members=members_of(prediction, target),
        # Both sexes count the same in all.
        weight=np.round(len(sex) / (2 * count[coded]), DECIMALS),
        sex=sex.astype(np.int8),
        age=np.where(features[:, 0] < 50, "under 50", "50 and over"),
    )


def members_of(prediction: NDArray[np.float64], target: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return an ensemble around each prediction, as far off as predictions are."""
    spread = np.quantile(target - prediction, (np.arange(9) + 0.5) / 9)
    return np.round(prediction[:, None] + spread, DECIMALS)


def write_thresholds(folder: Path) -> None:
    """Of the logits of the voters' classes: those of being above, and not above, each of six."""
    voters = pd.read_csv(folder / "anes96.csv")
    logits = voters[[f"logit_{k}" for k in range(7)]].to_numpy()
    shares = np.exp(logits - logits.max(axis=1, keepdims=True))
    up_to = np.cumsum(shares, axis=1)[:, :-1]
    beyond = np.cumsum(shares[:, ::-1], axis=1)[:, -2::-1]
    below = np.round(np.log(up_to / beyond), DECIMALS).astype(np.float32)
    np.savez_compressed(
        folder / "thresholds.npz",
        label=voters["label"].to_numpy(np.int8),
        party=voters["party"].to_numpy(str),
        below=below,
        above=-below,
    )


def write_anes96(folder: Path) -> None:
    """Where voters place themselves from left to right, seven ordered classes, with features."""
    survey = anes96.load_pandas().data
    features = survey.drop(columns=["selfLR", "popul"])
    label = survey["selfLR"].to_numpy().astype(int) - 1
    logits = out_of_fold(logistic_regression(), features.to_numpy(), label)
    party = np.array(["democrat", "independent", "republican"])
    frame = pd.DataFrame({"label": label, "party": party[np.digitize(survey["PID"], [1.5, 4.5])]})
    for k in range(logits.shape[1]):
        frame[f"logit_{k}"] = logits[:, k]
    whole = features.drop(columns="logpopul").astype(int)
    frame = frame.join(whole).join(features["logpopul"].round(DECIMALS))
    frame.to_csv(folder / "anes96.csv", index=False)


def main(folder: Path) -> None:
    """Write the five files into ``folder``."""
    for write in (write_digits, write_breast_cancer, write_diabetes, write_anes96):
        write(folder)
    write_thresholds(folder)


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "data"))
