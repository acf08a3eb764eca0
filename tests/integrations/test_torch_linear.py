"""Linear cross-entropy beside torch: layer and loss, its fused function, soft-cap and z-loss."""

import numpy as np
import pytest
import torch
from torch.nn import functional

import numloss

ROWS, WIDTH, CLASSES = 90, 8, 41
#: torch's own error is of this size as well: in float32 it sums in float32.
TOLERANCE = {"float64": 1e-13, "float32": 2e-6}
#: Enough for all logits, and for some rows against some classes.
MEMORY = [128_000_000, 6_000]


def separate(hidden, matrix, target, linear_bias=None, **options):
    return functional.cross_entropy(
        functional.linear(hidden, matrix, linear_bias), target, **options
    )


def fused(hidden, matrix, target, linear_bias=None, **options):
    """Call torch's own function on its chunked path."""
    return functional.linear_cross_entropy(
        hidden, matrix, target, linear_bias=linear_bias,
        options=torch.nn.LinearCrossEntropyOptions(batch_chunk_size=32), **options,
    )  # fmt: skip


#: torch has the fused one from 2.13 on.
PEERS = [separate] + [fused] * hasattr(functional, "linear_cross_entropy")


def data(dtype):
    rng = np.random.default_rng(0)
    hidden = rng.normal(size=(ROWS, WIDTH)).astype(dtype)
    weight = rng.normal(size=(CLASSES, WIDTH)).astype(dtype)
    bias = rng.normal(size=CLASSES).astype(dtype)
    labels = rng.integers(0, CLASSES, ROWS)
    labels[::9] = -100
    soft = rng.exponential(size=(ROWS, CLASSES))
    soft = (soft / soft.sum(axis=1, keepdims=True)).astype(dtype)
    return (hidden, weight, bias), labels, soft, rng.random(CLASSES).astype(dtype)


def of_torch(peer, arrays, target, **options):
    """Return torch's value and gradients."""
    inputs = [torch.tensor(x, requires_grad=True) for x in arrays]
    options = {
        name: torch.tensor(x) if isinstance(x, np.ndarray) else x for name, x in options.items()
    }
    value = peer(*inputs[:2], torch.tensor(target), *inputs[2:], **options)
    value.sum().backward()
    return value.detach().numpy(), [x.grad.numpy() for x in inputs]


def assert_same(got, expected, dtype):
    (value, gradients), (their_value, theirs) = got, expected
    tolerance = TOLERANCE[dtype]
    np.testing.assert_allclose(value, their_value, rtol=tolerance, atol=tolerance)
    for one, other in zip(gradients, theirs, strict=True):
        scale = max(1.0, float(np.abs(other).max()))
        np.testing.assert_allclose(one, other, rtol=tolerance, atol=tolerance * scale)


@pytest.mark.parametrize("memory", MEMORY)
@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("peer", PEERS)
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("option", ["plain", "class_weight", "no bias"])
def test_labels(option, reduction, peer, dtype, memory):
    arrays, labels, _, class_weight = data(dtype)
    if option == "no bias":
        arrays = arrays[:2]
    weights = class_weight if option == "class_weight" else None
    expected = of_torch(peer, arrays, labels, weight=weights, reduction=reduction)
    got = numloss.linear_cross_entropy.value_and_grad(
        *arrays[:2], labels, *arrays[2:], class_weight=weights, reduction=reduction,
        max_memory=memory,
    )  # fmt: skip
    assert_same(got, expected, dtype)


@pytest.mark.parametrize("memory", MEMORY)
@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("target", ["labels", "probabilities"])
def test_smoothing_and_probabilities(target, dtype, memory):
    """What torch's fused function leaves to the separate ones."""
    arrays, labels, soft, class_weight = data(dtype)
    y = labels if target == "labels" else soft
    options = {"label_smoothing": 0.15, "reduction": "sum"}
    expected = of_torch(separate, arrays, y, weight=class_weight, **options)
    got = numloss.linear_cross_entropy.value_and_grad(
        *arrays[:2], y, arrays[2], class_weight=class_weight, max_memory=memory, **options
    )
    assert_same(got, expected, dtype)


@pytest.mark.parametrize("memory", MEMORY)
@pytest.mark.parametrize("dtype", TOLERANCE)
def test_softcap_temperature_and_z_loss(dtype, memory):
    """As models write them in torch: rows weighted, the mean over the weights."""
    arrays, labels, *_ = data(dtype)
    row_weight = np.random.default_rng(1).exponential(size=ROWS).astype(dtype)

    def model(hidden, weight, target, bias):
        logits = 5.0 * torch.tanh(functional.linear(hidden, weight, bias) / 5.0) / 1.3
        losses = functional.cross_entropy(logits, target, reduction="none")
        there = (target != -100) * torch.tensor(row_weight)
        losses = losses + 0.01 * torch.logsumexp(logits, dim=1) ** 2
        return (there * losses).sum() / there.sum()

    expected = of_torch(model, arrays, labels)
    got = numloss.linear_cross_entropy.value_and_grad(
        *arrays[:2], labels, arrays[2], row_weight=row_weight, softcap=5.0, temperature=1.3,
        z_loss=0.01, max_memory=memory,
    )  # fmt: skip
    assert_same(got, expected, dtype)


def test_tensors_are_taken_as_they_are():
    arrays, labels, *_ = data("float32")
    tensors = [torch.tensor(x) for x in arrays]
    got = numloss.linear_cross_entropy(*tensors[:2], torch.tensor(labels), tensors[2])
    assert got == numloss.linear_cross_entropy(*arrays[:2], labels, arrays[2])
    narrow = [x.bfloat16() for x in tensors]
    gradients = numloss.linear_cross_entropy.grad(*narrow[:2], torch.tensor(labels), narrow[2])
    assert [x.dtype.name for x in gradients] == ["bfloat16"] * 3
