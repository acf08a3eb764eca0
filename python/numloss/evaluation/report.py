"""What a command says: tables for people, JSON and metrics for machines."""

from __future__ import annotations

import json
import math
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numloss
from numloss.evaluation.paths import without_secrets
from numloss.evaluation.result import (
    EvaluationResult,
    LossResult,
    Statistics,
    cells,
    loss_table,
    notes,
)
from numloss.evaluation.tables import Table, printable, table

#: Version of the layout of the JSON document; it grows with changes that break readers.
SCHEMA = 1
# What gauges say of a comparison.
_COMPARED = ("difference", "standard_error", "interval_low", "interval_high", "won")
# Letters of a value that a table shows of a row.
_LONGEST = 60


@dataclass(frozen=True)
class Role:
    """Columns of a file, and what they are to the evaluation."""

    file: str
    columns: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return what JSON says of it."""
        return {"file": self.file, "columns": list(self.columns)}


@dataclass(frozen=True)
class Origin:
    """Where the numbers of a report come from."""

    heading: str
    roles: Mapping[str, Role | None]
    files: int = 1  # of predictions; roles name the first
    names: tuple[str, ...] = ()  # of all of them, or of states


def document(origin: Origin, result: EvaluationResult) -> dict[str, Any]:
    """Return the report as an object that JSON can hold."""
    found = result.to_dict()
    return {
        "schema": SCHEMA,
        "numloss": numloss.__version__,
        **{name: role and role.to_dict() for name, role in origin.roles.items()},
        **({"files": origin.files} if origin.files > 1 else {}),
        "rows": found["rows"],
        **({"confidence": result.confidence} if result.confidence is not None else {}),
        **({name: found[name] for name in ("skipped", "skips")} if found["skipped"] else {}),
        **{name: valid(found[name]) for name in result.forecasts()},
        "losses": valid(found["losses"]),
    }


def write_json(origin: Origin, result: EvaluationResult) -> str:
    """Return the report as JSON; NaN and infinities are strings, which JSON has no numbers for."""
    text = json.dumps(document(origin, result), indent=2, ensure_ascii=False, allow_nan=False)
    return text + "\n"


def valid(value: Any) -> Any:
    """Replace what JSON has no numbers for."""
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, Mapping):
        return {key: valid(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [valid(part) for part in value]
    return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)


def write_text(origin: Origin, result: EvaluationResult, bold: bool = False) -> str:
    """Return a table for each loss, and below them what the reader should know."""
    mark = ("\x1b[1m", "\x1b[0m") if bold else ("", "")
    lines = [origin.heading]
    for loss in result.losses.values():
        lines += [
            "",
            f"{mark[0]}{printable(loss.name)}{mark[1]}",
            *loss_table(loss, result.by),
        ]
    for found in result.further_tables():
        lines += found.lines()
    return "\n".join([*lines, *notes(result)]) + "\n"


def write_markdown(origin: Origin, result: EvaluationResult) -> str:
    """Return the tables as Markdown, for a comment on a pull request."""
    lines = [_in_markdown(origin.heading)]
    for loss in result.losses.values():
        lines += _table_in_markdown(Table(loss.name, *cells(loss, result.by), len(result.by)))
    for found in result.further_tables():
        lines += _table_in_markdown(found)
    return "\n".join([*lines, *map(_in_markdown, notes(result))]) + "\n"


def _table_in_markdown(shown: Table) -> list[str]:
    rule = [":--" if i < shown.left else "--:" for i in range(len(shown.titles))]
    lines = ["", f"**{_in_markdown(shown.title)}**", ""]
    lines += [
        f"| {' | '.join(map(_in_markdown, row))} |" for row in (shown.titles, rule, *shown.rows)
    ]
    return lines if shown.note is None else [*lines, "", _in_markdown(shown.note)]


def _in_markdown(text: str) -> str:
    shown = printable(text)
    for character in "\\`*_[]<>|#":
        shown = shown.replace(character, f"\\{character}" if character != "<" else "&lt;")
    return shown


def write_page(origin: Origin, result: EvaluationResult, command: Iterable[str], worst: int) -> str:
    """Return the report as a page of HTML that says which command made it."""
    names = origin.names
    title = names[0] if len(names) == 1 else f"{len(names)} files"
    return result.to_html(
        title,
        made={
            "command": shlex.join(["numloss", *map(without_secrets, command)]),
            "input": origin.heading,
            "files": names,
        },
        worst=worst,
    )


def metrics(result: EvaluationResult) -> dict[str, Any]:
    """Return a tree of numbers, as DVC reads it and MLflow takes it.

    Numbers that are not finite, which neither of them holds, are named under "not_finite".
    """
    tree: dict[str, Any] = {"rows": result.rows}
    odd: dict[str, str] = {}
    for loss in result.losses.values():
        tree[loss.name] = _finite(loss.total, loss.name, odd, result.confidence)
        for key, statistics in loss.groups if result.by else ():
            path = tree[loss.name].setdefault("by", {})
            for part in key if len(result.by) > 1 else (key,):
                path = path.setdefault(str(part), {})
            path.update(_finite(statistics, f"{loss.name}.by.{key}", odd, result.confidence))
    for name, comparison in result.comparisons.items():
        numbers = comparison.to_dict(())["all"]
        tree[name]["comparison"] = {
            key: value for key, value in numbers.items()
            if isinstance(value, (int, float)) and math.isfinite(value)
        }  # fmt: skip
    for name, found in result.forecasts().items():
        tree[name] = _numbers_in(found.to_dict())
    if odd:
        tree["not_finite"] = odd
    return tree


def _numbers_in(tree: Mapping[str, Any]) -> dict[str, Any]:
    """Return the numbers of a tree, without its lists."""
    found: dict[str, Any] = {}
    for name, value in tree.items():
        if isinstance(value, Mapping):
            found[name] = _numbers_in(value)
        elif isinstance(value, (int, float)) and math.isfinite(value):
            found[name] = value
    return found


def _finite(
    statistics: Statistics, name: str, odd: dict[str, str], confidence: float | None
) -> dict[str, float]:
    found = {}
    for key, value in statistics.to_dict(confidence).items():
        if isinstance(value, float) and not math.isfinite(value):
            odd[f"{name}.{key}"] = valid(value)
        elif isinstance(value, (int, float)) and key not in ("maximum_row",):
            found[key] = value
    return found


def write_metrics(result: EvaluationResult) -> str:
    """Return the tree of metrics as JSON."""
    return json.dumps(metrics(result), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def write_prometheus(result: EvaluationResult) -> str:
    """Return gauges in Prometheus's text format, for a collector of text files."""
    lines = [
        "# HELP numloss_loss Statistics of losses, by loss, statistic and group.",
        "# TYPE numloss_loss gauge",
    ]
    for loss in result.losses.values():
        lines += _gauges({"loss": loss.name}, loss.total.to_dict())
        for key, statistics in loss.groups if result.by else ():
            labels = {"loss": loss.name, **_group_labels(result.by, key)}
            lines += _gauges(labels, statistics.to_dict())
    if result.comparisons:
        lines += _comparisons(result)
    if result.forecasts():
        lines += _forecasts(result)
    return "\n".join(lines) + "\n"


def _comparisons(result: EvaluationResult) -> Iterator[str]:
    """Yield gauges of how another model does."""
    yield (
        "# HELP numloss_comparison Losses of another model less those of the first, and the share "
        "of rows it wins, by loss, models, statistic and group."
    )
    yield "# TYPE numloss_comparison gauge"
    for name, comparison in result.comparisons.items():
        found = comparison.to_dict(result.by)
        models = {"loss": name, "first": comparison.first, "other": comparison.other}
        for numbers in (found["all"], *found.get("groups", ())):
            labels = dict(models)
            if "group" in numbers:
                labels |= _group_labels(result.by, numbers["group"])
            shown = {statistic: numbers[statistic] for statistic in _COMPARED}
            yield from _gauges(labels, shown, "numloss_comparison")


def _forecasts(result: EvaluationResult) -> Iterator[str]:
    """Yield gauges of calibration and ranking."""
    yield (
        "# HELP numloss_forecast Calibration and ranking of predictions, by statistic, model and "
        "group."
    )
    yield "# TYPE numloss_forecast gauge"
    for name, found in result.forecasts().items():
        model = result.model_of(name)
        labels = {} if model is None else {"model": model}
        numbers = found.to_dict(result.by)
        yield from _gauges(labels, _flat(numbers), "numloss_forecast")
        for group in numbers.get("groups", ()):
            key = _group_labels(result.by, group["group"])
            yield from _gauges({**labels, **key}, _flat(group), "numloss_forecast")


def _flat(tree: Mapping[str, Any]) -> dict[str, float]:
    """Return the numbers of a tree that are known by one name: ``roc_auc_low``."""
    found: dict[str, float] = {}
    for name, value in tree.items():
        if isinstance(value, Mapping):
            found |= {f"{name}_{part}": number for part, number in value.items()}
        elif isinstance(value, float):
            found[name] = value
    return found


def _group_labels(by: Sequence[str], key: Any) -> dict[str, Any]:
    """Return a label for each column that groups the rows."""
    keys = key if len(by) > 1 else (key,)
    return {
        _label_name(f"by_{name}"): "" if part is None else part
        for name, part in zip(by, keys, strict=True)
    }


def _gauges(
    labels: Mapping[str, Any], statistics: Mapping[str, Any], metric: str = "numloss_loss"
) -> Iterator[str]:
    for statistic, value in statistics.items():
        if not isinstance(value, (int, float)) or statistic == "maximum_row":
            continue
        what = {name: labels[name] for name in ("loss", "model") if name in labels}
        named = {**what, "statistic": statistic, **labels}
        inside = ",".join(f'{name}="{_label(text)}"' for name, text in named.items())
        number = {"NaN": "NaN", "Infinity": "+Inf", "-Infinity": "-Inf"}.get(
            str(valid(float(value))), repr(value if isinstance(value, int) else float(value))
        )
        yield f"{metric}{{{inside}}} {number}"


def _label_name(name: str) -> str:
    return "".join(c if c.isascii() and (c.isalnum() or c == "_") else "_" for c in name)


def _label(value: Any) -> str:
    return printable(value).replace("\\", r"\\").replace('"', r"\"")


def worst_table(loss: LossResult, most: int) -> list[str]:
    """Return lines that name the rows with the highest losses, and what columns say of them."""
    shown = loss.worst[:most]
    sources = {worst.row.source for worst in shown if worst.row is not None}
    several = len(sources) > 1
    names = list(dict.fromkeys(name for worst in shown for name in worst.columns))
    titles = ["loss", *(["file"] if several else []), "row", *map(printable, names)]
    rows = []
    for worst in shown:
        source, row = (None, None) if worst.row is None else worst.row
        rows.append(
            [
                f"{worst.loss:.6g}",
                *([printable(source or "-")] if several else []),
                "-" if row is None else str(row),
                *(_shortened(worst.columns.get(name)) for name in names),
            ]
        )
    return table(titles, rows, left=0)


def _shortened(value: Any) -> str:
    if value is None:
        return "(missing)"
    text = printable(f"{value:.6g}" if isinstance(value, float) else value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."
