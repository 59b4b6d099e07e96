"""The rows, findings and claims of the replication report, as tables and Markdown for its pages."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

import numpy as np
import pandas as pd
import scipy

from thesis_lib import arguments, experiments, intervals
from thesis_lib.book import claims, confidences, evidence, findings, precision, published, verdicts
from thesis_lib.tables import Table, to_myst
from thesis_lib.wording import counted

TASKS = {"multiclass": "Ten classes", "binary": "Two classes"}
LEVEL = 0.95
"""Of the verdicts: a true number is said to differ in one of twenty cases."""


class LongTable(Table):
    """A table in a box of its own, which scrolls under its head; names of findings are links.

    The links lead to where :func:`anchored` puts the findings, so they need its page. Parameters
    are those of :class:`Table`.
    """

    def to_markdown(self) -> str:
        """Return the table as :meth:`Table.to_markdown` does, with a class and with links."""
        text = super().to_markdown()
        text = text.replace(f":name: {self.label}\n", f":name: {self.label}\n:class: long\n")
        return re.sub(r"(?<=\| )`([a-z-]+)`(?= \|)", r"[`\1`](#finding-\1)", text)


def rows() -> pd.DataFrame:
    """Return all rows: tables 5.1 and 5.2, and every printed number of chapters 7 and 8.

    "Seeds" is missing in the first and "Scores" in the others.
    """
    every = pd.concat([confidences.table(), findings.table()], ignore_index=True)
    return every.astype({"Seeds": "Int64", "Scores": "Int64"})


def sources() -> str:
    """Say in Markdown what the page rests on beside the records, and plainly what it lacks."""
    if lacking := confidences.lacking():
        return (
            f"**{lacking}** No digits or photographs that ship with other software stand in here: "
            "what needs the real ones is missing or open. The records are of real MNIST."
        )
    return "Beside the records this build had MNIST and the pictures of cats and dogs."


def readable(rows: pd.DataFrame) -> pd.DataFrame:
    """Turn rows of published tables into the text that a page shows.

    Parameters
    ----------
    rows : DataFrame
        As :func:`rows` returns them.

    Returns
    -------
    DataFrame
        "n" counts seeds, or scores in tables 5.1 and 5.2.
    """
    scores = rows["Quantity"].eq("Confidence")
    digits = np.where(scores, 4, 2).tolist()
    counts = rows.reindex(columns=["Seeds", "Scores"])
    numbers = zip(rows["Recorded"], rows["Low"], rows["High"], digits, strict=True)
    return pd.DataFrame(
        {
            # Before the numbers, since the last columns lie outside of the box.
            "Verdict": list(rows["Verdict"]),
            "Published": list(map(_printed, rows["Table"], rows["Model"], rows["Quantity"])),
            "Ours": [_interval(*number) for number in numbers],
            "n": counts["Seeds"].combine_first(counts["Scores"]).astype("Int64").array,
            "Finding": [f"`{id}`" if id else "" for id in rows["Finding"]],
        },
        index=places(rows),
    )


def places(rows: pd.DataFrame) -> pd.MultiIndex:
    """Return where the numbers of rows are printed, as a page names it.

    Parameters
    ----------
    rows : DataFrame
        With the columns "Table", "Model" and "Quantity" of :func:`rows`.
    """
    models = rows["Model"].str.replace("gamma", "γ")
    quantities = rows["Quantity"].str.replace(r"^(\d)$", r"Class \1", regex=True)
    names = ["Table", "Row", "Quantity"]
    return pd.MultiIndex.from_arrays([rows["Table"], models, quantities], names=names)


def by_chance(rows: pd.DataFrame) -> pd.DataFrame:
    """Count by quantity how many distinct numbers differ, and how many would by chance.

    A quantity that several tables print counts once, with its first number. One that all our seeds
    measured alike has no spread to test with, and is left out.

    Parameters
    ----------
    rows : DataFrame
        As :func:`findings.table` returns them.

    Returns
    -------
    DataFrame
        A row a task and a quantity, and "all"; columns "Varying" (distinct numbers with a verdict
        that vary between our seeds), "By chance" (how many of them would differ if all published
        means were other draws of our experiments) and "Differ" (how many do, explained or not).
    """
    judged = rows[rows["Verdict"].isin(["agrees", findings.EXPLAINED, "differs"])]
    places = zip(judged["Table"], judged["Model"], judged["Quantity"], strict=True)
    judged = judged.assign(
        what=[published.quantity(*place) for place in places],
        Task=[list(TASKS.values())[table.startswith("8.")] for table in judged["Table"]],
        Quantity=list(map(_column, judged["Table"], judged["Quantity"])),
    ).drop_duplicates("what")
    varying = judged[(judged["High"] - judged["Low"]).abs() > 1e-9]
    varying = varying.assign(Differ=varying["Verdict"] != "agrees")
    counts = varying.groupby(["Task", "Quantity"], sort=False)["Differ"].agg(["size", "sum"])
    counts.loc[("all", ""), :] = counts.sum()
    counts = counts.astype(int).set_axis(["Varying", "Differ"], axis=1)
    counts.insert(1, "By chance", (1 - LEVEL) * counts["Varying"])
    return counts


def said_by_chance(rows: pd.DataFrame) -> str:
    """Say in a sentence how many numbers differ, beside how many would by chance.

    Parameters
    ----------
    rows : DataFrame
        As for `by_chance`.
    """
    varying, chance, differ = by_chance(rows).iloc[-1].tolist()
    return (
        f"{varying:.0f} distinct numbers with a verdict vary between our seeds. If every published "
        f"mean were another draw of our experiment, about {chance:.0f} of them would be said to "
        f"differ at the 95 % level. {differ:.0f} are."
    )


def said_fallen() -> str:
    """Say in Markdown which networks :func:`findings.fallen` finds, and what hangs on them."""
    parts, networks, agrees, fewer = [], 0, 0, 0
    for task, heading in TASKS.items():
        found = findings.fallen(task)
        if found.empty:
            continue
        networks += len(found)
        seeds = found.groupby("Seed").size()
        each = " and ".join(f"seed {seed} in {n}" for seed, n in seeds.items())
        n = counted(found["Experiment"].nunique(), "experiment")
        parts.append(f"{heading.lower()}, {n}: {each}")
        verdict = findings.without(task, found)
        agreed = verdict["Now"] == "agrees"
        agrees += int(agreed.sum())
        fewer += int((agreed & (verdict["Without"] == "differs")).sum())
    if not parts:
        return "No recorded network lies more than five points below the printed training accuracy."
    return (
        "Recorded networks more than five points below the printed training accuracy: "
        f"{networks} ({'; '.join(parts)}). Of the {agrees} numbers of these experiments that "
        f"agree, {fewer} would differ without them."
    )


def shifts(task: str, parts: Sequence[str] = ("",)) -> pd.DataFrame:
    """Compare our grid of focal loss with the printed one, each quantity over all its settings.

    All settings of a seed start from the same weights and see the images in the same order, so the
    settings are no independent trials. The unit is the seed: its mean difference over the settings.
    As in :func:`published.compare`, the interval lends our spread to five published networks.

    Parameters
    ----------
    task : {"multiclass", "binary"}
    parts : sequence of str
        The stores whose runs count, as `experiments.recorded` takes one.

    Returns
    -------
    DataFrame
        A row a quantity that varies between seeds; columns "Settings", "Higher" (those in which our
        mean is above the printed number), "Seeds", "Difference" (ours less printed, in points),
        "Low", "High" (95 % interval) and "p" (of the t test, adjusted for the number of rows by
        Holm's procedure). Settings without a record are left out.
    """
    gaps: dict[str, list[pd.Series]] = {}
    for (table, row, column), number in verdicts.cells():
        grid = f"{task}/focal-g"
        if table in verdicts.GRIDS.values() or column == "Training" or row.startswith("M_"):
            continue
        experiment = verdicts.experiment_of(table, row, column)
        if not experiment.name.startswith(grid):
            continue
        every = [run for part in parts for run in experiments.recorded(experiment, part=part)]
        if runs := experiments.converged(every):
            values = {run.seed: verdicts.value(run, column) - number for run in runs}
            gaps.setdefault(column, []).append(pd.Series(values))
    found = {}
    for column, series in gaps.items():
        frame = pd.concat(series, axis=1, join="inner")  # the seeds that all settings have
        by_seed = frame.mean(axis=1)
        if len(by_seed) < published.FEWEST_SEEDS or np.ptp(by_seed) < 1e-9:
            continue
        higher = int((frame.mean() > 0).sum())
        found[column] = (frame.shape[1], higher, len(by_seed), *_against_five(by_seed.tolist()))
    heads = ["Settings", "Higher", "Seeds", "Difference", "Low", "High", "p"]
    frame = pd.DataFrame(list(found.values()), columns=heads)
    frame.index = pd.Index([_column("", c) for c in found], name="Quantity", dtype=object)
    return frame.assign(p=intervals.holm(frame["p"].to_numpy())) if found else frame


def shift_table(parts: Sequence[str] = ("",)) -> pd.DataFrame:
    """Return :func:`shifts` of both tasks as the text that a page shows.

    Parameters
    ----------
    parts : sequence of str
        As for `shifts`.
    """
    found = {heading: shifts(task, parts) for task, heading in TASKS.items()}
    every = pd.concat(found, names=["Task", "Quantity"])
    return pd.DataFrame(
        {
            "Settings": every["Settings"],
            "Ours higher in": every["Higher"],
            "Seeds": every["Seeds"],
            "Difference": [
                f"{mean:+.2f} ± {high - mean:.2f}"
                for mean, high in every[["Difference", "High"]].to_numpy()
            ],
            "p (Holm)": [f"{p:.2f}" for p in every["p"]],
        },
        index=every.index,
    )


def said_shifts(parts: Sequence[str] = ("",)) -> str:
    """Say in Markdown which differences :func:`shifts` shows, task by task.

    Parameters
    ----------
    parts : sequence of str
        As for `shifts`.
    """
    texts = []
    for task, heading in TASKS.items():
        found = shifts(task, parts)
        if found.empty:
            texts.append(f"{heading}: the grid has no three seeds in common yet.")
            continue
        apart = found[(found["Low"] > 0) | (found["High"] < 0)]
        named = " and ".join(
            f"{str(row.Index).lower()} ({row.Difference:+.1f} points, higher in {row.Higher} of "
            f"{row.Settings} settings)"
            for row in apart.itertuples()
        )
        text = f"{heading}: of {counted(len(found), 'interval')} {len(apart)} "
        text += f"{'leaves' if len(apart) == 1 else 'leave'} out zero"
        text += f", {named}" if named else ""
        texts.append(
            f"{text}. Adjusted for their number, the smallest p is {found['p'].min():.2f}."
        )
    return " ".join(texts)


def statuses() -> pd.DataFrame:
    """Return where each finding stands, one row a finding."""
    every = findings.findings()
    return pd.DataFrame(
        {
            "Finding": [finding.title for finding in every],
            "Places": [", ".join(finding.places) for finding in every],
            "Status": [evidence.of(finding.id).status for finding in every],
        },
        index=pd.Index([f"`{finding.id}`" for finding in every], name="Name"),
    )


def finding(id: str) -> str:
    """Return a finding with its evidence as a MyST definition list.

    Parameters
    ----------
    id : str
        Of the finding in ``findings.yml``.

    Raises
    ------
    ValueError
        If there is none of that name; the message lists those that there are.
    """
    known = {finding.id: finding for finding in findings.findings()}
    arguments.one_of("id of a finding", id, known)
    chosen = known[id]
    found = evidence.of(id)
    parts = {
        "The text": chosen.says,
        "Code or tables": chosen.does,
        "Measured": found.measured,
    }
    lines = [f"{to_myst(chosen.title)} ({to_myst(', '.join(chosen.places))})"]
    lines += [f": *{name}.* {to_myst(text)}\n" for name, text in parts.items()]
    return "\n".join([*lines, f": **{to_myst(found.status)}**"])


def anchored(ids: Sequence[str]) -> str:
    """Return findings one after another, each with the target that :class:`LongTable` links to.

    Parameters
    ----------
    ids : sequence of str
        As for :func:`finding`.

    Raises
    ------
    ValueError
        As for :func:`finding`.
    """
    return "\n\n".join(f"(finding-{id})=\n{finding(id)}" for id in ids)


def claim(id: str) -> str:
    """Return a claim of the thesis with the verdict of the records, as Markdown.

    Parameters
    ----------
    id : str
        As for :func:`claims.get`.

    Raises
    ------
    ValueError
        As for :func:`claims.get`.
    """
    chosen = claims.get(id)
    found = chosen.judge()
    return (
        f"**{to_myst(chosen.text)}** ({to_myst(chosen.place)}) The claim: "
        f"**{to_myst(found.status)}**. {to_myst(found.measured)}"
    )


def claim_table() -> pd.DataFrame:
    """Return every claim with its place and the verdict of the records."""
    return pd.DataFrame(
        {
            "Made in": [claim.place for claim in claims.CLAIMS],
            "Verdict": [claim.judge().status for claim in claims.CLAIMS],
        },
        index=pd.Index([claim.text for claim in claims.CLAIMS], name="Claim"),
    )


def precision_table(rows: pd.DataFrame) -> pd.DataFrame:
    """Turn rows of :func:`precision.comparison` into the text that a page shows.

    Parameters
    ----------
    rows : DataFrame
    """
    return pd.DataFrame(
        {
            "Quantity": list(rows["Quantity"].str.replace(r"^(\d)$", r"Class \1", regex=True)),
            "float32": [f"{number:.2f}" for number in rows["float32"]],
            "bfloat16": [f"{number:.2f}" for number in rows["bfloat16"]],
            "Difference": [
                # The interval of t is symmetric.
                f"{d:+.2f} ± {(high - low) / 2:.2f}"
                for d, low, high in rows[["Difference", "Low", "High"]].to_numpy()
            ],
            "Same seed": [f"{number:.2f}" for number in rows["Same seed"]],
            "Other seed": [f"{number:.2f}" for number in rows["Other seed"]],
        },
        index=pd.Index(rows["Experiment"], name="Experiment"),
    )


def precision_verdict() -> str:
    """Say in Markdown what the twin runs show, whichever there are."""
    compared = precision.comparison()
    if compared.empty:
        return "No twin runs are recorded yet, so nothing is shown about precision."
    varied = precision.varied(compared)
    closer = varied[varied["Same seed"] < varied["Other seed"]]
    distinct = precision.distinct(compared)
    named = ", ".join(f"{row.Experiment} ({row.Quantity})" for row in distinct.itertuples())
    return (
        f"{compared['Experiment'].nunique()} experiments, {len(compared)} numbers: the interval of "
        f"{len(distinct)} differences does not hold zero{': ' + named if named else ''}. Of the "
        f"{len(varied)} numbers that vary with the seed, {len(closer)} differ less between the "
        "precisions of one seed than between two seeds of one precision."
    )


def _printed(table: str, model: str, quantity: str) -> str:
    frame = published.printed(table)
    column = frame.columns[0] if quantity == "Confidence" else quantity
    return str(frame.loc[model, column])


def _interval(mean: float, low: float, high: float, digits: int) -> str | None:
    if math.isnan(mean):
        return None
    if math.isnan(low):
        return f"{mean:.{digits}f}"
    low, high = intervals.of_percentage(low, high)  # leaves scores from 0 to 1 as they are
    return f"{mean:.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"


def _column(table: str, column: str) -> str:
    """Return what a column of a published table holds, in words."""
    if table in verdicts.GRIDS.values():
        return "Test accuracy"
    names = {"Training": "Training accuracy", "Testing": "Test accuracy"}
    return names.get(column, f"Class {column}" if column.isdigit() else "Mean output")


def _against_five(sample: list[float]) -> tuple[float, float, float, float]:
    """Return the mean with its interval and p, where it is held against a mean of five others."""
    mean, _, high = intervals.t_interval(sample)
    n = len(sample)
    half = (high - mean) * math.sqrt(1 + n / published.PUBLISHED_RUNS)
    t = mean / half * scipy.stats.t.ppf((1 + LEVEL) / 2, n - 1)
    return mean, mean - half, mean + half, float(2 * scipy.stats.t.sf(abs(t), n - 1))
