"""Chinese in a print: what is read out of it is what was written, not a radical of that form."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest
from pypdf import PdfReader

from _ext import pdf, pdf_text
from tests import chromium

# Each shares its glyph with a radical (U+2E80 to U+2FDF) in Noto Sans CJK and in other fonts.
WRITTEN = "文龍門面長民"


@pytest.mark.skipif(not chromium.find(), reason="no Chromium; set CHROMIUM to its path")
def test_chinese_is_read_as_it_was_written(tmp_path: Path) -> None:
    source = tmp_path / "chinese.html"
    source.write_text(f"<!DOCTYPE html><meta charset=utf-8><h1>{WRITTEN}</h1><main>a文b文</main>")
    finished = pdf.finish(*pdf.print_document(source), "An author")
    text = PdfReader(io.BytesIO(finished), strict=True).pages[0].extract_text()
    assert re.sub(r"\s", "", text) == f"{WRITTEN}a文b文"


def test_only_a_single_glyph_is_told_its_text() -> None:
    page = b"""/F1 12 Tf <01> Tj /Span<</ActualText <FEFF6587> >> BDC
    /F2 12 Tf 13.3 0 Td <92> Tj EMC <93> Tj
    /Span<</ActualText <FEFF9F8D> >> BDC <94> Tj 1 0 Td <95> Tj EMC
    /P <</MCID 1 >>BDC <96> Tj EMC"""
    assert list(pdf_text.actual_texts(page)) == [(b"F2", b"92", b"6587")]
