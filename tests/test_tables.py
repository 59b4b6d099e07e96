"""A table's two forms: right numbers in the right cells, and nothing that a text can inject."""

from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from mdit_py_plugins.dollarmath import dollarmath_plugin
from mdit_py_plugins.myst_role import myst_role_plugin

from thesis_lib.tables import Table

HOSTILE = [
    "<script>alert(1)</script>",
    "a | b",
    "\\|",
    "**b** _i_ $x$",
    "{cite}`x`",
    "[l](http://x.y)",
    "```\n# heading",
    "~~~",
    "{{ name }}",
    "two\nlines",
    "&lt;b&gt;",
    "\\",
    "`|`",
    "\x1b[31m",
    "https://x.y",
]


class Cells(HTMLParser):
    """The texts of an HTML table's cells, and the set of tags that occur."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.cells: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.add(tag)
        if tag in ("td", "th"):
            self.cells.append("")

    def handle_data(self, data: str) -> None:
        if self.cells:
            self.cells[-1] += data


def markdown_cells(text: str) -> list[tuple[str, str]]:
    """The cells of the pipe table: (text as a reader sees it, kinds of markup in it)."""
    parser = MarkdownIt("commonmark").enable("table").use(dollarmath_plugin).use(myst_role_plugin)
    fence = next(token for token in parser.parse(text) if token.type == "fence")
    assert fence.info.startswith("{table}")
    body = fence.content.split("\n", 2)[2]
    inlines = [token for token in parser.parse(body) if token.type == "inline"]
    plain = {"text", "text_special"}
    return [
        (
            "".join(child.content for child in token.children or []),
            " ".join(c.type for c in token.children or [] if c.type not in plain),
        )
        for token in inlines
    ]


def frame() -> pd.DataFrame:
    columns = {"Testing": [48.63, np.nan], "n": [5, 12], "range": ["1.5 [1, 2]", "3 %"]}
    return pd.DataFrame(columns | {"word": ["x", None]}, index=["M_b", "M_os"])


def test_markdown_is_a_numbered_table() -> None:
    assert Table(frame(), "Accuracy of M_os", "tab-7-2").to_markdown().splitlines() == [
        "~~~{table} Accuracy of $M_{\\mathrm{os}}$",
        ":name: tab-7-2",
        "",
        "|  | Testing | n | range | word |",
        "| :-- | --: | --: | --: | :-- |",
        "| $M_{\\mathrm{b}}$ | 48\\.63 | 5 | 1\\.5 \\[1\\, 2\\] | x |",
        "| $M_{\\mathrm{os}}$ | – | 12 | 3 \\% | – |",
        "~~~",
        "",
        "~~~{container} table-note",
        "– means missing\\.",
        "~~~",
    ]


def test_html_names_rows_and_columns() -> None:
    text = Table(frame(), "Accuracy", "tab-x", note="Run `thesis-lib run`.").to_html()
    assert "<caption>Accuracy</caption>" in text
    assert '<th scope="row" style="text-align: left"><i>M</i><sub>os</sub></th>' in text
    assert '<td style="text-align: right">48.63</td>' in text
    assert '<td style="text-align: left">–</td>' in text
    assert "<figcaption>Run <code>thesis-lib run</code>. – means missing.</figcaption>" in text


def test_the_note_says_what_a_dash_means_in_its_table() -> None:
    table = Table(frame(), "Accuracy", "tab-x", missing="one seed, so no interval")
    assert "<figcaption>– means one seed, so no interval.</figcaption>" in table.to_html()
    assert table.to_markdown().endswith("– means one seed\\, so no interval\\.\n~~~\n")
    whole = Table(frame().dropna(), "Accuracy", "tab-x", missing="one seed, so no interval")
    assert "one seed" not in whole.to_html() + whole.to_markdown()


def test_a_table_without_rows_says_so() -> None:
    table = Table(pd.DataFrame(columns=["a"]), "C", "tab-1", "Five draws.")
    assert "Five draws. Nothing to show yet." in table.to_html()


def test_no_note_where_there_is_none() -> None:
    whole = Table(frame().dropna(), "Accuracy", "tab-x")
    assert "table-note" not in whole.to_markdown()
    assert "figcaption" not in whole.to_html()


def test_formats_and_kinds_of_numbers() -> None:
    values = pd.DataFrame(
        {
            "a": [0.12345, 2.0],
            "b": [np.float32(1.25), np.float32(-1)],
            "c": [True, False],
            "d": [pd.NA, pd.NaT],
        }
    )
    table = Table(values, "Numbers", "tab-x", formats={"a": ".4f"})
    seen = [text for text, _ in markdown_cells(table.to_markdown())]
    assert seen == [
        "a",
        "b",
        "c",
        "d",
        "0.1235",
        "1.25",
        "True",
        "–",
        "2.0000",
        "-1.00",
        "False",
        "–",
    ]
    same = Table(values[["a", "b"]], "Numbers", "tab-x", formats=".1f")
    assert [text for text, _ in markdown_cells(same.to_markdown())][2:] == [
        "0.1",
        "1.2",
        "2.0",
        "-1.0",
    ]


def test_levels_of_index_and_columns_are_kept() -> None:
    index = pd.MultiIndex.from_tuples([("ROS", 1), ("ROS", 2)], names=["method", "seed"])
    columns = pd.MultiIndex.from_tuples([("test", "mean")])
    table = Table(pd.DataFrame([[1.0], [2.0]], index, columns), "Levels", "tab-x")
    seen = [text for text, _ in markdown_cells(table.to_markdown())]
    assert seen == ["method", "seed", "test, mean", "ROS", "1", "1.00", "ROS", "2", "2.00"]


def test_a_table_keeps_what_it_was_given() -> None:
    mine = frame()
    table = Table(mine, "Accuracy", "tab-x")
    mine.iloc[0, 0] = 99.0
    assert "99" not in table.to_html()


def test_both_forms_are_offered() -> None:
    bundle = Table(frame(), "Accuracy", "tab-x")._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "text/html", "text/markdown"}


def one_line(text: str) -> str:
    """What a cell may show of a text: no control characters, single spaces."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


@settings(deadline=None, max_examples=50)
@given(st.text(st.characters(codec="utf-8"), min_size=1, max_size=30))
def test_no_text_escapes_from_its_cell(text: str) -> None:
    check_text(text)


@pytest.mark.parametrize("text", HOSTILE)
def test_no_hostile_text_escapes_from_its_cell(text: str) -> None:
    check_text(text)


def check_text(text: str) -> None:
    # Backticks around a text and names like M_os are markup that a table offers itself.
    shown = text.replace("`", "'").replace("_", "-")
    table = Table(pd.DataFrame({shown: [shown, 1]}), shown + ".", "tab-x", note=shown + ".")
    cells = markdown_cells(table.to_markdown())
    assert len(cells) == 3
    assert {markup for _, markup in cells} == {""}
    assert one_line(cells[1][0]) == one_line(shown)
    page = Cells(table.to_html())
    tags = {"figure", "table", "caption", "thead", "tbody", "tr", "th", "td", "figcaption"}
    assert page.tags <= tags
    assert len(page.cells) == 3
    assert one_line(page.cells[1]) == one_line(shown)


@settings(deadline=None, max_examples=50)
@given(st.text("`|\\$_{}<>#~: aM1\n", max_size=20))
@example("`a``b`")
@example("{ref}`x`")
def test_markup_of_the_table_itself_is_code_and_symbols_only(text: str) -> None:
    cells = markdown_cells(Table(pd.DataFrame({"k": [text]}), "c", "tab-x").to_markdown())
    assert len(cells) == 2
    assert set(cells[1][1].split()) <= {"code_inline", "math_inline"}


@pytest.mark.parametrize(
    ("arguments", "error", "problem"),
    [
        (([1], "c", "tab-x"), TypeError, "frame must be a pandas DataFrame, got list"),
        (
            (pd.DataFrame(), "c", "Tab 7.2"),
            ValueError,
            "label must be lower-case words .* 'Tab 7.2'",
        ),
        ((pd.DataFrame(), "  ", "tab-x"), ValueError, "caption is empty"),
    ],
)
def test_bad_arguments(arguments: tuple, error: type[Exception], problem: str) -> None:  # type: ignore[type-arg]
    with pytest.raises(error, match=problem):
        Table(*arguments)


def test_formats_must_name_columns() -> None:
    with pytest.raises(ValueError, match=r"columns that frame does not have: \['tests'\]"):
        Table(frame(), "c", "tab-x", formats={"tests": ".1f"})
