"""Texts from outside, such as names of data sets, as Markdown that shows them as they are."""

from __future__ import annotations

import re
import unicodedata

_PUNCTUATION = re.compile(r"([!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~])")


def one_line(text: str) -> str:
    """Return the text without line breaks and control characters, which would end a table row.

    Parameters
    ----------
    text : str
    """
    visible = (c if unicodedata.category(c)[0] != "C" else " " for c in text)
    return " ".join("".join(visible).split())


def escape(text: str) -> str:
    """Put a backslash before every punctuation mark, as CommonMark allows.

    Parameters
    ----------
    text : str
    """
    # A table row is split at its pipes before the escapes in it are read.
    return _PUNCTUATION.sub(r"\\\1", text).replace("\\|", "&#124;")


def as_text(text: str) -> str:
    """Return Markdown that shows a text as it is, whatever markup it holds.

    Parameters
    ----------
    text : str
    """
    return escape(one_line(text))
