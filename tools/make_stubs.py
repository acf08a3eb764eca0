"""Write the type stubs of the losses: ``python tools/make_stubs.py [--check]``.

A stub tells type checkers and editors what a call returns: ``numpy.float64`` for a mean or a sum,
an array for ``reduction="none"``, tuples for losses with several gradients, and what ``out`` was,
such as a tensor. A call that no type fits, as with a misspelt option, is an error.
"""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from numloss._loss import EXTRAS
from numloss._losses import (
    binary,
    deviance,
    forecast,
    multiclass,
    multilabel,
    ordinal,
    penalties,
    ranking,
    regression,
    relative,
    robust_regression,
    segmentation,
    sequence,
    signs,
    similarity,
    survival,
)

FAMILIES = (
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
    sequence,
    similarity,
    survival,
    penalties,
)
PLACE = Path(__file__).parents[1] / "python" / "numloss" / "_losses"

HEADER = """\
# Written by tools/make_stubs.py from the declarations beside it.
from typing import {typing}

import numpy as np
from numpy.typing import {numpy}

from numloss._core import Loss
from numloss._types import {own}

__all__ = {names}
"""

COMMON = (
    "weight: Input | None = ...",
    "reduction: {reduction}",
    'denominator: Literal["weight", "count"] | float = ...',
    "allow_negative_weight: bool = ...",
    "reduce_axis: {axes}",
    "keepdims: {keepdims}",
    "dtype: DTypeLike | None = ...",
    "out: {out}",
)
REDUCED = 'Literal["mean", "sum"] = ...'
EACH = 'Literal["none"]'
ANY = 'Literal["mean", "sum", "none"]'
AXES = "int | tuple[int, ...]"
ARRAY = "NDArray[Any]"
BOTH = "tuple[Place, OtherPlace]"
PLACES = "Places = ..."


class Case(NamedTuple):
    """A way to call a method: the types of ``reduction`` and ``out``, and of what it returns.

    Types of arguments come with the default, if they have one.
    """

    reduction: str
    out: str
    result: str
    #: One of EXTRAS, the first of those that are True; "": any of them may be.
    asks: str | None = None
    #: Whether the value may be reduced along some axes.
    slices: bool = False


def arguments(declaration: Any, case: Case) -> str:
    """Return the arguments of a declaration, with the keywords that every loss takes."""
    positional, keywords = ["self"], []
    for p in inspect.signature(declaration).parameters.values():
        text = f"{p.name}: {p.annotation}".replace("ArrayLike", "Input")
        if p.kind is p.VAR_KEYWORD:
            axes = f"{AXES} | None = ..." if case.slices else "None = ..."
            keepdims = "bool = ..." if case.slices else "Literal[False] = ..."
            types = {"reduction": case.reduction, "out": case.out}
            keywords += [part.format(**types, axes=axes, keepdims=keepdims) for part in COMMON]
        elif p.kind is p.KEYWORD_ONLY:
            kind = f"{p.annotation} = ...".replace("ArrayLike", "Input")
            if p.name == "out":
                kind = case.out
            elif p.name == "axis":
                kind = f"{AXES} = ..."
            elif p.name == case.asks:
                kind = "Literal[True]"
            elif p.name in EXTRAS and (case.asks is None or p.name < case.asks):
                kind = "Literal[False] = ..."
            keywords.append(f"{p.name}: {kind}")
        else:
            positional.append(text)
    # An argument without a default may stand anywhere among the keywords.
    return ", ".join([*positional, "*", *keywords])


def method(name: str, declaration: Any, cases: list[Case]) -> Iterator[str]:
    """Yield a method, overloaded where there are several cases."""
    for extra in EXTRAS:
        if extra in inspect.signature(declaration).parameters:
            cases = [*cases, Case(f"{ANY} = ...", PLACES, "tuple[Any, ...]", extra, True)]
    if cases[-1].asks is not None:  # whether is told at run time
        cases = [*cases, Case(f"{ANY} = ...", PLACES, "Any", "", True)]
    for case in cases:
        if len(cases) > 1:
            yield "    @overload"
        yield f"    def {name}({arguments(declaration, case)}) -> {case.result}: ..."


def stub(loss: Any) -> Iterator[str]:
    """Yield the class of a loss."""
    name, declaration = loss.__name__, loss.__wrapped__
    is_one = len(loss.heads) == 1
    heads = len(loss.heads)
    one = ARRAY if is_one else f"tuple[{', '.join([ARRAY] * heads)}]"
    several = ", ".join([f"{ARRAY} | None"] * heads)
    place = f"{ARRAY} | None" if is_one else f"tuple[{several}] | None"
    # Of other libraries' memory, which is returned as it is.
    kept = "Place" if is_one else BOTH if heads == 2 else f"tuple[{', '.join(['Place'] * heads)}]"
    has_reduction = any(
        p.kind is p.VAR_KEYWORD for p in inspect.signature(declaration).parameters.values()
    )
    any_reduction = f"{ANY} = ..."
    value = [Case(REDUCED, "None = ...", "np.float64")]
    # A gradient has the shape of the prediction, whatever is reduced.
    grad = [
        Case(any_reduction, f"{place} = ...", one, slices=True),
        Case(any_reduction, kept, kept, slices=True),
    ]
    both = [Case(REDUCED, f"{place} = ...", f"tuple[np.float64, {one}]")]
    pairs = f"tuple[{place}, {place}] | None = ..."
    two = [Case(any_reduction, pairs, f"tuple[{one}, {one}]", slices=True)]
    # Mixtures: what comes back is told at run time.
    mixed = Case(any_reduction, PLACES, "tuple[Any, Any]", slices=True)
    if is_one:
        two.append(Case(any_reduction, BOTH, BOTH, slices=True))
    else:
        anything = f"tuple[{', '.join(['Any'] * heads)}]"
        grad.append(Case(any_reduction, PLACES, anything, slices=True))
    two.append(mixed)
    if has_reduction:
        array, pair = f"{ARRAY} | None = ...", f"tuple[{ARRAY} | None, {place}]"
        value += [
            Case(EACH, array, ARRAY),
            Case(ANY, array, f"np.float64 | {ARRAY}"),
            Case(EACH, "Place", "Place"),
            Case(ANY, "Place", "np.float64 | Place"),
            Case(any_reduction, PLACES, "Any", slices=True),
        ]
        both += [
            Case(EACH, f"{pair} | {place} = ...", f"tuple[{ARRAY}, {one}]"),
            Case(ANY, f"{pair} | None = ...", f"tuple[np.float64 | {ARRAY}, {one}]"),
        ]
    both.append(Case(REDUCED, kept, f"tuple[np.float64, {kept}]"))
    if has_reduction and is_one:
        both.append(Case(EACH, BOTH, BOTH))
    both.append(mixed)
    kind = "".join(part.capitalize() for part in name.split("_"))
    yield f"class _{kind}(Loss[...]):"
    yield from method("__call__", declaration, value)
    yield from method("grad", declaration, grad)
    yield from method("value_and_grad", declaration, both)
    yield from method("grad_and_hess", declaration, two)
    yield ""
    yield f"{name}: _{kind}"
    yield ""


def text(family: ModuleType) -> str:
    """Return the stub of a family."""
    lines: list[str] = []
    for name in family.__all__:
        lines += stub(getattr(family, name))
    body = "\n".join(lines)

    def used(*names: str) -> str:
        return ", ".join(name for name in names if re.search(rf"\b{name}\b", body))

    header = HEADER.format(
        names=family.__all__,
        typing=used("Any", "Literal", "overload"),
        numpy=used("DTypeLike", "NDArray"),
        own=used("Input", "OtherPlace", "Place", "Places"),
    )
    return header.replace("'", '"') + "\n" + body


def main(arguments: list[str]) -> int:
    """Write the stubs, or with --check only tell whether they are up to date."""
    stale = []
    for family in FAMILIES:
        path = PLACE / f"{family.__name__.rpartition('.')[2]}.pyi"
        written = formatted(text(family))
        if not path.exists() or path.read_text() != written:
            stale.append(path.name)
            if "--check" not in arguments:
                path.write_text(written)
    if stale and "--check" in arguments:
        print(f"out of date: {', '.join(stale)}: run python tools/make_stubs.py")
        return 1
    return 0


def formatted(source: str) -> str:
    """Return a stub as ruff formats it."""
    ruff = Path(sys.executable).with_name("ruff")
    command = [ruff, "format", "--stdin-filename", "stub.pyi", "--line-length", "100", "-"]
    return subprocess.run(command, input=source, capture_output=True, text=True, check=True).stdout


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
