"""The stored counts of instructions have every call, and judge those of the same compiler."""

import subprocess
from pathlib import Path

import pytest
from cases import APART
from instructions import valgrind
from instructions.__main__ import changes, status
from instructions.calls import LAYOUTS, baseline, calls, laid_out, operations

import numloss


def test_the_baseline_has_every_call_that_is_counted():
    laid = {f"{call} {name}" for call in laid_out() for name in LAYOUTS}
    assert set(baseline()["calls"]) == set(map(str, calls())) | laid, (
        "run `make instructions-write`"
    )
    assert {call.loss for call in calls()} == set(numloss.LOSSES) - set(APART)


def test_operations_are_those_counted_on_the_nearest_shape():
    packed = baseline()["calls"]["cross_entropy value 9x2001 float32"]["packed"]
    found = operations("cross_entropy", "value", (256, 50257), "float32")
    assert found == packed * 8 / (9 * 2001)
    assert 10 < found < 60  # an exponential, a maximum and a sum


def counted(number):
    return {"a": {"instructions": number, "packed": 0}}


def test_counts_are_judged_where_the_release_of_the_compiler_is_the_same():
    was = {"compiler": "g++ (Debian 12.2.0-14+deb12u1) 12.2.0", "calls": counted(100)}
    assert status(was, was, strict=True) == 0
    assert status(was, was | {"calls": counted(102)}, strict=True) == 0
    patched = {"compiler": "g++ (GCC) 12.2.1 20230201", "calls": counted(110)}
    assert status(was, patched, strict=False) == 1
    later = {"compiler": "g++ (Debian 14.2.0-19) 14.2.0", "calls": counted(110)}
    assert [status(was, later, strict=strict) for strict in (False, True)] == [0, 1]


def test_what_has_changed_is_told():
    assert changes(counted(100), counted(110)) == ["a: 100 before, 110 now, 1.100 of it"]
    assert changes({}, counted(110)) == ["a: not counted before, 110 now"]


def test_a_failure_under_valgrind_is_told(monkeypatch, tmp_path):
    failed = subprocess.CompletedProcess([], 1, "mse, spread: other bits", "valgrind: it says why")
    monkeypatch.setattr(valgrind.subprocess, "run", lambda *args, **kwargs: failed)
    with pytest.raises(SystemExit, match=r"other bits.*it says why"):
        valgrind.count(Path("replay"), tmp_path / "calls", "spread")
