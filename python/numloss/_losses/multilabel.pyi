# Written by tools/make_stubs.py from the declarations beside it.
from typing import Any, Literal, overload

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from numloss._core import Loss

__all__ = ["asymmetric", "multilabel_margin"]

class _Asymmetric(Loss[...]):
    @overload
    def __call__(
        self,
        prediction: ArrayLike,
        target: ArrayLike,
        *,
        gamma_pos: float = ...,
        gamma_neg: float = ...,
        clip: float = ...,
        weight: ArrayLike | None = ...,
        reduction: Literal["mean", "sum"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: None = ...,
    ) -> np.float64: ...
    @overload
    def __call__(
        self,
        prediction: ArrayLike,
        target: ArrayLike,
        *,
        gamma_pos: float = ...,
        gamma_neg: float = ...,
        clip: float = ...,
        weight: ArrayLike | None = ...,
        reduction: Literal["none"],
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: NDArray[Any] | None = ...,
    ) -> NDArray[Any]: ...
    @overload
    def __call__(
        self,
        prediction: ArrayLike,
        target: ArrayLike,
        *,
        gamma_pos: float = ...,
        gamma_neg: float = ...,
        clip: float = ...,
        weight: ArrayLike | None = ...,
        reduction: Literal["mean", "sum", "none"],
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: NDArray[Any] | None = ...,
    ) -> np.float64 | NDArray[Any]: ...
    def grad(
        self,
        prediction: ArrayLike,
        target: ArrayLike,
        *,
        gamma_pos: float = ...,
        gamma_neg: float = ...,
        clip: float = ...,
        weight: ArrayLike | None = ...,
        reduction: Literal["mean", "sum", "none"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: NDArray[Any] | None = ...,
    ) -> NDArray[Any]: ...
    @overload
    def value_and_grad(
        self,
        prediction: ArrayLike,
        target: ArrayLike,
        *,
        gamma_pos: float = ...,
        gamma_neg: float = ...,
        clip: float = ...,
        weight: ArrayLike | None = ...,
        reduction: Literal["mean", "sum"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: NDArray[Any] | None = ...,
    ) -> tuple[np.float64, NDArray[Any]]: ...
    @overload
    def value_and_grad(
        self,
        prediction: ArrayLike,
        target: ArrayLike,
        *,
        gamma_pos: float = ...,
        gamma_neg: float = ...,
        clip: float = ...,
        weight: ArrayLike | None = ...,
        reduction: Literal["none"],
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: tuple[NDArray[Any] | None, NDArray[Any] | None] | NDArray[Any] | None = ...,
    ) -> tuple[NDArray[Any], NDArray[Any]]: ...
    @overload
    def value_and_grad(
        self,
        prediction: ArrayLike,
        target: ArrayLike,
        *,
        gamma_pos: float = ...,
        gamma_neg: float = ...,
        clip: float = ...,
        weight: ArrayLike | None = ...,
        reduction: Literal["mean", "sum", "none"],
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: tuple[NDArray[Any] | None, NDArray[Any] | None] | NDArray[Any] | None = ...,
    ) -> tuple[np.float64 | NDArray[Any], NDArray[Any]]: ...
    def grad_and_hess(
        self,
        prediction: ArrayLike,
        target: ArrayLike,
        *,
        gamma_pos: float = ...,
        gamma_neg: float = ...,
        clip: float = ...,
        weight: ArrayLike | None = ...,
        reduction: Literal["mean", "sum", "none"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: tuple[NDArray[Any] | None, NDArray[Any] | None] | None = ...,
    ) -> tuple[NDArray[Any], NDArray[Any]]: ...

asymmetric: _Asymmetric

class _MultilabelMargin(Loss[...]):
    @overload
    def __call__(
        self,
        prediction: ArrayLike,
        target: ArrayLike,
        *,
        margin: float = ...,
        axis: int = ...,
        return_predicted: Literal[False] = ...,
        weight: ArrayLike | None = ...,
        reduction: Literal["mean", "sum"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: None = ...,
    ) -> np.float64: ...
    @overload
    def __call__(
        self,
        prediction: ArrayLike,
        target: ArrayLike,
        *,
        margin: float = ...,
        axis: int = ...,
        return_predicted: Literal[False] = ...,
        weight: ArrayLike | None = ...,
        reduction: Literal["none"],
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: NDArray[Any] | None = ...,
    ) -> NDArray[Any]: ...
    @overload
    def __call__(
        self,
        prediction: ArrayLike,
        target: ArrayLike,
        *,
        margin: float = ...,
        axis: int = ...,
        return_predicted: Literal[False] = ...,
        weight: ArrayLike | None = ...,
        reduction: Literal["mean", "sum", "none"],
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: NDArray[Any] | None = ...,
    ) -> np.float64 | NDArray[Any]: ...
    @overload
    def __call__(
        self,
        prediction: ArrayLike,
        target: ArrayLike,
        *,
        margin: float = ...,
        axis: int = ...,
        return_predicted: Literal[True],
        weight: ArrayLike | None = ...,
        reduction: Literal["mean", "sum", "none"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: NDArray[Any] | tuple[NDArray[Any] | None, ...] | None = ...,
    ) -> tuple[Any, ...]: ...
    @overload
    def __call__(
        self,
        prediction: ArrayLike,
        target: ArrayLike,
        *,
        margin: float = ...,
        axis: int = ...,
        return_predicted: bool = ...,
        weight: ArrayLike | None = ...,
        reduction: Literal["mean", "sum", "none"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: NDArray[Any] | tuple[NDArray[Any] | None, ...] | None = ...,
    ) -> Any: ...
    @overload
    def grad(
        self,
        prediction: ArrayLike,
        target: ArrayLike,
        *,
        margin: float = ...,
        axis: int = ...,
        return_predicted: Literal[False] = ...,
        weight: ArrayLike | None = ...,
        reduction: Literal["mean", "sum", "none"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: NDArray[Any] | None = ...,
    ) -> NDArray[Any]: ...
    @overload
    def grad(
        self,
        prediction: ArrayLike,
        target: ArrayLike,
        *,
        margin: float = ...,
        axis: int = ...,
        return_predicted: Literal[True],
        weight: ArrayLike | None = ...,
        reduction: Literal["mean", "sum", "none"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: NDArray[Any] | tuple[NDArray[Any] | None, ...] | None = ...,
    ) -> tuple[Any, ...]: ...
    @overload
    def grad(
        self,
        prediction: ArrayLike,
        target: ArrayLike,
        *,
        margin: float = ...,
        axis: int = ...,
        return_predicted: bool = ...,
        weight: ArrayLike | None = ...,
        reduction: Literal["mean", "sum", "none"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: NDArray[Any] | tuple[NDArray[Any] | None, ...] | None = ...,
    ) -> Any: ...
    @overload
    def value_and_grad(
        self,
        prediction: ArrayLike,
        target: ArrayLike,
        *,
        margin: float = ...,
        axis: int = ...,
        return_predicted: Literal[False] = ...,
        weight: ArrayLike | None = ...,
        reduction: Literal["mean", "sum"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: NDArray[Any] | None = ...,
    ) -> tuple[np.float64, NDArray[Any]]: ...
    @overload
    def value_and_grad(
        self,
        prediction: ArrayLike,
        target: ArrayLike,
        *,
        margin: float = ...,
        axis: int = ...,
        return_predicted: Literal[False] = ...,
        weight: ArrayLike | None = ...,
        reduction: Literal["none"],
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: tuple[NDArray[Any] | None, NDArray[Any] | None] | NDArray[Any] | None = ...,
    ) -> tuple[NDArray[Any], NDArray[Any]]: ...
    @overload
    def value_and_grad(
        self,
        prediction: ArrayLike,
        target: ArrayLike,
        *,
        margin: float = ...,
        axis: int = ...,
        return_predicted: Literal[False] = ...,
        weight: ArrayLike | None = ...,
        reduction: Literal["mean", "sum", "none"],
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: tuple[NDArray[Any] | None, NDArray[Any] | None] | NDArray[Any] | None = ...,
    ) -> tuple[np.float64 | NDArray[Any], NDArray[Any]]: ...
    @overload
    def value_and_grad(
        self,
        prediction: ArrayLike,
        target: ArrayLike,
        *,
        margin: float = ...,
        axis: int = ...,
        return_predicted: Literal[True],
        weight: ArrayLike | None = ...,
        reduction: Literal["mean", "sum", "none"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: NDArray[Any] | tuple[NDArray[Any] | None, ...] | None = ...,
    ) -> tuple[Any, ...]: ...
    @overload
    def value_and_grad(
        self,
        prediction: ArrayLike,
        target: ArrayLike,
        *,
        margin: float = ...,
        axis: int = ...,
        return_predicted: bool = ...,
        weight: ArrayLike | None = ...,
        reduction: Literal["mean", "sum", "none"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: NDArray[Any] | tuple[NDArray[Any] | None, ...] | None = ...,
    ) -> Any: ...
    @overload
    def grad_and_hess(
        self,
        prediction: ArrayLike,
        target: ArrayLike,
        *,
        margin: float = ...,
        axis: int = ...,
        return_predicted: Literal[False] = ...,
        weight: ArrayLike | None = ...,
        reduction: Literal["mean", "sum", "none"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: tuple[NDArray[Any] | None, NDArray[Any] | None] | None = ...,
    ) -> tuple[NDArray[Any], NDArray[Any]]: ...
    @overload
    def grad_and_hess(
        self,
        prediction: ArrayLike,
        target: ArrayLike,
        *,
        margin: float = ...,
        axis: int = ...,
        return_predicted: Literal[True],
        weight: ArrayLike | None = ...,
        reduction: Literal["mean", "sum", "none"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: NDArray[Any] | tuple[NDArray[Any] | None, ...] | None = ...,
    ) -> tuple[Any, ...]: ...
    @overload
    def grad_and_hess(
        self,
        prediction: ArrayLike,
        target: ArrayLike,
        *,
        margin: float = ...,
        axis: int = ...,
        return_predicted: bool = ...,
        weight: ArrayLike | None = ...,
        reduction: Literal["mean", "sum", "none"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: NDArray[Any] | tuple[NDArray[Any] | None, ...] | None = ...,
    ) -> Any: ...

multilabel_margin: _MultilabelMargin
