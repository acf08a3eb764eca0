"""Which columns of which files are the prediction, the target, the weight and the group."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

import numpy as np

from numloss.evaluation.errors import DataError, UsageError
from numloss.evaluation.files.arrays import NpyFile, NpzFile
from numloss.evaluation.files.columns import Array, NumberColumns, PositiveColumn, read_groups
from numloss.evaluation.files.source import BY_NAME, Column, Format, Source
from numloss.evaluation.files.tables import CsvFile, ParquetFile
from numloss.evaluation.names import chosen, closest, listed, obvious
from numloss.evaluation.state.groups import Groups

# A chunk holds about as many numbers of the prediction, in no more rows than that.
_CHUNK_NUMBERS = 1 << 22
_CHUNK_ROWS = 1 << 17

_FORMATS = {
    ".npy": "npy", ".npz": "npz", ".csv": "csv", ".tsv": "csv", ".parquet": "parquet",
    ".pq": "parquet",
}  # fmt: skip
_READERS: dict[str, Callable[[Path], Source]] = {
    "npy": NpyFile,
    "npz": NpzFile,
    "parquet": ParquetFile,
}


@dataclass(frozen=True)
class Request:
    """What the user named: files, and columns where they are not obvious."""

    predictions: Path
    targets: Path | None = None
    prediction: str | None = None
    target: str | None = None
    weight: str | None = None
    by: str | None = None
    positive: str | None = None
    format: Format = BY_NAME


@dataclass(frozen=True)
class Chunk:
    """Some consecutive rows."""

    first_row: int
    prediction: Array
    target: Array
    weight: Array | None
    groups: Groups | None


class Inputs:
    """The columns to evaluate, read in step from their files."""

    def __init__(self, request: Request) -> None:
        self._sources: dict[Path, Source] = {}
        self._format = request.format
        predictions = self._open(request.predictions)
        targets = predictions if request.targets is None else self._open(request.targets)
        self.prediction = self._numbers("prediction", predictions, request.prediction)
        self.target = self._target(targets, request)
        if targets is predictions:
            self._refuse_self_comparison()
        self.weight = None
        if request.weight is not None:
            source, name = self._single("weight", request.weight)
            self.weight = NumberColumns(source, [name])
        self.by = None if request.by is None else self._single("by", request.by)
        self.rows = 0

    def chunks(self, rows: int | None = None) -> Iterator[Chunk]:
        """Read all rows, so many at a time; the number of rows may be left to the inputs."""
        if rows is None:
            rows = max(1, min(_CHUNK_ROWS, _CHUNK_NUMBERS // max(1, self.prediction.width)))
        for pieces in self._in_step(rows):
            chunk = self._chunk(pieces)
            self.rows += len(chunk.prediction)
            yield chunk
        if self.rows == 0:
            raise DataError(f"{self.prediction.source.path}: no rows")
        if isinstance(self.target, PositiveColumn) and not self.target.seen:
            raise self.target.source.error(
                "no row holds the --positive value", name=self.target.name
            )

    def progress(self) -> float:
        """Part of the rows that was read."""
        return self.prediction.source.progress()

    def _chunk(self, pieces: Mapping[Path, Mapping[str, Column]]) -> Chunk:
        first = self.rows

        def read(columns: NumberColumns) -> Array:
            return columns.read(pieces[columns.source.path], first)

        groups = None
        if self.by is not None:
            source, name = self.by
            groups = read_groups(source, name, pieces[source.path], first)
        weight = None if self.weight is None else self._checked_weight(read(self.weight), first)
        return Chunk(first, read(self.prediction), read(self.target), weight, groups)

    def _checked_weight(self, weight: Array, first_row: int) -> Array:
        assert self.weight is not None
        bad = ~((weight >= 0) & (weight < np.inf))
        if bad.any():
            index = tuple(int(i) for i in np.argwhere(bad)[0])
            raise self.weight.source.error(
                f"a weight must be a finite number of at least 0, got {weight[index]}",
                row=first_row + index[0],
                name=self.weight.name,
            )
        return weight

    def _in_step(self, rows: int) -> Iterator[dict[Path, Mapping[str, Column]]]:
        """Read each file that has a role once, all of them side by side."""
        wanted: dict[Path, list[str]] = {}
        roles = [self.prediction, self.target] + ([self.weight] if self.weight else [])
        for role in roles:
            wanted.setdefault(role.source.path, []).extend(role.names)
        if self.by is not None:
            wanted.setdefault(self.by[0].path, []).append(self.by[1])
        with ExitStack() as stack:
            streams = [
                stack.enter_context(closing(self._stream(path, names, rows)))
                for path, names in wanted.items()
            ]
            counts = dict.fromkeys(wanted, 0)
            for pieces in zip_longest(*streams):
                for path, piece in zip(wanted, pieces, strict=True):
                    counts[path] += 0 if piece is None else _length(piece)
                self._compare(counts, streams)
                yield {
                    path: piece
                    for path, piece in zip(wanted, pieces, strict=True)
                    if piece is not None
                }

    def _stream(
        self, path: Path, names: list[str], rows: int
    ) -> Generator[Mapping[str, Column], None, None]:
        yield from self._sources[path].chunks(list(dict.fromkeys(names)), rows)

    @staticmethod
    def _compare(
        counts: Mapping[Path, int], streams: Sequence[Iterator[Mapping[str, Column]]]
    ) -> None:
        """Refuse files of unequal length; chunks are equally long but for the last one."""
        if len(set(counts.values())) <= 1:
            return
        totals = [
            f"{path} has {count + sum(_length(piece) for piece in stream)}"
            for (path, count), stream in zip(counts.items(), streams, strict=True)
        ]
        raise DataError(f"the files have unequal numbers of rows: {', '.join(totals)}")

    def _open(self, path: Path) -> Source:
        if path not in self._sources:
            self._sources[path] = open_source(path, self._format)
        return self._sources[path]

    def _numbers(self, role: str, source: Source, wanted: str | None) -> NumberColumns:
        return NumberColumns(source, self._names(role, source, wanted))

    def _names(self, role: str, source: Source, wanted: str | None) -> tuple[str, ...]:
        if wanted is not None:
            return chosen(wanted, source.names, str(source.path))
        if source.only is not None:
            return (source.only,)
        return obvious(role, source.names, str(source.path))

    def _target(self, source: Source, request: Request) -> NumberColumns:
        names = self._names("target", source, request.target)
        if request.positive is None:
            hint = "; --positive VALUE makes text a target of two classes"
            return NumberColumns(source, names, hint)
        if len(names) > 1:
            raise UsageError(f"--positive needs a target of one column, got {', '.join(names)}")
        return PositiveColumn(source, names, request.positive)

    def _refuse_self_comparison(self) -> None:
        if self.prediction.names == self.target.names:
            source = self.prediction.source
            what = "its only array" if self.target.name == source.only else self.target.name
            raise UsageError(
                f"{source.path}: {what} is both prediction and target: name the target with "
                "--target, or its file with --targets"
            )

    def _single(self, role: str, wanted: str) -> tuple[Source, str]:
        """Find a column in the files of predictions and targets, or a file with one array."""
        sources = list(self._sources.values())
        for source in sources:
            if wanted in source.names:
                return source, wanted
        path = Path(wanted)
        if path.suffix.lower() in _FORMATS:
            source = self._open(path)
            if source.only is not None:
                return source, source.only
            if len(source.names) == 1:
                return source, source.names[0]
            raise UsageError(
                f"--{role}: {path} must hold one {source.noun}; {listed(source.names)}"
            )
        names = [name for source in sources for name in source.names]
        where = " and ".join(str(source.path) for source in sources)
        raise UsageError(
            f"{where} has no {wanted!r} for --{role}{closest(wanted, names)}; {listed(names)}"
        )


def _length(piece: Mapping[str, Column]) -> int:
    return len(next(iter(piece.values())))


def open_source(path: Path, format: Format) -> Source:
    """Open a file by the format its name tells, or by the one asked for."""
    try:
        if not path.exists():
            raise DataError(f"{path}: no such file")
        if path.is_dir():
            raise DataError(f"{path}: is a directory, where a file is needed")
        with path.open("rb"):
            return _reader(path, format)(path)
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}") from error


def _reader(path: Path, format: Format) -> Callable[[Path], Source]:
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes and suffixes[-1] in (".gz", ".bz2", ".zst"):
        suffixes.pop()
    kind = format.name or _FORMATS.get(suffixes[-1] if suffixes else "")
    if kind is None:
        raise UsageError(
            f"{path}: the name does not tell the format (.npy, .npz, .csv, .tsv, .parquet): "
            "give --format"
        )
    return _READERS.get(kind, lambda path: CsvFile(path, format))
