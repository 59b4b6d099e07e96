"""One method trained on images of your own, to classify others: `fit`."""

from __future__ import annotations

import dataclasses
import math
import warnings
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from thesis_lib import (
    arguments,
    choices,
    image_sets,
    model,
    own_labels,
    own_methods,
    own_runs,
    quiet,
    stages,
)
from thesis_lib.comparison import checked_settings
from thesis_lib.progress import progress_bar
from thesis_lib.training import Experiment

Array = NDArray[Any]


@dataclasses.dataclass(frozen=True, repr=False)
class TrainedMethod:
    """What `fit` trained: it classifies as `thesis_lib.compare` did to measure the method.

    Attributes
    ----------
    classes_ : ndarray, (n_classes,)
        The labels as they were given, in the order of the columns of `predict_proba`.
    scale : float
        The value of a white pixel in the training images.
    """

    classes_: Array
    scale: float
    _experiment: Experiment
    _counts: NDArray[np.int64]
    _fitted: list[stages.Fitted[Any]]

    def __repr__(self) -> str:
        return f"<{self._experiment.method}, trained on {self._counts.sum():,} images>"

    @property
    def networks(self) -> list[Any]:
        """One Keras model, or the members of an ensemble, to be saved by Keras.

        They take pixels from 0 to 1, and know nothing of a decision that the method has, such as
        prior correction.
        """
        return [one.network for one in self._fitted]

    def predict_proba(self, x: ArrayLike) -> NDArray[np.float64]:
        """Return the probability of each class for each image, after the method's decision.

        Parameters
        ----------
        x : array_like, (n, height, width) or (n, height, width, channels)
            Images of the size and on the scale of those that were trained on.

        Returns
        -------
        ndarray, (n, n_classes)

        Raises
        ------
        ValueError
            If they are no such images.
        """
        images = image_sets.more(x, self.networks[0].input_shape[1:], self.scale)
        found = own_runs.outputs(self._fitted, images, self.scale)
        decided = [own_runs.decided(self._experiment, o, self._counts) for o in found]
        return np.concatenate(decided).astype(np.float64)

    def predict(self, x: ArrayLike) -> Array:
        """Return the likeliest label of each image.

        Parameters
        ----------
        x : array_like
            As for `predict_proba`.

        Returns
        -------
        ndarray, (n,)
            Of `classes_`.

        Raises
        ------
        ValueError
            As for `predict_proba`.
        """
        chosen: Array = self.classes_[self.predict_proba(x).argmax(1)]
        return chosen


def fit(
    x: ArrayLike,
    y: ArrayLike,
    *,
    method: str,
    seed: int = 1,
    epochs: int = 20,
    batch_size: int = 32,
    learning_rate: float = 0.001,
    progress: bool = True,
) -> TrainedMethod:
    """Train one method on all images given, as `thesis_lib.compare` does with one seed.

    Parameters
    ----------
    x, y : array_like
        Images and labels, as `thesis_lib.compare` takes those to train on.
    method : str
        A key of ``own_methods.METHODS``.
    seed, epochs, batch_size, learning_rate
        With those of a comparison, and its training set, these are its networks.
    progress : bool
        Show a bar, in a terminal or a notebook.

    Returns
    -------
    TrainedMethod

    Raises
    ------
    ValueError, TypeError
        If the data or the settings are not as above, or the method cannot be trained on them.
    RuntimeError
        If training diverged.

    Examples
    --------
    >>> from thesis_lib import fit, tiles
    >>> x, y = tiles.draw({"whole": 40, "stain": 4}, seed=1)
    >>> trained = fit(x, y, method="prior-correction", epochs=1, progress=False)
    >>> trained.classes_.tolist(), trained.predict_proba(x[:3]).shape
    (['stain', 'whole'], (3, 2))
    """
    choices.checked("method", [method], tuple(own_methods.METHODS))
    seed = arguments.whole("seed", seed, 0, 2**32 - 1)
    experiment = own_methods.experiment(
        method, **checked_settings(epochs, batch_size, learning_rate)
    )
    sets = image_sets.alone(x, y)
    if reason := own_methods.obstacle(experiment, sets):
        raise ValueError(f"{method} cannot be trained on these images: {reason}.")
    if dark := image_sets.dark_note(sets):
        warnings.warn(f"{dark}.", stacklevel=2)
    quiet.import_keras()
    images = own_runs.images_of(experiment, sets)
    with progress_bar(images, shown=progress, unit="image", unit_scale=True) as bar:
        fitted = own_runs.networks(experiment, sets, seed, bar.update)
    if not all(math.isfinite(one.curves[0][-1]) for one in fitted):
        raise RuntimeError("Training diverged; try a lower learning rate.")
    classes = np.unique(own_labels.read("y", y))
    kept = [_kept(one, sets) for one in fitted]
    return TrainedMethod(classes, sets.scale, experiment, sets.counts, kept)


@dataclasses.dataclass(frozen=True)
class _Counts:
    """What a decision still asks of the images that were trained on."""

    counts: NDArray[np.int64]


def _kept(fitted: stages.Fitted[Any], sets: image_sets.ImageSets) -> stages.Fitted[Any]:
    """Let the images go; put the weights into Keras's own layers, which load everywhere."""
    network = model.build_cnn(len(sets.classes), sets.input_shape)
    network.set_weights(fitted.network.get_weights())
    return dataclasses.replace(fitted, network=network, feed=_Counts(fitted.feed.counts))
