#!/usr/bin/env bash
# Makes the sdist, and from it a wheel, as `pip wheel` does for anyone, in surroundings that differ in
# all that may differ from those of the build in .venv: place, times and permissions of files, umask,
# locale, time zone, number of jobs, isolation. Every file has the same bytes in both, and nothing in
# the wheel tells when or by whom it was made; it is at most 6 MB. Installs it into a fresh environment
# and uses it.
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python=$PWD/.venv/bin/python
"$python" -m build --sdist --outdir "$work/sdist" . > /dev/null
mkdir "$work/tree"
tar -xf "$work"/sdist/*.tar.gz -C "$work/tree" --strip-components=1
find "$work/tree" -exec touch -d @1000000000 {} +
(
  umask 077
  cd "$work"
  # Compiled anew: from a cache it would have the bytes of the other.
  LC_ALL=C.UTF-8 TZ=Asia/Tokyo CMAKE_BUILD_PARALLEL_LEVEL=1 CCACHE_DISABLE=1 \
    "$python" -m pip wheel --quiet --no-deps --wheel-dir "$work/wheel" ./tree
)
wheel=("$work"/wheel/*.whl)
"$python" - "${wheel[0]}" << 'PYTHON'
import sys
from importlib.metadata import distribution
from zipfile import ZipFile

installed = distribution("numloss")
with ZipFile(sys.argv[1]) as wheel:
    entries = wheel.infolist()
    assert len({entry.date_time for entry in entries}) == 1, "times of files"
    assert {entry.external_attr >> 16 & 0o777 for entry in entries} <= {0o644, 0o755}, "permissions"
    names = [entry.filename for entry in entries if not entry.filename.endswith("/RECORD")]
    assert any(name.endswith(".so") for name in names)
    assert any(name.endswith("/report.html.j2") for name in names)
    for name in names:
        assert wheel.read(name) == installed.locate_file(name).read_bytes(), name
print(f"{len(names)} files, the same in two builds")
PYTHON
size=$(stat -c %s "${wheel[0]}")
echo "wheel: $size bytes"
((size <= 6000000))

python3 -m venv "$work/venv"
"$work/venv/bin/python" -m pip install --quiet "${wheel[0]}"
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
message=$("$work/venv/bin/numloss" evaluate nothing.csv -l mse 2>&1)
code=$?
set -e
[[ $code == 2 && $message == *"pip install numloss"* ]]
