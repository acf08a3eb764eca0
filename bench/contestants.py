"""The contestants: how each library is called, and what of a call is timed.

The formulas are those of tests/peers. A function here prepares a library for a cell and yields its
ways to compute it: none where it has no such loss, mode or dtype. Its libraries are imported in it,
so that those that are not installed are missed by nobody else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from typical import Data, method

import numloss
from bench.cells import Cell

OURS, OURS_OUT = "numloss", "numloss out"


class Result(NamedTuple):
    """What a contestant computed. None where not asked for, a tuple where there are two heads."""

    value: Any = None
    gradient: Any = None
    hessian: Any = None


class Contestant(NamedTuple):
    """One way to compute a cell: a name, the call that is timed, and what reads its result."""

    name: str
    call: Callable[[], Any]
    read: Callable[[Any], Result]


def result_of(mode: str, returned: Any) -> Result:
    """Read what a method of a loss returns, or what has the same form."""
    if mode == "value+grad":
        return Result(*returned)
    if mode == "grad+hess":
        return Result(None, *returned)
    return Result(returned) if mode == "value" else Result(None, returned)


def ours(cell: Cell, data: Data) -> Iterator[Contestant]:
    """Call the loss, and a second time with a buffer for derivatives, as a training loop does."""
    numloss.set_num_threads(cell.threads)
    function = method(cell.loss, cell.mode)
    call = partial(function, data.prediction, data.target, **data.options)
    read = partial(result_of, cell.mode)
    yield Contestant(OURS, call, read)
    if cell.derivatives:
        returned = call()
        out = alike(returned[1] if cell.mode == "value+grad" else returned)
        yield Contestant(OURS_OUT, partial(call, out=out), read)


def alike(derivatives: Any) -> Any:
    """Return contiguous arrays to write such derivatives to, their pages touched."""
    if isinstance(derivatives, tuple):
        return tuple(map(alike, derivatives))
    return np.full(derivatives.shape, 0, derivatives.dtype)


def with_numpy(cell: Cell, data: Data) -> Iterator[Contestant]:
    """Compute with the formulas by hand: 16-bit floats in float32, as a careful user does."""
    from peers.numpy import FORMULAS, SECOND_ORDER

    p, t = data.prediction, data.target
    narrow = p.dtype.itemsize == 2

    def widened() -> Any:
        wide = t.astype(np.float32) if t.dtype == p.dtype else t
        mean, gradient = formula(p.astype(np.float32), wide, *wanted, **data.options)
        return mean, gradient.astype(p.dtype) if wanted[1] else None

    if cell.mode == "grad+hess":
        if (both := SECOND_ORDER.get(cell.loss)) and not narrow:
            call = partial(both, p, t, **data.options)
            yield Contestant("numpy", call, partial(result_of, cell.mode))
    elif formula := FORMULAS.get(cell.loss):
        wanted = (cell.mode != "grad", cell.mode != "value")
        call = partial(formula, p, t, *wanted, **data.options)
        yield Contestant("numpy", widened if narrow else call, lambda pair: Result(*pair))


def with_torch(
    cell: Cell, data: Data, name: str = "torch", prepared: Callable[[Any], Any] = lambda f: f
) -> Iterator[Contestant]:
    """Compute with PyTorch, eager, on the same memory as everybody else.

    A value is the forward pass on tensors that want no gradient, so that no graph is made; a
    gradient is the forward pass, the backward pass and the release of the gradient of the call
    before, as in a training step.
    """
    import torch
    from peers.torch import FORMULAS, array, tensor

    torch.set_num_threads(cell.threads)
    formula = FORMULAS.get(cell.loss)
    if formula is None or cell.mode == "grad+hess":
        return
    p = tensor(data.prediction)
    mean = partial(prepared(formula), p, tensor(data.target), **data.options)

    def step() -> Any:
        p.grad = None
        value = mean()
        value.backward()
        return value, p.grad

    def read(pair: Any) -> Result:
        value = pair[0].item() if cell.mode == "value+grad" else None
        return Result(value, array(pair[1]))

    found = Contestant(name, mean, lambda value: Result(value.item()))
    if cell.derivatives:
        p.requires_grad_()
        found = Contestant(name, step, read)
    if has_kernel(found.call):
        yield found


def has_kernel(call: Callable[[], Any]) -> bool:
    """Whether torch computes this dtype."""
    try:
        call()
    except RuntimeError as error:  # NotImplementedError is one
        if isinstance(error, NotImplementedError) or "not implemented for" in str(error):
            return False
        raise
    return True


def with_torch_compile(cell: Cell, data: Data) -> Iterator[Contestant]:
    """Compute with the same formulas through ``torch.compile``, each shape compiled for itself."""
    import torch

    torch.compiler.reset()
    yield from with_torch(cell, data, "torch_compile", partial(torch.compile, dynamic=False))


def with_jax(cell: Cell, data: Data) -> Iterator[Contestant]:
    """Compute with the formulas by hand, compiled."""
    from peers.jax import FORMULAS

    yield from jitted("jax", FORMULAS.get(cell.loss), cell, data)


def with_optax(cell: Cell, data: Data) -> Iterator[Contestant]:
    """Compute with the functions that users of JAX import, averaged and compiled."""
    import jax.numpy as jnp
    from peers.optax import FORMULAS

    if function := FORMULAS.get(cell.loss):
        mean = lambda p, t, **options: jnp.mean(function(p, t, **options))  # noqa: E731
        yield from jitted("optax", mean, cell, data)


def jitted(name: str, formula: Any, cell: Cell, data: Data) -> Iterator[Contestant]:
    """Call a compiled formula on arrays that lie on the device beforehand, until it is ready."""
    import jax

    jax.config.update("jax_platforms", "cpu")
    jax.config.update("jax_enable_x64", True)
    # Without a hand-over to another thread; the number of threads is the affinity's.
    jax.config.update("jax_cpu_enable_async_dispatch", False)
    if formula is None or cell.mode == "grad+hess":
        return
    p, t = jax.numpy.asarray(data.prediction), jax.numpy.asarray(data.target)
    t = t.astype("int32") if t.dtype == "int64" else t
    derived = {"value": lambda f: f, "grad": jax.grad, "value+grad": jax.value_and_grad}
    compiled = jax.jit(derived[cell.mode](partial(formula, **data.options)))

    def one() -> Any:
        return compiled(p, t).block_until_ready()

    def both() -> Any:
        value, gradient = compiled(p, t)
        return value.block_until_ready(), gradient.block_until_ready()

    call = both if cell.mode == "value+grad" else one
    yield Contestant(name, call, partial(result_of, cell.mode))


def with_sklearn(cell: Cell, data: Data) -> Iterator[Contestant]:
    """Fill scikit-learn's buffers with losses and derivatives; the mean of the losses counts.

    Its gradient is that of the sum. Dividing it by the number of samples, and the factor 2 of the
    half squared error, are left out of the time, in its favour.
    """
    from peers.sklearn import FORMULAS

    entry = FORMULAS.get(cell.loss)
    if entry is None or data.prediction.dtype.itemsize == 2:
        return
    loss = entry.make(cell.shape[-1], **data.options)
    if cell.mode == "grad+hess" and loss.approx_hessian:
        return
    labels = data.target.astype(data.prediction.dtype)  # which are floats there
    arrays = {"y_true": labels, "raw_prediction": data.prediction, "n_threads": cell.threads}
    losses = np.empty_like(labels)
    gradient, hessian = (alike(data.prediction) for _ in range(2))

    calls: dict[str, Callable[[], Any]] = {
        "value": lambda: loss.loss(**arrays, loss_out=losses).mean(),
        "grad": lambda: loss.gradient(**arrays, gradient_out=gradient),
        "value+grad": lambda: (
            loss.loss_gradient(**arrays, loss_out=losses, gradient_out=gradient)[0].mean(),
            gradient,
        ),
        "grad+hess": lambda: loss.gradient_hessian(
            **arrays, gradient_out=gradient, hessian_out=hessian
        ),
    }

    def read(returned: Any) -> Result:
        value, *derivatives = result_of(cell.mode, returned)
        scale = entry.factor / len(losses)
        summed = (None if each is None else scale * each for each in derivatives)
        return Result(None if value is None else entry.factor * float(value), *summed)

    yield Contestant("sklearn", calls[cell.mode], read)


#: By the names of their columns. Those of `UNASKED` are measured where no peer is named.
PEERS: dict[str, Callable[[Cell, Data], Iterator[Contestant]]] = {
    "numpy": with_numpy,
    "torch": with_torch,
    "jax": with_jax,
    "sklearn": with_sklearn,
    "optax": with_optax,
    "torch_compile": with_torch_compile,
}
UNASKED = tuple(PEERS)[:-1]  # compiling a cell with torch takes seconds
