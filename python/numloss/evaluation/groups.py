"""The values that rows are grouped by, as arrays that the state takes: no work for each row."""

from __future__ import annotations

import re
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from numloss._core import EvaluationState, codes_of_dictionary, used_of_dictionary

Key: TypeAlias = str | int | float | bool | None
Codes: TypeAlias = npt.NDArray[np.int32]

# The mark of a text that gets no number, as csrc/evaluation/keys.hpp has it.
_UNUSED = 2


class GroupError(ValueError):
    """A column that rows are grouped by holds what cannot be compared."""


def codes_of(state: EvaluationState, column: int, values: Any, name: str) -> Codes:
    """Give the values of a column of groups numbers; each new one gets the next number.

    `values` is an array of numbers, text, truth values or dates, a list, a column of pandas, polars
    or Arrow. None, NaN and nulls are one group.
    """
    try:
        return _codes(state, column, values, name)
    except ValueError as error:
        if isinstance(error, GroupError):
            raise
        raise GroupError(f"{name}: {error}") from error


def integers_of(values: Any) -> npt.NDArray[np.int64] | None:
    """Return a column of whole numbers none of which is missing, or None of any other column."""
    if hasattr(values, "buffers") and not hasattr(values, "dictionary"):
        import pyarrow as pa  # type: ignore[import-untyped]

        kind = values.type
        if not pa.types.is_integer(kind) or values.null_count or pa.types.is_uint64(kind):
            return None
        dtype = np.dtype(kind.to_pandas_dtype())
        offset = values.offset * dtype.itemsize
        values = np.frombuffer(values.buffers()[1], dtype, len(values), offset)
    if isinstance(values, np.ndarray) and values.dtype.kind in "iu" and values.dtype != np.uint64:
        return values.astype(np.int64)
    return None


def _codes(state: EvaluationState, column: int, values: Any, name: str) -> Codes:
    if hasattr(values, "combine_chunks"):  # a chunked column of Arrow
        chunks = values.chunks
        parts = [_codes_of_arrow(state, column, chunk, name) for chunk in chunks]
        return np.concatenate(parts) if parts else np.zeros(0, np.int32)
    if hasattr(values, "buffers"):
        return _codes_of_arrow(state, column, values, name)
    if hasattr(values, "__arrow_c_array__") or hasattr(values, "__arrow_c_stream__"):
        import pyarrow as pa

        return _codes(state, column, pa.chunked_array(values), name)
    if hasattr(values, "array") and hasattr(values, "to_numpy"):  # pandas: categories, text
        values = _from_pandas(values)
    return _codes_of_array(state, column, np.asarray(values), name)


def _from_pandas(values: Any) -> Any:
    kind = values.dtype
    if getattr(kind, "name", "") == "category":
        categories = np.asarray(values.cat.categories)
        taken = categories.astype(object)[values.cat.codes.to_numpy()]
        taken[values.isna().to_numpy()] = None
        return taken
    return values.to_numpy()


def _codes_of_array(state: EvaluationState, column: int, values: Any, name: str) -> Codes:
    if values.ndim != 1:
        raise GroupError(f"{name}: groups must be one value for each row, got shape {values.shape}")
    kind = values.dtype.kind
    if kind == "b":
        return state.codes_of_integers(column, values.astype(np.int64), truth_values=True)
    if kind in "iu":
        if kind == "u" and values.itemsize == 8 and (values > np.iinfo(np.int64).max).any():
            raise GroupError(f"{name}: groups must be below 2**63: turn them into text")
        return state.codes_of_integers(column, _as_integers(values))
    if kind == "f":
        return state.codes_of_reals(column, np.ascontiguousarray(values, np.float64))
    if kind in "mM":
        missing = np.isnat(values)
        text = np.datetime_as_string(values) if kind == "M" else values.astype("U")
        return _codes_of_text(state, column, text, missing)
    if kind in "US":
        return _codes_of_text(state, column, values, None)
    if kind == "O":
        return _codes_of_objects(state, column, values, name)
    raise GroupError(f"{name}: groups must be numbers, text or truth values, got {values.dtype}")


def _as_integers(values: Any) -> npt.NDArray[np.int32] | npt.NDArray[np.int64]:
    """Return whole numbers as the state takes them: of 32 bits as they lie, others as 64."""
    if values.dtype == np.int32:
        return np.ascontiguousarray(values, np.int32)
    return np.ascontiguousarray(values, np.int64)


def _codes_of_text(state: EvaluationState, column: int, values: Any, missing: Any) -> Codes:
    """Give the state arrays of text of one width, without what fills them up."""
    encoded = np.char.encode(values, "utf-8") if values.dtype.kind == "U" else values
    width = max(encoded.dtype.itemsize, 1)
    encoded = np.ascontiguousarray(encoded).view(np.uint8).reshape(len(values), -1)
    lengths = np.char.str_len(encoded.view(f"S{width}").reshape(-1)) if encoded.size else 0
    offsets = np.zeros(len(values) + 1, np.int64)
    np.cumsum(np.broadcast_to(lengths, len(values)), out=offsets[1:])
    inside = np.arange(encoded.shape[1]) < np.reshape(lengths, (-1, 1))
    absent = None if missing is None else missing.view(np.uint8)
    return state.codes_of_text(column, offsets, encoded[inside], absent)


def _codes_of_objects(state: EvaluationState, column: int, values: Any, name: str) -> Codes:
    missing = np.array([v is None or v != v for v in values.tolist()], bool)
    present = values[~missing]
    if all(isinstance(v, (str, np.str_)) for v in present):
        texts = [str(v).encode("utf-8", "surrogatepass") for v in np.where(missing, "", values)]
        offsets = np.zeros(len(texts) + 1, np.int64)
        np.cumsum([len(text) for text in texts], out=offsets[1:])
        data = np.frombuffer(b"".join(texts), np.uint8)
        return state.codes_of_text(column, offsets, data, missing.view(np.uint8))
    typed = np.array(present.tolist()) if len(present) else np.zeros(0, np.int64)
    if typed.dtype.kind not in "biuf" or typed.ndim != 1:
        raise GroupError(f"{name}: groups must be of one kind, numbers or text")
    if typed.dtype.kind == "f":
        reals = np.full(len(values), np.nan)
        reals[~missing] = typed
        return state.codes_of_reals(column, reals)
    integers = np.zeros(len(values), np.int64)
    integers[~missing] = typed
    truth_values = typed.dtype.kind == "b"
    return state.codes_of_integers(column, integers, missing.view(np.uint8), truth_values)


def _codes_of_arrow(state: EvaluationState, column: int, values: Any, name: str) -> Codes:
    import pyarrow as pa

    kind = values.type
    if isinstance(values, pa.ExtensionArray):
        return _codes_of_arrow(state, column, values.storage, name)
    if pa.types.is_dictionary(kind):
        return _codes_of_dictionary(state, column, values, name)
    if pa.types.is_null(kind):
        return state.codes_of_reals(column, np.full(len(values), np.nan))
    missing = _missing(values)
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return state.codes_of_text(column, *_text_of(values), missing)
    if pa.types.is_boolean(kind):
        numbers = values.fill_null(False) if missing is not None else values
        integers = numbers.to_numpy(zero_copy_only=False).astype(np.int64)
        return state.codes_of_integers(column, integers, missing, truth_values=True)
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        _, data = values.buffers()
        dtype = np.dtype(kind.to_pandas_dtype())
        numbers = np.frombuffer(data, dtype, len(values), values.offset * dtype.itemsize)
        if dtype.kind == "f":
            return state.codes_of_reals(column, numbers.astype(np.float64), missing)
        if missing is None:
            return _codes_of_array(state, column, numbers, name)
        return state.codes_of_integers(column, _as_integers(numbers), missing)
    if pa.types.is_nested(kind):
        raise GroupError(f"{name}: groups must be one value for each row, got {kind}")
    return _codes_of_arrow(state, column, values.cast(pa.string()), name)


def _missing(values: Any) -> npt.NDArray[np.uint8] | None:
    """Mark the nulls of an array of Arrow, if there are any; `is_null` would import much more."""
    if not values.null_count:
        return None
    end = values.offset + len(values)
    bits = np.frombuffer(values.buffers()[0], np.uint8)
    valid = np.unpackbits(bits, count=end, bitorder="little")[values.offset :]
    missing: npt.NDArray[np.uint8] = 1 - valid
    return missing


def _text_of(values: Any) -> tuple[Any, npt.NDArray[np.uint8]]:
    """Return where each text of an array of Arrow begins, and the text of all."""
    import pyarrow as pa

    width = np.dtype(np.int64 if pa.types.is_large_string(values.type) else np.int32)
    _, offsets, data = values.buffers()
    if offsets is None:  # as may be where there are no values
        return np.zeros(len(values) + 1, width), np.zeros(0, np.uint8)
    at = np.frombuffer(offsets, width, len(values) + 1, values.offset * width.itemsize)
    return at, np.frombuffer(data, np.uint8) if data is not None else np.zeros(0, np.uint8)


def _codes_of_dictionary(state: EvaluationState, column: int, values: Any, name: str) -> Codes:
    """Give the values of a dictionary numbers, then look those of the rows up."""
    import pyarrow as pa

    dictionary, indices = values.dictionary, values.indices
    kind = np.dtype(indices.type.to_pandas_dtype())
    places = np.frombuffer(indices.buffers()[1], kind, len(indices), indices.offset * kind.itemsize)
    if kind.kind == "u":
        places = places.astype(np.int64)
    missing = _missing(indices)
    try:
        used = used_of_dictionary(places, missing, len(dictionary))
    except IndexError as error:
        raise GroupError(
            f"{name}: an index is beyond its dictionary: the column is damaged"
        ) from error
    found = np.full(len(dictionary) + 1, -1, np.int32)
    found[:-1] = _codes_of_used(state, column, dictionary, used[:-1], name)
    if used[-1]:
        found[-1] = _codes_of_arrow(state, column, pa.nulls(1, dictionary.type), name)[0]
    return codes_of_dictionary(places, missing, found)


def _codes_of_used(
    state: EvaluationState, column: int, dictionary: Any, used: npt.NDArray[np.uint8], name: str
) -> Codes:
    """Give the values of a dictionary that rows have numbers: one that no row has is no group."""
    import pyarrow as pa

    if used.all():
        return _codes_of_arrow(state, column, dictionary, name)
    kind = dictionary.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        marks = np.where(used, 0, _UNUSED).astype(np.uint8)
        missing = _missing(dictionary)
        if missing is not None:
            marks[(missing != 0) & (used != 0)] = 1
        return state.codes_of_text(column, *_text_of(dictionary), marks)
    codes = np.full(len(dictionary), -1, np.int32)
    chosen = dictionary.take(pa.array(np.flatnonzero(used)))
    codes[used != 0] = _codes_of_arrow(state, column, chosen, name)
    return codes


def natural(name: str) -> list[str | int]:
    """Key that sorts ``logit_2`` before ``logit_10``."""
    parts = re.split(r"(\d{1,18})", name)
    return [int(part) if i % 2 else part for i, part in enumerate(parts)]


def sortable(key: Key) -> tuple[int, list[str | int] | float]:
    """Sort numbers by value, and text as people do: ``fold2`` before ``fold10``."""
    if key is None:
        return (2, 0.0)
    return (1, natural(key)) if isinstance(key, str) else (0, key)
