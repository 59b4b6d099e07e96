"""Measures of a classifier on imbalanced data, from labels or from a confusion matrix.

Means over classes run over those that occur among the true labels. A class that is only predicted
has no recall of its own; its predictions count as mistakes of the classes whose images they took.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from thesis_lib import arguments

Labels = NDArray[np.int64]

MEASURES = ("Balanced accuracy", "Macro F1", "G-mean")
"""What `of_confusion` measures."""

# Numbered one by one they would differ where a class is missing among the predictions.
_BOTH_NUMBERED = (
    "both as numbers: y_true, y_pred = "
    "numpy.unique([y_true, y_pred], return_inverse=True)[1].reshape(2, -1)"
)


def confusion(y_true: ArrayLike, y_pred: ArrayLike, n_classes: int) -> Labels:
    """Count predictions: true classes as rows, predicted ones as columns.

    The thesis's appendix passes its arguments the other way round (A.7, A.9), so its matrices are
    the transposes of these.

    Parameters
    ----------
    y_true, y_pred : array_like of int, (n,)
    n_classes : int

    Returns
    -------
    ndarray of int64, (n_classes, n_classes)

    Raises
    ------
    ValueError
        If the labels are empty, of different lengths, or outside the classes.
    TypeError
        If they or n_classes are no whole numbers.

    Examples
    --------
    One image of class 0 is taken for class 1, and there is none of class 2:

    >>> confusion([0, 0, 0, 1], [0, 0, 1, 1], n_classes=3)
    array([[2, 1, 0],
           [0, 1, 0],
           [0, 0, 0]])
    """
    from sklearn.metrics import confusion_matrix

    n_classes = arguments.whole("n_classes", n_classes, 1)
    true, predicted = _checked(y_true, y_pred, n_classes)
    return np.asarray(confusion_matrix(true, predicted, labels=range(n_classes)), dtype=np.int64)


def recall_per_class(y_true: ArrayLike, y_pred: ArrayLike, n_classes: int) -> NDArray[np.float64]:
    """Return the share of each class's images that was recognised.

    What the thesis calls the average accuracy of a class.

    Parameters
    ----------
    y_true, y_pred : array_like of int, (n,)
    n_classes : int

    Returns
    -------
    ndarray of float64, (n_classes,)
        In [0, 1]; NaN for a class without images.

    Raises
    ------
    ValueError, TypeError
        As for `confusion`.

    Examples
    --------
    >>> recall_per_class([0, 0, 0, 0, 1, 1], [0, 0, 0, 1, 1, 0], n_classes=3).tolist()
    [0.75, 0.5, nan]
    """
    from sklearn.metrics import recall_score

    n_classes = arguments.whole("n_classes", n_classes, 1)
    true, predicted = _checked(y_true, y_pred, n_classes)
    return np.asarray(
        recall_score(true, predicted, labels=range(n_classes), average=None, zero_division=np.nan),
        dtype=np.float64,
    )


def accuracy(y_true: ArrayLike, y_pred: ArrayLike) -> float:
    """Return the share of right predictions.

    Parameters
    ----------
    y_true, y_pred : array_like of int, (n,)

    Returns
    -------
    float
        In [0, 1].

    Raises
    ------
    ValueError, TypeError
        As for `confusion`.
    """
    from sklearn.metrics import accuracy_score

    return float(accuracy_score(*_checked(y_true, y_pred)))


def balanced_accuracy(y_true: ArrayLike, y_pred: ArrayLike) -> float:
    """Return the mean recall of the classes that occur among the true labels.

    Parameters
    ----------
    y_true, y_pred : array_like of int, (n,)

    Returns
    -------
    float
        In [0, 1].

    Raises
    ------
    ValueError, TypeError
        As for `confusion`.

    Examples
    --------
    Recalls of 0.75 and 1. That class 2 is predicted costs class 0, and is no third recall of 0:

    >>> balanced_accuracy([0, 0, 0, 0, 1], [0, 0, 0, 2, 1])
    0.875
    """
    from sklearn.metrics import recall_score

    true, predicted = _checked(y_true, y_pred)
    return float(recall_score(true, predicted, labels=np.unique(true), average="macro"))


def g_mean(y_true: ArrayLike, y_pred: ArrayLike) -> float:
    """Return the geometric mean of the recalls: 0 as soon as one class is never recognised.

    Kubat, Holte and Matwin (1998) for two classes; here over all that occur among the true labels.

    Parameters
    ----------
    y_true, y_pred : array_like of int, (n,)

    Returns
    -------
    float
        In [0, 1].

    Raises
    ------
    ValueError, TypeError
        As for `confusion`.

    Examples
    --------
    >>> round(g_mean([0, 0, 0, 0, 1, 1], [0, 0, 0, 0, 1, 0]), 3)  # recalls of 1 and 0.5
    0.707
    """
    from imblearn.metrics import geometric_mean_score

    true, predicted = _checked(y_true, y_pred)
    return float(
        geometric_mean_score(true, predicted, labels=np.unique(true), average="multiclass")
    )


def macro_f1(y_true: ArrayLike, y_pred: ArrayLike) -> float:
    """Return the mean of F1, ``2 TP / (2 TP + FP + FN)``, over the classes that occur.

    Those are the ones among the true labels; one that is never predicted counts as 0.

    Parameters
    ----------
    y_true, y_pred : array_like of int, (n,)

    Returns
    -------
    float
        In [0, 1].

    Raises
    ------
    ValueError, TypeError
        As for `confusion`.

    Examples
    --------
    Three of four images of class 0 and one of two of class 1: F1 of 6 / 8 and 2 / 4.

    >>> macro_f1([0, 0, 0, 0, 1, 1], [0, 0, 0, 1, 1, 0])
    0.625
    """
    from sklearn.metrics import f1_score

    true, predicted = _checked(y_true, y_pred)
    there = np.unique(true)
    return float(f1_score(true, predicted, labels=there, average="macro", zero_division=0))


def summary(y_true: ArrayLike, y_pred: ArrayLike) -> dict[str, float]:
    """Return the four measures of the whole.

    Parameters
    ----------
    y_true, y_pred : array_like of int, (n,)

    Returns
    -------
    dict of str to float
        "Accuracy", "Balanced accuracy", "G-mean" and "Macro F1", each in [0, 1].

    Raises
    ------
    ValueError, TypeError
        As for `confusion`.

    Examples
    --------
    Ten images, two of the rare class, of which one is missed:

    >>> found = summary([0] * 8 + [1] * 2, [0] * 9 + [1])
    >>> {name: round(value, 3) for name, value in found.items()}
    {'Accuracy': 0.9, 'Balanced accuracy': 0.75, 'G-mean': 0.707, 'Macro F1': 0.804}
    """
    return {
        "Accuracy": accuracy(y_true, y_pred),
        "Balanced accuracy": balanced_accuracy(y_true, y_pred),
        "G-mean": g_mean(y_true, y_pred),
        "Macro F1": macro_f1(y_true, y_pred),
    }


def of_confusion(table: ArrayLike) -> tuple[float, float, float]:
    """Return balanced accuracy, macro F1 and G-mean over the classes that the test set has.

    Parameters
    ----------
    table : array_like of int, (n_classes, n_classes)
        True classes as rows; counts, since shares do not tell precision.

    Returns
    -------
    tuple of float
        As `balanced_accuracy`, `macro_f1` and `g_mean` find them from the labels.

    Raises
    ------
    ValueError, TypeError
        If the table is not as above, or counts nothing.

    Examples
    --------
    Recalls of 1 and 1 / 2, F1 of 16 / 17 and 2 / 3:

    >>> [round(value, 3) for value in of_confusion([[8, 0], [1, 1]])]
    [0.75, 0.804, 0.707]
    """
    counts = _checked_table(table)
    there = counts.sum(1) > 0
    if not there.any():
        raise ValueError("table counts no image.")
    found = recall_of(counts)[there]
    predicted_or_true = counts.sum(0) + counts.sum(1)
    f1 = 2 * np.diag(counts)[there] / predicted_or_true[there]
    geometric = 0.0 if (found == 0).any() else math.exp(np.log(found).mean())
    return float(found.mean()), float(f1.mean()), geometric


def recall_of(table: ArrayLike) -> NDArray[np.float64]:
    """Return each class's recall from a confusion matrix; NaN for a class without images.

    Parameters
    ----------
    table : array_like of int, (n_classes, n_classes)
        True classes as rows.

    Returns
    -------
    ndarray of float64, (n_classes,)

    Raises
    ------
    ValueError, TypeError
        If the table is not square, or holds anything but counts.
    """
    counts = _checked_table(table)
    rows = counts.sum(1)
    return np.where(rows > 0, np.diag(counts) / np.maximum(rows, 1), np.nan)


def precision_of(table: ArrayLike, shares: ArrayLike) -> NDArray[np.float64]:
    r"""Return each class's precision where the classes occur with other shares than in the test.

    With :math:`r_{kc}` the share of class k's images that are called c and :math:`\pi_k` the share
    of class k in use, it is :math:`\pi_c r_{cc} / \sum_k \pi_k r_{kc}` (Bayes' rule).

    Parameters
    ----------
    table : array_like of int, (n_classes, n_classes)
        True classes as rows. A class without test images is left out of the sum.
    shares : array_like, (n_classes,)
        Shares or counts of the classes, 0 or more. A pandas Series is read by its index, the class
        numbers.

    Returns
    -------
    ndarray of float64, (n_classes,)
        NaN for a class that is never answered.

    Raises
    ------
    ValueError, TypeError
        If the table or the shares are not as above.

    Examples
    --------
    Recalls of 0.9 and 0.8. Where class 0 is as frequent as class 1, one in nine answers 1 is wrong;
    where it is eight times as frequent, every other one:

    >>> table = [[9, 1], [2, 8]]
    >>> precision_of(table, [1, 1]).round(3).tolist()
    [0.818, 0.889]
    >>> precision_of(table, [8, 1]).round(3).tolist()
    [0.973, 0.5]
    """
    counts = _checked_table(table)
    weights = arguments.by_class("shares", shares)
    allowed = np.isfinite(weights) & (weights >= 0)
    if weights.shape != (len(counts),) or not allowed.all():
        raise ValueError(
            f"shares has to be {len(counts)} finite numbers of 0 or more, one a class; got "
            f"{weights.tolist()!s:.60}."
        )
    expected = weights[:, None] * counts / np.maximum(counts.sum(1, keepdims=True), 1)
    answers = expected.sum(0)
    with np.errstate(invalid="ignore"):
        return np.where(answers > 0, np.diag(expected) / answers, np.nan)


def one_answer(table: ArrayLike) -> bool:
    """Return whether all images were given the same class, as by a network that has not learned.

    Parameters
    ----------
    table : array_like of int, (n_classes, n_classes)
        True classes as rows.

    Raises
    ------
    ValueError, TypeError
        If the table is not square, or holds anything but counts.
    """
    return int((_checked_table(table).sum(0) > 0).sum()) == 1


def _checked_table(table: ArrayLike) -> Labels:
    counts = np.asarray(table)
    if counts.ndim != 2 or counts.shape[0] != counts.shape[1] or counts.size == 0:
        raise ValueError(f"table has to be (n_classes, n_classes); got shape {counts.shape}.")
    # Whole floats are refused too: shares of rows without a mistake are ones and zeros.
    if counts.dtype.kind not in "iu":
        raise TypeError(f"table has to hold counts as integers; got dtype {counts.dtype}.")
    if counts.min() < 0:
        raise ValueError(f"table has to hold counts, not negative; got {counts.min()}.")
    return counts.astype(np.int64)


def _checked(
    y_true: ArrayLike, y_pred: ArrayLike, n_classes: int | None = None
) -> tuple[Labels, Labels]:
    true, predicted = (
        arguments.class_numbers(name, labels, _BOTH_NUMBERED)
        for name, labels in (("y_true", y_true), ("y_pred", y_pred))
    )
    if true.ndim != 1 or true.shape != predicted.shape or true.size == 0:
        raise ValueError(
            "y_true and y_pred have to be label arrays of one length, not empty; "
            f"got shapes {true.shape} and {predicted.shape}."
        )
    for name, labels in (("y_true", true), ("y_pred", predicted)):
        if labels.min() < 0 or (n_classes is not None and labels.max() >= n_classes):
            raise ValueError(
                f"{name} has labels from {labels.min()} to {labels.max()}; "
                f"allowed are 0 to {'...' if n_classes is None else n_classes - 1}."
            )
    return true, predicted
