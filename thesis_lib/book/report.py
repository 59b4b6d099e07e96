"""Published numbers beside runs, as the tables, data frames and arrays that chapters show."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from thesis_lib import arguments, experiments, intervals, markdown
from thesis_lib.best import Best, largest
from thesis_lib.book import findings, precision, published
from thesis_lib.book.verdicts import GRIDS, experiment_of, experiments_of, focal, value
from thesis_lib.tables import Table
from thesis_lib.training import Experiment, Run
from thesis_lib.wording import counted

Floats = NDArray[np.float64]

_BACKENDS = {"jax": "JAX", "tensorflow": "TensorFlow", "torch": "PyTorch"}


def progress(run: Run) -> str:
    """Say in a sentence of Markdown how far a run of this build went, and what it reached.

    Parameters
    ----------
    run : Run
    """
    of, method = run.experiment.epochs, markdown.as_text(_method(run.experiment))
    dataset = markdown.as_text(str(run.provenance["dataset"]))
    sample = run.provenance.get("images")
    share = f" on {sample:,} of its images" if sample else f" ({run.epochs / of:.1%})"
    length = f"{run.epochs} of {of:,} epochs{share}"
    data = "" if dataset == "mnist" else f" on {dataset}"
    if run.diverged:
        return f"{method}{data}: the loss became infinite or NaN within {length}."
    return (
        f"{method}{data}, {length}: training accuracy {run.train_accuracy:.2%}, "
        f"test accuracy {run.test_accuracy:.2%}."
    )


def caption(table: str) -> str:
    """Return what a published table shows, with its number in the thesis.

    Parameters
    ----------
    table : str
        As for `comparison`.
    """
    return f"{published.caption(table)}. (Thesis, Table {table}.)"


def show(table: str, live: Mapping[str, Run]) -> Table:
    """Return a published table beside runs and records, captioned, with the best numbers marked.

    Parameters
    ----------
    table, live
        As for :func:`comparison`; the grids of focal losses are :func:`focal_comparison`'s.
    """
    tasks = {number: task for task, number in GRIDS.items()}
    grid = table in tasks
    frame = focal_comparison(tasks[table]) if grid else comparison(table, live)
    label = f"tab-{table.replace('.', '-')}"
    marked = _best(frame, grid)
    return Table(frame, caption(table), label, note(table), best=marked, missing="not recorded yet")


def comparison(table: str, live: Mapping[str, Run]) -> pd.DataFrame:
    """Set a published table beside this build's runs and the recorded ones.

    Parameters
    ----------
    table : str
        Its number in the thesis, "7.2".
    live : mapping of str to Run
        Name of the experiment to the run of this build.

    Returns
    -------
    DataFrame
        For each published row: the published numbers, this build's, the mean of the recorded
        seeds with its 95 % interval, and the verdict of :func:`findings.judge`. All text;
        missing where nothing is recorded.
    """
    printed = published.printed(table)
    columns = list(printed.columns)
    rows: dict[tuple[str, str], Sequence[str | None]] = {}
    for name in printed.index:
        experiment = experiment_of(table, name)
        rows[name, "published"] = list(printed.loc[name])
        if experiment.name in live:
            run = live[experiment.name]
            rows[name, _source(run)] = [_measured(run, column) for column in columns]
        rows |= _recorded_rows(table, name, experiments.results(experiment), columns)
    return _frame(rows, columns)


def focal_comparison(task: str) -> pd.DataFrame:
    """Set the published grid of focal losses (tables 7.11, 8.12) beside the recorded one.

    Parameters
    ----------
    task : {"multiclass", "binary"}

    Returns
    -------
    DataFrame
        As :func:`comparison`; a row for each gamma, a column for each minority weight.

    Raises
    ------
    ValueError
        If there is no such task.
    """
    arguments.one_of("task", task, GRIDS)
    printed = published.printed(GRIDS[task])
    rows: dict[tuple[str, str], Sequence[str | None]] = {}
    for gamma, name in zip(experiments.GAMMAS, printed.index, strict=True):
        rows[name, "published"] = list(printed.loc[name])
        groups = [
            experiments.results(focal(task, gamma, weight))
            for weight in experiments.MINORITY_WEIGHTS
        ]
        rows[name, "recorded"] = [_mean(runs, "Testing") for runs in groups]
        if any(groups):
            places = [(GRIDS[task], str(name), str(column)) for column in printed.columns]
            rows[name, "verdict"] = [
                _verdict(runs, place, "Testing") for runs, place in zip(groups, places, strict=True)
            ]
    return _frame(rows, list(printed.columns))


def focal_grids(task: str) -> dict[str, Floats]:
    """Return test accuracies by gamma and minority weight for the plots of the focal grid.

    Parameters
    ----------
    task : {"multiclass", "binary"}

    Returns
    -------
    dict
        "published" and "recorded", each (5 gammas, 5 weights, 3): the mean and the bounds of its
        95 % interval in percent, NaN where there is none.

    Raises
    ------
    ValueError
        If there is no such task.
    """
    arguments.one_of("task", task, GRIDS)
    printed = published.table(GRIDS[task]).to_numpy(dtype=float)
    unknown = np.full_like(printed, np.nan)
    ours = [
        [
            recorded(focal(task, gamma, weight), ["Testing"])[0]
            for weight in experiments.MINORITY_WEIGHTS
        ]
        for gamma in experiments.GAMMAS
    ]
    return {"published": np.stack([printed, unknown, unknown], -1), "recorded": np.array(ours)}


def recorded(name: str, columns: Sequence[str]) -> Floats:
    """Return the means of the recorded seeds with the bounds of their 95 % intervals.

    Parameters
    ----------
    name : str
        Of the experiment.
    columns : sequence of str
        As for :func:`value`.

    Returns
    -------
    ndarray, (n_columns, 3)
        Percent, bounds cut at 0 and 100; NaN where nothing is recorded, and for the bounds of a
        single seed.
    """
    runs = experiments.results(name)
    return np.array(
        [
            intervals.t_interval_of_percentages([value(run, column) for run in runs])
            for column in columns
        ]
    )


def learning_curves(*names: str) -> dict[str, Floats]:
    """Return training accuracy after each epoch, of the experiments that have records.

    Parameters
    ----------
    *names : str
        Of experiments.

    Returns
    -------
    dict
        Method and number of seeds to an array (n_epochs, 3): mean, smallest and largest value over
        the seeds, in percent. The argument of :func:`plots.results.learning_bands`.
    """
    curves: dict[str, Floats] = {}
    for name in names:
        experiment = experiments.get(name)
        runs = experiments.converged(experiments.results(experiment))
        if runs:
            seeds = 100 * np.array([run.accuracy_curve for run in runs])
            label = f"{_method(experiment)} ({counted(len(runs), 'seed')})"
            curves[label] = np.stack([seeds.mean(0), seeds.min(0), seeds.max(0)], axis=1)
    return curves


def overview(table: str) -> dict[str, Floats]:
    """Return the numbers behind the dots of figures 7.13 and 8.10.

    Parameters
    ----------
    table : {"7.13", "8.14"}

    Returns
    -------
    dict
        "published" (n_methods, n_classes) and "recorded" (n_methods, n_classes, 3), in percent,
        NaN where there is none: the arguments of :func:`plots.results.method_dots`.
    """
    printed = published.table(table)
    names = [experiment_of(table, row).name for row in printed.index]
    return {
        "published": printed.to_numpy(dtype=float),
        "recorded": np.array([recorded(name, list(printed.columns)) for name in names]),
    }


def methods(table: str) -> list[str]:
    """Return the names of the methods in the rows of a published table.

    Parameters
    ----------
    table : str
        As for `comparison`.
    """
    return [experiment_of(table, row).method for row in published.table(table).index]


def further(names: Sequence[str], columns: Sequence[str], live: Mapping[str, Run]) -> pd.DataFrame:
    """Return what was measured for experiments that the thesis does not have, as text.

    Corrected twins and controls; laid out as :func:`comparison`, without published numbers.

    Parameters
    ----------
    names : sequence of str
        Of experiments.
    columns : sequence of str
        As for :func:`value`.
    live : mapping of str to Run
        As for `comparison`.
    """
    rows: dict[tuple[str, str], Sequence[str | None]] = {}
    for name in names:
        experiment = experiments.get(name)
        label = _method(experiment)
        if name in live:
            rows[label, _source(live[name])] = [_measured(live[name], c) for c in columns]
        runs = experiments.results(experiment)
        rows[label, _seeds(runs)] = [_mean(runs, c) for c in columns]
    return _frame(rows, columns)


def confusion(run: Run, label: str = "") -> tuple[str, Floats]:
    """Return a title and a confusion matrix: the mean of the recorded seeds, or this build's run.

    Runs that diverged have no answers, and do not count.

    Parameters
    ----------
    run : Run
    label : str
        Name in the title; the method's if not given.

    Returns
    -------
    title : str
        Says which of the two it is.
    matrix : ndarray, (n_classes, n_classes)
        Counts, true classes as rows.
    """
    name = label or run.experiment.method
    runs = experiments.converged(experiments.results(run.experiment))
    if runs:
        return _title(f"{name}\n{_seeds(runs)}"), np.mean([r.confusion for r in runs], axis=0)
    return _title(f"{name}\n{_source(run)}"), np.array(run.confusion, dtype=float)


def note(*names: str) -> str:
    """Say under a table what its recorded numbers come from, and how to train them again.

    Parameters
    ----------
    *names : str
        Numbers of published tables, "7.2", or names of experiments.
    """
    chosen: dict[str, None] = {}
    for name in names:
        chosen |= dict.fromkeys([name] if "/" in name else experiments_of(name))
    return _provenance(list(chosen))


def _best(frame: pd.DataFrame, grid: bool) -> Best:
    """Find the best method among the published and among the recorded means.

    A few epochs of this build are no basis for it, nor are records of some methods only; and a
    large training accuracy is no merit.
    """
    kinds = [str(source).partition(",")[0] for source in frame.index.get_level_values("Source")]
    some = {kind for kind, row in zip(kinds, frame.isna().any(axis=1), strict=True) if row}
    compared = [kind if kind in {"published", "recorded"} - some else "" for kind in kinds]
    columns = [column for column in map(str, frame.columns) if column != "Training"]
    return largest(frame, columns, by=compared, whole=grid)


def _recorded_rows(
    table: str, name: str, runs: Sequence[Run], columns: Sequence[str]
) -> dict[tuple[str, str], Sequence[str | None]]:
    rows: dict[tuple[str, str], Sequence[str | None]] = {
        (name, _seeds(runs)): [_mean(runs, column) for column in columns]
    }
    if runs:
        rows[name, "verdict"] = [_verdict(runs, (table, name, c), c) for c in columns]
    return rows


def _mean(runs: Sequence[Run], column: str) -> str | None:
    """Return "mean ± half the interval" of some runs, as :func:`intervals.said_percentage`."""
    mean, low, high = intervals.t_interval([value(run, column) for run in runs])
    if math.isnan(mean):
        return "diverged" if any(run.diverged for run in runs) else None
    return intervals.said_percentage(mean, low, high)


def _verdict(runs: Sequence[Run], place: tuple[str, str, str], column: str) -> str | None:
    """Return the verdict on a printed number, None where the runs have no number for it."""
    verdict, _ = findings.judge(*place, [value(run, column) for run in runs])
    return None if verdict == "missing" else verdict


def _title(text: str) -> str:
    """Return a text for a figure; Matplotlib would set what stands between dollars as a formula."""
    return text.replace("$", r"\$")


def _measured(run: Run, column: str) -> str | None:
    if run.diverged:
        return "diverged"
    number = value(run, column)
    return None if math.isnan(number) else f"{number:.2f}"


def _method(experiment: Experiment) -> str:
    return experiment.method + (", corrected" if experiment.corrects else "")


def _source(run: Run) -> str:
    stand_in = "" if run.provenance["dataset"] == "mnist" else f" ({run.provenance['dataset']})"
    length = f"{run.epochs} of {run.experiment.epochs:,} epochs"
    if sample := run.provenance.get("images"):
        length = f"{run.epochs * sample:,} images"  # of an epoch that is longer
    return f"this build{stand_in}, {length}"


def _seeds(runs: Sequence[Run]) -> str:
    if not runs:
        return "recorded"
    return f"recorded, {counted(len(runs), 'seed')}"


def _provenance(names: Sequence[str]) -> str:
    """Say in a few words what the recorded runs of some experiments come from."""
    found = {name: experiments.results(name) for name in names}
    runs = [run for group in found.values() for run in group]
    # Moved thresholds are read off the networks of their base.
    trained = dict.fromkeys(experiments.get(name).base or name for name in names)
    patterns = " ".join(f"'{_pattern(name)}'" for name in dict.fromkeys(map(_pattern, trained)))
    # What is missing belongs to the same row as what is there.
    option = " --precision bfloat16" * (precision.used(runs) == ["bfloat16"])
    command = f"`thesis-lib sweep {patterns}{option}`"
    if not runs:
        return f"Percent. Nothing is recorded yet; {command} trains it."
    single = any(len(group) == 1 for group in found.values())
    machines = Counter((run.provenance["device"], run.provenance["backend"]) for run in runs)
    where = "; ".join(
        f"{counted(number, 'run')} on {device} with {_BACKENDS.get(backend, backend)}"
        for (device, backend), number in sorted(machines.items())
    )
    versions = sorted({f"Keras {run.provenance['versions']['keras']}" for run in runs})
    dates = sorted({str(run.provenance["utc"])[:10] for run in runs})
    period = dates[0] if len(dates) == 1 else f"{dates[0]} to {dates[-1]}"
    return (
        "Percent; ±, or bounds in brackets where one is cut at 0 or 100, is a 95 % interval over "
        f"seeds{', which one seed does not have' * single}. "
        f"Recorded: {where}; {', '.join(versions)}, {period}; "
        f"activations in {_activations(found)}. {command} trains what is missing."
    )


def _activations(found: Mapping[str, Sequence[Run]]) -> str:
    """Say in which precision runs were trained, and which ones if there are several."""
    kinds = precision.used([run for runs in found.values() for run in runs])
    if len(kinds) == 1:
        return f"`{kinds[0]}`"
    said = []
    for kind in kinds:
        names = [name for name, runs in found.items() if kind in precision.used(runs)]
        slugs = dict.fromkeys(_pattern(name).split("/")[1] for name in names)
        said.append(f"`{kind}` ({', '.join(slugs)})")
    return ", ".join(said)


def _pattern(name: str) -> str:
    """Return one shell pattern for all focal settings of a task, and other names as they are."""
    return f"{name.split('/')[0]}/focal-*" if "/focal-" in name else name


def _frame(
    rows: Mapping[tuple[str, str], Sequence[str | None]], columns: Sequence[str]
) -> pd.DataFrame:
    frame = pd.DataFrame.from_dict(dict(rows), orient="index", columns=list(columns))
    frame.index = pd.MultiIndex.from_tuples(rows, names=["Model", "Source"])
    return frame
