"""Every float32 number through every elementary function, on every instruction set.

One instruction set is compared with a float64 reference, the others with it, bit by bit.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from accuracy.functions import BY_NAME, Function
from accuracy.ulp import float32_errors
from numloss import _core

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    Array = NDArray[Any]

CHUNK = 2**14  # numbers whose arrays stay in the cache
CHUNKS = 2**32 // CHUNK
TASKS = 64  # shares of a function's sweep, for the processes to take


@dataclass(frozen=True)
class Slice:
    """Every `of`-th chunk, beginning with chunk `index`: all exponents are in every slice."""

    index: int = 0
    of: int = 1

    def __post_init__(self) -> None:
        """Refuse what is no slice."""
        if not 0 <= self.index < self.of:
            raise ValueError(f"there is no slice {self.index} of {self.of}")


@dataclass(frozen=True)
class Swept:
    """What a sweep found of a function."""

    numbers: int  # whose bits were compared
    inside: int  # of these, in the domain
    worst: float
    where: float
    differing: int  # numbers of which an instruction set has other bits

    def joined(self, other: Swept) -> Swept:
        """Return what both found."""
        worse = max(self, other, key=lambda swept: swept.worst)
        return Swept(
            self.numbers + other.numbers,
            self.inside + other.inside,
            worse.worst,
            worse.where,
            self.differing + other.differing,
        )


NOTHING = Swept(0, 0, 0.0, 0.0, 0)


def tasks(part: Slice) -> Iterator[tuple[str, Slice, int]]:
    """Return arguments of `sweep` that make up the slice of all functions."""
    return ((name, part, task) for name in BY_NAME for task in range(TASKS))


def sweep(name: str, part: Slice, task: int) -> tuple[str, Swept]:
    """Take a function over a 64th of a slice."""
    return name, over(BY_NAME[name], (patterns(chunk) for chunk in chunks(part, task)))


def chunks(part: Slice, task: int) -> range:
    """Return the numbers of a share's chunks."""
    return range(part.index + task * part.of, CHUNKS, part.of * TASKS)


def patterns(chunk: int) -> Array:
    """Return the numbers whose bits are those of a chunk."""
    return np.arange(chunk * CHUNK, (chunk + 1) * CHUNK, dtype=np.uint32).view(np.float32)


def over(function: Function, chunks: Iterable[Array]) -> Swept:
    """Take a function over arrays of float32 numbers."""
    with np.errstate(all="ignore"):
        return functools.reduce(Swept.joined, (_over(function, x) for x in chunks), NOTHING)


def _over(function: Function, x: Array) -> Swept:
    first, *others = each_isa(function.name, x)
    differing = sum(count_differing(first, other) for other in others)
    mask = function.inside(x)
    if not mask.all():
        x, first = x[mask], first[mask]
    if x.size == 0:
        return Swept(mask.size, 0, 0.0, 0.0, differing)
    wide = x.astype(np.float64)
    errors = float32_errors(first, function.native(wide))
    if function.growth is not None:
        errors /= function.growth(wide)
    at = int(np.argmax(errors))  # a NaN comes first
    worst = float(errors[at])
    return Swept(mask.size, x.size, np.inf if np.isnan(worst) else worst, float(x[at]), differing)


def each_isa(name: str, x: Array) -> list[Array]:
    """Return the results on every instruction set that this CPU has, the best one's first."""
    config = _core.config()
    results = []
    try:
        for isa in reversed(config["isas"]):
            _core.select_isa(isa)
            results.append(_core.apply(name, x))
    finally:
        _core.select_isa(config["isa"])
    return results


def count_differing(a: Array, b: Array) -> int:
    """Count results of which the bits differ. One NaN is as good as another."""
    bits = f"u{a.itemsize}"
    differ = a.view(bits) != b.view(bits)
    if not differ.any():
        return 0
    return int((differ & ~(np.isnan(a) & np.isnan(b))).sum())
