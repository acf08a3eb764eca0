"""Every bound that is promised, in units in the last place (docs/accuracy.md defines them)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import ml_dtypes
import numpy as np
from cases import VARIANTS, Variant

if TYPE_CHECKING:
    from collections.abc import Iterator

    Results = dict[str, Any]


class Bound(NamedTuple):
    """What a loss's value and gradient may be off."""

    value: float
    gradient: float


#: float32 and float64 results of the elementary functions. What stands at 1 was the aim; the rest
#: is the largest error of any float32 number and some room for float64, which has too many.
FUNCTIONS: dict[str, float] = {
    "exp": 1,
    "expm1": 2,
    "exp_nonpositive": 1,
    "log": 1,
    "log1p": 1,
    "log1p_unit": 1,
    "log1p_gap": 3,
    "sigmoid": 3,
    "sigmoid_complement": 3,
    "sigmoid_variance": 6,
    "softplus": 2,
    "power_three_halves": 2,
    "log_factorial": 6,
    "normal_density": 4,
    "normal_within": 2,
}
#: float32 and float64 results of the losses, over all parameters and up to 1000 classes. Where half
#: a unit or 2.5 stand, they follow from the formula; the rest is what was measured and some room.
LOSSES: dict[str, Bound] = {
    "mse": Bound(2.5, 0.5),
    "mae": Bound(0.5, 0),
    "huber": Bound(2.5, 0.5),
    "half_mse": Bound(2.5, 0.5),
    "smooth_l1": Bound(4, 2),
    "epsilon_insensitive": Bound(512, 0),  # |r| - epsilon cancels, of an r that is rounded
    "squared_epsilon_insensitive": Bound(1024, 512),
    "expectile": Bound(8, 8),  # as 1 - q does in float32
    "pseudo_huber": Bound(4, 3),
    "log_cosh": Bound(6, 3),
    "fair": Bound(4, 3),
    "cauchy": Bound(5, 4),
    "tukey_biweight": Bound(4, 2048),  # c - |r| cancels
    "robust": Bound(24, 128),  # exponentials multiply errors
    "msle": Bound(6, 5),
    "mape": Bound(2, 1),
    "smape": Bound(3, 4),
    "binary_cross_entropy": Bound(3, 3),
    "cross_entropy": Bound(8, 14),
    "kl_divergence": Bound(8, 14),
    "hinge": Bound(0.5, 0),
    "squared_hinge": Bound(2.5, 0.5),
    "multiclass_hinge": Bound(5, 2),
    "focal": Bound(56, 36),  # a power multiplies errors
    "softmax_focal": Bound(80, 112),
    "nll": Bound(10, 14),
    "asymmetric": Bound(160, 96),  # 1 - p - clip cancels, and powers multiply errors
    "lovasz_hinge": Bound(4, 2**24),  # errors that differ by less than their rounding change places
    "lovasz_softmax": Bound(16, 2**25),
    "aft": Bound(128, 1024),  # pulls of an interval's two ends cancel
    "all_threshold_hinge": Bound(8, 4),
    "cumulative_link": Bound(24, 96),  # exp(-exp(x)) magnifies errors
    "expected_cost": Bound(32, 128),
    "dice": Bound(24, 160),  # of squares p - t cancels where a pixel is partly in the region
    "multiclass_brier": Bound(96, 48),  # squares of sums over the classes, one after the other
    "symmetric_cross_entropy": Bound(8, 24),
    "ranked_probability": Bound(28, 36),  # sums over the classes, of sums over the classes
    "ordinal_cross_entropy": Bound(8, 14),
}
#: The same with an option that costs digits: a quotient more, a square that doubles errors.
WITH_OPTION = {
    ("cross_entropy", "temperature"): Bound(8, 18),
    ("kl_divergence", "temperature"): Bound(8, 18),
    ("multiclass_hinge", "power"): Bound(10, 6),
    ("dice", "squared"): Bound(24, 2**16),  # p - t cancels where a pixel is partly in the region
}
#: Losses that take it for granted that shares add up to 1, as those rounded to 16 bits do not.
UNEVEN = ("sparsemax", "entmax15")
#: A sum of float32 values, off the exact sum of these values.
SUM = 1.0
#: A sum of binary cross-entropies, off the exact one, in its dtype's epsilons: what can be argued
#: for any inputs, what equal ones come to, what 10^8 different ones do.
GROUPED_ARGUED, GROUPED_EQUAL, GROUPED = 34.0, 12.0, 0.125


def of_variant(variant: Variant, dtype: str) -> Bound:
    """Return the bound of a loss; one that is not listed is held to what its tests grant it."""
    granted = variant.case.ulps
    bound = LOSSES.get(variant.name, Bound(granted, granted))
    for option in variant.parameters:
        bound = WITH_OPTION.get((variant.name, option), bound)
    if dtype in ("float32", "float64"):
        return bound
    if variant.domain.soft and variant.name in UNEVEN:
        return Bound(3, 3)
    # Computed in float32, then rounded.
    shorter = np.finfo(np.float32).nmant - ml_dtypes.finfo(dtype).nmant
    return Bound(*(0.5 + ulps / 2**shorter for ulps in bound))


def broken(results: Results) -> Iterator[str]:
    """Yield what the results break of the bounds; they are those of any of the parts."""
    for part, found in results.items():
        yield from CHECKS[part](found)


def _functions(found: Results) -> Iterator[str]:
    for name, one in found.items():
        if not one["worst"] <= FUNCTIONS[name]:
            yield f"{name}: {one['worst']} ULP at {one['where']!r}, bound {FUNCTIONS[name]}"
        if one["differing"]:
            yield f"{name}: {one['differing']} results differ between instruction sets"


def _losses(found: Results) -> Iterator[str]:
    variants = {repr(variant): variant for variant in VARIANTS}
    for variant, dtypes in found.items():
        for dtype, measured in dtypes.items():
            for of, bound in of_variant(variants[variant], dtype)._asdict().items():
                worst = measured["numloss"][of]["worst"]
                if not worst <= bound:
                    yield f"{variant}, {of} in {dtype}: {worst} ULP, bound {bound}"


def _sums(found: Results) -> Iterator[str]:
    for name, summed in found["losses"].items():
        if summed["ulps"] is not None and not summed["ulps"] <= SUM:
            yield f"sum of {name}: {summed['ulps']} ULP, bound {SUM}"
        if summed["relative"] is not None and not summed["relative"] <= GROUPED * 2**-23:
            yield f"sum of {name}: {summed['relative']} of it off, bound {GROUPED * 2**-23}"
    for dtype, relative in found["equal"].items():
        limit = GROUPED_EQUAL * float(np.finfo(dtype).eps)
        if not relative <= limit:
            yield f"sum of equal cross-entropies, {dtype}: {relative} of it off, bound {limit}"


CHECKS = {"functions": _functions, "points": _functions, "losses": _losses, "sums": _sums}
