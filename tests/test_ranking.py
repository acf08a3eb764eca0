"""Lists of different lengths along one axis: the same as each list by itself."""

import numpy as np
import pytest
from cases import assert_same
from scipy.optimize import minimize

import numloss

LOSSES = [numloss.pairwise_logistic, numloss.lambdarank, numloss.softmax_ranking, numloss.list_mle]
SIZES = [3, 1, 7, 2, 64, 65, 1, 130]
every_loss = pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.__name__)


def draw(dtype="float64", sizes=SIZES):
    rng = np.random.default_rng(0)
    return rng.normal(size=sum(sizes)).astype(dtype), rng.integers(4, size=sum(sizes))


def parts(array):
    return np.split(array, np.cumsum(SIZES)[:-1])


@every_loss
@pytest.mark.parametrize("dtype", ["float64", "float32", "float16"])
def test_lists_of_any_length_are_what_each_is_as_a_row(loss, dtype):
    scores, relevances = draw(dtype)
    value = loss(scores, relevances, groups=SIZES, reduction="none")
    gradient, hessian = loss.grad_and_hess(scores, relevances, groups=SIZES, reduction="none")
    for i, (s, t) in enumerate(zip(parts(scores), parts(relevances), strict=True)):
        assert_same([value[i]], [loss(s, t, reduction="none")])
        expected = loss.grad_and_hess(s, t, reduction="none")
        assert_same([parts(gradient)[i], parts(hessian)[i]], expected)


@every_loss
def test_means_and_weights_are_of_lists(loss):
    scores, relevances = draw()
    each = loss(scores, relevances, groups=SIZES, reduction="none")
    slopes = loss.grad(scores, relevances, groups=SIZES, reduction="none")
    weight = np.arange(len(SIZES)) % 3
    value, gradient = loss.value_and_grad(scores, relevances, groups=SIZES, weight=weight)
    assert value == pytest.approx(np.average(each, weights=weight), rel=1e-14)
    factor = np.repeat(weight / weight.sum(), SIZES)
    assert gradient == pytest.approx(factor * slopes, rel=1e-14, abs=1e-18)
    assert loss(scores, relevances, groups=SIZES) == pytest.approx(each.mean(), rel=1e-14)


@every_loss
def test_the_gradient_takes_the_place_of_the_scores_in_any_layout_and_on_any_threads(loss):
    sizes = SIZES * 60
    scores, relevances = draw(sizes=sizes)
    expected = loss.value_and_grad(scores, relevances, groups=sizes)
    wide = np.zeros((scores.size, 3))
    for count in (1, 2, 5):
        with numloss.threads(count):
            wide[:, 1] = scores
            value, gradient = loss.value_and_grad(
                wide[:, 1], relevances[::-1][::-1], groups=np.array(sizes), out=wide[:, 1]
            )
        assert np.shares_memory(gradient, wide)
        assert_same([value, gradient], expected)
        assert not wide[:, [0, 2]].any()


@every_loss
def test_lists_without_weight_may_hold_anything(loss):
    scores, relevances = [1.0, np.nan, 0.5, 2.0], [1.0, -1.0, 1.0, 0.0]
    value, gradient = loss.value_and_grad(scores, relevances, groups=[2, 2], weight=[0, 1])
    assert value == loss(scores[2:], relevances[2:])
    assert gradient[:2].tolist() == [0, 0]


@every_loss
def test_a_nan_is_that_of_its_list(loss):
    scores, relevances = [1.0, np.nan, 0.5, 2.0], [1.0, 2.0, 1.0, 0.0]
    value = loss(scores, relevances, groups=[2, 2], reduction="none")
    gradient, hessian = loss.grad_and_hess(scores, relevances, groups=[2, 2], reduction="none")
    for found in (value, gradient[1:3], hessian[1:3]):
        assert np.isnan(found).tolist() == [True, False]
    assert np.isnan(loss([1.0, 2.0], [1.0, np.nan]))


@every_loss
def test_a_list_of_one_item_costs_nothing(loss):
    value, gradient = loss.value_and_grad([[0.5], [3.0]], [[2.0], [0.0]], reduction="none")
    assert value.tolist() == [0, 0]
    assert gradient.tolist() == [[0], [0]]
    assert np.isnan(loss(np.empty((0, 3)), np.empty((0, 3)), reduction="sum")) == np.False_


@pytest.mark.parametrize("loss", LOSSES[:2], ids=lambda loss: loss.__name__)
def test_equal_relevances_make_no_pair(loss):
    value, gradient = loss.value_and_grad([3.0, 1.0, 2.0], [2, 2, 2])
    assert value == 0
    assert gradient.tolist() == [0, 0, 0]
    assert loss([3.0, 1.0, 2.0], [0, 0, 0]) == 0


def test_lambdas_are_the_pairs_times_the_change_of_the_dcg():
    scores, relevances = np.array([0.5, 2.0, 1.0, -1.0]), np.array([2, 0, 1, 3])
    ranks = np.argsort(np.argsort(-scores))
    gain, discount = 2.0**relevances - 1, 1 / np.log2(ranks + 2)
    best = np.sort(gain)[::-1] @ (1 / np.log2(np.arange(4) + 2))
    gradient = np.zeros(4)
    for i in range(4):
        for j in range(4):
            if relevances[i] > relevances[j]:
                change = abs((gain[i] - gain[j]) * (discount[i] - discount[j])) / best
                slope = change / (1 + np.exp(scores[i] - scores[j]))
                gradient += slope * ((np.arange(4) == j) * 1.0 - (np.arange(4) == i))
    assert numloss.lambdarank.grad(scores, relevances) == pytest.approx(gradient, rel=1e-14)


def test_places_beyond_k_count_only_where_they_are_exchanged_with_those_before():
    scores, relevances = [4.0, 3.0, 2.0, 1.0], [0.0, 0.0, 1.0, 2.0]
    gradient = numloss.lambdarank.grad(scores, relevances, k=1)
    assert gradient[1] == 0  # pairs with places 2 and 3, of which none is the first
    assert gradient[0] > 0


@every_loss
def test_a_linear_model_is_fitted_to_lists(loss):
    rng = np.random.default_rng(0)
    X, sizes = rng.normal(size=(60, 3)), [20, 25, 15]
    relevances = (X[:, 0] > 0.5) + (X[:, 0] > 1.0)
    objective = numloss.Objective(loss, X, relevances, groups=sizes)
    found = minimize(objective, objective.start(), jac=True, options={"maxiter": 20})
    assert abs(found.x[0]) > 2 * abs(found.x[1:]).max()
    assert objective.predict(found.x, X).shape == (60,)
    with pytest.raises(numloss.Error, match="equal scores put no list in order"):
        numloss.best_constant(loss, relevances)


def test_sizes_of_groups_are_made_of_ids():
    assert numloss.group_sizes([7, 7, 3, 3, 3, 9]).tolist() == [2, 3, 1]
    assert numloss.group_sizes([]).tolist() == []
    with pytest.raises(numloss.Error, match=r"side by side.*again at index 3"):
        numloss.group_sizes([7, 7, 3, 7])
    with pytest.raises(numloss.Error, match="one axis"):
        numloss.group_sizes([[7, 7]])


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        ([2, 1], "groups must have the sum 4, the number of scores, got 3"),
        ([2, 3], r"groups must hold whole numbers .* the number of scores, 4, got 3 at index 1"),
        ([4, 0], r"whole numbers of at least 1 .* got 0 at index 1"),
        ([2.5, 1.5], r"got 2.5 at index 0"),
        ([[2, 2]], r"groups must have one axis, with the size of each list, got shape \(1, 2\)"),
        ([-1, 5], r"got -1 at index 0"),
    ],
)
def test_groups_that_do_not_fit_are_refused(groups, message):
    with pytest.raises(numloss.Error, match=message):
        numloss.list_mle([1.0, 2.0, 3.0, 4.0], [0, 1, 2, 3], groups=groups)


def test_what_else_does_not_fit_is_refused():
    with pytest.raises(numloss.Error, match=r"divides a prediction of one axis.*shape \(2, 2\)"):
        numloss.list_mle(np.ones((2, 2)), np.ones((2, 2)), groups=[2, 2])
    with pytest.raises(numloss.Error, match=r"weight must be .* examples, \(2,\)"):
        numloss.list_mle(np.ones(4), np.ones(4), groups=[2, 2], weight=np.ones(4))
    with pytest.raises(numloss.Error, match=r"target must be at least 0, got -1 at index 2"):
        numloss.lambdarank(np.ones(4), [0, 1, -1, 2], groups=[2, 2])
    with pytest.raises(numloss.Error, match="k must be a whole number of at least 1, got 0"):
        numloss.lambdarank(np.ones(4), np.ones(4), k=0)
    with pytest.raises(numloss.Error, match=r"k must be a whole number of at least 1, got 2\.5"):
        numloss.lambdarank(np.ones(4), np.ones(4), k=2.5)
