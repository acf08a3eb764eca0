"""What the scores that a loss takes mean, and its targets: for libraries that know labels alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from numloss._raise import Error, InputTypeError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from numloss.evaluation.specs import LossSpec

    Array = NDArray[Any]

#: The link of a normal distribution: of two scores the second is the logarithm of a variance.
NORMAL = ("identity", "log")


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
