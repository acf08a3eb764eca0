"""One file or many: names, patterns, folders of parts with the values of columns in their names."""

from __future__ import annotations

import glob
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote

from numloss.evaluation.errors import DataError, UsageError
from numloss.evaluation.tables import printable

#: Endings that tell a format; ``.gz``, ``.bz2`` and ``.zst`` may follow those of text.
FORMATS = {
    ".npy": "npy", ".npz": "npz", ".csv": "csv", ".tsv": "csv", ".parquet": "parquet",
    ".pq": "parquet", ".arrow": "arrow", ".feather": "arrow", ".ipc": "arrow", ".jsonl": "jsonl",
    ".ndjson": "jsonl", ".safetensors": "safetensors",
}  # fmt: skip
_COMPRESSED = (".gz", ".bz2", ".zst")


@dataclass(frozen=True)
class Place:
    """A file, and the columns that the folders above it name, as ``country=de``."""

    path: Path
    partitions: dict[str, str] = field(default_factory=dict)


def format_of(path: Path) -> str | None:
    """Return the format that a name tells."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes and suffixes[-1] in _COMPRESSED:
        suffixes.pop()
    return FORMATS.get(suffixes[-1] if suffixes else "")


def places_of(names: Sequence[Path]) -> list[Place]:
    """Return the files that names, patterns and folders stand for, each once, in order."""
    found: dict[Path, Place] = {}
    for name in names:
        try:
            for place in _expanded(name):
                found.setdefault(place.path, place)
        except OSError as error:
            shown = printable(str(name)[:200])
            raise DataError(f"{shown}: cannot be read: {error.strerror}") from error
    places = list(found.values())
    keys = {tuple(place.partitions) for place in places}
    if len(keys) > 1:
        first, second = sorted(keys)[:2]
        raise DataError(
            f"the folders of some files name the columns {', '.join(first) or 'none'}, those of "
            f"others {', '.join(second) or 'none'}"
        )
    return places


def _expanded(name: Path) -> list[Place]:
    if name.is_dir():
        return _parts(name)
    if not name.exists() and glob.has_magic(str(name)):
        paths = sorted(Path(path) for path in glob.glob(str(name), recursive=True))  # noqa: PTH207
        if not paths:
            raise DataError(f"{printable(name)}: no file matches")
        return [place for path in paths for place in _expanded(path)]
    return [Place(name)]


def _parts(folder: Path) -> list[Place]:
    """Return the files of a folder and the folders in it, but for those that are hidden."""
    places = []
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder).parts
        if any(part.startswith((".", "_")) for part in inside) or not path.is_file():
            continue
        if format_of(path) is not None:
            pairs = [part.partition("=") for part in inside[:-1] if "=" in part]
            places.append(Place(path, {unquote(key): unquote(value) for key, _, value in pairs}))
    if not places:
        raise DataError(
            f"{printable(folder)}: is a directory without a file whose name tells a format"
        )
    kinds = {format_of(place.path) for place in places}
    if len(kinds) > 1:
        several = ", ".join(sorted(map(str, kinds)))
        raise UsageError(
            f"{printable(folder)}: holds files of several formats, {several}: name a pattern"
        )
    return places
