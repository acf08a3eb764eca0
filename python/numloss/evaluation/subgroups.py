"""Sums of parts of the groups of an evaluation: of clusters, of buckets of rows, of bins."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from numloss._core import EvaluationState
from numloss.evaluation.groups import Codes, codes_of


class Subgroups:
    """Sums of some values by the groups of an evaluation and one column more.

    ``total`` has them by that column alone, and ``grouped`` by all. They are states such as the
    evaluation's own, without quantiles and rows, and merge and travel alike.
    """

    def __init__(self, values: int, by: Sequence[str], sums_alone: bool = False) -> None:
        self._by = by
        self.total = EvaluationState(values, 1, False, 0, sums_alone)
        self.grouped = None
        if by:
            self.grouped = EvaluationState(values, len(by) + 1, False, 0, sums_alone)

    @property
    def states(self) -> list[EvaluationState]:
        """The states, in their order."""
        return [self.total] if self.grouped is None else [self.total, self.grouped]

    def codes(
        self,
        columns: Sequence[Any],
        parts: Any,
        name: str,
        spread: Callable[[Codes], Codes] = lambda codes: codes,
    ) -> list[Codes]:
        """Give the rows numbers in each state, from the columns of groups and one more.

        Where that one has several values to a row, `spread` repeats the codes of the others.
        """
        # Every column is read before a state learns of groups.
        each = [[codes_of(self.total, 0, parts, name)]]
        if self.grouped is not None:
            state, last = self.grouped, len(self._by)
            groups = [spread(codes_of(state, i, columns[i], self._by[i])) for i in range(last)]
            each.append([*groups, codes_of(state, last, parts, name)])
        return [state.combine(codes) for state, codes in zip(self.states, each, strict=True)]


def in_groups(
    state: EvaluationState,
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int64]]:
    """Return the order of the keys, and in it the place of the group that each belongs to.

    A group is what all columns but the last have in common.
    """
    order = state.order()
    new = np.zeros(len(order), bool)
    for column in range(state.by - 1):
        codes = state.codes_of_groups(column, order)
        new[1:] |= codes[1:] != codes[:-1]
    return order, np.cumsum(new)
