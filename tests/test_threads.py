"""Threads: how many there are, who may use them, and what limits them."""

import asyncio
import contextvars
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import numpy as np
import pytest
from cases import assert_same
from processes import PLAIN, run, threads_are_own

import numloss
from numloss import _core

CALLERS = 64

#: Of what the library's own threads do, and OpenMP's do not.
own_threads = pytest.mark.skipif(not threads_are_own(), reason="OpenMP makes the threads")


def value_and_grad(job):
    variant, prediction, target = job
    return variant.loss.value_and_grad(prediction, target, **variant.options(prediction.shape[-1]))


def jobs(large):
    """Draw work of all sizes, for every loss."""
    rows = large // 50
    return [
        (variant, *variant.inputs((n // 50, 50) if variant.rowwise else n, "float32", seed=n))
        for variant in PLAIN
        for n in (50, 5_000, rows * 50)
    ]


def at_once(callers, work):
    """Let as many threads start together; return what each one's work gave."""
    start = threading.Barrier(callers)

    def wait_and_work(caller):
        start.wait()
        return work(caller)

    with ThreadPoolExecutor(callers) as pool:
        return list(pool.map(wait_and_work, range(callers)))


def test_64_threads_at_once_get_the_bits_of_one():
    work = jobs(1_000_000)
    with numloss.threads(1):
        expected = [value_and_grad(job) for job in work]

    def every_job(caller):
        with numloss.threads(1 + caller % 4):
            order = np.random.default_rng(caller).permutation(len(work))[:6]
            return [(i, value_and_grad(work[i])) for i in order]

    for found in at_once(CALLERS, every_job):
        for i, result in found:
            assert_same(result, expected[i], work[i][0])


@own_threads
@pytest.mark.parametrize("threads", [2, 4])
def test_all_callers_share_one_set_of_threads(threads):
    code = f"""
from test_threads import *
from processes import assert_helpers, tasks
x = np.linspace(-3, 3, 2_000_000, dtype=np.float32)
numloss.set_num_threads({threads})
assert_helpers(0)
together = threading.Barrier({CALLERS})

def call(caller):
    for _ in range(3):
        numloss.mse(x, 0.5)
        together.wait()
    seen = len(tasks())  # while every caller is alive
    together.wait()
    return seen

assert set(at_once({CALLERS}, call)) == {{{threads - 1}}}
"""
    run(code)


def test_no_thread_is_made_without_need():
    code = """
from processes import *
import numloss
small, large = np.zeros(1000, np.float32), np.zeros(2_000_000, np.float32)
numloss.mse(small, 1.0)
with numloss.threads(1):
    numloss.mse(large, 1.0)
assert_helpers(0)
with numloss.threads(3):
    numloss.mse(large, 1.0)
assert_helpers(2)
"""
    run(code)


@own_threads
def test_threads_of_the_library_take_no_signals():
    code = """
from processes import *
import numloss
with numloss.threads(3):
    numloss.mse(np.zeros(2_000_000, np.float32), 1.0)
def blocked(task):
    lines = dict(line.split(":", 1) for line in (task / "status").read_text().splitlines())
    return int(lines["SigBlk"], 16)
catchable = sum(1 << (s - 1) for s in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP})
assert [blocked(task) & catchable for task in tasks()] == [catchable] * 2
assert blocked(Path("/proc/self")) == 0
"""
    run(code)


@own_threads
def test_threads_of_the_library_have_a_stack_of_a_megabyte():
    """Whatever the C library gives by itself: musl 128 KB, glibc 8 MB."""
    code = """
from processes import *
import numloss

def mapped():
    lines = [line.split() for line in Path("/proc/self/maps").read_text().splitlines()]
    ends = [(line[0].split("-"), line[1]) for line in lines]
    return {(start, int(end, 16) - int(start, 16)) for (start, end), how in ends if how == "rw-p"}

before = mapped()
with numloss.threads(3):
    numloss.mse(np.zeros(2_000_000, np.float32), 1.0)
stacks = [size for start, size in mapped() - before if size == 1 << 20]
# glibc may keep the stack of a thread that has ended, which asked OpenMP for its limit.
assert len(stacks) >= len(tasks()) == 2, mapped() - before
"""
    run(code)


def test_interpreter_without_a_lock_stays_without_one():
    code = """
import sys, sysconfig
import numloss
free = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))
assert getattr(sys, "_is_gil_enabled", lambda: True)() == (not free)
"""
    run(code, PYTHON_GIL="")


def test_process_ends_while_daemon_threads_are_inside_calls():
    code = """
import threading, time
import numpy as np, numloss
x = np.linspace(-3, 3, 300_000, dtype=np.float32)

def call():
    while True:
        numloss.mse(x, 0.5)

for _ in range(4):
    threading.Thread(target=call, daemon=True).start()
time.sleep(0.2)
"""
    for _ in range(3):
        run(code)


def test_number_of_threads_changes_under_calls():
    work = jobs(200_000)
    expected = [value_and_grad(job) for job in work]
    before = numloss.num_threads()

    def call_or_set(caller):
        if caller % 4 == 0:
            for n in (1, 2, 5, 3):
                numloss.set_num_threads(n)
            return []
        return [value_and_grad(job) for job in work]

    try:
        everything = at_once(8, call_or_set)
    finally:
        numloss.set_num_threads(before)
    for found in filter(None, everything):
        for results, others in zip(found, expected, strict=True):
            assert_same(results, others)


def test_first_calls_at_once():
    """What is looked up or made on first use is so by many threads together."""
    code = """
from test_threads import *
import time
x = np.linspace(-3, 3, 500_000).reshape(-1, 5)
y = np.arange(100_000) % 5
options = {"class_weight": np.arange(1.0, 6.0), "temperature": 0.7}

def first_call(caller):
    loss = list(numloss.LOSSES.values())[caller % len(numloss.LOSSES)]
    return numloss.num_threads(), repr(loss), numloss.ordinal_cross_entropy(x, y, **options)

found = at_once(16, first_call)
assert len({(threads, value) for threads, _, value in found}) == 1
"""
    run(code)


# ------------------------------------------------------------------------- a number for some calls

#: A new thread begins with a copy of its maker's context: so it does in free-threaded Python 3.14.
INHERITS = bool(getattr(sys.flags, "thread_inherit_context", False))


def test_override_is_of_the_calling_thread_alone():
    before = numloss.num_threads()
    with numloss.threads(before + 3), ThreadPoolExecutor(1) as pool:
        assert numloss.num_threads() == before + 3
        assert pool.submit(numloss.num_threads).result() == before + 3 * INHERITS
    with ThreadPoolExecutor(1) as pool:
        pool.submit(numloss.num_threads).result()  # makes the thread
        with numloss.threads(before + 3):
            assert pool.submit(numloss.num_threads).result() == before


def test_overrides_of_coroutines_that_overlap():
    before = numloss.num_threads()
    seen = []

    async def work(n, entered, may_leave):
        with numloss.threads(n):
            entered.set()
            await may_leave.wait()
            seen.append((n, numloss.num_threads()))
        seen.append(numloss.num_threads())

    async def overlap():
        events = [asyncio.Event() for _ in range(3)]
        first = asyncio.create_task(work(before + 1, events[0], events[1]))
        await events[0].wait()
        second = asyncio.create_task(work(before + 2, events[1], events[2]))
        await first
        events[2].set()
        await second
        return numloss.num_threads()

    assert asyncio.run(overlap()) == before
    assert seen == [(before + 1,) * 2, before, (before + 2,) * 2, before]
    assert numloss.num_threads() == before


def test_override_of_an_await_holds_on_both_sides_of_it():
    before = numloss.num_threads()

    async def inner():
        numbers = [numloss.num_threads()]
        with numloss.threads(before + 2):
            await asyncio.sleep(0)
            numbers.append(numloss.num_threads())
        return [*numbers, numloss.num_threads()]

    async def outer():
        with numloss.threads(before + 1):
            task = asyncio.create_task(inner())  # begins with a copy
            assert numloss.num_threads() == before + 1
        assert await inner() == [before, before + 2, before]
        return await task

    assert asyncio.run(outer()) == [before + 1, before + 2, before + 1]


def test_override_goes_where_the_context_goes():
    before = numloss.num_threads()

    async def to_thread():
        with numloss.threads(before + 1):
            return await asyncio.to_thread(numloss.num_threads)

    assert asyncio.run(to_thread()) == before + 1
    with numloss.threads(before + 1):
        copied = contextvars.copy_context()
        assert contextvars.Context().run(numloss.num_threads) == before
    assert copied.run(numloss.num_threads) == before + 1
    assert numloss.num_threads() == before


def test_calls_use_the_number_of_their_context():
    code = """
from processes import *
import asyncio, numloss
numloss.set_num_threads(1)
x = np.zeros(2_000_000, np.float32)

async def call(n):
    with numloss.threads(n):
        await asyncio.sleep(0)
        numloss.mse(x, 1.0)
        await asyncio.sleep(0)

async def calls():
    await asyncio.gather(call(1), call(1))
    assert_helpers(0)
    await asyncio.gather(call(1), call(3), call(2))
    assert_helpers(2)

asyncio.run(calls())
"""
    run(code)


def test_override_ends_with_its_block():
    before = numloss.num_threads()
    with numloss.threads(before + 1):
        with suppress(StopIteration), numloss.threads(before + 2):
            assert numloss.num_threads() == before + 2
            raise StopIteration
        assert numloss.num_threads() == before + 1
        with numloss.threads(1), numloss.threads(before + 3):
            assert numloss.num_threads() == before + 3
        assert numloss.num_threads() == before + 1
        numloss.set_num_threads(before + 4)
        assert numloss.num_threads() == before + 1
    assert numloss.num_threads() == before + 4
    numloss.set_num_threads(before)


def test_override_of_a_generator_that_ends_in_another_context():
    before = numloss.num_threads()

    def batches():
        with numloss.threads(before + 1):
            yield numloss.num_threads()

    steps = batches()
    assert contextvars.copy_context().run(next, steps) == before + 1
    assert contextvars.copy_context().run(next, steps, "end") == "end"
    assert numloss.num_threads() == before


# ----------------------------------------------------------------------------------- our limits


def threads_in(**environment):
    cleared = {"NUMLOSS_NUM_THREADS": "", "OMP_NUM_THREADS": ""}
    code = "import numloss; print(numloss.num_threads())"
    return int(run(code, **{**cleared, **environment}))


def test_environment_sets_the_number():
    assert threads_in(OMP_NUM_THREADS="3") == 3
    assert threads_in(NUMLOSS_NUM_THREADS="5") == 5
    assert threads_in(NUMLOSS_NUM_THREADS="4", OMP_NUM_THREADS="1") == 4
    assert threads_in(NUMLOSS_NUM_THREADS="1", OMP_NUM_THREADS="4") == 1


def test_affinity_of_the_process_is_respected():
    cpu = "os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})"
    code = """
import os, threading
{}
import numloss
{}
print(numloss.num_threads())
"""
    unset = {"NUMLOSS_NUM_THREADS": "", "OMP_NUM_THREADS": ""}
    assert int(run(code.format(cpu, ""), **unset)) == 1
    assert int(run(code.format("", cpu), **unset)) == 1


@own_threads
def test_a_pinned_thread_pins_no_other():
    code = """
import os, threading
from processes import *
import numloss
cpus = os.sched_getaffinity(0)

def pinned():
    os.sched_setaffinity(0, {min(cpus)})
    print(numloss.num_threads())
    with numloss.threads(3):
        numloss.mse(np.zeros(2_000_000, np.float32), 1.0)

thread = threading.Thread(target=pinned)
thread.start()
thread.join()
assert [os.sched_getaffinity(int(task.name)) for task in tasks()] == [cpus] * 2
print(numloss.num_threads())
"""
    there, here = run(code, NUMLOSS_NUM_THREADS="", OMP_NUM_THREADS="").split()
    assert there == here


def control_groups(root, groups, files):
    """Lay out the files that describe control groups; return the CPUs that they grant."""
    for name, text in {"proc/self/cgroup": groups, **files}.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return _core.cgroup_cpus(str(root))


V2 = "sys/fs/cgroup/"
V1 = "sys/fs/cgroup/cpu/"


@pytest.mark.parametrize(
    ("cpus", "groups", "files"),
    [
        pytest.param(2, "0::/\n", {V2 + "cpu.max": "200000 100000\n"}, id="v2"),
        pytest.param(2, "0::/\n", {V2 + "cpu.max": "150000 100000\n"}, id="v2-rounds-up"),
        pytest.param(1, "0::/\n", {V2 + "cpu.max": "1000 100000\n"}, id="v2-less-than-one"),
        pytest.param(0, "0::/\n", {V2 + "cpu.max": "max 100000\n"}, id="v2-unlimited"),
        pytest.param(0, "0::/\n", {}, id="v2-no-controller"),
        pytest.param(
            3,
            "0::/kubepods/pod/box\n",
            {
                V2 + "kubepods/cpu.max": "max 100000\n",
                V2 + "kubepods/pod/cpu.max": "800000 100000\n",
                V2 + "kubepods/pod/box/cpu.max": "300000 100000\n",
            },
            id="v2-own-group",
        ),
        pytest.param(
            2,
            "0::/kubepods/pod/box\n",
            {
                V2 + "kubepods/pod/cpu.max": "100000 50000\n",
                V2 + "kubepods/pod/box/cpu.max": "300000 100000\n",
                V2 + "kubepods/pod/box/inner/cpu.max": "100000 100000\n",
                V2 + "another/cpu.max": "100000 100000\n",
            },
            id="v2-parent-is-lower",
        ),
        pytest.param(
            4, "0::/docker/1f/app\n", {V2 + "cpu.max": "400000 100000\n"}, id="v2-path-of-the-host"
        ),
        pytest.param(
            5, "0::/a:b\n", {V2 + "a:b/cpu.max": "500000 100000\n"}, id="v2-colon-in-a-name"
        ),
        pytest.param(
            2,
            "12:memory:/box\n4:cpu,cpuacct:/box\n0::/box\n",
            {
                V1 + "box/cpu.cfs_quota_us": "150000\n",
                V1 + "box/cpu.cfs_period_us": "100000\n",
            },
            id="v1",
        ),
        pytest.param(
            0,
            "4:cpuacct,cpu:/box\n",
            {V1 + "box/cpu.cfs_quota_us": "-1\n", V1 + "box/cpu.cfs_period_us": "100000\n"},
            id="v1-unlimited",
        ),
        pytest.param(
            1,
            "4:cpu:/outer/inner\n",
            {
                V1 + "outer/cpu.cfs_quota_us": "50000\n",
                V1 + "outer/cpu.cfs_period_us": "100000\n",
                V1 + "outer/inner/cpu.cfs_quota_us": "-1\n",
                V1 + "outer/inner/cpu.cfs_period_us": "100000\n",
            },
            id="v1-parent-is-lower",
        ),
        pytest.param(
            0,
            "3:cpuset:/box\n2:cpuacct:/box\n",
            {V1 + "box/cpu.cfs_quota_us": "50000\n", V1 + "box/cpu.cfs_period_us": "100000\n"},
            id="v1-other-controllers",
        ),
        pytest.param(0, "", {}, id="none"),
        pytest.param(0, "0::/\n", {V2 + "cpu.max": "many 100000\n"}, id="unreadable"),
        pytest.param(0, "0::/\n", {V2 + "cpu.max": "100000 0\n"}, id="no-period"),
    ],
)
def test_quota_of_the_control_group(tmp_path, cpus, groups, files):
    assert control_groups(tmp_path, groups, files) == cpus


def test_quota_where_nothing_can_be_read(tmp_path):
    assert _core.cgroup_cpus(str(tmp_path / "absent")) == 0
