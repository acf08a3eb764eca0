"""The stated accuracy holds on a sample, and the page that states it leaves nothing out."""

import argparse
import json
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import mpmath
import numpy as np
import pytest
from accuracy import bounds, document, points, sums, sweep, ulp
from accuracy.__main__ import DOCUMENT, MEASURED, parse_slice
from accuracy.functions import BY_NAME
from accuracy.losses import DTYPES, SMALL, Figures, measure, ours, samples
from accuracy.parts import measure_loss
from cases import APART, CASES, RESIDUALS, TWO_HEADED, VARIANTS, Case, PerExample, Variant

import numloss
from numloss import _core

TESTS = Path(__file__).parent

every_variant = pytest.mark.parametrize("variant", VARIANTS, ids=str)
every_dtype = pytest.mark.parametrize("dtype", DTYPES)

# ------------------------------------------------------------------------------------- the measure


@pytest.mark.parametrize("dtype", DTYPES)
def test_neighbours_are_one_unit_apart(dtype):
    one = np.ones(1, DTYPES[dtype])
    info = bounds.ml_dtypes.finfo(dtype)
    above = one + one * info.eps
    assert ulp.errors(above, np.ones(1, np.longdouble)) == [1]
    smallest = np.array([info.smallest_subnormal], one.dtype)
    assert ulp.errors(smallest, np.zeros(1, np.longdouble)) == [1]
    assert ulp.errors(0 * one, smallest.astype(float).astype(np.longdouble)) == [1]


def test_infinities_and_nans():
    exact = np.array([2.0**128, 2.0**128 - 2.0**104, np.inf, 1.0], np.longdouble)
    actual = np.array([np.inf, np.inf, np.inf, np.nan], np.float32)
    assert ulp.errors(actual, exact).tolist() == [0, 1, 0, np.inf]
    fast = ulp.float32_errors(actual, exact.astype(np.float64))
    assert fast[:3].tolist() == [0, 1, 0]
    assert np.isnan(fast[3])


def test_the_fast_measure_is_the_measure():
    rng = np.random.default_rng(0)
    exact = rng.normal(size=5000) * 2.0 ** rng.uniform(-150, 120, 5000)
    actual = (exact * (1 + 1e-7 * rng.normal(size=5000))).astype(np.float32)
    slow = ulp.errors(actual, exact.astype(np.longdouble))
    assert ulp.float32_errors(actual, exact) == pytest.approx(slow, rel=1e-12)


def test_long_doubles_of_exact_numbers():
    with mpmath.workprec(200):
        numbers = np.array([mpmath.exp(k) / 3 for k in (-4000, -1, 0, 1, 4000)])
        found = ulp.long_double(numbers)
        for number, exact in zip(found, numbers, strict=True):
            mantissa, exponent = np.frexp(number)
            high = float(mantissa)
            back = mpmath.mpf(high) + mpmath.mpf(float(mantissa - np.longdouble(high)))
            back = mpmath.ldexp(back, int(exponent))
            assert abs(back - exact) <= abs(exact) * 2.0**-63
    assert ulp.long_double(np.array([mpmath.inf, mpmath.mpf(0)])).tolist() == [np.inf, 0]


def test_figures():
    figures = Figures.of(np.arange(1001.0))
    assert asdict(figures) == {"median": 500, "most": 990, "worst": 1000}


# -------------------------------------------------------------------------------------- the bounds


@every_dtype
@every_variant
def test_losses_keep_their_bounds(variant, dtype):
    found = {"numloss": asdict(measure(variant, dtype, SMALL, {"numloss": ours})["numloss"])}
    # A label's own log-probability, negated, is exact.
    assert (found["numloss"]["value"]["worst"] == 0) == (repr(variant) == "nll")
    assert list(bounds.broken({"losses": {repr(variant): {dtype: found}}})) == []


def test_further_operands_are_measured(monkeypatch):
    spread = PerExample("spread", lambda rng, shape: rng.integers(1, 5, shape) / 2)
    case = Case(lambda p, t, weight: weight * (p - t) ** 2, {RESIDUALS: ({"weight": spread},)})
    monkeypatch.setitem(CASES, "mse", case)
    variant = Variant("mse", RESIDUALS, {"weight": spread})
    found = measure(variant, "bfloat16", SMALL, {"numloss": ours})["numloss"]
    assert repr(variant) == "mse-weight=spread"
    assert 0 < found.value.worst < 1
    assert 0 < found.gradient.worst < 1


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_smoothing_over_many_classes_loses_no_digits(dtype):
    (variant,) = (v for v in VARIANTS if repr(v) == "cross_entropy-label_smoothing=0.1")
    (sample,) = samples(variant, DTYPES[dtype], SMALL._replace(rows=((2, 200),)))
    found = ours(variant, sample.prediction, sample.target, sample.options)
    value, gradient = (errors.max() for errors in sample.errors(*found))
    bound = bounds.of_variant(variant, dtype)
    assert value <= bound.value
    assert gradient <= bound.gradient


@pytest.mark.parametrize("name", BY_NAME)
def test_functions_keep_their_bounds(name):
    chunks = (sweep.patterns(k) for k in range(3, sweep.CHUNKS, 8009))
    swept = asdict(sweep.over(BY_NAME[name], chunks))
    assert swept["inside"] > 100_000
    checked = asdict(points.check(name, 2000)[1])
    assert checked["points"] > 500
    found = {"functions": {name: swept}, "points": {name: checked}}
    assert list(bounds.broken(found)) == []


def test_broken_bounds_are_reported(monkeypatch):
    monkeypatch.setitem(bounds.FUNCTIONS, "exp", 0.25)
    monkeypatch.setitem(bounds.LOSSES, "mse", bounds.Bound(0.25, 0.25))
    monkeypatch.setattr(bounds, "SUM", -1.0)
    name, checked = points.check("exp", 100)
    mse, dtype, measured = measure_loss(0, "float64", with_peers=False)
    losses = {"mse": asdict(sums.check("mse", 1000)[1])}
    losses["binary_cross_entropy"] = {"ulps": None, "relative": 1e-3}
    found = {
        "functions": {"log": {"worst": np.nan, "where": 1.0, "differing": 1}},
        "points": {name: asdict(checked)},
        "losses": {mse: {dtype: measured}},
        "sums": {"losses": losses, "equal": {"float32": 1e-3, "float64": 0.0}},
    }
    assert len(list(bounds.broken(found))) == 2 + 1 + 2 + 3


# ---------------------------------------------------------------------------------------- the sums


@pytest.mark.parametrize("name", CASES)
def test_sums_keep_their_bounds(name):
    found = {"losses": {name: asdict(sums.check(name, 200_000)[1])}, "equal": {}}
    assert list(bounds.broken({"sums": found})) == []


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_sums_of_equal_cross_entropies_keep_their_bounds(dtype):
    found = {"losses": {}, "equal": {dtype: sums.worst_grouped(dtype, points=201)}}
    assert list(bounds.broken({"sums": found})) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", ["mse", "binary_cross_entropy", "cross_entropy"])
def test_sums_of_a_hundred_million_keep_their_bounds(name):
    summed = sums.check(name)[1]
    assert summed.terms * (sums.CLASSES if name == "cross_entropy" else 1) == 10**8
    found = {"losses": {name: asdict(summed)}, "equal": {}}
    assert list(bounds.broken({"sums": found})) == []


# ---------------------------------------------------------------------------------------- the page


def test_every_function_has_an_entry():
    assert list(BY_NAME) == _core.functions()
    assert list(bounds.FUNCTIONS) == _core.functions()


def test_the_page_is_that_of_the_measurement():
    results = json.loads(MEASURED.read_text())
    assert DOCUMENT.read_text() == document.render(results)
    found = {part: one["found"] for part, one in results.items()}
    assert list(bounds.broken(found)) == []
    # Nothing less than what the page says.
    assert {one["numbers"] for one in found["functions"].values()} == {2**32}
    assert min(one["points"] for one in found["points"].values()) >= 10**5
    assert (
        found["sums"]["losses"].keys()
        == CASES.keys()
        == numloss.LOSSES.keys() - TWO_HEADED.keys() - set(APART)
    )


def test_the_page_has_every_loss_function_and_dtype():
    page = DOCUMENT.read_text()
    for variant in VARIANTS:
        assert page.count(f"| `{variant!r}` |") >= len(DTYPES)
    assert all(f"| `{name}` |" in page for name in CASES)
    assert all(f"| `{name}`: " in page for name in BY_NAME)


# ------------------------------------------------------------------------------------- the command


def test_slices_cover_everything_once():
    covered = sorted(
        (name, chunk)
        for index in range(3)
        for name, part, task in sweep.tasks(sweep.Slice(index, 3))
        if name == "exp"
        for chunk in sweep.chunks(part, task)
    )
    assert covered == [("exp", chunk) for chunk in range(sweep.CHUNKS)]


def test_slices_are_read():
    assert parse_slice("2/8") == sweep.Slice(2, 8)
    assert parse_slice("today/8").of == 8
    for text in ("8/8", "-1/8", "today/0", "8", "a/b"):
        with pytest.raises(argparse.ArgumentTypeError, match="K/N"):
            parse_slice(text)


def test_the_command_holds_a_slice_against_the_bounds():
    before = DOCUMENT.read_bytes(), MEASURED.read_bytes()
    command = [sys.executable, "-m", "accuracy", "--part", "points", "--slice", "3/200"]
    done = subprocess.run(command, cwd=TESTS, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("every bound holds\n")
    assert (DOCUMENT.read_bytes(), MEASURED.read_bytes()) == before
