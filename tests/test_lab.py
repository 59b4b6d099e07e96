"""The notebooks that `make lab` opens: a real Jupyter server, its contents and its kernels."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
import tomllib
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import URLError

import nbclient
import pytest
import websocket

from tests.test_chapters import NOTEBOOKS, ROOT
from tests.test_chapters import cells as cells_of
from thesis_lib.records import Store

TOKEN = "of-the-test"
STEMS = [path.stem for path in NOTEBOOKS]

Notebook = dict[str, Any]
Message = dict[str, Any]


class Lab:
    """A Jupyter server in a copy of the project."""

    at_start: dict[str, bytes]  # the sources when the server had started

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.folder = folder
        self.log = folder.parent / "server.log"
        self.headers = {"Authorization": f"token {TOKEN}"}
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.address = f"127.0.0.1:{port}"
        options = (
            f" --no-browser --ip=127.0.0.1 --port={port} --ServerApp.port_retries=0"
            f" --IdentityProvider.token={TOKEN} --allow-root"
        )
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                "set -e\n" + recipe("lab") + options,
                shell=True,
                cwd=folder,
                env=environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        wait_until(self.answers)

    def answers(self) -> bool:
        assert self.process.poll() is None, self.log.read_text()
        try:
            return bool(self.call("GET", "status"))
        except URLError:
            return False

    def call(self, method: str, path: str, body: object = None) -> Any:
        request = urllib.request.Request(
            f"http://{self.address}/api/{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers=self.headers,
        )
        with urllib.request.urlopen(request, timeout=30) as response:
            return json.loads(response.read() or b"null")

    def open(self, path: str) -> Notebook:
        """Open a file as JupyterLab opens a notebook."""
        content: Notebook = self.call("GET", f"contents/{path}?type=notebook")["content"]
        return content

    def save(self, path: str, notebook: Notebook) -> None:
        body = {"type": "notebook", "format": "json", "content": notebook}
        self.call("PUT", f"contents/{path}", body)

    def source(self, stem: str) -> Path:
        return self.folder / "chapters" / f"{stem}.md"

    def close(self) -> None:
        os.killpg(self.process.pid, signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)


class Kernel:
    """A kernel of a server, started as JupyterLab starts one for an opened notebook."""

    def __init__(self, lab: Lab, path: str) -> None:
        self.lab = lab
        body = {"path": path, "name": "", "type": "notebook", "kernel": {"name": "python3"}}
        self.id = lab.call("POST", "sessions", body)["kernel"]["id"]
        self.socket = websocket.create_connection(
            f"ws://{lab.address}/api/kernels/{self.id}/channels?token={TOKEN}", timeout=120
        )

    def run(self, code: str) -> Message:
        """Execute a cell; return the reply, with the cell's outputs."""
        sent = f"cell-{time.monotonic_ns()}"
        head = {"msg_id": sent, "msg_type": "execute_request", "username": "", "session": "test"}
        content = {
            "code": textwrap.dedent(code),
            "silent": False,
            "store_history": True,
            "allow_stdin": False,
        }
        message = {"header": head, "parent_header": {}, "metadata": {}, "content": content}
        self.socket.send(json.dumps(message | {"channel": "shell", "buffers": []}))
        outputs: list[Message] = []
        reply, idle = None, False
        while reply is None or not idle:
            got = json.loads(self.socket.recv())
            if got["parent_header"].get("msg_id") != sent:
                continue
            kind = got["msg_type"]
            if kind == "execute_reply":
                reply = got["content"]
            elif kind == "status":
                idle = got["content"]["execution_state"] == "idle"
            elif kind in ("stream", "execute_result", "display_data", "error"):
                outputs.append({"output_type": kind} | got["content"])
        return reply | {"outputs": [{k: o[k] for k in o if k != "transient"} for o in outputs]}

    def interrupt(self) -> None:
        self.lab.call("POST", f"kernels/{self.id}/interrupt")

    def close(self) -> None:
        self.socket.close()
        self.lab.call("DELETE", f"kernels/{self.id}")


def recipe(target: str) -> str:
    """Return what make runs for a target, with the programs of this environment."""
    makefile = (ROOT / "Makefile").read_text("utf-8")
    lines = re.search(rf"^{target}:.*\n((?:\t.*\n)+)", makefile, re.MULTILINE)[1]
    programs = f"{Path(sys.executable).parent}/"
    return lines.replace("\t", "").replace("$(BIN)/", programs).replace("$$", "$").strip()


def wait_until(condition: Callable[[], object]) -> None:
    end = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


def text_of(outputs: list[Message], stream: str) -> str:
    return "".join(
        o["text"] for o in outputs if o["output_type"] == "stream" and o["name"] == stream
    )


def executed(notebook: Notebook, kernel: Kernel) -> Notebook:
    """Run a notebook from top to bottom; return it with its outputs."""
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            reply = kernel.run(cell["source"])
            assert reply["status"] == "ok", reply
            cell["outputs"], cell["execution_count"] = reply["outputs"], reply["execution_count"]
    return notebook


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Start the server of `make lab` in a copy of the chapters, with no settings of the user."""
    home = tmp_path_factory.mktemp("lab")
    project = home / "project"
    shutil.copytree(ROOT / "chapters", project / "chapters")
    shutil.copy(ROOT / "jupytext.toml", project)
    environment = {k: v for k, v in os.environ.items() if k != "TQDM_DISABLE"}
    folders = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR")
    environment |= {name: str(home / name) for name in folders}
    environment |= {"PYTHONPATH": str(ROOT), "THESIS_BUILD": "quick"}
    server = Lab(project, environment)
    server.at_start = {stem: server.source(stem).read_bytes() for stem in STEMS}
    yield server
    server.close()


def test_lab_opens_with_all_chapters_as_notebooks(lab: Lab) -> None:
    request = urllib.request.Request(f"http://{lab.address}/", headers=lab.headers)
    with urllib.request.urlopen(request, timeout=30) as page:
        assert page.url.endswith("/lab/tree/notebooks")
    listed = {
        file["name"]: file["type"] for file in lab.call("GET", "contents/notebooks")["content"]
    }
    assert listed == {f"{stem}.ipynb": "notebook" for stem in STEMS}
    for path in NOTEBOOKS:
        # Starting leaves the sources alone. If it does not: `jupytext --sync` writes a chapter as
        # Jupytext does, which is what has to be committed.
        assert lab.at_start[path.stem] == path.read_bytes(), path.stem


def test_what_shows_boxes_and_exercises_is_installed_with_the_book() -> None:
    """JupyterLab alone drops the first line of a directive, and with it "Audit" and "Exercise"."""
    required = (ROOT / "requirements.txt").read_text("utf-8")
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert re.search(r"^jupyterlab-myst==[\d.]+ ", required, re.MULTILINE)
    assert any("jupyterlab-myst" in name for name in extras["optional-dependencies"]["book"])


@pytest.mark.parametrize("opened", ["notebooks/{}.ipynb", "chapters/{}.md"])
@pytest.mark.parametrize("stem", STEMS)
def test_saving_an_unchanged_notebook_gives_the_same_bytes(
    lab: Lab, stem: str, opened: str
) -> None:
    before = lab.source(stem).read_bytes()
    lab.save(opened.format(stem), lab.open(opened.format(stem)))
    assert lab.source(stem).read_bytes() == before


@pytest.mark.parametrize("opened", ["notebooks/{}.ipynb", "chapters/{}.md"])
def test_a_changed_cell_changes_its_lines_and_no_other(lab: Lab, opened: str) -> None:
    path = opened.format("explore")
    before = lab.source("explore").read_bytes()
    notebook = lab.open(path)
    cell = next(c for c in notebook["cells"] if c["cell_type"] == "code")
    old = cell["source"]
    cell["source"] += "\nchanged = '½ of it'"
    lab.save(path, notebook)
    block = "```{{code-cell}} ipython3\n{}\n```".format
    changed = block(old + "\nchanged = '½ of it'").encode()
    assert lab.source("explore").read_bytes() == before.replace(block(old).encode(), changed)
    assert changed not in before
    # The other of the pair has it too, and taking it back restores every byte.
    other = ({"notebooks/explore.ipynb", "chapters/explore.md"} - {path}).pop()
    notebook = lab.open(other)
    assert any("changed = " in c["source"] for c in notebook["cells"])
    next(c for c in notebook["cells"] if "changed = " in c["source"])["source"] = old
    lab.save(other, notebook)
    assert lab.source("explore").read_bytes() == before


def test_an_executed_chapter_leaves_no_trace_in_its_source(lab: Lab) -> None:
    """From top to bottom, and then an edit of the Markdown shows in the notebook."""
    path = "notebooks/imbalance.ipynb"
    source = lab.source("imbalance")
    before = source.read_bytes()
    kernel = Kernel(lab, path)
    try:
        notebook = executed(lab.open(path), kernel)
        where = kernel.run("import os; print(os.getcwd())")
    finally:
        kernel.close()
    assert text_of(where["outputs"], "stdout").strip() == str(lab.folder / "notebooks")
    lab.save(path, notebook)
    assert source.read_bytes() == before
    outputs = [c["outputs"] for c in lab.open(path)["cells"] if c["cell_type"] == "code"]
    assert sum(map(bool, outputs)) > 4

    edited = before.replace(b"# Abnormal conditions", b"# Edited by hand: abnormal conditions", 1)
    assert edited != before
    source.write_bytes(edited)
    later = time.time() + 5  # as if it were edited later than within the same second
    os.utime(source, (later, later))
    reopened = lab.open(path)
    assert any("# Edited by hand" in c["source"] for c in reopened["cells"])
    assert [c["outputs"] for c in reopened["cells"] if c["cell_type"] == "code"] == outputs
    lab.save(path, reopened)
    assert source.read_bytes() == edited


def test_pages_without_cells_stay_text(lab: Lab) -> None:
    for path in sorted((ROOT / "chapters").glob("*.md")):
        if path.stem in STEMS:
            continue
        model = lab.call("GET", f"contents/chapters/{path.name}?type=file&format=text")
        lab.call("PUT", f"contents/chapters/{path.name}", model)
        assert lab.source(path.stem).read_bytes() == path.read_bytes()
        assert not (lab.folder / "notebooks" / f"{path.stem}.ipynb").exists()


# Long cells


@pytest.fixture
def kernel(lab: Lab, tmp_path: Path) -> Iterator[Kernel]:
    """Start a kernel whose records go to ``tmp_path / "records"``."""
    (tmp_path / "records").mkdir()
    started = Kernel(lab, f"notebooks/{tmp_path.name}.ipynb")
    variables = {
        "THESIS_LIB_RECORDS": str(tmp_path / "records"),
        "THESIS_BUILD": "full",
    }
    started.run(f"import os; os.environ.update({variables!r})")
    yield started
    started.close()


def lines_of(store: Path) -> list[bytes]:
    return [line for file in sorted(store.glob("*/*.jsonl")) for line in file.open("rb")]


@contextmanager
def interrupted_when(kernel: Kernel, condition: Callable[[], object]) -> Iterator[None]:
    """Interrupt the kernel, as the button in JupyterLab does, as soon as the condition holds."""

    def interrupt() -> None:
        wait_until(condition)
        kernel.interrupt()

    hand = threading.Thread(target=interrupt, daemon=True)
    hand.start()
    yield
    hand.join()


def test_results_in_a_cell_show_progress_and_can_be_interrupted(
    kernel: Kernel, tmp_path: Path
) -> None:
    """Real training, two epochs a run; the second run waits."""
    store = tmp_path / "records"
    kernel.run(
        """
        os.environ["SMALL_SWEEP"] = "real"
        import pathlib, time
        import tests.small_sweep
        from thesis_lib import experiments, training

        experiments.SEEDS = (1, 2)
        train, slow = training.train, [2]

        def train_slowly(experiment, seed, *, on_epoch, **options):
            def tick():
                on_epoch()
                if seed in slow:
                    slow.clear()
                    pathlib.Path(os.environ["THESIS_LIB_RECORDS"], "waits").touch()
                    time.sleep(100)
            return train(experiment, seed, on_epoch=tick, **options)

        training.train = train_slowly
        """
    )
    cell = "[run.seed for run in experiments.results('binary/rus')]"
    with interrupted_when(kernel, (store / "waits").exists):
        stopped = kernel.run(cell)
    assert (stopped["status"], stopped["ename"]) == ("error", "KeyboardInterrupt")
    assert re.search(r"binary/rus: +\d+%.* [23]/4 ", text_of(stopped["outputs"], "stderr"))
    kept = lines_of(store)
    assert [json.loads(line)["seed"] for line in kept] == [1]
    again = kernel.run(cell)
    assert again["status"] == "ok"
    assert again["outputs"][-1]["data"]["text/plain"] == "[1, 2]"
    assert lines_of(store)[:1] == kept
    assert [record["seed"] for record in Store(store).read("binary/rus")] == [1, 2]


def test_a_sweep_in_a_cell_shows_progress_and_can_be_interrupted(
    kernel: Kernel, tmp_path: Path
) -> None:
    """Processes of its own, which train a stand-in, long at first."""
    store = tmp_path / "records"
    kernel.run(
        """
        import __main__, tests.small_sweep
        __main__.__file__ = tests.small_sweep.__file__  # its processes start from there
        from thesis_lib import experiments; from thesis_lib.engine import sweep

        chosen = experiments.select(["binary/focal-g0-*", "binary/ros"])
        """
    )
    cell = "sweep.run(sweep.missing(chosen, [1]), workers=1).left"
    kernel.run("os.environ['SMALL_SWEEP_SECONDS'] = '2'")
    with interrupted_when(kernel, lambda: lines_of(store)):
        stopped = kernel.run(cell)
    assert (stopped["status"], stopped["ename"]) == ("error", "KeyboardInterrupt")
    assert "0/6.00k" in text_of(stopped["outputs"], "stderr")  # six runs of 1,000 images
    kept = lines_of(store)
    assert 1 <= len(kept) < 6
    kernel.run("os.environ['SMALL_SWEEP_SECONDS'] = '0.01'")
    again = kernel.run(cell)
    assert again["status"] == "ok"
    assert again["outputs"][-1]["data"]["text/plain"] == "[]"
    now = lines_of(store)
    assert len(now) == 6
    assert set(kept) <= set(now)


# From any folder


@pytest.mark.parametrize("stem", ["explore", "status"])
def test_a_chapter_runs_from_any_folder(
    stem: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import jupytext

    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("THESIS_BUILD", "quick")
    monkeypatch.setenv("TQDM_DISABLE", "1")
    notebook = jupytext.read(ROOT / "chapters" / f"{stem}.md")
    where = {"metadata": {"path": str(tmp_path)}}
    nbclient.NotebookClient(notebook, timeout=120, kernel_name="python3", resources=where).execute()
    outputs = [o for c in notebook.cells if c.cell_type == "code" for o in c.outputs]
    assert outputs
    assert "\r" not in json.dumps(outputs)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_no_chapter_depends_on_the_folder_it_runs_in(path: Path) -> None:
    names = [p.name for p in ROOT.iterdir() if not p.name.startswith(".")]
    local = rf"""["'](?:\.\.?/|(?:{"|".join(map(re.escape, names))})/)|cwd|chdir|^[%!]"""
    for cell in cells_of(path):
        assert re.search(local, cell["source"], re.MULTILINE) is None, cell["source"]
        # A file is opened only in a folder that the cell has made.
        for opened in re.findall(
            r"(?:\bopen|\bPath|\.load|read_\w+|save\w*)\(([^()]*)", cell["source"]
        ):
            assert not re.match(r"""["'][^"']*\.\w+["']""", opened), opened
