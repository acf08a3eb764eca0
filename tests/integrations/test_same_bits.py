"""The same calls through every door: Python, C, torch, JAX, a booster, the service, an evaluation.

Each gives the losses of the rows, and where it has one the gradient of their sum.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import capi
import jax
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from scoring_service.conftest import Service

import numloss
from numloss import cli

ROWS, CLASSES = 257, 5
RNG = np.random.default_rng(20)
SCORES = RNG.normal(size=ROWS).astype("f4") * 3
LOGITS = RNG.normal(size=(ROWS, CLASSES)).astype("f4") * 3
BINARY = RNG.integers(0, 2, ROWS)
LABELS = RNG.integers(0, CLASSES, ROWS)


@dataclass(frozen=True)
class Case:
    """A call, and what each door needs to know of it."""

    loss: str
    prediction: Any
    target: Any
    options: dict[str, Any]

    def __str__(self) -> str:
        return self.loss


CASES = [
    Case("mse", SCORES, BINARY.astype("f4"), {}),
    Case("huber", SCORES, BINARY.astype("f4"), {"delta": 0.5}),
    Case("binary_cross_entropy", SCORES, BINARY, {"pos_weight": 2.0}),
    Case("focal", SCORES, BINARY, {"gamma": 1.5}),
    Case("cross_entropy", LOGITS, LABELS, {"label_smoothing": 0.1}),
    Case("softmax_focal", LOGITS, LABELS, {"gamma": 2.0}),
    Case("ranked_probability", LOGITS, LABELS, {}),
]


def python(case: Case) -> tuple[Any, Any]:
    loss = getattr(numloss, case.loss)
    inputs = case.prediction, case.target
    return (
        loss(*inputs, reduction="none", **case.options),
        loss.grad(*inputs, reduction="sum", **case.options),
    )


def of_c(case: Case) -> tuple[Any, Any]:
    loss = getattr(numloss, case.loss)
    inputs = case.prediction, case.target
    (values,) = capi.call(loss, "__call__", *inputs, reduction="none", **case.options)
    (gradient,) = capi.call(loss, "grad", *inputs, reduction="sum", **case.options)
    return values, gradient


def of_torch(case: Case) -> tuple[Any, Any]:
    loss = getattr(numloss.torch, case.loss)
    prediction = torch.from_numpy(case.prediction.copy()).requires_grad_()
    target = torch.from_numpy(case.target)
    values = loss(prediction, target, reduction="none", **case.options)
    loss(prediction, target, reduction="sum", **case.options).backward()
    return values.detach().numpy(), prediction.grad.numpy()


def of_jax(case: Case) -> tuple[Any, Any]:
    loss = getattr(numloss.jax, case.loss)

    def total(prediction: Any) -> Any:
        return loss(prediction, case.target, reduction="sum", **case.options)

    values = jax.jit(lambda p: loss(p, case.target, reduction="none", **case.options))
    return values(case.prediction), jax.jit(jax.grad(total))(case.prediction)


def of_a_booster(case: Case) -> tuple[Any, Any]:
    rule = "absolute" if case.loss in ("focal", "softmax_focal", "ranked_probability") else "exact"
    adapter = numloss.xgboost.Adapter(case.loss, curvature=rule, **case.options)
    gradient, curvature = np.empty_like(case.prediction), np.empty_like(case.prediction)
    target = adapter.targets(case.target.astype("f4"))  # as XGBoost has labels
    adapter.derivatives(case.prediction, target, None, (gradient, curvature))
    return None, gradient


def of_the_command(case: Case, folder: Path) -> Any:
    columns = (
        {f"logit_{k}": case.prediction[:, k] for k in range(CLASSES)}
        if case.prediction.ndim == 2
        else {"score": case.prediction}
    )
    pq.write_table(pa.table({**columns, "label": case.target}), folder / "rows.parquet")
    options = ",".join(f"{name}={value}" for name, value in case.options.items())
    loss = f"{case.loss}:{options}" if options else case.loss
    given = ["evaluate", str(folder / "rows.parquet"), "--loss", loss]
    assert cli.main([*given, "--losses-out", str(folder / "losses.parquet")]) == 0
    losses = pq.read_table(folder / "losses.parquet")
    return losses[losses.column_names[-1]].to_numpy()


def of_the_service(case: Case, folder: Path) -> Any:
    """Predictions go there as raw float32, labels as JSON; losses come back as JSON."""
    classes = case.prediction.shape[1] if case.prediction.ndim == 2 else 0
    service = Service(
        folder / "log", f"sqlite:///{folder}/scoring.db", workers=1,
        loss=case.loss, options=json.dumps(case.options), classes=classes,
    )  # fmt: skip
    service.start()
    try:
        kept = service.post(
            f"/predictions/raw?id=row&rows={ROWS}",
            case.prediction.tobytes(), "application/octet-stream",
        )  # fmt: skip
        assert kept[0] == 200, kept
        labels = [{"id": f"row:{i}", "label": y} for i, y in enumerate(case.target.tolist())]
        return np.array(service.post("/labels", {"labels": labels})[1]["losses"])
    finally:
        service.kill()


DOORS: dict[str, Callable[[Case], tuple[Any, Any]]] = {
    "C": of_c, "torch": of_torch, "JAX": of_jax, "XGBoost": of_a_booster,
}  # fmt: skip


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_bits_are_those_of_python(case, door):
    expected, found = python(case), DOORS[door](case)
    for want, got in zip(expected, found, strict=True):
        if got is not None:
            np.testing.assert_array_equal(np.asarray(got).view(np.uint32), want.view(np.uint32))


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_command_has_the_losses_of_python(case, tmp_path):
    losses, expected = of_the_command(case, tmp_path), python(case)[0]
    np.testing.assert_array_equal(losses.view(np.uint32), expected.view(np.uint32))


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_service_has_the_losses_of_python(case, tmp_path):
    """Its labels are float64 where they are no classes, as JSON has them."""
    loss = getattr(numloss, case.loss)
    target = case.target if loss.rowwise else case.target.astype("f8")
    expected = loss(case.prediction, target, reduction="none", **case.options)
    assert of_the_service(case, tmp_path).tolist() == expected.astype("f8").tolist()


@pytest.mark.parametrize("case", CASES, ids=str)
def test_an_evaluation_adds_them_up_exactly(case):
    evaluation = numloss.Evaluation({case.loss: (getattr(numloss, case.loss), case.options)})
    evaluation.update(case.prediction, case.target)
    expected = math.fsum(python(case)[0].astype("f8"))
    assert evaluation.result()[case.loss].total.sum == expected
