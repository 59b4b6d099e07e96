"""Arguments that many functions take: checked, and refused in one wording.

A value that is not allowed, an unknown name among them, is a ValueError; what is of the wrong kind
altogether, such as a text for a number, a TypeError.
"""

from __future__ import annotations

import contextlib
import difflib
import math
import numbers
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

Ends = Literal["[]", "[)", "(]", "()"]
Seed = int | np.random.RandomState | np.random.Generator | None

NUMBERED = "numpy.unique(y, return_inverse=True)[1]"
"""What makes class numbers of names."""

# `NUMBERED` would count from the first class of these labels, which need not have all classes.
_NUMBERED_AS_COLUMNS = (
    "pandas.Index(classes).get_indexer(y_true), where classes holds the name of each column in "
    "order (classes_ of a trained method)"
)
_A_CLASS = "be a list, a number a class in the order of the columns"


def number(
    name: str, value: float, low: float = -math.inf, high: float = math.inf, ends: Ends = "[]"
) -> float:
    """Return a number that lies in an interval; infinity lies in none.

    Parameters
    ----------
    name : str
        Of the argument, for the message.
    value, low, high : float
    ends : {"[]", "[)", "(]", "()"}
        Which bounds belong to the interval.

    Raises
    ------
    TypeError
        If it is no number; a bool and an array are none.
    ValueError
        If it lies outside the interval, or is NaN.
    """
    found = math.nan
    if _is_number(value):
        with contextlib.suppress(OverflowError):  # a whole number beyond all floats
            found = float(value)
    above = low < found or (low == found and ends[0] == "[")
    below = found < high or (found == high and ends[1] == "]")
    if above and below and math.isfinite(found):
        return found
    allowed = "be a finite number"
    if high < math.inf:
        allowed = f"lie in {ends[0]}{low}, {high}{ends[1]}"
    elif low > -math.inf:
        allowed = f"be a number {'from' if ends[0] == '[' else 'above'} {low}"
    raise _error(name, allowed, value)


def whole(name: str, value: int, low: int, high: float = math.inf) -> int:
    """Return a whole number from low to high; 2.0 is none.

    Parameters
    ----------
    name : str
        Of the argument, for the message.
    value, low, high : int

    Raises
    ------
    TypeError, ValueError
        As for `number`.
    """
    if _is_number(value) and isinstance(value, numbers.Integral) and low <= value <= high:
        return int(value)
    raise _error(name, f"be a whole number from {low}{f' to {high}' * (high < math.inf)}", value)


def one_of(name: str, value: Hashable, known: Iterable[Hashable]) -> None:
    """Refuse a value that is none of those that are known.

    Parameters
    ----------
    name : str
        Of the argument, for the message.
    value : hashable
    known : iterable of hashable

    Raises
    ------
    ValueError
        If it is none of them.
    """
    allowed = list(known)
    # An array would be compared entry by entry.
    if not isinstance(value, Hashable) or value not in allowed:
        raise _error(name, f"be one of {', '.join(map(str, allowed))}", value, ValueError)


def chosen(kind: str, names: Iterable[str], known: Sequence[str]) -> list[str]:
    """Return names that somebody chose of those that there are, each once.

    Parameters
    ----------
    kind : str
        What they are names of, for the message.
    names : iterable of str
    known : sequence of str

    Raises
    ------
    ValueError
        If one is not known; the message names the nearest.
    """
    found = list(dict.fromkeys(names))
    for name in found:
        if name not in known:
            spelled = {one.lower(): one for one in known}
            lower = str(name).lower()
            near = difflib.get_close_matches(lower, spelled, n=2, cutoff=0.5)
            near = [lower] if lower in near else near
            hint = f"; did you mean {' or '.join(spelled[one] for one in near)}?" if near else "."
            raise ValueError(f"There is no {kind} {name!r}{hint} Known: {', '.join(known)}.")
    return found


def in_order(name: str, values: Any) -> Any:
    """Return what holds an entry a class in the order of the classes, 0 to C - 1.

    A pandas Series, as of ``value_counts()``, is sorted by its index, the class numbers; anything
    else without names of its own comes back as it is.

    Parameters
    ----------
    name : str
        Of the argument, for the message.
    values : array_like, (C,)

    Raises
    ------
    ValueError
        If it is a mapping, or its index is not made of the class numbers.
    """
    # Only pandas' types sort by an index; a list's `index` is a method that looks things up.
    sort = getattr(values, "sort_index", None)
    if sort is None and not isinstance(values, Mapping):
        return values
    if sort is not None:
        found = list(values.index)
        if len(set(found)) == len(found) and set(found) == set(range(len(found))):
            return sort()
    raise _error(name, _A_CLASS, values, ValueError)


def by_class(name: str, values: ArrayLike) -> NDArray[np.float64]:
    """Return a number a class as floats, in the order of the classes.

    Parameters
    ----------
    name : str
        Of the argument, for the message.
    values : array_like, (C,)
        As `in_order` takes it. Its shape is not looked at.

    Raises
    ------
    ValueError
        As for `in_order`, and if it holds no numbers.
    """
    try:
        return np.asarray(in_order(name, values), dtype=np.float64)
    except (TypeError, ValueError):
        raise _error(name, _A_CLASS, values, ValueError) from None


def class_numbers(name: str, labels: ArrayLike, advice: str = NUMBERED) -> NDArray[np.int64]:
    """Return labels as integers; floats are taken if they are whole.

    Parameters
    ----------
    name : str
        Of the argument, for the message.
    labels : array_like of int, any shape
    advice : str
        What turns names into class numbers.

    Raises
    ------
    TypeError
        If they are no whole numbers; bools are none.
    """
    found = np.asarray(labels)
    kind = found.dtype.kind
    if kind in "iu":
        return found.astype(np.int64)
    if kind == "f":
        broken = found[~(np.isfinite(found) & (found == np.trunc(found)))]
        if broken.size == 0:
            return found.astype(np.int64)
        raise TypeError(f"{name} has to hold class numbers; got {broken[0]} ({found.dtype}).")
    raise TypeError(f"{name} has to hold class numbers; got dtype {found.dtype}. Pass {advice}.")


def probabilities(outputs: ArrayLike) -> NDArray[np.float64]:
    """Return a network's outputs as floats, (n, C), if they are probabilities.

    Parameters
    ----------
    outputs : array_like, (n, C)

    Raises
    ------
    ValueError
        If they are not of that shape, finite, not negative, and in rows that sum to 1.
    """
    found = np.asarray(outputs, dtype=np.float64)
    if found.ndim != 2 or found.size == 0:
        raise ValueError(f"probabilities have to have shape (n, classes); got {found.shape}.")
    if not np.isfinite(found).all() or found.min() < 0:
        raise ValueError("probabilities have to be finite and not negative; apply softmax first.")
    if not np.allclose(found.sum(1), 1, atol=1e-3):
        raise ValueError("Each row of probabilities has to sum to 1; apply softmax first.")
    return found


def labelled(
    outputs: ArrayLike, y_true: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return a network's outputs, (n, C), and the labels of their rows, (n,), if they fit.

    Parameters
    ----------
    outputs : array_like, (n, C)
        As `probabilities` takes them.
    y_true : array_like of int, (n,)
        From 0 to C - 1, the numbers of their columns.

    Raises
    ------
    ValueError, TypeError
        As for `probabilities` and `class_numbers`, and if the labels are not as above.
    """
    found, labels = probabilities(outputs), class_numbers("y_true", y_true, _NUMBERED_AS_COLUMNS)
    if labels.shape != found.shape[:1]:
        raise ValueError(
            f"y_true has to hold one class number for each of the {len(found)} rows of "
            f"probabilities; got shape {labels.shape}."
        )
    if labels.min() < 0 or labels.max() >= found.shape[1]:
        raise ValueError(
            f"y_true has labels from {labels.min()} to {labels.max()}; "
            f"allowed are 0 to {found.shape[1] - 1}."
        )
    return found, labels


def labelled_images(x: ArrayLike, y: ArrayLike) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Return images, or rows of features, and their labels as arrays, if they fit.

    Parameters
    ----------
    x : array_like of int or float, (n, ...)
        Images with any number of axes, not negative; or features, (n, features), of any sign.
    y : array_like of int, (n,)
        Class numbers from 0.

    Returns
    -------
    images : ndarray, (n, ...)
        In the dtype in which they came.
    labels : ndarray of int64, (n,)

    Raises
    ------
    ValueError
        If they are empty, of different lengths, or hold NaN, negative pixels or negative labels.
    TypeError
        If x or y is of another dtype.
    """
    images, labels = np.asarray(x), np.asarray(y)
    if labels.ndim != 1 or not np.issubdtype(labels.dtype, np.integer):
        raise TypeError(
            f"y has to be one axis of class numbers; got {labels.dtype} {labels.shape}. "
            f"{_advice(labels)}"
        )
    if labels.size and labels.min() < 0:
        raise ValueError(
            f"y has labels from {labels.min()} to {labels.max()}; class numbers start at 0. "
            f"Pass {NUMBERED}."
        )
    if images.dtype.kind not in "iuf":
        raise TypeError(
            f"x has to hold integers or floats; got dtype {images.dtype}. Pass x.astype('uint8') "
            "or numpy.stack(x)."
        )
    if images.ndim < 2 or len(images) == 0:
        raise ValueError(f"x has to be (n, ...) images, not empty; got shape {images.shape}.")
    if len(images) != len(labels):
        raise ValueError(f"x has {len(images)} images, but y has {len(labels)} labels.")
    if np.issubdtype(images.dtype, np.floating) and not np.isfinite(images).all():
        raise ValueError("x holds NaN or infinite pixels; remove or replace them.")
    # Rows of features, (n, features), may well be negative.
    if images.ndim > 2 and images.min() < 0:
        raise ValueError(
            f"x holds negative pixels (smallest: {images.min()}); scale them to 0 or more. "
            "Features have two axes, (n, features)."
        )
    return images, labels.astype(np.int64)


def _advice(labels: NDArray[Any]) -> str:
    if labels.ndim == 2:
        return "For one-hot labels pass y.argmax(1)."
    if labels.dtype.kind == "f":
        return "For whole numbers pass y.astype(int)."
    return f"For names pass {NUMBERED}."


def random_state(seed: Seed) -> np.random.RandomState:
    """Return NumPy's older generator, which imbalanced-learn draws with.

    Parameters
    ----------
    seed : int, RandomState, Generator or None
        Of a Generator it goes on with the bits.

    Raises
    ------
    TypeError, ValueError
        If it is none of these.
    """
    if isinstance(seed, np.random.RandomState):
        return seed
    if isinstance(seed, np.random.Generator):
        return np.random.RandomState(seed.bit_generator)
    if seed is None:
        return np.random.RandomState()
    return np.random.RandomState(whole("random_state", seed, 0, 2**32 - 1))


def _is_number(value: object) -> bool:
    return isinstance(value, numbers.Real) and not isinstance(value, bool)


def _error(
    name: str, allowed: str, value: object, kind: type[Exception] | None = None
) -> Exception:
    kind = kind or (ValueError if _is_number(value) else TypeError)
    shown = " ".join(repr(value).split())
    return kind(f"{name} has to {allowed}; got {shown[:60]}{'…' * (len(shown) > 60)}.")
