"""Tables of text: CSV and TSV, compressed or not."""

from __future__ import annotations

import csv
import io
import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]

from numloss.evaluation.errors import DataError
from numloss.evaluation.files.source import Column, Format, Source
from numloss.evaluation.files.storage import File
from numloss.evaluation.files.tables import DAMAGE, chunks_of
from numloss.evaluation.tables import printable

# Bytes that are parsed at once, and the most that a line may have.
_BLOCK = 1 << 20
_LONGEST_LINE = 1 << 23
_MOST_COLUMNS = 100_000
# Lines are counted anew for a message about a row; beyond this it would take too long.
_MAX_LINES = 20_000_000
# Text of other encodings begins with these bytes.
_MARKS = {
    b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16", b"\x1f\x8b": "compressed by gzip",
    b"PK\x03\x04": "a zip file", b"PAR1": "Parquet",
}  # fmt: skip


class Guard:
    """A stream of text that Arrow reads; it sees what Arrow would choke on or swallow."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._line = 0  # bytes of the last line so far
        self._lines = 0
        self._start = True
        self._stopped = False
        self._reading = threading.Lock()
        self.closed = False
        self.quotes = 0

    def stop(self) -> None:
        """Let the stream end here: Arrow reads ahead in a thread, which must not outlive Python."""
        with self._reading:
            self._stopped = True

    def read(self, size: int = -1) -> bytes:
        """Return some bytes, and count what matters in them."""
        with self._reading:
            return b"" if self._stopped else self._read(size)

    def _read(self, size: int) -> bytes:
        data: bytes = self._stream.read(size)
        if self._start and data:
            self._start = False
            for mark, kind in _MARKS.items():
                if data.startswith(mark):
                    raise DataError(f"the file is {kind}, where UTF-8 text is needed")
        self.quotes += data.count(b'"')
        first, end = data.find(b"\n"), data.rfind(b"\n")
        longest = self._line + first
        if len(data) > _LONGEST_LINE:
            longest = max(longest, *map(len, data.split(b"\n")))
        self._line = self._line + len(data) if end < 0 else len(data) - end - 1
        self._lines += data.count(b"\n")
        if max(self._line, longest) > _LONGEST_LINE:
            raise DataError(
                f"a line up to line {self._lines + 1} is longer than {_LONGEST_LINE >> 20} MB, the "
                "most that is read"
            )
        return data

    def readable(self) -> bool:
        """Tell `io` that it can be read."""
        return True

    def close(self) -> None:
        """Close the stream."""
        self.closed = True
        self._stream.close()


class _Raw(io.RawIOBase):
    """The same for `io`, which reads into buffers."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard

    def readable(self) -> bool:
        """Tell `io` that it can be read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer."""
        data = self._guard.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


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
        self._file: Any
        self._guard: Guard
        head = self._head()
        # What comes once cannot be begun again with larger blocks.
        least = _LONGEST_LINE if file.is_pipe else _BLOCK
        self._block = max(least, *(8 * len(line) for line in head.split(b"\n", 2)[:2]))
        try:
            reader = self._reader(pa.BufferReader(head), [], len(head) + 1)
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
        """Parse the file block by block."""
        self.refuse_duplicates(names)
        yield from chunks_of(self._batches(names), names, rows, exact)
        if self._guard.quotes % 2:
            self._refuse_open_quote()

    def row(self, row: int) -> str:
        """Name a row, and the line it starts on."""
        line = self._line(row) if self.says_lines and not self.file.is_pipe else None
        return f"row {row}" if line is None else f"row {row} (line {line})"

    def _stream(self) -> Guard:
        self._file = self.file.stream()
        return Guard(pa.input_stream(self._file, compression=self.file.compression))

    def _reader(self, stream: Any, names: Sequence[str], block: int) -> Any:
        """Start reading a stream; without names, only to learn them."""
        import pyarrow.csv  # type: ignore[import-untyped]

        return pyarrow.csv.open_csv(
            stream,
            # With threads, Arrow does not know the row of an error.
            read_options=pyarrow.csv.ReadOptions(
                use_threads=False,
                autogenerate_column_names=not self._header,
                block_size=block,
            ),
            parse_options=pyarrow.csv.ParseOptions(
                delimiter=self._delimiter, newlines_in_values=True
            ),
            convert_options=pyarrow.csv.ConvertOptions(
                include_columns=list(dict.fromkeys(names)),
                column_types=dict.fromkeys(names, pa.string()),
                null_values=[""],
                strings_can_be_null=True,
                check_utf8=True,
            ),
        )

    def _head(self) -> bytes:
        """Return the first lines: a megabyte, or two long ones."""
        stream = self._stream()
        try:
            lines = io.BufferedReader(_Raw(stream), 1 << 16)
            first, second = lines.readline(), lines.readline()
            rest = lines.read(_BLOCK)
            head = first + second + rest[: rest.rfind(b"\n") + 1]
        except (*DAMAGE, DataError) as error:
            raise self._unreadable(error) from error
        finally:
            self._file.close()
        if (columns := first.count(self._delimiter.encode()) + 1) > _MOST_COLUMNS:
            raise self.error(f"{columns} columns, where at most {_MOST_COLUMNS} are read")
        return head

    def _batches(self, names: Sequence[str]) -> Iterator[Any]:
        seen = 0
        while True:
            self._guard = self._stream()
            try:
                for batch in self._until_the_end(names):
                    known = min(seen, len(batch))  # of a reading before this one
                    seen -= known
                    self.at(self._file.tell())
                    if known < len(batch):
                        yield batch.slice(known)
                return
            except _LongRowError as error:
                # Begin again with larger blocks, without the rows that were seen.
                self._block *= 8
                seen = error.rows
            finally:
                self._file.close()

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
            again = self._block <= _LONGEST_LINE and not self.file.is_pipe
            if "straddling" in str(error) and again:
                raise _LongRowError(rows) from error
            raise self._unreadable(error) from error
        finally:
            self._guard.stop()
            if reader is not None:
                _drain(reader)

    def _unreadable(self, error: Exception) -> DataError:
        if isinstance(error, DataError):
            return self.error(str(error))
        text = str(error)
        if found := re.search(r"Row #(\d+): (.*)", text):
            # Arrow counts from 1, the header too.
            row = int(found[1]) - 1 - self._header
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
            io.BufferedReader(_Raw(self._stream()), 1 << 20),
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
