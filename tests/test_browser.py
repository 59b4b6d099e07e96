"""Every page of the built site in a real browser with the network shut."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import TimeoutError

from tests import accessibility, chromium

SITE = Path(__file__).parent.parent / "_build" / "html"
SORT = SITE.parent.parent / "_static" / "sort.js"
PAGES = sorted(
    str(path.relative_to(SITE))
    for path in SITE.rglob("*.html")
    if not {"_static", "_sources"} & set(path.relative_to(SITE).parts)
)
THEMES = ("light", "dark")
# The widths and themes of a page's examination, in the order that changes the width least often.
STATES = ((1280, "light"), (360, "light"), (360, "dark"), (1280, "dark"))
# What axe-core is asked: all of its rules once; on a phone and in the dark, those whose answer can
# change; and the dark colours of what surrounds the text, which shows at the larger width only.
RULES = {
    (1280, "light"): None,
    (360, "dark"): accessibility.OF_LOOKS,
    (1280, "dark"): ("color-contrast",),
}
MEGABYTE = 1_000_000
STRIDE = 25  # presses of Tab, after which the page is asked what is left

# Pages of every kind, with each widget that the book has.
KINDS = ("index", "search", "chapters/explore", "chapters/data-level-methods", "chapters/status")

FAULTS = ("outside", "errors", "missing", "formulas", "overflow", "violations")

pytestmark = [
    pytest.mark.skipif(not PAGES, reason="no site is built; run make book first"),
    pytest.mark.skipif(not chromium.find(), reason="no Chromium; set CHROMIUM to its path"),
]
every_page = pytest.mark.parametrize("name", PAGES)

USE_THEME = """theme => {
  document.documentElement.dataset.theme = theme;
}"""
# Images below the view load late: ask for them all, so that a missing one shows.
LOAD_IMAGES = """async () => {
  const images = [...document.images];
  images.forEach(image => { image.loading = "eager"; });
  await Promise.allSettled(images.map(image => image.decode()));
  return images.filter(image => !image.naturalWidth).map(image => image.src);
}"""
FORMULAS = """() => {
  const raw = [...document.querySelectorAll(".tex:not(:has(.katex)), .katex-error")];
  const walker = document.createTreeWalker(document.querySelector("main"), NodeFilter.SHOW_TEXT);
  const left = [];
  while (walker.nextNode()) {
    const node = walker.currentNode;
    if (node.parentElement.closest("code, pre, script, style, .katex")) continue;
    if (/\\\\[a-zA-Z]+|\\\\[([]|\\$[^$\\n]+\\$/.test(node.data)) left.push(node.data.trim());
  }
  return raw.map(element => element.textContent).concat(left);
}"""
# A while after the width has changed, the theme lets the keyboard into what scrolls.
SETTLED = """() => {
  const blocks = "pre, .cell_output > .output, .pst-scrollable-table-container";
  return [...document.querySelectorAll(blocks)].every(block =>
    block.scrollWidth <= block.clientWidth || block.tabIndex >= 0);
}"""
OVERFLOW = """() => {
  const width = document.documentElement.clientWidth;
  if (Math.max(document.documentElement.scrollWidth, document.body.scrollWidth) <= width) return [];
  const wide = [...document.querySelectorAll("body *")].filter(element =>
    element.getBoundingClientRect().right > width + 1);
  return ["page wider than its window"].concat(wide.slice(0, 5).map(element =>
    element.tagName + "." + element.className));
}"""
WEIGHT = """() => performance.getEntries()
  .filter(entry => entry.encodedBodySize !== undefined)
  .reduce((sum, entry) => sum + entry.encodedBodySize, 0)"""
HEADINGS = """() => [...document.querySelectorAll("main :is(h1, h2, h3, h4, h5, h6)")]
  .filter(heading => heading.checkVisibility())
  .map(heading => Number(heading.tagName[1]))"""
# What a pointer can use: the keyboard has to reach the same. Where no tabindex is above 0 and
# nothing takes the focus away, Tab goes through all that can be focused, in the page's order.
UNFOCUSABLE = """() => {
  const shown = element => element.checkVisibility({visibilityProperty: true});
  const all = document.querySelectorAll("a[href], button, input, select, textarea, summary");
  const unreached = [...all].filter(element => {
    if (!shown(element) || element.disabled) return false;
    element.focus({preventScroll: true});
    return element.tabIndex < 0 || document.activeElement !== element;
  });
  return unreached.concat(...document.querySelectorAll("[tabindex]:not([tabindex^='-'],"
    + "[tabindex='0'])")).map(element => element.outerHTML.slice(0, 120));
}"""
CONTROLS = """() => {
  const shown = element => element.checkVisibility({visibilityProperty: true});
  const all = [...document.querySelectorAll("a[href], button, input, select, textarea, summary")];
  const seen = new Set();
  document.addEventListener("focusin", event => seen.add(event.target));
  window.unreached = () => all.filter(element => shown(element) && !element.disabled
    && !seen.has(element)).map(element => element.outerHTML.slice(0, 120));
  return all.length;
}"""


@dataclass
class Visit:
    """What the browser met on one page."""

    outside: list[str] = field(default_factory=list)  # requests that leave the site
    errors: list[str] = field(default_factory=list)  # of scripts and in the console
    missing: list[str] = field(default_factory=list)
    formulas: list[str] = field(default_factory=list)  # not typeset
    overflow: list[str] = field(default_factory=list)  # what is wider than the window
    violations: list[str] = field(default_factory=list)  # found by axe
    unreached: list[str] = field(default_factory=list)
    headings: list[int] = field(default_factory=list)
    weight: int = 0


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium.launch() as started:
        yield started


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with chromium.serve(SITE) as served:
        yield served


@pytest.fixture(scope="module")
def visit(browser: Any, address: str) -> Iterator[Callable[[str], Visit]]:
    """Return a function that opens a page, once, and remembers what it met."""
    page = browser.new_page()  # one for all: a new window costs more than loading a page
    visits, looks = [Visit()], accessibility.Looks()
    _watch(page, address, lambda: visits[-1])

    @cache
    def open_page(name: str) -> Visit:
        visits.append(Visit())
        page.goto(address + name, wait_until="load")
        _examine(page, visits[-1], looks)
        return visits[-1]

    _resize(page, 1280)
    yield open_page
    page.close()


def _watch(page: Any, address: str, found: Callable[[], Visit]) -> None:
    """Note what a page asks for and complains of."""
    page.on("request", lambda r: _note_outside(found(), address, r.url))
    page.on("console", lambda m: found().errors.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: found().errors.append(str(error)))
    page.on("response", lambda r: found().missing.append(r.url) if r.status >= 400 else None)


def _note_outside(found: Visit, address: str, url: str) -> None:
    if not url.startswith((address, "data:", "blob:")):
        found.outside.append(url)


def _examine(page: Any, found: Visit, looks: accessibility.Looks) -> None:
    # Colours in between, while a theme fades into the other, are nobody's choice.
    page.add_style_tag(content="* { transition: none !important; }")
    found.weight = page.evaluate(WEIGHT)
    found.headings = page.evaluate(HEADINGS)
    before = 0
    for width, theme in STATES:
        if width != before:
            _resize(page, width)
            found.missing += page.evaluate(LOAD_IMAGES)
            found.formulas += page.evaluate(FORMULAS)
            with suppress(TimeoutError):  # then axe says what it is
                page.wait_for_function(SETTLED, timeout=2000)
        before = width
        page.evaluate(USE_THEME, theme)
        found.overflow += [f"{width} {theme}: {what}" for what in page.evaluate(OVERFLOW)]
        if (width, theme) in RULES:
            broken = accessibility.violations(page, looks, RULES[width, theme])
            found.violations += [f"{width} {theme}: {what}" for what in broken]
    found.unreached = page.evaluate(UNFOCUSABLE)


def _resize(page: Any, width: int) -> None:
    """Set the window's width and wait until scripts and styles have seen it."""
    page.set_viewport_size({"width": width, "height": 800})
    page.evaluate("() => new Promise(f => requestAnimationFrame(() => setTimeout(f)))")


def _walk_by_keyboard(page: Any) -> list[str]:
    """Return the visible links and controls that Tab does not reach, there or back.

    The way back is for what appears while the page scrolls, such as a section's part of the
    contents.
    """
    stops = page.evaluate(CONTROLS) + 100
    unreached: list[str] = []
    for key in ("Tab", "Shift+Tab"):
        for _ in range(0, stops, STRIDE):
            for _ in range(STRIDE):
                page.keyboard.press(key)
            unreached = page.evaluate("unreached()")
            if not unreached:
                return []
    return unreached


@pytest.mark.parametrize("fault", FAULTS)
@every_page
def test_a_page_is_free_of_faults(name: str, fault: str, visit: Any) -> None:
    assert getattr(visit(name), fault) == []


@pytest.mark.parametrize("name", KINDS)
def test_a_page_that_a_phone_opens_meets_no_fault(name: str, browser: Any, address: str) -> None:
    """Each kind of page; all the others are opened wide, and made narrow then."""
    page = browser.new_page(viewport={"width": 360, "height": 800})
    found = Visit()
    _watch(page, address, lambda: found)
    page.goto(f"{address}{name}.html", wait_until="load")
    assert page.evaluate(OVERFLOW) == found.errors == found.missing == found.outside == []
    assert accessibility.violations(page) == []
    page.close()


@every_page
def test_headings_nest(name: str, visit: Any) -> None:
    levels = visit(name).headings
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


@every_page
def test_the_keyboard_can_reach_everything(name: str, visit: Any) -> None:
    assert visit(name).unreached == []


@pytest.mark.parametrize("name", [*KINDS, "chapters/replication"])
def test_tab_reaches_everything(name: str, browser: Any, address: str) -> None:
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    page.goto(f"{address}{name}.html", wait_until="load")
    assert _walk_by_keyboard(page) == []
    page.close()


@every_page
def test_a_page_is_light(name: str, visit: Any) -> None:
    interactive = "explore/" in (SITE / name).read_text("utf-8")
    assert visit(name).weight < (2.5 if interactive else 1.5) * MEGABYTE


def test_search_finds_a_method_without_network(browser: Any, address: str) -> None:
    page = browser.new_page()
    page.goto(address + "search.html?q=SMOTE")
    # The glossary's term stands first; the chapter that treats the method is found as well.
    page.locator("#search-results li a[href*='data-level-methods']").first.wait_for()
    first = page.locator("#search-results li a").first.get_attribute("href")
    assert "SMOTE" in first
    page.close()


def test_a_table_sorts_by_keyboard(browser: Any, address: str) -> None:
    page = browser.new_page()
    page.goto(address + "chapters/concordance.html")
    table = page.locator("article table:has(.sort-button)").first
    cells = "table => [...table.tBodies[0].rows].map(row => row.cells[0].textContent.trim())"
    before = table.evaluate(cells)
    button = table.locator(".sort-button").first
    button.focus()
    page.keyboard.press("Enter")
    ascending = table.evaluate(cells)
    assert table.locator("th").first.get_attribute("aria-sort") == "ascending"
    page.keyboard.press("Enter")
    assert table.locator("th").first.get_attribute("aria-sort") == "descending"
    assert sorted(before) == sorted(ascending)
    assert table.evaluate(cells) != ascending
    page.close()


@pytest.mark.parametrize(
    ("cells", "ascending"),
    [
        (["10", "9", "–", "2.5"], ["2.5", "9", "10", "–"]),
        (["1,000", "−3", "20 %", "0.5"], ["−3", "0.5", "20 %", "1,000"]),
        (["b", "a", "d", "c"], ["a", "b", "c", "d"]),
    ],
)
def test_numbers_sort_as_numbers(browser: Any, cells: list[str], ascending: list[str]) -> None:
    rows = "".join(f"<tr><td>{cell}</td></tr>" for cell in cells)
    page = browser.new_page()
    page.set_content(
        f"<div class='bd-article'><table><thead><tr><th>x</th></tr></thead>"
        f"<tbody>{rows}</tbody></table></div>"
        f"<script>{SORT.read_text('utf-8')}</script>"
    )
    page.locator(".sort-button").click()
    assert page.locator("td").all_inner_texts() == ascending
    page.close()


def test_headings_and_equations_have_permanent_addresses() -> None:
    for name in PAGES:
        text = (SITE / name).read_text("utf-8")
        for heading in re.findall(r"<h[2-6]>.*?</h[2-6]>", text.partition("<article")[2]):
            assert 'class="headerlink"' in heading or "search" in name, heading


def test_formulas_come_typeset_and_bring_their_style() -> None:
    for name in PAGES:
        text = (SITE / name).read_text("utf-8")
        formulas = re.findall(r'class="tex(?: display)?">(.{30})', text, re.DOTALL)
        assert all(start.startswith('<span class="katex') for start in formulas), name
        assert ("katex.min.css" in text) == bool(formulas), name
        assert "katex.min.js" not in text, name


def test_numbered_equations_figures_and_tables_have_permanent_addresses() -> None:
    found = 0
    for name in PAGES:
        text = (SITE / name).read_text("utf-8")
        for match in re.finditer('class="eqno"|class="caption-number">(?:Figure|Table) ', text):
            rest = text[match.start() :]
            end = re.search(r"</caption>|</figcaption>|</div>", rest)
            assert 'class="headerlink"' in rest[: end.start()], (name, rest[:80])
            found += 1
    assert found > 70  # the thesis alone has 43 figures and 31 tables


@pytest.mark.parametrize("way", ["pointer", "keyboard"])
@pytest.mark.parametrize("theme", THEMES)
def test_a_citation_shows_its_reference(browser: Any, address: str, way: str, theme: str) -> None:
    page = browser.new_page(viewport={"width": 360, "height": 800})
    page.goto(address + "chapters/introduction.html")
    page.evaluate(USE_THEME, theme)
    link = page.locator(".bibtex-citation a").first
    reference = page.locator(".bibtex-citation .cited").first
    assert not reference.is_visible()
    if way == "pointer":
        link.hover()
    else:
        page.evaluate(
            "link => { const before = document.createElement('button');"
            " link.before(before); before.focus(); }",
            link.element_handle(),
        )
        page.keyboard.press("Tab")
    assert reference.is_visible()
    assert "vibration monitoring of a water pump" in reference.inner_text()
    box, text = reference.bounding_box(), link.bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 360
    assert 0 <= box["y"] - (text["y"] + text["height"]) < 12  # just below the line
    ground, ink = reference.evaluate(
        "e => [getComputedStyle(e).backgroundColor, getComputedStyle(e).color]"
    )
    light = [sum(map(float, re.findall(r"[\d.]+", colour)[:3])) for colour in (ground, ink)]
    assert (light[0] > light[1]) == (theme == "light")
    if way == "pointer":
        reference.hover()  # a reader can point at it, to select or read on
        assert reference.is_visible()
    page.mouse.move(0, 0)
    page.close()


def test_findings_and_ways_in_are_on_the_first_screen(browser: Any, address: str) -> None:
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    page.goto(address + "index.html")
    cards = page.locator(".landing .sd-card")
    assert cards.count() == 6
    for card in cards.all():
        box = card.bounding_box()
        assert box["y"] + box["height"] <= 800, card.inner_text()
    assert page.locator(".landing img").count() == 3
    assert page.locator("article a[lang='zh-Hant'][href*='zh-hant']").bounding_box()["y"] < 800
    page.close()


def test_the_chinese_page_says_its_language(browser: Any, address: str) -> None:
    page = browser.new_page()
    page.goto(address + "chapters/zh-hant.html")
    heading = page.locator("article h1")
    assert heading.evaluate("e => e.closest('[lang]').lang") == "zh-Hant"
    assert "TC" in heading.evaluate("e => getComputedStyle(e).fontFamily")
    assert page.locator("html").get_attribute("lang") == "en"  # of menus and buttons
    assert not re.search(
        "[\u4e00-\u9fff]",
        page.locator("nav").first.evaluate(
            "e => [...e.querySelectorAll('a:not([lang])')].map(a => a.textContent).join()"
        ),
    )
    page.close()


def test_best_values_stand_out(browser: Any, address: str) -> None:
    page = browser.new_page()
    page.goto(address + "chapters/multiclass.html")
    bold = page.locator("figure:has-text('7.13') td strong, table:has-text('7.13') td strong")
    texts = bold.all_text_contents()
    assert "74.11, best" in texts  # ROS, class 0
    assert "95.42, best" in texts  # RUS, class 1
    weight = bold.first.evaluate("e => Number(getComputedStyle(e).fontWeight)")
    assert weight >= 600
    page.close()


@pytest.mark.parametrize("theme", THEMES)
def test_a_wide_table_has_a_shadow_where_there_is_more(
    browser: Any, address: str, theme: str
) -> None:
    page = browser.new_page(viewport={"width": 360, "height": 800})
    page.goto(address + "chapters/multiclass.html")
    page.evaluate(USE_THEME, theme)
    table = page.locator(".pst-scrollable-table-container").first
    table.scroll_into_view_if_needed()
    for scroll, shaded in ((0, -1), (100_000, 0)):
        table.evaluate("(e, x) => { e.scrollLeft = x; }", scroll)
        pixels = np.asarray(Image.open(BytesIO(table.screenshot())).convert("L"), dtype=float)
        caption = pixels[:8]  # above its words
        contrast = abs(caption[:, [0, -1]] - np.median(caption)).mean(axis=0)
        assert contrast[shaded] > 20, scroll
        assert contrast[-1 - shaded] < 3, scroll
    page.close()


@pytest.mark.parametrize("width", [360, 1280])
def test_the_table_of_all_numbers_scrolls_under_its_head(
    browser: Any, address: str, width: int
) -> None:
    page = browser.new_page(viewport={"width": width, "height": 800})
    page.goto(address + "chapters/replication.html")
    table = page.locator("#tab-replication-all")
    assert table.locator("tbody tr").count() > 500
    box = table.locator("xpath=..")
    box.evaluate("e => { e.scrollIntoView(); e.scrollTop = 5000; }")
    head, frame = table.locator("th").first.bounding_box(), box.bounding_box()
    assert frame["height"] <= 0.8 * 800 + 1
    assert head["y"] == pytest.approx(frame["y"], abs=1)
    link = table.locator("a[href='#finding-msfe-table']").first
    link.click()
    assert page.locator("#finding-msfe-table").bounding_box()["y"] < 800
    page.emulate_media(media="print")
    assert box.bounding_box()["height"] > 5000
    page.close()


def test_captions_are_of_the_weight_of_text(browser: Any, address: str) -> None:
    page = browser.new_page()
    page.goto(address + "chapters/multiclass.html")
    for caption in (".bd-article figcaption", ".bd-article table caption"):
        style = page.locator(f"{caption} .caption-text").first.evaluate(
            "e => getComputedStyle(e).fontWeight"
        )
        assert style == "400", caption
    page.close()


def test_printing_hides_what_paper_cannot_use(browser: Any, address: str) -> None:
    page = browser.new_page()
    page.goto(address + "chapters/data-level-methods.html")
    page.emulate_media(media="print")
    for hidden in ("#pst-primary-sidebar", "#pst-secondary-sidebar", ".copybtn", ".headerlink"):
        assert not any(box.is_visible() for box in page.locator(hidden).all()), hidden
    assert page.locator("article h1").is_visible()
    page.close()
