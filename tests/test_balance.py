"""Balancing classes: the weights against their definitions and scikit-learn, the samples drawn."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.utils.class_weight import compute_class_weight

import numloss

LABELS = np.repeat([0, 1, 2, 4], [40, 7, 1, 22])


def test_balanced_weights_are_those_of_scikit_learn():
    present = np.unique(LABELS)
    expected = compute_class_weight("balanced", classes=present, y=LABELS)
    weights = numloss.class_weights(LABELS)
    assert weights[present] == pytest.approx(expected, rel=1e-15)
    assert weights[3] == 0


@pytest.mark.parametrize("beta", [0.0, 0.5, 0.999, 1 - 2.0**-40])
def test_effective_weights_go_by_the_effective_number(beta):
    weights = numloss.class_weights(LABELS, scheme="effective", beta=beta)
    # 1 + beta + beta² + ...: (1 - beta^n) / (1 - beta) without its cancellation.
    effective = np.array([(beta ** np.arange(n)).sum() for n in (40, 7, 1, 22)])
    expected = 1 / effective / np.mean(1 / effective)
    assert weights[[0, 1, 2, 4]] == pytest.approx(expected, rel=1e-13)
    assert weights[3] == 0


def test_weights_have_the_length_asked_for():
    assert numloss.class_weights([[1, 0], [1, 1]], 4).tolist() == [2.0, 2 / 3, 0.0, 0.0]
    assert numloss.class_weights(np.array([1], np.uint8)).tolist() == [0.0, 1.0]


def test_a_sample_has_every_class_equally_often_and_every_example_almost_so():
    rng = np.random.default_rng(0)
    labels = rng.permutation(LABELS)
    drawn = numloss.oversample(labels, rng=1)
    assert np.bincount(labels[drawn]).tolist() == [40, 40, 40, 0, 40]
    times = np.bincount(drawn, minlength=labels.size)
    for label in np.unique(labels):
        of_class = times[labels == label]
        assert of_class.min() >= 1
        assert of_class.max() - of_class.min() <= 1


def test_a_sample_is_that_of_its_seed_in_random_order():
    first = numloss.oversample(LABELS, rng=5)
    assert np.array_equal(first, numloss.oversample(LABELS, rng=np.random.default_rng(5)))
    assert not np.array_equal(first, numloss.oversample(LABELS, rng=6))
    assert (np.diff(LABELS[first]) < 0).any()


@pytest.mark.parametrize("ratio", [0.0, 0.25, 0.5, 1.0])
def test_a_ratio_is_how_far_classes_grow(ratio):
    counts = np.array([40, 7, 1, 22])
    drawn = numloss.oversample(LABELS, rng=3, ratio=ratio)
    sizes = np.bincount(LABELS[drawn])[[0, 1, 2, 4]]
    assert sizes.tolist() == np.rint(counts + ratio * (40 - counts)).tolist()
    times = np.bincount(drawn, minlength=LABELS.size)
    assert times.min() >= 1
    if ratio == 0:
        assert (times == 1).all()


def test_positive_weights_are_negatives_over_positives():
    target = np.array([0, 1, 0, 0, 1, 0, 0])
    assert numloss.pos_weight(target) == 5 / 2
    assert numloss.pos_weight(target == 1) == 5 / 2
    assert numloss.pos_weight(np.array([0.25, 0.75])) == 1.0
    columns = numloss.pos_weight(np.stack([target, 1 - target, target], axis=1))
    assert columns.tolist() == [5 / 2, 2 / 5, 5 / 2]
    assert numloss.pos_weight([1, 1]) == 0.0


def test_positive_weights_make_both_classes_weigh_alike():
    """The best constant of the weighted loss says that both are as likely."""
    target = np.array([0, 0, 0, 1, 0, 1, 0])
    weighted = numloss.best_constant(
        "binary_cross_entropy", target, pos_weight=numloss.pos_weight(target)
    )
    assert weighted == pytest.approx(0, abs=1e-14)
