"""Labels as people have them, read as one class an image, or refused with what to do."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from thesis_lib.wording import counted

Array = NDArray[Any]


def of_images(x: Array, y: ArrayLike) -> Array:
    """Return the labels of a set of images as `read` does, one an image.

    Parameters
    ----------
    x : ndarray, (n, ...)
    y : array_like
        As for `read`.

    Raises
    ------
    ValueError
        If there are not as many labels as images, or as for `read`.
    """
    labels, n = read("y", y), len(x) if x.ndim else 0
    if n != len(labels):
        raise ValueError(f"x has {n} images, but y has {len(labels)} labels.")
    return labels


def read(name: str, y: ArrayLike) -> Array:
    """Return labels as one integer or string an image.

    Parameters
    ----------
    name : str
        What messages call them.
    y : array_like, (n,), (n, 1) or (n, n_classes)
        Integers, also as floats; strings; rows of which one number is 1 and all others are 0.

    Raises
    ------
    ValueError
        If some are missing, fractions, or of several kinds.
    """
    labels = _as_array(name, y)
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.dtype.kind in "OT" and labels.ndim == 1:
        labels = _of_objects(name, labels)
    if labels.ndim == 2 and _one_hot(labels):
        labels = labels.argmax(1)
    if labels.dtype.kind == "f" and labels.ndim == 1:
        _check_none_missing(name, np.isnan(labels))
        if ((labels == np.rint(labels)) & (np.abs(labels) < 2**53)).all():
            labels = labels.astype(np.int64)
    if labels.dtype.kind == "S":
        labels = _decoded(name, labels)
    if labels.ndim != 1 or labels.dtype.kind not in "biuU":
        raise ValueError(
            f"{name} has to be one integer or string an image, or one-hot rows; got "
            f"{labels.dtype} of shape {labels.shape}. {_advice(labels)}"
        )
    return labels


def check_alike(y_train: ArrayLike, labels: Array, y_test: ArrayLike, tested: Array) -> None:
    """Refuse labels of two sets that may not mean the same.

    Parameters
    ----------
    y_train, y_test : array_like
        As they came.
    labels, tested : ndarray, (n,)
        The same as `read` returned them.

    Raises
    ------
    ValueError
        If both are one-hot with columns that differ in number, or one is text and the other is not.
    """
    shapes = np.shape(y_train), np.shape(y_test)
    if len(shapes[0]) == len(shapes[1]) == 2 and shapes[0][1] != shapes[1][1]:
        raise ValueError(
            f"One-hot labels of the training set have {shapes[0][1]} columns, those of the test "
            f"set {shapes[1][1]}; make both with the same columns."
        )
    text = labels.dtype.kind == "U", tested.dtype.kind == "U"
    if text[0] != text[1]:
        kinds = ["strings" if is_text else "integers" for is_text in text]
        raise ValueError(
            f"y_train holds {kinds[0]} and y_test {kinds[1]}; pass the same, such as "
            "y_train.astype(str) and y_test.astype(str)."
        )


def _as_array(name: str, values: ArrayLike) -> Array:
    """Return an array; a list may not be made all text because one of its values is."""
    if np.ma.is_masked(values):
        raise ValueError(f"{name} has masked values; drop or fill them.")
    try:
        if isinstance(values, list | tuple):
            objects = np.array(values, dtype=object)
            return objects if objects.ndim == 1 else np.asarray(values)
        return np.asarray(values)
    except ValueError as error:  # rows of several lengths
        raise ValueError(f"{name} is no array: {error}") from None


def _of_objects(name: str, labels: Array) -> Array:
    """Return labels that came as Python's objects as an array of one kind."""
    _check_none_missing(name, np.asarray(pd.isna(labels), bool))
    for kinds in (str, bytes, bool | np.bool_, int | np.integer | float | np.floating):
        if all(isinstance(label, kinds) for label in labels):
            return np.array(labels.tolist())
    names = sorted({type(label).__name__ for label in labels})
    raise ValueError(
        f"{name} has to be all integers or all strings; it holds {', '.join(names)}. To take them "
        "as text pass [str(label) for label in y]."
    )


def _decoded(name: str, labels: Array) -> Array:
    try:
        return np.char.decode(labels, "utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{name} holds bytes that are no UTF-8 text, such as {error.object!r}. Decode them, as "
            "in numpy.char.decode(y, 'latin-1')."
        ) from None


def _check_none_missing(name: str, missing: NDArray[np.bool_]) -> None:
    if missing.any():
        raise ValueError(
            f"{name} has {counted(int(missing.sum()), 'missing label')} (None or NaN), the first "
            f"at position {missing.argmax()}. Drop these images, or give them a class such as "
            "'unknown'."
        )


def _one_hot(rows: Array) -> bool:
    """Say whether each row has a single 1 among zeros."""
    if rows.dtype.kind not in "biuf" or rows.shape[1] < 2:
        return False
    return bool((((rows == 0) | (rows == 1)).all(1) & (rows.sum(1) == 1)).all())


def _advice(labels: Array) -> str:
    if labels.ndim == 1 and labels.dtype.kind == "f":
        if np.isfinite(labels).all() and (labels == np.rint(labels)).all():
            return "These are too large to be exact as floats; pass integers or strings."
        return "These are fractions; give each image one class."
    if labels.ndim == 2 and labels.dtype.kind in "biuf":
        return "For the likeliest class of each row pass y.argmax(1)."
    if labels.ndim == 2:
        return "Pass the one column that holds the classes, such as numpy.asarray(y)[:, 0]."
    if labels.ndim > 2:
        return "The order is x_train, y_train, x_test, y_test."
    return "To take them as text pass y.astype(str)."
