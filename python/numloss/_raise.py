"""From what the checks found wrong to the exception that says so, in the words of NumPy.

The checks (csrc/checks) find every fault of a call and say it in a sentence; what a user of Python
can do about it is added here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from inspect import Parameter, signature
from typing import Any, NoReturn

import numpy as np


class Error(ValueError):
    """A wrong argument: what a service may answer with "bad request".

    Attributes
    ----------
    argument : str
        Name of the argument at fault.
    index : tuple of int
        Of its first bad element; empty where the argument as a whole is at fault.
    problem, fix : str
        What was needed and what came, and what can be done about it: the text without the index.
    kind : str
        What kind of fault it is, such as ``"shape"``, ``"parameter"`` or ``"element"``.

    Examples
    --------
    >>> import numloss
    >>> try:
    ...     numloss.cross_entropy([[0.5, 1.0], [2.0, 0.0]], [1, 2])
    ... except numloss.Error as error:
    ...     print(error.argument, error.index)
    target (1,)
    """

    def __init__(
        self,
        text: str,
        argument: str = "",
        index: tuple[int, ...] = (),
        problem: str = "",
        fix: str = "",
        kind: str = "argument",
    ) -> None:
        super().__init__(text)
        self.argument = argument
        self.index = index
        self.problem = problem or text
        self.fix = fix
        self.kind = kind

    def __reduce__(self) -> tuple[Any, ...]:
        parts = str(self), self.argument, self.index, self.problem, self.fix, self.kind
        return type(self), parts


class InputTypeError(Error, TypeError):
    """An argument of a wrong type, or a call with other arguments than there are.

    Examples
    --------
    >>> import numloss
    >>> issubclass(numloss.InputTypeError, TypeError)
    True
    """


def shown(value: object) -> str:
    """Return a value as Python writes it, cut to a length that a message can hold."""
    try:
        text = " ".join(repr(value).split())
    except Exception:  # integers of thousands of digits, and objects of bad manners
        text = f"a value of type {type(value).__name__}"
    return text if len(text) <= 60 else text[:57] + "..."


def listed(names: Iterable[str]) -> str:
    """Return names as a sentence has them: ``'a', 'b' or 'c'``."""
    quoted = [f"'{name}'" for name in names]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} or {quoted[-1]}"


@dataclass(frozen=True)
class Fault:
    """What the checks say: what is wrong with which argument of which call."""

    kind: str  #: the code of csrc/checks/fault.hpp by name
    is_type: bool
    argument: str
    needed: str
    got: str
    index: tuple[int, ...]
    culprit: Any  #: the object at fault, if it is known
    prediction: Any
    target: Any
    axis: int  #: of the classes
    takes_labels: bool
    takes_probabilities: bool


def fault(*parts: Any) -> NoReturn:
    """Raise for a fault that the checks found."""
    found = Fault(*map(_plain, parts))
    got, index = _came(found), found.index
    problem = f"{found.argument} {found.needed}" + (f", got {got}" if got else "")
    place = f" at index {index[0] if len(index) == 1 else index}" if index else ""
    fix_of = _FIXES.get(found.kind)
    fix = fix_of(found) if fix_of is not None else ""
    refusal = InputTypeError if found.is_type else Error
    raise refusal(f"{problem}{place}{fix}", found.argument, index, problem, fix, found.kind)


def _plain(part: Any) -> Any:
    """Return an array of a subclass, whose attributes may be anything, as one of NumPy's own."""
    return np.asarray(part) if issubclass(type(part), np.ndarray) else part


def _came(found: Fault) -> str:
    """Return what came as the user wrote it, or as NumPy prints it."""
    kind, culprit, index = found.kind, found.culprit, found.index
    if kind == "parameter" or (found.needed.startswith("must fit") and np.isscalar(culprit)):
        return shown(culprit)
    if not isinstance(culprit, np.ndarray):
        return found.got
    if kind == "output_type":
        return str(culprit.dtype)
    is_element = kind in ("element", "signs", "logits", "inexact")
    return str(culprit[index]) if is_element and culprit.ndim == len(index) > 0 else found.got


def _shape_fix(found: Fault) -> str:
    if found.argument != "prediction":
        return ""
    p, t = np.shape(found.prediction), np.shape(found.target)
    if p == (*t, 1):
        return ": use prediction[..., 0] or target[..., None]"
    if t == (*p, 1):
        return ": use target[..., 0] or prediction[..., None]"
    return ": a loss does not broadcast; use numpy.broadcast_to where it is meant"


def _examples(found: Fault) -> tuple[int, ...]:
    p: tuple[int, ...] = np.shape(found.prediction)
    return p[: found.axis] + p[found.axis + 1 :]


def _label_shape_fix(found: Fault) -> str:
    p, t = np.shape(found.prediction), np.shape(found.target)
    if t == p:
        use = "astype(float)" if found.takes_probabilities else f"argmax({found.axis})"
        return f": use target.{use}"
    if t == (*_examples(found), 1):
        return ": use target[..., 0]"
    # Of two axes the classes are the last one for everybody.
    axes = [f"axis={k}" for k in range(len(p)) if p[:k] + p[k + 1 :] == t and len(p) > 2]
    return f": use {' or '.join(axes)}" if axes else ""


def _label_fix(found: Fault) -> str:
    return _order_fix(found) or ": use target.astype(int)"


def _probability_fix(found: Fault) -> str:
    t = np.shape(found.target)
    if order := _order_fix(found):
        return order
    if found.takes_labels and t == _examples(found):
        return ": use target.astype(int)"
    is_discrete = np.asarray(found.target).dtype.kind in "iub"
    return ": use target.astype(float)" if is_discrete and t == np.shape(found.prediction) else ""


def _set_fix(found: Fault) -> str:
    p, t = np.shape(found.prediction), np.shape(found.target)
    if order := _order_fix(found):
        return order
    if p == t:
        return ": use target.astype(bool)" if found.is_type else ""
    is_label = np.asarray(found.target).dtype.kind in "iu" and t == _examples(found) and len(p) == 2
    return f": use target[:, None] == numpy.arange({p[1]}) of labels" if is_label else ""


def _order_fix(found: Fault) -> str:
    """Return the order of the arguments where labels stand in the place of scores."""
    kinds = [np.asarray(x).dtype.kind for x in (found.prediction, found.target)]
    axes = np.ndim(found.target) - np.ndim(found.prediction)
    swapped = kinds[0] in "iub" and kinds[1] == "f" and axes == 1
    return ": the prediction comes first, then the target" if swapped else ""


def _signs_fix(_: Fault) -> str:
    return ": map labels 0 and 1 with 2 * target - 1 or target.astype(bool)"


def _logits_fix(found: Fault) -> str:
    clearly_none = not -0.01 <= float(found.got) <= 1.01
    if clearly_none:
        return ": are these logits? use from_logits=True"
    return ": use prediction.clip(0, 1) where it is a matter of rounding"


def _inexact_fix(found: Fault) -> str:
    return f": use {found.argument}.astype(float) to round it"


def _order_of_arguments(_: Fault) -> str:
    return ": swap them"


def _weight_fix(found: Fault) -> str:
    """Return how to say which axis the weights belong to."""
    shape, examples = np.shape(found.culprit), np.shape(found.prediction)
    if found.axis >= 0:
        examples = _examples(found)
    are_others = str(examples) not in found.needed  # sequences have another axis less
    if len(shape) != 1 or len(examples) < 2 or are_others:
        return ""
    ways = [
        "weight[" + ", ".join(":" if d == axis else "None" for d in range(len(examples))) + "]"
        for axis, length in enumerate(examples)
        if length == shape[0]
    ]
    return f": use {' or '.join(ways)}" if ways else ""


def _sum_fix(_: Fault) -> str:
    return ": use reduction='sum' or denominator='count'"


def _output_type_fix(found: Fault) -> str:
    if found.argument != "out":
        return ""
    dtype = found.needed.rpartition(" ")[2]
    return f": use numpy.empty({np.shape(found.culprit)}, '{dtype}')"


_FIXES = {
    "shape": _shape_fix,
    "label_shape": _label_shape_fix,
    "not_labels": _label_fix,
    "not_probabilities": _probability_fix,
    "not_sets": _set_fix,
    "signs": _signs_fix,
    "logits": _logits_fix,
    "inexact": _inexact_fix,
    "order": _order_of_arguments,
    "weight_shape": _weight_fix,
    "output_type": _output_type_fix,
    "weight_sum": _sum_fix,
}

#: Names that other libraries give to the prediction and the target.
_FOREIGN = {"y_true", "y_pred", "input", "inputs", "logits", "labels", "y_score", "preds"}


def arguments(loss: Callable[..., Any], positional: int, named: Sequence[str]) -> NoReturn:
    """Raise for a call with more arguments, fewer, or others than its loss takes."""
    name = getattr(loss, "__name__", "")
    parameters = signature(loss).parameters.values()
    takes = [p.name for p in parameters]
    keywords = [p.name for p in parameters if p.kind is Parameter.KEYWORD_ONLY]
    places = takes[: len(takes) - len(keywords)]
    unknown = [x for x in named if x not in takes]
    if positional > len(places):
        raise InputTypeError(
            f"{name}() takes {' and '.join(places)} by position, all else by keyword "
            f"({', '.join(keywords)}), got {positional} positional arguments"
        )
    if unknown and _FOREIGN.issuperset(unknown):
        raise InputTypeError(
            f"{name}() takes no argument named {listed(unknown)}: the order is "
            f"{name}({', '.join(places)})"
        )
    if unknown:
        from difflib import get_close_matches  # which few need, and takes 4 ms

        near = get_close_matches(unknown[0], takes, 1)
        fix = f"did you mean {near[0]!r}? It" if near else "it"
        raise InputTypeError(
            f"{name}() takes no argument named {listed(unknown)}: {fix} takes {', '.join(takes)}"
        )
    twice = [x for x in places[:positional] if x in named]
    if twice:
        raise InputTypeError(f"{name}() got multiple values for argument {twice[0]!r}")
    missing = [x for x in places[positional:] if x not in named]
    raise InputTypeError(
        f"{name}() missing {len(missing)} required positional "
        f"argument{'s' * (len(missing) > 1)}: {listed(missing).replace(' or ', ' and ')}"
    )
