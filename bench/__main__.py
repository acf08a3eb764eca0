"""The command line: ``python -m bench [COMMAND] [--help]``; `COMMANDS` has them."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

from bench import machine

T = TypeVar("T")


def main(arguments: list[str]) -> None:
    """Run one command; without a name it is ``cells``. Its parser is the function's docstring."""
    named = bool(arguments) and arguments[0] in COMMANDS
    name, rest = (arguments[0], arguments[1:]) if named else ("cells", arguments)
    command = COMMANDS[name]
    commands = f"commands: {', '.join(COMMANDS)}; 'cells' where none is named"
    parser = argparse.ArgumentParser(
        f"bench {name}", description=command.__doc__, epilog=commands if name == "cells" else None
    )
    command(parser, rest)


def cells_command(parser: argparse.ArgumentParser, arguments: list[str]) -> None:
    """Time numloss beside other libraries."""
    # Before NumPy is imported: some libraries read the number of CPUs once.
    early = argparse.ArgumentParser("bench", add_help=False)
    early.add_argument("--threads", type=argument(thread_count), default=1)
    threads = early.parse_known_args(arguments)[0].threads
    machine.pin(threads)
    from bench import timing
    from bench.cells import DTYPES, FLAT, MODES, ROWS, cells, of_page, parse_shape, shape_name
    from bench.contestants import PEERS
    from bench.run import run

    add_losses(parser)
    parser.add_argument("--mode", nargs="+", choices=MODES, default=["value", "value+grad"])
    parser.add_argument(
        "--size",
        nargs="+",
        type=argument(parse_shape),
        default=FLAT + ROWS,
        metavar="N|NxC",
        help="as 64 1M 100kx10",
    )
    parser.add_argument("--dtype", nargs="+", choices=DTYPES, default=["float32"])
    parser.add_argument("--threads", type=argument(thread_count), help="default: 1")
    parser.add_argument(
        "--peer", nargs="*", choices=PEERS, help="default: all installed, but for torch_compile"
    )
    parser.add_argument("--page", action="store_true", help="all that docs/performance.md needs")
    options = measured(parser, arguments)
    found = cells(options.loss, options.mode, options.size, options.dtype, threads)
    if options.page:
        found = of_page(options.loss, threads)
    if not found:
        got = f"{', '.join(map(shape_name, options.size))} for {', '.join(options.loss)}"
        parser.error(
            "argument --size: needs a shape that one of the losses takes (N for elements, NxC for"
            f" classes), got {got}"
        )
    budget = timing.QUICK if options.quick else timing.FULL
    present(options, "cells", run(found, budget, options.peer))


def layouts_command(parser: argparse.ArgumentParser, arguments: list[str]) -> None:
    """Time numloss on arrays that are not contiguous, beside contiguous ones."""
    machine.pin(1)
    from bench import beside, layouts

    add_losses(parser)
    add_dtype(parser)
    parser.add_argument("--only", default="", metavar="TEXT", help="part of a layout's name")
    options = measured(parser, arguments)
    if not any(layouts.selected(options.loss, options.only)):
        names = ", ".join(dict.fromkeys(one.name for _, one in layouts.selected(options.loss)))
        parser.error(f"argument --only: needs a part of one of {names}; got {options.only!r}")
    budget = beside.QUICK if options.quick else beside.FULL
    rows = layouts.measure(options.loss, options.dtype, budget, options.only)
    present(options, "layouts", rows)


def options_command(parser: argparse.ArgumentParser, arguments: list[str]) -> None:
    """Time options, such as weights and soft labels, beside the plain call."""
    machine.pin(1)
    from bench import beside
    from bench import options as measuring

    add_losses(parser)
    add_dtype(parser)
    options = measured(parser, arguments)
    budget = beside.QUICK if options.quick else beside.FULL
    rows = measuring.measure(options.loss, options.dtype, budget)
    present(options, "options", rows)


def threads_command(parser: argparse.ArgumentParser, arguments: list[str]) -> None:
    """Time several threads beside one."""
    machine.settle_allocator()
    from bench import threads, timing

    add_losses(parser)
    everyone = [len(machine.ALL_CPUS)]
    parser.add_argument("--threads", type=argument(thread_count), nargs="+", default=everyone)
    options = measured(parser, arguments)
    budget = timing.QUICK if options.quick else timing.FULL
    rows = threads.measure(options.loss, options.threads, budget)
    present(options, "threads", rows)


def callers_command(parser: argparse.ArgumentParser, arguments: list[str]) -> None:
    """Time many threads that call at once beside one."""
    parser.add_argument("--callers", type=int, default=64, help="default: 64")
    parser.add_argument("--rounds", type=int, default=15, help="default: 15")
    options = parser.parse_args(arguments)
    for name, least in (("callers", 1), ("rounds", 2)):
        if getattr(options, name) < least:
            parser.error(f"argument --{name}: needs {least} or more, got {getattr(options, name)}")
    machine.settle_allocator()
    from bench import threads

    print(threads.callers(options.callers, options.rounds))


def show_command(parser: argparse.ArgumentParser, arguments: list[str]) -> None:
    """Print the tables of files of results again."""
    from bench import results, tables

    for run in results.merged(files(parser, arguments, nargs="+")):
        print(*tables.of_run(run), sep="\n")


def compare_command(parser: argparse.ArgumentParser, arguments: list[str]) -> None:
    """Print the times of two files of results, and their ratio."""
    from bench import tables

    old, new, *more = files(parser, arguments, nargs=2)
    if more:
        parser.error("argument FILE: needs files of one run each")
    print(*tables.comparison(old, new), sep="\n")


def goals_command(parser: argparse.ArgumentParser, arguments: list[str]) -> None:
    """Print which goals of the developers the files of results do not reach."""
    from bench import goals, results

    for run in results.merged(files(parser, arguments, nargs="+")):
        print(*goals.lines(run), sep="\n")


def page_command(parser: argparse.ArgumentParser, arguments: list[str]) -> None:
    """Put files of results into docs/performance.json, and write the page and its pictures."""
    from bench import page

    page.write(files(parser, arguments, nargs="*"))


def files(parser: argparse.ArgumentParser, arguments: list[str], nargs: Any) -> list[Any]:
    """Return the runs of the files that are named."""
    from bench import results

    read = argument(lambda text: results.read(Path(text)))
    parser.add_argument("files", type=read, nargs=nargs, metavar="FILE")
    return [run for runs in parser.parse_args(arguments).files for run in runs]


def add_losses(parser: argparse.ArgumentParser) -> None:
    """Add the option that chooses losses."""
    import numloss

    # What is measured are losses of numbers and of rows against a target.
    apart = {*numloss.similarity.__all__, *numloss.sequence.__all__}
    names = tuple(name for name in numloss.LOSSES if name not in apart)
    parser.add_argument("--loss", nargs="+", choices=names, default=names, metavar="NAME")


def add_dtype(parser: argparse.ArgumentParser) -> None:
    """Add the option that chooses one dtype."""
    from bench.cells import DTYPES

    parser.add_argument("--dtype", choices=DTYPES, default="float32")


def measured(parser: argparse.ArgumentParser, arguments: list[str]) -> argparse.Namespace:
    """Add the options of every command that measures, and read all of them."""
    parser.add_argument("--quick", action="store_true", help="short samples")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results")
    return parser.parse_args(arguments)


def present(options: argparse.Namespace, name: str, rows: Iterable[dict[str, Any]]) -> None:
    """Measure all rows, write the file that was asked for, and print the tables."""
    from bench import results, tables

    run = {"machine": machine.describe(), name: list(rows)}
    run = json.loads(results.text(run))  # as it is read again
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(results.text(run) + "\n")
    print(*tables.of_run(run), sep="\n")


def argument(read: Callable[[str], T]) -> Callable[[str], T]:
    """Return what reads an argument and lets argparse name it beside what was wrong."""

    def reading(text: str) -> T:
        try:
            return read(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from error

    return reading


def evaluate_command(parser: argparse.ArgumentParser, arguments: list[str]) -> None:
    """Time `numloss evaluate` as a process, beside polars, DuckDB, pandas and others."""
    from bench.commands import evaluations

    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args(arguments)
    for line in evaluations(options.rows, options.rounds):
        print(line)


def asked_command(parser: argparse.ArgumentParser, arguments: list[str]) -> None:
    """Time calibration, clusters and all else that may be asked, beside one loss alone."""
    from bench.commands import asked

    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args(arguments)
    for line in asked(options.rows, options.rounds):
        print(line)


def accumulate_command(parser: argparse.ArgumentParser, arguments: list[str]) -> None:
    """Time what the state of an evaluation takes for a value, on one thread."""
    machine.pin(1)
    from bench.commands import accumulation

    parser.add_argument("--values", type=int, default=5_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args(arguments)
    for line in accumulation(options.values, options.rounds):
        print(line)


def formats_command(parser: argparse.ArgumentParser, arguments: list[str]) -> None:
    """Time the evaluation of files of several formats beside reading them."""
    from bench.commands import formats

    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--large", type=int, metavar="ROWS", help="rows of 10 classes, float16")
    options = parser.parse_args(arguments)
    for line in formats(options.rows, options.rounds, options.large):
        print(line)


def linear_command(parser: argparse.ArgumentParser, arguments: list[str]) -> None:
    """Time linear cross-entropy beside its matrix products alone, and measure its memory."""
    pin_before_imports(arguments, len(machine.ALL_CPUS))
    from bench.linear import ASKED, against_products

    parser.add_argument("--threads", type=argument(thread_count), help="default: all CPUs")
    parser.add_argument("--rows", type=int, default=2048)
    parser.add_argument("--width", type=int, default=1024, help="hidden numbers of a row")
    parser.add_argument("--classes", type=int, default=128_256)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--asked", nargs="+", choices=ASKED, default=["plain"])
    parser.add_argument("--max-memory", type=int, default=128_000_000, metavar="BYTES")
    options = parser.parse_args(arguments)
    need_1_or_more(parser, options, ("rows", "width", "classes", "rounds", "max_memory"))
    shape = options.rows, options.width, options.classes
    for line in against_products(shape, options.rounds, options.asked, options.max_memory):
        print(line)


def embeddings_command(parser: argparse.ArgumentParser, arguments: list[str]) -> None:
    """Time losses over a batch of embeddings beside torch's formulas, and measure their memory."""
    pin_before_imports(arguments, 1)
    from bench.embeddings import against_torch

    parser.add_argument("--threads", type=argument(thread_count), default=1)
    parser.add_argument("--rows", type=int, default=4096)
    parser.add_argument("--width", type=int, default=128, help="numbers of an embedding")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args(arguments)
    need_1_or_more(parser, options, ("rows", "width", "rounds"))
    for line in against_torch((options.rows, options.width), options.rounds):
        print(line)


def pin_before_imports(arguments: list[str], default: int) -> None:
    """Give this process the CPUs that ``--threads`` says, before BLAS asks how many there are."""
    early = argparse.ArgumentParser("bench", add_help=False)
    early.add_argument("--threads", type=argument(thread_count), default=default)
    machine.pin(early.parse_known_args(arguments)[0].threads)


def need_1_or_more(
    parser: argparse.ArgumentParser, options: argparse.Namespace, names: tuple[str, ...]
) -> None:
    """Refuse numbers below 1."""
    for name in names:
        if getattr(options, name) < 1:
            option = name.replace("_", "-")
            parser.error(f"argument --{option}: needs 1 or more, got {getattr(options, name)}")


def thread_count(text: str) -> int:
    """Read a number of threads that this process has CPUs for."""
    most = len(machine.ALL_CPUS)
    if not text.isdecimal() or not 1 <= int(text) <= most:
        raise ValueError(f"needs a number from 1 to {most}, the CPUs of this process, got {text!r}")
    return int(text)


COMMANDS: dict[str, Callable[[argparse.ArgumentParser, list[str]], None]] = {
    "cells": cells_command,
    "layouts": layouts_command,
    "options": options_command,
    "threads": threads_command,
    "callers": callers_command,
    "evaluate": evaluate_command,
    "asked": asked_command,
    "accumulate": accumulate_command,
    "formats": formats_command,
    "linear": linear_command,
    "embeddings": embeddings_command,
    "show": show_command,
    "compare": compare_command,
    "goals": goals_command,
    "page": page_command,
}

if __name__ == "__main__":
    main(sys.argv[1:])
