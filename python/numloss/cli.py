"""The command line: options, and how they lead to a report. The work is in ``evaluation``."""

from __future__ import annotations

import argparse
import inspect
import io
import math
import re
import shutil
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import numloss
from numloss.evaluation.errors import DataError, EvaluationError, StoppedError, UsageError
from numloss.evaluation.paths import native, path_of, text_of
from numloss.evaluation.tables import printable, table
from numloss.evaluation.wording import in_command

if TYPE_CHECKING:
    from numloss.evaluation.evaluation import Evaluation
    from numloss.evaluation.files.dataset import Dataset
    from numloss.evaluation.gates import Limit
    from numloss.evaluation.losses_out import LossFile
    from numloss.evaluation.report import Origin
    from numloss.evaluation.result import EvaluationResult
    from numloss.evaluation.specs import LossSpec

#: Rows that a report names at most.
MOST_WORST = 1_000_000

#: Exit codes; 0 is success.
DATA_ERROR, USAGE_ERROR, ABOVE_LIMIT, SKIPPED = 1, 2, 3, 4

# Rows with the highest losses that a state knows and a page shows, unless --worst asks for others.
_KEPT_WORST = 10

_FORMATS = ("npy", "npz", "csv", "parquet", "arrow", "jsonl", "safetensors")

_EXIT_CODES = (
    "Exit codes: 0 success; 1 something is wrong in the files; 2 something is wrong in the "
    "command; 3 a number is beyond its limit (--fail-above, --fail-below, --fail-worse-than); 4 "
    "rows were skipped; 130 it was stopped."
)


class _Parser(argparse.ArgumentParser):
    """A parser that says what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        print(f"{self.prog}: error: {message}", file=sys.stderr)
        raise SystemExit(USAGE_ERROR)


class _Once(argparse.Action):
    """An option that may be given once: a second one would silently win."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option: str | None = None,
    ) -> None:
        seen = namespace.__dict__.setdefault("_seen", set())
        if self.dest in seen:
            parser.error(f"argument {option}: given twice")
        seen.add(self.dest)
        setattr(namespace, self.dest, values)


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    top = _Parser(prog="numloss", description="Loss functions for NumPy at the speed of memory.")
    top.add_argument("--version", action="version", version=f"numloss {numloss.__version__}")
    commands = top.add_subparsers(metavar="COMMAND", title="commands")
    for name, text, declare, command in (
        ("evaluate", "Compute losses of the predictions in a file.", _declare_evaluate, _evaluate),
        ("merge", "Merge states that --state wrote, and report them.", _declare_merge, _merge),
        ("show", "Report a state that --state wrote.", _declare_show, _show),
        (
            "losses",
            "List the losses with what is known of them and their options, or explain one.",
            _declare_losses,
            _losses,
        ),
        ("plot", "Draw losses, their gradients and Hessians.", _declare_plot, _plot),
        (
            "completion",
            "Print a script that completes the command line in a shell.",
            _declare_completion,
            _completion,
        ),
        ("info", "Show versions, instruction set and threads.", lambda _: None, _info),
    ):
        made = commands.add_parser(
            name, help=text, description=text, epilog=_EXIT_CODES if name == "evaluate" else None
        )
        declare(made)
        made.set_defaults(command=command)
    return top


def _once(to: argparse._ActionsContainer, *names: str, **options: Any) -> None:
    to.add_argument(*names, action=_Once, **options)


def _declare_evaluate(to: argparse.ArgumentParser) -> None:
    to.add_argument(
        "predictions",
        nargs="+",
        help="files of predictions: .npy, .npz, .csv, .tsv, .parquet, .arrow, .feather, .jsonl or "
        ".safetensors; patterns such as 'part-*.parquet'; folders of parts; URIs such as "
        "s3://bucket/part-*.parquet; - for standard input (an Arrow stream, CSV or JSON lines)",
    )
    to.add_argument(
        "--loss",
        "-l",
        action="append",
        required=True,
        metavar="LOSS",
        help="loss to compute, with its options: mse, focal:gamma=2; may be repeated; "
        "`numloss losses` lists them",
    )
    roles = to.add_argument_group("columns")
    _once(roles, "--targets", "-T", metavar="FILE", help="file of targets, if another one")
    _once(
        roles,
        "--prediction",
        "-p",
        metavar="NAMES",
        help="column or array of predictions; or several, as a list with commas or a pattern: "
        "'logit_*'. Default: the one named prediction, pred, y_pred, logit, score, prob or "
        "probability (or their plurals), or a series of it such as logit_0, logit_1",
    )
    _once(
        roles,
        "--target",
        "-t",
        metavar="NAMES",
        help="column or array of targets; several hold a probability per class. Default: the one "
        "named target, label, y, y_true or truth (or their plurals)",
    )
    _once(
        roles,
        "--weight",
        "-w",
        metavar="NAME",
        help="column or array of weights, or a file of them",
    )
    _once(
        roles,
        "--compare",
        metavar="NAMES",
        help="predictions of another model on the same rows: columns, or files (one, several with "
        "commas between, a pattern, a folder) with as many rows in the same order, with --id in "
        "any",
    )
    _once(
        roles,
        "--id",
        metavar="NAME",
        help="column by which rows of the files of --compare are matched, in any order; "
        "default: they are in the same order",
    )
    roles.add_argument(
        "--by",
        "-b",
        action="append",
        default=[],
        metavar="NAME",
        help="column to break the report down by, or its file; repeated, or several with commas "
        "between, each combination of their values is a group",
    )
    _once(
        roles,
        "--cluster",
        metavar="NAME",
        help="column of what ties rows together that are not independent, such as user or "
        "document: standard errors and intervals are then those of independent clusters",
    )
    _once(
        roles,
        "--positive",
        metavar="VALUE",
        help="value of the target that is the positive class; others are not",
    )
    _once(
        roles,
        "--classes",
        metavar="NAMES",
        help="what the target calls the classes, in the order of the prediction's columns: a,b,c",
    )
    scale = roles.add_mutually_exclusive_group()
    scale.add_argument(
        "--from-logits",
        dest="scale",
        action="store_const",
        const="logits",
        help="the predictions are logits, whatever their column is named",
    )
    scale.add_argument(
        "--from-probabilities",
        dest="scale",
        action="store_const",
        const="probabilities",
        help="the predictions are probabilities: losses of logits take their "
        "logarithm, those of two classes their log-odds",
    )
    reports = _declare_output(to)
    reports.add_argument(
        "--calibration",
        action="store_true",
        help="show how often what is forecast with a probability comes: the reliability curve, and "
        "the expected calibration error",
    )
    reports.add_argument(
        "--auc",
        action="store_true",
        help="show ROC-AUC and average precision of two classes",
    )
    reports.add_argument(
        "--resample",
        action="store_true",
        help="standard errors of a jackknife of 1000 buckets, into which rows, or clusters, are "
        "hashed by what they are called",
    )
    _once(
        reports,
        "--worst-columns",
        metavar="NAMES",
        help="columns to show of the rows that --worst names: id,text or a pattern",
    )
    _once(
        reports,
        "--losses-out",
        type=path_of,
        metavar="FILE",
        help="write the losses of every row: .parquet, .arrow, .feather or .csv",
    )
    reading = to.add_argument_group("reading")
    _once(
        reading,
        "--format",
        choices=_FORMATS,
        metavar="FORMAT",
        help=f"format of files whose names do not tell: {', '.join(_FORMATS)}",
    )
    _once(reading, "--delimiter", metavar="CHAR", help="delimiter of CSV files; default: comma")
    reading.add_argument(
        "--header",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="without one, columns are named f0, f1, ...",
    )
    _once(
        reading,
        "--chunk-rows",
        type=_count,
        metavar="N",
        help="rows computed at a time; changes memory and speed, not results",
    )
    _once(
        reading,
        "--max-groups",
        type=_count,
        default=2_000_000,
        metavar="N",
        help="most groups that --by may find (default: 2 000 000)",
    )
    _once(
        reading,
        "--threads",
        type=_count,
        metavar="N",
        help="threads; changes speed, not results (default: as many as the process may use)",
    )
    _once(
        reading,
        "--on-error",
        choices=("fail", "skip"),
        default="fail",
        metavar="fail|skip",
        help="what to do about a row that something is wrong with: end with code 1, or leave it "
        "out, say so, and end with code 4",
    )
    _once(
        reading,
        "--scheduler",
        metavar="ADDRESS",
        help="let the workers of a Dask scheduler do the work, as tcp://host:8786; --threads are "
        "those of a task then, 1 by default",
    )
    _once(reading, "--limit", type=_count, metavar="N", help="read the first N rows alone")
    _once(
        reading,
        "--max-memory",
        type=_size,
        metavar="SIZE",
        help="most memory of the process, as 500M or 4G: beyond, it ends with a message",
    )
    reading.add_argument(
        "--resume",
        action="store_true",
        help="go on from the file of --state, if it is there: a run that was stopped or killed "
        "continues, and ends with the same digits",
    )


def _declare_output(to: argparse.ArgumentParser) -> argparse._ActionsContainer:
    reports = to.add_argument_group("reports")
    forms = reports.add_mutually_exclusive_group()
    forms.add_argument(
        "--json", dest="form", action="store_const", const="json", help="report as a JSON document"
    )
    forms.add_argument(
        "--markdown",
        dest="form",
        action="store_const",
        const="markdown",
        help="report as Markdown tables",
    )
    _once(
        reports, "--output", "-o", type=path_of, metavar="FILE", help="write the report to a file"
    )
    _once(
        reports,
        "--html",
        type=path_of,
        metavar="FILE",
        help="write the report as a page with pictures, which runs no script and loads nothing",
    )
    _once(
        reports,
        "--metrics",
        type=path_of,
        metavar="FILE",
        help="write a flat tree of numbers as JSON, as DVC and MLflow take it",
    )
    _once(
        reports,
        "--prom",
        type=path_of,
        metavar="FILE",
        help="write gauges in Prometheus's text format",
    )
    _once(
        reports,
        "--state",
        type=path_of,
        metavar="FILE",
        help="write the state, which `numloss merge` and `numloss show` read",
    )
    _once(
        reports,
        "--worst",
        type=_worst,
        default=0,
        metavar="N",
        help="also name the N rows with the highest losses",
    )
    reports.add_argument(
        "--fail-above",
        action="append",
        default=[],
        metavar="LOSS=MAX",
        help="exit with code 3 if the mean is above the limit, or NaN; may be repeated; also "
        "expected_calibration_error and maximum_calibration_error, with --calibration",
    )
    reports.add_argument(
        "--fail-below",
        action="append",
        default=[],
        metavar="NAME=MIN",
        help="exit with code 3 if the mean of what is better the higher, such as accuracy, or "
        "roc_auc or average_precision with --auc, is not known to be at least the limit; may be "
        "repeated",
    )
    _once(
        reports,
        "--confidence",
        type=_level,
        metavar="LEVEL",
        help="show intervals of the means, that hold the true one with this probability: 0.95",
    )
    _once(
        reports,
        "--fail-worse-than",
        type=path_of,
        metavar="STATE",
        help="exit with code 3 if a mean is worse than that of a state, by more than noise "
        "explains with --confidence (default: 0.95)",
    )
    _once(
        reports,
        "--margin",
        type=_margin,
        default=0.0,
        metavar="M",
        help="how much worse than --fail-worse-than is allowed (default: 0)",
    )
    return reports


def _declare_merge(to: argparse.ArgumentParser) -> None:
    to.add_argument("states", nargs="+", type=path_of, help="files that --state wrote")
    _declare_output(to)


def _declare_show(to: argparse.ArgumentParser) -> None:
    to.add_argument(
        "states", nargs=1, type=path_of, metavar="state", help="file that --state wrote"
    )
    _declare_output(to)


def _declare_losses(to: argparse.ArgumentParser) -> None:
    to.add_argument("name", nargs="?", help="show the documentation of this loss")


def _declare_plot(to: argparse.ArgumentParser) -> None:
    from numloss.evaluation.specs import SECONDS

    to.add_argument(
        "losses",
        nargs="+",
        metavar="LOSS",
        help="loss to draw, with its options: mse, huber:delta=0.5; several share one picture",
    )
    _once(
        to,
        "--from",
        dest="start",
        type=_number,
        metavar="A",
        help="where the range of the prediction begins",
    )
    _once(to, "--to", dest="stop", type=_number, metavar="B", help="where it ends")
    _once(
        to,
        "--target",
        type=_number,
        metavar="V",
        help="target; default: 0, the positive class of two, the first of several",
    )
    _once(
        to,
        *(f"--{name}" for name in SECONDS),
        dest="second",
        type=_number,
        default=1.0,
        metavar="V",
        help="the second prediction, as the loss calls it (default: 1)",
    )
    _once(
        to,
        "--classes",
        type=lambda text: _whole(text, 2),
        metavar="N",
        help="classes of losses over classes (default: 3, or as many as their options are for)",
    )
    to.add_argument(
        "--option",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="option of the only loss; may be repeated, and written as --NAME VALUE: --delta 0.5",
    )
    _once(
        to,
        "--output",
        "-o",
        type=path_of,
        metavar="FILE",
        help="write the picture to a file: .svg, .png or .pdf; default: draw it here",
    )


def _declare_completion(to: argparse.ArgumentParser) -> None:
    to.add_argument("shell", choices=("bash", "zsh", "fish"), help="bash, zsh or fish")


def _number(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not abs(number) <= 1e100:  # its square is finite
        raise argparse.ArgumentTypeError(f"must be a number from -1e100 to 1e100, got {text!r}")
    return number


def _level(text: str) -> float:
    level = _number(text)
    if not 0 < level < 1:
        raise argparse.ArgumentTypeError(f"must lie between 0 and 1, got {text!r}")
    return level


def _margin(text: str) -> float:
    margin = _number(text)
    if margin < 0:
        raise argparse.ArgumentTypeError(f"must be at least 0, got {text!r}")
    return margin


def _size(text: str) -> int:
    match = re.fullmatch(r"(\d{1,9}(?:\.\d{1,9})?)([KMGT])(?:i?B)?", text.strip(), re.IGNORECASE)
    if match is None:
        raise argparse.ArgumentTypeError(f"must be a size as 500M or 4G, got {text!r}")
    return int(float(match[1]) * 1024 ** ("KMGT".index(match[2].upper()) + 1))


def _count(text: str) -> int:
    return _whole(text, 1)


def _worst(text: str) -> int:
    number = _whole(text, 0)
    if number > MOST_WORST:
        raise argparse.ArgumentTypeError(f"must be at most {MOST_WORST}, got {number}")
    return number


def _whole(text: str, least: int) -> int:
    if not (text.isascii() and text.isdigit() and least <= int(text[:18]) and len(text) <= 18):
        raise argparse.ArgumentTypeError(
            f"must be a whole number of at least {least}, got {text!r}"
        )
    return int(text)


# ------------------------------------------------------------------------------------- commands


def _evaluate(options: argparse.Namespace) -> int:
    from numloss._core import end_on_abort
    from numloss.evaluation.comparison import value_names
    from numloss.evaluation.files.dataset import Dataset
    from numloss.evaluation.files.inputs import Request
    from numloss.evaluation.files.source import Format
    from numloss.evaluation.gates import parse_limits
    from numloss.evaluation.kept import Kept
    from numloss.evaluation.memory import limit_memory
    from numloss.evaluation.output import write_file
    from numloss.evaluation.progress import progress
    from numloss.evaluation.run import add_columns, evaluate_files
    from numloss.evaluation.specs import parse_loss

    losses: dict[str, LossSpec] = {}
    for text in options.loss:
        if text in losses:
            raise UsageError(f"--loss {text}: given twice")
        losses[text] = parse_loss(text)
    kept = Kept(
        max(options.worst, _KEPT_WORST if options.state or options.html else 0),
        options.resample,
        options.calibration,
        options.auc,
    )
    limits = parse_limits(options.fail_above, options.fail_below, losses, kept)
    baseline = _baseline(options, losses.values())
    if options.delimiter is not None and len(options.delimiter.encode()) != 1:
        raise UsageError(f"--delimiter must be one character, got {options.delimiter!r}")
    if options.max_memory is not None:
        limit_memory(options.max_memory)
    end_on_abort(
        f"numloss evaluate: error: {printable(options.predictions[0])}: a damaged file: its reader "
        "gave up\n"
    )
    data = Dataset(
        Request.of(
            [native(name) for name in options.predictions],
            targets=options.targets and native(options.targets),
            prediction=options.prediction,
            target=options.target,
            weight=options.weight,
            by=options.by,
            positive=options.positive,
            classes=options.classes,
            scale=options.scale,
            limit=options.limit,
            compare=options.compare,
            id=options.id,
            cluster=options.cluster,
            format=Format(options.format, options.delimiter, options.header),
        )
    )
    _check_rows_wanted(options, data)
    _check_outputs(options, [file.path for file in data.files if file.path is not None])
    resumed = _resumed(options)
    stop = threading.Event()
    with (
        progress() as advance,
        _stopped_by_signals(stop, options.state is not None),
        _losses_out(options, value_names(losses, data.compare)) as writer,
    ):
        evaluation = _evaluator(options, evaluate_files, writer)(
            data,
            losses,
            kept,
            chunk_rows=options.chunk_rows,
            max_groups=options.max_groups,
            threads=options.threads,
            resume=resumed,
            keep=_keeper(options),
            stop=stop,
            skip=options.on_error == "skip",
            on_progress=advance,
            warn=_warn,
        )
        if stop.is_set():  # no file of losses takes its place in part
            write_file(options.state, evaluation.to_bytes())
            raise StoppedError(
                f"stopped: {evaluation.rows} rows are in {printable(options.state)}; --resume goes "
                "on"
            )

    def complete(result: EvaluationResult) -> None:
        if options.worst_columns is not None:
            add_columns(data, result, options.worst_columns, options.worst)

    return _report(options, evaluation, data.origin(evaluation.rows), limits, baseline, complete)


def _evaluator(
    options: argparse.Namespace, here: Callable[..., Evaluation], writer: LossFile | None
) -> Callable[..., Evaluation]:
    """Return what evaluates: this process, or the workers of a scheduler."""
    if options.scheduler is None:
        return partial(here, writer=writer)
    try:
        from numloss.evaluation.dask import evaluate_on
    except ImportError as error:
        raise UsageError(f"--scheduler: {error}") from error
    return partial(evaluate_on, options.scheduler, writer=writer)


def _check_rows_wanted(options: argparse.Namespace, data: Dataset) -> None:
    """Refuse columns that are not there, and losses of rows that an earlier run took."""
    from numloss.evaluation.files.rows import columns_of
    from numloss.evaluation.losses_out import check_ending

    if options.worst_columns is not None:
        if not options.worst:
            raise UsageError("--worst-columns shows columns of the rows of --worst N: say how many")
        columns_of(data.first, options.worst_columns)
    if options.losses_out is not None:
        check_ending(options.losses_out)
        if options.resume:
            raise UsageError("--losses-out has all rows, and --resume only those that are left")


def _losses_out(
    options: argparse.Namespace, losses: Iterable[str]
) -> AbstractContextManager[LossFile | None]:
    if options.losses_out is None:
        return nullcontext()
    from numloss.evaluation.losses_out import writing

    return writing(options.losses_out, list(losses))


def _resumed(options: argparse.Namespace) -> Evaluation | None:
    """Return the state to go on from."""
    if not options.resume:
        return None
    if options.state is None:
        raise UsageError("--resume goes on from the file of --state: name one")
    return _read_state(options.state) if options.state.exists() else None


def _keeper(options: argparse.Namespace) -> Callable[[Evaluation], None] | None:
    """Return what writes the state now and then, if it is to be written."""
    from numloss.evaluation.output import write_file

    path: Path | None = options.state
    if path is None:
        return None
    return lambda evaluation: write_file(path, evaluation.to_bytes())


@contextmanager
def _stopped_by_signals(stop: threading.Event, wanted: bool) -> Iterator[None]:
    """Let Ctrl-C and SIGTERM end the reading, and nothing else, where a state is written then."""
    if not wanted or threading.current_thread() is not threading.main_thread():
        yield
        return
    signals = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, lambda *_: stop.set()) for number in signals]
    try:
        yield
    finally:
        for number, handler in zip(signals, before, strict=True):
            signal.signal(number, handler)


def _merge(options: argparse.Namespace) -> int:
    from numloss.evaluation.gates import parse_limits
    from numloss.evaluation.report import Origin

    _check_outputs(options, options.states)
    whole: Evaluation | None = None
    for path in options.states:
        part = _read_state(path)
        if whole is None:
            whole = part
        else:
            try:
                whole.merge(part)
            except ValueError as error:
                raise DataError(f"{printable(path)}: {error}") from error
    assert whole is not None
    limits = parse_limits(options.fail_above, options.fail_below, whole._losses, whole._kept)
    names = ", ".join(map(printable, options.states[:3]))
    more = f", ... ({len(options.states)} states)" if len(options.states) > 3 else ""
    by = f"; by {', '.join(map(printable, whole.by))}" if whole.by else ""
    origin = Origin(
        f"{names}{more}: {whole.rows} rows{by}",
        {"by": None},
        names=tuple(printable(text_of(path)) for path in options.states),
    )
    return _report(options, whole, origin, limits, _baseline(options, whole._losses.values()))


_show = _merge


def _baseline(options: argparse.Namespace, losses: Iterable[LossSpec]) -> EvaluationResult | None:
    """Return what the state of --fail-worse-than says, before anything else is read."""
    from numloss.evaluation.gates import counterpart

    path: Path | None = options.fail_worse_than
    if path is None:
        if options.margin:
            raise UsageError("--margin belongs to --fail-worse-than")
        return None
    if options.confidence is not None and options.confidence < 0.5:
        raise UsageError(
            f"--confidence {options.confidence:g}: --fail-worse-than needs at least 0.5"
        )
    baseline = _read_state(path)._result((), True)
    for spec in losses:
        counterpart(spec, baseline)
    return baseline


def _read_state(path: Path) -> Evaluation:
    from numloss.evaluation.evaluation import Evaluation

    try:
        return Evaluation.from_bytes(path.read_bytes())
    except OSError as error:
        raise DataError(f"{printable(path)}: cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise DataError(f"{printable(path)}: {error}") from error


def _losses(options: argparse.Namespace) -> int:
    from numloss._catalog import TITLES, described
    from numloss.evaluation.specs import known, options_of, parse_loss
    from numloss.plain import documentation, summary

    if options.name is not None:
        columns = min(shutil.get_terminal_size().columns, 100)
        spec = parse_loss(options.name)
        print(documentation(inspect.getdoc(spec.loss) or "", columns))
        for known_loss in numloss.losses():
            if known_loss.name == spec.name:
                print("\n".join(["", "Facts", *described(known_loss)]))
        return 0
    cells = {facts.name: facts.cells() for facts in numloss.losses()}
    rows = []
    for name, loss in known().items():
        taken = [
            key if value.default is value.empty else f"{key}={value.default}"
            for key, value in options_of(loss).items()
        ]
        of_it = cells.get(name, ["metric", *[""] * (len(TITLES) - 1)])
        rows.append([name, *of_it, ", ".join(taken), summary(inspect.getdoc(loss) or "")])
    titles = ["loss", *TITLES, "options", ""]
    print("\n".join(table(titles, rows, left=len(titles))))
    return 0


def _plot(options: argparse.Namespace) -> int:
    from numloss import plot
    from numloss.evaluation.output import check_outputs, write_file

    path: Path | None = options.output
    if path is not None:
        plot.check_ending(path)
        check_outputs([("--output", path)], [])
    setting = plot.Setting(
        options.start, options.stop, options.target, options.second, options.classes
    )
    curves = plot.curves_of(plot.parse_losses(options.losses, options.option), setting)
    if path is not None:
        write_file(path, plot.picture(curves, path.suffix))
    else:
        _print(plot.text(curves, shutil.get_terminal_size().columns, sys.stdout.isatty()))
    return 0


def _completion(options: argparse.Namespace) -> int:
    from numloss.completion import script

    _print(script(parser(), options.shell))
    return 0


def _info(_: argparse.Namespace) -> int:
    numloss.show_config()
    return 0


# -------------------------------------------------------------------------------------- reports


def _outputs(options: argparse.Namespace) -> list[tuple[str, Path]]:
    """Return the files to be written, with the options that name them."""
    named = {
        "--output": options.output,
        "--html": options.html,
        "--metrics": options.metrics,
        "--prom": options.prom,
        "--state": options.state,
        "--losses-out": getattr(options, "losses_out", None),
    }
    return [(option, path) for option, path in named.items() if path is not None]


def _check_outputs(options: argparse.Namespace, inputs: Iterable[Path]) -> None:
    """Refuse, before anything is read, what could not be written in the end."""
    from numloss.evaluation.output import check_outputs

    if options.html is not None:
        from numloss.evaluation.page import engine

        engine()
    check_outputs(_outputs(options), inputs)


def _report(
    options: argparse.Namespace,
    evaluation: Evaluation,
    origin: Origin,
    limits: Sequence[Limit],
    baseline: EvaluationResult | None,
    complete: Callable[[EvaluationResult], None] = lambda result: None,
) -> int:
    from numloss.evaluation.output import write_file
    from numloss.evaluation.report import write_metrics, write_page, write_prometheus

    if options.state is not None:
        write_file(options.state, evaluation.to_bytes())
    result = evaluation._result((0.5, 0.95, 0.99), True, options.confidence)
    result.skips = [(source, row, in_command(text)) for source, row, text in evaluation._skips]
    complete(result)
    if options.html is not None:
        page = write_page(origin, result, options.words, options.worst or _KEPT_WORST)
        write_file(options.html, page)
    if options.metrics is not None:
        write_file(options.metrics, write_metrics(result))
    if options.prom is not None:
        write_file(options.prom, write_prometheus(result))
    text = _text(options, origin, result)
    if options.output is not None:
        write_file(options.output, text)
    else:
        _print(text)
    _warn_of_nan(result)
    return _verdict(options, limits, baseline, result)


def _text(options: argparse.Namespace, origin: Origin, result: EvaluationResult) -> str:
    from numloss.evaluation import report

    if options.form == "json":
        return report.write_json(origin, result)
    if options.form == "markdown":
        return report.write_markdown(origin, result)
    bold = options.output is None and sys.stdout.isatty()
    text = report.write_text(origin, result, bold)
    for loss in result.losses.values() if options.worst else ():
        if loss.spec.higher_is_better:
            continue
        lines = report.worst_table(loss, options.worst)
        text += "\n".join(["", f"{printable(loss.name)}: highest losses", *lines, ""])
    return text


def _print(text: str) -> None:
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except OSError as error:
        raise DataError(f"the report cannot be written: {error.strerror}") from error


def _warn(message: str) -> None:
    print(f"numloss: warning: {printable(in_command(message))}", file=sys.stderr)


def _warn_of_nan(result: EvaluationResult) -> None:
    others = (part for c in result.comparisons.values() for part in (c.losses, c.difference))
    for loss in (*result.losses.values(), *others):
        total = loss.total
        if total.nan:
            row = total.first_nan
            where = "" if row is None else f", first in row {row.row}"
            source = "" if row is None or row.source is None else f" of {printable(row.source)}"
            _warn(f"{loss.name} is NaN for {total.nan} of {total.count} examples{where}{source}")


def _verdict(
    options: argparse.Namespace,
    limits: Sequence[Limit],
    baseline: EvaluationResult | None,
    result: EvaluationResult,
) -> int:
    """Return the exit code, and say why it is not 0."""
    from numloss.evaluation.gates import beyond, worse

    failures = list(beyond(limits, result))
    if baseline is not None:
        failures += worse(result, baseline, options.margin, options.confidence or 0.95)
    for failure in failures:
        print(f"numloss: {failure}", file=sys.stderr)
    return ABOVE_LIMIT if failures else SKIPPED if result.skipped else 0


# ------------------------------------------------------------------------------------------ main


def main(arguments: Sequence[str]) -> int:
    """Run the command line as a process of its own; return its exit code."""
    if hasattr(signal, "SIGPIPE"):
        # End quietly, as other filters do, when the reader of a pipe has gone.
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    if isinstance(sys.stdout, io.TextIOWrapper):
        # What the encoding of a terminal has no character for is shown as its number.
        sys.stdout.reconfigure(errors="backslashreplace")
    return run([text_of(argument) for argument in arguments])


def run(arguments: Sequence[str]) -> int:
    """Run the command line; return its exit code."""
    top = parser()
    if not arguments:
        top.print_help()
        return USAGE_ERROR
    if arguments[0] == "plot":
        from numloss.plot import gathered

        arguments = gathered(arguments)
    options = top.parse_args(arguments)
    options.words = arguments
    command: Callable[[argparse.Namespace], int] = options.command
    try:
        return command(options)
    except EvaluationError as error:
        return _fail(arguments[0], in_command(error.marked), error.exit_code)
    except KeyboardInterrupt:
        return _fail(arguments[0], "interrupted", StoppedError.exit_code)
    except MemoryError:
        return _fail(arguments[0], _out_of_memory(options), DATA_ERROR)


def _out_of_memory(options: argparse.Namespace) -> str:
    limit = getattr(options, "max_memory", None)
    if limit is None:
        return "out of memory: try a smaller --chunk-rows"
    return f"out of the {limit >> 20} MB of --max-memory: allow more, or try a smaller --chunk-rows"


def _fail(command: str, message: str, code: int) -> int:
    print(f"numloss {command}: error: {printable(message)}", file=sys.stderr)
    return code
