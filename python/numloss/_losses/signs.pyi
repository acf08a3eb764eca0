# Written by tools/make_stubs.py from the declarations beside it.
from typing import Any, Literal, overload

import numpy as np
from numpy.typing import DTypeLike, NDArray

from numloss._core import Loss
from numloss._types import Input, OtherPlace, Place, Places

__all__ = [
    "exponential",
    "hinge",
    "hinge_embedding",
    "logistic",
    "modified_huber",
    "smoothed_hinge",
    "squared_hinge",
]

class _Exponential(Loss[...]):
    @overload
    def __call__(
        self,
        prediction: Input,
        target: Input,
        *,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        allow_negative_weight: bool = ...,
        reduce_axis: None = ...,
        keepdims: Literal[False] = ...,
        dtype: DTypeLike | None = ...,
        out: None = ...,
    ) -> np.float64: ...
    @overload
    def __call__(
        self,
        prediction: Input,
        target: Input,
        *,
        weight: Input | None = ...,
        reduction: Literal["none"],
        denominator: Literal["weight", "count"] | float = ...,
        allow_negative_weight: bool = ...,
        reduce_axis: None = ...,
        keepdims: Literal[False] = ...,
        dtype: DTypeLike | None = ...,
        out: NDArray[Any] | None = ...,
    ) -> NDArray[Any]: ...
    @overload
    def __call__(
        self,
        prediction: Input,
        target: Input,
        *,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"],
        denominator: Literal["weight", "count"] | float = ...,
        allow_negative_weight: bool = ...,
        reduce_axis: None = ...,
        keepdims: Literal[False] = ...,
        dtype: DTypeLike | None = ...,
        out: NDArray[Any] | None = ...,
    ) -> np.float64 | NDArray[Any]: ...
    @overload
    def __call__(
        self,
        prediction: Input,
        target: Input,
        *,
        weight: Input | None = ...,
        reduction: Literal["none"],
        denominator: Literal["weight", "count"] | float = ...,
        allow_negative_weight: bool = ...,
        reduce_axis: None = ...,
        keepdims: Literal[False] = ...,
        dtype: DTypeLike | None = ...,
        out: Place,
    ) -> Place: ...
    @overload
    def __call__(
        self,
        prediction: Input,
        target: Input,
        *,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"],
        denominator: Literal["weight", "count"] | float = ...,
        allow_negative_weight: bool = ...,
        reduce_axis: None = ...,
        keepdims: Literal[False] = ...,
        dtype: DTypeLike | None = ...,
        out: Place,
    ) -> np.float64 | Place: ...
    @overload
    def __call__(
        self,
        prediction: Input,
        target: Input,
        *,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        allow_negative_weight: bool = ...,
        reduce_axis: int | tuple[int, ...] | None = ...,
        keepdims: bool = ...,
        dtype: DTypeLike | None = ...,
        out: Places = ...,
    ) -> Any: ...
    @overload
    def grad(
        self,
        prediction: Input,
        target: Input,
        *,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        allow_negative_weight: bool = ...,
        reduce_axis: int | tuple[int, ...] | None = ...,
        keepdims: bool = ...,
        dtype: DTypeLike | None = ...,
        out: NDArray[Any] | None = ...,
    ) -> NDArray[Any]: ...
    @overload
    def grad(
        self,
        prediction: Input,
        target: Input,
        *,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        allow_negative_weight: bool = ...,
        reduce_axis: int | tuple[int, ...] | None = ...,
        keepdims: bool = ...,
        dtype: DTypeLike | None = ...,
        out: Place,
    ) -> Place: ...
    @overload
    def value_and_grad(
        self,
        prediction: Input,
        target: Input,
        *,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        allow_negative_weight: bool = ...,
        reduce_axis: None = ...,
        keepdims: Literal[False] = ...,
        dtype: DTypeLike | None = ...,
        out: NDArray[Any] | None = ...,
    ) -> tuple[np.float64, NDArray[Any]]: ...
    @overload
    def value_and_grad(
        self,
        prediction: Input,
        target: Input,
        *,
        weight: Input | None = ...,
        reduction: Literal["none"],
        denominator: Literal["weight", "count"] | float = ...,
        allow_negative_weight: bool = ...,
        reduce_axis: None = ...,
        keepdims: Literal[False] = ...,
        dtype: DTypeLike | None = ...,
        out: tuple[NDArray[Any] | None, NDArray[Any] | None] | NDArray[Any] | None = ...,
    ) -> tuple[NDArray[Any], NDArray[Any]]: ...
    @overload
    def value_and_grad(
        self,
        prediction: Input,
        target: Input,
        *,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"],
        denominator: Literal["weight", "count"] | float = ...,
        allow_negative_weight: bool = ...,
        reduce_axis: None = ...,
        keepdims: Literal[False] = ...,
        dtype: DTypeLike | None = ...,
        out: tuple[NDArray[Any] | None, NDArray[Any] | None] | None = ...,
    ) -> tuple[np.float64 | NDArray[Any], NDArray[Any]]: ...
    @overload
    def value_and_grad(
        self,
        prediction: Input,
        target: Input,
        *,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        allow_negative_weight: bool = ...,
        reduce_axis: None = ...,
        keepdims: Literal[False] = ...,
        dtype: DTypeLike | None = ...,
        out: Place,
    ) -> tuple[np.float64, Place]: ...
    @overload
    def value_and_grad(
        self,
        prediction: Input,
        target: Input,
        *,
        weight: Input | None = ...,
        reduction: Literal["none"],
        denominator: Literal["weight", "count"] | float = ...,
        allow_negative_weight: bool = ...,
        reduce_axis: None = ...,
        keepdims: Literal[False] = ...,
        dtype: DTypeLike | None = ...,
        out: tuple[Place, OtherPlace],
    ) -> tuple[Place, OtherPlace]: ...
    @overload
    def value_and_grad(
        self,
        prediction: Input,
        target: Input,
        *,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        allow_negative_weight: bool = ...,
        reduce_axis: int | tuple[int, ...] | None = ...,
        keepdims: bool = ...,
        dtype: DTypeLike | None = ...,
        out: Places = ...,
    ) -> tuple[Any, Any]: ...
    @overload
    def grad_and_hess(
        self,
        prediction: Input,
        target: Input,
        *,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        allow_negative_weight: bool = ...,
        reduce_axis: int | tuple[int, ...] | None = ...,
        keepdims: bool = ...,
        dtype: DTypeLike | None = ...,
        out: tuple[NDArray[Any] | None, NDArray[Any] | None] | None = ...,
    ) -> tuple[NDArray[Any], NDArray[Any]]: ...
    @overload
    def grad_and_hess(
        self,
        prediction: Input,
        target: Input,
        *,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        allow_negative_weight: bool = ...,
        reduce_axis: int | tuple[int, ...] | None = ...,
        keepdims: bool = ...,
        dtype: DTypeLike | None = ...,
        out: tuple[Place, OtherPlace],
    ) -> tuple[Place, OtherPlace]: ...
    @overload
    def grad_and_hess(
        self,
        prediction: Input,
        target: Input,
        *,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        allow_negative_weight: bool = ...,
        reduce_axis: int | tuple[int, ...] | None = ...,
        keepdims: bool = ...,
        dtype: DTypeLike | None = ...,
        out: Places = ...,
    ) -> tuple[Any, Any]: ...

exponential: _Exponential

class _Hinge(Loss[...]):
    @overload
    def __call__(
        self,
        prediction: Input,
        target: Input,
        *,
        margin: float = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        allow_negative_weight: bool = ...,
        reduce_axis: None = ...,
        keepdims: Literal[False] = ...,
        dtype: DTypeLike | None = ...,
        out: None = ...,
    ) -> np.float64: ...
    @overload
    def __call__(
        self,
        prediction: Input,
        target: Input,
        *,
        margin: float = ...,
        weight: Input | None = ...,
        reduction: Literal["none"],
        denominator: Literal["weight", "count"] | float = ...,
        allow_negative_weight: bool = ...,
        reduce_axis: None = ...,
        keepdims: Literal[False] = ...,
        dtype: DTypeLike | None = ...,
        out: NDArray[Any] | None = ...,
    ) -> NDArray[Any]: ...
    @overload
    def __call__(
        self,
        prediction: Input,
        target: Input,
        *,
        margin: float = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"],
        denominator: Literal["weight", "count"] | float = ...,
        allow_negative_weight: bool = ...,
        reduce_axis: None = ...,
        keepdims: Literal[False] = ...,
        dtype: DTypeLike | None = ...,
        out: NDArray[Any] | None = ...,
    ) -> np.float64 | NDArray[Any]: ...
    @overload
    def __call__(
        self,
        prediction: Input,
        target: Input,
        *,
        margin: float = ...,
        weight: Input | None = ...,
        reduction: Literal["none"],
        denominator: Literal["weight", "count"] | float = ...,
        allow_negative_weight: bool = ...,
        reduce_axis: None = ...,
        keepdims: Literal[False] = ...,
        dtype: DTypeLike | None = ...,
        out: Place,
    ) -> Place: ...
    @overload
    def __call__(
        self,
        prediction: Input,
        target: Input,
        *,
        margin: float = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"],
        denominator: Literal["weight", "count"] | float = ...,
        allow_negative_weight: bool = ...,
        reduce_axis: None = ...,
        keepdims: Literal[False] = ...,
        dtype: DTypeLike | None = ...,
        out: Place,
    ) -> np.float64 | Place: ...
    @overload
    def __call__(
        self,
        prediction: Input,
        target: Input,
        *,
        margin: float = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        allow_negative_weight: bool = ...,
        reduce_axis: int | tuple[int, ...] | None = ...,
        keepdims: bool = ...,
        dtype: DTypeLike | None = ...,
        out: Places = ...,
    ) -> Any: ...
    @overload
    def grad(
        self,
        prediction: Input,
        target: Input,
        *,
        margin: float = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        allow_negative_weight: bool = ...,
        reduce_axis: int | tuple[int, ...] | None = ...,
        keepdims: bool = ...,
        dtype: DTypeLike | None = ...,
        out: NDArray[Any] | None = ...,
    ) -> NDArray[Any]: ...
    @overload
    def grad(
        self,
        prediction: Input,
        target: Input,
        *,
        margin: float = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        allow_negative_weight: bool = ...,
        reduce_axis: int | tuple[int, ...] | None = ...,
        keepdims: bool = ...,
        dtype: DTypeLike | None = ...,
        out: Place,
    ) -> Place: ...
    @overload
    def value_and_grad(
        self,
        prediction: Input,
        target: Input,
        *,
        margin: float = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        allow_negative_weight: bool = ...,
        reduce_axis: None = ...,
        keepdims: Literal[False] = ...,
        dtype: DTypeLike | None = ...,
        out: NDArray[Any] | None = ...,
    ) -> tuple[np.float64, NDArray[Any]]: ...
    @overload
    def value_and_grad(
        self,
        prediction: Input,
        target: Input,
        *,
        margin: float = ...,
        weight: Input | None = ...,
        reduction: Literal["none"],
        denominator: Literal["weight", "count"] | float = ...,
        allow_negative_weight: bool = ...,
        reduce_axis: None = ...,
        keepdims: Literal[False] = ...,
        dtype: DTypeLike | None = ...,
        out: tuple[NDArray[Any] | None, NDArray[Any] | None] | NDArray[Any] | None = ...,
    ) -> tuple[NDArray[Any], NDArray[Any]]: ...
    @overload
    def value_and_grad(
        self,
        prediction: Input,
        target: Input,
        *,
        margin: float = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"],
        denominator: Literal["weight", "count"] | float = ...,
        allow_negative_weight: bool = ...,
        reduce_axis: None = ...,
        keepdims: Literal[False] = ...,
        dtype: DTypeLike | None = ...,
        out: tuple[NDArray[Any] | None, NDArray[Any] | None] | None = ...,
    ) -> tuple[np.float64 | NDArray[Any], NDArray[Any]]: ...
    @overload
    def value_and_grad(
        self,
        prediction: Input,
        target: Input,
        *,
        margin: float = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        allow_negative_weight: bool = ...,
        reduce_axis: None = ...,
        keepdims: Literal[False] = ...,
        dtype: DTypeLike | None = ...,
        out: Place,
    ) -> tuple[np.float64, Place]: ...
    @overload
    def value_and_grad(
        self,
        prediction: Input,
        target: Input,
        *,
        margin: float = ...,
        weight: Input | None = ...,
        reduction: Literal["none"],
        denominator: Literal["weight", "count"] | float = ...,
        allow_negative_weight: bool = ...,
        reduce_axis: None = ...,
        keepdims: Literal[False] = ...,
        dtype: DTypeLike | None = ...,
        out: tuple[Place, OtherPlace],
    ) -> tuple[Place, OtherPlace]: ...
    @overload
    def value_and_grad(
        self,
        prediction: Input,
        target: Input,
        *,
        margin: float = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        allow_negative_weight: bool = ...,
        reduce_axis: int | tuple[int, ...] | None = ...,
        keepdims: bool = ...,
        dtype: DTypeLike | None = ...,
        out: Places = ...,
    ) -> tuple[Any, Any]: ...
    @overload
    def grad_and_hess(
        self,
        prediction: Input,
        target: Input,
        *,
        margin: float = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        allow_negative_weight: bool = ...,
        reduce_axis: int | tuple[int, ...] | None = ...,
        keepdims: bool = ...,
        dtype: DTypeLike | None = ...,
        out: tuple[NDArray[Any] | None, NDArray[Any] | None] | None = ...,
    ) -> tuple[NDArray[Any], NDArray[Any]]: ...
    @overload
    def grad_and_hess(
        self,
        prediction: Input,
        target: Input,
        *,
        margin: float = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        allow_negative_weight: bool = ...,
        reduce_axis: int | tuple[int, ...] | None = ...,
        keepdims: bool = ...,
        dtype: DTypeLike | None = ...,
        out: tuple[Place, OtherPlace],
    ) -> tuple[Place, OtherPlace]: ...
    @overload
    def grad_and_hess(
        self,
        prediction: Input,
        target: Input,
        *,
        margin: float = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        allow_negative_weight: bool = ...,
        reduce_axis: int | tuple[int, ...] | None = ...,
        keepdims: bool = ...,
        dtype: DTypeLike | None = ...,
        out: Places = ...,
    ) -> tuple[Any, Any]: ...

hinge: _Hinge

class _HingeEmbedding(Loss[...]):
    @overload
    def __call__(
        self,
        prediction: Input,
        target: Input,
        *,
        margin: float = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        allow_negative_weight: bool = ...,
        reduce_axis: None = ...,
        keepdims: Literal[False] = ...,
        dtype: DTypeLike | None = ...,
        out: None = ...,
    ) -> np.float64: ...
    @overload
    def __call__(
        self,
        prediction: Input,
        target: Input,
        *,
        margin: float = ...,
        weight: Input | None = ...,
        reduction: Literal["none"],
        denominator: Literal["weight", "count"] | float = ...,
        allow_negative_weight: bool = ...,
        reduce_axis: None = ...,
        keepdims: Literal[False] = ...,
        dtype: DTypeLike | None = ...,
        out: NDArray[Any] | None = ...,
    ) -> NDArray[Any]: ...
    @overload
    def __call__(
        self,
        prediction: Input,
        target: Input,
        *,
        margin: float = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"],
        denominator: Literal["weight", "count"] | float = ...,
        allow_negative_weight: bool = ...,
        reduce_axis: None = ...,
        keepdims: Literal[False] = ...,
        dtype: DTypeLike | None = ...,
        out: NDArray[Any] | None = ...,
    ) -> np.float64 | NDArray[Any]: ...
    @overload
    def __call__(
        self,
        prediction: Input,
        target: Input,
        *,
        margin: float = ...,
        weight: Input | None = ...,
        reduction: Literal["none"],
        denominator: Literal["weight", "count"] | float = ...,
        allow_negative_weight: bool = ...,
        reduce_axis: None = ...,
        keepdims: Literal[False] = ...,
        dtype: DTypeLike | None = ...,
        out: Place,
    ) -> Place: ...
    @overload
    def __call__(
        self,
        prediction: Input,
        target: Input,
        *,
        margin: float = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"],
        denominator: Literal["weight", "count"] | float = ...,
        allow_negative_weight: bool = ...,
        reduce_axis: None = ...,
        keepdims: Literal[False] = ...,
        dtype: DTypeLike | None = ...,
        out: Place,
    ) -> np.float64 | Place: ...
    @overload
    def __call__(
        self,
        prediction: Input,
        target: Input,
        *,
        margin: float = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        allow_negative_weight: bool = ...,
        reduce_axis: int | tuple[int, ...] | None = ...,
        keepdims: bool = ...,
        dtype: DTypeLike | None = ...,
        out: Places = ...,
    ) -> Any: ...
    @overload
    def grad(
        self,
        prediction: Input,
        target: Input,
        *,
        margin: float = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        allow_negative_weight: bool = ...,
        reduce_axis: int | tuple[int, ...] | None = ...,
        keepdims: bool = ...,
        dtype: DTypeLike | None = ...,
        out: NDArray[Any] | None = ...,
    ) -> NDArray[Any]: ...
    @overload
    def grad(
        self,
        prediction: Input,
        target: Input,
        *,
        margin: float = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        allow_negative_weight: bool = ...,
        reduce_axis: int | tuple[int, ...] | None = ...,
        keepdims: bool = ...,
        dtype: DTypeLike | None = ...,
        out: Place,
    ) -> Place: ...
    @overload
    def value_and_grad(
        self,
        prediction: Input,
        target: Input,
        *,
        margin: float = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        allow_negative_weight: bool = ...,
        reduce_axis: None = ...,
        keepdims: Literal[False] = ...,
        dtype: DTypeLike | None = ...,
        out: NDArray[Any] | None = ...,
    ) -> tuple[np.float64, NDArray[Any]]: ...
    @overload
    def value_and_grad(
        self,
        prediction: Input,
        target: Input,
        *,
        margin: float = ...,
        weight: Input | None = ...,
        reduction: Literal["none"],
        denominator: Literal["weight", "count"] | float = ...,
        allow_negative_weight: bool = ...,
        reduce_axis: None = ...,
        keepdims: Literal[False] = ...,
        dtype: DTypeLike | None = ...,
        out: tuple[NDArray[Any] | None, NDArray[Any] | None] | NDArray[Any] | None = ...,
    ) -> tuple[NDArray[Any], NDArray[Any]]: ...
    @overload
    def value_and_grad(
        self,
        prediction: Input,
        target: Input,
        *,
        margin: float = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"],
        denominator: Literal["weight", "count"] | float = ...,
        allow_negative_weight: bool = ...,
        reduce_axis: None = ...,
        keepdims: Literal[False] = ...,
        dtype: DTypeLike | None = ...,
        out: tuple[NDArray[Any] | None, NDArray[Any] | None] | None = ...,
    ) -> tuple[np.float64 | NDArray[Any], NDArray[Any]]: ...
    @overload
    def value_and_grad(
        self,
        prediction: Input,
        target: Input,
        *,
        margin: float = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        allow_negative_weight: bool = ...,
        reduce_axis: None = ...,
        keepdims: Literal[False] = ...,
        dtype: DTypeLike | None = ...,
        out: Place,
    ) -> tuple[np.float64, Place]: ...
    @overload
    def value_and_grad(
        self,
        prediction: Input,
        target: Input,
        *,
        margin: float = ...,
        weight: Input | None = ...,
        reduction: Literal["none"],
        denominator: Literal["weight", "count"] | float = ...,
        allow_negative_weight: bool = ...,
        reduce_axis: None = ...,
        keepdims: Literal[False] = ...,
        dtype: DTypeLike | None = ...,
        out: tuple[Place, OtherPlace],
    ) -> tuple[Place, OtherPlace]: ...
    @overload
    def value_and_grad(
        self,
        prediction: Input,
        target: Input,
        *,
        margin: float = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        allow_negative_weight: bool = ...,
        reduce_axis: int | tuple[int, ...] | None = ...,
        keepdims: bool = ...,
        dtype: DTypeLike | None = ...,
        out: Places = ...,
    ) -> tuple[Any, Any]: ...
    @overload
    def grad_and_hess(
        self,
        prediction: Input,
        target: Input,
        *,
        margin: float = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        allow_negative_weight: bool = ...,
        reduce_axis: int | tuple[int, ...] | None = ...,
        keepdims: bool = ...,
        dtype: DTypeLike | None = ...,
        out: tuple[NDArray[Any] | None, NDArray[Any] | None] | None = ...,
    ) -> tuple[NDArray[Any], NDArray[Any]]: ...
    @overload
    def grad_and_hess(
        self,
        prediction: Input,
        target: Input,
        *,
        margin: float = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        allow_negative_weight: bool = ...,
        reduce_axis: int | tuple[int, ...] | None = ...,
        keepdims: bool = ...,
        dtype: DTypeLike | None = ...,
        out: tuple[Place, OtherPlace],
    ) -> tuple[Place, OtherPlace]: ...
    @overload
    def grad_and_hess(
        self,
        prediction: Input,
        target: Input,
        *,
        margin: float = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        allow_negative_weight: bool = ...,
        reduce_axis: int | tuple[int, ...] | None = ...,
        keepdims: bool = ...,
        dtype: DTypeLike | None = ...,
        out: Places = ...,
    ) -> tuple[Any, Any]: ...

hinge_embedding: _HingeEmbedding

class _Logistic(Loss[...]):
    @overload
    def __call__(
        self,
        prediction: Input,
        target: Input,
        *,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        allow_negative_weight: bool = ...,
        reduce_axis: None = ...,
        keepdims: Literal[False] = ...,
        dtype: DTypeLike | None = ...,
        out: None = ...,
    ) -> np.float64: ...
    @overload
    def __call__(
        self,
        prediction: Input,
        target: Input,
        *,
        weight: Input | None = ...,
        reduction: Literal["none"],
        denominator: Literal["weight", "count"] | float = ...,
        allow_negative_weight: bool = ...,
        reduce_axis: None = ...,
        keepdims: Literal[False] = ...,
        dtype: DTypeLike | None = ...,
        out: NDArray[Any] | None = ...,
    ) -> NDArray[Any]: ...
    @overload
    def __call__(
        self,
        prediction: Input,
        target: Input,
        *,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"],
        denominator: Literal["weight", "count"] | float = ...,
        allow_negative_weight: bool = ...,
        reduce_axis: None = ...,
        keepdims: Literal[False] = ...,
        dtype: DTypeLike | None = ...,
        out: NDArray[Any] | None = ...,
    ) -> np.float64 | NDArray[Any]: ...
    @overload
    def __call__(
        self,
        prediction: Input,
        target: Input,
        *,
        weight: Input | None = ...,
        reduction: Literal["none"],
        denominator: Literal["weight", "count"] | float = ...,
        allow_negative_weight: bool = ...,
        reduce_axis: None = ...,
        keepdims: Literal[False] = ...,
        dtype: DTypeLike | None = ...,
        out: Place,
    ) -> Place: ...
    @overload
    def __call__(
        self,
        prediction: Input,
        target: Input,
        *,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"],
        denominator: Literal["weight", "count"] | float = ...,
        allow_negative_weight: bool = ...,
        reduce_axis: None = ...,
        keepdims: Literal[False] = ...,
        dtype: DTypeLike | None = ...,
        out: Place,
    ) -> np.float64 | Place: ...
    @overload
    def __call__(
        self,
        prediction: Input,
        target: Input,
        *,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        allow_negative_weight: bool = ...,
        reduce_axis: int | tuple[int, ...] | None = ...,
        keepdims: bool = ...,
        dtype: DTypeLike | None = ...,
        out: Places = ...,
    ) -> Any: ...
    @overload
    def grad(
        self,
        prediction: Input,
        target: Input,
        *,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        allow_negative_weight: bool = ...,
        reduce_axis: int | tuple[int, ...] | None = ...,
        keepdims: bool = ...,
        dtype: DTypeLike | None = ...,
        out: NDArray[Any] | None = ...,
    ) -> NDArray[Any]: ...
    @overload
    def grad(
        self,
        prediction: Input,
        target: Input,
        *,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        allow_negative_weight: bool = ...,
        reduce_axis: int | tuple[int, ...] | None = ...,
        keepdims: bool = ...,
        dtype: DTypeLike | None = ...,
        out: Place,
    ) -> Place: ...
    @overload
    def value_and_grad(
        self,
        prediction: Input,
        target: Input,
        *,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        allow_negative_weight: bool = ...,
        reduce_axis: None = ...,
        keepdims: Literal[False] = ...,
        dtype: DTypeLike | None = ...,
        out: NDArray[Any] | None = ...,
    ) -> tuple[np.float64, NDArray[Any]]: ...
    @overload
    def value_and_grad(
        self,
        prediction: Input,
        target: Input,
        *,
        weight: Input | None = ...,
        reduction: Literal["none"],
        denominator: Literal["weight", "count"] | float = ...,
        allow_negative_weight: bool = ...,
        reduce_axis: None = ...,
        keepdims: Literal[False] = ...,
        dtype: DTypeLike | None = ...,
        out: tuple[NDArray[Any] | None, NDArray[Any] | None] | NDArray[Any] | None = ...,
    ) -> tuple[NDArray[Any], NDArray[Any]]: ...
    @overload
    def value_and_grad(
        self,
        prediction: Input,
        target: Input,
        *,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"],
        denominator: Literal["weight", "count"] | float = ...,
        allow_negative_weight: bool = ...,
        reduce_axis: None = ...,
        keepdims: Literal[False] = ...,
        dtype: DTypeLike | None = ...,
        out: tuple[NDArray[Any] | None, NDArray[Any] | None] | None = ...,
    ) -> tuple[np.float64 | NDArray[Any], NDArray[Any]]: ...
    @overload
    def value_and_grad(
        self,
        prediction: Input,
        target: Input,
        *,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        allow_negative_weight: bool = ...,
        reduce_axis: None = ...,
        keepdims: Literal[False] = ...,
        dtype: DTypeLike | None = ...,
        out: Place,
    ) -> tuple[np.float64, Place]: ...
    @overload
    def value_and_grad(
        self,
        prediction: Input,
        target: Input,
        *,
        weight: Input | None = ...,
        reduction: Literal["none"],
        denominator: Literal["weight", "count"] | float = ...,
        allow_negative_weight: bool = ...,
        reduce_axis: None = ...,
        keepdims: Literal[False] = ...,
        dtype: DTypeLike | None = ...,
        out: tuple[Place, OtherPlace],
    ) -> tuple[Place, OtherPlace]: ...
    @overload
    def value_and_grad(
        self,
        prediction: Input,
        target: Input,
        *,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        allow_negative_weight: bool = ...,
        reduce_axis: int | tuple[int, ...] | None = ...,
        keepdims: bool = ...,
        dtype: DTypeLike | None = ...,
        out: Places = ...,
    ) -> tuple[Any, Any]: ...
    @overload
    def grad_and_hess(
        self,
        prediction: Input,
        target: Input,
        *,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        allow_negative_weight: bool = ...,
        reduce_axis: int | tuple[int, ...] | None = ...,
        keepdims: bool = ...,
        dtype: DTypeLike | None = ...,
        out: tuple[NDArray[Any] | None, NDArray[Any] | None] | None = ...,
    ) -> tuple[NDArray[Any], NDArray[Any]]: ...
    @overload
    def grad_and_hess(
        self,
        prediction: Input,
        target: Input,
        *,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        allow_negative_weight: bool = ...,
        reduce_axis: int | tuple[int, ...] | None = ...,
        keepdims: bool = ...,
        dtype: DTypeLike | None = ...,
        out: tuple[Place, OtherPlace],
    ) -> tuple[Place, OtherPlace]: ...
    @overload
    def grad_and_hess(
        self,
        prediction: Input,
        target: Input,
        *,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        allow_negative_weight: bool = ...,
        reduce_axis: int | tuple[int, ...] | None = ...,
        keepdims: bool = ...,
        dtype: DTypeLike | None = ...,
        out: Places = ...,
    ) -> tuple[Any, Any]: ...

logistic: _Logistic

class _ModifiedHuber(Loss[...]):
    @overload
    def __call__(
        self,
        prediction: Input,
        target: Input,
        *,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        allow_negative_weight: bool = ...,
        reduce_axis: None = ...,
        keepdims: Literal[False] = ...,
        dtype: DTypeLike | None = ...,
        out: None = ...,
    ) -> np.float64: ...
    @overload
    def __call__(
        self,
        prediction: Input,
        target: Input,
        *,
        weight: Input | None = ...,
        reduction: Literal["none"],
        denominator: Literal["weight", "count"] | float = ...,
        allow_negative_weight: bool = ...,
        reduce_axis: None = ...,
        keepdims: Literal[False] = ...,
        dtype: DTypeLike | None = ...,
        out: NDArray[Any] | None = ...,
    ) -> NDArray[Any]: ...
    @overload
    def __call__(
        self,
        prediction: Input,
        target: Input,
        *,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"],
        denominator: Literal["weight", "count"] | float = ...,
        allow_negative_weight: bool = ...,
        reduce_axis: None = ...,
        keepdims: Literal[False] = ...,
        dtype: DTypeLike | None = ...,
        out: NDArray[Any] | None = ...,
    ) -> np.float64 | NDArray[Any]: ...
    @overload
    def __call__(
        self,
        prediction: Input,
        target: Input,
        *,
        weight: Input | None = ...,
        reduction: Literal["none"],
        denominator: Literal["weight", "count"] | float = ...,
        allow_negative_weight: bool = ...,
        reduce_axis: None = ...,
        keepdims: Literal[False] = ...,
        dtype: DTypeLike | None = ...,
        out: Place,
    ) -> Place: ...
    @overload
    def __call__(
        self,
        prediction: Input,
        target: Input,
        *,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"],
        denominator: Literal["weight", "count"] | float = ...,
        allow_negative_weight: bool = ...,
        reduce_axis: None = ...,
        keepdims: Literal[False] = ...,
        dtype: DTypeLike | None = ...,
        out: Place,
    ) -> np.float64 | Place: ...
    @overload
    def __call__(
        self,
        prediction: Input,
        target: Input,
        *,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        allow_negative_weight: bool = ...,
        reduce_axis: int | tuple[int, ...] | None = ...,
        keepdims: bool = ...,
        dtype: DTypeLike | None = ...,
        out: Places = ...,
    ) -> Any: ...
    @overload
    def grad(
        self,
        prediction: Input,
        target: Input,
        *,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        allow_negative_weight: bool = ...,
        reduce_axis: int | tuple[int, ...] | None = ...,
        keepdims: bool = ...,
        dtype: DTypeLike | None = ...,
        out: NDArray[Any] | None = ...,
    ) -> NDArray[Any]: ...
    @overload
    def grad(
        self,
        prediction: Input,
        target: Input,
        *,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        allow_negative_weight: bool = ...,
        reduce_axis: int | tuple[int, ...] | None = ...,
        keepdims: bool = ...,
        dtype: DTypeLike | None = ...,
        out: Place,
    ) -> Place: ...
    @overload
    def value_and_grad(
        self,
        prediction: Input,
        target: Input,
        *,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        allow_negative_weight: bool = ...,
        reduce_axis: None = ...,
        keepdims: Literal[False] = ...,
        dtype: DTypeLike | None = ...,
        out: NDArray[Any] | None = ...,
    ) -> tuple[np.float64, NDArray[Any]]: ...
    @overload
    def value_and_grad(
        self,
        prediction: Input,
        target: Input,
        *,
        weight: Input | None = ...,
        reduction: Literal["none"],
        denominator: Literal["weight", "count"] | float = ...,
        allow_negative_weight: bool = ...,
        reduce_axis: None = ...,
        keepdims: Literal[False] = ...,
        dtype: DTypeLike | None = ...,
        out: tuple[NDArray[Any] | None, NDArray[Any] | None] | NDArray[Any] | None = ...,
    ) -> tuple[NDArray[Any], NDArray[Any]]: ...
    @overload
    def value_and_grad(
        self,
        prediction: Input,
        target: Input,
        *,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"],
        denominator: Literal["weight", "count"] | float = ...,
        allow_negative_weight: bool = ...,
        reduce_axis: None = ...,
        keepdims: Literal[False] = ...,
        dtype: DTypeLike | None = ...,
        out: tuple[NDArray[Any] | None, NDArray[Any] | None] | None = ...,
    ) -> tuple[np.float64 | NDArray[Any], NDArray[Any]]: ...
    @overload
    def value_and_grad(
        self,
        prediction: Input,
        target: Input,
        *,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        allow_negative_weight: bool = ...,
        reduce_axis: None = ...,
        keepdims: Literal[False] = ...,
        dtype: DTypeLike | None = ...,
        out: Place,
    ) -> tuple[np.float64, Place]: ...
    @overload
    def value_and_grad(
        self,
        prediction: Input,
        target: Input,
        *,
        weight: Input | None = ...,
        reduction: Literal["none"],
        denominator: Literal["weight", "count"] | float = ...,
        allow_negative_weight: bool = ...,
        reduce_axis: None = ...,
        keepdims: Literal[False] = ...,
        dtype: DTypeLike | None = ...,
        out: tuple[Place, OtherPlace],
    ) -> tuple[Place, OtherPlace]: ...
    @overload
    def value_and_grad(
        self,
        prediction: Input,
        target: Input,
        *,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        allow_negative_weight: bool = ...,
        reduce_axis: int | tuple[int, ...] | None = ...,
        keepdims: bool = ...,
        dtype: DTypeLike | None = ...,
        out: Places = ...,
    ) -> tuple[Any, Any]: ...
    @overload
    def grad_and_hess(
        self,
        prediction: Input,
        target: Input,
        *,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        allow_negative_weight: bool = ...,
        reduce_axis: int | tuple[int, ...] | None = ...,
        keepdims: bool = ...,
        dtype: DTypeLike | None = ...,
        out: tuple[NDArray[Any] | None, NDArray[Any] | None] | None = ...,
    ) -> tuple[NDArray[Any], NDArray[Any]]: ...
    @overload
    def grad_and_hess(
        self,
        prediction: Input,
        target: Input,
        *,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        allow_negative_weight: bool = ...,
        reduce_axis: int | tuple[int, ...] | None = ...,
        keepdims: bool = ...,
        dtype: DTypeLike | None = ...,
        out: tuple[Place, OtherPlace],
    ) -> tuple[Place, OtherPlace]: ...
    @overload
    def grad_and_hess(
        self,
        prediction: Input,
        target: Input,
        *,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        allow_negative_weight: bool = ...,
        reduce_axis: int | tuple[int, ...] | None = ...,
        keepdims: bool = ...,
        dtype: DTypeLike | None = ...,
        out: Places = ...,
    ) -> tuple[Any, Any]: ...

modified_huber: _ModifiedHuber

class _SmoothedHinge(Loss[...]):
    @overload
    def __call__(
        self,
        prediction: Input,
        target: Input,
        *,
        margin: float = ...,
        smoothing: float = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        allow_negative_weight: bool = ...,
        reduce_axis: None = ...,
        keepdims: Literal[False] = ...,
        dtype: DTypeLike | None = ...,
        out: None = ...,
    ) -> np.float64: ...
    @overload
    def __call__(
        self,
        prediction: Input,
        target: Input,
        *,
        margin: float = ...,
        smoothing: float = ...,
        weight: Input | None = ...,
        reduction: Literal["none"],
        denominator: Literal["weight", "count"] | float = ...,
        allow_negative_weight: bool = ...,
        reduce_axis: None = ...,
        keepdims: Literal[False] = ...,
        dtype: DTypeLike | None = ...,
        out: NDArray[Any] | None = ...,
    ) -> NDArray[Any]: ...
    @overload
    def __call__(
        self,
        prediction: Input,
        target: Input,
        *,
        margin: float = ...,
        smoothing: float = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"],
        denominator: Literal["weight", "count"] | float = ...,
        allow_negative_weight: bool = ...,
        reduce_axis: None = ...,
        keepdims: Literal[False] = ...,
        dtype: DTypeLike | None = ...,
        out: NDArray[Any] | None = ...,
    ) -> np.float64 | NDArray[Any]: ...
    @overload
    def __call__(
        self,
        prediction: Input,
        target: Input,
        *,
        margin: float = ...,
        smoothing: float = ...,
        weight: Input | None = ...,
        reduction: Literal["none"],
        denominator: Literal["weight", "count"] | float = ...,
        allow_negative_weight: bool = ...,
        reduce_axis: None = ...,
        keepdims: Literal[False] = ...,
        dtype: DTypeLike | None = ...,
        out: Place,
    ) -> Place: ...
    @overload
    def __call__(
        self,
        prediction: Input,
        target: Input,
        *,
        margin: float = ...,
        smoothing: float = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"],
        denominator: Literal["weight", "count"] | float = ...,
        allow_negative_weight: bool = ...,
        reduce_axis: None = ...,
        keepdims: Literal[False] = ...,
        dtype: DTypeLike | None = ...,
        out: Place,
    ) -> np.float64 | Place: ...
    @overload
    def __call__(
        self,
        prediction: Input,
        target: Input,
        *,
        margin: float = ...,
        smoothing: float = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        allow_negative_weight: bool = ...,
        reduce_axis: int | tuple[int, ...] | None = ...,
        keepdims: bool = ...,
        dtype: DTypeLike | None = ...,
        out: Places = ...,
    ) -> Any: ...
    @overload
    def grad(
        self,
        prediction: Input,
        target: Input,
        *,
        margin: float = ...,
        smoothing: float = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        allow_negative_weight: bool = ...,
        reduce_axis: int | tuple[int, ...] | None = ...,
        keepdims: bool = ...,
        dtype: DTypeLike | None = ...,
        out: NDArray[Any] | None = ...,
    ) -> NDArray[Any]: ...
    @overload
    def grad(
        self,
        prediction: Input,
        target: Input,
        *,
        margin: float = ...,
        smoothing: float = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        allow_negative_weight: bool = ...,
        reduce_axis: int | tuple[int, ...] | None = ...,
        keepdims: bool = ...,
        dtype: DTypeLike | None = ...,
        out: Place,
    ) -> Place: ...
    @overload
    def value_and_grad(
        self,
        prediction: Input,
        target: Input,
        *,
        margin: float = ...,
        smoothing: float = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        allow_negative_weight: bool = ...,
        reduce_axis: None = ...,
        keepdims: Literal[False] = ...,
        dtype: DTypeLike | None = ...,
        out: NDArray[Any] | None = ...,
    ) -> tuple[np.float64, NDArray[Any]]: ...
    @overload
    def value_and_grad(
        self,
        prediction: Input,
        target: Input,
        *,
        margin: float = ...,
        smoothing: float = ...,
        weight: Input | None = ...,
        reduction: Literal["none"],
        denominator: Literal["weight", "count"] | float = ...,
        allow_negative_weight: bool = ...,
        reduce_axis: None = ...,
        keepdims: Literal[False] = ...,
        dtype: DTypeLike | None = ...,
        out: tuple[NDArray[Any] | None, NDArray[Any] | None] | NDArray[Any] | None = ...,
    ) -> tuple[NDArray[Any], NDArray[Any]]: ...
    @overload
    def value_and_grad(
        self,
        prediction: Input,
        target: Input,
        *,
        margin: float = ...,
        smoothing: float = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"],
        denominator: Literal["weight", "count"] | float = ...,
        allow_negative_weight: bool = ...,
        reduce_axis: None = ...,
        keepdims: Literal[False] = ...,
        dtype: DTypeLike | None = ...,
        out: tuple[NDArray[Any] | None, NDArray[Any] | None] | None = ...,
    ) -> tuple[np.float64 | NDArray[Any], NDArray[Any]]: ...
    @overload
    def value_and_grad(
        self,
        prediction: Input,
        target: Input,
        *,
        margin: float = ...,
        smoothing: float = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        allow_negative_weight: bool = ...,
        reduce_axis: None = ...,
        keepdims: Literal[False] = ...,
        dtype: DTypeLike | None = ...,
        out: Place,
    ) -> tuple[np.float64, Place]: ...
    @overload
    def value_and_grad(
        self,
        prediction: Input,
        target: Input,
        *,
        margin: float = ...,
        smoothing: float = ...,
        weight: Input | None = ...,
        reduction: Literal["none"],
        denominator: Literal["weight", "count"] | float = ...,
        allow_negative_weight: bool = ...,
        reduce_axis: None = ...,
        keepdims: Literal[False] = ...,
        dtype: DTypeLike | None = ...,
        out: tuple[Place, OtherPlace],
    ) -> tuple[Place, OtherPlace]: ...
    @overload
    def value_and_grad(
        self,
        prediction: Input,
        target: Input,
        *,
        margin: float = ...,
        smoothing: float = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        allow_negative_weight: bool = ...,
        reduce_axis: int | tuple[int, ...] | None = ...,
        keepdims: bool = ...,
        dtype: DTypeLike | None = ...,
        out: Places = ...,
    ) -> tuple[Any, Any]: ...
    @overload
    def grad_and_hess(
        self,
        prediction: Input,
        target: Input,
        *,
        margin: float = ...,
        smoothing: float = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        allow_negative_weight: bool = ...,
        reduce_axis: int | tuple[int, ...] | None = ...,
        keepdims: bool = ...,
        dtype: DTypeLike | None = ...,
        out: tuple[NDArray[Any] | None, NDArray[Any] | None] | None = ...,
    ) -> tuple[NDArray[Any], NDArray[Any]]: ...
    @overload
    def grad_and_hess(
        self,
        prediction: Input,
        target: Input,
        *,
        margin: float = ...,
        smoothing: float = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        allow_negative_weight: bool = ...,
        reduce_axis: int | tuple[int, ...] | None = ...,
        keepdims: bool = ...,
        dtype: DTypeLike | None = ...,
        out: tuple[Place, OtherPlace],
    ) -> tuple[Place, OtherPlace]: ...
    @overload
    def grad_and_hess(
        self,
        prediction: Input,
        target: Input,
        *,
        margin: float = ...,
        smoothing: float = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        allow_negative_weight: bool = ...,
        reduce_axis: int | tuple[int, ...] | None = ...,
        keepdims: bool = ...,
        dtype: DTypeLike | None = ...,
        out: Places = ...,
    ) -> tuple[Any, Any]: ...

smoothed_hinge: _SmoothedHinge

class _SquaredHinge(Loss[...]):
    @overload
    def __call__(
        self,
        prediction: Input,
        target: Input,
        *,
        margin: float = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        allow_negative_weight: bool = ...,
        reduce_axis: None = ...,
        keepdims: Literal[False] = ...,
        dtype: DTypeLike | None = ...,
        out: None = ...,
    ) -> np.float64: ...
    @overload
    def __call__(
        self,
        prediction: Input,
        target: Input,
        *,
        margin: float = ...,
        weight: Input | None = ...,
        reduction: Literal["none"],
        denominator: Literal["weight", "count"] | float = ...,
        allow_negative_weight: bool = ...,
        reduce_axis: None = ...,
        keepdims: Literal[False] = ...,
        dtype: DTypeLike | None = ...,
        out: NDArray[Any] | None = ...,
    ) -> NDArray[Any]: ...
    @overload
    def __call__(
        self,
        prediction: Input,
        target: Input,
        *,
        margin: float = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"],
        denominator: Literal["weight", "count"] | float = ...,
        allow_negative_weight: bool = ...,
        reduce_axis: None = ...,
        keepdims: Literal[False] = ...,
        dtype: DTypeLike | None = ...,
        out: NDArray[Any] | None = ...,
    ) -> np.float64 | NDArray[Any]: ...
    @overload
    def __call__(
        self,
        prediction: Input,
        target: Input,
        *,
        margin: float = ...,
        weight: Input | None = ...,
        reduction: Literal["none"],
        denominator: Literal["weight", "count"] | float = ...,
        allow_negative_weight: bool = ...,
        reduce_axis: None = ...,
        keepdims: Literal[False] = ...,
        dtype: DTypeLike | None = ...,
        out: Place,
    ) -> Place: ...
    @overload
    def __call__(
        self,
        prediction: Input,
        target: Input,
        *,
        margin: float = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"],
        denominator: Literal["weight", "count"] | float = ...,
        allow_negative_weight: bool = ...,
        reduce_axis: None = ...,
        keepdims: Literal[False] = ...,
        dtype: DTypeLike | None = ...,
        out: Place,
    ) -> np.float64 | Place: ...
    @overload
    def __call__(
        self,
        prediction: Input,
        target: Input,
        *,
        margin: float = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        allow_negative_weight: bool = ...,
        reduce_axis: int | tuple[int, ...] | None = ...,
        keepdims: bool = ...,
        dtype: DTypeLike | None = ...,
        out: Places = ...,
    ) -> Any: ...
    @overload
    def grad(
        self,
        prediction: Input,
        target: Input,
        *,
        margin: float = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        allow_negative_weight: bool = ...,
        reduce_axis: int | tuple[int, ...] | None = ...,
        keepdims: bool = ...,
        dtype: DTypeLike | None = ...,
        out: NDArray[Any] | None = ...,
    ) -> NDArray[Any]: ...
    @overload
    def grad(
        self,
        prediction: Input,
        target: Input,
        *,
        margin: float = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        allow_negative_weight: bool = ...,
        reduce_axis: int | tuple[int, ...] | None = ...,
        keepdims: bool = ...,
        dtype: DTypeLike | None = ...,
        out: Place,
    ) -> Place: ...
    @overload
    def value_and_grad(
        self,
        prediction: Input,
        target: Input,
        *,
        margin: float = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        allow_negative_weight: bool = ...,
        reduce_axis: None = ...,
        keepdims: Literal[False] = ...,
        dtype: DTypeLike | None = ...,
        out: NDArray[Any] | None = ...,
    ) -> tuple[np.float64, NDArray[Any]]: ...
    @overload
    def value_and_grad(
        self,
        prediction: Input,
        target: Input,
        *,
        margin: float = ...,
        weight: Input | None = ...,
        reduction: Literal["none"],
        denominator: Literal["weight", "count"] | float = ...,
        allow_negative_weight: bool = ...,
        reduce_axis: None = ...,
        keepdims: Literal[False] = ...,
        dtype: DTypeLike | None = ...,
        out: tuple[NDArray[Any] | None, NDArray[Any] | None] | NDArray[Any] | None = ...,
    ) -> tuple[NDArray[Any], NDArray[Any]]: ...
    @overload
    def value_and_grad(
        self,
        prediction: Input,
        target: Input,
        *,
        margin: float = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"],
        denominator: Literal["weight", "count"] | float = ...,
        allow_negative_weight: bool = ...,
        reduce_axis: None = ...,
        keepdims: Literal[False] = ...,
        dtype: DTypeLike | None = ...,
        out: tuple[NDArray[Any] | None, NDArray[Any] | None] | None = ...,
    ) -> tuple[np.float64 | NDArray[Any], NDArray[Any]]: ...
    @overload
    def value_and_grad(
        self,
        prediction: Input,
        target: Input,
        *,
        margin: float = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        allow_negative_weight: bool = ...,
        reduce_axis: None = ...,
        keepdims: Literal[False] = ...,
        dtype: DTypeLike | None = ...,
        out: Place,
    ) -> tuple[np.float64, Place]: ...
    @overload
    def value_and_grad(
        self,
        prediction: Input,
        target: Input,
        *,
        margin: float = ...,
        weight: Input | None = ...,
        reduction: Literal["none"],
        denominator: Literal["weight", "count"] | float = ...,
        allow_negative_weight: bool = ...,
        reduce_axis: None = ...,
        keepdims: Literal[False] = ...,
        dtype: DTypeLike | None = ...,
        out: tuple[Place, OtherPlace],
    ) -> tuple[Place, OtherPlace]: ...
    @overload
    def value_and_grad(
        self,
        prediction: Input,
        target: Input,
        *,
        margin: float = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        allow_negative_weight: bool = ...,
        reduce_axis: int | tuple[int, ...] | None = ...,
        keepdims: bool = ...,
        dtype: DTypeLike | None = ...,
        out: Places = ...,
    ) -> tuple[Any, Any]: ...
    @overload
    def grad_and_hess(
        self,
        prediction: Input,
        target: Input,
        *,
        margin: float = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        allow_negative_weight: bool = ...,
        reduce_axis: int | tuple[int, ...] | None = ...,
        keepdims: bool = ...,
        dtype: DTypeLike | None = ...,
        out: tuple[NDArray[Any] | None, NDArray[Any] | None] | None = ...,
    ) -> tuple[NDArray[Any], NDArray[Any]]: ...
    @overload
    def grad_and_hess(
        self,
        prediction: Input,
        target: Input,
        *,
        margin: float = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        allow_negative_weight: bool = ...,
        reduce_axis: int | tuple[int, ...] | None = ...,
        keepdims: bool = ...,
        dtype: DTypeLike | None = ...,
        out: tuple[Place, OtherPlace],
    ) -> tuple[Place, OtherPlace]: ...
    @overload
    def grad_and_hess(
        self,
        prediction: Input,
        target: Input,
        *,
        margin: float = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        allow_negative_weight: bool = ...,
        reduce_axis: int | tuple[int, ...] | None = ...,
        keepdims: bool = ...,
        dtype: DTypeLike | None = ...,
        out: Places = ...,
    ) -> tuple[Any, Any]: ...

squared_hinge: _SquaredHinge
