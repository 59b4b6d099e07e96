"""Second stages of training: a classifier of its own on the features of a finished network."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from thesis_lib import arguments, resampling

SHARE = 0.2
"""The share of all epochs that a second stage has, as in Cao et al. 2019."""

# How the features are balanced, by the name of the stage.
SAMPLERS = {"retrained-classifier": "ros", "feature-smote": "smote"}


def first_epochs(epochs: int) -> int:
    """Return how many of the epochs the first stage has: four fifths, and at least one.

    Parameters
    ----------
    epochs : int
        Of both stages, at least 2.

    Raises
    ------
    ValueError, TypeError
        If epochs is no whole number from 2.
    """
    epochs = arguments.whole("epochs", epochs, 2)
    return epochs - max(1, round(SHARE * epochs))


def features(network: Any, x: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return what the last dense layer gets, without dropout, (n, n_features).

    Parameters
    ----------
    network : keras.Model
        As for `last_dense`.
    x : ndarray of float32, (n, height, width, channels)

    Examples
    --------
    Where nothing comes before the last dense layer but ``Flatten``, the features are the pixels:

    >>> import keras
    >>> layers = [keras.layers.Flatten(), keras.layers.Dense(3, activation="softmax")]
    >>> network = keras.Sequential([keras.Input((2, 2, 1)), *layers])
    >>> features(network, np.arange(8, dtype=np.float32).reshape(2, 2, 2, 1)).tolist()
    [[0.0, 1.0, 2.0, 3.0], [4.0, 5.0, 6.0, 7.0]]
    """
    return np.asarray(extractor(network).predict(x, batch_size=1000, verbose=0), dtype=np.float32)


def last_dense(network: Any) -> Any:
    """Return the layer that computes the logits.

    Parameters
    ----------
    network : keras.Model
        Its last layer is dense, with softmax as its activation, or softmax after a dense layer, as
        in :mod:`thesis_lib.model`.
    """
    import keras

    layers = network.layers
    alone = isinstance(layers[-1], keras.layers.Dense) or len(layers) < 2
    return layers[-1 if alone else -2]


def extractor(network: Any) -> Any:
    """Return the network without its logits and softmax: images in, `features` out.

    Parameters
    ----------
    network : keras.Model
        As for `last_dense`.
    """
    import keras

    return keras.Model(network.inputs, last_dense(network).input)


def balanced_features(
    found: NDArray[np.float32], y: NDArray[np.int64], stage: str, seed: int
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Balance features: repeat them (Kang et al. 2020), or interpolate (DeVries and Taylor 2017).

    Interpolating is SMOTE in feature space: new points lie between the features of two images of a
    class, where an image between the two would look like neither.

    Parameters
    ----------
    found : ndarray of float32, (n, n_features)
    y : ndarray of int64, (n,)
    stage : {"retrained-classifier", "feature-smote"}
    seed : int

    Returns
    -------
    x, y : ndarray of float32 and of int64, (m, n_features), (m,)
        Shuffled; every class of the same size.

    Raises
    ------
    ValueError
        If the stage is unknown, or as :func:`thesis_lib.resampling.resample`.

    Examples
    --------
    Four of class 1 get a fifth, between two of them:

    >>> found = np.array([[0], [0], [0], [0], [0], [1], [2], [3], [4]], np.float32)
    >>> x, y = balanced_features(found, np.repeat([0, 1], [5, 4]), "feature-smote", seed=0)
    >>> [new] = np.setdiff1d(x, found)
    >>> x.shape, np.bincount(y).tolist(), bool(1 < new < 4)
    ((10, 1), [5, 5], True)
    """
    arguments.one_of("stage", stage, SAMPLERS)
    result = resampling.resample(found, y, SAMPLERS[stage], random_state=seed)
    return result.x, result.y


def new_classifier(network: Any, seed: int) -> Any:
    """Return a fresh last layer with softmax, on features instead of images; not yet compiled.

    Parameters
    ----------
    network : keras.Model
        As for `last_dense`; it gives the number of features and classes.
    seed : int
        Fixes the initial weights.
    """
    import keras
    from keras import layers

    logits = last_dense(network)
    return keras.Sequential(
        [
            keras.Input((logits.input.shape[-1],)),
            layers.Dense(
                logits.units, kernel_initializer=keras.initializers.GlorotUniform(seed=seed)
            ),
            layers.Activation("softmax", dtype="float32"),
        ]
    )


def put_in(classifier: Any, network: Any) -> None:
    """Give the network's last layer the weights of a trained classifier.

    Parameters
    ----------
    classifier : keras.Model
        Of `new_classifier`.
    network : keras.Model
        As for `last_dense`; changed in place.

    Examples
    --------
    The whole second stage; what the classifier says of features, the network then says of images:

    >>> from thesis_lib import model
    >>> network, x = model.build_cnn(2, (8, 8, 1)), np.random.default_rng(0).random((4, 8, 8, 1))
    >>> found, classifier = features(network, x), new_classifier(network, seed=1)
    >>> classifier.compile("sgd", "sparse_categorical_crossentropy")
    >>> curves = classifier.fit(found, np.array([0, 0, 1, 1]), verbose=0)
    >>> put_in(classifier, network)
    >>> np.allclose(network(x), classifier(found), atol=1e-6)
    True
    """
    last_dense(network).set_weights(classifier.layers[0].get_weights())
