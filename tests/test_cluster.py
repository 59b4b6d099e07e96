"""Sweeps on a real Dask cluster of several processes on this machine."""

import contextlib
import importlib
import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import distributed
import numpy as np
import pytest

from thesis_lib import experiments
from thesis_lib.__main__ import main
from thesis_lib.engine import budget, cluster, sweep
from thesis_lib.own.comparison import compare
from thesis_lib.own.comparison_result import Comparison
from thesis_lib.records import Store

ROOT = Path(__file__).parent.parent
N_FOCAL = 25  # experiments that binary/focal-* names
PRELOAD = ("--preload", str(ROOT / "tests" / "small_worker.py"))
SWEEP = ["sweep", "binary/focal-*", "--seeds", "1", "--scheduler"]


def wait_until(condition: Callable[[], object]) -> None:
    end = time.monotonic() + 90
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


# Dask drops what workers hold twice, every two seconds; a worker that dies after that has to lose
# nothing either.
EAGER = {"DASK_DISTRIBUTED__SCHEDULER__ACTIVE_MEMORY_MANAGER__INTERVAL": "50ms"}


class Dask:
    """A scheduler and its workers, each started by Dask's own command."""

    def __init__(self, folder: Path, **variables: str) -> None:
        self.folder = folder
        self.processes: list[subprocess.Popen[bytes]] = []
        file = folder / "scheduler.json"
        self.scheduler = self.start(
            *("scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard"),
            *("--scheduler-file", str(file)),
            *(PRELOAD if variables else ()),
            **variables,
        )
        wait_until(file.exists)
        wait_until(lambda: '"address"' in file.read_text())
        self.client = distributed.Client(scheduler_file=str(file), set_as_default=False)
        self.address = self.client.scheduler.address

    def start(self, *arguments: str, **variables: str) -> "subprocess.Popen[bytes]":
        path = variables.pop("PYTHONPATH", str(ROOT))
        process = subprocess.Popen(
            [sys.executable, "-m", "dask", *arguments],
            env={
                **os.environ,
                **EAGER,
                "PYTHONPATH": path,
                "STARTED": str(self.folder),
                **variables,
            },
            cwd=self.folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self.processes.append(process)
        return process

    @contextlib.contextmanager
    def workers(
        self, n: int, *options: str, **variables: str
    ) -> Iterator[list["subprocess.Popen[bytes]"]]:
        """Give so many workers, for a while, that the scheduler knows."""
        fixed = ("--no-nanny", "--no-dashboard", "--local-directory", str(self.folder))
        command = ("worker", self.address, *fixed, *PRELOAD, *(options or ("--nthreads", "1")))
        started = [self.start(*command, **variables) for _ in range(n)]
        try:
            wait_until(lambda: len(self.client.nthreads()) == n)
            yield started
        finally:
            self.end(started)
            if self.scheduler.poll() is None:
                wait_until(lambda: not self.client.nthreads())

    def end(self, processes: list["subprocess.Popen[bytes]"]) -> None:
        for process in processes:
            process.kill()
            process.wait()

    def runs(self, file: str, *workers: "subprocess.Popen[bytes]") -> list[str]:
        """Return the runs that these workers have started or ended, in order."""
        path = self.folder / file
        lines = path.read_text().splitlines() if path.exists() else []
        pids = {str(worker.pid) for worker in workers}
        return [run for run, pid in (line.rsplit(" ", 1) for line in lines) if pid in pids]


@pytest.fixture(scope="module")
def dask(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dask]:
    with running(tmp_path_factory.mktemp("dask")) as started:
        yield started


@contextlib.contextmanager
def running(folder: Path, **variables: str) -> Iterator[Dask]:
    started = Dask(folder, **variables)
    try:
        yield started
    finally:
        started.client.close()
        started.end(started.processes)


@pytest.fixture(autouse=True)
def own_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "records"
    monkeypatch.setenv("THESIS_LIB_RECORDS", str(folder))
    monkeypatch.setenv("SMALL_SWEEP_SECONDS", "0.2")
    monkeypatch.setattr(sweep, "images_of", lambda job: 1000)
    return folder


def start(dask: Dask) -> "subprocess.Popen[str]":
    """Start a sweep as a user does, in a process of its own."""
    return subprocess.Popen(
        [sys.executable, str(ROOT / "tests" / "small_sweep.py"), *SWEEP, dask.address],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def lines_of(store: Path) -> list[str]:
    """Return the store's lines, read without the library's care for doubled ones."""
    return [line for file in store.glob("*/*.jsonl") for line in file.read_text().splitlines()]


def test_a_worker_killed_in_mid_sweep_loses_and_doubles_nothing(
    dask: Dask, own_store: Path
) -> None:
    with dask.workers(3) as workers:
        first = workers[0]
        process = start(dask)
        wait_until(lambda: dask.runs("ended", first))
        wait_until(lambda: len(dask.runs("started", first)) > len(dask.runs("ended", first)))
        first.kill()
        out, err = process.communicate(timeout=120)
    assert (process.returncode, err) == (0, "")
    assert out.startswith(f"{N_FOCAL} runs recorded")
    names = [e.name for e in experiments.select(["binary/focal-*"])]
    assert len(lines_of(own_store)) == N_FOCAL
    assert [r["seed"] for name in names for r in Store(own_store).read(name)] == [1] * N_FOCAL
    assert all(experiments.outputs(name, 1) is not None for name in names)
    # Started twice: the run that died with its worker and, where its result had not left the
    # worker yet, the one that had just ended there. No other.
    started = Counter(dask.runs("started", *workers))
    again = {run for run, times in started.items() if times > 1}
    assert len(started) == N_FOCAL
    assert max(started.values()) == 2
    assert 1 <= len(again) <= 2
    assert again <= set(dask.runs("started", first)[-2:])


def test_an_interrupted_sweep_cancels_what_the_workers_train(dask: Dask, own_store: Path) -> None:
    with dask.workers(2, SMALL_SWEEP_SECONDS="1") as workers:
        process = start(dask)
        wait_until(lambda: len(dask.runs("started", *workers)) >= 3 and lines_of(own_store))
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
        wait_until(lambda: not any(dask.client.processing().values()))
        wait_until(lambda: not any(dask.client.run(tasks_inside).values()))
    assert (process.returncode, err) == (130, "")
    n_recorded = len(lines_of(own_store))
    s = "" if n_recorded == 1 else "s"
    assert out.splitlines()[0] == f"Interrupted; {n_recorded} run{s} recorded."
    assert 1 <= n_recorded < N_FOCAL
    assert out.count("left: binary/focal-") == N_FOCAL - n_recorded
    # They stopped in the middle.
    assert len(dask.runs("started", *workers)) > len(dask.runs("ended", *workers))


@pytest.mark.usefixtures("mnist")
def test_a_sweep_at_the_end_of_its_time_cancels_what_the_workers_train(
    dask: Dask,
    own_store: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """It ends once a run is recorded and another one trains."""
    monkeypatch.setattr(sweep, "_REFRESH_SECONDS", 0.05)
    with dask.workers(2, SMALL_SWEEP_SECONDS="1") as workers:

        def clock() -> float:
            started, ended = (len(dask.runs(file, *workers)) for file in ("started", "ended"))
            return 1e6 if lines_of(own_store) and started > ended else 0.0

        monkeypatch.setattr(budget, "clock", clock)
        assert main([*SWEEP, dask.address, "--max-seconds", "60"]) == 0
        wait_until(lambda: not any(dask.client.processing().values()))
        wait_until(lambda: not any(dask.client.run(tasks_inside).values()))
    out, err = capsys.readouterr()
    n_recorded = len(lines_of(own_store))
    assert 1 <= n_recorded < N_FOCAL
    assert out.startswith(f"{n_recorded} run")
    assert out.count("left: binary/focal-") == N_FOCAL - n_recorded
    assert err == ""
    assert len(dask.runs("started", *workers)) > len(dask.runs("ended", *workers))


def tasks_inside(dask_worker: distributed.Worker) -> int:
    """Return how many threads of a worker are inside a task, wanted or not."""
    return len(dask_worker.active_threads)


def test_two_sweeps_that_want_the_same_run_share_it(dask: Dask) -> None:
    with (
        dask.workers(1) as workers,
        cluster.pool(dask.address) as one,
        cluster.pool(dask.address) as other,
    ):
        assert one.slots() == other.slots() == 1
        futures = [pool.submit("binary/rus", 7, "float32") for pool in (one, other)]
        first, second = (future.result(timeout=60) for future in futures)
        # Ten epochs of the two images that the rare class has, and of as many others.
        assert one.passed() == other.passed() == 10 * 4
    assert (first.experiment.name, first.seed) == ("binary/rus", 7)
    assert first == second
    assert first.probabilities is not None
    assert dask.runs("started", *workers) == ["binary/rus 7"]


def test_a_run_that_kills_its_workers_fails_and_the_others_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES", "0")
    with running(tmp_path) as dask, dask.workers(2), cluster.pool(dask.address) as pool:
        assert pool.slots() == 2
        names = ("binary/mfe", "binary/msfe")
        killer, other = (pool.submit(name, 1, "float32") for name in names)
        error = killer.exception(timeout=60)
        assert other.result(timeout=60).experiment.name == "binary/msfe"
    assert isinstance(error, distributed.KilledWorker)
    assert "all those workers died while running it" in str(error)


def test_a_scheduler_that_is_gone_ends_the_sweep_with_a_line(
    tmp_path: Path, own_store: Path
) -> None:
    with running(tmp_path) as dask, dask.workers(1):
        process = start(dask)
        wait_until(lambda: lines_of(own_store) or process.poll() is not None)
        dask.end([dask.scheduler])
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (2, "")
    assert err.startswith(f"thesis-lib: The connection to the scheduler {dask.address} is lost.")
    assert err.count("\n") == 1
    assert 1 <= len(lines_of(own_store)) < N_FOCAL


@pytest.mark.parametrize(
    ("wrong", "options", "text"),
    [
        ("threads", ("--nthreads", "2"), "runs 2 tasks at once"),
        ("without the library", (), "has no such thesis_lib as this machine, 0."),
        ("without MNIST", (), "cannot load mnist: MNIST is not on this machine"),
        ("version", (), "has thesis_lib 0.0.9 ("),
    ],
)
def test_a_worker_that_does_not_fit_is_refused(
    wrong: str,
    options: tuple[str, ...],
    text: str,
    dask: Dask,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    variables = {"WORKER": wrong, "KERAS_HOME": str(tmp_path), "THESIS_LIB_DATA": str(tmp_path)}
    if wrong == "version":
        other = shutil.copytree(ROOT / "thesis_lib", tmp_path / "other" / "thesis_lib")
        init = other / "__init__.py"
        init.write_text(init.read_text().replace(f'"{cluster.__version__}"', '"0.0.9"'))
        variables["PYTHONPATH"] = str(other.parent)
    with dask.workers(1, *options, **variables):
        (address,) = dask.client.nthreads()
        status = main([*SWEEP, dask.address])
    out, err = capsys.readouterr()
    assert (status, out) == (2, "")
    assert err.startswith(f"thesis-lib: The worker {address} {text}")
    assert err.count("\n") == 1


def test_a_worker_needs_the_data_sets_of_the_chosen_experiments_only(
    dask: Dask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[set[str]] = []

    @contextlib.contextmanager
    def pool(scheduler: str, data_sets: Iterable[str]) -> Iterator[None]:
        asked.append(set(data_sets))
        raise ConnectionError("seen")
        yield

    with monkeypatch.context() as patched:
        patched.setattr(cluster, "pool", pool)
        for names in (["digits/ros"], ["digits/ros", "binary/ros", "fashion-lt/ros"]):
            with pytest.raises(ConnectionError, match="seen"):
                sweep.run([(name, 1) for name in names], scheduler="tcp://x")
    assert asked == [{"digits-8x8"}, {"digits-8x8", "mnist", "fashion-mnist"}]
    variables = {"KERAS_HOME": str(tmp_path), "THESIS_LIB_DATA": str(tmp_path)}
    with dask.workers(1, WORKER="without MNIST", **variables):
        with cluster.pool(dask.address, ["digits-8x8"]) as digits_only:
            assert digits_only.slots() == 1
        with (
            cluster.pool(dask.address, ["digits-8x8", "mnist"]) as both,
            pytest.raises(RuntimeError, match="cannot load mnist"),
        ):
            both.slots()


# Own data


def own_images() -> tuple[np.ndarray, np.ndarray]:
    """Bright and dark images, the dark ones rare."""
    x = np.random.default_rng(0).integers(0, 90, (48, 8, 8), dtype=np.uint8)
    x[:40] += 120
    return x, np.repeat([0, 1], [40, 8])


def test_a_comparison_goes_on_where_a_worker_was_killed(
    dask: Dask, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    x, y = own_images()
    methods = ["ros", "prior-correction", "crt", "ensemble"]

    def compared(*more: str) -> Comparison:
        return compare(
            *(x, y, x[::4], y[::4]),
            methods=[*methods, *more],
            seeds=[1, 2, 3],
            folder=tmp_path,
            scheduler=dask.address,
        )

    with dask.workers(2) as workers, ThreadPoolExecutor(1) as thread:
        first = workers[0]
        before = len(dask.runs("started", *workers))
        running = thread.submit(compared)
        wait_until(lambda: dask.runs("ended", first))
        wait_until(lambda: len(dask.runs("started", first)) > len(dask.runs("ended", first)))
        first.kill()
        result = running.result(timeout=60)
        # 24 networks of a second, and 24 (20 · 48 + 12 / 3) images of a millisecond, by two.
        said = capsys.readouterr().out
        assert said == "24 networks of 20 epochs to train: about 24 s.\n"
        started = Counter(dask.runs("started", *workers)[before:])
        # Prior correction decides by the baseline's networks.
        trained = ("cross-entropy", "ros", "crt", "ensemble")
        assert set(started) == {f"own-data/{name} {s}" for name in trained for s in (1, 2, 3)}
        again = {run for run, times in started.items() if times > 1}
        assert again
        assert again <= set(dask.runs("started", first)[-2:])
        for name in ("cross-entropy", *methods):
            lines = (tmp_path / "own-data" / f"{name}.jsonl").read_text().splitlines()
            assert sorted(json.loads(line)["seed"] for line in lines) == [1, 2, 3]
            for seed, table in result.confusions[name].items():
                expected = [[int(x.sum()), seed], [0, int(x[::4].sum())]]
                np.testing.assert_array_equal(table, expected)
        # All is there: nothing is trained; what fails is told, and nothing of it recorded.
        so_far = dask.runs("started", *workers)
        assert compared().scores().equals(result.scores())
        assert dask.runs("started", *workers) == so_far
        reason = "3 of 3 could not be trained; the first: ValueError: no such luck"
        with pytest.raises(RuntimeError, match=reason):
            compared("mfe")
        assert not (tmp_path / "own-data" / "mfe.jsonl").exists()


class TestAWorkerThatReallyTrains:
    """One for all: importing TensorFlow takes a worker seconds."""

    @pytest.fixture(scope="class")
    def trainer(self, dask: Dask) -> Iterator[str]:
        with dask.workers(1, WORKER="trains"):
            yield dask.address

    def test_it_trains_on_a_mapped_file(self, trainer: str, tmp_path: Path) -> None:
        x, y = own_images()
        np.save(tmp_path / "x.npy", x)
        mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
        result = compare(
            *(mapped, y, x, y),
            methods=["prior-correction"],
            seeds=[1],
            epochs=12,
            batch_size=8,
            scheduler=trainer,
            progress=False,
        )
        assert (result.scores().loc[1] > 90).all()

    def test_a_network_of_ones_own_is_sent_along_or_has_to_be_installed(
        self, trainer: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        x, y = own_images()
        code = """
        import keras

        def network(shape, n):
            dense = keras.layers.Dense(n, activation="softmax")
            return keras.Sequential([keras.Input(shape), keras.layers.Flatten(), dense])
        """
        (tmp_path / "only_here.py").write_text(textwrap.dedent(code))
        monkeypatch.syspath_prepend(tmp_path)
        network = importlib.import_module("only_here").network
        lock = threading.Lock()

        def compared(network: Callable[..., object], **more: object) -> Comparison:
            settings = {"methods": ["crt"], "seeds": [1], "epochs": 12, "progress": False, **more}
            return compare(x, y, x, y, network=network, **settings)  # type: ignore[arg-type]

        there = {"scheduler": trainer}
        with pytest.raises(RuntimeError, match="cannot load network=network: No module named"):
            compared(network, **there)
        with pytest.raises(
            TypeError, match=r"network=<lambda> cannot be sent .* cannot be pickled"
        ):
            compared(lambda shape, n: network(shape, n) if lock else None, **there)
        monkeypatch.setattr(network, "__module__", "__main__")  # as in a notebook
        sent, here = compared(network, **there), compared(network)
        for method in ("cross-entropy", "crt"):
            np.testing.assert_array_equal(sent.confusions[method][1], here.confusions[method][1])


def test_a_scheduler_without_the_library(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with running(tmp_path, WORKER="without the library") as dask, dask.workers(1):
        assert main([*SWEEP, dask.address]) == 2
    err = capsys.readouterr().err
    assert err.startswith(f"thesis-lib: The scheduler {dask.address} has no such thesis_lib as ")
    assert "not a package" in err
    assert err.count("\n") == 1


def test_a_scheduler_without_workers(
    dask: Dask, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cluster, "_WORKER_SECONDS", 0.2)
    assert main([*SWEEP, dask.address]) == 2
    assert f"The scheduler {dask.address} has no workers; start some" in capsys.readouterr().err


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "nonsense://x", ""])
def test_no_scheduler(
    address: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cluster, "_CONNECT_SECONDS", 0.2)
    assert main([*SWEEP, address]) == 2
    err = capsys.readouterr().err
    assert err.startswith(f"thesis-lib: No Dask scheduler answers at {address!r}")
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("option", "text"),
    [(["--workers", "2"], "give only one"), (["--device", "gpu"], "leave --device gpu out")],
)
def test_options_that_exclude_a_scheduler(
    option: list[str], text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*SWEEP, "tcp://127.0.0.1:1", *option]) == 2
    assert text in capsys.readouterr().err


def test_without_dask_the_extra_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    assert main([*SWEEP, "tcp://127.0.0.1:1"]) == 2
    assert "pip install 'thesis-lib[cluster]'" in capsys.readouterr().err
