"""Which columns of which files are the prediction, the target, the weight and the group."""

from __future__ import annotations

import operator
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from copy import copy
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import partial
from itertools import zip_longest
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from numloss.evaluation.arguments import Files, Names, at_least_one, file_or_column, joined, several
from numloss.evaluation.errors import DataError, UsageError
from numloss.evaluation.files.arrays import NpyFile, NpzFile, SafetensorsFile
from numloss.evaluation.files.bins import Bins
from numloss.evaluation.files.bins import parse as parse_bins
from numloss.evaluation.files.bins import several as several_groups
from numloss.evaluation.files.columns import (
    Array,
    ClassColumn,
    NumberColumns,
    PositiveColumn,
    Ragged,
    binned_column,
    constant_column,
    first_difference,
    group_column,
)
from numloss.evaluation.files.flow import FlowSource
from numloss.evaluation.files.ids import IdColumn
from numloss.evaluation.files.matching import PLACE, Matcher
from numloss.evaluation.files.series import Rows, Series, SeriesFile
from numloss.evaluation.files.several import files_of, looks_like_files
from numloss.evaluation.files.source import BY_NAME, Column, Format, Source, rows_of_piece
from numloss.evaluation.files.storage import FORMATS, File, file_of, is_uri, reason_of
from numloss.evaluation.files.tables import ParquetFile
from numloss.evaluation.files.text import CsvFile
from numloss.evaluation.names import (
    are_probabilities,
    chosen,
    class_names,
    closest,
    listed,
    obvious,
    refuse_gaps,
    shortened,
)
from numloss.evaluation.paths import path_of, text_of
from numloss.evaluation.ranges import Ranges, gaps
from numloss.evaluation.report import Role
from numloss.evaluation.tables import printable
from numloss.evaluation.wording import argument, either, given

# A chunk holds about as many numbers of the prediction, in no more rows than that: what is made of
# them fits a cache of the second level.
_CHUNK_NUMBERS = 1 << 21
_CHUNK_ROWS = 1 << 16


def _arrow_file(file: File) -> Source:
    from numloss.evaluation.files.arrow import ArrowFile  # slow to import

    return ArrowFile(file)


def _json_lines_file(file: File) -> Source:
    from numloss.evaluation.files.jsonlines import JsonLinesFile

    return JsonLinesFile(file)


_READERS: dict[str, Callable[[File], Source]] = {
    "npy": NpyFile,
    "npz": NpzFile,
    "parquet": ParquetFile,
    "arrow": _arrow_file,
    "jsonl": _json_lines_file,
    "safetensors": SafetensorsFile,
    "flow": FlowSource,
}


@dataclass(frozen=True)
class Request:
    """What the user named: files, and columns where they are not obvious."""

    predictions: Sequence[str]
    targets: str | None = None
    prediction: str | None = None
    target: str | None = None
    weight: str | None = None
    by: Sequence[str] = ()
    positive: str | None = None
    format: Format = BY_NAME
    scale: str | None = None  # "logits" or "probabilities", where the user said so
    classes: Sequence[str] | None = None  # what labels are called, in the order of the columns
    limit: int | None = None  # the first rows alone
    compare: str | None = None  # other predictions: columns, or a file
    identity: str | None = None  # a column that says which rows of two files are the same
    cluster: str | None = None  # what ties rows together that are not independent
    folder: Path = Path()  # what names of files beside the predictions are relative to

    @classmethod
    def of(
        cls,
        files: Files | None,
        *,
        targets: str | Path | None = None,
        prediction: Names | None = None,
        target: Names | None = None,
        weight: str | Path | None = None,
        by: Names | Path = (),
        cluster: str | Path | None = None,
        positive: str | float | None = None,
        classes: Names | None = None,
        scale: str | None = None,
        limit: int | None = None,
        compare: Names | Files | None = None,
        id: str | None = None,
        format: Format = BY_NAME,
    ) -> Request:
        """Take what the command, Python and clusters are given. Without files, others have rows."""
        if files is not None:
            files = [files] if isinstance(files, (str, Path)) else list(files)
            if not files:
                raise ValueError("files must name one at least")
        if scale not in (None, "logits", "probabilities"):
            raise ValueError(f"scale must be 'logits' or 'probabilities', got {scale!r}")
        at_least_one(limit=limit)
        return cls(
            [text_of(file) for file in files or ()],
            None if targets is None else text_of(targets),
            joined(prediction),
            joined(target),
            None if weight is None else file_or_column(weight),
            tuple(file_or_column(group) for group in ([by] if isinstance(by, (str, Path)) else by)),
            None if positive is None else str(positive),
            format,
            scale,
            None if classes is None else several(classes),
            limit,
            joined(compare),
            id,
            None if cluster is None else file_or_column(cluster),
        )


@dataclass(frozen=True)
class Chunk:
    """Some consecutive rows."""

    first_row: int
    prediction: Array | Ragged
    target: Array | Ragged
    weight: Array | Ragged | None
    groups: list[Any]
    other: Array | Ragged | None = None
    clusters: Any = None

    def of_other(self) -> Chunk:
        """Return the rows with the predictions of the other model."""
        assert self.other is not None
        return replace(self, prediction=self.other)


# A column of one file, and the one of another that holds the same.
_Pair: TypeAlias = tuple[tuple[Source, str], tuple[Source, str]]

#: Columns as they lie in their files, of some consecutive rows.
Pieces = Mapping[File, Mapping[str, Column]]


class GroupColumn:
    """What groups the rows: a column, bins of its numbers, or what a folder says of its files."""

    def __init__(
        self, title: str, source: Source | None, name: str, bins: Bins | None,
        constant: str | None = None,
    ) -> None:  # fmt: skip
        self.title = title  # how reports call it
        self.source = source
        self.name = name
        self.bins = bins
        self._constant = constant
        self.numbers = None if source is None else NumberColumns(source, [name])

    def adopt(self, first: GroupColumn) -> None:
        """Hold numbers to what those of the first file turned out to be."""
        if self.numbers is not None and first.numbers is not None:
            self.numbers.adopt(first.numbers)

    def read(self, pieces: Pieces, first_row: int, rows: int) -> Column:
        """Return the group of each row of a chunk."""
        if self.source is None or self.numbers is None:
            return constant_column(self._constant, self.bins, rows)
        chunk = pieces[self.source.file]
        if self.bins is not None:
            return binned_column(self.numbers, self.bins, chunk, first_row)
        return group_column(self.source, self.name, chunk, first_row)


@dataclass(frozen=True)
class Part:
    """Rows that one thread reads, from a first one on."""

    inputs: Inputs
    first_row: int
    rows: int
    chunks: Iterator[Pieces]

    def first(self, rows: int) -> Part:
        """Return the part without the rows from there on."""
        return replace(self, rows=rows, chunks=_first(self.chunks, rows))


class Inputs:
    """The columns to evaluate of one file of predictions, and of the files beside it."""

    def __init__(self, request: Request, file: File, before: Inputs | None = None) -> None:
        """Find the columns of a file; one that comes after others shares what those have begun."""
        self._sources: dict[File, Source] = {}
        self._format = request.format
        self._folder = request.folder
        self._partitions = file.partitions
        #: What all files of predictions are called together, and whether this is the last one.
        self.files_called, self.is_last = str(file), True
        self._is_first = before is None
        self._beside: _Beside = _Beside() if before is None else before._beside
        self.done: Ranges = []  # rows that an earlier run has taken in
        predictions = self._open(file)
        targets = predictions
        if request.targets is not None:
            targets = self._open(file_of(request.targets, request.folder))
        self.prediction = self._numbers("prediction", predictions, request.prediction)
        self.target = self._target(targets, request)
        if targets is predictions:
            self._refuse_self_comparison()
        if request.classes is None:
            for role, columns in (("prediction", self.prediction), ("target", self.target)):
                refuse_gaps(role, columns.names, str(columns.source.file))
        elif 1 < len(self.prediction.names) != len(request.classes):
            raise UsageError(
                f"{argument('classes')} names {len(request.classes)} classes, where the prediction "
                f"has {len(self.prediction.names)} columns"
            )
        #: Whether predictions are probabilities, and whether the user said what they are.
        self.probabilities = request.scale == "probabilities" or (
            request.scale is None and are_probabilities(self.prediction.names)
        )
        self.scale_is_said = request.scale is not None or self.probabilities
        self.weight = None
        if request.weight is not None:
            source, name = self._single("weight", request.weight)
            self.weight = NumberColumns(source, [name])
        self.by = [
            self._group("by", text) for listed in request.by for text in self._groups(listed)
        ]
        self.cluster = None if request.cluster is None else self._group("cluster", request.cluster)
        self.other = None
        if before is not None and before.other is not None and before.reads_another:
            self.other = NumberColumns(self._share(before.other.source), before.other.names)
        elif request.compare is not None:
            self.other = self._other(request, predictions)
        if self.other is not None and (self.other.source, self.other.names) == (
            self.prediction.source, self.prediction.names,
        ):  # fmt: skip
            raise UsageError(
                f"{argument('compare', request.compare)}: this is the prediction itself"
            )
        #: The columns by which rows of the other file are matched, if there is one.
        self.ids = None if request.identity is None else self._ids(request.identity)
        self._agreeing = [] if self.other is None else self._columns_that_agree()
        self._scale = request.scale
        self._limit = request.limit
        for source in self._sources.values():
            if source.is_text:
                source.holds_numbers = partial(self._holds_numbers, source)

    def _holds_numbers(self, source: Source, name: str) -> bool:
        """Whether all who read a column of text take it for numbers."""
        roles = [self.prediction, self.target]
        roles += [role for role in (self.weight, self.other) if role is not None]
        if any((source, name) in pair for pair in self._agreeing):
            return False
        if self.ids is not None and any((source, name) == (i.source, i.name) for i in self.ids):
            return False
        groups = [
            group for group in self._grouping if group.source is source and group.name == name
        ]
        takers = [role for role in roles if role.source is source and name in role.names]
        takers += [group.numbers for group in groups if group.bins is not None and group.numbers]
        return (
            all(taker.holds_numbers(name) for taker in takers)
            and all(group.bins is not None for group in groups)
            and bool(takers)
        )

    @property
    def _grouping(self) -> list[GroupColumn]:
        """The columns that rows are grouped by, with the one of clusters."""
        return self.by if self.cluster is None else [*self.by, self.cluster]

    def _other(self, request: Request, predictions: Source) -> NumberColumns:
        """Find the predictions of another model: columns of the same file, or those of another."""
        assert request.compare is not None
        columns = {name for part in request.compare.split(",") for name in predictions.names
                   if fnmatchcase(name, part.strip())}  # fmt: skip
        files = [] if columns else _files_named(request.compare, request.folder)
        if not files:
            return NumberColumns(
                predictions, chosen(request.compare, predictions.names, str(predictions.file))
            )
        if len(files) == 1:
            source = self._open(files[0])
        else:
            opened = partial(open_source, format=request.format)
            source = self._share(Series(SeriesFile(files), opened))
        if set(self.prediction.names) <= set(source.names):
            return NumberColumns(source, self.prediction.names)
        return self._numbers("prediction", source, None)

    @property
    def reads_another(self) -> bool:
        """Whether the predictions that are compared lie in other files, whose rows count through.

        Then files of predictions must be read in their order, and none may be read alone.
        """
        return self.other is not None and self.other.source is not self.prediction.source

    def _share(self, source: Source) -> Source:
        """Take a source that others read from, too; it learns which rows are meant here."""
        self._sources[source.file] = copy(source)
        return self._sources[source.file]

    def _ids(self, name: str) -> tuple[IdColumn, IdColumn] | None:
        """Return the columns by which rows of two files are matched."""
        if self.other is None or self.other.source is self.prediction.source:
            return None
        sources = self.prediction.source, self.other.source
        for source in sources:
            if name not in source.names:
                raise UsageError(
                    f"{source.file} has no {name!r} for {argument('id')}"
                    f"{closest(name, source.names)}; {listed(source.names)}"
                )
        mine, theirs = (IdColumn(source, name) for source in sources)
        return mine, theirs

    def _columns_that_agree(self) -> list[_Pair]:
        """Return columns by which rows of two files are known to be the same."""
        assert self.other is not None
        theirs = self.other.source
        if self.prediction.source is theirs:
            return []
        pairs: list[_Pair] = []
        if self.target.source is not theirs and set(self.target.names) <= set(theirs.names):
            pairs += [((self.target.source, n), (theirs, n)) for n in self.target.names]
        return pairs

    def of_other(self) -> Inputs:
        """Return the columns with those of the other model as the prediction."""
        assert self.other is not None
        found = copy(self)
        found.prediction = self.other
        found.probabilities = self._scale == "probabilities" or (
            self._scale is None and are_probabilities(self.other.names)
        )
        found.scale_is_said = self._scale is not None or found.probabilities
        return found

    def _refuse_unmatched(self, pieces: Pieces, first_row: int) -> None:
        """Refuse rows whose ids have no row in the other file."""
        if self.ids is None:
            return
        mine, theirs = self.ids
        places = pieces[theirs.source.file].get(PLACE)
        if places is not None and (places < 0).any():
            index = int(np.argmax(places < 0))
            column = pieces[mine.source.file][mine.name]
            raise mine.fault(column, first_row + index, index, int(places[index]), theirs.source)

    def _refuse_other_rows(self, pieces: Pieces, first_row: int) -> None:
        """Refuse files whose rows are not the same ones."""
        for (mine, name), (theirs, other) in self._agreeing:
            index = first_difference(pieces[mine.file][name], pieces[theirs.file][other])
            if index is not None:
                same = "the same row"
                if self.ids is not None:
                    ids = self.ids[0]
                    shown = ids.shown(pieces[ids.source.file][ids.name], index)
                    same = f"row {first_row + index}, which has the same id {shown}"
                raise theirs.error(
                    f"differs from {mine.file} in {same}: only equal rows can be compared",
                    row=first_row + index,
                    name=other,
                )

    def missing(self, begin: int, end: int) -> Ranges:
        """Return which of these rows are still to be read."""
        return gaps(self.done, begin, end)

    def say_lines(self, wanted: bool) -> None:
        """Let messages name lines of text beside rows, or not."""
        for source in self._sources.values():
            source.says_lines = wanted

    def adopt(self, first: Inputs) -> None:
        """Hold columns to what those of the first file turned out to be."""
        for mine, theirs in (
            (self.prediction, first.prediction), (self.target, first.target),
        ):  # fmt: skip
            mine.adopt(theirs)
        for part, before in ((self.weight, first.weight), (self.other, first.other)):
            if part is not None and before is not None:
                part.adopt(before)
        for group, other in zip(self._grouping, first._grouping, strict=True):
            group.adopt(other)

    @property
    def fixed(self) -> dict[str, dict[str, Any]]:
        """What the rows so far have fixed of the columns of each role."""
        return {role: columns.fixed for role, columns in self._by_role().items()}

    @fixed.setter
    def fixed(self, fixed: Mapping[str, Mapping[str, Any]]) -> None:
        for role, columns in self._by_role().items():
            columns.fixed = fixed.get(role, {})

    def _by_role(self) -> dict[str, NumberColumns]:
        roles = {"prediction": self.prediction, "target": self.target}
        if self.weight is not None:
            roles["weight"] = self.weight
        numbers = {f"by {group.title}": group.numbers for group in self._grouping}
        return roles | {title: columns for title, columns in numbers.items() if columns}

    @property
    def columns_read(self) -> list[str]:
        """Names of the columns that are read of the file of predictions."""
        return self._wanted()[self.prediction.source.file]

    def count(self) -> int:
        """Count the rows, which are read where the file does not say how many it has."""
        source = self.prediction.source
        if (parts := source.parts()) is not None:
            return sum(length for _, length, _ in parts)
        return sum(map(rows_of_piece, source.chunks(self.prediction.names, _CHUNK_ROWS)))

    def known_parts(self) -> list[tuple[int, int]] | None:
        """Return first rows and lengths of parts that may be read at once, if they are known."""
        wanted = self._wanted()
        parts = self.prediction.source.parts() if len(wanted) == 1 else None
        return None if parts is None else [(first_row, length) for first_row, length, _ in parts]

    def parts(self, rows: int | None = None) -> Iterator[Part]:
        """Cut all rows into parts, in their order. The rows of a chunk may be left to the inputs.

        Whoever asks for the next part reads nothing yet where parts can be read at once, and else
        has read it.
        """
        if rows is None:
            rows = max(1, min(_CHUNK_ROWS, _CHUNK_NUMBERS // max(1, self.prediction.width)))
        wanted = self._wanted()
        if len(wanted) == 1:
            ((file, names),) = wanted.items()
            source = self._sources[file]
            if (parts := source.parts()) is not None:
                for first_row, length, part in parts:
                    chunks: Iterator[Mapping[str, Column]] = iter(())
                    if self.missing(first_row, first_row + length):
                        chunks = source.part_chunks(part, names, rows)
                    yield Part(self, first_row, length, ({file: chunk} for chunk in chunks))
                return
        first_row = 0
        if self.reads_another:
            in_step = self._with_the_other(wanted, rows)
        else:
            in_step = self._in_step(wanted, rows, exact=len(wanted) > 1)
        for pieces in in_step:
            length = length_of(pieces)
            yield Part(self, first_row, length, iter([pieces]))
            first_row += length

    def parts_between(self, rows: int | None, begin: int, end: int) -> Iterator[Part]:
        """Return the parts that begin between two rows, up to the second one."""
        for part in self.parts(rows):
            if begin <= part.first_row < end:
                yield part.first(min(part.rows, end - part.first_row))

    def chunk(self, pieces: Pieces, first_row: int) -> Chunk:
        """Make arrays of columns as they lie in the files."""

        def read(columns: NumberColumns) -> Array | Ragged:
            return columns.read(pieces[columns.source.file], first_row)

        self._refuse_unmatched(pieces, first_row)
        rows = length_of(pieces)
        groups = [group.read(pieces, first_row, rows) for group in self.by]
        clusters = self.cluster and self.cluster.read(pieces, first_row, rows)
        weight = None
        if self.weight is not None:
            weight = self._checked_weight(read(self.weight), first_row)
        self._refuse_other_rows(pieces, first_row)
        other = None if self.other is None else read(self.other)
        return Chunk(
            first_row, read(self.prediction), read(self.target), weight, groups, other, clusters
        )

    @property
    def sources(self) -> list[Source]:
        """What the files offer."""
        return list(self._sources.values())

    @property
    def files(self) -> list[File]:
        """The files that are read."""
        return [file for source in self.sources for file in source.files]

    def roles(self) -> dict[str, Role | None]:
        """Return the columns of each role, and their files."""
        by = None
        if self.by:
            source = next((group.source for group in self.by if group.source), None)
            only = source and source.only
            names = tuple(group.name for group in self.by if group.name != only)
            by = Role(str((source or self.prediction.source).file), names)
        return {
            "prediction": self._role(self.prediction),
            "target": self._role(self.target),
            "weight": None if self.weight is None else self._role(self.weight),
            "by": by,
            **({} if self.cluster is None else {"cluster": self._role_of(self.cluster)}),
            **({} if self.other is None else {"compare": self._role(self.other)}),
        }

    def _role_of(self, group: GroupColumn) -> Role:
        source = group.source or self.prediction.source
        return Role(str(source.file), (group.name,) if group.name != source.only else ())

    @staticmethod
    def _role(columns: NumberColumns) -> Role:
        names = tuple(name for name in columns.names if name != columns.source.only)
        return Role(str(columns.source.file), names)

    def columns(self) -> str:
        """Say which columns are what."""
        parts = [
            f"{role} {self._place(columns.source, columns.names)}"
            for role, columns in (
                ("prediction", self.prediction), ("target", self.target), ("weight", self.weight),
            )
            if columns is not None
        ]  # fmt: skip
        if self.by:
            parts.append("by " + ", ".join(map(self._place_of_group, self.by)))
        if self.cluster is not None:
            parts.append(f"clusters {self._place_of_group(self.cluster)}")
        if self.other is not None:
            shown = self._place(self.other.source, self.other.names)
            parts.append(f"compared with prediction {shown}")
        if self.probabilities:
            parts[0] += " (probabilities)"
        return ", ".join(parts)

    def _place_of_group(self, group: GroupColumn) -> str:
        if group.source is None or group.bins is not None:
            return printable(group.title)
        return self._place(group.source, [group.name])

    def _place(self, source: Source, names: Sequence[str]) -> str:
        main = source is self.prediction.source
        if list(names) == [source.only]:
            return "the array" if main else printable(source.file)
        shown = printable(shortened(names))
        return shown if main else f"{shown} of {printable(source.file)}"

    def _checked_weight(self, weight: Array | Ragged, first_row: int) -> Array | Ragged:
        assert self.weight is not None
        values = weight.values if isinstance(weight, Ragged) else weight
        bad = ~((values >= 0) & (values < np.inf))
        if bad.any():
            index = tuple(int(i) for i in np.argwhere(bad)[0])
            row = weight.row_of(index[0]) if isinstance(weight, Ragged) else index[0]
            raise self.weight.source.error(
                f"a weight must be a finite number of at least 0, got {values[index]}",
                row=first_row + row,
                name=self.weight.name,
            )
        return weight

    def _wanted(self) -> dict[File, list[str]]:
        """Return the columns that each file is read for, once."""
        wanted: dict[File, list[str]] = {}
        roles = [self.prediction, self.target] + ([self.weight] if self.weight else [])
        for role in roles:
            wanted.setdefault(role.source.file, []).extend(role.names)
        if self.other is not None:
            wanted.setdefault(self.other.source.file, []).extend(self.other.names)
        for pair in self._agreeing:
            for source, name in pair:
                wanted.setdefault(source.file, []).append(name)
        for group in self._grouping:
            if group.source is not None:
                wanted.setdefault(group.source.file, []).append(group.name)
        if self.ids is not None:
            mine, _ = self.ids
            wanted[mine.source.file].append(mine.name)
        return {file: list(dict.fromkeys(names)) for file, names in wanted.items()}

    def _with_the_other(self, wanted: dict[File, list[str]], rows: int) -> Iterator[Pieces]:
        """Read the files with the rows of the other one, which go on where those before ended."""
        assert self.other is not None
        if self._is_first:
            self._beside = _Beside()
        names = wanted.pop(self.other.source.file)
        chunks = self._in_step(wanted, rows, exact=True)
        if self._limit is not None:
            chunks = _first(chunks, self._limit - self._beside.given)
        together = self._in_order if self.ids is None else self._matched
        try:
            yield from together(chunks, names, rows)
        except BaseException:
            self._beside.close()
            raise
        if self.is_last:
            self._beside.close()

    def _in_order(
        self, chunks: Iterator[Pieces], names: Sequence[str], rows: int
    ) -> Iterator[Pieces]:
        """Put as many rows of the other file beside each chunk."""
        assert self.other is not None
        source = self.other.source
        other = self._beside.rows = self._beside.rows or Rows(source, names, rows)
        source.place_of = partial(operator.add, other.taken)
        for pieces in chunks:
            at, length = 0, length_of(pieces)
            while (piece := other.take(length - at)) is not None:
                end = at + rows_of_piece(piece)
                yield {**cut(pieces, at, end), source.file: piece}
                at = end
                if at == length:
                    break
            if at < length:
                mine = length - at + sum(map(length_of, chunks))
                raise self._unequal(other.taken + mine, other.taken, at_least=not self.is_last)
        if self.is_last and self._limit is None and (more := other.left()):
            raise self._unequal(other.taken - more, other.taken)

    def _unequal(self, mine: int, theirs: int, at_least: bool = False) -> DataError:
        assert self.other is not None
        return DataError(
            f"the files have unequal numbers of rows: {self.files_called} has "
            f"{'at least ' if at_least else ''}{mine}, {self.other.source.file} has {theirs}"
        )

    def _matched(
        self, chunks: Iterator[Pieces], names: Sequence[str], rows: int
    ) -> Iterator[Pieces]:
        """Put the rows of the other file that have the same ids beside each chunk."""
        assert self.ids is not None
        mine, theirs = self.ids
        if self._beside.matcher is None:
            self._beside.matcher = Matcher(theirs, names, rows, self.files_called)
        matcher = self._beside.matcher
        theirs.source.place_of = matcher.place_of()
        for pieces in chunks:
            at = 0
            for matched in matcher.pieces(mine, pieces[mine.source.file][mine.name]):
                end = at + rows_of_piece(matched)
                yield {**cut(pieces, at, end), theirs.source.file: matched}
                at = end
        if self.is_last and self._limit is None:
            matcher.finish()

    def _in_step(
        self, wanted: Mapping[File, list[str]], rows: int, exact: bool
    ) -> Iterator[Pieces]:
        """Read each file that has a role once, all of them side by side."""
        with ExitStack() as stack:
            streams = [
                stack.enter_context(closing(self._stream(file, names, rows, exact)))
                for file, names in wanted.items()
            ]
            counts = dict.fromkeys(wanted, 0)
            for pieces in zip_longest(*streams):
                for file, piece in zip(wanted, pieces, strict=True):
                    counts[file] += 0 if piece is None else rows_of_piece(piece)
                self._compare(counts, streams)
                yield {
                    file: piece
                    for file, piece in zip(wanted, pieces, strict=True)
                    if piece is not None
                }

    def _stream(
        self, file: File, names: list[str], rows: int, exact: bool
    ) -> Generator[Mapping[str, Column], None, None]:
        yield from self._sources[file].chunks(names, rows, exact)

    @staticmethod
    def _compare(
        counts: Mapping[File, int], streams: Sequence[Iterator[Mapping[str, Column]]]
    ) -> None:
        """Refuse files of unequal length; chunks are equally long but for the last one."""
        if len(set(counts.values())) <= 1:
            return
        totals = [
            f"{file} has {count + sum(rows_of_piece(piece) for piece in stream)}"
            for (file, count), stream in zip(counts.items(), streams, strict=True)
        ]
        raise DataError(f"the files have unequal numbers of rows: {', '.join(totals)}")

    def _open(self, file: File) -> Source:
        if file not in self._sources:
            self._sources[file] = open_source(file, self._format)
        return self._sources[file]

    def _numbers(self, role: str, source: Source, wanted: str | None) -> NumberColumns:
        return NumberColumns(source, self._names(role, source, wanted))

    def _names(self, role: str, source: Source, wanted: str | None) -> tuple[str, ...]:
        if wanted is not None:
            return chosen(wanted, source.names, str(source.file))
        if source.only is not None:
            return (source.only,)
        return obvious(role, source.names, str(source.file))

    def _target(self, source: Source, request: Request) -> NumberColumns:
        names = self._names("target", source, request.target)
        if request.classes is not None:
            if len({*request.classes}) < len(request.classes) or not all(request.classes):
                said = argument("classes", ",".join(request.classes))
                raise UsageError(f"{said}: each needs a name of its own")
            if len(names) > 1 or request.positive is not None:
                raise UsageError(
                    f"{argument('classes')} needs a target of one column, and no "
                    f"{argument('positive')}"
                )
            return ClassColumn(source, names, request.classes)
        if request.positive is None:
            hint = (
                f"; {either('positive=VALUE', '--positive VALUE')} makes text a target of two "
                f"classes, {argument('classes', 'a,b,c')} one of more"
            )
            known = class_names(self.prediction.names) if len(names) == 1 else None
            return NumberColumns(source, names, hint, known)
        if len(names) > 1:
            raise UsageError(
                f"{argument('positive')} needs a target of one column, got {', '.join(names)}"
            )
        return PositiveColumn(source, names, request.positive)

    def _refuse_self_comparison(self) -> None:
        if self.prediction.names == self.target.names:
            source = self.prediction.source
            what = "its only array" if self.target.name == source.only else self.target.name
            raise UsageError(
                f"{source.file}: {what} is both prediction and target: name the target with "
                f"{given('target')}, or its file with {given('targets')}"
            )

    def _groups(self, listed: str) -> list[str]:
        """Cut a list with commas, which a name may have itself."""
        if "," not in listed or listed in self._columns or listed in self._partitions:
            return [listed]
        file = file_of(listed, self._folder)
        if file.format is not None and (file.path is None or file.path.exists()):
            return [listed]
        return several_groups(listed)

    @property
    def _columns(self) -> set[str]:
        return {column for source in self._sources.values() for column in source.names}

    def _group(self, role: str, text: str) -> GroupColumn:
        """Find a column, or what the folders say of the file; bins where no column is named so."""
        known = text in self._columns or text in self._partitions
        name, bins = (text, None) if known else parse_bins(text) or (text, None)
        if name in self._partitions and name not in self._columns:
            return GroupColumn(text, None, name, bins, self._partitions[name])
        source, name = self._single(role, name)
        title = text if bins is not None else name or str(source.file)
        return GroupColumn(title, source, name, bins)

    def _single(self, role: str, wanted: str) -> tuple[Source, str]:
        """Find a column in the files of predictions and targets, or a file with one array."""
        sources = list(self._sources.values())
        for source in sources:
            if wanted in source.names:
                return source, wanted
        if (file := file_of(wanted, self._folder)).format is not None:
            source = self._open(file)
            if source.only is not None:
                return source, source.only
            if len(source.names) == 1:
                return source, source.names[0]
            raise UsageError(
                f"{argument(role)}: {file} must hold one {source.noun}; {listed(source.names)}"
            )
        names = [name for source in sources for name in source.names]
        where = " and ".join(str(source.file) for source in sources)
        raise UsageError(
            f"{where} has no {wanted!r} for {argument(role)}{closest(wanted, names)}; "
            f"{listed(names)}"
        )


class _Beside:
    """How far the files of another model were read, which go with all files of predictions."""

    def __init__(self) -> None:
        self.rows: Rows | None = None
        self.matcher: Matcher | None = None

    @property
    def given(self) -> int:
        """Rows that were taken so far."""
        if self.matcher is not None:
            return self.matcher.given
        return 0 if self.rows is None else self.rows.taken

    def close(self) -> None:
        """Close the files."""
        for reader in (self.rows, self.matcher):
            if reader is not None:
                reader.close()


def _files_named(text: str, folder: Path) -> list[File]:
    """Return the files that a name, a pattern, a folder, or a list of them with commas stands for.

    There are none where the text does not look like files.
    """
    exists = not is_uri(text) and (folder / path_of(text)).exists()
    for names in ([text],) if exists else (several(text), [text]):
        if all(looks_like_files(name, folder) for name in names):
            return files_of(names, folder)
    return []


def cut(pieces: Pieces, begin: int, end: int) -> Pieces:
    """Return some rows of pieces."""
    if begin == 0 and end == length_of(pieces):
        return pieces
    return {
        file: {name: column[begin:end] for name, column in columns.items()}
        for file, columns in pieces.items()
    }


def _first(chunks: Iterator[Pieces], rows: int) -> Iterator[Pieces]:
    """Yield no more than so many rows."""
    for pieces in chunks:
        yield cut(pieces, 0, min(rows, length_of(pieces)))
        rows -= length_of(pieces)
        if rows <= 0:
            return


def length_of(pieces: Pieces) -> int:
    """Return the rows of pieces, which are equally long."""
    return rows_of_piece(next(iter(pieces.values())))


def open_source(file: File, format: Format) -> Source:
    """Open a file by the format its name tells, or by the one asked for."""
    try:
        file.check()
        source = _reader(file, format)(file)
        file.learned()
    except OSError as error:
        raise DataError(f"{file}: cannot be read: {reason_of(error)}") from error
    return source


def _reader(file: File, format: Format) -> Callable[[File], Source]:
    kind = format.name or file.format
    if kind is None:
        raise UsageError(
            f"{file}: the name does not tell the format ({', '.join(FORMATS)})"
            f"{either('', ': give --format')}"
        )
    return _READERS.get(kind, lambda file: CsvFile(file, format))
