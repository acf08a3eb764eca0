"""Parameters of losses: numbers, switches, names."""

from __future__ import annotations

import operator
from collections.abc import Iterable
from math import inf
from numbers import Real
from typing import Any

import numpy as np

from numloss._arithmetic import ieee
from numloss._validate.arrays import array
from numloss._validate.messages import listed, shown


def positive(name: str, value: float) -> float:
    """Return a finite number above 0, or raise."""
    number = value if type(value) is float else _number(name, value)
    if 0 < number < inf:
        return number
    with ieee:  # where the caller's arithmetic takes a subnormal number for 0
        if 0 < number < inf:
            return number
    raise ValueError(f"{name} must be a positive finite number, got {shown(value)}")


def nonnegative(name: str, value: float) -> float:
    """Return a finite number of at least 0, or raise."""
    number = value if type(value) is float else _number(name, value)
    if 0 <= number < inf:
        return number
    raise ValueError(f"{name} must be a finite number of at least 0, got {shown(value)}")


def fraction(name: str, value: float) -> float:
    """Return a number in [0, 1], or raise."""
    number = value if type(value) is float else _number(name, value)
    if 0 <= number <= 1:
        return number
    raise ValueError(f"{name} must be a number in [0, 1], got {shown(value)}")


def below_one(name: str, value: float) -> float:
    """Return a number in [0, 1), or raise."""
    number = value if type(value) is float else _number(name, value)
    if 0 <= number < 1:
        return number
    raise ValueError(f"{name} must be a number in [0, 1), got {shown(value)}")


def _number(name: str, value: Any) -> float:
    """Return a Python or NumPy number, or an array of no axis, as a float."""
    if isinstance(value, Real) and not isinstance(value, (bool, np.timedelta64)):
        try:
            return float(value)
        except OverflowError:
            return inf  # outside every domain
        except Exception:  # whatever an object's own __float__ raises
            raise TypeError(f"{name} must be a number, got {shown(value)}") from None
    try:
        number = array(name, value)
        if number.ndim == 0 and number.dtype.kind != "b":
            return float(number)
    except (TypeError, ValueError):
        pass
    raise TypeError(f"{name} must be a number, got {shown(value)}")


def boolean(name: str, value: bool) -> bool:
    """Return True or False, or raise for what merely counts as one of them."""
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    raise TypeError(f"{name} must be True or False, got {shown(value)}")


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
        raise ValueError(f"{name} must be an integer of 64 bits, got {shown(value)}")
    return number


def _index(name: str, value: Any, needed: str) -> int:
    """Return any integer, or raise; True and False are none."""
    try:
        number = operator.index(value)
    except MemoryError:
        raise
    except Exception:  # whatever an object's own __index__ raises
        number = None
    if number is None or isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name} must be {needed}, got {shown(value)}")
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
    # The text itself: a subclass may call anything its equal.
    if isinstance(value, str) and str.__str__(value) in choices:
        return str.__str__(value)
    error = ValueError if isinstance(value, str) else TypeError
    raise error(f"{name} must be {listed(choices)}, got {shown(value)}")


def generator(rng: np.random.Generator | int | None) -> np.random.Generator:
    """Return a generator of random numbers, made from a seed if need be, or raise."""
    if rng is None or isinstance(rng, np.random.Generator):
        return np.random.default_rng(rng)
    seed = _index("rng", rng, "a numpy.random.Generator or an integer")
    if seed < 0:
        raise ValueError(
            f"rng must be a numpy.random.Generator or an integer of at least 0, got {shown(rng)}"
        )
    return np.random.default_rng(seed)
