"""Losses of sequences against shorter ones whose places along them nobody knows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from numloss._loss import Call, loss

if TYPE_CHECKING:
    from numpy.typing import ArrayLike
    from typing_extensions import Unpack

__all__ = ["ctc"]


@loss(link="softmax", convex=False, influence="bounded")
def ctc(
    prediction: ArrayLike,
    target: ArrayLike,
    *,
    input_lengths: ArrayLike | None = None,
    target_lengths: ArrayLike | None = None,
    blank: int = 0,
    zero_infinity: bool = False,
    ignore_index: int = -100,
    **call: Unpack[Call],
) -> Any:
    r"""Connectionist temporal classification: labels of a sequence, without their places.

    At each step :math:`t` the softmax of the scores, :math:`p_t`, has chances of the classes and of
    "no label", the class ``blank``. A path :math:`\pi` names a class for each step; it spells the
    labels :math:`y` if these are left when classes that follow themselves are made one and blanks
    are taken out. The loss is how unlikely all such paths are together

    .. math:: l = -\log \sum_{\pi \text{ spells } y} \prod_t p_t(\pi_t)

    By the score of class :math:`k` at step :math:`t` the gradient is :math:`p_t(k)` less the chance
    that a path which spells :math:`y` has :math:`k` there. A value and a gradient are all that
    there is: ``grad_and_hess`` is refused.

    A sequence with fewer steps than its labels and the blanks between equal ones need, or with
    scores of -inf on every path, has loss inf and a gradient of NaN; ``zero_infinity`` makes both
    of them 0. One without labels costs what blank at every step does, one without steps and labels
    nothing. A step without a possible class, or with a NaN, makes the sequence NaN. Steps from
    ``input_lengths`` on are not read; their gradient is 0.

    Logarithms of probabilities are scores, too, with the same loss; by them this is the gradient
    that torch gives. Scores of steps first, (T, N, C) as torch has them, are
    ``scores.transpose(1, 0, 2)``: no layout is copied as a whole. Of several sequences torch's mean
    is ``weight=1 / numpy.maximum(target_lengths, 1), denominator="count"``.

    Parameters
    ----------
    prediction : array-like
        Scores of the classes (logits), of shape (N, T, C), or (T, C) of a single sequence: a row
        for each step. A score of -inf is a class that cannot happen. Integers and lists are
        computed with in float64.
    target : array-like
        Labels in [0, C) other than ``blank``, of shape (N, S), or (S,) of a single sequence:
        integers, or floats that are whole.
    {call}
    input_lengths : array-like, optional
        How many steps of each sequence there are, from 0 to T: a number, or one for each.
        Default: all.
    target_lengths : array-like, optional
        How many labels each sequence has, from 0 to S; what stands behind them is not read.
        Default: those before the first that is ``ignore_index``.
    blank : int, default 0
        The class that is no label, counted from the last one where it is negative.
    zero_infinity : bool, default False
        Whether a sequence that no path spells has loss and gradient 0.
    ignore_index : int, default -100
        What ends the labels where ``target_lengths`` is left out. It may be ``blank`` itself.

    {results}

    Examples
    --------
    >>> import numpy as np
    >>> import numloss
    >>> scores = np.log([[0.5, 0.25, 0.25], [0.5, 0.25, 0.25]])
    >>> loss = numloss.ctc(scores, [1])  # paths 1 1, 0 1, 1 0
    >>> round(float(np.exp(-loss)), 6)  # 1/16 + 1/8 + 1/8
    0.3125
    >>> numloss.ctc.grad(scores, [1])
    array([[ 0.1 , -0.35,  0.25],
           [ 0.1 , -0.35,  0.25]])
    >>> numloss.ctc([scores, scores], [[1, 2], [2, -100]], reduction="none").round(6)
    array([2.772589, 1.163151])

    References
    ----------
    A. Graves et al., "Connectionist temporal classification: labelling unsegmented sequence data
    with recurrent neural networks", ICML 2006, eq. 5-16.
    """
