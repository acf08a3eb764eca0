"""The losses by family in README.md, and all of them with their options in docs/losses.md.

Both are made of the modules' ``__all__``, docstrings and signatures. ``python -m tools.readme``
exits with 1 where one is out of date; ``--write`` writes them.
"""

from __future__ import annotations

import argparse
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tools.marks import between, put_between

import numloss
import numloss.embeddings
from numloss._loss import EXTRAS, Call

ROOT = Path(__file__).resolve().parents[1]
README, LIST = ROOT / "README.md", ROOT / "docs" / "losses.md"
NAME = "losses"
#: What the text beside the table says of all losses, or of all over classes.
SHARED = frozenset((*Call.__annotations__, *EXTRAS))


def modules() -> dict[str, Any]:
    """Return the modules of the table by their names: the families, and what is around them."""
    families = (loss.family for loss in numloss.LOSSES.values())
    names = (*dict.fromkeys(families), "embeddings", "penalties", "balance")
    return {name: getattr(numloss, name) for name in names}


def overview() -> Iterator[str]:
    """Yield the lines of a table with a row for each family."""
    yield "| | |"
    yield "|---|---|"
    for family, module in modules().items():
        yield f"| {family.replace('_', ' ')} | {', '.join(f'`{x}`' for x in module.__all__)} |"


def lines() -> Iterator[str]:
    """Yield the lines of a table with a row for each name."""
    yield "| | | | its own options |"
    yield "|---|---|---|---|"
    for family, module in modules().items():
        for place, name in enumerate(module.__all__):
            function = getattr(module, name)
            row = (
                f"**{family.replace('_', ' ')}**" * (place == 0),
                f"`{name}`",
                summary(function),
                options(function),
            )
            yield f"| {' | '.join(row)} |"


def summary(function: Any) -> str:
    """Return the first line of a docstring, without its formula and its stop."""
    first = inspect.getdoc(function).splitlines()[0]
    text = re.sub(r"[,:] :math:`[^`]*`", "", first).removesuffix(".")
    return text.replace("``", "`")


def options(function: Any) -> str:
    """Return the options that are not those of all losses, with their defaults."""
    found = inspect.signature(function).parameters.values()
    own = (p for p in found if p.name not in SHARED and p.default is not p.empty)
    text = ", ".join(f"{p.name}={p.default!r}" for p in own)
    return f"`{text}`" if text else ""


def tables() -> dict[Path, str]:
    """Return the table of each page."""
    return {README: "\n".join(overview()), LIST: "\n".join(lines())}


def main() -> None:
    """Compare, or write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help="write the tables")
    write = parser.parse_args().write
    for page, table in tables().items():
        if write:
            put_between(page, NAME, table)
        elif between(page, NAME) != table:
            raise SystemExit(f"{page.name} is not up to date: run `make readme`")


if __name__ == "__main__":
    main()
