"""What all these losses take, checked once: what follows may trust every shape and range."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypedDict

import numpy as np

from numloss import _convert
from numloss._raise import Error, InputTypeError
from numloss.linear.problem import (
    REDUCTIONS,
    checked_result,
    computed_in,
    divisor,
    dtype_of_results,
    weight_of_rows,
)

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, DTypeLike, NDArray

    from numloss.embeddings.strips import Strips
    from numloss.embeddings.vectors import Vectors

#: As much as a cache may still hold when it is read again; of 4000 embeddings a quarter of all.
MEMORY = 16_000_000


class Call(TypedDict, total=False):
    """The keywords of every call."""

    weight: ArrayLike | None
    reduction: Literal["mean", "sum", "none"]
    denominator: Literal["weight", "count"] | float
    dtype: DTypeLike | None
    max_memory: int


@dataclass(frozen=True)
class Settings:
    """How examples become a value, and in which types."""

    weight: NDArray[np.float64]
    reduction: str
    denominator: str | float
    dtype: np.dtype[Any]  #: what is computed in
    result: np.dtype[Any] | None  #: what the caller wants results in
    max_memory: int

    def divisor(self, counted: NDArray[np.bool_]) -> float:
        """Return what the sum is divided by, from which examples count."""
        if self.reduction != "mean":
            return 1.0
        if self.denominator == "count":
            return float(np.count_nonzero(counted))
        if not isinstance(self.denominator, str):
            return self.denominator
        return float(self.weight.sum(where=counted))


@dataclass(frozen=True)
class Task:
    """A call: embeddings, who is compared with whom, and what is to be computed."""

    inputs: tuple[NDArray[Any], ...]  #: what there are gradients by, as they came
    vectors: tuple[Vectors, ...]
    heads: tuple[tuple[int, slice], ...]  #: in which vectors, and where, each input lies
    walks: tuple[tuple[int, int, Strips], ...]  #: anchors, keys, and what becomes of them
    counted: NDArray[np.bool_]  #: examples that have a positive
    settings: Settings
    temperature: float = 1.0
    return_temperature_grad: bool = False

    def result_dtype(self, array: NDArray[Any]) -> np.dtype[Any]:
        """Return the dtype of results that belong to an input."""
        return dtype_of_results(array, self.settings.result)


def settings(
    arrays: list[NDArray[Any]],
    *,
    weight: ArrayLike | None = None,
    reduction: Literal["mean", "sum", "none"] = "mean",
    denominator: Literal["weight", "count"] | float = "weight",
    dtype: DTypeLike | None = None,
    max_memory: int = MEMORY,
) -> Settings:
    """Return the keywords of a call, of which the first array has an example in each row."""
    computed = computed_in(arrays)
    result = None if dtype is None else checked_result(dtype, computed)
    return Settings(
        weight=weight_of_rows("weight", weight, arrays[0].shape[:1]),
        reduction=REDUCTIONS[_convert.choice("reduction", reduction, REDUCTIONS)],
        denominator=divisor(denominator),
        dtype=computed if result is None else np.promote_types(computed, result),
        result=result,
        max_memory=_convert.positive_integer("max_memory", max_memory),
    )


def vectors_of(name: str, value: ArrayLike) -> NDArray[Any]:
    """Return vectors, one a row, or raise."""
    found = _convert.array(name, value)
    if found.ndim != 2:
        fix = f": use {name}.reshape(-1, {found.shape[-1]})" if found.ndim > 2 else ""
        raise Error(
            f"{name} must hold a vector in each row, shape (N, D), got shape {found.shape}{fix}",
            name,
        )
    return found


def check_width(first: tuple[str, NDArray[Any]], other: tuple[str, NDArray[Any]]) -> None:
    """Refuse vectors of unlike length."""
    (name, x), (its_name, y) = first, other
    if x.shape[1] != y.shape[1]:
        raise Error(
            f"{its_name} must have vectors as long as those of {name}, {x.shape[1]}, "
            f"got {y.shape[1]}",
            its_name,
        )


def labels_of(value: ArrayLike, count: int) -> NDArray[Any]:
    """Return a label for each vector, or raise."""
    found = _convert.array("labels", value)
    if found.shape != (count,):
        raise Error(
            f"labels must have one label for each of the {count} embeddings, "
            f"got shape {found.shape}",
            "labels",
        )
    if found.dtype.kind not in "iub":
        raise InputTypeError(
            f"labels must be integers, got dtype {found.dtype}: use labels.astype(int)", "labels"
        )
    return found
