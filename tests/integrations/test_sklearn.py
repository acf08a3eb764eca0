"""Metrics and scorers, against scikit-learn's own and inside its searches."""

import copy
import doctest
import pickle
from pathlib import Path

import numpy as np
import pytest
import sklearn
from sklearn import metrics
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris, load_wine
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge, RidgeClassifier
from sklearn.metrics import make_scorer
from sklearn.model_selection import (
    GridSearchCV,
    KFold,
    StratifiedKFold,
    cross_val_score,
    cross_validate,
)
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier

import numloss
from numloss.integrations import sklearn as integration

Metric, Scorer = numloss.sklearn.Metric, numloss.sklearn.Scorer
rng = np.random.default_rng(3)


@pytest.fixture
def routing():
    with sklearn.config_context(enable_metadata_routing=True):
        yield


def logistic():
    return make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))


# ----------------------------------------------------------------------------- scikit-learn's own

N = 200
W = rng.uniform(0.5, 2, N)
NUMBERS = rng.normal(size=N), rng.normal(size=N)
TWO = rng.integers(0, 2, N), rng.uniform(0.01, 0.99, N)
THREE = rng.integers(0, 3, N), rng.dirichlet(np.ones(3), N)


@pytest.mark.parametrize("weight", [None, W])
@pytest.mark.parametrize(
    ("ours", "theirs", "data"),
    [
        (Metric("mse"), metrics.mean_squared_error, NUMBERS),
        (Metric("mae"), metrics.mean_absolute_error, NUMBERS),
        (
            Metric("quantile", q=0.8),
            lambda *a, **k: metrics.mean_pinball_loss(*a, alpha=0.8, **k), NUMBERS,
        ),
        (Metric("binary_cross_entropy"), metrics.log_loss, TWO),
        (Metric("brier"), metrics.brier_score_loss, TWO),
        (Metric("cross_entropy"), metrics.log_loss, THREE),
        (
            Metric("multiclass_brier"),
            lambda *a, **k: metrics.brier_score_loss(*a, scale_by_half=False, **k), THREE,
        ),
        (Metric("top_k_accuracy", k=2), lambda *a, **k: metrics.top_k_accuracy_score(*a, k=2, **k),
         THREE),
        (Metric("logistic"), metrics.log_loss, TWO),
        (Metric("hinge"), lambda y, s, **k: metrics.hinge_loss(2 * y - 1, s, **k), TWO),
    ],
    ids=lambda x: getattr(x, "__name__", ""),
)  # fmt: skip
def test_metrics_are_those_of_scikit_learn(ours, theirs, data, weight):
    wanted = theirs(*data, sample_weight=weight)
    assert ours(*data, sample_weight=weight) == pytest.approx(wanted, rel=1e-12)


def test_explained_pinball_loss():
    y, p = NUMBERS
    metric = Metric("quantile", q=0.3)
    constant = np.full(N, np.quantile(y, 0.3))
    assert 1 - metric(y, p) / metric(y, constant) == pytest.approx(
        metrics.d2_pinball_score(y, p, alpha=0.3), rel=1e-12
    )


def test_the_truth_comes_first():
    y, p = NUMBERS
    assert Metric("quantile", q=0.9)(y, p) == numloss.quantile(p, y, q=0.9)
    assert Metric("quantile", q=0.9)(y, p) != numloss.quantile(y, p, q=0.9)


def test_several_outputs_are_weighed_by_row():
    y, p = rng.normal(size=(2, 20, 3))
    w = rng.uniform(0.5, 2, 20)
    assert Metric("mse")(y, p, sample_weight=w) == pytest.approx(
        metrics.mean_squared_error(y, p, sample_weight=w), rel=1e-12
    )


@pytest.mark.parametrize("outputs", [2, 3])
def test_several_labels_of_a_row(outputs):
    y = rng.integers(0, 2, (20, outputs))
    p, w = rng.uniform(size=(20, outputs)), rng.uniform(0.5, 2, 20)
    each = [metrics.log_loss(y[:, i], p[:, i], sample_weight=w) for i in range(outputs)]
    found = Metric("binary_cross_entropy")(y, p, sample_weight=w)
    assert found == pytest.approx(np.mean(each), rel=1e-12)


# ------------------------------------------------------------------------------------------ labels


class Unknown:
    """As pandas.NA: not even unlike itself."""

    def __ne__(self, other):
        return self

    def __bool__(self):
        raise TypeError("boolean value of NA is ambiguous")


MISSING = {"None": None, "nan": np.nan, "NaT": np.datetime64("NaT"), "NA": Unknown()}


@pytest.mark.parametrize("missing", MISSING.values(), ids=MISSING)
@pytest.mark.parametrize("loss", ["cross_entropy", "binary_cross_entropy"])
def test_a_missing_label_is_no_class(loss, missing):
    y = np.array(["a", missing, "a"], dtype=object)
    with pytest.raises(numloss.Error, match=r"y_true must hold a label for each row, .*index 1"):
        Metric(loss)(y, [0.1, 0.2, 0.3])
    assert Metric(loss)(["a", "b", "a"], [0.1, 0.2, 0.3]) > 0


def test_labels_of_any_kind():
    y, p = THREE
    wanted = Metric("cross_entropy")(y, p)
    for names in (["a", "b", "c"], [-7, 3, 100], [0.5, 1.5, 2.5]):
        assert Metric("cross_entropy")(np.array(names)[y], p) == wanted
    order = [2, 0, 1]
    names = np.array(["low", "middle", "high"])
    metric = Metric("ranked_probability")
    assert metric(names[y], p, labels=names) == metric(y, p)
    assert metric(names[y], p[:, order], labels=names[order]) != metric(y, p)
    assert Metric("cross_entropy")(names[y], p[:, order], labels=names[order]) == pytest.approx(
        wanted, rel=1e-14
    )


def test_two_classes():
    y, p = TWO
    wanted = Metric("binary_cross_entropy")(y, p)
    names = np.array(["ham", "spam"])
    both = np.stack([1 - p, p], axis=1)
    assert Metric("binary_cross_entropy")(names[y], p) == wanted
    assert Metric("binary_cross_entropy")(y.astype(bool), p) == wanted
    assert Metric("binary_cross_entropy")(names[y], both) == wanted
    assert Metric("binary_cross_entropy")(names[y], 1 - p, labels=["spam", "ham"]) == (
        pytest.approx(wanted, rel=1e-12)
    )
    assert Metric("cross_entropy")(y, p) == pytest.approx(wanted, rel=1e-12)
    logits = np.log(p / (1 - p))
    for name in ("binary_cross_entropy", "cross_entropy"):
        metric = Metric(name, from_logits=True)
        assert metric(names[y], logits) == pytest.approx(wanted, rel=1e-12)
        columns = np.stack([np.zeros_like(p), logits], axis=1)
        assert metric(names[y], columns) == pytest.approx(wanted, rel=1e-12)
    assert Metric("binary_cross_entropy")(np.array([1, 1]), [0.5, 0.5]) == pytest.approx(np.log(2))
    assert Metric("binary_cross_entropy")([0.25, 0.5], [0.25, 0.5]) == numloss.binary_cross_entropy(
        [0.25, 0.5], [0.25, 0.5], from_logits=False
    )
    signs = 2.0 * y - 1
    assert Metric("hinge")(signs, p) == Metric("hinge")(y, p) == Metric("hinge")(names[y], p)


@pytest.mark.parametrize(
    ("metric", "y", "p", "labels", "message"),
    [
        ("cross_entropy", [0, 1], np.full((2, 3), 1 / 3), None, r"column for each of 2.*labels="),
        ("cross_entropy", ["a", "x"], np.eye(2), ["a", "b"], r"among a, b, got x at index 1"),
        ("cross_entropy", [0, 1], [[2.0, 1.0], [0.0, 1.0]], None, r"sum to 1.*from_logits=True"),
        ("cross_entropy", [0, 1], [[1.5, -0.5], [0.0, 1.0]], None, r"in row 0"),
        ("focal", ["a", "b", "c"], [0.1, 0.2, 0.3], None, r"tells two classes apart, got 3"),
        ("focal", ["a", "a"], [0.1, 0.2], None, r"two classes apart, got 1: pass labels="),
        ("cross_entropy", ["a", None], np.eye(2), ["a", "b"], r"y_true must hold labels among a"),
        ("hinge", [0.0, 2.0], [0.1, 0.2], None, r"0 and 1, or -1 and 1"),
        ("focal", [0, 1], [0.5, 2.0], None, r"prediction must be a probability|logits"),
        ("mse", [0.0, 1.0], [0.5], None, r"prediction|target"),
    ],
)
def test_refusals(metric, y, p, labels, message):
    with pytest.raises(numloss.Error, match=message):
        Metric(metric)(y, p, labels=labels)


def test_options_that_are_not_for_here():
    with pytest.raises(numloss.Error, match="axis is no option here"):
        Metric("cross_entropy", axis=0)
    with pytest.raises(numloss.Error, match="no option 'gama'"):
        Scorer("focal", gama=1.0)
    with pytest.raises(numloss.Error, match=r"no loss is named 'log_loss'.*binary_cross_entropy"):
        Scorer("log_loss")


def test_probabilities_as_truth():
    q, p = rng.dirichlet(np.ones(3), (2, 9))
    w = rng.uniform(0.5, 2, 9)
    found = Metric("kl_divergence")(q, p, sample_weight=w)
    assert found == pytest.approx(np.average((q * np.log(q / p)).sum(axis=1), weights=w), rel=1e-10)
    soft = Metric("cross_entropy")(q, p)
    assert soft == pytest.approx(-(q * np.log(p)).sum(axis=1).mean(), rel=1e-10)


def test_mean_and_variance():
    y, p = rng.normal(size=9), rng.uniform(1, 2, (9, 2))
    w = rng.uniform(0.5, 2, 9)
    wanted = numloss.gaussian_nll(p[:, 0], y, p[:, 1], weight=w)
    assert Metric("gaussian_nll")(y, p, sample_weight=w) == wanted
    with pytest.raises(numloss.Error, match="two columns, prediction and variance"):
        Metric("gaussian_nll")(y, p[:, 0])
    wanted = numloss.interval_score(p[:, 0], y, p[:, 1], alpha=0.5)
    assert Metric("interval_score", alpha=0.5)(y, p) == wanted


def test_means_of_counts_or_their_logarithms():
    rng = np.random.default_rng(3)
    mean, y = rng.gamma(2.0, size=(2, 50)) + 0.1
    for loss in ("poisson", "gamma", "tweedie"):
        wanted = getattr(numloss, loss)(mean, y, log_input=False)
        assert Metric(loss)(y, mean) == wanted
        assert Metric(loss, from_logits=True)(y, np.log(mean)) == pytest.approx(wanted, rel=1e-12)
    with pytest.raises(numloss.Error, match="log_input"):
        Metric("poisson", log_input=True)


def test_a_certain_probability():
    assert Metric("cross_entropy")(["a", "b"], np.eye(2)) == 0
    assert Metric("cross_entropy")(["b", "a"], np.eye(2)) == np.inf


def test_metrics_are_scorers_by_make_scorer():
    x, y = load_diabetes(return_X_y=True)
    model = LinearRegression().fit(x, y)
    scorer = make_scorer(Metric("mae"), greater_is_better=False)
    assert scorer(model, x, y) == pytest.approx(
        metrics.get_scorer("neg_mean_absolute_error")(model, x, y), rel=1e-12
    )
    assert "mae" in repr(scorer)
    assert pickle.loads(pickle.dumps(Metric("mae")))([1.0], [3.0]) == 2.0


# ----------------------------------------------------------------------------------------- scorers

SCORERS = [
    (Scorer("cross_entropy"), "neg_log_loss", load_wine, logistic()),
    (Scorer("binary_cross_entropy"), "neg_log_loss", load_breast_cancer, logistic()),
    (Scorer("cross_entropy"), "neg_log_loss", load_breast_cancer, logistic()),
    (Scorer("brier"), "neg_brier_score", load_breast_cancer, logistic()),
    (Scorer("accuracy"), "accuracy", load_wine, logistic()),
    (Scorer("binary_accuracy"), "accuracy", load_breast_cancer, LinearSVC(random_state=0)),
    (Scorer("mse"), "neg_mean_squared_error", load_diabetes, Ridge()),
]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(("ours", "theirs", "load", "model"), SCORERS)
def test_scores_are_those_of_scikit_learn(ours, theirs, load, model):
    x, y = load(return_X_y=True)
    if load is not load_diabetes and theirs != "neg_brier_score":  # which needs 0 and 1
        y = np.array(["z", "m", "a"])[y]
    a, b = (cross_val_score(model, x, y, scoring=scoring, cv=4) for scoring in (ours, theirs))
    np.testing.assert_allclose(a, b, rtol=1e-9)


def test_margins_are_asked_for_where_there_are_no_probabilities():
    x, y = load_iris(return_X_y=True)
    names = np.array(["z", "m", "a"])[y]
    model = RidgeClassifier().fit(x, names)
    margins, codes = model.decision_function(x), 2 - y
    assert Scorer("cross_entropy")(model, x, names) == -numloss.cross_entropy(margins, codes)
    hinge = Scorer("multiclass_hinge", margin=0.5)
    assert hinge(model, x, names) == -numloss.multiclass_hinge(margins, codes, margin=0.5)
    two = RidgeClassifier().fit(x[:100], names[:100])  # "m" and "z"
    score, truth = two.decision_function(x[:100]), names[:100] == "z"
    assert Scorer("hinge")(two, x[:100], names[:100]) == -numloss.hinge(score, truth)
    assert Scorer("focal")(two, x[:100], names[:100]) == -numloss.focal(score, truth)
    both = np.stack([0 * score, score], axis=1)
    assert Scorer("multiclass_hinge")(two, x[:100], names[:100]) == -numloss.multiclass_hinge(
        both, truth.astype(int)
    )
    flipped = Scorer("focal", labels=["z", "m"])(two, x[:100], names[:100])
    assert flipped == -numloss.focal(-score, ~truth)


def test_labels_say_the_order_of_ordinal_classes():
    x, y = load_wine(return_X_y=True)
    names = np.array(["low", "middle", "high"])
    model = logistic().fit(x, names[y])
    columns = [list(model.classes_).index(name) for name in names]
    p = model.predict_proba(x)[:, columns]
    wanted = -numloss.ranked_probability(np.log(p), y)
    assert Scorer("ranked_probability", labels=names)(model, x, names[y]) == wanted
    assert Scorer("ranked_probability")(model, x, names[y]) != wanted


def test_folds_without_a_class():
    x, y = load_iris(return_X_y=True)
    names = np.array(["a", "b", "c"])[y]
    model = logistic().fit(x, names)
    held_out = names == "a"  # a fold with one class
    p = model.predict_proba(x[held_out])
    assert Scorer("cross_entropy")(model, x[held_out], names[held_out]) == pytest.approx(
        -metrics.log_loss(names[held_out], p, labels=model.classes_), rel=1e-12
    )
    some = logistic().fit(x[~held_out], names[~held_out])  # trained without it
    with pytest.raises(numloss.Error, match="among b, c, got a at index 0"):
        Scorer("cross_entropy")(some, x, names)
    rps = Scorer("ranked_probability", labels=["a", "b", "c"])
    assert -1.0 < rps(some, x, names) < rps(model, x, names) < 0
    assert Scorer("cross_entropy", labels=["a", "b", "c"])(some, x, names) == -np.inf
    with pytest.raises(numloss.Error, match=r"classes_ must hold labels among a, b, got c"):
        Scorer("cross_entropy", labels=["a", "b"])(model, x, names)


def test_estimators_without_what_a_loss_needs():
    x, y = load_breast_cancer(return_X_y=True)
    tree = DecisionTreeClassifier(max_depth=2).fit(x, y)
    with pytest.raises(numloss.InputTypeError, match="hinge needs an estimator with 'decision_f"):
        Scorer("hinge")(tree, x, y)
    regression = LinearRegression().fit(x, y)
    clipped = Scorer("mse", response_method="predict")(regression, x, y)
    assert clipped == -numloss.mse(regression.predict(x), y)
    assert Scorer("mse")(tree, x, y) == -numloss.mse(tree.predict(x), y)


def test_several_scorers_at_once():
    x, y = load_wine(return_X_y=True)
    scoring = {"ce": Scorer("cross_entropy"), "rps": Scorer("ranked_probability"), "f1": "f1_macro"}
    found = cross_validate(OneVsRestClassifier(logistic()), x, y, scoring=scoring, cv=3)
    for name in ("ce", "rps"):
        alone = cross_val_score(OneVsRestClassifier(logistic()), x, y, scoring=scoring[name], cv=3)
        assert np.array_equal(found[f"test_{name}"], alone)


def test_searches_in_parallel_clone_and_pickle():
    x, y = load_wine(return_X_y=True)
    scorer = Scorer("softmax_focal", gamma=1.0)
    search = GridSearchCV(
        logistic(), {"logisticregression__C": [0.01, 1.0]}, scoring=scorer, n_jobs=2, cv=3
    )
    best = clone(search).fit(x, y).best_params_
    assert best == {"logisticregression__C": 1.0}
    again = pickle.loads(pickle.dumps(scorer))
    model = logistic().fit(x, y)
    assert again(model, x, y) == copy.deepcopy(scorer)(model, x, y) == scorer(model, x, y)
    assert repr(scorer) == "Scorer('softmax_focal:gamma=1.0')"


# ----------------------------------------------------------------------------------------- weights


def folds_by_hand(model, x, y, w, cv, fit_weight):
    """Return weighted scores without scikit-learn's routing."""
    scores = []
    for train, test in cv.split(x, y):
        keywords = {"sample_weight": w[train]} if fit_weight else {}
        p = clone(model).fit(x[train], y[train], **keywords).predict_proba(x[test])
        scores.append(-metrics.log_loss(y[test], p, sample_weight=w[test]))
    return np.array(scores)


def weighted_set():
    x, y = load_iris(return_X_y=True)
    return x, np.array(["a", "b", "c"])[y], rng.uniform(0.1, 5, len(y))


@pytest.mark.usefixtures("routing")
def test_weights_are_routed_in_cross_val_score():
    x, y, w = weighted_set()
    cv = StratifiedKFold(4)
    model = LogisticRegression(max_iter=1000).set_fit_request(sample_weight=False)
    scorer = Scorer("cross_entropy").set_score_request(sample_weight=True)
    found = cross_val_score(model, x, y, scoring=scorer, cv=cv, params={"sample_weight": w})
    np.testing.assert_allclose(found, folds_by_hand(model, x, y, w, cv, False), rtol=1e-9)
    plain = cross_val_score(model, x, y, scoring=Scorer("cross_entropy"), cv=cv)
    assert not np.allclose(found, plain)
    named = Scorer("cross_entropy").set_score_request(sample_weight="importance")
    again = cross_val_score(model, x, y, scoring=named, cv=cv, params={"importance": w})
    assert np.array_equal(found, again)


@pytest.mark.usefixtures("routing")
def test_weights_are_routed_in_a_grid_search():
    x, y, w = weighted_set()
    cv = StratifiedKFold(3)
    model = LogisticRegression(max_iter=1000).set_fit_request(sample_weight=True)
    scorer = Scorer("cross_entropy").set_score_request(sample_weight=True)
    search = GridSearchCV(model, {"C": [0.1, 1.0]}, scoring=scorer, cv=cv)
    search.fit(x, y, sample_weight=w)
    for i, c in enumerate((0.1, 1.0)):
        wanted = folds_by_hand(clone(model).set_params(C=c), x, y, w, cv, True)
        found = [search.cv_results_[f"split{k}_test_score"][i] for k in range(3)]
        np.testing.assert_allclose(found, wanted, rtol=1e-9)
    several = GridSearchCV(model, {"C": [0.1]}, scoring={"ours": scorer}, refit="ours", cv=cv).fit(
        x, y, sample_weight=w
    )
    assert several.cv_results_["split0_test_ours"][0] == search.cv_results_["split0_test_score"][0]


@pytest.mark.usefixtures("routing")
def test_weights_that_nobody_asked_for_are_an_error():
    x, y, w = weighted_set()
    model = LogisticRegression(max_iter=1000).set_fit_request(sample_weight=True)
    with pytest.raises(ValueError, match=r"sample_weight.* not explicitly set as requested"):
        cross_val_score(model, x, y, scoring=Scorer("cross_entropy"), params={"sample_weight": w})
    scorer = Scorer("cross_entropy").set_score_request(sample_weight=False)
    found = cross_val_score(model, x, y, scoring=scorer, params={"sample_weight": w})
    assert np.isfinite(found).all()


def test_weights_without_routing():
    x, y, w = weighted_set()
    cv = KFold(3, shuffle=True, random_state=0)
    model = LogisticRegression(max_iter=1000)
    search = GridSearchCV(model, {"C": [1.0]}, scoring=Scorer("cross_entropy"), cv=cv)
    search.fit(x, y, sample_weight=w)
    wanted = folds_by_hand(model, x, y, w, cv, True)
    found = [search.cv_results_[f"split{k}_test_score"][0] for k in range(3)]
    np.testing.assert_allclose(found, wanted, rtol=1e-9)
    with pytest.raises(RuntimeError, match="enable_metadata_routing=True"):
        Scorer("cross_entropy").set_score_request(sample_weight=True)


# ------------------------------------------------------------------------------------------- docs


def test_examples_of_the_docstrings():
    assert doctest.testmod(integration) == (0, 13)


def test_examples_of_the_page():
    text = (Path(__file__).parents[2] / "docs" / "sklearn.md").read_text()
    example = doctest.DocTestParser().get_doctest(text, {}, "sklearn.md", None, None)
    assert len(example.examples) > 10
    printed = []
    doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(example, out=printed.append)
    assert printed == []
