"""numloss itself, through its public API."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numloss
from bench.cells import method
from bench.peers import OURS, OURS_INTO_BUFFER, Contestant, Result

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bench.cells import Cell, Data


def setup(threads: int) -> None:
    """Fix the number of threads."""
    numloss.set_num_threads(threads)


def contestants(cell: Cell, data: Data) -> Iterator[Contestant]:
    """Call the loss, and a second time with a buffer for the gradient, as a training loop does."""
    call = partial(method(cell.loss, cell.mode), data.prediction, data.target)
    yield Contestant(OURS, call, READ[cell.mode])
    if cell.wants_gradient:
        out = (data.buffer, data.hessian_buffer) if cell.wants_hessian else data.buffer
        yield Contestant(OURS_INTO_BUFFER, partial(call, out=out), READ[cell.mode])


READ: dict[str, Callable[[Any], Result]] = {
    "value": lambda returned: Result(returned, None),
    "grad": lambda returned: Result(None, returned),
    "value+grad": lambda returned: Result(*returned),
    "grad+hess": lambda returned: Result(None, *returned),
}
