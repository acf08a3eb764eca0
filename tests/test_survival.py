"""Censored times: bounds and events beside the target, element by element and item by item."""

import capi
import mpmath
import numpy as np
import pytest
from cases import assert_same
from cases.arithmetic import derivatives
from cases.survival import aft as defined_aft
from cases.survival import cox as defined_cox
from scipy import stats
from scipy.optimize import minimize

import numloss

INF = np.inf
NAMES = ["normal", "logistic", "extreme"]
TIES = ["breslow", "efron"]
SIZES = [3, 1, 7, 2, 40, 5, 1, 30]
every_distribution = pytest.mark.parametrize("distribution", NAMES)
every_tie = pytest.mark.parametrize("ties", TIES)
both_floats = pytest.mark.parametrize("dtype", ["float64", "float32"])


# ------------------------------------------------------------------------ accelerated failure time

#: Lower and upper bounds: events, right-, left-censored, between bounds far apart and close.
KINDS = [(2.5, 2.5), (2.5, INF), (0.0, 2.5), (0.25, 8.0), (2.5, 2.5 + 2.0**-12), (0.0, INF)]


def bounds(n, rng):
    """Draw bounds of every kind; return them, and predictions."""
    kind = np.arange(n) % 4
    lower = np.exp(rng.normal(size=n)).astype("f4").astype(float)
    upper = np.choose(kind, [lower, INF, lower, lower + rng.integers(1, 4, n)])
    return rng.normal(size=n), np.where(kind == 2, 0.0, lower), upper


def exactly(prediction, lower, upper, **options):
    """Return the value of one time with its derivatives, of hundreds of digits."""
    p, t = (np.array([mpmath.mpf(float(x))], dtype=object) for x in (prediction, lower))
    bound = None if lower == upper else np.array([mpmath.mpf(float(upper))], dtype=object)

    def value(p):
        return defined_aft(p, t, bound, **options)

    if lower == 0 and upper == INF:
        return [0.0] * 3
    return [float(x[0]) for x in (value(p), *derivatives(value, p, mpmath.mpf(10) ** -30, False))]


@both_floats
@every_distribution
@pytest.mark.parametrize("scale", [1.0, 0.25])
def test_every_kind_of_time_is_exact_far_into_the_tails(distribution, scale, dtype):
    options = {"distribution": distribution, "scale": scale}
    far = [-60.0, -12.0, -2.0, 0.5, 4.0, 20.0] if distribution != "extreme" else [-15.0, 0.5, 20.0]
    cases = [(p, *kind) for p in far for kind in KINDS]
    p, lower, upper = np.array(cases, dtype=dtype).T
    found = (
        numloss.aft(p, lower, upper, reduction="none", **options),
        *numloss.aft.grad_and_hess(p, lower, upper, reduction="none", **options),
    )
    with mpmath.workdps(150):
        expected = np.array([exactly(*case, **options) for case in cases]).T
    # What the prediction and the scale make of an error of the logarithm, exponentials magnify.
    z = (abs(p) + 3) / scale
    off = {"normal": z**2, "logistic": z, "extreme": np.minimum(z, 80) + z}[distribution]
    tiny, largest = np.finfo(dtype).tiny, np.finfo(dtype).max
    for actual, wanted in zip(found, expected, strict=True):
        assert actual.dtype == dtype
        beyond = abs(wanted) > largest
        assert np.array_equal(actual[beyond], np.sign(wanted[beyond]) * INF)
        error = abs(actual - wanted)[~beyond]
        # A slope near 0 is a difference.
        size = (8 + 4 * off) * abs(wanted) + 4 * (abs(wanted) < 1)
        assert (error <= (np.finfo(dtype).eps * size + tiny)[~beyond]).all()


@both_floats
@pytest.mark.parametrize("distribution", NAMES[:2])
@pytest.mark.parametrize("prediction", [-1e4, 1e4])
def test_predictions_of_ten_thousand(distribution, prediction, dtype):
    kinds = KINDS[:-1]
    lower, upper = np.array(kinds, dtype=dtype).T
    p = np.full(len(kinds), prediction, dtype)
    call = {"distribution": distribution, "reduction": "none"}
    value = numloss.aft(p, lower, upper, **call)
    gradient, hessian = numloss.aft.grad_and_hess(p, lower, upper, **call)
    assert np.isfinite(value).all() & np.isfinite(gradient).all()
    # The nearer bound alone counts, and what has a bound on the other side alone costs nothing.
    near = np.where(p < 0, lower, upper)
    free = (near == 0) | (near == INF)
    z = np.where(free, 0, np.log(np.where(free, 1, near).astype(float)) - p)
    slope = -z if distribution == "normal" else -np.sign(z)
    np.testing.assert_allclose(gradient, slope, rtol=1e-3 if distribution == "logistic" else 1e-6)
    if distribution == "normal":
        np.testing.assert_allclose(hessian, np.where(free, 0, 1), rtol=1e-6)
    else:
        assert (abs(hessian) < 1e-6).all()


@every_distribution
def test_values_are_those_of_scipy(distribution):
    p, lower, upper = bounds(200, np.random.default_rng(0))
    scale = 0.75
    noises = {"normal": stats.norm, "logistic": stats.logistic, "extreme": stats.gumbel_l}
    noise = noises[distribution]
    with np.errstate(divide="ignore"):
        a, b = ((np.log(x) - p) / scale for x in (lower, upper))
    chance = np.where(upper < INF, noise.cdf(b) - noise.cdf(a), noise.sf(a))
    density = noise.pdf(a) / (scale * np.where(lower > 0, lower, 1))
    likelihood = np.where(lower == upper, density, chance)
    kept = likelihood > 1e-6  # elsewhere differences of chances have lost their digits
    assert kept.mean() > 0.9
    found = numloss.aft(p, lower, upper, distribution=distribution, scale=scale, reduction="none")
    np.testing.assert_allclose(np.exp(-found[kept]), likelihood[kept], rtol=1e-9)
    times = {
        "normal": stats.lognorm(scale, scale=np.exp(p)),
        "logistic": stats.fisk(1 / scale, scale=np.exp(p)),
        "extreme": stats.weibull_min(1 / scale, scale=np.exp(p)),
    }[distribution]
    events = numloss.aft(p, lower + 1, distribution=distribution, scale=scale, reduction="none")
    np.testing.assert_allclose(events, -times.logpdf(lower + 1), rtol=1e-12)


def test_bounds_are_read_wherever_they_lie():
    rng = np.random.default_rng(1)
    p, lower, upper = (x.reshape(30, 40) for x in bounds(1200, rng))
    expected = numloss.aft.value_and_grad(p, lower, upper)
    wide = np.zeros((40, 3, 30))
    wide[:, 1] = upper.T
    for other in (np.asfortranarray(upper), wide[:, 1].T, upper.astype(">f8"), upper[::-1][::-1]):
        for count in (1, 3):
            with numloss.threads(count):
                assert_same(numloss.aft.value_and_grad(p, lower, other), expected)
    narrow = numloss.aft(p.astype("f4"), lower.astype("f4"), upper.astype("f4"), reduction="none")
    assert narrow.dtype == "float32"
    place = p.copy()
    assert_same(numloss.aft.value_and_grad(place, lower, upper, out=place), expected)
    two, three = np.full(p.shape, 2.0), np.full(p.shape, 3.0)
    assert_same([numloss.aft(p, 2.0, 3)], [numloss.aft(p, two, three)])
    assert_same([numloss.aft(p, 2, None)], [numloss.aft(p, two)])
    assert_same(
        capi.call(numloss.aft, "value_and_grad", p, lower, upper, distribution="extreme"),
        numloss.aft.value_and_grad(p, lower, upper, distribution="extreme"),
    )
    assert_same(capi.call(numloss.aft, "__call__", p, lower + 1), [numloss.aft(p, lower + 1)])


P4 = [0.0, 1.0, 2.0, 3.0]


@pytest.mark.parametrize(
    ("lower", "upper", "message"),
    [
        ([1, 5, 2, 1], [1, 3, 2, 1], r"upper must be at least the target, 5, got 3 at index 1"),
        ([1, -2, 2, 1], [1, 3, 2, 1], r"target must be at least 0, got -2 at index 1"),
        ([1, 0, 0, 1], [1, 3, 0, 1], r"upper must be above 0, got 0 at index 2"),
        ([1, 2, 0, 1], None, r"target must be above 0, got 0 at index 2"),
        ([1, 2, 4, 1], 3.0, r"upper must be at least the target, 4, got 3.0 at index 2"),
        ([1, 2, 4, 1], [1, 2], r"upper must be a number, or have the shape .* \(4,\), got \(2,\)"),
        ([1, 2, 4, 1], [[1, 2]], r"upper must be a number, or have the shape"),
    ],
)
def test_bounds_that_do_not_fit_are_refused(lower, upper, message):
    with pytest.raises(numloss.Error, match=message):
        numloss.aft(P4, lower, upper)
    with pytest.raises(numloss.Error, match=message):
        numloss.aft.grad(np.array(P4, "f4"), lower, upper)


def test_times_without_weight_may_have_any_bounds_and_a_nan_stays_where_it_is():
    lower, upper = [1.0, 5.0, -2.0, 1.0], [1.0, 3.0, 0.0, INF]
    value, gradient = numloss.aft.value_and_grad(P4, lower, upper, weight=[1, 0, 0, 1])
    assert value == numloss.aft([0.0, 3.0], [1.0, 1.0], [1.0, INF])
    assert gradient[1:3].tolist() == [0, 0]
    for bounds in ([1.0, 1.0, np.nan, 0.0], [1.0, INF, 3.0, 4.0]), ([1.0] * 4, [1, INF, np.nan, 4]):
        found = numloss.aft(P4, *bounds, reduction="none")
        assert np.isnan(found).tolist() == [False, False, True, False]


def test_the_best_constant_of_censored_times():
    rng = np.random.default_rng(2)
    _, lower, upper = bounds(400, rng)
    for distribution in NAMES:
        options = {"upper": upper, "distribution": distribution, "scale": 0.5}
        found = numloss.best_constant("aft", lower, **options)
        slope = numloss.aft.grad(np.full(400, found), lower, reduction="sum", **options).sum()
        assert abs(slope) < 1e-8
    assert numloss.best_constant("aft", [1.0, 4.0]) == pytest.approx(np.log(2.0))


def test_a_linear_model_finds_the_times_that_are_censored():
    rng = np.random.default_rng(3)
    X = rng.normal(size=(800, 2))
    times = np.exp(1 + X @ [0.5, -1.0] + 0.5 * rng.normal(size=800))
    limit = rng.uniform(0, 6, 800)
    lower, upper = np.minimum(times, limit), np.where(times < limit, times, INF)
    objective = numloss.Objective("aft", X, lower, upper=upper, scale=0.5)
    found = minimize(objective, objective.start(), jac=True).x
    np.testing.assert_allclose(found, [0.5, -1.0, 1.0], atol=0.1)
    np.testing.assert_allclose(objective.predict(found, X), np.exp(X @ found[:2] + found[2]))


# ------------------------------------------------------------------------------ partial likelihood


def draw(n=60, dtype="float64", seed=0):
    """Draw scores, times with ties, and events."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=n).astype(dtype), rng.integers(1, n // 3 + 2, n), rng.random(n) < 0.6


def defined(scores, times, event, ties):
    """Return value, gradient and Hessian of the definition."""
    s = np.frompyfunc(mpmath.mpf, 1, 1)(np.asarray(scores, float))[None]

    def value(s):
        return defined_cox(s, np.asarray(times)[None], np.asarray(event)[None], ties)

    with mpmath.workdps(450):
        results = (value(s), *derivatives(value, s, mpmath.mpf(10) ** -30, True))
        return [x.astype(np.longdouble)[0] for x in results]


def assert_close(found, expected, dtype="float64", ulps=32):
    for actual, wanted in zip(found, expected, strict=True):
        scale = max(1e-300, float(abs(wanted).max()))
        assert abs(actual - wanted).max() <= ulps * np.finfo(dtype).eps * scale


@both_floats
@every_tie
@pytest.mark.parametrize("spread", [1.0, 1e4])
def test_events_and_ties_are_those_of_the_definition(ties, spread, dtype):
    scores, times, event = draw(18, dtype)
    scores *= spread
    times[:6] = 3  # many at once, the others' among them
    call = {"ties": ties, "reduction": "sum"}
    found = (
        numloss.cox(scores, times, event, **call),
        *numloss.cox.grad_and_hess(scores, times, event, **call),
    )
    expected = defined(scores, times, event, ties)
    assert_close(found, expected, dtype)
    # As numbers, as a list, of any layout.
    wide = np.zeros((18, 2), int)
    wide[:, 0] = event
    for other in (event.astype("i1"), event.astype(dtype), event.tolist(), wide[:, 0]):
        assert_same(numloss.cox.value_and_grad(scores, times, other, **call), found[:2])


@every_tie
def test_gradients_add_up_to_nothing_and_a_constant_changes_nothing(ties):
    scores, times, event = draw(3000)
    value, gradient = numloss.cox.value_and_grad(scores, times, event, ties=ties)
    assert abs(gradient.sum()) < 1e-9
    assert numloss.cox(scores + 512.0, times, event, ties=ties) == pytest.approx(value, rel=1e-13)


def test_without_ties_both_ways_are_one():
    scores, _, event = draw(200)
    times = np.random.default_rng(1).permutation(200)
    found = [
        (numloss.cox(scores, times, event, ties=ties),
         *numloss.cox.grad_and_hess(scores, times, event, ties=ties))
        for ties in TIES
    ]  # fmt: skip
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-13)


@every_tie
@both_floats
def test_strata_are_what_each_is_as_a_row(ties, dtype):
    scores, times, event = draw(sum(SIZES), dtype)
    call = {"groups": SIZES, "ties": ties, "reduction": "none"}
    value = numloss.cox(scores, times, event, **call)
    gradient, hessian = numloss.cox.grad_and_hess(scores, times, event, **call)
    ends = np.cumsum(SIZES)
    for i, (begin, end) in enumerate(zip(ends - SIZES, ends, strict=True)):
        part = slice(begin, end)
        row = scores[part], times[part], event[part]
        assert_same([value[i]], [numloss.cox(*row, ties=ties, reduction="none")])
        expected = numloss.cox.grad_and_hess(*row, ties=ties, reduction="none")
        assert_same([gradient[part], hessian[part]], expected)
    for count in (1, 3):
        with numloss.threads(count):
            assert_same([numloss.cox(scores, times, event, **call)], [value])
    assert_same(
        [numloss.cox(scores, times, True, groups=SIZES)], [numloss.cox(scores, times, groups=SIZES)]
    )


def test_rows_along_another_axis_have_events_along_it():
    scores, times, event = (x.reshape(4, 15) for x in draw(60))
    expected = numloss.cox.value_and_grad(scores, times, event)
    value, gradient = numloss.cox.value_and_grad(scores.T, times.T, event.T, axis=0)
    assert_same([value, gradient.T], expected)
    assert_same(capi.call(numloss.cox, "value_and_grad", scores, times, event), expected)
    assert_same(
        capi.call(numloss.cox, "value_and_grad", scores, times, ties="efron"),
        numloss.cox.value_and_grad(scores, times, ties="efron"),
    )


@every_tie
def test_what_tells_nothing_costs_nothing(ties):
    for scores, times, event in (
        ([1.0, 2.0, 3.0], [1, 2, 3], False),
        ([1.0, 2.0, 3.0], [1, 2, 3], [0, 0, 1]),
        ([5.0], [2.0], None),
    ):
        value, gradient = numloss.cox.value_and_grad(scores, times, event, ties=ties)
        assert value == 0
        assert gradient.tolist() == [0] * len(scores)
        hessian = numloss.cox.grad_and_hess(scores, times, event, ties=ties)[1]
        assert hessian.tolist() == [0] * len(scores)


def test_all_at_one_time_and_at_none():
    scores = np.array([0.0, 1.0, -2.0])
    total = np.log(np.exp(scores).sum())
    found = numloss.cox(scores, [2, 2, 2], reduction="sum")
    assert found == pytest.approx(3 * total - scores.sum(), rel=1e-15)
    assert found == numloss.cox(scores, [INF, INF, INF], reduction="sum")
    last = numloss.cox(scores, [1.0, INF, 2.0], [True, False, True], reduction="sum")
    assert last == numloss.cox(scores, [1.0, 3.0, 2.0], [1, 0, 1], reduction="sum")


@every_tie
def test_scores_without_end(ties):
    # An item that cannot have the event is as one that is not there.
    found = numloss.cox.value_and_grad([0.5, -INF, 1.0], [1, 2, 3], [1, 0, 1], ties=ties)
    value, gradient = numloss.cox.value_and_grad([0.5, 1.0], [1, 3], ties=ties)
    assert_same(found, [value, np.insert(gradient, 1, 0)])
    assert numloss.cox([0.5, -INF, 1.0], [1, 2, 3], ties=ties) == INF
    assert np.isnan(numloss.cox([0.5, -INF], [1, 2], ties=ties))
    value, gradient = numloss.cox.value_and_grad([INF, 0.0, 1.0], [1, 2, 3], ties=ties)
    assert value == numloss.cox([0.0, 1.0], [2, 3], ties=ties)
    assert gradient[0] == 0


def test_what_does_not_fit_is_refused():
    scores, times = np.zeros(4), [1.0, 2.0, 3.0, 4.0]
    for event, message in (
        ([0, 1, 2, 1], r"event must be 0 or 1 \(or bool\), got 2 at index 2"),
        (0.5, r"event must be 0 or 1 \(or bool\), got 0.5"),
        ([True], r"event must be a number, or have the shape .*, \(4,\), got \(1,\)"),
    ):
        with pytest.raises(numloss.Error, match=message):
            numloss.cox(scores, times, event)
        with pytest.raises(numloss.Error, match=message):
            numloss.cox.grad(scores, times, event, groups=[2, 2])
    # As XGBoost has those that are censored.
    with pytest.raises(numloss.Error, match=r"target must be at least 0, got -3.0 at index 2"):
        numloss.cox(scores, [1.0, 2.0, -3.0, 4.0])
    with pytest.raises(numloss.Error, match="what all scores have in common does not count"):
        numloss.best_constant("cox", times)
    # Strata without weight may hold anything.
    value, gradient = numloss.cox.value_and_grad(
        scores, [-1.0, 2.0, 3.0, 4.0], [7, 1, 1, 1], groups=[2, 2], weight=[0, 1]
    )
    assert value == numloss.cox(scores[:2], times[:2])
    assert gradient[:2].tolist() == [0, 0]


@every_tie
def test_a_nan_is_that_of_its_stratum(ties):
    call = {"groups": [2, 2], "ties": ties, "reduction": "none"}
    clean = [0.5, 2.0, 1.0, 3.0], [1.0, 2.0, 1.0, 0.0], [1.0, 0.0, 1.0, 1.0]
    for place in range(3):
        arrays = np.array(clean)
        arrays[place, 2] = np.nan
        assert np.isnan(numloss.cox(*arrays, **call)).tolist() == [False, True]
        for found in numloss.cox.grad_and_hess(*arrays, **call):
            assert np.isnan(found).tolist() == [False, False, True, True]


@every_tie
def test_values_and_estimates_are_those_of_statsmodels(ties):
    duration = pytest.importorskip("statsmodels.duration.hazard_regression")
    rng = np.random.default_rng(4)
    X, strata = rng.normal(size=(150, 2)), np.sort(rng.integers(0, 3, 150))
    times = np.ceil(8 * rng.exponential(size=150) * np.exp(-X @ [0.7, -0.4])) + 0.0
    event = rng.random(150) < 0.7
    theirs = duration.PHReg(times, X, status=event, strata=strata, ties=ties)
    w = np.array([0.3, 0.2])
    groups = numloss.group_sizes(strata)
    objective = numloss.Objective(
        "cox", X, times, event=event, groups=groups, ties=ties, intercept=False, reduction="sum"
    )
    assert objective.value(w) == pytest.approx(-theirs.loglike(w), rel=1e-12)
    np.testing.assert_allclose(objective.grad(w), -theirs.score(w), rtol=1e-10)
    found = minimize(objective, objective.start(), jac=True).x
    np.testing.assert_allclose(found, theirs.fit().params, atol=1e-5)


# ----------------------------------------------------------------------------- in other programs


def test_an_evaluation_takes_them_in():
    p, lower, upper = bounds(100, np.random.default_rng(5))
    evaluation = numloss.Evaluation(["aft", "aft:distribution=logistic"])
    for half in (slice(60), slice(60, None)):
        evaluation.update(p[half], lower[half], upper=upper[half])
    result = evaluation.result()
    assert result["aft"].total.mean == pytest.approx(float(numloss.aft(p, lower, upper)), rel=1e-14)
    scores, times, event = (x.reshape(4, 15) for x in draw(60))
    evaluation = numloss.Evaluation(["cox:ties=efron", "cox"])
    evaluation.update(scores, times, event=event)
    assert evaluation.result()["cox"].total.sum == pytest.approx(
        float(numloss.cox(scores, times, event, reduction="sum")), rel=1e-14
    )
