"""The extensions of the book: formulas, citations, notebooks and launch buttons."""

import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import jupytext
import nbformat
import pytest
from nbclient import NotebookClient

import accessible_html
import citations
import katex_math
import notebooks
from tests.test_chapters import NOTEBOOKS, ROOT

PAGES = [ROOT / "index.md", *NOTEBOOKS]


def test_a_formula_is_typeset_with_its_meaning() -> None:
    found = katex_math.typeset(r"\frac{a}{b} < \rho", False)
    assert (
        "<mfrac><mi>a</mi><mi>b</mi></mfrac><mo>&lt;</mo><mi>ρ</mi>" in found
    )  # for screen readers
    assert 'class="katex-html" aria-hidden="true"' in found
    assert "katex-display" in katex_math.typeset("x", True)


@pytest.mark.parametrize("source", [r"\frac{a}", r"\nosuchcommand", "{", "$"])
def test_a_wrong_formula_is_an_error_that_shows_the_place(source: str) -> None:
    with pytest.raises(ValueError, match="KaTeX parse error: "):
        katex_math.typeset(source, False)


def test_a_formula_cannot_bring_markup_or_links() -> None:
    assert "<a " not in katex_math.typeset(r"\href{javascript:alert(1)}{x}", False)
    assert "<img" not in katex_math.typeset(r"\includegraphics{http://x.y/z.png}", False)
    assert "<script>" not in katex_math.typeset(r"\text{<script>}", False)


CITED = (
    '<p>See <span class="bibtex-citation" id="id1">[<a class="reference internal" '
    'href="references.html#id3" title="A. &quot;B&quot;. 2019.">A, 2019</a>, <a class="reference '
    'internal" href="references.html#id4" title="C. 2020.">C, 2020</a>]</span> and '
    '<a href="x.html" title="no citation">x</a></p>'
)


def test_a_citation_is_described_by_its_reference() -> None:
    found = citations.described(CITED)
    assert found.count('role="tooltip"') == 2
    assert (
        'href="references.html#id3" aria-describedby="cited-1">A, 2019</a>'
        '<span class="cited" role="tooltip" id="cited-1">A. &quot;B&quot;. 2019.</span>, <a'
    ) in found
    assert 'id="cited-2">C. 2020.</span>]</span>' in found
    assert '<a href="x.html" title="no citation">x</a>' in found


def repaired(tmp_path: Path, text: str) -> str:
    """Return a page after two builds: a repair must not be done twice."""
    page = tmp_path / "page.html"
    page.write_text(text, "utf-8")
    app = SimpleNamespace(builder=SimpleNamespace(format="html"), outdir=tmp_path)
    for _ in range(2):
        accessible_html.repair_pages(app, None)
    return page.read_text("utf-8")


def test_what_became_of_a_chapter_is_a_word(tmp_path: Path) -> None:
    for sign, word in {"✅": "done", "❌": "failed"}.items():
        assert repaired(tmp_path, f"<td><p>{sign}</p></td>") == f"<td><p>{word}</p></td>"


def test_the_best_of_a_table_is_said_to_the_ear(tmp_path: Path) -> None:
    cell = '<td class="text-right"><p><strong>9.5 ± 1</strong></p></td>'
    spoken = '<strong>9.5 ± 1<span class="visually-hidden">, best</span></strong>'
    assert spoken in repaired(tmp_path, cell)
    assert "visually-hidden" not in repaired(tmp_path, "<p><strong>9.5</strong></p>")


def test_a_fold_is_called_what_is_written_on_it(tmp_path: Path) -> None:
    fold = '<summary aria-label="Toggle hidden content">\n<p>Show code cell source</p>'
    assert repaired(tmp_path, fold) == "<summary>\n<p>Show code cell source</p>"


def test_a_link_to_an_exercise_does_not_begin_with_a_space(tmp_path: Path) -> None:
    title = '<p class="admonition-title">Solution to<a href="#ex"> Exercise 1</a></p>'
    apart = '<p class="admonition-title">Solution to <a href="#ex">Exercise 1</a></p>'
    assert repaired(tmp_path, title) == apart


def test_chinese_is_named_where_it_is_linked_and_where_it_is_read(tmp_path: Path) -> None:
    link = '<a class="reference internal" href="chapters/zh-hant.html">中文</a>'
    once = '<a class="reference internal" href="chapters/zh-hant.html" lang="zh-Hant">中文</a>'
    assert repaired(tmp_path, link) == once
    assert repaired(tmp_path, link.replace("中文", "Chinese")) == link.replace("中文", "Chinese")
    wrapped = link.replace("中文", '<span class="std">中文</span>')
    assert ' lang="zh-Hant"><span' in repaired(tmp_path, wrapped)
    following = repaired(tmp_path, '<p class="prev-next-title">中文</p>')
    assert following == '<p class="prev-next-title" lang="zh-Hant">中文</p>'
    app = SimpleNamespace(env=SimpleNamespace(metadata={"zh": {"lang": "zh-Hant"}, "en": {}}))
    for page, body in {"zh": '<div lang="zh-Hant">x</div>', "en": "x"}.items():
        context = {"body": "x"}
        accessible_html.name_language(app, page, "page.html", context, None)
        assert context["body"] == body


@pytest.mark.parametrize("path", PAGES, ids=lambda p: p.stem)
def test_the_download_of_a_page_is_a_clean_notebook(path: Path) -> None:
    notebook = notebooks.clean(path, "The book")
    nbformat.validate(notebook)
    assert 'the book "The book"' in notebook.cells[0].source
    assert "pip install -e" in notebook.cells[0].source
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.source for cell in code] == [
        cell.source for cell in jupytext.read(path).cells if cell.cell_type == "code"
    ]
    assert not any(cell.outputs or cell.execution_count for cell in code)
    assert len({cell.id for cell in notebook.cells}) == len(notebook.cells)
    assert "jupytext" not in notebook.metadata
    # The same page is the same file.
    assert nbformat.writes(notebook) == nbformat.writes(notebooks.clean(path, "The book"))


def test_a_download_runs_from_any_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The library is installed for a reader; here the kernel finds it by its path.
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    notebook = notebooks.clean(ROOT / "chapters" / "introduction.md", "The book")
    client = NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(tmp_path)}})
    client.execute()
    printed = [
        output.text
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if output.output_type == "stream" and output.name == "stdout"
    ]
    assert printed[0] == "accuracy: 0.9\nrecall of the ill: 0.0\n"
    assert len(printed) >= 4  # the exercises too


TINY = """---
file_format: mystnb
kernelspec: {name: python3, display_name: Python 3}
---
# Title

```{code-cell} ipython3
1 + 1
```
"""


@pytest.mark.parametrize("repository", ["", "https://github.com/somebody/book"])
def test_a_page_starts_elsewhere_only_where_the_repository_is_known(
    repository: str, tmp_path: Path
) -> None:
    (tmp_path / "index.md").write_text(TINY)
    theme = {"repository_url": repository, "repository_branch": "main"}
    (tmp_path / "conf.py").write_text(
        "extensions = ['myst_nb', 'notebooks']\nnb_execution_mode = 'off'\n"
        "html_theme = 'sphinx_book_theme'\nexclude_patterns = ['_build']\n"
        f"html_theme_options = {theme | {'launch_buttons': {'thebe': False}}}\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", "-q", str(tmp_path), str(tmp_path / "_build")],
        env={**os.environ, "PYTHONPATH": str(ROOT / "_ext")},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "_build" / "index.html").read_text("utf-8")
    launched = re.findall(r'href="(https://mybinder[^"]*)"', page)
    started = "https://mybinder.org/v2/gh/somebody/book/main?urlpath=lab/tree/index.md"
    assert launched == ([started] if repository else [])
    assert "notebooks/index.ipynb" in page
    assert nbformat.read(tmp_path / "_build" / "notebooks" / "index.ipynb", 4).cells
