"""Layouts: what a call takes on arrays that are not contiguous, against the same call on copies.

A *line* of memory is what a processor reads at once. A layout that leaves most of each line unused
cannot be read in twice the time of a contiguous array; it is held against the lines it touches.

Times are those of the thread, which leaves the process's neighbours out. A ratio is the median over
the rounds, in each of them against the contiguous call of the same round.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

import numloss
from bench.cells import make_data, numpy_dtype, problem, shape_name
from bench.outcome import Outcome
from bench.table import Table, number
from bench.timing import Budget, interleave, ratio

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from numpy.typing import NDArray

LOSSES = (
    *("mse", "huber", "binary_cross_entropy", "focal"),
    *("cross_entropy", "multiclass_hinge", "kl_divergence"),
)
#: Where a gradient goes: to an array laid out like the prediction, or to a contiguous one.
MODES = ("value", "value+grad", "value+grad to C order")
LINE_BYTES = 64
#: Times the contiguous call that a layout may take whose lines are used whole.
MOST = 2.0
BUDGET = Budget(sample=1e-3, seconds=0.25, rounds=(5, 40))
QUICK = Budget(sample=5e-4, seconds=0.05, rounds=(7, 15))


@dataclass(frozen=True)
class Layout:
    """A way to lay arrays out.

    Parameters
    ----------
    name : str
        What it is called in the table.
    shape : tuple of int
        Of the contiguous array, which has the classes, where there are any, last.
    lay : callable
        Returns a contiguous array's numbers laid out.
    axis : int
        Where the classes are in what ``lay`` returns.
    step : int
        Numbers from one that is used to the next in memory.
    target : bool
        Whether the target is laid out as well.
    weight : callable, optional
        Returns a weight for the shape of the examples, to be broadcast; its contiguous copy is what
        the contiguous call gets.
    """

    name: str
    shape: tuple[int, ...]
    lay: Callable[[NDArray[Any]], NDArray[Any]]
    axis: int = -1
    step: int = 1
    target: bool = True
    weight: Callable[[tuple[int, ...]], NDArray[Any]] | None = None

    def limit(self, itemsize: int) -> float:
        """Return how many times the contiguous call it may take."""
        return max(MOST, float(min(self.step, LINE_BYTES // itemsize)))


def by_columns(array: NDArray[Any]) -> NDArray[Any]:
    """Lay all axes out in the reverse order, as Fortran has them."""
    return np.asfortranarray(array)


def last_axes_swapped(array: NDArray[Any]) -> NDArray[Any]:
    """Lay each matrix of a stack out by columns."""
    return np.ascontiguousarray(array.swapaxes(-1, -2)).swapaxes(-1, -2)


def every(step: int, array: NDArray[Any]) -> NDArray[Any]:
    """Lay out with a gap after each number."""
    laid = np.zeros((*array.shape[:-1], array.shape[-1] * step), array.dtype)[..., ::step]
    laid[...] = array
    return laid


def backwards(array: NDArray[Any]) -> NDArray[Any]:
    """Lay the last axis out from its end to its beginning."""
    return np.ascontiguousarray(array[..., ::-1])[..., ::-1]


def slice_of_wider(array: NDArray[Any]) -> NDArray[Any]:
    """Lay out as some of the columns of a wider matrix."""
    width = array.shape[-1]
    laid = np.zeros((*array.shape[:-1], width + width // 2), array.dtype)[..., :width]
    laid[...] = array
    return laid


def as_it_is(array: NDArray[Any]) -> NDArray[Any]:
    """Change nothing."""
    return array


def classes_second(array: NDArray[Any]) -> NDArray[Any]:
    """Lay out as images are: N x C x H x W."""
    return np.ascontiguousarray(np.moveaxis(array, -1, 1))


def classes_first(array: NDArray[Any]) -> NDArray[Any]:
    """Lay out as C x N."""
    return np.ascontiguousarray(np.moveaxis(array, -1, 0))


def weights(shape: tuple[int, ...]) -> NDArray[Any]:
    """Return weights that are not all the same."""
    return np.linspace(0.5, 1.5, int(np.prod(shape))).reshape(shape)


MATRICES = ((1000, 1000), (4096, 256), (300, 3333))
BLOCKS = ((100, 100, 100), (64, 128, 128))
FLAT = (1_000_000,)
ROWS = ((100_000, 10), (20_000, 100), (1024, 1000), (64, 50_257))
IMAGES = ((8, 128, 128, 21), (1, 32, 32, 1000), (64, 28, 28, 10))

ELEMENTWISE = (
    *(Layout("by columns", shape, by_columns) for shape in MATRICES + BLOCKS),
    *(Layout("last axes swapped", shape, last_axes_swapped) for shape in BLOCKS),
    Layout("prediction alone by columns", MATRICES[0], by_columns, target=False),
    Layout("every second", FLAT, partial(every, 2), step=2),
    Layout("every third", FLAT, partial(every, 3), step=3),
    Layout("every second, rows", MATRICES[0], partial(every, 2), step=2),
    Layout("backwards", FLAT, backwards),
    Layout("slice of wider rows", MATRICES[0], slice_of_wider),
    Layout("weight of rows", MATRICES[0], as_it_is, weight=lambda shape: weights((shape[0], 1))),
    Layout("weight of columns", MATRICES[0], as_it_is, weight=lambda shape: weights(shape[1:])),
)
ROWWISE = (
    *(Layout("classes second", shape, classes_second, axis=1) for shape in IMAGES),
    *(Layout("classes first", shape, classes_first, axis=0) for shape in ROWS),
    *(Layout("by columns", shape, by_columns) for shape in ROWS),
    *(Layout("every second class", shape, partial(every, 2), step=2) for shape in ROWS),
    *(Layout("classes backwards", shape, backwards) for shape in ROWS),
)


def measure(
    losses: Sequence[str] = LOSSES,
    dtype: str = "float32",
    budget: Budget = BUDGET,
    only: str = "",
) -> Iterator[dict[str, Any]]:
    """Measure all layouts whose name and shape contain ``only``, on one thread."""
    with numloss.threads(1):
        for loss, layout in selected(losses, only):
            yield from measured_on(loss, layout, dtype, budget)


def selected(losses: Sequence[str] = LOSSES, only: str = "") -> Iterator[tuple[str, Layout]]:
    """Yield each loss with each of its layouts whose name contains ``only``."""
    for loss in losses:
        for layout in ROWWISE if problem(loss).rowwise else ELEMENTWISE:
            if only in name_of(layout):
                yield loss, layout


def name_of(layout: Layout) -> str:
    """Name and shape of a layout."""
    return f"{layout.name} {shape_name(layout.shape)}"


def measured_on(loss: str, layout: Layout, dtype: str, budget: Budget) -> Iterator[dict[str, Any]]:
    """Measure all modes of a loss on a layout."""
    calls = dict(prepared(loss, layout, dtype))
    timings = interleave(
        calls, replace(budget, seconds=budget.seconds * len(calls)), time.thread_time
    )
    for mode in MODES:
        laid = timings[mode, True]
        contiguous = timings[MODES[0] if mode == "value" else MODES[1], False]
        yield {
            "loss": loss,
            "mode": mode,
            "layout": layout.name,
            "shape": layout.shape,
            "dtype": dtype,
            "seconds": laid.median,
            "ratio": ratio(laid, contiguous),
            "at_most": layout.limit(numpy_dtype(dtype).itemsize),
        }


def prepared(
    name: str, layout: Layout, dtype: str
) -> Iterator[tuple[tuple[str, bool], Callable[[], Any]]]:
    """Give each call, by its mode and by whether its arrays are laid out."""
    loss = numloss.LOSSES[name]
    data = make_data(problem(name).target, layout.shape, dtype)
    shared = data.target.ndim < data.prediction.ndim or not layout.target
    prediction = layout.lay(data.prediction)
    target = data.target if shared else layout.lay(data.target)
    options: dict[str, Any] = {"axis": layout.axis} if loss.rowwise else {}
    copied: dict[str, Any] = {}
    if layout.weight is not None:
        options["weight"] = layout.weight(layout.shape)
        copied["weight"] = np.broadcast_to(options["weight"], layout.shape).copy()
    outs = layout.lay(data.buffer.copy()), np.zeros(prediction.shape, prediction.dtype)
    gradient = loss.value_and_grad
    yield (MODES[0], False), partial(loss, data.prediction, data.target, **copied)
    yield (MODES[0], True), partial(loss, prediction, target, **options)
    yield (
        (MODES[1], False),
        partial(gradient, data.prediction, data.target, out=data.buffer, **copied),
    )
    for mode, out in zip(MODES[1:], outs, strict=True):
        yield (mode, True), partial(gradient, prediction, target, out=out, **options)


def holds(cell: dict[str, Any]) -> bool:
    """Whether a layout takes no longer than it may."""
    return bool(cell["ratio"] <= cell["at_most"])


def outcomes(measured: Iterable[dict[str, Any]]) -> Iterator[Outcome]:
    """Hold layouts against the contiguous call."""
    for cell in measured:
        words = cell["loss"], cell["mode"], cell["layout"], shape_name(cell["shape"]), cell["dtype"]
        wanted, ratio = f"<= {number(cell['at_most'])}x", f"{number(cell['ratio'])}x"
        yield Outcome(", ".join(words), wanted, ratio, holds(cell))


SAYS = (
    "How many times as long as the same call on contiguous arrays it takes: of the time of the"
    " thread, the median of at least 5 interleaved rounds, in each against the contiguous call of"
    " the same round, all calls warm. 'value+grad' writes the gradient to an array that lies like"
    " the prediction, 'value+grad to C order' to a contiguous one. 'at most' is what is allowed:"
    f" {MOST:g} times, or as many as there are numbers in memory for each one used. ! marks what"
    " takes longer."
)


def table(measured: Sequence[dict[str, Any]]) -> Table:
    """Ratios as a table: a row for each loss and layout, a column for each mode."""
    rows: dict[tuple[str, str, str], list[str]] = {}
    for cell in measured:
        key = (cell["loss"], cell["layout"], shape_name(cell["shape"]))
        row = rows.setdefault(key, [*key, number(cell["at_most"])])
        row.append(number(cell["ratio"]) + "!" * (not holds(cell)))
    header = ["loss", "layout", "shape", "at most", *MODES]
    title = f"layouts, {measured[0]['dtype']}, times the contiguous call"
    return Table(title, header, list(rows.values()), SAYS)
