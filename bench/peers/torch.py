"""PyTorch, eager, on the same memory as everybody else.

Timed: for a value the forward pass on tensors that want no gradient, so that no graph is made,
and no time goes into entering ``no_grad`` either; for a gradient the forward pass, the backward
pass and the release of the gradient of the call before, as in a training step.
"""

from __future__ import annotations

from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.nn import functional

from bench.peers import Contestant, Result
from bench.peers.numpy import ordinal_labels

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray
    from torch import Tensor

    from bench.cells import Cell, Data


def setup(threads: int) -> None:
    """Fix the number of threads."""
    torch.set_num_threads(threads)


def contestants(cell: Cell, data: Data) -> Iterator[Contestant]:
    """Compute the cell with the library's function where there is one, else its formula."""
    yield from timed("torch", cell, data, lambda formula: formula)


def timed(
    name: str, cell: Cell, data: Data, prepared: Callable[[Callable[..., Tensor]], Any]
) -> Iterator[Contestant]:
    """Compute the cell with what becomes of the loss's function or formula."""
    formula = FUNCTIONS.get(cell.loss) or FORMULAS.get(cell.loss)
    if formula is None or cell.wants_hessian:
        return
    prediction, target = tensor(data.prediction), tensor(data.target)
    step = backward if cell.wants_gradient else partial
    call = step(prepared(formula), prediction, target)
    note = "" if cell.loss in FUNCTIONS else "formula"
    if supported(call):
        yield Contestant(name, call, partial(read, cell), note)


def backward(formula: Callable[..., Tensor], p: Tensor, t: Tensor) -> Callable[[], Any]:
    """Return a call of forward and backward pass."""
    p.requires_grad_()

    def call() -> tuple[Tensor, Tensor | None]:
        p.grad = None
        value = formula(p, t)
        value.backward()
        return value, p.grad

    return call


def supported(call: Callable[[], Any]) -> bool:
    """Whether torch has a kernel for this dtype."""
    try:
        call()
    except NotImplementedError:
        return False
    except RuntimeError as error:
        if "not implemented for" in str(error):
            return False
        raise
    return True


def read(cell: Cell, returned: Any) -> Result:
    """Bring a result back to NumPy."""
    if not cell.wants_gradient:
        return Result(returned.item(), None)
    value, gradient = returned
    return Result(value.item() if cell.wants_value else None, array(gradient))


def tensor(values: NDArray[Any]) -> Tensor:
    """Return a tensor on the memory of an array."""
    if values.dtype.name == "bfloat16":
        return torch.from_numpy(values.view(np.int16)).view(torch.bfloat16)
    return torch.from_numpy(values)


def array(values: Tensor) -> NDArray[Any]:
    """Return an array of a tensor's values, 16-bit floats widened."""
    values = values.detach()
    return (values.float() if values.dtype == torch.bfloat16 else values).numpy()


def kl_divergence(x: Tensor, q: Tensor) -> Tensor:
    """Kullback-Leibler divergence."""
    return functional.kl_div(functional.log_softmax(x, dim=-1), q, reduction="batchmean")


def multiclass_hinge(x: Tensor, y: Tensor) -> Tensor:
    """Weston-Watkins hinge loss; torch divides it by the number of classes."""
    return functional.multi_margin_loss(x, y) * x.shape[1]


def hinge(s: Tensor, t: Tensor) -> Tensor:
    """Hinge loss, margin 1."""
    return torch.relu(1 - t * s).mean()


def squared_hinge(s: Tensor, t: Tensor) -> Tensor:
    """Squared hinge loss, margin 1."""
    return torch.relu(1 - t * s).square().mean()


def focal(x: Tensor, t: Tensor) -> Tensor:
    """Sigmoid focal loss, written as torchvision does."""
    p = torch.sigmoid(x)
    cross_entropy = functional.binary_cross_entropy_with_logits(x, t, reduction="none")
    p_t = p * t + (1 - p) * (1 - t)
    alpha_t = 0.25 * t + 0.75 * (1 - t)
    return (alpha_t * (1 - p_t) ** 2 * cross_entropy).mean()


def softmax_focal(x: Tensor, y: Tensor) -> Tensor:
    """Softmax focal loss, gamma 2."""
    cross_entropy = functional.cross_entropy(x, y, reduction="none")
    return ((1 - torch.exp(-cross_entropy)) ** 2 * cross_entropy).mean()


def ranked_probability(x: Tensor, y: Tensor) -> Tensor:
    """Ranked probability score of ordered classes."""
    cumulative = torch.cumsum(torch.softmax(x, dim=-1), dim=-1)[:, :-1]
    above = torch.arange(x.shape[1] - 1) >= y[:, None]
    return (cumulative - above.to(x.dtype)).square().sum(dim=-1).mean()


def ordinal_cross_entropy(x: Tensor, y: Tensor) -> Tensor:
    """Cross-entropy against labels that decay with the distance to the class."""
    return functional.cross_entropy(x, soft_labels(x.shape[1], x.dtype)[y])


@lru_cache
def soft_labels(classes: int, dtype: torch.dtype) -> Tensor:
    """Soft labels of every class, made once."""
    return torch.from_numpy(ordinal_labels(classes, np.dtype(np.float64))).to(dtype)


FUNCTIONS: dict[str, Callable[..., Tensor]] = {
    "mse": functional.mse_loss,
    "mae": functional.l1_loss,
    "huber": functional.huber_loss,
    "binary_cross_entropy": functional.binary_cross_entropy_with_logits,
    "cross_entropy": functional.cross_entropy,
    "kl_divergence": kl_divergence,
    "multiclass_hinge": multiclass_hinge,
}
FORMULAS: dict[str, Callable[..., Tensor]] = {
    formula.__name__: formula
    for formula in (
        hinge,
        squared_hinge,
        focal,
        softmax_focal,
        ranked_probability,
        ordinal_cross_entropy,
    )
}
