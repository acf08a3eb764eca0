# Written by tools/make_stubs.py from the declarations beside it.
from typing import Any, Literal, overload

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from numloss._core import Loss

__all__ = ["crps_gaussian", "gaussian_nll", "interval_score", "laplace_nll", "student_t_nll"]

class _CrpsGaussian(Loss[...]):
    @overload
    def __call__(
        self,
        prediction: ArrayLike,
        target: ArrayLike,
        sigma: ArrayLike,
        *,
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
        sigma: ArrayLike,
        *,
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
        sigma: ArrayLike,
        *,
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
        sigma: ArrayLike,
        *,
        weight: ArrayLike | None = ...,
        reduction: Literal["mean", "sum", "none"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: tuple[NDArray[Any] | None, NDArray[Any] | None] | None = ...,
    ) -> tuple[NDArray[Any], NDArray[Any]]: ...
    @overload
    def value_and_grad(
        self,
        prediction: ArrayLike,
        target: ArrayLike,
        sigma: ArrayLike,
        *,
        weight: ArrayLike | None = ...,
        reduction: Literal["mean", "sum"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: tuple[NDArray[Any] | None, NDArray[Any] | None] | None = ...,
    ) -> tuple[np.float64, tuple[NDArray[Any], NDArray[Any]]]: ...
    @overload
    def value_and_grad(
        self,
        prediction: ArrayLike,
        target: ArrayLike,
        sigma: ArrayLike,
        *,
        weight: ArrayLike | None = ...,
        reduction: Literal["none"],
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: tuple[NDArray[Any] | None, tuple[NDArray[Any] | None, NDArray[Any] | None] | None]
        | tuple[NDArray[Any] | None, NDArray[Any] | None]
        | None = ...,
    ) -> tuple[NDArray[Any], tuple[NDArray[Any], NDArray[Any]]]: ...
    @overload
    def value_and_grad(
        self,
        prediction: ArrayLike,
        target: ArrayLike,
        sigma: ArrayLike,
        *,
        weight: ArrayLike | None = ...,
        reduction: Literal["mean", "sum", "none"],
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: tuple[NDArray[Any] | None, tuple[NDArray[Any] | None, NDArray[Any] | None] | None]
        | tuple[NDArray[Any] | None, NDArray[Any] | None]
        | None = ...,
    ) -> tuple[np.float64 | NDArray[Any], tuple[NDArray[Any], NDArray[Any]]]: ...
    def grad_and_hess(
        self,
        prediction: ArrayLike,
        target: ArrayLike,
        sigma: ArrayLike,
        *,
        weight: ArrayLike | None = ...,
        reduction: Literal["mean", "sum", "none"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: tuple[
            tuple[NDArray[Any] | None, NDArray[Any] | None] | None,
            tuple[NDArray[Any] | None, NDArray[Any] | None] | None,
        ]
        | None = ...,
    ) -> tuple[tuple[NDArray[Any], NDArray[Any]], tuple[NDArray[Any], NDArray[Any]]]: ...

crps_gaussian: _CrpsGaussian

class _GaussianNll(Loss[...]):
    @overload
    def __call__(
        self,
        prediction: ArrayLike,
        target: ArrayLike,
        variance: ArrayLike,
        *,
        full: bool = ...,
        log_variance: bool = ...,
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
        variance: ArrayLike,
        *,
        full: bool = ...,
        log_variance: bool = ...,
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
        variance: ArrayLike,
        *,
        full: bool = ...,
        log_variance: bool = ...,
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
        variance: ArrayLike,
        *,
        full: bool = ...,
        log_variance: bool = ...,
        weight: ArrayLike | None = ...,
        reduction: Literal["mean", "sum", "none"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: tuple[NDArray[Any] | None, NDArray[Any] | None] | None = ...,
    ) -> tuple[NDArray[Any], NDArray[Any]]: ...
    @overload
    def value_and_grad(
        self,
        prediction: ArrayLike,
        target: ArrayLike,
        variance: ArrayLike,
        *,
        full: bool = ...,
        log_variance: bool = ...,
        weight: ArrayLike | None = ...,
        reduction: Literal["mean", "sum"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: tuple[NDArray[Any] | None, NDArray[Any] | None] | None = ...,
    ) -> tuple[np.float64, tuple[NDArray[Any], NDArray[Any]]]: ...
    @overload
    def value_and_grad(
        self,
        prediction: ArrayLike,
        target: ArrayLike,
        variance: ArrayLike,
        *,
        full: bool = ...,
        log_variance: bool = ...,
        weight: ArrayLike | None = ...,
        reduction: Literal["none"],
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: tuple[NDArray[Any] | None, tuple[NDArray[Any] | None, NDArray[Any] | None] | None]
        | tuple[NDArray[Any] | None, NDArray[Any] | None]
        | None = ...,
    ) -> tuple[NDArray[Any], tuple[NDArray[Any], NDArray[Any]]]: ...
    @overload
    def value_and_grad(
        self,
        prediction: ArrayLike,
        target: ArrayLike,
        variance: ArrayLike,
        *,
        full: bool = ...,
        log_variance: bool = ...,
        weight: ArrayLike | None = ...,
        reduction: Literal["mean", "sum", "none"],
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: tuple[NDArray[Any] | None, tuple[NDArray[Any] | None, NDArray[Any] | None] | None]
        | tuple[NDArray[Any] | None, NDArray[Any] | None]
        | None = ...,
    ) -> tuple[np.float64 | NDArray[Any], tuple[NDArray[Any], NDArray[Any]]]: ...
    def grad_and_hess(
        self,
        prediction: ArrayLike,
        target: ArrayLike,
        variance: ArrayLike,
        *,
        full: bool = ...,
        log_variance: bool = ...,
        weight: ArrayLike | None = ...,
        reduction: Literal["mean", "sum", "none"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: tuple[
            tuple[NDArray[Any] | None, NDArray[Any] | None] | None,
            tuple[NDArray[Any] | None, NDArray[Any] | None] | None,
        ]
        | None = ...,
    ) -> tuple[tuple[NDArray[Any], NDArray[Any]], tuple[NDArray[Any], NDArray[Any]]]: ...

gaussian_nll: _GaussianNll

class _IntervalScore(Loss[...]):
    @overload
    def __call__(
        self,
        lower: ArrayLike,
        target: ArrayLike,
        upper: ArrayLike,
        *,
        alpha: float = ...,
        weight: ArrayLike | None = ...,
        reduction: Literal["mean", "sum"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: None = ...,
    ) -> np.float64: ...
    @overload
    def __call__(
        self,
        lower: ArrayLike,
        target: ArrayLike,
        upper: ArrayLike,
        *,
        alpha: float = ...,
        weight: ArrayLike | None = ...,
        reduction: Literal["none"],
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: NDArray[Any] | None = ...,
    ) -> NDArray[Any]: ...
    @overload
    def __call__(
        self,
        lower: ArrayLike,
        target: ArrayLike,
        upper: ArrayLike,
        *,
        alpha: float = ...,
        weight: ArrayLike | None = ...,
        reduction: Literal["mean", "sum", "none"],
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: NDArray[Any] | None = ...,
    ) -> np.float64 | NDArray[Any]: ...
    def grad(
        self,
        lower: ArrayLike,
        target: ArrayLike,
        upper: ArrayLike,
        *,
        alpha: float = ...,
        weight: ArrayLike | None = ...,
        reduction: Literal["mean", "sum", "none"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: tuple[NDArray[Any] | None, NDArray[Any] | None] | None = ...,
    ) -> tuple[NDArray[Any], NDArray[Any]]: ...
    @overload
    def value_and_grad(
        self,
        lower: ArrayLike,
        target: ArrayLike,
        upper: ArrayLike,
        *,
        alpha: float = ...,
        weight: ArrayLike | None = ...,
        reduction: Literal["mean", "sum"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: tuple[NDArray[Any] | None, NDArray[Any] | None] | None = ...,
    ) -> tuple[np.float64, tuple[NDArray[Any], NDArray[Any]]]: ...
    @overload
    def value_and_grad(
        self,
        lower: ArrayLike,
        target: ArrayLike,
        upper: ArrayLike,
        *,
        alpha: float = ...,
        weight: ArrayLike | None = ...,
        reduction: Literal["none"],
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: tuple[NDArray[Any] | None, tuple[NDArray[Any] | None, NDArray[Any] | None] | None]
        | tuple[NDArray[Any] | None, NDArray[Any] | None]
        | None = ...,
    ) -> tuple[NDArray[Any], tuple[NDArray[Any], NDArray[Any]]]: ...
    @overload
    def value_and_grad(
        self,
        lower: ArrayLike,
        target: ArrayLike,
        upper: ArrayLike,
        *,
        alpha: float = ...,
        weight: ArrayLike | None = ...,
        reduction: Literal["mean", "sum", "none"],
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: tuple[NDArray[Any] | None, tuple[NDArray[Any] | None, NDArray[Any] | None] | None]
        | tuple[NDArray[Any] | None, NDArray[Any] | None]
        | None = ...,
    ) -> tuple[np.float64 | NDArray[Any], tuple[NDArray[Any], NDArray[Any]]]: ...
    def grad_and_hess(
        self,
        lower: ArrayLike,
        target: ArrayLike,
        upper: ArrayLike,
        *,
        alpha: float = ...,
        weight: ArrayLike | None = ...,
        reduction: Literal["mean", "sum", "none"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: tuple[
            tuple[NDArray[Any] | None, NDArray[Any] | None] | None,
            tuple[NDArray[Any] | None, NDArray[Any] | None] | None,
        ]
        | None = ...,
    ) -> tuple[tuple[NDArray[Any], NDArray[Any]], tuple[NDArray[Any], NDArray[Any]]]: ...

interval_score: _IntervalScore

class _LaplaceNll(Loss[...]):
    @overload
    def __call__(
        self,
        prediction: ArrayLike,
        target: ArrayLike,
        scale: ArrayLike,
        *,
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
        scale: ArrayLike,
        *,
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
        scale: ArrayLike,
        *,
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
        scale: ArrayLike,
        *,
        full: bool = ...,
        weight: ArrayLike | None = ...,
        reduction: Literal["mean", "sum", "none"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: tuple[NDArray[Any] | None, NDArray[Any] | None] | None = ...,
    ) -> tuple[NDArray[Any], NDArray[Any]]: ...
    @overload
    def value_and_grad(
        self,
        prediction: ArrayLike,
        target: ArrayLike,
        scale: ArrayLike,
        *,
        full: bool = ...,
        weight: ArrayLike | None = ...,
        reduction: Literal["mean", "sum"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: tuple[NDArray[Any] | None, NDArray[Any] | None] | None = ...,
    ) -> tuple[np.float64, tuple[NDArray[Any], NDArray[Any]]]: ...
    @overload
    def value_and_grad(
        self,
        prediction: ArrayLike,
        target: ArrayLike,
        scale: ArrayLike,
        *,
        full: bool = ...,
        weight: ArrayLike | None = ...,
        reduction: Literal["none"],
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: tuple[NDArray[Any] | None, tuple[NDArray[Any] | None, NDArray[Any] | None] | None]
        | tuple[NDArray[Any] | None, NDArray[Any] | None]
        | None = ...,
    ) -> tuple[NDArray[Any], tuple[NDArray[Any], NDArray[Any]]]: ...
    @overload
    def value_and_grad(
        self,
        prediction: ArrayLike,
        target: ArrayLike,
        scale: ArrayLike,
        *,
        full: bool = ...,
        weight: ArrayLike | None = ...,
        reduction: Literal["mean", "sum", "none"],
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: tuple[NDArray[Any] | None, tuple[NDArray[Any] | None, NDArray[Any] | None] | None]
        | tuple[NDArray[Any] | None, NDArray[Any] | None]
        | None = ...,
    ) -> tuple[np.float64 | NDArray[Any], tuple[NDArray[Any], NDArray[Any]]]: ...
    def grad_and_hess(
        self,
        prediction: ArrayLike,
        target: ArrayLike,
        scale: ArrayLike,
        *,
        full: bool = ...,
        weight: ArrayLike | None = ...,
        reduction: Literal["mean", "sum", "none"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: tuple[
            tuple[NDArray[Any] | None, NDArray[Any] | None] | None,
            tuple[NDArray[Any] | None, NDArray[Any] | None] | None,
        ]
        | None = ...,
    ) -> tuple[tuple[NDArray[Any], NDArray[Any]], tuple[NDArray[Any], NDArray[Any]]]: ...

laplace_nll: _LaplaceNll

class _StudentTNll(Loss[...]):
    @overload
    def __call__(
        self,
        prediction: ArrayLike,
        target: ArrayLike,
        scale: ArrayLike,
        *,
        df: float = ...,
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
        scale: ArrayLike,
        *,
        df: float = ...,
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
        scale: ArrayLike,
        *,
        df: float = ...,
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
        scale: ArrayLike,
        *,
        df: float = ...,
        full: bool = ...,
        weight: ArrayLike | None = ...,
        reduction: Literal["mean", "sum", "none"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: tuple[NDArray[Any] | None, NDArray[Any] | None] | None = ...,
    ) -> tuple[NDArray[Any], NDArray[Any]]: ...
    @overload
    def value_and_grad(
        self,
        prediction: ArrayLike,
        target: ArrayLike,
        scale: ArrayLike,
        *,
        df: float = ...,
        full: bool = ...,
        weight: ArrayLike | None = ...,
        reduction: Literal["mean", "sum"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: tuple[NDArray[Any] | None, NDArray[Any] | None] | None = ...,
    ) -> tuple[np.float64, tuple[NDArray[Any], NDArray[Any]]]: ...
    @overload
    def value_and_grad(
        self,
        prediction: ArrayLike,
        target: ArrayLike,
        scale: ArrayLike,
        *,
        df: float = ...,
        full: bool = ...,
        weight: ArrayLike | None = ...,
        reduction: Literal["none"],
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: tuple[NDArray[Any] | None, tuple[NDArray[Any] | None, NDArray[Any] | None] | None]
        | tuple[NDArray[Any] | None, NDArray[Any] | None]
        | None = ...,
    ) -> tuple[NDArray[Any], tuple[NDArray[Any], NDArray[Any]]]: ...
    @overload
    def value_and_grad(
        self,
        prediction: ArrayLike,
        target: ArrayLike,
        scale: ArrayLike,
        *,
        df: float = ...,
        full: bool = ...,
        weight: ArrayLike | None = ...,
        reduction: Literal["mean", "sum", "none"],
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: tuple[NDArray[Any] | None, tuple[NDArray[Any] | None, NDArray[Any] | None] | None]
        | tuple[NDArray[Any] | None, NDArray[Any] | None]
        | None = ...,
    ) -> tuple[np.float64 | NDArray[Any], tuple[NDArray[Any], NDArray[Any]]]: ...
    def grad_and_hess(
        self,
        prediction: ArrayLike,
        target: ArrayLike,
        scale: ArrayLike,
        *,
        df: float = ...,
        full: bool = ...,
        weight: ArrayLike | None = ...,
        reduction: Literal["mean", "sum", "none"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: tuple[
            tuple[NDArray[Any] | None, NDArray[Any] | None] | None,
            tuple[NDArray[Any] | None, NDArray[Any] | None] | None,
        ]
        | None = ...,
    ) -> tuple[tuple[NDArray[Any], NDArray[Any]], tuple[NDArray[Any], NDArray[Any]]]: ...

student_t_nll: _StudentTNll
