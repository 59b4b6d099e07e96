"""Somebody's own images and labels: checked, and sent to other machines."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import math
import mmap
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from thesis_lib import arguments
from thesis_lib.own import class_labels

Array = NDArray[Any]
Labels = NDArray[np.int64]

READING = "from thesis_lib.own import loading; loading.load(path)"
"""What reads a folder, a table of files or an archive."""

_RESIZING = "from thesis_lib.own import loading; loading.resized(x, 64)"
_MAX_SIDE = 256
_CHUNK = 500  # images that are looked at at once

# Photographs reach well above a quarter of white, and 10, 12, 14 or 16 bits above 8, 10, 12 or 14.
_DARK = 0.25


@dataclasses.dataclass(frozen=True)
class FileArray:
    """Where an array lies in a file: what a ``numpy.memmap`` is without its contents."""

    file: str
    dtype: str
    shape: tuple[int, ...]
    offset: int

    @classmethod
    def of(cls, array: Array) -> FileArray | None:
        """Return where an array lies; None if it is in memory, or not contiguous in its file.

        Parameters
        ----------
        array : ndarray
        """
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
    copies : int
        How many test images are in the training set too, pixel by pixel.
    highest : tuple of float
        The largest pixel of each set that there is.
    """

    x_train: Any
    y_train: Labels
    x_test: Any
    y_test: Labels
    classes: tuple[str, ...]
    scale: float
    sha256: str
    copies: int
    highest: tuple[float, ...]

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

    @property
    def untold_white(self) -> float | None:
        """The scale where it was given and the pixels alone tell another; else None."""
        images = (self.x_train, self.x_test)[: len(self.highest)]
        try:
            told = common_white([np.dtype(x.dtype) for x in images], self.highest)
        except ValueError:  # they tell none
            return self.scale
        return None if told == self.scale else self.scale

    def portable(self) -> ImageSets:
        """Return the same with the places of mapped files instead of what is in them."""
        return dataclasses.replace(
            self,
            x_train=FileArray.of(self.x_train) or self.x_train,
            x_test=FileArray.of(self.x_test) or self.x_test,
        )


def opened(sets: ImageSets) -> ImageSets:
    """Return what `ImageSets.portable` stands for, with its files mapped and, once, checked.

    Parameters
    ----------
    sets : ImageSets
        As they are, or as `ImageSets.portable` returns them.

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
    found = _scanned(train, sets.y_train, test, sets.y_test, sets.classes)
    if found.sha256 != sets.sha256:
        files = ", ".join(x.file for x in images if isinstance(x, FileArray))
        raise ValueError(
            f"{files}: on this machine other images than on the one that compares; copy them again."
        )
    return dataclasses.replace(sets, x_train=train, x_test=test)


def checked(
    x_train: ArrayLike,
    y_train: ArrayLike,
    x_test: ArrayLike,
    y_test: ArrayLike,
    white: float | None = None,
) -> ImageSets:
    """Check arrays as `thesis_lib.compare` takes them; images are read once, piece by piece.

    Parameters
    ----------
    x_train, y_train, x_test, y_test
        As `thesis_lib.compare` takes them.
    white : float, optional
        As it takes that.

    Raises
    ------
    ValueError, TypeError
        If they are not as described there.
    """
    train, test = _images("x_train", x_train), _images("x_test", x_test)
    if train.ndim != test.ndim:  # one of them has an axis for its grey channel
        train, test = (x if x.ndim == 4 else x[..., None] for x in (train, test))
    if train.shape[1:] != test.shape[1:]:
        raise ValueError(
            f"Images of the training and test set differ in shape: {train.shape[1:]} and "
            f"{test.shape[1:]}. Resize both: {_RESIZING}."
        )
    labels, tested = _labels("_train", y_train, train), _labels("_test", y_test, test)
    class_labels.check_alike(y_train, labels, y_test, tested)
    names, y = _numbered("y_train", labels)
    strange = np.setdiff1d(tested, names)
    if len(strange):
        raise ValueError(
            f"y_test holds classes that y_train does not: {strange[:5].tolist()}. "
            "A network cannot learn what it never sees; drop them or add images."
        )
    classes = tuple(str(name) for name in names)
    z = np.searchsorted(names, tested).astype(np.int64)
    found = _scanned(train, y, test, z, classes)
    scale = scale_of(white, {"x_train": train, "x_test": test}, found.highest)
    return ImageSets(train, y, test, z, classes, scale, found.sha256, found.copies, found.highest)


def alone(x: ArrayLike, y: ArrayLike, white: float | None = None) -> ImageSets:
    """Check a training set that has no test set beside it, as `checked` does.

    Parameters
    ----------
    x, y
        As `thesis_lib.compare` takes those to train on.
    white : float, optional
        As for `checked`.

    Raises
    ------
    ValueError, TypeError
        If they are not as described there.
    """
    images = _images("x", x)
    names, numbers = _numbered("y", _labels("", y, images))
    digest = hashlib.sha256(repr((names.tolist(), images.shape)).encode() + numbers.tobytes())
    highest, _ = _scan("x", images, digest, images.dtype)
    classes, checksum = tuple(map(str, names)), digest.hexdigest()[:16]
    scale = scale_of(white, {"x": images}, [highest])
    none = images[:0], numbers[:0]
    return ImageSets(images, numbers, *none, classes, scale, checksum, 0, (highest,))


def more(x: ArrayLike, input_shape: tuple[int, ...], scale: float) -> Array:
    """Return images that are like those of a training set, or refuse them.

    Parameters
    ----------
    x : array_like, (n, height, width) or (n, height, width, channels)
    input_shape : tuple of int
        Height, width and channels of those.
    scale : float
        The value of a white pixel there.

    Raises
    ------
    ValueError
        If they differ in shape or, as far as can be told, in scale.
    """
    images = _as_array("x", x)
    if images.shape in (tuple(input_shape), tuple(input_shape[:2])):
        raise ValueError("x is one image; pass several of them, or x[None] for this one alone.")
    images = _images("x", images)
    shape = (*images.shape[1:], 1)[:3]
    if shape != tuple(input_shape):
        raise ValueError(f"x has images of shape {shape}; trained was on {tuple(input_shape)}.")
    if images.dtype == np.uint8 and scale > 255:
        raise ValueError(
            f"x has 8 bits a pixel (uint8), but white was {scale:g} in training. Pass "
            f"x * {scale:.1f} / 255 if white is 255 in x, or x.astype('uint16') if it is {scale:g}."
        )
    highest = max(largest_pixel("x", piece) for piece in _pieces(images))
    as_unit = images.dtype.kind == "f" and 0 < highest <= 1 and is_dark(1, scale)
    if highest > scale or as_unit:
        raise ValueError(
            f"Pixels of x go up to {highest:g}, but white was {scale:g} in training. Pass both on "
            "one scale; if it is one, train with white, the largest value that a pixel can have."
        )
    return images


def dark_note(sets: ImageSets) -> str:
    """Say that pixels may be on a smaller scale than they are taken to be on; "" if not.

    Parameters
    ----------
    sets : ImageSets
    """
    names = ("x_train", "x_test") if len(sets.highest) == 2 else ("x",)
    highest = dict(zip(names, sets.highest, strict=True))
    dark = {name: high for name, high in highest.items() if is_dark(high, sets.scale)}
    if not dark:
        return ""
    found = " and ".join(f"{high:g} in {name}" for name, high in dark.items())
    least = max(dark.values())
    example = f", as in x / {least:g}" if least > 0 else ""
    return (
        f"The largest pixel is {found}, but {sets.scale:g} is taken for white; unless the images "
        f"are as dark as that, divide each set by its own value of white{example}, or pass white"
    )


def is_dark(highest: float, white: float) -> bool:
    """Say whether images with this largest pixel are darker than photographs are.

    Parameters
    ----------
    highest, white : float
        The largest pixel, and the value of a white one.
    """
    return highest < _DARK * white


def scale_of(white: float | None, images: Mapping[str, Array], highest: Sequence[float]) -> float:
    """Return the value of a white pixel: as it was given, or told from the largest pixels.

    Parameters
    ----------
    white : float or None
        As `thesis_lib.compare` takes it.
    images : mapping of str to ndarray
        What the message calls them, to images.
    highest : sequence of float
        The largest pixel of each.

    Raises
    ------
    ValueError, TypeError
        If it is no finite number above 0, below a pixel, or above 255 for images of 8 bits; if none
        is given, as for `common_white`.
    """
    if white is None:
        return common_white([x.dtype for x in images.values()], highest)
    white = arguments.number("white", white, 0, ends="()")
    for (name, x), high in zip(images.items(), highest, strict=True):
        if high > white:
            raise ValueError(
                f"{name} has pixels up to {high:g}, but white is {white:g}. Give the largest value "
                f"that a pixel can have (4095 with 12 bits), or clip: {name}.clip(0, {white:g})."
            )
        if x.dtype == np.uint8 and white > 255:
            raise ValueError(
                f"{name} has 8 bits a pixel (uint8), up to {high:g}, but white is {white:g}. Give "
                f"255, or pass {name}.astype('uint16') if white is {white:g} in it."
            )
    return white


def largest_pixel(name: str, images: Array) -> float:
    """Return the largest pixel.

    Parameters
    ----------
    name : str
        What the message calls the images.
    images : ndarray
        Not empty.

    Raises
    ------
    ValueError
        If pixels are negative, infinite or NaN.
    """
    low, high = float(images.min()), float(images.max())
    if not (math.isfinite(low) and math.isfinite(high)):
        raise ValueError(f"{name} holds NaN or infinite pixels; remove or replace them.")
    if low < 0:
        advice = "pass (x + 1) / 2" if low >= -1 and high <= 1 else "shift them to 0"
        raise ValueError(f"{name} holds negative pixels (smallest: {low:g}); {advice}.")
    return high


def told_white(dtype: np.dtype[Any], highest: float) -> float:
    """Return the value of a white pixel where the largest pixel is `highest`.

    Parameters
    ----------
    dtype : dtype
        Of the images.
    highest : float
        Not negative.

    Returns
    -------
    float
        1 or 255; of integers also 1023, 4095, 16383 or 65535: the smallest that is not exceeded.

    Raises
    ------
    ValueError
        If the pixels are on no scale that is known.
    """
    if dtype.kind == "f" and 1 < highest < 2:
        raise ValueError(
            f"The largest pixel is {highest:g}: neither 0 to 1 nor 0 to 255. If interpolation went "
            "a little past white, pass x.clip(0, 1); if white is another value, pass white."
        )
    whites = (1.0, 255.0) + (1023.0, 4095.0, 16383.0, 65535.0) * (dtype.kind in "ui")
    for value in whites:  # 10, 12 and 14 bits are what cameras write into 16
        if highest <= value:
            return value
    raise ValueError(
        f"The largest pixel is {highest:g}; allowed are 0 to 1, 0 to 255, or uint16 up to 65535. "
        "If white is another value, pass white."
    )


def common_white(dtypes: Sequence[np.dtype[Any]], highest: Sequence[float]) -> float:
    """Return the value of a white pixel in a training and a test set, or in a single set.

    Parameters
    ----------
    dtypes : sequence of dtype
        Of the images of each set.
    highest : sequence of float
        The largest pixel of each set, not negative.

    Raises
    ------
    ValueError
        If the two are on different scales, or as for `told_white`.
    """
    whites = [told_white(dtype, high) for dtype, high in zip(dtypes, highest, strict=True)]
    if len({min(value, 256.0) for value in whites}) > 1:
        raise ValueError(
            f"Pixels of x_train go up to {highest[0]:g}, those of x_test up to {highest[-1]:g}, as "
            "on two scales. Divide both sets by the value of a white pixel in each; if it is the "
            "same, pass white."
        )
    return max(whites)


def _as_array(name: str, x: ArrayLike) -> Array:
    if np.ma.is_masked(x):
        raise ValueError(f"{name} has masked pixels; fill them, such as with x.filled(0).")
    several = f"{name} holds images of several shapes; resize them to one."
    try:
        images = x if isinstance(x, np.ndarray) else np.asarray(x)
    except ValueError:
        raise ValueError(several) from None
    if images.dtype == object and len({np.shape(image) for image in images.ravel()}) > 1:
        raise ValueError(several)
    if images.ndim == 0:  # what NumPy makes of whatever it cannot read as an array
        raise ValueError(
            f"{name} has to be an array of images; got {type(x).__name__}. To read files or "
            f"folders: {READING}."
        )
    return images


def _images(name: str, x: ArrayLike) -> Array:
    images = _as_array(name, x)
    if images.ndim not in (3, 4) or len(images) == 0:
        raise ValueError(
            f"{name} has to be (n, height, width) or (n, height, width, channels), not empty; "
            f"got shape {images.shape}.{_shape_hint(images)}"
        )
    if images.dtype.kind not in "uif":
        advice = " Pass x.astype('uint8') for a mask." if images.dtype.kind == "b" else ""
        raise ValueError(f"{name} has to hold numbers; got dtype {images.dtype}.{advice}")
    if images.ndim == 4 and not 1 <= images.shape[3] <= 4:
        raise ValueError(
            f"{name} has {images.shape[3]} channels; allowed are 1 to 4, on the last axis. "
            "Move them there with numpy.moveaxis(x, 1, -1) if they come first."
        )
    low, high = min(images.shape[1:3]), max(images.shape[1:3])
    if low < 8 or high > _MAX_SIDE:
        raise ValueError(
            f"{name} has images of {images.shape[1]}×{images.shape[2]} pixels; allowed are 8 to "
            f"{_MAX_SIDE} a side. Resize them: {_RESIZING}."
        )
    return images


def _shape_hint(images: Array) -> str:
    if images.ndim == 1:
        return " The order is x_train, y_train, x_test, y_test."
    if images.ndim == 2:
        return " For images as flat rows pass x.reshape(-1, height, width)."
    return ""


def _labels(which: str, y: ArrayLike, images: Array) -> Array:
    labels = class_labels.read(f"y{which}", y)
    if len(labels) != len(images):
        raise ValueError(f"x{which} has {len(images)} images, y{which} {len(labels)} labels.")
    return labels


def _numbered(name: str, labels: Array) -> tuple[Array, Labels]:
    """Return the classes, and each label as the number of its class."""
    names, numbers = np.unique(labels, return_inverse=True)
    if not 2 <= len(names) <= 1000:
        raise ValueError(f"{name} has to hold 2 to 1000 classes; it holds {len(names)}.")
    return names, numbers.astype(np.int64)


@dataclasses.dataclass(frozen=True)
class _Scan:
    """What one reading of all images finds: see `ImageSets`, and the largest pixel of each set."""

    sha256: str
    highest: tuple[float, float]
    copies: int


def _scanned(
    train: Array, y_train: Labels, test: Array, y_test: Labels, classes: tuple[str, ...]
) -> _Scan:
    digest = hashlib.sha256(repr((classes, train.shape, test.shape)).encode())
    common = np.result_type(train, test)
    highest, keys = zip(
        *(_scan(name, x, digest, common) for name, x in (("x_train", train), ("x_test", test))),
        strict=True,
    )
    for labels in (y_train, y_test):
        digest.update(labels.tobytes())
    copies = int(np.isin(keys[1], keys[0]).sum())
    return _Scan(digest.hexdigest()[:16], highest, copies)


def _scan(
    name: str, images: Array, digest: Any, dtype: np.dtype[Any]
) -> tuple[float, NDArray[np.uint64]]:
    """Read images once, in pieces: add them to the digest; return the largest pixel and a key each.

    Equal images have equal keys; others have not, but once in 2**64 pairs.
    """
    highest, keys = 0.0, []
    for piece in _pieces(images):
        digest.update(piece.tobytes())
        highest = max(highest, largest_pixel(name, piece))
        keys += [
            hashlib.blake2b(image.tobytes(), digest_size=8).digest()
            for image in piece.astype(dtype, copy=False)
        ]
    return highest, np.frombuffer(b"".join(keys), np.uint64)


def _pieces(images: Array) -> Iterator[Array]:
    for start in range(0, len(images), _CHUNK):
        yield np.ascontiguousarray(images[start : start + _CHUNK])
