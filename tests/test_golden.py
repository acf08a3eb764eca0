"""The bits of this build are the golden ones, on every instruction set."""

import golden
import pytest
from cases import VARIANTS

from numloss import _core


@pytest.fixture(scope="module", params=_core.config()["isas"])
def isa(request):
    before = _core.config()["isa"]
    _core.select_isa(request.param)
    yield request.param
    _core.select_isa(before)


@pytest.mark.parametrize("variant", VARIANTS, ids=str)
def test_bits(variant, isa):
    found = {str(dtype): golden.hash_of(variant, dtype) for dtype in golden.DTYPES}
    assert found == golden.read()[str(variant)], (
        "results have changed; where that is meant, say so in CHANGELOG.md and run `make golden`"
    )


def test_every_golden_hash_has_a_loss():
    assert golden.read().keys() == {str(variant) for variant in VARIANTS}
