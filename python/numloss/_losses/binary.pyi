# Written by tools/make_stubs.py from the declarations beside it.
from typing import Any, Literal, overload

import numpy as np
from numpy.typing import DTypeLike, NDArray

from numloss._core import Loss
from numloss._types import Input, OtherPlace, Place, Places

__all__ = ["binary_cross_entropy", "brier", "focal", "poly_binary_cross_entropy"]

class _BinaryCrossEntropy(Loss[...]):
    @overload
    def __call__(
        self,
        prediction: Input,
        target: Input,
        *,
        pos_weight: Input | None = ...,
        label_smoothing: float = ...,
        clip: float = ...,
        from_logits: bool = ...,
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
        pos_weight: Input | None = ...,
        label_smoothing: float = ...,
        clip: float = ...,
        from_logits: bool = ...,
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
        pos_weight: Input | None = ...,
        label_smoothing: float = ...,
        clip: float = ...,
        from_logits: bool = ...,
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
        pos_weight: Input | None = ...,
        label_smoothing: float = ...,
        clip: float = ...,
        from_logits: bool = ...,
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
        pos_weight: Input | None = ...,
        label_smoothing: float = ...,
        clip: float = ...,
        from_logits: bool = ...,
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
        pos_weight: Input | None = ...,
        label_smoothing: float = ...,
        clip: float = ...,
        from_logits: bool = ...,
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
        pos_weight: Input | None = ...,
        label_smoothing: float = ...,
        clip: float = ...,
        from_logits: bool = ...,
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
        pos_weight: Input | None = ...,
        label_smoothing: float = ...,
        clip: float = ...,
        from_logits: bool = ...,
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
        pos_weight: Input | None = ...,
        label_smoothing: float = ...,
        clip: float = ...,
        from_logits: bool = ...,
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
        pos_weight: Input | None = ...,
        label_smoothing: float = ...,
        clip: float = ...,
        from_logits: bool = ...,
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
        pos_weight: Input | None = ...,
        label_smoothing: float = ...,
        clip: float = ...,
        from_logits: bool = ...,
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
        pos_weight: Input | None = ...,
        label_smoothing: float = ...,
        clip: float = ...,
        from_logits: bool = ...,
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
        pos_weight: Input | None = ...,
        label_smoothing: float = ...,
        clip: float = ...,
        from_logits: bool = ...,
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
        pos_weight: Input | None = ...,
        label_smoothing: float = ...,
        clip: float = ...,
        from_logits: bool = ...,
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
        pos_weight: Input | None = ...,
        label_smoothing: float = ...,
        clip: float = ...,
        from_logits: bool = ...,
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
        pos_weight: Input | None = ...,
        label_smoothing: float = ...,
        clip: float = ...,
        from_logits: bool = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: Places = ...,
    ) -> tuple[Any, Any]: ...

binary_cross_entropy: _BinaryCrossEntropy

class _Brier(Loss[...]):
    @overload
    def __call__(
        self,
        prediction: Input,
        target: Input,
        *,
        from_logits: bool = ...,
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
        from_logits: bool = ...,
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
        from_logits: bool = ...,
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
        from_logits: bool = ...,
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
        from_logits: bool = ...,
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
        from_logits: bool = ...,
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
        from_logits: bool = ...,
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
        from_logits: bool = ...,
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
        from_logits: bool = ...,
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
        from_logits: bool = ...,
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
        from_logits: bool = ...,
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
        from_logits: bool = ...,
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
        from_logits: bool = ...,
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
        from_logits: bool = ...,
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
        from_logits: bool = ...,
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
        from_logits: bool = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: Places = ...,
    ) -> tuple[Any, Any]: ...

brier: _Brier

class _Focal(Loss[...]):
    @overload
    def __call__(
        self,
        prediction: Input,
        target: Input,
        *,
        gamma: float = ...,
        alpha: float | None = ...,
        pos_weight: Input | None = ...,
        label_smoothing: float = ...,
        clip: float = ...,
        from_logits: bool = ...,
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
        gamma: float = ...,
        alpha: float | None = ...,
        pos_weight: Input | None = ...,
        label_smoothing: float = ...,
        clip: float = ...,
        from_logits: bool = ...,
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
        gamma: float = ...,
        alpha: float | None = ...,
        pos_weight: Input | None = ...,
        label_smoothing: float = ...,
        clip: float = ...,
        from_logits: bool = ...,
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
        gamma: float = ...,
        alpha: float | None = ...,
        pos_weight: Input | None = ...,
        label_smoothing: float = ...,
        clip: float = ...,
        from_logits: bool = ...,
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
        gamma: float = ...,
        alpha: float | None = ...,
        pos_weight: Input | None = ...,
        label_smoothing: float = ...,
        clip: float = ...,
        from_logits: bool = ...,
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
        gamma: float = ...,
        alpha: float | None = ...,
        pos_weight: Input | None = ...,
        label_smoothing: float = ...,
        clip: float = ...,
        from_logits: bool = ...,
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
        gamma: float = ...,
        alpha: float | None = ...,
        pos_weight: Input | None = ...,
        label_smoothing: float = ...,
        clip: float = ...,
        from_logits: bool = ...,
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
        gamma: float = ...,
        alpha: float | None = ...,
        pos_weight: Input | None = ...,
        label_smoothing: float = ...,
        clip: float = ...,
        from_logits: bool = ...,
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
        gamma: float = ...,
        alpha: float | None = ...,
        pos_weight: Input | None = ...,
        label_smoothing: float = ...,
        clip: float = ...,
        from_logits: bool = ...,
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
        gamma: float = ...,
        alpha: float | None = ...,
        pos_weight: Input | None = ...,
        label_smoothing: float = ...,
        clip: float = ...,
        from_logits: bool = ...,
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
        gamma: float = ...,
        alpha: float | None = ...,
        pos_weight: Input | None = ...,
        label_smoothing: float = ...,
        clip: float = ...,
        from_logits: bool = ...,
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
        gamma: float = ...,
        alpha: float | None = ...,
        pos_weight: Input | None = ...,
        label_smoothing: float = ...,
        clip: float = ...,
        from_logits: bool = ...,
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
        gamma: float = ...,
        alpha: float | None = ...,
        pos_weight: Input | None = ...,
        label_smoothing: float = ...,
        clip: float = ...,
        from_logits: bool = ...,
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
        gamma: float = ...,
        alpha: float | None = ...,
        pos_weight: Input | None = ...,
        label_smoothing: float = ...,
        clip: float = ...,
        from_logits: bool = ...,
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
        gamma: float = ...,
        alpha: float | None = ...,
        pos_weight: Input | None = ...,
        label_smoothing: float = ...,
        clip: float = ...,
        from_logits: bool = ...,
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
        gamma: float = ...,
        alpha: float | None = ...,
        pos_weight: Input | None = ...,
        label_smoothing: float = ...,
        clip: float = ...,
        from_logits: bool = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: Places = ...,
    ) -> tuple[Any, Any]: ...

focal: _Focal

class _PolyBinaryCrossEntropy(Loss[...]):
    @overload
    def __call__(
        self,
        prediction: Input,
        target: Input,
        *,
        epsilon: float = ...,
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
        epsilon: float = ...,
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
        epsilon: float = ...,
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
        epsilon: float = ...,
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
        epsilon: float = ...,
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
        epsilon: float = ...,
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
        epsilon: float = ...,
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
        epsilon: float = ...,
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
        epsilon: float = ...,
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
        epsilon: float = ...,
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
        epsilon: float = ...,
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
        epsilon: float = ...,
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
        epsilon: float = ...,
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
        epsilon: float = ...,
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
        epsilon: float = ...,
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
        epsilon: float = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: Places = ...,
    ) -> tuple[Any, Any]: ...

poly_binary_cross_entropy: _PolyBinaryCrossEntropy
