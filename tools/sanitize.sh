#!/usr/bin/env bash
# Runs the tests with a sanitizer of Clang in the extension; the first finding ends the process.
#
#   tools/sanitize.sh address [arguments of pytest]
#   tools/sanitize.sh undefined [arguments of pytest]
#   tools/sanitize.sh thread [arguments of pytest; default: the tests of threads]
#
# Address and undefined are two builds: checks of every operation keep loops scalar, and it is the
# vector code, masked loads and stores included, whose addresses are to be checked.
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH="$PWD/.venv/bin:$PATH"
kind=${1:?address, undefined or thread}
shift
compiler=clang++-19
build=.sanitize/$kind
isas="baseline;v3;v4"
# What is looked for shows in scalar code too, which builds in half the time.
optimisation=-O1
library() { $compiler -print-file-name="$1"; }

case $kind in
  address)
    sanitizers=address
    optimisation=-O2
    runtime=libclang_rt.asan-x86_64.so
    # Leaks are for the tests of memory: every stack of an allocation ends in the interpreter, which
    # leaks by design, so that no suppression could tell whose it is. Too large an allocation must
    # fail as it does without the sanitizer.
    export ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1:quarantine_size_mb=64
    # Objects of Python, too, are then memory that is watched.
    export PYTHONMALLOC=malloc
    ;;
  undefined)
    sanitizers=undefined,integer,float-divide-by-zero,float-cast-overflow,nullability
    runtime=libclang_rt.ubsan_standalone-x86_64.so
    export CXXFLAGS="-fsanitize-ignorelist=$PWD/tools/sanitize/undefined.txt"
    export UBSAN_OPTIONS=print_stacktrace=1
    # What a source does that is not defined it does on every instruction set.
    isas="baseline;v3"
    ;;
  thread)
    sanitizers=thread
    runtime=libclang_rt.tsan-x86_64.so
    # Archer tells the sanitizer how threads of OpenMP wait for each other, where some other library
    # uses it. That runtime, the interpreter and other packages are not instrumented: what they touch
    # is not looked at, while their locks are.
    export OMP_TOOL_LIBRARIES="$(dirname "$(realpath "$(library libomp.so)")")/libarcher.so"
    test -e "$OMP_TOOL_LIBRARIES"
    export TSAN_OPTIONS=halt_on_error=1:ignore_noninstrumented_modules=1:allocator_may_return_null=1
    # Threads share nothing that an instruction set has of its own.
    isas="baseline;v3"
    (($#)) || set -- -k "thread or during"
    ;;
  *)
    echo "no sanitizer named $kind" >&2
    exit 2
    ;;
esac

version=$(sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)
cmake -S . -B "$build" -G Ninja -DSKBUILD_PROJECT_VERSION="$version" \
  -DCMAKE_BUILD_TYPE=Sanitize -DCMAKE_CXX_FLAGS_SANITIZE="$optimisation -DNDEBUG" \
  -DCMAKE_CXX_COMPILER="$compiler" -DNUMLOSS_SANITIZE="$sanitizers" -DNUMLOSS_HARDENING=OFF \
  -DNUMLOSS_ISAS="$isas" \
  -Dpybind11_DIR="$(python -m pybind11 --cmakedir)" -DPython_EXECUTABLE="$(command -v python)" \
  > /dev/null
cmake --build "$build" --target all numloss
rm -rf "$build/site"
mkdir "$build/site"
cp -r python/numloss "$build/site/"
rm -f "$build"/site/numloss/*.so
cmake --install "$build" --prefix "$build/site" > /dev/null

# The interpreter loads an extension that needs the runtime from the start. So does the exception
# handling that the runtime watches.
export PYTHONPATH="$PWD/$build/site"
export LD_PRELOAD="$(library "$runtime"):$(library libstdc++.so.6)"
python - << 'CHECK'
import os, numloss._core as core
assert core.__file__.startswith(os.environ["PYTHONPATH"]), core.__file__
assert core.config()["compiler"].startswith("clang"), core.config()
CHECK
# Peers bring allocators and threads of their own, which the runtimes do not survive; nothing of ours
# runs for them alone. Nor does it in tests that spend their time on references, training, tables,
# pictures and pages, on other processes, or on the same call over and over. Reports go past the
# capture to the terminal.
files=(
  peers arraylike_peers training accuracy bench figures cli evaluation fork service
  plot report browser site docs stores dask spark clusters zero_copy_peers
)
tests=(
  invariance.py::test_instruction_sets
  losses.py::test_no_digits_are_lost losses.py::test_gradient_and_hessian
  memory.py::test_calls_leave_nothing_behind
  memory.py::test_a_result_keeps_no_reference_to_an_argument
)
exec python -m pytest -p no:cacheprovider --capture=sys -m "not slow and not plain_build" \
  $(printf -- '--ignore=tests/test_%s.py ' "${files[@]}") \
  --ignore=tests/integrations --ignore=tests/scoring_service \
  $(printf -- '--deselect=tests/test_%s ' "${tests[@]}") "$@"
