"""Experiments beyond the thesis: what each trains, and that records find it again."""

import dataclasses
import math
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from thesis_lib import data, decision, experiments, later, tasks, training, two_stage
from thesis_lib.engine import processes, stages, sweep, vectorized
from thesis_lib.training import Experiment, Run


@pytest.fixture(scope="module")
def digits() -> data.Dataset:
    return data.load("digits-8x8")


def train(name: str, digits: data.Dataset, epochs: int = 2, **changes: Any) -> Run:
    experiment = dataclasses.replace(experiments.get(f"digits/{name}"), **changes)
    return training.train(
        experiment, 1, epochs=epochs, dataset=digits, progress=False, keep_probabilities=True
    )


def test_names_are_unique_and_fields_known() -> None:
    beyond = later.all_of_them()
    names = [e.name for e in beyond]
    assert len(set(names)) == len(names)
    assert not set(names) & set(experiments.catalogue())
    for e in beyond:
        assert tasks.get(e.task)
        assert e.loss in stages.LOSSES
        assert e.sampler in (None, "class-aware", *training.SAMPLERS)
        assert e.change in (None, *stages.CHANGES)
        assert e.second_stage in (None, "deferred-weights", *two_stage.SAMPLERS)
        assert e.base is None or e.base in experiments.every()
        assert not e.published


def test_an_old_record_means_what_it_meant() -> None:
    """It knows none of the newer fields; without a value they are as if they were not there."""
    e = experiments.get("binary/rus")
    new = ("draw", "change", "second_stage", "members", "optimizer")
    assert all(getattr(e, key) is None for key in new)
    old = {k: v for k, v in e.hyperparameters().items() if k not in new}
    assert Experiment(method="RUS", **old).hyperparameters() == e.hyperparameters()


def test_every_method_of_a_study_has_as_many_updates() -> None:
    for task in ("digits", "binary"):
        updates = {}
        for e in later.study(task, [1]):
            counts = tasks.get(task).counts
            n = {"ros": max(counts), "smote": max(counts), "rus": min(counts)}
            images = n[e.sampler] * len(counts) if e.sampler else sum(counts)
            updates[e.name.split("/")[1]] = e.epochs * math.ceil(images / e.batch_size)
        assert updates.pop("rus-01") == 200  # it is learnt by heart long before the others
        wanted = updates["cross-entropy-01"]
        assert all(n == pytest.approx(wanted, rel=0.03) for n in updates.values())


def test_methods_on_long_tails_have_as_many_updates() -> None:
    """So that one run is under a million images a network, which a CPU can train."""
    for e in experiments.select(["fashion-lt/*", "cifar10-lt/*"]):
        counts = tasks.get(e.task).counts
        n = {"ros": max(counts), "smote": max(counts), "rus": min(counts)}
        images = n[e.sampler] * len(counts) if e.sampler in n else sum(counts)
        plain = 50 * math.ceil(sum(counts) / 100)
        assert (e.learning_rate, e.batch_size) == (0.05, 100)
        if e.sampler == "rus":
            assert e.epochs == 200
        else:
            assert e.epochs * math.ceil(images / 100) == pytest.approx(plain, rel=0.04), e.name


def test_the_long_study_of_two_classes_has_the_thesis_epochs() -> None:
    thesis = experiments.get("binary/cross-entropy")
    long = {e.name: e for e in later.long_study("binary", [10])}
    assert list(long) == [
        f"binary-long-draws/{slug}-10"
        for slug in ["cross-entropy", "prior-correction", "ros", "smote", "mfe", "balanced-softmax"]
    ]
    assert (
        long["binary-long-draws/prior-correction-10"].base == "binary-long-draws/cross-entropy-10"
    )
    for e in long.values():
        short = experiments.get(e.name.replace("-long", ""))
        assert e.epochs == 4 * short.epochs
        assert (e.learning_rate, e.loss, e.cost) == (short.learning_rate, short.loss, short.cost)
        assert experiments.get(e.name) == e
    assert long["binary-long-draws/cross-entropy-10"].epochs == thesis.epochs == 200


def test_a_study_is_of_its_draws(digits: data.Dataset) -> None:
    one, other = (
        training.training_set(experiments.get(f"digits-draws/ros-{d}"), digits, 1)
        for d in ("01", "02")
    )
    assert np.bincount(one[1]).tolist() == [120] * 10
    assert {bytes(x) for x in one[0]} != {bytes(x) for x in other[0]}
    wrong = dataclasses.replace(experiments.get("binary/ros"), draw=3)
    with pytest.raises(ValueError, match="ros-as-published belongs to the thesis's own draw"):
        training.training_set(wrong, data.load("digits"), 1)


def test_deferred_weights_change_the_last_epochs_only(digits: data.Dataset) -> None:
    plain, deferred = (train(name, digits, epochs=5) for name in ("ldam", "ldam-drw"))
    assert deferred.loss_curve[:4] == plain.loss_curve[:4]
    assert deferred.loss_curve[4] != plain.loss_curve[4]
    assert len(deferred.loss_curve) == 5


def test_a_retrained_classifier_favours_the_rare_classes(digits: data.Dataset) -> None:
    first = train("cross-entropy", digits, epochs=12)
    second = train("crt", digits, epochs=15)
    assert second.loss_curve[:12] == first.loss_curve
    few = list(tasks.get("digits").minority)
    recalls = [np.mean(np.array(run.recall)[few]) for run in (first, second)]
    assert recalls[1] > recalls[0] + 0.2


def test_an_ensemble_is_the_mean_of_its_networks(digits: data.Dataset) -> None:
    whole = train("ensemble", digits, members=2)
    experiment = experiments.get("digits/ensemble")
    assert training.member_seeds(experiment, 1) == [1, 100_001, 200_001, 300_001, 400_001]
    alone = [
        training.train(
            dataclasses.replace(experiment, members=None),
            seed,
            epochs=2,
            dataset=digits,
            progress=False,
            keep_probabilities=True,
        ).probabilities
        for seed in (1, 100_001)
    ]
    np.testing.assert_allclose(whole.probabilities, np.mean(alone, axis=0), atol=1e-6)
    assert training.training_size(experiment, digits) == 5 * 615


def test_a_tuned_decision_says_how_far_it_went(digits: data.Dataset) -> None:
    run = train("tuned-threshold", digits, epochs=25)
    tau = run.provenance["tau"]
    assert tau in decision.TAUS
    # The network trained on four fifths, of which each rare class has two images.
    counts = [2 if c in tasks.get("digits").minority else 96 for c in range(10)]
    undone = decision.correct_prior(run.probabilities, np.ones(10), counts, tau=tau)
    few = list(tasks.get("digits").minority)
    recall = np.mean(np.array(run.recall)[few])
    before = np.isin(undone.argmax(1), few).mean()
    after = np.isin(np.asarray(run.probabilities).argmax(1), few).mean()
    assert after > before  # more images go to the rare classes
    assert recall > 0.3


@pytest.mark.parametrize("name", ["class-aware", "remix", "moved"])
def test_changed_and_class_aware_batches_train(digits: data.Dataset, name: str) -> None:
    run = train(name, digits, epochs=3)
    assert run.loss_curve[-1] < run.loss_curve[0]
    again = train(name, digits, epochs=3)
    np.testing.assert_array_equal(run.probabilities, again.probabilities)


def test_rows_as_time_steps_are_learnt(digits: data.Dataset) -> None:
    experiment = experiments.get("digits-rows/ros")
    run = training.train(experiment, 1, epochs=9, dataset=digits, progress=False)
    assert np.mean(run.recall) > 0.4  # chance is 0.1


def test_prior_correction_is_a_cost_of_missing_a_class() -> None:
    experiment = experiments.get("digits-draws/prior-correction-01")
    p = np.random.default_rng(0).dirichlet(np.ones(10), 20)
    counts = tasks.get("digits").counts
    moved = decision.move_thresholds(p, training.cost_matrix(experiment, np.array(counts)))
    np.testing.assert_allclose(moved, decision.correct_prior(p, counts))


def test_a_family_has_the_corrected_prior(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THESIS_LIB_RECORDS", str(tmp_path))
    name = "digits-draws/cross-entropy-02"
    short = dataclasses.replace(experiments.get(name), epochs=1)
    run = training.train(short, 1, progress=False, keep_probabilities=True)
    members = experiments.keep_family(dataclasses.replace(run, experiment=experiments.get(name)))
    assert set(members) == {name, "digits-draws/prior-correction-02"}
    (back,) = experiments.recorded("digits-draws/prior-correction-02")
    assert back.experiment.draw == 2


def test_what_can_be_trained_side_by_side() -> None:
    one_by_one = {
        e.name.split("/")[1] for e in later.all_of_them() if not vectorized.side_by_side(e)
    }
    wanted = {"ldam-drw", "crt", "feature-smote", "class-aware", "mixup", "remix", "moved"}
    assert wanted | {"ensemble", "balanced-ensemble", "tuned-threshold"} <= one_by_one
    assert not vectorized.side_by_side(experiments.get("mnist-rows/ros"))
    adam = dataclasses.replace(experiments.get("digits/ros"), optimizer="adam")
    assert not vectorized.side_by_side(adam)
    jobs = [(e, s) for e in later.study("binary", range(1, 21)) for s in (1, 2, 3) if not e.base]
    # All draws, seeds and methods with as many images, up to 50 at once.
    sizes = {"ros": "largest", "smote": "largest", "rus": "smallest", None: "all"}
    counts = Counter(sizes[e.sampler] for e, _ in jobs)
    whole = sum(-(-count // vectorized.RUNS_AT_ONCE) for count in counts.values())
    assert len(vectorized.groups(jobs)) == whole


def test_runs_side_by_side_have_the_images_of_their_draws(digits: data.Dataset) -> None:
    ros = [experiments.get(f"digits-draws/ros-0{draw}") for draw in (1, 2)]
    jobs = [(ros[0], 1), (ros[1], 1), (ros[0], 2), (ros[0], 1)]
    problem = vectorized._Problem.of(jobs, digits, "float32")
    assert len(problem.x) == 3
    for (experiment, seed), slot in zip(jobs, problem.slot, strict=True):
        x, y = training.training_set(experiment, digits, seed)
        np.testing.assert_array_equal(problem.x[slot], data.to_unit(x))
        np.testing.assert_array_equal(problem.y[slot].argmax(1), y)
    plain = [experiments.get(f"digits-draws/mfe-0{draw}") for draw in (1, 2)]
    shared = vectorized._Problem.of([(e, s) for e in plain for s in (1, 2)], digits, "float32")
    assert shared.slot.tolist() == [0, 0, 1, 1]


def test_a_sweep_counts_the_images_of_each_network_of_an_ensemble(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ensemble = dataclasses.replace(experiments.get("digits/balanced-ensemble"), epochs=2, members=2)
    monkeypatch.setattr(experiments, "get", lambda name: ensemble)
    passed: list[int] = []
    processes.train(ensemble.name, 1, "float32", passed.append)
    assert sum(passed) == 2 * 2 * 30  # networks, epochs, images of RUS
    assert sum(passed) == sweep.images_of((ensemble.name, 1))
