"""How far the evaluation is, on a terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

# What is done within this time (seconds) shows no progress; later it is shown so often.
_SHORT = 1.0
_STEP = 0.1
_WIDTH = 20


@dataclass(frozen=True)
class Done:
    """What was read so far."""

    part: float  # of all; 0 where nobody knows how much there is
    rows: int
    bytes: int


@contextmanager
def progress() -> Iterator[Callable[[Callable[[], Done]], None]]:
    """Show a bar on a terminal once the work turns out to be long."""
    if not sys.stderr.isatty():
        yield lambda measure: None
        return
    start = shown = time.monotonic()
    last = 0.0

    def advance(measure: Callable[[], Done]) -> None:
        nonlocal shown, last
        now = time.monotonic()
        if now - start < _SHORT:
            return
        done = measure()
        if now - shown < _STEP and not last < done.part == 1.0:
            return
        shown, last = now, done.part
        sys.stderr.write(f"\r\x1b[Kevaluating {_text(done, now - start)}")
        sys.stderr.flush()

    try:
        yield advance
    finally:
        if shown > start:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()


def _text(done: Done, seconds: float) -> str:
    seconds = max(seconds, 1e-3)
    speed = f"{done.rows / seconds / 1e6:.3g} M rows/s"
    if not done.part:
        return f"{done.rows} rows, {speed}"
    bar = "━" * round(done.part * _WIDTH)
    left = seconds * (1 - done.part) / done.part
    return (
        f"{bar:<{_WIDTH}} {done.part:4.0%}, {speed}, {done.bytes / seconds / 1e9:.3g} GB/s, "
        f"{left:.0f} s left"
    )
