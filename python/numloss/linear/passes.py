"""How a call walks its logits: some rows against all classes at a time, or against some of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from numloss.linear import rows as table
from numloss.linear.products import Head
from numloss.linear.strips import Strips, arrays_of_a_strip

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from numloss.linear.problem import Problem
    from numloss.linear.rows import Rows

#: A chunk of fewer rows reads the layer's matrix too often for what it computes with it. Where the
#: memory holds no more, the classes are cut, and their logits computed twice.
FEWEST_ROWS = 64
#: Parts of the memory: a block of the layer's matrix, or of its gradient before that is added to
#: the sum; and an array of the size of a strip. Of the default 8 and 4 MB, which caches hold.
PRODUCT, STRIP = 1 / 16, 1 / 32


@dataclass(frozen=True)
class Plan:
    """How many rows and classes make a chunk, and how many rows a strip of it."""

    rows: int
    classes: int
    strip: int
    product: int  #: bytes of a block of the layer's matrix


def plan(problem: Problem, gradients: bool) -> Plan:
    """Share the memory out."""
    product, strip = (max(1, int(part * problem.max_memory)) for part in (PRODUCT, STRIP))
    left = problem.max_memory - product - arrays_of_a_strip(problem, gradients) * strip
    logits = max(1, left // problem.dtype.itemsize)
    n, classes = max(1, len(problem.kept)), problem.classes
    rows = logits // classes
    if rows < min(n, FEWEST_ROWS):
        rows = min(n, FEWEST_ROWS)
        classes = even_length(classes, max(1, logits // rows))
    rows = even_length(n, rows)
    return Plan(
        rows, classes, max(1, min(rows, strip // (classes * problem.dtype.itemsize))), product
    )


def even_length(count: int, most: int) -> int:
    """Return the length of pieces that are as equal as they can be, of at most ``most``."""
    pieces = -(-count // most)
    return -(-count // pieces)


def slices(count: int, length: int) -> Iterator[slice]:
    """Yield what cuts so many things into pieces of a length."""
    for start in range(0, count, length):
        yield slice(start, min(start + length, count))


class Gradients:
    """Where gradients are added up: in the caller's arrays where their type and layout allow it."""

    def __init__(self, problem: Problem, places: tuple[NDArray[Any], ...]) -> None:
        self._places = places
        n, width = problem.hidden.shape
        hidden, weight, *bias = places
        self.hidden = hidden.reshape(n, width)  # a copy where no view is to be had
        if len(problem.kept) < n:
            self.hidden[...] = 0
        plain = weight.dtype == problem.dtype
        self.weight = weight if plain else np.empty(weight.shape, problem.dtype)
        self.bias = np.zeros(problem.classes) if bias else None
        if len(problem.kept) == 0:
            self.weight[...] = 0

    def finish(self) -> None:
        """Bring the sums to where the caller wants them."""
        for place, total in zip(self._places, (self.hidden, self.weight, self.bias), strict=False):
            if total is not None and not np.may_share_memory(place, total):
                place[...] = total.reshape(place.shape)


class Walk:
    """One pass over the rows of a call."""

    def __init__(self, problem: Problem, gradients: Gradients | None) -> None:
        self._problem = problem
        self._gradients = gradients
        self._plan = plan(problem, gradients is not None)
        self._head = Head(problem.weight, problem.dtype, self._plan.product)
        self._strips = Strips(problem, self._plan.strip * self._plan.classes, gradients is not None)
        self._logits = np.empty(self._plan.rows * self._plan.classes, problem.dtype)

    def states(self) -> Rows:
        """Return what is known of every row."""
        return self._walk(None, None)

    def differentiate(self, everything: Rows | None, scale: NDArray[np.float64]) -> Rows:
        """Add up the gradients of the sum of the losses times ``scale``, row by row.

        ``everything`` is what is known of the rows from all classes, those of other shards too;
        without it the classes here are all.
        """
        assert self._gradients is not None
        found = self._walk(everything, scale)
        self._gradients.finish()
        return found

    def _walk(self, everything: Rows | None, scale: NDArray[np.float64] | None) -> Rows:
        problem, step = self._problem, self._plan
        found = table.unseen(len(problem.hidden))
        cuts = list(slices(problem.classes, step.classes))
        for number, chunk in enumerate(slices(len(problem.kept), step.rows)):
            index = problem.kept[chunk]
            # Without a copy where BLAS can take the rows as they are.
            hidden = np.ascontiguousarray(rows_at(problem.hidden, index), problem.dtype)
            known = None if everything is None else everything[:, index]
            # Of classes that are cut, all are seen before the first can be differentiated.
            if scale is None or (known is None and len(cuts) > 1):
                known = self._states(hidden, index, cuts)
            if scale is not None:
                known = self._differentiate(hidden, index, cuts, number == 0, known, scale[index])
            found[:, index] = known
        return found

    def _states(self, hidden: NDArray[Any], index: NDArray[np.int64], cuts: list[slice]) -> Rows:
        known = table.unseen(len(index))
        for classes in cuts:
            logits = self._of(hidden, classes)
            own = np.empty_like(known)
            for some in slices(len(index), self._plan.strip):
                own[:, some] = self._strips.state(logits[some], index[some], classes)
            known = own if classes.start == 0 else table.joined(known, own)
        return known

    def _differentiate(
        self,
        hidden: NDArray[Any],
        index: NDArray[np.int64],
        cuts: list[slice],
        is_first: bool,
        known: Rows | None,
        scale: NDArray[np.float64],
    ) -> Rows:
        gradients = self._gradients
        assert gradients is not None
        own = table.unseen(len(index))
        of_hidden: Any = 0
        for classes in cuts:
            logits = self._of(hidden, classes)
            for some in slices(len(index), self._plan.strip):
                z = logits[some]
                state = self._strips.state(z, index[some], classes)
                everything = state if known is None else known[:, some]
                self._strips.differentiate(z, index[some], classes, state, everything, scale[some])
                own[:, some] = state
                if gradients.bias is not None:
                    gradients.bias[classes] += z.sum(axis=0)
            of_hidden = of_hidden + self._head.hidden(logits, classes)
            self._head.add_weight(logits, hidden, classes, gradients.weight, is_first)
        gradients.hidden[index] = of_hidden
        return own if known is None else known

    def _of(self, hidden: NDArray[Any], classes: slice) -> NDArray[Any]:
        """Return the logits of rows against classes."""
        shape = len(hidden), classes.stop - classes.start
        logits = self._logits[: shape[0] * shape[1]].reshape(shape)
        self._head.logits(hidden, classes, logits)
        return logits


def rows_at(hidden: NDArray[Any], index: NDArray[np.int64]) -> NDArray[Any]:
    """Return rows, without a copy where they follow each other."""
    if len(index) and index[-1] - index[0] == len(index) - 1:
        return hidden[index[0] : index[-1] + 1]
    return hidden[index]
