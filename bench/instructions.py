"""Instructions that a call of each loss takes, held against a stored baseline.

Times on a shared machine say nothing of a few per cent; Valgrind's count of instructions is the
same in every run. Counted are the runtime and the kernels of instruction set v3 (Valgrind knows no
AVX-512), on one thread, without Python: tests/native/replay.cpp repeats calls recorded here.

Beside all instructions the packed arithmetic among them is counted: what no way of issuing the
others could spare. `limit` makes times of it.

The counts hold for one compiler, which the baseline names. With another one they are printed only.
"""

from __future__ import annotations

import json
import math
import re
import subprocess
import sys
import tempfile
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numloss
from bench.cells import DTYPES, make_data, problem
from bench.table import Table, print_tables

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.cells import Cell, Shape

ROOT = Path(__file__).resolve().parents[1]
BASELINE = Path(__file__).with_name("instructions.json")
#: By how much a count may differ from the baseline's.
TOLERANCE = 0.03
#: Whole tiles and a tail; rows side by side, and folded.
SHAPES = {False: ((20_001,),), True: ((650, 10), (70, 130), (9, 2001))}
ENTRY = "numloss::run(numloss::Call&)"


def calls() -> Iterator[str]:
    """Make every call, after yielding its name."""
    for name, loss in numloss.LOSSES.items():
        for dtype, shape in product(DTYPES, SHAPES[loss.rowwise]):
            data = make_data(problem(name).target, shape, dtype)
            for mode, method in (("value", loss), ("value+grad", loss.value_and_grad)):
                yield call_name(name, mode, shape, dtype)
                method(data.prediction, data.target, reduction="sum")


def call_name(loss: str, mode: str, shape: Shape, dtype: str) -> str:
    """Name of a call in the baseline."""
    return f"{loss} {mode} {'x'.join(map(str, shape))} {dtype}"


def operations(cell: Cell) -> float | None:
    """Return the packed operations for each element of a cell, as counted on the shape nearest it.

    An instruction on a register of n numbers makes n operations. None where none were counted.
    """
    classes = cell.shape[-1]
    shape = min(SHAPES[len(cell.shape) == 2], key=lambda shape: abs(math.log(shape[-1] / classes)))
    name = call_name(cell.loss, cell.mode, shape, cell.dtype)
    counted = json.loads(BASELINE.read_text())["calls"].get(name)
    numbers = 4 if cell.dtype == "float64" else 8
    return counted["packed"] * numbers / math.prod(shape) if counted else None


def record(path: Path) -> list[str]:
    """Write the calls down and return their names."""
    sys.path.insert(0, str(ROOT / "tests"))
    from recording import recording

    for name in numloss.LOSSES:
        problem(name)  # asks by calling, which is not to be recorded
    with recording(path):
        return list(calls())


def build() -> tuple[Path, str]:
    """Build the program that repeats calls; return it and its compiler."""
    folder = ROOT / "build" / "instructions"
    options = ["-DCMAKE_BUILD_TYPE=Release", "-DNUMLOSS_PYTHON=OFF", "-DNUMLOSS_REPLAY=ON"]
    options.append("-DNUMLOSS_ISAS=baseline;v3")
    command = ["cmake", "-S", str(ROOT), "-B", str(folder), "-DCMAKE_CXX_COMPILER=g++", *options]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["cmake", "--build", str(folder)], check=True, stdout=subprocess.DEVNULL)
    version = subprocess.run(["g++", "--version"], check=True, capture_output=True, text=True)
    return folder / "replay", version.stdout.splitlines()[0]


def count(program: Path, recorded: Path) -> list[dict[str, int]]:
    """Return the instructions of each call, in the order in which they were recorded."""
    out = recorded.with_name("counts")
    valgrind = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}"]
    only = [f"--toggle-collect={ENTRY}", f"--dump-after={ENTRY}"]
    each = ["--dump-instr=yes", "--compress-pos=no"]
    command = [*valgrind, *only, *each, str(program), str(recorded), "v3", "1", "contiguous"]
    subprocess.run(command, check=True, capture_output=True)
    dumps = sorted(out.parent.glob("counts.*"), key=lambda path: int(path.suffix[1:]))
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
    listing = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    lines = re.findall(r"^ *([0-9a-f]+):\s+(.*)$", listing, re.M)
    return {int(address, 16) for address, text in lines if PACKED.match(text)}


def counts(dump: str, program: Path, packed: set[int]) -> dict[str, int]:
    """Read a dump of callgrind: all instructions, and the packed arithmetic of the program."""
    found = re.search(r"^totals: (\d+)", dump, re.M)
    arithmetic, ours, called = 0, False, False
    for line in dump.splitlines():
        if line.startswith("ob="):
            ours = named(line, dump) == str(program)
        elif line.startswith("calls="):
            called = True  # the next line has the cost of what was called
        elif line.startswith("0x"):
            address, _, times = line.split()
            if ours and not called and int(address, 16) in packed:
                arithmetic += int(times)
            called = False
    return {"instructions": int(found[1]) if found else 0, "packed": arithmetic}


def named(line: str, dump: str) -> str:
    """Return the name that a line of callgrind gives, written in full only where it comes first."""
    number, _, name = line.partition("=")[2].partition(" ")
    if name:
        return name
    found = re.search(rf"^c?ob={re.escape(number)} (.*)$", dump, re.M)
    return found[1] if found else ""


def measure() -> dict[str, Any]:
    """Count the instructions of every call."""
    program, compiler = build()
    with tempfile.TemporaryDirectory() as folder:
        recorded = Path(folder, "calls")
        names = record(recorded)
        found = count(program, recorded)
    return {"compiler": compiler, "calls": dict(zip(names, found, strict=True))}


def comparison(old: dict[str, Any], new: dict[str, Any]) -> Table:
    """Tabulate the calls whose count differs by more than the tolerance, or that only one has."""
    rows = []
    for name in sorted(old.keys() | new.keys()):
        was, now = (calls.get(name, {}).get("instructions") for calls in (old, new))
        if was is None or now is None or abs(now / was - 1) > TOLERANCE:
            ratio = f"{now / was:.3f}" if was and now else ""
            rows.append([name, str(was or ""), str(now or ""), ratio])
    title = f"{len(rows)} of {len(new)} calls beyond {TOLERANCE:.0%} of the baseline"
    return Table(title, ["call", "baseline", "now", "ratio"], rows)


def main(*, write: bool) -> int:
    """Measure, and write the baseline or compare with it; 1 where a count has changed."""
    measured = measure()
    if write:
        BASELINE.write_text(json.dumps(measured, indent=1) + "\n")
        return 0
    baseline = json.loads(BASELINE.read_text())
    table = comparison(baseline["calls"], measured["calls"])
    print_tables([table])
    if baseline["compiler"] != measured["compiler"]:
        print(f"not judged: the baseline is of {baseline['compiler']}", file=sys.stderr)
        return 0
    return int(bool(table.rows))
