"""Sphinx extension: what search engines and messengers show of a page beside its address."""

from __future__ import annotations

import html
import re
from typing import Any

from docutils import nodes

LENGTH = 180  # characters of a description; more is cut off by those who show it


def setup(app: Any) -> dict[str, bool]:
    """Connect the extension; called by Sphinx."""
    app.connect("html-page-context", add)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def add(app: Any, page: str, template: str, context: dict[str, Any], tree: Any) -> None:
    """Add a page's description and the Open Graph properties of its link's preview.

    Its address and a picture are among them where ``html_baseurl`` is known: both are absolute.
    """
    if tree is None:
        return
    base = app.config.html_baseurl.rstrip("/")
    text = description(tree)
    named = {"description": text, "twitter:card": "summary_large_image" if base else "summary"}
    properties = {
        "og:type": "article",
        "og:site_name": app.config.html_title or app.config.project,
        "og:title": tree.next_node(nodes.title).astext(),
        "og:description": text,
    }
    if base:
        properties["og:url"] = f"{base}/{app.builder.get_target_uri(page)}"
        properties["og:image"] = f"{base}/_static/readme.png"
    lines = [context.get("metatags", "")]
    for key, values in {"name": named, "property": properties}.items():
        lines += [
            f'<meta {key}="{name}" content="{html.escape(value)}">'
            for name, value in values.items()
            if value
        ]
    context["metatags"] = "\n".join(lines)


def description(tree: nodes.document) -> str:
    """Return the first paragraph of a page's text, cut at a word, or "" where there is none.

    Paragraphs in boxes, tables, lists and cells' outputs are no text of the page; formulas and
    citations read badly out of their place.
    """
    for section in tree.findall(nodes.section):
        for child in section.children:
            if isinstance(child, nodes.paragraph):
                words = re.sub(r"\s+(?=[.,;:，。]|$)", "", " ".join(_plain(child).split()))
                if len(words) <= LENGTH:
                    return words
                cut = words[:LENGTH].rpartition(" ")[0].rstrip(",;:")
                return cut if cut.endswith(".") else cut + " …"
        break
    return ""


def _plain(node: nodes.Element) -> str:
    if isinstance(node, nodes.Text):
        return str(node)
    if isinstance(node, nodes.math) or "bibtex-citation" in node.get("classes", ()):
        return ""
    return "".join(map(_plain, node.children))
