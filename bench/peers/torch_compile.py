"""PyTorch compiled: the same functions and formulas through ``torch.compile``, in Inductor's C++.

Timed as the eager ones are. Compiling a cell takes seconds, so this peer is measured where it is
asked for by name.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import torch

from bench.peers.torch import setup, timed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.cells import Cell, Data
    from bench.peers import Contestant

__all__ = ["contestants", "setup"]


def contestants(cell: Cell, data: Data) -> Iterator[Contestant]:
    """Compute the cell with the compiled function or formula of its loss."""
    # Every shape is compiled for itself, as in a program that has but one.
    torch.compiler.reset()
    compile_it = partial(torch.compile, dynamic=False)
    yield from timed("torch_compile", cell, data, compile_it)
