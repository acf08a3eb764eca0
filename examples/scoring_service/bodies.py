"""Bodies of requests: JSON, streams of Arrow and raw float32, checked, to lists of examples."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
from msgspec import Meta
from settings import Settings

Array = npt.NDArray[Any]

JSON = "application/json"
ARROW = "application/vnd.apache.arrow.stream"
RAW = "application/octet-stream"

#: Ids, models and slices. The text of PostgreSQL holds no NUL.
_TEXT = r"^[^\x00]*$"
Name = Annotated[str, Meta(min_length=1, max_length=200, pattern=_TEXT)]
#: What the ids of several rows begin with, before their number.
Prefix = Annotated[str, Meta(min_length=1, max_length=190, pattern=_TEXT)]

_LARGEST = float(np.finfo(np.float32).max)
_LARGEST_LABEL = float(np.finfo(np.float64).max)
Score = Annotated[float, Meta(ge=-_LARGEST, le=_LARGEST)]
Weight = Annotated[float, Meta(ge=0, le=_LARGEST)]
Value = Annotated[float, Meta(ge=-_LARGEST_LABEL, le=_LARGEST_LABEL)]

Reader = Callable[[bytes], "list[Example]"]

DEFAULT_MODEL = "default"
DEFAULT_SLICE = "all"
DEFAULT_WEIGHT = 1.0


class Example(NamedTuple):
    """What is known of an example: a request says one half of it, the label or the rest."""

    id: str
    model: str | None = None
    slice: str | None = None
    prediction: bytes | None = None  # float32, as many as there are classes
    label: float | None = None
    weight: float | None = None  # comes with the prediction


class RefusedError(Exception):
    """A request that is not served: a status of HTTP and a sentence."""

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers


class Label(msgspec.Struct, forbid_unknown_fields=True):
    """The label of an example."""

    id: Name
    label: Value


class Bodies:
    """Reads the bodies that a service of these settings takes.

    Attributes
    ----------
    predictions, labels : type
        What JSON must be, for who decodes it and for the description of the service.
    raw_query : type
        What the query says of a raw body; row 3 of the id ``a`` is called ``a:3``, and where it
        is ``weighted`` each row ends with its weight.
    """

    def __init__(self, settings: Settings) -> None:
        self._classes = settings.classes
        self._most = settings.rows
        several = Annotated[
            list[Score], Meta(min_length=settings.classes, max_length=settings.classes)
        ]
        prediction = msgspec.defstruct(
            "Prediction",
            [
                ("id", Name),
                ("prediction", several if settings.classes else Score),
                ("model", Name, DEFAULT_MODEL),
                ("slice", Name, DEFAULT_SLICE),
                ("weight", Weight, DEFAULT_WEIGHT),
            ],
            forbid_unknown_fields=True,
        )
        self.predictions = self._batch("Predictions", "predictions", prediction)
        self.labels = self._batch("Labels", "labels", Label)
        self.raw_query = msgspec.defstruct(
            "RawQuery",
            [
                ("id", Prefix),
                ("rows", Annotated[int, Meta(ge=0, le=settings.rows)]),
                ("model", Name, DEFAULT_MODEL),
                ("slice", Name, DEFAULT_SLICE),
                ("weighted", bool, False),
            ],
            forbid_unknown_fields=True,
        )
        self._predictions: msgspec.json.Decoder[Any] = msgspec.json.Decoder(self.predictions)
        self._labels: msgspec.json.Decoder[Any] = msgspec.json.Decoder(self.labels)

    def _batch(self, name: str, field: str, row: type) -> type:
        rows = Annotated[list[row], Meta(max_length=self._most)]  # type: ignore[valid-type]
        return msgspec.defstruct(name, [(field, rows)], forbid_unknown_fields=True)

    # ---------------------------------------------------------------------------------- JSON

    def json_predictions(self, body: bytes) -> list[Example]:
        """Read ``{"predictions": [{"id": "a", "prediction": 0.5, "slice": "de"}, ...]}``.

        A row may have a ``weight``, too.
        """
        rows = _decoded(self._predictions, body).predictions
        scores = np.array([row.prediction for row in rows], np.float32)
        return [
            Example(row.id, row.model, row.slice, score, weight=row.weight)
            for row, score in zip(rows, self._cut(scores, len(rows)), strict=True)
        ]

    def json_labels(self, body: bytes) -> list[Example]:
        """Read ``{"labels": [{"id": "a", "label": 1}, ...]}``."""
        return [Example(row.id, label=row.label) for row in _decoded(self._labels, body).labels]

    # ----------------------------------------------------------------------------------- raw

    def raw_predictions(self, body: bytes, asked: Any) -> list[Example]:
        """Read float32, little-endian, row by row; a `raw_query` says whose they are."""
        numbers = max(self._classes, 1) + asked.weighted
        width = 4 * numbers
        if len(body) != width * asked.rows:
            raise RefusedError(
                422,
                f"body must be {asked.rows} rows of {width} bytes of float32, which are "
                f"{asked.rows * width} bytes, got {len(body)}",
            )
        table = np.frombuffer(body, "<f4").reshape(asked.rows, numbers)
        weights = [DEFAULT_WEIGHT] * asked.rows
        if asked.weighted:
            weights = _weights(table[:, -1])
            table = table[:, :-1]
        scores = table.ravel()
        self._refuse_unless_finite(scores, asked.rows)
        return [
            Example(f"{asked.id}:{number}", asked.model, asked.slice, score, weight=weight)
            for number, (score, weight) in enumerate(
                zip(self._cut(scores, asked.rows), weights, strict=True)
            )
        ]

    # --------------------------------------------------------------------------------- Arrow

    def arrow_predictions(self, body: bytes) -> list[Example]:
        """Read ``id``, ``prediction`` and, if there are any, ``model``, ``slice``, ``weight``."""
        table = self._table(body, {"id", "prediction"}, {"model", "slice", "weight"})
        rows = table.num_rows
        scores = self._scores(table.column("prediction"))
        self._refuse_unless_finite(scores, rows)
        columns = table.schema.names
        weights = [DEFAULT_WEIGHT] * rows
        if "weight" in columns:
            weights = _weights(_numbers(table.column("weight"), "weight"))
        return [
            Example(*row, weight=weight)
            for *row, weight in zip(
                _names(table, "id"),
                _names(table, "model") if "model" in columns else [DEFAULT_MODEL] * rows,
                _names(table, "slice") if "slice" in columns else [DEFAULT_SLICE] * rows,
                self._cut(scores, rows),
                weights,
                strict=True,
            )
        ]

    def arrow_labels(self, body: bytes) -> list[Example]:
        """Read columns ``id`` and ``label``."""
        table = self._table(body, {"id", "label"}, set())
        labels = _numbers(table.column("label"), "label").astype(np.float64)
        if len(bad := np.flatnonzero(~np.isfinite(labels))):
            raise RefusedError(422, f"label must be finite, got {labels[bad[0]]} in row {bad[0]}")
        return [
            Example(name, label=label)
            for name, label in zip(_names(table, "id"), labels.tolist(), strict=True)
        ]

    def _table(self, body: bytes, needed: set[str], possible: set[str]) -> pa.Table:
        """Read a stream of Arrow; nothing of it is believed before it was validated."""
        try:
            with pa.ipc.open_stream(body) as stream:
                names = stream.schema.names
                if not (
                    needed <= set(names) <= needed | possible and len(set(names)) == len(names)
                ):
                    raise RefusedError(
                        400,
                        f"columns must be {', '.join(sorted(needed))}"
                        + (f", and may be {', '.join(sorted(possible))}" if possible else "")
                        + f", got {', '.join(names) or 'none'}",
                    )
                # Types are known here, before a row is read: those without buffers, or with shared
                # ones, could have more rows than memory.
                for field in stream.schema:
                    self._refuse_type(field)
                batches, rows = [], 0
                for batch in stream:
                    rows += batch.num_rows
                    self._refuse_many(rows)
                    batches.append(batch)
                table = pa.Table.from_batches(batches, stream.schema)
            table.validate(full=True)
        except MemoryError:
            raise RefusedError(
                413, "the stream needs more memory than a request may have"
            ) from None
        except (pa.ArrowException, OSError, ValueError) as error:
            raise RefusedError(400, f"no valid stream of Arrow: {error}") from None
        return table

    def _refuse_type(self, field: pa.Field) -> None:
        kind = field.type
        if field.name in ("id", "model", "slice"):
            fits, needed = pa.types.is_string(kind) or pa.types.is_large_string(kind), "string"
        elif field.name in ("label", "weight"):
            fits = pa.types.is_integer(kind) or pa.types.is_floating(kind)
            needed = "a type of whole numbers or floats"
        elif self._classes:
            fits = (
                pa.types.is_fixed_size_list(kind)
                and kind.list_size == self._classes
                and pa.types.is_floating(kind.value_type)
            )
            needed = f"fixed_size_list<float>[{self._classes}]"
        else:
            fits, needed = pa.types.is_floating(kind), "float"
        if not fits:
            raise RefusedError(400, f"column {field.name} must be {needed}, got {kind}")

    def _scores(self, column: pa.ChunkedArray) -> Array:
        if self._classes:
            _refuse_nulls(column, "prediction")
            column = pa.chunked_array(
                [chunk.flatten() for chunk in column.chunks], column.type.value_type
            )
        with np.errstate(over="ignore"):  # what is too large for float32 is refused as infinite
            return _numbers(column, "prediction").astype(np.float32)

    # ---------------------------------------------------------------------------------- both

    def _refuse_many(self, rows: int) -> None:
        if rows > self._most:
            raise RefusedError(400, f"a request has at most {self._most} rows, got {rows} or more")

    def _refuse_unless_finite(self, scores: Array, rows: int) -> None:
        if not np.isfinite(scores).all():
            place = int(np.flatnonzero(~np.isfinite(scores))[0])
            row = place // max(self._classes, 1)
            raise RefusedError(
                422, f"prediction must be finite in float32, got {scores[place]} in row {row}"
            )

    def _cut(self, scores: Array, rows: int) -> Iterable[bytes]:
        """Yield the bytes of each row."""
        data, width = scores.tobytes(), 4 * max(self._classes, 1)
        return (data[row * width : (row + 1) * width] for row in range(rows))


def _decoded(decoder: Any, body: bytes) -> Any:
    try:
        return decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise RefusedError(400, str(error)) from None


def converted(value: Any, kind: Any, what: str, *, strict: bool = True) -> Any:
    """Return a value as a type that checks it."""
    try:
        return msgspec.convert(value, kind, strict=strict)
    except msgspec.ValidationError as error:
        raise RefusedError(400, f"{what}: {error}") from None


def _names(table: pa.Table, name: str) -> list[str]:
    names: list[str] = converted(table.column(name).to_pylist(), list[Name], f"column {name}")
    return names


def _weights(numbers: Array) -> list[float]:
    """Return weights, or refuse those that JSON could not bring either."""
    weights = numbers.astype(np.float64)
    if len(bad := np.flatnonzero(~((weights >= 0) & (weights <= _LARGEST)))):
        raise RefusedError(
            422, f"weight must be in [0, {_LARGEST:.4g}], got {weights[bad[0]]} in row {bad[0]}"
        )
    found: list[float] = weights.tolist()
    return found


def _refuse_nulls(column: pa.ChunkedArray, name: str) -> None:
    if column.null_count:
        raise RefusedError(422, f"{name} must have no nulls, got {column.null_count}")


def _numbers(column: pa.ChunkedArray, name: str) -> Array:
    _refuse_nulls(column, name)
    numbers: Array = column.to_numpy()
    return numbers
