"""The whole book as one HTML document to be printed, out of the pages of the built site.

The articles follow one another in the order of ``_toc.yml``. An id is unique on its page only, so
each gets its page's name in front, and a link to another page becomes one within the document.
"""

from __future__ import annotations

import html
import posixpath
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import yaml
from bs4 import BeautifulSoup, Tag

# Attributes that hold ids of the same page, several of them with spaces between.
REFERENCES = ("for", "aria-labelledby", "aria-describedby")
OWN_STYLES = ("_static/print.css", "_static/paper.css")
# The links to a heading or a figure itself, scripts, and code that the site folds away.
LEFT_OUT = "a.headerlink, script, details.above-input:not(:has(.cell_output))"
# MyST-NB's table of executed pages answers with emoji, which few text fonts have.
WORDS = {"✅": "yes", "❌": "no"}
# Entries to look up and not to read.
SCREEN_ONLY = ("chapters/library",)
IMPRINT = (
    "Printed from the web pages of the book, built on {day}. Solutions of exercises are shown; "
    "code that the pages fold away is left out and stands in the notebooks. "
    "Figures that move on the pages stand still here, and the reference of the library stays there."
)


class NotBuilt(Exception):
    """A page of the table of contents has not been built."""


@dataclass(frozen=True)
class Page:
    """A page of the book: its name in ``_toc.yml``, its part's caption, its title, its article."""

    name: str
    part: str
    title: str
    article: Tag


def assemble(root: Path, site: Path, folder: Path) -> str:
    """Return the document, written for a place in ``folder``.

    Parameters
    ----------
    root
        The folder of ``_config.yml`` and ``_toc.yml``.
    site
        The folder of the built HTML.
    folder
        Where the document will lie; images and styles are named from there.

    Raises
    ------
    NotBuilt
        Where a page of ``_toc.yml`` is missing in ``site``.
    """
    config = yaml.safe_load((root / "_config.yml").read_text("utf-8"))
    toc = yaml.safe_load((root / "_toc.yml").read_text("utf-8"))
    soups = {name: _read(site, name) for name, _ in listed(toc)}
    styles = dict.fromkeys(style for name in soups for style in _styles(soups[name], name))
    # Ours come last, so that they overrule what a single page loads.
    names = [*(style for style in styles if style not in OWN_STYLES), *OWN_STYLES]
    pages = [page_of(soups[name], name, part) for name, part in listed(toc)]
    base = posixpath.relpath(site.as_posix(), folder.as_posix())
    join(pages, base)
    day = date.fromtimestamp((site / "index.html").stat().st_mtime)
    return document(config, pages, [f"{base}/{name}" for name in names], day)


def author(root: Path) -> str:
    """Return the author that ``_config.yml`` names."""
    return str(yaml.safe_load((root / "_config.yml").read_text("utf-8"))["author"])


def listed(toc: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the pages of ``_toc.yml`` that are printed, in order: name and caption of the part."""
    chapters = [
        (chapter["file"], part["caption"])
        for part in toc["parts"]
        for chapter in part["chapters"]
        if chapter["file"] not in SCREEN_ONLY
    ]
    return [(toc["root"], ""), *chapters]


def page_of(soup: BeautifulSoup, name: str, part: str) -> Page:
    """Return a built page: its article without what paper has no use for, and its title."""
    article, heading = soup.find("article"), soup.select_one("article h1")
    if not (isinstance(article, Tag) and heading):
        raise NotBuilt(f"{name}.html has no article with a heading: build the book again.")
    for element in article.select(LEFT_OUT):
        element.decompose()
    return Page(name, part, heading.get_text().strip(), article)


def join(pages: list[Page], site: str) -> None:
    """Change the articles in place so that they can stand in one document.

    Parameters
    ----------
    pages
        All pages of the document.
    site
        The folder of the built HTML, as seen from the document.
    """
    names = {page.name for page in pages}
    for page in pages:
        for element in page.article.find_all(True):
            _rename(element, page.name)
            if element.name == "a":
                _relink(element, page.name, names)
            elif element.name == "img":
                _replace_source(element, page.name, site)
            elif element.name == "details":
                element["open"] = ""
            elif element.name in ("h1", "h2", "h3", "h4", "h5"):
                # The caption of a part is the heading above those of its chapters.
                element.name = f"h{int(element.name[1]) + bool(page.part)}"


def anchor(page: str, name: str = "") -> str:
    """Return the document's id for a page, or for an id on that page."""
    return f"{page}:{name}" if name else page


def _rename(element: Tag, page: str) -> None:
    """Put the page's name in front of the ids that an element has or refers to."""
    if element.get("id"):
        element["id"] = anchor(page, str(element["id"]))
    for key in REFERENCES:
        if element.get(key):
            element[key] = " ".join(anchor(page, name) for name in str(element[key]).split())


def _relink(link: Tag, page: str, names: set[str]) -> None:
    """Lead a link within the site to its place in the document; to none, if it is not there."""
    address = urlsplit(str(link.get("href", "")))
    if address.scheme or address.netloc:
        return
    target = page
    if address.path:
        target = posixpath.normpath(posixpath.join(posixpath.dirname(page), address.path))
        target = target.removesuffix(".html")
    if target in names:
        link["href"] = f"#{anchor(target, unquote(address.fragment))}"
    else:
        link.name = "span"
        del link["href"]


def _replace_source(image: Tag, page: str, site: str) -> None:
    """Name an image from the document's place, and load it at once."""
    source = str(image["src"])
    if not urlsplit(source).scheme:
        image["src"] = posixpath.normpath(posixpath.join(site, posixpath.dirname(page), source))
    image["loading"] = "eager"


def document(config: dict[str, Any], pages: list[Page], styles: list[str], day: date) -> str:
    """Return the document of joined pages: title page, contents, then the pages."""
    title, by = html.escape(config["title"]), html.escape(config["author"])
    links = "\n".join(f'<link rel="stylesheet" href="{html.escape(style)}">' for style in styles)
    return f"""<!DOCTYPE html>
<html lang="{config["sphinx"]["config"]["language"]}" data-theme="light" data-mode="light">
<head>
<meta charset="utf-8">
<title>{title}</title>
{links}
<style>
{_running_titles(pages)}
</style>
</head>
<body class="paper">
<section class="title-page">
<p class="book-title">{title}</p>
<p>{by}</p>
<p>{html.escape(IMPRINT.format(day=f"{day.day} {day:%B %Y}"))}</p>
<p>© {config["copyright"]}. {html.escape(config["html"]["extra_footer"])}</p>
</section>
<nav class="paper-contents">
<h1>Contents</h1>
{_contents(pages)}
</nav>
<main class="bd-main bd-content">
{"".join(_chapters(pages))}
</main>
</body>
</html>
"""


def _running_titles(pages: list[Page]) -> str:
    """Return style rules that print each page's title at the head of its sheets."""
    rules = []
    for number, page in enumerate(pages):
        title = page.title.replace("\\", "\\\\").replace('"', '\\"').replace("<", "\\3c ")
        rules.append(f'@page page-{number} {{ @top-center {{ content: "{title}"; }} }}')
    return "\n".join(rules)


def _contents(pages: list[Page]) -> str:
    """Return the lines of the contents; the numbers of their sheets are filled in later."""
    lines, part = [], ""
    for page in pages:
        if page.part != part:
            part = page.part
            lines.append(f'<p class="contents-part">{html.escape(part)}</p>')
        lines.append(_line("contents-page", page.title, page.name))
        heading = "h3" if page.part else "h2"
        for section in page.article.select(f"section[id]:has(> {heading})"):
            text = section.find(heading)
            if text and section.find_parent(class_="admonition") is None:
                lines.append(_line("contents-section", text.get_text(), str(section["id"])))
    return "\n".join(lines)


def _line(kind: str, title: str, target: str) -> str:
    return (
        f'<p class="{kind}"><a href="#{html.escape(target)}"><span>{html.escape(title.strip())}'
        '</span><span class="sheet"></span></a></p>'
    )


def _chapters(pages: list[Page]) -> Iterator[str]:
    part = ""
    for number, page in enumerate(pages):
        name = html.escape(page.name)
        yield f'<div class="paper-page" id="{name}" style="page: page-{number}">\n'
        if page.part != part:
            part = page.part
            yield f'<h1 class="part">{html.escape(part)}</h1>\n'
        text = str(page.article)
        for emoji, word in WORDS.items():
            text = text.replace(emoji, word)
        yield f"{text}\n</div>\n"


def _read(site: Path, name: str) -> BeautifulSoup:
    path = site / f"{name}.html"
    if not path.exists():
        raise NotBuilt(f"{path} is not there: build the book first (make book).")
    return BeautifulSoup(path.read_text("utf-8"), "html.parser")


def _styles(soup: BeautifulSoup, name: str) -> Iterator[str]:
    """Yield the style sheets of a page, named from the site's folder."""
    for link in soup.select('link[rel="stylesheet"]'):
        path = urlsplit(str(link["href"])).path
        yield posixpath.normpath(posixpath.join(posixpath.dirname(name), path))
