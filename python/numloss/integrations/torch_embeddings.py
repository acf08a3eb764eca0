"""Losses over batches of embeddings as functions of torch tensors, which autograd knows.

``numloss.torch.info_nce(queries, keys)`` takes what ``numloss.info_nce`` takes, as tensors on the
CPU, and gives the same numbers. One pass gives value and gradient; the way back multiplies.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from numloss import _raise, embeddings
from numloss._raise import Error, InputTypeError
from numloss.embeddings.loss import BatchLoss

#: What each loss has gradients by. A temperature that is a tensor may have one as well.
HEADS = {
    "info_nce": ("queries", "keys"),
    "nt_xent": ("first", "second"),
    "supervised_contrastive": ("embeddings",),
    "circle": ("embeddings",),
}
#: What tensors say by themselves.
_LEFT_OUT = ("dtype", "return_temperature_grad")


class _Value(Function):  # type: ignore[misc]
    """The reduced value; its gradients come from the same pass and wait for the way back."""

    @staticmethod
    def forward(
        ctx: Any, loss: BatchLoss[...], given: dict[str, Any], names: list[str], *tensors: Tensor
    ) -> Tensor:
        asked = {"return_temperature_grad": True} if "temperature" in names else {}
        value, gradients, *by_temperature = loss.value_and_grad(**_plain(given), **asked)
        found = gradients if isinstance(gradients, tuple) else (gradients,)
        of_names = dict(zip(HEADS[loss.__name__], map(torch.from_numpy, found), strict=True))
        if by_temperature:
            of_names["temperature"] = torch.tensor(float(by_temperature[0]), dtype=torch.float64)
        ctx.save_for_backward(*(of_names[name] for name in names))
        ctx.dtypes = [x.dtype for x in tensors]
        return torch.tensor(float(value), dtype=torch.float64)

    @staticmethod
    @once_differentiable  # type: ignore[untyped-decorator]
    def backward(ctx: Any, returned: Tensor) -> tuple[Any, ...]:
        gradients = ctx.saved_tensors
        moved = ((x * returned).to(dtype) for x, dtype in zip(gradients, ctx.dtypes, strict=True))
        return (None, None, None, *moved)


def _plain(given: dict[str, Any]) -> dict[str, Any]:
    """Return arguments as the loss takes them, tensors without their history.

    Those of 16 bits are widened: gradients are not rounded before what comes back has met them.
    """
    plain = {}
    for name, x in given.items():
        if isinstance(x, Tensor):
            x = x.detach()
            x = x.float() if x.dtype in (torch.float16, torch.bfloat16) else x
        plain[name] = x.item() if name == "temperature" and isinstance(x, Tensor) else x
    return plain


def _check(loss: BatchLoss[...], name: str, x: Any) -> None:
    """Refuse what the loss would not understand, or would leave without its gradient."""
    is_head = name in HEADS[loss.__name__]
    if is_head and not isinstance(x, Tensor):
        raise InputTypeError(
            f"{name} must be a torch.Tensor, got {type(x).__name__}: use numloss.{loss.__name__} "
            "for arrays",
            name,
        )
    if not isinstance(x, Tensor):
        return
    if not x.is_cpu or x.layout is not torch.strided:
        raise InputTypeError(
            f"{name} must be a dense tensor in the memory of the CPU, got layout {x.layout} on "
            f"device {x.device}: use {name}.cpu() or {name}.to_dense()",
            name,
        )
    if is_head and not x.is_floating_point():
        raise InputTypeError(f"{name} must be of a float type, got {x.dtype}", name)
    if name == "temperature":
        if x.numel() != 1:
            raise Error(f"temperature must be one number, got shape {tuple(x.shape)}", name)
    elif not is_head and x.requires_grad and torch.is_grad_enabled():
        raise InputTypeError(
            f"{name} requires a gradient, which {loss.__name__} has by embeddings and the "
            f"temperature alone: use {name}.detach()",
            name,
        )


def _function(loss: BatchLoss[...]) -> Callable[..., Any]:
    """Return a loss as a function of tensors."""
    shown = loss.__signature__.replace(
        parameters=[x for x in loss.__signature__.parameters.values() if x.name not in _LEFT_OUT]
    )

    # It is NumPy's work, into which torch.compile cannot look.
    @torch.compiler.disable  # type: ignore[untyped-decorator]
    def call(*inputs: Any, **options: Any) -> Any:
        try:
            given = shown.bind(*inputs, **options).arguments
        except TypeError:
            _raise.arguments(call, len(inputs), list(options))
        for name, x in given.items():
            _check(loss, name, x)
        names = [name for name, x in given.items() if isinstance(x, Tensor) and x.requires_grad]
        if not names or not torch.is_grad_enabled():
            value = loss(**_plain(given))
            return torch.tensor(value) if value.ndim == 0 else torch.from_numpy(value)
        if given.get("reduction") == "none":
            raise Error(
                f'{loss.__name__} has no gradient with reduction="none", as all anchors share '
                "their embeddings: use weight= and a sum, or torch.no_grad()",
                "reduction",
            )
        return _Value.apply(loss, given, names, *(given[name] for name in names))

    call.__name__ = call.__qualname__ = loss.__name__
    call.__signature__ = shown
    call.__doc__ = _DOC.format(
        name=loss.__name__,
        summary=(loss.__doc__ or "").partition("\n")[0],
        heads=", ".join(HEADS[loss.__name__]),
    )
    function: Callable[..., Any] = call
    return function


_DOC = """{summary}

It is ``numloss.{name}`` as a function of tensors: the arguments mean the same, and so do the
results. Embeddings may require a gradient, and so may a temperature that is a tensor; nothing else.
There is no second derivative, and torch.func has no gradient of it.

Parameters
----------
{heads} : torch.Tensor
    In the memory of the CPU.
**options
    The other arguments of ``numloss.{name}``, tensors or arrays.

Returns
-------
torch.Tensor
    The reduced value as a float64 scalar; with ``reduction="none"``, which has no gradient, the
    losses, float32 for embeddings of 16 bits.

Raises
------
numloss.Error
    (a ValueError) What ``numloss.{name}`` refuses; a gradient that there is none of.
numloss.InputTypeError
    (a TypeError) If an argument has another type, lies elsewhere, or requires a gradient.
"""

FUNCTIONS = {name: _function(getattr(embeddings, name)) for name in HEADS}
