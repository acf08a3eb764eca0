"""Float64 results of the elementary functions against mpmath, on every instruction set."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import mpmath
import numpy as np

from accuracy.functions import BY_NAME, Function, arguments
from accuracy.sweep import count_differing, each_isa
from accuracy.ulp import errors, long_double

COUNT = 220_000  # of which 10^5 are left in the narrowest domain


@dataclass(frozen=True)
class Checked:
    """What points found of a function."""

    points: int
    worst: float
    where: float
    differing: int


def check(name: str, count: int = COUNT, seed: int = 0) -> tuple[str, Checked]:
    """Compare a function with mpmath at so many points, less those outside its domain."""
    function = BY_NAME[name]
    x = arguments(function, np.float64, count, seed)
    ours, *others = each_isa(name, x)
    off = function_errors(function, x, ours)
    at = int(np.argmax(off))
    differing = sum(count_differing(ours, other) for other in others)
    return name, Checked(x.size, float(off[at]), float(x[at]), differing)


def function_errors(function: Function, x: Any, ours: Any) -> Any:
    """Return the errors of results in units in the last place."""
    with mpmath.workprec(120):
        exact = np.array([function.exact(mpmath.mpf(float(number))) for number in x])
        off = errors(ours, long_double(exact))
    return off if function.growth is None else off / function.growth(x.astype(np.float64))
