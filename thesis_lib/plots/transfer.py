"""Figures of several data sets: ranks of methods on each, and gains that papers print."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import cycle

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from thesis_lib.plots.style import BLACK, GREY, PALETTE, subplots


def rank_grid(
    methods: Sequence[str], tasks: Sequence[str], ranks: ArrayLike, *, starred: ArrayLike = False
) -> Figure:
    """Draw the rank of each method on each task as a grid of cells, the best ones dark.

    Parameters
    ----------
    methods, tasks : sequence of str
        n names and k names.
    ranks : array_like, (n, k)
        1 is the best; ties are halves.
    starred : array_like of bool, (n, k)
        The ranks to show with an asterisk.
    """
    values = np.asarray(ranks, dtype=float)
    stars = np.where(np.broadcast_to(starred, values.shape), "*", "")
    figure, axis = subplots(figsize=(6.4, 0.24 * len(methods) + 0.7))
    across, down = (np.arange(n + 1) - 0.5 for n in values.T.shape)
    axis.pcolormesh(across, down, values, vmin=1, vmax=max(2, len(methods)), cmap="Blues_r")
    for (i, j), rank in np.ndenumerate(values):
        color = "white" if rank < 0.4 * len(methods) else "black"
        axis.text(j, i, f"{rank:g}{stars[i, j]}", ha="center", va="center", fontsize=8, color=color)
    axis.set_yticks(range(len(methods)), methods, fontsize=8.5)
    in_lines = [task.replace(", ", ",\n") for task in tasks]
    axis.set_xticks(range(len(tasks)), in_lines, fontsize=8.5)
    axis.xaxis.tick_top()
    axis.invert_yaxis()
    axis.tick_params(length=0)
    axis.spines[:].set_visible(False)
    return figure


def gains_by_source(gains: Mapping[str, Mapping[str, float]]) -> Figure:
    """Draw the gain of every method over the baseline of its own source, a panel a source.

    Parameters
    ----------
    gains : mapping of str to mapping of str to float
        Title of a source to method to points.
    """
    heights = [len(methods) for methods in gains.values()]
    figure, axes = subplots(
        len(gains), 1, figsize=(6.4, 0.21 * sum(heights) + 0.42 * len(gains) + 0.5), sharex=True,
        gridspec_kw={"height_ratios": heights}, squeeze=False,
    )  # fmt: skip
    panels = zip(axes[:, 0], gains.items(), cycle(PALETTE), strict=False)
    for axis, (source, methods), color in panels:
        rows = np.arange(len(methods))
        values = np.array(list(methods.values()))
        axis.axvline(0, color=GREY, linewidth=0.8, linestyle="--")
        axis.hlines(rows, 0, values, color=color, linewidth=1.4)
        axis.plot(values, rows, "o", color=color, markersize=4)
        axis.set_yticks(rows, list(methods), fontsize=8)
        axis.set_ylim(len(rows) - 0.4, -0.6)
        axis.set_title(source, fontsize=9, loc="left")
    axes[-1, 0].set_xlabel("Gain in accuracy over the baseline of the same paper, points")
    return figure


def gains_side_by_side(gains: pd.DataFrame, *, ours: str) -> Figure:
    """Draw what each source gains by each method, a row a method, our own gains in black.

    Parameters
    ----------
    gains : DataFrame
        A row a method, a column a source; points, NaN where a source does not have the method.
    ours : str
        The column that is black.
    """
    figure, axis = subplots(figsize=(6.4, 0.32 * len(gains) + 1.1))
    rows = np.arange(len(gains))
    axis.axvline(0, color=GREY, linewidth=0.8, linestyle="--")
    axis.hlines(rows, gains.min(axis=1), gains.max(axis=1), color="#cccccc", linewidth=1)
    theirs = [source for source in gains if source != ours]
    for source, color, marker in zip(theirs, cycle(PALETTE[:-1]), cycle("os^vD"), strict=False):
        axis.plot(gains[source], rows, marker, color=color, markersize=6, label=source)
    axis.plot(gains[ours], rows, "X", color=BLACK, markersize=8, label=ours)
    axis.set_yticks(rows, list(gains.index))
    axis.set_ylim(len(rows) - 0.5, -0.5)
    axis.set_xlabel("Gain in accuracy over the baseline of the same source, points")
    figure.legend(loc="outside upper center", ncols=3, fontsize=9)
    return figure
