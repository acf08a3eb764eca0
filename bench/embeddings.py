"""Losses over batches of embeddings beside torch's formulas, which hold all similarities."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from bench.linear import growth, seconds
from bench.tables import number, table

#: The losses by what is tried; torch's formulas have the same names, but for CLIP's.
LOSSES: dict[str, dict[str, Any]] = {
    "info_nce": {},
    "info_nce, symmetric": {"symmetric": True},
    "nt_xent": {},
    "supervised_contrastive": {},
    "circle": {},
}
LABELLED = ("supervised_contrastive", "circle")


def against_torch(shape: tuple[int, int], rounds: int) -> Iterator[str]:
    """Yield a table: value and gradients beside torch's, the median of so many rounds."""
    import numloss

    rng = np.random.default_rng(0)
    pairs = [rng.standard_normal(shape, np.float32) for _ in range(2)]
    labels = rng.integers(0, max(1, shape[0] // 16), shape[0])
    found = []
    for name, options in LOSSES.items():
        given: list[Any] = [pairs[0], labels] if name in LABELLED else pairs
        loss = getattr(numloss, name.split(",")[0])

        def ours(
            loss: Any = loss, given: list[Any] = given, options: dict[str, Any] = options
        ) -> None:
            loss.value_and_grad(*given, **options)

        theirs = step_of_torch("clip" if options else name, given)
        memory = [growth(work) for work in (ours, theirs)]
        times = [(seconds(ours), seconds(theirs)) for _ in range(rounds)]
        own, other = (statistics.median(one) for one in zip(*times, strict=True))
        lead = statistics.median(y / x for x, y in times)
        found.append([name, *map(number, (own, other, lead, *memory))])
    yield from table(["loss", "s numloss", "s torch", "x torch", "MB numloss", "MB torch"], found)


def step_of_torch(name: str, given: list[Any]) -> Callable[[], None]:
    """Return a step forward and back by torch's formula."""
    import torch
    from peers import embeddings

    tensors = [torch.tensor(x, requires_grad=x.dtype == np.float32) for x in given]

    def step() -> None:
        for x in tensors:
            x.grad = None
        getattr(embeddings, name)(*tensors).backward()

    return step
