"""Embeddings, brought to length 1 where that is wanted, and the way back through it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Vectors:
    """Embeddings as the similarities take them.

    A vector of zeros has no direction: it stays one of zeros, and has no gradient. Lengths are
    taken of what is left when the largest number of each vector is divided out, so that no square
    leaves its type.
    """

    def __init__(self, embeddings: NDArray[Any], dtype: np.dtype[Any], *, normalize: bool) -> None:
        self._is_normal = normalize
        if not normalize:
            self.units = np.ascontiguousarray(embeddings, dtype)
            return
        units = np.array(embeddings, dtype, order="C")  # a copy, which is worked on
        with np.errstate(all="ignore"):
            largest = np.abs(units).max(axis=1, initial=0)
            units /= np.where(largest == 0, 1, largest)[:, None]
            length = np.sqrt(np.einsum("ij,ij->i", units, units, dtype=np.float64))
            units /= np.where(length == 0, 1, length).astype(dtype)[:, None]
            inverse = 1 / (length * largest)
        self.units = units
        self._inverse = np.where(length == 0, 0, inverse)

    def way_back(self, gradient: NDArray[Any]) -> NDArray[Any]:
        """Turn a gradient by the units into one by what they were made of, where it lies."""
        if self._is_normal:
            still = ~gradient.any(axis=1)
            along = np.einsum("ij,ij->i", gradient, self.units)
            gradient -= along[:, None] * self.units
            gradient *= self._inverse.astype(gradient.dtype)[:, None]
            gradient[still] = 0  # whatever the vector is: one that nothing depends on may be NaN
        return gradient
