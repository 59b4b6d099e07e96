"""Every published number of chapters 7 and 8 beside the records, with a verdict."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import pandas as pd

from thesis_lib import data, experiments, published, report
from thesis_lib.training import Run

RunsOf = Callable[[str], list[Run]]

GRIDS = {"7.11": "multiclass", "8.12": "binary"}
PROBABILITIES = "8.13"

VERDICTS = ("agrees", "differs, explained", "differs", "one seed", "missing")


@dataclass(frozen=True)
class Row:
    """One published number, the runs that repeat it (percent, one a seed), and what came of it."""

    table: str
    model: str
    quantity: str
    experiment: str
    comparison: published.Comparison
    verdict: str
    explanation: str = ""


def rows() -> list[Row]:
    """Return every number of tables 7.1 to 8.14, in the thesis's order.

    The verdict is that of :func:`published.compare`. A number that differs is *explained* when the
    thesis prints the same quantity elsewhere with a value that agrees, or when a corrected twin of
    its experiment agrees with every number of its row.
    """
    runs_of = cache(experiments.results)  # the same experiment stands in many rows
    found = []
    for table in published.tables():
        if not table.startswith(("7.", "8.")):
            continue
        for model, numbers in published.table(table).iterrows():
            row = {str(column): float(number) for column, number in numbers.items()}
            found += [_row(table, str(model), column, row, runs_of) for column in row]
    return found


def frame() -> pd.DataFrame:
    """Return the rows of :func:`rows` as numbers.

    Returns
    -------
    DataFrame
        Columns "Table", "Model", "Quantity", "Published", "Mean", "Low", "High" (bounds of the 95 %
        interval, percent), "Seeds", "Verdict", "Explanation".
    """
    columns = ["Table", "Model", "Quantity", "Published", "Mean", "Low", "High", "Seeds"]
    cells = []
    for row in rows():
        c = row.comparison
        numbers = (c.published, c.mean, c.low, c.high, c.n)
        cells.append((row.table, row.model, row.quantity, *numbers, row.verdict, row.explanation))
    return pd.DataFrame(cells, columns=[*columns, "Verdict", "Explanation"])


def counts(table: pd.DataFrame) -> pd.DataFrame:
    """Return how many numbers of each table have which verdict, with a row for all.

    Parameters
    ----------
    table : DataFrame
        As :func:`frame` returns it.
    """
    counted = pd.crosstab(table["Table"], table["Verdict"]).reindex(
        index=list(dict.fromkeys(table["Table"])), columns=list(VERDICTS), fill_value=0
    )
    counted.loc["all"] = counted.sum()
    counted.columns.name = None
    return counted


def experiment_of(table: str, model: str, quantity: str) -> str:
    """Return the name of the experiment that a cell of a published table stands for."""
    if table in GRIDS:
        gamma, weight = model.removeprefix("gamma="), quantity.removeprefix("a=")
        return f"{GRIDS[table]}/focal-g{gamma}-a{weight}"
    if table == PROBABILITIES:
        return "binary/baseline"
    return report.experiment_of(table, model).name


def _row(table: str, model: str, quantity: str, numbers: dict[str, float], runs_of: RunsOf) -> Row:
    name = experiment_of(table, model, quantity)
    sample = _sample(table, model, quantity, runs_of(name))
    found = published.compare(numbers[quantity], sample)
    verdict, reason = found.verdict, ""
    if verdict == "differs":
        reason = _printed_elsewhere(table, model, quantity, sample) or _twin(
            table, name, numbers, runs_of
        )
        verdict = "differs, explained" if reason else verdict
    return Row(table, model, quantity, name, found, verdict, reason)


def _sample(table: str, model: str, quantity: str, runs: Sequence[Run]) -> list[float]:
    """Return what the runs of an experiment have for a cell, in percent."""
    if table in GRIDS:
        quantity = "Testing"
    if table != PROBABILITIES:
        return [report.value(run, quantity) for run in runs]
    y_test = data.task("binary", data.load("mnist")).y_test
    kept = [experiments.outputs(run.experiment.name, run.seed) for run in runs]
    means = [report.mean_probabilities(p, y_test) for p in kept if p is not None]
    return [float(mean.loc[[model], quantity].iloc[0]) for mean in means]


def _printed_elsewhere(table: str, model: str, quantity: str, sample: Sequence[float]) -> str:
    """Name a place where the thesis prints this quantity with a value that agrees."""
    measured = published.quantity_of(table, model, quantity)
    for contradiction in published.contradictions():
        if contradiction.quantity != measured:
            continue
        for place, value in contradiction.places:
            if published.compare(value, sample).verdict == "agrees":
                return f"{place} prints {value:.2f}, which agrees"
    return ""


def _twin(table: str, name: str, numbers: dict[str, float], runs_of: RunsOf) -> str:
    """Name the corrected twin whose runs agree with every number of the row."""
    if table in GRIDS or table == PROBABILITIES:
        return ""
    for twin in experiments.catalogue().values():
        if twin.corrects == name and _agrees(runs_of(twin.name), numbers):
            return f"{twin.name} agrees with the whole row"
    return ""


def _agrees(runs: Sequence[Run], numbers: dict[str, float]) -> bool:
    """Whether the runs of an experiment agree with all numbers of a row that they have."""
    samples = {column: [report.value(run, column) for run in runs] for column in numbers}
    verdicts = [published.compare(numbers[c], sample).verdict for c, sample in samples.items()]
    # Moved thresholds have no accuracy on the training set, so that number is missing.
    return "agrees" in verdicts and set(verdicts) <= {"agrees", "missing"}
