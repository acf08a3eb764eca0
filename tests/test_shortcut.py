"""Calls on arrays as they are reach the kernels without the Python layer, and mean the same."""

from __future__ import annotations

import copy
import gc
import inspect
import pickle
import weakref
from unittest import mock

import numpy as np
import pytest
from calls import METHODS
from cases import CASES, VARIANTS, assert_same, without_shortcuts

import numloss
from numloss import _core, _loss

DEFAULTS = [v for v in VARIANTS if not v.parameters]

every_loss = pytest.mark.parametrize("variant", DEFAULTS, ids=str)
every_variant = pytest.mark.parametrize("variant", VARIANTS, ids=str)
every_method = pytest.mark.parametrize("method", METHODS)
without_python_layer = mock.patch.object(_loss, "_core", None)


def inputs(variant, dtype="float32"):
    return variant.inputs((6, 5) if variant.rowwise else (30,), dtype)


def parts(result):
    return result if isinstance(result, tuple) else (result,)


def test_every_loss_is_here():
    assert {variant.name for variant in DEFAULTS} == set(CASES) == set(numloss.LOSSES)


@every_loss
@every_method
def test_arrays_as_they_are_go_straight_to_the_kernels(variant, method):
    prediction, target = inputs(variant)
    if target.dtype == bool:  # a definition makes something else of them
        target = np.where(target, 1.0, -1.0).astype(prediction.dtype)
    call = getattr(variant.loss, method)
    place = np.empty_like(prediction)
    out = {"__call__": {}, "grad_and_hess": {"out": (place, None)}}.get(method, {"out": place})
    with without_python_layer:
        call(prediction, target)
        call(prediction, target, reduction="sum", weight=np.ones(len(prediction)), **out)


@pytest.mark.parametrize(
    ("args", "options"),
    [
        (([1.0], np.ones(1)), {}),
        ((np.ones(1), 1.0), {}),
        ((np.ones(1), np.ones(1)), {"detla": 1.0}),
        (([1.0], np.ones(1)), {"delta": 1.0}),
        ((np.ones(1), [1.0]), {"delta": 1.0, "weight": np.ones(1)}),
        ((np.ones(1), np.ones(1)), {"weight": [1.0]}),
        ((np.ones(1),), {"target": np.ones(1)}),
        ((np.ones(1), np.ones(2)), {}),
        ((np.ones(1),), {}),
        ((np.ones(1), np.ones(1), 1.0), {}),
    ],
)
def test_everything_else_is_for_the_python_layer(args, options):
    with mock.patch.object(numloss.huber, "_define", return_value=None) as define:
        numloss.huber(*args, **options)
    define.assert_called_with(_loss.VALUE, *args, **options)


def test_parameters_are_for_the_definition_alone():
    prediction, target = np.array([3.0, 0.5]), np.zeros(2)
    with without_python_layer:
        assert numloss.huber(prediction, target, delta=2.0, reduction="sum") == 4.125
        with pytest.raises(ValueError, match="delta must be a positive finite number, got 0"):
            numloss.huber(prediction, target, delta=0)
    with pytest.raises(TypeError, match="no argument named 'detla'"):
        numloss.huber(prediction, target, delta=2.0, detla=1.0)
    with pytest.raises(TypeError, match="no argument named 'delta'"):
        numloss.mse(prediction, target, delta=2.0)


@every_variant
@every_method
@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", ">f8"])
def test_bits_are_those_of_the_python_layer(variant, method, dtype):
    prediction, target = inputs(variant, dtype)
    parameters = variant.options(prediction.shape[-1])
    weight = np.linspace(0, 1, len(prediction))
    call = getattr(variant.loss, method)
    for options in (
        {},
        {"weight": weight, "denominator": "count"},
        {"denominator": 3.0},
        {"reduction": "sum", "weight": weight},
        {"reduction": "none"},
    ):
        straight = call(prediction, target, **options, **parameters)
        with without_shortcuts():
            around = call(prediction, target, **options, **parameters)
        assert_same(parts(straight), parts(around), options)


def test_methods_are_those_written_in_python():
    for name in METHODS:
        method = vars(numloss.Loss)[name]
        assert method.__name__ == name
        assert method.__doc__ == method.__wrapped__.__doc__
        assert list(inspect.signature(method).parameters) == ["self", "args", "kwargs"]
    bound = numloss.huber.grad
    assert bound.__self__ is numloss.huber
    assert pickle.loads(pickle.dumps(bound)) == bound
    assert copy.deepcopy(bound)(np.ones(1), np.zeros(1)) == 1
    assert numloss.Loss.grad(numloss.huber, np.ones(1), np.zeros(1)) == 1


def test_a_shortcut_in_a_cycle_is_freed():
    def method(self):
        return self

    shortcut = _core.Shortcut(1, method)
    method.shortcut = shortcut.itself = shortcut
    freed = weakref.ref(method)
    del method, shortcut
    gc.collect()
    assert freed() is None


def test_a_shortcut_is_made_of_a_mode_and_a_method():
    for args in ((), (1,), ("1", print), (1, print, 2)):
        with pytest.raises(TypeError):
            _core.Shortcut(*args)


def test_what_is_no_plan_is_refused():
    class Other:
        _plan = (1, 2, 3)

        method = _core.Shortcut(1, len)

    x = np.ones(1)
    with pytest.raises(TypeError, match="a plan is a tuple"):
        Other().method(x, x)
    for args in ((), ((0, ()), 1, x, x), ((0, ()), 1, x, x, []), ((0, ()), 1, x, x, {}, None, 1)):
        with pytest.raises(TypeError, match="compute takes"):
            _core.compute(*args)
