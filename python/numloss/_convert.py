"""From anything that stands for an array or a number to what the checks take.

The extension asks here for what is neither an array of NumPy's own class nor a number of Python's.
"""

from __future__ import annotations

import operator
from decimal import Decimal
from math import inf
from numbers import Real
from typing import TYPE_CHECKING, Any, SupportsIndex

import numpy as np

from numloss import _core, _foreign
from numloss._raise import Error, InputTypeError, listed, shown

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


# ------------------------------------------------------------------------------------------ arrays


def array(name: str, value: ArrayLike) -> NDArray[Any]:
    """Return any array-like as an array of real numbers, without a copy where it can be had."""
    if issubclass(type(value), np.ma.MaskedArray):
        leave_out = f"{name}.data and weight=~{name}.mask"
        use = leave_out if name in ("prediction", "target") else f"{name}.filled(...)"
        raise InputTypeError(
            f"{name} is a masked array, whose mask would be lost: pass {use}", name
        )
    result = _foreign.read(name, value)
    if result.dtype == object:
        result = _from_objects(name, value, result)
    if is_real(result.dtype) or result.dtype.kind in "iub":
        return result
    fix = f": use {name}.astype(numpy.float64)" if result.dtype.kind == "f" else ""
    raise InputTypeError(
        f"{name} must hold real numbers of at most 64 bits, got dtype {result.dtype}{fix}", name
    )


def _from_objects(name: str, given: Any, objects: NDArray[Any]) -> NDArray[Any]:
    """Take Python objects that are numbers, all of which have an exact place in an array.

    Data frames of nullable types, series of arrays and lists of big integers come as such objects.
    """
    if objects.ndim == 0:
        lone: Any = objects[()]
        if type(lone) is not int:
            raise InputTypeError(f"{name} must be array-like, got {shown(given)}", name)
        return _exact(name, objects, [lone])
    elements = list(objects.reshape(-1))  # `flat` ends at 32 axes
    if elements and all(issubclass(type(x), np.ndarray) for x in elements):
        return _stacked(name, elements)
    for x in elements:
        if not issubclass(type(x), (int, float, np.bool_, np.integer, np.floating)):
            raise InputTypeError(
                f"{name} must hold real numbers of at most 64 bits, got dtype object, which holds "
                f"a {type(x).__name__}{_object_fix(name, given, x)}",
                name,
            )
    return _exact(name, objects, elements)


def _object_fix(name: str, given: Any, element: Any) -> str:
    missing = type(element).__name__ in ("NAType", "NoneType")
    if missing and hasattr(type(given), "to_numpy"):
        return f": use {name}.to_numpy(float, na_value=numpy.nan), and weight 0 for what is missing"
    if issubclass(type(element), (Real, Decimal)):
        return f": use numpy.asarray({name}, dtype=float)"
    return ""


def _stacked(name: str, rows: list[NDArray[Any]]) -> NDArray[Any]:
    """Return arrays of equal shape as the rows of one."""
    shapes = {row.shape for row in rows}
    if len(shapes) > 1 or any(row.dtype == object for row in rows):
        found = " and ".join(map(str, sorted(shapes)))
        raise InputTypeError(
            f"{name} must hold real numbers, in rows of equal shape, got {found}", name
        )
    return np.stack(rows)


def _exact(name: str, objects: NDArray[Any], elements: list[Any]) -> NDArray[Any]:
    if all(issubclass(type(x), (bool, np.bool_)) for x in elements):
        return objects.astype(bool)
    integers = [x for x in elements if issubclass(type(x), (int, np.integer))]
    if len(integers) == len(elements):
        low, high = min(integers, default=0), max(integers, default=0)
        if low >= -(2**63) and high < 2**64 and (low >= 0 or high < 2**63):
            return objects.astype(np.int64 if high < 2**63 else np.uint64)
    for x in integers:
        if not _is_exact(int(x)):
            try:
                float(x)
            except OverflowError:
                raise Error(f"{name} must fit dtype float64, got {shown(x)}", name) from None
            raise Error(
                f"{name} must hold integers that float64 holds exactly, got {shown(x)}: "
                f"use numpy.asarray({name}, dtype=float) to round them",
                name,
            )
    with np.errstate(all="ignore"):
        return objects.astype(np.float64)


def _is_exact(x: int) -> bool:
    try:
        return int(float(x)) == x
    except OverflowError:
        return False


def is_real(dtype: np.dtype[Any]) -> bool:
    """Whether it is a float type that the kernels read."""
    # By type: other packages' floats of 8 bits have the kind "f", too.
    return dtype.type in (np.float32, np.float64, np.float16) or _is_bfloat(dtype)


def _is_bfloat(dtype: np.dtype[Any]) -> bool:
    """Whether it is the type that ml_dtypes registers, not a structure of that name."""
    return dtype.isbuiltin == 2 and dtype.itemsize == 2 and dtype.name == "bfloat16"


def output(value: Any) -> NDArray[Any]:
    """Return the memory of a place for a result, or refuse what is none."""
    if issubclass(type(value), np.ma.MaskedArray):
        raise InputTypeError(
            "out is a masked array, whose mask would be lost: pass its .data", "out"
        )
    memory = value if issubclass(type(value), np.ndarray) else _foreign.writeable(value)
    if memory is None:
        raise InputTypeError(
            "out must be a numpy.ndarray, a tensor in memory of the CPU or a tuple of them, "
            f"got {type(value).__name__}",
            "out",
        )
    return memory


def dtype(value: Any) -> np.dtype[Any]:
    """Return a type for results, or raise."""
    try:
        made: np.dtype[Any] = np.dtype(value).newbyteorder("=")
    except MemoryError:
        raise
    except Exception as error:  # whatever an object's own attributes raise
        raise InputTypeError(f"dtype must be a float type, got {shown(value)}", "dtype") from error
    if not is_real(made):
        raise InputTypeError(f"dtype must be a float type, got {shown(value)}", "dtype")
    return made


# -------------------------------------------------------------------------------------- parameters


def number(name: str, value: Any) -> float:
    """Return a Python or NumPy number, or an array of no axis, as a float."""
    if isinstance(value, Real) and not isinstance(value, (bool, np.timedelta64)):
        try:
            return float(value)
        except OverflowError:
            return inf  # outside every range
        except Exception:  # whatever an object's own __float__ raises
            raise InputTypeError(f"{name} must be a number, got {shown(value)}", name) from None
    try:
        numbers = array(name, value)
        if numbers.ndim == 0 and numbers.dtype.kind != "b":
            return float(numbers)
    except (TypeError, ValueError):
        pass
    raise InputTypeError(f"{name} must be a number, got {shown(value)}", name)


def below_one(name: str, value: float) -> float:
    """Return a number in [0, 1), or raise."""
    x = number(name, value)
    if 0 <= x < 1:
        return x
    raise Error(f"{name} must be a number in [0, 1), got {shown(value)}", name)


def unit(name: str, value: float) -> float:
    """Return a number in [0, 1], or raise."""
    x = number(name, value)
    if 0 <= x <= 1:
        return x
    raise Error(f"{name} must be a number in [0, 1], got {shown(value)}", name)


def positive(name: str, value: float) -> float:
    """Return a positive finite number, or raise."""
    x = number(name, value)
    if 0 < x < inf:
        return x
    raise Error(f"{name} must be positive and finite, got {shown(value)}", name)


def switch(name: str, value: Any) -> bool:
    """Return True or False, or raise for what merely counts as one of them."""
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    raise InputTypeError(f"{name} must be True or False, got {shown(value)}", name)


def axes(name: str, value: Any) -> tuple[int, ...]:
    """Return an axis, or a tuple of some, as a tuple."""
    given = value if isinstance(value, tuple) else (value,)
    needed = "an integer or a tuple of integers"
    return tuple(integer(name, _index(name, x, needed)) for x in given)


def integer(name: str, value: Any) -> int:
    """Return an integer of 64 bits, or raise."""
    whole = _index(name, value, "an integer")
    if not -(2**63) <= whole < 2**63:
        raise Error(f"{name} must be an integer of 64 bits, got {shown(value)}", name)
    return whole


def positive_integer(name: str, value: Any) -> int:
    """Return an integer above 0, or raise."""
    whole = integer(name, value)
    if whole < 1:
        raise Error(f"{name} must be at least 1, got {whole}", name)
    return whole


def _index(name: str, value: Any, needed: str) -> int:
    """Return any integer, or raise; True and False are none."""
    try:
        whole = operator.index(value)
    except MemoryError:
        raise
    except Exception:  # whatever an object's own __index__ raises
        whole = None
    if whole is None or isinstance(value, (bool, np.bool_)):
        raise InputTypeError(f"{name} must be {needed}, got {shown(value)}", name)
    return whole


def thread_count(n: int) -> int:
    """Return a number of threads, or raise."""
    count = integer("n", n)
    most = _core.MOST_THREADS
    if not 1 <= count <= most:
        raise Error(f"n must be a number of threads from 1 to {most}, got {count}", "n")
    return count


def choice(name: str, value: Any, choices: tuple[str, ...]) -> int:
    """Return the place of a string among the choices, or raise."""
    # The text itself: a subclass may call anything its equal.
    if isinstance(value, str) and str.__str__(value) in choices:
        return choices.index(str.__str__(value))
    refusal = Error if isinstance(value, str) else InputTypeError
    raise refusal(f"{name} must be {listed(choices)}, got {shown(value)}", name)


def denominator(value: Any) -> str | float:
    """Return the word or the number that a mean is divided by, or raise."""
    if isinstance(value, str):
        words = ("weight", "count")
        return words[choice("denominator", value, words)]
    return number("denominator", value)


def generator(rng: np.random.Generator | int | None) -> np.random.Generator:
    """Return a generator of random numbers, made from a seed if need be, or raise."""
    if rng is None or isinstance(rng, np.random.Generator):
        return np.random.default_rng(rng)
    seed = _index("rng", rng, "a numpy.random.Generator or an integer")
    if seed < 0:
        raise Error(
            f"rng must be a numpy.random.Generator or an integer of at least 0, got {shown(rng)}",
            "rng",
        )
    return np.random.default_rng(seed)


# ------------------------------------------------------------------------------------------ labels


def labels(value: ArrayLike, one_axis: bool = False) -> NDArray[Any]:
    """Return an array of labels, which are not empty and at least 0, or raise."""
    y = array("labels", value)
    if y.size == 0:
        raise Error("labels must hold at least one label, got none", "labels")
    if y.dtype.kind not in "iu":
        raise InputTypeError(
            f"labels must be integers, got dtype {y.dtype}: use labels.astype(int)", "labels"
        )
    if y.min() < 0:
        where, found = first_of(y < 0, y)
        raise Error(f"labels must be at least 0, got {found}{where}", "labels")
    if one_axis and y.ndim != 1:
        raise Error(f"labels must have one axis, got shape {y.shape}", "labels")
    return y


def label_counts(y: NDArray[Any], num_classes: SupportsIndex | None) -> NDArray[np.int64]:
    """Return how often each class occurs among labels, or raise where they do not fit."""
    highest = int(y.max())
    if num_classes is None:
        name, classes = "labels", highest + 1
    else:
        name, classes = "num_classes", positive_integer("num_classes", num_classes)
    if highest >= classes:
        where, found = first_of(y >= classes, y)
        raise Error(f"labels must be below num_classes={classes}, got {found}{where}", "labels")
    try:
        return np.bincount(y.ravel().astype(np.int64), minlength=classes)
    except (MemoryError, OverflowError, ValueError):
        raise Error(
            f"{name} must mean no more classes than fit memory, got {classes}", name
        ) from None


def first_of(bad: NDArray[np.bool_], values: NDArray[Any]) -> tuple[str, str]:
    """Return where the first bad value is, and what it is."""
    if values.ndim == 0:
        return "", str(values)
    index = tuple(int(i) for i in np.unravel_index(int(np.argmax(bad)), bad.shape))
    return f" at index {index[0] if len(index) == 1 else index}", str(values[index])
