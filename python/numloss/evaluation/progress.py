"""How far the evaluation is, on a terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

# What is done within this time (seconds) shows no progress; later it is shown so often.
_SHORT = 1.0
_STEP = 0.1
_WIDTH = 30


@contextmanager
def progress() -> Iterator[Callable[[float], None]]:
    """Show a bar on a terminal once the work turns out to be long."""
    if not sys.stderr.isatty():
        yield lambda part: None
        return
    start = shown = time.monotonic()

    def advance(part: float) -> None:
        nonlocal shown
        now = time.monotonic()
        if now - start < _SHORT or (now - shown < _STEP and part < 1.0):
            return
        shown = now
        done = min(max(part, 0.0), 1.0)
        bar = "━" * round(done * _WIDTH)
        left = (now - start) * (1 - done) / done if done > 0 else 0.0
        sys.stderr.write(f"\r\x1b[Kevaluating {bar:<{_WIDTH}} {done:4.0%}, {left:.0f} s left")
        sys.stderr.flush()

    try:
        yield advance
    finally:
        if shown > start:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
