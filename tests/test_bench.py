"""The benchmarks run, write what they promise, and refuse to compare different work."""

import hashlib
import json
import os
import re
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from bench import (
    beside,
    embeddings,
    goals,
    layouts,
    limit,
    linear,
    options,
    page,
    results,
    tables,
    threads,
    timing,
)
from bench.__main__ import main
from bench.cells import Cell, cells, of_page, parse_shape, shape_name
from bench.contestants import PEERS, Contestant, Result
from bench.run import MismatchError, agreeing_of, run
from bench.timing import FULL, QUICK, WARM_UPS, Budget, Timing, interleave, ratio
from cases import APART, PLAIN, RESIDUALS, PerExample, Variant
from peers import numpy as numpy_peer
from typical import draw

import numloss

ROOT = Path(__file__).resolve().parents[1]
BLINK = Budget(sample=1e-5, seconds=0, rounds=(2, 2))
SOME = ("mse", "cross_entropy")


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """What the command writes and prints."""
    path = tmp_path_factory.mktemp("bench") / "made" / "results.json"
    selection = ["--loss", *SOME, "--size", "64", "8x10", "--peer", "numpy"]
    command = [sys.executable, "-m", "bench", "--quick", *selection, "--json", str(path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    (found,) = results.read(path)
    return path, found, done.stdout


# ---------------------------------------------------------------------------------------- the clock


@pytest.mark.parametrize("budget", [FULL, QUICK, beside.FULL, beside.QUICK])
def test_all_contestants_get_the_same_untimed_calls_right_before_their_timed_ones(
    budget, monkeypatch
):
    now, made = 0.0, []
    monkeypatch.setattr(timing, "wait_until_quiet", lambda: made.append(("wait", now)))

    def call(name, seconds):
        nonlocal now
        now += seconds
        made.append((name, now))

    def clock():
        made.append(("clock", now))
        return now

    calls = {"short": lambda: call("short", 1e-5), "long": lambda: call("long", 0.3)}
    timings = interleave(calls, budget, clock)
    assert timings["long"].repeats == 1 < timings["short"].repeats
    assert len(timings["long"].samples) == len(timings["short"].samples) == budget.rounds[0] >= 5
    letters = {"wait": "w", "clock": "|", "short": "s", "long": "L"}
    names = "".join(letters[name] for name, _ in made)
    assert re.match(r"w\|s\|", names)  # calibration
    rounds = re.findall(r"w\|(s+)\|\|(s+)\|w\|(L+)\|\|(L+)\|", names)[-budget.rounds[0] :]
    wanted = WARM_UPS, timings["short"].repeats, WARM_UPS, 1
    assert [tuple(map(len, each)) for each in rounds] == [wanted] * budget.rounds[0]


@pytest.fixture
def two_cpus(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1})


def test_what_still_works_of_the_call_before_is_waited_for(two_cpus):
    begun, ended = threading.Event(), []

    def work():
        begun.set()
        hashlib.sha256(bytes(20_000_000)).digest()  # without the GIL
        ended.append(time.perf_counter())

    worker = threading.Thread(target=work)
    worker.start()
    begun.wait()
    while not (timing.others_work() or ended):  # it may still wait for the GIL
        pass
    start = time.perf_counter()
    timing.wait_until_quiet()
    waited = time.perf_counter() - start
    worker.join()
    assert waited > min(0.5 * (ended[0] - start), timing.PATIENCE)


def test_threads_that_sleep_are_not_waited_for(two_cpus):
    done = threading.Event()
    sleeper = threading.Thread(target=done.wait)
    sleeper.start()
    timing.wait_until_quiet()
    found = timing.others_work()
    done.set()
    sleeper.join()
    assert not found


def test_what_never_rests_is_waited_for_no_longer_than_patience(two_cpus, monkeypatch):
    monkeypatch.setattr(timing, "others_work", lambda: True)
    start = time.perf_counter()
    timing.wait_until_quiet()
    assert timing.PATIENCE <= time.perf_counter() - start < 10 * timing.PATIENCE


def test_on_one_cpu_nothing_is_waited_for(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0})
    monkeypatch.setattr(timing, "others_work", lambda: pytest.fail("looked at the threads"))
    timing.wait_until_quiet()


def test_a_ratio_is_that_of_each_round():
    assert ratio(Timing(1, [2.0, 40.0, 9.0]), Timing(1, [1.0, 10.0, 3.0])) == 3


# ---------------------------------------------------------------------------------------- the cells


@pytest.mark.parametrize("loss", [name for name in numloss.LOSSES if name not in APART])
def test_every_loss_is_measured_in_every_selection(loss):
    shapes = ((64,), (8, 10))
    (cell,) = cells([loss], ["value+grad"], shapes)
    if loss in {variant.name for variant in PLAIN}:  # each takes a third of a second
        (row,) = run([cell], BLINK, peers=["numpy"])
        assert set(row["seconds"]) >= {"numloss", "numloss out", limit.ADD}
    for count in (1, 2):
        assert {cell.loss for cell in of_page([loss], count)} == {loss}
    assert {name for name, _ in layouts.selected([loss])} == {loss}
    assert list(options.common(loss, draw(loss, cell.shape, "float32")))


def test_a_row_with_further_operands_is_measured(monkeypatch):
    spread = PerExample("spread", lambda rng, shape: rng.integers(1, 5, shape) / 2)
    variant = Variant("mse", RESIDUALS, {"weight": spread})
    monkeypatch.setattr("typical.VARIANTS", [variant])
    data = draw("mse", (200_000,), "float32")
    assert data.options["weight"].dtype == np.float32
    cell = Cell("mse", "value+grad", (200_000,))
    assert limit.bytes_moved(cell, data) == 4 * 4 * 200_000
    (row,) = run([cell], BLINK, peers=[])
    assert row["bound"] in ("memory", "arithmetic")


def test_json_has_every_cell_and_contestant(measured):
    _, found, _ = measured
    kinds = [(row["loss"], row["mode"], row["shape"]) for row in found["cells"]]
    shapes = {"mse": [64], "cross_entropy": [8, 10]}
    assert kinds == [(loss, mode, shapes[loss]) for loss in SOME for mode in page.BOTH]
    for row in found["cells"]:
        seconds = row["seconds"]
        out = {"numloss out"} if row["mode"] == "value+grad" else set()
        assert set(seconds) == {"numloss", "numpy", "numpy.add"} | out
        assert all(0 < taken < 1 for taken in seconds.values())
        assert row["best"] == "numpy"
        assert row["lead"] == pytest.approx(seconds["numpy"] / seconds["numloss"], rel=1e-2)
    assert {"cpu", "cpus", "date", "versions", "isa", "compiler", "commit"} <= set(found["machine"])
    assert {"numloss", "numpy"} <= found["machine"]["versions"].keys()


def test_json_has_a_row_a_line(measured):
    path, found, _ = measured
    lines = path.read_text().splitlines()
    assert [json.loads(line.rstrip(",")) for line in lines if line.startswith("  {")] == (
        found["cells"]
    )


def test_tables_have_every_cell(measured):
    _, _, printed = measured
    assert re.search(r"\nvalue, float32, 1 threads, \w+\n\n\| loss +\| shape \| unit \|", printed)
    assert printed.count("| mse           | 64    | us   |") == 2
    assert printed.count("| cross_entropy | 8x10  | us   |") == 2


def test_comparison_of_a_run_with_itself(measured):
    _, found, _ = measured
    lines = list(tables.comparison(found, found))
    assert lines[0].startswith("4 cells in common, geometric mean of old / new 1\n")
    assert all("| 1         |" in line for line in lines[3:])


def test_runs_of_one_machine_are_put_together(measured):
    _, found, _ = measured
    newer = found | {"cells": [found["cells"][0] | {"lead": 9.0}]}
    other = found | {"machine": found["machine"] | {"cpus": 4096}}
    one, two = results.merged([found, newer, {**other, "threads": []}])
    assert one["cells"][0]["lead"] == 9
    assert len(one["cells"]) == 4
    assert two["threads"] == []


# -------------------------------------------------------------------------------------- the limits


def test_large_arrays_are_held_against_memory_and_arithmetic():
    (row,) = run([Cell("mse", "value+grad", (200_000,))], BLINK, peers=[])
    assert row["bound"] in ("memory", "arithmetic")
    seconds = row["seconds"]
    assert row["limit"] >= seconds["memory"]
    assert results.of_limit(row) == row["limit"] / seconds["numloss out"]
    assert row["bytes"] == 3 * 4 * 200_000
    assert row["lead"] is None


def test_several_threads_have_no_limit():
    (row,) = run([Cell("mse", "value", (200_000,), threads=2)], BLINK, peers=[])
    assert row["limit"] is row["bound"] is results.of_limit(row) is None


@pytest.mark.parametrize("dtype", ["float16", "float64"])
def test_small_arrays_are_held_against_an_addition_of_float32(dtype):
    cell = Cell("mse", "value", (64,), dtype)
    yardsticks = limit.yardsticks(cell, draw("mse", cell.shape, dtype))
    assert yardsticks[limit.ADD]().dtype == np.float32
    assert limit.of(cell, {limit.ADD: 1e-6}) == {"limit": 1e-6, "bound": limit.ADD}


# ------------------------------------------------------------------------------- the same work only


@pytest.mark.parametrize("loss", SOME)
@pytest.mark.parametrize("mode", ["value", "grad", "value+grad"])
def test_a_peer_that_computes_something_else_stops_the_run(monkeypatch, loss, mode):
    right = numpy_peer.FORMULAS[loss]

    def wrong(*arguments):
        return tuple(part if part is None else 1.01 * part for part in right(*arguments))

    monkeypatch.setitem(numpy_peer.FORMULAS, loss, wrong)
    (cell,) = cells([loss], [mode], ((64,), (8, 10)))
    with pytest.raises(MismatchError, match=f"{loss} {mode.replace('+', '.')} .*numloss.*numpy"):
        list(run([cell], BLINK, peers=["numpy"]))


def fixed(name, *parts):
    return Contestant(name, lambda: None, lambda _: Result(*parts))


@pytest.mark.parametrize(
    ("one", "other", "message"),
    [
        ([1.0], [np.nan], r"value: a gives 1\.0, b gives nan"),
        ([None, np.ones(4)], [None, np.ones(1)], r"gradient: .*\(4,\).*\(1,\)"),
        ([None, np.ones(2), np.ones(2)], [None, np.ones(2), np.full(2, 2.0)], "hessian: "),
        ([None, (np.ones(2), np.ones(2))], [None, (np.ones(2), np.zeros(2))], "gradient: "),
    ],
)
def test_results_that_differ_are_told(one, other, message):
    with pytest.raises(MismatchError, match=message):
        agreeing_of(Cell("mse", "grad", (4,)), [fixed("a", *one), fixed("b", *other)])


def test_overflow_in_16_bits_leaves_a_peer_out(capsys):
    cell = Cell("mse", "value", (64,), "float16")
    (agreeing,) = agreeing_of(cell, [fixed("a", 1.0), fixed("b", np.inf)])
    assert agreeing.name == "a"
    assert "b overflows" in capsys.readouterr().err


def test_gradient_and_hessian_are_compared_with_those_by_hand():
    for cell in cells(SOME, ["grad+hess"], ((64,), (8, 10))):
        (row,) = run([cell], BLINK, peers=["numpy", "sklearn"])
        assert {"numloss", "numloss out", "numpy", "sklearn"} < set(row["seconds"])


def test_a_peer_that_is_not_installed_is_left_out_unless_it_is_named(monkeypatch, capsys):
    def missing(cell, data):
        raise ImportError("no such library")
        yield

    monkeypatch.setitem(PEERS, "torch", missing)
    monkeypatch.setattr("bench.run.UNASKED", ("torch", "numpy"))
    some = cells(["mse"], shapes=((64,),))
    assert [set(row["seconds"]) >= {"numloss", "numpy"} for row in run(some, BLINK)] == [True] * 2
    assert capsys.readouterr().err.count("without torch: no such library") == 1
    with pytest.raises(ImportError):
        list(run(some, BLINK, peers=["torch"]))


# ------------------------------------------------------------------------ layouts, options, threads


@pytest.mark.plain_build  # a sanitizer's times say nothing, and take long
def test_layouts_are_compared_with_contiguous_arrays():
    rows = list(layouts.measure(["kl_divergence"], "float32", BLINK, only="64x28"))
    rows += layouts.measure(["mse"], "float32", BLINK, only="weight")
    assert {row["loss"] for row in rows} == {"mse", "kl_divergence"}
    assert {"weight of rows", "classes second"} <= {row["what"] for row in rows}
    for row in rows:
        assert list(row["ratios"]) == [*page.BOTH, layouts.TO_C_ORDER]
        assert min(row["ratios"].values()) > 0
    assert len(list(tables.variations(rows))) == len(rows) + 2


@pytest.mark.parametrize(
    "layout", [*layouts.ELEMENTWISE, *layouts.ROWWISE], ids=lambda one: one.name
)
def test_calls_on_a_layout_give_the_bits_of_the_contiguous_ones(layout):
    loss = "cross_entropy" if layout in layouts.ROWWISE else "mse"
    small = tuple(min(length, 12) for length in layout.shape)
    layout = replace(layout, shape=small)
    data = draw(loss, small, "float32")
    contiguous, laid = layouts.prepared(loss, layout, data)
    value, gradient = contiguous[beside.BOTH]()
    axis = layout.axis if loss == "cross_entropy" else -1
    for mode in (beside.BOTH, layouts.TO_C_ORDER):
        found, slope = laid[mode]()
        assert found == value == laid[beside.VALUE]()
        assert np.array_equal(np.moveaxis(slope, axis, -1), gradient)


def test_options_are_those_of_the_signature(monkeypatch):
    monkeypatch.setattr(options, "SHAPES", ((64,), (8, 10)))
    rows = list(options.measure(("hinge", "cross_entropy"), "bfloat16", BLINK))
    found = {(row["loss"], row["what"]) for row in rows}
    assert found == {
        ("hinge", "weight"),
        *(("cross_entropy", name) for name in ("weight", "class_weight", "label_smoothing")),
        ("cross_entropy", "soft labels"),
        ("cross_entropy", "soft labels, class_weight"),
    }


def test_threads_are_held_against_one(monkeypatch):
    monkeypatch.setattr(threads, "SHAPES", ((64,), (8, 10)))
    before = numloss.num_threads()
    rows = list(threads.measure(SOME, [2], BLINK))
    assert numloss.num_threads() == before
    assert [(row["loss"], row["mode"]) for row in rows] == [(x, y) for x in SOME for y in page.BOTH]
    row = rows[0] | {"seconds": {"1": 3e-6, "2": 2e-6}}
    assert list(tables.threads([row]))[-1] == "| mse  | value | 64    | 3       | 1.5    |"


def test_many_callers_are_compared_with_one():
    assert re.match(r"3 threads get through \d", threads.callers(3, 2))


# ---------------------------------------------------------------------------------------- the goals


def test_goals_that_are_missed_are_told():
    mse = {"loss": "mse", "mode": "value", "shape": [64], "dtype": "float32"}
    cell = mse | {"threads": 1, "isa": "v4", "best": "numpy", "lead": 2.5, "lead_out": None}
    cell |= {"limit": None, "bound": None, "seconds": {"numloss": 2e-6, "numpy.add": 1e-6}}
    focal = cell | {"loss": "focal", "bound": "arithmetic", "limit": 1e-6, "shape": [1_000_000]}
    many = {"loss": "focal", "mode": "value", "shape": [200_000], "seconds": {"1": 3.0, "2": 2.0}}
    found = {
        "machine": {"isa": "v4"},
        "cells": [cell, cell | {"isa": "v3"}, focal],
        "layouts": [mse | {"what": "every third", "ratios": {"value": 2.5, "value+grad": 3.5}}],
        "options": [
            mse | {"what": what, "ratios": {"value": 1.8}} for what in ("weight", "soft labels")
        ],
        "threads": [many],
    }
    held = {(goal.name, goal.wanted): goal.reached for goal in goals.goals(found)}
    assert held == {
        ("mse value 64 float32, v4: numpy", ">= 3"): False,
        ("mse value 64 float32, v3: numpy", ">= 2"): True,
        ("mse value 64 float32: numpy.adds", "<= 1.71"): False,
        ("focal value 1M float32, v4: numpy", ">= 6"): False,
        ("focal value 1M float32: of arithmetic", ">= 70 %"): False,
        ("mse value 64 float32, every third", "<= 3"): True,
        ("mse value+grad 64 float32, every third", "<= 3"): False,
        ("mse value 64 float32, weight", "<= 1.5"): False,
        ("mse value 64 float32, soft labels", "<= 2"): True,
        ("focal value 200k float32, 2 threads", ">= 1.8"): False,
    }


# ----------------------------------------------------------------------------------------- the page


def test_the_page_is_that_of_the_results():
    runs = page.stored()
    assert (page.DOCS / page.PAGE).read_text() == page.page(runs)
    assert [page.on_one_thread(found) for found in runs] == [True, False]


def test_the_page_is_one_that_people_read():
    text = (page.DOCS / page.PAGE).read_text()
    assert len(text.splitlines()) <= 200
    assert "NOT REACHED" not in text
    pictures = re.findall(r"]\((.*\.svg)\)", text)
    assert sorted(pictures) == sorted(path.name for path in page.DOCS.glob("*.svg"))
    assert len(pictures) == 2
    tables_of = re.findall(r"\n\n\|.*\n\|---[^\n]*\n", text)
    assert len(tables_of) == 10


def test_no_library_is_called_faster_where_none_is():
    first, second = page.stored()
    slow = [row | {"lead": 9.0} for row in first["cells"]]
    text = page.page([first | {"cells": slow}, second | {"cells": []}])
    assert "faster than\nnumloss in 0, and takes less than 1.25 times as long in 0." in text
    slow[0]["lead"] = 0.5
    text = page.page([first | {"cells": slow}, second | {"cells": []}])
    assert "faster than\nnumloss in 1, and takes less than 1.25 times as long in 1." in text
    assert re.search(rf"\| {slow[0]['loss']} value, .* \| 0.5 ", text)


# -------------------------------------------------------------------------------------- the command


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("--threads 0", "--threads: needs a number from 1 to .* got '0'"),
        ("--threads 4096", "--threads: needs a number from 1 to .* got '4096'"),
        ("threads --threads 0", "--threads: needs a number from 1 to .* got '0'"),
        ("callers --callers 0", "--callers: needs 1 or more, got 0"),
        ("linear --rows 0", "--rows: needs 1 or more, got 0"),
        ("embeddings --width 0", "--width: needs 1 or more, got 0"),
        ("linear --max-memory -1", "--max-memory: needs 1 or more, got -1"),
        ("--size abc", "--size: a size is like 64, .* got 'abc'"),
        ("--loss mse --size 64x10", "--size: needs a shape .* got 64x10 for mse"),
        ("layouts --loss nope", "--loss: invalid choice: 'nope'"),
        ("layouts --only zzz", "--only: needs a part of one of by columns .* got 'zzz'"),
        ("compare no.json no.json", "FILE: needs a file that --json wrote, got 'no.json': No such"),
        ("page Makefile", "FILE: needs a file that --json wrote, got 'Makefile': JSONDecode"),
    ],
)
def test_wrong_arguments_are_named(arguments, message, monkeypatch, capsys):
    monkeypatch.setattr("bench.machine.pin", lambda threads: None)
    monkeypatch.setattr("bench.machine.settle_allocator", lambda: None)
    monkeypatch.chdir(ROOT)
    with pytest.raises(SystemExit) as stopped:
        main(arguments.split())
    assert stopped.value.code == 2
    assert re.search(f"error: argument {message}", capsys.readouterr().err)


@pytest.mark.parametrize("command", ["show", "compare", "goals"])
def test_results_are_read_by_the_commands(command, measured, capsys):
    path, _, _ = measured
    main([command, str(path), str(path)])
    wanted = {"show": "| mse ", "compare": "| mse ", "goals": "goals are reached"}
    assert wanted[command] in capsys.readouterr().out


def test_linear_cross_entropy_is_timed_beside_its_products(monkeypatch, capsys):
    monkeypatch.setattr("bench.machine.pin", lambda threads: None)
    small = "--rows 70 --width 8 --classes 300 --rounds 1 --max-memory 60000"
    main(["linear", *small.split(), "--asked", *linear.ASKED])
    header, _, *rows = capsys.readouterr().out.splitlines()
    assert "x products" in header
    assert [row.split("|")[1].strip() for row in rows] == list(linear.ASKED)
    assert all(float(row.split("|")[4]) > 0 for row in rows)


def test_batches_of_embeddings_are_timed_beside_torch(monkeypatch, capsys):
    pytest.importorskip("torch")
    monkeypatch.setattr("bench.machine.pin", lambda threads: None)
    main(["embeddings", "--rows", "64", "--width", "8", "--rounds", "1"])
    header, _, *rows = capsys.readouterr().out.splitlines()
    assert "x torch" in header
    assert [row.split("|")[1].strip() for row in rows] == list(embeddings.LOSSES)
    assert all(float(row.split("|")[4]) > 0 for row in rows)


@pytest.mark.parametrize("text", ["64", "10k", "1M", "8x10", "100kx10", "1024x1000", "256x50257"])
def test_shape_names_are_read_back(text):
    assert shape_name(parse_shape(text)) == text


@pytest.mark.parametrize("text", ["", "x", "0", "-1", "1x2x3", "1G", "abc", "8x"])
def test_other_shape_names_are_refused(text):
    with pytest.raises(ValueError, match="a size is like"):
        parse_shape(text)
