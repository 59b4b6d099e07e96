"""Sphinx extension that says below the table of executed pages how long they took together."""

from __future__ import annotations

from typing import Any

from docutils import nodes
from myst_nb.core.execute import ExecutionResult
from myst_nb.ext.execution_tables import ExecutionStatsNode
from myst_nb.sphinx_ import NbMetadataCollector
from sphinx.transforms.post_transforms import SphinxPostTransform


def setup(app: Any) -> dict[str, bool]:
    """Connect the extension; called by Sphinx."""
    app.add_post_transform(ExecutionTotal)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


class ExecutionTotal(SphinxPostTransform):
    """Add the sum of the pages' times to a table of executed pages."""

    default_priority = 7  # before the place of the table (8) is taken by the table

    def run(self, **kwargs: Any) -> None:
        """Add a paragraph below each place of such a table."""
        pages = NbMetadataCollector.get_doc_data(self.env).values()
        executed: list[ExecutionResult] = [p["exec_data"] for p in pages if p.get("exec_data")]
        for place in self.document.findall(ExecutionStatsNode):
            place.parent.insert(
                place.parent.index(place) + 1, nodes.paragraph(text=total(executed))
            )


def total(executed: list[ExecutionResult]) -> str:
    """Return a sentence on how long pages took; one without a time of its own counts nothing."""
    seconds = sum(page["runtime"] or 0 for page in executed)
    return (
        f"The {len(executed)} pages took {seconds / 60:.1f} minutes, counted one after the other; "
        "some were executed at the same time."
    )
