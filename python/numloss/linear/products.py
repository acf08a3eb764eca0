"""The three products with the layer's matrix, by NumPy's BLAS, and nothing of their size beside.

BLAS takes matrices of one of its own types, in whose rows or columns numbers lie side by side. Of
others NumPy copies all for each product, or multiplies them by itself, many times slower, as its
release is; here a block at a time is brought into that form.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Head:
    """The layer's matrix, and room for a block of its classes."""

    def __init__(self, weight: NDArray[Any], dtype: np.dtype[Any], memory: int) -> None:
        self._weight = weight
        self._is_plain = weight.dtype == dtype and _is_for_blas(weight)
        width = weight.shape[1]
        self._block = max(1, min(len(weight), memory // max(1, width * dtype.itemsize)))
        self._room = np.empty((self._block, width), dtype)

    def logits(self, hidden: NDArray[Any], classes: slice, out: NDArray[Any]) -> None:
        """Write the logits of the classes to ``out``."""
        for part, matrix in self._parts(classes):
            np.matmul(hidden, matrix.T, out=out[:, part])

    def hidden(self, gradient: NDArray[Any], classes: slice) -> NDArray[Any]:
        """Return the gradient of the hidden numbers, from that of the logits of the classes.

        BLAS computes its transpose. The sums run over all classes, and OpenBLAS's threads wait for
        each other after each few hundred. That of the few rows of a chunk takes two thirds of the
        time with two threads, less where other programs need the CPUs, and the same with one.
        """
        total: NDArray[Any] | None = None
        for part, matrix in self._parts(classes):
            product = np.matmul(matrix.T, gradient[:, part].T)
            total = product if total is None else np.add(total, product, out=total)
        assert total is not None, "there is a class"
        return total.T

    def add_weight(
        self,
        gradient: NDArray[Any],
        hidden: NDArray[Any],
        classes: slice,
        total: NDArray[Any],
        is_first: bool,
    ) -> None:
        """Add the gradient of the classes' weights to ``total``, which the first one overwrites.

        NumPy's products overwrite where they are written. Later ones are therefore made of a few
        classes at a time, and added while they are in the cache.
        """
        place = total[classes]
        if is_first and _is_for_blas(place):
            np.matmul(gradient.T, hidden, out=place)
            return
        for part in self._blocks(len(place)):
            product = self._room[: part.stop - part.start]
            np.matmul(gradient[:, part].T, hidden, out=product)
            if is_first:
                place[part] = product
            else:
                place[part] += product

    def _parts(self, classes: slice) -> Iterator[tuple[slice, NDArray[Any]]]:
        """Yield the classes' matrix as BLAS takes it: whole, or block by block."""
        matrix = self._weight[classes]
        if self._is_plain:
            yield slice(0, len(matrix)), matrix
            return
        for part in self._blocks(len(matrix)):
            block = self._room[: part.stop - part.start]
            block[...] = matrix[part]
            yield part, block

    def _blocks(self, count: int) -> Iterator[slice]:
        for start in range(0, count, self._block):
            yield slice(start, min(start + self._block, count))


def _is_for_blas(matrix: NDArray[Any]) -> bool:
    """Whether NumPy gives a matrix to BLAS."""
    size = matrix.itemsize
    for (near, length), (far, _) in (
        zip(matrix.strides[::-1], matrix.shape[::-1], strict=True),
        zip(matrix.strides, matrix.shape, strict=True),
    ):
        if near == size and far >= size * length and far % size == 0:
            return matrix.flags.aligned
    return False
