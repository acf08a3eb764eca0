"""How far a mean may be off: standard errors of dependent rows, and quantiles for intervals."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from numloss._core import EvaluationState
from numloss.evaluation.subgroups import Subgroups, in_groups

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

#: Buckets that rows, or clusters of them, are hashed into.
BUCKETS = 1000
# Beyond so many degrees of freedom the expansion has 12 digits at 0.975, and 9 at 1 - 1e-6.
_MANY = 1000.0


def normal_quantile(probability: float) -> float:
    """Return the quantile of the standard normal distribution."""
    from statistics import NormalDist  # 10 ms, which few reports need

    return NormalDist().inv_cdf(probability)


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
    return jackknife(found["sum"], found["weight"], found["count"], group, size)


def jackknife(sums: Floats, weights: Floats, counts: Any, group: Integers, size: int = 0) -> Errors:
    """Return the standard error of sum / weight of each group, from its parts.

    There are at least `size` groups, and as many as `group` names.

    Each of the n parts with sum S_c and weight W_c is left out once. With m = S / W, and
    m_c = (S - S_c) / (W - W_c) without part c,

        standard error² = (n - 1) / n · sum of (m_c - m)²

    (Tukey, "Bias and confidence in not-quite large samples", 1958). For parts of equal weight this
    is the clustered standard error with the factor n / (n - 1); for unequal or few parts it is on
    the safe side (Bell and McCaffrey, "Bias reduction in standard errors for linear regression with
    multi-stage samples", 2002). Parts without examples do not count.
    """
    size = max(size, int(group[-1]) + 1 if len(group) else 0)
    inside = (counts > 0) & (weights > 0)
    sums, weights, group = sums[inside], weights[inside], group[inside]
    n = np.bincount(group, minlength=size)
    with np.errstate(divide="ignore", invalid="ignore"):
        total = np.bincount(group, weights, size)
        mean = np.bincount(group, sums, size) / total
        # m - m_c, in which the digits of m do not cancel.
        shifts = (sums - mean[group] * weights) / (total[group] - weights)
        square = np.bincount(group, shifts * shifts, size) * (n - 1) / n
        error = np.where(n > 1, np.sqrt(square), np.nan)
    return Errors(error, n)
