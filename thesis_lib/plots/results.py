"""Confusion matrices, recalls of methods and classes, focal-loss grids and learning curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike, NDArray

from thesis_lib.plots.style import (
    BLUE,
    GREY,
    ORANGE,
    PALETTE,
    families,
    name_ticks,
    say_missing,
    subplots,
)

Floats = NDArray[np.float64]

# Up to so many classes a cell is large enough for the count and the percentage.
_FEW = 4
_MANY = 14  # beyond which a cell is too small for any
_MARKERS = "osD^v"


def confusion(matrices: Mapping[str, ArrayLike], *, class_names: Sequence[str] = ()) -> Figure:
    """Draw confusion matrices, true classes as rows; side by side if the classes are few.

    Each cell has the count and the share of the row in percent; colour is the share. Cells of
    matrices with many classes that hold no image are left empty, and with more than fourteen
    classes all are.

    Parameters
    ----------
    matrices : mapping of str to array_like, (n_classes, n_classes)
        Title to counts (or mean counts of several runs).
    class_names : sequence of str
        The class numbers if not given.

    Raises
    ------
    ValueError
        If a matrix is not square.
    TypeError
        If there are no titles.
    """
    if not isinstance(matrices, Mapping):
        raise TypeError("matrices has to name each matrix by its title, as {'ROS': matrix}.")
    arrays = {title: np.asarray(matrix, dtype=float) for title, matrix in matrices.items()}
    for title, counts in arrays.items():
        if counts.ndim != 2 or counts.shape[0] != counts.shape[1]:
            raise ValueError(f"The matrix {title!r} has to be square; got shape {counts.shape}.")
    size = max(len(counts) for counts in arrays.values())
    # Two large matrices side by side would leave no room for two numbers a cell.
    side, down = (3.0, 1) if size <= _FEW else (5.2, len(arrays))
    across = len(arrays) // down
    shape = (side * across + 0.4, (side + 0.3) * down)
    figure, axes = subplots(down, across, figsize=shape, squeeze=False)
    for axis, (title, counts) in zip(axes.flat, arrays.items(), strict=True):
        _confusion(axis, counts)
        names = class_names or [str(c) for c in range(len(counts))]
        name_ticks(axis.xaxis, names, room=side / len(names))
        name_ticks(axis.yaxis, names)
        axis.tick_params(labelsize=min(10, 50 * side / len(names)))
        axis.set(xlabel="Predicted class")
        axis.set_title(title, fontsize=10, fontfamily=families())
    for axis in axes[:, 0]:
        axis.set_ylabel("True class")
    return figure


def _confusion(axis: Axes, counts: Floats) -> None:
    share = 100 * counts / np.maximum(counts.sum(1, keepdims=True), 1)
    axis.imshow(share, vmin=0, vmax=100, cmap="Blues")
    axis.spines[:].set(visible=True, color="#bbbbbb", linewidth=0.6)
    axis.tick_params(length=0)
    large = len(counts) <= _FEW
    if len(counts) <= _MANY:  # Two dark cells, one above the other, are two.
        between = np.arange(len(counts) - 1) + 0.5
        axis.hlines(between, -0.5, len(counts) - 0.5, color="#d5dee6", linewidth=0.6)
        axis.vlines(between, -0.5, len(counts) - 0.5, color="#d5dee6", linewidth=0.6)
    for (i, j), percent in np.ndenumerate(share):
        if len(counts) > _MANY or (counts[i, j] == 0 and not large):
            continue
        text = _count(float(counts[i, j]))
        text += f"\n{percent:.1f} %" if large else f"\n{_count(float(percent))} %"
        color = "white" if percent > 65 else "black"
        axis.text(j, i, text, ha="center", va="center", color=color, fontsize=11 if large else 7)


def _count(number: float) -> str:
    return "<1" if 0 < number < 0.5 else f"{number:,.0f}"


def method_dots(
    methods: Sequence[str], classes: Sequence[str], *, published: ArrayLike, recorded: ArrayLike
) -> Figure:
    """Draw each method's recall, a panel a class: our means with intervals, published as marks.

    Parameters
    ----------
    methods, classes : sequence of str
        Names, n methods and k classes.
    published : array_like, (n, k)
        Percent.
    recorded : array_like, (n, k, 3)
        Mean of the recorded seeds and the bounds of its interval, percent; NaN where there is
        none. Bounds that are NaN are not drawn, and a mean that is NaN is said to be missing.
    """
    figure, axes = subplots(
        1, len(classes), figsize=(7.4, 0.4 * len(methods) + 1.2), sharey=True, squeeze=False
    )
    printed, ours = np.asarray(published, dtype=float), np.asarray(recorded, dtype=float)
    rows = np.arange(len(methods))
    above, below = rows - 0.17, rows + 0.17  # so that neither mark hides the other
    for k, (axis, name) in enumerate(zip(axes.flat, classes, strict=True)):
        mean, low, high = ours[:, k].T
        axis.plot(printed[:, k], above, "D", color=ORANGE, mfc="none", ms=5, label="published")
        axis.plot(mean, below, "o", color=BLUE, ms=5, label="recorded mean, 95 % interval")
        known = np.isfinite(low)
        errors = np.stack([mean - low, high - mean])[:, known]
        axis.errorbar(mean[known], below[known], xerr=errors, fmt="none", ecolor=BLUE, capsize=2)
        for row in rows[np.isnan(mean)]:
            axis.text(50, below[row], "no record", ha="center", va="center", color=GREY, fontsize=8)
        axis.set(title=name, xlim=(-6, 106), xticks=(0, 50, 100))
        axis.grid(color="#dddddd", linewidth=0.6)
        axis.set_axisbelow(True)
    axes[0, 0].set_yticks(rows, methods)
    axes[0, 0].set_ylim(len(methods) - 0.5, -0.5)
    figure.supxlabel("Recall (%)", fontsize=10)
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=2, fontsize=9)
    return figure


def recall_dots(
    classes: Sequence[str],
    series: Mapping[str, ArrayLike],
    *,
    published: Sequence[float] | None = None,
) -> Figure:
    """Draw the recall of each class for several sources, side by side, with intervals.

    Parameters
    ----------
    classes : sequence of str
    series : mapping of str to array_like, (n_classes, 3)
        Legend to mean and bounds of its interval, in percent. Bounds that are NaN are not drawn;
        a source without any number is marked as such in the legend.
    published : sequence of float, (n_classes,), optional
        Percent; drawn as hollow marks before the others.
    """
    figure, axis = subplots(figsize=(6.8, 3.2))
    columns = len(series) + (published is not None)
    left = np.arange(len(classes)) - 0.18 * (columns - 1) / 2
    if published is not None:
        axis.plot(left, published, "D", color=ORANGE, mfc="none", ms=5, label="published")
    colors = [color for color in PALETTE if published is None or color != ORANGE]
    for k, (name, values) in enumerate(series.items()):
        mean, low, high = np.asarray(values, dtype=float).T
        x = left + 0.18 * (k + columns - len(series))
        known = np.isfinite(low)
        errors = np.stack([mean - low, high - mean])[:, known]
        color, marker = colors[k % len(colors)], _MARKERS[k % len(_MARKERS)]
        if not np.isfinite(mean).any():
            name += " (no record)"
        axis.plot(x, mean, marker, color=color, markersize=6, label=name)
        axis.errorbar(x[known], mean[known], yerr=errors, fmt="none", ecolor=color, capsize=2)
    axis.set_xticks(range(len(classes)), classes)
    axis.set(xlabel="Class", ylabel="Recall (%)", ylim=(-5, 105))
    axis.grid(axis="y", color="#dddddd", linewidth=0.6)
    figure.legend(loc="outside upper center", ncols=2 if columns == 4 else 3, fontsize=9)
    return figure


def focal_grid(
    gammas: Sequence[float], weights: Sequence[float], grids: Mapping[str, ArrayLike]
) -> Figure:
    """Draw test accuracy over gamma and the minority weight as heat maps on one scale.

    Parameters
    ----------
    gammas, weights : sequence of float
    grids : mapping of str to array_like, (n_gammas, n_weights)
        Title to percentages; NaN is drawn as a hatched cell.

    Raises
    ------
    ValueError
        If a grid is of another shape.
    """
    arrays = {title: np.asarray(grid, dtype=float) for title, grid in grids.items()}
    for title, grid in arrays.items():
        if grid.shape != (len(gammas), len(weights)):
            raise ValueError(
                f"The grid {title!r} has shape {grid.shape}; it has to be "
                f"({len(gammas)}, {len(weights)})."
            )
    present = np.concatenate([grid[np.isfinite(grid)] for grid in arrays.values()])
    low, high = (present.min(), present.max()) if len(present) else (0.0, 100.0)
    norm = mpl.colors.Normalize(low, high)
    figure, axes = subplots(
        1, len(arrays), figsize=(2.9 * len(arrays) + 0.3, 3.2), sharey=True, squeeze=False
    )
    for axis, (title, grid) in zip(axes.flat, arrays.items(), strict=True):
        _heat_map(axis, grid, norm)
        axis.set_xticks(range(len(weights)), [f"{a:g}" for a in weights])
        axis.set(title=title, xlabel="Minority weight a")
    axes[0, 0].set_yticks(range(len(gammas)), [f"{g:g}" for g in gammas])
    axes[0, 0].set_ylabel(r"$\gamma$")
    return figure


def _heat_map(axis: Axes, grid: Floats, norm: mpl.colors.Normalize) -> None:
    axis.imshow(np.ma.masked_invalid(grid), norm=norm, cmap="cividis")
    axis.spines[:].set_visible(False)
    axis.tick_params(length=0)
    for (i, j), percent in np.ndenumerate(grid):
        if np.isnan(percent):
            corner = (j - 0.5, i - 0.5)
            axis.add_patch(Rectangle(corner, 1, 1, fc="#eeeeee", ec="#bbbbbb", hatch="////", lw=0))
            continue
        color = "black" if norm(percent) > 0.5 else "white"
        axis.text(j, i, f"{percent:.1f}", ha="center", va="center", color=color, fontsize=8.5)


def focal_lines(
    gammas: Sequence[float], weights: Sequence[float], grids: Mapping[str, ArrayLike]
) -> Figure:
    """Draw test accuracy over gamma, a line for each minority weight, a panel for each source.

    Parameters
    ----------
    gammas, weights : sequence of float
    grids : mapping of str to array_like, (n_gammas, n_weights, 3)
        Title to percentages: mean and the bounds of its interval, NaN where there is none.
    """
    figure, axes = subplots(1, len(grids), figsize=(7.2, 3.2), sharey=True, squeeze=False)
    positions = np.arange(len(gammas))
    for axis, (title, grid) in zip(axes.flat, grids.items(), strict=True):
        values = np.asarray(grid, dtype=float)
        for k, weight in enumerate(weights):
            mean, low, high = values[:, k].T
            color, marker = PALETTE[k % len(PALETTE)], _MARKERS[k % len(_MARKERS)]
            x = positions + 0.08 * (k - (len(weights) - 1) / 2)  # bars side by side
            axis.plot(x, mean, color=color, marker=marker, lw=1.2, ms=4, label=f"a = {weight:g}")
            axis.vlines(x, low, high, color=color, linewidth=1.2)
        if not np.isfinite(values).any():
            axis.text(0.5, 0.5, "no record", transform=axis.transAxes, ha="center", color=GREY)
        # Evenly spaced, as 0, 0.5 and 1 would be crowded on a linear axis.
        axis.set_xticks(positions, [f"{g:g}" for g in gammas])
        axis.set(title=title, xlabel=r"$\gamma$", xlim=(-0.4, len(gammas) - 0.6))
        axis.grid(axis="y", color="#dddddd", linewidth=0.6)
    axes[0, 0].set_ylabel("Test accuracy (%)")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=len(weights), fontsize=9)
    return figure


def focal_losses(
    panels: Mapping[str, Mapping[float, ArrayLike]], marks: Mapping[str, Sequence[int]]
) -> Figure:
    """Draw training losses over the epochs, a panel a seed, a colour a minority weight.

    Parameters
    ----------
    panels : mapping of str to mapping of float to array_like, (n_epochs, n_settings)
        Title, then weight, to the losses.
    marks : mapping of str to sequence of int
        Title to the epochs, from 1, after which a line stands.
    """
    figure, axes = subplots(1, max(1, len(panels)), figsize=(7.2, 3.2), sharey=True, squeeze=False)
    if not panels:
        say_missing(axes[0, 0])
    for axis, (title, curves) in zip(axes.flat, panels.items(), strict=False):
        for k, (weight, values) in enumerate(curves.items()):
            array = np.asarray(values, dtype=float)
            epochs = np.arange(1, len(array) + 1)
            drawn = axis.plot(epochs, array, color=PALETTE[k % len(PALETTE)], lw=0.9)
            drawn[0].set_label(f"a = {weight:g}")
        for epoch in marks[title]:
            axis.axvline(epoch + 0.5, color=GREY, linestyle="--", linewidth=1)
        axis.set(title=title, xlabel="Epoch", yscale="log")
        axis.grid(axis="y", color="#dddddd", linewidth=0.6)
    axes[0, 0].set_ylabel("Training loss")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    if handles:
        figure.legend(handles, labels, loc="outside upper center", ncols=len(labels), fontsize=9)
    return figure


def learning_curves(curves: Mapping[str, Sequence[float]], *, ylabel: str) -> Figure:
    """Draw one value an epoch for several runs.

    Parameters
    ----------
    curves : mapping of str to sequence of float
        Legend to values, the first after the first epoch.
    ylabel : str
    """
    # Many names, or long ones, would lie on the curves.
    above = len(curves) > 5 or max(map(len, curves), default=0) > 12
    figure, axis = subplots(figsize=(6.4, 3 + 0.1 * len(curves) * above))
    if not curves:
        say_missing(axis)
        return figure
    dashes = ["-", "--", "-.", ":", (0, (5, 1))]
    for k, (name, values) in enumerate(curves.items()):
        marker = "o" if len(values) < 10 else ""
        epochs = np.arange(1, len(values) + 1)
        axis.plot(epochs, values, marker=marker, linestyle=dashes[k % len(dashes)], label=name)
    axis.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
    axis.set(xlabel="Epoch", ylabel=ylabel)
    if above:
        figure.legend(loc="outside upper center", ncols=2, fontsize=8, handlelength=2.6)
    else:
        axis.legend()
    return figure


def learning_bands(curves: Mapping[str, ArrayLike], *, ylabel: str) -> Figure:
    """Draw the course of training of several methods, a line and a band for each.

    Parameters
    ----------
    curves : mapping of str to array_like, (n_epochs, 3)
        Legend to the mean over the seeds after each epoch, the smallest and the largest value.
    ylabel : str
    """
    figure, axis = subplots(figsize=(6.8, 3.6))
    if not curves:
        say_missing(axis)
        return figure
    for k, (name, values) in enumerate(curves.items()):
        mean, low, high = np.asarray(values, dtype=float).T
        epochs = np.arange(1, len(mean) + 1)
        color, dash = PALETTE[k % len(PALETTE)], "-" if k < len(PALETTE) else "--"
        axis.plot(epochs, mean, dash, color=color, linewidth=1.4, label=f"{name}, {len(mean):,}")
        axis.fill_between(epochs, low, high, color=color, alpha=0.15, linewidth=0)
    # Most of it happens in the first epochs, and some methods have ten times as many as others.
    axis.set(xlabel="Epoch", ylabel=ylabel, xscale="log")
    axis.xaxis.set_major_formatter("{x:,.0f}")
    axis.grid(axis="y", color="#dddddd", linewidth=0.6)
    title = "method (seeds), epochs"
    figure.legend(loc="outside right upper", fontsize=8.5, title=title, title_fontsize=8.5)
    return figure
