"""Tables of text: CSV and TSV, compressed or not."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]

from numloss.evaluation.errors import DataError
from numloss.evaluation.files.lines import (
    BLOCK,
    HEAD,
    LONGEST_LINE,
    Guard,
    Raw,
    block_size,
    whole_lines,
)
from numloss.evaluation.files.source import Block, Column, Format, Source
from numloss.evaluation.files.storage import File
from numloss.evaluation.files.tables import DAMAGE, chunks_of
from numloss.evaluation.tables import printable

_MOST_COLUMNS = 100_000
# Lines are counted anew for a message about a row; beyond this it would take too long.
_MAX_LINES = 20_000_000
_LINE_FEED, _RETURN, _QUOTE = b'\n\r"'


class _LongRowError(Exception):
    """A row was longer than a block, after so many rows."""

    def __init__(self, rows: int) -> None:
        super().__init__()
        self.rows = rows


def _drain(reader: Any) -> None:
    """Read a stream that was stopped to its end, so that no thread of Arrow's is left in it."""
    try:
        while True:
            reader.read_next_batch()
    except (StopIteration, *DAMAGE, DataError):
        pass


def first_record(head: bytes) -> bytes:
    """Return the lines up to the first one that ends a record, which quotes may hold open."""
    end, quotes = 0, 0
    while found := head.find(b"\n", end) + 1:
        quotes += head.count(b'"', end, found)
        end = found
        if quotes % 2 == 0 and head[:end].strip(b"\r\n"):
            return head[:end]
    return head if head.endswith(b"\n") or not head else head + b"\n"


def rows_in(data: bytes, delimiter: str) -> int | None:
    """Return how many rows there are in lines of which each is one; None where they may not be."""
    codes = np.frombuffer(data, np.uint8)
    feeds = codes == _LINE_FEED
    if b"\r" in data:
        returns = codes == _RETURN
        if (returns[:-1] & ~feeds[1:]).any():  # which end a line by themselves
            return None
        codes, feeds = codes[~returns], feeds[~returns]
    if feeds[0] or (feeds[1:] & feeds[:-1]).any():  # empty lines are no rows
        return None
    if b'"' in data and not _quotes_are_plain(codes, feeds, ord(delimiter)):
        return None
    return int(np.count_nonzero(feeds))


def _quotes_are_plain(codes: Any, feeds: Any, delimiter: int) -> bool:
    """Whether quotes begin and end values, and no line ends within them."""
    places = np.flatnonzero(codes == _QUOTE)
    if len(places) % 2:
        return False
    opening, closing = places[::2], places[1::2]
    # Two quotes for one within a value close it and open it again, with nothing between them.
    before = np.where(opening > 0, codes[opening - 1], _LINE_FEED)
    after = codes[closing + 1]  # a line feed at least
    begins = (before == delimiter) | (before == _LINE_FEED) | (before == _QUOTE)
    ends = (after == delimiter) | (after == _LINE_FEED) | (after == _QUOTE)
    lines = np.cumsum(feeds)
    return bool(begins.all() and ends.all() and (lines[opening] == lines[closing]).all())


class CsvFile(Source):
    """Text with a delimiter, compressed or not. All columns are read as text, and parsed later.

    Arrow would guess the types from the first block and fail on a later one that differs.
    """

    is_text = True

    def __init__(self, file: File, format: Format) -> None:
        super().__init__(file)
        tabbed = ".tsv" in file.suffixes
        self._delimiter = format.delimiter or ("\t" if tabbed else ",")
        self._header = format.header
        self._guard: Guard
        head = self._head()
        # What comes once cannot be begun again with larger blocks.
        least = LONGEST_LINE if file.is_pipe else BLOCK
        self._block = max(least, *(8 * len(line) for line in head.split(b"\n", 2)[:2]))
        try:
            first = first_record(head)
            reader = self._reader(pa.BufferReader(first), [], len(first) + 1)
            self.names = tuple(reader.schema.names)
        except UnicodeDecodeError as error:
            raise self.error(f"the header is not UTF-8 text ({error.reason})") from error
        except DAMAGE as error:
            raise self._unreadable(error) from error

    def width(self, names: Sequence[str]) -> int:
        """Assume one number in a column."""
        return len(names)

    def chunks(
        self, names: Sequence[str], rows: int, exact: bool = False
    ) -> Iterator[Mapping[str, Column]]:
        """Parse the file block by block: side by side, as long as a row is a line."""
        self.refuse_duplicates(names)
        seen = 0
        if not exact and not self.file.is_pipe:
            for block in self._blocks(names, rows):
                if block is None:
                    break
                seen += block.rows
                yield block
            else:
                return
        yield from chunks_of(self._batches(names, seen), names, rows, exact)
        if self._guard.quotes % 2:
            self._refuse_open_quote()

    def row(self, row: int) -> str:
        """Name a row, and the line it starts on."""
        line = self._line(row) if self.says_lines and not self.file.is_pipe else None
        return f"row {row}" if line is None else f"row {row} (line {line})"

    def _reader(self, stream: Any, names: Sequence[str], block: int) -> Any:
        """Start reading a stream; without names, only to learn them."""
        import pyarrow.csv  # type: ignore[import-untyped]

        return pyarrow.csv.open_csv(stream, *self._options(names, block))

    def _options(self, names: Sequence[str], block: int) -> tuple[Any, Any, Any]:
        import pyarrow.csv

        # With threads, Arrow does not know the row of an error.
        reading = pyarrow.csv.ReadOptions(
            use_threads=False, autogenerate_column_names=not self._header, block_size=block
        )
        parsing = pyarrow.csv.ParseOptions(delimiter=self._delimiter, newlines_in_values=True)
        converting = pyarrow.csv.ConvertOptions(
            include_columns=list(dict.fromkeys(names)),
            column_types=dict.fromkeys(names, pa.string()),
            null_values=[""],
            strings_can_be_null=True,
            check_utf8=True,
        )
        return reading, parsing, converting

    def _head(self) -> bytes:
        """Return the first lines: two, and some more."""
        guard = Guard(self.file)
        try:
            lines = io.BufferedReader(Raw(guard), 1 << 16)
            first, second = lines.readline(), lines.readline()
            rest = lines.read(HEAD)
            head = first + second + rest[: rest.rfind(b"\n") + 1]
        except (*DAMAGE, DataError) as error:
            raise self._unreadable(error) from error
        finally:
            guard.close()
        lines_of_head = max(1, head.count(b"\n"))
        self._line_bytes = len(head) / lines_of_head
        if (columns := first.count(self._delimiter.encode()) + 1) > _MOST_COLUMNS:
            raise self.error(f"{columns} columns, where at most {_MOST_COLUMNS} are read")
        return head

    def _blocks(self, names: Sequence[str], rows: int) -> Iterator[Block | None]:
        """Cut the file after lines, and leave the parsing to others; None: that takes a parser."""
        self._guard = Guard(self.file)
        size = block_size(rows, self._line_bytes)
        first_row, header = 0, self._header
        try:
            for data in whole_lines(self._guard, size, 1 + header):
                count = rows_in(data, self._delimiter)
                if count is None or count - header > rows:
                    yield None
                    return
                self.at(self._guard.tell())
                parse = partial(self._parsed, data, names, header, first_row)
                yield Block(names, count - header, parse)
                first_row += count - header
                header = False
        except (*DAMAGE, DataError) as error:
            raise self._unreadable(error) from error
        finally:
            self._guard.close()

    def _parsed(
        self, data: bytes, names: Sequence[str], header: bool, first_row: int
    ) -> Mapping[str, Column]:
        """Parse lines of which the first may be the header."""
        import pyarrow.csv

        reading, parsing, converting = self._options(names, len(data) + 1)
        if self._header and not header:
            reading.column_names = self.names
        text = converting.column_types
        numbers = {name: pa.float64() for name in names if self.holds_numbers(name)}
        for types in ({**text, **numbers}, text) if numbers else (text,):
            converting.column_types = types
            try:
                table = pyarrow.csv.read_csv(pa.BufferReader(data), reading, parsing, converting)
                break
            except DAMAGE as error:
                if types is text:
                    before = first_row + (self._header and not header)
                    raise self._unreadable(error, before) from error
        return {name: table.column(name).combine_chunks() for name in names}

    def _batches(self, names: Sequence[str], seen: int = 0) -> Iterator[Any]:
        while True:
            self._guard = Guard(self.file)
            try:
                for batch in self._until_the_end(names):
                    known = min(seen, len(batch))  # of a reading before this one
                    seen -= known
                    self.at(self._guard.tell())
                    if known < len(batch):
                        yield batch.slice(known)
                return
            except _LongRowError as error:
                # Begin again with larger blocks, without the rows that were seen.
                self._block *= 8
                seen = error.rows
            finally:
                self._guard.close()

    def _until_the_end(self, names: Sequence[str]) -> Iterator[Any]:
        reader, rows = None, 0
        try:
            reader = self._reader(pa.PythonFile(self._guard, mode="r"), names, self._block)
            while True:
                batch = reader.read_next_batch()
                rows += len(batch)
                yield batch
        except StopIteration:
            return
        except (*DAMAGE, DataError) as error:
            again = self._block <= LONGEST_LINE and not self.file.is_pipe
            if "straddling" in str(error) and again:
                raise _LongRowError(rows) from error
            raise self._unreadable(error) from error
        finally:
            self._guard.stop()
            if reader is not None:
                _drain(reader)

    def _unreadable(self, error: Exception, first_row: int = 0) -> DataError:
        if isinstance(error, DataError):
            return self.error(str(error))
        text = str(error)
        if found := re.search(r"Row #(\d+): (.*)", text):
            # Arrow counts from 1, the header too.
            row = first_row + int(found[1]) - 1 - self._header
            return self.error(printable(found[2][:200]), row=max(row, 0))
        return self.unreadable("not a readable CSV file", error)

    def _refuse_open_quote(self) -> None:
        """Find the quote that swallows the rest of the file, if there is one.

        An odd number of quotes may also come from one in the middle of a value, which is no fault.
        """
        if self.file.is_pipe:
            raise self.error(
                f"holds an odd number of quotes, {self._guard.quotes}: one may not be closed. Of a "
                "file, numloss would find out"
            )
        lines = self._lines(strict=True)
        start, row = 1, -self._header
        try:
            for record in lines:
                start = lines.line_num + 1
                row += bool(record)
        except csv.Error as error:
            if "unexpected end of data" in str(error):
                raise self.error(
                    f"row {row} (line {start}): a quote is not closed: the rest of the file is "
                    "one value"
                ) from error

    def _lines(self, strict: bool = False) -> Any:
        csv.field_size_limit(1 << 30)
        text = io.TextIOWrapper(
            io.BufferedReader(Raw(Guard(self.file)), 1 << 20),
            encoding="utf-8", errors="replace", newline="",
        )  # fmt: skip
        return csv.reader(text, delimiter=self._delimiter, strict=strict)

    def _line(self, row: int) -> int | None:
        """Find the line a row starts on: quoted values may hold line breaks, empty lines no row."""
        start, remaining = 1, row + self._header
        lines = self._lines()
        try:
            for record in lines:
                if record and remaining == 0:
                    return start
                remaining -= bool(record)
                start = lines.line_num + 1
                if start > _MAX_LINES:
                    break
        except (csv.Error, *DAMAGE, DataError):
            pass
        return None
