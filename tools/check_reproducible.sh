#!/usr/bin/env bash
# Builds the wheel twice, as `pip wheel .` does it for anyone, from copies of the tracked tree that
# differ in all that may differ: place, times and permissions of files, umask, locale, time zone,
# number of jobs. Both must have the same bytes.
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python=$PWD/.venv/bin/python

# wheel DIRECTORY UMASK [VARIABLE=VALUE ...]
wheel() {
  local tree=$work/$1/tree
  umask "$2"
  mkdir -p "$tree"
  git ls-files -z | xargs -0 cp --parents -t "$tree"
  find "$tree" -exec touch -d "@$((1000000000 + 2 * $2))" {} +
  (cd "$tree" && env "${@:3}" "$python" -m pip wheel --quiet --no-deps --wheel-dir "$work/$1" .)
}
wheel first 022 LC_ALL=C TZ=UTC CMAKE_BUILD_PARALLEL_LEVEL=1
wheel another/place/with/a/longer/name 077 LC_ALL=C.UTF-8 TZ=Asia/Tokyo CMAKE_BUILD_PARALLEL_LEVEL=4
first=("$work"/first/*.whl)
second=("$work"/another/place/with/a/longer/name/*.whl)
if ! cmp "${first[0]}" "${second[0]}"; then
  for wheel in "${first[0]}" "${second[0]}"; do
    python3 -m zipfile -e "$wheel" "${wheel%/*}/unpacked"
  done
  diff -r "${first[0]%/*}/unpacked" "${second[0]%/*}/unpacked"
  exit 1
fi
sha256sum "${first[0]}"
