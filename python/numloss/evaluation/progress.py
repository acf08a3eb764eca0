"""How far the evaluation is, on a terminal."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

# What is done within this time (seconds) shows no progress.
_SHORT = 1.0


@contextmanager
def progress() -> Iterator[Callable[[float], None]]:
    """Show a bar on a terminal once the work turns out to be long."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda part: None
        return
    columns = (TextColumn("evaluating"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    bar = Progress(*columns, console=console, transient=True)
    task = bar.add_task("", total=1.0)
    start = time.monotonic()

    def advance(part: float) -> None:
        if not bar.live.is_started and time.monotonic() - start > _SHORT:
            bar.start()
        bar.update(task, completed=part)

    try:
        yield advance
    finally:
        bar.stop()
