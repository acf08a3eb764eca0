"""The number of threads, and what this build and this process run on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Literal, TypedDict, cast, overload

import numpy as np

from numloss import _convert, _core


class Config(TypedDict):
    """What ``show_config(mode="dict")`` returns."""

    version: str
    #: The instruction set in use.
    isa: str
    #: Those that this build has and this CPU can run, the best last.
    isas: list[str]
    #: Whether the one in use has a fused multiply-add; without, many losses are slow.
    hardware_fma: bool
    #: What ``num_threads`` returns here.
    threads: int
    #: Whose threads they are: ``"own"`` or ``"openmp"``.
    threading: str
    #: What ``NUMLOSS_THREADING`` may ask of this build.
    threadings: list[str]
    compiler: str
    numpy: str


def num_threads() -> int:
    """Return how many threads a call made here may use.

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

    Without it, the environment variable ``NUMLOSS_NUM_THREADS`` gives the number, else
    ``OMP_NUM_THREADS``, else the CPUs that this process may use (affinity and cgroup quota).
    ``threads`` sets another number for the calls inside a ``with`` block. The number of threads
    never changes a result, and small work stays on the calling thread.

    If another tool has limited OpenMP on the calling thread, a call uses no more threads than that,
    whatever number was set. Such tools are ``threadpoolctl.threadpool_limits``,
    ``torch.set_num_threads`` and all that call ``omp_set_num_threads``. On Linux, numloss
    asks every OpenMP library that the process has loaded, before or after numloss, and takes the
    lowest limit. Where none is loaded, those tools have nothing to limit. ``OMP_NUM_THREADS`` is a
    default and no limit: with ``NUMLOSS_NUM_THREADS=4`` and ``OMP_NUM_THREADS=1`` a call may use
    4.

    All calls of a process share one set of threads. While one call has them, calls from other
    threads compute on their own. A child of ``os.fork`` makes its own set when it needs it.

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
    """Let the calls inside a ``with`` block use at most ``n`` threads.

    The number is kept in a context variable (``contextvars``), so each thread and each asyncio task
    has its own. A task, ``asyncio.to_thread`` and ``Context.run`` begin with a copy of the number
    of whoever made them. A new ``threading.Thread`` and the workers of a pool begin without one; in
    free-threaded Python from 3.14 on, ``sys.flags.thread_inherit_context`` lets a new thread begin
    with a copy, too.

    If another tool has limited OpenMP on the calling thread, the lower number holds.

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
    token = _core.thread_variable.set(_convert.thread_count(n))
    try:
        yield
    finally:
        # A generator that a pool runs step by step may end in another context than it began in.
        # That context does not have the number.
        with suppress(ValueError):
            _core.thread_variable.reset(token)


@overload
def show_config(mode: Literal["stdout"] = "stdout") -> None: ...
@overload
def show_config(mode: Literal["dict"]) -> Config: ...
def show_config(mode: Literal["stdout", "dict"] = "stdout") -> Config | None:
    """Print or return version, instruction set, threads and compiler.

    At import numloss chooses the best instruction set that the CPU has. The environment variable
    ``NUMLOSS_ISA`` asks for another: ``baseline``, ``v3`` or ``v4`` for that one, and the import
    fails if the CPU does not have it; ``<=v4`` for the best up to that one. It changes no result.

    The threads that share a call's work are the library's ``own``. In a build with the CMake option
    ``NUMLOSS_OPENMP``, the environment variable ``NUMLOSS_THREADING=openmp`` has a team of OpenMP's
    share it instead. It changes no result either.

    Parameters
    ----------
    mode : {"stdout", "dict"}, default "stdout"
        Whether to print the configuration or to return it.

    Returns
    -------
    None or dict
        With ``"dict"``, the keys are ``version``, ``isa``, ``isas`` (those usable here, the best
        last), ``hardware_fma``, ``threads``, ``threading`` (``"own"`` or ``"openmp"``),
        ``threadings`` (those of this build), ``compiler`` and ``numpy``.

    Raises
    ------
    ValueError
        If ``mode`` is neither.
    TypeError
        If ``mode`` is no text.

    Examples
    --------
    >>> import numloss
    >>> numloss.show_config()  # doctest: +ELLIPSIS
    numloss     ...
    ISA         ...
    threads     ...
    threading   ...
    compiler    ...
    numpy       ...
    >>> numloss.show_config(mode="dict")["threads"] == numloss.num_threads()
    True
    """
    config = cast("Config", {**_core.config(), "numpy": np.__version__})
    if _convert.choice("mode", mode, ("stdout", "dict")) == 1:
        return config
    isa = f"{config['isa']} (usable here: {', '.join(config['isas'])})"
    if not config["hardware_fma"]:
        isa += ", without fused multiply-add: same bits, but losses with exponentials are slow"
    print(f"numloss     {config['version']}")
    print(f"ISA         {isa}")
    print(f"threads     {config['threads']}")
    print(f"threading   {config['threading']}")
    print(f"compiler    {config['compiler']}")
    print(f"numpy       {config['numpy']}")
    return None
