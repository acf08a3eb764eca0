#!/usr/bin/env bash
# Makes the sdist, a wheel from the unpacked tree and one from the sdist; installs the latter into a
# fresh environment and uses it. The wheel stays under 3 MB.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
.venv/bin/python -m build --sdist --outdir "$work/sdist" . > /dev/null
.venv/bin/python -m pip wheel --quiet --no-deps --wheel-dir "$work/tree" .
.venv/bin/python -m pip wheel --quiet --no-deps --wheel-dir "$work/wheel" "$work"/sdist/*.tar.gz
size=$(stat -c %s "$work"/wheel/*.whl)
echo "wheel: $size bytes"
((size < 3000000))
python3 -m venv "$work/venv"
"$work/venv/bin/python" -m pip install --quiet "$work"/wheel/*.whl
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
cd "$root"
