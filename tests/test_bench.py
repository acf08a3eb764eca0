"""The benchmarks run, write what they promise, and refuse to compare different work."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import numloss

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT))

from bench import (  # noqa: E402
    callers,
    document,
    goals,
    instructions,
    layouts,
    scaling,
    small,
    variants,
)
from bench.agreement import MismatchError, check  # noqa: E402
from bench.cells import Cell, make_data, parse_shape, problem, shape_name  # noqa: E402
from bench.compare import compare  # noqa: E402
from bench.footprint import resident_growth, traced_peak  # noqa: E402
from bench.peers import Contestant, Result, load  # noqa: E402
from bench.peers import numpy as numpy_peer  # noqa: E402
from bench.report import tables  # noqa: E402
from bench.run import measure, run  # noqa: E402
from bench.timing import Budget  # noqa: E402

BLINK = Budget(sample=1e-5, seconds=0, rounds=(2, 2))


def bench(*arguments):
    command = [sys.executable, "-m", "bench", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bench")
    selection = ["--loss", "mse", "cross_entropy", "--size", "64", "8x10", "--peer", "numpy"]
    files = ["--json", str(folder / "results.json"), "--markdown", str(folder / "results.md")]
    bench("--quick", "--silent", *selection, *files)
    return json.loads((folder / "results.json").read_text()), (folder / "results.md").read_text()


def test_small_calls_are_held_against_numpy_add():
    cells = [cell for cell in small.CELLS if cell.loss in ("mse", "cross_entropy")]
    assert {cell.elements for cell in cells} == {64, 80}
    measured = run(cells, [load("numloss", threads=1)], BLINK)
    rows = small.table(measured).rows
    assert [row[:3] for row in rows[:2]] == [["mse", "64", "value"], ["mse", "64", "value+grad"]]
    ours, add = (measured[0]["times"][name]["median"] for name in ("numloss", "numpy.add"))
    assert small.adds(measured[0]) == pytest.approx(ours / add)
    slow = {**measured[0], "ratios": {"numloss": {"numpy.add": 0.5}}}
    assert small.is_slow(slow)
    assert not small.is_slow({**slow, "ratios": {"numloss": {"numpy.add": 0.6}}})
    assert small.row(slow)[-1] == "SLOW"


def test_many_callers_are_compared_with_one():
    result = callers.measure(callers=3, rounds=2)
    assert result["lower"] > 0
    assert result["threads"] < max(2, numloss.num_threads())
    assert "3 threads do the calls of one" in callers.describe(result, 3)


@pytest.mark.plain_build  # a sanitizer's times say nothing, and take long
def test_layouts_are_compared_with_contiguous_arrays():
    found = list(layouts.measure(("mse", "kl_divergence"), budget=BLINK, only="100"))
    kinds = {(o["loss"], o["mode"]) for o in found}
    assert kinds == {(loss, mode) for loss in ("mse", "kl_divergence") for mode in layouts.MODES}
    assert all(o["ratio"] > 0 for o in found)
    assert len(layouts.table(found).rows) == len(found) / len(layouts.MODES)


def test_layout_may_take_as_long_as_the_lines_it_touches():
    (third,) = (layout for layout in layouts.ELEMENTWISE if layout.step == 3)
    assert [third.limit(4), replace(third, step=20).limit(4)] == [3, 16]
    assert replace(third, step=1).limit(4) == layouts.MOST


def test_json_has_every_cell_and_contestant(results):
    cells = {cell["name"]: cell for cell in results[0]["cells"]}
    assert list(cells) == [
        "mse value 64 float32 1t",
        "mse value+grad 64 float32 1t",
        "cross_entropy value 8x10 float32 1t",
        "cross_entropy value+grad 8x10 float32 1t",
    ]
    assert set(cells["mse value 64 float32 1t"]["times"]) == {"numloss", "numpy", "numpy.add"}
    times = cells["mse value+grad 64 float32 1t"]["times"]
    assert set(times) == {"numloss", "numloss out", "numpy", "numpy.add"}
    assert all(0 < entry["min"] <= entry["median"] < 1 for entry in times.values())


def test_json_has_ratios_and_machine(results):
    for cell in results[0]["cells"]:
        ours, numpy = (cell["times"][name]["median"] for name in ("numloss", "numpy"))
        assert cell["best_peer"] == "numpy"
        assert cell["ratio_to_best"] == pytest.approx(numpy / ours)
        assert cell["ratios"]["numloss"]["numpy"] == pytest.approx(numpy / ours)
    assert {"cpu", "cpus", "date", "versions", "config"} <= results[0]["machine"].keys()
    assert {"numloss", "numpy"} <= results[0]["machine"]["versions"].keys()


def test_tables_have_every_cell(results):
    values, values_and_gradients, means = tables(results[0])
    assert [row[:2] for row in values.rows] == [["mse", "64"], ["cross_entropy", "8x10"]]
    assert "numloss out" in values_and_gradients.header
    assert means.title == "geometric means"
    assert "| cross_entropy | 8x10 | us |" in results[1]


def test_comparison_of_a_run_with_itself(results):
    table = compare(results[0], results[0])
    assert "4 cells" in table.title
    assert [row[3] for row in table.rows] == ["1"] * 4


def test_page_says_what_the_results_say(results):
    text = "\n".join(document.page(document.merged([results[0], results[0]])))
    time = results[0]["cells"][0]["times"]["numpy"]["median"]
    assert text.count("| mse | 64 | us | ") == 2
    assert f"| {1e6 * time:.3g} |" in text
    assert "| mse value 64 float32 1t |" not in text  # no peer is close


def test_goals_of_another_instruction_set_are_lower(results):
    goal = goals.SpeedGoal(Cell("mse", "value", (64,)), "numpy", 3)
    cell = next(c for c in results[0]["cells"] if c["name"] == goal.cell.name)
    cell = cell | {"ratios": {"numloss": {"numpy": 2.5}}}
    held = [goals.speed_outcome(goal, cell, share) for share in (1, goals.SHARES["v3"])]
    assert [outcome.reached for outcome in held] == [False, True]
    assert [outcome.wanted for outcome in held] == [">= 3x", ">= 2x"]
    elsewhere = {"goals_elsewhere": {"v3": [vars(held[1])]}}
    text = "\n".join(document.page(document.merged([results[0], elsewhere])))
    assert text.count("NUMLOSS_ISA=v3") == 1
    assert "| >= 2x | 2.5x | reached |" in text


def test_options_are_held_against_the_plain_call(monkeypatch):
    monkeypatch.setattr(variants, "FLAT", ((64,),))
    monkeypatch.setattr(variants, "ROWS", ((8, 10),))
    measured = list(variants.measure("float32", BLINK))
    assert {cell["loss"] for cell in measured} == {*variants.ELEMENTWISE, "cross_entropy"}
    weighted = [cell for cell in measured if cell["variant"] == "weight"]
    assert all(cell["allowed"] > 1.5 * cell["plain"] for cell in weighted)
    slow = {**measured[0], "plain": 1e-6, "seconds": 2e-6, "allowed": 1.9e-6}
    assert variants.table([slow]).rows[0][-2:] == ["2", "ABOVE"]


def test_threads_are_held_against_one(monkeypatch):
    monkeypatch.setattr(scaling, "SHAPES", {False: ((64,),), True: ((8, 10),)})
    before = numloss.num_threads()
    measured = list(scaling.measure([2], BLINK))
    assert numloss.num_threads() == before
    assert len(measured) == 2 * len(scaling.LOSSES)
    times = {"1": 3e-6, "2": 2e-6}
    assert scaling.table([{**measured[0], "times": times}]).rows[0][-2:] == ["3", "1.5"]


def test_operations_are_those_counted_on_the_nearest_shape():
    counted = json.loads(instructions.BASELINE.read_text())["calls"]
    packed = counted["cross_entropy value 9x2001 float32"]["packed"]
    found = instructions.operations(Cell("cross_entropy", "value", (256, 50257)))
    assert found == packed * 8 / (9 * 2001)
    assert 10 < found < 60  # an exponential, a maximum and a sum


def test_a_loss_is_asked_what_it_takes():
    losses = ("mse", "focal", "hinge", "cross_entropy", "kl_divergence")
    targets = ["real", "binary", "sign", "label", "distribution"]
    assert [problem(loss).target for loss in losses] == targets


def test_formulas_are_of_losses_that_exist():
    assert set(numpy_peer.FORMULAS) <= set(numloss.LOSSES)


def test_large_arrays_are_held_against_memory():
    cell = Cell("mse", "value+grad", (200_000,))
    peers = [load("numloss", threads=1)]
    measured = measure(cell, make_data("real", cell.shape, cell.dtype), peers, BLINK)
    assert set(measured["limits"]) == {"memory", "arithmetic"}
    ours = measured["times"]["numloss out"]["median"]
    assert measured["of_limit"] == max(measured["limits"].values()) / ours
    assert measured["bytes"] == 3 * 4 * 200_000
    assert measured["ratio_to_best"] is None


@pytest.mark.parametrize("loss", ["mse", "cross_entropy"])
@pytest.mark.parametrize("mode", ["value", "grad", "value+grad"])
def test_a_peer_that_computes_something_else_stops_the_run(monkeypatch, loss, mode):
    right = numpy_peer.FORMULAS[loss]

    def wrong(*arguments):
        return tuple(part if part is None else 1.01 * part for part in right(*arguments))

    monkeypatch.setitem(numpy_peer.FORMULAS, loss, wrong)
    cell = Cell(loss, mode, (64,) if loss == "mse" else (8, 10))
    data = make_data(problem(loss).target, cell.shape, cell.dtype)
    peers = [load(name, threads=1) for name in ("numloss", "numpy")]
    with pytest.raises(MismatchError, match=f"{loss} {mode.replace('+', '.')} .*numloss.*numpy"):
        measure(cell, data, peers, BLINK)


def fixed(name, value, gradient=None):
    return Contestant(name, lambda: None, lambda _: Result(value, gradient))


def test_not_a_number_agrees_with_nothing():
    cell = Cell("mse", "value", (64,))
    with pytest.raises(MismatchError, match=r"a gives 1\.0, b gives nan"):
        check(cell, [fixed("a", 1.0), fixed("b", np.nan)])


def test_gradients_of_different_shapes_do_not_agree():
    cell = Cell("mse", "grad", (4,))
    with pytest.raises(MismatchError, match=r"gradients of a and b differ: .*\(4,\).*\(1,\)"):
        check(cell, [fixed("a", None, np.ones(4)), fixed("b", None, np.ones(1))])


def test_overflow_in_16_bits_leaves_a_peer_out():
    cell = Cell("mse", "value", (64,), "float16")
    agreeing, overflowing = check(cell, [fixed("a", 1.0), fixed("b", np.inf)])
    assert [entry.name for entry in agreeing] == ["a"]
    assert overflowing == ["b"]


def test_memory_of_a_call_is_seen():
    assert resident_growth(lambda: np.ones(10**7)) == pytest.approx(8e7, rel=0.1)
    assert traced_peak(lambda: np.ones(10**7)) == pytest.approx(8e7, rel=0.1)
    assert resident_growth(lambda: None) < 1e6


@pytest.mark.parametrize("text", ["64", "10k", "1M", "8x10", "100kx10", "1024x1000", "256x50257"])
def test_shape_names_are_read_back(text):
    assert shape_name(parse_shape(text)) == text


@pytest.mark.parametrize("text", ["", "x", "0", "-1", "1x2x3", "1G"])
def test_other_shape_names_are_refused(text):
    with pytest.raises(ValueError, match=r"size|literal"):
        parse_shape(text)
