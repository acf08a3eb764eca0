"""Calls of losses, written down for tests/native/replay.cpp to repeat through the C library."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import ml_dtypes
import numpy as np

from numloss import _core

#: Types in the order of csrc/include/numloss.h, where the first is 1.
TYPES = [np.dtype(c) for c in ("f4", "f8", "f2", ml_dtypes.bfloat16, "?")]
TYPES += [np.dtype(c) for c in ("i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8")]
#: What each way to call a loss computes: sums of NUMLOSS_VALUE, NUMLOSS_GRADIENT, NUMLOSS_HESSIAN.
WANTS = {"__call__": 1, "grad": 2, "value_and_grad": 3, "grad_and_hess": 6}
REDUCTIONS = ("mean", "sum", "none")
DENOMINATORS = ("weight", "count")
#: Kinds of options in the same header.
NUMBER, SWITCH, INTEGER, CHOICE, NUMBERS, NOTHING = (1 << bit for bit in range(6))


def several(result: Any) -> list[Any]:
    """Return what a call gave as a list, derivatives by several inputs one after another."""
    if not isinstance(result, tuple):
        return [result]
    return [part for some in result for part in several(some)]


def call(loss: Any, method: str, *inputs: Any, **options: Any) -> list[Any]:
    """Call a loss by one of the ways in ``WANTS``; return all that it gave."""
    return several(getattr(loss, method)(*inputs, **options))


def kind_of(name: str, default: Any, value: Any) -> int:
    """Return the kind of an option, from the parameter's default and what it is given."""
    if value is None:
        return NOTHING
    if name in ("softcap", "k"):  # numbers that by default are none
        return NUMBER
    if isinstance(default, str) and isinstance(value, str):
        return CHOICE
    kinds = {bool: SWITCH, int: INTEGER, float: NUMBER}
    return kinds.get(type(default), NUMBERS)


class Recorder:
    """Calls losses as ``call`` does, and writes down each call and what it gave.

    Numbers are integers and floats of 64 bits, texts and arrays begin with their lengths.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def __call__(self, loss: Any, method: str, *inputs: Any, **options: Any) -> list[Any]:
        found = call(loss, method, *inputs, **options)
        names, defaults = _core.losses()[loss.__name__]
        inputs += tuple(options.pop(name) for name in names[len(inputs) :] if name in options)
        weight = options.pop("weight", None)
        denominator = options.pop("denominator", "weight")
        reduction = options.pop("reduction", "mean")
        dtype = options.pop("dtype", None)
        by_number = denominator not in DENOMINATORS
        self._text(loss.__name__)
        self._integers(
            WANTS[method],
            REDUCTIONS.index(reduction),
            len(DENOMINATORS) if by_number else DENOMINATORS.index(denominator),
            0 if dtype is None else 1 + TYPES.index(np.dtype(dtype)),
        )
        self._numbers(denominator if by_number else 0.0)
        self._arrays(*inputs)
        self._arrays(*([] if weight is None else [weight]))
        self._options(defaults, options)
        self._arrays(*found)
        return found

    def _integers(self, *x: int) -> None:
        self._file.write(struct.pack(f"<{len(x)}q", *x))

    def _numbers(self, *x: float) -> None:
        self._file.write(struct.pack(f"<{len(x)}d", *x))

    def _text(self, text: str) -> None:
        self._integers(len(text))
        self._file.write(text.encode())

    def _array(self, x: Any) -> None:
        array = np.asarray(x)
        native = array.dtype.newbyteorder("=")
        self._integers(1 + TYPES.index(native), array.ndim, *array.shape)
        self._file.write(np.ascontiguousarray(array, native).tobytes())

    def _arrays(self, *arrays: Any) -> None:
        self._integers(len(arrays))
        for x in arrays:
            self._array(x)

    def _options(self, defaults: dict[str, Any], options: dict[str, Any]) -> None:
        self._integers(len(options))
        for option, value in options.items():
            kind = kind_of(option, defaults[option], value)
            self._text(option)
            self._integers(kind)
            if kind == NUMBER:
                self._numbers(value)
            elif kind in (SWITCH, INTEGER):
                self._integers(int(value))
            elif kind == CHOICE:
                self._text(value)
            elif kind == NUMBERS:
                self._array(value)


@contextmanager
def recording(path: Path) -> Iterator[Recorder]:
    """Give a way to call losses that writes every call into a file."""
    with path.open("wb") as file:
        yield Recorder(file)
