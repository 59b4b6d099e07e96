"""Does a ranking of methods carry over to other data, or to another network? From records."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations

import pandas as pd

from thesis_lib import experiments, rankings, studies

TASKS: Mapping[str, str] = {
    "digits": "Digits",
    "digits-rows": "Digits, GRU",
    "fashion-lt": "Fashion-MNIST",
    "cifar10-lt": "CIFAR-10",
}
"""The tasks that the methods are ranked on, with their names on pages."""


def scores(task: str, measure: str = studies.MEASURES[0]) -> pd.DataFrame:
    """Return what the recorded runs of every method on a task measured, in percent.

    Parameters
    ----------
    task : str
        One of ``TASKS``.
    measure : str
        One of ``studies.MEASURES``.

    Returns
    -------
    DataFrame
        A row a method of the task, recorded or not, in the catalogue's order; a column a seed;
        NaN where there is no run. Runs that diverged count as chance.
    """
    found = {
        experiment.method: pd.Series(
            {run.seed: studies.measured(run, measure) for run in experiments.recorded(experiment)},
            dtype=float,
        )
        for experiment in experiments.select([f"{task}/*"])
    }
    frame = pd.DataFrame(found).T
    return frame.reindex(columns=sorted(frame)).rename_axis(index="Method", columns="Seed")


def means(measure: str = studies.MEASURES[0]) -> pd.DataFrame:
    """Return the mean over seeds of each method on each task.

    Returns
    -------
    DataFrame
        A row a method, a column a task of ``TASKS`` of which anything is recorded; percent, NaN
        where there is no run.
    """
    frame = pd.DataFrame({task: scores(task, measure).mean(axis=1) for task in TASKS})
    return frame.dropna(axis=1, how="all")


def ranks(found: pd.DataFrame) -> pd.DataFrame:
    """Rank the methods that all columns have, 1 for the best; the best mean rank is on top.

    Parameters
    ----------
    found : DataFrame
        A row a method, a column a task.
    """
    ranked = found.dropna().rank(ascending=False)
    return ranked.loc[ranked.mean(axis=1).sort_values(kind="stable").index]


def agreement(measure: str = studies.MEASURES[0]) -> pd.DataFrame:
    """Return how far rankings agree: those of two seeds on one task, then those of two tasks.

    The first kind is what the second can hope for: a ranking that another seed changes cannot be
    the same on other data.

    Returns
    -------
    DataFrame
        A row a pair of rankings that have four methods or more in common: "Methods", and
        "Correlation" (Spearman's) with "Low" and "High".
    """
    pairs: dict[str, pd.DataFrame] = {}
    for task, title in TASKS.items():
        first = scores(task, measure).iloc[:, :2]
        if first.shape[1] == 2:
            pairs[f"{title}: seeds {first.columns[0]} and {first.columns[1]}"] = first
    found = means(measure)
    for one, other in combinations(map(str, found), 2):
        pairs[f"{TASKS[one]} and {TASKS[other]}"] = found[[one, other]]
    rows = {}
    for name, pair in pairs.items():
        both = pair.dropna()
        if len(both) >= 4:
            rows[name] = (len(both), *rankings.rank_correlation(*both.to_numpy().T))
    columns = ["Methods", "Correlation", "Low", "High"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns).rename_axis("Rankings")
