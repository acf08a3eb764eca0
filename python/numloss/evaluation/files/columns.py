"""From the columns of a file to NumPy arrays, with the row of whatever is wrong in them."""

from __future__ import annotations

import math
import re
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa  # type: ignore[import-untyped]

from numloss.evaluation.errors import DataError, UsageError
from numloss.evaluation.files.bins import Bins
from numloss.evaluation.files.source import Column, Source
from numloss.evaluation.tables import printable
from numloss.evaluation.wording import argument, either

Array: TypeAlias = npt.NDArray[Any]

_Types = pa.types
# Whole numbers up to it are float64 numbers.
_EXACT = 2**53
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_SEVERAL = "has several values in a row, where one is needed"
# Letters of a number written as text; converting longer ones takes long.
_LONGEST_NUMBER = 400


@dataclass(frozen=True)
class _Origin:
    """Where values come from."""

    source: Source
    name: str
    first_row: int
    hint: str = ""  # what to do about text
    starts: tuple[Array, ...] = ()  # of lists within lists: which value each begins with

    def error(self, index: int, problem: str) -> DataError:
        for starts in reversed(self.starts):
            index = int(np.searchsorted(starts, index, "right")) - 1
        return self.source.error(problem, row=self.first_row + index, name=self.name)

    def type_error(self, kind: object) -> UsageError:
        return self.source.misuse(f"holds no numbers, but {kind}", self.name)


#: The classes of a prediction, among the shapes that every row must have.
CLASSES = "classes"


@dataclass(frozen=True)
class Ragged:
    """Rows of unequally many values, as sentences of tokens are."""

    values: Array  # of all rows, one after the other
    lengths: Array

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.lengths)

    def row_of(self, index: int) -> int:
        """Return the row that a value stands in."""
        return int(np.searchsorted(np.cumsum(self.lengths), index, "right"))


class NumberColumns:
    """Reads one column, or several that become the last axis, as numbers."""

    def __init__(
        self,
        source: Source,
        names: Sequence[str],
        text_hint: str = "",
        class_names: Sequence[str] | None = None,
    ) -> None:
        self.source = source
        self.names = tuple(names)
        self._text_hint = text_hint
        self._class_names = class_names  # what text may say, if it is no number
        self._shapes: dict[str, tuple[int, ...]] = {}
        self._kinds: dict[str, str] = {}  # of text, by the first chunk
        #: Whether a row is a list, which may be longer than another one.
        self.varies = False

    def adopt(self, first: NumberColumns) -> None:
        """Share what the first chunk of another file has fixed."""
        self._shapes, self._kinds = first._shapes, first._kinds

    @property
    def fixed(self) -> dict[str, Any]:
        """What the rows so far have fixed: the shapes of rows, and what text holds."""
        return {
            **{f"shape {name}": shape for name, shape in self._shapes.items()},
            **{f"kind {name}": kind for name, kind in self._kinds.items()},
        }

    @fixed.setter
    def fixed(self, fixed: Mapping[str, Any]) -> None:
        for key, value in fixed.items():
            what, _, name = key.partition(" ")
            if what == "shape":
                self._shapes[name] = value
            else:
                self._kinds[name] = value

    @property
    def name(self) -> str:
        """What to call the columns in a message."""
        return self.names[0] if len(self.names) == 1 else ",".join(self.names[:3])

    @property
    def width(self) -> int:
        """Numbers in a row, as far as known before reading."""
        return self.source.width(self.names)

    def read(self, chunk: Mapping[str, Column], first_row: int) -> Array | Ragged:
        """Convert a chunk."""
        parts = [self._part(chunk[name], name, first_row) for name in self.names]
        if len(parts) == 1:
            return parts[0]
        arrays: list[Array] = []
        for name, part in zip(self.names, parts, strict=True):
            if isinstance(part, Ragged) or part.ndim > 1:
                raise UsageError(
                    f"{self.source.file}: {self.source.noun} {name} has several numbers in a row: "
                    "choose it alone"
                )
            arrays.append(part)
        return np.stack(arrays, axis=1)

    def _part(self, column: Column, name: str, first_row: int) -> Array | Ragged:
        origin = _Origin(self.source, name, first_row, hint=self._text_hint)
        values = self._values(column, origin)
        self.varies = self.varies or _is_list(column) or self._kinds.get(name) == "list"
        # The rows of a chunk may have one length by chance: of lists, those in them count.
        inside = values.values.shape[1:] if isinstance(values, Ragged) else values.shape[2:]
        if len(values.values if isinstance(values, Ragged) else values):
            self.hold(name, inside, first_row)
        return values

    def hold(self, name: str, shape: tuple[int, ...], row: int) -> None:
        """Refuse a shape that is another one than before, in any file."""
        before = self._shapes.setdefault(name, shape)
        if shape != before:
            raise self.source.error(
                f"{_product(shape)} numbers, where the rows before have {_product(before)}",
                row=row,
                name=self.name,
            )

    def holds_numbers(self, name: str) -> bool:
        """Whether the first row of a column of text was a number."""
        return self._kinds.get(name) == "number"

    def held(self, name: str) -> tuple[int, ...] | None:
        """Return the shape that `hold` was told first."""
        return self._shapes.get(name)

    def _values(self, column: Column, origin: _Origin) -> Array | Ragged:
        if self._class_names is None or self._kinds.get(origin.name) in ("number", "truth", "list"):
            return _numbers(column, origin, self._kinds)
        if isinstance(column, np.ndarray):
            if column.dtype.kind not in "US":
                return _numbers(column, origin, self._kinds)
        elif not _is_text(_decoded(column).type):
            return _numbers(column, origin, self._kinds)
        text = single_column(column, origin.source, origin.name)
        is_new = origin.source.is_text and len(text) > 0 and origin.name not in self._kinds
        if is_new and _kind_of_text(text) != "none":
            return _numbers(column, origin, self._kinds)
        self._kinds[origin.name] = "class"
        return _places_of(text, self._class_names, origin)


class ClassColumn(NumberColumns):
    """Reads a column of class names as their places among given ones."""

    def __init__(self, source: Source, names: Sequence[str], classes: Sequence[str]) -> None:
        super().__init__(source, names)
        self._classes = tuple(classes)

    def read(self, chunk: Mapping[str, Column], first_row: int) -> Array:
        """Convert a chunk."""
        origin = _Origin(self.source, self.names[0], first_row)
        column = single_column(chunk[self.names[0]], origin.source, origin.name)
        if _Types.is_floating(column.type):
            values = _whole(numbers_as_they_lie(column), origin)
            column = pa.array(values)
        if _Types.is_boolean(column.type):
            column = column.cast(pa.int8())
        text = column if _is_text(column.type) else column.cast(pa.string())
        return _places_of(text, self._classes, origin)


def _whole(values: Array, origin: _Origin) -> Array:
    bad = ~((np.trunc(values) == values) & (np.abs(values) < 2.0**53))
    if bad.any():
        index = int(np.argmax(bad))
        raise origin.error(index, f"a class must be a whole number or text, got {values[index]}")
    return values.astype(np.int64)


def _places_of(text: Any, classes: Sequence[str], origin: _Origin) -> Array:
    """Return the place of each text among the classes."""
    import pyarrow.compute as pc  # type: ignore[import-untyped]

    _refuse_missing(text, origin)
    if origin.source.is_text:
        text = pc.utf8_trim_whitespace(text)
    places = pc.index_in(text, value_set=pa.array(classes, text.type))
    if places.null_count:
        index = pc.index(places.is_null(), True).as_py()
        raise origin.error(
            index, f"{_text_at(text, index)!r} is none of the classes {', '.join(classes[:20])}"
        )
    return numbers_as_they_lie(places).astype(np.int64)


def _text_at(text: Any, index: int) -> str:
    """Return a text, whatever its bytes are."""
    raw: bytes = text[index].cast(pa.binary()).as_py()
    return printable(raw[:200].decode("utf-8", "backslashreplace"))[:60]


class PositiveColumn(NumberColumns):
    """Reads a column of classes as booleans: one value is the positive class, all others not."""

    def __init__(self, source: Source, names: Sequence[str], positive: str) -> None:
        super().__init__(source, names)
        self._positive = positive
        self.seen = False

    def read(self, chunk: Mapping[str, Column], first_row: int) -> Array:
        """Convert a chunk."""
        origin = _Origin(self.source, self.names[0], first_row)
        column = single_column(chunk[self.names[0]], origin.source, origin.name)
        _refuse_missing(column, origin)
        result = self._equal(column, origin)
        self.seen = self.seen or bool(result.any())
        return result

    def unseen(self) -> DataError:
        """Return the error for a positive value that no row has."""
        problem = f"no row holds the {argument('positive')} value"
        return self.source.error(problem, name=self.name)

    def _equal(self, column: Any, origin: _Origin) -> Array:
        """Compare whole numbers exactly, others as float64, all else as text."""
        import pyarrow.compute as pc

        kind = column.type
        if _Types.is_boolean(kind):
            column, wanted = column.cast(pa.string()), pa.scalar(self._positive.lower())
        elif _is_text(kind) and origin.source.is_text:
            return self._equal_text(column)
        elif _is_text(kind):
            wanted = pa.scalar(self._positive, kind)
        elif _is_number(kind):
            return self._equal_number(numbers_as_they_lie(column), origin)
        else:
            column, wanted = column.cast(pa.string()), pa.scalar(self._positive)
        result: Array = pc.equal(column, wanted).to_numpy(zero_copy_only=False)
        return result

    def _equal_text(self, column: Any) -> Array:
        """Compare text without spaces around it; numbers are equal however they are written."""
        import pyarrow.compute as pc

        wanted, text = self._positive.strip(), pc.utf8_trim_whitespace(column)
        found: Array = pc.equal(text, wanted).to_numpy(zero_copy_only=False)
        if _NUMBER.fullmatch(wanted):
            is_number = pc.match_substring_regex(text, f"^(?:{_NUMBER.pattern})$")
            numbers = pc.if_else(is_number, text, "nan").cast(pa.float64())
            equal = pc.equal(numbers, float(wanted)).to_numpy(zero_copy_only=False)
            # Whole numbers beyond 2**53 are told apart as text.
            found = found | (equal & (abs(float(wanted)) < 2.0**53))
        return found

    def _equal_number(self, values: Array, origin: _Origin) -> Array:
        wanted = self._number(origin)
        if values.dtype.kind == "f":
            missing = np.isnan(values)
            if missing.any():
                raise origin.error(
                    int(np.argmax(missing)), "NaN is neither the positive class nor another"
                )
            result: Array = values.astype(np.float64) == wanted
            return result
        limits = np.iinfo(values.dtype)
        if wanted != int(wanted) or not limits.min <= int(wanted) <= limits.max:
            return np.zeros(len(values), bool)
        exact: Array = values == values.dtype.type(int(wanted))
        return exact

    def _number(self, origin: _Origin) -> int | float:
        text = self._positive.strip()
        try:
            number = int(text) if re.fullmatch(r"[+-]?\d{1,30}", text) else float(text)
        except ValueError:
            number = math.nan
        if not math.isfinite(number):
            said = either(f"positive={self._positive!r}", f"--positive {self._positive!r}")
            raise self.source.misuse(f"holds numbers, so {said} is none of them", origin.name)
        return number


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
    raise source.misuse(_SEVERAL, name)


def binned_column(
    columns: NumberColumns, bins: Bins, chunk: Mapping[str, Column], first_row: int
) -> Column:
    """Return the lower edge of the bin that each row is in; what is missing is in none."""
    column = chunk[columns.name]
    if not isinstance(column, np.ndarray):
        column = _decoded(column)
        if column.null_count:
            if not _is_text(column.type):
                column = column.cast(pa.float64(), safe=False)
            column = column.fill_null("nan" if _is_text(column.type) else math.nan)
    values = columns.read({columns.name: column}, first_row)
    if isinstance(values, Ragged) or values.ndim > 1:
        raise columns.source.misuse(_SEVERAL, columns.name)
    beyond = (values > _EXACT) | (values < -_EXACT)
    if values.dtype.kind in "iu" and beyond.any():
        bad = int(np.argmax(beyond))
        raise columns.source.error(
            f"bins take whole numbers up to 2**53, got {values[bad]}",
            row=first_row + bad,
            name=columns.name,
        )
    return bins.lower_edges(values)


def first_difference(column: Column, other: Column) -> int | None:
    """Return the first row in which two columns differ.

    Missing values are equal, and so are a number and the text that says it.
    """
    both = (column, other)
    if all(isinstance(part, np.ndarray) for part in both):
        if np.array_equal(column, other):
            return None
    elif not any(isinstance(part, np.ndarray) for part in both) and column.equals(other):
        return None
    if _are_equal_numbers(*map(_as_floats, both)):
        return None
    mine, theirs = (
        map(_said, part.tolist() if isinstance(part, np.ndarray) else part.to_pylist())
        for part in both
    )
    pairs = zip(mine, theirs, strict=False)
    return next((i for i, (a, b) in enumerate(pairs) if a != b and (a == a or b == b)), None)


def _as_floats(column: Column) -> Array | None:
    """Return a column as float64 if it holds single numbers, or text that says some."""
    if not isinstance(column, np.ndarray):
        column = _decoded(column)
        if column.null_count:
            return None
        if _is_text(column.type):
            return _cast(column, pa.float64())
        if not _is_number(column.type):
            return None
        column = numbers_as_they_lie(column)
    return column.astype(np.float64) if column.dtype.kind in "iuf" else None


def _are_equal_numbers(first: Array | None, second: Array | None) -> bool:
    """Whether numbers are surely equal: as float64, beyond 2**53, others may be."""
    return (
        first is not None
        and second is not None
        and np.array_equal(first, second)
        and bool((np.abs(first) < _EXACT).all())
    )


def _said(value: Any) -> Any:
    """Return the number that a text says, or what it is."""
    if not isinstance(value, str):
        return value
    text = value.strip()
    for kind in (int, float):
        try:
            return kind(text) if len(text) < _LONGEST_NUMBER else value
        except ValueError:
            continue
    return value


def constant_column(value: str | None, bins: Bins | None, rows: int) -> Column:
    """Return a column that says the same in every row, or the bin of it."""
    if value is None:
        return pa.nulls(rows, pa.string()) if bins is None else np.full(rows, math.nan)
    if bins is None:
        return pa.DictionaryArray.from_arrays(np.zeros(rows, np.int8), pa.array([value]))
    try:
        edge = bins.lower_edges(np.array([float(value)]))
    except ValueError:
        raise DataError(
            f"{argument('by')}: the name of a folder says {printable(value)!r}, where bins need a "
            "number"
        ) from None
    return np.repeat(edge, rows)


def single_column(column: Column, source: Source, name: str) -> Any:
    """Return a column of single values as an Arrow array, not encoded in any way."""
    if not isinstance(column, np.ndarray):
        column = _decoded(column)
        if not _Types.is_nested(column.type):
            return column
    if isinstance(column, pa.Array) or column.ndim > 1:
        raise source.misuse(_SEVERAL, name)
    if column.dtype.kind == "S":
        column = np.char.decode(column, "utf-8", "backslashreplace")
    if column.dtype.kind not in "biufU":
        raise _Origin(source, name, 0).type_error(column.dtype)
    return pa.array(column.astype(column.dtype.newbyteorder("=")))


def _is_list(column: Column) -> bool:
    if isinstance(column, np.ndarray):
        return False
    kind = _stored(column).type
    return bool(_Types.is_list(kind) or _Types.is_large_list(kind))


def _product(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape)) or "single"


def _numbers(column: Column, origin: _Origin, kinds: dict[str, str]) -> Array | Ragged:
    if isinstance(column, np.ndarray):
        return _from_numpy(column, origin)
    column = _decoded(column)
    _refuse_missing(column, origin)
    kind = column.type
    if _is_number(kind):
        return _from_numpy(numbers_as_they_lie(column), origin)
    if _Types.is_boolean(kind):
        truth: Array = column.to_numpy(zero_copy_only=False)
        return truth
    if _Types.is_decimal(kind):
        return _from_numpy(column.cast(pa.float64()).to_numpy(), origin)
    if _Types.is_fixed_size_list(kind) or _Types.is_list(kind) or _Types.is_large_list(kind):
        return _vectors(column, origin, kinds)
    if _Types.is_struct(kind) and {field.name for field in kind} == _SPARK:
        return _spark_vectors(column, origin, kinds)
    if origin.source.is_text and _Types.is_string(kind):
        return _parsed(column, origin, kinds)
    raise origin.type_error(f"text{origin.hint}" if _is_text(kind) else kind)


def _from_numpy(values: Array, origin: _Origin) -> Array:
    """Keep the types that losses take."""
    if values.dtype == np.dtype("V2"):  # how NumPy writes the bfloat16 of ml_dtypes
        values = (values.view(np.uint16).astype(np.uint32) << np.uint32(16)).view(np.float32)
    if values.dtype.kind not in "biuf":
        kind = f"text{origin.hint}" if values.dtype.kind in "US" else values.dtype
        raise origin.type_error(kind)
    if values.dtype.kind == "f" and values.dtype.itemsize > 8:
        values = values.astype(np.float64)
    return values


def _stored(column: Any) -> Any:
    return column.storage if isinstance(column, pa.ExtensionArray) else column


def _decoded(column: Any) -> Any:
    column = _stored(column)
    if _Types.is_dictionary(column.type):
        column = column.dictionary_decode()
    return column


def numbers_as_they_lie(column: Any) -> Array:
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


def _vectors(column: Any, origin: _Origin, kinds: dict[str, str]) -> Array | Ragged:
    """Convert lists: to an axis where all are as long."""
    if len(column) == 0:
        return np.zeros((0, 1))
    import pyarrow.compute as pc

    lengths = pc.list_value_length(column).to_numpy(zero_copy_only=False).astype(np.int64)
    starts = np.concatenate([[0], np.cumsum(lengths)])
    inside = replace(origin, starts=(*origin.starts, starts[:-1]))
    flat = column.flatten()
    if len(flat) == 0:  # perhaps of no type
        return Ragged(np.zeros((0, 1) if _Types.is_nested(flat.type) else 0), lengths)
    values = _numbers(flat, inside, {origin.name: "number"})
    if isinstance(values, Ragged):
        bad = int(np.argmax(values.lengths != values.lengths[0]))
        raise inside.error(
            bad,
            f"{values.lengths[bad]} numbers, where the lists before have {values.lengths[0]}",
        )
    width = int(lengths[0])
    if (lengths != width).any() or width == 0:
        return Ragged(values, lengths)
    return values.reshape(len(column), width, *values.shape[1:])


#: Fields of a vector of Spark's machine learning.
_SPARK = {"type", "size", "indices", "values"}


def _spark_vectors(column: Any, origin: _Origin, kinds: dict[str, str]) -> Array | Ragged:
    """Convert vectors of Spark: dense ones (type 1), and sparse ones (0), which are filled up."""
    import pyarrow.compute as pc

    def field(name: str) -> Any:
        return pc.struct_field(column, name)

    def lengths_of(name: str) -> Array:
        lengths = pc.fill_null(pc.list_value_length(field(name)), 0)
        found: Array = lengths.to_numpy(zero_copy_only=False).astype(np.int64)
        return found

    kind = pc.fill_null(field("type"), -1).to_numpy(zero_copy_only=False)
    dense = kind == 1
    missing = field("values").is_null().to_numpy(zero_copy_only=False)
    _refuse(origin, (kind != 0) & ~dense, "a vector is dense (type 1) or sparse (0)")
    _refuse(origin, missing, "missing value")
    if dense.all():
        return _vectors(field("values"), origin, kinds)
    counts = lengths_of("values")
    sizes = pc.fill_null(field("size"), -1).to_numpy(zero_copy_only=False)
    sizes = np.where(dense, counts, sizes)
    width = int(sizes[0])
    _refuse(origin, sizes < 0, "a sparse vector has a size")
    _refuse(
        origin,
        sizes != width,
        f"a vector of another size than those before, which have {width}",
    )
    _refuse(
        origin,
        ~dense & (lengths_of("indices") != counts),
        "a vector with more indices than values, or fewer",
    )
    rows = np.repeat(np.arange(len(column)), counts)
    values, entries = field("values").flatten(), field("indices").flatten()
    for part, its_rows in ((values, rows), (entries, rows[~dense[rows]])):
        if part.null_count:
            bad = np.flatnonzero(part.is_null().to_numpy(zero_copy_only=False))[0]
            raise origin.error(int(its_rows[bad]), "missing value")
    places = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
    places[~dense[rows]] = entries.to_numpy(zero_copy_only=False)
    outside = np.flatnonzero((places < 0) | (places >= width))
    if len(outside):
        bad = int(outside[0])
        raise origin.error(int(rows[bad]), f"index {places[bad]} in a vector of {width} numbers")
    flat = rows * width + places
    twice = np.flatnonzero(np.diff(np.sort(flat)) == 0)
    if len(twice):
        raise origin.error(int(np.sort(flat)[twice[0]] // width), "an index that stands twice")
    found = np.zeros((len(column), width))
    found[rows, places] = values.to_numpy(zero_copy_only=False)
    return found


def _refuse(origin: _Origin, wrong: Array, problem: str) -> None:
    if wrong.any():
        raise origin.error(int(np.argmax(wrong)), problem)


def _kind_of_text(text: Any) -> str:
    """Tell what the first text of a column holds; all others must hold the same."""
    first = _text_at(text, 0).strip()
    if first.startswith("["):
        return "list"
    if first.lower() in ("true", "false"):
        return "truth"
    return "number" if _cast(text[:1], pa.float64()) is not None else "none"


def _parsed(text: Any, origin: _Origin, kinds: dict[str, str]) -> Array | Ragged:
    """Parse numbers, truth values, or lists of numbers such as ``[0.5, 1]``.

    The first row of a column says which of them it holds: what is read does not depend on where
    chunks end.
    """
    import pyarrow.compute as pc

    if len(text) == 0:
        return np.zeros(0)
    kind = kinds.setdefault(origin.name, _kind_of_text(text))
    if kind == "list":
        trimmed = pc.utf8_trim_whitespace(text)
        whole = pc.match_substring_regex(trimmed, r"^\[[^\[\]]*\]$")
        if not pc.all(whole).as_py():
            bad = pc.index(whole, False).as_py()
            raise origin.error(bad, f"{_text_at(text, bad)!r} is not a list of numbers")
        inside = pc.utf8_trim(trimmed, "[] \t\r\n")
        return _vectors(pc.split_pattern_regex(inside, r"[\s,;]+"), origin, kinds)
    if kind == "truth":
        lowered = pc.utf8_lower(pc.utf8_trim_whitespace(text))
        known = pc.is_in(lowered, value_set=pa.array(["true", "false"]))
        if not pc.all(known).as_py():
            bad = pc.index(known, False).as_py()
            raise origin.error(bad, f"{_text_at(text, bad)!r} is neither true nor false")
        truth: Array = pc.equal(lowered, "true").to_numpy(zero_copy_only=False)
        return truth
    if (values := _cast(text, pa.float64())) is not None:
        return values
    bad = bisect_left(
        range(1, len(text) + 1), True, key=lambda n: _cast(text[:n], pa.float64()) is None
    )
    raise origin.error(bad, f"{_text_at(text, bad)!r} is not a number{origin.hint}")


def _cast(text: Any, kind: Any) -> Array | None:
    """Parse text, with spaces around it if need be."""
    for trimmed in (False, True):
        if trimmed:
            import pyarrow.compute as pc

            text = pc.utf8_trim_whitespace(text)
        try:
            return numbers_as_they_lie(text.cast(kind))
        except pa.ArrowInvalid:
            continue
    return None
