"""Linear models as functions to be minimized: derivatives, and the fits of scikit-learn."""

from __future__ import annotations

import copy

import numpy as np
import pytest
from cases import APART
from scipy import sparse
from scipy.optimize import approx_fprime, minimize
from scipy.sparse.linalg import aslinearoperator
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.linear_model import (
    ElasticNet,
    HuberRegressor,
    Lasso,
    LogisticRegression,
    QuantileRegressor,
    Ridge,
)
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC
from threadpoolctl import threadpool_limits

import numloss
from numloss import Objective, prox
from numloss._loss import OF_LISTS

RNG = np.random.default_rng(2)
L2 = (numloss.l2_penalty, {"strength": 0.5})


@pytest.fixture(autouse=True, scope="module")
def one_blas_thread():
    """The matrices are small: BLAS threads fighting over busy cores slow them down fiftyfold."""
    with threadpool_limits(limits=1, user_api="blas"):
        yield


def scaled(load):
    X, y = load(return_X_y=True)
    return StandardScaler().fit_transform(X), y


def fitted(objective, method="L-BFGS-B", **keywords):
    options = {"maxiter": 5000, "gtol": 1e-10}
    if method == "L-BFGS-B":
        options |= {"ftol": 0, "maxfun": 20000, "maxcor": 30}
    found = minimize(
        objective, objective.start(), jac=True, method=method, options=options, **keywords
    )
    return objective.split(found.x)


# ------------------------------------------------------------------------------------- derivatives


def small(loss):
    """Return features, targets and weights that a loss takes, from its facts."""
    made, X = numloss.LOSSES[loss], RNG.normal(size=(30, 3))
    targets = {
        "signs": lambda: RNG.random(30) < 0.4,
        "unit interval": lambda: RNG.random((30, 4) if made.rowwise else 30),
        "labels": lambda: np.arange(30) % 4,
        "labels or probabilities": lambda: np.arange(30) % 4,
        "probabilities": lambda: RNG.dirichlet(np.ones(4), 30),
        "booleans": lambda: RNG.random((30, 4)) < 0.4,
        "real": lambda: RNG.normal(size=30),
    }
    # Whole numbers above 0 are targets of every other loss.
    return X, targets.get(made.domain, lambda: RNG.integers(1, 5, 30))(), RNG.uniform(0.5, 2, 30)


#: Losses of scores, one for each class or a single one.
LOSSES = [
    name
    for name, x in numloss.LOSSES.items()
    if name not in APART
    and not (x.rowwise and (x.link == "log" or x.domain in ("ordered labels", "real", *OF_LISTS)))
]


@pytest.mark.parametrize("penalty", [None, L2, (numloss.elastic_net, {"strength": 0.1})])
@pytest.mark.parametrize("loss", LOSSES)
def test_gradients_are_differences_of_the_value(loss, penalty):
    X, target, w = small(loss)
    objective = Objective(loss, X, target, weight=w, penalty=penalty)
    # Distances have no best constant.
    begin = 0.0 if loss == "hinge_embedding" else objective.start()
    at = begin + RNG.normal(scale=0.3, size=objective.size)
    value, gradient = objective(at)
    assert isinstance(value, float)
    assert value == pytest.approx(objective.value(at), rel=1e-14)
    assert gradient.shape == (objective.size,)
    np.testing.assert_allclose(gradient, approx_fprime(at, objective.value), rtol=1e-4, atol=1e-5)
    assert np.array_equal(gradient, objective.grad(at))


@pytest.mark.parametrize("loss", LOSSES)
def test_products_with_the_hessian_are_differences_of_the_gradient(loss):
    X, target, w = small(loss)
    objective = Objective(loss, X, target, weight=w, penalty=L2, reduction="sum")
    at, v = RNG.normal(size=(2, objective.size)) / 3
    made = numloss.LOSSES[loss]
    if not isinstance(made.link, str) or (made.rowwise and not made.softmax_hessian):
        with pytest.raises(numloss.Error, match="diagonal of the Hessian alone"):
            objective.hessp(at, v)
        return
    step = 1e-6
    expected = (objective.grad(at + step * v) - objective.grad(at - step * v)) / (2 * step)
    np.testing.assert_allclose(objective.hessp(at, v), expected, rtol=1e-5, atol=1e-6)


def test_layout_of_coefficients():
    X, y, w = small("cross_entropy")
    objective = Objective("cross_entropy", X, y, weight=w)
    assert objective.size == (3 + 1) * 4
    coefficients, intercepts = objective.split(np.arange(16.0))
    assert coefficients.tolist() == np.arange(12.0).reshape(3, 4).tolist()
    assert intercepts.tolist() == [12, 13, 14, 15]
    assert objective.start()[12:] == pytest.approx(numloss.best_constant("cross_entropy", y, w))
    assert Objective("cross_entropy", X, y, intercept=False).size == 12
    assert Objective("mse", X, y, intercept=False).split([1, 2, 3])[1] == 0.0
    assert Objective("gaussian_nll", X, X[:, 0]).size == 8
    assert Objective("cross_entropy", X, y, classes=6).size == 24


@pytest.mark.parametrize("loss", ["huber", "cross_entropy"])
def test_features_may_be_sparse_or_an_operator(loss):
    X, y, w = small(loss)
    X[RNG.random(X.shape) < 0.5] = 0
    dense = Objective(loss, X, y, weight=w, penalty=L2)
    at, v = RNG.normal(size=(2, dense.size))
    for other in (sparse.csr_matrix(X), sparse.csc_array(X), aslinearoperator(X), X.tolist()):
        objective = Objective(loss, other, y, weight=w, penalty=L2)
        assert objective(at)[0] == pytest.approx(dense(at)[0], rel=1e-13)
        np.testing.assert_allclose(objective.grad(at), dense.grad(at), rtol=1e-12)
        np.testing.assert_allclose(objective.hessp(at, v), dense.hessp(at, v), rtol=1e-11)
        np.testing.assert_allclose(objective.predict(at, X), dense.predict(at, X), rtol=1e-12)


def test_predictions_go_through_the_inverse_link():
    X, y = scaled(load_breast_cancer)
    objective = Objective("binary_cross_entropy", X, y, penalty=L2)
    w = minimize(objective, objective.start(), jac=True).x
    p = objective.predict(w, X[:50])
    assert ((p > 0) & (p < 1)).all()
    assert objective.predict(objective.start(), X)[0] == pytest.approx(y.mean())


# ------------------------------------------------------------------------------ fits, side by side


@pytest.mark.parametrize("method", ["L-BFGS-B", "Newton-CG", "trust-ncg"])
def test_logistic_regression(method):
    X, y = scaled(load_breast_cancer)
    theirs = LogisticRegression(C=0.5, tol=1e-10, max_iter=10_000).fit(X, y)
    objective = Objective(
        "binary_cross_entropy", X, y, reduction="sum",
        penalty=(numloss.l2_penalty, {"strength": 1 / 0.5}),
    )  # fmt: skip
    if method == "L-BFGS-B":
        w, b = fitted(objective)
    else:
        found = minimize(
            objective, objective.start(), jac=True, hessp=objective.hessp, method=method,
        )  # fmt: skip
        w, b = objective.split(found.x)
    np.testing.assert_allclose(w, theirs.coef_[0], atol=2e-4)
    assert b == pytest.approx(theirs.intercept_[0], abs=2e-4)


def test_multinomial_regression():
    X, y = scaled(load_iris)
    w = RNG.uniform(0.5, 2, len(y))
    theirs = LogisticRegression(C=1.0, tol=1e-10, max_iter=10_000).fit(X, y, sample_weight=w)
    objective = Objective(
        "cross_entropy", X, y, weight=w, reduction="sum", penalty=numloss.l2_penalty
    )
    coefficients, intercepts = fitted(objective)
    np.testing.assert_allclose(coefficients.T, theirs.coef_, atol=1e-4)
    centred = intercepts - intercepts.mean()  # a softmax does not see their mean
    np.testing.assert_allclose(centred, theirs.intercept_ - theirs.intercept_.mean(), atol=1e-4)
    by_newton = minimize(
        objective, objective.start(), jac=True, hessp=objective.hessp, method="trust-ncg"
    )
    np.testing.assert_allclose(objective.split(by_newton.x)[0], coefficients, atol=1e-4)


def test_ridge():
    X, y = scaled(load_diabetes)
    w = RNG.uniform(0.5, 2, len(y))
    theirs = Ridge(alpha=3.0, tol=1e-12).fit(X, y, sample_weight=w)
    objective = Objective(
        "mse", X, y, weight=w, reduction="sum", penalty=(numloss.l2_penalty, {"strength": 6.0})
    )
    coefficients, intercept = fitted(objective)
    np.testing.assert_allclose(coefficients, theirs.coef_, rtol=1e-6)
    assert intercept == pytest.approx(theirs.intercept_, rel=1e-8)


def test_huber_at_its_scale():
    """Theirs is s + H((y - Xw)/s) s + alpha |w|², whose minimum by w at their scale s is ours."""
    X, y = scaled(load_diabetes)
    theirs = HuberRegressor(epsilon=1.35, alpha=0.01, max_iter=10_000, tol=1e-10).fit(X, y)
    s = theirs.scale_
    objective = Objective(
        "huber", X, y, delta=1.35 * s, reduction="sum",
        penalty=(numloss.l2_penalty, {"strength": 0.01 * s}),
    )  # fmt: skip
    coefficients, intercept = fitted(objective)
    np.testing.assert_allclose(coefficients, theirs.coef_, atol=2e-2)
    assert intercept == pytest.approx(theirs.intercept_, abs=2e-2)


def test_squared_hinge():
    X, y = scaled(load_breast_cancer)
    theirs = LinearSVC(C=0.1, fit_intercept=False, tol=1e-10, max_iter=100_000).fit(X, y)
    objective = Objective(
        "squared_hinge", X, y == 1, intercept=False, reduction="sum",
        penalty=(numloss.l2_penalty, {"strength": 10.0}),
    )  # fmt: skip
    np.testing.assert_allclose(fitted(objective)[0], theirs.coef_[0], atol=1e-6)


def test_quantiles_are_no_worse_than_a_linear_program():
    X, y = scaled(load_diabetes)
    theirs = QuantileRegressor(quantile=0.8, alpha=0.0, solver="highs").fit(X, y)
    objective = Objective("quantile", X, y, q=0.8)
    least = objective.value(np.append(theirs.coef_, theirs.intercept_))
    smallest = np.append(theirs.coef_, theirs.intercept_) + RNG.normal(scale=0.1, size=11)
    assert objective.value(smallest) > least
    found = minimize(objective.value, objective.start(), method="Powell", options={"maxiter": 99})
    assert found.fun >= least - 1e-9


# ---------------------------------------------------------------------------------------- penalties


def by_search(penalty, w, step, **options):
    """Return the proximal point by definition: a minimum found without derivatives."""

    def value(z):
        return step * penalty(z, **options) + ((z - w) ** 2).sum() / 2

    z = w / 2
    for _ in range(6):  # a simplex that has shrunk too early begins anew
        settings = {"xatol": 1e-10, "fatol": 1e-15, "maxiter": 9999}
        z = minimize(value, z, method="Nelder-Mead", options=settings).x
    return z


GROUPS = [0, 0, 1, 1]


@pytest.mark.parametrize(
    ("penalty", "options"),
    [
        (numloss.l1_penalty, {"strength": 0.7}),
        (numloss.l2_penalty, {"strength": 0.7}),
        (numloss.elastic_net, {}),
        (numloss.elastic_net, {"strength": 0.6, "l1_ratio": 0.9}),
        (numloss.group_lasso, {"groups": GROUPS, "strength": 0.5}),
        (numloss.group_lasso, {"groups": [7, 3, 3, 7]}),
    ],
)
@pytest.mark.parametrize("step", [0.25, 1.0, 2.0])
def test_a_proximal_point_is_the_minimum_that_defines_it(penalty, options, step):
    w = np.array([1.5, -0.3, 0.9, -2.0])
    found = prox(penalty, w, step, **options)
    np.testing.assert_allclose(found, by_search(penalty, w, step, **options), atol=2e-5)


def test_proximal_points_of_types_and_limits():
    assert prox(numloss.l1_penalty, np.array([3, -1], "f4")).dtype == np.float32
    assert prox(numloss.l1_penalty, np.array([3, -1], "f2")).dtype == np.float16
    assert prox(numloss.elastic_net, [[3, -1]]).dtype == np.float64
    found = prox(numloss.l1_penalty, [np.nan, np.inf, -np.inf, 0.0])
    np.testing.assert_array_equal(found, [np.nan, np.inf, -np.inf, 0])
    tiny = prox(numloss.group_lasso, [3e-200, 4e-200, 3e200, 4e200], groups=GROUPS, strength=1e-200)
    np.testing.assert_allclose(tiny[:2], (1 - np.sqrt(2) / 5) * np.array([3e-200, 4e-200]))
    np.testing.assert_allclose(tiny[2:], [3e200, 4e200])
    assert prox(numloss.group_lasso, [0.0, 0.0], groups=[0, 0]).tolist() == [0, 0]


def test_group_lasso_is_its_formula():
    w = RNG.normal(size=(4, 3))
    groups = np.array([5, 2, 5, 2])
    norms = [np.sqrt(6) * np.linalg.norm(w[groups == g]) for g in (5, 2)]
    value, gradient = numloss.group_lasso.value_and_grad(w, groups=groups, strength=0.3)
    assert value == pytest.approx(0.3 * sum(norms), rel=1e-14)
    assert value == numloss.group_lasso(w, groups=groups, strength=0.3)
    expected = approx_fprime(
        w.ravel(), lambda x: numloss.group_lasso(x.reshape(4, 3), groups=groups, strength=0.3)
    )
    np.testing.assert_allclose(gradient.ravel(), expected, atol=1e-6)
    w[groups == 2] = 0
    gradient = numloss.group_lasso.grad(w, groups=groups)
    assert not gradient[groups == 2].any()
    # One coefficient a group is the L1 penalty.
    each = {"groups": np.arange(12).reshape(4, 3)}
    assert numloss.group_lasso(w, **each) == pytest.approx(numloss.l1_penalty(w), rel=1e-14)
    assert np.array_equal(
        prox(numloss.group_lasso, w, 0.1, **each), prox(numloss.l1_penalty, w, 0.1)
    ) or np.allclose(prox(numloss.group_lasso, w, 0.1, **each), prox(numloss.l1_penalty, w, 0.1))
    assert copy.copy(numloss.group_lasso) is numloss.group_lasso


def descended(objective, penalty, rounds=4000, **options):
    """Minimize a smooth objective and a penalty of its coefficients by accelerated descent."""
    X = np.column_stack([objective.X, np.ones(len(objective.X))])
    step = len(X) / (2 * np.linalg.norm(X, 2) ** 2)  # the mean of squares bends by its inverse
    w = ahead = objective.start()
    features = objective.X.shape[1]
    for k in range(rounds):
        then = ahead - step * objective.grad(ahead)
        then[:features] = prox(penalty, then[:features], step, **options)
        ahead = then + k / (k + 3) * (then - w)
        w = then
    return objective.split(w)


def test_lasso_and_elastic_net_by_proximal_steps():
    """Theirs halves the squares: twice their strength is ours."""
    X, y = scaled(load_diabetes)
    objective = Objective("mse", X, y)
    theirs = Lasso(alpha=2.0, tol=1e-12, max_iter=100_000).fit(X, y)
    coefficients, intercept = descended(objective, numloss.l1_penalty, strength=4.0)
    np.testing.assert_allclose(coefficients, theirs.coef_, atol=1e-6)
    assert ((coefficients == 0) == (theirs.coef_ == 0)).all()
    assert (coefficients == 0).any()
    assert intercept == pytest.approx(theirs.intercept_, rel=1e-10)
    theirs = ElasticNet(alpha=2.0, l1_ratio=0.9, tol=1e-12, max_iter=100_000).fit(X, y)
    coefficients, _ = descended(objective, numloss.elastic_net, strength=4.0, l1_ratio=0.9)
    np.testing.assert_allclose(coefficients, theirs.coef_, atol=1e-6)


def test_groups_are_dropped_together():
    X, y = scaled(load_diabetes)
    groups = np.array([0, 0, 1, 1, 2, 2, 2, 2, 1, 0])
    coefficients, _ = descended(
        Objective("mse", X, y), numloss.group_lasso, groups=groups, strength=18.0
    )
    zero = {g: bool((coefficients[groups == g] == 0).all()) for g in (0, 1, 2)}
    some = {g: bool((coefficients[groups == g] == 0).any()) for g in (0, 1, 2)}
    assert zero == some
    assert sum(zero.values()) in (1, 2)
