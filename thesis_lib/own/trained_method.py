"""One method trained on images of your own, to classify others: `fit`, and `load` what it saved."""

from __future__ import annotations

import dataclasses
import json
import math
import tempfile
import warnings
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from thesis_lib import arguments, backend, decision, durable, two_stage
from thesis_lib.engine import feeds, stages
from thesis_lib.own import builders, class_labels, image_sets, method_runs, offered
from thesis_lib.own import costs as own_costs
from thesis_lib.own.builders import Builder, Network
from thesis_lib.own.comparison import checked_settings
from thesis_lib.own.costs import Costs, Prior
from thesis_lib.progress import progress_bar
from thesis_lib.training import Experiment

Array = NDArray[Any]
Floats = NDArray[np.float64]

_FACTS = "thesis_lib.json"  # beside Keras's own files in the archive that a .keras file is


@dataclasses.dataclass(frozen=True, repr=False)
class TrainedMethod:
    """What `fit` trained: it classifies as `thesis_lib.compare` did to measure the method.

    Attributes
    ----------
    classes_ : ndarray, (n_classes,)
        The labels as they were given, in the order of the columns of `predict_proba`.
    scale : float
        The value of a white pixel, as given to `fit` or told from the training images; `predict`
        divides by it.
    method : str
        Its key in ``thesis_lib.own.offered.METHODS``.
    class_counts : ndarray of int, (n_classes,)
        How many images of each class it was trained on.
    network : keras.Model
        All of it in Keras's own layers: the scale of the pixels, the members of an ensemble, and
        the decision, such as prior correction. It takes what `predict_proba` takes, with an axis
        for the channels, and returns the same.
    loss_curve, accuracy_curve : tuple of float
        Training loss, and share of right predictions, of each epoch: means over the images of its
        batches, each as the network was when they came. Of an ensemble those of its first network;
        empty if read from a file that was saved without them.
    dtype : str
        The type of the training pixels, as NumPy names it: whether files of integers are on their
        scale. "" if read from a file that was saved without it.

    Examples
    --------
    Oversampling shows images again; counted are those that were given:

    >>> from thesis_lib import fit, tiles
    >>> x, y = tiles.draw({"whole": 40, "stain": 4}, random_state=1)
    >>> trained = fit(x, y, method="ros", epochs=2, progress=False)
    >>> trained.class_counts.tolist(), trained.scale, len(trained.loss_curve)
    ([4, 40], 255.0, 2)
    """

    classes_: Array
    scale: float
    method: str
    class_counts: NDArray[np.int64]
    network: Any
    loss_curve: tuple[float, ...] = ()
    accuracy_curve: tuple[float, ...] = ()
    dtype: str = ""

    def __repr__(self) -> str:
        return f"<{offered.LABELS[self.method]}, trained on {self.class_counts.sum():,} images>"

    def predict_proba(self, x: ArrayLike, *, prior: Prior | None = None) -> Floats:
        """Return the probability of each class for each image, after the method's decision.

        Parameters
        ----------
        x : array_like, (n, height, width) or (n, height, width, channels)
            Images of the size and on the scale of those that were trained on.
        prior : mapping of class to float, or array_like, (n_classes,), optional
            How often each class occurs where the images are from, shares or counts: by the names
            of the classes, as `costs.prior_of` reads them, ``{"whole": 99, "stain": 1}``, or in the
            order of `classes_`. Without, the outputs are probabilities where all classes are
            equally frequent if the method makes them so in training or afterwards (as ROS and prior
            correction do), and where they are as frequent as in training if it does not.

        Returns
        -------
        ndarray, (n, n_classes)

        Raises
        ------
        ValueError
            If they are no such images or shares; with a prior, also if the method's outputs are no
            probabilities, as those of a focal loss.

        Examples
        --------
        Oversampling made the classes equally frequent, and this network cannot tell them apart:
        where 99 of 100 are whole, each image is whole with that probability.

        >>> import keras
        >>> last = keras.layers.Dense(2, activation="softmax", kernel_initializer="zeros")
        >>> network = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Flatten(), last])
        >>> names, counts = np.array(["stain", "whole"]), np.array([4, 40])
        >>> trained = TrainedMethod(names, 255.0, "ros", counts, network)
        >>> x = np.zeros((1, 8, 8), np.uint8)
        >>> trained.predict_proba(x).tolist()
        [[0.5, 0.5]]
        >>> trained.predict_proba(x, prior={"stain": 1, "whole": 99}).round(3).tolist()
        [[0.01, 0.99]]
        """
        assumed = None
        if prior is not None:
            assumed = offered.prior(self.method, self.class_counts)
            prior = own_costs.prior_of(prior, self.classes_)
        images = image_sets.more(x, self.network.input_shape[1:], self.scale)
        found = [self.network.predict_on_batch(piece) for piece in feeds.pieces(images, 1.0)]
        outputs = np.concatenate(found).astype(np.float64)
        return outputs if assumed is None else decision.correct_prior(outputs, assumed, prior)

    def predict(
        self, x: ArrayLike, *, costs: Costs | None = None, prior: Prior | None = None
    ) -> Array:
        """Return the likeliest label of each image or, given costs, the one that costs least.

        Parameters
        ----------
        x : array_like
            As for `predict_proba`.
        costs : mapping of (true, predicted) to float, optional
            Of single mistakes, as `costs.matrix` takes them: ``{("stain", "whole"): 50}``.
        prior : mapping or array_like, (n_classes,), optional
            As for `predict_proba`; with costs, as in training if not given.

        Returns
        -------
        ndarray, (n,)
            Of `classes_`.

        Raises
        ------
        ValueError, TypeError
            As for `predict_proba` with a prior, and for `costs.matrix`.

        Notes
        -----
        The costs are weighed by the outputs: what they are worth depends on how well these are
        calibrated, which no training on few images promises.

        Examples
        --------
        With equal probabilities of both classes, "whole" costs 50 / 2 on average and "stain" 1 / 2;
        where 99 of 100 are whole, 50 / 100 and 99 / 100:

        >>> import keras
        >>> last = keras.layers.Dense(2, activation="softmax", kernel_initializer="zeros")
        >>> network = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Flatten(), last])
        >>> names, counts = np.array(["stain", "whole"]), np.array([4, 40])
        >>> trained = TrainedMethod(names, 255.0, "ros", counts, network)
        >>> x, costs = np.zeros((1, 8, 8), np.uint8), {("stain", "whole"): 50}
        >>> trained.predict(x, costs=costs, prior={"stain": 1, "whole": 1}).tolist()
        ['stain']
        >>> trained.predict(x, costs=costs, prior={"stain": 1, "whole": 99}).tolist()
        ['whole']
        """
        found: Array = self.classes_[self.decide(x, costs=costs, prior=prior)[1]]
        return found

    def decide(
        self, x: ArrayLike, *, costs: Costs | None = None, prior: Prior | None = None
    ) -> tuple[Floats, NDArray[np.int64]]:
        """Return the probabilities that `predict` goes by, and the numbers of the classes it takes.

        Parameters
        ----------
        x, costs, prior
            As for `predict`.

        Returns
        -------
        probabilities : ndarray, (n, n_classes)
        numbers : ndarray, (n,)

        Raises
        ------
        ValueError, TypeError
            As for `predict`.
        """
        matrix = own_costs.matrix({} if costs is None else costs, self.classes_)
        if costs is not None and prior is None:
            prior = self.class_counts
        outputs = self.predict_proba(x, prior=prior)
        # Where all mistakes cost the same, the likeliest class costs least.
        return outputs, decision.least_cost(outputs, matrix)

    def save(self, path: str | Path) -> Path:
        """Write one file, which `load` reads, and Keras alone as well; return its path.

        Parameters
        ----------
        path : str or Path
            Ends in ``.keras``. Its folder is made where it is missing.

        Raises
        ------
        ValueError
            If it ends otherwise.
        OSError
            If it cannot be written.
        """
        path = check_path(path)
        facts = {
            "classes": self.classes_.tolist(),
            "scale": self.scale,
            "method": self.method,
            "class_counts": self.class_counts.tolist(),
            "loss_curve": self.loss_curve,
            "accuracy_curve": self.accuracy_curve,
            "dtype": self.dtype,
        }
        with tempfile.TemporaryDirectory() as folder, durable.replacing(path) as file:
            whole = Path(folder) / path.name
            self.network.save(whole)
            with zipfile.ZipFile(whole, "a") as archive:
                archive.writestr(_FACTS, json.dumps(facts))
            file.write(whole.read_bytes())
        return path


def check_path(path: str | Path) -> Path:
    """Return the path of a file to save to.

    Parameters
    ----------
    path : str or Path

    Raises
    ------
    ValueError
        If it does not end in ``.keras``, as Keras wants it.
    """
    path = Path(path)
    if path.suffix != ".keras":
        raise ValueError(f"{path.name} has to end in .keras.")
    return path


def load(path: str | Path) -> TrainedMethod:
    """Read what `TrainedMethod.save` has written. No code in the file is executed.

    Parameters
    ----------
    path : str or Path

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is no such file, or a folder.

    Examples
    --------
    >>> import tempfile
    >>> from thesis_lib import fit, load, tiles
    >>> x, y = tiles.draw({"whole": 40, "stain": 4}, random_state=1)
    >>> trained = fit(x, y, method="ros", epochs=1, progress=False)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     again = load(trained.save(f"{folder}/tiles.keras"))
    >>> again
    <Random oversampling, trained on 44 images>
    >>> bool((again.predict(x) == trained.predict(x)).all())
    True
    """
    path = Path(path)
    if path.is_dir():
        raise ValueError(
            f"{path} is a folder; load reads the file that TrainedMethod.save or fit-on has "
            f"written. To read images: {image_sets.READING}."
        )
    if not path.is_file():
        raise FileNotFoundError(f"There is no file {path}.")
    backend.start()
    import keras

    try:
        with zipfile.ZipFile(path) as archive:
            facts = json.loads(archive.read(_FACTS))
        facts["class_counts"] = np.array(facts["class_counts"])
        network = keras.saving.load_model(path, compile=False)
    except (zipfile.BadZipFile, KeyError, ValueError, OSError) as error:
        raise ValueError(
            f"{path.name} is no classifier that thesis_lib.fit(...).save(path) or "
            f"thesis-lib fit-on has written: {' '.join(str(error).split())[:100]}."
        ) from error
    except TypeError as error:  # Keras's, for a class that it does not know
        reason = str(error).split("Exception encountered: ")[-1].split(". ")[0]
        raise ValueError(
            f"Keras cannot rebuild the network in {path.name}: {reason}. Load a "
            "network with layers of your own in a block `with "
            "keras.saving.custom_object_scope({'MyLayer': MyLayer}):`, or decorate their classes "
            "with keras.saving.register_keras_serializable() before you train."
        ) from error
    facts["classes_"] = np.array(facts.pop("classes"))
    facts |= {key: tuple(facts.get(key, ())) for key in ("loss_curve", "accuracy_curve")}
    return TrainedMethod(**facts, network=network)


def fit(
    x: ArrayLike,
    y: ArrayLike,
    *,
    method: str,
    seed: int = 1,
    epochs: int = 20,
    batch_size: int = 32,
    learning_rate: float = 0.001,
    network: Builder | None = None,
    white: float | None = None,
    progress: bool = True,
) -> TrainedMethod:
    """Train one method on all images given, as `thesis_lib.compare` does with one seed.

    Parameters
    ----------
    x, y : array_like
        Images and labels, as `thesis_lib.compare` takes those to train on.
    method : str
        A key of ``thesis_lib.own.offered.METHODS``.
    seed, epochs, batch_size, learning_rate
        With those of a comparison, and its training set, these are its networks. Give `white` where
        pixels are integers above 255: the comparison's test set may have shown that it is brighter.
    network : callable, optional
        As `thesis_lib.compare` takes it.
    white : float, optional
        The value of a white pixel, the largest that a pixel can have, here and in all images that
        are classified later: 4095 with 12 bits. Told from the largest pixel of x if not given.
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
    >>> x, y = tiles.draw({"whole": 40, "stain": 4}, random_state=1)
    >>> trained = fit(x, y, method="prior-correction", epochs=1, progress=False)
    >>> trained.classes_.tolist(), trained.predict_proba(x[:3]).shape
    (['stain', 'whole'], (3, 2))
    """
    arguments.chosen("method", [method], tuple(offered.METHODS))
    seed = arguments.whole("seed", seed, 0, 2**32 - 1)
    experiment = offered.experiment(method, **checked_settings(epochs, batch_size, learning_rate))
    sets = image_sets.alone(x, y, white)
    own = builders.checked(network, sets)
    if reason := offered.obstacle(experiment, sets, own.n_features):
        raise ValueError(f"{method} cannot be trained on these images: {reason}.")
    if white is None and (dark := image_sets.dark_note(sets)):
        warnings.warn(f"{dark}.", stacklevel=2)
    backend.start()
    images = method_runs.images_of(experiment, sets)
    with progress_bar(images, shown=progress, unit="image", unit_scale=True) as bar:
        fitted = method_runs.networks(experiment, sets, own, seed, bar.update)
    if not all(math.isfinite(one.curves[0][-1]) for one in fitted):
        raise RuntimeError("Training diverged; try a lower learning rate.")
    classes = np.unique(class_labels.read("y", y))
    whole = _deployed(fitted, experiment, sets, own)
    found = (classes, sets.scale, method, sets.counts, whole, *fitted[0].curves)
    return TrainedMethod(*found, sets.x_train.dtype.name)


def _deployed(
    fitted: list[stages.Fitted[Any]],
    experiment: Experiment,
    sets: image_sets.ImageSets,
    own: Network,
) -> Any:
    """Return a network from pixels as they came to outputs as they were decided."""
    import keras

    pixels = keras.Input(sets.input_shape, name="pixels")
    scaled = keras.layers.Rescaling(1 / sets.scale)(pixels)
    members = []
    for number, one in enumerate(fitted):
        network = _decided(one, experiment, sets, own)
        network.name = f"network_{number}"
        members.append(network(scaled))
    outputs = keras.layers.Average()(members) if len(members) > 1 else members[0]
    return keras.Model(pixels, outputs, name="classifier")


def _decided(
    fitted: stages.Fitted[Any], experiment: Experiment, sets: image_sets.ImageSets, own: Network
) -> Any:
    """Put weights into layers that load everywhere, the correction of the prior among them.

    Outputs divided by the prior and normalised are a softmax of logits less the prior's logarithm.
    """
    # Built anew: neither with the library's fast layers nor with the loss that it was trained by.
    network = own.build(sets)
    network.set_weights(fitted.network.get_weights())
    last = two_stage.last_dense(network)
    kernel, bias = last.get_weights()
    tau = 1.0 if experiment.cost == "prior" else fitted.tau or 0.0
    counts = fitted.feed.counts  # of the images that it was trained on, without those held out
    last.set_weights([kernel, bias - tau * np.log(counts / counts.sum())])
    return network
