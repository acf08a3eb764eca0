"""Arrays of other libraries: over their memory where that can be had, and where they hold nulls.

A null is the place of a number that is missing: Arrow's columns mark it in a bitmap, and what their
memory holds there means nothing. NaN is a number; a column of pandas' in a type of NumPy's has no
nulls.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from numloss import _core
from numloss._raise import Error, InputTypeError

#: What makes rows of Arrow's lists, whose type does not say that all are of one length.
_FIXED_LENGTH = (
    ": cast lists of one length n to a type that says so, pyarrow.list_(type, n) or polars.Array"
)

#: Which rows of an array hold numbers alone; None: all of them.
Rows = NDArray[np.bool_] | None


def read(name: str, value: Any) -> NDArray[Any]:
    """Return the array that something stands for; nulls are refused."""
    values, rows = split(name, value)
    if rows is None:
        return values
    row = int(np.argmin(rows))
    problem = f"{name} must hold real numbers, got a null"
    fix = ": numloss.nulls_to_weight gives such rows weight 0"
    raise InputTypeError(f"{problem} in row {row}{fix}", name, (row,), problem, fix, "null")


def split(name: str, value: Any) -> tuple[NDArray[Any], Rows]:
    """Return the array that something stands for, and which of its rows hold no null.

    The numbers of a row with a null mean nothing.
    """
    kind: Any = type(value)
    try:
        return _way(kind)(name, value)
    except (Error, MemoryError):
        raise
    except _core.UnusableError as error:
        fix = _FIXED_LENGTH if str(error).endswith(("'+l'", "'+L'")) else ""
        raise InputTypeError(f"{name} {error}{fix}", name) from error
    except Exception as error:  # whatever an object's own methods raise
        refusal = InputTypeError if isinstance(error, TypeError) else Error
        raise refusal(
            f"{name} must be array-like, got {type(value).__name__}: {error}", name
        ) from error


# An exception that is a local name outlives the call, with all its arguments, in a cycle with the
# frame that its traceback holds: here it has a name in its own handler alone.


Way = Callable[[str, Any], tuple[NDArray[Any], Rows]]


@lru_cache(maxsize=64)
def _way(kind: type) -> Way:
    """Return how the objects of a type are read; those that come are of few types."""
    pandas: Any = sys.modules.get("pandas")
    if hasattr(pandas, "api"):  # which is the last to be imported
        if issubclass(kind, (pandas.Series, pandas.Index, pandas.api.extensions.ExtensionArray)):
            return _split_column
        if issubclass(kind, pandas.DataFrame):
            return _split_frame
    if hasattr(kind, "__arrow_c_array__"):
        return _split_arrow
    if hasattr(kind, "__arrow_c_stream__"):
        return _split_stream
    if hasattr(kind, "__dlpack_c_exchange_api__"):
        return _split_tensor
    return _split_plain


def all_of(rows: Iterable[Rows]) -> Rows:
    """Return which rows hold no null in any of several arrays of as many rows."""
    known = [x for x in rows if x is not None]
    return np.logical_and.reduce(known) if known else None


# ------------------------------------------------------------------------------------ Arrow, pandas


def _split_arrow(name: str, value: Any) -> tuple[NDArray[Any], Rows]:
    return _joined(name, value, [_core.from_arrow_array(*value.__arrow_c_array__())])


def _split_stream(name: str, value: Any) -> tuple[NDArray[Any], Rows]:
    return _joined(name, value, _core.from_arrow_stream(value.__arrow_c_stream__()))


def _joined(
    name: str, value: Any, pieces: list[tuple[NDArray[Any] | None, Rows, int]]
) -> tuple[NDArray[Any], Rows]:
    """Return the pieces of an Arrow column as one."""
    rows = None
    if any(x is not None for _, x, _ in pieces):
        rows = np.concatenate([np.ones(n, bool) if x is None else x for _, x, n in pieces])
    numbers = [x for x, _, _ in pieces if x is not None]
    if not numbers:  # a table, or a column of an extension type: they know their own array
        return _from_dlpack(value) if _gives_dlpack(value) else _ask(name, value), rows
    return numbers[0] if len(numbers) == 1 else np.concatenate(numbers), rows


def _split_column(name: str, column: Any) -> tuple[NDArray[Any], Rows]:
    """Return a column of pandas', which fills the places of its nulls itself."""
    if isinstance(column.dtype, np.dtype):
        return _ask(name, column), None
    own = getattr(column, "array", column)
    rows = ~np.asarray(own.isna())
    if rows.all():
        return _ask(name, own), None
    if not rows.any():
        return np.ones(len(own)), rows
    return _ask(name, own.fillna(own[rows][0])), rows


def _split_frame(name: str, frame: Any) -> tuple[NDArray[Any], Rows]:
    if all(isinstance(dtype, np.dtype) for dtype in frame.dtypes):
        return _ask(name, frame), None
    columns = [_split_column(name, column) for _, column in frame.items()]
    return np.stack([values for values, _ in columns], axis=-1), all_of(x for _, x in columns)


# ------------------------------------------------------------------------------- arrays and tensors


def _split_plain(name: str, value: Any) -> tuple[NDArray[Any], Rows]:
    return _ask(name, value), None


def _split_tensor(name: str, value: Any) -> tuple[NDArray[Any], Rows]:
    # The next one of its type is read before Python is asked.
    _core.remember_exchange(type(value), type(value).__dlpack_c_exchange_api__)
    lent = _core.from_exchange(value)
    return _ask(name, value) if lent is None else lent, None


def _ask(name: str, value: Any) -> NDArray[Any]:
    """Return the array that an object gives of itself, or that of its DLPack tensor."""
    try:
        # A view: its shape and type stay what they are whatever becomes of the caller's array.
        result: NDArray[Any] = np.asarray(value)[...]
    except MemoryError:
        raise
    except Exception as cause:  # whatever an object's own __array__ raises
        if _gives_dlpack(value):
            return _tensor(name, value, cause)
        raise
    if result.dtype == object and _gives_dlpack(value):
        return _tensor(name, value)
    return result


def _gives_dlpack(value: object) -> bool:
    return hasattr(type(value), "__dlpack__") and not issubclass(type(value), np.ndarray)


def _tensor(name: str, value: Any, cause: Exception | None = None) -> NDArray[Any]:
    """Take what gives no array of itself, for a reason that tells more than DLPack's may."""
    try:
        return _from_dlpack(value)
    except (MemoryError, _core.UnusableError):
        raise
    except ImportError as error:
        raise InputTypeError(
            f"{name} is a {type(value).__name__} that NumPy cannot read ({cause or error}); "
            "for bfloat16: pip install ml_dtypes",
            name,
        ) from error
    except Exception as error:
        raise InputTypeError(
            f"{name} must be array-like on the CPU, got {type(value).__name__}: {cause or error}",
            name,
        ) from error


def _from_dlpack(value: Any) -> NDArray[Any]:
    if hasattr(type(value), "is_neg") and value.is_neg():  # of which torch's tensors say nothing
        raise BufferError("its numbers are to be negated: use its resolve_neg()")
    try:
        capsule = value.__dlpack__(max_version=(1, 0))
    except TypeError as error:
        if "max_version" not in str(error) and "keyword" not in str(error):
            raise
        capsule = value.__dlpack__()  # from before there were versions
    return _core.from_dlpack(capsule)


# ------------------------------------------------------------------------------------------ results


def writeable(value: Any) -> NDArray[Any] | None:
    """Return the memory of an array of another library's, to write results to.

    None: it has none that is known to be its own, as a list or a column.
    """
    try:
        memory = _own_memory(value)
    except MemoryError:
        raise
    except Exception as error:  # whatever an object's own methods raise
        raise InputTypeError(
            f"out must be memory that can be written, got {type(value).__name__}: {error}", "out"
        ) from error
    if memory is not None and not memory.flags.writeable:
        raise InputTypeError(
            f"out must be memory that can be written, got {type(value).__name__}: "
            "it is read-only, or its library does not say that it is not",
            "out",
        )
    return memory


def _own_memory(value: Any) -> NDArray[Any] | None:
    if issubclass(type(value), np.generic):  # a number, of which one gets a copy
        return None
    if _gives_dlpack(value):
        return _from_dlpack(value)
    if hasattr(value, "__array_interface__"):
        lent: NDArray[Any] = np.asarray(value)
        return lent
    return None
