#!/usr/bin/env bash
# Builds with every warning an error: with GCC as the project is built, and with Clang, where a
# `#pragma omp simd` loop that cannot be vectorised is one too. Then checks the objects of both.
# tools/check_bits.sh goes on from here.
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH="$PWD/.venv/bin:$PATH"
build() {
  cmake -S . -B "build/strict-$1" -G Ninja -DCMAKE_BUILD_TYPE=Release -DNUMLOSS_WERROR=ON \
    -DNUMLOSS_REPLAY=ON -DSKBUILD_PROJECT_VERSION=0 -DCMAKE_CXX_COMPILER="$1" \
    -Dpybind11_DIR="$(python -m pybind11 --cmakedir)" \
    -DPython_EXECUTABLE="$(command -v python)" "${@:2}" > /dev/null
  cmake --build "build/strict-$1"
  python tools/check_objects.py "build/strict-$1"
}
build g++
build clang++-19
