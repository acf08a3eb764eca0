"""Losses over classes that have an order."""

from __future__ import annotations

from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from numloss import _core, _validate
from numloss._arithmetic import ieee
from numloss._loss import Call, Loss, by_class_weight, label_rows, rowwise, soft_label_rows

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike, NDArray
    from typing_extensions import Unpack

    from numloss._loss import PerClass

__all__ = ["ordinal_cross_entropy", "ranked_probability"]

_RANKED_PROBABILITY = label_rows("ranked_probability")
_ORDINAL_CROSS_ENTROPY = soft_label_rows("cross_entropy_distribution")


#: What depends on the number of classes, of which the last alone is there: rows of shares, one for
#: each label, and what makes them add up to 1.
SoftLabels = tuple[None, None, tuple["NDArray[np.float64]", "NDArray[np.float64]"]]


def _per_class(
    class_weight: ArrayLike | None, distance: ArrayLike | str, temperature: float
) -> PerClass:
    """Return what makes the weight of each class and the distribution of each label."""
    soft_labels: Callable[[int], SoftLabels]
    if isinstance(distance, str):
        name = _validate.one_of("distance", distance, ("absolute", "squared"))
        soft_labels = _by_steps(name, temperature)
    else:
        soft_labels = partial(_by_table, distance, temperature)
    if class_weight is None:
        return soft_labels
    return lambda classes: (
        _validate.class_numbers("class_weight", class_weight, classes),
        *soft_labels(classes)[1:],
    )


def _by_table(distance: ArrayLike, temperature: float, classes: int) -> SoftLabels:
    distances = _validate.class_table("distance", distance, classes)
    with ieee:
        shares = _shares(distances - distances.min(axis=1, keepdims=True), temperature)
        return None, None, (shares, 1 / np.add.accumulate(shares, axis=1)[:, -1])


# Making the labels costs more than a small call: those of the last few calls are kept. Looking one
# up is quickest by a single integer.
@lru_cache(maxsize=4)
def _by_steps(distance: str, temperature: float) -> Callable[[int], SoftLabels]:
    """Return what makes the table of a distance that depends on |c - y| alone."""

    @lru_cache(maxsize=2)
    def soft_labels(classes: int) -> SoftLabels:
        """Return a table of C numbers, not C x C."""
        with ieee:
            steps = np.arange(float(classes))
            shares = _shares(steps if distance == "absolute" else steps * steps, temperature)
            sums = np.add.accumulate(shares)
            scale = 1 / (sums + sums[::-1] - shares[0])
        # Row y begins y places before the share of the label itself in the middle.
        mirrored = np.concatenate([shares[:0:-1], shares])
        rows = as_strided(
            mirrored[classes - 1 :], (classes, classes), (-mirrored.itemsize, mirrored.itemsize)
        )
        return None, None, (rows, scale)

    return soft_labels


def _shares(distances: NDArray[np.float64], temperature: float) -> NDArray[np.float64]:
    # The share of a class too far off is 0, whatever the caller makes of underflow.
    with np.errstate(all="ignore"):
        exponents = -distances / temperature
    # NumPy's exp and sum depend on the CPU; the kernels' exp and a running sum do not.
    return _core.apply("exp_nonpositive", exponents).reshape(exponents.shape)


@Loss
def ranked_probability(
    mode: int,
    prediction: ArrayLike,
    target: ArrayLike,
    *,
    class_weight: ArrayLike | None = None,
    ignore_index: int = -100,
    axis: int = -1,
    **call: Unpack[Call],
) -> Any:
    r"""Ranked probability score of the softmax of logits: squared earth mover's distance.

    With :math:`F_k = \sum_{c \le k} \mathrm{softmax}(x)_c` and label :math:`y`

    .. math:: l = \sum_{k=0}^{C-2} (F_k - [y \le k])^2

    so that a prediction one class off costs less than one three classes off.

    {labels}
    {class_weight}
    {ignore_index}

    {results}

    Examples
    --------
    >>> import numloss
    >>> sure_of_last = [[0.0, 0.0, 50.0]]
    >>> round(float(numloss.ranked_probability(sure_of_last, [1])), 6)
    1.0
    >>> round(float(numloss.ranked_probability(sure_of_last, [0])), 6)
    2.0

    References
    ----------
    E. S. Epstein, "A scoring system for probability forecasts of ranked categories", Journal of
    Applied Meteorology 8 (1969); as a training loss: L. Hou et al., "Squared earth mover's
    distance-based loss", 2016, eq. 4.
    """
    return rowwise(
        _RANKED_PROBABILITY,
        mode,
        prediction,
        target,
        (),
        axis,
        ignore_index,
        call,
        per_class=None if class_weight is None else by_class_weight(class_weight),
    )


@Loss
def ordinal_cross_entropy(
    mode: int,
    prediction: ArrayLike,
    target: ArrayLike,
    *,
    distance: ArrayLike | str = "absolute",
    temperature: float = 1.0,
    class_weight: ArrayLike | None = None,
    ignore_index: int = -100,
    axis: int = -1,
    **call: Unpack[Call],
) -> Any:
    r"""Cross-entropy against soft labels that fall off with the distance from the label.

    With label :math:`y`, a distance :math:`d` between classes and a temperature :math:`\tau`

    .. math:: l = \log \sum_c e^{x_c} - \sum_c q_c x_c, \qquad
              q_c \propto e^{-d(c, y) / \tau}

    As :math:`\tau \to 0` it becomes ``cross_entropy``.

    {labels}
    distance : {"absolute", "squared"} or array-like, default "absolute"
        :math:`|c - y|`, :math:`(c - y)^2`, or a table of C x C numbers of at least 0, the row of
        the label y holding d(c, y).
    temperature : float, default 1.0
        :math:`\tau`; positive, in the unit of the distance.
    {class_weight}
    {ignore_index}

    {results}

    Examples
    --------
    >>> import numloss
    >>> sure_of_last = [[0.0, 0.0, 5.0]]
    >>> near, far = (numloss.ordinal_cross_entropy(sure_of_last, [y]) for y in (1, 0))
    >>> bool(near < far)
    True

    References
    ----------
    R. Diaz and A. Marathe, "Soft labels for ordinal regression", CVPR 2019, eq. 1.
    """
    temperature = _validate.positive("temperature", temperature)
    return rowwise(
        _ORDINAL_CROSS_ENTROPY,
        mode,
        prediction,
        target,
        (),
        axis,
        ignore_index,
        call,
        per_class=_per_class(class_weight, distance, temperature),
    )
