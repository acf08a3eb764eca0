"""Calls of the extension module, written down for tests/native/replay.cpp to repeat."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO
from unittest import mock

import ml_dtypes
import numpy as np
from cases import Array, without_shortcuts

from numloss import _core, _loss

#: As DType in csrc/runtime/table.hpp.
CODES = [np.dtype(c) for c in ("f4", "f8", "f2", ml_dtypes.bfloat16, "?")]
CODES += [np.dtype(c) for c in ("i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8")]
REDUCTIONS = ("mean", "sum", "none")
DENOMINATORS = ("weight", "count")


class Recorder:
    """Stands in for the extension module, and writes down each call that it computes."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._names = {index: name for name, (index, _) in _core.losses().items()}

    def __getattr__(self, name: str) -> Any:
        return getattr(_core, name)

    def compute(
        self,
        plan: tuple[Any, ...],
        mode: int,
        prediction: Any,
        target: Any,
        call: dict[str, Any],
        dtype: Any = None,
    ) -> Any:
        result = _core.compute(plan, mode, prediction, target, call, dtype)
        if isinstance(result, (tuple, np.ndarray, float)):
            write = self._elementwise if len(plan) == 2 else self._rowwise
            write(*plan, mode, prediction, target, call, dtype)
            self._results(result)
        return result

    def _elementwise(
        self,
        loss: int,
        parameters: tuple[float, ...],
        mode: int,
        prediction: Any,
        target: Any,
        call: dict[str, Any],
        dtype: Any,
    ) -> None:
        self._head(loss, mode, call, 0, prediction.size, 1, parameters, dtype, prediction)
        target = np.broadcast_to(target, prediction.shape)
        self._arrays(prediction, target, self._weight(call, prediction.shape))

    def _rowwise(
        self,
        loss: int,
        soft_loss: int,
        parameters: tuple[float, ...],
        axis: int,
        ignore_index: int,
        label_smoothing: float,
        per_class: Any,
        mode: int,
        prediction: Any,
        target: Any,
        call: dict[str, Any],
        dtype: Any,
    ) -> None:
        assert axis in (-1, prediction.ndim - 1)
        *examples, classes = prediction.shape
        class_weight, label_factor, label_table = per_class or 3 * (None,)
        labels = target.dtype.kind in "iu"
        soft = not labels or label_smoothing > 0 or label_table is not None
        self._head(
            soft_loss if soft else loss, mode, call, 1 if labels else 2,
            int(np.prod(examples)), classes, parameters, dtype, prediction,
            label_smoothing, ignore_index, _core.tolerance(target),
        )  # fmt: skip
        table, scale = (None, None) if label_table is None else label_table
        self._arrays(prediction, target, self._weight(call, examples))
        self._arrays(class_weight, label_factor, table, scale)

    @staticmethod
    def _weight(call: dict[str, Any], examples: Any) -> Array | None:
        weight = call.get("weight")
        return None if weight is None else np.broadcast_to(weight, examples)

    def _head(
        self,
        loss: int,
        mode: int,
        call: dict[str, Any],
        target_kind: int,
        size: int,
        classes: int,
        parameters: tuple[float, ...],
        dtype: Any,
        prediction: Array,
        label_smoothing: float = 0.0,
        ignore_index: int = 0,
        tolerance: float = 0.0,
    ) -> None:
        name = self._names[loss].encode()
        denominator = call.get("denominator", "weight")
        by_number = denominator not in DENOMINATORS
        numbers = (*parameters, *(4 - len(parameters)) * (0.0,))
        code = CODES.index(prediction.dtype if dtype is None else dtype)
        self._file.write(struct.pack("<q", len(name)) + name)
        integers = (
            mode,
            REDUCTIONS.index(call.get("reduction", "mean")),
            2 if by_number else DENOMINATORS.index(denominator),
            target_kind,
            size,
            classes,
            code,
            ignore_index,
        )
        number = denominator if by_number else 0.0
        self._file.write(struct.pack("<8q", *integers))
        self._file.write(struct.pack("<7d", number, *numbers, label_smoothing, tolerance))

    def _arrays(self, *arrays: Array | None) -> None:
        for x in arrays:
            if x is None:
                self._file.write(struct.pack("<2q", -1, 0))
                continue
            code = CODES.index(x.dtype.newbyteorder("="))
            data = np.ascontiguousarray(x, x.dtype.newbyteorder("=")).tobytes()
            self._file.write(struct.pack("<2q", code, len(data)) + data)

    def _results(self, result: Any) -> None:
        several = result if isinstance(result, tuple) else (result,)
        self._file.write(struct.pack("<q", len(several)))
        self._arrays(*map(np.asarray, several))


@contextmanager
def recording(path: Path) -> Iterator[None]:
    """Write down every call of a loss inside, and what it gave."""
    with (
        path.open("wb") as file,
        without_shortcuts(),
        mock.patch.object(_loss, "_core", Recorder(file)),
    ):
        yield
