"""Putting generated text between the marks of a file."""

from __future__ import annotations

from pathlib import Path


def between(path: Path, name: str) -> str:
    """Return what is between the marks of a name."""
    return parts(path, name)[1]


def put_between(path: Path, name: str, text: str) -> None:
    """Replace what is between the marks of a name."""
    before, _, after = parts(path, name)
    path.write_text(f"{before}{text}{after}")


def parts(path: Path, name: str) -> tuple[str, str, str]:
    """Return a file's text up to the end of the first mark, between, and from the second one on."""
    start, end = f"<!-- {name} -->\n", f"\n<!-- end of {name} -->"
    before, first, rest = path.read_text().partition(start)
    text, second, after = rest.partition(end)
    if not (first and second):
        raise SystemExit(f"{path} has no place for the {name}: {start.strip()} and {end.strip()}")
    return before + first, text, second + after
