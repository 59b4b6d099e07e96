"""How one network is trained: by its loss, on its feed, through one stage or two."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from thesis_lib import decision, mixing, tasks, two_stage
from thesis_lib.engine import feeds, fitting

if TYPE_CHECKING:
    from thesis_lib.training import Experiment

Labels = NDArray[np.int64]
Curves = tuple[tuple[float, ...], tuple[float, ...]]
F = TypeVar("F", bound=feeds.Feed)

# Of the class-balanced loss and of deferred re-weighting, as in both papers.
_BETA = 0.9999

LOSSES: dict[str, Callable[[Experiment, Labels], Any]] = {
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
    "class-balanced": lambda e, counts: _modern().ClassBalancedLoss(counts, _BETA),
    "balanced-softmax": lambda e, counts: _modern().BalancedSoftmax(counts),
    "ldam": lambda e, counts: _modern().LDAMLoss(counts),
    # Mixed labels are shares of classes, which the same loss takes; records name it so.
    "soft-cross-entropy": lambda e, counts: _losses().CategoricalCrossentropy(),
}

# What happens to a batch: class counts to a function of images, one-hot labels and a generator.
CHANGES: dict[str, Callable[[Labels], Callable[..., Any]]] = {
    "mixup": lambda counts: mixing.mixup,
    "remix": lambda counts: lambda x, y, rng: mixing.remix(x, y, rng, counts),
    "moved": lambda counts: lambda x, y, rng: (mixing.move(x, rng), y),
}

# Keras's name of the optimiser that an experiment names; None is the thesis's.
OPTIMIZERS = {None: "SGD", "adam": "Adam"}


def class_weight(experiment: Experiment, counts: Labels) -> NDArray[np.float64]:
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
        return np.asarray(_modern().effective_number_weights(counts, _BETA), dtype=np.float64)
    if experiment.minority_weight is None:
        return np.asarray(counts.sum() / (len(counts) * counts), dtype=np.float64)
    weight = np.ones(len(counts))
    weight[list(minority(experiment.task, counts))] = experiment.minority_weight
    return weight


def minority(task: str, counts: Labels) -> tuple[int, ...]:
    """Return a task's minority classes; of other data those of a tenth of the largest, or less.

    Parameters
    ----------
    task : str
        A key of ``tasks.TASKS``, or another name for other data.
    counts : ndarray of int, (n_classes,)
        Sizes of the classes in the training set; they decide for other data only.
    """
    if task in tasks.TASKS:
        return tasks.get(task).minority
    return tasks.minority_of(counts.tolist(), int(counts.max()) // 10)


@dataclass(frozen=True)
class Fitted(Generic[F]):
    """A trained network, and what it was trained on.

    ``tau`` says how far a tuned decision corrects the prior; None where none is tuned.
    """

    network: Any
    curves: Curves
    feed: F
    tau: float | None

    def train_accuracy(self) -> float:
        """Return the share of right predictions on the training images; NaN where it diverged."""
        outputs = self.feed.outputs(self.network)
        if not np.isfinite(outputs).all():
            return math.nan
        return float((outputs.argmax(1) == self.feed.labels).mean())

    def decided(self, x: NDArray[np.float32]) -> NDArray[Any]:
        """Return the outputs on images, with the prior corrected where that was tuned.

        Parameters
        ----------
        x : ndarray of float32, (n, height, width, channels)
            In [0, 1].

        Returns
        -------
        ndarray, (n, n_classes)
        """
        return self.corrected(self.network.predict(x, batch_size=1000, verbose=0))

    def corrected(self, outputs: NDArray[Any]) -> NDArray[Any]:
        """Return outputs with the prior corrected where that was tuned.

        Parameters
        ----------
        outputs : ndarray, (n, n_classes)
            They stay as they are if one of them is not finite.
        """
        if self.tau is None or not np.isfinite(outputs).all():
            return outputs
        return decision.correct_prior(outputs, self.feed.counts, tau=self.tau)


def train_network(
    experiment: Experiment,
    seed: int,
    network: Any,
    feed: F,
    epochs: int,
    tick: Callable[[], None],
) -> Fitted[F]:
    """Train one network through its one or two stages.

    Parameters
    ----------
    experiment : Experiment
    seed : int
    network : keras.Model
        It ends as `two_stage.last_dense` says; trained in place.
    feed : Feed
    epochs : int
    tick : callable
        Called after each epoch.
    """
    held_out: F | None = None
    if experiment.cost == "tuned":
        feed, held_out = feed.split(seed)
    staged = experiment.second_stage is not None
    first = two_stage.first_epochs(epochs) if staged else epochs
    loss = LOSSES[experiment.loss](experiment, feed.counts)
    curves = _fit(experiment, seed, network, loss, feed, first, tick)
    if staged and math.isfinite(curves[0][-1]):
        more = _second_stage(experiment, seed, network, feed, epochs - len(curves[0]), tick)
        curves = (curves[0] + more[0], curves[1] + more[1])
    tau = None
    if held_out is not None:
        outputs = held_out.outputs(network)
        if np.isfinite(outputs).all():
            tau = decision.tune_tau(outputs, held_out.labels, feed.counts)
    return Fitted(network, curves, feed, tau)


def _fit(
    experiment: Experiment,
    seed: int,
    network: Any,
    loss: Any,
    feed: feeds.Feed,
    epochs: int,
    tick: Callable[[], None],
) -> Curves:
    change = CHANGES[experiment.change](feed.counts) if experiment.change else None
    batches = feed.batches(change, seed)
    optimizer = _optimizer(experiment)
    return fitting.fit(network, loss, optimizer, batches, epochs=epochs, on_epoch_end=tick)


def _second_stage(
    experiment: Experiment,
    seed: int,
    network: Any,
    feed: feeds.Feed,
    epochs: int,
    tick: Callable[[], None],
) -> Curves:
    """Go on with weights, or train the last layer anew on balanced features."""
    if experiment.second_stage == "deferred-weights":
        weights = _modern().effective_number_weights(feed.counts, _BETA)
        loss = _modern().LDAMLoss(feed.counts, class_weight=weights)
        return _fit(experiment, seed, network, loss, feed, epochs, tick)
    found = feed.outputs(two_stage.extractor(network))
    classifier = two_stage.new_classifier(network, seed)
    curves = fitting.fit(
        classifier,
        _losses().CategoricalCrossentropy(),
        _optimizer(experiment),
        feed.balanced(found, str(experiment.second_stage), seed),
        epochs=epochs,
        on_epoch_end=tick,
    )
    two_stage.put_in(classifier, network)
    return curves


def _optimizer(experiment: Experiment) -> Any:
    import keras

    return getattr(keras.optimizers, OPTIMIZERS[experiment.optimizer])(
        float(experiment.learning_rate)  # Keras refuses 1
    )


def _modern() -> ModuleType:
    from thesis_lib import modern_losses

    return modern_losses


def _losses() -> ModuleType:
    """Import the losses late: they need Keras, which takes seconds to start."""
    from thesis_lib import losses

    return losses
