"""Reliability curves, calibration errors, ROC-AUC and average precision."""

import json
from math import isclose

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

import numloss
from numloss.evaluation.calibration import BINS

C = 5


@pytest.fixture(scope="module")
def rows():
    """Return logits of two classes, labels, weights and groups."""
    rng = np.random.default_rng(2)
    n = 9000
    logits = rng.normal(0, 2, n).astype("f4")
    labels = (rng.random(n) < 1 / (1 + np.exp(-1.3 * logits.astype("f8")))).astype("f8")
    return logits, labels, rng.random(n), rng.integers(0, 4, n)


def evaluated(losses, *arguments, options=(), **keywords):
    evaluation = numloss.Evaluation(losses, **{"calibration": True, **dict(options)})
    evaluation.update(*arguments, **keywords)
    return evaluation.result()


def reliability(confidence, outcome, weight):
    """Compute bins and expected calibration error from the definition."""
    confidence = np.asarray(confidence, "f8")
    place = np.minimum((confidence * BINS).astype(int), BINS - 1)
    bins, error = [], 0.0
    for number in range(BINS):
        mine = place == number
        total = weight[mine].sum()
        if total > 0:
            pair = [np.average(v[mine], weights=weight[mine]) for v in (confidence, outcome)]
            bins.append((number / BINS, int(mine.sum()), *pair))
            error += total / weight.sum() * abs(pair[0] - pair[1])
    return bins, error


def same(found, expected):
    bins, error = expected
    assert [(bin.low, bin.count) for bin in found.bins] == [bin[:2] for bin in bins]
    for bin, (*_, confidence, outcome) in zip(found.bins, bins, strict=True):
        assert isclose(bin.confidence, confidence, rel_tol=1e-6)
        assert isclose(bin.outcome, outcome, rel_tol=1e-12, abs_tol=1e-15)
    assert isclose(found.expected_error, error, rel_tol=1e-4, abs_tol=1e-7)
    assert isclose(found.maximum_error, max(abs(bin[2] - bin[3]) for bin in bins), rel_tol=1e-4)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("loss", ["binary_cross_entropy", "focal", "brier", "binary_accuracy"])
def test_two_classes(rows, loss, weighted):
    logits, labels, weight, _ = rows
    found = evaluated(loss, logits, labels, weight=weight if weighted else None).calibration
    sigmoid = numloss.binary_cross_entropy.grad(logits, np.zeros_like(logits), reduction="none")
    same(found, reliability(sigmoid, labels, weight if weighted else np.ones(len(labels))))
    assert found.of == "positive class"
    assert isclose(sigmoid[0], 1 / (1 + np.exp(-float(logits[0]))), rel_tol=1e-6)


def test_probabilities(rows):
    logits, labels, *_ = rows
    p = 1 / (1 + np.exp(-logits.astype("f8")))
    p[:4] = 0.0, 1.0, 1 / BINS, 2 / BINS  # ends and borders of bins
    found = evaluated("binary_cross_entropy:from_logits=False", p, labels).calibration
    same(found, reliability(p, labels, np.ones(len(p))))


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("axis", [-1, 1])
@pytest.mark.parametrize("loss", ["cross_entropy", "softmax_focal", "accuracy"])
def test_several_classes(dtype, axis, loss):
    rng = np.random.default_rng(4)
    if loss == "accuracy" and axis != -1:
        axis = -1
    logits = (2 * rng.normal(size=(700, 3, C))).astype(dtype)
    labels = rng.integers(0, C, (700, 3))
    labels[::50] = -100
    options = "" if axis == -1 else ":axis=1"
    given = logits if axis == -1 else np.moveaxis(logits, -1, 1)
    found = evaluated(f"{loss}{options}", given, labels).calibration
    flat, wanted = logits.reshape(-1, C).astype("f8"), labels.ravel()
    counts = wanted >= 0
    e = np.exp(flat - flat.max(1, keepdims=True))
    p = e / e.sum(1, keepdims=True)
    right = (flat.argmax(1) == wanted).astype("f8")
    same(found, reliability(p.max(1)[counts], right[counts], np.ones(counts.sum())))
    assert found.of == "predicted class"


def test_probabilities_of_classes_as_targets():
    rng = np.random.default_rng(4)
    logits, targets = rng.normal(size=(200, C)), rng.dirichlet(np.ones(C), 200)
    found = evaluated("cross_entropy", logits, targets).calibration
    e = np.exp(logits - logits.max(1, keepdims=True))
    right = (logits.argmax(1) == targets.argmax(1)).astype("f8")
    same(found, reliability((e / e.sum(1, keepdims=True)).max(1), right, np.ones(200)))


def test_groups_are_as_if_they_were_alone(rows):
    logits, labels, _, groups = rows
    options = {"by": "g", "auc": True}
    found = evaluated("binary_cross_entropy", logits, labels, groups=groups, options=options)
    whole = evaluated("binary_cross_entropy", logits, labels, options={"auc": True})
    assert found.calibration.bins == whole.calibration.bins
    assert found.ranking.total == whole.ranking.total
    for key, error in found.calibration.groups.items():
        mine = groups == key
        alone = evaluated("binary_cross_entropy", logits[mine], labels[mine], options={"auc": True})
        assert isclose(error, alone.calibration.expected_error, rel_tol=1e-12)
        assert found.ranking.groups[key] == alone.ranking.total


# ---------------------------------------------------------------------------------------- ranking


def ranking(scores, labels, **options):
    return evaluated(
        "binary_cross_entropy", scores, labels, options={"auc": True, **options}
    ).ranking


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(-3, 3), st.booleans()), min_size=2, max_size=60))
def test_few_scores_are_ranked_exactly(pairs):
    scores = np.array([score for score, _ in pairs], "f4")
    labels = np.array([label for _, label in pairs], "f8")
    found = ranking(scores, labels).total
    above = scores[labels == 1][:, None] - scores[labels == 0]
    if above.size:
        expected = np.mean((above > 0) + 0.5 * (above == 0))
        assert found.roc_auc.exact
        assert isclose(found.roc_auc.low, expected, rel_tol=1e-15)
        assert isclose(found.roc_auc.low, roc_auc_score(labels, scores), rel_tol=1e-12)
    else:
        assert found.roc_auc is None
    if labels.any():
        expected = average_precision_score(labels, scores)
        assert isclose(found.average_precision.low, expected, rel_tol=1e-12)
        assert found.average_precision.exact
    else:
        assert found.average_precision is None


@pytest.mark.parametrize("share", [0.5, 0.01, 0.0002])
@pytest.mark.parametrize("probabilities", [False, True])
def test_bounds_hold_the_exact_numbers(share, probabilities):
    rng = np.random.default_rng(8)
    n = 200_000
    labels = (rng.random(n) < share).astype("f8")
    scores = rng.normal(size=n) + 1.5 * labels
    scores[:100] = np.inf, -np.inf, 0.0, -0.0, *rng.choice([-1.0, 1.0], 96)
    loss, given = "binary_cross_entropy", scores
    if probabilities:
        loss, given = f"{loss}:from_logits=False", 1 / (1 + np.exp(-scores))
    found = evaluated(loss, given, labels, options={"auc": True}).ranking.total
    for bounds, expected in (
        (found.roc_auc, roc_auc_score(labels, np.clip(given, -1e9, 1e9))),
        (found.average_precision, average_precision_score(labels, np.clip(given, -1e9, 1e9))),
    ):
        assert bounds.low <= expected <= bounds.high
        assert bounds.high - bounds.low < 2e-3
    assert found.roc_auc.low < found.roc_auc.high


@pytest.mark.parametrize("levels", [1, 2, 9])
def test_bounds_hold_average_precision_of_scores_that_tie(levels):
    rng = np.random.default_rng(12)
    scores = np.r_[np.full(10, 100.0), 1 + rng.integers(0, levels, 5000) / 2**12]
    labels = np.r_[np.zeros(10), np.ones(5000)]
    found = evaluated("binary_cross_entropy", scores, labels, options={"auc": True}).ranking.total
    bounds, expected = found.average_precision, average_precision_score(labels, scores)
    assert bounds.low <= expected * (1 + 1e-12)
    assert bounds.high >= expected * (1 - 1e-12)


@pytest.mark.parametrize("kind", ["equal", "two", "decimals", "infinite"])
def test_many_scores_of_few_values_are_ranked_exactly(kind):
    rng = np.random.default_rng(12)
    n = 60_000
    labels = (rng.random(n) < 0.3).astype("f8")
    scores = {
        "equal": np.full(n, -1.25), "two": (rng.random(n) < 0.3 + 0.3 * labels).astype("f8"),
        "decimals": np.round(rng.normal(size=n) + labels, 1),
        "infinite": rng.choice([-np.inf, -0.0, 0.0, 1.0, np.inf], n),
    }[kind]  # fmt: skip
    parts = []
    for begin in range(0, n, 20_000):
        parts.append(numloss.Evaluation("binary_cross_entropy", auc=True))
        part = slice(begin, begin + 20_000)
        parts[-1].update(scores[part], labels[part], source="s", first_row=begin)
    for part in parts[1:]:
        parts[0].merge(numloss.Evaluation.from_bytes(part.to_bytes()))
    found = parts[0].result().ranking.total
    finite = np.clip(scores, -1e9, 1e9)
    assert found.roc_auc.exact
    assert isclose(found.roc_auc.low, roc_auc_score(labels, finite), rel_tol=1e-12)
    assert found.average_precision.exact
    assert isclose(
        found.average_precision.low, average_precision_score(labels, finite), rel_tol=1e-12
    )


def test_probabilities_near_one_are_told_apart():
    p = 1 - np.linspace(1e-12, 1e-6, 20_000)
    labels = (np.arange(20_000) < 10_000).astype("f8")  # all positives first
    loss = "binary_cross_entropy:from_logits=False"
    found = evaluated(loss, p, labels, options={"auc": True}).ranking.total
    assert found.roc_auc.high == 1.0
    assert found.roc_auc.low > 0.999


def test_what_does_not_count_is_not_ranked():
    scores, labels = np.array([1.0, 2.0, 3.0, np.nan]), np.array([0.0, 1.0, 0.0, 1.0])
    weight = np.array([1.0, 1.0, 0.0, 1.0])
    found = evaluated("binary_cross_entropy", scores, labels, weight=weight, options={"auc": True})
    assert found.ranking.total.roc_auc.low == found.ranking.total.roc_auc.high == 1.0
    assert sum(bin.count for bin in found.calibration.bins) >= 2


def test_two_models(rows):
    logits, labels, *_ = rows
    evaluation = numloss.Evaluation(
        "binary_cross_entropy", calibration=True, auc=True, compare=("old", "new")
    )
    evaluation.update(logits, labels, other=0.1 * logits)
    result = evaluation.result()
    assert result.calibration == evaluated("binary_cross_entropy", logits, labels).calibration
    other = evaluated("binary_cross_entropy", 0.1 * logits, labels).calibration
    assert result.other_calibration == other
    assert result.ranking.total.roc_auc.low == pytest.approx(
        result.other_ranking.total.roc_auc.low, rel=1e-3
    )
    assert "calibration of new" in str(result)


@pytest.mark.parametrize("by", [None, "g"])
def test_bytes_depend_on_the_rows_alone(rows, by):
    logits, labels, weight, groups = rows

    def part(begin, end):
        evaluation = numloss.Evaluation(
            ["mse", "binary_cross_entropy"], by=by, calibration=True, auc=True
        )
        mine = slice(begin, end)
        evaluation.update(
            logits[mine], labels[mine], groups=groups[mine] if by else None, source="s",
            first_row=begin, weight=weight[mine],
        )  # fmt: skip
        return evaluation

    whole = part(0, 9000)
    parts = [part(begin, end) for begin, end in ((0, 1), (1, 4000), (4000, 8999), (8999, 9000))]
    for order in ((0, 1, 2, 3), (2, 0, 3, 1)):
        merged = parts[order[0]].copy()
        for place in order[1:]:
            merged.merge(parts[place])
        assert merged == whole
    again = numloss.Evaluation.from_bytes(whole.to_bytes())
    assert again == whole
    assert again.result().to_dict() == whole.result().to_dict()
    assert json.dumps(again.result().to_dict())


def test_what_is_wrong_is_said(rows):
    with pytest.raises(ValueError, match=r"calibration needs a loss of probabilities.*got mse"):
        numloss.Evaluation("mse", calibration=True)
    with pytest.raises(ValueError, match=r"auc is of two classes.*got cross_entropy"):
        numloss.Evaluation("cross_entropy", auc=True)
    evaluation = numloss.Evaluation("binary_cross_entropy", calibration=True)
    with pytest.raises(ValueError, match="unlike calibration cannot be merged: True and False"):
        evaluation.merge(numloss.Evaluation("binary_cross_entropy"))


def test_intervals_of_bins():
    from scipy.stats import binomtest

    scores = np.repeat([0.3, 0.9], 20)
    labels = (np.arange(40) % 20 < np.repeat([6, 20], 20)).astype("f8")
    bins = evaluated("binary_cross_entropy:from_logits=False", scores, labels).calibration.bins
    for bin, right in zip(bins, (6, 20), strict=True):
        wilson = binomtest(right, 20).proportion_ci(0.95, method="wilson")
        # The standard error of the bin has n - 1 where Wilson has n.
        assert bin.interval() == pytest.approx((wilson.low, wilson.high), abs=6e-3)
    assert bins[1].interval()[0] < 1 - 1e-3 < bins[1].interval()[1] <= 1 + 1e-12


def test_nothing_to_say():
    result = evaluated("binary_cross_entropy", np.zeros(0), np.zeros(0), options={"auc": True})
    assert result.calibration.bins == []
    assert result.calibration.expected_error is None
    assert result.ranking.total.roc_auc is None
    assert "expected calibration error -" in str(result)


@pytest.mark.parametrize("scores", [[np.nan, 0.9, 0.1], [np.nan] * 3])
def test_a_page_of_unknown_probabilities(scores):
    result = evaluated(
        "binary_cross_entropy:from_logits=False", np.array(scores), np.array([1.0, 1.0, 0.0])
    )
    assert np.isnan(result.calibration.expected_error)
    assert "calibration" in result.to_html()


# ------------------------------------------------------------------------------------ the command


def test_the_command_gives_the_same_numbers(rows, tmp_path):
    pa = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    from test_cli import report, run

    logits, labels, _, groups = rows
    path = tmp_path / "rows.parquet"
    table = pa.table({"score": logits, "label": labels.astype("i8"), "g": groups})
    parquet.write_table(table, path, row_group_size=1000)
    options = ["--loss", "binary_cross_entropy", "--calibration", "--auc", "--by", "g"]
    document = report(path, *options)
    expected = evaluated(
        "binary_cross_entropy", logits, labels, groups=groups, options={"auc": True, "by": "g"}
    ).to_dict()
    for name in ("calibration", "ranking"):
        assert document[name] == expected[name]
    table = run("evaluate", path, *options)
    assert "expected calibration error" in table
    assert "ROC-AUC" in run("evaluate", path, *options, "--markdown")
    metrics = tmp_path / "metrics.json"
    run("evaluate", path, *options, "--metrics", metrics)
    tree = json.loads(metrics.read_text())
    error = expected["calibration"]["expected_calibration_error"]
    assert tree["calibration"]["expected_calibration_error"] == error
    assert tree["ranking"]["roc_auc"] == expected["ranking"]["roc_auc"]
    gauges = tmp_path / "gauges.prom"
    run("evaluate", path, *options, "--prom", gauges)
    lines = gauges.read_text().splitlines()
    assert f'numloss_forecast{{statistic="expected_calibration_error"}} {error!r}' in lines
    low = expected["ranking"]["groups"][2]["roc_auc"]["low"]
    assert f'numloss_forecast{{statistic="roc_auc_low",by_g="2"}} {low!r}' in lines
    run("evaluate", path, *options, "--compare", "g", "--prediction", "score", "--prom", gauges)
    assert 'numloss_forecast{model="g",statistic="roc_auc_high"}' in gauges.read_text()
    message = run("evaluate", path, "--loss", "mse", "--calibration", code=2)
    assert "--calibration needs a loss of probabilities" in message


GATES = [
    ("--fail-above", "expected_calibration_error", "--calibration"),
    ("--fail-above", "maximum_calibration_error", "--calibration"),
    ("--fail-below", "roc_auc", "--auc"),
    ("--fail-below", "average_precision", "--auc"),
]


@pytest.mark.parametrize(("option", "name", "needed"), GATES)
def test_gates_of_calibration_and_ranking(option, name, needed, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    import pyarrow as pa
    from test_cli import message, report, run

    rng = np.random.default_rng(31)
    labels = rng.integers(0, 2, 9000)  # more than are kept as they are: ranks have bounds
    path, state = tmp_path / "rows.parquet", tmp_path / "s.nls"
    columns = {"score": rng.normal(size=9000) + labels, "label": labels}
    parquet.write_table(pa.table(columns), path)
    base = [path, "-l", "binary_cross_entropy", needed]
    document = report(*base, "--state", state)
    above = option == "--fail-above"
    found = document["calibration" if above else "ranking"][name]
    if not above:
        assert found["low"] < found["high"]
        # Between the bounds it is not known to be as high.
        middle = (found["low"] + found["high"]) / 2
        told = run("evaluate", *base, option, f"{name}={middle!r}", code=3)
        assert told.endswith(f"below {middle}\n")
        assert f"{name} is {found['low']:.6g} to {found['high']:.6g}, below" in told
        found = found["low"]
    for command in (["evaluate", *base], ["show", state], ["merge", state]):
        run(*command, option, f"{name}={found!r}")
        beyond = float(np.nextafter(found, 0 if above else 1))
        told = run(*command, option, f"{name}={beyond!r}", code=3)
        assert f"{'above' if above else 'below'} {beyond}" in told
    other = "--fail-below" if above else "--fail-above"
    assert message(*base, other, f"{name}=1", code=2) == (
        f"{other} {name}=1: of {name} a {'lower' if above else 'higher'} one is better: {option} "
        "is its gate"
    )
    assert message(*base[:-1], option, f"{name}=1", code=2) == f"{option} {name}=1: needs {needed}"
    assert "'x' is not a number" in message(*base, option, f"{name}=x", code=2)
    told = message(*base, option, f"{name}s=1", code=2)
    assert f", or {'expected' if above else 'roc'}" in told
    assert f"(did you mean {name!r}?)" in told
    # Of one class alone, nothing is known of ranks; of no rows that count, of nothing.
    columns["label"] = np.ones(9000)
    columns["w"] = np.zeros(9000)
    parquet.write_table(pa.table(columns), path)
    limit = "1e9" if above else "-1e9"
    if name == "roc_auc":
        assert "roc_auc is None, below" in run("evaluate", *base, option, f"{name}={limit}", code=3)
    assert "is None" in run("evaluate", *base, "-w", "w", option, f"{name}={limit}", code=3)


def test_gates_of_the_first_model_and_of_what_is_better_the_higher(tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    import pyarrow as pa
    from test_cli import message, run

    path = tmp_path / "rows.parquet"
    columns = {
        "score": [1.0, -1.0, 2.0, 3.0],
        "other": [-1.0, 1.0, 2.0, 3.0],
        "label": [1, 0, 1, 0],
    }
    parquet.write_table(pa.table(columns), path)
    base = ["evaluate", path, "-p", "score", "-l", "binary_accuracy"]
    run(*base, "--fail-below", "binary_accuracy=0.75", "--fail-above", "binary_accuracy=0.75")
    told = run(*base, "--fail-below", "binary_accuracy=0.76", code=3)
    assert "the mean of binary_accuracy is 0.75, below 0.76" in told
    both = [*base, "--auc", "--compare", "other", "--fail-below"]
    run(*both, "roc_auc=0.5", "--fail-below", "binary_accuracy=0.75")
    assert "--fail-below mse=1: write LOSS=LIMIT" in message(*base[1:], "--fail-below", "mse=1",
                                                             code=2)  # fmt: skip
