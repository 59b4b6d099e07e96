"""Findings about the thesis: what text and code say, and which verdicts they explain.

The texts are in ``findings.yml``.

Where a finding stands is computed by ``evidence``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from thesis_lib import experiments
from thesis_lib.book import published, verdicts
from thesis_lib.training import Experiment

EXPLAINED = "differs, explained"

_CONTRADICTIONS = "contradictions"
"""The finding that explains a row whose other printed value agrees."""

_TRAINING = "training-accuracy"
"""The finding that explains a training accuracy that was measured with dropout."""

_FELL = 5.0  # points below the printed training accuracy, from where on a network has fallen


@dataclass(frozen=True)
class Finding:
    """A disagreement inside the thesis; the fields are those that ``findings.yml`` explains."""

    id: str
    title: str
    places: tuple[str, ...]
    says: str
    does: str
    slip_of: tuple[str, ...] = ()


@cache
def findings() -> tuple[Finding, ...]:
    """Return all findings, in the order of ``findings.yml``."""
    with open(Path(__file__).with_name("findings.yml"), encoding="utf-8") as file:
        entries = yaml.safe_load(file)
    return tuple(_finding(entry) for entry in entries)


def table() -> pd.DataFrame:
    """Return every verdict on a printed number, with the finding that explains a difference.

    Returns
    -------
    DataFrame
        Columns "Table", "Model", "Quantity", "Published", "Recorded", "Low", "High" (percent, the
        bounds of the 95 % interval of the recorded mean), "Seeds", "Verdict", "Finding".
    """
    rows = []
    for place, number in verdicts.cells():
        sample = verdicts.sample(*place)
        found = published.compare(number, sample)
        measured = (found.published, found.mean, found.low, found.high, found.n)
        rows.append((*place, *measured, *judge(*place, sample)))
    heads = ["Table", "Model", "Quantity", "Published", "Recorded", "Low", "High", "Seeds"]
    return pd.DataFrame(rows, columns=[*heads, "Verdict", "Finding"])


def summary(rows: pd.DataFrame) -> pd.DataFrame:
    """Count the verdicts of :func:`table` by published table, with their sum in the last row.

    Parameters
    ----------
    rows : DataFrame
        As `table` returns them.

    Returns
    -------
    DataFrame
        A row a table and "all"; columns "numbers", "agrees", "differs, explained", "differs", and
        where there are any "too few seeds", "one seed" and "missing". Tables with other verdicts
        are left out.
    """
    rows = rows[rows["Quantity"] != "Confidence"]
    waiting = [v for v in ("too few seeds", "one seed", "missing") if (rows["Verdict"] == v).any()]
    kinds = ["agrees", EXPLAINED, "differs", *waiting]
    counts = pd.crosstab(rows["Table"], rows["Verdict"]).reindex(columns=kinds, fill_value=0)
    counts = counts.loc[list(dict.fromkeys(rows["Table"]))]
    counts.insert(0, "numbers", counts.sum(axis=1))
    counts.loc["all"] = counts.sum()
    counts.index.name, counts.columns.name = "Thesis's table", None
    return counts


def weight(rows: pd.DataFrame) -> pd.DataFrame:
    """Count what the verdicts "agrees" and "differs" of :func:`table` rest on.

    Parameters
    ----------
    rows : DataFrame
        As `table` returns them.

    Returns
    -------
    DataFrame
        A row a verdict and "all" of them; columns "numbers", "distinct" (pairs of an experiment and
        a quantity, whatever number of tables prints them), and of these "constant" (recorded with
        the same value by all seeds).
    """
    chosen = rows[rows["Verdict"].isin(["agrees", EXPLAINED, "differs"])]
    places = zip(chosen["Table"], chosen["Model"], chosen["Quantity"], strict=True)
    once = chosen.assign(
        what=[published.quantity(*place) for place in places],
        constant=(chosen["High"] - chosen["Low"]).abs() < 1e-9,
    ).drop_duplicates(["Verdict", "what"])
    counts = pd.DataFrame(
        {
            "numbers": chosen.groupby("Verdict").size(),
            "distinct": once.groupby("Verdict").size(),
            "constant": once.groupby("Verdict")["constant"].sum(),
        }
    ).reindex(["agrees", EXPLAINED, "differs"], fill_value=0)
    counts.loc["all"] = counts.sum()
    return counts.astype(int).rename_axis("Verdict")


def said_weight(rows: pd.DataFrame) -> str:
    """Say in a few sentences what the verdicts of `weight` rest on, and what has none yet.

    Parameters
    ----------
    rows : DataFrame
        As `table` returns them.
    """
    counts = weight(rows)
    judged, agrees = counts["numbers"], counts.loc["agrees"]
    kinds = {"too few seeds": "two seeds", "one seed": "one", "missing": "none"}
    waiting = [
        f"{n} with {said}" for kind, said in kinds.items() if (n := (rows["Verdict"] == kind).sum())
    ]
    open_ones = f" No verdict yet: {', '.join(waiting)}." if waiting else ""
    every = judged["all"] == len(rows) > 0
    found = f"all with a verdict of at least {rows['Seeds'].min()} seeds" if every else ""
    found = found or f"{judged['all']} with a verdict"
    return (
        f"{len(rows)} numbers, {found}: {agrees['numbers']} agree, "
        f"{judged['differs']} differ, {judged[EXPLAINED]} differ and are explained. Tables repeat "
        f"one another: the {agrees['numbers']} that agree are {agrees['distinct']} distinct "
        f"quantities, and {agrees['constant']} of these have the same value in all our seeds."
        f"{open_ones}"
    )


def fallen(task: str) -> pd.DataFrame:
    """Return the recorded networks that have not learnt their training set, as the thesis's had.

    The thesis prints the mean training accuracy of five networks. Where that is nearly 100 %, none
    of the five can be far below. A network of ours that is, by more than five points, counts.

    Parameters
    ----------
    task : {"multiclass", "binary"}

    Returns
    -------
    DataFrame
        A row a network; columns "Experiment" (without the task), "Seed", "Printed", "Last epoch"
        and "Training" (training accuracies; as Keras reports it in the last epoch, while weights
        change and with dropout, and of the trained network) and "Testing", in percent.
    """
    rows = []
    for name, experiment in experiments.catalogue().items():
        printed = [
            published.number(table, row, "Training")
            for table, row in experiment.published
            if name.startswith(f"{task}/") and "Training" in published.table(table)
        ]
        for run in experiments.converged(experiments.recorded(experiment)) if printed else ():
            if 100 * run.train_accuracy < printed[0] - _FELL:
                last = run.accuracy_curve[-1] if run.accuracy_curve else math.nan
                measured = (last, run.train_accuracy, run.test_accuracy)
                percent = [100 * value for value in measured]
                rows.append((name.split("/")[1], run.seed, printed[0], *percent))
    columns = ["Experiment", "Seed", "Printed", "Last epoch", "Training", "Testing"]
    return pd.DataFrame(rows, columns=columns)


def without(task: str, left_out: pd.DataFrame) -> pd.DataFrame:
    """Judge the printed numbers of some experiments again, without some of their networks.

    Parameters
    ----------
    task : {"multiclass", "binary"}
    left_out : DataFrame
        As `fallen` returns it, of that task.

    Returns
    -------
    DataFrame
        A row a number of these experiments; columns "Now" and "Without", the bare verdicts.
    """
    seeds = left_out.groupby("Experiment")["Seed"].agg(set).to_dict()
    rows = []
    for place, number in verdicts.cells():
        experiment = verdicts.experiment_of(*place)
        of_task, slug = experiment.name.split("/")
        if of_task != task or slug not in seeds:
            continue
        column = "Testing" if place[0] in verdicts.GRIDS.values() else place[2]
        values = {run.seed: verdicts.value(run, column) for run in experiments.recorded(experiment)}
        kept = [value for seed, value in values.items() if seed not in seeds[slug]]
        samples = (list(values.values()), kept)
        rows.append([published.compare(number, sample).verdict for sample in samples])
    return pd.DataFrame(rows, columns=["Now", "Without"])


def judge(table: str, row: str, column: str, sample: Sequence[float]) -> tuple[str, str]:
    """Return the verdict on a printed number, and the finding that explains a difference ("").

    A difference is explained in three cases only: the thesis prints another value of the same
    quantity elsewhere, which agrees with the sample; or a training accuracy agrees with those that
    Keras reports in the last epoch, with dropout; or the experiment repeats a slip, and the row is
    consistent with its corrected twin (`twin_agrees`).

    Parameters
    ----------
    table, row, column : str
        A cell of a published table.
    sample : sequence of float
        One value a run, in percent.
    """
    verdict = published.compare(published.number(table, row, column), sample).verdict
    if verdict != "differs":
        return verdict, ""
    if _other_print_agrees(published.quantity(table, row, column), sample):
        return EXPLAINED, _CONTRADICTIONS
    experiment = verdicts.experiment_of(table, row, column)
    name, number = experiment.name, published.number(table, row, column)
    reported = reported_while_training(experiment) if column == "Training" else []
    if published.compare(number, reported).verdict == "agrees":
        return EXPLAINED, _TRAINING
    for finding in findings():
        if name in finding.slip_of and twin_agrees(name, table, row):
            return EXPLAINED, finding.id
    return verdict, ""


def reported_while_training(experiment: Experiment) -> list[float]:
    """Return the training accuracies that Keras reported in the last epoch, with dropout.

    Parameters
    ----------
    experiment : Experiment

    Returns
    -------
    list of float
        Percent, one a recorded run that did not diverge.
    """
    runs = experiments.converged(experiments.recorded(experiment))
    return [100 * run.accuracy_curve[-1] for run in runs]


def twin_agrees(name: str, table: str, row: str) -> bool:
    """Return whether a published row is consistent with a corrected twin of an experiment.

    A twin that scatters widely agrees with nearly everything, so agreement is not enough: its means
    have to be nearer than the listing's wherever the listing differs. Only a twin that is trained
    for as many epochs counts.

    Parameters
    ----------
    name : str
        Of the experiment.
    table, row : str
        As for `judge`.
    """
    listed = experiments.get(name)
    columns = [str(column) for column in published.table(table).columns]
    return any(
        all(_twin_is_nearer(listed, twin, published.number(table, row, c), c) for c in columns)
        for twin in experiments.catalogue().values()
        if twin.corrects == name and twin.epochs == listed.epochs
    )


def _twin_is_nearer(listed: Experiment, twin: Experiment, number: float, column: str) -> bool:
    ours, other = (
        published.compare(number, [verdicts.value(run, column) for run in experiments.recorded(e)])
        for e in (listed, twin)
    )
    if other.verdict != "agrees":
        return False
    return ours.verdict != "differs" or abs(other.mean - number) < abs(ours.mean - number)


def _other_print_agrees(quantity: str, sample: Sequence[float]) -> bool:
    return any(
        published.compare(value, sample).verdict == "agrees"
        for contradiction in published.contradictions()
        if contradiction.quantity == quantity
        for _, value in contradiction.places
    )


def _finding(entry: dict[str, Any]) -> Finding:
    lists = {name: tuple(entry.get(name, ())) for name in ("places", "slip_of")}
    return Finding(**{**entry, **lists})
