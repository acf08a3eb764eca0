"""Standard errors of clusters and of buckets of rows, and the intervals made of them."""

import json
from fractions import Fraction

import mpmath
import numpy as np
import pytest
from scipy import stats

import numloss
from numloss.evaluation import uncertainty
from numloss.evaluation.evaluation import StateError
from numloss.evaluation.uncertainty import BUCKETS, student_quantile

ROWS = 3000


@pytest.fixture(scope="module")
def rows():
    """Return predictions, targets, weights, groups and clusters of unequal sizes."""
    rng = np.random.default_rng(7)
    users = rng.integers(0, 90, ROWS) ** 2 // 90
    effect = rng.normal(size=users.max() + 1)
    return {
        "prediction": rng.normal(size=ROWS) + effect[users], "target": rng.normal(size=ROWS),
        "weight": rng.random(ROWS), "groups": rng.integers(0, 3, ROWS),
        "users": np.array([f"user {user}" for user in users]),
    }  # fmt: skip


def evaluated(rows, *, weighted=False, by=None, resample=False, cluster="user", batches=1):
    evaluation = numloss.Evaluation("mse", by=by, cluster=cluster, resample=resample)
    for part in np.array_split(np.arange(len(rows["target"])), batches):
        evaluation.update(
            rows["prediction"][part], rows["target"][part],
            weight=rows["weight"][part] if weighted else None,
            groups=rows["groups"][part] if by else None,
            clusters=rows["users"][part] if cluster else None, source="rows",
        )  # fmt: skip
    return evaluation


def jackknifed(losses, weight, parts):
    """Leave each part out, in float64 NumPy from the definition."""
    mean = np.average(losses, weights=weight)
    names = np.unique(parts)
    without = np.array(
        [np.average(losses[parts != name], weights=weight[parts != name]) for name in names]
    )
    n = len(names)
    return np.sqrt((n - 1) / n * np.sum((without - mean) ** 2)), n


@pytest.mark.parametrize("probability", [0.2, 0.5, 0.75, 0.9, 0.975, 0.995, 0.9999])
def test_quantiles_of_students_distribution(probability):
    for degrees in (1, 2, 3, 4, 7, 10, 49, 100, 999, 1000, 1001, 5000, 10**7):
        expected = stats.t.ppf(probability, degrees)
        assert student_quantile(probability, degrees) == pytest.approx(
            expected, rel=1e-9, abs=1e-12
        )


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("by", [None, "g"])
def test_clusters_are_left_out_one_by_one(rows, weighted, by):
    result = evaluated(rows, weighted=weighted, by=by).result()["mse"]
    losses = (rows["prediction"] - rows["target"]) ** 2
    weight = rows["weight"] if weighted else np.ones(ROWS)
    error, clusters = jackknifed(losses, weight, rows["users"])
    assert result.total.clusters == clusters
    assert result.total.buckets is None
    assert result.total.standard_error == pytest.approx(error, rel=1e-10)
    for key, found in result.groups if by else ():
        mine = rows["groups"] == key
        error, clusters = jackknifed(losses[mine], weight[mine], rows["users"][mine])
        assert (found.clusters, found.standard_error) == (clusters, pytest.approx(error, rel=1e-10))
    low, high = result.total.confidence_interval(0.9)
    reach = stats.t.ppf(0.95, result.total.clusters - 1) * result.total.standard_error
    assert high - low == pytest.approx(2 * reach, rel=1e-9)


def test_equal_clusters_have_the_textbook_error():
    rng = np.random.default_rng(1)
    losses = rng.normal(size=(60, 20)) + rng.normal(size=(60, 1))
    evaluation = numloss.Evaluation("mae", cluster="user")
    shifted = losses + 10
    evaluation.update(
        shifted.ravel(), np.zeros(shifted.size), clusters=np.repeat(np.arange(60), 20)
    )
    sums = (shifted - shifted.mean()).sum(1)
    expected = np.sqrt(60 / 59 * np.sum(sums**2)) / shifted.size
    assert evaluation.result()["mae"].total.standard_error == pytest.approx(expected, rel=1e-10)


def test_rows_of_one_each_have_the_error_of_independent_rows(rows):
    evaluation = numloss.Evaluation("mse", cluster="row")
    evaluation.update(rows["prediction"], rows["target"], clusters=np.arange(ROWS))
    plain = numloss.Evaluation("mse")
    plain.update(rows["prediction"], rows["target"])
    found, expected = (e.result()["mse"].total.standard_error for e in (evaluation, plain))
    assert found == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("by", [None, "g"])
@pytest.mark.parametrize("cluster", [None, "user"])
def test_buckets_come_near_to_what_they_stand_for(rows, by, cluster):
    resampled = evaluated(rows, by=by, cluster=cluster, resample=True).result()["mse"]
    if cluster is None:
        plain = numloss.Evaluation("mse", by=by)
        plain.update(rows["prediction"], rows["target"], groups=rows["groups"] if by else None)
        expected = plain.result()["mse"]
    else:
        expected = evaluated(rows, by=by).result()["mse"]
    assert resampled.total.buckets <= BUCKETS
    assert resampled.total.clusters is None
    assert resampled.total.mean == expected.total.mean
    error = expected.total.standard_error
    assert resampled.total.standard_error == pytest.approx(error, rel=0.15)
    for key, found in resampled.groups if by else ():
        assert found.standard_error == pytest.approx(expected.groups[key].standard_error, rel=0.15)


@pytest.mark.parametrize("options", [{}, {"resample": True}, {"resample": True, "cluster": None}])
def test_bytes_depend_on_the_rows_alone(rows, options):
    whole = evaluated(rows, by="g", **options)
    assert evaluated(rows, by="g", batches=7, **options) == whole
    parts = []
    for number, part in enumerate(np.array_split(np.arange(ROWS), 5)):
        one = numloss.Evaluation("mse", by="g", **{"cluster": "user", **options})
        users = rows["users"][part] if one._cluster else None
        one.update(
            rows["prediction"][part], rows["target"][part], groups=rows["groups"][part],
            clusters=users, source="rows", first_row=int(part[0]),
        )  # fmt: skip
        parts.append(one)
        assert numloss.Evaluation.from_bytes(one.to_bytes()) == one, number
    for order in ((0, 1, 2, 3, 4), (3, 1, 4, 0, 2)):
        merged = parts[order[0]].copy()
        for place in order[1:]:
            merged.merge(parts[place])
        assert merged == whole


def test_buckets_do_not_depend_on_other_sources(rows):
    def part(source):
        evaluation = numloss.Evaluation("mse", resample=True)
        evaluation.update(rows["prediction"], rows["target"], source=source)
        return evaluation

    both = part("b")
    both.merge(part("a"))
    other = part("a")
    other.merge(part("b"))
    assert both == other
    one = part("a")
    one.update(rows["prediction"], rows["target"], source="b")
    assert one == both
    texts = numloss.Evaluation("mse", resample=True)
    texts.update(rows["prediction"], rows["target"], ids=[f"row {i}" for i in range(ROWS)])
    assert texts.result()["mse"].total.buckets > 0.9 * BUCKETS


def test_differences_of_models_have_clusters_too(rows):
    rng = np.random.default_rng(3)
    other = rows["prediction"] + rng.normal(0, 0.3, ROWS)
    evaluation = numloss.Evaluation("mse", cluster="user", compare=("old", "new"))
    evaluation.update(rows["prediction"], rows["target"], other=other, clusters=rows["users"])
    found = evaluation.result().comparisons["mse"].difference.total
    difference = (other - rows["target"]) ** 2 - (rows["prediction"] - rows["target"]) ** 2
    error, clusters = jackknifed(difference, np.ones(ROWS), rows["users"])
    assert (found.clusters, found.standard_error) == (clusters, pytest.approx(error, rel=1e-9))


def exactly(losses, weight, parts):
    """Leave each part out, in fractions."""
    with np.errstate(over="ignore"):
        products = weight * losses  # rounded to float64, as a state has them
    if np.isinf(products).any():
        return np.nan
    numbers = [map(Fraction, values.tolist()) for values in (products, weight)]
    rows = [(part, p, w) for part, p, w in zip(parts, *numbers, strict=True) if w > 0]
    total = sum(p for _, p, _ in rows) / sum(w for *_, w in rows)
    names = sorted({part for part, *_ in rows})
    if len(names) < 2:
        return None
    shifts = []
    for name in names:
        rest = [(p, w) for part, p, w in rows if part != name]
        shifts.append(sum(p for p, _ in rest) / sum(w for _, w in rest) - total)
    n = len(names)
    square = sum(shift * shift for shift in shifts) * Fraction(n - 1, n)
    with mpmath.workdps(40):
        return float(mpmath.sqrt(mpmath.mpf(square.numerator) / square.denominator))


HOSTILE = {
    "huge beside small": [1e17, 1.0, 1.0, 3.0, 2.0, 1.0],
    "two huge": [1e17, 1e17, 1.0, 3.0, 1e-300, 1.0],
    "far apart": [1e300, 1e-300, 1e200, 5e-324, 1.0, 1e17],
    "beyond float64": [1.7e308, 1.7e308, 1.7e308, 1.0, 1.0, 1.0],
    "tiny": [1e-300, 2e-300, 3e-300, 5e-324, 1e-310, 1e-308],
    "zeros": [1e17, 0.0, 0.0, 1.0, 0.0, 0.0],
    "one has all": [0.0, 0.0, 7.0, 0.0, 0.0, 0.0],
}  # fmt: skip


@pytest.mark.parametrize("weight", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("losses", [
    [1.0, 2.0, 4.0, 0.5, 0.25, 3.0], [1e8, 1e8 + 1e-7, 1e8, 1e8, 1e8, 1e8], [1.0] * 6, [0.1] * 6,
    [0.0] * 6, [1e-200, 3e-200, 0.0, 1e-210, 2e-200, 1e-190],
])  # fmt: skip
@pytest.mark.parametrize("parts", [[0, 1, 2, 3, 4, 5], [0, 0, 1, 1, 2, 2], [0, 1, 1, 1, 1, 1]])
def test_hostile_weights_have_the_error_of_the_definition(weight, losses, parts):
    losses, weight, parts = (np.array(values) for values in (losses, weight, parts))
    wanted = exactly(losses, weight, parts)
    evaluation = numloss.Evaluation("mae", by="g", cluster="user", compare=("a", "b"))
    zeros = np.zeros(len(losses))
    for group in ("x", "y"):
        evaluation.update(
            losses, zeros, weight=weight, clusters=parts, groups=np.repeat(group, 6), other=zeros
        )
    again = np.concatenate([weight, weight])
    whole = exactly(np.tile(losses, 2), again, np.tile(parts, 2))
    result = evaluation.result()
    # The loss of the other model is 0, and so the difference is less the first's.
    for found in (result["mae"], result.comparisons["mae"].difference):
        assert found.total.standard_error == _near(whole)
        for _, group in found.groups:
            assert group.standard_error == _near(wanted)
    restored = numloss.Evaluation.from_bytes(evaluation.to_bytes())
    assert str(restored.result().to_dict()) == str(result.to_dict())  # NaN among them


def _near(error):
    return None if error is None else pytest.approx(error, rel=2e-10, abs=0, nan_ok=True)


def test_errors_of_shares_need_no_exact_sums(monkeypatch):
    """Nor do those of many clusters of like weight: whole numbers take some 8 µs for each."""

    def refuse(parts):
        raise AssertionError(f"{len(parts)} parts")

    monkeypatch.setattr(uncertainty, "_exact_error", refuse)
    rng = np.random.default_rng(11)
    users = np.arange(20_000) // 4
    evaluation = numloss.Evaluation(["binary_accuracy", "mae"], by="g", cluster="user")
    target = rng.integers(0, 2, 20_000).astype(float)
    scores = np.where(users < 10_000, 2 * target - 1, rng.normal(size=20_000))
    evaluation.update(scores, target, clusters=users, groups=users // 1000)
    result = evaluation.result()
    for _, group in [*result["binary_accuracy"].groups][:2]:
        assert (group.mean, group.standard_error) == (1.0, 0.0)
    assert result["mae"].total.standard_error > 0


def test_infinite_losses_have_no_error():
    evaluation = numloss.Evaluation("mae", cluster="user")
    evaluation.update(
        np.array([np.inf, 1.0, 2.0]), np.zeros(3), weight=np.array([1e17, 1, 1]), clusters=[1, 2, 3]
    )
    total = evaluation.result()["mae"].total
    assert total.mean == np.inf
    assert np.isnan(total.standard_error)


def test_tokens_belong_to_the_cluster_of_their_row():
    rng = np.random.default_rng(5)
    prediction, target = rng.normal(size=(2, 40, 6))
    evaluation = numloss.Evaluation("mse", cluster="document")
    evaluation.update(prediction, target, clusters=np.arange(40) // 2)
    losses = ((prediction - target) ** 2).ravel()
    error, clusters = jackknifed(losses, np.ones(240), np.repeat(np.arange(40) // 2, 6))
    found = evaluation.result()["mse"].total
    assert (found.clusters, found.standard_error) == (clusters, pytest.approx(error, rel=1e-10))


def test_a_single_cluster_has_no_error():
    evaluation = numloss.Evaluation("mae", cluster="user")
    evaluation.update(np.arange(5.0), np.zeros(5), clusters=["x"] * 5)
    total = evaluation.result()["mae"].total
    assert (total.clusters, total.standard_error, total.confidence_interval()) == (1, None, None)
    assert "clusters" in str(evaluation.result())


@pytest.mark.parametrize("options", [{"cluster": "user"}, {"resample": True}])
@pytest.mark.parametrize("by", [None, "group"])
def test_no_rows_have_no_error(options, by):
    total = numloss.Evaluation("mae", by=by, **options).result()["mae"].total
    assert (total.count, total.parts, total.standard_error) == (0, 0, None)


def test_missing_clusters_are_one():
    evaluation = numloss.Evaluation("mae", cluster="user")
    evaluation.update(np.arange(5.0), np.zeros(5), clusters=["x", None, "y", None, "x"])
    assert evaluation.result()["mae"].total.clusters == 3


@pytest.mark.parametrize("options", [{"source": "a"}, {"source": "a", "first_row": 7}])
def test_a_refused_batch_names_no_source(options):
    evaluation = numloss.Evaluation("mae", cluster="user")
    evaluation.update(np.ones(3), np.zeros(3), clusters=[1, 2, 3], source="b")
    before = evaluation.to_bytes()
    with pytest.raises(ValueError, match="must be of one kind"):
        evaluation.update(np.ones(3), np.zeros(3), clusters=list("xyz"), **options)
    evaluation.update(np.zeros(0), np.zeros(0), clusters=[], **options)
    assert evaluation.to_bytes() == before
    evaluation.update(np.ones(3), np.zeros(3), clusters=[1, 2, 3], **options)
    assert evaluation.rows == 6
    assert evaluation.result()["mae"].total.maximum_row.source == "a"


def test_what_is_wrong_is_said(rows):
    evaluation = numloss.Evaluation("mse", cluster="user")
    x, y = rows["prediction"], rows["target"]
    with pytest.raises(ValueError, match="clusters must have a value of user for each row"):
        evaluation.update(x, y)
    with pytest.raises(ValueError, match="user: 2 clusters for 3000 rows"):
        evaluation.update(x, y, clusters=["a", "b"])
    with pytest.raises(ValueError, match="user: groups must be numbers, text or truth values"):
        evaluation.update(x, y, clusters=np.ones(ROWS, complex))
    assert evaluation == numloss.Evaluation("mse", cluster="user")
    with pytest.raises(ValueError, match="clusters belong to an evaluation that was given a"):
        numloss.Evaluation("mse").update(x, y, clusters=rows["users"])
    with pytest.raises(ValueError, match="cluster must be another column than those of by, got a"):
        numloss.Evaluation("mse", by=["a", "b"], cluster="a")
    with pytest.raises(StateError, match="unlike cluster cannot be merged: user and None"):
        evaluation.merge(numloss.Evaluation("mse"))
    merged = numloss.Evaluation("mse", resample=True)
    merged.update(x, y)
    merged.merge(merged)
    with pytest.raises(ValueError, match="resample needs ids, or a source"):
        merged.update(x, y)


def test_an_interval_of_almost_everything_has_ends():
    """The probability below its upper end rounds to 1, where the quantile is infinite."""
    evaluation = numloss.Evaluation("mse")
    evaluation.update(np.arange(5.0), np.zeros(5))
    low, high = evaluation.result()["mse"].total.confidence_interval(1 - 2**-53)
    assert -np.inf < low < 6 < high < np.inf


@pytest.mark.parametrize("kind", ["clusters", "weighted", "buckets"])
def test_intervals_hold_the_true_mean_as_often_as_they_say(kind):
    """Of 4000 samples of 50 clusters, 95 % of the intervals hold it: within 1 %, 2.9 sigma."""
    rng = np.random.default_rng(11)
    samples, clusters = 4000, 50
    sizes = rng.integers(5, 12, samples * clusters)
    user = np.repeat(np.arange(samples * clusters), sizes)
    # The mean of all is 10; those of clusters are as far apart as the rows of one.
    losses = 10 + rng.normal(size=samples * clusters)[user] + rng.normal(size=len(user))
    weight = rng.random(samples * clusters)[user] + rng.random(len(user))
    evaluation = numloss.Evaluation(
        "mae", by="sample", cluster="user", resample=kind == "buckets", quantiles=False, worst=0
    )
    evaluation.update(
        losses, np.zeros(len(losses)), weight=weight if kind == "weighted" else None,
        groups=user // clusters, clusters=user,
    )  # fmt: skip
    held = 0
    for _, group in evaluation.result()["mae"].groups:
        low, high = group.confidence_interval(0.95)
        held += low <= 10 <= high
    assert 0.94 <= held / samples <= 0.96


# ------------------------------------------------------------------------------------ the command


@pytest.fixture(scope="module")
def path(rows, tmp_path_factory):
    """Write the rows to a file."""
    pa = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    path = tmp_path_factory.mktemp("clusters") / "rows.parquet"
    parquet.write_table(pa.table(rows), path, row_group_size=700)
    return path


@pytest.mark.parametrize("resample", [False, True])
def test_the_command_gives_the_same_numbers(rows, path, resample):
    from test_cli import report, run

    options = ["--loss", "mse", "--cluster", "users", "--by", "groups", "--confidence", "0.9"]
    options += ["--resample"] if resample else []
    document = report(path, *options)
    assert document["cluster"]["columns"] == ["users"]
    expected = evaluated(rows, by="groups", resample=resample).result(confidence=0.9).to_dict()
    kind = "buckets" if resample else "clusters"
    for name in ("standard_error", "interval_low", "interval_high", "mean", kind):
        assert document["losses"][0]["all"][name] == expected["losses"][0]["all"][name]
        for mine, theirs in zip(
            document["losses"][0]["groups"], expected["losses"][0]["groups"], strict=True
        ):
            assert mine[name] == theirs[name]
    assert kind in run("evaluate", path, *options)
    metrics = path.with_suffix(".json")
    run("evaluate", path, *options, "--metrics", metrics)
    assert json.loads(metrics.read_text())["mse"][kind] == expected["losses"][0]["all"][kind]


def test_the_command_says_what_is_wrong(path):
    from test_cli import run

    options = ["--loss", "mse"]
    message = run("evaluate", path, *options, "--cluster", "user", code=2)
    assert "has no 'user' for --cluster (did you mean 'users'?)" in message
    message = run("evaluate", path, *options, "--cluster", "users", "--by", "users", code=2)
    assert "--cluster must be another column than those of by, got users" in message


def test_a_cluster_has_one_bucket_however_its_column_is_held(rows):
    pa = pytest.importorskip("pyarrow")
    users = np.unique(rows["users"], return_inverse=True)[1] - 20

    def state(clusters):
        evaluation = numloss.Evaluation("mse", cluster="user", resample=True)
        evaluation.update(rows["prediction"], rows["target"], clusters=clusters)
        return evaluation

    expected = state(users.astype("i8"))
    for dtype in ("i1", "i2", "i4"):
        assert state(users.astype(dtype)) == expected
    for column in (
        users.tolist(), pa.array(users), pa.array(users, pa.int32()),
        pa.array(users).dictionary_encode(), pa.chunked_array([users[:7], users[7:]]),
        pa.array([0, *users.tolist()])[1:],
    ):  # fmt: skip
        assert state(column) == expected


@pytest.mark.parametrize(
    ("options", "first", "second", "said"),
    [
        ({"cluster": "user"}, {"clusters": [1, 2]}, {"clusters": ["a", "b"]}, "user"),
        (
            {"cluster": "user", "resample": True}, {"clusters": [1, 2]}, {"clusters": ["1", "2"]},
            "user",
        ),
        ({"by": "g"}, {"groups": [1, 2]}, {"groups": ["a", "b"]}, "g"),
        ({"by": ["g", "h"]}, {"groups": [[1, 2], [1, 2]]}, {"groups": [[3, 4], ["a", "b"]]}, "h"),
    ],
)  # fmt: skip
def test_a_merge_that_is_refused_changes_nothing(options, first, second, said):
    def part(source, columns):
        evaluation = numloss.Evaluation("mae", **options)
        evaluation.update([1.0, 2.0], [0.0, 0.0], source=source, **columns)
        return evaluation

    one, other = part("b", first), part("a", second)
    before = one.to_bytes(), other.to_bytes()
    for mine, theirs in ((one, other), (other, one)):
        with pytest.raises(StateError, match=f"unlike {said} cannot be merged: .*whole numbers"):
            mine.merge(theirs)
    assert (one.to_bytes(), other.to_bytes()) == before
    # What is missing fits both.
    columns = {name: np.full_like(values, None, object) for name, values in first.items()}
    one.merge(part("c", {name: list(values) for name, values in columns.items()}))
    assert one.result()["mae"].total.count == 4


def test_clusters_of_one_kind_have_buckets():
    evaluation = numloss.Evaluation("mae", cluster="user", resample=True)
    evaluation.update([1.0, 2.0], [0.0, 0.0], clusters=[7, 8])
    before = evaluation.to_bytes()
    with pytest.raises(ValueError, match="they were whole numbers before, and are text now"):
        evaluation.update([1.0], [0.0], clusters=["7"])
    assert evaluation.to_bytes() == before
    assert numloss.Evaluation.from_bytes(before) == evaluation


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("option", ["--cluster", "--by"])
def test_files_of_unlike_columns_end_in_a_line(tmp_path, option, threads):
    from test_cli import run

    (tmp_path / "i.jsonl").write_text('{"score": 1.0, "label": 0, "u": 1}\n' * 3)
    (tmp_path / "t.jsonl").write_text('{"score": 1.0, "label": 0, "u": "a"}\n' * 3)
    files = [tmp_path / "i.jsonl", tmp_path / "t.jsonl"]
    message = run("evaluate", *files, "-l", "mae", option, "u", "--threads", threads, code=1)
    assert "whole numbers" in message
    assert ".jsonl" in message
    state = tmp_path / "s.nls"
    run("evaluate", files[0], "-l", "mae", option, "u", "--state", state)
    message = run(
        "evaluate", *files, "-l", "mae", option, "u", "--state", state, "--resume", code=1
    )
    assert "whole numbers" in message
