"""Print the polynomial coefficients of ``csrc/kernels/arithmetic/math.hpp``.

Each is a Chebyshev fit in 60-digit arithmetic (``mpmath.chebyfit``), rounded to the type; the
residual printed beside it is the largest relative error the polynomial itself leaves in the
function, in units of half a last place. Run: ``python tools/fit_polynomials.py`` (needs mpmath).
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
from mpmath import atanh, chebyfit, exp, expm1, ln, mp, mpf, polyval, sqrt

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
    split_ln2(15, np.float32)
    split_ln2(32, np.float64)
    assert all(a < b for a, b in pairwise((mpf(0), small, mpf(1) / 9)))
