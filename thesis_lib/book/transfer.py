"""Does a ranking of methods carry over to other data, or to another network? From records."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import combinations

import pandas as pd

from thesis_lib import experiments, later, rankings
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


def baseline() -> str:
    """Return the name that the baseline has on pages."""
    return str(later.STUDY_METHODS[later.BASELINE]["method"])


def differences(task: str, over: str | None = None) -> pd.DataFrame:
    """Return what each recorded run gains over another method's run with the same seed, in points.

    Parameters
    ----------
    task : str
        One of ``TASKS``.
    over : str, optional
        The other method, a row of `scores`; by default the baseline.

    Returns
    -------
    DataFrame
        Rows and columns of `scores`; NaN where one of the two lacks the seed.
    """
    found = scores(task)
    return found - found.loc[over or baseline()]


def gains(over: str | None = None) -> pd.DataFrame:
    """Return the mean gain of each method over the seeds that it shares with another.

    A method with fewer seeds is held against the same runs of the other as it has itself, so a
    lucky seed of the other does no harm; how many there are, `seeds` says.

    Parameters
    ----------
    over : str, optional
        The other method; by default the baseline.

    Returns
    -------
    DataFrame
        A row a method, the other too (0), a column a task of ``TASKS`` of which the other is
        recorded; points, NaN where there is no such seed.
    """
    columns = {task: differences(task, over).mean(axis=1) for task in TASKS}
    return pd.DataFrame(columns, dtype=float).dropna(axis=1, how="all").rename_axis("Method")


def seeds(over: str | None = None) -> pd.DataFrame:
    """Return the number of seeds that each mean of `gains` is over, in the same places.

    Parameters
    ----------
    over : str, optional
        As for `gains`.
    """
    found = gains(over)
    counted = {task: differences(str(task), over).count(axis=1) for task in found}
    return pd.DataFrame(counted, index=found.index, dtype=int)


def said(over: str | None = None) -> dict[str, str]:
    """Say what each method gained: "Digits +7.8 (3 seeds); CIFAR-10 -1.9 (1)".

    Parameters
    ----------
    over : str, optional
        As for `gains`.

    Returns
    -------
    dict of str to str
        By the rows of `gains`; "not recorded yet" where there is nothing.
    """
    found, n = gains(over), seeds(over)
    lines = {}
    for method in map(str, found.index):
        row, counts = found.loc[method].dropna(), n.loc[method]
        there = [f"{TASKS[t]} {row[t]:+.1f} ({counts[t]})" for t in map(str, row.index)]
        if there:
            there[0] = there[0].replace(")", " seed)" if "(1)" in there[0] else " seeds)")
        lines[method] = "; ".join(there) or "not recorded yet"
    return lines


def ranks(found: pd.DataFrame) -> pd.DataFrame:
    """Rank the methods that all columns have, 1 for the best; the best mean rank is on top.

    A column with at most half as many methods as the fullest is left out: it would leave few to
    rank on the others.

    Parameters
    ----------
    found : DataFrame
        A row a method, a column a task.
    """
    number = found.notna().sum()
    kept: pd.DataFrame = found.loc[:, number > number.max() / 2]
    ranked = kept.dropna().rank(ascending=False)
    return ranked.loc[ranked.mean(axis=1).sort_values(kind="stable").index]


def agreement() -> pd.DataFrame:
    """Return how far rankings agree: those of two seeds on one task, then those of two tasks.

    The first kind is what the second can hope for: a ranking that another seed changes cannot be
    the same on other data.

    Returns
    -------
    DataFrame
        A row a pair of rankings that have four methods or more in common, by the scores of single
        runs or, for two tasks, by `gains`: "Methods", "Correlation" (Spearman's) with "Low" and
        "High", and for two tasks "Seeds": the smaller of their correlations between two seeds, over
        those of the same methods that have both seeds; NaN where neither task has four.
    """
    by_seed, rows = {}, {}
    for task, title in TASKS.items():
        pair = scores(task).iloc[:, :2].dropna()
        if pair.shape[1] == 2 and len(pair) >= 4:
            by_seed[task] = pair
            name = f"{title}: seeds {pair.columns[0]} and {pair.columns[1]}"
            rows[name] = (len(pair), *rankings.rank_correlation(*pair.to_numpy().T), math.nan)
    found = gains()
    for one, other in combinations(map(str, found), 2):
        both = found[[one, other]].dropna()
        if len(both) >= 4:
            correlation = rankings.rank_correlation(*both.to_numpy().T)
            same = [by_seed[t].filter(both.index, axis=0) for t in (one, other) if t in by_seed]
            of_seeds = [rankings.rank_correlation(*s.to_numpy().T)[0] for s in same if len(s) >= 4]
            ceiling = min(of_seeds, default=math.nan)
            rows[f"{TASKS[one]} and {TASKS[other]}"] = (len(both), *correlation, ceiling)
    columns = ["Methods", "Correlation", "Low", "High", "Seeds"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns).rename_axis("Rankings")
