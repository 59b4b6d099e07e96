"""Every number of the thesis's chapters 7 and 8 beside the records, with a verdict for each."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from thesis_lib import data, experiments
from thesis_lib.book import published
from thesis_lib.training import Experiment, Run

GRIDS = {"multiclass": "7.11", "binary": "8.12"}
"""The tables that print one number for each setting of focal loss, by task."""

MEAN_OUTPUTS = "8.13"
"""The table of mean outputs; its rows are outputs, its columns true classes."""


def tables() -> list[str]:
    """Return the numbers of the tables that records can be compared with, "7.1" to "8.14"."""
    return [name for name in published.tables() if name.startswith(("7.", "8."))]


def focal(task: str, gamma: float, weight: float) -> str:
    """Return the name of the experiment with these settings of focal loss.

    Parameters
    ----------
    task : {"multiclass", "binary"}
    gamma : float
        One of ``experiments.GAMMAS``.
    weight : float
        Of the minority classes, one of ``experiments.MINORITY_WEIGHTS``.
    """
    return f"{task}/focal-g{gamma:g}-a{weight:g}"


def experiment_of(table: str, row: str, column: str = "") -> Experiment:
    """Return the experiment that a row of a published table stands for.

    A row that repeats a model of another table, such as ``"M_b"`` in table 7.2, stands for that
    model's experiment. In the tables of the focal grids the column decides as well.

    Parameters
    ----------
    table : str
        Its number in the thesis, "7.2".
    row, column : str
        As :func:`published.table` names them; no column is needed where it decides nothing.

    Raises
    ------
    ValueError
        If no experiment of the catalogue does.
    """
    if table == MEAN_OUTPUTS:
        return experiments.get("binary/baseline")
    every = experiments.catalogue().values()
    for experiment in every:
        on_grid = table not in GRIDS.values() or experiment.name.endswith(
            "-" + column.replace("=", "")
        )
        if (table, row) in experiment.published and on_grid:
            return experiment
    for experiment in every:
        if row in {name for _, name in experiment.published if name.startswith("M_")}:
            return experiment
    raise ValueError(f"No experiment stands for row {row!r} of table {table}.")


def experiments_of(table: str) -> list[str]:
    """Return the names of all experiments behind a published table, each once.

    Parameters
    ----------
    table : str
        As for `experiment_of`.

    Raises
    ------
    ValueError
        If there is no such table, or as for `experiment_of`.
    """
    printed = published.table(table)
    cells = ((str(row), str(column)) for row in printed.index for column in printed.columns)
    return list(dict.fromkeys(experiment_of(table, *cell).name for cell in cells))


def value(run: Run, column: str) -> float:
    """Return what a run measured for a column of a published table, in percent.

    Parameters
    ----------
    run : Run
    column : str
        "Training", "Testing", or the number of a class.
    """
    if column == "Training":
        return 100 * run.train_accuracy
    if column == "Testing":
        return 100 * run.test_accuracy
    return 100 * run.recall[int(column)]


def sample(table: str, row: str, column: str, *, part: str = "") -> list[float]:
    """Return what each recorded seed measured for a cell of a published table, in percent.

    Parameters
    ----------
    table, row, column : str
        As for `experiment_of`.
    part : str
        As for `experiments.recorded`.

    Returns
    -------
    list of float
        NaN for a run that diverged. For table 8.13 only the seeds with kept outputs, and none
        without MNIST.

    Raises
    ------
    ValueError
        As for `experiment_of`.
    """
    experiment = experiment_of(table, row, column)
    runs = experiments.recorded(experiment, part=part)
    if table == MEAN_OUTPUTS:
        means = (_recorded_mean_outputs(run.seed) for run in runs)
        return [float(frame.loc[[row], column].iloc[0]) for frame in means if frame is not None]
    return [value(run, "Testing" if table in GRIDS.values() else column) for run in runs]


def mean_outputs(probabilities: ArrayLike, y_true: ArrayLike) -> pd.DataFrame:
    """Return the mean output for the images of each class, in percent, as table 8.13 has it.

    Parameters
    ----------
    probabilities : array_like, (n, n_classes)
    y_true : array_like of int, (n,)

    Returns
    -------
    DataFrame
        Rows "Predicted to class ...", columns "Sample of class ...".
    """
    outputs, labels = np.asarray(probabilities, dtype=float), np.asarray(y_true)
    classes = range(outputs.shape[1])
    means = np.stack([100 * outputs[labels == c].mean(0) for c in classes], axis=1)
    return pd.DataFrame(
        means,
        index=[f"Predicted to class {c}" for c in classes],
        columns=[f"Sample of class {c}" for c in classes],
    )


def _recorded_mean_outputs(seed: int) -> pd.DataFrame | None:
    """Return :func:`mean_outputs` of the recorded binary baseline; None without MNIST or outputs.

    The kept outputs are those for MNIST's test images, so they need its labels.

    Parameters
    ----------
    seed : int

    Raises
    ------
    ValueError
        As for :func:`experiments.outputs`.
    """
    kept = experiments.outputs("binary/baseline", seed)
    mnist = data.load("mnist", fallback="digits")
    if kept is None or mnist.name != "mnist":
        return None
    return mean_outputs(kept, data.task("binary", mnist).y_test)


def cells() -> Iterator[tuple[tuple[str, str, str], float]]:
    """Yield (table, row, column) and the number of every cell that records can be compared with."""
    for table in tables():
        for row, numbers in published.table(table).iterrows():
            for column, number in numbers.items():
                yield (table, str(row), str(column)), float(number)
