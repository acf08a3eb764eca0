"""What a kernel found outside its domain: the message that says where."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NoReturn

import numpy as np

from numloss import _core
from numloss._validate.classes import class_axis
from numloss._validate.messages import first_of
from numloss._validate.parameters import integer

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True)
class Domain:
    """What a kernel accepts, for the message that says it did not."""

    target: Literal["any", "unit", "signed"]  # anything; [0, 1]; -1 or +1
    prediction: Literal["any", "unit"] = "any"


ANY = Domain("any")
UNIT = Domain("unit")
UNIT_BOTH = Domain("unit", prediction="unit")
SIGNED = Domain("signed")


@np.errstate(all="ignore")
def refuse_domain(
    domain: Domain, prediction: ArrayLike, target: ArrayLike, weight: ArrayLike | None
) -> NoReturn:
    """Raise for the first element that a kernel found outside its domain."""
    _refuse_weight(weight)
    prediction, target = np.asarray(prediction), np.asarray(target)
    counted = _counted(weight, prediction.shape)
    if domain.target == "signed":
        bad = (np.abs(target) != 1) & ~np.isnan(target) & counted
        where, shown = first_of(bad, target)
        raise ValueError(
            f"target must be -1 or +1 (or bool), got {shown}{where}: "
            "map labels 0 and 1 with 2 * target - 1 or target.astype(bool)"
        )
    name, values, fix = "target", target, ""
    bad = ((values < 0) | (values > 1)) & counted
    if domain.prediction == "unit" and not bad.any():
        name, values, fix = "prediction", prediction, ": are these logits? use from_logits=True"
        bad = ((values < 0) | (values > 1)) & counted
    where, shown = first_of(bad, values)
    raise ValueError(f"{name} must be in [0, 1], got {shown}{where}{fix}")


@np.errstate(all="ignore")
def refuse_target(
    prediction: ArrayLike,
    target: ArrayLike,
    axis: int,
    ignore_index: int,
    weight: ArrayLike | None,
) -> NoReturn:
    """Raise for the first label out of range, or the first row that is no distribution."""
    _refuse_weight(weight)
    prediction, target = np.asarray(prediction), np.asarray(target)
    at = class_axis(prediction, axis)
    ignore_index = integer("ignore_index", ignore_index)
    examples = prediction.shape[:at] + prediction.shape[at + 1 :]
    counted = _counted(weight, examples)
    if target.dtype.kind in "iu":
        classes = prediction.shape[at]
        bad = ((target < 0) | (target >= classes)) & (target != ignore_index) & counted
        where, shown = first_of(bad, target)
        raise ValueError(
            f"target must hold labels in [0, {classes}) or ignore_index={ignore_index}, "
            f"got {shown}{where}"
        )
    negative = (target < 0) & np.expand_dims(counted, at)
    if negative.any():
        where, shown = first_of(negative, target)
        raise ValueError(f"target must hold probabilities, got {shown}{where}")
    sums = target.astype(np.float64).sum(axis=at)
    off = np.where(counted & ~np.isnan(sums), np.abs(sums - 1), 0)
    bad = off > _core.tolerance(target)
    # The kernel's sum may be a rounding further off than this one: then it is the worst row.
    where, shown = first_of(bad if bad.any() else off == off.max(), sums)
    raise ValueError(
        f"target must hold probabilities that sum to 1 over axis {at}, got {shown}{where}"
    )


def _refuse_weight(weight: ArrayLike | None) -> None:
    if weight is None:
        return
    w = np.asarray(weight)
    bad = (w < 0) | (w == np.inf)
    if bad.any():
        where, shown = first_of(bad, w)
        raise ValueError(f"weight must hold finite numbers of at least 0, got {shown}{where}")


def _counted(weight: ArrayLike | None, examples: tuple[int, ...]) -> NDArray[np.bool_]:
    """Return which examples have a weight other than 0: the others may hold anything."""
    if weight is None:
        return np.ones(examples, dtype=bool)
    return np.broadcast_to(np.asarray(weight) != 0, examples)
