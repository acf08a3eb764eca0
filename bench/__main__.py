"""The command line: ``python -m bench [COMMAND] [--help]``; `COMMANDS` has them.

Commands that check bounds exit with 3 where one is missed. Wrong arguments are 2, other failures 1.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from bench import machine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bench.cells import Cell
    from bench.table import Table

T = TypeVar("T")


def main(arguments: list[str]) -> int:
    """Run one command; without a name it is ``run``."""
    named = bool(arguments) and arguments[0] in COMMANDS
    command, rest = (arguments[0], arguments[1:]) if named else ("run", arguments)
    return COMMANDS[command](rest)


def run_command(arguments: list[str]) -> int:
    """Measure cells and print tables."""
    threads = pinned(arguments)
    options = run_parser().parse_args(arguments)
    selected(options, threads[0])
    results = run_each(arguments, threads) if len(threads) > 1 else run_once(options, threads[0])
    present(results, options)
    return 0


def pinned(arguments: list[str]) -> list[int]:
    """Pin this process before anything reads the number of CPUs, and return the thread counts."""
    early = argparse.ArgumentParser("bench", add_help=False)
    early.add_argument("--threads", type=argument(thread_count), nargs="+", default=[1])
    threads: list[int] = early.parse_known_args(arguments)[0].threads
    if len(threads) == 1:
        machine.pin(threads[0])
    return threads


def run_once(options: argparse.Namespace, threads: int) -> dict[str, Any]:
    """Measure the cells that the options select."""
    from bench.run import load_peers, run

    cells = selected(options, threads)
    peers = load_peers(options.peer, threads)
    return {"machine": machine.describe(), "cells": run(cells, peers, budget(options))}


def selected(options: argparse.Namespace, threads: int) -> list[Cell]:
    """Return the cells that the options select; that there are none is an error."""
    import numloss
    from bench.cells import FLAT, QUICK, ROWS, cells, shape_name

    losses = options.loss or tuple(numloss.LOSSES)
    shapes = options.size or (QUICK if options.quick else FLAT + ROWS)
    found = cells(losses, options.mode, shapes, options.dtype, threads)
    if not found:
        sizes = ", ".join(map(shape_name, shapes))
        run_parser().error(
            f"argument --size: needs a shape that one of the losses takes (N for elements, NxC for"
            f" classes), got {sizes} for {', '.join(losses)}"
        )
    return found


def run_each(arguments: list[str], threads: list[int]) -> dict[str, Any]:
    """Measure each thread count in a process of its own: some libraries read it only once."""
    results: dict[str, Any] = {"cells": []}
    for count in threads:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "results.json")
            # The last option of a name counts, so these replace the caller's own.
            extra = ["--threads", str(count), "--json", str(path), "--silent"]
            subprocess.run([sys.executable, "-m", "bench", "run", *arguments, *extra], check=True)
            part = json.loads(path.read_text())
        results = part | {"cells": results["cells"] + part["cells"]}
    return results


def goals_command(arguments: list[str]) -> int:
    """Measure what the goals need, and check them."""
    machine.pin(1)
    options = goals_parser().parse_args(arguments)
    from bench import bounds, goals
    from bench.run import load_peers, run
    from numloss import _core

    isa, usable = _core.config()["isa"], _core.config()["isas"]
    is_best = isa == usable[-1]
    footprint = goals.footprint_outcomes(build=options.build) if is_best else ()
    results = {"machine": machine.describe(), "footprint": list(map(vars, footprint))}
    cells = run(goals.CELLS, load_peers(options.peer, threads=1), budget(options))
    # Of another set than this machine's best the leads alone are of interest.
    results |= {"cells": cells} if is_best else {"elsewhere": {isa: cells}}
    present(results, options, goals_tables(results))
    return bounds.status(results)


def goals_tables(results: dict[str, Any]) -> Iterator[Table]:
    """Yield the goals, and what is missed of all bounds that were measured with them."""
    from bench import bounds

    if "cells" in results:
        yield bounds.goals_table(results)
    yield from bounds.elsewhere_tables(results)
    yield bounds.overview(results)
    yield from bounds.missed_tables(results)


def small_command(arguments: list[str]) -> int:
    """Measure small calls beside numpy.add, and check them."""
    machine.pin(1)
    parser = argparse.ArgumentParser("bench small", description="Small calls beside numpy.add.")
    common(parser)
    options = parser.parse_args(arguments)
    from bench import bounds, small
    from bench.run import load_peers, run

    cells = run(small.CELLS, load_peers(options.peer, threads=1), budget(options))
    results = {"machine": machine.describe(), "cells": cells}
    present(results, options, [small.table(cells)])
    return bounds.status(results, "small calls")


def callers_command(arguments: list[str]) -> int:
    """Compare many threads at once with one, and check that they are not slower."""
    parser = argparse.ArgumentParser("bench callers", description="Many callers against one.")
    positive, rounds = argument(partial(at_least, 1)), argument(partial(at_least, 2))
    parser.add_argument("--callers", type=positive, default=64, help="default: 64")
    parser.add_argument("--rounds", type=rounds, default=15, help="default: 15")
    options = parser.parse_args(arguments)
    machine.settle_allocator()
    from bench import callers
    from bench.outcome import MISSED

    result = callers.measure(options.callers, options.rounds)
    print(callers.describe(result, options.callers))
    return 0 if callers.keep_up(result) else MISSED


def variants_command(arguments: list[str]) -> int:
    """Time options against the plain call, and check what they cost."""
    machine.pin(1)
    parser = argparse.ArgumentParser("bench variants", description="What options cost.")
    add_dtype(parser, default="float32")
    output(parser)
    options = parser.parse_args(arguments)
    import numloss
    from bench import bounds, variants

    numloss.set_num_threads(1)
    measured = list(variants.measure(options.dtype, budget(options)))
    results = {"machine": machine.describe(), "variants": measured}
    present(results, options)
    return bounds.status(results)


def scaling_command(arguments: list[str]) -> int:
    """Time several threads against one, and check what they give."""
    machine.settle_allocator()
    parser = argparse.ArgumentParser("bench scaling", description="What more threads give.")
    everyone = [len(machine.ALL_CPUS)]
    parser.add_argument("--threads", type=argument(thread_count), nargs="+", default=everyone)
    output(parser)
    options = parser.parse_args(arguments)
    from bench import bounds, scaling

    measured = list(scaling.measure(options.threads, budget(options)))
    results = {"machine": machine.describe(), "scaling": measured}
    present(results, options)
    return bounds.status(results)


def document_command(arguments: list[str]) -> int:
    """Write docs/performance.md and its pictures from files of results."""
    parser = argparse.ArgumentParser("bench document")
    parser.add_argument(
        "files", type=argument(results_of), nargs="+", metavar="FILE", help="what --json wrote"
    )
    parser.add_argument(
        "--machine",
        type=argument(threads_of),
        metavar="MEASURED",
        help="what make performance-threads wrote on a machine of many CPUs",
    )
    options = parser.parse_args(arguments)
    if not any(results.get("cells") for results in options.files):
        parser.error("argument FILE: needs a file of `bench run` or `bench goals`, which has cells")
    from bench import document

    document.main(options.files, options.machine)
    return 0


def layouts_command(arguments: list[str]) -> int:
    """Compare layouts with contiguous arrays, and check what they take."""
    machine.pin(1)
    parser = layouts_parser()
    options = parser.parse_args(arguments)
    from bench import bounds, layouts

    if not any(layouts.selected(options.loss, options.only)):
        names = ", ".join(dict.fromkeys(layouts.name_of(one) for _, one in layouts.selected()))
        parser.error(f"argument --only: needs a part of one of {names}; got {options.only!r}")
    budget = layouts.QUICK if options.quick else layouts.BUDGET
    measured = list(layouts.measure(options.loss, options.dtype, budget, options.only))
    results = {"machine": machine.describe(), "layouts": measured}
    present(results, options)
    return bounds.status(results)


def compare_command(arguments: list[str]) -> int:
    """Compare two files."""
    parser = argparse.ArgumentParser("bench compare")
    parser.add_argument("old", type=argument(results_of), metavar="OLD")
    parser.add_argument("new", type=argument(results_of), metavar="NEW")
    options = parser.parse_args(arguments)
    from bench import compare, table

    compared = compare.compare(options.old, options.new)
    if not compared.rows:
        parser.error("argument NEW: needs a cell that OLD has as well, got none")
    table.print_tables([compared])
    return 0


def report_command(arguments: list[str]) -> int:
    """Print the tables of files again, or put the files together."""
    parser = argparse.ArgumentParser("bench report")
    parser.add_argument("files", type=argument(results_of), nargs="+", metavar="FILE")
    presented(parser)
    options = parser.parse_args(arguments)
    from bench import document

    results = document.merged(options.files)
    present(results, options, goals_tables(results) if "footprint" in results else ())
    return 0


def instructions_command(arguments: list[str]) -> int:
    """Count instructions, and check that none has left the baseline."""
    parser = argparse.ArgumentParser("bench instructions")
    parser.add_argument("--write", action="store_true", help="take the counts for the baseline")
    parser.add_argument(
        "--strict", action="store_true", help="fail where the compiler is not the baseline's"
    )
    options = parser.parse_args(arguments)
    from bench import instructions

    return instructions.main(write=options.write, strict=options.strict)


def present(results: dict[str, Any], options: argparse.Namespace, extra: Any = ()) -> None:
    """Write the files that were asked for, and print the tables."""
    from bench import report, table

    found = [*report.tables(results), *extra]
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(results, indent=1) + "\n")
    if options.markdown:
        table.write_markdown(options.markdown, found, report.legend(results))
    if not options.silent:
        table.print_tables(found, report.legend(results))


def budget(options: argparse.Namespace) -> Any:
    """How long to measure a cell."""
    from bench.timing import FULL, QUICK

    return QUICK if options.quick else FULL


def run_parser() -> argparse.ArgumentParser:
    """Options of ``run``. Imports NumPy, so only after the process is pinned."""
    import numloss
    from bench.cells import MODES, parse_shape

    parser = argparse.ArgumentParser("bench", description="Time numloss against its peers.")
    parser.add_argument("--loss", nargs="+", choices=numloss.LOSSES, metavar="NAME")
    parser.add_argument("--mode", nargs="+", choices=MODES, default=["value", "value+grad"])
    parser.add_argument(
        "--size",
        nargs="+",
        type=argument(parse_shape),
        metavar="N|NxC",
        help="such as 64 1M 100kx10",
    )
    add_dtype(parser, nargs="+", default=["float32"])
    threads = argument(thread_count)
    parser.add_argument("--threads", nargs="+", type=threads, default=[1], help="default: 1")
    common(parser)
    return parser


def goals_parser() -> argparse.ArgumentParser:
    """Options of ``goals``."""
    parser = argparse.ArgumentParser("bench goals", description="Hold numloss against its goals.")
    parser.add_argument("--build", action="store_true", help="build a wheel from nothing as well")
    common(parser)
    return parser


def layouts_parser() -> argparse.ArgumentParser:
    """Options of ``layouts``."""
    import numloss
    from bench.layouts import LOSSES

    parser = argparse.ArgumentParser("bench layouts", description="Layouts against contiguous.")
    known = tuple(numloss.LOSSES)
    parser.add_argument("--loss", nargs="+", choices=known, default=LOSSES, metavar="NAME")
    add_dtype(parser, default="float32")
    parser.add_argument("--only", default="", metavar="TEXT", help="part of a layout's name")
    output(parser)
    return parser


def add_dtype(parser: argparse.ArgumentParser, **settings: Any) -> None:
    """Add the option that takes dtypes by their names and by short ones."""
    from bench.cells import DTYPE_ALIASES, DTYPES

    parser.add_argument(
        "--dtype",
        type=lambda name: DTYPE_ALIASES.get(name, name),
        choices=DTYPES,
        help="f32, f64, f16 and bf16 will do",
        **settings,
    )


def argument(read: Callable[[str], T]) -> Callable[[str], T]:
    """Return what reads an argument and lets argparse name it beside what was wrong."""

    def reading(text: str) -> T:
        try:
            return read(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from error

    return reading


def thread_count(text: str) -> int:
    """Read a number of threads that this process has CPUs for."""
    most = len(machine.ALL_CPUS)
    if not text.isdecimal() or not 1 <= int(text) <= most:
        raise ValueError(f"needs a number from 1 to {most}, the CPUs of this process, got {text!r}")
    return int(text)


def at_least(least: int, text: str) -> int:
    """Read a number that is not too small."""
    if not text.isdecimal() or int(text) < least:
        raise ValueError(f"needs a number of at least {least}, got {text!r}")
    return int(text)


def results_of(text: str) -> dict[str, Any]:
    """Read a file of results."""
    try:
        found = json.loads(Path(text).read_text())
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ValueError(f"needs a file that --json wrote, got {text!r}: {reason}") from error
    if not isinstance(found, dict) or "machine" not in found:
        raise ValueError(f"needs a file that --json wrote, got {text!r}, which names no machine")
    return found


def threads_of(text: str) -> dict[str, Any]:
    """Read a file of results on many threads."""
    found = results_of(text)
    for name in ("scaling", "cells"):
        if not found.get(name):
            wanted = "needs a file that make performance-threads wrote"
            raise ValueError(f"{wanted}, got {text!r}, which has no {name}")
    return found


def common(parser: argparse.ArgumentParser) -> None:
    """Options of the commands that measure peers."""
    from bench.peers import ALL_NAMES

    parser.add_argument(
        "--peer",
        nargs="*",
        choices=ALL_NAMES,
        help="default: all that are installed, but for torch_compile",
    )
    output(parser)


def output(parser: argparse.ArgumentParser) -> None:
    """Options of every command that measures."""
    parser.add_argument("--quick", action="store_true", help="short samples, small arrays")
    presented(parser)


def presented(parser: argparse.ArgumentParser) -> None:
    """Options on where results go."""
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--markdown", type=Path, metavar="FILE")
    parser.add_argument("--silent", action="store_true", help="no tables on the terminal")


COMMANDS = {
    "run": run_command,
    "goals": goals_command,
    "small": small_command,
    "callers": callers_command,
    "layouts": layouts_command,
    "variants": variants_command,
    "scaling": scaling_command,
    "compare": compare_command,
    "report": report_command,
    "document": document_command,
    "instructions": instructions_command,
}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
