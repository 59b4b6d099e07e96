"""Tables 5.1 and 5.2 beside our pictures, scored by the committed handwriting classifiers."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from thesis_lib import data, published

Floats = NDArray[np.float64]

_NONE = (np.nan, np.nan, np.nan)

CLASSIFIERS = {"5.1": "handwriting", "5.2": "handwriting-without-5-6"}


def of_pictures(classifier: str, factor: float = 1.0) -> Floats:
    """Return a classifier's confidence of each channel of each picture, (3 n,).

    Parameters
    ----------
    classifier : str
        As :func:`thesis_lib.classifier.load` takes it.
    factor : float
        What the pixels, from 0 to 1, are multiplied by first.

    Returns
    -------
    ndarray of float64, (3 n,)
        In [0, 1], in the order of :func:`data.channel_images`.
    """
    return _scores(classifier, "pictures", factor)


def of_digits(classifier: str, digit: int) -> Floats:
    """Return a classifier's confidence of the test images of a digit.

    Parameters
    ----------
    classifier : str
        As for `of_pictures`.
    digit : int
        From 0 to 9.

    Returns
    -------
    ndarray of float64, (n,)
        In [0, 1]; without MNIST, of the digits that stand in for it.
    """
    return _scores(classifier, str(digit), 1.0)


def lacking() -> str:
    """Say in one sentence which real images this build lacks; empty if it has them all."""
    there = {
        "MNIST": data.load("mnist", fallback="digits").name == "mnist",
        "pictures of cats and dogs": "cat" in data.pictures().labels,
    }
    absent = " and no ".join(name for name, found in there.items() if not found)
    return f"This build found no {absent}." if absent else ""


def table() -> pd.DataFrame:
    """Set each published confidence beside our pictures of the same kind.

    The thesis's pictures are not published, so a row has no counterpart. What can be compared is
    whether its number is an ordinary one among ours: the verdict is "agrees" if it lies in their
    central 95 %. A row whose kind this build lacks is "missing": no stand-in is compared.

    Returns
    -------
    DataFrame
        The columns of :func:`findings.table`; "Recorded", "Low" and "High" are the median and the
        2.5 and 97.5 % quantiles of our scores, "Seeds" the number of classifiers.
    """
    rows = []
    for name, classifier in CLASSIFIERS.items():
        for row, number in published.table(name).iloc[:, 0].items():
            scores = _like(str(row), classifier)
            low, median, high = np.quantile(scores, [0.025, 0.5, 0.975]) if len(scores) else _NONE
            verdict = "agrees" if low <= number <= high else "differs" if len(scores) else "missing"
            ours = (median, low, high, int(len(scores) > 0))
            rows.append((name, row, "Confidence", number, *ours, verdict, ""))
    heads = ["Table", "Model", "Quantity", "Published", "Recorded", "Low", "High", "Seeds"]
    return pd.DataFrame(rows, columns=[*heads, "Verdict", "Finding"])


def _like(row: str, classifier: str) -> Floats:
    """Return our scores of the kind that a row names: cats, dogs or a digit; none of stand-ins."""
    kind, number = row.lower().split()
    if kind == "class":
        real = data.load("mnist", fallback="digits").name == "mnist"
        return of_digits(classifier, int(number)) if real else np.empty(0)
    chosen = np.repeat(data.pictures().labels, 3) == kind
    return of_pictures(classifier)[chosen] if chosen.any() else np.empty(0)


@cache
def _scores(classifier: str, what: str, factor: float) -> Floats:
    from thesis_lib import anomaly

    images: NDArray[Any]
    if what == "pictures":
        images = factor * _channels()
    else:
        mnist = data.load("mnist", fallback="digits")
        images = data.to_unit(mnist.x_test[mnist.y_test == int(what)])
    outputs: Floats = _network(classifier).predict(images, batch_size=1000, verbose=0)
    return anomaly.confidence(outputs)


@cache
def _channels() -> NDArray[np.float32]:
    """Resize the pictures once: that takes longer than to score them."""
    return data.channel_images(data.pictures().images)


@cache
def _network(classifier: str) -> Any:
    """Load a classifier once: each copy compiles its own function, of which TensorFlow warns."""
    from thesis_lib.classifier import load

    return load(classifier)
