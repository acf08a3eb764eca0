"""The command line: options, and how they lead to a report. The work is in ``evaluation``."""

from __future__ import annotations

import inspect
import math
import re
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import Enum
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

import numloss
from numloss.evaluation.errors import DataError, EvaluationError, UsageError
from numloss.evaluation.files.inputs import Inputs, Request
from numloss.evaluation.files.source import Format
from numloss.evaluation.names import closest
from numloss.evaluation.progress import progress
from numloss.evaluation.report import WIDE, print_tables, write_json
from numloss.evaluation.run import Result, evaluate
from numloss.evaluation.specs import LossSpec, options_of, parse_loss

#: Exit codes; 0 is success.
DATA_ERROR, USAGE_ERROR, ABOVE_LIMIT = 1, 2, 3

# Roles and literals in docstrings.
_MARKUP = re.compile(r"(?::\w+:)?`+([^`]*)`+")

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Loss functions for NumPy at the speed of memory.",
)


class FileFormat(str, Enum):
    """Formats of files."""

    npy = "npy"
    npz = "npz"
    csv = "csv"
    parquet = "parquet"


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"numloss {numloss.__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    pass


@app.command(
    "evaluate",
    epilog="Exit codes: 0 success; 1 something is wrong in the files; 2 something is wrong in the "
    "command; 3 a mean is above its --fail-above limit.",
)
def evaluate_command(
    predictions: Annotated[
        Path,
        typer.Argument(
            readable=False,  # checked later, with a message like the others
            help="File of predictions: .npy, .npz, .csv, .tsv or .parquet.",
        ),
    ],
    loss: Annotated[
        list[str],
        typer.Option(
            "--loss",
            "-l",
            metavar="LOSS",
            help="Loss to compute, with its options: mse, focal:gamma=2. "
            "May be repeated. `numloss losses` lists them.",
        ),
    ],
    targets: Annotated[
        Path | None,
        typer.Option(
            "--targets",
            "-T",
            metavar="FILE",
            readable=False,
            help="File of targets, if another one.",
        ),
    ] = None,
    prediction: Annotated[
        str | None,
        typer.Option(
            "--prediction",
            "-p",
            metavar="NAMES",
            help="Column or array of predictions; or several, as a list with commas or a pattern: "
            "'logit_*'. Default: the one named prediction, pred, y_pred, logit, score, prob or "
            "probability (or their plurals), or a series of it such as logit_0, logit_1.",
        ),
    ] = None,
    target: Annotated[
        str | None,
        typer.Option(
            "--target",
            "-t",
            metavar="NAMES",
            help="Column or array of targets; several hold a probability per class. "
            "Default: the one named target, label, y, y_true or truth (or their plurals).",
        ),
    ] = None,
    weight: Annotated[
        str | None,
        typer.Option(
            "--weight", "-w", metavar="NAME", help="Column or array of weights, or a file of them."
        ),
    ] = None,
    by: Annotated[
        str | None,
        typer.Option(
            "--by", "-b", metavar="NAME", help="Column to break the report down by, or its file."
        ),
    ] = None,
    positive: Annotated[
        str | None,
        typer.Option(
            metavar="VALUE", help="Value of the target that is the positive class; others are not."
        ),
    ] = None,
    fail_above: Annotated[
        list[str] | None,
        typer.Option(
            metavar="LOSS=MAX",
            help="Exit with code 3 if the mean is above the limit, or NaN. May be repeated.",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Report as a JSON document.")] = False,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="FILE", readable=False, help="Write the report to a file."
        ),
    ] = None,
    file_format: Annotated[
        FileFormat | None,
        typer.Option(
            "--format",
            metavar="FORMAT",
            help="Format of files whose names do not tell: npy, npz, csv or parquet.",
        ),
    ] = None,
    delimiter: Annotated[
        str | None,
        typer.Option(metavar="CHAR", help="Delimiter of CSV files. Default: comma."),
    ] = None,
    header: Annotated[
        bool,
        typer.Option("--header/--no-header", help="Without one, columns are named f0, f1, ..."),
    ] = True,
    chunk_rows: Annotated[
        int | None,
        typer.Option(
            min=1, metavar="N", help="Rows read at a time; changes memory and speed, not results."
        ),
    ] = None,
    max_groups: Annotated[
        int, typer.Option(min=1, metavar="N", help="Most groups that --by may find.")
    ] = 10_000,
) -> None:
    """Compute losses of the predictions in a file, and report their statistics."""
    with _told("evaluate"):
        specs = [parse_loss(text) for text in loss]
        limits = [_parse_limit(text, specs) for text in fail_above or []]
        if delimiter is not None and len(delimiter.encode()) != 1:
            raise UsageError(f"--delimiter must be one character, got {delimiter!r}")
        kind = Format(file_format and file_format.value, delimiter, header)
        inputs = Inputs(
            Request(predictions, targets, prediction, target, weight, by, positive, kind)
        )
        with progress() as advance:
            results = evaluate(
                inputs, specs, chunk_rows=chunk_rows, max_groups=max_groups, on_progress=advance
            )
        _write(inputs, results, as_json, output)
        _warn_of_nan(inputs, results)
        _enforce(limits, results)


@app.command("losses")
def losses_command(
    name: Annotated[str | None, typer.Argument(help="Show the documentation of this loss.")] = None,
) -> None:
    """List the losses with their options, or explain one."""
    if name is not None:
        with _told("losses"):
            typer.echo(inspect.getdoc(parse_loss(name).loss) or "")
        return
    table = Table("loss", "options", "", box=None, pad_edge=False, header_style="bold")
    for loss_name, loss in numloss.LOSSES.items():
        options = [f"{key}={value.default}" for key, value in options_of(loss).items()]
        summary = (inspect.getdoc(loss) or "").partition("\n")[0]
        table.add_row(
            loss_name, Text(", ".join(options)), Text(_MARKUP.sub(r"\1", summary).replace("\\", ""))
        )
    console = Console(width=None if sys.stdout.isatty() else WIDE, highlight=False)
    console.print(table)


def main() -> None:
    """Run the command line."""
    if hasattr(signal, "SIGPIPE"):
        # End quietly, as other filters do, when the reader of a pipe has gone.
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    app(prog_name="numloss")


@contextmanager
def _told(command: str) -> Iterator[None]:
    """Turn mistakes of the user's into one line and an exit code."""
    try:
        yield
    except EvaluationError as error:
        _fail(command, str(error), error.exit_code)
    except MemoryError:
        _fail(command, "out of memory: try a smaller --chunk-rows", DATA_ERROR)


def _fail(command: str, message: str, code: int) -> NoReturn:
    typer.echo(f"numloss {command}: error: {message}", err=True)
    raise typer.Exit(code)


def _parse_limit(text: str, specs: Sequence[LossSpec]) -> tuple[str, float]:
    """Parse ``loss=limit``, where the loss may be written with its options."""
    name, _, number = text.rpartition("=")
    known = [choice for spec in specs for choice in (spec.name, spec.text)]
    if name not in known:
        raise UsageError(
            f"--fail-above {text}: write LOSS=LIMIT with a loss of --loss{closest(name, known)}"
        )
    try:
        limit = float(number)
    except ValueError:
        limit = math.nan
    if math.isnan(limit):
        raise UsageError(f"--fail-above {text}: {number!r} is not a number")
    return name, limit


def _write(inputs: Inputs, results: Sequence[Result], as_json: bool, output: Path | None) -> None:
    try:
        stream = sys.stdout if output is None else output.open("w", encoding="utf-8")
    except OSError as error:
        raise DataError(f"{output}: cannot be written: {error.strerror}") from error
    try:
        if as_json:
            stream.write(write_json(inputs, results) + "\n")
        else:
            print_tables(stream, inputs, results)
        stream.flush()
    finally:
        if output is not None:
            stream.close()


def _warn_of_nan(inputs: Inputs, results: Sequence[Result]) -> None:
    for result in results:
        total = result.accumulator.total()
        if total.first_nan is not None:
            source = inputs.prediction.source
            typer.echo(
                f"numloss evaluate: warning: {result.spec.text} is NaN for {total.nan} of "
                f"{total.count} examples, first in {source.row(total.first_nan)} of {source.path}",
                err=True,
            )


def _enforce(limits: Sequence[tuple[str, float]], results: Sequence[Result]) -> None:
    exceeded = False
    for name, limit in limits:
        for spec, accumulator in ((r.spec, r.accumulator) for r in results):
            mean = accumulator.summary().mean
            # A mean that is NaN, or of nothing, is not known to be below.
            if name in (spec.name, spec.text) and not (mean is not None and mean <= limit):
                typer.echo(
                    f"numloss evaluate: the mean of {spec.text} is {mean}, above {limit}", err=True
                )
                exceeded = True
    if exceeded:
        raise typer.Exit(ABOVE_LIMIT)
