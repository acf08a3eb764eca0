"""Two models on the same rows: differences, intervals and rows won, in Python and by command."""

# ruff: noqa: E402 (imports follow the skip where the extra is not installed)

import json
import re

import numpy as np
import pytest
from scipy import stats

pa = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")
from test_cli import message, report, run

import numloss

ROWS = 5000


@pytest.fixture(scope="module")
def rows():
    """Return predictions of two models, labels, weights and groups."""
    rng = np.random.default_rng(5)
    labels = rng.integers(0, 2, ROWS)
    first = rng.normal(size=ROWS) + 2 * labels - 1
    other = 0.8 * first + rng.normal(0, 0.3, ROWS)
    other[:50] = first[:50]  # ties
    return {
        "score": first, "other": other, "label": labels.astype("f8"), "w": rng.random(ROWS),
        "g": rng.choice(["a", "b", "c"], ROWS), "id": np.arange(ROWS),
    }  # fmt: skip


@pytest.fixture
def path(rows, tmp_path):
    """Write them to a file."""
    path = tmp_path / "rows.parquet"
    parquet.write_table(pa.table(rows), path, row_group_size=700)
    return path


def expected(first, other, weight):
    """Compute from the definitions, in float64 NumPy."""
    difference = other - first
    mean = np.average(difference, weights=weight)
    n = len(first)
    error = np.sqrt(np.sum(weight**2 * (difference - mean) ** 2)) / weight.sum()
    won = np.average((difference < 0) + 0.5 * (difference == 0), weights=weight)
    return {
        "mean": np.average(other, weights=weight), "difference": mean,
        "standard_error": error * np.sqrt(n / (n - 1)), "won": won,
    }  # fmt: skip


@pytest.mark.parametrize("weighted", [False, True])
def test_numbers_are_those_of_the_definition(weighted, rows, path):
    losses = [
        numloss.binary_cross_entropy(rows[name], rows["label"], reduction="none")
        for name in ("score", "other")
    ]
    weight = rows["w"] if weighted else np.ones(ROWS)
    options = ["-w", "w"] if weighted else []
    document = json.loads(
        run("evaluate", path, "-p", "score", "-l", "binary_cross_entropy", "--compare", "other",
            "--by", "g", "--json", *options)
    )  # fmt: skip
    assert document["compare"] == {"file": str(path), "columns": ["other"]}
    (loss,) = document["losses"]
    assert loss["name"] == "binary_cross_entropy"
    found = loss["comparison"]
    assert (found["first"], found["other"]) == ("score", "other")
    whole = expected(*losses, weight)
    assert {key: found["all"][key] for key in whole} == pytest.approx(whole, rel=1e-12)
    half = stats.t.ppf(0.975, ROWS - 1) * whole["standard_error"]
    assert found["all"]["interval_low"] == pytest.approx(whole["difference"] - half, rel=1e-9)
    assert [group["group"] for group in found["groups"]] == ["a", "b", "c"]
    for group in found["groups"]:
        mine = rows["g"] == group["group"]
        wanted = expected(losses[0][mine], losses[1][mine], weight[mine])
        assert {key: group[key] for key in wanted} == pytest.approx(wanted, rel=1e-12)
        # Three intervals that hold together with 95 %: each with 98.33 %.
        half = stats.t.ppf(1 - 0.05 / 6, mine.sum() - 1) * wanted["standard_error"]
        assert group["interval_high"] == pytest.approx(wanted["difference"] + half, rel=1e-9)
    alone = report(path, "-p", "score", "-l", "binary_cross_entropy", "--by", "g", *options)
    assert loss["all"]["mean"] == alone["losses"][0]["all"]["mean"]


def test_files_columns_and_batches_give_the_same_bytes(rows, path, tmp_path):
    csv, npy = tmp_path / "other.csv", tmp_path / "other.npy"
    columns = zip(*(rows[name].tolist() for name in ("other", "label", "id")), strict=True)
    text = "".join(f"{x!r},{y!r},{i}\n" for x, y, i in columns)
    csv.write_text("score,label,id\n" + text)
    np.save(npy, rows["other"])
    found = [
        numloss.evaluate(path, ["mse", "mae"], prediction="score", compare=str(other), **options)
        for other, options in (
            ("other", {}), (csv, {}), (csv, {"id": "id"}), (npy, {}), ("other", {"threads": 1}),
        )
    ]  # fmt: skip
    for result in found:
        for name in ("mse", "mae"):
            mine, wanted = result.comparisons[name], found[0].comparisons[name]
            assert mine.difference.total.mean == wanted.difference.total.mean
            assert mine.difference.total.sum == wanted.difference.total.sum
            assert mine.won.total.mean == wanted.won.total.mean
            assert mine.losses.total.quantiles == wanted.losses.total.quantiles
    whole = numloss.Evaluation("mse", by="g", compare=("old", "new"))
    parts = numloss.Evaluation("mse", by="g", compare=("old", "new"))
    for evaluation, cuts in ((whole, 1), (parts, 7)):
        for part in np.array_split(np.arange(ROWS), cuts):
            evaluation.update(
                rows["score"][part], rows["label"][part], other=rows["other"][part],
                groups=rows["g"][part],
            )  # fmt: skip
    assert parts.to_bytes() == whole.to_bytes()
    restored = numloss.Evaluation.from_bytes(whole.to_bytes())
    assert restored.to_bytes() == whole.to_bytes()
    comparison = restored.result().comparisons["mse"]
    assert comparison.difference.total.mean == found[0].comparisons["mse"].difference.total.mean
    assert "mse: new compared with old" in str(restored.result())
    with pytest.raises(numloss.StateError, match="unlike compare"):
        whole.merge(numloss.Evaluation("mse", by="g"))


def test_models_over_classes(tmp_path):
    rng = np.random.default_rng(6)
    logits, others = rng.normal(size=(2, 900, 3))
    labels = rng.integers(0, 3, 900)
    labels[:30] = -100
    columns = {f"logit_{i}": logits[:, i] for i in range(3)}
    columns |= {f"new_{i}": others[:, i] for i in range(3)}
    path = tmp_path / "c.parquet"
    parquet.write_table(pa.table(columns | {"label": labels}), path)
    result = numloss.evaluate(path, "cross_entropy", compare="new_*")
    comparison = result.comparisons["cross_entropy"]
    wanted = numloss.cross_entropy(others, labels)
    assert comparison.losses.total.mean == pytest.approx(wanted, rel=1e-15)
    assert comparison.difference.total.count == 870
    assert comparison.difference.total.ignored == 30
    difference = numloss.cross_entropy(others, labels) - numloss.cross_entropy(logits, labels)
    assert comparison.difference.total.mean == pytest.approx(difference, rel=1e-12)


def test_reports_of_comparisons(path, tmp_path):
    out, prom = tmp_path / "losses.parquet", tmp_path / "m.json"
    text = run("evaluate", path, "-p", "score", "-l", "mse", "--compare", "other", "--by", "g",
               "--losses-out", out, "--metrics", prom)  # fmt: skip
    assert "compared with prediction other" in text.splitlines()[0]
    assert "mse: other compared with score" in text
    lines = text.splitlines()
    at = lines.index("mse: other compared with score")
    harms = [float(line.split()[3]) for line in lines[at + 2 : at + 5]]
    assert harms == sorted(harms, reverse=True)
    assert "hold together with 95% (Bonferroni)" in text
    written = parquet.read_table(out)
    assert written.column_names == [
        "file", "row", "mse of score", "mse of other", "mse: other - score", "mse: won by other",
    ]  # fmt: skip
    tree = json.loads(prom.read_text())
    assert 0 < tree["mse"]["comparison"]["won"] < 1
    markdown = run("evaluate", path, "-p", "score", "-l", "mse", "--compare", "other",
                   "--markdown")  # fmt: skip
    assert "other compared with score" in markdown


def gauges(text):
    """Return the gauges of a text of Prometheus by metric and labels."""
    found = {}
    for line in text.splitlines():
        if not line.startswith("#"):
            metric, inside, number = re.fullmatch(r"(\w+)\{(.*)\} (\S+)", line).groups()
            labels = re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', inside)
            key = (metric, frozenset(labels))
            assert key not in found
            found[key] = float(number)
    return found


@pytest.mark.parametrize("by", [[], ["g"], ["g", "half"]])
def test_gauges_of_comparisons(by, rows, tmp_path):
    path, prom, state = tmp_path / "rows.parquet", tmp_path / "m.prom", tmp_path / "s.nls"
    half = np.arange(ROWS) * 2 // ROWS
    odd = {**rows, 'an "odd" name': rows["other"], "half": half}
    odd["g"] = [None if g == "c" else g for g in rows["g"]]
    parquet.write_table(pa.table(odd), path)
    options = ["-p", "score", "-l", "mse", "-l", "mae", "--confidence", 0.9]
    options += [word for name in by for word in ("--by", name)]
    document = json.loads(
        run("evaluate", path, *options, "--compare", 'an "odd" name', "--json", "--prom", prom,
            "--state", state)
    )  # fmt: skip
    text = prom.read_text()
    found = gauges(text)
    compared = {labels: value for (metric, labels), value in found.items()
                if metric == "numloss_comparison"}  # fmt: skip
    wanted = {}
    for loss in document["losses"]:
        comparison = loss["comparison"]
        for numbers in (comparison["all"], *comparison.get("groups", ())):
            labels = {"loss": loss["name"], "first": "score", "other": r"an \"odd\" name"}
            if "group" in numbers:
                keys = numbers["group"] if len(by) > 1 else [numbers["group"]]
                keys = ["" if key is None else str(key) for key in keys]
                labels |= {f"by_{name}": key for name, key in zip(by, keys, strict=True)}
            for name in ("difference", "standard_error", "interval_low", "interval_high", "won"):
                wanted[frozenset({**labels, "statistic": name}.items())] = numbers[name]
    assert compared == wanted
    assert len(wanted) == 2 * 5 * (1 + {0: 0, 1: 3, 2: 6}[len(by)])
    assert text.count("# TYPE numloss_comparison gauge\n") == 1
    run("show", state, "--prom", prom, "--confidence", 0.9)
    assert prom.read_text() == text
    run("evaluate", path, *options, "--prom", prom)
    assert "comparison" not in prom.read_text()


def test_gauges_of_what_is_no_number(tmp_path):
    path, prom = tmp_path / "rows.parquet", tmp_path / "m.prom"
    columns = {"score": [1.0], "other": [np.inf], "label": [0.0]}
    parquet.write_table(pa.table(columns), path)
    run("evaluate", path, "-l", "mse", "-p", "score", "--compare", "other", "--prom", prom)
    found = {dict(labels)["statistic"]: value for (metric, labels), value
             in gauges(prom.read_text()).items() if metric == "numloss_comparison"}  # fmt: skip
    assert found["difference"] == np.inf
    assert found["won"] == 0.0
    assert "interval_low" not in found  # of one row nothing is known


def test_rows_that_are_not_the_same(rows, path, tmp_path):
    def other(**changed):
        file = tmp_path / "o.parquet"
        columns = {"score": rows["other"], "label": rows["label"], "id": rows["id"]} | changed
        parquet.write_table(pa.table(columns), file)
        return file

    base = [path, "-p", "score", "-l", "mse", "--compare"]
    labels = rows["label"].copy()
    labels[1234] = 7
    assert message(*base, other(label=labels), code=1).endswith(
        f"row 1234, column label: differs from {path} in the same row: only equal rows can be "
        "compared"
    )
    ids = rows["id"].copy()
    ids[[3, 4]] = ids[[4, 3]]
    assert "row 3, column id: differs" in message(*base, other(id=ids), "--id", "id", code=1)
    run("evaluate", *base, other(id=ids))
    short = {name: rows[column][:-1] for name, column in
             (("score", "other"), ("label", "label"), ("id", "id"))}  # fmt: skip
    assert "unequal numbers of rows" in message(*base, other(**short), code=1)
    assert "has no 'key' for --id" in message(*base, other(), "--id", "key", code=2)
    assert "has no 'nothing'" in message(*base, "nothing", code=2)
    (tmp_path / "parts").mkdir()
    for index in range(2):
        (tmp_path / "parts" / f"{index}.parquet").write_bytes(path.read_bytes())
    parts = [tmp_path / "parts", *base[1:]]
    assert "goes with one file of predictions" in message(*parts, other(), code=2)
    assert "mse: other compared with score" in run("evaluate", *parts, "other")
    for arguments in ({}, {"other": np.ones(2)}):
        evaluation = numloss.Evaluation("mse", compare=None if arguments else ("a", "b"))
        with pytest.raises(ValueError, match="other holds the predictions"):
            evaluation.update(np.ones(2), np.zeros(2), **arguments)
    with pytest.raises(ValueError, match="compare must name two models"):
        numloss.Evaluation("mse", compare=("a",))
    with pytest.raises(ValueError, match="compare must name two models"):
        numloss.Evaluation("mse", compare=("a", "a"))
    assert "is the prediction itself" in message(*base, "score", code=2)
    assert "is the prediction itself" in message(*base, path, code=2)


def test_paired_intervals_hold_as_often_as_they_say():
    rng = np.random.default_rng(22)
    samples, size = 4000, 200
    common = rng.exponential(size=samples * size)
    first = common + rng.normal(0, 0.1, samples * size)
    other = common + rng.normal(0.02, 0.2, samples * size)
    evaluation = numloss.Evaluation("quantile:q=0", by="s", worst=0, quantiles=False,
                                    compare=("a", "b"))  # fmt: skip
    # The loss of q = 0 is prediction - target above the target: what is given.
    evaluation.update(
        first + 10, np.zeros(len(first)), other=other + 10,
        groups=np.repeat(np.arange(samples), size),
    )  # fmt: skip
    groups = evaluation.result().comparisons["quantile:q=0"].difference.groups
    held = 0
    for _, group in groups:
        low, high = group.confidence_interval(0.95)
        held += low <= 0.02 <= high
        # Pairing pays: the rows' own spread is not in it.
        assert group.standard_error < 0.03
    assert 0.94 <= held / samples <= 0.96


def test_groups_whose_difference_is_nan_come_first():
    values = np.arange(60.0)
    values[7] = np.nan
    evaluation = numloss.Evaluation("mae", by="g", compare=("old", "new"))
    evaluation.update(np.zeros(60), np.ones(60), other=values, groups=np.arange(60))
    lines = str(evaluation.result()).splitlines()
    table = lines[lines.index("mae: new compared with old") + 2 :]
    assert table[0].split()[0] == "7"
    assert table[0].endswith("NaN")
    assert table[1].split()[0] == "59"
