"""Arrow's own files and streams (Feather version 2 is one), and JSON lines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]

from numloss.evaluation.errors import DataError
from numloss.evaluation.files.source import Column, Source
from numloss.evaluation.files.storage import File
from numloss.evaluation.files.tables import DAMAGE, chunks_of, width_of_type
from numloss.evaluation.files.text import Guard
from numloss.evaluation.tables import printable

_NOT_READABLE = "not a readable Arrow file"
_FILE = b"ARROW1"  # how the format that is read here and there begins
# Bytes of JSON that are parsed at once.
_BLOCK = 1 << 20


class ArrowFile(Source):
    """Record batches in a file, or in a stream."""

    def __init__(self, file: File) -> None:
        super().__init__(file)
        if file.is_pipe and file.stream().read(len(_FILE)) == _FILE:
            raise self.error("a pipe brings Arrow's streams; its file format needs a file")
        try:
            with self._opened() as opened:
                schema = self._reader(opened)[0]
                self.names = tuple(schema.names)
                self._types = list(schema.types)
        except DAMAGE as error:
            raise self.unreadable(_NOT_READABLE, error) from error

    def width(self, names: Sequence[str]) -> int:
        """Numbers in a row, as far as the types say."""
        return sum(width_of_type(self._types[self.names.index(name)]) for name in names)

    def chunks(
        self, names: Sequence[str], rows: int, exact: bool = False
    ) -> Iterator[Mapping[str, Column]]:
        """Read batch by batch."""
        self.refuse_duplicates(names)
        yield from chunks_of(self._batches(names), names, rows, exact)

    def _opened(self) -> Any:
        if self.file.compression is not None:
            return pa.input_stream(self.file.stream(), compression=self.file.compression)
        if self.file.is_pipe:
            return pa.PythonFile(self.file.stream(), mode="r")
        return self.file.open()

    @property
    def _is_stream(self) -> bool:
        """Whether it is read from its first byte on alone."""
        return self.file.is_pipe or self.file.compression is not None

    def _reader(self, file: Any) -> tuple[Any, Any]:
        """Return the schema, and a reader: of a file, which has a mark, or of a stream."""
        is_file = not self._is_stream and file.read(len(_FILE)) == _FILE
        if not self._is_stream:
            file.seek(0)
        reader = pa.ipc.open_file(file) if is_file else pa.ipc.open_stream(file)
        return reader.schema, reader

    def _batches(self, names: Sequence[str]) -> Iterator[Any]:
        try:
            with self._opened() as file:
                _, reader = self._reader(file)
                whole = getattr(reader, "num_record_batches", None)
                for index, batch in enumerate(_each(reader)):
                    if whole is None:
                        self.at(0 if self._is_stream else file.tell())
                    else:
                        self.done = (index + 1) / whole
                    # Where the columns lie is written in the file: nothing else has checked it.
                    chosen = batch.select(list(dict.fromkeys(names)))
                    chosen.validate(full=True)
                    yield chosen
        except DAMAGE as error:
            raise self.unreadable(_NOT_READABLE, error) from error


def _each(reader: Any) -> Iterator[Any]:
    if hasattr(reader, "num_record_batches"):
        yield from (reader.get_batch(i) for i in range(reader.num_record_batches))
    else:
        yield from reader


class JsonLinesFile(Source):
    """An object on each line, compressed or not. The first lines say what the columns hold."""

    def __init__(self, file: File) -> None:
        super().__init__(file)
        first = next(self._blocks(), b"")
        self._schema = self._parsed(first, None, 0).schema
        self.names = tuple(self._schema.names)

    def width(self, names: Sequence[str]) -> int:
        """Numbers in a row, as far as the types say."""
        return sum(width_of_type(self._schema.field(name).type) for name in names)

    def chunks(
        self, names: Sequence[str], rows: int, exact: bool = False
    ) -> Iterator[Mapping[str, Column]]:
        """Parse block by block."""
        yield from chunks_of(self._batches(list(dict.fromkeys(names))), names, rows, exact)

    def row(self, row: int) -> str:
        """Name a row; lines are counted from 1, and there may be empty ones."""
        return f"row {row}"

    def _batches(self, names: list[str]) -> Iterator[Any]:
        schema = pa.schema([self._schema.field(name) for name in names])
        seen = 0
        for block in self._blocks():
            table = self._parsed(block, schema, seen)
            seen += len(table)
            yield from table.select(names).combine_chunks().to_batches()

    def _blocks(self) -> Iterator[bytes]:
        """Yield bytes that end with a line."""
        guard, rest = Guard(self.file), b""
        try:
            while data := guard.read(_BLOCK):
                data = rest + data
                end = data.rfind(b"\n") + 1
                rest = data[end:]
                self.at(guard.tell())
                if end and data[:end].strip():
                    yield data[:end]
            if rest.strip():
                yield rest + b"\n"
        except DataError as error:
            raise self.error(str(error)) from error
        except DAMAGE as error:
            raise self.unreadable("not readable as JSON lines", error) from error
        finally:
            guard.close()

    def _parsed(self, block: bytes, schema: Any, row: int) -> Any:
        import pyarrow.json  # type: ignore[import-untyped]

        behaviour = "infer" if schema is None else "ignore"
        options = pyarrow.json.ParseOptions(
            explicit_schema=schema, unexpected_field_behavior=behaviour
        )
        reading = pyarrow.json.ReadOptions(use_threads=False, block_size=max(len(block), 1) + 1)
        try:
            return pyarrow.json.read_json(pa.BufferReader(block), reading, options)
        except DAMAGE as error:
            if isinstance(error, MemoryError):
                raise
            text = printable(str(error).partition("\n")[0][:200])
            raise self.error(
                f"rows {row} to {row + block.count(10) - 1}: not readable as JSON lines: {text}"
            ) from error
