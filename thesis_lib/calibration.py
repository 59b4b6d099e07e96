"""Are probabilities what they say? Reliability curves and the expected calibration error."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from thesis_lib import arguments

Floats = NDArray[np.float64]


def reliability(probabilities: ArrayLike, y_true: ArrayLike, *, n_bins: int = 15) -> pd.DataFrame:
    """Return accuracy against confidence in bins of equal width (Guo et al. 2017).

    Parameters
    ----------
    probabilities : array_like, (n, n_classes)
        Rows sum to 1. The confidence of an image is its largest.
    y_true : array_like of int, (n,)
    n_bins : int
        At least 1.

    Returns
    -------
    DataFrame
        A row a bin ``(low, high]``, the first with 0: "Low", "High", "Images", "Confidence" and
        "Accuracy" (means over the bin's images; NaN in an empty bin).

    Raises
    ------
    ValueError, TypeError
        If probabilities and labels do not fit, or n_bins is no whole number in its range.

    Examples
    --------
    Right with 0.9, wrong with 0.8, and right with 0.6 and 0.7:

    >>> reliability([[0.9, 0.1], [0.8, 0.2], [0.6, 0.4], [0.3, 0.7]], [0, 1, 0, 1], n_bins=4)
        Low  High  Images  Confidence  Accuracy
    0  0.00  0.25       0         NaN       NaN
    1  0.25  0.50       0         NaN       NaN
    2  0.50  0.75       2        0.65       1.0
    3  0.75  1.00       2        0.85       0.5
    """
    outputs, labels = arguments.labelled(probabilities, y_true)
    confidence, right = outputs.max(1), outputs.argmax(1) == labels
    return _binned(confidence, right, n_bins)


def class_reliability(
    probabilities: ArrayLike, y_true: ArrayLike, label: int, *, n_bins: int = 15
) -> pd.DataFrame:
    """Return how often a class is the true one against the probability that it is given.

    As `reliability`, with the share of the class's images as "Accuracy". On imbalanced data this
    shows what the confidence hides: a rare class adds little to that.

    Parameters
    ----------
    probabilities, y_true, n_bins
        As for `reliability`.
    label : int
        The class, from 0 to n_classes - 1.

    Returns
    -------
    DataFrame
        As of `reliability`.

    Raises
    ------
    ValueError, TypeError
        As for `reliability`, and if there is no such class.

    Examples
    --------
    Of four images that get 0.1 for class 1, one belongs to it:

    >>> class_reliability([[0.9, 0.1]] * 4, [0, 0, 0, 1], label=1, n_bins=2)
       Low  High  Images  Confidence  Accuracy
    0  0.0   0.5       4         0.1      0.25
    1  0.5   1.0       0         NaN       NaN
    """
    outputs, labels = arguments.labelled(probabilities, y_true)
    label = arguments.whole("label", label, 0, outputs.shape[1] - 1)
    return _binned(outputs[:, label], labels == label, n_bins)


def expected_calibration_error(curve: pd.DataFrame) -> float:
    r"""Return the mean distance of accuracy and confidence, :math:`\sum_b\frac{n_b}n|a_b-c_b|`.

    Naeini et al. 2015; Guo et al. 2017, eq. 3.

    Parameters
    ----------
    curve : DataFrame
        Of `reliability` or `class_reliability`.

    Returns
    -------
    float
        In [0, 1].

    Raises
    ------
    TypeError
        If it is no such curve.

    Examples
    --------
    Two images with a confidence of 0.9, one of them wrong, and a wrong one with 0.7, which makes
    (2 · 0.4 + 0.7) / 3:

    >>> curve = reliability([[0.9, 0.1], [0.9, 0.1], [0.3, 0.7]], [0, 1, 0])
    >>> round(expected_calibration_error(curve), 3)
    0.5
    """
    if not isinstance(curve, pd.DataFrame) or "Images" not in curve:
        raise TypeError("Pass a curve: that of reliability(probabilities, y_true), for instance.")
    there = curve[curve["Images"] > 0]
    gaps = (there["Accuracy"] - there["Confidence"]).abs()
    return float((gaps * there["Images"]).sum() / there["Images"].sum())


def negative_log_likelihood(probabilities: ArrayLike, y_true: ArrayLike) -> float:
    """Return the mean of -log p of the true class; infinite where it got 0.

    Parameters
    ----------
    probabilities, y_true
        As for `reliability`.

    Returns
    -------
    float
        In nats, from 0.

    Raises
    ------
    ValueError, TypeError
        As for `reliability`.

    Examples
    --------
    The mean of log 2 and log 5:

    >>> round(negative_log_likelihood([[0.5, 0.5], [0.8, 0.2]], [0, 1]), 3)
    1.151
    """
    outputs, labels = arguments.labelled(probabilities, y_true)
    with np.errstate(divide="ignore"):
        return float(-np.log(outputs[np.arange(len(labels)), labels]).mean())


def temperature(probabilities: ArrayLike, y_true: ArrayLike) -> float:
    r"""Return the T that makes outputs of `at_temperature` fit the labels best.

    The one of the least negative log-likelihood (Guo et al. 2017, section 4.2).

    Parameters
    ----------
    probabilities, y_true
        As for `reliability`, of images that neither training nor the test has seen.

    Returns
    -------
    float
        Above 1 the outputs were too sure of themselves.

    Raises
    ------
    ValueError, TypeError
        As for `reliability`; and if none is the best, since each image is recognised, or the
        outputs tell nothing of the labels.

    Examples
    --------
    Always 9 to 1, but right three times of four only. The square root of 9 is 3, hence T = 2:

    >>> round(temperature([[0.9, 0.1]] * 4, [0, 0, 0, 1]), 3)
    2.0
    """
    from scipy.optimize import brentq
    from scipy.special import softmax

    outputs, labels = arguments.labelled(probabilities, y_true)
    logits = np.log(np.maximum(outputs, np.finfo(np.float64).tiny))
    of_labels = logits[np.arange(len(labels)), labels].mean()
    if not logits.mean() < of_labels < logits.max(1).mean():
        raise ValueError(
            "No temperature is the best: each image is recognised, or the outputs tell nothing "
            "of the labels."
        )

    def slope(inverse: float) -> float:
        """Return the derivative of the likelihood's negative logarithm, which rises with 1 / T."""
        return float((softmax(inverse * logits, axis=1) * logits).sum(1).mean() - of_labels)

    high = 1.0
    while slope(high) < 0:
        high *= 2
    return 1 / float(brentq(slope, 0, high))


def at_temperature(probabilities: ArrayLike, temperature: float) -> Floats:
    r"""Return :math:`F_c^{1/T}` in rows that sum to 1: the softmax of logits divided by T.

    Guo et al. 2017, eq. 9. The order of the classes stays.

    Parameters
    ----------
    probabilities : array_like, (n, n_classes)
        Rows sum to 1.
    temperature : float
        T, positive.

    Returns
    -------
    ndarray of float64, (n, n_classes)

    Raises
    ------
    ValueError, TypeError
        If an argument is not as above.

    Examples
    --------
    Odds of 9 to 1 become 3 to 1:

    >>> at_temperature([[0.9, 0.1]], 2).round(3).tolist()
    [[0.75, 0.25]]
    """
    outputs = arguments.probabilities(probabilities)
    temperature = arguments.number("temperature", temperature, 0, ends="()")
    with np.errstate(divide="ignore"):
        logits = np.log(outputs / outputs.max(1, keepdims=True)) / temperature
    powers = np.exp(logits)
    return np.asarray(powers / powers.sum(1, keepdims=True))


def _binned(confidence: Floats, right: NDArray[np.bool_], n_bins: int) -> pd.DataFrame:
    n_bins = arguments.whole("n_bins", n_bins, 1)
    edges = np.linspace(0, 1, n_bins + 1)
    bins = np.clip(np.searchsorted(edges, confidence, side="left") - 1, 0, n_bins - 1)
    images = np.bincount(bins, minlength=n_bins)
    with np.errstate(invalid="ignore"):
        means = [np.bincount(bins, v, minlength=n_bins) / images for v in (confidence, right)]
    return pd.DataFrame(
        {
            "Low": edges[:-1],
            "High": edges[1:],
            "Images": images,
            "Confidence": means[0],
            "Accuracy": means[1],
        }
    )
