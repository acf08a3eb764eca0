"""From files to an evaluation: threads take parts of the rows, each with a state of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence

import numloss
from numloss.evaluation.errors import DataError, EvaluationError, UsageError
from numloss.evaluation.evaluation import Evaluation
from numloss.evaluation.files.inputs import Inputs, Part
from numloss.evaluation.files.losses import FileLosses
from numloss.evaluation.groups import GroupError
from numloss.evaluation.specs import LossSpec


def evaluate_files(
    inputs: Inputs,
    losses: dict[str, LossSpec],
    *,
    worst: int = 10,
    chunk_rows: int | None = None,
    max_groups: int | None = None,
    threads: int | None = None,
    on_progress: Callable[[float], None] = lambda part: None,
) -> Evaluation:
    """Read the inputs once, and evaluate all losses.

    The state of every thread is merged at the end: the result is the same for any number of them.
    """
    workers = [
        _Worker(inputs, losses, worst, max_groups) for _ in range(threads or numloss.num_threads())
    ]
    parts = _Shared(inputs.parts(chunk_rows))
    # The first part fixes what the columns hold, lest that depend on which thread comes first.
    workers[0].run(parts, on_progress, most=1)
    if not parts.failed:
        _run_all(workers, parts, on_progress)
    if parts.failed:
        raise min(parts.failures, key=lambda failure: failure[0])[1]
    evaluation = workers[0].evaluation
    for worker in workers[1:]:
        evaluation.merge(worker.evaluation)
        worker.forget()
    _refuse_groups(evaluation, max_groups)
    inputs.finish(evaluation.rows)
    return evaluation


def _run_all(
    workers: Sequence[_Worker], parts: _Shared, on_progress: Callable[[float], None]
) -> None:
    others = [
        threading.Thread(target=worker.run_alone, args=(parts,), daemon=True)
        for worker in workers[1:]
    ]
    for thread in others:
        thread.start()
    try:
        if others:
            with numloss.threads(1):
                workers[0].run(parts, on_progress)
        else:
            workers[0].run(parts, on_progress)
    finally:
        parts.stop()
        for thread in others:
            thread.join()


def _refuse_groups(evaluation: Evaluation, most: int | None) -> None:
    if most is not None and evaluation.group_count > most:
        raise DataError(f"--by finds more than {most} groups: --max-groups allows more")


class _Shared:
    """Parts for several threads; whoever takes one reads it, where it is read on the way."""

    def __init__(self, parts: Iterator[Part]) -> None:
        self._parts = parts
        self._lock = threading.Lock()
        self._next = 0
        self._stopped = False
        self.failures: list[tuple[int, BaseException]] = []

    @property
    def failed(self) -> bool:
        return bool(self.failures)

    def take(self) -> Part | None:
        """Return the next part. After a failure there is none: all parts before it are taken."""
        with self._lock:
            if self._stopped or self.failures:
                return None
            try:
                part = next(self._parts, None)
            except EvaluationError as error:
                self.failures.append((self._next, error))
                return None
            if part is not None:
                self._next = part.first_row + 1
            return part

    def fail(self, row: int, error: BaseException) -> None:
        with self._lock:
            self.failures.append((row, error))

    def stop(self) -> None:
        with self._lock:
            self._stopped = True


class _Worker:
    """What one thread gathers."""

    def __init__(
        self, inputs: Inputs, losses: dict[str, LossSpec], worst: int, max_groups: int | None
    ) -> None:
        self._inputs = inputs
        by = [name or str(source.path) for source, name in inputs.by]
        self.evaluation = Evaluation(
            {name: (spec.loss, spec.options) for name, spec in losses.items()}, by=by, worst=worst
        )
        self._losses = [FileLosses(spec, inputs) for spec in losses.values()]
        self._source = str(inputs.prediction.source.path)
        self._max_groups = max_groups
        self._checked = False

    def forget(self) -> None:
        """Let go of a state that was merged."""
        del self.evaluation

    def run_alone(self, parts: _Shared) -> None:
        """Work as one of several threads."""
        with numloss.threads(1):
            self.run(parts, lambda part: None)

    def run(
        self, parts: _Shared, on_progress: Callable[[float], None], most: int | None = None
    ) -> None:
        """Take parts until there are none, or so many."""
        taken = 0
        while (most is None or taken < most) and (part := parts.take()) is not None:
            row = part.first_row
            taken += 1
            try:
                for pieces in part.chunks:
                    row += self._take(pieces, row)
                    on_progress(self._inputs.progress())
            except BaseException as error:
                parts.fail(row, error)
                return

    def _take(self, pieces: object, first_row: int) -> int:
        chunk = self._inputs.chunk(pieces, first_row)  # type: ignore[arg-type]
        if not self._checked:
            for losses in self._losses:
                losses.check(chunk)
            self._checked = True
        if len(chunk.prediction):
            found = [losses(chunk) for losses in self._losses]
            try:
                self.evaluation._take_from(self._source, found, chunk.groups, first_row)
            except GroupError as error:
                raise UsageError(str(error)) from error
            _refuse_groups(self.evaluation, self._max_groups)
        return len(chunk.prediction)
