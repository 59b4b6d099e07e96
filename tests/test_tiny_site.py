"""Search, previews of links, a missing page and small scripts, on a site of three pages."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import quickjs
from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace

import chinese
import search_index
from tests import accessibility, chromium

STATIC = Path(__file__).parent.parent / "_static"
PAGES = {
    "index": "# Start\n\nOne **number** beside $x^2$ another.\n\n## Later\n\nNot this.\n\n"
    "```{toctree}\nterms\nzh\n```\n",
    "terms": "# Terms\n\n" + "A long sentence of words. " * 20 + "\n\n"
    "```{glossary}\nrecall\n  What was found.\n```\n",
    "zh": "# 中文\n\n隨機欠採樣學的是錯的標籤。\n",
}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made(tmp_path_factory.mktemp("site"))


def made(folder: Path) -> Path:
    for name, text in PAGES.items():
        (folder / f"{name}.md").write_text(text, "utf-8")
    build(folder)
    return folder


def build(folder: Path, **settings: Any) -> Path:
    """Build the site, or what changed of it; return the folder of its pages."""
    out = folder / "out"
    settings |= {
        "extensions": ["myst_parser", "search_index", "page_metadata", "not_found"],
        "project": "The <book>",
        "myst_enable_extensions": ["dollarmath"],
        "exclude_patterns": ["out"],
    }
    with docutils_namespace():
        app = Sphinx(
            folder, None, out, folder / "out" / "trees", "html", settings, None, None, parallel=1
        )
        app.build()
    return out


def index(out: Path) -> dict[str, Any]:
    text = (out / "searchindex.js").read_text("utf-8")
    found: dict[str, Any] = json.loads(text.removeprefix("Search.setIndex(").removesuffix(")"))
    return found


def test_a_build_of_one_page_keeps_the_terms_of_the_others(tmp_path: Path) -> None:
    before = index(made(tmp_path) / "out")
    assert before["indexentries"] == {"recall": [[1, "term-recall", True]]}
    (tmp_path / "index.md").write_text(PAGES["index"] + "\nchanged\n", "utf-8")
    after = index(build(tmp_path))
    assert "chang" in after["terms"]
    assert after["indexentries"] == before["indexentries"]


def test_a_part_of_a_chinese_sentence_is_in_the_index(site: Path) -> None:
    found = index(site / "out")
    page = found["docnames"].index("zh")
    for query in ("採樣", "欠", "隨機欠採樣", "標籤"):
        words = split_by_script(query)
        assert words
        assert all(found["terms"][word] == page for word in words), query


def split_by_script(query: str) -> list[str]:
    context = quickjs.Context()
    context.eval(search_index.EnglishAndChinese.js_splitter_code)
    words: list[str] = json.loads(context.eval(f"JSON.stringify(splitQuery({json.dumps(query)}))"))
    return words


@pytest.mark.parametrize("query", ["focal loss, γ_2!", "RUS 欠採樣 2019年", "龍", "", "a-b 中文x"])
def test_a_query_is_split_as_the_pages_are(query: str) -> None:
    words = split_by_script(query)
    assert set(words) <= set(search_index.EnglishAndChinese({}).split(query))
    assert bool(words) == bool(query)
    singles = [word for word in words if re.match("[㐀-鿿]", word)]
    assert "".join(dict.fromkeys("".join(singles))) == "".join(re.findall("[㐀-鿿]", query))


def metadata(page: Path) -> dict[str, str]:
    pattern = r'<meta (?:name|property)="([^"]+)" content="([^"]*)">'
    return dict(re.findall(pattern, page.read_text("utf-8")))


def test_a_shared_link_shows_the_first_sentence(site: Path) -> None:
    found = metadata(site / "out" / "index.html")
    assert found["description"] == found["og:description"] == "One number beside another."
    assert found["og:title"] == "Start"
    assert "The &lt;book&gt;" in found["og:site_name"]
    assert not {"og:url", "og:image"} & set(found)
    long = metadata(site / "out" / "terms.html")["description"]
    assert len(long) <= 182
    assert re.fullmatch(r"A long sentence.*( \w+ …| words\.)", long)
    assert metadata(site / "out" / "zh.html")["description"] == "隨機欠採樣學的是錯的標籤。"


def test_addresses_are_given_where_the_sites_own_is_known(tmp_path: Path) -> None:
    (tmp_path / "index.md").write_text(PAGES["terms"], "utf-8")
    out = build(tmp_path, html_baseurl="https://a.org/book/")
    found = metadata(out / "index.html")
    assert found["og:url"] == "https://a.org/book/index.html"
    assert found["og:image"].startswith("https://a.org/book/_static/")


def test_the_theme_speaks_chinese_on_a_page_in_chinese() -> None:
    page = '<p class="expanded admonition-title">Hide code cell source</p><p>Show me Contents</p>'
    assert chinese.translated(page) == page.replace("Hide code cell source", "隱藏程式碼")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    if not chromium.find():
        pytest.skip("no Chromium; set CHROMIUM to its path")
    with chromium.launch() as started:
        yield started


def test_a_search_quotes_the_definition_of_a_term(browser: Any, site: Path) -> None:
    with chromium.serve(site / "out") as address:
        page = browser.new_page()
        page.goto(f"{address}search.html?q=recall")
        quoted = page.locator("#search-results li p").first.inner_text()
        assert " ".join(quoted.split()) == "recall: What was found."
        page.close()


@pytest.mark.parametrize("asked", ["no.html", "book/no.html", "book/_static/deep/no.css"])
def test_a_missing_page_leads_to_the_root(
    browser: Any, site: Path, tmp_path: Path, asked: str
) -> None:
    # A server answers with the text of 404.html at the address that was asked for.
    (tmp_path / asked).parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(site / "out" / "404.html", tmp_path / f"{asked}.html")
    with chromium.serve(tmp_path) as address:
        page = browser.new_page()
        page.goto(f"{address}{asked}.html")
        root = address + "book/" * asked.startswith("book/")
        assert page.locator("a").evaluate("a => a.href") == f"{root}index.html"
        page.locator("input").fill("focal")
        with page.expect_request(lambda request: "search.html" in request.url) as sent:
            page.keyboard.press("Enter")
        assert sent.value.url == f"{root}search.html?q=focal"
        page.close()


@pytest.mark.parametrize("way", ["pointer", "keyboard"])
def test_escape_puts_a_reference_away_until_the_reader_comes_back(browser: Any, way: str) -> None:
    page = browser.new_page()
    page.set_content(
        f"<style>{(STATIC / 'book.css').read_text('utf-8')}</style><div class='bd-article'>"
        "<p>x</p><span class='bibtex-citation'><a href='#a'>A, 2019</a>"
        "<span class='cited' role='tooltip'>A long title</span></span></div>"
        f"<script>{(STATIC / 'cited.js').read_text('utf-8')}</script>"
    )
    link, reference = page.locator("a"), page.locator(".cited")
    come, leave = link.focus, link.blur
    if way == "pointer":
        come, leave = link.hover, page.locator("p").hover
    for _ in range(2):
        assert not reference.is_visible()
        come()
        assert reference.is_visible()
        page.keyboard.press("Escape")
        assert not reference.is_visible()
        leave()
    page.close()


def test_a_table_sorts_up_down_and_as_it_was(browser: Any) -> None:
    cells = ["Table 7.10", "Table 7.9", "Table 8.1", "Table 7.1"]
    rows = "".join(f"<tr><td>{cell}</td></tr>" for cell in cells)
    page = browser.new_page()
    page.set_content(
        f"<div class='bd-article'><table><thead><tr><th>x</th></tr></thead><tbody>{rows}</tbody>"
        f"</table></div><script>{(STATIC / 'sort.js').read_text('utf-8')}</script>"
    )
    up = ["Table 7.1", "Table 7.9", "Table 7.10", "Table 8.1"]
    for order, expected in (("ascending", up), ("descending", up[::-1]), (None, cells)):
        page.locator(".sort-button").click()
        assert page.locator("th").get_attribute("aria-sort") == order
        assert page.locator("td").all_inner_texts() == expected
    page.close()


@pytest.mark.parametrize(
    ("around", "own"),
    [("", "color: #999"), ("background: #555", ""), ("", "opacity: 0.4"), ("opacity: 0.4", "")],
)
def test_one_pale_text_among_many_is_found(browser: Any, around: str, own: str) -> None:
    """The tests of pages ask axe about one text of each look: this one looks like no other."""
    texts = [f"<div><p>text {number}</p></div>" for number in range(50)]
    page = browser.new_page()
    frame = "<html lang='en'><title>t</title><main><h1>t</h1>{}</main></html>".format
    page.set_content(frame("".join(texts)))
    assert accessibility.violations(page) == []
    texts[30] = f"<div style='{around}'><p style='{own}'>pale</p></div>"
    page.set_content(frame("".join(texts)))
    (found,) = accessibility.violations(page)
    assert found.startswith("color-contrast: ")
    assert ">pale</p>" in found
    page.close()


@pytest.mark.parametrize("where", ["class='pale'", "style='color: #999'"])
def test_a_pale_row_among_many_alike_is_found(browser: Any, where: str) -> None:
    """The rules of looks are asked about three rows of a kind: this one is of another kind."""
    rows = [f"<tr><td>text {number}</td></tr>" for number in range(50)]
    rows[30] = f"<tr><td {where}>pale</td></tr>"
    page = browser.new_page()
    page.set_content(
        "<html lang='en'><title>t</title><style>.pale { color: #999 }</style><main><h1>t</h1>"
        f"<table><tbody>{''.join(rows)}</tbody></table></main></html>"
    )
    (found,) = accessibility.violations(page, rules=accessibility.OF_LOOKS)
    assert ">pale</td>" in found
    assert page.locator("td").all_inner_texts()[29:32] == ["text 29", "pale", "text 31"]
    assert page.locator("tr").count() == 50
    page.close()
