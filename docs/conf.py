"""Sphinx's settings; `make site` builds the pages (tools/site.py)."""

from __future__ import annotations

from typing import Any

from docutils import nodes
from latex2mathml import converter

import numloss

project = "numloss"
version = release = numloss.__version__
extensions = ["sphinx.ext.autodoc", "numpydoc", "myst_parser"]
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3
html_theme = "furo"
html_title = f"numloss {version}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sphinx = False
html_show_copyright = False
html_copy_source = False
html_theme_options = {"navigation_with_keys": True}
# The fonts of readers' systems, and formulas as MathML: no page asks another server for anything.
html_math_renderer = "mathml"
numpydoc_show_class_members = False
autodoc_typehints = "none"
# Examples are Python unless they say otherwise.
highlight_language = "python"


def _math(self: Any, node: nodes.math | nodes.math_block) -> None:
    block = isinstance(node, nodes.math_block)
    formula = converter.convert(node.astext(), display="block" if block else "inline")
    self.body.append(f'<div class="formula" tabindex="0">{formula}</div>' if block else formula)
    raise nodes.SkipNode


def _reachable(app: Any, page: str, template: str, context: dict[str, Any], tree: Any) -> None:
    """Let the keyboard reach what scrolls by itself: code, and tables on a phone."""
    body = context.get("body", "").replace("<pre>", '<pre tabindex="0">')
    table = '<div class="table-wrapper'
    context["body"] = body.replace(table, table.replace("<div", '<div tabindex="0"'))


def setup(app: Any) -> None:
    """Have formulas written as MathML."""
    app.add_html_math_renderer("mathml", (_math, None), (_math, None))
    app.connect("html-page-context", _reachable)
