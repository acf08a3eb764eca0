"""Arrow's own files and streams; Feather version 2 is one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]

from numloss.evaluation.files.source import Column, Source
from numloss.evaluation.files.storage import File
from numloss.evaluation.files.tables import DAMAGE, chunks_of, width_of_type

_NOT_READABLE = "not a readable Arrow file"
_FILE = b"ARROW1"  # how the format that is read here and there begins


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
