"""Classifiers trained on, seed by seed, to the accuracy that the thesis names, and what they pass.

The committed classifier stops at eight epochs. These go on until they know their training images as
well as the thesis's does; what they make of the pictures is kept, their weights are not.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import pandas as pd

from thesis_lib import anomaly, arguments, backend, data, intervals, model
from thesis_lib.book import classifier
from thesis_lib.engine import fitting
from thesis_lib.engine.provenance import checksum, provenance
from thesis_lib.wording import counted

FILE = classifier.WEIGHTS / "retrained.json"
ACCURACY = 0.9998
"""Share of the training images that the thesis's classifier names rightly (section 5.3)."""
THRESHOLDS = (0.6, 0.8)
"""Confidences above which section 5.3 takes an input for a digit."""

# From epoch to epoch; at a constant rate the accuracy goes up and down below the thesis's.
_DECAY = 0.85
_MOST_EPOCHS = 60


def table() -> pd.DataFrame:
    """Return what was measured of each network.

    Returns
    -------
    DataFrame
        A row a seed: "Epochs"; in percent "Training" and "Test", the accuracies; for each of
        ``THRESHOLDS`` "Pictures over 0.6" and "Digits over 0.6", the shares of the channel pictures
        and of the test images whose confidence is above it. Empty where nothing was trained.
    """
    found = {row["seed"]: {"Epochs": row["epochs"], **row["percent"]} for row in _rows()}
    over = [f"{kind} over {cut}" for kind in ("Pictures", "Digits") for cut in THRESHOLDS]
    columns = ["Epochs", "Training", "Test", *over]
    frame = pd.DataFrame.from_dict(found, orient="index", columns=columns)
    return frame.rename_axis("Seed")


def said(column: str) -> str:
    """Say the mean over the networks with its 95 % interval, "6.6 ± 1.2 % (3 networks)".

    Parameters
    ----------
    column : str
        One of `table`.
    """
    values = table()[column]
    if values.empty:
        return "not measured yet"
    number = intervals.said_percentage(*intervals.t_interval(values), digits=1)
    return f"{number} % ({counted(len(values), 'network')})"


def train(seed: int, *, accuracy: float = ACCURACY) -> dict[str, Any]:
    """Train a classifier on MNIST until it knows its training images, and measure it.

    Parameters
    ----------
    seed : int
    accuracy : float
        In (0, 1); training stops at the end of the first epoch at which so large a share of the
        training images is right, without dropout, or after 60 epochs.

    Returns
    -------
    dict
        What a row of `table` is made from, with the provenance.

    Raises
    ------
    ValueError, TypeError
        If an argument is outside its range.
    """
    backend.start()
    import keras

    arguments.number("accuracy", accuracy, 0, 1, "()")
    fitting.set_up(seed)
    mnist = data.load("mnist")
    x, x_test = data.to_unit(mnist.x_train), data.to_unit(mnist.x_test)
    network = model.build_cnn(seed=seed, fast=True)
    steps = -(-len(x) // classifier.BATCH_SIZE)
    rate = keras.optimizers.schedules.ExponentialDecay(
        classifier.LEARNING_RATE, steps, _DECAY, staircase=True
    )
    network.compile(keras.optimizers.Adam(rate), "sparse_categorical_crossentropy")
    epochs, right = 0, 0.0
    while right < accuracy and epochs < _MOST_EPOCHS:
        network.fit(x, mnist.y_train, batch_size=classifier.BATCH_SIZE, epochs=1, verbose=0)
        epochs, right = epochs + 1, classifier.accuracy(network, x, mnist.y_train)
        print(f"seed {seed}, epoch {epochs}: {right:.4%} of the training images", file=sys.stderr)
    pictures = data.channel_images(data.pictures().images)
    percent = {
        "Training": 100 * right,
        "Test": 100 * classifier.accuracy(network, x_test, mnist.y_test),
    }
    for kind, images in {"Pictures": pictures, "Digits": x_test}.items():
        outputs = network.predict(images, batch_size=1000, verbose=0)
        confidence = anomaly.confidence(outputs)
        for cut in THRESHOLDS:
            percent[f"{kind} over {cut}"] = 100 * float((confidence > cut).mean())
    return {
        "seed": seed,
        "epochs": epochs,
        "percent": {name: round(value, 4) for name, value in percent.items()},
        "optimizer": f"Adam, learning rate {classifier.LEARNING_RATE}, times {_DECAY} an epoch",
        "provenance": provenance(
            checksum(x, mnist.y_train, x_test, mnist.y_test, pictures), "mnist"
        ),
    }


def _rows() -> list[dict[str, Any]]:
    return json.loads(FILE.read_text("utf-8")) if FILE.is_file() else []


if __name__ == "__main__":
    for wanted in map(int, sys.argv[1:]):
        rows = [train(wanted), *(row for row in _rows() if row["seed"] != wanted)]
        FILE.write_text(json.dumps(sorted(rows, key=lambda row: row["seed"]), indent=1) + "\n")
