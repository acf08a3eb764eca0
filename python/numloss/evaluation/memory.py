"""A limit of the memory that the process may have."""

from __future__ import annotations

import sys
from pathlib import Path

from numloss.evaluation.errors import UsageError

# What a chunk of each thread, its losses and the buffers of a reader take, at least.
_LEAST = 64 << 20


def limit_memory(size: int) -> None:
    """Let the system refuse the process more memory: whoever asks for it gets a MemoryError."""
    if not sys.platform.startswith("linux"):
        raise UsageError("--max-memory is known to Linux alone")
    import resource

    taken = _taken()
    if size < taken + _LEAST:
        raise UsageError(
            f"--max-memory must be at least {(taken + _LEAST >> 20) + 1}M: the process itself "
            f"takes {taken >> 20} MB"
        )
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    if hard != resource.RLIM_INFINITY:
        size = min(size, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (size, hard))


def _taken() -> int:
    """Return the bytes that the limit is about, which are those that can be written."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmData:"):
            return int(line.split()[1]) << 10
    return 0
