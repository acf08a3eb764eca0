"""Losses and their methods as Python objects, and the ways in which a call may be written."""

from __future__ import annotations

import copy
import gc
import inspect
import pickle
import weakref
from functools import partial

import numpy as np
import pytest
from calls import METHODS, stays_in_the_extension
from cases import CASES, SHARED, assert_same

import numloss
from numloss import _core

every_variant = pytest.mark.parametrize("variant", SHARED, ids=str)
every_method = pytest.mark.parametrize("method", METHODS)


def inputs(variant, dtype="float32"):
    return variant.inputs((6, 5) if variant.rowwise else (30,), dtype)


def parts(result):
    return result if isinstance(result, tuple) else (result,)


@every_variant
@every_method
def test_arrays_and_numbers_need_no_python_code(variant, method):
    prediction, target = inputs(variant)
    call = getattr(variant.loss, method)
    place = np.empty_like(prediction)
    out = {"__call__": {}, "grad_and_hess": {"out": (place, None)}}.get(method, {"out": place})
    options = variant.options(prediction.shape[-1])
    weight = np.ones(len(prediction))
    assert stays_in_the_extension(lambda: call(prediction, target, **options))
    assert stays_in_the_extension(
        lambda: call(prediction, target, reduction="sum", weight=weight, **options, **out)
    )


@every_variant
@every_method
@pytest.mark.parametrize(("dtype", "narrow"), [("f8", "f4"), ("f8", "f2"), ("f4", "f2")])
@pytest.mark.parametrize("order", ["C", "F"])
def test_results_are_rounded_to_a_narrower_dtype(variant, method, dtype, narrow, order):
    prediction, target = variant.inputs((40, 5) if variant.rowwise else (200,), dtype)
    prediction = np.asarray(prediction, order=order)
    ask = partial(
        getattr(variant.loss, method), prediction, target, reduction="none",
        **variant.options(prediction.shape[-1]),
    )  # fmt: skip
    for wide, found in zip(parts(ask()), parts(ask(dtype=narrow)), strict=True):
        assert_same([found], [wide.astype("f4").astype(narrow)])


@pytest.mark.parametrize(
    ("target", "weight"),
    [(1.0, None), (1, 2.0), (np.ones(3), 1), (np.ones(3, "f4"), np.ones(1, "i8")), (True, True)],
)
def test_numbers_of_python_need_no_python_code(target, weight):
    prediction = np.zeros(3, "f8")
    assert stays_in_the_extension(lambda: numloss.mse(prediction, target, weight=weight))
    assert numloss.mse(prediction, target, weight=weight) == 1


@every_variant
@every_method
@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", ">f8"])
def test_bits_are_those_of_converted_arguments(variant, method, dtype):
    prediction, target = inputs(variant, dtype)
    parameters = variant.options(prediction.shape[-1])
    weight = np.linspace(0, 1, len(prediction))
    call = getattr(variant.loss, method)

    class Convertible:
        def __init__(self, array):
            self._array = array

        def __array__(self, dtype=None, copy=None):
            return self._array

    for options in (
        {},
        {"weight": weight, "denominator": "count"},
        {"denominator": 3},
        {"reduction": "sum", "weight": weight},
        {"reduction": "none"},
    ):
        straight = call(prediction, target, **options, **parameters)
        around = call(Convertible(prediction), Convertible(target), **options, **parameters)
        assert_same(parts(straight), parts(around), options)


def test_inputs_may_be_named():
    p, t = np.array([3.0, 0.5]), np.zeros(2)
    assert numloss.huber(target=t, prediction=p, delta=2.0, reduction="sum") == 4.125
    assert numloss.huber(p, target=t, delta=2.0, reduction="sum") == 4.125
    with pytest.raises(TypeError, match="multiple values for argument 'prediction'"):
        numloss.huber(p, prediction=p, target=t)
    with pytest.raises(TypeError, match="missing 2 required positional arguments"):
        numloss.huber(delta=1.0)


def test_methods_belong_to_their_loss():
    for name in METHODS[1:]:
        method = getattr(numloss.huber, name)
        assert method.__name__ == name
        assert method.__qualname__ == f"huber.{name}"
        assert method.__module__ == numloss.huber.__module__
        assert method.__self__ is numloss.huber
        assert "Examples" in method.__doc__
        assert inspect.signature(method) == inspect.signature(numloss.huber)
        assert pickle.loads(pickle.dumps(method)) is method
        assert copy.deepcopy(method) is method
        assert name in repr(method)
    assert "delta" in inspect.signature(numloss.huber.grad).parameters


def test_losses_are_found_again_by_name():
    for loss in numloss.LOSSES.values():
        assert pickle.loads(pickle.dumps(loss)) is loss
        assert copy.deepcopy(loss) is loss
        assert repr(loss).startswith(f"<loss {loss.__name__}({loss.heads[0]}, ")
    assert set(CASES) <= set(numloss.LOSSES)


def test_no_loss_is_made_outside_the_library():
    with pytest.raises(LookupError, match="no loss is named 'hubert'"):
        numloss.Loss("hubert")
    for args in ((), (1,), ("huber", 2)):
        with pytest.raises(TypeError):
            numloss.Loss(*args)
    with pytest.raises(TypeError):
        _core.Method()


def test_a_loss_that_nobody_holds_is_freed():
    made = numloss.Loss("huber")
    made.itself = made
    freed = weakref.ref(made)
    del made
    gc.collect()
    assert freed() is None
