"""What the docstrings of all losses share, in place of ``{name}``, and those of methods."""

from __future__ import annotations

import inspect

_KEYWORDS = """\
weight : array-like, optional
    Weight of each example, finite and at least 0 (a NaN makes the result NaN): a number, or an
    array of the shape of the examples, in which an axis may have length 1. On examples of shape
    (N, M) ``weight[:, None]`` weighs rows and ``weight[None, :]`` columns. An example of weight 0
    is not there: NaN or anything else in it does not reach the result.
reduction : {"mean", "sum", "none"}, default "mean"
    ``"mean"`` is sum(w l) / sum(w). Derivatives are those of the reduced value; with ``"none"``
    they are per element, unscaled.
denominator : {"weight", "count"} or float, default "weight"
    What a mean divides by: the sum of the weights, the number of examples (ignored ones aside), or
    a positive number, such as the number of examples of all micro-batches.
allow_negative_weight : bool, default False
    Whether weights may be negative, as those of simulated events are: all is multiplied by them as
    they are. A mean by the sum of the weights is refused where that sum is not above 0.
reduce_axis : int or tuple of int, optional
    The axes to take the mean or the sum along, of those that ``reduction="none"`` leaves; default:
    all. The value is a float64 array by the other axes: of each slice what a call on it alone
    gives, the same bits, divided by its own weights. Derivatives are those of each slice's value.
keepdims : bool, default False
    Whether the value keeps reduced axes, with length 1.
dtype : dtype, optional
    Type of the arrays among the results; default: that of the prediction. ``dtype="float32"`` keeps
    losses of float16 predictions from being rounded, and halves the memory of results that are
    computed in float64; ``dtype="float64"`` computes in float64.
out : ndarray or tuple, optional
    Where arrays among the results are written, of exactly their shape and dtype: a tuple with a
    place (an array or None) for each, in the order in which they are returned; or a lone array,
    for the gradient where there is one, else for the first. It may be the prediction itself.
    A torch tensor or another library's array in memory of the CPU that may be written is a place,
    too, and is what comes back.
"""

_ELEMENTWISE = f"""\
Parameters
----------
prediction : array-like
    Predictions, of any shape; every element is an example.
target : array-like
    Targets, of the same shape as the prediction, or a scalar. Integers that float32 would round are
    computed with in float64.
{_KEYWORDS}"""

_ROWWISE = """\
Parameters
----------
prediction : array-like
    Scores of the classes (logits, not probabilities), of any shape with an axis of classes. A
    score of -inf is a class that cannot happen.
target : array-like
    {target}
{keywords}axis : int or tuple of int, default -1
    The axis of the classes. Name it: of an array of shape (N, C, L) with C = L no shape tells
    which one it is. Several are taken as one, in their order.
"""

_LABELS = """Labels in [0, C), shaped like the prediction without its axis of classes: integers,
    or floats that are whole."""
_BOTH = f"""{_LABELS[:-1]};
    or probabilities, shaped like the prediction, that sum to 1 over the classes."""
_PROBABILITIES = "Probabilities, shaped like the prediction, that sum to 1 over the classes."

_PIXELS = f"""\
Parameters
----------
prediction : array-like
    Logits of the pixels, of any shape with an axis of the pixels of an image. One of -inf is a
    pixel that is not in the region.
target : array-like
    Shaped like the prediction: booleans, or numbers in [0, 1], how much of a pixel is in the
    region.
{_KEYWORDS}axis : int or tuple of int, default -1
    The axis of the pixels, or several: of masks of shape (N, H, W) ``axis=(1, 2)`` has an image a
    row, ``axis=(0, 1, 2)`` the whole batch as one.
"""

_PIXELS_OF_A_SET = _PIXELS.replace(
    """booleans, or numbers in [0, 1], how much of a pixel is in the
    region.""",
    "booleans, whether a pixel is in the region.",
)
_SCORED_PIXELS = _PIXELS_OF_A_SET.replace("Logits of", "Scores of")

_SETS = "Booleans, shaped like the prediction: whether a class is there."

_LISTS = f"""\
Parameters
----------
prediction : array-like
    Scores, higher ones first in the order: rows of a list each, of any shape with an axis of items;
    or the lists one behind the other along one axis, with ``groups``.
target : array-like
    Relevances, shaped like the prediction: the higher, the further ahead an item belongs.
{_KEYWORDS}groups : array-like, optional
    Sizes of the lists along a prediction of one axis: whole numbers of at least 1 whose sum is its
    length. Examples are the lists then, and so are ``weight`` and the values of
    ``reduction="none"``. ``numloss.group_sizes`` makes sizes of the queries' ids.
axis : int, default -1
    The axis of the items, where lists are rows.
"""

_STRATA = _LISTS.replace(
    "Scores, higher ones first in the order: rows of a list each",
    "Scores: rows of a list each (a stratum)",
).replace(
    """Relevances, shaped like the prediction: the higher, the further ahead an item belongs.""",
    """Times, shaped like the prediction, at least 0. Their order alone counts; an infinite one is
    after all others.""",
)

_THRESHOLDS = """\
Parameters
----------
prediction : array-like
    A number for each of the K - 1 thresholds between K classes in an order, of any shape with an
    axis of thresholds. A NaN makes the row NaN.
target : array-like
    Labels in [0, K), one more than there are thresholds, shaped like the prediction without its
    axis of thresholds: integers, or floats that are whole.
{keywords}axis : int, default -1
    The axis of the thresholds.
"""

_MEMBERS = """\
Parameters
----------
prediction : array-like
    {what}, of any shape with an axis of them.
target : array-like
    What came true, a number for each row: shaped like the prediction without that axis, or a
    scalar.
{keywords}axis : int, default -1
    The axis of the row's numbers.
"""

_ROWS = "    Rows of numbers, of any shape with an axis along which rows lie; each is an example.\n"

_VECTORS = f"""\
Parameters
----------
prediction : array-like
{_ROWS}target : array-like
    The rows that they are to be like, shaped like the prediction.
{_KEYWORDS}axis : int, default -1
    The axis along which rows lie.
"""

_PAIRS = f"""\
Parameters
----------
first : array-like
{_ROWS}second : array-like
    The rows that they are compared with, of the same shape.
target : array-like
    {{target}}: a number for each example, shaped like the first without the axis of its rows, or a
    scalar.
{_KEYWORDS}axis : int, default -1
    The axis along which rows lie.
"""

_TRIPLETS = f"""\
Parameters
----------
anchor : array-like
{_ROWS}positive : array-like
    Rows that are to be near to them, of the same shape.
negative : array-like
    Rows that are not, of the same shape.
{_KEYWORDS}axis : int, default -1
    The axis along which rows lie.
"""

_SCORES = f"""\
Parameters
----------
first : array-like
    Scores, of any shape; every element is an example.
second : array-like
    The scores that they are compared with, of the same shape.
target : array-like
    +1 where the first is to be higher, -1 where the second is, or booleans; of the same shape, or a
    scalar.
{_KEYWORDS}"""

_IGNORE = """\
ignore_index : int, default -100
    Label of examples that are not there: neither their scores nor their weight count.
"""

_CLASS_WEIGHT = """\
class_weight : array-like, optional
    A factor for each class, part of an example's weight: of its label's, or sum(q class_weight)
    for probabilities q. Other libraries call it ``weight``, which here belongs to the examples: an
    array of length C = N passed there weighs examples.
"""

_TEMPERATURE = """\
temperature : float, default 1.0
    :math:`T`, positive; it divides the scores, before all else that is computed of them. The
    gradient has 1/T and the Hessian 1/T² of it: of a loss of soft targets that is to weigh the same
    at any temperature take T² times all three.
"""

_SOFTCAP = """\
softcap : float, optional
    :math:`s`, positive, in the unit of the scores, which become :math:`s \\tanh(x / s)` before the
    temperature divides them. A class that cannot happen stays so.
"""

_WHERE = """\
where : array-like, optional
    Booleans, whether a class can happen: of the shape of the prediction, in which an axis of
    examples may have length 1, or one for each class. A class that cannot, whatever its score, has
    probability and gradient 0, as one of score -inf; its label's loss is infinite. Label smoothing
    spreads over the classes that can.
"""

_FROM_LOGITS = """\
from_logits : bool, default True
    Whether the prediction holds scores. Otherwise it holds probabilities :math:`p` in [0, 1],
    which are taken as they are, whatever a row adds up to, with derivatives by them; options of
    scores must be left out. Keras normalises and clips them: pass ``numpy.clip(p / p.sum(axis,
    keepdims=True), 1e-7, 1 - 1e-7)`` for that.
"""

_ANY_SUM = """\
any_sum : bool, default False
    Whether probabilities as targets may add up to anything: counts, votes, weights of several
    labels, each at least 0. The formula is that of such numbers as it stands; a cross-entropy is
    :math:`-\\sum_c q_c \\log p_c`, with the gradient :math:`p \\sum_c q_c - q`. The weight
    of a row stays what it is.
"""

_FROM_LOGITS_OF_PIXELS = """\
from_logits : bool, default True
    Whether the prediction holds logits. Otherwise it holds probabilities in [0, 1], such as those
    of a softmax over classes, with derivatives by them.
"""

_LOGSUMEXP = """\
return_logsumexp : bool, default False
    Whether to return log(sum(exp(scores))) of each row, too, in the dtype of the rows' values. The
    array follows the results of the call, which then are a tuple; it comes from the same pass, and
    ignored rows and those of weight 0 have it as well.
"""

_PREDICTED = """\
return_predicted : bool, default False
    Whether to return the class with the highest score of each row, too, as ``numpy.argmax`` finds
    it, int64. The array comes last in the tuple of results; all rows have it.
"""

_RESULTS = """\
Returns
-------
numpy.float64, or ndarray
    The reduced value; with ``reduction="none"`` an array of the examples' values in the dtype of
    the prediction (a target of another float type promotes as in NumPy, integers become float64).
    ``grad``, ``value_and_grad`` and ``grad_and_hess`` return arrays shaped like the prediction.
    Several results come as a tuple.

Raises
------
numloss.Error
    (a ValueError) If shapes differ, a target or parameter lies outside its domain, or ``out`` does
    not fit. Nothing has been written then.
numloss.InputTypeError
    (a TypeError) If an argument has a type or dtype that the loss does not take.
MemoryError
    If there is not the memory for a result, or for the work on a row of very many classes.

Warns
-----
RuntimeWarning
    If a mean is taken over nothing; it is nan then, and the gradient zeros.
"""

_PENALTY = """\
Parameters
----------
w : array-like
    Weights, of any shape.
strength : float, default 1.0
    :math:`\\lambda`, at least 0.
"""

_PENALTY_RESULTS = """\
out : ndarray or tuple, optional
    Where the gradient is written, or a pair of places for gradient and Hessian.

Returns
-------
numpy.float64, or ndarray
    The penalty; ``grad``, ``value_and_grad`` and ``grad_and_hess`` return arrays shaped like ``w``.

Raises
------
numloss.Error
    (a ValueError) If a parameter lies outside its range or ``out`` does not fit.
numloss.InputTypeError
    (a TypeError) If an argument has a type or dtype that cannot be taken.
"""

_PARTS = {
    "call": _KEYWORDS,
    "elementwise": _ELEMENTWISE,
    "labels": _ROWWISE.replace("{target}", _LABELS).replace("{keywords}", _KEYWORDS),
    "labels or probabilities": _ROWWISE.replace("{target}", _BOTH).replace("{keywords}", _KEYWORDS),
    "probabilities": _ROWWISE.replace("{target}", _PROBABILITIES).replace("{keywords}", _KEYWORDS),
    "sets": _ROWWISE.replace("{target}", _SETS).replace("{keywords}", _KEYWORDS),
    "pixels": _PIXELS,
    "pixels of a set": _PIXELS_OF_A_SET,
    "pixels of scores": _SCORED_PIXELS,
    "lists": _LISTS,
    "strata": _STRATA,
    "thresholds": _THRESHOLDS.replace("{keywords}", _KEYWORDS),
    "members": _MEMBERS.replace("{what}", "Members of ensembles, in any order").replace(
        "{keywords}", _KEYWORDS
    ),
    "quantiles": _MEMBERS.replace("{what}", "Quantiles of forecasts").replace(
        "{keywords}", _KEYWORDS
    ),
    "rows": _VECTORS,
    "pairs": _PAIRS.replace("{target}", "1 where the rows are alike, 0 where not, or in between"),
    "pairs of signs": _PAIRS.replace(
        "{target}", "+1 where the rows are alike, -1 where not, or booleans"
    ),
    "triplets": _TRIPLETS,
    "scores": _SCORES,
    "ignore_index": _IGNORE,
    "class_weight": _CLASS_WEIGHT,
    "temperature": _TEMPERATURE,
    "softcap": _SOFTCAP,
    "from_logits": _FROM_LOGITS,
    "from_logits of pixels": _FROM_LOGITS_OF_PIXELS,
    "where": _WHERE,
    "any_sum": _ANY_SUM,
    "logsumexp": _LOGSUMEXP,
    "predicted": _PREDICTED,
    "results": _RESULTS,
    "penalty": _PENALTY,
    "penalty results": _PENALTY_RESULTS,
}


def complete(docstring: str | None) -> str:
    """Return a docstring with the shared parts in their places."""
    text = inspect.cleandoc(docstring or "")
    for name, part in _PARTS.items():
        text = text.replace(f"{{{name}}}\n", part)
    return text


LOSS = """A loss function: call it for the value, or use its methods for the derivatives.

Every method takes the arguments of the call. ``reduction`` is ``"mean"``, ``"sum"`` or ``"none"``;
the derivatives are those of the reduced value with respect to the prediction, and per element,
unscaled, with ``"none"``. Losses are made by the library; they have no public constructor.

Examples
--------
>>> import numloss
>>> isinstance(numloss.huber, numloss.Loss)
True
>>> value, gradient = numloss.huber.value_and_grad([1.0, 3.0], [0.5, 0.0], reduction="sum")
>>> gradient
array([0.5, 1. ])
>>> gradient, hessian = numloss.huber.grad_and_hess([1.0, 3.0], [0.5, 0.0], reduction="sum")
>>> hessian
array([1., 0.])
"""

_HEADS = """
A loss of several inputs that have gradients returns them as a tuple, in the order of its arguments.
"""

METHODS = {
    "grad": f"""Return the gradient of the reduced value, in the shape of the prediction.

It takes the arguments of ``numloss.{{loss}}``; ``out`` is where the gradient is written.
{_HEADS}
Examples
--------
>>> import numloss
>>> numloss.huber.grad([1.0, 3.0], [0.5, 0.0])
array([0.25, 0.5 ])
""",
    "value_and_grad": f"""Return value and gradient from one pass over the data.

It takes the arguments of ``numloss.{{loss}}``; ``out`` is where the gradient is written.
{_HEADS}
Examples
--------
>>> import numloss
>>> value, gradient = numloss.huber.value_and_grad([1.0, 3.0], [0.5, 0.0])
>>> float(value)
1.3125
""",
    "grad_and_hess": f"""Return the gradient and the diagonal of the Hessian of the reduced value.

It takes the arguments of ``numloss.{{loss}}``; ``out`` is a pair of arrays, or None for either.
{_HEADS}
Examples
--------
>>> import numloss
>>> gradient, hessian = numloss.huber.grad_and_hess([1.0, 3.0], [0.5, 0.0])
>>> hessian
array([0.5, 0. ])
""",
}
