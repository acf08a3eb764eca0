"""Losses that compare rows, inside torch and JAX: the same bits, gradients by all rows."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
from cases import COMPARING, assert_same

import numloss

every_loss = pytest.mark.parametrize("name", COMPARING)


def draw(name, dtype="f4"):
    arrays = COMPARING[name].draw(np.random.default_rng(0), (6, 5))
    return [x.astype(dtype) for x in arrays]


def in_turn(gradients):
    return gradients if isinstance(gradients, tuple) else (gradients,)


def check_torch(loss, name, reduction):
    known = getattr(numloss, name)
    inputs, heads = draw(name), len(known.heads)
    tensors = [torch.tensor(x, requires_grad=k < heads) for k, x in enumerate(inputs)]
    value = loss(*tensors, reduction=reduction)
    (value.sum() / 2).backward()
    expected, gradients = known.value_and_grad(*inputs, reduction=reduction)
    assert_same([value.detach().numpy()], [np.asarray(expected, value.detach().numpy().dtype)])
    for tensor, gradient in zip(tensors, in_turn(gradients), strict=False):
        np.testing.assert_array_equal(2 * tensor.grad.numpy(), gradient)
    assert all(x.grad is None for x in tensors[heads:])


@pytest.mark.parametrize("reduction", ["mean", "none"])
@every_loss
def test_torch(name, reduction):
    check_torch(getattr(numloss.torch, name), name, reduction)


@pytest.mark.filterwarnings("ignore:.*should not be instantiated:DeprecationWarning")
@every_loss
def test_torch_compiled_without_a_graph_break(name):
    whole = torch.compile(getattr(numloss.torch, name), backend="aot_eager", fullgraph=True)
    check_torch(whole, name, "mean")


@pytest.mark.parametrize("reduction", ["mean", "none"])
@every_loss
def test_jax(name, reduction):
    known, ours = getattr(numloss, name), getattr(numloss.jax, name)
    inputs, heads = draw(name), tuple(range(len(known.heads)))
    expected, gradients = known.value_and_grad(*inputs, reduction=reduction)

    def compute(*given):
        value = ours(*given, reduction=reduction)
        return value.sum(), value

    for function in (compute, jax.jit(compute)):
        both = jax.value_and_grad(function, heads, has_aux=True)
        (_, value), found = both(*map(jnp.asarray, inputs))
        np.testing.assert_array_equal(value, np.asarray(expected, value.dtype))
        assert_same([np.asarray(x) for x in found], list(in_turn(gradients)))
    if known.rowwise:
        each = jax.vmap(lambda *row: ours(*row, reduction="sum"))(*map(jnp.asarray, inputs))
        np.testing.assert_array_equal(each, known(*inputs, reduction="none"))
