"""The arguments of a call, checked once: what follows may trust every shape, type and range."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, prod
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from numloss import _convert
from numloss._raise import Error, InputTypeError, shown

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, DTypeLike, NDArray

REDUCTIONS = ("mean", "sum", "none")
#: A row's probabilities may be off by this much from a sum of 1, as those of the other losses.
SLACK = 0.01


@dataclass(frozen=True)
class Problem:
    """Rows of hidden numbers, classes of weights, and what is to be computed from them."""

    hidden: NDArray[Any]  #: (n, d)
    weight: NDArray[Any]  #: (c, d): all classes, or those of a shard
    bias: NDArray[Any] | None  #: (c,)
    labels: NDArray[np.int64] | None  #: (n,), or None where there are probabilities
    soft: NDArray[Any] | None  #: probabilities of the classes here, (n, c)
    row_weight: NDArray[np.float64]  #: (n,)
    class_weight: NDArray[np.float64] | None  #: of all classes of all shards
    kept: NDArray[np.int64]  #: rows that are computed: neither ignored nor of weight 0
    example: NDArray[np.float64]  #: sum(q class_weight) over the classes here; 0 of other rows
    count: int  #: rows that are not ignored
    shape: tuple[int, ...]  #: of the rows, as the caller has them
    dtype: np.dtype[Any]  #: what is computed in
    result: np.dtype[Any] | None  #: what the caller wants results in
    offset: int  #: of the first class here among all
    num_classes: int  #: of all shards
    label_smoothing: float
    softcap: float | None
    temperature: float
    z_loss: float
    reduction: str
    denominator: str | float
    max_memory: int

    @property
    def classes(self) -> int:
        """How many classes are here."""
        return len(self.weight)

    def result_dtype(self, array: NDArray[Any]) -> np.dtype[Any]:
        """Return the dtype of results that belong to an input."""
        return dtype_of_results(array, self.result)


def read(
    hidden: ArrayLike,
    weight: ArrayLike,
    labels: ArrayLike,
    bias: ArrayLike | None = None,
    *,
    row_weight: ArrayLike | None = None,
    class_weight: ArrayLike | None = None,
    label_smoothing: float = 0.0,
    ignore_index: int = -100,
    softcap: float | None = None,
    temperature: float = 1.0,
    z_loss: float = 0.0,
    reduction: Literal["mean", "sum", "none"] = "mean",
    denominator: Literal["weight", "count"] | float = "weight",
    dtype: DTypeLike | None = None,
    max_memory: int = 128_000_000,
    offset: int | None = None,
    num_classes: int | None = None,
) -> Problem:
    """Return what a call takes, or raise for the first thing that is wrong."""
    rows = _convert.array("hidden", hidden)
    if rows.ndim == 0:
        raise Error("hidden must have an axis of hidden numbers, got shape ()", "hidden")
    matrix = _matrix(weight, rows.shape[-1])
    shape, n = rows.shape[:-1], prod(rows.shape[:-1])
    first, everyone = _place(len(matrix), offset, num_classes)
    hard, soft = _targets(labels, shape, len(matrix), everyone, ignore_index)
    biases = None if bias is None else _per_class("bias", bias, len(matrix))
    computed = computed_in([rows, matrix, *([] if biases is None else [biases])])
    result = None if dtype is None else checked_result(dtype, computed)
    if result is not None:
        computed = np.promote_types(computed, result)
    weights = weight_of_rows("row_weight", row_weight, shape)
    by_class = _class_weight(class_weight, everyone)
    memory = _convert.positive_integer("max_memory", max_memory)
    there = np.ones(n, bool) if hard is None else hard != ignore_index
    kept = np.flatnonzero(there & (weights != 0))
    example = np.zeros(n)
    if hard is not None:
        example[kept] = 1 if by_class is None else by_class[hard[kept]]
    elif soft is not None:
        here = by_class if by_class is None else by_class[first : first + len(matrix)]
        is_all = len(matrix) == everyone
        example[kept] = _probabilities(soft, kept, here, is_all, memory)
    return Problem(
        hidden=rows.reshape(n, rows.shape[-1]),
        weight=matrix,
        bias=biases,
        labels=hard,
        soft=soft,
        row_weight=weights,
        class_weight=by_class,
        kept=kept,
        example=example,
        count=int(np.count_nonzero(there)),
        shape=shape,
        dtype=computed,
        result=result,
        offset=first,
        num_classes=everyone,
        label_smoothing=between("label_smoothing", label_smoothing, 0, 1, "in [0, 1]"),
        softcap=None if softcap is None else _positive("softcap", softcap),
        temperature=_positive("temperature", temperature),
        z_loss=between("z_loss", z_loss, 0, np.finfo(float).max, "of at least 0 and finite"),
        reduction=REDUCTIONS[_convert.choice("reduction", reduction, REDUCTIONS)],
        denominator=divisor(denominator),
        max_memory=memory,
    )


# ------------------------------------------------------------------------------------------ arrays


def _matrix(weight: ArrayLike, width: int) -> NDArray[Any]:
    matrix = _convert.array("weight", weight)
    if matrix.ndim != 2 or matrix.shape[1] != width or len(matrix) == 0:
        swapped = matrix.ndim == 2 and matrix.shape[0] == width
        fix = ": use weight.T" if swapped else ""
        raise Error(
            "weight must be the layer's matrix, of shape (classes, hidden numbers), here "
            f"(C, {width}) with C of at least 1, got {matrix.shape}{fix}; weights of rows are "
            "row_weight, those of classes class_weight",
            "weight",
        )
    return matrix


def _place(classes: int, offset: int | None, num_classes: int | None) -> tuple[int, int]:
    """Return where the classes here begin, and how many there are in all shards."""
    if offset is None and num_classes is None:
        return 0, classes
    if offset is None or num_classes is None:
        missing = "offset" if offset is None else "num_classes"
        raise InputTypeError(f"a shard needs offset and num_classes, {missing} is missing", missing)
    first = _convert.integer("offset", offset)
    everyone = _convert.positive_integer("num_classes", num_classes)
    if not 0 <= first <= everyone - classes:
        raise Error(
            f"offset must let {classes} classes end at num_classes={everyone}, got {first}: leave "
            "rows out of weight that only fill it up",
            "offset",
        )
    return first, everyone


def _targets(
    labels: ArrayLike, shape: tuple[int, ...], classes: int, everyone: int, ignore_index: int
) -> tuple[NDArray[np.int64] | None, NDArray[Any] | None]:
    """Return labels or probabilities, of rows along one axis."""
    ignored = _convert.integer("ignore_index", ignore_index)
    y = _convert.array("labels", labels)
    if y.shape == shape and y.dtype.kind in "iu":
        bad = ((y < 0) | (y >= everyone)) & (y != ignored)
        if bad.any():
            where, found = _convert.first_of(bad, y)
            raise Error(
                f"labels must lie in [0, {everyone}) or be ignore_index={ignored}, "
                f"got {found}{where}",
                "labels",
            )
        return y.reshape(-1).astype(np.int64), None
    if y.shape == (*shape, classes) and _convert.is_real(y.dtype):
        return None, y.reshape(prod(shape), classes)
    if y.shape == shape:
        fix = ": use labels.astype(int)"
    elif y.shape == (*shape, classes):
        fix = ": use labels.astype(float)"
    else:
        fix = ": use labels[..., 0]" if y.shape == (*shape, 1) else ""
    raise Error(
        f"labels must be integers of shape {shape} or probabilities of shape "
        f"{(*shape, classes)}, got dtype {y.dtype} and shape {y.shape}{fix}",
        "labels",
    )


def _probabilities(
    soft: NDArray[Any],
    kept: NDArray[np.int64],
    class_weight: NDArray[np.float64] | None,
    is_all: bool,
    memory: int,
) -> NDArray[np.float64]:
    """Return sum(q class_weight) of rows of probabilities, or raise where they are none."""
    found = np.empty(len(kept))
    # A few rows at a time, as float64 with what is computed from them.
    rows = max(1, memory // (32 * soft.shape[1]))
    for start in range(0, len(kept), rows):
        index = kept[start : start + rows]
        q = soft[index].astype(np.float64)
        total = q.sum(axis=1)
        bad = (q < 0).any(axis=1)
        if is_all:
            bad |= np.abs(total - 1) > SLACK
        if bad.any():
            row = int(np.argmax(bad))
            negative = q[row].min() < 0
            needed = "of at least 0" if negative else "that sum to 1"
            got = q[row].min() if negative else total[row]
            raise Error(
                f"labels must hold probabilities {needed}, got {got:.6g} in row {index[row]}",
                "labels",
            )
        if class_weight is not None:
            total = q @ class_weight
        found[start : start + rows] = total
    return found


def _per_class(name: str, value: ArrayLike, classes: int) -> NDArray[Any]:
    numbers = _convert.array(name, value)
    if numbers.shape != (classes,):
        raise Error(
            f"{name} must have one number for each of the {classes} classes, "
            f"got shape {numbers.shape}",
            name,
        )
    return numbers


def _weights(name: str, numbers: NDArray[Any]) -> NDArray[np.float64]:
    """Return weights as float64, or raise for those below 0 and infinite ones; NaN stays NaN."""
    weights = numbers.astype(np.float64)
    bad = (weights < 0) | (weights == inf)
    if bad.any():
        where, found = _convert.first_of(bad, weights)
        raise Error(f"{name} must hold finite numbers of at least 0, got {found}{where}", name)
    return weights


def _class_weight(value: ArrayLike | None, classes: int) -> NDArray[np.float64] | None:
    if value is None:
        return None
    return _weights("class_weight", _per_class("class_weight", value, classes))


def weight_of_rows(
    name: str, value: ArrayLike | None, shape: tuple[int, ...]
) -> NDArray[np.float64]:
    """Return a weight for each row, along one axis, or raise."""
    if value is None:
        return np.ones(prod(shape))
    given = _convert.array(name, value)
    fits = given.ndim == len(shape) and all(
        own in (1, length) for own, length in zip(given.shape, shape, strict=True)
    )
    if given.ndim and not fits:
        raise Error(
            f"{name} must be a number or have the shape of the rows, {shape}, in which an "
            f"axis may have length 1, got {given.shape}",
            name,
        )
    return np.broadcast_to(_weights(name, given), shape).reshape(-1)


# ------------------------------------------------------------------------------------------- types


def computed_in(arrays: list[NDArray[Any]]) -> np.dtype[Any]:
    """Return float64 where an input is float64 or integers, else float32."""
    wide = any(x.dtype.kind in "iub" or x.dtype.itemsize == 8 for x in arrays)
    return np.dtype(np.float64 if wide else np.float32)


def dtype_of_results(array: NDArray[Any], wanted: np.dtype[Any] | None) -> np.dtype[Any]:
    """Return the dtype of results that belong to an input."""
    own = array.dtype.newbyteorder("=")
    return wanted or (own if _convert.is_real(own) else np.dtype(np.float64))


def checked_result(value: DTypeLike, computed: np.dtype[Any]) -> np.dtype[Any]:
    """Return the dtype that is wanted of results, or raise where it does not hold them."""
    made = _convert.dtype(value)
    if made.itemsize < computed.itemsize:
        raise Error(
            f"dtype must hold the results, which are computed in {computed}, got {made}", "dtype"
        )
    return made


# ------------------------------------------------------------------------------------------ numbers


def between(name: str, value: Any, low: float, high: float, words: str) -> float:
    """Return a number in a range, or raise, in words that say which."""
    x = _convert.number(name, value)
    if low <= x <= high:
        return x
    raise Error(f"{name} must be a number {words}, got {shown(value)}", name)


def _positive(name: str, value: Any) -> float:
    x = _convert.number(name, value)
    if 0 < x < inf:
        return x
    raise Error(f"{name} must be a positive finite number, got {shown(value)}", name)


def divisor(value: Any) -> str | float:
    """Return what a mean is divided by, a word or a positive number, or raise."""
    given = _convert.denominator(value)
    return given if isinstance(given, str) else _positive("denominator", given)
