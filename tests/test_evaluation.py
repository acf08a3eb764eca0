"""The parts of ``numloss evaluate``: exact sums, quantiles, accumulators, names, specs."""

import math
import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("typer")
pytest.importorskip("pyarrow")

import numloss
from numloss.evaluation.errors import UsageError
from numloss.evaluation.names import chosen, obvious
from numloss.evaluation.specs import parse_loss
from numloss.evaluation.state import accumulate
from numloss.evaluation.state.accumulate import Accumulator, Examples, Summary
from numloss.evaluation.state.exact import ExactSum, exact_product, rounded, sums_of_groups
from numloss.evaluation.state.groups import Groups, TooManyGroupsError, natural
from numloss.evaluation.state.quantiles import RELATIVE_ERROR, Distribution

finite = st.floats(allow_nan=False, allow_infinity=False, width=64)


def exact_total(values, starts=(0,)):
    totals = [ExactSum() for _ in starts]
    for part in sums_of_groups(np.asarray(values), np.asarray(starts, np.intp)):
        for total, value in zip(totals, part.tolist(), strict=True):
            total.add(value)
    return totals


def examples(losses, weight=None, ignored=0):
    losses = np.asarray(losses)
    row = np.arange(len(losses))
    weighted = None if weight is None else weight * losses
    return Examples(losses, row, np.zeros(ignored, np.intp), weight, weighted)


def accumulated(losses, weight=None, keys=None, chunk=None):
    """Accumulate losses in chunks of so many rows."""
    result = Accumulator()
    chunk = chunk or max(1, len(losses))
    for first in range(0, len(losses), chunk):
        part = slice(first, first + chunk)
        w = None if weight is None else weight[part]
        groups = None
        if keys is not None:
            names, codes = np.unique(keys[part], return_inverse=True)
            groups = Groups(codes, names.tolist())
        result.add(examples(losses[part], w), first, groups)
    return result


# ---------------------------------------------------------------------------------------- sums


@given(st.lists(finite.filter(lambda x: abs(x) < 2.0**900), min_size=1, max_size=50))
def test_sum_is_exact(values):
    (total,) = exact_total(values)
    assert total.fraction == sum(map(Fraction, values))
    assert float(total) == math.fsum(values)


def test_sum_of_many_is_exact_and_free_of_order():
    rng = np.random.default_rng(1)
    values = rng.normal(size=100_000) * 10.0 ** rng.integers(-30, 30, 100_000)
    assert float(exact_total(values)[0]) == math.fsum(values)
    assert float(exact_total(rng.permutation(values))[0]) == math.fsum(values)


def test_sums_of_groups_are_apart():
    rng = np.random.default_rng(2)
    values = rng.lognormal(sigma=5, size=1000)
    starts = [0, 1, 17, 999]
    expected = [math.fsum(part) for part in np.split(values, starts[1:])]
    assert [float(total) for total in exact_total(values, starts)] == expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1.0, math.inf], math.inf),
        ([-math.inf, 1.0], -math.inf),
        ([math.inf, -math.inf], math.nan),
        ([math.nan, 1.0], math.nan),
        ([1e308, 1e308], math.inf),
        ([5e-324, 5e-324], 1e-323),
        ([0.0, 0.0], 0.0),
    ],
)
def test_sum_of_unusual_numbers(values, expected):
    np.testing.assert_equal(float(exact_total(values)[0]), expected)


def test_rounded_beyond_float64():
    assert rounded(Fraction(10) ** 400) == math.inf
    assert rounded(-(Fraction(10) ** 400)) == -math.inf


@given(st.floats(1e-100, 1e100), st.floats(-1e100, -1e-100))
def test_product_is_exact(a, b):
    product, error = exact_product(np.array([a]), np.array([b]))
    assert Fraction(product[0]) + Fraction(error[0]) == Fraction(a) * Fraction(b)


def test_product_that_overflows_has_no_error_term():
    product, error = exact_product(np.array([1e300]), np.array([1e300]))
    assert (product[0], error[0]) == (math.inf, 0.0)


# ----------------------------------------------------------------------------------- quantiles

PROBABILITIES = (0.0, 0.25, 0.5, 0.95, 0.99, 1.0)


@pytest.mark.parametrize("size", [1, 2, 3, 10, 1001])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_exact_quantiles_are_numpys(size, dtype):
    values = np.random.default_rng(size).lognormal(size=size).astype(dtype)
    distribution = Distribution()
    for part in np.array_split(values, 3):
        distribution.add(part)
    expected = np.quantile(values.astype(np.float64), PROBABILITIES)
    found = distribution.quantiles(PROBABILITIES, values.min(), values.max())
    np.testing.assert_allclose(found, expected, rtol=1e-15)
    assert distribution.exact


@pytest.mark.parametrize("low", [0.0, -3.0])
def test_approximate_quantiles_keep_their_error(low):
    values = low + np.random.default_rng(3).lognormal(sigma=3, size=300_000)
    distribution = Distribution()
    for part in np.array_split(values, 50):
        distribution.add(part)
        distribution.condense()
    found = distribution.quantiles(PROBABILITIES, values.min(), values.max())
    np.testing.assert_allclose(found, np.quantile(values, PROBABILITIES), rtol=RELATIVE_ERROR)
    assert not distribution.exact
    assert distribution.size == len(values)


def test_histogram_depends_on_neither_order_nor_chunks():
    values = np.random.default_rng(4).normal(size=50_000)
    found = []
    for parts, order in ((1, 1), (7, 1), (100, -1)):
        distribution = Distribution()
        for i, part in enumerate(np.array_split(values[::order], parts)):
            distribution.add(part)
            if i == parts // 2:
                distribution.condense()
        found.append(distribution.quantiles(PROBABILITIES, values.min(), values.max()))
    assert found[0] == found[1] == found[2]


def test_histogram_of_zeros_and_infinities():
    values = np.array([-math.inf, -0.0, 0.0, 0.0, math.inf, math.inf])
    distribution = Distribution()
    distribution.add(values)
    expected = distribution.quantiles([0.0, 0.4, 1.0], -math.inf, math.inf)
    distribution.condense()
    assert distribution.quantiles([0.0, 0.4, 1.0], -math.inf, math.inf) == expected
    assert expected == [-math.inf, 0.0, math.inf]


def test_merged_distributions():
    a, b = np.arange(1.0, 100.0), np.arange(100.0, 300.0)
    for condensed in (False, True):
        left, right, both = Distribution(), Distribution(), Distribution()
        left.add(a)
        right.add(b)
        both.add(np.concatenate([a, b]))
        if condensed:
            right.condense()
            both.condense()
        left.merge(right)
        assert left.size == both.size
        assert left.quantiles([0.5, 0.9], 1, 299) == both.quantiles([0.5, 0.9], 1, 299)


# -------------------------------------------------------------------------------- accumulators


def reference(losses, weight=None):
    """Compute what a summary must say, with NumPy."""
    w = np.ones(len(losses)) if weight is None else weight
    mean = np.average(losses, weights=w)
    n = len(losses)
    error = np.sqrt(np.sum(w**2 * (losses - mean) ** 2)) / w.sum() * np.sqrt(n / (n - 1))
    return {
        "count": n,
        "weight": w.sum(),
        "sum": np.sum(w * losses),
        "mean": mean,
        "standard_error": error,
        "minimum": losses.min(),
        "median": np.median(losses),
        "p95": np.quantile(losses, 0.95),
        "p99": np.quantile(losses, 0.99),
        "maximum": losses.max(),
        "maximum_row": np.argmax(losses),
    }


def assert_summary(summary: Summary, expected, rtol=1e-12):
    for name, value in expected.items():
        np.testing.assert_allclose(getattr(summary, name), value, rtol=rtol, err_msg=name)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_summary_is_numpys(dtype, weighted):
    rng = np.random.default_rng(5)
    losses = rng.lognormal(size=5000).astype(dtype)
    weight = rng.random(5000) if weighted else None
    summary = accumulated(losses, weight, chunk=700).summary()
    assert_summary(summary, reference(losses.astype(np.float64), weight))
    assert summary.exact_quantiles
    if not weighted:
        error = losses.astype(np.float64).std(ddof=1) / np.sqrt(5000)
        assert summary.standard_error == pytest.approx(error, rel=1e-12)


def test_equal_weights_change_no_error():
    losses = np.random.default_rng(6).random(100)
    plain = accumulated(losses).summary()
    weighted = accumulated(losses, np.full(100, 3.0)).summary()
    assert weighted.mean == pytest.approx(plain.mean, rel=1e-15)
    assert weighted.standard_error == pytest.approx(plain.standard_error, rel=1e-14)


@pytest.mark.parametrize("offset", [1.0, 1e8, 1e15])
def test_standard_error_has_no_cancellation(offset):
    losses = offset + np.array([0.0, 1.0, 2.0, 3.0] * 25)
    expected = np.array([0.0, 1.0, 2.0, 3.0] * 25).std(ddof=1) / 10
    assert accumulated(losses).summary().standard_error == pytest.approx(expected, rel=1e-12)
    assert accumulated(np.full(1000, offset + 0.1)).summary().standard_error == 0.0


@pytest.mark.parametrize("weighted", [False, True])
def test_no_number_depends_on_the_chunks(weighted, monkeypatch):
    rng = np.random.default_rng(7)
    losses = rng.lognormal(sigma=2, size=30_000)
    weight = rng.random(30_000) if weighted else None
    keys = rng.choice(["a", "b", "c", "rare"], p=[0.5, 0.3, 0.199, 0.001], size=30_000)
    for limit in (10_000, 1_000_000):
        monkeypatch.setattr(accumulate, "EXACT_LIMIT", limit)
        found = []
        for chunk in (30_000, 4097, 1000, 37):
            result = accumulated(losses, weight, keys, chunk)
            found.append((result.summary(), dict(result)))
        assert all(other == found[0] for other in found[1:])
        total, groups = found[0]
        assert total.exact_quantiles == (limit > 30_000)
        assert groups["rare"].exact_quantiles
        assert groups["a"].exact_quantiles == (limit > 30_000)


def test_merged_accumulators_are_one():
    rng = np.random.default_rng(8)
    losses, keys = rng.random(1000), rng.choice([3, 1, 2], 1000)
    whole = accumulated(losses, None, keys)
    left = accumulated(losses[:400], None, keys[:400])
    right = Accumulator()
    part = keys[400:]
    names, codes = np.unique(part, return_inverse=True)
    right.add(examples(losses[400:]), 400, Groups(codes, names.tolist()))
    left.merge(right)
    assert left.summary() == whole.summary()
    assert list(left) == list(whole)
    assert [key for key, _ in whole] == [1, 2, 3]


def test_groups_are_sorted_and_add_up():
    losses = np.arange(6.0)
    result = Accumulator()
    groups = Groups(np.array([0, 1, 2, 0, 3, 3]), ["b10", None, "b2", "a"])
    result.add(examples(losses), 0, groups)
    assert [key for key, _ in result] == ["a", "b2", "b10", None]
    assert [summary.count for _, summary in result] == [2, 1, 2, 1]
    assert [summary.sum for _, summary in result] == [9.0, 2.0, 3.0, 1.0]
    assert result.summary().sum == 15.0


def test_nan_taints_the_mean_and_is_counted():
    losses = np.array([1.0, math.nan, 3.0, math.nan])
    result = accumulated(losses, chunk=1)
    summary = result.summary()
    assert (summary.count, summary.nan, result.total().first_nan) == (4, 2, 1)
    assert math.isnan(summary.mean)
    assert math.isnan(summary.sum)
    assert math.isnan(summary.standard_error)
    assert (summary.minimum, summary.median, summary.maximum) == (1.0, 2.0, 3.0)
    assert summary.maximum_row == 2


def test_infinite_losses_show():
    summary = accumulated(np.array([1.0, math.inf, 2.0])).summary()
    assert (summary.mean, summary.sum, summary.maximum) == (math.inf,) * 3
    assert math.isnan(summary.standard_error)
    assert (summary.minimum, summary.median, summary.maximum_row) == (1.0, 2.0, 1)


def test_nothing_to_average():
    result = Accumulator()
    result.add(examples([], ignored=3), 0, None)
    summary = result.summary()
    assert (summary.count, summary.ignored) == (0, 3)
    assert summary.mean is summary.standard_error is summary.median is summary.maximum_row is None
    one = accumulated(np.array([2.0])).summary()
    assert (one.mean, one.standard_error, one.p99) == (2.0, None, 2.0)


def test_first_row_of_the_maximum():
    assert accumulated(np.array([1.0, 5.0, 5.0, 0.0]), chunk=2).summary().maximum_row == 1


def test_too_many_groups():
    result = Accumulator(max_groups=2)
    with pytest.raises(TooManyGroupsError, match="more than 2 groups"):
        result.add(examples([1.0, 2.0, 3.0]), 0, Groups(np.arange(3), ["a", "b", "c"]))


# --------------------------------------------------------------------------------------- names


def test_natural_order():
    names = ["logit_10", "logit_2", "a", "logit_1"]
    assert sorted(names, key=natural) == ["a", "logit_1", "logit_2", "logit_10"]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ("x", ("x",)),
        ("x,y", ("x", "y")),
        (" y , x ", ("y", "x")),
        ("c_*", ("c_1", "c_2", "c_10")),
        ("c_?,x", ("c_1", "c_2", "x")),
        ("a,b", ("a,b",)),
        ("s*r", ("s*r",)),
    ],
)
def test_chosen(wanted, expected):
    names = ["x", "y", "c_10", "c_2", "c_1", "a,b", "s*r", "star"]
    assert chosen(wanted, names, "f.csv") == expected


@pytest.mark.parametrize(
    ("wanted", "match"),
    [
        ("labal", r"f.csv has no 'labal' \(did you mean 'label'\?\); it has label, score"),
        ("z*", r"f.csv has no 'z\*'; it has label, score"),
        ("label,l*", "'label' is chosen twice"),
    ],
)
def test_chosen_in_vain(wanted, match):
    with pytest.raises(UsageError, match=match):
        chosen(wanted, ["label", "score"], "f.csv")


def test_long_lists_of_names_are_cut():
    with pytest.raises(UsageError, match=r"c18, c19, \.\.\. \(300 in all\)"):
        chosen("x", [f"c{i}" for i in range(300)], "f.csv")


@pytest.mark.parametrize(
    ("role", "names", "expected"),
    [
        ("prediction", ["id", "score", "label"], ("score",)),
        ("prediction", ["y", "Logits"], ("Logits",)),
        ("prediction", ["logit_1", "logit_0", "y"], ("logit_0", "logit_1")),
        ("prediction", ["prob1", "prob0"], ("prob0", "prob1")),
        ("target", ["logit_0", "y_true"], ("y_true",)),
        ("target", ["target_0", "target_1"], ("target_0", "target_1")),
    ],
)
def test_obvious(role, names, expected):
    assert obvious(role, names, "f.csv") == expected


def test_not_obvious():
    with pytest.raises(UsageError, match="name the prediction with --prediction; it has a, b"):
        obvious("prediction", ["a", "b"], "f.csv")
    with pytest.raises(UsageError, match="label, y could each be the target"):
        obvious("target", ["y", "label"], "f.csv")


# --------------------------------------------------------------------------------------- specs


@pytest.mark.parametrize(
    ("text", "name", "options"),
    [
        ("mse", "mse", {}),
        ("mse:", "mse", {}),
        ("focal:gamma=2", "focal", {"gamma": 2}),
        ("focal:gamma=1.5, alpha=None", "focal", {"gamma": 1.5, "alpha": None}),
        ("focal:alpha=null,from_logits=false", "focal", {"alpha": None, "from_logits": False}),
        ("softmax_focal:alpha=[0.2,0.8]", "softmax_focal", {"alpha": [0.2, 0.8]}),
        ("cross_entropy:ignore_index=-1", "cross_entropy", {"ignore_index": -1}),
        ("multiclass_hinge:variant=crammer_singer", "multiclass_hinge",
         {"variant": "crammer_singer"}),
        ("multiclass_hinge:variant='crammer_singer'", "multiclass_hinge",
         {"variant": "crammer_singer"}),
        ("ordinal_cross_entropy:distance=[[0,1],[1,0]]", "ordinal_cross_entropy",
         {"distance": [[0, 1], [1, 0]]}),
    ],
)  # fmt: skip
def test_parse_loss(text, name, options):
    spec = parse_loss(text)
    assert (spec.name, spec.options, spec.loss) == (name, options, numloss.LOSSES[name])


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("mze", r"no loss is named 'mze' \(did you mean 'mse'\?\); there are .*cross_entropy"),
        ("", "no loss is named ''"),
        ("huber:dleta=1", r"huber has no option 'dleta' \(did you mean 'delta'\?\); it has delta"),
        ("mse:delta=1", "mse has no option 'delta'; it has none"),
        ("cross_entropy:return_predicted=true", "no place for what return_predicted asks for"),
        ("mse:weight=1", "no option 'weight'"),
        ("huber:2", "must be written as option=value"),
        ("huber:**x", "is no option, or a second one"),
        ("huber:delta=", "cannot be read"),
        ("huber:delta=1)+(2", "cannot be read|must be written"),
        ("huber:delta=1,delta=2", "'delta=2' is no option, or a second one"),
        ("huber:delta=1+2", r"'1 \+ 2' is not a number, a word or a list"),
        ("huber:delta=__import__('os')", "is not a number, a word or a list"),
    ],
)
def test_parse_loss_in_vain(text, match):
    with pytest.raises(UsageError, match=match):
        parse_loss(text)


def test_statistics_know_no_file():
    """What adds losses up imports nothing that reads or shows them."""
    code = "import sys, numloss.evaluation.state.accumulate as _; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    ours = [m for m in loaded if m.startswith("numloss.evaluation.")]
    assert all(m.startswith("numloss.evaluation.state") for m in ours)
    assert not {"pyarrow", "typer", "rich"} & set(loaded)
