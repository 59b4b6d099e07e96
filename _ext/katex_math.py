"""Formulas as KaTeX: a math renderer for Sphinx, a tenth of MathJax's weight.

The page holds the TeX source in elements of class ``tex``; ``_static/katex/render.js`` typesets
them with the KaTeX that lies beside it. Numbers of equations are Sphinx's own, so ``{eq}`` works.
"""

from __future__ import annotations

from typing import Any

from docutils import nodes
from sphinx.util.math import get_node_equation_number

STYLES = ("katex/katex.min.css",)
SCRIPTS = ("katex/katex.min.js", "katex/render.js")


def setup(app: Any) -> dict[str, bool]:
    """Register the renderer; called by Sphinx. ``html_math_renderer: katex`` selects it."""
    app.add_html_math_renderer("katex", (visit_inline, None), (visit_display, None))
    app.connect("html-page-context", load_katex)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def load_katex(app: Any, page: str, template: str, context: dict[str, Any], tree: Any) -> None:
    """Load KaTeX on the pages that hold a formula, and on no other."""
    if 'class="tex' in context.get("body", ""):
        for style in STYLES:
            app.add_css_file(style)
        for script in SCRIPTS:
            app.add_js_file(script, defer="defer")


def visit_inline(self: Any, node: nodes.math) -> None:
    """Write an inline formula."""
    self.body.append(f'<span class="math notranslate"><span class="tex">{_tex(self, node)}')
    self.body.append("</span></span>")
    raise nodes.SkipNode


def visit_display(self: Any, node: nodes.math_block) -> None:
    """Write a formula on its own line, with its number and the permanent link to it."""
    self.body.append(self.starttag(node, "div", CLASS="math notranslate"))
    self.body.append(f'<div class="tex display">{_tex(self, node)}</div>')
    if node["number"]:
        self.body.append(f'<span class="eqno">({get_node_equation_number(self, node)})')
        self.add_permalink_ref(node, "Link to this equation")
        self.body.append("</span>")
    self.body.append("</div>\n")
    raise nodes.SkipNode


def _tex(self: Any, node: nodes.Element) -> str:
    """Return the TeX source, escaped; lines that end in ``\\\\`` are aligned as Sphinx does."""
    source = node.astext().strip()
    if isinstance(node, nodes.math_block) and not node["nowrap"] and "\\\\" in source:
        source = rf"\begin{{split}}{source}\end{{split}}"
    return str(self.encode(source))
