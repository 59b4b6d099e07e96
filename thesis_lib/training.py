"""Train one experiment with one seed: an :class:`Experiment` and a seed in, a :class:`Run` out."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from thesis_lib import arguments, data, decision, metrics, model, resampling, tasks
from thesis_lib.engine import stages
from thesis_lib.engine.feeds import Arrays
from thesis_lib.engine.fitting import layers_in, set_up
from thesis_lib.engine.provenance import checksum, provenance
from thesis_lib.progress import progress_bar

Images = tuple[NDArray[Any], NDArray[np.int64]]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Experiment:
    """A task, a method and all hyperparameters: what one row of a published table stands for.

    Attributes
    ----------
    name : str
        ``task/method``, the key of the catalogue and the name of its file of records.
    task : str
        A key of ``tasks.TASKS``; the thesis's are ``"multiclass"`` and ``"binary"``. Or
        ``"own-data"``, images that somebody gave to `thesis_lib.compare`.
    method : str
        The method's name as tables show it.
    sampler : str or None
        How the training images are resampled: a key of ``SAMPLERS``, or ``"class-aware"``, which
        draws the classes of each batch; None leaves them.
    loss : str
        A key of ``stages.LOSSES``.
    gamma, minority_weight : float or None
        Focusing parameter and weight of the minority classes, for the losses that take them.
    learning_rate, epochs, batch_size, dropout
        As Keras means them; the defaults are the thesis's (section 7.1).
    cost : str or None
        A key of ``COSTS``, or ``"prior"`` for costs inverse to the sizes of the classes:
        thresholds are moved with this cost matrix after training. With ``"tuned"`` a fifth of the
        training images is held out, and decides how far the prior is corrected.
    change : str or None
        A key of ``stages.CHANGES``: what happens to the images of each batch.
    second_stage : str or None
        What the last fifth of the epochs does: ``"deferred-weights"`` goes on with the weights of
        effective numbers (LDAM-DRW), ``"retrained-classifier"`` and ``"feature-smote"`` train the
        last layer anew on balanced features, which are left as they are.
    members : int or None
        Number of networks whose outputs are averaged, each with a sample and a seed of its own.
    optimizer : str or None
        A key of ``stages.OPTIMIZERS``; None is the thesis's, plain gradient descent.
    draw : int or None
        Seed that the task's images are drawn with; None is the thesis's own draw.
    base : str or None
        The experiment whose networks are used, where only the decision differs.
    published : tuple of (table, row)
        Where the thesis prints the result.
    corrects : str or None
        The experiment of which this is the corrected twin.

    Examples
    --------
    What is not named is as in the thesis. An experiment is not changed; another is made of it:

    >>> plain = Experiment(name="digits/plain", task="digits", method="None")
    >>> focal = dataclasses.replace(plain, name="digits/focal", loss="focal", gamma=2.0)
    >>> plain.loss, focal.loss, focal.epochs
    ('mse', 'focal', 200)
    """

    name: str
    task: str
    method: str
    sampler: str | None = None
    loss: str = "mse"
    gamma: float | None = None
    minority_weight: float | None = None
    learning_rate: float = 0.05
    epochs: int = 200
    batch_size: int = 100
    dropout: float = 0.2
    cost: str | None = None
    change: str | None = None
    second_stage: str | None = None
    members: int | None = None
    optimizer: str | None = None
    draw: int | None = None
    base: str | None = None
    published: tuple[tuple[str, str], ...] = ()
    corrects: str | None = None

    def hyperparameters(self) -> dict[str, Any]:
        """Return what decides the outcome, for comparison with a record."""
        bookkeeping = {"published", "corrects", "method"}
        return {k: v for k, v in dataclasses.asdict(self).items() if k not in bookkeeping}


@dataclasses.dataclass(frozen=True)
class Run:
    """What one experiment, trained with one seed, left behind.

    Accuracies and recalls are fractions in [0, 1], measured without dropout after the last epoch;
    NaN where training diverged. ``confusion`` has true classes as rows. The curves have one value
    an epoch, as Keras reports them while training (with dropout, averaged over the epoch).
    ``probabilities`` (n_test, n_classes) are kept only on request and never written to a record.
    """

    experiment: Experiment
    seed: int
    train_accuracy: float
    test_accuracy: float
    recall: tuple[float, ...]
    confusion: tuple[tuple[int, ...], ...]
    loss_curve: tuple[float, ...]
    accuracy_curve: tuple[float, ...]
    epochs: int
    diverged: bool
    seconds: float
    provenance: Mapping[str, Any]
    probabilities: NDArray[np.float32] | None = dataclasses.field(
        default=None, repr=False, compare=False
    )


SAMPLERS: dict[str, Callable[[Images, int], Images]] = {
    "ros": lambda images, seed: _resampled(images, "ros", seed),
    "smote": lambda images, seed: _resampled(images, "smote", seed),
    "rus": lambda images, seed: _resampled(images, "rus", seed),
    "ros-as-published": lambda images, seed: _as_published(
        images, resampling.random_oversample_as_published
    ),
    "smote-as-published": lambda images, seed: _as_published(images, resampling.smote_as_published),
    "rus-as-published": lambda images, seed: _as_published(
        images, resampling.undersample_as_published
    ),
}

COSTS: dict[str, Callable[[], NDArray[np.float64]]] = {
    "multiclass-as-published": decision.multiclass_cost_as_published,
    "multiclass-as-defined": decision.multiclass_cost,
    "binary": decision.binary_cost,
}

SECOND_STAGES = ("deferred-weights", "retrained-classifier", "feature-smote")


def check_settings(experiment: Experiment) -> None:
    """Refuse settings that nothing could train with, or that would change nothing.

    The catalogue's are right; those of ``dataclasses.replace(experiment, ...)`` may not be.

    Parameters
    ----------
    experiment : Experiment

    Raises
    ------
    ValueError, TypeError
        If one is unknown, out of its range, or of no effect.
    """
    known = {
        "sampler": (None, "class-aware", *SAMPLERS),
        "loss": stages.LOSSES,
        "change": (None, *stages.CHANGES),
        "second_stage": (None, *SECOND_STAGES),
        "optimizer": stages.OPTIMIZERS,
        "cost": (None, "prior", "tuned", *COSTS),
    }
    for name, allowed in known.items():
        arguments.one_of(name, getattr(experiment, name), allowed)
    arguments.number("learning_rate", experiment.learning_rate, 0, ends="()")
    arguments.number("dropout", experiment.dropout, 0, 1, "[)")
    arguments.whole("batch_size", experiment.batch_size, 1)
    for name, low, high in (("members", 1, math.inf), ("draw", 0, 2**32 - 1)):
        if getattr(experiment, name) is not None:
            arguments.whole(name, getattr(experiment, name), low, high)
    if experiment.gamma is not None and "focal" not in experiment.loss:
        raise ValueError(f"gamma belongs to focal loss; the loss is {experiment.loss!r}.")


def cost_matrix(experiment: Experiment, class_counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the cost matrix that an experiment moves thresholds with.

    Parameters
    ----------
    experiment : Experiment
    class_counts : ndarray of int, (n_classes,)
        Of the task as it is trained on, for prior correction.

    Returns
    -------
    ndarray of float64, (n_classes, n_classes)
        As of `decision.cost_matrix`.

    Raises
    ------
    ValueError
        If it names none.
    """
    if experiment.cost == "prior":
        return decision.prior_cost(class_counts)
    if experiment.cost not in COSTS:
        raise ValueError(f"{experiment.name} names no cost matrix; its cost is {experiment.cost}.")
    return COSTS[experiment.cost]()


def decided(
    experiment: Experiment, outputs: NDArray[Any], class_counts: NDArray[np.int64]
) -> NDArray[Any]:
    """Return outputs after the decision of an experiment, where it moves thresholds.

    Parameters
    ----------
    experiment : Experiment
    outputs : ndarray, (n, n_classes)
        They stay as they are if a number in them is not finite: the run has diverged.
    class_counts : ndarray of int, (n_classes,)
        As for `cost_matrix`.

    Raises
    ------
    ValueError
        As of `cost_matrix`.
    """
    if experiment.cost in (None, "tuned") or not np.isfinite(outputs).all():
        return outputs
    # `own.method_runs` corrects the prior by `decision.correct_prior`: the same but for the last
    # digits. Each stays as its records were made.
    moved = decision.move_thresholds(outputs, cost_matrix(experiment, class_counts))
    return moved.astype(outputs.dtype)


def source_of(experiment: Experiment, dataset: data.Dataset | None = None) -> data.Dataset:
    """Return the data set that an experiment's task is cut from: its own, or the one given.

    Parameters
    ----------
    experiment : Experiment
    dataset : Dataset, optional
        The task's own if not given.
    """
    return data.load(tasks.get(experiment.task).dataset) if dataset is None else dataset


def subset_of(experiment: Experiment, dataset: data.Dataset | None = None) -> data.Dataset:
    """Return the task of an experiment, cut out of its own data set or of the one given.

    Parameters
    ----------
    experiment : Experiment
    dataset : Dataset, optional
        The balanced data set that the task is cut from; the task's own if not given.
    """
    return data.task(experiment.task, source_of(experiment, dataset), experiment.draw)


def class_size(experiment: Experiment) -> str | None:
    """Return the size of every class after resampling: "max", of the largest before, or "min".

    None where classes keep their sizes.

    Parameters
    ----------
    experiment : Experiment
    """
    sizes = {"ros": "max", "smote": "max", "rus": "min"}
    return sizes.get((experiment.sampler or "").removesuffix("-as-published"))


def training_size(experiment: Experiment, dataset: data.Dataset | None = None) -> int:
    """Return how many images the networks of a run train on, without resampling them.

    Parameters
    ----------
    experiment : Experiment
    dataset : Dataset, optional
        The balanced data set that the task is cut from; the task's own if not given.

    Examples
    --------
    The digits have five classes of 120 images and five of 3:

    >>> plain = Experiment(name="digits/any", task="digits", method="Any")
    >>> samplers = (None, "ros", "rus")
    >>> [training_size(dataclasses.replace(plain, sampler=sampler)) for sampler in samplers]
    [615, 1200, 30]
    """
    cut = subset_of(experiment, dataset)
    counts = data.class_counts(cut.y_train, cut.n_classes)
    size = class_size(experiment)
    images = len(counts) * getattr(counts, size)() if size else counts.sum()
    return int(images) * (experiment.members or 1)


def training_set(experiment: Experiment, dataset: data.Dataset, seed: int) -> Images:
    """Return the images (uint8 or float, 0 to 255) and labels that the experiment trains on.

    Parameters
    ----------
    experiment : Experiment
    dataset : Dataset
        The balanced data set (MNIST, or a stand-in) that the task is cut from.
    seed : int
        Random state of the samplers; the as-published ones ignore it, since the thesis drew once.

    Raises
    ------
    ValueError
        If a sampler as published, which undoes the thesis's own order, meets another draw.
    """
    subset = subset_of(experiment, dataset)
    return resampled(experiment, (subset.x_train, subset.y_train), seed)


def resampled(experiment: Experiment, images: Images, seed: int) -> Images:
    """Return images as the sampler of an experiment leaves them (see `training_set`).

    Parameters
    ----------
    experiment : Experiment
    images : tuple of ndarray, (n, ...), (n,)
        With their labels.
    seed : int
        As for `training_set`.

    Raises
    ------
    ValueError
        As for `training_set`.
    """
    if experiment.sampler in (None, "class-aware"):
        return images
    if experiment.draw is not None and experiment.sampler.endswith("-as-published"):
        raise ValueError(
            f"{experiment.sampler} belongs to the thesis's own draw; for draw {experiment.draw} "
            f"take {experiment.sampler.removesuffix('-as-published')}."
        )
    return SAMPLERS[experiment.sampler](images, seed)


def _at_most(most: int | None, images: Images, seed: int) -> Images:
    """Return a sample of the images where there are more of them."""
    x, y = images
    if most is None or len(x) <= most:
        return images
    drawn = np.random.default_rng(seed).choice(len(x), most, replace=False)
    return x[drawn], y[drawn]


def train(
    experiment: Experiment,
    seed: int,
    *,
    epochs: int | None = None,
    most_images: int | None = None,
    dataset: data.Dataset | None = None,
    precision: str = "float32",
    progress: bool = True,
    keep_probabilities: bool = False,
    on_epoch: Callable[[], None] = lambda: None,
) -> Run:
    """Train one network and measure it on its training set and on the whole test set.

    Parameters
    ----------
    experiment : Experiment
    seed : int
        Fixes the initial weights, the dropout, the order of the batches and the resampling.
    epochs : int, optional
        Instead of the experiment's own number.
    most_images : int, optional
        A larger training set is replaced by so many of its images, drawn with the seed; how many
        is in the run's ``provenance`` as "images".
    dataset : Dataset, optional
        The task's own if not given.
    precision : {"float32", "bfloat16"}
        What activations are computed in.
    progress : bool
        Show a bar over the epochs, in a terminal or a notebook.
    keep_probabilities : bool
        Keep the network's outputs on the test set.
    on_epoch : callable
        Called after each epoch.

    Returns
    -------
    Run
        With ``diverged=True`` and NaN measures if the loss became NaN or infinite.

    Raises
    ------
    ValueError, TypeError
        If epochs or most_images is no whole number from 1, the precision or a name in the
        experiment is unknown, a setting of it is out of its range, or the task does not fit the
        data set.

    Examples
    --------
    One epoch with 20 of the images, measured on all 540 test images:

    >>> experiment = Experiment(name="digits/ros", task="digits", method="ROS", sampler="ros")
    >>> run = train(experiment, seed=0, epochs=1, most_images=20, progress=False)
    >>> len(run.loss_curve), run.provenance["images"], int(np.sum(run.confusion))
    (1, 20, 540)
    """
    check_settings(experiment)
    epochs = arguments.whole("epochs", experiment.epochs if epochs is None else epochs, 1)
    if most_images is not None:
        most_images = arguments.whole("most_images", most_images, 1)
    source = source_of(experiment, dataset)
    subset = subset_of(experiment, source)
    x_test = data.to_unit(subset.x_test)
    started = time.perf_counter()
    found: list[stages.Fitted[Arrays]] = []
    outputs = []
    total = epochs * (experiment.members or 1)
    with progress_bar(total, shown=progress, desc=experiment.name) as bar:

        def tick() -> None:
            bar.update()
            on_epoch()

        for member in member_seeds(experiment, seed):
            set_up(member)
            whole = training_set(experiment, source, member)
            images = _at_most(most_images, whole, member)
            found.append(train_network(experiment, member, subset, images, epochs, precision, tick))
            outputs.append(found[-1].decided(x_test))
    seconds = time.perf_counter() - started
    counts = data.class_counts(subset.y_train, subset.n_classes)
    probabilities = decided(experiment, np.mean(outputs, axis=0), counts)
    first = found[0]
    digest = checksum(first.feed.unit, first.feed.labels, x_test, subset.y_test)
    origin = provenance(digest, source.name, precision)
    if first.tau is not None:
        origin["tau"] = first.tau
    if len(images[0]) < len(whole[0]):
        origin["images"] = len(images[0])
    fits = [f.train_accuracy() for f in found]
    diverged = not (np.isfinite(fits).all() and np.isfinite(probabilities).all())
    return measured(
        experiment,
        seed,
        y_test=subset.y_test,
        probabilities=probabilities,
        train_accuracy=math.nan if diverged else float(np.mean(fits)),
        curves=first.curves,
        seconds=seconds,
        provenance=origin,
        keep_probabilities=keep_probabilities,
    )


def member_seeds(experiment: Experiment, seed: int) -> list[int]:
    """Return the seeds of the networks of a run: its own, and one for each further member.

    Parameters
    ----------
    experiment : Experiment
    seed : int
        Of the run.
    """
    return [seed, *((seed + 100_000 * k) % 2**32 for k in range(1, experiment.members or 1))]


def train_network(
    experiment: Experiment,
    seed: int,
    subset: data.Dataset,
    images: Images,
    epochs: int,
    precision: str,
    tick: Callable[[], None],
) -> stages.Fitted[Arrays]:
    """Build the network of an experiment's task and train it on images in memory.

    Parameters
    ----------
    experiment : Experiment
    seed : int
    subset : Dataset
        The task; its class counts are those that losses are weighted by.
    images : tuple of ndarray
        What is trained on, as `training_set` returns it.
    epochs : int
    precision : {"float32", "bfloat16"}
    tick : callable
        Called after each epoch.
    """
    # The published weights come from the counts of the imbalanced set, also after resampling.
    counts = data.class_counts(subset.y_train, subset.n_classes)
    aware = experiment.sampler == "class-aware"
    feed = Arrays(*images, counts, experiment.batch_size, aware)
    shape = (*images[0].shape[1:], 1)[:3]
    build = model.BUILDERS[tasks.get(experiment.task).network]
    with layers_in(precision):
        network = build(subset.n_classes, shape, dropout=experiment.dropout, seed=seed, fast=True)
    return stages.train_network(experiment, seed, network, feed, epochs, tick)


def measured(
    experiment: Experiment,
    seed: int,
    *,
    y_test: NDArray[np.int64],
    probabilities: NDArray[np.float32],
    train_accuracy: float,
    curves: tuple[tuple[float, ...], tuple[float, ...]],
    seconds: float,
    provenance: Mapping[str, Any],
    keep_probabilities: bool = False,
) -> Run:
    """Turn a network's outputs on the test set into a run.

    Parameters
    ----------
    experiment : Experiment
    seed : int
    y_test : ndarray of int64, (n_test,)
    probabilities : ndarray of float32, (n_test, n_classes)
        The outputs; a run with one that is not finite has diverged.
    train_accuracy, curves, seconds, provenance
        As for `of_confusion`.
    keep_probabilities : bool
        Whether the run keeps them.
    """
    finite = bool(np.isfinite(probabilities).all())
    y_pred = np.nan_to_num(probabilities).argmax(1)
    return of_confusion(
        experiment,
        seed,
        metrics.confusion(y_test, y_pred, probabilities.shape[1]),
        diverged=not finite,
        train_accuracy=train_accuracy,
        curves=curves,
        seconds=seconds,
        provenance=provenance,
        probabilities=probabilities if keep_probabilities else None,
    )


def of_confusion(
    experiment: Experiment,
    seed: int,
    confusion: NDArray[np.int64],
    *,
    diverged: bool,
    train_accuracy: float,
    curves: stages.Curves,
    seconds: float,
    provenance: Mapping[str, Any],
    probabilities: NDArray[np.float32] | None = None,
) -> Run:
    """Turn a confusion matrix on the test set into a run, without measures where it diverged.

    Parameters
    ----------
    experiment : Experiment
    seed : int
    confusion : ndarray of int64, (n_classes, n_classes)
        True classes as rows.
    diverged : bool
    train_accuracy : float
        In [0, 1], or NaN.
    curves : tuple of two tuples of float
        Of loss and accuracy, as `fitting.fit` returns them.
    seconds : float
        What training took.
    provenance : mapping
        As :func:`thesis_lib.engine.provenance.provenance` returns it.
    probabilities : ndarray of float32, (n_test, n_classes), optional
    """
    recall = np.full(len(confusion), np.nan) if diverged else metrics.recall_of(confusion)
    return Run(
        experiment=experiment,
        seed=seed,
        train_accuracy=train_accuracy,
        test_accuracy=math.nan if diverged else float(np.trace(confusion) / confusion.sum()),
        recall=tuple(recall.tolist()),
        confusion=tuple(map(tuple, confusion.tolist())),
        loss_curve=curves[0],
        accuracy_curve=curves[1],
        epochs=len(curves[0]),
        diverged=diverged,
        seconds=round(seconds, 2),
        provenance=dict(provenance),
        probabilities=probabilities,
    )


def with_moved_thresholds(run: Run, experiment: Experiment, subset: data.Dataset) -> Run:
    """Return the run of an experiment that moves the thresholds of an already trained network.

    Parameters
    ----------
    run : Run
        Of the base experiment, with its probabilities.
    experiment : Experiment
        Names its cost matrix in ``cost``.
    subset : Dataset
        The task that the network was trained on.

    Returns
    -------
    Run
        With probabilities; its training accuracy is NaN.

    Raises
    ------
    ValueError
        If the run has no probabilities, or the experiment no cost matrix.
    """
    if run.probabilities is None or experiment.cost is None:
        raise ValueError("Moving thresholds needs a run with probabilities and a cost matrix.")
    counts = data.class_counts(subset.y_train, subset.n_classes)
    return measured(
        experiment,
        run.seed,
        y_test=subset.y_test,
        probabilities=decided(experiment, run.probabilities, counts),
        train_accuracy=math.nan,
        curves=(run.loss_curve, run.accuracy_curve),
        seconds=run.seconds,
        provenance=run.provenance,
        keep_probabilities=True,
    )


def _resampled(images: Images, method: str, seed: int) -> Images:
    result = resampling.resample(*images, method, random_state=seed)
    return result.x, result.y


def _as_published(images: Images, sampler: Callable[..., Any]) -> Images:
    """Undo the training order, since the appendix resamples the list that is sorted by class."""
    x, y = images
    order = np.random.RandomState(10).choice(len(y), len(y), replace=False)
    x_by_class, y_by_class = np.empty_like(x), np.empty_like(y)
    x_by_class[order], y_by_class[order] = x, y
    result = sampler(x_by_class, y_by_class)
    return result.x, result.y
