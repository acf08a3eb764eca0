"""Which rows of a source are in: ranges that neither overlap nor touch, in order."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

Ranges = list[tuple[int, int]]


def end_of(ranges: Sequence[tuple[int, int]]) -> int:
    """Return the row behind all of them."""
    return ranges[-1][1] if ranges else 0


def add_range(ranges: Ranges, begin: int, end: int) -> tuple[int, int] | None:
    """Put a range in. What of it is there already is returned, and nothing changes."""
    if begin >= end:
        return None
    if ranges and ranges[-1][1] == begin:  # as rows come one after the other
        ranges[-1] = (ranges[-1][0], end)
        return None
    at = bisect_left(ranges, (begin, begin))
    if at > 0 and ranges[at - 1][1] > begin:
        return begin, min(ranges[at - 1][1], end)
    if at < len(ranges) and ranges[at][0] < end:
        return ranges[at][0], min(ranges[at][1], end)
    first = last = at
    if at > 0 and ranges[at - 1][1] == begin:
        first, begin = at - 1, ranges[at - 1][0]
    if at < len(ranges) and ranges[at][0] == end:
        last, end = at + 1, ranges[at][1]
    ranges[first:last] = [(begin, end)]
    return None


def gaps(ranges: Sequence[tuple[int, int]], begin: int, end: int) -> Ranges:
    """Return what of a range is not there."""
    found: Ranges = []
    at = max(bisect_left(ranges, (begin, begin)) - 1, 0)
    for first, last in ranges[at:]:
        if first >= end:
            break
        if last <= begin:
            continue
        if first > begin:
            found.append((begin, first))
        begin = last
    if begin < end:
        found.append((begin, end))
    return found
