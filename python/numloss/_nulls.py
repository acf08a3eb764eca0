"""Columns with nulls, which no loss reads: as arrays, and weights that leave such rows out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from numloss import _convert, _foreign
from numloss._raise import Error

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["nulls_to_weight"]


def nulls_to_weight(*columns: ArrayLike, weight: ArrayLike | None = None) -> tuple[Any, ...]:
    """Return columns as arrays, and a weight that is 0 in the rows where one of them has a null.

    A null is a number that is missing: in a column of Arrow's, of polars' or of a nullable type of
    pandas', or behind the mask of a masked array. Losses refuse it. NaN is a number and stays.

    Parameters
    ----------
    columns : array-like
        Any number of them: predictions, targets and what else goes to the loss, with the same
        number of rows.
    weight : array-like, optional
        Weight of each row, or a number; its nulls become 0 as well.

    Returns
    -------
    tuple
        The columns, in their order, then the weight. A column without nulls is an array over its
        own memory, as far as that can be had; one with nulls is copied, and holds in their rows
        the numbers of its first row without one. The weight is the one that was given, or None,
        where no row has a null; else an array: booleans, if none was given.

    Raises
    ------
    numloss.Error
        (a ValueError) If the columns differ in their number of rows.
    numloss.InputTypeError
        (a TypeError) If a column does not hold real numbers.

    Examples
    --------
    >>> import numpy as np
    >>> import numloss
    >>> target = np.ma.masked_array([1.0, 7.0, 0.0], mask=[False, True, False])
    >>> p, t, weight = numloss.nulls_to_weight([0.5, 2.0, 1.0], target)
    >>> weight
    array([ True, False,  True])
    >>> float(numloss.mse(p, t, weight=weight))
    0.625
    """
    split = [_column(f"columns[{i}]", column) for i, column in enumerate(columns)]
    arrays = [values for values, _ in split]
    lengths = {values.shape[0] for values in arrays}
    if len(lengths) > 1:
        found = " and ".join(map(str, sorted(lengths)))
        raise Error(f"columns must have the same number of rows, got {found}", "columns")
    given, rows_of_weight = (None, None) if weight is None else _split("weight", weight)
    rows = _foreign.all_of([*(rows for _, rows in split), rows_of_weight])
    if rows is None:
        return *arrays, given
    return *arrays, rows if given is None else _zero_but(rows, given)


def _column(name: str, column: ArrayLike) -> tuple[NDArray[Any], _foreign.Rows]:
    values, rows = _split(name, column)
    if values.ndim == 0:
        raise Error(f"{name} must have rows, got a number", "columns")
    return values, rows


def _split(name: str, column: ArrayLike) -> tuple[NDArray[Any], _foreign.Rows]:
    """Return numbers that a loss can read, and which rows hold no null."""
    if isinstance(column, np.ma.MaskedArray):
        values, mask = column.data, np.ma.getmaskarray(column)
        full: NDArray[np.bool_] = ~np.asarray(mask.any(axis=tuple(range(1, mask.ndim))))
        rows = None if full.all() else full
    else:
        values, rows = _foreign.split(name, column)
    if rows is not None:
        values = _filled(values, rows)
    return _convert.array(name, values), rows


def _filled(values: NDArray[Any], rows: NDArray[np.bool_]) -> NDArray[Any]:
    """Return a copy whose rows without a number are like the first that has some.

    Where a loss takes the numbers of one row, it takes these.
    """
    filled = values.copy()
    filled[~rows] = values[np.argmax(rows)] if rows.any() else 1
    return filled


def _zero_but(rows: NDArray[np.bool_], weight: NDArray[Any]) -> NDArray[Any]:
    """Return weights that are 0 in the other rows."""
    return np.where(rows.reshape(-1, *[1] * (weight.ndim - 1)), weight, weight.dtype.type(0))
