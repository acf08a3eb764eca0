"""What lends memory by DLPack and by the Arrow C data interface, written with ctypes.

Every field of what is lent can be set, to what no library would give. Each lender counts how often
its memory has been given back.
"""

from __future__ import annotations

import ctypes
from collections import Counter

import numpy as np

# Its own functions: other libraries, such as JAX, say what those of ctypes.pythonapi take.
PYTHON = ctypes.PyDLL(None)
PyCapsule_New = PYTHON.PyCapsule_New
PyCapsule_New.restype = ctypes.py_object
PyCapsule_New.argtypes = (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p)
# Of a capsule that is being freed, to which no reference can be made.
PyCapsule_IsValid = ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_char_p)(
    ("PyCapsule_IsValid", PYTHON)
)
PyCapsule_GetName = PYTHON.PyCapsule_GetName
PyCapsule_GetName.restype = ctypes.c_char_p
PyCapsule_GetName.argtypes = (ctypes.py_object,)
#: Lenders live as long as anyone may give something back.
LENDERS = []
Callback = ctypes.CFUNCTYPE(None, ctypes.c_void_p)
CapsuleEnd = ctypes.PYFUNCTYPE(None, ctypes.c_void_p)


def int64s(numbers):
    return None if numbers is None else (ctypes.c_int64 * len(numbers))(*numbers)


def set_fields(structure, fields):
    for field, x in fields.items():
        setattr(structure, field, x)


# ------------------------------------------------------------------------------------------ DLPack


class DlTensor(ctypes.Structure):
    _fields_ = (
        ("data", ctypes.c_void_p),
        ("device_type", ctypes.c_int32),
        ("device_id", ctypes.c_int32),
        ("ndim", ctypes.c_int32),
        ("code", ctypes.c_uint8),
        ("bits", ctypes.c_uint8),
        ("lanes", ctypes.c_uint16),
        ("shape", ctypes.POINTER(ctypes.c_int64)),
        ("strides", ctypes.POINTER(ctypes.c_int64)),
        ("byte_offset", ctypes.c_uint64),
    )


class Unversioned(ctypes.Structure):
    _fields_ = (("tensor", DlTensor), ("context", ctypes.c_void_p), ("deleter", Callback))


class Versioned(ctypes.Structure):
    _fields_ = (
        ("major", ctypes.c_uint32),
        ("minor", ctypes.c_uint32),
        ("context", ctypes.c_void_p),
        ("deleter", Callback),
        ("flags", ctypes.c_uint64),
        ("tensor", DlTensor),
    )


READ_ONLY = 1
CODES = {"i": 0, "u": 1, "f": 2, "V": 4, "c": 5, "b": 6}  # by the kind of a dtype; V: bfloat16


class Lender:
    """A tensor over an array, by DLPack of a version or, without one, of before there were any."""

    def __init__(self, array, version=(1, 0), flags=0, has_deleter=True, **fields):
        LENDERS.append(self)
        self.array = array
        self.deleted = 0
        self._version = version
        item, shape = array.itemsize, fields.pop("shape", array.shape)
        ndim = array.ndim if shape is None else len(shape)
        self.shape = int64s(shape)
        self.strides = int64s(fields.pop("strides", [s // item for s in array.strides]))
        self.tensor = DlTensor(array.ctypes.data, 1, 0, ndim, CODES[array.dtype.kind], 8 * item, 1)
        self.tensor.shape, self.tensor.strides = self.shape, self.strides
        set_fields(self.tensor, fields)
        self._deleter = Callback(self._delete)
        deleter = self._deleter if has_deleter else Callback()
        if version is None:
            self.managed = Unversioned(self.tensor, None, deleter)
        else:
            self.managed = Versioned(*version, None, deleter, flags, self.tensor)
        self.name = b"dltensor" if version is None else b"dltensor_versioned"
        self._end = CapsuleEnd(self._end_capsule)

    def _delete(self, managed):
        assert managed == ctypes.addressof(self.managed)
        self.deleted += 1

    def _end_capsule(self, capsule):
        if PyCapsule_IsValid(capsule, self.name):  # nobody has taken the tensor
            self.deleted += 1

    def __dlpack_device__(self):
        return self.tensor.device_type, self.tensor.device_id

    def __dlpack__(self, **options):
        assert options in ({}, {"max_version": (1, 0)})
        if self._version is None and options:
            raise TypeError("unexpected keyword argument 'max_version'")
        return PyCapsule_New(ctypes.addressof(self.managed), self.name, self._end)


class ExchangeTable(ctypes.Structure):
    """What a type offers in __dlpack_c_exchange_api__."""


Export = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.py_object, ctypes.POINTER(ctypes.c_void_p))
ExchangeTable._fields_ = (
    ("major", ctypes.c_uint32),
    ("minor", ctypes.c_uint32),
    ("earlier", ctypes.POINTER(ExchangeTable)),
    ("allocate", ctypes.c_void_p),
    ("export", Export),
    ("unused", ctypes.c_void_p * 3),
)


# ------------------------------------------------------------------------------------------- Arrow


class ArrowSchema(ctypes.Structure):
    pass


class ArrowArray(ctypes.Structure):
    pass


class ArrowStream(ctypes.Structure):
    pass


ArrowSchema._fields_ = (
    ("format", ctypes.c_char_p),
    ("name", ctypes.c_char_p),
    ("metadata", ctypes.c_char_p),
    ("flags", ctypes.c_int64),
    ("n_children", ctypes.c_int64),
    ("children", ctypes.POINTER(ctypes.POINTER(ArrowSchema))),
    ("dictionary", ctypes.POINTER(ArrowSchema)),
    ("release", Callback),
    ("context", ctypes.c_void_p),
)
ArrowArray._fields_ = (
    ("length", ctypes.c_int64),
    ("null_count", ctypes.c_int64),
    ("offset", ctypes.c_int64),
    ("n_buffers", ctypes.c_int64),
    ("n_children", ctypes.c_int64),
    ("buffers", ctypes.POINTER(ctypes.c_void_p)),
    ("children", ctypes.POINTER(ctypes.POINTER(ArrowArray))),
    ("dictionary", ctypes.POINTER(ArrowArray)),
    ("release", Callback),
    ("context", ctypes.c_void_p),
)
GetSchema = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.POINTER(ArrowSchema))
GetNext = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.POINTER(ArrowArray))
GetError = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p)
ArrowStream._fields_ = (
    ("get_schema", GetSchema),
    ("get_next", GetNext),
    ("get_last_error", GetError),
    ("release", Callback),
    ("context", ctypes.c_void_p),
)

FORMATS = {
    "f2": b"e", "f4": b"f", "f8": b"g", "i1": b"c", "i2": b"s", "i4": b"i", "i8": b"l",
    "u1": b"C", "u2": b"S", "u4": b"I", "u8": b"L",
}  # fmt: skip


def bitmap(bits, offset=0):
    """Return booleans as bits, the lowest first, behind as many others as the offset says."""
    return np.packbits(np.array([True] * offset + list(bits), bool), bitorder="little")


class Level:
    """A level of a column: its schema and its array, with those below it."""

    def __init__(self, format, length, buffers=(), children=(), **fields):
        pointers = [None if x is None else getattr(x, "ctypes", x).data for x in buffers]
        self._kept = buffers, children
        self._buffers = (ctypes.c_void_p * max(len(pointers), 1))(*pointers)
        count = len(children)
        self._schemas = (ctypes.POINTER(ArrowSchema) * max(count, 1))(
            *(ctypes.pointer(child.schema) for child in children)
        )
        self._arrays = (ctypes.POINTER(ArrowArray) * max(count, 1))(
            *(ctypes.pointer(child.array) for child in children)
        )
        self.schema = ArrowSchema(format, b"", None, 0, count, self._schemas)
        self.array = ArrowArray(length, 0, 0, len(pointers), count, self._buffers, self._arrays)
        self.set(**fields)

    def set(self, **fields):
        """Set fields of the array, or of the schema where only that has them."""
        of_array = {name for name, _ in ArrowArray._fields_}
        for field, x in fields.items():
            setattr(self.array if field in of_array else self.schema, field, x)
        return self


def numbers(array, valid=None, offset=0, **fields):
    """Return the level of an array, behind as many numbers as the offset says."""
    memory = np.concatenate([np.full(offset, 77).astype(array.dtype), array])
    bits = None if valid is None else bitmap(valid, offset)
    fields = {"null_count": 0 if valid is None else -1, "offset": offset, **fields}
    level = Level(FORMATS[array.dtype.str[1:]], len(array), (bits, memory), **fields)
    level.memory = memory[offset:]
    return level


def booleans(array, valid=None, offset=0, **fields):
    bits = None if valid is None else bitmap(valid, offset)
    fields = {"null_count": 0 if valid is None else -1, "offset": offset, **fields}
    return Level(b"b", len(array), (bits, bitmap(array, offset)), **fields)


def lists(size, child, length, valid=None, offset=0, **fields):
    bits = None if valid is None else bitmap(valid, offset)
    fields = {"null_count": 0 if valid is None else -1, "offset": offset, **fields}
    return Level(b"+w:%d" % size, length, (bits,), (child,), **fields)


def table(*children, length, **fields):
    return Level(b"+s", length, (None,), children, **fields)


class Column:
    """What gives a level by __arrow_c_array__."""

    def __init__(self, level, names=(b"arrow_schema", b"arrow_array")):
        LENDERS.append(self)
        self.level = level
        self.released = Counter()
        self._names = names
        self._releases = {}
        for kind, structure in (("schema", level.schema), ("array", level.array)):
            self._releases[kind] = self._release_of(kind, type(structure))
            structure.release = self._releases[kind]

    def _release_of(self, kind, structure):
        def release(at):
            moved = structure.from_address(at)
            assert moved.release
            moved.release = Callback()
            self.released[kind] += 1

        return Callback(release)

    def _capsule(self, structure, name):
        return PyCapsule_New(ctypes.addressof(structure), name, None)

    def __arrow_c_array__(self, requested_schema=None):
        return tuple(
            self._capsule(structure, name)
            for structure, name in zip(
                (self.level.schema, self.level.array), self._names, strict=True
            )
        )

    def is_given_back(self):
        """Whether all that was taken has been released, once."""
        left = [kind for kind in self._releases if getattr(self.level, kind).release]
        taken = set(self._releases) - set(left)
        return self.released == Counter(taken)


class Stream:
    """What gives the levels of some columns, one after the other, by __arrow_c_stream__."""

    def __init__(self, columns, schema=None, code=0, text=None, **fields):
        LENDERS.append(self)
        self.columns = columns
        self.released = 0
        self._schema = schema or columns[0]
        self._left = iter(columns)
        self._code = code
        self._text = None if text is None else ctypes.create_string_buffer(text)
        text_at = None if text is None else ctypes.addressof(self._text)
        self.stream = ArrowStream(
            GetSchema(self._get_schema), GetNext(self._get_next), GetError(lambda _: text_at),
            Callback(self._release),
        )  # fmt: skip
        set_fields(self.stream, fields)

    def _get_schema(self, _, to):
        ctypes.memmove(to, ctypes.byref(self._schema.level.schema), ctypes.sizeof(ArrowSchema))
        self._schema.level.schema.release = Callback()
        return 0

    def _get_next(self, _, to):
        column = next(self._left, None)
        if column is None:
            ctypes.memset(to, 0, ctypes.sizeof(ArrowArray))
            return self._code
        ctypes.memmove(to, ctypes.byref(column.level.array), ctypes.sizeof(ArrowArray))
        column.level.array.release = Callback()
        return 0

    def _release(self, at):
        ArrowStream.from_address(at).release = Callback()
        self.released += 1

    def __arrow_c_stream__(self, requested_schema=None):
        return PyCapsule_New(ctypes.addressof(self.stream), b"arrow_array_stream", None)
