"""Figures of a study over draws: every draw's scores, and mean ranks, and scores over sizes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from thesis_lib.plots.style import BLUE, GREY, ORANGE, PALETTE


def draw_spread(scores: ArrayLike, *, measure: str) -> Figure:
    """Draw every run as a dot, one column a draw, the draws in order of their means.

    Parameters
    ----------
    scores : array_like, (draws, seeds)
        Percent.
    measure : str
        Name of what is shown.
    """
    values = np.asarray(scores, dtype=float)
    values = values[np.argsort(values.mean(1), kind="stable")]
    figure, axis = plt.subplots(figsize=(6.4, 3.0))
    columns = np.arange(1, len(values) + 1)
    axis.vlines(columns, values.min(1), values.max(1), color=GREY, linewidth=0.8)
    axis.plot(columns, values, "o", color=BLUE, markersize=4)
    axis.plot(columns, values.mean(1), "_", color=ORANGE, markersize=11, markeredgewidth=2)
    axis.plot([], [], "o", color=BLUE, markersize=4, label="one seed")
    axis.plot([], [], "_", color=ORANGE, markersize=11, markeredgewidth=2, label="mean of the draw")
    axis.set(xlabel="Draw, in order of its mean", ylabel=f"{measure}, percent")
    axis.set_xticks([1, *range(5, len(values) + 1, 5)])
    figure.legend(loc="outside upper right", ncols=2, fontsize=8)
    return figure


def critical_differences(ranks: Mapping[str, float], difference: float) -> Figure:
    """Draw mean ranks with half a critical difference to each side, the best on top.

    Two methods differ if their bars do not overlap (Nemenyi's test, Demšar 2006).

    Parameters
    ----------
    ranks : mapping of str to float
        Mean rank of each method; 1 is best.
    difference : float
        The critical difference.
    """
    rows = dict(sorted(ranks.items(), key=lambda item: item[1]))
    mean, down = np.array(list(rows.values())), np.arange(len(rows))
    figure, axis = plt.subplots(figsize=(6.4, 0.36 * len(rows) + 1.1))
    low, high = mean - difference / 2, mean + difference / 2
    axis.hlines(down, low, high, color=BLUE, linewidth=5, alpha=0.35)
    axis.plot(mean, down, "o", color=BLUE)
    axis.set_yticks(down, [f"{name}  {rank:.1f}" for name, rank in rows.items()], parse_math=False)
    axis.invert_yaxis()
    axis.set_xticks(range(1, len(rows) + 1))
    axis.set(xlabel=f"Mean rank over the draws (1 is best); a bar is {difference:.2f} wide")
    return figure


def over_sizes(
    sizes: Sequence[int], scores: Mapping[str, ArrayLike], *, xlabel: str, measure: str
) -> Figure:
    """Draw each method's mean over the draws against a size, with the range of its draws.

    Parameters
    ----------
    sizes : sequence of int
        n of them; the axis is logarithmic.
    scores : mapping of str to array_like, (n, draws)
        Percent.
    xlabel, measure : str
        Names of the two axes.
    """
    figure, axis = plt.subplots(figsize=(6.4, 3.8))
    for position, (method, values) in enumerate(scores.items()):
        array = np.asarray(values, dtype=float)
        color = PALETTE[position % len(PALETTE)]
        axis.plot(sizes, array.mean(1), "osD^vPX"[position % 7] + "-", color=color, label=method)
        axis.fill_between(sizes, array.min(1), array.max(1), color=color, alpha=0.1, linewidth=0)
    axis.set_xscale("log")
    axis.set_xticks(sizes, [str(size) for size in sizes])
    axis.minorticks_off()
    axis.set(xlabel=xlabel, ylabel=f"{measure}, percent")
    figure.legend(loc="outside right upper", fontsize=8)
    return figure
