"""Whole evaluations beside those of other libraries, and what the state takes for a value."""

from __future__ import annotations

import importlib.util
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from bench.tables import number, table

#: What rows are grouped by: nothing, 50 and 100 000 groups.
GROUPINGS = ("", "few", "many")

POLARS = """
import sys, polars as pl
path, by = sys.argv[1], sys.argv[2]
x = pl.col("score")
loss = x.clip(lower_bound=0) - x * pl.col("label") + (-x.abs()).exp().log1p()
rows = pl.scan_parquet(path).select([loss.alias("l")] + ([pl.col(by)] if by else []))
l = pl.col("l")
found = [l.count(), l.mean().alias("mean"), l.sum().alias("sum"),
         (l.std() / l.count().sqrt()).alias("se"), l.min().alias("min"),
         *(l.quantile(q).alias(str(q)) for q in (0.5, 0.95, 0.99)), l.max().alias("max")]
print((rows.group_by(by).agg(found).sort(by) if by else rows.select(found)).collect())
"""

DUCKDB = """
import sys, duckdb
path, by = sys.argv[1], sys.argv[2]
found = ("count(l), avg(l), sum(l), stddev(l) / sqrt(count(l)), min(l), "
         "quantile_cont(l, [0.5, 0.95, 0.99]), max(l)")
loss = "greatest(score, 0) - score * label + ln(1 + exp(-abs(score)))"
rows = f"(select {loss} l{', ' + by if by else ''} from '{path}')"
groups = f"group by {by} order by {by}" if by else ""
print(duckdb.sql(f"select {by + ', ' if by else ''}{found} from {rows} {groups}"))
"""

PANDAS = """
import sys, numpy as np, pandas as pd
path, by = sys.argv[1], sys.argv[2]
rows = pd.read_parquet(path, columns=["score", "label"] + ([by] if by else []))
x = rows["score"].to_numpy()
rows["l"] = np.maximum(x, 0) - x * rows["label"].to_numpy() + np.log1p(np.exp(-np.abs(x)))
found = rows.groupby(by)["l"] if by else rows["l"]
names = ["count", "mean", "sum", "sem", "min", "max"]
print(found.agg(names), found.quantile([0.5, 0.95, 0.99]))
"""

SKLEARN = """
import sys, numpy as np, pyarrow.parquet as pq
from sklearn.metrics import log_loss
rows = pq.read_table(sys.argv[1], columns=["score", "label"])
p = 1 / (1 + np.exp(-rows["score"].to_numpy().astype(np.float64)))
print(log_loss(rows["label"].to_numpy(), p))
"""

TORCHMETRICS = """
import sys, torch, pyarrow.parquet as pq
from torchmetrics import MeanMetric
metric = MeanMetric()
for batch in pq.ParquetFile(sys.argv[1]).iter_batches(65536, columns=["score", "label"]):
    x, y = (torch.from_numpy(batch[name].to_numpy()) for name in ("score", "label"))
    loss = torch.nn.functional.binary_cross_entropy_with_logits
    metric.update(loss(x, y.float(), reduction="none"))
print(metric.compute())
"""

#: Other ways to do it; those without groups print the mean alone.
OTHERS = {
    "polars": (POLARS, True),
    "duckdb": (DUCKDB, True),
    "pandas": (PANDAS, True),
    "sklearn": (SKLEARN, False),
    "torchmetrics": (TORCHMETRICS, False),
}


def write_rows(path: Path, rows: int) -> None:
    """Write scores and labels of two classes, and columns to group them by."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rng = np.random.default_rng(0)
    columns = {
        "score": rng.normal(size=rows).astype(np.float32),
        "label": rng.integers(0, 2, rows).astype(np.int8),
        "few": rng.integers(0, 50, rows).astype(np.int32),
        "many": rng.integers(0, 100_000, rows).astype(np.int32),
        "user": rng.integers(0, max(rows // 50, 1), rows).astype(np.int32),
        "other": rng.normal(size=rows).astype(np.float32),
    }
    pq.write_table(pa.table(columns), path)


def seconds_of(command: list[str]) -> float:
    """Time a process with a plain wait: a timeout would look every 50 ms."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    code = process.wait()
    taken = time.perf_counter() - start
    if code:
        raise RuntimeError(f"{command[:4]} ended with {code}")
    return taken


def evaluations(rows: int, rounds: int) -> Iterator[str]:
    """Yield a table of whole commands, in seconds, and beyond what importing NumPy takes."""
    there = [name for name in OTHERS if importlib.util.find_spec(name) is not None]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "rows.parquet")
        write_rows(path, rows)
        found = []
        for by in GROUPINGS:
            commands = {"numpy": [sys.executable, "-c", "import numpy"]}
            options = ["-l", "binary_cross_entropy", *(["--by", by] if by else [])]
            commands["numloss"] = [sys.executable, "-m", "numloss", "evaluate", str(path), *options]
            for name in there:
                code, groups = OTHERS[name]
                if groups or not by:
                    commands[name] = [sys.executable, "-c", code, str(path), by]
            times: dict[str, list[float]] = {name: [] for name in commands}
            for _ in range(rounds):
                for name, command in commands.items():
                    times[name].append(seconds_of(command))
            medians = {name: statistics.median(samples) for name, samples in times.items()}
            start = medians["numpy"]
            best = min(medians[name] for name in commands if name not in ("numpy", "numloss"))
            ratio = (best - start) / (medians["numloss"] - start)
            line = [by or "none", *(number(medians.get(n)) for n in ("numpy", "numloss", *there))]
            found.append([*line, number(ratio)])
    header = ["groups", "import numpy", "numloss", *there, "x best, beyond import"]
    yield from table(header, found)


#: What may be asked of an evaluation, as arguments in Python; the command has options of the names.
ASKED: dict[str, dict[str, Any]] = {
    "one loss": {},
    "calibration": {"calibration": True},
    "ROC-AUC, average precision": {"auc": True},
    "clusters of 50 rows": {"cluster": "user"},
    "1000 buckets": {"resample": True},
    "accuracy and Brier score": {"loss": ["binary_accuracy", "brier"]},
    "all, by buckets": {
        "calibration": True, "auc": True, "resample": True, "loss": ["binary_accuracy", "brier"],
    },
    "all, by clusters": {
        "calibration": True, "auc": True, "cluster": "user", "loss": ["binary_accuracy", "brier"],
    },
    "two models": {"compare": "other"},
}  # fmt: skip


def asked(rows: int, rounds: int) -> Iterator[str]:
    """Yield a table of what each thing that may be asked costs, in Python and as a command."""
    import numloss

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "rows.parquet")
        write_rows(path, rows)
        times: dict[str, list[list[float]]] = {name: [[], []] for name in ASKED}
        start = []
        for _ in range(rounds):
            start.append(seconds_of([sys.executable, "-c", "import numpy"]))
            for name, arguments in ASKED.items():
                options = dict(arguments)
                losses = ["binary_cross_entropy", *options.pop("loss", ())]
                begin = time.perf_counter()
                numloss.evaluate(path, losses, prediction="score", **options)
                times[name][0].append(time.perf_counter() - begin)
                times[name][1].append(seconds_of(_command(path, losses, options)))
        beyond = (0.0, statistics.median(start))
        found = []
        for name, both in times.items():
            seconds = [statistics.median(some) - s for some, s in zip(both, beyond, strict=True)]
            plain = [
                statistics.median(some) - s
                for some, s in zip(times["one loss"], beyond, strict=True)
            ]
            ratios = [number(s / p) for s, p in zip(seconds, plain, strict=True)]
            found.append([name, number(seconds[0]), ratios[0], number(seconds[1]), ratios[1]])
    header = [
        "asked for",
        "s in Python",
        "x one loss",
        "s as a command, beyond NumPy",
        "x one loss",
    ]
    yield from table(header, found)


def _command(path: Path, losses: list[str], options: dict[str, Any]) -> list[str]:
    command = [sys.executable, "-m", "numloss", "evaluate", str(path), "-p", "score"]
    for loss in losses:
        command += ["-l", loss]
    for name, value in options.items():
        command += [f"--{name}"] if value is True else [f"--{name}", value]
    return command


def accumulation(values: int, rounds: int) -> Iterator[str]:
    """Yield what the state takes for a value, in ns on one thread, and its memory."""
    from numloss._core import EvaluationState

    rng = np.random.default_rng(0)
    weights = rng.exponential(size=values)
    found = []

    def least(work: Callable[[], Any]) -> float:
        times = []
        for _ in range(rounds):
            start = time.perf_counter()
            work()
            times.append(time.perf_counter() - start)
        return 1e9 * min(times) / values

    for dtype in (np.float32, np.float64):
        losses = rng.exponential(size=values).astype(dtype)
        for groups in (0, 50, 1000, 100_000, 1_000_000):
            keys = rng.integers(0, max(groups, 1), values)

            def added(
                quantiles: bool, weighted: bool, losses: Any = losses, keys: Any = keys,
                groups: int = groups,
            ) -> EvaluationState:  # fmt: skip
                state = EvaluationState(1, 1 if groups else 0, quantiles, 10)
                for first in range(0, values, 1 << 16):
                    part = slice(first, first + (1 << 16))
                    codes = None
                    if groups:
                        codes = state.combine([state.codes_of_integers(0, keys[part])])
                    state.add(
                        0, losses[part], weights[part] if weighted else None, weighted, codes,
                        None, first, 1, 1,
                    )  # fmt: skip
                state.settle()
                return state

            times = [
                least(lambda a=added, q=quantiles, w=weighted: a(q, w))
                for quantiles, weighted in ((True, False), (False, False), (True, True))
            ]
            state = added(True, False)
            size = number(len(state.write()) / 1e6) if groups < 1_000_000 else ""
            found.append(
                [np.dtype(dtype).name, str(groups or "none"), *map(number, times),
                 number(state.nbytes / 1e6), size]
            )  # fmt: skip
    header = ["losses", "groups", "ns a value", "no quantiles", "weights", "MB", "MB as bytes"]
    yield from table(header, found)


# Either in a process of its own that is warm: the third time counts.
IN_PROCESS = """
import sys, time
{setup}
def work():
    {work}
for _ in range(3):
    start = time.perf_counter()
    work()
    taken = time.perf_counter() - start
print(taken, max(int(l.split()[1]) for l in open("/proc/self/status") if "VmHWM" in l) / 1024)
"""


def in_process(setup: str, work: str, arguments: list[str]) -> tuple[float, float]:
    """Return the seconds that work takes in a process which is warm, and the MB it had at most."""
    code = IN_PROCESS.format(setup=setup, work=work)
    command = [sys.executable, "-c", code, *arguments]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    seconds, size = result.stdout.split()
    return float(seconds), float(size)


def formats(rows: int, rounds: int, large: int | None) -> Iterator[str]:
    """Yield a table of files: the seconds of reading and of evaluating them, and memory."""
    with tempfile.TemporaryDirectory() as folder:
        found = []
        for name, paths, (setup, reading), call in _files(Path(folder), rows, large):
            arguments = [str(path) for path in paths]
            pairs: list[tuple[tuple[float, float], tuple[float, float]]] = []
            for _ in range(rounds if name != "large" else 1):
                alone = in_process(setup, reading, arguments)
                pairs.append((alone, in_process("import numloss", call, arguments)))
            alone_seconds = statistics.median(pair[0][0] for pair in pairs)
            seconds, memory = (statistics.median(pair[1][i] for pair in pairs) for i in (0, 1))
            size = sum(path.stat().st_size for path in paths) / 1e6
            found.append(
                [name, number(size), number(alone_seconds), number(seconds),
                 number(seconds / alone_seconds), number(memory)]
            )  # fmt: skip
        yield from table(["file", "MB", "s reading", "s evaluating", "x reading", "MB RSS"], found)


def _files(
    folder: Path, rows: int, large: int | None
) -> Iterator[tuple[str, list[Path], tuple[str, str], str]]:
    """Yield names, files, how they are read (setup and work), and how they are evaluated."""
    import pyarrow.csv
    import pyarrow.parquet as pq

    bytes_alone = (
        "buffer = bytearray(1 << 22)",
        "for path in sys.argv[1:]:\n        with open(path, 'rb', buffering=0) as file:\n"
        "            while file.readinto(buffer): pass",
    )
    arrays = "numloss.evaluate(sys.argv[1], 'cross_entropy', targets=sys.argv[2])"
    rng = np.random.default_rng(0)
    shapes = [
        (rows, 10, "f4"),
        (rows, 10, "f2"),
        (rows // 10, 1000, "f4"),
        (rows // 10, 1000, "f2"),
    ]
    shapes += [(large, 10, "f2")] if large else []
    for index, (count, classes, dtype) in enumerate(shapes):
        logits, labels = folder / f"logits{index}.npy", folder / f"labels{index}.npy"
        whole = np.lib.format.open_memmap(logits, "w+", dtype, (count, classes))
        for first in range(0, count, 100_000):
            part = whole[first : first + 100_000]
            part[:] = rng.normal(size=part.shape)
        del whole
        np.save(labels, rng.integers(0, classes, count).astype(np.int32))
        name = "large" if count == large and index == 4 else f"npy {count} x {classes} {dtype}"
        yield name, [logits, labels], bytes_alone, arrays
        logits.unlink()
    path = folder / "rows.parquet"
    write_rows(path, 5 * rows)
    parquet = (
        "import pyarrow.parquet as parquet",
        "parquet.read_table(sys.argv[1], columns=['score', 'label'])",
    )
    one = "numloss.evaluate(sys.argv[1], 'binary_cross_entropy')"
    five = "numloss.evaluate(sys.argv[1], ['binary_cross_entropy', 'mse', 'mae', 'huber', 'focal'])"
    yield "parquet, 2 columns", [path], parquet, one
    yield "parquet, five losses beside one", [path], ("import numloss", one), five
    table_ = pq.read_table(path, columns=["score", "label"])
    path = folder / "rows.csv"
    pyarrow.csv.write_csv(table_, path)
    yield "csv, 2 columns", [path], ("import pyarrow.csv as csv", "csv.read_csv(sys.argv[1])"), one
