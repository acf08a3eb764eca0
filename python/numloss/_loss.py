"""The loss object: what every loss can be asked, and the way from a call to the kernels."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import update_wrapper
from typing import (
    TYPE_CHECKING,
    Any,
    Concatenate,
    Generic,
    Literal,
    ParamSpec,
    TypedDict,
    TypeVar,
    cast,
)

import numpy as np

from numloss import _core, _docs, _validate
from numloss._arithmetic import ieee

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from numloss._validate import Domain

P = ParamSpec("P")

VALUE: int = _core.VALUE
GRADIENT: int = _core.GRADIENT
HESSIAN: int = _core.HESSIAN
TOTALS: int = _core.TOTALS

Reduction = Literal["mean", "sum", "none"]


class Call(TypedDict, total=False):
    """The keywords that every loss takes."""

    weight: ArrayLike | None
    reduction: Reduction
    denominator: Literal["weight", "count"] | float
    out: NDArray[Any] | tuple[NDArray[Any] | None, ...] | None


CALL_DEFAULTS = {"weight": None, "reduction": "mean", "denominator": "weight", "out": None}


@dataclass(frozen=True, slots=True)
class Totals:
    """What partial evaluations add up: their mean is ``loss / weight``."""

    loss: float
    weight: float
    count: int


#: A mode that computes nothing: a definition returns its plan, all that the kernels need to know of
#: the loss's parameters, or None where there is a keyword that no loss takes. Prediction and target
#: are arrays then, and the target is not of booleans.
PLAN = 0
_NO_ARRAY = np.zeros(())

F = TypeVar("F", bound=Callable[..., Any])


def _shortcut(mode: int) -> Callable[[F], F]:
    """Let a method of a loss go straight to the kernels where its arguments allow that."""

    def decorate(method: F) -> F:
        shortcut: Any = update_wrapper(_core.Shortcut(mode, method), method)
        return cast("F", shortcut)

    return decorate


class Loss(Generic[P]):
    """A loss function: call it for the value, or use its methods for the derivatives.

    Every method takes the arguments of the call. ``reduction`` is ``"mean"``, ``"sum"`` or
    ``"none"``; the derivatives are those of the reduced value with respect to the prediction, and
    per element, unscaled, with ``"none"``. Losses are made by the library; they have no public
    constructor.

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

    # A small call looks for its plan, which a slot makes quicker to find.
    __slots__ = ("__dict__", "__weakref__", "_plan")
    __name__: str
    _define: Callable[Concatenate[int, P], Any]
    _plan: tuple[Any, ...] | None  #: of the default parameters; None: only Python knows

    def __init__(self, define: Callable[Concatenate[int, P], Any]) -> None:
        update_wrapper(self, define)
        self._define = define
        self.__doc__ = _docs.complete(define.__doc__)
        plan_of: Any = define
        self._plan = plan_of(PLAN, *[_NO_ARRAY] * (define.__code__.co_argcount - 1))

    @_shortcut(VALUE)
    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Any:
        # A helper for the four methods would be a frame more, which warnings count.
        try:
            return self._define(VALUE, *args, **kwargs)
        except TypeError:
            _validate.refuse_arguments(self, len(args), kwargs)
            raise

    @_shortcut(GRADIENT)
    def grad(self, *args: P.args, **kwargs: P.kwargs) -> NDArray[Any]:
        """Return the gradient of the reduced value, in the shape of the prediction.

        It takes the arguments of the call; ``out`` is where the gradient is written.

        Examples
        --------
        >>> import numloss
        >>> numloss.huber.grad([1.0, 3.0], [0.5, 0.0])
        array([0.25, 0.5 ])
        """
        try:
            gradient: NDArray[Any] = self._define(GRADIENT, *args, **kwargs)
        except TypeError:
            _validate.refuse_arguments(self, len(args), kwargs)
            raise
        return gradient

    @_shortcut(VALUE | GRADIENT)
    def value_and_grad(self, *args: P.args, **kwargs: P.kwargs) -> tuple[Any, NDArray[Any]]:
        """Return value and gradient from one pass over the data.

        It takes the arguments of the call; ``out`` is where the gradient is written.

        Examples
        --------
        >>> import numloss
        >>> value, gradient = numloss.huber.value_and_grad([1.0, 3.0], [0.5, 0.0])
        >>> float(value)
        1.3125
        """
        try:
            pair: tuple[Any, NDArray[Any]] = self._define(VALUE | GRADIENT, *args, **kwargs)
        except TypeError:
            _validate.refuse_arguments(self, len(args), kwargs)
            raise
        return pair

    @_shortcut(GRADIENT | HESSIAN)
    def grad_and_hess(self, *args: P.args, **kwargs: P.kwargs) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return the gradient and the diagonal of the Hessian of the reduced value.

        It takes the arguments of the call; ``out`` is a pair of arrays, or None for either.

        Examples
        --------
        >>> import numloss
        >>> gradient, hessian = numloss.huber.grad_and_hess([1.0, 3.0], [0.5, 0.0])
        >>> hessian
        array([0.5, 0. ])
        """
        pair: tuple[NDArray[Any], NDArray[Any]]
        try:
            pair = self._define(GRADIENT | HESSIAN, *args, **kwargs)
        except TypeError:
            _validate.refuse_arguments(self, len(args), kwargs)
            raise
        return pair

    @property
    def rowwise(self) -> bool:
        """Whether the prediction has an axis of classes."""
        return "axis" in inspect.signature(self).parameters

    def _totals(self, *args: P.args, **kwargs: P.kwargs) -> Totals:
        """Return the sums that a mean is made of, for evaluation in parts."""
        totals: tuple[float, float, int] = self._define(TOTALS, *args, **kwargs)
        return Totals(*totals)

    if not TYPE_CHECKING:  # a type checker would take any misspelt method for an attribute

        def __getattr__(self, name: str) -> Any:
            # Built on demand: signatures cost more than the rest of the import.
            if name == "__signature__":
                self.__signature__ = _public_signature(self._define)
                return self.__signature__
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __repr__(self) -> str:
        return f"<loss {self.__name__}{inspect.signature(self)}>"

    def __reduce__(self) -> str:
        return self.__name__


def _public_signature(define: Callable[..., Any]) -> inspect.Signature:
    """Drop the mode, and spell out the keywords that every loss takes."""
    parameters: list[inspect.Parameter] = []
    for parameter in list(inspect.signature(define).parameters.values())[1:]:
        if parameter.kind is inspect.Parameter.VAR_KEYWORD:
            parameters += [
                inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default)
                for name, default in CALL_DEFAULTS.items()
            ]
        else:
            # Annotations are names here, which would only clutter help().
            parameters.append(parameter.replace(annotation=inspect.Parameter.empty))
    return inspect.Signature(parameters)


@dataclass(frozen=True)
class Kernel:
    """A row of the kernels' registry, and the domain that the kernel itself checks."""

    index: int
    domain: Domain


_INDEX: dict[str, tuple[int, bool]] = _core.losses()


def kernel(name: str, domain: Domain = _validate.ANY) -> Kernel:
    """Look a kernel up by its name in the registry."""
    return Kernel(_INDEX[name][0], domain)


def elementwise(
    kernel: Kernel,
    mode: int,
    prediction: ArrayLike,
    target: ArrayLike,
    parameters: tuple[float, ...],
    call: Mapping[str, Any],
) -> Any:
    """Compute a loss whose every element is an example."""
    plan = kernel.index, parameters
    if mode == PLAN:
        return plan if not call or call.keys() <= CALL_DEFAULTS.keys() else None
    result = _core.compute(plan, mode, prediction, target, call)
    if result is NotImplemented:
        arrays = _validate.elementwise(prediction, target)
        prediction, target = arrays.prediction, arrays.target
        call = _validate.call(mode, arrays, **call)
        result = _core.compute(plan, mode, prediction, target, call, arrays.dtype)
        if result is NotImplemented:
            _validate.refuse_change()
    if result is None:
        with ieee:
            _validate.refuse_domain(kernel.domain, prediction, target, call.get("weight"))
    return result


@dataclass(frozen=True)
class Rows:
    """The kernels of a loss over classes, as indices into the registry, -1 where there is none."""

    labels: int
    soft: int  # for probabilities, and for labels that become some (by smoothing or a table)
    takes_labels: bool
    takes_probabilities: bool


def label_rows(labels: str, probabilities: str | None = None) -> Rows:
    """Look up the kernels of a loss for integer labels, and perhaps for probabilities."""
    soft = -1 if probabilities is None else kernel(probabilities).index
    return Rows(kernel(labels).index, soft, True, probabilities is not None)


def probability_rows(probabilities: str) -> Rows:
    """Look up the kernel of a loss for probabilities alone."""
    return Rows(-1, kernel(probabilities).index, False, True)


def soft_label_rows(probabilities: str) -> Rows:
    """Look up the kernel of a loss whose labels become probabilities by a table."""
    return Rows(-1, kernel(probabilities).index, True, False)


#: From the number of classes to (class_weight, label_factor, label_table), None where absent.
PerClass = Callable[[int], tuple[Any, Any, Any]]


def by_class_weight(class_weight: ArrayLike) -> PerClass:
    """Return what depends on the number of classes where that is a class weight alone."""
    return lambda classes: (
        _validate.class_numbers("class_weight", class_weight, classes),
        None,
        None,
    )


def rowwise(
    rows: Rows,
    mode: int,
    prediction: ArrayLike,
    target: ArrayLike,
    parameters: tuple[float, ...],
    axis: int,
    ignore_index: int,
    call: Mapping[str, Any],
    label_smoothing: float = 0.0,
    per_class: PerClass | None = None,
) -> Any:
    """Compute a loss over an axis of classes."""
    parts: Any = per_class
    if per_class is not None and mode != PLAN:
        prediction = _validate.array("prediction", prediction)
        parts = per_class(_validate.class_count(prediction, axis))
    plan = rows.labels, rows.soft, parameters, axis, ignore_index, label_smoothing, parts
    if mode == PLAN:
        return plan if not call or call.keys() <= CALL_DEFAULTS.keys() else None
    result = _core.compute(plan, mode, prediction, target, call)
    if result is NotImplemented:
        arrays = _validate.rowwise(
            prediction, target, axis, ignore_index, rows.takes_labels, rows.takes_probabilities
        )
        prediction, target = arrays.prediction, arrays.target
        call = _validate.call(mode, arrays, **call)
        result = _core.compute(plan, mode, prediction, target, call, arrays.dtype)
        if result is NotImplemented:
            _validate.refuse_change()
    if result is None:
        with ieee:
            _validate.refuse_target(prediction, target, axis, ignore_index, call.get("weight"))
    return result
