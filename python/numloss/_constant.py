"""The constant of the least mean loss: the mean, the median, the base rate, shares of classes."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from numloss import Loss, _convert, _links
from numloss._arithmetic import ieee
from numloss._loss import OF_LISTS
from numloss._raise import Error
from numloss.evaluation.specs import loss_of

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Array = NDArray[Any]

#: Where all labels are the same the best logit is infinite; sigmoid(30) is 1 - 1e-13.
FARTHEST = 30.0
# float32 holds exp(80) and exp(-80).
_FARTHEST_LOGARITHM = 80.0
_NOWHERE = 1e300
# So many quantiles of the targets, or logits, are tried. For a convex loss the search begins in the
# middle of them, for another one in the lowest valleys among more of them.
_TRIED = 65
_MORE_TRIED = 1025
_VALLEYS = 16


def best_constant(
    loss: Loss[...] | str,
    target: ArrayLike,
    weight: ArrayLike | None = None,
    *,
    classes: int | None = None,
    bound: float = FARTHEST,
    **options: Any,
) -> Any:
    r"""Return the constant prediction of the least mean loss.

    .. math:: \arg\min_c \sum_i w_i \, l(c, t_i)

    It is the score of a model that knows nothing but the targets: a baseline, the start of
    boosting, an intercept. Where ``loss.estimates`` names a statistic there is a closed form: the
    weighted mean through the link, such as the logit of the base rate; the weighted median or
    quantile. Where several numbers have the least absolute error, it is the middle of them, as
    ``numpy.median`` has it. Other losses are minimized by Newton's method on their own derivatives,
    between bounds that are halved where a step does not help. A loss that is not convex is tried on
    65 quantiles of the targets first, and the least one near the best of them is taken. Over
    classes a loss with corners, such as ``multiclass_hinge``, has sets of scores moved together
    until that leads down no more.

    Parameters
    ----------
    loss : Loss or str
        The loss, such as ``numloss.huber`` or ``"huber"``.
    target : array-like
        Targets, as the loss takes them. Of a loss over classes labels, or probabilities with the
        classes in the last axis.
    weight : array-like, optional
        Weights of the examples, as the loss takes them.
    classes : int, optional
        The number of classes; default: the largest label plus 1, or as many as options with a
        number for each class have.
    bound : float, default 30.0
        Where all labels are the same the best logit is infinite, and so is the logarithm of a rate
        of 0: this number, or minus it, takes their place. Positive.
    **options : Any
        Options of the loss, such as ``delta=2.0``; not ``axis`` and ``from_logits``. Of several
        levels ``q`` of quantiles each has a constant in the result.

    Returns
    -------
    float, ndarray of shape (classes,), or tuple
        What the loss takes as prediction: a score, which ``loss.inverse_link`` makes a probability
        or a rate; over classes one for each, of a softmax the logarithms of their shares; of two
        heads a pair, such as mean and variance.

    Raises
    ------
    numloss.Error
        (a ValueError) If there are no targets, their weights are all 0, they or the weights are not
        finite, a label is none of the classes, the variance is 0, or the loss refuses the call.
    numloss.InputTypeError
        (a TypeError) If an argument has a type that cannot be taken.

    Examples
    --------
    >>> import numloss
    >>> numloss.best_constant("mse", [1.0, 2.0, 6.0])
    3.0
    >>> numloss.best_constant("mae", [1.0, 2.0, 6.0, 9.0])
    4.0
    >>> logit = numloss.best_constant("binary_cross_entropy", [0, 0, 0, 1])
    >>> float(numloss.binary_cross_entropy.inverse_link(logit))
    0.25
    >>> numloss.best_constant("gaussian_nll", [1.0, 3.0])
    (2.0, 1.0)
    """
    made, options = loss_of(loss, options, "a constant")
    if np.ndim(options.get("q", 0)):
        one = [best_constant(made, target, weight, **{**options, "q": q}) for q in options["q"]]
        return np.array(one)
    score = fitted(
        made,
        _convert.array("target", target),
        None if weight is None else _convert.array("weight", weight),
        options,
        classes=classes,
        bound=_convert.positive("bound", bound),
    )
    if _links.is_pair(made):
        return float(score[0]), float(made.inverse_link(score)[1])
    return float(score) if np.ndim(score) == 0 else score


def fitted(
    loss: Loss[...],
    target: Array,
    weight: Array | None,
    options: Mapping[str, Any],
    *,
    classes: int | None = None,
    bound: float = FARTHEST,
    said: str = "target",
) -> Any:
    """Return the best constant score; `said` is what the caller names the targets."""
    if target.size == 0:
        raise Error(f"{said} must hold at least one example, got none", said)
    if loss.domain in OF_LISTS:
        raise Error(
            f"loss must have a best constant, got {loss.__name__}: {OF_LISTS[loss.domain]}", "loss"
        )
    try:
        with ieee:
            if loss.rowwise:
                found: Any = _of_classes(loss, target, weight, options, classes, bound, said)
            elif _links.is_pair(loss):
                found = _of_two(loss, target, weight, options, said)
            else:
                found = _of_one(loss, target, weight, options, bound, said)
    except FloatingPointError:
        raise Error(
            f"{said} and weight must be finite: the gradient of {loss.__name__} is not", said
        ) from None
    return found


def _weights(
    loss: Any, score: Array, target: Array, weight: Array | None, options: Mapping[str, Any]
) -> NDArray[np.float64]:
    """Return the weight of each example; the loss itself refuses a call that is none."""
    weights: NDArray[np.float64] = loss._examples(score, target, weight=weight, **options)[1]
    if not weights.sum() > 0:
        raise Error(f"weight must have a positive sum, got {weights.sum()}", "weight")
    return weights


# ---------------------------------------------------------------------------------------- one score


def _of_one(
    loss: Loss[...],
    target: Array,
    weight: Array | None,
    options: Mapping[str, Any],
    bound: float,
    said: str,
) -> Any:
    one = np.broadcast_to(np.float64(1), target.shape)  # a prediction of every loss
    weights = _weights(loss, one, target, weight, options)
    t, w = target.astype(np.float64).reshape(-1), weights.reshape(-1)
    t, w = t[w > 0], w[w > 0]  # what has no weight is not there, be it NaN
    if not np.isfinite(t).all():
        raise Error(f"{said} must be finite, got {t[~np.isfinite(t)][0]}", said)
    if loss.estimates in ("median", "quantile"):
        return float(weighted_quantiles(t, w, _level(loss, options)))
    mean = float((w * t).sum() / w.sum())
    if loss.link == "log" and mean <= 0:
        return -bound
    if loss.estimates == "mean" and not options:
        return _bounded(loss, mean, bound)

    def slope(c: float) -> tuple[float, float]:
        g, h = loss.grad_and_hess(one * c, target, weight=weight, reduction="sum", **options)
        return float(g.sum()), float(h.sum())

    def value(c: float) -> float:
        return float(loss(one * c, target, weight=weight, reduction="sum", **options))

    count = _TRIED if loss.convex else _MORE_TRIED
    tried = _tried(loss, t, w, mean, count)
    begins = tried[[count // 2]] if loss.convex else _valleys(tried, value)
    step = float(tried[-1] - tried[0]) / (count - 1) or 1.0
    farthest = _farthest(str(loss.link), bound)
    roots = (_root(slope, float(x), step, farthest, loss.prediction_above) for x in begins)
    found = min(roots, key=value)
    if abs(found) == _NOWHERE:
        raise Error(f"loss must be least somewhere, but {loss.__name__} falls on and on", "loss")
    return found


def _farthest(link: str, bound: float) -> float:
    return {"sigmoid": bound, "log": _FARTHEST_LOGARITHM}.get(link, _NOWHERE)


def _bounded(loss: Loss[...], mean: float, bound: float) -> float:
    score = float(loss.link_function(mean))
    return float(np.clip(score, -bound, bound)) if loss.link == "sigmoid" else score


def _tried(loss: Loss[...], t: Array, w: Array, mean: float, count: int) -> Array:
    """Return scores among which, or near which, the best one is."""
    if loss.link == "sigmoid" or loss.domain == "signs":
        return np.linspace(-8, 8, count)
    levels = np.linspace(0, 1, count)
    found = weighted_quantiles(t, w, levels)
    return loss.link_function(np.maximum(found, 1e-3 * mean)) if loss.link == "log" else found


def _valleys(x: Array, value: Callable[[float], float]) -> Array:
    """Return those of some scores whose neighbours cost no less, the lowest of them."""
    costs = np.array([value(float(one)) for one in x])
    padded = np.concatenate([[np.inf], costs, [np.inf]])
    lowest = (costs <= padded[:-2]) & (costs <= padded[2:])
    return np.unique(x[lowest][np.argsort(costs[lowest], kind="stable")[:_VALLEYS]])


def _level(loss: Loss[...], options: Mapping[str, Any]) -> float:
    """Return the level of the quantile that a loss estimates."""
    if loss.estimates == "median":
        return 0.5
    return float(options.get("q", inspect.signature(loss).parameters["q"].default))


def weighted_quantiles(t: Array, w: Array, levels: ArrayLike) -> Array:
    """Return quantiles of numbers with positive weights: the middle of all that are one."""
    order = np.argsort(t, kind="stable")
    t, below = t[order], np.cumsum(w[order])
    wanted = np.multiply(levels, below[-1])
    # Sums of weights that differ from it by their rounding are the wanted one.
    margin = 1e-12 * below[-1]
    low = np.searchsorted(below, wanted - margin)
    high = np.searchsorted(below, wanted + margin)
    last = t.size - 1
    first, second = t[np.minimum(low, last)], t[np.minimum(high, last)]
    middle: Array = first + (second - first) / 2
    return middle


def _root(
    slope: Callable[[float], tuple[float, float]],
    begin: float,
    step: float,
    farthest: float,
    above: float = -np.inf,
) -> float:
    """Return where a sum of losses is least: Newton's method between two bounds.

    ``slope`` returns gradient and Hessian, of numbers ``above`` one. Where there is no Hessian, as
    of absolute errors, the bounds are halved.
    """
    low = high = begin
    gradient, _ = slope(begin)
    _check_finite(gradient)
    ahead, step = gradient, -np.sign(gradient) * step
    while ahead * gradient > 0:
        low, high = high, max(high + step, (high + above) / 2)
        if abs(high) > farthest:
            return float(np.sign(step) * farthest)
        ahead, step = slope(high)[0], 2 * step
    if ahead == 0:
        return float(high)
    low, high = sorted((low, high))
    x, move = (low + high) / 2, high - low
    for _ in range(200):
        gradient, hessian = slope(x)
        if gradient == 0:
            break
        low, high = (x, high) if gradient < 0 else (low, x)
        newton = x - gradient / hessian if hessian > 0 else np.nan
        # A step outside the bounds, or one that does not halve the last, is replaced.
        if not (low <= newton <= high and abs(newton - x) < move / 2):
            newton = (low + high) / 2
        move, x = abs(newton - x), float(newton)
        if move <= 1e-15 * abs(x):
            break
    return x


def _check_finite(gradient: Any) -> None:
    if not np.isfinite(gradient).all():
        raise FloatingPointError


# ----------------------------------------------------------------------------------- several scores


def _of_two(
    loss: Loss[...], target: Array, weight: Array | None, options: Mapping[str, Any], said: str
) -> NDArray[np.float64]:
    """Mean and logarithm of the variance, from those of all examples."""
    scores = np.broadcast_to(np.float64(0), (*target.shape, 2))
    w = _weights(_links.of_scores(loss), scores, target, weight, options)
    t = np.where(w > 0, target, 0.0)  # what has no weight is not there, be it NaN
    mean = np.average(t, weights=w)
    variance = np.average((t - mean) ** 2, weights=w)
    if not variance > 0 or not np.isfinite(variance):
        raise Error(f"{said} must be finite and differ, got variance {variance}", said)
    starts = {"identity": mean, "log": np.log(variance)}
    c = np.array([mean if loss.link[0] == "identity" else np.log(mean), starts[loss.link[1]]])
    at = _constant_on(loss, target, weight, options)
    # One score after the other is moved to where the loss is least, until none moves on.
    for _ in range(100):
        before = c.copy()
        for k in range(2):
            c[k] = _least_by(at, c, k, np.sqrt(variance), _farthest(loss.link[k], FARTHEST))
        if np.allclose(c, before, rtol=1e-13, atol=0):
            break
    return c


def _least_by(
    at: Callable[[Array], tuple[float, Array, Array]], c: Array, k: int, step: float, far: float
) -> float:
    """Return the best of one score, the others held."""

    def slope(x: float) -> tuple[float, float]:
        _, gradient, hessian = at(np.where(np.arange(c.size) == k, x, c))
        return float(gradient[k]), float(hessian[k])

    return _root(slope, float(c[k]), step / 64 if far > 1e3 else 1 / 64, far)


def _of_classes(
    loss: Loss[...],
    target: Array,
    weight: Array | None,
    options: Mapping[str, Any],
    classes: int | None,
    bound: float,
    said: str,
) -> NDArray[np.float64]:
    if takes_rows(loss, target):
        rows = np.broadcast_to(np.float64(0), target.shape)
        w = _weights(loss, rows, target, weight, options)
        total = w.sum()
        shares = (w[..., None] * target).reshape(-1, target.shape[-1]).sum(axis=0)
    else:
        # Every label occurs once, as often as it weighs: a constant knows no more.
        shares = _counts(loss, target, weight, options, classes, said)
        total = shares.sum()
        target, weight = np.arange(shares.size), shares
    begin = np.zeros(shares.size)
    if loss.link == "softmax":
        with np.errstate(divide="ignore"):
            begin = np.maximum(np.log(shares / total), -bound)
    at = _constant_on(loss, target, weight, options)
    found = _descend(at, begin, 1e-12 * float(total))
    return found if loss.smoothness else _round_corners(at, found)


def _counts(
    loss: Loss[...],
    labels: Array,
    weight: Array | None,
    options: Mapping[str, Any],
    classes: int | None,
    said: str,
) -> NDArray[np.float64]:
    """Return the weight of each class; the loss itself refuses labels and weights."""
    kept = labels != options.get("ignore_index", -100)
    k = class_count(loss, labels, options, classes, said)
    scores = np.broadcast_to(np.float64(0), (*labels.shape, k))
    _weights(loss, scores, labels, weight, options)
    w = None if weight is None else np.broadcast_to(weight, labels.shape)[kept].astype(np.float64)
    return np.bincount(labels[kept].astype(np.int64), w, k).astype(np.float64)


def class_count(
    loss: Loss[...], target: Array, options: Mapping[str, Any], classes: int | None, said: str
) -> int:
    """Return the number of classes: the one given, or what targets and options have."""
    if takes_rows(loss, target):
        return int(target.shape[-1])
    kept = target[target != options.get("ignore_index", -100)]
    highest = int(kept.max(initial=0))
    # Options with a number for each class say how many there are.
    known = next((len(x) for x in options.values() if np.ndim(x)), highest + 1)
    k = known if classes is None else _convert.positive_integer("classes", classes)
    if highest >= k:
        raise Error(f"{said} must be below {k}, got {highest}", said)
    if k < 2 and kept.size:
        raise Error(f"{said} must be of two classes or more, got 0 alone", said)
    return k


def takes_rows(loss: Loss[...], target: Array) -> bool:
    """Whether the target of a loss over classes has a number for each, as the prediction has."""
    if loss.domain == "labels or probabilities":
        return target.ndim > 1 and target.dtype.kind == "f"
    return loss.rowwise and loss.domain != "labels"


def _constant_on(
    loss: Loss[...], target: Array, weight: Array | None, options: Mapping[str, Any]
) -> Callable[[Array], tuple[float, Array, Array]]:
    """Return a function of constant scores: the sum of losses, its gradient and diagonal."""
    call = {"weight": weight, "reduction": "sum", **options}
    of_scores = _links.of_scores(loss)
    examples = target.shape[:-1] if takes_rows(loss, target) else target.shape

    def at(c: Array) -> tuple[float, Array, Array]:
        score = np.broadcast_to(c, (*examples, c.size))
        g, h = of_scores.grad_and_hess(score, target, **call)
        over = tuple(range(len(examples)))
        return float(of_scores(score, target, **call)), g.sum(over), h.sum(over)

    return at


def _round_corners(at: Callable[[Array], tuple[float, Array, Array]], c: Array) -> Array:
    """Return constant scores below a corner that no step along the gradient leads away from.

    Some scores move together by steps that are halved where none leads down. A convex function of
    the differences of scores is least where that helps with no set of them (Murota, "Discrete
    convex analysis", 2003, theorem 7.14). All sets are tried of up to eight classes, of more those
    of the highest scores and of one.
    """
    k = c.size
    if k <= 8:
        sets = (np.arange(1, 2**k - 1)[:, None] >> np.arange(k) & 1).astype(float)
    else:
        rank = np.argsort(np.argsort(-c, kind="stable"), kind="stable")
        sets = np.concatenate([np.eye(k), rank < np.arange(1, k)[:, None]])
    directions, step, least = np.concatenate([sets, -sets]), 1.0, at(c)[0]
    while step > 1e-9:
        values = [at(c + step * direction)[0] for direction in directions]
        if min(values, default=least) < least:
            least, c = min(values), c + step * directions[np.argmin(values)]
        else:
            step /= 2
    return c


def _descend(at: Callable[[Array], tuple[float, Array, Array]], c: Array, smallest: float) -> Array:
    """Return constant scores of a small loss: steps by the Hessian's diagonal that never climb.

    ``at`` returns value, gradient and the diagonal. It ends with a gradient below ``smallest``, or
    where no step leads down.
    """
    value, gradient, hessian = at(c)
    _check_finite(gradient)
    for _ in range(500):
        if np.abs(gradient).max() <= smallest:
            break
        step = gradient / np.maximum(np.abs(hessian), 1e-3 * np.abs(gradient).max() + 1e-300)
        while True:
            then = at(c - step)
            if then[0] < value:
                break
            step /= 2
            if np.abs(step).max() < 1e-12:
                return c
        c = c - step
        value, gradient, hessian = then
    return c
