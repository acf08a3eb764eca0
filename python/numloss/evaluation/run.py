"""From a request to the statistics of every loss."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from numloss.evaluation.errors import DataError
from numloss.evaluation.examples import ExampleLosses
from numloss.evaluation.files.inputs import Inputs
from numloss.evaluation.specs import LossSpec
from numloss.evaluation.state.accumulate import Accumulator
from numloss.evaluation.state.groups import TooManyGroupsError


@dataclass(frozen=True)
class Result:
    """A loss and its statistics."""

    spec: LossSpec
    accumulator: Accumulator


def evaluate(
    inputs: Inputs,
    specs: Sequence[LossSpec],
    *,
    chunk_rows: int | None = None,
    max_groups: int = 10_000,
    on_progress: Callable[[float], None] = lambda part: None,
) -> list[Result]:
    """Read the inputs once, and evaluate all losses chunk by chunk."""
    results = [Result(spec, Accumulator(max_groups)) for spec in specs]
    losses = [ExampleLosses(spec, inputs) for spec in specs]
    for chunk in inputs.chunks(chunk_rows):
        for loss, result in zip(losses, results, strict=True):
            try:
                result.accumulator.add(loss(chunk), chunk.first_row, chunk.groups)
            except TooManyGroupsError as error:
                raise DataError(
                    f"--by finds more than {error.most} groups: --max-groups allows more"
                ) from None
        on_progress(inputs.progress())
    return results
