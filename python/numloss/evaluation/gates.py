"""Verdicts for scripts: numbers beyond a limit, or means worse than those of a baseline."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from numloss.evaluation.errors import UsageError
from numloss.evaluation.kept import Kept
from numloss.evaluation.names import closest
from numloss.evaluation.result import EvaluationResult, LossResult, Statistics
from numloss.evaluation.specs import LossSpec
from numloss.evaluation.tables import printable
from numloss.evaluation.uncertainty import student_quantile

#: What a gate may be on beside means, as reports call it, and which options compute it. The ranks
#: of scores have a least number, errors of calibration a largest one.
FORECASTS = {
    "expected_calibration_error": "calibration", "maximum_calibration_error": "calibration",
    "roc_auc": "auc", "average_precision": "auc",
}  # fmt: skip


class Limit(NamedTuple):
    """A number that the mean of a loss, or another statistic, must not be above, or below."""

    name: str
    number: float
    is_least: bool = False

    @property
    def option(self) -> str:
        """The option that asks for it."""
        return "--fail-below" if self.is_least else "--fail-above"


def parse_limits(
    most: Iterable[str], least: Iterable[str], losses: Iterable[str], kept: Kept
) -> list[Limit]:
    """Parse what --fail-above and --fail-below say of what an evaluation computes."""
    names = list(losses)
    texts = [(text, False) for text in most] + [(text, True) for text in least]
    return [_parse(text, is_least, names, kept) for text, is_least in texts]


def _parse(text: str, is_least: bool, losses: Sequence[str], kept: Kept) -> Limit:
    """Parse ``name=limit``, where a loss may be written with its options."""
    name, _, number = text.rpartition("=")
    limit = Limit(name, math.nan, is_least)
    needed = FORECASTS.get(name)
    if needed is None:
        known = [choice for loss in losses for choice in (loss.partition(":")[0], loss)]
        # What other options would compute is no name to suggest.
        asked = [other for other, option in FORECASTS.items() if getattr(kept, option)]
        if name not in known:
            more = f", or {', '.join(asked)}" if asked else ""
            raise UsageError(
                f"{limit.option} {text}: write LOSS=LIMIT with a loss of --loss{more}"
                f"{closest(name, [*known, *asked])}"
            )
    elif is_least != (needed == "auc"):
        better, other = ("higher", "below") if needed == "auc" else ("lower", "above")
        raise UsageError(
            f"{limit.option} {text}: of {name} a {better} one is better: --fail-{other} is its gate"
        )
    elif not getattr(kept, needed):
        raise UsageError(f"{limit.option} {text}: needs --{needed}")
    try:
        found = float(number)
    except ValueError:
        found = math.nan
    if math.isnan(found):
        raise UsageError(f"{limit.option} {text}: {number!r} is not a number")
    return limit._replace(number=found)


def beyond(limits: Sequence[Limit], result: EvaluationResult) -> Iterator[str]:
    """Say what is beyond its limit, or not known to be within."""
    for limit in limits:
        side = "below" if limit.is_least else "above"
        for what, value, shown in _numbers(limit, result):
            # NaN, and what there is nothing to compute from, are not known to be within.
            if value is None or not (
                value >= limit.number if limit.is_least else value <= limit.number
            ):
                yield f"{what} is {shown}, {side} {limit.number}"


def _numbers(limit: Limit, result: EvaluationResult) -> Iterator[tuple[str, float | None, str]]:
    """Yield what a limit is on: its name, the value that decides, and how it is shown.

    Of two models it is the first. A statistic that lies between bounds is known to be at least the
    lower one.
    """
    calibration, ranking = result.calibration, result.ranking
    errors = {} if calibration is None else {
        "expected_calibration_error": calibration.expected_error,
        "maximum_calibration_error": calibration.maximum_error,
    }  # fmt: skip
    ranks = {} if ranking is None else {
        "roc_auc": ranking.total.roc_auc, "average_precision": ranking.total.average_precision,
    }  # fmt: skip
    if limit.name in errors:
        yield limit.name, errors[limit.name], str(errors[limit.name])
    elif limit.name in ranks:
        bounds = ranks[limit.name]
        yield limit.name, None if bounds is None else bounds.low, str(bounds)
    else:
        for loss in result.losses.values():
            if limit.name in (loss.name, loss.spec.name):
                mean = loss.total.mean
                yield f"the mean of {printable(loss.name)}", mean, str(mean)


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
