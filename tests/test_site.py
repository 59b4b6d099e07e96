"""The built site, where there is one: whole, self-contained and clean."""

import html
import re
from pathlib import Path

import pytest
from bs4 import BeautifulSoup

ROOT = Path(__file__).parent.parent
SITE = ROOT / "_build" / "html"
PAGES = sorted(SITE.glob("*.html")) + sorted((SITE / "chapters").glob("*.html"))

pytestmark = pytest.mark.skipif(not PAGES, reason="no site is built; run make book first")
pages = pytest.mark.parametrize("path", PAGES, ids=lambda p: p.stem)


def test_every_chapter_is_there() -> None:
    built = {path.stem for path in PAGES}
    assert {path.stem for path in (ROOT / "chapters").glob("*.md")} <= built


@pages
def test_nothing_is_loaded_from_elsewhere(path: Path) -> None:
    text = path.read_text("utf-8")
    loaded = re.findall(r"<(?:script|img|iframe|source)[^>]*\ssrc=\"([^\"]+)\"", text)
    loaded += re.findall(
        r"<link[^>]*rel=\"(?:stylesheet|preload|icon)\"[^>]*href=\"([^\"]+)\"", text
    )
    assert [url for url in loaded if re.match(r"(https?:)?//", url)] == []


@pages
def test_no_noise_of_programs(path: Path) -> None:
    text = path.read_text("utf-8")
    for noise in ("oneDNN", "cuda", "absl::", "\x1b[", "\b", "object at 0x", "Traceback"):
        assert noise not in text, noise


@pages
def test_what_a_cell_prints_is_one_piece(path: Path) -> None:
    page = BeautifulSoup(path.read_text("utf-8"), "html.parser")
    assert page.select(".output.stream + .output.stream") == []


@pages
def test_links_within_the_site_lead_somewhere(path: Path) -> None:
    text = path.read_text("utf-8")
    for target in re.findall(r"<a[^>]*\shref=\"([^\"]+)\"", text):
        if re.match(r"[a-z]+:|//", target):
            continue
        page, _, anchor = html.unescape(target).partition("#")
        file = (path.parent / page).resolve() if page else path
        assert file.exists(), target
        if anchor and file.suffix == ".html":
            assert f'id="{anchor}"' in file.read_text("utf-8"), target


@pages
def test_images_have_a_text(path: Path) -> None:
    images = re.findall(r"<img[^>]*>", path.read_text("utf-8"))
    assert [tag for tag in images if 'alt="' not in tag] == []


def test_the_status_says_how_long_the_pages_took_together() -> None:
    page = BeautifulSoup((SITE / "chapters" / "status.html").read_text("utf-8"), "html.parser")
    table = page.find("table")
    seconds = [float(row.find_all("td")[3].text) for row in table.tbody.find_all("tr")]
    said = re.search(r"The (\d+) pages took ([\d.]+) minutes", page.text)
    assert int(said[1]) == len(seconds)
    assert float(said[2]) == pytest.approx(sum(seconds) / 60, abs=0.051)
