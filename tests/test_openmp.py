"""OpenMP: limits that others put on it, and work that it is given in a build with the option."""

import pytest
from processes import run

import numloss

CONFIG = numloss.show_config(mode="dict")

# -------------------------------------------------------------------------- limits of other tools

#: Loads two OpenMP libraries, each for those alone who need it: the one that comes with
#: scikit-learn, and the system's.
LOAD = """
import ctypes, importlib.util
from pathlib import Path
package = Path(importlib.util.find_spec("sklearn").origin).parent
theirs = ctypes.CDLL(str(next(package.parent.glob("scikit_learn.libs/libgomp*"))))
system = ctypes.CDLL("libgomp.so.1")
"""
LIMITED = f"""
from processes import *
from threadpoolctl import threadpool_info, threadpool_limits
import numloss
numloss.set_num_threads(4)
x = np.zeros(2_000_000, np.float32)
{LOAD}
"""


@pytest.mark.skipif("openmp" in CONFIG["threadings"], reason="this build brings OpenMP along")
def test_process_without_openmp():
    code = """
import re
from processes import *
from threadpoolctl import threadpool_limits
import numloss
numloss.set_num_threads(4)
x = np.zeros(2_000_000, np.float32)
with threadpool_limits(1):  # there is nothing that it could limit
    assert numloss.num_threads() == 4
    numloss.mse(x, 1.0)
assert_helpers(3)
with numloss.threads(2):
    assert numloss.num_threads() == 2
assert not re.search("lib(gomp|omp|iomp)", Path("/proc/self/maps").read_text())
"""
    run(code)


@pytest.mark.parametrize("asked", ["", "numloss.num_threads()"], ids=["first", "again"])
@pytest.mark.parametrize("library", ["system", "theirs"])
def test_openmp_that_is_loaded_after_numloss(library, asked):
    """And limited before numloss looks for it."""
    code = f"""
from processes import *
import numloss
numloss.set_num_threads(4)
{asked}
x = np.zeros(2_000_000, np.float32)
{LOAD}
{library}.omp_set_num_threads(1)
numloss.mse(x, 1.0)
assert_helpers(0)
assert numloss.num_threads() == 1
{library}.omp_set_num_threads(3)
assert numloss.num_threads() == 3
{library}.omp_set_num_threads(8)
assert numloss.num_threads() == 4
numloss.mse(x, 1.0)
assert_helpers(3)
"""
    run(code, OMP_NUM_THREADS="8")


def test_limit_of_before_the_import():
    code = f"""
{LOAD}
theirs.omp_set_num_threads(2)
import numloss
numloss.set_num_threads(4)
assert numloss.num_threads() == 2
"""
    run(code, OMP_NUM_THREADS="8")


def test_lowest_limit_of_several_openmp_libraries():
    code = f"""{LIMITED}
theirs.omp_set_num_threads(3)
assert numloss.num_threads() == 3
system.omp_set_num_threads(2)
assert numloss.num_threads() == 2
theirs.omp_set_num_threads(1)
assert numloss.num_threads() == 1
theirs.omp_set_num_threads(8)
assert numloss.num_threads() == 2
"""
    run(code, OMP_NUM_THREADS="8")


def test_limit_of_openmp_is_one_threads():
    code = f"""{LIMITED}
from concurrent.futures import ThreadPoolExecutor
with threadpool_limits(2), ThreadPoolExecutor(1) as pool:
    assert numloss.num_threads() == 2
    assert pool.submit(numloss.num_threads).result() == 4
"""
    run(code, OMP_NUM_THREADS="8")


#: LLVM's library, where the system has it, and whether somebody has used it.
LLVM = """
import shutil
from processes import *
import ctypes
import numloss
def load(name):
    try:
        return ctypes.CDLL(name)
    except OSError:
        print("absent")
        raise SystemExit from None
def used():
    name = f"__KMP_REGISTERED_LIB_{os.getpid()}_{os.getuid()}"
    return any(Path(folder, name).exists() for folder in ("/dev/shm", "/tmp"))
numloss.set_num_threads(4)
x = np.zeros(2_000_000, np.float32)
llvm = load("libomp.so.5")
"""


def run_with_llvm(code, **environment):
    if run(LLVM + code, OMP_NUM_THREADS="8", **environment) == "absent\n":
        pytest.skip("needs libomp.so.5")


def test_openmp_of_llvm_is_left_alone_until_it_is_used():
    code = """
assert numloss.num_threads() == 4
numloss.mse(x, 1.0)
assert not used()
llvm.omp_set_num_threads(2)
assert used()
assert numloss.num_threads() == 2
llvm.omp_set_num_threads(1)
child = os.fork()
if child == 0:
    signal.alarm(20)
    with numloss.threads(3):
        assert numloss.mse(x, 1.0) == 1
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
"""
    run_with_llvm(code)


def test_second_openmp_of_llvm_is_left_alone(tmp_path):
    """To use both would end the process."""
    code = f"""
lines = [line.split() for line in Path("/proc/self/maps").read_text().splitlines()]
path = next(line[-1] for line in lines if "libomp" in line[-1])
shutil.copy(path, {str(tmp_path / "libiomp5.so")!r})
other = load({str(tmp_path / "libiomp5.so")!r})
assert numloss.num_threads() == 4
assert not used()
other.omp_set_num_threads(2)
numloss.mse(x, 1.0)
assert numloss.num_threads() == 4
"""
    run_with_llvm(code)


@pytest.mark.parametrize("arguments", ["limits=1", "limits=1, user_api='openmp'"])
def test_threadpoolctl_limits_the_library(arguments):
    code = f"""{LIMITED}
import sklearn.utils._openmp_helpers
with threadpool_limits({arguments}):
    assert numloss.num_threads() == 1
    numloss.mse(x, 1.0)
    with numloss.threads(3):  # a limit from outside is not lifted from inside
        assert numloss.num_threads() == 1
        numloss.mse(x, 1.0)
    assert_helpers(0)
assert numloss.num_threads() == 4
numloss.mse(x, 1.0)
assert_helpers(3)
"""
    run(code, OMP_NUM_THREADS="8")


def test_threadpoolctl_limits_to_more_than_one():
    code = f"""{LIMITED}
with threadpool_limits(2):
    assert numloss.num_threads() == 2
    numloss.mse(x, 1.0)
    assert_helpers(1)
    with numloss.threads(1):
        assert numloss.num_threads() == 1
with threadpool_limits(16):
    assert numloss.num_threads() == 4
"""
    run(code, OMP_NUM_THREADS="8")


def test_threadpoolctl_limits_to_more_than_openmp_has():
    code = f"{LIMITED}\nwith threadpool_limits(3): assert numloss.num_threads() == 3"
    run(code, OMP_NUM_THREADS="2")


def test_default_of_openmp_is_no_limit():
    code = f"{LIMITED}\nassert numloss.num_threads() == 4"
    run(code, OMP_NUM_THREADS="1")


# ------------------------------------------------------------------------------- a team of OpenMP's

with_team = pytest.mark.skipif(
    CONFIG["threading"] == "own",
    reason="needs NUMLOSS_THREADING=openmp, in a build with NUMLOSS_OPENMP",
)
COUNTED = """
from processes import *
import numloss
def all_threads():
    return len(list(Path("/proc/self/task").iterdir()))
x = np.linspace(-3, 3, 2_000_000, dtype=np.float32)
"""


@with_team
def test_openmp_makes_the_threads():
    code = f"""{COUNTED}
before = all_threads()
with numloss.threads(3):
    numloss.mse(x[:1000], 0.5)
    assert all_threads() == before
    value = numloss.mse(x, 0.5)
    assert (all_threads(), len(tasks())) == (before + 2, 0)
with numloss.threads(1):
    assert numloss.mse(x, 0.5) == value
"""
    run(code)


@with_team
def test_child_of_fork_computes_with_threads_of_the_library():
    code = f"""{COUNTED}
numloss.set_num_threads(3)
value = numloss.mse(x, 0.5)
child = os.fork()
if child == 0:
    signal.alarm(20)
    assert numloss.show_config(mode="dict")["threading"] == "own"
    assert numloss.mse(x, 0.5) == value
    os._exit(len(tasks()))
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 2
assert numloss.show_config(mode="dict")["threading"] == "openmp"
"""
    run(code)


@with_team
def test_openmp_that_gives_fewer_threads_than_asked():
    code = f"""{COUNTED}
import ctypes
before = all_threads()
with numloss.threads(1):
    value = numloss.mse(x, 0.5)
with numloss.threads(4):
    assert numloss.mse(x, 0.5) == value
assert all_threads() == before + 1
"""
    run(code, OMP_THREAD_LIMIT="2")
