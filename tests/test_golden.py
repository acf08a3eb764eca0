"""The bits of this build are the golden ones, on every instruction set."""

import golden
import pytest
from cases import VARIANTS

from numloss import _core

TOLD = "results have changed; where that is meant, say so in CHANGELOG.md and run `make golden`"
HEADS = golden.names_of_heads()
COMPARISONS = golden.names_of_comparisons()


@pytest.fixture(scope="module", params=_core.config()["isas"])
def isa(request):
    before = _core.config()["isa"]
    _core.select_isa(request.param)
    yield request.param
    _core.select_isa(before)


@pytest.mark.usefixtures("isa")
@pytest.mark.parametrize("variant", VARIANTS, ids=str)
def test_bits(variant):
    found = {str(dtype): golden.hash_of(variant, dtype) for dtype in golden.DTYPES}
    assert found == golden.read()[str(variant)], TOLD


@pytest.mark.usefixtures("isa")
@pytest.mark.parametrize("key", HEADS)
def test_bits_of_two_heads(key):
    name, options = HEADS[key]
    found = {str(t): golden.hash_of_heads(name, options, t) for t in golden.DTYPES}
    assert found == golden.read()[key], TOLD


@pytest.mark.usefixtures("isa")
@pytest.mark.parametrize("key", COMPARISONS)
def test_bits_of_comparisons(key):
    name, options = COMPARISONS[key]
    found = {str(t): golden.hash_of_comparison(name, options, t) for t in golden.DTYPES}
    assert found == golden.read()[key], TOLD


@pytest.mark.usefixtures("isa")
@pytest.mark.parametrize("key", golden.EXTRAS)
def test_bits_of_extra_outputs(key):
    found = {str(t): golden.hash_of_extras(golden.EXTRAS[key], t) for t in golden.DTYPES}
    assert found == golden.read()[key], TOLD


def test_every_golden_hash_has_a_loss():
    keys = {str(variant) for variant in VARIANTS} | set(HEADS) | set(golden.EXTRAS)
    assert golden.read().keys() == keys | set(COMPARISONS)
