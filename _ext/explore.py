"""Sphinx extension: pages with an interactive figure load its script, and no other page does."""

from __future__ import annotations

import re
from typing import Any

_CONTAINER = re.compile(r'<div class="explore" data-kind="([a-z-]+)"')
# What only a notebook needs; its attributes are escaped.
_FRAME = re.compile(r'<iframe class="explore-notebook"[^<>]*></iframe>')


def setup(app: Any) -> dict[str, bool]:
    """Connect the extension; called by Sphinx."""
    app.connect("config-inited", drop_from_every_page)
    app.connect("html-page-context", add_to_page)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def drop_from_every_page(app: Any, config: Any) -> None:
    """Undo for our folder that Jupyter Book adds all of ``_static`` to every page."""
    for name in ("html_js_files", "html_css_files"):
        files = getattr(config, name)
        setattr(config, name, [file for file in files if "explore/" not in str(file)])


def add_to_page(app: Any, pagename: str, template: str, context: Any, doctree: Any) -> None:
    """Add the style sheet, the shared script and one script for each kind of figure."""
    kinds = sorted(set(_CONTAINER.findall(context.get("body", ""))))
    if not kinds:
        return
    context["body"] = _FRAME.sub("", context["body"])
    app.add_css_file("explore/explore.css")
    for name in ("chart", *kinds):
        # Deferred, not modules: browsers refuse modules to pages that are opened as files.
        app.add_js_file(f"explore/{name}.js", loading_method="defer", priority=800)
