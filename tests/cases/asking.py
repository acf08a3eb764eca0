"""Asking everything of a loss, and comparing what it says."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from recording import call

from cases.arithmetic import Array

#: All that can be asked of a loss, every way of asking at least once: methods, and their keywords.
WAYS: list[tuple[str, dict[str, Any]]] = [
    ("__call__", {"reduction": "none"}),
    ("__call__", {"reduction": "sum"}),
    ("grad", {"reduction": "none"}),
    ("grad_and_hess", {"reduction": "sum"}),
    ("value_and_grad", {"denominator": 3.0}),
    ("value_and_grad", {"denominator": "count"}),
    ("value_and_grad", {}),
]


def results(loss: Any, *inputs: Any, **options: Any) -> list[Array]:
    """Return all that can be asked of a loss."""
    return [x for method, way in WAYS for x in call(loss, method, *inputs, **way, **options)]


def per_example(loss: Any, prediction: Any, target: Any, **call: Any) -> list[Array]:
    """Return values, gradient and Hessian of every example."""
    call["reduction"] = "none"
    value = loss(prediction, target, **call)
    return [value, *loss.grad_and_hess(prediction, target, **call)]


def assert_same(some: Iterable[Any], others: Iterable[Any], what: object = "") -> None:
    """Compare results bit for bit, types included."""
    for i, (one, other) in enumerate(zip(some, others, strict=True)):
        a, b = np.asarray(one), np.asarray(other)
        assert a.dtype == b.dtype, f"{what}: result {i} is {a.dtype}, not {b.dtype}"
        assert a.shape == b.shape, f"{what}: result {i} has shape {a.shape}, not {b.shape}"
        if a.tobytes() != b.tobytes():
            bits = f"u{a.dtype.itemsize}"
            differ = np.flatnonzero(a.reshape(-1).view(bits) != b.reshape(-1).view(bits))
            at = [int(k) for k in np.unravel_index(differ[0], a.shape)]
            one, other = a.reshape(-1)[differ[0]], b.reshape(-1)[differ[0]]
            where = f"{differ.size} of {a.size} elements, first at {at}"
            raise AssertionError(f"{what}: result {i}: {one!r} is not {other!r} ({where})")
