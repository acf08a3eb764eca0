"""Sizes of the lists that rankings are made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from numloss._raise import Error

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


def group_sizes(ids: ArrayLike) -> NDArray[np.int64]:
    """Return the sizes of lists whose items lie one behind the other, for ``groups``.

    Parameters
    ----------
    ids : array-like
        The list of each item, such as the id of its query: equal ones lie side by side.

    Returns
    -------
    ndarray of int64
        The number of items of each list, in their order.

    Raises
    ------
    numloss.Error
        (a ValueError) If the ids have more than one axis, or one of them comes again behind
        another.

    Examples
    --------
    >>> import numloss
    >>> numloss.group_sizes(["a", "a", "a", "b", "c", "c"])
    array([3, 1, 2])
    """
    found = np.asarray(ids)
    if found.ndim != 1:
        raise Error(f"ids must have one axis, got shape {found.shape}", "ids")
    begins = np.flatnonzero(np.concatenate([[True], found[1:] != found[:-1]]))[: found.size]
    _, first = np.unique(found[begins], return_index=True)
    if first.size < begins.size:
        again = np.setdiff1d(np.arange(begins.size), first)[0]
        raise Error(
            "ids must lie side by side: sort the items by them, got"
            f" {found[begins[again]]} again at index {begins[again]}",
            "ids",
        )
    return np.diff(np.append(begins, found.size))
