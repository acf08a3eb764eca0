"""Values and gradients against PyTorch, where it has the loss or can be made to compute it."""

import importlib
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import pytest
import sklearn._loss.loss as sklearn_loss
import torch
from accuracy.peers import with_scipy, with_torch
from cases import RAMP, VARIANTS, assert_same, per_example
from peers import optax, sklearn
from peers.torch import FORMULAS
from scipy import integrate, stats
from sklearn import metrics

import numloss

CLASSES = 11
N = 400
# torch's own error is of this size as well: in float32 it sums in float32.
TOLERANCE = {"float64": 1e-13, "float32": 2e-6}


@dataclass(frozen=True)
class Pair:
    """A loss with parameters, a kind of target, and what torch divides its mean by."""

    name: str
    target: str
    parameters: dict = field(default_factory=dict)
    denominator: str = "weight"

    def __repr__(self):
        return "-".join([self.name, self.target, *self.parameters])


PAIRS = [
    Pair("mse", "real"),
    Pair("mae", "real"),
    Pair("huber", "real"),
    Pair("huber", "real", {"delta": 0.3}),
    Pair("half_mse", "real"),
    *(Pair("smooth_l1", "real", {"beta": beta}) for beta in (0.0, 0.3, 1.0)),
    *(Pair(f"{kind}epsilon_insensitive", "real", {"epsilon": 0.5}) for kind in ("", "squared_")),
    Pair("expectile", "real", {"q": 0.9}),
    Pair("pseudo_huber", "real", {"delta": 0.5}),
    Pair("log_cosh", "real"),
    Pair("fair", "real", {"c": 2.0}),
    Pair("cauchy", "real", {"c": 2.0}),
    Pair("tukey_biweight", "real"),
    *(Pair("robust", "real", {"alpha": alpha, "c": 2.0}) for alpha in (-2.0, 0.5, 1.0, 1.5)),
    Pair("msle", "positive"),
    Pair("mape", "positive", {"floor": 0.5}),
    Pair("smape", "positive"),
    Pair("binary_cross_entropy", "binary"),
    Pair("binary_cross_entropy", "fraction"),
    Pair("binary_cross_entropy", "fraction", {"pos_weight": 3.0}),
    Pair("binary_cross_entropy", "chance", {"from_logits": False}),
    Pair("binary_cross_entropy", "sets", {"pos_weight": RAMP}),
    Pair("focal", "sets", {"pos_weight": RAMP, "label_smoothing": 0.1}),
    Pair("poly_binary_cross_entropy", "fraction", {"epsilon": 2.0}),
    Pair("brier", "fraction"),
    Pair("brier", "chance", {"from_logits": False}),
    Pair("asymmetric", "binary"),
    Pair("asymmetric", "fraction", {"gamma_pos": 0.0, "gamma_neg": 2.0, "clip": 0.2}),
    Pair("logistic", "sign"),
    Pair("exponential", "sign"),
    Pair("smoothed_hinge", "sign", {"smoothing": 0.5}),
    Pair("modified_huber", "sign"),
    Pair("hinge_embedding", "sign", {"margin": 2.0}),
    Pair("multilabel_margin", "sets"),
    Pair("dice", "sets"),
    Pair("dice", "distribution", {"squared": True, "smooth": 0.5}),
    Pair("jaccard", "distribution"),
    Pair("tversky", "sets", {"gamma": 0.75}),
    Pair("lovasz_hinge", "sets"),
    Pair("lovasz_softmax", "sets"),
    Pair("tversky", "distribution", {"alpha": 0.7, "beta": 0.3}),
    Pair("hinge", "sign"),
    Pair("hinge", "sign", {"margin": 0.0}),
    Pair("squared_hinge", "sign"),
    Pair("focal", "binary"),
    Pair("focal", "fraction"),
    Pair("focal", "binary", {"gamma": 1.5, "alpha": 0.75}),
    Pair("cross_entropy", "label"),
    Pair("cross_entropy", "distribution"),
    Pair("cross_entropy", "label", {"class_weight": RAMP}),
    Pair("cross_entropy", "label", {"label_smoothing": 0.2}),
    Pair("cross_entropy", "label", {"class_weight": RAMP, "label_smoothing": 0.2}),
    Pair("cross_entropy", "label", {"class_weight": RAMP, "ignore_index": 3}),
    Pair("cross_entropy", "label", {"label_smoothing": 0.2, "ignore_index": 3}),
    # torch divides the mean over probabilities by their number, whatever their weights.
    Pair("cross_entropy", "distribution", {"class_weight": RAMP, "label_smoothing": 0.2}, "count"),
    Pair("logit_adjusted", "label", {"priors": RAMP}),
    Pair("logit_adjusted", "distribution", {"priors": RAMP, "tau": 2.0}),
    Pair("ldam", "label", {"counts": RAMP, "scale": 2.0}),
    Pair("forward_cross_entropy", "label"),
    Pair("nll", "label"),
    Pair("nll", "label", {"class_weight": RAMP, "ignore_index": 3}),
    Pair("kl_divergence", "distribution"),
    Pair("kl_divergence", "distribution", {"temperature": 3.0}),
    Pair("cross_entropy", "label", {"temperature": 0.7, "label_smoothing": 0.2}),
    Pair("cross_entropy", "label", {"softcap": 2.0, "z_loss": 0.1, "label_smoothing": 0.2}),
    Pair("cross_entropy", "distribution", {"softcap": 5.0, "temperature": 2.0, "z_loss": 0.5}),
    Pair("js_divergence", "label"),
    Pair("js_divergence", "distribution", {"beta": 0.25}),
    Pair("total_variation", "label"),
    Pair("total_variation", "distribution"),
    Pair("sparsemax", "label"),
    Pair("sparsemax", "distribution"),
    Pair("generalized_kl", "positive"),
    Pair("generalized_kl", "positive", {"log_input": False}),
    Pair("multiclass_hinge", "label"),
    Pair("multiclass_hinge", "label", {"margin": 0.5, "class_weight": RAMP}, "count"),
    Pair("multiclass_hinge", "label", {"variant": "crammer_singer"}),
    Pair("multiclass_hinge", "label", {"power": 2.0, "margin": 2.0}),
    Pair("multiclass_hinge", "label", {"normalize": True, "class_weight": RAMP}, "count"),
    Pair("generalized_cross_entropy", "label"),
    Pair("generalized_cross_entropy", "label", {"q": 1.0}),
    Pair("poly_cross_entropy", "label"),
    Pair("poly_cross_entropy", "label", {"epsilon": -1.0}),
    Pair("symmetric_cross_entropy", "label"),
    Pair("symmetric_cross_entropy", "label", {"alpha": 6.0, "beta": 0.1}),
    Pair("multiclass_brier", "label"),
    Pair("multiclass_brier", "distribution"),
    Pair("softmax_focal", "label"),
    Pair("softmax_focal", "label", {"gamma": 0.5, "alpha": RAMP}),
    Pair("ranked_probability", "label"),
    Pair("ordinal_cross_entropy", "label", {"temperature": 2.0}),
]


def draw(pair, dtype):
    rng = np.random.default_rng(3)
    rowwise = getattr(numloss, pair.name).rowwise
    shape = (N, CLASSES) if rowwise or pair.target == "sets" else (N,)
    prediction = rng.normal(scale=3, size=shape)
    if pair.target == "chance":
        prediction = rng.uniform(0.01, 0.99, size=shape)
    if pair.target == "positive":
        prediction = abs(prediction)
    binary = rng.integers(0, 2, size=N).astype(float)
    shares = rng.exponential(size=(N, CLASSES))
    targets = {
        "real": rng.normal(size=N),
        "binary": binary,
        "chance": binary,
        "fraction": rng.uniform(size=N),
        "sign": 2 * binary - 1,
        "label": rng.permutation(np.arange(N) % CLASSES),
        "sets": rng.random((N, CLASSES)) < 0.25,
        "distribution": shares / shares.sum(axis=-1, keepdims=True),
        "positive": shares[:, 0],
    }
    target = targets[pair.target]
    as_it_is = pair.target == "label" or (pair.target == "sets" and rowwise)
    return prediction.astype(dtype), target if as_it_is else target.astype(dtype)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("pair", PAIRS, ids=[f"{pair}-{i}" for i, pair in enumerate(PAIRS)])
def test_torch_agrees(pair, dtype):
    prediction, target = draw(pair, dtype)
    x = torch.tensor(prediction, requires_grad=True)
    options = {key: p.of(CLASSES) if p is RAMP else p for key, p in pair.parameters.items()}
    expected = FORMULAS[pair.name](x, torch.tensor(target), **options)
    expected.backward()
    loss = getattr(numloss, pair.name)
    value, gradient = loss.value_and_grad(
        prediction, target, denominator=pair.denominator, **options
    )
    assert value == pytest.approx(expected.item(), rel=TOLERANCE[dtype])
    largest = float(abs(gradient).max())
    assert gradient == pytest.approx(x.grad.numpy(), abs=TOLERANCE[dtype] * largest)


@pytest.mark.parametrize("variant", VARIANTS, ids=str)
def test_formulas_of_other_libraries_are_those_of_the_losses(variant):
    prediction, target = variant.inputs((40, 7) if variant.rowwise else 100)
    options = variant.options(prediction.shape[-1])
    expected, slope, _ = per_example(variant.loss, prediction, target, **options)
    found = [with_torch(variant, prediction, target, options)]
    found.append(with_scipy(variant, prediction, target, options))
    for value, gradient in filter(None, found):
        assert value == pytest.approx(expected, rel=1e-12, abs=1e-15)
        if gradient is not None:
            assert gradient == pytest.approx(slope, rel=1e-11, abs=1e-14)


def test_optax_agrees_over_classes():
    jax = pytest.importorskip("jax")
    losses = pytest.importorskip("optax").losses
    x = np.random.default_rng(3).normal(scale=3, size=(N, CLASSES)).astype("float32")
    y = np.arange(N) % CLASSES
    hot = np.eye(CLASSES, dtype="float32")[y]
    maximum = {"variant": "crammer_singer"}
    for theirs, target, loss, options in (
        (losses.multiclass_sparsemax_loss, y, numloss.sparsemax, {}),
        (losses.poly_loss_cross_entropy, hot, numloss.poly_cross_entropy, {}),
        (losses.multiclass_hinge_loss, y, numloss.multiclass_hinge, maximum),
        (losses.multiclass_perceptron_loss, y, numloss.multiclass_hinge, maximum | {"margin": 0}),
    ):
        expected = theirs(x, target)
        slope = jax.grad(lambda x, f=theirs, t=target: f(x, t).sum())(x)
        value, gradient, _ = per_example(loss, x, y, **options)
        assert value == pytest.approx(np.asarray(expected), rel=2e-6, abs=2e-6)
        assert gradient == pytest.approx(np.asarray(slope), abs=2e-6)


def test_optax_agrees_where_classes_cannot_happen():
    jax = pytest.importorskip("jax")
    losses = pytest.importorskip("optax").losses
    rng = np.random.default_rng(3)
    x = rng.normal(scale=3, size=(N, CLASSES)).astype("float32")
    y, where = np.arange(N) % CLASSES, rng.uniform(size=(N, CLASSES)) < 0.6
    where[np.arange(N), y] = True
    smooth = losses.smooth_labels(np.eye(CLASSES, dtype="float32")[y], 0.2, where=where)
    for target, theirs, options in (
        (y, losses.softmax_cross_entropy_with_integer_labels, {}),
        (smooth, losses.softmax_cross_entropy, {"label_smoothing": 0.2}),
    ):
        expected = theirs(x, target, where=where)
        slope = jax.grad(lambda x, f=theirs, t=target: f(x, t, where=where).sum())(x)
        value, gradient, _ = per_example(numloss.cross_entropy, x, y, where=where, **options)
        assert value == pytest.approx(np.asarray(expected), rel=2e-6, abs=2e-6)
        assert gradient == pytest.approx(np.asarray(slope), abs=2e-6)


@pytest.mark.parametrize("library", ["numpy", "torch", "jax", "optax", "sklearn", "scipy"])
def test_formulas_are_of_losses_that_exist(library):
    formulas = importlib.import_module(f"peers.{library}").FORMULAS
    assert formulas.keys() <= numloss.LOSSES.keys()


def test_a_weight_for_each_output_is_that_of_scikit_learn():
    rng = np.random.default_rng(1)
    prediction, target = rng.normal(size=(2, 50, 3))
    outputs, rows = np.array([0.5, 2.0, 3.0]), rng.exponential(size=50)
    for loss, metric in (
        (numloss.mse, metrics.mean_squared_error),
        (numloss.mae, metrics.mean_absolute_error),
        (numloss.mape, metrics.mean_absolute_percentage_error),
    ):
        expected = metric(target, prediction, multioutput=outputs)
        assert loss(prediction, target, weight=outputs[None, :]) == pytest.approx(expected)
        expected = metric(target, prediction, multioutput=outputs, sample_weight=rows)
        weight = rows[:, None] * outputs
        assert loss(prediction, target, weight=weight) == pytest.approx(expected)


def test_optax_agrees():
    rng = np.random.default_rng(1)
    prediction, target = rng.normal(scale=3, size=(2, 200)).astype("float32")
    for name in ("half_mse", "log_cosh"):
        expected = optax.FORMULAS[name](prediction, target)
        found = numloss.LOSSES[name](prediction, target, reduction="none")
        assert found == pytest.approx(np.asarray(expected), rel=1e-5, abs=1e-6)


def test_scikit_learn_agrees():
    rng = np.random.default_rng(1)
    prediction, target = rng.exponential(size=(2, 200))
    weight = rng.exponential(size=200)
    for loss, metric in (
        (numloss.msle, metrics.mean_squared_log_error),
        (numloss.mape, metrics.mean_absolute_percentage_error),
    ):
        expected = metric(target, prediction, sample_weight=weight)
        assert loss(prediction, target, weight=weight) == pytest.approx(expected, rel=1e-12)
    for name in ("half_mse", "mae", "huber"):
        entry = sklearn.FORMULAS[name]
        expected = entry.make(1).loss(target, prediction)
        found = numloss.LOSSES[name](prediction, target, reduction="none")
        assert found == pytest.approx(entry.factor * expected, rel=1e-12)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.float16, torch.bfloat16])
def test_tensors_are_taken_as_they_are(dtype):
    x = torch.randn(30, 5, generator=torch.manual_seed(1)).to(dtype)
    y = torch.arange(30) % 5
    value, gradient = numloss.cross_entropy.value_and_grad(x, y)
    wide = x.double().numpy()
    expected, expected_gradient = numloss.cross_entropy.value_and_grad(wide, y.numpy())
    eps = torch.finfo(dtype).eps
    assert value == pytest.approx(expected, rel=1e-6)
    assert gradient.dtype.name == str(dtype).removeprefix("torch.")
    assert gradient.astype(float) == pytest.approx(expected_gradient, rel=4 * eps, abs=1e-8)


@pytest.mark.parametrize("power", [-1.0, 0.0, 1.0, 1.5, 2.0, 3.0])
def test_deviances_are_those_of_scikit_learn(power):
    rng = np.random.default_rng(3)
    x, t = rng.normal(size=N), rng.gamma(2.0, size=N) + 0.1
    for margin, of_scikit, options in (
        (x, sklearn_loss.HalfTweedieLoss(power=power), {}),
        (np.exp(x), sklearn_loss.HalfTweedieLossIdentity(power=power), {"log_input": False}),
    ):
        value, slope, bend = per_example(numloss.tweedie, margin, t, power=power, **options)
        gradient, hessian = of_scikit.gradient_hessian(y_true=t, raw_prediction=margin)
        assert slope == pytest.approx(gradient, rel=1e-11, abs=1e-12)
        assert bend == pytest.approx(hessian, rel=1e-11, abs=1e-12)
        known = of_scikit.loss(y_true=t, raw_prediction=margin)
        if not options:  # without the constant of the target
            known = known + of_scikit.constant_to_optimal_zero(t)
        assert value == pytest.approx(known, rel=1e-9, abs=1e-11)
    half = metrics.mean_tweedie_deviance(t, np.exp(x), power=power) / 2
    assert numloss.tweedie(x, t, power=power) == pytest.approx(half, rel=1e-11)
    # Between powers there is no jump.
    beside = numloss.tweedie(x, t, power=power + 1e-9 if power >= 1 else power - 1e-9)
    assert beside == pytest.approx(half, rel=1e-7)


def test_relations_of_the_deviances():
    rng = np.random.default_rng(3)
    x, t = rng.normal(size=N), rng.gamma(2.0, size=N) + 0.1
    call = {"reduction": "none"}
    poisson, gamma = numloss.poisson(x, t, **call), numloss.gamma(x, t, **call)
    assert numloss.tweedie(x, t, power=1, **call) == pytest.approx(
        poisson + t * np.log(t) - t, rel=1e-10, abs=1e-12
    )
    assert numloss.tweedie(x, t, power=2, **call) == pytest.approx(
        gamma - 1 - np.log(t), rel=1e-10, abs=1e-12
    )
    found = numloss.tweedie(x, t, power=0, log_input=False, **call)
    assert found.tolist() == (numloss.mse(x, t, **call) / 2).tolist()
    counts = rng.poisson(3.0, size=N)
    keras = np.exp(x) - counts * np.log(np.exp(x) + 1e-7)  # keras.losses.Poisson of rates
    assert numloss.poisson(np.exp(x), counts, log_input=False) == pytest.approx(
        keras.mean(), rel=1e-5
    )
    # A mean near the target: no digit of a small deviance is lost.
    near = numloss.tweedie(np.array([1e-8, -1e-8]), np.ones(2), **call)
    assert near == pytest.approx([0.5e-16] * 2, rel=1e-7)


def test_likelihoods_are_those_of_scipy():
    rng = np.random.default_rng(3)
    p, t = rng.normal(size=(2, N))
    s, counts = rng.gamma(2.0, size=N) + 0.1, rng.poisson(4.0, size=N)
    call = {"reduction": "none", "full": True}
    for found, known in (
        (numloss.gaussian_nll(p, t, s, **call), stats.norm.logpdf(t, p, np.sqrt(s))),
        (numloss.gaussian_nll(p, t, np.log(s), log_variance=True, **call),
         stats.norm.logpdf(t, p, np.sqrt(s))),
        (numloss.laplace_nll(p, t, s, **call), stats.laplace.logpdf(t, p, s)),
        (numloss.student_t_nll(p, t, s, df=3.5, **call), stats.t.logpdf(t, 3.5, p, s)),
        (numloss.poisson(p, counts, **call), stats.poisson.logpmf(counts, np.exp(p))),
    ):  # fmt: skip
        assert found == pytest.approx(-known, rel=1e-12, abs=1e-12)
    shape = 2.5  # of a gamma distribution: the loss is the likelihood's, by its shape
    for i in range(3):
        known = stats.gamma.logpdf(s, shape, scale=np.exp(p) / shape)
        off = numloss.gamma(p, s, reduction="none") * shape + known
        rest = stats.gamma.logpdf(s[i], shape, scale=1 / shape) + shape * s[i]
        assert off[i] == pytest.approx(rest, rel=1e-10)


def test_torch_has_the_gaussian_likelihood():
    rng = np.random.default_rng(3)
    p, t = rng.normal(size=(2, N))
    v = rng.gamma(2.0, size=N) + 0.1
    tensors = [torch.tensor(x, requires_grad=k < 2) for k, x in enumerate((p, v, t))]
    known = torch.nn.functional.gaussian_nll_loss(tensors[0], tensors[2], tensors[1], full=True)
    known.backward()
    value, gradients = numloss.gaussian_nll.value_and_grad(p, t, v, full=True)
    assert value == pytest.approx(known.item(), rel=1e-13)
    for found, x in zip(gradients, tensors, strict=False):
        assert found == pytest.approx(x.grad.numpy(), rel=1e-12, abs=1e-16)


@pytest.mark.parametrize(("mean", "sigma"), [(0.0, 1.0), (2.0, 0.5), (-1.0, 4.0)])
def test_crps_is_the_integral_of_squared_differences(mean, sigma):
    """Of the forecast's distribution function and the step at the target."""
    for t in (-3.0, 0.0, 1.75):
        below = integrate.quad(lambda x: stats.norm.cdf(x, mean, sigma) ** 2, -60, t, epsabs=1e-11)
        above = integrate.quad(lambda x: stats.norm.sf(x, mean, sigma) ** 2, t, 60, epsabs=1e-11)
        known = below[0] + above[0]
        assert numloss.crps_gaussian([mean], [t], [sigma]) == pytest.approx(known, rel=1e-8)


def test_hessian_diagonal():
    x = np.random.default_rng(3).normal(size=5)
    label = torch.tensor([2])
    for name in ("cross_entropy", "softmax_focal", "ranked_probability"):
        mean = partial(FORMULAS[name], y=label)
        full = torch.autograd.functional.hessian(mean, torch.tensor(x[None]))[0, :, 0]
        _, hessian = numloss.LOSSES[name].grad_and_hess(x, 2)
        assert hessian == pytest.approx(full.diagonal().numpy(), rel=1e-10, abs=1e-13)


@pytest.mark.parametrize("variant", VARIANTS, ids=str)
def test_subnormals_survive_where_torch_flushes_them(variant):
    prediction, target = variant.inputs((40, 7) if variant.rowwise else 100, "float32")
    options = variant.options(prediction.shape[-1])
    tiny = prediction * np.float32(1e-40)
    expected = per_example(variant.loss, tiny, target, **options)
    assert torch.set_flush_denormal(True)
    try:
        found = per_example(variant.loss, tiny, target, **options)
        # The caller's choice stands after the call.
        assert (torch.full((7,), 1e-30) * torch.full((7,), 1e-12) == 0).all()
    finally:
        torch.set_flush_denormal(False)
    assert_same(found, expected)


def test_subnormal_results_survive_where_torch_flushes_them():
    x = np.full(7, -100.0, "float32")
    expected = numloss.binary_cross_entropy.value_and_grad(x, 0.0, reduction="none")
    assert 0 < expected[0][0] < np.finfo("float32").tiny
    assert torch.set_flush_denormal(True)
    try:
        found = numloss.binary_cross_entropy.value_and_grad(x, 0.0, reduction="none")
    finally:
        torch.set_flush_denormal(False)
    assert_same(found, expected)
