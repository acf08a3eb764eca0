"""The tables of docs/coming_from.md: both sides of every row are run, and agree."""

from __future__ import annotations

import os
import re
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "torch")

import jax
import keras
import lightgbm
import numpy as np
import optax
import pytest
import torch
import xgboost
from sklearn import metrics

import numloss

PAGE = (Path(__file__).parents[2] / "docs" / "coming_from.md").read_text()
ROW = re.compile(r"^\| `([^`]+)` \| `([^`]+)` \|", re.MULTILINE)


def rows(library):
    """Return the calls of a table, theirs and ours."""
    section = PAGE.split(f"## {library}\n")[1].split("\n## ")[0]
    found = [pytest.param(*row, id=row[0]) for row in ROW.findall(section)]
    assert found
    return found


def arrays():
    rng = np.random.default_rng(0)
    p, t, x = rng.normal(size=(3, 50))
    y = rng.integers(0, 2, 50).astype(float)
    k = rng.integers(0, 4, 50)
    return {
        "p": p, "t": t, "x": x, "y": y, "s": 2 * y - 1, "chance": rng.uniform(0.05, 0.95, 50),
        "z": rng.normal(size=(50, 4)), "k": k, "q": rng.dirichlet(np.ones(4), 50),
        "n": rng.poisson(2.0, 50).astype(float), "v": rng.gamma(2.0, size=50) + 0.1,
        "w": rng.uniform(0.5, 2, 50), "c": rng.uniform(0.5, 2, 4),
    }  # fmt: skip


def agree(theirs, ours, names, convert):
    given = arrays()
    if "poly" in theirs:  # its soft labels are labels
        given["q"] = np.eye(4)[given["k"]]
    converted = {name: convert(value) for name, value in given.items()}
    expected = np.asarray(eval(theirs, {**names, **converted}))
    found = eval(ours, {"numloss": numloss, "np": np, **given})
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("theirs", "ours"), rows("PyTorch"))
def test_torch(theirs, ours):
    agree(theirs, ours, {"F": torch.nn.functional, "torch": torch}, torch.from_numpy)


@pytest.mark.parametrize(("theirs", "ours"), rows("scikit-learn"))
def test_sklearn(theirs, ours):
    agree(theirs, ours, {"metrics": metrics}, np.asarray)


@pytest.mark.parametrize(("theirs", "ours"), rows("optax"))
def test_optax(theirs, ours):
    def convert(value):
        return value.astype("f4") if value.dtype.kind == "f" else value  # as JAX does

    agree(theirs, ours, {"optax": optax, "jax": jax}, convert)


@pytest.mark.parametrize(("theirs", "ours"), rows("Keras"))
def test_keras(theirs, ours):
    agree(theirs, ours, {"losses": keras.losses}, lambda value: value)


def features(params):
    """Draw features and the labels that an objective takes."""
    rng = np.random.default_rng(1)
    x = rng.normal(size=(400, 3))
    mean = x[:, 0] + np.abs(x[:, 1])
    if "binary" in params["objective"]:
        return x, (mean + rng.normal(size=400) > 1).astype(float)
    if any(name in params["objective"] for name in ("poisson", "gamma", "tweedie", "log", "mape")):
        return x, rng.poisson(np.exp(0.5 * mean)) + 1.0
    return x, mean + 0.2 * rng.normal(size=400)


@pytest.mark.parametrize(("theirs", "ours"), rows("LightGBM"))
def test_lightgbm(theirs, ours):
    known = {"verbosity": -1, "num_threads": 1, "num_leaves": 8}
    x, y = features(params := eval(theirs))
    expected = lightgbm.train({**known, **params}, lightgbm.Dataset(x, label=y), 10)
    adapter = eval(ours, {"Adapter": numloss.lightgbm.Adapter})
    found = adapter.train(known, lightgbm.Dataset(x, label=y), 10)
    raw = expected.predict(x, raw_score=True)
    np.testing.assert_allclose(found.predict(x), raw, atol=1e-5 * np.abs(raw).max())


@pytest.mark.parametrize(("theirs", "ours"), rows("XGBoost"))
def test_xgboost(theirs, ours):
    known = {"nthread": 1, "max_depth": 3}
    x, y = features(params := eval(theirs))
    data = xgboost.DMatrix(x, label=y)
    adapter = eval(ours, {"Adapter": numloss.xgboost.Adapter})
    base = adapter.params(y)["base_score"]
    expected = xgboost.train({**known, **params, "base_score": base}, data, 10)
    found = adapter.train(known, data, 10)
    margins = [model.predict(data, output_margin=True) for model in (found, expected)]
    np.testing.assert_allclose(*margins, atol=1e-5 * np.abs(margins[1]).max())
