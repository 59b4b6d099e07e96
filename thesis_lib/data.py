"""Load and verify image data sets; build imbalanced ones; rebuild the thesis's subsets exactly."""

from __future__ import annotations

import gzip
import hashlib
import os
import pickle
import struct
import tarfile
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from thesis_lib import download, tasks
from thesis_lib.tasks import BINARY_COUNTS as BINARY_COUNTS
from thesis_lib.tasks import MULTICLASS_COUNTS as MULTICLASS_COUNTS

Array = NDArray[Any]
Labels = NDArray[np.int64]
T = TypeVar("T")

THESIS_DRAW = 10
"""The seed that the thesis drew its subsets with."""

# MD5 of the four original IDX files, uncompressed.
_MD5 = {
    "x_train": "6bbc9ace898e44ae57da46a324031adb",
    "y_train": "a25bea736e30d166cdddb491f175f624",
    "x_test": "2646ac647ad5339dbf082846283269ea",
    "y_test": "27ae3e4e09519cfbb04c329615203637",
}
# Where Keras takes its data sets from, and what it calls them in its cache.
_KERAS_URL = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"
_MNIST_URL = _KERAS_URL + "mnist.npz"
_CIFAR_URL = "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz"
_CIFAR_BATCHES = {"train": [f"data_batch_{i}" for i in range(1, 6)], "test": ["test_batch"]}
_CIFAR_FILE = "cifar-10-batches-py-target_archive"
_CIFAR_SHA256 = "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce"


class DataUnavailable(RuntimeError):
    """A data set is neither on this machine nor to be had from the network."""


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
    """

    name: str
    x_train: Array
    y_train: Labels
    x_test: Array
    y_test: Labels
    source: str

    @property
    def n_classes(self) -> int:
        """Number of classes of the test set, which holds every class."""
        return int(self.y_test.max()) + 1

    @property
    def note(self) -> str:
        """Say in Markdown which data these are, and plainly if they stand in for MNIST."""
        name = self.name.split()[0]
        if name == "mnist":
            return f"This page was built with real MNIST, from {self.source}."
        if name != "digits":
            title = _OTHERS[name].title if name in _OTHERS else "scikit-learn's handwritten digits"
            return f"This page was built with {title}, from {self.source}."
        return (
            "**No MNIST was found when this page was built**, so its live cells ran on the "
            "handwritten digits that ship with scikit-learn (8×8 pixels, resized to 28×28, "
            f"{len(self.y_train):,} for training). Recorded results are always of real MNIST."
        )


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
        ``cifar10.npz``; their numbers of images and pixels are checked.
    fallback : {"digits"}, optional
        What to take where there is no MNIST.

    Returns
    -------
    Dataset

    Raises
    ------
    DataUnavailable
        If it is nowhere, and there is no fallback.
    ValueError
        If the name is unknown, or a file is damaged (it is left as it is).
    """
    loaders: dict[str, Callable[[], Dataset]] = {
        "mnist": _mnist,
        "digits": _digits,
        "digits-8x8": _small_digits,
        "fashion-mnist": lambda: _other("fashion-mnist"),
        "cifar10": lambda: _other("cifar10"),
    }
    for argument, value in (("name", name), ("fallback", fallback)):
        if value is not None and value not in loaders:
            raise ValueError(f"{argument} has to be one of {', '.join(loaders)}; got {value!r}.")
    try:
        return loaders[name]()
    except DataUnavailable:
        if fallback is None:
            raise
        return loaders[fallback]()


def fingerprint() -> str:
    """Say in one line which files `load` and `pictures` would read now, without reading them."""
    paths = [*_candidates("mnist.npz"), *_candidates("cats_dogs.npz"), _keras_cache() / _CIFAR_FILE]
    found = [f"{path.name}:{path.stat().st_size}" if path.is_file() else "-" for path in paths]
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
    random_state: int | np.random.RandomState | None = None,
) -> tuple[Array, Labels]:
    """Draw an imbalanced set without replacement, shuffled.

    Parameters
    ----------
    x : array_like, (n, ...)
        Images, not negative.
    y : array_like of int, (n,)
    counts : sequence or mapping of int to int
        Images to draw of each class; classes that a mapping leaves out are dropped.
    random_state : int, RandomState or None

    Returns
    -------
    x, y : ndarray

    Raises
    ------
    ValueError
        If x and y do not fit, a count is larger than the class, or fewer than two classes remain.
    """
    images, labels = check_images(x, y)
    wanted = dict(counts) if isinstance(counts, Mapping) else dict(enumerate(counts))
    present = class_counts(labels)
    for label, count in wanted.items():
        there = int(present[label]) if 0 <= label < len(present) else 0
        if isinstance(count, bool) or not isinstance(count, int | np.integer) or count < 0:
            raise ValueError(f"counts[{label}] has to be a whole number from 0; got {count!r}.")
        if count > there:
            raise ValueError(f"counts[{label}] is {count}, but class {label} has {there} images.")
    if sum(count > 0 for count in wanted.values()) < 2:
        raise ValueError("counts has to keep at least two classes.")
    state = _random_state(random_state)
    rows = np.concatenate(
        [
            state.choice(np.flatnonzero(labels == label), count, replace=False)
            for label, count in wanted.items()
        ]
    )
    state.shuffle(rows)
    return images[rows], labels[rows]


def check_images(x: ArrayLike, y: ArrayLike) -> tuple[Array, Labels]:
    """Return images and labels as arrays, or say what is wrong with them.

    Raises
    ------
    ValueError
        If they are empty, of different lengths, or hold NaN, negative pixels or bad labels.
    """
    images, labels = np.asarray(x), _check_labels(y)
    if images.ndim < 2:
        raise ValueError(f"x has to have a row for each image; got shape {images.shape}.")
    if len(images) != len(labels):
        raise ValueError(f"x has {len(images)} images, but y has {len(labels)} labels.")
    if not np.issubdtype(images.dtype, np.number):
        raise TypeError(f"x has to hold numbers; got dtype {images.dtype}.")
    if np.issubdtype(images.dtype, np.floating) and not np.isfinite(images).all():
        raise ValueError("x holds NaN or infinite pixels; remove or replace them.")
    if images.min() < 0:
        raise ValueError(f"x holds negative pixels (smallest: {images.min()}).")
    return images, labels


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
    """
    chosen = tasks.get(name)
    counts, seed = chosen.counts, THESIS_DRAW if draw is None else draw
    if dataset.name == chosen.dataset:
        rows = thesis_indices(dataset.y_train, name, seed)
    else:
        available = class_counts(dataset.y_train, dataset.n_classes)[: len(counts)]
        scale = min(1.0, float((available / np.array(counts)).min()))
        scaled = [max(2, int(count * scale)) for count in counts]
        by_class = [np.flatnonzero(dataset.y_train == c) for c in range(len(counts))]
        rows = _draw(by_class, scaled, seed)
    tested = dataset.y_test < len(counts)
    return Dataset(
        name=f"{dataset.name} {name}",
        x_train=dataset.x_train[rows],
        y_train=dataset.y_train[rows],
        x_test=dataset.x_test[tested],
        y_test=dataset.y_test[tested],
        source=dataset.source,
    )


def stratified_split(y: ArrayLike, test_size: float, seed: int) -> tuple[Array, Array]:
    """Return the rows of a training and of a test set, class by class.

    A class of one image goes to the training set; of any other at least one image goes to each.

    Parameters
    ----------
    y : array_like, (n,)
    test_size : float
        Between 0 and 1.
    seed : int
    """
    if not 0 < test_size < 1:
        raise ValueError(f"test_size has to lie between 0 and 1; got {test_size}.")
    rng = np.random.default_rng(seed)
    labels = np.asarray(y)
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
    """
    images = np.asarray(x)
    if images.ndim not in (3, 4):
        raise ValueError(f"x has to have 3 or 4 axes; got shape {images.shape}.")
    if images.size == 0 or not (images.min() >= 0 and images.max() <= 255):
        raise ValueError("x has to hold pixels from 0 to 255, and not be empty.")
    scaled: NDArray[np.float32] = (images / 255).astype(np.float32)
    return scaled if images.ndim == 4 else scaled[..., None]


def pictures() -> Pictures:
    """Load photographs of cats and dogs, or what stands in for them.

    Returns
    -------
    Pictures
        From ``cats_dogs.npz`` in THESIS_LIB_DATA; else the cats and dogs of CIFAR-10's test set
        through Keras; else 32×32 tiles of photographs that ship with scikit-image.
    """
    for path in _candidates("cats_dogs.npz")[:1]:
        if path.is_file():
            arrays = _read_npz(path, ("cats", "dogs"))
            for key, value in arrays.items():
                if value.dtype != np.uint8 or value.ndim != 4 or value.shape[-1] != 3:
                    raise ValueError(f"{path}: {key} has to be uint8 (n, height, width, 3).")
            if len({value.shape[1:] for value in arrays.values()}) != 1:
                raise ValueError(f"{path}: cats and dogs have to be of one size.")
            labels = np.repeat(["cat", "dog"], [len(arrays["cats"]), len(arrays["dogs"])])
            return Pictures(np.concatenate(list(arrays.values())), labels, "THESIS_LIB_DATA")
    try:
        arrays = _cifar10()
    except download.NotDownloaded:
        return _photographs()
    x, y = arrays["x_test"], arrays["y_test"]
    chosen = np.isin(y, (3, 5))
    return Pictures(x[chosen], np.where(y[chosen] == 3, "cat", "dog"), "CIFAR-10")


def channel_images(
    images: NDArray[np.uint8], *, size: tuple[int, int] = (28, 28)
) -> NDArray[np.float32]:
    """Turn each colour channel of each picture into a grey picture of its own (appendix A.9).

    Parameters
    ----------
    images : ndarray of uint8, (n, height, width, 3)
    size : (height, width)

    Returns
    -------
    ndarray of float32 in [0, 1], (3 n, *size, 1)
        The three channels of a picture follow one another.
    """
    from skimage.transform import resize

    if images.ndim != 4 or images.shape[-1] != 3:
        raise ValueError(f"images has to have shape (n, height, width, 3); got {images.shape}.")
    channels = np.moveaxis(images, -1, 1).reshape(-1, *images.shape[1:3])
    stacked = np.moveaxis(channels, 0, -1) / 255
    resized = resize(stacked, (*size, len(channels)), order=1, anti_aliasing=False)
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
    if labels.ndim != 1 or labels.size == 0:
        raise ValueError(f"Labels have to be one axis, not empty; got shape {labels.shape}.")
    if not np.issubdtype(labels.dtype, np.integer):
        raise TypeError(f"Labels have to be integers; got dtype {labels.dtype}.")
    if labels.min() < 0 or (n_classes is not None and labels.max() >= n_classes):
        allowed = "0 or larger" if n_classes is None else f"from 0 to {n_classes - 1}"
        raise ValueError(f"Labels have to be {allowed}; got {labels.min()} to {labels.max()}.")
    return labels.astype(np.int64)


def _random_state(random_state: int | np.random.RandomState | None) -> np.random.RandomState:
    if isinstance(random_state, np.random.RandomState):
        return random_state
    return np.random.RandomState(random_state)


def _candidates(file: str) -> list[Path]:
    """Return where a file may lie: the folder of THESIS_LIB_DATA, then Keras's cache."""
    folders = []
    named = os.environ.get("THESIS_LIB_DATA")
    if named:
        if not Path(named).is_dir():
            raise ValueError(f"THESIS_LIB_DATA names {named}, which is not a folder; unset it.")
        folders.append(Path(named))
    folders.append(_keras_cache())
    return [folder / file for folder in folders]


def _keras_cache() -> Path:
    return Path(os.environ.get("KERAS_HOME", Path.home() / ".keras")) / "datasets"


def _read_npz(path: Path | BinaryIO, keys: Sequence[str]) -> dict[str, Array]:
    """Read arrays without ever unpickling; say what is wrong with a damaged file."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            return {key: archive[key] for key in keys}
    except KeyError:
        raise ValueError(f"{path} has to hold the arrays {', '.join(keys)}.") from None
    except (ValueError, OSError, EOFError, zipfile.BadZipFile, struct.error) as error:
        raise ValueError(f"{path} is damaged or no .npz file ({error}); replace it.") from None
    except Exception as error:  # zlib.error and its kin from a flipped byte
        raise ValueError(f"{path} cannot be decompressed ({error}); replace it.") from None


@cache
def _mnist() -> Dataset:
    for path in _candidates("mnist.npz"):
        if path.is_file():
            source = "Keras's cache" if path.parent.name == "datasets" else "THESIS_LIB_DATA"
            return _verified(_read_npz(path, tuple(_MD5)), source, str(path))
    try:
        return download.fetch(_MNIST_URL, _keras_cache() / "mnist.npz", _downloaded_mnist)
    except download.NotDownloaded as error:
        raise DataUnavailable(
            f"MNIST is not on this machine, and {error}. "
            "Put mnist.npz into a folder and name the folder in THESIS_LIB_DATA."
        ) from None


def _downloaded_mnist(file: BinaryIO) -> Dataset:
    return _verified(_read_npz(file, tuple(_MD5)), "the network", "The download")


def _verified(arrays: Mapping[str, Array], source: str, where: str) -> Dataset:
    for key, expected in _MD5.items():
        # Whatever the sum says, other types would not be the same numbers to the reader.
        kinds = "u" if key.startswith("x") else "iu"
        if arrays[key].dtype.kind not in kinds:
            raise ValueError(f"{where}: {key} has dtype {arrays[key].dtype}; replace the file.")
        if hashlib.md5(_idx_bytes(arrays[key]), usedforsecurity=False).hexdigest() != expected:
            raise ValueError(f"{where}: {key} is not MNIST's (MD5 differs); replace the file.")
    return Dataset(
        name="mnist",
        x_train=arrays["x_train"],
        y_train=arrays["y_train"].astype(np.int64),
        x_test=arrays["x_test"],
        y_test=arrays["y_test"].astype(np.int64),
        source=source,
    )


def _idx_bytes(array: Array) -> bytes:
    """Rebuild the bytes of the original IDX file: magic number, shape, content."""
    head = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape)
    return head + array.astype(np.uint8).tobytes()


@cache
def _digits() -> Dataset:
    from skimage.transform import resize

    small = np.moveaxis(_embedded_digits()[0] / 16, 0, -1)
    large = np.moveaxis(resize(small, (28, 28, small.shape[-1]), order=1), -1, 0)
    return _split_digits("digits", np.rint(large * 255).astype(np.uint8))


@cache
def _small_digits() -> Dataset:
    images = _embedded_digits()[0]
    return _split_digits("digits-8x8", np.rint(images * 255 / 16).astype(np.uint8))


def _embedded_digits() -> tuple[Array, Labels]:
    """Return scikit-learn's digits, 8×8 pixels from 0 to 16, with their labels."""
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    return x.reshape(-1, 8, 8), y.astype(np.int64)


def _split_digits(name: str, images: Array) -> Dataset:
    """Split the digits as every page does: 30 % of each class are the test set."""
    from sklearn.model_selection import train_test_split

    y = _embedded_digits()[1]
    split = train_test_split(images, y, test_size=0.3, random_state=0, stratify=y)
    x_train, x_test, y_train, y_test = split
    return Dataset(name, x_train, y_train, x_test, y_test, "scikit-learn")


@dataclass(frozen=True)
class _Other:
    """Where a data set beside MNIST lies, and what it has to look like."""

    title: str
    file: str
    cached: str
    shape: tuple[int, ...]
    sizes: tuple[int, int]


_OTHERS = {
    "fashion-mnist": _Other(
        "Fashion-MNIST",
        "fashion_mnist.npz",
        "fashion-mnist",
        (28, 28),
        (60_000, 10_000),
    ),
    "cifar10": _Other(
        "CIFAR-10",
        "cifar10.npz",
        _CIFAR_FILE,
        (32, 32, 3),
        (50_000, 10_000),
    ),
}


@cache
def _other(name: str) -> Dataset:
    """Load Fashion-MNIST or CIFAR-10: from a file, else through Keras, which keeps a copy."""
    other = _OTHERS[name]
    for path in _candidates(other.file):
        if path.is_file():
            source = "Keras's cache" if path.parent.name == "datasets" else "THESIS_LIB_DATA"
            return _checked_other(name, _read_npz(path, tuple(_MD5)), source, str(path))
    source = "Keras's cache" if (_keras_cache() / other.cached).exists() else "the network"
    try:
        arrays = {"fashion-mnist": _fashion_mnist, "cifar10": _cifar10}[name]()
    except download.NotDownloaded as error:
        raise DataUnavailable(
            f"{other.title} is not on this machine, and {error}. Put {other.file} into a folder "
            "and name the folder in THESIS_LIB_DATA."
        ) from None
    return _checked_other(name, arrays, source, f"What {source} has")


def _kept(url: str, path: Path, read: Callable[[BinaryIO], T]) -> T:
    """Read a file of Keras's cache, downloaded first where it is not there."""
    if path.is_file():
        with open(path, "rb") as file:
            return read(file)
    return download.fetch(url, path, read)


def _fashion_mnist() -> dict[str, Array]:
    """Read the four files that Keras takes Fashion-MNIST from."""

    def images(file: BinaryIO) -> Array:
        return np.frombuffer(gzip.decompress(file.read()), np.uint8, offset=16).reshape(-1, 28, 28)

    def labels(file: BinaryIO) -> Array:
        return np.frombuffer(gzip.decompress(file.read()), np.uint8, offset=8)

    arrays = {}
    for part, prefix in (("train", "train"), ("test", "t10k")):
        for key, kind, read in (("x", "images-idx3", images), ("y", "labels-idx1", labels)):
            name = f"{prefix}-{kind}-ubyte.gz"
            path = _keras_cache() / "fashion-mnist" / name
            arrays[f"{key}_{part}"] = _kept(_KERAS_URL + name, path, read)
    return arrays


def _cifar10() -> dict[str, Array]:
    return _kept(_CIFAR_URL, _keras_cache() / _CIFAR_FILE, _cifar_arrays)


def _checked_other(name: str, arrays: Mapping[str, Array], source: str, where: str) -> Dataset:
    """Check types, shapes and that each class is as large as the others, as both sets have it."""
    other = _OTHERS[name]
    labels = {key: arrays[key].reshape(-1) for key in ("y_train", "y_test")}
    for part, size in zip(("train", "test"), other.sizes, strict=True):
        x, y = arrays[f"x_{part}"], labels[f"y_{part}"]
        if x.dtype != np.uint8 or x.shape != (size, *other.shape):
            raise ValueError(
                f"{where}: x_{part} has to be uint8 {(size, *other.shape)}; got {x.dtype} "
                f"{x.shape}. Replace the file."
            )
        if y.dtype.kind not in "iu" or np.bincount(y, minlength=10).tolist() != [size // 10] * 10:
            raise ValueError(f"{where}: y_{part} is not {other.title}'s; replace the file.")
    return Dataset(
        name,
        arrays["x_train"],
        labels["y_train"].astype(np.int64),
        arrays["x_test"],
        labels["y_test"].astype(np.int64),
        source,
    )


def _cifar_arrays(file: BinaryIO) -> dict[str, Array]:
    """Read CIFAR-10 from the archive that Keras downloads."""
    if hashlib.sha256(file.read()).hexdigest() != _CIFAR_SHA256:
        raise ValueError("CIFAR-10 in Keras's cache is damaged (SHA-256 differs); remove it.")
    file.seek(0)
    arrays = {}
    with tarfile.open(fileobj=file) as archive:
        for part, names in _CIFAR_BATCHES.items():
            batches = []
            for name in names:
                member = archive.extractfile(f"cifar-10-batches-py/{name}")
                assert member is not None
                # A pickle, whose content the sum above has fixed.
                batches.append(pickle.load(member, encoding="bytes"))
            pixels = np.concatenate([batch[b"data"] for batch in batches])
            arrays[f"x_{part}"] = pixels.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
            arrays[f"y_{part}"] = np.concatenate([batch[b"labels"] for batch in batches])
    return arrays


def _photographs() -> Pictures:
    from skimage import data as photographs

    tiles = []
    for name in ("astronaut", "coffee", "cat", "rocket"):
        picture = getattr(photographs, name)()[..., :3]
        height, width = (n - n % 32 for n in picture.shape[:2])
        grid = picture[:height, :width].reshape(height // 32, 32, width // 32, 32, 3)
        tiles.append(grid.swapaxes(1, 2).reshape(-1, 32, 32, 3))
    images = np.concatenate(tiles)
    return Pictures(images, np.full(len(images), "photograph"), "scikit-image")
