"""Functions of one variable, and descent on a surface."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import cycle
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from thesis_lib import arguments
from thesis_lib.plots.style import GREY, legend, plain_numbers, subplots

Floats = NDArray[np.float64]


def function(x: ArrayLike, y: ArrayLike, *, title: str) -> Figure:
    """Draw one function, with the axes through the origin.

    Parameters
    ----------
    x, y : array_like, (n,)
    title : str
    """
    figure, axis = subplots(figsize=(4.6, 2.6))
    axis.axhline(0, color="#999999", linewidth=0.8)
    axis.axvline(0, color="#999999", linewidth=0.8)
    axis.plot(x, y, linewidth=2)
    axis.set(xlabel="x", ylabel="f(x)", title=title)
    return figure


def lines(
    x: ArrayLike,
    curves: Mapping[str, ArrayLike],
    *,
    xlabel: str,
    ylabel: str,
    log: bool = False,
    log_x: bool = False,
    reference: str = "",
) -> Figure:
    """Draw several curves over one axis, told apart by colour and dashes.

    Parameters
    ----------
    x : array_like, (n,)
    curves : mapping of str to array_like, (n,)
        Legend to values.
    xlabel, ylabel : str
    log, log_x : bool
        Logarithmic vertical axis, horizontal axis.
    reference : str
        The curve that the others are to be held against, drawn thin and grey.
    """
    figure, axis = subplots()
    dashes = ["-", "--", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1)), (0, (1, 1))]
    if reference:
        axis.plot(x, curves[reference], color=GREY, label=reference, linewidth=1)
    others = [(name, values) for name, values in curves.items() if name != reference]
    for (name, values), dash in zip(others, cycle(dashes), strict=False):
        axis.plot(x, values, linestyle=dash, label=name, linewidth=1.8)
    axis.set(xlabel=xlabel, ylabel=ylabel)
    if log:
        axis.set_yscale("log")
        plain_numbers(axis.yaxis)
    if log_x:
        axis.set_xscale("log")
        plain_numbers(axis.xaxis)
    legend(axis, len(curves))
    return figure


def descent_path(
    gradient: Callable[[Floats], Floats], start: ArrayLike, learning_rate: float, steps: int
) -> Floats:
    """Follow gradient descent, w ← w - learning_rate · gradient(w) (thesis, section 2.4).

    Parameters
    ----------
    gradient : callable
        Takes a point and returns the slope there, both (n,).
    start : array_like, (n,)
    learning_rate : float
    steps : int

    Returns
    -------
    ndarray, (steps + 1, n)
        The points, the start among them.

    Raises
    ------
    ValueError, TypeError
        If steps is no whole number from 0.
    """
    path = [np.asarray(start, dtype=float)]
    for _ in range(arguments.whole("steps", steps, 0)):
        path.append(path[-1] - learning_rate * gradient(path[-1]))
    return np.array(path)


def descent(loss: Callable[[Any, Any], Any], paths: Mapping[str, Floats]) -> Figure:
    """Draw paths on the contours of a loss of two parameters, one panel each.

    Parameters
    ----------
    loss : callable
        Of two arrays, the parameters.
    paths : mapping of str to ndarray, (n, 2)
        Title to points. Where each starts is shown, and not always where it runs away to.
    """
    figure, axes = subplots(1, len(paths), figsize=(7, 2.7), sharey=True, squeeze=False)
    starts = abs(np.array([path[0] for path in paths.values()]))
    right, top = np.maximum([3, 2], 1.2 * starts.max(axis=0))
    w1, w2 = np.meshgrid(np.linspace(-right, right, 121), np.linspace(-top, top, 81))
    for axis, (title, path) in zip(axes.flat, paths.items(), strict=True):
        axis.contour(w1, w2, loss(w1, w2), levels=12, cmap="Blues_r", linewidths=0.8)
        axis.plot(*path.T, "o-", color="#D55E00", markersize=3, linewidth=1)
        axis.plot(0, 0, marker="*", color="black", markersize=9)
        axis.set(title=title, xlabel="$w_1$", xlim=(-right, right), ylim=(-top, top))
    axes[0, 0].set_ylabel("$w_2$")
    return figure


def histogram(
    samples: Mapping[str, ArrayLike], *, xlabel: str, marks: Sequence[float] = ()
) -> Figure:
    """Draw the distribution of scores in [0, 1] of several groups, with thresholds as lines.

    Parameters
    ----------
    samples : mapping of str to array_like, (n,)
        Legend to scores.
    xlabel : str
    marks : sequence of float
        The thresholds.

    Raises
    ------
    ValueError
        If a group has no scores.
    """
    empty = [name for name, values in samples.items() if np.size(values) == 0]
    if empty:
        raise ValueError(f"There are no scores of {', '.join(empty)}.")
    figure, axis = subplots()
    bins = np.linspace(0, 1, 41).tolist()
    for (name, values), dash in zip(samples.items(), cycle(["-", "--", "-.", ":"]), strict=False):
        array = np.asarray(values)
        weights = np.full(len(array), 100 / len(array))
        axis.hist(array, bins, weights=weights, histtype="step", lw=1.8, ls=dash, label=name)
    for mark in marks:
        axis.axvline(mark, color="black", linestyle=":", linewidth=1.2)
        axis.text(mark, axis.get_ylim()[1], f" {mark:g}", va="top", fontsize=9)
    axis.set(xlabel=xlabel, ylabel="Images (%)")
    figure.legend(loc="outside upper center", ncols=len(samples))
    return figure


def scatter(
    points: Floats,
    *,
    xlabel: str,
    ylabel: str,
    log_density: Callable[[Floats], Floats] | None = None,
    threshold: float = 0.0,
) -> Figure:
    """Draw points; with a density, its threshold as a line and what lies beyond it marked.

    Parameters
    ----------
    points : ndarray, (n, 2)
    xlabel, ylabel : str
    log_density : callable, optional
        Takes points, (m, 2), and returns (m,).
    threshold : float
        Log density up to which a point is marked.
    """
    figure, axis = subplots(figsize=(5, 3.6))
    axis.set(xlabel=xlabel, ylabel=ylabel)
    plain_numbers(axis.yaxis)
    if log_density is None:
        axis.scatter(points[:, 0], points[:, 1], s=14, label="engine")
        return figure
    # Wider than the points: the contour's grid is what the axes end at.
    margin = 0.06 * np.ptp(points, axis=0)
    low, high = points.min(0) - margin, points.max(0) + margin
    grid = np.stack(
        np.meshgrid(*(np.linspace(a, b, 120) for a, b in zip(low, high, strict=True))), -1
    )
    density = log_density(grid.reshape(-1, 2)).reshape(grid.shape[:2])
    axis.contour(grid[..., 0], grid[..., 1], density, [threshold], colors="#D55E00")
    out = log_density(points) <= threshold
    axis.scatter(points[~out, 0], points[~out, 1], s=14, label="normal")
    axis.scatter(points[out, 0], points[out, 1], s=40, marker="x", color="#D55E00", label="anomaly")
    figure.legend(loc="outside upper center", ncols=2)
    return figure
