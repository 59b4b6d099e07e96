"""One run: it learns, it is fixed by its seed, it reports what it did."""

import dataclasses
import math
from typing import Any

import numpy as np
import pytest

from thesis_lib import data, experiments, training
from thesis_lib.engine import batches, fitting, stages
from thesis_lib.training import Experiment


@pytest.fixture(scope="module")
def digits() -> data.Dataset:
    """Return the digits at half their width and height: a quarter of the work."""
    digits = data.load("digits")
    halves = {name: getattr(digits, name)[:, ::2, ::2] for name in ("x_train", "x_test")}
    return dataclasses.replace(digits, **halves)


@pytest.fixture(scope="module")
def one_epoch(digits: data.Dataset) -> training.Run:
    return training.train(
        small(), 1, epochs=1, dataset=digits, progress=False, keep_probabilities=True
    )


def small(**settings: object) -> Experiment:
    # Cross-entropy at a high rate: the digits' few images are learnt in seconds.
    chosen: dict[str, object] = {
        "name": "binary/test",
        "task": "binary",
        "method": "Test",
        "sampler": "ros",
        "loss": "cross-entropy",
        "learning_rate": 0.1,
        "batch_size": 20,
    }
    return Experiment(**(chosen | settings))  # type: ignore[arg-type]


def test_training_learns(digits: data.Dataset) -> None:
    run = training.train(small(), 1, epochs=15, dataset=digits, progress=False)
    # Half of the test images are zeros: an ignorant network gets 50 %.
    assert run.test_accuracy > 0.9
    assert run.train_accuracy > 0.95
    assert run.loss_curve[-1] < 0.5 * run.loss_curve[0]


def test_a_step_is_traced_once_though_the_last_batch_is_shorter() -> None:
    import keras

    traced = []

    def loss(y_true: Any, y_pred: Any) -> Any:
        traced.append(y_pred.shape)
        return keras.losses.mean_squared_error(y_true, y_pred)

    x, y = np.ones((7, 4), np.float32), np.array([0, 1, 0, 1, 0, 1, 0])
    whole = batches.plan(None, x, y, seed=0)
    given = batches.Batches(x, y, whole, scale=1.0, n_classes=2, batch_size=3, seed=0)
    network = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    curve, _ = fitting.fit(network, loss, "sgd", given, epochs=2, on_epoch_end=lambda: None)
    assert traced == [(None, 2)]
    assert curve[1] < curve[0]


def test_a_run_describes_itself(digits: data.Dataset) -> None:
    run = training.train(small(), 1, epochs=2, dataset=digits, progress=False)
    y_test = data.task("binary", digits).y_test
    confusion = np.array(run.confusion)
    assert confusion.sum(1).tolist() == np.bincount(y_test).tolist()  # rows are true classes
    assert run.test_accuracy == pytest.approx(np.trace(confusion) / len(y_test))
    assert run.recall == pytest.approx(np.diag(confusion) / confusion.sum(1))
    assert (run.epochs, len(run.loss_curve), len(run.accuracy_curve)) == (2, 2, 2)
    assert run.probabilities is None
    assert {"device", "backend", "versions", "data_sha256", "utc"} <= set(run.provenance)


@pytest.mark.parametrize(("most", "trained_on"), [(50, 50), (10**6, None)])
def test_a_training_set_may_be_sampled(
    most: int, trained_on: int | None, digits: data.Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = training.training_set(small(), digits, seed=1)
    seen = []
    network = training.train_network
    monkeypatch.setattr(
        training, "train_network", lambda *args: seen.append(args[3]) or network(*args)
    )
    run = training.train(small(), 1, epochs=1, most_images=most, dataset=digits, progress=False)
    (x, y), pairs = seen[0], {(i.tobytes(), j) for i, j in zip(*whole, strict=True)}
    assert len(x) == len(y) == (trained_on or len(whole[0]))
    assert {(i.tobytes(), j) for i, j in zip(x, y, strict=True)} <= pairs
    assert run.provenance.get("images") == trained_on


def test_the_seed_fixes_the_run(digits: data.Dataset) -> None:
    runs = [
        training.train(
            small(), seed, epochs=2, dataset=digits, progress=False, keep_probabilities=True
        )
        for seed in (1, 1, 2)
    ]
    one, again, other = (run.probabilities for run in runs)
    assert one is not None
    np.testing.assert_array_equal(one, again)
    assert not np.array_equal(one, other)
    assert runs[0].loss_curve == runs[1].loss_curve


def test_a_diverged_run_is_reported(digits: data.Dataset) -> None:
    run = training.train(small(learning_rate=1e30), 1, epochs=3, dataset=digits, progress=False)
    assert run.diverged
    assert math.isnan(run.test_accuracy)
    assert all(math.isnan(recall) for recall in run.recall)


def test_moved_thresholds_come_from_the_same_network(
    digits: data.Dataset, one_epoch: training.Run
) -> None:
    run = one_epoch
    moving = experiments.get("binary/threshold-moving")
    y_test = data.task("binary", digits).y_test
    moved = training.with_moved_thresholds(run, moving, data.task("binary", digits))
    # Rows of the cost matrix sum to 100 and 1: class 0 wins where 100 p0 > p1.
    assert run.probabilities is not None
    expected = np.where(100 * run.probabilities[:, 0] >= run.probabilities[:, 1], 0, 1)
    assert moved.test_accuracy == pytest.approx((expected == y_test).mean())
    with pytest.raises(ValueError, match="needs a run with probabilities"):
        training.with_moved_thresholds(
            dataclasses.replace(run, probabilities=None), moving, data.task("binary", digits)
        )
    with pytest.raises(ValueError, match="binary/test names no cost matrix; its cost is tuned"):
        training.cost_matrix(small(cost="tuned"), np.array([1, 1]))


@pytest.mark.parametrize("cost", ["binary", "prior"])
def test_thresholds_of_a_diverged_network_are_not_moved(digits: data.Dataset, cost: str) -> None:
    wild = small(learning_rate=1e30, cost=cost)
    assert training.train(wild, 1, epochs=3, dataset=digits, progress=False).diverged


def test_the_prior_is_that_of_what_is_trained_on(
    digits: data.Dataset, one_epoch: training.Run
) -> None:
    """A stand-in has fewer images than the catalogue says."""
    plain = one_epoch.probabilities
    corrected = training.train(
        small(cost="prior"), 1, epochs=1, dataset=digits, progress=False, keep_probabilities=True
    ).probabilities
    assert plain is not None
    trained_on = np.bincount(data.task("binary", digits).y_train)
    expected = plain / trained_on
    np.testing.assert_allclose(corrected, expected / expected.sum(1, keepdims=True), rtol=1e-5)


@pytest.mark.parametrize("name", ["multiclass/rus", "multiclass/smote", "binary/ros"])
def test_published_samplers_run_on_a_stand_in(digits: data.Dataset, name: str) -> None:
    x, y = training.training_set(experiments.get(name), digits, seed=1)
    assert len(x) == len(y) == training.training_size(experiments.get(name), digits)


def test_rus_as_published_trains_on_wrong_labels(mnist: data.Dataset) -> None:
    _, y = training.training_set(experiments.get("multiclass/rus"), mnist, seed=1)
    assert np.bincount(y, minlength=10).tolist() == [2, 5, 13, 0, 0, 0, 0, 0, 0, 0]


def test_class_weights(mnist: data.Dataset) -> None:
    counts = np.array([2, 5, 5000, 3000, 4, 4000, 2, 3, 2000, 1000])
    focal = experiments.get("multiclass/focal-g2-a5")
    assert stages.class_weight(focal, counts).tolist() == [5, 5, 1, 1, 5, 1, 5, 5, 1, 1]
    weighted = stages.class_weight(experiments.get("multiclass/weighted-mse"), counts)
    np.testing.assert_allclose(weighted @ counts, counts.sum())


@pytest.mark.parametrize(
    ("seed", "error", "message"),
    [
        (-1, ValueError, "seed has to be a whole number from 0 to 4294967295; got -1"),
        (1.5, ValueError, "got 1.5"),
        (True, TypeError, "seed has to be a whole number .*; got True"),
    ],
)
def test_bad_seeds(seed: object, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        fitting.set_up(seed)  # type: ignore[arg-type]


def test_bad_sample(digits: data.Dataset) -> None:
    with pytest.raises(ValueError, match=r"most_images has to be .*; got 0"):
        training.train(small(), 1, epochs=1, most_images=0, dataset=digits, progress=False)


def test_bad_epochs(digits: data.Dataset) -> None:
    with pytest.raises(ValueError, match="epochs has to be a whole number from 1; got 0"):
        training.train(small(), 1, epochs=0, dataset=digits)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"learning_rate": -1}, "learning_rate has to be a number above 0; got -1"),
        ({"batch_size": 0}, "batch_size has to be a whole number from 1; got 0"),
        ({"dropout": 1.0}, r"dropout has to lie in \[0, 1\); got 1.0"),
        ({"loss": "mssfe"}, "loss has to be one of mse, .*; got 'mssfe'"),
        ({"sampler": "rose"}, "sampler has to be one of None, class-aware, ros, .*; got 'rose'"),
        ({"optimizer": "sgd"}, "optimizer has to be one of None, adam; got 'sgd'"),
        ({"change": "rotated"}, "change has to be one of None, mixup"),
        ({"second_stage": "x"}, "second_stage has to be one of None, deferred-weights"),
        ({"cost": "x"}, "cost has to be one of None, prior"),
        ({"members": 0}, "members has to be a whole number from 1; got 0"),
        ({"draw": -1}, "draw has to be a whole number from 0"),
        ({"gamma": 2.0}, "gamma belongs to focal loss; the loss is 'mse'"),
    ],
)
def test_a_setting_that_cannot_be_trained_is_named(changed: dict, message: str) -> None:
    mine = dataclasses.replace(experiments.get("binary/ros"), **changed)
    with pytest.raises(ValueError, match=message):
        training.train(mine, 1, epochs=1, progress=False)


def test_the_settings_of_all_experiments_can_be_trained() -> None:
    for experiment in experiments.every().values():
        training.check_settings(experiment)


def test_a_learning_rate_may_be_a_whole_number() -> None:
    mine = dataclasses.replace(experiments.get("binary/ros"), learning_rate=1)
    assert float(stages._optimizer(mine).learning_rate) == 1
