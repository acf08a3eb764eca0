"""Instructions that a call of each loss takes, held against a stored baseline.

Times on a shared machine say nothing of a few per cent; Valgrind's count of instructions is the
same in every run. Counted are the runtime and the kernels of instruction set v3 (Valgrind knows no
AVX-512), on one thread, without Python: tests/native/replay.cpp repeats calls recorded here.

The counts hold for one compiler, which the baseline names. With another one they are printed only.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numloss
from bench.cells import make_data, problem
from bench.report import Table, print_tables

if TYPE_CHECKING:
    from collections.abc import Iterator

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
        for dtype in ("float32", "float64"):
            for shape in SHAPES[loss.rowwise]:
                data = make_data(problem(name).target, shape, dtype)
                size = "x".join(map(str, shape))
                for mode, method in (("value", loss), ("value+grad", loss.value_and_grad)):
                    yield f"{name} {mode} {size} {dtype}"
                    method(data.prediction, data.target, reduction="sum")


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


def count(program: Path, recorded: Path) -> list[int]:
    """Return the instructions of each call, in the order in which they were recorded."""
    out = recorded.with_name("counts")
    valgrind = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}"]
    only = [f"--toggle-collect={ENTRY}", f"--dump-after={ENTRY}"]
    command = [*valgrind, *only, str(program), str(recorded), "v3", "1", "contiguous"]
    subprocess.run(command, check=True, capture_output=True)
    dumps = sorted(out.parent.glob("counts.*"), key=lambda path: int(path.suffix[1:]))
    return [int(re.findall(r"^totals: (\d+)", path.read_text(), re.M)[0]) for path in dumps]


def measure() -> dict[str, Any]:
    """Count the instructions of every call."""
    program, compiler = build()
    with tempfile.TemporaryDirectory() as folder:
        recorded = Path(folder, "calls")
        names = record(recorded)
        counts = count(program, recorded)
    return {"compiler": compiler, "instructions": dict(zip(names, counts, strict=True))}


def comparison(old: dict[str, int], new: dict[str, int]) -> Table:
    """Tabulate the calls whose count differs by more than the tolerance, or that only one has."""
    rows = []
    for name in sorted(old.keys() | new.keys()):
        was, now = old.get(name), new.get(name)
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
    table = comparison(baseline["instructions"], measured["instructions"])
    print_tables([table])
    if baseline["compiler"] != measured["compiler"]:
        print(f"not judged: the baseline is of {baseline['compiler']}", file=sys.stderr)
        return 0
    return int(bool(table.rows))
