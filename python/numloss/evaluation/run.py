"""From files to an evaluation: threads take parts of the rows, each with a state of its own."""

from __future__ import annotations

import threading
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal

import numloss
from numloss.evaluation.arguments import Files, Names, at_least_one, joined, skips
from numloss.evaluation.comparison import paired
from numloss.evaluation.errors import DataError, EvaluationError, UsageError
from numloss.evaluation.evaluation import Evaluation, StateError
from numloss.evaluation.files.dataset import Dataset
from numloss.evaluation.files.inputs import Inputs, Part, Pieces, Request, cut, length_of
from numloss.evaluation.files.losses import FileLosses
from numloss.evaluation.files.rows import columns_of, rows_of
from numloss.evaluation.groups import GroupError
from numloss.evaluation.kept import Kept
from numloss.evaluation.losses_out import LossTable
from numloss.evaluation.progress import Done
from numloss.evaluation.result import EvaluationResult, Row
from numloss.evaluation.specs import LossLike, LossSpec, specs_of
from numloss.evaluation.wording import LOGITS, PROBABILITIES, either, in_python

# Rows of binary predictions in [0, 1] that are no chance.
_FEW = 20
#: How often a state goes to the file that an interrupted run goes on from.
KEEP_SECONDS = 30.0


def evaluate(
    files: Files,
    losses: LossLike | Sequence[LossLike] | Mapping[str, LossLike],
    *,
    prediction: Names | None = None,
    target: Names | None = None,
    targets: str | Path | None = None,
    weight: str | Path | None = None,
    by: Names | Path = (),
    cluster: str | Path | None = None,
    positive: str | float | None = None,
    classes: Names | None = None,
    scale: Literal["logits", "probabilities"] | None = None,
    quantiles: Iterable[float] = (0.5, 0.95, 0.99),
    confidence: float | None = None,
    resample: bool = False,
    calibration: bool = False,
    auc: bool = False,
    compare: Names | Files | None = None,
    id: str | None = None,
    worst: int = 10,
    worst_columns: Names | None = None,
    limit: int | None = None,
    threads: int | None = None,
    on_error: Literal["fail", "skip"] = "fail",
) -> EvaluationResult:
    r"""Evaluate the predictions in files, which may be larger than memory.

    It needs pyarrow (``pip install numloss[cli]``). What it does is what `numloss evaluate` does on
    the command line.

    Parameters
    ----------
    files : path or URI, or a sequence of them
        Files of predictions, patterns such as ``"part-*.parquet"``, or folders of parts; on a disk,
        or where a URI of pyarrow's file systems says: ``s3://``, ``gs://``, ``hdfs://``. A named
        pipe, or ``"-"`` for standard input, brings an Arrow stream, CSV or JSON lines.
    losses : loss, name, or a sequence or mapping of them
        As `Evaluation` takes them.
    prediction : str or sequence of str, optional
        A column, several as a sequence or with commas between, or a pattern such as
        ``"logit_*"``. Without, the one with an obvious name, such as ``score``, or a series such as
        ``logit_0``, ``logit_1``.
    target : str, optional
        The same of targets; several columns hold a probability for each class.
    targets : path or URI, optional
        The file of the targets, if it is another one.
    weight : str, optional
        The column of weights, or a file with one array or column of them.
    by : str or sequence of str, optional
        Columns that group the rows, as a sequence or with commas between; bins of a number,
        ``"age:10"`` of a width or ``"age:18,30,65"`` between edges, each named by its lower edge.
    cluster : str, optional
        The column of what ties rows together that are not independent, such as ``"user"``: standard
        errors and intervals are then those of independent clusters.
    positive : str or number, optional
        The value of the target that is the positive class.
    classes : str or sequence of str, optional
        What the target calls the classes, in the order of the columns of the prediction:
        ``"cat,dog"``.
    scale : {"logits", "probabilities"}, optional
        What the predictions are. Without, columns named ``prob`` or ``probability`` hold
        probabilities, and all others logits.
    quantiles : iterable of float
        Which quantiles to compute.
    confidence : float, optional
        The level of intervals for the means, such as 0.95, which the result then shows.
    resample : bool
        Whether standard errors are those of a jackknife.
    calibration : bool
        Whether to say how far probabilities can be trusted.
    auc : bool
        Whether to compute ROC-AUC and average precision.
    compare : str or sequence of str, optional
        Predictions of another model on the same rows: columns of the same files, or other files
        (one, a sequence of them, a pattern, a folder) with as many rows in all, in the same order
        or with `id` in any.
    id : str, optional
        A column by which rows of other files are matched, whatever their order: whole numbers or
        text. Where both have the same order they are read side by side, else the other ones are
        held in memory. Targets that both files have must agree, with `id` and without.
    worst : int, default 10
        How many rows with the highest losses to name.
    worst_columns : str or sequence of str, optional
        Columns that say what these rows are, as `prediction` names them: ``"id,text"``.
    limit : int, optional
        Read the first so many rows alone.
    threads : int, optional
        Threads; they change no digit.
    on_error : {"fail", "skip"}
        What to do about a row that something is wrong with: the first one ends the evaluation, or
        all are counted and left out.

    Returns
    -------
    EvaluationResult
        The statistics of each loss, by its name.

    Raises
    ------
    EvaluationError
        If something is wrong in the files, or with what is asked of them, in a sentence that names
        file, row and column.
    ImportError
        If pyarrow is missing.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import numloss
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "scores.csv")
    ...     _ = path.write_text("score,label\n1,0\n3,1\n")
    ...     result = numloss.evaluate(path, ["mse", "mae"])
    >>> result["mse"].total.mean
    2.5
    """
    at_least_one(threads=threads)
    if worst_columns is not None and not worst:
        raise ValueError("worst_columns are those of the worst rows: worst must be above 0")
    skip = skips(on_error)
    named = specs_of(losses)
    data = Dataset(
        Request.of(
            files, targets=targets, prediction=prediction, target=target, weight=weight, by=by,
            cluster=cluster, positive=positive, classes=classes, scale=scale, limit=limit,
            compare=compare, id=id,
        )
    )  # fmt: skip
    shown = joined(worst_columns)
    if shown is not None:
        columns_of(data.first, shown)
    evaluation = evaluate_files(
        data, named, Kept(worst, resample, calibration, auc), threads=threads, skip=skip,
        warn=_warn_in_python,
    )  # fmt: skip
    result = evaluation.result(quantiles, confidence=confidence)
    if shown is not None:
        add_columns(data, result, shown)
    return result


def _warn_in_python(message: str) -> None:
    warnings.warn(in_python(message), RuntimeWarning, stacklevel=4)


def evaluate_files(
    data: Dataset,
    losses: dict[str, LossSpec],
    kept: Kept,
    *,
    chunk_rows: int | None = None,
    max_groups: int | None = None,
    threads: int | None = None,
    resume: Evaluation | None = None,
    keep: Callable[[Evaluation], None] | None = None,
    stop: threading.Event | None = None,
    skip: bool = False,
    writer: LossTable | None = None,
    on_progress: Callable[[Callable[[], Done]], None] = lambda measure: None,
    warn: Callable[[str], None] = lambda message: None,
) -> Evaluation:
    """Read the files once, and evaluate all losses.

    The state of every thread is merged at the end: the result is the same for any number of them.
    With `skip`, rows that something is wrong with are counted and left out. An evaluation to
    `resume` takes in the rows that it does not have. Every half minute it goes to `keep`. Once
    `stop` is set, what was read so far is returned. A `writer` gets the losses of every row, in
    their order.
    """
    data.says_lines = not skip  # looking for the line of each bad row would take for ever
    whole = Whole(empty(data, losses, kept), keep)
    whole.resume(resume, data)
    # What is written row by row is computed row by row: by one thread, and the threads of a call.
    count = 1 if writer is not None else threads or numloss.num_threads()
    workers = [_Worker(data, losses, kept, max_groups, whole, skip, writer) for _ in range(count)]
    parts = _Shared(data.parts(chunk_rows), stop)
    _gather(
        workers,
        parts,
        lambda: on_progress(lambda: data.progress(sum(worker.rows for worker in workers))),
    )
    evaluation = whole.evaluation
    refuse_groups(evaluation, max_groups)
    if stop is not None and stop.is_set():
        return evaluation
    data.finish(evaluation.rows, evaluation._skips)
    warn_of_probabilities(data, losses, _scales(workers, losses), warn)
    return evaluation


def evaluate_part(
    data: Dataset,
    losses: dict[str, LossSpec],
    kept: Kept,
    *,
    chunk_rows: int | None,
    max_groups: int | None,
    threads: int,
    skip: bool,
    writer: LossTable | None = None,
) -> tuple[Evaluation, Scales]:
    """Evaluate rows that are a part of all: there may be none, and others see to the whole."""
    data.says_lines = not skip
    whole = Whole(empty(data, losses, kept), None)
    count = 1 if writer is not None else threads  # the threads of a call, as in `evaluate_files`
    workers = [_Worker(data, losses, kept, max_groups, whole, skip, writer) for _ in range(count)]
    parts = _Shared(data.parts(chunk_rows), None)
    _gather(workers, parts, lambda: None)
    return whole.evaluation, _scales(workers, losses)


def _gather(workers: Sequence[_Worker], parts: _Shared, on_progress: Callable[[], None]) -> None:
    """Let the workers take all parts, and hand over what they have; or raise the first fault."""
    # The first chunk fixes what the columns hold, lest that depend on which thread comes first.
    workers[0].begin(parts)
    if not parts.failed:
        _run_all(workers, parts, on_progress)
    if parts.failed:
        raise min(parts.failures, key=lambda failure: failure[:2])[2]
    for worker in workers:
        worker.give()


def begin(
    data: Dataset, losses: dict[str, LossSpec], kept: Kept, chunk_rows: int | None, skip: bool
) -> None:
    """Compute the first rows alone, which fix what the columns hold and show what is wrong."""
    whole = Whole(empty(data, losses, kept), None)
    parts = _Shared(data.parts(chunk_rows), None)
    _Worker(data, losses, kept, None, whole, skip, None).begin(parts)
    if parts.failed:
        raise parts.failures[0][2]


#: For each loss whether all predictions could be probabilities, and how many rows they are.
Scales = list[tuple[bool, int]]


def _scales(workers: Sequence[_Worker], losses: Mapping[str, LossSpec]) -> Scales:
    found = []
    for index in range(len(losses)):
        mine = [of_file[index] for worker in workers for of_file in worker.losses.values()]
        found.append(
            (all(one.looks_like_probabilities for one in mine), sum(one.rows for one in mine))
        )
    return found


def warn_of_probabilities(
    data: Dataset, losses: dict[str, LossSpec], scales: Scales, warn: Callable[[str], None]
) -> None:
    """Warn of losses of logits whose predictions all could be probabilities."""
    for (name, spec), (alike, rows) in zip(losses.items(), scales, strict=True):
        if alike:
            _suspect(name, spec, data.first, rows, warn)


def add_columns(
    data: Dataset, result: EvaluationResult, wanted: str, most: int | None = None
) -> None:
    """Look up what columns say of the rows with the highest losses."""
    wanted_rows: dict[str, set[int]] = {}
    for loss in result.losses.values():
        for row in (worst.row for worst in loss.worst[:most]):
            if row is not None and row.source is not None and isinstance(row.row, int):
                wanted_rows.setdefault(row.source, set()).add(row.row)
    found = {
        Row(source, row): columns
        for source, rows in wanted_rows.items()
        for row, columns in rows_of(data.inputs_of(source), wanted, rows).items()
    }
    for loss in result.losses.values():
        loss.worst[:most] = [
            worst._replace(columns=found[worst.row]) if worst.row in found else worst
            for worst in loss.worst[:most]
        ]


def _suspect(
    name: str, spec: LossSpec, inputs: Inputs, rows: int, warn: Callable[[str], None]
) -> None:
    """Warn of predictions that all could be probabilities."""
    # Two logits may well lie in [0, 1]; many, or rows that add up to 1, hardly.
    if rows >= (2 if spec.loss.rowwise else _FEW):
        warn(
            f"{name} takes logits, and all {rows} rows of {inputs.prediction.name} could be "
            f"probabilities: {PROBABILITIES} if they are, {LOGITS} if not"
        )


def _run_all(workers: Sequence[_Worker], parts: _Shared, on_progress: Callable[[], None]) -> None:
    others = [
        threading.Thread(target=worker.run_alone, args=(parts,), daemon=True)
        for worker in workers[1:]
    ]
    started = []
    for thread in others:
        try:
            thread.start()
        except RuntimeError:  # no memory for its stack, or no more threads allowed: fewer will do
            break
        started.append(thread)
    try:
        if others:
            with numloss.threads(1):
                workers[0].run(parts, on_progress)
        else:
            workers[0].run(parts, on_progress)
    finally:
        parts.stop()
        for thread in started:
            thread.join()


def refuse_groups(evaluation: Evaluation, most: int | None) -> None:
    """Refuse more groups than are wanted."""
    if most is not None and evaluation.group_count > most:
        raise DataError(f"--by finds more than {most} groups: --max-groups allows more")


def empty(data: Dataset, losses: dict[str, LossSpec], kept: Kept) -> Evaluation:
    """Return an evaluation that has no rows yet."""
    pairs = {name: (spec.loss, spec.options) for name, spec in losses.items()}
    try:
        evaluation = Evaluation(
            pairs, by=data.by, worst=kept.worst, compare=data.compare, cluster=data.cluster,
            resample=kept.resample, calibration=kept.calibration, auc=kept.auc,
        )  # fmt: skip
    except ValueError as error:
        raise UsageError(either(str(error), f"--{error}")) from None
    evaluation._reading = data.reading
    return evaluation


class Whole:
    """What all threads or workers have gathered, but for what each has at hand."""

    def __init__(self, evaluation: Evaluation, keep: Callable[[Evaluation], None] | None) -> None:
        self.evaluation = evaluation
        self.keep = keep
        self._lock = threading.Lock()

    def resume(self, state: Evaluation | None, data: Dataset) -> None:
        """Go on from a state: the rows that are in are not read again."""
        if state is None:
            return
        try:
            self.evaluation.merge(state)
        except StateError as error:
            raise DataError(f"the state to go on from is another one: {error}") from error
        data.done = state._done()

    def take(self, part: Evaluation) -> None:
        """Take in what one of them gathered."""
        with self._lock:
            if self.evaluation.rows or self.evaluation._skipped:
                self._merge(part)
            else:
                self.evaluation = part
            if self.keep is not None:
                self.keep(self.evaluation)

    def _merge(self, part: Evaluation) -> None:
        try:
            self.evaluation.merge(part)
        except StateError as error:  # columns that hold text here and numbers there
            names = f"{self.evaluation._sources[0]} and {part._sources[0]}"
            raise DataError(f"{names}: {error}") from error


class _OpenPart:
    """A part whose chunks several threads take in turn: one decodes while others compute."""

    def __init__(self, part: Part, number: int) -> None:
        self._part = part
        self.number = number  # in the order of the rows
        self._lock = threading.Lock()
        self.inputs = part.inputs
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

    def __init__(self, parts: Iterator[Part], stop: threading.Event | None) -> None:
        self._stop = stop
        self._parts = parts
        self._lock = threading.Lock()
        self._open: list[_OpenPart] = []
        self._begun: _OpenPart | None = None  # whose rest comes next
        self._stopped = False
        self._taken = 0
        self.failures: list[tuple[int, int, BaseException]] = []

    @property
    def failed(self) -> bool:
        return bool(self.failures)

    @property
    def ended(self) -> bool:
        """Whether no more parts are wanted."""
        return self._stopped or self.failed or (self._stop is not None and self._stop.is_set())

    def wants(self, part: _OpenPart) -> bool:
        """Whether to go on with a part: after a failure, only if an earlier one may be in it."""
        if self._stopped or (self._stop is not None and self._stop.is_set()):
            return False
        return all(part.number < number for number, _, _ in self.failures)

    def take(self) -> _OpenPart | None:
        """Return a part with chunks left; after a failure only one before it."""
        with self._lock:
            begun, self._begun = self._begun, None
            if begun is not None and not self.ended:
                return begun
            part = None if self.ended else next(self._parts, None)
            if part is not None:
                self._taken += 1
                self._open.append(_OpenPart(part, self._taken))
                return self._open[-1]
            self._open = [part for part in self._open if not part.ended and self.wants(part)]
            return self._open[0] if self._open else None

    def put_back(self, part: _OpenPart) -> None:
        """Let the rest of a part come next: one worker alone takes rows in their order."""
        self._begun = part

    def fail(self, part: _OpenPart | None, row: int, error: BaseException) -> None:
        with self._lock:
            self.failures.append((part.number if part else self._taken + 1, row, error))

    def stop(self) -> None:
        with self._lock:
            self._stopped = True


class _Worker:
    """What one thread gathers."""

    def __init__(
        self,
        data: Dataset,
        losses: dict[str, LossSpec],
        kept: Kept,
        max_groups: int | None,
        whole: Whole,
        skip: bool,
        writer: LossTable | None,
    ) -> None:
        self._data = data
        self._specs = losses
        self._kept = kept
        self._max_groups = max_groups
        self._whole = whole
        self._skip = skip
        self._writer = writer
        self.rows = 0  # taken so far
        self._given = time.monotonic()
        self.evaluation = empty(data, losses, kept)
        self.losses: dict[Inputs, list[FileLosses]] = {}
        self.others: dict[Inputs, list[FileLosses]] = {}  # of the model that is compared

    def give(self) -> None:
        """Hand over what was gathered, and begin anew."""
        if self.evaluation.rows or self.evaluation._skipped:
            self._whole.take(self.evaluation)
            self.evaluation = empty(self._data, self._specs, self._kept)
        self._given = time.monotonic()

    def begin(self, parts: _Shared) -> None:
        """Take the first chunk, by which the options are checked."""
        self._step(parts, lambda: None, check=True)

    def run_alone(self, parts: _Shared) -> None:
        """Work as one of several threads."""
        with numloss.threads(1):
            self.run(parts, lambda: None)

    def run(self, parts: _Shared, on_progress: Callable[[], None]) -> None:
        """Take chunks until there are none, all of a part if nobody else wants them."""
        while self._step(parts, on_progress):
            pass
        # What the merge would do first, on one thread for all.
        self.evaluation._state.settle()

    def _step(self, parts: _Shared, on_progress: Callable[[], None], check: bool = False) -> bool:
        """Take the chunks of a part, or only the first one. False: there is none."""
        row, part = 0, None
        try:
            part = parts.take()
            if part is None:
                return False
            row = part.row
            while parts.wants(part) and (found := part.next_chunk()) is not None:
                pieces, row = found
                rows = length_of(pieces)
                missing = part.inputs.missing(row, row + rows) if rows else [(row, row)]
                for begin, end in missing:
                    some = cut(pieces, begin - row, end - row)
                    self._take_or_skip(part.inputs, some, begin, check)
                if self._whole.keep is not None and time.monotonic() - self._given > KEEP_SECONDS:
                    self.give()
                self.rows += rows
                on_progress()
                row = part.row
                if check:
                    parts.put_back(part)
                    break
        except BaseException as error:
            parts.fail(part, row, error)
            # A fault of the data: parts before this one are read to their ends for earlier ones.
            return isinstance(error, EvaluationError)
        return True

    def _take_or_skip(self, inputs: Inputs, pieces: Pieces, first_row: int, check: bool) -> None:
        """Take a chunk; if rows are skipped, halve one that is refused until one row is left."""
        try:
            self._take(inputs, pieces, first_row, check)
        except DataError as error:
            rows = length_of(pieces)
            if not self._skip or error.row is None:
                raise
            if rows == 1:
                source = str(inputs.prediction.source.file)
                self.evaluation._skip(source, first_row, error.marked)
                return
            middle = rows // 2
            self._take_or_skip(inputs, cut(pieces, 0, middle), first_row, check)
            rest = cut(pieces, middle, rows)
            self._take_or_skip(inputs, rest, first_row + middle, check)

    def _losses_of(self, inputs: Inputs) -> list[FileLosses]:
        forecast = self.evaluation._forecast
        return [
            FileLosses(spec, inputs, place == forecast)
            for place, spec in enumerate(self._specs.values())
        ]

    def _take(self, inputs: Inputs, pieces: Pieces, first_row: int, check: bool) -> None:
        chunk = inputs.chunk(pieces, first_row)
        losses = self.losses.get(inputs)
        if losses is None:
            losses = self._losses_of(inputs)
            self.losses[inputs] = losses
            if inputs.other is not None:
                self.others[inputs] = self._losses_of(inputs.of_other())
        if check:
            for loss in losses:
                loss.check(chunk)
        if not len(chunk.prediction):
            return
        found = [loss(chunk) for loss in losses]
        if inputs.other is not None:
            other = [loss(chunk.of_other()) for loss in self.others[inputs]]
            triples = zip(self._specs.values(), found, other, strict=True)
            found = [value for triple in triples for value in paired(*triple)]
        source = str(inputs.prediction.source.file)
        try:
            self.evaluation._take_from(source, found, chunk.groups, first_row, chunk.clusters)
        except GroupError as error:
            raise DataError(f"{source}: column {error}") from error
        if self._writer is not None:
            self._writer.write(source, first_row, found)
        refuse_groups(self.evaluation, self._max_groups)
