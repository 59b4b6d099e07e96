"""Images of your own, from files or an ``.npz`` archive, and the command that compares on them."""

from __future__ import annotations

import argparse
import shlex
import sys
import warnings
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from thesis_lib import (
    arguments,
    comparison,
    durable,
    image_files,
    image_sets,
    own_labels,
    own_methods,
)
from thesis_lib.comparison_result import Comparison
from thesis_lib.data import stratified_split
from thesis_lib.engine import budget, cluster
from thesis_lib.wording import counted, some

Array = NDArray[Any]

_SIZE = 32  # of the images of a folder
_KEYS = ("x_train", "y_train", "x_test", "y_test")


@dataclass(frozen=True)
class OwnData:
    """Images and labels as `thesis_lib.compare` takes them.

    Attributes
    ----------
    x_train, x_test : ndarray, (n, height, width) or (n, height, width, channels)
    y_train, y_test : ndarray, (n,)
        Integers or strings.
    note : str
        Where the data came from and how they were split.
    """

    x_train: Array
    y_train: Array
    x_test: Array
    y_test: Array
    note: str


def load(
    path: str | Path, *, size: int | None = None, test_size: float = 0.3, random_state: int = 0
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

    Raises
    ------
    FileNotFoundError, ValueError, TypeError
        If there is nothing at the path, or not what is asked for above.
    """
    source = Path(path)
    _check_split(size, test_size, random_state)
    if parts := _listings(source):
        return _from_files(parts, size or _SIZE, test_size, random_state)
    arrays = _arrays(source, size)
    if set(arrays) == {"x", "y"}:
        return _split(arrays["x"], arrays["y"], test_size, random_state, f"{source.name}.")
    return OwnData(**arrays, note=f"{source.name}, split as it came.")


def load_to_fit(path: str | Path, *, size: int | None = None) -> tuple[Array, Array, str]:
    """Load the images to train the chosen method on: all, or the training set if they are split.

    Parameters
    ----------
    path, size
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
    """
    source = Path(path)
    _check_size(size)
    if parts := _listings(source):
        found = parts.get("train") or parts[""]
        note = found.note(size or _SIZE) + " Those of test are not trained on." * ("test" in parts)
        return image_files.read(found.files, size or _SIZE), found.labels, note
    arrays = _arrays(source, size)
    split = "x_train" in arrays
    x, y = (arrays["x_train"], arrays["y_train"]) if split else (arrays["x"], arrays["y"])
    return x, own_labels.read("y", y), f"{source.name}.{' x_test is not trained on.' * split}"


def resized(images: ArrayLike, size: int, white: float | None = None) -> Array:
    """Resize images to size × size pixels, smoothed where they shrink.

    Parameters
    ----------
    images : array_like, (n, height, width) or (n, height, width, channels)
        As `thesis_lib.compare` takes them.
    size : int
    white : float, optional
        The value of a white pixel; told from these images if not given, as `thesis_lib.compare`
        does. Give the same one for both sets of a comparison.

    Returns
    -------
    ndarray of uint8
        From 0 to 255; of uint16 and as bright as they came if white is above 255.

    Raises
    ------
    ValueError, TypeError
        If they are not such images, or size is no whole number from 1.
    """
    from skimage.transform import resize

    array, size = np.asarray(images), arguments.whole("size", size, 1)
    highest = _largest_pixel("images", array)
    if white is None:
        white = image_sets.white(array.dtype, highest)
    top = 65535 if arguments.number("white", white, highest) > 255 else 255
    scale = 1 if white == 1 else top
    shape = (len(array), size, size, *array.shape[3:])
    result: Array = np.empty(shape, np.uint16 if top > 255 else np.uint8)
    for row, image in enumerate(array):
        small = resize(image / scale, shape[1:], order=1, anti_aliasing=True)
        result[row] = np.rint(top * small.clip(0, 1))
    return result


def _largest_pixel(name: str, images: Array) -> float:
    if images.ndim not in (3, 4) or len(images) == 0:
        raise ValueError(f"{name} has to be (n, height, width[, channels]); got {images.shape}.")
    return image_sets.largest_pixel(name, images)


def _common_white(arrays: Mapping[str, Array]) -> float:
    """Return the value of a white pixel in both sets: one may be too dark to tell it."""
    sets = {name: array for name, array in arrays.items() if name[0] == "x"}
    highest = [_largest_pixel(name, images) for name, images in sets.items()]
    dtypes = [images.dtype for images in sets.values()]
    return image_sets.common_white(dtypes[0], dtypes[-1], (highest[0], highest[-1]))


def _check_size(size: int | None) -> None:
    if size is not None:
        arguments.whole("size", size, 8, 256)


def _check_split(size: int | None, test_size: float, random_state: int) -> None:
    _check_size(size)
    arguments.number("test_size", test_size, 0, 1, "()")
    arguments.whole("the seed of the split", random_state, 0)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``thesis-lib compare-on``.

    Parameters
    ----------
    parser : argparse.ArgumentParser
        Changed in place.
    """
    parser.add_argument(
        "data",
        metavar="FOLDER|FILE.csv|FILE.npz",
        help="a folder with one sub-folder of images a class, or two such folders, train and test; "
        "or a table with the columns file and label, and set (train, test) if they are split; or "
        "the arrays x_train, y_train, x_test, y_test, or x and y. What is not split is, by class",
    )
    parser.add_argument(
        "--methods",
        type=_name,
        nargs="+",
        default=list(own_methods.DEFAULT_METHODS),
        metavar="METHOD",
        help=f"of {', '.join(own_methods.METHODS)} "
        f"(default: {' '.join(own_methods.DEFAULT_METHODS)})",
    )
    parser.add_argument(
        "--seeds",
        type=seed_argument,
        nargs="+",
        default=[1, 2, 3, 4, 5],
        metavar="SEED",
        help="one run of each method a seed (default: 1 2 3 4 5)",
    )
    add_training(parser)
    parser.add_argument(
        "--test-size",
        type=float,
        default=0.3,
        metavar="SHARE",
        help="of each class, where the data are not split yet (default: 0.3)",
    )
    parser.add_argument(
        "--split-seed", type=int, default=0, metavar="SEED", help="of that split (default: 0)"
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("comparison"),
        help="folder of report.html, table.csv and the records (default: comparison)",
    )
    parser.add_argument(
        "--scheduler",
        metavar="tcp://HOST:PORT",
        help="train on the workers of this Dask cluster, which the images are sent to",
    )
    parser.add_argument(
        "--max-seconds", type=float, help="stop at the end of this time, and say what is left"
    )


def add_training(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that ``compare-on`` shares with ``fit-on``.

    Parameters
    ----------
    parser : argparse.ArgumentParser
        Changed in place.
    """
    for option, default in (("--epochs", 20), ("--batch-size", 32), ("--learning-rate", 0.001)):
        kind = type(default)
        parser.add_argument(option, type=kind, default=default, help=f"(default: {default})")
    parser.add_argument(
        "--size",
        type=int,
        help=f"resize images to so many pixels a side (default: {_SIZE} for image files; arrays "
        "stay as they are)",
    )


def _name(text: str) -> str:
    if "," in text:
        apart = " ".join(text.replace(",", " ").split())
        raise argparse.ArgumentTypeError(f"separate them by spaces: {apart}")
    return text


def seed_argument(text: str) -> int:
    """Read a seed from the command line.

    Parameters
    ----------
    text : str

    Raises
    ------
    argparse.ArgumentTypeError
        If it is no whole number, or several with commas between them.
    """
    try:
        return int(_name(text))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number") from None


def run(options: argparse.Namespace) -> int:
    """Compare, print the table and the recommendation, and write the report.

    Parameters
    ----------
    options : argparse.Namespace
        With the arguments of `add_arguments`.

    Returns
    -------
    int
        The exit status: 0; 1 if the time ran out, or 130 if training was interrupted.

    Raises
    ------
    ValueError
        If the folder of ``--out`` is a file, or as for `load` and `comparison.compare`.
    OSError, RuntimeError
        As for `load` and `comparison.compare`.
    """
    if options.out.exists() and not options.out.is_dir():
        raise ValueError(f"--out {options.out} is a file; it has to be a folder.")
    # Before the images are read, which may take minutes.
    comparison.checked_methods(options.methods)
    settings = comparison.checked_settings(
        options.epochs, options.batch_size, options.learning_rate
    )
    split = {
        "size": options.size,
        "test_size": options.test_size,
        "random_state": options.split_seed,
    }
    _check_split(**split)
    seeds = comparison.checked_seeds(options.seeds)
    if options.scheduler is not None:
        cluster.check_address(options.scheduler)
    durable.check_writable(options.out)
    if len(seeds) < 2:
        warnings.warn(
            "--seeds takes the seeds themselves: with one there is no recommendation. For three "
            "write --seeds 1 2 3.",
            stacklevel=2,
        )
    loaded = load(options.data, **split)
    print(loaded.note, flush=True)
    try:
        result = comparison.compare(
            loaded.x_train,
            loaded.y_train,
            loaded.x_test,
            loaded.y_test,
            methods=options.methods,
            seeds=seeds,
            **settings,
            folder=options.out / "records",
            scheduler=options.scheduler,
        )
    except (KeyboardInterrupt, budget.OutOfTime) as stopped:
        records = options.out / "records"
        print(
            f"thesis-lib: {str(stopped) or 'interrupted'}; what is finished lies in {records}, and "
            "the same command goes on from there.",
            file=sys.stderr,
        )
        return 1 if isinstance(stopped, budget.OutOfTime) else 130
    report = result.save_report(options.out / "report.html", source=loaded.note)
    result.table().to_csv(options.out / "table.csv")
    print(_in_terminal(result))
    print(result.recommendation)
    if result.better():
        print(f"To train it: {_to_fit(options, result.better()[0])}")
    print(f"The whole report: {report}")
    return 0


def _to_fit(options: argparse.Namespace, method: str) -> str:
    """Return the command that trains a method as it was compared."""
    words = ["thesis-lib", "fit-on", options.data, "--method", method]
    for name in ("epochs", "batch_size", "learning_rate", "size"):
        if getattr(options, name) is not None:
            words += [f"--{name.replace('_', '-')}", str(getattr(options, name))]
    return shlex.join([*words, "--out", f"{method}.keras"])


def _in_terminal(result: Comparison) -> str:
    """Return the table with its notes as lines below it, which would make it wide."""
    table = result.table()
    notes = [f"{method}: {note}." for method, note in table.pop("Note").items() if note]
    trained = table.drop(index=[own_methods.LABELS[name] for name in result.skipped])
    return "\n".join([trained.to_string(), *notes])


def _arrays(source: Path, size: int | None) -> dict[str, Array]:
    if not source.exists():
        raise FileNotFoundError(f"There is no file or folder {source}.")
    arrays = _read_npz(source)
    if size is None:
        return arrays
    white = _common_white(arrays)
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
    y = own_labels.read("y", y)
    if x.ndim == 0 or len(x) != len(y):
        raise ValueError(f"x has {len(x) if x.ndim else 0} images, but y has {len(y)} labels.")
    train, test = stratified_split(y, test_size, seed)
    share = f"{test_size:.0%} of each class, drawn with seed {seed}, are the test set."
    return OwnData(x[train], y[train], x[test], y[test], f"{note} {share}{_not_split(y)}")


def _not_split(y: Array) -> str:
    """Name the classes that a split leaves without a test image."""
    names, counts = np.unique(y, return_counts=True)
    single = [str(name) for name in names[counts == 1]]
    if not single:
        return ""
    head = f"{counted(len(single), 'class', 'classes')} of one image, not split but trained on"
    return f" {head}: {some(single)}."


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
