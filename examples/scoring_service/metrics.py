"""What Prometheus is told: all of it from the store, so that it survives restarts and kills.

The times of requests travel to the store with the requests that come after them, and once a second.
So whichever worker answers, it answers for all of them; those of other workers may be a second old.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.exposition import generate_latest
from store import Snapshot, Tally

#: Upper bounds of the times of requests, in seconds.
_BOUNDS = ("0.001", "0.0025", "0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1.0", "2.5",
           "5.0", "10.0", "+Inf")  # fmt: skip
_LIMITS = [float(bound) for bound in _BOUNDS[:-1]]


class Times:
    """Times of requests that the store does not know of yet."""

    def __init__(self) -> None:
        self._tally = Tally()

    def add(self, route: str, status: int, seconds: float) -> None:
        """Count a request."""
        self._tally["request", route, str(status), _BOUNDS[bisect_left(_LIMITS, seconds)]] += 1
        self._tally["seconds", route, str(status)] += seconds  # type: ignore[assignment]

    def taken(self) -> Tally:
        """Return what was counted since the last call."""
        taken, self._tally = self._tally, Tally()
        return taken


class Metrics:
    """The numbers of a snapshot, as prometheus_client collects them."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    def text(self) -> bytes:
        """Return them in Prometheus's text format."""
        return generate_latest(self)  # it calls `collect` alone

    def collect(self) -> Iterator[Metric]:
        """Yield each family."""
        tally = self._snapshot.tally
        for name, help_ in (
            ("predictions", "Predictions that were acknowledged."),
            ("joined", "Predictions that have their label, and a loss."),
        ):
            family = CounterMetricFamily(f"scoring_{name}", help_, labels=["model", "slice"])
            for (kind, *labels), number in sorted(tally.items()):
                if kind == name:
                    family.add_metric(labels, number)
            yield family
        yield CounterMetricFamily(
            "scoring_labels", "Labels that were acknowledged.", value=tally[("labels",)]
        )
        yield CounterMetricFamily(
            "scoring_expired",
            "Examples that were forgotten, being too old.",
            value=tally[("expired",)],
        )
        yield GaugeMetricFamily(
            "scoring_journal_entries",
            "Entries of the journal that are not folded into the checkpoint.",
            value=self._snapshot.entries,
        )
        yield self._requests()
        yield self._losses()

    def _requests(self) -> Metric:
        tally = self._snapshot.tally
        family = HistogramMetricFamily(
            "scoring_request_seconds", "Times of requests.", labels=["route", "status"]
        )
        for kind, *labels in sorted(tally):
            if kind == "seconds":
                counts, total = [], 0
                for bound in _BOUNDS:
                    total += tally[("request", *labels, bound)]
                    counts.append((bound, total))
                family.add_metric(labels, counts, sum_value=tally[("seconds", *labels)])
        return family

    def _losses(self) -> Metric:
        family = GaugeMetricFamily(
            "numloss_loss",
            "Statistics of losses, by loss, statistic and group.",
            labels=["loss", "model", "slice", "statistic"],
        )
        if self._snapshot.evaluation is not None:
            for name, loss in self._snapshot.evaluation.result().losses.items():
                for key, statistics in loss.groups:
                    for statistic, value in statistics.to_dict().items():
                        if isinstance(value, (int, float)):
                            family.add_metric([name, *key, statistic], value)
        return family
