"""ROS, SMOTE and RUS for images, with the parents of every image; and as the thesis drew them."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from thesis_lib import arguments

Array = NDArray[Any]
Labels = NDArray[np.int64]
Seed = arguments.Seed

# The thesis's own number of neighbours (appendix A.3).
K_NEIGHBORS = 3

# SMOTE looks for neighbours among all images of a class, which have to be in memory as floats.
_SMOTE_BYTES = 2**30


@dataclass(frozen=True)
class Resampled:
    """A resampled set, and where each of its images came from; unpacked it is ``x, y``.

    Attributes
    ----------
    x : ndarray, (n, ...)
        Shape and dtype of the images as they came.
    y : ndarray of int64, (n,)
    parents : ndarray of int64, (n, 2)
        Rows of the originals. An original has itself as both parents.
    weights : ndarray of float64, (n,)
        Image i is ``w * original[p0] + (1 - w) * original[p1]``, rounded for integer pixels.
    """

    x: Array
    y: Labels
    parents: Labels
    weights: NDArray[np.float64]

    def __iter__(self) -> Iterator[Array]:
        return iter((self.x, self.y))


def resample(x: ArrayLike, y: ArrayLike, method: str, *, random_state: Seed = None) -> Resampled:
    """Balance a set of images by one of the three methods of section 6.1 of the thesis.

    Parameters
    ----------
    x : array_like of int or float, (n, ...)
        Images with any number of axes, not negative; or features, (n, features), of any sign.
    y : array_like of int, (n,)
        Class numbers from 0, of at least two classes.
    method : {"ros", "smote", "rus"}
    random_state : int, RandomState, Generator or None

    Returns
    -------
    Resampled
        Shuffled; every class of the same size.

    Raises
    ------
    ValueError
        If the method is unknown, x and y do not fit, or hold what is not named above.
    TypeError
        If x or y is of another dtype.

    Examples
    --------
    Classes of six and of four images become as large as the larger or the smaller one:

    >>> x, y = np.arange(10)[:, None], np.repeat([0, 1], [6, 4])
    >>> sets = [resample(x, y, method, random_state=0) for method in ("ros", "smote", "rus")]
    >>> [np.bincount(found.y).tolist() for found in sets]
    [[6, 6], [6, 6], [4, 4]]
    """
    arguments.one_of("method", method, ("ros", "smote", "rus"))
    if method == "smote":
        return _smote(x, y, random_state, K_NEIGHBORS)
    sampler = random_oversample if method == "ros" else random_undersample
    return sampler(x, y, random_state=random_state)


def random_oversample(x: ArrayLike, y: ArrayLike, *, random_state: Seed = None) -> Resampled:
    """Repeat images of each smaller class until all are as large as the largest.

    Random oversampling (thesis, section 6.1).

    Parameters
    ----------
    x, y, random_state
        As for `resample`.

    Returns
    -------
    Resampled
        Shuffled; every original is kept.

    Raises
    ------
    ValueError, TypeError
        As for `resample`.

    Examples
    --------
    >>> x, y = np.arange(10).reshape(5, 2), np.array([0, 0, 0, 0, 1])
    >>> more = random_oversample(x, y, random_state=0)
    >>> more.x.shape, np.bincount(more.y)
    ((8, 2), array([4, 4]))
    """
    from imblearn.over_sampling import RandomOverSampler

    return _by_rows(RandomOverSampler, x, y, random_state)


def random_undersample(x: ArrayLike, y: ArrayLike, *, random_state: Seed = None) -> Resampled:
    """Keep of each class as many images as the smallest has, drawn without replacement.

    Random undersampling (thesis, section 6.1).

    Parameters
    ----------
    x, y, random_state
        As for `resample`.

    Returns
    -------
    Resampled
        Shuffled; no image twice.

    Raises
    ------
    ValueError, TypeError
        As for `resample`.

    Examples
    --------
    The parents are the rows that were kept:

    >>> x, y = np.arange(10).reshape(5, 2), np.array([0, 0, 0, 0, 1])
    >>> fewer = random_undersample(x, y, random_state=0)
    >>> fewer.x.shape, bool((fewer.x == x[fewer.parents[:, 0]]).all()), 4 in fewer.parents
    ((2, 2), True, True)
    """
    from imblearn.under_sampling import RandomUnderSampler

    return _by_rows(RandomUnderSampler, x, y, random_state)


def smote(
    x: ArrayLike,
    y: ArrayLike,
    *,
    random_state: Seed = None,
    k_neighbors: int = K_NEIGHBORS,
) -> Resampled:
    """Add images on the lines between images of a class and their neighbours (Chawla et al. 2002).

    Parameters
    ----------
    x, y, random_state
        As for `resample`. Integer pixels are interpolated as floats and rounded, so none leaves
        its parents' range.
    k_neighbors : int
        At least 1. A class of no more images uses all its others, and a warning says so.

    Returns
    -------
    Resampled
        Shuffled; every original is kept.

    Raises
    ------
    ValueError, TypeError
        As for `resample`; and if k_neighbors is no whole number from 1, or a class has one image
        only, for there is no line to place another on.

    Examples
    --------
    The new image of class 1 lies between the two that there are:

    >>> x, y = np.array([[0.0, 0], [0, 9], [9, 9], [4, 0], [8, 0]]), np.array([0, 0, 0, 1, 1])
    >>> more = smote(x, y, random_state=0, k_neighbors=1)
    >>> made = more.parents[:, 0] != more.parents[:, 1]
    >>> [[across, down]] = more.x[made]
    >>> more.y[made].tolist(), bool(4 < across < 8), float(down)
    ([1], True, 0.0)
    """
    return _smote(x, y, random_state, k_neighbors)


def _smote(x: ArrayLike, y: ArrayLike, random_state: Seed, k_neighbors: int) -> Resampled:
    images, labels = _checked(x, y)
    k_neighbors = arguments.whole("k_neighbors", k_neighbors, 1)
    classes, counts = _paired(labels)
    small = classes[(counts <= k_neighbors) & (counts < counts.max())].tolist()
    if small:
        warnings.warn(
            f"Classes {small} have no more than k_neighbors={k_neighbors} images; "
            "each uses all its other images as neighbours.",
            UserWarning,
            stacklevel=3,  # whoever called `smote` or `resample`
        )
    state = arguments.random_state(random_state)
    flat = images.reshape(len(images), -1).astype(np.float64)
    own = np.arange(len(images))
    parts = [(np.stack([own, own], 1), np.ones(len(own)), labels)]
    for label, count in zip(classes, counts, strict=True):
        if count < counts.max():
            k = min(k_neighbors, int(count) - 1)
            parts.append(_smote_class(flat, labels, label, int(counts.max()), k, state))
    parents, weights, y_all = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = state.permutation(len(y_all))
    parents, weights = parents[order], weights[order]
    return Resampled(blend(images, parents, weights), y_all[order], parents, weights)


def _paired(labels: Labels) -> tuple[Labels, Labels]:
    """Return the classes and their sizes, if each has two images to draw a line between."""
    classes, counts = np.unique(labels, return_counts=True)
    if counts.min() < 2:
        lonely = classes[counts < 2].tolist()
        raise ValueError(
            f"SMOTE needs two images of a class; {lonely} have one. Drop them or use ROS."
        )
    return classes, counts


def smote_pairs(
    x: Array, target: int, state: np.random.RandomState, k_neighbors: int = K_NEIGHBORS
) -> tuple[Labels, NDArray[np.float64]]:
    """Choose, for one class, between which of its images SMOTE puts new ones, and where.

    Parameters
    ----------
    x : ndarray, (n, ...)
        The images of the class, at least two.
    target : int
        Size that the class is to have.
    state : RandomState
    k_neighbors : int
        A smaller class uses all its others.

    Returns
    -------
    parents : ndarray of int64, (target - n, 2)
    weights : ndarray of float64, (target - n,)
        As `blend` takes them.

    Examples
    --------
    Of a class of two images, each of the three new ones has both as its parents:

    >>> x = np.array([[0.0], [8.0]])
    >>> parents, weights = smote_pairs(x, 5, np.random.RandomState(0))
    >>> np.sort(parents).tolist(), weights.shape
    ([[0, 1], [0, 1], [0, 1]], (3,))
    """
    flat = x.reshape(len(x), -1).astype(np.float64)
    # imbalanced-learn wants a second class; it is never looked at.
    both = np.concatenate([flat, np.zeros((1, flat.shape[1]))])
    labels = np.append(np.zeros(len(x), np.int64), 1)
    k = min(k_neighbors, len(x) - 1)
    parents, weights, _ = _smote_class(both, labels, 0, target, k, state)
    return parents, weights


def smote_obstacle(shape: tuple[int, ...], y: Labels) -> str:
    """Say why SMOTE cannot grow these classes; "" if it can.

    Parameters
    ----------
    shape : tuple of int
        Of one image.
    y : ndarray of int64, (n,)
    """
    counts = np.bincount(y)
    lonely = int((counts == 1).sum())
    if lonely:
        have = "1 class has" if lonely == 1 else f"{lonely} classes have"
        return f"SMOTE needs two images of each class, and {have} only one"
    largest = max((n for n in counts if n < counts.max()), default=0)
    size = int(largest) * int(np.prod(shape)) * 8
    if size > _SMOTE_BYTES:
        return (
            f"SMOTE compares all images of a class in memory, {size / 2**30:.1f} GiB here; "
            f"the limit is {_SMOTE_BYTES / 2**30:.0f} GiB"
        )
    return ""


def blend(images: Array, parents: NDArray[np.integer], weights: NDArray[np.floating]) -> Array:
    """Mix pairs of images: ``w * images[p0] + (1 - w) * images[p1]``, in the images' dtype.

    Parameters
    ----------
    images : ndarray, (n, ...)
    parents : ndarray of int, (m, 2)
    weights : ndarray of float, (m,)
        In [0, 1].

    Examples
    --------
    A weight of 1 is the first parent alone; 0.25 of it makes 7.5, rounded as pixels are whole:

    >>> pixels = np.array([[0], [10]], np.uint8)
    >>> blend(pixels, np.array([[0, 1], [0, 1]]), np.array([1, 0.25])).tolist()
    [[0], [8]]
    """
    result = np.empty((len(parents), *images.shape[1:]), images.dtype)
    whole = weights == 1
    result[whole] = images[parents[whole, 0]]
    mixed = np.flatnonzero(~whole)
    # In chunks, since the floats of 35,000 images would take hundreds of megabytes.
    for rows in np.array_split(mixed, max(1, len(mixed) // 5000)):
        w = weights[rows].reshape(-1, *[1] * (images.ndim - 1))
        first, second = (images[parents[rows, k]].astype(np.float64) for k in (0, 1))
        values = w * first + (1 - w) * second
        if np.issubdtype(images.dtype, np.integer):
            values = np.rint(values)
        low, high = np.minimum(first, second), np.maximum(first, second)
        result[rows] = np.clip(values, low, high).astype(images.dtype)
    return result


def random_oversample_as_published(x: ArrayLike, y: ArrayLike) -> Resampled:
    """Draw as the listing of appendix A.2: legacy generator, seed 10, all images drawn anew.

    Unlike ROS as defined, an original of a smaller class need not be kept: of the ten classes 1,904
    images are lost. The largest class is left as it is. The thesis lists the ten-class task only;
    two classes are drawn by its recipe.

    Parameters
    ----------
    x, y : array_like
        The imbalanced set sorted by class, as the appendix's ``rx`` and ``ry``.

    Examples
    --------
    Class 1 is grown from three images to four, and its last one, row 6, is lost:

    >>> more = random_oversample_as_published(np.arange(7)[:, None], [0, 0, 0, 0, 1, 1, 1])
    >>> np.unique(more.parents).tolist(), np.bincount(more.y).tolist()
    ([0, 1, 2, 3, 4, 5], [4, 4])
    """
    images, labels = _checked_by_class(x, y)
    state = np.random.RandomState(10)
    rows, target = [], int(np.bincount(labels).max())
    for members in _members(labels):
        drawn = len(members) < target
        rows.append(members[state.choice(len(members), target)] if drawn else members)
    return _as_published(images, labels, np.concatenate(rows))


def undersample_as_published(x: ArrayLike, y: ArrayLike) -> Resampled:
    """Draw as the listing of appendix A.4, whose labels are those of other images.

    The images are those of a right undersampling; the labels are looked up in the *imbalanced*
    list, so they are its first ones: for the ten classes two zeros, five ones and thirteen twos.

    Parameters
    ----------
    x, y : array_like
        The imbalanced set sorted by class, as the appendix's ``rx`` and ``ry``.

    Examples
    --------
    The pixel of each image is its true class; the first four labels of the list are zeros:

    >>> y = [0, 0, 0, 0, 0, 0, 1, 1]
    >>> fewer = undersample_as_published(np.array(y)[:, None], y)
    >>> fewer.x.ravel().tolist(), fewer.y.tolist()
    ([1, 0, 1, 0], [0, 0, 0, 0])
    """
    images, labels = _checked_by_class(x, y)
    state = np.random.RandomState(10)
    size = int(np.bincount(labels).min())
    rows = [
        members[state.choice(len(members), size, replace=False)] for members in _members(labels)
    ]
    right = _as_published(images, labels, np.concatenate(rows))
    order = np.random.RandomState(10).choice(len(right.y), len(right.y), replace=False)
    return Resampled(right.x, labels[order], right.parents, right.weights)


def smote_as_published(x: ArrayLike, y: ArrayLike) -> Resampled:
    """Draw as the listing of appendix A.3: distances between uint8 images, which wrap around.

    A difference of uint8 pixels is taken modulo 256, so the neighbours are not the nearest; and
    where several images lie at the drawn distance, all are appended, which shifts the partners of
    every later draw of that class.

    Parameters
    ----------
    x, y : array_like
        The imbalanced set of uint8 images sorted by class, as the appendix's ``rx`` and ``ry``.

    Returns
    -------
    Resampled
        Float images, as the listing never rounds; in the thesis's training order.

    Raises
    ------
    ValueError, TypeError
        As for `smote`; and if x and y are not sorted by class, or x is not uint8.

    Examples
    --------
    A black image is mixed with a nearly white one, though three of its class are nearly black:

    >>> pixels = np.array([1, 0, 2, 3, 254, 255] + 7 * [9], np.uint8)
    >>> more = smote_as_published(pixels[:, None], np.repeat([0, 1], [6, 7]))
    >>> pixels[more.parents[more.weights < 1]].tolist(), more.x.dtype.name
    ([[0, 254]], 'float32')
    """
    images, labels = _checked_by_class(x, y)
    if images.dtype != np.uint8:
        raise TypeError(f"x has to be uint8, as in the appendix; got {images.dtype}.")
    target = int(_paired(labels)[1].max())
    grown = [members for members in _members(labels) if len(members) < target]
    first, rank = _smote_draws([len(members) for members in grown], target)
    state = np.random.RandomState(10)
    parents, weights, y_all = [], [], []
    pieces = iter(zip(grown, first, rank, strict=True))
    for members in _members(labels):
        parents.append(np.stack([members, members], 1))
        weights.append(np.ones(len(members)))
        if len(members) < target:
            _, chosen, ranks = next(pieces)
            partner = wrapped_partners(images[members], chosen, ranks)
            parents.append(np.stack([members[chosen], members[partner]], 1))
            weights.append(state.random_sample(len(chosen)))
        y_all.append(np.full(target, labels[members[0]]))
    all_parents, all_weights = np.concatenate(parents), np.concatenate(weights)
    order = np.random.RandomState(10).choice(len(all_weights), len(all_weights), replace=False)
    all_parents, all_weights = all_parents[order], all_weights[order]
    mixed = blend(images.astype(np.float32), all_parents, all_weights)
    return Resampled(mixed, np.concatenate(y_all)[order], all_parents, all_weights)


def wrapped_distances(image: NDArray[np.uint8], others: NDArray[np.uint8]) -> Labels:
    """Return the squared distances of appendix A.3, pixel differences modulo 256.

    Parameters
    ----------
    image : ndarray of uint8, (...)
    others : ndarray of uint8, (n, ...)

    Returns
    -------
    ndarray of int64, (n,)

    Examples
    --------
    To the listing 0 and 255 are as near as can be:

    >>> wrapped_distances(np.array([0], np.uint8), np.array([[1], [2], [255]], np.uint8)).tolist()
    [65025, 64516, 1]
    """
    # uint8 minus uint8 wraps around, as it does in the listing; squares of it fit uint16.
    difference = (image.ravel() - others.reshape(len(others), -1)).astype(np.uint16)
    return np.asarray(np.sum(difference * difference, axis=1, dtype=np.int64))


def wrapped_partners(images: NDArray[np.uint8], chosen: Labels, ranks: Labels) -> Labels:
    """Return the partners that the listing of A.3 pairs the chosen images with.

    Parameters
    ----------
    images : ndarray of uint8, (n, ...)
        The images of one class.
    chosen, ranks : ndarray of int, (m,)
        The drawn image, and at which place of its sorted distances its partner stands.

    Returns
    -------
    ndarray of int64, (m,)
    """
    distances = {row: wrapped_distances(images[row], images) for row in np.unique(chosen)}
    partners: list[int] = []
    for row, rank in zip(chosen, ranks, strict=True):
        wanted = np.partition(distances[row], rank)[rank]
        # All images at that distance, not the first: the list grows longer than the draws.
        partners.extend(np.flatnonzero(distances[row] == wanted))
    return np.asarray(partners[: len(chosen)], dtype=np.int64)


def _smote_draws(sizes: list[int], target: int) -> tuple[list[Labels], list[Labels]]:
    """Draw images and ranks of neighbours for all classes in the order of the listing."""
    state = np.random.RandomState(10)
    first = [state.choice(size, target - size) for size in sizes]
    ranks = [
        state.choice(np.arange(1, min(K_NEIGHBORS, size - 1) + 1), target - size) for size in sizes
    ]
    return first, ranks


def _smote_class(
    flat: NDArray[np.float64],
    labels: Labels,
    label: int,
    target: int,
    k_neighbors: int,
    state: np.random.RandomState,
) -> tuple[Labels, NDArray[np.float64], Labels]:
    """Let imbalanced-learn grow one class; return parents, weights and labels of the new rows."""
    sampler = _recording_smote()(
        sampling_strategy={label: target}, k_neighbors=k_neighbors, random_state=state
    )
    _, y_new = sampler.fit_resample(flat, labels)
    members = np.flatnonzero(labels == label)
    parents = np.stack([members[sampler.rows], members[sampler.neighbors]], axis=1)
    return parents, 1 - sampler.steps, y_new[len(labels) :]


def _recording_smote() -> Any:
    """Return imbalanced-learn's SMOTE with a memory of what it mixed, which it does not report."""
    from imblearn.over_sampling import SMOTE

    class RecordingSMOTE(SMOTE):  # type: ignore[misc]
        def _generate_samples(
            self, X: Any, nn_data: Any, nn_num: Any, rows: Any, cols: Any, steps: Any, *rest: Any
        ) -> Any:
            self.rows, self.neighbors, self.steps = rows, nn_num[rows, cols], steps.ravel()
            # The images are mixed later, in their own dtype.
            return X[rows]

    return RecordingSMOTE


def _by_rows(
    sampler: Callable[..., Any], x: ArrayLike, y: ArrayLike, random_state: Seed
) -> Resampled:
    """Resample row numbers, which works for images of any shape and dtype."""
    images, labels = _checked(x, y)
    # An integer seed would repeat the same draws for every class.
    state = arguments.random_state(random_state)
    rows, _ = sampler(random_state=state).fit_resample(np.arange(len(labels))[:, None], labels)
    chosen = state.permutation(rows.ravel())
    parents = np.stack([chosen, chosen], axis=1)
    return Resampled(images[chosen], labels[chosen], parents, np.ones(len(chosen)))


def _as_published(images: Array, labels: Labels, rows: Labels) -> Resampled:
    """Put drawn rows into the training order of the listings: a permutation of seed 10."""
    rows = rows[np.random.RandomState(10).choice(len(rows), len(rows), replace=False)]
    return Resampled(images[rows], labels[rows], np.stack([rows, rows], 1), np.ones(len(rows)))


def _members(labels: Labels) -> list[Labels]:
    return [np.flatnonzero(labels == label) for label in np.unique(labels)]


def _checked(x: ArrayLike, y: ArrayLike) -> tuple[Array, Labels]:
    images, labels = arguments.labelled_images(x, y)
    if len(np.unique(labels)) < 2:
        raise ValueError(f"y has to hold at least two classes; it has only {labels[0]}.")
    return images, labels


def _checked_by_class(x: ArrayLike, y: ArrayLike) -> tuple[Array, Labels]:
    images, labels = _checked(x, y)
    if (np.diff(labels) < 0).any():
        raise ValueError("x and y have to be sorted by class, as the appendix's lists are.")
    return images, labels
