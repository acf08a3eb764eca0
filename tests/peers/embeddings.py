"""Losses over batches of embeddings as torch's users write them, with all similarities at once."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def info_nce(q: Tensor, k: Tensor, temperature: float = 0.1) -> Tensor:
    q, k = functional.normalize(q, dim=1), functional.normalize(k, dim=1)
    return functional.cross_entropy(q @ k.T / temperature, torch.arange(len(q)))


def clip(q: Tensor, k: Tensor, temperature: float = 0.1) -> Tensor:
    q, k = functional.normalize(q, dim=1), functional.normalize(k, dim=1)
    logits, pairs = q @ k.T / temperature, torch.arange(len(q))
    both = functional.cross_entropy(logits, pairs), functional.cross_entropy(logits.T, pairs)
    return sum(both) / 2


def nt_xent(first: Tensor, second: Tensor, temperature: float = 0.1) -> Tensor:
    """Return SimCLR's, as its PyTorch ports have it."""
    views = functional.normalize(torch.cat([first, second]), dim=1)
    logits = views @ views.T / temperature
    logits = logits.masked_fill(torch.eye(len(views), dtype=torch.bool), -torch.inf)
    n = len(first)
    return functional.cross_entropy(logits, (torch.arange(2 * n) + n) % (2 * n))


def supervised_contrastive(x: Tensor, labels: Tensor, temperature: float = 0.1) -> Tensor:
    """Return that of pytorch-metric-learning: a mean over anchors whose loss is not 0."""
    x = functional.normalize(x, dim=1)
    itself = torch.eye(len(x), dtype=torch.bool)
    positive = (labels[:, None] == labels) & ~itself
    logits = x @ x.T / temperature
    log_p = logits - torch.logsumexp(logits.masked_fill(itself, -torch.inf), 1, keepdim=True)
    losses = -(positive * log_p).sum(1) / positive.sum(1).clamp(min=1)
    return losses[losses > 0].mean()


def circle(x: Tensor, labels: Tensor, gamma: float = 80.0, margin: float = 0.4) -> Tensor:
    """Return that of pytorch-metric-learning: the weights are detached."""
    x = functional.normalize(x, dim=1)
    s = x @ x.T
    itself = torch.eye(len(x), dtype=torch.bool)
    positive, negative = (labels[:, None] == labels) & ~itself, labels[:, None] != labels
    of_p = -gamma * (1 + margin - s.detach()).clamp(min=0) * (s - (1 - margin))
    of_n = gamma * (s.detach() + margin).clamp(min=0) * (s - margin)
    both = [
        torch.logsumexp(x.masked_fill(~mask, -torch.inf), 1)
        for x, mask in ((of_p, positive), (of_n, negative))
    ]
    losses = torch.logaddexp(torch.zeros(()), sum(both))  # its softplus, to all digits
    return losses[positive.any(1) & negative.any(1)].mean()
