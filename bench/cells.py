"""What is measured: one loss in one mode on one shape, dtype and number of threads."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product

from typical import DTYPES, MODES, Data, draw, variant_of

import numloss

__all__ = ["DTYPES", "MODES", "Cell", "Shape", "cells", "of_page", "with_data"]

Shape = tuple[int, ...]
BOTH = ("value", "value+grad")
#: Elements, then rows of classes. The smallest ones are calls of which the way to the kernel takes
#: most of the time, the largest fit no cache.
FLAT: tuple[Shape, ...] = ((64,), (10_000,), (1_000_000,), (20_000_000,))
ROWS: tuple[Shape, ...] = (
    *((8, 8), (8, 10), (4096, 10), (100_000, 10)),
    *((20_000, 100), (1024, 1000), (256, 50_257)),
)
#: One size of each kind, where only the dtype or the mode is of interest.
MIDDLE: tuple[Shape, ...] = ((1_000_000,), (1024, 1000))
#: Sizes that are worth several threads.
LARGE: tuple[Shape, ...] = (*FLAT[-2:], *((100_000, 10), (1024, 1000), (256, 50_257)))
VOCABULARY: Shape = (128, 128_256)
#: Nobody has 50 000 classes in an order, and peers make a table of distances of C x C.
MOST_ORDERED = 2000


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
    def derivatives(self) -> int:
        """How many arrays of derivatives are asked for."""
        return {"value": 0, "grad+hess": 2}.get(self.mode, 1)


def cells(
    losses: Iterable[str],
    modes: Sequence[str] = BOTH,
    shapes: Sequence[Shape] = FLAT + ROWS,
    dtypes: Sequence[str] = ("float32",),
    threads: int = 1,
) -> list[Cell]:
    """Return all cells of a selection, those on the same data together."""
    return [
        Cell(loss, mode, shape, dtype, threads)
        for dtype, loss in product(dtypes, losses)
        for shape in shapes
        if accepts(loss, shape)
        for mode in modes
    ]


def accepts(loss: str, shape: Shape) -> bool:
    """Whether a loss is measured on a shape."""
    if variant_of(loss).rowwise != (len(shape) == 2):
        return False
    return loss not in numloss.ordinal.__all__ or shape[-1] <= MOST_ORDERED


def of_page(losses: Iterable[str], threads: int) -> list[Cell]:
    """Return the cells that docs/performance.md needs of so many threads."""
    losses = list(losses)
    if threads > 1:
        return cells(losses, shapes=LARGE, threads=threads)
    return [
        *cells(losses, shapes=(*FLAT, *ROWS, VOCABULARY)),
        *cells(losses, ("grad", "grad+hess"), MIDDLE),
        *cells(losses, shapes=MIDDLE, dtypes=DTYPES[1:]),
    ]


def with_data(selection: Iterable[Cell]) -> Iterator[tuple[Cell, Data]]:
    """Go through cells with their data, drawn anew only where they differ from the last ones."""
    drawn: tuple[str, Shape, str] | None = None
    for cell in selection:
        wanted = (cell.loss, cell.shape, cell.dtype)
        if wanted != drawn:
            data, drawn = draw(*wanted), wanted
        yield cell, data


def shape_name(shape: Iterable[int]) -> str:
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
