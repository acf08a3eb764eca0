"""Files that once made `numloss evaluate` lie, hang or crash, and their kin."""

# ruff: noqa: E402 (imports follow the skip where the extra is not installed)

import ast
import bz2
import gzip
import itertools
import json
import math
import os
import pickle
import re
import shlex
import signal
import subprocess
import sys
import time
from collections import Counter
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

pa = pytest.importorskip("pyarrow")
import pyarrow.csv
import pyarrow.json
import pyarrow.parquet
from test_cli import invoke, message, report, run, spawn

import numloss
from numloss.evaluation.wording import in_command


@pytest.fixture
def csv(tmp_path):
    """Write a text file."""

    def write(text, name="data.csv"):
        path = tmp_path / name
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    return write


def mean(*arguments):
    """Return the mean of the first loss."""
    return report(*arguments)["losses"][0]["all"]["mean"]


# ---------------------------------------------------------------------------------- what text hides


@pytest.mark.parametrize("name", ["q.csv", "q.tsv"])
def test_quote_that_is_not_closed(name, csv):
    tab = "\t" if name.endswith("tsv") else ","
    text = 'score,label,note\n0.5,1,"a\n0.7,0,b\n'.replace(",", tab)
    assert "row 0 (line 2): a quote is not closed" in message(
        csv(text, name), "-l", "binary_cross_entropy", code=1
    )
    late = "score,label,note\n" + '1,0,"x,\n""y"\n' * 1000 + '1,0,"z\n' + "1,0,b\n" * 1000
    assert "row 1000 (line 2002): a quote is not closed" in message(
        csv(late.replace(",", tab), name), "-l", "mse", "-p", "score", code=1
    )


def test_quotes_that_are_no_fault(csv):
    text = 'score,label,note\n1,0,5" pipe\n2,0,"a ""b"""\n3,0,"c\nd"\n'
    assert mean(csv(text), "-l", "mae") == 2.0


def test_text_in_other_encodings(csv):
    for encoding in ("utf-16", "utf-16-be"):
        data = ("\ufeff" if "be" in encoding else "") + "score,label\n1,0\n"
        assert "the file is UTF-16" in message(csv(data.encode(encoding)), "-l", "mse", code=1)
    assert mean(csv(b"\xef\xbb\xbfscore,label\n1,0\n"), "-l", "mse") == 1.0
    assert "compressed by gzip" in message(csv(gzip.compress(b"a,b\n")), "-l", "mse", code=1)


def test_long_rows(csv):
    rows = "0.5,1,a\n" * 100 + f"2.5,1,{'x' * 3_000_000}\n" + "0.5,1,b\n"
    path = csv("score,label,note\n" + rows)
    assert report(path, "-l", "mae")["rows"] == 102
    assert "is longer than 8 MB, the most that is read" in message(
        csv("score,label\n1,0\n" + "1" * 9_000_000 + "\n"), "-l", "mse", code=1
    )


def test_many_columns(csv):
    text = ",".join(f"c{i}" for i in range(200_000)) + "\n"
    assert "200000 columns, where at most 100000" in message(csv(text), "-l", "mse", code=1)


def test_a_type_is_decided_by_the_first_row_alone(csv):
    cases = {
        'score,label\n0.5,1\n"[0.5, 0.6]",1\n': "row 1 (line 3), column score: '[0.5, 0.6]' is not",
        'score,label\n"[0.5, 0.6]",1\n0.5,1\n': "row 1 (line 3), column score: '0.5' is not a list",
        'score,label\n"[1, 2]",1\n"[1]",1\n': "row 1 (line 3), column score: 1 numbers, where",
        "score,label\n0.5,1\n0.5,True\n": "row 1 (line 3), column label: 'True' is not a number",
        "score,label\n0.5,True\n0.5,1\n": "row 1 (line 3), column label: '1' is neither true nor",
        "score,label\n0.5,1\n0.5,cat\n": "row 1 (line 3), column label: 'cat' is not a number",
    }
    for text, match in cases.items():
        loss = "cross_entropy" if text.startswith('score,label\n"[') else "mse"
        path = csv(text)
        for rows in (1, 2, 100):
            assert match in message(path, "-l", loss, "--chunk-rows", rows, code=1)


# ------------------------------------------------------------------------ what columns are


PROBABILITIES = "prob_0,prob_1,prob_2,label\n0.7,0.2,0.1,0\n0.1,0.8,0.1,1\n0.2,0.2,0.6,2\n"


def test_columns_named_as_probabilities_are_such(csv):
    wanted = -np.log([0.7, 0.8, 0.6]).mean()
    path = csv(PROBABILITIES)
    assert mean(path, "-l", "cross_entropy") == pytest.approx(wanted)
    assert "(probabilities)" in run("evaluate", path, "-l", "cross_entropy").splitlines()[0]
    assert mean(path, "-p", "prob_*", "-l", "cross_entropy") == pytest.approx(wanted)
    logits = np.array([[0.7, 0.2, 0.1], [0.1, 0.8, 0.1], [0.2, 0.2, 0.6]])
    assert mean(path, "-l", "cross_entropy", "--from-logits") == pytest.approx(
        float(numloss.cross_entropy(logits, [0, 1, 2]))
    )
    for loss in ("softmax_focal", "ranked_probability", "ordinal_cross_entropy"):
        assert mean(path, "-l", loss) == pytest.approx(
            float(numloss.LOSSES[loss](np.log(logits), [0, 1, 2]))
        )
    binary = csv("probability,label\n0.25,0\n0.5,1\n")
    assert mean(binary, "-l", "binary_cross_entropy") == pytest.approx(-np.log([0.75, 0.5]).mean())
    assert mean(binary, "-l", "focal") == pytest.approx(
        float(numloss.focal([0.25, 0.5], [0, 1], from_logits=False))
    )
    assert mean(binary, "-l", "mse") == pytest.approx((0.0625 + 0.25) / 2)
    assert "takes scores" in message(binary, "-l", "hinge", "--positive", "1", code=2)


def test_probabilities_that_are_none(csv):
    path = csv("prob_0,prob_1,label\n0.5,0.5,0\n0.7,0.9,1\n")
    assert "must lie in [0, 1] and add up to 1, got 0.7 in a row that adds up to 1.6" in message(
        path, "-l", "cross_entropy", code=1
    )
    path = csv("score,label\n0.5,0\n1.5,1\n")
    assert "row 1" in message(path, "-l", "binary_cross_entropy", "--from-probabilities", code=1)


def test_a_probability_just_above_one(csv):
    path = csv(f"prob,label\n{1 + 2.0**-23!r},1\n0.5,0\n")
    assert mean(path, "-l", "binary_cross_entropy") == pytest.approx(np.log(2) / 2)


def test_rows_that_look_like_probabilities_are_told(csv):
    text = PROBABILITIES.replace("prob_", "score_")
    _, _, warning = invoke("evaluate", csv(text), "-l", "cross_entropy")
    assert "all 3 rows of score_0,score_1,score_2 could be probabilities" in warning
    for option in ("--from-logits", "--from-probabilities"):
        assert invoke("evaluate", csv(text), "-l", "cross_entropy", option)[2] == ""
    many = "score,label\n" + "0.5,1\n" * 30
    for rows in (7, 100):
        _, _, warning = invoke(
            "evaluate", csv(many), "-l", "binary_cross_entropy", "--chunk-rows", rows
        )
        assert "all 30 rows of score could be probabilities" in warning
    apart = csv(many + "1.5,1\n")
    assert invoke("evaluate", apart, "-l", "binary_cross_entropy", "--chunk-rows", 7)[2] == ""


def test_series_of_columns(csv):
    two = csv("logit0,logit1,logit_0,logit_1,label\n1,2,3,4,0\n")
    assert "logit0 ... logit1, logit_0 ... logit_1 could each be the prediction" in message(
        two, "-l", "cross_entropy", code=2
    )
    one = csv("logit_1,logit_2,logit_3,label\n1,2,3,1\n")
    text = message(one, "-l", "cross_entropy", code=2)
    assert "begin at 1, and labels count from 0: --classes 1,2,3 says which label" in text
    wanted = float(numloss.cross_entropy([[1.0, 2.0, 3.0]], [0]))
    assert mean(one, "-l", "cross_entropy", "--classes", "1,2,3") == pytest.approx(wanted)
    gap = csv("logit_0,logit_1,logit_3,label\n1,2,3,1\n")
    for names in ("logit_0,logit_1,logit_3", "logit_*"):
        assert "leave out 2" in message(gap, "-p", names, "-l", "cross_entropy", code=2)
    order = csv("logit_0,logit_1,label\n1,2,1\n")
    assert "not in the order" in message(order, "-p", "logit_1,logit_0", "-l", "mse", code=2)


@pytest.mark.parametrize("kind", ["csv", "parquet", "npz"])
def test_class_names(kind, tmp_path, csv):
    logits, names = [[1.0, 2.0, 0.0], [0.5, 0.0, 1.0]], ["dog", "cat"]
    columns = {
        f"logit_{name}": [row[i] for row in logits] for i, name in enumerate(["cat", "dog", "eel"])
    }
    columns["label"] = names
    if kind == "csv":
        rows = zip(*columns.values(), strict=True)
        path = csv("\n".join([",".join(columns), *(",".join(map(str, r)) for r in rows), ""]))
    elif kind == "parquet":
        path = tmp_path / "c.parquet"
        pyarrow.parquet.write_table(pa.table(columns), path)
    else:
        path = tmp_path / "c.npz"
        np.savez(path, **columns)
    wanted = float(numloss.cross_entropy(logits, [1, 0]))
    arguments = [path, "-p", "logit_*", "-l", "cross_entropy"]
    assert mean(*arguments) == pytest.approx(wanted)
    assert mean(*arguments, "--classes", "cat,dog,eel") == pytest.approx(wanted)
    text = message(*arguments, "--classes", "cat,eel,dag", code=1)
    assert "column label" in text or "array label" in text
    assert "'dog' is none of the classes cat, eel, dag" in text
    assert "names 2 classes, where the prediction has 3 columns" in message(
        *arguments, "--classes", "cat,dog", code=2
    )


# ----------------------------------------------------------------------------- targets and groups


def test_nan_is_no_negative(tmp_path):
    np.savez(tmp_path / "t.npz", score=[1.0, 2, 3, 4], label=[1.0, 0, np.nan, 1])
    assert "row 2, array label: NaN is neither the positive class nor another" in message(
        tmp_path / "t.npz", "-l", "binary_cross_entropy", "--positive", "1", code=1
    )


def test_whole_numbers_are_compared_exactly(tmp_path):
    labels = np.array([2**60 + 1, 2**60], np.int64)
    for positive, wanted in ((2**60 + 1, [1, 0]), (2**60, [0, 1])):
        np.savez(tmp_path / "t.npz", score=[1.0, 2.0], label=labels)
        found = mean(tmp_path / "t.npz", "-l", "mse", "--positive", positive)
        assert found == ((np.array([1.0, 2.0]) - wanted) ** 2).mean()
    assert "no row holds the --positive value" in message(
        tmp_path / "t.npz", "-l", "mse", "--positive", 2**60 + 2, code=1
    )
    for odd in ("1e400", "9" * 4300, "nan"):
        assert message(tmp_path / "t.npz", "-l", "mse", "--positive", odd, code=2)


def test_labels_that_are_not_utf8(tmp_path):
    label = pa.array([b"\xff\xfe", b"b"]).view(pa.string())
    path = tmp_path / "b.parquet"
    pyarrow.parquet.write_table(pa.table({"score": [1.0, 2.0], "label": label, "y": [0, 1]}), path)
    assert mean(path, "-l", "mse", "-t", "label", "--positive", "b") == 1.0
    found = report(path, "-l", "mae", "-t", "y", "--by", "label")
    assert [g["group"] for g in found["losses"][0]["groups"]] == ["\\xff\\xfe", "b"]
    assert "'\\\\xff\\\\xfe' is none of the classes" in message(
        path, "-l", "mse", "-t", "label", "--classes", "a,b", code=1
    )


def test_names_and_groups_of_many_digits(csv):
    long = "9" * 5000
    path = csv(f"score,label,g{long}\n1,0,{long}\n2,0,x{long}\n")
    found = report(path, "-l", "mae", "--by", f"g{long}")
    assert len(found["losses"][0]["groups"]) == 2
    assert message(csv(f"logit_{long},label\n1,0\n"), "-l", "mse", code=2)


def test_kinds_of_arrays(tmp_path):
    import ml_dtypes

    values = np.array([1.0, 2.5, -3.0])
    np.save(tmp_path / "b.npy", values.astype(ml_dtypes.bfloat16))
    np.save(tmp_path / "t.npy", np.zeros(3))
    arguments = [tmp_path / "b.npy", "--targets", tmp_path / "t.npy", "-l", "mae"]
    assert mean(*arguments) == pytest.approx(6.5 / 3)
    np.save(tmp_path / "d.npy", np.array(["2026-01-01", "NaT", "2026-01-01"], "M8[D]"))
    found = report(*arguments, "--by", tmp_path / "d.npy")["losses"][0]["groups"]
    assert [(g["group"], g["count"]) for g in found] == [("2026-01-01", 2), (None, 1)]
    np.save(tmp_path / "t.npy", np.array(["a", "b", "a"]))
    assert "holds no numbers, but text; --positive VALUE" in message(*arguments, code=2)
    assert mean(*arguments, "--positive", "a") == pytest.approx((0 + 2.5 + 4) / 3)
    fields = [(f"field_with_a_long_name_{i}", float) for i in range(500)]
    np.save(tmp_path / "f.npy", np.zeros(3, fields))
    assert mean(tmp_path / "f.npy", "-p", fields[0][0], "-t", fields[1][0], "-l", "mse") == 0


def test_several_columns_of_groups(csv):
    path = csv("score,label,a,b\n1,0,x,1\n2,0,x,2\n3,0,y,1\n4,0,x,1\n")
    (loss,) = report(path, "-l", "mae", "--by", "a", "--by", "b")["losses"]
    assert [(g["group"], g["sum"]) for g in loss["groups"]] == [
        (["x", "1"], 5.0), (["x", "2"], 2.0), (["y", "1"], 3.0),
    ]  # fmt: skip
    table = run("evaluate", path, "-l", "mae", "--by", "a", "--by", "b")
    assert table.splitlines()[3].split()[:3] == ["a", "b", "count"]


@pytest.mark.plain_build
def test_long_texts_in_a_dictionary(tmp_path):
    """36 kB on disk stood for 2 GB."""
    texts = pa.array(["x" * 17_000, "y" * 17_000])
    codes = pa.array(np.arange(131_072) % 2, pa.int32())
    table = pa.table(
        {
            "score": np.ones(131_072),
            "label": np.zeros(131_072),
            "g": pa.DictionaryArray.from_arrays(codes, texts),
        }
    )
    path = tmp_path / "g.parquet"
    pyarrow.parquet.write_table(table, path, store_schema=False)
    assert pyarrow.parquet.read_schema(path).field("g").type == pa.string()
    assert path.stat().st_size < 200_000
    result = limited(path, "-l", "mse", "--by", "g", megabytes=1500)
    assert result.returncode == 0, result.stderr


# --------------------------------------------------------------------------------- hostile inputs


def limited(*arguments, megabytes=1000, seconds=20):
    """Run an evaluation with so much memory and time."""
    shell = ["bash", "-c", f'ulimit -v {megabytes << 10}; exec "$@"', "bash"]
    return subprocess.run(
        [*shell, sys.executable, "-m", "numloss", "evaluate", *map(str, arguments)],
        capture_output=True, text=True, check=False, timeout=seconds,
    )  # fmt: skip


def header(text):
    """Make an .npy file of a header."""
    data = text.encode()
    return b"\x93NUMPY\x03\x00" + len(data).to_bytes(4, "little") + data


HOSTILE = {
    "deep.npy": header("[" * 100_000),
    "long.npy": header("{" + " " * (50 << 20) + "}"),
    "wide.npy": header("{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000, 0), }"),
    "large.npy": header("{'descr': '<f8', 'fortran_order': True, 'shape': (1000000000, 1000), }"),
    "negative.npy": header("{'descr': '<f8', 'fortran_order': False, 'shape': (-1, 3), }"),
    "object.npy": header("{'descr': '|O', 'fortran_order': False, 'shape': (3,), }"),
    "code.npy": header("__import__('os').abort()"),
    "empty.npy": b"",
    "empty.csv": b"",
    "zeros.csv": bytes(20 << 20),
    "line.csv.gz": gzip.compress(b"score,label\n" + b"1" * (200 << 20)),
    "empty.parquet": b"PAR1PAR1",
    "empty.npz": b"PK\x05\x06" + bytes(18),
}


@pytest.mark.plain_build
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_end_in_one_line(name, tmp_path):
    path = tmp_path / name
    path.write_bytes(HOSTILE[name])
    result = limited(path, "-l", "mse", "-p", "0", "-t", "1")
    assert result.returncode in (1, 2), result.stderr
    assert result.stderr.startswith("numloss evaluate: error: ")
    assert result.stderr.count("\n") == 1
    assert result.stdout == ""


@pytest.mark.plain_build
def test_device_without_end():
    result = limited("/dev/zero", "--format", "csv", "-l", "mse")
    assert result.returncode == 1
    assert "is longer than 8 MB" in result.stderr


def test_names_do_nothing_to_the_terminal(csv):
    evil = "\x1b]52;c;ZXZpbA==\x07\x1b[2J"
    path = csv(f'score,label,g\n1,0,"{evil}"\n2,0,"a\nb"\n', f"{evil[4:8]}.csv")
    text = run("evaluate", path, "-l", "mae", "--by", "g")
    assert "\x1b" not in text
    assert "\\x1b]52;c;ZXZpbA==\\x07\\x1b[2J" in text
    assert "a\\nb" in text
    other = csv(f"score,{evil}\n1,0\n")
    for arguments in (["-t", "x"], []):
        found = message(other, "-l", "mae", *arguments, code=2)
        assert "\x1b" not in found
        assert "\\x1b" in found


def test_damaged_files_beyond_python(tmp_path):
    """An exception of C++ that nobody expects ends the process in words."""
    code = (
        "from numloss._core import end_on_abort; import ctypes; end_on_abort('last words\\n');"
        "ctypes.CDLL('libstdc++.so.6')._ZSt9terminatev()"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert (result.returncode, result.stderr) == (1, "last words\n")


# ---------------------------------------------------------------------------------------- outputs


def test_output_is_never_an_input(csv, tmp_path):
    path = csv("score,label\n1,0\n")
    link = tmp_path / "link.csv"
    link.symlink_to(path)
    for output in (path, link):
        for option in ("-o", "--metrics", "--prom", "--state"):
            text = message(path, "-l", "mse", option, output, code=2)
            assert "is an input, which would be lost" in text
    assert path.read_text() == "score,label\n1,0\n"
    assert "both write" in message(
        path, "-l", "mse", "-o", tmp_path / "x", "--state", tmp_path / "x", code=2
    )


def test_old_reports_stay_until_new_ones_are_there(csv, tmp_path):
    old = tmp_path / "report.txt"
    old.write_text("old")
    link = tmp_path / "link.txt"
    link.symlink_to(old)
    run("evaluate", csv("score,label\n1,0\n"), "-l", "mse", "-o", link)
    assert old.read_text() == "old"
    assert "mse" in link.read_text()
    assert not link.is_symlink()
    message(csv("score,label\nx,0\n"), "-l", "mse", "-o", old, code=1)
    assert old.read_text() == "old"
    assert not list(tmp_path.glob(".*"))


def test_outputs_that_cannot_be_written(csv, tmp_path):
    path = csv("score,label\n1,0\n")
    for output, match in (
        (tmp_path, "is a directory"),
        (tmp_path / "no" / "x.txt", "No such file or directory"),
        ("/dev/full", "No space left on device"),
    ):
        text = message(path, "-l", "mse", "-o", output, code=1)
        assert match in text
    result = subprocess.run(
        f"{sys.executable} -m numloss evaluate {path} -l mse > /dev/full",
        shell=True, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert result.returncode == 1
    assert result.stderr.count("\n") == 1
    assert "No space left on device" in result.stderr


def test_options_given_twice(csv):
    path = csv("a,b,label\n1,2,0\n")
    for option in (["-p", "a", "-p", "b"], ["--target", "label", "-t", "b"]):
        assert "given twice" in run("evaluate", path, "-l", "mse", *option, code=2)
    assert "given twice" in run("evaluate", path, "-l", "mse", "-l", "mse", code=2)


@pytest.mark.parametrize("name", ["bce", "log_loss", "acc", "l1", "CE"])
def test_names_from_elsewhere(name, csv):
    assert f"no loss is named {name!r} (here it is " in message(
        csv("score,label\n1,0\n"), "-l", name, code=2
    )


def test_one_infinite_loss_leaves_other_quantiles(csv):
    path = csv("score,label\n" + "".join(f"{i},0\n" for i in range(20)) + "inf,0\n")
    found = report(path, "-l", "mae")["losses"][0]["all"]
    assert (found["median"], found["p95"], found["p99"]) == (10.0, 19.0, "Infinity")
    assert "a loss is infinite" in run("evaluate", path, "-l", "mae")


# ---------------------------------------------------------------------------- states and metrics


def test_states_of_parts_merge_into_the_whole(csv, tmp_path):
    rng = np.random.default_rng(0)
    rows = [f"{s},{t},g{g}" for s, t, g in zip(
        rng.normal(size=300), rng.integers(0, 2, 300), rng.integers(0, 4, 300), strict=True
    )]  # fmt: skip
    parts = [csv("\n".join(["score,label,g", *rows[i::3], ""]), f"part{i}.csv") for i in range(3)]
    states = [tmp_path / f"{i}.nls" for i in range(3)]
    for part, state in zip(parts, states, strict=True):
        run("evaluate", part, "-l", "mse", "-l", "mae", "--by", "g", "--state", state)
    merged = json.loads(run("merge", *states, "--json", "--state", tmp_path / "all.nls"))
    whole = csv("\n".join(["score,label,g", *rows, ""]), "whole.csv")
    alone = report(whole, "-l", "mse", "-l", "mae", "--by", "g")
    for one, other in zip(merged["losses"], alone["losses"], strict=True):
        for mine, theirs in zip(
            [one["all"], *one["groups"]], [other["all"], *other["groups"]], strict=True
        ):
            del mine["maximum_row"], theirs["maximum_row"], mine["maximum_file"]
            assert mine == theirs
    again = run("merge", *states[::-1], "--state", tmp_path / "again.nls")
    assert (tmp_path / "again.nls").read_bytes() == (tmp_path / "all.nls").read_bytes()
    assert again.splitlines()[1:] == run("show", tmp_path / "all.nls").splitlines()[1:]
    assert "mse" in run("show", tmp_path / "all.nls", "--markdown")
    (tmp_path / "bad.nls").write_bytes(states[0].read_bytes()[:-1])
    assert "bad.nls: a damaged state" in run("merge", states[0], tmp_path / "bad.nls", code=1)
    run("evaluate", whole, "-l", "mse", "--state", tmp_path / "other.nls")
    assert "cannot be merged" in run("merge", states[0], tmp_path / "other.nls", code=1)
    assert run("merge", *states, "--fail-above", "mse=0", code=3)


def test_metrics_are_a_tree_of_numbers(csv, tmp_path):
    path = csv("score,label,g\n1,0,a\ninf,0,b\n2,0,b\n")
    run("evaluate", path, "-l", "mae", "--by", "g", "--metrics", tmp_path / "m.json")
    tree = json.loads((tmp_path / "m.json").read_text(), parse_constant=pytest.fail)
    assert tree["rows"] == 3
    assert tree["mae"]["by"]["a"]["mean"] == 1.0
    assert tree["not_finite"]["mae.mean"] == "Infinity"
    assert "mean" not in tree["mae"]

    def leaves(node):
        for value in node.values():
            yield from leaves(value) if isinstance(value, dict) else [value]

    tree.pop("not_finite")
    assert all(isinstance(leaf, (int, float)) for leaf in leaves(tree))


def test_gauges_for_prometheus(csv, tmp_path):
    path = csv('score,label,my group\n1,0,"a""\\b"\nnan,0,c\n')
    run("evaluate", path, "-l", "mae", "--by", "my group", "--prom", tmp_path / "m.prom")
    lines = (tmp_path / "m.prom").read_text().splitlines()
    assert lines[1] == "# TYPE numloss_loss gauge"
    assert 'numloss_loss{loss="mae",statistic="mean"} NaN' in lines
    escaped = '"a\\"\\\\b"'
    assert f'numloss_loss{{loss="mae",statistic="mean",by_my_group={escaped}}} 1.0' in lines


def test_worst_rows_are_named(csv):
    path = csv("score,label\n1,0\n5,0\n3,0\n")
    text = run("evaluate", path, "-l", "mae", "--worst", 2)
    assert text.endswith("mae: highest losses\nloss  row\n   5    1\n   3    2\n")
    other = csv("score,label\n4,0\n", "other.csv")
    text = run("evaluate", path, other, "-l", "mae", "--worst", 2)
    assert re.search(rf"\n   5 +{path} +1\n   4 +{other} +0\n$", text)
    (loss,) = report(path, "-l", "mae", "--worst", 2)["losses"]
    assert [(w["loss"], w["row"]) for w in loss["worst"]] == [(5.0, 1), (3.0, 2)]


def test_threads_and_chunks_change_no_byte(tmp_path):
    rng = np.random.default_rng(1)
    table = pa.table(
        {
            "score": rng.normal(size=20_000).astype(np.float32),
            "label": rng.integers(0, 2, 20_000),
            "g": rng.integers(0, 2000, 20_000),
        }
    )
    path = tmp_path / "t.parquet"
    pyarrow.parquet.write_table(table, path, row_group_size=3000)
    states = []
    for threads, rows in ((1, 20_000), (2, 500), (5, 77)):
        state = tmp_path / f"{threads}.nls"
        run(
            "evaluate", path, "-l", "focal", "-l", "mse", "--by", "g", "--state", state,
            "--threads", threads, "--chunk-rows", rows,
        )  # fmt: skip
        states.append(state.read_bytes())
    assert states[0] == states[1] == states[2]


def test_the_first_fault_is_told_whatever_the_threads(tmp_path):
    score = np.ones(20_000)
    label = np.zeros(20_000, np.int64)
    label[[5000, 12_345]] = 7
    path = tmp_path / "t.parquet"
    pyarrow.parquet.write_table(
        pa.table({"score": score, "label": label}), path, row_group_size=1000
    )
    for threads in (1, 2, 8):
        text = message(path, "-l", "binary_cross_entropy", "--threads", threads, code=1)
        assert "row 5000, column label" in text
    # The second part fails at once, the first one late.
    label[[5000, 12_345]] = 0
    label[[9990, 10_000]] = 7
    table = pa.table({"score": score, "label": label})
    pyarrow.parquet.write_table(table, path, row_group_size=10_000)
    for threads in (1, 2, 8):
        arguments = [path, "-l", "binary_cross_entropy", "--threads", threads]
        assert "row 9990, column label" in message(*arguments, "--chunk-rows", 100, code=1)


def test_commands_that_need_no_file():
    assert f"numloss     {numloss.__version__}" in run("info")
    assert spawn().returncode == 2
    assert "numloss evaluate" in run("evaluate", "--help")


# ---------------------------------------------------------------------------------- many files


@pytest.fixture
def table():
    """A table of everything that a file may hold."""
    rng = np.random.default_rng(2)
    rows = 3000
    return pa.table(
        {
            "score": rng.normal(size=rows),
            "label": rng.integers(0, 2, rows),
            "g": rng.choice(["a", "b", "ü"], rows),
            "logits": pa.FixedSizeListArray.from_arrays(rng.normal(size=3 * rows), 3),
        }
    )


def stored(table, folder, name):
    """Write a table in the format that the name tells."""
    path = folder / name
    if ".parquet" in name:
        pyarrow.parquet.write_table(table, path, row_group_size=700)
    elif name.endswith(".jsonl") or ".jsonl." in name:
        lines = "".join(json.dumps(row) + "\n" for row in table.to_pylist())
        path.write_bytes(gzip.compress(lines.encode()) if ".gz" in name else lines.encode())
    elif "stream" in name:
        with pa.OSFile(str(path), "wb") as file, pa.ipc.new_stream(file, table.schema) as writer:
            writer.write_table(table, max_chunksize=777)
    else:
        with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
            writer.write_table(table, max_chunksize=999)
    return path


@pytest.mark.parametrize("name", ["t.arrow", "t.feather", "stream.arrow", "t.jsonl", "t.jsonl.gz"])
@pytest.mark.parametrize("rows", [100, 5000])
def test_formats_say_the_same(name, rows, table, tmp_path):
    wanted = stored(table, tmp_path, "t.parquet")
    path = stored(table, tmp_path, name)
    for arguments in (["-p", "score", "-l", "mse", "--by", "g"],
                      ["-p", "logits", "-l", "cross_entropy"]):  # fmt: skip
        found = report(path, *arguments, "--chunk-rows", rows)["losses"]
        other = report(wanted, *arguments)["losses"]
        for loss in (*found, *other):
            del loss["worst"]
        assert found == other


@pytest.mark.parametrize("name", ["t.arrow", "stream.arrow", "t.jsonl"])
def test_damage_in_other_formats(name, table, tmp_path):
    path = stored(table, tmp_path, name)
    path.write_bytes(path.read_bytes()[:-5000])
    assert str(path) in message(path, "-p", "score", "-l", "mse", code=1)
    path.write_bytes(b"junk")
    assert str(path) in message(path, "-l", "mse", code=1)


def test_json_lines_are_held_to_the_first_ones(tmp_path):
    path = tmp_path / "t.jsonl"
    path.write_text('{"score": 1.0, "label": 0}\n' * 60_000 + '{"score": "x", "label": 0}\n')
    assert "not readable as JSON lines" in message(path, "-l", "mse", code=1)
    path.write_text('{"score": 1.0, "label": 0}\n' * 60_000 + '{"score": 1.0}\n')
    assert "row 60000, column label: missing value" in message(path, "-l", "mse", code=1)


def test_json_lines_name_the_line_that_is_wrong(tmp_path):
    path = tmp_path / "t.jsonl"
    good = '{"score": 1.0, "label": 0}\n'
    for late, wanted in (
        ('{"score": "x", "label": 0}\n', r"Column\(/score\) changed from number to string"),
        ('{"score": 1.0, "label": 0.5}\n', "Failed to convert JSON to int64.*0.5"),
        ('{"score": 1.0, "label": 0\n', "JSON parse error: Missing a comma or '}'"),
        ('{"score": 1.0}{"score": 1.0}\n', "a line must hold one object"),
        ('{"score":\n1.0}\n', "JSON parse error: Invalid value"),
        ("1.0\n", "changed from object to number"),
        ("\0\n", "JSON parse error"),
    ):
        path.write_text(good * 3 + "\n \r\n" + good * 60_000 + late + good * 70_000 + "[]\n")
        for options in ([], ["--threads", 1], ["--chunk-rows", 1000], ["--on-error", "skip"]):
            found = message(path, "-l", "mse", *options, code=1)
            assert re.search(f"row 60003: not readable as JSON lines: .*{wanted}", found), found
            assert " in row " not in found
    path.write_text(good + f'{{"score": 1.0, "note": "{"x" * 9_000_000}"}}\n')
    assert "is longer than 8 MB" in message(path, "-l", "mse", code=1)
    path.write_text(good + f'{{"score": 1.0, "label": 0, "note": "{"x" * 7_000_000}"}}\n' + good)
    assert report(path, "-l", "mse", "-p", "score")["rows"] == 3
    path.write_text("\n\n")
    assert message(path, "-l", "mse", code=1).endswith("as JSON lines: Empty JSON file")


def read_json_lines(path, rows, exact=False):
    """Read JSON lines in chunks; return their columns, or what is wrong and where."""
    from numloss.evaluation.errors import DataError
    from numloss.evaluation.files.jsonlines import JsonLinesFile
    from numloss.evaluation.files.storage import LocalFile

    try:
        source = JsonLinesFile(LocalFile(path))
        found = {name: [] for name in source.names}
        for chunk in source.chunks(source.names, rows, exact):
            values = {name: chunk[name].to_pylist() for name in source.names}
            assert 0 < len(values["a"]) <= rows
            for name in source.names:
                found[name] += values[name]
    except DataError as error:
        return re.sub(r"^\S+ ", "", str(error))
    return found


def read_by_one_parser(text, schema):
    """Read all lines at once; if that fails, return the first one that cannot be read."""
    from pyarrow.json import ParseOptions, ReadOptions, read_json

    def parse(data):
        options = ParseOptions(explicit_schema=schema, unexpected_field_behavior="ignore")
        reading = ReadOptions(use_threads=False, block_size=len(data) + 1)
        return read_json(pa.BufferReader(data), reading, options)

    rows = [line for line in text.split(b"\n") if line.strip()]
    try:
        table = parse(text)
        if len(table) == len(rows):
            return table.to_pydict()
    except pa.ArrowInvalid:
        pass
    for number, row in enumerate(rows):
        try:
            if len(parse(row)) != 1:
                return number
        except pa.ArrowInvalid:
            return number
    raise AssertionError("no row is to blame")


def test_blocks_of_json_lines_are_what_a_parser_reads(tmp_path, monkeypatch):
    from numloss.evaluation.files import lines

    rng = np.random.default_rng(12)
    values = ["1", "2.5", "-3e2", "null", "NaN", '"x"', '"}{"', '"\\"\\n{"', "[1, 2]", "[]",
              "true", '{"c": 1}', '"2024-01-01"', " 7 ", "\t8\r", '"é"', "9" * 20]  # fmt: skip
    ends = ["\n"] * 12 + ["\r\n", "\n\n", " \n", "\n\t\n"]
    kinds = Counter()
    path = tmp_path / "t.jsonl"
    for _ in range(160):
        kind = rng.choice([values[:4], values[:3], values[5:8], ["[1]", "[2, 3]"], ["null"]][
            rng.integers(5)])  # fmt: skip
        plain = [kind] if rng.random() < 0.3 else [kind, kind, *values[:3]]
        head = "".join(f'{{"a": {kind}, "b": {i}}}\n' for i in range(rng.integers(1, 4))).encode()
        rows = []
        for i in range(rng.integers(0, 25)):
            choices = values if rng.random() < 0.03 else plain
            row = f'{{"a": {rng.choice(choices)}, "b": {i}}}'
            row = (
                row if rng.random() < 0.95 else rng.choice(["{}", '{"b": 4, "z": [{}]}', f" {row}"])
            )
            if rng.random() < 0.01:
                row = rng.choice([row + row, row[:-1], row.replace(":", ":\n", 1), "5", f"{row} x"])
            rows.append(row + rng.choice(ends))
        text = head + "".join(rows).encode()
        path.write_bytes(text.rstrip(b"\n") if rng.random() < 0.2 else text)
        monkeypatch.setattr(lines, "BLOCK", len(head))  # which decides what the columns hold
        schema = pyarrow.json.read_json(pa.BufferReader(head)).schema
        wanted = read_by_one_parser(text, schema)
        for rows_at_once, exact in ((1, False), (3, False), (1000, False), (3, True), (1000, True)):
            found = read_json_lines(path, rows_at_once, exact)
            if isinstance(wanted, int):
                assert found.startswith(f"row {wanted}: not readable as JSON lines: ")
                assert found == read_json_lines(path, 2)
            else:
                assert repr(found) == repr(wanted)  # NaN is NaN
        kinds[type(wanted)] += 1
    assert min(kinds[dict], kinds[int]) > 30


def test_json_lines_begin_with_a_mark_of_their_order(tmp_path):
    path = tmp_path / "t.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + b'{"score": 1.0, "label": 0}\r\n' * 5)
    assert report(path, "-l", "mse", "--chunk-rows", 2)["rows"] == 5


def test_safetensors(tmp_path):
    import ml_dtypes

    rng = np.random.default_rng(3)
    logits = rng.normal(size=(500, 4)).astype(np.float16)
    labels = rng.integers(0, 4, 500)

    def write(name, kind, values):
        tensors = {"logits": (kind, values), "label": ("I64", labels)}
        header, data = {"__metadata__": {"a": "b"}}, b""
        for key, (dtype, array) in tensors.items():
            ends = [len(data), len(data) + array.nbytes]
            header[key] = {"dtype": dtype, "shape": list(array.shape), "data_offsets": ends}
            data += array.tobytes()
        text = json.dumps(header).encode()
        path = tmp_path / name
        path.write_bytes(len(text).to_bytes(8, "little") + text + data)
        return path

    for kind, values in (
        ("F16", logits), ("BF16", logits.astype(ml_dtypes.bfloat16)),
        ("F32", logits.astype(np.float32)),
    ):  # fmt: skip
        path = write(f"{kind}.safetensors", kind, values)
        wanted = float(numloss.cross_entropy(values, labels, dtype=np.float32))
        assert mean(path, "-l", "cross_entropy", "--chunk-rows", 77) == pytest.approx(wanted)
    data = path.read_bytes()
    for damaged in (data[:-8], data[:20], b"\xff" * 8 + data[8:]):
        path.write_bytes(damaged)
        assert "not a readable .safetensors file" in message(path, "-l", "mse", code=1)


def test_many_files_are_one(table, tmp_path):
    whole = stored(table, tmp_path, "whole.parquet")
    folder = tmp_path / "parts"
    for index, country in enumerate(["de", "fr", "de"]):
        part = folder / f"country={country}"
        part.mkdir(parents=True, exist_ok=True)
        stored(table.slice(1000 * index, 1000), part, f"part-{index}.parquet")
        (part / "_SUCCESS").touch()
        (part / ".hidden.parquet").touch()
    alone = report(whole, "-p", "score", "-l", "mse", "--by", "g")["losses"][0]
    names = sorted(folder.rglob("part-*.parquet"))
    for files in ([folder], names, [folder / "*" / "part-*.parquet"]):
        document = json.loads(
            run("evaluate", *files, "-p", "score", "-l", "mse", "--by", "g", "--json")
        )
        assert (document["files"], document["rows"]) == (3, 3000)
        for mine, theirs in zip(
            [document["losses"][0]["all"], *document["losses"][0]["groups"]],
            [alone["all"], *alone["groups"]],
            strict=True,
        ):
            different = {"maximum_row", "maximum_file"}
            assert {k: v for k, v in mine.items() if k not in different} == {
                k: v for k, v in theirs.items() if k not in different
            }
    missing = folder / "country=__HIVE_DEFAULT_PARTITION__"
    (folder / "country=fr").rename(missing)
    by = json.loads(
        run("evaluate", folder, "-p", "score", "-l", "mse", "--by", "country", "--json")
    )
    assert [(g["group"], g["count"]) for g in by["losses"][0]["groups"]] == [
        ("de", 2000), (None, 1000),
    ]  # fmt: skip
    missing.rename(folder / "country=fr")
    by = json.loads(run("evaluate", folder, "-p", "score", "-l", "mse", "--by", "country",
                        "--by", "g", "--json"))  # fmt: skip
    counts = {tuple(g["group"]): g["count"] for g in by["losses"][0]["groups"]}
    assert sum(counts[key] for key in counts if key[0] == "de") == 2000
    text = run("evaluate", folder, "-p", "score", "-l", "mse")
    assert text.startswith(f"3 files, {names[0]} ... {names[-1]}: 3000 rows; prediction score")


def test_files_that_do_not_belong_together(table, tmp_path, csv):
    one = stored(table, tmp_path, "a.parquet")
    other = stored(table.drop_columns("score"), tmp_path, "b.parquet")
    assert f"{other} has no 'score'" in message(one, other, "-p", "score", "-l", "mse", code=2)
    first, second = csv("score,label\n1,0\n", "a.csv"), csv("score,label\nTrue,0\n", "b.csv")
    assert f"{second}: row 0 (line 2), column score: 'True' is not a number" in message(
        first, second, "-l", "mse", code=1
    )
    late = stored(table.set_column(1, "label", pa.array([7] * 3000)), tmp_path, "c.parquet")
    for threads in (1, 4):
        text = message(
            one, late, "-p", "score", "-l", "binary_cross_entropy", "--threads", threads, code=1
        )
        assert text.startswith(f"{late}: row 0, column label")
    assert "--targets goes with one file" in message(one, late, "-T", one, "-l", "mse", code=2)
    assert "no file matches" in message(tmp_path / "z*.csv", "-l", "mse", code=1)
    (tmp_path / "empty").mkdir()
    assert "is a directory without a file" in message(tmp_path / "empty", "-l", "mse", code=1)
    assert "holds files of several formats" in message(tmp_path, "-l", "mse", code=2)
    groups = stored(table.set_column(2, "g", pa.array([1] * 3000)), tmp_path, "d.parquet")
    assert f"{groups}: column g: groups must be of one kind" in message(
        one, groups, "-p", "score", "-l", "mse", "--by", "g", "--threads", 1, code=1
    )


def test_evaluate_in_python(table, tmp_path):
    path = stored(table, tmp_path, "t.parquet")
    result = numloss.evaluate(
        path, {"a": "mse", "b": numloss.mae}, prediction="score", by=["g", "label"],
        quantiles=[0.25], worst=3, threads=1,
    )  # fmt: skip
    score, label = table["score"].to_numpy(), table["label"].to_numpy()
    assert result["a"].total.mean == pytest.approx(((score - label) ** 2).mean())
    chosen = (table["g"].to_numpy(zero_copy_only=False) == "a") & (label == 1)
    assert result["b"].groups["a", 1].quantiles[0.25] == pytest.approx(
        np.quantile(np.abs(score - label)[chosen], 0.25)
    )
    assert len(result["a"].worst) == 3
    with pytest.raises(numloss.EvaluationError, match="has no 'scare'"):
        numloss.evaluate(path, "mse", prediction="scare")
    inside = pa.table({"score": [0.5] * 40, "label": [1] * 40})
    with pytest.warns(RuntimeWarning, match="all 40 rows of score could be probabilities"):
        numloss.evaluate(stored(inside, tmp_path, "p.parquet"), "binary_cross_entropy")
    probabilities = numloss.evaluate(
        tmp_path / "p.parquet", "binary_cross_entropy", scale="probabilities"
    )
    assert probabilities["binary_cross_entropy"].total.mean == pytest.approx(np.log(2))


# ------------------------------------------------------------------------------- interrupted runs


def states(folder):
    """Write three files, and return them and the bytes of their state."""
    rng = np.random.default_rng(4)
    paths = []
    for index in range(3):
        values = {"score": rng.normal(size=5000), "label": rng.integers(0, 2, 5000),
                  "g": rng.integers(0, 9, 5000)}  # fmt: skip
        paths.append(folder / f"{index}.parquet")
        pyarrow.parquet.write_table(pa.table(values), paths[-1], row_group_size=700)
    options = ["-l", "mse", "-l", "mae", "--by", "g"]
    run("evaluate", *paths, *options, "--state", folder / "whole.nls")
    return paths, options, (folder / "whole.nls").read_bytes()


def test_resumed_runs_end_with_the_same_bytes(tmp_path):
    from numloss.evaluation.files.dataset import Dataset
    from numloss.evaluation.files.inputs import Request
    from numloss.evaluation.kept import Kept
    from numloss.evaluation.run import evaluate_files
    from numloss.evaluation.specs import parse_loss

    paths, options, wanted = states(tmp_path)
    losses = {"mse": parse_loss("mse"), "mae": parse_loss("mae")}
    state = tmp_path / "part.nls"
    for most in (4, 9, 20, 40):

        class Stop:
            """Says stop after so many chunks."""

            left = most

            def is_set(self):
                self.left -= 1
                return self.left < 0

        part = evaluate_files(
            Dataset(Request([str(path) for path in paths], by=["g"])),
            losses,
            Kept(),
            chunk_rows=300,
            threads=2,
            stop=Stop(),
        )
        assert 0 < part.rows < 15_000
        state.write_bytes(part.to_bytes())
        run("evaluate", *paths, *options, "--state", state, "--resume", "--chunk-rows", 411)
        assert state.read_bytes() == wanted
    run("evaluate", *paths, *options, "--state", state, "--resume")
    assert state.read_bytes() == wanted
    fresh = tmp_path / "fresh.nls"
    run("evaluate", *paths, *options, "--state", fresh, "--resume")
    assert fresh.read_bytes() == wanted
    text = run("evaluate", *paths, "-l", "mse", "--state", state, "--resume", code=1)
    assert "cannot be merged" in text
    assert "name one" in run("evaluate", *paths, "-l", "mse", "--resume", code=2)


@pytest.mark.parametrize("name", ["KILL", "TERM", "INT"])
def test_killed_runs_go_on(name, tmp_path):
    """A process that is killed leaves the last state that it wrote, and one that is asked to end
    writes what it has.
    """
    paths, options, wanted = states(tmp_path)
    state = tmp_path / "killed.nls"
    code = (
        "import sys, time; from numloss import cli; from numloss.evaluation import run\n"
        "run.KEEP_SECONDS = 0.0\n"
        "take = run._Worker._take\n"
        "def slow(*arguments): time.sleep(0.02); take(*arguments); print(flush=True)\n"
        "run._Worker._take = slow\n"
        "sys.exit(cli.main(sys.argv[1:]))"
    )
    command = [sys.executable, "-c", code, "evaluate", *paths, *options, "--state", state,
               "--chunk-rows", "200", "--threads", "2"]  # fmt: skip
    with subprocess.Popen(
        list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        for _ in range(12):
            process.stdout.readline()
        process.send_signal(getattr(signal, f"SIG{name}"))
        _, err = process.communicate(timeout=20)
    if name == "KILL":
        assert process.returncode == -signal.SIGKILL
    else:
        assert process.returncode == 130
        assert "rows are in" in err
        assert err.count("\n") == 1
    kept = numloss.Evaluation.from_bytes(state.read_bytes())
    assert 0 < kept.rows < 15_000
    run("evaluate", *paths, *options, "--state", state, "--resume")
    assert state.read_bytes() == wanted


def test_states_of_the_same_rows_are_not_merged(tmp_path):
    paths, options, _ = states(tmp_path)
    for name in ("a", "b"):
        run("evaluate", paths[0], *options, "--state", tmp_path / f"{name}.nls")
    assert "rows 0 to 4999 of " in run("merge", tmp_path / "a.nls", tmp_path / "b.nls", code=1)


def test_states_of_other_readings_are_not_merged(csv, tmp_path):
    text = "score,label\n0.5,1\n0.25,0\n"
    kept = []
    for name, options in (
        ("a", []), ("b", ["--from-probabilities"]), ("c", ["--positive", "1"]),
        ("d", ["--positive", "0"]),
    ):  # fmt: skip
        kept.append(tmp_path / f"{name}.nls")
        path = csv(text, f"{name}.csv")
        run("evaluate", path, "-l", "binary_cross_entropy", *options, "--state", kept[-1])
    for state in kept[1:]:
        assert "unlike reading cannot be merged" in run("merge", kept[0], state, code=1)
    assert "unlike reading" in run("merge", kept[2], kept[3], code=1)


def test_arguments_may_be_given_in_several_ways(csv, tmp_path):
    from numloss.evaluation.files.dataset import Dataset
    from numloss.evaluation.files.inputs import Request

    path = csv("a,b,label,g,age,w\n1,2,0,x,20,1\n2,1,1,y,40,2\n3,1,1,y,70,1\n")
    np.save(tmp_path / "w.npy", [1.0, 2.0, 1.0])
    for one, other in (
        ({"positive": 1}, {"positive": "1"}),
        ({"prediction": ["a", "b"]}, {"prediction": "a, b"}),
        ({"target": ["label"]}, {"target": "label"}),
        ({"prediction": "a,b", "classes": [0, 1]}, {"prediction": "a,b", "classes": "0, 1"}),
        ({"by": ["g", "age:18,30,65"]}, {"by": "g,age:18,30,65"}),
        ({"by": ["age:18,30,65", "g"]}, {"by": "age:18, 30,65, g"}),
        ({"by": ["g"]}, {"by": "g"}),
        ({"weight": tmp_path / "w.npy"}, {"weight": str(tmp_path / "w.npy")}),
        ({"by": tmp_path / "w.npy"}, {"by": [str(tmp_path / "w.npy")]}),
        ({"compare": ["b"]}, {"compare": "b"}),
        ({"targets": path}, {"targets": str(path)}),
    ):
        first, second = ({"prediction": "a", **options} for options in (one, other))
        made = [Dataset(Request.of(files, **options))
                for files, options in (([path], first), (str(path), second))]  # fmt: skip
        assert made[0].reading == made[1].reading
        assert made[0].by == made[1].by
        assert made[0].origin(3) == made[1].origin(3)
        loss = "accuracy" if "," in made[0].request.prediction else "binary_cross_entropy"
        found = [numloss.evaluate(path, loss, **options)[loss] for options in (first, second)]
        assert found[0].total.mean == found[1].total.mean
    found = run("evaluate", path, "-p", "a", "-l", "mse", "--by", "g,age:18,30,65", "--json")
    assert json.loads(found)["by"]["columns"] == ["g", "age"]
    # A column or a file may have a comma in its name.
    table = pa.table({"score": [1.0, 2.0], "label": [0.0, 0.0], "g,h": ["x", "y"]})
    pa.parquet.write_table(table, tmp_path / "c.parquet")
    np.save(tmp_path / "u,v.npy", [1, 2])
    for by in ("g,h", tmp_path / "u,v.npy"):
        assert len(numloss.evaluate(tmp_path / "c.parquet", "mse", by=by)["mse"].groups) == 2
    for wrong, told in (
        ({"scale": "logit"}, "scale must be 'logits' or 'probabilities'"),
        ({"on_error": "stop"}, "on_error must be"), ({"limit": True}, "limit must be"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=told):
            numloss.evaluate(path, "mse", prediction="a", **wrong)


#: Arguments in Python, and what is said of them there and by the command.
WORDINGS = [
    ("a,b\n1,0\n", {"target": "b"}, "name the prediction with prediction=...; it has a, b",
     "name the prediction with --prediction; it has a, b"),
    ("score,pred,b\n1,0,0\n", {"target": "b"}, "choose with prediction=...",
     "choose with --prediction"),
    ("score,b\n1,0\n", {"prediction": "b", "target": "b"},
     "name the target with target=..., or its file with targets=...",
     "name the target with --target, or its file with --targets"),
    ("score,label\n1,x\n", {}, "positive=VALUE makes text a target of two classes, "
     "classes='a,b,c' one of more",
     "--positive VALUE makes text a target of two classes, --classes a,b,c one of more"),
    ("score,label\n1,0\n", {"positive": 7}, "no row holds the positive value",
     "no row holds the --positive value"),
    ("score,a_0,a_1\n1,0,1\n", {"target": "a_0,a_1", "positive": 7},
     "positive needs a target of one column", "--positive needs a target of one column"),
    ("score,a_0,a_1\n1,0,1\n", {"target": "a_0,a_1", "classes": "x,y"},
     "classes needs a target of one column, and no positive",
     "--classes needs a target of one column, and no --positive"),
    ("a_0,a_1,label\n1,0,x\n", {"prediction": "a_*", "classes": "x"},
     "classes names 1 classes", "--classes names 1 classes"),
    ("score,label\n1,0\n", {"classes": "x,x"}, "classes='x,x': each needs",
     "--classes x,x: each needs"),
    ("a_1,a_2,label\n1,0,1\n", {"prediction": "a_*"}, "from 0: classes='1,2' says",
     "from 0: --classes 1,2 says"),
    ("score,label\n1,0\n", {"by": "lable"}, "for by (did you mean 'label'?)",
     "for --by (did you mean 'label'?)"),
    ("score,label,g\n1,0,1\n", {"by": "g:0"}, "by='g:0': the width", "--by g:0: the width"),
    ("score,label,g\n1,0,1\n", {"by": "g,g"}, "by='g': given twice", "--by g: given twice"),
    ("score,label,g\n1,0,1\n", {"by": "g", "cluster": "g"},
     ": cluster must be another column than those of by, got g: a group of one cluster",
     ": --cluster must be another column than those of by, got g: a group of one cluster"),
    ("score,label\n1,0\n", {"id": "score"}, ": id belongs to compare",
     ": --id belongs to --compare"),
    ("score,label\n1,0\n", {"compare": "score"}, "compare='score': this is",
     "--compare score: this is"),
    ("score,label\n1,0\n", {"worst": 1, "worst_columns": "x"}, "worst_columns: no 'x'",
     "--worst-columns: no 'x'"),
    ("score,label\n1,0\n", {"loss": "cross_entropy"},
     "loss cross_entropy: needs a prediction with one number per class: several columns "
     "(prediction='logit_*')",
     "--loss cross_entropy: needs a prediction with one number per class: several columns "
     "(--prediction 'logit_*')"),
    ("score,label\n1,0\n", {"loss": "hinge"}, ": positive=1 makes the label 1",
     ": --positive 1 makes the label 1"),
    ("prob,label\n1,0\n", {"loss": "hinge"}, "scale='logits' says that it holds scores",
     "--from-logits says that it holds scores"),
    ("prob_0,prob_1,label\n1,2,0\n", {"loss": "cross_entropy", "prediction": "prob_*"},
     "scale='logits' if they are logits", "--from-logits if they are logits"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "given", "python", "command"), WORDINGS)
def test_messages_speak_of_arguments_or_of_options(text, given, python, command, csv):
    path, loss = csv(text), given.get("loss", "mse")
    options = {name: value for name, value in given.items() if name != "loss"}
    with pytest.raises(numloss.evaluation.errors.EvaluationError) as caught:
        numloss.evaluate(path, loss, **options)
    assert python in f": {caught.value}"
    copied = pickle.loads(pickle.dumps(caught.value))
    for error in (caught.value, copied):
        assert str(error).isprintable()
        assert "--" not in str(error)
    words = [word for name, value in options.items()
             for word in (f"--{name.replace('_', '-')}", value)]  # fmt: skip
    _, _, told = invoke("evaluate", path, "-l", loss, *words)
    assert command in told
    assert told.strip().isprintable()
    assert copied.marked == caught.value.marked
    assert told == f"numloss evaluate: error: {in_command(copied.marked)}\n"


def test_warnings_and_skips_speak_of_arguments_or_of_options(csv, tmp_path):
    path = csv("score,label\n" + "0.5,1\n" * 30)
    with pytest.warns(RuntimeWarning, match="scale='probabilities' if they are, scale='logits' if"):
        numloss.evaluate(path, "binary_cross_entropy")
    _, _, told = invoke("evaluate", path, "-l", "binary_cross_entropy")
    assert "--from-probabilities if they are, --from-logits if not" in told
    path, state = csv("score,label\n2,1\n3,0\n"), tmp_path / "s.nls"
    result = numloss.evaluate(path, "hinge", on_error="skip")
    assert result.skips[0][2].endswith(": positive=1 makes the label 1 the positive class")
    options = ["-l", "hinge", "--on-error", "skip", "--state", state]
    for command in (["evaluate", path, *options], ["show", state], ["show", state, "--json"]):
        code, told, _ = invoke(*command)
        assert code == 4
        assert "--positive 1 makes the label 1 the positive class" in told
        assert "\x02" not in told
        assert "u0002" not in told
    kept = numloss.Evaluation.from_bytes(state.read_bytes()).result()
    assert kept.skips == result.skips


def test_no_message_of_python_names_an_option_alone():
    """The command alone has limits, baselines, outputs and schedulers."""
    root = Path(numloss.evaluation.__file__).parent
    command = {"gates.py", "losses_out.py", "memory.py", "wording.py"}
    known = {"--scheduler ", "--max-groups", "--by finds more than "}  # the command's, too
    option = re.compile(r"(?<![\w:-])--(?=[a-z]|$)")
    for path in root.rglob("*.py"):
        tree = ast.parse(path.read_text())
        skipped = {
            inner for node in ast.walk(tree)
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "either"
            for inner in ast.walk(node)
        }  # fmt: skip
        for node in ast.walk(tree):
            if path.name in command or node in skipped or not isinstance(node, ast.Constant):
                continue
            text = node.value if isinstance(node.value, str) else ""
            if option.search(text) and "\n" not in text:
                assert any(start in text for start in known), (path, text)


@pytest.mark.parametrize("kind", ["csv", "parquet", "npz"])
@pytest.mark.parametrize("rows", [1, 7, 1000])
def test_bad_rows_are_skipped(kind, rows, tmp_path, csv):
    rng = np.random.default_rng(5)
    label = rng.integers(0, 3, 200)
    bad = [0, 50, 51, 199]
    label[bad] = 9
    logits = rng.normal(size=(200, 3))
    columns = {f"logit_{i}": logits[:, i] for i in range(3)} | {"label": label}
    path = tmp_path / f"s.{kind}"
    if kind == "csv":
        lines = [",".join(map(str, row)) for row in zip(*columns.values(), strict=True)]
        path.write_text("\n".join([",".join(columns), *lines, ""]))
    elif kind == "parquet":
        pyarrow.parquet.write_table(pa.table(columns), path, row_group_size=60)
    else:
        np.savez(path, **columns)
    arguments = [
        "evaluate",
        path,
        "-l",
        "cross_entropy",
        "--on-error",
        "skip",
        "--chunk-rows",
        rows,
    ]
    code, out, _ = invoke(*arguments, "--json")
    document = json.loads(out)
    good = np.setdiff1d(np.arange(200), bad)
    assert code == 4
    assert (document["rows"], document["skipped"]) == (196, 4)
    assert [skip["row"] for skip in document["skips"]] == bad
    assert "target must hold labels in [0, 3)" in document["skips"][0]["problem"]
    found = document["losses"][0]["all"]
    assert found["count"] == 196
    assert found["mean"] == pytest.approx(float(numloss.cross_entropy(logits[good], label[good])))
    assert "4 rows were skipped, first:" in invoke(*arguments)[1]
    result = numloss.evaluate(path, "cross_entropy", on_error="skip")
    assert (result.skipped, result["cross_entropy"].total.mean) == (4, found["mean"])
    assert "row 0" in message(path, "-l", "cross_entropy", code=1)


# -------------------------------------------------------------------------------- pipes and stores


def piped(data, *arguments):
    """Run the command with bytes on its standard input."""
    command = [sys.executable, "-m", "numloss", "evaluate", *map(str, arguments)]
    return subprocess.run(command, input=data, capture_output=True, check=False, timeout=60)


def arrow_bytes(table, make=pa.ipc.new_stream):
    sink = pa.BufferOutputStream()
    with make(sink, table.schema) as writer:
        writer.write_table(table, max_chunksize=700)
    return sink.getvalue().to_pybytes()


@pytest.mark.parametrize("kind", ["arrow", "csv", "csv.gz", "jsonl", "jsonl.bz2"])
def test_pipes(kind, tmp_path):
    rng = np.random.default_rng(4)
    scores, labels = rng.normal(size=60_000).astype("f4"), rng.integers(0, 2, 60_000)
    columns = {"score": scores, "label": labels}
    if kind == "arrow":
        data = arrow_bytes(pa.table(columns))
    elif kind.startswith("csv"):
        rows = "".join(f"{s!r},{y}\n" for s, y in zip(scores.tolist(), labels, strict=True))
        data = f"score,label\n{rows}".encode()  # more than a block
    else:
        data = "".join(
            json.dumps({"score": s, "label": y}) + "\n"
            for s, y in zip(scores.tolist(), labels.tolist(), strict=True)
        ).encode()
    data = gzip.compress(data) if kind.endswith("gz") else data
    data = bz2.compress(data) if kind.endswith("bz2") else data
    wanted = float(np.square(scores.astype("f8") - labels).mean())
    found = piped(data, "-", "-l", "mse", "--json")
    assert found.returncode == 0, found.stderr
    document = json.loads(found.stdout)
    assert document["prediction"]["file"] == "-"
    assert document["rows"] == 60_000
    assert document["losses"][0]["all"]["mean"] == pytest.approx(wanted, rel=1e-6)
    # A named pipe, and targets of another file beside it.
    path, pipe = tmp_path / f"data.{kind}", tmp_path / "pipe"
    path.write_bytes(data)
    os.mkfifo(pipe)
    with subprocess.Popen(["cp", path, pipe]):
        beside = report(pipe, "-l", "mse", "-T", path, "-t", "label")
    assert beside["rows"] == 60_000
    del document["losses"][0]["all"]["maximum_file"]
    assert beside["losses"] == document["losses"]


def test_pipes_that_end_in_a_message(tmp_path):
    table = pa.table({"score": [1.0, 2.0], "label": [0.0, 1.0]})
    pa.parquet.write_table(table, tmp_path / "t.parquet")
    np.save(tmp_path / "t.npy", np.ones((3, 2)))
    csv = b"score,label\n"
    for data, options, wanted in (
        (b"", [], "Empty CSV file"),
        (csv + b"1,0\nx,1\n", [], "row 1, column score: 'x' is not a number"),
        (csv + b'1,0\n2,"1\n', [], "an odd number of quotes, 1: one may not be closed"),
        (csv + b"1" * 9_000_000, [], "is longer than 8 MB"),
        (csv + b"1,0\n" * 10 + b"1,2,3\n", [], "row 10: Expected 2 columns, got 3"),
        (gzip.compress(csv + b"1,0\n" * 100_000)[:-40], [], "Truncated compressed stream"),
        ((tmp_path / "t.parquet").read_bytes(), [], "the file is Parquet"),
        ((tmp_path / "t.parquet").read_bytes(), ["--format", "parquet"], "need a file"),
        ((tmp_path / "t.npy").read_bytes(), ["--format", "npy"], "need a file"),
        (arrow_bytes(table, pa.ipc.new_file), [], "its file format needs a file"),
        (arrow_bytes(table)[:-200], [], "not a readable Arrow file"),
    ):
        found = piped(data, "-", "-l", "mse", *options)
        assert found.returncode == 1, (data[:20], found.stderr)
        assert re.search(f"error: -: .*({wanted})", found.stderr.decode())
        assert found.stderr.count(b"\n") == 1
    command = f"{sys.executable} -m numloss evaluate - -l mse <&-"
    closed = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)
    assert (closed.returncode, closed.stderr) == (
        1, "numloss evaluate: error: -: standard input is closed\n",
    )  # fmt: skip


@pytest.mark.slow
@pytest.mark.plain_build
@pytest.mark.parametrize("line", ["{}.5,1", '{{"score": {}.5, "label": 1}}'])
def test_a_pipe_is_read_in_bounded_memory(line):
    code = (
        f"import sys\nfor i in range(3_000_000): sys.stdout.write({line!r}.format(i % 7) + '\\n')"
    )
    header = "" if line.startswith("{{") else "echo score,label;"
    command = (
        f"({header} {sys.executable} -c {shlex.quote(code)}) | {sys.executable} -c "
        + shlex.quote(
            "import sys; from numloss import cli; "
            "code = cli.main(['evaluate', '-', '-l', 'mse', '--json']); "
            "print([l for l in open('/proc/self/status') if 'VmHWM' in l][0], file=sys.stderr); "
            "sys.exit(code)"
        )
    )
    result = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout)["rows"] == 3_000_000
    assert int(result.stderr.split()[1]) < 200_000  # kB


def test_names_of_files_that_uris_give(csv, tmp_path):
    path = csv("score,label\n1,0\n3,1\n")
    uri = path.as_uri()
    assert mean(path, "-l", "mse") == 2.5
    for name in (uri, f"{tmp_path.as_uri()}/*.csv"):
        document = json.loads(run("evaluate", name, "-l", "mse", "--json"))
        assert document["prediction"]["file"] == str(path)
    assert "Unrecognized filesystem" in message("ftp://a:key@b/c.csv", "-l", "mse", code=2)
    assert "key" not in message("ftp://a:key@b/c.csv", "-l", "mse", code=2)


# ------------------------------------------------------------------------------------------ locales


LOCALES = (
    {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    {"LC_ALL": "C.UTF-8"},
    {"LC_ALL": "POSIX"},
    {"LC_ALL": "de_DE.UTF-8", "LANG": "tr_TR.UTF-8"},
    {"PYTHONIOENCODING": "latin-1"},
)


def test_no_locale_and_no_time_zone_changes_a_byte(tmp_path):
    folder = tmp_path / "größe=İ"
    folder.mkdir()
    path = folder / "é.csv"
    path.write_text("score,label,Größe\n1.5,0,ä\n2.5,1,I\n", encoding="utf-8")
    odd = os.fsencode(folder) + b"/\xff.csv"  # no text at all
    Path(os.fsdecode(odd)).write_bytes(path.read_bytes())
    state, written = tmp_path / "s.nls", tmp_path / "r.json"
    found = set()
    ways = ([path], [odd], [f"{tmp_path}/*/é.csv", path], [folder])
    for environment in (*LOCALES, {"TZ": "Pacific/Kiritimati"}):
        # An ASCII locale and the usual one, with all ways to name a file; the others with one.
        for names in ways if environment in LOCALES[:2] else ways[2:3]:
            command = [
                sys.executable, "-m", "numloss", "evaluate", *names, "-l", "mse", "-l", "mae",
                "--by", "Größe", "--by", "größe", "--json", "-o", written, "--state", state,
            ]  # fmt: skip
            result = subprocess.run(
                command, env={**os.environ, **environment}, capture_output=True, check=False
            )
            assert result.returncode == 0, result.stderr
            found.add((str(names), state.read_bytes(), written.read_bytes()))
    assert len(found) == 4  # one for each way, whatever the environment
    assert json.loads(written.read_bytes().decode("utf-8", "replace"))["rows"] == 2


def test_a_clock_that_jumps(csv, monkeypatch):
    path = csv("score,label\n" + "1,0\n" * 5000)
    wanted = report(path, "-l", "mse")
    times = itertools.cycle([1e9, -5.0, 0.0, 4e9])
    monkeypatch.setattr(time, "time", lambda: next(times))
    assert report(path, "-l", "mse", "--chunk-rows", 9) == wanted


# -------------------------------------------------------------------- tokens and Spark's vectors


@pytest.fixture(scope="module")
def tokens(tmp_path_factory):
    """Return a table of sentences, with their logits and labels laid one after the other."""
    rng = np.random.default_rng(3)
    lengths = rng.integers(0, 7, 4000)
    logits = rng.normal(size=(lengths.sum(), 4)).astype("f4")
    labels = rng.integers(0, 4, lengths.sum())
    weights = rng.random(lengths.sum())
    ends = np.cumsum(lengths)[:-1]
    table = pa.table(
        {
            "logits": pa.array(
                [part.tolist() for part in np.split(logits, ends)], pa.list_(pa.list_(pa.float32()))
            ),
            "label": [part.tolist() for part in np.split(labels, ends)],
            "token_weight": [part.tolist() for part in np.split(weights, ends)],
            "weight": rng.random(len(lengths)),
            "g": rng.integers(0, 3, len(lengths)),
        }
    )
    return table, lengths, logits, labels, weights


def test_tokens_are_examples(tokens, tmp_path):
    table, lengths, logits, labels, weights = tokens
    path = tmp_path / "t.parquet"
    pa.parquet.write_table(table, path, row_group_size=700)
    rows = np.repeat(np.arange(len(lengths)), lengths)
    losses = numloss.cross_entropy(logits, labels, reduction="none")
    for options in ({}, {"threads": 1}):
        result = numloss.evaluate(
            path, ["cross_entropy", "multiclass_hinge"], prediction="logits", by="g", **options
        )
        found = result["cross_entropy"]
        assert (result.rows, found.total.count) == (len(lengths), len(labels))
        assert found.total.mean == numloss.cross_entropy(logits, labels)
        assert found.total.maximum_row.row == rows[losses.argmax()]
        for key, group in found.groups:
            assert group.mean == losses[table["g"].to_numpy()[rows] == key].mean(dtype="f8")
    for name, each in (("weight", table["weight"].to_numpy()[rows]), ("token_weight", weights)):
        result = numloss.evaluate(path, "cross_entropy", prediction="logits", weight=name)
        wanted = numloss.cross_entropy(logits, labels, weight=each)
        assert result["cross_entropy"].total.mean == pytest.approx(wanted, rel=1e-15)
    # Cutting changes nothing, nor does a chunk of sentences without words.
    first = int(np.argmax(lengths == 0))
    empty = table.slice(first, 1)
    pa.parquet.write_table(pa.concat_tables([table, *[empty] * 50]), path)
    for rows_at_once in (1, 7, 50, 5000):
        assert mean(
            path, "-l", "cross_entropy", "-p", "logits", "--chunk-rows", rows_at_once
        ) == numloss.cross_entropy(logits, labels)


def test_numbers_in_rows_of_unequal_lengths(tokens, tmp_path):
    table, _, logits, labels, _ = tokens
    table = table.append_column(
        "score", [[[x[0] for x in row] for row in table["logits"].to_pylist()]]
    )
    path = tmp_path / "t.parquet"
    pa.parquet.write_table(table, path, row_group_size=700)
    wanted = float(np.square(logits[:, 0].astype("f8") - labels).mean())
    assert mean(path, "-p", "score", "-l", "mse") == pytest.approx(wanted, rel=1e-7)
    with path.with_suffix(".jsonl").open("w") as file:
        file.writelines(json.dumps(row) + "\n" for row in table.to_pylist())
    for rows_at_once in (13, 5000):
        assert mean(
            path.with_suffix(".jsonl"), "-p", "score", "-l", "mse", "--chunk-rows", rows_at_once
        ) == pytest.approx(wanted, rel=1e-7)


def test_tokens_that_do_not_fit(tokens, tmp_path):
    table, lengths, _, _, _ = tokens
    path = tmp_path / "t.parquet"
    bad = int(np.flatnonzero(lengths > 2)[40])
    labels, logits = table["label"].to_pylist(), table["logits"].to_pylist()

    def with_column(name, values):
        place = table.schema.get_field_index(name)
        pa.parquet.write_table(table.set_column(place, name, pa.array(values)), path)

    def refused(*options):
        found = {
            message(
                path, "-l", "cross_entropy", "-p", "logits", *options, "--chunk-rows", n, code=1
            )
            for n in (1, 5, 10_000)
        }
        (one,) = found
        return one.partition(": ")[2]

    with_column("label", [*labels[:bad], labels[bad][:-1], *labels[bad + 1 :]])
    n = lengths[bad]
    assert refused() == f"row {bad}, column label: {n - 1} values, where the prediction has {n}"
    with_column("label", [*labels[:bad], [9, *labels[bad][1:]], *labels[bad + 1 :]])
    assert refused().startswith(f"row {bad}, column label: cross_entropy: target must hold labels")
    with_column("label", [*labels[:bad], [None, *labels[bad][1:]], *labels[bad + 1 :]])
    assert refused() == f"row {bad}, column label: missing value"
    with_column("logits", [*logits[:bad], [[1.0, 2.0], *logits[bad][1:]], *logits[bad + 1 :]])
    pa.parquet.read_table(path)
    assert f"row {bad}, column logits: " in message(
        path, "-l", "cross_entropy", "-p", "logits", code=1
    )
    pa.parquet.write_table(table, path)
    negative = table["token_weight"].to_pylist()
    negative[bad] = [-1.0, *negative[bad][1:]]
    with_column("token_weight", negative)
    assert refused("-w", "token_weight").startswith(
        f"row {bad}, column token_weight: a weight must"
    )
    # Lists of one length, where rows are of unequal ones but for those of a chunk by chance.
    for kind in (pa.list_(pa.float64()), pa.list_(pa.float64(), 2)):
        weights = pa.array([[0.5, 1.0]] * len(table), kind)
        pa.parquet.write_table(table.append_column("even", weights), path)
        first = int(np.argmax(lengths != 2))
        assert refused("-w", "even") == (
            f"row {first}, column even: 2 values, where the prediction has {lengths[first]}"
        )
    pairs = table.filter(pa.array(lengths == 2))
    three = pa.array([[0.5, 1.0, 1.0]] * len(pairs))
    pa.parquet.write_table(pairs.append_column("three", three), path)
    assert refused("-w", "three") == "row 0, column three: 3 values, where the prediction has 2"
    pa.parquet.write_table(table, path)
    assert "axis=1 cannot be" in message(path, "-l", "cross_entropy:axis=1", "-p", "logits", code=2)


def test_vectors_of_spark(tmp_path):
    kind = pa.struct(
        [("type", pa.int8()), ("size", pa.int32()), ("indices", pa.list_(pa.int32())),
         ("values", pa.list_(pa.float64()))]
    )  # fmt: skip
    rng = np.random.default_rng(5)
    logits = rng.normal(size=(1000, 4)) * (rng.random((1000, 4)) < 0.5)
    labels = rng.integers(0, 4, 1000)

    def dense(row):
        return {"type": 1, "size": None, "indices": None, "values": row.tolist()}

    def sparse(row):
        return {"type": 0, "size": 4, "indices": np.flatnonzero(row), "values": row[row != 0]}

    path = tmp_path / "spark.parquet"

    def written(rows):
        table = pa.table({"features": pa.array(rows, kind), "label": labels})
        pa.parquet.write_table(table, path, row_group_size=300)
        return path, "-l", "cross_entropy", "-p", "features"

    mixed = [dense(row) if i % 3 else sparse(row) for i, row in enumerate(logits)]
    wanted = numloss.cross_entropy(logits, labels)
    for rows in ([dense(row) for row in logits], [sparse(row) for row in logits], mixed):
        assert mean(*written(rows)) == wanted
    for wrong, problem in (
        ({"type": 0, "size": 4, "indices": [4], "values": [1.0]}, "index 4 in a vector of 4"),
        ({"type": 0, "size": 4, "indices": [-1], "values": [1.0]}, "index -1 in a vector of 4"),
        ({"type": 0, "size": 5, "indices": [1], "values": [1.0]}, "a vector of another size"),
        ({"type": 0, "size": 4, "indices": [1, 2], "values": [1.0]}, "more indices than values"),
        (None, "missing value"),
    ):
        rows = [*mixed[:500], wrong, *mixed[501:]]
        assert f"row 500, column features: {problem}" in message(*written(rows), code=1).replace(
            "a vector with more", "more"
        )


# -------------------------------------------------- bins, the first rows, losses of all, columns


def test_bins(tmp_path, csv):
    rng = np.random.default_rng(8)
    ages = np.concatenate([rng.integers(0, 900, 5000) / 10, np.arange(0, 90, 0.1), [-0.05, 1e6]])
    table = pa.table(
        {"score": rng.normal(size=len(ages)), "label": np.zeros(len(ages)), "age": ages}
    )
    path = tmp_path / "t.parquet"
    pa.parquet.write_table(table, path)
    tenths = np.array([math.floor(Fraction(repr(float(a))) / Fraction(1, 10)) for a in ages])
    between = np.searchsorted([18, 30, 65], ages, "right")
    for by, wanted in (
        ("age:10", np.floor(ages / 10) * 10),
        ("age:0.1", tenths / 10),
        (
            "age:18,30,65",
            np.array([-np.inf, 18, 30, 65])[between],
        ),
    ):
        result = numloss.evaluate(path, "mse", by=by)
        assert result.by == (by,)
        keys, counts = np.unique(wanted, return_counts=True)
        found = {key: group.count for key, group in result["mse"].groups}
        assert found == dict(zip(keys.tolist(), counts.tolist(), strict=True))
    text = csv("score,label,age,age:5\n1,0,3,x\n2,0,,y\n3,0,nan,x\n4,0,31,x\n5,0,inf,y\n")
    rows = json.loads(run("evaluate", text, "-l", "mse", "--by", "age:10", "--json"))
    counts = [(g["group"], g["count"]) for g in rows["losses"][0]["groups"]]
    assert counts == [(0.0, 1), (30.0, 1), ("Infinity", 1), (None, 2)]
    # A column of that name is the column.
    assert len(numloss.evaluate(text, "mse", by="age:5")["mse"].groups) == 2
    assert "width of bins must be above 0" in message(text, "-l", "mse", "--by", "age:0", code=2)
    assert "edges of bins must grow" in message(text, "-l", "mse", "--by", "age:2,1", code=2)
    assert "did you mean 'age'" in message(text, "-l", "mse", "--by", "agg:10", code=2)
    words = csv("score,label,age\n1,0,old\n", "w.csv")
    assert "row 0 (line 2), column age: 'old' is not a number" in message(
        words, "-l", "mse", "--by", "age:10", code=1
    )
    vectors = tmp_path / "v.parquet"
    pa.parquet.write_table(pa.table({"score": [1.0], "label": [0.0], "age": [[1.0, 2.0]]}), vectors)
    assert "several values in a row" in message(vectors, "-l", "mse", "--by", "age:1", code=2)
    for folder in ("hour=7", "hour=13"):
        (tmp_path / "h" / folder).mkdir(parents=True)
        pa.parquet.write_table(table.slice(0, 10), tmp_path / "h" / folder / "p.parquet")
    found = numloss.evaluate(tmp_path / "h", "mse", by="hour:6")["mse"].groups
    assert {key: group.count for key, group in found} == {6.0: 10, 12.0: 10}


@pytest.mark.parametrize("limit", [1, 99, 100, 101, 1234, 3000, 10_000])
def test_limit(limit, table, tmp_path):
    files = []
    for index in range(3):
        path = tmp_path / f"{index}.parquet"
        pa.parquet.write_table(table.slice(1000 * index, 1000), path, row_group_size=300)
        files.append(path)
    rows = min(limit, 3000)
    wanted = table.slice(0, rows)
    scores, labels = wanted["score"].to_numpy(), wanted["label"].to_numpy()
    expected = numloss.mse(scores, labels.astype(scores.dtype))
    for threads in (1, 2):
        document = json.loads(
            run("evaluate", *files, "-p", "score", "-l", "mse", "--json", "--limit", limit,
                "--threads", threads, "--chunk-rows", 77)
        )  # fmt: skip
        assert document["rows"] == rows
        assert document["losses"][0]["all"]["mean"] == pytest.approx(expected, rel=1e-6)
    for wrong in (0, -1):
        with pytest.raises(ValueError, match="limit must be at least 1"):
            numloss.evaluate(files, "mse", limit=wrong)


@pytest.mark.parametrize("options", [[], ["--chunk-rows", 150]])  # less than a row group has
def test_losses_of_all_rows(table, tmp_path, options):
    files = []
    for index in range(2):
        path = tmp_path / f"{index}.parquet"
        pa.parquet.write_table(table.slice(1500 * index, 1500), path, row_group_size=400)
        files.append(path)
    scores = table["score"].to_numpy()
    labels = table["label"].to_numpy().astype(scores.dtype)
    for ending in (".parquet", ".arrow", ".feather", ".csv"):
        out = tmp_path / f"losses{ending}"
        run("evaluate", *files, "-p", "score", "-l", "mse", "-l", "huber:delta=0.5",
            "--losses-out", out, "--threads", 2, *options)  # fmt: skip
        if ending == ".csv":
            found = pyarrow.csv.read_csv(out)
        elif ending == ".parquet":
            found = pa.parquet.read_table(out)
        else:
            found = pa.ipc.open_file(pa.memory_map(str(out))).read_all()
        assert found.column_names == ["file", "row", "mse", "huber:delta=0.5"]
        assert found["row"].to_pylist() == [*range(1500)] * 2
        assert found["file"].to_pylist() == [str(files[0])] * 1500 + [str(files[1])] * 1500
        np.testing.assert_array_equal(
            found["mse"].to_numpy().astype(scores.dtype),
            numloss.mse(scores, labels, reduction="none"),
        )
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == []


def test_losses_of_rows_with_several_and_of_none(tokens, tmp_path):
    path, out = tmp_path / "t.parquet", tmp_path / "out.parquet"
    table, lengths, logits, labels, _ = tokens
    pa.parquet.write_table(table, path)
    run("evaluate", path, "-p", "logits", "-l", "cross_entropy", "--losses-out", out)
    found = pa.parquet.read_table(out)["cross_entropy"]
    assert [len(row) for row in found.to_pylist()] == lengths.tolist()
    np.testing.assert_array_equal(
        found.combine_chunks().flatten().to_numpy(),
        numloss.cross_entropy(logits, labels, reduction="none"),
    )
    assert "for which CSV has no columns" in message(
        path, "-p", "logits", "-l", "cross_entropy", "--losses-out", tmp_path / "o.csv", code=2
    )
    pa.parquet.write_table(
        pa.table({"logits": [[1.0, 2.0]] * 3, "label": [0, -100, 1], "w": [1.0, 1.0, 0.0]}), path
    )
    run("evaluate", path, "-p", "logits", "-l", "cross_entropy", "-w", "w", "--losses-out", out)
    values = pa.parquet.read_table(out)["cross_entropy"].to_pylist()
    assert values == [pytest.approx(np.log(1 + np.exp(1))), None, None]


def test_losses_out_is_refused(tmp_path, csv):
    path = csv("score,label\n1,0\nx,1\n")
    out = tmp_path / "o.parquet"
    out.write_text("old")
    for options, code, wanted in (
        (["--losses-out", tmp_path / "o.txt"], 2, "the name must end with .parquet"),
        (["--losses-out", path], 2, "is an input"),
        (["--losses-out", out, "--state", tmp_path / "s", "--resume"], 2, "--resume only those"),
        (["--losses-out", tmp_path / "no" / "o.csv"], 1, "cannot be written"),
        (["--losses-out", out, "--output", out], 2, "both write"),
        (["--losses-out", out], 1, "'x' is not a number"),
    ):
        assert wanted in message(path, "-l", "mse", *options, code=code)
        assert out.read_text() == "old"
    assert "--losses-out" in run("evaluate", "--help")
    run("evaluate", path, "-l", "mse", "--losses-out", out, "--on-error", "skip", code=4)
    assert pa.parquet.read_table(out)["row"].to_pylist() == [0]


@pytest.mark.parametrize("ending", [".parquet", ".csv", ".jsonl", ".npz"])
def test_columns_of_the_worst_rows(ending, tmp_path):
    rows = 100_000
    rng = np.random.default_rng(6)
    scores = rng.normal(size=rows)
    columns = {"score": scores, "label": np.zeros(rows), "id": np.arange(rows) * 3}
    path = tmp_path / f"d{ending}"
    if ending == ".npz":
        np.savez(path, **columns)
    else:
        table = pa.table(columns | {"meta_note": [f"note {i}\x1b[31m" for i in range(rows)]})
        if ending == ".parquet":
            pa.parquet.write_table(table, path, row_group_size=7000)
        elif ending == ".csv":
            pyarrow.csv.write_csv(table, path)
        else:
            path.write_text("".join(json.dumps(row) + "\n" for row in table.to_pylist()))
    order = np.argsort(-np.square(scores))[:4]
    wanted = "id" if ending == ".npz" else "id,meta_*"
    document = report(path, "-l", "mse", "--worst", 4, "--worst-columns", wanted)
    for entry, row in zip(document["losses"][0]["worst"], order, strict=True):
        assert entry["row"] == row
        assert int(entry["columns"]["id"]) == 3 * row
        if ending != ".npz":
            assert entry["columns"]["meta_note"] == f"note {row}\x1b[31m"
    text = run("evaluate", path, "-l", "mse", "--worst", 4, "--worst-columns", wanted)
    assert "\x1b" not in text
    assert str(3 * order[0]) in text
    result = numloss.evaluate(path, "mse", worst=2, worst_columns="id")
    assert [int(worst.columns["id"]) for worst in result["mse"].worst] == [3 * r for r in order[:2]]
    assert "no 'idd' (did you mean 'id'?)" in message(
        path, "-l", "mse", "--worst", 1, "--worst-columns", "idd", code=2
    )
    assert "say how many" in message(path, "-l", "mse", "--worst-columns", "id", code=2)


def test_columns_of_pipes_cannot_be_looked_up():
    found = piped(b"score,label\n1,0\n", "-", "-l", "mse", "--worst", 1, "--worst-columns", "score")
    assert (found.returncode, b"a pipe is read once" in found.stderr) == (2, True)


@pytest.mark.plain_build
@pytest.mark.skipif(sys.platform != "linux", reason="a limit that Linux alone keeps")
def test_memory_that_is_limited(tmp_path):
    rows = 400_000
    path = tmp_path / "g.parquet"
    names = [f"a long name of a user, {i:060d}" for i in range(rows)]
    pa.parquet.write_table(
        pa.table({"score": np.zeros(rows), "label": np.ones(rows), "g": names}), path
    )
    wanted = "numloss evaluate: error: out of the {} MB of --max-memory: allow more"
    for megabytes in (200, 220, 240):
        result = spawn("evaluate", path, "-l", "mse", "-l", "mae", "--by", "g",
                       "--max-memory", f"{megabytes}M")  # fmt: skip
        assert result.returncode == 1, result.stderr
        assert result.stderr.startswith(wanted.format(megabytes))
    assert spawn("evaluate", path, "-l", "mse", "--max-memory", "1G").returncode == 0
    least = spawn("evaluate", path, "-l", "mse", "--max-memory", "20M")
    assert (least.returncode, "must be at least" in least.stderr) == (2, True)
    for size in ("2", "0x3M", "-1G", "1E9G", "M"):
        refused = spawn("evaluate", path, "-l", "mse", f"--max-memory={size}")
        assert (refused.returncode, "must be a size as 500M" in refused.stderr) == (2, True)


def read_whole(path, exact, rows, delimiter=","):
    """Read a CSV file in chunks; return its columns, or what is wrong and where."""
    from numloss.evaluation.errors import DataError
    from numloss.evaluation.files.source import Format
    from numloss.evaluation.files.storage import LocalFile
    from numloss.evaluation.files.text import CsvFile

    try:
        source = CsvFile(LocalFile(path), Format(delimiter=delimiter))
        names = [name for name in source.names if source.names.count(name) == 1]
        found = {name: [] for name in names}
        for chunk in source.chunks(names, rows, exact) if names else ():
            for name in names:
                found[name] += chunk[name].to_pylist()
    except DataError as error:
        return re.sub(r"^\S+ ", "", str(error))
    return found


def test_blocks_of_lines_are_what_a_parser_reads(tmp_path):
    """Lines are parsed side by side only where each is a row, whatever the quotes say."""
    rng = np.random.default_rng(11)
    pieces = ["1", "2.5", '"3"', '""', '"a,b"', '"x\ny"', ' 4 ', '5" d', '"q""r"', '"', "", '"e"f',
              "\u00e9"]  # fmt: skip
    ends = ["\n"] * 12 + ["\r\n", "\n\n", "\r", "\n\r\n", ""]
    path = tmp_path / "t.csv"
    kinds = Counter()
    for _ in range(600):
        odd = rng.random() < 0.5
        choices = pieces if odd else pieces[:5]
        lines = ["a,b\n"]
        for _ in range(rng.integers(1, 12)):
            values = ",".join(rng.choice(choices, 2 + (rng.random() < 0.03)))
            lines.append(values + (rng.choice(ends) if odd else "\n"))
        path.write_bytes("".join(lines).encode())
        wanted = read_whole(path, True, 10_000)
        for rows in (3, 10_000):
            assert read_whole(path, False, rows) == wanted
        kinds[type(wanted)] += 1
    assert min(kinds[dict], kinds[str]) > 40


def test_types_that_change_far_down(csv):
    numbers = "".join(f"{i % 10}.5,{i % 2}\n" for i in range(300_000))
    for late, wanted in (
        ("x,1\n", "row 300000 (line 300002), column score: 'x' is not a number"),
        (",1\n", "row 300000 (line 300002), column score: missing value"),
        ('"[1,2]",1\n', "row 300000 (line 300002), column score: '[1,2]' is not a number"),
        ("true,1\n", "row 300000 (line 300002), column score: 'true' is not a number"),
        ("1,1,1\n", "row 300000 (line 300002): Expected 2 columns, got 3: 1,1,1"),
        ('" 7 ",1\n', None),
        ('"1\n",1\n', None),
        ("\n\n1,1\n", None),
    ):
        path = csv("score,label\n" + numbers + late + numbers)
        if wanted is None:
            assert report(path, "-l", "mse")["rows"] == 600_001
        else:
            assert message(path, "-l", "mse", code=1).endswith(wanted)
    # A group of the same column stays text.
    path = csv("score,label\n" + numbers)
    keys = [g["group"] for g in report(path, "-l", "mse", "--by", "label")["losses"][0]["groups"]]
    assert keys == ["0", "1"]


# ---------------------------------------------------------------------------- what reviewers found


def test_a_head_that_ends_within_quotes(csv):
    text = "id,note,score,target\n" + "".join(
        f'{i},"first line\nsecond {"y" * 20}\n\nfourth",0.5,1\n' for i in range(1300)
    )
    for pad in (0, 1, 7, 20):
        path = csv(f'id,note,score,target\n0,"{"p" * pad}",0.5,1\n' + text[21:])
        assert report(path, "-l", "mse")["rows"] == 1301
    assert report(csv('score,target,g,x\n1,2,a,z\n1,3,"l\nm",z'), "-l", "mse")["rows"] == 2
    assert report(csv('"sc\nore",target\n1,2\n'), "-p", "sc\nore", "-l", "mse")["rows"] == 1
    assert "no rows" in message(csv("score,target"), "-l", "mse", code=1)


def test_positive_values_as_they_are_written(csv):
    for text, value, wanted in (
        ("spam\n spam\nham", "spam", [1, 1, 0]), ("1\n0\n1 ", "1", [1, 0, 1]),
        ("1.0\n0.0\n1", "1", [1, 0, 1]), ("1\n0\nx", "1.0", [1, 0, 0]),
        ("1e0\n+1\n01", " 1", [1, 1, 1]),
        ("9007199254740993\n9007199254740992\n0", "9007199254740993", [1, 0, 0]),
    ):  # fmt: skip
        path = csv("score,target\n" + "\n".join(f"0.5,{t}" for t in text.split("\n")) + "\n")
        for rows in (1, 2, 100):
            got = report(path, "-l", "mae", "--positive", value, "--chunk-rows", rows)
            assert got["losses"][0]["all"]["mean"] == 0.5
            assert numloss.evaluate(path, "binary_accuracy", positive=value).rows == 3
        result = numloss.evaluate(path, "binary_accuracy", positive=value)
        assert result["binary_accuracy"].total.mean == np.mean(wanted)


def test_tokens_of_several_numbers(tmp_path):
    path = tmp_path / "t.parquet"
    rows = [[[1.0, 2.0]] * (i % 3) for i in range(20)]
    targets = [[[0.5, 0.5]] * (i % 3) for i in range(20)]
    parquet = pa.table({"logits": rows, "t": targets, "e": [[[]] * (i % 3) for i in range(20)]})
    pa.parquet.write_table(parquet, path)
    for chunk in (1, 3, 100):
        found = report(path, "-l", "mse", "-p", "logits", "-t", "t", "--chunk-rows", chunk)
        assert (found["losses"][0]["all"]["count"], found["losses"][0]["all"]["mean"]) == (38, 1.25)


def test_options_that_make_no_sense(csv, tmp_path):
    path = csv("logit_0,logit_1,label,g\n1,2,0,a\n2,1,1,b\n")
    for options, wanted in (
        (["-l", "top_k_accuracy:k=0"], "k must be a whole number"),
        (["-l", "top_k_accuracy:k=1.5"], "k must be a whole number"),
        (["-l", "top_k_accuracy:k=true"], "k must be a whole number"),
        (["-l", "accuracy", "--by", "g", "--by", "g"], "--by g: given twice"),
        (["-l", "accuracy", "--id", "g"], "--id belongs to --compare"),
        (["-l", "accuracy", "--classes", "0,0"], "each needs a name of its own"),
        (["-l", "gaussian_nll", "-p", "logit_0"], "takes variance beside the target"),
    ):
        assert wanted in message(path, *options, code=2)
    assert "at most 1000000" in spawn("evaluate", path, "-l", "accuracy", "--worst", 10**8).stderr
    binary = csv("score,label\n1,0\n2,1\n", "b.csv")
    assert "from_logits" in message(binary, "-l", "brier:from_logits=maybe", code=2)
    for wrong in (
        {"threads": 0}, {"limit": 0}, {"worst": 0, "worst_columns": "g"},
    ):  # fmt: skip
        with pytest.raises(ValueError, match="must be"):
            numloss.evaluate(path, "accuracy", **wrong)
    with pytest.raises(ValueError, match="one at least"):
        numloss.evaluate([], "accuracy")
    result = numloss.evaluate(
        path, "accuracy", prediction=["logit_0", "logit_1"], worst_columns=["g", "label"], worst=1
    )
    assert set(result["accuracy"].worst[0].columns) == {"g", "label"}
    assert numloss.evaluate(binary, "mae", positive=1).rows == 2
    variance = next(line for line in run("losses").splitlines() if line.startswith("gaussian_nll"))
    assert "inspect" not in variance


def test_bins_of_missing_folders_and_of_large_numbers(tmp_path):
    table = pa.table({"score": [1.0], "label": [0.0], "i": [2**53 + 1]})
    for name in ("age=5", "age=__HIVE_DEFAULT_PARTITION__"):
        (tmp_path / "f" / name).mkdir(parents=True)
        pa.parquet.write_table(table, tmp_path / "f" / name / "p.parquet")
    found = numloss.evaluate(tmp_path / "f", "mse", by="age:10")["mse"].groups
    assert found.keys() == [0.0, None]
    path = tmp_path / "f" / "age=5" / "p.parquet"
    assert "bins take whole numbers up to 2**53" in message(
        path, "-l", "mse", "--by", "i:1", code=1
    )
    (tmp_path / "g" / "age=x").mkdir(parents=True)
    pa.parquet.write_table(table, tmp_path / "g" / "age=x" / "p.parquet")
    assert "where bins need a number" in message(
        tmp_path / "g", "-l", "mse", "--by", "age:10", code=1
    )


def test_compressed_streams_of_arrow(tmp_path):
    data = arrow_bytes(pa.table({"score": np.ones(3000), "label": np.zeros(3000)}))
    found = piped(gzip.compress(data), "-", "-l", "mse", "--json")
    assert json.loads(found.stdout)["rows"] == 3000
    path = tmp_path / "s.arrow.gz"
    path.write_bytes(gzip.compress(data))
    assert report(path, "-l", "mse")["rows"] == 3000


def test_all_rows_skipped(csv):
    path = csv("score,label\nx,0\n")
    assert "all rows were skipped, first: " in message(
        path, "-l", "mse", "--on-error", "skip", code=1
    )


def test_what_the_other_model_does_not_know(tmp_path):
    path = tmp_path / "c.parquet"
    score = np.ones(10)
    odd = score.copy()
    odd[5] = np.nan
    huge = score.copy()
    huge[3] = np.inf
    pa.parquet.write_table(
        pa.table({"score": score, "odd": odd, "huge": huge, "label": np.zeros(10)}), path
    )
    result = spawn("evaluate", path, "-l", "mse", "-p", "score", "--compare", "odd")
    assert "mse of odd is NaN for 1 of 10 examples" in result.stderr
    ties = numloss.evaluate(path, "mse", prediction="huge", compare="score").comparisons["mse"]
    assert ties.won.total.mean == 0.55
    pa.parquet.write_table(pa.table({"huge": huge, "same": huge, "label": np.zeros(10)}), path)
    ties = numloss.evaluate(path, "mse", prediction="huge", compare="same").comparisons["mse"]
    assert (ties.won.total.mean, ties.difference.total.mean) == (0.5, 0.0)


def test_vectors_of_spark_with_holes(tmp_path):
    kind = pa.struct(
        [("type", pa.int8()), ("size", pa.int32()), ("indices", pa.list_(pa.int32())),
         ("values", pa.list_(pa.float64()))]
    )  # fmt: skip
    sparse = {"type": 0, "size": 3, "indices": [1], "values": [2.0]}
    dense = {"type": 1, "size": None, "indices": None, "values": [1.0, 2.0, 3.0]}
    path = tmp_path / "s.parquet"
    for wrong in (
        {**dense, "values": [1.0, None, 3.0]}, {**dense, "values": None}, {**dense, "type": None},
        {**sparse, "values": [None]}, {**sparse, "indices": [None]}, {**sparse, "type": 7},
        {**sparse, "size": -1}, {**sparse, "size": None},
        {**sparse, "indices": [1, 1], "values": [1.0, 2.0]},
    ):  # fmt: skip
        rows = [sparse, dense, wrong, dense]
        pa.parquet.write_table(pa.table({"logits": pa.array(rows, kind), "label": [2] * 4}), path)
        for chunk in (1, 2, 100):
            assert "row 2, column logits: " in message(
                path, "-l", "accuracy", "--chunk-rows", chunk, code=1
            )
