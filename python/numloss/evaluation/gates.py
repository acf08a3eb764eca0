"""Verdicts for scripts: means above a limit, or worse than those of a baseline."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from numloss.evaluation.errors import UsageError
from numloss.evaluation.names import closest
from numloss.evaluation.result import EvaluationResult, LossResult, Statistics
from numloss.evaluation.specs import LossSpec
from numloss.evaluation.tables import printable
from numloss.evaluation.uncertainty import student_quantile


class Limit(NamedTuple):
    """The mean of a loss must not be above a number."""

    loss: str
    most: float


def parse_limit(text: str, losses: Iterable[str]) -> Limit:
    """Parse ``loss=limit``, where the loss may be written with its options."""
    name, _, number = text.rpartition("=")
    known = [choice for loss in losses for choice in (loss.partition(":")[0], loss)]
    if name not in known:
        raise UsageError(
            f"--fail-above {text}: write LOSS=LIMIT with a loss of --loss{closest(name, known)}"
        )
    try:
        limit = float(number)
    except ValueError:
        limit = math.nan
    if math.isnan(limit):
        raise UsageError(f"--fail-above {text}: {number!r} is not a number")
    return Limit(name, limit)


def above(limits: Sequence[Limit], result: EvaluationResult) -> Iterator[str]:
    """Say which means are above their limits, or not known to be below."""
    for limit in limits:
        for loss in result.losses.values():
            mean = loss.total.mean
            chosen = limit.loss in (loss.name, loss.spec.name)
            # A mean that is NaN, or of nothing, is not known to be below.
            if chosen and not (mean is not None and mean <= limit.most):
                yield f"the mean of {printable(loss.name)} is {mean}, above {limit.most}"


def worse(
    result: EvaluationResult, baseline: EvaluationResult, margin: float, confidence: float
) -> Iterator[str]:
    """Say which means are worse than those of a baseline by more than noise explains.

    A mean is worse if the difference less t standard errors is above the margin; t is the quantile
    of Student's distribution at the confidence, for the fewer examples, or clusters. The two means
    are taken for independent: of the same rows the difference is better known, so that this fails
    too seldom rather than too often.
    """
    for loss in result.losses.values():
        other = counterpart(loss.spec, baseline)
        mean, before = loss.total.mean, other.total.mean
        if mean is None or before is None or math.isnan(mean - before):  # two infinities as well
            yield (
                f"the mean of {printable(loss.name)} is {mean}, that of the baseline {before}: "
                "nobody knows which is worse"
            )
            continue
        harm = before - mean if loss.spec.higher_is_better else mean - before
        noise = _noise(loss.total, other.total, confidence)
        if noise is None and margin < harm < math.inf:
            yield (
                f"the mean of {printable(loss.name)} is {mean:.6g}, that of the baseline "
                f"{before:.6g}: one of them has no standard error, so that nobody knows what is "
                "noise"
            )
        elif harm == math.inf:  # whatever the noise
            yield (
                f"the mean of {printable(loss.name)} is {mean}, that of the baseline {before:.6g}"
            )
        elif noise is not None and harm - noise > margin:
            yield (
                f"the mean of {printable(loss.name)} is {mean:.6g}, worse than the baseline's "
                f"{before:.6g} by {harm:.6g}, and by {harm - noise:.6g} at least "
                f"with a confidence of {confidence:g}, where {margin:g} is allowed"
            )


def _noise(one: Statistics, other: Statistics, confidence: float) -> float | None:
    """Return what a difference of two means may come to by chance, if that is known."""
    if one.standard_error is None or other.standard_error is None:
        return None
    degrees = max(min(one.parts, other.parts) - 1, 1)
    return student_quantile(confidence, degrees) * math.hypot(
        one.standard_error, other.standard_error
    )


def counterpart(spec: LossSpec, baseline: EvaluationResult) -> LossResult:
    """Return what a baseline has of the same loss with the same options."""
    for other in baseline.losses.values():
        if other.spec.described() == spec.described():
            return other
    raise UsageError(
        f"--fail-worse-than: the baseline has no {printable(spec.text)}; it has "
        f"{', '.join(printable(name) for name in baseline)}"
    )
