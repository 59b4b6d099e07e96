"""What the thesis's listings compute, beside what its text defines, on arrays and without training.

The losses are written from the formulas and listings alone, so that they can check the library's.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from thesis_lib import data, resampling

Floats = NDArray[np.float64]


def wrong_labels() -> tuple[int, int]:
    """Count the images of the thesis's undersampled set that carry another digit's label.

    Returns
    -------
    tuple of int
        How many do, and of how many.
    """
    # Like the thesis's list, sorted by class; which images are drawn does not change the labels.
    labels = np.repeat(np.arange(10), data.MULTICLASS_COUNTS)
    drawn = resampling.undersample_as_published(np.zeros((len(labels), 1)), labels)
    return int((labels[drawn.parents[:, 0]] != drawn.y).sum()), len(drawn.y)


def listed_false_error(
    y_true: Floats, y_pred: Floats, class_counts: Sequence[int], *, squared: bool = False
) -> float:
    """Return the loss of a batch as the listings of A.5 (MFE) and A.8 (MSFE) compute it.

    Written from the listings, without the library's losses.

    Parameters
    ----------
    y_true, y_pred : ndarray, (n, C)
        One-hot labels and outputs.
    class_counts : sequence of int, (C,)
    squared : bool
        Whether the quotient of error and count is squared, as in A.8.
    """
    per_image = np.zeros(len(y_true))
    for c, count in enumerate(class_counts):
        quotient = np.mean(np.square(y_true - y_pred)) / count
        per_image += y_true[:, c] * (quotient**2 if squared else quotient)
    # Keras averages what a loss returns for each image.
    return float(np.mean(per_image * sum(class_counts)))


def defined_false_error(y_true: Floats, y_pred: Floats, *, squared: bool = False) -> float:
    """Return MFE or MSFE of a batch as the text defines it, a sum over its classes.

    Parameters
    ----------
    y_true, y_pred : ndarray, (n, C)
    squared : bool
    """
    errors = np.sum(np.square(y_true - y_pred), axis=1)
    means = [errors[y_true[:, c] == 1].mean() for c in range(y_true.shape[1]) if y_true[:, c].any()]
    return float(sum(mean**2 if squared else mean for mean in means))


def batch_weights(class_counts: Sequence[int], batch_size: int) -> Floats:
    """Return how much an image of each class counts on average in MFE as listed.

    The listing multiplies the error of a batch by the mean of its images' weights n / n_c: an image
    counts with its own weight and with those of the images that it happens to share a batch with.

    Parameters
    ----------
    class_counts : sequence of int, (C,)
    batch_size : int

    Returns
    -------
    ndarray, (C,)
    """
    counts = np.asarray(class_counts, dtype=float)
    weights = counts.sum() / counts
    # The others of its batch are drawn from all images but this one; all weights add up to C n.
    others = (len(counts) * counts.sum() - weights) / (counts.sum() - 1)
    return np.asarray((weights + (batch_size - 1) * others) / batch_size)


def specificities(confusion: NDArray[Any]) -> tuple[Floats, Floats]:
    """Return each class's specificity as A.7 and A.9 compute it, and as it is defined.

    Parameters
    ----------
    confusion : ndarray, (n_classes, n_classes)
        Counts, true classes as rows.
    """
    right = np.diag(confusion).astype(float)
    false_positive = confusion.sum(0) - right
    listed = right.sum() - right
    negative = confusion.sum() - confusion.sum(1)
    return listed / (listed + false_positive), (negative - false_positive) / negative


@cache
def neighbours(classes: tuple[int, ...]) -> tuple[int, int, int] | None:
    """Count where the three neighbours that SMOTE's listing finds, by wrapped distance, are others.

    Parameters
    ----------
    classes : tuple of int
        Whose images of the thesis's ten-class set to count.

    Returns
    -------
    tuple of int, or None
        How many neighbours are not among the three nearest, how many stand at a tied distance, and
        how many there are; None without MNIST.
    """
    mnist = data.load("mnist", fallback="digits")
    if mnist.name != "mnist":
        return None
    task = data.task("multiclass", mnist)
    wrong = tied = of_all = 0
    for images in (task.x_train[task.y_train == c] for c in classes):
        flat = images.reshape(len(images), -1).astype(float)
        for row, image in enumerate(images):
            distances = resampling.wrapped_distances(image, images)
            wrapped = distances.argsort(kind="stable")[1:4]
            tied += sum(int((distances == distances[i]).sum() > 1) for i in wrapped)
            nearest = ((flat - flat[row]) ** 2).sum(1).argsort(kind="stable")[1:4]
            wrong += len(set(wrapped) - set(nearest))
            of_all += len(wrapped)
    return wrong, tied, of_all
