"""The parts that the docstrings of all losses share, put where ``{name}`` stands in them."""

from __future__ import annotations

import inspect

_KEYWORDS = """\
weight : array-like, optional
    Weight of each example, finite and at least 0; broadcasts to the examples. An example of weight
    0 is not there: NaN or anything else in it does not reach the result.
reduction : {"mean", "sum", "none"}, default "mean"
    ``"mean"`` is sum(w l) / sum(w). Derivatives are those of the reduced value; with ``"none"``
    they are per element, unscaled.
denominator : {"weight", "count"} or float, default "weight"
    What a mean divides by: the sum of the weights, the number of examples (ignored ones aside), or
    a positive number, such as the number of examples of all micro-batches.
out : ndarray or tuple, optional
    Where an array among the results is written, of exactly its shape and dtype: the per-example
    values, the gradient, or a tuple with a place (an array or None) for each array. It may be the
    prediction itself.
"""

_ELEMENTWISE = f"""\
Parameters
----------
prediction : array-like
    Predictions, of any shape; every element is an example.
target : array-like
    Targets, of the same shape as the prediction, or a scalar.
{_KEYWORDS}"""

_ROWWISE = """\
Parameters
----------
prediction : array-like
    Scores of the classes (logits, not probabilities), of any shape with an axis of classes. A
    score of -inf is a class that cannot happen.
target : array-like
    {target}
{keywords}axis : int, default -1
    The axis of the classes.
"""

_LABELS = "Integer labels in [0, C), shaped like the prediction without its axis of classes."
_BOTH = f"""{_LABELS[:-1]};
    or probabilities, shaped like the prediction, that sum to 1 over the classes."""
_PROBABILITIES = "Probabilities, shaped like the prediction, that sum to 1 over the classes."

_IGNORE = """\
ignore_index : int, default -100
    Label of examples that are not there: neither their scores nor their weight count.
"""

_CLASS_WEIGHT = """\
class_weight : array-like, optional
    A factor for each class, part of an example's weight: of its label's, or sum(q class_weight)
    for probabilities q.
"""

_RESULTS = """\
Returns
-------
numpy.float64, or ndarray
    The reduced value; with ``reduction="none"`` an array of the examples' values in the dtype of
    the prediction (a target of another float type promotes as in NumPy, integers become float64).
    ``grad``, ``value_and_grad`` and ``grad_and_hess`` return arrays shaped like the prediction.

Raises
------
ValueError
    If shapes differ, a target or parameter lies outside its domain, or ``out`` does not fit.
    Nothing has been written then.
TypeError
    If an argument has a type or dtype that the loss does not take.
MemoryError
    If there is not the memory for a result, or for the work on a row of very many classes.

Warns
-----
RuntimeWarning
    If a mean is taken over nothing; it is nan then, and the gradient zeros.
"""

_PARTS = {
    "elementwise": _ELEMENTWISE,
    "labels": _ROWWISE.replace("{target}", _LABELS).replace("{keywords}", _KEYWORDS),
    "labels or probabilities": _ROWWISE.replace("{target}", _BOTH).replace("{keywords}", _KEYWORDS),
    "probabilities": _ROWWISE.replace("{target}", _PROBABILITIES).replace("{keywords}", _KEYWORDS),
    "ignore_index": _IGNORE,
    "class_weight": _CLASS_WEIGHT,
    "results": _RESULTS,
}


def complete(docstring: str | None) -> str:
    """Return a docstring with the shared parts in their places."""
    text = inspect.cleandoc(docstring or "")
    for name, part in _PARTS.items():
        text = text.replace(f"{{{name}}}\n", part)
    return text
