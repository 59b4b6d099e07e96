"""The command ``thesis-lib compare-on``: compare methods on images of your own."""

from __future__ import annotations

import argparse
import shlex
import sys
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from thesis_lib import arguments, durable
from thesis_lib.engine import budget, cluster
from thesis_lib.own import class_labels, comparison, costs, loading, offered, splits
from thesis_lib.own.comparison_result import Comparison

_Loaded = tuple[Callable[..., Comparison], ArrayLike, str]


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
        default=list(offered.DEFAULT_METHODS),
        metavar="METHOD",
        help=f"of {', '.join(offered.METHODS)} (default: {' '.join(offered.DEFAULT_METHODS)})",
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
        "--resplit",
        action="store_true",
        help="split anew with each of --seeds, to see what other images change; intervals and "
        "tests allow for the images that the splits share",
    )
    costs.add_arguments(parser)
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
        help="resize images to so many pixels a side "
        f"(default: {loading.SIZE} for image files; arrays stay as they are)",
    )
    parser.add_argument(
        "--white",
        type=float,
        help="value of a white pixel in the arrays or image files, such as 4095 where a camera "
        "writes 12 bits into 16 (default: told from the largest pixel, as 1, 255, 1023, 4095, "
        "16383 or 65535)",
    )


def white_of(options: argparse.Namespace) -> float | None:
    """Return the value of a white pixel in the images as they are loaded, if it was given.

    Parameters
    ----------
    options : argparse.Namespace
        With the arguments of `add_training`, and the data.

    Raises
    ------
    ValueError, TypeError
        If it is no number above 0.
    """
    if options.white is None:
        return None
    white = arguments.number("--white", options.white, 0, ends="()")
    resizes = options.size is not None and Path(options.data).suffix.lower() == ".npz"
    return loading.white_after(white) if resizes else white


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
        If the folder of ``--out`` is a file, there are shares without costs, or as for
        `loading.load`, `costs.of_options` and `comparison.compare`.
    OSError, RuntimeError
        As for `loading.load` and `comparison.compare`.
    """
    settings, split = _checked(options)
    records = options.out / "records"
    settings |= {"folder": records, "scheduler": options.scheduler}
    load = _on_splits if options.resplit else _on_one_split
    compare, labels, note = load(options.data, {**split, "white": options.white})
    prices = costs.of_options(options, np.unique(labels))  # before a network is trained
    print(note, flush=True)
    try:
        result = compare(**settings)
    except (KeyboardInterrupt, budget.OutOfTime) as stopped:
        print(
            f"thesis-lib: {str(stopped) or 'interrupted'}; what is finished lies in {records}, and "
            "the same command goes on from there.",
            file=sys.stderr,
        )
        return 1 if isinstance(stopped, budget.OutOfTime) else 130
    report = result.save_report(options.out / "report.html", source=note, **prices)
    result.table().to_csv(options.out / "table.csv")
    print(_in_terminal(result))
    if prices:
        print(f"{costs.said(**prices)}\n{result.cost_table(**prices).to_string()}")
    print(result.recommendation)
    if result.better():
        print(f"To train it: {_to_fit(options, result.better()[0])}")
    print(f"The whole report: {report}")
    return 0


def _on_one_split(data: str, split: dict[str, Any]) -> _Loaded:
    """Return the comparison of loaded images, their labels, and where they came from."""
    loaded = loading.load(data, **split)
    sets = loaded.x_train, loaded.y_train, loaded.x_test, loaded.y_test
    # By the names that the comparison gives the classes: 1 for 1.0, and for a one-hot row.
    labels = class_labels.read("y_train", loaded.y_train)
    return partial(comparison.compare, *sets), labels, loaded.note


def _on_splits(data: str, split: dict[str, Any]) -> _Loaded:
    """Do the same where each seed splits them anew."""
    x, y, note = loading.load_unsplit(data, size=split["size"], white=split["white"])
    share = split["test_size"]
    compare = partial(splits.compare_splits, x, y, test_size=share)
    return compare, y, f"{note} {loading.split_note(y, share, 'anew with each seed')}"


def _checked(options: argparse.Namespace) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the settings of the comparison and of the split, checked before images are read."""
    if options.out.exists() and not options.out.is_dir():
        raise ValueError(f"--out {options.out} is a file; it has to be a folder.")
    if options.share and not options.cost:
        raise ValueError("--share is for --cost; give --cost as well.")
    comparison.checked_methods(options.methods)
    settings = comparison.checked_settings(
        options.epochs, options.batch_size, options.learning_rate
    )
    settings["white"] = white_of(options)
    split = {
        "size": options.size,
        "test_size": options.test_size,
        "random_state": options.split_seed,
    }
    loading.check_split(**split)
    if options.resplit and options.split_seed:
        raise ValueError("--resplit splits with each of --seeds; leave --split-seed out.")
    seeds = comparison.checked_seeds(options.seeds)
    if options.scheduler is not None:
        cluster.check_address(options.scheduler)
    durable.check_writable(options.out)
    if len(seeds) < 2:
        warnings.warn(
            "--seeds takes the seeds themselves: with one there is no recommendation. For three "
            "write --seeds 1 2 3.",
            stacklevel=3,
        )
    return {**settings, "methods": options.methods, "seeds": seeds}, split


def _to_fit(options: argparse.Namespace, method: str) -> str:
    """Return the command that trains a method as it was compared."""
    words = ["thesis-lib", "fit-on", options.data, "--method", method]
    for name in ("epochs", "batch_size", "learning_rate", "size", "white"):
        if getattr(options, name) is not None:
            words += [f"--{name.replace('_', '-')}", str(getattr(options, name))]
    return shlex.join([*words, "--out", f"{method}.keras"])


def _in_terminal(result: Comparison) -> str:
    """Return the table with its notes as lines below it, which would make it wide."""
    table = result.table()
    notes = [f"{method}: {note}." for method, note in table.pop("Note").items() if note]
    trained = table.drop(index=[offered.LABELS[name] for name in result.skipped])
    return "\n".join([trained.to_string(), *notes])
