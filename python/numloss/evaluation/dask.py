"""Evaluation on a Dask cluster: files, data frames and arrays, with the state of one process.

Needs the ``dask`` extra (``pip install 'numloss[dask]'``), on the workers as well.
"""

from __future__ import annotations

import math
import time
import uuid
import warnings
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np

import numloss
from numloss.evaluation.arguments import Files, Names
from numloss.evaluation.errors import DataError, EvaluationError, UsageError
from numloss.evaluation.evaluation import Evaluation, StateError
from numloss.evaluation.files.dataset import Dataset
from numloss.evaluation.files.flow import Flow
from numloss.evaluation.files.inputs import Inputs, Request
from numloss.evaluation.files.storage import File, LocalFile
from numloss.evaluation.kept import Kept
from numloss.evaluation.losses_out import LossFile
from numloss.evaluation.partial import Job, Notes, Partial, finished, merged, take
from numloss.evaluation.progress import Done
from numloss.evaluation.run import KEEP_SECONDS, Whole, begin, empty, warn_of_probabilities
from numloss.evaluation.specs import LossLike, LossSpec
from numloss.evaluation.wording import in_python

Losses: TypeAlias = "LossLike | Sequence[LossLike] | Mapping[str, LossLike]"

try:
    import dask
    from dask.delayed import Delayed, delayed
except ImportError as error:
    raise ImportError("numloss.evaluation.dask needs Dask: pip install 'numloss[dask]'") from error

# States that one task merges.
_FAN = 8
# With more files than this each is a task; else those of Parquet are cut. A task has so many
# numbers of the prediction, which take some 0.1 s: sending it takes a hundredth of that.
_FILES_TO_CUT = 256
_TASK_NUMBERS = 1 << 23
# How often the client looks for results (seconds).
_LOOK = 0.02


def evaluate_files(
    files: Files,
    losses: Losses,
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
    resample: bool = False,
    calibration: bool = False,
    auc: bool = False,
    compare: Names | Files | None = None,
    id: str | None = None,
    worst: int = 10,
    limit: int | None = None,
    threads: int = 1,
    on_error: Literal["fail", "skip"] = "fail",
    compute: bool = True,
) -> Any:
    r"""Evaluate files on the workers of Dask, each file or some row groups of it in a task.

    The state is the one that `numloss.evaluate` comes to in one process, byte for byte, whichever
    worker reads what, how often, and in which order.

    Parameters
    ----------
    files, losses, prediction, target, targets, weight, by, cluster, positive, classes, scale,
    resample, calibration, auc, compare, id, worst, limit, on_error
        As `numloss.evaluate` takes them. Every worker must be able to open the files. One task
        reads all of them where their rows must be counted through: beside files of another model,
        and up to a limit in files that do not say how many rows they have, as Parquet files do.
    threads : int, default 1
        Threads of a task, whatever the environment of the worker says.
    compute : bool, default True
        Whether to compute it, with the scheduler that Dask is set to, or to return a Delayed.

    Returns
    -------
    Evaluation or Delayed
        The evaluation, whose ``result()`` has the statistics; or a Delayed of it.

    Raises
    ------
    EvaluationError
        If something is wrong in the files, in the sentence that one process says.

    Examples
    --------
    >>> import dask, pathlib, tempfile
    >>> from numloss.evaluation.dask import evaluate_files
    >>> with tempfile.TemporaryDirectory() as folder, dask.config.set(scheduler="synchronous"):
    ...     for i in range(2):
    ...         _ = pathlib.Path(folder, f"{i}.csv").write_text("score,label\n1,0\n3,1\n")
    ...     evaluation = evaluate_files(folder, "mse")
    >>> evaluation
    <Evaluation of mse: 4 rows>
    """
    request = Request.of(
        files, targets=targets, prediction=prediction, target=target, weight=weight, by=by,
        cluster=cluster, positive=positive, classes=classes, scale=scale, limit=limit,
        compare=compare, id=id,
    )  # fmt: skip
    job = Job.of(request, losses, Kept(worst, resample, calibration, auc), threads, on_error)
    data = Dataset(request)
    job, parts = _parts_of_files(data, job)
    return _evaluated(job, data, parts, compute)


def evaluate_frame(
    frame: Any,
    losses: Losses,
    *,
    prediction: Names | None = None,
    target: Names | None = None,
    weight: str | Path | None = None,
    by: Names | Path = (),
    cluster: str | None = None,
    positive: str | float | None = None,
    classes: Names | None = None,
    scale: Literal["logits", "probabilities"] | None = None,
    resample: bool = False,
    calibration: bool = False,
    auc: bool = False,
    compare: Names | None = None,
    worst: int = 10,
    threads: int = 1,
    on_error: Literal["fail", "skip"] = "fail",
    compute: bool = True,
) -> Any:
    """Evaluate the columns of a ``dask.dataframe``, each partition in a task.

    Nobody knows how many rows a partition has before it is made. So a row is named by its partition
    and its number there: ``partition-00007``, row 12.

    Parameters
    ----------
    frame : dask.dataframe.DataFrame
        Rows of predictions and targets. Columns may hold numbers, lists of numbers or text.
    losses, prediction, target, weight, by, cluster, positive, classes, scale, resample,
    calibration, auc, compare, worst, on_error
        As `numloss.evaluate` takes them.
    threads, compute
        As `evaluate_files` takes them.

    Returns
    -------
    Evaluation or Delayed
        The evaluation, or a Delayed of it.

    Examples
    --------
    >>> import dask, pandas
    >>> import dask.dataframe as dd
    >>> from numloss.evaluation.dask import evaluate_frame
    >>> rows = pandas.DataFrame({"score": [1.0, 3.0, 5.0], "label": [1.0, 2.0, 1.0]})
    >>> with dask.config.set(scheduler="synchronous"):
    ...     evaluation = evaluate_frame(dd.from_pandas(rows, npartitions=2), "mse")
    >>> evaluation.result()["mse"].total.maximum_row
    Row(source='partition-00001', row=0)
    """
    request = Request.of(
        None, prediction=prediction, target=target, weight=weight, by=by, cluster=cluster,
        positive=positive, classes=classes, scale=scale, compare=compare,
    )  # fmt: skip
    job = Job.of(request, losses, Kept(worst, resample, calibration, auc), threads, on_error)
    # What columns there are is checked here, before anything is computed.
    data = Dataset(request, [Flow("the data frame", _table(frame._meta, "the data frame").schema)])
    wanted = set(data.first.columns_read)
    chosen = frame[[name for name in frame.columns if str(name) in wanted]]
    told = delayed(job, traverse=False)
    token = uuid.uuid4().hex
    parts = [
        delayed(_part_of_frame)(told, number, part, dask_key_name=f"numloss-part-{token}-{number}")
        for number, part in enumerate(chosen.to_delayed())
    ]
    return _evaluated(job, data, parts, compute)


def evaluate_arrays(
    prediction: Any,
    target: Any,
    losses: Losses,
    *,
    weight: Any = None,
    groups: Any = None,
    by: str | Sequence[str] | None = None,
    clusters: Any = None,
    cluster: str | None = None,
    other: Any = None,
    compare: tuple[str, str] | None = None,
    resample: bool = False,
    calibration: bool = False,
    auc: bool = False,
    source: str = "array",
    quantiles: bool = True,
    worst: int = 10,
    threads: int = 1,
    compute: bool = True,
    **inputs: Any,
) -> Any:
    """Evaluate arrays of Dask, each chunk of rows in a task.

    Parameters
    ----------
    prediction, target, weight, other, clusters : dask.array.Array
        What `Evaluation.update` takes. The first axis counts the rows; the others must be one
        chunk. Where chunks of rows differ, those of the prediction count.
    losses, by, cluster, compare, resample, calibration, auc, quantiles, worst
        As `Evaluation` takes them.
    groups : dask.array.Array, or a mapping or sequence of them, optional
        The group of each row: for several columns of `by` an array for each.
    source : str, default "array"
        What the rows are called: row 12 of ``array``. Where sizes of chunks are unknown, each is a
        source, as ``partition-00007``.
    threads, compute
        As `evaluate_files` takes them.
    **inputs : dask.array.Array
        What some losses take besides, such as ``variance``.

    Returns
    -------
    Evaluation or Delayed
        The state that ``Evaluation.update(..., source=source)`` comes to with all rows at once, or
        a Delayed of it.

    Examples
    --------
    >>> import dask
    >>> import dask.array as da
    >>> from numloss.evaluation.dask import evaluate_arrays
    >>> with dask.config.set(scheduler="synchronous"):
    ...     evaluation = evaluate_arrays(da.arange(9.0, chunks=4), da.zeros(9, chunks=3), "mae")
    >>> evaluation.result()["mae"].total.maximum_row
    Row(source='array', row=8)
    """
    empty = Evaluation(
        losses, by=by, cluster=cluster, compare=compare, resample=resample,
        calibration=calibration, auc=auc, quantiles=quantiles, worst=worst,
    )  # fmt: skip
    plan = _Plan(empty.to_bytes(), threads)
    named = _named_groups(empty.by, groups)
    arrays = {"prediction": prediction, "target": target}
    more = {"weight": weight, "other": other, "clusters": clusters}
    arrays |= {name: array for name, array in more.items() if array is not None}
    arrays |= {f"input {name}": array for name, array in inputs.items()}
    arrays |= {f"group {name}": array for name, array in named.items()}
    columns = _aligned(arrays)
    sizes = columns["prediction"][0]
    blocks = {name: parts for name, (_, parts) in columns.items()}
    unknown = any(math.isnan(size) for size in sizes)
    token, told = uuid.uuid4().hex, delayed(plan, traverse=False)
    parts = []
    first_row = 0
    for number, size in enumerate(sizes):
        name = f"partition-{number:05d}" if unknown else source
        parts.append(
            delayed(_part_of_arrays)(
                told, number, name, first_row,
                {what: several[number] for what, several in blocks.items()},
                dask_key_name=f"numloss-part-{token}-{number}",
            )
        )  # fmt: skip
        first_row = 0 if unknown else first_row + int(size)
    whole = _tree(parts, token)
    if not compute:
        return delayed(Partial.evaluation)(whole)
    return _computed(whole).evaluation()


def merge(parts: Sequence[Any], *, compute: bool = True) -> Any:
    """Merge evaluations, or their bytes, that are Delayed or there already, in a tree of tasks.

    Parameters
    ----------
    parts : sequence of Delayed, Evaluation or bytes
        At least one. They stay as they are.
    compute : bool, default True
        Whether to compute it, or to return a Delayed.

    Returns
    -------
    Evaluation or Delayed
        All rows.

    Examples
    --------
    >>> import dask, numloss
    >>> from numloss.evaluation.dask import merge
    >>> @dask.delayed
    ... def part(number):
    ...     evaluation = numloss.Evaluation("mae")
    ...     evaluation.update([1.0, 2.0], [0.0, 0.0], source=f"part-{number}")
    ...     return evaluation.to_bytes()
    >>> with dask.config.set(scheduler="synchronous"):
    ...     merge([part(i) for i in range(20)])
    <Evaluation of mae: 40 rows>
    """
    if not len(parts):
        raise ValueError("parts must hold one at least")
    wrapped = [delayed(_wrapped)(number, part) for number, part in enumerate(parts)]
    whole = _tree(wrapped, uuid.uuid4().hex)
    if not compute:
        return delayed(Partial.evaluation)(whole)
    return _computed(whole).evaluation()


# ---------------------------------------------------------------------------------------- the tasks


def _wrapped(number: int, part: Evaluation | bytes) -> Partial:
    state = part.to_bytes() if isinstance(part, Evaluation) else bytes(part)
    return Partial(Notes(number), state)


def _part_of_files(job: Job, number: int, files: list[File], between: Any, done: Any) -> Partial:
    return job.part(number, files, between, done)


def _part_of_frame(job: Job, number: int, frame: Any) -> Partial:
    name = f"partition-{number:05d}"
    try:
        table = _table(frame, name)
    except EvaluationError as error:
        return Partial(Notes(number, name), fault=error)
    return job.part(number, [Flow(name, table.schema, table.to_batches())])


def _table(frame: Any, name: str) -> Any:
    """Turn a frame of pandas into a table; a NaN stays one, and is not missing."""
    import pyarrow as pa  # type: ignore[import-untyped]

    columns = []
    for title, (_, column) in zip(frame.columns, frame.items(), strict=True):
        plain = isinstance(column.dtype, np.dtype) and column.dtype.kind in "biuf"
        try:
            columns.append(pa.array(column.to_numpy()) if plain else pa.array(column))
        except pa.ArrowException as error:
            reason = str(error).partition("\n")[0]
            raise DataError(f"{name}: column {title}: {reason}") from error
    return pa.Table.from_arrays(columns, names=[str(title) for title in frame.columns])


@dataclass(frozen=True)
class _Plan:
    """What the tasks of arrays are told."""

    state: bytes  # of an evaluation without rows
    threads: int

    def empty(self) -> Evaluation:
        return Evaluation.from_bytes(self.state)


def _named_groups(names: Sequence[str], groups: Any) -> dict[str, Any]:
    """Return the array of each column of groups."""
    if groups is None:
        groups = ()
    elif len(names) == 1 and not isinstance(groups, (Mapping, tuple, list)):
        groups = (groups,)
    columns = [groups[name] for name in names] if isinstance(groups, Mapping) else list(groups)
    if len(columns) != len(names):
        raise ValueError(
            f"groups must be {len(names)} columns, one for each of by, got {len(columns)}"
        )
    return dict(zip(names, columns, strict=True))


def _part_of_arrays(
    plan: _Plan, number: int, source: str, first_row: int, arrays: dict[str, Any]
) -> Partial:
    def named(kind: str) -> dict[str, Any]:
        return {key[len(kind) :]: value for key, value in arrays.items() if key.startswith(kind)}

    evaluation, notes = plan.empty(), Notes(number, source)
    if len(arrays["prediction"]):
        try:
            with numloss.threads(plan.threads):
                evaluation.update(
                    arrays["prediction"], arrays["target"], weight=arrays.get("weight"),
                    other=arrays.get("other"), clusters=arrays.get("clusters"),
                    groups=named("group ") or None, source=source, first_row=first_row,
                    **named("input "),
                )  # fmt: skip
        except numloss.Error as error:
            if not error.index:
                return Partial(notes, fault=DataError(f"{source}: {error}"))
            row = first_row + error.index[0]
            problem = f"{source}: row {row}, {error.argument}: {error.problem}{error.fix}"
            return Partial(notes, fault=DataError(problem, row))
        except ValueError as error:
            return Partial(notes, fault=DataError(f"{source}: rows from {first_row} on: {error}"))
    return Partial(notes, evaluation.to_bytes())


# ---------------------------------------------------------------------------------------- the graph


def _aligned(arrays: Mapping[str, Any]) -> dict[str, tuple[tuple[float, ...], list[Any]]]:
    """Return sizes and blocks of rows of each array, cut as the prediction is."""
    import dask.array as da

    made = {name: da.asarray(array) for name, array in arrays.items()}
    for name, array in made.items():
        if array.ndim == 0:
            raise ValueError(f"{name} must have an axis of rows, got a single number")
        for axis, count in enumerate(array.numblocks[1:], 1):
            if count > 1:
                raise ValueError(
                    f"{name} has {count} chunks along axis {axis}, where a task needs whole rows: "
                    f"rechunk({{{axis}: -1}}) joins them"
                )
    sizes = made["prediction"].chunks[0]
    known = not any(math.isnan(size) for size in sizes)
    found = {}
    for name, array in made.items():
        mine = array.chunks[0]
        if known and not any(math.isnan(size) for size in mine):
            if sum(mine) != sum(sizes):
                raise ValueError(
                    f"{name} has {sum(mine)} rows, where the prediction has {sum(sizes)}"
                )
            array = array.rechunk({0: sizes})
        elif len(mine) != len(sizes):
            raise ValueError(
                f"{name} has {len(mine)} chunks of unknown sizes, where the prediction has "
                f"{len(sizes)}: compute_chunk_sizes() finds them out"
            )
        found[name] = (array.chunks[0], array.to_delayed().ravel().tolist())
    return found


def _parts_of_files(data: Dataset, job: Job) -> tuple[Job, list[Delayed]]:
    """Read the first rows here, and make a task of each file or of rows of it."""
    if any(file.is_pipe for file in data.predictions):
        raise UsageError("a pipe comes to this machine alone: workers need files they can open")
    data.says_lines = not job.skip
    begin(data, job.losses, job.kept, job.chunk_rows, job.skip)
    here = Path.cwd()
    request = replace(job.request, folder=here)
    cuts = _cuts(data)
    if cuts is None:  # their rows go one after the other
        cuts = [(data.predictions, None)]
    else:
        request = replace(request, limit=None)
    job = replace(job, request=request, fixed=data.first.fixed)
    told = delayed(job, traverse=False)
    token = uuid.uuid4().hex
    parts = [
        delayed(_part_of_files)(
            told, number, [_sent(file, here) for file in files], between,
            {str(file): data.done.get(str(file), []) for file in files},
            dask_key_name=f"numloss-part-{token}-{number}",
        )
        for number, (files, between) in enumerate(cuts)
    ]  # fmt: skip
    return job, parts


def _sent(file: File, folder: Path) -> File:
    """Return a file that workers in other folders find."""
    if not isinstance(file, LocalFile):
        return file
    sent = copy(file)
    sent.path = folder / file.path
    return sent


def _cuts(data: Dataset) -> list[tuple[list[File], tuple[int, int] | None]] | None:
    """Return the files with the rows of each task, or None for all of them.

    There are no cuts where rows must be counted through: of other files that are read beside them,
    or up to a limit in files that do not say how many rows they have.
    """
    if data.first.reads_another:
        return None
    limit, files = data.request.limit, data.predictions
    found: list[tuple[list[File], tuple[int, int] | None]] = []
    for file in files:
        parts = None
        if len(files) <= _FILES_TO_CUT or limit is not None:
            parts = _known_parts(data, file)
        if limit is not None:
            if parts is None:
                return None
            parts = [(first, min(rows, limit - first)) for first, rows in parts if first < limit]
            limit -= sum(rows for _, rows in parts)
        if parts is None:
            found.append(([file], None))
        else:
            rows = _TASK_NUMBERS // max(data.first.prediction.width, 1)
            found += [([file], between) for between in _joined(parts, rows)]
        if limit == 0:
            break
    return found


def _known_parts(data: Dataset, file: File) -> list[tuple[int, int]] | None:
    """Return the row groups of a file; what is wrong with it, its task will say."""
    try:
        inputs = data.first if file is data.predictions[0] else Inputs(data.request, file)
        return inputs.known_parts()
    except EvaluationError:
        return None


def _joined(parts: Sequence[tuple[int, int]], rows: int) -> list[tuple[int, int]]:
    """Join row groups to tasks of at least so many rows, about equally long."""
    total = sum(length for _, length in parts)
    size = -(-total // max(total // rows, 1))
    found: list[tuple[int, int]] = []
    for first_row, length in parts:
        if found and found[-1][1] - found[-1][0] < size:
            found[-1] = (found[-1][0], first_row + length)
        else:
            found.append((first_row, first_row + length))
    return found


def _tree(parts: Sequence[Delayed], token: str) -> Delayed:
    """Merge a few at a time: no task holds many states."""
    level = 0
    while len(parts) > 1 or level == 0:
        parts = [
            delayed(merged)(
                list(parts[at : at + _FAN]), dask_key_name=f"numloss-merge-{token}-{level}-{at}"
            )
            for at in range(0, len(parts), _FAN)
        ]
        level += 1
    return parts[0]


def _evaluated(job: Job, data: Dataset, parts: Sequence[Delayed], compute: bool) -> Any:
    whole = _tree(parts, uuid.uuid4().hex)
    if not compute:
        return delayed(_finished)(whole)
    found = _computed(whole)
    evaluation = _finished(found)
    warn_of_probabilities(data, job.losses, list(found.notes.scales), _warn)
    return evaluation


def _finished(whole: Partial) -> Evaluation:
    return finished(whole.notes, whole.evaluation())


def _computed(whole: Delayed) -> Partial:
    found: Partial = dask.compute(whole)[0]
    return found


def _warn(message: str) -> None:
    warnings.warn(in_python(message), RuntimeWarning, stacklevel=5)


# --------------------------------------------------------------------------------- the command line


def evaluate_on(
    address: str,
    data: Dataset,
    losses: dict[str, LossSpec],
    kept: Kept,
    *,
    chunk_rows: int | None = None,
    max_groups: int | None = None,
    threads: int | None = None,
    resume: Evaluation | None = None,
    keep: Callable[[Evaluation], None] | None = None,
    stop: Any = None,
    skip: bool = False,
    writer: LossFile | None = None,
    on_progress: Callable[[Callable[[], Done]], None] = lambda measure: None,
    warn: Callable[[str], None] = lambda message: None,
) -> Evaluation:
    """Do what `numloss.evaluation.run.evaluate_files` does on the workers of a scheduler.

    The client merges branches of the tree as they come, so that a run that is stopped keeps them.
    For a `writer` tasks give back the losses of each row, which the client writes in their order.
    """
    from distributed import Client

    job = Job(
        data.request, losses, kept, chunk_rows, max_groups, threads=threads or 1, skip=skip,
        written=None if writer is None else writer.losses,
    )  # fmt: skip
    whole = Whole(empty(data, losses, kept), None)
    whole.resume(resume, data)
    job, parts = _parts_of_files(data, job)
    try:
        client = Client(address, set_as_default=False)
    except (OSError, ValueError, TimeoutError) as error:
        reason = str(error).partition("\n")[0]
        raise UsageError(f"--scheduler {address}: cannot be reached: {reason}") from error
    with client:
        gathered = _Gathered(client, whole, keep, stop, on_progress)
        notes = _run(gathered, parts) if writer is None else _run_in_order(gathered, parts, writer)
    if stop is not None and stop.is_set():
        return whole.evaluation
    evaluation = finished(notes, whole.evaluation, max_groups, resumed=resume is not None)
    warn_of_probabilities(data, losses, list(notes.scales), warn)
    return evaluation


@dataclass
class _Gathered:
    """What the client has of the tasks so far."""

    client: Any
    whole: Whole
    keep: Callable[[Evaluation], None] | None
    stop: Any
    on_progress: Callable[[Callable[[], Done]], None]
    found: list[Notes] = field(default_factory=list)
    kept: float = field(default_factory=time.monotonic)

    @property
    def stopped(self) -> bool:
        """Whether no more is wanted."""
        return self.stop is not None and self.stop.is_set()

    def take(self, part: Partial) -> None:
        """Merge a state in, and keep the whole now and then."""
        try:
            take(self.whole.evaluation, part.evaluation())
        except StateError as error:  # columns that hold text here and numbers there
            raise DataError(f"{part.notes.name}: {error}") from error
        self.found.append(part.notes)
        if self.keep is not None and time.monotonic() - self.kept > KEEP_SECONDS:
            self.keep(self.whole.evaluation)
            self.kept = time.monotonic()

    def notes(self) -> Notes:
        """Return the notes of all parts."""
        notes, *others = sorted(self.found, key=lambda found: found.number) or [Notes(0)]
        for other in others:
            notes = notes.with_those_of(other)
        return notes

    def show(self, share: float) -> None:
        """Show how far the work has come."""
        self.on_progress(lambda: Done(share, self.whole.evaluation.rows, 0))


def _run(gathered: _Gathered, parts: Sequence[Delayed]) -> Notes:
    """Take branches of the tree in as they come; return the notes of all."""
    length = max(_FAN, math.isqrt(len(parts)))
    trees = [
        _tree(parts[at : at + length], uuid.uuid4().hex) for at in range(0, len(parts), length)
    ]
    waiting = dict(enumerate(gathered.client.compute(trees)))
    faults: list[Partial] = []
    while waiting and not gathered.stopped:
        done = [at for at, future in waiting.items() if future.done()]
        for at in done:
            if at not in waiting:  # behind a fault
                continue
            part = _result(waiting.pop(at))
            if part.fault is None:
                gathered.take(part)
                continue
            faults.append(part)
            # An earlier row may hold an earlier fault; what comes later tells nothing new.
            gathered.client.cancel([waiting.pop(other) for other in list(waiting) if other > at])
        gathered.show(1 - len(waiting) / len(trees))
        if not done:
            time.sleep(_LOOK)
    gathered.client.cancel(list(waiting.values()))
    if faults:
        merged(faults).evaluation()  # raises the first one
    return gathered.notes()


def _run_in_order(gathered: _Gathered, parts: Sequence[Delayed], writer: LossFile) -> Notes:
    """Take parts in, and write the losses of their rows, in their order; return the notes of all.

    The workers hold a few parts that are done, and the client one.
    """
    client = gathered.client
    waiting: deque[Any] = deque()
    given = 0
    try:
        while (given < len(parts) or waiting) and not gathered.stopped:
            ahead = max(_FAN, 2 * sum(client.nthreads().values()))
            while given < len(parts) and len(waiting) < ahead:
                waiting.append(client.compute(parts[given]))
                given += 1
            if not waiting[0].done():
                time.sleep(_LOOK)
                continue
            part = _result(waiting.popleft())
            gathered.take(part)  # raises what is wrong in its rows: those before are fine
            writer.write_bytes(part.written)
            gathered.show((given - len(waiting)) / len(parts))
    finally:
        client.cancel(list(waiting))
    return gathered.notes()


def _result(future: Any) -> Partial:
    error = future.exception()
    if error is not None:
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise DataError(f"a task was given up by the scheduler: {reason}") from error
    found: Partial = future.result()
    return found
