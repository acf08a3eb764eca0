"""What layouts cost: a call on arrays that are not contiguous beside the same call on copies."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from typical import Data, draw, variant_of

import numloss
from bench import beside
from bench.cells import MOST_ORDERED, Shape, shape_name
from bench.contestants import alike
from bench.timing import Budget

Array = NDArray[Any]
#: A gradient goes to an array laid out like the prediction, or to a contiguous one.
TO_C_ORDER = f"{beside.BOTH} to C order"


@dataclass(frozen=True)
class Layout:
    """A way to lay arrays out, called ``what``.

    ``lay`` returns the numbers of a contiguous array of ``shape``, whose last axis has the classes,
    laid out; there they are on ``axis``, and it is ``step`` numbers from one used to the next.
    ``target`` says whether the target is laid out as well. Weights along the axis ``weight`` are
    broadcast along the others; the contiguous call gets a copy.
    """

    what: str
    shape: Shape
    lay: Callable[[Array], Array]
    axis: int = -1
    step: int = 1
    target: bool = True
    weight: int | None = None

    @property
    def name(self) -> str:
        """What it is called, and its shape."""
        return f"{self.what} {shape_name(self.shape)}"


def last_axes_swapped(array: Array) -> Array:
    """Lay each matrix of a stack out by columns."""
    return np.ascontiguousarray(array.swapaxes(-1, -2)).swapaxes(-1, -2)


def every(step: int, array: Array) -> Array:
    """Lay out with a gap after each number."""
    laid = np.zeros((*array.shape[:-1], array.shape[-1] * step), array.dtype)[..., ::step]
    laid[...] = array
    return laid


def backwards(array: Array) -> Array:
    """Lay the last axis out from its end to its beginning."""
    return np.ascontiguousarray(array[..., ::-1])[..., ::-1]


def slice_of_wider(array: Array) -> Array:
    """Lay out as some of the columns of a wider matrix."""
    wider = np.zeros((*array.shape[:-1], array.shape[-1] * 3 // 2), array.dtype)
    laid = wider[..., : array.shape[-1]]
    laid[...] = array
    return laid


def classes_at(axis: int, array: Array) -> Array:
    """Lay out as images are, N x C x H x W, or as C x N."""
    return np.ascontiguousarray(np.moveaxis(array, -1, axis))


MATRICES = ((1000, 1000), (4096, 256), (300, 3333))
BLOCKS = ((100, 100, 100), (64, 128, 128))
LINE = (1_000_000,)
ROWS = ((100_000, 10), (20_000, 100), (1024, 1000), (64, 50_257))
IMAGES = ((8, 128, 128, 21), (1, 32, 32, 1000), (64, 28, 28, 10))
BY_COLUMNS = "by columns"

ELEMENTWISE = (
    *(Layout(BY_COLUMNS, shape, np.asfortranarray) for shape in MATRICES + BLOCKS),
    *(Layout("last axes swapped", shape, last_axes_swapped) for shape in BLOCKS),
    Layout("prediction alone by columns", MATRICES[0], np.asfortranarray, target=False),
    Layout("every second", LINE, partial(every, 2), step=2),
    Layout("every third", LINE, partial(every, 3), step=3),
    Layout("every second, rows", MATRICES[0], partial(every, 2), step=2),
    Layout("backwards", LINE, backwards),
    Layout("slice of wider rows", MATRICES[0], slice_of_wider),
    Layout("weight of rows", MATRICES[0], np.asarray, weight=0),
    Layout("weight of columns", MATRICES[0], np.asarray, weight=1),
)
ROWWISE = (
    *(Layout("classes second", shape, partial(classes_at, 1), axis=1) for shape in IMAGES),
    *(Layout("classes first", shape, partial(classes_at, 0), axis=0) for shape in ROWS),
    *(Layout(BY_COLUMNS, shape, np.asfortranarray) for shape in ROWS),
    *(Layout("every second class", shape, partial(every, 2), step=2) for shape in ROWS),
    *(Layout("classes backwards", shape, backwards) for shape in ROWS),
)
STEPS = {layout.what: layout.step for layout in (*ELEMENTWISE, *ROWWISE)}


def selected(losses: Iterable[str], only: str = "") -> Iterator[tuple[str, Layout]]:
    """Yield each loss with each of its layouts whose name or shape contains ``only``."""
    for loss in losses:
        ordered = loss in numloss.ordinal.__all__
        for layout in ROWWISE if variant_of(loss).rowwise else ELEMENTWISE:
            if only in layout.name and not (ordered and layout.shape[-1] > MOST_ORDERED):
                yield loss, layout


def measure(
    losses: Iterable[str], dtype: str, budget: Budget, only: str = ""
) -> Iterator[dict[str, Any]]:
    """Time each loss on its layouts."""
    for loss, layout in selected(losses, only):
        data = draw(loss, layout.shape, dtype)
        problem = (loss, layout.shape, dtype)
        contiguous, laid = prepared(loss, layout, data)
        yield from beside.measure(problem, contiguous, {layout.what: laid}, budget)


def prepared(
    loss: str, layout: Layout, data: Data
) -> tuple[dict[str, partial[Any]], dict[str, partial[Any]]]:
    """Return the calls on contiguous arrays, and those on arrays laid out."""
    examples = variant_of(loss).examples(data.prediction)

    def lay(array: Any) -> Any:
        if isinstance(array, tuple):
            return tuple(map(lay, array))
        return layout.lay(array) if np.shape(array) == layout.shape else array

    options = {name: lay(value) for name, value in data.options.items()}
    copied: dict[str, Any] = {}
    if numloss.LOSSES[loss].rowwise:
        options["axis"] = layout.axis
    if layout.weight is not None:
        axes = [n if axis == layout.weight else 1 for axis, n in enumerate(examples)]
        options["weight"] = np.linspace(0.5, 1.5, max(axes)).reshape(axes)
        copied["weight"] = np.broadcast_to(options["weight"], examples).copy()
    arrays = Data(lay(data.prediction), lay(data.target) if layout.target else data.target, {})
    contiguous = beside.calls(loss, data, **copied)
    laid = beside.calls(loss, arrays, **options)
    gradient = contiguous[beside.BOTH].keywords["out"]
    outs = {beside.BOTH: lay(gradient), TO_C_ORDER: alike(laid[beside.BOTH].keywords["out"])}
    both = {mode: partial(laid[beside.BOTH], out=out) for mode, out in outs.items()}
    return contiguous, {beside.VALUE: laid[beside.VALUE], **both}
