"""Losses of regions: images without one, of many pixels, and what the losses have in common."""

import numpy as np
import pytest

import numloss

RNG = np.random.default_rng(3)
LOGITS = RNG.normal(scale=2, size=(20, 9, 40))
THERE = RNG.random((20, 9, 40)) < 0.2


def rows(x):
    return x.reshape(len(x), -1)


def test_an_image_without_a_region_costs_what_is_predicted():
    nothing = np.zeros((1, 5), bool)
    predicted = np.array([[-2.0, 0.5, -1.0, -30.0, 1.0]])
    total = (1 / (1 + np.exp(-predicted))).sum()
    for loss in (numloss.dice, numloss.jaccard):
        for smooth in (0.0, 1e-5, 1.0):
            assert loss(predicted, nothing, smooth=smooth) == pytest.approx(
                total / (total + smooth), rel=1e-14
            )


@pytest.mark.parametrize("pixels", [5, 300, 5000])
@pytest.mark.parametrize("options", [{}, {"squared": True}, {"gamma": 0.5}, {"gamma": 2.0}])
def test_where_nothing_is_and_nothing_predicted_nothing_is_lost(pixels, options):
    loss = numloss.tversky if "gamma" in options else numloss.dice
    logits, there = np.full((2, pixels), -np.inf), np.zeros((2, pixels))
    for smooth in (0.0, 1.0):
        call = {"smooth": smooth, "reduction": "none", **options}
        assert loss(logits, there, **call).tolist() == [0, 0]
        for found in loss.grad_and_hess(logits, there, **call):
            assert not found.any()
            assert not np.signbit(found).any()
        # What is there is found wholly, and costs nothing either.
        assert loss(-logits, there == 0, **call).tolist() == [0, 0]


def test_tversky_is_the_others():
    x, t = rows(LOGITS), rows(THERE)
    for other, weight, scale in ((numloss.dice, 0.5, 2.0), (numloss.jaccard, 1.0, 1.0)):
        call = {"alpha": weight, "beta": weight, "smooth": 0.75}
        found = numloss.tversky.grad_and_hess(x, t, **call)
        expected = other.grad_and_hess(x, t, smooth=0.75 * scale)
        assert all(np.array_equal(f, e) for f, e in zip(found, expected, strict=True))
        assert numloss.tversky(x, t, **call) == other(x, t, smooth=0.75 * scale)


def test_a_batch_as_one_is_a_single_row():
    p = 1 / (1 + np.exp(-LOGITS))
    expected = 1 - (2 * p[THERE].sum() + 1) / (p.sum() + THERE.sum() + 1)
    found = numloss.dice(LOGITS.reshape(1, -1), THERE.reshape(1, -1))
    assert found == pytest.approx(expected, rel=1e-13)


@pytest.mark.parametrize("kind", ["f4", "f8", "f2", "u1", "i8", "?", ">i4", ">f4"])
def test_masks_of_any_type(kind):
    for pixels in (9, 360):
        x = LOGITS.reshape(-1, pixels).astype("f8")
        t = THERE.reshape(-1, pixels)
        expected = numloss.dice.value_and_grad(x, t)
        found = numloss.dice.value_and_grad(x, t.astype(kind))
        assert found[0] == expected[0]
        assert np.array_equal(found[1], expected[1])


def test_shares_that_rounding_has_put_outside_are_0_and_1():
    for pixels in (9, 360, 7200):
        x, t = LOGITS.reshape(-1, pixels), THERE.reshape(-1, pixels).astype(float)
        off = np.where(t == 1, 1 + 5e-7, -5e-7)
        assert numloss.dice(x, off) == numloss.dice(x, t)
        off[-1, -2] = 1.1
        with pytest.raises(numloss.Error, match=r"target must be in \[0, 1\], got 1.1 at index"):
            numloss.dice(x, off)
        weight = np.arange(len(x)) < len(x) - 1
        assert numloss.dice(x, off, weight=weight, reduction="sum") == numloss.dice(
            x, t, weight=weight, reduction="sum"
        )


def lovasz_of(x, t):
    """Return value and gradient of one image by the definition."""
    sign = np.where(t, -1.0, 1.0)
    error = 1 + sign * x
    order = np.argsort(-error, kind="stable")
    there = t[order]
    size = there.sum()
    jaccard = 1 - (size - there.cumsum()) / (size + (~there).cumsum())
    rise = np.diff(jaccard, prepend=0) * (error[order] > 0)
    gradient = np.zeros_like(x)
    gradient[order] = sign[order] * rise
    return (error[order] * rise).sum(), gradient


@pytest.mark.parametrize("shape", [(70, 1), (20, 9), (5, 257), (3, 9001)])
def test_lovasz_of_any_number_of_pixels(shape):
    rng = np.random.default_rng(4)
    # Halves: ties, pixels at a margin of 0, and images without a region.
    x, t = np.rint(4 * rng.normal(size=shape)) / 2, rng.random(shape) < 0.2
    t[0] = False
    values, gradients = numloss.lovasz_hinge.value_and_grad(x, t, reduction="none")
    for one, there, value, gradient in zip(x, t, values, gradients, strict=True):
        expected = lovasz_of(one, there)
        assert value == pytest.approx(expected[0], rel=1e-12)
        np.testing.assert_allclose(gradient, expected[1], rtol=0, atol=1e-13)
    assert values[0] == max(0, (1 + x[0]).max())


def test_lovasz_at_infinity():
    x = np.array([[np.inf, -np.inf, 0.5], [np.inf, 0.0, 0.0], [np.nan, 0.0, 1.0]])
    t = np.array([[True, False, True], [False, True, True], [True, True, False]])
    value, gradient = numloss.lovasz_hinge.value_and_grad(x, t, reduction="none")
    assert value[:2].tolist() == [0.25, np.inf]
    assert gradient[0].tolist() == [0, 0, -0.5]
    assert np.isnan(value[2])
    assert np.isnan(gradient[2]).all()


@pytest.mark.parametrize("squared", [False, True])
def test_many_pixels_are_added_precisely(squared):
    n = 1_000_000
    x = RNG.normal(loc=-6, scale=3, size=(1, n)).astype("f4")
    t = RNG.random((1, n)) < 0.003
    x[t] += 12
    wide = numloss.dice.value_and_grad(x.astype("f8"), t, squared=squared)
    value, gradient = numloss.dice.value_and_grad(x, t, squared=squared)
    assert value == pytest.approx(wide[0], rel=3e-7)
    assert np.abs(gradient / wide[1] - 1).max() < 4e-6
    # In place, the gradient takes the place of the logits.
    place = x.copy()
    assert numloss.dice.value_and_grad(place, t, squared=squared, out=place)[0] == value
    assert np.array_equal(place, gradient)
