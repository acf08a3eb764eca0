"""The losses of every row, written to a file as they are computed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from numloss.evaluation.errors import DataError, UsageError
from numloss.evaluation.output import replacing
from numloss.evaluation.tables import printable

if TYPE_CHECKING:
    from numloss.evaluation.examples import Examples

#: What the name of the file must end with.
ENDINGS = (".parquet", ".arrow", ".feather", ".csv")


class LossTable(ABC):
    """A table with a row for each row of the predictions: file, row, and each loss.

    A loss with several examples in a row is a list there. An example that does not count, as its
    label is `ignore_index` or its weight 0, is missing.
    """

    def __init__(self, losses: Sequence[str]) -> None:
        self.losses = tuple(losses)

    def write(self, source: str, first_row: int, found: Sequence[Examples]) -> None:
        """Write some rows."""
        import pyarrow as pa  # type: ignore[import-untyped]

        rows = found[0].rows
        columns = {
            "file": pa.repeat(source, rows),
            "row": pa.array(np.arange(first_row, first_row + rows)),
            **{name: _column(examples) for name, examples in zip(self.losses, found, strict=True)},
        }
        self.write_batch(pa.record_batch(list(columns.values()), names=list(columns)))

    @abstractmethod
    def write_batch(self, batch: Any) -> None:
        """Write some rows of the table."""


class LossBytes(LossTable):
    """The losses of some rows as bytes, which go to the machine that writes the file."""

    def __init__(self, losses: Sequence[str]) -> None:
        super().__init__(losses)
        self._batches: list[Any] = []

    def write_batch(self, batch: Any) -> None:
        """Keep rows of the table."""
        self._batches.append(batch)

    def to_bytes(self) -> bytes:
        """Return the rows as a stream of Arrow; none if there were no rows."""
        import pyarrow as pa

        if not self._batches:
            return b""
        # Names of files and numbers of rows take next to nothing then.
        kind = "lz4" if pa.Codec.is_available("lz4") else None
        options = pa.ipc.IpcWriteOptions(compression=kind)
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, self._batches[0].schema, options=options) as writer:
            for batch in self._batches:
                writer.write_batch(batch)
        found: bytes = sink.getvalue().to_pybytes()
        return found


class LossFile(LossTable):
    """The table in a file."""

    def __init__(self, path: Path, open_writer: Any, losses: Sequence[str]) -> None:
        super().__init__(losses)
        self._path = path
        self._open = open_writer
        self._writer: Any = None

    def write_bytes(self, blob: bytes) -> None:
        """Write the rows that `LossBytes` has of a part."""
        import pyarrow as pa

        if blob:
            for batch in pa.ipc.open_stream(blob):
                self.write_batch(batch)

    def write_batch(self, batch: Any) -> None:
        """Write some rows of the table."""
        import pyarrow as pa

        if self._path.suffix == ".csv" and any(
            pa.types.is_list(kind) for kind in batch.schema.types
        ):
            raise UsageError(
                f"{printable(self._path)}: a row has several losses, for which CSV has no columns: "
                "name a .parquet file"
            )
        try:
            if self._writer is None:
                self._writer = self._open(batch.schema)
            self._writer.write_batch(batch)
        except OSError as error:
            raise DataError(f"{printable(self._path)}: cannot be written: {error}") from error

    def close(self) -> None:
        """Write what is left to be written."""
        if self._writer is not None:
            self._writer.close()


def _column(examples: Examples) -> Any:
    """Return the losses of each row, or lists of them."""
    import pyarrow as pa

    absent = None
    if examples.weights is not None:
        absent = (examples.weights == 0) & (examples.losses == 0)
    values = pa.array(examples.losses, mask=absent)
    if examples.lengths is not None:
        offsets = np.concatenate([[0], np.cumsum(examples.lengths)])
        return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), values)
    per_row = len(values) // max(examples.rows, 1)
    if per_row == 1:
        return values
    return pa.ListArray.from_arrays(
        pa.array(np.arange(examples.rows + 1) * per_row, pa.int32()), values
    )


def check_ending(path: Path) -> None:
    """Refuse a name that does not say which format is wanted."""
    if path.suffix.lower() not in ENDINGS:
        raise UsageError(
            f"--losses-out {printable(path)}: the name must end with {', '.join(ENDINGS[:-1])} or "
            f"{ENDINGS[-1]}"
        )


@contextmanager
def writing(path: Path, losses: Sequence[str]) -> Iterator[LossFile]:
    """Write a file of losses, which takes its place when all of it is there."""
    check_ending(path)
    with replacing(path) as place:
        file = LossFile(path, lambda schema: _writer(path, place, schema), losses)
        try:
            yield file
        finally:
            file.close()


def _writer(path: Path, place: Path, schema: Any) -> Any:
    kind = path.suffix.lower()
    if kind == ".parquet":
        import pyarrow.parquet  # type: ignore[import-untyped]

        return pyarrow.parquet.ParquetWriter(place, schema)
    if kind == ".csv":
        import pyarrow.csv  # type: ignore[import-untyped]

        return pyarrow.csv.CSVWriter(place, schema)
    import pyarrow as pa

    return pa.ipc.new_file(str(place), schema)
