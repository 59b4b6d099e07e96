"""Somebody's own images and labels: checked, and sent to other machines."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import math
import mmap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[Any]
Labels = NDArray[np.int64]

_MAX_SIDE = 256
_CHUNK = 500  # images that are looked at at once


@dataclasses.dataclass(frozen=True)
class FileArray:
    """Where an array lies in a file: what a ``numpy.memmap`` is without its contents."""

    file: str
    dtype: str
    shape: tuple[int, ...]
    offset: int

    @classmethod
    def of(cls, array: Array) -> FileArray | None:
        """Return where an array lies; None if it is in memory, or not contiguous in its file."""
        root: Any = array
        while isinstance(root, np.ndarray) and not isinstance(root.base, mmap.mmap):
            root = root.base
        if not isinstance(root, np.memmap) or root.filename is None:
            return None
        if not array.flags.c_contiguous:
            return None
        offset = root.offset + array.ctypes.data - root.ctypes.data
        return cls(str(Path(root.filename).resolve()), array.dtype.str, array.shape, offset)

    def open(self) -> Array:
        """Map the file, as it is on this machine.

        Raises
        ------
        ValueError
            If it is missing or too short.
        """
        try:
            return np.memmap(self.file, self.dtype, "r", self.offset, self.shape)
        except (OSError, ValueError) as error:
            raise ValueError(
                f"The images of a numpy.memmap are read from its file, {self.file}, which has to "
                f"be the same on every machine; here: {error}."
            ) from None


@dataclasses.dataclass(frozen=True, eq=False)
class ImageSets:
    """A training and a test set: images as they came, labels as numbers of classes.

    Attributes
    ----------
    x_train, x_test : ndarray or FileArray, (n, height, width[, channels])
        The second only on the way to another machine.
    y_train, y_test : ndarray of int64, (n,)
    classes : tuple of str
    scale : float
        The value of a white pixel.
    sha256 : str
        First 16 digits of the checksum of all of this.
    """

    x_train: Any
    y_train: Labels
    x_test: Any
    y_test: Labels
    classes: tuple[str, ...]
    scale: float
    sha256: str

    def __dask_tokenize__(self) -> tuple[str, str]:
        return ("ImageSets", self.sha256)

    @property
    def counts(self) -> Labels:
        """Sizes of the classes in the training set, (n_classes,)."""
        return np.bincount(self.y_train, minlength=len(self.classes))

    @property
    def test_counts(self) -> Labels:
        """Sizes of the classes in the test set, (n_classes,)."""
        return np.bincount(self.y_test, minlength=len(self.classes))

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Height, width and channels of an image."""
        return (*self.x_train.shape[1:], 1)[:3]

    def portable(self) -> ImageSets:
        """Return the same with the places of mapped files instead of what is in them."""
        return dataclasses.replace(
            self,
            x_train=FileArray.of(self.x_train) or self.x_train,
            x_test=FileArray.of(self.x_test) or self.x_test,
        )


def opened(sets: ImageSets) -> ImageSets:
    """Return what `ImageSets.portable` stands for, with its files mapped and, once, checked.

    Raises
    ------
    ValueError
        If a file is missing, or holds other images than where the sets were made.
    """
    in_files = isinstance(sets.x_train, FileArray) or isinstance(sets.x_test, FileArray)
    return _mapped(sets) if in_files else sets


@functools.lru_cache(maxsize=1)
def _mapped(sets: ImageSets) -> ImageSets:
    images = (sets.x_train, sets.x_test)
    train, test = (x.open() if isinstance(x, FileArray) else x for x in images)
    sha256, _ = _scanned(train, sets.y_train, test, sets.y_test, sets.classes)
    if sha256 != sets.sha256:
        files = ", ".join(x.file for x in images if isinstance(x, FileArray))
        raise ValueError(
            f"{files}: on this machine other images than on the one that compares; copy them again."
        )
    return dataclasses.replace(sets, x_train=train, x_test=test)


def checked(
    x_train: ArrayLike, y_train: ArrayLike, x_test: ArrayLike, y_test: ArrayLike
) -> ImageSets:
    """Check arrays as `thesis_lib.compare` takes them; images are read once, piece by piece.

    Raises
    ------
    ValueError
        If they are not as described there.
    """
    train, test = _images("x_train", x_train), _images("x_test", x_test)
    if train.shape[1:] != test.shape[1:]:
        raise ValueError(
            f"Images of the training and test set differ in shape: {train.shape[1:]} and "
            f"{test.shape[1:]}. Resize them to one (thesis_lib.own_data.resized)."
        )
    labels, tested = _labels("train", y_train, train), _labels("test", y_test, test)
    names, numbers = np.unique(labels, return_inverse=True)
    if not 2 <= len(names) <= 1000:
        raise ValueError(f"y_train has to hold 2 to 1000 classes; it holds {len(names)}.")
    strange = np.setdiff1d(tested, names)
    if len(strange):
        raise ValueError(
            f"y_test holds classes that y_train does not: {strange[:5].tolist()}. "
            "A network cannot learn what it never sees; drop them or add images."
        )
    classes = tuple(str(name) for name in names)
    y, z = numbers.astype(np.int64), np.searchsorted(names, tested).astype(np.int64)
    sha256, highest = _scanned(train, y, test, z, classes)
    return ImageSets(train, y, test, z, classes, _scale(train.dtype, highest), sha256)


def _images(name: str, x: ArrayLike) -> Array:
    images = x if isinstance(x, np.ndarray) else np.asarray(x)
    if images.ndim not in (3, 4) or len(images) == 0:
        raise ValueError(
            f"{name} has to be (n, height, width) or (n, height, width, channels), not empty; "
            f"got shape {images.shape}."
        )
    if images.dtype.kind not in "uif":
        raise ValueError(f"{name} has to hold numbers; got dtype {images.dtype}.")
    if images.ndim == 4 and not 1 <= images.shape[3] <= 4:
        raise ValueError(
            f"{name} has {images.shape[3]} channels; allowed are 1 to 4, on the last axis. "
            "Move them there with numpy.moveaxis(x, 1, -1) if they come first."
        )
    low, high = min(images.shape[1:3]), max(images.shape[1:3])
    if low < 8 or high > _MAX_SIDE:
        raise ValueError(
            f"{name} has images of {images.shape[1]}×{images.shape[2]} pixels; allowed are 8 to "
            f"{_MAX_SIDE} a side. Resize them (thesis_lib.own_data.resized(x, 64))."
        )
    return images


def _labels(which: str, y: ArrayLike, images: Array) -> Array:
    labels = np.asarray(y)
    if labels.dtype == object:
        labels = labels.astype(str)
    if labels.ndim != 1 or labels.dtype.kind not in "biuUS":
        raise ValueError(
            f"y_{which} has to be one integer or string an image; got {labels.dtype} of shape "
            f"{labels.shape}. {_advice(labels)}"
        )
    if len(labels) != len(images):
        raise ValueError(f"x_{which} has {len(images)} images, y_{which} {len(labels)} labels.")
    return labels


def _advice(labels: Array) -> str:
    if labels.ndim == 1 and labels.dtype.kind == "f":
        return "For whole numbers pass y.astype(int)."
    return "For one-hot labels pass y.argmax(1)."


def _scanned(
    train: Array, y_train: Labels, test: Array, y_test: Labels, classes: tuple[str, ...]
) -> tuple[str, float]:
    """Read all images once; return the checksum of everything and the largest pixel."""
    digest = hashlib.sha256(repr((classes, train.shape, test.shape)).encode())
    highest = max(_scan("x_train", train, digest), _scan("x_test", test, digest))
    for labels in (y_train, y_test):
        digest.update(labels.tobytes())
    return digest.hexdigest()[:16], highest


def _scan(name: str, images: Array, digest: Any) -> float:
    """Read all images once, in pieces: add them to the digest, return the largest pixel."""
    highest = 0.0
    for piece in _pieces(images):
        digest.update(piece.tobytes())
        low, high = float(piece.min()), float(piece.max())
        if not (math.isfinite(low) and math.isfinite(high)):
            raise ValueError(f"{name} holds NaN or infinite pixels; remove or replace them.")
        if low < 0:
            raise ValueError(f"{name} holds negative pixels (smallest: {low:g}); shift them to 0.")
        highest = max(highest, high)
    return highest


def _pieces(images: Array) -> Iterator[Array]:
    for start in range(0, len(images), _CHUNK):
        yield np.ascontiguousarray(images[start : start + _CHUNK])


def _scale(dtype: np.dtype[Any], highest: float) -> float:
    """Return the value of a white pixel."""
    for white in (1.0, 255.0):
        if highest <= white:
            return white
    if dtype.kind in "ui" and highest <= 65535:
        return 65535.0
    raise ValueError(
        f"The largest pixel is {highest:g}; allowed are 0 to 1, 0 to 255, or uint16 up to 65535."
    )
