"""``numloss evaluate``, as people and scripts use it."""

# ruff: noqa: E402 (imports follow the skip where the extra is not installed)
import contextlib
import gzip
import io
import json
import math
import os
import pty
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

pa = pytest.importorskip("pyarrow")
import pyarrow.csv
import pyarrow.parquet
from cases import APART

import numloss
from numloss import cli
from numloss._loss import OF_LISTS
from numloss.evaluation.specs import options_of, parse_loss

ROWS = 1000


def invoke(*arguments):
    """Run the command in this process; return its exit code and what it wrote."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = cli.run([str(argument) for argument in arguments])
        except SystemExit as error:
            code = error.code
    return code, out.getvalue(), err.getvalue()


def run(*arguments, code=0):
    """Run the command; return what it wrote to stdout, or its message."""
    found, out, err = invoke(*arguments)
    assert found == code, err
    return out if code == 0 else err


def report(*arguments):
    """Run ``evaluate --json`` and return the document; every highest loss is in the first file."""
    document = json.loads(run("evaluate", *arguments, "--json"))
    for loss in document["losses"]:
        for statistics in (loss["all"], *loss.get("groups", [])):
            assert statistics.pop("maximum_file", str(arguments[0])) == str(arguments[0])
    return document


def message(*arguments, code):
    """Run an evaluation that must fail with one line, and return it."""
    text = run("evaluate", *arguments, code=code)
    assert text.startswith("numloss evaluate: error: ")
    assert text.count("\n") == 1
    return text.removeprefix("numloss evaluate: error: ").rstrip()


def spawn(*arguments):
    """Run the command in a process of its own."""
    command = [sys.executable, "-m", "numloss", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def python(code, *arguments):
    """Run a piece of Python in a process of its own."""
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def columns():
    """A table with everything in it."""
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(ROWS, 11))
    return {
        **{f"logit_{i}": logits[:, i] for i in range(11)},
        "label": rng.integers(0, 11, ROWS),
        "score": rng.normal(size=ROWS),
        "truth": rng.integers(0, 2, ROWS),
        "weight": rng.random(ROWS),
        "fold": rng.choice(["fold2", "fold10", "fold1"], ROWS),
    }


@pytest.fixture(scope="module", params=["csv", "csv.gz", "tsv", "parquet", "npz", "npy"])
def table(request, columns, tmp_path_factory):
    """The table in a file of each format."""
    path = tmp_path_factory.mktemp("tables") / f"table.{request.param}"
    write(path, columns)
    return path


def write(path, columns):
    """Write a table in the format that the name tells."""
    suffix = path.name.partition(".")[2]
    if suffix == "npz":
        np.savez_compressed(path, **columns)
    elif suffix == "npy":
        dtype = [(name, values.dtype) for name, values in columns.items()]
        np.save(path, np.rec.fromarrays(list(columns.values()), dtype=dtype))
    elif suffix == "parquet":
        pyarrow.parquet.write_table(pa.table(columns), path, row_group_size=300)
    else:
        delimiter = "\t" if "tsv" in suffix else ","
        options = pyarrow.csv.WriteOptions(delimiter=delimiter)
        with pa.output_stream(path, compression="gzip" if "gz" in suffix else None) as stream:
            pyarrow.csv.write_csv(pa.table(columns), stream, options)
    return path


@pytest.fixture
def csv(tmp_path):
    """Write a CSV file."""

    def write_text(text, name="data.csv"):
        path = tmp_path / name
        path.write_text(text)
        return path

    return write_text


def cross_entropy(columns, smoothing=0.0):
    """Compute the losses with NumPy."""
    logits = np.stack([columns[f"logit_{i}"] for i in range(11)], axis=1)
    log_p = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    hard = -log_p[np.arange(ROWS), columns["label"]]
    return (1 - smoothing) * hard - smoothing * log_p.mean(axis=1)


def expected(losses, weight=None):
    """Compute what a report must say about losses, with NumPy."""
    w = np.ones(len(losses)) if weight is None else weight
    mean = (w * losses).sum() / w.sum()
    n = len(losses)
    return {
        "count": n,
        "ignored": 0,
        "nan": 0,
        "weight": w.sum(),
        "sum": (w * losses).sum(),
        "mean": mean,
        "standard_error": math.sqrt((w**2 * (losses - mean) ** 2).sum() * n / (n - 1)) / w.sum(),
        "minimum": losses.min(),
        "median": np.median(losses),
        "p95": np.quantile(losses, 0.95),
        "p99": np.quantile(losses, 0.99),
        "maximum": losses.max(),
        "maximum_row": int(losses.argmax()),
        "quantile_relative_error": 0.0,
    }


# ------------------------------------------------------------------------------- every format


def test_statistics_in_every_format(table, columns):
    document = report(table, "-p", "logit_*", "-t", "label", "-l", "cross_entropy")
    (loss,) = document["losses"]
    assert loss["all"] == pytest.approx(expected(cross_entropy(columns)), rel=1e-12)
    assert document["rows"] == ROWS
    assert document["prediction"]["columns"] == [f"logit_{i}" for i in range(11)]


def test_weights_and_groups_in_every_format(table, columns):
    document = report(
        table, "-p", "logit_*", "-t", "label", "-l", "cross_entropy:label_smoothing=0.1",
        "--weight", "weight", "--by", "fold",
    )  # fmt: skip
    losses = cross_entropy(columns, smoothing=0.1)
    (loss,) = document["losses"]
    assert loss["options"] == {"label_smoothing": 0.1}
    assert loss["all"] == pytest.approx(expected(losses, columns["weight"]), rel=1e-12)
    assert [group["group"] for group in loss["groups"]] == ["fold1", "fold2", "fold10"]
    for group in loss["groups"]:
        rows = np.flatnonzero(columns["fold"] == group.pop("group"))
        numbers = expected(losses[rows], columns["weight"][rows])
        numbers["maximum_row"] = rows[numbers["maximum_row"]]
        assert group == pytest.approx(numbers, rel=1e-12)


@pytest.mark.parametrize("rows", [1, 7, 300, 999, 1000, 5000])
def test_no_digit_depends_on_the_chunks(table, rows):
    arguments = ["evaluate", table, "-p", "score", "-t", "truth", "-l", "binary_cross_entropy"]
    arguments += ["-l", "mse", "-w", "weight", "--by", "fold", "--json"]
    assert run(*arguments, "--chunk-rows", rows) == run(*arguments)


OPTIONS = {
    "cross_entropy": [":class_weight=[1,2,3,4,5,6,7,8,9,0,1]", ":label_smoothing=0.2",
                      ":label_smoothing=0.2,class_weight=[1,2,3,4,5,6,7,8,9,0,1]"],
    "multiclass_hinge": [":variant=crammer_singer", ":margin=0.5,class_weight=2"],
    "softmax_focal": [":gamma=3,alpha=0.5"],
    "ranked_probability": [":class_weight=[1,2,3,4,5,6,7,8,9,10,11]"],
    "ordinal_cross_entropy": [":distance=squared,temperature=0.5",
                              ":class_weight=[1,2,3,4,5,6,7,8,9,10,11]"],
    "expected_cost": [":costs=squared"],
    "focal": [":gamma=0.5,alpha=null"],
    "binary_cross_entropy": [":pos_weight=3"],
    "hinge": [":margin=0"],
    "smoothed_hinge": [":smoothing=0.5"],
    "multilabel_margin": [":margin=2"],
    "dice": [":squared=true"],
    "ldam": [":counts=[1,2,3,4,5,6,7,8,9,10,11],scale=2"],
    "coral": [":importance_weights=[1,2,3,4,5,6,7,8,9,0,1]"],
    "corn": [":class_weight=[1,2,3,4,5,6,7,8,9,10,11,12]"],
    "crps_ensemble": [":fair=true"],
    "crps_quantile": [":levels=[0,0.1,0.2,0.3,0.4,0.5,0.6,0.7,0.8,0.9,1]"],
    "js_divergence": [":beta=0.25"],
    "huber": [":delta=0.3"],
    "smooth_l1": [":beta=0"],
    "epsilon_insensitive": [":epsilon=0.5"],
    "robust": [":alpha=-inf,c=0.5", ":alpha=1.5"],
    "mape": [":floor=1.0"],
    "quantile": [":q=0.9"],
    "expectile": [":q=0.9"],
    "poisson": [":full=true"],
    "aft": [":upper=inf,distribution=logistic"],
    "cox": [":ties=efron"],
    "tweedie": [":power=1"],
}  # fmt: skip
SPECS = [
    name + options
    for name in numloss.LOSSES
    if name not in APART
    and len(numloss.LOSSES[name].heads) == 1  # another needs a column more than the command has
    for options in ["", *OPTIONS.get(name, [])]
]


@pytest.mark.parametrize("text", SPECS)
@pytest.mark.parametrize("weighted", [False, True])
def test_mean_is_the_librarys(text, weighted, columns, tmp_path):
    columns = {**columns, "amount": columns["truth"] + 0.5}  # above 0
    name = text.partition(":")[0]
    loss = numloss.LOSSES[name]
    if name == "cumulative_link":  # which takes rows that rise
        columns |= {f"logit_{i}": abs(columns[f"logit_{i}"]) + 8 * i - 40 for i in range(11)}
    path = write(tmp_path / "table.npz", columns)
    arguments = [path, "-l", text]
    target = columns["label"].copy()
    prediction = np.stack([columns[f"logit_{i}"] for i in range(11)], axis=1)
    if not loss.rowwise:
        score = "score" if loss.prediction_above == -np.inf else "weight"
        truth = "amount" if loss.domain == "positive" else "truth"
        prediction, target = columns[score], columns[truth]
        arguments += ["-p", score, "-t", truth]
        if loss.domain == "signs":
            target = target == 1
            arguments += ["--positive", "1"]
    elif loss.domain == "real":  # a number for each row of members
        target = columns["truth"].copy()
        arguments += ["-p", "logit_*", "-t", "truth"]
    elif name == "kl_divergence":
        target = np.abs(prediction) / np.abs(prediction).sum(axis=1, keepdims=True)
        np.savez(tmp_path / "q.npz", target=target)
        arguments += ["-p", "logit_*", "--targets", tmp_path / "q.npz"]
    elif loss.domain in OF_LISTS:
        target = np.floor(abs(prediction) % 4)
        np.savez(tmp_path / "relevances.npz", target=target)
        arguments += ["-p", "logit_*", "--targets", tmp_path / "relevances.npz"]
    elif loss.domain in ("booleans", "unit interval"):
        target = prediction > 1
        np.savez(tmp_path / "sets.npz", target=target.astype(np.int8))
        arguments += ["-p", "logit_*", "--targets", tmp_path / "sets.npz"]
    else:
        arguments += ["-p", "logit_*", "-t", "label"]
    weight = columns["weight"].copy() if weighted else None
    arguments += ["-w", "weight"] if weighted else []
    parsed = parse_loss(text).options
    found = report(*arguments)["losses"][0]["all"]
    assert found["mean"] == pytest.approx(
        float(loss(prediction, target, weight=weight, **parsed)), rel=1e-12
    )
    assert found["sum"] == pytest.approx(
        float(loss(prediction, target, weight=weight, reduction="sum", **parsed)), rel=1e-12
    )
    # The mean is the sum over the sum of the weights.
    assert found["weight"] == pytest.approx(found["sum"] / found["mean"], rel=1e-9)


# ------------------------------------------------------------------------------- kinds of input


def test_arrays_in_files_of_their_own(tmp_path, columns):
    logits = np.stack([columns[f"logit_{i}"] for i in range(11)], axis=1)
    for name, array in {
        "c": logits,
        "fortran": np.asfortranarray(logits),
        "big_endian": logits.astype(">f8"),
        "t": columns["label"].astype(np.uint8),
        "t2": columns["label"][:, None],
        "w": columns["weight"],
        "g": columns["fold"],
    }.items():
        np.save(tmp_path / f"{name}.npy", array)
    numbers = expected(cross_entropy(columns), columns["weight"])
    for prediction, target in (("c", "t"), ("fortran", "t"), ("big_endian", "t2")):
        loss = report(
            tmp_path / f"{prediction}.npy", "--targets", tmp_path / f"{target}.npy",
            "-l", "cross_entropy", "-w", tmp_path / "w.npy", "--by", tmp_path / "g.npy",
            "--chunk-rows", 300,
        )["losses"][0]  # fmt: skip
        assert loss["all"] == pytest.approx(numbers, rel=1e-12)
        assert len(loss["groups"]) == 3


def test_columns_of_one_array(tmp_path):
    values = np.array([[1.0, 2.0, 0.0], [3.0, 1.0, 1.0]])
    np.save(tmp_path / "a.npy", values)
    loss = report(tmp_path / "a.npy", "-p", "0", "-t", "2", "-l", "mse")["losses"][0]
    assert loss["all"]["mean"] == 2.5
    loss = report(tmp_path / "a.npy", "-p", "0,1", "-t", "2", "-l", "cross_entropy")["losses"][0]
    assert loss["all"]["mean"] == pytest.approx(np.log1p(np.e) / 2 + np.log1p(np.e**2) / 2)


@pytest.mark.parametrize("kind", ["list", "large_list", "fixed", "tensor", "csv", "csv_spaces"])
def test_vectors_in_a_column(kind, columns, tmp_path):
    logits = np.stack([columns[f"logit_{i}"] for i in range(11)], axis=1)
    if kind.startswith("csv"):
        separator = " " if kind == "csv_spaces" else ", "
        lists = [f"[{separator.join(map(repr, row))}]" for row in logits.tolist()]
        path = write(tmp_path / "v.csv", {"logits": lists, "label": columns["label"]})
    else:
        kinds = {
            "list": pa.list_(pa.float64()),
            "large_list": pa.large_list(pa.float64()),
            "fixed": pa.list_(pa.float64(), 11),
        }
        if kind == "tensor":
            array = pa.FixedShapeTensorArray.from_numpy_ndarray(logits)
        else:
            array = pa.array(logits.tolist(), kinds[kind])
        path = write(tmp_path / "v.parquet", {"logits": array, "label": columns["label"]})
    for rows in (64, 5000):
        loss = report(path, "-l", "cross_entropy", "--chunk-rows", rows)["losses"][0]
        assert loss["all"] == pytest.approx(expected(cross_entropy(columns)), rel=1e-12)


def test_soft_labels(tmp_path, columns):
    logits = np.stack([columns[f"logit_{i}"] for i in range(11)], axis=1)
    q = np.random.default_rng(1).dirichlet(np.ones(11), ROWS)
    table = {f"logit_{i}": logits[:, i] for i in range(11)}
    table |= {f"target_{i}": q[:, i] for i in range(11)}
    path = write(tmp_path / "soft.parquet", table)
    document = report(path, "-l", "cross_entropy", "-l", "kl_divergence")
    log_p = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    entropy = -(q * np.log(q)).sum(axis=1)
    soft = -(q * log_p).sum(axis=1)
    assert document["losses"][0]["all"] == pytest.approx(expected(soft), rel=1e-12)
    assert document["losses"][1]["all"]["mean"] == pytest.approx((soft - entropy).mean())
    weights = [1.0 + i for i in range(11)]
    text = f"cross_entropy:class_weight={weights}"
    found = report(path, "-l", text)["losses"][0]["all"]
    assert found["mean"] == pytest.approx(-(q * weights * log_p).sum() / (q @ weights).sum())


def test_one_hot_integers_are_soft_labels(csv):
    path = csv("logit_0,logit_1,target_0,target_1\n1,2,1,0\n3,1,1,0\n")
    losses = np.log1p(np.exp([1.0, -2.0]))
    assert report(path, "-l", "cross_entropy")["losses"][0]["all"]["mean"] == pytest.approx(
        losses.mean()
    )


def test_every_element_is_an_example(tmp_path):
    rng = np.random.default_rng(2)
    prediction, target = rng.normal(size=(2, 50, 3))
    np.savez(tmp_path / "m.npz", prediction=prediction, target=target, w=np.arange(50.0))
    loss = report(tmp_path / "m.npz", "-l", "mse", "-w", "w")["losses"][0]["all"]
    squares = (prediction - target) ** 2
    # Row 0 has no weight.
    numbers = expected(squares[1:].ravel(), np.repeat(np.arange(1.0, 50.0), 3))
    numbers |= {"ignored": 3, "maximum_row": int(squares[1:].max(axis=1).argmax()) + 1}
    assert loss == pytest.approx(numbers, rel=1e-12)


def test_more_axes_and_ignored_labels(tmp_path):
    rng = np.random.default_rng(3)
    logits = rng.normal(size=(20, 7, 5)).astype(np.float32)
    labels = rng.integers(0, 5, (20, 7))
    labels[::2, 3:] = -100
    logits[0, 3] = np.nan
    for name, array, option in (("c", logits, ""), ("m", np.moveaxis(logits, -1, 1), ":axis=1")):
        np.savez(tmp_path / f"{name}.npz", logits=array, label=labels)
        arguments = [tmp_path / f"{name}.npz", "-l", f"cross_entropy{option}"]
        found = report(*arguments, "--chunk-rows", 3)["losses"][0]["all"]
        assert (found["count"], found["ignored"], found["nan"]) == (100, 40, 0)
        mean = numloss.cross_entropy(logits, labels)
        assert found["mean"] == pytest.approx(float(mean), rel=1e-7)
        assert report(*arguments)["losses"][0]["all"] == found


def test_labels_written_as_floats_or_booleans(csv):
    floats = csv("logit_0,logit_1,label\n1,2,1.0\n3,1,0.0\n1,1,-100\n", "f.csv")
    found = report(floats, "-l", "cross_entropy")["losses"][0]["all"]
    assert found["mean"] == pytest.approx(np.log1p(np.exp([-1.0, -2.0])).mean())
    assert found["ignored"] == 1
    booleans = csv("logit_0,logit_1,label\n1,2,True\n3,1,false\n", "b.csv")
    again = report(booleans, "-l", "cross_entropy")["losses"][0]["all"]
    assert again["mean"] == found["mean"]


def test_half_precision_keeps_its_digits(tmp_path):
    values = np.random.default_rng(4).normal(size=1000).astype(np.float16)
    np.savez(tmp_path / "h.npz", prediction=values, target=np.zeros(1000, np.float16))
    found = report(tmp_path / "h.npz", "-l", "mse")["losses"][0]["all"]
    assert found["mean"] == pytest.approx((values.astype(float) ** 2).mean(), rel=1e-6)


@pytest.mark.parametrize(
    ("texts", "positive"),
    [(["spam", "ham"], "spam"), (["1", "0"], "1"), (["True", "False"], "True")],
)
def test_positive_class(texts, positive, csv):
    path = csv(f"score,label\n2,{texts[0]}\n1,{texts[1]}\n")
    found = report(path, "-l", "hinge:margin=3", "--positive", positive)["losses"][0]["all"]
    assert (found["minimum"], found["maximum"]) == (1.0, 4.0)


@pytest.mark.parametrize(
    "values",
    [[1, 2], [1.0, 2.0], [True, False], ["b", "a"], pa.array(["b", "a"]).dictionary_encode()],
)
def test_positive_class_of_any_type(values, tmp_path):
    path = write(tmp_path / "p.parquet", {"score": [2.0, 1.0], "label": values})
    positive = pa.array(values)[0].as_py() if isinstance(values, list) else "b"
    loss = report(path, "-l", "hinge", "--positive", positive)["losses"][0]["all"]
    assert loss["maximum"] == 2.0


@pytest.mark.parametrize(
    ("values", "groups"),
    [
        ([3, 1, 2], [1, 2, 3]),
        ([True, False, None], [False, True, None]),
        ([0.5, math.nan, -1.0], [-1.0, 0.5, None]),
        (["b", "", None], ["", "b", None]),
        (pa.array(["x10", "x2", None]).dictionary_encode(), ["x2", "x10", None]),
        (pa.array([3, 1, 2], pa.date32()), ["1970-01-02", "1970-01-03", "1970-01-04"]),
    ],
)
def test_groups_of_any_type(values, groups, tmp_path):
    path = write(tmp_path / "g.parquet", {"pred": [1.0, 2.0, 3.0], "y": [0.0] * 3, "g": values})
    loss = report(path, "-l", "mae", "--by", "g")["losses"][0]
    assert [group["group"] for group in loss["groups"]] == groups
    assert loss["all"]["sum"] == 6.0
    table = run("evaluate", path, "-l", "mae", "--by", "g")
    assert table.splitlines()[-1].split()[:2] == ["all", "3"]
    assert ("(missing)" in table) == (None in groups)


def test_csv_without_header_and_with_another_delimiter(csv):
    path = csv("1;0;a\n2;1;b\n")
    arguments = ["--no-header", "--delimiter", ";", "-p", "f0", "-t", "f1", "-l", "mse"]
    assert report(path, *arguments)["losses"][0]["all"]["mean"] == 1.0
    assert "row 0 (line 1), column f2: 'a' is not a number" in message(
        path, *arguments, "-w", "f2", code=1
    )


def test_format_of_a_file_whose_name_does_not_tell(csv):
    path = csv("score,label\n1,0\n", "data")
    assert "give --format" in message(path, "-l", "mse", code=2)
    assert report(path, "-l", "mse", "--format", "csv")["rows"] == 1


def test_text_with_nan_and_inf(csv):
    path = csv("score,label\nnan,0\n inf ,1\n-inf,0\n1e3,0\n")
    _, out, err = invoke("evaluate", path, "-l", "mae", "--json")
    found = json.loads(out)["losses"][0]["all"]
    assert (found["mean"], found["maximum"], found["minimum"]) == ("NaN", "Infinity", 1000.0)
    assert (found["count"], found["nan"]) == (4, 1)
    assert "warning: mae is NaN for 1 of 4 examples, first in row 0 of" in err


def test_rows_without_weight_may_hold_anything(csv):
    path = csv("score,label,w\n1,0,1\nnan,7,0\n2,1,3\n")
    found = report(path, "-l", "binary_cross_entropy", "-w", "w")["losses"][0]["all"]
    losses = np.log1p(np.exp([1.0, -2.0]))
    assert found["mean"] == pytest.approx(np.average(losses, weights=[1, 3]))
    assert (found["count"], found["ignored"], found["nan"]) == (2, 1, 0)


def test_all_rows_ignored(csv):
    path = csv("logit_0,logit_1,label\n1,2,-100\n")
    found = report(path, "-l", "cross_entropy")["losses"][0]["all"]
    assert (found["count"], found["ignored"], found["mean"], found["p99"]) == (0, 1, None, None)
    assert "-" in run("evaluate", path, "-l", "cross_entropy").splitlines()[-1]


# ----------------------------------------------------------------------------------- the report


def test_table(csv):
    path = csv("score,label,g\n1,0,a\n2,1,b\n3,1,b\n")
    assert run("evaluate", path, "-l", "mse", "-l", "mae", "--by", "g") == (
        f"{path}: 3 rows; prediction score, target label, by g\n"
        "\n"
        "mse\n"
        "g    count  mean  sum  std. error  minimum  median   p95   p99  maximum  ignored\n"
        "a        1     1    1           -        1       1     1     1        1        0\n"
        "b        2   2.5    5         1.5        1     2.5  3.85  3.97        4        0\n"
        "all      3     2    6           1        1       1   3.7  3.94        4        0\n"
        "\n"
        "mae\n"
        "g    count     mean  sum  std. error  minimum  median   p95   p99  maximum  ignored\n"
        "a        1        1    1           -        1       1     1     1        1        0\n"
        "b        2      1.5    3         0.5        1     1.5  1.95  1.99        2        0\n"
        "all      3  1.33333    4    0.333333        1       1   1.9  1.98        2        0\n"
    )


def test_approximate_quantiles_are_marked(csv):
    path = csv("score,label\n" + "".join(f"{i},0\n" for i in range(1, 4097)))
    assert "~" not in run("evaluate", path, "-l", "mae")
    path = csv("score,label\n" + "".join(f"{i},0\n" for i in range(1, 4098)))
    table = run("evaluate", path, "-l", "mae")
    assert "~2050" in table
    assert table.endswith("~ approximate: within 0.1% of the value\n")
    found = report(path, "-l", "mae")["losses"][0]["all"]
    assert found["quantile_relative_error"] == 2.0**-10
    assert found["median"] == pytest.approx(2049.0, rel=2.0**-10)


def test_report_to_a_file(csv, tmp_path):
    path = csv("score,label\n1,0\n")
    assert run("evaluate", path, "-l", "mse", "--json", "-o", tmp_path / "r.json") == ""
    document = json.loads((tmp_path / "r.json").read_text())
    assert document["losses"][0]["all"]["mean"] == 1.0
    assert run("evaluate", path, "-l", "mse", "-o", tmp_path / "r.txt") == ""
    assert (tmp_path / "r.txt").read_text() == run("evaluate", path, "-l", "mse")


def test_document_is_stable(csv):
    path = csv("score,label,w,g\n1,0,1,a\n")
    document = report(path, "-l", "focal:alpha=null", "-w", "w", "--by", "g")
    numbers = list(expected(np.ones(2)))
    assert list(document) == [
        "schema", "numloss", "prediction", "target", "weight", "by", "rows", "losses",
    ]  # fmt: skip
    assert document["schema"] == 1
    assert document["numloss"] == numloss.__version__
    assert document["weight"] == {"file": str(path), "columns": ["w"]}
    (loss,) = document["losses"]
    assert list(loss) == ["name", "loss", "options", "all", "worst", "groups"]
    assert (loss["loss"], loss["options"]) == ("focal", {"alpha": None})
    assert list(loss["all"]) == numbers
    assert list(loss["groups"][0]) == ["group", *numbers]


def test_losses_are_listed():
    listing = run("losses")
    for name, loss in numloss.LOSSES.items():
        (line,) = [line for line in listing.splitlines() if line.startswith(f"{name} ")]
        assert ":math:" not in line
        assert all(option in line for option in options_of(loss))
        assert line.split()[1] == loss.family
        assert f" {loss.domain} " in line
        assert f" {loss.influence} " in line
    assert "Huber" in run("losses", "huber")
    facts = run("losses", "huber").partition("\nFacts\n")[2].split()
    assert facts == [
        "family", "regression", "target", "real", "link", "identity", "convex", "yes",
        "derivatives", "once", "outliers", "bounded", "estimates", "-",
    ]  # fmt: skip
    assert "Facts" not in run("losses", "accuracy")
    assert "did you mean 'huber'" in run("losses", "hubber", code=2)


def test_version():
    assert run("--version") == f"numloss {numloss.__version__}\n"


def test_help_says_what_is_obvious():
    text = " ".join(run("evaluate", "--help").replace("│", " ").split())
    assert "y_pred" in text
    assert "y_true" in text
    assert "Exit codes: 0 success;" in text


# ----------------------------------------------------------------------------------- exit codes


@pytest.mark.parametrize(
    ("limit", "code"),
    [("mse=2.5", 0), ("mse=2.4", 3), ("huber:delta=1=0.1", 3), ("huber=10", 0), ("huber=0", 3)],
)
def test_fail_above(limit, code, csv):
    path = csv("score,label\n1,0\n3,1\n")
    arguments = ["evaluate", path, "-l", "mse", "-l", "huber:delta=1", "--fail-above", limit]
    if code == 0:
        run(*arguments)
    else:
        assert f"above {limit.rpartition('=')[2]}" in run(*arguments, code=3)


@pytest.mark.parametrize("value", ["nan,0", "inf,0"])
def test_fail_above_what_is_not_below(value, csv):
    path = csv(f"score,label\n{value}\n")
    run("evaluate", path, "-l", "mse", "--fail-above", "mse=1e9", code=3)
    nothing = csv("logit_0,logit_1,label\n1,2,-100\n", "i.csv")
    run("evaluate", nothing, "-l", "cross_entropy", "--fail-above", "cross_entropy=1", code=3)


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ([], "arguments are required: --loss"),
        (["-l", "mse", "--bogus"], "unrecognized arguments: --bogus"),
        (["-l", "mse", "--chunk-rows", "0"], "chunk-rows"),
        (["-l", "mse", "--format", "xls"], "format"),
    ],
)
def test_usage_errors_of_the_parser(arguments, match, csv):
    assert match in run("evaluate", csv("score,label\n1,0\n"), *arguments, code=2)


# One row per message: columns of a CSV file, arguments, exit code, message.
CSV_ERRORS = [
    ("", ["-l", "mse"], 1, "data.csv: not a readable CSV file: Empty CSV file"),
    ("score,label\n", ["-l", "mse"], 1, "data.csv: no rows"),
    ("score,label\n1,0\n\n\"2\",1\n,1\n", ["-l", "mse"], 1,
     "data.csv: row 2 (line 5), column score: missing value"),
    ("score,label\n1,0\nabc,1\n", ["-l", "mse"], 1,
     "data.csv: row 1 (line 3), column score: 'abc' is not a number"),
    ("score,label\n1,spam\n", ["-l", "mse"], 1,
     "data.csv: row 0 (line 2), column label: 'spam' is not a number; --positive VALUE makes "
     "text a target of two classes"),
    ("score,label\n1,spam\n", ["-l", "mse", "--positive", "spm"], 1,
     "data.csv: column label: no row holds the --positive value"),
    ("score,target_0,target_1\n1,1,0\n", ["-l", "mse", "--positive", "1"], 2,
     "--positive needs a target of one column, got target_0, target_1"),
    ("score,label\n1,0\n1,2,3\n", ["-l", "mse"], 1,
     "data.csv: row 1 (line 3): Expected 2 columns, got 3: 1,2,3"),
    ("score,label,g\n1,0,\"a\n\nb\"\n2,5,c\n", ["-l", "binary_cross_entropy", "--by", "g"], 1,
     "data.csv: row 1 (line 5), column label: binary_cross_entropy: target must be in [0, 1], "
     "got 5.0"),
    ("score,label\n1,1\n2,0\n", ["-l", "hinge"], 1,
     "data.csv: row 1 (line 3), column label: hinge: target must be -1 or +1 (or bool), got 0.0: "
     "--positive 1 makes the label 1 the positive class"),
    ("prob,label\n0.5,1\n2,0\n", ["-l", "focal:from_logits=False"], 1,
     "data.csv: row 1 (line 3), column prob: focal: prediction must be in [0, 1], got 2.0: are "
     "these logits? use from_logits=True"),
    ("a_0,a_1,label\n1,2,0\n1,2,0.5\n", ["-l", "cross_entropy", "-p", "a_*"], 1,
     "data.csv: row 1 (line 3), column label: cross_entropy: a label must be a whole number, "
     "got 0.5"),
    ("a_0,a_1,label\n1,2,0\n1,2,nan\n", ["-l", "cross_entropy", "-p", "a_*"], 1,
     "data.csv: row 1 (line 3), column label: cross_entropy: a label must be a whole number, "
     "got nan"),
    ("logits,label\n\"[1,2]\",0\n\"[1,2,3]\",1\n", ["-l", "cross_entropy"], 1,
     "data.csv: row 1 (line 3), column logits: 3 numbers, where the rows before have 2"),
    ("logits,label\n\"[1,2]\",0\n\"[1,2,3]\",1\n", ["-l", "cross_entropy", "--chunk-rows", "1"], 1,
     "data.csv: row 1 (line 3), column logits: 3 numbers, where the rows before have 2"),
    ("logits,label\n\"[1,2]\",0\n\"[1,x]\",1\n", ["-l", "cross_entropy"], 1,
     "data.csv: row 1 (line 3), column logits: 'x' is not a number"),
    ("logits,label\n[],0\n", ["-l", "cross_entropy"], 1,
     "data.csv: row 0 (line 2), column logits: '' is not a number"),
    ("score,label,w\n1,0,1\n1,0,-1\n", ["-l", "mse", "-w", "w"], 1,
     "data.csv: row 1 (line 3), column w: a weight must be a finite number of at least 0, got "
     "-1.0"),
    ("score,label,w\n1,0,nan\n", ["-l", "mse", "-w", "w"], 1,
     "data.csv: row 0 (line 2), column w: a weight must be a finite number of at least 0, got nan"),
    ("score,label,label\n1,0,1\n", ["-l", "mse"], 1, "data.csv: 2 columns are named label"),
    ("a,label\n1,0\n", ["-l", "mse"], 2,
     "data.csv: name the prediction with --prediction; it has a, label"),
    ("score,label\n1,0\n", ["-l", "mse", "-t", "lable"], 2,
     "data.csv has no 'lable' (did you mean 'label'?); it has score, label"),
    ("score,label\n1,0\n", ["-l", "mse", "--by", "lable"], 2,
     "data.csv has no 'lable' for --by (did you mean 'label'?); it has score, label"),
    ("score,label\n1,0\n", ["-l", "mse", "-t", "score"], 2,
     "data.csv: score is both prediction and target: name the target with --target, or its file "
     "with --targets"),
    ("score,label\n1,0\n", ["-l", "mse", "-w", "nope.npy"], 1, "nope.npy: no such file"),
    ("score,label\n1,0\n2,0\n3,0\n", ["-l", "mse", "--by", "score", "--max-groups", "2"], 1,
     "--by finds more than 2 groups: --max-groups allows more"),
    ("score,label\n1,0\n", ["-l", "cross_entropy"], 2,
     "--loss cross_entropy: needs a prediction with one number per class: several columns "
     "(--prediction 'logit_*'), or a column of vectors"),
    ("a_0,a_1,label\n1,2,0\n", ["-l", "mse", "-p", "a_*"], 2,
     "--loss mse: needs as many targets as predictions in a row, got 1 (label) for 2 (a_0,a_1)"),
    ("a_0,a_1,label\n1,2,0\n", ["-l", "cross_entropy:axis=0", "-p", "a_*"], 2,
     "--loss cross_entropy:axis=0: axis=0 is no axis of classes: a row has 1, from axis 1"),
    ("score,label\n1,0\n", ["-l", "huber:delta=-1"], 2,
     "--loss huber:delta=-1: delta must be a positive finite number, got -1"),
    ("a_0,a_1,label\n1,2,0\n", ["-l", "cross_entropy:class_weight=[1]", "-p", "a_*"], 2,
     "--loss cross_entropy:class_weight=[1]: class_weight must have one number for each of the 2 "
     "classes, got shape (1,)"),
    ("score,label\n1,0\n", ["-l", "mze"], 2, "no loss is named 'mze' (did you mean 'mse'?)"),
    ("score,label\n1,0\n", ["-l", "mse", "--fail-above", "mae=1"], 2,
     "--fail-above mae=1: write LOSS=LIMIT with a loss of --loss (did you mean 'mse'?)"),
    ("score,label\n1,0\n", ["-l", "mse", "--fail-above", "mse=x"], 2,
     "--fail-above mse=x: 'x' is not a number"),
    ("score,label\n1,0\n", ["-l", "mse", "--delimiter", ";;"], 2,
     "--delimiter must be one character, got ';;'"),
    ("score,label\n1,0\n", ["-l", "mse", "-o", "/no/such/folder/x"], 1,
     "/no/such/folder/x: cannot be written: No such file or directory"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "arguments", "code", "match"), CSV_ERRORS)
def test_errors_in_csv(text, arguments, code, match, csv, monkeypatch, tmp_path):
    csv(text)
    monkeypatch.chdir(tmp_path)
    assert message("data.csv", *arguments, code=code).startswith(match)


def test_bad_label_far_down_a_file(csv):
    path = csv("a_0,a_1,label\n" + "1,2,0\n" * 123_456 + "1,2,5\n")
    assert message(path, "-l", "cross_entropy", "-p", "a_*", "--chunk-rows", 1000, code=1) == (
        f"{path}: row 123456 (line 123458), column label: cross_entropy: target must hold labels "
        "in [0, 2) or ignore_index=-100, got 5"
    )


def test_invalid_text_encoding(tmp_path):
    path = tmp_path / "latin.csv"
    path.write_bytes(b"score,label,g\n1,0,a\n2,1,\xff\xfe\n")
    assert "row 1 (line 3): " in message(path, "-l", "mse", "--by", "g", code=1)


PARQUET_ERRORS = [
    ({"score": [1.0, None], "label": [0, 1]}, 1, "row 1, column score: missing value"),
    ({"score": [None, None], "label": [0, 1]}, 1, "row 0, column score: missing value"),
    ({"score": ["a", "b"], "label": [0, 1]}, 2, "column score: holds no numbers, but text"),
    ({"score": [{"x": 1}] * 2, "label": [0, 1]}, 2,
     "column score: holds no numbers, but struct<x: int64>"),
    ({"logits": [[1.0, 2.0], [1.0]], "label": [0, 1]}, 1,
     "row 1, column logits: 1 numbers, where the rows before have 2"),
    ({"logits": [[1.0, 2.0], [1.0, None]], "label": [0, 1]}, 1,
     "row 1, column logits: missing value"),
    ({"logits": [[], []], "label": [0, 1]}, 1, "row 0, column logits: "),
    ({"logits": [[1.0, 2.0]] * 2, "label": [0, 2]}, 1,
     "row 1, column label: cross_entropy: target must hold labels in [0, 2)"),
    ({"score": pa.array([], pa.float64()), "label": pa.array([], pa.int64())}, 1, "no rows"),
]  # fmt: skip


@pytest.mark.parametrize(("table", "code", "match"), PARQUET_ERRORS)
def test_errors_in_parquet(table, code, match, tmp_path):
    path = write(tmp_path / "e.parquet", table)
    assert message(path, "-l", "cross_entropy", code=code).startswith(f"{path}: {match}")


def test_group_and_several_vector_columns(tmp_path):
    vectors = [[1.0, 2.0], [2.0, 1.0]]
    path = write(tmp_path / "v.parquet", {"a": vectors, "b": vectors, "y": [0, 1]})
    assert "column a has several numbers in a row: choose it alone" in message(
        path, "-p", "a,b", "-l", "cross_entropy", code=2
    )
    for option in (["--by", "b"], ["-t", "b", "--positive", "1"]):
        assert "column b: has several values in a row, where one is needed" in message(
            path, "-p", "a", "-l", "cross_entropy", *option, code=2
        )


def test_shapes_that_the_loss_refuses(tmp_path):
    vectors = [[0.5, 0.5], [0.25, 0.75]]
    path = write(tmp_path / "v.parquet", {"logits": vectors, "y": [0, 1], "q": vectors})
    assert "weight must be a number or have the shape of the examples, (2,)" in message(
        path, "-l", "cross_entropy", "-w", "q", code=2
    )
    assert "--loss softmax_focal: target must hold integer labels" in message(
        path, "-l", "softmax_focal", "-t", "q", code=2
    )


def test_positive_that_is_no_number(tmp_path):
    path = write(tmp_path / "v.parquet", {"score": [1.0], "y": [0]})
    assert "column y: holds numbers, so --positive 'a' is none of them" in message(
        path, "-l", "hinge", "--positive", "a", code=2
    )


# ------------------------------------------------------------------------------- damaged files


def test_files_that_are_not_there(tmp_path):
    assert message(tmp_path / "x.npy", "-l", "mse", code=1).endswith("x.npy: no such file")
    (tmp_path / "d.csv").mkdir()
    assert "is a directory" in message(tmp_path / "d.csv", "-l", "mse", code=1)
    (tmp_path / "a.xls").write_text("")
    assert "the name does not tell the format" in message(tmp_path / "a.xls", "-l", "mse", code=2)


@pytest.mark.parametrize("name", ["p.npy", "p.npz", "p.csv", "p.parquet"])
def test_file_that_may_not_be_read(name, tmp_path):
    path = tmp_path / name
    path.touch(mode=0)
    # Root may read everything, so the process becomes somebody else once all is imported.
    code = (
        "import os, sys; from contextlib import *; from numloss import cli\n"
        "with redirect_stderr(None): cli.run(sys.argv[1:])\n"
        "if os.geteuid() == 0: os.seteuid(65534)\n"
        "sys.exit(cli.main(sys.argv[1:]))"
    )
    result = python(code, "evaluate", path, "-l", "mse")
    assert result.returncode == 1
    assert result.stderr == f"numloss evaluate: error: {path}: cannot be read: Permission denied\n"


def test_name_that_is_too_long():
    assert "cannot be read: File name too long" in message("x" * 300 + ".csv", "-l", "mse", code=1)


@pytest.mark.parametrize(
    ("array", "code", "match"),
    [
        (np.array([{}, 1], dtype=object), 1, "it holds Python objects, which are not read"),
        (np.array(["a", "b"]), 2, "holds no numbers, but text"),
        (np.array([1j, 2j]), 2, "holds no numbers, but complex128"),
        (np.float64(3), 1, "it holds a single number, not an array"),
        (np.zeros(0), 1, "no rows"),
    ],
)
def test_arrays_that_cannot_be_read(array, code, match, tmp_path):
    np.save(tmp_path / "p.npy", array)
    np.save(tmp_path / "t.npy", np.zeros(len(array) if array.ndim else 1))
    arguments = [tmp_path / "p.npy", "--targets", tmp_path / "t.npy", "-l", "mse"]
    assert message(*arguments, code=code).endswith(match)


def test_array_with_names_beyond_latin(tmp_path):
    array = np.zeros(3, dtype=[("預測", float), ("目標", float)])
    with pytest.warns(UserWarning, match="format 3.0"):
        np.save(tmp_path / "p.npy", array)
    assert report(tmp_path / "p.npy", "-p", "預測", "-t", "目標", "-l", "mse")["rows"] == 3


@pytest.mark.parametrize("damage", ["cut", "head", "junk", "empty"])
def test_damaged_npy(damage, tmp_path):
    path = tmp_path / "p.npy"
    np.save(path, np.zeros(1000))
    np.save(tmp_path / "t.npy", np.zeros(1000))
    data = path.read_bytes()
    path.write_bytes(
        {"cut": data[:4128], "head": data[:20], "junk": b"junk" * 9, "empty": b""}[damage]
    )
    text = message(path, "--targets", tmp_path / "t.npy", "-l", "mse", code=1)
    wanted = "it is cut short: 500 of 1000 rows are there"
    assert text.startswith(f"{path}: {wanted if damage == 'cut' else 'not a readable .npy file'}")


@pytest.mark.parametrize("damage", ["cut", "flip", "short member"])
def test_damaged_npz(damage, tmp_path):
    import zipfile

    path = tmp_path / "a.npz"
    values = np.random.default_rng(0).normal(size=1000)
    np.savez_compressed(path, prediction=values, target=values)
    data = bytearray(path.read_bytes())
    if damage == "cut":
        path.write_bytes(data[:2000])
    elif damage == "flip":
        data[2000] ^= 0xFF
        path.write_bytes(data)
    else:
        np.save(tmp_path / "p.npy", values)
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("prediction.npy", (tmp_path / "p.npy").read_bytes()[:-80])
            archive.writestr("target.npy", (tmp_path / "p.npy").read_bytes())
    text = message(path, "-l", "mse", code=1)
    wanted = {
        "cut": f"{path}: not a readable .npz file",
        "flip": f"{path}: array prediction: not readable",
        "short member": f"{path}: array prediction: not readable: it is cut short: "
        "990 of 1000 rows are there",
    }
    assert text.startswith(wanted[damage])


@pytest.mark.parametrize("damage", ["cut", "flip", "junk", "empty"])
def test_damaged_parquet(damage, tmp_path):
    path = tmp_path / "a.parquet"
    values = np.random.default_rng(0).normal(size=10_000)
    table = pa.table({"score": values, "label": values})
    pyarrow.parquet.write_table(table, path, write_page_checksum=True)
    data = bytearray(path.read_bytes())
    data[5000] ^= 0xFF
    data = {"cut": data[:9000], "flip": data, "junk": b"junk" * 9, "empty": b""}[damage]
    path.write_bytes(data)
    text = message(path, "-l", "mse", code=1)
    assert text.startswith(f"{path}: not a readable Parquet file: ")


def test_damaged_gzip(csv, tmp_path):
    text = "score,label\n" + "".join(f"{i},{i}\n" for i in range(100_000))
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress(text.encode())[:-5000])
    assert str(path) in message(path, "-l", "mse", code=1)
    path.write_bytes(b"not compressed")
    assert "not a readable CSV file" in message(path, "-l", "mse", code=1)


def test_unequal_numbers_of_rows(tmp_path, csv):
    np.save(tmp_path / "p.npy", np.zeros(1000))
    np.save(tmp_path / "t.npy", np.zeros(999))
    for rows in (10, 5000):
        arguments = [tmp_path / "p.npy", "--targets", tmp_path / "t.npy", "--chunk-rows", rows]
        assert message(*arguments, "-l", "mse", code=1) == (
            f"the files have unequal numbers of rows: {tmp_path / 'p.npy'} has 1000, "
            f"{tmp_path / 't.npy'} has 999"
        )
    np.savez(tmp_path / "a.npz", prediction=np.zeros(5), target=np.zeros(4))
    assert message(tmp_path / "a.npz", "-l", "mse", code=1).endswith(
        "a.npz: array prediction has 5 rows, array target has 4"
    )
    targets = csv("label\n" + "1\n" * 1001)
    assert "data.csv has 1001" in message(
        tmp_path / "p.npy", "--targets", targets, "-l", "mse", code=1
    )


def test_target_of_an_array_must_be_named(tmp_path):
    np.save(tmp_path / "p.npy", np.zeros(3))
    assert "its only array is both prediction and target" in message(
        tmp_path / "p.npy", "-l", "mse", code=2
    )


def test_weight_file_must_hold_one_array(tmp_path, csv):
    np.savez(tmp_path / "w.npz", a=np.ones(1), b=np.ones(1))
    path = csv("score,label\n1,0\n")
    assert "w.npz must hold one array; it has a, b" in message(
        path, "-l", "mse", "-w", tmp_path / "w.npz", code=2
    )
    np.savez(tmp_path / "w.npz", a=np.full(1, 2.0))
    assert report(path, "-l", "mse", "-w", tmp_path / "w.npz")["losses"][0]["all"]["weight"] == 2


# ---------------------------------------------------------------------------------- as a process


def test_process(csv):
    path = csv("score,label\n1,0\n3,1\n")
    result = spawn("evaluate", path, "-l", "mse")
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.splitlines()[-1].split()[:3] == ["2", "2.5", "5"]
    assert "\x1b" not in result.stdout
    assert spawn("evaluate", path, "-l", "mze").returncode == 2
    assert spawn("evaluate", path.parent / "no.csv", "-l", "mse").returncode == 1
    assert spawn("evaluate", path, "-l", "mse", "--fail-above", "mse=1").returncode == 3


def test_missing_extra_is_told(csv):
    code = "import sys; sys.modules['pyarrow'] = None; from numloss.__main__ import main; main()"
    result = python(code, "evaluate", csv("score,label\n1,0\n"), "-l", "mse")
    assert result.returncode == 2
    assert result.stderr == (
        "numloss evaluate needs pyarrow, which is missing: pip install numloss[cli]\n"
    )
    assert python(code, "losses", "mse").returncode == 0


def test_other_import_errors_are_not_hidden():
    code = "import sys; sys.modules['json'] = None; from numloss.__main__ import main; main()"
    result = python(code, "evaluate", "no.csv", "-l", "mse")
    assert "ModuleNotFoundError: import of json halted" in result.stderr


def test_import_of_the_library_is_lean():
    code = (
        "import sys, numloss; "
        "print([m for m in ('pyarrow', 'argparse', 'numloss.cli', 'numloss.evaluation') "
        "if m in sys.modules])"
    )
    result = python(code)
    assert result.stdout == "[]\n"


def test_closed_pipe_is_no_error(tmp_path):
    names = [f"g{i}" for i in range(9000)]
    path = write(tmp_path / "g.parquet", {"score": [1.0] * 9000, "y": [0.0] * 9000, "g": names})
    command = f"{sys.executable} -m numloss evaluate {path} -l mse --by g | head -1"
    result = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)
    assert result.stderr == ""
    assert "9000 rows" in result.stdout


def test_progress_on_a_terminal(csv):
    path = csv("score,label\n" + "1,0\n" * 1000)
    code = (
        "from numloss.evaluation import progress; progress._SHORT = 0.0; "
        "import sys; "
        f"sys.argv[1:] = ['evaluate', {str(path)!r}, '-l', 'mse', '--chunk-rows', '9']; "
        "from numloss.__main__ import main; main()"
    )
    leader, follower = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "100"}
    result = subprocess.run(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=follower, env=environment,
        text=True, check=False,
    )  # fmt: skip
    os.close(follower)
    shown = os.read(leader, 100_000).decode()
    os.close(leader)
    assert result.returncode == 0, shown
    assert "evaluating" in shown
    assert "100%" in shown
    assert "\x1b" not in result.stdout


# --------------------------------------------------------------------------------------- memory


def peak_memory(*arguments):
    """Run the command; return its largest resident size in MiB."""
    code = (
        "import sys; from numloss import cli\n"
        "try: sys.exit(cli.main(sys.argv[1:]))\n"
        # Unlike getrusage, this leaves out the process that started this one.
        "finally: print(*(line for line in open('/proc/self/status') if 'VmHWM' in line), "
        "file=sys.stderr)"
    )
    result = python(code, "evaluate", *arguments)
    assert result.returncode == 0, result.stderr
    return int(result.stderr.split()[-2]) / 1024


@pytest.mark.plain_build
@pytest.mark.parametrize("kind", ["npy", "npz", "parquet"])
def test_memory_does_not_grow_with_the_file(kind, tmp_path: Path):
    rows = {"small": 1000, "large": 20_000_000}
    peaks = {}
    for size, count in rows.items():
        score = np.resize(np.random.default_rng(0).normal(size=100_003), count)
        label = np.zeros(count, np.float64)
        path = tmp_path / f"{size}.{kind}"
        targets = []
        if kind == "npy":
            np.save(path, score)
            np.save(tmp_path / f"{size}_t.npy", label)
            targets = ["--targets", tmp_path / f"{size}_t.npy"]
        elif kind == "npz":
            np.savez(path, score=score, label=label)
        else:
            table = pa.table({"score": score, "label": label})
            options = {"use_dictionary": False, "compression": None}
            pyarrow.parquet.write_table(table, path, row_group_size=count, **options)
        peaks[size] = peak_memory(path, *targets, "-l", "mse")
        path.unlink()
    # The large inputs are 305 MiB; the statistics keep up to 15 MiB of losses.
    assert peaks["large"] - peaks["small"] < 100


def test_header_that_is_not_utf8(tmp_path):
    file = tmp_path / "latin.csv"
    file.write_bytes(b"score,label,na\xefve\n0.5,1,2\n")
    text = message(file, "--loss", "mse", code=1)
    assert text.startswith(f"{file}: the header is not UTF-8 text")


def test_given_format_wins_over_the_name(tmp_path):
    file = tmp_path / "table.csv"
    table = pyarrow.table({"prediction": [1.0, 2.0], "target": [1.0, 4.0]})
    pyarrow.parquet.write_table(table, file)
    found = report(file, "--format", "parquet", "--loss", "mse")
    assert found["losses"][0]["all"]["mean"] == 2.0


# ------------------------------------------------------------- intervals, perplexity, baselines


def test_intervals_of_means(csv):
    path = csv("score,label,g\n" + "".join(f"{i % 7},{i % 2},{i % 3}\n" for i in range(900)))
    document = report(path, "-l", "mae", "--by", "g", "--confidence", 0.9)
    assert document["confidence"] == 0.9
    (loss,) = document["losses"]
    for found in (loss["all"], *loss["groups"]):
        half = stats.t.ppf(0.95, found["count"] - 1) * found["standard_error"]
        assert found["interval_low"] == pytest.approx(found["mean"] - half, rel=1e-9)
        assert found["interval_high"] == pytest.approx(found["mean"] + half, rel=1e-9)
    assert "90% from" in run("evaluate", path, "-l", "mae", "--confidence", 0.9)
    assert "interval_low" not in report(path, "-l", "mae")["losses"][0]["all"]
    result = numloss.evaluate(path, "mae", confidence=0.9)
    assert result["mae"].total.confidence_interval(0.9) == (
        loss["all"]["interval_low"], loss["all"]["interval_high"],
    )  # fmt: skip
    alone = json.loads(run("evaluate", csv("score,label\n1,0\n", "1.csv"), "-l", "mae",
                           "--confidence", 0.9, "--json"))  # fmt: skip
    assert alone["losses"][0]["all"]["interval_low"] is None
    for wrong in ("0", "1", "95", "x"):
        assert "--confidence" in spawn("evaluate", path, "-l", "mae", "--confidence", wrong).stderr


def test_perplexity(csv):
    path = csv("logit_0,logit_1,label\n1,2,0\n0.5,-1,1\n3,0,0\n")
    (plain, smooth, hinge) = report(
        path, "-l", "cross_entropy", "-l", "cross_entropy:label_smoothing=0.1", "-l",
        "multiclass_hinge",
    )["losses"]  # fmt: skip
    mean = plain["all"]["mean"]
    assert plain["perplexity"] == pytest.approx(np.exp(mean), rel=1e-15)
    assert plain["bits"] == pytest.approx(mean / np.log(2), rel=1e-15)
    assert "perplexity" not in smooth
    assert "perplexity" not in hinge
    text = run("evaluate", path, "-l", "cross_entropy")
    assert f"cross_entropy: perplexity {np.exp(mean):.6g}, {mean / np.log(2):.6g} bits" in text


def test_worse_than_a_baseline(csv, tmp_path):
    rng = np.random.default_rng(4)
    state = tmp_path / "base.nls"

    def rows(error, n=4000):
        return csv("score,label\n" + "".join(f"{x},0\n" for x in rng.normal(0, error, n)))

    run("evaluate", rows(1.0), "-l", "mae", "-l", "mse", "--state", state)
    before = json.loads(run("show", state, "--json"))["losses"]
    path = rows(1.0)
    run("evaluate", path, "-l", "mae", "-l", "mse", "--fail-worse-than", state)
    path = rows(1.1)
    told = run("evaluate", path, "-l", "mae", "--fail-worse-than", state, code=3)
    after = report(path, "-l", "mae")["losses"][0]["all"]
    difference = after["mean"] - before[0]["all"]["mean"]
    noise = np.hypot(after["standard_error"], before[0]["all"]["standard_error"])
    least = difference - stats.t.ppf(0.95, 3999) * noise
    assert f"by {difference:.6g}, and by {least:.6g} at least" in told
    for margin, code in ((least * 0.99, 3), (least * 1.01, 0)):
        run("evaluate", path, "-l", "mae", "--fail-worse-than", state, "--margin", margin,
            code=code)  # fmt: skip
    # A difference that noise explains is none.
    run("evaluate", rows(1.1, 40), "-l", "mae", "--fail-worse-than", state)
    nan = csv("score,label\nnan,0\n1,0\n")
    told = run("evaluate", nan, "-l", "mae", "--fail-worse-than", state, code=3)
    assert "nobody knows which is worse" in told
    infinite = csv("score,label\ninf,0\n1,0\n")
    told = run("evaluate", infinite, "-l", "mae", "--fail-worse-than", state, code=3)
    assert "is inf, that of the baseline" in told
    assert "the baseline has no huber; it has mae, mse" in message(
        path, "-l", "huber", "--fail-worse-than", state, code=2
    )
    assert "belongs to --fail-worse-than" in message(path, "-l", "mae", "--margin", 1, code=2)
    assert "not a state" in message(path, "-l", "mae", "--fail-worse-than", path, code=1)
    merged = run("merge", state, "--fail-worse-than", state)
    assert merged.startswith(str(state))


def test_a_gate_says_where_noise_is_unknown(csv, tmp_path):
    state = tmp_path / "one.nls"
    one, worse = csv("score,label\n1,0\n", "one.csv"), csv("score,label\n2,0\n", "two.csv")
    run("evaluate", one, "-l", "mae", "--state", state)
    run("evaluate", one, "-l", "mae", "--fail-worse-than", state)
    told = run("evaluate", worse, "-l", "mae", "--fail-worse-than", state, code=3)
    assert "no standard error" in told
    run("evaluate", worse, "-l", "mae", "--fail-worse-than", state, "--margin", 1)
    told = message(one, "-l", "mae", "--fail-worse-than", state, "--confidence", 0.3, code=2)
    assert "--confidence 0.3: --fail-worse-than needs at least 0.5" in told
