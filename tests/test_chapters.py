"""The sources of the chapters: pairs, short cells, captions, exercises, concordance."""

import ast
import dis
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import CodeType

import jupytext
import matplotlib as mpl
import pybtex.database
import pytest
import yaml
from matplotlib import pyplot as plt

from thesis_lib.book import claims, findings
from thesis_lib.tables import Table

ROOT = Path(__file__).parent.parent
CHAPTERS = sorted((ROOT / "chapters").glob("*.md"))
NOTEBOOKS = [path for path in CHAPTERS if path.read_text("utf-8").startswith("---\njupytext")]
FIGURES = [
    f"fig-{c}-{k}"
    for c, n in {2: 7, 3: 4, 5: 5, 6: 4, 7: 13, 8: 10}.items()
    for k in range(1, n + 1)
]
TABLES = [f"tab-{c}-{k}" for c, n in {5: 2, 6: 2, 7: 13, 8: 14}.items() for k in range(1, n + 1)]

# Terms that are words of every day; a link at each would be noise.
EVERYDAY = {
    "accuracy", "anomaly", "as defined", "as published", "audit", "batch", "confidence", "epoch",
    "experiment", "filter", "loss", "neuron", "parameter", "record", "run", "task", "verdict",
}  # fmt: skip

notebooks = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)


def cells(path: Path) -> list[dict]:
    return [c for c in jupytext.read(path).cells if c.cell_type == "code"]


def terms() -> list[list[str]]:
    """The technical terms of the glossary, each with its other names."""
    text = (ROOT / "chapters" / "glossary.md").read_text("utf-8")
    body = text.split("```{glossary}\n")[1].split("\n```")[0]
    entries = [entry.split("\n    ")[0].splitlines() for entry in body.split("\n\n")]
    return [names for names in entries if not EVERYDAY & set(names)]


def prose(path: Path) -> str:
    """The paragraphs and lists of a page, without headings, tables, blocks and formulas."""
    text = path.read_text("utf-8").split("\n---\n", 1)[1]
    for block in (r"^```.*?^```$", r"^\$\$.*?\$\$[^\n]*$", r"^(?:#|\||\().*?$"):
        text = re.sub(block, "", text, flags=re.M | re.S)
    marked = r"(\{term\}`[^`]*`)|(?:\{[\w:]+\})?`[^`]*`|\$[^$]*\$|\[[^\]]*\]\([^)]*\)"
    return " ".join(re.sub(marked, r"\1", text).split())


@notebooks
def test_a_term_links_to_the_glossary_where_it_is_used_first(path: Path) -> None:
    text = prose(path)
    unlinked = []
    for names in terms():
        either = "|".join(map(re.escape, names))
        link = rf"\{{term\}}`(?:[^`]*<)?(?:{either})>?`"
        use = re.search(rf"{link}|(?<![\w-])(?:{either})(?:s|es)?(?![\w-])", text, re.I)
        if use and not use[0].startswith("{term}"):
            unlinked.append((names[0], text[max(0, use.start() - 30) : use.end() + 20]))
    assert unlinked == []


def test_all_chapters_are_in_the_table_of_contents() -> None:
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text())
    listed = {c["file"] for part in toc["parts"] for c in part["chapters"]}
    assert listed == {f"chapters/{path.stem}" for path in CHAPTERS}


@notebooks
def test_a_notebook_and_back_again_is_the_same_text(path: Path) -> None:
    notebook = jupytext.read(path)
    text = jupytext.writes(jupytext.reads(jupytext.writes(notebook, "ipynb"), "ipynb"), "md:myst")
    again = jupytext.reads(text, "md:myst")
    assert [(c.cell_type, c.source) for c in again.cells] == [
        (c.cell_type, c.source) for c in notebook.cells
    ]
    assert [c.metadata for c in again.cells] == [c.metadata for c in notebook.cells]


@notebooks
def test_cells_are_short(path: Path) -> None:
    assert [c.source for c in cells(path) if len(c.source.splitlines()) > 15] == []


def names_of(code: CodeType) -> Iterator[tuple[str, str]]:
    """What a cell does to names, in its order: "reads", "sets" or "imports", and the name.

    Functions count where they are defined, with all names that they do not set themselves.
    """
    imported = False
    for step in dis.get_instructions(code):
        if step.opname in ("LOAD_NAME", "LOAD_GLOBAL"):
            yield "reads", step.argval
        elif step.opname == "STORE_NAME":
            yield "imports" if imported else "sets", step.argval
        elif isinstance(step.argval, CodeType):
            yield from names_of(step.argval)
        imported = step.opname.startswith("IMPORT")


def read_before_set(steps: list[tuple[str, str]]) -> set[str]:
    found, mine = set(), set()
    for kind, name in steps:
        if kind != "reads":
            mine.add(name)
        elif name not in mine:
            found.add(name)
    return found


@notebooks
def test_a_cell_can_be_run_again_when_the_chapter_has_run(path: Path) -> None:
    """No cell reads a name of a cell above it that a cell below it uses for something else."""
    steps = [list(names_of(compile(c.source, path.stem, "exec"))) for c in cells(path)]
    sets = [{name for kind, name in cell if kind == "sets"} for cell in steps]
    for k, cell in enumerate(steps):
        above, below = set().union(*sets[:k]), set().union(*sets[k + 1 :])
        lost = (read_before_set(cell) & above & below) - sets[k]
        assert not lost, cells(path)[k].source


@pytest.mark.parametrize("chapter", ["choosing", "how-sure"])
def test_pages_made_of_records_say_what_is_missing(
    chapter: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who begins a store of their own gets pages, not errors, and no NaN in a sentence."""
    monkeypatch.setenv("THESIS_LIB_RECORDS", str(tmp_path))
    names: dict[str, object] = {}
    missing = 0
    for cell in cells(ROOT / "chapters" / f"{chapter}.md"):
        *_, last = ast.parse(cell.source).body
        with mpl.rc_context():
            exec(cell.source, names)
        plt.close("all")
        if isinstance(last, ast.Expr) and ast.unparse(last).startswith(("Markdown(", "Table(")):
            shown = eval(ast.unparse(last), names)
            text = shown.to_markdown() if isinstance(shown, Table) else str(shown.data)
            assert not re.search(r"\bnan\b", text), cell.source
            missing += bool(re.search(r"\byet\b", text))
    assert missing >= 5


@notebooks
def test_figures_have_a_name_a_caption_and_a_text(path: Path) -> None:
    for cell in cells(path):
        settings = cell.metadata.get("mystnb", {})
        if "figure" in settings:
            assert settings["figure"]["name"].startswith("fig-")
            assert len(settings["figure"]["caption"]) > 10
            inside = re.search(r'alt="([^"]+)"', cell.source)  # of an Interactive
            alt = inside[1] if inside else settings["image"]["alt"]
            assert len(alt) > 20
        elif cell.source.rstrip().endswith(";"):  # a figure is drawn, its value not shown
            pytest.fail(f"a figure without a caption: {cell.source}")


def test_figures_of_the_landing_page_have_a_text() -> None:
    text = (ROOT / "index.md").read_text("utf-8")
    figures = re.findall(r"```\{glue:figure\} \S+\n(.*?)```", text, re.S)
    assert len(figures) == 3
    for options in figures:
        alt = re.search(r"^:alt: (.{40,})$", options, re.M)
        assert alt, options


def test_the_page_in_chinese_is_whole_and_types_no_result() -> None:
    text = (ROOT / "chapters" / "zh-hant.md").read_text("utf-8")
    for finding in findings.findings():
        assert f"{{glue:text}}`zh-{finding.id}`" in text
    for claim in claims.CLAIMS:
        assert f'"{claim.id}": "' in text
    paragraphs = prose(ROOT / "chapters" / "zh-hant.md")
    assert re.findall(r"(\d[\d.,]*) %", paragraphs) == ["95"]  # the level, which is no result


@notebooks
def test_chapters_open_and_close_as_all_do(path: Path) -> None:
    if path.stem in ("status", "concordance", "zh-hant"):
        return
    text = path.read_text("utf-8")
    assert "{admonition} After this chapter you can" in text
    assert "{admonition} Try it" in text
    assert "\n## Summary\n" in text
    exercises = re.findall(r"\{exercise\}\n:label: (\S+)", text)
    assert 3 <= len(exercises) <= 6
    assert re.findall(r"\{solution-start\} (\S+)", text) == exercises


def test_each_row_of_the_guide_names_the_figure_or_table_that_it_rests_on() -> None:
    text = (ROOT / "chapters" / "choosing.md").read_text("utf-8")
    rows = re.findall(r"^\| (?!You |:--).*$", text, re.M)
    assert len(rows) >= 10
    linked = {row: re.findall(r"\{numref\}`((?:fig|tab)-[\w-]+)`", row) for row in rows}
    assert [row for row, labels in linked.items() if not labels] == []
    pages = "\n".join(path.read_text("utf-8") for path in NOTEBOOKS)
    for label in {label for labels in linked.values() for label in labels}:
        assert re.search(rf'name: {label}$|"{label}"', pages, re.M), label


@pytest.mark.parametrize("label", FIGURES + TABLES)
def test_everything_of_the_thesis_has_one_counterpart(label: str) -> None:
    concordance = (ROOT / "chapters" / "concordance.md").read_text("utf-8")
    assert f"{{numref}}`{label}`" in concordance
    number = label.removeprefix("tab-").replace("-", ".")
    patterns = [rf"name: {label}$", rf'"{label}"']
    if label.startswith("tab-"):
        patterns += [rf'(show|beside)\("{re.escape(number)}"']
    places = [
        path.stem
        for path in NOTEBOOKS
        for _ in re.findall("|".join(patterns), path.read_text("utf-8"), re.M)
    ]
    assert len(places) == 1, places


def test_all_forty_references_are_cited() -> None:
    source = (ROOT / "references.bib").read_text("utf-8")
    thesis_s = re.findall(r"^% \[(\d+)\]\n@\w+\{(\w+),$", source, re.M)
    assert [int(number) for number, _ in thesis_s] == list(range(1, 41))
    keys = set(pybtex.database.parse_string(source, "bibtex").entries)
    pages = [*CHAPTERS, ROOT / "index.md"]
    text = "\n".join(path.read_text("utf-8") for path in pages)
    cited = {
        k.strip() for group in re.findall(r"\{cite\}`([^`]+)`", text) for k in group.split(",")
    }
    assert {key for _, key in thesis_s} <= cited
    assert cited == keys


def test_sources_name_no_private_path() -> None:
    for path in [*CHAPTERS, *(ROOT / "thesis_lib").rglob("*.py")]:
        assert "/home/" not in path.read_text("utf-8"), path


def test_notebooks_are_made_in_their_own_folder(tmp_path: Path) -> None:
    (tmp_path / "chapters").mkdir()
    (tmp_path / "jupytext.toml").write_text((ROOT / "jupytext.toml").read_text())
    source = tmp_path / "chapters" / "status.md"
    source.write_text((ROOT / "chapters" / "status.md").read_text("utf-8"), "utf-8")
    subprocess.run(
        [sys.executable, "-m", "jupytext", "--sync", str(source)], cwd=tmp_path, check=True
    )
    assert (tmp_path / "notebooks" / "status.ipynb").exists()


GREEK = "alpha beta gamma eta theta lambda mu rho sigma tau varepsilon Sigma nabla"


def symbols(text: str) -> set[str]:
    """Letters and Greek letters of all formulas; words and the names of functions are none."""
    prose = re.sub(r"^```\{code-cell.*?^```", "", text, flags=re.M | re.S)
    found = set()
    for formula in re.findall(r"\$\$?([^$]+)\$\$?", prose):
        formula = re.sub(r"\\(?:mathrm|text|operatorname|label|begin|end)\{[^}]*\}", "", formula)
        formula = re.sub(r"M_(?:\{\w+\}|\w)|e\^", "", formula)  # models have a list; Euler's number
        commands = re.findall(r"\\([A-Za-z]+)", formula)
        found |= set(commands) & set(GREEK.split())
        found |= set(re.findall("[A-Za-z]", re.sub(r"\\[A-Za-z]+", "", formula)))
    return found


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda p: p.stem)
def test_every_symbol_is_on_the_notation_page(path: Path) -> None:
    known = symbols((ROOT / "chapters" / "notation.md").read_text("utf-8"))
    assert symbols(path.read_text("utf-8")) - known == set()
