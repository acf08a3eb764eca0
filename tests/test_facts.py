"""What is said of every loss is true: its facts against its own numbers, and the list of them.

The tests run over all losses on the inputs of their rows in `cases`, so that a new one is tested as
it comes. Facts are those of default parameters.
"""

from __future__ import annotations

import dataclasses
import inspect

import numpy as np
import pytest
from cases import APART, RISING, TWO_HEADED_VARIANTS, VARIANTS

import numloss
from numloss._catalog import SMOOTHNESS, Facts
from numloss.evaluation.specs import FORMS

EVERY = list(numloss.LOSSES)
#: Those of a prediction that is numbers, or rows of them.
LOSSES = [name for name in EVERY if name not in APART]
CLASSES = 4


def settings(name):
    """Return domains of a loss, and the parameters without a default, as its rows have them."""
    found = {}
    for variant in (*VARIANTS, *TWO_HEADED_VARIANTS):
        if variant.name == name and all(variant.parameters.get(form, True) for form in FORMS):
            found.setdefault(variant.domain, variant)
    return list(found.values())


def needed(name, variant, examples):
    """Return the options that the loss cannot be called without."""
    signature = inspect.signature(numloss.LOSSES[name]).parameters
    options = variant.options(CLASSES, examples)
    return {key: x for key, x in options.items() if signature[key].default is inspect._empty}


def drawn(variant, examples, seed=0):
    shape = (examples, CLASSES) if variant.rowwise else (examples,)
    return variant.inputs(shape, seed=seed)


def lowest(loss):
    """Return what a prediction must be above."""
    return getattr(loss, "prediction_above", -np.inf)


class Path:
    """A loss along a line through its scores: value and derivatives by the place on it."""

    def __init__(self, name, variant, seed):
        self.loss = numloss.LOSSES[name]
        self.name = name
        rng = np.random.default_rng(seed)
        prediction, target = drawn(variant, 1, seed)
        self.begin, self.target = prediction[0], target[0]
        self.options = needed(name, variant, (1,))
        self.places = np.linspace(-9.003, 9.001, 3001)
        if self.loss.rowwise:
            self.direction = np.eye(CLASSES)[rng.integers(CLASSES)]
            if variant.domain is RISING:  # as far as rows go on rising
                self.places = self.places / 10
        else:
            self.begin, self.direction = 0.0, 1.0
            self.places = self.places[self.places > lowest(self.loss) + 0.01]

    def at(self, places):
        """Return gradient and second derivative along the line at some places."""
        p = self.begin + np.multiply.outer(places, self.direction)
        target = np.broadcast_to(self.target, (len(places), *np.shape(self.target)))
        options = {key: np.broadcast_to(x, (len(places),)) for key, x in self.options.items()}
        g, h = self.loss.grad_and_hess(p, target, reduction="none", **options)
        g, h = (x[0] if isinstance(x, tuple) else x for x in (g, h))
        return (g * self.direction).reshape(len(places), -1).sum(1), (h * self.direction).reshape(
            len(places), -1
        ).sum(1)


def jump(function, places):
    """Return the largest jump of a function: the change in an interval that is halved and halved.

    Intervals with the largest changes are looked at; where the function is continuous the change in
    them shrinks with the interval.
    """
    values = function(places)
    changes = abs(np.diff(values))
    found = 0.0
    for i in np.argsort(changes)[-6:]:
        low, high = places[i], places[i + 1]
        for _ in range(34):
            middle = (low + high) / 2
            a, b, c = function(np.array([low, middle, high]))
            low, high = (low, middle) if abs(b - a) >= abs(c - b) else (middle, high)
        ends = function(np.array([low, high]))
        found = max(found, abs(ends[1] - ends[0]) / max(1.0, *abs(ends)))
    return found


@pytest.mark.parametrize("name", LOSSES)
def test_smoothness_is_what_jumps_there_are(name):
    first = second = 0.0
    for variant in settings(name):
        for seed in range(8):
            path = Path(name, variant, seed)
            first = max(first, jump(lambda x: path.at(x)[0], path.places))  # noqa: B023
            second = max(second, jump(lambda x: path.at(x)[1], path.places))  # noqa: B023
    smoothness = 0 if first > 1e-4 else 1 if second > 1e-4 else 2
    assert smoothness == numloss.LOSSES[name].smoothness


def segments(name, variant, seed, count=3000):
    """Return values at two ends and the middle of random segments."""
    rng = np.random.default_rng(seed)
    loss = numloss.LOSSES[name]
    (a, target), (b, _) = drawn(variant, count, seed), drawn(variant, count, seed + 1)
    reach = 3 if lowest(loss) == -np.inf else 1
    a, b = a * rng.uniform(0, reach), b * rng.uniform(0, reach)
    options = needed(name, variant, (count,))
    ends = []
    for part in (0.0, 0.5, 1.0):
        heads = {
            key: x if part == 0 else (1 - part) * x + part * np.roll(x, 1)
            for key, x in options.items()
        }
        ends.append(loss((1 - part) * a + part * b, target, reduction="none", **heads))
    return ends


@pytest.mark.parametrize("name", LOSSES)
def test_convex_losses_lie_below_their_chords_and_others_do_not(name):
    above = 0.0
    for variant in settings(name):
        for seed in range(4):
            low, middle, high = segments(name, variant, 10 * seed)
            excess = middle - (low + high) / 2
            above = max(above, (excess / (1 + abs(low) + abs(high))).max())
    assert (above < 1e-12) == numloss.LOSSES[name].convex, above


def pull(name, variant, seed, reach):
    """Return the gradient's size where an example is missed by `reach`, in several directions.

    Over classes another class than the label gets so far ahead.
    """
    loss = numloss.LOSSES[name]
    prediction, target = drawn(variant, 200, seed)
    options = needed(name, variant, (200,))
    far = []
    if loss.rowwise:
        for c in range(CLASSES):
            rows = target != c if target.ndim == 1 else target[:, c] < 0.5
            moved = prediction[rows]
            moved[:, c] += reach
            far.append((moved, target[rows]))
    else:
        # Of a logarithm a rate is missed by so much.
        away = 2 * np.log1p(reach) if loss.link == "log" else reach
        for sign in (-1, 1):
            far.append((prediction + sign * away, target))
            if loss.domain not in ("signs", "unit interval"):
                far.append((prediction, target + sign * np.rint(reach)))
    found = []
    for p, t in far:
        try:
            g = loss.grad(p, t, reduction="none", **options)
        except numloss.Error:  # a target, or a prediction, that there is none of
            continue
        g = g[0] if isinstance(g, tuple) else g
        found.append(abs(g).max())
    assert found
    return max(found)


@pytest.mark.parametrize("name", LOSSES)
def test_influence_is_how_far_errors_pull(name):
    loss = numloss.LOSSES[name]
    of_labels = loss.rowwise or loss.domain in ("signs", "unit interval")
    reaches = (1.0, 20.0, 400.0) if of_labels else (1.0, 1e3, 1e6)
    near, middle, far = (
        max(pull(name, variant, 0, reach) for variant in settings(name)) for reach in reaches
    )
    if far > 1.1 * middle or far == np.inf:
        found = "unbounded"
    else:
        found = "redescending" if far < 0.01 * near else "bounded"
    assert found == loss.influence, (near, middle, far)


@pytest.mark.parametrize("name", [name for name in LOSSES if numloss.LOSSES[name].estimates])
def test_the_statistic_has_the_least_loss(name):
    """No score beside the link of the statistic has a lower mean loss."""
    loss, rng = numloss.LOSSES[name], np.random.default_rng(5)
    w = rng.uniform(0.5, 2, 301)
    for variant in settings(name):
        _, target = drawn(variant, 301)
        targets = np.asarray(target, float)
        if loss.rowwise and target.ndim == 1:
            targets = np.eye(CLASSES)[target]
        best = [statistic(name, targets, w) for name in np.ravel(loss.estimates)]
        heads = {} if isinstance(loss.estimates, str) else {"variance": best[1]}
        score = best[0] if heads else loss.link_function(best[0])

        def value(score, heads=heads, target=target):
            full = np.broadcast_to(score, (301, *np.shape(score)))
            wide = {key: np.full(301, x) for key, x in heads.items()}
            return float(loss(full, target, weight=w, **wide))

        least = value(score)
        for scale in (1e-3, 0.1, 1.0):
            for _ in range(20):
                other = score + scale * rng.normal(size=np.shape(score))
                moved = {key: x * np.exp(scale * rng.normal()) for key, x in heads.items()}
                assert value(other, moved) >= least - 1e-13 * (1 + abs(least))


def statistic(name, t, w):
    """Return a statistic of the targets by its definition."""
    mean = np.average(t, axis=0, weights=w)
    if name in ("mean", "variance"):
        return mean if name == "mean" else np.average((t - mean) ** 2, axis=0, weights=w)
    # The median, which is the quantile of the level by default, by trying every target.
    return t[int(np.argmin([(w * abs(t - c)).sum() for c in t]))]


@pytest.mark.parametrize("name", LOSSES)
def test_rows_have_the_hessian_of_a_softmax_where_it_is_said(name):
    """Differences of the gradient are a factor times diag(p) - p p' in every row, or are not."""
    loss = numloss.LOSSES[name]
    if not loss.rowwise:
        assert loss.softmax_hessian is False
        return
    worst = least = 0.0
    for variant in settings(name):
        prediction, target = drawn(variant, 40)
        p = np.exp(prediction) / np.exp(prediction).sum(1, keepdims=True)
        shape = p[:, :, None] * (np.eye(CLASSES) - p[:, None, :])
        step = 1e-5 * np.eye(CLASSES)
        columns = [
            (
                loss.grad(prediction + e, target, reduction="none")
                - loss.grad(prediction - e, target, reduction="none")
            )
            / 2e-5
            for e in step
        ]
        full = np.stack(columns, axis=-1)
        factor = full[:, 0, 0] / shape[:, 0, 0]
        worst = max(worst, abs(full - factor[:, None, None] * shape).max())
        least = abs(factor).min()
    # Where it is not said it may be so all the same, by default parameters alone.
    assert (worst < 1e-6 and least > 0.1) or not loss.softmax_hessian
    if loss.softmax_hessian is False and worst < 1e-6:
        with pytest.raises(numloss.Error, match="loss must"):
            numloss.softmax_hessian(loss, prediction, target)


# ------------------------------------------------------------------------------------ inverse links


def test_inverse_links_are_those_of_scipy():
    from scipy import special

    x = np.array([-800.0, -30.0, -1.5, 0.0, 0.25, 40.0, 800.0])
    rows = np.array([[0.0, 1.0, -np.inf], [700.0, 0.0, 710.0], [1e-3, 2e-3, 0.0]])
    with np.errstate(over="ignore"):
        rates = np.exp(x)
    by_link = {
        "identity": (x, x), "log": (x, rates), "sigmoid": (x, special.expit(x)),
        "softmax": (rows, special.softmax(rows, axis=1)),
    }  # fmt: skip
    for loss in numloss.LOSSES.values():
        if isinstance(loss.link, str):
            given, expected = by_link[loss.link]
            np.testing.assert_allclose(loss.inverse_link(given), expected, rtol=2e-15)
            assert loss.inverse_link(given.astype("f4")).dtype == np.float32
            assert loss.inverse_link(given[:1].astype("f2")).dtype == np.float16
    both = numloss.gaussian_nll.inverse_link([[3.0, 0.0], [-1.0, np.log(4.0)]])
    np.testing.assert_allclose(both, [[3, 1], [-1, 4]], rtol=1e-15)


@pytest.mark.parametrize("name", LOSSES)
def test_a_link_undoes_its_inverse(name):
    loss, rng = numloss.LOSSES[name], np.random.default_rng(1)
    heads = 1 if isinstance(loss.link, str) else len(loss.link)
    columns = CLASSES if loss.rowwise else heads
    scores = rng.normal(scale=2, size=(50, columns))
    found = loss.link_function(loss.inverse_link(scores))
    if loss.link == "softmax":
        found, scores = (x - x[:, :1] for x in (found, scores))
    np.testing.assert_allclose(found, scores, rtol=1e-12, atol=1e-12)


def test_classes_of_an_inverse_link_may_be_on_any_axis():
    x = np.random.default_rng(0).normal(size=(3, 5, 2))
    for axis in (0, 1, -3):
        p = numloss.cross_entropy.inverse_link(x, axis=axis)
        expected = numloss.cross_entropy.inverse_link(np.moveaxis(x, axis, -1))
        assert np.array_equal(np.moveaxis(p, axis, -1), expected)
        assert np.allclose(numloss.cross_entropy.link_function(p, axis=axis), np.log(p))


# --------------------------------------------------------------------------------------------- list


def test_the_list_has_every_loss_with_its_attributes():
    found = numloss.losses()
    assert [facts.name for facts in found] == EVERY
    for facts in found:
        loss = numloss.LOSSES[facts.name]
        assert (facts.family, facts.target, facts.classes) == (
            loss.family, loss.domain, loss.rowwise,
        )  # fmt: skip
        for fact in ("link", "convex", "smoothness", "influence", "estimates", "likelihood"):
            assert getattr(facts, fact) == getattr(loss, fact)
        declared = inspect.signature(loss.__wrapped__).parameters
        for option, default in facts.options.items():
            assert declared[option].default is default
        assert set(declared) - set(facts.options) <= {
            "prediction", "target", "variance", "call", "return_logsumexp", "return_predicted",
        } | {name for name, p in declared.items() if p.default is p.empty}  # fmt: skip


def test_the_list_is_filtered_by_facts():
    assert numloss.losses(family="binary") == [x for x in numloss.losses() if x.family == "binary"]
    robust = numloss.losses(target="real", convex=True, smoothness=1, influence="bounded")
    assert "huber" in [x.name for x in robust]
    assert all(x.convex and x.smoothness >= 1 for x in robust)
    assert "mse" not in [x.name for x in robust]
    assert "gaussian_nll" in [x.name for x in numloss.losses(link="log")]
    assert {x.classes for x in numloss.losses(classes=False)} == {False}
    assert "mse" in [x.name for x in numloss.losses(estimates="mean")]
    assert len(numloss.losses(convex=True)) + len(numloss.losses(convex=False)) == len(EVERY)


def test_the_list_prints_and_becomes_a_data_frame():
    pandas = pytest.importorskip("pandas")
    found = numloss.losses(target="signs")
    lines = str(found).splitlines()
    assert lines[0].split()[:4] == ["loss", "family", "target", "link"]
    (line,) = [line for line in lines if line.startswith("hinge ")]
    family = numloss.hinge.family
    assert line.split()[1:] == [family, "signs", "identity", "yes", SMOOTHNESS[0], "bounded"]
    assert len(lines) == 1 + len(found)
    page = found._repr_html_()
    assert page.count("<tr>") == 1 + len(found)
    assert "<td>hinge</td>" in page
    frame = pandas.DataFrame(found.to_dicts())
    assert list(frame.columns) == [field.name for field in dataclasses.fields(Facts)]
    assert list(frame.name) == [facts.name for facts in found]
