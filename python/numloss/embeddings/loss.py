"""What each of these losses is: an object that is called, and has methods for the gradients."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, NoReturn, ParamSpec

import numpy as np

from numloss import _raise
from numloss._raise import Error
from numloss.embeddings import arguments
from numloss.embeddings.walk import Walk

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from numloss.embeddings.arguments import Task
    from numloss.embeddings.strips import Strips

P = ParamSpec("P")


class BatchLoss(Generic[P]):
    """A loss over a batch of embeddings, from the function that reads the arguments of a call.

    It is called for the value, and has ``grad`` and ``value_and_grad``.
    """

    def __init__(self, read: Callable[P, Task]) -> None:
        self.__name__ = self.__qualname__ = read.__name__
        self.__module__ = read.__module__
        self.__doc__ = _documented(read)
        self.__signature__ = _signature(read)
        self.__wrapped__ = read

    def __call__(self, *given: P.args, **options: P.kwargs) -> Any:
        """Return the value; the text of the loss says of what."""
        task = self._read(*given, **options)
        if task.return_temperature_grad:
            raise Error(
                "return_temperature_grad is for gradients: use grad or value_and_grad",
                "return_temperature_grad",
            )
        return _Result(task, gradients=False).value()

    def grad(self, *given: P.args, **options: P.kwargs) -> Any:
        """Return the gradient by the embeddings, a tuple where there are two kinds of them.

        It takes the arguments of the loss. What ``return_temperature_grad`` asks for follows.
        """
        result = _Result(self._read(*given, **options), gradients=True)
        return _as_one(result.gradients())

    def value_and_grad(self, *given: P.args, **options: P.kwargs) -> Any:
        """Return the value and what ``grad`` returns, from one pass.

        It takes the arguments of the loss. What ``return_temperature_grad`` asks for follows.
        """
        result = _Result(self._read(*given, **options), gradients=True)
        return _as_one([result.value(), *result.gradients()])

    def grad_and_hess(self, *given: Any, **options: Any) -> NoReturn:
        """Refuse: there is no Hessian of embeddings here."""
        raise Error(
            f"{self.__name__} has no Hessian: every embedding meets every other in it; "
            "numloss.cross_entropy has that of similarities"
        )

    def __repr__(self) -> str:
        """Return the call with its defaults, as losses do."""
        return f"<loss {self.__name__}{self.__signature__}>"

    def __reduce__(self) -> str:
        """Return the name under which the one object is found."""
        return self.__name__

    def _read(self, *given: P.args, **options: P.kwargs) -> Task:
        try:
            self.__signature__.bind(*given, **options)
        except TypeError:
            _raise.arguments(self, len(given), list(options))
        return self.__wrapped__(*given, **options)


class _Result:
    """What a call computes."""

    def __init__(self, task: Task, *, gradients: bool) -> None:
        self._task = task
        settings, count = task.settings, len(task.counted)
        self._divisor = settings.divisor(task.counted)
        self._losses = np.zeros(count)
        self._totals = [np.zeros_like(x.units) for x in task.vectors] if gradients else None
        self._by_temperature = 0.0
        times = [len(task.vectors[own].units) // max(1, count) for own, _, _ in task.walks]
        # An example's loss is the mean of its anchors'. A mean over nothing has no gradient.
        scale = settings.weight / (sum(times) * self._divisor or np.inf)
        kept = task.counted & (settings.weight != 0)
        with np.errstate(all="ignore"):
            for anchors, walk in zip(times, task.walks, strict=True):
                found = self._losses_of(walk, np.tile(kept, anchors), np.tile(scale, anchors))
                self._losses += found.reshape(anchors, count).sum(axis=0)

    def _losses_of(
        self,
        who: tuple[int, int, Strips],
        kept: NDArray[np.bool_],
        scale: NDArray[np.float64],
    ) -> NDArray[np.float64]:
        """Return the losses of anchors times ``scale``, and add their gradients up."""
        own, other, strips = who
        totals = None if self._totals is None else (self._totals[own], self._totals[other])
        anchors, keys = (self._task.vectors[x].units for x in (own, other))
        walk = Walk(anchors, keys, strips, totals, self._task.settings.max_memory)
        losses = walk.losses(np.flatnonzero(kept), scale)
        self._by_temperature -= walk.by_size / self._task.temperature
        return losses

    def value(self) -> Any:
        """Return the value, reduced as the call asks."""
        task = self._task
        if task.settings.reduction == "none":
            with np.errstate(all="ignore"):
                return self._losses.astype(task.result_dtype(task.inputs[0]))
        if self._divisor == 0:
            text = "mean of a loss over no examples: the result is nan"
            warnings.warn(text, RuntimeWarning, stacklevel=3)
            return np.float64(np.nan)
        return np.float64(self._losses.sum())

    def gradients(self) -> list[Any]:
        """Return the gradients by the inputs, and by the temperature where it is asked for."""
        task = self._task
        assert self._totals is not None
        with np.errstate(all="ignore"):
            whole = [x.way_back(y) for x, y in zip(task.vectors, self._totals, strict=True)]
            found = tuple(
                whole[number][place].astype(task.result_dtype(x), copy=False)
                for x, (number, place) in zip(task.inputs, task.heads, strict=True)
            )
        results: list[Any] = [found if len(found) > 1 else found[0]]
        if task.return_temperature_grad:
            results.append(np.float64(self._by_temperature))
        return results


def _as_one(results: list[Any]) -> Any:
    """Return a lone result as it is, several as a tuple."""
    return results[0] if len(results) == 1 else tuple(results)


def _signature(read: Callable[..., Any]) -> inspect.Signature:
    """Return the signature of a call, every keyword spelt out."""
    own = inspect.signature(read).parameters.values()
    shared = inspect.signature(arguments.settings).parameters.values()
    every = [p for p in own if p.kind is not p.VAR_KEYWORD]
    every += [p for p in shared if p.kind is p.KEYWORD_ONLY]
    return inspect.Signature([p.replace(annotation=p.empty) for p in every])


def _documented(read: Callable[..., Any]) -> str:
    """Return the text of a loss with what it shares with the others."""
    text = inspect.getdoc(read) or ""
    for name, shared in _SHARED.items():
        text = text.replace(f"{{{name}}}", shared.strip())
    return text


_SHARED = {
    "normalize": r"""
normalize : bool, default True
    Whether embeddings are divided by their lengths, so that similarities are cosines. A vector of
    zeros has none: its similarity to all is 0, and so is its gradient. With False similarities are
    products as they come.
""",
    "temperature_grad": r"""
return_temperature_grad : bool, default False
    Whether ``grad`` and ``value_and_grad`` return the derivative by the temperature, too, as a
    ``numpy.float64`` behind the gradient.
""",
    "call": r"""
weight : array-like, optional
    Weight of each, finite and at least 0: a number, or an array of shape (N,). One of weight 0 is
    no anchor, but others are still compared with it.
reduction : {"mean", "sum", "none"}, default "mean"
    ``"mean"`` is sum(w l) / sum(w). With ``"none"`` the value is an array of N losses times their
    weights, and gradients are those of its sum.
denominator : {"weight", "count"} or float, default "weight"
    What a mean divides by: the sum of the weights, the number of those that count, or a positive
    number.
dtype : dtype, optional
    Type of the arrays among the results; default: for each that of the input it belongs to.
    float16 and bfloat16 are computed in float32; ``"float64"`` computes in float64.
max_memory : int, default 16000000
    Bytes for similarities and what is made of them. It says how many anchors are computed at a
    time, at least 16. More than caches hold makes it slower.
""",
    "raises": r"""
numloss.Error
    (a ValueError) If shapes do not fit, or an option lies outside its domain.
numloss.InputTypeError
    (a TypeError) If an argument has a type or dtype that cannot be taken.

Warns
-----
RuntimeWarning
    If a mean is taken over nothing; it is nan then, and the gradients zeros.
""",
    "value": r"""
numpy.float64, or ndarray
    The reduced value; with ``reduction="none"`` an array of N losses.
""",
}
