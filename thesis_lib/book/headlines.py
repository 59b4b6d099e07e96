"""The numbers behind the three findings that the landing page opens with."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from thesis_lib import experiments, intervals
from thesis_lib.book import confidences, evidence, published, report
from thesis_lib.book.report import Floats
from thesis_lib.wording import counted

CLASSES = [str(c) for c in range(10)]


def undersampled() -> dict[str, float | Sequence[float]]:
    """Return the mean recall of ten classes with undersampling, in percent.

    Returns
    -------
    dict
        "published", and mean and 95 % bounds of "its program", "right labels" and "trained to the
        end", NaN where nothing is recorded.
    """
    names = {
        "its program": "",
        "right labels": "-corrected",
        "trained to the end": "-corrected-long",
    }
    printed = sum(published.number("7.4", "M_us", c) for c in CLASSES) / 10
    return {"published": printed} | {
        key: _mean_recall(f"multiclass/rus{ending}") for key, ending in names.items()
    }


def undersampled_beside_the_listing() -> str:
    """Say what the twin with the right labels gains after as many epochs, in mean recall.

    The twin also draws its images anew with each seed.
    """
    names = ("multiclass/rus-corrected", "multiclass/rus")
    if evidence.pending(*names):
        return "not decided yet"
    mean, low, high = evidence.difference(*names, "balanced")
    decided = "" if low > 0 or high < 0 else ", which may be chance"
    return f"{mean:+.0f} points ({low:+.0f} to {high:+.0f}){decided}"


def undersampled_to_the_end() -> str:
    """Say the mean recall with the right labels, trained to the end: "60 ± 25 % (2 seeds)".

    The words "too few to judge" follow where there are fewer seeds than a verdict needs.
    """
    name = "multiclass/rus-corrected-long"
    mean, low, high = _mean_recall(name)
    if math.isnan(mean):
        return "not recorded yet"
    n = len(experiments.results(name))
    few = ", too few to judge" * (n < published.FEWEST_SEEDS)
    number = intervals.said_percentage(mean, low, high, digits=0)
    return f"{number} % ({counted(n, 'seed')}{few})"


def _mean_recall(name: str) -> tuple[float, float, float]:
    return intervals.t_interval([100 * np.mean(run.recall) for run in experiments.results(name)])


def zeros() -> dict[str, float | Floats]:
    """Return the recall of the zeros with MSFE, in percent, with its interval where recorded.

    Returns
    -------
    dict
        "published", "its program", "its formula".
    """
    return {
        "published": published.number("8.6", "M_fse", "0"),
        "its program": report.recorded("binary/msfe", ["0"])[0],
        "its formula": report.recorded("binary/msfe-corrected", ["0"])[0],
    }


def msfe_title(verdict: str) -> str:
    """Return what a verdict on the MSFE row of Table 8.6 says about program and table.

    Parameters
    ----------
    verdict : str
        As :class:`published.Replication` has it.
    """
    titles = {
        "differs": "The printed program does not give the printed table",
        "agrees": "The printed program gives the printed table",
    }
    return titles.get(verdict, "Does the printed program give the printed table?")


def passed(threshold: float = 0.6) -> dict[str, float]:
    """Return the percentage of pictures that pass for digits, by the range of their pixels.

    Parameters
    ----------
    threshold : float
        In [0, 1]; a confidence above it passes.

    Returns
    -------
    dict
        "0 to 1" and "0 to 255".
    """
    scores = {
        f"0 to {white:g}": confidences.of_pictures("handwriting", white) for white in (1.0, 255.0)
    }
    return {name: 100 * float((score > threshold).mean()) for name, score in scores.items()}
