"""Calls no sane caller would make, and what must hold of every one of them.

A source of choices makes a call: bytes of a fuzzer, or Hypothesis. `check` makes it and raises an
AssertionError unless it gives the bits of the same call on plain copies of the arguments, or is
refused with a documented exception before any memory has changed.
"""

from __future__ import annotations

import contextlib
import decimal
import inspect
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Protocol

import ml_dtypes
import numpy as np
from cases import CASES, Array, Shape, assert_same
from numpy.lib.stride_tricks import as_strided

import numloss
from numloss._loss import CALL_DEFAULTS

#: What the docstrings say a loss may raise.
DOCUMENTED = (TypeError, ValueError, MemoryError)
METHODS = ("__call__", "grad", "value_and_grad", "grad_and_hess")
#: Arguments that every call is given in a way of their own.
COMMON = {"prediction", "target", "axis", "ignore_index", *CALL_DEFAULTS}
#: Bounds the time of a call: more never makes a new case.
MOST_ELEMENTS = 1 << 15


class Source(Protocol):
    """Where choices come from."""

    def integer(self, low: int, high: int) -> int:
        """Return a number in [low, high]."""


class Bytes:
    """Choices read off a fuzzer's input; zeros when it has been used up."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def integer(self, low: int, high: int) -> int:
        size = ((high - low).bit_length() + 7) // 8
        chunk = self._data[self._at : self._at + size]
        self._at += size
        return low + int.from_bytes(chunk, "little") % (high - low + 1)


class Chooser:
    """The choices that calls are made of."""

    def __init__(self, source: Source) -> None:
        self.integer = source.integer

    def pick(self, options: Sequence[Any]) -> Any:
        return options[self.integer(0, len(options) - 1)]

    def rarely(self) -> bool:
        return self.integer(0, 15) == 15

    def rng(self) -> np.random.Generator:
        return np.random.default_rng(self.integer(0, 255))


# --------------------------------------------------------------------------------------- arguments

BFLOAT16 = np.dtype(ml_dtypes.bfloat16)
FLOATS = [*map(np.dtype, ["f8", "f4", "f2", ">f8", ">f4", ">f2"]), BFLOAT16]
INTEGERS = [
    *map(np.dtype, ["i8", "i4", "i2", "i1", "u8", "u4", "u2", "u1", ">i8", ">i4", ">u2", ">u8"])
]
REFUSED = [
    *map(np.dtype, ["c16", "g", "O", "M8[s]", "m8[s]", "V2", "S2", "U2"]),
    np.dtype([("a", "f4"), ("b", "f4")]),
    np.dtype(ml_dtypes.float8_e5m2),
    np.dtype(ml_dtypes.int4),
]
LENGTHS = (0, 1, 2, 3, 5, 16, 17, 64, 65, 129, 1025)
CLASSES = (1, 2, 3, 10, 64, 65, 256, 257, 300, 4097, 0)
SPECIAL = np.array(
    [0.0, -0.0, 1.0, -1.0, 0.5, np.nan, np.inf, -np.inf, 1e308, -1e308, 5e-324, 65504.0, 1e-8]
)
NUMBERS = (
    0.0, 1.0, 0.5, -1.0, 2.0, float("nan"), float("inf"), -float("inf"), 5e-324, 1e308, 1, 0, -1,
    2**63, 10**400, True, None, "mean", "x", b"x", 1j, np.float32(0.5), np.float64(2), np.int8(1),
    np.array(0.5), np.array([0.5, 1.0]), [1.0], decimal.Decimal("0.5"), Fraction(1, 2),
    np.longdouble(0.5), ...,
)  # fmt: skip
INDICES = (
    0, 1, -1, 2, -2, 63, -64, 2**31, -(2**31), 2**63 - 1, -(2**63), 2**63, 10**30, -100, True, 1.0,
    None, "0", np.int8(-1), np.uint64(2**64 - 1), np.array(0), np.array([0]),
)  # fmt: skip


def values(choose: Chooser, shape: Shape) -> Array:
    rng = choose.rng()
    drawn = np.asarray(rng.normal(scale=3.0, size=shape))
    if choose.rarely():
        return np.where(rng.random(shape) < 0.2, rng.choice(SPECIAL, shape), drawn)
    return drawn


def cast(x: Array, dtype: np.dtype[Any]) -> Array:
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if dtype.names or dtype.kind in "MmVSU":
            return np.zeros(x.shape, dtype)
        return np.asarray(x).astype(dtype)


def dtype_of(choose: Chooser, usual: Sequence[np.dtype[Any]]) -> np.dtype[Any]:
    if choose.rarely():
        return choose.pick(REFUSED)
    return choose.pick(usual)


def prediction_of(choose: Chooser, shape: Shape, chances: bool) -> Array:
    dtype = dtype_of(choose, FLOATS * 2 + INTEGERS + [np.dtype(bool)])
    x = values(choose, shape)
    with np.errstate(all="ignore"):
        return cast(np.abs(x) / (1 + np.abs(x)) if chances else x, dtype)


def labels_of(choose: Chooser, shape: Shape, classes: int) -> Array:
    dtype = dtype_of(choose, INTEGERS)
    drawn = choose.rng().integers(0, max(1, min(classes, 127)), shape)
    labels = cast(drawn, dtype)
    if labels.size and dtype.kind in "iu" and choose.integer(0, 3) == 3:
        bounds = np.iinfo(dtype)
        odd = (bounds.min, bounds.max, classes - 1, classes, -1, -100, classes + 256, 2**32, 2**31)
        at = choose.integer(0, min(labels.size, 256) - 1)
        bound = choose.pick(odd)
        if bounds.min <= bound <= bounds.max:
            labels.reshape(-1)[at] = bound
    return labels


def distribution_of(choose: Chooser, shape: Shape, axis: int) -> Array:
    shares = choose.rng().exponential(size=shape)
    if shares.size:
        shares /= shares.sum(axis=axis, keepdims=True)
    if choose.rarely():
        shares = np.where(choose.rng().random(shape) < 0.1, values(choose, shape), shares)
    return cast(shares, dtype_of(choose, FLOATS))


def elements_of(choose: Chooser, shape: Shape) -> Array:
    """Return targets of one score: in [0, 1], -1 and +1, booleans, anything."""
    rng = choose.rng()
    kind = choose.integer(0, 4)
    if kind == 0:
        return cast(rng.integers(0, 2, shape), choose.pick(FLOATS + INTEGERS + [np.dtype(bool)]))
    if kind == 1:
        return cast(2 * rng.integers(0, 2, shape) - 1, choose.pick(FLOATS + INTEGERS[:4]))
    if kind == 2:
        return cast(rng.integers(0, 256, shape), np.dtype("u1")).view(
            bool
        )  # any byte but 0 is true
    if kind == 3:
        return cast(rng.random(shape), dtype_of(choose, FLOATS))
    return cast(values(choose, shape), dtype_of(choose, FLOATS + INTEGERS))


# ---------------------------------------------------------------------------- layouts and disguises


class Lying(np.ndarray):
    """An array whose attributes say what is not so."""

    @property
    def shape(self):
        return (7, 7)

    @property
    def dtype(self):
        raise KeyError("dtype")

    @property
    def strides(self):
        return ()

    @property
    def flags(self):
        return None

    def view(self, *args):
        return None

    def __array__(self, *args, **kwargs):
        return np.zeros(3)

    def __array_ufunc__(self, *args, **kwargs):
        raise KeyError("ufunc")

    def __array_function__(self, *args, **kwargs):
        raise KeyError("function")


def backwards(x: Array) -> Array:
    steps = (..., *(slice(None, None, -1) for _ in x.shape))
    return x[steps].copy()[steps]


def spread_out(x: Array, step: int) -> Array:
    room = np.zeros(x.size * step, x.dtype)
    view = room[step - 1 :: step].reshape(x.shape)
    view[...] = x
    return view


def unaligned(x: Array) -> Array:
    room = np.zeros(x.nbytes + 1, "u1")
    view = room[1:].view(x.dtype).reshape(x.shape) if x.size else x
    view[...] = x
    return view


def repeated(x: Array) -> Array:
    """Return the first element along the first axis of more than one, again and again."""
    axis = next((d for d, n in enumerate(x.shape) if n > 1), None)
    if axis is None:
        return x
    return np.broadcast_to(x.take([0], axis), x.shape)


def read_only(x: Array) -> Array:
    view = x.view()
    view.flags.writeable = False
    return view


LAYOUTS: tuple[Callable[[Array], Array], ...] = (
    lambda x: x,
    np.asfortranarray,
    backwards,
    lambda x: spread_out(x, 2),
    lambda x: spread_out(x, 3),
    lambda x: np.ascontiguousarray(x.T).T,
    repeated,
    read_only,
    unaligned,
)
SUBCLASSES: tuple[Callable[[Array], Array], ...] = (
    lambda x: x.view(Lying),
    lambda x: x.view(np.matrix) if x.ndim == 2 else x,
    lambda x: x.view(np.recarray) if x.dtype.kind in "fiu" else x,
    lambda x: np.ma.MaskedArray(x),
)


def laid_out(choose: Chooser, x: Array) -> Array:
    x = np.asarray(x)
    if x.dtype == object:
        return x
    return choose.pick(LAYOUTS)(x)


class Honest:
    """An array-like that gives what it has."""

    def __init__(self, array: Array) -> None:
        self._array = array

    def __array__(self, dtype=None, copy=None):
        return self._array


class Interface:
    def __init__(self, array: Array) -> None:
        self._array = array
        self.__array_interface__ = array.__array_interface__


class Tensor:
    def __init__(self, array: Array) -> None:
        self._array = array

    def __dlpack__(self, **options):
        return self._array.__dlpack__(**options)

    def __dlpack_device__(self):
        return self._array.__dlpack_device__()


class Raising:
    def __array__(self, dtype=None, copy=None):
        raise KeyError("no array")

    def __dlpack__(self, **options):
        raise KeyError("no tensor")

    def __dlpack_device__(self):
        raise KeyError("no device")


class NoClass:
    @property
    def __class__(self):
        raise KeyError("no class")


class Changing:
    """Another array each time it is asked."""

    def __init__(self, array: Array) -> None:
        self._array = array
        self._times = 0

    def __array__(self, dtype=None, copy=None):
        self._times += 1
        forms = (self._array, self._array != 0, self._array[:0], np.zeros((2, 2, 2)), None)
        return forms[(self._times - 1) % len(forms)]


class Mutating:
    """An array-like that changes the other arguments while it is read."""

    def __init__(self, array: Array, victims: list[Array], how: int) -> None:
        self._array = array
        self._victims = victims
        self._how = how

    def __array__(self, dtype=None, copy=None):
        for victim in self._victims:
            with contextlib.suppress(Exception), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                self._change(victim)
        return self._array

    def _change(self, x: Array) -> None:
        if self._how == 0:
            x.shape = (x.size,)
        elif self._how == 1:
            x.dtype = "u1"
        elif self._how == 2:
            x.resize((0,))
        elif self._how == 3:
            x.strides = (0,) * x.ndim
        elif self._how == 4:
            x.setflags(write=False)
        elif self._how == 5:
            x[...] = x.dtype.type(99)
        else:
            x.dtype = complex


class Tupled(tuple):
    __slots__ = ()

    def __iter__(self):
        raise KeyError("iteration")


class Text(str):
    """A string that equals any other."""

    __slots__ = ()
    __hash__ = str.__hash__

    def __eq__(self, other):
        return True


class Number(float):
    def __float__(self):
        raise KeyError("no float")


class Index:
    """An index that is another one each time."""

    def __init__(self) -> None:
        self._times = 0

    def __index__(self):
        self._times += 1
        return (-1, 0, 63, -1)[self._times % 4]


# -------------------------------------------------------------------------------------------- calls


@dataclass
class Argument:
    """An argument as the call takes it, and as a plain copy."""

    given: Any
    plain: Any
    memory: list[Array] = field(default_factory=list)  # must not change
    honest: bool = True  # the two are worth the same


def disguised(choose: Chooser, x: Array, victims: list[Array]) -> Argument:
    """Return an array as it may come: laid out, wrapped, or as something that lies."""
    x = laid_out(choose, x)
    plain = x.astype(x.dtype, order="C", copy=True)
    form = choose.integer(0, 31)
    if form < 20:
        return Argument(x, plain, [x])
    if form < 23:
        given = choose.pick(SUBCLASSES)(x)
        return Argument(given, plain if not isinstance(given, np.ma.MaskedArray) else given, [x])
    if form == 23:
        return Argument(x.tolist(), x.tolist())
    if form < 27:
        return Argument(choose.pick((Honest, Interface, Tensor))(x), plain, [x])
    if form == 27:
        return Argument(
            choose.pick((Raising(), NoClass(), Text("x"), Number(1))), None, honest=False
        )
    if form == 28:
        return Argument(Changing(x), None, [x], honest=False)
    return Argument(Mutating(x, victims, choose.integer(0, 6)), None, victims, honest=False)


@dataclass
class Attempt:
    """A call, with what to hold it to."""

    method: Callable[..., Any]
    given: dict[str, Any] = field(default_factory=dict)
    plain: dict[str, Any] = field(default_factory=dict)
    memory: list[Array] = field(default_factory=list)
    outputs: list[Array] = field(default_factory=list)
    honest: bool = True

    def add(self, name: str, argument: Argument) -> None:
        self.given[name] = argument.given
        self.plain[name] = argument.plain
        self.memory += argument.memory
        self.honest = self.honest and argument.honest

    def option(self, name: str, value: Any, honest: bool = True) -> None:
        self.add(name, Argument(value, value, honest=honest))


def shape_of(choose: Chooser, classes: int) -> Shape:
    """Return a shape of examples."""
    if choose.rarely():
        return (1,) * choose.pick((31, 32, 63, 64))
    room = MOST_ELEMENTS // max(1, classes)
    shape: list[int] = []
    for _ in range(choose.integer(0, 3)):
        length = choose.pick(LENGTHS)
        shape.append(length if length <= room else 1)
        room //= max(1, shape[-1])
    return tuple(shape)


def weight_of(choose: Chooser, examples: Shape) -> Array:
    kind = choose.integer(0, 4)
    shape = examples if kind < 3 else examples[-1:] if kind == 3 else ()
    weight = np.abs(choose.rng().normal(size=shape))
    if choose.integer(0, 3) == 3:
        weight = np.where(choose.rng().random(shape) < 0.5, 0.0, weight)
    if choose.rarely():
        weight = np.where(choose.rng().random(shape) < 0.1, choose.pick(SPECIAL), weight)
    return cast(weight, dtype_of(choose, [*FLOATS, np.dtype(bool), np.dtype("i4")]))


def output_of(choose: Chooser, shape: Shape, prediction: Array, others: list[Array]) -> Any:
    """Return a place for a result: fit, in place, overlapping, or of another kind."""
    dtype = prediction.dtype
    dtype = dtype.newbyteorder("=") if dtype in FLOATS else np.dtype(float)
    kind = choose.integer(0, 15)
    if kind < 6:
        fit = np.full(shape, 7).astype(dtype)
        return choose.pick(LAYOUTS[:6])(fit)
    if kind < 8:
        return prediction
    if kind == 8:
        return choose.pick(others)
    if kind == 9:  # over the memory of another argument, from its first byte on
        other = choose.pick(others)
        count = int(np.prod(shape, dtype=int))
        size = count * dtype.itemsize
        if other.flags.c_contiguous and other.dtype != object and other.nbytes >= size > 0:
            return other.reshape(-1).view("u1")[:size].view(dtype).reshape(shape)
        return other
    if kind == 10:
        return as_strided(np.full((), 7).astype(dtype), shape, (0,) * len(shape))
    if kind == 11:
        return read_only(np.full(shape, 7).astype(dtype))
    if kind == 12:
        return np.full((*shape[1:], 1, 1)[:64], 7).astype(dtype)
    if kind == 13:
        return np.full(shape, 7).astype(choose.pick(FLOATS + INTEGERS))
    if kind == 14:
        return choose.pick(SUBCLASSES)(np.full(shape, 7).astype(dtype))
    return choose.pick(([], "out", 3.0, Raising(), Tupled((None,))))


def parameter(choose: Chooser, name: str, classes: int) -> Any:
    if name == "variant":
        return choose.pick(("weston_watkins", "crammer_singer", "x", Text("x"), None))
    if name in ("from_logits", "log_target", "any_sum") or name.startswith("return_"):
        return choose.pick((True, False, np.True_, 1, None))
    if name == "distance" and choose.integer(0, 1):
        return choose.pick(("absolute", "squared", Text("squared"), "x"))
    if name in ("class_weight", "alpha", "distance") and classes and choose.integer(0, 1):
        shape = choose.pick(((classes,), (classes, classes), (classes + 1,), (1, classes), ()))
        if int(np.prod(shape)) > MOST_ELEMENTS:
            return None
        x = cast(np.abs(choose.rng().normal(size=shape)), dtype_of(choose, FLOATS + INTEGERS))
        return laid_out(choose, x)
    if name == "where" and classes and classes <= MOST_ELEMENTS and choose.integer(0, 1):
        shape = choose.pick(((classes,), (1, classes), (classes + 1,), ()))
        return laid_out(choose, choose.rng().uniform(size=shape) < 0.7)
    return choose.pick((*NUMBERS, Number(0.5)))


def attempt(choose: Chooser, name: str | None = None) -> Attempt:
    """Make up a call of a loss."""
    loss = getattr(numloss, name or choose.pick(sorted(CASES)))
    names = inspect.signature(loss).parameters
    method = choose.pick(METHODS)
    call = Attempt(loss if method == "__call__" else getattr(loss, method))
    chances = "from_logits" in names and choose.integer(0, 3) == 3
    if chances:
        call.option("from_logits", False)
    classes = choose.pick(CLASSES) if loss.rowwise else 1
    examples = shape_of(choose, classes)
    axis = -1
    if loss.rowwise:
        examples = examples[:63]
        axis = choose.integer(0, len(examples))
        shape = (*examples[:axis], classes, *examples[axis:])
        call.option("axis", axis)
    else:
        shape = examples
    prediction = prediction_of(choose, shape, chances)
    if not loss.rowwise:
        target = elements_of(choose, choose.pick((shape, shape, shape, shape, ())))
    elif "ignore_index" in names and choose.integer(0, 3) < 3:
        target = labels_of(choose, examples, classes + (loss.domain == "ordered labels"))
    else:
        target = distribution_of(choose, shape, axis)
    weight = weight_of(choose, examples)
    victims = [prediction, target, weight]
    call.add("prediction", disguised(choose, prediction, victims))
    call.add("target", disguised(choose, target, victims))
    if choose.integer(0, 2) == 2:
        call.add("weight", disguised(choose, weight, victims))
    _add_options(choose, call, names, classes)
    _add_output(choose, call, method, shape, examples)
    return call


def _add_options(choose: Chooser, call: Attempt, names: Any, classes: int) -> None:
    reduction = choose.pick(("mean", "sum", "none", "mean", "sum", "none", "x", Text("mean"), None))
    call.option("reduction", reduction)
    if choose.rarely():
        call.option("denominator", choose.pick((*NUMBERS, "weight", "count", Text("count"))))
    if choose.rarely():
        call.option("allow_negative_weight", choose.pick((True, False, np.True_, None)))
    if choose.rarely():
        axes = (*INDICES, (), (0,), (0, 1), (-1, 0))
        call.option("reduce_axis", choose.pick(axes))
    if choose.rarely():
        call.option("keepdims", choose.pick((True, False, np.True_, None)))
    if "axis" in names and choose.rarely():
        call.option("axis", choose.pick((*INDICES, Index(), (0, 1))), honest=False)
    if "ignore_index" in names and choose.integer(0, 3) == 3:
        call.option("ignore_index", choose.pick(INDICES))
    for name in names:
        if name not in COMMON and name not in call.given and choose.integer(0, 3) == 3:
            value = parameter(choose, name, classes)
            plain = value.copy() if isinstance(value, np.ndarray) else value
            call.add(name, Argument(value, plain))


def _add_output(choose: Chooser, call: Attempt, method: str, shape: Shape, examples: Shape) -> None:
    if choose.integer(0, 1) == 0:
        return
    per_example = call.given["reduction"] == "none" and method in ("__call__", "value_and_grad")
    shapes = [examples] if per_example else []
    shapes += [shape] * {"__call__": 0, "grad": 1, "value_and_grad": 1, "grad_and_hess": 2}[method]
    if choose.rarely() or not shapes:
        shapes = [shape]
    arrays = [x for x in call.given.values() if type(x) is np.ndarray]
    prediction = call.given["prediction"]
    if type(prediction) is not np.ndarray:
        prediction = np.zeros(shape)
    outputs = [output_of(choose, s, prediction, arrays or [prediction]) for s in shapes]
    outputs = [None if choose.rarely() else x for x in outputs]
    call.given["out"] = tuple(outputs) if len(outputs) > 1 or choose.rarely() else outputs[0]
    call.outputs = [x for x in outputs if isinstance(x, np.ndarray)]


# --------------------------------------------------------------------------------------- properties


def bytes_of(x: Array) -> bytes:
    return np.ndarray.tobytes(np.asarray(x))


def overlap(x: Array, y: Array) -> bool:
    return np.may_share_memory(np.asarray(x), np.asarray(y))


def as_list(result: Any) -> list[Any]:
    return list(result) if isinstance(result, tuple) else [result]


def answer(call: Callable[..., Any], options: dict[str, Any]) -> tuple[list[Any], Exception | None]:
    """Return the results, or the exception, which must be a documented one."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", "mean of a loss over no examples", RuntimeWarning)
        try:
            result = call(**options)
        except DOCUMENTED as error:
            return [], error
    assert result is not NotImplemented
    return as_list(result), None


def with_one_nan(results: list[Any]) -> list[Array]:
    """Return results in which every NaN has the same bits: which ones, layouts may differ in."""
    copies = [np.array(x) for x in results]
    for x in copies:
        if x.dtype.kind not in "iub":
            x[np.isnan(x)] = np.nan
    return copies


def check(call: Attempt) -> bool:
    """Make a call and hold it to what is promised; return whether it was answered."""
    memory = [*call.memory, *call.outputs]
    before = [bytes_of(x) for x in memory]
    results, error = answer(call.method, call.given)
    if error is not None:
        for x, content in zip(memory, before, strict=True):
            # An argument that changes others is free to do so.
            ours = call.honest or not any(overlap(x, y) for y in call.memory)
            assert not ours or bytes_of(x) == content, f"written to before {error!r}"
        return False
    for x in results:
        assert isinstance(x, np.ndarray | np.float64), f"a result of type {type(x)}"
    if call.honest:
        plain, refusal = answer(call.method, call.plain)
        assert refusal is None, f"taken, but a plain copy is refused: {refusal!r}"
        assert_same(with_one_nan(results), with_one_nan(plain))
        for x, content in zip(call.memory, before, strict=False):
            written = any(overlap(x, y) for y in call.outputs)
            assert written or bytes_of(x) == content, "an input was written to"
    return True


def check_bytes(data: bytes) -> bool:
    """Hold the call that a fuzzer's input stands for to what is promised."""
    return check(attempt(Chooser(Bytes(data))))
