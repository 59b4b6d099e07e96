"""Formulas as KaTeX, typeset while the book is built: readers need no JavaScript for them.

KaTeX itself runs in QuickJS, an interpreter of JavaScript in a small wheel. A formula that it
cannot read is a warning with its place, and so ends the build. Numbers of equations are Sphinx's
own, so ``{eq}`` works.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import quickjs
from docutils import nodes
from sphinx.util import logging
from sphinx.util.math import get_node_equation_number

KATEX = Path(__file__).with_name("katex.min.js")
RENDER = """
function render(source, displayMode) {
  const settings = {displayMode, strict: "error"};
  try { return JSON.stringify({html: katex.renderToString(source, settings)}); }
  catch (error) { return JSON.stringify({error: error.message}); }
}"""

logger = logging.getLogger(__name__)


def setup(app: Any) -> dict[str, bool]:
    """Register the renderer; called by Sphinx. ``html_math_renderer: katex`` selects it."""
    app.add_html_math_renderer("katex", (visit_inline, None), (visit_display, None))
    app.connect("html-page-context", load_style)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def load_style(app: Any, page: str, template: str, context: dict[str, Any], tree: Any) -> None:
    """Load KaTeX's style on the pages that hold a formula, and on no other."""
    body = context.get("body", "")
    if 'class="tex"' in body or 'class="tex display"' in body:
        app.add_css_file("katex/katex.min.css")
    if 'class="tex display"' in body:
        app.add_js_file("reach.js", defer="defer")


def visit_inline(self: Any, node: nodes.math) -> None:
    """Write an inline formula."""
    self.body.append(f'<span class="math notranslate"><span class="tex">{_typeset(node)}')
    self.body.append("</span></span>")
    raise nodes.SkipNode


def visit_display(self: Any, node: nodes.math_block) -> None:
    """Write a formula on its own line, with its number and the permanent link to it."""
    self.body.append(self.starttag(node, "div", CLASS="math notranslate"))
    self.body.append(f'<div class="tex display">{_typeset(node)}</div>')
    if node["number"]:
        self.body.append(f'<span class="eqno">({get_node_equation_number(self, node)})')
        self.add_permalink_ref(node, "Link to this equation")
        self.body.append("</span>")
    self.body.append("</div>\n")
    raise nodes.SkipNode


def _typeset(node: nodes.Element) -> str:
    """Return a formula's HTML; lines that end in ``\\\\`` are aligned as Sphinx does."""
    source = node.astext().strip()
    display = isinstance(node, nodes.math_block)
    if display and not node["nowrap"] and "\\\\" in source:
        source = rf"\begin{{split}}{source}\end{{split}}"
    try:
        return typeset(source, display)
    except ValueError as error:
        logger.warning("%s", error, location=node)
        return ""


@cache
def typeset(source: str, display: bool) -> str:
    """Return the HTML of a formula in TeX, MathML for screen readers included.

    Raises
    ------
    ValueError
        If KaTeX cannot read it; the message is KaTeX's, which shows the place.
    """
    found = json.loads(_katex()(source, display))
    if "error" in found:
        raise ValueError(found["error"])
    return str(found["html"])


@cache
def _katex() -> Callable[[str, bool], str]:
    context = quickjs.Context()
    context.eval(KATEX.read_text("utf-8") + RENDER)
    render: Callable[[str, bool], str] = context.get("render")
    return render
