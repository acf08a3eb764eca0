"""What type checkers know of the results of calls: mypy and pyright check it, nothing runs it."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from typing_extensions import assert_type

import numloss

Array = NDArray[Any]
a = np.zeros(3)


class Tensor:
    """As torch's and JAX's are: a call takes its memory, and returns it as it came."""

    def __dlpack__(self, *, max_version: tuple[int, int] | None = None) -> object: ...


class Column:
    """As Arrow's are."""

    def __arrow_c_array__(self, requested_schema: object = None) -> tuple[object, object]:
        raise NotImplementedError


t, other, column = Tensor(), Tensor(), Column()

assert_type(numloss.huber(a, a), np.float64)
assert_type(numloss.huber(a, a, delta=2.0, reduction="sum"), np.float64)
assert_type(numloss.huber(a, a, reduction="none"), Array)
assert_type(numloss.huber.grad(a, a), Array)
assert_type(numloss.huber.value_and_grad(a, a, out=a), tuple[np.float64, Array])
assert_type(numloss.huber.value_and_grad(a, a, reduction="none"), tuple[Array, Array])
assert_type(numloss.huber.grad_and_hess(a, a, out=(a, None)), tuple[Array, Array])
assert_type(numloss.huber(a, a, weight=-a, allow_negative_weight=True), np.float64)
assert_type(numloss.huber(a, a, reduce_axis=(0, 1), keepdims=True), Any)
assert_type(numloss.huber.grad(a, a, reduce_axis=0), Array)
assert_type(numloss.gaussian_nll(a, a, a), np.float64)
assert_type(numloss.gaussian_nll.grad(a, a, a, out=(a, None)), tuple[Array, Array])
assert_type(numloss.gaussian_nll.value_and_grad(a, a, a), tuple[np.float64, tuple[Array, Array]])
assert_type(numloss.triplet_margin(a, a, a), np.float64)
assert_type(numloss.triplet_margin.grad(a, a, a), tuple[Array, Array, Array])
assert_type(numloss.l1_penalty(a), np.float64)
assert_type(numloss.l1_penalty.value_and_grad(a), tuple[np.float64, Array])
numloss.huber(a, a, detla=1.0)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
classes = np.zeros((3, 2))
labels = np.zeros(3, int)
assert_type(numloss.dice(classes, classes, axis=(0, 1)), np.float64)
assert_type(numloss.cross_entropy(classes, classes, any_sum=True), np.float64)
assert_type(numloss.cross_entropy(classes, labels), np.float64)
assert_type(numloss.cross_entropy(classes, labels, return_logsumexp=True), tuple[Any, ...])
assert_type(numloss.kl_divergence.grad(classes, classes), Array)
assert_type(numloss.multiclass_hinge.grad(classes, labels, return_predicted=True), tuple[Any, ...])
assert_type(
    numloss.softmax_focal(classes, labels, return_logsumexp=True, return_predicted=True),
    tuple[Any, ...],
)


def told_later(flag: bool) -> None:
    assert_type(numloss.cross_entropy(classes, labels, return_predicted=flag), Any)


assert_type(numloss.huber(t, t), np.float64)
assert_type(numloss.huber(column, t, weight=column), np.float64)
assert_type(numloss.huber(t, t, reduction="none"), Array)
assert_type(numloss.huber(t, t, reduction="none", out=t), Tensor)
assert_type(numloss.huber.grad(t, t), Array)
assert_type(numloss.huber.grad(t, t, out=t), Tensor)
assert_type(numloss.huber.grad(t, t, out=a), Array)
assert_type(numloss.huber.value_and_grad(t, t, out=t), tuple[np.float64, Tensor])
assert_type(
    numloss.huber.value_and_grad(t, t, reduction="none", out=(t, other)), tuple[Tensor, Tensor]
)
assert_type(numloss.huber.grad_and_hess(t, t, out=(t, other)), tuple[Tensor, Tensor])
assert_type(numloss.huber.grad_and_hess(t, t, out=(t, None)), tuple[Any, Any])
assert_type(numloss.gaussian_nll.grad(t, t, t, out=(t, other)), tuple[Tensor, Tensor])
assert_type(
    numloss.gaussian_nll.value_and_grad(t, t, t, out=(t, other)),
    tuple[np.float64, tuple[Tensor, Tensor]],
)
assert_type(numloss.l1_penalty.grad(t, out=t), Tensor)
assert_type(numloss.cross_entropy.grad(t, t, class_weight=t, out=t), Tensor)
assert_type(
    numloss.cross_entropy.grad(t, t, out=(t, other), return_predicted=True), tuple[Any, ...]
)
numloss.huber(t, t, detla=1.0)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
numloss.huber.grad(t, t, out=column)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue, reportArgumentType]
numloss.huber.grad(object(), t)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
