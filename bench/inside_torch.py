"""Losses inside torch beside torch's own: ``bench/README.md``.

python -m bench.inside_torch [THREADS]
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Any

from bench import machine

SIZES = (64, 1000, 10_000, 100_000, 1_000_000)
LOSSES = ("binary_cross_entropy", "mse", "cross_entropy")
#: Exponents of 2 between which the crossover is looked for.
LEAST, MOST = 6, 21


def main(threads: int) -> None:
    """Print the table of docs/torch.md, and the sizes from which a step is not slower."""
    machine.pin(threads)
    import torch

    import numloss

    torch.set_num_threads(threads)
    numloss.set_num_threads(threads)
    print("| elements | loss | value | torch | ratio | step | torch | ratio |")
    print("|---|---|---|---|---|---|---|---|")
    for size in SIZES:
        for loss in LOSSES:
            cells = [cell for way in (value, step) for cell in compared(loss, size, way)]
            print(f"| {size:,} | `{loss}` | {' | '.join(cells)} |".replace(",", " "), flush=True)
    for loss in LOSSES:
        print(f"A step of {loss} is not slower from {crossover(loss)} elements on.")


def compared(loss: str, size: int, way: Callable[..., Callable[[], Any]]) -> tuple[str, str, str]:
    """Return microseconds of numloss and of torch, and how often the former fit the latter."""
    ours, theirs, times = timed(loss, size, way)
    return f"{ours * 1e6:.0f}", f"{theirs * 1e6:.0f}", f"{times:.2g}"


def timed(
    loss: str, size: int, way: Callable[..., Callable[[], Any]]
) -> tuple[float, float, float]:
    """Return the seconds of numloss and of torch, and the ratio."""
    from bench.timing import QUICK, interleave, ratio

    prediction, functions = problem(loss, size)
    ours, theirs = interleave(
        {name: way(function, prediction) for name, function in zip("ab", functions, strict=True)},
        QUICK,
    ).values()
    return ours.median, theirs.median, ratio(theirs, ours)


def crossover(loss: str) -> int:
    """Return the power of 2 from which a step takes no longer than torch's."""
    low, high = LEAST, MOST
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if timed(loss, 2**middle, step)[2] >= 1 else (middle + 1, high)
    return int(2**low)


def problem(loss: str, size: int) -> tuple[Any, Iterator[Callable[..., Any]]]:
    """Return a prediction, and functions of it: ours, then torch's."""
    import torch
    from torch.nn import functional

    import numloss

    torch.manual_seed(0)
    their_name = {"mse": "mse_loss", "binary_cross_entropy": "binary_cross_entropy_with_logits"}
    functions = getattr(numloss.torch, loss), getattr(functional, their_name.get(loss, loss))
    prediction, target = torch.randn(size), torch.rand(size).round()
    if loss == "cross_entropy":
        rows = max(size // 10, 1)
        prediction, target = torch.randn(rows, 10), torch.randint(0, 10, (rows,))
    return prediction, (lambda p, f=f: f(p, target) for f in functions)


def value(function: Callable[..., Any], prediction: Any) -> Callable[[], Any]:
    """Return a call that computes the mean."""
    return lambda: function(prediction)


def step(function: Callable[..., Any], prediction: Any) -> Callable[[], None]:
    """Return a call that goes forward and back."""
    leaf = prediction.clone().requires_grad_()

    def run() -> None:
        leaf.grad = None
        function(leaf).backward()

    return run


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1)
