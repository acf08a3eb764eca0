"""The recipes of docs/clusters.md that need no cluster, run as they stand."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pa = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")

import numloss  # noqa: E402

TEXT = (Path(__file__).parents[1] / "docs" / "clusters.md").read_text()


def recipe(heading, kind, number=0):
    """Return a block of code below a heading."""
    section = re.split(rf"^## {heading}.*$", TEXT, flags=re.MULTILINE)[1].split("\n## ")[0]
    return re.findall(rf"^```{kind}\n(.*?)^```", section, re.DOTALL | re.MULTILINE)[number]


def make_parts(folder, rows=1000, files=4):
    """Write what the recipes read, and return its rows."""
    rng = np.random.default_rng(0)
    (folder / "parts").mkdir()
    whole = pa.table(
        {
            "score": rng.normal(size=rows), "label": rng.integers(0, 2, rows).astype(float),
            "country": rng.choice(["de", "fr"], rows),
        }
    )  # fmt: skip
    each = rows // files
    for index in range(files):
        path = folder / "parts" / f"part-{index}.parquet"
        parquet.write_table(whole.slice(index * each, each), path)
    return whole


@pytest.fixture
def rows(tmp_path, monkeypatch):
    """Work in a folder with files."""
    monkeypatch.chdir(tmp_path)
    return make_parts(tmp_path)


def shell(script, **environment):
    """Run a script with the command of this environment."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script], env={**os.environ, "PATH": path, **environment},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def in_one_process():
    """Return the state of one command, and its tables."""
    report = shell("numloss evaluate parts/*.parquet -l mse --by country --state one.state")
    return Path("one.state").read_bytes(), report.splitlines()[1:]


def merged():
    """Return the state that the parts make."""
    shell("numloss merge states/*.state --state merged -o /dev/null")
    return Path("merged").read_bytes()


def test_xargs(rows):
    report = shell(recipe("State files", "sh", 0))
    assert len(list(Path("states").iterdir())) == 4
    state, wanted = in_one_process()
    assert report.splitlines()[1:] == wanted
    assert merged() == state


def test_make(rows):
    Path("Makefile").write_text(recipe("State files", "make"))
    assert shell("make -j 2").count("numloss evaluate") == 4
    state, wanted = in_one_process()
    assert Path("report.txt").read_text().splitlines()[1:] == wanted
    assert merged() == state
    part = Path("parts/part-2.parquet")
    os.utime(part, (2e9, 2e9))
    again = shell("make")
    assert again.count("numloss evaluate") == 1
    assert "parts/part-2.parquet" in again


def test_slurm(rows):
    for number in range(4):
        shell(recipe("State files", "sh", 1), SLURM_ARRAY_TASK_ID=str(number))
    # A job that was preempted after its work was done does nothing twice.
    shell(recipe("State files", "sh", 1), SLURM_ARRAY_TASK_ID="2")
    assert merged() == in_one_process()[0]


@pytest.mark.parametrize(("engine", "number"), [("duckdb", 0), ("polars", 1)])
def test_batches(rows, engine, number, capsys):
    pytest.importorskip(engine)
    found = {}
    exec(recipe("Everything else", "python", number), found)
    scores, labels = rows["score"].to_numpy(), rows["label"].to_numpy()
    kept = scores > (0 if engine == "duckdb" else -np.inf)
    wanted = numloss.Evaluation("mse", by="country")
    groups = rows["country"].to_numpy(zero_copy_only=False)[kept]
    wanted.update(scores[kept], labels[kept], groups=groups, source="any")
    assert found["evaluation"].result()["mse"].total.mean == wanted.result()["mse"].total.mean
    assert capsys.readouterr().out == f"{wanted.result()}\n"
