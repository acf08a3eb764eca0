"""Processes: children of every kind compute as their parent does, whatever that was doing."""

import pytest
from processes import run, threads_are_own

#: Of what the library's own threads do, and OpenMP's do not.
own_threads = pytest.mark.skipif(not threads_are_own(), reason="OpenMP makes the threads")

#: What the programs below begin with: several threads in use, and what they gave.
USED = """
import multiprocessing
import os
import signal
import threading
import warnings
from processes import *
import numloss

# Python warns of fork in a process of several threads, which is what is tried here.
warnings.filterwarnings("ignore", ".*multi-threaded.*fork", DeprecationWarning)
numloss.set_num_threads(4)
expected = digest()
assert_helpers(3)
large = np.linspace(-3, 3, 2_000_000, dtype=np.float32)


def in_child(work, seconds=40):
    \"\"\"Fork; fail where the child does, or is killed by its alarm.\"\"\"
    child = os.fork()
    if child == 0:
        signal.alarm(seconds)
        try:
            work()
        finally:
            os._exit(0 if sys.exc_info()[0] is None else 1)
    assert os.waitpid(child, 0)[1] == 0


def same_bits():
    assert digest() == expected
"""


def test_child_computes_with_threads_of_its_own():
    code = """
def child():
    assert_helpers(0)
    same_bits()
    assert_helpers(3)

in_child(child)
same_bits()
assert_helpers(3)
"""
    run(USED + code)


def test_children_of_children():
    code = """
def child():
    same_bits()
    in_child(lambda: in_child(same_bits))

in_child(child)
"""
    run(USED + code)


def test_fork_before_first_use():
    code = """
from processes import *
import numloss
numloss.set_num_threads(3)
x = np.linspace(-3, 3, 2_000_000, dtype=np.float32)
child = os.fork()
if child == 0:
    signal.alarm(20)
    numloss.mse(x, 0.5)
    os._exit(len(tasks()))
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 2
"""
    run(code)


def test_fork_from_a_thread():
    code = """
failures = []

def fork():
    try:
        in_child(same_bits)
    except BaseException as error:
        failures.append(error)

thread = threading.Thread(target=fork)
thread.start()
thread.join()
assert not failures
same_bits()
"""
    run(USED + code)


def test_fork_while_other_threads_are_inside_calls():
    code = """
value = numloss.mse(large, 0.5)
stop = threading.Event()

def call():
    while not stop.is_set():
        assert numloss.mse(large, 0.5) == value

def child():
    for _ in range(3):
        assert numloss.mse(large, 0.5) == value
    assert_helpers(3)

threads = [threading.Thread(target=call) for _ in range(3)]
for thread in threads:
    thread.start()
try:
    for _ in range(8):
        in_child(child)
finally:
    stop.set()
    for thread in threads:
        thread.join()
"""
    run(USED + code)


def test_fork_while_another_thread_looks_at_the_libraries():
    """The child then never gets the lock of that list: it computes without a look."""
    code = """
import ctypes
looking, may_leave = threading.Event(), threading.Event()
Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_void_p)

@Callback
def stay(*_):
    looking.set()
    may_leave.wait()
    return 1

thread = threading.Thread(target=ctypes.CDLL(None).dl_iterate_phdr, args=(stay, None))
thread.start()
looking.wait()
try:
    in_child(lambda: (same_bits(), in_child(same_bits)))
finally:
    may_leave.set()
    thread.join()
same_bits()
"""
    run(USED + code)


def test_child_looks_for_its_own_cpus():
    code = """
from processes import *
import numloss
numloss.num_threads()
child = os.fork()
if child == 0:
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    os._exit(numloss.num_threads())
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 1
"""
    run(code, NUMLOSS_NUM_THREADS="", OMP_NUM_THREADS="")


@pytest.mark.slow
@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_pools_of_processes(method):
    code = f"""
from concurrent.futures import ProcessPoolExecutor

if __name__ == "__main__":
    context = multiprocessing.get_context({method!r})
    with context.Pool(2) as pool:
        assert pool.apply_async(digest).get(timeout=40) == expected
    with ProcessPoolExecutor(1, context) as pool:
        assert pool.submit(digest).result(timeout=40) == expected
    same_bits()
"""
    run(USED + code)


def test_joblib_limits_the_library_in_its_workers():
    code = """
import joblib, numloss
with joblib.parallel_config("loky", n_jobs=2, inner_max_num_threads=1):
    print(*joblib.Parallel()(joblib.delayed(numloss.num_threads)() for _ in range(2)))
"""
    assert run(code, NUMLOSS_NUM_THREADS="", OMP_NUM_THREADS="").split() == ["1", "1"]


@own_threads
def test_system_that_has_no_thread_to_give():
    code = """
import re, resource
from processes import *
import numloss
x = np.linspace(-3, 3, 2_000_000, dtype=np.float32)
with numloss.threads(1):
    expected = numloss.mse(x, 0.5)
in_use = int(re.search(r"VmSize:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) * 1024
limit = resource.getrlimit(resource.RLIMIT_AS)
less_than_a_stack = 1 << 19
resource.setrlimit(resource.RLIMIT_AS, (in_use + less_than_a_stack, limit[1]))
with numloss.threads(8):
    assert numloss.mse(x, 0.5) == expected
    assert_helpers(0)
    resource.setrlimit(resource.RLIMIT_AS, limit)
    assert numloss.mse(x, 0.5) == expected
assert len(tasks()) > 0
"""
    run(code)


@pytest.mark.slow
def test_many_forks_in_the_middle_of_calls_from_many_threads():
    code = """
values = [numloss.mse(large[:n], 0.5) for n in (100, 900_000, 2_000_000)]
stop = threading.Event()

def call():
    while not stop.is_set():
        assert [numloss.mse(large[:n], 0.5) for n in (100, 900_000, 2_000_000)] == values

def child():
    call_once = [numloss.mse(large[:n], 0.5) for n in (100, 900_000, 2_000_000)]
    assert call_once == values

threads = [threading.Thread(target=call) for _ in range(6)]
for thread in threads:
    thread.start()
try:
    for _ in range(300):
        in_child(child)
finally:
    stop.set()
    for thread in threads:
        thread.join()
"""
    run(USED + code, timeout=240)
