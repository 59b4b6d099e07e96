"""The committed handwriting classifiers of the anomaly chapter, and how they were trained."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from thesis_lib import backend, data, model
from thesis_lib.engine import fitting
from thesis_lib.engine.provenance import checksum, provenance

WEIGHTS = Path(__file__).resolve().parents[2] / "weights"
LEARNING_RATE = 0.001
BATCH_SIZE = 100


def load(name: str = "handwriting") -> Any:
    """Load a trained classifier of ten digits.

    Parameters
    ----------
    name : {"handwriting", "handwriting-without-5-6", "handwriting-0-255"}
        The last takes pixels from 0 to 255, the others from 0 to 1.

    Returns
    -------
    keras.Model

    Raises
    ------
    ValueError
        If there are no such weights, or a byte of them is another one than training wrote.
    """
    path = WEIGHTS / f"{name}.weights.h5"
    if not path.is_file():
        found = sorted(p.name.removesuffix(".weights.h5") for p in WEIGHTS.glob("*.weights.h5"))
        raise ValueError(f"There are no weights {name!r}; there are {', '.join(found) or 'none'}.")
    if _sum(path) != measured(name)["sha256"]:
        raise ValueError(f"{path} is damaged (SHA-256 differs); restore it or train it again.")
    network = model.build_cnn()
    network.load_weights(path)
    return network


def measured(name: str = "handwriting") -> dict[str, Any]:
    """Return what training left beside the weights: accuracies, settings, provenance.

    Parameters
    ----------
    name : str
        As `load` takes it.

    Returns
    -------
    dict
        Among others "train_accuracy" and "test_accuracy" (in [0, 1]), "epochs", "seed",
        "provenance", and "sha256" of the file of weights.

    Raises
    ------
    FileNotFoundError
        If there is none of that name.
    """
    content: dict[str, Any] = json.loads((WEIGHTS / f"{name}.json").read_text())
    return content


def feature_extractor(network: Any) -> Any:
    """Return a model of the same layers that shows what the softmax is made from.

    Parameters
    ----------
    network : keras.Model
        Of :func:`thesis_lib.model.build_cnn`.

    Returns
    -------
    keras.Model
        Its ``predict`` gives features, (n, 200), the activations of the last hidden layer, and
        logits, (n, n_classes).
    """
    backend.start()
    import keras

    hidden, logits, _softmax = network.layers[-3:]
    return keras.Model(network.inputs, [hidden.output, logits.output])


def train(
    name: str,
    *,
    left_out: tuple[int, ...] = (),
    white: float = 1.0,
    epochs: int = 8,
    seed: int = 1,
) -> None:
    """Train a classifier on MNIST and write its weights and what was measured.

    The thesis does not say how its classifier was trained. This one is the CNN of section 7.1
    with cross-entropy, which appendix A.9 compiles, and Adam, which needs fewer epochs.

    Parameters
    ----------
    name : str
        Of the two files.
    left_out : tuple of int
        Classes whose images are left out of training; the network keeps ten outputs.
    white : float
        What a white pixel is scaled to: 1, or 255 for pixels as the files hold them.
    epochs, seed : int
    """
    backend.start()
    import keras

    fitting.set_up(seed)
    mnist = data.load("mnist")
    kept = ~np.isin(mnist.y_train, left_out)
    x, y = white * data.to_unit(mnist.x_train[kept]), mnist.y_train[kept]
    network = model.build_cnn(seed=seed)
    optimizer = keras.optimizers.Adam(LEARNING_RATE)
    network.compile(optimizer, "sparse_categorical_crossentropy")
    network.fit(x, y, batch_size=BATCH_SIZE, epochs=epochs, verbose=2)
    x_test = white * data.to_unit(mnist.x_test)
    report = {
        "left_out": list(left_out),
        "white": white,
        "epochs": epochs,
        "seed": seed,
        "optimizer": f"Adam, learning rate {LEARNING_RATE}",
        "train_accuracy": round(accuracy(network, x, y), 4),
        "test_accuracy": round(accuracy(network, x_test, mnist.y_test), 4),
        "provenance": provenance(checksum(x, y, x_test, mnist.y_test), "mnist"),
    }
    WEIGHTS.mkdir(exist_ok=True)
    # A bare copy, since a compiled network would save Adam's state too, twice the weights.
    bare = model.build_cnn()
    bare.set_weights(network.get_weights())
    path = WEIGHTS / f"{name}.weights.h5"
    bare.save_weights(path)
    report["sha256"] = _sum(path)
    (WEIGHTS / f"{name}.json").write_text(json.dumps(report, indent=1) + "\n")


def _sum(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def accuracy(network: Any, x: NDArray[np.float32], y: NDArray[np.int64]) -> float:
    """Return the share of images that a network names rightly.

    Parameters
    ----------
    network : keras.Model
    x : ndarray, (n, height, width, channels)
    y : ndarray, (n,)
    """
    predicted = network.predict(x, batch_size=1000, verbose=0).argmax(1)
    return float((predicted == y).mean())


if __name__ == "__main__":
    train("handwriting")
    train("handwriting-without-5-6", left_out=(5, 6))
    train("handwriting-0-255", white=255.0, epochs=3)
