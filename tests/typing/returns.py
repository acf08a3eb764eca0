"""What type checkers know of the results of calls: mypy checks this file, nothing runs it."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from typing_extensions import assert_type

import numloss

Array = NDArray[Any]
a = np.zeros(3)

assert_type(numloss.huber(a, a), np.float64)
assert_type(numloss.huber(a, a, delta=2.0, reduction="sum"), np.float64)
assert_type(numloss.huber(a, a, reduction="none"), Array)
assert_type(numloss.huber.grad(a, a), Array)
assert_type(numloss.huber.value_and_grad(a, a, out=a), tuple[np.float64, Array])
assert_type(numloss.huber.value_and_grad(a, a, reduction="none"), tuple[Array, Array])
assert_type(numloss.huber.grad_and_hess(a, a, out=(a, None)), tuple[Array, Array])
assert_type(numloss.gaussian_nll(a, a, a), np.float64)
assert_type(numloss.gaussian_nll.grad(a, a, a, out=(a, None)), tuple[Array, Array])
assert_type(numloss.gaussian_nll.value_and_grad(a, a, a), tuple[np.float64, tuple[Array, Array]])
assert_type(numloss.l1_penalty(a), np.float64)
assert_type(numloss.l1_penalty.value_and_grad(a), tuple[np.float64, Array])
numloss.huber(a, a, detla=1.0)  # type: ignore[call-overload]
classes = np.zeros((3, 2))
labels = np.zeros(3, int)
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
