"""Array-likes of any kind, and the pair of prediction and target."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from numbers import Real
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from numloss import _core
from numloss._arithmetic import ieee
from numloss._validate.messages import shown

if TYPE_CHECKING:
    from typing import TypeGuard

    from numpy.typing import ArrayLike, NDArray


def array(name: str, value: ArrayLike) -> NDArray[Any]:
    """Return any array-like as an array of real numbers, without a copy where it can be had."""
    if issubclass(type(value), np.ma.MaskedArray):
        leave_out = f"{name}.data and weight=~{name}.mask"
        use = leave_out if name in ("prediction", "target") else f"{name}.filled(...)"
        raise TypeError(f"{name} is a masked array, whose mask would be lost: pass {use}")
    result = _from_object(name, value)
    if is_real(result.dtype) or result.dtype.kind in "iub":
        return result
    if result.dtype == object and result.ndim == 0:
        raise TypeError(f"{name} must be array-like, got {shown(value)}")
    raise TypeError(
        f"{name} must hold real numbers of at most 64 bits, got dtype {result.dtype}"
        + _dtype_fix(name, result)
    )


def _dtype_fix(name: str, value: NDArray[Any]) -> str:
    if value.dtype.kind == "f":
        return f": use {name}.astype(numpy.float64)"
    if value.dtype == object:
        for x in value.reshape(-1):  # `flat` ends at 32 axes
            if not issubclass(type(x), Real):
                return f", which holds a {type(x).__name__}"
    return ""


# An exception that is a local name outlives the call, with all its arguments, in a cycle with the
# frame that its traceback holds: here it has a name in its own handler alone.


def _from_object(name: str, value: ArrayLike) -> NDArray[Any]:
    try:
        # A view: its shape and type stay what they are whatever becomes of the caller's array.
        result: NDArray[Any] = np.asarray(value)[...]
    except MemoryError:
        raise
    except Exception as cause:  # whatever an object's own __array__ raises
        if _gives_dlpack(value):
            return _from_dlpack(name, value, cause)
        refusal = TypeError if isinstance(cause, TypeError) else ValueError
        raise refusal(f"{name} must be array-like, got {type(value).__name__}: {cause}") from cause
    if result.dtype == object and _gives_dlpack(value):
        return _from_dlpack(name, value)
    return result


def _gives_dlpack(value: object) -> bool:
    return hasattr(type(value), "__dlpack__") and not issubclass(type(value), np.ndarray)


def _from_dlpack(name: str, value: Any, cause: Exception | None = None) -> NDArray[Any]:
    """Take what gives no array of itself, and what NumPy cannot take: bfloat16 tensors."""
    try:
        return np.from_dlpack(value)
    except MemoryError:
        raise
    except Exception as error:  # whatever an object's own __dlpack__ raises
        return _from_bfloat_dlpack(name, value, cause or error)


def _from_bfloat_dlpack(name: str, value: Any, cause: Exception) -> NDArray[Any]:
    try:
        from ml_dtypes import bfloat16
    except ImportError:
        raise TypeError(
            f"{name} is a {type(value).__name__} that NumPy cannot read ({cause}); "
            "for bfloat16: pip install ml_dtypes"
        ) from cause
    try:
        return _core.from_dlpack(value.__dlpack__(), np.dtype(bfloat16))
    except MemoryError:
        raise
    except Exception as error:
        raise TypeError(
            f"{name} must be array-like on the CPU, got {type(value).__name__}: {cause}"
        ) from error


def is_real(dtype: np.dtype[Any]) -> bool:
    """Whether it is a float type that the kernels read."""
    # By type: other packages' floats of 8 bits have the kind "f", too.
    return dtype.type in (np.float32, np.float64, np.float16) or _is_bfloat(dtype)


def _is_bfloat(dtype: np.dtype[Any]) -> bool:
    """Whether it is the type that ml_dtypes registers, not a structure of that name."""
    return dtype.isbuiltin == 2 and dtype.itemsize == 2 and dtype.name == "bfloat16"


def is_integer_array(value: object) -> bool:
    """Whether it is an array that can only be one of labels; of subclasses nothing is known."""
    return type(value) is np.ndarray and value.dtype.kind in "iu"


def is_number(value: object) -> TypeGuard[float]:
    """Whether it is a number of Python's own, which promotes nothing."""
    return issubclass(type(value), (int, float)) and not issubclass(type(value), np.generic)


def is_boolean(value: NDArray[Any] | float) -> bool:
    """Whether a target consists of booleans."""
    if isinstance(value, np.ndarray):
        return bool(value.dtype.char == "?")
    return value is True or value is False


@dataclass(frozen=True)
class Arrays:
    """Prediction and target as the kernels take them, and what follows from them."""

    prediction: NDArray[Any]
    target: NDArray[Any]
    dtype: np.dtype[Any]  # of gradients and per-example results
    examples: tuple[int, ...]  # shape


def elementwise(prediction: ArrayLike, target: ArrayLike) -> Arrays:
    """Check the arrays of a loss whose every element is an example."""
    p, t, dtype = promoted(prediction, target)
    if t.ndim > 0 and t.shape != p.shape:
        raise ValueError(
            f"prediction and target must have the same shape, got {p.shape} and {t.shape}"
            + _shape_fix(p.shape, t.shape)
        )
    return Arrays(p, t, dtype, p.shape)


def promoted(
    prediction: ArrayLike, target: ArrayLike
) -> tuple[NDArray[Any], NDArray[Any], np.dtype[Any]]:
    """Return both arrays and the type of the results.

    That is the prediction's type, float64 for integers; a target of another float type promotes it
    as NumPy would. Python numbers do not.
    """
    p = array("prediction", prediction)
    dtype = result_type(p)
    if is_number(target):
        return p, _converted(target, dtype), dtype
    t = array("target", target)
    if is_real(t.dtype) and t.dtype.newbyteorder("=") != dtype:
        dtype = _common_dtype(dtype, t.dtype)
    return p, t, dtype


def result_type(prediction: NDArray[Any]) -> np.dtype[Any]:
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
    number = None
    try:
        number = float(target)
    except OverflowError:
        pass  # an integer beyond float64
    except Exception as error:  # whatever a subclass's own __float__ raises
        raise TypeError(f"target must be a number, got {shown(target)}") from error
    with ieee, np.errstate(all="ignore"):
        converted = np.asarray(inf if number is None else number).astype(dtype)
    if np.isinf(converted) and (number is None or abs(number) != inf):
        raise ValueError(f"target must fit dtype {dtype}, got {shown(target)}")
    return converted


def refuse_change() -> NoReturn:
    """Raise where arguments that had been checked no longer fit each other."""
    raise ValueError("an argument changed its shape or type while it was being read")


def _shape_fix(p: tuple[int, ...], t: tuple[int, ...]) -> str:
    if p == (*t, 1):
        return ": use prediction[..., 0] or target[..., None]"
    if t == (*p, 1):
        return ": use target[..., 0] or prediction[..., None]"
    return ": a loss does not broadcast; use numpy.broadcast_to where it is meant"
