"""Killed, interrupted, without room or rights: nothing is lost, and one line says what happened."""

import contextlib
import dataclasses
import errno
import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import psutil
import pytest
from sphinx.errors import ExtensionError

import thesis_book
from tests.runs import make_run
from tests.test_records import make
from thesis_lib import durable, experiments
from thesis_lib.__main__ import main
from thesis_lib.records import Store

ROOT = Path(__file__).parent.parent
SMALL_SWEEP = Path(__file__).with_name("small_sweep.py")


@pytest.fixture(autouse=True)
def own_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "records"
    monkeypatch.setenv("THESIS_LIB_RECORDS", str(folder))
    monkeypatch.setenv("THESIS_BUILD", "quick")
    monkeypatch.setenv("TQDM_DISABLE", "1")
    monkeypatch.setenv("PYTHONPATH", f"{ROOT}{os.pathsep}{ROOT / '_ext'}")
    folder.mkdir()
    return folder


def start(*arguments: str, **options: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(SMALL_SWEEP), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        **options,  # type: ignore[call-overload]
    )


def wait_until(condition: Callable[[], object]) -> None:
    end = time.monotonic() + 90
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def session(leader: int) -> list[int]:
    """Return the processes of a session that `start` began."""
    found = []
    for pid in psutil.pids():
        with contextlib.suppress(ProcessLookupError):
            found += [pid] * (os.getsid(pid) == leader)
    return found


def recorded_lines(store: Path) -> int:
    return sum(file.read_bytes().count(b"\n") for file in store.glob("*/*.jsonl"))


def test_a_sweep_killed_thirty_times_loses_nothing() -> None:
    process = start("kill-many", "30")
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err[-2000:]
    found = json.loads(out)
    assert found["problems"] == []
    assert found["left"] == 0
    assert found["halves"] == []
    # The kills fell into the work, and each start went on where the one before was.
    assert len(set(found["recorded"])) > 14


def test_training_killed_goes_on_and_leaves_no_process(
    own_store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SMALL_SWEEP", "real")
    sweep = ("sweep", "binary/rus", "binary/rus-corrected", "--seeds", "1", "2", "--workers", "1")
    process = start(*sweep)
    wait_until(lambda: recorded_lines(own_store) or process.poll() is not None)
    workers = psutil.Process(process.pid).children(recursive=True)
    assert workers
    process.kill()  # this process alone: its workers have to notice
    process.communicate()
    psutil.wait_procs(workers, timeout=30)
    assert not [worker for worker in workers if worker.is_running()]
    before = recorded_lines(own_store)
    assert 1 <= before < 4
    out, err = start(*sweep).communicate(timeout=200)
    assert err == ""
    assert out.startswith(f"{4 - before} run{'' if before == 3 else 's'} recorded")
    names = ("binary/rus", "binary/rus-corrected")
    assert [r["seed"] for name in names for r in Store(own_store).read(name)] == [1, 2, 1, 2]
    assert all(experiments.outputs(name, seed) is not None for name in names for seed in (1, 2))


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_sweep_ends_cleanly(
    own_store: Path, monkeypatch: pytest.MonkeyPatch, how: signal.Signals
) -> None:
    monkeypatch.setenv("SMALL_SWEEP_SECONDS", "0.2")
    process = start("sweep", "binary/focal-*", "--seeds", "1", "--workers", "2")
    wait_until(lambda: recorded_lines(own_store) or process.poll() is not None)
    workers = psutil.Process(process.pid).children(recursive=True)
    if how == signal.SIGINT:
        os.killpg(process.pid, how)  # as a terminal does
    else:
        process.send_signal(how)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert err == ""
    psutil.wait_procs(workers, timeout=30)
    assert not [worker for worker in workers if worker.is_running()]
    lines = out.splitlines()
    n_recorded = recorded_lines(own_store)
    assert lines[0] == f"Interrupted; {n_recorded} run{'' if n_recorded == 1 else 's'} recorded."
    assert 1 <= n_recorded < 25
    assert len(lines) == 1 + 25 - n_recorded
    assert all(line.startswith("left: binary/focal-") for line in lines[1:])


def test_a_sweep_ends_inside_its_budget_and_leaves_no_process(
    own_store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run would take a quarter of an hour; the budget ends once two of them train."""
    monkeypatch.setenv("SMALL_SWEEP_SECONDS", "900")
    monkeypatch.setenv("SMALL_SWEEP_ENDS_WITH", "2")
    sweep = ("sweep", "binary/focal-*", "--seeds", "1", "--workers", "2")
    process = start(*sweep, "--max-seconds", "60")
    out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, "")
    wait_until(lambda: not session(process.pid))
    lines = out.splitlines()
    assert lines[0] == "0 runs recorded, 0 images a second."
    assert len(lines) == 1 + 25
    assert all(line.startswith("left: binary/focal-") for line in lines[1:])
    assert recorded_lines(own_store) == 0


def test_a_worker_killed_ends_the_sweep_with_a_reason(
    own_store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SMALL_SWEEP_SECONDS", "0.3")
    process = start("sweep", "binary/focal-*", "--seeds", "1", "--workers", "1")
    wait_until(lambda: recorded_lines(own_store) or process.poll() is not None)
    for worker in psutil.Process(process.pid).children():
        if "spawn_main" in " ".join(worker.cmdline()):
            worker.kill()
    out, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "a training process was killed" in err
    assert len(err.splitlines()) == 1
    n_failed, n_left = len(err.splitlines()), out.count("left: ")
    assert recorded_lines(own_store) + n_failed + n_left == 25


def test_an_interrupted_cell_keeps_its_runs(
    own_store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("THESIS_BUILD", "full")
    monkeypatch.delenv("TQDM_DISABLE")  # a bar shows in a terminal or a notebook, not in a pipe
    out, err = start("cell").communicate(timeout=60)
    kept, again = map(json.loads, out.splitlines())
    assert kept == {"kept": [1, 2]}
    assert again == {"again": [1, 2, 3, 4, 5]}
    assert err == ""


def test_a_fresh_build_keeps_what_it_trained_in_the_process(
    monkeypatch: pytest.MonkeyPatch, own_store: Path
) -> None:
    monkeypatch.setenv("THESIS_BUILD", "fresh")
    experiments._of_process.cache_clear()
    asked: list[int] = []

    def train(experiment: object, seed: int, **_: object) -> dict[str, object]:
        asked.append(seed)
        if asked == [1, 2, 3]:
            raise KeyboardInterrupt
        return {"binary/rus": make_run(seed=seed)}

    monkeypatch.setattr(experiments, "train_family", train)
    with pytest.raises(KeyboardInterrupt):
        experiments.results("binary/rus")
    assert len(experiments.results("binary/rus")) == 5
    assert len(experiments.results("binary/rus")) == 5
    assert asked == [1, 2, 3, 3, 4, 5]
    assert recorded_lines(own_store) == 0


# No room, no rights, files in the way


def limit_files_to_8192_bytes() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (8192, 8192))


def one_line(err: str) -> str:
    """Return the one line that the command wrote."""
    assert err.startswith("thesis-lib: ")
    assert err.count("\n") == 1
    return err


def test_a_sweep_on_a_full_disk(own_store: Path) -> None:
    process = start("sweep", "binary/rus", "--workers", "1", preexec_fn=limit_files_to_8192_bytes)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 2
    assert one_line(err).endswith("File too large\n")
    assert str(own_store) in err
    # One record has room in the file; the second has not, and the sweep ends there.
    assert [record["seed"] for record in Store(own_store).read("binary/rus")] == [1]
    assert not list(own_store.rglob("*.part"))


def test_a_merge_on_a_full_disk_leaves_both_stores_whole(own_store: Path, tmp_path: Path) -> None:
    here, there = Store(own_store), Store(tmp_path / "other")
    for seed in (1, 2):
        here.append(make(seed=seed))
    for seed in range(3, 40):
        there.append(make(seed=seed))
    process = start("merge", str(there.folder), preexec_fn=limit_files_to_8192_bytes)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "baseline.jsonl: File too large" in one_line(err)
    seeds = [record["seed"] for record in here.read("binary/baseline")]
    assert 2 < len(seeds) < 39
    assert seeds == list(range(1, len(seeds) + 1))
    assert here.merge(there) == 39 - len(seeds)


def test_an_export_on_a_full_disk_keeps_the_old_file(tmp_path: Path) -> None:
    for seed in range(1, 80):
        run = make_run(seed=seed)
        run.provenance["data_sha256"] = "0"
        experiments.record(run)
    target = tmp_path / "runs.csv"
    target.write_text("old\n")
    process = start("export", str(target), preexec_fn=limit_files_to_8192_bytes)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 2
    assert f"{target}: File too large" in one_line(err)
    assert target.read_text() == "old\n"
    assert not list(tmp_path.glob("*.part"))


def test_output_to_a_full_disk_is_told() -> None:
    with open("/dev/full", "w") as full:
        command = [sys.executable, "-m", "thesis_lib", "list"]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, cwd=ROOT)
    assert done.returncode == 2
    assert "No space left on device" in one_line(done.stderr)


def test_a_reader_that_leaves_early_is_no_error() -> None:
    command = f"{sys.executable} -m thesis_lib list | head -n 1"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, cwd=ROOT)
    assert done.stdout.startswith("multiclass/baseline")
    assert done.stderr == ""


@pytest.mark.parametrize("code", [errno.EACCES, errno.EROFS, errno.ENOSPC])
def test_what_the_system_refuses_is_named(
    code: int,
    own_store: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    there = Store(tmp_path / "other")
    there.append(make())

    def refuse(path: object, *_: object) -> int:
        raise OSError(code, os.strerror(code), str(path))

    monkeypatch.setattr(os, "open", refuse)
    assert main(["merge", str(there.folder)]) == 2
    assert f"baseline.jsonl: {os.strerror(code)}" in one_line(capsys.readouterr().err)
    assert not list(own_store.rglob("*.jsonl"))


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is forbidden to root")
def test_a_folder_without_rights(own_store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    own_store.chmod(0o500)
    with pytest.raises(PermissionError):
        experiments.record(make_run())
    own_store.chmod(0o700)


@pytest.mark.parametrize(
    ("block", "arguments", "message"),
    [
        ("records", ["list"], "is a file; the store needs a folder"),
        ("records", ["compare"], "is a file; the store needs a folder"),
        ("records", ["verify", "binary/rus"], "is a file; the store needs a folder"),
        ("records", ["sweep", "binary/rus"], "is a file; the store needs a folder"),
        ("records/binary", ["merge", "other"], "a folder is needed there, and a file is"),
        ("nothing", ["merge", "nowhere"], "nowhere is no folder"),
        ("nothing", ["merge", "nothing"], "is a file; the store needs a folder"),
    ],
)
def test_a_file_where_a_folder_should_be(
    block: str,
    arguments: list[str],
    message: str,
    own_store: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Store("other").append(make())
    own_store.rmdir()
    (tmp_path / block).parent.mkdir(exist_ok=True)
    (tmp_path / block).write_text("mine")
    assert main(arguments) == 2
    assert message in one_line(capsys.readouterr().err)
    assert (tmp_path / block).read_text() == "mine"


def test_an_export_below_a_file(
    own_store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = make_run()
    origin = {**run.provenance, "data_sha256": "0"}
    experiments.record(dataclasses.replace(run, provenance=origin))
    (tmp_path / "mine").write_text("mine")
    assert main(["export", str(tmp_path / "mine" / "runs.csv")]) == 2
    assert "a folder is needed there, and a file is" in one_line(capsys.readouterr().err)
    assert (tmp_path / "mine").read_text() == "mine"


def test_a_folder_where_a_file_should_be(
    own_store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Store(own_store).path("binary/rus").mkdir(parents=True)
    assert main(["list", "binary/rus"]) == 2
    assert "rus.jsonl: Is a directory" in one_line(capsys.readouterr().err)


def test_a_damaged_record_is_one_line_and_the_rest_is_counted(
    own_store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    experiments.record(make_run(seed=1))
    with open(Store(own_store).path("binary/rus"), "a") as file:
        file.write("{torn\n")
    assert main(["list", "binary/rus"]) == 0
    out, err = capsys.readouterr()
    assert out.split() == ["binary/rus", "1", "seed"]
    assert one_line(err).startswith("thesis-lib: warning: ")
    assert "rus.jsonl, line 2: not a complete JSON line" in err


# Files that are replaced whole


def test_a_block_that_fails_leaves_the_file(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "file"
    path.parent.mkdir()
    path.write_bytes(b"old")

    def fail() -> None:
        with durable.replacing(path) as file:
            file.write(b"new")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert path.read_bytes() == b"old"
    assert list(path.parent.iterdir()) == [path]


def test_what_a_killed_process_left_is_used_again(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "file"
    path.parent.mkdir()
    path.with_name("file.part").write_bytes(b"half of something longer")
    path.write_bytes(b"old")
    path.chmod(0o640)
    with durable.replacing(path) as file:
        file.write(b"new")
    assert path.read_bytes() == b"new"
    assert path.stat().st_mode & 0o777 == 0o640
    assert list(path.parent.iterdir()) == [path]


def test_outputs_of_a_recorded_run_stay(own_store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(experiments, "family", lambda run: {run.experiment.name: run})
    first, second = (np.eye(4, 2, k=k, dtype=np.float32) for k in (0, 1))
    for outputs in (first, second):
        run = make_run()
        object.__setattr__(run, "probabilities", outputs)
        experiments.keep_family(run)
    np.testing.assert_array_equal(experiments.outputs("binary/rus", 1), first)


# The book's cache


def test_fingerprints_are_replaced_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "cache" / "fingerprints.json"
    thesis_book._remember(path, {"one": "1"})

    def fail(self: Path, text: str) -> None:
        with open(self, "w") as file:
            file.write(text[:3])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_text", fail)
    with pytest.raises(ExtensionError, match=r"fingerprints\.json cannot be written: No space"):
        thesis_book._remember(path, {"one": "2"})
    assert json.loads(path.read_text()) == {"one": "1"}


def make_book(folder: Path) -> None:
    cell = (
        "---\nfile_format: mystnb\nkernelspec:\n  name: python3\norphan: true\n---\n# {0}\n\n"
        + ("```{{code-cell}} ipython3\nprint('the {0} ' + 'cell')\n```\n")
    )
    for name in ("one", "two"):
        (folder / f"{name}.md").write_text(cell.format(name))
    (folder / "conf.py").write_text(
        f"import sys; sys.path[:0] = [{str(ROOT / '_ext')!r}, {str(ROOT)!r}]\n"
        "extensions = ['myst_nb', 'thesis_book', 'side_by_side']\nroot_doc = 'one'\n"
        "nb_execution_mode = 'cache'\n"
    )


def build(folder: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", str(folder)]
    return subprocess.Popen(
        [*command, str(folder / "_build" / "html")],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def test_a_build_killed_again_and_again_ends_well(tmp_path: Path) -> None:
    book = tmp_path / "book"
    book.mkdir()
    make_book(book)
    pages = [book / "_build" / "html" / f"{name}.html" for name in ("one", "two")]
    cache = book / "_build" / ".jupyter_cache"
    for seconds in (0.0, 0.5, 1.0):
        process = build(book)
        # Starting takes most of the time: the kills are to fall into execution and writing.
        wait_until(lambda process=process: cache.exists() or process.poll() is not None)
        time.sleep(seconds)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
    process = build(book)
    out, _ = process.communicate(timeout=120)
    assert process.returncode == 0, out
    for page in pages:
        assert f"the {page.stem} cell" in page.read_text()
    stored = json.loads((cache / "fingerprints.json").read_text())
    assert sorted(stored) == ["one", "two"]


def test_a_cache_that_cannot_be_written_ends_the_build(tmp_path: Path) -> None:
    make_book(tmp_path)
    (tmp_path / "_build").mkdir()
    (tmp_path / "_build" / ".jupyter_cache").write_text("a file")
    process = build(tmp_path)
    out, _ = process.communicate(timeout=120)
    assert process.returncode != 0
    assert ".jupyter_cache" in out
    assert (tmp_path / "_build" / ".jupyter_cache").read_text() == "a file"
