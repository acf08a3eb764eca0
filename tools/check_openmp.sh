#!/usr/bin/env bash
# Builds with the option NUMLOSS_OPENMP, and runs the tests of bits and threads with OpenMP's team in
# place of the library's own threads.
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH="$PWD/.venv/bin:$PATH"
build=build/openmp
version=$(sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)
cmake -S . -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DNUMLOSS_OPENMP=ON -DNUMLOSS_WERROR=ON \
  -DNUMLOSS_ISAS="baseline;v3" -DSKBUILD_PROJECT_VERSION="$version" \
  -Dpybind11_DIR="$(python -m pybind11 --cmakedir)" -DPython_EXECUTABLE="$(command -v python)" \
  > /dev/null
cmake --build "$build"
rm -rf "$build/site"
mkdir "$build/site"
cp -r python/numloss "$build/site/"
rm -f "$build"/site/numloss/*.so
cmake --install "$build" --prefix "$build/site" > /dev/null

export PYTHONPATH="$PWD/$build/site" NUMLOSS_THREADING=openmp
python - << 'CHECK'
import os, numloss
assert numloss.__file__.startswith(os.environ["PYTHONPATH"]), numloss.__file__
assert numloss.show_config(mode="dict")["threading"] == "openmp"
CHECK
python -m pytest -q -p no:cacheprovider tests/test_golden.py tests/test_threads.py \
  tests/test_openmp.py tests/test_fork.py tests/test_variables.py tests/test_build.py
python -m pytest -q -p no:cacheprovider tests/test_invariance.py -k test_threads
python -m pytest -q -p no:cacheprovider tests/test_environment.py -k threads
