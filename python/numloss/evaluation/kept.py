"""What an evaluation keeps of the rows beside the sums of every loss."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Kept:
    """What was asked for, as `numloss.Evaluation` takes it."""

    worst: int = 10
    resample: bool = False
    calibration: bool = False
    auc: bool = False
