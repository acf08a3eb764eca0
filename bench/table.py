"""Tables of text, for a terminal and for Markdown."""

from __future__ import annotations

import sys
import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path


@dataclass(frozen=True)
class Table:
    """A title, column names and rows of text, and what explains the columns and marks."""

    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    says: str = ""


def number(value: float | None) -> str:
    """Return three digits, which is what a noisy machine gives."""
    return "" if value is None else f"{value:.3g}" if value < 1000 else f"{value:.0f}"


def percent(value: float | None) -> str:
    """Return a fraction as a percentage."""
    return "" if value is None else f"{100 * value:.0f}%"


def print_tables(found: Iterable[Table], lines: Iterable[str] = ()) -> None:
    """Print to the terminal."""
    from rich.console import Console
    from rich.table import Table as RichTable

    console = Console(width=None if sys.stdout.isatty() else 220, highlight=False)
    for line in lines:
        console.print(line, markup=False)
    for table in found:
        shown = RichTable(title=table.title, title_justify="left")
        for index, name in enumerate(table.header):
            shown.add_column(name, justify="left" if index < 2 else "right")
        for row in table.rows:
            shown.add_row(*row)
        if table.says:
            console.print(table.says, markup=False)
        console.print(shown)


def write_markdown(path: Path, found: Iterable[Table], lines: Iterable[str] = ()) -> None:
    """Write Markdown."""
    text = [f"- {line}" for line in lines]
    for table in found:
        text += ["", f"### {table.title}", "", *markdown(table)]
    path.write_text("\n".join(text) + "\n")


def markdown(table: Table) -> list[str]:
    """Return the lines of a table in Markdown, what explains it first."""
    rows = [table.header, ["---"] * len(table.header), *table.rows]
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    return [*textwrap.wrap(table.says, 100), "", *lines] if table.says else lines
