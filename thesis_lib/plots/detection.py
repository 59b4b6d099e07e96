"""How well scores tell normal inputs from anomalies: ROC curves, and measures with intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import cycle

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter
from numpy.typing import ArrayLike, NDArray

from thesis_lib.plots.style import BLUE, GREY, subplots

Floats = NDArray[np.float64]


def roc(
    curves: Mapping[str, tuple[Floats, Floats]],
    points: Mapping[str, tuple[float, float]] | None = None,
) -> Figure:
    """Draw ROC curves, normal inputs being positive, over a logarithmic false positive rate.

    Where nearly all anomalies are rejected, a linear axis would show a corner.

    Parameters
    ----------
    curves : mapping of str to (fpr, tpr), each (k,)
        Legend to rates, as :func:`thesis_lib.anomaly.roc` gives them.
    points : mapping of str to (fpr, tpr), optional
        Legend to a place on a curve, such as that of a fixed threshold.
    """
    figure, axis = subplots(figsize=(6.4, 3.4))
    left = 10.0 ** np.floor(np.log10(min(fpr[fpr > 0].min() for fpr, _ in curves.values())))
    chance = np.geomspace(left, 1, 100)
    axis.plot(chance, chance, color=GREY, linewidth=1, linestyle=":", label="chance")
    dashes = ["-", "--", "-.", (0, (5, 1))]
    lowest = 0.95
    for (name, (fpr, tpr)), dash in zip(curves.items(), cycle(dashes), strict=False):
        # The axis has no rate of 0: what is reached there stands at the left end.
        start = max(int((fpr == 0).sum()) - 1, 0)
        shown, height = np.maximum(fpr[start:], left), tpr[start:]
        axis.plot(shown, height, linestyle=dash, drawstyle="steps-post", linewidth=1.8, label=name)
        lowest = min(lowest, float(height[0]))
    for (name, (x, y)), marker in zip((points or {}).items(), cycle("osD^"), strict=False):
        axis.plot(max(x, left), y, marker, color="black", mfc="none", linestyle="none", label=name)
    axis.axhline(0.95, color=GREY, linewidth=0.8, linestyle="--")
    bottom = max(lowest - 0.05, 0)
    axis.annotate("TPR 95 %", (20 * left, 0.945), va="top", fontsize=8)
    axis.set(xscale="log", xlim=(left, 1), ylim=(bottom, 1 + 0.03 * (1 - bottom)))
    axis.set(xlabel="Anomalies that pass (FPR)", ylabel="Normal inputs that pass (TPR)")
    for side in (axis.xaxis, axis.yaxis):
        side.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:g} %"))
    figure.legend(loc="outside upper center", ncols=3, fontsize=9)
    return figure


def dots(kinds: Sequence[str], scores: Sequence[str], values: ArrayLike, *, xlabel: str) -> Figure:
    """Draw a measure of every score, a panel for each kind of anomaly, with its interval.

    Parameters
    ----------
    kinds, scores : sequence of str
        k kinds of anomaly and s scores.
    values : array_like, (k, s, 3)
        Percent: the measure and the bounds of its interval.
    xlabel : str

    Raises
    ------
    ValueError
        If values is of another shape.
    """
    array = np.asarray(values, dtype=float)
    if array.shape != (len(kinds), len(scores), 3):
        raise ValueError(
            f"values has shape {array.shape}; it has to be ({len(kinds)}, {len(scores)}, 3)."
        )
    columns = len(kinds) if len(kinds) <= 5 else 4
    rows = -(-len(kinds) // columns)
    size = (7.4, rows * (0.24 * len(scores) + 0.55) + 0.4)
    figure, axes = subplots(rows, columns, figsize=size, sharex=True, sharey=True, squeeze=False)
    y = np.arange(len(scores))
    for axis in axes.flat[len(kinds) :]:
        axis.set_visible(False)
    for axis, kind, panel in zip(axes.flat, kinds, array, strict=False):
        value, low, high = panel.T
        low, high = np.clip(low, 0, 100), np.clip(high, 0, 100)  # no percentage lies beyond
        errors = np.maximum(0, [value - low, high - value])
        axis.errorbar(value, y, xerr=errors, fmt="o", color=BLUE, markersize=5, capsize=2)
        axis.set_title(kind, fontsize=9.5)
        axis.grid(color="#dddddd", linewidth=0.6)
        axis.set_axisbelow(True)
        # A panel with none beneath it shows the numbers of the shared axis itself.
        axis.tick_params(labelbottom=True)
    axes[0, 0].set(xlim=(-4, 104), xticks=(0, 50, 100), ylim=(len(scores) - 0.5, -0.5))
    for axis in axes[:, 0]:
        axis.set_yticks(y, scores)
    figure.supxlabel(xlabel, fontsize=10)
    return figure
