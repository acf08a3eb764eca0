"""Evaluation on a real Spark of this machine: the bytes of the state are those of one process."""

import os
import sys

import numpy as np
import pyarrow as pa
import pytest
from pyspark.ml.linalg import Vectors
from pyspark.sql import SparkSession, functions
from test_clusters import make_parts, recipe

import numloss
from numloss.evaluation import spark as on_spark
from numloss.evaluation.errors import DataError, UsageError

# Spark warns of pandas and of its own parts.
pytestmark = [
    pytest.mark.filterwarnings("ignore:::pyspark"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]

#: Rows of each partition; one has none.
SIZES = (700, 0, 1300, 500)
LOSSES = ["binary_cross_entropy", "focal:gamma=1"]


@pytest.fixture(scope="module")
def session():
    """Start Spark with two cores; a task may fail twice."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYSPARK_PYTHON", sys.executable)
        made = (
            SparkSession.builder.master("local[2,3]")
            .config("spark.ui.enabled", "false")
            .config("spark.sql.shuffle.partitions", "2")
            .config("spark.sql.execution.arrow.maxRecordsPerBatch", "200")
            .config("spark.driver.bindAddress", "127.0.0.1")
            .config("spark.driver.host", "127.0.0.1")
            .getOrCreate()
        )
        yield made
        made.stop()


@pytest.fixture(scope="module")
def partitions():
    """Draw the rows of each partition."""
    rng = np.random.default_rng(0)
    return [
        {
            "score": rng.normal(size=rows), "label": rng.integers(0, 2, rows),
            "weight": rng.exponential(size=rows), "country": rng.choice(["de", "fr"], rows),
            "logits": rng.normal(size=(rows, 4)), "class": rng.integers(0, 4, rows),
        }
        for rows in SIZES
    ]  # fmt: skip


def frame_of(session, partitions, columns, kinds):
    """Make a frame with these partitions."""
    rows = [list(zip(*(one[name].tolist() for name in columns), strict=True)) for one in partitions]
    parallel = session.sparkContext.parallelize(range(len(rows)), len(rows))
    return session.createDataFrame(parallel.flatMap(lambda number: rows[number]), kinds)


@pytest.fixture(scope="module")
def frame(session, partitions):
    """Make a frame of numbers and text."""
    return frame_of(
        session, partitions, ["score", "label", "weight", "country"],
        "score double, label long, weight double, country string",
    )  # fmt: skip


def in_one_process(partitions, losses, prediction, target, weight=None, group=None, by=None):
    """Return the bytes of an evaluation of all rows."""
    wanted = numloss.Evaluation(losses, by=by)
    for number, one in enumerate(partitions):
        if len(one[target]):
            wanted.update(
                one[prediction], one[target], weight=None if weight is None else one[weight],
                groups=None if group is None else one[group], source=f"partition-{number:05d}",
            )  # fmt: skip
    return wanted.to_bytes()


@pytest.mark.parametrize("branches", [None, 1, 3])
def test_columns(frame, partitions, branches):
    found = on_spark.evaluate(frame, LOSSES, weight="weight", by="country", branches=branches)
    wanted = in_one_process(partitions, LOSSES, "score", "label", "weight", "country", "country")
    assert found.to_bytes() == wanted
    assert found.rows == sum(SIZES)


def test_all_that_is_kept(frame, partitions):
    options = {"calibration": True, "auc": True, "cluster": "country", "resample": True}
    found = on_spark.evaluate(
        frame, "binary_cross_entropy", prediction="score", compare="weight", **options
    )
    wanted = numloss.Evaluation("binary_cross_entropy", compare=("score", "weight"), **options)
    for number, one in enumerate(partitions):
        if len(one["label"]):
            wanted.update(
                one["score"], one["label"], other=one["weight"], clusters=one["country"],
                source=f"partition-{number:05d}",
            )  # fmt: skip
    assert found.to_bytes() == wanted.to_bytes()


@pytest.mark.parametrize("kind", ["array", "dense", "sparse"])
def test_vectors(session, partitions, kind):
    """Arrays, and the vectors of Spark's machine learning; sparse ones are filled up."""
    rows = [dict(one) for one in partitions]
    if kind == "sparse":
        for one in rows:
            one["logits"] = np.where(one["logits"] > 0, one["logits"], 0.0)
    plain = frame_of(session, rows, ["logits", "class"], "logits array<double>, class long")
    made = plain
    if kind != "array":

        def sparse(values):
            return Vectors.sparse(len(values), {i: x for i, x in enumerate(values) if x})

        vector = Vectors.dense if kind == "dense" else sparse
        made = plain.rdd.map(lambda row: (vector(row[0]), row[1])).toDF(["logits", "class"])
    found = on_spark.evaluate(made, "cross_entropy", target="class")
    assert found.to_bytes() == in_one_process(rows, "cross_entropy", "logits", "class")


def test_a_task_fails_once(frame, partitions, tmp_path):
    """Its second attempt counts, and nothing of the first one."""
    marker = str(tmp_path / "marker")

    def fails_once(batches):
        from pyspark import TaskContext

        for number, batch in enumerate(batches):
            if TaskContext.get().partitionId() == 2 and number == 3:
                try:
                    os.close(os.open(marker, os.O_CREAT | os.O_EXCL))
                except FileExistsError:
                    pass
                else:
                    raise RuntimeError("the first attempt")
            yield batch

    shaky = frame.mapInArrow(fails_once, frame.schema)
    found = on_spark.evaluate(shaky, LOSSES)
    assert os.path.exists(marker)  # noqa: PTH110
    assert found.to_bytes() == in_one_process(partitions, LOSSES, "score", "label")


def test_an_executor_process_is_killed(frame, partitions, tmp_path):
    """The state that a killed process had gathered goes with it."""
    marker = str(tmp_path / "marker")

    def dies_once(batches):
        import signal

        for number, batch in enumerate(batches):
            if number == 2 and not os.path.exists(marker):  # noqa: PTH110
                os.close(os.open(marker, os.O_CREAT))
                os.kill(os.getpid(), signal.SIGKILL)
            yield batch

    found = on_spark.evaluate(frame.mapInArrow(dies_once, frame.schema), LOSSES, by="country")
    assert os.path.exists(marker)  # noqa: PTH110
    wanted = in_one_process(partitions, LOSSES, "score", "label", group="country", by="country")
    assert found.to_bytes() == wanted


def test_a_fault_is_told_once(frame):
    """The first by rows, in one line, without the traces of Spark; no task is tried again."""
    tries = frame.sparkSession.sparkContext.accumulator(0)

    def counted(batches):
        tries.add(1)
        yield from batches

    row = functions.monotonically_increasing_id()
    place = functions.when(row == (2 << 33) + 250, 7).when(row == (3 << 33) + 1, 8)
    bad = frame.withColumn("label", functions.coalesce(place, functions.col("label")))
    bad = bad.mapInArrow(counted, bad.schema)
    with pytest.raises(DataError) as told:
        on_spark.evaluate(bad, LOSSES)
    assert str(told.value).startswith("partition-00002: row 250, column label: ")
    assert told.value.row == 250
    assert tries.value <= len(SIZES)
    skipped = on_spark.evaluate(bad, LOSSES, on_error="skip").result()
    assert (skipped.skipped, skipped.rows) == (2, sum(SIZES) - 2)


def test_what_is_refused_before_spark_begins(frame):
    with pytest.raises(UsageError, match="the data frame has no 'nothing'"):
        on_spark.evaluate(frame, LOSSES, prediction="nothing")
    with pytest.raises(ValueError, match="no loss is named 'nothing'"):
        on_spark.evaluate(frame, "nothing")
    with pytest.raises(ValueError, match="branches must be at least 1, got 0"):
        on_spark.evaluate(frame, LOSSES, branches=0)


def test_partitions_of_unlike_rows(session):
    widths = [3, 3, 2]
    parallel = session.sparkContext.parallelize(range(3), 3)
    made = session.createDataFrame(
        parallel.map(lambda number: ([0.0] * widths[number], 1)), "logits array<double>, label long"
    )
    with pytest.raises(DataError, match=r"^partition-00002: prediction: 2 .*partition-00000"):
        on_spark.evaluate(made, "cross_entropy")
    with pytest.raises(DataError, match="the data frame: no rows"):
        on_spark.evaluate(made.limit(0), "cross_entropy")


def test_names_with_dots_and_predictions_that_could_be_probabilities(session):
    made = session.range(0, 100, 1, 2).select(
        (functions.col("id") / 100).alias("a.score"), (functions.col("id") % 2).alias("la`bel")
    )
    with pytest.warns(RuntimeWarning, match="all 100 rows of a.score could be probabilities"):
        found = on_spark.evaluate(
            made, "binary_cross_entropy", prediction="a.score", target="la`bel"
        )
    assert found.rows == 100


def test_arguments_are_those_of_one_process(frame):
    first = on_spark.evaluate(
        frame, "mse", prediction=["score"], target=["label"], by=["country"], positive=1
    )
    second = on_spark.evaluate(
        frame, "mse", prediction="score", target="label", by="country", positive="1"
    )
    assert first.to_bytes() == second.to_bytes()
    for wrong in ({"scale": "logit"}, {"threads": 0}, {"on_error": "stop"}):
        with pytest.raises(ValueError, match="must be"):
            on_spark.evaluate(frame, "mse", **wrong)


def test_threads_are_those_that_were_asked_for(monkeypatch):
    """The task sets them, whatever the environment of the executor says."""
    seen = []
    plain = numloss.threads
    monkeypatch.setattr(numloss, "threads", lambda count: seen.append(count) or plain(count))
    batch = pa.record_batch({"score": [1.0], "label": [0.0]})
    job = on_spark.Job.of(on_spark.Request([]), "mse", on_spark.Kept(), 2, "fail")
    part = job.part(0, [on_spark.Flow("partition-00000", batch.schema, [batch])])
    assert part.evaluation().rows == 1
    assert seen[0] == 2


def test_recipe(session, tmp_path, monkeypatch, capsys):
    """The recipe of docs/clusters.md."""
    rows = make_parts(tmp_path)
    found = {"session": session}
    code = recipe("Spark", "python").replace('"parts"', repr(str(tmp_path / "parts")))
    exec(code, found)
    result = found["evaluation"].result()
    wanted = numloss.Evaluation(["mse", "mae"], by="country")
    wanted.update(
        rows["score"].to_numpy(), rows["label"].to_numpy(), source="any",
        groups=rows["country"].to_numpy(zero_copy_only=False),
    )  # fmt: skip
    assert str(result) == str(wanted.result())
    assert capsys.readouterr().out == f"{result}\n"
