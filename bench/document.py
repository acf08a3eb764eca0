"""docs/performance.md and its pictures, written from files of results.

Nothing here measures, and no sentence holds a figure of its own: the page says what the files say.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bench import bounds, report, scaling, small
from bench.limit import with_limits
from bench.machine import ROOT
from bench.peers import OURS
from bench.table import Table, markdown, number

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

DOCS = ROOT / "docs"
#: A peer is called close where it takes less than this many times as long.
CLOSE = 1.25
HEAD = """# Performance

How long the losses take, how near that is to what the machine can do, where others stand, and which
bounds are missed. Written by a command from files of results; how they are measured is in
[bench/README.md](../bench/README.md). In a cell all contestants get the same arrays, have to agree
on the result, and are timed in turn: the ratios hold on a shared machine whose times do not.

```sh
make performance    # measures and writes this page, but for many threads; needs an idle machine
```

![Times of every peer as multiples of numloss's](performance-peers.svg)

A mark is the time of a library as a multiple of numloss's, where a gradient is a fresh array on
both sides (scikit-learn has buffers). "numloss, out=" is numloss with the gradient in a buffer.
"""
ROOFLINE = """## Roofline

The limit of a cell is the longer of two times: that of moving its bytes, measured on its own arrays
in the same rounds, and that of its arithmetic. The arithmetic is what the AVX2 kernel was counted
to do under callgrind, whichever set the machine runs: packed instructions alone, no loads, stores,
moves or shuffles; an operation is what one of them does to one number. The flat roof is the best
rate of a matrix product in the run, the slopes are the best bandwidths of arrays up to 32 MiB and
beyond. A cell can lie above: AVX-512 spares some of the operations counted, and a loss may get
more out of the memory than the fastest calls from Python. Where the two times are alike a cell
comes near neither: a core that computes waits for memory as soon as it cannot look far enough
ahead.

![Operations per second against operations per byte](performance-roofline.svg)
"""
SCALING = """
What more threads give on a machine of many CPUs, and where the peers are with as many. There is not
always such a machine, so what `make performance-threads` measured on one is kept in
[bench/measured](../bench/measured). It is of another machine and day than the rest of the page, and
the bounds above do not count it.

![Times as fast as on one thread, by the number of threads](performance-threads.svg)

The lines are of the largest size of each loss; the faint one is as many times as fast as there are
threads.
"""


def main(files: Sequence[dict[str, Any]], many: dict[str, Any] | None = None) -> None:
    """Write the page and its pictures; ``many`` is what was measured on a machine of many CPUs."""
    from bench import figures

    results = merged(files)
    figures.peers(results["cells"], DOCS / "performance-peers.svg")
    figures.roofline(results["cells"], DOCS / "performance-roofline.svg")
    if many:
        figures.threads(many["scaling"], DOCS / "performance-threads.svg")
    (DOCS / "performance.md").write_text("\n".join(page(results, many)) + "\n")


def merged(files: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Put files together; of a cell or a table that several have, the last one counts.

    The limits are those of all cells together. The machine is as a file tells it whose cells are of
    one thread, which are of the best instruction set.
    """
    results: dict[str, Any] = {}
    cells: dict[str, dict[str, Any]] = {}
    for file in files:
        results |= file
        cells |= {cell["name"]: cell for cell in file.get("cells", ())}
    machines = [file["machine"] for file in files if has_one_thread(file)]
    machine = {"machine": machines[-1]} if machines else {}
    limited = {"cells": with_limits(list(cells.values()))} if cells else {}
    return results | machine | limited


def has_one_thread(file: dict[str, Any]) -> bool:
    """Whether a file has cells of one thread."""
    return any(cell["threads"] == 1 for cell in file.get("cells", ()))


def page(results: dict[str, Any], many: dict[str, Any] | None = None) -> Iterator[str]:
    """Lines of the page."""
    cells = results["cells"]
    yield HEAD
    yield from (f"- {line}" for line in report.legend(results))
    yield from section("Leads over the peers", report.means_table(cells))
    close = close_table(cells)
    if close.rows:
        yield from section(f"Where a peer takes less than {CLOSE} times as long", close, level=3)
    yield from section("Bounds missed", bounds.overview(results))
    for table in bounds.missed_tables(results):
        yield from titled(table, level=3)
    yield from section("Goals", bounds.goals_table(results))
    for table in bounds.elsewhere_tables(results):
        yield from titled(table, level=3)
    yield "\n" + ROOFLINE.rstrip()
    if small.among(cells):
        yield from titled(small.table(cells))
    if many:
        yield from many_threads(many)
    for table in report.other_tables(results):
        yield from titled(table)
    yield "\n## Every cell"
    for table in report.times_tables(cells):
        yield from titled(table, level=3)


def many_threads(results: dict[str, Any]) -> Iterator[str]:
    """Lines on a machine of many CPUs."""
    measured = results["scaling"]
    held = list(scaling.outcomes(measured))
    missed = bounds.missed(held)
    yield f"\n## Scaling to {max(map(int, measured[0]['times']))} threads"
    yield SCALING
    yield from (f"- {line}" for line in report.machine_lines(results["machine"]))
    yield f"\nThe bound on threads is missed in {len(missed)} of {len(held)} cases here."
    yield from section("Many threads against one", scaling.table(measured), level=3)
    for table in report.times_tables(results["cells"]):
        yield from titled(table, level=3)


def section(title: str, table: Table, level: int = 2) -> Iterator[str]:
    """Lines of a table under a heading."""
    yield f"\n{'#' * level} {title}\n"
    yield from markdown(table)


def titled(table: Table, level: int = 2) -> Iterator[str]:
    """Lines of a table under its own title."""
    return section(capitalised(table.title), table, level)


def capitalised(title: str) -> str:
    """Return a title as headings have it."""
    return title[:1].upper() + title[1:]


def close_table(cells: Iterable[dict[str, Any]]) -> Table:
    """Tabulate the cells where a peer comes near, the nearest first."""
    rows = []
    for cell in sorted(cells, key=lead):
        if cell["best_peer"] and lead(cell) < CLOSE:
            fresh = cell["ratios"][OURS][cell["best_peer"]]
            into = report.into_buffer(cell)
            rows.append([cell["name"], cell["best_peer"], number(fresh), number(into)])
    return Table("close", ["cell", "peer", "x fresh", "x with `out=`"], rows, CLOSE_SAYS)


CLOSE_SAYS = (
    "'x fresh' is how many times as long as numloss the peer takes where a gradient goes to a fresh"
    " array, like with like; 'x with `out=`' where that of numloss goes to a buffer. The name of a"
    " cell ends with its threads."
)


def lead(cell: dict[str, Any]) -> float:
    """How many times as long the best peer takes; infinite where there is none."""
    return float(cell["ratio_to_best"] or "inf")
