"""The catalogue against the thesis, and where results come from."""

import dataclasses
import math
from pathlib import Path

import numpy as np
import pytest

from tests.runs import make_run
from thesis_lib import data, experiments, training
from thesis_lib.book import published
from thesis_lib.engine import stages


@pytest.fixture
def own_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("THESIS_LIB_RECORDS", str(tmp_path))
    monkeypatch.setenv("THESIS_BUILD", "quick")
    return tmp_path


def test_the_thesis_trained_61_experiments() -> None:
    # 5 + 25 of chapter 7 and 6 + 25 of chapter 8; threshold moving trains nothing.
    of_thesis = [e for e in experiments.catalogue().values() if e.published and not e.base]
    assert len(of_thesis) == 61


def test_hyperparameters_are_the_thesis_s() -> None:
    by_name = experiments.catalogue()
    epochs = {name: e.epochs for name, e in by_name.items() if e.epochs != 200 and e.published}
    assert epochs == {
        "multiclass/rus": 500,
        "binary/rus": 500,
        "binary/mfe": 1000,
        "binary/msfe": 40,
    }
    rates = {name for name, e in by_name.items() if e.learning_rate != 0.05 and e.published}
    assert rates == {"binary/msfe"}
    assert {e.batch_size for e in by_name.values()} == {100}


def test_every_published_row_exists() -> None:
    pairs = {pair for e in experiments.catalogue().values() for pair in e.published}
    for table, row in pairs:
        assert row in published.table(table).index, (table, row)
    covered = {table for table, _ in pairs}
    wanted = {f"7.{n}" for n in range(1, 14)} | {f"8.{n}" for n in range(1, 15)}
    assert wanted - covered == {"8.13"}  # average probabilities of the baseline, no experiment


def test_twins_and_bases_are_in_the_catalogue() -> None:
    by_name = experiments.catalogue()
    for experiment in by_name.values():
        assert experiment.base is None or experiment.base in by_name
        assert experiment.corrects is None or experiment.corrects in by_name
        assert experiment.loss in stages.LOSSES
        assert experiment.sampler is None or experiment.sampler in training.SAMPLERS
        assert experiment.cost is None or experiment.cost in training.COSTS


def test_an_unknown_name_suggests_the_nearest() -> None:
    with pytest.raises(ValueError, match="multiclass/baseline"):
        experiments.get("multiclass/basline")
    with pytest.raises(ValueError, match="no experiment"):
        experiments.select(["nothing/*"])


def test_a_bad_selection_names_what_there_is() -> None:
    with pytest.raises(ValueError, match=r"nearest are .*binary/.*'thesis' selects all"):
        experiments.select(["BINARY/*"])
    with pytest.raises(ValueError, match=r"nearest are .*binary/smote"):
        experiments.get("Binary/SMOTE")
    assert all(name == name.lower() for name in experiments.every())


def test_the_thesis_can_be_selected() -> None:
    found = experiments.select([experiments.THESIS])
    assert [e.name for e in found] == list(experiments.catalogue())
    assert experiments.THESIS not in experiments.every()
    both = experiments.select(["digits/ros", experiments.THESIS])
    assert len(both) == len(found) + 1


def test_selection_by_pattern_keeps_the_order_of_the_catalogue() -> None:
    names = [e.name for e in experiments.select(["binary/ros", "multiclass/r*"])]
    assert names[:2] == ["multiclass/ros", "multiclass/rus"]
    thesis = [name for name in names if name in experiments.catalogue()]
    assert thesis[-1] == "binary/ros"
    assert names[len(thesis) :] == [f"multiclass/{m}" for m in ("remix", "ros-moved", "ros-focal")]


def test_records_come_back_as_the_runs_they_were(own_store: Path) -> None:
    run = make_run()
    assert experiments.record(run)
    assert not experiments.record(run)
    (back,) = experiments.results("binary/rus")
    back = dataclasses.replace(back, experiment=run.experiment)
    assert back == run


def test_records_of_other_hyperparameters_do_not_count(own_store: Path) -> None:
    other = dataclasses.replace(experiments.get("binary/rus"), epochs=3)
    experiments.record(dataclasses.replace(make_run(), experiment=other))
    assert experiments.recorded("binary/rus") == []


def test_a_diverged_run_survives_the_store(own_store: Path) -> None:
    run = dataclasses.replace(make_run(), diverged=True, test_accuracy=math.nan)
    experiments.record(run)
    (back,) = experiments.recorded("binary/rus")
    assert back.diverged
    assert math.isnan(back.test_accuracy)


def test_the_build_setting_is_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THESIS_BUILD", "fast")
    with pytest.raises(ValueError, match="'fast'; it has to be one of quick, full, fresh"):
        experiments.build_setting()


@pytest.mark.parametrize(
    ("name", "n_images", "expected"),
    [
        ("multiclass/baseline", 15_016, 1),
        ("multiclass/ros", 50_000, 1),
        ("multiclass/rus", 20, 200),
        ("binary/baseline", 5_002, 1),
        ("binary/baseline", 2_600, 3),
        ("binary/msfe", 100, 40),
    ],
)
def test_quick_epochs_are_bounded(name: str, n_images: int, expected: int) -> None:
    assert experiments.quick_epochs(experiments.get(name), n_images) == expected


def test_training_sizes_are_what_the_samplers_return() -> None:
    digits = data.load("digits")
    for name in ("baseline", "ros", "rus", "smote-corrected"):
        experiment = experiments.get(f"multiclass/{name}")
        x, _ = training.training_set(experiment, digits, seed=1)
        assert training.training_size(experiment, digits) == len(x)


def test_thesis_sizes(mnist: data.Dataset) -> None:
    sizes = {
        name: training.training_size(experiments.get(name), mnist)
        for name in ("multiclass/baseline", "multiclass/ros", "multiclass/rus", "binary/smote")
    }
    assert list(sizes.values()) == [15_016, 50_000, 20, 10_000]


def test_what_is_recorded_meanwhile_is_found(own_store: Path) -> None:
    """Also through a link, as data managers put one where a file was."""
    experiments.record(make_run(seed=1))
    assert [run.seed for run in experiments.recorded("binary/rus")] == [1]
    experiments.record(make_run(seed=2))
    assert [run.seed for run in experiments.recorded("binary/rus")] == [1, 2]
    file = own_store / "binary" / "rus.jsonl"
    elsewhere = file.rename(own_store / "content")
    assert experiments.recorded("binary/rus") == []
    file.symlink_to(elsewhere)
    assert [run.seed for run in experiments.recorded("binary/rus")] == [1, 2]


def test_outputs_are_kept_whole(own_store: Path) -> None:
    probabilities = np.full((4, 2), 0.5, np.float32)
    run = dataclasses.replace(make_run(), probabilities=probabilities)
    experiments._keep_outputs(run)
    assert experiments.outputs("binary/rus", 2) is None
    np.testing.assert_array_equal(experiments.outputs("binary/rus", 1), probabilities)
