# Written by tools/make_stubs.py from the declarations beside it.
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from numloss._core import Loss
from numloss._types import Input, OtherPlace, Place, Places

__all__ = ["elastic_net", "l1_penalty", "l2_penalty"]

class _ElasticNet(Loss[...]):
    def __call__(
        self, w: Input, *, strength: float = ..., l1_ratio: float = ..., out: None = ...
    ) -> np.float64: ...
    @overload
    def grad(
        self,
        w: Input,
        *,
        strength: float = ...,
        l1_ratio: float = ...,
        out: NDArray[Any] | None = ...,
    ) -> NDArray[Any]: ...
    @overload
    def grad(
        self, w: Input, *, strength: float = ..., l1_ratio: float = ..., out: Place
    ) -> Place: ...
    @overload
    def value_and_grad(
        self,
        w: Input,
        *,
        strength: float = ...,
        l1_ratio: float = ...,
        out: NDArray[Any] | None = ...,
    ) -> tuple[np.float64, NDArray[Any]]: ...
    @overload
    def value_and_grad(
        self, w: Input, *, strength: float = ..., l1_ratio: float = ..., out: Place
    ) -> tuple[np.float64, Place]: ...
    @overload
    def value_and_grad(
        self, w: Input, *, strength: float = ..., l1_ratio: float = ..., out: Places = ...
    ) -> tuple[Any, Any]: ...
    @overload
    def grad_and_hess(
        self,
        w: Input,
        *,
        strength: float = ...,
        l1_ratio: float = ...,
        out: tuple[NDArray[Any] | None, NDArray[Any] | None] | None = ...,
    ) -> tuple[NDArray[Any], NDArray[Any]]: ...
    @overload
    def grad_and_hess(
        self,
        w: Input,
        *,
        strength: float = ...,
        l1_ratio: float = ...,
        out: tuple[Place, OtherPlace],
    ) -> tuple[Place, OtherPlace]: ...
    @overload
    def grad_and_hess(
        self, w: Input, *, strength: float = ..., l1_ratio: float = ..., out: Places = ...
    ) -> tuple[Any, Any]: ...

elastic_net: _ElasticNet

class _L1Penalty(Loss[...]):
    def __call__(self, w: Input, *, strength: float = ..., out: None = ...) -> np.float64: ...
    @overload
    def grad(
        self, w: Input, *, strength: float = ..., out: NDArray[Any] | None = ...
    ) -> NDArray[Any]: ...
    @overload
    def grad(self, w: Input, *, strength: float = ..., out: Place) -> Place: ...
    @overload
    def value_and_grad(
        self, w: Input, *, strength: float = ..., out: NDArray[Any] | None = ...
    ) -> tuple[np.float64, NDArray[Any]]: ...
    @overload
    def value_and_grad(
        self, w: Input, *, strength: float = ..., out: Place
    ) -> tuple[np.float64, Place]: ...
    @overload
    def value_and_grad(
        self, w: Input, *, strength: float = ..., out: Places = ...
    ) -> tuple[Any, Any]: ...
    @overload
    def grad_and_hess(
        self,
        w: Input,
        *,
        strength: float = ...,
        out: tuple[NDArray[Any] | None, NDArray[Any] | None] | None = ...,
    ) -> tuple[NDArray[Any], NDArray[Any]]: ...
    @overload
    def grad_and_hess(
        self, w: Input, *, strength: float = ..., out: tuple[Place, OtherPlace]
    ) -> tuple[Place, OtherPlace]: ...
    @overload
    def grad_and_hess(
        self, w: Input, *, strength: float = ..., out: Places = ...
    ) -> tuple[Any, Any]: ...

l1_penalty: _L1Penalty

class _L2Penalty(Loss[...]):
    def __call__(self, w: Input, *, strength: float = ..., out: None = ...) -> np.float64: ...
    @overload
    def grad(
        self, w: Input, *, strength: float = ..., out: NDArray[Any] | None = ...
    ) -> NDArray[Any]: ...
    @overload
    def grad(self, w: Input, *, strength: float = ..., out: Place) -> Place: ...
    @overload
    def value_and_grad(
        self, w: Input, *, strength: float = ..., out: NDArray[Any] | None = ...
    ) -> tuple[np.float64, NDArray[Any]]: ...
    @overload
    def value_and_grad(
        self, w: Input, *, strength: float = ..., out: Place
    ) -> tuple[np.float64, Place]: ...
    @overload
    def value_and_grad(
        self, w: Input, *, strength: float = ..., out: Places = ...
    ) -> tuple[Any, Any]: ...
    @overload
    def grad_and_hess(
        self,
        w: Input,
        *,
        strength: float = ...,
        out: tuple[NDArray[Any] | None, NDArray[Any] | None] | None = ...,
    ) -> tuple[NDArray[Any], NDArray[Any]]: ...
    @overload
    def grad_and_hess(
        self, w: Input, *, strength: float = ..., out: tuple[Place, OtherPlace]
    ) -> tuple[Place, OtherPlace]: ...
    @overload
    def grad_and_hess(
        self, w: Input, *, strength: float = ..., out: Places = ...
    ) -> tuple[Any, Any]: ...

l2_penalty: _L2Penalty
