"""Losses of thresholds and of members: what they are to other losses, and at their limits."""

import numpy as np
import pytest
from cases import assert_same, per_example

import numloss

INF = np.inf
RNG = np.random.default_rng(3)
LINKS = ("logit", "probit", "cloglog")


def test_thresholds_are_binary_cross_entropies():
    x, y = RNG.normal(scale=2, size=(50, 4)), RNG.integers(0, 5, 50)
    above = y[:, None] > np.arange(4)
    binary = numloss.binary_cross_entropy(x, above, reduction="none")
    np.testing.assert_allclose(numloss.coral(x, y, reduction="none"), binary.sum(1), rtol=1e-14)
    reached = y[:, None] >= np.arange(4)
    found = numloss.corn(x, y, reduction="none")
    np.testing.assert_allclose(found, (reached * binary).sum(1), rtol=1e-14)
    # Of two classes all of them are one.
    one = y.clip(0, 1)
    for loss, sign in ((numloss.coral, 1), (numloss.corn, 1), (numloss.cumulative_link, -1)):
        np.testing.assert_allclose(
            loss(sign * x[:, :1], one, reduction="none"),
            numloss.binary_cross_entropy(x[:, 0], one, reduction="none"),
            rtol=1e-14,
        )


def test_conditional_probabilities_are_those_of_the_classes():
    x = RNG.normal(size=(6, 4))
    costs = [numloss.corn(x, np.full(6, k), reduction="none") for k in range(5)]
    assert np.exp(-np.array(costs)).sum(axis=0) == pytest.approx(np.ones(6), abs=1e-14)


@pytest.mark.parametrize("link", LINKS)
def test_chances_of_all_classes_add_up(link):
    x = np.sort(RNG.normal(scale=2, size=(60, 4)), axis=1)
    costs = [numloss.cumulative_link(x, np.full(60, k), link=link, reduction="none")
             for k in range(5)]  # fmt: skip
    assert np.exp(-np.array(costs)).sum(axis=0) == pytest.approx(np.ones(60), abs=1e-13)


@pytest.mark.parametrize("link", LINKS)
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_a_class_without_a_chance_costs_infinity(link, dtype):
    for row in ([2.0, 1.0, 3.0], [1.0, 1.0, 3.0], [-INF, -INF, 0.0], [INF, INF, INF]):
        value, gradient, hessian = per_example(
            numloss.cumulative_link, np.array([row], dtype), [1], link=link
        )
        assert value.tolist() == [INF]
        assert gradient.tolist() == [[INF, -INF, 0.0]]
        assert hessian.tolist() == [[INF, INF, 0.0]]


@pytest.mark.parametrize("link", LINKS)
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_thresholds_may_be_infinitely_far(link, dtype):
    rows = np.array([[-INF, 0.0, INF]] * 4, dtype)
    found = per_example(numloss.cumulative_link, rows, [0, 1, 2, 3], link=link)
    assert found[0].tolist()[::3] == [INF, INF]
    plain = per_example(numloss.cumulative_link, np.zeros((2, 1), dtype), [0, 1], link=link)
    assert_same([found[0][1:3]], [plain[0]])
    assert np.isfinite(found[0][1:3]).all()
    assert not np.isnan(found[1]).any()
    assert not np.isnan(found[2]).any()


@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_far_normal_thresholds_keep_their_digits(dtype):
    """-log F(x) is x²/2 + log(-x) + log(2 pi)/2; its slopes x + 1/x and 1 - 1/x² + 6/x⁴."""
    x = np.array([[-1e4], [-1e6], [-1e15]], dtype)
    value, gradient, hessian = per_example(numloss.cumulative_link, x, [0, 0, 0], link="probit")
    wide, eps = x.astype("f8")[:, 0], np.finfo(dtype).eps
    expected = wide**2 / 2 + np.log(-wide) + np.log(2 * np.pi) / 2
    np.testing.assert_allclose(value, expected, rtol=1e-7 if dtype == "f4" else 1e-15)
    np.testing.assert_allclose(gradient[:, 0], wide - 1 / -wide, rtol=2 * eps)
    np.testing.assert_allclose(hessian[:, 0], 1 - 1 / wide**2 + 6 / wide**4, rtol=2 * eps)


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("members", [1, 2, 3, 9, 16, 257, 1000])
def test_ensembles_are_scored_as_the_definition_says(members, dtype):
    x = RNG.normal(size=(20, members)).round(1).astype(dtype)
    y = RNG.normal(size=20).round(1).astype(dtype)
    wide = x.astype("f8")
    apart = np.abs(wide[:, :, None] - wide[:, None, :]).sum((1, 2))
    error = np.abs(wide - y[:, None].astype("f8"))
    signs = np.sign(wide[:, :, None] - wide[:, None, :]).sum(2)
    for fair in (False, True):
        pairs = members * max(members - 1, 1) if fair else members**2
        value, gradient, hessian = per_example(numloss.crps_ensemble, x, y, fair=fair)
        tolerance = 64 * np.finfo(dtype).eps
        expected = error.mean(1) - apart / (2 * pairs)
        np.testing.assert_allclose(value, expected, rtol=tolerance, atol=tolerance)
        slopes = np.sign(wide - y[:, None].astype("f8")) / members - signs / pairs
        np.testing.assert_allclose(gradient, slopes, rtol=tolerance, atol=tolerance / members)
        assert not hessian.any()


def test_quantiles_of_the_middles_are_scored_as_an_ensemble():
    x, y = np.sort(RNG.normal(size=(30, 7)), axis=1), RNG.normal(size=30)
    found = numloss.crps_quantile(x, y, reduction="none")
    np.testing.assert_allclose(found, numloss.crps_ensemble(x, y, reduction="none"), rtol=1e-13)
    q = np.linspace(0.1, 0.7, 7)
    pinball = numloss.quantile(x, np.repeat(y[:, None], 7, axis=1), q, reduction="none")
    found = numloss.crps_quantile(x, y, levels=q, reduction="none")
    np.testing.assert_allclose(found, 2 * pinball.mean(1), rtol=1e-13)


def test_infinite_members_and_outcomes():
    def scored(x, y, **options):
        return float(numloss.crps_ensemble([x], [y], **options))

    assert scored([0.0, INF], 1.0) == INF
    assert scored([0.0, 1.0], -INF) == INF
    assert scored([INF, INF], INF) == 0
    # Each member pulls as much on the other as away from what came true: the limit is finite.
    assert scored([0.0, INF], 1.0, fair=True) == scored([0.0, 1e9], 1.0, fair=True)
    slopes = numloss.crps_ensemble.grad([[-INF, 0.0, INF]], [1.0], reduction="none")
    assert_same([slopes], [numloss.crps_ensemble.grad([[-9.0, 0.0, 9.0]], [1.0], reduction="none")])


def test_one_number_may_be_meant_for_all_rows():
    x = RNG.normal(size=(4, 3, 5)).astype("f4")
    for loss in (numloss.crps_ensemble, numloss.crps_quantile):
        full = np.full((4, 5), 0.3, "f4")
        found = per_example(loss, x, 0.3, axis=1)
        assert_same(found, per_example(loss, x, full, axis=1))
        assert found[0].dtype == np.float32
        assert loss.grad(x, full.astype("f8"), axis=1).dtype == np.float64
