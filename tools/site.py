"""Build the documentation site: ``python -m tools.site [FOLDER]``, by default ``build/site``.

The pages are those of docs/, and pages made of the library's own docstrings: one for each family of
losses, with a picture of each loss, and one of the other functions. Warnings are errors.
"""

from __future__ import annotations

import inspect
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from numpydoc.docscrape import NumpyDocString
from numpydoc.docscrape_sphinx import SphinxDocString
from sphinx.cmd.build import main as sphinx

import numloss
from numloss._loss import CALL_DEFAULTS, EXTRAS
from numloss._losses import penalties, sequence, similarity
from numloss.plot import Setting, curves_of, parse_losses, picture

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"

#: What each family is for, in the order of the site.
FAMILIES = {
    "regression": "A real prediction against a real target",
    "robust_regression": "Real predictions, where some targets are far off",
    "relative": "Errors in relation to the size of the target",
    "deviance": "Counts and amounts, whose means are predicted",
    "forecast": "A distribution, of which two numbers are predicted",
    "binary": "One score or probability against a binary target",
    "signs": "One score against a sign, -1 or +1",
    "multilabel": "Several labels at once, each there or not",
    "segmentation": "The region of an image, a number for each pixel",
    "multiclass": "Scores of several classes",
    "ordinal": "Classes that have an order",
    "ranking": "Lists that are to be ordered",
    "sequence": "Labels in an order, whose places along a sequence nobody knows",
    "similarity": "Rows of numbers, or scores, that are compared",
    "survival": "Times until an event, some of them known in part",
    "penalties": "The size of a model's weights",
}
#: Functions and classes beside the losses, by what they are for.
OTHERS = {
    "Evaluation": ["evaluate", "Evaluation", "EvaluationResult", "compare"],
    "The catalog": ["losses"],
    "Training": [
        "best_constant",
        "Objective",
        "curvature",
        "hessian_vector",
        "softmax_hessian",
        "prox",
        "group_lasso",
    ],
    "Language models": ["linear_cross_entropy"],
    "Batches of embeddings": ["info_nce", "nt_xent", "supervised_contrastive", "circle"],
    "Classes of unequal size": ["class_weights", "pos_weight", "oversample"],
    "Lists": ["group_sizes"],
    "Arrays": ["nulls_to_weight"],
    "Threads and processors": ["num_threads", "set_num_threads", "threads", "show_config"],
    "Building against the C library": ["get_include", "get_library", "get_cmake_dir"],
    "Errors": ["Error", "InputTypeError", "EvaluationError", "StateError"],
}

# Parameters that every loss takes, which have a page of their own.
_SHARED = {*CALL_DEFAULTS, *EXTRAS, "axis", "ignore_index", "class_weight"}
_SMOOTH = {
    0: "a kink: its first derivative jumps",
    1: "a continuous first derivative; the second jumps",
    2: "two continuous derivatives",
}
_INFLUENCE = {
    "unbounded": "an outlier's gradient grows with its error",
    "bounded": "an outlier's gradient is bounded",
    "redescending": "an outlier's gradient goes back to 0",
}


def main(arguments: list[str]) -> int:
    """Build the site."""
    folder = Path(arguments[0]) if arguments else ROOT / "build" / "site"
    source = folder / "source"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(DOCS, source, ignore=shutil.ignore_patterns("__pycache__"))
    for page in source.glob("*.md"):
        page.write_text(without_links_out(page.read_text()))
    write_families(source / "losses")
    (source / "functions.rst").write_text("\n".join(functions()))
    return int(
        sphinx(["-W", "--keep-going", "-q", "-b", "html", str(source), str(folder / "html")])
    )


def without_links_out(text: str) -> str:
    """Return a page whose links to files beside docs/ are their text alone."""
    return re.sub(r"\[([^\]]*)\]\(\.\./[^)]*\)", r"\1", text)


# ----------------------------------------------------------------------------------------- families


def losses_of(family: str) -> list[str]:
    """Return the names of a family's losses."""
    if family == "penalties":
        return list(penalties.__all__)
    return sorted(name for name, loss in numloss.LOSSES.items() if loss.family == family)


def is_drawn(name: str) -> bool:
    """Whether a loss is one of a prediction, which has a curve."""
    return name in numloss.LOSSES and name not in (*sequence.__all__, *similarity.__all__)


def write_families(folder: Path) -> None:
    """Write the page of each family, and the pictures of its losses."""
    folder.mkdir()
    for family in FAMILIES:
        (folder / f"{family}.rst").write_text("\n".join(page_of(family)))
        for name in losses_of(family):
            if is_drawn(name):
                curves = curves_of(parse_losses([name], []), Setting())
                (folder / f"{name}.svg").write_bytes(picture(curves, ".svg"))


def page_of(family: str) -> Iterator[str]:
    """Yield the lines of a family's page."""
    yield from heading(family.capitalize().replace("_", " "), "=")
    yield f"{FAMILIES[family]}."
    if family != "penalties":
        yield "``**call`` stands for what every loss takes (:doc:`/arguments`): ``weight``,"
        yield "``reduction``, ``denominator``, ``dtype`` and ``out``."
    yield ""
    yield ".. list-table::"
    yield ""
    for name in losses_of(family):
        summary = getattr(numloss, name).__doc__.partition("\n")[0]
        yield from (f"   * - :ref:`{name}`", f"     - {summary}")
    yield ""
    for name in losses_of(family):
        yield from section_of(name)


def section_of(name: str) -> Iterator[str]:
    """Yield what a family's page says of a loss."""
    loss = getattr(numloss, name)
    yield f".. _{name}:"
    yield ""
    yield from heading(name, "-")
    declared = inspect.signature(loss.__wrapped__)
    bare = [p.replace(annotation=p.empty) for p in declared.parameters.values()]
    yield f".. py:function:: numloss.{name}{inspect.Signature(bare)}"
    yield ""
    more = [*facts(loss), ""] if name in numloss.LOSSES else []
    more += figure(name) if is_drawn(name) else []
    yield from indented(own_text(loss.__doc__, more))
    yield ""


def own_text(docstring: str, more: list[str]) -> list[str]:
    """Return a docstring without what all losses share, and more behind its formula."""
    parsed = NumpyDocString(docstring)
    parsed["Extended Summary"] += ["", *more]
    parsed["Parameters"] = [p for p in parsed["Parameters"] if p.name not in _SHARED]
    for name in ("Returns", "Raises", "Warns"):
        parsed[name] = []
    rendered = SphinxDocString("")
    rendered._parsed_data.update(parsed._parsed_data)
    return str(rendered).splitlines()


def facts(loss: Any) -> list[str]:
    """Return what kind of loss it is, in a line."""
    links = loss.link if isinstance(loss.link, tuple) else (loss.link,)
    said = [
        "convex" if loss.convex else "not convex",
        _SMOOTH[loss.smoothness],
        _INFLUENCE[loss.influence],
        f"targets: {loss.domain}",
        f"link: {', '.join(links)}",
    ]
    return [".. rst-class:: facts", "", f"*{'; '.join(said)}.*"]


def figure(name: str) -> list[str]:
    """Return the picture of a loss."""
    return [
        f".. image:: {name}.svg",
        f"   :alt: Value, gradient and Hessian of {name} against the prediction",
        "   :class: loss-picture",
    ]


# ---------------------------------------------------------------------------------------- functions


def functions() -> Iterator[str]:
    """Yield the page of what is no loss."""
    yield from heading("Functions and classes", "=")
    for title, names in OTHERS.items():
        yield from heading(title, "-")
        for name in names:
            kind = "class" if isinstance(getattr(numloss, name), type) else "function"
            yield f".. auto{kind}:: numloss.{name}"
            if kind == "class":
                yield "   :members:"
            yield ""


def heading(text: str, line: str) -> list[str]:
    """Return a heading and an empty line."""
    return [text, line * len(text), ""]


def indented(lines: list[str]) -> Iterator[str]:
    """Yield lines as the content of a directive."""
    for line in lines:
        yield f"   {line}" if line else ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
