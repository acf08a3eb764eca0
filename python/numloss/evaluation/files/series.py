"""Several files as one: their rows one after the other, and of rows as many as are wanted."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from numloss.evaluation.errors import DataError, UsageError
from numloss.evaluation.files.source import Column, Source, rows_of_piece
from numloss.evaluation.files.storage import File
from numloss.evaluation.names import listed, of_files


class SeriesFile(File):
    """What several files are together, which nobody opens."""

    def __init__(self, files: Sequence[File]) -> None:
        super().__init__(of_files(list(map(str, files))))
        self.files = list(files)
        self.is_pipe = any(file.is_pipe for file in files)

    @property
    def format(self) -> str | None:
        """That of each of them."""
        return self.files[0].format

    @property
    def size(self) -> int | None:
        """Bytes of all, if they are known."""
        sizes = [file.size for file in self.files]
        return None if None in sizes else sum(size or 0 for size in sizes)

    def check(self) -> None:
        """Refuse nothing: each is checked when it is its turn."""

    def open(self) -> Any:
        """Refuse: each has bytes of its own."""
        raise DataError(f"{self.name}: several files, of which each is opened alone")


class Series(Source):
    """The columns of several files, whose rows count through; each is opened when it is its turn.

    The first file says what columns there are, and the others must have those that are read.
    """

    def __init__(self, file: SeriesFile, open_source: Callable[[File], Source]) -> None:
        super().__init__(file)
        kinds = sorted({str(part.format) for part in file.files})
        if len(kinds) > 1:
            raise UsageError(
                f"{file}: files of several formats, {', '.join(kinds)}: all must have one"
            )
        self._files = file.files
        self._open = open_source
        self._opened: list[Source] = []  # in their order
        self._begins: list[int] = []  # the first row of each
        first = self._source(0, (), 0)
        self.names, self.noun, self.only, self.is_text = (
            first.names, first.noun, first.only, first.is_text,
        )  # fmt: skip

    @property
    def files(self) -> list[File]:
        """The files that are read."""
        return self._files

    def width(self, names: Sequence[str]) -> int:
        """Numbers in a row, as the first file says."""
        return self._opened[0].width(names)

    def chunks(
        self, names: Sequence[str], rows: int, exact: bool = False
    ) -> Iterator[Mapping[str, Column]]:
        """Read the files one after the other; the last chunk of each may be shorter."""
        first_row = 0
        for number in range(len(self._files)):
            source = self._source(number, names, first_row)
            for chunk in source.chunks(names, rows, exact):
                first_row += rows_of_piece(chunk)
                self.done = (number + source.done) / len(self._files)
                yield chunk

    def _source(self, number: int, names: Sequence[str], first_row: int) -> Source:
        """Return a file that begins with a row of all of them."""
        if number == len(self._opened):
            self._opened.append(self._open(self._files[number]))
            self._begins.append(first_row)
        source = self._opened[number]
        source.holds_numbers = lambda name: self.holds_numbers(name)
        for name in names:
            if name not in source.names and name != source.only:
                raise UsageError(
                    f"{source.file} has no {name!r}, which {self._files[0]} has; "
                    f"{listed(source.names)}"
                )
        return source

    def error(
        self,
        problem: str,
        *,
        row: int | None = None,
        name: str | None = None,
        matched: bool = True,
    ) -> DataError:
        """Make the error for something wrong in the file that has a row, or in all."""
        if row is None:
            return super().error(problem, name=name)
        place = self.place_of(row) if matched else row
        number = max(i for i, begin in enumerate(self._begins) if begin <= place)
        source = self._opened[number]
        source.says_lines = self.says_lines
        told = source.error(problem, row=place - self._begins[number], name=name, matched=False)
        return DataError(told.marked, row)


class Rows:
    """The rows of a source in their order, of which as many are taken as are wanted."""

    def __init__(self, source: Source, names: Sequence[str], rows: int) -> None:
        self._chunks = source.chunks(names, rows, exact=True)
        self._rest: Mapping[str, Column] | None = None
        self.taken = 0

    def take(self, most: int) -> Mapping[str, Column] | None:
        """Return the next rows, as many as lie side by side; None: there are none."""
        piece = next(self._chunks, None) if self._rest is None else self._rest
        self._rest = None
        if piece is None:
            return None
        length = rows_of_piece(piece)
        if length > most:
            self._rest = {name: column[most:] for name, column in piece.items()}
            piece = {name: column[:most] for name, column in piece.items()}
        self.taken += min(length, most)
        return piece

    def left(self) -> int:
        """Return how many rows there are yet, which are read."""
        count = 0
        while (piece := self.take(1 << 62)) is not None:
            count += rows_of_piece(piece)
        return count

    def close(self) -> None:
        """Close the source."""
        if close := getattr(self._chunks, "close", None):
            close()
