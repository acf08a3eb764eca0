"""What the library costs beside time in a call: import, wheel, build, memory of a call."""

from __future__ import annotations

import json
import re
import statistics
import subprocess
import sys
import tempfile
import time
import tracemalloc
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.cells import Cell, Data, make_data, parse_shape, problem
from bench.machine import ROOT, all_cpus

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

IMPORT = """
import time, numpy
start = time.perf_counter()
import numloss
print(time.perf_counter() - start)
"""


def import_seconds(runs: int = 9) -> float:
    """Return the median time of ``import numloss`` in fresh processes that have NumPy already."""
    return statistics.median(float(python("-c", IMPORT)) for _ in range(runs))


def python(*arguments: str) -> str:
    """Output of a fresh Python."""
    command = [sys.executable, *arguments]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, cwd=ROOT).stdout


def built_wheel() -> Path | None:
    """Return the newest wheel in dist/, if there is one."""
    wheels = sorted((ROOT / "dist").glob("numloss-*.whl"), key=lambda path: path.stat().st_mtime)
    return wheels[-1] if wheels else None


def build() -> tuple[float, int]:
    """Build a wheel from nothing, with all CPUs. Returns the seconds and the size in bytes."""
    with tempfile.TemporaryDirectory() as folder, all_cpus():
        start = time.perf_counter()
        python(
            *("-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", str(ROOT)),
            *("--wheel-dir", folder, "--config-settings", f"build-dir={folder}/build"),
        )
        seconds = time.perf_counter() - start
        return seconds, next(Path(folder).glob("*.whl")).stat().st_size


def call_memory(cell: Cell, layout: str) -> dict[str, int]:
    """Memory of one call, measured in a process of its own."""
    shape = "x".join(map(str, cell.shape))
    arguments = ("-m", "bench.footprint", cell.loss, cell.mode, shape, cell.dtype, layout)
    return json.loads(python(*arguments))


def measure_call(cell: Cell, layout: str) -> dict[str, int]:
    """Bytes that the first large call of this process takes beyond its result.

    The gradient goes to a buffer whose pages exist already, so the whole growth is temporary
    memory: resident pages, which count everything, and what Python's allocators were asked for.
    """
    import numloss

    loss = numloss.LOSSES[cell.loss]
    method = loss if cell.mode == "value" else loss.value_and_grad
    kind = problem(cell.loss).target
    warm = laid_out(make_data(kind, (8, 10)[: len(cell.shape)], cell.dtype), layout)
    prepared(method, cell, warm)()
    call = prepared(method, cell, laid_out(make_data(kind, cell.shape, cell.dtype), layout))
    return {"resident": resident_growth(call), "traced": traced_peak(call)}


def prepared(method: Callable[..., Any], cell: Cell, data: Data) -> Callable[[], Any]:
    """Return a call with its buffer."""
    call = partial(method, data.prediction, data.target)
    return partial(call, out=data.buffer) if cell.wants_gradient else call


def laid_out(data: Data, layout: str) -> Data:
    """Arrays as they are, or as every other element of arrays twice as long."""
    return data if layout == "contiguous" else Data(strided(data.prediction), strided(data.target))


def strided(array: NDArray[Any]) -> NDArray[Any]:
    """Return the same values, each followed by a gap."""
    return array.repeat(2, axis=-1)[..., ::2]


def resident_growth(call: Callable[[], Any]) -> int:
    """Peak of the resident memory during a call, beyond what it was before, in bytes."""
    Path("/proc/self/clear_refs").write_text("5")  # resets the peak
    before = status("VmRSS")
    call()
    return max(status("VmHWM") - before, 0)


def status(field: str) -> int:
    """Return a field of the process status, in bytes."""
    found = re.search(rf"{field}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    if found is None:
        raise OSError(f"no {field} in /proc/self/status")
    return 1024 * int(found[1])


def traced_peak(call: Callable[[], Any]) -> int:
    """Peak of what Python's allocators, NumPy's included, hand out during a call, in bytes."""
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def main(loss: str, mode: str, shape: str, dtype: str, layout: str) -> None:
    """Measure one call and print JSON."""
    print(json.dumps(measure_call(Cell(loss, mode, parse_shape(shape), dtype), layout)))


if __name__ == "__main__":
    main(*sys.argv[1:])
