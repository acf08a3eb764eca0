"""JSON lines: an object on each line."""

from __future__ import annotations

import re
import sys
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa  # type: ignore[import-untyped]

from numloss.evaluation.errors import DataError
from numloss.evaluation.files import lines
from numloss.evaluation.files.source import Block, Column, Source
from numloss.evaluation.files.storage import File
from numloss.evaluation.files.tables import DAMAGE, chunks_of, width_of_type
from numloss.evaluation.tables import printable

_NOT_READABLE = "not readable as JSON lines"
_LINE_FEED, _BEGIN, _END = b"\n{}"
_BLANKS = b" \t\r"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
# Where Arrow counts from is where a block begins, which says nothing about the file.
_PLACE = re.compile(r" in row \d+$")


class JsonLinesFile(Source):
    """An object on each line, compressed or not. The first lines say what the columns hold."""

    def __init__(self, file: File) -> None:
        super().__init__(file)
        head = self._head()
        self._line_bytes = len(head.text) / max(1, len(head))
        self._schema = self._parsed(head, None, 0).schema
        self.names = tuple(self._schema.names)

    def width(self, names: Sequence[str]) -> int:
        """Numbers in a row, as far as the types say."""
        return sum(width_of_type(self._schema.field(name).type) for name in names)

    def chunks(
        self, names: Sequence[str], rows: int, exact: bool = False
    ) -> Iterator[Mapping[str, Column]]:
        """Cut the file after lines, and leave the parsing to others unless it must be exact."""
        names = list(dict.fromkeys(names))
        blocks = self._blocks(names, sys.maxsize if exact else rows)
        if exact:
            batches = (pa.record_batch(dict(block)) for block in blocks)
            yield from chunks_of(batches, names, rows, exact)
        else:
            yield from blocks

    def _head(self) -> Lines:
        """Return the first lines: a megabyte, or a long one."""
        return next(self._lines(lines.BLOCK, lines.BLOCK), Lines(b"", np.zeros(0, np.int64)))

    def _blocks(self, names: Sequence[str], rows: int) -> Iterator[Block]:
        schema = pa.schema([self._schema.field(name) for name in names])
        first_row = 0
        for some in self._lines(lines.block_size(rows, self._line_bytes), lines.HEAD):
            for first in range(0, len(some), rows):
                piece = some.between(first, first + rows)
                yield Block(names, len(piece), partial(self._columns, piece, schema, first_row))
                first_row += len(piece)

    def _lines(self, size: int, first_size: int) -> Iterator[Lines]:
        """Yield lines none of which is empty."""
        guard, start = lines.Guard(self.file), True
        try:
            for data in lines.whole_lines(guard, size, first_size=first_size):
                self.at(guard.tell())
                some = Lines.of(data.removeprefix(_BYTE_ORDER_MARK) if start else data)
                start = False
                if len(some):
                    yield some
        except DataError as error:
            raise self.error(str(error)) from error
        except DAMAGE as error:
            raise self.unreadable(_NOT_READABLE, error) from error
        finally:
            guard.close()

    def _columns(self, some: Lines, schema: Any, first_row: int) -> Mapping[str, Column]:
        table = self._parsed(some, schema, first_row)
        return {name: table.column(name).combine_chunks() for name in schema.names}

    def _parsed(self, some: Lines, schema: Any, first_row: int) -> Any:
        table, problem = some.parsed(schema)
        if not problem:
            return table
        if not len(some):
            raise self.error(f"{_NOT_READABLE}: {problem}")
        row, problem = some.first_fault(schema)
        # Text that is no JSON ends an evaluation, even one that skips rows.
        raise self.error(f"{self.row(first_row + row)}: {_NOT_READABLE}: {problem}")


@dataclass(frozen=True)
class Lines:
    """Lines in each of which something stands."""

    text: bytes
    ends: npt.NDArray[np.int64]

    @classmethod
    def of(cls, text: bytes) -> Lines:
        """Leave empty lines out."""
        codes = np.frombuffer(text, np.uint8)
        ends = np.flatnonzero(codes == _LINE_FEED) + 1
        if codes[0] == _BEGIN and (codes[ends[:-1]] == _BEGIN).all():
            return cls(text, ends)
        rows = [line + b"\n" for line in text.split(b"\n") if line.strip(_BLANKS)]
        return cls(b"".join(rows), np.cumsum(list(map(len, rows)), dtype=np.int64))

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.ends)

    def between(self, first: int, last: int) -> Lines:
        """Return some of them."""
        if first == 0 and last >= len(self):
            return self
        ends = self.ends[first:last]
        begin = int(self.ends[first - 1]) if first else 0
        return Lines(self.text[begin : ends[-1]], ends - begin)

    def parsed(self, schema: Any) -> tuple[Any, str]:
        """Return their table, or what is wrong in them.

        Without a schema they say what the columns hold.
        """
        import pyarrow.json  # type: ignore[import-untyped]

        options = pyarrow.json.ParseOptions(
            explicit_schema=schema,
            unexpected_field_behavior="infer" if schema is None else "ignore",
        )
        reading = pyarrow.json.ReadOptions(use_threads=False, block_size=len(self.text) + 1)
        try:
            table = pyarrow.json.read_json(pa.BufferReader(self.text), reading, options)
        except DAMAGE as error:
            if isinstance(error, MemoryError):
                raise
            return None, _PLACE.sub("", printable(str(error).partition("\n")[0][:200]))
        # Objects that are well-formed end where lines do, if all lines begin and end with braces.
        is_plain = len(table) == len(self) and self._are_in_braces()
        return table, "" if is_plain else "a line must hold one object"

    def _are_in_braces(self) -> bool:
        codes = np.frombuffer(self.text, np.uint8)
        begins = codes[self.ends[:-1]] == _BEGIN
        if codes[0] == _BEGIN and begins.all() and (codes[self.ends - 2] == _END).all():
            return True
        stripped = (line.strip(_BLANKS) for line in self.text.split(b"\n")[:-1])
        return all(line.startswith(b"{") and line.endswith(b"}") for line in stripped)

    def first_fault(self, schema: Any) -> tuple[int, str]:
        """Find the first one that cannot be read; the problem is that of all up to it."""

        def fault(row: int) -> str:
            return self.between(0, row + 1).parsed(schema)[1]

        row = bisect_left(range(len(self) - 1), True, key=lambda row: bool(fault(row)))
        return row, fault(row)
