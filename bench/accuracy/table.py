"""The table that drives the tests, which lies with them."""

from __future__ import annotations

import sys

from bench.machine import ROOT

sys.path.append(str(ROOT / "tests"))

from cases import CASES, CHANCES, VARIANTS, Variant, in_type

__all__ = ["CASES", "CHANCES", "VARIANTS", "Variant", "in_type"]
