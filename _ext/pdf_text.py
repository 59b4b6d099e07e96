"""Chinese that can be searched for in the print.

A font may draw two characters with one glyph: 文 (U+6587) and the radical of that form (U+2F42).
Chromium's table from glyphs to characters names the radical, which nobody types. What was meant
stands beside the glyph (``/ActualText``, ISO 32000-1, 14.9.4), which not every viewer reads. Here
it goes into the table.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from pypdf import PdfReader
from pypdf.generic import StreamObject

TOKEN = re.compile(
    rb"/(?P<font>\w+) [\d.]+ Tf|/ActualText <FEFF(?P<text>[0-9A-F]+)> >> BDC"
    rb"|<(?P<code>[0-9A-F]+)> Tj|(?P<end>EMC)"
)
HAN = re.compile("[\u3400-\u9fff\U00020000-\U0003ffff]")


def corrected(reader: PdfReader) -> dict[int, StreamObject]:
    """Return the tables with the Chinese characters that were meant, by their objects' numbers."""
    meant: dict[int, dict[bytes, bytes]] = {}
    for page in reader.pages:
        resources: Any = page["/Resources"]
        contents, fonts = page.get_contents(), resources.get("/Font", {})
        for font, code, text in actual_texts(b"" if contents is None else contents.get_data()):
            if HAN.fullmatch(bytes.fromhex(text.decode()).decode("utf-16-be")):
                reference = fonts[f"/{font.decode()}"].raw_get("/ToUnicode")
                meant.setdefault(reference.idnum, {})[code] = text
    changed = {}
    for number, texts in meant.items():
        table: Any = reader.get_object(number)
        data = table.get_data()
        for code, text in texts.items():
            data = re.sub(rb"(?m)^<%s> <[0-9A-F]+>$" % code, b"<%s> <%s>" % (code, text), data)
        changed[number] = StreamObject()
        changed[number].set_data(data)
    return changed


def actual_texts(content: bytes) -> Iterator[tuple[bytes, bytes, bytes]]:
    """Yield font, code and text of every single glyph of a page that has a text of its own.

    Codes and texts are hexadecimal, the latter UTF-16.
    """
    font = text = b""
    codes: list[bytes] = []
    for token in TOKEN.finditer(content):
        if token["font"]:
            font = token["font"]
        elif token["text"]:
            text, codes = token["text"], []
        elif token["code"]:
            codes.append(token["code"])
        else:
            if text and len(codes) == 1:
                yield font, codes[0], text
            text = b""
