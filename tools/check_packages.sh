#!/usr/bin/env bash
# Makes the sdist, a wheel from a copy of the tracked tree and one from the sdist, as `pip wheel` does
# for anyone, in surroundings that differ in all that may differ: place, times and permissions of
# files, umask, locale, time zone, number of jobs. Both wheels have the same bytes, under 3 MB.
# Installs one into a fresh environment and uses it.
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python=$PWD/.venv/bin/python
"$python" -m build --sdist --outdir "$work/sdist" . > /dev/null
mkdir "$work/copy"
git ls-files -z | xargs -0 cp --parents -t "$work/copy"
find "$work/copy" -exec touch -d @1000000000 {} +

# wheel UMASK DIRECTORY SOURCE [VARIABLE=VALUE ...]
wheel() (
  umask "$1"
  cd "$work"
  env "${@:4}" "$python" -m pip wheel --quiet --no-deps --wheel-dir "$work/$2" "$3"
)
wheel 022 first ./copy LC_ALL=C TZ=UTC CMAKE_BUILD_PARALLEL_LEVEL=1 &
first=$!
wheel 077 second "$work"/sdist/*.tar.gz LC_ALL=C.UTF-8 TZ=Asia/Tokyo CMAKE_BUILD_PARALLEL_LEVEL=4
wait "$first"
first=("$work"/first/*.whl)
second=("$work"/second/*.whl)
if ! cmp "${first[0]}" "${second[0]}"; then
  for wheel in "${first[0]}" "${second[0]}"; do
    python3 -m zipfile -e "$wheel" "${wheel%/*}/unpacked"
  done
  diff -r "${first[0]%/*}/unpacked" "${second[0]%/*}/unpacked"
  exit 1
fi
size=$(stat -c %s "${first[0]}")
echo "wheel: $size bytes, the same twice"
((size < 3000000))

python3 -m venv "$work/venv"
"$work/venv/bin/python" -m pip install --quiet "${first[0]}"
cd "$work"
"$work/venv/bin/python" - << 'PYTHON'
import numpy as np
import numloss

numloss.show_config()
logits = np.zeros((4, 3), np.float32)
value, gradient = numloss.cross_entropy.value_and_grad(logits, [0, 1, 2, 0])
assert abs(value - np.log(3)) < 1e-6 and gradient.shape == logits.shape
PYTHON
# Without the extra, the command says what it needs.
set +e
message=$("$work/venv/bin/numloss" evaluate nothing.csv 2>&1)
code=$?
set -e
[[ $code == 2 && $message == *"numloss[cli]"* ]]
