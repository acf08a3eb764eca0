"""Threads, and what this build and process run on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from numloss import _convert, _core


def num_threads() -> int:
    """Return how many threads a call on this thread may use.

    ``set_num_threads`` says what decides it.

    Returns
    -------
    int
        At least 1.

    Examples
    --------
    >>> import numloss
    >>> numloss.num_threads() >= 1
    True
    """
    return _core.num_threads()


def set_num_threads(n: int) -> None:
    """Let every call of this process use at most ``n`` threads.

    Before, the limit is ``NUMLOSS_NUM_THREADS``, else ``OMP_NUM_THREADS``, else the CPUs that this
    process may use (affinity and cgroup quota). The number of threads never changes a result, and
    small work never leaves the calling thread.

    A limit put on OpenMP for the calling thread, as ``threadpoolctl.threadpool_limits`` does, holds
    here too: a call uses no more threads than that, whatever was set here or in the environment. It
    is told by its difference from what OpenMP had at import. ``OMP_NUM_THREADS`` is no such limit,
    only a default: ``NUMLOSS_NUM_THREADS=4`` means 4 beside ``OMP_NUM_THREADS=1``.

    All calls of a process share one set of threads. While one call has them, others that come from
    other threads compute on their own. A child of ``os.fork`` makes its own set when it needs it.

    Parameters
    ----------
    n : int
        From 1 to 4096.

    Raises
    ------
    ValueError
        If ``n`` is out of range.
    TypeError
        If ``n`` is no integer.

    Examples
    --------
    >>> import numloss
    >>> before = numloss.num_threads()
    >>> numloss.set_num_threads(4)
    >>> numloss.num_threads()
    4
    >>> numloss.set_num_threads(before)
    """
    _core.set_num_threads(_convert.thread_count(n))


@contextmanager
def threads(n: int) -> Iterator[None]:
    """Limit the calls that the calling thread makes inside a ``with`` block to ``n`` threads.

    Within a limit that threadpoolctl put on OpenMP, the lower of the two holds.

    Parameters
    ----------
    n : int
        From 1 to 4096.

    Returns
    -------
    context manager
        What ``with`` takes.

    Raises
    ------
    ValueError
        If ``n`` is out of range.
    TypeError
        If ``n`` is no integer.

    Examples
    --------
    >>> import numloss
    >>> with numloss.threads(1):
    ...     numloss.num_threads()
    1
    """
    before = _core.set_thread_override(_convert.thread_count(n))
    try:
        yield
    finally:
        _core.set_thread_override(before)


def show_config() -> None:
    """Print version, instruction set, threads and compiler.

    The instruction set is the best that the CPU has, chosen at import; the environment variable
    ``NUMLOSS_ISA`` (``baseline``, ``v3`` or ``v4``) forces one. It changes no result.

    Examples
    --------
    >>> import numloss
    >>> numloss.show_config()  # doctest: +ELLIPSIS
    numloss     ...
    ISA         ...
    threads     ...
    compiler    ...
    numpy       ...
    """
    config = _core.config()
    isa = f"{config['isa']} (usable here: {', '.join(config['isas'])})"
    if not config["hardware_fma"]:
        isa += ", without fused multiply-add: same bits, but losses with exponentials are slow"
    print(f"numloss     {config['version']}")
    print(f"ISA         {isa}")
    print(f"threads     {config['threads']}")
    print(f"compiler    {config['compiler']}")
    print(f"numpy       {np.__version__}")
