"""Figures of a study over draws: every draw's scores, and mean ranks, and gains over a quantity."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from thesis_lib.plots.style import BLUE, GREY, ORANGE, PALETTE, say_missing, subplots

# Where a panel of gains ends below: one method that fails would flatten all the others.
_LOWEST_GAIN = -20.0
# Names of more places than these would touch each other.
_MANY_PLACES = 7


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
    figure, axis = subplots(figsize=(6.4, 3.0))
    if values.size == 0:
        say_missing(axis)
        return figure
    values = values[np.argsort(values.mean(1), kind="stable")]
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


def method_spread(means: pd.DataFrame, *, measure: str) -> Figure:
    """Draw every draw as a dot, one row a method, the method with the best mean on top.

    Parameters
    ----------
    means : DataFrame
        As ``studies.per_draw`` returns it: a row a draw, a column a method, percent.
    measure : str
        Name of what is shown.
    """
    methods = means.mean().sort_values(ascending=False, kind="stable").index
    figure, axis = subplots(figsize=(6.4, 0.36 * len(methods) + 1.4))
    if means.empty:
        say_missing(axis)
        return figure
    for row, method in enumerate(methods):
        _spread(axis, means[method], row, BLUE)
    _name_rows(figure, axis, methods, {"one draw": BLUE}, measure)
    return figure


def method_change(
    before: pd.DataFrame, after: pd.DataFrame, *, names: tuple[str, str], measure: str
) -> Figure:
    """Draw every draw as a dot before and after something, two lines of dots a method.

    Parameters
    ----------
    before, after : DataFrame
        As for `method_spread`. Methods that one of them lacks are left out; the best mean after
        the change stands on top.
    names : tuple of str
        Of a dot before and of one after.
    measure : str
        Name of what is shown.
    """
    methods = after.mean().sort_values(ascending=False, kind="stable").index
    methods = methods[methods.isin(before.columns)]
    figure, axis = subplots(figsize=(6.4, 0.6 * len(methods) + 1.4))
    if methods.empty:
        say_missing(axis)
        return figure
    for row, method in enumerate(methods):
        _spread(axis, before[method], row - 0.17, GREY)
        _spread(axis, after[method], row + 0.17, BLUE)
    _name_rows(figure, axis, methods, dict(zip(names, (GREY, BLUE), strict=True)), measure)
    return figure


def _spread(axis: Axes, values: pd.Series, row: float, color: str) -> None:
    axis.plot(values, np.full(len(values), row), "o", color=color, markersize=5, alpha=0.45)
    axis.plot(values.mean(), row, "|", color=ORANGE, markersize=15, markeredgewidth=2.5)


def _name_rows(
    figure: Figure, axis: Axes, methods: pd.Index, dots: Mapping[str, str], measure: str
) -> None:
    """Name the rows after methods, the first on top, and say what a dot of each colour is."""
    for name, color in dots.items():
        axis.plot([], [], "o", color=color, markersize=5, alpha=0.45, label=name)
    axis.plot([], [], "|", color=ORANGE, markersize=12, markeredgewidth=2.5, label="mean")
    axis.set_yticks(range(len(methods)), list(methods), parse_math=False)
    axis.invert_yaxis()
    axis.grid(axis="x", color="#dddddd", linewidth=0.6)
    axis.set_axisbelow(True)
    axis.set(xlabel=f"{measure}, percent")
    figure.legend(loc="outside upper right", ncols=len(dots) + 1, fontsize=8)


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
    figure, axis = subplots(figsize=(6.4, 0.36 * len(rows) + 1.1))
    if not rows:
        say_missing(axis)
        return figure
    low, high = mean - difference / 2, mean + difference / 2
    axis.hlines(down, low, high, color=BLUE, linewidth=5, alpha=0.35)
    axis.plot(mean, down, "o", color=BLUE)
    axis.set_yticks(down, [f"{name}  {rank:.1f}" for name, rank in rows.items()], parse_math=False)
    axis.invert_yaxis()
    axis.set_xticks(range(1, len(rows) + 1))
    axis.set(xlabel=f"Mean rank over the draws (1 is best); a bar is {difference:.2f} wide")
    return figure


def gains(found: pd.DataFrame, *, axis: str, names: Mapping[str, str]) -> Figure:
    """Draw each method's gain over the baseline with its 95 % interval, against a quantity.

    Parameters
    ----------
    found : DataFrame
        As ``studies.by_size`` returns it: the axis, "Method", "Gain", "Gain low", "Gain high", in
        points.
    axis : str
        The column to draw against: "rho", on a logarithmic axis, or another, on a linear one.
    names : mapping of str to str
        Names of the methods by their slugs; those whose gain is always 0 are not drawn.
    """
    figure, panel = subplots(figsize=(6.4, 3.8))
    if found.empty:
        say_missing(panel)
        return figure
    panel.axhline(0, color=GREY, linewidth=0.8, linestyle="--")
    shown = found.groupby("Method", sort=False).filter(lambda rows: bool(rows["Gain"].any()))
    for position, (method, rows) in enumerate(shown.groupby("Method", sort=False)):
        color = PALETTE[position % len(PALETTE)]
        at = rows[axis].to_numpy(dtype=float)
        # A little aside, so that intervals at one place do not hide each other.
        at = at * 1.04**position if axis == "rho" else at + 0.06 * position
        panel.vlines(at, rows["Gain low"], rows["Gain high"], color=color, linewidth=1)
        marker = "osD^vPX"[position % 7]
        panel.plot(
            at, rows["Gain"], f"{marker}-", color=color, markersize=4, label=names[str(method)]
        )
    places = sorted(found[axis].unique())
    if axis == "rho":
        panel.set_xscale("log")
        panel.minorticks_off()
    panel.set_xticks(places, [f"{place:,g}" for place in places])
    if len(places) > _MANY_PLACES:
        panel.tick_params(axis="x", rotation=45)
    if axis == "rho" and len(places) == 1:  # Else the marks aside would fill the panel.
        panel.set_xlim(places[0] / 2, 2.5 * places[0])
    title = "Imbalance ratio ρ" if axis == "rho" else axis
    panel.set(xlabel=title, ylabel="Gain over the baseline, points")
    panel.set_ylim(bottom=max(_LOWEST_GAIN, panel.get_ylim()[0]))
    if not shown.empty:
        figure.legend(loc="outside right upper", fontsize=8)
    return figure
