"""What a task of a cluster gives back of its rows, and how many of them become one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

import numloss
from numloss.evaluation.arguments import at_least_one, skips
from numloss.evaluation.errors import DataError, EvaluationError
from numloss.evaluation.evaluation import Evaluation, StateError
from numloss.evaluation.files.columns import PositiveColumn
from numloss.evaluation.files.dataset import Dataset
from numloss.evaluation.files.inputs import Request
from numloss.evaluation.files.storage import File
from numloss.evaluation.kept import Kept
from numloss.evaluation.losses_out import LossBytes
from numloss.evaluation.ranges import Ranges
from numloss.evaluation.run import Scales, evaluate_part, refuse_groups
from numloss.evaluation.specs import LossLike, LossSpec, specs_of

Fixed = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Job:
    """What all tasks of an evaluation are told."""

    request: Request
    losses: dict[str, LossSpec]
    kept: Kept
    chunk_rows: int | None = None
    max_groups: int | None = None
    threads: int = 1
    skip: bool = False
    fixed: Fixed | None = None  # what the first rows hold, if they were read already
    written: tuple[str, ...] | None = None  # the names of losses that are given back of each row

    @classmethod
    def of(
        cls,
        request: Request,
        losses: LossLike | Sequence[LossLike] | Mapping[str, LossLike],
        kept: Kept,
        threads: int,
        on_error: str,
    ) -> Job:
        """Take what Python's callers give."""
        at_least_one(threads=threads)
        return cls(request, specs_of(losses), kept, threads=threads, skip=skips(on_error))

    def part(
        self,
        number: int,
        files: Sequence[File],
        between: tuple[int, int] | None = None,
        done: Mapping[str, Ranges] = MappingProxyType({}),
    ) -> Partial:
        """Evaluate files, or rows of one, but for those that are done.

        A mistake in the data is what the task gives back, as it would be no other at a second try.
        """
        try:
            data = Dataset(self.request, files, between)
            data.done = dict(done)
            if self.fixed is not None:
                data.first.fixed = self.fixed
            writer = None if self.written is None else LossBytes(self.written)
            with numloss.threads(self.threads):
                evaluation, scales = evaluate_part(
                    data, self.losses, self.kept, chunk_rows=self.chunk_rows,
                    max_groups=self.max_groups, threads=self.threads, skip=self.skip,
                    writer=writer,
                )  # fmt: skip
        except EvaluationError as error:
            return Partial(Notes(number, str(files[0])), fault=error)
        written = b"" if writer is None else writer.to_bytes()
        return Partial(Notes.of(number, data, scales), evaluation.to_bytes(), written=written)


@dataclass(frozen=True)
class Notes:
    """What must be known of some rows, beside their state, to judge the whole."""

    number: int  # of the part, in the order of rows; of several the first
    name: str = ""  # of the first file
    fixed: Fixed = field(default_factory=dict)  # what the columns of each role hold
    scales: tuple[tuple[bool, int], ...] = ()
    unseen: str | None = None  # what to say if no row holds the positive value, and none did so far

    @classmethod
    def of(cls, number: int, data: Dataset, scales: Scales) -> Notes:
        """Take down what a part has learned."""
        target, unseen = data.first.target, None
        if isinstance(target, PositiveColumn) and not target.seen:
            unseen = target.unseen().marked
        name = str(data.first.prediction.source.file)
        return cls(number, name, data.first.fixed, tuple(scales), unseen)

    def with_those_of(self, other: Notes) -> Notes:
        """Join notes of rows and of later ones, which must hold the same."""
        scales = zip(self.scales, other.scales, strict=True)
        return replace(
            self,
            fixed=self._agreed(other),
            scales=tuple((a and b, rows + more) for (a, rows), (b, more) in scales),
            unseen=None if other.unseen is None else self.unseen,
        )

    def _agreed(self, other: Notes) -> Fixed:
        """Return what both have fixed: it may not depend on who reads a row first."""
        for role, fixed in other.fixed.items():
            for key, value in fixed.items():
                before = self.fixed.get(role, {}).get(key, value)
                if before != value:
                    raise DataError(
                        f"{other.name}: {role}: {_shown(key, value)} in a row, where {self.name} "
                        f"has {_shown(key, before)}"
                    )
        roles = {**self.fixed, **other.fixed}
        return {role: {**self.fixed.get(role, {}), **other.fixed.get(role, {})} for role in roles}


@dataclass(frozen=True)
class Partial:
    """The state of some rows as bytes, or what is wrong in them.

    Merging makes new bytes: a task that runs twice, or whose result two others take, changes
    nothing.
    """

    notes: Notes
    state: bytes = b""
    fault: EvaluationError | None = None
    written: bytes = b""  # the losses of each row, as `LossBytes` has them

    def evaluation(self) -> Evaluation:
        """Return the state, or raise what is wrong in the rows."""
        if self.fault is not None:
            raise self.fault
        return Evaluation.from_bytes(self.state)


def merged(parts: Sequence[Partial]) -> Partial:
    """Merge what tasks gave back, in any order; of several faults the first by rows stays."""
    parts = sorted(parts, key=lambda part: part.notes.number)
    for part in parts:
        if part.fault is not None:
            return part
    notes, evaluation = parts[0].notes, parts[0].evaluation()
    for part in parts[1:]:
        try:
            notes = notes.with_those_of(part.notes)
            take(evaluation, part.evaluation())
        except EvaluationError as error:
            return Partial(part.notes, fault=error)
        except StateError as error:  # columns that hold text here and numbers there
            return Partial(part.notes, fault=DataError(f"{part.notes.name}: {error}"))
    return Partial(notes, evaluation.to_bytes())


def take(evaluation: Evaluation, part: Evaluation) -> None:
    """Merge a part in, if it has rows: one without leaves no trace."""
    if part.rows or part._skipped:
        evaluation.merge(part)


def finished(
    notes: Notes, evaluation: Evaluation, max_groups: int | None = None, resumed: bool = False
) -> Evaluation:
    """Refuse a whole that turned out to hold nothing, or too many groups."""
    refuse_groups(evaluation, max_groups)
    if not evaluation.rows:
        raise DataError(f"{notes.name}: no rows")
    if notes.unseen is not None and not resumed:
        raise DataError(notes.unseen)
    return evaluation


def _shown(key: str, value: Any) -> str:
    if isinstance(value, tuple):
        return f"{' x '.join(map(str, value)) or 'a number'} ({key})"
    return f"{value} ({key})"
