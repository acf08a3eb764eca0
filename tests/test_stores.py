"""Files of an object store, which a local server plays (moto)."""

import shlex

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest
from moto.server import ThreadedMotoServer
from pyarrow import fs
from test_cli import run
from test_docs import COMMANDS
from test_files import arrow_bytes, message

import numloss

ROWS = 5000


@pytest.fixture(scope="module")
def server():
    """Run the server, and say where it is."""
    threaded = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    threaded.start()
    yield "{}:{}".format(*threaded.get_host_and_port())
    threaded.stop()


@pytest.fixture(scope="module")
def bucket(server):
    """Fill a bucket; return what is in it, and what a URI says of the server."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "secret")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        store = fs.S3FileSystem(endpoint_override=server, scheme="http", allow_bucket_creation=True)
        store.create_dir("bucket")
        rng = np.random.default_rng(0)
        table = pa.table({"score": rng.normal(size=ROWS), "label": rng.integers(0, 2, ROWS)})
        with store.open_output_stream("bucket/a.parquet") as file:
            pa.parquet.write_table(table, file, row_group_size=900)
        with store.open_output_stream("bucket/a.csv") as file:
            pa.csv.write_csv(table, file)
        with store.open_output_stream("bucket/a.csv.gz", compression="gzip") as file:
            pa.csv.write_csv(table, file)
        with store.open_output_stream("bucket/a.jsonl") as file:
            file.write("".join(f"{row}\n".replace("'", '"') for row in table.to_pylist()).encode())
        with store.open_output_stream("bucket/a.arrow") as file:
            file.write(arrow_bytes(table, pa.ipc.new_file))
        with store.open_output_stream("bucket/stream.arrow") as file:
            file.write(arrow_bytes(table))
        for index, country in enumerate(("de", "fr")):
            place = f"bucket/parts/country={country}/part-{index}.parquet"
            with store.open_output_stream(place) as file:
                pa.parquet.write_table(table.slice(index * 2500, 2500), file)
        for array in ("score", "label"):
            sink = pa.BufferOutputStream()
            np.save(sink, table[array].to_numpy())
            with store.open_output_stream(f"bucket/{array}.npy") as file:
                file.write(sink.getvalue())
        yield table, f"?scheme=http&endpoint_override={server}"


@pytest.mark.parametrize(
    "name", ["a.parquet", "a.csv", "a.csv.gz", "a.jsonl", "a.arrow", "stream.arrow"]
)
def test_formats(name, bucket):
    table, options = bucket
    wanted = float(np.square(table["score"].to_numpy() - table["label"].to_numpy()).mean())
    uri = f"s3://bucket/{name}"
    result = numloss.evaluate(uri + options, "mse")
    assert result.rows == ROWS
    assert result["mse"].total.mean == pytest.approx(wanted, rel=1e-14)
    assert result["mse"].total.maximum_row.source == uri  # no word of the server, or of keys


def test_arrays(bucket):
    table, options = bucket
    wanted = float(np.abs(table["score"].to_numpy() - table["label"].to_numpy()).mean())
    result = numloss.evaluate(
        f"s3://bucket/score.npy{options}", "mae", targets=f"s3://bucket/label.npy{options}"
    )
    assert result["mae"].total.mean == pytest.approx(wanted, rel=1e-14)


@pytest.mark.parametrize(
    "pattern",
    ["parts", "parts/", "parts/*/part-*.parquet", "parts/**", "p*/country=[df]*", "**/p*"],
)
def test_many_files(pattern, bucket):
    _, options = bucket
    result = numloss.evaluate(f"s3://bucket/{pattern}{options}", "mse", by="country")
    assert {key: group.count for key, group in result["mse"].groups} == {"de": 2500, "fr": 2500}
    whole = numloss.evaluate(f"s3://bucket/a.parquet{options}", "mse")
    assert result["mse"].total.mean == whole["mse"].total.mean


def test_what_is_not_there(bucket):
    _, options = bucket
    assert message(f"s3://bucket/no.csv{options}", "-l", "mse", code=1) == (
        "s3://bucket/no.csv: no such file"
    )
    assert message(f"s3://bucket/no*.csv{options}", "-l", "mse", code=1) == (
        "s3://bucket/no*.csv: no file matches"
    )
    wrong = message("s3://bucket/a.csv?endpoint=x", "-l", "mse", code=2)
    assert wrong.startswith("s3://bucket/a.csv: Unexpected query parameter")
    nobody = "?scheme=http&endpoint_override=127.0.0.1:1"
    assert "s3://bucket/a.csv: cannot be read: " in message(
        f"s3://bucket/a.csv{nobody}", "-l", "mse", code=1
    )


def test_environment_names_the_server(bucket, server, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{server}")
    (example,) = (line for line in COMMANDS if "s3://" in line)
    arguments = shlex.split(example)[1:]
    arguments = [word.replace("/scores/", "/parts/") for word in arguments]
    assert "2 files, s3://bucket/parts/country=de/part-0.parquet" in run(*arguments)


def test_states_name_no_keys(bucket, tmp_path):
    _, options = bucket
    state = tmp_path / "s.nls"
    run("evaluate", f"s3://bucket/parts{options}", "-l", "mse", "--state", state, "--by", "country")
    assert "5000 rows" in run("show", state)
    data = state.read_bytes()
    assert b"s3://bucket/parts/country=de/part-0.parquet" in data
    assert b"endpoint" not in data
