"""The book on paper: its pages joined into one document, and the PDF printed from it."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any
from unicodedata import normalize

import pytest
import yaml
from bs4 import BeautifulSoup
from pypdf import PdfReader, PdfWriter
from pypdfium2 import PdfDocument

from _ext import paper, pdf
from tests import chromium

ROOT = Path(__file__).parent.parent
SITE = ROOT / "_build" / "html"
CAPTION = "figcaption, caption"
CHINESE = re.compile("[\u3400-\u9fff]")
TOO_WIDE = """() => [...document.querySelectorAll("body *")]
  .filter(element => !element.closest(".katex") || element.matches(".katex"))
  .filter(element => element.getBoundingClientRect().right > document.body.clientWidth + 1)
  .map(element => element.outerHTML.slice(0, 120))"""
# What listens later hears it later: this is the theme that the print has.
NOTE_THEME = """() => window.addEventListener("beforeprint", () => {
  window.printedTheme = document.documentElement.dataset.theme;
})"""
FOLDED = """() => [".solution p, .solution pre, .below-input td", ".above-input, summary"]
  .map(selector => [...document.querySelectorAll(selector)])
  .map(found => ({there: found.length, shown: found.filter(e => e.checkVisibility()).length}))"""

needs_chromium = pytest.mark.skipif(
    not chromium.find(), reason="no Chromium; set CHROMIUM to its path"
)
needs_site = pytest.mark.skipif(
    not (SITE / "index.html").exists(), reason="no site is built; run make book first"
)

CONFIG = """
title: Cats & dogs
author: A. Author
copyright: "2026"
html: {extra_footer: "Text: CC BY 4.0."}
sphinx: {config: {language: en}}
"""
TOC = """
root: index
parts:
  - caption: First <part>
    chapters: [{file: chapters/a}, {file: chapters/b}]
"""
INDEX = """<article class="bd-article"><section id="top"><h1>Cats &amp; dogs</h1>
<p><a href="chapters/b.html#same">to b</a> <a href="chapters/a.html">to a</a></p>
</section></article>"""
A = """<link rel="stylesheet" href="../_static/book.css?v=1">
<article class="bd-article"><section id="a"><h1>The "A"<a class="headerlink" href="#a">#</a></h1>
<section id="same"><h2>Deep<a class="headerlink" href="#same">#</a></h2>
<p><a href="#same">own</a> <a href="b.html#same">other</a> <a href="../index.html#top">up</a>
<a href="../notebooks/a.ipynb">notebook</a> <a href="https://example.org/b.html#same">out</a>
<a href="#">start</a></p>
<label for="field" id="label">Field</label><div id="field" aria-labelledby="label same"></div>
<img alt="dot" loading="lazy" src="../_images/dot.svg">
<img alt="here" src="data:image/gif;base64,R0">
<details class="admonition hide above-input"><summary>Show</summary>hidden = code</details>
<details class="admonition hide below-input"><summary>Show</summary>result</details>
<script>alert()</script></section></section></article>"""
B = """<article><section id="b"><h1>B</h1><p>All is ✅.</p>
<section id="same"><h2>Summary</h2></section></section></article>"""


@pytest.fixture
def book(tmp_path: Path) -> Path:
    """Return the folder of a made-up book of three pages, built into ``site``."""
    files = {
        "_config.yml": CONFIG,
        "_toc.yml": TOC,
        "site/index.html": INDEX,
        "site/chapters/a.html": A,
        "site/chapters/b.html": B,
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, "utf-8")
    return tmp_path


@pytest.fixture
def joined(book: Path) -> BeautifulSoup:
    text = paper.assemble(book, book / "site", book / "pdf")
    return BeautifulSoup(text, "html.parser")


def test_ids_of_pages_do_not_clash(joined: BeautifulSoup) -> None:
    ids = [str(element["id"]) for element in joined.select("[id]")]
    assert len(ids) == len(set(ids))
    assert {"chapters/a:same", "chapters/b:same", "chapters/a", "index"} <= set(ids)
    field = joined.select_one("[aria-labelledby]")
    assert field["id"] == joined.label["for"] == "chapters/a:field"
    assert field["aria-labelledby"] == "chapters/a:label chapters/a:same"


def test_links_between_pages_lead_to_their_place_in_the_document(joined: BeautifulSoup) -> None:
    links = {link.get_text(): str(link["href"]) for link in joined.select("main a")}
    assert links == {
        "to b": "#chapters/b:same",
        "to a": "#chapters/a",
        "own": "#chapters/a:same",
        "other": "#chapters/b:same",
        "up": "#index:top",
        "out": "https://example.org/b.html#same",
        "start": "#chapters/a",
    }
    assert "notebook" in joined.main.get_text()


def test_a_page_for_the_screen_is_not_printed(book: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paper, "SCREEN_ONLY", ("chapters/b",))
    text = paper.assemble(book, book / "site", book / "pdf")
    joined = BeautifulSoup(text, "html.parser")
    assert [heading.get_text() for heading in joined.select("main h2, main h1")][-1] == 'The "A"'
    assert "to b" not in [link.get_text() for link in joined.select("a")]
    assert "to b" in joined.main.get_text()


def test_contents_name_every_part_page_and_section_in_order(joined: BeautifulSoup) -> None:
    nav = joined.select_one("nav")
    assert [line.get_text() for line in nav.select("p")] == [
        "Cats & dogs",
        "First <part>",
        'The "A"',
        "Deep",
        "B",
        "Summary",
    ]
    targets = [str(link["href"])[1:] for link in nav.select("a")]
    ids = {str(element["id"]) for element in joined.select("[id]")}
    assert len(targets) == 5
    assert set(targets) <= ids


def test_headings_of_chapters_are_below_those_of_parts(joined: BeautifulSoup) -> None:
    headings = [(h.name, h.get_text()) for h in joined.find_all(re.compile("^h[1-6]$"))]
    assert headings == [
        ("h1", "Contents"),
        ("h1", "Cats & dogs"),
        ("h1", "First <part>"),
        ("h2", 'The "A"'),
        ("h3", "Deep"),
        ("h2", "B"),
        ("h3", "Summary"),
    ]
    # The title at the head of a sheet stands in a style sheet, where a quote would end it.
    assert r'content: "The \"A\""' in str(joined.style)


def test_paper_shows_what_is_folded_but_no_folded_code(joined: BeautifulSoup) -> None:
    text = joined.main.get_text()
    assert "hidden = code" not in text
    assert "result" in text
    assert joined.details.has_attr("open")
    assert "All is yes." in text
    assert not joined.main.select("script, a.headerlink")


def test_images_and_styles_are_named_from_the_document(joined: BeautifulSoup) -> None:
    sources = [(image["src"], image["loading"]) for image in joined.select("img")]
    assert sources == [
        ("../site/_images/dot.svg", "eager"),
        ("data:image/gif;base64,R0", "eager"),
    ]
    styles = [str(link["href"]) for link in joined.select('link[rel="stylesheet"]')]
    assert styles == [f"../site/_static/{name}.css" for name in ("book", "print", "paper")]


def test_a_page_that_is_not_built_is_named(book: Path) -> None:
    (book / "site" / "chapters" / "b.html").unlink()
    with pytest.raises(paper.NotBuilt, match=r"b\.html is not there: build the book first"):
        paper.assemble(book, book / "site", book / "pdf")


@pytest.mark.parametrize(
    ("found", "said"),
    [(None, "Chromium is needed"), ("/no/chromium", "/no/chromium failed: .+")],
)
def test_without_chromium_one_line_says_so(
    book: Path, monkeypatch: pytest.MonkeyPatch, found: str | None, said: str
) -> None:
    monkeypatch.setattr("_ext.browser.find", lambda: found)
    with pytest.raises(pdf.CannotPrint, match=f"^{said}") as error:
        pdf.make(book, book / "site", book / "pdf")
    assert "\n" not in str(error.value)
    assert not (book / "pdf" / "book.pdf").exists()


def small(titles: list[str]) -> bytes:
    """Return a PDF of a page with bookmarks, each but the first below the one before it."""
    writer = PdfWriter()
    writer.add_blank_page(100, 100)
    item = None
    for title in titles:
        item = writer.add_outline_item(title, 0, parent=item)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def test_bookmarks_read_as_the_headings() -> None:
    printed = small(["Deep dataDeep datasets", "SummarySummary", "三"])
    finished = pdf.finish(printed, ["Deep data sets", "Summary", "三 (γ)"], "蔡 and others")
    assert finished.startswith(printed)
    # The update leads back to the table of the objects that it leaves as they are.
    table = re.findall(rb"startxref\s+(\d+)", printed)[-1]
    assert b"/Prev " + table in finished[len(printed) :]
    reader = PdfReader(io.BytesIO(finished), strict=True)
    assert flat(reader.outline) == [(0, "Deep data sets"), (1, "Summary"), (2, "三 (γ)")]
    assert reader.metadata.author == "蔡 and others"
    with pytest.raises(pdf.CannotPrint, match="3 bookmarks were printed for 1 headings"):
        pdf.finish(printed, ["Deep data sets"], "")


def items(outline: Any) -> Iterator[Any]:
    """Yield the bookmarks in the order in which they are read."""
    for item in outline:
        yield from items(item) if isinstance(item, list) else [item]


def flat(outline: Any, depth: int = 0) -> list[tuple[int, str]]:
    """Return the bookmarks with their depth."""
    found: list[tuple[int, str]] = []
    for item in outline:
        found += flat(item, depth + 1) if isinstance(item, list) else [(depth, item.title)]
    return found


@needs_chromium
def test_wide_tables_shrink_and_missing_glyphs_are_reported(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cells = "".join(f"<td>column{number}</td>" for number in range(14))
    source = tmp_path / "wide.html"
    source.write_text(
        "<!DOCTYPE html><meta charset=utf-8><style>@page {size: A4; margin: 18mm} body {margin: 0}"
        f"</style><h1>Here</h1><main><div><table><tr>{cells}</tr></table></div>"
        "<p>蔡 \ue123</p></main>",
        "utf-8",
    )
    printed, headings = pdf.print_document(source)
    assert headings == ["Here"]
    assert "No font of this machine has \ue123:" in capsys.readouterr().err
    reader = PdfReader(io.BytesIO(printed))
    assert [count_missing(page) for page in reader.pages] == [1]
    # Chromium prints the whole page smaller where something is too wide for it.
    heading = [
        tm[0] * cm[0] * size
        for text, cm, tm, size in text_of(reader.pages[0])
        if text.strip() == "Here"
    ]
    assert heading == [pytest.approx(24.0, abs=0.1)]
    assert "column13" in reader.pages[0].extract_text()


def text_of(page: Any) -> list[tuple[str, list[float], list[float], float]]:
    """Return each piece of a page's text with its matrices and its size."""
    found: list[tuple[str, list[float], list[float], float]] = []
    page.extract_text(
        visitor_text=lambda text, cm, tm, font, size: found.append((text, cm, tm, size))
    )
    return found


def count_missing(page: Any) -> int:
    """Return how often a page shows glyph 0 of a font, the box for what the font does not have."""
    fonts = page["/Resources"].get("/Font", {})
    stream = page.get_contents().get_data()
    missing, width = 0, 4
    for name, shown in re.findall(rb"/(\w+) [\d.]+ Tf|<([0-9A-F]+)>(?=[^<>]*T[jJ])", stream):
        if name:
            composite = fonts[f"/{name.decode()}"].get_object()["/Subtype"] == "/Type0"
            width = 4 if composite else 2
        else:
            codes = [shown[i : i + width] for i in range(0, len(shown), width)]
            missing += sum(int(code, 16) == 0 for code in codes)
    return missing


@dataclass
class Printed:
    """The printed book, and the pages that it was printed from."""

    reader: PdfReader
    texts: list[str]
    source: Path
    document: BeautifulSoup
    articles: dict[str, BeautifulSoup]


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> Printed:
    path = pdf.make(ROOT, SITE, tmp_path_factory.mktemp("pdf"))
    reader = PdfReader(path)
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text("utf-8"))
    articles = {
        name: BeautifulSoup((SITE / f"{name}.html").read_text("utf-8"), "html.parser").article
        for name, _ in paper.listed(toc)
    }
    source = path.with_name("book.html")
    document = BeautifulSoup(source.read_text("utf-8"), "html.parser")
    # pypdf would take half a minute for the texts. U+FFFE is a hyphen at what may be a line's end.
    texts = [
        page.get_textpage().get_text_range().replace("\r\n", "\n").replace("\ufffe", "-")
        for page in PdfDocument(path)
    ]
    return Printed(reader, texts, source, document, articles)


def squeezed(text: str) -> str:
    """Return a text without its spaces, which a line's end takes away or adds.

    Where a font has one glyph for 龍 and for the radical of that form, the print names either;
    NFKC makes them one.
    """
    return re.sub(r"\s+", "", normalize("NFKC", text))


@needs_chromium
@needs_site
def test_every_page_of_the_book_is_there_in_order(printed: Printed) -> None:
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text("utf-8"))
    titles = {
        name: article.h1.get_text().removesuffix("#") for name, article in printed.articles.items()
    }
    expected = [(0, "Contents"), (0, titles["index"])]
    for part in toc["parts"]:
        expected.append((0, part["caption"]))
        files = [chapter["file"] for chapter in part["chapters"]]
        expected += [(1, titles[file]) for file in files if file != "chapters/library"]
    outline = flat(printed.reader.outline)
    assert [item for item in outline if item in expected] == expected
    sheets = [
        printed.reader.get_destination_page_number(item) for item in items(printed.reader.outline)
    ]
    assert all(first <= second for first, second in pairwise(sheets))
    for (_, title), sheet in zip(outline, sheets, strict=True):
        assert squeezed(title) in squeezed(printed.texts[sheet]), title


@needs_chromium
@needs_site
def test_every_link_leads_to_a_sheet_or_out_of_the_book(printed: Printed) -> None:
    places = printed.reader.named_destinations
    inside, outside = set(), set()
    for page in printed.reader.pages:
        for annotation in page.get("/Annots", []):
            link = annotation.get_object()
            if "/Dest" in link:
                inside.add(str(link["/Dest"]))
            else:
                outside.add(str(link["/A"]["/URI"]))
    linked = {str(link["href"])[1:] for link in printed.document.select('a[href^="#"]')}
    assert {name.removeprefix("/") for name in inside} == linked
    assert inside <= set(places)
    assert all(
        printed.reader.get_destination_page_number(places[name]) is not None for name in inside
    )
    assert [address for address in outside if not re.match("https?://|mailto:", address)] == []


@needs_chromium
@needs_site
def test_every_numbered_figure_and_table_has_its_caption(printed: Printed) -> None:
    text = squeezed("".join(printed.texts))
    captions = [
        caption
        for article in printed.articles.values()
        for caption in article.select(CAPTION)
        if caption.select_one(".caption-number")
    ]
    assert len(captions) > 100
    for caption in captions:
        # A formula is set in pieces, in another order: compare what stands before it.
        for formula in caption.select(".math"):
            formula.replace_with("\0")
        words = caption.get_text().removesuffix("#").partition("\0")[0]
        assert squeezed(words.rstrip("#\n")) in text, words


@needs_chromium
@needs_site
def test_contents_give_the_numbers_that_the_sheets_bear(printed: Printed) -> None:
    outline = {
        item.title: printed.reader.get_destination_page_number(item) + 1
        for item in items(printed.reader.outline)
    }
    # pdfium takes the two columns of the contents for vertical writing.
    pages = printed.reader.pages[1 : outline["Introduction"] - 1]
    contents = "\n".join(page.extract_text() for page in pages)
    for title in ("Introduction", "Replication report", "References"):
        number = outline[title]
        assert re.search(rf"^{title}\s*{number}$", contents, re.MULTILINE), title
        # The title of the chapter at the head, the number at the foot.
        assert printed.texts[number - 1].startswith(f"{title}\n{number}\n")


@needs_chromium
@needs_site
def test_no_heading_is_left_at_the_foot_of_a_sheet(printed: Printed) -> None:
    headings = {title for _, title in flat(printed.reader.outline)}
    feet = [text.strip().splitlines()[-1].strip() for text in printed.texts]
    assert [
        (number, foot) for number, foot in enumerate(feet, 1) if foot in headings and number > 3
    ] == []


@needs_chromium
@needs_site
def test_fonts_are_embedded_and_no_glyph_is_missing(printed: Printed) -> None:
    fonts: dict[str, Any] = {}
    for page in printed.reader.pages:
        for font in page["/Resources"].get("/Font", {}).values():
            fonts[str(font)] = font.get_object()
    for font in fonts.values():
        if font["/Subtype"] == "/Type3":
            assert font["/CharProcs"]
        else:
            descriptor = font["/DescendantFonts"][0].get_object()["/FontDescriptor"]
            assert {"/FontFile2", "/FontFile3"} & set(descriptor), font["/BaseFont"]
    missing = {number: count_missing(page) for number, page in enumerate(printed.reader.pages, 1)}
    assert {number: count for number, count in missing.items() if count} == {}


@needs_chromium
@needs_site
def test_chinese_can_be_read_out_of_it(printed: Printed) -> None:
    # Folded source code and what unfolds it is not printed.
    shown = [text for a in printed.articles.values() for text in a.find_all(string=CHINESE)]
    prose = "".join(text for text in shown if not text.find_parent(["pre", "summary"]))
    written = set(CHINESE.findall(prose))
    assert {"蔡", "孝", "抽", "樣"} <= written
    assert written <= set(squeezed("".join(printed.texts)))


@needs_chromium
@needs_site
def test_every_file_that_the_document_names_is_there(printed: Printed) -> None:
    elements = printed.document.select("link[href], script[src], img[src]")
    names = [str(element.get("src") or element["href"]) for element in elements]
    files = [printed.source.parent / name for name in names if ":" not in name]
    assert {"print.css", "paper.css"} <= {file.name for file in files}
    assert {".css", ".svg"} <= {file.suffix for file in files}
    assert [file for file in files if not file.exists()] == []


@needs_chromium
@needs_site
def test_formulas_are_typeset(printed: Printed) -> None:
    assert printed.document.select(".tex")
    assert [text for text in printed.texts if re.search(r"\\(frac|mathrm|sum|begin)\b", text)] == []


@needs_chromium
@needs_site
def test_it_says_what_it_is(printed: Printed) -> None:
    config = yaml.safe_load((ROOT / "_config.yml").read_text("utf-8"))
    metadata = printed.reader.metadata
    assert (metadata.title, metadata.author) == (config["title"], config["author"])
    assert printed.reader.root_object["/Lang"] == config["sphinx"]["config"]["language"]
    assert printed.reader.root_object["/MarkInfo"]["/Marked"]
    day = date.fromtimestamp((SITE / "index.html").stat().st_mtime)
    first = " ".join(printed.texts[0].split())
    assert squeezed(config["title"]) in squeezed(first)
    assert f"built on {day.day} {day:%B %Y}" in first
    width, height = (float(side) for side in printed.reader.pages[0].mediabox[2:])
    assert (width, height) == (pytest.approx(595.3, abs=0.5), pytest.approx(841.9, abs=0.5))


@needs_chromium
@needs_site
def test_nothing_is_wider_than_the_sheet(printed: Printed) -> None:
    with chromium.launch() as browser:
        page = browser.new_page(viewport=pdf.VIEWPORT)
        page.emulate_media(media="print")
        page.goto(printed.source.as_uri())
        page.evaluate(pdf.READY)
        page.evaluate(pdf.FIT)
        assert page.evaluate(TOO_WIDE) == []


@needs_site
def test_every_page_of_the_site_can_be_printed() -> None:
    for path in [SITE / "index.html", *(SITE / "chapters").glob("*.html")]:
        loaded = re.findall(r"_static/(print\.\w+|paper\.css)", path.read_text("utf-8"))
        assert sorted(loaded) == ["print.css", "print.js"], path.name


@needs_chromium
@needs_site
def test_a_page_printed_from_a_dark_browser_is_light() -> None:
    with chromium.launch() as browser, chromium.serve(SITE) as address:
        page = browser.new_page(color_scheme="dark")
        page.goto(f"{address}chapters/notation.html")
        assert page.locator("html").get_attribute("data-theme") == "dark"
        page.evaluate(NOTE_THEME)
        page.pdf()
        assert page.evaluate("printedTheme") == "light"
        page.wait_for_function("document.documentElement.dataset.theme === 'dark'")


@needs_chromium
@needs_site
def test_a_printed_page_shows_solutions_and_folded_results_but_no_folded_code() -> None:
    with chromium.launch() as browser, chromium.serve(SITE) as address:
        page = browser.new_page()
        page.emulate_media(media="print")
        for name in ("replication", "multiclass"):
            page.goto(f"{address}chapters/{name}.html")
            shown, hidden = page.evaluate(FOLDED)
            assert shown["shown"] == shown["there"] > 0, name
            assert hidden["shown"] == 0, name
            assert hidden["there"] > 0, name
