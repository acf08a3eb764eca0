"""The command line: ``make instructions``, ``make instructions-write``."""

from __future__ import annotations

import argparse
import json
import re
import sys
from typing import Any

from instructions.calls import BASELINE, baseline
from instructions.valgrind import measure

#: By how much a count may differ from the baseline's.
TOLERANCE = 0.03


def main(arguments: list[str]) -> int:
    """Count, and write the baseline or compare with it; returns the exit status."""
    parser = argparse.ArgumentParser("instructions", description="Count instructions of calls.")
    parser.add_argument("--write", action="store_true", help="take the counts for the baseline")
    parser.add_argument(
        "--strict", action="store_true", help="fail where the compiler is not the baseline's"
    )
    options = parser.parse_args(arguments)
    counted = measure()
    if options.write:
        BASELINE.write_text(json.dumps(counted, indent=1) + "\n")
        return 0
    changed = changes(baseline()["calls"], counted["calls"])
    print(f"{len(changed)} of {len(counted['calls'])} calls beyond {TOLERANCE:.0%} of the baseline")
    print(*changed, sep="\n", end="\n" if changed else "")
    return status(baseline(), counted, strict=options.strict)


def changes(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """Tell the calls whose count differs by more than the tolerance, or that only one side has."""
    lines = []
    for name in sorted(old.keys() | new.keys()):
        was, now = (calls.get(name, {}).get("instructions") for calls in (old, new))
        if was is None or now is None:
            lines.append(f"{name}: {was or 'not counted'} before, {now or 'not counted'} now")
        elif abs(now / was - 1) > TOLERANCE:
            lines.append(f"{name}: {was} before, {now} now, {now / was:.3f} of it")
    return lines


def status(old: dict[str, Any], new: dict[str, Any], *, strict: bool) -> int:
    """Return the exit status of a comparison: 1 where a count has changed.

    Counts of two compilers are not judged, which is an error only where it is ``strict``.
    """
    if release(old["compiler"]) == release(new["compiler"]):
        return int(bool(changes(old["calls"], new["calls"])))
    message = f"not judged: the baseline is of {old['compiler']}, this is {new['compiler']}"
    print(message, file=sys.stderr)
    return int(strict)


def release(compiler: str) -> str:
    """Return major and minor version of a compiler, as counts depend on them."""
    found = re.search(r"\d+\.\d+", re.sub(r"\(.*?\)", "", compiler))
    return found[0] if found else compiler


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
