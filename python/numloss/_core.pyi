from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

VALUE: int
GRADIENT: int
HESSIAN: int
TOTALS: int
version: str

def elementwise(
    loss: int,
    mode: int,
    prediction: Any,
    target: Any,
    parameters: tuple[float, ...],
    call: Mapping[str, Any],
    dtype: np.dtype[Any] | None = None,
) -> Any: ...
def rowwise(
    loss: int,
    soft_loss: int,
    mode: int,
    prediction: Any,
    target: Any,
    parameters: tuple[float, ...],
    axis: int,
    ignore_index: int,
    label_smoothing: float,
    class_weight: NDArray[np.float64] | None,
    label_factor: NDArray[np.float64] | None,
    label_table: tuple[NDArray[np.float64], NDArray[np.float64]] | None,
    call: Mapping[str, Any],
    dtype: np.dtype[Any] | None = None,
) -> Any: ...
def tolerance(target: NDArray[Any], /) -> float: ...
def losses() -> dict[str, tuple[int, bool]]: ...
def functions() -> list[str]: ...
def apply(name: str, x: NDArray[Any], /) -> NDArray[Any]: ...
def config() -> dict[str, Any]: ...
def select_isa(name: str, /) -> None: ...
def num_threads() -> int: ...
def set_num_threads(n: int, /) -> None: ...
def set_thread_override(n: int, /) -> int: ...
def enter_ieee() -> None: ...
def exit_ieee(*args: object) -> None: ...
def cgroup_cpus(root: str = "/") -> int: ...
def from_dlpack(capsule: object, dtype: np.dtype[Any], /) -> NDArray[Any]: ...
