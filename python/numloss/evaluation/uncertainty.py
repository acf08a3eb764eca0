"""How far a mean may be off: standard errors of dependent rows, and quantiles for intervals."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from numloss._core import EvaluationState
from numloss.evaluation.subgroups import Subgroups, in_groups

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
#: A whole number times a power of two: the number, and the exponent.
Scaled: TypeAlias = tuple[int, int]

#: Buckets that rows, or clusters of them, are hashed into.
BUCKETS = 1000
# How far an error may be off by rounding, relative to it; and squares that may have lost digits.
_OFF = 1e-10
_TINY = 1e-280
# Beyond so many degrees of freedom the expansion has 12 digits at 0.975, and 9 at 1 - 1e-6.
_MANY = 1000.0


def normal_quantile(probability: float) -> float:
    """Return the quantile of the standard normal distribution."""
    from statistics import NormalDist  # 10 ms, which few reports need

    return NormalDist().inv_cdf(probability)


def below_upper_end(level: float) -> float:
    """Return the probability below the upper end of an interval; it may not round to 1."""
    return min((1 + level) / 2, 1 - 2**-53)


@lru_cache(maxsize=4096)  # many groups have as many rows
def student_quantile(probability: float, degrees: int) -> float:
    """Return the quantile of Student's t distribution.

    Up to a thousand degrees of freedom it inverts the distribution, which is a finite sum of
    cosines (Abramowitz and Stegun, "Handbook of Mathematical Functions", 1964, 26.7.3 and 26.7.4),
    by Newton's method; beyond, it expands about the normal quantile (26.7.5).
    """
    if probability < 0.5:
        return -student_quantile(1 - probability, degrees)
    z, n = normal_quantile(probability), float(degrees)
    first = (z**3 + z) / 4
    second = (5 * z**5 + 16 * z**3 + 3 * z) / 96
    third = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384
    expanded = z + first / n + second / n**2 + third / n**3
    if degrees > _MANY:
        return expanded
    # Of the density at an angle, where t = tan(angle) * sqrt(n).
    factor = 2 / math.sqrt(math.pi) * math.exp(math.lgamma((n + 1) / 2) - math.lgamma(n / 2))
    low, high, angle = 0.0, math.pi / 2, math.atan(expanded / math.sqrt(n))
    for _ in range(60):
        excess = _within(angle, degrees) - (2 * probability - 1)
        low, high = (low, angle) if excess > 0 else (angle, high)
        before, slope = angle, factor * math.cos(angle) ** (degrees - 1)
        angle -= excess / slope if slope else math.inf
        if not low < angle < high:
            angle = (low + high) / 2
        if abs(angle - before) <= 1e-15 * angle:
            break
    return math.tan(angle) * math.sqrt(degrees)


def _within(angle: float, degrees: int) -> float:
    """Return the probability of abs(t) < tan(angle) * sqrt(degrees)."""
    cosine, sine = math.cos(angle), math.sin(angle)
    odd = degrees % 2
    term = cosine if odd else 1.0
    total = term if degrees > 1 else 0.0
    for k in range(3 if odd else 2, degrees, 2):
        term *= cosine * cosine * (k - 1) / k
        total += term
    return (angle + sine * total) * 2 / math.pi if odd else sine * total


@dataclass(frozen=True)
class Errors:
    """Standard errors of means, and of how many independent parts each is."""

    standard_error: Floats
    parts: Integers

    def at(self, places: npt.ArrayLike) -> Errors:
        """Return those of some means."""
        index = np.asarray(places, np.int64)
        return Errors(self.standard_error[index], self.parts[index])


class Parts:
    """Sums of independent parts of the rows: clusters, or buckets of rows or clusters.

    ``kind`` says which: ``"clusters"`` or ``"buckets"``.
    """

    def __init__(self, subgroups: Subgroups, kind: str) -> None:
        self._subgroups = subgroups
        self.kind = kind

    def of_all(self, value: int) -> Errors:
        """Return the error of the mean of all rows, as that of one group."""
        state = self._subgroups.total
        return _errors(state, value, state.order(), np.zeros(state.groups, np.int64), 1)

    def of_groups(self, value: int) -> Errors:
        """Return the errors of each group, in the order of the keys."""
        assert self._subgroups.grouped is not None
        return _errors(self._subgroups.grouped, value, *in_groups(self._subgroups.grouped))


def _errors(
    state: EvaluationState, value: int, order: npt.NDArray[np.int32], group: Integers,
    size: int = 0,
) -> Errors:  # fmt: skip
    found = state.summary(value, (), groups=order)

    def exact(place: int) -> tuple[Scaled, Scaled]:
        sums = state.sums(value, int(order[place]))
        return sums["wl"], sums["w"]

    return jackknife(found["sum"], found["weight"], found["count"], group, exact, size)


def jackknife(
    sums: Floats,
    weights: Floats,
    counts: Any,
    group: Integers,
    exact: Callable[[int], tuple[Scaled, Scaled]],
    size: int = 0,
) -> Errors:
    """Return the standard error of sum / weight of each group, from its parts.

    There are at least `size` groups, and as many as `group` names, in their order. `exact` returns
    the sum and the weight of a part as they are before they are rounded.

    Each of the n parts with sum S_c and weight W_c is left out once. With m = S / W, and
    m_c = (S - S_c) / (W - W_c) without part c,

        standard error² = (n - 1) / n · sum of (m_c - m)²

    (Tukey, "Bias and confidence in not-quite large samples", 1958). For parts of equal weight this
    is the clustered standard error with the factor n / (n - 1); for unequal or few parts it is on
    the safe side (Bell and McCaffrey, "Bias reduction in standard errors for linear regression with
    multi-stage samples", 2002). Parts without examples do not count.

    Float64 serves where no digits cancel. Where W - W_c is small beside W, as one part has almost
    all of the weight, or S_c is near m W_c in all parts, whole numbers do it, some 8 µs a part.
    """
    size = max(size, int(group[-1]) + 1 if len(group) else 0)
    inside = np.flatnonzero((counts > 0) & (weights > 0))
    sums, weights, group = sums[inside], weights[inside], group[inside]
    n = np.bincount(group, minlength=size)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore", under="ignore"):
        total = np.bincount(group, weights, size)
        mean = np.bincount(group, sums, size) / total
        rest = total[group] - weights
        # m - m_c, in which the digits of m do not cancel.
        shifts = (sums - mean[group] * weights) / rest
        squares = np.bincount(group, shifts * shifts, size)
        error = np.where(n > 1, np.sqrt(squares * (n - 1) / n), np.nan)
        # What rounding may have made of the shifts: sums of n numbers are off by some sqrt(n).
        share = (4 + np.sqrt(n)) * 2.0**-53
        noise = share[group] * (np.abs(sums) + np.abs(mean[group]) * weights) / rest
        few_digits = share[group] * total[group] > _OFF * rest
        known = np.bincount(group, noise * noise, size) <= _OFF * _OFF * squares
        known &= (
            (squares > _TINY) & (squares < np.inf) & (np.bincount(group, few_digits, size) == 0)
        )
        # Whole numbers, such as those of rows that a classifier has right, do not round: if all
        # parts have one mean, the shifts are 0.
        whole = (sums == np.rint(sums)) & (weights == np.rint(weights)) | (sums == 0)
        alike = whole & (sums == mean[group] * weights) & (mean == np.rint(mean))[group]
        none = (np.bincount(group, alike, size) == n) & ((total < 2.0**53) | (mean == 0))
        error = np.where(none & (n > 1), 0.0, error)
        known |= none
    unknown = np.bincount(group, np.isnan(sums), size) > 0  # and stays so
    ends = np.cumsum(n)
    for g in np.flatnonzero(~known & ~unknown & (n > 1)):
        places = range(int(ends[g] - n[g]), int(ends[g]))
        parts = [exact(int(inside[place])) for place in places]
        finite = all(
            _is_sum(sums[place], part[0]) for place, part in zip(places, parts, strict=True)
        )
        error[g] = _exact_error(parts) if finite else np.nan
    return Errors(error, n)


def _is_sum(rounded: float, exact: Scaled) -> bool:
    """Whether a sum is that of its terms, none of which is infinite; it may overflow float64."""
    multiple, exponent = exact
    return math.isfinite(rounded) or multiple.bit_length() + exponent >= 1024


def _exact_error(parts: Sequence[tuple[Scaled, Scaled]]) -> float:
    """Return the error of sum / weight from parts, of which each shift is rounded once."""
    sums, sum_unit = _in_one_unit([part[0] for part in parts])
    weights, weight_unit = _in_one_unit([part[1] for part in parts])
    whole_sum, whole_weight = sum(sums), sum(weights)
    up = max(sum_unit - weight_unit, 0)
    down = max(weight_unit - sum_unit, 0)
    shifts = []
    for part_sum, weight in zip(sums, weights, strict=True):
        above = part_sum * whole_weight - whole_sum * weight
        below = whole_weight * (whole_weight - weight)
        try:
            shifts.append((above << up) / (below << down))
        except OverflowError:
            return math.inf
    return math.hypot(*shifts) * math.sqrt((len(parts) - 1) / len(parts))


def _in_one_unit(numbers: Sequence[Scaled]) -> tuple[list[int], int]:
    """Return whole numbers of one power of two, and its exponent."""
    unit = min((exponent for multiple, exponent in numbers if multiple), default=0)
    return [multiple << exponent - unit if multiple else 0 for multiple, exponent in numbers], unit
