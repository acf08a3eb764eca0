# Written by tools/make_stubs.py from the declarations beside it.
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from numloss._core import Loss

__all__ = ["elastic_net", "l1_penalty", "l2_penalty"]

class _ElasticNet(Loss[...]):
    def __call__(
        self, w: ArrayLike, *, strength: float = ..., l1_ratio: float = ..., out: None = ...
    ) -> np.float64: ...
    def grad(
        self,
        w: ArrayLike,
        *,
        strength: float = ...,
        l1_ratio: float = ...,
        out: NDArray[Any] | None = ...,
    ) -> NDArray[Any]: ...
    def value_and_grad(
        self,
        w: ArrayLike,
        *,
        strength: float = ...,
        l1_ratio: float = ...,
        out: NDArray[Any] | None = ...,
    ) -> tuple[np.float64, NDArray[Any]]: ...
    def grad_and_hess(
        self,
        w: ArrayLike,
        *,
        strength: float = ...,
        l1_ratio: float = ...,
        out: tuple[NDArray[Any] | None, NDArray[Any] | None] | None = ...,
    ) -> tuple[NDArray[Any], NDArray[Any]]: ...

elastic_net: _ElasticNet

class _L1Penalty(Loss[...]):
    def __call__(self, w: ArrayLike, *, strength: float = ..., out: None = ...) -> np.float64: ...
    def grad(
        self, w: ArrayLike, *, strength: float = ..., out: NDArray[Any] | None = ...
    ) -> NDArray[Any]: ...
    def value_and_grad(
        self, w: ArrayLike, *, strength: float = ..., out: NDArray[Any] | None = ...
    ) -> tuple[np.float64, NDArray[Any]]: ...
    def grad_and_hess(
        self,
        w: ArrayLike,
        *,
        strength: float = ...,
        out: tuple[NDArray[Any] | None, NDArray[Any] | None] | None = ...,
    ) -> tuple[NDArray[Any], NDArray[Any]]: ...

l1_penalty: _L1Penalty

class _L2Penalty(Loss[...]):
    def __call__(self, w: ArrayLike, *, strength: float = ..., out: None = ...) -> np.float64: ...
    def grad(
        self, w: ArrayLike, *, strength: float = ..., out: NDArray[Any] | None = ...
    ) -> NDArray[Any]: ...
    def value_and_grad(
        self, w: ArrayLike, *, strength: float = ..., out: NDArray[Any] | None = ...
    ) -> tuple[np.float64, NDArray[Any]]: ...
    def grad_and_hess(
        self,
        w: ArrayLike,
        *,
        strength: float = ...,
        out: tuple[NDArray[Any] | None, NDArray[Any] | None] | None = ...,
    ) -> tuple[NDArray[Any], NDArray[Any]]: ...

l2_penalty: _L2Penalty
