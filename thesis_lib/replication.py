"""The rows, findings and claims of the replication report, as tables and Markdown for its pages."""

from __future__ import annotations

import math

import pandas as pd

from thesis_lib import claims, confidences, evidence, findings, intervals, precision, published
from thesis_lib.tables import to_myst


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
    """Turn rows of one published table into the text that a page shows.

    Parameters
    ----------
    rows : DataFrame
        As :func:`rows` returns them.
    """
    scores = bool(rows["Quantity"].eq("Confidence").all())
    digits, counted = (4, "Scores") if scores else (2, "Seeds")
    numbers = zip(rows["Recorded"], rows["Low"], rows["High"], strict=True)
    return pd.DataFrame(
        {
            "Model": rows["Model"].str.replace("gamma", "γ"),
            "Quantity": rows["Quantity"].str.replace(r"^(\d)$", r"Class \1", regex=True),
            "Published": list(map(_printed, rows["Table"], rows["Model"], rows["Quantity"])),
            "Ours": [_interval(*triple, digits) for triple in numbers],
            counted: list(rows[counted]),
            "Verdict": list(rows["Verdict"]),
            "Explained by": [f"`{id}`" if id else "" for id in rows["Finding"]],
        }
    ).set_index(["Model", "Quantity"])


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
    KeyError
        If there is none of that name; the message lists those that there are.
    """
    known = {finding.id: finding for finding in findings.findings()}
    if id not in known:
        raise KeyError(f"No finding {id!r}; there are {', '.join(known)}.")
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


def claim(id: str) -> str:
    """Return a claim of the thesis with the verdict of the records, as Markdown.

    Parameters
    ----------
    id : str
        As for :func:`claims.get`.

    Raises
    ------
    KeyError
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
            "The claim": [claim.judge().status for claim in claims.CLAIMS],
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
                # Welch's interval is symmetric.
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
