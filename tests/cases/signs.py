"""Losses of one score against a sign, -1 or +1."""

from __future__ import annotations

import numpy as np

from cases.arithmetic import Array, exp, log
from cases.inputs import BOOLEANS, MODEST_SIGNS, SIGNS
from cases.table import Case, Kink


def sign(t: Array) -> Array:
    return 2 * t.astype(int) - 1 if t.dtype == bool else t


def logistic(s: Array, t: Array) -> Array:
    return log(1 + exp(-sign(t) * s))


def exponential(s: Array, t: Array) -> Array:
    return exp(-sign(t) * s)


def hinge(s: Array, t: Array, margin: float = 1.0) -> Array:
    return np.maximum(0, margin - sign(t) * s)


def squared_hinge(s: Array, t: Array, margin: float = 1.0) -> Array:
    return hinge(s, t, margin) ** 2


def smoothed_hinge(s: Array, t: Array, margin: float = 1.0, smoothing: float = 1.0) -> Array:
    z = hinge(s, t, margin)
    return np.where(z <= smoothing, z**2 / (2 * smoothing), z - smoothing / 2)


def modified_huber(s: Array, t: Array) -> Array:
    return np.where(sign(t) * s >= -1, squared_hinge(s, t), -4 * sign(t) * s)


def hinge_embedding(x: Array, t: Array, margin: float = 1.0) -> Array:
    return np.where(sign(t) > 0, x, np.maximum(0, margin - x))


def room(s: Array, t: Array, margin: float = 1.0) -> Array:
    """How far a score is from where a hinge has its kink."""
    return abs(margin - sign(t) * s)


def room_of_parabola(s: Array, t: Array, margin: float = 1.0, smoothing: float = 1.0) -> Array:
    return np.minimum(room(s, t, margin), room(s, t, margin - smoothing))


BOTH = {SIGNS: ({},), BOOLEANS: ({},)}
OF_MARGINS = {SIGNS: ({}, {"margin": 0.25}), BOOLEANS: ({},)}
KINKS = (Kink(1.0, 1.0, 0.0, 0.0, 0.0), Kink(-0.25, -1.0, 0.0, 0.0, 0.0, {"margin": 0.25}))

CASES = {
    "logistic": Case(logistic, BOTH),
    # Of scores whose exponentials are floats: beyond, it is 0 and inf.
    "exponential": Case(exponential, {MODEST_SIGNS: ({},)}),
    "hinge": Case(
        hinge,
        OF_MARGINS,
        distance_to_kink=room,
        kinks=(*KINKS, Kink(0.0, 1.0, 0.0, 0.0, 0.0, {"margin": 0.0})),
    ),
    "squared_hinge": Case(squared_hinge, OF_MARGINS, distance_to_kink=room, kinks=KINKS),
    "smoothed_hinge": Case(
        smoothed_hinge,
        {
            SIGNS: ({}, {"margin": 0.25, "smoothing": 0.125}, {"smoothing": 3.0}),
            BOOLEANS: ({},),
        },
        distance_to_kink=room_of_parabola,
        kinks=(
            Kink(1.0, 1.0, 0.0, 0.0, 0.0),
            Kink(0.0, 1.0, 0.5, -1.0, 1.0),
            Kink(0.5, -1.0, 1.0, 1.0, 0.5, {"margin": 1.5, "smoothing": 2.0}),
        ),
    ),
    "modified_huber": Case(
        modified_huber,
        BOTH,
        distance_to_kink=lambda s, t: room_of_parabola(s, t, 1.0, 2.0),
        kinks=(Kink(1.0, 1.0, 0.0, 0.0, 0.0), Kink(1.0, -1.0, 4.0, 4.0, 2.0)),
    ),
    "hinge_embedding": Case(
        hinge_embedding,
        OF_MARGINS,
        distance_to_kink=lambda x, t, margin=1.0: np.where(sign(t) > 0, 1, abs(margin - x)),
        kinks=(Kink(1.0, -1.0, 0.0, 0.0, 0.0), Kink(0.0, 1.0, 0.0, 1.0, 0.0)),
    ),
}
