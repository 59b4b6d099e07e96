"""Comparing methods on one's own data: what is trained, measured, recorded and reported."""

import dataclasses
import json
import pickle
import re
import subprocess
import sys
import warnings
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import balanced_accuracy_score, f1_score

import thesis_lib
from thesis_lib import experiments, later, metrics, resampling
from thesis_lib.engine import batches, feeds, fitting, stages
from thesis_lib.own import comparison_report, image_sets, method_runs, offered
from thesis_lib.own.builders import Network
from thesis_lib.own.comparison import compare
from thesis_lib.own.comparison_result import Comparison
from thesis_lib.own.offered import BASELINE

mpl.use("Agg")

Set = tuple[np.ndarray, np.ndarray]
few_batches = pytest.mark.usefixtures("eagerly")


def squares(counts: list[int], seed: int, channels: int = 1, side: int = 8) -> Set:
    """Class c has a bright patch in its own corner."""
    rng = np.random.default_rng(seed)
    y = np.repeat(np.arange(len(counts)), counts)
    x = rng.integers(0, 60, (len(y), side, side, channels), dtype=np.uint8)
    for row, c in enumerate(y):
        i, j = divmod(c, 2)
        x[row, 4 * i : 4 * i + 4, 4 * j : 4 * j + 4] += 150
    order = rng.permutation(len(y))
    return x[order], y[order]


def quick(train: Set, test: Set, **settings: object) -> Comparison:
    settings = {"epochs": 1, "seeds": [1], "progress": False, **settings}
    return compare(*train, *test, **settings)  # type: ignore[arg-type]


def made(confusions: dict[str, list[list[list[int]] | None]], **more: object) -> Comparison:
    """A comparison of invented confusion matrices."""
    arrays = {
        method: {s: None if c is None else np.array(c) for s, c in enumerate(runs)}
        for method, runs in confusions.items()
    }
    first = next(c for runs in arrays.values() for c in runs.values() if c is not None)
    names = tuple(f"c{k}" for k in range(len(first)))
    counts = first.sum(1)
    return Comparison(
        **{  # type: ignore[arg-type]
            "classes": names,
            "train_counts": 10 * counts + 1,
            "test_counts": counts,
            "confusions": arrays,
            **more,
        }
    )


def binary(right: list[int], of: int = 100) -> list[list[list[int]]]:
    """All majority images right, and so many of the minority."""
    return [[[of, 0], [of - r, r]] for r in right]


# What is measured


@pytest.mark.parametrize("seed", range(5))
def test_measures_are_those_of_scikit_learn(seed: int) -> None:
    rng = np.random.default_rng(seed)
    true, predicted = np.repeat(np.arange(4), 20), rng.integers(0, 4, 80)
    found = metrics.of_confusion(metrics.confusion(true, predicted, 4))
    assert found[0] == pytest.approx(balanced_accuracy_score(true, predicted))
    assert found[1] == pytest.approx(f1_score(true, predicted, average="macro"))
    assert found[2] == pytest.approx(metrics.g_mean(true, predicted))


def test_a_class_without_test_images_is_left_out() -> None:
    table = np.array([[8, 2, 0], [1, 9, 0], [0, 0, 0]])
    np.testing.assert_allclose(metrics.recall_of(table), [0.8, 0.9, np.nan])
    assert metrics.of_confusion(table)[0] == pytest.approx(0.85)
    assert metrics.of_confusion(table)[2] == pytest.approx((0.8 * 0.9) ** 0.5)


def test_paired_differences_are_scipys_paired_t_test() -> None:
    base, ros = [40, 55, 47, 60], [62, 71, 66, 90]
    frame = made({BASELINE: binary(base), "ros": binary(ros)}).paired()
    row, test = frame.loc["ros"], stats.ttest_rel(ros, base)
    bounds = test.confidence_interval()
    expected = [np.mean(ros) - np.mean(base), bounds.low, bounds.high]
    np.testing.assert_allclose(row[["Difference", "Low", "High"]], np.array(expected) / 2)
    assert row["p"] == row["p (Holm)"] == pytest.approx(test.pvalue)


def test_equal_differences_are_not_infinitely_sure() -> None:
    """Two seeds and a coarse measure: both gain exactly one image of four."""
    frame = made({BASELINE: binary([1, 1], 4), "ros": binary([2, 2], 4)}).paired()
    assert frame.loc["ros", "Difference"] == pytest.approx(12.5)
    assert frame.loc["ros", "p"] > 0.05


# What is recommended


def test_the_best_of_the_clear_ones_is_recommended() -> None:
    result = made(
        {
            BASELINE: binary([40, 42, 41, 44]),
            "ros": binary([70, 71, 73, 72]),
            "smote": binary([80, 83, 82, 81]),
            "rus": binary([20, 70, 50, 30]),
        }
    )
    assert result.better() == ["smote", "ros"]
    text = result.recommendation
    lead, points = text.split("\n\n")
    assert lead == "Use SMOTE: balanced accuracy 90.8 % against 70.9 % of the baseline."
    assert points.splitlines() == [f"- {point}" for point in result.points()]
    difference, others, trained, *caveats = result.points()
    assert difference.startswith("The difference is 19.9 points (95 % interval 18.")
    assert "paired over 4 seeds, p < 0.001 after Holm's correction" in difference
    assert "for 3 comparisons" in difference
    assert others == "Also clearly better than the baseline: Random oversampling."
    assert trained == 'It is trained by `thesis_lib.fit(x, y, method="smote")`.'
    assert caveats == result.caveats()
    settings = {"epochs": 7, "batch_size": 16, "learning_rate": 0.01, "optimizer": "adam"}
    text = dataclasses.replace(result, settings=settings).recommendation
    assert 'method="smote", epochs=7, batch_size=16, learning_rate=0.01)`.' in text


def test_no_method_may_be_clearly_better() -> None:
    result = made({BASELINE: binary([40, 60, 50]), "ros": binary([45, 50, 61])})
    assert result.recommendation.startswith("No method is clearly better than cross-entropy")
    assert "That does not show that none is." in result.recommendation


def test_nothing_is_better_than_a_perfect_baseline() -> None:
    text = made({BASELINE: binary([100, 100]), "ros": binary([100, 99])}).recommendation
    assert text.startswith("No method can be better than cross-entropy without any remedy, which")
    assert "That does not show" not in text
    assert "Seeds change" in text


def test_what_is_hardly_better_than_guessing_is_said() -> None:
    told = "Guessing has a balanced accuracy of 50.0 %, and the best method 52.0 %"
    near = {BASELINE: binary([1, 2, 3]), "ros": binary([5, 4, 3])}
    assert told in made(near).recommendation
    assert "Guessing" not in made({**near, "smote": binary([40, 41, 42])}).recommendation


def test_a_method_that_is_clearly_worse_is_not_recommended() -> None:
    result = made({BASELINE: binary([80, 82, 81]), "rus": binary([40, 42, 41])})
    assert result.paired().loc["rus", "p"] < 0.05
    assert result.better() == []


def test_one_seed_is_no_ground_for_a_recommendation() -> None:
    result = made({BASELINE: binary([10]), "ros": binary([90])})
    assert result.recommendation.startswith("No recommendation: one seed")


def test_two_seeds_are_said_to_be_few() -> None:
    told = "Two seeds say little of how much a result varies"
    two = {BASELINE: binary([10, 11]), "ros": binary([90, 91])}
    assert told in made(two).recommendation
    three = {name: [*runs, runs[0]] for name, runs in two.items()}
    assert told not in made(three).recommendation


def test_no_recommendation_without_a_method_or_a_baseline() -> None:
    alone = made({BASELINE: binary([40, 60])})
    assert alone.recommendation.endswith("no method was compared with the baseline.")
    lost = made({BASELINE: [*binary([40, 41]), None], "ros": binary([90, 91, 92])})
    assert "the baseline diverged with 1 of 3 seeds" in lost.recommendation


def test_an_ensemble_is_said_to_train_longer() -> None:
    runs = {BASELINE: binary([40, 42]), "ros": binary([70, 72])}
    assert "five times the updates" not in made(runs).recommendation
    assert "five times the updates" in made({**runs, "ensemble": binary([9, 8])}).recommendation


def test_few_test_images_are_said() -> None:
    result = made({BASELINE: binary([1, 2], 4), "ros": binary([2, 2], 4)})
    assert (
        "The smallest class has 4 test images, so one image changes its recall by 25 points."
        in (result.recommendation)
    )


def test_a_baseline_that_has_not_learned_is_said() -> None:
    stuck, learned = binary([0])[0], binary([30])[0]
    result = made({BASELINE: [stuck, stuck, learned], "ros": binary([90, 91, 92])})
    assert (
        "With 2 of 3 seeds the baseline gives every image the same class" in result.recommendation
    )
    learning = made({BASELINE: [learned] * 3, "ros": binary([90, 91, 92])})
    assert "same class" not in learning.recommendation


def test_precision_is_that_of_the_shares_of_training() -> None:
    """By hand: 90 of 100 whole, 8 of 10 broken right; in training 1,000 whole and 10 broken."""
    table = np.array([[90, 10], [2, 8]])
    result = made({BASELINE: [table], "ros": [None]}, train_counts=np.array([1000, 10]))
    found = result.precisions()
    np.testing.assert_allclose(found[BASELINE], [100 * 900 / 902, 100 * 8 / 108])
    assert found["ros"].isna().all()


@pytest.mark.parametrize(("images", "rest"), [(3201, 1), (3203, 3), (3204, 0), (3200, 0)])
def test_a_small_last_batch_is_told(images: int, rest: int) -> None:
    settings = {"batch_size": 32, "epochs": 20}
    result = made(
        {BASELINE: binary([10, 11])}, train_counts=np.array([images - 10, 10]), settings=settings
    )
    told = [c for c in result.caveats() if c.startswith("The last batch")]
    assert len(told) == (rest > 0)
    if rest:
        assert f" has {rest} image" in told[0]
        assert f"weighs {32 / rest:.0f} times as much" in told[0]


def test_costs_are_means_over_an_image_in_use() -> None:
    """By hand: 1,000 whole to 10 broken in use; a broken one missed costs 50, a false alarm 1."""
    tables = [np.array([[95, 5], [4, 6]]), np.array([[90, 10], [2, 8]])]
    careful = [np.array([[80, 20], [0, 10]]), np.array([[70, 30], [1, 9]])]
    result = made({BASELINE: tables, "ros": careful}, train_counts=np.array([1000, 10]))
    found = result.costs({("c1", "c0"): 50})
    plain = [(1000 * 0.05 + 10 * 0.4 * 50) / 1010, (1000 * 0.10 + 10 * 0.2 * 50) / 1010]
    ros = [1000 * 0.20 / 1010, (1000 * 0.30 + 10 * 0.1 * 50) / 1010]
    np.testing.assert_allclose(found["Cost"], [np.mean(plain), np.mean(ros)])
    np.testing.assert_allclose(found.loc["ros", "Difference"], np.mean(ros) - np.mean(plain))
    half = stats.t.ppf(0.975, 1) * abs(plain[0] - plain[1]) / 2
    np.testing.assert_allclose(found.loc[BASELINE, "High"], np.mean(plain) + half)
    assert found.loc[BASELINE, "Difference":].isna().all()  # type: ignore[misc]
    often = result.costs({("c1", "c0"): 50}, prior=[1, 1])  # as many broken ones: ROS is worth it
    np.testing.assert_allclose(often.loc["ros", "Cost"], (0.2 + 0.3 + 0.1 * 50) / 4)
    assert often.loc["ros", "Difference"] < 0 < found.loc["ros", "Difference"]


def test_a_cost_moves_in_steps() -> None:
    """Differences that agree by chance: one broken image of ten is worth 50 / 2 / 10 of a cost."""
    same = [np.array([[100, 0], [2, 8]])] * 3
    result = made({BASELINE: [np.array([[100, 0], [3, 7]])] * 3, "ros": same})
    found = result.costs({("c1", "c0"): 50}, prior=[1, 1]).loc["ros"]
    half = stats.t.ppf(0.975, 2) * (50 / 2 / 10) / 12**0.5 / 3**0.5
    np.testing.assert_allclose(found["Difference high"] - found["Difference"], half)


def test_costs_of_what_is_not_there_are_refused() -> None:
    result = made({BASELINE: binary([10, 11])})
    with pytest.raises(ValueError, match=r"There is no class 'C1'; did you mean c1\?"):
        result.costs({("C1", "c0"): 5})
    with pytest.raises(ValueError, match="costs has c1 taken for c1"):
        result.costs({("c1", "c1"): 5})
    with pytest.raises(ValueError, match=r"prior has shape \(3,\).*each of the 2 classes"):
        result.costs({}, prior=[1, 2, 3])
    untested = made({BASELINE: [np.array([[9, 1], [0, 0]])]}, test_counts=np.array([10, 0]))
    with pytest.raises(ValueError, match=r"1 class has no test image: c1.*Give each class"):
        untested.costs({})


def test_what_diverged_is_not_compared_and_said() -> None:
    result = made(
        {
            BASELINE: binary([10, 11, 12]),
            "ros": binary([90, 91, 92]),
            "smote": [*binary([90, 91]), None],
        }
    )
    text = result.recommendation
    assert "after Holm's correction for 1 comparison)" in text
    assert "Not compared, since a seed diverged: SMOTE." in text


def test_diverged_runs_are_shown_and_never_recommended() -> None:
    result = made({BASELINE: binary([10, 11, 12]), "ros": [*binary([90, 91]), None]})
    assert result.table().loc["Random oversampling", "Note"] == "1 of 3 seeds diverged"
    assert result.table().loc["Random oversampling", "Recall c1"] == "90.5"
    assert result.better() == []


# Whether training had ended


def with_losses(curves: dict[str, list[list[float]]], **more: object) -> Comparison:
    """Runs of which the last seed of ROS diverged, with invented losses."""
    runs: dict = {method: binary([40] * len(seeds)) for method, seeds in curves.items()}
    runs["ros"][-1] = None
    losses = {method: dict(enumerate(seeds)) for method, seeds in curves.items()}
    return made(runs, loss_curves=losses, **more)


def test_losses_are_means_over_the_seeds_that_did_not_diverge() -> None:
    frame = with_losses({BASELINE: [[3, 2], [1, 1]], "ros": [[5, 4], [9, np.nan]]}).losses()
    assert frame.index.tolist() == [1, 2]
    assert frame.index.name == "Epoch"
    assert frame.to_dict("list") == {BASELINE: [2, 1.5], "ros": [5, 4]}
    lost = with_losses({BASELINE: [[3, 2]], "ros": [[9, np.nan]]}).losses()
    assert lost["ros"].isna().all()
    assert made({BASELINE: binary([40])}).losses().empty


# By hand: the last two of ten epochs have a mean of 1.995, 0.405 below the two before; the whole
# fall from 10 is 8.005, a twentieth of it 0.40025. With 1.91 at the end 0.395 is too little.
FALLS = [10, 8, 6, 5, 4, 3, 2.5, 2.3, 2.1, 1.89]
RESTS = [*FALLS[:-1], 1.91]


@pytest.mark.parametrize(
    ("curve", "falls"),
    [
        (FALLS, True),
        (RESTS, False),
        (FALLS[1:], False),  # nine epochs
        ([1, 9, 8, 7, 6, 5, 4, 4, 3, 3], True),  # above its begin, but on the way down
        (FALLS[::-1], False),
        ([*FALLS[:-1], np.nan], False),
    ],
)
def test_a_loss_that_still_falls_is_told(curve: list[float], falls: bool) -> None:
    result = with_losses({BASELINE: [curve, FALLS], "ros": [RESTS, FALLS]})
    assert result.falling() == [BASELINE] * falls
    told = [text for text in result.caveats() if "still fell at the end" in text]
    assert len(told) == falls
    if falls:
        assert told[0].startswith(
            "The training loss still fell at the end under Cross-entropy (baseline): in the last"
        )


def test_another_loss_or_anothers_networks_are_not_judged() -> None:
    names = ["ros", "crt", "ldam-drw", "feature-smote", "prior-correction", "tuned-threshold"]
    result = with_losses({BASELINE: [RESTS] * 2, **{name: [FALLS] * 2 for name in names}})
    assert result.falling() == ["ros", "tuned-threshold"]


def test_a_loss_that_nears_its_end_is_told_of_until_little_is_left() -> None:
    """As the comment beside the limit says: until 3.5 % of the fall are still to come."""
    for left, falls in ((0.036, True), (0.034, False)):
        curve = left ** np.linspace(0, 1, 500)
        result = with_losses({BASELINE: [curve], "ros": [curve]})
        assert result.falling() == [BASELINE] * falls


def test_losses_are_drawn_but_for_methods_without_networks_of_their_own() -> None:
    curves = {BASELINE: [[3, 2]], "ros": [[5, 4]], "prior-correction": [[3, 2]], "crt": [[1, 2]]}
    result = with_losses(curves | {"ros": [[5, 4], [9, 9]]})
    lines = result.loss_figure().axes[0].lines
    shown = {str(line.get_label()): line.get_ydata().tolist() for line in lines}  # type: ignore[union-attr]
    assert shown == {
        "Cross-entropy (baseline)": [3, 2],
        "Random oversampling": [5, 4],
        "Classifier re-training": [1, 2],
    }


@few_batches
def test_losses_are_those_of_the_records(tmp_path: Path) -> None:
    train, test = squares([20, 6], 0), squares([10, 10], 1)
    settings = {"methods": ["ros"], "seeds": [1, 2], "epochs": 3, "folder": tmp_path}
    first, again = (quick(train, test, **settings) for _ in range(2))
    lines = (tmp_path / "own-data" / "ros.jsonl").read_text().splitlines()
    expected = np.mean([json.loads(line)["loss_curve"] for line in lines], axis=0)
    for result in (first, again):
        np.testing.assert_allclose(result.losses()["ros"], expected)
    assert len(expected) == 3


# What is trained


def test_methods_of_every_kind_learn_an_easy_task() -> None:
    """Losses, samplers, changed batches, second stages and decisions."""
    chosen = ["smote", "class-aware", "remix", "ldam-drw", "crt", "feature-smote"]
    chosen += ["tuned-threshold"]
    train, test = squares([40, 20, 4], 0), squares([20, 20, 20], 1)
    settings = {"epochs": 8, "batch_size": 8, "learning_rate": 0.01}
    result = quick(train, test, methods=chosen, **settings)
    assert list(result.confusions) == [BASELINE, *chosen]
    scores = result.scores().loc[1]
    assert (scores > 80).all(), scores
    assert (result.test_counts == 20).all()
    for runs in result.confusions.values():
        assert (runs[1].sum(1) == 20).all()


def test_methods_are_those_of_the_catalogue() -> None:
    """What a name stands for there, it stands for here."""
    settings = {"epochs": 7, "batch_size": 16, "learning_rate": 0.01}
    shared = {"name", "task", "method", "base", "optimizer", *settings}
    for name in {**later.STUDY_METHODS, **later.METHODS, "prior-correction": {}}:
        ours = offered.experiment(name, **settings)  # type: ignore[arg-type]
        theirs = experiments.get(f"digits/{name}")
        for key in ours.hyperparameters().keys() - shared:
            assert getattr(ours, key) == getattr(theirs, key), (name, key)
        assert all(getattr(ours, key) == value for key, value in settings.items())
        assert (ours.base is None) == (theirs.base is None)


@few_batches
def test_an_ensemble_is_the_mean_of_its_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    (x, y), test = squares([12, 6], 0), squares([9, 8], 1)
    sets = image_sets.checked(x, y, *test)
    settings = {"epochs": 2, "batch_size": 8, "learning_rate": 0.001}
    one = offered.experiment("ensemble", **settings)  # type: ignore[arg-type]
    made: list[np.ndarray] = []
    corrected = stages.Fitted.corrected

    def spied(fitted: stages.Fitted, outputs: np.ndarray) -> np.ndarray:
        made.append(corrected(fitted, outputs))
        return made[-1]

    monkeypatch.setattr(stages.Fitted, "corrected", spied)
    passed: list[int] = []
    (run,) = method_runs.train(
        sets, Network(), [dataclasses.replace(one, members=2)], 3, passed.append
    )
    assert passed == [18] * 4
    first, second = made
    assert not np.allclose(first, second)
    expected = metrics.confusion(sets.y_test, (first + second).argmax(1), 2)
    np.testing.assert_array_equal(run.confusion, expected)


@pytest.mark.parametrize("sampler", [None, "ros", "smote", "class-aware"])
def test_what_is_held_out_to_tune_is_not_trained_on(sampler: str | None) -> None:
    x, y = squares([20, 5], 0)
    whole = feeds.Stream(x, y, 255.0, 2, 4, sampler)
    kept, out = whole.split(seed=1)
    assert (kept.counts.tolist(), out.counts.tolist()) == ([16, 4], [4, 1])
    assert sorted([*kept.rows, *out.rows]) == list(range(25))
    batches_of = kept.batches(None, seed=1)
    assert set(batches_of._plan.parents.ravel()) == set(kept.rows)
    assert len(batches_of._order) == 25  # as many updates as without tuning
    np.testing.assert_array_equal(out.labels, y[out.rows])
    (piece,) = feeds.pieces(x, 255.0, out.rows)
    np.testing.assert_allclose(piece, x[out.rows] / np.float32(255))


def test_large_images_are_classified_a_few_at_once() -> None:
    sizes = [len(p) for p in feeds.pieces(np.zeros((40, 256, 256), np.uint8), 1.0)]
    assert sizes == [16, 16, 8]
    assert [len(p) for p in feeds.pieces(np.zeros((700, 8, 8), np.uint8), 1.0)] == [500, 200]


@few_batches
def test_prior_correction_uses_the_baselines_network(monkeypatch: pytest.MonkeyPatch) -> None:
    train, test = squares([30, 4], 0), squares([15, 15], 1)
    fitted = []
    fit = fitting.fit
    monkeypatch.setattr(fitting, "fit", lambda *a, **k: fitted.append(1) or fit(*a, **k))
    result = quick(train, test, methods=["prior-correction"], seeds=[1, 2])
    assert len(fitted) == 2
    for seed in (1, 2):  # the rare class can only gain
        before, after = (result.confusions[m][seed][:, 1] for m in (BASELINE, "prior-correction"))
        assert (after >= before).all()


def test_the_same_seed_gives_the_same_numbers() -> None:
    train, test = squares([20, 6], 0), squares([10, 10], 1)
    one, other = (quick(train, test, methods=["smote"], epochs=2) for _ in range(2))
    for method in ("smote", BASELINE):
        np.testing.assert_array_equal(one.confusions[method][1], other.confusions[method][1])


@few_batches
def test_what_cannot_be_trained_is_skipped_and_says_why() -> None:
    train, test = squares([8, 1], 0), squares([5, 5], 1)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        result = quick(train, test, methods=["smote", "feature-smote", "crt", "smote-weighted"])
    assert list(result.confusions) == [BASELINE]
    notes = result.table()["Note"]
    lonely = "skipped: SMOTE needs two images of each class, and 1 class has only one"
    assert notes["SMOTE"] == notes["SMOTE of features"] == notes.iloc[-1] == lonely
    assert notes["Classifier re-training"] == (
        "skipped: two stages need at least two epochs; there are 1"
    )
    assert result.recommendation.startswith("No recommendation: ")


def test_a_minority_is_a_tenth_of_the_largest_class() -> None:
    counts = np.array([100, 11, 10, 3])
    assert stages.minority("own-data", counts) == (2, 3)
    settings = {"epochs": 2, "batch_size": 8, "learning_rate": 0.001}
    weighted = offered.experiment("smote-weighted", **settings)  # type: ignore[arg-type]
    assert stages.class_weight(weighted, counts).tolist() == [1, 1, 5, 5]
    x, y = squares([19, 2], 0)
    even = image_sets.checked(x, y, x, y)
    reason = offered.obstacle(weighted, even, 200)
    assert reason.startswith("no class is a minority, with at most")


@few_batches
def test_a_diverged_run_is_recorded_once(tmp_path: Path) -> None:
    train, test = squares([14, 6], 0), squares([5, 5], 1)
    settings = {"methods": [], "folder": tmp_path, "learning_rate": 1e30}
    first, again = (quick(train, test, **settings) for _ in range(2))
    assert first.losses()[BASELINE].isna().all()
    assert first.confusions[BASELINE] == again.confusions[BASELINE] == {1: None}
    assert first.table().loc["Cross-entropy (baseline)", "Note"] == "1 of 1 seeds diverged"
    (line,) = (tmp_path / "own-data" / f"{BASELINE}.jsonl").read_text().splitlines()
    assert json.loads(line)["test_accuracy"] is None


@few_batches
@pytest.mark.parametrize(
    "change",
    [
        lambda x, y: (x[..., 0], y),
        lambda x, y: (np.repeat(x, 3, -1), np.array(["left", "right"])[y]),
        lambda x, y: (x / 255, y.astype(bool)),
        lambda x, y: (x.astype(np.uint16) * 257, np.array(["a", "b"], dtype=object)[y]),
        lambda x, y: (np.kron(x, np.ones((1, 2, 2, 1), np.uint8))[:, :, :11], y * 5 - 3),
    ],
    ids=["grey", "colour-strings", "unit-bools", "uint16-objects", "oblong-negative"],
)
def test_images_and_labels_of_many_kinds(change: Callable[..., Set]) -> None:
    train, test = change(*squares([14, 6], 0)), change(*squares([5, 5], 1))
    result = quick(train, test, methods=[])
    assert result.confusions[BASELINE][1].sum() == 10
    assert len(result.classes) == 2


def test_pixels_are_scaled_alike_whatever_their_type() -> None:
    x, y = squares([14, 6], 0)
    scales = [
        image_sets.checked(z, y, z, y).scale
        for z in (x, x / 255, x.astype(float), x.astype(np.uint16) * 257, (x > 99).astype(np.uint8))
    ]
    assert scales == [255, 1, 255, 65535, 1]


@few_batches
def test_a_thousand_classes() -> None:
    rng = np.random.default_rng(0)
    y = np.concatenate([np.arange(1000), np.zeros(50, np.int64)])
    x = rng.integers(0, 255, (len(y), 8, 8), dtype=np.uint8)
    result = quick((x, y), (x[:1000], y[:1000]), methods=["balanced-softmax"], batch_size=500)
    assert result.confusions["balanced-softmax"][1].shape == (1000, 1000)
    assert list(result.table().columns) == [*metrics.MEASURES, "Note"]
    assert len(result.recall_figure().axes[0].get_yticks()) == 20


# How batches are made


@few_batches
def test_batches_of_a_file_are_read_piece_by_piece(tmp_path: Path) -> None:
    x, y = squares([40, 10], 0)
    file = np.memmap(tmp_path / "x.dat", x.dtype, "w+", shape=x.shape)
    file[:] = x
    read: list[int] = []

    class Watched(np.ndarray):
        def __getitem__(self, key: object) -> np.ndarray:
            piece = super().__getitem__(key)
            if isinstance(piece, np.ndarray) and piece.ndim == 4:
                read.append(len(piece))
            return np.asarray(piece)

    images = file.view(Watched)
    for name in (None, "ros", "rus", "smote"):
        plan = batches.plan(name, images, y, 1)
        made = batches.Batches(images, y, plan, scale=255, n_classes=2, batch_size=8, seed=1)
        assert [len(made[i][0]) for i in range(len(made))] == [8] * 6 + [2]
        assert made[0][0].dtype == np.float32
    assert max(read) <= 10  # a batch, or the class that SMOTE grows
    result = quick((file, y), (x[:10], y[:10]), methods=[])
    again = quick((x, y), (x[:10], y[:10]), methods=[])
    np.testing.assert_array_equal(result.confusions[BASELINE][1], again.confusions[BASELINE][1])


@pytest.mark.parametrize("name", ["ros", "rus", "smote"])
def test_plans_balance_the_classes(name: str) -> None:
    x, y = squares([40, 10, 3], 0)
    plan = batches.plan(name, x, y, 1)
    counts = np.bincount(y[plan.parents[:, 0]])
    assert counts.tolist() == [3 if name == "rus" else 40] * 3
    assert (y[plan.parents[:, 0]] == y[plan.parents[:, 1]]).all()
    if name != "rus":  # every original is there
        whole = plan.parents[plan.weights == 1][:, 0]
        assert set(whole) == set(range(len(y)))


def test_smote_mixes_near_neighbours_only() -> None:
    line = np.arange(10, dtype=np.uint8)[:, None, None] * np.ones((1, 8, 8), np.uint8)
    pairs, weights = resampling.smote_pairs(line, 200, np.random.RandomState(0), k_neighbors=2)
    assert len(pairs) == len(weights) == 190
    assert np.abs(pairs[:, 0] - pairs[:, 1]).max() <= 2
    assert (pairs[:, 0] != pairs[:, 1]).all()
    assert ((weights >= 0) & (weights <= 1)).all()


def test_every_image_of_a_plan_comes_before_any_comes_again() -> None:
    x, y = squares([12, 3], 0)
    plan = batches.plan("rus", x, y, 0)  # six images; an epoch has fifteen
    made = batches.Batches(x, y, plan, scale=255, n_classes=2, batch_size=4, seed=0)
    seen = []
    for _ in range(2):
        seen += list(made._order)
        made.on_epoch_end()
    assert len(seen) == 30
    for start in range(0, 30, 6):
        assert sorted(seen[start : start + 6]) == list(range(6))


# Records


def without_fitting(monkeypatch: pytest.MonkeyPatch, *, stop_at: int | None = None) -> list[int]:
    """Leave networks as they were drawn; return a list that grows with each of them.

    Ctrl-C comes in place of the one whose number is `stop_at`.
    """
    fitted: list[int] = []

    def fit(*_: object, **__: object) -> tuple[tuple[float, ...], tuple[float, ...]]:
        fitted.append(1)
        if len(fitted) == stop_at:
            raise KeyboardInterrupt
        return (0.5,), (0.5,)

    monkeypatch.setattr(fitting, "fit", fit)
    return fitted


@few_batches
def test_finished_runs_are_not_trained_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train, test = squares([20, 6], 0), squares([10, 10], 1)
    fitted = without_fitting(monkeypatch)
    first = quick(train, test, methods=["ros"], folder=tmp_path)
    assert len(fitted) == 2
    again = quick(train, test, methods=["ros"], folder=tmp_path)
    assert len(fitted) == 2
    for method in ("ros", BASELINE):
        np.testing.assert_array_equal(first.confusions[method][1], again.confusions[method][1])
    quick(train, test, methods=["ros"], seeds=[1, 2], folder=tmp_path)
    assert len(fitted) == 4  # the new seed only
    train[0][0, 0, 0, 0] += 1  # one pixel: other data
    quick(train, test, methods=[], folder=tmp_path)
    assert len(fitted) == 5
    quick(train, test, methods=[], folder=tmp_path, learning_rate=0.002)
    assert len(fitted) == 6
    lines = (tmp_path / "own-data" / f"{BASELINE}.jsonl").read_text().splitlines()
    assert [json.loads(line)["seed"] for line in lines] == [1, 2, 1, 1]


@few_batches
def test_a_record_that_lacks_a_setting_without_a_value_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As one written before the setting was invented."""
    train, test = squares([20, 6], 0), squares([10, 10], 1)
    fitted = without_fitting(monkeypatch)
    first = quick(train, test, methods=[], folder=tmp_path)
    path = tmp_path / "own-data" / f"{BASELINE}.jsonl"
    record = json.loads(path.read_text())
    assert record["experiment"].pop("draw") is None
    path.write_text(json.dumps(record) + "\n")
    again = quick(train, test, methods=[], folder=tmp_path)
    assert len(fitted) == 1
    np.testing.assert_array_equal(first.confusions[BASELINE][1], again.confusions[BASELINE][1])


@few_batches
def test_a_stopped_comparison_keeps_what_is_finished(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train, test = squares([20, 6], 0), squares([10, 10], 1)
    fitted = without_fitting(monkeypatch, stop_at=2)
    with pytest.raises(KeyboardInterrupt):
        quick(train, test, methods=["ros"], folder=tmp_path)
    quick(train, test, methods=["ros"], folder=tmp_path)
    assert len(fitted) == 3


@few_batches
def test_an_estimate_comes_first(capsys: pytest.CaptureFixture[str]) -> None:
    train, test = squares([20, 6], 0), squares([10, 10], 1)
    quick(train, test, methods=["ros", "prior-correction"], seeds=[1, 2], progress=True)
    said = capsys.readouterr().out
    assert said.startswith("4 networks of 1 epoch to train: about ")


@few_batches
def test_what_is_recorded_already_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    train, test = squares([20, 6], 0), squares([10, 10], 1)
    without_fitting(monkeypatch)
    monkeypatch.setattr(method_runs, "seconds_of", lambda *_: (0.0, 0.0))
    settings = {"methods": ["prior-correction"], "folder": tmp_path, "progress": True}
    head = "Recorded already, and not trained again: "
    for seeds, said in (([1], ""), ([1, 2], "1 of 2 networks"), ([1], "1 of 1 network")):
        quick(train, test, seeds=seeds, **settings)
        assert (f"{head}{said}.\n" if said else "") == "".join(
            line for line in capsys.readouterr().out.splitlines(True) if line.startswith(head)
        )


# Bad input


IMAGES, LABELS = squares([14, 6], 0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"x_train": IMAGES[:0]}, "x_train has to be .* not empty; got shape"),
        ({"x_train": IMAGES[0, ..., 0]}, "x_train has to be"),
        ({"x_train": np.moveaxis(np.repeat(IMAGES, 3, -1), -1, 1)}, "has 8 channels; .*moveaxis"),
        ({"x_train": IMAGES[:, :7]}, "7×8 pixels; allowed are 8 to 256 a side"),
        ({"x_test": np.zeros((20, 300, 300), np.uint8)}, "x_test has images of 300×300"),
        ({"x_test": np.zeros((20, 16, 16, 1), np.uint8)}, "differ in shape"),
        ({"x_train": IMAGES.astype(str)}, "x_train has to hold numbers"),
        (
            {"x_train": IMAGES > 100},
            r"has to hold numbers; got dtype bool\. Pass x.astype\('uint8'\)",
        ),
        ({"x_train": "photos"}, r"has to be an array of images; got str\. .*loading.load\(path\)"),
        ({"x_test": iter(IMAGES)}, "x_test has to be an array of images; got"),
        ({"x_train": np.array([IMAGES[0], "x"], object)}, "images of several shapes"),
        ({"x_train": np.where(IMAGES > 200, np.nan, IMAGES)}, "NaN or infinite"),
        ({"x_train": IMAGES.astype(int) - 3}, "negative pixels .*; shift them to 0"),
        ({"x_train": IMAGES / 127.5 - 1}, r"negative pixels .*; pass \(x \+ 1\) / 2\."),
        ({"x_train": IMAGES * 1e4}, "The largest pixel is .*; allowed are 0 to 1"),
        ({"y_train": LABELS[:-1]}, "x_train has 20 images, y_train 19 labels"),
        ({"y_train": np.eye(2)[LABELS] / 2}, r"likeliest class of each row pass y.argmax\(1\)"),
        ({"y_train": LABELS / 2}, "These are fractions; give each image one class"),
        ({"y_train": LABELS * 0}, "has to hold 2 to 1000 classes; it holds 1"),
        ({"y_test": LABELS + 7}, r"classes that y_train does not: \[7, 8\]"),
        ({"methods": ["SMOTE"]}, "There is no method 'SMOTE'; did you mean smote\\? Known: cross"),
        ({"methods": ["§"]}, "There is no method '§'. Known: cross-entropy"),
        ({"methods": ["smot"]}, "There is no method 'smot'; did you mean smote"),
        ({"methods": "ros"}, "methods has to be a list of names; got the text 'ros'"),
        ({"seeds": []}, r"whole numbers from 0 to 2\*\*32 - 1, at least one; got \[\]"),
        ({"seeds": [1.5]}, "seeds have to be whole numbers"),
        ({"epochs": 0}, "epochs has to be a whole number from 1; got 0"),
        ({"learning_rate": float("nan")}, "learning_rate has to be a number above 0; got nan"),
    ],
)
def test_bad_input(change: dict, message: str) -> None:
    data = {"x_train": IMAGES, "y_train": LABELS, "x_test": IMAGES, "y_test": LABELS}
    with pytest.raises(ValueError, match=message):
        compare(**{**data, "progress": False, **change})


# On the way to another machine


def mapped(file: Path, x: np.ndarray) -> np.ndarray:
    np.save(file, x)
    loaded: np.ndarray = np.load(file, mmap_mode="r")
    return loaded


def test_a_mapped_file_travels_as_its_name(tmp_path: Path) -> None:
    x, y = squares([400, 60], 0)
    file = mapped(tmp_path / "x.npy", x)
    sets = image_sets.checked(file[20:], y[20:], x[:20], y[:20])  # a part of it, too
    sent = pickle.dumps(sets.portable())
    assert len(sent) < len(pickle.dumps(sets)) - file[20:].nbytes / 2
    there = image_sets.opened(pickle.loads(sent))
    assert isinstance(there.x_train, np.memmap)
    for name in ("x_train", "y_train", "x_test", "y_test"):
        np.testing.assert_array_equal(getattr(there, name), getattr(sets, name))
    assert (there.classes, there.scale, there.sha256) == (sets.classes, sets.scale, sets.sha256)
    assert image_sets.opened(sets) is sets


def test_what_is_not_whole_in_a_file_travels_itself(tmp_path: Path) -> None:
    x, _ = squares([14, 6], 0)
    file = mapped(tmp_path / "x.npy", x)
    for array in (x, file[::2], np.asarray(file) + 0):
        assert image_sets.FileArray.of(array) is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda file: file.unlink(), "has to be the same on every machine; here: .*No such file"),
        (lambda file: file.write_bytes(b"short"), "has to be the same on every machine"),
        (lambda file: np.save(file, IMAGES + 1), "other images than on the one that compares"),
    ],
)
def test_other_images_at_the_same_path_are_noticed(
    change: Callable[[Path], None], message: str, tmp_path: Path
) -> None:
    file = mapped(tmp_path / "x.npy", IMAGES)
    there = image_sets.checked(file, LABELS, IMAGES, LABELS).portable()
    change(tmp_path / "x.npy")
    with pytest.raises(ValueError, match=message):
        image_sets.opened(there)


# The report


HOSTILE = ('<script>alert("1")</script>', "$x_{$ -- & --> 'q'", "中文 ]]>")


class Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attributes: list) -> None:
        self.tags.append((tag, dict(attributes)))

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_report_holds_everything_and_asks_for_nothing(tmp_path: Path) -> None:
    table = [[18, 1, 1], [2, 6, 2], [0, 1, 4]]
    result = made(
        {BASELINE: [table, table], "ros": [table, table]},
        classes=HOSTILE,
        skipped={"smote": "because <b>"},
        settings={"epochs": 3},
    )
    path = result.save_report(tmp_path / "new" / "report.html", source="9 images from <i>.")
    source = path.read_text("utf-8")
    page = Page()
    page.feed(source)
    tags = [tag for tag, _ in page.tags]
    assert "script" not in tags
    assert not {"b", "i"} & set(tags)
    assert "9 images from <i>. " in page.text
    assert tags.count("svg") == 2
    for name in HOSTILE:
        assert name in page.text
    assert result.lead in page.text
    assert tags.count("li") == len(result.points()) > 1
    # What stands between backticks is code there.
    assert all(point.replace("`", "") in page.text for point in result.points())
    assert "skipped: because <b>" in page.text
    outside = ("src", "href", "xlink:href")
    links = [v for _, a in page.tags for k, v in a.items() if k in outside]
    assert all(link.startswith("#") for link in links)
    assert "@import" not in source
    ids = [a["id"] for _, a in page.tags if "id" in a]
    assert len(ids) == len(set(ids))
    assert "prefers-color-scheme: dark" in source
    assert 'name="viewport"' in source


def test_the_report_shows_the_losses_and_how_to_read_them() -> None:
    curves = {BASELINE: [FALLS] * 2, "ros": [FALLS] * 2}
    source = comparison_report.page(with_losses(curves))
    page = Page()
    page.feed(source)
    assert [tag for tag, _ in page.tags].count("svg") == 3
    ids = [a["id"] for _, a in page.tags if "id" in a]
    assert len(ids) == len(set(ids))
    assert "Did training end?" in page.text
    assert "do not compare the heights of two curves; a curve that still falls at its" in page.text
    more = {"crt": "two stages", "ensemble": "Of an ensemble", "prior-correction": "no curve of"}
    assert not any(text in page.text for text in more.values())
    source = comparison_report.page(with_losses({**curves, **{m: [FALLS] * 2 for m in more}}))
    assert all(text in source for text in more.values())
    without = comparison_report.page(made({BASELINE: binary([1]), "ros": binary([2])}))
    assert "Did training end?" not in without


def test_the_report_marks_the_best_of_each_column() -> None:
    worse, better = [[18, 2], [5, 5]], [[18, 2], [1, 9]]
    result = made({BASELINE: [worse, worse], "ros": [better, better]}, classes=["x", "y"])
    results = comparison_report.page(result).split("<h2>Against")[0]
    marked = re.findall(r"<strong>([^<]*)</strong>", results)
    assert "90.0" in marked  # recall of y: 9 of 10
    assert not any(text.startswith("50.0") for text in marked)
    assert "Bold: the largest of its column." in results
    assert ">Note<" not in results  # nothing to note


def test_a_report_ends_in_html(tmp_path: Path) -> None:
    result = made({BASELINE: binary([1]), "ros": binary([2])})
    with pytest.raises(ValueError, match=r"has to end in \.html; got report\.pdf"):
        result.save_report(tmp_path / "report.pdf")


def test_unknown_measure() -> None:
    with pytest.raises(ValueError, match="no measure 'G mean'; did you mean G-mean"):
        made({BASELINE: binary([1])}).scores("G mean")


def test_intervals_stay_in_the_possible_range() -> None:
    """With two seeds t is 12.7, and half an interval may be longer than the whole range."""
    result = made({BASELINE: [[[90, 10], [60, 40]], [[50, 50], [90, 10]]]})
    shown = result.table().iloc[0]
    assert shown["Balanced accuracy"] == "47.5 [0.0, 100.0]"
    figure = result.figure()
    (ends,) = figure.axes[0].collections[0].get_segments()
    assert ends[:, 0].tolist() == [0, 100]
    alone = made({BASELINE: binary([40]), "ros": [None, *binary([70, 70, 72])]}).table()
    assert alone["Balanced accuracy"].tolist() == ["70.0", "85.3 [83.9, 86.8]"]


def test_figures_show_the_numbers() -> None:
    result = made({BASELINE: binary([40, 42]), "ros": binary([70, 72])})
    axis = result.figure().axes[0]
    assert [t.get_text() for t in axis.get_yticklabels()] == [
        "Cross-entropy (baseline)",
        "Random oversampling",
    ]
    np.testing.assert_allclose(axis.lines[1].get_xdata(), [70.5, 85.5])
    grid = result.recall_figure().axes[0]
    assert [t.get_text() for t in grid.texts] == ["100", "100", "41", "71"]


def test_the_package_is_imported_without_keras() -> None:
    code = "import sys, thesis_lib; sys.exit('keras' in sys.modules or 'numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
    assert thesis_lib.compare is compare
    with pytest.raises(AttributeError, match="no attribute 'compere'"):
        thesis_lib.compere  # noqa: B018
