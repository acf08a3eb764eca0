"""Text cut into blocks of whole lines, which threads parse side by side."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]

from numloss.evaluation.errors import DataError
from numloss.evaluation.files.storage import File

#: Bytes that are parsed at once, and the most that a line may have.
BLOCK = 1 << 20
LONGEST_LINE = 1 << 23
#: Bytes by which a file is judged, and that one thread parses before others join in.
HEAD = 1 << 16
_SHORTEST = 16  # bytes that are read at once, however few rows are wanted
_QUOTE = ord('"')
# Text of other encodings begins with these bytes.
_MARKS = {
    b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16", b"\x1f\x8b": "compressed by gzip",
    b"PK\x03\x04": "a zip file", b"PAR1": "Parquet",
}  # fmt: skip


class Guard:
    """A stream of text that Arrow reads; it sees what Arrow would choke on or swallow."""

    def __init__(self, file: File) -> None:
        self._file = file.stream()
        self._stream = pa.input_stream(self._file, compression=file.compression)
        self._line = 0  # bytes of the last line so far
        self._bytes = 0
        self._start = True
        self._stopped = False
        self._reading = threading.Lock()
        self.closed = False
        self.quotes = 0

    def stop(self) -> None:
        """Let the stream end here: Arrow reads ahead in a thread, which must not outlive Python."""
        with self._reading:
            self._stopped = True

    def read(self, size: int = -1) -> bytes:
        """Return some bytes, and count what matters in them."""
        with self._reading:
            return b"" if self._stopped else self._read(size)

    def _read(self, size: int) -> bytes:
        data: bytes = self._stream.read(size)
        if self._start and data:
            self._start = False
            for mark, kind in _MARKS.items():
                if data.startswith(mark):
                    raise DataError(f"the file is {kind}, where UTF-8 text is needed")
        # NumPy counts what is frequent ten times as fast as `bytes.count` does.
        self.quotes += int(np.count_nonzero(np.frombuffer(data, np.uint8) == _QUOTE))
        first, end = data.find(b"\n"), data.rfind(b"\n")
        longest = self._line + first
        if len(data) > LONGEST_LINE:
            longest = max(longest, *map(len, data.split(b"\n")))
        self._line = self._line + len(data) if end < 0 else len(data) - end - 1
        self._bytes += len(data)
        if max(self._line, longest) > LONGEST_LINE:
            raise DataError(
                f"a line within the first {self._bytes} bytes is longer than "
                f"{LONGEST_LINE >> 20} MB, the most that is read"
            )
        return data

    def tell(self) -> int:
        """Return how many bytes of the file were read."""
        return int(self._file.tell())

    def readable(self) -> bool:
        """Tell `io` that it can be read."""
        return True

    def close(self) -> None:
        """Close the file."""
        self.closed = True
        self._stream.close()
        self._file.close()


class Raw(io.RawIOBase):
    """The same for `io`, which reads into buffers."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard

    def readable(self) -> bool:
        """Tell `io` that it can be read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer."""
        data = self._guard.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


def block_size(rows: int, line_bytes: float) -> int:
    """Return how many bytes hold about as many rows as are wanted at once, and hardly more."""
    return max(_SHORTEST, min(BLOCK, int(rows * line_bytes * 0.8)))


def whole_lines(guard: Guard, size: int, least: int = 1, first_size: int = HEAD) -> Iterator[bytes]:
    """Yield bytes that end with a line; so many lines at least to begin with."""
    rest: list[bytes] = []
    step = min(size, first_size)
    while data := guard.read(step):
        end = data.rfind(b"\n") + 1
        if end and (least == 1 or data.count(b"\n") + sum(map(_lines, rest)) >= least):
            yield b"".join([*rest, memoryview(data)[:end]])
            rest, least, step = [data[end:]], 1, size
        else:
            rest.append(data)
            step *= 2  # a long line takes few readings
    if any(rest):
        yield b"".join([*rest, b"\n"])


def _lines(data: bytes) -> int:
    return data.count(b"\n")
