"""What the recorded studies say: scores over draws and seeds, and where a method begins to help."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping

import numpy as np
import pandas as pd

from thesis_lib import arguments, experiments, later, metrics, rankings, tasks, tuning
from thesis_lib.intervals import t_interval
from thesis_lib.training import Experiment, Run

KINDS: Mapping[str, Callable[[str, list[int]], list[Experiment]]] = {
    "shared": later.study,
    "tuned": tuning.study,
    "long": later.long_study,
}
"""The studies over draws of a task: of the same settings for all methods, of each method's own,
which validation images chose, and of four times the epochs."""

MEASURES = (*metrics.MEASURES, "Minority recall")

_DERIVED = "prior-correction"

_COMPONENTS = [
    *("Mean", "Mean low", "Mean high"),
    *("Draws", "Draws low", "Draws high"),
    *("Seeds", "Seeds low", "Seeds high"),
    *("n draws", "n seeds"),
]


def scores(
    task: str,
    measure: str = MEASURES[0],
    *,
    draws: Iterable[int] = later.DRAWS,
    kind: str = "shared",
) -> pd.DataFrame:
    """Return what every recorded run of a study measured, in percent.

    Parameters
    ----------
    task : str
        A key of ``tasks.TASKS`` that a study is made of.
    measure : str
        One of ``MEASURES``.
    draws : iterable of int
    kind : str
        One of ``KINDS``.

    Returns
    -------
    DataFrame
        Rows (draw, seed), a column a method in the order of ``later.DRAW_METHODS`` with prior
        correction after the baseline; NaN where nothing is recorded. A run that diverged decides
        nothing and counts as chance (balanced accuracy and minority recall 100 / C, others 0).

    Raises
    ------
    ValueError
        If the measure or the kind is unknown.
    """
    arguments.one_of("measure", measure, MEASURES)
    arguments.one_of("kind", kind, KINDS)
    found: dict[str, dict[tuple[int, int], float]] = {name: {} for name in labels()}
    for experiment in KINDS[kind](task, list(draws)):
        slug = later.slug_of(experiment.name)
        for run in experiments.recorded(experiment):
            found[slug][int(experiment.draw or 0), run.seed] = measured(run, measure)
    frame = pd.DataFrame(found)
    frame.index = pd.MultiIndex.from_tuples(list(frame.index), names=["Draw", "Seed"])
    return frame.sort_index()


def labels() -> Mapping[str, str]:
    """Return the names of a study's methods on pages, by their slugs."""
    names: dict[str, str] = {}
    for slug, method in later.DRAW_METHODS.items():
        names[slug] = str(method["method"])
        if slug == later.BASELINE:
            names[_DERIVED] = "Prior correction"
    return names


def per_draw(found: pd.DataFrame) -> pd.DataFrame:
    """Return the mean over the seeds that all methods have, a row a draw.

    Parameters
    ----------
    found : DataFrame
        Of `scores`. Methods without any run, and draws without a whole one, are left out.
    """
    return found.dropna(axis=1, how="all").dropna().groupby(level="Draw").mean()


def paired(means: pd.DataFrame, methods: Iterable[str], baseline: str) -> pd.DataFrame:
    """Compare each method of a study with its baseline, draw by draw, as far as it is recorded.

    Parameters
    ----------
    means : DataFrame
        Of `per_draw`.
    methods : iterable of str
        Of the study, by the names that the columns of ``means`` have.
    baseline : str
        One of them.

    Returns
    -------
    DataFrame
        As `rankings.paired`, a row a method but the baseline; NaN for those without a run, and for
        all where there are fewer than two draws with the baseline and another method.
    """
    enough = min(means.shape) > 1 and baseline in means
    found = rankings.paired(means, baseline) if enough else pd.DataFrame(columns=rankings.PAIRED)
    rows = [method for method in methods if method != baseline]
    return found.reindex(rows).astype(float).rename_axis("Method")


def components(found: pd.DataFrame) -> pd.DataFrame:
    """Set the variance between draws beside that between seeds, method by method.

    Parameters
    ----------
    found : DataFrame
        Of `scores`. Seeds that few draws have, and draws that lack a seed, are left out.

    Returns
    -------
    DataFrame
        A row a method: "Mean" with "Mean low" and "Mean high" (percent, over other draws with
        these seeds), "Draws" and "Seeds" (the two standard deviations in points, that of draws 0
        where its variance is estimated below), each with "low" and "high", and "n draws",
        "n seeds". No row where there are no two of each.
    """
    rows = {}
    for method in found.dropna(axis=1, how="all"):
        square = without_gaps(found[method].unstack("Seed"), fewest=2)
        if min(square.shape) < 2:
            continue
        # Networks of one seed start from the same weights, whatever images were drawn.
        c = rankings.variance_components(square.to_numpy(), same_seeds=True)
        spread = {"Draws": (c.draw, c.draw_interval), "Seeds": (c.seed, c.seed_interval)}
        row = {"Mean": c.mean, "Mean low": c.mean_interval[0], "Mean high": c.mean_interval[1]}
        for name, (variance, interval) in spread.items():
            row[name] = math.sqrt(max(variance, 0.0))
            row[f"{name} low"], row[f"{name} high"] = (math.sqrt(v) for v in interval)
        rows[str(method)] = row | {"n draws": square.shape[0], "n seeds": square.shape[1]}
    return pd.DataFrame(rows, index=_COMPONENTS, dtype=float).T.rename_axis("Method")


def by_size(task: str) -> pd.DataFrame:
    """Return the mean balanced accuracy in a study over the size of the minority classes.

    Parameters
    ----------
    task : {"digits", "binary"}

    Returns
    -------
    DataFrame
        Columns "rho", "Method", "Mean", "Low", "High" (95 % t interval over draws), "Gain" over the
        baseline on the same draws with "Gain low" and "Gain high", and "Draws".
    """
    sizes = tasks.DIGIT_SIZES if task == "digits" else tasks.MNIST_SIZES
    named = {max(tasks.get(n).counts) / s: n for s in sizes for n in [tasks.with_size(task, s)]}
    return _over("rho", named)


def by_number(task: str) -> pd.DataFrame:
    """Return the mean balanced accuracy over the number of "Minority classes".

    Parameters
    ----------
    task : {"digits", "multiclass"}

    Returns
    -------
    DataFrame
        As `by_size`.
    """
    named = {float(n): tasks.with_minority(task, n) for n in tasks.MINORITY_NUMBERS}
    return _over("Minority classes", named)


def gains(task: str) -> pd.DataFrame:
    """Return what each method adds to the baseline's balanced accuracy on the same draws.

    Parameters
    ----------
    task : str
        A key of ``tasks.TASKS`` that a study is made of.

    Returns
    -------
    DataFrame
        A row a method but the baseline, recorded or not: "Gain" in points with "Low" and "High"
        (95 % t interval over draws, of the seeds that both have), and "Draws"; NaN where there are
        none.
    """
    found = scores(task)
    rows = {}
    for slug in labels():
        if slug != later.BASELINE:
            per_run = (found[slug] - found[later.BASELINE]).dropna()
            each = per_run.groupby(level="Draw").mean()
            rows[slug] = (*t_interval(each), len(each))
    columns = ["Gain", "Low", "High", "Draws"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns).rename_axis("Method")


def coverage(patterns: Mapping[str, Iterable[int]]) -> pd.DataFrame:
    """Return how many of the runs that studies consist of are recorded.

    Parameters
    ----------
    patterns : mapping of str to iterable of int
        Shell patterns of experiments, "digits-draws/*", and the seeds that each is trained with.

    Returns
    -------
    DataFrame
        A row a pattern: "Seeds" as the command line takes them, "Runs" of the study, and how many
        are "Recorded"; runs with other seeds do not count.
    """
    rows = {}
    for pattern, seeds in patterns.items():
        wanted, chosen = list(seeds), experiments.select([pattern])
        done = sum(run.seed in wanted for e in chosen for run in experiments.recorded(e))
        rows[pattern] = (" ".join(map(str, wanted)), len(chosen) * len(wanted), done)
    columns = ["Seeds", "Runs", "Recorded"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns).rename_axis("Experiments")


def begins(found: pd.DataFrame) -> pd.DataFrame:
    """Return from where on each method helps: there, and everywhere beyond, its gain is above 0.

    Parameters
    ----------
    found : DataFrame
        Of `by_size` or `by_number`.

    Returns
    -------
    DataFrame
        A row a method, in the order of ``found``: the first column of ``found`` at the smallest
        place from which on the whole 95 % interval of the gain lies above 0, up to the largest
        place, and "Gain", "Gain low", "Gain high" there; NaN where there is none. Places without an
        interval, of fewer than two draws, do not count.
    """
    axis = str(found.columns[0])
    kept = [axis, "Gain", "Gain low", "Gain high"]
    rows = {}
    for method, places in found.dropna().groupby("Method", sort=False):
        if method == later.BASELINE:
            continue
        ordered = places.sort_values(axis, ascending=False)
        helps = (ordered["Gain low"] > 0).cummin()
        rows[method] = ordered.loc[helps, kept].iloc[-1] if helps.any() else pd.Series(dtype=float)
    return pd.DataFrame(rows, index=kept, dtype=float).T.rename_axis("Method")


def fair_settings(task: str) -> pd.DataFrame:
    """Set the settings that all methods of a study share beside those chosen for each.

    Parameters
    ----------
    task : str
        As for `scores`.

    Returns
    -------
    DataFrame
        A row a method: "Rate" and "Epochs" that are shared (epochs: for equal updates), "Own rate"
        and "Own epochs"; NaN where none were chosen.
    """
    shared = {later.slug_of(e.name): e for e in later.study(task, [0])}
    own = {later.slug_of(e.name): e for e in tuning.study(task, [0])}
    columns = {
        "Rate": {slug: e.learning_rate for slug, e in shared.items()},
        "Epochs": {slug: e.epochs for slug, e in shared.items()},
        "Own rate": {slug: e.learning_rate for slug, e in own.items()},
        "Own epochs": {slug: e.epochs for slug, e in own.items()},
    }
    return pd.DataFrame(columns, index=_everywhere(), dtype=float).rename_axis("Method")


def fair_scores(task: str) -> pd.DataFrame:
    """Compare each method under its own settings with itself under the shared ones.

    Parameters
    ----------
    task : str
        As for `scores`.

    Returns
    -------
    DataFrame
        A row a method: "Shared" and "Own", the mean balanced accuracy in percent over the draws and
        seeds that both studies have, "Difference" in points with "Low" and "High" (95 % t interval
        over draws), "Draws"; NaN where there are none.
    """
    return _beside_shared(task, MEASURES[0], "tuned", ("Shared", "Own"))


def long_scores(task: str, measure: str = MEASURES[0]) -> pd.DataFrame:
    """Compare each method after four times the epochs with itself after the shared ones.

    Parameters
    ----------
    task, measure : str
        As for `scores`.

    Returns
    -------
    DataFrame
        As `fair_scores`, of the measure, with "Short" and "Long" for "Shared" and "Own".
    """
    return _beside_shared(task, measure, "long", ("Short", "Long"))


def _beside_shared(task: str, measure: str, kind: str, names: tuple[str, str]) -> pd.DataFrame:
    """Set another kind of study beside the shared one: where both have a draw and seed."""
    one, two = scores(task, measure), scores(task, measure, kind=kind)
    first, second = names
    rows = {}
    for slug in _everywhere():
        both = pd.concat([one[slug], two[slug]], axis=1, keys=names)
        means = both.dropna().groupby(level="Draw").mean()
        difference = t_interval(means[second] - means[first])
        rows[slug] = (*means.mean(), *difference, len(means))
    columns = [*names, "Difference", "Low", "High", "Draws"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns).rename_axis("Method")


def _everywhere() -> list[str]:
    """Return the methods of every study; the others are in those of twenty draws alone."""
    return [slug for slug in labels() if slug in later.STUDY_METHODS or slug == _DERIVED]


def _over(axis: str, named: Mapping[float, str]) -> pd.DataFrame:
    rows = []
    for place, task in named.items():
        found = scores(task, draws=later.FEW_DRAWS)
        if found.empty:
            continue
        # One seed a draw, so that the study of the task itself has no more weight than others.
        first = pd.DataFrame(found.xs(later.STUDY_SEEDS[0], level="Seed"))
        # A method that one place alone has says nothing of how a gain changes along the axis.
        for method in [name for name in _everywhere() if first[name].notna().any()]:
            mean = t_interval(first[method])
            gain = t_interval(first[method] - first[later.BASELINE])
            rows.append((place, method, *mean, *gain, int(first[method].count())))
    heads = [axis, "Method", "Mean", "Low", "High", "Gain", "Gain low", "Gain high", "Draws"]
    return pd.DataFrame(rows, columns=heads).sort_values([axis], kind="stable", ignore_index=True)


def without_gaps(table: pd.DataFrame, *, fewest: int = 1) -> pd.DataFrame:
    """Return the part of a table of runs without gaps that keeps most of them.

    Parameters
    ----------
    table : DataFrame
        A column a seed; NaN where there is no run.
    fewest : int
        How many seeds to keep at least.

    Returns
    -------
    DataFrame
        Some of the columns, and the rows that have all of these; no row where there are too few.
    """
    often = list(table.count().sort_values(ascending=False, kind="stable").index)
    parts = [table[often[:k]].dropna() for k in range(fewest, len(often) + 1)]
    return max(parts, key=lambda part: part.size, default=table.iloc[:0])


def measured(run: Run, measure: str) -> float:
    """Return a measure of a run in percent; of one that diverged, chance (see `scores`).

    Parameters
    ----------
    run : Run
    measure : str
        One of ``MEASURES``.
    """
    n_classes = len(run.recall)
    if measure == "Minority recall":
        few = list(tasks.get(run.experiment.task).minority)
        return 100 / n_classes if run.diverged else 100 * float(np.mean(np.array(run.recall)[few]))
    if run.diverged:
        return 100 / n_classes if measure == metrics.MEASURES[0] else 0.0
    found = metrics.of_confusion(np.array(run.confusion))
    return 100 * found[metrics.MEASURES.index(measure)]
