"""numloss.keras on both backends that it knows, each in a process of its own."""

import pytest
from processes import run

import numloss

PROGRAM = """
import doctest
import os
import warnings

import keras
import numpy as np

import numloss
from numloss._loss import OF_LISTS
from numloss.integrations import keras as integration

assert keras.backend.backend() == os.environ["KERAS_BACKEND"]
assert doctest.testmod(integration).failed == 0

rng = np.random.default_rng(0)
x = rng.normal(size=(64, 5)).astype("float32")
column = np.sin(x.sum(axis=1, keepdims=True)).astype("float32")
signs = np.where(column > 0, 1, -1)
labels = (x[:, 0] > 0).astype(int) + (x[:, 1] > 0.5)
shares = np.eye(3, dtype="float32")[labels] * 0.7 + 0.1


def sample(loss):
    if numloss.LOSSES[loss].domain == "signs":
        return signs, column
    if numloss.LOSSES[loss].domain == "booleans":
        return x[:, 2:] > 0.5, x[:, :3]
    if not numloss.LOSSES[loss].rowwise:
        if numloss.LOSSES[loss].domain not in ("real", "unit interval"):  # amounts
            return 1 + (column > 0).astype("float32"), np.abs(column)
        return (column > 0).astype("float32"), column
    has_shares = numloss.LOSSES[loss].domain in ("probabilities", "unit interval", *OF_LISTS)
    rows = np.cumsum(abs(x), axis=1) if loss == "cumulative_link" else x  # thresholds rise
    return (shares if has_shares else labels), rows[:, :3]


# The losses of examples are those of NumPy, bit for bit; their mean is Keras's own.
for name in integration._NAMES:
    y, p = sample(name)
    found = np.asarray(keras.ops.convert_to_numpy(numloss.keras.Loss(name, reduction=None)(y, p)))
    # Keras reads all targets as float32.
    target = y if numloss.LOSSES[name].rowwise else y.astype("float32")
    expected = numloss.LOSSES[name](p, target, reduction="none").reshape(-1)
    assert found.dtype == expected.dtype and (found == expected).all(), name
    mean = float(numloss.keras.Loss(name)(y, p))
    assert abs(mean - expected.mean(dtype="float64")) < 1e-6 * abs(mean), name

# Labels with an axis of length 1, targets without one, several columns with weights of rows.
weight = rng.uniform(size=64).astype("float32")
flat = float(numloss.keras.Loss("cross_entropy")(labels[:, None], x[:, :3]))
assert flat == float(numloss.keras.Loss("cross_entropy")(labels, x[:, :3]))
assert float(numloss.keras.Loss("mse")(column[:, 0], column)) == 0
found = float(numloss.keras.Loss("mse")(x, 0 * x, sample_weight=weight))
assert abs(found - float(keras.losses.MeanSquaredError()(x, 0 * x, sample_weight=weight))) < 1e-6


def trained(loss, y, outputs):
    keras.utils.set_random_seed(3)
    model = keras.Sequential([
        keras.layers.Input((5,)), keras.layers.Dense(8, "tanh"), keras.layers.Dense(outputs)])
    model.compile(keras.optimizers.Adam(0.02), loss=loss)
    model.fit(x, y, sample_weight=weight, epochs=15, batch_size=16, shuffle=False, verbose=0)
    return model


K = keras.losses
for ours, theirs, y, outputs in [
    (numloss.keras.Loss("huber", delta=0.5), K.Huber(delta=0.5), column, 1),
    (numloss.keras.Loss("binary_cross_entropy"), K.BinaryCrossentropy(from_logits=True),
     (column > 0).astype("float32"), 1),
    (numloss.keras.Loss("cross_entropy"), K.SparseCategoricalCrossentropy(from_logits=True),
     labels, 3),
    (numloss.keras.Loss("cross_entropy"), K.CategoricalCrossentropy(from_logits=True), shares, 3),
]:
    found, expected = trained(ours, y, outputs), trained(theirs, y, outputs)
    for one, other in zip(found.get_weights(), expected.get_weights(), strict=True):
        assert np.abs(one - other).max() < 1e-4, (ours.name, np.abs(one - other).max())

# A model is saved with its loss and read again.
loss = numloss.keras.Loss("cross_entropy", class_weight=[0.5, 1.0, 2.0], name="weighted")
model = trained(loss, labels, 3)
model.save(os.environ["PLACE"] + "/model.keras")
again = keras.saving.load_model(os.environ["PLACE"] + "/model.keras")
assert again.loss.name == "weighted" and again.loss.options == loss.options
assert again.evaluate(x, labels, verbose=0) == model.evaluate(x, labels, verbose=0)
assert again.evaluate(x, labels, verbose=0) < 0.5

for name in ("gaussian_nll", "hubre"):
    try:
        numloss.keras.Loss(name)
    except numloss.Error as error:
        assert "loss must be '" in str(error) and f"got '{name}'" in str(error)
    else:
        raise AssertionError(name)
for labels in ([0.5, 1.0], [float("nan"), 1.0]):
    try:
        numloss.keras.Loss("cross_entropy")(np.array(labels), np.eye(2, dtype="float32"))
    except Exception as error:  # JAX has its own
        assert "target must hold labels in [0, 2)" in str(error)
    else:
        raise AssertionError(labels)

for name in ("delt", "weight"):
    try:
        numloss.keras.Loss("huber", **{name: 1.0})
    except numloss.Error as error:
        assert f"huber has no option '{name}'" in str(error)
    else:
        raise AssertionError(name)
print("done")
"""


@pytest.mark.parametrize("backend", ["torch", "jax"])
def test_keras(backend, tmp_path):
    program = "import warnings; warnings.simplefilter('default')" + PROGRAM
    found = run(program, 120, KERAS_BACKEND=backend, PLACE=str(tmp_path))
    assert found.strip() == "done"


def test_another_backend_is_refused():
    program = """
import numloss
try:
    numloss.keras.Loss("mse")
except numloss.Error as error:
    print(error)
"""
    program = "import warnings; warnings.simplefilter('default')" + program
    assert run(program, 120, KERAS_BACKEND="numpy").startswith(
        "numloss.keras needs the backend 'torch' or 'jax', got 'numpy'"
    )
    assert "keras" not in dir(numloss._losses)


FORMULAS = """
import keras
import numpy as np

import numloss

rng = np.random.default_rng(4)
p = rng.uniform(size=200).astype("float32")
p[:3] = 0, 1e-9, 5e-8  # 1 - 1e-7 is no float32: Keras clips at its neighbour there
y = rng.integers(0, 2, 200).astype("float32")
for smoothing in (0.0, 0.2):
    theirs = keras.losses.BinaryCrossentropy(label_smoothing=smoothing, reduction=None)
    found = numloss.binary_cross_entropy(
        p, y, from_logits=False, clip=1e-7, label_smoothing=smoothing, reduction="none"
    )
    np.testing.assert_allclose(
        found, np.asarray(theirs(y[:, None], p[:, None])), rtol=2e-5, atol=2e-7
    )
    for balance in (False, True):
        theirs = keras.losses.BinaryFocalCrossentropy(
            apply_class_balancing=balance, label_smoothing=smoothing, reduction=None
        )
        found = numloss.focal(
            p, y, from_logits=False, clip=1e-7, label_smoothing=smoothing, reduction="none",
            alpha=0.25 if balance else None,
        )
        np.testing.assert_allclose(
            found, np.asarray(theirs(y[:, None], p[:, None])), rtol=2e-5, atol=2e-7
        )
s = rng.normal(size=200).astype("float32")
theirs = keras.losses.SquaredHinge(reduction=None)(2 * y[:, None] - 1, s[:, None])
np.testing.assert_allclose(
    numloss.squared_hinge(s, 2 * y - 1, reduction="none"), np.asarray(theirs), rtol=1e-5
)
"""


def test_smoothing_and_clipping_are_those_of_keras():
    run(FORMULAS, KERAS_BACKEND="jax")
