"""Where images come from: a folder, Keras's cache or the network; and whether they are whole.

What is found is plain arrays, and the words that say where; :mod:`thesis_lib.data` makes data sets
of them.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import pickle
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial, wraps
from pathlib import Path
from typing import Any, BinaryIO, ParamSpec, TypeVar

import numpy as np
from numpy.typing import NDArray

from thesis_lib import download

Array = NDArray[Any]
T = TypeVar("T")
P = ParamSpec("P")

Found = tuple[dict[str, Array], str]
"""The arrays ``x_train``, ``y_train``, ``x_test`` and ``y_test``, and where they were found.

Images are uint8, (n, height, width) or (n, height, width, channels); labels are int64, (n,).
"""

# MD5 of the four original IDX files of each, uncompressed.
_MD5 = {
    "MNIST": {
        "x_train": "6bbc9ace898e44ae57da46a324031adb",
        "y_train": "a25bea736e30d166cdddb491f175f624",
        "x_test": "2646ac647ad5339dbf082846283269ea",
        "y_test": "27ae3e4e09519cfbb04c329615203637",
    },
    "Fashion-MNIST": {
        "x_train": "f4a8712d7a061bf5bd6d2ca38dc4d50a",
        "y_train": "9018921c3c673c538a1fc5bad174d6f9",
        "x_test": "8181f5470baa50b63fa0f6fddb340f0a",
        "y_test": "15d484375f8d13e6eb1aabb0c3f46965",
    },
}
_KEYS = tuple(_MD5["MNIST"])
# Where Keras takes its data sets from, and what it calls them in its cache.
_KERAS_URL = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"
_MNIST_URL = _KERAS_URL + "mnist.npz"
_FASHION_FILES = {
    "x_train": "train-images-idx3-ubyte.gz",
    "y_train": "train-labels-idx1-ubyte.gz",
    "x_test": "t10k-images-idx3-ubyte.gz",
    "y_test": "t10k-labels-idx1-ubyte.gz",
}
_CIFAR_URL = "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz"
_CIFAR_BATCHES = {"train": [f"data_batch_{i}" for i in range(1, 6)], "test": ["test_batch"]}
_CIFAR_FILE = "cifar-10-batches-py-target_archive"
_CIFAR_SHA256 = "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce"


class DataUnavailable(RuntimeError):
    """A data set is neither on this machine nor to be had from the network."""


@dataclass(frozen=True)
class Other:
    """What a data set beside MNIST is called, where it lies, and what it has to look like.

    Attributes
    ----------
    title : str
        As a reader knows it.
    file : str
        In a folder of the reader's.
    cached : str
        What Keras calls its copy, a file or a folder; it may lie in a folder of the reader's too.
    shape : tuple of int
        Of one image.
    sizes : tuple of int
        Numbers of images for training and for the test.
    """

    title: str
    file: str
    cached: str
    shape: tuple[int, ...]
    sizes: tuple[int, int]


OTHERS = {
    "fashion-mnist": Other(
        "Fashion-MNIST",
        "fashion_mnist.npz",
        "fashion-mnist",
        (28, 28),
        (60_000, 10_000),
    ),
    "cifar10": Other(
        "CIFAR-10",
        "cifar10.npz",
        _CIFAR_FILE,
        (32, 32, 3),
        (50_000, 10_000),
    ),
}


def files() -> list[Path]:
    """Return every file that would be looked for now, there or not, in a fixed order."""
    kept = ["mnist.npz", "cats_dogs.npz", *(other.file for other in OTHERS.values()), _CIFAR_FILE]
    fashion = _candidates(OTHERS["fashion-mnist"].cached)
    return [
        *(path for file in kept for path in _candidates(file)),
        *(folder / file for folder in fashion for file in _FASHION_FILES.values()),
    ]


def _read_only(find: Callable[P, Found]) -> Callable[P, Found]:
    """Lock the arrays: all who ask get the same ones, which were checked once."""

    @wraps(find)
    def locked(*args: P.args, **kwargs: P.kwargs) -> Found:
        arrays, source = find(*args, **kwargs)
        for array in arrays.values():
            array.flags.writeable = False
        return arrays, source

    return locked


@cache
@_read_only
def mnist() -> Found:
    """Find MNIST, checked against the MD5 sums of the four original files.

    Raises
    ------
    DataUnavailable
        If it is nowhere.
    ValueError
        If a file is damaged (it is left as it is).
    """
    here = _first("mnist.npz")
    if here is not None:
        path, source = here
        return _verified("MNIST", _read_npz(path, _KEYS), str(path)), source
    try:
        arrays = download.fetch(_MNIST_URL, _keras_cache() / "mnist.npz", _downloaded_mnist)
    except download.NotDownloaded as error:
        raise DataUnavailable(
            f"MNIST is not on this machine, and {error}. "
            "Put mnist.npz into a folder and name the folder in THESIS_LIB_DATA."
        ) from None
    return arrays, "the network"


@cache
@_read_only
def digits() -> Found:
    """Resize scikit-learn's digits to 28×28 pixels."""
    from skimage.transform import resize

    small = np.moveaxis(_embedded_digits()[0] / 16, 0, -1)
    large = np.moveaxis(resize(small, (28, 28, small.shape[-1]), order=1), -1, 0)
    return _split_digits(np.rint(large * 255).astype(np.uint8))


@cache
@_read_only
def small_digits() -> Found:
    """Take scikit-learn's digits as they come, 8×8 pixels."""
    images = _embedded_digits()[0]
    return _split_digits(np.rint(images * 255 / 16).astype(np.uint8))


@cache
@_read_only
def other(name: str) -> Found:
    """Find Fashion-MNIST or CIFAR-10: in one file, else as Keras keeps it, else from the network.

    Fashion-MNIST is checked against the MD5 sums of its four original files, as MNIST is; of
    CIFAR-10 the shapes are, and the archive that Keras takes against Keras's own sum.

    Parameters
    ----------
    name : str
        A key of ``OTHERS``.

    Raises
    ------
    DataUnavailable
        If it is nowhere.
    ValueError
        If a file is damaged or holds something else (it is left as it is).
    """
    wanted = OTHERS[name]
    here = _first(wanted.file)
    if here is not None:
        path, source = here
        return _checked(wanted, _read_npz(path, _KEYS), str(path)), source
    path, source = _copy(wanted)
    try:
        arrays = _fashion_mnist(path) if name == "fashion-mnist" else _cifar10(path)
    except download.NotDownloaded as error:
        raise DataUnavailable(
            f"{wanted.title} is not on this machine, and {error}. Put {wanted.file} or Keras's "
            f"{wanted.cached} into a folder and name the folder in THESIS_LIB_DATA."
        ) from None
    return _checked(wanted, arrays, str(path)), source


LOADERS: dict[str, Callable[[], Found]] = {
    "mnist": mnist,
    "digits": digits,
    "digits-8x8": small_digits,
    **{name: partial(other, name) for name in OTHERS},
}
"""What finds the data set of a name."""


def pictures() -> tuple[NDArray[np.uint8], NDArray[np.str_], str]:
    """Find photographs of cats and dogs, or what stands in for them.

    Returns
    -------
    images : ndarray of uint8, (n, height, width, 3)
    labels : ndarray of str, (n,)
        "cat", "dog" or "photograph".
    source : str

    Raises
    ------
    ValueError
        If a file is damaged or holds something else (it is left as it is).
    """
    found = _first("cats_dogs.npz")
    if found:
        return *_cats_and_dogs(found[0]), found[1]
    try:
        arrays = _cifar10(_copy(OTHERS["cifar10"])[0], "test")
    except download.NotDownloaded:
        return photographs()
    x, y = arrays["x_test"], arrays["y_test"]
    chosen = np.isin(y, (3, 5))
    return x[chosen], np.where(y[chosen] == 3, "cat", "dog"), "CIFAR-10"


def photographs() -> tuple[NDArray[np.uint8], NDArray[np.str_], str]:
    """Cut photographs that ship with scikit-image into tiles of 32×32 (see `pictures`)."""
    from skimage import data as shipped

    tiles = []
    for name in ("astronaut", "coffee", "cat", "rocket"):
        picture = getattr(shipped, name)()[..., :3]
        height, width = (n - n % 32 for n in picture.shape[:2])
        grid = picture[:height, :width].reshape(height // 32, 32, width // 32, 32, 3)
        tiles.append(grid.swapaxes(1, 2).reshape(-1, 32, 32, 3))
    images = np.concatenate(tiles)
    return images, np.full(len(images), "photograph"), "scikit-image"


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


def _first(file: str) -> tuple[Path, str] | None:
    """Return the first candidate that is there, and the words that say where."""
    for path in _candidates(file):
        if path.exists():
            return path, "Keras's cache" if path.parent == _keras_cache() else "THESIS_LIB_DATA"
    return None


def _copy(wanted: Other) -> tuple[Path, str]:
    """Return where the files that Keras takes lie, or will lie once they are downloaded."""
    return _first(wanted.cached) or (_keras_cache() / wanted.cached, "the network")


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


def _downloaded_mnist(file: BinaryIO) -> dict[str, Array]:
    return _verified("MNIST", _read_npz(file, _KEYS), "The download")


def _verified(title: str, arrays: Mapping[str, Array], where: str) -> dict[str, Array]:
    for key, expected in _MD5[title].items():
        # Whatever the sum says, other types would not be the same numbers to the reader.
        kinds = "u" if key.startswith("x") else "iu"
        if arrays[key].dtype.kind not in kinds:
            raise ValueError(f"{where}: {key} has dtype {arrays[key].dtype}; replace the file.")
        if hashlib.md5(_idx_bytes(arrays[key]), usedforsecurity=False).hexdigest() != expected:
            raise ValueError(f"{where}: {key} is not {title}'s (MD5 differs); replace the file.")
    return _with_labels(arrays)


def _with_labels(arrays: Mapping[str, Array]) -> dict[str, Array]:
    """Return images as they are, and labels as flat whole numbers: Keras has columns of bytes."""
    return {
        key: array.reshape(-1).astype(np.int64) if key.startswith("y") else array
        for key, array in arrays.items()
    }


def _idx_bytes(array: Array) -> bytes:
    """Rebuild the bytes of the original IDX file: magic number, shape, content."""
    head = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape)
    return head + array.astype(np.uint8).tobytes()


def _embedded_digits() -> tuple[Array, NDArray[np.int64]]:
    """Return scikit-learn's digits, 8×8 pixels from 0 to 16, with their labels."""
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    return x.reshape(-1, 8, 8), y.astype(np.int64)


def _split_digits(images: Array) -> Found:
    """Split the digits as every page does: 30 % of each class are the test set."""
    from sklearn.model_selection import train_test_split

    y = _embedded_digits()[1]
    split = train_test_split(images, y, test_size=0.3, random_state=0, stratify=y)
    return dict(zip(("x_train", "x_test", "y_train", "y_test"), split, strict=True)), "scikit-learn"


def _checked(wanted: Other, arrays: Mapping[str, Array], where: str) -> dict[str, Array]:
    """Check types, shapes, that all classes are of one size, and the sums where there are any."""
    for part, size in zip(("train", "test"), wanted.sizes, strict=True):
        x, y = arrays[f"x_{part}"], arrays[f"y_{part}"].reshape(-1)
        if x.dtype != np.uint8 or x.shape != (size, *wanted.shape):
            raise ValueError(
                f"{where}: x_{part} has to be uint8 {(size, *wanted.shape)}; got {x.dtype} "
                f"{x.shape}. Replace the file."
            )
        if y.dtype.kind not in "iu" or np.bincount(y, minlength=10).tolist() != [size // 10] * 10:
            raise ValueError(f"{where}: y_{part} is not {wanted.title}'s; replace the file.")
    whole = _with_labels(arrays)
    return _verified(wanted.title, whole, where) if wanted.title in _MD5 else whole


def _kept(url: str, path: Path, read: Callable[[BinaryIO], T]) -> T:
    """Read a file of Keras's cache, downloaded first where it is not there."""
    if path.is_file():
        with open(path, "rb") as file:
            return read(file)
    return download.fetch(url, path, read)


def _fashion_mnist(folder: Path) -> dict[str, Array]:
    """Read the four original files; those that Keras's cache lacks are downloaded."""
    lacking = [name for name in _FASHION_FILES.values() if not (folder / name).is_file()]
    if lacking and folder.parent != _keras_cache():
        raise ValueError(f"{folder} lacks {', '.join(lacking)}; put them there.")
    read = {"x": partial(_unpacked, head=16, shape=(-1, 28, 28)), "y": partial(_unpacked, head=8)}
    return {
        key: _kept(_KERAS_URL + name, folder / name, read[key[0]])
        for key, name in _FASHION_FILES.items()
    }


def _unpacked(file: BinaryIO, head: int, shape: tuple[int, ...] = (-1,)) -> Array:
    """Unpack an IDX file and drop its head, whose length is given in bytes."""
    try:
        content = np.frombuffer(gzip.decompress(file.read()), np.uint8, offset=head)
        return content.reshape(shape)
    except (ValueError, OSError, EOFError, zlib.error) as error:
        raise ValueError(f"{file.name} is damaged or no .gz file ({error}); replace it.") from None


def _cifar10(path: Path, *parts: str) -> dict[str, Array]:
    """Read the parts asked for, both if none is named, of the archive that Keras downloads."""
    read = partial(_cifar_arrays, parts=parts or tuple(_CIFAR_BATCHES))
    return _kept(_CIFAR_URL, path, read)


def _cifar_arrays(file: BinaryIO, parts: Sequence[str]) -> dict[str, Array]:
    if hashlib.sha256(file.read()).hexdigest() != _CIFAR_SHA256:
        raise ValueError(f"{file.name} is damaged (SHA-256 is not CIFAR-10's); remove it.")
    file.seek(0)
    arrays = {}
    with tarfile.open(fileobj=file) as archive:
        for part in parts:
            batches = []
            for name in _CIFAR_BATCHES[part]:
                member = archive.extractfile(f"cifar-10-batches-py/{name}")
                assert member is not None
                # A pickle, whose content the sum above has fixed.
                batches.append(pickle.load(member, encoding="bytes"))
            pixels = np.concatenate([batch[b"data"] for batch in batches])
            arrays[f"x_{part}"] = pixels.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
            arrays[f"y_{part}"] = np.concatenate([batch[b"labels"] for batch in batches])
    return arrays


def _cats_and_dogs(path: Path) -> tuple[NDArray[np.uint8], NDArray[np.str_]]:
    """Read and check a file of the arrays ``cats`` and ``dogs``."""
    arrays = _read_npz(path, ("cats", "dogs"))
    for key, value in arrays.items():
        if value.dtype != np.uint8 or value.ndim != 4 or value.shape[-1] != 3:
            raise ValueError(f"{path}: {key} has to be uint8 (n, height, width, 3).")
    if len({value.shape[1:] for value in arrays.values()}) != 1:
        raise ValueError(f"{path}: cats and dogs have to be of one size.")
    labels = np.repeat(["cat", "dog"], [len(arrays["cats"]), len(arrays["dogs"])])
    return np.concatenate(list(arrays.values())), labels
