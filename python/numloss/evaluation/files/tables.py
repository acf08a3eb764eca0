"""Tables that Arrow reads: CSV and Parquet."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa  # type: ignore[import-untyped]

from numloss.evaluation.errors import DataError
from numloss.evaluation.files.source import Column, Format, Source

if TYPE_CHECKING:
    from typing_extensions import Self

_DAMAGE = (pa.ArrowException, OSError, ValueError, KeyError)
# Bytes that are parsed at once, at least; no row may be longer.
_BLOCK = 1 << 20
# Lines are counted anew for a message about a row; beyond this it would take too long.
_MAX_LINES = 20_000_000


class CsvFile(Source):
    """Text with a delimiter, compressed or not. All columns are read as text, and parsed later.

    Arrow would guess the types from the first block and fail on a later one that differs.
    """

    is_text = True

    def __init__(self, path: Path, format: Format) -> None:
        super().__init__(path)
        tabbed = ".tsv" in (suffix.lower() for suffix in path.suffixes)
        self._delimiter = format.delimiter or ("\t" if tabbed else ",")
        self._header = format.header
        self._size = path.stat().st_size
        self._file: Any
        self._block = self._block_size()
        try:
            self._names: tuple[str, ...] = tuple(self._open([]).schema.names)
        except UnicodeDecodeError as error:
            raise DataError(f"{path}: the header is not UTF-8 text ({error.reason})") from error
        self._file.close()

    @property
    def names(self) -> Sequence[str]:
        """Names in the header; ``f0``, ``f1``, ... without one."""
        return self._names

    def width(self, names: Sequence[str]) -> int:
        """Assume one number in a column."""
        return len(names)

    def chunks(self, names: Sequence[str], rows: int) -> Iterator[Mapping[str, Column]]:
        """Parse the file block by block."""
        self.refuse_duplicates(names)
        reader = self._open(names)
        with self._file:
            yield from chunks_of(self._batches(reader), names, rows)

    def progress(self) -> float:
        """Part of the bytes that was read."""
        return 1.0 if self._file.closed else self._file.tell() / max(self._size, 1)

    def row(self, row: int) -> str:
        """Name a row, and the line it starts on."""
        line = self._line(row)
        return f"row {row}" if line is None else f"row {row} (line {line})"

    def _open(self, names: Sequence[str]) -> Any:
        """Start reading; without names, only to learn them."""
        import pyarrow.csv  # type: ignore[import-untyped]

        try:
            self._file = pa.OSFile(str(self.path))
            stream = pa.input_stream(self._file, compression=_compression(self.path))
            return pyarrow.csv.open_csv(
                stream,
                # With threads, Arrow does not know the row of an error.
                read_options=pyarrow.csv.ReadOptions(
                    use_threads=False,
                    autogenerate_column_names=not self._header,
                    block_size=self._block,
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
        except _DAMAGE as error:
            raise self._unreadable(error) from error

    def _block_size(self) -> int:
        """Make room for several rows as long as the first ones."""
        try:
            with pa.input_stream(str(self.path), compression=_compression(self.path)) as stream:
                lines = io.BufferedReader(stream)
                return max(_BLOCK, *(8 * len(lines.readline()) for _ in range(2)))
        except _DAMAGE as error:
            raise self._unreadable(error) from error

    def _batches(self, reader: Any) -> Iterator[Any]:
        while True:
            try:
                batch = reader.read_next_batch()
            except StopIteration:
                return
            except _DAMAGE as error:
                raise self._unreadable(error) from error
            yield batch

    def _unreadable(self, error: Exception) -> DataError:
        text = str(error)
        if found := re.search(r"Row #(\d+): (.*)", text):
            # Arrow counts from 1, the header too.
            row = int(found[1]) - 1 - self._header
            return self.error(found[2][:200], row=max(row, 0))
        return self.error(f"not a readable CSV file: {text.partition(chr(10))[0]}")

    def _line(self, row: int) -> int | None:
        """Find the line a row starts on: quoted values may hold line breaks, empty lines no row."""
        with pa.input_stream(str(self.path), compression=_compression(self.path)) as stream:
            text = io.TextIOWrapper(stream, encoding="utf-8", errors="replace", newline="")
            lines = csv.reader(text, delimiter=self._delimiter)
            start, remaining = 1, row + self._header
            try:
                for record in lines:
                    if record and remaining == 0:
                        return start
                    remaining -= bool(record)
                    start = lines.line_num + 1
                    if start > _MAX_LINES:
                        break
            except csv.Error:
                pass
        return None


def _compression(path: Path) -> str | None:
    return {".gz": "gzip", ".bz2": "bz2", ".zst": "zstd"}.get(path.suffix.lower())


class ParquetFile(Source):
    """A Parquet file, read in pieces of its row groups."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._seen = 0
        try:
            with self._open() as file:
                metadata = file.metadata
                self._schema, self._rows = file.schema_arrow, metadata.num_rows
                sizes = [metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)]
                self._starts = list(accumulate(sizes, initial=0))[: len(sizes)]
        except _DAMAGE as error:
            raise self._unreadable(error) from error

    @property
    def names(self) -> Sequence[str]:
        """Names of the top-level columns."""
        names: Sequence[str] = self._schema.names
        return names

    def width(self, names: Sequence[str]) -> int:
        """Numbers in a row: of lists, the mean in the first row group."""
        wanted = set(names)
        with self._open() as file:
            if file.metadata.num_row_groups == 0:
                return len(names)
            group = file.metadata.row_group(0)
            columns = (group.column(i) for i in range(group.num_columns))
            sizes = [c.num_values for c in columns if c.path_in_schema.split(".")[0] in wanted]
        return max(1, int(sum(sizes)) // max(1, int(group.num_rows)))

    def chunks(self, names: Sequence[str], rows: int) -> Iterator[Mapping[str, Column]]:
        """Decode the columns batch by batch."""
        self.refuse_duplicates(names)
        with self._open() as file:
            yield from chunks_of(self._batches(file, names, rows), names, rows)

    def progress(self) -> float:
        """Part of the rows that was read."""
        return self._seen / int(self._rows or 1)

    def parts(self) -> Sequence[tuple[int, Any]] | None:
        """Return the row groups."""
        return list(zip(self._starts, range(len(self._starts)), strict=True))

    def part_chunks(
        self, part: int, names: Sequence[str], rows: int
    ) -> Iterator[Mapping[str, Column]]:
        """Decode a row group on the calling thread alone."""
        self.refuse_duplicates(names)
        wanted = list(dict.fromkeys(names))
        with self._open() as file:
            try:
                for batch in file.iter_batches(rows, [part], wanted, use_threads=False):
                    self._seen += len(batch)
                    yield dict(zip(wanted, batch.columns, strict=True))
            except _DAMAGE as error:
                raise self._unreadable(error) from error

    def _open(self) -> Any:
        # A buffer makes Arrow read pages one by one, not all of a row group.
        return _parquet_reader(
            self.path, buffer_size=1 << 20, pre_buffer=False, page_checksum_verification=True
        )

    def _batches(self, file: Any, names: Sequence[str], rows: int) -> Iterator[Any]:
        try:
            for batch in file.iter_batches(rows, columns=list(dict.fromkeys(names))):
                self._seen += len(batch)
                yield batch
        except _DAMAGE as error:
            raise self._unreadable(error) from error

    def _unreadable(self, error: Exception) -> DataError:
        return self.error(f"not a readable Parquet file: {str(error).partition(chr(10))[0]}")


class _Reader:
    """Arrow's reader without `pyarrow.parquet`, which imports clients of clouds: 20 ms."""

    def __init__(self, path: Path, **options: Any) -> None:
        from pyarrow._parquet import ParquetReader  # type: ignore[import-untyped]

        self._reader = ParquetReader()
        self._file = pa.OSFile(str(path))
        self._reader.open(self._file, **options)
        self.metadata = self._reader.metadata
        self.schema_arrow = self._reader.schema_arrow

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._reader.close()
        self._file.close()

    def iter_batches(
        self,
        batch_size: int,
        row_groups: Sequence[int] | None = None,
        columns: Sequence[str] = (),
        use_threads: bool = True,
    ) -> Iterator[Any]:
        """Read columns, which may be nested, in the order they are asked for."""
        groups = range(self.metadata.num_row_groups) if row_groups is None else row_groups
        paths = [self.metadata.schema.column(i).path for i in range(self.metadata.num_columns)]
        tops = [path.partition(".")[0] for path in paths]
        indices = [i for name in columns for i, top in enumerate(tops) if name in (top, paths[i])]
        for batch in self._reader.iter_batches(batch_size, list(groups), indices, use_threads):
            yield batch.select(list(columns))


def _parquet_reader(path: Path, **options: Any) -> Any:
    try:
        return _Reader(path, **options)
    except (ImportError, AttributeError, TypeError):  # another Arrow than this was written for
        import pyarrow.parquet  # type: ignore[import-untyped]

        return pyarrow.parquet.ParquetFile(path, **options)


def chunks_of(
    batches: Iterator[Any], names: Sequence[str], rows: int
) -> Iterator[Mapping[str, Column]]:
    """Cut record batches of any length into chunks of ``rows`` rows."""
    waiting: list[Any] = []
    size = 0
    for batch in batches:
        while len(batch):
            waiting.append(batch.slice(0, rows - size))
            batch = batch.slice(len(waiting[-1]))
            size += len(waiting[-1])
            if size == rows:
                yield _joined(waiting, names)
                waiting, size = [], 0
    if waiting:
        yield _joined(waiting, names)


def _joined(batches: list[Any], names: Sequence[str]) -> dict[str, Column]:
    table = pa.Table.from_batches(batches)
    return {name: table.column(name).combine_chunks() for name in names}
