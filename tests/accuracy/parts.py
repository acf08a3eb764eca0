"""The parts of a measurement, each spread over the processes of a pool."""

from __future__ import annotations

import functools
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from cases import CASES, MEMBERS, RELEVANCES, RISING, SETS, SHARES_OF_SETS, VARIANTS

from accuracy import points, sums, sweep
from accuracy.functions import BY_NAME
from accuracy.losses import DTYPES, FEW, FULL, PAIRS, measure, ours

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from concurrent.futures import Executor

    from accuracy.losses import Contestant
    from accuracy.sweep import Slice

    Results = dict[str, Any]


def measure_functions(part: Slice, pool: Executor, known: Results) -> Results:
    """Take every float32 number through every function."""
    tasks = [task for task in sweep.tasks(part) if task[0] not in known]
    found: dict[str, sweep.Swept] = {}
    for name, swept in _map(pool, sweep.sweep, tasks):
        found[name] = found.get(name, sweep.NOTHING).joined(swept)
    return {name: asdict(swept) for name, swept in found.items()}


def measure_points(part: Slice, pool: Executor, known: Results) -> Results:
    """Compare float64 results of the functions with mpmath's."""
    count = points.COUNT // part.of
    tasks = [(name, count, part.index) for name in BY_NAME if name not in known]
    return {name: asdict(checked) for name, checked in _map(pool, points.check, tasks)}


def measure_losses(part: Slice, pool: Executor, known: Results) -> Results:
    """Compare the losses with mpmath; a whole measurement has the peers beside them."""
    variants = [v for v in VARIANTS[part.index :: part.of] if repr(v) not in known]
    tasks = [(VARIANTS.index(v), dtype, part.of == 1) for v in variants for dtype in DTYPES]
    found: Results = {}
    for name, dtype, measured in _map(pool, measure_loss, tasks):
        found.setdefault(name, {})[dtype] = measured
    return found


def measure_loss(index: int, dtype: str, with_peers: bool) -> tuple[str, str, Results]:
    """Measure one loss with its parameters for one dtype."""
    variant = VARIANTS[index]
    contestants: dict[str, Contestant] = {"numloss": ours}
    if with_peers:
        from accuracy import peers

        contestants |= {"torch": peers.with_torch, "scipy": peers.with_scipy}
    of_pairs = variant.domain in (RISING, RELEVANCES, MEMBERS)
    takes_longest = of_pairs or variant.name == "bi_tempered"
    size = FEW if takes_longest else PAIRS if variant.domain in (SETS, SHARES_OF_SETS) else FULL
    measured = measure(variant, dtype, size, contestants)
    return repr(variant), dtype, {name: asdict(figures) for name, figures in measured.items()}


def measure_sums(part: Slice, pool: Executor, known: Results) -> Results:
    """Sum many numbers, one loss after the other: they take much memory."""
    before = known.get("losses", {})
    names = [name for name in list(CASES)[part.index :: part.of] if name not in before]
    found = before | {name: asdict(summed) for name, summed in map(sums.check, names)}
    worst = {dtype: sums.worst_grouped(dtype) for dtype in ("float32", "float64")}
    return {"losses": found, "equal": worst}


#: What each measures, but for what is known already.
PARTS: dict[str, Callable[[Slice, Executor, Results], Results]] = {
    "functions": measure_functions,
    "points": measure_points,
    "losses": measure_losses,
    "sums": measure_sums,
}


def _map(
    pool: Executor, work: Callable[..., Any], tasks: Iterable[tuple[Any, ...]]
) -> Iterable[Any]:
    return pool.map(functools.partial(_apply, work), tasks)


def _apply(work: Callable[..., Any], task: tuple[Any, ...]) -> Any:
    return work(*task)
