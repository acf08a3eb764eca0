"""docs/performance.md and its pictures, written from files of results.

Nothing here measures, and no sentence holds a figure of its own: the page says what the files say.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bench import goals, report
from bench.machine import ROOT
from bench.peers import OURS, OURS_INTO_BUFFER
from bench.table import Table, markdown, number

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

DOCS = ROOT / "docs"
#: A peer is called close where it takes less than this many times as long.
CLOSE = 1.25
HEAD = """# Performance

How long the losses take, how near that is to what the machine can do, and where others stand.
Written by a command from files of results; how they are measured is in
[bench/README.md](../bench/README.md). In a cell all contestants get the same arrays, have to agree
on the result, and are timed in turn: the ratios hold on a shared machine whose times do not.

```sh
make performance    # measures everything on this page and writes it anew; needs an idle machine
```

![Times of every peer as multiples of numloss's](performance-peers.svg)
"""
ROOFLINE = """## Roofline

The limit of a cell is the longer of two times: that of moving its bytes, measured on its own arrays
in the same rounds, and that of its arithmetic. The arithmetic is what the AVX2 kernel was counted
to do under callgrind: packed instructions alone, no loads, stores, moves or shuffles. The machine's
rate is that of a matrix product in the same rounds. Where the two times are alike a cell comes near
neither: a core that computes waits for memory as soon as it cannot look far enough ahead.

![Operations per second against operations per byte](performance-roofline.svg)
"""


def main(files: Sequence[dict[str, Any]]) -> None:
    """Write the page and its pictures."""
    from bench import figures

    results = merged(files)
    figures.peers(results["cells"], DOCS / "performance-peers.svg")
    figures.roofline(results["cells"], DOCS / "performance-roofline.svg")
    (DOCS / "performance.md").write_text("\n".join(page(results)) + "\n")


def merged(files: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Put files together; of a cell or a table that several have, the last one counts."""
    results: dict[str, Any] = {}
    for file in files:
        results |= file | {"cells": results.get("cells", []) + file.get("cells", [])}
    results["cells"] = list({cell["name"]: cell for cell in results["cells"]}.values())
    return results


def page(results: dict[str, Any]) -> Iterator[str]:
    """Lines of the page."""
    cells = results["cells"]
    yield HEAD
    yield from (f"- {line}" for line in report.legend(results))
    yield "\n## Leads over the peers\n"
    yield from markdown(report.means_table(cells))
    yield f"\n### Where a peer takes less than {CLOSE} times as long\n"
    yield from markdown(close_table(cells))
    if "goals" in results:
        yield "\n## Goals\n\n`python -m bench goals` holds the library to these.\n"
        yield from markdown(goals_table(results["goals"]))
    for isa, held in results.get("goals_elsewhere", {}).items():
        yield f"\n### With `NUMLOSS_ISA={isa}`, which may take half as long again\n"
        yield from markdown(goals_table(held))
    yield "\n" + ROOFLINE
    for table in report.other_tables(results):
        yield f"\n## {capitalised(table.title)}\n"
        yield from markdown(table)
    yield "\n## Every cell"
    for table in report.times_tables(cells):
        yield f"\n### {capitalised(table.title)}\n"
        yield from markdown(table)


def goals_table(held: Iterable[dict[str, Any]]) -> Table:
    """Tabulate goals as a file of results has them."""
    return goals.table([goals.Outcome(**goal) for goal in held])


def capitalised(title: str) -> str:
    """Return a title as headings have it."""
    return title[:1].upper() + title[1:]


def close_table(cells: Iterable[dict[str, Any]]) -> Table:
    """Tabulate the cells where a peer comes near, the nearest first."""
    rows = []
    for cell in sorted(cells, key=lead):
        if cell["best_peer"] and lead(cell) < CLOSE:
            into = cell["ratios"].get(OURS_INTO_BUFFER, {}).get(cell["best_peer"])
            fresh = cell["ratios"][OURS][cell["best_peer"]]
            rows.append([cell["name"], cell["best_peer"], number(fresh), number(into)])
    header = ["cell", "peer", "x", "x with `out=`"]
    return Table("close", header, rows)


def lead(cell: dict[str, Any]) -> float:
    """How many times as long the best peer takes; infinite where there is none."""
    return float(cell["ratio_to_best"] or "inf")
