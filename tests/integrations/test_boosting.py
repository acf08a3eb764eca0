"""The adapters of XGBoost, LightGBM and CatBoost, each against the library itself."""

import copy
import doctest
import gc
import pickle
import runpy
import subprocess
import sys
import weakref
from pathlib import Path

import catboost
import lightgbm
import numpy as np
import pytest
import sklearn
import xgboost
from scipy import optimize, special, stats
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV, KFold, cross_val_score

import numloss
from numloss.integrations import boosting

ROOT = Path(__file__).parents[2]
HOSTS = {
    "xgboost": numloss.xgboost, "lightgbm": numloss.lightgbm, "catboost": numloss.catboost,
}  # fmt: skip


def takes(loss, curvature):
    try:
        return numloss.xgboost.Adapter(loss, curvature=curvature)
    except numloss.Error:
        return None


#: Losses whose margins are one number, or one for each class, with labels or numbers as targets.
LOSSES = [name for name in numloss.LOSSES if (x := takes(name, "constant")) and not x._is_pair]
#: Those that are least for some margin, as that of a distance is not.
BOUNDED = [name for name in LOSSES if name != "hinge_embedding"]
#: Those without a second derivative.
FLAT = [name for name in LOSSES if takes(name, "exact") is None]
QUIET = {
    "xgboost": {"nthread": 1, "max_depth": 3, "min_child_weight": 0.0},
    "lightgbm": {"num_threads": 1, "num_leaves": 8, "min_child_weight": 0.0},
    "catboost": {"thread_count": 1, "depth": 3, "learning_rate": 0.3},
}
rng = np.random.default_rng(5)


def adapter_of(host, loss, **keywords):
    if loss in FLAT:
        keywords.setdefault("curvature", "constant")
    return HOSTS[host].Adapter(loss, **keywords)


def kind_of(loss):
    if numloss.LOSSES[loss].rowwise:
        return "classes"
    return "two" if numloss.LOSSES[loss].domain in ("unit interval", "signs") else "numbers"


def data_of(kind, rows=None):
    """Return features and labels of a real set."""
    load = {"classes": load_iris, "two": load_breast_cancer, "numbers": load_diabetes}[kind]
    x, y = load(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(y))[:rows]
    return x[order].astype(np.float32), y[order].astype(np.float32)


def expected(loss, margin, labels, weight, options=None):
    """Return gradient and Hessian row by row, weighted after the fact."""
    target = labels
    if kind_of(loss) == "classes":
        target = labels.astype(int)
    elif numloss.LOSSES[loss].domain == "signs":
        target = labels.astype(bool)
    each = numloss.LOSSES[loss].grad_and_hess(margin, target, reduction="none", **(options or {}))
    w = weight[:, None] if margin.ndim == 2 else weight
    return [(w * part.astype(np.float64)) for part in each]


def margins(kind, labels, dtype):
    shape = (len(labels), 3) if kind == "classes" else labels.shape
    return rng.normal(size=shape).astype(dtype)


def margins_of(loss, labels, dtype):
    """Draw margins that the loss takes."""
    margin = margins(kind_of(loss), labels, dtype)
    return abs(margin) if numloss.LOSSES[loss].prediction_above > -np.inf else margin


# ------------------------------------------------------------------------------------- derivatives


def test_what_boosters_have_no_place_for():
    refused = {name for name in numloss.LOSSES if takes(name, "constant") is None}
    others = {name for name in numloss.LOSSES if numloss.LOSSES[name].domain == "ordered labels"}
    others |= {*numloss.segmentation.__all__, *numloss.ranking.__all__, "cox"}
    others |= {*numloss.similarity.__all__, *numloss.sequence.__all__}
    assert refused - others == {
        "kl_divergence", "multilabel_margin", "nll", "crps_ensemble", "crps_quantile",
    }  # fmt: skip
    with pytest.raises(numloss.Error, match="got coral, which takes a number for each threshold"):
        numloss.xgboost.Adapter("coral")
    labels = np.array([0.0, 1.0, 1.0])
    with pytest.raises(numloss.Error, match="loss must be least somewhere"):
        numloss.xgboost.Adapter("hinge_embedding", curvature="constant").start(labels)
    assert set(FLAT) >= {"mae", "quantile", "hinge", "multiclass_hinge"}


@pytest.mark.parametrize("loss", LOSSES)
def test_xgboost_gets_sums_of_its_type_and_order_weighted_once(loss):
    x, y = data_of(kind_of(loss), 60)
    w = np.linspace(0.5, 2, len(y), dtype=np.float32)
    margin = margins_of(loss, y, np.float32)
    adapter = adapter_of("xgboost", loss)
    g, h = adapter.objective(margin, xgboost.DMatrix(x, label=y, weight=w))
    assert g.dtype == h.dtype == np.float32
    assert g.shape == h.shape == margin.shape
    assert g.flags.c_contiguous
    gradient, hessian = expected(loss, margin, y, w)
    if loss in FLAT:
        hessian = np.broadcast_to(w[:, None] if margin.ndim == 2 else w, margin.shape)
    np.testing.assert_allclose(g, gradient, rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(h, np.maximum(hessian, 1e-16 * w.min()), rtol=1e-6, atol=1e-7)
    call = {"weight": w, "reduction": "sum"}
    assert np.array_equal(g, adapter.loss.grad(margin, adapter.targets(y), **call))  # the same bits
    again = adapter.wrapper_objective(y, margin, sample_weight=w)
    assert np.array_equal(g, again[0])
    assert np.array_equal(h, again[1])
    plain = adapter.objective(margin, xgboost.DMatrix(x, label=y))[0]
    assert np.array_equal(plain, adapter.wrapper_objective(y, margin)[0])


@pytest.mark.parametrize("loss", LOSSES)
def test_lightgbm_gets_its_order_and_weights_once(loss):
    x, y = data_of(kind_of(loss), 60)
    w = rng.uniform(0.5, 2, len(y)).astype(np.float32)
    margin = np.asfortranarray(margins_of(loss, y, np.float64))
    adapter = adapter_of("lightgbm", loss)
    data = lightgbm.Dataset(x, label=y, weight=w).construct()
    g, h = adapter.objective(margin, data)
    assert g.flags.f_contiguous
    assert h.flags.f_contiguous
    gradient, hessian = expected(loss, margin, y, w.astype(np.float64))
    if loss in FLAT:
        hessian = np.broadcast_to(w[:, None] if margin.ndim == 2 else w, margin.shape)
    np.testing.assert_allclose(g, gradient, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(h, np.maximum(hessian, 1e-16 * w.min()), rtol=1e-12, atol=1e-14)
    call = {"weight": w, "reduction": "sum"}
    assert np.array_equal(g, adapter.loss.grad(margin, adapter.targets(y), **call))  # the same bits
    assert np.array_equal(g, adapter.wrapper_objective(y, margin, w)[0])


@pytest.mark.parametrize("loss", LOSSES)
def test_catboost_gets_derivatives_of_the_negative_loss(loss):
    _, y = data_of(kind_of(loss), 60)
    w = rng.uniform(0.5, 2, len(y)).astype(np.float32)
    margin = margins_of(loss, y, np.float64)
    adapter = adapter_of("catboost", loss)
    objective = adapter.objective
    gradient, hessian = expected(loss, margin, y, w.astype(np.float64))
    if loss in FLAT:
        hessian = np.broadcast_to(w[:, None] if margin.ndim == 2 else w, margin.shape)
    if margin.ndim == 2:
        found = [objective.calc_ders_multi(*row) for row in zip(margin, y, w, strict=True)]
        first = np.array([g for g, _ in found])
        second = np.array([np.diag(h) for _, h in found])
        assert all(np.array_equal(h, np.diag(np.diag(h))) for _, h in found)
    else:
        pairs = objective.calc_ders_range(margin, y, w)
        assert type(pairs) is np.ndarray
        assert pairs.shape == (len(y), 2)
        first, second = pairs.T
    np.testing.assert_allclose(first, -gradient, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(second, -np.maximum(hessian, 1e-16), rtol=1e-12, atol=1e-14)
    assert (second <= 0).all()
    call = {"weight": w.astype(np.float64), "reduction": "sum"}
    same = adapter.loss.grad(margin, adapter.targets(y), **call)
    assert np.array_equal(first, -same)


def test_options_reach_the_loss():
    x, y = data_of("classes", 60)
    margin = margins("classes", y, np.float32)
    options = {"class_weight": [1.0, 2.0, 5.0], "label_smoothing": 0.1}
    g, _ = numloss.xgboost.Adapter("cross_entropy", **options).objective(
        margin, xgboost.DMatrix(x, label=y)
    )
    gradient, _ = expected("cross_entropy", margin, y, np.ones(60), options)
    np.testing.assert_allclose(g, gradient, rtol=1e-6, atol=1e-7)


# --------------------------------------------------------------------------------------- curvature


def curvatures(loss, margin, labels, weight=None, **keywords):
    adapter = numloss.lightgbm.Adapter(loss, **keywords)
    return adapter.wrapper_objective(labels, margin, weight)[1]


def test_rules_over_classes_are_their_formulas():
    margin, y = rng.normal(size=(50, 4)), rng.integers(0, 4, 50).astype(np.float32)
    w = rng.uniform(0.5, 2, 50)
    p = special.softmax(margin, axis=1)
    rules = {
        "exact": p * (1 - p),
        "absolute": p * (1 - p),
        "upper_bound": 2 * p * (1 - p),
        "friedman": 4 / 3 * p * (1 - p),
        "gradient": abs(p - np.eye(4)[y.astype(int)]),
        "constant": np.full_like(p, 0.7),
    }
    assert tuple(rules) == numloss._curvature.RULES
    for rule, wanted in rules.items():
        found = curvatures("cross_entropy", margin, y, w, curvature=rule, constant=0.7)
        np.testing.assert_allclose(found, wanted * w[:, None], rtol=1e-12, atol=1e-15)


def test_twice_the_diagonal_bounds_the_hessian_over_classes():
    margin = rng.normal(size=(20, 5))
    bound = curvatures("cross_entropy", margin, np.zeros(20), curvature="upper_bound")
    for row, d in zip(special.softmax(margin, axis=1), bound, strict=True):
        hessian = np.diag(row) - np.outer(row, row)
        assert np.linalg.eigvalsh(np.diag(d) - hessian).min() > -1e-15


@pytest.mark.parametrize(
    ("loss", "options", "largest"),
    [
        ("mse", {}, 2.0), ("huber", {"delta": 3.0}, 1.0), ("binary_cross_entropy", {}, 0.25),
        ("smooth_l1", {"beta": 0.5}, 2.0), ("cauchy", {"c": 3.0}, 1.0),
        ("tukey_biweight", {}, 1.0), ("expectile", {"q": 0.9}, 1.8), ("log_cosh", {}, 1.0),
        ("binary_cross_entropy", {"pos_weight": 4.0}, 1.0), ("focal", {}, None),
        ("focal", {"gamma": 0.5, "alpha": None}, None), ("squared_hinge", {}, 2.0),
    ],
)  # fmt: skip
def test_upper_bound_of_one_margin_is_the_largest_second_derivative(loss, options, largest):
    margin = rng.uniform(-20, 20, 20_000)
    y = rng.integers(0, 2, margin.size).astype(np.float32)
    bound = curvatures(loss, margin, y, curvature="upper_bound", **options)
    exact = expected(loss, margin, y, np.ones_like(margin), options)[1]
    assert (bound == bound[0]).all()
    assert 1.0 <= bound[0] / exact.max() < 1.003
    if largest is not None:
        assert bound[0] == pytest.approx(largest, rel=2e-3)


def test_floor_and_absolute_value_where_a_loss_is_not_convex():
    margin, y = np.linspace(-6, 6, 101), np.ones(101, np.float32)
    w = np.full(101, 2.0)
    exact = expected("focal", margin, y, w)[1]
    assert (exact < 0).any()
    floored = curvatures("focal", margin, y, w, floor=1e-3)
    assert np.array_equal(floored, np.maximum(exact, 2e-3))
    assert np.array_equal(
        curvatures("focal", margin, y, w, curvature="absolute"), np.maximum(abs(exact), 2e-16)
    )


def test_constant_curvature_counts_what_the_loss_counts():
    y = np.array([0, 1, -100, 2], np.float32)
    h = curvatures(
        "cross_entropy", np.zeros((4, 3)), y, curvature="constant", class_weight=[1.0, 2.0, 3.0]
    )
    assert np.array_equal(h, np.array([1, 2, 0, 3])[:, None] * np.ones(3))


def test_scale_is_that_of_boosters_squared_error():
    margin, y, w = rng.normal(size=9), rng.normal(size=9).astype("f4"), rng.uniform(1, 2, 9)
    adapter = numloss.lightgbm.Adapter("mse", scale=0.5)
    g, h = adapter.wrapper_objective(y, margin, w)
    np.testing.assert_allclose(g, w * (margin - y), rtol=1e-15)
    assert np.array_equal(h, w)


@pytest.mark.parametrize("loss", FLAT)
@pytest.mark.parametrize("rule", ["exact", "absolute", "upper_bound", "friedman"])
def test_losses_without_curvature_say_what_to_choose(loss, rule):
    message = r"has a second derivative of 0.*curvature='constant'"
    if rule == "friedman" and not numloss.LOSSES[loss].rowwise:
        message = "is for losses over classes"
    with pytest.raises(numloss.Error, match=message):
        numloss.xgboost.Adapter(loss, curvature=rule)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"loss": "softmax_focal", "curvature": "upper_bound"}, r"use 'absolute'"),
        ({"loss": "msle", "curvature": "upper_bound"}, r"has no upper bound: use .*'exact'"),
        ({"loss": "mse", "curvature": "friedman"}, r"is for losses over classes, got mse"),
        ({"loss": "mse", "curvature": "newton"}, r"curvature must be 'exact', 'absolute', .*"),
        ({"loss": "mse", "floor": 0.0}, r"floor must be positive and finite, got 0.0"),
        ({"loss": "mse", "constant": np.inf}, r"constant must be positive and finite, got inf"),
        ({"loss": "mse", "scale": "x"}, r"scale must be a number, got 'x'"),
        ({"loss": "gaussian_nll", "curvature": "friedman"}, r"is for losses over classes"),
        ({"loss": "gaussian_nll", "curvature": "upper_bound"}, r"use 'absolute'"),
        ({"loss": "kl_divergence"}, r"must take labels.*got kl_divergence"),
        ({"loss": "kl_divergence", "curvature": "constant"}, r"must take labels"),
        ({"loss": "quantile", "q": [0.1, 0.9]}, r"q must be a number"),
        ({"loss": "accuracy"}, r"must be a loss, got the metric accuracy"),
        ({"loss": "focal", "from_logits": False}, r"from_logits is not for boosting"),
        ({"loss": "cross_entropy", "axis": 0}, r"axis is not for boosting"),
        ({"loss": "focal", "gama": 1.0}, r"no option 'gama'.*gamma"),
        ({"loss": "focall"}, r"no loss is named 'focall'"),
    ],
)
def test_refusals(arguments, message):
    loss = arguments.pop("loss")
    with pytest.raises(numloss.Error, match=message):
        numloss.xgboost.Adapter(loss, **arguments)


# ------------------------------------------------------------------------------------------- start


def test_starts_are_the_closed_forms():
    y = rng.normal(3, 2, 501).astype(np.float32)
    w = rng.uniform(0.5, 2, 501)
    two = (rng.random(501) < 0.1).astype(np.float32)
    three = rng.integers(0, 3, 501).astype(np.float32)
    wide = y.astype(np.float64)

    def start(loss, *arguments, **options):
        return adapter_of("xgboost", loss, **options).start(*arguments)

    assert start("mse", y, w) == pytest.approx(np.average(wide, weights=w), rel=1e-12)
    assert start("mae", y) == pytest.approx(np.median(wide), rel=1e-12)
    assert start("quantile", y, q=0.9) == pytest.approx(np.sort(wide)[450], rel=1e-12)
    assert start("binary_cross_entropy", two, w) == pytest.approx(
        special.logit(np.average(two, weights=w)), rel=1e-12
    )
    shares = np.bincount(three.astype(int), w) / w.sum()
    assert start("cross_entropy", three, w) == pytest.approx(np.log(shares), rel=1e-12)


@pytest.mark.parametrize("loss", BOUNDED)
def test_no_other_constant_is_better(loss):
    y = data_of(kind_of(loss))[1]
    w = rng.uniform(0.5, 2, len(y))
    adapter = adapter_of("xgboost", loss)
    start = np.asarray(adapter.start(y, w))

    def value(c):
        margin = np.broadcast_to(np.asarray(c, float), (len(y), *start.shape))
        return adapter.value(margin, adapter.targets(y), w)

    least = value(start)
    for other in [np.zeros_like(start), *(start + rng.normal(scale=0.5, size=(50, *start.shape)))]:
        assert value(other) >= least - 1e-9
    if loss not in FLAT:
        found = optimize.minimize(lambda c: value(c.reshape(start.shape)), np.ravel(start))
        assert least <= found.fun + 1e-7 * abs(found.fun)


def test_start_of_labels_that_are_all_the_same():
    adapter = numloss.xgboost.Adapter("binary_cross_entropy")
    assert adapter.start(np.ones(9)) == 30.0
    assert adapter.start(np.zeros(9)) == -30.0
    assert numloss.xgboost.Adapter("mse").start(np.zeros(9)) == 0.0
    absent = numloss.xgboost.Adapter("cross_entropy").start([0, 1], classes=3)
    assert absent[2] == -30.0


def test_start_leaves_out_what_does_not_count():
    adapter = numloss.xgboost.Adapter("cross_entropy", class_weight=[1.0, 3.0])
    start = adapter.start(np.array([0, 1, 1, -100, 0, 1]), np.array([1.0, 1, 1, 50, 1, 0]))
    assert special.softmax(start) == pytest.approx([2 / 8, 6 / 8])


def test_start_refuses_what_it_cannot_use():
    with pytest.raises(numloss.Error, match=r"must be whole numbers, got 0\.5 at index 1"):
        numloss.xgboost.Adapter("cross_entropy").start(np.array([0.0, 0.5]))
    with pytest.raises(numloss.Error, match="must be 0 and 1, or -1 and 1"):
        numloss.xgboost.Adapter("squared_hinge").start(np.array([0.0, 2.0]))
    with pytest.raises(numloss.Error, match="must be below 2, got 2"):
        numloss.xgboost.Adapter("cross_entropy").start([0, 1, 2], classes=2)
    with pytest.raises(numloss.Error, match="must be finite"):
        numloss.xgboost.Adapter("mse").start([0.0, np.nan])
    with pytest.raises(numloss.Error, match="target"):
        numloss.xgboost.Adapter("binary_cross_entropy").start([0.0, 2.0])
    with pytest.raises(numloss.Error, match="must be of two classes or more"):
        numloss.xgboost.Adapter("cross_entropy").start([0, 0])
    for loss in ("mse", "cross_entropy", "gaussian_nll"):
        with pytest.raises(numloss.Error, match="weight must have a positive sum"):
            numloss.xgboost.Adapter(loss).start([0, 1], [0, 0])
    with pytest.raises(numloss.Error, match="labels must hold at least one example"):
        numloss.xgboost.Adapter("mse").start([])


# ------------------------------------------------------------------------- built-in runs reproduced

SAME = {
    "numbers": ("mse", {"scale": 0.5}, "reg:squarederror", "regression", "RMSE"),
    "two": ("binary_cross_entropy", {}, "binary:logistic", "binary", "Logloss"),
    "classes": ("cross_entropy", {}, "multi:softprob", "multiclass", "MultiClass"),
}
WEIGHTED = pytest.mark.parametrize("weighted", [False, True])


def drawn(kind, weighted, rows=None):
    x, y = data_of(kind, rows)
    w = np.random.default_rng(1).uniform(0.5, 2, len(y)).astype(np.float32) if weighted else None
    return x, y, w


@WEIGHTED
@pytest.mark.parametrize("kind", SAME)
def test_xgboost_runs_as_its_own_loss(kind, weighted):
    x, y, w = drawn(kind, weighted)
    loss, options, built_in, *_ = SAME[kind]
    if kind == "classes":
        options = {"curvature": "upper_bound"}
    data = xgboost.DMatrix(x, label=y, weight=w)
    adapter = numloss.xgboost.Adapter(loss, **options)
    params = {"max_depth": 3, "eta": 0.3, "nthread": 1, "tree_method": "hist"}
    ours = adapter.train(params, data, 30)
    needed = {name: adapter.params(y, w)[name] for name in ("base_score", "objective")}
    assert needed["objective"] == built_in
    known = {"num_class": 3} if kind == "classes" else {}
    theirs = xgboost.train({**params, **known, **needed}, data, 30)
    same_trees(ours.trees_to_dataframe(), theirs.trees_to_dataframe())
    a, b = (booster.predict(data, output_margin=True) for booster in (ours, theirs))
    assert np.abs(a - b).max() <= 2e-6 * np.abs(b).max()
    # Their own start is ours, but for a number that the softmax does not see.
    alone = xgboost.train({**params, **known, "objective": built_in}, data, 30)
    np.testing.assert_allclose(alone.predict(data), ours.predict(data), rtol=2e-4, atol=2e-6)


def same_trees(ours, theirs):
    for column in ("Tree", "Node", "Feature", "Split"):
        assert ours[column].equals(theirs[column])


@WEIGHTED
@pytest.mark.parametrize("kind", SAME)
def test_lightgbm_runs_as_its_own_loss(kind, weighted):
    x, y, w = drawn(kind, weighted)
    loss, options, _, built_in, _ = SAME[kind]
    known = {"num_class": 3} if kind == "classes" else {}
    if kind == "classes":
        options = {"curvature": "friedman"}
    params = {"num_leaves": 8, "verbosity": -1, "num_threads": 1, "force_row_wise": True, **known}
    ours = numloss.lightgbm.Adapter(loss, **options).train(
        params, lightgbm.Dataset(x, label=y, weight=w), 30
    )
    theirs = lightgbm.train(
        {**params, "objective": built_in}, lightgbm.Dataset(x, label=y, weight=w), 30
    )
    same_splits(ours, theirs)
    a, b = (booster.predict(x, raw_score=True) for booster in (ours, theirs))
    assert np.abs(a - b).max() <= 1e-8 * np.abs(b).max()


def same_splits(ours, theirs):
    for column in ("tree_index", "node_depth", "split_feature", "threshold"):
        assert ours.trees_to_dataframe()[column].equals(theirs.trees_to_dataframe()[column])


#: Losses of a mean's logarithm: XGBoost's and LightGBM's names, and what makes theirs the loss's
#: own curvature, which they inflate for counts.
OF_LOGARITHMS = {
    "poisson": ("count:poisson", {"max_delta_step": 0}, {"poisson_max_delta_step": 1e-12}),
    "gamma": ("reg:gamma", {}, {}),
    "tweedie": (
        "reg:tweedie", {"tweedie_variance_power": 1.5}, {"tweedie_variance_power": 1.5}
    ),
}  # fmt: skip


def amounts():
    generator = np.random.default_rng(5)
    x = generator.uniform(size=(600, 3)).astype(np.float32)
    return x, generator.poisson(np.exp(2 * x[:, 0])) + np.float32(0.5)


@pytest.mark.parametrize("loss", OF_LOGARITHMS)
def test_xgboost_runs_as_its_own_loss_of_logarithms(loss):
    x, y = amounts()
    data = xgboost.DMatrix(x, label=y)
    built_in, more, _ = OF_LOGARITHMS[loss]
    adapter = numloss.xgboost.Adapter(loss)
    params = {"max_depth": 3, "eta": 0.3, "nthread": 1, "tree_method": "hist"}
    ours = adapter.train(params, data, 20)
    start = adapter.params(y)["base_score"]
    assert start == pytest.approx(y.mean(), rel=1e-6)
    theirs = xgboost.train({**params, **more, "objective": built_in, "base_score": start}, data, 20)
    same_trees(ours.trees_to_dataframe(), theirs.trees_to_dataframe())
    np.testing.assert_allclose(ours.predict(data), theirs.predict(data), rtol=1e-5)
    margin = ours.predict(data, output_margin=True)
    np.testing.assert_allclose(adapter.response(margin), ours.predict(data), rtol=1e-6)


@pytest.mark.parametrize("loss", OF_LOGARITHMS)
def test_lightgbm_runs_as_its_own_loss_of_logarithms(loss):
    x, y = amounts()
    *_, more = OF_LOGARITHMS[loss]
    params = {"num_leaves": 8, "verbosity": -1, "num_threads": 1, "force_row_wise": True}
    adapter = numloss.lightgbm.Adapter(loss)
    ours = adapter.train(params, lightgbm.Dataset(x, label=y), 20)
    theirs = lightgbm.train({**params, **more, "objective": loss}, lightgbm.Dataset(x, label=y), 20)
    same_splits(ours, theirs)
    margins = [booster.predict(x, raw_score=True) for booster in (ours, theirs)]
    np.testing.assert_allclose(*margins, rtol=1e-6)
    np.testing.assert_allclose(adapter.response(margins[0]), theirs.predict(x), rtol=1e-6)


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("loss", OF_LOGARITHMS)
def test_means_are_predicted_not_their_logarithms(loss, host):
    x, y = amounts()
    model = HOSTS[host].Regressor(loss, rounds=30, **QUIET[host]).fit(x, y)
    found = model.predict(x)
    assert (found > 0).all()
    assert found.mean() == pytest.approx(y.mean(), rel=0.1)
    assert not hasattr(model, "predict_parameters")


def test_lightgbm_huber_runs_as_its_own_loss():
    """Its Hessian is 1 everywhere, and its start the mean, which is not the best of constants."""
    x, y = data_of("numbers")
    params = {"num_leaves": 8, "verbosity": -1, "num_threads": 1, "force_row_wise": True}
    adapter = numloss.lightgbm.Adapter("huber", delta=30.0, curvature="constant")
    mean = float(y.astype(np.float64).mean())
    ours = lightgbm.train(
        {**params, "objective": adapter.objective},
        lightgbm.Dataset(x, label=y, init_score=np.full(len(y), mean)),
        30,
    )
    settings = {"objective": "huber", "alpha": 30.0}
    theirs = lightgbm.train({**params, **settings}, lightgbm.Dataset(x, label=y), 30)
    same_splits(ours, theirs)
    np.testing.assert_allclose(ours.predict(x) + mean, theirs.predict(x), rtol=1e-6)


def test_lightgbm_fair_runs_as_its_own_loss():
    x, y = data_of("numbers")
    params = {"num_leaves": 8, "verbosity": -1, "num_threads": 1, "force_row_wise": True}
    adapter = numloss.lightgbm.Adapter("fair", c=30.0)
    mean = float(y.astype(np.float64).mean())  # where LightGBM begins
    ours = lightgbm.train(
        {**params, "objective": adapter.objective},
        lightgbm.Dataset(x, label=y, init_score=np.full(len(y), mean)),
        30,
    )
    settings = {"objective": "fair", "fair_c": 30.0}
    theirs = lightgbm.train({**params, **settings}, lightgbm.Dataset(x, label=y), 30)
    same_splits(ours, theirs)
    np.testing.assert_allclose(ours.predict(x) + mean, theirs.predict(x), rtol=1e-5)


#: Loss with what its adapter takes; XGBoost's objective with its parameters.
SAME_AS_XGBOOST = {
    "pseudo_huber": (
        {"delta": 2.0}, {"objective": "reg:pseudohubererror", "huber_slope": 2.0},
    ),
    "msle": ({"scale": 0.5, "floor": 1e-6}, {"objective": "reg:squaredlogerror"}),
}  # fmt: skip


@WEIGHTED
@pytest.mark.parametrize("loss", SAME_AS_XGBOOST)
def test_xgboost_runs_as_its_own_regression_losses(loss, weighted):
    x, y, w = drawn("numbers", weighted)
    options, known = SAME_AS_XGBOOST[loss]
    data = xgboost.DMatrix(x, label=y / 25, weight=w)  # targets from 1 to 14
    params = {"max_depth": 3, "eta": 0.3, "nthread": 1, "tree_method": "hist"}
    adapter = numloss.xgboost.Adapter(loss, **options)
    ours = adapter.train(params, data, 10)
    start = adapter.params(y / 25, w)["base_score"]
    theirs = xgboost.train({**params, **known, "base_score": start}, data, 10)
    same_trees(ours.trees_to_dataframe(), theirs.trees_to_dataframe())
    a, b = (booster.predict(data, output_margin=True) for booster in (ours, theirs))
    assert np.abs(a - b).max() <= 2e-6 * np.abs(b).max()


@WEIGHTED
@pytest.mark.parametrize("kind", SAME)
def test_catboost_runs_as_its_own_loss(kind, weighted):
    x, y, w = drawn(kind, weighted)
    loss, options, *_, built_in = SAME[kind]
    known = {"classes_count": 3} if kind == "classes" else {}
    params = {
        "iterations": 30, "learning_rate": 0.1, "depth": 4, "thread_count": 1, "verbose": False,
        "allow_writing_files": False, "bootstrap_type": "No", "random_strength": 0,
        "boosting_type": "Plain", "score_function": "L2", "leaf_estimation_iterations": 1,
        "leaf_estimation_method": "Gradient" if kind == "classes" else "Newton", **known,
    }  # fmt: skip
    adapter = numloss.catboost.Adapter(loss, **options)
    ours = adapter.train(params, catboost.Pool(x, label=y, weight=w))
    start = adapter.start(y, w)
    pool = catboost.Pool(x, label=y, weight=w)
    pool.set_baseline(np.tile(start, (len(y), 1)) if kind == "classes" else np.full(len(y), start))
    theirs = catboost.CatBoost({**params, "loss_function": built_in}).fit(pool)
    a, b = ours.predict(x), theirs.predict(x) + start
    assert np.abs(a - b).max() <= 1e-7 * np.abs(b).max()


# ----------------------------------------------------------------- starts, links, predictions


def fitted(host, loss, x, y, rounds=20, **keywords):
    if loss in FLAT:
        keywords.setdefault("curvature", "constant")
    kind = HOSTS[host].Regressor if kind_of(loss) == "numbers" else HOSTS[host].Classifier
    return kind(loss, rounds=rounds, **{**QUIET[host], **keywords}).fit(x, y)


#: For targets around 150. Those of the robust losses have next to no Hessian where a target is far
#: away, and derivatives of relative errors are small beside the penalties of leaves.
TRAINED = {
    "huber": {"curvature": "upper_bound", "loss_options": {"delta": 30.0}},
    "smooth_l1": {"curvature": "upper_bound", "loss_options": {"beta": 30.0}},
    "log_cosh": {"curvature": "constant", "constant": 0.01},
    "cauchy": {"curvature": "upper_bound", "loss_options": {"c": 30.0}},
    "tukey_biweight": {"curvature": "upper_bound", "loss_options": {"c": 200.0}},
    "msle": {"scale": 1e4},
    "mape": {"constant": 1e-4, "scale": 1e4},
    "smape": {"constant": 1e-4, "scale": 1e4},
    "ldam": {"loss_options": {"scale": 1.0}},  # 30 is for logits of normalized features
}


# Where outliers pull no more, nothing is learnt of targets that are all far away.
@pytest.mark.parametrize(
    "loss",
    [x for x in BOUNDED if x in TRAINED or numloss.LOSSES[x].influence != "redescending"],
)
@pytest.mark.parametrize("host", HOSTS)
def test_every_loss_is_less_after_training(host, loss):
    x, y = data_of(kind_of(loss), 150)
    is_flat = loss in FLAT and kind_of(loss) == "numbers"
    keywords = TRAINED.get(loss, {"constant": 0.01} if is_flat else {})
    model = fitted(host, loss, x, y, **keywords)
    adapter = model.adapter_
    target = adapter.targets(y)
    margin = model._margin(x)
    start = np.broadcast_to(np.asarray(adapter.start(y)), margin.shape)
    # What the targets themselves cost, as predictions: 0, but for losses of counts and amounts.
    least = adapter.value(np.log(target), target, None) if adapter.link == "log" else 0.0
    before, after = (adapter.value(m, target, None) - least for m in (start, margin))
    assert after < 0.9 * before


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize(
    "loss", ["binary_cross_entropy", "focal", "cross_entropy", "softmax_focal"]
)
def test_probabilities_right_after_a_custom_objective(host, loss):
    x, y = data_of(kind_of(loss), 150)
    names = np.array(["no", "perhaps", "yes"])[y.astype(int)]
    model = fitted(host, loss, x, names)
    margin = model.decision_function(x)
    p = model.predict_proba(x)
    np.testing.assert_allclose(p.sum(axis=1), 1, atol=1e-6)
    if margin.ndim == 2:
        np.testing.assert_allclose(p, special.softmax(margin, axis=1), rtol=2e-5, atol=1e-7)
        assert list(model.classes_) == ["no", "perhaps", "yes"]
    else:
        np.testing.assert_allclose(p[:, 1], special.expit(margin), rtol=2e-5, atol=1e-7)
    assert np.array_equal(model.predict(x), model.classes_[p.argmax(axis=1)])
    assert model.score(x, names) > 0.9


@pytest.mark.parametrize("host", HOSTS)
def test_probabilities_begin_at_the_share_of_the_class(host):
    x, y = np.arange(100.0)[:, None], np.repeat([0, 1], [90, 10])
    model = HOSTS[host].Classifier("binary_cross_entropy", rounds=1, learning_rate=1e-5)
    assert model.fit(x, y).predict_proba(x)[:, 1] == pytest.approx(0.1, rel=1e-4)


@pytest.mark.parametrize("loss", ["binary_cross_entropy", "cross_entropy"])
def test_boosters_keep_start_and_link_in_their_files(loss, tmp_path):
    x, y = data_of(kind_of(loss), 120)
    classes = np.arange(3 if loss == "cross_entropy" else 2)

    def ends(p, model):
        p = np.stack([1 - p, p], axis=1) if p.ndim == 1 else p
        np.testing.assert_allclose(p, model.predict_proba(x), rtol=2e-5, atol=1e-7)
        assert log_loss(y, p, labels=classes) < 0.3

    model = fitted("xgboost", loss, x, y)
    model.booster_.save_model(tmp_path / "model.json")
    ends(xgboost.Booster(model_file=tmp_path / "model.json").predict(xgboost.DMatrix(x)), model)

    model = fitted("lightgbm", loss, x, y)
    model.booster_.save_model(tmp_path / "model.txt")
    booster = lightgbm.Booster(model_file=tmp_path / "model.txt")
    ends(model.adapter_.response(booster.predict(x)), model)

    model = fitted("catboost", loss, x, y)
    model.booster_.save_model(str(tmp_path / "model.cbm"))
    kept = catboost.CatBoost().load_model(str(tmp_path / "model.cbm"))
    ends(kept.predict(x, prediction_type="Probability"), model)


@pytest.mark.parametrize("host", HOSTS)
def test_hinges_have_no_probabilities(host):
    x, y = data_of("two", 150)
    model = fitted(host, "squared_hinge", x, np.where(y == 1, "b", "a"))
    assert not hasattr(model, "predict_proba")
    assert np.array_equal(model.predict(x) == "b", model.decision_function(x) > 0)
    assert (model.predict(x) == np.where(y == 1, "b", "a")).mean() > 0.9


def test_xgboost_goes_on_from_a_model_with_its_start():
    x, y = data_of("numbers")
    adapter = numloss.xgboost.Adapter("mse", scale=0.5)
    data, higher = xgboost.DMatrix(x, label=y), xgboost.DMatrix(x, label=y + 50)
    half = adapter.train({"nthread": 1}, data, 5)
    assert np.array_equal(
        adapter.train({"nthread": 1}, data, 5, xgb_model=half).predict(data),
        adapter.train({"nthread": 1}, data, 10).predict(data),
    )
    on = adapter.train({"nthread": 1}, higher, 5, xgb_model=half)
    assert np.array_equal(on.predict(data, iteration_range=(0, 5)), half.predict(data))


def test_catboost_goes_on_from_no_model():
    x, y = data_of("numbers")
    adapter = numloss.catboost.Adapter("mse")
    with pytest.raises(numloss.Error, match="use its predictions as baseline"):
        adapter.train({}, catboost.Pool(x, y), init_model="model.cbm")


def test_lightgbm_goes_on_from_a_model_without_a_second_start():
    x, y = data_of("numbers")
    adapter = numloss.lightgbm.Adapter("mse", scale=0.5)
    params = {"verbosity": -1, "num_threads": 1, "num_leaves": 8}
    whole = adapter.train(params, lightgbm.Dataset(x, label=y), 20)
    half = adapter.train(params, lightgbm.Dataset(x, label=y), 10)
    data = lightgbm.Dataset(x, label=y)
    other = adapter.train(params, data, 10, init_model=half)
    assert np.abs(other.predict(x) - whole.predict(x)).max() < 1e-6 * np.abs(y).max()


def test_lightgbm_goes_on_over_classes():
    x, y = data_of("classes")
    adapter = numloss.lightgbm.Adapter("cross_entropy")
    params = {"verbosity": -1, "num_threads": 1, "num_leaves": 8}
    whole = adapter.train(params, lightgbm.Dataset(x, label=y), 20)
    half = adapter.train(params, lightgbm.Dataset(x, label=y), 10)
    other = adapter.train(params, lightgbm.Dataset(x, label=y), 10, init_model=half)
    np.testing.assert_allclose(other.predict(x), whole.predict(x), atol=1e-6)


def test_rows_with_margins_of_their_own_start_there():
    """As of the hosts' own losses: there is no other start on top of them."""
    x, y = data_of("numbers", 150)
    own = rng.normal(100, 30, len(y))
    adapter = numloss.xgboost.Adapter("mse", scale=0.5)
    data = xgboost.DMatrix(x, label=y, base_margin=own)
    ours = adapter.train({"nthread": 1}, data, 5)
    theirs = xgboost.train({"nthread": 1, "objective": "reg:squarederror"}, data, 5)
    np.testing.assert_allclose(ours.predict(data), theirs.predict(data), rtol=1e-5)

    def dataset():
        return lightgbm.Dataset(x, label=y, init_score=own)

    params = {"verbosity": -1, "num_threads": 1}
    theirs = lightgbm.train({**params, "objective": "regression"}, dataset(), 5).predict(x)
    adapter = numloss.lightgbm.Adapter("mse", scale=0.5)
    for data in (dataset(), dataset().construct()):
        np.testing.assert_allclose(adapter.train(params, data, 5).predict(x), theirs, rtol=1e-7)

    params = {
        "iterations": 5, "learning_rate": 0.1, "thread_count": 1, "verbose": False,
        "allow_writing_files": False, "bootstrap_type": "No", "random_strength": 0,
        "boosting_type": "Plain", "score_function": "L2", "leaf_estimation_iterations": 1,
        "leaf_estimation_method": "Newton",
    }  # fmt: skip
    pool = catboost.Pool(x, label=y, baseline=own)
    ours = numloss.catboost.Adapter("mse", scale=0.5).train(params, pool)
    theirs = catboost.CatBoost({**params, "loss_function": "RMSE"}).fit(pool)
    np.testing.assert_allclose(ours.predict(x), theirs.predict(x), rtol=1e-7)


def test_lightgbm_has_no_place_for_a_start_in_linear_leaves():
    x, y = data_of("numbers", 100)
    adapter = numloss.lightgbm.Adapter("mse", scale=0.5)
    params = {"verbosity": -1, "num_threads": 1, "linear_tree": True}
    with pytest.raises(numloss.Error, match="give the data set an init_score"):
        adapter.train(params, lightgbm.Dataset(x, label=y), 3)
    mean = np.full(len(y), y.mean(dtype=np.float64))
    ours = adapter.train(params, lightgbm.Dataset(x, label=y, init_score=mean), 3)
    theirs = lightgbm.train(
        {**params, "objective": "regression"}, lightgbm.Dataset(x, label=y, init_score=mean), 3
    )
    np.testing.assert_allclose(ours.predict(x), theirs.predict(x), rtol=1e-5)


@pytest.mark.parametrize("loss", ["mse", "binary_cross_entropy"])
def test_several_targets_in_a_row_are_several_models(loss):
    x, y, w = drawn(kind_of(loss), weighted=True, rows=150)
    targets = np.stack([y, y.max() - y / 2], axis=1)
    adapter = numloss.xgboost.Adapter(loss)
    params = {"nthread": 1, "max_depth": 3}

    def trained(label):
        data = xgboost.DMatrix(x, label=label, weight=w)
        history = {}
        booster = adapter.train(
            params, data, 5, evals=[(data, "rows")], evals_result=history, verbose_eval=False
        )
        return booster.predict(data, output_margin=True), history["rows"][loss]

    found, metric = trained(targets)
    one, two = (trained(column) for column in targets.T)
    np.testing.assert_allclose(found, np.stack([one[0], two[0]], axis=1), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(metric, np.add(one[1], two[1]) / 2, rtol=1e-5)


def test_catboost_has_one_margin_for_two_classes():
    x, y = data_of("two", 60)
    with pytest.raises(numloss.Error, match="take one that tells two apart"):
        numloss.catboost.Classifier("cross_entropy").fit(x, y)
    adapter = numloss.catboost.Adapter("mse")
    for pool in (catboost.Pool(x), catboost.Pool(x, np.stack([y, y], axis=1))):
        with pytest.raises(numloss.Error, match="data must have one label for each row"):
            adapter.train({}, pool)


def test_lightgbm_reads_labels_and_weights_wherever_they_are(tmp_path):
    x, y, w = drawn("two", weighted=True, rows=100)
    adapter = numloss.lightgbm.Adapter("binary_cross_entropy")
    params = {"verbosity": -1, "num_threads": 1}
    plain = adapter.train(params, lightgbm.Dataset(x, label=y, weight=w), 3).predict(x)
    made = lightgbm.Dataset(x, label=y, weight=w).construct()
    made.save_binary(str(tmp_path / "data.bin"))
    read = lightgbm.Dataset(str(tmp_path / "data.bin"), params=params)
    for data in (lightgbm.Dataset(x, label=y, weight=w).construct(), read):
        assert np.array_equal(adapter.train(params, data, 3).predict(x), plain)


# ------------------------------------------------------------------------------- mean and variance


def test_derivatives_by_the_logarithm_of_the_variance():
    """l = (s + r²/v) / 2 with v = exp(s): by s, (1 - r²/v) / 2 and r²/v / 2."""
    margin, y = rng.normal(size=(30, 2)), rng.normal(size=30).astype(np.float32)
    w = rng.uniform(0.5, 2, 30)
    r, v = margin[:, 0] - y, np.exp(margin[:, 1])
    first = np.stack([r / v, (1 - r**2 / v) / 2], axis=1) * w[:, None]
    second = np.stack([1 / v, r**2 / v / 2], axis=1) * w[:, None]
    g, h = numloss.lightgbm.Adapter("gaussian_nll").wrapper_objective(y, margin, w)
    np.testing.assert_allclose(g, first, rtol=1e-10, atol=1e-13)
    np.testing.assert_allclose(h, second, rtol=1e-10, atol=1e-13)
    constant = numloss.lightgbm.Adapter("gaussian_nll", curvature="constant")
    g, h = constant.wrapper_objective(y, margin, w)
    np.testing.assert_allclose(g, first, rtol=1e-10, atol=1e-13)
    assert np.array_equal(h, np.stack([w, w], axis=1))


@pytest.mark.parametrize("host", HOSTS)
def test_mean_and_variance_are_learnt(host):
    x = np.random.default_rng(0).uniform(size=(2000, 1))
    y = 5 * x[:, 0] + np.random.default_rng(1).normal(size=2000) * (0.2 + 2 * x[:, 0])
    slow = {"xgboost": {"learning_rate": 0.1}, "lightgbm": {"min_data_in_leaf": 150}}.get(host, {})
    model = HOSTS[host].Regressor("gaussian_nll", rounds=40, **{**QUIET[host], **slow})
    cut = 1500
    model.fit(x[:cut], y[:cut], eval_set=[(x[cut:], y[cut:])])
    ends = np.array([[0.1], [0.9]])
    assert model.predict(ends) == pytest.approx([0.5, 4.5], abs=0.8)
    assert np.sqrt(model.predict_variance(ends)) == pytest.approx([0.4, 2.0], rel=0.4)
    start = model.adapter_.start(y[:cut])
    assert start == pytest.approx([y[:cut].mean(), np.log(y[:cut].var())], rel=1e-9)
    assert not hasattr(HOSTS[host].Regressor("mse"), "predict_variance")
    again = pickle.loads(pickle.dumps(model))
    assert np.array_equal(again.predict_variance(x), model.predict_variance(x))


STARTS = {
    "laplace_nll": lambda y: (np.median(y), np.log(abs(y - np.median(y)).mean())),
    "student_t_nll": lambda y: fit_of(stats.t, y, 4),
    "interval_score": lambda y: np.quantile(y, [0.05, 0.95]),
}


def fit_of(distribution, y, df):
    _, location, scale = distribution.fit(y, fdf=df)
    return location, np.log(scale)


@pytest.mark.parametrize("loss", STARTS)
def test_losses_of_two_predictions_begin_where_they_are_least(loss):
    y = np.random.default_rng(3).standard_t(4, size=401) * 2 + 1
    adapter = numloss.lightgbm.Adapter(loss, curvature="constant")
    assert adapter.start(y) == pytest.approx(STARTS[loss](y), rel=2e-3, abs=2e-3)


@pytest.mark.parametrize("loss", ["student_t_nll", "crps_gaussian"])
def test_derivatives_by_the_logarithm_of_a_scale(loss):
    margin, y = rng.normal(size=(30, 2)), rng.normal(size=30)
    of = numloss.LOSSES[loss]

    def value(k, h):
        moved = margin + h * (np.arange(2) == k)
        return of(moved[:, 0], y, np.exp(moved[:, 1]), reduction="none")

    g, h = numloss.lightgbm.Adapter(loss, curvature="absolute").wrapper_objective(y, margin, None)
    for k in range(2):
        ahead, here, behind = (value(k, step) for step in (1e-4, 0.0, -1e-4))
        np.testing.assert_allclose(g[:, k], (ahead - behind) / 2e-4, atol=1e-6)
        np.testing.assert_allclose(h[:, k], abs(ahead - 2 * here + behind) / 1e-8, atol=1e-5)


@pytest.mark.parametrize("host", HOSTS)
def test_scale_and_bounds_are_learnt(host):
    x = np.random.default_rng(0).uniform(size=(1500, 1))
    y = np.random.default_rng(1).normal(size=1500) * (0.2 + 2 * x[:, 0])
    model = HOSTS[host].Regressor("crps_gaussian", rounds=30, curvature="absolute", **QUIET[host])
    ends = np.array([[0.1], [0.9]])
    found = model.fit(x, y).predict_parameters(ends)
    assert found[:, 0] == pytest.approx(model.predict(ends), rel=1e-12)
    assert found[0, 1] < found[1, 1]
    assert not hasattr(model, "predict_variance")


def test_catboost_needs_the_target_in_two_columns():
    adapter = numloss.catboost.Adapter("gaussian_nll")
    with pytest.raises(numloss.Error, match=r"use numpy.stack\(\[y, y\], axis=1\)"):
        adapter.train({}, catboost.Pool(np.arange(9.0)[:, None], np.arange(9.0)))
    with pytest.raises(numloss.Error, match="labels must be finite and differ"):
        adapter.start(np.ones(5))


# ----------------------------------------------------------------------------------------- metrics


@WEIGHTED
@pytest.mark.parametrize("loss", ["focal", "softmax_focal"])
def test_metrics_are_the_mean_loss_of_margins(loss, weighted):
    x, y, w = drawn(kind_of(loss), weighted, 150)
    cut = 100
    keywords = {"weight": None if w is None else w[:cut]}
    later = {"weight": None if w is None else w[cut:]}

    def mean(margin):
        target = y[cut:].astype(int) if margin.ndim == 2 else y[cut:]
        return float(numloss.LOSSES[loss](margin, target, weight=later["weight"]))

    seen = {}
    data = xgboost.DMatrix(x[:cut], label=y[:cut], **keywords)
    other = xgboost.DMatrix(x[cut:], label=y[cut:], **later)
    booster = numloss.xgboost.Adapter(loss).train(
        {"nthread": 1}, data, 3, evals=[(other, "other")], evals_result=seen, verbose_eval=False
    )
    assert list(seen["other"]) == [loss]
    margin = booster.predict(other, output_margin=True)
    assert seen["other"][loss][-1] == pytest.approx(mean(margin), abs=1e-5)

    data = lightgbm.Dataset(x[:cut], label=y[:cut], **keywords)
    other = lightgbm.Dataset(x[cut:], label=y[cut:], reference=data, **later)
    booster = numloss.lightgbm.Adapter(loss).train(
        {"verbosity": -1, "num_threads": 1}, data, 3,
        valid_sets=[other], callbacks=[lightgbm.record_evaluation(seen)],
    )  # fmt: skip
    assert list(seen["valid_0"]) == [loss]
    assert seen["valid_0"][loss][-1] == pytest.approx(mean(booster.predict(x[cut:])), rel=1e-9)

    other = catboost.Pool(x[cut:], label=y[cut:], **later)
    model = numloss.catboost.Adapter(loss).train(
        {"iterations": 3, "thread_count": 1, "verbose": False, "allow_writing_files": False},
        catboost.Pool(x[:cut], label=y[:cut], **keywords),
        eval_set=other, use_best_model=False,
    )  # fmt: skip
    found = model.get_evals_result()["validation"]["Metric"][-1]
    assert found == pytest.approx(mean(model.predict(x[cut:])), rel=1e-6)


@pytest.mark.parametrize("host", HOSTS)
def test_early_stopping_by_the_loss_on_other_rows(host):
    x, y = data_of("two")
    names = np.where(y == 1, "benign", "malignant")
    stop = "early_stopping_round" if host == "lightgbm" else "early_stopping_rounds"
    model = HOSTS[host].Classifier(
        "binary_cross_entropy", rounds=400, **{**QUIET[host], "learning_rate": 0.5, stop: 5}
    )
    model.fit(x[:300], names[:300], eval_set=[(x[300:], names[300:])])
    booster = model.booster_
    best = booster.best_iteration_ if host == "catboost" else booster.best_iteration
    assert 0 < best < 390
    least = {
        "xgboost": lambda: booster.best_score,
        "lightgbm": lambda: booster.best_score["valid_0"]["binary_cross_entropy"],
        "catboost": lambda: booster.best_score_["validation"]["Metric"],
    }[host]()
    found = log_loss(names[300:], model.predict_proba(x[300:]))
    assert found == pytest.approx(least, rel=1e-4)  # later trees are not used
    assert found < 0.2
    with pytest.raises(numloss.Error, match="eval_set must hold labels among benign, malignant"):
        model.fit(x, names, eval_set=[(x[:1], ["other"])])


# --------------------------------------------------------------------------------------- wrappers


def test_wrappers_of_xgboost():
    x, y, w = drawn("two", weighted=True)
    adapter = numloss.xgboost.Adapter("focal", gamma=1.0)
    model = xgboost.XGBClassifier(
        n_estimators=5, objective=adapter.wrapper_objective, eval_metric=adapter.wrapper_metric,
        base_score=adapter.params(y, w)["base_score"], n_jobs=1, max_depth=3, min_child_weight=0,
    )  # fmt: skip
    model.fit(x, y.astype(int), sample_weight=w, eval_set=[(x, y.astype(int))], verbose=False)
    margin = model.predict(x, output_margin=True)
    data = xgboost.DMatrix(x, label=y, weight=w)
    params = {"nthread": 1, "max_depth": 3, "min_child_weight": 0}
    ours = adapter.train(params, data, 5)
    np.testing.assert_allclose(margin, ours.predict(data, output_margin=True), atol=1e-5)
    np.testing.assert_allclose(adapter.response(margin), ours.predict(data), atol=1e-6)
    assert model.evals_result()["validation_0"]["focal"][-1] == pytest.approx(
        adapter.value(margin, y, None), abs=1e-5
    )
    assert clone(model).set_params(n_estimators=1).fit(x, y.astype(int))


def test_built_in_objectives_have_metrics_of_probabilities():
    x, y, w = drawn("two", weighted=True)
    model = xgboost.XGBClassifier(
        n_estimators=3, n_jobs=1, eval_metric=numloss.sklearn.Metric("binary_cross_entropy")
    )
    model.fit(x, y, sample_weight=w, eval_set=[(x, y)], sample_weight_eval_set=[w], verbose=False)
    shown = model.evals_result()["validation_0"]["binary_cross_entropy"][-1]
    assert shown == pytest.approx(log_loss(y, model.predict_proba(x), sample_weight=w), rel=1e-5)


def test_routing_gives_estimators_and_scorers_their_weights():
    x, y, w = drawn("two", weighted=True, rows=200)
    folds = KFold(2)
    with sklearn.config_context(enable_metadata_routing=True):
        model = numloss.xgboost.Classifier("focal", rounds=3, nthread=1)
        found = cross_val_score(
            model.set_fit_request(sample_weight=True), x, y, cv=folds,
            scoring=numloss.sklearn.Scorer("focal").set_score_request(sample_weight=True),
            params={"sample_weight": w},
        )  # fmt: skip
    for score, (train, test) in zip(found, folds.split(x), strict=True):
        margin = model.fit(x[train], y[train], w[train]).decision_function(x[test])
        wanted = numloss.focal(margin, y[test], weight=w[test])
        assert score == pytest.approx(-wanted, rel=1e-5)


def test_wrappers_of_lightgbm():
    x, y, w = drawn("classes", weighted=True)
    adapter = numloss.lightgbm.Adapter("softmax_focal", gamma=1.0)
    start = np.tile(adapter.start(y, w), (len(y), 1))
    model = lightgbm.LGBMClassifier(
        n_estimators=5, objective=adapter.wrapper_objective, n_jobs=1, verbosity=-1, num_leaves=8
    )
    model.fit(
        x, y, sample_weight=w, init_score=start, eval_X=x, eval_y=y, eval_init_score=[start],
        eval_sample_weight=[w], eval_metric=adapter.wrapper_metric,
    )  # fmt: skip
    margin = model.predict(x, raw_score=True) + start
    params = {"verbosity": -1, "num_threads": 1, "num_leaves": 8}
    ours = adapter.train(params, lightgbm.Dataset(x, label=y, weight=w), 5)
    np.testing.assert_allclose(margin, ours.predict(x), rtol=1e-6)
    assert model.evals_result_["valid_0"]["softmax_focal"][-1] == pytest.approx(
        adapter.value(margin, y.astype(int), w), rel=1e-9
    )
    assert clone(model)


def test_wrappers_of_catboost():
    x, y, w = drawn("two", weighted=True)
    adapter = numloss.catboost.Adapter("focal", gamma=1.0)
    settings = {
        "iterations": 5, "thread_count": 1, "verbose": False, "allow_writing_files": False,
        "learning_rate": 0.3,
    }  # fmt: skip
    model = catboost.CatBoostClassifier(
        loss_function=adapter.objective, eval_metric=adapter.metric, **settings
    )
    start = adapter.start(y, w)
    model.fit(catboost.Pool(x, y, weight=w, baseline=np.full(len(y), start)))
    ours = adapter.train(settings, catboost.Pool(x, y, weight=w))
    margin = model.predict(x, prediction_type="RawFormulaVal") + start
    np.testing.assert_allclose(margin, ours.predict(x), atol=1e-7)


# ----------------------------------------------------------------------------------------- labels


@pytest.mark.parametrize("made", [xgboost.DMatrix, lightgbm.Dataset])
def test_labels_are_converted_once_and_again_when_they_change(made):
    x, y = data_of("classes")
    data = made(x, label=y)
    if made is lightgbm.Dataset:
        data.construct()
    adapter = numloss.xgboost.Adapter("cross_entropy")
    first = adapter.targets(data.get_label(), data)
    assert first.dtype == np.int64
    assert adapter.targets(data.get_label(), data) is first
    data.set_label(2 - y)
    assert np.array_equal(adapter.targets(data.get_label(), data), 2 - y)
    gone = weakref.ref(data)
    del data
    gc.collect()
    assert gone() is None


@pytest.mark.parametrize("host", HOSTS)
def test_parameters_have_no_other_objective(host):
    adapter = numloss.xgboost.Adapter("mse") if host == "xgboost" else adapter_of(host, "mse")
    name = "loss_function" if host == "catboost" else "objective"
    with pytest.raises(numloss.Error, match=f"params must not have '{name}'"):
        adapter.train({name: "x"}, None)


@pytest.mark.parametrize(
    ("host", "params"),
    [
        ("xgboost", {"scale_pos_weight": 2.0}),
        ("lightgbm", {"scale_pos_weight": 2.0}),
        ("lightgbm", {"is_unbalance": True}),
        ("catboost", {"class_weights": [1.0, 2.0]}),
        ("catboost", {"class_weights": {0: 1.0, 1: 2.0}}),
        ("catboost", {"auto_class_weights": "Balanced"}),
    ],
)
def test_weights_that_would_have_no_effect_are_refused(host, params):
    """Without a word, the hosts ignore them beside a custom objective."""
    x, y = data_of("two", 60)
    with pytest.raises(numloss.Error, match="would have no effect"):
        fitted(host, "binary_cross_entropy", x, y, 2, **params)
    one = {"scale_pos_weight": 1.0, "is_unbalance": False}
    fitted(host, "binary_cross_entropy", x, y, 2, **{k: one[k] for k in params if k in one})


# -------------------------------------------------------------------------------------- estimators


@pytest.mark.parametrize("host", HOSTS)
def test_estimators_are_cloned_searched_and_pickled(host):
    x, y = data_of("two", 200)
    w = rng.uniform(0.5, 2, len(y))
    depth = "num_leaves" if host == "lightgbm" else "max_depth"
    quiet = {"catboost": {"thread_count": 1}, "xgboost": {"nthread": 1}}.get(
        host, {"num_threads": 1}
    )
    model = HOSTS[host].Classifier("focal", rounds=5, **quiet)
    assert clone(model).get_params() == model.get_params()
    assert clone(model).set_params(rounds=7, **{depth: 3}).get_params()[depth] == 3
    assert "focal" in repr(model)
    grid = {"curvature": ["exact", "absolute"], depth: [2, 4]}
    search = GridSearchCV(
        model, grid, cv=2, scoring=numloss.sklearn.Scorer("binary_cross_entropy")
    ).fit(x, y, sample_weight=w)
    assert search.best_params_.keys() == grid.keys()
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    again = pickle.loads(pickle.dumps(search.best_estimator_))
    assert np.array_equal(again.predict_proba(x), search.predict_proba(x))
    adapter = search.best_estimator_.adapter_
    assert np.array_equal(copy.deepcopy(adapter).response(x), adapter.response(x))


@pytest.mark.parametrize("host", HOSTS)
def test_a_weight_of_2_is_a_row_that_is_there_twice(host):
    x, y = data_of("two", 120)
    x = (x > np.median(x, axis=0)).astype(np.float32)  # so that no bin depends on the rows
    twice = np.arange(120) < 40
    w = np.where(twice, 2.0, 1.0)
    params = {
        "xgboost": {},
        "lightgbm": {"min_data_in_leaf": 1, "min_data_in_bin": 1},
        "catboost": {
            "bootstrap_type": "No", "random_strength": 0, "boosting_type": "Plain",
            "l2_leaf_reg": 0.0,  # it is multiplied by the mean weight
        },
    }[host]  # fmt: skip
    one, two = (HOSTS[host].Classifier("focal", rounds=5, **QUIET[host], **params) for _ in "12")
    one.fit(x, y, w)
    two.fit(np.concatenate([x, x[twice]]), np.concatenate([y, y[twice]]))
    np.testing.assert_allclose(one.decision_function(x), two.decision_function(x), rtol=1e-4)
    none = HOSTS[host].Classifier("focal", rounds=5, **QUIET[host], **params).fit(x, y)
    assert np.abs(one.decision_function(x) - none.decision_function(x)).max() > 0.05


REFUSED = {
    "three classes for two": (
        "Classifier", "focal", {}, lambda y: y, "focal tells two classes apart, y holds 3",
    ),
    "one class": (
        "Classifier", "cross_entropy", {}, lambda y: 0 * y, "two classes or more, got 1",
    ),
    "one class for two": ("Classifier", "focal", {}, lambda y: 0 * y, "two classes or more"),
    "classes of numbers": (
        "Classifier", "mse", {}, lambda y: y > 0, "mse is one of numbers.*use Regressor",
    ),
    "classes of a mean and a variance": (
        "Classifier", "gaussian_nll", {}, lambda y: y > 0, "use Regressor",
    ),
    "numbers of classes": (
        "Regressor", "cross_entropy", {}, lambda y: y, "is one over classes: use Classifier",
    ),
    "a column of classes": (
        "Classifier", "cross_entropy", {}, lambda y: y[:, None],
        r"y must have one axis, got labels of shape \(30, 1\): use numpy.ravel",
    ),
    "two columns": (
        "Regressor", "mse", {}, lambda y: np.stack([y, y], axis=1), r"of shape \(30, 2\)$",
    ),
    "a missing number": (
        "Classifier", "cross_entropy", {}, lambda y: np.where(y == 2, np.nan, y),
        "y must hold a label for each row, got nan at index .*: leave such rows out",
    ),
    "a missing name": (
        "Classifier", "focal", {}, lambda y: np.where(y == 2, "a", None), "row, got None at index",
    ),
    "names and numbers": (
        "Classifier", "focal", {}, lambda y: np.where(y == 2, np.array("a", object), 1),
        "y must hold labels of one kind",
    ),
    "an option of the loss": (
        "Classifier", "focal", {"gamma": 1.0}, lambda y: y > 0,
        "gamma is an option of focal: use loss_options={'gamma': ...}",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED)
@pytest.mark.parametrize("host", HOSTS)
def test_estimators_refuse_what_does_not_fit(host, case):
    kind, loss, params, labels, message = case
    x, y = data_of("classes", 30)
    with pytest.raises(numloss.Error, match=message):
        getattr(HOSTS[host], kind)(loss, **params).fit(x, labels(y))


def test_data_frames_with_categories():
    pd = pytest.importorskip("pandas")
    x, y = data_of("two", 200)
    frame = pd.DataFrame(
        {"size": x[:, 0], "side": pd.Categorical(np.where(x[:, 1] > 18, "l", "r"))}
    )
    for host in HOSTS:
        params = {"cat_features": ["side"]} if host == "catboost" else {}
        model = HOSTS[host].Classifier("focal", rounds=20, **{**QUIET[host], **params})
        assert model.fit(frame, y).score(frame, y) > 0.8


# ----------------------------------------------------------------------------- docs and the example


def lists():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(600, 3))
    y = np.clip((1.2 * X[:, 0] + rng.normal(size=600) / 2).round(), 0, 3).astype(int)
    return X, y, [20] * 30


def test_lambdarank_trains_what_lightgbms_own_trains():
    X, y, groups = lists()

    def objective(margin, data):
        return numloss.lambdarank.grad_and_hess(
            margin, data.get_label(), groups=data.get_group(), reduction="sum"
        )

    own = {"objective": "lambdarank", "lambdarank_norm": False, "lambdarank_truncation_level": 99}
    expected, found = (
        lightgbm.train(
            {"verbosity": -1, "num_leaves": 7, "min_data_in_leaf": 5, **chosen},
            lightgbm.Dataset(X, y, group=groups),
            10,
        ).predict(X)
        for chosen in (own, {"objective": objective})
    )
    # LightGBM looks its sigmoids up in a table.
    np.testing.assert_allclose(found, expected, atol=1e-4)


@pytest.mark.parametrize(
    ("loss", "name"), [("pairwise_logistic", "rank:pairwise"), ("lambdarank", "rank:ndcg")]
)
def test_xgboosts_rankings_have_twice_the_hessian(loss, name):
    X, y, groups = lists()
    data = xgboost.DMatrix(X, label=y)
    data.set_group(groups)

    def objective(margin, data):
        sizes = np.diff(data.get_uint_info("group_ptr"))
        gradient, hessian = numloss.LOSSES[loss].grad_and_hess(
            margin, data.get_label(), groups=sizes, reduction="sum"
        )
        return gradient, 2 * hessian

    all_pairs = {"lambdarank_pair_method": "topk", "lambdarank_num_pair_per_sample": 20}
    plain = {"lambdarank_normalization": False, "lambdarank_score_normalization": False}
    params = {"max_depth": 3, "eta": 0.1, "base_score": 0.0}
    own = xgboost.train({**params, **all_pairs, **plain, "objective": name}, data, 10)
    ours = xgboost.train(params, data, 10, obj=objective)
    expected, found = (x.predict(data, output_margin=True) for x in (own, ours))
    np.testing.assert_allclose(found, expected, atol=1e-6)


def times():
    """Draw times of which some are censored, no two alike."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 3))
    t = (1 + rng.permutation(400)) * np.exp(X[:, 0] - X[:, 1]) / 100
    return X, t.astype("f4"), rng.random(400) < 0.7


def trained(params, data, objective, name, metric):
    """Return margins of a booster trained with a loss of XGBoost's, its metric, and our margins."""
    data.set_base_margin(np.zeros(data.num_row()))
    tree, told = {"max_depth": 3, "eta": 0.1, "disable_default_eval_metric": 1}, {}
    own = {**tree, **params, "objective": name, "eval_metric": metric}
    theirs = xgboost.train(own, data, 10, evals=[(data, "")], evals_result=told, verbose_eval=False)
    ours = xgboost.train(tree, data, 10, obj=objective)
    margins = [x.predict(data, output_margin=True).astype(float) for x in (theirs, ours)]
    return margins[0], told[""][metric][-1], margins[1]


def test_xgboosts_cox_has_the_derivatives_of_the_sum():
    X, t, event = times()
    data = xgboost.DMatrix(X, label=np.where(event, t, -t))

    def objective(margin, data):
        y = data.get_label()
        return numloss.cox.grad_and_hess(margin, abs(y), y > 0, reduction="sum")

    expected, told, found = trained({}, data, objective, "survival:cox", "cox-nloglik")
    np.testing.assert_allclose(found, expected, atol=1e-4)
    mean = numloss.cox(expected, t, event, denominator=event.sum())
    assert mean == pytest.approx(told, rel=1e-5)


@pytest.mark.parametrize("distribution", ["normal", "logistic", "extreme"])
def test_xgboosts_aft_has_our_derivatives_clipped(distribution):
    X, t, event = times()
    lower, upper = np.where(np.arange(400) % 5 == 0, 0, t), np.where(event, t, np.inf)
    lower, upper = np.minimum(lower, upper), np.where(np.arange(400) % 7 == 0, t + 1, upper)
    data = xgboost.DMatrix(X)
    data.set_float_info("label_lower_bound", lower)
    data.set_float_info("label_upper_bound", upper)
    options = {"distribution": distribution, "scale": 1.5}
    lower, upper = lower.astype("f4").astype(float), upper.astype("f4").astype(float)

    def objective(margin, data):
        gradient, hessian = numloss.aft.grad_and_hess(
            margin.astype(float), lower, upper, reduction="sum", **options
        )
        return np.clip(gradient, -15, 15), np.clip(hessian, 1e-16, 15)

    params = {"aft_loss_distribution": distribution, "aft_loss_distribution_scale": 1.5}
    expected, told, found = trained(params, data, objective, "survival:aft", "aft-nloglik")
    np.testing.assert_allclose(found, expected, atol=2e-4)
    assert numloss.aft(expected, lower, upper, **options) == pytest.approx(told, rel=1e-5)


@pytest.mark.parametrize("host", HOSTS)
def test_examples_of_the_docstrings(host):
    results = doctest.testmod(HOSTS[host])
    assert results.attempted > 15
    assert results.failed == 0
    for name in HOSTS[host].__all__:
        assert "{" not in getattr(HOSTS[host], name).__doc__.replace('{"', "")


def test_examples_of_the_shared_part():
    assert doctest.testmod(boosting) == (0, 4)


def test_examples_of_the_page():
    text = (ROOT / "docs" / "boosting.md").read_text()
    example = doctest.DocTestParser().get_doctest(text, {}, "boosting.md", None, None)
    assert len(example.examples) > 15
    printed = []
    doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(example, out=printed.append)
    assert printed == []


def test_the_experiment_runs_and_its_table_is_shown():
    path = ROOT / "examples" / "boosting_focal.py"
    script = runpy.run_path(str(path))
    lines = script["table"](repeats=1, rounds=5)
    assert len(lines) == 2 + 2 * len(script["LOSSES"])
    page = (ROOT / "docs" / "boosting.md").read_text()
    for line in lines:
        title, loss = line.split("|")[1:3]
        assert f"|{title}|{loss}|" in page
    shown = subprocess.run(
        [sys.executable, str(path), "--help"], capture_output=True, text=True, check=True
    )
    assert "average precision" in shown.stdout


def test_losses_whose_predictions_are_no_margins_are_refused():
    for message, loss in (
        ("loss must take scores, got nll, which takes log-probabilities", "nll"),
        ("temperature must be 1, .* got 2.0", "cross_entropy:temperature=2.0"),
        ("softcap must be None", "cross_entropy:softcap=2.0"),
        ("where must be None", "cross_entropy:where=[true,false]"),
    ):
        with pytest.raises(numloss.Error, match=message):
            numloss.xgboost.Adapter(loss)
