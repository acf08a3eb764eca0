"""Exact statistics: `numloss.Evaluation`, its state, and how losses and columns are named."""

import math
import pickle
import struct
import subprocess
import sys
import zlib
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import numloss
from numloss._core import EvaluationState
from numloss.evaluation.errors import UsageError
from numloss.evaluation.evaluation import StateError
from numloss.evaluation.groups import natural
from numloss.evaluation.names import chosen, obvious
from numloss.evaluation.specs import parse_loss

PROBABILITIES = (0.0, 0.1, 0.5, 0.95, 0.99, 1.0)

# ------------------------------------------------------------------------------ whatever the losses


def state_of(pieces, groups=0, worst=3):
    """Return the state after pieces (losses, weights, codes, first row), one after the other."""
    state = EvaluationState(1, 1 if groups else 0, True, worst)
    for losses, weights, codes, first_row in pieces:
        found = None
        if groups:
            found = state.combine([state.codes_of_integers(0, codes.astype(np.int64))])
        state.add(0, losses, weights, weights is not None, found, None, first_row, 1, 1)
    return state


def cut(losses, weights, codes, places):
    """Cut arrays into pieces."""
    ends = [*sorted({min(place, len(losses)) for place in places}), len(losses)]
    begins = [0, *ends[:-1]]
    return [
        (losses[a:b], None if weights is None else weights[a:b], codes[a:b], a)
        for a, b in zip(begins, ends, strict=True)
        if b > a
    ]


def exact(values):
    """Add numbers up without rounding."""
    return sum((Fraction(float(value)) for value in values), Fraction())


def fraction(pair):
    """Return a sum as the state tells it."""
    return pair[0] * Fraction(2) ** pair[1]


def drawn(kind, dtype, size=3000, seed=0):
    """Losses of a kind, each kind with another way to go wrong."""
    rng = np.random.default_rng(seed)
    limits = np.finfo(dtype)
    bits = rng.integers(0, 1 << 8 * limits.dtype.itemsize, size, dtype=np.uint64)
    any_bits = bits.astype(f"u{limits.dtype.itemsize}").view(dtype)
    return {
        "exponential": lambda: rng.exponential(size=size).astype(dtype),
        "any bits": lambda: any_bits.copy(),
        "any finite": lambda: np.where(np.isfinite(any_bits), any_bits, dtype(1)),
        "octaves": lambda: np.ldexp(rng.normal(size=size), rng.integers(-90, 0, size)).astype(
            dtype
        ),
        "denormal": lambda: (rng.normal(size=size) * limits.smallest_subnormal * 99).astype(dtype),
        "large": lambda: (rng.random(size) * limits.max).astype(dtype),
        "zeros": lambda: np.where(rng.random(size) < 0.5, dtype(0), -dtype(0)),
        "ties": lambda: np.where(
            rng.random(size) < 0.02, dtype(np.nan), (rng.integers(0, 9, size) / 4).astype(dtype)
        ),
        "infinite": lambda: np.where(rng.random(size) < 0.02, dtype(np.inf), dtype(1)),
    }[kind]()


KINDS = (
    "exponential", "any bits", "any finite", "octaves", "denormal", "large", "zeros", "ties",
    "infinite",
)  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("weighted", [False, True])
def test_sums_are_exact(kind, dtype, weighted):
    losses = drawn(kind, dtype)
    weights = np.random.default_rng(1).exponential(size=len(losses)) if weighted else None
    sums = state_of(cut(losses, weights, losses, [100, 2500])).sums(0)
    with np.errstate(all="ignore"):
        product = losses.astype(float) * (1.0 if weights is None else weights)
    w = np.ones(len(losses)) if weights is None else weights
    inside = np.isfinite(product)
    assert fraction(sums["wl"]) == exact(product[inside])
    assert fraction(sums["wlwl"]) == sum(Fraction(x) ** 2 for x in product[inside].tolist())
    assert fraction(sums["w"]) == exact(w)
    assert fraction(sums["ww"]) == sum(Fraction(x) ** 2 for x in w.tolist())
    pairs = zip(product[inside].tolist(), w[inside].tolist(), strict=True)
    assert fraction(sums["wwl"]) == sum(Fraction(x) * Fraction(y) for x, y in pairs)


@pytest.mark.parametrize("groups", [0, 7, 300, 1500])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_no_byte_depends_on_the_cuts(kind, dtype, groups):
    size = 30_000 if groups == 7 else 9000
    losses = drawn(kind, dtype, size)
    rng = np.random.default_rng(2)
    codes = rng.integers(0, max(groups, 1), size)
    weights = rng.exponential(size=size) if kind in ("exponential", "any bits") else None
    whole = state_of(cut(losses, weights, codes, []), groups)
    wanted = whole.write()
    for _ in range(3):
        pieces = cut(losses, weights, codes, rng.integers(1, size, rng.integers(1, 30)))
        rng.shuffle(pieces)
        parts = [state_of(pieces[k::3], groups) for k in range(3)]
        rng.shuffle(parts)
        before = parts[1].write()
        parts[0].merge(parts[1])
        assert parts[1].write() == before
        parts[2].merge(parts[0])
        assert parts[2].write() == wanted
    read = EvaluationState(1, 1 if groups else 0, True, 3)
    read.read(wanted)
    assert read.write() == wanted


numbers = st.floats(width=32) | st.sampled_from([0.0, -0.0, 1.0, 1.0, math.inf, math.nan])
rows = st.lists(st.tuples(numbers, st.sampled_from(["a", "b", "ü"])), min_size=1, max_size=40)


@settings(deadline=None, max_examples=150)
@given(rows, st.lists(st.integers(0, 40), max_size=6), st.randoms(), st.booleans())
def test_any_cutting_gives_the_same_evaluation(rows, places, random, double):
    losses = [numloss.mae, (numloss.huber, {"delta": 0.5})]
    values = np.array([value for value, _ in rows], np.float64 if double else np.float32)
    keys = [key for _, key in rows]

    def evaluation(begin, end):
        made = numloss.Evaluation(losses, by="key", worst=4)
        if end > begin:
            made.update(
                values[begin:end], np.zeros_like(values[begin:end]), groups=keys[begin:end],
                ids=np.arange(begin, end),
            )  # fmt: skip
        return made

    whole = evaluation(0, len(rows))
    ends = sorted({min(place, len(rows)) for place in places} | {len(rows)})
    parts = [evaluation(a, b) for a, b in zip([0, *ends[:-1]], ends, strict=True)]
    while len(parts) > 1:
        taken = parts.pop(random.randrange(len(parts)))
        before = taken.to_bytes()
        parts[random.randrange(len(parts))].merge(taken)
        assert taken.to_bytes() == before
    assert parts[0].to_bytes() == whole.to_bytes()
    assert parts[0] == whole


def test_threads_change_no_byte():
    losses = drawn("exponential", np.float32, 600_000)
    codes = np.random.default_rng(3).integers(0, 5, len(losses)).astype(np.int64)
    states = []
    for threads in (1, 2, 3):
        state = EvaluationState(1, 1, True, 5)
        groups = state.combine([state.codes_of_integers(0, codes)])
        with numloss.threads(threads):
            state.add(0, losses, codes=groups, first_row=0)
            state.add(0, losses, codes=groups, first_row=len(losses))
        states.append(state.write())
    assert states[0] == states[1] == states[2]


# -------------------------------------------------------------------------------------- statistics


def statistics(losses, weights=None):
    """Compute what a state must say, with NumPy and fractions."""
    w = np.ones(len(losses)) if weights is None else weights
    u = losses.astype(float) * w
    n, total = len(losses), exact(w)
    mean = exact(u) / total
    square = sum(
        (Fraction(a) - Fraction(b) * mean) ** 2 for a, b in zip(u.tolist(), w.tolist(), strict=True)
    )
    return {
        "mean": float(mean),
        "sum": float(exact(u)),
        "weight": float(total),
        "standard_error": math.sqrt(float(square / total**2 * Fraction(n, n - 1))),
        "minimum": losses.min(),
        "maximum": losses.max(),
        "maximum_row": losses.argmax(),
    }


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("offset", [0.0, 1e8, 1e15])
@pytest.mark.parametrize("size", [2, 500, 5000])
def test_numbers_are_rounded_once(dtype, weighted, offset, size):
    losses = (drawn("exponential", np.float64, size) + offset).astype(dtype)
    weights = np.random.default_rng(4).random(size) if weighted else None
    found = state_of(cut(losses, weights, losses, [size // 3])).summary(0, [])
    wanted = statistics(losses, weights)
    assert {name: found[name][0] for name in wanted} == wanted


@pytest.mark.parametrize("low", [1.0, 1.0 + 2.0**-52])
@pytest.mark.parametrize("above", [0, 1])
def test_halves_are_rounded_to_even(low, above):
    """The mean of two neighbours lies between them; of three with a share more, it does not."""
    losses = np.array([low, low + 2.0**-52] + [low + 2.0**-52] * above)
    found = state_of([(losses, None, losses, 0)]).summary(0, [])["mean"][0]
    assert found == float(exact(losses) / len(losses))


@pytest.mark.parametrize("size", [1, 2, 3, 10, 1001, 4096])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_exact_quantiles_are_numpys(size, dtype):
    losses = drawn("exponential", dtype, size)
    found = state_of([(losses, None, losses, 0)]).summary(0, PROBABILITIES)
    assert found["exact"][0]
    wanted = np.quantile(losses.astype(float), PROBABILITIES)
    assert found["quantiles"][0].tolist() == wanted.tolist()


@pytest.mark.parametrize("groups", [1, 1025, 16_385, 131_073])
@pytest.mark.parametrize("low", [0.0, -3.0])
def test_quantiles_of_histograms_keep_their_error(groups, low):
    """A hundred thousand values, more in the first groups: those of the first are looked at."""
    losses = (drawn("exponential", np.float64, 200_000) + low).astype(np.float32)
    codes = np.concatenate([np.arange(groups), np.zeros(len(losses), int)])[: len(losses)]
    state = state_of([(losses, None, codes, 0)], groups if groups > 1 else 2)
    found = state.summary(0, PROBABILITIES)
    assert not found["exact"][0]
    bins = {1: 512, 1025: 128, 16_385: 32, 131_073: 8}[groups]
    assert found["bins_per_octave"] == bins
    mine = losses[codes == 0].astype(float)
    assert found["quantiles"][0] == pytest.approx(
        np.quantile(mine, PROBABILITIES), rel=0.5 / bins, abs=1e-6
    )
    whole = state.summary(0, PROBABILITIES, total=True)
    assert whole["bins_per_octave"] == 512
    assert whole["quantiles"][0] == pytest.approx(
        np.quantile(losses.astype(float), PROBABILITIES), rel=2.0**-10, abs=1e-6
    )


def test_infinite_losses_are_quantiles():
    losses = np.array([1.0, 2.0, math.inf])
    found = state_of([(losses, None, losses, 0)]).summary(0, [0.25, 0.5, 0.75, 1.0])
    assert found["quantiles"][0].tolist() == [1.5, 2.0, math.inf, math.inf]
    assert (found["mean"][0], found["maximum"][0]) == (math.inf, math.inf)
    assert math.isnan(found["standard_error"][0])


def test_nan_is_counted_and_taints_the_mean():
    losses = np.array([1.0, math.nan, 3.0, math.nan])
    found = state_of([(losses, None, losses, 10)]).summary(0, [0.5])
    assert (found["count"][0], found["nan"][0], found["first_nan"][0]) == (4, 2, 11)
    assert math.isnan(found["mean"][0])
    assert (found["minimum"][0], found["quantiles"][0, 0], found["maximum"][0]) == (1.0, 2.0, 3.0)


def test_weights_of_one_are_no_weights():
    losses = drawn("exponential", np.float32, 3000)
    plain = state_of([(losses, None, losses, 0)]).summary(0, PROBABILITIES)
    weighted = state_of([(losses, np.ones(3000), losses, 0)]).summary(0, PROBABILITIES)
    mixed = state_of(
        [(losses[:1000], None, losses, 0), (losses[1000:], np.ones(2000), losses, 1000)]
    ).summary(0, PROBABILITIES)
    for name in ("mean", "standard_error", "weight", "sum", "quantiles"):
        assert plain[name].tolist() == weighted[name].tolist() == mixed[name].tolist()


def test_worst_rows_are_those_of_a_sort():
    rng = np.random.default_rng(5)
    losses = rng.integers(0, 50, 5000).astype(np.float32)
    pieces = cut(losses, None, losses, [100, 3000])
    state = state_of(pieces[::-1], worst=200)
    order = np.lexsort([np.arange(5000), -losses])[:200]
    assert state.worst(0) == [(float(losses[i]), int(i)) for i in order]


def test_a_million_groups_fit():
    rng = np.random.default_rng(6)
    codes = rng.integers(0, 1_000_000, 3_000_000)
    losses = rng.exponential(size=len(codes)).astype(np.float32)
    state = state_of([(losses, None, codes, 0)], 1)
    assert state.groups == len(np.unique(codes))
    assert state.nbytes < 250e6
    counts = np.bincount(codes)[state.keys_of_groups(0, np.arange(state.groups, dtype=np.int32))]
    assert state.summary(0, [])["count"].tolist() == counts.tolist()


def test_state_without_groups_is_small():
    losses = drawn("exponential", np.float64, 1_000_000)
    assert len(state_of([(losses, None, losses, 0)], worst=10).write()) < 40_000
    losses = losses[:4096]
    assert len(state_of([(losses, None, losses, 0)], worst=10).write()) < 40_000


# -------------------------------------------------------------------------------------- evaluation


def test_evaluation_is_the_losses():
    rng = np.random.default_rng(7)
    logits = rng.normal(size=(1000, 5)).astype(np.float32)
    labels = rng.integers(0, 5, 1000)
    labels[::10] = -100
    weight = rng.random(1000)
    losses = {
        "ce": numloss.cross_entropy,
        "smooth": (
            numloss.cross_entropy,
            {"label_smoothing": 0.1, "class_weight": [1, 2, 3, 4, 5]},
        ),
        "focal": "softmax_focal:gamma=1",
    }
    evaluation = numloss.Evaluation(losses)
    for begin in range(0, 1000, 300):
        rows = slice(begin, begin + 300)
        evaluation.update(logits[rows], labels[rows], weight=weight[rows])
    result = evaluation.result()
    assert result.rows == 1000
    for name, (loss, options) in {
        "ce": (numloss.cross_entropy, {}),
        "smooth": losses["smooth"],
        "focal": (numloss.softmax_focal, {"gamma": 1}),
    }.items():
        assert result[name].total.mean == pytest.approx(
            float(loss(logits, labels, weight=weight, **options)), rel=1e-6
        )
        assert (result[name].total.count, result[name].total.ignored) == (900, 100)


def test_several_columns_of_groups():
    values = np.arange(6.0)
    groups = {"country": ["de", "fr", "de", None, "fr", "de"], "device": [1, 1, 2, 2, 1, 1]}
    evaluation = numloss.Evaluation("mae", by=["country", "device"])
    evaluation.update(values, np.zeros(6), groups=groups)
    again = numloss.Evaluation("mae", by=["country", "device"])
    again.update(values, np.zeros(6), groups=list(groups.values()))
    assert evaluation == again
    found = {key: group.sum for key, group in evaluation.result()["mae"].groups}
    assert found == {("de", 1): 5.0, ("de", 2): 2.0, ("fr", 1): 5.0, (None, 2): 3.0}
    assert evaluation.result()["mae"].groups[("fr", 1)].count == 2


@pytest.mark.parametrize(
    ("values", "keys"),
    [
        ([3, 1, 2], [1, 2, 3]),
        (np.array([3, 1, 2**62], np.int64), [1, 3, 2**62]),
        ([True, False, True], [False, True]),
        ([0.5, math.nan, -1.0], [-1.0, 0.5, None]),
        (np.array([-0.0, 0.0, 1.0], np.float32), [0.0, 1.0]),
        (["fold10", "fold2", "fold1"], ["fold1", "fold2", "fold10"]),
        (np.array(["ü", "", "zz"]), ["", "zz", "ü"]),
        (np.array([b"b", b"a", b"b"]), ["a", "b"]),
        (np.array(["b", None, "a"], object), ["a", "b", None]),
        (np.array([1, None, 0], object), [0, 1, None]),
        (np.array(["2026-01-02", "NaT", "2025-01-01"], "M8[D]"),
         ["2025-01-01", "2026-01-02", None]),
    ],
)  # fmt: skip
def test_groups_of_any_kind(values, keys):
    evaluation = numloss.Evaluation("mae", by="g")
    evaluation.update(np.ones(3), np.zeros(3), groups=values)
    assert evaluation.result()["mae"].groups.keys() == keys


@pytest.mark.parametrize("width", ["int8", "uint8", "int16", "int32", "int64"])
@pytest.mark.parametrize(
    "dictionary", [["b", "unused", "a", None, "c"], [7, 0, -3, None, 5], [0.5, 9.0, -1.0, None, 2]]
)
def test_groups_of_a_dictionary_are_the_values_that_rows_have(width, dictionary):
    pa = pytest.importorskip("pyarrow")
    places = [0, 2, None, 2, 3, 4, 0, 2]
    values = pa.DictionaryArray.from_arrays(pa.array(places, width), pa.array(dictionary))
    plain = [None if place is None else dictionary[place] for place in places]
    for begin in (0, 1, 3):  # an array may begin anywhere in its memory
        evaluation = numloss.Evaluation("mae", by="g")
        rows = np.arange(8.0)[begin:]
        evaluation.update(rows, np.zeros(len(rows)), groups=values[begin:])
        found = {key: group.sum for key, group in evaluation.result()["mae"].groups}
        present = {key for key in plain[begin:] if key is not None}
        assert list(found) == [*sorted(present), None]
        for key in found:
            assert found[key] == sum(
                row for row, value in zip(rows, plain[begin:], strict=True) if value == key
            )


def test_an_index_beyond_its_dictionary_is_refused():
    pa = pytest.importorskip("pyarrow")
    for index in (2, -1):
        values = pa.DictionaryArray.from_arrays(
            pa.array([0, index, 1], "int8"), pa.array(["a", "b"]), safe=False
        )
        evaluation = numloss.Evaluation("mae", by="g")
        with pytest.raises(ValueError, match="g: an index is beyond its dictionary"):
            evaluation.update(np.ones(3), np.zeros(3), groups=values)


def test_a_number_is_one_group_however_its_batch_is_encoded():
    # Far apart, side by side, with one missing, of another width, and merged.
    batches = [
        np.array([10**15, 5, -3]), np.array([5, 6, 7, -3]), np.array([None, 6, 10**15, 8], object),
        np.array([8, 10**15, 2**40, 7]), np.array([9, 5], np.int32), np.array([2**40, 4]),
    ]  # fmt: skip
    whole = numloss.Evaluation("mae", by="g")
    for order in (batches, batches[::-1]):
        part = numloss.Evaluation("mae", by="g")
        for batch in order:
            part.update(np.ones(len(batch)), np.zeros(len(batch)), groups=batch)
        whole.merge(part)
    found = {key: group.count for key, group in whole.result()["mae"].groups}
    every = [key for batch in batches for key in batch.tolist()]
    assert list(found) == [-3, 4, 5, 6, 7, 8, 9, 2**40, 10**15, None]
    assert found == {key: 2 * every.count(key) for key in every}


@pytest.mark.parametrize("factor", [1, 1000, 2**50])
@pytest.mark.parametrize("dtype", [np.int64, np.float64])
def test_numbers_are_in_order_whether_side_by_side_or_far_apart(factor, dtype):
    values = (np.random.default_rng(0).permutation(2001) - 1000).astype(dtype) * factor
    evaluation = numloss.Evaluation("mae", by="g")
    evaluation.update(np.ones(2001), np.zeros(2001), groups=values)
    assert evaluation.result()["mae"].groups.keys() == sorted(values.tolist())


def test_what_is_shown_is_what_a_whole_result_says():
    rng = np.random.default_rng(0)
    evaluation = numloss.Evaluation("mae", by=["g", "h"])
    losses, keys = rng.exponential(size=5000), rng.integers(-400, 400, 5000)
    texts = rng.choice(["a2", "a10", None], 5000).tolist()
    evaluation.update(losses, np.zeros(5000), groups=[keys, texts])
    lazy = evaluation._result((0.5, 0.95, 0.99), lazily=True)
    assert str(lazy) == str(evaluation.result())  # asks for a few groups
    shown = [lazy["mae"].groups.at(index) for index in range(3)]
    whole = evaluation.result()["mae"].groups
    assert shown == [whole.at(index) for index in range(3)]
    assert list(lazy["mae"].groups) == list(whole)
    assert lazy.to_dict() == evaluation.result().to_dict()


def test_more_examples_than_rows():
    prediction = np.arange(12.0).reshape(4, 3)
    evaluation = numloss.Evaluation("mae", by="g", worst=2)
    evaluation.update(prediction[:2], np.zeros((2, 3)), groups=[0, 1])
    evaluation.update(prediction[2:], np.zeros((2, 3)), groups=[0, 1])
    result = evaluation.result()["mae"]
    assert (result.total.count, evaluation.rows) == (12, 4)
    assert result.groups[1].sum == prediction[1::2].sum()
    assert [(w.loss, w.row.row) for w in result.worst] == [(11.0, 3), (10.0, 3)]


def test_losses_with_an_input_beside():
    rng = np.random.default_rng(8)
    mean, target, variance = rng.random((3, 50)) + 0.5
    evaluation = numloss.Evaluation(["gaussian_nll", "quantile:q=0.9"])
    evaluation.update(mean, target, variance=variance)
    assert evaluation.result()["gaussian_nll"].total.mean == pytest.approx(
        float(numloss.gaussian_nll(mean, target, variance))
    )
    with pytest.raises(ValueError, match="gaussian_nll needs variance"):
        evaluation.update(mean, target)


def test_half_precision_is_not_rounded_again():
    values = np.random.default_rng(9).normal(size=1000).astype(np.float16)
    evaluation = numloss.Evaluation("mse")
    evaluation.update(values, np.zeros(1000, np.float16))
    assert evaluation.result()["mse"].total.sum == pytest.approx(
        (values.astype(float) ** 2).sum(), rel=1e-6
    )


def test_rows_are_named_by_their_source():
    parts = {}
    for name in ("b", "a"):
        parts[name] = numloss.Evaluation("mae", worst=3)
        parts[name].update(np.array([1.0, 2.0]), np.zeros(2), source=name)
    one, other = parts["b"].copy(), parts["a"].copy()
    one.merge(parts["a"])
    other.merge(parts["b"])
    assert one == other
    worst = one.result()["mae"].worst
    assert [(w.loss, *w.row) for w in worst] == [(2.0, "a", 1), (2.0, "b", 1), (1.0, "a", 0)]
    assert one.result()["mae"].total.maximum_row == ("a", 1)


def test_rows_of_two_nameless_streams_lose_their_numbers():
    one, other = numloss.Evaluation("mae"), numloss.Evaluation("mae")
    one.update(np.array([1.0]), np.zeros(1))
    other.update(np.array([2.0]), np.zeros(1))
    assert one.result()["mae"].total.maximum_row == (None, 0)
    one.merge(other)
    assert one.result()["mae"].total.maximum_row is None
    assert one.result()["mae"].total.mean == 1.5
    assert other.result()["mae"].total.maximum_row == (None, 0)


def test_merge_with_itself_counts_twice():
    evaluation = numloss.Evaluation("mae")
    evaluation.update(np.array([1.0, 3.0]), np.zeros(2))
    evaluation.merge(evaluation)
    assert (evaluation.rows, evaluation.result()["mae"].total.sum) == (4, 8.0)


def test_result_in_every_form():
    evaluation = numloss.Evaluation("mae", by="g")
    evaluation.update(np.array([1.0, 2.0, math.nan]), np.zeros(3), groups=["a", "b\x1b[2J", "a"])
    result = evaluation.result()
    assert "\x1b" not in str(result)
    assert "b\\x1b[2J" in str(result)
    assert "<script" not in result._repr_html_()
    assert result.to_dict()["losses"][0]["all"]["count"] == 3
    columns = result.columns()
    assert columns["g"] == ["a", "b\x1b[2J", None]
    assert columns["all"] == [False, False, True]
    assert columns["count"] == [2, 1, 3]
    assert evaluation.result(quantiles=(0.25, 0.999))["mae"].total.quantiles.keys() == {0.25, 0.999}


def test_a_statistic_of_all_groups():
    evaluation = numloss.Evaluation("mae", by="g")
    values = np.array([1.0, 2.0, math.nan, 5.0])
    evaluation.update(values, np.zeros(4), groups=["a", "a", "b", "c"])
    groups = evaluation.result()["mae"].groups
    wanted = {"mean": [1.5, math.nan, 5.0], "maximum": [2.0, math.nan, 5.0],
              "median": [1.5, math.nan, 5.0], "count": [2, 1, 1]}  # fmt: skip
    for name, numbers in wanted.items():
        np.testing.assert_array_equal(groups.column(name), numbers)


def test_names_cannot_be_html():
    evaluation = numloss.Evaluation({"<b>x</b>": "mae"}, by="<i>")
    evaluation.update(np.ones(1), np.zeros(1), groups=["<script>alert(1)</script>"])
    page = evaluation.result()._repr_html_()
    assert "<script" not in page
    assert "<b>" not in page
    assert "<i>" not in page


def test_long_tables_are_cut_to_the_worst_groups():
    evaluation = numloss.Evaluation("mae", by="g")
    evaluation.update(np.arange(200.0), np.zeros(200), groups=np.arange(200))
    text = str(evaluation.result())
    assert "all 200 groups" in text
    assert "the 50 groups with the worst means of 200 are shown" in text
    assert text.splitlines()[4].split()[:3] == ["199", "1", "199"]
    assert len(text.splitlines()) < 60


REFUSED = [
    (lambda e: e.update(np.ones(2), np.zeros(2)), "groups must have a value of g for each row"),
    (lambda e: e.update(np.ones(2), np.zeros(2), groups=["a"]), "g: 1 groups for 2 rows"),
    (lambda e: e.update(np.ones(2), np.zeros(2), groups=[[1], [2]]), "one value for each row"),
    (lambda e: e.update(np.ones(2), np.zeros(2), groups=["a", "b"], ids=[1, 2]),
     "ids must be given from the first batch on"),
    (lambda e: e.update(np.ones(2), np.zeros(3), groups=["a", "b"]), "same shape"),
    (lambda e: e.update(1.0, 2.0, groups=["a"]), "an axis of rows"),
    (lambda e: e.update(np.ones(2), np.zeros(2), groups=[1, 2]), "they were text before"),
    (lambda e: e.update(np.ones(2), np.zeros(2), groups=[1j, 2j]), "numbers, text or truth"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "match"), REFUSED)
def test_what_is_refused_changes_nothing(call, match):
    evaluation = numloss.Evaluation("mae", by="g")
    evaluation.update(np.ones(1), np.zeros(1), groups=["x"])
    before = evaluation.to_bytes()
    with pytest.raises((ValueError, TypeError), match=match):
        call(evaluation)
    assert evaluation.to_bytes() == before


@pytest.mark.parametrize(
    ("losses", "match"),
    [
        ([], "losses must name one"),
        (["mse", "mse"], "losses must differ"),
        ("mze", "no loss is named 'mze'"),
        ("bce", "here it is binary_cross_entropy"),
        ([("huber", {"dleta": 1})], "huber has no option 'dleta'"),
        (["huber:dleta=1"], "loss huber:dleta=1: huber has no option"),
        ([numloss.mse, 3], "a loss must be a loss, its name, or a pair"),
        (("cross_entropy", {"return_predicted": True}), "no place for what return_predicted"),
    ],
)
def test_losses_that_are_none(losses, match):
    with pytest.raises((ValueError, TypeError), match=match):
        numloss.Evaluation(losses)


def test_unlike_evaluations_are_not_merged():
    plain = numloss.Evaluation("mae")
    for other in (
        numloss.Evaluation("mse"), numloss.Evaluation("huber"), numloss.Evaluation("mae", by="g"),
        numloss.Evaluation("mae", worst=3), numloss.Evaluation("mae", quantiles=False),
        numloss.Evaluation(["mae", "mse"]), numloss.Evaluation({"other": "mae"}),
    ):  # fmt: skip
        with pytest.raises(StateError, match="cannot be merged"):
            plain.merge(other)
    with pytest.raises(TypeError, match="merge takes an Evaluation"):
        plain.merge(b"")


# -------------------------------------------------------------------------------------------- bytes


def filled():
    """An evaluation with something of everything."""
    evaluation = numloss.Evaluation(
        ["cross_entropy", ("cross_entropy", {"class_weight": np.array([1.0, 2.0])})], by=["a", "b"]
    )
    rng = np.random.default_rng(10)
    logits = rng.normal(size=(5000, 2))
    logits[7] = np.nan
    labels = rng.integers(0, 2, 5000)
    labels[::9] = -100
    groups = [rng.integers(0, 3, 5000), np.where(rng.random(5000) < 0.5, "x", "y")]
    evaluation.update(logits, labels, weight=rng.random(5000), groups=groups, source="f")
    return evaluation


def test_bytes_come_back():
    evaluation = filled()
    again = numloss.Evaluation.from_bytes(evaluation.to_bytes())
    assert again == evaluation
    assert repr(again.result().to_dict()) == repr(evaluation.result().to_dict())
    assert pickle.loads(pickle.dumps(evaluation)) == evaluation
    with pytest.raises(StateError, match="rows 0 to 4999 of f are in both, and would count twice"):
        again.merge(evaluation)
    assert again == evaluation


def test_every_damaged_byte_is_noticed():
    blob = filled().to_bytes()
    rng = np.random.default_rng(11)
    for place in [*range(30), *rng.integers(0, len(blob), 100).tolist()]:
        damaged = bytearray(blob)
        damaged[place] ^= 1 << int(rng.integers(8))
        with pytest.raises(StateError):
            numloss.Evaluation.from_bytes(damaged)
    for end in [0, 5, 20, 100, len(blob) - 1]:
        with pytest.raises(StateError):
            numloss.Evaluation.from_bytes(blob[:end])


def sealed(body):
    """Give bytes a checksum that is right."""
    return bytes(body) + struct.pack("<I", zlib.crc32(bytes(body)))


def test_damage_behind_a_right_checksum_never_crashes():
    blob = filled().to_bytes()[:-4]
    rng = np.random.default_rng(12)
    refused = 0
    for _ in range(2000):
        damaged = bytearray(blob)
        for place in rng.integers(0, len(blob), rng.integers(1, 4)).tolist():
            damaged[place] = int(rng.integers(256))
        try:
            evaluation = numloss.Evaluation.from_bytes(sealed(damaged))
            evaluation.result()
            evaluation.to_bytes()
        except StateError:
            refused += 1
    assert refused > 500


def test_histograms_that_do_not_add_up_are_refused():
    evaluation = numloss.Evaluation("mae", worst=0)
    evaluation.update(np.arange(1.0, 6001.0), np.zeros(6000), ids=np.arange(6000))
    blob = evaluation.to_bytes()[:-4]
    # The last bin counts the six losses from 5994.7 on, in one byte before the empty list of rows.
    assert blob[-1] == 0
    with pytest.raises(StateError, match="a histogram"):
        numloss.Evaluation.from_bytes(sealed(blob[:-2] + bytes([blob[-2] - 1, 0])))


def test_newer_and_foreign_states_are_told_apart():
    blob = bytearray(filled().to_bytes())
    blob[8] = 9
    with pytest.raises(
        StateError, match="a state of version 9, where this numloss reads version 2"
    ):
        numloss.Evaluation.from_bytes(sealed(blob[:-4]))
    with pytest.raises(StateError, match="not a state of numloss"):
        numloss.Evaluation.from_bytes(b"PAR1" + bytes(100))


def test_arrays_need_numpy_alone():
    code = (
        "import sys, numpy as np, numloss\n"
        "e = numloss.Evaluation('mse', by='g')\n"
        "e.update(np.ones(3), np.zeros(3), groups=['a', 'b', 'a'])\n"
        "str(e.result()); e.to_bytes()\n"
        "print({'pyarrow', 'pandas', 'argparse'} & set(sys.modules))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout == "set()\n"


# ------------------------------------------------------------------------------------------- names


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
    with pytest.raises(
        UsageError, match=r"name the prediction with prediction=\.\.\.; it has a, b"
    ):
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


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("groups", [300, 3000])
def test_examples_of_many_groups_that_wait_for_others_are_counted_alike(groups, dtype):
    # Ties, zeros of both signs, NaN, infinities, numbers too small or too far apart for short sums.
    rng = np.random.default_rng(0)
    size = 60_000
    losses = np.abs(rng.normal(size=size) * 10.0 ** rng.integers(-12, 5, size)).astype(dtype)
    for value, count in ((0.25, 9000), (0.0, 900), (-0.0, 900), (1e-38, 99), (1e30, 9), (np.nan, 9),
                         (np.inf, 9), (1e4, 900)):  # fmt: skip
        losses[rng.integers(0, size, count)] = value
    keys = rng.integers(0, groups, size)
    keys[: size // 3] = 7  # a bucket fills up again and again
    order = rng.permutation(size)
    blobs = set()
    for cut in (size, 4096, 777):
        evaluation = numloss.Evaluation("mae", by="g")
        for begin in range(0, size, cut):
            some = order[begin : begin + cut] if cut == 777 else np.arange(size)[begin:][:cut]
            evaluation.update(losses[some], np.zeros(len(some), dtype), groups=keys[some], ids=some)
            if cut == 4096 and begin < 9 * cut:
                evaluation.result()  # takes in what waits
        blobs.add(evaluation.to_bytes())
    assert len(blobs) == 1
    result = evaluation.result()["mae"].groups
    for key in (7, 0, groups // 2, groups - 1):
        mine = losses[keys == key].astype(np.float64)
        finite = mine[np.isfinite(mine)]
        statistics = result[key]
        assert statistics.count == len(mine)
        assert statistics.nan == np.isnan(mine).sum()
        if len(finite) == len(mine):
            assert statistics.sum == math.fsum(finite)
            assert statistics.maximum == finite.max()
            assert statistics.minimum == finite.min()
            assert (
                statistics.maximum_row.row
                == np.flatnonzero((keys == key) & (losses == finite.max()))[0]
            )
            if statistics.exact_quantiles:
                assert statistics.median == np.quantile(finite, 0.5)


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError])
def test_an_update_that_ends_half_way_is_told(error, monkeypatch):
    evaluation = numloss.Evaluation(["mse", "mae"])
    evaluation.update(np.ones(3), np.zeros(3))
    kept = evaluation.to_bytes()
    whole = evaluation._additions

    class Torn:
        def add(self, *values):
            raise error

    def torn(*arguments, **options):
        first, second = whole(*arguments, **options)
        return [first, second._replace(state=Torn())]

    monkeypatch.setattr(evaluation, "_additions", torn)
    with pytest.raises(error):
        evaluation.update(np.ones(3), np.zeros(3))
    monkeypatch.undo()
    other = numloss.Evaluation.from_bytes(kept)
    for use in (
        evaluation.to_bytes,
        evaluation.result,
        lambda: evaluation.update(np.ones(3), np.zeros(3)),
        lambda: evaluation.merge(other),
        lambda: other.merge(evaluation),
    ):
        with pytest.raises(numloss.StateError, match=f"half-way \\({error.__name__}\\)"):
            use()
    assert other.to_bytes() == kept
    # What is refused before anything is taken in changes nothing.
    with pytest.raises(ValueError, match="groups"):
        other.update(np.ones(3), np.zeros(3), groups=[1, 2, 3])
    with pytest.raises(numloss.Error):
        other.update(np.ones(3), np.zeros(4))
    assert other.to_bytes() == kept


def test_columns_of_arrow_in_an_update():
    pa = pytest.importorskip("pyarrow")
    rng = np.random.default_rng(0)
    logits, labels = rng.normal(size=(100, 3)), rng.integers(0, 3, 100)
    named = dict(zip("abc", logits.T, strict=True))
    wanted = numloss.Evaluation("cross_entropy", by="g")
    groups = rng.choice(["x", "y"], 100)
    wanted.update(logits, labels, groups=groups)
    for prediction in (
        pa.table(named),
        pa.RecordBatch.from_pydict({name: pa.array(column) for name, column in named.items()}),
        pa.FixedShapeTensorArray.from_numpy_ndarray(logits),
    ):
        for target in (pa.array(labels), pa.chunked_array([labels[:30], labels[30:]])):
            evaluation = numloss.Evaluation("cross_entropy", by="g")
            evaluation.update(prediction, target, groups=pa.array(groups.tolist()))
            assert evaluation.to_bytes() == wanted.to_bytes()


def test_texts_that_rows_are_called(tmp_path):
    rng = np.random.default_rng(12)
    rows = 3000
    losses = rng.exponential(size=rows)
    losses[[70, 2000]] = np.nan
    names = np.array([f"row {i} ü{'x' * (i % 40)}" for i in range(rows)])
    groups = rng.integers(0, 20, rows)

    def evaluated(order, cuts, kind=list):
        evaluation = numloss.Evaluation("mae", by="g", worst=5)
        for part in np.array_split(order, cuts):
            ids = names[part] if kind is np.array else kind(names[part].tolist())
            evaluation.update(losses[part], np.zeros(len(part)), groups=groups[part], ids=ids)
        return evaluation

    whole = evaluated(np.arange(rows), 1)
    parts = numloss.Evaluation("mae", by="g", worst=5)
    parts.merge(evaluated(np.arange(1000), 3))
    parts.merge(evaluated(rng.permutation(np.arange(1000, rows)), 7, np.array))
    assert parts.to_bytes() == whole.to_bytes()
    assert numloss.Evaluation.from_bytes(whole.to_bytes()).to_bytes() == whole.to_bytes()
    found = whole.result()["mae"]
    order = np.argsort(-np.nan_to_num(losses))
    assert [worst.row.row for worst in found.worst] == names[order[:5]].tolist()
    assert found.total.maximum_row.row == names[order[0]]
    assert found.total.first_nan.row in names[[70, 2000]]
    for key, group in found.groups:
        mine = np.flatnonzero(groups == key)
        assert group.maximum_row.row == names[mine[np.nanargmax(losses[mine])]]
    assert len(whole._names) < 60
    assert whole.result().to_dict()["losses"][0]["all"]["maximum_row"] == names[order[0]]
    # What a hash is of does not depend on the longest text of a batch.
    assert len({evaluated(rng.permutation(rows), n).to_bytes() for n in (1, 10, 300)}) == 1
    for wrong in ([1] * 3, [b"a"] * 3, [1.5] * 3, ["a"] * 2, None, ["a", 1, None]):
        with pytest.raises(ValueError, match="ids must be"):
            whole.update(np.ones(3), np.zeros(3), groups=[1] * 3, ids=wrong)
    numbers = numloss.Evaluation("mae", by="g", worst=5)
    numbers.update(np.ones(3), np.zeros(3), groups=[1] * 3, ids=[1, 2, 3])
    with pytest.raises(numloss.StateError, match="unlike ids"):
        whole.merge(numbers)


def test_hashes_of_texts_differ():
    from numloss.evaluation.identities import of_text

    texts = [f"{i}" for i in range(100_000)] + ["", "a", "a\0b", "ab", "a" * 8, "a" * 9, "a" * 16]
    assert len(set(of_text(np.array(texts)).tolist())) == len(texts)
    bits = np.unpackbits(of_text(np.array(texts)).view(np.uint8).reshape(-1, 8), axis=1)
    assert abs(bits.mean(axis=0) - 0.5).max() < 0.01


@pytest.mark.parametrize("weighted", [False, True])
def test_intervals_hold_the_true_mean_as_often_as_they_say(weighted):
    """Of 4000 samples of 300 losses, 95 % of the intervals hold it: within 1 %, 2.9 sigma."""
    rng = np.random.default_rng(21)
    samples, rows = 4000, 300
    losses = rng.gamma(2.0, 1.5, size=samples * rows)
    weights = rng.uniform(0.2, 3.0, size=losses.size)
    true = 3.0
    if weighted:  # a ratio: losses of heavy rows are higher
        losses *= weights
        true *= np.mean([0.2**2 + 0.2 * 3 + 3.0**2]) / 3 / 1.6
    evaluation = numloss.Evaluation("mae", by="sample", worst=0, quantiles=False)
    evaluation.update(
        losses, np.zeros(losses.size), weight=weights if weighted else None,
        groups=np.repeat(np.arange(samples), rows),
    )  # fmt: skip
    held = 0
    for _, group in evaluation.result()["mae"].groups:
        low, high = group.confidence_interval(0.95)
        held += low <= true <= high
    assert 0.94 <= held / samples <= 0.96


# --------------------------------------------------------------------------- batches in any order


def test_batches_that_say_where_they_begin():
    values, zeros = np.arange(100.0), np.zeros(100)
    wanted = numloss.Evaluation("mae", by="odd")
    wanted.update(values, zeros, groups=values % 2, source="a")
    found = numloss.Evaluation("mae", by="odd")
    for begin in (60, 0, 80, 20, 40):
        some = slice(begin, begin + 20)
        found.update(values[some], zeros[:20], groups=values[some] % 2, source="a", first_row=begin)
    assert found.to_bytes() == wanted.to_bytes()
    before = found.to_bytes()
    with pytest.raises(ValueError, match="rows 90 to 99 of a are in, and would count twice"):
        found.update(values[:30], zeros[:30], groups=zeros[:30], source="a", first_row=90)
    assert found.to_bytes() == before
    found.update(values[:1], zeros[:1], groups=[0.0], source="a")  # follows on the last one
    found.update(values[:1], zeros[:1], groups=[0.0], source="b", first_row=7)
    assert found.result()["mae"].total.count == 102
    assert found._done() == {"a": [(0, 101)], "b": [(7, 8)]}


@pytest.mark.parametrize(
    "wrong", [{}, {"source": "a", "ids": [1, 2]}, {"source": "a", "first_row": -1}]
)
def test_a_first_row_needs_a_source(wrong):
    evaluation = numloss.Evaluation("mae")
    with pytest.raises(ValueError, match="first_row counts the rows of a source from 0"):
        evaluation.update([1.0, 2.0], [0.0, 0.0], **{"first_row": 0, **wrong})
    evaluation.update([1.0], [0.0], ids=[3])
    with pytest.raises(ValueError, match="ids must be given for every batch"):
        evaluation.update([1.0], [0.0], source="a", first_row=0)


def test_groups_and_ids_of_data_frames():
    pd = pytest.importorskip("pandas")
    pl = pytest.importorskip("polars")
    pa = pytest.importorskip("pyarrow")
    columns = {"b": list("xyxy"), "a": [1, 2, 1, 2]}
    for frame in (columns, pd.DataFrame(columns), pl.DataFrame(columns), pa.table(columns)):
        evaluation = numloss.Evaluation("mse", by=["a", "b"])
        evaluation.update(np.ones(4), np.zeros(4), groups=frame)
        assert evaluation.result()["mse"].groups.keys() == [(1, "x"), (2, "y")]
        evaluation = numloss.Evaluation("mse", by="a")
        evaluation.update(np.ones(4), np.zeros(4), groups=frame)
        assert evaluation.result()["mse"].groups.keys() == [1, 2]
        with pytest.raises(ValueError, match="must have a column c, got b, a"):
            numloss.Evaluation("mse", by="c").update(np.ones(4), np.zeros(4), groups=frame)
    names = list("abcd")
    for ids in (pl.Series(names), pd.Series(names, index=range(10, 14)), pa.array(names), names):
        evaluation = numloss.Evaluation("mse", worst=1)
        evaluation.update(np.arange(4.0), np.zeros(4), ids=ids)
        assert evaluation.result()["mse"].worst[0].row.row == "d"


def test_first_rows_that_are_no_place():
    evaluation = numloss.Evaluation("mse")
    for wrong, error in ((2**43, ValueError), (2**70, ValueError), (1.5, TypeError)):
        with pytest.raises(error):
            evaluation.update(np.ones(2), np.zeros(2), source="a", first_row=wrong)
    evaluation.update(np.ones(2), np.zeros(2), source="a", first_row=2**43 - 4)
    evaluation.update(np.zeros(2), np.zeros(2), source="b")
    assert evaluation.result()["mse"].worst[0].row == ("a", 2**43 - 4)
    with pytest.raises(ValueError, match="level must"):
        evaluation.result()["mse"].total.confidence_interval(95)
    with pytest.raises(ValueError, match="compare must"):
        numloss.Evaluation("mse", compare="ab")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("groups", [1, 3])
def test_histograms_of_both_signs(dtype, groups):
    rng = np.random.default_rng(8)
    values = (rng.normal(size=60_000) * 10.0 ** rng.integers(-3, 3, 60_000)).astype(dtype)
    values[::100] = 0
    values[1::100] *= -0.0
    codes = rng.integers(0, groups, len(values)).astype(np.int32)

    def state(*cuts):
        found = EvaluationState(1, 1, True, 5)
        for begin, end in pairwise([0, *cuts, len(values)]):
            found.combine([found.codes_of_integers(0, codes[begin:end])])
            part = found.codes_of_integers(0, codes[begin:end])
            found.add(0, values[begin:end], codes=part, first_row=begin)
        return found

    whole = state()
    assert state(1, 4095, 4096, 30_000).write() == whole.write()
    shares = np.linspace(0, 1, 21)
    order = whole.order()
    found = whole.summary(0, shares.tolist(), groups=order)["quantiles"]
    for key, mine in zip(whole.keys_of_groups(0, order), found, strict=True):
        expected = np.quantile(values[codes == key].astype("f8"), shares)
        assert mine == pytest.approx(expected, rel=2.0**-9, abs=1e-9)


@pytest.mark.parametrize("keys", [["a", "b"], [1, 2], [0.5, 1.5], [True, False]])
def test_missing_groups_say_nothing_of_a_columns_kind(keys):
    pa = pytest.importorskip("pyarrow")

    def state(*columns):
        evaluation = numloss.Evaluation("mae", by="g")
        for groups in columns:
            evaluation.update([1.0, 2.0], [0.0, 0.0], groups=groups)
        return evaluation

    for nothing in ([None, None], np.array([np.nan, np.nan]), pa.nulls(2)):
        before, behind = state(nothing, keys), state(keys, nothing)
        assert [key for key, _ in before.result()["mae"].groups][-1] is None
        # Rows have other numbers; what groups are has not.
        assert before._state.kind_of_keys(0) == behind._state.kind_of_keys(0)
        alone = state(nothing)
        assert alone._state.kind_of_keys(0) == "nothing"
        assert numloss.Evaluation.from_bytes(alone.to_bytes()) == alone
        alone.update([1.0, 2.0], [0.0, 0.0], groups=keys)
        assert alone == before
