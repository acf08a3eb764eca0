"""Errors of other libraries: values of the examples, and their gradients."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from peers import scipy, takes, torch

if TYPE_CHECKING:
    from cases import Array, Variant


def with_torch(
    variant: Variant, prediction: Array, target: Array, options: dict[str, Any]
) -> tuple[Array, Array] | None:
    """Compute with PyTorch, gradients by automatic differentiation."""
    formula = torch.FORMULAS.get(variant.name)
    if formula is None or not takes(formula, options):
        return None
    x = torch.tensor(prediction.copy()).requires_grad_()
    try:
        value = formula(x, torch.tensor(target.copy()), **options, reduction="none")
        value.sum().backward()
    except NotImplementedError:
        return None
    return torch.array(value), torch.array(x.grad)


def with_scipy(
    variant: Variant, prediction: Array, target: Array, options: dict[str, Any]
) -> tuple[Array, Array | None] | None:
    """Compute with scipy.special."""
    formula = scipy.FORMULAS.get(variant.name)
    if formula is None or not takes(formula, options) or prediction.dtype.itemsize < 4:
        return None
    try:
        return formula(prediction, target, **options)
    except NotImplementedError:
        return None
