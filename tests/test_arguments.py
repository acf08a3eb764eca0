"""What arguments mean: integers, probabilities, weights, types of results, buffers, errors."""

from __future__ import annotations

import pickle
from fractions import Fraction

import ml_dtypes
import numpy as np
import pytest
from cases import assert_same

import numloss

INF, NAN = np.inf, np.nan

# ------------------------------------------------------------------------------------- integers

LARGE = 1_700_000_000
REGRESSION = [numloss.mse, numloss.mae, numloss.huber, numloss.quantile]


@pytest.mark.parametrize("loss", REGRESSION)
@pytest.mark.parametrize("form", [list, np.array, lambda x: x[0], lambda x: np.array(x, ">i8")])
@pytest.mark.parametrize("dtype", ["f4", "f2", ml_dtypes.bfloat16])
def test_integers_are_not_rounded_to_the_predictions_type(loss, form, dtype):
    prediction = np.array([1.0], dtype)
    target = form([LARGE + 49])
    expected, slope = loss.value_and_grad(np.array([1.0]), np.array([LARGE + 49.0]))
    value, gradient = loss.value_and_grad(prediction, target)
    assert value == expected
    assert gradient.dtype == dtype
    with np.errstate(over="ignore"):
        assert_same([gradient], [slope.astype(dtype)])


def test_integers_next_to_large_predictions():
    prediction = np.float32([LARGE])
    assert numloss.mae(prediction, [LARGE + 50]) == 50
    assert numloss.mse(prediction, np.array([LARGE + 50])) == 2500
    assert numloss.mae(prediction, LARGE + 50) == 50
    assert numloss.mae(np.array([2**40]), 2**40 + 1) == 1
    assert numloss.mae([2**53], [2**53 + 2]) == 2


def test_integers_that_fit_are_computed_in_the_predictions_type():
    prediction = np.random.default_rng(0).normal(size=1000).astype("f4")
    target = np.arange(-500, 500)
    assert_same(
        numloss.mse.value_and_grad(prediction, target),
        numloss.mse.value_and_grad(prediction, target.astype("f4")),
    )


@pytest.mark.parametrize("n", [1, 999, 100_001])
@pytest.mark.parametrize("dtype", ["i4", "i8", "u4", "u8", ">i8"])
@pytest.mark.parametrize("step", [1, -1, 3])
def test_integers_are_looked_at_wherever_they_are(n, dtype, step):
    wide = np.zeros((n, 4), dtype)
    target = wide[::step, 1]
    target[-1] = 2**24 + 1
    expected = float(2**24 + 1) ** 2 / n / (1 if target.shape == (n,) else len(target) / n)
    assert numloss.mse(np.zeros(len(target), "f4"), target) == pytest.approx(expected, rel=1e-15)
    square = np.zeros((3, 5, 2), dtype)
    square[2, 4, 1] = 2**24 + 1
    for view in (square, square.T, square[::-1, :, ::-1]):
        assert numloss.mae(np.zeros(view.shape, "f4"), view, reduction="sum") == 2**24 + 1


# ------------------------------------------------------------------------------ objects and frames


def test_objects_that_are_numbers():
    numbers = [1, 2.5, np.float32(0.25), True, np.int8(3)]
    objects = np.array(numbers, object)
    assert numloss.mse(objects, 0.0) == numloss.mse([float(x) for x in numbers], 0.0)
    labels = np.array([0, 1, 1], object)
    scores = np.random.default_rng(0).normal(size=(3, 2))
    assert numloss.cross_entropy(scores, labels) == numloss.cross_entropy(scores, [0, 1, 1])
    assert numloss.hinge([0.5, 0.5], np.array([True, False], object)) == 1.0


@pytest.mark.parametrize(
    ("objects", "message"),
    [
        (
            [1, 2**70 + 1],
            "integers that float64 holds exactly, got 1180591620717411303425",
        ),
        ([1.0, 10**400], "must fit dtype float64"),
        ([1.0, Fraction(1, 3)], r"holds a Fraction: use numpy.asarray\(prediction, dtype=float\)"),
        ([1.0, None], "which holds a NoneType"),
        ([np.zeros(2), np.zeros(3)], r"in rows of equal shape, got \(2,\) and \(3,\)"),
    ],
)
def test_objects_that_are_no_numbers(objects, message):
    array = np.empty(len(objects), object)
    array[:] = objects
    with pytest.raises(numloss.Error, match=message):
        numloss.mse(array, 0.0)


def test_rows_that_are_arrays():
    rows = np.empty(2, object)
    rows[:] = [np.array([1.0, 2.0]), np.array([3.0, 5.0])]
    assert numloss.cross_entropy(rows, [0, 1]) == numloss.cross_entropy([[1, 2], [3, 5]], [0, 1])


# -------------------------------------------------------------------------------- probabilities

PROBABILITY_LOSSES = [numloss.binary_cross_entropy, numloss.focal]
BEYOND = float(np.nextafter(np.float32(1), np.float32(2)))


@pytest.mark.parametrize("loss", PROBABILITY_LOSSES)
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_probabilities_that_rounding_put_outside_are_0_and_1(loss, dtype):
    p = np.array([BEYOND, -1e-7, 0.25], dtype)
    exact = np.array([1.0, 0.0, 0.25], dtype)
    t = np.array([1.0, 0.0, 1.0], dtype)
    for call in (loss, loss.grad, loss.grad_and_hess):
        some, others = (
            call(x, t, from_logits=False, reduction="sum" if call is loss else "none")
            for x in (p, exact)
        )
        assert_same(np.atleast_1d(some), np.atleast_1d(others))
    logits = np.array([3.0, -2.0, 40.0], dtype)
    soft = np.array([BEYOND, -1e-7, BEYOND], dtype)
    rounded = np.array([1.0, 0.0, 1.0], dtype)
    for alike in (soft, soft.astype("f8") if dtype == "f4" else soft):
        found = loss.value_and_grad(logits.astype(alike.dtype), alike, reduction="none")
        expected = loss.value_and_grad(
            logits.astype(alike.dtype), rounded.astype(alike.dtype), reduction="none"
        )
        assert_same(found, expected)


@pytest.mark.parametrize("loss", PROBABILITY_LOSSES)
@pytest.mark.parametrize("x", [1 + 2e-6, -2e-6, 1.5, -1.0])
def test_probabilities_further_outside_are_refused(loss, x):
    for dtype in ("f4", "f8", "f2"):
        given = np.array([0.5, x], dtype)
        if dtype == "f2" and abs(x - round(x)) < 1e-3:
            continue  # rounds to 0 or 1
        with pytest.raises(numloss.Error, match=r"prediction must be in \[0, 1\]"):
            loss(given, [1.0, 1.0], from_logits=False)
        with pytest.raises(numloss.Error, match=r"target must be in \[0, 1\]"):
            loss([0.5, 0.5], given, from_logits=False)


@pytest.mark.parametrize("loss", [numloss.cross_entropy, numloss.kl_divergence])
def test_one_rule_for_the_sum_of_a_rows_probabilities(loss):
    rng = np.random.default_rng(0)
    q = rng.dirichlet(np.ones(10), size=200)
    logits = rng.normal(size=(200, 10)).astype("f4")
    for narrow in (ml_dtypes.bfloat16, np.float16, np.float32):
        rounded = q.astype(narrow)
        for wide in (narrow, np.float32, np.float64):
            if (narrow, wide) != (np.float16, ml_dtypes.bfloat16):
                assert np.isfinite(loss(logits.astype(wide), rounded.astype(wide)))
    for dtype in (ml_dtypes.bfloat16, np.float16, np.float32, np.float64):
        with pytest.raises(numloss.Error, match="must hold probabilities that sum to 1"):
            loss(logits.astype(dtype), (q * 1.03).astype(dtype))


# ------------------------------------------------------------------------------------- weights


def test_weights_name_their_axis():
    p, t = np.arange(9.0).reshape(3, 3), np.zeros((3, 3))
    w = np.array([1.0, 2.0, 3.0])
    squares = p**2
    by_rows = (squares * w[:, None]).sum() / (3 * w.sum())
    by_columns = (squares * w).sum() / (3 * w.sum())
    assert numloss.mse(p, t, weight=w[:, None]) == pytest.approx(by_rows)
    assert numloss.mse(p, t, weight=w[None, :]) == pytest.approx(by_columns)
    assert numloss.mse(p, t, weight=w[None, :1]) == pytest.approx(squares.mean())
    with pytest.raises(
        numloss.Error, match=r"use weight\[:, None\] or weight\[None, :\]"
    ) as caught:
        numloss.mse(p, t, weight=w)
    assert caught.value.argument == "weight"


# --------------------------------------------------------------------------------- results' types


def test_results_of_another_type():
    p = np.array([300.0, 2.0], "f2")
    assert numloss.mse(p, 0, reduction="none").tolist() == [INF, 4.0]
    wide = numloss.mse(p, 0, reduction="none", dtype="f4")
    assert_same([wide], [np.array([90000.0, 4.0], "f4")])
    assert_same([numloss.mse(p, 0, reduction="none", dtype=float)], [np.array([90000.0, 4.0])])
    value, gradient = numloss.cross_entropy.value_and_grad(
        np.zeros((2, 3), ml_dtypes.bfloat16), [0, 1], reduction="none", dtype=np.float32
    )
    assert value.dtype == gradient.dtype == np.float32
    assert_same([value], [np.full(2, np.log(3), "f4")])
    out = np.zeros(2, "f4")
    assert numloss.mse.grad(p, 0, dtype="f4", out=out) is out
    with pytest.raises(TypeError, match="out must have dtype float32, got float16"):
        numloss.mse.grad(p, 0, dtype="f4", out=np.zeros(2, "f2"))


def test_float64_results_are_computed_in_float64():
    p = np.random.default_rng(0).normal(size=1000).astype("f4")
    assert_same(
        numloss.binary_cross_entropy.value_and_grad(p, 1, dtype="f8"),
        numloss.binary_cross_entropy.value_and_grad(p.astype("f8"), 1),
    )


# ------------------------------------------------------------------------------------- buffers


def test_a_buffer_comes_back_as_the_object_that_it_is(tmp_path):
    class Named(np.ndarray):
        pass

    p, t = np.linspace(-1, 1, 12), np.zeros(12)
    expected = numloss.mse.grad(p, t)
    mapped = np.memmap(tmp_path / "gradient", float, "w+", shape=12)
    assert numloss.mse.grad(p, t, out=mapped) is mapped
    assert np.add(p, p, out=mapped) is mapped  # as NumPy does
    assert numloss.mse.value_and_grad(p, t, out=(mapped,))[1] is mapped
    assert_same([np.array(mapped)], [expected])
    named = np.zeros(12).view(Named)
    assert numloss.mse(p, t, reduction="none", out=named) is named
    gradient, hessian = numloss.mse.grad_and_hess(p, t, out=(named, mapped))
    assert gradient is named
    assert hessian is mapped


# --------------------------------------------------------------------------------------- errors


def test_errors_say_what_is_wrong_to_programs():
    with pytest.raises(numloss.Error) as caught:
        numloss.cross_entropy(np.zeros((2, 2, 3)), [[0, 1], [2, 3]])
    error = caught.value
    assert (error.argument, error.index, error.kind) == ("target", (1, 1), "element")
    assert error.problem.endswith("got 3")
    assert isinstance(error, ValueError)
    copied = pickle.loads(pickle.dumps(error))
    assert (str(copied), copied.index, copied.kind) == (str(error), error.index, error.kind)
    with pytest.raises(numloss.InputTypeError) as caught:
        numloss.mse([1j], [0.0])
    assert isinstance(caught.value, TypeError)
    assert isinstance(caught.value, numloss.Error)
    with pytest.raises(numloss.Error):
        numloss.mse([1.0], [1.0], wieght=1.0)


@pytest.mark.parametrize(
    "call",
    [
        lambda: numloss.mse(y_true=[1.0], y_pred=[2.0]),
        lambda: numloss.cross_entropy(logits=[[1.0]], labels=[0]),
    ],
)
def test_names_of_other_libraries_get_the_order(call):
    with pytest.raises(TypeError, match=r"the order is \w+\(prediction, target\)"):
        call()
