"""Published numbers, live runs and records in one frame: each in its place, none made up."""

import dataclasses
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from tests import runs
from thesis_lib import experiments
from thesis_lib.book import published, report, verdicts
from thesis_lib.training import Run

PROVENANCE = {
    "device": "a machine",
    "backend": "tensorflow",
    "versions": {"keras": "3.9"},
    "dataset": "mnist",
    "utc": "2026-01-02T03:04:05+00:00",
}


@pytest.fixture(autouse=True)
def own_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test sees the committed records, and none trains."""
    monkeypatch.setenv("THESIS_LIB_RECORDS", str(tmp_path))
    monkeypatch.setenv("THESIS_BUILD", "quick")


def make_run(name: str, seed: int = 1, **changes: object) -> Run:
    own = {
        "train_accuracy": 0.99,
        "confusion": ((5, 5), (0, 10)),
        "provenance": PROVENANCE,
    }
    return dataclasses.replace(runs.make_run(name, seed), **(own | changes))  # type: ignore[arg-type]


def test_every_row_has_its_experiment() -> None:
    for table in published.tables():
        if table.startswith(("7.", "8.")) and table not in ("7.11", "8.12", "8.13"):
            for row in published.table(table).index:
                assert verdicts.experiment_of(table, row).name in experiments.catalogue()
    assert verdicts.experiment_of("7.2", "M_b").name == "multiclass/baseline"
    assert verdicts.experiment_of("8.9", "a=10").name == "binary/focal-g1-a10"
    assert verdicts.experiment_of("8.14", "M_c2").name == "binary/threshold-moving"
    assert verdicts.experiment_of("7.11", "gamma=1", "a=5").name == "multiclass/focal-g1-a5"
    assert verdicts.experiments_of("7.11")[-1] == "multiclass/focal-g5-a100"
    with pytest.raises(ValueError, match="No experiment stands for row 'M_x' of table 7"):
        verdicts.experiment_of("7.2", "M_x")


def test_values_are_percent() -> None:
    run = make_run("binary/ros")
    assert [verdicts.value(run, c) for c in ("Training", "Testing", "0", "1")] == [99, 75, 50, 100]


def test_without_records_the_row_is_missing_and_has_no_verdict() -> None:
    frame = report.comparison("8.2", {})
    assert frame.index.tolist() == [
        ("M_b2", "published"),
        ("M_b2", "recorded"),
        ("M_os2", "published"),
        ("M_os2", "recorded"),
    ]
    assert frame.loc[("M_os2", "published"), "Testing"] == "98.25"
    assert frame.loc[("M_os2", "recorded")].isna().all()


def test_a_live_run_says_how_far_it_went() -> None:
    frame = report.comparison("8.2", {"binary/ros": make_run("binary/ros")})
    assert frame.loc[("M_os2", "this build, 2 of 200 epochs")].tolist() == [
        "99.00",
        "75.00",
        "50.00",
        "100.00",
    ]


def test_a_stand_in_is_named() -> None:
    digits = {**PROVENANCE, "dataset": "digits"}
    run = make_run("binary/ros", provenance=digits)
    frame = report.comparison("8.2", {"binary/ros": run})
    assert ("M_os2", "this build (digits), 2 of 200 epochs") in frame.index
    assert "ROS on digits, 2 of 200 epochs (1.0%)" in report.progress(run)


def test_a_sample_of_the_training_set_is_said() -> None:
    run = make_run("binary/ros", provenance={**PROVENANCE, "images": 16_000})
    frame = report.comparison("8.2", {"binary/ros": run})
    assert ("M_os2", "this build, 32,000 images") in frame.index
    said = "ROS, 2 of 200 epochs on 16,000 of its images: training"
    assert said in report.progress(run)


def test_recorded_mean_interval_and_verdict() -> None:
    # 98.25 is published. Mean 97.50, s = 0.5: the 95 % interval is ± 4.303 · 0.5 / sqrt(3) = 1.24.
    for seed, accuracy in ((1, 0.97), (2, 0.975), (3, 0.98)):
        experiments.record(make_run("binary/ros", seed, test_accuracy=accuracy))
    frame = report.comparison("8.2", {})
    assert frame.loc[("M_os2", "recorded, 3 seeds"), "Testing"] == "97.50 ± 1.24"
    assert frame.loc[("M_os2", "verdict"), "Testing"] == "agrees"
    assert frame.loc[("M_os2", "verdict"), "0"] == "differs"  # 50 against 96.22, no spread
    mean, low, high = report.recorded("binary/ros", ["Testing"])[0]
    assert_allclose([mean, low, high], [97.5, 97.5 - 1.242, 97.5 + 1.242], atol=1e-3)


def test_one_seed_has_no_interval() -> None:
    experiments.record(make_run("binary/ros"))
    frame = report.comparison("8.2", {})
    assert frame.loc[("M_os2", "recorded, 1 seed"), "Testing"] == "75.00"
    assert frame.loc[("M_os2", "verdict"), "Testing"] == "one seed"
    assert np.isnan(report.recorded("binary/ros", ["Testing"])[0, 1:]).all()
    assert "interval over seeds, which one seed does not have. Rec" in report.note("binary/ros")
    experiments.record(make_run("binary/ros", 2))
    assert "interval over seeds. Rec" in report.note("binary/ros")


def test_a_dash_in_a_published_table_is_something_not_recorded() -> None:
    assert "– means not recorded yet." in report.show("8.2", {}).to_html()


def test_diverged_runs_are_said_to_be() -> None:
    nan = math.nan
    run = make_run(
        "binary/ros", diverged=True, train_accuracy=nan, test_accuracy=nan, recall=(nan, nan)
    )
    experiments.record(run)
    frame = report.comparison("8.2", {"binary/ros": run})
    assert set(frame.loc[("M_os2", "this build, 2 of 200 epochs")]) == {"diverged"}
    assert set(frame.loc[("M_os2", "recorded, 1 seed")]) == {"diverged"}
    assert "infinite or NaN" in report.progress(run)


def test_the_focal_grid_takes_each_cell_from_its_experiment() -> None:
    experiments.record(
        make_run("multiclass/focal-g2-a50", recall=(0.1,) * 10, confusion=((1,) * 10,) * 10)
    )
    grids = report.focal_grids("multiclass")
    assert grids["published"].shape == grids["recorded"].shape == (5, 5, 3)
    assert grids["published"][0, 4, 0] == 79.73  # gamma 0, a = 100
    assert np.argwhere(np.isfinite(grids["recorded"])).tolist() == [[3, 3, 0]]
    assert grids["recorded"][3, 3, 0] == 75
    frame = report.focal_comparison("multiclass")
    assert frame.loc[("gamma=2", "recorded"), "a=50"] == "75.00"
    assert frame.loc[("gamma=2", "verdict"), "a=50"] == "one seed"
    assert pd.isna(frame.loc[("gamma=2", "recorded"), "a=100"])
    assert ("gamma=0", "verdict") not in frame.index


def test_the_overview_is_in_the_order_of_the_methods() -> None:
    experiments.record(make_run("binary/msfe"))
    arrays = report.overview("8.14")
    row = report.methods("8.14").index
    assert arrays["published"][row("MSFE")].tolist() == [85.52, 100]
    assert arrays["recorded"][row("MSFE"), :, 0].tolist() == [50, 100]
    assert np.isfinite(arrays["recorded"][:, :, 0]).sum() == 2


def test_confusion_is_the_recorded_mean_where_there_is_one() -> None:
    live = make_run("binary/ros")
    title, matrix = report.confusion(live)
    assert title == "ROS\nthis build, 2 of 200 epochs"
    assert matrix.tolist() == [[5, 5], [0, 10]]
    experiments.record(make_run("binary/ros", 1, confusion=((10, 0), (0, 10))))
    experiments.record(make_run("binary/ros", 2, confusion=((7, 3), (1, 9))))
    nan, lost = math.nan, ((10, 0), (10, 0))
    diverged = make_run("binary/ros", 3, confusion=lost, diverged=True, recall=(nan, nan))
    experiments.record(dataclasses.replace(diverged, train_accuracy=nan, test_accuracy=nan))
    title, matrix = report.confusion(live, "Copies")
    assert title == "Copies\nrecorded, 2 seeds"
    assert matrix.tolist() == [[8.5, 1.5], [0.5, 9.5]]


def test_notes_say_where_records_come_from_and_how_to_repeat_them() -> None:
    assert report.note("7.12") == (
        "Percent. Nothing is recorded yet; `thesis-lib sweep 'multiclass/baseline'` trains it."
    )
    experiments.record(
        make_run("multiclass/focal-g2-a50", recall=(0.1,) * 10, confusion=((1,) * 10,) * 10)
    )
    note = report.note("7.11")
    assert "1 run on a machine with TensorFlow; Keras 3.9, 2026-01-02; " in note
    assert "activations in `float32`" in note
    assert "`thesis-lib sweep 'multiclass/focal-*'`" in note


def test_notes_say_what_was_trained_in_which_precision() -> None:
    half = make_run("binary/ros", 2)
    origin = {**half.provenance, "precision": "bfloat16"}
    experiments.record(dataclasses.replace(half, provenance=origin))
    assert "'binary/baseline' 'binary/ros' --precision bfloat16`" in report.note("8.2")
    experiments.record(make_run("binary/baseline"))
    said = "activations in `bfloat16` (ros), `float32` (baseline). `thesis-lib sweep"
    assert said in report.note("8.2")


def test_notes_say_how_many_runs_each_device_trained() -> None:
    for seed, device in ((1, "a machine"), (2, "NVIDIA H200"), (3, "NVIDIA H200")):
        run = make_run("binary/ros", seed)
        backend = "jax" if "NVIDIA" in device else "tensorflow"
        origin = {**run.provenance, "device": device, "backend": backend}
        experiments.record(dataclasses.replace(run, provenance=origin))
    said = "Recorded: 2 runs on NVIDIA H200 with JAX; 1 run on a machine with TensorFlow; Keras 3.9"
    assert said in report.note("binary/ros")


def test_notes_of_summaries_name_the_baseline() -> None:
    assert "'binary/baseline'" in report.note("8.13")


def test_further_experiments() -> None:
    experiments.record(make_run("binary/mfe-corrected"))
    frame = report.further(["binary/mfe-corrected", "binary/cross-entropy"], ["Testing", "0"], {})
    assert frame.loc[("MFE, corrected", "recorded, 1 seed")].tolist() == ["75.00", "50.00"]
    assert frame.loc[("Baseline with cross-entropy", "recorded")].isna().all()


def test_learning_curves_are_mean_and_range_over_the_seeds() -> None:
    experiments.record(make_run("binary/ros", 1, accuracy_curve=(0.2, 0.8)))
    experiments.record(make_run("binary/ros", 2, accuracy_curve=(0.4, 1.0)))
    curves = report.learning_curves("binary/ros", "binary/smote")
    assert list(curves) == ["ROS (2 seeds)"]
    assert_allclose(curves["ROS (2 seeds)"], [[30, 20, 40], [90, 80, 100]])


def test_a_shown_table_marks_the_best_of_the_published_methods() -> None:
    table = report.show("8.14", {"binary/ros": make_run("binary/ros", recall=(1.0, 1.0))})
    assert (table.label, table.caption) == ("tab-8-14", report.caption("8.14"))
    assert table.note == report.note("8.14")
    bold = table.frame.index[table.best.where.any(axis=1)]
    # RUS has most zeros (99.59); six other methods have 100 % of the ones.
    assert {source for _, source in bold} == {"published"}
    by_class = [table.frame.index[column].get_level_values(0) for column in table.best.where.T]
    assert list(by_class[0]) == ["M_us2"]
    assert set(by_class[1]) == {"M_b2", "M_os2", "M_sm2", "M_fe2", "M_fse", "M_fl2"}


def test_recorded_methods_are_compared_once_all_are_recorded() -> None:
    experiments.record(make_run("binary/ros", test_accuracy=0.9))
    assert "recorded" not in report.show("8.2", {}).best.meaning
    experiments.record(make_run("binary/baseline", test_accuracy=0.5, train_accuracy=0.1))
    table = report.show("8.2", {})
    assert table.best.meaning.endswith("among published and among recorded numbers")
    marked = table.frame.where(table.best.where).loc[("M_os2", "recorded, 1 seed")]
    assert marked.dropna().to_dict() == {"Testing": "90.00"}  # training is no contest, recalls tie


def test_a_focal_grid_has_one_best_setting() -> None:
    table = report.show("7.11", {})
    ((row, column),) = np.argwhere(table.best.where)
    assert table.frame.index[row] == ("gamma=0", "published")
    assert table.frame.iloc[row, column] == "79.73"
