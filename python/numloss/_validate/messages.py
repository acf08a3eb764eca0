"""What messages are made of."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def shown(value: object) -> str:
    try:
        text = " ".join(repr(value).split())
    except Exception:  # integers of thousands of digits, and objects of bad manners
        text = f"a value of type {type(value).__name__}"
    return text if len(text) <= 60 else text[:57] + "..."


def listed(names: Iterable[str]) -> str:
    quoted = [f"'{name}'" for name in names]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} or {quoted[-1]}"


def first_of(bad: NDArray[np.bool_], values: NDArray[Any]) -> tuple[str, str]:
    """Return where the first bad value is, and what it is."""
    if values.ndim == 0:
        return "", str(values)
    index = tuple(int(i) for i in np.unravel_index(int(np.argmax(bad)), bad.shape))
    shown = index[0] if len(index) == 1 else index
    return f" at index {shown}", str(values[index])
