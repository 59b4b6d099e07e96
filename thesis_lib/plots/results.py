"""Confusion matrices, recalls, focal grids and learning curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from thesis_lib.plots.style import BLUE, ORANGE


def confusion(matrices: Mapping[str, ArrayLike], *, class_names: Sequence[str] = ()) -> Figure:
    """Draw confusion matrices side by side: true classes as rows, percentages of each row.

    With few classes the counts are written too.

    Parameters
    ----------
    matrices : mapping of str to array_like, (n_classes, n_classes)
        Title to counts (or mean counts of several runs).
    class_names : sequence of str
        The class numbers if not given.
    """
    figure, axes = plt.subplots(
        1, len(matrices), figsize=(3.5 * len(matrices) + 0.2, 3.5), squeeze=False
    )
    for axis, (title, matrix) in zip(axes.flat, matrices.items(), strict=True):
        counts = np.asarray(matrix, dtype=float)
        _confusion(axis, counts)
        names = class_names or [str(c) for c in range(len(counts))]
        axis.set_xticks(range(len(names)), names)
        axis.set_yticks(range(len(names)), names)
        axis.set(title=title, xlabel="Predicted class")
    axes[0, 0].set_ylabel("True class")
    return figure


def _confusion(axis: Axes, counts: np.ndarray[tuple[int, int], np.dtype[np.float64]]) -> None:
    share = 100 * counts / np.maximum(counts.sum(1, keepdims=True), 1)
    axis.imshow(share, vmin=0, vmax=100, cmap="Blues")
    axis.spines[:].set_visible(False)
    few = len(counts) <= 4
    for (i, j), percent in np.ndenumerate(share):
        text = f"{percent:.1f} %\n({counts[i, j]:.0f})" if few else f"{percent:.0f}"
        if few or percent >= 0.5:
            color = "white" if percent > 55 else "black"
            axis.text(j, i, text, ha="center", va="center", color=color, fontsize=10 if few else 7)


def recall(
    published: Mapping[str, Sequence[float]],
    measured: Mapping[str, Sequence[Sequence[float]]],
    classes: Sequence[int],
) -> Figure:
    """Draw each method's recall a class: published values as diamonds, our seeds as dots.

    Parameters
    ----------
    published : mapping of str to sequence of float
        Method to percentages, one a class.
    measured : mapping of str to sequence of sequences of float
        Method to percentages, one row a seed; no rows where nothing is recorded.
    classes : sequence of int
    """
    figure, axes = plt.subplots(
        1, len(classes), figsize=(7.2, 0.34 * len(published) + 1.2), sharey=True, squeeze=False
    )
    methods = list(published)
    for k, (axis, label) in enumerate(zip(axes.flat, classes, strict=True)):
        for row, method in enumerate(methods):
            axis.plot(published[method][k], row, "D", color=ORANGE, markersize=6, mfc="none")
            ours = [run[k] for run in measured.get(method, ())]
            axis.plot(ours, [row] * len(ours), "o", color=BLUE, markersize=4, alpha=0.6)
        axis.set(title=f"Class {label}", xlim=(-5, 105), xticks=(0, 50, 100))
        axis.grid(axis="y", color="#dddddd", linewidth=0.6)
    axes[0, 0].set_yticks(range(len(methods)), methods)
    axes[0, 0].set_ylim(len(methods) - 0.5, -0.5)
    figure.supxlabel("Recall (%); diamonds: published, dots: our seeds", fontsize=10)
    return figure


def focal_lines(
    gammas: Sequence[float],
    published: Mapping[str, Sequence[float]],
    measured: Mapping[str, Sequence[float]],
) -> Figure:
    """Draw test accuracy over gamma, a line for each weight a; published beside recorded means."""
    figure, axes = plt.subplots(1, 2, figsize=(7, 3), sharey=True)
    for axis, title, table in (
        (axes[0], "published", published),
        (axes[1], "our records (mean)", measured),
    ):
        for (name, values), marker in zip(table.items(), "osD^v", strict=True):
            axis.plot(range(len(gammas)), values, marker=marker, markersize=4, label=name)
        axis.set_xticks(range(len(gammas)), [f"{g:g}" for g in gammas])
        axis.set(title=title, xlabel=r"$\gamma$")
        if not np.isfinite(list(table.values())).any():
            axis.text(0.5, 0.5, "not recorded yet", transform=axis.transAxes, ha="center")
    axes[0].set_ylabel("Test accuracy (%)")
    axes[0].legend(fontsize=8)
    return figure


def learning_curves(curves: Mapping[str, Sequence[float]], *, ylabel: str) -> Figure:
    """Draw one value an epoch for several runs."""
    figure, axis = plt.subplots()
    for name, values in curves.items():
        axis.plot(np.arange(1, len(values) + 1), values, label=name)
    axis.set(xlabel="Epoch", ylabel=ylabel)
    axis.legend()
    return figure
