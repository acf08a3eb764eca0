"""What a command prints: tables for people, a JSON document for machines."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, TextIO

from rich.console import Console
from rich.table import Table
from rich.text import Text

import numloss
from numloss.evaluation.files.inputs import Inputs
from numloss.evaluation.files.source import Source
from numloss.evaluation.names import shortened
from numloss.evaluation.run import Result
from numloss.evaluation.state.accumulate import Summary
from numloss.evaluation.state.groups import Key
from numloss.evaluation.state.quantiles import RELATIVE_ERROR

#: Version of the layout of the JSON document; it grows with changes that break readers.
SCHEMA = 1

#: More columns than any table has.
WIDE = 10_000

_COLUMNS = {
    "count": "count", "mean": "mean", "sum": "sum", "standard_error": "std. error",
    "minimum": "minimum", "median": "median", "p95": "p95", "p99": "p99", "maximum": "maximum",
    "ignored": "ignored",
}  # fmt: skip
_QUANTILES = ("median", "p95", "p99")


def document(inputs: Inputs, results: Sequence[Result]) -> dict[str, Any]:
    """Return the report as an object that JSON can hold."""
    return {
        "schema": SCHEMA,
        "numloss": numloss.__version__,
        "prediction": _role(inputs.prediction.source, inputs.prediction.names),
        "target": _role(inputs.target.source, inputs.target.names),
        "weight": inputs.weight and _role(inputs.weight.source, inputs.weight.names),
        "by": inputs.by and _role(inputs.by[0], [inputs.by[1]]),
        "rows": inputs.rows,
        "losses": [_loss_document(result, grouped=inputs.by is not None) for result in results],
    }


def write_json(inputs: Inputs, results: Sequence[Result]) -> str:
    """Return the report as JSON; NaN and infinities are strings, which JSON has no numbers for."""
    return json.dumps(document(inputs, results), indent=2, ensure_ascii=False, allow_nan=False)


def _role(source: Source, names: Sequence[str]) -> dict[str, Any]:
    return {"file": str(source.path), "columns": [name for name in names if name != source.only]}


def _loss_document(result: Result, *, grouped: bool) -> dict[str, Any]:
    report: dict[str, Any] = {
        "loss": result.spec.name,
        "options": _valid(result.spec.options),
        "all": _summary_document(result.accumulator.summary()),
    }
    if grouped:
        report["groups"] = [
            {"group": _valid(key), **_summary_document(summary)}
            for key, summary in result.accumulator
        ]
    return report


def _summary_document(summary: Summary) -> dict[str, Any]:
    fields = dict(vars(summary))
    exact = fields.pop("exact_quantiles")
    return {**_valid(fields), "quantile_relative_error": 0.0 if exact else RELATIVE_ERROR}


def _valid(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, Mapping):
        return {key: _valid(part) for key, part in value.items()}
    return [_valid(part) for part in value] if isinstance(value, (list, tuple)) else value


def print_tables(stream: TextIO, inputs: Inputs, results: Sequence[Result]) -> None:
    """Print a table per loss, and below them what the reader should know about the numbers."""
    # Nothing is cut or folded to the width of the terminal; it wraps lines by itself.
    console = Console(file=stream, width=WIDE, highlight=False, markup=False, emoji=False)
    console.print(_heading(inputs))
    approximate = False
    for result in results:
        rows = [*result.accumulator] if inputs.by is not None else []
        total = result.accumulator.summary()
        console.print(f"\n{result.spec.text}", style="bold")
        console.print(_table(rows, total, inputs))
        approximate |= not total.exact_quantiles
    if approximate:
        console.print(f"\n~ approximate: within {RELATIVE_ERROR:.1%} of the value", style="dim")


def _heading(inputs: Inputs) -> str:
    roles = {"prediction": inputs.prediction, "target": inputs.target, "weight": inputs.weight}
    parts = []
    for role, columns in roles.items():
        if columns is not None:
            parts.append(f"{role} {_place(columns.source, columns.names, inputs)}")
    if inputs.by is not None:
        parts.append(f"by {_place(inputs.by[0], [inputs.by[1]], inputs)}")
    return f"{inputs.prediction.source.path}: {inputs.rows} rows; {', '.join(parts)}"


def _place(source: Source, names: Sequence[str], inputs: Inputs) -> str:
    main = source is inputs.prediction.source
    if list(names) == [source.only]:
        return "the array" if main else str(source.path)
    return shortened(names) if main else f"{shortened(names)} of {source.path}"


def _table(rows: Sequence[tuple[Key, Summary]], total: Summary, inputs: Inputs) -> Table:
    columns = {**_COLUMNS, **({"nan": "NaN"} if total.nan else {})}
    table = Table(box=None, pad_edge=False, header_style="bold")
    if inputs.by is not None:
        table.add_column(inputs.by[1] or "group")
    for title in columns.values():
        table.add_column(title, justify="right", no_wrap=True)
    for key, summary in rows:
        table.add_row(Text(_shown_key(key)), *_cells(summary, columns))
    table.add_row(*(["all"] if inputs.by is not None else []), *_cells(total, columns))
    return table


def _shown_key(key: Key) -> str:
    return "(missing)" if key is None else str(key)


def _cells(summary: Summary, columns: Mapping[str, str]) -> list[str]:
    return [_shown(getattr(summary, name), name, summary) for name in columns]


def _shown(value: float | None, name: str, summary: Summary) -> str:
    if value is None:
        return "-"
    mark = "" if summary.exact_quantiles or name not in _QUANTILES else "~"
    return mark + (str(value) if isinstance(value, int) else f"{value:.6g}")
