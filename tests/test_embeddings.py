"""Losses over batches of embeddings beside their definitions, which store all similarities."""

import doctest
import pickle
import subprocess
import sys
import tracemalloc
import warnings
from pathlib import Path

import ml_dtypes
import mpmath
import numpy as np
import pytest

import numloss

N, WIDTH = 40, 5
#: Beyond this test's similarities, and less than those of one row: 16 rows are taken then.
MEMORY = [16_000_000, 1]
EPS32 = float(np.finfo(np.float32).eps)


# -------------------------------------------------------------------------------------- definitions


def unit(x):
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def log_sum_exp(z):
    top = z.max(axis=1, keepdims=True)
    return (top + np.log(np.exp(z - top).sum(axis=1, keepdims=True)))[:, 0]


def info_nce(q, k, temperature=0.1, normalize=True, symmetric=False):
    s = (unit(q) @ unit(k).T if normalize else q @ k.T) / temperature
    own = np.diagonal(s[:, : len(q)])
    rows = log_sum_exp(s) - own
    return (rows + log_sum_exp(s.T) - own) / 2 if symmetric else rows


def nt_xent(first, second, temperature=0.1, normalize=True):
    views = np.concatenate([first, second])
    views = unit(views) if normalize else views
    s = views @ views.T / temperature
    np.fill_diagonal(s, -np.inf)
    n = len(first)
    rows = log_sum_exp(s) - s[np.arange(2 * n), (np.arange(2 * n) + n) % (2 * n)]
    return (rows[:n] + rows[n:]) / 2


def supervised_contrastive(x, labels, temperature=0.1, normalize=True):
    s = (unit(x) @ unit(x).T if normalize else x @ x.T) / temperature
    losses = np.zeros(len(x))
    for i in range(len(x)):
        others = np.flatnonzero(np.arange(len(x)) != i)
        positives = others[labels[others] == labels[i]]
        if len(positives):
            losses[i] = np.mean(log_sum_exp(s[i : i + 1, others]) - s[i, positives])
    return losses


def circle(x, labels, gamma=80.0, margin=0.4, normalize=True, weights_at=None):
    """Take the weights from other embeddings where the gradient has them for constants."""
    s = unit(x) @ unit(x).T if normalize else x @ x.T
    at = s if weights_at is None else unit(weights_at) @ unit(weights_at).T
    losses = np.zeros(len(x))
    for i in range(len(x)):
        alike = (labels == labels[i]) & (np.arange(len(x)) != i)
        others = labels != labels[i]
        if not alike.any() or not others.any():
            continue
        of_p = -gamma * np.maximum(1 + margin - at[i, alike], 0) * (s[i, alike] - (1 - margin))
        of_n = gamma * np.maximum(at[i, others] + margin, 0) * (s[i, others] - margin)
        losses[i] = np.logaddexp(0, log_sum_exp(of_n[None])[0] + log_sum_exp(of_p[None])[0])
    return losses


def data(dtype="float64", n=N, seed=0):
    rng = np.random.default_rng(seed)
    first = rng.normal(size=(n, WIDTH))
    second = first + rng.normal(size=(n, WIDTH))
    labels = rng.integers(-3, 6, n)
    labels[[4, -1]] = 100, 101  # of which there is one each
    return first.astype(dtype), second.astype(dtype), labels


def weights(n=N):
    w = np.random.default_rng(1).exponential(size=n)
    w[[0, n // 2]] = 0
    return w


#: The losses by what is tried: definition, arguments made of two views and labels, and options.
CASES = {
    "info_nce": (info_nce, lambda x, y, k: (x, y), {}),
    "info_nce, symmetric": (info_nce, lambda x, y, k: (x, y), {"symmetric": True}),
    "info_nce, more keys": (info_nce, lambda x, y, k: (x[:23], y), {"temperature": 0.5}),
    "info_nce, as they are": (info_nce, lambda x, y, k: (x, y), {"normalize": False}),
    "nt_xent": (nt_xent, lambda x, y, k: (x, y), {"temperature": 0.2}),
    "nt_xent, as they are": (nt_xent, lambda x, y, k: (x, y), {"normalize": False}),
    "supervised_contrastive": (supervised_contrastive, lambda x, y, k: (x, k), {}),
    "supervised_contrastive, 1": (
        supervised_contrastive, lambda x, y, k: (x, k), {"temperature": 1.0, "normalize": False},
    ),
    "circle": (circle, lambda x, y, k: (x, k), {}),
    "circle, 256": (circle, lambda x, y, k: (x, k), {"gamma": 256.0, "margin": 0.25}),
}  # fmt: skip
NAMES = list(CASES)


def case(name, dtype="float64", n=N):
    definition, arguments, options = CASES[name]
    return getattr(numloss, name.split(",")[0]), definition, arguments(*data(dtype, n)), options


def counted(name, arguments):
    """Return which examples have a positive."""
    if "circle" not in name and "supervised" not in name:
        return np.ones(len(arguments[0]), bool)
    labels = arguments[1]
    return (labels[:, None] == labels).sum(axis=1) > 1


def slopes(f, x, step=1e-6):
    """Return the derivatives of a number by an array, from differences."""
    found = np.empty(x.shape)
    for place in np.ndindex(x.shape):
        moved = np.zeros(x.shape)
        moved[place] = step
        found[place] = (f(x + moved) - f(x - moved)) / (2 * step)
    return found


def as_tuple(gradients):
    return gradients if isinstance(gradients, tuple) else (gradients,)


# ----------------------------------------------------------------------------------------- numbers


@pytest.mark.parametrize("memory", MEMORY)
@pytest.mark.parametrize("name", NAMES)
def test_values(name, memory):
    loss, definition, arguments, options = case(name)
    expected = definition(*arguments, **options)
    seen, n = counted(name, arguments), len(expected)
    w = weights(n)

    def got(**more):
        return loss(*arguments, **options, max_memory=memory, **more)

    np.testing.assert_allclose(got(reduction="none"), expected, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(got(reduction="none", weight=w), w * expected, 1e-12, 1e-12)
    np.testing.assert_allclose(got(), expected[seen].mean(), rtol=1e-12)
    np.testing.assert_allclose(got(reduction="sum", weight=w), (w * expected).sum(), rtol=1e-12)
    mean = (w * expected).sum() / w[seen].sum()
    np.testing.assert_allclose(got(weight=w), mean, rtol=1e-12)
    for denominator, divisor in (("count", seen.sum()), (7.5, 7.5)):
        by_it = (w * expected).sum() / divisor
        np.testing.assert_allclose(got(weight=w, denominator=denominator), by_it, rtol=1e-12)


@pytest.mark.parametrize("memory", MEMORY)
@pytest.mark.parametrize("name", NAMES)
def test_gradients(name, memory):
    loss, definition, arguments, options = case(name, n=24)
    w = weights(len(arguments[0]))
    value, gradients = loss.value_and_grad(
        *arguments, **options, weight=w, reduction="sum", max_memory=memory
    )
    assert value == pytest.approx((w * definition(*arguments, **options)).sum(), rel=1e-12)
    for place, gradient in enumerate(as_tuple(gradients)):

        def of_one(x, place=place):
            given = [*arguments[:place], x, *arguments[place + 1 :]]
            fixed = {"weights_at": arguments[0]} if definition is circle else {}
            return (w * definition(*given, **options, **fixed)).sum()

        expected = slopes(of_one, arguments[place])
        scale = np.abs(expected).max()
        np.testing.assert_allclose(gradient, expected, rtol=1e-5, atol=1e-7 * scale)
    whole = as_tuple(loss.grad(*arguments, **options, weight=w, max_memory=memory))
    total = w[counted(name, arguments)].sum()
    for one, other in zip(whole, as_tuple(gradients), strict=True):
        np.testing.assert_allclose(one * total, other, rtol=1e-10, atol=1e-12)
    none = as_tuple(loss.grad(*arguments, **options, weight=w, reduction="none"))
    for one, other in zip(none, as_tuple(gradients), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-10, atol=1e-12)


def test_circle_differentiates_its_weights_if_asked_to():
    x, _, labels = data(n=20)
    options = {"gamma": 8.0, "margin": 0.25}
    gradient = numloss.circle.grad(x, labels, **options, constant_weights=False, reduction="sum")
    expected = slopes(lambda x: circle(x, labels, **options).sum(), x)
    np.testing.assert_allclose(gradient, expected, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("name", [x for x in NAMES if "circle" not in x])
def test_the_derivative_by_the_temperature(name):
    loss, definition, arguments, options = case(name)
    options = {"temperature": 0.1, **options}
    own = options.pop("temperature")
    value, gradients, by_temperature = loss.value_and_grad(
        *arguments, **options, temperature=own, reduction="sum", return_temperature_grad=True
    )
    expected = slopes(
        lambda t: definition(*arguments, **options, temperature=t[0]).sum(), np.array([own])
    )
    assert by_temperature == pytest.approx(expected[0], rel=1e-6)
    plain = loss.value_and_grad(*arguments, **options, temperature=own, reduction="sum")
    assert value == plain[0]
    assert pickle.dumps(gradients) == pickle.dumps(plain[1])
    assert loss.grad(
        *arguments, **options, temperature=own, reduction="sum", return_temperature_grad=True
    )[-1] == by_temperature  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_float32_has_the_error_of_its_similarities(name):
    """A similarity is rounded, and divided by the temperature: that much is lost of a logit."""
    loss, definition, arguments, options = case(name, "float32")
    wide = tuple(x.astype("float64") if x.dtype == "float32" else x for x in arguments)
    size = np.abs(arguments[0]).max() ** 2 * WIDTH if options.get("normalize") is False else 1
    atol = 4 * EPS32 * max(options.get("gamma", 80) if definition is circle else 1, 1) * size
    atol /= options.get("temperature", 0.1 if definition is not circle else 1)
    got = loss(*arguments, **options, reduction="none")
    assert got.dtype == np.float32
    np.testing.assert_allclose(got, definition(*wide, **options), rtol=4 * EPS32, atol=atol)
    value, gradients = loss.value_and_grad(*arguments, **options)
    assert type(value) is np.float64
    exact = as_tuple(loss.grad(*wide, **options))
    for one, other in zip(as_tuple(gradients), exact, strict=True):
        assert one.dtype == np.float32
        np.testing.assert_allclose(one, other, rtol=0, atol=8 * atol * np.abs(other).max())


def test_against_mpmath():
    """Value of info_nce, with temperature 0.01, to the last digits of float64."""
    first, second, _ = data(n=6)
    with mpmath.workdps(40):
        q, k = ([[mpmath.mpf(float(v)) for v in row] for row in x] for x in (first, second))

        def cosine(x, y):
            dot = mpmath.fsum(a * b for a, b in zip(x, y, strict=True))
            return dot / (mpmath.norm(x) * mpmath.norm(y)) * 100

        exact = [
            mpmath.log(mpmath.fsum(mpmath.exp(cosine(x, y)) for y in k)) - cosine(x, k[i])
            for i, x in enumerate(q)
        ]
    got = numloss.info_nce(first, second, temperature=0.01, reduction="none")
    np.testing.assert_allclose(got, [float(x) for x in exact], rtol=1e-14, atol=1e-13)


# ----------------------------------------------------------------------------- what is degenerate


@pytest.mark.parametrize("temperature", [0.01, 1.0])
def test_identical_vectors_cost_the_logarithm_of_how_many_there_are(temperature):
    x = np.full((33, 7), 0.3, np.float32)
    for symmetric in (False, True):
        value, gradients = numloss.info_nce.value_and_grad(
            x, x, temperature=temperature, symmetric=symmetric
        )
        assert value == pytest.approx(np.log(33), rel=2 * EPS32)
        assert np.abs(gradients).max() < 1e-5 / temperature
    assert numloss.nt_xent(x, x, temperature=temperature) == pytest.approx(np.log(65), rel=1e-6)
    labels = np.arange(33) % 3
    value = numloss.supervised_contrastive(x, labels, temperature=temperature)
    assert value == pytest.approx(np.log(32), rel=1e-6)


def test_a_pair_that_nothing_is_like_costs_next_to_nothing():
    x = np.eye(3, dtype=np.float32)
    expected = np.log1p(2 * np.exp(-1 / 0.05))
    assert numloss.info_nce(x, x, temperature=0.05) == pytest.approx(expected, rel=1e-5)
    # Nothing underflows on its way: the cost of a temperature of 0.02 is e^-50.
    assert 0 < numloss.info_nce(x, x, temperature=0.02) < 1e-20


def test_vectors_of_zeros_are_like_nothing_and_have_no_gradient():
    first, second, labels = data()
    first[[2, 30]] = 0
    with np.errstate(all="raise"):
        value, (of_first, of_second) = numloss.info_nce.value_and_grad(
            first, second, symmetric=True
        )
    assert (of_first[[2, 30]] == 0).all()
    assert np.isfinite(value)
    assert np.isfinite(of_second).all()
    alone = numloss.info_nce(first, second, reduction="none")
    assert alone[2] == pytest.approx(np.log(N), rel=1e-14)
    for loss in (numloss.supervised_contrastive, numloss.circle):
        gradient = loss.grad(first, labels)
        assert np.isfinite(gradient).all()
        assert (gradient[[2, 30]] == 0).all()


def test_length_does_not_matter():
    """No square leaves its type, and a power of two changes no bit."""
    first, second, _ = data("float32")
    value, (of_first, _) = numloss.info_nce.value_and_grad(first, second)
    for power in (-120, 120):
        scale = np.float32(2.0**power)
        got, (found, _) = numloss.info_nce.value_and_grad(first * scale, second)
        assert got == value
        if power < 0:
            np.testing.assert_array_equal(found * scale, of_first)


@pytest.mark.parametrize("name", ["supervised_contrastive", "circle"])
def test_anchors_without_a_positive_do_not_count(name):
    """As in pytorch-metric-learning. The paper's own code of the first gives NaN for them."""
    loss = getattr(numloss, name)
    x, _, labels = data()
    alone = ~counted(name, (x, labels))
    assert alone.sum() >= 2
    losses = loss(x, labels, reduction="none")
    assert (losses[alone] == 0).all()
    assert loss(x, labels) == pytest.approx(losses[~alone].mean(), rel=1e-12)
    assert loss(x, labels, denominator="count") == loss(x, labels)
    assert loss(x, labels, denominator=N) == pytest.approx(losses.mean(), rel=1e-12)
    # They are compared with all the same.
    assert loss(x[~alone], labels[~alone]) != pytest.approx(loss(x, labels), rel=1e-9)


@pytest.mark.parametrize("name", ["supervised_contrastive", "circle"])
def test_a_batch_in_which_nobody_counts(name):
    loss = getattr(numloss, name)
    x = data()[0]
    with pytest.warns(RuntimeWarning, match="mean of a loss over no examples") as caught:
        value, gradient = loss.value_and_grad(x, np.arange(N))
    assert caught[0].filename == __file__
    assert np.isnan(value)
    assert (gradient == 0).all()
    assert loss(x, np.arange(N), reduction="sum") == 0
    if name == "circle":  # which needs negatives, too
        assert loss(x, np.zeros(N, int), reduction="sum") == 0


def test_empty_batches():
    none = np.empty((0, 3))
    for loss, arguments in (
        (numloss.info_nce, (none, none)),
        (numloss.nt_xent, (none, none)),
        (numloss.supervised_contrastive, (none, np.empty(0, int))),
        (numloss.circle, (none, np.empty(0, int))),
    ):
        value, gradients = loss.value_and_grad(*arguments, reduction="sum")
        assert value == 0
        assert all(x.shape == (0, 3) for x in as_tuple(gradients))
        with pytest.warns(RuntimeWarning, match="no examples"):
            assert np.isnan(loss(*arguments))


def test_nan_stays_where_it_is():
    first, second, labels = data()
    first[3] = np.nan
    losses = numloss.info_nce(first, second, reduction="none")
    assert np.flatnonzero(np.isnan(losses)).tolist() == [3]
    for loss in (numloss.supervised_contrastive, numloss.circle):
        assert np.isnan(loss(first, labels))
    # A query of weight 0 is not there.
    w = np.ones(N)
    w[3] = 0
    value, (of_first, of_second) = numloss.info_nce.value_and_grad(first, second, weight=w)
    assert np.isfinite(value)
    assert np.isfinite(of_second).all()
    assert (of_first[3] == 0).all()


# ------------------------------------------------------------------------------------------- types


@pytest.mark.parametrize("dtype", ["float16", ml_dtypes.bfloat16])
@pytest.mark.parametrize("name", ["info_nce", "nt_xent", "supervised_contrastive", "circle"])
def test_16_bits_are_computed_in_32(name, dtype):
    loss, _, arguments, _ = case(name)
    short = tuple(x.astype(dtype) if x.dtype == "float64" else x for x in arguments)
    as32 = tuple(x.astype("float32") if x.dtype == dtype else x for x in short)
    value, gradients = loss.value_and_grad(*short)
    expected, wide = loss.value_and_grad(*as32)
    assert value == expected
    kept = as_tuple(loss.grad(*short, dtype="float32"))
    for one, other, same in zip(as_tuple(gradients), as_tuple(wide), kept, strict=True):
        assert one.dtype == dtype
        np.testing.assert_array_equal(one, other.astype(dtype))
        np.testing.assert_array_equal(same, other)
    assert loss(*short, reduction="none").dtype == dtype


def test_the_wider_type_is_computed_in_and_each_gradient_has_its_own():
    first, second, labels = data()
    of_first, of_second = numloss.info_nce.grad(first.astype("float32"), second)
    assert (of_first.dtype, of_second.dtype) == (np.float32, np.float64)
    assert numloss.info_nce.grad(first.astype("float32"), second, dtype="float64")[0].dtype == float
    assert numloss.nt_xent([[1, 0], [0, 1]], [[1, 0], [0, 1]]) > 0  # integers, in float64
    assert numloss.supervised_contrastive.grad(first[:, ::2], labels).dtype == np.float64


@pytest.mark.parametrize("name", ["info_nce", "nt_xent", "supervised_contrastive", "circle"])
def test_layouts_make_no_difference(name):
    loss, _, arguments, _ = case(name, "float32")
    spread = tuple(np.asfortranarray(x) if x.ndim == 2 else np.repeat(x, 2)[::2] for x in arguments)
    assert pickle.dumps(loss.value_and_grad(*arguments)) == pickle.dumps(
        loss.value_and_grad(*spread)
    )


@pytest.mark.parametrize("name", ["info_nce", "supervised_contrastive", "circle"])
def test_numlosss_own_threads_change_no_bit(name):
    loss, _, arguments, _ = case(name, "float32", n=600)
    found = []
    for count in (1, 2):
        with numloss.threads(count):
            found.append(pickle.dumps(loss.value_and_grad(*arguments)))
    assert found[0] == found[1]


def test_inputs_are_not_written_to():
    for name in NAMES:
        loss, _, arguments, options = case(name)
        before = pickle.dumps(arguments)
        loss.grad(*arguments, **options)
        assert pickle.dumps(arguments) == before


def test_the_similarities_are_never_held():
    n = 3000
    first, second, labels = data("float32", n)
    whole = 4 * n * n
    for loss, arguments in (
        (numloss.info_nce, (first, second)),
        (numloss.nt_xent, (first[: n // 2], second[: n // 2])),
        (numloss.supervised_contrastive, (first, labels)),
        (numloss.circle, (first, labels)),
    ):
        tracemalloc.start()
        loss.grad(*arguments, max_memory=2_000_000)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 4_000_000 < whole / 8


# --------------------------------------------------------------------------------- what is refused

X = np.eye(4)


@pytest.mark.parametrize(
    ("name", "arguments", "options", "message"),
    [
        ("info_nce", (X[0], X), {}, r"queries must hold a vector in each row, .* got shape \(4,\)"),
        ("info_nce", (X, X[None]), {}, r"keys must hold .* use keys.reshape\(-1, 4\)"),
        ("info_nce", (X, X[:, :3]), {}, r"keys must have vectors as long .* queries, 4, got 3"),
        ("info_nce", (X, X[:3]), {}, r"keys must be at least 4, .* got 3"),
        ("info_nce", (X[:3], X), {"symmetric": True}, r"keys must be 3, .* got 4"),
        ("info_nce", (X, X), {"temperature": 0}, r"temperature must be positive and finite"),
        ("info_nce", (X, X), {"normalize": 1}, r"normalize must be True or False, got 1"),
        ("info_nce", (X, X), {"weight": -1.0}, r"weight must hold finite numbers of at least 0"),
        ("info_nce", (X, X), {"weight": [1.0]}, None),
        ("info_nce", (X, X), {"weight": [1.0, 2.0]}, r"weight must be a number or have the shape"),
        ("info_nce", (X, X), {"reduction": "all"}, r"reduction must be 'mean', 'sum' or 'none'"),
        ("info_nce", (X, X), {"denominator": 0}, r"denominator must be a positive finite number"),
        ("info_nce", (X, X), {"dtype": "float32"}, r"dtype must hold the results"),
        ("info_nce", (X, X), {"max_memory": 0}, r"max_memory must be at least 1, got 0"),
        ("info_nce", (X, X), {"temprature": 1}, r"did you mean 'temperature'"),
        ("info_nce", (X,), {}, r"missing 1 required positional argument: 'keys'"),
        ("info_nce", (X, X), {"return_temperature_grad": True}, r"is for gradients: use grad"),
        ("nt_xent", (X, X[:3]), {}, r"second must have the shape of first, \(4, 4\)"),
        ("supervised_contrastive", (X, [1, 2]), {}, r"labels must have one label for each of"),
        ("supervised_contrastive", (X, X[0]), {}, r"labels must be integers, .*astype\(int"),
        ("circle", (X, [0, 0, 1, 1]), {"gamma": -1}, r"gamma must be positive and finite, got -1"),
        ("circle", (X, [0, 0, 1, 1]), {"margin": -1}, r"margin must be a number of at least 0"),
    ],
)  # fmt: skip
def test_what_is_refused(name, arguments, options, message):
    loss = getattr(numloss, name)
    if message is None:
        loss(*arguments, **options)
        return
    with pytest.raises(numloss.Error, match=message):
        loss(*arguments, **options)


@pytest.mark.parametrize("name", ["info_nce", "nt_xent", "supervised_contrastive", "circle"])
def test_it_is_one_object_without_a_hessian(name):
    loss = getattr(numloss, name)
    assert pickle.loads(pickle.dumps([loss]))[0] is loss
    assert repr(loss).startswith(f"<loss {name}(")
    with pytest.raises(numloss.Error, match=f"{name} has no Hessian"):
        loss.grad_and_hess(X, X)


def test_it_is_imported_when_it_is_asked_for():
    code = """
import sys, numloss
before = "numloss.embeddings" in sys.modules
numloss.info_nce
print(before, "numloss.embeddings" in sys.modules)
"""
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.split() == ["False", "True"]


def test_examples_of_the_page():
    text = (Path(__file__).parents[1] / "docs" / "embeddings.md").read_text()
    example = doctest.DocTestParser().get_doctest(text, {}, "embeddings.md", None, None)
    assert example.examples
    printed = []
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        doctest.DocTestRunner().run(example, out=printed.append)
    assert printed == []
