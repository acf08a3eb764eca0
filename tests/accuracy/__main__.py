"""The command line: ``make accuracy``; ``--help`` explains it."""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import multiprocessing
import platform
import re
import sys
from concurrent.futures import ProcessPoolExecutor
from datetime import date, datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

from accuracy import bounds, document
from accuracy.parts import PARTS
from accuracy.sweep import Slice
from numloss import _core

if TYPE_CHECKING:
    Results = dict[str, Any]

MEASURED = Path(__file__).with_name("measured.json")
DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "accuracy.md"


def main(arguments: list[str]) -> int:
    """Measure, and hold what was found against the bounds."""
    options = parser().parse_args(arguments)
    context = multiprocessing.get_context("spawn")
    broken: list[str] = []
    with ProcessPoolExecutor(options.processes, mp_context=context) as pool:
        for part in options.part:
            print(f"{part} ...", flush=True)
            known = found_before(part) if options.new else {}
            found = known | PARTS[part](options.slice or Slice(), pool, known)
            broken += bounds.broken({part: found})
            if options.slice is None:
                save(part, {"machine": describe(), "found": found})
    if options.slice is None:
        write_document()
    print(*broken, sep="\n", end="\n" if broken else "")
    print(f"{len(broken)} bounds are broken" if broken else "every bound holds")
    return int(bool(broken))


def describe() -> Results:
    """Return what a reader needs to know of the machine."""
    packages = ("numloss", "numpy", "scipy", "torch", "mpmath")
    versions = {name: importlib.metadata.version(name) for name in packages}
    model = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    return {
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "cpu": model[1] if model else platform.machine(),
        "isas": _core.config()["isas"],
        "versions": {"Python": platform.python_version()} | versions,
    }


def found_before(part: str) -> Results:
    """Return what was found of a part at another time."""
    before: Results = json.loads(MEASURED.read_text()).get(part, {}).get("found", {})
    return before


def save(part: str, result: Results) -> None:
    """Put a part beside the others."""
    results = json.loads(MEASURED.read_text()) if MEASURED.exists() else {}
    results[part] = result
    MEASURED.write_text(json.dumps(results, indent=1) + "\n")


def write_document() -> None:
    """Write the document when all parts are there."""
    results = json.loads(MEASURED.read_text())
    if results.keys() >= PARTS.keys():
        DOCUMENT.write_text(document.render(results))


def parse_slice(text: str) -> Slice:
    """Read ``3/8``, or ``today/8``: a slice that every day moves on by one."""
    try:
        index, of = text.split("/")
        number = date.today().toordinal() % int(of) if index == "today" else int(index)
        return Slice(number, int(of))
    except (ValueError, ZeroDivisionError) as error:
        message = f"a slice is K/N with 0 <= K < N, or today/N, got {text!r}"
        raise argparse.ArgumentTypeError(message) from error


def parser() -> argparse.ArgumentParser:
    """Return the options."""
    parser = argparse.ArgumentParser(
        "accuracy",
        description="Measure errors against exact results, hold them against the stated bounds "
        "(exit status 1 where one is broken), and write docs/accuracy.md.",
    )
    parser.add_argument(
        "--part",
        nargs="+",
        choices=PARTS,
        default=list(PARTS),
        help="measure only these; the document keeps what was measured of the others",
    )
    parser.add_argument(
        "--slice",
        type=parse_slice,
        metavar="K/N",
        help="only a share of the work, K from 0 to N - 1, or today/N: N days cover everything. "
        "Nothing is written",
    )
    parser.add_argument(
        "--new",
        action="store_true",
        help="only the functions and losses that the document has not",
    )
    parser.add_argument("--processes", type=int, default=2, help="default: 2")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
