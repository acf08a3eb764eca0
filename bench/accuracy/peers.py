"""The same losses by other libraries: values of the examples, and their gradients.

Where a library has no function, the formula that its users write from those it has; nothing where
it takes no such parameters or dtype.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import ml_dtypes
import numpy as np
import torch
from scipy import special
from torch.nn import functional

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray
    from torch import Tensor

    from bench.accuracy.table import Variant

    Array = NDArray[Any]


def with_torch(
    variant: Variant, prediction: Array, target: Array, options: dict[str, Any]
) -> tuple[Array, Array] | None:
    """Compute with PyTorch, gradients by automatic differentiation."""
    formula = TORCH.get(variant.name)
    if formula is None or not _takes(formula, options):
        return None
    x = _tensor(prediction).requires_grad_()
    try:
        value = formula(x, _tensor(target), **options)
        value.sum().backward()
    except NotImplementedError:
        return None
    return _array(value), _array(x.grad)


def with_scipy(
    variant: Variant, prediction: Array, target: Array, options: dict[str, Any]
) -> tuple[Array, Array | None] | None:
    """Compute with scipy.special."""
    formula = SCIPY.get(variant.name)
    if formula is None or not _takes(formula, options) or prediction.dtype.itemsize < 4:
        return None
    try:
        return formula(prediction, target, **options)
    except NotImplementedError:
        return None


def _takes(formula: Callable[..., Any], options: dict[str, Any]) -> bool:
    return options.keys() <= inspect.signature(formula).parameters.keys()


def _tensor(x: Array) -> Tensor:
    if x.dtype == ml_dtypes.bfloat16:
        return torch.from_numpy(x.view(np.int16)).view(torch.bfloat16)
    return torch.from_numpy(x.copy())


def _array(x: Tensor) -> Array:
    x = x.detach()
    if x.dtype == torch.bfloat16:
        return x.view(torch.int16).numpy().view(ml_dtypes.bfloat16)
    return x.numpy()


def _smooth(t: Any, label_smoothing: float) -> Any:
    return t * (1 - label_smoothing) + label_smoothing / 2 if label_smoothing else t


# ------------------------------------------------------------------------------------------ PyTorch


def _mse(p: Tensor, t: Tensor) -> Tensor:
    return functional.mse_loss(p, t, reduction="none")


def _mae(p: Tensor, t: Tensor) -> Tensor:
    return functional.l1_loss(p, t, reduction="none")


def _huber(p: Tensor, t: Tensor, delta: float = 1.0) -> Tensor:
    return functional.huber_loss(p, t, reduction="none", delta=delta)


def _binary_cross_entropy(
    p: Tensor,
    t: Tensor,
    pos_weight: float | None = None,
    label_smoothing: float = 0.0,
    from_logits: bool = True,
) -> Tensor:
    t = _smooth(t, label_smoothing)
    if from_logits:
        weight = None if pos_weight is None else torch.tensor(pos_weight, dtype=p.dtype)
        return functional.binary_cross_entropy_with_logits(
            p, t, reduction="none", pos_weight=weight
        )
    if pos_weight is not None:
        raise NotImplementedError
    return functional.binary_cross_entropy(p, t, reduction="none")


def _cross_entropy(
    x: Tensor, y: Tensor, class_weight: Array | None = None, label_smoothing: float = 0.0
) -> Tensor:
    weight = None if class_weight is None else torch.from_numpy(class_weight).to(x.dtype)
    return functional.cross_entropy(
        x, y, weight=weight, label_smoothing=label_smoothing, reduction="none"
    )


def _kl_divergence(x: Tensor, q: Tensor) -> Tensor:
    return functional.kl_div(functional.log_softmax(x, dim=-1), q, reduction="none").sum(dim=-1)


def _sign(t: Tensor, like: Tensor) -> Tensor:
    return 2 * t.to(like.dtype) - 1 if t.dtype == torch.bool else t


def _hinge(s: Tensor, t: Tensor, margin: float = 1.0) -> Tensor:
    return torch.relu(margin - _sign(t, s) * s)


def _squared_hinge(s: Tensor, t: Tensor, margin: float = 1.0) -> Tensor:
    return _hinge(s, t, margin).square()


def _multiclass_hinge(
    x: Tensor,
    y: Tensor,
    margin: float = 1.0,
    variant: str = "weston_watkins",
    class_weight: Array | None = None,
) -> Tensor:
    if variant != "weston_watkins":
        raise NotImplementedError
    weight = None if class_weight is None else torch.from_numpy(class_weight).to(x.dtype)
    # torch divides by the number of classes.
    return x.shape[-1] * functional.multi_margin_loss(
        x, y, margin=margin, weight=weight, reduction="none"
    )


def _focal(
    x: Tensor,
    t: Tensor,
    gamma: float = 2.0,
    alpha: float | None = 0.25,
    from_logits: bool = True,
) -> Tensor:
    """Return the formula of torchvision.ops.sigmoid_focal_loss."""
    if not from_logits:
        raise NotImplementedError
    p = torch.sigmoid(x)
    cross_entropy = functional.binary_cross_entropy_with_logits(x, t, reduction="none")
    p_t = p * t + (1 - p) * (1 - t)
    loss = (1 - p_t) ** gamma * cross_entropy
    return loss if alpha is None else (alpha * t + (1 - alpha) * (1 - t)) * loss


def _softmax_focal(x: Tensor, y: Tensor, gamma: float = 2.0, alpha: Array | float = 1.0) -> Tensor:
    cross_entropy = functional.cross_entropy(x, y, reduction="none")
    factor = torch.from_numpy(alpha).to(x.dtype)[y] if isinstance(alpha, np.ndarray) else alpha
    return factor * (1 - torch.exp(-cross_entropy)) ** gamma * cross_entropy


def _ranked_probability(x: Tensor, y: Tensor) -> Tensor:
    cumulative = torch.cumsum(torch.softmax(x, dim=-1), dim=-1)[:, :-1]
    reached = torch.arange(x.shape[-1] - 1) >= y[:, None]
    return (cumulative - reached.to(x.dtype)).square().sum(dim=-1)


def _ordinal_cross_entropy(
    x: Tensor, y: Tensor, distance: str = "absolute", temperature: float = 1.0
) -> Tensor:
    if not isinstance(distance, str):
        raise NotImplementedError
    steps = abs(torch.arange(x.shape[-1]) - y[:, None]).to(x.dtype)
    steps = steps.square() if distance == "squared" else steps
    q = functional.softmax(-steps / temperature, dim=-1)
    return functional.cross_entropy(x, q, reduction="none")


TORCH: dict[str, Callable[..., Tensor]] = {
    "mse": _mse,
    "mae": _mae,
    "huber": _huber,
    "binary_cross_entropy": _binary_cross_entropy,
    "cross_entropy": _cross_entropy,
    "kl_divergence": _kl_divergence,
    "hinge": _hinge,
    "squared_hinge": _squared_hinge,
    "multiclass_hinge": _multiclass_hinge,
    "focal": _focal,
    "softmax_focal": _softmax_focal,
    "ranked_probability": _ranked_probability,
    "ordinal_cross_entropy": _ordinal_cross_entropy,
}

# -------------------------------------------------------------------------------------------- SciPy

Pair = tuple["Array", "Array | None"]


def _scipy_huber(p: Array, t: Array, delta: float = 1.0) -> Pair:
    r = p - t
    return special.huber(p.dtype.type(delta), r), np.clip(r, -delta, delta)


def _scipy_binary_cross_entropy(
    p: Array,
    t: Array,
    pos_weight: float = 1.0,
    label_smoothing: float = 0.0,
    from_logits: bool = True,
) -> Pair:
    t = _smooth(t, label_smoothing)
    if not from_logits:
        return -(pos_weight * special.xlogy(t, p) + special.xlog1py(1 - t, -p)), None
    value = -(pos_weight * t * special.log_expit(p) + (1 - t) * special.log_expit(-p))
    return value, (1 - t) * special.expit(p) - pos_weight * t * special.expit(-p)


def _scipy_cross_entropy(x: Array, y: Array, label_smoothing: float = 0.0) -> Pair:
    q = y if y.ndim == x.ndim else (y[:, None] == np.arange(x.shape[-1])).astype(x.dtype)
    if label_smoothing:
        q = q * (1 - label_smoothing) + label_smoothing / x.shape[-1]
    value = -(q * special.log_softmax(x, axis=-1)).sum(axis=-1)
    return value, q.sum(axis=-1, keepdims=True) * special.softmax(x, axis=-1) - q


def _scipy_kl_divergence(x: Array, q: Array) -> Pair:
    p = special.softmax(x, axis=-1)
    return special.rel_entr(q, p).sum(axis=-1), q.sum(axis=-1, keepdims=True) * p - q


def _scipy_focal(
    x: Array, t: Array, gamma: float = 2.0, alpha: float | None = 0.25, from_logits: bool = True
) -> Pair:
    if not from_logits:
        raise NotImplementedError
    p, q = special.expit(x), special.expit(-x)
    cross_entropy = -(t * special.log_expit(x) + (1 - t) * special.log_expit(-x))
    loss = (p * (1 - t) + q * t) ** gamma * cross_entropy
    return (loss if alpha is None else (alpha * t + (1 - alpha) * (1 - t)) * loss), None


def _scipy_softmax_focal(x: Array, y: Array, gamma: float = 2.0) -> Pair:
    log_p = np.take_along_axis(special.log_softmax(x, axis=-1), y[:, None], axis=-1)[:, 0]
    return (-np.expm1(log_p)) ** gamma * -log_p, None


def _scipy_ranked_probability(x: Array, y: Array) -> Pair:
    cumulative = np.cumsum(special.softmax(x, axis=-1), axis=-1)[:, :-1]
    reached = np.arange(x.shape[-1] - 1) >= y[:, None]
    return ((cumulative - reached.astype(x.dtype)) ** 2).sum(axis=-1), None


def _scipy_ordinal_cross_entropy(
    x: Array, y: Array, distance: str = "absolute", temperature: float = 1.0
) -> Pair:
    if not isinstance(distance, str):
        raise NotImplementedError
    steps = abs(np.arange(x.shape[-1]) - y[:, None]).astype(x.dtype)
    steps = steps**2 if distance == "squared" else steps
    return _scipy_cross_entropy(x, special.softmax(-steps / temperature, axis=-1))


SCIPY: dict[str, Callable[..., Pair]] = {
    "huber": _scipy_huber,
    "binary_cross_entropy": _scipy_binary_cross_entropy,
    "cross_entropy": _scipy_cross_entropy,
    "kl_divergence": _scipy_kl_divergence,
    "focal": _scipy_focal,
    "softmax_focal": _scipy_softmax_focal,
    "ranked_probability": _scipy_ranked_probability,
    "ordinal_cross_entropy": _scipy_ordinal_cross_entropy,
}
