"""Rows of another file, brought into the order of the first one by their ids."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]

from numloss.evaluation.files.columns import Array
from numloss.evaluation.files.ids import NUMBERS, TEXT, TWICE, Distinct, IdColumn, Ids, Index
from numloss.evaluation.files.series import Rows
from numloss.evaluation.files.source import Block, Column, rows_of_piece

_Types = pa.types
# Rows read at a time where all are kept.
_ROWS = 1 << 16
#: What the row of the other file is called among the columns of matched rows, as no column is.
PLACE = "\0place"


class Matcher:
    """Gives the rows of another file that have the ids of the first one's, or first ones'.

    As long as both have the same ids in the same order, each once, they are read side by side. From
    the first chunk on in which they have not, the other file is held in memory.

    Parameters
    ----------
    theirs : IdColumn
        The ids of the other file.
    names : sequence of str
        The columns that are wanted of it.
    rows : int
        How many to read at a time.
    files : str
        What the first files are called.
    """

    def __init__(self, theirs: IdColumn, names: Sequence[str], rows: int, files: str) -> None:
        self._theirs, self._files = theirs, files
        self._names = list(names)  # columns that are wanted, without the one of ids
        self._rows = Rows(theirs.source, self._wanted, rows)
        self._mine: IdColumn | None = None
        self._first: Column | None = None  # ids of the other file by which its kind is known
        self._distinct = Distinct(may_forget=not theirs.source.file.is_pipe)
        self._in_step = 0  # rows before those that are looked up
        self._table: _Table | None = None
        self._places = array("q")  # of rows that were looked up

    @property
    def _wanted(self) -> list[str]:
        return list(dict.fromkeys([*self._names, self._theirs.name]))

    def close(self) -> None:
        """Close the other file."""
        self._rows.close()

    @property
    def given(self) -> int:
        """Rows that were given so far."""
        return self._in_step + len(self._places)

    def place_of(self) -> Callable[[int], int]:
        """Return what says where rows of a first file stand here that begins with the next row."""
        begin = self.given

        def place(row: int) -> int:
            at = begin + row - self._in_step
            return at + self._in_step if at < 0 or self._table is None else self._places[at]

        return place

    def pieces(self, mine: IdColumn, column: Column) -> Iterator[Mapping[str, Column]]:
        """Yield the rows for the next ids of a first file, as many at a time as lie together."""
        while self._table is None:
            piece = self._rows.take(len(column))
            length = 0 if piece is None else rows_of_piece(piece)
            if piece is None or not self._agrees(mine, column[:length], piece[self._theirs.name]):
                self._table = self._read()
                break
            self._in_step += length
            yield piece
            column = column[length:]
            if not len(column):
                return
        places = self._table.places(self._known(mine, column).read(column))
        self._places.frombytes(places.tobytes())
        names = [*self._names, PLACE]
        yield Block(names, len(places), partial(self._table.rows, places))

    def finish(self) -> None:
        """Refuse rows of the other file that the first one lacks."""
        if self._table is None:
            if self._rows.take(1) is None:
                return
            self._table = self._read()
        self._table.refuse_rest(self._files)

    def _known(self, mine: IdColumn, column: Column) -> IdColumn:
        """Return the ids of a first file as they are beside those of the other one."""
        if self._first is not None and (self._mine is None or self._mine.source is not mine.source):
            theirs = self._theirs
            self._mine = mine.beside(column, theirs, self._first)
        return self._mine or mine

    def _agrees(self, mine: IdColumn, column: Column, others: Column) -> bool:
        begins = self._first is None and len(others) > 0
        if begins:
            self._first = others[:1]
        ids = self._known(mine, column).read(column)
        if begins:
            self._theirs = self._theirs.beside(others, mine, column)
        theirs = self._theirs.read(others)
        _refuse_another_kind(self._theirs, theirs, ids, self._in_step)
        return ids.equal(theirs) and self._distinct.adds(ids)

    def _read(self) -> _Table:
        """Hold the other file, in which rows up to here have been given already."""
        self.close()
        source = self._theirs.source
        if source.file.is_pipe:
            raise source.error(
                f"a pipe is read once: its ids must be those of {self._files}, in the same order, "
                "each once"
            )
        chunks = source.chunks(self._wanted, _ROWS, exact=True)
        return _Table(self._theirs, self._names, chunks, self._in_step)


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
        types: dict[str, set[Any]] = {name: set() for name in names}
        rows = 0
        for chunk in chunks:
            known.append(self._checked(chunk[ids.name], rows))
            _refuse_another_kind(ids, known[-1], known[0], rows)
            for name, columns in parts.items():
                columns.append(_long(chunk[name]))
                types[name].add(_type_of(chunk[name]))
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
        self._columns = {name: self._joined(name, parts.pop(name)) for name in names}
        # What each column had in the file; what differs from file to file is as it was joined.
        self._types = {n: kinds.pop() if len(kinds) == 1 else None for n, kinds in types.items()}
        self._given = np.zeros(rows, bool)
        self._given[:given] = True

    def _checked(self, column: Column, first_row: int) -> Ids:
        ids = self._ids.read(column)
        if ids.faults.any():
            index = int(np.argmax(ids.faults < 0))
            source, place = self._ids.source, int(ids.faults[index])
            raise self._ids.fault(column, first_row + index, index, place, source)
        return ids

    def _joined(self, name: str, columns: list[Column]) -> Column:
        if isinstance(columns[0], np.ndarray):
            return np.concatenate(columns)
        if len({column.type for column in columns}) == 1:
            return pa.chunked_array(columns).combine_chunks()
        tables = [pa.table({name: column}) for column in columns]
        try:  # whole numbers in one file, and others in the next one
            joined = pa.concat_tables(tables, promote_options="permissive")
        except pa.ArrowException:
            kinds = " and ".join(dict.fromkeys(str(column.type) for column in columns))
            problem = f"holds {kinds}: rows that are looked up must be of one kind"
            raise self._ids.source.error(problem, name=name) from None
        return joined[name].combine_chunks()

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

    def refuse_rest(self, files: str) -> None:
        """Refuse rows that were not given: the first files lack them."""
        rest = len(self._given) - int(np.count_nonzero(self._given))
        if rest == 0:
            return
        row = int(np.argmin(self._given))
        more = {1: "", 2: ", nor is the id of 1 more row"}.get(
            rest, f", nor are the ids of {rest - 1} more rows"
        )
        raise self._ids.source.error(
            f"{self._index.shown(row)} is in no row of {files}{more}: both files must "
            "have the same rows",
            row=row,
            name=self._ids.name,
            matched=False,
        )


def _refuse_another_kind(column: IdColumn, ids: Ids, before: Ids, row: int) -> None:
    """Refuse text in a file where others have numbers, or the other way round."""
    if ids.faults.all() or before.faults.all():  # missing ones are of no kind
        return
    if (ids.numbers is None) != (before.numbers is None):
        kinds = [TEXT if one.numbers is None else NUMBERS for one in (ids, before)]
        raise column.source.error(
            f"ids are {kinds[0]}, where those before are {kinds[1]}",
            row=row,
            name=column.name,
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


def _taken(column: Column, places: Array, kind: Any) -> Column:
    if isinstance(column, np.ndarray):
        return column[places]
    found = column.take(pa.array(places))
    return found if kind is None or found.type == kind else found.cast(kind)
