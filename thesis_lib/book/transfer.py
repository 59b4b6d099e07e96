"""Does a ranking of methods carry over to other data, or to another network? From records."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import combinations

import pandas as pd

from thesis_lib import experiments, rankings
from thesis_lib.book import studies

TASKS: Mapping[str, str] = {
    "digits": "Digits",
    "digits-rows": "Digits, GRU",
    "fashion-lt": "Fashion-MNIST",
    "cifar10-lt": "CIFAR-10",
    "mnist-rows": "MNIST, GRU",
}
"""The tasks that the methods are ranked on, with their names on pages."""


def scores(task: str) -> pd.DataFrame:
    """Return the balanced accuracy of every method's recorded runs on a task, in percent.

    Parameters
    ----------
    task : str
        One of ``TASKS``.

    Returns
    -------
    DataFrame
        A row a method of the task, recorded or not, in the catalogue's order; a column a seed;
        NaN where there is no run. Runs that diverged count as chance.
    """
    measure = studies.MEASURES[0]
    found = {
        experiment.method: pd.Series(
            {run.seed: studies.measured(run, measure) for run in experiments.recorded(experiment)},
            dtype=float,
        )
        for experiment in experiments.select([f"{task}/*"])
    }
    frame = pd.DataFrame(found).T
    return frame.reindex(columns=sorted(frame)).rename_axis(index="Method", columns="Seed")


def means() -> pd.DataFrame:
    """Return the mean balanced accuracy of each method, all over the same seeds of a task.

    So a gain over the baseline is paired; see `studies.without_gaps` for which seeds these are.

    Returns
    -------
    DataFrame
        A row a method, a column a task of ``TASKS`` of which anything is recorded; percent, NaN
        where a run is missing.
    """
    found = {task: scores(task) for task in TASKS}
    columns = {task: studies.without_gaps(table).mean(axis=1) for task, table in found.items()}
    every = next(iter(found.values())).index
    return pd.DataFrame(columns, index=every).dropna(axis=1, how="all")


def ranks(found: pd.DataFrame) -> pd.DataFrame:
    """Rank the methods that all columns have, 1 for the best; the best mean rank is on top.

    Parameters
    ----------
    found : DataFrame
        A row a method, a column a task.
    """
    ranked = found.dropna().rank(ascending=False)
    return ranked.loc[ranked.mean(axis=1).sort_values(kind="stable").index]


def agreement() -> pd.DataFrame:
    """Return how far rankings agree: those of two seeds on one task, then those of two tasks.

    The first kind is what the second can hope for: a ranking that another seed changes cannot be
    the same on other data.

    Returns
    -------
    DataFrame
        A row a pair of rankings that have four methods or more in common: "Methods", "Correlation"
        (Spearman's) with "Low" and "High", and for two tasks "Seeds": the smaller of their
        correlations between two seeds, over those of the same methods that have both seeds; NaN
        where neither task has four.
    """
    seeds, rows = {}, {}
    for task, title in TASKS.items():
        pair = scores(task).iloc[:, :2].dropna()
        if pair.shape[1] == 2 and len(pair) >= 4:
            seeds[task] = pair
            name = f"{title}: seeds {pair.columns[0]} and {pair.columns[1]}"
            rows[name] = (len(pair), *rankings.rank_correlation(*pair.to_numpy().T), math.nan)
    found = means()
    for one, other in combinations(map(str, found), 2):
        both = found[[one, other]].dropna()
        if len(both) >= 4:
            correlation = rankings.rank_correlation(*both.to_numpy().T)
            same = [
                seeds[t].loc[seeds[t].index.isin(both.index)] for t in (one, other) if t in seeds
            ]
            of_seeds = [rankings.rank_correlation(*s.to_numpy().T)[0] for s in same if len(s) >= 4]
            ceiling = min(of_seeds, default=math.nan)
            rows[f"{TASKS[one]} and {TASKS[other]}"] = (len(both), *correlation, ceiling)
    columns = ["Methods", "Correlation", "Low", "High", "Seeds"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns).rename_axis("Rankings")
