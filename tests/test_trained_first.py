"""What a build trains before its chapters are executed, and how long their cells may take."""

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import side_by_side
import trained_first
from tests.runs import make_run
from thesis_lib import experiments
from thesis_lib.records import Store

ROOT = Path(__file__).parent.parent


class Machine:
    """Stands in for the processes that the extension starts; their status is 0 unless it is set."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, gpu: bool, setting: str = "quick") -> None:
        self.gpu, self.setting, self.status = gpu, setting, 0
        self.asked: list[str] = []
        self.sweeps: list[dict[str, str]] = []
        monkeypatch.setattr(trained_first.subprocess, "run", self.run)
        monkeypatch.setattr(trained_first.shutil, "which", lambda name: name if gpu else None)

    def run(self, command: list[str], **options: Any) -> Any:
        assert options["cwd"] == "book"
        if command[1] == "-c":
            self.asked.append(command[2].split("experiments.")[-1])
            has_gpu = "has_gpu" in command[2]
            assert not has_gpu or options["env"]["KERAS_BACKEND"] == "jax"
            answer = str(self.gpu) if has_gpu else self.setting
            return SimpleNamespace(stdout=f"{answer}\n")
        assert command[1:] == ["-m", "thesis_lib", "sweep", "thesis", "--device", "gpu"]
        self.sweeps.append(options["env"])
        return SimpleNamespace(returncode=self.status)


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    monkeypatch.setenv("THESIS_LIB_FRESH", "")  # and so put back
    monkeypatch.delenv("THESIS_LIB_RECORDS", raising=False)
    monkeypatch.delenv("THESIS_BUILD", raising=False)
    return SimpleNamespace(srcdir="book", outdir=str(tmp_path / "_build" / "html"))


def build(app: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, waiting: int = 1) -> None:
    """Do what Sphinx does with the extension, where so many chapters are to be executed."""
    monkeypatch.setattr(side_by_side, "waiting", lambda env: [()] * waiting)
    trained_first.train_missing(app)
    assert trained_first.train_afresh(app, None, set(), set(), set()) == []


@pytest.mark.parametrize("setting", ["quick", "full", "fresh", "", "fast"])
def test_cells_have_no_limit_where_a_build_trains(
    setting: str, app: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    Machine(monkeypatch, gpu=False)
    monkeypatch.setenv("THESIS_BUILD", setting)
    config = SimpleNamespace(nb_execution_timeout=1800)
    trained_first.settle(app, config)
    assert config.nb_execution_timeout == (-1 if setting in ("full", "fresh") else 1800)
    # Kernels are told, for each would have to import Keras to find out.
    assert os.environ["THESIS_BUILD"] == (setting or "quick")


@pytest.mark.parametrize("setting", ["quick", "full"])
def test_keras_is_asked_once_what_nobody_said(
    setting: str, app: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = Machine(monkeypatch, gpu=True, setting=setting)
    trained_first.settle(app, SimpleNamespace(nb_execution_timeout=1800))
    assert os.environ["THESIS_BUILD"] == setting
    build(app, monkeypatch)
    assert machine.asked == ["build_setting())", *["has_gpu())"] * (setting == "full")]
    assert len(machine.sweeps) == (setting == "full")


def test_a_full_build_trains_what_is_missing_first(
    app: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("THESIS_BUILD", "full")
    machine = Machine(monkeypatch, gpu=True)
    build(app, monkeypatch, waiting=0)  # whether one waits is seen after it
    (environment,) = machine.sweeps
    assert "THESIS_LIB_RECORDS" not in environment
    assert "TQDM_DISABLE" not in environment


@pytest.mark.parametrize("gpu", [True, False])
def test_a_fresh_build_trains_into_an_empty_folder(
    gpu: bool, app: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("THESIS_BUILD", "fresh")
    machine, folder = Machine(monkeypatch, gpu=gpu), tmp_path / "_build" / "fresh"
    (folder / "binary").mkdir(parents=True)
    build(app, monkeypatch, waiting=0)
    assert os.environ["THESIS_LIB_FRESH"] == ""
    assert (folder / "binary").exists()
    build(app, monkeypatch, waiting=2)
    assert os.environ["THESIS_LIB_FRESH"] == str(folder)
    assert not folder.exists()
    assert [e["THESIS_LIB_RECORDS"] for e in machine.sweeps] == [str(folder)] * gpu


def test_a_sweep_that_fails_is_a_warning(
    app: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    monkeypatch.setenv("THESIS_BUILD", "full")
    monkeypatch.setattr(trained_first.logger, "warning", told.append)
    Machine(monkeypatch, gpu=True).status = 2
    build(app, monkeypatch)
    assert told == [
        "`-m thesis_lib sweep thesis --device gpu` ended with status 2; chapters train on."
    ]


def test_chapters_of_a_fresh_build_share_what_it_trained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    committed, fresh = Store(tmp_path / "records"), Store(tmp_path / "fresh")
    monkeypatch.setenv("THESIS_BUILD", "fresh")
    monkeypatch.setenv("THESIS_LIB_RECORDS", str(committed.folder))
    monkeypatch.setenv("THESIS_LIB_FRESH", str(fresh.folder))
    for seed in (4, 5):
        experiments.record(make_run(seed=seed))
    for seed in (1, 2):
        fresh.append(experiments.to_record(make_run(seed=seed)))
    asked: list[int] = []

    def train(experiment: object, seed: int, *, keep: bool, **_: object) -> dict[str, object]:
        assert not keep
        asked.append(seed)
        return {"binary/rus": make_run(seed=seed)}

    monkeypatch.setattr(experiments, "train_family", train)
    for _ in range(2):
        assert [run.seed for run in experiments.results("binary/rus")] == [1, 2, 3, 4, 5]
    assert asked == [3, 4, 5]
    assert [r["seed"] for r in fresh.read("binary/rus")] == [1, 2, 3, 4, 5]
    assert [r["seed"] for r in committed.read("binary/rus")] == [4, 5]


PAGE = """---
file_format: mystnb
kernelspec: {name: python3, display_name: Python 3}
---
# Title

```{code-cell} ipython3
import os
print("its runs are in " + os.path.basename(os.environ["THESIS_LIB_FRESH"]))
```
"""


def test_sphinx_does_so_without_a_gpu(tmp_path: Path) -> None:
    (tmp_path / "index.md").write_text(PAGE)
    (tmp_path / "conf.py").write_text(
        f"import sys; sys.path[:0] = [{str(ROOT / '_ext')!r}, {str(ROOT)!r}]\n"
        "extensions = ['myst_nb', 'thesis_book', 'trained_first', 'side_by_side']\n"
        "nb_execution_mode = 'cache'\nnb_execution_timeout = 1800\n"
        "def tell(app, exception):\n"
        "    print('limit:', app.env.mystnb_config.execution_timeout)\n"
        "def setup(app):\n    app.connect('build-finished', tell)\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", "-q", str(tmp_path), str(tmp_path / "_build" / "html")],
        env={
            **os.environ,
            "THESIS_BUILD": "fresh",
            "PYTHONPATH": str(ROOT),
            "JAX_PLATFORMS": "cpu",  # also where there is a GPU
        },
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "limit: -1" in done.stdout
    assert "its runs are in fresh" in (tmp_path / "_build" / "html" / "index.html").read_text()
