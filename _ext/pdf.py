"""Print the built book into one PDF: ``python -m _ext.pdf``, or ``make pdf``.

Chromium prints twice: the first print tells on which sheet each entry of the contents is.
"""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pypdf import PdfReader
from pypdf.generic import (
    DictionaryObject,
    IndirectObject,
    NameObject,
    NumberObject,
    TextStringObject,
)

from _ext import browser, paper, pdf_text

ROOT = Path(__file__).resolve().parent.parent
# A4 less the margins in paper.css, in CSS pixels of 1/96 inch: to measure in the print's layout.
VIEWPORT = {"width": 657, "height": 960}

# A table wider than the sheet gets smaller type, down to half, and then breaks its words.
FIT = """() => {
  for (const box of document.querySelectorAll("main table, main .tex.display > *")) {
    const wide = () => Math.max(box.scrollWidth, box.offsetWidth) > box.parentElement.clientWidth;
    const size = parseFloat(getComputedStyle(box).fontSize);
    for (let part = 0.95; wide() && part >= 0.5; part -= 0.05)
      box.style.fontSize = `${part * size}px`;
    if (wide()) box.style.overflowWrap = "anywhere";
  }
}"""
READY = "() => Promise.all([document.fonts.ready, ...[...document.images].map(i => i.decode())])"
NUMBER = """sheets => {
  for (const link of document.querySelectorAll(".paper-contents a"))
    link.querySelector(".sheet").textContent = sheets[link.getAttribute("href").slice(1)] ?? "";
}"""
HEADINGS = """() => [...document.querySelectorAll("h1, h2, h3, h4, h5, h6")]
  .map(heading => heading.innerText.replace(/\\s+/g, " ").trim())"""
# A character that no font has is drawn as the same box as one that stands for nothing.
MISSING = """() => {
  const canvas = new OffscreenCanvas(40, 40).getContext("2d", {willReadFrequently: true});
  canvas.font = `20px ${getComputedStyle(document.body).fontFamily}`;
  const draw = text => {
    canvas.clearRect(0, 0, 40, 40);
    canvas.fillText(text, 5, 25);
    return canvas.getImageData(0, 0, 40, 40).data.join();
  };
  const box = draw("\\u{10FFFD}");
  for (const formula of document.querySelectorAll(".katex")) formula.hidden = true;
  const found = new Set(document.body.innerText.match(/[^\\s\\u0000-\\u00ff]/gu));
  for (const formula of document.querySelectorAll(".katex")) formula.hidden = false;
  return [...found].filter(character => draw(character) === box).join("");
}"""


class CannotPrint(Exception):
    """What is missing to print the book, in one line."""


def main() -> None:
    """Print the book of this folder; say where it lies, or in one line why it cannot be."""
    try:
        path = make(ROOT, ROOT / "_build" / "html", ROOT / "_build" / "pdf")
    except (paper.NotBuilt, CannotPrint, OSError) as error:
        sys.exit(f"No PDF: {error}")
    print(f"The book is printed: {path}")


def make(root: Path, site: Path, folder: Path) -> Path:
    """Write ``book.pdf`` into a folder, beside the HTML it is printed from; return its path.

    Parameters
    ----------
    root
        The folder of ``_config.yml`` and ``_toc.yml``.
    site
        The folder of the built HTML.
    folder
        Where to write; made if it is not there.

    Raises
    ------
    CannotPrint
        Without Chromium, or where it fails.
    paper.NotBuilt
        Where a page of ``_toc.yml`` is missing in ``site``.
    """
    if browser.find() is None:
        raise CannotPrint(
            "Chromium is needed, on the path or named by CHROMIUM, and was not found."
        )
    text = paper.assemble(root, site, folder)
    folder.mkdir(parents=True, exist_ok=True)
    source = folder / "book.html"
    source.write_text(text, "utf-8")
    printed, headings = print_document(source)
    part = folder / "book.pdf.part"
    part.write_bytes(finish(printed, headings, paper.author(root)))
    return part.replace(folder / "book.pdf")


def print_document(source: Path) -> tuple[bytes, list[str]]:
    """Return the print of a document, its contents numbered, and the texts of its headings."""
    from playwright.sync_api import Error

    try:
        with browser.launch() as chromium:
            page = chromium.new_page(viewport=VIEWPORT)
            page.set_default_timeout(0)  # a busy machine may take its time
            page.emulate_media(media="print")
            page.goto(source.as_uri())
            page.evaluate(READY)
            page.evaluate(FIT)
            if missing := page.evaluate(MISSING):
                print(
                    f"No font of this machine has {missing}: the PDF shows boxes. Install "
                    "one that has (for Chinese, Noto Sans CJK).",
                    file=sys.stderr,
                )
            # The first print is for the sheets' numbers: it needs no picture, only its room.
            hidden = page.add_style_tag(content="main img { visibility: hidden; }")
            page.evaluate(NUMBER, sheets(_print(page)))
            hidden.evaluate("style => style.remove()")
            return _print(page, outline=True, tagged=True), page.evaluate(HEADINGS)
    except Error as error:
        raise CannotPrint(f"{browser.find()} failed: {error.message.splitlines()[0]}") from None


def _print(page: Any, **options: bool) -> bytes:
    printed: bytes = page.pdf(prefer_css_page_size=True, print_background=True, **options)
    return printed


def sheets(printed: bytes) -> dict[str, int]:
    """Return the number of the sheet, from 1, of every id that the print has a link to."""
    reader = PdfReader(io.BytesIO(printed))
    numbers = {}
    for name, place in reader.named_destinations.items():
        number = reader.get_destination_page_number(place)
        if number is not None:
            numbers[name.removeprefix("/")] = number + 1
    return numbers


def finish(printed: bytes, headings: list[str], author: str) -> bytes:
    """Return the print with its author, Chinese to search for, and bookmarks that read as headings.

    Chromium doubles the bookmark of a heading that a page break moved, and joins the words at a
    line's end.
    """
    reader = PdfReader(io.BytesIO(printed))
    items = list(_items(reader.root_object["/Outlines"]))
    if len(items) != len(headings):
        raise CannotPrint(f"{len(items)} bookmarks were printed for {len(headings)} headings.")
    information = reader.trailer.raw_get("/Info")
    changed = {information.idnum: information.get_object()}
    changed[information.idnum][NameObject("/Author")] = TextStringObject(author)
    for reference, heading in zip(items, headings, strict=True):
        changed[reference.idnum] = reference.get_object()
        changed[reference.idnum][NameObject("/Title")] = TextStringObject(heading)
    changed.update(pdf_text.corrected(reader))
    return append(printed, reader.trailer, changed)


def append(printed: bytes, trailer: DictionaryObject, changed: dict[int, Any]) -> bytes:
    """Return a PDF followed by new versions of some of its objects, by their numbers.

    This is the incremental update of ISO 32000-1, 7.5.6. A PdfWriter would read and write all of
    the fifty thousand objects of a book instead.
    """
    out = io.BytesIO()
    out.write(printed)
    entries = ["0 1\n0000000000 65535 f \n"]
    for number in sorted(changed):
        entries.append(f"{number} 1\n{out.tell():010d} 00000 n \n")
        out.write(f"{number} 0 obj\n".encode())
        changed[number].write_to_stream(out)
        out.write(b"\nendobj\n")
    start = out.tell()
    previous = int(re.findall(rb"startxref\s+(\d+)", printed)[-1])
    update = DictionaryObject(
        {NameObject(key): trailer.raw_get(key) for key in ("/Size", "/Root", "/Info")}
    )
    update[NameObject("/Prev")] = NumberObject(previous)
    out.write(f"xref\n{''.join(entries)}trailer\n".encode())
    update.write_to_stream(out)
    out.write(f"\nstartxref\n{start}\n%%EOF\n".encode())
    return out.getvalue()


def _items(parent: Any) -> Iterator[IndirectObject]:
    """Yield the items below an item of the outline, in the order in which they are read."""
    reference = parent.raw_get("/First") if "/First" in parent else None
    while reference is not None:
        item = reference.get_object()
        yield reference
        yield from _items(item)
        reference = item.raw_get("/Next") if "/Next" in item else None


if __name__ == "__main__":
    main()
