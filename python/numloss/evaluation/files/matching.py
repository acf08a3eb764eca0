"""Rows of another file, brought into the order of the first one by their ids."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]

from numloss.evaluation.files.columns import Array
from numloss.evaluation.files.ids import TWICE, Distinct, IdColumn, Ids, Index
from numloss.evaluation.files.source import Block, Column, rows_of_piece

_Types = pa.types
# Rows read at a time where all are kept.
_ROWS = 1 << 16
#: What the row of the other file is called among the columns of matched rows, as no column is.
PLACE = "\0place"


class Matcher:
    """Gives the rows of another file that have the ids of the first one's.

    As long as both have the same ids in the same order, each once, they are read side by side. From
    the first chunk on in which they have not, the other file is held in memory.
    """

    def __init__(self, mine: IdColumn, theirs: IdColumn, names: Sequence[str], rows: int) -> None:
        self._mine, self._theirs = mine, theirs
        self._names = list(names)  # columns that are wanted, without the one of ids
        self._stream: Iterator[Mapping[str, Column]] = theirs.source.chunks(
            self._wanted, rows, exact=True
        )
        self._begun = False
        self._distinct = Distinct(may_forget=not theirs.source.file.is_pipe)
        self._rest = False  # whether rows that were read have not been given
        self._in_step = 0  # rows before those that are looked up
        self._table: _Table | None = None
        self._places = array("q")  # of rows that were looked up

    @property
    def _wanted(self) -> list[str]:
        return list(dict.fromkeys([*self._names, self._theirs.name]))

    def close(self) -> None:
        """Close the other file."""
        if close := getattr(self._stream, "close", None):
            close()

    def piece(self, column: Column) -> Mapping[str, Column]:
        """Return the rows for the next ids of the first file, which come in their order."""
        if self._table is None:
            piece = next(self._stream, None)
            if piece is not None and len(column) < rows_of_piece(piece):  # perhaps of a limit
                piece = {name: values[: len(column)] for name, values in piece.items()}
                self._rest = True
            if piece is not None and self._agrees(column, piece[self._theirs.name]):
                self._in_step += len(column)
                return piece
            self._table = self._read()
        places = self._table.places(self._mine.read(column))
        self._places.frombytes(places.tobytes())
        names = [*self._names, PLACE]
        return Block(names, len(places), partial(self._table.rows, places))

    def finish(self) -> None:
        """Refuse rows of the other file that the first one lacks."""
        if self._table is None:
            if not self._rest and next(self._stream, None) is None:
                return
            self._table = self._read()
        self._table.refuse_rest(self._mine)

    def _agrees(self, column: Column, others: Column) -> bool:
        mine, theirs = self._mine, self._theirs
        if not self._begun:
            self._mine = mine.beside(column, theirs, others)
            self._theirs = theirs.beside(others, mine, column)
            self._begun = True
        ids = self._mine.read(column)
        return ids.equal(self._theirs.read(others)) and self._distinct.adds(ids)

    def _read(self) -> _Table:
        """Hold the other file, in which rows up to here have been given already."""
        self.close()
        source = self._theirs.source
        if source.file.is_pipe:
            raise source.error(
                "a pipe is read once: its ids must be those of "
                f"{self._mine.source.file}, in the same order, each once"
            )
        chunks = source.chunks(self._wanted, _ROWS, exact=True)
        table = _Table(self._theirs, self._names, chunks, self._in_step)
        source.place_of = self._place_of
        return table

    def _place_of(self, row: int) -> int:
        return row if row < self._in_step else self._places[row - self._in_step]


class _Table:
    """The columns of a file, and where the row of an id stands."""

    def __init__(
        self,
        ids: IdColumn,
        names: Sequence[str],
        chunks: Iterable[Mapping[str, Column]],
        given: int,
    ) -> None:
        self._ids = ids
        parts: dict[str, list[Column]] = {name: [] for name in names}
        known: list[Ids] = []
        rows = 0
        for chunk in chunks:
            known.append(self._checked(chunk[ids.name], rows))
            for name, columns in parts.items():
                columns.append(_long(chunk[name]))
            self._types = {name: _type_of(chunk[name]) for name in names}
            rows += rows_of_piece(chunk)
        if not rows:
            raise ids.source.error("no rows")
        joined = self._fitting(Ids.joined(known))
        known.clear()
        self._index = Index(joined)
        if self._index.twice:
            first, second = self._index.twice
            raise ids.source.error(
                f"{self._index.shown(second)} is in row {first}, too: an id names one row",
                row=second,
                name=ids.name,
            )
        self._columns = {name: _joined(parts.pop(name)) for name in names}
        self._given = np.zeros(rows, bool)
        self._given[:given] = True

    def _checked(self, column: Column, first_row: int) -> Ids:
        ids = self._ids.read(column)
        if ids.faults.any():
            index = int(np.argmax(ids.faults < 0))
            source, place = self._ids.source, int(ids.faults[index])
            raise self._ids.fault(column, first_row + index, index, place, source)
        return ids

    def _fitting(self, ids: Ids) -> Ids:
        if ids.faults.any():
            raise self._ids.source.error(
                "holds ids below 0 and above 2**63: they do not fit 64 bits",
                row=int(np.argmax(ids.faults < 0)),
                name=self._ids.name,
            )
        return ids

    def places(self, ids: Ids) -> Array:
        """Return the row of each id, or what is the matter with it; a row is given once."""
        places = self._index.find(ids)
        there = np.flatnonzero(places >= 0)
        order = there[np.argsort(places[there], kind="stable")]
        again = order[1:][places[order[1:]] == places[order[:-1]]]
        before = there[self._given[places[there]]]
        self._given[places[there]] = True
        places[again] = TWICE
        places[before] = TWICE
        return places

    def rows(self, places: Array) -> dict[str, Column]:
        """Return rows; where there is none, any."""
        at = np.maximum(places, 0)
        found = {
            name: _taken(column, at, self._types[name]) for name, column in self._columns.items()
        }
        return {**found, PLACE: places}

    def refuse_rest(self, first: IdColumn) -> None:
        """Refuse rows that were not given."""
        rest = len(self._given) - int(np.count_nonzero(self._given))
        if rest == 0:
            return
        row = int(np.argmin(self._given))
        more = {1: "", 2: ", nor is the id of 1 more row"}.get(
            rest, f", nor are the ids of {rest - 1} more rows"
        )
        raise self._ids.source.error(
            f"{self._index.shown(row)} is in no row of {first.source.file}{more}: both files must "
            "have the same rows",
            row=row,
            name=self._ids.name,
            matched=False,
        )


def places_of(
    mine: IdColumn, theirs: IdColumn, wanted: Mapping[int, Column], chunks: Iterable[Column]
) -> dict[int, int]:
    """Find the rows of another file that have the ids of some rows.

    Parameters
    ----------
    mine, theirs : IdColumn
        The columns of ids.
    wanted : mapping of int to an array
        The id of each row, as a column of one row.
    chunks : iterable of arrays
        The ids of the other file.
    """
    found: dict[int, int] = {}
    index, rows, first_row = None, list(wanted), 0
    for column in chunks:
        if index is None:
            some = wanted[rows[0]]
            mine, theirs = mine.beside(some, theirs, column), theirs.beside(column, mine, some)
            index = Index(Ids.joined([mine.read(wanted[row]) for row in rows]))
        places = index.find(theirs.read(column))
        for at in np.flatnonzero(places >= 0).tolist():
            found.setdefault(rows[places[at]], first_row + at)
        if len(found) == len(rows):
            break
        first_row += len(column)
    return found


def _type_of(column: Column) -> Any:
    return None if isinstance(column, np.ndarray) else column.type


def _long(column: Column) -> Column:
    """Return a column of text or lists as one that may hold more than 2**31 of what is in it."""
    if isinstance(column, np.ndarray):
        return column
    kind = column.type
    if _Types.is_string(kind):
        return column.cast(pa.large_string())
    if _Types.is_binary(kind):
        return column.cast(pa.large_binary())
    if _Types.is_list(kind):
        return column.cast(pa.large_list(kind.value_field))
    return column


def _joined(columns: list[Column]) -> Column:
    if isinstance(columns[0], np.ndarray):
        return np.concatenate(columns)
    return pa.chunked_array(columns).combine_chunks()


def _taken(column: Column, places: Array, kind: Any) -> Column:
    if isinstance(column, np.ndarray):
        return column[places]
    found = column.take(pa.array(places))
    return found if found.type == kind else found.cast(kind)
