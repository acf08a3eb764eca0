#!/usr/bin/env bash
# Lets Atheris look for calls that break a promise, coverage of kernels, bindings and Python layer
# guiding it, under the address sanitizer: tools/fuzz.sh [seconds] [--keep]. It begins with what
# tests/fuzz/corpus holds; --keep replaces that by the smallest set that covers as much. A finding
# is left in .sanitize/fuzz as a file to replay: python -c "...harness.check_bytes(...)".
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH="$PWD/.venv/bin:$PATH"
seconds=${1:-60}
keep=${2:-}
build=.sanitize/fuzz
corpus=tests/fuzz/corpus
python -c 'import atheris' 2> /dev/null || python -m pip install --quiet 'atheris>=2.3'

# Scalar code of two instruction sets: what calls kernels is the same, and the tests under the address
# sanitizer look at vectors.
cmake -S . -B "$build" -G Ninja -DSKBUILD_PROJECT_VERSION=0 \
  -DCMAKE_BUILD_TYPE=Sanitize -DCMAKE_CXX_FLAGS_SANITIZE="-O1 -DNDEBUG" \
  -DCMAKE_CXX_COMPILER=clang++-19 -DNUMLOSS_SANITIZE=address,fuzzer-no-link \
  -DNUMLOSS_ISAS="baseline;v3" \
  -Dpybind11_DIR="$(python -m pybind11 --cmakedir)" -DPython_EXECUTABLE="$(command -v python)" \
  > /dev/null
cmake --build "$build"
rm -rf "$build/site"
mkdir -p "$build/site" "$build/found"
cp -r python/numloss "$build/site/"
rm -f "$build"/site/numloss/*.so
cmake --install "$build" --prefix "$build/site" > /dev/null

fuzz() {
  # Atheris brings the sanitizer's runtime with its own fuzzer in it.
  LD_PRELOAD="$(python -c 'import atheris; print(atheris.path())')/asan_with_fuzzer.so" \
    ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1 PYTHONWARNINGS=ignore \
    PYTHONPATH="$PWD/$build/site:$PWD/tests" python tests/fuzz/run_atheris.py \
    -artifact_prefix="$build/" -timeout=20 -rss_limit_mb=4096 -max_len=256 -len_control=0 "$@"
}
fuzz -max_total_time="$seconds" "$build/found" "$corpus"
if [[ $keep == --keep ]]; then
  rm -rf "$build/kept"
  mkdir "$build/kept"
  fuzz -set_cover_merge=1 -use_counters=0 "$build/kept" "$build/found" "$corpus"
  rm -rf "$corpus"
  cp -r "$build/kept" "$corpus"
fi
