"""Repairs of Sphinx's search.

- Sphinx takes a run of Chinese characters for one word, so that only a whole clause is found.
- It reads the index of the build before without the entries of the glossary, so that an
  incremental build loses those of pages that it does not write again.
- Below a result it quotes text that no reader of the page sees, and of a glossary's entry only the
  term.
"""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path
from typing import Any

from sphinx.errors import ExtensionError
from sphinx.search.en import SearchEnglish
from sphinx.util.index_entries import split_index_msg

# Chinese characters, to Python and to JavaScript.
HAN = r"\u3400-\u9fff\uf900-\ufaff"
RUN = re.compile(rf"[{HAN}]+|[^\W{HAN}]+")

# What searchtools.js quotes from: its own code, and what stands there instead.
QUOTES = {
    '[".headerlink", "script", "style"]': (
        '[".headerlink", "script", "style", ".cited", ".katex-mathml", "details.above-input",'
        ' "#jb-print-docs-body", ".bd-header-article",'
        ' ".prev-next-footer", ".bd-sidebar-secondary"]'
    ),
    "if (anchorContent) return anchorContent.textContent;": (
        'if (anchorContent?.matches("dt")) return [anchorContent.textContent,'
        ' htmlElement.querySelector(`[role="main"] ${anchor} ~ dd`)?.textContent].join(": ");'
        " if (anchorContent) return anchorContent.textContent;"
    ),
}


class EnglishAndChinese(SearchEnglish):
    """English by words; Chinese by single characters and by neighbouring pairs of them."""

    js_splitter_code = rf"""
var splitQuery = (query) => (query.match(/[{HAN}]+|(?:(?![{HAN}])[\p{{L}}\p{{N}}_])+/gu) ?? [])
  .flatMap((run) => (/^[{HAN}]{{2}}/.test(run)
    ? [...run.slice(1)].map((character, i) => run[i] + character) : [run]));
"""

    def split(self, input: str) -> list[str]:
        """Return the words of a text; the script above splits a query the same way."""
        words: list[str] = []
        for run in RUN.findall(input):
            if re.match(f"[{HAN}]", run):
                words += [*run, *map("".join, pairwise(run))]
            else:
                words.append(run)
        return words


def setup(app: Any) -> dict[str, bool]:
    """Connect the extension; called by Sphinx."""
    app.add_search_language(EnglishAndChinese)
    # The last event before the index is written.
    app.connect("html-collect-pages", complete)
    app.connect("build-finished", quote_what_is_read)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def complete(app: Any) -> list[Any]:
    """Give the search index the entries of all its pages; add no page."""
    indexer = app.builder.indexer
    entries = app.env.get_domain("index").entries
    indexer._index_entries = {
        page: sorted(
            {
                (word, target, main)
                for kind, value, target, main, _ in entries.get(page, ())
                for word in split_index_msg(kind, value)
            }
        )
        for page in indexer._titles
    }
    return []


def quote_what_is_read(app: Any, exception: Exception | None) -> None:
    """Change what the script of the search page quotes from the pages it found."""
    path = Path(app.outdir, "_static", "searchtools.js")
    if exception or not path.exists():
        return
    text = path.read_text("utf-8")
    for theirs, ours in QUOTES.items():
        if theirs not in text and ours not in text:
            raise ExtensionError(f"Sphinx's searchtools.js has changed: it has no {theirs!r}.")
        if ours not in text:
            text = text.replace(theirs, ours)
    path.write_text(text, "utf-8")
