"""Sphinx extension: on a page in Chinese, the words that the theme adds to the page are Chinese.

Menus stay in English, as the pages are that they lead to.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

# What front matter with ``lang: zh-Hant`` makes of a page: see accessible_html.py.
MARK = '<div lang="zh-Hant">'
LANG = 'lang="zh-Hant"'
WORDS = {
    "Show code cell source": "顯示程式碼",
    "Hide code cell source": "隱藏程式碼",
    'title="Link to this heading"': 'title="本節的連結"',
    'title="Link to this table"': 'title="本表的連結"',
    '<span class="caption-number">Table ': '<span class="caption-number">表 ',
    "<h2> Contents </h2>": f"<h2 {LANG}>本頁內容</h2>",
    '<i class="fa-solid fa-list"></i> Contents': (
        f'<i class="fa-solid fa-list"></i> <span {LANG}>本頁內容</span>'
    ),
    'title="previous page"': 'title="上一頁"',
    'title="next page"': 'title="下一頁"',
    'prev-next-subtitle">previous<': f'prev-next-subtitle" {LANG}>上一頁<',
    'prev-next-subtitle">next<': f'prev-next-subtitle" {LANG}>下一頁<',
}


def setup(app: Any) -> dict[str, bool]:
    """Connect the extension; called by Sphinx."""
    app.connect("build-finished", translate_pages)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def translate_pages(app: Any, exception: Exception | None) -> None:
    """Put the words into the written pages in Chinese."""
    if exception or app.builder.format != "html":
        return
    for path in Path(app.outdir).rglob("*.html"):
        before = path.read_text("utf-8")
        if MARK in before:
            path.write_text(translated(before), "utf-8")


def translated(page: str) -> str:
    """Return a page with the theme's words about it in Chinese."""
    for english, chinese in WORDS.items():
        page = page.replace(english, chinese)
    return page
