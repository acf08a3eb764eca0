"""Where the bytes of a file lie: on a disk, in a pipe, or in a store that a URI names."""

from __future__ import annotations

import io
import os
import re
import sys
import weakref
from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote

import pyarrow as pa  # type: ignore[import-untyped]

from numloss.evaluation.errors import DataError, UsageError
from numloss.evaluation.paths import SECRET, path_of, text_of
from numloss.evaluation.tables import printable

#: Endings that tell a format; ``.gz``, ``.bz2`` and ``.zst`` may follow those of text.
FORMATS = {
    ".npy": "npy", ".npz": "npz", ".csv": "csv", ".tsv": "csv", ".parquet": "parquet",
    ".pq": "parquet", ".arrow": "arrow", ".feather": "arrow", ".ipc": "arrow", ".jsonl": "jsonl",
    ".ndjson": "jsonl", ".safetensors": "safetensors",
}  # fmt: skip
_COMPRESSIONS = {".gz": "gzip", ".bz2": "bz2", ".zst": "zstd"}
_MARKS = {b"\x1f\x8b": "gzip", b"BZh": "bz2", b"\x28\xb5\x2f\xfd": "zstd"}
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
# How Hive and Spark name the folder of missing values.
_MISSING = "__HIVE_DEFAULT_PARTITION__"
# Bytes that one request to a store brings, where a file is read from its first byte on.
_REQUEST = 1 << 23
# Bytes by which a pipe is told to hold Arrow, JSON or a delimiter.
_TOLD_BY = 1 << 10


class File(ABC):
    """Bytes with a name."""

    #: Whether it is read once only, from its first byte on.
    is_pipe = False
    #: Whether every reading is a request over a network.
    is_remote = False
    #: Where it lies among the files of the machine, if it does.
    path: Path | None = None

    def __init__(self, name: str) -> None:
        self.name = name

    def __str__(self) -> str:
        """Return the name, as messages show it."""
        return self.name

    def __eq__(self, other: object) -> bool:
        """Compare names."""
        return isinstance(other, File) and self.name == other.name

    def __hash__(self) -> int:
        """Hash the name."""
        return hash(self.name)

    @property
    def suffixes(self) -> list[str]:
        """Endings of the name, in small letters."""
        return [suffix.lower() for suffix in PurePosixPath(self.name.partition("?")[0]).suffixes]

    @property
    def compression(self) -> str | None:
        """What Arrow calls the compression of text."""
        return _COMPRESSIONS.get(self.suffixes[-1]) if self.suffixes else None

    @property
    def format(self) -> str | None:
        """Format of what it holds, as far as that can be told."""
        suffixes = self.suffixes
        if suffixes and suffixes[-1] in _COMPRESSIONS:
            suffixes.pop()
        return FORMATS.get(suffixes[-1]) if suffixes else None

    @property
    def partitions(self) -> dict[str, str | None]:
        """Columns that the folders above it name, as ``country=de``."""
        folders = self.name.split("/")[:-1]
        pairs = [folder.partition("=") for folder in folders if "=" in folder]
        return {
            unquote(key): None if value == _MISSING else unquote(value) for key, _, value in pairs
        }

    @abstractmethod
    def check(self) -> None:
        """Refuse what is no file, or cannot be read."""

    @property
    @abstractmethod
    def size(self) -> int | None:
        """Bytes of it, if that is known."""

    @abstractmethod
    def open(self) -> Any:
        """Open it for Arrow, to read anywhere in it."""

    def open_plain(self) -> Any:
        """Open it for NumPy, to read anywhere in it."""
        return self.open()

    def stream(self) -> Any:
        """Open it to be read from its first byte to its last."""
        return self.open()

    def learned(self) -> None:  # noqa: B027
        """Take note that the next stream is the last one: a pipe keeps nothing from then on."""


class LocalFile(File):
    """A file of the machine; its name may be relative to a folder that is not the current one."""

    def __init__(self, path: Path, folder: Path = Path()) -> None:
        super().__init__(text_of(path))
        self.path: Path = folder / path

    def check(self) -> None:
        """Refuse what is no file, or cannot be read."""
        if not self.path.exists():
            raise DataError(f"{self.name}: no such file")
        if self.path.is_dir():
            raise DataError(f"{self.name}: is a directory, where a file is needed")
        with self.path.open("rb"):
            pass

    @property
    def size(self) -> int:
        """Bytes of it."""
        return self.path.stat().st_size

    def open(self) -> Any:
        """Open it for Arrow."""
        return pa.OSFile(os.fsencode(self.path))

    def open_plain(self) -> Any:
        """Open it for NumPy, which may map it."""
        return self.path.open("rb")


class StoredFile(File):
    """A file of a store that Arrow knows: S3, Google's, Hadoop's."""

    is_remote = True

    def __init__(self, name: str, filesystem: Any, place: str) -> None:
        super().__init__(name)
        self._filesystem = filesystem
        self._place = place

    def __getstate__(self) -> dict[str, Any]:
        """Travel to other machines without what was looked up here."""
        return {name: value for name, value in vars(self).items() if name != "_info"}

    def check(self) -> None:
        """Refuse what is no file."""
        from pyarrow.fs import FileType  # type: ignore[import-untyped]

        if self._info.type == FileType.NotFound:
            raise DataError(f"{self.name}: no such file")
        if self._info.type == FileType.Directory:
            raise DataError(f"{self.name}: is a directory, where a file is needed")

    @cached_property
    def _info(self) -> Any:
        return self._filesystem.get_file_info(self._place)

    @property
    def size(self) -> int:
        """Bytes of it."""
        return int(self._info.size)

    def open(self) -> Any:
        """Open it to read anywhere in it."""
        return self._filesystem.open_input_file(self._place)

    def stream(self) -> Any:
        """Open it to be read in pieces that are worth a request."""
        return _Stream(
            self._filesystem.open_input_stream(
                self._place, compression=None, buffer_size=_REQUEST
            ).read
        )


class PipedFile(File):
    """Bytes that come once. What a reader looks at to learn about them comes again."""

    is_pipe = True

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._head = b""  # what was read before `learned`
        self._learning = True
        self._size = 0  # bytes read so far

    def check(self) -> None:
        """Open it."""
        _ = self._raw

    @cached_property
    def _raw(self) -> Any:
        if self.name != "-":
            raw = path_of(self.name).open("rb")
            weakref.finalize(self, raw.close)
            return raw
        if sys.stdin is None:
            raise DataError("-: standard input is closed")
        return sys.stdin.buffer

    @property
    def size(self) -> None:
        """Nobody knows."""
        return

    @property
    def suffixes(self) -> list[str]:
        """The name tells nothing."""
        return []

    @property
    def compression(self) -> str | None:
        """What the first bytes tell."""
        head = self.stream().read(4)
        return next((kind for mark, kind in _MARKS.items() if head.startswith(mark)), None)

    @property
    def format(self) -> str | None:
        """Arrow, JSON or text with a delimiter, as the first bytes tell."""
        stream = self.stream()
        if (compression := self.compression) is not None:
            stream = pa.CompressedInputStream(pa.PythonFile(stream, mode="r"), compression)
        head = stream.read(_TOLD_BY)
        if head.startswith((b"\xff\xff\xff\xff", b"ARROW1")):
            return "arrow"
        return "jsonl" if head.lstrip().startswith(b"{") else "csv"

    def open(self) -> Any:
        """Refuse: nobody can look anywhere in it."""
        raise DataError(
            f"{self.name}: a pipe brings Arrow's streams, CSV or JSON lines: formats that are read "
            "here and there need a file"
        )

    def stream(self) -> Any:
        """Return the bytes, from the first on."""
        at = 0

        def read(size: int) -> bytes:
            nonlocal at
            data = self._read_at(at, size)
            at += len(data)
            return data

        return _Stream(read)

    def learned(self) -> None:
        """Keep nothing from here on."""
        self._learning = False

    def _read_at(self, offset: int, size: int) -> bytes:
        """Return bytes from those that were kept and from the pipe, as many as there are."""
        kept = self._head[offset : offset + size]
        if len(kept) == size:
            return kept
        if offset + len(kept) != self._size:
            raise DataError(f"{self.name}: a pipe cannot be read twice")
        data: bytes = self._raw.read(size - len(kept))
        self._size += len(data)
        self._head = self._head + data if self._learning else b""
        return kept + data


class _Stream(io.RawIOBase):
    """Bytes in their order, and how many there were."""

    def __init__(self, read: Callable[[int], bytes]) -> None:
        self._read = read
        self._at = 0

    def readable(self) -> bool:
        """Tell `io` that it can be read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer, as far as bytes are there."""
        data = self._read(len(buffer))
        self._at += len(data)
        buffer[: len(data)] = data
        return len(data)

    def tell(self) -> int:
        """Return how many bytes were read."""
        return self._at


def is_uri(name: str) -> bool:
    """Whether a name begins with a scheme, as s3://."""
    return _URI.match(name) is not None


def file_of(name: str, folder: Path = Path()) -> File:
    """Return the file that a name stands for: a path, a URI, or ``-`` for standard input."""
    if name == "-":
        return PipedFile(name)
    if is_uri(name):
        filesystem, place = store_of(name)
        return stored(name, filesystem, place)
    path = folder / path_of(name)
    if path.exists() and not (path.is_file() or path.is_dir()):
        return PipedFile(name)
    return LocalFile(path_of(name), folder)


def stored(uri: str, filesystem: Any, place: str) -> File:
    """Return a file of a store, or one of the machine if the URI names such a file."""
    if filesystem.type_name == "local":
        return LocalFile(Path(place))
    return StoredFile(shown(uri), filesystem, place)


def shown(uri: str) -> str:
    """Return a URI without what it says of keys and the store: reports are passed on."""
    return SECRET.sub("", uri)


def store_of(uri: str) -> tuple[Any, str]:
    """Return the store that a URI names, and the place in it."""
    from pyarrow.fs import FileSystem

    try:
        filesystem, place = FileSystem.from_uri(uri)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        reason = reason_of(error).replace(uri, shown(uri))
        raise UsageError(f"{printable(shown(uri))}: {reason}") from error
    except OSError as error:
        raise DataError(f"{printable(shown(uri))}: cannot be read: {reason_of(error)}") from error
    return filesystem, place


def reason_of(error: Exception) -> str:
    """Return what an error says, in one line that is not too long."""
    text = getattr(error, "strerror", None) or str(error).partition("\n")[0]
    return printable(text[:300]) or type(error).__name__
