# Written by tools/make_stubs.py from the declarations beside it.
from typing import Any, Literal, overload

import numpy as np
from numpy.typing import DTypeLike, NDArray

from numloss._core import Loss
from numloss._types import Input, OtherPlace, Place, Places

__all__ = [
    "contrastive",
    "cosine_embedding",
    "cosine_similarity",
    "margin_ranking",
    "triplet_margin",
]

class _Contrastive(Loss[...]):
    @overload
    def __call__(
        self,
        first: Input,
        second: Input,
        target: Input,
        *,
        margin: float = ...,
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
        first: Input,
        second: Input,
        target: Input,
        *,
        margin: float = ...,
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
        first: Input,
        second: Input,
        target: Input,
        *,
        margin: float = ...,
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
        first: Input,
        second: Input,
        target: Input,
        *,
        margin: float = ...,
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
        first: Input,
        second: Input,
        target: Input,
        *,
        margin: float = ...,
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
        first: Input,
        second: Input,
        target: Input,
        *,
        margin: float = ...,
        axis: int = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: tuple[NDArray[Any] | None, NDArray[Any] | None] | None = ...,
    ) -> tuple[NDArray[Any], NDArray[Any]]: ...
    @overload
    def grad(
        self,
        first: Input,
        second: Input,
        target: Input,
        *,
        margin: float = ...,
        axis: int = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: tuple[Place, OtherPlace],
    ) -> tuple[Place, OtherPlace]: ...
    @overload
    def grad(
        self,
        first: Input,
        second: Input,
        target: Input,
        *,
        margin: float = ...,
        axis: int = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: Places = ...,
    ) -> tuple[Any, Any]: ...
    @overload
    def value_and_grad(
        self,
        first: Input,
        second: Input,
        target: Input,
        *,
        margin: float = ...,
        axis: int = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: tuple[NDArray[Any] | None, NDArray[Any] | None] | None = ...,
    ) -> tuple[np.float64, tuple[NDArray[Any], NDArray[Any]]]: ...
    @overload
    def value_and_grad(
        self,
        first: Input,
        second: Input,
        target: Input,
        *,
        margin: float = ...,
        axis: int = ...,
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
        first: Input,
        second: Input,
        target: Input,
        *,
        margin: float = ...,
        axis: int = ...,
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
        first: Input,
        second: Input,
        target: Input,
        *,
        margin: float = ...,
        axis: int = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: tuple[Place, OtherPlace],
    ) -> tuple[np.float64, tuple[Place, OtherPlace]]: ...
    @overload
    def value_and_grad(
        self,
        first: Input,
        second: Input,
        target: Input,
        *,
        margin: float = ...,
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
        first: Input,
        second: Input,
        target: Input,
        *,
        margin: float = ...,
        axis: int = ...,
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
        first: Input,
        second: Input,
        target: Input,
        *,
        margin: float = ...,
        axis: int = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: Places = ...,
    ) -> tuple[Any, Any]: ...

contrastive: _Contrastive

class _CosineEmbedding(Loss[...]):
    @overload
    def __call__(
        self,
        first: Input,
        second: Input,
        target: Input,
        *,
        margin: float = ...,
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
        first: Input,
        second: Input,
        target: Input,
        *,
        margin: float = ...,
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
        first: Input,
        second: Input,
        target: Input,
        *,
        margin: float = ...,
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
        first: Input,
        second: Input,
        target: Input,
        *,
        margin: float = ...,
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
        first: Input,
        second: Input,
        target: Input,
        *,
        margin: float = ...,
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
        first: Input,
        second: Input,
        target: Input,
        *,
        margin: float = ...,
        axis: int = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: tuple[NDArray[Any] | None, NDArray[Any] | None] | None = ...,
    ) -> tuple[NDArray[Any], NDArray[Any]]: ...
    @overload
    def grad(
        self,
        first: Input,
        second: Input,
        target: Input,
        *,
        margin: float = ...,
        axis: int = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: tuple[Place, OtherPlace],
    ) -> tuple[Place, OtherPlace]: ...
    @overload
    def grad(
        self,
        first: Input,
        second: Input,
        target: Input,
        *,
        margin: float = ...,
        axis: int = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: Places = ...,
    ) -> tuple[Any, Any]: ...
    @overload
    def value_and_grad(
        self,
        first: Input,
        second: Input,
        target: Input,
        *,
        margin: float = ...,
        axis: int = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: tuple[NDArray[Any] | None, NDArray[Any] | None] | None = ...,
    ) -> tuple[np.float64, tuple[NDArray[Any], NDArray[Any]]]: ...
    @overload
    def value_and_grad(
        self,
        first: Input,
        second: Input,
        target: Input,
        *,
        margin: float = ...,
        axis: int = ...,
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
        first: Input,
        second: Input,
        target: Input,
        *,
        margin: float = ...,
        axis: int = ...,
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
        first: Input,
        second: Input,
        target: Input,
        *,
        margin: float = ...,
        axis: int = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: tuple[Place, OtherPlace],
    ) -> tuple[np.float64, tuple[Place, OtherPlace]]: ...
    @overload
    def value_and_grad(
        self,
        first: Input,
        second: Input,
        target: Input,
        *,
        margin: float = ...,
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
        first: Input,
        second: Input,
        target: Input,
        *,
        margin: float = ...,
        axis: int = ...,
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
        first: Input,
        second: Input,
        target: Input,
        *,
        margin: float = ...,
        axis: int = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: Places = ...,
    ) -> tuple[Any, Any]: ...

cosine_embedding: _CosineEmbedding

class _CosineSimilarity(Loss[...]):
    @overload
    def __call__(
        self,
        prediction: Input,
        target: Input,
        *,
        eps: float = ...,
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
        eps: float = ...,
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
        eps: float = ...,
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
        eps: float = ...,
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
        eps: float = ...,
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
        eps: float = ...,
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
        eps: float = ...,
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
        eps: float = ...,
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
        eps: float = ...,
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
        eps: float = ...,
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
        eps: float = ...,
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
        eps: float = ...,
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
        eps: float = ...,
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
        eps: float = ...,
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
        eps: float = ...,
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
        eps: float = ...,
        axis: int = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: Places = ...,
    ) -> tuple[Any, Any]: ...

cosine_similarity: _CosineSimilarity

class _MarginRanking(Loss[...]):
    @overload
    def __call__(
        self,
        first: Input,
        second: Input,
        target: Input,
        *,
        margin: float = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: None = ...,
    ) -> np.float64: ...
    @overload
    def __call__(
        self,
        first: Input,
        second: Input,
        target: Input,
        *,
        margin: float = ...,
        weight: Input | None = ...,
        reduction: Literal["none"],
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: NDArray[Any] | None = ...,
    ) -> NDArray[Any]: ...
    @overload
    def __call__(
        self,
        first: Input,
        second: Input,
        target: Input,
        *,
        margin: float = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"],
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: NDArray[Any] | None = ...,
    ) -> np.float64 | NDArray[Any]: ...
    @overload
    def __call__(
        self,
        first: Input,
        second: Input,
        target: Input,
        *,
        margin: float = ...,
        weight: Input | None = ...,
        reduction: Literal["none"],
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: Place,
    ) -> Place: ...
    @overload
    def __call__(
        self,
        first: Input,
        second: Input,
        target: Input,
        *,
        margin: float = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"],
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: Place,
    ) -> np.float64 | Place: ...
    @overload
    def grad(
        self,
        first: Input,
        second: Input,
        target: Input,
        *,
        margin: float = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: tuple[NDArray[Any] | None, NDArray[Any] | None] | None = ...,
    ) -> tuple[NDArray[Any], NDArray[Any]]: ...
    @overload
    def grad(
        self,
        first: Input,
        second: Input,
        target: Input,
        *,
        margin: float = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: tuple[Place, OtherPlace],
    ) -> tuple[Place, OtherPlace]: ...
    @overload
    def grad(
        self,
        first: Input,
        second: Input,
        target: Input,
        *,
        margin: float = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: Places = ...,
    ) -> tuple[Any, Any]: ...
    @overload
    def value_and_grad(
        self,
        first: Input,
        second: Input,
        target: Input,
        *,
        margin: float = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: tuple[NDArray[Any] | None, NDArray[Any] | None] | None = ...,
    ) -> tuple[np.float64, tuple[NDArray[Any], NDArray[Any]]]: ...
    @overload
    def value_and_grad(
        self,
        first: Input,
        second: Input,
        target: Input,
        *,
        margin: float = ...,
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
        first: Input,
        second: Input,
        target: Input,
        *,
        margin: float = ...,
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
        first: Input,
        second: Input,
        target: Input,
        *,
        margin: float = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: tuple[Place, OtherPlace],
    ) -> tuple[np.float64, tuple[Place, OtherPlace]]: ...
    @overload
    def value_and_grad(
        self,
        first: Input,
        second: Input,
        target: Input,
        *,
        margin: float = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: Places = ...,
    ) -> tuple[Any, Any]: ...
    @overload
    def grad_and_hess(
        self,
        first: Input,
        second: Input,
        target: Input,
        *,
        margin: float = ...,
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
        first: Input,
        second: Input,
        target: Input,
        *,
        margin: float = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: Places = ...,
    ) -> tuple[Any, Any]: ...

margin_ranking: _MarginRanking

class _TripletMargin(Loss[...]):
    @overload
    def __call__(
        self,
        anchor: Input,
        positive: Input,
        negative: Input,
        *,
        margin: float = ...,
        p: float = ...,
        swap: bool = ...,
        eps: float = ...,
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
        anchor: Input,
        positive: Input,
        negative: Input,
        *,
        margin: float = ...,
        p: float = ...,
        swap: bool = ...,
        eps: float = ...,
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
        anchor: Input,
        positive: Input,
        negative: Input,
        *,
        margin: float = ...,
        p: float = ...,
        swap: bool = ...,
        eps: float = ...,
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
        anchor: Input,
        positive: Input,
        negative: Input,
        *,
        margin: float = ...,
        p: float = ...,
        swap: bool = ...,
        eps: float = ...,
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
        anchor: Input,
        positive: Input,
        negative: Input,
        *,
        margin: float = ...,
        p: float = ...,
        swap: bool = ...,
        eps: float = ...,
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
        anchor: Input,
        positive: Input,
        negative: Input,
        *,
        margin: float = ...,
        p: float = ...,
        swap: bool = ...,
        eps: float = ...,
        axis: int = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: tuple[NDArray[Any] | None, NDArray[Any] | None, NDArray[Any] | None] | None = ...,
    ) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]: ...
    @overload
    def grad(
        self,
        anchor: Input,
        positive: Input,
        negative: Input,
        *,
        margin: float = ...,
        p: float = ...,
        swap: bool = ...,
        eps: float = ...,
        axis: int = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: tuple[Place, Place, Place],
    ) -> tuple[Place, Place, Place]: ...
    @overload
    def grad(
        self,
        anchor: Input,
        positive: Input,
        negative: Input,
        *,
        margin: float = ...,
        p: float = ...,
        swap: bool = ...,
        eps: float = ...,
        axis: int = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: Places = ...,
    ) -> tuple[Any, Any, Any]: ...
    @overload
    def value_and_grad(
        self,
        anchor: Input,
        positive: Input,
        negative: Input,
        *,
        margin: float = ...,
        p: float = ...,
        swap: bool = ...,
        eps: float = ...,
        axis: int = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: tuple[NDArray[Any] | None, NDArray[Any] | None, NDArray[Any] | None] | None = ...,
    ) -> tuple[np.float64, tuple[NDArray[Any], NDArray[Any], NDArray[Any]]]: ...
    @overload
    def value_and_grad(
        self,
        anchor: Input,
        positive: Input,
        negative: Input,
        *,
        margin: float = ...,
        p: float = ...,
        swap: bool = ...,
        eps: float = ...,
        axis: int = ...,
        weight: Input | None = ...,
        reduction: Literal["none"],
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: tuple[
            NDArray[Any] | None,
            tuple[NDArray[Any] | None, NDArray[Any] | None, NDArray[Any] | None] | None,
        ]
        | tuple[NDArray[Any] | None, NDArray[Any] | None, NDArray[Any] | None]
        | None = ...,
    ) -> tuple[NDArray[Any], tuple[NDArray[Any], NDArray[Any], NDArray[Any]]]: ...
    @overload
    def value_and_grad(
        self,
        anchor: Input,
        positive: Input,
        negative: Input,
        *,
        margin: float = ...,
        p: float = ...,
        swap: bool = ...,
        eps: float = ...,
        axis: int = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"],
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: tuple[
            NDArray[Any] | None,
            tuple[NDArray[Any] | None, NDArray[Any] | None, NDArray[Any] | None] | None,
        ]
        | None = ...,
    ) -> tuple[np.float64 | NDArray[Any], tuple[NDArray[Any], NDArray[Any], NDArray[Any]]]: ...
    @overload
    def value_and_grad(
        self,
        anchor: Input,
        positive: Input,
        negative: Input,
        *,
        margin: float = ...,
        p: float = ...,
        swap: bool = ...,
        eps: float = ...,
        axis: int = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: tuple[Place, Place, Place],
    ) -> tuple[np.float64, tuple[Place, Place, Place]]: ...
    @overload
    def value_and_grad(
        self,
        anchor: Input,
        positive: Input,
        negative: Input,
        *,
        margin: float = ...,
        p: float = ...,
        swap: bool = ...,
        eps: float = ...,
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
        anchor: Input,
        positive: Input,
        negative: Input,
        *,
        margin: float = ...,
        p: float = ...,
        swap: bool = ...,
        eps: float = ...,
        axis: int = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: tuple[
            tuple[NDArray[Any] | None, NDArray[Any] | None, NDArray[Any] | None] | None,
            tuple[NDArray[Any] | None, NDArray[Any] | None, NDArray[Any] | None] | None,
        ]
        | None = ...,
    ) -> tuple[
        tuple[NDArray[Any], NDArray[Any], NDArray[Any]],
        tuple[NDArray[Any], NDArray[Any], NDArray[Any]],
    ]: ...
    @overload
    def grad_and_hess(
        self,
        anchor: Input,
        positive: Input,
        negative: Input,
        *,
        margin: float = ...,
        p: float = ...,
        swap: bool = ...,
        eps: float = ...,
        axis: int = ...,
        weight: Input | None = ...,
        reduction: Literal["mean", "sum", "none"] = ...,
        denominator: Literal["weight", "count"] | float = ...,
        dtype: DTypeLike | None = ...,
        out: Places = ...,
    ) -> tuple[Any, Any]: ...

triplet_margin: _TripletMargin
