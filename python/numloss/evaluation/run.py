"""From files to an evaluation: threads take parts of the rows, each with a state of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence

import numloss
from numloss.evaluation.errors import DataError
from numloss.evaluation.evaluation import Evaluation
from numloss.evaluation.files.inputs import Inputs, Part, Pieces, length_of
from numloss.evaluation.files.losses import FileLosses
from numloss.evaluation.groups import GroupError
from numloss.evaluation.specs import LossSpec

_FEW = 20


def evaluate_files(
    inputs: Inputs,
    losses: dict[str, LossSpec],
    *,
    worst: int = 10,
    chunk_rows: int | None = None,
    max_groups: int | None = None,
    threads: int | None = None,
    on_progress: Callable[[float], None] = lambda part: None,
    warn: Callable[[str], None] = lambda message: None,
) -> Evaluation:
    """Read the inputs once, and evaluate all losses.

    The state of every thread is merged at the end: the result is the same for any number of them.
    """
    workers = [
        _Worker(inputs, losses, worst, max_groups) for _ in range(threads or numloss.num_threads())
    ]
    parts = _Shared(inputs.parts(chunk_rows))
    # The first chunk fixes what the columns hold, lest that depend on which thread comes first.
    workers[0].begin(parts)
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
    for index, (name, spec) in enumerate(losses.items()):
        mine = [worker.losses[index] for worker in workers]
        if all(one.looks_like_probabilities for one in mine):
            _suspect(name, spec, inputs, sum(one.rows for one in mine), warn)
    return evaluation


def _suspect(
    name: str, spec: LossSpec, inputs: Inputs, rows: int, warn: Callable[[str], None]
) -> None:
    """Warn of predictions that all could be probabilities."""
    # Two logits may well lie in [0, 1]; many, or rows that add up to 1, hardly.
    if rows >= (2 if spec.loss.rowwise else _FEW):
        warn(
            f"{name} takes logits, and all {rows} rows of {inputs.prediction.name} could be "
            "probabilities: --from-probabilities if they are, --from-logits if not"
        )


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


class _OpenPart:
    """A part whose chunks several threads take in turn: one decodes while others compute."""

    def __init__(self, part: Part) -> None:
        self._part = part
        self._lock = threading.Lock()
        self.row = part.first_row  # of the next chunk
        self.ended = False

    def next_chunk(self) -> tuple[Pieces, int] | None:
        with self._lock:
            if self.ended:
                return None
            pieces = next(self._part.chunks, None)
            if pieces is None:
                self.ended = True
                return None
            first_row = self.row
            self.row += length_of(pieces)
            return pieces, first_row


class _Shared:
    """Parts for several threads; a thread that finds none left helps with those of others."""

    def __init__(self, parts: Iterator[Part]) -> None:
        self._parts = parts
        self._lock = threading.Lock()
        self._open: list[_OpenPart] = []
        self._stopped = False
        self.failures: list[tuple[int, BaseException]] = []

    @property
    def failed(self) -> bool:
        return bool(self.failures)

    def take(self) -> _OpenPart | None:
        """Return a part with chunks left. After a failure there is none."""
        with self._lock:
            if self._stopped or self.failures:
                return None
            part = next(self._parts, None)
            if part is not None:
                self._open.append(_OpenPart(part))
                return self._open[-1]
            self._open = [part for part in self._open if not part.ended]
            return self._open[0] if self._open else None

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
        self.losses = [FileLosses(spec, inputs) for spec in losses.values()]
        self._source = str(inputs.prediction.source.path)
        self._max_groups = max_groups

    def forget(self) -> None:
        """Let go of a state that was merged."""
        del self.evaluation

    def begin(self, parts: _Shared) -> None:
        """Take the first chunk, by which the options are checked."""
        self._step(parts, lambda part: None, check=True)

    def run_alone(self, parts: _Shared) -> None:
        """Work as one of several threads."""
        with numloss.threads(1):
            self.run(parts, lambda part: None)

    def run(self, parts: _Shared, on_progress: Callable[[float], None]) -> None:
        """Take chunks until there are none, all of a part if nobody else wants them."""
        while self._step(parts, on_progress):
            pass

    def _step(
        self, parts: _Shared, on_progress: Callable[[float], None], check: bool = False
    ) -> bool:
        """Take the chunks of a part, or only the first one. False: there is none, or a fault."""
        row = 0
        try:
            part = parts.take()
            if part is None:
                return False
            row = part.row
            while not parts.failed and (found := part.next_chunk()) is not None:
                row = found[1]
                self._take(*found, check)
                on_progress(self._inputs.progress())
                row = part.row
                if check:
                    break
        except BaseException as error:
            parts.fail(row, error)
            return False
        return True

    def _take(self, pieces: Pieces, first_row: int, check: bool) -> None:
        chunk = self._inputs.chunk(pieces, first_row)
        if check:
            for losses in self.losses:
                losses.check(chunk)
        if not len(chunk.prediction):
            return
        found = [losses(chunk) for losses in self.losses]
        try:
            self.evaluation._take_from(self._source, found, chunk.groups, first_row)
        except GroupError as error:
            raise DataError(f"{self._source}: column {error}") from error
        _refuse_groups(self.evaluation, self._max_groups)
