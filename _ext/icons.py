"""Only the icons in use: the theme's FontAwesome, cut to what the written pages show.

The theme carries 1,900 icons, as a font with its rules and once more as a script of 1.5 MB. The
script is dropped (see ``page_assets``); here the style sheet and the fonts are cut.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from fontTools import subset
from fontTools.ttLib import TTFont

SHEET = Path("_static", "styles", "pydata-sphinx-theme.css")
FONTS = Path("_static", "vendor", "fontawesome", "webfonts")
RULE = re.compile(r'((?:\.fa-[a-z0-9-]+:before,?)+)\{content:"\\?([^"]+)"\}')
SOURCE = r'url\([^)]*{0}\.woff2\) format\("woff2"\),url\([^)]*{0}\.ttf\) format\("truetype"\)'


def setup(app: Any) -> dict[str, bool]:
    """Connect the extension; called by Sphinx."""
    app.connect("build-finished", cut_icons)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def cut_icons(app: Any, exception: Exception | None) -> None:
    """Cut the style sheet's rules and the fonts to the icons that pages and scripts name."""
    out = Path(app.outdir)
    if exception or app.builder.format != "html" or not (out / SHEET).exists():
        return
    used: set[str] = set()
    for path in [*out.rglob("*.html"), *(out / "_static" / "scripts").glob("*theme.js")]:
        used.update(re.findall(r"fa-[a-z0-9-]+", path.read_text("utf-8")))
    characters: set[int] = set()

    def keep(match: re.Match[str]) -> str:
        names = set(re.findall(r"\.(fa-[a-z0-9-]+):before", match[1]))
        if not names & used:
            return ""
        code = match[2]
        characters.add(int(code, 16) if len(code) > 1 else ord(code))
        return match[0]

    text = RULE.sub(keep, (out / SHEET).read_text("utf-8"))
    # Admonitions and the like name an icon by its code or its character.
    for sheet in [text, *(p.read_text("utf-8") for p in (out / "_static").rglob("*.css"))]:
        rest = RULE.sub("", sheet)
        characters.update(int(code, 16) for code in re.findall(r"\\(f[0-9a-f]{3})\b", rest))
        characters.update(map(ord, re.findall("[\ue000-\uf8ff]", rest)))
    for font in sorted((out / FONTS).glob("*.ttf")):
        cut_font(font, characters)
        address = f'url(../vendor/fontawesome/webfonts/{font.stem}.woff) format("woff")'
        text = re.sub(SOURCE.format(re.escape(font.stem)), address, text)
    (out / SHEET).write_text(text, "utf-8")


def cut_font(path: Path, characters: set[int]) -> None:
    """Write the font's glyphs of some characters beside it, as WOFF, which needs no Brotli."""
    font = TTFont(path)
    options = subset.Options(flavor="woff", layout_features=[], notdef_outline=True)
    cutter = subset.Subsetter(options)
    cutter.populate(unicodes=characters)
    cutter.subset(font)
    font.flavor = "woff"
    font.save(path.with_suffix(".woff"))
