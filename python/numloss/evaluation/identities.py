"""What rows are called by whoever evaluates them: numbers, or text."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Identities = npt.NDArray[np.uint64]

#: Groups of which the rows with the highest loss and the first NaN keep their text.
MOST_GROUPS = 256
# Odd factors of the finalizer of SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom
# number generators", 2014), whose steps are bijections.
_FACTORS = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))
_STEP = np.uint64(0x9E3779B97F4A7C15)
_SHIFTS = (np.uint64(30), np.uint64(27), np.uint64(31))
_NO_ROW = np.uint64((1 << 64) - 1)


def of_numbers(values: npt.NDArray[Any]) -> Identities:
    """Return whole numbers as identities in their order."""
    if len(values) and int(values.max()) >= np.iinfo(np.int64).max:
        raise ValueError("ids must be below 2**63 - 1")
    return values.astype(np.int64).view(np.uint64) ^ np.uint64(1 << 63)


def number_of(identity: int) -> int:
    """Return the number that `of_numbers` made an identity of."""
    return identity - (1 << 63)


def of_text(values: npt.NDArray[Any]) -> Identities:
    """Return a hash of 64 bits for each text.

    Among a billion rows two may share one; that matters only where a report names both.
    """
    encoded = np.char.encode(values.astype("U"), "utf-8", "surrogatepass")
    words = -(-encoded.dtype.itemsize // 8)
    padded = np.ascontiguousarray(encoded.astype(f"S{8 * max(words, 1)}"))
    parts = padded.view("<u8").reshape(len(values), -1)
    found = np.char.str_len(encoded).astype(np.uint64)
    with np.errstate(over="ignore"):
        for index in range(parts.shape[1]):
            # What fills a text up to the longest of its batch changes nothing.
            inside = parts[:, index] != 0
            found = np.where(inside, mixed(found, parts[:, index]), found)
    return np.where(found == _NO_ROW, np.uint64(0), found)


def mixed(found: Identities, words: Identities) -> Identities:
    """Return hashes with another word of each text."""
    return _mixed(found ^ words + _STEP)


def _mixed(values: Identities) -> Identities:
    values = (values ^ (values >> _SHIFTS[0])) * _FACTORS[0]
    values = (values ^ (values >> _SHIFTS[1])) * _FACTORS[1]
    return values ^ (values >> _SHIFTS[2])
