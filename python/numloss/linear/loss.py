"""The call: value, gradients and what else is known of the rows."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, Literal, NoReturn, TypedDict

import numpy as np

from numloss import _convert, _raise
from numloss._raise import Error, InputTypeError
from numloss.linear import problem as arguments
from numloss.linear.passes import Gradients, Walk
from numloss.linear.places import places
from numloss.linear.shards import RowState, Settings, Shard

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import ArrayLike, DTypeLike, NDArray
    from typing_extensions import Unpack

    from numloss.linear.problem import Problem


class Options(TypedDict, total=False):
    """The keywords of every call, a shard's too."""

    row_weight: ArrayLike | None
    class_weight: ArrayLike | None
    label_smoothing: float
    ignore_index: int
    softcap: float | None
    temperature: float
    z_loss: float
    reduction: Literal["mean", "sum", "none"]
    denominator: Literal["weight", "count"] | float
    dtype: DTypeLike | None
    max_memory: int


class Call(Options, total=False):
    """The keywords of a whole call."""

    return_logsumexp: bool
    return_maximum: bool
    return_predicted: bool
    return_accuracy: bool
    out: tuple[NDArray[Any] | None, ...] | None


#: What may be asked for beside the results, in the order in which it is returned.
EXTRAS = ("return_logsumexp", "return_maximum", "return_predicted", "return_accuracy")
_SHARD = ("offset", "num_classes")


def _signature() -> inspect.Signature:
    """Return the signature of a call, every keyword spelt out."""
    read = [
        p.replace(annotation=p.empty)
        for p in inspect.signature(arguments.read).parameters.values()
        if p.name not in _SHARD
    ]
    keyword = inspect.Parameter.KEYWORD_ONLY
    read += [inspect.Parameter(name, keyword, default=False) for name in EXTRAS]
    return inspect.Signature([*read, inspect.Parameter("out", keyword, default=None)])


class LinearCrossEntropy:
    """What ``numloss.linear_cross_entropy`` is: it is called, and has methods for the gradients."""

    __name__ = "linear_cross_entropy"

    def __init__(self) -> None:
        self.__doc__ = _DOC
        self.__signature__ = _signature()

    def __call__(
        self,
        hidden: ArrayLike,
        weight: ArrayLike,
        labels: ArrayLike,
        bias: ArrayLike | None = None,
        **options: Unpack[Call],
    ) -> Any:
        """Return the value; the text of ``numloss.linear_cross_entropy`` says of what."""
        problem, extras, out = self._read((hidden, weight, labels, bias), options)
        if out is not None:
            raise Error("out is for gradients: use grad or value_and_grad", "out")
        with np.errstate(all="ignore"):
            rows = Walk(problem, None).states()
        state = RowState.of(problem, rows)
        return _results([state.reduced()], state, extras)

    def grad(
        self,
        hidden: ArrayLike,
        weight: ArrayLike,
        labels: ArrayLike,
        bias: ArrayLike | None = None,
        **options: Unpack[Call],
    ) -> Any:
        """Return the gradients of hidden and weight, and of bias where there is one, as a tuple.

        It takes the arguments of ``numloss.linear_cross_entropy``. What ``return_...`` asks for
        follows behind the tuple of gradients.

        Examples
        --------
        >>> import numloss
        >>> of_hidden, of_weight = numloss.linear_cross_entropy.grad(
        ...     [[1.0, 2.0]], [[0.0, 0.0], [0.0, 0.0]], [1]
        ... )
        >>> of_weight
        array([[ 0.5,  1. ],
               [-0.5, -1. ]])
        """
        given = (hidden, weight, labels, bias)
        gradients, state, extras = self._differentiate(given, options)
        return _results([gradients], state, extras)

    def value_and_grad(
        self,
        hidden: ArrayLike,
        weight: ArrayLike,
        labels: ArrayLike,
        bias: ArrayLike | None = None,
        **options: Unpack[Call],
    ) -> Any:
        """Return the value and the tuple of gradients, from one pass.

        It takes the arguments of ``numloss.linear_cross_entropy``. What ``return_...`` asks for
        follows behind value and gradients.

        Examples
        --------
        >>> import numloss
        >>> value, gradients, predicted = numloss.linear_cross_entropy.value_and_grad(
        ...     [[1.0, 2.0]], [[0.0, 0.0], [0.0, 0.0]], [1], [0.0, 0.0], return_predicted=True
        ... )
        >>> round(float(value), 6), len(gradients), predicted
        (0.693147, 3, array([0]))
        """
        given = (hidden, weight, labels, bias)
        gradients, state, extras = self._differentiate(given, options)
        return _results([state.reduced(), gradients], state, extras)

    def grad_and_hess(self, *given: Any, **options: Any) -> NoReturn:
        """Refuse: there is no Hessian of a layer here."""
        raise Error(
            "linear_cross_entropy has no Hessian: its diagonal would take products with the "
            "squares of hidden and weight; numloss.cross_entropy has that of logits"
        )

    def shard(
        self,
        hidden: ArrayLike,
        weight: ArrayLike,
        labels: ArrayLike,
        bias: ArrayLike | None = None,
        *,
        offset: int,
        num_classes: int,
        **options: Unpack[Options],
    ) -> Shard:
        """Return the part of a call that knows some of the classes.

        Parameters
        ----------
        hidden, labels : array-like
            As in the whole call; probabilities are those of the shard's classes.
        weight, bias : array-like
            Rows ``offset`` and on of the whole layer's, as many as the shard has, without rows that
            only fill it up.
        offset : int
            The first of the shard's classes.
        num_classes : int
            The number of classes of all shards.
        **options
            Those of the whole call but ``out`` and ``return_...``, the same for all shards.
            ``class_weight`` is that of all classes.

        Returns
        -------
        Shard
            Its ``state()`` is merged with those of the others; ``grad`` takes the merged one.

        Raises
        ------
        numloss.Error
            If the classes do not lie among ``num_classes``, or an argument is wrong as in a whole
            call.
        """
        self._check_names(options)
        if late := [name for name in (*EXTRAS, "out") if name in options]:
            raise InputTypeError(
                f"shard() takes no {late[0]}: its state has logsumexp(), maximum(), predicted() "
                "and accuracy(), its grad() takes out",
                late[0],
            )
        return Shard(
            arguments.read(
                hidden, weight, labels, bias, offset=offset, num_classes=num_classes, **options
            )
        )

    def __repr__(self) -> str:
        """Return the call with its defaults, as losses do."""
        return f"<loss {self.__name__}{self.__signature__}>"

    def __reduce__(self) -> str:
        """Return the name under which the one object is found."""
        return self.__name__

    def _differentiate(
        self, given: tuple[Any, ...], options: Mapping[str, Any]
    ) -> tuple[tuple[NDArray[Any], ...], RowState, list[str]]:
        problem, extras, out = self._read(given, options)
        arrays, results = places(problem, out)
        scale = Settings.of(problem).scale(problem.example)
        with np.errstate(all="ignore"):
            rows = Walk(problem, Gradients(problem, arrays)).differentiate(None, scale)
        return results, RowState.of(problem, rows), extras

    def _read(
        self, given: tuple[Any, ...], options: Mapping[str, Any]
    ) -> tuple[Problem, list[str], Any]:
        """Return the problem, what else is asked for, and where gradients go."""
        self._check_names(options)
        own = {name: x for name, x in options.items() if name not in (*EXTRAS, "out")}
        extras = [name for name in EXTRAS if _convert.switch(name, options.get(name, False))]
        return arguments.read(*given, **own), extras, options.get("out")

    def _check_names(self, options: Mapping[str, Any]) -> None:
        if not set(options) <= set(self.__signature__.parameters):
            _raise.arguments(self, 4, list(options))


def _results(results: list[Any], state: RowState, extras: list[str]) -> Any:
    """Return a lone result as it is, several as a tuple."""
    results += [getattr(state, name.removeprefix("return_"))() for name in extras]
    return results[0] if len(results) == 1 else tuple(results)


_DOC = r"""Cross-entropy of a linear layer's logits, which are never stored.

With a row's hidden numbers :math:`h`, the layer's matrix :math:`W` and bias :math:`b`

.. math:: z = \frac{1}{T} \, \mathrm{cap}(W h + b), \qquad
          l = \log \sum_c e^{z_c} - z_y + \zeta \left(\log \sum_c e^{z_c}\right)^2

with label :math:`y`, temperature :math:`T`, z-loss :math:`\zeta` and
:math:`\mathrm{cap}(x) = s \tanh(x / s)` where there is a soft-cap :math:`s`. It is
``cross_entropy(hidden @ weight.T + bias, labels)`` for language models, whose logits are larger
than all else together. They are computed some rows at a time, turned into their gradient where they
lie, and multiplied on. Rows that are ignored, and those of weight 0, take part in no product.

``value_and_grad`` returns the value and a tuple of gradients, of ``hidden``, ``weight`` and, where
there is one, ``bias``; ``grad`` that tuple. ``shard`` is for vocabularies of which each process
holds a part. The products are NumPy's: their bits, and so those of every result, depend on its
BLAS, on the processor, and on how BLAS splits its work among how many threads.

Parameters
----------
hidden : array-like
    Inputs of the layer, of any shape (..., D).
weight : array-like
    The layer's matrix, of shape (C, D): a row for each class.
labels : array-like
    Integer labels in [0, C), of the shape of ``hidden`` without its last axis; or probabilities,
    with a last axis of length C, that sum to 1 over it.
bias : array-like, optional
    A number for each class, added to its logits. One of -inf is a class that cannot happen, under a
    soft-cap, too.
row_weight : array-like, optional
    Weight of each row, finite and at least 0: a number, or an array of the shape of the rows, in
    which an axis may have length 1. Other losses call it ``weight``, which here is the matrix.
class_weight : array-like, optional
    A factor for each class, part of a row's weight: of its label's, or sum(q class_weight) for
    probabilities q.
label_smoothing : float, default 0.0
    :math:`\epsilon` in [0, 1]: :math:`q` becomes :math:`q (1 - \epsilon) + \epsilon / C`, each
    class with its class weight. A class that cannot happen gets no share.
ignore_index : int, default -100
    Label of rows that are not there.
softcap : float, optional
    :math:`s`, positive, in the unit of the logits.
temperature : float, default 1.0
    :math:`T`, positive; it divides what the soft-cap leaves.
z_loss : float, default 0.0
    :math:`\zeta`, at least 0, which draws the log-sum-exp to 0; a row's has the row's weight.
reduction : {"mean", "sum", "none"}, default "mean"
    ``"mean"`` is sum(w l) / sum(w). With ``"none"`` the value is an array of the rows' losses. The
    gradients are then those of its sum: a row of the gradient of ``hidden`` is that of its own
    loss, and what all rows share, ``weight`` and ``bias``, has the sum over the rows.
denominator : {"weight", "count"} or float, default "weight"
    What a mean divides by: the sum of the weights, the number of rows (ignored ones aside), or a
    positive number, such as the number of rows of all micro-batches.
dtype : dtype, optional
    Type of the arrays among the results; default: for each that of the input it belongs to, for
    rows that of ``hidden``. ``dtype="float32"`` keeps gradients of 16-bit inputs from being
    rounded, and a second array of the size of ``weight`` from being needed; ``"float64"`` computes
    in float64.
max_memory : int, default 128000000
    Bytes for logits and all else beside inputs and results. It says how many rows are computed at
    a time, at least 64: where it holds no more against all classes, some classes are computed at a
    time, and their logits twice where gradients are wanted.
return_logsumexp : bool, default False
    Whether to return log(sum(exp(z))) of each row, too. Here and below the results follow those of
    the call, in this order, in one tuple. A row that is left out has NaN.
return_maximum : bool, default False
    Whether to return the largest logit of each row, too; NaN for a row that is left out.
return_predicted : bool, default False
    Whether to return the class with the largest logit of each row, too, as ``numpy.argmax`` finds
    it, int64; -1 for a row that is left out.
return_accuracy : bool, default False
    Whether to return the share, weighted by ``row_weight``, of rows whose label is predicted. With
    probabilities as labels it is the mean probability of the predicted class.
out : tuple, optional
    A place (an array or a tensor in memory of the CPU, or None) for each gradient, of exactly its
    shape and dtype, apart from all inputs.

Returns
-------
numpy.float64, or ndarray
    The reduced value; with ``reduction="none"`` an array of the rows' losses, 0 for a row that is
    left out. Several results come as a tuple.

Raises
------
numloss.Error
    (a ValueError) If shapes differ, a label or option lies outside its domain, or ``out`` does not
    fit. Nothing has been written then.
numloss.InputTypeError
    (a TypeError) If an argument has a type or dtype that cannot be taken.
MemoryError
    If there is not the memory for a result or for the work.

Warns
-----
RuntimeWarning
    If a mean is taken over nothing; it is nan then, and the gradients zeros.

Examples
--------
>>> import numpy as np
>>> import numloss
>>> hidden = np.array([[1.0, 2.0], [0.0, -1.0]])
>>> weight = np.array([[0.5, 0.0], [0.0, 1.0], [1.0, 1.0]])
>>> round(float(numloss.linear_cross_entropy(hidden, weight, [1, 0])), 6)
0.961492
>>> value, (of_hidden, of_weight), accuracy = numloss.linear_cross_entropy.value_and_grad(
...     hidden, weight, [1, 0], return_accuracy=True
... )
>>> of_weight.round(3)
array([[ 0.028,  0.269],
       [-0.373, -0.852],
       [ 0.345,  0.584]])
>>> float(accuracy)
0.5

References
----------
E. Wijmans et al., "Cut your losses in large-vocabulary language models", ICLR 2025. Soft-cap:
Gemma Team, "Gemma 2", 2024. z-loss: A. Chowdhery et al., "PaLM", JMLR 2023, section 5.
"""

linear_cross_entropy = LinearCrossEntropy()
linear_cross_entropy.__module__ = __name__
