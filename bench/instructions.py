"""Instructions that a call of each kernel takes, held against a stored baseline.

Times on a shared machine say nothing of a few per cent; Valgrind's count of instructions is the
same in every run. Counted are the runtime and the kernels of instruction set v3 (Valgrind knows no
AVX-512), on one thread, without Python: tests/native/replay.cpp repeats calls recorded here.
Every loss and dtype is among them, and beside the plain calls the modes, options, kinds of target
and ways of reading memory that have code of their own.

Beside all instructions the packed arithmetic among them is counted: what no way of issuing the
others could spare. `limit` makes times of it.

The counts hold for one release of a compiler, which the baseline names. Those of another one are
printed, but cannot be judged.
"""

from __future__ import annotations

import json
import math
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from functools import cache
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import numloss
from bench.cells import DTYPES, make_data, method, problem
from bench.outcome import MISSED
from bench.table import Table, print_tables

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from bench.cells import Cell, Shape

ROOT = Path(__file__).resolve().parents[1]
BASELINE = Path(__file__).with_name("instructions.json")
#: By how much a count may differ from the baseline's.
TOLERANCE = 0.03
#: Whole tiles and a tail; rows side by side, and folded.
SHAPES = {False: ((20_001,),), True: ((650, 10), (70, 130), (9, 2001))}
ENTRY = "numloss::run(numloss::Call&)"
CONTIGUOUS = "contiguous"
#: Layouts of tests/native/replay.cpp: gaps after every number, and axes in the reverse order, which
#: kernels read through copies of a few rows.
LAYOUTS = ("spread", "by_columns")
#: The replay makes a plane of the elements: 127 columns, which are the least that divide them.
PLANE = (157 * 127,)
MODES = ("value", "value+grad")
MORE_MODES = ("grad", "grad+hess")


@dataclass(frozen=True)
class Counted:
    """A call to count: what `bench.cells.Cell` has, the options, and the kind of target."""

    loss: str
    mode: str
    shape: Shape
    dtype: str = "float32"
    name: str = ""
    options: Callable[[Shape], dict[str, Any]] = field(default=lambda shape: {})
    target: str = ""

    def __str__(self) -> str:
        """Name of the call in the baseline."""
        words = (self.loss, self.mode, "x".join(map(str, self.shape)), self.dtype, self.name)
        return " ".join(filter(None, words))

    def make(self) -> None:
        """Make the call."""
        data = make_data(self.target or problem(self.loss).target, self.shape, self.dtype)
        options = {"reduction": "sum"} | self.options(self.shape)
        prediction = data.prediction
        if options.get("from_logits") is False:
            prediction = (1 / (1 + np.exp(-prediction))).astype(prediction.dtype)
        method(self.loss, self.mode)(prediction, data.target, **options)


def calls() -> Iterator[Counted]:
    """Yield every call on contiguous arrays."""
    for name, loss in numloss.LOSSES.items():
        for dtype, shape, mode in product(DTYPES, SHAPES[loss.rowwise], MODES):
            yield Counted(name, mode, shape, dtype)
        for shape, mode in product(SHAPES[loss.rowwise], MORE_MODES):
            yield Counted(name, mode, shape)
    yield from special()


def special() -> Iterator[Counted]:
    """Yield the options, targets and reductions that have code of their own."""
    for (loss, name, options, target), mode in product(OPTIONS, MODES):
        shapes = SHAPES[numloss.LOSSES[loss].rowwise]
        for shape in shapes:
            yield Counted(loss, mode, shape, "float32", name, options, target)
    for dtype in ("float64", "bfloat16"):
        yield Counted("mse", "value+grad", SHAPES[False][0], dtype, "weight", weighted)


def fixed(**options: Any) -> Callable[[Shape], dict[str, Any]]:
    """Return options that do not depend on the shape."""
    return lambda shape: options


def weighted(shape: Shape) -> dict[str, Any]:
    """Weights of the examples."""
    examples = shape if len(shape) == 1 else shape[:-1]
    return {"weight": np.linspace(0.5, 1.5, math.prod(examples), dtype=np.float32)}


def class_weighted(shape: Shape) -> dict[str, Any]:
    """Weights of the classes."""
    return {"class_weight": np.linspace(0.5, 1.5, shape[-1])}


SOFT = "distribution"
#: Loss, name, options and kind of target, where it is not the loss's own.
OPTIONS: tuple[tuple[str, str, Callable[[Shape], dict[str, Any]], str], ...] = (
    *((loss, "weight", weighted, "") for loss in ("mse", "huber", "focal", "cross_entropy")),
    *((loss, "none", fixed(reduction="none"), "") for loss in ("mse", "focal", "cross_entropy")),
    ("binary_cross_entropy", "probabilities", fixed(from_logits=False), ""),
    ("focal", "probabilities", fixed(from_logits=False), ""),
    ("focal", "gamma 1.5", fixed(gamma=1.5), ""),
    ("binary_cross_entropy", "pos_weight", fixed(pos_weight=3.0), ""),
    ("cross_entropy", "soft", fixed(), SOFT),
    ("cross_entropy", "soft class_weight", class_weighted, SOFT),
    ("cross_entropy", "label_smoothing", fixed(label_smoothing=0.1), ""),
    ("cross_entropy", "class_weight", class_weighted, ""),
    ("multiclass_hinge", "crammer_singer", fixed(variant="crammer_singer"), ""),
)


def laid_out() -> Iterator[Counted]:
    """Yield the calls that are counted on other layouts as well."""
    for loss in ("mse", "binary_cross_entropy", "cross_entropy"):
        shapes = SHAPES[True] if numloss.LOSSES[loss].rowwise else (PLANE,)
        for shape, mode in product(shapes, MODES):
            yield Counted(loss, mode, shape)


def operations(cell: Cell) -> float | None:
    """Return the packed operations for each element of a cell, as counted on the shape nearest it.

    An instruction on a register of n numbers makes n operations. None where none were counted.
    """
    classes = cell.shape[-1]
    shape = min(SHAPES[len(cell.shape) == 2], key=lambda shape: abs(math.log(shape[-1] / classes)))
    counted = baseline()["calls"].get(str(Counted(cell.loss, cell.mode, shape, cell.dtype)))
    numbers = 4 if cell.dtype == "float64" else 8
    return counted["packed"] * numbers / math.prod(shape) if counted else None


@cache
def baseline() -> dict[str, Any]:
    """Return the stored counts."""
    found: dict[str, Any] = json.loads(BASELINE.read_text())
    return found


def record(path: Path, counted: Iterable[Counted]) -> None:
    """Write calls down."""
    sys.path.insert(0, str(ROOT / "tests"))
    from recording import recording

    for name in numloss.LOSSES:
        problem(name)  # asks by calling, which is not to be recorded
    with recording(path):
        for call in counted:
            call.make()


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
    found: dict[str, dict[str, int]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for layout in (CONTIGUOUS, *LAYOUTS):
            counted = list(calls() if layout == CONTIGUOUS else laid_out())
            recorded = Path(folder, layout)
            record(recorded, counted)
            names = (f"{call} {layout}".removesuffix(f" {CONTIGUOUS}") for call in counted)
            found |= dict(zip(names, count(program, recorded, layout), strict=True))
    return {"compiler": compiler, "calls": found}


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


def release(compiler: str) -> str:
    """Return major and minor version of a compiler, as counts depend on them."""
    found = re.search(r"\d+\.\d+", re.sub(r"\(.*?\)", "", compiler))
    return found[0] if found else compiler


def main(*, write: bool, strict: bool) -> int:
    """Measure, and write the baseline or compare with it; returns the exit status."""
    measured = measure()
    if write:
        BASELINE.write_text(json.dumps(measured, indent=1) + "\n")
        return 0
    print_tables([comparison(baseline()["calls"], measured["calls"])])
    return status(baseline(), measured, strict=strict)


def status(old: dict[str, Any], new: dict[str, Any], *, strict: bool) -> int:
    """Return the exit status of a comparison: not 0 where a count has changed.

    Counts of two compilers are not judged, which is an error only where it is ``strict``.
    """
    if release(old["compiler"]) == release(new["compiler"]):
        return MISSED if comparison(old["calls"], new["calls"]).rows else 0
    message = f"not judged: the baseline is of {old['compiler']}, this is {new['compiler']}"
    print(message, file=sys.stderr)
    return int(strict)
