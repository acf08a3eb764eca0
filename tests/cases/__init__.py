"""The table that drives the tests: one row for each loss, a module for each family.

A row holds what cannot be derived: the loss's definition in plain NumPy, the inputs it is made for,
sets of its parameters, its kinks, and points at which a careless formula loses its digits.
Definitions are written from the documentation, never from the kernels, and do nothing for their
numerical stability: they run in long double, or on arrays of mpmath's numbers with as many digits
as it takes. Derivatives are differences of the definitions.
"""

from __future__ import annotations

from cases import (
    binary,
    deviance,
    forecast,
    multiclass,
    multilabel,
    ordinal,
    ranking,
    regression,
    relative,
    robust_regression,
    segmentation,
    signs,
    survival,
)
from cases.arithmetic import Array
from cases.asking import WAYS, assert_same, per_example, results
from cases.inputs import (
    AMOUNTS,
    BINARY,
    BOOLEANS,
    CHANCES,
    COUNTS,
    DISTRIBUTIONS,
    FRACTIONS,
    LABELS,
    LOG_CHANCES,
    MAGNITUDES,
    MASKS,
    MEANS,
    MEMBERS,
    MODEST_SIGNS,
    RAMP,
    RATES,
    RELEVANCES,
    RESIDUALS,
    RISING,
    SETS,
    SHARES_OF_SETS,
    SIGNS,
    THRESHOLDS,
    TIMES,
    Domain,
    Inputs,
    PerClass,
    PerExample,
    Rng,
    Shape,
)
from cases.similarity import COMPARING
from cases.table import CASES, TWO_HEADED, Case, Kink, Variant, in_type, precise, variants_of

__all__ = [
    "AMOUNTS",
    "APART",
    "BINARY",
    "BOOLEANS",
    "CASES",
    "CHANCES",
    "COMPARING",
    "COUNTS",
    "DISTRIBUTIONS",
    "FRACTIONS",
    "GROUPED",
    "LABELS",
    "LOG_CHANCES",
    "MAGNITUDES",
    "MASKS",
    "MEANS",
    "MEMBERS",
    "MODEST_SIGNS",
    "PLAIN",
    "RAMP",
    "RATES",
    "RELEVANCES",
    "RESIDUALS",
    "RISING",
    "SETS",
    "SHARED",
    "SHARES_OF_SETS",
    "SIGNS",
    "TABLED",
    "THRESHOLDS",
    "TIMES",
    "TWO_HEADED",
    "TWO_HEADED_VARIANTS",
    "VARIANTS",
    "WAYS",
    "Array",
    "Case",
    "Domain",
    "Inputs",
    "Kink",
    "PerClass",
    "PerExample",
    "Rng",
    "Shape",
    "Variant",
    "assert_same",
    "in_type",
    "per_example",
    "precise",
    "results",
]

for family in (
    regression,
    robust_regression,
    relative,
    deviance,
    forecast,
    binary,
    signs,
    multilabel,
    segmentation,
    multiclass,
    ordinal,
    ranking,
    survival,
):
    CASES.update(family.CASES)
TWO_HEADED.update(forecast.TWO_HEADED)

VARIANTS = variants_of(CASES)
#: Of the losses with two gradients, which tests/test_heads.py has to itself.
TWO_HEADED_VARIANTS = variants_of(TWO_HEADED)

#: Losses that have no row, as no example of theirs is a number or a row: with tests of their own.
APART = ("ctc", *COMPARING)

#: Losses whose sums take the logarithms of many values at once.
GROUPED = ("binary_cross_entropy", "logistic")

#: Losses with a table of C x C numbers, or that go through all pairs: too many for many classes.
TABLED = (
    *("ordinal_cross_entropy", "expected_cost", "forward_cross_entropy"),
    *("pairwise_logistic", "lambdarank"),
)

# One loss or more for each way in which losses are walked: elements that are cheap, or summed by
# their logarithms, or checked, or with a number aside; rows with labels, with probabilities, with
# both, without a softmax, scanned, scored as a whole, as they are, moved by priors, against sets,
# against shares of any sum, sorted; lists; of thresholds, and against a number each.
_WALKED = (
    "mse",
    "mae",
    "huber",
    "quantile",
    "binary_cross_entropy",
    "focal",
    "hinge",
    "squared_hinge",
    "cross_entropy",
    "kl_divergence",
    "multiclass_hinge",
    "softmax_focal",
    "ranked_probability",
    "ordinal_cross_entropy",
    "multiclass_brier",
    "nll",
    "logit_adjusted",
    "multilabel_margin",
    "dice",
    "lovasz_hinge",
    "list_mle",
    "coral",
    "crps_ensemble",
)
#: What tests of all that losses share run on: layouts, threads, memory, bindings. Two losses that
#: are walked alike differ by their formulas alone, which the tests of VARIANTS see.
SHARED = [variant for variant in VARIANTS if variant.name in _WALKED]
#: Each of those losses once, with its first parameters.
PLAIN = list({variant.name: variant for variant in reversed(SHARED)}.values())[::-1]
