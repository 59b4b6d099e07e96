"""Tables 5.1 and 5.2 beside our pictures, scored by the committed handwriting classifiers."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from thesis_lib import data
from thesis_lib.book import published

Floats = NDArray[np.float64]

_NONE = (np.nan, np.nan, np.nan)

USUAL, UNUSUAL = "usual", "unusual"
"""Verdicts on a published confidence: inside or outside the central 95 % of our scores."""

CLASSIFIERS = {"5.1": "handwriting", "5.2": "handwriting-without-5-6"}


def of_pictures(classifier: str, factor: float = 1.0) -> Floats:
    """Return a classifier's confidence of each channel of each picture, (3 n,).

    Parameters
    ----------
    classifier : str
        As :func:`thesis_lib.book.classifier.load` takes it.
    factor : float
        What the pixels, from 0 to 1, are multiplied by first.

    Returns
    -------
    ndarray of float64, (3 n,)
        In [0, 1], in the order of :func:`data.channel_images`.
    """
    return _scores(classifier, "pictures", factor)


def of_digits(classifier: str, digit: int, factor: float = 1.0) -> Floats:
    """Return a classifier's confidence of the test images of a digit.

    Parameters
    ----------
    classifier : str
        As for `of_pictures`.
    digit : int
        From 0 to 9.
    factor : float
        As for `of_pictures`.

    Returns
    -------
    ndarray of float64, (n,)
        In [0, 1]; without MNIST, of the digits that stand in for it.
    """
    return _scores(classifier, str(digit), factor)


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
    whether its number is an ordinary one among ours: the verdict is "usual" if it lies in their
    central 95 %, else "unusual". That is far weaker than a verdict on a mean: it takes one
    classifier, and asks nothing of the rows together. A row whose kind this build lacks is
    "missing": no stand-in is compared.

    Returns
    -------
    DataFrame
        The columns of :func:`findings.table`, with "Scores", how many of ours there are, in the
        place of "Seeds"; "Recorded", "Low" and "High" are the median and the 2.5 and 97.5 %
        quantiles of them.
    """
    rows = []
    for name, classifier in CLASSIFIERS.items():
        for row, number in published.table(name).iloc[:, 0].items():
            scores = _like(str(row), classifier)
            low, median, high = np.quantile(scores, [0.025, 0.5, 0.975]) if len(scores) else _NONE
            verdict = USUAL if low <= number <= high else UNUSUAL if len(scores) else "missing"
            ours = (median, low, high, len(scores))
            rows.append((name, row, "Confidence", number, *ours, verdict, ""))
    heads = ["Table", "Model", "Quantity", "Published", "Recorded", "Low", "High", "Scores"]
    return pd.DataFrame(rows, columns=[*heads, "Verdict", "Finding"])


def summary(rows: pd.DataFrame) -> pd.DataFrame:
    """Count the verdicts of `table` by published table and kind of input.

    Parameters
    ----------
    rows : DataFrame
        As `table` returns them.

    Returns
    -------
    DataFrame
        A row a table and kind ("cat", "dog", "class"); columns "numbers", "usual", "unusual" and
        "missing".
    """
    kinds = rows["Model"].str.lower().str.split().str[0].rename("Inputs")
    index = [rows["Table"].rename("Thesis's table"), kinds]
    counts = pd.crosstab(index, rows["Verdict"]).reindex(
        columns=[USUAL, UNUSUAL, "missing"], fill_value=0
    )
    counts.insert(0, "numbers", counts.sum(axis=1))
    counts.columns.name = None
    return counts


def of_unseen() -> str:
    """Say where the numbers of Table 5.2 for the digits 5 and 6 lie on both scales of the inputs.

    The listing feeds digits 255 times too bright. A printed number may be one image's or a mean.
    """
    if data.load("mnist", fallback="digits").name != "mnist":
        return "This build found no MNIST."
    parts = []
    for digit in (5, 6):
        number = published.number("5.2", f"Class {digit}", "Confidence score")
        for factor, scale in ((1.0, "from 0 to 1"), (255.0, "from 0 to 255")):
            scores = of_digits(CLASSIFIERS["5.2"], digit, factor)
            low, high = np.quantile(scores, [0.025, 0.975])
            word = USUAL if low <= number <= high else UNUSUAL
            parts.append(
                f"class {digit}, {scale}: mean {scores.mean():.4f}, central 95 % {low:.4f} to "
                f"{high:.4f}, so {number:.4f} is {word} for one image"
            )
    return "; ".join(parts) + "."


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
        images = factor * data.to_unit(mnist.x_test[mnist.y_test == int(what)])
    outputs: Floats = _network(classifier).predict(images, batch_size=1000, verbose=0)
    scores = anomaly.confidence(outputs)
    scores.flags.writeable = False  # all callers get this one array
    return scores


@cache
def _channels() -> NDArray[np.float32]:
    """Resize the pictures once: that takes longer than to score them."""
    return data.channel_images(data.pictures().images)


@cache
def _network(classifier: str) -> Any:
    """Load a classifier once: each copy compiles its own function, of which TensorFlow warns."""
    from thesis_lib.book.classifier import load

    return load(classifier)
