"""Writing reports and states: all of a file or nothing of it, and no input is ever written over."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from numloss.evaluation.errors import DataError, UsageError
from numloss.evaluation.tables import printable


def check_outputs(outputs: Iterable[tuple[str, Path]], inputs: Iterable[Path]) -> None:
    """Refuse, before anything is read, an output that is an input or cannot be written."""
    read = [path for path in inputs if path.exists()]
    seen: dict[Path, str] = {}
    for option, path in outputs:
        place = path.absolute()
        if place in seen:
            raise UsageError(f"{option} and {seen[place]} both write {printable(path)}")
        seen[place] = option
        for other in read:
            if path.exists() and path.samefile(other):
                raise UsageError(f"{option} {printable(path)}: is an input, which would be lost")
        _check_writable(path)


def _check_writable(path: Path) -> None:
    try:
        if path.is_dir():
            raise DataError(f"{printable(path)}: cannot be written: is a directory")
        if _is_special(path):
            with path.open("ab"):
                return
        if path.exists() and not os.access(path, os.W_OK):
            raise DataError(f"{printable(path)}: cannot be written: Permission denied")
        descriptor, name = _beside(path, ".numloss-")
        os.close(descriptor)
        Path(name).unlink()
    except OSError as error:
        raise DataError(f"{printable(path)}: cannot be written: {error.strerror}") from error


def _beside(path: Path, prefix: str) -> tuple[int, str]:
    """Make a file in the folder of another, and open it."""
    import tempfile  # which a report to the terminal does not need

    return tempfile.mkstemp(dir=path.parent, prefix=prefix)


def _is_special(path: Path) -> bool:
    """Whether it is a terminal, a pipe, a device, or an open file such as /dev/stdout."""
    if str(path.absolute()).startswith(("/dev/", "/proc/")):
        return True
    try:
        return not stat.S_ISREG(path.stat().st_mode)
    except FileNotFoundError:
        return False


def write_file(path: Path, data: bytes | str) -> None:
    """Write a file beside its place, then put it there."""
    content = data.encode("utf-8", "surrogateescape") if isinstance(data, str) else data
    try:
        if _is_special(path):
            with path.open("ab") as file:
                file.write(content)
            return
        with replacing(path) as place, place.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise DataError(f"{printable(path)}: cannot be written: {error.strerror}") from error


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a place beside a file, whose contents take that of the file unless something fails."""
    descriptor, name = _beside(path, f".{path.name[:60]}-")
    os.close(descriptor)
    place = Path(name)
    try:
        yield place
        mask = os.umask(0)
        os.umask(mask)
        place.chmod(0o666 & ~mask)
        place.replace(path)
    except BaseException:
        place.unlink(missing_ok=True)
        raise
