"""Every refusal: what is refused, with which message, and that nothing has been written by then.

A row holds a call and the whole message; one that ends in dots goes on with the words of another
library.
"""

# ruff: noqa: E501 (a row of a table is a line)

from __future__ import annotations

import datetime
import decimal
import os
import subprocess
import sys
import warnings
from fractions import Fraction

import ml_dtypes
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import numloss

INF = np.inf
NAN = np.nan

P3 = np.array([0.5, -0.5, 1.0])
T3 = np.array([1.0, 0.0, 1.0])
S3 = np.array([1.0, -1.0, 1.0])
Q3 = np.array([0.5, 0.25, 1.0])
SCORES = np.array([[0.5, -0.5, 1.0], [2.0, 0.0, -1.0]])
LABELS = np.array([2, 0])
NO_SHARES = np.array([[0.5, 0.25, 0.0], [0.5, 1.0, 2.0]])
SHARES = np.array([[0.5, 0.25, 0.25], [0.0, 1.0, 0.0]])
SQUARES = np.eye(3)


def methods(loss):
    return loss, loss.grad, loss.value_and_grad, loss.grad_and_hess


def check_message(error, message):
    found = str(error.value)
    if message.endswith("..."):
        assert found.startswith(message[:-3])
    else:
        assert found == message


def put(array, index, value):
    changed = array.copy()
    changed[index] = value
    return changed


def answer(call, x):
    """Return the result of a call, and the message if it refuses."""
    try:
        return call(x), None
    except (ValueError, TypeError) as error:
        return None, str(error)


def snapshot(value):
    return value.tobytes() if isinstance(value, np.ndarray) and value.dtype != object else None


# ----------------------------------------------------------------- arrays and options of the losses


def row(error, message, loss, prediction, target, **options):
    name = f"{loss.__name__}-{message[:70]}"
    return pytest.param(error, message, loss, prediction, target, options, id=name)


NOT_REAL = "must hold real numbers of at most 64 bits, got dtype"
SHAPES = "prediction and target must have the same shape, got"
NO_BROADCAST = ": a loss does not broadcast; use numpy.broadcast_to where it is meant"
SIGNS = ": map labels 0 and 1 with 2 * target - 1 or target.astype(bool)"
FORMS = "target must hold integer labels of shape (2,) or probabilities of the prediction's shape (2, 3), got dtype"
WEIGHTS = "weight must be a number or have the shape of the examples"
ONE = "where an axis may have length 1"
PER_EXAMPLE = (
    "target must hold a label per example, of shape (2,) for a prediction of shape (2, 3) "
    "with classes on axis 1, got"
)
MASKED = np.ma.array(P3, mask=[False, True, False])

mse, mae, huber = numloss.mse, numloss.mae, numloss.huber
poisson, gamma, tweedie = numloss.poisson, numloss.gamma, numloss.tweedie
binary_cross_entropy, focal = numloss.binary_cross_entropy, numloss.focal
hinge, squared_hinge = numloss.hinge, numloss.squared_hinge
cross_entropy, kl_divergence = numloss.cross_entropy, numloss.kl_divergence
multiclass_hinge, softmax_focal = numloss.multiclass_hinge, numloss.softmax_focal
logit_adjusted = numloss.logit_adjusted
generalized_cross_entropy = numloss.generalized_cross_entropy
poly_cross_entropy = numloss.poly_cross_entropy
symmetric_cross_entropy = numloss.symmetric_cross_entropy
ranked_probability = numloss.ranked_probability
ordinal_cross_entropy = numloss.ordinal_cross_entropy

MSE_TAKES = "prediction, target, weight, reduction, denominator, allow_negative_weight, reduce_axis, keepdims, dtype, out"

ARRAYS = [
    # Shapes
    row(ValueError, f"{SHAPES} (3,) and (2,){NO_BROADCAST}", mse, P3, T3[:2]),
    row(ValueError, f"{SHAPES} (3,) and (1,){NO_BROADCAST}", mae, P3, T3[:1]),
    row(ValueError, f"{SHAPES} (2, 3) and (3,){NO_BROADCAST}", huber, SCORES, T3),
    row(ValueError, f"{SHAPES} (3,) and (2, 3){NO_BROADCAST}", focal, P3, SHARES),
    row(ValueError, f"{SHAPES} () and (3,){NO_BROADCAST}", mse, 0.5, T3),
    row(ValueError, f"{SHAPES} (0,) and (3,){NO_BROADCAST}", mse, [], T3),
    row(
        ValueError,
        f"{SHAPES} (3, 1) and (3,): use prediction[..., 0] or target[..., None]",
        mse,
        P3[:, None],
        T3,
    ),
    row(
        ValueError,
        f"{SHAPES} (3,) and (3, 1): use target[..., 0] or prediction[..., None]",
        binary_cross_entropy,
        P3,
        T3[:, None],
    ),
    row(ValueError, "prediction must be array-like, got list: ...", mse, [[1.0], [1.0, 2.0]], T3),
    # Types
    row(TypeError, f"prediction {NOT_REAL} complex128", mse, P3 + 1j, T3),
    row(TypeError, f"prediction {NOT_REAL} <U3", mse, "abc", T3),
    row(TypeError, f"prediction {NOT_REAL} datetime64[D]", mse, np.zeros(3, "M8[D]"), T3),
    row(TypeError, f"prediction {NOT_REAL} [('a', '<f8')]", mse, np.zeros(3, [("a", "f8")]), T3),
    row(TypeError, "prediction must be array-like, got None", mse, None, T3),
    row(TypeError, "prediction must be array-like, got {1.0}", mse, {1.0}, T3),
    row(TypeError, "prediction must be array-like, got <generator object ...", mse, (x for x in P3), T3),
    row(TypeError, f"prediction {NOT_REAL} object, which holds a NoneType", mse, [1, 2, None], T3),
    row(
        TypeError,
        f"prediction {NOT_REAL} {np.dtype(np.longdouble)}: use prediction.astype(numpy.float64)",
        mse,
        P3.astype(np.longdouble),
        T3,
    ),
    row(
        TypeError,
        "prediction is a masked array, whose mask would be lost: "
        "pass prediction.data and weight=~prediction.mask",
        mse,
        MASKED,
        T3,
    ),
    row(
        TypeError,
        "target is a masked array, whose mask would be lost: "
        "pass target.data and weight=~target.mask",
        hinge,
        P3,
        MASKED,
    ),
    row(TypeError, f"target {NOT_REAL} complex128", mse, P3, T3 + 1j),
    row(TypeError, f"target {NOT_REAL} timedelta64[s]", binary_cross_entropy, P3, np.zeros(3, "m8[s]")),
    row(TypeError, "target must be array-like, got None", hinge, P3, None),
    row(TypeError, "target must be array-like, got None", cross_entropy, SCORES, None),
    row(TypeError, f"target {NOT_REAL} object, which holds a bytes", cross_entropy, SCORES, [1, b"", None]),
    row(ValueError, f"target must fit dtype float64, got 1{'0' * 56}...", mse, P3, 10**400),
    row(ValueError, "target must fit dtype float16, got 100000.0", mse, P3.astype("f2"), 1e5),
    row(ValueError, "target must fit dtype float32, got -1e+39", mae, P3.astype("f4"), -1e39),
    # Binary targets
    row(ValueError, "target must be in [0, 1], got 2.0 at index 1", binary_cross_entropy, P3, put(T3, 1, 2.0)),
    row(ValueError, "target must be in [0, 1], got -1 at index 0", focal, P3, np.array([-1, 0, 1])),
    row(ValueError, "target must be in [0, 1], got 255 at index 2", focal, P3, np.array([0, 1, 255], "u1")),
    row(ValueError, "target must be in [0, 1], got 1.5", binary_cross_entropy, P3, 1.5),
    row(ValueError, "target must be in [0, 1], got inf at index 0", binary_cross_entropy, P3, put(T3, 0, INF)),
    row(
        ValueError,
        "target must be in [0, 1], got 3.0 at index (1, 2)",
        binary_cross_entropy,
        SCORES,
        put(SHARES, (1, 2), 3.0),
    ),
    row(
        ValueError,
        "target must be in [0, 1], got 2.0 at index 1",
        focal,
        Q3,
        put(T3, 1, 2.0),
        from_logits=False,
        weight=[0, 1, 1],
    ),
    row(
        ValueError,
        "prediction must be in [0, 1], got 1.00001 at index 1: use prediction.clip(0, 1) where it is a matter of rounding",
        focal,
        [0.5, 1.00001, 0.5],
        T3,
        from_logits=False,
    ),
    row(
        ValueError,
        "prediction must be in [0, 1], got -0.5 at index 1: are these logits? use from_logits=True",
        binary_cross_entropy,
        P3,
        T3,
        from_logits=False,
    ),
    row(
        ValueError,
        "prediction must be in [0, 1], got 1.5 at index 0: are these logits? use from_logits=True",
        focal,
        np.array([1.5, 0.5], np.float32),
        1,
        from_logits=False,
    ),
    row(ValueError, f"target must be -1 or +1 (or bool), got 0.0 at index 1{SIGNS}", hinge, P3, T3),
    row(ValueError, f"target must be -1 or +1 (or bool), got 0 at index 1{SIGNS}", squared_hinge, P3, [1, 0, 1]),
    row(ValueError, f"target must be -1 or +1 (or bool), got 0.5{SIGNS}", hinge, P3, 0.5),
    row(ValueError, f"target must be -1 or +1 (or bool), got -128 at index 0{SIGNS}", hinge, P3, np.array([-128, 1, 1], "i1")),
    # Labels
    row(ValueError, "target must hold labels in [0, 3) or ignore_index=-100, got 3 at index 1", cross_entropy, SCORES, np.array([2, 3])),
    row(ValueError, "target must hold labels in [0, 3) or ignore_index=-100, got -1 at index 0", softmax_focal, SCORES, [-1, 5]),
    row(ValueError, "target must hold labels in [0, 3) or ignore_index=1, got -100 at index 1", multiclass_hinge, SCORES, [1, -100], ignore_index=1),
    row(ValueError, "target must hold labels in [0, 3) or ignore_index=-100, got 7", ranked_probability, SCORES, 7),
    row(ValueError, "target must hold labels in [0, 3) or ignore_index=-100, got -101 at index 1", ordinal_cross_entropy, SCORES, [0, -101]),
    row(ValueError, "target must hold labels in [0, 3) or ignore_index=-100, got 9223372036854775813 at index 0", cross_entropy, SCORES, np.array([2**63 + 5, 0], np.uint64)),
    row(ValueError, "target must hold labels in [0, 3) or ignore_index=-100, got 18446744073709551516 at index 1", cross_entropy, SCORES, np.array([0, 2**64 - 100], np.uint64)),
    row(ValueError, "target must hold labels in [0, 3) or ignore_index=-100, got 156 at index 0", cross_entropy, SCORES, np.array([156, 0], np.uint8)),
    row(ValueError, "target must hold labels in [0, 3) or ignore_index=-100, got 3 at index 1", cross_entropy, SCORES, [-1, 3], weight=[0.0, 1.0]),
    row(ValueError, "target must hold labels in [0, 3) or ignore_index=-100, got 4 at index (1, 0)", cross_entropy, np.zeros((2, 3, 2)), [[0, 1], [4, 5]], axis=1),
    row(ValueError, "target must hold labels in [0, 3) or ignore_index=-100, got 3 at index 1", cross_entropy, SCORES, np.array([0, 3]), label_smoothing=0.1),
    row(ValueError, f"{PER_EXAMPLE} (3,)", cross_entropy, SCORES, np.array([0, 1, 2])),
    row(ValueError, "target must hold a label per example, of shape (2, 3) for a prediction of shape (2, 3, 4) with classes on axis 2, got (2, 4): use axis=1", cross_entropy, np.ones((2, 3, 4)), np.zeros((2, 4), int)),
    row(ValueError, f"{PER_EXAMPLE} (2, 1): use target[..., 0]", multiclass_hinge, SCORES, LABELS[:, None]),
    row(ValueError, f"{PER_EXAMPLE} (2, 3): use target.astype(float)", cross_entropy, SCORES, SHARES.astype(int)),
    row(ValueError, f"{PER_EXAMPLE} (2, 3): use target.argmax(1)", softmax_focal, SCORES, SHARES.astype(int)),
    *(row(ValueError, f"target must hold whole numbers, labels in [0, 3) or ignore_index=-100, got {x} at index 1", loss, SCORES, np.array([2, x], dtype)) for loss, x, dtype in ((multiclass_hinge, 0.5, float), (cross_entropy, NAN, float), (softmax_focal, 3.0, "f4"), (ranked_probability, -1.0, "f2"), (ordinal_cross_entropy, INF, ">f4"), (cross_entropy, -100.5, float))),
    row(ValueError, "target must hold whole numbers, labels in [0, 3) or ignore_index=-100, got 1.5", cross_entropy, SCORES[0], 1.5),
    row(TypeError, "target must hold integer labels, got dtype bool: use target.astype(int)", ranked_probability, SCORES, LABELS > 1),
    row(TypeError, f"{FORMS} bool and shape (2,): use target.astype(int)", cross_entropy, SCORES, LABELS > 1),
    # Probabilities
    row(TypeError, f"{FORMS} bool and shape (2, 3): use target.astype(float)", cross_entropy, SCORES, SHARES > 0.4),
    row(ValueError, f"{FORMS} float64 and shape (3, 2)", cross_entropy, SCORES, SHARES.T),
    row(ValueError, f"{FORMS} float64 and shape ()", cross_entropy, SCORES, 1.0),
    row(TypeError, "target must hold probabilities of the prediction's shape (2, 3), got dtype int64 and shape (2,)", kl_divergence, SCORES, LABELS),
    row(TypeError, "target must hold probabilities of the prediction's shape (2, 3), got dtype int64 and shape (2, 3): use target.astype(float)", kl_divergence, SCORES, SHARES.astype(np.int64)),
    row(ValueError, "target must hold probabilities of the prediction's shape (2, 3), got dtype float64 and shape (3,)", kl_divergence, SCORES, T3),
    row(ValueError, "target must hold probabilities, got -0.5 at index (1, 0)", cross_entropy, SCORES, put(SHARES, (1, 0), -0.5)),
    row(ValueError, "target must hold probabilities that sum to 1 over axis 1, got 1.5 at index 0", kl_divergence, SCORES, put(SHARES, (0, 0), 1.0)),
    row(ValueError, "target must hold probabilities that sum to 1 over axis 0, got 1.25 at index 1", cross_entropy, SCORES, np.array([[0.5, 1.0, 0.5], [0.5, 0.25, 0.5]]), axis=0),
    row(ValueError, "target must hold probabilities that sum to 1 over axis 1, got inf at index 1", kl_divergence, SCORES, put(SHARES, (1, 2), INF)),
    row(ValueError, "target must hold probabilities that sum to 1 over axis 1, got 2.0 at index 1", kl_divergence, SCORES, SHARES * [[3], [2]], weight=[0, 1]),
    # Thresholds between classes, members of ensembles
    row(ValueError, "target must hold labels in [0, 4) or ignore_index=-100, got 4 at index 1", numloss.coral, SCORES, [3, 4]),
    row(ValueError, "target must hold labels in [0, 4) or ignore_index=-1, got -2 at index 0", numloss.cumulative_link, SCORES, [-2, -1], ignore_index=-1),
    row(ValueError, "target must hold whole numbers, labels in [0, 4) or ignore_index=-100, got 0.5 at index 1", numloss.corn, SCORES, np.array([3, 0.5])),
    row(ValueError, "target must hold a label per example, of shape (2,) for a prediction of shape (2, 3) with its columns on axis 1, got (3,)", numloss.all_threshold_hinge, SCORES, np.zeros(3, int)),
    row(ValueError, "class_weight must have one number for each of the 4 classes, got shape (3,)", numloss.immediate_threshold_hinge, SCORES, LABELS, class_weight=[1.0, 2.0, 3.0]),
    row(ValueError, "importance_weights must have one number for each of the 3 columns, got shape (4,)", numloss.coral, SCORES, LABELS, importance_weights=[1.0, 2.0, 3.0, 4.0]),
    row(ValueError, "importance_weights must hold finite numbers of at least 0, got -1 at index 2", numloss.coral, SCORES, LABELS, importance_weights=[1, 0, -1]),
    row(ValueError, "margin must be a finite number of at least 0, got -1.0", numloss.all_threshold_hinge, SCORES, LABELS, margin=-1.0),
    row(ValueError, "link must be 'logit', 'probit' or 'cloglog', got 'loglog'", numloss.cumulative_link, SCORES, LABELS, link="loglog"),
    row(ValueError, "target must hold a number per example, of shape (2,) for a prediction of shape (2, 3) with its columns on axis 1, got (2, 3)", numloss.crps_ensemble, SCORES, SHARES),
    row(TypeError, f"target {NOT_REAL} complex128", numloss.crps_ensemble, SCORES, 1j),
    row(ValueError, "levels must hold numbers in [0, 1], got 1.5 at index 2", numloss.crps_quantile, SCORES, [0.0, 1.0], levels=[0.5, 1.0, 1.5]),
    row(ValueError, "levels must have one number for each of the 3 columns, got shape (2,)", numloss.crps_quantile, SCORES, [0.0, 1.0], levels=[0.5, 1.0]),
    row(ValueError, "prediction must have an axis of columns, got a scalar", numloss.crps_ensemble, 1.0, 0.0),
    row(ValueError, "prediction must have at least one column, got shape (2, 0)", numloss.coral, np.zeros((2, 0)), LABELS),
    # Classes
    row(ValueError, "axis must be in [-2, 2) for a prediction of shape (2, 3), got 2", cross_entropy, SCORES, LABELS, axis=2),
    row(ValueError, "axis must be in [-2, 2) for a prediction of shape (2, 3), got -3", kl_divergence, SCORES, SHARES, axis=-3),
    row(ValueError, "axis must be an integer of 64 bits, got 18446744073709551616", softmax_focal, SCORES, LABELS, axis=2**64),
    row(TypeError, "axis must be an integer, got 1.0", multiclass_hinge, SCORES, LABELS, axis=1.0),
    row(TypeError, "axis must be an integer, got True", cross_entropy, SCORES, LABELS, axis=True),
    row(TypeError, "axis must be an integer, got None", ranked_probability, SCORES, LABELS, axis=None),
    row(TypeError, "axis must be an integer, got [0, 1]", ordinal_cross_entropy, SCORES, LABELS, axis=[0, 1]),
    row(ValueError, "prediction must have an axis of classes, got a scalar", cross_entropy, 1.0, 0),
    row(ValueError, "prediction must have an axis of classes, got a scalar", softmax_focal, np.array(1.0), 0, alpha=1.0),
    row(ValueError, "prediction must have at least one class, got shape (2, 0)", cross_entropy, np.zeros((2, 0)), LABELS),
    row(ValueError, "prediction must have at least one class, got shape (0, 3)", kl_divergence, np.zeros((0, 3)), np.zeros((0, 3)), axis=0),
    row(ValueError, "prediction must have at least one class, got shape (2, 0)", ranked_probability, np.zeros((2, 0)), LABELS, class_weight=[1.0]),
    row(TypeError, "ignore_index must be an integer, got 1.5", cross_entropy, SCORES, LABELS, ignore_index=1.5),
    row(TypeError, "ignore_index must be an integer, got None", softmax_focal, SCORES, LABELS, ignore_index=None),
    row(TypeError, "ignore_index must be an integer, got False", multiclass_hinge, SCORES, LABELS, ignore_index=False),
    row(ValueError, "ignore_index must be an integer of 64 bits, got -9223372036854775809", cross_entropy, SCORES, LABELS, ignore_index=-(2**63) - 1),
    row(ValueError, "weight must hold finite numbers of at least 0, got -5.0 at index 0", mse, [1.0, 2.0], [0.0, 0.0], weight=[-5.0, 1.0]),
    row(ValueError, "weight must hold finite numbers of at least 0, got inf at index 1", mse, [1.0, 2.0], [0.0, 0.0], weight=[1.0, INF]),
    row(ValueError, "weight must hold finite numbers of at least 0, got -1 at index 1", cross_entropy, SCORES, LABELS, weight=[1, -1]),
    row(ValueError, "weight must hold finite numbers of at least 0, got -1", kl_divergence, SCORES, SHARES, weight=-1),
    row(TypeError, f"mse() takes no argument named 'wieght': did you mean 'weight'? It takes {MSE_TAKES}", mse, [1.0], [1.0], wieght=[1.0]),
    row(ValueError, "class_weight must have one number for each of the 3 classes, got shape (2,)", cross_entropy, SCORES, LABELS, class_weight=[1.0, 2.0]),
    row(ValueError, "class_weight must have one number for each of the 3 classes, got shape (1, 3)", multiclass_hinge, SCORES, LABELS, class_weight=[[1.0, 2.0, 3.0]]),
    row(ValueError, "class_weight must hold finite numbers of at least 0, got -1 at index 1", ranked_probability, SCORES, LABELS, class_weight=[1, -1, 1]),
    row(ValueError, "class_weight must hold finite numbers of at least 0, got nan at index 1", cross_entropy, SCORES, LABELS, class_weight=[1, NAN, 1]),
    row(ValueError, "class_weight must hold finite numbers of at least 0, got inf", ordinal_cross_entropy, SCORES, LABELS, class_weight=INF),
    row(ValueError, "priors must have one number for each of the 3 classes, got shape (2,)", logit_adjusted, SCORES, LABELS, priors=[1.0, 2.0]),
    row(ValueError, "priors must hold finite numbers of at least 0, got -1 at index 1", logit_adjusted, SCORES, SHARES, priors=[1, -1, 1]),
    *(row(ValueError, f"priors must have a positive finite sum, got {x}", logit_adjusted, SCORES, LABELS, priors=p) for x, p in ((0.0, 0), (INF, [1e308, 1e308, 0]))),
    row(ValueError, "counts must have one number for each of the 3 classes, got shape (2,)", numloss.ldam, SCORES, LABELS, counts=[1.0, 2.0]),
    row(ValueError, "counts must hold finite numbers of at least 0, got -1 at index 1", numloss.ldam, SCORES, LABELS, counts=[1, -1, 1]),
    row(ValueError, "max_margin must be a finite number of at least 0, got -1", numloss.ldam, SCORES, LABELS, max_margin=-1),
    *(row(ValueError, f"scale must be a positive finite number, got {x}", numloss.ldam, SCORES, LABELS, scale=x) for x in (0, NAN, INF)),
    *(row(ValueError, f"tau must be a finite number of at least 0, got {x}", logit_adjusted, SCORES, LABELS, tau=x) for x in (-1, NAN)),
    row(TypeError, "class_weight must be array-like, got {0: 1.0}", cross_entropy, SCORES, LABELS, class_weight={0: 1.0}),
    row(TypeError, "class_weight is a masked array, whose mask would be lost: pass class_weight.filled(...)", cross_entropy, SCORES, LABELS, class_weight=MASKED),
    # Weights
    row(ValueError, f"{WEIGHTS}, (3,), {ONE}, got shape (2,)", mse, P3, T3, weight=[1.0, 2.0]),
    row(ValueError, f"{WEIGHTS}, (2,), {ONE}, got shape (2, 3)", cross_entropy, SCORES, LABELS, weight=np.ones((2, 3))),
    row(ValueError, f"{WEIGHTS}, (3,), {ONE}, got shape (1, 3)", huber, P3, T3, weight=np.ones((1, 3))),
    row(TypeError, f"weight {NOT_REAL} complex128", mse, P3, T3, weight=1j),
    row(TypeError, f"weight {NOT_REAL} <U2", hinge, P3, S3, weight="no"),
    row(TypeError, "weight is a masked array, whose mask would be lost: pass weight.filled(...)", mse, P3, T3, weight=MASKED),
    row(ValueError, f"{WEIGHTS}, (3, 3), {ONE}, got shape (3,): use weight[:, None] or weight[None, :]", mse, SQUARES, SQUARES, weight=[1.0, 2.0, 3.0]),
    row(ValueError, f"{WEIGHTS}, (2, 3), {ONE}, got shape (2,): use weight[:, None]", mse, SCORES, SCORES, weight=[1.0, 2.0]),
    # The order of the arguments, and integers that no float holds
    row(ValueError, "prediction comes first, then the target, got classes (int64) and then scores (float64): swap them", binary_cross_entropy, [0, 1, 1], P3),
    row(ValueError, "prediction comes first, then the target, got classes (bool) and then scores (float64): swap them", hinge, P3 > 0, P3),
    row(TypeError, "target must hold integer labels, got dtype float64: the prediction comes first, then the target", softmax_focal, LABELS, SCORES),
    row(TypeError, "mse() takes no argument named 'y_true' or 'y_pred': the order is mse(prediction, target)", mse, P3, T3, y_true=T3, y_pred=P3),
    row(ValueError, f"target must hold integers that float64 holds exactly, got {2**53 + 1} at index 1: use target.astype(float) to round it", mse, P3, [0, 2**53 + 1, 0]),
    row(ValueError, f"prediction must hold integers that float64 holds exactly, got {-(2**60) - 1} at index 0: use prediction.astype(float) to round it", mse, [-(2**60) - 1], 0),
    row(ValueError, "ignore_index is for labels: with probabilities it must be left out, and examples to ignore have weight 0", cross_entropy, SCORES, SHARES, ignore_index=0),
    # Domains that depend on parameters
    row(ValueError, "target must be at least 0, got -1.0 at index 1", poisson, P3, put(T3, 1, -1.0)),
    row(ValueError, "target must be at least 0, got -1 at index 0", poisson, P3, np.array([-1, 0, 1])),
    row(ValueError, "prediction must be at least 0, got -0.5 at index 1", poisson, P3, T3, log_input=False),
    row(ValueError, "target must be above 0, got 0.0 at index 1", gamma, P3, T3),
    row(ValueError, "prediction must be above 0, got -0.5 at index 1", gamma, P3, Q3, log_input=False),
    row(ValueError, "target must be at least 0, got -1.0 at index 1", tweedie, P3, S3),
    row(ValueError, "target must be at least 0, got -1.0 at index 1", tweedie, P3, S3, power=1),
    row(ValueError, "target must be above 0, got 0.0 at index 1", tweedie, P3, T3, power=2),
    row(ValueError, "prediction must be above 0, got -0.5 at index 1", tweedie, P3, Q3, log_input=False),
    row(ValueError, "prediction must be above 0, got -0.5 at index 1", tweedie, P3, S3, power=-1, log_input=False),
    row(ValueError, f"target must hold integers that float64 holds exactly, got {2**53 + 1} at index 1: use target.astype(float) to round it", poisson, P3, [0, 2**53 + 1, 0]),
    # Parameters
    *(row(ValueError, f"power must be a finite number of at most 0 or at least 1, got {x}", tweedie, P3, T3, power=x) for x in (0.5, 1e-300, INF, -INF, NAN)),
    row(TypeError, "log_input must be True or False, got 1", poisson, P3, T3, log_input=1),
    row(TypeError, "full must be True or False, got None", poisson, P3, T3, full=None),
    *(row(ValueError, f"delta must be a positive finite number, got {x}", huber, P3, T3, delta=x) for x in (0, -1.0, INF, NAN)),
    row(ValueError, f"delta must be a positive finite number, got 1{'0' * 56}...", huber, P3, T3, delta=10**400),
    row(TypeError, "delta must be a number, got None", huber, P3, T3, delta=None),
    row(TypeError, "delta must be a number, got '1'", huber, P3, T3, delta="1"),
    row(TypeError, "delta must be a number, got True", huber, P3, T3, delta=True),
    row(TypeError, "delta must be a number, got [1.0]", huber, P3, T3, delta=[1.0]),
    row(TypeError, "delta must be a number, got array([1.])", huber, P3, T3, delta=np.ones(1)),
    row(TypeError, "delta must be a number, got 1j", huber, P3, T3, delta=1j),
    *(row(ValueError, f"beta must be a finite number of at least 0, got {x}", numloss.smooth_l1, P3, T3, beta=x) for x in (-0.5, INF, NAN)),
    *(row(ValueError, f"epsilon must be a finite number of at least 0, got {x}", loss, P3, T3, epsilon=x) for loss in (numloss.epsilon_insensitive, numloss.squared_epsilon_insensitive) for x in (-0.1, INF)),
    *(row(ValueError, f"delta must be a positive finite number, got {x}", numloss.pseudo_huber, P3, T3, delta=x) for x in (0, INF)),
    *(row(ValueError, f"c must be a positive finite number, got {x}", loss, P3, T3, c=x) for loss in (numloss.fair, numloss.cauchy, numloss.tukey_biweight, numloss.robust) for x in (0, -1.0, NAN)),
    row(ValueError, "alpha must be a number, infinite or not, got nan", numloss.robust, P3, T3, alpha=NAN),
    row(TypeError, "alpha must be a number, got None", numloss.robust, P3, T3, alpha=None),
    *(row(ValueError, f"floor must be a positive finite number, got {x}", numloss.mape, P3, T3, floor=x) for x in (0, INF)),
    row(ValueError, "q must be in [0, 1], got 1.5", numloss.expectile, P3, T3, q=1.5),
    row(ValueError, "q must be in [0, 1], got -0.25 at index 1", numloss.expectile, SCORES[:, :2], np.ones((2, 2)), q=[0.5, -0.25]),
    row(ValueError, "upper must be at least the target, 2.0, got 1.0 at index 1", numloss.aft, P3, [1.0, 2.0, 3.0], upper=[1.0, 1.0, 3.0]),
    row(ValueError, "upper must be a number, or have the shape of the prediction, (3,), got (2,)", numloss.aft, P3, [1.0, 2.0, 3.0], upper=[1.0, 2.0]),
    row(ValueError, "event must be 0 or 1 (or bool), got 2 at index 1", numloss.cox, P3, [1.0, 2.0, 3.0], event=[0, 2, 1]),
    row(ValueError, "prediction must be above -1, got -1.0 at index 1", numloss.msle, put(P3, 1, -1.0), T3),
    row(ValueError, "prediction must be above -1, got -inf at index 0", numloss.msle, put(P3, 0, -INF), T3),
    row(ValueError, "target must be above -1, got -2 at index 2", numloss.msle, P3, [1, 0, -2]),
    *(row(ValueError, f"margin must be a finite number of at least 0, got {x}", loss, P3, S3, margin=x) for loss, x in ((hinge, -0.5), (squared_hinge, -INF))),
    *(row(ValueError, f"pos_weight must be a finite number of at least 0, got {x}", loss, P3, T3, pos_weight=x) for x in (-0.5, INF) for loss in (binary_cross_entropy, focal)),
    row(ValueError, "pos_weight must hold finite numbers of at least 0, got -1.0 at index 1", binary_cross_entropy, P3, T3, pos_weight=[1.0, -1.0, 1.0]),
    row(ValueError, "pos_weight must be a number, or one for each column of a prediction of shape (3,), got shape (2,)", focal, P3, T3, pos_weight=[1.0, 2.0]),
    row(ValueError, "pos_weight must be a number, or one for each column of a prediction of shape (2, 3), got shape (2, 3)", binary_cross_entropy, SCORES, SHARES, pos_weight=np.ones((2, 3))),
    row(ValueError, "pos_weight must be a number, or one for each column of a prediction of shape (), got shape (1,)", binary_cross_entropy, 0.5, 1.0, pos_weight=[1.0]),
    row(TypeError, "pos_weight must be a number, got 'abc'", binary_cross_entropy, P3, T3, pos_weight="abc"),
    *(row(ValueError, f"clip must be a number in [0, 0.5], got {x}", loss, Q3, T3, clip=x, from_logits=False) for x in (-0.1, 0.75, NAN) for loss in (binary_cross_entropy, focal)),
    *(row(ValueError, "clip is for from_logits=False: otherwise it must be left out", loss, P3, T3, clip=1e-7) for loss in (binary_cross_entropy, focal)),
    *(row(ValueError, f"epsilon must be a finite number of at least -1, got {x}", numloss.poly_binary_cross_entropy, P3, T3, epsilon=x) for x in (-1.5, INF)),
    *(row(ValueError, f"smoothing must be a positive finite number, got {x}", numloss.smoothed_hinge, P3, S3, smoothing=x) for x in (0.0, INF)),
    *(row(ValueError, f"{x} must be a finite number of at least 0, got -1.0", numloss.asymmetric, P3, T3, **{x: -1.0}) for x in ("gamma_pos", "gamma_neg")),
    row(ValueError, "clip must be a number in [0, 1], got 1.5", numloss.asymmetric, P3, T3, clip=1.5),
    row(ValueError, "target must be in [0, 1], got 2.0 at index 1", numloss.asymmetric, P3, put(T3, 1, 2.0)),
    row(ValueError, "target must be in [0, 1], got 2.0 at index 1", numloss.poly_binary_cross_entropy, P3, put(T3, 1, 2.0)),
    row(ValueError, "target must be in [0, 1], got 2.0 at index 1", numloss.brier, P3, put(T3, 1, 2.0)),
    row(ValueError, "prediction must be in [0, 1], got -0.5 at index 1: are these logits? use from_logits=True", numloss.brier, P3, T3, from_logits=False),
    *(row(ValueError, f"target must be -1 or +1 (or bool), got 0.0 at index 1{SIGNS}", loss, P3, T3) for loss in (numloss.logistic, numloss.exponential, numloss.smoothed_hinge, numloss.modified_huber, numloss.hinge_embedding)),
    *(row(ValueError, "margin must be a finite number of at least 0, got -1.0", loss, P3, S3, margin=-1.0) for loss in (numloss.smoothed_hinge, numloss.hinge_embedding)),
    row(ValueError, "margin must be a finite number of at least 0, got -1.0", numloss.multilabel_margin, SCORES, SHARES > 0.4, margin=-1.0),
    row(TypeError, "target must hold booleans of the prediction's shape (2, 3): whether a class is there, got dtype float64 and shape (2, 3): use target.astype(bool)", numloss.multilabel_margin, SCORES, SHARES),
    row(ValueError, "target must hold booleans of the prediction's shape (2, 3): whether a class is there, got dtype bool and shape (2,)", numloss.multilabel_margin, SCORES, LABELS > 1),
    row(TypeError, "target must hold booleans of the prediction's shape (2, 3): whether a class is there, got dtype int64 and shape (2,): use target[:, None] == numpy.arange(3) of labels", numloss.multilabel_margin, SCORES, LABELS),
    *(row(ValueError, f"smooth must be a finite number of at least 0, got {x}", loss, SCORES, SHARES, smooth=x) for x in (-0.5, INF) for loss in (numloss.dice, numloss.jaccard)),
    *(row(ValueError, f"{name} must be a finite number of at least 0, got -1.0", numloss.tversky, SCORES, SHARES, **{name: -1.0}) for name in ("alpha", "beta", "smooth")),
    row(TypeError, "target must hold booleans of the prediction's shape (2, 3): whether a class is there, got dtype float64 and shape (2, 3): use target.astype(bool)", numloss.lovasz_hinge, SCORES, SHARES),
    *(row(ValueError, "prediction must be in [0, 1], got 2.0 at index (1, 2): are these logits? use from_logits=True", loss, NO_SHARES, NO_SHARES > 0, from_logits=False) for loss in (numloss.dice, numloss.jaccard, numloss.tversky, numloss.lovasz_softmax)),
    row(ValueError, "gamma must be a positive finite number, got 0", numloss.tversky, SCORES, SHARES, gamma=0),
    row(TypeError, "squared must be True or False, got 2", numloss.dice, SCORES, SHARES, squared=2),
    row(ValueError, "target must be in [0, 1], got 255 at index (0, 1)", numloss.dice, SCORES, np.array([[0, 255, 0], [1, 0, 0]], "u1")),
    row(ValueError, "target must be in [0, 1], got -0.5 at index (1, 2)", numloss.jaccard, SCORES, put(SHARES, (1, 2), -0.5)),
    row(ValueError, "prediction and target must have the same shape, got (2, 3) and (2,): a loss does not broadcast; use numpy.broadcast_to where it is meant", numloss.tversky, SCORES, LABELS),
    *(row(ValueError, f"margin must be a finite number of at least 0, got {x}", multiclass_hinge, SCORES, LABELS, margin=x) for x in (-0.5, NAN)),
    *(row(ValueError, f"power must be 1 or 2, got {x}", multiclass_hinge, SCORES, LABELS, power=x) for x in (0, 1.5, NAN)),
    *(row(ValueError, f"q must be a number in [0, 1], got {x}", generalized_cross_entropy, SCORES, LABELS, q=x) for x in (-0.5, 1.5, NAN)),
    *(row(ValueError, f"epsilon must be a finite number of at least -1, got {x}", poly_cross_entropy, SCORES, LABELS, epsilon=x) for x in (-1.5, NAN, INF)),
    *(row(ValueError, f"{name} must be a finite number of at least 0, got -1", symmetric_cross_entropy, SCORES, LABELS, **{name: -1}) for name in ("alpha", "beta")),
    *(row(ValueError, f"label_smoothing must be a number in [0, 1], got {x}", binary_cross_entropy, P3, T3, label_smoothing=x) for x in (-0.1, 1.1, NAN)),
    *(row(ValueError, f"temperature must be a positive finite number, got {x}", loss, SCORES, target, temperature=x) for loss, target, x in ((cross_entropy, LABELS, 0), (cross_entropy, SHARES, NAN), (kl_divergence, SHARES, INF))),
    *(row(ValueError, f"softcap must be a positive finite number, got {x}", cross_entropy, SCORES, LABELS, softcap=x) for x in (0, -1.0, NAN, INF)),
    *(row(ValueError, f"z_loss must be a finite number of at least 0, got {x}", cross_entropy, SCORES, SHARES, z_loss=x) for x in (-1, NAN, INF)),
    row(ValueError, "target must hold logarithms of probabilities that sum to 1 over axis 1, got 4.216772104075611 at index 0", kl_divergence, SCORES, SHARES, log_target=True),
    *(row(ValueError, "prediction must be in [0, 1], got 2.0 at index (1, 2): are these logits? use from_logits=True", loss, NO_SHARES, target, from_logits=False) for loss, target in ((cross_entropy, LABELS), (cross_entropy, SHARES), (softmax_focal, LABELS), (kl_divergence, SHARES))),
    *(row(ValueError, f"{name} is for from_logits=True: otherwise it must be left out", cross_entropy, SHARES, LABELS, from_logits=False, **{name: x}) for name, x in (("temperature", 2.0), ("softcap", 1.0), ("z_loss", 0.5), ("where", [True] * 3), ("return_logsumexp", True))),
    row(TypeError, "log_target must be True or False, got 1", kl_divergence, SCORES, SHARES, log_target=1),
    row(TypeError, "z_loss must be a number, got None", cross_entropy, SCORES, LABELS, z_loss=None),
    row(TypeError, "where must hold booleans: whether a class can happen, got dtype int64", cross_entropy, SCORES, LABELS, where=[1, 0, 1]),
    *(row(ValueError, f"where must have the shape of the prediction, (2, 3), where an axis of examples may have length 1, or one boolean for each of the 3 classes, got shape {np.shape(x)}", cross_entropy, SCORES, LABELS, where=x) for x in (True, [True, False], [[True], [False]], np.full((3, 3), True), np.full((1, 2, 3), True))),
    row(ValueError, "label_smoothing must be a number in [0, 1], got 2", cross_entropy, SCORES, LABELS, label_smoothing=2),
    row(TypeError, "label_smoothing must be a number, got None", cross_entropy, SCORES, LABELS, label_smoothing=None),
    *(row(TypeError, f"from_logits must be True or False, got {x!r}", loss, Q3, T3, from_logits=x) for loss in (binary_cross_entropy, focal) for x in (1, None, "no")),
    *(row(ValueError, f"gamma must be a finite number of at least 0, got {x}", focal, P3, T3, gamma=x) for x in (-1, NAN)),
    row(ValueError, "gamma must be a finite number of at least 0, got inf", softmax_focal, SCORES, LABELS, gamma=INF),
    *(row(ValueError, f"alpha must be a number in [0, 1], got {x}", focal, P3, T3, alpha=x) for x in (-0.25, 25)),
    row(TypeError, "alpha must be a number, got [0.25, 0.75]", focal, P3, T3, alpha=[0.25, 0.75]),
    row(ValueError, "alpha must have one number for each of the 3 classes, got shape (2,)", softmax_focal, SCORES, LABELS, alpha=[0.25, 0.75]),
    row(ValueError, "alpha must hold finite numbers of at least 0, got -1", softmax_focal, SCORES, LABELS, alpha=-1),
    row(ValueError, "variant must be 'weston_watkins' or 'crammer_singer', got 'max'", multiclass_hinge, SCORES, LABELS, variant="max"),
    row(TypeError, "variant must be 'weston_watkins' or 'crammer_singer', got None", multiclass_hinge, SCORES, LABELS, variant=None),
    row(ValueError, "distance must be 'absolute' or 'squared', got 'cubic'", ordinal_cross_entropy, SCORES, LABELS, distance="cubic"),
    row(ValueError, "distance must have shape (3, 3) for 3 classes, got (2, 2)", ordinal_cross_entropy, SCORES, LABELS, distance=np.eye(2)),
    row(ValueError, "distance must have shape (3, 3) for 3 classes, got ()", ordinal_cross_entropy, SCORES, LABELS, distance=1.0),
    row(ValueError, "distance must hold finite numbers of at least 0, got -1.0 at index (0, 0)", ordinal_cross_entropy, SCORES, LABELS, distance=-np.eye(3)),
    row(ValueError, "costs must have shape (3, 3) for 3 classes, got (2, 2)", numloss.expected_cost, SCORES, LABELS, costs=np.eye(2)),
    row(ValueError, "costs must hold finite numbers of at least 0, got -1.0 at index (0, 0)", numloss.expected_cost, SCORES, LABELS, costs=-np.eye(3)),
    row(ValueError, "transition must have shape (3, 3) for 3 classes, got (2, 2)", numloss.forward_cross_entropy, SCORES, LABELS, transition=np.eye(2)),
    row(ValueError, "transition must hold finite numbers of at least 0, got -1.0 at index (0, 0)", numloss.forward_cross_entropy, SCORES, LABELS, transition=-np.eye(3)),
    row(ValueError, "transition must hold probabilities whose rows sum to 1, got 0.5 at index 1", numloss.forward_cross_entropy, SCORES, LABELS, transition=np.diag([1, 0.5, 1])),
    row(TypeError, "distance must be array-like, got None", ordinal_cross_entropy, SCORES, LABELS, distance=None),
    *(row(ValueError, f"temperature must be a positive finite number, got {x}", ordinal_cross_entropy, SCORES, LABELS, temperature=x) for x in (0.0, -1, INF)),
    # Common keywords
    row(ValueError, "reduction must be 'mean', 'sum' or 'none', got 'avg'", mse, P3, T3, reduction="avg"),
    row(ValueError, "reduction must be 'mean', 'sum' or 'none', got 'totals'", mse, P3, T3, reduction="totals"),
    row(TypeError, "reduction must be 'mean', 'sum' or 'none', got None", cross_entropy, SCORES, LABELS, reduction=None),
    row(TypeError, "reduction must be 'mean', 'sum' or 'none', got array([1., 0., 1.])", mse, P3, T3, reduction=T3.copy()),
    row(ValueError, "denominator must be 'weight' or 'count', got 'n'", mse, P3, T3, denominator="n"),
    *(row(ValueError, f"denominator must be a positive finite number, got {x}", mse, P3, T3, denominator=x) for x in (0, -1.0, NAN, INF)),
    row(TypeError, "denominator must be a number, got None", cross_entropy, SCORES, LABELS, denominator=None),
    row(TypeError, "denominator must be a number, got True", mse, P3, T3, denominator=True),
    *(row(ValueError, f"denominator divides a mean: it must be left out with reduction={r!r}", mse, P3, T3, denominator=x, reduction=r) for r in ("sum", "none") for x in ("count", 3.0)),
    # Names that a loss does not have, also where another argument has a wrong type
    row(TypeError, f"mse() takes no argument named 'mode': it takes {MSE_TAKES}", mse, P3, T3, mode=1),
    row(TypeError, f"mse() takes no argument named 'delta': it takes {MSE_TAKES}", mse, P3, T3, delta=1.0),
    row(TypeError, f"mse() takes no argument named 'delta': it takes {MSE_TAKES}", mse, P3, T3 + 1j, delta=1.0),
    row(TypeError, "dtype must be a float type, got 'int32'", mse, P3, T3, dtype="int32"),
    row(TypeError, "dtype must be a float type, got 'abc'", mse, P3, T3, dtype="abc"),
    row(TypeError, f"mse() takes no argument named 'arrays': it takes {MSE_TAKES}", mse, [0.5], [1.0], arrays=True),
    row(TypeError, f"mse() takes no argument named 'mode': it takes {MSE_TAKES}", mse, [0.5], [1.0], mode=1),
    row(TypeError, "huber() takes no argument named 'dleta': did you mean 'delta'? It takes prediction, target, delta, weight, reduction, denominator, allow_negative_weight, reduce_axis, keepdims, dtype, out", huber, P3, T3, dleta=1),
    row(TypeError, "cross_entropy() takes no argument named 'alpha' or 'beta': it takes prediction, target, ...", cross_entropy, SCORES, LABELS, alpha=1.0, beta=2.0),
    row(TypeError, "softmax_focal() takes no argument named 'ignore_label': did you mean 'ignore_index'? It takes prediction, ...", softmax_focal, SCORES, LABELS, ignore_label=0),
]  # fmt: skip


@pytest.mark.parametrize(("error", "message", "loss", "prediction", "target", "options"), ARRAYS)
def test_wrong_input_is_refused(error, message, loss, prediction, target, options):
    before = [snapshot(x) for x in (prediction, target, *options.values())]
    for method in methods(loss):
        with pytest.raises(error) as caught:
            method(prediction, target, **options)
        check_message(caught, message)
    assert [snapshot(x) for x in (prediction, target, *options.values())] == before


def has_places(loss, prediction, options):
    """Whether results of such a call would have a shape."""
    real = isinstance(prediction, np.ndarray) and prediction.dtype == float
    return real and (not loss.rowwise or isinstance(options.get("axis", -1), int))


PLACED = [case for case in ARRAYS if has_places(case.values[2], case.values[3], case.values[5])]


@pytest.mark.parametrize(("error", "message", "loss", "prediction", "target", "options"), PLACED)
def test_a_refusal_comes_before_anything_is_written(
    error, message, loss, prediction, target, options
):
    shape = prediction.shape
    examples = list(shape)
    if loss.rowwise and shape:
        del examples[options.get("axis", -1) % len(shape)]
    values, gradient, hessian = np.full(examples, 7.0), np.full(shape, 7.0), np.full(shape, 7.0)
    for method, out, reduction in (
        (loss, values, "none"),
        (loss.grad, gradient, "none"),
        (loss.grad, gradient, "mean"),
        (loss.value_and_grad, (values, gradient), "none"),
        (loss.value_and_grad, gradient, "sum"),
        (loss.grad_and_hess, (gradient, hessian), "none"),
        (loss.grad_and_hess, (gradient, hessian), "mean"),
    ):
        with pytest.raises(error):
            method(prediction, target, out=out, **({"reduction": reduction} | options))
    assert all((x == 7).all() for x in (values, gradient, hessian))


# --------------------------------------------------------------------------------------------- out


class Places:
    """Inputs, and memory for results that holds sevens."""

    def __init__(self):
        self.p, self.t, self.w = P3.copy(), T3.copy(), np.array([1.0, 2.0, 3.0])
        self.scores, self.labels = SCORES.copy(), LABELS.copy()
        self.out, self.other = np.full(3, 7.0), np.full(3, 7.0)
        self.rows, self.values = np.full((2, 3), 7.0), np.full(2, 7.0)
        self.pool = np.full(16, 7.0)
        self.pool[:3], self.pool[8:11] = self.p, self.t

    def contents(self):
        return {name: x.tobytes() for name, x in vars(self).items()}


def read_only(x):
    x = x.copy()
    x.setflags(write=False)
    return x


def strided(x, shape, strides):
    return np.lib.stride_tricks.as_strided(x, shape, strides)


def place(error, message, call):
    return pytest.param(error, message, call, id=message[:90])


PREDICTION = "out overlaps prediction: it must be the same array or apart from it"
TARGET = "out overlaps target: it must lie apart from it"
WEIGHT = "out overlaps weight: it must lie apart from it"
EACH_OTHER = "out: the arrays for the results overlap each other"
SHARED = "out must have memory for every element, got a view that shares it"
NO_ARRAY = "out needs an array among the results: use reduction='none' or a gradient"
PLACES = "out must have as many places as there are arrays among the results,"

OUT = [
    place(ValueError, "out must have shape (3,), got (2,)", lambda a: mse.grad(a.p, a.t, out=a.out[:2])),
    place(ValueError, "out must have shape (3,), got (1, 3)", lambda a: mse.grad(a.p, a.t, out=a.out[None])),
    place(ValueError, "out must have shape (3,), got ()", lambda a: mse.grad(a.p, a.t, out=a.out[0, ...])),
    place(ValueError, "out must have shape (), got (1,)", lambda a: mse.grad(a.p[0, ...], 0, out=a.out[:1])),
    place(ValueError, "out must have shape (2,), got (2, 3)", lambda a: cross_entropy(a.scores, a.labels, reduction="none", out=a.rows)),
    place(ValueError, "out must have shape (2, 3), got (2,)", lambda a: cross_entropy.grad(a.scores, a.labels, out=a.values)),
    place(ValueError, "out must have shape (2, 3), got (3, 2)", lambda a: cross_entropy.grad(a.scores, a.labels, out=a.rows.T)),
    place(TypeError, "out must have dtype float64, got float32: use numpy.empty((3,), 'float64')", lambda a: mse.grad(a.p, a.t, out=a.out.astype("f4"))),
    place(TypeError, "out must have dtype float32, got float64: use numpy.empty((3,), 'float32')", lambda a: mse.grad(a.p.astype("f4"), a.t.astype("f4"), out=a.out)),
    place(TypeError, "out must have dtype float64, got float16: use numpy.empty((3,), 'float64')", lambda a: mse.grad(a.p.astype("f2"), a.t, out=a.out.astype("f2"))),
    place(TypeError, "out must have dtype float64, got >f8: use numpy.empty((3,), 'float64')", lambda a: mse.grad(a.p, a.t, out=a.out.astype(">f8"))),
    place(TypeError, "out must have dtype float64, got >f8: use numpy.empty((3,), 'float64')", lambda a: mse.grad(b := a.p.astype(">f8"), a.t, out=b)),
    place(TypeError, "out must have dtype float64, got int64: use numpy.empty((2,), 'float64')", lambda a: mse.grad(b := a.labels, 0, out=b)),
    place(TypeError, "out must have dtype float64, got object: use numpy.empty((3,), 'float64')", lambda a: mse.grad(a.p, a.t, out=a.out.astype(object))),
    place(TypeError, "out must have dtype bfloat16, got float32: use numpy.empty((3,), 'bfloat16')", lambda a: mse.grad(a.p.astype(ml_dtypes.bfloat16), 0, out=a.out.astype("f4"))),
    place(TypeError, "out must have dtype float64, got float32: use numpy.empty((2,), 'float64')", lambda a: cross_entropy(a.scores, a.labels, reduction="none", out=a.values.astype("f4"))),
    place(ValueError, "out must be writeable, got a read-only array", lambda a: mse.grad(a.p, a.t, out=read_only(a.out))),
    place(ValueError, "out must be writeable, got a read-only array", lambda a: mse.grad(a.p, a.t, out=np.broadcast_to(a.out[0], 3))),
    place(TypeError, "out must be a numpy.ndarray, a tensor in memory of the CPU or a tuple of them, got list", lambda a: mse.grad(a.p, a.t, out=[a.out])),
    place(TypeError, "out must be a numpy.ndarray, a tensor in memory of the CPU or a tuple of them, got str", lambda a: mse.grad(a.p, a.t, out="here")),
    place(TypeError, "out must be a numpy.ndarray, a tensor in memory of the CPU or a tuple of them, got float", lambda a: mse.value_and_grad(a.p, a.t, reduction="none", out=(a.out, 1.0))),
    place(TypeError, "out is a masked array, whose mask would be lost: pass its .data", lambda a: mse.grad(a.p, a.t, out=np.ma.array(a.out))),
    # Their number
    place(ValueError, NO_ARRAY, lambda a: mse(a.p, a.t, out=a.out)),
    place(ValueError, NO_ARRAY, lambda a: mse(a.p, a.t, reduction="sum", out=())),
    place(ValueError, f"{PLACES} 1, got 2", lambda a: mse.grad(a.p, a.t, out=(a.out, a.other))),
    place(ValueError, f"{PLACES} 1, got 0", lambda a: mse(a.p, a.t, reduction="none", out=())),
    place(ValueError, f"{PLACES} 2, got 1", lambda a: mse.grad_and_hess(a.p, a.t, out=(a.out,))),
    place(ValueError, f"{PLACES} 2, got 3", lambda a: mse.value_and_grad(a.p, a.t, reduction="none", out=(a.out, a.other, None))),
    place(ValueError, f"{PLACES} 1, got 2", lambda a: mse.value_and_grad(a.p, a.t, out=(None, a.out))),
    # Overlap: in part, reversed, transposed, between the elements, of the values with the prediction
    place(ValueError, PREDICTION, lambda a: mse.grad(a.pool[:3], a.t, out=a.pool[1:4])),
    place(ValueError, PREDICTION, lambda a: mse.grad(a.p, a.t, out=a.p[::-1])),
    place(ValueError, PREDICTION, lambda a: mse.grad(a.pool[:6:2], a.t, out=a.pool[2:5])),
    place(ValueError, PREDICTION, lambda a: cross_entropy.grad(b := a.pool[:9].reshape(3, 3), [0, 1, 2], out=b.T)),
    place(ValueError, PREDICTION, lambda a: cross_entropy(b := a.pool[:4].reshape(2, 2), [0, 1], reduction="none", out=b[0])),
    place(ValueError, PREDICTION, lambda a: mse.grad(a.pool.view("f4")[:3], a.t, out=a.pool[:3])),
    place(ValueError, PREDICTION, lambda a: mse.grad(strided(a.pool, (3,), (0,)), a.t, out=a.pool[:3])),
    place(ValueError, TARGET, lambda a: mse.grad(a.p, a.t, out=a.t)),
    place(ValueError, TARGET, lambda a: mse.grad(a.p, a.p, out=a.p)),
    place(ValueError, TARGET, lambda a: mse.grad(a.p, a.t[1, ...], out=a.t)),
    place(ValueError, TARGET, lambda a: mse.grad_and_hess(a.p, a.pool[8:11], out=(None, a.pool[10:13]))),
    place(ValueError, TARGET, lambda a: kl_divergence.grad(a.scores, a.rows, out=a.rows)),
    place(ValueError, TARGET, lambda a: cross_entropy(a.scores, a.labels, reduction="none", out=a.labels.view(float))),
    place(ValueError, WEIGHT, lambda a: mse.grad(a.p, a.t, weight=a.w, out=a.w)),
    place(ValueError, WEIGHT, lambda a: mse.grad(a.p, a.t, weight=a.w[:1], out=a.w)),
    place(ValueError, EACH_OTHER, lambda a: mse.grad_and_hess(a.p, a.t, out=(a.out, a.out))),
    place(ValueError, EACH_OTHER, lambda a: mse.value_and_grad(a.p, a.t, reduction="none", out=(a.p, a.p))),
    place(ValueError, EACH_OTHER, lambda a: cross_entropy.value_and_grad(a.scores, a.labels, reduction="none", out=(a.rows[1, :2], a.rows))),
    place(ValueError, SHARED, lambda a: mse.grad(a.p, a.t, out=strided(a.out, (3,), (0,)))),
    place(ValueError, SHARED, lambda a: mse.grad(a.p, a.t, out=strided(a.out, (3,), (4,)))),
    place(ValueError, SHARED, lambda a: cross_entropy.grad(a.scores, a.labels, out=strided(a.pool, (2, 3), (8, 8)))),
]  # fmt: skip


@pytest.mark.parametrize(("error", "message", "call"), OUT)
def test_out_is_refused(error, message, call):
    arrays = Places()
    before = arrays.contents()
    with pytest.raises(error) as caught:
        call(arrays)
    check_message(caught, message)
    assert arrays.contents() == before


def test_out_between_the_elements_of_an_input_is_apart_from_it():
    pool = np.arange(12.0)
    expected = mse.grad(pool[::2].copy(), pool[1::2].copy(), reduction="sum")
    table = np.zeros((6, 3))
    table[:, 0], table[:, 1] = pool[::2], pool[1::2]
    gradient = mse.grad(table[:, 0], table[:, 1], reduction="sum", out=table[:, 2])
    assert np.shares_memory(gradient, table)
    assert np.array_equal(table, np.stack([pool[::2], pool[1::2], expected], axis=1))


steps = st.sampled_from([-3, -2, -1, 1, 2, 3])


@settings(max_examples=400, deadline=None)
@given(st.integers(1, 6), st.lists(st.tuples(st.integers(0, 20), steps), min_size=4, max_size=4))
def test_out_is_refused_exactly_where_it_meets_an_input(n, places):
    pool = np.random.default_rng(0).uniform(size=60)  # of weights, too
    where = [20 + start + step * np.arange(n) for start, step in places]
    p, t, w, out = (
        strided(pool[i[0] :], (n,), (8 * s,)) for i, (_, s) in zip(where, places, strict=True)
    )
    before = pool.copy()
    expected = mse.grad(before[where[0]], before[where[1]], weight=before[where[2]])
    of_p, of_t, of_w, of_out = map(set, where)
    same = np.array_equal(where[0], where[3])
    meets = of_out & (of_t | of_w) or (of_out & of_p and not same)
    gradient, message = answer(lambda x: mse.grad(p, t, weight=w, out=x), out)
    if meets:
        assert message.startswith("out overlaps")
        assert np.array_equal(pool, before)
    else:
        assert np.array_equal(gradient, expected)
        before[where[3]] = expected
        assert np.array_equal(pool, before)


# ------------------------------------------------------------------- penalties, balance and threads

l1_penalty, l2_penalty, elastic_net = numloss.l1_penalty, numloss.l2_penalty, numloss.elastic_net
class_weights, oversample, pos_weight = (
    numloss.class_weights,
    numloss.oversample,
    numloss.pos_weight,
)
best_constant, curvature, objective = numloss.best_constant, numloss.curvature, numloss.Objective
softmax_hessian, hessian_vector = numloss.softmax_hessian, numloss.hessian_vector
prox, group_lasso = numloss.prox, numloss.group_lasso


def threads(n):
    with numloss.threads(n):
        pass


def refused(error, message, function, *args, **options):
    name = f"{function.__name__}-{message[:70]}"
    return pytest.param(error, message, function, args, options, id=name)


OTHERS = [
    *(refused(ValueError, f"strength must be a finite number of at least 0, got {x}", f, P3, strength=x) for f in (l1_penalty, l2_penalty, elastic_net) for x in (-1.0, NAN)),
    refused(TypeError, "strength must be a number, got None", l1_penalty, P3, strength=None),
    *(refused(ValueError, f"l1_ratio must be a number in [0, 1], got {x}", elastic_net, P3, l1_ratio=x) for x in (-0.5, 2)),
    refused(TypeError, "l1_ratio must be a number, got '0.5'", elastic_net, P3, l1_ratio="0.5"),
    refused(TypeError, "w must be array-like, got None", l1_penalty, None),
    refused(TypeError, f"w {NOT_REAL} complex128", l2_penalty, P3 * 1j),
    refused(TypeError, "w is a masked array, whose mask would be lost: pass w.filled(...)", elastic_net, MASKED),
    refused(ValueError, NO_ARRAY, l1_penalty, P3, out=P3.copy()),
    refused(ValueError, "out must have shape (3,), got (2,)", l1_penalty.grad, P3, out=np.zeros(2)),
    refused(TypeError, "out must have dtype float64, got float32: use numpy.empty((3,), 'float64')", l2_penalty.grad, P3, out=np.zeros(3, "f4")),
    refused(TypeError, "l1_penalty() takes no argument named 'weight': it takes w, strength, out", l1_penalty, P3, weight=1.0),
    refused(TypeError, "elastic_net() takes no argument named 'alpha': it takes w, strength, l1_ratio, out", elastic_net, P3, alpha=1.0),
    refused(TypeError, "elastic_net() takes no argument named 'l1ratio': did you mean 'l1_ratio'? It takes w, ...", elastic_net, P3, l1ratio=1.0),
    # Keywords by position
    *(refused(TypeError, "huber() takes prediction and target by position, all else by keyword (delta, weight, reduction, denominator, allow_negative_weight, reduce_axis, keepdims, dtype, out), got 3 positional arguments", f, P3, T3, 1.0) for f in methods(huber)),
    refused(TypeError, "mse() takes prediction and target by position, all else by keyword (weight, reduction, denominator, allow_negative_weight, reduce_axis, keepdims, dtype, out), got 4 positional arguments", mse, [0.5], 1.0, None, "sum"),
    refused(TypeError, "l2_penalty() takes w by position, all else by keyword (strength, out), got 2 positional arguments", l2_penalty, P3, 0.5),
    refused(TypeError, "mse() missing 1 required positional argument: 'target'", mse, P3),
    # Labels
    refused(ValueError, "labels must be at least 0, got -1 at index 1", class_weights, [0, -1, 2]),
    refused(ValueError, "labels must be at least 0, got -3 at index (1, 0)", class_weights, [[0, 1], [-3, 1]]),
    refused(ValueError, "labels must be at least 0, got -1 at index 0", oversample, [-1, 0]),
    refused(ValueError, "labels must hold at least one label, got none", class_weights, []),
    refused(ValueError, "labels must hold at least one label, got none", oversample, np.zeros(0, int)),
    refused(TypeError, "labels must be integers, got dtype float64: use labels.astype(int)", class_weights, [0.0, 1.0]),
    refused(TypeError, "labels must be integers, got dtype bool: use labels.astype(int)", oversample, [True, False]),
    refused(TypeError, "labels must be array-like, got None", class_weights, None),
    refused(TypeError, f"labels {NOT_REAL} <U1", class_weights, ["a", "b"]),
    refused(ValueError, "labels must be below num_classes=2, got 2 at index 2", class_weights, [0, 1, 2], 2),
    refused(ValueError, "labels must mean no more classes than fit memory, got 9223372036854775813", class_weights, np.array([2**63 + 4], np.uint64)),
    refused(ValueError, "num_classes must mean no more classes than fit memory, got 4611686018427387904", class_weights, [0], 2**62),
    refused(ValueError, "num_classes must be at least 1, got 0", class_weights, [0], 0),
    refused(TypeError, "num_classes must be an integer, got 2.0", class_weights, [0, 1], 2.0),
    refused(TypeError, "num_classes must be an integer, got True", class_weights, [0], True),
    refused(ValueError, "scheme must be 'balanced' or 'effective', got 'equal'", class_weights, [0, 1], scheme="equal"),
    refused(TypeError, "scheme must be 'balanced' or 'effective', got None", class_weights, [0, 1], scheme=None),
    *(refused(ValueError, f"beta must be a number in [0, 1), got {x}", class_weights, [0, 1], scheme="effective", beta=x) for x in (1.0, -0.1, NAN)),
    refused(TypeError, "beta must be a number, got None", class_weights, [0, 1], beta=None),
    refused(ValueError, "labels must have one axis, got shape (1, 2)", oversample, [[0, 1]]),
    refused(ValueError, "labels must have one axis, got shape ()", oversample, 1),
    refused(TypeError, "rng must be a numpy.random.Generator or an integer, got 'seed'", oversample, [0, 1], "seed"),
    refused(TypeError, "rng must be a numpy.random.Generator or an integer, got True", oversample, [0, 1], True),
    refused(ValueError, "rng must be a numpy.random.Generator or an integer of at least 0, got -1", oversample, [0, 1], -1),
    *(refused(ValueError, f"ratio must be a number in [0, 1], got {x}", oversample, [0, 1], ratio=x) for x in (-0.1, 1.5, NAN)),
    refused(TypeError, "ratio must be a number, got None", oversample, [0, 1], ratio=None),
    refused(ValueError, "target must lie in [0, 1], got 2.0 at index 1", pos_weight, [0, 2]),
    refused(ValueError, "target must lie in [0, 1], got nan at index 0", pos_weight, [NAN, 1]),
    refused(ValueError, "target must hold positives, got none", pos_weight, [0, 0]),
    refused(ValueError, "target must hold positives, got none", pos_weight, []),
    refused(ValueError, "target must hold positives, got none in column 1", pos_weight, [[1, 0], [1, 0]]),
    refused(ValueError, "target must have one axis, or a second one of labels, got shape ()", pos_weight, 1.0),
    refused(TypeError, f"target {NOT_REAL} <U1", pos_weight, ["a"]),
    # The list of losses
    refused(ValueError, "influence must be 'bounded', 'redescending' or 'unbounded', got 'strong'", numloss.losses, influence="strong"),
    refused(TypeError, "convex must be True or False, got 1", numloss.losses, convex=1),
    refused(TypeError, "classes must be True or False, got 'no'", numloss.losses, classes="no"),
    refused(ValueError, "smoothness must be 0, 1 or 2, got 3", numloss.losses, smoothness=3),
    refused(TypeError, "smoothness must be an integer, got 1.5", numloss.losses, smoothness=1.5),
    refused(ValueError, "estimates must be ...", numloss.losses, estimates="mode"),
    refused(ValueError, "family must be ...", numloss.losses, family="robust"),
    refused(ValueError, "target must be ...", numloss.losses, target="colours"),
    refused(ValueError, "link must be ...", numloss.losses, link="logit"),
    # Links
    refused(ValueError, "prediction must lie in [0, 1], got 1.5 at index 1", binary_cross_entropy.link_function, [0.5, 1.5]),
    refused(ValueError, "prediction must lie in [0, 1], got -0.5 at index (0, 1)", cross_entropy.link_function, [[0.5, -0.5]]),
    refused(ValueError, "prediction must be at least 0, got -1.0", numloss.gaussian_nll.link_function, [0.0, -1.0]),
    refused(ValueError, "score must hold 2 numbers in the last axis for gaussian_nll, got shape (3,)", numloss.gaussian_nll.inverse_link, P3),
    refused(ValueError, "score must have classes on axis 2, got shape (2, 3)", cross_entropy.inverse_link, SCORES, axis=2),
    refused(ValueError, "score must have classes on axis -1, got shape ()", cross_entropy.inverse_link, 1.0),
    refused(TypeError, f"score {NOT_REAL} complex128", mse.inverse_link, P3 * 1j),
    # Best constants
    refused(ValueError, "target must hold at least one example, got none", best_constant, "mse", []),
    refused(ValueError, "target must be finite, got nan", best_constant, "mse", [1.0, NAN]),
    refused(ValueError, "target must be finite, got inf", best_constant, "mae", [1.0, INF]),
    refused(ValueError, "target must be finite and differ, got variance 0.0", best_constant, "gaussian_nll", [2.0, 2.0]),
    refused(ValueError, "target must be below 2, got 2", best_constant, "cross_entropy", [0, 2], classes=2),
    refused(ValueError, "target must hold labels in [0, 2) or ignore_index=-100, got -1 at index 1", best_constant, "cross_entropy", [1, -1]),
    refused(ValueError, "target must be in [0, 1], got 2.0 at index 1", best_constant, "focal", [0.0, 2.0]),
    refused(ValueError, "weight must have a positive sum, got 0.0", best_constant, "mse", [1.0, 2.0], [0, 0]),
    refused(ValueError, "weight must have a positive sum, got nan", best_constant, "mse", [1.0, 2.0], [1, NAN]),
    refused(ValueError, "weight must have a positive sum, got 0.0", best_constant, "cross_entropy", [-100, -100]),
    refused(ValueError, "weight must hold finite numbers of at least 0, got -1.0 at index 1", best_constant, "mae", [1.0, 2.0], [1.0, -1.0]),
    refused(ValueError, "bound must be positive and finite, got inf", best_constant, "focal", T3, bound=INF),
    refused(ValueError, "classes must be at least 1, got 0", best_constant, "cross_entropy", [0], classes=0),
    refused(TypeError, "classes must be an integer, got 2.5", best_constant, "cross_entropy", [0], classes=2.5),
    refused(TypeError, "loss must be a loss, got the metric accuracy", best_constant, "accuracy", [1]),
    refused(ValueError, "axis is not for a constant: it takes scores, of classes in the last axis", best_constant, "cross_entropy", [1], axis=0),
    refused(ValueError, "from_logits is not for a constant: it takes scores, of classes in the last axis", best_constant, "focal", T3, from_logits=False),
    refused(ValueError, "loss focal: focal has no option 'gama'...", best_constant, "focal", T3, gama=1.0),
    # Curvatures
    refused(ValueError, "curvature must be 'exact', 'absolute', 'upper_bound', 'friedman', 'gradient' or 'constant', got 'newton'", curvature, "mse", "newton", P3, T3),
    refused(TypeError, "curvature must be 'exact', 'absolute', 'upper_bound', 'friedman', 'gradient' or 'constant', got None", curvature, "mse", None, P3, T3),
    refused(ValueError, "curvature='friedman' is for losses over classes, got mse: use 'exact'", curvature, "mse", "friedman", P3, T3),
    refused(ValueError, "mae has a second derivative of 0, which 'exact' cannot divide by: use curvature='constant'", curvature, "mae", "exact", P3, T3),
    refused(ValueError, "curvature='upper_bound' is known of ...", curvature, "softmax_focal", "upper_bound", SCORES, LABELS),
    refused(ValueError, "floor must be positive and finite, got 0.0", curvature, "mse", "exact", P3, T3, floor=0.0),
    refused(ValueError, "constant must be positive and finite, got nan", curvature, "mae", "constant", P3, T3, constant=NAN),
    refused(ValueError, "axis is not for a curvature: it takes scores, of classes in the last axis", curvature, "cross_entropy", "exact", SCORES, LABELS, axis=1),
    refused(ValueError, "from_logits is not for a curvature: it takes scores, of classes in the last axis", curvature, "focal", "exact", P3, T3, from_logits=True),
    refused(TypeError, "loss must be a loss, got the metric accuracy", curvature, "accuracy", "exact", P3, T3),
    refused(ValueError, f"{SHAPES} (3,) and (2,){NO_BROADCAST}", curvature, "mse", "exact", P3, T3[:2]),
    # Hessians
    refused(ValueError, "loss must have the Hessian of a softmax: ...", softmax_hessian, "softmax_focal", SCORES, LABELS),
    refused(ValueError, "loss must have the Hessian of a softmax: ...", softmax_hessian, "mse", P3, T3),
    refused(TypeError, "loss must be a loss, got the metric accuracy", softmax_hessian, "accuracy", P3, T3),
    refused(ValueError, "target must hold labels in [0, 3) or ignore_index=-100, got 3 at index 0", softmax_hessian, "cross_entropy", SCORES, LABELS + 1),
    refused(ValueError, "v must have the prediction's shape (3,), got (2,)", hessian_vector, "mse", P3, T3, T3[:2]),
    refused(TypeError, "v must be array-like, got None", hessian_vector, "mse", P3, T3, None),
    refused(ValueError, "loss must be one of single numbers, or ...", hessian_vector, "multiclass_hinge", SCORES, LABELS, SCORES),
    refused(ValueError, "loss must be one of single numbers, or ...", hessian_vector, "gaussian_nll", P3, T3, P3),
    refused(ValueError, "reduction must be 'mean', 'sum' or 'none', got 'max'", hessian_vector, "mse", P3, T3, P3, reduction="max"),
    # Proximal operators and the group lasso
    refused(ValueError, "step must be positive and finite, got 0.0", prox, l1_penalty, P3, 0.0),
    refused(TypeError, "step must be a number, got None", prox, l1_penalty, P3, None),
    refused(ValueError, "penalty must be numloss.l1_penalty, l2_penalty, elastic_net or group_lasso, got 'l1'", prox, "l1", P3),
    refused(ValueError, "strength must be a finite number of at least 0, got -1.0", prox, l2_penalty, P3, strength=-1.0),
    refused(TypeError, "l1_penalty() takes no argument named 'l1_ratio': it takes w, strength, out", prox, l1_penalty, P3, l1_ratio=0.5),
    refused(TypeError, "w must be array-like, got None", prox, l1_penalty, None),
    refused(TypeError, f"w {NOT_REAL} complex128", group_lasso, P3 * 1j, groups=[0, 1, 1]),
    *(refused(ValueError, f"strength must be a finite number of at least 0, got {x}", f, P3, groups=[0, 1, 1], strength=x) for f in (group_lasso, group_lasso.value_and_grad) for x in (-1.0, INF, NAN)),
    refused(TypeError, "strength must be a number, got '1'", group_lasso, P3, groups=[0, 1, 1], strength="1"),
    refused(TypeError, "groups must be integers, got dtype float64: use groups.astype(int)", group_lasso, P3, groups=P3),
    refused(ValueError, "groups must have the shape of w or of its first axes, got (2,) for (3,)", group_lasso, P3, groups=[0, 1]),
    refused(ValueError, "groups must have the shape of w or of its first axes, got () for (3,)", group_lasso.grad, P3, groups=0),
    # Linear models
    refused(ValueError, "X must have rows and features, got shape (3,)", objective, "mse", P3, T3),
    refused(TypeError, "X must be array-like, got None", objective, "mse", None, T3),
    refused(ValueError, "target must have a row for each of X's 2, got shape (3,)", objective, "mse", SCORES, T3),
    refused(ValueError, "w must have shape (4,), got (3,)", lambda: objective("mse", SCORES, S3[:2])(P3)),
    refused(ValueError, "v must have shape (4,), got (3,)", lambda: objective("mse", SCORES, S3[:2]).hessp(np.zeros(4), P3)),
    refused(ValueError, "reduction must be 'mean' or 'sum', got 'none'", objective, "mse", SCORES, S3[:2], reduction="none"),
    refused(TypeError, "intercept must be True or False, got 0", objective, "mse", SCORES, S3[:2], intercept=0),
    refused(ValueError, "target must be below 2, got 2", objective, "cross_entropy", SCORES, LABELS, classes=2),
    refused(TypeError, "penalty must be a penalty such as numloss.l2_penalty, or a pair of it and its options, got 'l2'", objective, "mse", SCORES, S3[:2], penalty="l2"),
    refused(ValueError, "penalty must have a diagonal Hessian, got group_lasso: use a method that needs the gradient alone", lambda: objective("mse", SCORES, S3[:2], penalty=(group_lasso, {"groups": [0, 1, 1]})).hessp(np.zeros(4), np.zeros(4))),
    refused(ValueError, "axis is not for a linear model: it takes scores, of classes in the last axis", objective, "cross_entropy", SCORES, LABELS, axis=1),
    # The configuration
    refused(ValueError, "mode must be 'stdout' or 'dict', got 'dicts'", numloss.show_config, "dicts"),
    refused(TypeError, "mode must be 'stdout' or 'dict', got None", numloss.show_config, None),
    # Threads
    *(refused(ValueError, f"n must be a number of threads from 1 to 4096, got {n}", f, n) for f in (numloss.set_num_threads, threads) for n in (0, -1, 4097)),
    *(refused(TypeError, f"n must be an integer, got {n!r}", f, n) for f in (numloss.set_num_threads, threads) for n in (2.0, "2", None, True)),
    refused(ValueError, "n must be an integer of 64 bits, got 18446744073709551616", threads, 2**64),
]  # fmt: skip


@pytest.mark.parametrize(("error", "message", "function", "args", "options"), OTHERS)
def test_other_functions_refuse(error, message, function, args, options):
    before = [snapshot(x) for x in (*args, *options.values())], numloss.num_threads()
    with pytest.raises(error) as caught:
        function(*args, **options)
    check_message(caught, message)
    assert ([snapshot(x) for x in (*args, *options.values())], numloss.num_threads()) == before


def run(code, **environment):
    return subprocess.run(
        [sys.executable, "-c", f"import numpy as np, numloss\n{code}"],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_environment_that_is_not_ours_to_refuse():
    result = run("print(numloss.num_threads() >= 1)", NUMLOSS_NUM_THREADS="", OMP_NUM_THREADS="4,2")
    assert (result.stdout, result.stderr) == ("True\n", "")
    assert run("numloss.show_config()", NUMLOSS_ISA="").returncode == 0


@pytest.mark.plain_build  # LLVM's OpenMP runtime itself now and then aborts at such a value
def test_openmp_variable_that_is_no_number_is_not_ours_to_refuse():
    assert run("numloss.show_config()", OMP_NUM_THREADS="x").returncode == 0


EMPTY = [
    (mse, np.zeros(0), np.zeros(0), {}),
    (mse, [], [], {}),
    (binary_cross_entropy, P3, T3, {"weight": np.zeros(3)}),
    (hinge, P3, [True, False, True], {"weight": 0.0}),
    (cross_entropy, SCORES, LABELS, {"weight": 0, "denominator": "weight"}),
    (multiclass_hinge, SCORES, [-100, -100], {"denominator": "count"}),
]


@pytest.mark.parametrize(("loss", "prediction", "target", "options"), EMPTY)
def test_mean_over_nothing_warns_where_it_was_asked_for(loss, prediction, target, options):
    for method in methods(loss):
        with pytest.warns(RuntimeWarning, match="mean of a loss over no examples") as caught:
            method(prediction, target, **options)
        assert [w.filename for w in caught] == [__file__], method


# -------------------------------------------------------------------------- anything, anywhere else


class Plain:
    pass


class Hostile:
    """An object that raises whatever one asks of it."""

    def _raise(self, *args, **kwargs):
        raise KeyError("hostile")

    __array__ = __float__ = __index__ = __repr__ = __bool__ = __len__ = __iter__ = _raise
    __lt__ = __le__ = __gt__ = __ge__ = __eq__ = __ne__ = __contains__ = _raise
    __hash__ = None


class NoArray:
    def __array__(self, dtype=None, copy=None):
        return "no array"


class NoTensor:
    def __dlpack__(self, **kwargs):
        raise BufferError("no tensor")

    def __dlpack_device__(self):
        return 1, 0


ODD = [
    None, "abc", b"abc", "", 1j, True, np.True_, ..., NotImplemented, float, len, np, Plain(), Hostile(),
    NoArray(), NoTensor(), {1, 2, 3}, {1: 2}, range(3), iter([1, 2, 3]), memoryview(b"abc"), slice(3),
    decimal.Decimal("0.5"), Fraction(1, 2), datetime.date(2020, 1, 1), datetime.timedelta(1),
    10**25, 10**400, -(10**5000), 2**63, -(2**63) - 1, 5, -1, 0, 0.5, NAN, INF, -0.0, 5e-324,
    np.float16(0.5), np.float32(0.5), np.int8(1), np.uint64(2**64 - 1), np.longdouble(0.5),
    np.complex64(1), np.datetime64("2020"), np.timedelta64(1, "s"), np.str_("mean"), np.bytes_(b"x"),
    ml_dtypes.bfloat16(0.5), ml_dtypes.float8_e5m2(0.5),
    [], (), [[]], [None] * 3, ["a", "b", "c"], [[1.0], [1.0, 2.0]], [10**400] * 3, [1j] * 3,
    [0.25, 0.5, 0.25], (0, 1, 2), [True, False, True], [decimal.Decimal(1)] * 3,
    np.array(0.5), np.array(1), np.array([1]), np.zeros((3, 0)), np.zeros(3, object), np.full(3, None),
    np.zeros(3, "V8"), np.zeros(3, [("a", float)]), np.zeros(3, "M8[s]"), np.zeros(3, "m8[s]"),
    np.zeros(3, complex), np.zeros(3, "S2"), np.zeros(3, "U2"), np.zeros(3, np.longdouble),
    np.zeros(3, ml_dtypes.float8_e5m2), np.zeros(3, ml_dtypes.int4), np.zeros(3, ml_dtypes.bfloat16),
    np.zeros(3, ">f4"), np.zeros(3, ">i8"), np.zeros(3, ">f2"), np.array([True, False, True]),
    np.array([2**63 + 5] * 3, np.uint64), np.array([0, 1, -1]), np.array([0, 1, 2], "u1"),
    np.rec.array([(1.0,)] * 3, dtype=[("a", float)]), MASKED, np.ma.masked, np.zeros((1, 3)).view(np.matrix),
    np.recarray(3, [("a", float)]), np.full((2, 3), 1 / 3), np.full((3, 3), 1 / 3), np.eye(3, dtype=int),
    np.zeros((1,) * 32), np.random.default_rng(1),
]  # fmt: skip

LABELS3 = np.array([0, 1, 2])
SQUARE = np.full((3, 3), 0.5)


#: By the name of an argument: calls in which it is the only one that may be wrong.
SLOTS = {
    "prediction": [
        lambda x: mse(x, T3),
        lambda x: focal.grad(x, T3),
        lambda x: hinge.value_and_grad(x, 1),
        lambda x: cross_entropy(x, LABELS3),
        lambda x: kl_divergence.grad(x, SQUARE * 2 / 3),
        lambda x: cross_entropy(x, LABELS3, class_weight=2.0),
        lambda x: binary_cross_entropy(x, T3, from_logits=False),
    ],
    "target": [
        lambda x: mse(P3, x),
        lambda x: mae.grad(P3.astype("f2"), x),
        lambda x: binary_cross_entropy(P3, x, weight=[0, 1, 1]),
        lambda x: focal.grad(P3, x),
        lambda x: hinge(P3, x),
        lambda x: squared_hinge.grad_and_hess(P3, x),
        lambda x: cross_entropy(SQUARE, x),
        lambda x: cross_entropy.grad(SQUARE, x, axis=0, label_smoothing=0.1),
        lambda x: multiclass_hinge(SQUARE, x),
        lambda x: kl_divergence(SQUARE, x),
        lambda x: ordinal_cross_entropy.value_and_grad(SQUARE, x),
    ],
    "weight": [
        lambda x: mse(P3, T3, weight=x),
        lambda x: mse.grad(P3, T3, weight=x),
        lambda x: cross_entropy.value_and_grad(SQUARE, LABELS3, weight=x),
        lambda x: kl_divergence(SQUARE, SQUARE * 2 / 3, weight=x, reduction="none"),
    ],
    "out": [
        lambda x: mse.grad(P3, T3, out=x),
        lambda x: mse.value_and_grad(P3, T3, reduction="none", out=(x, None)),
        lambda x: cross_entropy.grad(SQUARE, LABELS3, out=x),
        lambda x: l1_penalty.grad(P3, out=x),
    ],
    "reduction": [
        lambda x: mse(P3, T3, reduction=x),
        lambda x: cross_entropy(SQUARE, LABELS3, reduction=x),
    ],
    "denominator": [
        lambda x: mse(P3, T3, denominator=x),
        lambda x: cross_entropy.grad(SQUARE, LABELS3, denominator=x),
    ],
    "allow_negative_weight": [
        lambda x: mse(P3, T3, weight=-1, reduction="sum", allow_negative_weight=x),
        lambda x: cross_entropy.grad(SQUARE, LABELS3, weight=2, allow_negative_weight=x),
    ],
    "reduce_axis": [
        lambda x: mse(P3, T3, reduce_axis=x),
        lambda x: cross_entropy.value_and_grad(SQUARE, LABELS3, reduce_axis=x),
    ],
    "keepdims": [lambda x: mse(P3, T3, keepdims=x)],
    "any_sum": [lambda x: cross_entropy(SQUARE, SQUARE, any_sum=x)],
    "axis": [
        lambda x: cross_entropy(SQUARE, LABELS3, axis=x),
        lambda x: kl_divergence(SQUARE, SQUARE * 2 / 3, axis=x),
        lambda x: ranked_probability(SQUARE, LABELS3, axis=x, class_weight=[1, 2, 3]),
    ],
    "ignore_index": [
        lambda x: cross_entropy(SQUARE, LABELS3, ignore_index=x),
        lambda x: multiclass_hinge.grad(SQUARE, [0, 1, 2], ignore_index=x),
    ],
    "class_weight": [
        lambda x: cross_entropy(SQUARE, LABELS3, class_weight=x),
        lambda x: multiclass_hinge(SQUARE, LABELS3, class_weight=x),
        lambda x: ordinal_cross_entropy(SQUARE, LABELS3, class_weight=x),
    ],
    "alpha": [
        lambda x: focal(P3, T3, alpha=x),
        lambda x: softmax_focal(SQUARE, LABELS3, alpha=x),
        lambda x: symmetric_cross_entropy(SQUARE, LABELS3, alpha=x),
    ],
    "gamma": [lambda x: focal(P3, T3, gamma=x), lambda x: softmax_focal(SQUARE, LABELS3, gamma=x)],
    "delta": [lambda x: huber(P3, T3, delta=x)],
    "margin": [
        lambda x: hinge(P3, S3, margin=x),
        lambda x: squared_hinge(P3, S3, margin=x),
        lambda x: multiclass_hinge(SQUARE, LABELS3, margin=x),
    ],
    "priors": [lambda x: logit_adjusted(SQUARE, LABELS3, priors=x)],
    "counts": [lambda x: numloss.ldam(SQUARE, LABELS3, counts=x)],
    "transition": [lambda x: numloss.forward_cross_entropy(SQUARE, LABELS3, transition=x)],
    "max_margin": [lambda x: numloss.ldam(SQUARE, LABELS3, max_margin=x)],
    "scale": [lambda x: numloss.ldam(SQUARE, LABELS3, scale=x)],
    "tau": [lambda x: logit_adjusted(SQUARE, LABELS3, tau=x)],
    "power": [lambda x: multiclass_hinge(SQUARE, LABELS3, power=x)],
    "normalize": [lambda x: multiclass_hinge(SQUARE, LABELS3, normalize=x)],
    "epsilon": [lambda x: poly_cross_entropy(SQUARE, LABELS3, epsilon=x)],
    "variant": [lambda x: multiclass_hinge(SQUARE, LABELS3, variant=x)],
    "pos_weight": [lambda x: binary_cross_entropy(P3, T3, pos_weight=x)],
    "label_smoothing": [
        lambda x: binary_cross_entropy(P3, T3, label_smoothing=x),
        lambda x: cross_entropy(SQUARE, LABELS3, label_smoothing=x),
    ],
    "from_logits": [
        lambda x: binary_cross_entropy(Q3, T3, from_logits=x),
        lambda x: focal(Q3, T3, from_logits=x),
        lambda x: cross_entropy(SQUARE, LABELS3, from_logits=x),
    ],
    "distance": [lambda x: ordinal_cross_entropy(SQUARE, LABELS3, distance=x)],
    "costs": [lambda x: numloss.expected_cost(SQUARE, LABELS3, costs=x)],
    "temperature": [
        lambda x: ordinal_cross_entropy(SQUARE, LABELS3, temperature=x),
        lambda x: cross_entropy(SQUARE, LABELS3, temperature=x),
        lambda x: kl_divergence(SQUARE, SQUARE * 2 / 3, temperature=x),
    ],
    "softcap": [lambda x: cross_entropy(SQUARE, LABELS3, softcap=x)],
    "z_loss": [lambda x: cross_entropy(SQUARE, LABELS3, z_loss=x)],
    "where": [lambda x: cross_entropy(SQUARE, LABELS3, where=x)],
    "log_target": [lambda x: kl_divergence(SQUARE, np.log(SQUARE * 2 / 3), log_target=x)],
    "strength": [
        lambda x: l1_penalty(P3, strength=x),
        lambda x: l2_penalty.grad(P3, strength=x),
        lambda x: elastic_net(P3, strength=x),
    ],
    "l1_ratio": [lambda x: elastic_net(P3, l1_ratio=x)],
    "w": [lambda x: l1_penalty(x), lambda x: l2_penalty.value_and_grad(x)],
    "labels": [lambda x: class_weights(x), lambda x: oversample(x)],
    "num_classes": [lambda x: class_weights([0, 0], x)],
    "scheme": [lambda x: class_weights([0, 1], scheme=x)],
    "beta": [
        lambda x: class_weights([0, 1], beta=x),
        lambda x: symmetric_cross_entropy(SQUARE, LABELS3, beta=x),
    ],
    "rng": [lambda x: oversample([0, 1], x)],
    "ratio": [lambda x: oversample([0, 1], ratio=x)],
    "score": [lambda x: mse.inverse_link(x), lambda x: binary_cross_entropy.inverse_link(x)],
    "step": [lambda x: prox(l1_penalty, P3, x)],
    "groups": [lambda x: group_lasso(P3, groups=x)],
    "bound": [lambda x: best_constant("focal", T3, bound=x)],
    "v": [lambda x: hessian_vector("mse", P3, T3, x)],
    "floor": [lambda x: curvature("mse", "exact", P3, T3, floor=x)],
    "constant": [lambda x: curvature("mse", "constant", P3, T3, constant=x)],
    "n": [lambda x: threads(x)],
}


@pytest.mark.filterwarnings("ignore:mean of a loss over no examples")
@pytest.mark.parametrize("name", SLOTS)
def test_odd_objects_meet_an_answer_or_a_refusal_that_names_the_argument(name):
    messages = []
    for call in SLOTS[name]:
        for x in ODD:
            result, message = answer(call, x)
            assert result is not NotImplemented
            messages += [message] if message else []
    assert len(messages) > 30
    for message in messages:
        assert name in message
        assert "incompatible function arguments" not in message


# ------------------------------------------------------------------------- any dtype, any two shapes

BFLOAT16 = np.dtype(ml_dtypes.bfloat16)
FLOATS = [*map(np.dtype, ["f2", "f4", "f8", ">f2", ">f4", ">f8"]), BFLOAT16]
INTEGERS = [*map(np.dtype, ["i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", ">i4", ">u2"])]
REFUSED = [*map(np.dtype, ["c16", "M8[s]", "V4", "g", "S3", "U3"])]
REFUSED += [np.dtype(ml_dtypes.float8_e5m2), np.dtype(ml_dtypes.int4)]

dtypes = st.sampled_from([*FLOATS, *INTEGERS, np.dtype("?"), *REFUSED])
shapes = st.lists(st.integers(0, 3), max_size=3).map(tuple)


def is_taken(dtype):
    return dtype not in REFUSED


def result_type(p, t):
    floats = [x.newbyteorder("=") for x in (p, t) if x in FLOATS]
    return np.result_type(*floats, *([] if p in FLOATS else [np.float64]))


def is_promotable(p, t):
    halves = {x.newbyteorder("=") for x in (p, t)} == {np.dtype("f2"), BFLOAT16}
    return not halves


@settings(max_examples=300, deadline=None)
@given(dtypes, dtypes, shapes, shapes | st.none())
def test_elementwise_losses_take_equal_shapes_of_real_numbers_alone(p, t, shape, target_shape):
    prediction = np.zeros(shape, p)
    target = np.zeros(shape if target_shape is None else target_shape, t)
    result, message = answer(lambda x: mse.grad(x, target, reduction="none"), prediction)
    if not is_taken(p):
        assert message.startswith("prediction must")
    elif not is_taken(t):
        assert message.startswith("target must")
    elif not is_promotable(p, t):
        assert message.startswith("prediction and target must have dtypes")
    elif target.shape not in ((), shape):
        assert message.startswith("prediction and target must have the same shape")
    else:
        assert (result.dtype, result.shape) == (result_type(p, t), shape)


@settings(max_examples=300, deadline=None)
@given(dtypes, dtypes, shapes, shapes | st.none() | st.just("labels"), st.integers(-3, 3))
@example(np.dtype("f2"), np.dtype("f8"), (0, 1), "labels", 1)
@example(np.dtype("f2"), np.dtype(">f8"), (0, 1), "labels", 1)
def test_losses_over_classes_take_labels_or_probabilities_alone(p, t, shape, form, axis):
    has_classes = -len(shape) <= axis < len(shape) and shape[axis] > 0
    examples = tuple(np.delete(shape, axis).tolist()) if has_classes else ()
    target = np.zeros(examples if form == "labels" else shape if form is None else form, t)
    labels = t in INTEGERS and target.shape in ((), examples)
    labels |= t in FLOATS and target.shape == examples
    probabilities = t in FLOATS and target.shape == shape and is_promotable(p, t)
    if probabilities and has_classes:
        np.moveaxis(target, axis, 0)[0] = 1  # a class that is certain
    result, message = answer(
        lambda x: cross_entropy(x, target, axis=axis, reduction="none"), np.zeros(shape, p)
    )
    if is_taken(p) and has_classes and (labels or probabilities):
        assert message is None
        assert (result.dtype, result.shape) == (result_type(p, p if labels else t), examples)
    else:
        assert message.startswith(("prediction", "target", "axis"))


def test_warning_that_is_an_error_comes_before_anything_is_written():
    out = np.full(2, 7.0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(RuntimeWarning, match="no examples"):
            mse.grad(np.ones(2), np.zeros(2), weight=np.zeros(2), out=out)
    assert (out == 7).all()


@pytest.mark.parametrize("classes", [200, 257, 1025, 5000])
def test_what_is_checked_before_writing_is_what_is_found_after(classes):
    """Sums of probabilities at the very tolerance are judged once."""
    rng = np.random.default_rng(classes)
    logits = np.zeros((1, classes), np.float32)
    refused = 0
    for _ in range(300):
        q = rng.random((1, classes))
        q = (q / q.sum() * 1.01).astype(np.float32)
        out = np.full(logits.shape, 7, np.float32)
        try:
            cross_entropy.grad(logits, q, out=out)
        except ValueError:
            refused += 1
            assert (out == 7).all()
    assert 0 < refused < 300
