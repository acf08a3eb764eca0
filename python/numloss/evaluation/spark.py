"""Evaluation of Spark's data frames: a state for each partition, with the bytes of one process.

Needs the ``spark`` extra (``pip install 'numloss[spark]'``), on the executors as well.
"""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa  # type: ignore[import-untyped]

from numloss.evaluation.arguments import Names
from numloss.evaluation.errors import DataError
from numloss.evaluation.evaluation import Evaluation
from numloss.evaluation.files.dataset import Dataset
from numloss.evaluation.files.flow import Flow
from numloss.evaluation.files.inputs import Request
from numloss.evaluation.kept import Kept
from numloss.evaluation.partial import Job, Partial, finished, merged
from numloss.evaluation.run import warn_of_probabilities
from numloss.evaluation.specs import LossLike
from numloss.evaluation.wording import in_python

# What a task gives Spark: one row.
_SCHEMA = "part long, partial binary"
_NAME = "the data frame"


def evaluate(
    frame: Any,
    losses: LossLike | Sequence[LossLike] | Mapping[str, LossLike],
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
    branches: int | None = None,
) -> Evaluation:
    """Evaluate the columns of a data frame of Spark, each partition in a task.

    A task gives back one row with its state. Spark takes that of one attempt, so nothing counts
    twice where tasks are retried or run speculatively. A row is named by its partition and its
    number there: ``partition-00007``, row 12.

    Parameters
    ----------
    frame : pyspark.sql.DataFrame
        Rows of predictions and targets. Columns may hold numbers, arrays of numbers, vectors of
        Spark's machine learning, or text. Only those that are named are read.
    losses, prediction, target, weight, by, cluster, positive, classes, scale, resample,
    calibration, auc, compare, worst, on_error
        As `numloss.evaluate` takes them.
    threads : int, default 1
        Threads of a task, whatever ``spark.task.cpus`` says.
    branches : int, optional
        How many states come to the driver: the executors merge those of the partitions into so
        many first. Without, the driver merges all, which is best below some hundred partitions.

    Returns
    -------
    Evaluation
        The evaluation, whose ``result()`` has the statistics.

    Raises
    ------
    EvaluationError
        If something is wrong in the rows, in a sentence that names partition, row and column. Spark
        does not try again then.

    Examples
    --------
    >>> from numloss.evaluation import spark  # doctest: +SKIP
    >>> evaluation = spark.evaluate(frame, ["cross_entropy"], by="country")  # doctest: +SKIP
    >>> evaluation.result()["cross_entropy"].total.mean  # doctest: +SKIP
    0.2413
    """
    if branches is not None and branches < 1:
        raise ValueError(f"branches must be at least 1, got {branches}")
    request = Request.of(
        None, prediction=prediction, target=target, weight=weight, by=by, cluster=cluster,
        positive=positive, classes=classes, scale=scale, compare=compare,
    )  # fmt: skip
    job = Job.of(request, losses, Kept(worst, resample, calibration, auc), threads, on_error)
    # What columns there are is checked here, before Spark begins.
    data = Dataset(request, [Flow(_NAME, pa.schema([(name, pa.null()) for name in frame.columns]))])
    # A name in backticks is a column, whatever dots are in it; later Spark knows of no backticks.
    names = data.first.columns_read
    chosen = frame.select(*("`" + name.replace("`", "``") + "`" for name in names))
    chosen = chosen.toDF(*(f"c{index}" for index in range(len(names))))
    partials = chosen.mapInArrow(_task(job, names), _SCHEMA)
    if branches is not None:
        partials = partials.groupBy(partials["part"] % branches).applyInArrow(_merge, _SCHEMA)
    found = [pickle.loads(row["partial"]) for row in partials.collect()]
    if not found:
        raise DataError(f"{_NAME}: no rows")
    whole: Partial = merged(found)
    evaluation = finished(whole.notes, whole.evaluation())
    warn_of_probabilities(data, job.losses, list(whole.notes.scales), _warn)
    return evaluation


def _warn(message: str) -> None:
    warnings.warn(in_python(message), RuntimeWarning, stacklevel=4)


def _task(job: Job, names: Sequence[str]) -> Callable[[Iterator[Any]], Iterator[Any]]:
    """Return what each partition is given to."""

    def evaluate_partition(batches: Iterator[Any]) -> Iterator[Any]:
        from pyspark import TaskContext

        number = TaskContext.get().partitionId()
        batches = (pa.RecordBatch.from_arrays(batch.columns, names) for batch in batches)
        first = next(batches, None)
        if first is None:
            return
        flow = Flow(f"partition-{number:05d}", first.schema, chain([first], batches))
        yield _row(job.part(number, [flow]))
        # A fault ends the reading early, and Spark wants all that it sends to be taken.
        for _ in batches:
            pass

    return evaluate_partition


def _merge(table: Any) -> Any:
    """Merge the states of some partitions."""
    parts = [pickle.loads(partial) for partial in table["partial"].to_pylist()]
    return pa.Table.from_batches([_row(merged(parts))])


def _row(partial: Partial) -> Any:
    return pa.record_batch(
        {"part": [partial.notes.number], "partial": [pickle.dumps(partial)]},
        pa.schema([("part", pa.int64()), ("partial", pa.binary())]),
    )
