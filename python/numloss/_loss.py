"""Declarations of losses in Python, and what the extension asks of them.

A loss is declared by a function without a body: its name, its signature, its text. What it takes
stands in csrc/checks/losses.cpp, what it computes in csrc/kernels/losses; a test holds the
signatures to the former.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import update_wrapper
from typing import TYPE_CHECKING, Any, Literal, ParamSpec, TypedDict

from numloss import _docs, _links
from numloss._core import Loss

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, DTypeLike, NDArray

P = ParamSpec("P")

Reduction = Literal["mean", "sum", "none"]
Link = Literal["identity", "log", "sigmoid", "softmax"]
Influence = Literal["unbounded", "bounded", "redescending"]
Statistic = Literal["mean", "median", "quantile", "variance"]


class Call(TypedDict, total=False):
    """The keywords that every loss takes."""

    weight: ArrayLike | None
    reduction: Reduction
    denominator: Literal["weight", "count"] | float
    allow_negative_weight: bool
    reduce_axis: int | tuple[int, ...] | None
    keepdims: bool
    dtype: DTypeLike | None
    out: NDArray[Any] | tuple[Any, ...] | None


#: Parameters of losses over classes that ask for arrays beside the results, in their order.
EXTRAS = ("return_logsumexp", "return_predicted")

#: Losses whose temperature divides the scores. (That of ordinal_cross_entropy makes labels soft.)
TEMPERED = ("cross_entropy", "kl_divergence")

#: Keywords of calls on NumPy's arrays alone: tensors have functions of their own for these.
OF_NUMPY = ("reduce_axis", "keepdims", "out")

#: What targets of losses of lists are, and why no constant score is the best one.
OF_LISTS = {
    "relevances": "equal scores put no list in order",
    "times": "what all scores have in common does not count",
}

CALL_DEFAULTS = {
    "weight": None,
    "reduction": "mean",
    "denominator": "weight",
    "allow_negative_weight": False,
    "reduce_axis": None,
    "keepdims": False,
    "dtype": None,
    "out": None,
}


def loss(
    *,
    link: Link | tuple[Link, ...] = "identity",
    convex: bool = True,
    smoothness: Literal[0, 1, 2] = 2,
    influence: Influence = "unbounded",
    likelihood: bool = False,
    estimates: Statistic | tuple[Statistic, ...] | None = None,
    softmax_hessian: bool = False,
) -> Callable[[Callable[P, Any]], Loss[P]]:
    """Make losses of the functions that declare them, and say what kind of losses they are.

    Parameters
    ----------
    link : str, or tuple of one for each input with a gradient, default "identity"
        What makes a number of the target's kind of the prediction as boosters and linear models
        have it, any real number: ``"identity"`` (a mean, a score), ``"log"`` (the prediction is the
        logarithm of a rate, a scale or a variance), ``"sigmoid"`` (the logit of a probability),
        ``"softmax"`` (logits of classes; over classes ``"log"`` says that the prediction is the
        logarithm of their probabilities, and no score). A loss of two heads itself takes what the
        links' inverses make of such numbers: the variance, not its logarithm.
    convex : bool, default True
        Whether it is convex in the prediction, by default parameters.
    smoothness : {0, 1, 2}, default 2
        How many derivatives by the prediction are continuous, 2 standing for 2 or more: 0 has a
        kink, 1 a curvature that jumps.
    influence : {"unbounded", "bounded", "redescending"}, default "unbounded"
        How the gradient grows with the error of an outlier: without bound, up to a bound, or back
        to 0.
    likelihood : bool, default False
        Whether it is the negative log-likelihood of labels, in nats, so that ``exp(mean)`` is a
        perplexity.
    estimates : str, or tuple of one for each input with a gradient, optional
        What of the target's distribution has the least expected loss, by default parameters and
        through the link: ``"mean"`` (of labels the shares of the classes), ``"median"``,
        ``"quantile"`` (of the level ``q``), ``"variance"``. None: nothing that has such a name.
    softmax_hessian : bool, default False
        Whether a row's Hessian by its scores is a factor times diag(p) - p p', p the softmax: the
        losses are linear in the logarithms of p.
    """

    def make(declaration: Callable[P, Any]) -> Loss[P]:
        made: Loss[P] = Loss(declaration.__name__)
        update_wrapper(made, declaration)
        made.__doc__ = _docs.complete(declaration.__doc__)
        made.family = declaration.__module__.rpartition(".")[2]
        made.link = link
        made.convex = convex
        made.smoothness = smoothness
        made.influence = influence
        made.likelihood = likelihood
        made.estimates = estimates
        made.softmax_hessian = softmax_hessian
        return made

    return make


def signature(made: Loss[...]) -> inspect.Signature:
    """Return a loss's signature, the keywords that every loss takes spelt out."""
    parameters: list[inspect.Parameter] = []
    for parameter in inspect.signature(made.__wrapped__).parameters.values():
        if parameter.kind is inspect.Parameter.VAR_KEYWORD:
            parameters += [
                inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default)
                for name, default in CALL_DEFAULTS.items()
            ]
        else:
            # Annotations are names here, which would only clutter help().
            parameters.append(parameter.replace(annotation=inspect.Parameter.empty))
    return inspect.Signature(parameters)


def represent(made: Loss[...]) -> str:
    """Return what ``repr`` shows of a loss."""
    return f"<loss {made.__name__}{signature(made)}>"


def text_of_method(made: Loss[...], name: str) -> str:
    """Return the documentation of a loss's method."""
    return _docs.METHODS[name].replace("{loss}", made.__name__)


Loss.__doc__ = _docs.LOSS
for method in (_links.inverse_link, _links.link_function):
    setattr(Loss, method.__name__, method)
