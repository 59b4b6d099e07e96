"""Sweeps: what is left to train, and groups of runs in one program."""

import contextlib
import dataclasses
import math
import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path

import pytest

from tests.runs import make_run
from tests.test_budget import Clock
from thesis_lib import experiments
from thesis_lib.engine import budget, sweep, vectorized
from thesis_lib.training import Experiment, Run

JOBS = [("binary/baseline", seed) for seed in (1, 2, 3, 4)]


class Device:
    """Trains groups of at most so many runs; larger ones do not fit into its memory."""

    def __init__(self, room: int, groups: int = 99) -> None:
        self.room, self.groups = room, groups
        self.asked: list[int] = []
        self.checkpoints: list[Path] = []

    def prepare(
        self, jobs: Sequence[tuple[Experiment, int]], *, precision: str
    ) -> vectorized.Group:
        def train(checkpoint: Path | None, on_epochs: Callable[[int], None]) -> list[Run]:
            assert checkpoint is not None
            self.asked.append(len(jobs))
            self.checkpoints.append(checkpoint)
            if len(jobs) > self.room:
                raise RuntimeError("RESOURCE_EXHAUSTED: Out of memory while trying to allocate")
            self.groups -= 1
            return [_run(e, seed) for e, seed in jobs] if self.groups >= 0 else []

        return vectorized.Group(tuple(jobs), train)


def _run(experiment: Experiment, seed: int) -> Run:
    return dataclasses.replace(make_run(experiment.name, seed), experiment=experiment)


@pytest.fixture(autouse=True)
def own_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("THESIS_LIB_RECORDS", str(tmp_path))
    monkeypatch.setattr(sweep, "images_of", lambda job: 1000)
    monkeypatch.setattr(experiments, "keep_family", experiments.record)
    return tmp_path


def use(device: Device, monkeypatch: pytest.MonkeyPatch) -> Device:
    monkeypatch.setattr(vectorized, "prepare", device.prepare)
    return device


def test_a_group_that_does_not_fit_is_halved(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    device = use(Device(room=1), monkeypatch)
    outcome = sweep.run_side_by_side(JOBS)
    assert device.asked == [4, 2, 1, 1, 2, 1, 1]
    assert outcome.done == JOBS
    assert outcome.left == []
    assert [run.seed for run in experiments.recorded("binary/baseline")] == [1, 2, 3, 4]
    assert capsys.readouterr().out.splitlines() == [
        "4 runs do not fit into memory at once; trying 2.",
        "2 runs do not fit into memory at once; trying 1.",
        "2 runs do not fit into memory at once; trying 1.",
    ]


def test_the_next_groups_are_prepared_while_one_trains(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first two before any trains, at the same time; the others while the first trains."""
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    early, late = threading.Barrier(2, timeout=20), threading.Barrier(2, timeout=20)
    device, log = Device(room=4), []

    def prepare(jobs: Sequence[tuple[Experiment, int]], *, precision: str) -> vectorized.Group:
        group, name = device.prepare(jobs, precision=precision), jobs[0][0].name
        (early if name in ("binary/baseline", "binary/ros") else late).wait()
        log.append(name)

        def train(path: Path | None, on_epochs: Callable[[int], None]) -> list[Run]:
            if name == "binary/baseline":
                assert sorted(log) == ["binary/baseline", "binary/ros"]
                late.wait()
            return group.train(path, on_epochs)

        return vectorized.Group(group.jobs, train)

    monkeypatch.setattr(vectorized, "prepare", prepare)
    jobs = [(name, 1) for name in ("binary/baseline", "binary/ros", "binary/rus")]
    assert sweep.run_side_by_side(jobs).done == jobs


def test_runs_are_recorded_while_the_next_group_trains(monkeypatch: pytest.MonkeyPatch) -> None:
    device, trains = Device(room=4), threading.Event()

    def prepare(jobs: Sequence[tuple[Experiment, int]], *, precision: str) -> vectorized.Group:
        group = device.prepare(jobs, precision=precision)
        if jobs[0][0].name == "binary/rus":
            return vectorized.Group(group.jobs, lambda *a: trains.set() or group.train(*a))
        return group

    def keep(run: Run) -> None:
        assert trains.wait(20)
        experiments.record(run)

    monkeypatch.setattr(vectorized, "prepare", prepare)
    monkeypatch.setattr(experiments, "keep_family", keep)
    sweep.run_side_by_side([("binary/baseline", 1), ("binary/rus", 1)])
    assert experiments.recorded("binary/baseline")
    assert experiments.recorded("binary/rus")


def test_runs_that_cannot_be_recorded_end_the_sweep(monkeypatch: pytest.MonkeyPatch) -> None:
    """At the latest when the next group is to be recorded; the second here, of three."""
    device = use(Device(room=4), monkeypatch)

    def fail(run: Run) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(experiments, "keep_family", fail)
    with pytest.raises(OSError, match="No space left"):
        sweep.run_side_by_side([(f"binary/{name}", 1) for name in ("baseline", "ros", "rus")])
    assert len(device.asked) == 2


def test_one_run_that_does_not_fit_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    device = use(Device(room=0), monkeypatch)
    message = "memory is too small for a single run, binary/baseline seed 1 .*RESOURCE_EXHAUSTED"
    with pytest.raises(RuntimeError, match=message):
        sweep.run_side_by_side(JOBS)
    assert device.asked == [4, 2, 1]


def test_another_error_does_not_halve(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> list[Run]:
        raise RuntimeError("INTERNAL: no such kernel")

    monkeypatch.setattr(vectorized, "prepare", fail)
    with pytest.raises(RuntimeError, match="no such kernel"):
        sweep.run_side_by_side(JOBS)


def test_a_checkpoint_goes_when_its_runs_are_recorded(
    monkeypatch: pytest.MonkeyPatch, own_store: Path
) -> None:
    device = use(Device(room=4), monkeypatch)
    checkpoint = sweep._checkpoint([(experiments.get(name), seed) for name, seed in JOBS])
    checkpoint.parent.mkdir()
    checkpoint.write_bytes(b"state")

    def stop(run: Run) -> None:
        assert checkpoint.exists()
        raise KeyboardInterrupt

    keep = experiments.keep_family
    monkeypatch.setattr(experiments, "keep_family", stop)
    with pytest.raises(KeyboardInterrupt):
        sweep.run_side_by_side(JOBS)
    monkeypatch.setattr(experiments, "keep_family", keep)
    sweep.run_side_by_side(JOBS)
    assert device.checkpoints == [checkpoint, checkpoint]
    assert not checkpoint.exists()


def test_a_group_that_was_stopped_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    use(Device(room=4, groups=1), monkeypatch)
    jobs = [*JOBS, ("binary/rus", 1)]
    outcome = sweep.run_side_by_side(jobs)
    assert len(outcome.done) + len(outcome.left) == len(jobs)
    assert 1 <= len(outcome.left) <= 4
    assert outcome.images == 1000 * len(outcome.done)


def test_the_same_jobs_find_their_checkpoint_again(
    monkeypatch: pytest.MonkeyPatch, own_store: Path
) -> None:
    device = use(Device(room=4, groups=0), monkeypatch)
    sweep.run_side_by_side(JOBS)
    sweep.run_side_by_side(JOBS)
    sweep.run_side_by_side(JOBS[:2])
    first, again, other = device.checkpoints
    assert first == again != other
    assert first.parent == own_store / "unfinished"


def test_base_networks_are_trained_once() -> None:
    chosen = experiments.select(["binary/baseline", "binary/threshold-moving"])
    assert sweep.missing(chosen, [1, 2]) == [("binary/baseline", 1), ("binary/baseline", 2)]


def test_the_thesis_is_trained_in_stages_each_seed_after_seed() -> None:
    jobs = sweep.missing(experiments.select(["*"]), [1, 2])
    names = [name for name, seed in jobs if seed == 1]
    assert len(set(jobs)) == len(jobs)
    core = names[: names.index("binary/focal-g0-a1")]
    methods = [name for name in core if experiments.get(name).corrects is None]
    assert methods == [
        f"{task}/{method}"
        for method in ("baseline", "ros", "smote", "rus", "mfe", "msfe")
        for task in ("multiclass", "binary")
        if (task, method) != ("multiclass", "msfe")
    ]
    first = [seed for name, seed in jobs if name in methods]
    assert first == [1] * 11 + [2] * 11
    place = names.index
    assert place("binary/rus") < place("binary/rus-corrected") < place("binary/mfe")
    assert place("binary/msfe-corrected") < place("binary/focal-g0-a1")
    assert place("binary/focal-g5-a100") < place("multiclass/focal-g0-a1")
    # Row by row: all seeds of gamma 0 before any of 0.5.
    rows = [name.split("-")[1] for name, _ in jobs if name.startswith("multiclass/focal-g")]
    assert rows == [f"g{gamma}" for gamma in ("0", "0.5", "1", "2", "5") for _ in range(10)]
    assert place("multiclass/focal-g5-a100") < place("multiclass/cross-entropy")
    beyond = [name for name in names if name not in experiments.catalogue()]
    assert names[-len(beyond) :] == beyond


def test_what_is_recorded_is_skipped() -> None:
    experiments.record(make_run(seed=1))
    assert sweep.missing([experiments.get("binary/rus")], [1, 2]) == [("binary/rus", 2)]


def test_jobs_that_would_outlast_the_budget_are_not_started() -> None:
    jobs = [("binary/mfe", 1), ("binary/rus", 1)]
    sizes = {jobs[0]: 5_000_000, jobs[1]: 2_000}
    assert sweep._next_that_fits(jobs, sizes, 1000.0, 60.0) == 1
    assert sweep._next_that_fits(jobs, sizes, 1000.0, 1.0) is None
    assert sweep._next_that_fits(jobs, sizes, 0.0, 60.0) == 0
    assert sweep._next_that_fits(jobs, sizes, 1000.0, math.inf) == 0


@pytest.mark.parametrize("workers", [0, -1])
def test_no_workers_are_refused(workers: int) -> None:
    with pytest.raises(ValueError, match=f"workers has to be a whole number from 1; got {workers}"):
        sweep.run(JOBS, workers=workers)


class Pool:
    """Has so many slots at each look; its runs end once so many have been submitted."""

    def __init__(self, slots: list[int], end_at: int) -> None:
        self.looks, self.end_at = slots, end_at
        self.submitted: list[tuple[str, int]] = []
        self.training: list[Future[Run]] = []

    def slots(self) -> int:
        return self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]

    def passed(self) -> int:
        if len(self.submitted) >= self.end_at:
            for future in self.training:
                future.set_result(make_run(seed=len(self.submitted)))
            self.training.clear()
        return 0

    def submit(self, name: str, seed: int, precision: str) -> Future[Run]:
        self.submitted.append((name, seed))
        self.training.append(Future())
        assert len(self.training) <= max(1, self.looks[0])
        return self.training[-1]


@pytest.mark.parametrize("slots", [0, 1, 2])  # workers may all be lost
def test_what_trains_at_the_end_of_time_is_left(
    slots: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    monkeypatch.setattr(budget, "clock", clock)
    monkeypatch.setattr(sweep, "_REFRESH_SECONDS", 0.0)
    pool = Pool([slots], end_at=5)
    monkeypatch.setattr(pool, "passed", clock.advance)  # whenever the sweep looks how far it is
    with budget.limit(150):
        outcome = sweep._run(JOBS, contextlib.nullcontext(pool), "float32")
    assert pool.submitted == JOBS[: max(slots, 1)]
    assert outcome.left == JOBS
    assert (outcome.done, outcome.failed) == ([], {})
    assert clock.now == 1180


def test_what_ended_before_the_time_did_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr(budget, "clock", clock)
    monkeypatch.setattr(sweep, "_REFRESH_SECONDS", 0.0)
    pool = Pool([1], end_at=1)
    end_all = pool.passed

    def passed() -> int:
        """End the first; the time is over while the second trains."""
        if len(pool.submitted) == 1:
            end_all()
        else:
            clock.advance()
        return 0

    monkeypatch.setattr(pool, "passed", passed)
    monkeypatch.setattr(sweep, "_next_that_fits", lambda *_: 0)
    with budget.limit(60):
        outcome = sweep._run(JOBS, contextlib.nullcontext(pool), "float32")
    assert (outcome.done, outcome.left) == (JOBS[:1], JOBS[1:])
    assert pool.submitted == JOBS[:2]


def test_a_pool_that_grows_is_filled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweep, "_REFRESH_SECONDS", 0.02)
    pool = Pool([1, 3], end_at=3)  # with one slot for ever, the third would never be submitted
    outcome = sweep._run(JOBS, contextlib.nullcontext(pool), "float32")
    assert sorted(outcome.done) == JOBS
    assert pool.submitted == JOBS
