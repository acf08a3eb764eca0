"""The command line: ``python -m bench [COMMAND] [--help]``; `COMMANDS` has them."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from bench import machine


def main(arguments: list[str]) -> int:
    """Run one command; without a name it is ``run``."""
    named = bool(arguments) and arguments[0] in COMMANDS
    command, rest = (arguments[0], arguments[1:]) if named else ("run", arguments)
    return COMMANDS[command](rest)


def run_command(arguments: list[str]) -> int:
    """Measure cells and print tables."""
    threads = pinned(arguments)
    options = run_parser().parse_args(arguments)
    results = run_each(arguments, threads) if len(threads) > 1 else run_once(options, threads[0])
    present(results, options)
    return 0


def pinned(arguments: list[str]) -> list[int]:
    """Pin this process before anything reads the number of CPUs, and return the thread counts."""
    early = argparse.ArgumentParser(add_help=False)
    early.add_argument("--threads", type=int, nargs="+", default=[1])
    threads: list[int] = early.parse_known_args(arguments)[0].threads
    if len(threads) == 1:
        machine.pin(threads[0])
    return threads


def run_once(options: argparse.Namespace, threads: int) -> dict[str, Any]:
    """Measure the cells that the options select."""
    import numloss
    from bench.cells import FLAT, QUICK, ROWS, cells
    from bench.run import load_peers, run

    selected = cells(
        options.loss or tuple(numloss.LOSSES),
        options.mode,
        options.size or (QUICK if options.quick else FLAT + ROWS),
        options.dtype,
        threads,
    )
    peers = load_peers(options.peer, threads)
    return {"machine": machine.describe(), "cells": run(selected, peers, budget(options))}


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
    """Measure what the goals need; the exit status is 1 where one is missed."""
    machine.pin(1)
    options = goals_parser().parse_args(arguments)
    from bench import goals
    from bench.run import load_peers
    from numloss import _core

    isa, usable = _core.config()["isa"], _core.config()["isas"]
    is_best = isa == usable[-1]
    footprint = list(goals.footprint_outcomes(build=options.build)) if is_best else []
    speed, cells = goals.speed_outcomes(load_peers(options.peer, threads=1), budget(options), isa)
    outcomes = speed + footprint
    held = [vars(outcome) for outcome in outcomes]
    # Of another set than this machine's best the goals alone are of interest.
    measured = {"cells": cells, "goals": held} if is_best else {"goals_elsewhere": {isa: held}}
    results = {"machine": machine.describe(), **measured}
    present(results, options, [goals.table(outcomes)])
    return int(any(outcome.reached is False for outcome in outcomes))


def small_command(arguments: list[str]) -> int:
    """Measure small calls; the exit status is 1 where a value takes too many times a numpy.add."""
    machine.pin(1)
    parser = argparse.ArgumentParser("bench small", description="Small calls beside numpy.add.")
    common(parser)
    options = parser.parse_args(arguments)
    from bench import small
    from bench.run import load_peers, run

    cells = run(small.CELLS, load_peers(options.peer, threads=1), budget(options))
    results = {"machine": machine.describe(), "cells": cells}
    present(results, options, [small.table(cells)])
    return int(any(map(small.is_slow, cells)))


def callers_command(arguments: list[str]) -> int:
    """Compare many threads at once with one; the exit status is 1 where they are slower."""
    parser = argparse.ArgumentParser("bench callers", description="Many callers against one.")
    parser.add_argument("--callers", type=int, default=64, help="default: 64")
    parser.add_argument("--rounds", type=int, default=15, help="default: 15")
    options = parser.parse_args(arguments)
    machine.settle_allocator()
    from bench import callers

    result = callers.measure(options.callers, options.rounds)
    print(callers.describe(result, options.callers))
    return int(result["upper"] < 1)


def variants_command(arguments: list[str]) -> int:
    """Time options against the plain call; the exit status is 1 where one costs too much."""
    machine.pin(1)
    parser = argparse.ArgumentParser("bench variants", description="What options cost.")
    parser.add_argument("--dtype", default="float32", choices=("float32", "float64"))
    output(parser)
    options = parser.parse_args(arguments)
    import numloss
    from bench import variants

    numloss.set_num_threads(1)
    measured = list(variants.measure(options.dtype, budget(options)))
    present({"machine": machine.describe(), "variants": measured}, options)
    return int(any(cell["seconds"] > cell["allowed"] for cell in measured))


def scaling_command(arguments: list[str]) -> int:
    """Time several threads against one; the exit status is 1 where they are slower."""
    machine.settle_allocator()
    parser = argparse.ArgumentParser("bench scaling", description="What more threads give.")
    parser.add_argument("--threads", type=int, nargs="+", default=[len(machine.ALL_CPUS)])
    output(parser)
    options = parser.parse_args(arguments)
    from bench import scaling

    measured = list(scaling.measure(options.threads, budget(options)))
    present({"machine": machine.describe(), "scaling": measured}, options)
    return int(any(max(cell["times"].values()) > 1.05 * cell["times"]["1"] for cell in measured))


def document_command(arguments: list[str]) -> int:
    """Write docs/performance.md and its pictures from files of results."""
    parser = argparse.ArgumentParser("bench document")
    parser.add_argument("files", type=Path, nargs="+", metavar="FILE", help="what --json wrote")
    options = parser.parse_args(arguments)
    from bench import document

    document.main([json.loads(path.read_text()) for path in options.files])
    return 0


def layouts_command(arguments: list[str]) -> int:
    """Compare layouts with contiguous arrays; the exit status is 1 where one is too slow."""
    machine.pin(1)
    options = layouts_parser().parse_args(arguments)
    from bench import layouts

    budget = layouts.QUICK if options.quick else layouts.BUDGET
    measured = list(layouts.measure(options.loss, options.dtype, budget, options.only))
    present({"machine": machine.describe(), "layouts": measured}, options)
    return int(any(cell["ratio"] > cell["at_most"] for cell in measured))


def compare_command(arguments: list[str]) -> int:
    """Compare two files."""
    parser = argparse.ArgumentParser("bench compare")
    parser.add_argument("old")
    parser.add_argument("new")
    options = parser.parse_args(arguments)
    from bench.compare import main as compare

    compare(options.old, options.new)
    return 0


def report_command(arguments: list[str]) -> int:
    """Print the tables of a file again."""
    parser = argparse.ArgumentParser("bench report")
    parser.add_argument("file", type=Path)
    parser.add_argument("--markdown", type=Path, metavar="FILE")
    options = parser.parse_args(arguments, argparse.Namespace(json=None, silent=False))
    present(json.loads(options.file.read_text()), options)
    return 0


def instructions_command(arguments: list[str]) -> int:
    """Count instructions; the exit status is 1 where a count has left its baseline."""
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
    from bench.cells import DTYPE_ALIASES, DTYPES, MODES, parse_shape

    parser = argparse.ArgumentParser("bench", description="Time numloss against its peers.")
    parser.add_argument("--loss", nargs="+", choices=numloss.LOSSES, metavar="NAME")
    parser.add_argument("--mode", nargs="+", choices=MODES, default=["value", "value+grad"])
    parser.add_argument(
        "--size", nargs="+", type=parse_shape, metavar="N|NxC", help="such as 64 1M 100kx10"
    )
    parser.add_argument(
        "--dtype",
        nargs="+",
        type=lambda name: DTYPE_ALIASES.get(name, name),
        choices=DTYPES,
        default=["float32"],
        help="f32, f64, f16 and bf16 will do",
    )
    parser.add_argument("--threads", nargs="+", type=int, default=[1], help="default: 1")
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
    from bench.cells import DTYPE_ALIASES, DTYPES
    from bench.layouts import LOSSES

    parser = argparse.ArgumentParser("bench layouts", description="Layouts against contiguous.")
    parser.add_argument("--loss", nargs="+", default=LOSSES, metavar="NAME")
    parser.add_argument(
        "--dtype",
        type=lambda name: DTYPE_ALIASES.get(name, name),
        choices=DTYPES,
        default="float32",
        help="f32, f64, f16 and bf16 will do",
    )
    parser.add_argument("--only", default="", metavar="TEXT", help="part of a layout's name")
    output(parser)
    return parser


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
