"""Models trained with the library's gradients arrive where other trainers arrive.

Linear models on real data sets, fitted with SciPy on ``value_and_grad`` and compared with
scikit-learn's fits, or cross-validated against the same model trained with plain cross-entropy.
``pytest -rP`` shows the numbers.
"""

from functools import cache
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import brentq, minimize
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits
from sklearn.linear_model import HuberRegressor, LogisticRegression
from sklearn.model_selection import RepeatedStratifiedKFold, StratifiedKFold
from sklearn.preprocessing import StandardScaler, scale
from sklearn.svm import LinearSVC
from threadpoolctl import threadpool_limits

import numloss

DATA = Path(__file__).parent.parent / "data"


@pytest.fixture(autouse=True, scope="module")
def one_blas_thread():
    """The matrices are small: BLAS threads fighting over busy cores slow them down fiftyfold."""
    with threadpool_limits(limits=1, user_api="blas"):
        yield


def fit_linear(loss, features, target, strength, classes=1, accuracy=1e-8, **options):
    """Minimise the mean loss plus the L2 penalty; the intercept, the last row, is not penalised."""
    n, d = features.shape

    def objective(flat):
        w = flat.reshape(d + 1, classes)
        prediction = features @ w[:d] + w[d]
        if classes == 1:
            prediction = prediction[:, 0]
        value, grad = loss.value_and_grad(prediction, target, **options)
        grad = grad.reshape(n, classes)
        penalty, shrink = numloss.l2_penalty.value_and_grad(w[:d], strength=strength)
        return value + penalty, np.vstack([features.T @ grad + shrink, grad.sum(axis=0)]).ravel()

    found = minimize(
        objective,
        np.zeros((d + 1) * classes),
        jac=True,
        method="L-BFGS-B",
        options={
            "maxiter": 5000,
            "maxfun": 20000,
            "ftol": 0,
            "gtol": accuracy / 1000,
            "maxcor": 30,
        },
    )
    # Rounding hides a decrease of the value long before the gradient is down to gtol.
    assert np.abs(found.jac).max() < accuracy
    return found.x.reshape(d + 1, classes)


def predict_linear(w, features):
    return features @ w[:-1] + w[-1]


@cache
def digits():
    images, label = load_digits(return_X_y=True)
    return images / 16, label


@cache
def breast_cancer():
    features, label = load_breast_cancer(return_X_y=True)
    return scale(features), label


def largest_difference(name, found, expected):
    difference = np.abs(found - expected).max()
    print(f"{name}: up to {np.abs(expected).max():.3g}, largest difference {difference:.2g}")
    return difference


# scikit-learn minimises C · Σ loss + ½‖w‖², which is C·n times: mean loss + ½‖w‖² / (C·n).


@pytest.mark.parametrize("C", [0.01, 1.0])
def test_multinomial_logistic_regression(C):
    features, label = digits()
    w = fit_linear(numloss.cross_entropy, features, label, 1 / (C * len(label)), classes=10)
    reference = LogisticRegression(C=C, solver="newton-cholesky", tol=1e-12).fit(features, label)
    assert largest_difference("slopes", w[:-1], reference.coef_.T) < 1e-6
    # A constant added to all intercepts changes no probability: compare them centred.
    found, expected = w[-1] - w[-1].mean(), reference.intercept_ - reference.intercept_.mean()
    assert largest_difference("intercepts", found, expected) < 1e-5


@pytest.mark.parametrize("C", [0.01, 1.0])
def test_binary_logistic_regression(C):
    features, label = breast_cancer()
    w = fit_linear(numloss.binary_cross_entropy, features, label, 1 / (C * len(label)))
    reference = LogisticRegression(C=C, solver="newton-cholesky", tol=1e-12).fit(features, label)
    expected = np.append(reference.coef_, reference.intercept_)
    assert largest_difference(f"C={C}", w[:, 0], expected) < 1e-6


@pytest.mark.parametrize("epsilon", [1.1, 1.35, 2.0])
def test_huber_regression(epsilon):
    """Slopes, intercept and scale of HuberRegressor, the scale found through the gradient.

    HuberRegressor minimises n·σ + (2/σ) Σ huber(r, δ=ε·σ) + α‖w‖² over w and σ. For fixed σ that
    is mean huber + (α·σ/n) · ½‖w‖². In σ it is stationary where n·σ² = Σ clip(r, ±ε·σ)², and the
    clipped residual is what huber's gradient is.
    """
    features, target = load_diabetes(return_X_y=True, scaled=False)
    features, n, alpha = scale(features), len(target), 1.0

    def fit_at(sigma):
        return fit_linear(
            numloss.huber, features, target, alpha * sigma / n, accuracy=1e-5, delta=epsilon * sigma
        )

    def scale_equation(sigma):
        residual = predict_linear(fit_at(sigma), features)[:, 0]
        clipped = numloss.huber.grad(residual, target, delta=epsilon * sigma, reduction="none")
        return np.mean(clipped**2) - sigma**2

    def joint_objective(w, sigma):
        prediction = predict_linear(w, features)[:, 0]
        total = numloss.huber(prediction, target, delta=epsilon * sigma, reduction="sum")
        return n * sigma + 2 / sigma * total + alpha * np.sum(w[:-1] ** 2)

    sigma = brentq(scale_equation, 5, 500, xtol=1e-9)
    w = fit_at(sigma)
    reference = HuberRegressor(epsilon=epsilon, alpha=alpha, tol=1e-12, warm_start=True)
    for _ in range(20):  # it stops early, on a small decrease, and goes on when fitted again
        reference.fit(features, target)
    expected = np.append(reference.coef_, reference.intercept_)[:, None]

    ours, theirs = joint_objective(w, sigma), joint_objective(expected, reference.scale_)
    print(f"scale {sigma:.6f} and {reference.scale_:.6f}, objective {theirs / ours - 1:.1g} lower")
    assert largest_difference("slopes, intercept", w, expected) < 1e-5 * np.abs(expected).max()
    assert sigma == pytest.approx(reference.scale_, rel=5e-6)
    assert ours == pytest.approx(theirs, rel=1e-10)
    assert ours <= theirs * (1 + 1e-14)


# liblinear penalises the intercept as it does a slope: the weight of a column of ones.


def svm_problem(C):
    features, label = breast_cancer()
    with_ones = np.column_stack([features, np.ones(len(label))])
    return with_ones, 2 * label - 1, 1 / (C * len(label))


def liblinear(loss, C):
    dual = loss == "hinge"
    model = LinearSVC(loss=loss, C=C, tol=1e-10, max_iter=10_000_000, dual=dual, random_state=0)
    model.fit(*breast_cancer())
    return np.append(model.coef_, model.intercept_)


@pytest.mark.parametrize("C", [0.01, 1.0])
def test_svm_with_squared_hinge(C):
    features, sign, strength = svm_problem(C)

    def objective(w):
        value, grad = numloss.squared_hinge.value_and_grad(features @ w, sign)
        penalty, shrink = numloss.l2_penalty.value_and_grad(w, strength=strength)
        return value + penalty, features.T @ grad + shrink

    found = minimize(
        objective,
        np.zeros(features.shape[1]),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": 5000, "ftol": 0, "gtol": 1e-12},
    )
    assert largest_difference(f"C={C}", found.x, liblinear("squared_hinge", C)) < 1e-6


def bundle_method(features, sign, strength, gap):
    """Minimise mean hinge + strength · ½‖w‖² with cutting planes; return w and a lower bound.

    Value and subgradient at any w give a plane below the mean hinge. The minimum over all planes
    so far is a quadratic programme, small in its dual, and a lower bound on the true minimum.
    """
    slopes, offsets, mix = np.empty((0, features.shape[1])), np.empty(0), np.empty(0)
    w, best_w, best = np.zeros(features.shape[1]), None, np.inf
    for _ in range(300):
        value, grad = numloss.hinge.value_and_grad(features @ w, sign)
        upper = value + numloss.l2_penalty(w, strength=strength)
        if upper < best:
            best, best_w = upper, w
        slope = features.T @ grad
        slopes, offsets = np.vstack([slopes, slope]), np.append(offsets, value - slope @ w)
        mix, lower = lowest_point(slopes, offsets, strength, np.append(mix, not mix.size))
        w = -slopes.T @ mix / strength
        if best - lower <= gap * best:
            return best_w, lower
    raise AssertionError(f"gap {best - lower} after 300 cuts")


def lowest_point(slopes, offsets, strength, start):
    """Convex combination of the planes that is tangent at the lowest point, and its height."""
    gram = slopes @ slopes.T / strength
    found = minimize(
        lambda mix: (0.5 * mix @ gram @ mix - offsets @ mix, gram @ mix - offsets),
        start,
        jac=True,
        method="SLSQP",
        bounds=[(0, None)] * len(start),
        constraints={"type": "eq", "fun": lambda mix: mix.sum() - 1, "jac": np.ones_like},
        options={"ftol": 1e-14, "maxiter": 1000},
    )
    # Any point of the simplex gives a valid bound: clear the solver's rounding first.
    mix = np.maximum(found.x, 0)
    mix /= mix.sum()
    return mix, offsets @ mix - 0.5 * mix @ gram @ mix


@pytest.mark.parametrize("C", [0.01, 0.1, 1.0])
def test_svm_with_hinge(C):
    features, sign, strength = svm_problem(C)

    w, lower_bound = bundle_method(features, sign, strength, gap=1e-5)
    ours = numloss.hinge(features @ w, sign) + numloss.l2_penalty(w, strength=strength)
    reference = liblinear("hinge", C)
    theirs = np.maximum(1 - sign * (features @ reference), 0).mean() + strength / 2 * np.sum(
        reference**2
    )
    print(f"C={C}: {ours:.9f}, liblinear {theirs:.9f}, no lower than {lower_bound:.9f}")
    assert ours == pytest.approx(theirs, rel=2e-5)
    # The planes come from the gradients: a wrong one would cut off liblinear's solution.
    assert lower_bound <= theirs * (1 + 1e-7)


@pytest.mark.parametrize("alpha", [0.25, None])
def test_focal_without_focusing_is_weighted_cross_entropy(alpha):
    features, label = breast_cancer()
    weight = np.ones(len(label)) if alpha is None else np.where(label == 1, alpha, 1 - alpha)
    class_weight = None if alpha is None else {0: 1 - alpha, 1: alpha}
    focal = {"gamma": 0.0, "alpha": alpha}

    logits = 3 * features[:, 0]
    value, grad = numloss.focal.value_and_grad(logits, label, reduction="none", **focal)
    expected, expected_grad = numloss.binary_cross_entropy.value_and_grad(
        logits, label, weight=weight, reduction="none"
    )
    np.testing.assert_allclose(value, expected, rtol=1e-14)
    np.testing.assert_allclose(grad, expected_grad, rtol=1e-14)

    strength = 1 / len(label)
    w = fit_linear(numloss.focal, features, label, strength, **focal)
    same = fit_linear(
        numloss.binary_cross_entropy, features, label, strength, weight=weight, denominator="count"
    )
    assert largest_difference("weighted cross-entropy", w, same) < 1e-6
    reference = LogisticRegression(
        solver="newton-cholesky", tol=1e-12, class_weight=class_weight
    ).fit(features, label)
    expected = np.append(reference.coef_, reference.intercept_)
    assert largest_difference("scikit-learn", w[:, 0], expected) < 1e-6


@pytest.mark.parametrize("alpha", [None, 0.25, "per class"])
def test_softmax_focal_without_focusing_is_weighted_cross_entropy(alpha):
    features, label = digits()
    class_weight = np.broadcast_to(1.0 if alpha is None else alpha, 10)
    if alpha == "per class":
        alpha = class_weight = np.linspace(0.5, 2.0, 10)
    focal = {"gamma": 0.0, "alpha": alpha}
    weighted = {"class_weight": class_weight, "denominator": "count"}

    logits = 20 * features[:, 20:30]
    value, grad = numloss.softmax_focal.value_and_grad(logits, label, **focal)
    expected, expected_grad = numloss.cross_entropy.value_and_grad(logits, label, **weighted)
    assert value == pytest.approx(expected, rel=1e-14)
    np.testing.assert_allclose(grad, expected_grad, rtol=1e-12, atol=1e-18)

    strength = 1 / len(label)
    w = fit_linear(numloss.softmax_focal, features, label, strength, classes=10, **focal)
    same = fit_linear(numloss.cross_entropy, features, label, strength, classes=10, **weighted)
    assert largest_difference("slopes", w[:-1], same[:-1]) < 1e-6


# One digit against the nine others: a class of one in ten. On images of 4 by 4 pixels plain
# cross-entropy misses more than a fifth of these four.

RARE_DIGITS = [1, 3, 8, 9]


@cache
def rare_class_rates(digit):
    """Recall and specificity of each remedy over five held-out folds, decided at logit 0."""
    images, label = digits()
    features = images.reshape(-1, 4, 2, 4, 2).mean(axis=(2, 4)).reshape(-1, 16)
    rare = (label == digit).astype(int)
    decided = {}
    for train, test in StratifiedKFold(5, shuffle=True, random_state=0).split(features, rare):
        scaler = StandardScaler().fit(features[train])
        x, y = scaler.transform(features[train]), rare[train]
        drawn = numloss.oversample(y, rng=np.random.default_rng(0))
        fits = {
            "plain": fit_linear(numloss.binary_cross_entropy, x, y, 1e-4),
            "class weights": fit_linear(
                numloss.binary_cross_entropy, x, y, 1e-4, weight=numloss.class_weights(y)[y]
            ),
            "oversampling": fit_linear(numloss.binary_cross_entropy, x[drawn], y[drawn], 1e-4),
            # alpha weighs the class labelled 1, the rare one, and 1 - alpha the other. Without it
            # focusing alone (alpha=None) moves recall by a point or two, either way.
            "focal": fit_linear(numloss.focal, x, y, 1e-4, alpha=0.75),
        }
        for remedy, w in fits.items():
            positive = predict_linear(w, scaler.transform(features[test]))[:, 0] > 0
            decided.setdefault(remedy, np.empty(len(rare), bool))[test] = positive
    return {k: (v[rare == 1].mean(), 1 - v[rare == 0].mean()) for k, v in decided.items()}


@pytest.mark.parametrize("digit", RARE_DIGITS)
@pytest.mark.parametrize("remedy", ["class weights", "oversampling", "focal"])
def test_remedies_raise_recall_of_the_rare_class(remedy, digit):
    rates = rare_class_rates(digit)
    for name in ("plain", remedy):
        print(f"digit {digit}, {name}: recall %.3f, specificity %.3f" % rates[name])
    assert rates[remedy][0] > rates["plain"][0] + 0.05
    # Calling everything rare would raise recall too.
    assert sum(rates[remedy]) > sum(rates["plain"])


# Where voters place themselves, from extremely liberal (0) to extremely conservative (6), from who
# they are and where they see the candidates; their vote and party would tell it too easily. Model,
# penalty and the rule that turns probabilities into a class are the same for both losses of a
# comparison: the most probable class, or the median, which has the least expected absolute error.
# Limits: ordinal_cross_entropy spreads the distribution, which draws medians to the middle and
# makes them worse; ranked_probability gains under the median with any penalty from 1e-3 to 3e-2,
# but under the most probable class only around the one used here.

FEATURES = ["TVnews", "ClinLR", "DoleLR", "age", "educ", "income", "logpopul"]
RULES = {
    "median": lambda p: np.argmax(np.cumsum(p, axis=1) >= 0.5, axis=1),
    "most probable": lambda p: np.argmax(p, axis=1),
}
REPEATS, FOLDS = 10, 5


@cache
def voters():
    table = np.genfromtxt(
        DATA / "anes96.csv", delimiter=",", names=True, dtype=None, encoding="utf-8"
    )
    features = np.column_stack([table[name] for name in FEATURES])
    return features.astype(float), table["label"].astype(int)


@cache
def absolute_class_errors(loss_name, rule):
    """Mean absolute class error of each repetition of five-fold cross-validation."""
    features, label = voters()
    loss = getattr(numloss, loss_name)
    splits = RepeatedStratifiedKFold(n_splits=FOLDS, n_repeats=REPEATS, random_state=0)
    errors = []
    for train, test in splits.split(features, label):
        scaler = StandardScaler().fit(features[train])
        x, y = scaler.transform(features[train]), label[train]
        w = fit_linear(loss, x, y, 3e-3, classes=7, accuracy=1e-5)
        logits = predict_linear(w, scaler.transform(features[test]))
        probability = np.exp(logits - logits.max(axis=1, keepdims=True))
        probability /= probability.sum(axis=1, keepdims=True)
        errors.append(np.abs(RULES[rule](probability) - label[test]).mean())
    return np.reshape(errors, (REPEATS, FOLDS)).mean(axis=1)


@pytest.mark.parametrize(
    ("loss_name", "rule"),
    [
        ("ranked_probability", "most probable"),
        ("ordinal_cross_entropy", "most probable"),
        ("ranked_probability", "median"),
    ],
)
def test_ordinal_losses_lower_the_absolute_class_error(loss_name, rule):
    plain = absolute_class_errors("cross_entropy", rule)
    ordinal = absolute_class_errors(loss_name, rule)
    gain = plain - ordinal
    error_of_gain = gain.std(ddof=1) / np.sqrt(REPEATS)
    print(
        f"{rule} class: cross_entropy {plain.mean():.4f}, {loss_name} {ordinal.mean():.4f}, "
        f"gain {gain.mean():.4f} ± {error_of_gain:.4f}"
    )
    assert gain.mean() > 2 * error_of_gain
