"""NumPy's files: ``.npy``, plain or with named fields, and ``.npz``; read in pieces, not mapped.

A mapped file counts as memory of the process, and an array inside a zip file cannot be mapped.
"""

from __future__ import annotations

import ast
import json
import math
import struct
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from typing import IO, Any

import numpy as np
import numpy.typing as npt
from numpy.lib import format as npy

from numloss.evaluation.files.source import Column, Source
from numloss.evaluation.files.storage import File

Array = npt.NDArray[Any]

# Bytes of a header, and of an array in column order that must be read at once.
_LONGEST_HEADER = 1 << 20
_MOST_BY_COLUMN = 1 << 30
_DAMAGE = (ValueError, EOFError, OSError, SyntaxError, struct.error, zlib.error)


class ArrayReader:
    """An array behind a header of NumPy's format, read a few rows at a time."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.shape, self._fortran, self.dtype = _header(file)
        if self.dtype.hasobject:
            raise ValueError("it holds Python objects, which are not read")
        if not self.shape:
            raise ValueError("it holds a single number, not an array")
        if 0 in self.shape[1:] and self.shape[0]:
            raise ValueError(f"its shape is {self.shape}: rows of no numbers")
        if any(length < 0 for length in self.shape):
            raise ValueError(f"its shape is {self.shape}")

    def read(self, rows: int) -> Array:
        """Read the next rows; fewer come back only where the file ends early."""
        row_bytes = math.prod(self.shape[1:]) * self.dtype.itemsize
        buffer = np.empty(rows * row_bytes, np.uint8)  # not cleared first
        view, size = buffer.data, 0
        while size < len(buffer) and (count := self._file.readinto(view[size:])):  # type: ignore[attr-defined]
            size += count
        complete = size // row_bytes if row_bytes else rows
        values = np.frombuffer(buffer, self.dtype, complete * math.prod(self.shape[1:]))
        return values.reshape(complete, *self.shape[1:])

    def chunks(self, rows: int) -> Iterator[Array]:
        """Read all rows, so many at a time."""
        total = self.shape[0]
        if self._fortran and len(self.shape) > 1:
            yield from self._chunks_by_column(rows)
            return
        for first in range(0, total, rows):
            chunk = self.read(min(rows, total - first))
            if len(chunk) < min(rows, total - first):
                raise EOFError(f"it is cut short: {first + len(chunk)} of {total} rows are there")
            yield chunk

    def _chunks_by_column(self, rows: int) -> Iterator[Array]:
        # The rows of an array in column order lie all over the file.
        count = math.prod(self.shape)
        try:
            whole: Array = np.memmap(self._file, self.dtype, "r", self._file.tell(), (count,))
        except (AttributeError, OSError):  # within a zip file
            size = count * self.dtype.itemsize
            if size > _MOST_BY_COLUMN:
                raise ValueError(
                    f"it is in column order and takes {size >> 20} MB at once, more than "
                    f"{_MOST_BY_COLUMN >> 20} MB: save it in row order, or as .npy"
                ) from None
            whole = np.frombuffer(self._file.read(size), self.dtype, count)
        whole = whole.reshape(self.shape, order="F")
        for first in range(0, len(whole), rows):
            yield whole[first : first + rows]


def _header(file: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Read a header as NumPy does, and longer ones: those of many named fields are."""
    version = npy.read_magic(file)
    if version not in ((1, 0), (2, 0), (3, 0)):
        raise ValueError(f"its format is {version[0]}.{version[1]}, which is not known")
    kind = "<H" if version == (1, 0) else "<I"
    (length,) = struct.unpack(kind, file.read(struct.calcsize(kind)))
    if length > _LONGEST_HEADER:
        raise ValueError(f"its header has {length} bytes, more than {_LONGEST_HEADER}")
    try:
        header = ast.literal_eval(file.read(length).decode("utf-8" if version[0] > 2 else "latin1"))
        shape = tuple(int(length) for length in header["shape"])
        return shape, bool(header["fortran_order"]), npy.descr_to_dtype(header["descr"])
    except MemoryError:
        raise ValueError("its header is too deep") from None
    except Exception as error:
        raise ValueError(f"its header is damaged: {error}") from error


class NpyFile(Source):
    """One array: taken whole, by its named fields, or by the numbers of its columns."""

    def __init__(self, file: File) -> None:
        super().__init__(file)
        with file.open_plain() as opened:
            reader = self._reader(opened)
            header_bytes = opened.tell()
        self._shape, self._dtype = reader.shape, reader.dtype
        self._refuse_cut(header_bytes)
        fields = self._dtype.names
        self.only = None if fields else ""
        if not fields and len(self._shape) == 2:
            fields = tuple(str(column) for column in range(self._shape[1]))
        self.names = fields or ()

    def width(self, names: Sequence[str]) -> int:
        """Numbers in a row of the columns."""
        if self._dtype.names:
            return sum(math.prod(self._dtype[name].shape) for name in names)
        return math.prod(self._shape[1:]) if names[0] == self.only else len(names)

    def chunks(
        self, names: Sequence[str], rows: int, exact: bool = False
    ) -> Iterator[Mapping[str, Column]]:
        """Read rows of the array, and take the columns from them."""
        with self.file.open_plain() as file:
            chunks = self._reader(file).chunks(rows)
            seen = 0
            while (chunk := _next(self, chunks)) is not None:
                seen += len(chunk)
                self.done = seen / self._shape[0]
                yield {name: self._column(chunk, name) for name in names}

    def _refuse_cut(self, header_bytes: int) -> None:
        """Find out before hours of reading, not after."""
        row_bytes = math.prod(self._shape[1:]) * self._dtype.itemsize
        there = ((self.file.size or 0) - header_bytes) // max(1, row_bytes)
        if there < self._shape[0] and row_bytes:
            raise self.error(f"it is cut short: {there} of {self._shape[0]} rows are there")

    def _reader(self, file: IO[bytes]) -> ArrayReader:
        try:
            return ArrayReader(file)
        except _DAMAGE as error:
            raise self.unreadable("not a readable .npy file", error) from error

    def _column(self, chunk: Array, name: str) -> Array:
        if name == self.only:
            return chunk
        column: Array = chunk[name] if self._dtype.names else chunk[:, int(name)]
        return column


class NpzFile(Source):
    """Several arrays in a zip file, compressed or not."""

    noun = "array"

    def __init__(self, file: File) -> None:
        super().__init__(file)
        try:
            with self._archive() as archive:
                members = [name for name in archive.namelist() if name.endswith(".npy")]
        except _DAMAGE as error:
            raise self.unreadable("not a readable .npz file", error) from error
        self.names = tuple(name.removesuffix(".npy") for name in members)

    def width(self, names: Sequence[str]) -> int:
        """Numbers in a row of the arrays."""
        with ExitStack() as files:
            return sum(math.prod(reader.shape[1:]) for reader in self._readers(files, names))

    def chunks(
        self, names: Sequence[str], rows: int, exact: bool = False
    ) -> Iterator[Mapping[str, Column]]:
        """Read rows of the arrays side by side."""
        with ExitStack() as files:
            readers = dict(zip(names, self._readers(files, names), strict=True))
            lengths = {name: reader.shape[0] for name, reader in readers.items()}
            total = lengths[names[0]]
            for name, length in lengths.items():
                if length != total:
                    raise self.error(
                        f"{self.noun} {names[0]} has {total} rows, {self.noun} {name} has {length}"
                    )
            streams = {name: reader.chunks(rows) for name, reader in readers.items()}
            for first in range(0, total, rows):
                chunk = {name: _next(self, stream, name) for name, stream in streams.items()}
                self.done = min(first + rows, total) / total
                yield chunk

    def _readers(self, files: ExitStack, names: Sequence[str]) -> list[ArrayReader]:
        archive = files.enter_context(self._archive())
        return [self._reader(files, archive, name) for name in names]

    def _archive(self) -> Any:
        import zipfile  # slow to import, and few need it

        try:
            return zipfile.ZipFile(self.file.path or self.file.open_plain())
        except (zipfile.BadZipFile, NotImplementedError) as error:
            raise ValueError(str(error)) from error

    def _reader(self, files: ExitStack, archive: Any, name: str) -> ArrayReader:
        try:
            return ArrayReader(files.enter_context(archive.open(f"{name}.npy")))
        except MemoryError:
            raise
        except Exception as error:
            raise self.unreadable("not readable", error, name) from error


_TYPES = {
    "F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<V2", "I64": "<i8", "I32": "<i4",
    "I16": "<i2", "I8": "i1", "U64": "<u8", "U32": "<u4", "U16": "<u2", "U8": "u1", "BOOL": "?",
}  # fmt: skip


class _Tensor(ArrayReader):
    """An array whose shape and type stand elsewhere."""

    def __init__(self, file: IO[bytes], shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        self._file, self._fortran = file, False
        self.shape, self.dtype = shape, dtype


class SafetensorsFile(NpzFile):
    """Named tensors behind a header of JSON, as Hugging Face's format has them."""

    def __init__(self, file: File) -> None:
        Source.__init__(self, file)
        try:
            with file.open_plain() as opened:
                (length,) = struct.unpack("<Q", opened.read(8))
                if length > 16 * _LONGEST_HEADER:
                    raise ValueError(f"its header has {length} bytes")
                header = json.loads(opened.read(length))
            header.pop("__metadata__", None)
            self._start = 8 + length
            self._tensors = {name: self._tensor(entry) for name, entry in header.items()}
        except (*_DAMAGE, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise self.unreadable("not a readable .safetensors file", error) from error
        self.names = tuple(self._tensors)

    def _tensor(self, entry: Any) -> tuple[int, tuple[int, ...], np.dtype[Any]]:
        shape = tuple(int(length) for length in entry["shape"])
        dtype = np.dtype(_TYPES[entry["dtype"]])
        begin, end = entry["data_offsets"]
        size = math.prod(shape) * dtype.itemsize
        if not shape or min(shape) < 1 or end - begin != size or begin < 0:
            raise ValueError(f"a tensor of shape {shape} takes {size} bytes, not {end - begin}")
        if self._start + end > (self.file.size or 0):
            raise ValueError("it is cut short")
        return begin, shape, dtype

    def _readers(self, files: ExitStack, names: Sequence[str]) -> list[ArrayReader]:
        readers: list[ArrayReader] = []
        for name in names:
            begin, shape, dtype = self._tensors[name]
            file = files.enter_context(self.file.open_plain())
            file.seek(self._start + begin)
            readers.append(_Tensor(file, shape, dtype))
        return readers


def _next(source: Source, chunks: Iterator[Array], name: str | None = None) -> Array | None:
    """Return the next chunk; damage in the file becomes an error that names the file."""
    try:
        return next(chunks, None)
    except MemoryError:
        raise
    except Exception as error:  # zipfile and decompressors raise many kinds
        raise source.unreadable("not readable", error, name) from error
