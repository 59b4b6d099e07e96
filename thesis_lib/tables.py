"""A table that shows itself: HTML in JupyterLab, a numbered MyST table in the book."""

from __future__ import annotations

import html
import math
import numbers
import re
from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd

from thesis_lib import markdown
from thesis_lib.best import Best

MISSING = "–"

_LABEL = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
# The thesis names its models M_b, M_os, ...: such a name, and nothing else, becomes a subscript.
_SYMBOL = re.compile(r"(?<![A-Za-z0-9_])([A-Z])_([A-Za-z0-9]+)(?![A-Za-z0-9_])")
_CODE = re.compile(r"`([^`]+)`")
_NUMBER = re.compile(r"[+\-−~]?\d[\d.,]*(e[+-]?\d+)?\s?%?(\s*[±\[(].*)?")


class Table:
    """A data frame with a caption and a label, shown as a numbered table.

    JupyterLab shows the ``text/html`` form. The book takes the ``text/markdown`` form, a MyST
    ``{table}`` directive, so that ``{numref}`` finds the table; the cell needs the metadata
    ``mystnb: markdown_format: myst``.

    Parameters
    ----------
    frame : pandas.DataFrame
        The cells, numbers or finished text, with the row names as index. Nameless row numbers
        (a plain ``RangeIndex``) are not shown. ``None``, ``NaN`` and ``NA`` become an en dash.
    caption : str
        What the table shows. Plain text, with `` `code` `` and model names such as ``M_os``.
    label : str
        Target of cross-references, for instance ``"tab-7-2"``.
    note : str, optional
        A line under the table, with the same markup as the caption.
    formats : str or mapping of str to str, optional
        Format specification of the numbers (``".1f"``), for all columns or by column name. By
        default integers are shown whole and other numbers with two decimals.
    best : Best, optional
        The values to show in bold; the line under the table says what that means.
    missing : str
        What the en dash means in this table; said under the table where there is one.

    Raises
    ------
    TypeError
        If `frame` is not a data frame.
    ValueError
        If `label` is not made of lower-case words and hyphens, `caption` is empty, `formats`
        names a column that is not there, or `best` is of another table.
    """

    def __init__(
        self,
        frame: pd.DataFrame,
        caption: str,
        label: str,
        note: str = "",
        *,
        formats: str | Mapping[str, str] = "",
        best: Best | None = None,
        missing: str = "missing",
    ) -> None:
        if not isinstance(frame, pd.DataFrame):
            raise TypeError(f"frame must be a pandas DataFrame, got {type(frame).__name__}")
        if not _LABEL.fullmatch(label):
            raise ValueError(
                f"label must be lower-case words joined by hyphens, like 'tab-7-2'; got {label!r}"
            )
        if not caption.strip():
            raise ValueError("caption is empty: say in a sentence what the table shows")
        if not isinstance(formats, str):
            unknown = [name for name in formats if name not in frame.columns]
            if unknown:
                raise ValueError(f"formats names columns that frame does not have: {unknown}")
        if best is not None and best.where.shape != frame.shape:
            raise ValueError(f"best is of a table {best.where.shape}, frame is {frame.shape}")
        self.frame = frame.copy()
        self.caption = caption
        self.label = label
        self.note = note
        self.formats = formats
        self.best = best
        self.missing = missing

    def _grid(self) -> tuple[list[str], list[list[str]], int]:
        """Return header texts, rows of cell texts, and how many leading columns name the row."""
        frame = self.frame
        nameless = isinstance(frame.index, pd.RangeIndex) and frame.index.name is None
        depth = 0 if nameless else frame.index.nlevels
        header = [str(name) if name is not None else "" for name in frame.index.names][:depth]
        header += [_column_name(column) for column in frame.columns]
        specs = [
            self.formats if isinstance(self.formats, str) else self.formats.get(column, "")
            for column in frame.columns
        ]
        rows = []
        for position, key in enumerate(frame.index):
            names = list(key) if isinstance(key, tuple) else [key]
            values = [frame.iat[position, i] for i in range(frame.shape[1])]
            cells = [_cell_text(value, spec) for value, spec in zip(values, specs, strict=True)]
            rows.append([_cell_text(name, "") for name in names][:depth] + cells)
        return header, rows, depth

    def _is_best(self, row: int, column: int) -> bool:
        return self.best is not None and column >= 0 and bool(self.best.where[row, column])

    def _note(self, rows: list[list[str]]) -> str:
        """Return the note, with a word on bold numbers, on the en dash, and on having no rows."""
        parts = [self.note] if self.note else []
        if self.best is not None and self.best.where.any():
            parts.append(f"Bold: {self.best.meaning}.")
        if any(cell == MISSING for row in rows for cell in row):
            parts.append(f"{MISSING} means {self.missing}.")
        if not rows:
            parts.append("Nothing to show yet.")
        return " ".join(parts)

    def to_html(self) -> str:
        """Return the table as one HTML ``figure`` element.

        Returns
        -------
        str
            HTML in which every text of the table is escaped.
        """
        header, rows, depth = self._grid()
        align = _alignments(rows, len(header), depth)
        style = [f' style="text-align: {side}"' for side in align]
        # No text of a table is a formula: JupyterLab's MathJax leaves these classes alone.
        lines = [f'<figure class="tex2jax_ignore mathjax_ignore" id="{self.label}"><table>']
        lines.append(f"<caption>{_to_html(self.caption)}</caption>")
        heads = (
            f'<th scope="col"{s}>{_to_html(h)}</th>' for h, s in zip(header, style, strict=True)
        )
        lines.append(f"<thead><tr>{''.join(heads)}</tr></thead>")
        lines.append("<tbody>")
        for position, row in enumerate(rows):
            cells = []
            for i, (cell, side) in enumerate(zip(row, style, strict=True)):
                text = _to_html(cell)
                if self._is_best(position, i - depth):
                    text = f'<strong title="best">{text}</strong>'
                tag, scope = ("th", ' scope="row"') if i < depth else ("td", "")
                cells.append(f"<{tag}{scope}{side}>{text}</{tag}>")
            lines.append(f"<tr>{''.join(cells)}</tr>")
        lines.append("</tbody></table>")
        note = self._note(rows)
        if note:
            lines.append(f"<figcaption>{_to_html(note)}</figcaption>")
        lines.append("</figure>")
        return "\n".join(lines)

    def to_markdown(self) -> str:
        """Return the table as a MyST ``{table}`` directive around a pipe table.

        Returns
        -------
        str
            MyST Markdown in which every text of the table is escaped.
        """
        header, rows, depth = self._grid()
        rule = {"left": ":--", "right": "--:"}
        align = [rule[side] for side in _alignments(rows, len(header), depth)]
        # Tildes, because the first line of a fence of backticks must not hold another backtick.
        lines = [f"~~~{{table}} {to_myst(self.caption)}", f":name: {self.label}", ""]
        lines += [_pipe_row(map(to_myst, header)), _pipe_row(align)]
        for position, row in enumerate(rows):
            cells = [
                f"**{to_myst(cell)}**" if self._is_best(position, i - depth) else to_myst(cell)
                for i, cell in enumerate(row)
            ]
            lines.append(_pipe_row(cells))
        lines.append("~~~")
        note = self._note(rows)
        if note:
            lines += ["", "~~~{container} table-note", to_myst(note), "~~~"]
        return "\n".join(lines) + "\n"

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        return {
            "text/plain": self.frame.to_string(),
            "text/html": self.to_html(),
            "text/markdown": self.to_markdown(),
        }


def _column_name(column: object) -> str:
    return ", ".join(map(str, column)) if isinstance(column, tuple) else str(column)


def _cell_text(value: Any, spec: str) -> str:
    if value is None or value is pd.NA or value is pd.NaT:
        return MISSING
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        return str(value)
    if math.isnan(value):
        return MISSING
    if isinstance(value, numbers.Integral):
        return format(int(value), spec)
    return format(float(value), spec or ".2f")


def _alignments(rows: list[list[str]], width: int, depth: int) -> list[str]:
    """Return "right" for each column at least half of whose cells are numbers, else "left"."""
    sides = []
    for i in range(width):
        present = [row[i] for row in rows if row[i] != MISSING]
        numbers = [cell for cell in present if _NUMBER.fullmatch(cell)]
        sides.append("right" if i >= depth and 2 * len(numbers) >= len(present) else "left")
    return sides


def _pipe_row(cells: Any) -> str:
    return "| " + " | ".join(cells) + " |"


def _render(
    text: str,
    escape: Callable[[str], str],
    code: Callable[[str], str],
    symbol: Callable[[str, str], str],
) -> str:
    """Escape the text, but for code in backticks and the names of models."""
    parts = []
    for i, chunk in enumerate(_CODE.split(markdown.one_line(text))):
        if i % 2:
            parts.append(code(chunk))
            continue
        end = 0
        for match in _SYMBOL.finditer(chunk):
            parts += [escape(chunk[end : match.start()]), symbol(match[1], match[2])]
            end = match.end()
        parts.append(escape(chunk[end:]))
    return "".join(parts)


def _to_html(text: str) -> str:
    return _render(
        text,
        html.escape,
        lambda code: f"<code>{html.escape(code)}</code>",
        lambda letter, index: f"<i>{letter}</i><sub>{index}</sub>",
    )


def to_myst(text: str) -> str:
    """Return a text as MyST that shows it literally, but for `` `code` `` and model names.

    Parameters
    ----------
    text : str
    """
    return _render(
        text,
        markdown.escape,
        # Inside a code span nothing can be escaped, and a pipe would start a new cell.
        lambda code: markdown.escape(code) if "|" in code else f"`{code}`",
        lambda letter, index: f"${letter}_{{\\mathrm{{{index}}}}}$",
    )
