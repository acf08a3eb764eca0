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


REGIONS = [
    (numloss.dice, {}),
    (numloss.dice, {"squared": True}),
    (numloss.jaccard, {"smooth": 0.0}),
    (numloss.tversky, {"gamma": 0.75}),
    (numloss.lovasz_softmax, {}),
]


@pytest.mark.parametrize("pixels", [9, 360, 7200])
@pytest.mark.parametrize(("loss", "options"), REGIONS)
def test_probabilities_are_those_of_logits(loss, options, pixels):
    """And the gradients those by them, p (1 - p) times which is that by the logits."""
    x, t = LOGITS.reshape(-1, pixels), THERE.reshape(-1, pixels)
    p = 1 / (1 + np.exp(-x))
    call = {"reduction": "none", **options}
    value, gradient = loss.value_and_grad(x, t, **call)
    first, second = loss.grad_and_hess(p, t, from_logits=False, **call)
    assert loss(p, t, from_logits=False, **call) == pytest.approx(value, rel=1e-12)
    chained = p * (1 - p) * first
    np.testing.assert_allclose(chained, gradient, rtol=1e-9, atol=1e-15)
    curved = p * (1 - p) * ((1 - 2 * p) * first + p * (1 - p) * second)
    hessian = loss.grad_and_hess(x, t, **call)[1]
    np.testing.assert_allclose(curved, hessian, rtol=1e-9, atol=1e-13)
    places = [np.asfortranarray(p), np.repeat(p, 2, axis=1)[:, ::2], p.copy()]
    for place in places:
        found = loss.grad_and_hess(place, t, from_logits=False, out=(place, None), **call)
        assert np.array_equal(found[0], first)
        assert np.array_equal(found[1], second)


@pytest.mark.parametrize("pixels", [9, 360, 7200])
@pytest.mark.parametrize("loss", [numloss.dice, numloss.lovasz_softmax])
def test_numbers_that_are_no_probabilities_are_refused(loss, pixels):
    t = THERE.reshape(-1, pixels)
    p = np.where(t, 1 + 5e-7, -5e-7)
    for kind in ("f4", "f8"):
        call = {"from_logits": False, "reduction": "none"}
        assert not loss(p.astype(kind), t, **call).any()
        wrong = p.astype(kind)
        wrong[-1, -2] = 1.5
        places = wrong.copy(), np.asfortranarray(wrong)
        for place, reduction in zip(places, ("none", "mean"), strict=True):
            call["reduction"] = reduction
            with pytest.raises(numloss.Error, match=r"in \[0, 1\], got 1.5 at .* use from_logits"):
                loss.grad(place, t, out=place, **call)
            assert np.array_equal(place, wrong)
        weight = np.arange(len(t)) < len(t) - 1
        call = {"weight": weight, "reduction": "sum", "from_logits": False}
        assert loss(wrong, t, **call) == 0


@pytest.mark.parametrize("loss", [numloss.dice, numloss.jaccard, numloss.tversky])
def test_probabilities_of_0_and_1(loss):
    p, t = np.array([[0.0, 1.0, 0.0, 1.0]]), np.array([[False, True, True, False]])
    expected = {"dice": 1 - 3 / 5, "jaccard": 1 - 2 / 4, "tversky": 1 - 2 / 3}[loss.__name__]
    assert loss(p, t, from_logits=False) == pytest.approx(expected, rel=1e-15)
    step, options = 1e-6, {"from_logits": False, "reduction": "sum"}
    slopes = loss.grad(p, t, **options)
    for pixel, inwards in enumerate([step, -step, step, -step]):
        moved = p.copy()
        moved[0, pixel] += inwards
        difference = (loss(moved, t, **options) - expected) / inwards
        assert slopes[0, pixel] == pytest.approx(difference, rel=1e-5)


# --------------------------------------------------------------------------------- several classes


def softmax(x):
    e = np.exp(x - x.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def images_of_classes(seed=5, images=4, classes=5, pixels=300):
    """Draw logits, labels and which class is where; an image has not all classes."""
    rng = np.random.default_rng(seed)
    x = rng.normal(scale=2, size=(images, classes, pixels))
    labels = rng.integers(0, classes - 1 - (np.arange(images) % 2)[:, None], (images, pixels))
    return x, labels, labels[:, None] == np.arange(classes)[:, None]


def monai_dice(x, there, smooth=1e-5, jaccard=False, squared=False, batch=False):
    """``DiceLoss(softmax=True, to_onehot_y=True)`` of MONAI."""
    p, t = softmax(x), there.astype(float)
    axes = (0, 2) if batch else 2
    common = (p * t).sum(axis=axes)
    divisor = ((p**2 + t**2) if squared else (p + t)).sum(axis=axes)
    divisor = 2 * (divisor - common) if jaccard else divisor
    return np.mean(1 - (2 * common + smooth) / (divisor + smooth))


def smp_multiclass(x, there, kind, smooth=0.0, alpha=0.5, beta=0.5, gamma=1.0):
    """``DiceLoss``, ``JaccardLoss``, ``TverskyLoss`` of segmentation_models_pytorch."""
    p, t = softmax(x), there.astype(float)
    common, sizes = (p * t).sum(axis=(0, 2)), (p + t).sum(axis=(0, 2))
    off = alpha * (p - p * t).sum(axis=(0, 2)) + beta * (t - p * t).sum(axis=(0, 2))
    score = {
        "dice": (2 * common + smooth) / (sizes + smooth),
        "jaccard": (common + smooth) / (sizes - common + smooth),
        "tversky": (common + smooth) / (common + off + smooth),
    }[kind]
    return np.mean((1 - score) * (t.sum(axis=(0, 2)) > 0)) ** gamma


def test_classes_of_an_image_are_rows():
    x, _, there = images_of_classes()
    p, call = softmax(x), {"from_logits": False, "smooth": 1e-5}

    def of_batch(x):
        return np.moveaxis(x, 1, 0).reshape(x.shape[1], -1)

    for found, expected in (
        (numloss.dice(p, there, **call), monai_dice(x, there)),
        (numloss.dice(p, there, squared=True, **call), monai_dice(x, there, squared=True)),
        (numloss.dice(of_batch(p), of_batch(there), **call), monai_dice(x, there, batch=True)),
        (numloss.dice(p[:, 1:], there[:, 1:], **call), monai_dice_without_background(x, there)),
        (
            numloss.jaccard(p, there, from_logits=False, smooth=0.5e-5),
            monai_dice(x, there, jaccard=True),
        ),
    ):
        assert found == pytest.approx(expected, rel=1e-12)
    # kornia's dice_loss(average="micro"): all classes of an image as one region.
    rows = p.reshape(len(p), -1), there.reshape(len(p), -1)
    kornia = np.mean(1 - 2 * (p * there).sum(axis=(1, 2)) / ((p + there).sum(axis=(1, 2)) + 1e-8))
    micro = numloss.dice(*rows, from_logits=False, smooth=0.0)
    assert micro == pytest.approx(kornia, rel=1e-9)
    # What is not there counts 0 in the mean over all classes.
    call = {"from_logits": False, "weight": of_batch(there).any(axis=-1), "denominator": p.shape[1]}
    for loss, options in (
        (numloss.dice, {"smooth": 0.0}),
        (numloss.jaccard, {"smooth": 0.0}),
        (numloss.tversky, {"smooth": 0.0, "alpha": 0.25, "beta": 0.75}),
    ):
        expected = smp_multiclass(x, there, loss.__name__, **options)
        found = loss(of_batch(p), of_batch(there), **call, **options)
        assert found == pytest.approx(expected, rel=1e-12)


def monai_dice_without_background(x, there, smooth=1e-5):
    """With ``include_background=False``."""
    p, t = softmax(x)[:, 1:], there[:, 1:].astype(float)
    return np.mean(1 - (2 * (p * t).sum(axis=2) + smooth) / ((p + t).sum(axis=2) + smooth))


@pytest.mark.parametrize(("loss", "options"), REGIONS)
def test_gradient_by_the_logits_of_classes(loss, options):
    x, _, there = images_of_classes(pixels=20)

    def value(x):
        return loss(softmax(x), there, from_logits=False, **options)

    p = softmax(x)
    g = loss.grad(p, there, from_logits=False, **options)
    gradient = p * (g - (p * g).sum(axis=1, keepdims=True))
    step = 1e-6
    for place in [(0, 0, 0), (1, 4, 7), (3, 2, 19), (2, 1, 3)]:
        up, down = x.copy(), x.copy()
        up[place] += step
        down[place] -= step
        difference = (value(up) - value(down)) / (2 * step)
        assert gradient[place] == pytest.approx(difference, rel=1e-5, abs=1e-9)


def lovasz_softmax_of_authors(p, labels, classes="present", per_image=False, ignore=None):
    """The authors' program: github.com/bermanmaxim/LovaszSoftmax, pytorch/lovasz_losses.py."""
    if per_image:
        pairs = zip(p, labels, strict=True)
        return np.mean(
            [lovasz_softmax_of_authors(a[None], b[None], classes, ignore=ignore) for a, b in pairs]
        )
    p, labels = np.moveaxis(p, 1, 0).reshape(p.shape[1], -1), labels.ravel()
    kept = labels != ignore if ignore is not None else np.full(labels.shape, True)
    p, labels, losses = p[:, kept], labels[kept], []
    for c, of_class in enumerate(p):
        truth = (labels == c).astype(float)
        if classes == "present" and truth.sum() == 0:
            continue
        errors = abs(truth - of_class)
        order = np.argsort(-errors, kind="stable")
        found = truth[order]
        jaccard = 1 - (truth.sum() - found.cumsum()) / (truth.sum() + (1 - found).cumsum())
        jaccard[1:] = jaccard[1:] - jaccard[:-1]
        losses.append(errors[order] @ jaccard)
    return np.mean(losses)


@pytest.mark.parametrize("pixels", [30, 700])
def test_lovasz_softmax_is_that_of_its_authors(pixels):
    x, labels, there = images_of_classes(pixels=pixels)
    p, loss = softmax(x), numloss.lovasz_softmax

    def of_batch(x):
        return np.moveaxis(x, 1, 0).reshape(x.shape[1], -1)

    rows = of_batch(p), of_batch(there)
    present = there.any(axis=-1)
    share = present / present.sum(axis=1, keepdims=True)
    ignored = np.where(labels == 1, 255, labels)
    kept = (labels != 1)[:, None]
    without = of_batch(np.where(kept, p, 0)), of_batch(there & kept)
    for found, expected in (
        (loss(*rows, from_logits=False), lovasz_softmax_of_authors(p, labels, "all")),
        (
            loss(*rows, from_logits=False, weight=rows[1].any(axis=-1)),
            lovasz_softmax_of_authors(p, labels),
        ),
        (loss(p, there, from_logits=False), lovasz_softmax_of_authors(p, labels, "all", True)),
        (
            loss(p, there, from_logits=False, weight=share),
            lovasz_softmax_of_authors(p, labels, per_image=True),
        ),
        (
            loss(*without, from_logits=False, weight=without[1].any(axis=-1)),
            lovasz_softmax_of_authors(p, ignored, ignore=255),
        ),
    ):
        assert found == pytest.approx(expected, rel=1e-12)


def test_lovasz_softmax_of_certain_pixels_is_the_jaccard_loss():
    rng = np.random.default_rng(6)
    p, t = (rng.random((20, 50)) < 0.3).astype(float), rng.random((20, 50)) < 0.3
    t[0], t[1], p[1] = False, False, 0
    common, union = ((p == 1) & t).sum(axis=1), ((p == 1) | t).sum(axis=1)
    expected = 1 - np.divide(common, union, out=np.ones(20), where=union > 0)
    found = numloss.lovasz_softmax(p, t, from_logits=False, reduction="none")
    assert found == pytest.approx(expected, rel=1e-14)
    slopes = numloss.lovasz_softmax.grad_and_hess(p, t, from_logits=False)
    assert not slopes[1].any()
    assert not np.signbit(slopes).any(axis=(1, 2))[1]


# ------------------------------------------------------------------------------------ Lovász hinge


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
