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

import numloss

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT))

from bench import (  # noqa: E402
    bounds,
    callers,
    document,
    goals,
    instructions,
    layouts,
    limit,
    report,
    scaling,
    small,
    timing,
    variants,
)
from bench.__main__ import main  # noqa: E402
from bench.agreement import MismatchError, check  # noqa: E402
from bench.cells import Cell, make_data, parse_shape, problem, shape_name  # noqa: E402
from bench.compare import compare  # noqa: E402
from bench.footprint import python, traced_peak  # noqa: E402
from bench.outcome import MISSED  # noqa: E402
from bench.peers import Contestant, Result, load  # noqa: E402
from bench.peers import numpy as numpy_peer  # noqa: E402
from bench.run import measure, run  # noqa: E402
from bench.timing import FULL, QUICK, WARM_UPS, Budget, Timing, interleave, ratio  # noqa: E402

MEASURED = ROOT / "bench/measured/16-cores.json"
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


@pytest.mark.parametrize("budget", [FULL, QUICK, layouts.BUDGET, layouts.QUICK])
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
    assert len(timings["long"].samples) == len(timings["short"].samples) == budget.rounds[0]
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


def test_budgets_take_five_rounds():
    budgets = FULL, QUICK, layouts.BUDGET, layouts.QUICK
    assert all(budget.rounds[0] >= 5 for budget in budgets)


def test_a_ratio_is_that_of_each_round():
    assert ratio(Timing(1, [2.0, 40.0, 9.0]), Timing(1, [1.0, 10.0, 3.0])) == 3


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
    (outcome,) = small.outcomes([slow, *measured[1:2]])
    assert outcome.reached is False


def test_many_callers_are_compared_with_one():
    result = callers.measure(callers=3, rounds=2)
    assert result["lower"] > 0
    assert result["threads"] < max(2, numloss.num_threads())
    assert "3 threads do the calls of one" in callers.describe(result, 3)


@pytest.mark.parametrize(("median", "status"), [(callers.LEAST, 0), (0.85, MISSED)])
def test_callers_are_judged_by_the_median(monkeypatch, median, status):
    found = {"ratio": median, "lower": 0.5, "upper": 1.5, "threads": 1}
    monkeypatch.setattr(callers, "measure", lambda count, rounds: found)
    assert main(["callers"]) == status


@pytest.mark.plain_build  # a sanitizer's times say nothing, and take long
def test_layouts_are_compared_with_contiguous_arrays():
    found = list(layouts.measure(("mse", "kl_divergence"), budget=BLINK, only="100"))
    kinds = {(o["loss"], o["mode"]) for o in found}
    assert kinds == {(loss, mode) for loss in ("mse", "kl_divergence") for mode in layouts.MODES}
    assert all(o["ratio"] > 0 for o in found)
    assert len(layouts.table(found).rows) == len(found) / len(layouts.MODES)
    slow = {**found[0], "ratio": 2.5, "at_most": 2.0}
    assert layouts.table([slow]).rows[0][-1] == "2.5!"
    assert [outcome.reached for outcome in layouts.outcomes([slow])] == [False]


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
    values, values_and_gradients, means = report.tables(results[0])
    assert [row[:2] for row in values.rows] == [["mse", "64"], ["cross_entropy", "8x10"]]
    assert "numloss out" in values_and_gradients.header
    assert means.title == "geometric means"
    assert "| cross_entropy | 8x10 | us |" in results[1]


def on_threads(results, threads, lead):
    cells = []
    for cell in results["cells"]:
        name = cell["name"].replace("1t", f"{threads}t")
        cells.append(with_lead(cell, lead) | {"threads": threads, "name": name})
    machine = results["machine"] | {"config": [f"threads {threads}"]}
    return {"cells": cells, "machine": machine}


def test_thread_counts_are_told_apart(results):
    one, two = on_threads(results[0], 1, 6.0), on_threads(results[0], 2, 3.0)
    merged = document.merged([one, two])
    means = report.means_table(merged["cells"])
    column = means.header.index("x numpy")
    found = [(*row[:2], row[column]) for row in means.rows if row[2] == "all"]
    assert found == [
        ("1", "value", "6"),
        ("1", "value+grad", "6"),
        ("2", "value", "3"),
        ("2", "value+grad", "3"),
    ]
    first = report.means_table(merged["cells"][::-1]).rows[0]
    assert first[0] == "1"
    assert "### Value, float32, 2 threads" in page(one, two)


def test_bounds_and_the_machine_are_those_of_one_thread(results):
    one, two = on_threads(results[0], 1, 9.0), on_threads(results[0], 2, 0.5)
    merged = document.merged([one, two])
    assert merged["machine"] == one["machine"]
    assert document.merged([two])["machine"] == two["machine"]
    held = [found for outcomes in bounds.judged(merged).values() for found in outcomes]
    assert held
    assert not [outcome for outcome in held if "2t" in outcome.goal]


def test_comparison_of_a_run_with_itself(results):
    table = compare(results[0], results[0])
    assert "4 cells" in table.title
    assert [row[3] for row in table.rows] == ["1"] * 4


def page(*files):
    return "\n".join(document.page(document.merged(files)))


def test_page_says_what_the_results_say(results):
    text = page(results[0], results[0])
    time = results[0]["cells"][0]["times"]["numpy"]["median"]
    assert text.count("| mse | 64 | us | ") == 2
    assert f"| {1e6 * time:.3g} |" in text
    assert "| mse value 64 float32 1t |" not in text  # no peer is close


def test_every_table_of_the_page_is_explained(results):
    before = re.findall(r"(.*)\n\n\|.*\n\| ---", page(results[0]))
    assert len(before) > 5
    assert not [line for line in before if not line.strip() or line.startswith("#")]


def with_lead(cell, lead):
    names = cell["ratios"]
    peers = {name: ratios | {"numpy": lead} for name, ratios in names.items()}
    return cell | {"ratios": peers}


def test_goals_follow_the_cells_that_the_page_shows(results):
    old, new = ({**results[0], "cells": [with_lead(results[0]["cells"][0], x)]} for x in (9, 2.5))
    assert "| mse value 64 float32 1t: best peer (numpy) | >= 3x | 9x | reached |" in page(new, old)
    assert "| >= 3x | 2.5x | NOT REACHED |" in page(old, new)


def test_goals_of_another_instruction_set_are_lower(results):
    cells = [with_lead(results[0]["cells"][0], 2.5)]
    held = [next(goals.outcomes(cells, isa)) for isa in ("", "v3")]
    assert [outcome.reached for outcome in held] == [False, True]
    assert [outcome.wanted for outcome in held] == [">= 3x", ">= 2x"]
    slow = {"elsewhere": {"v3": [with_lead(cells[0], 1.5)]}}
    assert [bounds.status(found) for found in ({"elsewhere": {"v3": cells}}, slow)] == [0, MISSED]
    text = page(results[0], {"machine": {}, "elsewhere": {"v3": cells}})
    assert text.count("# Goals with `NUMLOSS_ISA=v3`") == 1
    assert "| >= 2x | 2.5x | reached |" in text


def test_gradients_are_told_fresh_and_in_a_buffer(results):
    (cell,) = (c for c in results[0]["cells"] if c["name"] == "mse value+grad 64 float32 1t")
    ratios = {"numloss": {"numpy": 4.0}, "numloss out": {"numpy": 6.0}}
    (outcome,) = goals.outcomes([cell | {"ratios": ratios}])
    assert outcome.measured == "6x (4x fresh)"
    means = report.means_table([cell | {"ratios": ratios, "ratio_to_best": 4.0}])
    row = dict(zip(means.header, means.rows[0], strict=True))
    assert [row["x best"], row["x best, `out=`"]] == ["4", "6"]


def test_bounds_that_are_missed_are_counted_and_told(results):
    slow = with_lead(results[0]["cells"][0], 2.5)
    mse = {"loss": "mse", "mode": "value", "shape": [64], "dtype": "float32"}
    option = mse | {"variant": "weight", "plain": 1e-6, "seconds": 2e-6, "allowed": 1.5e-6}
    layout = mse | {"layout": "backwards", "at_most": 2.0}
    layouts_ = [layout | {"ratio": ratio} for ratio in (1.0, 3.0)]
    threads = [mse | {"times": {"1": 1e-6, "2": 2e-6}}]
    measured = {"variants": [option], "layouts": layouts_, "scaling": threads}
    found = {**results[0], "cells": [slow], **measured}
    rows = {row[0]: row[2:] for row in bounds.overview(found).rows}
    assert rows["leads over the best peer"] == ["0", "1"]
    assert [rows["options"], rows["layouts"], rows["threads"]] == [
        ["0", "1"],
        ["1", "1"],
        ["0", "1"],
    ]
    text = page(found)
    assert text.index("## Bounds missed") < text.index("### Missed: options")
    assert "| mse, weight, value, 64, float32 | <= 23.4 ns | 31.2 ns | NOT REACHED |" in text
    assert bounds.status(found) == MISSED
    assert bounds.status(found, "footprint") == 0


def test_nearness_is_asked_of_what_memory_or_arithmetic_binds():
    shares = {"memory": 0.84, "arithmetic": 0.71, "call": None}
    cells = [{"name": bound, "bound": bound, "of_limit": share} for bound, share in shares.items()]
    assert [(o.goal, o.reached) for o in limit.outcomes(cells)] == [
        ("memory", False),
        ("arithmetic", True),
    ]


def test_options_are_held_against_the_plain_call(monkeypatch):
    monkeypatch.setattr(variants, "FLAT", ((64,),))
    monkeypatch.setattr(variants, "ROWS", ((8, 10),))
    measured = list(variants.measure("float32", BLINK))
    assert {cell["loss"] for cell in measured} == {*variants.ELEMENTWISE, "cross_entropy"}
    weighted = [cell for cell in measured if cell["variant"] == "weight"]
    assert all(cell["allowed"] > 1.5 * cell["plain"] for cell in weighted)
    slow = {**measured[0], "plain": 1e-6, "seconds": 2e-6, "allowed": 1.9e-6}
    assert variants.table([slow]).rows[0][-2:] == ["2", "ABOVE"]


def test_options_are_measured_in_every_dtype(monkeypatch):
    monkeypatch.setattr(variants, "FLAT", ((64,),))
    monkeypatch.setattr(variants, "ROWS", ())
    measured = list(variants.measure("bfloat16", BLINK))
    assert {cell["dtype"] for cell in measured} == {"bfloat16"}


def test_threads_are_held_against_one(monkeypatch):
    monkeypatch.setattr(scaling, "SHAPES", {False: ((64,),), True: ((8, 10),)})
    before = numloss.num_threads()
    measured = list(scaling.measure([2], BLINK))
    assert numloss.num_threads() == before
    assert len(measured) == 2 * len(scaling.LOSSES)
    times = {"1": 3e-6, "2": 2e-6}
    assert scaling.table([{**measured[0], "times": times}]).rows[0][-3:] == ["3", "0.95", "1.5"]
    large = {"loss": "focal", "mode": "value", "shape": (200_000,), "times": times}
    assert scaling.table([large]).rows[0][-2:] == ["1.8", "1.5!"]
    fast = {**large, "times": {"1": 3e-6, "2": 1.6e-6}}
    assert [outcome.reached for outcome in scaling.outcomes([large, fast])] == [False, True]


def test_the_page_tells_of_a_machine_of_many_cpus(results):
    many = json.loads(MEASURED.read_text())
    plain, text = ("\n".join(document.page(results[0], found)) for found in (None, many))
    before, after = text.split("## Scaling to 16 threads")
    found = after.split("\n## ")[0]
    assert "Scaling to" not in plain
    assert plain == before + after[len(found) + 1 :]  # bounds too
    assert f"- {many['machine']['cpu']}, 16 CPUs" in found
    cells = {tuple(row[:3]) for row in scaling.table(many["scaling"]).rows}
    assert len(cells) == len(many["scaling"])
    assert all(f"| {' | '.join(cell)} | " in found for cell in cells)
    held = list(scaling.outcomes(many["scaling"]))
    missed = found.count("!") - found.count("![") - found.count("! marks")
    assert f"missed in {missed} of {len(held)} cases" in found
    assert "### Value, float32, 16 threads" in found


def test_files_are_put_together(results, tmp_path):
    many = json.loads(MEASURED.read_text())
    names = "scaling", "cells"
    files = [tmp_path / f"{name}.json" for name in names]
    for path, name in zip(files, names, strict=True):
        path.write_text(json.dumps({"machine": many["machine"], name: many[name]}))
    target = tmp_path / "made" / "together.json"
    assert main(["report", *map(str, files), "--silent", "--json", str(target)]) == 0
    made = json.loads(target.read_text())
    assert made | {"cells": many["cells"]} == many
    assert [cell["times"] for cell in made["cells"]] == [cell["times"] for cell in many["cells"]]
    assert "cells" not in document.merged([json.loads(files[0].read_text())])


def test_operations_are_those_counted_on_the_nearest_shape():
    counted = json.loads(instructions.BASELINE.read_text())["calls"]
    packed = counted["cross_entropy value 9x2001 float32"]["packed"]
    found = instructions.operations(Cell("cross_entropy", "value", (256, 50257)))
    assert found == packed * 8 / (9 * 2001)
    assert 10 < found < 60  # an exponential, a maximum and a sum


def test_the_baseline_has_every_call_that_is_counted():
    stored = json.loads(instructions.BASELINE.read_text())["calls"]
    laid = {f"{call} {name}" for call in instructions.laid_out() for name in instructions.LAYOUTS}
    assert set(stored) == set(map(str, instructions.calls())) | laid


def test_counts_are_judged_where_the_release_of_the_compiler_is_the_same():
    was = {"compiler": "g++ (Debian 12.2.0-14+deb12u1) 12.2.0", "calls": {"a": counted(100)}}
    assert instructions.status(was, was, strict=True) == 0
    patched = {"compiler": "g++ (GCC) 12.2.1 20230201", "calls": {"a": counted(110)}}
    assert instructions.status(was, patched, strict=False) == MISSED
    later = {"compiler": "g++ (Debian 14.2.0-19) 14.2.0", "calls": {"a": counted(110)}}
    assert [instructions.status(was, later, strict=strict) for strict in (False, True)] == [0, 1]


def counted(number):
    return {"instructions": number, "packed": 0}


def test_a_failure_under_valgrind_is_told(monkeypatch, tmp_path):
    failed = subprocess.CompletedProcess([], 1, "mse, spread: other bits", "valgrind: it says why")
    monkeypatch.setattr(instructions.subprocess, "run", lambda *args, **kwargs: failed)
    with pytest.raises(SystemExit, match=r"other bits.*it says why"):
        instructions.count(Path("replay"), tmp_path / "calls", "spread")


def test_a_loss_is_asked_what_it_takes():
    losses = ("mse", "focal", "hinge", "cross_entropy", "kl_divergence")
    targets = ["real", "binary", "sign", "label", "distribution"]
    assert [problem(loss).target for loss in losses] == targets


def test_formulas_are_of_losses_that_exist():
    assert set(numpy_peer.FORMULAS) <= set(numloss.LOSSES)


def test_large_arrays_are_held_against_memory():
    cell = Cell("mse", "value+grad", (200_000,))
    peers = [load("numloss", threads=1)]
    (measured,) = run([cell], peers, BLINK)
    assert set(measured["limits"]) == {"memory", "arithmetic"}
    ours = measured["times"]["numloss out"]["median"]
    assert measured["of_limit"] == max(measured["limits"].values()) / ours
    assert measured["bytes"] == 3 * 4 * 200_000
    assert measured["ratio_to_best"] is None


def test_arithmetic_is_held_against_the_best_rate_of_a_run():
    def cell(seconds, dtype="float32"):
        product = {"median": 2 * seconds, "min": seconds}
        others = {name: {"median": 1e-3} for name in ("numloss", limit.MEMORY)}
        return {
            "dtype": dtype,
            "threads": 1,
            "operations": 10 * limit.PRODUCT_SIZE**3,
            "times": {limit.PRODUCT: product, **others},
        }

    cells = limit.with_limits([cell(2e-3), cell(1e-3), cell(5e-3, "float64")])
    assert [c["limits"]["arithmetic"] for c in cells] == pytest.approx([1e-2, 1e-2, 5e-2])


def test_several_threads_come_near_no_limit():
    peers = [load("numloss", threads=1)]
    one, two = (Cell("mse", "value", (200_000,), threads=threads) for threads in (1, 2))
    measured = run([one, two], peers, BLINK)
    assert [set(cell["limits"]) for cell in measured] == [{"memory", "arithmetic"}] * 2
    assert measured[0]["of_limit"] > 0
    assert measured[1]["of_limit"] is None
    assert [outcome.goal for outcome in limit.outcomes(measured)] == [one.name]
    alone, both = report.times_tables(measured)
    assert [title in both.header for title in ("limit", "bound", "of limit")] == [False] * 3
    assert alone.header[-3:] == ["limit", "bound", "of limit"]


@pytest.mark.parametrize("dtype", ["float16", "float64"])
def test_small_arrays_are_held_against_an_addition_of_float32_and_near_nothing(dtype):
    cell = Cell("mse", "value", (64,), dtype)
    data = make_data("real", cell.shape, dtype)
    assert limit.yardsticks(cell, data)[limit.ADD]().dtype == np.float32
    (measured,) = run([cell], [load("numloss", threads=1)], BLINK)
    assert (measured["bound"], measured["of_limit"]) == ("call", None)
    times, means = report.tables({"cells": [measured]})
    assert [times.rows[0][-1], means.rows[0][-1]] == ["", ""]


def test_gradient_and_hessian_are_compared_with_those_by_hand():
    peers = [load(name, threads=1) for name in ("numloss", "numpy", "sklearn")]
    wanted = [Cell("mse", "grad+hess", (64,)), Cell("cross_entropy", "grad+hess", (8, 10))]
    for measured in run(wanted, peers, BLINK):
        assert {"numloss", "numloss out", "numpy", "sklearn"} < set(measured["times"])


def test_a_hessian_that_differs_stops_the_run():
    cell = Cell("mse", "grad+hess", (2,))
    with pytest.raises(MismatchError, match="hessians of a and b differ"):
        check(cell, [hessian("a", 1.0), hessian("b", 2.0)])


def hessian(name, value):
    result = Result(None, np.ones(2), np.full(2, value))
    return Contestant(name, lambda: None, lambda _: result)


def test_memory_of_a_call_is_that_of_its_blocks():
    table = (ROOT / "csrc/runtime/table.hpp").read_text()
    assert f"kBlock = 1 << {goals.BLOCK.bit_length() - 1};" in table
    assert f"kMaxBlocks = {goals.MOST_BLOCKS};" in table
    assert goals.allowed_memory(8193) == 1_000_000 + 2 * 48
    assert goals.allowed_memory(10**9) == 1_000_000 + 4096 * 48


@pytest.mark.parametrize(("target", "count"), [("performance", 6), ("performance-threads", 1)])
def test_only_a_missed_bound_does_not_stop_the_measurements(target, count):
    text = (ROOT / "Makefile").read_text()
    recipe = re.search(rf"^{target}:.*\n((?:\t.*\n)+)", text, re.M)[1]
    lines = re.sub(r"\\\n\t", "", recipe).splitlines()
    assert lines[0] == "\trm -rf $(RESULTS)" + "/threads" * (target != "performance")
    assert not [line for line in lines if line.startswith("\t-")]
    checks = [
        line for line in lines if re.search("bench (goals|small|variants|layouts|scal)", line)
    ]
    assert len(checks) == count
    assert [line for line in lines if line.endswith(" $(OR_MISSED)")] == checks
    assert f"\nOR_MISSED := || test $$? -eq {MISSED}\n" in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("--threads 0", "--threads: needs a number from 1 to .* got '0'"),
        ("--threads 4096", "--threads: needs a number from 1 to .* got '4096'"),
        ("scaling --threads 0", "--threads: needs a number from 1 to .* got '0'"),
        ("callers --callers 0", "--callers: needs a number of at least 1, got '0'"),
        ("--size abc", "--size: a size is like 64, .* got 'abc'"),
        ("--loss mse --size 64x10", "--size: needs a shape .* got 64x10 for mse"),
        ("layouts --loss nope", "--loss: invalid choice: 'nope'"),
        ("layouts --only zzz", "--only: needs a part of one of by columns .* got 'zzz'"),
        ("compare no.json no.json", "OLD: needs a file that --json wrote, got 'no.json': No such"),
        ("report no.json", "FILE: needs a file that --json wrote, got 'no.json': No such"),
        ("document no.json", "FILE: needs a file that --json wrote, got 'no.json': No such"),
        ("report Makefile", "FILE: needs a file that --json wrote, got 'Makefile': Expecting"),
        ("document --machine no.json", "--machine: needs a file that --json wrote, got 'no.json'"),
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


@pytest.mark.parametrize("lacking", ["scaling", "cells"])
def test_a_machine_needs_threads_and_cells(lacking, tmp_path, capsys):
    found = json.loads(MEASURED.read_text())
    path = tmp_path / "lacking.json"
    path.write_text(json.dumps({name: found[name] for name in found if name != lacking}))
    with pytest.raises(SystemExit) as stopped:
        main(["document", str(MEASURED), "--machine", str(path)])
    assert stopped.value.code == 2
    message = f"--machine: needs a file that make performance-threads wrote, .* no {lacking}"
    assert re.search(message, capsys.readouterr().err)


def test_a_page_needs_cells(tmp_path, capsys):
    path = tmp_path / "lacking.json"
    path.write_text('{"machine": {}}')
    with pytest.raises(SystemExit) as stopped:
        main(["document", str(path)])
    assert stopped.value.code == 2
    assert "FILE: needs a file of `bench run` or `bench goals`" in capsys.readouterr().err


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
    assert traced_peak(lambda: np.ones(10**7)) == pytest.approx(8e7, rel=0.1)
    # In a process of its own, as in the benchmark: what the tests before this one freed may still
    # be resident, and a call that is handed it lets nothing grow.
    code = """
import numpy as np
from bench.footprint import resident_growth
print(resident_growth(lambda: np.ones(10**7)), resident_growth(lambda: None))
"""
    array, nothing = map(int, python("-c", code).split())
    assert array == pytest.approx(8e7, rel=0.1)
    assert nothing < 1e6


@pytest.mark.parametrize("text", ["64", "10k", "1M", "8x10", "100kx10", "1024x1000", "256x50257"])
def test_shape_names_are_read_back(text):
    assert shape_name(parse_shape(text)) == text


@pytest.mark.parametrize("text", ["", "x", "0", "-1", "1x2x3", "1G", "abc", "8x"])
def test_other_shape_names_are_refused(text):
    with pytest.raises(ValueError, match="a size is like"):
        parse_shape(text)
