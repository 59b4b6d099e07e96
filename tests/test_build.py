"""The Sphinx extension: what makes a chapter run again, and how a failure ends the build."""

import contextlib
import sqlite3
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from jupyter_cache import get_cache

import thesis_book
from thesis_lib import data

ROOT = Path(__file__).parent.parent
CELL = """# Title

```{code-cell} ipython3
from thesis_lib import one
from thesis_lib.two import (
    f,
)
```
"""


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    package = tmp_path / "thesis_lib"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "one.py").write_text("from thesis_lib import three\n")
    (package / "two.py").write_text("")
    (package / "three.py").write_text("def late():\n    from thesis_lib import experiments\n")
    (package / "experiments.py").write_text("")
    (package / "other.py").write_text("")
    (tmp_path / "records").mkdir()
    monkeypatch.delenv("THESIS_BUILD", raising=False)
    return tmp_path


def test_imports_are_followed(tree: Path) -> None:
    names = thesis_book.closure(tree, {"one", "two", "two.f"})
    assert names == {"one", "two", "three", "experiments"}


def test_what_the_package_offers_counts_where_it_is_asked_for(tree: Path) -> None:
    (tree / "thesis_lib" / "__init__.py").write_text(
        "def __getattr__(name):\n    from thesis_lib import other\n"
    )
    assert thesis_book.imported("from thesis_lib import __version__") == set()
    assert "other" not in thesis_book.closure(tree, thesis_book.imported("import thesis_lib.one"))
    for cell in ("import thesis_lib", "from thesis_lib import compare"):  # "" is the package
        assert {"", "other"} <= thesis_book.closure(tree, thesis_book.imported(cell))


def test_chapters_that_read_no_record_do_not_depend_on_any() -> None:
    cells = "from thesis_lib import data, model\nfrom thesis_lib.plots import diagrams, set_style"
    modules = thesis_book.closure(ROOT, thesis_book.imported(cells))
    assert {"data", "sources", "model", "plots", "plots.diagrams"} <= modules
    assert modules.isdisjoint({"", "experiments", "comparison", "resampling"})


def test_real_chapters_depend_on_records() -> None:
    text = (ROOT / "chapters" / "multiclass.md").read_text("utf-8")
    assert "from thesis_lib import" in text
    modules = thesis_book.closure(ROOT, {"book.report"})
    expected = {"book.report", "experiments", "training", "data", "resampling", "book.published"}
    assert expected <= modules
    assert "tiles" not in modules


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("thesis_lib/__init__.py", "x = 1"),
        ("thesis_lib/two.py", "x = 1"),
        ("thesis_lib/three.py", "x = 1"),
        ("records/new.jsonl", "{}"),
    ],
)
def test_a_changed_dependency_changes_the_fingerprint(tree: Path, path: str, content: str) -> None:
    before = thesis_book.fingerprint(tree, CELL)
    (tree / path).write_text(content)
    assert thesis_book.fingerprint(tree, CELL) != before


def test_other_changes_do_not(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = thesis_book.fingerprint(tree, CELL)
    (tree / "thesis_lib" / "other.py").write_text("x = 1")
    assert thesis_book.fingerprint(tree, CELL) == before
    monkeypatch.setenv("THESIS_BUILD", "full")
    assert thesis_book.fingerprint(tree, CELL) != before


@pytest.mark.parametrize("damage", ["empty", "a table is missing", "none"])
def test_a_cache_whose_making_was_killed_is_discarded(tmp_path: Path, damage: str) -> None:
    folder = tmp_path / "cache"
    app = SimpleNamespace(config=SimpleNamespace(nb_execution_cache_path=str(folder)))
    get_cache(folder).list_cache_records()
    if damage == "empty":
        (folder / "global.db").write_bytes(b"")
    elif damage != "none":
        with contextlib.closing(sqlite3.connect(folder / "global.db")) as database:
            database.execute("DROP TABLE nbcache")
    thesis_book._discard_unfinished_cache(app)
    assert folder.exists() == (damage == "none")


def test_data_are_fetched_before_they_are_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a build downloads must not make the next one execute every chapter again."""
    page = tmp_path / "page.md"
    page.write_text(CELL)
    (tmp_path / "list.md").write_text("```{bibliography}\n```")
    (tmp_path / "cats_dogs.npz").write_text("")
    monkeypatch.setenv("THESIS_LIB_DATA", str(tmp_path))

    def download(*_: object, **__: object) -> None:
        (tmp_path / "mnist.npz").write_text("downloaded")

    monkeypatch.setattr(data, "load", download)
    monkeypatch.setattr(data, "pictures", lambda: None)
    app = SimpleNamespace(
        srcdir=str(tmp_path),
        outdir=str(tmp_path / "_build" / "html"),
        config=SimpleNamespace(nb_execution_cache_path=""),
    )
    env = SimpleNamespace(
        found_docs={"page", "list"}, doc2path=lambda name: str(tmp_path / f"{name}.md")
    )
    assert thesis_book.find_changed(app, env, set(), set(), set()) == ["page", "list"]
    data.load("mnist")  # as the chapter does when it is executed
    thesis_book._remember(thesis_book._store(app), app.thesis_fingerprints)
    assert thesis_book.find_changed(app, env, set(), set(), set()) == []
    # A page that has changed may cite what no page did.
    assert thesis_book.find_changed(app, env, set(), {"page"}, set()) == ["list"]


MEET = """import os
from pathlib import Path
from time import monotonic, sleep

Path("{own}-ran").touch()
end = monotonic() + 60
while not Path("{other}-ran").exists() and monotonic() < end:
    sleep(0.05)
os.write(2, b"a note of the process")
print("met " + str(Path("{other}-ran").exists()))
print("with threads: " + os.environ["TF_NUM_INTRAOP_THREADS"])
"""


def test_chapters_are_executed_side_by_side_and_a_failure_is_reported(tmp_path: Path) -> None:
    """Each of two pages waits for the other; a third one fails."""
    cells = {
        "one": MEET.format(own="one", other="two"),
        "two": MEET.format(own="two", other="one"),
        "three": "print(undefined_name)\n",
    }
    head = "---\nfile_format: mystnb\nkernelspec:\n  name: python3\norphan: true\n---\n"
    for name, code in cells.items():
        page = f"{head}# {name}\n\n```{{code-cell}} ipython3\n{code}```\n"
        (tmp_path / f"{name}.md").write_text(page)
    (tmp_path / "conf.py").write_text(
        f"import sys; sys.path[:0] = [{str(ROOT / '_ext')!r}, {str(ROOT)!r}]\n"
        "extensions = ['myst_nb', 'thesis_book', 'side_by_side']\nroot_doc = 'one'\n"
        "nb_execution_mode = 'cache'\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", "-q", str(tmp_path), str(tmp_path / "_build" / "html")],
        capture_output=True,
        text=True,
    )
    for name in ("one", "two"):
        page = (tmp_path / "_build" / "html" / f"{name}.html").read_text()
        assert "met True" in page
        assert "with threads: 1" in page
    assert "CHAPTER FAILED: three" in done.stderr
    assert "name 'undefined_name' is not defined" in done.stderr
    assert "CHAPTER FAILED: one" not in done.stderr
    assert "a note of the process" not in done.stderr
