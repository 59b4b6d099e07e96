"""Rankings on several tasks, from records that are made up."""

import dataclasses
import math
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt

from tests.runs import make_run
from thesis_lib import experiments
from thesis_lib.book import transfer
from thesis_lib.plots import transfer as figures
from thesis_lib.plots.style import BLACK


@pytest.fixture(autouse=True)
def own_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THESIS_LIB_RECORDS", str(tmp_path))


def write(name: str, seed: int, right: int, **changes: object) -> None:
    """Record a run in which so many of ten images of each class are right."""
    confusion = np.diag([right] * 10) + np.roll(np.diag([10 - right] * 10), 1, axis=1)
    run = dataclasses.replace(
        make_run(),
        experiment=experiments.get(name),
        seed=seed,
        recall=(right / 10,) * 10,
        confusion=tuple(map(tuple, confusion.tolist())),
    )
    assert experiments.record(dataclasses.replace(run, **changes))


def test_every_task_has_the_same_methods() -> None:
    names = {
        task: {e.name.split("/")[1] for e in experiments.select([f"{task}/*"])}
        for task in transfer.TASKS
    }
    assert len(names["digits"]) == 22
    assert all(found == names["digits"] for found in names.values())


def test_scores_have_a_row_for_every_method_and_chance_where_a_run_diverged() -> None:
    write("digits/ros", 2, 7)
    write("digits/mfe", 1, 0, diverged=True, recall=(math.nan,) * 10)
    found = transfer.scores("digits")
    assert found.shape == (22, 2)
    assert list(found.columns) == [1, 2]
    assert found.loc["ROS"].tolist() == pytest.approx([math.nan, 70.0], nan_ok=True)
    assert found.loc["MFE", 1] == 10.0
    assert found.drop(index=["ROS", "MFE"]).isna().all(axis=None)


def test_nothing_recorded() -> None:
    assert transfer.scores("fashion-lt").shape == (22, 0)
    assert transfer.gains().shape == transfer.seeds().shape == (22, 0)
    assert set(transfer.said().values()) == {"not recorded yet"}
    assert transfer.agreement().empty


def test_a_gain_is_over_the_seeds_that_a_method_shares_with_the_baseline() -> None:
    """The baseline has seeds 1 to 3; ROS two of them and a fourth; MFE one; RUS none of them."""
    for seed, right in enumerate((5, 7, 3), start=1):
        write("digits/cross-entropy", seed, right)
    for name, seed, right in [("ros", 1, 8), ("ros", 3, 5), ("ros", 4, 0), ("mfe", 2, 1)]:
        write(f"digits/{name}", seed, right)
    write("digits/rus", 4, 9)
    write("fashion-lt/ros", 1, 9)  # without a baseline
    found, n = transfer.gains(), transfer.seeds()
    assert list(found.columns) == list(n.columns) == ["digits"]
    by_hand = {"Cross-entropy": 0.0, "ROS": (30 + 20) / 2, "MFE": -60.0}
    assert found["digits"].dropna().to_dict() == pytest.approx(by_hand)
    assert n.loc[["Cross-entropy", "ROS", "MFE", "RUS"], "digits"].tolist() == [3, 2, 1, 0]
    assert transfer.differences("fashion-lt").isna().all(axis=None)
    said = transfer.said()
    assert said["ROS"] == "Digits +25.0 (2 seeds)"
    assert said["MFE"] == "Digits -60.0 (1 seed)"
    assert said["RUS"] == "not recorded yet"


def test_what_is_said_counts_the_seeds_of_every_task() -> None:
    for task, right in [("digits", 6), ("fashion-lt", 4)]:
        write(f"{task}/cross-entropy", 1, 5)
        write(f"{task}/ros", 1, right)
    assert transfer.said()["ROS"] == "Digits +10.0 (1 seed); Fashion-MNIST -10.0 (1)"


def test_a_method_may_be_held_against_another_than_the_baseline() -> None:
    for seed, ros, smote in [(1, 5, 7), (2, 6, 9)]:
        write("digits/ros", seed, ros)
        write("digits/smote", seed, smote)
    assert transfer.gains().empty
    assert transfer.gains("ROS").loc["SMOTE", "digits"] == pytest.approx((20 + 30) / 2)
    assert transfer.said("SMOTE")["ROS"] == "Digits -25.0 (2 seeds)"


def test_rankings_agree_between_seeds_and_between_tasks() -> None:
    """Four methods; the second seed swaps the best two, the recurrent network turns all round."""
    methods = ("ros", "smote", "rus", "mfe")
    for slug, first, second, other in zip(
        methods, (9, 8, 4, 2), (8, 9, 4, 2), (1, 3, 6, 8), strict=True
    ):
        write(f"digits/{slug}", 1, first)
        write(f"digits/{slug}", 2, second)
        write(f"digits-rows/{slug}", 1, other)
    write("digits/crt", 1, 5)  # not on the other task, and with one seed
    for name, seed in [("digits", 1), ("digits", 2), ("digits-rows", 1)]:
        write(f"{name}/cross-entropy", seed, 0)  # the last there, and on the other task, too
    found = transfer.agreement()
    assert found["Methods"].to_dict() == {"Digits: seeds 1 and 2": 5, "Digits and Digits, GRU": 5}
    # 1 - 6 * 2 / (5 * 24) by hand; the gains tie the best two: ranks 1.5, 1.5, 3, 4, 5.
    assert found.loc["Digits: seeds 1 and 2", "Correlation"] == pytest.approx(0.9)
    tied = np.corrcoef([1.5, 1.5, 3, 4, 5], [4, 3, 2, 1, 5])[0, 1]
    assert found.loc["Digits and Digits, GRU", "Correlation"] == pytest.approx(tied)
    assert found.loc["Digits and Digits, GRU", "Seeds"] == pytest.approx(0.9)
    ranked = transfer.ranks(transfer.gains())
    assert ranked.loc["SMOTE"].tolist() == [1.5, 3.0]
    assert "Classifier re-training" not in ranked.index
    write("mnist-rows/cross-entropy", 1, 1)
    write("mnist-rows/ros", 1, 2)  # two of six methods: the others are not ranked less for it
    assert transfer.ranks(transfer.gains()).equals(ranked)
    for slug in ("rus", "mfe"):
        write(f"mnist-rows/{slug}", 1, 3)
    assert transfer.ranks(transfer.gains()).shape == (4, 3)


def test_seeds_are_compared_on_the_methods_of_the_two_tasks() -> None:
    """A fifth method, where the seeds disagree, is not on the other task and does not count."""
    methods = ("cross-entropy", "smote", "rus", "mfe", "crt")
    for slug, first, second in zip(methods, (9, 8, 4, 2, 1), (9, 8, 4, 2, 10), strict=True):
        write(f"digits/{slug}", 1, first)
        write(f"digits/{slug}", 2, second)
    for slug, right in zip(methods[:4], (6, 5, 3, 4), strict=True):
        write(f"fashion-lt/{slug}", 1, right)
    found = transfer.agreement()
    # Of five, the last goes to the front: 1 - 6 (1 + 1 + 1 + 1 + 16) / (5 * 24) = 0 by hand.
    assert found.loc["Digits: seeds 1 and 2", "Correlation"] == pytest.approx(0)
    assert math.isnan(found.loc["Digits: seeds 1 and 2", "Seeds"])
    pair = found.loc["Digits and Fashion-MNIST"]
    assert pair[["Methods", "Correlation", "Seeds"]].tolist() == pytest.approx([4, 0.8, 1])


def test_the_grid_shows_ranks_and_the_best_is_darkest() -> None:
    axis = figures.rank_grid(["a", "b", "c"], ["one", "two"], [[1, 3], [2.5, 1], [2.5, 2]]).axes[0]
    assert [t.get_text() for t in axis.texts] == ["1", "3", "2.5", "1", "2.5", "2"]
    mesh = axis.collections[0]
    dark = [sum(mesh.cmap(mesh.norm(rank))[:3]) for rank in (1, 2, 3)]
    assert dark == sorted(dark)
    plt.close("all")


def test_names_of_five_tasks_stand_apart() -> None:
    names = list(transfer.TASKS.values())
    figure = figures.rank_grid(["LDAM, deferred re-weighting"], names, [[1, 1, 1, 1, 1]])
    figure.draw_without_rendering()
    boxes = [label.get_window_extent() for label in figure.axes[0].get_xticklabels()]
    assert len(boxes) == 5
    assert min(right.x0 - left.x1 for left, right in pairwise(boxes)) > 5  # pixels


def test_a_starred_rank_has_an_asterisk() -> None:
    axis = figures.rank_grid(["a", "b"], ["x"], [[1], [2]], starred=[[False], [True]]).axes[0]
    assert [t.get_text() for t in axis.texts] == ["1", "2*"]
    plt.close("all")


def test_gains_stand_in_the_panel_of_their_source() -> None:
    gains = {"A": {"x": 2.0, "y": -1.0}, "B": {"z": 5.0}}
    first, second = figures.gains_by_source(gains).axes
    assert first.get_title(loc="left") == "A"
    assert [t.get_text() for t in first.get_yticklabels()] == ["x", "y"]
    points = next(line for line in second.lines if line.get_marker() == "o")
    assert points.get_xdata().tolist() == [5.0]
    plt.close("all")


def test_our_gains_are_black_beside_those_of_papers() -> None:
    gains = pd.DataFrame({"A": [2.0, np.nan], "Ours": [1.0, -3.0]}, index=["x", "y"])
    axis = figures.gains_side_by_side(gains, ours="Ours").axes[0]
    points = {
        line.get_label(): line for line in axis.lines if line.get_marker() not in ("", "None")
    }
    assert list(points) == ["A", "Ours"]
    assert points["Ours"].get_xdata().tolist() == [1.0, -3.0]
    assert points["Ours"].get_color() == BLACK != points["A"].get_color()
    assert [t.get_text() for t in axis.get_yticklabels()] == ["x", "y"]
    plt.close("all")


def test_an_empty_grid_is_drawn_too() -> None:
    figures.rank_grid([], [], pd.DataFrame())
    plt.close("all")
