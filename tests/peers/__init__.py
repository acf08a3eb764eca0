"""The losses as other libraries have them: what bench/ times, and what tests compare with.

A module for each library, with its functions, or the formulas that its users write from those it
has, by the names of the losses in `FORMULAS`. torch's and SciPy's take the loss's own parameters
as far as the library has them, and raise NotImplementedError for a value it has not; the others
compute the mean with the default ones. No test has them for its reference alone: that is what the
definitions in `cases` are for.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any


def takes(formula: Callable[..., Any], options: dict[str, Any]) -> bool:
    """Whether a formula has all these parameters."""
    return options.keys() <= inspect.signature(formula).parameters.keys()


def by_name(*formulas: Callable[..., Any]) -> dict[str, Callable[..., Any]]:
    """Return formulas by the names of their losses, which are theirs."""
    return {formula.__name__: formula for formula in formulas}
