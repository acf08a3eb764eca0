"""What an option costs: a call with it beside the plain call on the same predictions.

Labels may be soft or smoothed, examples and classes weighted. Each may take `MOST` times as long as
the plain call, and beyond that the time in which its further array is read.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

import numloss
from bench.cells import distribution, make_data, numpy_dtype, parse_shape, shape_name
from bench.limit import reader
from bench.outcome import Outcome
from bench.table import Table, number
from bench.timing import interleave

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from bench.cells import Data, Shape
    from bench.timing import Budget

MOST = 1.5
PLAIN, EXTRA = "plain", "extra array"
ELEMENTWISE = ("mse", "huber", "binary_cross_entropy", "focal")
FLAT = tuple(map(parse_shape, ("10k", "1M", "20M")))
ROWS = tuple(map(parse_shape, ("4096x10", "100kx10", "20kx100", "1024x1000", "256x50257")))


@dataclass(frozen=True)
class Variant:
    """An option of a loss: what it is called with beside the prediction."""

    name: str
    loss: str
    target: Any
    options: dict[str, Any]
    extra: Any = None

    def call(self, data: Data, mode: str) -> partial[Any]:
        """Return the call to time."""
        loss = numloss.LOSSES[self.loss]
        if mode == "value":
            return partial(loss, data.prediction, self.target, **self.options)
        method = loss.value_and_grad
        return partial(method, data.prediction, self.target, out=data.buffer, **self.options)


def problems(dtype: str) -> Iterator[tuple[str, Shape, Data, list[Variant]]]:
    """Yield each loss and shape with its data and variants, the plain one first."""
    rng = np.random.default_rng(21)
    for shape in FLAT:
        weight = rng.uniform(0.5, 1.5, shape).astype(numpy_dtype(dtype))
        for loss in ELEMENTWISE:
            kind = "real" if loss in ("mse", "huber") else "binary"
            data = make_data(kind, shape, dtype)
            yield loss, shape, data, elementwise(loss, data, weight)
    for shape in ROWS:
        data = make_data("label", shape, dtype)
        yield "cross_entropy", shape, data, rowwise(data, rng, dtype)


def elementwise(loss: str, data: Data, weight: Any) -> list[Variant]:
    """Variants of a loss of each element."""
    found = [
        Variant(PLAIN, loss, data.target, {}),
        Variant("weight", loss, data.target, {"weight": weight}, weight),
    ]
    if loss == "binary_cross_entropy":
        found.append(Variant("pos_weight", loss, data.target, {"pos_weight": 3.0}))
        found.append(Variant("label_smoothing", loss, data.target, {"label_smoothing": 0.1}))
    return found


def rowwise(data: Data, rng: np.random.Generator, dtype: str) -> list[Variant]:
    """Variants of cross-entropy, Kullback-Leibler divergence among them."""
    rows, classes = data.prediction.shape
    soft = distribution(rng, data.prediction.shape, dtype)
    weight = rng.uniform(0.5, 1.5, rows).astype(numpy_dtype(dtype))
    class_weight = rng.uniform(0.5, 1.5, classes)
    name, labels = "cross_entropy", data.target
    return [
        Variant(PLAIN, name, labels, {}),
        Variant("soft labels", name, soft, {}, soft),
        Variant("kl_divergence", "kl_divergence", soft, {}, soft),
        Variant("label_smoothing", name, labels, {"label_smoothing": 0.1}),
        Variant("weight", name, labels, {"weight": weight}, weight),
        Variant("class_weight", name, labels, {"class_weight": class_weight}),
        Variant("soft labels, class_weight", name, soft, {"class_weight": class_weight}, soft),
    ]


def measure(dtype: str, budget: Budget) -> Iterator[dict[str, Any]]:
    """Time every variant, all those of one problem in turn."""
    for loss, shape, data, variants in problems(dtype):
        for mode in ("value", "value+grad"):
            calls: dict[str, Any] = {v.name: v.call(data, mode) for v in variants}
            reads = {
                f"{EXTRA} {v.name}": reader(v.extra, 1) for v in variants if v.extra is not None
            }
            timings = interleave(calls | reads, budget)
            seconds = {name: timing.median for name, timing in timings.items()}
            for variant in variants[1:]:
                read = seconds.get(f"{EXTRA} {variant.name}", 0.0)
                yield {
                    "loss": loss,
                    "variant": variant.name,
                    "mode": mode,
                    "shape": shape,
                    "dtype": dtype,
                    "plain": seconds[PLAIN],
                    "seconds": seconds[variant.name],
                    "allowed": MOST * seconds[PLAIN] + read,
                }


def holds(cell: dict[str, Any]) -> bool:
    """Whether an option costs no more than it may."""
    return bool(cell["seconds"] <= cell["allowed"])


def outcomes(measured: Iterable[dict[str, Any]]) -> Iterator[Outcome]:
    """Hold options against what they may cost."""
    for cell in measured:
        words = cell["loss"], cell["variant"], cell["mode"], shape_name(cell["shape"])
        scale = 1e9 / math.prod(cell["shape"])
        wanted, seconds = (number(scale * cell[name]) for name in ("allowed", "seconds"))
        name = ", ".join((*words, cell["dtype"]))
        yield Outcome(name, f"<= {wanted} ns", f"{seconds} ns", holds(cell))


SAYS = (
    "Nanoseconds an element of the plain call and of the call with the option. 'allowed' is"
    f" {MOST} times the plain call, and beyond that the time of reading the option's own array,"
    " measured in the same rounds. 'ratio' is that of the two times. ABOVE marks what takes longer"
    " than allowed."
)


def table(measured: list[dict[str, Any]]) -> Table:
    """Tabulate, in ns an element."""
    rows = []
    for cell in measured:
        scale = 1e9 / math.prod(cell["shape"])
        times = (cell["plain"], cell["seconds"], cell["allowed"])
        rows.append(
            [
                cell["loss"],
                cell["variant"],
                cell["mode"],
                shape_name(cell["shape"]),
                *(number(scale * seconds) for seconds in times),
                number(cell["seconds"] / cell["plain"]),
                "" if holds(cell) else "ABOVE",
            ]
        )
    header = ["loss", "variant", "mode", "shape", "plain", "with it", "allowed", "ratio", ""]
    dtype = measured[0]["dtype"]
    return Table(f"cost of options, {dtype}, ns an element", header, rows, SAYS)
