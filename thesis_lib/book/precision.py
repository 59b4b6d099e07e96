"""Does it matter in which precision a network is trained? Twin runs in both, compared."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd

from thesis_lib import experiments, intervals
from thesis_lib.book import published, verdicts
from thesis_lib.engine.provenance import precision_of
from thesis_lib.training import Run

_STEP = 0.1  # points: one image of a class of MNIST's test set, which has about a thousand

STORE = "precision"
"""The store inside the store that holds the twins in bfloat16."""


def twins() -> dict[str, tuple[list[Run], list[Run]]]:
    """Return the float32 and bfloat16 runs of every experiment that has both, by name."""
    found = {}
    for name in experiments.catalogue():
        single = _in("float32", experiments.recorded(name))
        half = _in("bfloat16", experiments.recorded(name, part=STORE))
        if single and half:
            found[name] = (single, half)
    return found


def comparison() -> pd.DataFrame:
    """Compare accuracies and recalls of the twins, one row an experiment and quantity.

    Returns
    -------
    DataFrame
        Columns "Experiment", "Quantity", "float32", "bfloat16" (means in percent), "Seeds" (that
        both have), "Difference" (bfloat16 less float32, mean over these seeds, points), "Low",
        "High" (its 95 % interval by the paired t test), "Same seed" and "Other seed": root mean
        square difference between twins of one seed, and between float32 runs of two seeds (points).
    """
    rows = []
    for name, (single, half) in twins().items():
        classes = [str(c) for c in range(len(single[0].recall))]
        for column in ("Training", "Testing", *classes):
            one = {run.seed: verdicts.value(run, column) for run in single}
            two = {run.seed: verdicts.value(run, column) for run in half}
            if any(math.isnan(v) for v in (*one.values(), *two.values())):
                continue
            rows.append((name, column, *_compared(one, two)))
    heads = ["float32", "bfloat16", "Seeds", "Difference", "Low", "High", "Same seed", "Other seed"]
    return pd.DataFrame(rows, columns=["Experiment", "Quantity", *heads])


def distinct(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of :func:`comparison` whose interval does not hold zero.

    Parameters
    ----------
    rows : DataFrame
        As `comparison` returns them.
    """
    return rows[(rows["Low"] > 0) | (rows["High"] < 0)]


def varied(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of :func:`comparison` that differ between seeds or precisions, as printed.

    Parameters
    ----------
    rows : DataFrame
        As `comparison` returns them.
    """
    return rows[rows[["Same seed", "Other seed"]].max(axis=1) >= published.HALF_UNIT]


def _compared(one: dict[int, float], two: dict[int, float]) -> tuple[float, ...]:
    a = list(one.values())
    shared = [two[seed] - one[seed] for seed in one if seed in two]
    paired = intervals.paired_t(shared, _STEP)[:3] if shared else (math.nan,) * 3
    # Two independent runs differ by sqrt(2) standard deviations, root mean square.
    other = math.sqrt(2) * float(np.std(a, ddof=1)) if len(a) > 1 else math.nan
    same = float(np.sqrt(np.mean(np.square(shared)))) if shared else math.nan
    means = (float(np.mean(list(sample.values()))) for sample in (one, two))
    return (*means, len(shared), *paired, same, other)


def _in(precision: str, runs: Sequence[Run]) -> list[Run]:
    return [run for run in runs if precision_of(run.provenance) == precision]


def used(runs: Sequence[Run]) -> list[str]:
    """Return the precisions that occur among some runs, in alphabetical order.

    Parameters
    ----------
    runs : sequence of Run
    """
    return sorted({precision_of(run.provenance) for run in runs})
