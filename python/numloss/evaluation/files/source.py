"""What every file format offers: named columns, read in chunks of rows."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from numloss.evaluation.errors import DataError, UsageError
from numloss.evaluation.files.storage import File
from numloss.evaluation.tables import printable

#: A column of a chunk: a NumPy array, or an Arrow array.
Column = Any


class Block(Mapping[str, Column]):
    """Columns of a known number of rows, which whoever looks at them first parses."""

    def __init__(
        self, names: Sequence[str], rows: int, parse: Callable[[], Mapping[str, Column]]
    ) -> None:
        self.rows = rows
        self._names = tuple(dict.fromkeys(names))
        self._parse = parse
        self._columns: Mapping[str, Column] | None = None

    def __getitem__(self, name: str) -> Column:
        """Return a column."""
        # Not a cached property: until Python 3.12 all of a class wait for one another.
        if self._columns is None:
            self._columns = self._parse()
        return self._columns[name]

    def __iter__(self) -> Iterator[str]:
        """Yield the names."""
        return iter(self._names)

    def __len__(self) -> int:
        """Return the number of columns."""
        return len(self._names)


def rows_of_piece(piece: Mapping[str, Column]) -> int:
    """Return how many rows columns have."""
    return piece.rows if isinstance(piece, Block) else len(next(iter(piece.values())))


class Source(ABC):
    """A file of columns, or of arrays, with as many rows each."""

    #: What a name of this file stands for, in messages.
    noun = "column"
    #: Whether numbers are written as text.
    is_text = False
    #: Whether a column of text is known to hold numbers, which a reader may then parse itself.
    holds_numbers: Callable[[str], bool] = staticmethod(lambda name: False)
    #: Whether messages say on which line a row begins, which is looked for in the file.
    says_lines = True
    #: The row of this file that is meant by one, where its rows go with those of another.
    place_of: Callable[[int], int] = staticmethod(lambda row: row)
    #: The name of the only array, where the file has just one.
    only: str | None = None

    def __init__(self, file: File) -> None:
        self.file = file
        #: Names of the columns or arrays, in the order of the file.
        self.names: Sequence[str] = ()
        #: Part of the file that was read, from 0 to 1; the thread that reads it writes it.
        self.done = 0.0

    @property
    def files(self) -> list[File]:
        """The files that are read."""
        return [self.file]

    @abstractmethod
    def width(self, names: Sequence[str]) -> int:
        """Numbers in a row of these columns together, as far as can be told before reading."""

    @abstractmethod
    def chunks(
        self, names: Sequence[str], rows: int, exact: bool = False
    ) -> Iterator[Mapping[str, Column]]:
        """Read the columns, at most ``rows`` rows at a time.

        Where files are read side by side, exactly so many but for the last chunk.
        """

    def parts(self) -> Sequence[tuple[int, int, Any]] | None:
        """Return first rows, lengths and handles of parts that may be read at once, if any."""
        return None

    def part_chunks(
        self, part: Any, names: Sequence[str], rows: int
    ) -> Iterator[Mapping[str, Column]]:
        """Read a part, at most so many rows at a time."""
        raise NotImplementedError

    def at(self, position: int) -> None:
        """Take note of how many bytes of the file were read."""
        if size := self.file.size:
            self.done = min(1.0, position / size)

    def row(self, row: int) -> str:
        """Name a row in a message."""
        return f"row {row}"

    def refuse_duplicates(self, names: Sequence[str]) -> None:
        """Refuse names that stand for several columns."""
        wanted = set(names)
        count = Counter(name for name in self.names if name in wanted)
        for name, number in count.items():
            if number > 1:
                raise self.error(f"{number} {self.noun}s are named {name}")

    def error(
        self,
        problem: str,
        *,
        row: int | None = None,
        name: str | None = None,
        matched: bool = True,
    ) -> DataError:
        """Make the error for something wrong in this file.

        A row is one of the evaluation; of this file itself, if it is not `matched`.
        """
        place = [] if row is None else [self.row(self.place_of(row) if matched else row)]
        if name is not None and name != self.only:
            place.append(f"{self.noun} {name}")
        where = f"{', '.join(place)}: " if place else ""
        return DataError(f"{self.file}: {where}{problem}", row)

    def misuse(self, problem: str, name: str) -> UsageError:
        """Make the error for a column of this file that is not what it was named for."""
        return UsageError(self.error(problem, name=name).marked)

    def unreadable(self, kind: str, error: Exception, name: str | None = None) -> DataError:
        """Make the error for a file that a reader gave up on, with the reader's first line."""
        if isinstance(error, MemoryError):  # Arrow's is one of its other errors, too
            raise error
        reason = str(error).partition("\n")[0][:300] or type(error).__name__
        return self.error(f"{kind}: {printable(reason)}", name=name)


@dataclass(frozen=True)
class Format:
    """How to read the files whose names do not tell, and text files in general."""

    name: str | None = None
    delimiter: str | None = None
    header: bool = True


#: Files are as their names tell, CSV files have a header.
BY_NAME = Format()
