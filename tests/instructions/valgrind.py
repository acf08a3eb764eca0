"""Counting: the replay of recorded calls under callgrind."""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from recording import recording

from instructions.calls import LAYOUTS, Counted, calls, laid_out

ROOT = Path(__file__).resolve().parents[2]
ENTRY = "numloss::run(numloss::Call&)"
CONTIGUOUS = "contiguous"


def measure() -> dict[str, Any]:
    """Count the instructions of every call."""
    program, compiler = build()
    found: dict[str, dict[str, int]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for layout in (CONTIGUOUS, *LAYOUTS):
            counted = list(calls() if layout == CONTIGUOUS else laid_out())
            recorded = Path(folder, layout)
            record(recorded, counted)
            names = (f"{call} {layout}".removesuffix(f" {CONTIGUOUS}") for call in counted)
            found |= dict(zip(names, count(program, recorded, layout), strict=True))
    return {"compiler": compiler, "calls": found}


def record(path: Path, counted: Iterable[Counted]) -> None:
    """Write calls down."""
    with recording(path) as call:
        for one in counted:
            one.make(call)


def build() -> tuple[Path, str]:
    """Build the program that repeats calls; return it and its compiler."""
    folder = ROOT / "build" / "instructions"
    options = ["-DCMAKE_BUILD_TYPE=Release", "-DNUMLOSS_PYTHON=OFF", "-DNUMLOSS_REPLAY=ON"]
    options.append("-DNUMLOSS_ISAS=baseline;v3")
    command = ["cmake", "-S", str(ROOT), "-B", str(folder), "-DCMAKE_CXX_COMPILER=g++", *options]
    output_of(command)
    output_of(["cmake", "--build", str(folder)])
    return folder / "replay", output_of(["g++", "--version"]).splitlines()[0]


def output_of(command: list[str]) -> str:
    """Run a program and return its output; where it fails, stop with all that it said."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        said = f"{done.stdout}{done.stderr}"
        raise SystemExit(f"{said}{' '.join(command)}: failed with status {done.returncode}")
    return done.stdout


def count(program: Path, recorded: Path, layout: str) -> list[dict[str, int]]:
    """Return the instructions of each call, in the order in which they were recorded."""
    out = recorded.with_name(f"counts-{layout}")
    valgrind = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}"]
    only = [f"--toggle-collect={ENTRY}", f"--dump-after={ENTRY}"]
    each = ["--dump-instr=yes", "--compress-pos=no"]
    command = [*valgrind, *only, *each, str(program), str(recorded), "v3", "1", layout]
    output_of(command)
    dumps = sorted(out.parent.glob(f"{out.name}.*"), key=lambda path: int(path.suffix[1:]))
    packed = packed_arithmetic(program)
    return [counts(path.read_text(), program, packed) for path in dumps]


#: Arithmetic, comparisons, blends, shifts and conversions on whole registers. Loads, stores, moves
#: between registers and shuffles are not among them.
PACKED = re.compile(
    r"v(?:p?(?:add|sub|mul|madd|min|max|abs|and|andn|or|xor|cmp|blend|sll|srl|sra)|div|sqrt|round"
    r"|f[n]?m(?:add|sub)|cvt)\w* .*%ymm"
)


def packed_arithmetic(program: Path) -> set[int]:
    """Return the addresses of the packed arithmetic of a program."""
    command = ["objdump", "--disassemble", "--no-show-raw-insn", str(program)]
    listing = output_of(command)
    lines = re.findall(r"^ *([0-9a-f]+):\s+(.*)$", listing, re.M)
    return {int(address, 16) for address, text in lines if PACKED.match(text)}


def counts(dump: str, program: Path, packed: set[int]) -> dict[str, int]:
    """Read a dump of callgrind: the instructions of the program, and its packed arithmetic.

    Those of the C library are left out: an allocation takes 200 to 1200, by what the heap holds,
    and that depends on the length of a path.
    """
    instructions, arithmetic, ours, called = 0, 0, False, False
    for line in dump.splitlines():
        if line.startswith("ob="):
            ours = named(line, dump) == str(program)
        elif line.startswith("calls="):
            called = True  # the next line has the cost of what was called
        elif line.startswith("0x"):
            address, _, times = line.split()
            if ours and not called:
                instructions += int(times)
                arithmetic += int(times) * (int(address, 16) in packed)
            called = False
    return {"instructions": instructions, "packed": arithmetic}


def named(line: str, dump: str) -> str:
    """Return the name that a line of callgrind gives, written in full only where it comes first."""
    number, _, name = line.partition("=")[2].partition(" ")
    if name:
        return name
    found = re.search(rf"^c?ob={re.escape(number)} (.*)$", dump, re.M)
    return found[1] if found else ""
