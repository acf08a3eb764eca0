#!/usr/bin/env bash
# Compiles the C library for systems that no one has here: Linux with musl, macOS on ARM, Windows. Zig's
# Clang brings the headers of all three. Kernels of the baseline and everything beside them; where a
# linker can, the shared library too. Python's module is not part of it: it needs those systems' Python.
# The runtime of musl is also run: the golden bits, by a program without any shared library.
#
#   tools/check_ports.sh [PORT ...]      x86_64-linux-musl aarch64-macos x86_64-windows-gnu
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH="$PWD/.venv/bin:$PATH"
ports=("$@")
((${#ports[@]})) || ports=(x86_64-linux-musl aarch64-macos x86_64-windows-gnu)
python -m ziglang version > /dev/null 2>&1 || python -m pip install --quiet ziglang==0.17.1
zig=$(python -c 'import pathlib, ziglang; print(pathlib.Path(ziglang.__file__).with_name("zig"))')
for port in "${ports[@]}"; do
  build=build/ports/$port
  mkdir -p "$build"
  printf '#!/bin/sh\nexec "%s" c++ -target %s "$@"\n' "$zig" "$port" > "$build/c++"
  printf '#!/bin/sh\nexec "%s" ar "$@"\n' "$zig" > "$build/ar"
  chmod +x "$build/c++" "$build/ar"
  system=Linux
  case $port in *macos*) system=Darwin ;; *windows*) system=Windows ;; esac
  # The kernels alone know what the processor has; dispatch asks a library of Clang's that Zig lacks.
  cmake -S . -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DNUMLOSS_PYTHON=OFF -DNUMLOSS_ISAS=baseline \
    -DCMAKE_SYSTEM_NAME=$system -DCMAKE_SYSTEM_PROCESSOR="${port%%-*}" \
    -DCMAKE_CXX_COMPILER="$PWD/$build/c++" -DCMAKE_AR="$PWD/$build/ar" -DNUMLOSS_WERROR=ON > /dev/null
  cmake --build "$build" --target runtime checks capi kernels_baseline evaluation
  echo "$port: kernels, runtime, checks, C interface, evaluation"
done
