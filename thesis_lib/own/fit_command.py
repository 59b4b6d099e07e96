"""What follows a comparison, as commands: train the method that was chosen, and classify files."""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from thesis_lib import durable
from thesis_lib.own import (
    compare_command,
    comparison,
    costs,
    image_files,
    loading,
    offered,
    trained_method,
)
from thesis_lib.wording import counted

_AT_ONCE = 200  # files that are classified together


def add_fit_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``thesis-lib fit-on``.

    Parameters
    ----------
    parser : argparse.ArgumentParser
        Changed in place.
    """
    parser.add_argument(
        "data",
        metavar="FOLDER|FILE.csv|FILE.npz",
        help="as for compare-on; all images are trained on, or those of train alone where they "
        "are split",
    )
    parser.add_argument(
        "--method", required=True, metavar="METHOD", help=f"of {', '.join(offered.METHODS)}"
    )
    parser.add_argument(
        "--seed",
        type=compare_command.seed_argument,
        default=1,
        help="of the first weights (default: 1)",
    )
    compare_command.add_training(parser)
    parser.add_argument(
        "--out", type=Path, metavar="FILE.keras", required=True, help="what predict-on reads"
    )


def run_fit(options: argparse.Namespace) -> int:
    """Train one method and save it.

    Parameters
    ----------
    options : argparse.Namespace
        With the arguments of `add_fit_arguments`.

    Returns
    -------
    int
        The exit status, 0.

    Raises
    ------
    ValueError, TypeError, OSError, RuntimeError
        As for `compare_command.white_of`, `loading.load_to_fit`, `trained_method.fit` and
        `trained_method.TrainedMethod.save`.
    """
    # Before the images are read and a network is trained, which may take hours.
    comparison.checked_methods([options.method])
    settings = comparison.checked_settings(
        options.epochs, options.batch_size, options.learning_rate
    )
    settings["white"] = compare_command.white_of(options)
    trained_method.check_path(options.out)
    durable.check_writable(options.out.parent)
    x, y, note = loading.load_to_fit(options.data, size=options.size, white=options.white)
    print(note, flush=True)
    trained = trained_method.fit(x, y, method=options.method, seed=options.seed, **settings)
    print(f"{trained.save(options.out)}: {repr(trained)[1:-1]}.")
    return 0


def add_predict_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``thesis-lib predict-on``.

    Parameters
    ----------
    parser : argparse.ArgumentParser
        Changed in place.
    """
    parser.add_argument("trained", metavar="FILE.keras", help="what fit-on has written")
    parser.add_argument(
        "images",
        nargs="+",
        type=Path,
        metavar="IMAGE|FOLDER",
        help="image files, their pixels on the scale of training; of a folder all in it and in its "
        "sub-folders",
    )
    parser.add_argument(
        "--probabilities",
        action="store_true",
        help="a column more for each class, with its probability",
    )
    costs.add_arguments(parser)


def run_predict(options: argparse.Namespace) -> int:
    """Print the class of each image file and its probability, or that of each class, as CSV.

    Parameters
    ----------
    options : argparse.Namespace
        With the arguments of `add_predict_arguments`.

    Returns
    -------
    int
        The exit status: 0; 1 if a file could not be read, which is said.

    Raises
    ------
    ValueError, OSError
        If there are no such images, or as for `trained_method.load`, `costs.of_options` and
        `trained_method.TrainedMethod.predict`.
    """
    files = list(dict.fromkeys(f for path in options.images for f in image_files.below(path)))
    trained = trained_method.load(options.trained)
    if prices := costs.of_options(options, trained.classes_):
        offered.prior(trained.method, trained.class_counts)  # refused before a line is printed
    table = csv.writer(sys.stdout, lineterminator="\n")
    each = [f"probability of {name}" for name in trained.classes_] if options.probabilities else []
    table.writerow(["file", "predicted", "probability", *each])
    classified = 0
    for start in range(0, len(files), _AT_ONCE):
        if read := dict(_readable(trained, files[start : start + _AT_ONCE])):
            outputs, chosen = trained.decide(np.stack(list(read.values())), **prices)
            for file, row, number in zip(read, outputs, chosen, strict=True):
                shown = [row[number], *row] if options.probabilities else [row[number]]
                probabilities = [f"{value:.4f}" for value in shown]
                table.writerow([file, trained.classes_[number], *probabilities])
            classified += len(read)
            sys.stdout.flush()
    if classified < len(files):
        unread = counted(len(files) - classified, "file")
        print(f"thesis-lib: {unread} of {len(files)} not classified.", file=sys.stderr)
        return 1
    return 0


def _readable(
    trained: trained_method.TrainedMethod, files: Sequence[Path]
) -> Iterator[tuple[Path, NDArray[Any]]]:
    """Read images for a network; say of each other file why it is none."""
    shape = trained.network.input_shape[1:]
    for file in files:
        try:
            yield file, image_files.read_like(file, shape, trained.scale, trained.dtype)
        except ValueError as error:
            print(f"thesis-lib: {error}", file=sys.stderr)
