"""Recorded runs as one flat table, a row a run, for other programs to read."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from thesis_lib import durable, experiments
from thesis_lib.training import Experiment, Run

_SUFFIXES = (".csv", ".parquet")


def frame(selection: Iterable[Experiment]) -> pd.DataFrame:
    """Return every recorded run of some experiments.

    Parameters
    ----------
    selection : iterable of Experiment

    Returns
    -------
    DataFrame
        A row a run: the experiment's hyperparameters, the seed, accuracies and recalls as
        fractions (``recall_0``, ...; missing for a class that the task does not have), and where
        the run comes from (``data_sha256`` is missing where a record does not say). Curves and
        confusion matrices stay in the records.
    """
    return pd.DataFrame([_row(run) for e in selection for run in experiments.recorded(e)])


def write(table: pd.DataFrame, path: Path) -> None:
    """Write a table as CSV or Parquet, as the end of the file's name says.

    Parameters
    ----------
    table : DataFrame
    path : Path
        Ends in ``.csv`` or ``.parquet``.

    Raises
    ------
    ValueError
        If the name ends in anything else, or the table has no row.
    """
    if path.suffix not in _SUFFIXES:
        raise ValueError(f"{path} has to end in {' or '.join(_SUFFIXES)}.")
    if table.empty:
        raise ValueError(
            "None of these experiments has a recorded run. Train them with thesis-lib sweep, or "
            "name the folder of their records in THESIS_LIB_RECORDS."
        )
    with durable.replacing(path) as file:
        if path.suffix == ".csv":
            table.to_csv(file, index=False)
        else:
            table.to_parquet(file, index=False)


def _row(run: Run) -> dict[str, object]:
    origin = run.provenance
    return {
        **run.experiment.hyperparameters(),
        "method": run.experiment.method,
        "seed": run.seed,
        "train_accuracy": run.train_accuracy,
        "test_accuracy": run.test_accuracy,
        **{f"recall_{c}": recall for c, recall in enumerate(run.recall)},
        "diverged": run.diverged,
        "seconds": run.seconds,
        "device": origin["device"],
        "backend": origin["backend"],
        "keras": origin["versions"]["keras"],
        "data_sha256": origin.get("data_sha256"),
        "utc": origin["utc"],
    }
