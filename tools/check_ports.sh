#!/usr/bin/env bash
# Compiles the C library and the state of evaluations for systems that nobody has here: Windows by Clang
# with MinGW's headers, every instruction set; macOS and Linux with musl, on aarch64, by Zig's Clang,
# which brings their headers. Warnings are errors. Python's module is not part of it, as it needs the
# Python of those systems; nor is what their linkers do.
#
#   tools/check_ports.sh [windows] [macos] [musl]      all, if none is named
#
# Needs clang-19 and, of Debian, g++-mingw-w64-x86-64-posix.
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH="$PWD/.venv/bin:$PATH"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

port() {
  local name=$1 system=$2 processor=$3
  cmake -S . -B "build/port-$name" -G Ninja -DCMAKE_BUILD_TYPE=Release -DNUMLOSS_PYTHON=OFF \
    -DNUMLOSS_WERROR=ON -DCMAKE_SYSTEM_NAME="$system" -DCMAKE_SYSTEM_PROCESSOR="$processor" \
    -DCMAKE_TRY_COMPILE_TARGET_TYPE=STATIC_LIBRARY "${@:4}" > /dev/null
  # shellcheck disable=SC2046
  cmake --build "build/port-$name" --target runtime checks capi evaluation \
    $(ninja -C "build/port-$name" -t targets all | grep -o '^kernels_[a-z0-9]*' | sort -u)
  echo "$name: compiled without a warning"
}

zig() {
  [[ -e $work/zig ]] || {
    python3 -m venv "$work/zig"
    "$work/zig/bin/pip" install --quiet ziglang==0.17.1
  }
  # shellcheck disable=SC2016
  printf '#!/bin/sh\nexec "%s" -m ziglang c++ -target %s "$@"\n' "$work/zig/bin/python" "$2" > "$work/c++-$1"
  chmod +x "$work/c++-$1"
  rm -rf "build/port-$1"  # it knows a compiler that is gone
  port "$1" "$3" aarch64 -DCMAKE_CXX_COMPILER="$work/c++-$1"
}

ports=("$@")
((${#ports[@]})) || ports=(windows macos musl)
for name in "${ports[@]}"; do
  case $name in
    windows)
      port windows Windows x86_64 -DCMAKE_CXX_COMPILER=clang++-19 \
        -DCMAKE_CXX_COMPILER_TARGET=x86_64-w64-mingw32
      ;;
    macos) zig macos aarch64-macos Darwin ;;
    musl) zig musl aarch64-linux-musl Linux ;;
    *) echo "there is no port $name" >&2; exit 2 ;;
  esac
done
