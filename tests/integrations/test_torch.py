"""numloss.torch against NumPy's calls bit for bit, and against torch's own losses and checks."""

from __future__ import annotations

import copy
import doctest
import inspect
import io
import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import lightning
import numpy as np
import pytest
import skorch
import torch
from cases import APART, SHARED, TWO_HEADED_VARIANTS, VARIANTS
from peers.torch import array, tensor
from recording import several
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.autograd import gradcheck, gradgradcheck
from torch.func import grad, hessian, jacfwd, jacrev, jvp, vmap
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset

import numloss
from numloss._loss import OF_NUMPY
from numloss.integrations import torch as integration

ALL = SHARED + TWO_HEADED_VARIANTS
LOSSES = list(integration._SIGNATURES)
PENALTIES = [name for name in LOSSES if name not in numloss.LOSSES]
#: The first variant of each loss.
PLAIN = {v.name: v for v in reversed(VARIANTS + TWO_HEADED_VARIANTS)}
DTYPES = {"float64": "f8", "float32": "f4", "float16": "f2", "bfloat16": "bfloat16"}
# torch.compile makes an object of a kind that torch itself advises against.
compiled = pytest.mark.filterwarnings("ignore:.*should not be instantiated:DeprecationWarning")


@pytest.fixture(autouse=True, scope="module")
def one_thread_of_torch():
    """The matrices are small: threads fighting over busy cores slow them down fiftyfold."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def function(name):
    return getattr(numloss.torch, name)


def signature(name):
    return integration._SIGNATURES[name]


def draw(variant, rows=12, dtype="f8", smooth=False):
    """Return the inputs of a variant by name, and its parameters, as NumPy's calls take them."""
    shape = (rows, 5) if variant.rowwise else (rows,)
    prediction, target = variant.inputs(shape, seed=3)
    if smooth:  # no difference reaches over a kink
        far = variant.smooth(prediction, target)
        prediction, target = prediction[far], target[far]
    options = variant.options(5, variant.examples(prediction))
    names = signature(variant.name).inputs
    inputs = {names[0]: prediction, "target": target}
    inputs |= {name: options.pop(name) for name in names[2:] if name in options}
    dtype = np.dtype(getattr(__import__("ml_dtypes"), dtype) if dtype == "bfloat16" else dtype)
    for name, x in inputs.items():
        if isinstance(x, np.ndarray) and x.dtype.kind == "f":
            inputs[name] = x.astype(dtype)
    return inputs, options


def to_torch(inputs, options=(), heads=()):
    """Return the same as tensors, of which heads require a gradient."""
    tensors = {
        name: tensor(x) if isinstance(x, np.ndarray) else x
        for name, x in {**inputs, **dict(options)}.items()
    }
    for name in heads:
        tensors[name].requires_grad_()
    return tensors


def assert_same(found, expected):
    """Compare a tensor with what NumPy's call gave, bit for bit."""
    expected = np.asarray(expected)
    found = array(found)
    assert found.shape == expected.shape
    assert found.dtype == expected.dtype
    assert found.tobytes() == expected.tobytes()


# ---------------------------------------------------------------------------------------- same bits


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("dtype", DTYPES.values(), ids=DTYPES)
@pytest.mark.parametrize("variant", ALL, ids=str)
def test_value_and_gradient_have_the_bits_of_numpy(variant, dtype, reduction):
    inputs, options = draw(variant, dtype=dtype)
    heads = signature(variant.name).heads
    call = {"reduction": reduction}
    value, gradients = variant.loss.value_and_grad(**inputs, **options, **call)
    tensors = to_torch(inputs, options, heads)
    found = function(variant.name)(**tensors, **call)
    assert_same(found, value)
    found.sum().backward()
    for head, gradient in zip(heads, several(gradients), strict=True):
        assert_same(tensors[head].grad, gradient)
    with torch.no_grad():
        assert_same(function(variant.name)(**tensors, **call), value)


def test_bounds_and_events_have_the_bits_of_numpy():
    rng = np.random.default_rng(0)
    p, t = rng.normal(size=12), rng.exponential(size=12)
    upper = np.where(np.arange(12) % 3 == 0, np.inf, t + np.arange(12) % 3)
    calls = {"aft": {"upper": upper}, "cox": {"event": t < 1, "groups": np.array([5, 7])}}
    for name, beside in calls.items():
        value, gradient = numloss.LOSSES[name].value_and_grad(p, t, **beside)
        leaf = tensor(p).requires_grad_()
        found = function(name)(leaf, tensor(t), **{key: tensor(x) for key, x in beside.items()})
        found.backward()
        assert_same(found, value)
        assert_same(leaf.grad, gradient)


@pytest.mark.parametrize("name", PENALTIES)
@pytest.mark.parametrize("dtype", DTYPES.values(), ids=DTYPES)
def test_penalties_have_the_bits_of_numpy(name, dtype):
    w = draw(PLAIN["mse"], dtype=dtype)[0]["prediction"]
    value, gradient = getattr(numloss, name).value_and_grad(w, strength=0.5)
    leaf = tensor(w).requires_grad_()
    found = function(name)(leaf, strength=0.5)
    assert_same(found, value)
    found.backward()
    assert_same(leaf.grad, gradient)


@pytest.mark.parametrize("variant", PLAIN.values(), ids=str)
@pytest.mark.parametrize(
    "call",
    [
        {"weight": True},
        {"weight": True, "reduction": "none"},
        {"weight": 2.0, "reduction": "sum"},
        {"weight": True, "denominator": "count"},
        {"denominator": 3},
        {"weight": -2.0, "reduction": "sum", "allow_negative_weight": True},
        {"dtype": "float64", "reduction": "none"},
    ],
    ids=str,
)
def test_keywords_of_every_loss(variant, call):
    inputs, options = draw(variant, dtype="f4")
    call = dict(call)
    if call.get("weight") is True:
        examples = variant.examples(next(iter(inputs.values())))
        call["weight"] = np.random.default_rng(0).uniform(size=examples)
    heads = signature(variant.name).heads
    value, gradients = variant.loss.value_and_grad(**inputs, **options, **call)
    if "dtype" in call:
        call["dtype"] = torch.float64
    tensors = to_torch(inputs, options | call, heads)
    found = function(variant.name)(**tensors)
    assert_same(found, value)
    found.sum().backward()
    for head, gradient in zip(heads, several(gradients), strict=True):
        # Autograd gives a tensor a gradient of its own dtype.
        assert_same(tensors[head].grad, gradient.astype("f4"))


LAYOUTS = {
    "columns": lambda x: x.t().contiguous().t(),
    "every second": lambda x: x.repeat_interleave(2, -1)[..., ::2],
    "rows of a wider table": lambda x: torch.cat([x, x], -1)[..., : x.shape[-1]],
    "repeated": lambda x: x[:1].expand_as(x),
}


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
def test_tensors_stay_as_they_lie(layout, dtype):
    x, t = torch.randn(6, 4).to(dtype), torch.randn(6, 4).to(dtype)
    laid = layout(x).detach().requires_grad_()
    expected = laid.detach().contiguous().requires_grad_()
    assert integration._untracked(laid).data_ptr() == laid.data_ptr()
    numloss.torch.mse(laid, t).backward()
    numloss.torch.mse(expected, t).backward()
    assert torch.equal(laid.grad, expected.grad)
    gradient = integration._SIGNATURES["mse"].ops["value_and_grad"](laid, t)[1]
    assert gradient.stride() == torch.empty_like(laid).stride()


@pytest.mark.parametrize("dtype", [torch.int8, torch.uint8, torch.int16, torch.int32, torch.int64])
def test_labels_of_any_integer_type(dtype):
    logits, labels = torch.randn(5, 4), torch.tensor([0, 3, 1, 2, 3])
    expected = numloss.torch.cross_entropy(logits, labels)
    assert torch.equal(numloss.torch.cross_entropy(logits, labels.to(dtype)), expected)
    ignored = torch.tensor([0, -100, 1, 2, 3])
    less = numloss.torch.cross_entropy(logits[[0, 2, 3, 4]], ignored[[0, 2, 3, 4]])
    assert torch.equal(numloss.torch.cross_entropy(logits, ignored), less)


def test_what_is_no_tensor():
    p = torch.tensor([1.0, 4.0, 2.0])
    assert numloss.torch.mse(p, 1.5) == numloss.mse(p.numpy(), 1.5)
    assert numloss.torch.mse(p, [1.0, 2.0, 3.0]) == numloss.mse(p.numpy(), [1.0, 2.0, 3.0])
    assert numloss.torch.huber(p, 0, delta=np.float32(2)) == numloss.huber(p.numpy(), 0, delta=2)
    # A tensor without axes is a number, as in torch's own rule of types.
    half = torch.tensor(0.5, dtype=torch.float64)
    assert numloss.torch.mse(p, half, reduction="none").dtype == torch.float32
    table = np.abs(np.subtract.outer(np.arange(3.0), np.arange(3.0)))
    found = numloss.torch.ordinal_cross_entropy(torch.eye(3), torch.arange(3), distance=table)
    assert found == numloss.ordinal_cross_entropy(np.eye(3, dtype="f4"), np.arange(3))


def test_classes_on_another_axis():
    logits = torch.randn(4, 3, 5, dtype=torch.float64, requires_grad=True)
    labels = torch.randint(0, 3, (4, 5))
    for call in ({"axis": 1}, {"axis": -2, "reduction": "none"}):
        logits.grad = None
        values = numloss.torch.cross_entropy(logits, labels, **call)
        expected = functional.cross_entropy(logits, labels, reduction=call.get("reduction", "mean"))
        torch.testing.assert_close(values, expected)
        by = torch.randn_like(values)
        values.backward(by)
        (reference,) = torch.autograd.grad(expected, logits, by)
        torch.testing.assert_close(logits.grad, reference)


# ---------------------------------------------------------------------------------------- autograd


@pytest.mark.parametrize("reduction", ["mean", "none"])
@pytest.mark.parametrize("variant", ALL, ids=str)
def test_gradients_are_those_of_differences(variant, reduction):
    inputs, options = draw(variant, 6, smooth=True)
    heads = signature(variant.name).heads
    tensors = to_torch(inputs, options)

    def loss(*by):
        call = {**tensors, **dict(zip(heads, by, strict=True))}
        return function(variant.name)(**call, reduction=reduction)

    at = [tensors[head].requires_grad_() for head in heads]
    assert gradcheck(loss, at, check_batched_grad=True)
    if len(heads) == 1 and not variant.rowwise:
        assert gradgradcheck(loss, at, check_batched_grad=True)
    else:
        value = loss(*at).sum()
        (gradient, *_) = torch.autograd.grad(value, at, create_graph=True)
        with pytest.raises(numloss.Error, match=f"{variant.name} has no second derivative"):
            gradient.sum().backward()


@pytest.mark.parametrize("name", PENALTIES)
def test_gradients_of_penalties(name):
    w = torch.randn(7, dtype=torch.float64, requires_grad=True)
    assert gradcheck(function(name), [w])
    assert gradgradcheck(function(name), [w])


@pytest.mark.parametrize("name", ["dice", "lovasz_softmax"])
def test_regions_of_several_classes(name):
    """A class of an image is a row of probabilities, whose gradient torch takes to the logits."""
    x = torch.randn(2, 3, 40, dtype=torch.float64, requires_grad=True)
    there = torch.randint(0, 3, (2, 1, 40)) == torch.arange(3)[:, None]
    value = function(name)(x.softmax(1), there, from_logits=False)
    value.backward()
    p, loss = x.detach().softmax(1).numpy(), numloss.LOSSES[name]
    expected, g = loss.value_and_grad(p, there.numpy(), from_logits=False)
    assert value.item() == expected
    gradient = p * (g - (p * g).sum(axis=1, keepdims=True))
    np.testing.assert_allclose(x.grad.numpy(), gradient, rtol=1e-12, atol=1e-16)


def test_there_is_no_third_derivative():
    p = torch.randn(3, dtype=torch.float64, requires_grad=True)
    (first,) = torch.autograd.grad(numloss.torch.mse(p, 0.0), p, create_graph=True)
    (second,) = torch.autograd.grad(first.sum(), p, create_graph=True)
    with pytest.raises(numloss.Error, match="mse has no third derivative"):
        second.sum().backward()


def test_log_sum_exp_has_derivatives_and_the_predicted_class_has_none():
    logits = torch.randn(5, 4, dtype=torch.float64, requires_grad=True)
    labels = torch.tensor([0, 3, 1, 2, 3])

    def both(x):
        return numloss.torch.cross_entropy(x, labels, return_logsumexp=True)

    _, logsumexp, predicted = numloss.torch.cross_entropy(
        logits, labels, return_logsumexp=True, return_predicted=True
    )
    torch.testing.assert_close(logsumexp, logits.logsumexp(-1))
    assert torch.equal(predicted, logits.argmax(-1))
    assert not predicted.requires_grad
    assert gradcheck(both, [logits])
    assert gradgradcheck(lambda x: both(x)[1], [logits])
    _, predicted = numloss.torch.multiclass_hinge(logits, labels, return_predicted=True)
    assert torch.equal(predicted, logits.argmax(-1))


@pytest.mark.parametrize("where", ["of rows", "of classes"])
def test_log_sum_exp_is_that_of_scores_as_the_loss_takes_them(where):
    logits = torch.randn(5, 4, dtype=torch.float64, requires_grad=True)
    mask = torch.tensor([[True, True, False, True], [True, False, True, True]])[[0, 1, 0, 0, 1]]
    mask = mask if where == "of rows" else mask[0]
    options = {"temperature": 2.0, "softcap": 1.5, "where": mask, "return_logsumexp": True}
    _, logsumexp = numloss.torch.cross_entropy(logits, torch.zeros(5, dtype=int), **options)
    scores = torch.where(mask, 1.5 * torch.tanh(logits / 1.5) / 2, -torch.inf)
    torch.testing.assert_close(logsumexp, scores.logsumexp(-1))
    weights = torch.arange(5.0, dtype=torch.float64)
    found, known = (
        torch.autograd.grad((x * weights).sum(), logits)[0]
        for x in (logsumexp, scores.logsumexp(-1))
    )
    torch.testing.assert_close(found, known)


def test_backward_passes_of_the_same_loss():
    p, t = torch.randn(4, requires_grad=True), torch.randn(4)
    loss = numloss.torch.huber(p, t)
    loss.backward(retain_graph=True)
    once = p.grad.clone()
    p.grad.zero_()  # which must not reach what the loss keeps
    loss.backward()
    assert torch.equal(p.grad, once)
    with pytest.raises(RuntimeError, match="second time"):
        loss.backward()
    assert loss.grad_fn.name() == "_ValueBackward"
    p.grad = None
    (3 * numloss.torch.huber(p, t)).backward()
    torch.testing.assert_close(p.grad, 3 * once)


def test_inputs_written_to_before_the_way_back():
    p = torch.randn(4, requires_grad=True)
    x = p * 1
    (gradient,) = torch.autograd.grad(numloss.torch.mse(x, 0.0), x, retain_graph=True)
    loss = numloss.torch.mse(x, 0.0)
    with torch.no_grad():
        x.zero_()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()
    assert gradient.abs().sum() > 0


def test_one_head_of_two_may_want_its_gradient():
    p, t, v = torch.randn(3), torch.randn(3), torch.rand(3) + 0.5
    expected = numloss.gaussian_nll.grad(p.numpy(), t.numpy(), v.numpy())
    v.requires_grad_()
    numloss.torch.gaussian_nll(p, t, v).backward()
    assert p.grad is None
    assert_same(v.grad, expected[1])


# ------------------------------------------------------------------------------ the tools of torch


def op_arguments(variant, **call):
    """Return the arguments of a variant's ops, in their order."""
    inputs, options = draw(variant, 4)
    tensors = to_torch(inputs, options)
    return integration._arguments(signature(variant.name), (), {**tensors, **call})


@compiled
@pytest.mark.parametrize("variant", ALL, ids=str)
def test_ops_pass_the_checks_of_torch(variant):
    calls = [{}, {"reduction": "none", "dtype": torch.float64}, {"weight": 2.0, "denominator": 3.0}]
    for method, call in zip(signature(variant.name).ops, calls, strict=False):
        op = signature(variant.name).ops[method]
        torch.library.opcheck(op, tuple(op_arguments(variant, **call)))


@compiled
@pytest.mark.parametrize("name", ["cross_entropy", "multiclass_hinge"])
def test_ops_with_more_results_pass_the_checks_of_torch(name):
    variant = PLAIN[name]
    extras = dict.fromkeys(signature(name).extras, True)
    for op in signature(name).ops.values():
        for dtype in (torch.float32, torch.bfloat16):
            arguments = op_arguments(variant, reduction="none", **extras)
            arguments[0] = arguments[0].to(dtype).t().contiguous().t()
            torch.library.opcheck(op, tuple(arguments))


@compiled
@pytest.mark.parametrize("name", PENALTIES)
def test_ops_of_penalties_pass_the_checks_of_torch(name):
    for op in signature(name).ops.values():
        torch.library.opcheck(op, (torch.randn(3, 4), 0.5))


@compiled
@pytest.mark.parametrize("name", [name for name in LOSSES if name not in APART])
def test_compiled_without_a_graph_break(name):
    if name in PENALTIES:
        tensors, heads = {"w": torch.randn(5, requires_grad=True)}, ["w"]
    else:
        inputs, options = draw(PLAIN[name], dtype="f4")
        heads = signature(name).heads
        tensors = to_torch(inputs, options, heads)
    whole = torch.compile(function(name), backend="aot_eager", fullgraph=True)
    results = []
    for loss in (function(name), whole):
        for head in heads:
            tensors[head].grad = None
        value = loss(**tensors)
        value.backward()
        with torch.no_grad():
            results.append([value, loss(**tensors), *(tensors[head].grad for head in heads)])
    for eager, other in zip(*results, strict=True):
        assert torch.equal(eager, other)


@compiled
@pytest.mark.filterwarnings("ignore:.*torch.jit.script:DeprecationWarning")
def test_a_compiled_step_of_training_whatever_the_number_of_rows():
    """With the compiler of torch's own, and rows whose number is no part of the graph."""
    torch.manual_seed(0)
    model = nn.Linear(6, 3)
    weight = torch.tensor([1.0, 2.0, 0.5])

    def loss(x, y):
        options = {"class_weight": weight, "label_smoothing": 0.1, "reduction": "none"}
        values = numloss.torch.cross_entropy(model(x), y, **options)
        return values.mean() + 0.01 * numloss.torch.l2_penalty(model.weight)

    whole = torch.compile(loss, fullgraph=True, dynamic=True)
    torch._dynamo.utils.counters.clear()
    for rows in (16, 24, 40):
        x, y = torch.randn(rows, 6), torch.randint(0, 3, (rows,))
        found = torch.autograd.grad(whole(x, y), model.parameters())
        for one, other in zip(
            found, torch.autograd.grad(loss(x, y), model.parameters()), strict=True
        ):
            torch.testing.assert_close(one, other)
    assert torch._dynamo.utils.counters["stats"]["unique_graphs"] == 1


@pytest.mark.parametrize("variant", PLAIN.values(), ids=str)
def test_vmap_is_the_loop(variant):
    inputs, options = draw(variant, dtype="f4")
    loss = function(variant.name)
    names = [k for k, x in inputs.items() if isinstance(x, np.ndarray)]
    rows = [tensor(inputs[k]) for k in names]
    options |= {k: x for k, x in inputs.items() if k not in names}
    options = to_torch({}, options)

    def call(*row):
        return loss(**dict(zip(names, row, strict=True)), **options)

    loop = torch.stack([call(*row) for row in zip(*rows, strict=True)])
    assert torch.equal(vmap(call)(*rows), loop)
    heads = tuple(names.index(head) for head in signature(variant.name).heads)
    found = vmap(grad(call, argnums=heads))(*rows)
    for k, x in enumerate(heads):
        for i, row in enumerate(zip(*rows, strict=True)):
            row = [one.clone() for one in row]
            row[x].requires_grad_()
            (expected,) = torch.autograd.grad(call(*row), row[x])
            torch.testing.assert_close(found[k][i], expected)


def test_meta_tensors_tell_shapes():
    logits = torch.empty(6, 4, 3, device="meta", dtype=torch.bfloat16, requires_grad=True)
    labels = torch.empty(6, 3, device="meta", dtype=torch.int64)
    values = numloss.torch.cross_entropy(logits, labels, axis=1, reduction="none")
    assert (values.shape, values.dtype) == ((6, 3), torch.bfloat16)
    values.sum().backward()
    assert logits.grad.shape == logits.shape
    assert numloss.torch.cross_entropy(logits, labels, axis=1).dtype == torch.float64


def test_jacobians_and_hessians():
    p, t = torch.randn(5, dtype=torch.float64), torch.rand(5, dtype=torch.float64)
    labels = torch.tensor([1, 0])

    def bce(x):
        return numloss.torch.binary_cross_entropy(x, t, reduction="none")

    sigmoid = p.sigmoid()
    torch.testing.assert_close(jacrev(bce)(p), torch.diag(sigmoid - t))
    torch.testing.assert_close(
        jacrev(jacrev(lambda x: bce(x).sum()))(p), torch.diag(sigmoid * (1 - sigmoid))
    )
    logits = torch.randn(2, 5, dtype=torch.float64)
    found = jacrev(lambda x: numloss.torch.cross_entropy(x, labels, reduction="none"))(logits)
    expected = jacrev(lambda x: functional.cross_entropy(x, labels, reduction="none"))(logits)
    torch.testing.assert_close(found, expected)
    # vmap along another axis, beside an input that it leaves alone.
    columns = vmap(numloss.torch.mse, in_dims=(1, None))(logits, torch.zeros(2))
    torch.testing.assert_close(columns, logits.square().mean(0))


def test_hessian_times_vector():
    p, t, v = torch.randn(3, 5, dtype=torch.float64)
    _, found = torch.autograd.functional.vhp(lambda x: numloss.torch.mse(x, t), p, v)
    torch.testing.assert_close(found, 2 * v / 5)


def test_exported():
    class Scored(nn.Module):
        def forward(self, logits, labels):
            return numloss.torch.cross_entropy(logits, labels, return_predicted=True)

    arguments = torch.randn(4, 3), torch.tensor([0, 1, 2, 1])
    exported = torch.export.export(Scored(), arguments)
    ops = [node.target for node in exported.graph.nodes]
    assert torch.ops.numloss.cross_entropy.default in ops
    assert all(map(torch.equal, exported.module()(*arguments), Scored()(*arguments)))


@pytest.mark.filterwarnings("ignore:.*torch.jit.script:DeprecationWarning")
def test_what_there_is_no_rule_for_is_refused():
    p, t = torch.randn(5, dtype=torch.float64), torch.randn(5, dtype=torch.float64)
    labels = torch.tensor([1])

    def of_target(x):
        return numloss.torch.mse(p, x)

    def ce(x):
        return numloss.torch.cross_entropy(x[None], labels)

    for transform in (jacfwd(numloss.torch.mse), lambda p, t: jvp(of_target, (t,), (t,))):
        with pytest.raises(numloss.Error, match="mse has no forward mode"):
            transform(p, t)
    with pytest.raises(NotImplementedError, match="forward mode AD"):
        hessian(numloss.torch.mse)(p, t)
    with pytest.raises(numloss.InputTypeError, match=r"target requires a gradient.*by prediction"):
        grad(of_target)(t)
    with pytest.raises(numloss.Error, match="cross_entropy has no second derivative"):
        grad(lambda x: grad(ce)(x).square().sum())(p)
    with pytest.raises(numloss.Error, match="cross_entropy has no second derivative"):
        jacrev(jacrev(ce))(p)


def test_a_batch_of_nothing():
    p, labels = torch.randn(3, 4), torch.zeros(0, 3, dtype=torch.long)
    values = vmap(lambda t: numloss.torch.cross_entropy(p, t))(labels)
    assert (values.shape, values.dtype) == ((0,), torch.float64)
    rows = vmap(lambda t: numloss.torch.cross_entropy(p, t, reduction="none"))(labels)
    assert (rows.shape, rows.dtype) == ((0, 3), torch.float32)


class Layered(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer, self.loss = nn.Linear(4, 3), numloss.torch.Loss("cross_entropy")

    def forward(self, x, y):
        return self.loss(self.layer(x), y)


@compiled
def test_exported_without_a_gradient_or_not_at_all():
    module, x = Layered(), torch.randn(5, 4)
    labels = torch.tensor([0, 1, 2, 2, 0])
    with pytest.raises(numloss.Error, match="export it under"):
        torch.export.export(module, (x, labels), strict=False)
    for strict in (False, True):
        with torch.no_grad():
            exported = torch.export.export(module, (x, labels), strict=strict).module()
        assert exported(x, labels) == module(x, labels)


# ---------------------------------------------------------------------------------------- training


TEN_THOUSAND_STEPS = """
import gc
import torch, numloss

p, t = torch.randn(1000, requires_grad=True), torch.randn(1000)

def step():
    p.grad = None
    numloss.torch.huber(p, t, weight=2.0).backward()

def tensors_alive():
    return sum(issubclass(type(x), torch.Tensor) for x in gc.get_objects())

def peak():
    (line,) = (line for line in open("/proc/self/status") if line.startswith("VmHWM"))
    return int(line.split()[1])

for _ in range(100):
    step()
gc.collect()
gc.disable()  # what a step left in a cycle stays, to be counted
alive, before = tensors_alive(), peak()
for _ in range(10_000):
    step()
print(tensors_alive() - alive, peak() - before, gc.collect())
"""


def test_10_000_steps_leave_nothing_behind():
    # In a process of its own: other tests leave cycles behind, and set the peak of memory.
    command = [sys.executable, "-c", TEN_THOUSAND_STEPS]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    tensors, kilobytes, in_cycles = map(int, done.stdout.split())
    assert tensors == 0
    assert kilobytes < 2000  # one gradient a step would be 40 000
    assert in_cycles < 100


def model_of(inputs, outputs):
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(inputs, 16), nn.Tanh(), nn.Linear(16, outputs)).double()


def trained(loss, x, y, outputs):
    """Return the parameters after 200 steps of Adam."""
    model = model_of(x.shape[1], outputs)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(200):
        optimizer.zero_grad()
        loss(model(x), y).backward()
        optimizer.step()
    return torch.cat([parameter.detach().flatten() for parameter in model.parameters()])


X = torch.from_numpy(np.random.default_rng(2).normal(size=(60, 4)))
REAL = X.sum(1, keepdim=True).sin()
CLASS = (X[:, 0] > 0).long() + (X[:, 1] > 0.5).long()
PER_CLASS = torch.tensor([0.5, 1.0, 2.0], dtype=torch.float64)
MODELS = {
    "mse": ("mse", {}, functional.mse_loss, {}, REAL, 1),
    "huber": ("huber", {"delta": 0.5}, functional.huber_loss, {"delta": 0.5}, REAL, 1),
    "binary_cross_entropy": (
        "binary_cross_entropy", {"pos_weight": 3.0},
        functional.binary_cross_entropy_with_logits,
        {"pos_weight": torch.tensor(3.0, dtype=torch.float64)}, (REAL > 0).double(), 1,
    ),
    "cross_entropy": (
        "cross_entropy", {"class_weight": PER_CLASS, "label_smoothing": 0.1},
        functional.cross_entropy, {"weight": PER_CLASS, "label_smoothing": 0.1}, CLASS, 3,
    ),
    "cross_entropy of probabilities": (
        "cross_entropy", {}, functional.cross_entropy, {},
        functional.one_hot(CLASS, 3).double() * 0.8 + 0.2 / 3, 3,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", MODELS)
def test_a_model_trained_with_torchs_own_loss_is_the_same(name):
    ours, options, theirs, their_options, y, outputs = MODELS[name]
    found = trained(numloss.torch.Loss(ours, **options), X, y, outputs)
    expected = trained(lambda p, t: theirs(p, t, **their_options), X, y, outputs)
    start = trained(lambda p, _: 0 * p.sum(), X, y, outputs)
    difference = (found - expected).abs().max()
    print(f"{name}: {(expected - start).abs().max():.2g} from the start, {difference:.1g} apart")
    assert difference < 1e-8
    assert (expected - start).abs().max() > 0.3


def test_scaled_gradients_of_float16_do_not_vanish():
    """What a GradScaler is for: 2 (p - t) / N would be 0 in float16 before it is scaled."""
    p = torch.linspace(-0.01, 0.01, 100_000).half().requires_grad_()
    scaler = torch.amp.GradScaler("cpu")
    scaler.scale(numloss.torch.mse(p, 0.0)).backward()
    expected = scaler.get_scale() * 2 * p.detach().double() / p.numel()
    assert expected.abs().max() > 0.005
    torch.testing.assert_close(p.grad.double(), expected, rtol=1e-3, atol=1e-7)
    assert numloss.torch.mse(torch.full((9,), 300.0).half(), 0.0, reduction="sum") == 810_000


def test_under_autocast():
    model = model_of(4, 3).float()
    with torch.autocast("cpu", torch.bfloat16):
        logits = model(X.float())
        assert logits.dtype == torch.bfloat16
        loss = numloss.torch.cross_entropy(logits, CLASS)
    loss.backward()
    assert_same(loss, numloss.cross_entropy(array(logits), CLASS.numpy()))
    assert all(parameter.grad.dtype == torch.float32 for parameter in model.parameters())


def test_many_threads_get_the_bits_of_one():
    p, t = torch.randn(50_000), torch.randn(50_000)

    def step(_):
        leaf = p.clone().requires_grad_()
        loss = numloss.torch.huber(leaf, t)
        loss.backward()
        return loss, leaf.grad

    expected = step(0)
    with ThreadPoolExecutor(8) as pool:
        for found in pool.map(step, range(64)):
            assert all(map(torch.equal, found, expected))


def test_workers_of_a_data_loader():
    """Forks of a process whose threads are at work; it is one without JAX, which forbids forks."""
    program = """if True:
        import torch
        from torch.utils.data import DataLoader, Dataset
        import numloss

        class LossesOfRows(Dataset):
            def __len__(self):
                return 8

            def __getitem__(self, index):
                p = torch.full((200_000,), float(index), requires_grad=True)
                loss = numloss.torch.mse(p, 1.0)
                loss.backward()
                return loss.detach(), p.grad.sum()

        numloss.torch.mse(torch.zeros(2_000_000), 1.0)
        expected = [LossesOfRows()[i] for i in range(8)]
        loader = DataLoader(LossesOfRows(), batch_size=None, num_workers=2, timeout=30)
        for found, one in zip(loader, expected, strict=True):
            assert all(map(torch.equal, found, one))
    """
    subprocess.run([sys.executable, "-c", program], check=True, timeout=120)


# ------------------------------------------------------------------------------------------ errors


def on_a_gpu():
    """Return a tensor that says so, without memory."""
    with FakeTensorMode():
        return torch.empty(2, 2, device="cuda:0")


P, T = torch.tensor([[0.5, 1.0], [2.0, 0.0]]), torch.tensor([[0.0, 1.0], [1.0, 1.0]])
ERRORS = {
    "no tensor": (
        lambda: numloss.torch.mse([1.0], T),
        "prediction must be a torch.Tensor, got list: use numloss.mse for arrays",
    ),
    "another device": (
        lambda: numloss.torch.mse(P, on_a_gpu()),
        r"target must be a dense tensor in the memory of the CPU, .*cuda:0: use target.cpu\(\)",
    ),
    "sparse": (lambda: numloss.torch.mse(P.to_sparse(), T), "prediction must be a dense tensor"),
    "a target to differentiate by": (
        lambda: numloss.torch.mse(P, T.clone().requires_grad_()),
        r"target requires a gradient, which mse has by prediction alone: use target.detach\(\) "
        r"\(prediction comes first\)",
    ),
    "a parameter to differentiate by": (
        lambda: numloss.torch.huber(P, T, delta=torch.tensor(1.0, requires_grad=True)),
        r"delta requires a gradient, which huber has by prediction alone: use delta.detach\(\)",
    ),
    "a denominator to differentiate by": (
        lambda: numloss.torch.mse(P, T, denominator=torch.tensor(1.0, requires_grad=True)),
        "^denominator requires a gradient",
    ),
    "numbers of a batch": (
        lambda: vmap(lambda d: numloss.torch.huber(P, T, delta=d))(torch.ones(2)),
        "delta must be a number that is known, .* use a loop",
    ),
    "a target without numbers": (
        lambda: numloss.torch.mse(P, T.to("meta")),
        "target must lie where prediction does, on device cpu, got meta",
    ),
    "a number without one": (
        lambda: numloss.torch.mse(P, torch.tensor(1.0, device="meta")),
        "target must lie where prediction does, on device cpu, got meta",
    ),
    "a prediction without numbers": (
        lambda: numloss.torch.mse(P.to("meta"), T),
        "target must lie where prediction does, on device meta, got cpu",
    ),
    "an op with a target without numbers": (
        lambda: torch.ops.numloss.mse(P, T.to("meta")), "target must lie where prediction does",
    ),
    "classes on torch's axis": (
        lambda: numloss.torch.cross_entropy(torch.ones(2, 3, 4), torch.zeros(2, 4, dtype=int)),
        r"got \(2, 4\): use axis=1$",
    ),
    "weights to differentiate by": (
        lambda: numloss.torch.mse(P, T, weight=T.clone().requires_grad_()),
        "weight requires a gradient",
    ),
    "8 bits": (
        lambda: numloss.torch.mse(P.to(torch.float8_e5m2), T),
        "prediction must hold real numbers of at most 64 bits, got a tensor of a type of 8 bits",
    ),
    "complex": (
        lambda: numloss.torch.mse(P, T.to(torch.complex64)),
        "target must hold real numbers of at most 64 bits, got dtype complex64",
    ),
    "halves of two kinds": (
        lambda: numloss.torch.mse(P.half(), T.bfloat16()),
        "got float16 and bfloat16: convert one of them",
    ),
    "shapes": (
        lambda: numloss.torch.mse(P, T[0]),
        r"prediction and target must have the same shape, got \(2, 2\) and \(2,\)",
    ),
    "a label": (
        lambda: numloss.torch.cross_entropy(P, torch.tensor([0, 2])),
        r"target must hold labels in \[0, 2\) .*got 2 at index 1",
    ),
    "an axis": (
        lambda: numloss.torch.cross_entropy(P, T[0].long(), axis=2),
        r"axis must be in \[-2, 2\)",
    ),
    "a number": (
        lambda: numloss.torch.huber(P, T, delta="2"), "delta must be a number, got '2'",
    ),
    "its range": (
        lambda: numloss.torch.huber(P, T, delta=-1), "delta must be a positive finite number",
    ),
    "a switch": (
        lambda: numloss.torch.focal(P, T, from_logits=1), "from_logits must be True or False",
    ),
    "no level": (lambda: numloss.torch.quantile(P, T, None), "q must be array-like, got None"),
    "a reduction": (
        lambda: numloss.torch.mse(P, T, reduction="avg"),
        "reduction must be 'mean', 'sum' or 'none', got 'avg'",
    ),
    "a denominator": (
        lambda: numloss.torch.mse(P, T, denominator=None), "denominator must be a number",
    ),
    "a dtype": (
        lambda: numloss.torch.mse(P, T, dtype=torch.int32), "dtype must be a float type",
    ),
    "a target left out": (
        lambda: numloss.torch.mse(P), "missing 1 required positional argument: 'target'",
    ),
    "out": (lambda: numloss.torch.mse(P, T, out=P), r"mse\(\) takes no argument named 'out'"),
    "a name": (lambda: numloss.torch.huber(P, T, delt=1.0), "did you mean 'delta'"),
    "twice": (lambda: numloss.torch.mse(P, T, target=T), "multiple values for argument 'target'"),
    "a loss": (lambda: numloss.torch.Loss("hubre"), "name must be 'mse', .* got 'hubre'"),
    "an option of a module": (
        lambda: numloss.torch.Loss("huber", delt=1.0), "no argument named 'delt': did you mean",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("call", "message"), ERRORS.values(), ids=ERRORS)
def test_wrong_arguments_are_refused(call, message):
    with pytest.raises(numloss.Error, match=message):
        call()


def test_wrong_arguments_are_refused_with_a_gradient_as_well():
    p = P.clone().requires_grad_()
    with pytest.raises(numloss.Error, match="got 2 at index 1"):
        numloss.torch.cross_entropy(p, torch.tensor([0, 2]))
    with torch.no_grad():  # nothing to differentiate, nothing to refuse
        assert numloss.torch.mse(P, T.clone().requires_grad_()) == numloss.torch.mse(P, T)


# ----------------------------------------------------------------------------- modules and trainers


def test_module():
    weight = torch.tensor([0.5, 1.0, 2.0])
    loss = numloss.torch.Loss("cross_entropy", class_weight=weight, label_smoothing=0.1)
    logits, labels = torch.randn(6, 3), torch.tensor([0, 1, 2, 2, 1, 0])
    options = {"class_weight": weight, "label_smoothing": 0.1}
    expected = numloss.torch.cross_entropy(logits, labels, **options)
    assert repr(loss) == "Loss('cross_entropy', label_smoothing=0.1)"
    assert list(loss.state_dict()) == ["class_weight"]
    assert loss.double().class_weight.dtype == torch.float64
    for other in (loss, copy.deepcopy(loss), pickle.loads(pickle.dumps(loss))):
        assert other(logits, labels) == expected
    assert loss(logits, labels, reduction="none").shape == (6,)
    plain = numloss.torch.cross_entropy(logits, labels, class_weight=weight)
    assert loss(logits, labels, label_smoothing=0.0) == plain
    file = io.BytesIO()
    torch.save(loss.state_dict(), file)
    file.seek(0)
    fresh = numloss.torch.Loss("cross_entropy", class_weight=torch.ones(3), label_smoothing=0.1)
    fresh.load_state_dict(torch.load(file))
    assert fresh(logits, labels) == expected


def test_skorch():
    x, y = X.float().numpy(), CLASS.numpy()

    def softmax(scores):
        return scores.softmax(-1)

    def fitted(criterion, **options):
        torch.manual_seed(0)
        net = skorch.NeuralNetClassifier(
            nn.Linear, module__in_features=4, module__out_features=3, criterion=criterion,
            predict_nonlinearity=softmax, max_epochs=20, lr=0.5, train_split=None, verbose=0,
            **options,
        )  # fmt: skip
        return net.fit(x, y)

    ours = fitted(
        numloss.torch.Loss, criterion__name="cross_entropy", criterion__label_smoothing=0.1
    )
    theirs = fitted(nn.CrossEntropyLoss, criterion__label_smoothing=0.1)
    np.testing.assert_allclose(ours.predict_proba(x), theirs.predict_proba(x), rtol=1e-4)
    assert ours.score(x, y) > 0.7
    again = skorch.NeuralNetClassifier.set_params(ours, criterion__label_smoothing=0.2)
    assert again.fit(x, y).criterion_.options == {"label_smoothing": 0.2}


class Regression(lightning.LightningModule):
    def __init__(self, loss):
        super().__init__()
        torch.manual_seed(0)
        self.layer, self.loss = nn.Linear(4, 1).double(), loss

    def training_step(self, batch, _):
        x, y = batch
        loss = self.loss(self.layer(x), y)
        self.log("loss", loss)
        return loss

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)


# Advice about workers and log intervals, and what Lightning calls that torch is to drop.
@pytest.mark.filterwarnings("ignore:.*(many workers|log_every_n_steps)")
@pytest.mark.filterwarnings("ignore::DeprecationWarning:lightning")
@pytest.mark.filterwarnings("ignore::FutureWarning:lightning")
def test_lightning():
    def fitted(loss):
        model = Regression(loss)
        trainer = lightning.Trainer(
            max_epochs=3, accelerator="cpu", logger=False, enable_checkpointing=False,
            enable_progress_bar=False, enable_model_summary=False,
        )  # fmt: skip
        trainer.fit(model, DataLoader(TensorDataset(X, REAL), batch_size=20))
        return model, trainer.callback_metrics["loss"]

    ours, logged = fitted(numloss.torch.Loss("huber", delta=0.5))
    theirs, expected = fitted(nn.HuberLoss(delta=0.5))
    torch.testing.assert_close(ours.layer.weight, theirs.layer.weight)
    torch.testing.assert_close(logged, expected, check_dtype=False)


def test_functions_tell_what_they_take():
    for name in LOSSES:
        shown = inspect.signature(function(name)).parameters
        assert list(shown) == [
            x for x in inspect.signature(getattr(numloss, name)).parameters if x not in OF_NUMPY
        ]
        assert function(name).__doc__.startswith(getattr(numloss, name).__doc__.split("\n")[0])
        assert name in integration.__all__


@pytest.mark.parametrize("text", ["module", "page"])
def test_examples(text):
    page = Path(__file__).parents[2] / "docs" / "torch.md"
    if text == "module":
        result = doctest.testmod(integration)
    else:
        result = doctest.testfile(str(page), module_relative=False)
    assert result.attempted > 0
    assert result.failed == 0


def test_what_numpy_alone_has_is_refused_in_words():
    x = torch.zeros(2, 3)
    with pytest.raises(numloss.InputTypeError, match="takes no argument named 'reduce_axis'"):
        numloss.torch.mse(x, x, reduce_axis=1)
    with pytest.raises(numloss.InputTypeError, match="axis must be an integer for tensors"):
        numloss.torch.dice(x, x, axis=(0, 1))


def test_targets_of_any_sum_as_tensors():
    x, q = torch.randn(4, 3, requires_grad=True), 3 * torch.rand(4, 3)
    found = numloss.torch.cross_entropy(x, q, any_sum=True)
    known = nn.functional.cross_entropy(x, q)
    torch.testing.assert_close(found, known.double())
    torch.testing.assert_close(*(torch.autograd.grad(loss, x)[0] for loss in (found, known)))
