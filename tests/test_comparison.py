"""Two models on the same rows: differences, intervals and rows won, in Python and by command."""

# ruff: noqa: E402 (imports follow the skip where the extra is not installed)

import json
import os
import re
import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest
from scipy import stats

pa = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")
import pyarrow.csv
from test_cli import message, report, run

import numloss
from numloss.evaluation.files import ids as ids_module
from numloss.evaluation.files.dataset import Dataset
from numloss.evaluation.files.ids import LACKING, IdColumn, Index
from numloss.evaluation.files.inputs import Request

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


def test_compare_is_an_evaluation_of_one_batch(rows, path):
    arrays = (rows["score"], rows["other"], rows["label"], ["binary_cross_entropy", "mse"])
    options = {"weight": rows["w"], "groups": {"g": rows["g"]}, "clusters": rows["id"] // 7}
    kept = {"resample": True, "calibration": True, "auc": True, "worst": 3}
    result = numloss.compare(
        *arrays, **options, **kept, ids=rows["id"], names=("old", "new"), confidence=0.9
    )
    evaluation = numloss.Evaluation(
        arrays[3], by="g", compare=("old", "new"), cluster="cluster", **kept
    )
    evaluation.update(
        rows["score"], rows["label"], other=rows["other"], ids=rows["id"], **options
    )  # fmt: skip
    assert result.to_dict() == evaluation.result(confidence=0.9).to_dict()
    # The numbers of a file are the same.
    plain = numloss.compare(*arrays, weight=rows["w"], groups=rows["g"], by="g", quantiles=(0.3,))
    found = numloss.evaluate(
        path, arrays[3], prediction="score", compare="other", weight="w", by="g", quantiles=(0.3,)
    )
    for name in arrays[3]:
        mine, theirs = plain.comparisons[name], found.comparisons[name]
        assert (mine.first, mine.other) == ("first", "second")
        for what in ("losses", "difference", "won"):
            one, two = getattr(mine, what), getattr(theirs, what)
            assert one.total.mean == two.total.mean
            assert one.total.standard_error == two.total.standard_error
            assert one.total.quantiles == two.total.quantiles
            assert [(k, g.mean) for k, g in one.groups] == [(k, g.mean) for k, g in two.groups]


def test_compare_takes_what_losses_take_and_refuses_the_rest():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"a": [1.0, 2.0], "b": [1.5, 2.0], "y": [1.0, 1.0], "g": ["x", "y"]})
    result = numloss.compare(frame["a"], frame["b"], frame["y"], "mse", groups=frame[["g"]])
    assert result.by == ("g",)
    assert numloss.compare([1.0], [2.0], [1.0], "mse", groups=["x"]).by == ("group",)
    assert result.comparisons["mse"].difference.total.mean == 0.125
    both = numloss.compare(
        np.ones(2), np.zeros(2), np.zeros(2), "gaussian_nll", variance=np.array([1.0, 2.0])
    )
    assert both.comparisons["gaussian_nll"].won.total.mean == 1.0
    with pytest.raises(TypeError, match=r"got 'a.parquet': numloss.evaluate\(first, losses, comp"):
        numloss.compare("a.parquet", "b.parquet", "label", "mse")
    with pytest.raises(numloss.Error, match="shape"):
        numloss.compare(np.ones(2), np.ones(3), np.ones(2), "mse")
    with pytest.raises(ValueError, match="compare must name two models"):
        numloss.compare([1.0], [1.0], [1.0], "mse", names=("a", "a"))
    with pytest.raises(ValueError, match="groups must have a value of g"):
        numloss.compare([1.0], [1.0], [1.0], "mse", by="g")


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
    text = message(*base, other(id=ids), "--id", "id", code=1)
    assert "row 4, column label: differs from" in text
    assert "in row 3, which has the same id 3: only equal rows" in text
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
    assert message(*parts, other(), code=1).replace(f"{tmp_path}/", "") == (
        "the files have unequal numbers of rows: 2 files, parts/0.parquet ... parts/1.parquet has "
        f"{2 * ROWS}, o.parquet has {ROWS}"
    )
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


# ---------------------------------------------------------------------------- rows matched by an id


def write(path, columns):
    """Write columns in the format that a name tells."""
    if path.suffix == ".npz":
        np.savez(path, **{name: np.asarray(column) for name, column in columns.items()})
        return path
    table = columns if isinstance(columns, pa.Table) else pa.table(columns)
    if path.suffix == ".parquet":
        parquet.write_table(table, path, row_group_size=70)
    elif path.suffix == ".csv":
        pyarrow.csv.write_csv(table, path)
    elif path.suffix == ".arrow":
        with pa.ipc.new_file(path, table.schema) as writer:
            writer.write_table(table, max_chunksize=90)
    else:
        path.write_text("".join(f"{json.dumps(row)}\n" for row in table.to_pylist()))
    return path


MATCHED = 400


def matched_rows(text=False):
    """Return the columns of two models on the same rows, and an order for those of the other."""
    rng = np.random.default_rng(8)
    ids = rng.permutation(5 * MATCHED)[:MATCHED] - MATCHED
    ids = np.array([f"no {i} {'x' * (i % 23)}" for i in ids]) if text else ids
    label = rng.normal(size=MATCHED).round(3)
    mine = {"order": ids, "score": rng.normal(size=MATCHED), "label": label}
    other = mine | {"score": rng.normal(size=MATCHED)}
    return mine, other, rng.permutation(MATCHED)


def taken(columns, order):
    """Return rows of columns."""
    return {name: np.asarray(column)[order] for name, column in columns.items()}


def state_of(path, other, *options, code=0):
    """Return the bytes of the state of a comparison by id."""
    state = path.parent / "matched.state"
    run("evaluate", path, "-p", "score", "-t", "label", "-l", "mse", "-l", "mae", "--compare",
        other, "--id", "order", "--state", state, *options, code=code)  # fmt: skip
    return state.read_bytes()


@pytest.mark.parametrize("text", [False, True])
@pytest.mark.parametrize(
    ("ending", "others"), list(pairwise(["parquet", "csv", "jsonl", "npz", "arrow", "parquet"]))
)
def test_rows_are_matched_by_id(text, ending, others, tmp_path):
    mine, other, order = matched_rows(text)
    first = write(tmp_path / f"a.{ending}", mine)
    second = write(tmp_path / f"b.{others}", other)
    wanted = state_of(first, second)
    half = MATCHED // 2
    halfway = np.concatenate([np.arange(half), half + np.argsort(order[:half])])
    for rows in (order, halfway):
        write(second, taken(other, rows))
        assert state_of(first, second) == wanted
        assert state_of(first, second, "--threads", 3, "--chunk-rows", 37) == wanted
        assert state_of(first, second, "--threads", 1, "--chunk-rows", 8) == wanted


def test_matched_rows_in_python_and_by_group(tmp_path):
    mine, other, order = matched_rows()
    group = np.arange(MATCHED) % 3
    first = write(tmp_path / "a.parquet", mine | {"g": group})
    second = write(tmp_path / "b.parquet", taken(other, order))
    result = numloss.evaluate(first, "mse", compare=second, id="order", by="g", prediction="score")
    losses = [(rows["score"] - rows["label"]) ** 2 for rows in (mine, other)]
    found = result.comparisons["mse"].difference
    assert found.total.mean == pytest.approx(np.mean(losses[1] - losses[0]), rel=1e-12)
    for key, statistics in found.groups:
        wanted = (losses[1] - losses[0])[group == key].mean()
        assert statistics.mean == pytest.approx(wanted, rel=1e-12)


def test_matched_rows_of_classes_lists_and_targets_beside_them(tmp_path):
    mine, _, order = matched_rows()
    rng = np.random.default_rng(9)
    labels = rng.integers(0, 3, MATCHED)
    one, two = rng.normal(size=(2, MATCHED, 3))
    first = write(tmp_path / "a.parquet", {"order": mine["order"], "logits": list(one)})
    np.save(tmp_path / "labels.npy", labels)
    both = {"order": mine["order"], "logits": two}
    options = {"targets": tmp_path / "labels.npy", "id": "order", "prediction": "logits"}
    wanted = numloss.cross_entropy(two, labels)
    for rows in (np.arange(MATCHED), order):
        part = taken(both, rows)
        second = write(tmp_path / "b.parquet", part | {"logits": list(part["logits"])})
        result = numloss.evaluate(first, "cross_entropy", compare=second, **options)
        found = result.comparisons["cross_entropy"].losses.total.mean
        assert found == pytest.approx(wanted, rel=1e-14)
    # Targets that lie beside the other model's predictions go with them.
    second = write(tmp_path / "b.npz", taken(both | {"label": labels}, order))
    result = numloss.evaluate(
        first, "cross_entropy", compare=second, **options | {"targets": second}
    )
    found = result["cross_entropy"].total.mean
    assert found == pytest.approx(numloss.cross_entropy(one, labels), rel=1e-14)


def wrong(tmp_path, mine, other, *options, endings=("parquet", "parquet"), code=1):
    """Return the message about two files, without the folder."""
    first, second = (
        write(tmp_path / f"{name}.{ending}", columns)
        for name, ending, columns in zip("ab", endings, (mine, other), strict=True)
    )
    text = message(first, "-p", "score", "-t", "label", "-l", "mse", "--compare", second, "--id",
                   "order", *options, code=code)  # fmt: skip
    return text.replace(f"{tmp_path}/", "")


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("rows", [7, 1000])
@pytest.mark.parametrize("text", [False, True])
def test_ids_without_a_row_are_named(text, rows, threads, tmp_path):
    mine, other, order = matched_rows(text)
    shuffled = taken(other, order)
    options = ["--threads", threads, "--chunk-rows", rows]

    def shown(ids, row):
        return repr(str(ids[row])) if text else str(ids[row])

    # The other file lacks a row.
    short = taken(shuffled, np.flatnonzero(order != 123))
    ids = mine["order"]
    assert wrong(tmp_path, mine, short, *options) == (
        f"a.parquet: row 123, column order: {shown(ids, 123)} is in no row of b.parquet"
    )
    # It has an id twice, and the first file has one twice.
    again = np.concatenate([order, order[[5]]])
    assert wrong(tmp_path, mine, taken(other, again), *options) == (
        f"b.parquet: row {MATCHED}, column order: {shown(ids, order[5])} is in row 5, too: an id "
        "names one row"
    )
    twice = np.concatenate([np.arange(MATCHED), [17]])
    assert wrong(tmp_path, taken(mine, twice), shuffled, *options) == (
        f"a.parquet: row {MATCHED}, column order: {shown(ids, 17)} is in a row before, too: an id "
        "names one row"
    )
    # It has rows that the first one lacks, at the end of equal ones and among others.
    fewer = taken(mine, np.arange(MATCHED - 2))
    rest = (
        f"{shown(ids, MATCHED - 2)} is in no row of a.parquet, nor is the id of 1 more row: both "
        "files must have the same rows"
    )
    text_of = wrong(tmp_path, fewer, other, *options)
    assert text_of == f"b.parquet: row {MATCHED - 2}, column order: {rest}"
    places = np.argsort(order)[-2:]
    assert f"b.parquet: row {places.min()}, column order: " in wrong(
        tmp_path, fewer, shuffled, *options
    )
    fewer = taken(mine, np.arange(MATCHED - 4))
    assert "nor are the ids of 3 more rows: both" in wrong(tmp_path, fewer, other, *options)
    # Targets of matched rows must agree.
    label = shuffled["label"].copy()
    label[9] = 77
    assert wrong(tmp_path, mine, shuffled | {"label": label}, *options) == (
        f"b.parquet: row 9, column label: differs from a.parquet in row {order[9]}, which has the "
        f"same id {shown(ids, order[9])}: only equal rows can be compared"
    )


def test_ids_that_are_none(tmp_path):
    mine, other, order = matched_rows()
    shuffled = taken(other, order)

    def changed(columns, row, value):
        ids = [str(i) if isinstance(value, str) else int(i) for i in columns["order"]]
        ids[row] = value
        return pa.table(columns | {"order": pa.array(ids, from_pandas=False)})

    def told(first, second, **options):
        return wrong(tmp_path, first, second, **options)

    assert told(changed(mine, 3, None), shuffled) == "a.parquet: row 3, column order: missing value"
    for rows in (other, shuffled):
        text = told(mine, changed(rows, 4, None))
        assert text == "b.parquet: row 4, column order: missing value"
    text = told(changed(mine, 3, None), changed(other, 3, None))
    assert text.endswith("row 3, column order: missing value")
    nan = changed(mine, 3, np.nan)
    assert told(nan, shuffled) == "a.parquet: row 3, column order: missing value"
    text = told(changed(mine, 3, 1.5), shuffled)
    assert "row 3, column order: 1.5 is no whole number of 64 bits" in text
    bad = changed(mine, 3, "17b")
    text = told(bad, shuffled, endings=("csv", "parquet"))
    assert text.startswith("a.csv: row 3 (line 5), column order: '17b' is no whole number")
    text = told(changed(mine, 3, ""), shuffled, endings=("csv", "parquet"))
    assert text == "a.csv: row 3 (line 5), column order: missing value"
    text = told(mine, changed(shuffled, 3, ""), endings=("csv", "csv"))
    assert text == "b.csv: row 3 (line 5), column order: missing value"
    first, second = str(mine["order"][0]), int(shuffled["order"][0])
    assert told(changed(mine, 0, first), shuffled) == (
        f"a.parquet: row 0, column order: '{first}': ids are text, where those of b.parquet are "
        f"whole numbers: {second}"
    )
    none = pa.nulls(MATCHED)
    for ids in (np.arange(MATCHED), np.arange(MATCHED).astype(str)):
        some = mine | {"order": ids}
        assert told(pa.table(mine | {"order": none}), some) == (
            "a.parquet: row 0, column order: missing value"
        )
        assert told(some, pa.table(mine | {"order": none})) == (
            "b.parquet: row 0, column order: missing value"
        )
    lists = pa.table(shuffled | {"order": [[1]] * MATCHED})
    assert "column order: has several values in a row" in told(mine, lists, code=2)
    none = {name: column[:0] for name, column in other.items()}
    assert told(mine, none) == "b.parquet: no rows"


@pytest.mark.parametrize("text", [False, True])
@pytest.mark.parametrize("rising", [False, True])
def test_ids_that_come_again_in_both_files(text, rising, tmp_path):
    """Rows in the same order have no order among those of one id."""
    mine, other, _ = matched_rows()
    ids = np.sort(mine["order"]) if rising else mine["order"]
    for first, second in ((0, 1), (5, 300), (MATCHED - 2, MATCHED - 1)):
        again = ids.copy()
        again[second] = ids[first]
        again = np.array([f"no {i}" for i in again]) if text else again
        shown = repr(str(again[first])) if text else str(again[first])
        for options in ([], ["--chunk-rows", 7], ["--chunk-rows", 1, "--threads", 1]):
            told = wrong(tmp_path, mine | {"order": again}, other | {"order": again}, *options)
            assert told == (
                f"b.parquet: row {second}, column order: {shown} is in row {first}, too: an id "
                "names one row"
            )
        limit = ["--limit", second]  # before the id comes again
        state_of(tmp_path / "a.parquet", tmp_path / "b.parquet", *limit, "--chunk-rows", 9)
        state_of(tmp_path / "a.parquet", tmp_path / "b.parquet", *limit)


def test_ids_of_many_types(tmp_path):
    mine, other, order = matched_rows()
    whole = np.arange(MATCHED)
    rng = np.random.default_rng(3)
    named = [f"{i}" for i in whole]
    far = rng.integers(1 << 62, 1 << 64, MATCHED, np.uint64, endpoint=False)
    pairs = [
        (whole.astype("i2"), whole.astype("f8")),
        (whole.astype("u1") + np.uint16(2), whole.astype(">i4") % 256 + 2),
        (far, far),
        (pa.array(whole).cast(pa.timestamp("s")), pa.array(whole).cast(pa.timestamp("s"))),
        (pa.array(whole).cast(pa.decimal128(20)), None),
        (pa.array([bytes([i % 256, i // 256, 200]) for i in whole]), None),
        (pa.array([bytes([i % 256, i // 256, 200]) for i in whole], pa.binary(3)), None),
        (pa.array(named).dictionary_encode(), pa.array(named, pa.large_string())),
        (pa.array(["a\0" * (i % 9) + "\0" * (i // 9) for i in whole]), None),
    ]  # fmt: skip
    for number, (ids, others) in enumerate(pairs):
        others = ids if others is None else others
        if number == 1:
            ids, others = ids[:250], np.asarray(others[:250])
        count = len(ids)
        first = {name: column[:count] for name, column in mine.items()} | {"order": ids}
        second = {name: column[:count] for name, column in other.items()} | {"order": others}
        rows = order[order < count]
        one = write(tmp_path / "a.parquet", pa.table({k: _native(v) for k, v in first.items()}))
        two = tmp_path / "b.parquet"
        table = pa.table({k: _native(v) for k, v in second.items()})
        wanted = state_of(one, write(two, table))
        assert state_of(one, write(two, table.take(pa.array(rows)))) == wanted, ids
        if number in (0, 2, 7):
            two = tmp_path / "b.csv"
            wanted = state_of(one, write(two, table))
            assert state_of(one, write(two, table.take(pa.array(rows)))) == wanted
            if number != 7:
                assert state_of(one, two, "--chunk-rows", 9) == wanted


def _native(column):
    if isinstance(column, np.ndarray):
        return column.astype(column.dtype.newbyteorder("="))
    return column


def test_an_index_finds_what_a_dictionary_finds(tmp_path, monkeypatch):
    """Also where hashes of unlike texts are equal."""
    rng = np.random.default_rng(4)
    file = write(tmp_path / "a.parquet", {"x": [1]})
    source = numloss.evaluation.files.inputs.open_source(
        numloss.evaluation.files.storage.file_of(str(file)), numloss.evaluation.files.source.BY_NAME
    )
    column = IdColumn(source, "x")
    real = ids_module._hashes
    for bits in (64, 3, 0):
        monkeypatch.setattr(
            ids_module, "_hashes", lambda text, bits=bits: real(text) & np.uint64((1 << bits) - 1)
        )
        known = list({f"{i}" * (i % 17) for i in rng.integers(0, 900, 300)})
        wanted = {text: place for place, text in enumerate(known)}
        asked = [*known, *(f"{i} " for i in range(100))]
        rng.shuffle(asked)
        index = Index(column.read(pa.array(known)))
        assert index.twice is None
        found = index.find(column.read(pa.array(asked).slice(5)))
        assert found.tolist() == [wanted.get(text, LACKING) for text in asked[5:]]
        index = Index(column.read(pa.array([*known, *known[7:9]])))
        assert index.twice in {(7, len(known)), (8, len(known) + 1)}
    numbers = rng.permutation(1000)[:500] - 300
    wanted = {int(number): place for place, number in enumerate(numbers)}
    asked = np.arange(-400, 900)
    found = Index(column.read(numbers)).find(column.read(asked))
    assert found.tolist() == [wanted.get(int(number), LACKING) for number in asked]
    # Bits of a number with a sign, and of one without, are those of another.
    index = Index(column.read(np.array([2**64 - 1, 5], np.uint64)))
    assert index.find(column.read(np.array([-1, 5]))).tolist() == [LACKING, 1]
    index = Index(column.read(np.array([-1, 5])))
    assert index.find(column.read(np.array([2**64 - 1, 5], np.uint64))).tolist() == [LACKING, 1]


def test_a_fault_of_the_other_model_is_told_by_its_own_row(tmp_path):
    mine, other, order = matched_rows()
    shuffled = taken(other, order)
    score = [repr(number) for number in shuffled["score"].tolist()]
    score[11] = "much"
    told = wrong(tmp_path, mine, shuffled | {"score": score}, endings=("parquet", "csv"))
    assert told == "b.csv: row 11 (line 13), column score: 'much' is not a number"
    skipped = ["--on-error", "skip"]
    state = state_of(tmp_path / "a.parquet", tmp_path / "b.csv", *skipped, code=4)
    text = str(numloss.Evaluation.from_bytes(state).result())
    assert "b.csv: row 11, column score: 'much' is not a number" in text
    rows = np.delete(np.arange(MATCHED), order[11])
    result = numloss.Evaluation.from_bytes(state).result()
    assert (result.rows, result.skipped) == (MATCHED - 1, 1)
    losses = [(part["score"] - part["label"])[rows] ** 2 for part in (mine, other)]
    found = result.comparisons["mse"].difference.total.mean
    assert found == pytest.approx(np.mean(losses[1] - losses[0]), rel=1e-12)


def test_rows_without_a_match_may_be_skipped(tmp_path):
    mine, other, order = matched_rows()
    ids = [int(i) for i in mine["order"]]
    ids[5], ids[7] = None, ids[6]
    first = write(tmp_path / "a.parquet", pa.table(mine | {"order": pa.array(ids, pa.int64())}))
    rows = order[~np.isin(order, [5, 7, 20])]
    second = write(tmp_path / "b.parquet", taken(other, rows))
    states = {
        state_of(first, second, "--on-error", "skip", "--threads", threads, "--chunk-rows", rows,
                 code=4)
        for threads in (1, 4) for rows in (1, 50, 1000)
    }  # fmt: skip
    assert len(states) == 1
    result = numloss.Evaluation.from_bytes(states.pop()).result()
    assert (result.rows, result.skipped) == (MATCHED - 3, 3)
    # Rows that the first file lacks are no rows to skip.
    write(second, taken(other, order))
    told = message(first, "-p", "score", "-l", "mse", "--compare", second, "--id", "order",
                   "--on-error", "skip", code=1)  # fmt: skip
    assert "nor is the id of 1 more row: both" in told


def test_matched_rows_with_a_limit_and_after_a_stop(tmp_path):
    mine, other, order = matched_rows()
    first = write(tmp_path / "a.parquet", mine)
    second = write(tmp_path / "b.parquet", taken(other, order))
    limited = state_of(first, second, "--limit", 150)
    assert state_of(first, second, "--limit", 150, "--chunk-rows", 20) == limited
    assert numloss.Evaluation.from_bytes(limited).rows == 150
    many = state_of(first, second, "--limit", MATCHED)
    assert many == state_of(first, second)
    # The state of some rows, from which a run goes on.
    (tmp_path / "matched.state").write_bytes(limited)
    assert state_of(first, second, "--resume") == many
    write(first, taken(mine, np.arange(150)))
    assert state_of(first, second, "--limit", 1000) == limited


def test_a_pipe_is_compared_as_it_comes(tmp_path):
    mine, other, order = matched_rows()
    pipe, second = tmp_path / "a.csv", write(tmp_path / "b.parquet", taken(other, order))
    text = write(pipe, mine).read_bytes()

    def evaluate(first, second, *options):
        command = ["evaluate", first, "-p", "score", "-l", "mse", "--compare", second, "--id",
                   "order", "--json", "--format", "csv", *options]  # fmt: skip
        return subprocess.run(
            [sys.executable, "-m", "numloss", *map(str, command)], input=text,
            capture_output=True, timeout=60, check=False, env=os.environ,
        )  # fmt: skip

    second = write(tmp_path / "b.csv", taken(other, order))
    done = evaluate("-", second)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["rows"] == MATCHED
    first = write(tmp_path / "c.csv", taken(other, np.arange(MATCHED)))
    done = evaluate(first, "-")
    assert done.returncode == 0, done.stderr
    done = evaluate(second, "-")
    assert done.returncode == 1
    assert b"a pipe is read once: its ids must be those of" in done.stderr


def test_columns_of_the_worst_rows_are_those_of_matched_rows(tmp_path):
    mine, other, order = matched_rows()
    first = write(tmp_path / "a.parquet", mine)
    told = other | {"told": np.array([f"of {i}" for i in other["order"]])}
    for rows in (np.arange(MATCHED), order):
        for ending in ("parquet", "csv"):
            second = write(tmp_path / f"b.{ending}", taken(told, rows))
            result = numloss.evaluate(
                first, "mse", prediction="score", compare=second, id="order", worst=20,
                worst_columns=["order", "told"],
            )  # fmt: skip
            for worst in result["mse"].worst:
                assert worst.columns["told"] == f"of {worst.columns['order']}"


# --------------------------------------------------------------------- files in parts on both sides

_FIRST, _SECOND = (130, 131, 390), (50, 391)  # where files are cut


def in_parts(folder, ending, columns, cuts):
    """Write columns to several files; return them."""
    folder.mkdir(exist_ok=True)
    files = []
    for number, rows in enumerate(np.split(np.arange(len(columns["order"])), cuts)):
        files.append(write(folder / f"part-{number}.{ending}", taken(columns, rows)))
    return files


def parts_state(first, other, *options, code=0, name="parts.state"):
    """Return the bytes of the state of a comparison of files."""
    state = first[0].parents[1] / name
    run("evaluate", *first, "-p", "score", "-t", "label", "-l", "mse", "-l", "mae", "--compare",
        other, "--state", state, *options, code=code)  # fmt: skip
    return state.read_bytes()


def called(state, *names):
    """Return a state with other names of the models."""
    evaluation = numloss.Evaluation.from_bytes(state)
    evaluation._compare = names
    return evaluation.to_bytes()


@pytest.mark.parametrize(
    ("ending", "others"), list(pairwise(["parquet", "csv", "jsonl", "npz", "arrow", "parquet"]))
)
def test_parts_are_compared_with_parts(ending, others, tmp_path):
    mine, other, order = matched_rows()
    first = in_parts(tmp_path / "a", ending, mine, _FIRST)
    whole = write(tmp_path / f"b.{others}", other)
    in_parts(tmp_path / "b", others, other, _SECOND)
    # What one process makes of the rows, in the names of the files.
    wanted = numloss.Evaluation(["mse", "mae"], compare=("old", "new"))
    for file, rows in zip(first, np.split(np.arange(MATCHED), _FIRST), strict=True):
        wanted.update(
            mine["score"][rows], mine["label"][rows], other=other["score"][rows], source=str(file)
        )
    folder, pattern = tmp_path / "b", tmp_path / "b" / "part-*"
    for named in (folder, pattern, ",".join(str(tmp_path / "b" / f"part-{i}.{others}")
                                            for i in range(3)), whole):  # fmt: skip
        for options in ([], ["--threads", 3, "--chunk-rows", 37], ["--chunk-rows", 11]):
            found = parts_state(first, named, *options)
            assert called(found, "old", "new") == wanted.to_bytes()
    # By id, the other files in any order, and cut in any way.
    in_parts(tmp_path / "b", others, taken(other, order), _SECOND)
    write(whole, taken(other, order))
    for named in (folder, whole):
        for options in ([], ["--threads", 3, "--chunk-rows", 37], ["--chunk-rows", 11]):
            found = parts_state(first, named, "--id", "order", *options)
            assert called(found, "old", "new") == wanted.to_bytes()
    # One file with several: the bytes of one with one.
    alone = write(tmp_path / f"whole.{ending}", mine)
    write(whole, other)
    in_parts(tmp_path / "b", others, other, _SECOND)
    states = {
        called(parts_state([tmp_path / "a" / ".." / alone.name], named, *options), "old", "new")
        for named in (folder, whole) for options in ([], ["--id", "order"], ["--chunk-rows", 60])
    }  # fmt: skip
    assert len(states) == 1


def test_parts_in_python_by_group_and_with_columns_of_the_worst_rows(tmp_path):
    mine, other, order = matched_rows()
    group = np.arange(MATCHED) % 3
    told = other | {"told": np.array([f"of {i}" for i in other["order"]])}
    for ending in ("parquet", "csv"):
        first = in_parts(tmp_path / f"a-{ending}", ending, mine | {"g": group}, _FIRST)
        for rows, options in ((np.arange(MATCHED), {}), (order, {"id": "order"})):
            second = in_parts(tmp_path / f"b-{ending}", ending, taken(told, rows), _SECOND)
            result = numloss.evaluate(
                first, "mse", prediction="score", compare=second, by="g", worst=30,
                worst_columns=["order", "told"], **options,
            )  # fmt: skip
            comparison = result.comparisons["mse"]
            assert comparison.first == f"4 files, {first[0]} ... {first[3]}"
            assert comparison.other == f"3 files, {second[0]} ... {second[2]}"
            losses = [(part["score"] - part["label"]) ** 2 for part in (mine, other)]
            for key, statistics in comparison.difference.groups:
                wanted = (losses[1] - losses[0])[group == int(key)].mean()
                assert statistics.mean == pytest.approx(wanted, rel=1e-12)
            assert len({worst.row.source for worst in result["mse"].worst}) > 1
            for worst in result["mse"].worst:
                assert worst.columns["told"] == f"of {worst.columns['order']}"


def test_faults_in_parts_are_told_by_their_files(tmp_path):
    mine, other, order = matched_rows()
    ids = mine["order"]

    def told(first, second, *options, endings=("parquet", "csv"), code=1):
        one = in_parts(tmp_path / "a", endings[0], first, _FIRST)
        in_parts(tmp_path / "b", endings[1], second, _SECOND)
        text = message(*one, "-p", "score", "-t", "label", "-l", "mse", "--compare",
                       tmp_path / "b" / f"*.{endings[1]}", *options, code=code)  # fmt: skip
        return text.replace(f"{tmp_path}/", "")

    shuffled = taken(other, order)
    score = np.array([repr(number) for number in other["score"].tolist()])
    score[60] = "much"
    place = int(np.flatnonzero(order == 60)[0])
    number, line = (0, place) if place < 50 else (1, place - 50)
    for options, where in (
        ([], "part-1.csv: row 10 (line 12)"),
        (["--chunk-rows", 7], "part-1.csv: row 10 (line 12)"),
    ):
        wrong = told(mine, other | {"score": score}, *options)
        assert wrong == f"b/{where}, column score: 'much' is not a number"
    wrong = told(mine, shuffled | {"score": score[order]}, "--id", "order", "--threads", 1)
    assert wrong == (
        f"b/part-{number}.csv: row {line} (line {line + 2}), column score: 'much' is not a number"
    )
    label = other["label"].copy()
    label[395] = 77
    assert told(mine, other | {"label": label}, endings=("parquet", "parquet")) == (
        "b/part-2.parquet: row 4, column label: differs from a/part-3.parquet in the same row: "
        "only equal rows can be compared"
    )
    # An id that two files of predictions have, one that the others lack, and one of theirs twice.
    again = ids.copy()
    again[395] = ids[3]
    assert told(mine | {"order": again}, shuffled, "--id", "order") == (
        f"a/part-3.parquet: row 5, column order: {ids[3]} is in a row before, too: an id names one "
        "row"
    )
    again[395] = 10**6
    assert told(mine | {"order": again}, shuffled, "--id", "order") == (
        f"a/part-3.parquet: row 5, column order: {10**6} is in no row of 3 files, b/part-0.csv ... "
        "b/part-2.csv"
    )
    again[395] = ids[3]
    assert told(mine, other | {"order": again}, "--id", "order") == (
        f"b/part-2.csv: row 4 (line 6), column order: {ids[3]} is in row 3, too: an id names one "
        "row"
    )
    # Rows that the files of predictions lack.
    one = in_parts(tmp_path / "a", "parquet", mine, _FIRST)[:3]
    base = ["-p", "score", "-t", "label", "-l", "mse", "--compare", tmp_path / "b"]
    in_parts(tmp_path / "b", "csv", other, _SECOND)
    for file in (tmp_path / "b").glob("*.parquet"):
        file.unlink()
    text = message(*one, *base, "--id", "order", code=1).replace(f"{tmp_path}/", "")
    assert text == (
        f"b/part-1.csv: row 340 (line 342), column order: {ids[390]} is in no row of 3 files, "
        "a/part-0.parquet ... a/part-2.parquet, nor are the ids of 9 more rows: both files must "
        "have the same rows"
    )
    text = message(*one, *base, code=1).replace(f"{tmp_path}/", "")
    assert text == (
        "the files have unequal numbers of rows: 3 files, a/part-0.parquet ... a/part-2.parquet "
        "has 390, 3 files, b/part-0.csv ... b/part-2.csv has 400"
    )
    # A limit reads only the first rows.
    run("evaluate", *one, *base, "--limit", 390)
    run("evaluate", *one, *base, "--limit", 150, "--id", "order")


def test_parts_that_do_not_go_together(tmp_path):
    mine, other, _ = matched_rows()
    first = in_parts(tmp_path / "a", "parquet", mine, _FIRST)
    second = in_parts(tmp_path / "b", "parquet", other, _SECOND)
    base = [*first, "-p", "score", "-t", "label", "-l", "mse", "--compare"]
    mixed = f"{second[0]},{write(tmp_path / 'c.csv', other)}"
    assert "files of several formats, csv, parquet" in message(*base, mixed, code=2)
    assert "is a file of predictions itself" in message(*base, f"{second[0]},{first[1]}", code=2)
    assert "no file matches" in message(*base, tmp_path / "x-*.parquet", code=1)
    write(second[2], {"order": [1], "points": [1.0], "label": [0.0]})
    text = message(*base, tmp_path / "b", code=2)
    assert text.startswith(f"{second[2]} has no 'score', which {second[0]} has; it has order")
    assert "--targets goes with one file" in message(*base, tmp_path / "b", "-T", first[0], code=2)


def test_parts_whose_columns_are_of_other_types(tmp_path):
    mine, other, order = matched_rows()
    mine = mine | {"score": mine["score"].round(), "order": mine["order"].astype("i4")}
    first = in_parts(tmp_path / "a", "parquet", mine, _FIRST)
    whole = mine | {"score": mine["score"].astype("i8"), "order": mine["order"].astype("i8")}
    write(first[1], taken(whole, np.arange(130, 131)))
    for rows, options in ((np.arange(MATCHED), []), (order, ["--id", "order"])):
        shuffled = taken(other, rows)
        wanted = parts_state(first, write(tmp_path / "b.parquet", shuffled), *options)
        second = in_parts(tmp_path / "b", "parquet", shuffled, _SECOND)
        some = taken(shuffled, np.arange(50, 391))
        write(second[1], some | {"score": some["score"].astype("f4").astype("f8"),
                                 "order": some["order"].astype("i2")})  # fmt: skip
        exact = shuffled["score"].copy()
        exact[50:391] = exact[50:391].astype("f4")
        wanted = parts_state(first, write(tmp_path / "b.parquet", shuffled | {"score": exact}),
                             *options)  # fmt: skip
        for kind in ("f4", "f8"):
            write(second[1], some | {"score": some["score"].astype("f4").astype(kind),
                                     "order": some["order"].astype("i2")})  # fmt: skip
            found = parts_state(first, tmp_path / "b", *options)
            assert called(found, "a", "b") == called(wanted, "a", "b")
    # Ids are of one kind.
    write(second[1], some | {"order": some["order"].astype(str)})
    text = message(*first, "-p", "score", "-l", "mse", "--compare", tmp_path / "b", "--id", "order",
                   code=1)  # fmt: skip
    assert text == (
        f"{second[1]}: row 0, column order: ids are text, where those before are whole numbers"
    )


def test_parts_go_on_after_a_stop_and_leave_out_bad_rows(tmp_path):
    mine, other, order = matched_rows()
    first = in_parts(tmp_path / "a", "parquet", mine, _FIRST)
    in_parts(tmp_path / "b", "parquet", other, _SECOND)
    folder = tmp_path / "b"
    whole = parts_state(first, folder)
    for rows in (60, 130, 200, 395):
        options = ["--resume", "--chunk-rows", 45]
        (tmp_path / "parts.state").unlink()
        parts_state(first, folder, "--limit", rows)
        assert parts_state(first, folder, *options) == whole
    in_parts(tmp_path / "b", "parquet", taken(other, order), _SECOND)
    (tmp_path / "parts.state").unlink()
    some = parts_state(first, folder, "--id", "order", "--limit", 200)
    assert numloss.Evaluation.from_bytes(some).rows == 200
    assert parts_state(first, folder, "--id", "order", "--resume") == whole
    ids = mine["order"].copy()
    ids[[135, 399]] = 10**6, 10**6 + 1
    first = in_parts(tmp_path / "a", "parquet", mine | {"order": ids}, _FIRST)
    in_parts(tmp_path / "b", "parquet", taken(other, order[~np.isin(order, [135, 399])]), _SECOND)
    states = {
        parts_state(first, folder, "--id", "order", "--on-error", "skip", "--threads", threads,
                    "--chunk-rows", rows, code=4)
        for threads in (1, 4) for rows in (1, 50, 1000)
    }  # fmt: skip
    assert len(states) == 1
    result = numloss.Evaluation.from_bytes(states.pop()).result()
    assert (result.rows, result.skipped) == (MATCHED - 2, 2)


@pytest.mark.parametrize("options", [{}, {"id": "order"}])
def test_rows_of_parts_may_be_read_again(options, tmp_path):
    mine, other, _ = matched_rows()
    first = in_parts(tmp_path / "a", "parquet", mine, _FIRST)
    second = in_parts(tmp_path / "b", "parquet", other, _SECOND)
    data = Dataset(Request.of(first, prediction="score", compare=second, **options))
    for _ in range(2):
        found = [
            part.inputs.chunk(pieces, part.first_row).other
            for part in data.parts(60) for pieces in part.chunks
        ]  # fmt: skip
        np.testing.assert_array_equal(np.concatenate(found), other["score"])
