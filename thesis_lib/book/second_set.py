"""Would five other seeds say the same? The thesis's experiments trained once more, compared."""

from __future__ import annotations

import numpy as np
import pandas as pd

from thesis_lib.book import published, replication, verdicts

STORE = "again"
"""The store inside the store that holds the runs with other seeds."""


def rows() -> pd.DataFrame:
    """Compare both sets of runs with each printed number of chapters 7 and 8, and with each other.

    A quantity that several tables print counts once, with its first number. Mean outputs (table
    8.13) are left out: the outputs of the second set are not kept.

    Returns
    -------
    DataFrame
        A row a quantity of which both sets have three runs or more: "Table", "Model", "Quantity",
        "Published", "First", "Second" (our means, in percent), the verdicts on the published number
        "By the first", "By the second" and "By both" sets, "Varies" (whether the first set's runs
        differ) and "Second by the first", the verdict if the second mean were the published one.
    """
    found = {}
    for place, number in verdicts.cells():
        what = published.quantity(*place)
        if what in found or place[0] == verdicts.MEAN_OUTPUTS:
            continue
        first, second = (verdicts.sample(*place, part=part) for part in ("", STORE))
        if min(len(first), len(second)) < published.FEWEST_SEEDS:
            continue
        ours = round(float(np.nanmean(second)), 2)  # as it would be printed
        found[what] = (
            *place,
            number,
            float(np.nanmean(first)),
            float(np.nanmean(second)),
            *(
                published.compare(number, sample).verdict
                for sample in (first, second, first + second)
            ),
            bool(np.nanmax(first) - np.nanmin(first) > 1e-9),
            published.compare(ours, first).verdict,
        )
    columns = ["Table", "Model", "Quantity", "Published", "First", "Second"]
    columns += ["By the first", "By the second", "By both", "Varies", "Second by the first"]
    return pd.DataFrame(list(found.values()), columns=columns).astype({"Varies": bool})


def summary(rows: pd.DataFrame) -> pd.DataFrame:
    """Count how often the thesis's five runs differ from our first, and how often our second do.

    Parameters
    ----------
    rows : DataFrame
        As `rows` returns them.

    Returns
    -------
    DataFrame
        A row a task, and "all", of the numbers that vary between the first set's runs: "Numbers",
        "By chance" (how many would differ if the others were drawn alike), "The thesis's" and "Our
        second" (how many do).
    """
    varying = rows[rows["Varies"]]
    ten, two = replication.TASKS.values()
    tasks = varying["Table"].str.startswith("8.").map({False: ten, True: two})
    counts = pd.DataFrame(
        {
            "Numbers": 1,
            "The thesis's": varying["By the first"] == "differs",
            "Our second": varying["Second by the first"] == "differs",
        }
    )
    counts = counts.groupby(tasks.rename("Task")).sum()
    counts.loc["all"] = counts.sum()
    counts.insert(1, "By chance", (1 - replication.LEVEL) * counts["Numbers"])
    return counts


def changes(rows: pd.DataFrame) -> pd.DataFrame:
    """Count the verdicts of the first set of runs by those of the second.

    Parameters
    ----------
    rows : DataFrame
        As `rows` returns them.
    """
    return pd.crosstab(rows["By the first"], rows["By the second"])


def firm(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the published numbers that differ by the first set of runs, by the second and by both.

    Parameters
    ----------
    rows : DataFrame
        As `rows` returns them.

    Returns
    -------
    DataFrame
        Columns "Published", "First" and "Second", by "Table", "Row" and "Quantity".
    """
    differ = (rows[["By the first", "By the second", "By both"]] == "differs").all(axis=1)
    found = rows[differ]
    return found[["Published", "First", "Second"]].set_axis(replication.places(found))


def said(rows: pd.DataFrame) -> str:
    """Say in sentences what the second set shows.

    Parameters
    ----------
    rows : DataFrame
        As `rows` returns them.
    """
    if rows.empty:
        return "No second set is recorded."
    numbers, chance, theirs, ours = summary(rows).loc["all"]
    same = int((rows["By the first"] == rows["By the second"]).sum())
    apart = firm(rows).index.get_level_values("Quantity")
    return (
        f"Of {numbers:.0f} numbers that vary between our first five seeds, our second five differ "
        f"from them in {ours:.0f}, where chance lets one expect about {chance:.0f}; the thesis's "
        f"five differ in {theirs:.0f}. Judged by the second five, {same} of {len(rows)} numbers "
        f"get the same verdict. {len(apart)} differ by either five and by all ten, "
        f"{int((apart == 'Training').sum())} of them training accuracies."
    )
