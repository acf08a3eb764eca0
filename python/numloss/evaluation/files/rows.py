"""Columns of a few rows, looked up once an evaluation has named the rows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from numloss.evaluation.errors import UsageError
from numloss.evaluation.files.inputs import Inputs
from numloss.evaluation.files.matching import places_of
from numloss.evaluation.files.source import Column, Source
from numloss.evaluation.names import chosen, closest, listed
from numloss.evaluation.wording import argument

# Rows read at a time while looking for some.
_ROWS = 1 << 16


def columns_of(inputs: Inputs, wanted: str) -> dict[Source, list[str]]:
    """Find columns, named as a list or by a pattern, in the files of an evaluation."""
    found: dict[Source, list[str]] = defaultdict(list)
    sources = inputs.sources
    for source in sources:
        if source.file.is_pipe:
            raise UsageError(
                f"{source.file}: a pipe is read once: {argument('worst_columns')} has nowhere to "
                "look rows up"
            )
    for part in (piece.strip() for piece in wanted.split(",")):
        names = [name for source in sources for name in source.names]
        holder = next((source for source in sources if _matches(part, source)), None)
        if holder is None:
            raise UsageError(
                f"{argument('worst_columns')}: no {part!r}{closest(part, names)}; {listed(names)}"
            )
        found[holder] += chosen(part, holder.names, str(holder.file))
    return dict(found)


def _matches(part: str, source: Source) -> bool:
    try:
        return bool(chosen(part, source.names, ""))
    except UsageError:
        return False


def rows_of(inputs: Inputs, wanted: str, rows: Iterable[int]) -> dict[int, dict[str, Any]]:
    """Return the values that some rows have in some columns.

    Parameters
    ----------
    inputs : Inputs
        The columns of a file of predictions, and of the files beside it.
    wanted : str
        Columns: a list with commas, or patterns.
    rows : iterable of int
        Which rows.

    Returns
    -------
    dict of int to dict
        Values by name, for each row.
    """
    ordered = sorted(set(rows))
    found: dict[int, dict[str, Any]] = {row: {} for row in ordered}
    for source, names in columns_of(inputs, wanted).items():
        places = _places(inputs, source, ordered)
        rows_at = {place: row for row, place in places.items()}
        for place, values in _looked_up(source, names, sorted(rows_at)):
            found[rows_at[place]].update(values)
    return found


def _places(inputs: Inputs, source: Source, rows: Sequence[int]) -> dict[int, int]:
    """Return which rows of a source belong to rows of the predictions."""
    if inputs.ids is None or source is not inputs.ids[1].source or not rows:
        return {row: source.place_of(row) for row in rows}
    mine, theirs = inputs.ids
    wanted = {row: ids[mine.name] for row, ids in _pieces(mine.source, [mine.name], rows)}
    chunks = (chunk[theirs.name] for chunk in source.chunks([theirs.name], _ROWS))
    return places_of(mine, theirs, wanted, chunks)


def _looked_up(
    source: Source, names: Sequence[str], rows: Sequence[int]
) -> Iterator[tuple[int, dict[str, Any]]]:
    for row, columns in _pieces(source, names, rows):
        yield row, {name: _value(columns[name], 0) for name in names}


def _pieces(
    source: Source, names: Sequence[str], rows: Sequence[int]
) -> Iterator[tuple[int, dict[str, Column]]]:
    """Return each row as columns of one."""
    left = iter(rows)
    row = next(left, None)
    for first_row, chunk in _chunks(source, names, rows):
        end = first_row + len(chunk[names[0]])
        while row is not None and row < end:
            at = row - first_row
            yield row, {name: chunk[name][at : at + 1] for name in names}
            row = next(left, None)
        if row is None:
            return


def _chunks(
    source: Source, names: Sequence[str], rows: Sequence[int]
) -> Iterator[tuple[int, Mapping[str, Column]]]:
    """Read the parts that rows are in, or all up to the last one."""
    parts = source.parts()
    if parts is None:
        parts = [(0, 0, None)]
    for first_row, length, part in parts:
        if part is not None and not any(first_row <= row < first_row + length for row in rows):
            continue
        chunks = (
            source.chunks(names, _ROWS) if part is None else source.part_chunks(part, names, _ROWS)
        )
        for chunk in chunks:
            yield first_row, chunk
            first_row += len(chunk[names[0]])


def _value(column: Column, index: int) -> Any:
    """Return a value as Python has it: numbers, text, lists, None."""
    value = column[index]
    if hasattr(value, "as_py"):
        return value.as_py()
    return value.tolist() if hasattr(value, "tolist") else value
