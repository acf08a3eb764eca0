"""What is measured: the losses, the shapes and the data of each cell.

A cell is one loss in one mode on one shape, dtype and thread count. Its data are the same arrays
for every contestant.
"""

from __future__ import annotations

import contextlib
import math
import re
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

import numloss

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from numpy.typing import NDArray

MODES = ("value", "grad", "value+grad", "grad+hess")
DTYPES = ("float32", "float64", "float16", "bfloat16")
DTYPE_ALIASES = {"f32": "float32", "f64": "float64", "f16": "float16", "bf16": "bfloat16"}

Shape = tuple[int, ...]
FLAT: tuple[Shape, ...] = ((64,), (10_000,), (1_000_000,), (20_000_000,))
ROWS: tuple[Shape, ...] = (
    (8, 10),
    (4096, 10),
    (100_000, 10),
    (20_000, 100),
    (1024, 1000),
    (256, 50257),
)
QUICK: tuple[Shape, ...] = ((64,), (10_000,), (8, 10), (4096, 10), (128, 1000))
# Kinds of target, the choosiest last: a loss gets the first one that it accepts.
KINDS = {False: ("real", "binary", "sign"), True: ("label", "distribution")}
# Classes that have an order: nobody has 50 000 of them, and peers make a C x C table of distances.
MOST_CLASSES = {"ranked_probability": 2000, "ordinal_cross_entropy": 2000}


@dataclass(frozen=True)
class Problem:
    """Arrays a loss is made for: how the target is drawn, and whether there is a class axis."""

    target: str
    rowwise: bool
    most_classes: int | None

    def accepts(self, shape: Shape) -> bool:
        """Whether the loss is measured on this shape."""
        if self.rowwise != (len(shape) == 2):
            return False
        return not self.rowwise or shape[-1] <= (self.most_classes or shape[-1])


@cache
def problem(name: str) -> Problem:
    """Find out what a loss takes by asking it, so that a new loss is measured without an entry."""
    loss = numloss.LOSSES[name]
    for target in KINDS[loss.rowwise]:
        data = make_data(target, (8, 10) if loss.rowwise else (64,), "float32")
        with contextlib.suppress(TypeError, ValueError):
            loss(data.prediction, data.target)
            return Problem(target, loss.rowwise, MOST_CLASSES.get(name))
    raise LookupError(f"{name} accepts none of the targets {', '.join(KINDS[loss.rowwise])}")


def method(name: str, mode: str) -> Callable[..., Any]:
    """Return what computes a loss in a mode."""
    loss = numloss.LOSSES[name]
    methods: dict[str, Callable[..., Any]] = {
        "value": loss,
        "grad": loss.grad,
        "value+grad": loss.value_and_grad,
        "grad+hess": loss.grad_and_hess,
    }
    return methods[mode]


@dataclass(frozen=True)
class Cell:
    """One measurement: everything that is the same for all contestants."""

    loss: str
    mode: str
    shape: Shape
    dtype: str = "float32"
    threads: int = 1

    @property
    def name(self) -> str:
        """Identity of the cell across runs."""
        parts = (self.loss, self.mode, shape_name(self.shape), self.dtype, f"{self.threads}t")
        return " ".join(parts)

    @property
    def elements(self) -> int:
        """Number of predictions, classes counted."""
        return math.prod(self.shape)

    @property
    def wants_value(self) -> bool:
        """Whether the value is asked for."""
        return self.mode in ("value", "value+grad")

    @property
    def wants_gradient(self) -> bool:
        """Whether the gradient is asked for."""
        return self.mode != "value"

    @property
    def wants_hessian(self) -> bool:
        """Whether the diagonal of the Hessian is asked for."""
        return self.mode == "grad+hess"


@dataclass(frozen=True)
class Data:
    """Arrays of a cell. Labels are int64, every other array has the cell's dtype."""

    prediction: NDArray[Any]
    target: NDArray[Any]

    @cached_property
    def buffer(self) -> NDArray[Any]:
        """An array to write a gradient to, its pages touched."""
        return np.zeros_like(self.prediction)

    @cached_property
    def hessian_buffer(self) -> NDArray[Any]:
        """An array to write a Hessian to, its pages touched."""
        return np.zeros_like(self.prediction)


def cells(
    losses: Iterable[str],
    modes: Sequence[str] = ("value", "value+grad"),
    shapes: Sequence[Shape] = FLAT + ROWS,
    dtypes: Sequence[str] = ("float32",),
    threads: int = 1,
) -> list[Cell]:
    """Return all cells of a selection; a shape that does not fit a loss is left out.

    Cells with the same data come one after the other, so that the data are made once.
    """
    return [
        Cell(loss, mode, shape, dtype, threads)
        for dtype, loss in product(dtypes, losses)
        for shape in shapes
        if problem(loss).accepts(shape)
        for mode in modes
    ]


def with_data(selection: Iterable[Cell]) -> Iterator[tuple[Cell, Data]]:
    """Go through cells with their data, made anew only where they differ from the last ones."""
    made: tuple[str, Shape, str] | None = None
    for cell in selection:
        wanted = (problem(cell.loss).target, cell.shape, cell.dtype)
        if wanted != made:
            data, made = make_data(*wanted), wanted
        yield cell, data


def make_data(target: str, shape: Shape, dtype: str) -> Data:
    """Draw predictions and targets, the same ones in every run."""
    rng = np.random.default_rng(20)
    prediction = rng.standard_normal(shape, dtype=np.float32)
    if target in ("binary", "label"):
        prediction *= 3
    return Data(prediction.astype(numpy_dtype(dtype)), TARGETS[target](rng, shape, dtype))


def real(rng: np.random.Generator, shape: Shape, dtype: str) -> NDArray[Any]:
    """Draw regression targets: residuals fall on both sides of Huber's delta."""
    return rng.standard_normal(shape, dtype=np.float32).astype(numpy_dtype(dtype))


def binary(rng: np.random.Generator, shape: Shape, dtype: str) -> NDArray[Any]:
    """Draw targets 0 and 1."""
    return rng.integers(0, 2, shape, dtype=np.int8).astype(numpy_dtype(dtype))


def sign(rng: np.random.Generator, shape: Shape, dtype: str) -> NDArray[Any]:
    """Draw targets -1 and +1."""
    return (2 * rng.integers(0, 2, shape, dtype=np.int8) - 1).astype(numpy_dtype(dtype))


def label(rng: np.random.Generator, shape: Shape, dtype: str) -> NDArray[Any]:
    """Draw one class a row."""
    return rng.integers(0, shape[-1], shape[:-1], dtype=np.int64)


def distribution(rng: np.random.Generator, shape: Shape, dtype: str) -> NDArray[Any]:
    """Draw a probability for each class, none of them 0."""
    weights = np.exp(rng.standard_normal(shape))
    weights /= weights.sum(axis=-1, keepdims=True)
    return weights.astype(numpy_dtype(dtype))


TARGETS: dict[str, Callable[[np.random.Generator, Shape, str], NDArray[Any]]] = {
    draw.__name__: draw for draw in (real, binary, sign, label, distribution)
}


def numpy_dtype(name: str) -> np.dtype[Any]:
    """NumPy's dtype of a name; bfloat16 is the one that NumPy does not have itself."""
    if name == "bfloat16":
        import ml_dtypes

        return np.dtype(ml_dtypes.bfloat16)
    return np.dtype(name)


def shape_name(shape: Shape) -> str:
    """Short name: ``1M``, ``10k``, ``100kx10``, ``256x50257``."""
    return "x".join(map(size_name, shape))


def size_name(size: int) -> str:
    """Short name of a number where thousands or millions say it exactly."""
    for factor, suffix in ((1_000_000, "M"), (1000, "k")):
        # 1000 classes stay 1000: "1024x1k" would read badly.
        if size % factor == 0 and size >= 10 * 1000:
            return f"{size // factor}{suffix}"
    return str(size)


def parse_shape(text: str) -> Shape:
    """Read what `shape_name` writes: ``64``, ``1M``, ``100kx10``, ``100000x10``."""
    factors = {"": 1, "k": 1000, "M": 1_000_000}
    parts = [re.fullmatch(r"([1-9][0-9]*)([kM]?)", part) for part in text.split("x")]
    found = [int(part[1]) * factors[part[2]] for part in parts if part]
    if len(found) < len(parts) or len(found) > 2:
        raise ValueError(f"a size is like 64, 1M, 100kx10 or 256x50257, got {text!r}")
    return tuple(found)
