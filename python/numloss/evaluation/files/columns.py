"""From the columns of a file to NumPy arrays, with the row of whatever is wrong in them."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa  # type: ignore[import-untyped]

from numloss.evaluation.errors import DataError, UsageError
from numloss.evaluation.files.source import Column, Source

Array: TypeAlias = npt.NDArray[Any]

_Types = pa.types


@dataclass(frozen=True)
class _Origin:
    """Where values come from."""

    source: Source
    name: str
    first_row: int
    per_row: int = 1
    hint: str = ""  # what to do about text

    def error(self, index: int, problem: str) -> DataError:
        row = self.first_row + index // self.per_row
        return self.source.error(problem, row=row, name=self.name)

    def type_error(self, kind: object) -> UsageError:
        return UsageError(str(self.source.error(f"holds no numbers, but {kind}", name=self.name)))


class NumberColumns:
    """Reads one column, or several that become the last axis, as numbers."""

    def __init__(self, source: Source, names: Sequence[str], text_hint: str = "") -> None:
        self.source = source
        self.names = tuple(names)
        self._text_hint = text_hint
        self._shapes: dict[str, tuple[int, ...]] = {}

    @property
    def name(self) -> str:
        """What to call the columns in a message."""
        return self.names[0] if len(self.names) == 1 else ",".join(self.names[:3])

    @property
    def width(self) -> int:
        """Numbers in a row, as far as known before reading."""
        return self.source.width(self.names)

    def read(self, chunk: Mapping[str, Column], first_row: int) -> Array:
        """Convert a chunk."""
        parts = [self._part(chunk[name], name, first_row) for name in self.names]
        if len(parts) == 1:
            return parts[0]
        for name, part in zip(self.names, parts, strict=True):
            if part.ndim > 1:
                raise UsageError(
                    f"{self.source.path}: {self.source.noun} {name} has several numbers in a row: "
                    "choose it alone"
                )
        return np.stack(parts, axis=1)

    def _part(self, column: Column, name: str, first_row: int) -> Array:
        values = _numbers(column, _Origin(self.source, name, first_row, hint=self._text_hint))
        shape = self._shapes.setdefault(name, values.shape[1:])
        if values.shape[1:] != shape:
            raise self.source.error(
                f"{values.shape[1]} numbers, where the rows before have {shape[0]}",
                row=first_row,
                name=name,
            )
        return values


class PositiveColumn(NumberColumns):
    """Reads a column of classes as booleans: one value is the positive class, all others not."""

    def __init__(self, source: Source, names: Sequence[str], positive: str) -> None:
        super().__init__(source, names)
        self._positive = positive
        self.seen = False

    def read(self, chunk: Mapping[str, Column], first_row: int) -> Array:
        """Convert a chunk."""
        origin = _Origin(self.source, self.names[0], first_row)
        column = _arrow(chunk[self.names[0]], origin)
        _refuse_missing(column, origin)
        import pyarrow.compute as pc  # type: ignore[import-untyped]

        result: Array = pc.equal(self._comparable(column), self._wanted(column)).to_numpy(
            zero_copy_only=False
        )
        self.seen = self.seen or bool(result.any())
        return result

    def _comparable(self, column: Any) -> Any:
        return column.cast(pa.float64()) if _is_number(column.type) else column.cast(pa.string())

    def _wanted(self, column: Any) -> Any:
        if not _is_number(column.type):
            lowered = _Types.is_boolean(column.type)
            return pa.scalar(self._positive.lower() if lowered else self._positive)
        try:
            return pa.scalar(float(self._positive))
        except ValueError:
            message = f"holds numbers, so --positive {self._positive!r} is none of them"
            raise UsageError(str(self.source.error(message, name=self.names[0]))) from None


def group_column(source: Source, name: str, chunk: Mapping[str, Column], first_row: int) -> Column:
    """Return the column that groups the rows, which must hold one value in each."""
    column = chunk[name]
    if isinstance(column, np.ndarray):
        if column.ndim == 1 and column.dtype.kind in "biufUSmM":
            return column
        if column.ndim == 1:
            raise _Origin(source, name, first_row).type_error(column.dtype)
    elif not _Types.is_nested(_stored(column).type):
        return column
    raise UsageError(
        str(source.error("has several values in a row, where one is needed", name=name))
    )


def _arrow(column: Column, origin: _Origin) -> Any:
    """Return a column of single values as an Arrow array, not encoded in any way."""
    if not isinstance(column, np.ndarray):
        column = _decoded(column)
        if not _Types.is_nested(column.type):
            return column
    if isinstance(column, pa.Array) or column.ndim > 1:
        message = "has several values in a row, where one is needed"
        raise UsageError(str(origin.source.error(message, name=origin.name)))
    if column.dtype.kind == "S":
        column = np.char.decode(column, "utf-8", "replace")
    if column.dtype.kind not in "biufU":
        raise origin.type_error(column.dtype)
    return pa.array(column.astype(column.dtype.newbyteorder("=")))


def _numbers(column: Column, origin: _Origin) -> Array:
    if isinstance(column, np.ndarray):
        return _from_numpy(column, origin)
    column = _decoded(column)
    _refuse_missing(column, origin)
    kind = column.type
    if _is_number(kind):
        return _from_numpy(_as_it_lies(column), origin)
    if _Types.is_boolean(kind):
        truth: Array = column.to_numpy(zero_copy_only=False)
        return truth
    if _Types.is_decimal(kind):
        return _from_numpy(column.cast(pa.float64()).to_numpy(), origin)
    if _Types.is_fixed_size_list(kind) or _Types.is_list(kind) or _Types.is_large_list(kind):
        return _vectors(column, origin)
    if origin.source.is_text and _Types.is_string(kind):
        return _parsed(column, origin)
    raise origin.type_error(f"text{origin.hint}" if _is_text(kind) else kind)


def _from_numpy(values: Array, origin: _Origin) -> Array:
    """Keep the types that losses take; the result for a float16 would have too few digits."""
    if values.dtype.kind not in "biuf":
        raise origin.type_error(values.dtype)
    if values.dtype.kind == "f" and values.dtype.itemsize not in (4, 8):
        values = values.astype(np.float32 if values.dtype.itemsize == 2 else np.float64)
    return values


def _stored(column: Any) -> Any:
    return column.storage if isinstance(column, pa.ExtensionArray) else column


def _decoded(column: Any) -> Any:
    column = _stored(column)
    if _Types.is_dictionary(column.type):
        column = column.dictionary_decode()
    return column


def _as_it_lies(column: Any) -> Array:
    """Return numbers, none of them missing, without copying: `to_numpy` would import pandas."""
    dtype = np.dtype(column.type.to_pandas_dtype())
    return np.frombuffer(
        column.buffers()[1] or b"", dtype, len(column), column.offset * dtype.itemsize
    )


def _is_number(kind: Any) -> bool:
    return bool(_Types.is_integer(kind) or _Types.is_floating(kind))


def _is_text(kind: Any) -> bool:
    return bool(_Types.is_string(kind) or _Types.is_large_string(kind))


def _refuse_missing(column: Any, origin: _Origin) -> None:
    if column.null_count:
        import pyarrow.compute as pc

        raise origin.error(pc.index(column.is_null(), True).as_py(), "missing value")


def _vectors(column: Any, origin: _Origin) -> Array:
    """Convert lists, which must all be as long."""
    if len(column) == 0:
        return np.zeros((0, 1))
    import pyarrow.compute as pc

    lengths = pc.list_value_length(column).to_numpy(zero_copy_only=False)
    width = int(lengths[0])
    uneven = np.flatnonzero(lengths != width)
    if len(uneven):
        raise origin.error(
            int(uneven[0]),
            f"{lengths[uneven[0]]} numbers, where the rows before have {width}",
        )
    if width == 0:
        raise origin.error(0, "an empty list")
    values = _numbers(column.flatten(), replace(origin, per_row=origin.per_row * width))
    return values.reshape(len(column), width, *values.shape[1:])


def _parsed(text: Any, origin: _Origin) -> Array:
    """Parse numbers, booleans, or lists of numbers such as ``[0.5, 1]``."""
    if (values := _cast(text, pa.float64())) is not None:
        return values
    import pyarrow.compute as pc

    text = pc.utf8_trim_whitespace(text)
    for kind in (pa.float64(), pa.bool_()):
        if (values := _cast(text, kind)) is not None:
            return values
    if text[0].as_py().startswith("["):
        inside = pc.utf8_trim(text, "[] \t\r\n")
        return _vectors(pc.split_pattern_regex(inside, r"[\s,;]+"), origin)
    bad = bisect_left(
        range(1, len(text) + 1), True, key=lambda n: _cast(text[:n], pa.float64()) is None
    )
    raise origin.error(bad, f"{text[bad].as_py()[:60]!r} is not a number{origin.hint}")


def _cast(text: Any, kind: Any) -> Array | None:
    try:
        values: Array = text.cast(kind).to_numpy(zero_copy_only=False)
    except pa.ArrowInvalid:
        return None
    return values
