"""The machine a run is made on: pinning it down before anything is imported, and describing it.

Nothing here imports NumPy at module level, because `pin` must come before every library that
reads the number of CPUs once, at import.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib.metadata
import os
import platform
import re
import subprocess
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
ALL_CPUS = os.sched_getaffinity(0)
PACKAGES = ("numpy", "torch", "jax", "jaxlib", "scikit-learn", "optax")


def pin(threads: int) -> None:
    """Give this process ``threads`` CPUs, and tell the libraries that read the environment.

    Affinity is the only thing XLA obeys. The last CPUs are taken: the first ones serve interrupts.
    """
    if not 1 <= threads <= len(ALL_CPUS):
        message = f"threads must be 1 to {len(ALL_CPUS)}, the CPUs of this process, got {threads}"
        raise ValueError(message)
    os.sched_setaffinity(0, sorted(ALL_CPUS)[-threads:])
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = str(threads)
    settle_allocator()


def settle_allocator() -> None:
    """Fix glibc's thresholds where they end up in a process that has run for a while.

    They adapt to what was freed before. Left alone, whether a call finds its temporary arrays in
    the heap or has their pages made anew, which takes up to ten times as long, would depend on
    the cells and contestants before it. Arrays beyond 32 MiB are mapped anew in any case.
    """
    trim_threshold, mmap_threshold = -1, -3  # mallopt's names for them
    with contextlib.suppress(AttributeError):  # another C library
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(mmap_threshold, 32 << 20)
        mallopt(trim_threshold, 128 << 20)


def describe() -> dict[str, Any]:
    """Everything a reader needs to judge whether two runs can be compared."""
    from numloss import _core

    return {
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "cpu": cpu_model(),
        "cpus": len(ALL_CPUS),
        "caches": caches(),
        "load": round(os.getloadavg()[0], 2),
        "system": platform.platform(),
        "python": platform.python_version(),
        "versions": versions(),
        "commit": commit(),
        "isa": _core.config()["isa"],
        "compiler": _core.config()["compiler"],
    }


def cpu_model() -> str:
    """Name of the CPU as the kernel tells it."""
    found = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    return found[1] if found else platform.machine()


def caches() -> dict[str, str]:
    """Size of each data cache that the first CPU reaches, as ``{"L1": "48K", ...}``."""
    found = {}
    for index in sorted(Path("/sys/devices/system/cpu/cpu0/cache").glob("index*")):
        if (index / "type").read_text().strip() != "Instruction":
            level, size = ((index / name).read_text().strip() for name in ("level", "size"))
            found[f"L{level}"] = size
    return found


def versions() -> dict[str, str]:
    """Versions of the contestants that are installed."""
    import numloss

    found = {"numloss": numloss.__version__}
    for package in PACKAGES:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found[package] = importlib.metadata.version(package)
    return found


def commit() -> str | None:
    """Return the commit of the working tree, marked with a ``+`` where it has changes."""
    command = ["git", "-C", str(ROOT), "describe", "--always", "--abbrev=12", "--dirty=+"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()
