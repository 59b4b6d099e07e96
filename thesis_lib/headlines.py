"""The numbers behind the three findings that the landing page opens with."""

from __future__ import annotations

import numpy as np

from thesis_lib import confidences, data, published, report, resampling
from thesis_lib.report import Floats

CLASSES = [str(c) for c in range(10)]


def wrong_labels() -> int:
    """Count the images of the thesis's undersampled set that carry another digit's label."""
    # Like the thesis's list, sorted by class; which images are drawn does not change the labels.
    labels = np.repeat(np.arange(10), data.MULTICLASS_COUNTS)
    drawn = resampling.undersample_as_published(np.zeros((len(labels), 1)), labels)
    return int((labels[drawn.parents[:, 0]] != drawn.y).sum())


def undersampled() -> dict[str, float]:
    """Return the mean recall of ten classes with undersampling, in percent; NaN if not recorded.

    Returns
    -------
    dict
        "published", "its program", "right labels", "trained to the end".
    """
    names = {
        "its program": "",
        "right labels": "-corrected",
        "trained to the end": "-corrected-long",
    }
    found = {"published": sum(published.number("7.4", "M_us", c) for c in CLASSES) / 10}
    for key, ending in names.items():
        found[key] = float(report.recorded(f"multiclass/rus{ending}", CLASSES)[:, 0].mean())
    return found


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
    """Return what a verdict on the MSFE row of Table 8.6 says about program and table."""
    titles = {
        "differs": "The printed program does not give the printed table",
        "agrees": "The printed program gives the printed table",
    }
    return titles.get(verdict, "Does the printed program give the printed table?")


def passed(threshold: float = 0.6) -> dict[str, float]:
    """Return the percentage of pictures that pass for digits, by the range of their pixels."""
    scores = {
        f"0 to {white:g}": confidences.of_pictures("handwriting", white) for white in (1.0, 255.0)
    }
    return {name: 100 * float((score > threshold).mean()) for name, score in scores.items()}
