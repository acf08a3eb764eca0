"""The report: statistics of the losses, of all rows and by slice."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta
from store import Snapshot

Probability = Annotated[float, Meta(ge=0, le=1)]


class ReportQuery(msgspec.Struct, forbid_unknown_fields=True):
    """What a report shall have: quantiles of the losses, and intervals of the means."""

    quantile: Annotated[tuple[Probability, ...], Meta(max_length=20)] = (0.5, 0.95, 0.99)
    confidence: Annotated[float, Meta(ge=0.01, le=0.9999)] | None = None


def report_of(snapshot: Snapshot, asked: ReportQuery) -> dict[str, Any]:
    """Return counts and statistics by name, as JSON can hold them; NaN and infinity become null."""
    tally = snapshot.tally
    groups = sorted(key for kind, *key in tally if kind == "predictions")
    found: dict[str, Any] = {
        "predictions": sum(tally[("predictions", *group)] for group in groups),
        "labels": tally[("labels",)],
        "joined": sum(tally[("joined", *group)] for group in groups),
        "slices": [
            {
                "model": model,
                "slice": slice_,
                "predictions": tally["predictions", model, slice_],
                "joined": tally["joined", model, slice_],
            }
            for model, slice_ in groups
        ],
    }
    if snapshot.evaluation is not None:
        result = snapshot.evaluation.result(asked.quantile)
        ((name, loss),) = result.losses.items()
        found |= {"loss": name, "total": loss.total.to_dict(asked.confidence)}
        for entry in found["slices"]:
            if entry["joined"]:
                group = loss.groups[entry["model"], entry["slice"]]
                entry["statistics"] = group.to_dict(asked.confidence)
    return found
