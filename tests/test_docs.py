"""The examples of docs/cli.md, run as they stand."""

import gzip
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pa = pytest.importorskip("pyarrow")
pa_csv = pytest.importorskip("pyarrow.csv")
parquet = pytest.importorskip("pyarrow.parquet")

from numloss.cli import parser  # noqa: E402

TEXT = (Path(__file__).parents[1] / "docs" / "cli.md").read_text()
#: The paragraphs of examples: what a command writes the next one may read.
EXAMPLES = [
    [line for line in paragraph.splitlines() if "numloss" in line and not line.startswith("#")]
    for block in re.findall(r"```sh\n(.*?)```", TEXT, re.DOTALL)
    for paragraph in block.split("\n\n")
]
COMMANDS = [command for example in EXAMPLES for command in example]
#: What is run elsewhere: with a store, with a cluster, and by shells.
ELSEWHERE = ("s3://", "tcp://", "completion")


def options(command):
    """Return the long options of a command."""
    (subparsers,) = (action for action in parser()._actions if action.choices)
    names = {
        name for action in subparsers.choices[command]._actions for name in action.option_strings
    }
    return sorted(name for name in names if name.startswith("--") and name != "--help")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Make the files that the examples name."""
    folder = tmp_path_factory.mktemp("docs")
    rng = np.random.default_rng(7)
    rows = 3000
    logits = rng.normal(size=rows).astype("f4")
    labels = (rng.random(rows) < 1 / (1 + np.exp(-logits))).astype(int)  # as often as they say
    scores = pa.table(
        {
            "score": logits, "label": labels,
            "other_score": rng.normal(size=rows),
            "chance": rng.random(rows), "exposure": rng.random(rows),
            "age": rng.integers(0, 90, rows),
            "country": rng.choice(["de", "fr"], rows), "device": rng.choice(["a", "b"], rows),
            "user": rng.integers(0, 60, rows),
            "id": [f"row-{i}" for i in range(rows)],
        }
    )  # fmt: skip
    parquet.write_table(scores, folder / "scores.parquet")
    pa_csv.write_csv(scores, folder / "scores.csv")
    other = pa.table({name: scores[name] for name in ("score", "label", "id")})
    parquet.write_table(other, folder / "other.parquet")
    (folder / "others").mkdir()
    for index, (begin, rows_of_it) in enumerate(((0, 700), (700, 1300))):
        part = other.slice(begin, rows_of_it)
        parquet.write_table(part, folder / "others" / f"part-{index}.parquet")
    (folder / "scores.csv.gz").write_bytes(gzip.compress((folder / "scores.csv").read_bytes()))
    (folder / "scores.txt").write_text("1;0\n2;1\n")
    for index, country in enumerate(("de", "fr")):
        part = folder / "scores" / f"country={country}"
        part.mkdir(parents=True)
        some = scores.drop_columns(["country"]).slice(index * 1000, 1000)
        parquet.write_table(some, part / f"part-{index}.parquet")
    logits, labels = rng.normal(size=(rows, 10)), rng.integers(0, 10, rows)
    digits = {f"logit_{i}": logits[:, i] for i in range(10)} | {"label": labels}
    pa_csv.write_csv(pa.table(digits), folder / "digits.csv")
    np.save(folder / "logits.npy", logits)
    np.save(folder / "labels.npy", labels)
    pets = {
        "logit_cat": logits[:, 0],
        "logit_dog": logits[:, 1],
        "label": rng.choice(["cat", "dog"], rows),
    }
    pa_csv.write_csv(pa.table(pets), folder / "pets.csv")
    mails = {"score": logits[:, 0], "label": rng.choice(["spam", "ham"], rows)}
    pa_csv.write_csv(pa.table(mails), folder / "mails.csv")
    return folder


@pytest.mark.plain_build  # a limit of memory is one of the examples
@pytest.mark.parametrize("commands", EXAMPLES, ids=lambda commands: commands[0] if commands else "")
def test_example(commands, folder):
    for command in commands:
        if not any(word in command for word in ELSEWHERE):
            run_example(command, folder)


def run_example(command, folder):
    if "plot" in command:
        pytest.importorskip("plotext")
        pytest.importorskip("matplotlib")
    if "--html" in command:
        pytest.importorskip("jinja2")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    assert shutil.which("numloss", path=path)
    result = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {command}"],
        cwd=folder, env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    written = re.search(
        r"(?:-o|--output|--html|--state|--metrics|--prom|--losses-out) (\S+)", command
    )
    if written:
        assert (folder / written[1]).stat().st_size > 0
    else:
        assert result.stdout


@pytest.mark.parametrize("command", ["evaluate", "plot"])
def test_every_option_is_in_an_example_and_in_the_table(command):
    examples = "\n".join(line for line in COMMANDS if command in line)
    for option in options(command):
        if option == "--header":  # --no-header is the other one
            continue
        assert f"`{option}" in TEXT, option
        if option == "--option":  # --NAME VALUE stands for it
            continue
        short = {
            "--loss": " -l ", "--prediction": " -p ", "--output": " -o ", "--by": "--by ",
        }.get(option, option)  # fmt: skip
        assert option in examples or short in examples, option
