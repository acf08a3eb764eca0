# Written by tools/make_stubs.py from the declarations beside it.
from typing import Any, Literal, overload

import numpy as np
from numpy.typing import DTypeLike, NDArray

from numloss._core import Loss
from numloss._types import Input, OtherPlace, Place, Places

__all__ = ["ctc"]

class _Ctc(Loss[...]):
    @overload
    def __call__(
        self,
        prediction: Input,
        target: Input,
        *,
        input_lengths: Input | None = ...,
        target_lengths: Input | None = ...,
        blank: int = ...,
        zero_infinity: bool = ...,
        ignore_index: int = ...,
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
        input_lengths: Input | None = ...,
        target_lengths: Input | None = ...,
        blank: int = ...,
        zero_infinity: bool = ...,
        ignore_index: int = ...,
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
        input_lengths: Input | None = ...,
        target_lengths: Input | None = ...,
        blank: int = ...,
        zero_infinity: bool = ...,
        ignore_index: int = ...,
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
        input_lengths: Input | None = ...,
        target_lengths: Input | None = ...,
        blank: int = ...,
        zero_infinity: bool = ...,
        ignore_index: int = ...,
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
        input_lengths: Input | None = ...,
        target_lengths: Input | None = ...,
        blank: int = ...,
        zero_infinity: bool = ...,
        ignore_index: int = ...,
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
        input_lengths: Input | None = ...,
        target_lengths: Input | None = ...,
        blank: int = ...,
        zero_infinity: bool = ...,
        ignore_index: int = ...,
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
        input_lengths: Input | None = ...,
        target_lengths: Input | None = ...,
        blank: int = ...,
        zero_infinity: bool = ...,
        ignore_index: int = ...,
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
        input_lengths: Input | None = ...,
        target_lengths: Input | None = ...,
        blank: int = ...,
        zero_infinity: bool = ...,
        ignore_index: int = ...,
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
        input_lengths: Input | None = ...,
        target_lengths: Input | None = ...,
        blank: int = ...,
        zero_infinity: bool = ...,
        ignore_index: int = ...,
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
        input_lengths: Input | None = ...,
        target_lengths: Input | None = ...,
        blank: int = ...,
        zero_infinity: bool = ...,
        ignore_index: int = ...,
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
        input_lengths: Input | None = ...,
        target_lengths: Input | None = ...,
        blank: int = ...,
        zero_infinity: bool = ...,
        ignore_index: int = ...,
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
        input_lengths: Input | None = ...,
        target_lengths: Input | None = ...,
        blank: int = ...,
        zero_infinity: bool = ...,
        ignore_index: int = ...,
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
        input_lengths: Input | None = ...,
        target_lengths: Input | None = ...,
        blank: int = ...,
        zero_infinity: bool = ...,
        ignore_index: int = ...,
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
        input_lengths: Input | None = ...,
        target_lengths: Input | None = ...,
        blank: int = ...,
        zero_infinity: bool = ...,
        ignore_index: int = ...,
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
        input_lengths: Input | None = ...,
        target_lengths: Input | None = ...,
        blank: int = ...,
        zero_infinity: bool = ...,
        ignore_index: int = ...,
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
        input_lengths: Input | None = ...,
        target_lengths: Input | None = ...,
        blank: int = ...,
        zero_infinity: bool = ...,
        ignore_index: int = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: Places = ...,
    ) -> tuple[Any, Any]: ...

ctc: _Ctc
