"""Time budgets: what is trained inside one ends with it; clocks are stand-ins."""

import contextlib
import dataclasses
import math
from concurrent.futures import Future
from pathlib import Path

import numpy as np
import pytest

from tests.runs import make_run
from tests.test_comparison import quick, squares
from tests.test_fitting import made, perceptron
from thesis_lib import data, experiments, records, training
from thesis_lib.__main__ import main
from thesis_lib.engine import budget, cluster, fitting, sweep, vectorized
from thesis_lib.own import comparison, method_runs


class Clock:
    """Stands still until somebody moves it."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float = 60.0) -> int:
        self.now += seconds
        return 0


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock()
    monkeypatch.setattr(budget, "clock", found)
    return found


@pytest.fixture
def own_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> records.Store:
    monkeypatch.setenv("THESIS_LIB_RECORDS", str(tmp_path))
    return records.Store(tmp_path)


def test_what_is_left(clock: Clock) -> None:
    assert budget.left() == math.inf
    with budget.limit(60):
        clock.advance(20)
        assert budget.left() == 40
        with budget.limit(100):  # never more than the outer one has
            assert budget.left() == 40
        with budget.limit(10), budget.limit(None):
            assert budget.left() == 10
        budget.check()
        clock.advance(50)
        assert budget.left() == 0
        with pytest.raises(budget.OutOfTime):
            budget.check()
    assert budget.left() == math.inf


@pytest.mark.parametrize("command", ["run", "verify", "sweep"])
@pytest.mark.parametrize("value", ["nan", "inf", "-1"])
def test_what_is_no_time_is_refused(
    command: str, value: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([command, "binary/rus", f"--max-seconds={value}"]) == 2
    refused = f"max_seconds has to be a number from 0; got {float(value)}."
    assert capsys.readouterr().err == f"thesis-lib: {refused}\n"


def test_training_stops_after_the_batch_in_which_the_time_ends(clock: Clock) -> None:
    seen: list[int] = []

    class Slow:
        """Three batches an epoch; the time ends in the second one of the second epoch."""

        def __init__(self) -> None:
            self.batches = made()

        def __len__(self) -> int:
            return len(self.batches)

        def __getitem__(self, index: int) -> object:
            seen.append(index)
            if len(seen) == 5:
                clock.advance()
            return self.batches[index]

        def on_epoch_end(self) -> None:
            self.batches.on_epoch_end()

    told: list[int] = []
    with budget.limit(60), pytest.raises(budget.OutOfTime):
        fitting.fit(
            perceptron(), "mse", "sgd", Slow(), epochs=9, on_epoch_end=lambda: told.append(1)
        )
    assert (seen, told) == ([0, 1, 2, 0, 1], [1])


@pytest.mark.parametrize("name", ["ensemble", "crt", "ldam-drw"])
def test_the_second_network_and_the_second_stage_stop_too(name: str, clock: Clock) -> None:
    """The time ends with the first epoch, and that is all of the first network or stage."""
    experiment = experiments.get(f"digits/{name}")
    two = {"members": 2} if experiment.members else {}
    told: list[int] = []

    def tick() -> None:
        told.append(1)
        clock.advance()

    with budget.limit(60), pytest.raises(budget.OutOfTime):
        training.train(
            dataclasses.replace(experiment, **two),
            1,
            epochs=1 if two else 2,
            dataset=data.load("digits-8x8"),
            progress=False,
            on_epoch=tick,
        )
    assert told == [1]


@pytest.mark.usefixtures("mnist")
@pytest.mark.parametrize("command", ["run", "verify"])
def test_a_command_that_has_no_time_says_what_is_left(
    command: str, own_store: records.Store, capsys: pytest.CaptureFixture[str]
) -> None:
    experiments.record(make_run(seed=2))
    lines = len(own_store.read("binary/rus"))
    assert main([command, "binary/rus", "--seed", "2", "--max-seconds", "0"]) == 1
    assert capsys.readouterr().out == "left: binary/rus seed 2\n"
    assert len(own_store.read("binary/rus")) == lines


@pytest.mark.usefixtures("mnist")
def test_a_sweep_that_has_no_time_starts_nothing(
    own_store: records.Store, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["sweep", "binary/msfe", "--seeds", "1", "2", "--workers", "1", "--max-seconds", "0"]
    assert main(command) == 0
    assert capsys.readouterr().out.splitlines() == [
        "0 runs recorded, 0 images a second.",
        "left: binary/msfe seed 1",
        "left: binary/msfe seed 2",
    ]


def test_what_no_program_takes_together_has_the_same_end(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def train(*_: object, **__: object) -> None:
        raise budget.OutOfTime

    monkeypatch.setattr(training, "train", train)
    monkeypatch.setattr(training, "training_size", lambda *_: 1)
    job = (experiments.get("digits/crt"), 1)
    assert vectorized._one_by_one([job], 1, None, "float32", None, lambda images: None) == []


@pytest.mark.usefixtures("eagerly")
def test_a_comparison_out_of_time_says_how_many_runs_are_left(
    clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train, test = squares([20, 6], 0), squares([10, 10], 1)
    trained: list[int] = []
    really = method_runs.train

    def then_time_ends(*arguments: object) -> object:
        found = really(*arguments)  # type: ignore[arg-type]
        trained.append(1)
        clock.advance()
        return found

    monkeypatch.setattr(method_runs, "train", then_time_ends)
    # The baseline's network serves prior correction too: two networks, three runs.
    methods = ["ros", "prior-correction"]
    with (
        budget.limit(60),
        pytest.raises(budget.OutOfTime, match="out of time with 1 of 3 runs left"),
    ):
        quick(train, test, methods=methods, folder=tmp_path)
    quick(train, test, methods=methods, folder=tmp_path)
    assert len(trained) == 2


def test_a_comparison_on_a_cluster_ends_with_its_time(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Workers:
        """One, which never ends; the time ends as soon as somebody looks how far it is."""

        def slots(self) -> int:
            return 1

        def passed(self) -> int:
            return clock.advance()

        def share(self, value: object) -> object:
            return value

        def call(self, *_: object) -> Future[object]:
            return Future()

    monkeypatch.setattr(cluster, "pool", lambda scheduler: contextlib.nullcontext(Workers()))
    monkeypatch.setattr(sweep, "_REFRESH_SECONDS", 0.0)
    train, test = squares([20, 6], 0), squares([10, 10], 1)
    with budget.limit(60), pytest.raises(budget.OutOfTime, match="with 3 of 3 runs left"):
        quick(train, test, methods=["ros", "prior-correction"], scheduler="tcp://x:1")


def test_the_command_that_compares_says_how_to_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stopped(*_: object, **__: object) -> None:
        budget.check()

    monkeypatch.setattr(comparison, "compare", stopped)
    source = tmp_path / "images.npz"
    x, y = squares([20, 6], 0)
    np.savez(source, x_train=x, y_train=y, x_test=x, y_test=y)
    out = tmp_path / "out"
    assert main(["compare-on", str(source), "--out", str(out), "--max-seconds", "0"]) == 1
    error = capsys.readouterr().err
    assert error.endswith(f"lies in {out / 'records'}, and the same command goes on from there.\n")
