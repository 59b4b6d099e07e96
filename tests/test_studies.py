"""Studies read from records that are made up."""

import dataclasses
import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.runs import make_run
from thesis_lib import experiments, later, tasks, tuning
from thesis_lib.book import studies


@pytest.fixture(autouse=True)
def own_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("THESIS_LIB_RECORDS", str(tmp_path))
    return tmp_path


def write(task: str, method: str, draw: int, seed: int, right: list[int], *, of: int = 10) -> None:
    """Record a run with so many right answers in each class, the others in the next."""
    confusion = np.diag(right) + np.roll(np.diag(of - np.array(right)), 1, axis=1)
    run = dataclasses.replace(
        make_run(),
        experiment=experiments.get(later.member_name(task, method, draw)),
        seed=seed,
        recall=tuple(r / of for r in right),
        confusion=tuple(map(tuple, confusion.tolist())),
        test_accuracy=sum(right) / (of * len(right)),
    )
    assert experiments.record(run)


ALL = [10] * 10


def test_scores_by_draw_and_seed() -> None:
    half = [0, 0, 10, 10, 0, 10, 0, 0, 10, 10]  # no minority image is right
    write("digits", "ros", 2, 1, ALL)
    write("digits", "ros", 1, 3, half)
    found = studies.scores("digits")
    assert found["ros"].to_dict() == {(1, 3): 50.0, (2, 1): 100.0}
    assert list(found)[:2] == ["cross-entropy", "prior-correction"]
    assert found["smote"].isna().all()
    assert studies.scores("digits", "Minority recall")["ros"].tolist() == [0.0, 100.0]
    with pytest.raises(ValueError, match="measure has to be one of Balanced accuracy, "):
        studies.scores("digits", "accuracy")


def test_four_times_the_epochs_beside_the_shared_ones() -> None:
    """By hand: 50 becomes 100 on one draw and 50 stays on the other."""
    half = [0, 10]
    for draw, long in ((1, [10, 10]), (2, half)):
        write("binary", "ros", draw, 1, half)
        experiment = experiments.get(f"binary-long-draws/ros-{draw:02d}")
        short = experiments.recorded(f"binary-draws/ros-{draw:02d}")[0]
        rest = np.diag(long) + np.roll(np.diag(10 - np.array(long)), 1, axis=1)
        confusion = tuple(map(tuple, rest.tolist()))
        assert experiments.record(
            dataclasses.replace(
                short,
                experiment=experiment,
                recall=tuple(r / 10 for r in long),
                confusion=confusion,
            )
        )
    write("binary", "ros", 3, 1, half)  # short alone: left out
    found = studies.long_scores("binary")
    assert found.loc["ros", ["Short", "Long", "Difference", "Draws"]].tolist() == [50, 75, 25, 2]
    assert math.isnan(found.loc["mfe", "Long"])
    zeros = studies.long_scores("binary", "Minority recall").loc["ros"]
    assert zeros[["Short", "Long", "Draws"]].tolist() == [0, 50, 2]  # zeros are the minority
    assert studies.scores("binary", kind="long")["ros"].tolist() == [100.0, 50.0]
    with pytest.raises(ValueError, match="kind has to be one of shared, tuned, long"):
        studies.scores("binary", kind="short")


def test_nothing_recorded_is_an_empty_frame() -> None:
    found = studies.scores("binary")
    assert len(found) == 0
    assert studies.by_size("digits").empty
    assert list(studies.components(found)[["Mean", "n seeds"]]) == ["Mean", "n seeds"]
    assert studies.components(found).empty


def test_a_run_that_diverged_counts_as_chance() -> None:
    run = dataclasses.replace(
        make_run(),
        experiment=experiments.get("digits-draws/mfe-01"),
        recall=(math.nan,) * 10,
        confusion=((1,) * 10,) * 10,
        diverged=True,
    )
    experiments.record(run)
    assert studies.scores("digits")["mfe"].tolist() == [10.0]
    assert studies.scores("digits", "G-mean")["mfe"].tolist() == [0.0]


def test_draws_lacking_a_method_are_left_out_of_the_ranking() -> None:
    for draw, seed, right in [(1, 1, 4), (1, 2, 8), (2, 1, 6)]:
        write("digits", "ros", draw, seed, [right] * 10)
    write("digits", "rus", 1, 1, ALL)
    write("digits", "rus", 1, 2, ALL)
    means = studies.per_draw(studies.scores("digits"))
    assert means.to_dict("list") == {"ros": [60.0], "rus": [100.0]}


def test_methods_are_compared_as_far_as_they_are_recorded() -> None:
    names = ["cross-entropy", "ros", "smote"]
    means = pd.DataFrame({"cross-entropy": [10.0, 20.0], "ros": [12.0, 23.0]})
    found = studies.paired(means, names, "cross-entropy")
    assert found["Difference"].tolist()[:1] == [2.5]
    assert found.loc["smote"].isna().all()
    for few in (means[:1], means[["ros"]], pd.DataFrame()):
        assert studies.paired(few, names, "cross-entropy").isna().all(axis=None)
    assert list(studies.paired(pd.DataFrame(), names, "ros").index) == ["cross-entropy", "smote"]


def test_components_split_draws_and_seeds() -> None:
    """Draws 2 points to either side of 50 %, seeds 1 point: worked by hand."""
    for draw, centre in ((1, 48), (2, 52)):
        for seed, step in ((1, -1), (2, 1)):
            write("digits", "ros", draw, seed, [centre + step] * 10, of=100)
    write("digits", "ros", 1, 3, [90] * 10, of=100)
    write("digits", "rus", 1, 1, ALL)
    frame = studies.components(studies.scores("digits"))
    assert list(frame.index) == ["ros"]
    row = frame.loc["ros"]
    # Between: 2 (4 + 4) / 1 = 16. The same two seeds shift both draws alike, so nothing of that is
    # theirs, and 16 / 2 = 8. Within: (1 + 1 + 1 + 1) / 2 = 2.
    assert row["Mean"] == pytest.approx((47 + 49 + 51 + 53) / 4)
    assert (row["Seeds"], row["Draws"]) == pytest.approx((2**0.5, 8**0.5))
    assert (row["n draws"], row["n seeds"]) == (2, 2)


def test_gains_over_sizes_are_paired_by_draw() -> None:
    few = tasks.with_size("digits", 6)
    for draw, base, ros in ((1, 4, 7), (2, 6, 8)):
        write(few, "cross-entropy", draw, 1, [base] * 10)
        write(few, "ros", draw, 1, [ros] * 10)
    write("digits", "ros", 1, 1, ALL)
    write("digits", "msfe", 1, 1, ALL)  # in the study of twenty draws alone
    frame = studies.by_size("digits").set_index(["rho", "Method"])
    assert "msfe" not in frame.index.get_level_values("Method")
    row = frame.loc[(20.0, "ros")]
    assert (row["Mean"], row["Gain"], row["Draws"]) == pytest.approx((75.0, 25.0, 2))
    assert row["Gain high"] - 25 == pytest.approx(12.706 * 5, rel=1e-3)  # t of one degree
    assert math.isnan(frame.loc[(40.0, "ros"), "Gain"])
    assert set(studies.by_number("digits")["Minority classes"]) == {5.0}


def test_gains_on_a_task_are_paired_by_draw_and_seed() -> None:
    for draw, base, ros in ((1, 4, 7), (2, 6, 8)):
        write("binary", "cross-entropy", draw, 1, [base] * 2)
        write("binary", "ros", draw, 1, [ros] * 2)
    write("binary", "ros", 1, 2, [10] * 2)  # a seed that the baseline lacks
    found = studies.gains("binary")
    assert found.loc["ros", ["Gain", "Draws"]].tolist() == pytest.approx([25, 2])
    assert found.loc["ros", "High"] - 25 == pytest.approx(12.706 * 5, rel=1e-3)
    assert "cross-entropy" not in found.index
    assert found.drop(index="ros")[["Gain", "Low", "High"]].isna().all(axis=None)
    assert studies.gains("multiclass")["Draws"].eq(0).all()


def test_coverage_counts_the_runs_of_a_study() -> None:
    n = len(experiments.select(["binary-few-1-draws/*"]))
    write("binary-few-1", "ros", 1, 1, [10] * 2)
    write("binary-few-1", "ros", 1, 4, [10] * 2)  # no seed of the study
    found = studies.coverage({"binary-few-1-draws/*": (1,), "multiclass-draws/*": (1, 2, 3)})
    assert found.loc["binary-few-1-draws/*"].tolist() == ["1", n, 1]
    assert found.loc["multiclass-draws/*", ["Seeds", "Recorded"]].tolist() == ["1 2 3", 0]
    with pytest.raises(ValueError, match="no experiment 'ternary-draws"):
        studies.coverage({"ternary-draws/*": (1,)})


def test_a_method_begins_to_help_where_its_gain_stays_above_0() -> None:
    """One clear gain among doubtful ones is luck; from 20 on there is no doubt about ros."""
    lows = {"ros": [0.1, -1, 2, 3], "rus": [1, 1, 1, -1], "smote": [0.1, 0.2, 0.3, 0.4]}
    rows = [
        (rho, method, low + 1, low, low + 2)
        for method, values in lows.items()
        for rho, low in zip((2.0, 5.0, 20.0, 60.0), values, strict=True)
    ]
    rows += [(2.0, "cross-entropy", 0.0, 0.0, 0.0), (90.0, "ros", 9.0, math.nan, math.nan)]
    found = studies.begins(pd.DataFrame(rows, columns=["rho", "Method", *GAIN]))
    assert found["rho"].to_dict() == pytest.approx(
        {"ros": 20, "rus": math.nan, "smote": 2}, nan_ok=True
    )
    assert found.loc["ros", GAIN].tolist() == [3, 2, 4]
    assert studies.begins(studies.by_size("digits")).empty


GAIN = ["Gain", "Gain low", "Gain high"]


@pytest.fixture
def tuned(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The given settings have been chosen on the digits; by default those of two methods."""
    two = {
        "cross-entropy": {"learning_rate": 0.2, "epochs": 25},
        "ros": {"learning_rate": 0.05, "epochs": 13},
    }
    chosen = getattr(request, "param", two)
    monkeypatch.setattr(tuning, "tuned", lambda: {"digits": chosen})
    experiments.every.cache_clear()
    yield
    experiments.every.cache_clear()


@pytest.mark.usefixtures("tuned")
@pytest.mark.parametrize("tuned", [{}], indirect=True)
def test_without_chosen_settings_there_is_nothing_to_compare() -> None:
    settings = studies.fair_settings("digits")
    assert settings.loc["ros", ["Rate", "Epochs"]].tolist() == [0.1, 26]  # 20 updates of 38
    assert settings[["Own rate", "Own epochs"]].isna().all(axis=None)
    found = studies.fair_scores("digits")
    assert found["Draws"].tolist() == [0] * 7
    assert found.drop(columns="Draws").isna().all(axis=None)


@pytest.mark.usefixtures("tuned")
def test_own_settings_are_compared_on_the_draws_of_both_studies() -> None:
    settings = studies.fair_settings("digits")
    assert settings.loc["ros", ["Own rate", "Own epochs"]].tolist() == [0.05, 13]
    assert settings.loc["prior-correction", "Own epochs"] == 25  # of the baseline's network
    assert math.isnan(settings.loc["smote", "Own rate"])
    for draw, shared, own in ((1, 4, 6), (2, 5, 9)):
        write("digits", "ros", draw, 1, [shared] * 10)
        write("digits-tuned", "ros", draw, 1, [own] * 10)
    write("digits", "ros", 1, 2, ALL)  # a seed that the other study lacks
    write("digits-tuned", "ros", 3, 1, ALL)  # a draw that it lacks
    row = studies.fair_scores("digits").loc["ros"]
    assert row[["Shared", "Own", "Difference", "Draws"]].tolist() == pytest.approx([45, 75, 30, 2])
    assert row["High"] - 30 == pytest.approx(12.706 * 10, rel=1e-3)
