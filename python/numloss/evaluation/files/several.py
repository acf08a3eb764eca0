"""One file or many: names, patterns, folders of parts with the values of columns in their names."""

from __future__ import annotations

import glob
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from numloss.evaluation.errors import DataError, UsageError
from numloss.evaluation.files.storage import (
    File,
    LocalFile,
    file_of,
    is_uri,
    reason_of,
    shown,
    store_of,
    stored,
)
from numloss.evaluation.paths import path_of, text_of
from numloss.evaluation.tables import printable


def files_of(names: Sequence[str], base: Path = Path()) -> list[File]:
    """Return the files that names, patterns and folders stand for, each once, in order.

    Names are relative to the folder `base`.
    """
    found: dict[File, None] = {}
    for name in names:
        try:
            found |= dict.fromkeys(_in_store(name) if is_uri(name) else _on_disk(name, base))
        except OSError as error:
            raise DataError(
                f"{printable(shown(name)[:200])}: cannot be read: {reason_of(error)}"
            ) from error
    return list(found)


def looks_like_files(name: str, base: Path = Path()) -> bool:
    """Whether a name that may be that of a column stands for files rather."""
    path = path_of(name)
    if is_uri(name) or (base / path).is_dir():
        return True
    file = file_of(name, base)
    if file.is_pipe or file.format is not None:  # what a pipe brings, its reader finds out
        return True
    return glob.has_magic(name) and any(
        glob.iglob(str(path), root_dir=base, recursive=True)  # noqa: PTH207
    )


def _on_disk(name: str, base: Path = Path()) -> list[File]:
    path = path_of(name)
    place = base / path
    if place.is_dir():
        inside = (file.relative_to(place) for file in place.rglob("*") if file.is_file())
        return _parts(name, ((LocalFile(path / file, base), text_of(file)) for file in inside))
    if not place.exists() and glob.has_magic(name):
        paths = sorted(glob.glob(str(path), root_dir=base, recursive=True))  # noqa: PTH207
        if not paths:
            raise DataError(f"{printable(name)}: no file matches")
        return [file for path in paths for file in _on_disk(text_of(path), base)]
    return [file_of(name, base)]


def _in_store(name: str) -> list[File]:
    """Return the files of a store. A question mark begins what its URI says of the store."""
    uri, mark, options = name.partition("?")
    base = uri[: _fixed(uri)].rstrip("/")
    filesystem, root = store_of(f"{base}{mark}{options}")
    if filesystem.type_name == "local":
        return _on_disk(root + uri[len(base) :])
    prefix = base.removesuffix(root)

    def file(place: str) -> File:
        return stored(f"{prefix}{place}", filesystem, place)

    if _fixed(uri) < len(uri):
        # What matches a folder means the files in it whose names tell a format.
        wanted = re.compile(f"{_expression(root + uri[len(base) :])}(?P<inside>/.*)?")
        files = [
            file(place)
            for place in _listed(filesystem, root)
            if (match := wanted.fullmatch(place)) and (not match["inside"] or file(place).format)
        ]
        if not files:
            raise DataError(f"{printable(shown(name))}: no file matches")
        return files
    from pyarrow.fs import FileType  # type: ignore[import-untyped]

    if filesystem.get_file_info(root).type == FileType.Directory:
        parts = [(file(place), place[len(root) :]) for place in _listed(filesystem, root)]
        return _parts(shown(name), parts)
    return [file(root)]


def _fixed(pattern: str) -> int:
    """Return the length of the folders that no sign of a pattern stands in."""
    magic = re.search(r"[*\[]", pattern)
    return len(pattern) if magic is None else pattern.rfind("/", 0, magic.start()) + 1


def _listed(filesystem: Any, root: str) -> Iterator[str]:
    from pyarrow.fs import FileSelector

    selector = FileSelector(root, recursive=True, allow_not_found=True)
    yield from sorted(info.path for info in filesystem.get_file_info(selector) if info.is_file)


def _expression(pattern: str) -> str:
    """Return a regular expression for a pattern: ``*`` stays within a folder, ``**`` does not."""
    kinds = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*"}
    parts = re.split(r"(\*\*/|\*\*|\*|\[[^]]+\])", pattern)
    return "".join(
        kinds.get(part) or (part.replace("[!", "[^") if part[:1] == "[" else re.escape(part))
        for part in parts
    )


def _parts(folder: str, files: Iterable[tuple[File, str]]) -> list[File]:
    """Return the files of a folder and the folders in it, but for those that are hidden."""
    found = []
    for file, inside in sorted(files, key=lambda pair: Path(pair[1])):
        hidden = any(part.startswith((".", "_")) for part in inside.split("/"))
        if not hidden and file.format is not None:
            found.append(file)
    if not found:
        raise DataError(
            f"{printable(folder)}: is a directory without a file whose name tells a format"
        )
    kinds = {file.format for file in found}
    if len(kinds) > 1:
        several = ", ".join(sorted(map(str, kinds)))
        raise UsageError(
            f"{printable(folder)}: holds files of several formats, {several}: name a pattern"
        )
    return found
