"""What is known of rows from some classes or all, and the shards of a vocabulary."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, fields
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from numloss._raise import Error, InputTypeError
from numloss.linear import rows as table
from numloss.linear.passes import Gradients, Walk
from numloss.linear.places import places
from numloss.linear.problem import SLACK

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from numloss.linear.problem import Problem
    from numloss.linear.rows import Rows


@dataclass(frozen=True)
class Settings:
    """What turns rows into a value; it is the same for all shards of a call."""

    num_classes: int
    shape: tuple[int, ...]
    row_weight: NDArray[np.float64]
    class_weight: NDArray[np.float64] | None
    count: int
    label_smoothing: float
    softcap: float | None
    temperature: float
    z_loss: float
    reduction: str
    denominator: str | float

    @classmethod
    def of(cls, problem: Problem) -> Settings:
        """Return those of a call."""
        return cls(**{field.name: getattr(problem, field.name) for field in fields(cls)})

    def difference(self, other: Settings) -> str:
        """Return the name of a setting that differs, or nothing."""
        for field in fields(self):
            one, two = getattr(self, field.name), getattr(other, field.name)
            # A weight may be NaN, and is itself then.
            if not np.array_equal(one, two, equal_nan=isinstance(one, np.ndarray)):
                return field.name
        return ""

    def divisor(self, example: NDArray[np.float64]) -> float:
        """Return what the sum is divided by, from sum(q class_weight) of each row."""
        if self.reduction != "mean":
            return 1.0
        if self.denominator == "count":
            return float(self.count)
        if not isinstance(self.denominator, str):
            return self.denominator
        weights = self.row_weight if self.class_weight is None else self.row_weight * example
        return float(weights.sum(where=example > 0))

    def scale(self, example: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the factor of each row's gradient."""
        divisor = self.divisor(example)
        return self.row_weight / divisor if divisor else np.zeros_like(self.row_weight)


class RowState:
    """What is known of each row from the classes of one shard, or of several.

    ``Shard.state`` makes one. ``merge`` puts two together. Once all classes are there, ``value``
    and the other results can be had, and ``Shard.grad`` takes the state. It can be pickled.

    States keep their parts, which are put together in the order of their classes whenever a result
    is asked for. So the order and the grouping of merges change no bit.

    Attributes
    ----------
    classes : tuple of (int, int)
        Where each part's classes begin and end.

    Examples
    --------
    >>> import numpy as np
    >>> import numloss
    >>> hidden, weight = np.array([[1.0, 2.0]]), np.array([[0.5, 0.0], [0.0, 1.0], [1.0, 1.0]])
    >>> one, two = (
    ...     numloss.linear_cross_entropy.shard(
    ...         hidden, weight[first:end], [1], offset=first, num_classes=3
    ...     )
    ...     for first, end in [(0, 2), (2, 3)]
    ... )
    >>> state = one.state().merge(two.state())
    >>> state.classes
    ((0, 2), (2, 3))
    >>> round(float(state.value()), 6)
    1.371539
    """

    def __init__(
        self, settings: Settings, parts: tuple[tuple[int, int, Rows], ...], dtype: np.dtype[Any]
    ) -> None:
        self._settings = settings
        self._parts = parts
        self._dtype = dtype

    @classmethod
    def of(cls, problem: Problem, rows: Rows) -> RowState:
        """Return the state of a call's rows."""
        end = problem.offset + problem.classes
        parts = ((problem.offset, end, rows),)
        return cls(Settings.of(problem), parts, problem.result_dtype(problem.hidden))

    @property
    def classes(self) -> tuple[tuple[int, int], ...]:
        """Where each part's classes begin and end."""
        return tuple((first, end) for first, end, _ in self._parts)

    def merge(self, other: RowState) -> RowState:
        """Return the state of the classes of both; neither changes.

        Raises
        ------
        numloss.Error
            If both hold some class, or they come from calls with different rows or options.
        """
        if not isinstance(other, RowState):
            raise InputTypeError(f"other must be a RowState, got {type(other).__name__}", "other")
        if different := self._settings.difference(other._settings):
            raise Error(
                f"other must come from a call with the same rows and options, its {different} "
                "differs",
                "other",
            )
        parts = tuple(sorted((*self._parts, *other._parts), key=lambda part: part[:2]))
        for (_, end, _), (first, _, _) in pairwise(parts):
            if first < end:
                raise Error(f"other must hold other classes, got class {first} in both", "other")
        return RowState(self._settings, parts, self._dtype)

    def value(self) -> Any:
        """Return the value, reduced as the call of the shards asked.

        Returns
        -------
        numpy.float64, or ndarray
            With ``reduction="none"`` an array of the rows' losses in the dtype of ``hidden``.

        Raises
        ------
        numloss.Error
            If some class has not been seen, or shards had different labels.

        Warns
        -----
        RuntimeWarning
            If a mean is taken over nothing; it is nan then.
        """
        return self.reduced()

    def reduced(self) -> Any:
        """Return the value; a warning names the line that called the caller of this."""
        rows, settings = self.complete(), self._settings
        with np.errstate(all="ignore"):
            seen = _seen(rows)
            losses = np.zeros(rows.shape[1])
            losses[seen] = table.losses(rows[:, seen], settings.z_loss)
            losses[seen] *= settings.row_weight[seen]
            if settings.reduction == "none":
                return losses.reshape(settings.shape).astype(self._dtype)
            divisor = settings.divisor(rows[table.EXAMPLE])
            if divisor == 0:
                text = "mean of a loss over no examples: the result is nan"
                warnings.warn(text, RuntimeWarning, stacklevel=3)
                return np.float64(np.nan)
            return np.float64(losses.sum() / divisor)

    def logsumexp(self) -> NDArray[Any]:
        """Return log(sum(exp(logits))) of each row; NaN for a row that was left out."""
        rows = self.complete()
        return self._of_rows(table.log_sum_exp(rows), rows)

    def maximum(self) -> NDArray[Any]:
        """Return the largest logit of each row; NaN for a row that was left out."""
        rows = self.complete()
        return self._of_rows(rows[table.MAXIMUM], rows)

    def predicted(self) -> NDArray[np.int64]:
        """Return the class of the largest logit, the first of several; -1 for a row left out."""
        rows = self.complete()
        predicted: NDArray[np.int64] = rows[table.PREDICTED].astype(np.int64)
        return predicted.reshape(self._settings.shape)

    def accuracy(self) -> np.float64:
        """Return the weighted share of rows whose label is predicted; NaN where there is no row.

        Of probabilities it is the mean probability of the predicted class.
        """
        rows = self.complete()
        weights = np.where(_seen(rows), self._settings.row_weight, 0.0)
        with np.errstate(invalid="ignore"):
            return np.float64((weights * rows[table.HIT]).sum() / weights.sum())

    def complete(self) -> Rows:
        """Return what is known of the rows, or raise where some class has not been seen."""
        expected = 0
        ends = (*self.classes, (self._settings.num_classes, 0))
        for first, end in ends:
            if first != expected:
                raise Error(f"the state lacks classes {expected} to {first - 1}: merge it", "state")
            expected = end
        rows = self._parts[0][2]
        with np.errstate(all="ignore"):
            for _, _, later in self._parts[1:]:
                rows = table.joined(rows, later)
        wrong = _seen(rows) & (np.abs(rows[table.MASS] - 1) > SLACK)
        if wrong.any():
            row = int(np.argmax(wrong))
            raise Error(
                "labels must be the same for all shards, or their probabilities sum to 1 over all "
                f"classes, got a sum of {rows[table.MASS, row]:.6g} in row {row}",
                "labels",
            )
        return rows

    def scale(self, rows: Rows) -> NDArray[np.float64]:
        """Return the factor of each row's gradient."""
        return self._settings.scale(np.where(_seen(rows), rows[table.EXAMPLE], 0))

    def difference(self, problem: Problem) -> str:
        """Return the name of a setting that differs from a call's, or nothing."""
        return self._settings.difference(Settings.of(problem))

    def _of_rows(self, values: NDArray[np.float64], rows: Rows) -> NDArray[Any]:
        known = np.where(_seen(rows), values, np.nan)
        return known.reshape(self._settings.shape).astype(self._dtype)


def _seen(rows: Rows) -> NDArray[np.bool_]:
    seen: NDArray[np.bool_] = rows[table.PREDICTED] >= 0
    return seen


class Shard:
    """The classes of a vocabulary that one process holds.

    ``linear_cross_entropy.shard`` makes one. It keeps the arrays of the call, not copies of them.

    Examples
    --------
    >>> import numpy as np
    >>> import numloss
    >>> hidden, weight = np.array([[1.0, 2.0]]), np.array([[0.5, 0.0], [0.0, 1.0], [1.0, 1.0]])
    >>> shards = [
    ...     numloss.linear_cross_entropy.shard(
    ...         hidden, weight[first:end], [1], offset=first, num_classes=3
    ...     )
    ...     for first, end in [(0, 2), (2, 3)]
    ... ]
    >>> state = shards[0].state().merge(shards[1].state())
    >>> gradients = [shard.grad(state) for shard in shards]
    >>> sum(hidden for hidden, weight in gradients).round(4)
    array([[ 0.718 , -0.0566]])
    >>> np.concatenate([weight for hidden, weight in gradients]).round(4)
    array([[ 0.0566,  0.1132],
           [-0.7463, -1.4926],
           [ 0.6897,  1.3793]])
    """

    def __init__(self, problem: Problem) -> None:
        self._problem = problem

    def state(self) -> RowState:
        """Return what is known of the rows from the classes of this shard."""
        with np.errstate(all="ignore"):
            rows = Walk(self._problem, None).states()
        return RowState.of(self._problem, rows)

    def grad(self, state: RowState, out: Any = None) -> tuple[NDArray[Any], ...]:
        """Return the gradients, from the state of all shards; the logits are computed again.

        Parameters
        ----------
        state : RowState
            The states of all shards, merged.
        out : tuple, optional
            A place (an array or None) for each gradient.

        Returns
        -------
        tuple of ndarray
            This shard's part of the gradient of ``hidden``, which is the sum of all shards' parts;
            the gradient of the shard's weight; that of its bias where it has one.
        """
        problem = self._problem
        if not isinstance(state, RowState):
            raise InputTypeError(f"state must be a RowState, got {type(state).__name__}", "state")
        if different := state.difference(problem):
            raise Error(
                f"state must come from a call with the same rows and options, its {different} "
                "differs",
                "state",
            )
        rows = state.complete()
        arrays, results = places(problem, out)
        with np.errstate(all="ignore"):
            Walk(problem, Gradients(problem, arrays)).differentiate(rows, state.scale(rows))
        return results
