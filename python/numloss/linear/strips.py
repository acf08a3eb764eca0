"""Few rows of logits at a time, while the cache holds them: softmax, target, gradient in place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from numloss._losses.multiclass import cross_entropy
from numloss.linear import rows as table

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from numloss.linear.problem import Problem
    from numloss.linear.rows import Rows


class Strips:
    """What a strip of logits goes through, and the room that this takes.

    A strip is an array of the logits of some rows against some classes. ``state`` turns logits into
    what ``rows`` keeps of them; where gradients are wanted it leaves probabilities in their place,
    which ``differentiate`` turns into the gradient.
    """

    def __init__(self, problem: Problem, size: int, gradients: bool) -> None:
        self._problem = problem
        self._gradients = gradients
        self._bias = None if problem.bias is None else problem.bias.astype(problem.dtype)
        self._uniform = _uniform(problem)
        self._target = _room(size, problem, is_dense(problem))
        self._gap = _room(size, problem, is_dense(problem))
        self._slope = _room(size, problem, gradients and problem.softcap is not None)

    def state(self, z: NDArray[Any], index: NDArray[np.int64], classes: slice) -> Rows:
        """Return what is known of the rows ``index`` from their logits, which are overwritten."""
        self._transform(z, classes)
        top = z.argmax(axis=1)
        maximum = z[np.arange(len(z)), top]
        found = table.unseen(len(z))
        found[table.MAXIMUM] = maximum
        found[table.PREDICTED] = top + (self._problem.offset + classes.start)
        if self._problem.labels is not None:
            self._see_labels(z, index, classes, found)
        if is_dense(self._problem):
            self._see_target(z, index, classes, found)
        impossible = maximum == -np.inf
        # Where no class here can happen, the kernel would find NaN, and others may be elsewhere.
        weight = (~impossible).astype(z.dtype) if impossible.any() else None
        # Against the largest logit the loss is log_sum, to all its digits.
        if self._gradients:
            found[table.LOG_SUM], _ = cross_entropy.value_and_grad(
                z, top, weight=weight, reduction="none", out=z
            )
        else:
            found[table.LOG_SUM] = cross_entropy(z, top, weight=weight, reduction="none")
        return found

    def differentiate(
        self,
        z: NDArray[Any],
        index: NDArray[np.int64],
        classes: slice,
        own: Rows,
        everything: Rows,
        scale: NDArray[np.float64],
    ) -> None:
        """Turn what ``state`` left in ``z`` into the gradient of the logits, times ``scale``.

        ``own`` is what ``state`` returned; ``everything`` what is known from all classes. With
        probabilities p among all classes and the target's shares a, the gradient is
        (sum(a) + 2 z_loss lse) p - a. The kernel left p - 1 at the largest logit and p elsewhere,
        p being that among the classes here.
        """
        problem = self._problem
        scale = scale / problem.temperature
        lse = table.log_sum_exp(everything)
        pull = everything[table.SHARE]
        if problem.z_loss:
            pull = pull + 2 * problem.z_loss * everything[table.EXAMPLE] * lse
        among_all = np.exp(
            (own[table.MAXIMUM] - everything[table.MAXIMUM])
            + (own[table.LOG_SUM] - everything[table.LOG_SUM])
        )
        factor = scale * pull * among_all
        z *= factor[:, None].astype(z.dtype)
        at_top = factor
        every = np.arange(len(z))
        top = own[table.PREDICTED].astype(np.int64) - (problem.offset + classes.start)
        if problem.labels is not None:
            here, column, share = self._labels(index, classes)
            share *= scale[here]
            is_top = top[here] == column
            # One number for both, so that a confident row's small gradient keeps its digits.
            at_top = factor.copy()
            at_top[here[is_top]] -= share[is_top]
            z[here[~is_top], column[~is_top]] -= share[~is_top].astype(z.dtype)
        z[every, top] += at_top.astype(z.dtype)
        if is_dense(problem):
            target = _view(self._target, z)
            target *= scale[:, None].astype(z.dtype)
            z -= target
        if problem.softcap is not None:
            z *= _view(self._slope, z)

    def _transform(self, z: NDArray[Any], classes: slice) -> None:
        """Add the bias, cap softly, divide by the temperature."""
        problem = self._problem
        if self._bias is not None:
            z += self._bias[classes]
        if problem.softcap is not None:
            impossible = np.isneginf(z)
            z *= 1 / problem.softcap
            np.tanh(z, out=z)
            if self._gradients:
                slope = _view(self._slope, z)
                np.multiply(z, z, out=slope)
                np.subtract(1, slope, out=slope)
            z *= problem.softcap
            # A class that cannot happen stays so: the cap would give it a share.
            np.copyto(z, -np.inf, where=impossible)
        if problem.temperature != 1:
            z *= 1 / problem.temperature

    def _labels(
        self, index: NDArray[np.int64], classes: slice
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
        """Return which rows have their label among the classes, where, and its share."""
        problem = self._problem
        assert problem.labels is not None
        first = problem.offset + classes.start
        column = problem.labels[index] - first
        here = np.flatnonzero((column >= 0) & (column < classes.stop - classes.start))
        column = column[here]
        share = np.full(len(here), 1 - problem.label_smoothing)
        if problem.class_weight is not None:
            share *= problem.class_weight[first + column]
        return here, column, share

    def _see_labels(
        self, z: NDArray[Any], index: NDArray[np.int64], classes: slice, found: Rows
    ) -> None:
        here, column, share = self._labels(index, classes)
        logit = z[here, column].astype(np.float64)
        gap = np.where(logit == -np.inf, np.inf, found[table.MAXIMUM, here] - logit)
        found[table.DISTANCE, here] = np.where(share == 0, 0.0, share * gap)
        found[table.SHARE, here] = share
        found[table.MASS, here] = 1
        found[table.EXAMPLE, here] = 1
        if self._problem.class_weight is not None:
            first = self._problem.offset + classes.start
            found[table.EXAMPLE, here] = self._problem.class_weight[first + column]
        top = found[table.PREDICTED, here] - (self._problem.offset + classes.start)
        found[table.HIT, here] = top == column

    def _see_target(
        self, z: NDArray[Any], index: NDArray[np.int64], classes: slice, found: Rows
    ) -> None:
        """Take probabilities, and what smoothing gives to every class that can happen."""
        problem = self._problem
        target, gap = _view(self._target, z), _view(self._gap, z)
        if problem.soft is None:
            target[...] = 0
        else:
            target[...] = problem.soft[index, classes]
            found[table.MASS] = target.sum(axis=1)
            top = found[table.PREDICTED].astype(np.int64) - (problem.offset + classes.start)
            found[table.HIT] = target[np.arange(len(z)), top]
            found[table.EXAMPLE] = found[table.MASS]
            if problem.class_weight is not None:
                target *= _here(problem, problem.class_weight, classes).astype(z.dtype)
                found[table.EXAMPLE] = target.sum(axis=1)
            target *= 1 - problem.label_smoothing
        has_impossible = bool((z.min(axis=1) == -np.inf).any())
        possible = np.greater(z, -np.inf) if has_impossible else True
        if self._uniform is not None:
            np.add(target, self._uniform[classes], out=target, where=possible)
        np.subtract(found[table.MAXIMUM, :, None].astype(z.dtype), z, out=gap)
        if has_impossible:
            np.copyto(gap, np.inf, where=~possible)  # not NaN, in a row of nothing else
            np.copyto(gap, 0, where=target == 0)
        gap *= target
        found[table.DISTANCE] += gap.sum(axis=1)
        found[table.SHARE] += target.sum(axis=1)


def is_dense(problem: Problem) -> bool:
    """Whether every class has a share of the target."""
    return problem.soft is not None or problem.label_smoothing > 0


def arrays_of_a_strip(problem: Problem, gradients: bool) -> int:
    """Return how many arrays of the size of a strip its work takes."""
    return 3 * is_dense(problem) + 2 * (problem.softcap is not None and gradients)


def _uniform(problem: Problem) -> NDArray[Any] | None:
    """Return what smoothing gives to each class here."""
    if problem.label_smoothing == 0:
        return None
    share = np.full(problem.classes, problem.label_smoothing / problem.num_classes)
    if problem.class_weight is not None:
        share *= _here(problem, problem.class_weight, slice(0, problem.classes))
    return share.astype(problem.dtype)


def _here(problem: Problem, values: NDArray[Any], classes: slice) -> NDArray[Any]:
    """Return the values of some of the classes here, from those of all shards."""
    return values[problem.offset + classes.start : problem.offset + classes.stop]


def _room(size: int, problem: Problem, needed: bool) -> NDArray[Any] | None:
    return np.empty(size, problem.dtype) if needed else None


def _view(room: NDArray[Any] | None, z: NDArray[Any]) -> NDArray[Any]:
    """Return the room that a strip needs, in its shape."""
    assert room is not None
    return room[: z.size].reshape(z.shape)
