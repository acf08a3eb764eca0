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
