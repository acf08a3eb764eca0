"""The values that rows are grouped by, as arrays that the state takes: no work for each row."""

from __future__ import annotations

import re
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from numloss._core import EvaluationState

Key: TypeAlias = str | int | float | bool | None
Codes: TypeAlias = npt.NDArray[np.int32]


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


def _codes(state: EvaluationState, column: int, values: Any, name: str) -> Codes:
    if hasattr(values, "combine_chunks"):  # a chunked column of Arrow
        chunks = values.chunks
        parts = [_codes_of_arrow(state, column, chunk, name) for chunk in chunks]
        return np.concatenate(parts) if parts else np.zeros(0, np.int32)
    if hasattr(values, "buffers"):
        return _codes_of_arrow(state, column, values, name)
    if hasattr(values, "__arrow_c_array__") or hasattr(values, "__arrow_c_stream__"):
        import pyarrow as pa  # type: ignore[import-untyped]

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
        return state.codes_of_integers(column, np.ascontiguousarray(values, np.int64))
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
    missing = None
    if values.null_count:
        missing = np.asarray(values.is_null().to_numpy(zero_copy_only=False)).view(np.uint8)
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        width: type[np.int64 | np.int32] = np.int32
        if pa.types.is_large_string(kind):
            width = np.int64
        _, offsets, data = values.buffers()
        at: Any = np.frombuffer(
            offsets, width, len(values) + 1, values.offset * np.dtype(width).itemsize
        )
        text = np.frombuffer(data, np.uint8) if data is not None else np.zeros(0, np.uint8)
        return state.codes_of_text(column, at, text, missing)
    if pa.types.is_null(kind):
        return state.codes_of_reals(column, np.full(len(values), np.nan))
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
        return state.codes_of_integers(column, numbers.astype(np.int64), missing)
    if pa.types.is_nested(kind):
        raise GroupError(f"{name}: groups must be one value for each row, got {kind}")
    return _codes_of_arrow(state, column, values.cast(pa.string()), name)


def _codes_of_dictionary(state: EvaluationState, column: int, values: Any, name: str) -> Codes:
    """Give the values of a dictionary numbers, then look those of the rows up."""
    import pyarrow as pa

    dictionary, indices = values.dictionary, values.indices
    missing = np.zeros(len(indices), bool)
    if indices.null_count:
        missing = np.asarray(indices.is_null().to_numpy(zero_copy_only=False))
        indices = indices.fill_null(0)
    places = indices.to_numpy().astype(np.int64)
    if len(places) and not 0 <= places.min() <= places.max() < max(len(dictionary), 1):
        raise GroupError(f"{name}: an index is beyond its dictionary: the column is damaged")
    # A value that no row has is no group.
    used = np.unique(places[~missing])
    found = np.zeros(max(len(dictionary), 1), np.int32)
    found[used] = _codes_of_arrow(state, column, dictionary.take(pa.array(used)), name)
    codes: Codes = found[places]
    if missing.any():
        codes[missing] = _codes_of_arrow(state, column, pa.nulls(1, dictionary.type), name)[0]
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
