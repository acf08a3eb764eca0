"""Losses over batches of embeddings beside what torch's users write, and inside torch."""

import numpy as np
import pytest
import torch
from peers.embeddings import circle, clip, info_nce, nt_xent, supervised_contrastive

import numloss

N, WIDTH = 40, 6
TOLERANCE = {"float64": 1e-12, "float32": 1e-5}


#: By name: what torch's users write, whether it takes labels, and our options.
PEERS = {
    "info_nce": (info_nce, False, {}),
    "info_nce, clip": (clip, False, {"symmetric": True}),
    "nt_xent": (nt_xent, False, {}),
    "supervised_contrastive": (supervised_contrastive, True, {}),
    "circle": (circle, True, {}),
}


def tensors(with_labels, dtype="float64"):
    rng = np.random.default_rng(0)
    x = torch.tensor(rng.normal(size=(N, WIDTH)).astype(dtype), requires_grad=True)
    if with_labels:
        return x, torch.tensor(rng.integers(0, 9, N))
    other = torch.tensor(rng.normal(size=(N, WIDTH)).astype(dtype), requires_grad=True)
    return x, other


def backward(function, given, **options):
    heads = [x.detach().clone().requires_grad_(x.requires_grad) for x in given]
    value = function(*heads, **options)
    value.backward()
    return value.item(), [x.grad for x in heads if x.requires_grad]


def ours(name):
    return getattr(numloss.torch, name.split(",")[0])


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("name", PEERS)
def test_value_and_gradients_are_torchs(name, dtype):
    peer, with_labels, options = PEERS[name]
    given = tensors(with_labels, dtype)
    value, gradients = backward(ours(name), given, **options)
    expected, theirs = backward(peer, given)
    assert value == pytest.approx(expected, rel=TOLERANCE[dtype])
    for one, other in zip(gradients, theirs, strict=True):
        scale = other.abs().max()
        torch.testing.assert_close(one, other, rtol=0, atol=TOLERANCE[dtype] * float(scale) * 10)


@pytest.mark.parametrize("name", PEERS)
def test_the_numbers_are_those_of_the_numpy_call(name):
    _, with_labels, options = PEERS[name]
    given = tensors(with_labels)
    arrays = [x.detach().numpy() for x in given]
    loss = getattr(numloss, name.split(",")[0])
    value, gradients = loss.value_and_grad(*arrays, **options)
    got, found = backward(ours(name), given, **options)
    assert got == value
    gradients = gradients if isinstance(gradients, tuple) else (gradients,)
    for one, other in zip(found, gradients, strict=True):
        np.testing.assert_array_equal(one.numpy(), other)
    with torch.no_grad():
        losses = ours(name)(*given, **options, reduction="none")
    np.testing.assert_array_equal(losses, loss(*arrays, **options, reduction="none"))


@pytest.mark.parametrize("name", [x for x in PEERS if x != "circle"])
def test_a_temperature_is_learnt(name):
    peer, with_labels, options = PEERS[name]
    given = tensors(with_labels)

    def by_temperature(function, **more):
        t = torch.tensor(0.2, requires_grad=True, dtype=torch.float64)
        (3 * function(*given, temperature=t, **more)).backward()
        return t.grad

    torch.testing.assert_close(by_temperature(ours(name), **options), by_temperature(peer))


def test_what_comes_back_meets_gradients_before_they_are_rounded():
    given = [x.detach().to(torch.float16).requires_grad_() for x in tensors(False)]
    (1024 * numloss.torch.info_nce(*given)).backward()
    _, expected = backward(info_nce, [x.detach().float().requires_grad_() for x in given])
    for x, exact in zip(given, expected, strict=True):
        assert x.grad.dtype == torch.float16
        torch.testing.assert_close(x.grad.float() / 1024, exact, rtol=2e-3, atol=1e-6)
    narrow = [x.detach().to(torch.bfloat16) for x in given]
    assert numloss.torch.info_nce(*narrow).dtype == torch.float64


def test_one_side_may_be_fixed():
    queries, keys = tensors(False)
    numloss.torch.info_nce(queries, keys.detach()).backward()
    assert keys.grad is None
    assert queries.grad is not None


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x, y: numloss.torch.info_nce(x.detach().numpy(), y), "queries must be a torch.Ten"),
        (lambda x, y: numloss.torch.info_nce(x, y, weight=y[:, 0]), "weight requires a gradient"),
        (lambda x, y: numloss.torch.info_nce(x, y, reduction="none"), "has no gradient with reduc"),
        (lambda x, y: numloss.torch.info_nce(x, y, dtype="float64"), "takes no argument named"),
        (lambda x, y: numloss.torch.nt_xent(x.to("meta"), y), "in the memory of the CPU"),
        (lambda x, y: numloss.torch.nt_xent(x.int(), y), "first must be of a float type"),
        (lambda x, y: numloss.torch.nt_xent(x, y, temperature=y), "temperature must be one number"),
        (
            lambda x, y: numloss.torch.nt_xent(x, y, temperature=-1.0),
            "temperature must be positive",
        ),
    ],
)
def test_what_is_refused(call, message):
    with pytest.raises(numloss.Error, match=message):
        call(*tensors(False))


def test_there_is_no_second_derivative():
    x, y = tensors(False)
    (gradient,) = torch.autograd.grad(numloss.torch.info_nce(x, y), x, create_graph=True)
    with pytest.raises(RuntimeError, match=r"once_differentiable|does not require grad"):
        gradient.sum().backward()


def test_functions_tell_what_they_are():
    for name in ("info_nce", "nt_xent", "supervised_contrastive", "circle"):
        function = getattr(numloss.torch, name)
        assert function.__name__ == name
        assert function.__doc__.startswith(getattr(numloss, name).__doc__.split("\n")[0])
        assert name in numloss.torch.__all__
