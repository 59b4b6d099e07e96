"""Repairs of what the theme and the writers get wrong for people who use assistive technology.

Each was found by axe-core; ``tests/test_browser.py`` runs that on every page.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

REPAIRS = (
    # The role is deprecated, and a list of it has no list items.
    (re.compile(r' role="doc-biblioentry"'), ""),
    (re.compile(r'<div role="list" class="(citation|footnote)-list">'), r'<div class="\1-list">'),
    # An empty heading of a column announces nothing: it is an empty cell.
    (re.compile(r"<th(?: [^>]*)?>(?:<p>)?\s*(?:</p>)?</th>"), "<td></td>"),
    # Links whose text is Chinese, on pages in English.
    (
        re.compile(
            r'<(a (?![^>]*\blang=)[^>]*|p class="prev-next-title")>'
            r"(?=(?:\s|<span[^>]*>)*[\u3400-\u9fff])"
        ),
        r'<\1 lang="zh-Hant">',
    ),
    # A bold number in a table is the best of its kind, which the ear has to be told.
    (
        re.compile(r"(<td[^>]*><p>)<strong>(\d[^<]*)</strong>(</p></td>)"),
        r'\1<strong>\2<span class="visually-hidden">, best</span></strong>\3',
    ),
    # What became of a chapter, which few fonts draw and no voice reads as meant.
    (re.compile(r"(<td[^>]*><p>)✅(</p></td>)"), r"\1done\2"),
    (re.compile(r"(<td[^>]*><p>)❌(</p></td>)"), r"\1failed\2"),
    # The space before "Exercise 1" belongs before its link.
    (re.compile(r'(<p class="admonition-title">Solution to)(<a [^>]*>) '), r"\1 \2"),
    # The visible words are the better name: "Show code cell source".
    (re.compile(r'<summary aria-label="Toggle hidden content">'), "<summary>"),
    # The title of the book and the search stand outside every landmark.
    (
        re.compile(r'<div id="pst-primary-sidebar" class="([^"]*)">'),
        r'<div id="pst-primary-sidebar" class="\1" role="complementary" aria-label="Book">',
    ),
)


def setup(app: Any) -> dict[str, bool]:
    """Connect the extension; called by Sphinx."""
    app.connect("html-page-context", name_language)
    app.connect("build-finished", repair_pages)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def name_language(app: Any, page: str, template: str, context: dict[str, Any], tree: Any) -> None:
    """Mark the text of a page whose front matter names its language; menus stay in English."""
    language = app.env.metadata.get(page, {}).get("lang")
    if language:
        context["body"] = f'<div lang="{language}">{context["body"]}</div>'


def repair_pages(app: Any, exception: Exception | None) -> None:
    """Apply the repairs to every page; a repaired page stays as it is."""
    if exception or app.builder.format != "html":
        return
    for path in Path(app.outdir).rglob("*.html"):
        before = after = path.read_text("utf-8")
        for pattern, replacement in REPAIRS:
            after = pattern.sub(replacement, after)
        if after != before:
            path.write_text(after, "utf-8")
