"""Sphinx extension: every executed page can be downloaded as a clean notebook.

The notebooks lie in ``notebooks/`` of the site, converted from the sources by Jupytext, without
outputs. The theme's own download is the executed notebook; its button makes place for ours.
"""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Any

import jupytext
import nbformat

FOLDER = "notebooks"

_PREFACE = """\
*A chapter of the book "{title}" as a notebook. It needs the book's project: in a copy of it, run
`pip install -e '.[book]'`. Then it runs from any folder. (Without `-e` the library has neither the
recorded results nor the trained classifiers, which lie beside it in the project.)*"""


def setup(app: Any) -> dict[str, bool]:
    """Connect the extension; called by Sphinx."""
    app.connect("config-inited", add_launcher)
    # After the theme, which fills the header at 500 and 501.
    app.connect("html-page-context", add_button, priority=900)
    app.connect("build-finished", write_all)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def add_launcher(app: Any, config: Any) -> None:
    """Offer to start pages on Binder where the repository is known; the theme fails without."""
    if config.html_theme_options.get("repository_url"):
        launchers = config.html_theme_options.setdefault("launch_buttons", {})
        launchers.update(notebook_interface="jupyterlab", binderhub_url="https://mybinder.org")


def add_button(app: Any, page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """Put the notebook first in the group of downloads, on pages that have cells."""
    if page not in _executed(app):
        return
    url = context["pathto"](f"{FOLDER}/{PurePosixPath(page).name}.ipynb", 1)
    button = {
        "type": "link",
        "url": url,
        "text": "Notebook (.ipynb)",
        "icon": "fas fa-code",
        "tooltip": "Download this chapter as a notebook that runs",
        "label": "download-clean-notebook-button",
    }
    for group in context.get("header_buttons", []):
        if group.get("label") == "download-buttons":
            theirs = "download-notebook-button"
            kept = [b for b in group["buttons"] if b["label"] != theirs]
            group["buttons"] = [button, *kept]


def write_all(app: Any, exception: Exception | None) -> None:
    """Write the notebooks of all executed pages into the site."""
    if exception is not None or app.builder.format != "html":
        return
    folder = Path(app.outdir) / FOLDER
    folder.mkdir(exist_ok=True)
    for page in _executed(app):
        notebook = clean(Path(app.env.doc2path(page)), app.config.html_title or app.config.project)
        nbformat.write(notebook, folder / f"{PurePosixPath(page).name}.ipynb")


def clean(source: Path, title: str) -> Any:
    """Return a page as a valid notebook without outputs, preceded by what it needs.

    Parameters
    ----------
    source : Path
        A MyST Markdown notebook.
    title : str
        Of the book.

    Returns
    -------
    nbformat.NotebookNode
    """
    notebook = jupytext.read(source)
    # The pairing is the project's; a reader's copy stands alone.
    notebook.metadata.pop("jupytext", None)
    cells = [nbformat.v4.new_markdown_cell(_PREFACE.format(title=title)), *notebook.cells]
    for position, cell in enumerate(cells):
        # Fixed, so that an unchanged page is an unchanged file.
        cell["id"] = f"cell-{position}"
        if cell["cell_type"] == "code":
            cell["outputs"], cell["execution_count"] = [], None
    notebook.cells = cells
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    nbformat.validate(notebook)
    return notebook


def _executed(app: Any) -> list[str]:
    """Return the names of the pages that have cells."""
    return [
        page
        for page in sorted(app.env.found_docs)
        if "{code-cell}" in Path(app.env.doc2path(page)).read_text("utf-8")
    ]
