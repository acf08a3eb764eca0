"""How anchors go through: some of them against all keys at a time, products by BLAS between."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from numloss.linear.passes import PRODUCT, even_length, rows_at, slices
from numloss.linear.products import Head

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from numloss.embeddings.strips import Strips

#: Products of fewer rows take BLAS much longer, whatever the memory.
FEWEST_ROWS = 16


class Walk:
    """One pass over anchors, whose units and keys' units these are.

    ``totals`` are the arrays to which the gradients by the anchors' units and the keys' are added:
    one and the same where anchors are keys. Without them there is the value alone.
    """

    def __init__(
        self,
        anchors: NDArray[Any],
        keys: NDArray[Any],
        strips: Strips,
        totals: tuple[NDArray[Any], NDArray[Any]] | None,
        max_memory: int,
    ) -> None:
        self._anchors, self._keys, self._strips, self._totals = anchors, keys, strips, totals
        self._head = Head(keys, keys.dtype, max(1, int(PRODUCT * max_memory)))
        row = (1 + strips.arrays) * keys.dtype.itemsize * max(1, len(keys))
        self._most = max(FEWEST_ROWS, int((1 - PRODUCT) * max_memory) // row)
        #: The sum of the numbers that strips came with, times the derivatives by them.
        self.by_size = 0.0

    def losses(self, index: NDArray[np.int64], scale: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the losses of all anchors times ``scale``, 0 of those that ``index`` leaves out.

        They are computed for the anchors ``index``, and their gradients added up.
        """
        found = np.zeros(len(self._anchors))
        rows = even_length(max(1, len(index)), self._most)
        room = np.empty(rows * len(self._keys), self._keys.dtype)
        for some in slices(len(index), rows):
            own = index[some]
            z = room[: len(own) * len(self._keys)].reshape(len(own), -1)
            found[own] = self._strip(z, own, scale[own])
        return found

    def _strip(
        self, z: NDArray[Any], index: NDArray[np.int64], scale: NDArray[np.float64]
    ) -> NDArray[Any]:
        every = slice(0, len(self._keys))
        factor = self._strips.factor
        units = rows_at(self._anchors, index) * factor
        self._head.logits(units, every, z)
        losses = self._strips.losses(z, index, scale, self._totals is not None)
        if self._totals is not None:
            of_anchors, of_keys = self._totals
            gradient = self._head.hidden(z, every)
            self.by_size += float(np.einsum("ij,ij->", units, gradient, dtype=np.float64))
            gradient *= factor
            of_anchors[index] += gradient
            self._head.add_weight(z, units, every, of_keys, is_first=False)
        return losses
