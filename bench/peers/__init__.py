"""The contestants. One module for each library; adding one is a module and its name in `NAMES`.

A module has ``setup(threads)``, called once, and ``contestants(cell, data)``, which yields the
ways in which the library computes a cell: none where it has no such loss or dtype.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from bench.cells import Cell, Data

OURS = "numloss"
OURS_INTO_BUFFER = "numloss out"
NAMES = ("numpy", "torch", "jax", "sklearn", "optax")
#: With those that are measured only where they are named, because compiling a cell takes seconds.
ALL_NAMES = (*NAMES, "torch_compile")


class Result(NamedTuple):
    """What a contestant computed, in a form that can be compared. None where not asked for."""

    value: float | None
    gradient: NDArray[Any] | None
    hessian: NDArray[Any] | None = None


@dataclass(frozen=True)
class Contestant:
    """One way to compute a cell.

    Parameters
    ----------
    name : str
        Column of the table.
    call : callable
        The work that is timed.
    read : callable
        Turns what ``call`` returned into a `Result`, outside the clock.
    note : str
        What a reader must know of the comparison, such as a formula where there is no function.
    """

    name: str
    call: Callable[[], Any]
    read: Callable[[Any], Result]
    note: str = ""


class Peer(Protocol):
    """What a module in this folder has."""

    def setup(self, threads: int) -> None:
        """Fix the number of threads."""

    def contestants(self, cell: Cell, data: Data) -> Iterator[Contestant]:
        """Yield the ways in which the library computes the cell."""


def load(name: str, threads: int) -> Peer:
    """Import a peer and set it up. ImportError where the library is missing."""
    peer = cast("Peer", importlib.import_module(f"bench.peers.{name}"))
    peer.setup(threads)
    return peer
