#!/usr/bin/env bash
# Repeats the calls behind the golden hashes without Python, in all layouts, and compares every bit:
# built by GCC and by Clang, on each instruction set that this CPU has; for aarch64, emulated, in two
# layouts; one of those under Valgrind, which also sees reads and writes out of bounds and memory that
# is never given back. With a share K/N the emulated ones take the K-th of every N losses.
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH="$PWD/.venv/bin:$PATH"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

tools/build_strict.sh
python tests/golden.py record "$work/calls"
python tests/golden.py record "$work/share" "${1:-0/1}"
for compiler in g++ clang++-19; do
  for isa in $(python -c 'from numloss import _core; print(*_core.config()["isas"])'); do
    echo -n "$compiler, "
    "build/strict-$compiler/replay" "$work/calls" "$isa"
  done
done

cmake -S . -B build/aarch64 -G Ninja -DCMAKE_BUILD_TYPE=Release -DNUMLOSS_WERROR=ON \
  -DNUMLOSS_PYTHON=OFF -DNUMLOSS_REPLAY=ON -DCMAKE_CXX_COMPILER=aarch64-linux-gnu-g++ \
  -DCMAKE_SYSTEM_NAME=Linux -DCMAKE_SYSTEM_PROCESSOR=aarch64 > /dev/null
cmake --build build/aarch64
echo -n "aarch64, "
qemu-aarch64 -L /usr/aarch64-linux-gnu build/aarch64/replay "$work/share" baseline 2 \
  contiguous by_columns

# Valgrind knows no AVX-512.
echo -n "Valgrind, "
valgrind --quiet --error-exitcode=9 --leak-check=full --errors-for-leak-kinds=definite \
  build/strict-g++/replay "$work/share" v3 1 by_columns
