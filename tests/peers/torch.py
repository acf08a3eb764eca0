"""PyTorch: its functions, and formulas where it has none."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import ml_dtypes
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from peers import by_name

Array = NDArray[Any]


def tensor(x: Array) -> Tensor:
    """Return a tensor on the memory of an array."""
    if x.dtype == ml_dtypes.bfloat16:
        return torch.from_numpy(x.view(np.int16)).view(torch.bfloat16)
    return torch.from_numpy(x)


def array(x: Tensor) -> Array:
    """Return an array on the memory of a tensor."""
    x = x.detach()
    if x.dtype == torch.bfloat16:
        return x.view(torch.int16).numpy().view(ml_dtypes.bfloat16)
    return x.numpy()


def reduced(loss: Tensor, reduction: str) -> Tensor:
    """Reduce as torch's own functions do."""
    return loss if reduction == "none" else loss.mean()


def mse(p: Tensor, t: Tensor, reduction: str = "mean") -> Tensor:
    return functional.mse_loss(p, t, reduction=reduction)


def mae(p: Tensor, t: Tensor, reduction: str = "mean") -> Tensor:
    return functional.l1_loss(p, t, reduction=reduction)


def huber(p: Tensor, t: Tensor, delta: float = 1.0, reduction: str = "mean") -> Tensor:
    return functional.huber_loss(p, t, reduction=reduction, delta=delta)


def half_mse(p: Tensor, t: Tensor, reduction: str = "mean") -> Tensor:
    return functional.mse_loss(p, t, reduction=reduction) / 2


def smooth_l1(p: Tensor, t: Tensor, beta: float = 1.0, reduction: str = "mean") -> Tensor:
    return functional.smooth_l1_loss(p, t, reduction=reduction, beta=beta)


def epsilon_insensitive(
    p: Tensor, t: Tensor, epsilon: float = 0.1, reduction: str = "mean"
) -> Tensor:
    return reduced(torch.relu((p - t).abs() - epsilon), reduction)


def squared_epsilon_insensitive(
    p: Tensor, t: Tensor, epsilon: float = 0.1, reduction: str = "mean"
) -> Tensor:
    return reduced(torch.relu((p - t).abs() - epsilon).square(), reduction)


def expectile(p: Tensor, t: Tensor, q: float = 0.5, reduction: str = "mean") -> Tensor:
    r = p - t
    return reduced(torch.where(r > 0, (1 - q) * r, q * r) * r, reduction)


def pseudo_huber(p: Tensor, t: Tensor, delta: float = 1.0, reduction: str = "mean") -> Tensor:
    r = p - t
    return reduced(r.square() / (1 + torch.sqrt(1 + (r / delta).square())), reduction)


def log_cosh(p: Tensor, t: Tensor, reduction: str = "mean") -> Tensor:
    r = (p - t).abs()
    return reduced(r + torch.log1p(torch.exp(-2 * r)) - math.log(2), reduction)


def fair(p: Tensor, t: Tensor, c: float = 1.0, reduction: str = "mean") -> Tensor:
    s = (p - t).abs() / c
    return reduced(c**2 * (s - torch.log1p(s)), reduction)


def cauchy(p: Tensor, t: Tensor, c: float = 1.0, reduction: str = "mean") -> Tensor:
    return reduced(c**2 / 2 * torch.log1p(((p - t) / c).square()), reduction)


def tukey_biweight(p: Tensor, t: Tensor, c: float = 4.685, reduction: str = "mean") -> Tensor:
    u = ((p - t) / c).square().clamp(max=1)
    return reduced(c**2 / 6 * (1 - (1 - u) ** 3), reduction)


def robust(
    p: Tensor, t: Tensor, alpha: float = 1.0, c: float = 1.0, reduction: str = "mean"
) -> Tensor:
    d = abs(alpha - 2)
    if min(abs(alpha), d) < 1e-3 or d > 1e3:  # this formula has no limits
        raise NotImplementedError
    z = ((p - t) / c).square()
    return reduced(d / alpha * ((z / d + 1) ** (alpha / 2) - 1), reduction)


def msle(p: Tensor, t: Tensor, reduction: str = "mean") -> Tensor:
    return functional.mse_loss(torch.log1p(p), torch.log1p(t), reduction=reduction)


def mape(p: Tensor, t: Tensor, floor: float = 2.0**-52, reduction: str = "mean") -> Tensor:
    return reduced((p - t).abs() / t.abs().clamp(min=floor), reduction)


def smape(p: Tensor, t: Tensor, reduction: str = "mean") -> Tensor:
    return reduced(2 * (p - t).abs() / (p.abs() + t.abs()), reduction)


def poisson(
    p: Tensor, t: Tensor, log_input: bool = True, full: bool = False, reduction: str = "mean"
) -> Tensor:
    if full:
        raise NotImplementedError  # torch's is Stirling's formula, and 0 for counts up to 1
    return functional.poisson_nll_loss(p, t, log_input=log_input, eps=0, reduction=reduction)


def binary_cross_entropy(
    p: Tensor,
    t: Tensor,
    pos_weight: Array | float | None = None,
    label_smoothing: float = 0.0,
    from_logits: bool = True,
    reduction: str = "mean",
) -> Tensor:
    t = t * (1 - label_smoothing) + label_smoothing / 2 if label_smoothing else t
    if from_logits:
        return functional.binary_cross_entropy_with_logits(
            p, t, reduction=reduction, pos_weight=like(p, pos_weight)
        )
    if pos_weight is not None:
        raise NotImplementedError
    return functional.binary_cross_entropy(p, t, reduction=reduction)


def like(p: Tensor, numbers: Array | float | None) -> Tensor | None:
    """Return numbers as a tensor of the prediction's type."""
    return None if numbers is None else torch.tensor(numbers, dtype=p.dtype)


def focal(
    x: Tensor,
    t: Tensor,
    gamma: float = 2.0,
    alpha: float | None = 0.25,
    pos_weight: Array | float | None = None,
    label_smoothing: float = 0.0,
    from_logits: bool = True,
    reduction: str = "mean",
) -> Tensor:
    """Return the formula of torchvision.ops.sigmoid_focal_loss, targets smoothed before."""
    if not from_logits:
        raise NotImplementedError
    t = t * (1 - label_smoothing) + label_smoothing / 2 if label_smoothing else t
    p = torch.sigmoid(x)
    cross_entropy = functional.binary_cross_entropy_with_logits(
        x, t, reduction="none", pos_weight=like(x, pos_weight)
    )
    p_t = p * t + (1 - p) * (1 - t)
    loss = (1 - p_t) ** gamma * cross_entropy
    if alpha is not None:
        loss = (alpha * t + (1 - alpha) * (1 - t)) * loss
    return reduced(loss, reduction)


def poly_binary_cross_entropy(
    x: Tensor, t: Tensor, epsilon: float = 1.0, reduction: str = "mean"
) -> Tensor:
    p = torch.sigmoid(x)
    cross_entropy = functional.binary_cross_entropy_with_logits(x, t, reduction="none")
    return reduced(cross_entropy + epsilon * (p * (1 - t) + (1 - p) * t), reduction)


def brier(p: Tensor, t: Tensor, from_logits: bool = True, reduction: str = "mean") -> Tensor:
    return functional.mse_loss(torch.sigmoid(p) if from_logits else p, t, reduction=reduction)


def asymmetric(
    x: Tensor,
    t: Tensor,
    gamma_pos: float = 1.0,
    gamma_neg: float = 4.0,
    clip: float = 0.05,
    reduction: str = "mean",
) -> Tensor:
    """Return the formula of the authors of ASL, its powers differentiated, too."""
    p = torch.sigmoid(x)
    rest = (1 - p + clip).clamp(max=1)
    positive = (1 - p) ** gamma_pos * functional.logsigmoid(x)
    negative = (1 - rest) ** gamma_neg * (torch.log(rest) if clip else functional.logsigmoid(-x))
    return reduced(-(t * positive + (1 - t) * negative), reduction)


def signs(t: Tensor, s: Tensor) -> Tensor:
    """Return booleans as -1 and +1."""
    return 2 * t.to(s.dtype) - 1 if t.dtype == torch.bool else t


def active(s: Tensor, t: Tensor, margin: float) -> Tensor:
    """Return how far scores are inside the margin."""
    return torch.relu(margin - signs(t, s) * s)


def logistic(s: Tensor, t: Tensor, reduction: str = "mean") -> Tensor:
    return functional.soft_margin_loss(s, signs(t, s), reduction=reduction)


def exponential(s: Tensor, t: Tensor, reduction: str = "mean") -> Tensor:
    return reduced(torch.exp(-signs(t, s) * s), reduction)


def smoothed_hinge(
    s: Tensor, t: Tensor, margin: float = 1.0, smoothing: float = 1.0, reduction: str = "mean"
) -> Tensor:
    z = active(s, t, margin)
    beyond = z - smoothing / 2
    return reduced(torch.where(z > smoothing, beyond, z.square() / (2 * smoothing)), reduction)


def modified_huber(s: Tensor, t: Tensor, reduction: str = "mean") -> Tensor:
    return 4 * smoothed_hinge(s, t, smoothing=2.0, reduction=reduction)


def hinge_embedding(x: Tensor, t: Tensor, margin: float = 1.0, reduction: str = "mean") -> Tensor:
    return functional.hinge_embedding_loss(x, signs(t, x), margin=margin, reduction=reduction)


def multilabel_margin(
    x: Tensor, there: Tensor, margin: float = 1.0, reduction: str = "mean"
) -> Tensor:
    """Return torch's, which divides by the number of classes and knows a margin of 1 alone."""
    if margin != 1:
        raise NotImplementedError
    first = torch.argsort(~there, dim=-1, stable=True)  # classes that are there, then the others
    numbers = torch.where(there.gather(-1, first), first, -1)
    return x.shape[-1] * functional.multilabel_margin_loss(x, numbers, reduction=reduction)


def dice(
    x: Tensor,
    t: Tensor,
    smooth: float = 1.0,
    squared: bool = False,
    from_logits: bool = True,
    reduction: str = "mean",
) -> Tensor:
    p, t = x.sigmoid() if from_logits else x, t.to(x.dtype)
    sizes = p.square() + t.square() if squared else p + t
    ratio = (2 * (p * t).sum(-1) + smooth) / (sizes.sum(-1) + smooth)
    return reduced(1 - ratio, reduction)


def jaccard(
    x: Tensor, t: Tensor, smooth: float = 1.0, from_logits: bool = True, reduction: str = "mean"
) -> Tensor:
    return tversky(x, t, 1.0, 1.0, 1.0, smooth, from_logits, reduction)


def tversky(
    x: Tensor,
    t: Tensor,
    alpha: float = 0.3,
    beta: float = 0.7,
    gamma: float = 1.0,
    smooth: float = 1.0,
    from_logits: bool = True,
    reduction: str = "mean",
) -> Tensor:
    p, t = x.sigmoid() if from_logits else x, t.to(x.dtype)
    common = (p * t).sum(-1) + smooth
    off = alpha * (p * (1 - t)).sum(-1) + beta * ((1 - p) * t).sum(-1)
    return reduced((1 - common / (common + off)) ** gamma, reduction)


def lovasz(errors: Tensor, there: Tensor, reduction: str) -> Tensor:
    """Return what the authors' program computes of each image, ties in the order of the pixels."""
    errors, order = torch.sort(errors, dim=-1, descending=True, stable=True)
    found = there.gather(-1, order).to(errors.dtype)
    size = found.sum(-1, keepdim=True)
    jaccard = 1 - (size - found.cumsum(-1)) / (size + (1 - found).cumsum(-1))
    rises = torch.cat([jaccard[..., :1], jaccard.diff(dim=-1)], dim=-1)
    return reduced((functional.relu(errors) * rises).sum(-1), reduction)


def lovasz_hinge(x: Tensor, there: Tensor, reduction: str = "mean") -> Tensor:
    return lovasz(1 - signs(there, x) * x, there, reduction)


def lovasz_softmax(
    x: Tensor, there: Tensor, from_logits: bool = True, reduction: str = "mean"
) -> Tensor:
    p = x.sigmoid() if from_logits else x
    return lovasz((there.to(x.dtype) - p).abs(), there, reduction)


def hinge(s: Tensor, t: Tensor, margin: float = 1.0, reduction: str = "mean") -> Tensor:
    return reduced(active(s, t, margin), reduction)


def squared_hinge(s: Tensor, t: Tensor, margin: float = 1.0, reduction: str = "mean") -> Tensor:
    return reduced(active(s, t, margin).square(), reduction)


def per_class(weight: Array | None, like: Tensor) -> Tensor | None:
    """Return the weights of classes as torch takes them."""
    return None if weight is None else torch.from_numpy(weight).to(like.dtype)


def cross_entropy(
    x: Tensor,
    y: Tensor,
    class_weight: Array | None = None,
    label_smoothing: float = 0.0,
    temperature: float = 1.0,
    softcap: float | None = None,
    z_loss: float = 0.0,
    ignore_index: int = -100,
    reduction: str = "mean",
) -> Tensor:
    if z_loss and (class_weight is not None or (y == ignore_index).any()):
        raise NotImplementedError
    x = (x if softcap is None else softcap * torch.tanh(x / softcap)) / temperature
    loss = functional.cross_entropy(
        x,
        y,
        weight=per_class(class_weight, x),
        ignore_index=ignore_index,
        label_smoothing=label_smoothing,
        reduction=reduction,
    )
    return loss + reduced(z_loss * x.logsumexp(-1).square(), reduction) if z_loss else loss


def logit_adjusted(
    x: Tensor,
    y: Tensor,
    priors: Array | None = None,
    tau: float = 1.0,
    label_smoothing: float = 0.0,
    reduction: str = "mean",
) -> Tensor:
    if priors is not None:
        x = x + tau * torch.log(torch.from_numpy(priors / priors.sum()).to(x.dtype))
    return functional.cross_entropy(x, y, label_smoothing=label_smoothing, reduction=reduction)


def ldam(
    x: Tensor,
    y: Tensor,
    counts: Array | None = None,
    max_margin: float = 0.5,
    scale: float = 30.0,
    class_weight: Array | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Return what the authors' program computes: github.com/kaidic/LDAM-DRW, losses.py."""
    counts = torch.ones(x.shape[1]) if counts is None else torch.from_numpy(counts)
    margins = 1 / counts.sqrt().sqrt()
    margins = (margins * (max_margin / margins.max())).to(x.dtype)
    is_label = functional.one_hot(y, x.shape[1]).bool()
    output = torch.where(is_label, x - margins[y][:, None], x)
    weight = per_class(class_weight, x)
    return functional.cross_entropy(scale * output, y, weight=weight, reduction=reduction)


def forward_cross_entropy(
    x: Tensor,
    y: Tensor,
    transition: Array | None = None,
    class_weight: Array | None = None,
    reduction: str = "mean",
) -> Tensor:
    p = x.softmax(-1)
    p = p if transition is None else p @ torch.from_numpy(transition).to(x.dtype)
    weight = per_class(class_weight, x)
    return functional.nll_loss(p.log(), y, weight=weight, reduction=reduction)


def nll(
    x: Tensor,
    y: Tensor,
    class_weight: Array | None = None,
    ignore_index: int = -100,
    reduction: str = "mean",
) -> Tensor:
    if y.is_floating_point():
        raise NotImplementedError
    weight = per_class(class_weight, x)
    return functional.nll_loss(x, y, weight, ignore_index=ignore_index, reduction=reduction)


def kl_divergence(
    x: Tensor,
    q: Tensor,
    temperature: float = 1.0,
    log_target: bool = False,
    reduction: str = "mean",
) -> Tensor:
    log_p = functional.log_softmax(x / temperature, dim=-1)
    if log_target and q.isinf().any():  # NaN there
        raise NotImplementedError
    if reduction == "none":
        return functional.kl_div(log_p, q, reduction="none", log_target=log_target).sum(dim=-1)
    return functional.kl_div(log_p, q, reduction="batchmean", log_target=log_target)


def multiclass_hinge(
    x: Tensor,
    y: Tensor,
    margin: float = 1.0,
    power: float = 1.0,
    normalize: bool = False,
    variant: str = "weston_watkins",
    class_weight: Array | None = None,
    reduction: str = "mean",
) -> Tensor:
    weight = per_class(class_weight, x)
    if variant == "weston_watkins":  # which torch divides by the number of classes
        scale = 1 if normalize else x.shape[-1]
        return scale * functional.multi_margin_loss(
            x, y, p=int(power), margin=margin, weight=weight, reduction=reduction
        )
    if weight is not None or normalize or power != 1:
        raise NotImplementedError
    own = x.gather(-1, y[:, None])
    others = x.masked_fill(functional.one_hot(y, x.shape[-1]).bool(), -torch.inf)
    return reduced(torch.relu(margin + others.max(dim=-1).values - own[:, 0]), reduction)


def softmax_focal(
    x: Tensor,
    y: Tensor,
    gamma: float = 2.0,
    alpha: Array | float | None = None,
    reduction: str = "mean",
) -> Tensor:
    cross_entropy = functional.cross_entropy(x, y, reduction="none")
    loss = (1 - torch.exp(-cross_entropy)) ** gamma * cross_entropy
    if isinstance(alpha, np.ndarray):
        loss = torch.from_numpy(alpha).to(x.dtype)[y] * loss
    elif alpha is not None:
        loss = alpha * loss
    return reduced(loss, reduction)


def likelihood(x: Tensor, y: Tensor) -> Tensor:
    """Return the probability of each label."""
    return torch.softmax(x, dim=-1).gather(-1, y[:, None])[:, 0]


def generalized_cross_entropy(
    x: Tensor, y: Tensor, q: float = 0.7, reduction: str = "mean"
) -> Tensor:
    """Return the formula of Keras's CategoricalGeneralizedCrossEntropy."""
    if q < 0.01:  # of which it keeps too few digits
        raise NotImplementedError
    return reduced((1 - likelihood(x, y) ** q) / q, reduction)


def poly_cross_entropy(
    x: Tensor, y: Tensor, epsilon: float = 2.0, reduction: str = "mean"
) -> Tensor:
    cross_entropy = functional.cross_entropy(x, y, reduction="none")
    return reduced(cross_entropy + epsilon * (1 - likelihood(x, y)), reduction)


def symmetric_cross_entropy(
    x: Tensor, y: Tensor, alpha: float = 0.1, beta: float = 1.0, reduction: str = "mean"
) -> Tensor:
    cross_entropy = functional.cross_entropy(x, y, reduction="none")
    log_q = -4 * (1 - functional.one_hot(y, x.shape[-1]).to(x.dtype))
    reverse = -(torch.softmax(x, dim=-1) * log_q).sum(dim=-1)
    return reduced(alpha * cross_entropy + beta * reverse, reduction)


def multiclass_brier(x: Tensor, y: Tensor, reduction: str = "mean") -> Tensor:
    q = y if y.is_floating_point() else functional.one_hot(y, x.shape[-1])
    return reduced((torch.softmax(x, dim=-1) - q).square().sum(dim=-1), reduction)


def outcome(x: Tensor, y: Tensor) -> Tensor:
    """Return probabilities: those of a label are 1 at it."""
    return y if y.is_floating_point() else functional.one_hot(y, x.shape[-1]).to(x.dtype)


def js_divergence(x: Tensor, y: Tensor, beta: float = 0.5, reduction: str = "mean") -> Tensor:
    q, p = outcome(x, y), torch.softmax(x, dim=-1)
    log_m = (beta * q + (1 - beta) * p).log()
    forward = functional.kl_div(log_m, q, reduction="none").sum(dim=-1)
    backward = functional.kl_div(log_m, p, reduction="none").sum(dim=-1)
    return reduced(beta * forward + (1 - beta) * backward, reduction)


def total_variation(x: Tensor, y: Tensor, reduction: str = "mean") -> Tensor:
    return reduced((torch.softmax(x, dim=-1) - outcome(x, y)).abs().sum(dim=-1) / 2, reduction)


def sparsemax(z: Tensor, y: Tensor, reduction: str = "mean") -> Tensor:
    q, z = outcome(z, y), z - z.max(dim=-1, keepdim=True).values
    ordered = z.sort(dim=-1, descending=True).values
    sums = ordered.cumsum(dim=-1) - 1
    size = (torch.arange(1, z.shape[-1] + 1) * ordered > sums).sum(dim=-1, keepdim=True)
    lead = z - sums.gather(-1, size - 1) / size
    apart = lead.clamp(min=0) - q
    return reduced((apart.square() / 2 + q * (-lead).clamp(min=0)).sum(dim=-1), reduction)


def generalized_kl(x: Tensor, t: Tensor, log_input: bool = True, reduction: str = "mean") -> Tensor:
    log_y = x if log_input else x.log()
    return reduced(functional.kl_div(log_y, t, reduction="none") - t + log_y.exp(), reduction)


def ranked_probability(x: Tensor, y: Tensor, reduction: str = "mean") -> Tensor:
    cumulative = torch.cumsum(torch.softmax(x, dim=-1), dim=-1)[:, :-1]
    reached = torch.arange(x.shape[-1] - 1) >= y[:, None]
    return reduced((cumulative - reached.to(x.dtype)).square().sum(dim=-1), reduction)


def ordinal_cross_entropy(
    x: Tensor,
    y: Tensor,
    distance: str = "absolute",
    temperature: float = 1.0,
    reduction: str = "mean",
) -> Tensor:
    if not isinstance(distance, str):
        raise NotImplementedError
    soft = soft_labels(x.shape[-1], distance, temperature, x.dtype)
    return functional.cross_entropy(x, soft[y], reduction=reduction)


@lru_cache
def soft_labels(classes: int, distance: str, temperature: float, dtype: torch.dtype) -> Tensor:
    """Return the soft labels of every class, made once as a user would."""
    k = torch.arange(classes, dtype=torch.float64)
    steps = abs(k[:, None] - k)
    steps = steps.square() if distance == "squared" else steps
    return torch.softmax(-steps / temperature, dim=-1).to(dtype)


FORMULAS: dict[str, Callable[..., Tensor]] = by_name(
    mse,
    mae,
    huber,
    half_mse,
    smooth_l1,
    epsilon_insensitive,
    squared_epsilon_insensitive,
    expectile,
    pseudo_huber,
    log_cosh,
    fair,
    cauchy,
    tukey_biweight,
    robust,
    msle,
    mape,
    smape,
    binary_cross_entropy,
    focal,
    poly_binary_cross_entropy,
    brier,
    asymmetric,
    logistic,
    exponential,
    hinge,
    squared_hinge,
    smoothed_hinge,
    modified_huber,
    hinge_embedding,
    multilabel_margin,
    dice,
    jaccard,
    tversky,
    lovasz_hinge,
    lovasz_softmax,
    cross_entropy,
    ldam,
    forward_cross_entropy,
    logit_adjusted,
    nll,
    kl_divergence,
    js_divergence,
    total_variation,
    sparsemax,
    generalized_kl,
    multiclass_hinge,
    softmax_focal,
    generalized_cross_entropy,
    poly_cross_entropy,
    symmetric_cross_entropy,
    multiclass_brier,
    ranked_probability,
    ordinal_cross_entropy,
)
