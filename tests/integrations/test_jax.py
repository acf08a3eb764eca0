"""numloss.jax: the bits of the NumPy call under every transformation of JAX's."""

from __future__ import annotations

import doctest
import inspect
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
import pytest
from cases import SHARED, TWO_HEADED_VARIANTS, assert_same
from peers.jax import FORMULAS
from processes import run
from recording import several

import numloss
from numloss.integrations import jax as module

ROOT = Path(__file__).parents[2]
PENALTIES = numloss._losses.penalties.__all__
# The one where a program ran at once, the other where JAX waits for it later.
REFUSED = (ValueError, jax.errors.JaxRuntimeError)

rng = np.random.default_rng(0)
P, T = rng.normal(size=(2, 6)).astype("f4")
LOGITS = rng.normal(size=(6, 3)).astype("f4")
LABELS = np.array([0, 1, 2, 1, 0, 2], "i4")


def in_jax(loss):
    return getattr(numloss.jax, loss.__name__)


def heads_of(loss):
    return [0, 2] if len(loss.heads) == 2 else [0]


def value_and_grad(loss, **options):
    """Return a function to the value of a loss in JAX, and its gradients by all that have one."""

    def compute(*inputs):
        value = in_jax(loss)(*inputs, **options)
        return value.sum(), value  # the sum's cotangents are 1

    def both(*inputs):
        (_, value), gradients = jax.value_and_grad(compute, heads_of(loss), has_aux=True)(*inputs)
        return [value, *gradients]

    return both


def expected(loss, *inputs, **options):
    """Return what NumPy's call gives, a number in the type that JAX has for it."""
    value, *gradients = several(loss.value_and_grad(*inputs, **options))
    if np.ndim(value) == 0:
        value = np.asarray(value).astype(jnp.zeros(()).dtype)
    return [value, *gradients]


def inputs_of(variant, dtype, shape=None):
    """Return the inputs of a variant, with what is an input by name, and its parameters."""
    shape = shape or ((4, 5) if variant.rowwise else (12,))
    prediction, target = variant.inputs(shape, dtype)
    options = variant.options(5, variant.examples(prediction), dtype)
    inputs = [prediction, target]
    inputs += [options.pop(head) for head in variant.loss.heads[1:]]
    return inputs, options


# ------------------------------------------------------------------------------------------- bits


def assert_is_numpy(loss, calls):
    """Compare calls, each of its inputs and options, in one program."""
    inputs, options = zip(*calls, strict=True)
    program = jax.jit(lambda all_inputs: [
        value_and_grad(loss, **x)(*some) for some, x in zip(all_inputs, options, strict=True)
    ])  # fmt: skip
    for found, some, x in zip(program(inputs), inputs, options, strict=True):
        assert_same(map(np.asarray, found), expected(loss, *some, **x), (loss.__name__, x))


@pytest.mark.parametrize("variant", [*SHARED, *TWO_HEADED_VARIANTS], ids=str)
def test_every_loss_has_the_bits_of_numpy(variant):
    def calls(dtype, *ways):
        inputs, options = inputs_of(variant, dtype)
        return [(inputs, options | way) for way in ways]

    weight = np.linspace(0, 1, 4 if variant.rowwise else 12).astype("f4")
    weighted = {"reduction": "none", "weight": weight}
    made = calls("f4", {}, weighted, {"denominator": 7.3, "weight": weight})
    made += calls("f4", {"weight": 1 - weight * 1.5, "allow_negative_weight": True})
    made += calls("f2", {"reduction": "sum"}, {"reduction": "none"})
    made += calls(ml_dtypes.bfloat16, {"denominator": "count"}, weighted)
    assert_is_numpy(variant.loss, made)
    with jax.enable_x64(True):
        assert_is_numpy(variant.loss, calls("f8", {"weight": weight}, weighted))


@pytest.mark.parametrize("variant", SHARED, ids=str)
def test_every_loss_has_the_bits_of_numpy_in_a_batch(variant):
    inputs, options = inputs_of(variant, "f4", (3, 4, 5) if variant.rowwise else (3, 7))
    step = value_and_grad(variant.loss, **options)
    values, gradients = jax.jit(jax.vmap(step))(*inputs)
    for i in range(3):
        known = expected(variant.loss, *(x[i] for x in inputs), **options)
        assert_same([np.asarray(values[i]), np.asarray(gradients[i])], known, variant)


@pytest.mark.parametrize("name", PENALTIES)
def test_penalties_have_the_bits_of_numpy(name):
    calls = [((P,), {}), ((P.reshape(2, 3),), {"strength": 0.3})]
    assert_is_numpy(getattr(numloss, name), calls)


@pytest.mark.parametrize(
    ("loss", "inputs", "options"),
    [
        (numloss.huber, (P, 1.3), {"delta": 1}),
        (numloss.mse, (P, np.arange(6, dtype="i4")), {}),
        (numloss.mse, (P, T), {"weight": 0.3, "reduction": "sum"}),
        (numloss.mse, (P.reshape(2, 3), T.reshape(2, 3)), {"weight": P[:2, None] ** 2}),
        (numloss.mse, (P[:0], T[:0]), {"reduction": "sum"}),
        (numloss.mse, (np.float32(1.5), np.float32(2.0)), {}),
        (numloss.l2_penalty, (np.float32(1.5),), {"strength": 0.1}),
        (numloss.mse, (P.astype("f2"), T), {"reduction": "none"}),
        (numloss.quantile, (P, T, 0.9), {}),
        (numloss.quantile, (P.reshape(2, 3), T[:2], np.float32([0.1, 0.5, 0.9])), {}),
        (numloss.hinge, (P, T > 0), {"margin": 0.1}),
        (numloss.binary_cross_entropy, (abs(P) / 9, T > 0), {"from_logits": False}),
        (numloss.binary_cross_entropy, (P, T > 0), {"pos_weight": None, "label_smoothing": 0.1}),
        (numloss.binary_cross_entropy, (LOGITS, LOGITS > 0), {"pos_weight": [0.5, 1.0, 3.0]}),
        (numloss.focal, (LOGITS, LOGITS > 0), {"pos_weight": np.float32([0.5, 1.0, 3.0])}),
        (numloss.focal, (abs(P) / 9, T > 0), {"from_logits": False, "clip": 0.1}),
        (numloss.logistic, (P, np.sign(T)), {}),
        (numloss.multilabel_margin, (LOGITS, LOGITS > 0.5), {"margin": 0.3}),
        (numloss.dice, (LOGITS, LOGITS > 0.5), {"squared": True}),
        (numloss.multilabel_margin, (LOGITS.T, LOGITS.T > 0), {"axis": 0, "reduction": "none"}),
        (numloss.focal, (P, np.abs(T) / 9), {"alpha": None, "gamma": 1.0}),
        (numloss.cross_entropy, (LOGITS.T, LABELS), {"axis": 0, "class_weight": [0.1, 1, 0.7]}),
        (numloss.cross_entropy, (LOGITS.T, LABELS), {"axis": 0, "reduction": "none"}),
        (numloss.cross_entropy, (LOGITS.reshape(2, 3, 3), LABELS.reshape(2, 3)), {"axis": 1}),
        (numloss.cross_entropy, (LOGITS, LABELS.astype("u1")), {"class_weight": None}),
        (numloss.cross_entropy, (LOGITS, LABELS), {"ignore_index": 1}),
        (numloss.cross_entropy, (LOGITS, np.array([0, 1, -100] * 2)), {"denominator": "count"}),
        (numloss.multiclass_hinge, (LOGITS, LABELS), {"variant": "crammer_singer"}),
        (numloss.ordinal_cross_entropy, (LOGITS, LABELS), {"distance": "squared"}),
        (numloss.ordinal_cross_entropy, (LOGITS, LABELS), {"distance": 1 - np.eye(3)}),
        (numloss.softmax_focal, (LOGITS, LABELS), {"alpha": 0.3}),
        (numloss.aft, (P, abs(T), abs(T) + np.float32([0, 1, np.inf] * 2)), {"scale": 2}),
        (numloss.aft, (P, abs(T)), {"distribution": "logistic"}),
        (numloss.aft, (P, abs(T), np.inf), {"reduction": "none"}),
        (numloss.cox, (LOGITS, abs(LOGITS), LOGITS > 0), {"ties": "efron"}),
        (numloss.cox, (LOGITS.T, abs(LOGITS.T)), {"axis": 0, "reduction": "none"}),
        (numloss.gaussian_nll, (P, T, abs(P)), {"full": True}),
        (numloss.gaussian_nll, (P.astype("f2"), T.astype("f2"), abs(P)), {"reduction": "sum"}),
        (numloss.gaussian_nll, (P, T, 1 + abs(P.astype("f2"))), {"weight": P**2}),
    ],
)  # fmt: skip
def test_options_and_arrays_of_every_kind(loss, inputs, options):
    known = expected(loss, *inputs, **options)
    for i, head in enumerate(heads_of(loss), 1):
        known[i] = known[i].astype(inputs[head].dtype)  # as JAX has the derivatives
    arrays = [x if isinstance(x, float) else jnp.asarray(x) for x in inputs]
    found = value_and_grad(loss, **options)(*inputs)
    assert_same(map(np.asarray, found), known)
    kept = [np.array(x) for x in arrays]
    found = value_and_grad(loss, **options)(*arrays)
    assert_same(map(np.asarray, found), known)
    assert_same(arrays, kept)


# -------------------------------------------------------------------------------- transformations

huber, cross_entropy, mse = numloss.jax.huber, numloss.jax.cross_entropy, numloss.jax.mse


@pytest.mark.parametrize("name", FORMULAS)
def test_gradients_are_those_of_plain_formulas(name):
    """An independent reference: JAX's own derivative of JAX's own arithmetic."""
    loss = getattr(numloss, name)
    prediction = LOGITS if loss.rowwise else abs(P) if name == "msle" else P
    target = {
        "msle": abs(T).astype("f8"),
        "hinge": np.sign(T),
        "squared_hinge": np.sign(T),
        "binary_cross_entropy": (T > 0).astype("f4"),
        "focal": (T > 0).astype("f4"),
        "kl_divergence": np.float64([[0.25, 0.25, 0.5], [0.125, 0.75, 0.125]] * 3),
    }.get(name, LABELS if loss.rowwise else T)
    with jax.enable_x64(True):
        inputs = jnp.asarray(prediction, "f8"), jnp.asarray(target)
        found = jax.value_and_grad(in_jax(loss))(*inputs)
        known = jax.value_and_grad(FORMULAS[name])(*inputs)
    for one, other in zip(found, known, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-14)


def test_batches_of_batches_share_what_they_do_not_map():
    p = rng.normal(size=(2, 4, 6)).astype("f4")
    t, deltas = p[0] / 2, np.float32([0.5, 2.0])
    nested = jax.vmap(
        jax.vmap(lambda p, t, d: huber(p, t, delta=d, weight=P**2), (0, 0, None)), (0, None, 0)
    )
    found = jax.jit(nested)(p, t, deltas)
    known = [
        [np.float32(numloss.huber(p[i, j], t[j], delta=deltas[i], weight=P**2)) for j in range(4)]
        for i in range(2)
    ]
    assert_same([np.asarray(found)], [np.float32(known)])
    # The prediction itself may be what all elements share.
    found = jax.vmap(lambda d: jax.grad(huber)(P, T, delta=d))(deltas)
    assert_same(np.asarray(found), [numloss.huber.grad(P, T, delta=d) for d in deltas])
    # The batch may lie along any axis, of inputs and results.
    found = jax.vmap(lambda x, y: cross_entropy(x, y, reduction="none"), (1, 0), 1)(
        LOGITS.reshape(2, 3, 3), LABELS[:3][:, None].repeat(2, 1)
    )
    known = [
        numloss.cross_entropy(LOGITS.reshape(2, 3, 3)[:, j], [LABELS[j]] * 2, reduction="none")
        for j in range(3)
    ]
    assert_same([np.asarray(found)], [np.stack(known, 1)])


def test_an_empty_batch_is_empty():
    assert jax.vmap(huber)(np.zeros((0, 3), "f4"), np.zeros((0, 3), "f4")).shape == (0,)


def test_scan_trains_as_numpy_does():
    rate = np.float32(0.5)

    def step(p, _):
        value, gradient = jax.value_and_grad(huber)(p, T)
        return p - rate * gradient, value

    p, values = jax.jit(lambda p: jax.lax.scan(step, p, None, length=5))(P)
    mine, known = P, []
    for _ in range(5):
        value, gradient = numloss.huber.value_and_grad(mine, T)
        mine, known = mine - rate * gradient, [*known, np.float32(value)]
    np.testing.assert_array_equal(values, known)
    np.testing.assert_allclose(p, mine, rtol=1e-6)  # XLA may fuse the product with the sum


def test_gradients_flow_through_what_makes_the_prediction():
    x = rng.normal(size=(6, 4)).astype("f4")

    def of(loss):
        return jax.jit(jax.grad(lambda w: loss(jnp.tanh(x @ w), LABELS)))(
            np.linspace(-1, 1, 12, dtype="f4").reshape(4, 3)
        )

    np.testing.assert_allclose(of(cross_entropy), of(FORMULAS["cross_entropy"]), rtol=2e-5)
    remade = jax.grad(jax.checkpoint(huber))(P, T)
    assert_same([np.asarray(remade)], [numloss.huber.grad(P, T)])


def test_cotangents_scale_gradients():
    _, back = jax.vjp(lambda p: huber(p, T, reduction="none"), P)
    scales = np.arange(6, dtype="f4")
    known = scales * numloss.huber.grad(P, T, reduction="none")
    assert_same([np.asarray(back(scales)[0])], [known])
    _, back = jax.vjp(lambda x: cross_entropy(x, LABELS, axis=0, reduction="none"), LOGITS.T)
    known = scales * numloss.cross_entropy.grad(LOGITS.T, LABELS, axis=0, reduction="none")
    assert_same([np.asarray(back(scales)[0])], [known])


def test_the_value_alone_computes_no_gradient():
    text = str(jax.make_jaxpr(huber)(P, T))
    assert text.count("want', 1)") == 1
    text = str(jax.make_jaxpr(jax.grad(huber))(P, T))
    assert text.count("ffi_call[") == text.count("want', 3)") == 1, text


# ------------------------------------------------------------------------------ second derivatives


@pytest.mark.parametrize("options", [{}, {"reduction": "sum", "weight": P**2}])
def test_second_derivatives_are_the_diagonal_of_elementwise_losses(options):
    for name in ("huber", "mse"):
        loss = getattr(numloss, name)
        found = jax.jit(jax.jacrev(jax.grad(lambda p, loss=loss: in_jax(loss)(p, T, **options))))(P)
        _, hessian = loss.grad_and_hess(P, T, **options)
        assert_same([np.asarray(found)], [np.diag(hessian)])


def test_second_derivatives_of_values_of_examples():
    direction = np.arange(6, dtype="f4")

    def through(loss):
        first = jax.grad(lambda p: (loss(p, T) * direction).sum() + loss(p, T).sum() ** 2)
        return jax.grad(lambda p: (first(p) * direction).sum())(P)

    plain = through(lambda p, t: jnp.log1p(jnp.exp(-abs(p))) + jnp.maximum(p, 0) - p * (t > 0))
    loss = numloss.jax.binary_cross_entropy
    mine = through(lambda p, t: loss(p, (t > 0).astype("f4"), reduction="none"))
    np.testing.assert_allclose(mine, plain, rtol=1e-5)


@pytest.mark.parametrize("name", ["cross_entropy", "gaussian_nll"])
def test_second_derivatives_beyond_a_diagonal_are_refused(name):
    inputs = (LOGITS, LABELS) if name == "cross_entropy" else (P, T, P**2)
    with pytest.raises(numloss.Error, match=f"jax.{name} has no second derivative: its Hessian is"):
        jax.jacrev(jax.grad(getattr(numloss.jax, name)))(*inputs)


def test_third_derivatives_and_forward_mode_are_refused_in_words_of_jax():
    with pytest.raises(ValueError, match="FFI call to `numloss` cannot be differentiated"):
        jax.jacrev(jax.jacrev(jax.grad(mse)))(P, T)
    with pytest.raises(TypeError, match=r"forward-mode autodiff \(jvp\) to a custom_vjp"):
        jax.jvp(lambda p: mse(p, T), (P,), (P,))
    with pytest.raises(TypeError, match=r"forward-mode autodiff \(jvp\) to a custom_vjp"):
        jax.hessian(mse)(P, T)


@pytest.mark.parametrize(
    ("name", "of"),
    [
        ("target", lambda x: huber(P, x)),
        ("weight", lambda x: huber(P, T, weight=x)),
        ("delta", lambda x: huber(P, T, delta=x[0])),
        ("q", lambda x: numloss.jax.quantile(P, T, x[0])),
    ],
)
def test_what_has_no_gradient_says_so(name, of):
    for transformed in (jax.grad(of), jax.jit(jax.grad(of)), jax.grad(jax.jit(of))):
        with pytest.raises(numloss.Error, match=rf"{name} has no gradient in .*stop_gradient\("):
            transformed(abs(P) / 9)
    stopped = jax.grad(lambda x: of(jax.lax.stop_gradient(x)))(abs(P) / 9)
    assert not np.asarray(stopped).any()


# ------------------------------------------------------------------- log-sum-exp, predicted classes

ASKED = [
    {"return_logsumexp": True},
    {"return_predicted": True},
    {"return_logsumexp": True, "return_predicted": True},
]


def extras_of(loss):
    """Return the ways to ask a loss for what it has beside its results."""
    has_logsumexp = "return_logsumexp" in inspect.signature(loss).parameters
    return ASKED if has_logsumexp else ASKED[1:2]


WITH_EXTRAS = [x for x in SHARED if "return_predicted" in inspect.signature(x.loss).parameters]


@pytest.mark.parametrize("variant", WITH_EXTRAS, ids=str)
def test_extras_have_the_bits_of_numpy(variant):
    for dtype in ("f4", "f2"):
        inputs, options = inputs_of(variant, dtype)
        for asked in extras_of(variant.loss):
            call = {**options, **asked, "reduction": "none"}
            value, *extras = variant.loss(*inputs, **call)
            found = jax.jit(lambda *x, call=call: in_jax(variant.loss)(*x, **call))(*inputs)
            if "return_predicted" in asked:
                extras[-1] = extras[-1].astype("i4")
            assert_same(map(np.asarray, found), [value, *extras], (variant, asked))


def test_extras_come_behind_the_value_under_every_transformation():
    shape = (2, 6, 3, 4)
    logits = rng.normal(size=shape).astype("f4")
    labels = rng.integers(0, 3, (2, 6, 4)).astype("i4")

    def asked(x, y):
        value, *extras = cross_entropy(x, y, axis=1, **ASKED[2])
        return value, extras

    step = jax.jit(jax.vmap(jax.value_and_grad(asked, has_aux=True)))
    (values, (logsumexp, predicted)), gradients = step(logits, labels)
    np.testing.assert_allclose(logsumexp, jax.nn.logsumexp(logits, 2), rtol=1e-6)
    np.testing.assert_array_equal(predicted, jnp.argmax(logits, 2))
    for i in range(2):
        known = expected(numloss.cross_entropy, logits[i], labels[i], axis=1)
        assert_same([np.asarray(values[i]), np.asarray(gradients[i])], known)
    # The value alone is differentiated where nothing comes back to the others.
    (_, predicted), gradient = jax.value_and_grad(cross_entropy, has_aux=True)(
        LOGITS, LABELS, return_predicted=True
    )
    assert predicted.dtype == "i4"
    assert_same([np.asarray(gradient)], [numloss.cross_entropy.grad(LOGITS, LABELS)])


def test_predicted_classes_have_64_bits_where_jax_has_them():
    with jax.enable_x64(True):
        value, logsumexp, predicted = cross_entropy(LOGITS.astype("f8"), LABELS, **ASKED[2])
    known = numloss.cross_entropy(LOGITS.astype("f8"), LABELS, **ASKED[2])
    assert_same(map(np.asarray, (value, logsumexp, predicted)), known)


@pytest.mark.parametrize("transform", [lambda f: f, jax.jit])
def test_the_log_sum_exp_has_two_derivatives(transform):
    """The reference is jax.nn.logsumexp."""

    def z_loss(of):
        return lambda x: (of(x) ** 2 * np.arange(6)).sum()

    def both(of_loss, of_logsumexp):
        return lambda x: of_loss(x) + 0.1 * z_loss(of_logsumexp)(x)

    def mine(x):
        return cross_entropy(x, LABELS, return_logsumexp=True)[1]

    def theirs(x):
        return jax.nn.logsumexp(x, -1)

    with jax.enable_x64(True):
        x = LOGITS.astype("f8")
        found = transform(jax.grad(both(lambda x: cross_entropy(x, LABELS), mine)))(x)
        plain = FORMULAS["cross_entropy"]
        known = jax.grad(both(lambda x: plain(x, jnp.asarray(LABELS)), theirs))(x)
        np.testing.assert_allclose(found, known, rtol=1e-12)
        second = [jax.jacrev(jax.grad(z_loss(of))) for of in (mine, theirs)]
        np.testing.assert_allclose(transform(second[0])(x), second[1](x), atol=1e-12)
    half = jax.grad(lambda x: mine(x).sum())(LOGITS.astype("f2"))
    assert half.dtype == "f2"
    np.testing.assert_allclose(half, jax.nn.softmax(LOGITS), atol=2e-3)


@pytest.mark.parametrize("transform", [lambda f: f, jax.jit])
@pytest.mark.parametrize("wrap", [np.asarray, jnp.asarray])
def test_the_log_sum_exp_is_that_of_scores_as_the_loss_takes_them(wrap, transform):
    rows = np.random.default_rng(1).uniform(size=LOGITS.shape) < 0.7
    rows[np.arange(len(LABELS)), LABELS] = True
    for mask, labels in ((rows, LABELS), (rows[0], np.full_like(LABELS, LABELS[0]))):
        options = {"temperature": 2.0, "softcap": 1.5, "where": wrap(mask)}

        def mine(x, labels=labels, options=options):
            value, logsumexp = cross_entropy(x, labels, return_logsumexp=True, **options)
            return value + (logsumexp * np.arange(6)).sum()

        def theirs(x, labels=labels, mask=mask):
            x = jnp.where(mask, 1.5 * jnp.tanh(x / 1.5) / 2, -jnp.inf)
            logsumexp = jax.nn.logsumexp(x, -1)
            value = (logsumexp - jnp.take_along_axis(x, labels[:, None], 1)[:, 0]).mean()
            return value + (logsumexp * np.arange(6)).sum()

        np.testing.assert_allclose(transform(mine)(LOGITS), theirs(LOGITS), rtol=1e-5)
        found, known = (jax.grad(f)(LOGITS) for f in (transform(mine), theirs))
        np.testing.assert_allclose(found, known, rtol=1e-5, atol=1e-6)


def test_a_predicted_class_has_no_gradient():
    def hits(x):
        value, predicted = cross_entropy(x, LABELS, return_predicted=True)
        return value + (predicted == LABELS).mean()

    assert_same([np.asarray(jax.grad(hits)(LOGITS))], [numloss.cross_entropy.grad(LOGITS, LABELS)])


def test_a_class_that_cannot_happen_has_no_share_in_the_log_sum_exp():
    x = LOGITS.copy()
    x[:, 1] = -np.inf
    labels = np.zeros(6, "i4")
    found = jax.grad(lambda x: cross_entropy(x, labels, return_logsumexp=True)[1].sum())(x)
    np.testing.assert_allclose(found, jax.nn.softmax(x), rtol=1e-6)


# ------------------------------------------------------------------------------------- compilations


def test_another_number_compiles_nothing_anew():
    inner = jax.jit(lambda p, t, delta: huber(p, t, delta=delta))
    found = [inner(P, T, delta) for delta in np.linspace(0.1, 1, 10)]
    assert inner._cache_size() == 1
    known = [np.float32(numloss.huber(P, T, delta=np.float32(x))) for x in np.linspace(0.1, 1, 10)]
    np.testing.assert_array_equal(found, known)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("huber", lambda x: {"delta": x}),
        ("huber", lambda x: {"denominator": x}),
        ("huber", lambda x: {"weight": x}),
        ("binary_cross_entropy", lambda x: {"pos_weight": x, "label_smoothing": x}),
        ("focal", lambda x: {"gamma": x, "alpha": x}),
        ("elastic_net", lambda x: {"strength": x, "l1_ratio": x}),
        ("cross_entropy", lambda x: {"class_weight": [x, 1.0, x], "label_smoothing": x}),
        ("ordinal_cross_entropy", lambda x: {"temperature": x}),
    ],
)
def test_another_parameter_of_an_eager_call_compiles_nothing_anew(name, options):
    loss = getattr(numloss, name)
    inputs = {"elastic_net": (P,), "binary_cross_entropy": (P, T > 0), "focal": (P, T > 0)}.get(
        name, (LOGITS, LABELS) if loss.rowwise else (P, T)
    )
    inputs = tuple(map(jnp.asarray, inputs))
    numloss.jax.__dict__["_differentiable"].cache_clear()
    in_jax(loss)(*inputs, **options(0.05))
    compilations = []

    def note(event, seconds, **_):
        compilations.append(event)

    jax.monitoring.register_event_duration_secs_listener(note)
    try:
        for x in np.linspace(0.1, 1, 10).tolist():
            found = np.asarray(in_jax(loss)(*inputs, **options(x)))
            # All 64 bits of a number of Python's count, although JAX has no float64 here.
            assert found == np.float32(loss(*map(np.asarray, inputs), **options(x)))
    finally:
        jax.monitoring.unregister_event_duration_listener(note)
    assert compilations == []


# ------------------------------------------------------------------------------------------ faults


@pytest.mark.parametrize("wrapped", [lambda f: f, jax.jit, lambda f: jax.jit(jax.grad(f))])
def test_a_bad_element_is_named_and_the_process_goes_on(wrapped):
    compute = wrapped(cross_entropy)
    before = np.asarray(compute(LOGITS, LABELS))
    with pytest.raises(REFUSED, match=r"INVALID_ARGUMENT: target must hold labels in \[0, 3\) or "
                                      r"ignore_index=-100, got 7 at index 4\b"):  # fmt: skip
        jax.block_until_ready(compute(LOGITS, jnp.asarray([0, 1, 2, 0, 7, 8])))
    np.testing.assert_array_equal(compute(LOGITS, LABELS), before)


def test_a_bad_element_of_a_batch_is_named_with_its_place():
    y = np.array([[0, 1, 2], [0, 1, 3]])
    with pytest.raises(REFUSED, match=r"got 3 at index 2, in element \(1,\) of the batch\n"):
        jax.block_until_ready(jax.vmap(cross_entropy)(LOGITS.reshape(2, 3, 3), y))


def test_a_number_that_is_known_late_is_checked_as_well():
    compute = jax.jit(lambda delta: huber(P, T, delta=delta))
    with pytest.raises(REFUSED, match="delta must be a positive finite number, got -1"):
        jax.block_until_ready(compute(-1.0))


SHARDED = """
import jax, jax.numpy as jnp, numpy as np
import numloss
from jax.sharding import PartitionSpec as P

mesh = jax.sharding.Mesh(np.array(jax.devices()), ("x",))
logits = jax.random.normal(jax.random.key(0), (8, 5))
labels = jnp.array([0, 1, 2, 3, 4, 0, 1, 2])
row, delta = logits[0], 2.0


def sharded(of, *specs, out=P()):
    return jax.shard_map(of, mesh=mesh, in_specs=specs, out_specs=out)


def summed(x, t):
    return jax.lax.psum(numloss.jax.cross_entropy(x, t, reduction="sum"), "x")


def huber(x, t, delta):
    return jax.lax.psum(numloss.jax.huber(x, t, delta=delta, reduction="sum"), "x")


def of_one_row(x, t):  # the row is the same everywhere, what it is compared with is not
    return summed(jnp.broadcast_to(x, (len(t), 5)), t)


def alone(x):
    return numloss.jax.cross_entropy(jnp.broadcast_to(x, (8, 5)), labels, reduction="sum")


split = sharded(summed, P("x"), P("x"))
np.testing.assert_allclose(
    split(logits, labels), numloss.cross_entropy(logits, labels, reduction="sum"), rtol=1e-6
)
gradient = numloss.cross_entropy.grad(logits, labels, reduction="sum")
assert np.array_equal(jax.jit(jax.grad(split))(logits, labels), gradient)
of_row = jax.grad(sharded(of_one_row, P(), P("x")))(row, labels)
np.testing.assert_allclose(of_row, jax.grad(alone)(row), rtol=1e-5, atol=1e-6)

split = sharded(huber, P("x"), P("x"), P())
gradient, hessian = numloss.huber.grad_and_hess(logits, 0.0, delta=delta, reduction="sum")
zeros = jnp.zeros_like(logits)
assert np.array_equal(jax.grad(split)(logits, zeros, delta), gradient)
second = jax.grad(lambda x: jax.grad(split)(x, zeros, delta).sum())(logits)
assert np.array_equal(second, hessian)

try:  # a mean of each device's own rows is not the same everywhere
    sharded(lambda x, t: numloss.jax.cross_entropy(x, t), P("x"), P("x"))(logits, labels)
except ValueError as error:
    assert "replication" in str(error)
else:
    raise AssertionError

# A mesh whose axes are part of types.
explicit = jax.make_mesh((4,), ("x",), axis_types=(jax.sharding.AxisType.Explicit,))
with jax.set_mesh(explicit):
    given = [jax.reshard(x, P("x")) for x in (logits, labels)]
    value, found = jax.jit(jax.value_and_grad(numloss.jax.cross_entropy))(*given)
    of_huber = jax.grad(numloss.jax.huber)
    second = jax.grad(lambda x: of_huber(x, 0.0).sum())(given[0])
expected = numloss.cross_entropy.value_and_grad(logits, labels)
assert value == np.float32(expected[0])
assert np.array_equal(found, expected[1])
assert found.sharding.spec[0] == "x"
assert np.array_equal(second, numloss.huber.grad_and_hess(logits, 0.0)[1])
print("done")
"""


def test_shards_of_a_mesh():
    flags = "--xla_force_host_platform_device_count=4"
    program = "import warnings; warnings.simplefilter('default')" + SHARDED
    assert run(program, 120, XLA_FLAGS=flags).strip() == "done"


@pytest.mark.parametrize(
    ("call", "value"),
    [
        (lambda x: cross_entropy(LOGITS, LABELS, axis=x), 1),
        (lambda x: cross_entropy(LOGITS, LABELS, ignore_index=x), 1),
        (lambda x: numloss.jax.focal(P, T > 0, from_logits=x), True),
    ],
)
def test_what_is_compiled_in_must_be_known(call, value):
    with pytest.raises(numloss.InputTypeError, match="must be known while JAX traces"):
        jax.jit(call)(value)
    assert np.isfinite(jax.jit(call, static_argnums=0)(value))


@pytest.mark.parametrize(
    ("call", "kind", "text"),
    [
        (lambda p: huber(p, T[:2]), ValueError, r"same shape, got \(6,\) and \(2,\)"),
        (lambda p: huber(p, T, delta=-1.0), ValueError, "delta must be a positive finite number"),
        (lambda p: huber(p, T, delta=p), TypeError, "delta must be a number"),
        (lambda p: huber(p, T, dleta=1.0), TypeError, "unexpected keyword argument 'dleta'"),
        (lambda p: huber(p, T, out=T), TypeError, "unexpected keyword argument 'out'"),
        (lambda p: huber(p), TypeError, "missing a required argument: 'target'"),
        (lambda p: huber(p, T, reduction="max"), ValueError, "reduction must be 'mean', 'sum'"),
        (lambda p: huber(p, T, weight=T[:2]), ValueError, "weight must be a number or have"),
        (lambda p: huber(p, T, dtype="f8"), TypeError, "float64 need jax.config.update"),
        (lambda p: huber(p.astype("i4"), T), TypeError, "float64 need jax.config.update"),
        (lambda p: huber(p.astype("c8"), T), TypeError, "prediction must hold real numbers"),
        (lambda p: huber(p.astype("float8_e4m3fn"), T), TypeError, "prediction must hold real"),
        (lambda p: huber(p, "abc"), TypeError, "target must hold real numbers"),
        (lambda p: cross_entropy(p, LABELS), ValueError, "target must hold a label per example"),
        (lambda p: cross_entropy(LOGITS, LABELS, axis=p), TypeError, "axis must be an integer"),
        (lambda p: cross_entropy(LOGITS, LABELS, class_weight=p), ValueError, "each of the 3"),
        (lambda p: cross_entropy(LOGITS, LABELS + np.int64(2**32)), ValueError, "that fit int32"),
        (lambda p: numloss.jax.focal(p, T, from_logits=p), TypeError, "must be True or False"),
        (lambda p: huber(p, T, return_predicted=True), TypeError, "argument 'return_predicted'"),
        (lambda p: cross_entropy(LOGITS, LABELS, return_logsumexp=p), TypeError, "must be True"),
    ],
)  # fmt: skip
def test_wrong_arguments_are_refused_while_tracing(call, kind, text):
    for wrapped in (call, jax.jit(call)):
        with pytest.raises(numloss.Error, match=text) as caught:
            wrapped(jnp.asarray(P))
        assert isinstance(caught.value, kind)


def test_a_mean_over_nothing_is_nan_and_its_gradient_zeros():
    value, gradient = jax.value_and_grad(huber)(P, T, weight=np.zeros(6, "f4"))
    assert np.isnan(value)
    assert not gradient.any()


def test_a_number_as_target_has_no_type_of_its_own():
    p = P.astype("f2")
    known = numloss.huber(p, 1.3, reduction="none")
    for compute in (huber, jax.jit(huber, static_argnames="reduction")):
        assert_same([np.asarray(compute(p, 1.3, reduction="none"))], [known])


def test_wider_results_are_asked_for_by_dtype():
    p = P.astype("f2")
    found = huber(p, T.astype("f2"), reduction="none", dtype="float32")
    known = numloss.huber(p, T.astype("f2"), reduction="none", dtype="float32")
    assert_same([np.asarray(found)], [known])
    assert jax.grad(huber)(p, T.astype("f2"), dtype="float32").dtype == "f2"


def test_many_threads_call_at_once():
    p = rng.normal(size=(8, 200_000)).astype("f4")
    compute = jax.jit(jax.value_and_grad(mse))
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda i: compute(p[i % 8], p[0]), range(32)))
    for i, (value, gradient) in enumerate(found):
        known = numloss.mse.value_and_grad(p[i % 8], p[0])
        assert_same([np.asarray(value), np.asarray(gradient)], [np.float32(known[0]), known[1]])


# ------------------------------------------------------------------------------------- the module


def test_every_loss_is_there_and_says_what_it_takes():
    names = [*numloss.LOSSES, *PENALTIES]
    assert sorted(module.__all__) == sorted(names)
    assert set(names) <= set(dir(numloss.jax))
    signature = inspect.signature(numloss.jax.cross_entropy)
    assert "out" not in signature.parameters
    assert signature.parameters["return_predicted"].default is False
    assert signature.parameters["label_smoothing"].default == 0.0
    assert "``numloss.huber``" in huber.__doc__
    with pytest.raises(AttributeError, match="has no attribute 'hubert'"):
        numloss.jax.hubert  # noqa: B018


@pytest.mark.parametrize("text", [module.__doc__, (ROOT / "docs" / "jax.md").read_text()])
def test_examples(text):
    example = doctest.DocTestParser().get_doctest(text, {}, "jax", None, None)
    assert example.examples
    printed = []
    doctest.DocTestRunner().run(example, out=printed.append)
    assert not printed, "".join(printed)


def test_structs_are_those_of_jaxlib(tmp_path):
    """The layout that the handler was written to is that of the header which jaxlib brings."""
    members = {
        "Extension": ("XLA_FFI_Extension_Base", {"size": "struct_size", "type": "type",
                                                 "next": "next"}),
        "Version": ("XLA_FFI_Api_Version", {"major": "major_version", "minor": "minor_version"}),
        "ErrorArguments": ("XLA_FFI_Error_Create_Args", {"message": "message", "code": "errc"}),
        "Api": ("XLA_FFI_Api", {"version": "api_version", "create_error": "XLA_FFI_Error_Create"}),
        "Buffer": ("XLA_FFI_Buffer", {"type": "dtype", "data": "data", "rank": "rank",
                                      "dims": "dims"}),
        "Buffers": ("XLA_FFI_Args", {"count": "size", "kinds": "types", "buffers": "args"}),
        "Text": ("XLA_FFI_ByteSpan", {"data": "ptr", "length": "len"}),
        "Scalar": ("XLA_FFI_Scalar", {"type": "dtype", "value": "value"}),
        "Attributes": ("XLA_FFI_Attrs", {"count": "size", "kinds": "types", "names": "names",
                                         "values": "attrs"}),
        "Frame": ("XLA_FFI_CallFrame", {"extensions": "extension_start", "api": "api",
                                        "stage": "stage", "arguments": "args",
                                        "results": "rets", "attributes": "attrs"}),
        "Metadata": ("XLA_FFI_Metadata", {"version": "api_version", "traits": "traits"}),
        "MetadataExtension": ("XLA_FFI_Metadata_Extension", {"metadata": "metadata"}),
    }  # fmt: skip
    numbers = {
        "kMetadataExtension": "Extension_Metadata",
        "kExecute": "ExecutionStage_EXECUTE",
        "kBuffer": "ArgType_BUFFER",
        "kScalar": "AttrType_SCALAR",
        "kText": "AttrType_STRING",
        "kInvalidArgument": "Error_Code_INVALID_ARGUMENT",
        "kInternal": "Error_Code_INTERNAL",
        "kResourceExhausted": "Error_Code_RESOURCE_EXHAUSTED",
        "kPred": "DataType_PRED",
        "kFailedPrecondition": "Error_Code_FAILED_PRECONDITION",
        "kBf16": "DataType_BF16",
    }  # fmt: skip
    types = ["S8", "S16", "S32", "S64", "U8", "U16", "U32", "U64", "F16", "F32", "F64"]
    numbers |= {f"k{x}": f"DataType_{x}" for x in types}
    lines = [
        '#include "xla/ffi/api/c_api.h"',
        f'#include "{ROOT}/csrc/capi/xla.hpp"',
        "namespace x = numloss::xla;",
        "static_assert(x::kMajor == XLA_FFI_API_MAJOR);",
    ]
    for mine, (other, pairs) in members.items():
        lines += [
            f"static_assert(offsetof(x::{mine}, {a}) == offsetof({other}, {b}) && "
            f"sizeof(x::{mine}::{a}) == sizeof((({other}*)nullptr)->{b}));"
            for a, b in pairs.items()
            if mine not in ("Frame",) or b not in ("args", "rets", "attrs")
        ]
    lines += [f"static_assert(int(x::{a}) == int(XLA_FFI_{b}));" for a, b in numbers.items()]
    source = tmp_path / "layout.cpp"
    source.write_text("\n".join(lines))
    done = subprocess.run(
        ["c++", "-std=c++20", "-fsyntax-only", "-I", jax.ffi.include_dir(), source],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_what_numpy_alone_has_is_refused_in_words():
    x = jnp.zeros((2, 3))
    with pytest.raises(numloss.InputTypeError, match="reduce_axis"):
        numloss.jax.mse(x, x, reduce_axis=1)
    with pytest.raises((numloss.Error, TypeError), match="axis must be an integer"):
        numloss.jax.dice(x, x, axis=(0, 1))


def test_targets_of_any_sum():
    x = np.random.default_rng(0).normal(size=(4, 3)).astype("f4")
    assert_is_numpy(numloss.cross_entropy, [((x, np.exp(x)), {"any_sum": True})])
