# Written by tools/make_stubs.py from the declarations beside it.
from typing import Any, Literal, overload

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from numloss._core import Loss

__all__ = ["gamma", "poisson", "tweedie"]

class _Gamma(Loss[...]):
    @overload
    def __call__(
        self,
        prediction: ArrayLike,
        target: ArrayLike,
        *,
        log_input: bool = ...,
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
        log_input: bool = ...,
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
        log_input: bool = ...,
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
        log_input: bool = ...,
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
        log_input: bool = ...,
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
        log_input: bool = ...,
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
        log_input: bool = ...,
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
        log_input: bool = ...,
        weight: ArrayLike | None = ...,
        reduction: Literal["mean", "sum", "none"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: tuple[NDArray[Any] | None, NDArray[Any] | None] | None = ...,
    ) -> tuple[NDArray[Any], NDArray[Any]]: ...

gamma: _Gamma

class _Poisson(Loss[...]):
    @overload
    def __call__(
        self,
        prediction: ArrayLike,
        target: ArrayLike,
        *,
        log_input: bool = ...,
        full: bool = ...,
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
        log_input: bool = ...,
        full: bool = ...,
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
        log_input: bool = ...,
        full: bool = ...,
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
        log_input: bool = ...,
        full: bool = ...,
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
        log_input: bool = ...,
        full: bool = ...,
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
        log_input: bool = ...,
        full: bool = ...,
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
        log_input: bool = ...,
        full: bool = ...,
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
        log_input: bool = ...,
        full: bool = ...,
        weight: ArrayLike | None = ...,
        reduction: Literal["mean", "sum", "none"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: tuple[NDArray[Any] | None, NDArray[Any] | None] | None = ...,
    ) -> tuple[NDArray[Any], NDArray[Any]]: ...

poisson: _Poisson

class _Tweedie(Loss[...]):
    @overload
    def __call__(
        self,
        prediction: ArrayLike,
        target: ArrayLike,
        *,
        power: float = ...,
        log_input: bool = ...,
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
        power: float = ...,
        log_input: bool = ...,
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
        power: float = ...,
        log_input: bool = ...,
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
        power: float = ...,
        log_input: bool = ...,
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
        power: float = ...,
        log_input: bool = ...,
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
        power: float = ...,
        log_input: bool = ...,
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
        power: float = ...,
        log_input: bool = ...,
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
        power: float = ...,
        log_input: bool = ...,
        weight: ArrayLike | None = ...,
        reduction: Literal["mean", "sum", "none"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: tuple[NDArray[Any] | None, NDArray[Any] | None] | None = ...,
    ) -> tuple[NDArray[Any], NDArray[Any]]: ...

tweedie: _Tweedie
