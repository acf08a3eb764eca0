"""Ids of rows, and where in a file the row of an id stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]

from numloss.evaluation.errors import DataError
from numloss.evaluation.files.columns import Array, numbers_as_they_lie, single_column
from numloss.evaluation.files.source import Column, Source
from numloss.evaluation.identities import mixed
from numloss.evaluation.tables import printable

_Types = pa.types
#: What ids are.
NUMBERS, TEXT = "whole numbers", "text"
_WHOLE = r"^[+-]?[0-9]+(?:\.0*)?$"
# Texts that are hashed at a time, which takes some 50 bytes for each beside its letters.
_SOME = 1 << 16
# Floats below are told apart.
_EXACT = 2.0**53
# Of a word of 8 bytes, those that belong to a text with so many left.
_MASKS = np.array([(1 << 8 * size) - 1 for size in range(9)], np.uint64)

#: What a row has for the row of another file if there is none.
MISSING, UNLIKE, LACKING, TWICE = -1, -2, -3, -4


@dataclass(frozen=True)
class Ids:
    """The ids of some rows: whole numbers of 64 bits, or text as bytes."""

    numbers: Array | None
    text: Any  # an Arrow array of large_binary
    faults: Array  # 0, `MISSING` or `UNLIKE`

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.faults)

    @cached_property
    def keys(self) -> Array:
        """The numbers, or 64 bits of each text, of which two may share them."""
        if self.numbers is not None:
            return self.numbers
        parts = [self.text.slice(at, _SOME) for at in range(0, len(self.text), _SOME)]
        return np.concatenate([np.empty(0, np.uint64), *map(_hashes, parts)])

    def equal(self, other: Ids) -> bool:
        """Whether all rows have an id, the same one in both."""
        if len(self) != len(other) or self.faults.any() or other.faults.any():
            return False
        if self.numbers is None or other.numbers is None:
            return bool(self.text.equals(other.text))
        numbers, outside = _as_type(self.numbers, other.numbers.dtype)
        return not outside.any() and np.array_equal(numbers, other.numbers)

    @classmethod
    def joined(cls, parts: Sequence[Ids]) -> Ids:
        """Put rows one after the other. Numbers below 0 and above 2**63 are too far apart."""
        faults = np.concatenate([part.faults for part in parts])
        if parts[0].numbers is None:
            text = pa.chunked_array([part.text for part in parts]).combine_chunks()
            return cls(None, text, faults)
        arrays = [part.numbers for part in parts if part.numbers is not None]
        kind = max((array.dtype for array in arrays), key=lambda kind: kind.kind == "u")
        pairs = [_as_type(array, kind) for array in arrays]
        outside = np.concatenate([outside for _, outside in pairs])
        faults[outside & (faults == 0)] = UNLIKE
        return cls(np.concatenate([numbers for numbers, _ in pairs]), None, faults)


@dataclass(frozen=True)
class IdColumn:
    """A column of ids. Of a text file they may be whole numbers, as those of another file are."""

    source: Source
    name: str
    as_numbers: bool = False

    def kind(self, column: Column) -> str | None:
        """Say what the ids are, if that can be told."""
        kind = single_column(column, self.source, self.name).type
        if _Types.is_integer(kind) or _Types.is_floating(kind):
            return NUMBERS
        if _is_text(kind):
            return TEXT
        return None if _Types.is_null(kind) else str(kind)

    def beside(self, column: Column, other: IdColumn, others: Column) -> IdColumn:
        """Return the column as one whose ids are compared with those of another, by first rows."""
        mine, theirs = self.kind(column), other.kind(others)
        if self.source.is_text:
            return IdColumn(self.source, self.name, theirs == NUMBERS)
        if not (other.source.is_text or mine == theirs or None in (mine, theirs)):
            raise self.source.error(
                f"{self.shown(column, 0)}: ids are {mine}, where those of {other.source.file} are "
                f"{theirs}: {other.shown(others, 0)}",
                row=0,
                name=self.name,
            )
        return self

    def read(self, column: Column) -> Ids:
        """Return the ids of some rows."""
        ids = single_column(column, self.source, self.name)
        missing = np.zeros(len(ids), bool)
        if ids.null_count:
            missing = ids.is_null().to_numpy(zero_copy_only=False)
        if _Types.is_integer(ids.type):
            return Ids(_narrow(numbers_as_they_lie(_filled(ids, 0))), None, _faults(missing))
        if _Types.is_floating(ids.type):
            return _of_floats(numbers_as_they_lie(_filled(ids, np.nan)))
        if self.source.is_text:
            return self._of_text_file(_filled(ids, ""))
        return Ids(None, self._bytes(ids), _faults(missing))

    def _of_text_file(self, text: Any) -> Ids:
        import pyarrow.compute as pc  # type: ignore[import-untyped]

        trimmed = pc.utf8_trim_whitespace(text)
        missing = pc.equal(trimmed, "").to_numpy(zero_copy_only=False)
        if not self.as_numbers:
            return Ids(None, self._bytes(text), _faults(missing))
        numbers, whole = _parsed(trimmed)
        return Ids(_narrow(numbers), None, _faults(missing, whole))

    def _bytes(self, ids: Any) -> Any:
        """Return ids that are no numbers as text, or as the bytes they are."""
        if _Types.is_null(ids.type):
            return pa.nulls(len(ids), pa.large_binary())
        try:
            if not _is_bytes(ids.type):
                ids = ids.cast(pa.large_string())
            return ids.cast(pa.large_binary())
        except pa.ArrowException:
            raise self.source.misuse(f"holds no ids, but {ids.type}", self.name) from None

    def shown(self, column: Column, index: int) -> str:
        """Write an id for a message."""
        ids = single_column(column[index : index + 1], self.source, self.name)
        if _is_bytes(ids.type):
            return _shown_text(self._bytes(ids)[0].as_py())
        return printable(ids[0].as_py())[:60]

    def fault(self, column: Column, row: int, index: int, place: int, other: Source) -> DataError:
        """Say why a row has no row in another file."""
        shown = self.shown(column, index)
        problem = {
            MISSING: "missing value",
            UNLIKE: f"{shown} is no whole number of 64 bits, as ids that are numbers must be",
            LACKING: f"{shown} is in no row of {other.file}",
            TWICE: f"{shown} is in a row before, too: an id names one row",
        }[place]
        return self.source.error(problem, row=row, name=self.name)


class Index:
    """The rows of a file by their ids."""

    def __init__(self, ids: Ids) -> None:
        self._text = ids.text
        order = np.argsort(ids.keys, kind="stable")
        self._keys = ids.keys[order]
        self._order = order.astype(np.int32) if len(order) < 1 << 31 else order
        self._run = 1  # keys that may be equal, one after the other
        #: Two rows of one id, if there are any: the second one is the first such row.
        self.twice = self._doubles()

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self._keys)

    def _doubles(self) -> tuple[int, int] | None:
        while self._run < len(self._keys):
            at = np.flatnonzero(self._keys[self._run :] == self._keys[: -self._run])
            if not len(at):
                break
            first, second = self._order[at], self._order[at + self._run]
            same = self._same(first, _some(self._text, second))
            if same.any():
                least = int(np.argmin(np.where(same, second, len(self._keys))))
                return int(first[least]), int(second[least])
            self._run += 1
        return None

    def _same(self, rows: Array, text: Any) -> Array:
        """Whether rows whose keys are equal have the ids that are given."""
        if text is None or self._text is None:
            return np.ones(len(rows), bool)
        import pyarrow.compute as pc

        same = pc.equal(self._text.take(pa.array(rows)), text)
        found: Array = same.fill_null(False).to_numpy(zero_copy_only=False)
        return found

    def find(self, ids: Ids) -> Array:
        """Return the row of each id, or what is the matter with it."""
        keys, outside = _as_type(ids.keys, self._keys.dtype)
        order = np.argsort(keys)  # neighbours are looked for near one another
        begin = np.empty(len(keys), np.int64)
        begin[order] = np.searchsorted(self._keys, keys[order])
        found = np.full(len(ids), LACKING)
        for step in range(self._run):
            at = np.minimum(begin + step, len(self._keys) - 1)
            candidates = np.flatnonzero(~outside & (self._keys[at] == keys) & (found < 0))
            rows = self._order[at[candidates]]
            same = self._same(rows, _some(ids.text, candidates))
            found[candidates[same]] = rows[same]
        return np.where(ids.faults < 0, ids.faults, found)

    def shown(self, row: int) -> str:
        """Write the id of a row for a message."""
        if self._text is not None:
            return _shown_text(self._text[row].as_py())
        return str(self._keys[np.flatnonzero(self._order == row)[0]])


def _faults(missing: Array, whole: Array | None = None) -> Array:
    """Return what is the matter with each id: `MISSING`, `UNLIKE` those that are whole, or 0."""
    found = np.zeros(len(missing), np.int8)
    if whole is not None:
        found[~whole] = UNLIKE
    found[missing] = MISSING
    return found


def _filled(ids: Any, value: Any) -> Any:
    return ids.fill_null(value) if ids.null_count else ids  # which would import slowly


class Distinct:
    """Finds out whether ids come again. Of whole numbers that rise, nothing has to be kept."""

    def __init__(self, may_forget: bool) -> None:
        self._may_forget = may_forget
        self._last: int | None = None
        self._runs: list[Array] = []  # of sorted keys, each shorter than the one before

    def adds(self, ids: Ids) -> bool:
        """Take in ids, unless one of them may have been there: the answer is then no."""
        keys = ids.keys
        if not len(keys):
            return True
        if ids.numbers is not None and self._may_forget and not self._runs:
            if bool((keys[1:] > keys[:-1]).all()) and self._is_above(int(keys[0])):
                self._last = int(keys[-1])
                return True
            if self._last is not None:  # those before are forgotten
                return False
        keys = np.sort(keys.view(np.uint64))
        if (keys[1:] == keys[:-1]).any() or any(_has_one_of(run, keys) for run in self._runs):
            return False
        while self._runs and len(self._runs[-1]) <= len(keys):
            keys = np.sort(np.concatenate([self._runs.pop(), keys]), kind="stable")
        self._runs.append(keys)
        return True

    def _is_above(self, key: int) -> bool:
        return self._last is None or key > self._last


def _has_one_of(run: Array, keys: Array) -> bool:
    at = np.minimum(np.searchsorted(run, keys), len(run) - 1)
    return bool((run[at] == keys).any())


def _some(text: Any, rows: Array) -> Any:
    return None if text is None else text.take(pa.array(rows))


def _is_text(kind: Any) -> bool:
    return bool(_Types.is_string(kind) or _Types.is_large_string(kind))


def _is_bytes(kind: Any) -> bool:
    return _is_text(kind) or "binary" in str(kind)


def _shown_text(text: bytes | None) -> str:
    return printable(repr((text or b"")[:200].decode("utf-8", "backslashreplace")))[:60]


def _narrow(numbers: Array) -> Array:
    """Return whole numbers as int64, or as uint64 where one does not fit."""
    if numbers.dtype != np.uint64 or not len(numbers) or numbers.max() < 1 << 63:
        return numbers.astype(np.int64)
    return numbers


def _as_type(numbers: Array, kind: np.dtype[Any]) -> tuple[Array, Array]:
    """Return whole numbers of 64 bits as those with a sign or without, and which do not fit."""
    if numbers.dtype == kind:
        return numbers, np.zeros(len(numbers), bool)
    # What does not fit has the highest bit in both.
    turned = numbers.astype(kind)
    return turned, numbers.view(np.int64) < 0


def _of_floats(values: Array) -> Ids:
    missing = np.isnan(values)
    whole = (np.trunc(values) == values) & (np.abs(values) < _EXACT)
    numbers = np.where(whole, values, 0).astype(np.int64)
    return Ids(numbers, None, _faults(missing, whole))


def _parsed(text: Any) -> tuple[Array, Array]:
    """Parse whole numbers, and say which are such."""
    import pyarrow.compute as pc

    try:
        return numbers_as_they_lie(text.cast(pa.int64())), np.ones(len(text), bool)
    except pa.ArrowInvalid:
        pass
    is_whole = pc.match_substring_regex(text, _WHOLE)
    plain = pc.replace_substring_regex(text, r"^\+|\.0*$", "")
    plain = pc.if_else(is_whole, plain, "0")
    whole: Array = is_whole.to_numpy(zero_copy_only=False)
    for kind in (pa.int64(), pa.uint64()):
        try:
            return numbers_as_they_lie(plain.cast(kind)), whole
        except pa.ArrowInvalid:
            continue
    # Numbers that do not fit, or that need a sign and those that leave no room for it.
    fits = [-(1 << 63) <= int(number[:400]) < 1 << 63 for number in plain.to_pylist()]
    plain = pc.if_else(pa.array(fits), plain, "0")
    return numbers_as_they_lie(plain.cast(pa.int64())), whole & fits


def _hashes(text: Any) -> Array:
    """Mix the bytes of each text, eight of all texts at a time."""
    offsets = np.frombuffer(text.buffers()[1], np.int64)[text.offset :][: len(text) + 1]
    lengths = np.diff(offsets)
    held = np.frombuffer(text.buffers()[2] or b"", np.uint8)[offsets[0] : offsets[-1]]
    padded = np.concatenate([held, np.zeros(8, np.uint8)])
    words: Array = np.ndarray(len(padded) - 7, "<u8", padded, strides=(1,))
    found = lengths.astype(np.uint64)
    rows, at = np.flatnonzero(lengths > 0), offsets[:-1] - offsets[0]
    begin = 0
    while len(rows):
        word = words[at[rows] + begin] & _MASKS[np.minimum(lengths[rows] - begin, 8)]
        found[rows] = mixed(found[rows], word)
        begin += 8
        rows = rows[lengths[rows] > begin]
    return found
