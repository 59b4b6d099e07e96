"""Training on somebody's own images: the runs of one method, or of several that share networks."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from thesis_lib import decision, experiments, records
from thesis_lib.engine import feeds, fitting, stages
from thesis_lib.engine.provenance import provenance
from thesis_lib.own import builders, image_sets
from thesis_lib.own.builders import Network
from thesis_lib.own.image_sets import ImageSets
from thesis_lib.training import Experiment, Run, member_seeds, of_confusion

Labels = NDArray[np.int64]

_TIMED_BATCHES = 30


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What a comparison keeps of one run.

    Attributes
    ----------
    confusion : ndarray of int64, (n_classes, n_classes), or None
        On the test set, true classes as rows; None where training diverged.
    loss_curve : tuple of float
        Mean training loss of each epoch; of an ensemble that of its first network.
    """

    confusion: Labels | None
    loss_curve: tuple[float, ...]


def train(
    sets: ImageSets,
    network: Network,
    family: Sequence[Experiment],
    seed: int,
    passed: Callable[[int], None],
) -> list[Run]:
    """Train the networks of a family of experiments with one seed, and record nothing.

    Parameters
    ----------
    sets : ImageSets
        As they are, or as `ImageSets.portable` sends them.
    network : Network
        As `builders.checked` returns it, or as `Network.portable` sends it.
    family : sequence of Experiment
        Those after the first differ from it in the decision only.
    seed : int
    passed : callable
        Called after each epoch with the number of its images.

    Returns
    -------
    list of Run
        One for each of the family; the curves of an ensemble are those of its first network.
    """
    sets, network, first = image_sets.opened(sets), builders.opened(network), family[0]
    started = time.perf_counter()
    fitted = networks(first, sets, network, seed, passed)
    seconds = time.perf_counter() - started
    origin = provenance(sets.sha256, "own data")
    if fitted[0].tau is not None:
        origin["tau"] = fitted[0].tau
    return [
        of_confusion(
            experiment,
            seed,
            confusion,
            diverged=diverged,
            train_accuracy=math.nan,
            curves=fitted[0].curves,
            seconds=seconds,
            provenance=origin,
        )
        for experiment, (confusion, diverged) in zip(
            family, _classified(fitted, sets, family), strict=True
        )
    ]


def networks(
    experiment: Experiment,
    sets: ImageSets,
    network: Network,
    seed: int,
    passed: Callable[[int], None],
) -> list[stages.Fitted[feeds.Stream]]:
    """Train the networks of one experiment: one, or the members of an ensemble.

    Parameters
    ----------
    experiment : Experiment
    sets : ImageSets
        The training set is used only.
    network : Network
        As `builders.checked` returns it.
    seed : int
    passed : callable
        As `train` takes it.
    """
    return [
        _fitted(experiment, sets, network, member, lambda: passed(len(sets.y_train)))
        for member in member_seeds(experiment, seed)
    ]


def images_of(experiment: Experiment, sets: ImageSets) -> int:
    """Return how many images the networks of an experiment pass while they train.

    Parameters
    ----------
    experiment : Experiment
    sets : ImageSets
    """
    return len(sets.y_train) * experiment.epochs * (experiment.members or 1)


def _outputs(
    fitted: Sequence[stages.Fitted[Any]], x: NDArray[Any], scale: float
) -> Iterator[NDArray[Any]]:
    """Return the mean outputs of networks on images, piece by piece.

    Parameters
    ----------
    fitted : sequence of Fitted
    x : ndarray, (n, height, width[, channels])
    scale : float
        The value of a white pixel.
    """
    for piece in feeds.pieces(x, scale):
        found = [f.corrected(np.asarray(f.network.predict_on_batch(piece))) for f in fitted]
        yield np.mean(found, axis=0)


def _decided(experiment: Experiment, found: NDArray[Any], counts: Labels) -> NDArray[Any]:
    """Return outputs after the decision of an experiment, where it has one.

    Parameters
    ----------
    experiment : Experiment
    found : ndarray, (n, n_classes)
        A piece of `_outputs`; it stays as it is if a number in it is not finite.
    counts : ndarray of int, (n_classes,)
        Sizes of the classes in the training set.
    """
    if experiment.cost != "prior" or not np.isfinite(found).all():
        return found
    return decision.correct_prior(found, counts)


def seconds_of(
    sets: ImageSets, network: Network, experiment: Experiment, passed: Callable[[int], None]
) -> tuple[float, float]:
    """Train two short epochs, the first of which compiles, and take the time.

    Parameters
    ----------
    sets, network
        As `train` takes them.
    experiment : Experiment
    passed : callable
        Not called: these images belong to no run.

    Returns
    -------
    tuple of float
        Seconds until the first batch is trained, and those that an image takes after it.
    """
    sets, network = image_sets.opened(sets), builders.opened(network)
    images = min(len(sets.y_train), _TIMED_BATCHES * experiment.batch_size)
    times = [time.perf_counter()]
    short = dataclasses.replace(experiment, epochs=2)
    _fitted(short, sets, network, 0, lambda: times.append(time.perf_counter()), images)
    first, second = np.diff(times[:3]) if len(times) > 2 else (times[1] - times[0], 0.0)
    return max(float(first - second), 0.0), float(second) / images


def record(run: Run, sets: ImageSets, network: Network) -> records.Record:
    """Return the record of a run; its experiment names the data, as no catalogue does.

    Parameters
    ----------
    run : Run
    sets : ImageSets
        What it was trained and tested on.
    network : Network
        What was trained.
    """
    found = experiments.to_record(run)
    found["experiment"] = _identity(found["experiment"], sets, network)
    return found


def _identity(fields: dict[str, Any], sets: ImageSets, network: Network) -> dict[str, Any]:
    """Add to the fields of an experiment what else decides the outcome on somebody's own images."""
    named = {**fields, "data_sha256": sets.sha256, "white": sets.untold_white}
    if network.sha256 is None:  # the library's own, which a record says nothing of
        return named
    # Whatever a network of the reader's drops is part of its architecture.
    return {**named, "network_sha256": network.sha256, "dropout": None}


def recorded(
    store: records.Store, experiment: Experiment, sets: ImageSets, network: Network
) -> dict[int, Outcome]:
    """Return the outcome of each recorded seed.

    Parameters
    ----------
    store : Store
    experiment : Experiment
    sets : ImageSets
        Runs on other images do not count.
    network : Network
        Nor do those of other networks.

    Returns
    -------
    dict of int to Outcome
    """
    wanted = records.settings(_identity(experiment.hyperparameters(), sets, network))
    return {
        r["seed"]: outcome(r)
        for r in store.read(experiment.name)
        if records.settings(r["experiment"]) == wanted
    }


def outcome(record: records.Record) -> Outcome:
    """Return what a comparison keeps of a record.

    Parameters
    ----------
    record : dict
        As `record` returns it, or `records.Store.read`.
    """
    matrix = None if record["diverged"] else np.asarray(record["confusion"], dtype=np.int64)
    return Outcome(matrix, tuple(np.array(record["loss_curve"], dtype=float).tolist()))


def _fitted(
    experiment: Experiment,
    sets: ImageSets,
    network: Network,
    seed: int,
    tick: Callable[[], None],
    limit: int | None = None,
) -> stages.Fitted[feeds.Stream]:
    fitting.set_up(seed)
    built = network.build(sets, dropout=experiment.dropout, seed=seed, fast=True)
    feed = feeds.Stream(
        sets.x_train,
        sets.y_train,
        sets.scale,
        len(sets.classes),
        experiment.batch_size,
        experiment.sampler,
        limit,
    )
    return stages.train_network(experiment, seed, built, feed, experiment.epochs, tick)


def _classified(
    fitted: Sequence[stages.Fitted[Any]], sets: ImageSets, family: Sequence[Experiment]
) -> list[tuple[Labels, bool]]:
    """Return each experiment's confusion matrix on the test set, and whether it diverged."""
    n = len(sets.classes)
    tables = [np.zeros((n, n), np.int64) for _ in family]
    finite, start = True, 0
    for found in _outputs(fitted, sets.x_test, sets.scale):
        finite = finite and bool(np.isfinite(found).all())
        true = sets.y_test[start : start + len(found)]
        start += len(found)
        for experiment, table in zip(family, tables, strict=True):
            chosen = np.nan_to_num(_decided(experiment, found, sets.counts)).argmax(1)
            np.add.at(table, (true, chosen), 1)
    return [(table, not finite) for table in tables]
