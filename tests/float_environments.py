"""Floating-point environments that another library may have left behind, set through the C library.

A thread's environment is read and written as a whole: C has names for the rounding modes alone.
"""

import ctypes
import platform
import struct
from contextlib import contextmanager

_LIBM = ctypes.CDLL("libm.so.6")

if platform.machine() == "x86_64":
    # fenv_t: 28 bytes of the x87 unit, then MXCSR.
    _REGISTER, _OFFSET = struct.Struct("<I"), 28
    FLUSH = 1 << 15 | 1 << 6  # FTZ | DAZ
    ROUNDING = {"down": 1 << 13, "up": 2 << 13, "to zero": 3 << 13}
    FLAGS = 0x3F
else:
    # fenv_t: FPCR, then FPSR.
    _REGISTER, _OFFSET = struct.Struct("<Q"), 0
    FLUSH = 1 << 24  # FZ
    ROUNDING = {"up": 1 << 22, "down": 2 << 22, "to zero": 3 << 22}
    FLAGS = 0x9F << 32

#: What is added to the ordinary environment.
ENVIRONMENTS = {**ROUNDING, "flush": FLUSH, "flush, up": FLUSH | ROUNDING["up"]}


def _fenv():
    buffer = ctypes.create_string_buffer(_OFFSET + _REGISTER.size)
    _LIBM.fegetenv(buffer)
    return buffer


def get():
    """Return the register that holds modes and flags of the calling thread."""
    return _REGISTER.unpack_from(_fenv(), _OFFSET)[0]


def put(register):
    """Write that register."""
    buffer = _fenv()
    _REGISTER.pack_into(buffer, _OFFSET, register)
    _LIBM.fesetenv(buffer)


@contextmanager
def environment(name):
    """Switch the calling thread to another environment inside a ``with`` block."""
    before = get()
    put(before | ENVIRONMENTS[name])
    try:
        yield
    finally:
        put(before)
