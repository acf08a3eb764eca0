"""Losses inside programs of JAX, beside the formulas that its users write: ``bench/README.md``.

python -m bench.inside_jax [THREADS]
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from bench import machine


def main(threads: int) -> None:
    """Print how long each takes, in microseconds, and how often the formula's time ours fits."""
    machine.pin(threads)
    from bench.timing import FULL, interleave, ratio

    for name, calls in problems():
        timings = interleave(calls, FULL)
        ours, *others = timings
        line = f"{name:45} {ours} {timings[ours].median * 1e6:10.2f} us"
        for other in others:
            times = ratio(timings[other], timings[ours])
            line += f"  {other} {timings[other].median * 1e6:10.2f} us, {times:.2f} of ours"
        print(line)


def problems() -> list[tuple[str, dict[str, Callable[[], Any]]]]:
    """Return calls to be timed against each other, ours first."""
    import jax
    import jax.numpy as jnp
    import numpy as np
    from peers.jax import FORMULAS

    import numloss

    rng = np.random.default_rng(0)
    p, t = rng.normal(size=1_000_000).astype("f4"), rng.integers(0, 2, 1_000_000).astype("f4")
    logits, labels = rng.normal(size=(1024, 1000)).astype("f4"), rng.integers(0, 1000, 1024)
    p, t, logits, labels = map(jnp.asarray, (p, t, logits, labels))
    few = p[:64], t[:64]

    def both(function: Callable[..., Any]) -> Callable[..., Any]:
        return jax.jit(jax.value_and_grad(function))

    def call(function: Callable[..., Any], *inputs: Any) -> Callable[[], Any]:
        return lambda: jax.block_until_ready(function(*inputs))

    def beside(name: str, *inputs: Any, transform: Any = both) -> dict[str, Callable[[], Any]]:
        functions = getattr(numloss.jax, name), FORMULAS[name]
        return {
            whose: call(transform(function), *inputs)
            for whose, function in zip(("numloss", "formula"), functions, strict=True)
        }

    bce = "binary_cross_entropy"
    rows, row_labels = logits[:, :10], labels % 10
    one = call(jax.jit(lambda x, y: numloss.jax.cross_entropy(x, y, reduction="none")), rows,
               row_labels)  # fmt: skip
    looped = call(jax.jit(jax.vmap(numloss.jax.cross_entropy)), rows, row_labels)
    return [
        (f"{bce} 1M value+grad, jit", beside(bce, p, t)),
        (f"{bce} 1M value, jit", beside(bce, p, t, transform=jax.jit)),
        ("cross_entropy 1024x1000 value+grad, jit", beside("cross_entropy", logits, labels)),
        (f"{bce} 64 value+grad, jit", beside(bce, *few)),
        (f"{bce} 64 value, jit", beside(bce, *few, transform=jax.jit)),
        (
            f"{bce} 64 value, not under jit",
            {"numloss": call(numloss.jax.binary_cross_entropy, *few),
             "formula": call(FORMULAS[bce], *few)},
        ),
        ("cross_entropy 1024x10, one call or vmap", {"one call": one, "vmap": looped}),
    ]  # fmt: skip


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1)
