"""Sphinx extension: a citation shows its reference to whoever points at it or tabs to it.

The bibliography's extension writes the reference into the link's ``title``, which appears for a
mouse only. Here it becomes an element after the link, which the style sheet shows and screen
readers read with the link; no script is needed.
"""

from __future__ import annotations

import re
from itertools import count
from typing import Any

CITATION = re.compile(r'<span class="bibtex-citation"[^>]*>.*?</span>', re.DOTALL)
LINK = re.compile(r'<a ([^>]*?) ?title="([^"]*)"([^>]*)>(.*?)</a>', re.DOTALL)


def setup(app: Any) -> dict[str, bool]:
    """Connect the extension; called by Sphinx."""
    app.connect("html-page-context", show_references)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def show_references(app: Any, page: str, template: str, context: dict[str, Any], tree: Any) -> None:
    """Put each citation's reference behind its link."""
    if "body" in context:
        context["body"] = described(context["body"])


def described(body: str) -> str:
    """Return a page's body with the titles of its citations as elements of their own.

    Parameters
    ----------
    body : str
        HTML; links with a title inside elements of class ``bibtex-citation`` are citations.
    """
    numbers = count(1)

    def behind(link: re.Match[str]) -> str:
        name = f"cited-{next(numbers)}"
        return (
            f'<a {link[1]}{link[3]} aria-describedby="{name}">{link[4]}</a>'
            f'<span class="cited" role="tooltip" id="{name}">{link[2]}</span>'
        )

    return CITATION.sub(lambda citation: LINK.sub(behind, citation[0]), body)
