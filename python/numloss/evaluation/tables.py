"""Tables of text, and names that cannot do anything to the terminal they are shown in."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from typing import NamedTuple


def printable(text: object) -> str:
    """Write control characters, escapes and line breaks of a name as Python escapes them."""
    shown = str(text)
    if shown.isprintable():
        return shown
    return "".join(c if c.isprintable() else _escaped(c) for c in shown)


def _escaped(character: str) -> str:
    return character.encode("unicode_escape", "backslashreplace").decode("ascii")


def width(text: str) -> int:
    """Columns of a terminal that a text takes."""
    if text.isascii():
        return len(text)
    wide = sum(unicodedata.east_asian_width(c) in "WF" for c in text)
    return len(text) + wide - sum(bool(unicodedata.combining(c)) for c in text)


def table(titles: Sequence[str], rows: Iterable[Sequence[str]], left: int = 0) -> list[str]:
    """Lay a table out; the first `left` columns are aligned left, the others right."""
    lines = [list(titles), *map(list, rows)]
    widths = [max(map(width, column)) for column in zip(*lines, strict=True)]
    return [
        "  ".join(
            cell + pad if i < left else pad + cell
            for i, cell in enumerate(line)
            for pad in [" " * (widths[i] - width(cell))]
        ).rstrip()
        for line in lines
    ]


class Table(NamedTuple):
    """What a table shows: as text, as Markdown or in a page."""

    title: str
    titles: Sequence[str]
    rows: Sequence[Sequence[str]]
    left: int = 0  # how many columns are names
    note: str | None = None

    def lines(self) -> list[str]:
        """Return it as text, after an empty line."""
        found = ["", printable(self.title)]
        found += table([printable(title) for title in self.titles], self.rows, self.left)
        return found if self.note is None else [*found, self.note]
