"""Texts from records, data sets and methods reach pages as text, never as markup or script."""

import dataclasses
import os
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from tests.runs import make_run
from thesis_lib import experiments, markdown
from thesis_lib.book import report
from thesis_lib.plots import results as plot_results
from thesis_lib.tables import Table

ROOT = Path(__file__).parent.parent
HOSTILE = [
    "<script>alert(1)</script>",
    '<img src=x onerror="alert(1)">',
    '"><svg onload=alert(1)>',
    "</td></tr></table></figure><iframe src='//evil.example'>",
    "[click](javascript:alert(1))",
    "![x](http://evil.example/x.png)",
    "<http://evil.example>",
    "http://evil.example www.evil.example",
    "{raw}`html <b>x</b>`",
    "{ref}`tab-7-1`",
    "{{ evil }}",
    "$\\href{javascript:alert(1)}{x}$",
    "\\(x\\) \\[x\\] $$x$$",
    "`<script>alert(2)</script>`",
    "`a|b<script>alert(3)</script>`",
    "~~~",
    "~~~{raw} html\n<script>alert(4)</script>\n~~~",
    "```{raw} html\n<script>alert(5)</script>\n```",
    "line\n\n<script>alert(6)</script>",
    "&lt;script&gt; &amp; &#60;b&#62;",
    "a | b || c",
    "*a* _b_ **c** ~~d~~ #e",
    "% comment",
    "\x1b[31m\x00\x07",
    "\u202eright to left",
]
# What the tables, and the pages of a book, may hold inside the cells.
PLAIN = {"table", "caption", "thead", "tbody", "tr", "th", "td", "figcaption", "figure"}
MARKUP = {"code", "i", "sub"}


class Elements(HTMLParser):
    """Collect the elements of a page, their attributes and their text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.text += data


def hostile_table() -> Table:
    frame = pd.DataFrame(
        {f"{text} column": [text, text] for text in HOSTILE},
        index=pd.MultiIndex.from_tuples([(t, t) for t in HOSTILE[:2]], names=HOSTILE[2:4]),
    )
    return Table(frame, " ".join(HOSTILE), "tab-hostile", " ".join(HOSTILE))


def test_html_for_the_lab_has_no_element_of_theirs() -> None:
    found = Elements(hostile_table().to_html())
    assert set(found.tags) <= PLAIN | MARKUP
    assert {name for name, _ in found.attributes} <= {"id", "class", "style", "scope"}
    assert "<script>alert(1)</script>" in found.text
    # JupyterLab's MathJax would make links of formulas: it passes over these classes.
    assert ("class", "tex2jax_ignore mathjax_ignore") in found.attributes


def test_the_page_of_a_run_shows_text() -> None:
    for text in HOSTILE:
        run = make_run()
        object.__setattr__(run, "provenance", {**run.provenance, "dataset": text})
        run = dataclasses.replace(run, experiment=dataclasses.replace(run.experiment, method=text))
        rendered = Elements(as_html(report.progress(run)))
        assert set(rendered.tags) <= {"p"}, text
        assert rendered.text.strip().startswith(f"{markdown.one_line(text)} on "), text


def as_html(text: str) -> str:
    """Render Markdown as the book does: tables, formulas, links of bare addresses and the rest."""
    from markdown_it.renderer import RendererHTML
    from myst_parser.config.main import MdParserConfig
    from myst_parser.parsers.mdit import create_md_parser

    extensions = {"amsmath", "colon_fence", "deflist", "dollarmath", "linkify", "substitution"}
    parser = create_md_parser(MdParserConfig(enable_extensions=extensions), RendererHTML)
    return str(parser.render(text))


def test_the_catalogue_names_the_method_whatever_the_record_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("THESIS_LIB_RECORDS", str(tmp_path))
    experiment = dataclasses.replace(experiments.get("binary/rus"), method=HOSTILE[0])
    experiments.record(dataclasses.replace(make_run(), experiment=experiment))
    (run,) = experiments.recorded("binary/rus")
    assert run.experiment.method == experiments.get("binary/rus").method


@pytest.mark.parametrize("text", ["$x", "$", "a $\\frac{$ b", "$\\undefined$", "x$^{$y", "\\$5$"])
def test_a_figure_with_a_hostile_title_shows_it(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("THESIS_LIB_RECORDS", str(tmp_path))
    run = make_run()
    object.__setattr__(run, "provenance", {**run.provenance, "dataset": text})
    title, matrix = report.confusion(run, label=text)
    figure = plot_results.confusion({title: matrix})
    figure.canvas.draw()
    prepared, is_formula = figure.axes[0].title._preprocess_math(figure.axes[0].get_title())
    assert not is_formula
    assert prepared.startswith(f"{text}\n")
    plt.close(figure)


BOOK = """---
file_format: mystnb
kernelspec: {{name: python3}}
---
# Title

(tab-7-1)=
## Section

```{{code-cell}} ipython3
:tags: [remove-input]
:mystnb: {{markdown_format: myst}}
from tests.test_hostile import hostile_table
hostile_table()
```

```{{code-cell}} ipython3
:tags: [remove-input]
from IPython.display import Markdown
from thesis_lib.book import report
import os
os.environ["THESIS_LIB_RECORDS"] = {records!r}
print(report.note("binary/rus"))
```

```{{code-cell}} ipython3
:tags: [remove-input]
:mystnb: {{markdown_format: myst}}
import pandas as pd
from thesis_lib.tables import Table
Table(pd.DataFrame({{"a": [1]}}), "Note", "tab-note", report.note("binary/rus"))
```
"""


def test_the_book_has_no_element_of_theirs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THESIS_LIB_RECORDS", str(tmp_path / "records"))
    run = make_run()
    origin = {"device": HOSTILE[0], "backend": HOSTILE[1], "versions": {"keras": HOSTILE[4]}}
    object.__setattr__(run, "provenance", {**run.provenance, **origin, "utc": HOSTILE[8]})
    experiments.record(run)
    (tmp_path / "page.md").write_text(BOOK.format(records=str(tmp_path / "records")))
    (tmp_path / "conf.py").write_text(
        "extensions = ['myst_nb']\nroot_doc = 'page'\nexclude_patterns = ['_build']\n"
        "myst_enable_extensions = ['amsmath', 'colon_fence', 'deflist', 'dollarmath', 'linkify',"
        " 'substitution']\nnb_execution_raise_on_error = True\n"
        "nb_mime_priority_overrides = [['html', 'text/markdown', 0]]\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", "-q", "-W", str(tmp_path), str(tmp_path / "_build")],
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "_build" / "page.html").read_text()
    body = page[page.index('role="main"') : page.index('class="sphinxsidebar"')]
    found = Elements(body)
    assert not {"script", "img", "svg", "iframe", "b", "em", "strong", "s"} & set(found.tags)
    links = [value for name, value in found.attributes if name in ("href", "src")]
    assert all(str(link).startswith("#") for link in links), links
    assert not [name for name, _ in found.attributes if name.startswith("on")]
    for text in (
        "<script>alert(1)</script>",
        "<img src=x onerror=",
        "[click](javascript:alert(1))",
        "{{ evil }}",
        "{raw}",
        "$\\href{javascript:",
    ):
        assert text in found.text


def test_outputs_of_hostile_numbers() -> None:
    table = Table(pd.DataFrame({"a": [np.float64("nan"), "<b>"]}), "Caption", "tab-a")
    assert "<b>" not in table.to_html()
