"""Every check of what a user passes, and every message. Nothing here computes a loss.

The kernels take most arguments as they are; what comes here is what they could not take, to be
converted, or refused with a message that names the argument, what was needed and what came.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from numloss import _core

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, DTypeLike, NDArray

_REDUCTIONS = ("mean", "sum", "none")


# ------------------------------------------------------------------------------------- parameters


def positive(name: str, value: float) -> float:
    """Return a finite number above 0, or raise."""
    try:
        if 0 < value < math.inf:
            return value
    except (TypeError, ValueError):
        pass
    _refuse_number(name, value, "a positive finite number")


def nonnegative(name: str, value: float) -> float:
    """Return a finite number of at least 0, or raise."""
    try:
        if 0 <= value < math.inf:
            return value
    except (TypeError, ValueError):
        pass
    _refuse_number(name, value, "a finite number of at least 0")


def fraction(name: str, value: float) -> float:
    """Return a number in [0, 1], or raise."""
    try:
        if 0 <= value <= 1:
            return value
    except (TypeError, ValueError):
        pass
    _refuse_number(name, value, "a number in [0, 1]")


def below_one(name: str, value: float) -> float:
    """Return a number in [0, 1), or raise."""
    try:
        if 0 <= value < 1:
            return value
    except (TypeError, ValueError):
        pass
    _refuse_number(name, value, "a number in [0, 1)")


def positive_integer(name: str, value: int) -> int:
    """Return an integer above 0, or raise."""
    if integer(name, value) < 1:
        raise ValueError(f"{name} must be at least 1, got {value}")
    return value


def integer(name: str, value: int) -> int:
    """Return an integer of 64 bits, or raise."""
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise TypeError(f"{name} must be an integer, got {_shown(value)}")
    if not -(2**63) <= value < 2**63:
        raise ValueError(f"{name} must be an integer of 64 bits, got {_shown(value)}")
    return operator.index(value)


def thread_count(n: int) -> int:
    """Return a number of threads, or raise."""
    if not 1 <= integer("n", n) <= 4096:
        raise ValueError(f"n must be a number of threads from 1 to 4096, got {n}")
    return n


def _refuse_number(name: str, value: object, needed: str) -> NoReturn:
    error = ValueError if isinstance(value, (int, float, np.number)) else TypeError
    raise error(f"{name} must be {needed}, got {_shown(value)}")


def one_of(name: str, value: str, choices: Iterable[str]) -> str:
    """Return a string that is one of the choices, or raise."""
    choices = tuple(choices)
    if isinstance(value, str) and value in choices:
        return value
    error = ValueError if isinstance(value, str) else TypeError
    raise error(f"{name} must be {_listed(choices)}, got {_shown(value)}")


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _listed(names: Iterable[str]) -> str:
    quoted = [f"'{name}'" for name in names]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} or {quoted[-1]}"


# ----------------------------------------------------------------------------------------- arrays


def array(name: str, value: ArrayLike) -> NDArray[Any]:
    """Return any array-like as an array of real numbers, without a copy where it can be had."""
    if isinstance(value, np.ma.MaskedArray):
        raise TypeError(
            f"{name} is a masked array, whose mask would be lost: pass {name}.data and weight=~mask"
        )
    result = _from_object(name, value)
    if not (is_real(result.dtype) or result.dtype.kind in "iub"):
        raise TypeError(
            f"{name} must hold real numbers of at most 64 bits, got dtype {result.dtype}"
        )
    return result


def _from_object(name: str, value: ArrayLike) -> NDArray[Any]:
    if isinstance(value, np.ndarray):
        return np.asarray(value)
    try:
        return np.asarray(value)
    except Exception as error:  # whatever an object's own __array__ raises
        if hasattr(value, "__dlpack__"):
            return _from_dlpack(name, value, error)
        refusal = TypeError if isinstance(error, TypeError) else ValueError
        raise refusal(f"{name} must be array-like, got {type(value).__name__}: {error}") from error


def _from_dlpack(name: str, value: Any, cause: Exception) -> NDArray[Any]:
    """Take what NumPy cannot: bfloat16 tensors, whose ``__array__`` refuses."""
    try:
        bfloat16 = np.dtype("bfloat16")
    except TypeError:
        try:
            from ml_dtypes import bfloat16 as scalar_type
        except ImportError:
            raise TypeError(
                f"{name} is a {type(value).__name__} that NumPy cannot read ({cause}); "
                "for bfloat16: pip install ml_dtypes"
            ) from cause
        bfloat16 = np.dtype(scalar_type)
    try:
        return _core.from_dlpack(value.__dlpack__(), bfloat16)
    except Exception as error:
        raise TypeError(
            f"{name} must be array-like on the CPU, got {type(value).__name__}: {cause}"
        ) from error


def is_real(dtype: np.dtype[Any]) -> bool:
    """Whether it is a float type that the kernels read."""
    return (dtype.kind == "f" and dtype.itemsize <= 8) or dtype.name == "bfloat16"


def is_integer_array(value: object) -> bool:
    """Whether it is an array that can only be one of labels."""
    return isinstance(value, np.ndarray) and value.dtype.kind in "iu"


def is_boolean(value: ArrayLike) -> bool:
    """Whether a target consists of booleans."""
    if isinstance(value, np.ndarray):
        return value.dtype.char == "?"
    return (
        not isinstance(value, (int, float))
        and array("target", value).dtype.char == "?"
        or (isinstance(value, bool))
    )


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
    dtype = p.dtype.newbyteorder("=") if is_real(p.dtype) else np.dtype(np.float64)
    if isinstance(target, (bool, int, float)) and not isinstance(target, np.generic):
        return p, np.asarray(_converted(target, dtype)), dtype
    t = array("target", target)
    if is_real(t.dtype) and t.dtype.newbyteorder("=") != dtype:
        dtype = np.promote_types(dtype, t.dtype)
    return p, t, dtype


def _converted(target: float, dtype: np.dtype[Any]) -> NDArray[Any]:
    try:
        return np.asarray(float(target)).astype(dtype)
    except OverflowError:
        raise ValueError(f"target must fit a float, got {_shown(target)}") from None


def _shape_fix(p: tuple[int, ...], t: tuple[int, ...]) -> str:
    if p == (*t, 1):
        return ": use prediction[..., 0] or target[..., None]"
    if t == (*p, 1):
        return ": use target[..., 0] or prediction[..., None]"
    return ": a loss does not broadcast; use numpy.broadcast_to where it is meant"


def class_count(prediction: NDArray[Any], axis: int) -> int:
    """Return the length of the class axis."""
    return int(prediction.shape[_normalized(axis, prediction)])


def _normalized(axis: int, prediction: NDArray[Any]) -> int:
    ndim = prediction.ndim
    if ndim == 0:
        raise ValueError("prediction must have an axis of classes, got a scalar")
    axis = integer("axis", axis)
    if not -ndim <= axis < ndim:
        raise ValueError(
            f"axis must be in [{-ndim}, {ndim}) for a prediction of shape {prediction.shape}, "
            f"got {axis}"
        )
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
    at = _normalized(axis, p)
    if p.shape[at] == 0:
        raise ValueError(f"prediction must have at least one class, got shape {p.shape}")
    examples = p.shape[:at] + p.shape[at + 1 :]
    t = array("target", target)
    if t.size == 0 and labels and t.dtype.kind == "f" and t.shape == examples:
        t = t.astype(np.int64)  # an empty list says nothing of its type
    if t.dtype.kind in "iu":
        if not labels:
            raise TypeError(
                f"target must hold probabilities of shape {p.shape}, got labels of dtype {t.dtype}"
            )
        if t.ndim > 0 and t.shape != examples:
            raise ValueError(
                f"target must hold a label per example, of shape {examples} for a prediction of "
                f"shape {p.shape} with classes on axis {at}, got {t.shape}"
            )
        dtype = p.dtype.newbyteorder("=") if is_real(p.dtype) else np.dtype(np.float64)
        return Arrays(p, t, dtype, examples)
    if not probabilities:
        raise TypeError(
            f"target must hold integer labels, got dtype {t.dtype}: use target.astype(int)"
        )
    if t.dtype.kind == "b" or t.shape != p.shape:
        forms = f"probabilities of shape {p.shape}"
        if labels:
            forms = f"integer labels of shape {examples} or {forms}"
        raise (TypeError if t.dtype.kind == "b" or t.shape == examples else ValueError)(
            f"target must hold {forms}, got dtype {t.dtype} and shape {t.shape}"
        )
    p, t, dtype = _promoted(p, t)
    return Arrays(p, t, dtype, examples)


def class_numbers(name: str, value: ArrayLike | None, classes: int) -> NDArray[np.float64] | None:
    """Return one finite number of at least 0 per class; a scalar stands for all of them."""
    if value is None:
        return None
    numbers = np.ascontiguousarray(array(name, value), dtype=np.float64)
    if np.ndim(value) == 0:
        numbers = np.full(classes, numbers.reshape(()))
    if numbers.shape != (classes,):
        raise ValueError(
            f"{name} must have one number for each of the {classes} classes, "
            f"got shape {numbers.shape}"
        )
    _refuse_negative(name, numbers)
    return numbers


def class_table(name: str, value: ArrayLike, classes: int) -> NDArray[np.float64]:
    """Return a square table of finite numbers of at least 0."""
    table = np.ascontiguousarray(array(name, value), dtype=np.float64)
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
    if reduction != "totals":
        one_of("reduction", reduction, _REDUCTIONS)
    denominator = _denominator(denominator, reduction)
    w = None if weight is None else _weight(weight, arrays.examples)
    return {
        "weight": w,
        "reduction": reduction,
        "denominator": denominator,
        "out": _outputs(out, mode, reduction, arrays, w),
        "dtype": arrays.dtype,
        "checked": True,
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
            f"out must have a place for each of the {len(places)} arrays among the results, "
            f"got {len(given)}"
        )
    checked: list[NDArray[Any] | None] = []
    for buffer, shape in zip(given, places, strict=True):
        checked.append(None if buffer is None else _output(buffer, shape, arrays.dtype))
    _refuse_overlap(checked, arrays, weight)
    return tuple(checked)


def _output(buffer: Any, shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
    if not isinstance(buffer, np.ndarray):
        raise TypeError(f"out must be a numpy.ndarray, got {type(buffer).__name__}")
    if buffer.shape != shape:
        raise ValueError(f"out must have shape {shape}, got {buffer.shape}")
    if buffer.dtype != dtype:
        raise TypeError(f"out must have dtype {dtype}, got {buffer.dtype}")
    if not buffer.flags.writeable:
        raise ValueError("out must be writeable, got a read-only array")
    if any(s == 0 and n > 1 for s, n in zip(buffer.strides, shape, strict=True)):
        raise ValueError("out must have memory for every element, got a broadcast view")
    return buffer.view(np.ndarray)


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
    return (
        a.__array_interface__["data"][0] == b.__array_interface__["data"][0]
        and a.shape == b.shape
        and a.strides == b.strides
        and a.itemsize == b.itemsize
    )


def _overlap(a: NDArray[Any], b: NDArray[Any]) -> bool:
    if not np.may_share_memory(a, b):
        return False
    try:
        return np.shares_memory(a, b, max_work=10_000)
    except Exception:  # too hard to tell for certain
        return True


# ---------------------------------------------------------------------------------------- domains


@dataclass(frozen=True)
class Domain:
    """What a kernel accepts, for the message that says it did not."""

    target: str  # "unit": [0, 1]; "signed": -1 or +1
    prediction: str | None = None


UNIT = Domain("unit")
UNIT_BOTH = Domain("unit", prediction="unit")
SIGNED = Domain("signed")


def refuse_domain(
    domain: Domain, prediction: NDArray[Any], target: NDArray[Any], weight: ArrayLike | None
) -> NoReturn:
    """Raise for the first element that a kernel found outside its domain."""
    counted = _counted(weight, prediction.shape)
    target = np.broadcast_to(target, prediction.shape)
    if domain.target == "signed":
        bad = (np.abs(target) != 1) & ~np.isnan(target) & counted
        where, shown = _first(bad, target)
        raise ValueError(
            f"target must be -1 or +1 (or bool), got {shown}{where}: "
            "map labels 0 and 1 with 2 * target - 1 or target.astype(bool)"
        )
    for name, values in (("target", target), ("prediction", prediction)):
        bad = ((values < 0) | (values > 1)) & counted
        if bad.any() and (name == "target" or domain.prediction):
            where, shown = _first(bad, values)
            fix = ": are these logits? use from_logits=True" if name == "prediction" else ""
            raise ValueError(f"{name} must be in [0, 1], got {shown}{where}{fix}")
    raise AssertionError("the kernel found an element outside its domain, this check none")


def refuse_target(
    prediction: NDArray[Any],
    target: NDArray[Any],
    axis: int,
    ignore_index: int,
    weight: ArrayLike | None,
) -> NoReturn:
    """Raise for the first label out of range, or the first row that is no distribution."""
    at = _normalized(axis, prediction)
    examples = prediction.shape[:at] + prediction.shape[at + 1 :]
    counted = _counted(weight, examples)
    if target.dtype.kind in "iu":
        classes = prediction.shape[at]
        target = np.broadcast_to(target, examples)
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
    where, shown = _first((np.abs(sums - 1) > _core.tolerance(target)) & counted, sums)
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
    index = tuple(int(i) for i in np.unravel_index(int(np.argmax(bad)), bad.shape))
    if not index:
        return "", str(values)
    shown = index[0] if len(index) == 1 else index
    return f" at index {shown}", str(values[index])
