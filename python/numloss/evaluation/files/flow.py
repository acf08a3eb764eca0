"""Rows that come from memory, as Arrow batches one after the other, and have a name as files do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from numloss.evaluation.errors import DataError
from numloss.evaluation.files.source import Column, Source
from numloss.evaluation.files.storage import File
from numloss.evaluation.files.tables import chunks_of, width_of_type


class Flow(File):
    """Batches of one schema; they are taken once, in their order.

    Examples
    --------
    >>> import pyarrow as pa
    >>> batch = pa.record_batch({"score": [0.5, 2.0], "label": [0.0, 1.0]})
    >>> flow = Flow("partition-00000", batch.schema, [batch])
    >>> str(flow), flow.format
    ('partition-00000', 'flow')
    """

    format = "flow"
    size = None

    def __init__(self, name: str, schema: Any, batches: Iterable[Any] = ()) -> None:
        super().__init__(name)
        self.schema = schema
        self.batches = batches

    @property
    def partitions(self) -> dict[str, str | None]:
        """No folder says anything of it."""
        return {}

    def check(self) -> None:
        """Refuse nothing: it is there."""

    def open(self) -> Any:
        """Refuse: it has no bytes."""
        raise DataError(f"{self.name}: comes as batches, and cannot be opened")


class FlowSource(Source):
    """The columns of a flow."""

    def __init__(self, file: File) -> None:
        super().__init__(file)
        assert isinstance(file, Flow)
        self._flow = file
        self.names = tuple(file.schema.names)

    def width(self, names: Sequence[str]) -> int:
        """Numbers in a row, as far as the types say."""
        return sum(width_of_type(self._flow.schema.field(name).type) for name in names)

    def chunks(
        self, names: Sequence[str], rows: int, exact: bool = False
    ) -> Iterator[Mapping[str, Column]]:
        """Join and cut the batches: few large chunks cost less than many small ones."""
        self.refuse_duplicates(names)
        wanted = list(dict.fromkeys(names))
        chosen = (batch.select(wanted) for batch in self._flow.batches)
        yield from chunks_of(chosen, wanted, rows, exact)
