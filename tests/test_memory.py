"""Memory: no call keeps any, and where there is none to be had a call says so and does nothing.

The calls are those of the table of losses and of the table of refusals (calls.py), so that a new
loss and a new refusal are covered.
"""

from __future__ import annotations

import ctypes
import gc
import os
import shutil
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterable
from itertools import chain, cycle, islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from calls import Asked, refusals, successes
from cases import PLAIN, SHARED

import numloss
from numloss import _core

HERE = Path(__file__).parent

# The bindings hold arguments and results, whatever the loss: each loss once shows its options.
every_loss = pytest.mark.parametrize("variant", PLAIN, ids=str)
# Losses that differ in what a call holds: elements, checked ones, an input beside, labels, rows of
# probabilities, a table of the loss's own.
KINDS = (
    "mse", "binary_cross_entropy", "quantile", "cross_entropy", "kl_divergence",
    "ordinal_cross_entropy",
)  # fmt: skip


@pytest.fixture(autouse=True)
def _some_means_are_of_nothing():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        yield


@pytest.fixture
def no_collector():
    """What only the collector of cycles would free counts as kept: it may be gigabytes."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


# --------------------------------------------------------------------------------------- references


def held(values: Iterable[Any]) -> list[Any]:
    """Return every object that a call is given: arrays and their types, and what is in others.

    What the interpreter has one of, and uses meanwhile, is left out: None, small integers.
    """
    found = []
    for x in values:
        found.append(x)
        if isinstance(x, np.ndarray):
            found += [x.dtype, x.base]
        elif type(x) in (tuple, list):
            found += held(x)
        elif isinstance(x, dict):
            found += [*held(x), *held(x.values())]
    return [x for x in found if not isinstance(x, (int, type(None)))]


#: A call that keeps a reference, or lets go of one too many, does so each time.
CALLS = 3


def kept_references(asked: Asked) -> list[Any]:
    """Return the arguments that have more or fewer references after some calls than before.

    Three times: what else lives in the process may let go of a type or a word meanwhile, but not as
    often as there are calls, and not each time.
    """
    asked.settle()
    objects = held([asked.function, *asked.args, asked.options])
    if not isinstance(asked.function, numloss.Loss | _core.Method):
        # numpy.zeros, which functions in Python call, takes a reference to its dtype every time.
        objects = [x for x in objects if not isinstance(x, np.dtype)]
    for _ in range(3):
        before = [sys.getrefcount(x) for x in objects]
        for _ in range(CALLS):
            asked.settle()
        after = [sys.getrefcount(x) for x in objects]
        triples = list(zip(objects, before, after, strict=True))
        changed = [(type(x), old, new) for x, old, new in triples if abs(new - old) >= CALLS]
        if not changed:
            return []
    return changed


@pytest.mark.usefixtures("no_collector")
@every_loss
def test_a_result_keeps_no_reference_to_an_argument(variant):
    for asked in successes(variant):
        assert kept_references(asked) == [], asked.name


@pytest.mark.usefixtures("no_collector")
def test_an_error_keeps_no_reference_to_an_argument():
    for asked in refusals():
        assert kept_references(asked) == [], asked.name


# -------------------------------------------------------------------------------------------- leaks


class _Mallinfo(ctypes.Structure):
    _fields_ = tuple(
        (name, ctypes.c_size_t)
        for name in (
            *("arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks"),
            *("uordblks", "fordblks", "keepcost"),
        )
    )


mallinfo = ctypes.CDLL(None).mallinfo2
mallinfo.restype = _Mallinfo


def in_use() -> tuple[int, int]:
    """Return the objects of the interpreter and the bytes of malloc, in arenas and mapped."""
    gc.collect()
    info = mallinfo()
    return sys.getallocatedblocks(), info.uordblks + info.hblkhd


def growth(work: Callable[[], None], rounds: int) -> tuple[float, float]:
    """Return objects and bytes that a round of work leaves behind."""
    before = in_use()
    for _ in range(rounds):
        work()
    return tuple((y - x) / rounds for x, y in zip(before, in_use(), strict=True))


@pytest.mark.parametrize("name", [*KINDS, "refusals"])
def test_calls_leave_nothing_behind(name):
    """Less than one object, or than the smallest piece of memory, in a round of calls."""
    of_loss = (successes(v) for v in SHARED if v.name == name)
    calls = refusals() if name == "refusals" else chain.from_iterable(of_loss)
    calls = list(islice(calls, 0, None, 7))  # 7 divides no number of methods, types or reductions

    def work():
        for asked in calls:
            asked.settle()

    # Caches fill and empty at times; a leak grows each time.
    objects, sizes = zip(*(growth(work, rounds=30) for _ in range(3)), strict=True)
    assert min(objects) < 1
    assert min(sizes) < 16


def resident() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.slow
def test_a_million_calls_use_no_more_memory_than_a_thousand():
    calls = [asked for v in SHARED for asked in successes(v)] + list(refusals())
    endless = cycle(calls)
    for asked in islice(endless, 3 * len(calls)):
        asked.settle()
    before = resident()
    for asked in islice(endless, 1_000_000):
        asked.settle()
    assert resident() - before < 1 << 20  # one byte a call


# ---------------------------------------------------------------------------------- none to be had


@pytest.mark.plain_build
@pytest.mark.skipif(not shutil.which("cc"), reason="needs a C compiler")
def test_every_allocation_that_fails_is_a_memory_error(tmp_path):
    library = tmp_path / "failing_malloc.so"
    source = HERE / "failing_malloc.c"
    subprocess.run(["cc", "-O1", "-shared", "-fPIC", source, "-o", library], check=True)
    result = subprocess.run(
        [sys.executable, "-X", "faulthandler", HERE / "out_of_memory.py"],
        env={**os.environ, "LD_PRELOAD": str(library), "PYTHONMALLOC": "malloc"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert result.returncode == 0, result.stderr[-3000:]
    small, large, refused = map(int, result.stdout.split())
    assert min(small, large) > 100
    # What finds the fault in large arrays needs no memory of their size.
    assert refused < 10


LIMITED = """
import resource
import numpy as np
import numloss

x, place = np.ones(8_000_000), np.full(8_000_000, 7.0)
rows, labels = np.ones((4_000, 2_000)), np.zeros(4_000, int)
with numloss.threads(1):
    value, gradient = numloss.mse.value_and_grad(x, 0.0)
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()


def limit(room):
    resource.setrlimit(resource.RLIMIT_AS, (room, resource.RLIM_INFINITY))


limit(used + 500_000)  # less than a stack
"""

NO_RESULT = """
for call in (
    lambda: numloss.mse.grad(x, 0.0),
    lambda: numloss.mse(x, 0.0, reduction="none"),
    lambda: numloss.cross_entropy.grad(rows, labels),
    lambda: numloss.mse.grad_and_hess(x, 0.0, out=(place, None)),
):
    try:
        call()
    except MemoryError:
        assert place.min() == place.max() == 7
    else:
        raise AssertionError("no MemoryError")
with numloss.threads(1):
    numloss.mse.grad(x, 0.0, out=place)
limit(resource.RLIM_INFINITY)
assert (place == gradient).all()
"""


def test_a_result_beyond_a_limit_of_memory_is_a_memory_error():
    subprocess.run([sys.executable, "-c", LIMITED + NO_RESULT], check=True, timeout=60)


NO_THREADS = """
with numloss.threads(4):
    assert numloss.mse(x, 0.0) == value
    numloss.mse.grad(x, 0.0, out=place)
limit(resource.RLIM_INFINITY)
assert (place == gradient).all()
"""


def test_threads_whose_stacks_do_not_fit_are_done_without():
    subprocess.run([sys.executable, "-c", LIMITED + NO_THREADS], check=True, timeout=60)
