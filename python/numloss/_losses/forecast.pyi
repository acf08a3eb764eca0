# Written by tools/make_stubs.py from the declarations beside it.
from typing import Any, Literal, overload

import numpy as np
from numpy.typing import DTypeLike, NDArray

from numloss._core import Loss
from numloss._types import Input, OtherPlace, Place, Places

__all__ = [
    "crps_ensemble",
    "crps_gaussian",
    "crps_quantile",
    "gaussian_nll",
    "interval_score",
    "laplace_nll",
    "student_t_nll",
]

class _CrpsEnsemble(Loss[...]):
    @overload
    def __call__(
        self,
        prediction: Input,
        target: Input,
        *,
        fair: bool = ...,
        axis: int = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: None = ...,
    ) -> np.float64: ...
    @overload
    def __call__(
        self,
        prediction: Input,
        target: Input,
        *,
        fair: bool = ...,
        axis: int = ...,
        weight: Input | None = ...,
        reduction: Literal["none"],
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: NDArray[Any] | None = ...,
    ) -> NDArray[Any]: ...
    @overload
    def __call__(
        self,
        prediction: Input,
        target: Input,
        *,
        fair: bool = ...,
        axis: int = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"],
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: NDArray[Any] | None = ...,
    ) -> np.float64 | NDArray[Any]: ...
    @overload
    def __call__(
        self,
        prediction: Input,
        target: Input,
        *,
        fair: bool = ...,
        axis: int = ...,
        weight: Input | None = ...,
        reduction: Literal["none"],
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: Place,
    ) -> Place: ...
    @overload
    def __call__(
        self,
        prediction: Input,
        target: Input,
        *,
        fair: bool = ...,
        axis: int = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"],
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: Place,
    ) -> np.float64 | Place: ...
    @overload
    def grad(
        self,
        prediction: Input,
        target: Input,
        *,
        fair: bool = ...,
        axis: int = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: NDArray[Any] | None = ...,
    ) -> NDArray[Any]: ...
    @overload
    def grad(
        self,
        prediction: Input,
        target: Input,
        *,
        fair: bool = ...,
        axis: int = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: Place,
    ) -> Place: ...
    @overload
    def value_and_grad(
        self,
        prediction: Input,
        target: Input,
        *,
        fair: bool = ...,
        axis: int = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: NDArray[Any] | None = ...,
    ) -> tuple[np.float64, NDArray[Any]]: ...
    @overload
    def value_and_grad(
        self,
        prediction: Input,
        target: Input,
        *,
        fair: bool = ...,
        axis: int = ...,
        weight: Input | None = ...,
        reduction: Literal["none"],
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: tuple[NDArray[Any] | None, NDArray[Any] | None] | NDArray[Any] | None = ...,
    ) -> tuple[NDArray[Any], NDArray[Any]]: ...
    @overload
    def value_and_grad(
        self,
        prediction: Input,
        target: Input,
        *,
        fair: bool = ...,
        axis: int = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"],
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: tuple[NDArray[Any] | None, NDArray[Any] | None] | None = ...,
    ) -> tuple[np.float64 | NDArray[Any], NDArray[Any]]: ...
    @overload
    def value_and_grad(
        self,
        prediction: Input,
        target: Input,
        *,
        fair: bool = ...,
        axis: int = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: Place,
    ) -> tuple[np.float64, Place]: ...
    @overload
    def value_and_grad(
        self,
        prediction: Input,
        target: Input,
        *,
        fair: bool = ...,
        axis: int = ...,
        weight: Input | None = ...,
        reduction: Literal["none"],
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: tuple[Place, OtherPlace],
    ) -> tuple[Place, OtherPlace]: ...
    @overload
    def value_and_grad(
        self,
        prediction: Input,
        target: Input,
        *,
        fair: bool = ...,
        axis: int = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: Places = ...,
    ) -> tuple[Any, Any]: ...
    @overload
    def grad_and_hess(
        self,
        prediction: Input,
        target: Input,
        *,
        fair: bool = ...,
        axis: int = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: tuple[NDArray[Any] | None, NDArray[Any] | None] | None = ...,
    ) -> tuple[NDArray[Any], NDArray[Any]]: ...
    @overload
    def grad_and_hess(
        self,
        prediction: Input,
        target: Input,
        *,
        fair: bool = ...,
        axis: int = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: tuple[Place, OtherPlace],
    ) -> tuple[Place, OtherPlace]: ...
    @overload
    def grad_and_hess(
        self,
        prediction: Input,
        target: Input,
        *,
        fair: bool = ...,
        axis: int = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: Places = ...,
    ) -> tuple[Any, Any]: ...

crps_ensemble: _CrpsEnsemble

class _CrpsGaussian(Loss[...]):
    @overload
    def __call__(
        self,
        prediction: Input,
        target: Input,
        sigma: Input,
        *,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: None = ...,
    ) -> np.float64: ...
    @overload
    def __call__(
        self,
        prediction: Input,
        target: Input,
        sigma: Input,
        *,
        weight: Input | None = ...,
        reduction: Literal["none"],
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: NDArray[Any] | None = ...,
    ) -> NDArray[Any]: ...
    @overload
    def __call__(
        self,
        prediction: Input,
        target: Input,
        sigma: Input,
        *,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"],
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: NDArray[Any] | None = ...,
    ) -> np.float64 | NDArray[Any]: ...
    @overload
    def __call__(
        self,
        prediction: Input,
        target: Input,
        sigma: Input,
        *,
        weight: Input | None = ...,
        reduction: Literal["none"],
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: Place,
    ) -> Place: ...
    @overload
    def __call__(
        self,
        prediction: Input,
        target: Input,
        sigma: Input,
        *,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"],
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: Place,
    ) -> np.float64 | Place: ...
    @overload
    def grad(
        self,
        prediction: Input,
        target: Input,
        sigma: Input,
        *,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: tuple[NDArray[Any] | None, NDArray[Any] | None] | None = ...,
    ) -> tuple[NDArray[Any], NDArray[Any]]: ...
    @overload
    def grad(
        self,
        prediction: Input,
        target: Input,
        sigma: Input,
        *,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: tuple[Place, OtherPlace],
    ) -> tuple[Place, OtherPlace]: ...
    @overload
    def grad(
        self,
        prediction: Input,
        target: Input,
        sigma: Input,
        *,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: Places = ...,
    ) -> tuple[Any, Any]: ...
    @overload
    def value_and_grad(
        self,
        prediction: Input,
        target: Input,
        sigma: Input,
        *,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: tuple[NDArray[Any] | None, NDArray[Any] | None] | None = ...,
    ) -> tuple[np.float64, tuple[NDArray[Any], NDArray[Any]]]: ...
    @overload
    def value_and_grad(
        self,
        prediction: Input,
        target: Input,
        sigma: Input,
        *,
        weight: Input | None = ...,
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
        prediction: Input,
        target: Input,
        sigma: Input,
        *,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"],
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: tuple[NDArray[Any] | None, tuple[NDArray[Any] | None, NDArray[Any] | None] | None]
        | None = ...,
    ) -> tuple[np.float64 | NDArray[Any], tuple[NDArray[Any], NDArray[Any]]]: ...
    @overload
    def value_and_grad(
        self,
        prediction: Input,
        target: Input,
        sigma: Input,
        *,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: tuple[Place, OtherPlace],
    ) -> tuple[np.float64, tuple[Place, OtherPlace]]: ...
    @overload
    def value_and_grad(
        self,
        prediction: Input,
        target: Input,
        sigma: Input,
        *,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: Places = ...,
    ) -> tuple[Any, Any]: ...
    @overload
    def grad_and_hess(
        self,
        prediction: Input,
        target: Input,
        sigma: Input,
        *,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: tuple[
            tuple[NDArray[Any] | None, NDArray[Any] | None] | None,
            tuple[NDArray[Any] | None, NDArray[Any] | None] | None,
        ]
        | None = ...,
    ) -> tuple[tuple[NDArray[Any], NDArray[Any]], tuple[NDArray[Any], NDArray[Any]]]: ...
    @overload
    def grad_and_hess(
        self,
        prediction: Input,
        target: Input,
        sigma: Input,
        *,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: Places = ...,
    ) -> tuple[Any, Any]: ...

crps_gaussian: _CrpsGaussian

class _CrpsQuantile(Loss[...]):
    @overload
    def __call__(
        self,
        prediction: Input,
        target: Input,
        *,
        levels: Input | None = ...,
        axis: int = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: None = ...,
    ) -> np.float64: ...
    @overload
    def __call__(
        self,
        prediction: Input,
        target: Input,
        *,
        levels: Input | None = ...,
        axis: int = ...,
        weight: Input | None = ...,
        reduction: Literal["none"],
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: NDArray[Any] | None = ...,
    ) -> NDArray[Any]: ...
    @overload
    def __call__(
        self,
        prediction: Input,
        target: Input,
        *,
        levels: Input | None = ...,
        axis: int = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"],
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: NDArray[Any] | None = ...,
    ) -> np.float64 | NDArray[Any]: ...
    @overload
    def __call__(
        self,
        prediction: Input,
        target: Input,
        *,
        levels: Input | None = ...,
        axis: int = ...,
        weight: Input | None = ...,
        reduction: Literal["none"],
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: Place,
    ) -> Place: ...
    @overload
    def __call__(
        self,
        prediction: Input,
        target: Input,
        *,
        levels: Input | None = ...,
        axis: int = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"],
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: Place,
    ) -> np.float64 | Place: ...
    @overload
    def grad(
        self,
        prediction: Input,
        target: Input,
        *,
        levels: Input | None = ...,
        axis: int = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: NDArray[Any] | None = ...,
    ) -> NDArray[Any]: ...
    @overload
    def grad(
        self,
        prediction: Input,
        target: Input,
        *,
        levels: Input | None = ...,
        axis: int = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: Place,
    ) -> Place: ...
    @overload
    def value_and_grad(
        self,
        prediction: Input,
        target: Input,
        *,
        levels: Input | None = ...,
        axis: int = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: NDArray[Any] | None = ...,
    ) -> tuple[np.float64, NDArray[Any]]: ...
    @overload
    def value_and_grad(
        self,
        prediction: Input,
        target: Input,
        *,
        levels: Input | None = ...,
        axis: int = ...,
        weight: Input | None = ...,
        reduction: Literal["none"],
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: tuple[NDArray[Any] | None, NDArray[Any] | None] | NDArray[Any] | None = ...,
    ) -> tuple[NDArray[Any], NDArray[Any]]: ...
    @overload
    def value_and_grad(
        self,
        prediction: Input,
        target: Input,
        *,
        levels: Input | None = ...,
        axis: int = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"],
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: tuple[NDArray[Any] | None, NDArray[Any] | None] | None = ...,
    ) -> tuple[np.float64 | NDArray[Any], NDArray[Any]]: ...
    @overload
    def value_and_grad(
        self,
        prediction: Input,
        target: Input,
        *,
        levels: Input | None = ...,
        axis: int = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: Place,
    ) -> tuple[np.float64, Place]: ...
    @overload
    def value_and_grad(
        self,
        prediction: Input,
        target: Input,
        *,
        levels: Input | None = ...,
        axis: int = ...,
        weight: Input | None = ...,
        reduction: Literal["none"],
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: tuple[Place, OtherPlace],
    ) -> tuple[Place, OtherPlace]: ...
    @overload
    def value_and_grad(
        self,
        prediction: Input,
        target: Input,
        *,
        levels: Input | None = ...,
        axis: int = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: Places = ...,
    ) -> tuple[Any, Any]: ...
    @overload
    def grad_and_hess(
        self,
        prediction: Input,
        target: Input,
        *,
        levels: Input | None = ...,
        axis: int = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: tuple[NDArray[Any] | None, NDArray[Any] | None] | None = ...,
    ) -> tuple[NDArray[Any], NDArray[Any]]: ...
    @overload
    def grad_and_hess(
        self,
        prediction: Input,
        target: Input,
        *,
        levels: Input | None = ...,
        axis: int = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: tuple[Place, OtherPlace],
    ) -> tuple[Place, OtherPlace]: ...
    @overload
    def grad_and_hess(
        self,
        prediction: Input,
        target: Input,
        *,
        levels: Input | None = ...,
        axis: int = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: Places = ...,
    ) -> tuple[Any, Any]: ...

crps_quantile: _CrpsQuantile

class _GaussianNll(Loss[...]):
    @overload
    def __call__(
        self,
        prediction: Input,
        target: Input,
        variance: Input,
        *,
        full: bool = ...,
        log_variance: bool = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: None = ...,
    ) -> np.float64: ...
    @overload
    def __call__(
        self,
        prediction: Input,
        target: Input,
        variance: Input,
        *,
        full: bool = ...,
        log_variance: bool = ...,
        weight: Input | None = ...,
        reduction: Literal["none"],
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: NDArray[Any] | None = ...,
    ) -> NDArray[Any]: ...
    @overload
    def __call__(
        self,
        prediction: Input,
        target: Input,
        variance: Input,
        *,
        full: bool = ...,
        log_variance: bool = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"],
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: NDArray[Any] | None = ...,
    ) -> np.float64 | NDArray[Any]: ...
    @overload
    def __call__(
        self,
        prediction: Input,
        target: Input,
        variance: Input,
        *,
        full: bool = ...,
        log_variance: bool = ...,
        weight: Input | None = ...,
        reduction: Literal["none"],
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: Place,
    ) -> Place: ...
    @overload
    def __call__(
        self,
        prediction: Input,
        target: Input,
        variance: Input,
        *,
        full: bool = ...,
        log_variance: bool = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"],
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: Place,
    ) -> np.float64 | Place: ...
    @overload
    def grad(
        self,
        prediction: Input,
        target: Input,
        variance: Input,
        *,
        full: bool = ...,
        log_variance: bool = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: tuple[NDArray[Any] | None, NDArray[Any] | None] | None = ...,
    ) -> tuple[NDArray[Any], NDArray[Any]]: ...
    @overload
    def grad(
        self,
        prediction: Input,
        target: Input,
        variance: Input,
        *,
        full: bool = ...,
        log_variance: bool = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: tuple[Place, OtherPlace],
    ) -> tuple[Place, OtherPlace]: ...
    @overload
    def grad(
        self,
        prediction: Input,
        target: Input,
        variance: Input,
        *,
        full: bool = ...,
        log_variance: bool = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: Places = ...,
    ) -> tuple[Any, Any]: ...
    @overload
    def value_and_grad(
        self,
        prediction: Input,
        target: Input,
        variance: Input,
        *,
        full: bool = ...,
        log_variance: bool = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: tuple[NDArray[Any] | None, NDArray[Any] | None] | None = ...,
    ) -> tuple[np.float64, tuple[NDArray[Any], NDArray[Any]]]: ...
    @overload
    def value_and_grad(
        self,
        prediction: Input,
        target: Input,
        variance: Input,
        *,
        full: bool = ...,
        log_variance: bool = ...,
        weight: Input | None = ...,
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
        prediction: Input,
        target: Input,
        variance: Input,
        *,
        full: bool = ...,
        log_variance: bool = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"],
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: tuple[NDArray[Any] | None, tuple[NDArray[Any] | None, NDArray[Any] | None] | None]
        | None = ...,
    ) -> tuple[np.float64 | NDArray[Any], tuple[NDArray[Any], NDArray[Any]]]: ...
    @overload
    def value_and_grad(
        self,
        prediction: Input,
        target: Input,
        variance: Input,
        *,
        full: bool = ...,
        log_variance: bool = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: tuple[Place, OtherPlace],
    ) -> tuple[np.float64, tuple[Place, OtherPlace]]: ...
    @overload
    def value_and_grad(
        self,
        prediction: Input,
        target: Input,
        variance: Input,
        *,
        full: bool = ...,
        log_variance: bool = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: Places = ...,
    ) -> tuple[Any, Any]: ...
    @overload
    def grad_and_hess(
        self,
        prediction: Input,
        target: Input,
        variance: Input,
        *,
        full: bool = ...,
        log_variance: bool = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: tuple[
            tuple[NDArray[Any] | None, NDArray[Any] | None] | None,
            tuple[NDArray[Any] | None, NDArray[Any] | None] | None,
        ]
        | None = ...,
    ) -> tuple[tuple[NDArray[Any], NDArray[Any]], tuple[NDArray[Any], NDArray[Any]]]: ...
    @overload
    def grad_and_hess(
        self,
        prediction: Input,
        target: Input,
        variance: Input,
        *,
        full: bool = ...,
        log_variance: bool = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: Places = ...,
    ) -> tuple[Any, Any]: ...

gaussian_nll: _GaussianNll

class _IntervalScore(Loss[...]):
    @overload
    def __call__(
        self,
        lower: Input,
        target: Input,
        upper: Input,
        *,
        alpha: float = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: None = ...,
    ) -> np.float64: ...
    @overload
    def __call__(
        self,
        lower: Input,
        target: Input,
        upper: Input,
        *,
        alpha: float = ...,
        weight: Input | None = ...,
        reduction: Literal["none"],
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: NDArray[Any] | None = ...,
    ) -> NDArray[Any]: ...
    @overload
    def __call__(
        self,
        lower: Input,
        target: Input,
        upper: Input,
        *,
        alpha: float = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"],
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: NDArray[Any] | None = ...,
    ) -> np.float64 | NDArray[Any]: ...
    @overload
    def __call__(
        self,
        lower: Input,
        target: Input,
        upper: Input,
        *,
        alpha: float = ...,
        weight: Input | None = ...,
        reduction: Literal["none"],
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: Place,
    ) -> Place: ...
    @overload
    def __call__(
        self,
        lower: Input,
        target: Input,
        upper: Input,
        *,
        alpha: float = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"],
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: Place,
    ) -> np.float64 | Place: ...
    @overload
    def grad(
        self,
        lower: Input,
        target: Input,
        upper: Input,
        *,
        alpha: float = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: tuple[NDArray[Any] | None, NDArray[Any] | None] | None = ...,
    ) -> tuple[NDArray[Any], NDArray[Any]]: ...
    @overload
    def grad(
        self,
        lower: Input,
        target: Input,
        upper: Input,
        *,
        alpha: float = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: tuple[Place, OtherPlace],
    ) -> tuple[Place, OtherPlace]: ...
    @overload
    def grad(
        self,
        lower: Input,
        target: Input,
        upper: Input,
        *,
        alpha: float = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: Places = ...,
    ) -> tuple[Any, Any]: ...
    @overload
    def value_and_grad(
        self,
        lower: Input,
        target: Input,
        upper: Input,
        *,
        alpha: float = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: tuple[NDArray[Any] | None, NDArray[Any] | None] | None = ...,
    ) -> tuple[np.float64, tuple[NDArray[Any], NDArray[Any]]]: ...
    @overload
    def value_and_grad(
        self,
        lower: Input,
        target: Input,
        upper: Input,
        *,
        alpha: float = ...,
        weight: Input | None = ...,
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
        lower: Input,
        target: Input,
        upper: Input,
        *,
        alpha: float = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"],
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: tuple[NDArray[Any] | None, tuple[NDArray[Any] | None, NDArray[Any] | None] | None]
        | None = ...,
    ) -> tuple[np.float64 | NDArray[Any], tuple[NDArray[Any], NDArray[Any]]]: ...
    @overload
    def value_and_grad(
        self,
        lower: Input,
        target: Input,
        upper: Input,
        *,
        alpha: float = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: tuple[Place, OtherPlace],
    ) -> tuple[np.float64, tuple[Place, OtherPlace]]: ...
    @overload
    def value_and_grad(
        self,
        lower: Input,
        target: Input,
        upper: Input,
        *,
        alpha: float = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: Places = ...,
    ) -> tuple[Any, Any]: ...
    @overload
    def grad_and_hess(
        self,
        lower: Input,
        target: Input,
        upper: Input,
        *,
        alpha: float = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: tuple[
            tuple[NDArray[Any] | None, NDArray[Any] | None] | None,
            tuple[NDArray[Any] | None, NDArray[Any] | None] | None,
        ]
        | None = ...,
    ) -> tuple[tuple[NDArray[Any], NDArray[Any]], tuple[NDArray[Any], NDArray[Any]]]: ...
    @overload
    def grad_and_hess(
        self,
        lower: Input,
        target: Input,
        upper: Input,
        *,
        alpha: float = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: Places = ...,
    ) -> tuple[Any, Any]: ...

interval_score: _IntervalScore

class _LaplaceNll(Loss[...]):
    @overload
    def __call__(
        self,
        prediction: Input,
        target: Input,
        scale: Input,
        *,
        full: bool = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: None = ...,
    ) -> np.float64: ...
    @overload
    def __call__(
        self,
        prediction: Input,
        target: Input,
        scale: Input,
        *,
        full: bool = ...,
        weight: Input | None = ...,
        reduction: Literal["none"],
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: NDArray[Any] | None = ...,
    ) -> NDArray[Any]: ...
    @overload
    def __call__(
        self,
        prediction: Input,
        target: Input,
        scale: Input,
        *,
        full: bool = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"],
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: NDArray[Any] | None = ...,
    ) -> np.float64 | NDArray[Any]: ...
    @overload
    def __call__(
        self,
        prediction: Input,
        target: Input,
        scale: Input,
        *,
        full: bool = ...,
        weight: Input | None = ...,
        reduction: Literal["none"],
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: Place,
    ) -> Place: ...
    @overload
    def __call__(
        self,
        prediction: Input,
        target: Input,
        scale: Input,
        *,
        full: bool = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"],
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: Place,
    ) -> np.float64 | Place: ...
    @overload
    def grad(
        self,
        prediction: Input,
        target: Input,
        scale: Input,
        *,
        full: bool = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: tuple[NDArray[Any] | None, NDArray[Any] | None] | None = ...,
    ) -> tuple[NDArray[Any], NDArray[Any]]: ...
    @overload
    def grad(
        self,
        prediction: Input,
        target: Input,
        scale: Input,
        *,
        full: bool = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: tuple[Place, OtherPlace],
    ) -> tuple[Place, OtherPlace]: ...
    @overload
    def grad(
        self,
        prediction: Input,
        target: Input,
        scale: Input,
        *,
        full: bool = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: Places = ...,
    ) -> tuple[Any, Any]: ...
    @overload
    def value_and_grad(
        self,
        prediction: Input,
        target: Input,
        scale: Input,
        *,
        full: bool = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: tuple[NDArray[Any] | None, NDArray[Any] | None] | None = ...,
    ) -> tuple[np.float64, tuple[NDArray[Any], NDArray[Any]]]: ...
    @overload
    def value_and_grad(
        self,
        prediction: Input,
        target: Input,
        scale: Input,
        *,
        full: bool = ...,
        weight: Input | None = ...,
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
        prediction: Input,
        target: Input,
        scale: Input,
        *,
        full: bool = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"],
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: tuple[NDArray[Any] | None, tuple[NDArray[Any] | None, NDArray[Any] | None] | None]
        | None = ...,
    ) -> tuple[np.float64 | NDArray[Any], tuple[NDArray[Any], NDArray[Any]]]: ...
    @overload
    def value_and_grad(
        self,
        prediction: Input,
        target: Input,
        scale: Input,
        *,
        full: bool = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: tuple[Place, OtherPlace],
    ) -> tuple[np.float64, tuple[Place, OtherPlace]]: ...
    @overload
    def value_and_grad(
        self,
        prediction: Input,
        target: Input,
        scale: Input,
        *,
        full: bool = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: Places = ...,
    ) -> tuple[Any, Any]: ...
    @overload
    def grad_and_hess(
        self,
        prediction: Input,
        target: Input,
        scale: Input,
        *,
        full: bool = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: tuple[
            tuple[NDArray[Any] | None, NDArray[Any] | None] | None,
            tuple[NDArray[Any] | None, NDArray[Any] | None] | None,
        ]
        | None = ...,
    ) -> tuple[tuple[NDArray[Any], NDArray[Any]], tuple[NDArray[Any], NDArray[Any]]]: ...
    @overload
    def grad_and_hess(
        self,
        prediction: Input,
        target: Input,
        scale: Input,
        *,
        full: bool = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: Places = ...,
    ) -> tuple[Any, Any]: ...

laplace_nll: _LaplaceNll

class _StudentTNll(Loss[...]):
    @overload
    def __call__(
        self,
        prediction: Input,
        target: Input,
        scale: Input,
        *,
        df: float = ...,
        full: bool = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: None = ...,
    ) -> np.float64: ...
    @overload
    def __call__(
        self,
        prediction: Input,
        target: Input,
        scale: Input,
        *,
        df: float = ...,
        full: bool = ...,
        weight: Input | None = ...,
        reduction: Literal["none"],
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: NDArray[Any] | None = ...,
    ) -> NDArray[Any]: ...
    @overload
    def __call__(
        self,
        prediction: Input,
        target: Input,
        scale: Input,
        *,
        df: float = ...,
        full: bool = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"],
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: NDArray[Any] | None = ...,
    ) -> np.float64 | NDArray[Any]: ...
    @overload
    def __call__(
        self,
        prediction: Input,
        target: Input,
        scale: Input,
        *,
        df: float = ...,
        full: bool = ...,
        weight: Input | None = ...,
        reduction: Literal["none"],
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: Place,
    ) -> Place: ...
    @overload
    def __call__(
        self,
        prediction: Input,
        target: Input,
        scale: Input,
        *,
        df: float = ...,
        full: bool = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"],
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: Place,
    ) -> np.float64 | Place: ...
    @overload
    def grad(
        self,
        prediction: Input,
        target: Input,
        scale: Input,
        *,
        df: float = ...,
        full: bool = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: tuple[NDArray[Any] | None, NDArray[Any] | None] | None = ...,
    ) -> tuple[NDArray[Any], NDArray[Any]]: ...
    @overload
    def grad(
        self,
        prediction: Input,
        target: Input,
        scale: Input,
        *,
        df: float = ...,
        full: bool = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: tuple[Place, OtherPlace],
    ) -> tuple[Place, OtherPlace]: ...
    @overload
    def grad(
        self,
        prediction: Input,
        target: Input,
        scale: Input,
        *,
        df: float = ...,
        full: bool = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: Places = ...,
    ) -> tuple[Any, Any]: ...
    @overload
    def value_and_grad(
        self,
        prediction: Input,
        target: Input,
        scale: Input,
        *,
        df: float = ...,
        full: bool = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: tuple[NDArray[Any] | None, NDArray[Any] | None] | None = ...,
    ) -> tuple[np.float64, tuple[NDArray[Any], NDArray[Any]]]: ...
    @overload
    def value_and_grad(
        self,
        prediction: Input,
        target: Input,
        scale: Input,
        *,
        df: float = ...,
        full: bool = ...,
        weight: Input | None = ...,
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
        prediction: Input,
        target: Input,
        scale: Input,
        *,
        df: float = ...,
        full: bool = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"],
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: tuple[NDArray[Any] | None, tuple[NDArray[Any] | None, NDArray[Any] | None] | None]
        | None = ...,
    ) -> tuple[np.float64 | NDArray[Any], tuple[NDArray[Any], NDArray[Any]]]: ...
    @overload
    def value_and_grad(
        self,
        prediction: Input,
        target: Input,
        scale: Input,
        *,
        df: float = ...,
        full: bool = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: tuple[Place, OtherPlace],
    ) -> tuple[np.float64, tuple[Place, OtherPlace]]: ...
    @overload
    def value_and_grad(
        self,
        prediction: Input,
        target: Input,
        scale: Input,
        *,
        df: float = ...,
        full: bool = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: Places = ...,
    ) -> tuple[Any, Any]: ...
    @overload
    def grad_and_hess(
        self,
        prediction: Input,
        target: Input,
        scale: Input,
        *,
        df: float = ...,
        full: bool = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: tuple[
            tuple[NDArray[Any] | None, NDArray[Any] | None] | None,
            tuple[NDArray[Any] | None, NDArray[Any] | None] | None,
        ]
        | None = ...,
    ) -> tuple[tuple[NDArray[Any], NDArray[Any]], tuple[NDArray[Any], NDArray[Any]]]: ...
    @overload
    def grad_and_hess(
        self,
        prediction: Input,
        target: Input,
        scale: Input,
        *,
        df: float = ...,
        full: bool = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: Places = ...,
    ) -> tuple[Any, Any]: ...

student_t_nll: _StudentTNll
