#!/usr/bin/env bash
# The C library as its users have it: `cmake --install` without Python, moved elsewhere, and the copy
# in the package. The examples in C, C++, Rust and Go are built against both, and print the numbers
# of Python to the last bit. What left the library in the last release leaves it still.
#
#   tools/check_c_library.sh            builds, runs, compares
#   tools/check_c_library.sh --write    takes this build's ABI for the released one
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH="$PWD/.venv/bin:$PATH"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
released=csrc/capi/libnumloss.abi

cmake -S . -B build/c -G Ninja -DCMAKE_BUILD_TYPE=Release -DNUMLOSS_PYTHON=OFF -DNUMLOSS_WERROR=ON \
  -DNUMLOSS_ISAS=baseline > /dev/null
cmake --build build/c
cmake --install build/c --prefix "$work/made" > /dev/null
mv "$work/made" "$work/moved"

# The header is the ABI: its functions, with empty bodies, make a library that has no other types.
# tests/test_capi.py sees to it that those functions and no others leave the real one.
python - > "$work/stubs.c" << 'PYTHON'
import re
from pathlib import Path

header = re.sub("//.*", "", Path("csrc/include/numloss.h").read_text())
functions = re.findall(r"^[\w* ]+\bnumloss_\w+\([^;{}]*\)(?=;)", header, re.MULTILINE)
print("#include <numloss.h>", *(f"{function} {{ return 0; }}" for function in functions), sep="\n")
PYTHON
cc -g -shared -fPIC -Icsrc/include "$work/stubs.c" -Wl,-soname,libnumloss.so.1 -o "$work/stubs.so"
abidw --no-corpus-path --no-comp-dir-path --no-show-locs "$work/stubs.so" |
  sed "s/ path='[^']*'//" > "$work/abi"
if [[ ${1:-} == --write ]]; then
  cp "$work/abi" "$released"
fi
# New functions are welcome. Members behind the last of a struct are, too, once somebody has looked:
# --write then takes them.
abidiff --no-added-syms "$released" "$work/abi"

expected=$(
  cd "$work"
  python - << 'PYTHON'
import numpy as np
import numloss

logits = np.float32([[2, 0.5, -1], [0, 1, 3]])
value, gradient = numloss.cross_entropy.value_and_grad(logits, [0, 1])
print(f"{value:.17g}", *(f"{x:.9g}" for x in gradient.ravel()))
try:
    numloss.cross_entropy(logits, [0, 3])
except numloss.Error as error:
    print("refused:", str(error).split(":")[0])
PYTHON
)

# Compares what a program prints with what Python says: number by number, and the error's beginning.
agree() {
  python - "$1" "$expected" "$("${@:2}")" << 'PYTHON'
import sys

import numpy as np

name, expected, found = sys.argv[1:]
(numbers, refusal), (some, said) = expected.splitlines(), found.splitlines()
value, *gradient = some.split()
assert float(value) == float(numbers.split()[0]), (name, some, numbers)
assert (np.float32(gradient) == np.float32(numbers.split()[1:])).all(), (name, some, numbers)
assert said.startswith(refusal), (name, said, refusal)
print(f"{name}: the numbers and the refusal of Python")
PYTHON
}

examples() {
  local cmake_package=$1 pkg_config=$2 where=$3
  export PKG_CONFIG_PATH=$pkg_config
  local out=$work/$where
  mkdir -p "$out"
  # shellcheck disable=SC2046
  cc -std=c99 -Wall -Wextra -Werror -pedantic examples/c/score.c \
    $(pkg-config --cflags --libs numloss) -o "$out/c"
  agree "C, $where" "$out/c"
  cmake -S examples/cpp -B "$out/cpp" -Dnumloss_ROOT="$cmake_package" \
    -DCMAKE_CXX_FLAGS="-Wall -Wextra -Werror" > /dev/null
  cmake --build "$out/cpp" > /dev/null
  agree "C++, $where" "$out/cpp/score"
  CARGO_TARGET_DIR=$out/rust cargo build --quiet --offline --manifest-path examples/rust/Cargo.toml
  agree "Rust, $where" "$out/rust/debug/score"
  (cd examples/go && GOFLAGS=-buildvcs=false GOCACHE=$work/go go build -o "$out/go" .)
  agree "Go, $where" "$out/go"
}
system=$(dirname "$work"/moved/lib*/libnumloss.so.1)
examples "$system/cmake/numloss" "$system/pkgconfig" "cmake --install"
package=$(python -c 'import numloss; print(numloss.get_cmake_dir())')
examples "$package" "$package/../../pkgconfig" "the package"
# The static library, which is C++ inside.
cc -std=c99 -c examples/c/score.c -I "$work/moved/include" -o "$work/score.o"
c++ "$work/score.o" "$system/libnumloss.a" -pthread -ldl -o "$work/static"
agree "C, static" "$work/static"
