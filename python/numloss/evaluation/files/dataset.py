"""All files of an evaluation, as one series of rows."""

from __future__ import annotations

import operator
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from numloss.evaluation.errors import DataError, UsageError
from numloss.evaluation.files.columns import PositiveColumn
from numloss.evaluation.files.inputs import Inputs, Part, Request
from numloss.evaluation.files.several import files_of
from numloss.evaluation.files.storage import File
from numloss.evaluation.names import of_files, shortened
from numloss.evaluation.progress import Done
from numloss.evaluation.ranges import Ranges
from numloss.evaluation.report import Origin, Role
from numloss.evaluation.tables import printable
from numloss.evaluation.wording import argument


class Dataset:
    """Files of predictions, one after the other; the first says which columns are what."""

    def __init__(
        self,
        request: Request,
        files: Sequence[File] | None = None,
        between: tuple[int, int] | None = None,
    ) -> None:
        """Look up the files that are named, or take given ones, and rows between two of them."""
        self.done: dict[str, Ranges] = {}  # rows of each file that an earlier run has taken in
        self.says_lines = True  # do messages about rows of text
        self._request = request
        self._files = files_of(request.predictions) if files is None else list(files)
        self._between = between
        if len(self._files) > 1 and request.targets is not None:
            raise UsageError(f"{argument('targets')} goes with one file of predictions")
        self.first = Inputs(request, self._files[0])
        self._inputs = [self.first]
        for name, count in Counter(self.by).items():
            if count > 1:
                raise UsageError(f"{argument('by', printable(name))}: given twice")
        if request.identity is not None and self.first.other is None:
            raise UsageError(f"{argument('id')} belongs to {argument('compare')}")
        self._refuse_files_beside_themselves()

    def _refuse_files_beside_themselves(self) -> None:
        """Refuse to compare files of predictions with one another."""
        if self.first.other is None or not self.first.reads_another:
            return
        mine = set(self._files)
        for file in self.first.other.source.files:
            if file in mine:
                raise UsageError(
                    f"{argument('compare')}: {file} is a file of predictions itself: name columns "
                    "of it, or other files"
                )

    @property
    def by(self) -> list[str]:
        """Names of the columns that group the rows."""
        return [group.title for group in self.first.by]

    @property
    def cluster(self) -> str | None:
        """Name of the column that says what is not independent."""
        return None if self.first.cluster is None else self.first.cluster.title

    @property
    def compare(self) -> tuple[str, str] | None:
        """What two models are called, where they are compared."""
        mine, other = self.first.prediction, self.first.other
        if other is None:
            return None
        if mine.source is other.source:
            return shortened(mine.names), shortened(other.names)
        return of_files(list(map(str, self._files))), str(other.source.file)

    @property
    def reading(self) -> dict[str, Any]:
        """How the columns are read, where that decides what a loss is."""
        request = self._request
        found = {
            "scale": "probabilities" if self.first.probabilities else None,
            "positive": request.positive,
            "classes": None if request.classes is None else list(request.classes),
        }
        return {name: value for name, value in found.items() if value is not None}

    @property
    def request(self) -> Request:
        """What the user named."""
        return self._request

    @property
    def predictions(self) -> list[File]:
        """The files of predictions."""
        return list(self._files)

    @property
    def files(self) -> list[File]:
        """The files that are read."""
        return [*self._files, *self.first.files]

    def inputs_of(self, source: str) -> Inputs:
        """Return the columns of a file of predictions."""
        for inputs in self._inputs:
            if str(inputs.prediction.source.file) == source:
                return inputs
        file = next(file for file in self._files if str(file) == source)
        inputs = Inputs(self._request, file, self.first)
        if inputs.other is not None and inputs.reads_another and inputs.ids is None:
            inputs.other.source.place_of = partial(operator.add, self._rows_before(file))
        return inputs

    def _rows_before(self, file: File) -> int:
        """Count the rows of the files of predictions that come before one."""
        before = self._files[: self._files.index(file)]
        return sum(Inputs(self._request, one, self.first).count() for one in before)

    def parts(self, rows: int | None) -> Iterator[Part]:
        """Cut the rows of all files into parts, as far as they are wanted."""
        left = self._request.limit
        for part in self._all_parts(rows):
            if left is None:
                yield part
                continue
            yield part.first(min(left, part.rows))
            left -= part.rows
            if left <= 0:
                return

    def _all_parts(self, rows: int | None) -> Iterator[Part]:
        """Open a file when it is its turn."""
        for file in self._files:
            inputs = self.first
            if file is not self._files[0]:
                inputs = Inputs(self._request, file, self.first)
                inputs.adopt(self.first)
                self._inputs.append(inputs)
            inputs.files_called = of_files(list(map(str, self._files)))
            inputs.is_last = file is self._files[-1]
            inputs.say_lines(self.says_lines)
            inputs.done = self.done.get(str(file), [])
            if self._between is None:
                yield from inputs.parts(rows)
            else:
                yield from inputs.parts_between(rows, *self._between)

    def progress(self, rows: int) -> Done:
        """Say how much was read: so many rows, and which part of the files."""
        part = (len(self._inputs) - 1 + self._inputs[-1].prediction.source.done) / len(self._files)
        # Of what several files share the first ones tell how far it was read.
        sources = {s.file: s for inputs in reversed(self._inputs) for s in inputs.sources}
        size = sum((source.file.size or 0) * source.done for source in sources.values())
        return Done(min(part, 1.0), rows, int(size))

    def finish(self, rows: int, skips: Sequence[tuple[str, int, str]] = ()) -> None:
        """Refuse inputs that turned out to hold nothing."""
        if rows == 0 and skips:
            raise DataError(f"all rows were skipped, first: {skips[0][2]}")
        if rows == 0:
            raise DataError(f"{self.first.prediction.source.file}: no rows")
        if self.done:
            return
        targets = [inputs.target for inputs in self._inputs]
        positive = [target for target in targets if isinstance(target, PositiveColumn)]
        if positive and not any(target.seen for target in positive):
            raise positive[0].unseen()

    def origin(self, rows: int) -> Origin:
        """Say where the numbers come from."""
        names = [printable(file) for file in self._files]
        files = of_files(names)
        roles: dict[str, Role | None] = self.first.roles()
        heading = f"{files}: {rows} rows; {self.first.columns()}"
        return Origin(heading, roles, len(names), tuple(names))
