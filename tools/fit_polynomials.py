"""Print the polynomial coefficients of ``csrc/kernels/arithmetic/math.hpp``.

Each is a Chebyshev fit in 60-digit arithmetic (``mpmath.chebyfit``), rounded to the type; the
residual printed beside it is the largest relative error the polynomial itself leaves in the
function, in units of half a last place. Run: ``python tools/fit_polynomials.py`` (needs mpmath).
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
from mpmath import (
    atanh,
    chebyfit,
    cos,
    erf,
    erfc,
    euler,
    exp,
    expm1,
    ln,
    loggamma,
    lu_solve,
    matrix,
    mp,
    mpf,
    pi,
    polyval,
    sqrt,
)

mp.dps = 60


def exp_tail(r: mpf) -> mpf:
    """Return (exp(r) - 1 - r) / r², the part of exp that is fitted."""
    if abs(r) < mpf(10) ** -12:
        return mpf(1) / 2 + r / 6 + r * r / 24
    return (expm1(r) - r) / (r * r)


def log_tail(z: mpf) -> mpf:
    """Return (2 atanh(s)/s - 2) / s², z = s²: log1p(f) = s (2 + s² log_tail(s²)), s = f/(2+f)."""
    if z < mpf(10) ** -14:
        return mpf(2) / 3 + 2 * z / 5
    s = sqrt(z)
    return (2 * atanh(s) / s - 2) / z


def log_factorial_tail(t: mpf) -> mpf:
    """Return log(t!) / (t (t - 1)), whose zeros are those of log(t!)."""
    if abs(t) < mpf(10) ** -25 or abs(t - 1) < mpf(10) ** -25:
        return euler if t < mpf(1) / 2 else 1 - euler
    return loggamma(1 + t) / (t * (t - 1))


def stirling_tail(z: mpf) -> mpf:
    """Return w times what Stirling's formula leaves of log(gamma(w)), z = 1/w²."""
    if z < mpf(10) ** -16:
        return mpf(1) / 12 - z / 360
    w = 1 / sqrt(z)
    return w * (loggamma(w) - (w - mpf(1) / 2) * ln(w) + w - ln(2 * pi) / 2)


def within_tail(v: mpf) -> mpf:
    """Return erf(z / sqrt(2)) / z, v = z²."""
    return erf(sqrt(v / 2)) / sqrt(v) if v > mpf(10) ** -40 else sqrt(2 / pi)


def mills(z: mpf) -> mpf:
    """Return erfc(z / sqrt(2)) exp(z²/2), which falls off as 1/z."""
    return erfc(z / sqrt(2)) * exp(z * z / 2)


def excess(z: mpf) -> mpf:
    """Return how far the rate at which normal numbers end at z is beyond z."""
    return sqrt(2 / pi) / mills(z) - z


def fit(
    title: str,
    function: Callable[[mpf], mpf],
    low: mpf,
    high: mpf,
    terms: int,
    dtype: type[np.floating],
    share: Callable[[mpf], mpf],
) -> None:
    """Print ``terms`` coefficients, constant first; ``share(x)`` scales the error to the result."""
    coefficients = [dtype(str(c)) for c in chebyfit(function, [low, high], terms)]
    exact = [mpf(float(c)) for c in coefficients]
    unit = mpf(2) ** -(24 if dtype is np.float32 else 53)
    points = [low + (high - low) * k / 400 for k in range(401)]
    worst = max(abs(polyval(exact, x) - function(x)) * share(x) for x in points) / unit
    print(f"{title}: {terms} coefficients, residual {float(worst):.4f}")
    print("  " + ", ".join(float(c).hex() for c in reversed(coefficients)))


def fit_rational(
    title: str,
    function: Callable[[mpf], mpf],
    low: mpf,
    high: mpf,
    degrees: tuple[int, int],
    dtype: type[np.floating],
    share: Callable[[mpf], mpf],
) -> None:
    """Print numerator and denominator of the rational function through Chebyshev's nodes."""
    above, below = degrees
    terms = above + below + 1
    nodes = [(low + high - (high - low) * cos(pi * (2 * k + 1) / (2 * terms))) / 2
             for k in range(terms)]  # fmt: skip
    # P(x) - f(x) (Q(x) - 1) = f(x), the constant of Q being 1.
    rows = [
        [x**j for j in range(above + 1)] + [-function(x) * x**j for j in range(1, below + 1)]
        for x in nodes
    ]
    found = list(lu_solve(matrix(rows), matrix([function(x) for x in nodes])))
    parts = [found[: above + 1], [mpf(1), *found[above + 1 :]]]
    rounded = [[dtype(str(c)) for c in part] for part in parts]
    p, q = ([mpf(float(c)) for c in reversed(part)] for part in rounded)
    unit = mpf(2) ** -(24 if dtype is np.float32 else 53)
    points = [low + (high - low) * k / 400 for k in range(401)]
    worst = max(abs(polyval(p, x) / polyval(q, x) - function(x)) * share(x) for x in points) / unit
    print(f"{title}: degrees {degrees}, residual {float(worst):.4f}")
    for part in rounded:
        print("  " + ", ".join(float(c).hex() for c in part))


def split_ln2(bits: int, dtype: type[np.floating]) -> None:
    """Print ln 2 as a leading part of ``bits`` bits (exact times any exponent) and the rest."""
    scale = mpf(2) ** bits
    high = mp.floor(ln(2) * scale) / scale
    print(f"ln2 {dtype.__name__}: {float(high).hex()}, {float(dtype(str(ln(2) - high))).hex()}")


if __name__ == "__main__":
    half = ln(2) / 2 * mpf("1.001")
    small = ((sqrt(2) - 1) / (sqrt(2) + 1)) ** 2 * mpf("1.001")
    for dtype, exp_terms, log_terms, unit_terms in ((np.float32, 5, 4, 4), (np.float64, 10, 8, 9)):
        fit("exp", exp_tail, -half, half, exp_terms, dtype, lambda r: r * r / exp(r))
        fit("log", log_tail, mpf(0), small, log_terms, dtype, lambda z: z / 2)
        fit("log1p_unit", log_tail, mpf(0), mpf("0.0401"), unit_terms, dtype, lambda z: z / 2)
    for dtype, degrees, terms in ((np.float32, (4, 4), 3), (np.float64, (9, 9), 9)):
        fit_rational(
            "log_factorial", log_factorial_tail, mpf(0), mpf("2.5"), degrees, dtype,
            lambda t: 1 / log_factorial_tail(t),
        )  # fmt: skip
        # At w = 3.5 the tail is a fiftieth of the result.
        fit(
            "stirling", stirling_tail, mpf(0), 1 / mpf("3.5") ** 2, terms, dtype,
            lambda z: sqrt(z) / mpf("1.2"),
        )  # fmt: skip
    normals = ((np.float32, 7, (3, 4), mpf("5.6")), (np.float64, 12, (8, 9), mpf("8.5")))
    for dtype, terms, degrees, end in normals:
        turn = mpf("1.25")
        fit(
            "normal within", within_tail, mpf(0), turn**2, terms, dtype,
            lambda v: 1 / within_tail(v),
        )  # fmt: skip
        fit_rational(
            "normal beyond", mills, turn, end, degrees, dtype,
            lambda z: exp(-z * z / 2) / erf(z / sqrt(2)),
        )  # fmt: skip
    # Of arithmetic/intervals.hpp.
    for dtype, degrees, end in ((np.float32, (4, 5), "5.6"), (np.float64, (10, 11), "8.5")):
        fit_rational(
            "excess", excess, mpf(0), mpf(end), degrees, dtype, lambda z: 1 / excess(z),
        )  # fmt: skip
    split_ln2(15, np.float32)
    split_ln2(32, np.float64)
    assert all(a < b for a, b in pairwise((mpf(0), small, mpf(1) / 9)))
