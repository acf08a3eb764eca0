"""What the scores that a loss takes mean, and its targets: for libraries that know labels alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from numloss._raise import Error, InputTypeError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from numloss.evaluation.specs import LossSpec

    Array = NDArray[Any]


def is_signed(spec: LossSpec) -> bool:
    """Whether targets are -1 and +1."""
    return bool(spec.loss.domain == "signs")


def truth(labels: Array) -> Array:
    """Return labels 0 and 1, or -1 and 1, as truth values, which losses of signs take."""
    above = labels > 0
    for low in (0, -1):
        if np.array_equal(np.where(above, 1, low), labels):
            return above
    raise Error("labels must be 0 and 1, or -1 and 1, throughout", "labels")


def distinct(name: str, y: Array) -> Array:
    """Return the classes that labels are of, in their order; what is missing is no class."""
    if y.dtype.kind == "f":
        missing = np.isnan(y)
    else:
        missing = np.array([_is_missing(label) for label in y.flat] if y.dtype == object else False)
    if missing.any():
        index = int(np.argmax(missing))
        raise Error(
            f"{name} must hold a label for each row, got {y.flat[index]} at index {index}: leave "
            "such rows out",
            name,
            (index,),
        )
    try:
        return np.unique(y)
    except TypeError as error:  # as of numbers among strings
        raise InputTypeError(f"{name} must hold labels of one kind: {error}", name) from None


def _is_missing(label: Any) -> bool:
    try:
        return label is None or bool(label != label)
    except TypeError:  # of pandas.NA, which is not even unlike itself
        return True


def codes(name: str, y: Array, classes: Array) -> NDArray[np.int64]:
    """Return the place of each label among the classes, which come in any order."""
    order = np.argsort(classes)
    try:
        places = np.searchsorted(classes, y, sorter=order)
    except TypeError as error:  # as of None among strings
        raise InputTypeError(
            f"{name} must hold labels among {_listed(classes)}: {error}", name
        ) from None
    found = order[np.minimum(places, order.size - 1)]
    unknown = classes[found] != y
    if unknown.any():
        index = int(np.argmax(unknown))
        raise Error(
            f"{name} must hold labels among {_listed(classes)}, got {y[index]} at index {index}",
            name,
            (index,),
        )
    return found


def _listed(classes: Array) -> str:
    shown = [str(label) for label in classes[:10]]
    return ", ".join(shown) + (", ..." if classes.size > 10 else "")
