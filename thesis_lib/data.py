"""Load image data sets; build imbalanced ones; rebuild the thesis's subsets exactly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from thesis_lib import arguments, sources, tasks
from thesis_lib.sources import DataUnavailable as DataUnavailable
from thesis_lib.tasks import BINARY_COUNTS as BINARY_COUNTS
from thesis_lib.tasks import MULTICLASS_COUNTS as MULTICLASS_COUNTS

Array = NDArray[Any]
Labels = NDArray[np.int64]

THESIS_DRAW = 10
"""The seed that the thesis drew its subsets with."""


@dataclass(frozen=True)
class Dataset:
    """Images and labels, split into training and test set.

    Attributes
    ----------
    name : str
    x_train, x_test : ndarray of uint8, (n, height, width) or (n, height, width, channels)
    y_train, y_test : ndarray of int64, (n,)
        Class numbers from 0.
    source : str
        Where it was found.
    stands_in : bool
        Whether MNIST was asked for, and is nowhere.
    """

    name: str
    x_train: Array
    y_train: Labels
    x_test: Array
    y_test: Labels
    source: str
    stands_in: bool = False

    @property
    def n_classes(self) -> int:
        """Number of classes of the test set, which holds every class."""
        return int(self.y_test.max()) + 1

    @property
    def note(self) -> str:
        """Say in Markdown which data these are, and plainly if they stand in for MNIST."""
        if self.stands_in:
            return (
                "**No MNIST was found when this page was built**, so its live cells ran on the "
                "handwritten digits that ship with scikit-learn (8×8 pixels, resized to 28×28, "
                f"{len(self.y_train):,} for training). Recorded results are always of real MNIST."
            )
        name = self.name.split()[0]
        titles = {"mnist": "real MNIST", **{k: o.title for k, o in sources.OTHERS.items()}}
        title = titles.get(name, "scikit-learn's handwritten digits")
        return f"This page was built with {title}, from {self.source}."


@dataclass(frozen=True)
class Pictures:
    """Photographs that are no digits.

    Attributes
    ----------
    images : ndarray of uint8, (n, height, width, 3)
    labels : ndarray of str, (n,)
        "cat", "dog" or "photograph".
    source : str
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.str_]
    source: str

    @property
    def note(self) -> str:
        """Say in Markdown which pictures these are, and plainly if they are no cats and dogs."""
        if "cat" in self.labels:
            return f"Its {len(self.images):,} cats and dogs come from {self.source}."
        return (
            "**No pictures of cats and dogs were found when this page was built**; it ran on "
            "tiles of the photographs that ship with scikit-image."
        )


def load(name: str = "mnist", *, fallback: str | None = None) -> Dataset:
    """Load a data set, from this machine if it is there, else from the network.

    MNIST is looked for in the folder that THESIS_LIB_DATA names, in Keras's cache, and where Keras
    downloads it from, silently and into that cache; what is found is checked against the MD5 sums
    of the four original files. Whether the network answers is decided within ten seconds, once a
    process.

    Parameters
    ----------
    name : {"mnist", "digits", "digits-8x8", "fashion-mnist", "cifar10"}
        "digits" are the 1,797 of scikit-learn, resized to 28×28; "digits-8x8" are the same ones as
        they come. The last two are looked for as MNIST is, in ``fashion_mnist.npz`` and
        ``cifar10.npz``, or in the form in which Keras keeps them; Fashion-MNIST is then the four
        original files in a folder ``fashion-mnist``, and checked as MNIST is.
    fallback : {"digits"}, optional
        What to take where there is no MNIST.

    Returns
    -------
    Dataset
        Its arrays are read-only, since every call returns the same ones; those of `task` are not.

    Raises
    ------
    DataUnavailable
        If it is nowhere, and there is no fallback.
    ValueError
        If a name is unknown, or a file is damaged (it is left as it is).

    Examples
    --------
    >>> load("digits").x_train.shape, load("digits-8x8").x_train.shape
    ((1257, 28, 28), (1257, 8, 8))
    """
    arguments.one_of("name", name, sources.LOADERS)
    if fallback is not None:
        arguments.one_of("fallback", fallback, ("digits",))
    try:
        arrays, source = sources.LOADERS[name]()
    except DataUnavailable:
        if fallback is None:
            raise
        return replace(load(fallback), stands_in=True)
    return Dataset(name=name, source=source, stands_in=False, **arrays)


def fingerprint() -> str:
    """Say in one line which files `load` and `pictures` would read now, without reading them."""
    found = [
        f"{path.name}:{path.stat().st_size}" if path.is_file() else "-" for path in sources.files()
    ]
    return " ".join(found)


def class_counts(y: ArrayLike, n_classes: int | None = None) -> Labels:
    """Count the images of each class.

    Parameters
    ----------
    y : array_like of int, (n,)
    n_classes : int, optional
        Largest label plus one if not given.

    Returns
    -------
    ndarray of int64, (n_classes,)

    Examples
    --------
    >>> class_counts([0, 2, 2]), class_counts([0, 2, 2], n_classes=4)
    (array([1, 0, 2]), array([1, 0, 2, 0]))
    """
    labels = _check_labels(y, n_classes)
    return np.bincount(labels, minlength=n_classes or 0).astype(np.int64)


def imbalance_ratio(y: ArrayLike) -> float:
    """Return rho, the size of the largest class over that of the smallest (thesis, section 4.1).

    Parameters
    ----------
    y : array_like of int, (n,)
        Labels; classes that do not occur do not count.

    Raises
    ------
    ValueError
        If there are fewer than two classes.

    Examples
    --------
    Six images of class 0, none of class 1 and two of class 2:

    >>> imbalance_ratio([0, 0, 0, 0, 0, 0, 2, 2])
    3.0
    """
    counts = class_counts(y)
    present = counts[counts > 0]
    if len(present) < 2:
        raise ValueError(f"y has to hold at least two classes; got {len(present)}.")
    return float(present.max() / present.min())


def imbalance(
    x: ArrayLike,
    y: ArrayLike,
    counts: Sequence[int] | Mapping[int, int],
    *,
    random_state: arguments.Seed = None,
) -> tuple[Array, Labels]:
    """Draw an imbalanced set without replacement, shuffled.

    Parameters
    ----------
    x : array_like of int or float, (n, ...)
        Images with any number of axes, not negative; or features, (n, features), of any sign.
    y : array_like of int, (n,)
        Class numbers from 0.
    counts : sequence or mapping of int to int
        Images to draw of each class; classes that a mapping leaves out are dropped.
    random_state : int, RandomState, Generator or None

    Returns
    -------
    x, y : ndarray

    Raises
    ------
    ValueError, TypeError
        If x and y do not fit, a count is larger than the class, or fewer than two classes remain.

    Examples
    --------
    Class 1 is dropped, and class 2 keeps its number:

    >>> x, y = np.arange(15).reshape(15, 1), np.repeat([0, 1, 2], 5)
    >>> few_x, few_y = imbalance(x, y, {0: 4, 2: 1}, random_state=0)
    >>> few_x.shape, class_counts(few_y)
    ((5, 1), array([4, 0, 1]))
    """
    images, labels = arguments.labelled_images(x, y)
    wanted, present = _wanted(counts), class_counts(labels)
    for label, count in wanted.items():
        there = int(present[label]) if label < len(present) else 0
        if arguments.whole(f"counts[{label}]", count, 0) > there:
            raise ValueError(f"counts[{label}] is {count}, but class {label} has {there} images.")
    if sum(count > 0 for count in wanted.values()) < 2:
        raise ValueError("counts has to keep at least two classes.")
    state = arguments.random_state(random_state)
    rows = np.concatenate(
        [
            state.choice(np.flatnonzero(labels == label), count, replace=False)
            for label, count in wanted.items()
        ]
    )
    state.shuffle(rows)
    return images[rows], labels[rows]


def _wanted(counts: Sequence[int] | Mapping[int, int]) -> dict[int, int]:
    """Return the counts by class."""
    if isinstance(counts, Mapping):
        return {arguments.whole("A class of counts", c, 0): n for c, n in counts.items()}
    if np.ndim(counts) != 1:
        raise TypeError(
            "counts has to be a list, a number a class, or a mapping of class to number, as "
            f"{{0: 2, 1: 5000}}; got {counts!r}."
        )
    return dict(enumerate(arguments.in_order("counts", counts)))


def thesis_indices(y_train: ArrayLike, task: str, draw: int = THESIS_DRAW) -> Labels:
    """Return the rows of MNIST's training set that the thesis trained on, in its order.

    The appendix (A.1 and A.8) seeds NumPy's legacy generator with 10, draws the images of each
    class in turn, seeds it with 10 again, and draws the training order.

    Parameters
    ----------
    y_train : array_like of int, (60000,)
    task : str
        ``"multiclass"``, ``"binary"``, or another key of ``tasks.TASKS``.
    draw : int
        Seed in place of the thesis's.

    Returns
    -------
    ndarray of int64, (15016,) or (5002,)

    Raises
    ------
    ValueError
        If the task is unknown, or a class has fewer images than it draws.

    Examples
    --------
    Of ten classes of 6,000 images each, as many zeros and ones as the thesis had:

    >>> y_train = np.arange(60_000) % 10
    >>> class_counts(y_train[thesis_indices(y_train, "binary")]).tolist()
    [2, 5000]
    """
    counts = tasks.get(task).counts
    labels = _check_labels(y_train)
    by_class = [np.flatnonzero(labels == c) for c in range(len(counts))]
    for label, (rows, count) in enumerate(zip(by_class, counts, strict=True)):
        if len(rows) < count:
            raise ValueError(f"y_train has {len(rows)} images of class {label}, not {count}.")
    return _draw(by_class, counts, draw)


def task(name: str, dataset: Dataset, draw: int | None = None) -> Dataset:
    """Cut an imbalanced task out of a balanced data set.

    Parameters
    ----------
    name : str
        A key of ``tasks.TASKS``.
    dataset : Dataset
        Of the task's own data set, MNIST for the thesis's two, the task has the exact class sizes
        in the training order of the draw; of the thesis's draw it is the thesis's subset, bit for
        bit. Of other images it has the same proportions as far as they allow, with at least two
        images a class.
    draw : int, optional
        Seed that the images are drawn with; the thesis's, 10, if not given.

    Returns
    -------
    Dataset
        The test set is whole (binary: its zeros and ones).

    Examples
    --------
    There are only 127 ones to train on among the small digits, not 5,000:

    >>> digits = task("binary", load("digits"))
    >>> class_counts(digits.y_train).tolist(), class_counts(digits.y_test).tolist()
    ([2, 127], [54, 55])
    """
    chosen = tasks.get(name)
    counts, seed = chosen.counts, THESIS_DRAW if draw is None else draw
    if dataset.name == chosen.dataset:
        rows = thesis_indices(dataset.y_train, name, seed)
    else:
        available = class_counts(dataset.y_train, dataset.n_classes)[: len(counts)]
        scale = min(1.0, float((available / np.array(counts)).min()))
        sizes = [max(2, int(count * scale)) for count in counts]
        by_class = [np.flatnonzero(dataset.y_train == c) for c in range(len(counts))]
        rows = _draw(by_class, sizes, seed)
    tested = dataset.y_test < len(counts)
    return replace(
        dataset,
        name=f"{dataset.name} {name}",
        x_train=dataset.x_train[rows],
        y_train=dataset.y_train[rows],
        x_test=dataset.x_test[tested],
        y_test=dataset.y_test[tested],
    )


def stratified_split(y: ArrayLike, test_size: float, random_state: int) -> tuple[Array, Array]:
    """Return the rows of a training and of a test set, class by class.

    A class of one image goes to the training set; of any other at least one image goes to each.

    Parameters
    ----------
    y : array_like, (n,)
        Of any kind.
    test_size : float
        Share of each class's images for the test set, between 0 and 1.
    random_state : int

    Returns
    -------
    train, test : ndarray of int, (n_train,), (n_test,)
        Rows in rising order.

    Raises
    ------
    ValueError, TypeError
        If y is empty or has another shape, or test_size is no number in its range.

    Examples
    --------
    >>> y = np.repeat(["a", "b", "c"], [10, 2, 1])
    >>> train, test = stratified_split(y, test_size=0.3, random_state=0)
    >>> "".join(y[train]), "".join(y[test])
    ('aaaaaaabc', 'aaab')
    """
    test_size = arguments.number("test_size", test_size, 0, 1, "()")
    labels = np.asarray(y)
    if labels.ndim != 1 or labels.size == 0:
        hint = " For one-hot rows pass y.argmax(1)." if labels.ndim == 2 else ""
        raise ValueError(f"y has to be one axis of labels, not empty; got {labels.shape}.{hint}")
    rng = np.random.default_rng(random_state)
    train, test = [], []
    for label in np.unique(labels):
        rows = rng.permutation(np.flatnonzero(labels == label))
        held_out = min(max(round(test_size * len(rows)), 1), len(rows) - 1)
        test.append(rows[:held_out])
        train.append(rows[held_out:])
    return np.sort(np.concatenate(train)), np.sort(np.concatenate(test))


def to_unit(x: ArrayLike) -> NDArray[np.float32]:
    """Scale pixels from 0..255 to [0, 1] and add the axis of the grey channel.

    Parameters
    ----------
    x : array_like, (n, height, width) or (n, height, width, channels)

    Returns
    -------
    ndarray of float32, (n, height, width, channels)

    Raises
    ------
    ValueError
        If x is empty, of another shape, or outside 0..255.

    Examples
    --------
    >>> unit = to_unit(np.full((2, 28, 28), 51))
    >>> unit.shape, round(float(unit.max()), 3)
    ((2, 28, 28, 1), 0.2)
    """
    images = np.asarray(x)
    if images.ndim not in (3, 4):
        raise ValueError(f"x has to have 3 or 4 axes; got shape {images.shape}.")
    if images.size == 0 or not (images.min() >= 0 and images.max() <= 255):
        raise ValueError("x has to hold pixels from 0 to 255, and not be empty.")
    return scaled(images, 255)


def scaled(images: Array, scale: float) -> NDArray[np.float32]:
    """Divide pixels by the scale, and add the axis of the grey channel where images lack it.

    Parameters
    ----------
    images : ndarray, (n, height, width[, channels]) or (n, n_features)
        Not looked at.
    scale : float
        The value that becomes 1, above 0.

    Returns
    -------
    ndarray of float32, (n, height, width, channels) or (n, n_features)

    Examples
    --------
    Rows of features get no axis:

    >>> scaled(np.array([[0, 1000, 4000]]), 4000).tolist()
    [[0.0, 0.25, 1.0]]
    """
    unit: NDArray[np.float32] = (images / np.float32(scale)).astype(np.float32)
    return unit[..., None] if unit.ndim == 3 else unit


def pictures() -> Pictures:
    """Load photographs of cats and dogs, or what stands in for them.

    Returns
    -------
    Pictures
        From ``cats_dogs.npz`` in THESIS_LIB_DATA; else the cats and dogs of CIFAR-10's test set
        through Keras; else 32×32 tiles of photographs that ship with scikit-image.
    """
    return Pictures(*sources.pictures())


def channel_images(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Turn each colour channel of each picture into a grey picture of its own (appendix A.9).

    Parameters
    ----------
    images : ndarray of uint8, (n, height, width, 3)

    Returns
    -------
    ndarray of float32 in [0, 1], (3 n, 28, 28, 1)
        The three channels of a picture follow one another.

    Raises
    ------
    ValueError
        If images are of another shape.

    Examples
    --------
    A picture that is red all over:

    >>> red = np.full((1, 32, 32, 3), [255, 0, 0], np.uint8)
    >>> grey = channel_images(red)
    >>> grey.shape, grey.mean((1, 2, 3)).round(3).tolist()
    ((3, 28, 28, 1), [1.0, 0.0, 0.0])
    """
    from skimage.transform import resize

    if images.ndim != 4 or images.shape[-1] != 3:
        raise ValueError(f"images has to have shape (n, height, width, 3); got {images.shape}.")
    channels = np.moveaxis(images, -1, 1).reshape(-1, *images.shape[1:3])
    stacked = np.moveaxis(channels, 0, -1) / 255
    resized = resize(stacked, (28, 28, len(channels)), order=1, anti_aliasing=False)
    return np.asarray(np.moveaxis(resized, -1, 0)[..., None], dtype=np.float32)


def _draw(by_class: Sequence[Labels], counts: Sequence[int], draw: int) -> Labels:
    """Draw as the appendix does: ``RandomState(10)`` is the stream of ``np.random.seed(10)``."""
    state = np.random.RandomState(draw)
    chosen = [
        rows[state.choice(len(rows), count, replace=False)]
        for rows, count in zip(by_class, counts, strict=True)
    ]
    rows = np.concatenate(chosen)
    order = np.random.RandomState(draw).choice(len(rows), len(rows), replace=False)
    return np.asarray(rows[order], dtype=np.int64)


def _check_labels(y: ArrayLike, n_classes: int | None = None) -> Labels:
    labels = np.asarray(y)
    if n_classes is not None:
        n_classes = arguments.whole("n_classes", n_classes, 1)
    if labels.ndim != 1 or labels.size == 0:
        raise ValueError(f"Labels have to be one axis, not empty; got shape {labels.shape}.")
    if not np.issubdtype(labels.dtype, np.integer):
        raise TypeError(f"Labels have to be integers; got dtype {labels.dtype}.")
    if labels.min() < 0 or (n_classes is not None and labels.max() >= n_classes):
        allowed = "0 or larger" if n_classes is None else f"from 0 to {n_classes - 1}"
        raise ValueError(f"Labels have to be {allowed}; got {labels.min()} to {labels.max()}.")
    return labels.astype(np.int64)
