"""Sphinx extension: the page that servers show for an address that the site does not have.

It is shown at the address that was asked for, in whatever folder, so that its links have to find
the root of the site, and it brings its style along.
"""

from __future__ import annotations

import html
from pathlib import Path
from typing import Any

PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Page not found: {title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<script>
  const root = location.pathname.replace(/(?<=\\/)(?:(?:{folders})\\/.*|[^/]*)$/, "");
  document.head.append(Object.assign(document.createElement("base"), {{ href: root }}));
  const theme = localStorage.getItem("theme");
  if (["light", "dark"].includes(theme)) document.documentElement.style.colorScheme = theme;
</script>
{icon}
<style>
  :root {{ color-scheme: light dark; font: 1.1rem/1.6 system-ui, sans-serif; }}
  main {{ max-width: 34rem; margin: 15vh auto; padding: 0 1.2rem; }}
  input, button {{ font: inherit; min-height: 44px; padding: 0 0.6rem; max-width: 100%; }}
</style>
</head>
<body>
<main>
<h1>This page is not in the book</h1>
<p>It may have moved, or the address has a slip in it. Go to
<a href="index.html">the start of the book</a>, or search it:</p>
<form action="search.html" role="search">
<label for="q">Words</label>
<input id="q" name="q" type="search" required>
<button>Search</button>
</form>
</main>
</body>
</html>
"""


def setup(app: Any) -> dict[str, bool]:
    """Connect the extension; called by Sphinx."""
    app.connect("build-finished", write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def write(app: Any, exception: Exception | None) -> None:
    """Write ``404.html``, the name under which hosts of static sites look for it."""
    if exception or app.builder.format != "html":
        return
    out = Path(app.outdir)
    folders = "|".join(sorted(path.name for path in out.iterdir() if path.is_dir()))
    title = html.escape(app.config.html_title or app.config.project)
    picture = app.config.html_favicon
    icon = f'<link rel="icon" href="_static/{Path(picture).name}">' if picture else ""
    page = PAGE.format(title=title, folders=folders, icon=icon)
    (out / "404.html").write_text(page, "utf-8")
