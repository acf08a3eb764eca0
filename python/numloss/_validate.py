"""Every check of what a user passes, and every message. Nothing here computes a loss.

The kernels take most arguments as they are; what comes here is what they could not take, to be
converted, or refused with a message that names the argument, what was needed and what came.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable
from dataclasses import dataclass
from math import inf
from numbers import Real
from typing import TYPE_CHECKING, Any, Literal, NoReturn

import numpy as np

from numloss import _core

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

_REDUCTIONS = ("mean", "sum", "none")


# ------------------------------------------------------------------------------------- parameters


def positive(name: str, value: float) -> float:
    """Return a finite number above 0, or raise."""
    number = value if type(value) is float else _number(name, value)
    if 0 < number < inf:
        return number
    raise ValueError(f"{name} must be a positive finite number, got {_shown(value)}")


def nonnegative(name: str, value: float) -> float:
    """Return a finite number of at least 0, or raise."""
    number = value if type(value) is float else _number(name, value)
    if 0 <= number < inf:
        return number
    raise ValueError(f"{name} must be a finite number of at least 0, got {_shown(value)}")


def fraction(name: str, value: float) -> float:
    """Return a number in [0, 1], or raise."""
    number = value if type(value) is float else _number(name, value)
    if 0 <= number <= 1:
        return number
    raise ValueError(f"{name} must be a number in [0, 1], got {_shown(value)}")


def below_one(name: str, value: float) -> float:
    """Return a number in [0, 1), or raise."""
    number = value if type(value) is float else _number(name, value)
    if 0 <= number < 1:
        return number
    raise ValueError(f"{name} must be a number in [0, 1), got {_shown(value)}")


def _number(name: str, value: Any) -> float:
    """Return a Python or NumPy number, or an array of no axis, as a float."""
    if isinstance(value, Real) and not isinstance(value, (bool, np.timedelta64)):
        try:
            return float(value)
        except OverflowError:
            return inf  # outside every domain
    try:
        number = array(name, value)
        if number.ndim == 0 and number.dtype.kind != "b":
            return float(number)
    except (TypeError, ValueError):
        pass
    raise TypeError(f"{name} must be a number, got {_shown(value)}")


def boolean(name: str, value: bool) -> bool:
    """Return True or False, or raise for what merely counts as one of them."""
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    raise TypeError(f"{name} must be True or False, got {_shown(value)}")


def positive_integer(name: str, value: int) -> int:
    """Return an integer above 0, or raise."""
    number = integer(name, value)
    if number < 1:
        raise ValueError(f"{name} must be at least 1, got {number}")
    return number


def integer(name: str, value: int) -> int:
    """Return an integer of 64 bits, or raise."""
    number = _index(name, value, "an integer")
    if not -(2**63) <= number < 2**63:
        raise ValueError(f"{name} must be an integer of 64 bits, got {_shown(value)}")
    return number


def _index(name: str, value: Any, needed: str) -> int:
    """Return any integer, or raise; True and False are none."""
    try:
        number = operator.index(value)
    except Exception:  # whatever an object's own __index__ raises
        number = None
    if number is None or isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name} must be {needed}, got {_shown(value)}")
    return number


def thread_count(n: int) -> int:
    """Return a number of threads, or raise."""
    number = integer("n", n)
    if not 1 <= number <= 4096:
        raise ValueError(f"n must be a number of threads from 1 to 4096, got {number}")
    return number


def one_of(name: str, value: str, choices: Iterable[str]) -> str:
    """Return a string that is one of the choices, or raise."""
    choices = tuple(choices)
    if isinstance(value, str) and value in choices:
        return value
    error = ValueError if isinstance(value, str) else TypeError
    raise error(f"{name} must be {_listed(choices)}, got {_shown(value)}")


def generator(rng: np.random.Generator | int | None) -> np.random.Generator:
    """Return a generator of random numbers, made from a seed if need be, or raise."""
    if rng is None or isinstance(rng, np.random.Generator):
        return np.random.default_rng(rng)
    seed = _index("rng", rng, "a numpy.random.Generator or an integer")
    if seed < 0:
        raise ValueError(
            f"rng must be a numpy.random.Generator or an integer of at least 0, got {_shown(rng)}"
        )
    return np.random.default_rng(seed)


def _shown(value: object) -> str:
    try:
        text = " ".join(repr(value).split())
    except Exception:  # integers of thousands of digits, and objects of bad manners
        text = f"a value of type {type(value).__name__}"
    return text if len(text) <= 60 else text[:57] + "..."


def _listed(names: Iterable[str]) -> str:
    quoted = [f"'{name}'" for name in names]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} or {quoted[-1]}"


# ----------------------------------------------------------------------------------------- arrays


def array(name: str, value: ArrayLike) -> NDArray[Any]:
    """Return any array-like as an array of real numbers, without a copy where it can be had."""
    if isinstance(value, np.ma.MaskedArray):
        leave_out = f"{name}.data and weight=~{name}.mask"
        use = leave_out if name in ("prediction", "target") else f"{name}.filled(...)"
        raise TypeError(f"{name} is a masked array, whose mask would be lost: pass {use}")
    result = _from_object(name, value)
    if is_real(result.dtype) or result.dtype.kind in "iub":
        return result
    if result.dtype == object and result.ndim == 0:
        raise TypeError(f"{name} must be array-like, got {_shown(value)}")
    raise TypeError(
        f"{name} must hold real numbers of at most 64 bits, got dtype {result.dtype}"
        + _dtype_fix(name, result)
    )


def _dtype_fix(name: str, value: NDArray[Any]) -> str:
    if value.dtype.kind == "f":
        return f": use {name}.astype(numpy.float64)"
    if value.dtype == object:
        for x in value.flat:
            if not isinstance(x, Real):
                return f", which holds a {type(x).__name__}"
    return ""


def _from_object(name: str, value: ArrayLike) -> NDArray[Any]:
    if isinstance(value, np.ndarray):
        return np.asarray(value)
    cause: Exception | None = None
    try:
        result = np.asarray(value)
        if result.dtype != object:
            return result
    except Exception as error:  # whatever an object's own __array__ raises
        cause = error
    if hasattr(value, "__dlpack__"):
        return _from_dlpack(name, value, cause)
    if cause is None:
        return result
    refusal = TypeError if isinstance(cause, TypeError) else ValueError
    raise refusal(f"{name} must be array-like, got {type(value).__name__}: {cause}") from cause


def _from_dlpack(name: str, value: Any, cause: Exception | None) -> NDArray[Any]:
    """Take what gives no array of itself, and what NumPy cannot take: bfloat16 tensors."""
    try:
        return np.from_dlpack(value)
    except Exception as error:  # whatever an object's own __dlpack__ raises
        cause = cause or error
    try:
        from ml_dtypes import bfloat16
    except ImportError:
        raise TypeError(
            f"{name} is a {type(value).__name__} that NumPy cannot read ({cause}); "
            "for bfloat16: pip install ml_dtypes"
        ) from cause
    try:
        return _core.from_dlpack(value.__dlpack__(), np.dtype(bfloat16))
    except Exception as error:
        raise TypeError(
            f"{name} must be array-like on the CPU, got {type(value).__name__}: {cause}"
        ) from error


def is_real(dtype: np.dtype[Any]) -> bool:
    """Whether it is a float type that the kernels read."""
    # By type: other packages' floats of 8 bits have the kind "f", too.
    return dtype.type in (np.float32, np.float64, np.float16) or dtype.name == "bfloat16"


def is_integer_array(value: object) -> bool:
    """Whether it is an array that can only be one of labels."""
    return isinstance(value, np.ndarray) and value.dtype.kind in "iu"


def is_boolean(value: ArrayLike) -> bool:
    """Whether a target consists of booleans."""
    if isinstance(value, np.ndarray):
        dtype: np.dtype[Any] = value.dtype
        return dtype.char == "?"
    if isinstance(value, (int, float)):
        return isinstance(value, bool)
    return array("target", value).dtype.char == "?"


@dataclass(frozen=True)
class Arrays:
    """Prediction and target as the kernels take them, and what follows from them."""

    prediction: NDArray[Any]
    target: NDArray[Any]
    dtype: np.dtype[Any]  # of gradients and per-example results
    examples: tuple[int, ...]  # shape


def elementwise(prediction: ArrayLike, target: ArrayLike) -> Arrays:
    """Check the arrays of a loss whose every element is an example."""
    p, t, dtype = _promoted(prediction, target)
    if t.ndim > 0 and t.shape != p.shape:
        raise ValueError(
            f"prediction and target must have the same shape, got {p.shape} and {t.shape}"
            + _shape_fix(p.shape, t.shape)
        )
    return Arrays(p, t, dtype, p.shape)


def _promoted(
    prediction: ArrayLike, target: ArrayLike
) -> tuple[NDArray[Any], NDArray[Any], np.dtype[Any]]:
    """Return both arrays and the type of the results.

    That is the prediction's type, float64 for integers; a target of another float type promotes it
    as NumPy would. Python numbers do not.
    """
    p = array("prediction", prediction)
    dtype = _result_type(p)
    if isinstance(target, (bool, int, float)) and not isinstance(target, np.generic):
        return p, _converted(target, dtype), dtype
    t = array("target", target)
    if is_real(t.dtype) and t.dtype.newbyteorder("=") != dtype:
        dtype = _common_dtype(dtype, t.dtype)
    return p, t, dtype


def _result_type(prediction: NDArray[Any]) -> np.dtype[Any]:
    dtype = prediction.dtype
    return dtype.newbyteorder("=") if is_real(dtype) else np.dtype(np.float64)


def _common_dtype(p: np.dtype[Any], t: np.dtype[Any]) -> np.dtype[Any]:
    try:
        return np.promote_types(p, t)
    except TypeError:
        raise TypeError(
            f"prediction and target must have dtypes that NumPy promotes to a common one, "
            f"got {p} and {t}: convert one of them"
        ) from None


def _converted(target: float, dtype: np.dtype[Any]) -> NDArray[Any]:
    try:
        number = float(target)
    except OverflowError:
        number = inf
    with np.errstate(all="ignore"):
        converted = np.asarray(number).astype(dtype)
    if np.isinf(converted) and abs(target) != inf:
        raise ValueError(f"target must fit dtype {dtype}, got {_shown(target)}")
    return converted


def _shape_fix(p: tuple[int, ...], t: tuple[int, ...]) -> str:
    if p == (*t, 1):
        return ": use prediction[..., 0] or target[..., None]"
    if t == (*p, 1):
        return ": use target[..., 0] or prediction[..., None]"
    return ": a loss does not broadcast; use numpy.broadcast_to where it is meant"


def class_count(prediction: NDArray[Any], axis: int) -> int:
    """Return the length of the class axis."""
    return int(prediction.shape[_class_axis(prediction, axis)])


def _class_axis(prediction: NDArray[Any], axis: int) -> int:
    ndim = prediction.ndim
    if ndim == 0:
        raise ValueError("prediction must have an axis of classes, got a scalar")
    axis = integer("axis", axis)
    if not -ndim <= axis < ndim:
        raise ValueError(
            f"axis must be in [{-ndim}, {ndim}) for a prediction of shape {prediction.shape}, "
            f"got {axis}"
        )
    if prediction.shape[axis] == 0:
        raise ValueError(f"prediction must have at least one class, got shape {prediction.shape}")
    return axis % ndim


def rowwise(
    prediction: ArrayLike,
    target: ArrayLike,
    axis: int,
    ignore_index: int,
    labels: bool,
    probabilities: bool,
) -> Arrays:
    """Check the arrays of a loss over classes: labels, or probabilities."""
    integer("ignore_index", ignore_index)
    p = array("prediction", prediction)
    at = _class_axis(p, axis)
    examples = p.shape[:at] + p.shape[at + 1 :]
    t = array("target", target)
    if labels and t.size == 0 and t.dtype == np.float64 and t.shape == examples:
        t = t.astype(np.int64)  # an empty list says nothing of its type
    if labels and t.dtype.kind in "iu":
        if t.ndim > 0 and t.shape != examples:
            raise ValueError(
                f"target must hold a label per example, of shape {examples} for a prediction of "
                f"shape {p.shape} with classes on axis {at}, got {t.shape}"
                + _label_fix(t.shape, p.shape, at, probabilities)
            )
        return Arrays(p, t, _result_type(p), examples)
    if not probabilities:
        raise TypeError(
            f"target must hold integer labels, got dtype {t.dtype}: use target.astype(int)"
        )
    if t.dtype.kind in "iub" or t.shape != p.shape:
        _refuse_probabilities(t, p.shape, examples, labels)
    p, t, dtype = _promoted(p, t)
    return Arrays(p, t, dtype, examples)


def _label_fix(t: tuple[int, ...], p: tuple[int, ...], at: int, probabilities: bool) -> str:
    if t == p:
        return ": use target.astype(float)" if probabilities else f": use target.argmax({at})"
    return ": use target[..., 0]" if t == (*p[:at], *p[at + 1 :], 1) else ""


def _refuse_probabilities(
    t: NDArray[Any], p: tuple[int, ...], examples: tuple[int, ...], labels: bool
) -> NoReturn:
    forms = f"integer labels of shape {examples} or " if labels else ""
    text = (
        f"target must hold {forms}probabilities of the prediction's shape {p}, "
        f"got dtype {t.dtype} and shape {t.shape}"
    )
    if labels and t.shape == examples:
        raise TypeError(f"{text}: use target.astype(int)")
    if t.dtype.kind in "iub":
        raise TypeError(f"{text}: use target.astype(float)" if t.shape == p else text)
    raise ValueError(text)


def labels(value: ArrayLike, one_axis: bool = False) -> NDArray[Any]:
    """Return an array of labels, which are not empty and at least 0, or raise."""
    y = array("labels", value)
    if y.size == 0:
        raise ValueError("labels must hold at least one label, got none")
    if y.dtype.kind not in "iu":
        raise TypeError(f"labels must be integers, got dtype {y.dtype}: use labels.astype(int)")
    if y.min() < 0:
        where, shown = _first(y < 0, y)
        raise ValueError(f"labels must be at least 0, got {shown}{where}")
    if one_axis and y.ndim != 1:
        raise ValueError(f"labels must have one axis, got shape {y.shape}")
    return y


def label_counts(y: NDArray[Any], num_classes: int | None) -> NDArray[np.int64]:
    """Return how often each class occurs among labels, or raise where they do not fit."""
    highest = int(y.max())
    if num_classes is None:
        name, classes = "labels", highest + 1
    else:
        name, classes = "num_classes", positive_integer("num_classes", num_classes)
    if highest >= classes:
        where, shown = _first(y >= classes, y)
        raise ValueError(f"labels must be below num_classes={classes}, got {shown}{where}")
    try:
        return np.bincount(y.ravel().astype(np.int64), minlength=classes)
    except (MemoryError, OverflowError, ValueError):
        raise ValueError(
            f"{name} must mean no more classes than fit memory, got {classes}"
        ) from None


def class_numbers(name: str, value: ArrayLike | None, classes: int) -> NDArray[np.float64] | None:
    """Return one finite number of at least 0 per class; a scalar stands for all of them."""
    if value is None:
        return None
    numbers = np.asarray(array(name, value), dtype=np.float64, order="C")
    if numbers.ndim == 0:
        numbers = np.full(classes, numbers)
    if numbers.shape != (classes,):
        raise ValueError(
            f"{name} must have one number for each of the {classes} classes, "
            f"got shape {numbers.shape}"
        )
    _refuse_negative(name, numbers)
    return numbers


def class_table(name: str, value: ArrayLike, classes: int) -> NDArray[np.float64]:
    """Return a square table of finite numbers of at least 0."""
    table = np.asarray(array(name, value), dtype=np.float64, order="C")
    if table.shape != (classes, classes):
        raise ValueError(
            f"{name} must have shape {(classes, classes)} for {classes} classes, got {table.shape}"
        )
    _refuse_negative(name, table)
    return table


def _refuse_negative(name: str, numbers: NDArray[np.float64]) -> None:
    if not (np.isfinite(numbers).all() and (numbers >= 0).all()):
        raise ValueError(f"{name} must hold finite numbers of at least 0, got {_shown(numbers)}")


# -------------------------------------------------------------------------------- common keywords


def call(
    mode: int,
    arrays: Arrays,
    weight: ArrayLike | None = None,
    reduction: str = "mean",
    denominator: str | float = "weight",
    out: Any = None,
    **unknown: object,
) -> dict[str, Any]:
    """Check the keywords that every loss takes; return them as the kernels take them."""
    if unknown:
        raise TypeError(f"this loss takes no argument named {_listed(unknown)}")
    one_of("reduction", reduction, _REDUCTIONS)
    denominator = _denominator(denominator, reduction)
    w = None if weight is None else _weight(weight, arrays.examples)
    return {
        "weight": w,
        "reduction": reduction,
        "denominator": denominator,
        "out": _outputs(out, mode, reduction, arrays, w),
    }


def _denominator(denominator: str | float, reduction: str) -> str | float:
    if isinstance(denominator, str):
        one_of("denominator", denominator, ("weight", "count"))
    else:
        denominator = float(positive("denominator", denominator))
    if denominator != "weight" and reduction != "mean":
        raise ValueError(
            f"denominator divides a mean: it must be left out with reduction={reduction!r}"
        )
    return denominator


def _weight(weight: ArrayLike, examples: tuple[int, ...]) -> NDArray[Any]:
    w = array("weight", weight)
    try:
        return np.broadcast_to(w, examples)
    except ValueError:
        raise ValueError(
            f"weight must broadcast to the examples, of shape {examples}, got shape {w.shape}"
        ) from None


def _outputs(
    out: Any, mode: int, reduction: str, arrays: Arrays, weight: NDArray[Any] | None
) -> tuple[NDArray[Any] | None, ...] | None:
    """Return one place for each array among the results."""
    if out is None:
        return None
    places = []
    if mode & _core.VALUE and reduction == "none":
        places.append(arrays.examples)
    places += [arrays.prediction.shape] * (bool(mode & _core.GRADIENT) + bool(mode & _core.HESSIAN))
    if not places:
        raise ValueError("out needs an array among the results: use reduction='none' or a gradient")
    given = list(out) if isinstance(out, tuple) else [None] * len(places)
    if not isinstance(out, tuple):
        lone = 1 if mode & _core.VALUE and len(places) == 2 else 0
        given[lone] = out
    if len(given) != len(places):
        raise ValueError(
            f"out must have as many places as there are arrays among the results, {len(places)}, "
            f"got {len(given)}"
        )
    checked = [
        None if buffer is None else _output(buffer, shape, arrays.dtype)
        for buffer, shape in zip(given, places, strict=True)
    ]
    _refuse_overlap(checked, arrays, weight)
    return tuple(checked)


def _output(buffer: Any, shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
    if not isinstance(buffer, np.ndarray):
        raise TypeError(
            f"out must be a numpy.ndarray or a tuple of them, got {type(buffer).__name__}"
        )
    if isinstance(buffer, np.ma.MaskedArray):
        raise TypeError("out is a masked array, whose mask would be lost: pass its .data")
    if buffer.shape != shape:
        raise ValueError(f"out must have shape {shape}, got {buffer.shape}")
    if buffer.dtype != dtype:
        raise TypeError(f"out must have dtype {dtype}, got {buffer.dtype}")
    if not buffer.flags.writeable:
        raise ValueError("out must be writeable, got a read-only array")
    if _meets_itself(buffer):
        raise ValueError("out must have memory for every element, got a view that shares it")
    # The array itself where the kernels take it, so that it is what comes back.
    return buffer if type(buffer) is np.ndarray else buffer.view(np.ndarray)


def _meets_itself(buffer: NDArray[Any]) -> bool:
    """Whether elements may share memory, as in views that repeat or slide over an array."""
    if buffer.size == 0:
        return False
    span = buffer.itemsize
    for stride, length in sorted(zip(map(abs, buffer.strides), buffer.shape, strict=True)):
        if length > 1 and stride < span:
            return True
        span += stride * (length - 1)
    return False


def _refuse_overlap(
    outputs: list[NDArray[Any] | None], arrays: Arrays, weight: NDArray[Any] | None
) -> None:
    given = [buffer for buffer in outputs if buffer is not None]
    for i, buffer in enumerate(given):
        if not _is_same(buffer, arrays.prediction) and _overlap(buffer, arrays.prediction):
            raise ValueError("out overlaps prediction: it must be the same array or apart from it")
        for name, other in (("target", arrays.target), ("weight", weight)):
            if other is not None and _overlap(buffer, other):
                raise ValueError(f"out overlaps {name}: it must lie apart from it")
        if any(_overlap(buffer, other) for other in given[:i]):
            raise ValueError("out: the arrays for the results overlap each other")


def _is_same(a: NDArray[Any], b: NDArray[Any]) -> bool:
    """Whether two arrays have every element in the same place."""
    if a.shape != b.shape or a.itemsize != b.itemsize:
        return False
    steps = zip(a.strides, b.strides, a.shape, strict=True)
    return a.__array_interface__["data"][0] == b.__array_interface__["data"][0] and all(
        x == y for x, y, length in steps if length > 1
    )


_ENOUGH_WORK: Any = 10_000  # Any: NumPy's stubs know only its two special values


def _overlap(a: NDArray[Any], b: NDArray[Any]) -> bool:
    try:
        return np.shares_memory(a, b, max_work=_ENOUGH_WORK)
    except Exception:  # too hard to tell for certain
        return True


# ---------------------------------------------------------------------------------------- domains


@dataclass(frozen=True)
class Domain:
    """What a kernel accepts, for the message that says it did not."""

    target: Literal["any", "unit", "signed"]  # anything; [0, 1]; -1 or +1
    prediction: Literal["any", "unit"] = "any"


ANY = Domain("any")
UNIT = Domain("unit")
UNIT_BOTH = Domain("unit", prediction="unit")
SIGNED = Domain("signed")


def refuse_domain(
    domain: Domain, prediction: ArrayLike, target: ArrayLike, weight: ArrayLike | None
) -> NoReturn:
    """Raise for the first element that a kernel found outside its domain."""
    prediction, target = np.asarray(prediction), np.asarray(target)
    counted = _counted(weight, prediction.shape)
    if domain.target == "signed":
        bad = (np.abs(target) != 1) & ~np.isnan(target) & counted
        where, shown = _first(bad, target)
        raise ValueError(
            f"target must be -1 or +1 (or bool), got {shown}{where}: "
            "map labels 0 and 1 with 2 * target - 1 or target.astype(bool)"
        )
    name, values, fix = "target", target, ""
    bad = ((values < 0) | (values > 1)) & counted
    if domain.prediction == "unit" and not bad.any():
        name, values, fix = "prediction", prediction, ": are these logits? use from_logits=True"
        bad = ((values < 0) | (values > 1)) & counted
    where, shown = _first(bad, values)
    raise ValueError(f"{name} must be in [0, 1], got {shown}{where}{fix}")


def refuse_target(
    prediction: ArrayLike,
    target: ArrayLike,
    axis: int,
    ignore_index: int,
    weight: ArrayLike | None,
) -> NoReturn:
    """Raise for the first label out of range, or the first row that is no distribution."""
    prediction, target = np.asarray(prediction), np.asarray(target)
    at = _class_axis(prediction, axis)
    examples = prediction.shape[:at] + prediction.shape[at + 1 :]
    counted = _counted(weight, examples)
    if target.dtype.kind in "iu":
        classes = prediction.shape[at]
        bad = ((target < 0) | (target >= classes)) & (target != ignore_index) & counted
        where, shown = _first(bad, target)
        raise ValueError(
            f"target must hold labels in [0, {classes}) or ignore_index={ignore_index}, "
            f"got {shown}{where}"
        )
    negative = (target < 0) & np.expand_dims(counted, at)
    if negative.any():
        where, shown = _first(negative, target)
        raise ValueError(f"target must hold probabilities, got {shown}{where}")
    sums = target.astype(np.float64).sum(axis=at)
    off = np.where(counted & ~np.isnan(sums), np.abs(sums - 1), 0)
    bad = off > _core.tolerance(target)
    # The kernel's sum may be a rounding further off than this one: then it is the worst row.
    where, shown = _first(bad if bad.any() else off == off.max(), sums)
    raise ValueError(
        f"target must hold probabilities that sum to 1 over axis {at}, got {shown}{where}"
    )


def _counted(weight: ArrayLike | None, examples: tuple[int, ...]) -> NDArray[np.bool_]:
    """Return which examples have a weight other than 0: the others may hold anything."""
    if weight is None:
        return np.ones(examples, dtype=bool)
    return np.broadcast_to(np.asarray(weight) != 0, examples)


def _first(bad: NDArray[np.bool_], values: NDArray[Any]) -> tuple[str, str]:
    """Return where the first bad value is, and what it is."""
    if values.ndim == 0:
        return "", str(values)
    index = tuple(int(i) for i in np.unravel_index(int(np.argmax(bad)), bad.shape))
    shown = index[0] if len(index) == 1 else index
    return f" at index {shown}", str(values[index])
