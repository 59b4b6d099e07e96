"""Pages load what they use: scripts and styles by need.

Jupyter Book loads every script and style sheet under ``_static`` on every page, and its theme the
whole of FontAwesome and a launcher of third-party kernels. Here a page gets a script because
something on it needs it.
"""

from __future__ import annotations

import filecmp
import re
from functools import partial
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

# Loaded on every page; any other file of _static is loaded by the page that needs it.
EVERYWHERE = ("book.css", "print.css")
# A file of _static or of an extension, and the pattern that a page which needs it matches.
NEEDS = {
    "sort.js": re.compile(r"<table"),
    "cited.js": re.compile(r'class="bibtex-citation"'),
    "design-tabs.js": re.compile(r"sd-tab-"),
    "sphinx-design.min.css": re.compile(r'class="[^"]*\bsd-'),
    "copybutton.js": re.compile(r'<div class="highlight'),
    "clipboard.min.js": re.compile(r'<div class="highlight'),
    "copybutton.css": re.compile(r'<div class="highlight'),
}
# Those among them that are ours.
OURS = ("sort.js", "cited.js")
# Thebe runs cells on third-party servers; its script is added even where that is switched off.
UNWANTED = re.compile(r"thebe", re.IGNORECASE)

# What the theme's templates write without need. FontAwesome comes as a font: see icons.py.
SHELL = re.compile(
    r'\s*<script[^>]*src="[^"]*fontawesome\.js[^"]*"[^>]*></script>'
    # Every viewport but the last: three extensions each write one.
    r'|\s*<meta name="viewport"[^>]*>(?=.*<meta name="viewport")'
    r'|\s*<script type="text/x-thebe-config">.*?</script>'
    r"|\s*<script>kernelName = [^<]*</script>"
    r'|\s*<meta name="docsearch:[^>]*>',
    re.DOTALL,
)
# Only the search page needs the index and what reads it.
SEARCH = re.compile(
    r'\s*<script[^>]*src="[^"]*(?:searchtools|language_data|searchindex)\.js[^"]*"[^>]*></script>'
)
IMAGE = re.compile(r'<img (?![^>]*\bloading=)([^>]*?)src="([^"]+)"([^>]*)>')


def setup(app: Any) -> dict[str, bool]:
    """Connect the extension; called by Sphinx."""
    app.connect("config-inited", load_little)
    app.connect("env-get-outdated", find_changed_files)
    app.connect("html-page-context", choose, priority=100)
    app.connect("html-page-context", drop_unneeded, priority=900)
    app.connect("build-finished", trim_pages)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def load_little(app: Any, config: Any) -> None:
    """Undo that every file of ``_static`` is loaded on every page."""
    config.html_css_files = [name for name in config.html_css_files if name in EVERYWHERE]
    config.html_js_files = []


def find_changed_files(app: Any, env: Any, added: Any, changed: Any, removed: Any) -> list[str]:
    """Name all pages where a file of ``_static`` changed: Sphinx copies none for its own sake."""
    source, copies = Path(app.srcdir, "_static"), Path(app.outdir, "_static")
    for path in source.rglob("*"):
        copy = copies / path.relative_to(source)
        if path.is_file() and not (copy.exists() and filecmp.cmp(path, copy, shallow=False)):
            return sorted(env.found_docs)
    return []


def choose(app: Any, page: str, template: str, context: dict[str, Any], tree: Any) -> None:
    """Add the site's own scripts that the page needs; any page may be printed."""
    app.add_js_file("print.js", defer="defer")
    for name in OURS:
        if NEEDS[name].search(context.get("body", "")):
            app.add_js_file(name, defer="defer")


def drop_unneeded(app: Any, page: str, template: str, context: dict[str, Any], tree: Any) -> None:
    """Take away the scripts and styles of extensions that the page has no use for."""
    body = context.get("body", "")
    for files in (context["css_files"], context["script_files"]):
        seen: set[str] = set()
        kept = []
        for file in files:
            text = f"{file.filename or ''}{file.attributes.get('body') or ''}"
            need = NEEDS.get(Path(str(file.filename or "")).name)
            if UNWANTED.search(text) or text in seen or (need and not need.search(body)):
                continue
            seen.add(text)
            kept.append(file)
        files[:] = kept


def trim_pages(app: Any, exception: Exception | None) -> None:
    """Remove from the written pages what the theme's templates load without need."""
    if exception or app.builder.format != "html":
        return
    for path in Path(app.outdir).rglob("*.html"):
        if "_static" in path.parts:
            continue
        before = path.read_text("utf-8")
        after = SHELL.sub("", before)
        if path.name != "search.html":
            after = SEARCH.sub("", after)
        after = IMAGE.sub(partial(_sized, path), after)
        if after != before:
            path.write_text(after, "utf-8")


def _sized(page: Path, match: re.Match[str]) -> str:
    """Return the image's tag, loaded when near the view, with its size so that nothing jumps."""
    if match[2].startswith("data:"):
        return match[0]  # it is there with the page
    size = ""
    path = page.parent / match[2]
    if path.suffix == ".svg" and path.exists() and "width=" not in match[1] + match[3]:
        root = ElementTree.parse(path).getroot()
        width, height = (root.get(side, "").removesuffix("pt") for side in ("width", "height"))
        try:
            size = f'width="{float(width) * 4 / 3:.0f}" height="{float(height) * 4 / 3:.0f}" '
        except ValueError:
            size = ""
    return f'<img loading="lazy" {size}{match[1]}src="{match[2]}"{match[3]}>'
