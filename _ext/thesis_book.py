"""Sphinx extension of the book: warnings are errors, the cache sees more, failures come last.

MyST-NB runs a chapter again when its code cells change. A chapter also depends on the modules of
``thesis_lib`` that it imports, on the records, on the data that is there and on the build setting.
Each chapter's dependencies are reduced to a fingerprint; where it differs from that of the last
successful build, the chapter leaves the execution cache and is read again.
"""

from __future__ import annotations

import ast
import atexit
import hashlib
import json
import os
import re
import shutil
import sys
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path
from typing import Any

from sphinx.errors import ExtensionError

PACKAGES = ("keras", "tensorflow", "numpy", "scikit-learn", "imbalanced-learn", "matplotlib")
# Files outside the package that a module reads.
READS = {
    "experiments": ("records",),
    "tuning": ("tuned.yml",),
    "book.classifier": ("weights",),
    "book.findings": ("book/findings.yml",),
    "book.literature": ("book/literature.yml",),
    "book.published": ("book/published.yml",),
}

_CODE_CELL = re.compile(r"^```\{code-cell\}.*?^```$", re.MULTILINE | re.DOTALL)
_IMPORT = re.compile(r"^(?:from|import) (?:[^\n(]*\([^)]*\)|[^\n]*)", re.MULTILINE)


def setup(app: Any) -> dict[str, bool]:
    """Connect the extension; called by Sphinx."""
    # What -W --keep-going does on the command line, so that no build forgets it.
    app.keep_going = True
    # The kernels inherit these: no start-up noise, no bars, the same numbers in every build.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("TQDM_DISABLE", "1")
    app.connect("env-get-outdated", find_changed)
    app.connect("build-finished", finish)
    return {"parallel_read_safe": False, "parallel_write_safe": True}


def find_changed(app: Any, env: Any, added: Any, changed: Any, removed: Any) -> list[str]:
    """Drop from the execution cache what depends on something that changed; name the pages."""
    _discard_unfinished_cache(app)
    old = _stored(app)
    texts = {n: Path(env.doc2path(n)).read_text("utf-8") for n in sorted(env.found_docs)}
    if any("from thesis_lib" in text for text in texts.values()):
        _fetch_data(Path(app.srcdir))
    app.thesis_fingerprints = {
        name: fingerprint(Path(app.srcdir), text)
        for name, text in texts.items()
        if "{code-cell}" in text
    }
    stale = [name for name, new in app.thesis_fingerprints.items() if old.get(name) != new]
    for name in stale:
        _forget(app, Path(env.doc2path(name)))
    # A list of references lacks what a page cites for the first time, unless it is read again.
    lists = [name for name, text in texts.items() if "{bibliography}" in text]
    return stale + lists * bool(stale or added or changed)


def _fetch_data(root: Path) -> None:
    """Download what the network has before it counts which data are here.

    Else the first chapter would, and the next build would take the others for out of date.
    """
    sys.path.insert(0, str(root))
    try:
        from thesis_lib import data

        data.load("mnist", fallback="digits")
        data.pictures()
    except (ImportError, ValueError):
        return  # the chapters that need it fail, and say so
    finally:
        sys.path.remove(str(root))


def fingerprint(root: Path, source: str) -> str:
    """Return a hash of everything but its own text that a chapter's outputs depend on."""
    code = "\n".join(line for cell in _CODE_CELL.findall(source) for line in _IMPORT.findall(cell))
    digest = hashlib.sha256()
    # The package is imported with each module, but imports nothing itself before it is asked to.
    for module in sorted({"", *closure(root, imported(code))}):
        for path in files_of(root, module):
            digest.update(str(path.relative_to(root)).encode() + path.read_bytes())
    sys.path.insert(0, str(root))
    try:
        from thesis_lib import data

        state = [data.fingerprint(), os.environ.get("THESIS_BUILD", "")]
    except ImportError:
        state = []
    finally:
        sys.path.remove(str(root))
    state += [f"{name} {version(name)}" for name in PACKAGES]
    digest.update("\n".join(state).encode())
    return digest.hexdigest()


def imported(code: str) -> set[str]:
    """Return the names inside thesis_lib that a piece of Python imports, dotted."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("thesis_lib"):
            base = (node.module or "").removeprefix("thesis_lib").lstrip(".")
            # What the package itself holds, its version, is in the file that always counts.
            named = [alias.name for alias in node.names if not alias.name.startswith("__")]
            names.update(f"{base}.{name}".lstrip(".") for name in named)
        elif isinstance(node, ast.Import):
            dotted = (a.name for a in node.names if a.name.startswith("thesis_lib"))
            names.update(name.removeprefix("thesis_lib").lstrip(".") for name in dotted)
    return names


def closure(root: Path, names: Iterable[str]) -> set[str]:
    """Return the modules that the names stand for, and all that these import in turn."""
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        path, parent = _module_path(root, name), name.rpartition(".")[0]
        if path is None and name:
            waiting.append(parent)  # the name of something inside a module
        elif path is not None and name not in found:
            found.add(name)
            waiting += [*imported(path.read_text("utf-8")), *([parent] if parent else [])]
    return found


def files_of(root: Path, module: str) -> list[Path]:
    """Return a module's source and the files it reads, in a fixed order."""
    path = _module_path(root, module)
    files = [path] if path else []
    for pattern in READS.get(module, ()):
        folder = root / pattern
        found = folder.rglob("*") if folder.is_dir() else (root / "thesis_lib").glob(pattern)
        files += sorted(file for file in found if file.is_file())
    return files


def finish(app: Any, exception: Exception | None) -> None:
    """Remember the fingerprints of the chapters that ran; show the failures last."""
    reports = sorted((Path(app.outdir) / "reports").rglob("*.err.log"))
    failed = {str(r.relative_to(Path(app.outdir) / "reports"))[: -len(".err.log")] for r in reports}
    fingerprints = getattr(app, "thesis_fingerprints", {})
    good = {name: value for name, value in fingerprints.items() if name not in failed}
    _remember(_store(app), good)
    for report in reports:
        # At exit, since Jupyter Book writes its own summary after Sphinx has finished.
        name = report.relative_to(Path(app.outdir) / "reports")
        text = f"\nCHAPTER FAILED: {str(name)[: -len('.err.log')]}\n{report.read_text('utf-8')}"
        atexit.register(print, text, file=sys.stderr)
        # The report is rewritten by the next build that fails; an old one would accuse wrongly.
        report.unlink()


def _remember(path: Path, fingerprints: dict[str, str]) -> None:
    """Write the fingerprints whole: a build killed meanwhile leaves the old ones."""
    part = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(json.dumps(fingerprints, indent=1))
        part.replace(path)
    except OSError as error:
        raise ExtensionError(f"{path} cannot be written: {error.strerror}.") from None


def _cache_folder(app: Any) -> Path:
    # The path is empty unless it was configured; then MyST-NB caches beside the output.
    return Path(app.config.nb_execution_cache_path or _store(app).parent)


def _discard_unfinished_cache(app: Any) -> None:
    """Remove an execution cache whose making was killed: no build could use it."""
    from jupyter_cache.cache.db import DB_NAME, OrmBase, create_db, get_version
    from sqlalchemy import inspect

    folder = _cache_folder(app)
    if not (folder / DB_NAME).exists():
        return
    tables = set(inspect(create_db(folder)).get_table_names())
    if get_version(folder) is None or not set(OrmBase.metadata.tables) <= tables:
        shutil.rmtree(folder)


def _forget(app: Any, path: Path) -> None:
    """Remove a chapter's outputs from the execution cache."""
    from jupyter_cache import get_cache
    from myst_nb.core.read import read_myst_markdown_notebook

    folder = _cache_folder(app)
    if not folder.exists():
        return
    cache = get_cache(folder)
    notebook = read_myst_markdown_notebook(path.read_text("utf-8"))
    try:
        cache.remove_cache(cache.match_cache_notebook(notebook).pk)
    except KeyError:
        return


def _store(app: Any) -> Path:
    return Path(app.outdir).parent / ".jupyter_cache" / "fingerprints.json"


def _stored(app: Any) -> dict[str, str]:
    try:
        stored: dict[str, str] = json.loads(_store(app).read_text())
    except (OSError, ValueError):
        return {}
    return stored if isinstance(stored, dict) else {}


def _module_path(root: Path, name: str) -> Path | None:
    base = root / "thesis_lib" / Path(*name.split(".")) if name else root / "thesis_lib"
    for path in (base.with_suffix(".py"), base / "__init__.py"):
        if path.is_file():
            return path
    return None
