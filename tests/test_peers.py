"""Values and gradients against PyTorch, where it has the loss or can be made to compute it."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812 (its name everywhere)
from cases import RAMP, VARIANTS, assert_same, per_example

import numloss

CLASSES = 11
N = 400
# torch's own error is of this size as well: in float32 it sums in float32.
TOLERANCE = {"float64": 1e-13, "float32": 2e-6}


@dataclass(frozen=True)
class Pair:
    """A loss with parameters, and torch's computation of the same mean."""

    name: str
    target: str
    peer: object
    parameters: object = ()

    def __repr__(self):
        return "-".join([self.name, self.target, *dict(self.parameters)])


def focal(x, t, gamma=2.0, alpha=0.25):
    """The formula of torchvision.ops.sigmoid_focal_loss."""
    p = torch.sigmoid(x)
    ce = F.binary_cross_entropy_with_logits(x, t, reduction="none")
    p_t = p * t + (1 - p) * (1 - t)
    return ((alpha * t + (1 - alpha) * (1 - t)) * (1 - p_t) ** gamma * ce).mean()


def softmax_focal(x, y, gamma=2.0, alpha=None):
    log_p = F.log_softmax(x, dim=-1).gather(-1, y[:, None])[:, 0]
    factor = 1.0 if alpha is None else alpha[y]
    return (-factor * (1 - log_p.exp()) ** gamma * log_p).mean()


def ranked_probability(x, y):
    cumulative = torch.cumsum(F.softmax(x, dim=-1), dim=-1)
    reached = torch.cumsum(F.one_hot(y, x.shape[-1]), dim=-1)
    return ((cumulative - reached) ** 2)[:, :-1].sum(dim=-1).mean()


def ordinal_cross_entropy(x, y):
    distance = abs(torch.arange(x.shape[-1]) - y[:, None]).to(x.dtype)
    return F.cross_entropy(x, F.softmax(-distance / 2, dim=-1))


def crammer_singer(x, y):
    own = x.gather(-1, y[:, None])
    others = x.masked_fill(F.one_hot(y, x.shape[-1]).bool(), -torch.inf)
    return torch.relu(1 + others.max(dim=-1).values - own[:, 0]).mean()


def ramp(x):
    return torch.tensor(RAMP.of(CLASSES), dtype=x.dtype)


PAIRS = [
    Pair("mse", "real", F.mse_loss),
    Pair("mae", "real", F.l1_loss),
    Pair("huber", "real", F.huber_loss),
    Pair("huber", "real", lambda p, t: F.huber_loss(p, t, delta=0.3), {"delta": 0.3}),
    Pair("huber", "real", lambda p, t: 0.5 * F.smooth_l1_loss(p, t, beta=0.5), {"delta": 0.5}),
    Pair("binary_cross_entropy", "binary", F.binary_cross_entropy_with_logits),
    Pair("binary_cross_entropy", "fraction", F.binary_cross_entropy_with_logits),
    Pair(
        "binary_cross_entropy",
        "fraction",
        lambda x, t: F.binary_cross_entropy_with_logits(x, t, pos_weight=torch.tensor(3.0)),
        {"pos_weight": 3.0},
    ),
    Pair(
        "binary_cross_entropy",
        "chance",
        F.binary_cross_entropy,
        {"from_logits": False},
    ),
    Pair("hinge", "sign", lambda s, t: torch.relu(1 - t * s).mean()),
    Pair("squared_hinge", "sign", lambda s, t: (torch.relu(1 - t * s) ** 2).mean()),
    Pair("focal", "binary", focal),
    Pair("focal", "fraction", focal),
    Pair(
        "focal",
        "binary",
        lambda x, t: focal(x, t, gamma=1.5, alpha=0.75),
        {"gamma": 1.5, "alpha": 0.75},
    ),
    Pair("cross_entropy", "label", F.cross_entropy),
    Pair("cross_entropy", "distribution", F.cross_entropy),
    Pair(
        "cross_entropy",
        "label",
        lambda x, y: F.cross_entropy(x, y, weight=ramp(x)),
        {"class_weight": RAMP},
    ),
    Pair(
        "cross_entropy",
        "label",
        lambda x, y: F.cross_entropy(x, y, label_smoothing=0.2),
        {"label_smoothing": 0.2},
    ),
    Pair(
        "cross_entropy",
        "label",
        lambda x, y: F.cross_entropy(x, y, weight=ramp(x), label_smoothing=0.2),
        {"class_weight": RAMP, "label_smoothing": 0.2},
    ),
    Pair(
        "cross_entropy",
        "label",
        lambda x, y: F.cross_entropy(x, y, weight=ramp(x), ignore_index=3),
        {"class_weight": RAMP, "ignore_index": 3},
    ),
    Pair(
        "cross_entropy",
        "label",
        lambda x, y: F.cross_entropy(x, y, label_smoothing=0.2, ignore_index=3),
        {"label_smoothing": 0.2, "ignore_index": 3},
    ),
    # torch divides the mean over probabilities by their number, whatever their weights.
    Pair(
        "cross_entropy",
        "distribution",
        lambda x, q: F.cross_entropy(x, q, weight=ramp(x), label_smoothing=0.2),
        {"class_weight": RAMP, "label_smoothing": 0.2, "denominator": "count"},
    ),
    Pair(
        "kl_divergence",
        "distribution",
        lambda x, q: F.kl_div(F.log_softmax(x, dim=-1), q, reduction="batchmean"),
    ),
    # torch divides by the number of classes, too.
    Pair("multiclass_hinge", "label", lambda s, y: CLASSES * F.multi_margin_loss(s, y)),
    Pair(
        "multiclass_hinge",
        "label",
        lambda s, y: CLASSES * F.multi_margin_loss(s, y, margin=0.5, weight=ramp(s)),
        {"margin": 0.5, "class_weight": RAMP, "denominator": "count"},
    ),
    Pair("multiclass_hinge", "label", crammer_singer, {"variant": "crammer_singer"}),
    Pair("softmax_focal", "label", softmax_focal),
    Pair(
        "softmax_focal",
        "label",
        lambda x, y: softmax_focal(x, y, gamma=0.5, alpha=ramp(x)),
        {"gamma": 0.5, "alpha": RAMP},
    ),
    Pair("ranked_probability", "label", ranked_probability),
    Pair("ordinal_cross_entropy", "label", ordinal_cross_entropy, {"temperature": 2.0}),
]


def draw(pair, dtype):
    rng = np.random.default_rng(3)
    shape = (N, CLASSES) if getattr(numloss, pair.name).rowwise else (N,)
    prediction = rng.normal(scale=3, size=shape)
    if pair.target == "chance":
        prediction = rng.uniform(0.01, 0.99, size=shape)
    binary = rng.integers(0, 2, size=N).astype(float)
    shares = rng.exponential(size=(N, CLASSES))
    targets = {
        "real": rng.normal(size=N),
        "binary": binary,
        "chance": binary,
        "fraction": rng.uniform(size=N),
        "sign": 2 * binary - 1,
        "label": rng.permutation(np.arange(N) % CLASSES),
        "distribution": shares / shares.sum(axis=-1, keepdims=True),
    }
    target = targets[pair.target]
    return prediction.astype(dtype), target if pair.target == "label" else target.astype(dtype)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("pair", PAIRS, ids=[f"{pair}-{i}" for i, pair in enumerate(PAIRS)])
def test_torch_agrees(pair, dtype):
    prediction, target = draw(pair, dtype)
    x = torch.tensor(prediction, requires_grad=True)
    expected = pair.peer(x, torch.tensor(target))
    expected.backward()
    parameters = {
        key: p.of(CLASSES) if p is RAMP else p for key, p in dict(pair.parameters).items()
    }
    loss = getattr(numloss, pair.name)
    value, gradient = loss.value_and_grad(prediction, target, **parameters)
    assert value == pytest.approx(expected.item(), rel=TOLERANCE[dtype])
    largest = float(abs(gradient).max())
    assert gradient == pytest.approx(x.grad.numpy(), abs=TOLERANCE[dtype] * largest)


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


def test_hessian_diagonal():
    x = np.random.default_rng(3).normal(size=5)
    for loss, target, peer in (
        (numloss.cross_entropy, 2, lambda x: F.cross_entropy(x, torch.tensor(2))),
        (numloss.softmax_focal, 2, lambda x: softmax_focal(x[None], torch.tensor([2]))),
        (numloss.ranked_probability, 2, lambda x: ranked_probability(x[None], torch.tensor([2]))),
    ):
        full = torch.autograd.functional.hessian(peer, torch.tensor(x))
        _, hessian = loss.grad_and_hess(x, target)
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
