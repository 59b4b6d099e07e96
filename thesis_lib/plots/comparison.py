"""The figures of a comparison of methods on somebody's own data."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from thesis_lib.plots.style import BLUE, GREY, ORANGE, name_ticks, subplots

_LONGEST = 40  # letters of a method's name


def method_intervals(
    methods: Sequence[str], intervals: ArrayLike, scores: ArrayLike, *, measure: str
) -> Figure:
    """Draw each method's mean with its interval, and the runs behind it; the first is the baseline.

    Parameters
    ----------
    methods : sequence of str
        Names; n of them.
    intervals : array_like, (n, 3)
        Mean, lower and upper bound, percent; NaN bounds are not drawn.
    scores : array_like, (n, seeds)
        Percent.
    measure : str
        Name of what is shown.
    """
    mean, low, high = np.asarray(intervals, dtype=float).T
    points = np.asarray(scores, dtype=float)
    rows = np.arange(len(methods))
    figure, axis = subplots(figsize=(6.4, 0.36 * len(methods) + 1.1))
    axis.axvline(mean[0], color=GREY, linewidth=0.8, linestyle="--", zorder=0)
    axis.hlines(rows, low, high, color=BLUE, linewidth=2)
    axis.plot(mean, rows, "o", color=BLUE, label="mean and 95 % interval")
    shifted = np.broadcast_to(rows[:, None] + 0.24, points.shape)
    axis.plot(points.ravel(), shifted.ravel(), "|", color=ORANGE, label="one seed")
    name_ticks(axis.yaxis, methods, longest=_LONGEST)
    axis.invert_yaxis()
    axis.set(xlabel=f"{measure}, percent", xlim=(-2, 102))
    figure.legend(loc="outside upper right", ncols=2, fontsize=8)
    return figure


def recall_grid(methods: Sequence[str], classes: Sequence[str], recall: ArrayLike) -> Figure:
    """Draw the mean recall of each class under each method as a grid of shaded cells.

    Parameters
    ----------
    methods, classes : sequence of str
        n names and k names.
    recall : array_like, (k, n)
        Percent; NaN for a class without test images.

    Raises
    ------
    ValueError
        If there is not a row a class and a column a method.
    """
    values = np.asarray(recall, dtype=float)
    if values.shape != (len(classes), len(methods)):
        raise ValueError(
            f"recall has to be (classes, methods), {(len(classes), len(methods))}; "
            f"got {values.shape}."
        )
    letters = min(max(map(len, methods)), _LONGEST)
    width, below = max(6.4, 0.4 * len(methods) + 2.4), 0.3 + 0.065 * letters
    figure, axis = subplots(figsize=(width, 0.3 * len(classes) + below))
    # A mesh, not an image: it stays sharp and needs no pixels inside an SVG.
    across, down = (np.arange(n + 1) - 0.5 for n in values.T.shape)
    axis.pcolormesh(across, down, np.nan_to_num(values), vmin=0, vmax=100, cmap="Blues")
    axis.invert_yaxis()
    for (i, j), percent in np.ndenumerate(values):
        text = "–" if np.isnan(percent) else f"{percent:.0f}"
        color = "white" if percent > 65 else "black"
        axis.text(j, i, text, ha="center", va="center", fontsize=8, color=color)
    name_ticks(axis.yaxis, classes)
    name_ticks(axis.xaxis, methods, room=0, longest=_LONGEST)
    axis.tick_params(length=0)
    axis.spines[:].set_visible(False)
    return figure
