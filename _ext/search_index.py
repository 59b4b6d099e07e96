"""Repairs of Sphinx's search: Chinese words are found, and an incremental build forgets none.

Sphinx takes a run of Chinese characters for one word, so that only a whole clause would be found.
And it reads the index of the build before without the entries of the glossary, so that those of
pages that are not written again would be lost.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any

from sphinx.search.en import SearchEnglish
from sphinx.util.index_entries import split_index_msg

# Chinese characters, to Python and to JavaScript.
HAN = r"\u3400-\u9fff\uf900-\ufaff"
RUN = re.compile(rf"[{HAN}]+|[^\W{HAN}]+")


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
