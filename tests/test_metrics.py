"""Metrics beside losses, against scikit-learn and their definitions."""

import numpy as np
import pytest
from sklearn import metrics as sklearn

import numloss
from numloss.evaluation.metrics import METRICS
from numloss.evaluation.specs import known

C = 7


def softmax(scores):
    e = np.exp(scores - scores.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


@pytest.fixture(scope="module", params=["float32", "float64", "float16"])
def rows(request):
    rng = np.random.default_rng(3)
    scores = rng.normal(size=(3000, C)).astype(request.param)
    scores[:40] = np.round(scores[:40])  # ties
    return scores, rng.integers(0, C, 3000), rng.random(3000)


def evaluated(losses, *arguments, **options):
    evaluation = numloss.Evaluation(losses)
    evaluation.update(*arguments, **options)
    return evaluation.result()


def test_over_classes(rows):
    scores, labels, weight = rows
    wide = scores.astype("f8")
    for weights in (None, weight):
        result = evaluated(
            ["accuracy", "top_k_accuracy:k=3", "multiclass_brier"], scores, labels, weight=weights
        )
        right = wide.argmax(1) == labels
        assert result["accuracy"].total.mean == pytest.approx(
            np.average(right, weights=weights), rel=1e-12
        )
        assert result["accuracy"].total.mean == pytest.approx(
            sklearn.accuracy_score(labels, wide.argmax(1), sample_weight=weights), rel=1e-12
        )
        mine = wide[np.arange(3000), labels][:, None]
        top = (wide > mine).sum(1) < 3
        assert result["top_k_accuracy:k=3"].total.mean == pytest.approx(
            np.average(top, weights=weights), rel=1e-12
        )
        brier = np.square(softmax(wide) - np.eye(C)[labels]).sum(1)
        assert result["multiclass_brier"].total.mean == pytest.approx(
            np.average(brier, weights=weights), rel=2e-6
        )
    untied = slice(40, None)
    if scores.dtype == np.float64:
        assert evaluated("top_k_accuracy:k=2", scores[untied], labels[untied])[
            "top_k_accuracy:k=2"
        ].total.mean == sklearn.top_k_accuracy_score(labels[untied], scores[untied], k=2)


def test_of_two_classes(rows):
    scores, labels, weight = rows
    x, y = scores[:, 0], (labels > 3).astype(scores.dtype)
    p = 1 / (1 + np.exp(-x.astype("f8")))
    result = evaluated(["binary_accuracy", "brier"], x, y, weight=weight)
    assert result["binary_accuracy"].total.mean == pytest.approx(
        sklearn.accuracy_score(y, x > 0, sample_weight=weight), rel=1e-12
    )
    assert result["brier"].total.mean == pytest.approx(
        sklearn.brier_score_loss(y, p, sample_weight=weight), rel=2e-6
    )
    named = [("binary_accuracy", {"from_logits": False}), ("brier", {"from_logits": False})]
    both = evaluated(named, p, y.astype("f8"))
    assert [loss.total.mean for loss in both.losses.values()] == pytest.approx(
        [sklearn.accuracy_score(y, p > 0.5), sklearn.brier_score_loss(y, p)], rel=1e-12
    )


def test_what_does_not_count_and_what_is_not_known():
    scores = np.array([[2.0, 1.0], [np.nan, 1.0], [0.0, 3.0], [1.0, 0.0]])
    labels = np.array([0, 1, -100, 1])
    result = evaluated(["accuracy", "top_k_accuracy:k=1", "multiclass_brier"], scores, labels)
    for loss in result.losses.values():
        assert (loss.total.count, loss.total.ignored, loss.total.nan) == (3, 1, 1)
        assert np.isnan(loss.total.mean)
    result = evaluated("accuracy", scores, labels, weight=[1.0, 0.0, 1.0, 1.0])
    assert (result["accuracy"].total.count, result["accuracy"].total.mean) == (2, 0.5)
    soft = evaluated("accuracy", scores[[0, 2]], np.array([[0.2, 0.8], [0.1, 0.9]]))
    assert soft["accuracy"].total.mean == 0.5
    tokens = evaluated("accuracy", np.zeros((2, 3, 4)), np.zeros((2, 3), int))
    assert (tokens.rows, tokens["accuracy"].total.count) == (2, 6)
    nan = evaluated("binary_accuracy", np.array([np.nan, 1.0]), np.array([0.0, 1.0]))
    assert nan["binary_accuracy"].total.nan == 1


def test_wrong_calls_are_refused_as_losses_refuse_them():
    for losses, arguments, error in (
        ("accuracy", (np.zeros((3, 2)), [0, 1, 2]), "labels in"),
        ("accuracy", (np.zeros((3, 2)), [0, 1]), "a label per example"),
        ("brier", (np.zeros(3), [0.0, 2.0, 1.0]), "target must"),
        ("binary_accuracy", (np.zeros(3), [0.0, 2.0, 1.0]), "target must"),
        ("top_k_accuracy:k=0", (np.zeros((3, 2)), [0, 1, 1]), "k must be"),
    ):
        with pytest.raises(ValueError, match=error):
            evaluated(losses, *arguments)
    with pytest.raises(ValueError, match="has no option 'kk'"):
        numloss.Evaluation("top_k_accuracy:kk=2")
    with pytest.raises(ValueError, match=r"acc.*here it is accuracy"):
        numloss.Evaluation("acc")
    with pytest.raises(ValueError, match="is reduced by an evaluation"):
        METRICS["accuracy"](np.zeros((1, 2)), [0], reduction="mean")


def test_states_of_metrics_travel_and_higher_is_better():
    rng = np.random.default_rng(0)
    scores, other, labels = (
        rng.normal(size=(300, 3)),
        rng.normal(size=(300, 3)),
        rng.integers(0, 3, 300),
    )
    other[np.arange(300), labels] += 2
    groups = rng.integers(0, 60, 300)
    evaluation = numloss.Evaluation(["accuracy", "cross_entropy"], by="g", compare=("old", "new"))
    evaluation.update(scores, labels, other=other, groups=groups)
    restored = numloss.Evaluation.from_bytes(evaluation.to_bytes())
    result = restored.result()
    for name in result:
        assert result.comparisons[name].won.total.mean > 0.5
    assert result.comparisons["accuracy"].difference.total.mean > 0
    assert result.comparisons["cross_entropy"].difference.total.mean < 0
    shown = str(result).split("\ncross_entropy\n")[0].splitlines()
    assert "50 groups" not in shown[0]
    means = [float(line.split()[2]) for line in shown[4:54]]
    assert means == sorted(means)  # the least accurate groups first
    assert set(known()) == {*numloss.LOSSES, *METRICS}
    assert all(metric.__doc__ for metric in METRICS.values())


def test_weights_are_those_that_losses_take():
    scores, labels = np.array([[1.0, 2], [0, 3]]), [0, 1]
    for weight in ([1.0, -3.0], [1.0, np.nan, 2.0], [[1.0, 2.0, 3.0]]):
        for name in ("accuracy", "multiclass_brier", "top_k_accuracy:k=1"):
            with pytest.raises(numloss.Error, match="weight"):
                evaluated(name, scores, labels, weight=weight)
    tokens, marks = np.zeros((4, 4, 3)), np.zeros((4, 4), int)
    with pytest.raises(numloss.Error, match="weight"):
        evaluated("accuracy", tokens, marks, weight=[1.0, 2, 3, 4])
    with pytest.raises(numloss.InputTypeError):
        evaluated("accuracy", np.ma.array(scores, mask=scores > 2), labels)
    # Nothing looks at rows of weight 0.
    for name, prediction, target in (
        ("accuracy", scores, [7, 1]), ("multiclass_brier", scores, [7, 1]),
        ("top_k_accuracy:k=1", scores, [-5, 1]), ("brier", scores[:, 0], [7.0, 1.0]),
        ("binary_accuracy", scores[:, 0], [7.0, 1.0]),
    ):  # fmt: skip
        total = evaluated(name, prediction, target, weight=[0.0, 1.0])[name].total
        assert (total.count, total.ignored) == (1, 1)


@pytest.mark.parametrize("loss", ["brier", "binary_accuracy", "binary_cross_entropy", "mse"])
def test_half_precision_beside_float64(loss):
    rng = np.random.default_rng(6)
    scores, labels = rng.normal(size=200).astype("f2"), rng.integers(0, 2, 200).astype("f8")
    found = evaluated(loss, scores, labels)[loss].total
    assert found.mean == evaluated(loss, scores.astype("f8"), labels)[loss].total.mean
    assert evaluated(loss, scores, labels.tolist())[loss].total.mean == found.mean
