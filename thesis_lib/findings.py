"""Findings about the thesis: what text and code say, and which verdicts they explain.

The texts are in ``findings.yml``.

Where a finding stands is computed by ``evidence``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from thesis_lib import experiments, published, verdicts

EXPLAINED = "differs, explained"

CONTRADICTIONS = "contradictions"
"""The finding that explains a row whose other printed value agrees."""


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
        A row a table and "all"; columns "numbers", "agrees", "differs, explained", "differs",
        "one seed" and "missing".
    """
    kinds = ["agrees", EXPLAINED, "differs", "one seed", "missing"]
    counts = pd.crosstab(rows["Table"], rows["Verdict"]).reindex(columns=kinds, fill_value=0)
    counts = counts.loc[list(dict.fromkeys(rows["Table"]))]
    counts.insert(0, "numbers", counts.sum(axis=1))
    counts.loc["all"] = counts.sum()
    counts.index.name, counts.columns.name = "Thesis's table", None
    return counts


def judge(table: str, row: str, column: str, sample: Sequence[float]) -> tuple[str, str]:
    """Return the verdict on a printed number, and the finding that explains a difference ("").

    A difference is explained in two cases only: the thesis prints another value of the same
    quantity elsewhere, which agrees with the sample; or the experiment repeats a slip, and its
    corrected twin, recorded with two seeds or more, agrees with the whole row.

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
        return EXPLAINED, CONTRADICTIONS
    name = verdicts.experiment_of(table, row, column).name
    for finding in findings():
        if name in finding.slip_of and twin_agrees(name, table, row):
            return EXPLAINED, finding.id
    return verdict, ""


def twin_agrees(name: str, table: str, row: str) -> bool:
    """Return whether a corrected twin of an experiment agrees with a whole published row.

    Parameters
    ----------
    name : str
        Of the experiment.
    table, row : str
        As for `judge`.
    """
    for twin in experiments.catalogue().values():
        if twin.corrects != name:
            continue
        runs = experiments.recorded(twin)
        found = (
            published.compare(
                published.number(table, row, c), [verdicts.value(run, c) for run in runs]
            ).verdict
            for c in map(str, published.table(table).columns)
        )
        if all(verdict == "agrees" for verdict in found):
            return True
    return False


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
