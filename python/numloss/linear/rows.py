"""What is known of each row once some classes have been seen, and how two such things make one.

It is an array of float64 with a column for each row and these lines, all of them relative to the
row's largest logit here, so that small losses keep their digits:

- ``maximum``: the largest logit, -inf where no class here can happen;
- ``log_sum``: log(sum(exp(logit - maximum))), at least 0;
- ``distance``: sum(a (maximum - logit)), ``a`` being the target's share of each class: its
  probability after smoothing times its class weight;
- ``share``: sum(a);
- ``example``: sum(q class_weight) for the target's probabilities q before smoothing;
- ``mass``: sum(q), which is 1 once all classes have been seen;
- ``predicted``: the class of the largest logit, the first of several;
- ``hit``: q of that class: 1 or 0 for a label.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

Rows = np.ndarray[Any, np.dtype[np.float64]]

LINES = ("maximum", "log_sum", "distance", "share", "example", "mass", "predicted", "hit")
MAXIMUM, LOG_SUM, DISTANCE, SHARE, EXAMPLE, MASS, PREDICTED, HIT = range(len(LINES))


def unseen(count: int) -> Rows:
    """Return rows of which no class has been seen."""
    rows = np.zeros((len(LINES), count))
    rows[MAXIMUM] = -np.inf
    rows[PREDICTED] = -1
    return rows


def joined(first: Rows, other: Rows) -> Rows:
    """Return what is known from both, ``other`` being of later classes."""
    rows = first + other  # right for share, example and mass
    a, b = first[MAXIMUM], other[MAXIMUM]
    maximum = np.maximum(a, b)  # NaN where either is
    # Where no class of either can happen, nothing moves.
    down_a, down_b = (np.where(maximum == -np.inf, 0.0, maximum - x) for x in (a, b))
    one, two = first[LOG_SUM] - down_a, other[LOG_SUM] - down_b
    larger, smaller = np.maximum(one, two), np.minimum(one, two)
    rows[MAXIMUM] = maximum
    rows[LOG_SUM] = larger + np.log1p(np.exp(smaller - larger))
    rows[DISTANCE] = _moved(first, down_a) + _moved(other, down_b)
    later = (b > a) | (np.isnan(b) & ~np.isnan(a)) | (first[PREDICTED] < 0)
    for line in (PREDICTED, HIT):
        rows[line] = np.where(later, other[line], first[line])
    return rows


def _moved(rows: Rows, down: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the distances from a maximum that lies further up."""
    far = np.where(rows[SHARE] == 0, 0.0, rows[SHARE] * down)
    moved: NDArray[np.float64] = rows[DISTANCE] + far
    return moved


def log_sum_exp(rows: Rows) -> NDArray[np.float64]:
    """Return the logarithm of the sum of each row's exponentials."""
    found: NDArray[np.float64] = rows[MAXIMUM] + rows[LOG_SUM]
    return found


def losses(rows: Rows, z_loss: float) -> NDArray[np.float64]:
    """Return each row's loss, without its weight; NaN where no class can happen."""
    found: NDArray[np.float64] = rows[SHARE] * rows[LOG_SUM] + rows[DISTANCE]
    if z_loss:
        found += z_loss * rows[EXAMPLE] * log_sum_exp(rows) ** 2
    found[rows[MAXIMUM] == -np.inf] = np.nan
    return found
