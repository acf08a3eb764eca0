"""Tables that Arrow reads: Parquet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate
from typing import TYPE_CHECKING, Any

import pyarrow as pa  # type: ignore[import-untyped]

from numloss.evaluation.files.source import Column, Source
from numloss.evaluation.files.storage import File

if TYPE_CHECKING:
    from typing_extensions import Self

_NOT_READABLE = "not a readable Parquet file"
#: What Arrow raises of damaged files.
DAMAGE = (pa.ArrowException, OSError, ValueError, KeyError, TypeError, NotImplementedError)


class ParquetFile(Source):
    """A Parquet file, read in pieces of its row groups."""

    def __init__(self, file: File) -> None:
        super().__init__(file)
        try:
            with self._open() as opened:
                metadata = opened.metadata
                self._schema, self._rows = opened.schema_arrow, metadata.num_rows
                self.names = tuple(self._schema.names)
                groups = range(metadata.num_row_groups)
                self._sizes = [int(metadata.row_group(i).num_rows) for i in groups]
                self._starts = list(accumulate(self._sizes, initial=0))[: len(groups)]
        except DAMAGE as error:
            raise self.unreadable(_NOT_READABLE, error) from error

    def width(self, names: Sequence[str]) -> int:
        """Numbers in a row: of lists of no fixed size, in the first row."""
        width = 0
        for name in names:
            kind = self._schema.field(name).type
            if pa.types.is_list(kind) or pa.types.is_large_list(kind):
                width += self._first_length(name)
            else:
                width += width_of_type(kind)
        return max(width, 1)

    def _first_length(self, name: str) -> int:
        with self._open() as file:
            try:
                for batch in file.iter_batches(1, None, [name]):
                    first = batch.column(0)[0].as_py() if len(batch) else None
                    return len(first) if first is not None else 1
            except DAMAGE as error:
                raise self.unreadable(_NOT_READABLE, error) from error
        return 1

    def chunks(
        self, names: Sequence[str], rows: int, exact: bool = False
    ) -> Iterator[Mapping[str, Column]]:
        """Decode the columns batch by batch."""
        self.refuse_duplicates(names)
        with self._open(names) as file:
            yield from chunks_of(self._batches(file, names, rows), names, rows, exact)

    def parts(self) -> Sequence[tuple[int, int, Any]] | None:
        """Return the row groups."""
        return list(zip(self._starts, self._sizes, range(len(self._sizes)), strict=True))

    def part_chunks(
        self, part: int, names: Sequence[str], rows: int
    ) -> Iterator[Mapping[str, Column]]:
        """Decode a row group on the calling thread alone."""
        self.refuse_duplicates(names)
        wanted = list(dict.fromkeys(names))
        with self._open(wanted) as file:
            try:
                for batch in file.iter_batches(rows, [part], wanted, use_threads=False):
                    self._count(len(batch))
                    yield dict(zip(wanted, batch.columns, strict=True))
            except DAMAGE as error:
                raise self.unreadable(_NOT_READABLE, error) from error

    def _open(self, names: Sequence[str] = ()) -> Any:
        # A few long texts in a dictionary may stand for gigabytes.
        texts = [name for name in names if _is_text(self._schema.field(name).type)]
        # A buffer makes Arrow read pages one by one, not all of a row group: which for a store is
        # better, as each reading is a request.
        return _parquet_reader(
            self.file,
            buffer_size=0 if self.file.is_remote else 1 << 20,
            pre_buffer=self.file.is_remote,
            page_checksum_verification=True,
            read_dictionary=texts,
        )

    def _count(self, rows: int) -> None:
        self.done = min(1.0, self.done + rows / max(self._rows, 1))

    def _batches(self, file: Any, names: Sequence[str], rows: int) -> Iterator[Any]:
        try:
            for batch in file.iter_batches(rows, columns=list(dict.fromkeys(names))):
                self._count(len(batch))
                yield batch
        except DAMAGE as error:
            raise self.unreadable(_NOT_READABLE, error) from error


def width_of_type(kind: Any) -> int:
    """Numbers in a value, as far as its type says."""
    if isinstance(kind, pa.ExtensionType):
        kind = kind.storage_type
    return int(kind.list_size) if pa.types.is_fixed_size_list(kind) else 1


def _is_text(kind: Any) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


class _Reader:
    """Arrow's reader without `pyarrow.parquet`, which imports clients of clouds: 20 ms."""

    def __init__(self, file: File, **options: Any) -> None:
        from pyarrow._parquet import ParquetReader  # type: ignore[import-untyped]

        self._reader = ParquetReader()
        self._file = file.open()
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


def _parquet_reader(file: File, **options: Any) -> Any:
    try:
        return _Reader(file, **options)
    except (ImportError, AttributeError, TypeError):  # another Arrow than this was written for
        import pyarrow.parquet  # type: ignore[import-untyped]

        return pyarrow.parquet.ParquetFile(file.open(), **options)


# A chunk of columns of text or lists ends early, at so many bytes.
_CHUNK_BYTES = 1 << 24


def chunks_of(
    batches: Iterator[Any], names: Sequence[str], rows: int, exact: bool = False
) -> Iterator[Mapping[str, Column]]:
    """Cut record batches of any length into chunks of at most `rows` rows.

    If it must be exactly so many, a chunk may be large.
    """
    waiting: list[Any] = []
    size = held = 0
    for batch in batches:
        while len(batch):
            waiting.append(batch.slice(0, rows - size))
            batch = batch.slice(len(waiting[-1]))
            size += len(waiting[-1])
            held += waiting[-1].nbytes
            if size == rows or (held > _CHUNK_BYTES and not exact):
                yield _joined(waiting, names)
                waiting, size, held = [], 0, 0
    if waiting:
        yield _joined(waiting, names)


def _joined(batches: list[Any], names: Sequence[str]) -> dict[str, Column]:
    if len(batches) == 1:
        return {name: batches[0].column(name) for name in names}
    table = pa.Table.from_batches(batches)
    return {name: table.column(name).combine_chunks() for name in names}
