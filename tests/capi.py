"""The C library as Python sees it through ctypes: called as a loss is called."""

from __future__ import annotations

import ctypes
from ctypes import (
    POINTER,
    byref,
    c_char_p,
    c_double,
    c_int32,
    c_int64,
    c_size_t,
    c_uint32,
    c_void_p,
)
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from recording import (
    CHOICE,
    DENOMINATORS,
    INTEGER,
    NOTHING,
    NUMBER,
    NUMBERS,
    REDUCTIONS,
    SWITCH,
    TYPES,
    WANTS,
    kind_of,
)

import numloss
from numloss import _core

ROOT = Path(__file__).resolve().parents[1]
HEADER = ROOT / "csrc/include/numloss.h"
SWAPPED, READ_ONLY, PLAIN_NUMBER = 1, 2, 4
ALLOW_NEGATIVE_WEIGHT = 2
VALUE, GRADIENT, HESSIAN = 1, 2, 4
#: Options that ask for arrays beside the results, with their types where it is not the results'.
EXTRAS = {"return_logsumexp": None, "return_predicted": "i8"}


class Array(ctypes.Structure):
    _fields_ = [
        ("data", c_void_p), ("shape", POINTER(c_int64)), ("strides", POINTER(c_int64)),
        ("ndim", c_int32), ("dtype", c_int32), ("flags", c_uint32), ("reserved", c_uint32),
    ]  # fmt: skip


class Option(ctypes.Structure):
    _fields_ = [
        ("name", c_char_p), ("choice", c_char_p), ("array", POINTER(Array)), ("number", c_double),
        ("integer", c_int64), ("kind", c_int32), ("reserved", c_uint32),
    ]  # fmt: skip


class Sized(ctypes.Structure):
    """A struct that begins with its size."""

    def __init__(self, **members: Any) -> None:
        super().__init__(**({"size": ctypes.sizeof(self)} | members))


class Call(Sized):
    _fields_ = [
        ("size", c_size_t), ("want", c_uint32), ("input_count", c_int32),
        ("inputs", POINTER(Array)), ("options", POINTER(Option)), ("option_count", c_int32),
        ("reduction", c_int32), ("weight", POINTER(Array)), ("denominator", c_int32),
        ("dtype", c_int32), ("denominator_number", c_double), ("threads", c_int32),
        ("gradient_count", c_int32), ("values", POINTER(Array)), ("gradients", POINTER(Array)),
        ("hessians", POINTER(Array)), ("hessian_count", c_int32), ("flags", c_uint32),
        ("extras", POINTER(Array)), ("extra_count", c_int32), ("reserved", c_uint32),
    ]  # fmt: skip


class Item(ctypes.Structure):
    _fields_ = [
        ("call", c_void_p), ("result", c_void_p), ("loss", c_int32), ("status", c_int32),
    ]  # fmt: skip


class Result(Sized):
    _fields_ = [
        ("size", c_size_t), ("value", c_double), ("weight", c_double), ("count", c_int64),
        ("empty", c_int32), ("reserved", c_int32),
    ]  # fmt: skip


class Fault(Sized):
    _fields_ = [
        ("size", c_size_t), ("status", c_int32), ("is_type", c_int32), ("index_ndim", c_int32),
        ("reserved", c_int32), ("index", c_int64 * 8), ("argument", ctypes.c_char * 24),
        ("needed", ctypes.c_char * 200), ("got", ctypes.c_char * 120),
        ("text", ctypes.c_char * 520),
    ]  # fmt: skip


class Outline(Sized):
    _fields_ = [("size", c_size_t), ("dtype", c_int32), ("class_axis", c_int32)]


class LossInfo(Sized):
    _fields_ = [
        ("size", c_size_t), ("name", c_char_p), ("form", c_int32), ("input_count", c_int32),
        ("gradient_count", c_int32), ("parameter_count", c_int32), ("takes_labels", c_int32),
        ("takes_probabilities", c_int32),
    ]  # fmt: skip


class InputInfo(Sized):
    _fields_ = [
        ("size", c_size_t), ("name", c_char_p), ("domain", c_int32), ("gradient", c_int32),
        ("standard", c_double), ("may_be_left_out", c_int32), ("reserved", c_int32),
    ]  # fmt: skip


class ParameterInfo(Sized):
    _fields_ = [
        ("size", c_size_t), ("name", c_char_p), ("kinds", c_int32), ("default_kind", c_int32),
        ("range", c_int32), ("default_place", c_int32), ("number", c_double),
        ("integer", c_int64), ("choices", POINTER(c_char_p)),
    ]  # fmt: skip


@cache
def library() -> ctypes.CDLL:
    """Return the library that the extension runs on."""
    made = ctypes.CDLL(numloss.get_library())
    made.numloss_compute.argtypes = [c_char_p, POINTER(Call), POINTER(Result), POINTER(Fault)]
    made.numloss_compute_index.argtypes = [c_int32, POINTER(Call), POINTER(Result), POINTER(Fault)]
    made.numloss_check.argtypes = [c_int32, POINTER(Call), POINTER(Outline), POINTER(Fault)]
    made.numloss_set_num_threads.argtypes = [c_int32, POINTER(Fault)]
    made.numloss_compute_batch.argtypes = [POINTER(Item), c_int64, POINTER(Fault)]
    made.numloss_start.argtypes = [POINTER(Fault)]
    made.numloss_find.argtypes = [c_char_p]
    for name in ("loss_name", "isa", "version"):
        getattr(made, f"numloss_{name}").restype = c_char_p
    return made


class Refusal(Exception):  # noqa: N818 (a word of its own, as the library's faults are)
    """What the library says of a call."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.text.decode())
        self.status = fault.status
        self.argument = fault.argument.decode()
        self.index = tuple(fault.index[: fault.index_ndim])


def check(status: int, fault: Fault) -> None:
    """Raise for a call that was refused."""
    if status != 0:
        assert fault.status == status
        raise Refusal(fault)


def view(x: np.ndarray, flags: int = 0) -> Array:
    """Describe an array, which the description keeps alive."""
    native = x.dtype.newbyteorder("=")
    flags |= 0 if x.dtype.isnative else SWAPPED
    flags |= 0 if x.flags.writeable else READ_ONLY
    lengths = (c_int64 * x.ndim)(*x.shape)
    strides = (c_int64 * x.ndim)(*x.strides)
    made = Array(x.ctypes.data, lengths, strides, x.ndim, 1 + TYPES.index(native), flags)
    made.kept = x, lengths, strides
    return made


def views(arrays: Any) -> Any:
    """Describe arrays one behind the other."""
    seen = [view(np.asarray(x), 0 if isinstance(x, np.ndarray) else PLAIN_NUMBER * (i == 1))
            for i, x in enumerate(arrays)]  # fmt: skip
    made = (Array * len(seen))(*seen)
    made.kept = seen
    return made


def option(loss: str, name: str, value: Any) -> Option:
    """Describe an option as Python takes it."""
    kind = kind_of(name, _core.losses()[loss][1].get(name, 0.0), value)
    made = Option(name=name.encode(), kind=kind)
    if kind == NUMBER:
        made.number = value
    elif kind in (SWITCH, INTEGER):
        made.integer = int(value)
    elif kind == CHOICE:
        made.choice = value.encode()
    elif kind == NUMBERS:
        made.kept = view(np.asarray(value))
        made.array = ctypes.pointer(made.kept)
    else:
        assert kind == NOTHING
    return made


class Prepared:
    """A call that may still be changed, and what it points to."""

    def __init__(self, loss: str, want: int, *inputs: Any, **options: Any) -> None:
        self.loss = loss
        self.inputs = [x if isinstance(x, (int, float)) else np.asarray(x) for x in inputs]
        names = _core.losses()[loss][0]
        self.inputs += [
            np.asarray(options.pop(x), float) for x in names[len(inputs) :] if x in options
        ]
        self.call = Call(
            want=want, threads=options.pop("threads", 0), flags=options.pop("flags", 0)
        )
        if options.pop("allow_negative_weight", False):
            self.call.flags |= ALLOW_NEGATIVE_WEIGHT
        self._arrays = views(self.inputs)
        self.call.inputs, self.call.input_count = self._arrays, len(self.inputs)
        self.call.reduction = REDUCTIONS.index(options.pop("reduction", "mean"))
        denominator = options.pop("denominator", "weight")
        if denominator in DENOMINATORS:
            self.call.denominator = DENOMINATORS.index(denominator)
        else:
            self.call.denominator, self.call.denominator_number = 2, denominator
        dtype = options.pop("dtype", None)
        self.call.dtype = 0 if dtype is None else 1 + TYPES.index(np.dtype(dtype))
        weight = options.pop("weight", None)
        if weight is not None:
            self._weight = view(np.asarray(weight))
            self.call.weight = ctypes.pointer(self._weight)
        self._options = [option(loss, name, value) for name, value in options.items()]
        self.call.options = (Option * len(self._options))(*self._options)
        self.call.option_count = len(self._options)
        self.values: list[np.ndarray] = []
        self.gradients: list[np.ndarray] = []
        self.hessians: list[np.ndarray] = []
        self.asked = [name for name, value in options.items() if name in EXTRAS and value]
        self.extras: list[np.ndarray] = []

    def outline(self) -> Outline:
        """Return what the library says of the results."""
        outline, fault = Outline(), Fault()
        index = library().numloss_find(self.loss.encode())
        check(library().numloss_check(index, byref(self.call), byref(outline), byref(fault)), fault)
        return outline

    @property
    def gives_number(self) -> bool:
        is_penalty = len(_core.losses()[self.loss][0]) == 1
        return bool(self.call.want & VALUE) and (is_penalty or self.call.reduction != 2)

    def make_outputs(self) -> None:
        """Make arrays for the results."""
        outline = self.outline()
        shape, dtype = np.shape(self.inputs[0]), TYPES[outline.dtype - 1]
        axis, want = outline.class_axis, self.call.want
        examples = shape if axis < 0 else shape[:axis] + shape[axis + 1 :]
        info = LossInfo()
        library().numloss_loss(library().numloss_find(self.loss.encode()), byref(info))
        by_example = want & VALUE and not self.gives_number
        self.values = [np.empty(examples, dtype)] if by_example else []
        self.gradients = [
            np.empty(shape, dtype) for _ in range(info.gradient_count if want & GRADIENT else 0)
        ]
        self.hessians = [
            np.empty(shape, dtype) for _ in range(info.gradient_count if want & HESSIAN else 0)
        ]
        self.extras = [np.empty(examples, EXTRAS[name] or dtype) for name in self.asked]
        self.set_outputs()

    def set_outputs(self) -> None:
        """Let the call write to the arrays that are here."""
        outputs = self.values, self.gradients, self.hessians, self.extras
        self._outputs = [views(x) for x in outputs]
        self.call.values, self.call.gradients, self.call.hessians, self.call.extras = (
            x or None for x in self._outputs
        )
        self.call.extra_count = len(self.extras)
        self.call.gradient_count, self.call.hessian_count = len(self.gradients), len(self.hessians)

    def compute(self) -> Result:
        """Compute, or raise."""
        result, fault = Result(), Fault()
        status = library().numloss_compute(
            self.loss.encode(), byref(self.call), byref(result), byref(fault)
        )
        check(status, fault)
        return result

    def results(self) -> list[Any]:
        """Return all results as Python's calls give them."""
        self.make_outputs()
        result = self.compute()
        number = [np.float64(result.value)] if self.gives_number else []
        return [*number, *self.values, *self.gradients, *self.hessians, *self.extras]


def call(loss: Any, method: str, *inputs: Any, **options: Any) -> list[Any]:
    """Call a loss through the C library; stands in for ``recording.call``."""
    return Prepared(loss.__name__, WANTS[method], *inputs, **options).results()
