"""Images and labels of your own, from image files or an ``.npz`` archive."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from thesis_lib import arguments
from thesis_lib.data import stratified_split
from thesis_lib.own import class_labels, image_files, image_sets
from thesis_lib.wording import counted, some

Array = NDArray[Any]

SIZE = 32
"""Pixels a side that image files are resized to, if nothing else is asked for."""

_KEYS = ("x_train", "y_train", "x_test", "y_test")


@dataclass(frozen=True)
class OwnData:
    """Images and labels as `thesis_lib.compare` takes them.

    Attributes
    ----------
    x_train, x_test : ndarray, (n, height, width) or (n, height, width, channels)
    y_train, y_test : ndarray
        As they came if the data were split already; otherwise (n,) integers or strings.
    note : str
        Where the data came from and how they were split.
    """

    x_train: Array
    y_train: Array
    x_test: Array
    y_test: Array
    note: str


def load(
    path: str | Path,
    *,
    size: int | None = None,
    test_size: float = 0.3,
    random_state: int = 0,
    white: float | None = None,
) -> OwnData:
    """Load a file or a folder of images.

    Parameters
    ----------
    path : str or Path
        A file ``.npz`` with ``x_train, y_train, x_test, y_test``, or with ``x, y``; or a folder
        with one sub-folder of images a class, or with two such folders, ``train`` and ``test``; or
        a table of image files, as `image_files.listed_in` takes it.
        Images are PNG, JPEG, BMP, TIFF or WebP; hidden files do not count.
    size : int, optional
        Height and width that all images are resized to: 32 for image files, unchanged for arrays
        if not given.
    test_size : float
        Share of each class's images that becomes the test set, where the data are not split yet.
    random_state : int
        Of that split.
    white : float, optional
        The value of a white pixel in arrays that are resized, as `resized` takes it; told from both
        sets if not given. `white_after` says what it is in what comes back.

    Raises
    ------
    FileNotFoundError, ValueError, TypeError
        If there is nothing at the path, or not what is asked for above.

    Examples
    --------
    Five stained tiles and fifteen whole ones, of which a fifth each becomes the test set:

    >>> import tempfile
    >>> x, y = np.zeros((20, 64, 64), np.uint8), np.repeat(["stain", "whole"], [5, 15])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     np.savez(f"{folder}/tiles.npz", x=x, y=y)
    ...     found = load(f"{folder}/tiles.npz", size=32, test_size=0.2)
    >>> found.x_train.shape, found.y_test.tolist()
    ((16, 32, 32), ['stain', 'whole', 'whole', 'whole'])
    >>> found.note
    'tiles.npz. 20% of each class, drawn with seed 0, are the test set.'
    """
    source = Path(path)
    check_split(size, test_size, random_state)
    if parts := _listings(source):
        return _from_files(parts, size or SIZE, test_size, random_state)
    arrays = _arrays(source, size, white)
    if set(arrays) == {"x", "y"}:
        return _split(arrays["x"], arrays["y"], test_size, random_state, f"{source.name}.")
    return OwnData(**arrays, note=f"{source.name}, split as it came.")


def load_to_fit(
    path: str | Path, *, size: int | None = None, white: float | None = None
) -> tuple[Array, Array, str]:
    """Load the images to train the chosen method on: all, or the training set if they are split.

    Parameters
    ----------
    path, size, white
        As for `load`.

    Returns
    -------
    x : ndarray, (n, height, width) or (n, height, width, channels)
    y : ndarray, (n,)
    note : str
        Where they came from.

    Raises
    ------
    FileNotFoundError, ValueError, TypeError
        As for `load`.

    Examples
    --------
    >>> import tempfile
    >>> x, y = np.zeros((8, 16, 16), np.uint8), np.arange(8) % 2
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = f"{folder}/tiles.npz"
    ...     np.savez(path, x_train=x[:6], y_train=y[:6], x_test=x[6:], y_test=y[6:])
    ...     x_fit, y_fit, note = load_to_fit(path)
    >>> x_fit.shape, note
    ((6, 16, 16), 'tiles.npz. x_test is not trained on.')
    """
    return _load_one_set(path, size, white)


def load_unsplit(
    path: str | Path, *, size: int | None = None, white: float | None = None
) -> tuple[Array, Array, str]:
    """Load images that have no training and test set yet, all of them.

    Parameters
    ----------
    path, size, white
        As for `load`.

    Returns
    -------
    x, y, note
        As of `load_to_fit`.

    Raises
    ------
    ValueError
        If they are split.
    FileNotFoundError, TypeError
        As for `load`.
    """
    return _load_one_set(path, size, white, unsplit=True)


def _load_one_set(
    path: str | Path, size: int | None, white: float | None, *, unsplit: bool = False
) -> tuple[Array, Array, str]:
    """Load all images, or those of train; refuse what is split before any image file is read."""
    source = Path(path)
    _check_size(size)
    parts = _listings(source)
    arrays = {} if parts else _arrays(source, size, white)
    split = "train" in parts or "x_train" in arrays
    if split and unsplit:
        raise ValueError(
            f"{source.name} has a training and a test set. To split the images anew with each "
            "seed, put all of them in one set."
        )
    if parts:
        found = parts["train" if split else ""]
        note = found.note(size or SIZE) + " Those of test are not trained on." * split
        return image_files.read(found.files, size or SIZE), found.labels, note
    x, y = (arrays["x_train"], arrays["y_train"]) if split else (arrays["x"], arrays["y"])
    return x, class_labels.read("y", y), f"{source.name}.{' x_test is not trained on.' * split}"


def split_note(y: Array, test_size: float, drawn: str) -> str:
    """Say how the images are split, and name the classes that have no test image then.

    Parameters
    ----------
    y : ndarray, (n,)
    test_size : float
    drawn : str
        How the test set is drawn.
    """
    share = f"{test_size:.0%} of each class, drawn {drawn}, are the test set."
    names, counts = np.unique(y, return_counts=True)
    single = [str(name) for name in names[counts == 1]]
    if not single:
        return share
    head = f"{counted(len(single), 'class', 'classes')} of one image, not split but trained on"
    return f"{share} {head}: {some(single)}."


def resized(images: ArrayLike, size: int, white: float | None = None) -> Array:
    """Resize images to size × size pixels, smoothed where they shrink.

    Parameters
    ----------
    images : array_like, (n, height, width) or (n, height, width, channels)
        As `thesis_lib.compare` takes them.
    size : int
    white : float, optional
        The value of a white pixel, not below the largest one; told from these images if not
        given, as `thesis_lib.compare` does. Give the same one for both sets of a comparison.
        `white_after` says what it is in what comes back.

    Returns
    -------
    ndarray of uint8
        With 255 for white; of uint16 and as bright as they came if white is above 255, with 65535
        for white where it is above that.

    Raises
    ------
    ValueError, TypeError
        If they are not such images, size is no whole number from 1, or white is no number above 0,
        below a pixel, or above 255 for images of 8 bits.

    Examples
    --------
    Numbers from 0 to 1, and a camera's of 12 bits:

    >>> small = resized(np.full((2, 64, 64), 0.2), 8)
    >>> small.shape, small.dtype.name, int(small.max())
    ((2, 8, 8), 'uint8', 51)
    >>> small = resized(np.full((2, 64, 64), 819, np.uint16), 8, white=4095)
    >>> small.dtype.name, int(small.max())
    ('uint16', 819)
    """
    from skimage.transform import resize

    array, size = np.asarray(images), arguments.whole("size", size, 1)
    highest = _largest_pixel("images", array)
    white = image_sets.scale_of(white, {"images": array}, [highest])
    top = white_after(white)
    shape = (len(array), size, size, *array.shape[3:])
    result: Array = np.empty(shape, np.uint16 if top > 255 else np.uint8)
    for row, image in enumerate(array):
        small = resize(image / white, shape[1:], order=1, anti_aliasing=True)
        result[row] = np.rint(top * small.clip(0, 1))
    return result


def white_after(white: float) -> float:
    """Return the value of a white pixel in what `resized` makes of images.

    Parameters
    ----------
    white : float
        What it was before.

    Examples
    --------
    >>> white_after(1.0), white_after(4095), white_after(100_000)
    (255, 4095, 65535)
    """
    return min(max(white, 255), 65535)


def _largest_pixel(name: str, images: Array) -> float:
    if images.ndim not in (3, 4) or len(images) == 0:
        raise ValueError(
            f"{name} has to be (n, height, width[, channels]), not empty; got {images.shape}."
        )
    return image_sets.largest_pixel(name, images)


def _check_size(size: int | None) -> None:
    if size is not None:
        arguments.whole("size", size, 8, 256)


def check_split(size: int | None, test_size: float, random_state: int) -> None:
    """Refuse what `load` would refuse, before anything is read.

    Parameters
    ----------
    size, test_size, random_state
        As for `load`.

    Raises
    ------
    ValueError, TypeError
        If one of them is out of its range.
    """
    _check_size(size)
    arguments.number("test_size", test_size, 0, 1, "()")
    arguments.whole("the seed of the split", random_state, 0)


def _arrays(source: Path, size: int | None, white: float | None) -> dict[str, Array]:
    if not source.exists():
        raise FileNotFoundError(f"There is no file or folder {source}.")
    arrays = _read_npz(source)
    if size is None:
        return arrays
    sets = {name: array for name, array in arrays.items() if name[0] == "x"}
    highest = [_largest_pixel(name, images) for name, images in sets.items()]
    white = image_sets.scale_of(white, sets, highest)
    return {k: resized(v, size, white) if k[0] == "x" else v for k, v in arrays.items()}


def _listings(source: Path) -> dict[str, image_files.Listing]:
    """List image files by set, "" where they are not split; nothing if these are arrays."""
    if source.suffix.lower() == ".csv" and source.is_file():
        return image_files.listed_in(source)
    if not source.is_dir():
        return {}
    folders = [child for child in image_files.visible(source) if child.is_dir()]
    named = {child.name.lower(): child for child in folders}
    if not {"train", "test"} <= set(named):
        return {"": image_files.listed(source)}
    parts = {name: image_files.listed(named[name]) for name in ("train", "test")}
    if others := [c.name for c in folders if c not in (named["train"], named["test"])]:
        parts["test"].left_out.append(f"not used: {some(others)}")
    return parts


def _from_files(
    parts: Mapping[str, image_files.Listing], size: int, test_size: float, seed: int
) -> OwnData:
    if "" in parts:
        images = image_files.read(parts[""].files, size)
        return _split(images, parts[""].labels, test_size, seed, parts[""].note(size))
    train, test = parts["train"], parts["test"]
    x, n = image_files.read([*train.files, *test.files], size), len(train.files)
    note = f"{train.note(size)} {test.note(size)}"
    return OwnData(x[:n], train.labels, x[n:], test.labels, note)


def _split(x: Array, y: Array, test_size: float, seed: int, note: str) -> OwnData:
    y = class_labels.of_images(x, y)
    train, test = stratified_split(y, test_size, seed)
    note = f"{note} {split_note(y, test_size, f'with seed {seed}')}"
    return OwnData(x[train], y[train], x[test], y[test], note)


def _read_npz(path: Path) -> dict[str, Array]:
    if path.suffix.lower() != ".npz":
        raise ValueError(f"{path.name} has to be a folder, or end in .npz or .csv.")
    if not zipfile.is_zipfile(path):
        raise ValueError(
            f"{path.name} could not be read: it is no archive of arrays, as numpy.savez makes them."
        )
    try:
        with np.load(path, allow_pickle=False) as file:
            found = list(file)
            for keys in (_KEYS, ("x", "y")):
                if set(keys) <= set(found):
                    return {key: file[key] for key in keys}
    except (ValueError, OSError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(
            f"{path.name} could not be read: {str(error).rstrip('.')}. Save arrays of numbers, and "
            "labels as integers or strings (y.astype(str)), not as objects."
        ) from error
    raise ValueError(
        f"{path.name} has to hold x_train, y_train, x_test and y_test, or x and y; "
        f"it holds {', '.join(found) or 'nothing'}."
    )
