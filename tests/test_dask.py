"""Evaluation on a real cluster of Dask's: the bytes of the state are those of one process."""

import doctest
import json
import os
import pickle
import re
import signal
import subprocess
import sys
import threading
from itertools import pairwise
from pathlib import Path

import dask
import dask.array as da
import dask.dataframe as dd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from distributed import Client, LocalCluster, WorkerPlugin
from pyarrow.fs import LocalFileSystem, SubTreeFileSystem
from test_cli import python, run, spawn
from test_clusters import make_parts, recipe

import numloss
from numloss.evaluation import dask as on_dask
from numloss.evaluation.errors import DataError, EvaluationError, UsageError
from numloss.evaluation.files import flow
from numloss.evaluation.files.storage import StoredFile
from numloss.evaluation.specs import specs_of

# Their own warnings are theirs.
pytestmark = [
    pytest.mark.filterwarnings("default:::distributed"),
    pytest.mark.filterwarnings("default:::dask"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]

ROWS = 6000
LOSSES = ["binary_cross_entropy", "focal:gamma=1"]


@pytest.fixture(scope="module")
def client():
    """Run two workers, each a process of its own with a nanny that replaces it."""
    with (
        dask.config.set({"distributed.comm.timeouts.connect": "20s"}),
        LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0"
        ) as cluster,
        Client(cluster) as made,
    ):
        yield made


@pytest.fixture
def rows():
    """Draw rows: numbers, labels, weights and groups."""
    rng = np.random.default_rng(0)
    return pa.table(
        {
            "score": rng.normal(size=ROWS).astype("f4"), "label": rng.integers(0, 2, ROWS),
            "weight": rng.exponential(size=ROWS), "country": rng.choice(["de", "fr", "it"], ROWS),
        }
    )  # fmt: skip


@pytest.fixture
def folder(rows, tmp_path, monkeypatch):
    """Write files of unequal lengths, one of them without rows, of several row groups each."""
    monkeypatch.setattr(on_dask, "_TASK_NUMBERS", 500)
    ends = [0, 1700, 1700, 4100, ROWS]
    for index, (begin, end) in enumerate(pairwise(ends)):
        part = rows.slice(begin, end - begin)
        pq.write_table(part, tmp_path / f"part-{index}.parquet", row_group_size=300)
    return tmp_path


def in_one_process(*files, **options):
    """Return the bytes that the command writes as the state."""
    state = Path(files[0]).parent / "one.state" if not options.get("state") else options["state"]
    arguments = [str(file) for file in files]
    for loss in LOSSES:
        arguments += ["--loss", loss]
    for name in ("weight", "by", "limit", "on-error", "positive", "targets", "target"):
        if options.get(name) is not None:
            arguments += [f"--{name}", str(options[name])]
    for name in ("cluster", "compare", "id"):
        arguments += [f"--{name}", options[name]] if name in options else []
    for name in ("resample", "calibration", "auc"):
        arguments += [f"--{name}"] if options.get(name) else []
    if "compare" in options:
        arguments += ["--prediction", "score"]
    run("evaluate", *arguments, "--state", str(state), "--threads", "1")
    return state.read_bytes()


# -------------------------------------------------------------------------------------------- files


@pytest.mark.parametrize(
    "options",
    [
        {}, {"weight": "weight", "by": "country"}, {"limit": 3333}, {"limit": 300},
        {"cluster": "country", "calibration": True, "auc": True, "compare": "weight"},
        {"by": "country", "resample": True, "calibration": True},
    ],
)  # fmt: skip
def test_files(client, folder, options):
    named = {"prediction": "score"} if "compare" in options else {}
    found = on_dask.evaluate_files(folder / "part-*.parquet", LOSSES, **options, **named)
    wanted = in_one_process(folder / "part-*.parquet", **options)
    assert found.to_bytes() == wanted
    assert len(on_dask._cuts(on_dask.Dataset(on_dask.Request([str(folder)])))) == 11


@pytest.mark.parametrize("endings", [("parquet", "parquet"), ("csv", "parquet")])
def test_rows_of_another_file_are_matched_by_an_id(client, rows, tmp_path, endings):
    order = np.random.default_rng(1).permutation(ROWS)
    first = rows.append_column("id", pa.array(order))
    scores = pa.array(np.random.default_rng(2).normal(size=ROWS))
    other = first.select(["id", "label"]).append_column("score", scores)
    other = other.append_column("told", pa.array([f"of {i}" for i in order]))
    one, two = (tmp_path / f"{name}.{end}" for name, end in zip("ab", endings, strict=True))
    for table, path in ((first, one), (other, two)):
        (pa.csv.write_csv if path.suffix == ".csv" else pq.write_table)(table, path)
    options = {"compare": str(two), "id": "id"}
    wanted = in_one_process(one, **options)
    pq.write_table(other.take(pa.array(order)), two, row_group_size=700)
    assert in_one_process(one, **options) == wanted
    found = on_dask.evaluate_files(one, LOSSES, prediction="score", **options)
    assert found.to_bytes() == wanted
    state = tmp_path / "scheduler.state"
    arguments = [part for loss in LOSSES for part in ("-l", loss)]
    text = run("evaluate", one, *arguments, "-p", "score", "--compare", two, "--id", "id",
               "--state", state, "--scheduler", address(client), "--worst", 3, "--worst-columns",
               "id,told", "--json")  # fmt: skip
    assert state.read_bytes() == wanted
    for worst in json.loads(text)["losses"][0]["worst"][:3]:
        assert worst["columns"]["told"] == f"of {worst['columns']['id']}"
    pq.write_table(other.slice(1), two)
    with pytest.raises(DataError) as told:
        numloss.evaluate(one, LOSSES, prediction="score", **options)
    assert f"row 0{' (line 2)' if endings[0] == 'csv' else ''}, column id: " in str(told.value)
    with pytest.raises(DataError) as failed:
        on_dask.evaluate_files(one, LOSSES, prediction="score", **options)
    assert str(failed.value) == str(told.value)


def test_arguments_are_those_of_one_process(client, rows, folder):
    wanted = in_one_process(folder / "part-*.parquet", by="country", positive="1")
    options = {"prediction": ["score"], "target": ["label"], "by": ["country"], "positive": 1}
    files = sorted(folder.glob("part-*.parquet"))
    assert on_dask.evaluate_files(files, LOSSES, **options).to_bytes() == wanted
    frame = dd.from_pandas(rows.to_pandas(), npartitions=2)
    first = on_dask.evaluate_frame(frame, "mse", **options)
    second = on_dask.evaluate_frame(
        frame, "mse", prediction="score", target="label", by="country", positive="1"
    )
    assert first.to_bytes() == second.to_bytes()
    for wrong in ({"scale": "logit"}, {"threads": 0}, {"on_error": "stop"}):
        with pytest.raises(ValueError, match="must be"):
            on_dask.evaluate_files(files, LOSSES, **wrong)
        with pytest.raises(ValueError, match="must be"):
            on_dask.evaluate_frame(frame, LOSSES, **wrong)
    with pytest.raises(ValueError, match="one at least"):
        on_dask.evaluate_files([], LOSSES)


@pytest.mark.parametrize("ending", ["csv", "arrow", "jsonl", "npy"])
def test_formats(client, rows, tmp_path, ending):
    """A file that cannot be cut is a task as a whole."""
    options = {}
    for index in range(3):
        some = rows.slice(index * 2000, 2000)
        path = tmp_path / f"part-{index}.{ending}"
        if ending == "csv":
            pa.csv.write_csv(some, path)
        elif ending == "arrow":
            with pa.ipc.new_file(path, some.schema) as writer:
                writer.write_table(some)
        elif ending == "jsonl":
            path.write_text("".join(f"{row}\n".replace("'", '"') for row in some.to_pylist()))
        else:
            path = tmp_path / "part-0.npy"
            np.save(path, rows["score"].to_numpy())
            np.save(tmp_path / "labels.npy", rows["label"].to_numpy())
            options = {"targets": tmp_path / "labels.npy"}
    pattern = tmp_path / f"part-*.{ending}"
    found = on_dask.evaluate_files(pattern, LOSSES, **options)
    assert found.rows == ROWS
    assert found.to_bytes() == in_one_process(pattern, **options)


def test_names_relative_to_the_folder_of_the_client(client, rows, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.save("scores.npy", rows["score"].to_numpy())
    np.save("labels.npy", rows["label"].to_numpy())
    np.save("groups.npy", rows["label"].to_numpy())
    options = {"targets": "labels.npy", "by": "groups.npy"}
    found = on_dask.evaluate_files("scores.npy", LOSSES, **options)
    wanted = in_one_process("scores.npy", **options, state=tmp_path / "one.state")
    assert found.to_bytes() == wanted
    assert b'"scores.npy":' in wanted


def test_many_files_are_not_opened_here(client, folder, monkeypatch):
    monkeypatch.setattr(on_dask, "_FILES_TO_CUT", 2)
    cuts = on_dask._cuts(on_dask.Dataset(on_dask.Request([str(folder / "part-*.parquet")])))
    assert [between for _, between in cuts] == [None] * 4
    found = on_dask.evaluate_files(folder / "part-*.parquet", LOSSES)
    assert found.to_bytes() == in_one_process(folder / "part-*.parquet")


def test_delayed(client, folder):
    made = on_dask.evaluate_files(folder / "part-*.parquet", LOSSES, compute=False)
    assert isinstance(made, on_dask.Delayed)
    wanted = in_one_process(folder / "part-*.parquet")
    assert made.compute().to_bytes() == wanted
    assert dask.compute(made, scheduler="threads")[0].to_bytes() == wanted


def test_threads_are_those_that_were_asked_for(client, folder, monkeypatch):
    seen = []
    monkeypatch.setattr(numloss, "threads", _recording(numloss.threads, seen))
    with dask.config.set(scheduler="synchronous"), numloss.threads(7):
        on_dask.evaluate_files(folder / "part-0.parquet", LOSSES, threads=3)
    assert set(seen) == {7, 3, 1}


def _recording(call, seen):
    def recorded(count):
        seen.append(count)
        return call(count)

    return recorded


# ------------------------------------------------------------------------------------ what is wrong


def test_a_fault_is_told_as_one_process_tells_it(client, rows, folder):
    """Of two faults the one in the earlier row, whichever worker is first."""
    labels = rows["label"].to_numpy().copy()
    labels[[2000, 5000]] = 7
    bad = rows.set_column(1, "label", pa.array(labels))
    pq.write_table(bad.slice(1700, 2400), folder / "part-2.parquet", row_group_size=300)
    pq.write_table(bad.slice(4100), folder / "part-3.parquet", row_group_size=300)
    pattern = folder / "part-*.parquet"
    with pytest.raises(DataError) as told:
        numloss.evaluate(pattern, LOSSES, threads=1)
    assert f"{folder}/part-2.parquet: row 300, column label" in str(told.value)
    for _ in range(3):
        with pytest.raises(DataError) as found:
            on_dask.evaluate_files(pattern, LOSSES)
        assert (str(found.value), found.value.row) == (str(told.value), 300)
    skipped = on_dask.evaluate_files(pattern, LOSSES, on_error="skip")
    result = skipped.result()
    assert (result.skipped, result.rows) == (2, ROWS - 2)
    state = folder / "skipped.state"
    arguments = [part for loss in LOSSES for part in ("-l", loss)]
    run("evaluate", str(pattern), *arguments, "--on-error", "skip", "--state", str(state), code=4)
    assert skipped.to_bytes() == state.read_bytes()


def test_files_of_unlike_schemas(client, rows, folder):
    pq.write_table(rows.drop_columns(["label"]), folder / "part-3.parquet")
    with pytest.raises(UsageError, match=r"part-3.parquet: name the target with target=\.\.\."):
        on_dask.evaluate_files(folder / "part-*.parquet", LOSSES)


def test_rows_of_unlike_widths(client, tmp_path):
    for index, width in enumerate((10, 10, 9)):
        table = pa.table({"logits": [[0.0] * width] * 5, "label": [1] * 5})
        pq.write_table(table, tmp_path / f"part-{index}.parquet")
    with pytest.raises(DataError) as told:
        numloss.evaluate(tmp_path, "cross_entropy", threads=1)
    with pytest.raises(DataError) as found:
        on_dask.evaluate_files(tmp_path, "cross_entropy")
    assert str(found.value) == str(told.value)
    assert "part-2.parquet: row 0, column logits: 9 numbers" in str(found.value)


def test_no_rows_and_no_positive_value(client, rows, tmp_path):
    pq.write_table(rows.slice(0, 0), tmp_path / "empty.parquet")
    with pytest.raises(DataError, match=r"empty.parquet: no rows"):
        on_dask.evaluate_files(tmp_path / "empty.parquet", "mse")
    pq.write_table(rows, tmp_path / "full.parquet")
    for evaluate in (numloss.evaluate, on_dask.evaluate_files):
        with pytest.raises(DataError, match=r"column country: no row holds the positive value"):
            evaluate(tmp_path / "full.parquet", "hinge", target="country", positive="es")


def test_predictions_that_could_be_probabilities(client, tmp_path):
    table = pa.table({"score": np.linspace(0, 1, 100), "label": [0, 1] * 50})
    pq.write_table(table, tmp_path / "scores.parquet")
    with pytest.warns(RuntimeWarning, match="all 100 rows of score could be probabilities"):
        on_dask.evaluate_files(tmp_path / "scores.parquet", "binary_cross_entropy")


@pytest.mark.parametrize("options", [{}, {"id": "id"}])
def test_parts_are_compared_with_parts(client, rows, folder, options):
    """One task reads all of them, up to a limit as well."""
    order = np.random.default_rng(1).permutation(ROWS)
    told = pa.array([f"of {i}" for i in range(ROWS)])
    scores = pa.array(np.random.default_rng(2).normal(size=ROWS))
    other = pa.table({"score": scores, "told": told, "id": np.arange(ROWS)})
    at = 0
    for file in sorted(folder.glob("part-*.parquet")):
        part = pq.read_table(file)
        numbers = pa.array(np.arange(at, at + len(part)))
        pq.write_table(part.append_column("id", numbers), file)
        at += len(part)
    (folder / "new").mkdir()
    shuffled = other.take(pa.array(order)) if options else other
    for index, begin in enumerate((0, 2000, 3500)):
        end = (2000, 3500, ROWS)[index]
        pq.write_table(shuffled.slice(begin, end - begin), folder / "new" / f"{index}.parquet")
    options = {"compare": str(folder / "new"), **options}
    files = folder / "part-*.parquet"
    for limit in (None, 3000):
        wanted = in_one_process(files, limit=limit, **options)
        found = on_dask.evaluate_files(files, LOSSES, prediction="score", limit=limit, **options)
        assert found.to_bytes() == wanted
        assert found.rows == (limit or ROWS)
    text = command(
        files, "-l", "mse", "-p", "score", "--compare", folder / "new", "--scheduler",
        address(client), "--worst", 20, "--worst-columns", "id,told", "--json",
        *(["--id", "id"] if "id" in options else []),
    ).stdout  # fmt: skip
    worst = json.loads(text)["losses"][0]["worst"][:20]
    assert len({row["file"] for row in worst}) > 1
    for row in worst:
        assert row["columns"]["told"] == f"of {row['columns']['id']}"


def test_a_limit_of_files_that_do_not_say_how_many_rows_they_have(client, rows, tmp_path):
    for index in range(3):
        pa.csv.write_csv(rows.slice(1000 * index, 1000), tmp_path / f"part-{index}.csv")
    for limit in (5, 1000, 1500, 9000):
        wanted = in_one_process(tmp_path / "part-*.csv", limit=limit)
        found = on_dask.evaluate_files(tmp_path / "part-*.csv", LOSSES, limit=limit)
        assert found.to_bytes() == wanted


def test_what_a_cluster_cannot_do(client, rows, tmp_path):
    pa.csv.write_csv(rows, tmp_path / "rows.csv")
    piped = ["evaluate", "-", "-l", "mse", "--scheduler", address(client)]
    done = subprocess.run(
        [sys.executable, "-m", "numloss", *piped],
        input=(tmp_path / "rows.csv").read_bytes(), capture_output=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert b"a pipe comes to this machine alone" in done.stderr


# --------------------------------------------------------------------------------- workers that die


class DiesOnce(WorkerPlugin):
    """Kills its worker once two parts are done on it: their states are lost with it."""

    name = "dies-once"

    def __init__(self, marker):
        self.marker = marker
        self.parts = 0

    def setup(self, worker):
        """Take note of nothing."""

    def transition(self, key, start, finish, **more):
        """Count the parts that are done."""
        if not (str(key).startswith("numloss-part-") and finish == "memory"):
            return
        self.parts += 1
        if self.parts == 2:
            try:
                os.close(os.open(self.marker, os.O_CREAT | os.O_EXCL))
            except FileExistsError:  # it died before, or the other one
                return
            os.kill(os.getpid(), signal.SIGKILL)


def test_a_worker_is_killed(client, folder, tmp_path_factory):
    marker = tmp_path_factory.mktemp("killed") / "marker"
    before = set(client.scheduler_info(n_workers=-1)["workers"])
    client.register_plugin(DiesOnce(str(marker)))
    try:
        found = on_dask.evaluate_files(folder / "part-*.parquet", LOSSES, by="country")
    finally:
        client.unregister_worker_plugin("dies-once")
    assert marker.exists()
    client.wait_for_workers(2, timeout=30)
    assert set(client.scheduler_info(n_workers=-1)["workers"]) != before
    assert found.to_bytes() == in_one_process(folder / "part-*.parquet", by="country")


# -------------------------------------------------------------------------------------- data frames


def pieces(rows, ends):
    """Cut a table into frames of pandas."""
    return [
        rows.slice(begin, end - begin).to_pandas()
        for begin, end in zip([0, *ends], [*ends, len(rows)], strict=True)
    ]


def from_frames(frames):
    """Make partitions of frames, whose lengths nobody knows."""
    return dd.from_delayed([dask.delayed(frame) for frame in frames], meta=frames[0])


def test_data_frames(client, rows):
    """A partition without rows leaves no trace."""
    frames = pieces(rows, [1000, 1000, 4500])
    frames[0].loc[5, "score"] = np.nan
    frame = from_frames(frames)
    found = on_dask.evaluate_frame(frame, LOSSES, weight="weight", by="country")
    wanted = numloss.Evaluation(LOSSES, by="country")
    for number, one in enumerate(frames):
        if len(one):
            wanted.update(
                one["score"].to_numpy(), one["label"].to_numpy(), weight=one["weight"].to_numpy(),
                groups=one["country"], source=f"partition-{number:05d}",
            )  # fmt: skip
    assert found.to_bytes() == wanted.to_bytes()
    assert found.result()[LOSSES[0]].total.first_nan == ("partition-00000", 5)
    lazily = on_dask.evaluate_frame(frame, LOSSES, weight="weight", by="country", compute=False)
    assert lazily.compute() == wanted


def test_data_frames_with_all_that_is_kept(client, rows):
    frames = pieces(rows, [1000, 1000, 4500])
    options = {"calibration": True, "auc": True, "cluster": "country", "resample": True}
    found = on_dask.evaluate_frame(
        from_frames(frames), LOSSES, prediction="score", compare="weight", **options
    )
    wanted = numloss.Evaluation(LOSSES, compare=("score", "weight"), **options)
    for number, one in enumerate(frames):
        if len(one):
            wanted.update(
                one["score"].to_numpy(), one["label"].to_numpy(), clusters=one["country"],
                other=one["weight"].to_numpy(), source=f"partition-{number:05d}",
            )  # fmt: skip
    assert found.to_bytes() == wanted.to_bytes()


def test_data_frames_read_by_dask(client, rows, folder):
    frame = dd.read_parquet(folder / "part-0.parquet", split_row_groups=True)
    found = on_dask.evaluate_frame(frame, LOSSES)
    wanted = numloss.Evaluation(LOSSES)
    for number, begin in enumerate(range(0, 1700, 300)):
        some = rows.slice(begin, min(300, 1700 - begin))
        wanted.update(
            some["score"].to_numpy(), some["label"].to_numpy(), source=f"partition-{number:05d}"
        )
    assert found.to_bytes() == wanted.to_bytes()


def test_vectors_in_data_frames(client):
    rng = np.random.default_rng(1)
    logits, labels = rng.normal(size=(60, 4)), rng.integers(0, 4, 60)
    frame = pd.DataFrame({"logits": list(logits), "label": labels})
    with dask.config.set({"dataframe.convert-string": False}):
        found = on_dask.evaluate_frame(from_frames([frame[:25], frame[25:]]), "cross_entropy")
    wanted = numloss.Evaluation("cross_entropy")
    wanted.update(logits[:25], labels[:25], source="partition-00000")
    wanted.update(logits[25:], labels[25:], source="partition-00001")
    assert found.to_bytes() == wanted.to_bytes()


def test_what_is_wrong_in_data_frames(client, rows):
    frames = pieces(rows, [1000, 2000])
    frames[1].loc[[30, 31], "label"] = 9
    with pytest.raises(DataError, match=r"^partition-00001: row 30, column label: .*got 9"):
        on_dask.evaluate_frame(from_frames(frames), LOSSES)
    with pytest.raises(UsageError, match=r"the data frame has no 'nothing'"):
        on_dask.evaluate_frame(from_frames(frames), LOSSES, prediction="nothing")
    empty = from_frames([frame[:0] for frame in frames])
    with pytest.raises(DataError, match="no rows"):
        on_dask.evaluate_frame(empty, LOSSES)
    frames = [pd.DataFrame({"logits": [[0.0] * n] * 3, "label": [1] * 3}) for n in (4, 4, 3)]
    with dask.config.set({"dataframe.convert-string": False}):
        partitions = from_frames(frames)
        with pytest.raises(DataError, match=r"^partition-00002: prediction: 3 .*partition-00000"):
            on_dask.evaluate_frame(partitions, "cross_entropy")


def test_mixed_objects_in_data_frames():
    frame = pd.DataFrame({"score": [1.0, 2.0], "label": np.array([1.0, "x"], object)})
    found = on_dask._part_of_frame(None, 3, frame)
    assert str(found.fault).startswith("partition-00003: column label: ")


# ------------------------------------------------------------------------------------------- arrays


def test_arrays(client):
    rng = np.random.default_rng(2)
    logits, labels = rng.normal(size=(900, 5)).astype("f4"), rng.integers(0, 5, 900)
    weight, sex, age = (
        rng.exponential(size=900),
        rng.integers(0, 2, 900),
        rng.choice(["a", "b"], 900),
    )
    losses = {"ce": numloss.cross_entropy, "focal": (numloss.softmax_focal, {"gamma": 1.0})}
    wanted = numloss.Evaluation(losses, by=["sex", "age"], worst=4)
    wanted.update(logits, labels, weight=weight, groups=[sex, age], source="eval")
    found = on_dask.evaluate_arrays(
        da.from_array(logits, chunks=(100, 5)), da.from_array(labels, chunks=250), losses,
        weight=da.from_array(weight, chunks=900), groups={"age": age, "sex": sex},
        by=["sex", "age"], source="eval", worst=4,
    )  # fmt: skip
    assert found.to_bytes() == wanted.to_bytes()


def test_arrays_with_all_that_is_kept(client):
    rng = np.random.default_rng(4)
    scores, labels = rng.normal(size=900), rng.integers(0, 2, 900).astype("f8")
    other, users = rng.normal(size=900), rng.integers(0, 70, 900)
    options = {"calibration": True, "auc": True, "cluster": "user", "compare": ("old", "new")}
    wanted = numloss.Evaluation("binary_cross_entropy", **options)
    wanted.update(scores, labels, other=other, clusters=users, source="array")
    arrays = [da.from_array(array, chunks=200) for array in (scores, labels, other, users)]
    found = on_dask.evaluate_arrays(
        arrays[0], arrays[1], "binary_cross_entropy", other=arrays[2], clusters=arrays[3], **options
    )
    assert found.to_bytes() == wanted.to_bytes()


def test_arrays_of_inputs_and_delayed(client):
    rng = np.random.default_rng(3)
    mean, target, variance = rng.normal(size=(3, 50)) ** 2 + 0.1
    wanted = numloss.Evaluation("gaussian_nll", quantiles=False)
    wanted.update(mean, target, variance=variance, source="array")
    found = on_dask.evaluate_arrays(
        da.from_array(mean, chunks=20), da.from_array(target, chunks=20), "gaussian_nll",
        variance=da.from_array(variance, chunks=7), quantiles=False, compute=False,
    )  # fmt: skip
    assert found.compute().to_bytes() == wanted.to_bytes()


def test_arrays_of_unknown_chunks(client):
    values = da.arange(100.0, chunks=30)
    some = values[values % 3 > 0]
    wanted = numloss.Evaluation("mae", by="odd")
    for number, begin in enumerate(range(0, 100, 30)):
        part = np.arange(begin, min(begin + 30, 100), dtype=float)
        part = part[part % 3 > 0]
        wanted.update(part, 0 * part, groups=part % 2, source=f"partition-{number:05d}")
    found = on_dask.evaluate_arrays(some, some * 0, "mae", groups=some % 2, by="odd")
    assert found.to_bytes() == wanted.to_bytes()


def test_what_is_wrong_in_arrays(client):
    logits = da.ones((40, 6), chunks=(10, 6))
    labels = da.from_array(np.where(np.arange(40) == 33, 6, 1), chunks=10)
    with pytest.raises(DataError, match=r"^array: row 33, target: ") as told:
        on_dask.evaluate_arrays(logits, labels, "cross_entropy")
    assert told.value.row == 33
    with pytest.raises(ValueError, match=r"prediction has 2 chunks along axis 1.*rechunk"):
        on_dask.evaluate_arrays(logits.rechunk((10, 3)), labels, "cross_entropy")
    with pytest.raises(ValueError, match="target has 30 rows, where the prediction has 40"):
        on_dask.evaluate_arrays(logits, labels[:30], "cross_entropy")
    with pytest.raises(ValueError, match="groups must be 1 columns"):
        on_dask.evaluate_arrays(logits, labels, "cross_entropy", by="a")
    with pytest.raises(ValueError, match="target must have an axis of rows"):
        on_dask.evaluate_arrays(logits, da.asarray(1), "cross_entropy")
    few = labels[labels > 0]
    with pytest.raises(ValueError, match=r"target has 1 chunks of unknown sizes.*has 4"):
        on_dask.evaluate_arrays(logits, few.blocks[:1], "mse")


# ------------------------------------------------------------------------------------------ merging


def test_merging_does_not_change_what_it_merges(client):
    def part(number):
        evaluation = numloss.Evaluation("mae")
        evaluation.update([float(number), 2.0], [0.0, 0.0], source=f"part-{number}")
        return evaluation

    parts = [part(number) for number in range(30)]
    wanted = numloss.Evaluation("mae")
    for number in range(30):
        wanted.update([float(number), 2.0], [0.0, 0.0], source=f"part-{number}")
    before = [one.to_bytes() for one in parts]
    mixed = [one if i % 2 else dask.delayed(before[i]) for i, one in enumerate(parts)]
    with dask.config.set(scheduler="synchronous"):
        assert on_dask.merge(mixed) == wanted
        assert on_dask.merge(parts[::-1]) == wanted
    assert on_dask.merge(mixed, compute=False).compute() == wanted
    assert [one.to_bytes() for one in parts] == before
    with pytest.raises(ValueError, match="parts must hold one at least"):
        on_dask.merge([])


# -------------------------------------------------------------------------------------- the command


def command(*arguments, code=0):
    """Run the command in a process of its own, as it is run beside a cluster."""
    done = spawn("evaluate", *arguments)
    assert done.returncode == code, done.stderr
    return done


def address(client):
    """Return where the scheduler is."""
    return client.scheduler.address


def test_command(client, folder, tmp_path_factory):
    states = tmp_path_factory.mktemp("states")
    arguments = [folder, "-l", "mse", "--by", "country", "--worst", 3]
    here = command(*arguments, "--state", states / "here")
    there = command(*arguments, "--state", states / "there", "--scheduler", address(client))
    assert there.stdout == here.stdout
    assert (states / "there").read_bytes() == (states / "here").read_bytes()


@pytest.mark.parametrize("ending", ["parquet", "csv", "arrow"])
def test_losses_of_every_row_are_written_in_their_order(
    client, folder, tmp_path_factory, monkeypatch, ending
):
    monkeypatch.setattr(on_dask, "_FAN", 3)  # parts that are on their way at a time
    out = tmp_path_factory.mktemp("losses")
    arguments = [folder / "part-*.parquet", "-l", "mse", "-l", "mae"]
    for options in ([], ["--limit", 3000], ["-p", "score", "--compare", "weight"]):
        for name, where in (("here", []), ("there", ["--scheduler", address(client)])):
            run("evaluate", *arguments, *options, *where, "--chunk-rows", 170, "--losses-out",
                out / f"{name}.{ending}", "--state", out / f"{name}.state")  # fmt: skip
        assert (out / "there.state").read_bytes() == (out / "here.state").read_bytes()
        if ending == "csv":
            here, there = (out.joinpath(f"{name}.csv").read_bytes() for name in ("here", "there"))
            assert here == there
            continue
        read = pq.read_table if ending == "parquet" else pa.ipc.open_file
        here, there = (read(str(out / f"{name}.{ending}")) for name in ("here", "there"))
        if ending == "arrow":
            here, there = here.read_all(), there.read_all()
        assert there.equals(here)
        assert len(there) == (3000 if "--limit" in options else ROWS)


def test_losses_that_are_lists_and_faults_that_end_the_writing(client, tmp_path):
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, (900, 4))
    labels[::7, 2] = -100
    logits = pa.array(
        list(map(list, rng.normal(size=(900, 4, 3)))), pa.list_(pa.list_(pa.float64()))
    )
    table = pa.table({"logits": logits, "label": pa.array(labels.tolist())})
    path, out = tmp_path / "rows.parquet", tmp_path / "out.parquet"
    pq.write_table(table, path, row_group_size=200)
    arguments = ["evaluate", path, "-l", "cross_entropy", "-p", "logits", "--losses-out", out]
    run(*arguments)
    wanted = pq.read_table(out)
    run(*arguments, "--scheduler", address(client))
    assert pq.read_table(out).equals(wanted)
    out.unlink()
    labels[650, 0] = 9
    pq.write_table(
        table.set_column(1, "label", pa.array(labels.tolist())), path, row_group_size=200
    )
    told = run(*arguments, "--scheduler", address(client), code=1)
    assert "row 650, column label: " in told
    assert told == run(*arguments, code=1)
    assert not out.exists()
    run(*arguments, "--scheduler", address(client), "--on-error", "skip", code=4)
    assert len(pq.read_table(out)) == 899


def test_command_goes_on(client, folder, tmp_path_factory):
    """Rows that are in a state are not read again, wherever they were read."""
    state = tmp_path_factory.mktemp("states") / "state"
    command(folder / "part-0.parquet", "-l", "mse", "--limit", 700, "--state", state)
    arguments = [folder / "part-*.parquet", "-l", "mse", "--resume", "--state", state]
    command(*arguments, "--scheduler", address(client))
    resumed = state.read_bytes()
    command(folder / "part-*.parquet", "-l", "mse", "--state", state)
    assert resumed == state.read_bytes()


def test_command_that_is_stopped_keeps_what_is_done(client, folder, monkeypatch):
    """The branches that came before are in, and the rest can be asked for again."""
    monkeypatch.setattr(on_dask, "_FAN", 2)
    stop, kept = threading.Event(), []
    data = on_dask.Dataset(on_dask.Request([str(folder)]))
    monkeypatch.setattr(on_dask, "KEEP_SECONDS", 0.0)

    def keep(evaluation):
        kept.append(evaluation.to_bytes())
        stop.set()

    losses, everything = specs_of("mse"), on_dask.Kept()
    some = on_dask.evaluate_on(address(client), data, losses, everything, keep=keep, stop=stop)
    assert 0 < some.rows < ROWS
    assert kept[-1] == some.to_bytes()
    data = on_dask.Dataset(on_dask.Request([str(folder)]))
    told = []
    whole = on_dask.evaluate_on(
        address(client),
        data,
        losses,
        everything,
        resume=some,
        on_progress=lambda done: told.append(done()),
    )
    wanted = on_dask.evaluate_files(folder, "mse")
    assert whole.to_bytes() == wanted.to_bytes()
    assert told[-1].part == 1.0
    assert told[-1].rows == ROWS


def test_command_that_goes_wrong(client, rows, folder):
    there = ["--scheduler", address(client)]
    labels = rows["label"].to_numpy().copy()
    labels[-1] = 7
    bad = rows.set_column(1, "label", pa.array(labels)).slice(4100)
    pq.write_table(bad, folder / "part-3.parquet", row_group_size=300)
    loss = ["-l", "binary_cross_entropy"]
    assert command(folder, *loss, *there, code=1).stderr == command(folder, *loss, code=1).stderr
    wrong = command(folder, "-l", "mse", "--scheduler", "nowhere", code=2).stderr
    assert re.search(r"error: --scheduler nowhere: cannot be reached", wrong)
    groups = command(folder, "-l", "mse", "--by", "weight", "--max-groups", 9, *there, code=1)
    assert "--by finds more than 9 groups" in groups.stderr


def test_a_task_that_the_scheduler_gives_up(client, folder, monkeypatch):
    monkeypatch.setattr(on_dask, "_part_of_files", _ends_badly)
    data = on_dask.Dataset(on_dask.Request([str(folder)]))
    with pytest.raises(EvaluationError, match="a task was given up by the scheduler: out of luck"):
        on_dask.evaluate_on(address(client), data, specs_of("mse"), on_dask.Kept())


def _ends_badly(*_):
    raise RuntimeError("out of luck\nand more")


def test_without_dask(folder):
    """The message says what to install."""
    code = "import sys; sys.modules['dask'] = None; from numloss import cli; cli.main(sys.argv[1:])"
    arguments = ["evaluate", str(folder), "-l", "mse", "--scheduler", "tcp://127.0.0.1:1"]
    done = python(code, *arguments)
    assert done.stderr == (
        "numloss evaluate: error: --scheduler: numloss.evaluation.dask needs Dask: "
        "pip install 'numloss[dask]'\n"
    )


def test_recipe(client, tmp_path, monkeypatch, capsys):
    """The recipe of docs/clusters.md."""
    monkeypatch.chdir(tmp_path)
    rows = make_parts(tmp_path)
    found = {}
    exec(recipe("Dask", "python"), found)
    wanted = numloss.Evaluation("mse")
    wanted.update(rows["score"].to_numpy(), rows["label"].to_numpy(), source="validation")
    assert found["evaluation"].to_bytes() == wanted.to_bytes()
    assert capsys.readouterr().out == f"{wanted.result()}\n"


@pytest.mark.parametrize("module", [on_dask, flow])
def test_examples_of_docstrings(module):
    found = doctest.testmod(module)
    assert found.attempted > 0
    assert found.failed == 0


def test_files_of_stores_travel(folder):
    """What was looked up here is looked up there again."""
    store = SubTreeFileSystem(str(folder), LocalFileSystem())
    file = StoredFile("store://part-0.parquet", store, "part-0.parquet")
    size = file.size
    sent = pickle.loads(pickle.dumps(on_dask._sent(file, Path("/nowhere"))))
    assert "_info" not in vars(sent)
    assert (str(sent), sent.size) == (str(file), size)
    assert pq.read_table(sent.open()).num_rows == 1700
