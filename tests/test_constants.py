"""The best constants: their closed forms, scikit-learn's, and minima found by SciPy."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from cases import VARIANTS
from scipy import optimize, special
from sklearn._loss.loss import (
    AbsoluteError,
    HalfBinomialLoss,
    HalfMultinomialLoss,
    HalfSquaredError,
    PinballLoss,
)

import numloss
from numloss import best_constant
from numloss._constant import weighted_quantiles
from numloss._loss import OF_LISTS
from numloss.evaluation.specs import FORMS

RNG = np.random.default_rng(3)
N = 501
WIDE = RNG.normal(3, 2, N)
TWO = (RNG.random(N) < 0.1).astype(float)
THREE = RNG.integers(0, 3, N)
W = RNG.uniform(0.5, 2, N)


def test_closed_forms():
    assert best_constant("mse", WIDE, W) == pytest.approx(np.average(WIDE, weights=W), rel=1e-15)
    assert best_constant("mae", WIDE[:-1]) == np.median(WIDE[:-1])
    assert best_constant("quantile", WIDE, q=0.9) == np.sort(WIDE)[450]
    shares = np.bincount(THREE, W) / W.sum()
    assert best_constant("cross_entropy", THREE, W) == pytest.approx(np.log(shares), rel=1e-14)
    base_rate = special.logit(np.average(TWO, weights=W))
    assert best_constant("binary_cross_entropy", TWO, W) == pytest.approx(base_rate, rel=1e-14)
    mean, variance = best_constant("gaussian_nll", WIDE, W)
    assert mean == pytest.approx(np.average(WIDE, weights=W), rel=1e-14)
    assert variance == pytest.approx(np.average((WIDE - mean) ** 2, weights=W), rel=1e-13)
    q = RNG.dirichlet(np.ones(4), 30)
    assert best_constant("kl_divergence", q, W[:30]) == pytest.approx(
        np.log(np.average(q, axis=0, weights=W[:30])), rel=1e-13
    )


@pytest.mark.parametrize("weight", [None, W])
def test_they_are_those_of_scikit_learn(weight):
    def theirs(loss, y):
        return loss.fit_intercept_only(y.astype(float), sample_weight=weight)

    assert best_constant("mse", WIDE, weight) == pytest.approx(theirs(HalfSquaredError(), WIDE))
    assert best_constant("binary_cross_entropy", TWO, weight) == pytest.approx(
        theirs(HalfBinomialLoss(), TWO)
    )
    found = best_constant("cross_entropy", THREE, weight)
    assert found - found.mean() == pytest.approx(theirs(HalfMultinomialLoss(n_classes=3), THREE))
    assert best_constant("mae", WIDE, weight) == pytest.approx(theirs(AbsoluteError(), WIDE))
    assert best_constant("quantile", WIDE, weight, q=0.3) == pytest.approx(
        theirs(PinballLoss(quantile=0.3), WIDE)
    )


def targets_of(variant):
    shape = (300, 4) if variant.rowwise else (300,)
    return variant.inputs(shape, seed=4)[1]


#: Losses of one score, with the parameters of their rows.
ELEMENTS = [
    v for v in VARIANTS if not v.rowwise and all(v.parameters.get(form, True) for form in FORMS)
]


@pytest.mark.parametrize("variant", ELEMENTS, ids=repr)
def test_no_other_score_is_better(variant):
    """SciPy's bounded search, from around every one of some scores, finds nothing below it."""
    target, w = targets_of(variant), W[:300]
    options = variant.options(1, target.shape)
    if variant.name == "hinge_embedding":  # of distances, which go on to minus infinity
        with pytest.raises(numloss.Error, match="hinge_embedding falls on and on"):
            best_constant(variant.loss, target, w, **options)
        return
    found = best_constant(variant.loss, target, w, **options)

    def value(c):
        return float(variant.loss(np.full(300, c), target, weight=w, **options))

    least = value(found)
    lowest = max(-9.0, getattr(variant.loss, "prediction_above", -np.inf) + 1e-3)
    for begin, end in itertools.pairwise(np.linspace(lowest, 9, 41)):
        other = optimize.minimize_scalar(value, bounds=(begin, end), method="bounded")
        assert other.fun >= least - 1e-12 * (1 + abs(least))


OTHERS = ("ordered labels", "real", *OF_LISTS)  # rows of thresholds, or of members
ROWS = [v for v in VARIANTS if v.rowwise and v.loss.link != "log" and v.loss.domain not in OTHERS]
ROWS = [v for v in ROWS if not v.domain.in_unit]  # a constant is a score


@pytest.mark.parametrize("variant", ROWS, ids=repr)
def test_no_other_scores_of_classes_are_better(variant):
    target, w = targets_of(variant), W[:300]
    options = variant.options(4)
    found = best_constant(variant.loss, target, w, **options)
    assert found.shape == (4,)

    def value(c):
        full = np.broadcast_to(c, (300, 4))
        return float(variant.loss(full, target, weight=w, **options))

    least = value(found)
    for _ in range(40):
        assert value(found + RNG.normal(scale=0.3, size=4)) >= least - 1e-9
    if variant.loss.smoothness:
        other = optimize.minimize(value, found)
        assert other.fun >= least - 1e-7 * abs(least)


def test_quantiles_are_the_middle_of_those_that_are_best():
    t = np.array([5.0, 1.0, 2.0, 8.0])
    assert best_constant("mae", t) == 3.5
    assert best_constant("mae", t, [1, 2, 1, 2]) == 3.5  # weights 2, 1 below and 1, 2 above
    assert best_constant("mae", t, [1, 2, 1, 3]) == 5.0
    assert best_constant("mae", t, [0, 2, 1, 0]) == 1.0
    assert best_constant("quantile", t, q=0.25) == 1.5
    assert best_constant("quantile", t, q=0.0) == 1.0
    assert best_constant("quantile", t, q=1.0) == 8.0
    # Sums of tenths are rounded; a weight of 0.3 is below still.
    assert best_constant("quantile", np.arange(10.0), np.full(10, 0.1), q=0.3) == 2.5
    several = best_constant("quantile", WIDE, W, q=[0.1, 0.5, 0.9])
    assert several.tolist() == [best_constant("quantile", WIDE, W, q=q) for q in (0.1, 0.5, 0.9)]
    for n in (1, 2, 7, 10):
        t = RNG.integers(0, 4, n).astype(float)  # ties
        assert weighted_quantiles(t, np.ones(n), 0.5) == np.median(t)


def test_a_weight_of_2_is_an_example_that_is_there_twice():
    w = RNG.integers(1, 4, 50)
    for name in ("mse", "mae", "huber", "quantile", "gaussian_nll"):
        once = best_constant(name, WIDE[:50], w)
        assert once == pytest.approx(best_constant(name, np.repeat(WIDE[:50], w)), rel=1e-12)


def test_what_has_no_weight_is_not_there():
    target = np.array([1.0, np.nan, 3.0])
    for name in ("mse", "mae", "huber", "gaussian_nll"):
        assert best_constant(name, target, [1, 0, 1]) == best_constant(name, [1.0, 3.0])
    assert best_constant("cross_entropy", [0, 1, 1, -100]) == pytest.approx(np.log([1 / 3, 2 / 3]))


def test_any_shape_and_type_of_targets():
    target = WIDE[:20].reshape(4, 5)
    w = np.array([1.0, 2.0, 3.0, 4.0])[:, None]
    expected = np.average(target, weights=np.broadcast_to(w, (4, 5)))
    assert best_constant(numloss.mse, target, w) == pytest.approx(expected, rel=1e-15)
    assert best_constant("mae", np.array([2, 9, 4], np.int8)) == 4.0
    assert best_constant("binary_cross_entropy", [True, False, False, False]) == pytest.approx(
        np.log(1 / 3)
    )
    labels = np.array([[0, 1], [1, 1]])
    assert best_constant("cross_entropy", labels) == pytest.approx(np.log([0.25, 0.75]))


def test_labels_that_are_all_the_same_have_the_bound():
    assert best_constant("binary_cross_entropy", [1, 1]) == 30.0
    assert best_constant("binary_cross_entropy", [0, 0], bound=5.0) == -5.0
    assert best_constant("focal", [1, 1], bound=8.0) == 8.0
    absent = best_constant("cross_entropy", [0, 1], classes=3)
    assert absent == pytest.approx([np.log(0.5), np.log(0.5), -30.0])
    assert best_constant("mse", [7.0, 7.0]) == 7.0


@pytest.mark.parametrize("factor", [1e-8, 1.0, 1e9])
def test_scales_do_not_matter(factor):
    delta = 0.7 * factor
    found = best_constant("huber", factor * WIDE, W, delta=delta)
    assert found == pytest.approx(factor * best_constant("huber", WIDE, W, delta=0.7), rel=1e-11)
