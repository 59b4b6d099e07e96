"""Train one experiment with one seed: an :class:`Experiment` and a seed in, a :class:`Run` out."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from thesis_lib import (
    data,
    decision,
    metrics,
    mixing,
    model,
    resampling,
    tasks,
    two_stage,
)
from thesis_lib.fitting import fit, layers_in, set_up
from thesis_lib.progress import progress_bar
from thesis_lib.provenance import provenance

Images = tuple[NDArray[Any], NDArray[np.int64]]
# Images as they are, the same in [0, 1], and their labels.
Learnt = tuple[NDArray[Any], NDArray[np.float32], NDArray[np.int64]]

# Of the class-balanced loss and of deferred re-weighting, as in both papers.
BETA = 0.9999


@dataclasses.dataclass(frozen=True, kw_only=True)
class Experiment:
    """A task, a method and all hyperparameters: what one row of a published table stands for.

    Attributes
    ----------
    name : str
        ``task/method``, the key of the catalogue and the name of its file of records.
    task : str
        A key of ``tasks.TASKS``; the thesis's are ``"multiclass"`` and ``"binary"``.
    method : str
        The method's name as tables show it.
    sampler : str or None
        How the training images are resampled: a key of ``SAMPLERS``, or ``"class-aware"``, which
        draws the classes of each batch; None leaves them.
    loss : str
        A key of ``LOSSES``.
    gamma, minority_weight : float or None
        Focusing parameter and weight of the minority classes, for the losses that take them.
    learning_rate, epochs, batch_size, dropout
        As Keras means them; the defaults are the thesis's (section 7.1).
    cost : str or None
        A key of ``COSTS``, or ``"prior"`` for costs inverse to the sizes of the classes:
        thresholds are moved with this cost matrix after training. With ``"tuned"`` a fifth of the
        training images is held out, and decides how far the prior is corrected.
    change : str or None
        A key of ``CHANGES``: what happens to the images of each batch.
    second_stage : str or None
        What the last fifth of the epochs does: ``"deferred-weights"`` goes on with the weights of
        effective numbers (LDAM-DRW), ``"retrained-classifier"`` and ``"feature-smote"`` train the
        last layer anew on balanced features, which are left as they are.
    members : int or None
        Number of networks whose outputs are averaged, each with a sample and a seed of its own.
    draw : int or None
        Seed that the task's images are drawn with; None is the thesis's own draw.
    base : str or None
        The experiment whose networks are used, where only the decision differs.
    published : tuple of (table, row)
        Where the thesis prints the result.
    corrects : str or None
        The experiment of which this is the corrected twin.
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


LOSSES: dict[str, Callable[[Experiment, NDArray[np.int64]], Any]] = {
    # Keras's mean squared error also averages over the outputs; it is what the appendix compiles.
    "mse": lambda e, counts: "mean_squared_error",
    "cross-entropy": lambda e, counts: _losses().CategoricalCrossentropy(),
    "weighted-mse": lambda e, counts: _losses().WeightedMeanSquaredError(class_weight(e, counts)),
    "mfe": lambda e, counts: _losses().MeanFalseError(),
    "mfe-as-published": lambda e, counts: _losses().MeanFalseErrorAsPublished(counts),
    "msfe": lambda e, counts: _losses().MeanSquaredFalseError(),
    "msfe-as-published": lambda e, counts: _losses().MeanSquaredFalseErrorAsPublished(counts),
    "focal-as-published": lambda e, counts: _losses().FocalLossAsPublished(
        e.gamma or 0.0, class_weight=class_weight(e, counts)
    ),
    "focal": lambda e, counts: _losses().FocalLoss(e.gamma or 0.0, class_weight(e, counts)),
    "class-balanced": lambda e, counts: _modern().ClassBalancedLoss(counts, BETA),
    "balanced-softmax": lambda e, counts: _modern().BalancedSoftmax(counts),
    "ldam": lambda e, counts: _modern().LDAMLoss(counts),
    "soft-cross-entropy": lambda e, counts: _modern().SoftCrossentropy(),
}

# What happens to a batch: class counts to a function of images, one-hot labels and a generator.
CHANGES: dict[str, Callable[[NDArray[np.int64]], Callable[..., Any]]] = {
    "mixup": lambda counts: mixing.mixup,
    "remix": lambda counts: lambda x, y, rng: mixing.remix(x, y, rng, counts),
    "moved": lambda counts: lambda x, y, rng: (mixing.move(x, rng), y),
}

# The share of the training images that a tuned decision holds out.
_VALIDATION = 0.2

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


def cost_matrix(experiment: Experiment) -> NDArray[np.float64]:
    """Return the cost matrix that an experiment moves thresholds with.

    Raises
    ------
    ValueError
        If it names none.
    """
    if experiment.cost is None:
        raise ValueError(f"{experiment.name} names no cost matrix.")
    if experiment.cost == "prior":
        return decision.prior_cost(tasks.get(experiment.task).counts)
    return COSTS[experiment.cost]()


def source_of(experiment: Experiment, dataset: data.Dataset | None = None) -> data.Dataset:
    """Return the data set that an experiment's task is cut from: its own, or the one given."""
    return data.load(tasks.get(experiment.task).dataset) if dataset is None else dataset


def subset_of(experiment: Experiment, dataset: data.Dataset | None = None) -> data.Dataset:
    """Return the task of an experiment, cut out of its own data set or of the one given."""
    return data.task(experiment.task, source_of(experiment, dataset), experiment.draw)


def training_size(experiment: Experiment, dataset: data.Dataset | None = None) -> int:
    """Return how many images the networks of a run train on, without resampling them."""
    cut = subset_of(experiment, dataset)
    counts = data.class_counts(cut.y_train, cut.n_classes)
    sampler = (experiment.sampler or "none").removesuffix("-as-published")
    per_class = {"ros": counts.max(), "smote": counts.max(), "rus": counts.min()}
    images = len(counts) * per_class[sampler] if sampler in per_class else counts.sum()
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
    """Return images as the sampler of an experiment leaves them (see `training_set`)."""
    if experiment.sampler in (None, "class-aware"):
        return images
    if experiment.draw is not None and experiment.sampler.endswith("-as-published"):
        raise ValueError(
            f"{experiment.sampler} belongs to the thesis's own draw; for draw {experiment.draw} "
            f"take {experiment.sampler.removesuffix('-as-published')}."
        )
    return SAMPLERS[experiment.sampler](images, seed)


def train(
    experiment: Experiment,
    seed: int,
    *,
    epochs: int | None = None,
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
    dataset : Dataset, optional
        The task's own if not given.
    precision : {"float32", "bfloat16"}
        What activations are computed in.
    progress : bool
        Show a bar over the epochs, in a terminal only.
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
    ValueError
        If epochs is smaller than 1, the precision is unknown, or the task does not fit the data
        set.
    """
    epochs = experiment.epochs if epochs is None else epochs
    if epochs < 1:
        raise ValueError(f"epochs has to be at least 1; got {epochs}.")
    source = source_of(experiment, dataset)
    subset = subset_of(experiment, source)
    x_test = data.to_unit(subset.x_test)
    started = time.perf_counter()
    found, outputs = [], []
    total = epochs * (experiment.members or 1)
    with progress_bar(total, shown=progress, desc=experiment.name) as bar:

        def tick(epoch: int, logs: object) -> None:
            bar.update()
            on_epoch()

        for member in member_seeds(experiment, seed):
            set_up(member)
            images = training_set(experiment, source, member)
            found.append(train_network(experiment, member, subset, images, epochs, precision, tick))
            outputs.append(found[-1].decided(x_test))
    seconds = time.perf_counter() - started
    probabilities = np.mean(outputs, axis=0)
    if experiment.cost not in (None, "tuned"):
        probabilities = decision.move_thresholds(probabilities, cost_matrix(experiment))
    first = found[0]
    origin = provenance(first.x_train, first.y_train, x_test, subset.y_test, source.name, precision)
    if first.tau is not None:
        origin["tau"] = first.tau
    fits = [f.train_accuracy for f in found]
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
    """Return the seeds of the networks of a run: its own, and one for each further member."""
    return [seed, *((seed + 100_000 * k) % 2**32 for k in range(1, experiment.members or 1))]


@dataclasses.dataclass(frozen=True)
class Fitted:
    """A trained network of a run, and what it was trained on.

    ``tau`` says how far a tuned decision corrects the prior ``counts``; None where none is tuned.
    """

    network: Any
    curves: tuple[tuple[float, ...], tuple[float, ...]]
    x_train: NDArray[np.float32]
    y_train: NDArray[np.int64]
    train_accuracy: float
    counts: NDArray[np.int64]
    tau: float | None

    def decided(self, x: NDArray[np.float32]) -> NDArray[Any]:
        """Return the outputs on images, with the prior corrected where that was tuned."""
        outputs: NDArray[Any] = self.network.predict(x, batch_size=1000, verbose=0)
        if self.tau is None or not np.isfinite(outputs).all():
            return outputs
        return decision.correct_prior(outputs, self.counts, tau=self.tau)


def train_network(
    experiment: Experiment,
    seed: int,
    subset: data.Dataset,
    images: Images,
    epochs: int,
    precision: str,
    tick: Callable[[int, object], None],
) -> Fitted:
    """Train one network through its one or two stages.

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
        Called after each epoch with its number and logs.
    """
    # The published weights come from the counts of the imbalanced set, also after resampling.
    counts = data.class_counts(subset.y_train, subset.n_classes)
    held_out: Images | None = None
    if experiment.cost == "tuned":
        images, held_out = split(images, seed)
        counts = data.class_counts(images[1], subset.n_classes)
    x_raw, y_train = images
    x_train = data.to_unit(x_raw)
    learnt = (x_raw, x_train, y_train)
    build = model.BUILDERS[tasks.get(experiment.task).network]
    with layers_in(precision):
        network = build(
            subset.n_classes, x_train.shape[1:], dropout=experiment.dropout, seed=seed, fast=True
        )
    staged = experiment.second_stage is not None
    curves = _stage(
        experiment,
        seed,
        network,
        LOSSES[experiment.loss](experiment, counts),
        learnt,
        counts,
        two_stage.first_epochs(epochs) if staged else epochs,
        tick,
    )
    if staged and math.isfinite(curves[0][-1]):
        left = epochs - len(curves[0])
        more = _second_stage(experiment, seed, network, learnt, counts, left, tick)
        curves = (curves[0] + more[0], curves[1] + more[1])
    fitted = network.predict(x_train, batch_size=1000, verbose=0)
    finite = bool(np.isfinite(fitted).all())
    accuracy = float((fitted.argmax(1) == y_train).mean()) if finite else math.nan
    tau = None
    if held_out is not None and finite:
        outputs = network.predict(data.to_unit(held_out[0]), batch_size=1000, verbose=0)
        tau = decision.tune_tau(outputs, held_out[1], counts)
    return Fitted(network, curves, x_train, y_train, accuracy, counts, tau)


def _stage(
    experiment: Experiment,
    seed: int,
    network: Any,
    loss: Any,
    images: Learnt,
    counts: NDArray[np.int64],
    epochs: int,
    tick: Callable[[int, object], None],
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Fit a network to images, as whole arrays or batch by batch."""
    import keras

    x_raw, x_train, y_train = images
    x: Any = x_train
    y: Any = np.eye(len(counts), dtype=np.float32)[y_train]
    batch_size: int | None = experiment.batch_size
    if experiment.sampler == "class-aware" or experiment.change is not None:
        from thesis_lib import batches

        x = batches.of(
            "class-aware" if experiment.sampler == "class-aware" else None,
            x_raw,
            y_train,
            seed=seed,
            scale=255.0,
            n_classes=len(counts),
            batch_size=experiment.batch_size,
            change=CHANGES[experiment.change](counts) if experiment.change else None,
        )
        y, batch_size = None, None
    return fit(
        network,
        loss,
        keras.optimizers.SGD(experiment.learning_rate),
        x,
        y,
        batch_size=batch_size,
        epochs=epochs,
        on_epoch_end=tick,
    )


def _second_stage(
    experiment: Experiment,
    seed: int,
    network: Any,
    images: Learnt,
    counts: NDArray[np.int64],
    epochs: int,
    tick: Callable[[int, object], None],
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Go on with weights, or train the last layer anew on balanced features."""
    import keras

    if experiment.second_stage == "deferred-weights":
        weights = _modern().effective_number_weights(counts, BETA)
        loss = _modern().LDAMLoss(counts, class_weight=weights)
        return _stage(experiment, seed, network, loss, images, counts, epochs, tick)
    _, x_train, y_train = images
    found = two_stage.features(network, x_train)
    x, y = two_stage.balanced_features(found, y_train, str(experiment.second_stage), seed)
    classifier = two_stage.new_classifier(network, seed)
    curves = fit(
        classifier,
        _losses().CategoricalCrossentropy(),
        keras.optimizers.SGD(experiment.learning_rate),
        x,
        np.eye(len(counts), dtype=np.float32)[y],
        batch_size=experiment.batch_size,
        epochs=epochs,
        on_epoch_end=tick,
    )
    two_stage.put_in(classifier, network)
    return curves


def split(images: Images, seed: int) -> tuple[Images, Images]:
    """Return the images to train on and those to tune with."""
    x, y = images
    kept, out = data.stratified_split(y, _VALIDATION, seed)
    shuffled = np.random.default_rng(seed).permutation(kept)
    return (x[shuffled], y[shuffled]), (x[out], y[out])


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
    """Turn a network's outputs on the test set (n_test, n_classes) into a run."""
    n_classes = probabilities.shape[1]
    diverged = not np.isfinite(probabilities).all()
    y_pred = np.nan_to_num(probabilities).argmax(1)
    recall = metrics.recall_per_class(y_test, y_pred, n_classes)
    confusion = metrics.confusion(y_test, y_pred, n_classes)
    return Run(
        experiment=experiment,
        seed=seed,
        train_accuracy=train_accuracy,
        test_accuracy=math.nan if diverged else float((y_pred == y_test).mean()),
        recall=tuple(math.nan if diverged else float(r) for r in recall),
        confusion=tuple(tuple(int(n) for n in row) for row in confusion),
        loss_curve=curves[0],
        accuracy_curve=curves[1],
        epochs=len(curves[0]),
        diverged=bool(diverged),
        seconds=round(seconds, 2),
        provenance=dict(provenance),
        probabilities=probabilities if keep_probabilities else None,
    )


def with_moved_thresholds(run: Run, experiment: Experiment, y_test: NDArray[np.int64]) -> Run:
    """Return the run of an experiment that moves the thresholds of an already trained network.

    Parameters
    ----------
    run : Run
        Of the base experiment, with its probabilities.
    experiment : Experiment
        Names its cost matrix in ``cost``.
    y_test : ndarray of shape (n_test,)
    """
    if run.probabilities is None or experiment.cost is None:
        raise ValueError("Moving thresholds needs a run with probabilities and a cost matrix.")
    moved = run.probabilities
    if np.isfinite(moved).all():
        moved = decision.move_thresholds(moved, cost_matrix(experiment)).astype(np.float32)
    return measured(
        experiment,
        run.seed,
        y_test=y_test,
        probabilities=moved,
        train_accuracy=math.nan,
        curves=(run.loss_curve, run.accuracy_curve),
        seconds=run.seconds,
        provenance=run.provenance,
        keep_probabilities=True,
    )


def class_weight(experiment: Experiment, counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the weights of the classes that an experiment's loss takes.

    Parameters
    ----------
    experiment : Experiment
    counts : ndarray of int, (n_classes,)
        Sizes of the classes in the training set, before resampling.

    Returns
    -------
    ndarray, (n_classes,)
        The minority classes have the experiment's weight and the others 1; without such a weight
        every class has n / (C n_c), scikit-learn's "balanced", and for the class-balanced loss the
        weight of its effective number.
    """
    if experiment.loss == "class-balanced":
        return np.asarray(_modern().effective_number_weights(counts, BETA), dtype=np.float64)
    if experiment.minority_weight is None:
        return np.asarray(counts.sum() / (len(counts) * counts), dtype=np.float64)
    weight = np.ones(len(counts))
    weight[list(tasks.get(experiment.task).minority)] = experiment.minority_weight
    return weight


def _modern() -> ModuleType:
    from thesis_lib import modern_losses

    return modern_losses


def _losses() -> ModuleType:
    """Import the losses late: they need Keras, which takes seconds to start."""
    from thesis_lib import losses

    return losses


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
