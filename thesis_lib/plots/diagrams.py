"""Diagrams drawn from parameters."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyBboxPatch, Rectangle
from numpy.typing import ArrayLike, NDArray

from thesis_lib import arguments
from thesis_lib.plots.style import BLUE, GREY, ORANGE, SKY, subplots

_FILL = "#e8f1f8"


def flow(steps: Sequence[str], *, width: float = 6.8) -> Figure:
    """Draw boxes in a row, joined by arrows.

    Parameters
    ----------
    steps : sequence of str
        What the boxes say.
    width : float
        Inches.
    """
    figure, axis = _canvas(width, 1.5)
    n = len(steps)
    longest = max(len(line) for text in steps for line in text.splitlines())
    size = min(12.0, 87 * width / n / longest)  # points, as large as the boxes allow
    for k, text in enumerate(steps):
        _box(axis, (k + 0.5, 0.5), text, 0.74, 0.7, size=size)
        if k < n - 1:
            _arrow(axis, (k + 0.88, 0.5), (k + 1.12, 0.5))
    axis.set(xlim=(0, n), ylim=(0, 1))
    return figure


def neuron(inputs: Sequence[float], weights: Sequence[float], bias: float) -> Figure:
    """Draw a neuron with its numbers: inputs, weights, bias, weighted sum, output after ReLU.

    Parameters
    ----------
    inputs, weights : sequence of float
        As many of each.
    bias : float

    Raises
    ------
    ValueError
        If there are not as many weights as inputs, or none.
    """
    n = len(inputs)
    if len(weights) != n or n == 0:
        raise ValueError(f"A neuron has a weight for each input; got {n} and {len(weights)}.")
    figure, axis = _canvas(6, max(3, 0.65 * n))
    total = float(np.dot(inputs, weights) + bias)
    for k, (x, w) in enumerate(zip(inputs, weights, strict=True)):
        y = n - k
        _node(axis, (0, y), f"${x:.3g}$")
        _arrow(axis, (0.33, y), (2.62, (n + 1) / 2 + (y - (n + 1) / 2) * 0.12))
        # Above a falling or level line, below a rising one.
        offset = 0.15 if y >= (n + 1) / 2 else -0.38
        axis.text(
            1.1, y + ((n + 1) / 2 - y) * 0.36 + offset, f"$w_{{{k + 1}}}={w:.3g}$", fontsize=10
        )
        axis.text(-0.45, y, f"$x_{{{k + 1}}}$", ha="right", va="center")
    centre = (n + 1) / 2
    _node(axis, (3, centre), r"$\sigma$", 0.4)
    axis.text(3, 0.1, f"$b_1={bias:.3g}$", ha="center")
    _arrow(axis, (3, 0.4), (3, centre - 0.42))
    axis.text(3, centre + 0.6, f"sum: ${total:.4g}$", ha="center", color=GREY)
    _arrow(axis, (3.42, centre), (4.6, centre))
    axis.text(4.7, centre, f"$y_1=\\sigma({total:.4g})={max(total, 0):.4g}$", va="center")
    axis.set(xlim=(-1, 6.6), ylim=(-0.2, n + 0.6), aspect="equal")
    return figure


def network(layers: Sequence[int] = (2, 3, 2)) -> Figure:
    """Draw a fully connected feedforward network with so many neurons a layer.

    Parameters
    ----------
    layers : sequence of int
        From the input on.

    Raises
    ------
    ValueError, TypeError
        If a layer has not a whole number of neurons, one or more.
    """
    for k, size in enumerate(layers):
        arguments.whole(f"layers[{k}]", size, 1)
    figure, axis = _canvas(5.5, max(3, 0.45 * max(layers)))
    columns = [[(2.2 * k, (m - 1) / 2 - j) for j in range(m)] for k, m in enumerate(layers)]
    for left, right in pairwise(columns):
        for a in left:
            for b in right:
                _arrow(axis, (a[0] + 0.3, a[1]), (b[0] - 0.3, b[1]), color=GREY, lw=0.8)
    for k, column in enumerate(columns):
        name = "input" if k == 0 else "output" if k == len(columns) - 1 else "hidden"
        symbol = {"input": "x", "output": "y", "hidden": "h"}[name]
        for j, at in enumerate(column):
            _node(axis, at, f"${symbol}_{{{j + 1}}}$")
        axis.text(column[0][0], -max(layers) / 2 - 0.35, f"{name} layer", ha="center")
    axis.set(
        xlim=(-0.6, 2.2 * (len(layers) - 1) + 0.6),
        ylim=(-max(layers) / 2 - 0.6, max(layers) / 2),
        aspect="equal",
    )
    return figure


def layers(rows: Sequence[tuple[str, str, str]]) -> Figure:
    """Draw a network as a column of layers: name, output shape, parameters.

    Parameters
    ----------
    rows : sequence of (str, str, str)
        Layers without parameters ("" or "0") are grey.
    """
    figure, axis = _canvas(5.6, 0.36 * len(rows) + 0.5)
    for k, (name, shape, parameters) in enumerate(rows):
        y = len(rows) - k
        color = _FILL if parameters not in ("", "0") else "#f4f4f0"
        axis.add_patch(
            FancyBboxPatch(
                (0, y - 0.38), 6, 0.76, "round,pad=0,rounding_size=0.1", fc=color, ec=GREY
            )
        )
        axis.text(0.2, y, name, va="center", fontsize=9)
        axis.text(3.9, y, shape, va="center", ha="center", fontsize=9)
        axis.text(5.85, y, parameters, va="center", ha="right", fontsize=9)
    top = len(rows) + 0.65
    for x, text, side in (
        (0.2, "Layer", "left"),
        (3.9, "Output", "center"),
        (5.85, "Parameters", "right"),
    ):
        axis.text(x, top, text, ha=side, fontsize=9, color=GREY)
    axis.set(xlim=(-0.05, 6.05), ylim=(0.5, top + 0.4))
    return figure


def convolution(image: ArrayLike, kernel: ArrayLike) -> Figure:
    """Draw a convolution as networks compute it (cross-correlation), its first window highlighted.

    Parameters
    ----------
    image, kernel : array_like, (height, width)
        The kernel no larger than the image.

    Raises
    ------
    ValueError
        If the kernel is larger.
    """
    x, k = np.asarray(image), np.asarray(kernel)
    result = correlate(x, k)
    figure, axes = subplots(
        1, 3, figsize=(6.8, 3.6), width_ratios=[x.shape[1], k.shape[1], result.shape[1]]
    )
    _grid(axes[0], x, "image", (0, 0, *k.shape))
    _grid(axes[1], k, "filter")
    _grid(axes[2], result, "feature map", (0, 0, 1, 1))
    window = x[: k.shape[0], : k.shape[1]]
    terms = [
        f"{_factor(a)}·{_factor(b)}" for a, b in zip(k.ravel(), window.ravel(), strict=True) if a
    ]
    left = [" + ".join(terms[i : i + 9]) for i in range(0, len(terms), 9)] or ["0"]
    figure.supxlabel(" +\n".join(left) + f" = {result[0, 0]:g}", fontsize=10)
    return figure


def correlate(image: NDArray[Any], kernel: NDArray[Any]) -> NDArray[Any]:
    """Slide the kernel over the image without padding, and sum the products.

    Parameters
    ----------
    image : ndarray, (height, width)
    kernel : ndarray, (k, l)

    Returns
    -------
    ndarray, (height - k + 1, width - l + 1)

    Raises
    ------
    ValueError
        If the kernel is larger than the image.
    """
    if kernel.ndim != 2 or image.ndim != 2 or any(np.greater(kernel.shape, image.shape)):
        raise ValueError(
            f"kernel has to fit into the image, {image.shape}; its shape is {kernel.shape}."
        )
    windows = np.lib.stride_tricks.sliding_window_view(image, kernel.shape)
    return np.asarray(np.einsum("ijkl,kl->ij", windows, kernel))


def max_pooling(
    feature_map: ArrayLike, *, at: tuple[int, int] = (0, 0), ragged: bool = False
) -> Figure:
    """Draw 2×2 max pooling, one window highlighted.

    Parameters
    ----------
    feature_map : array_like, (height, width)
    at : (row, column)
        Of the highlighted window, in windows.
    ragged : bool
        Whether windows that reach over the border count, or are left out as Keras does.

    Raises
    ------
    ValueError
        If there is no such window.
    """
    x = np.asarray(feature_map, dtype=float)
    result = pool(x, ragged=ragged)
    rows, columns = result.shape
    if not (0 <= at[0] < rows and 0 <= at[1] < columns):
        raise ValueError(f"There are {rows} × {columns} windows, counted from 0; at is {at}.")
    row, column = 2 * at[0], 2 * at[1]
    window = x[row : row + 2, column : column + 2]
    over = 2 - np.array(window.shape)  # rows and columns beyond the border
    ratios = [x.shape[1] + over[1], result.shape[1]]
    figure, axes = subplots(1, 2, figsize=(5.4, 3.3), width_ratios=ratios)
    _grid(axes[0], x, "feature map", (row, column, *window.shape))
    if over.any():
        corner = (column, len(x) - row - 2)
        axes[0].add_patch(Rectangle(corner, 2, 2, fill=False, ec=ORANGE, ls="--", lw=2))
        axes[0].set(
            xlim=(-0.05, x.shape[1] + over[1] + 0.05), ylim=(-over[0] - 0.05, len(x) + 0.05)
        )
    _grid(axes[1], result, "pooled feature map", (*at, 1, 1))
    values = ", ".join(f"{v:g}" for v in window.ravel())
    figure.supxlabel(f"max({values}) = {window.max():g}", fontsize=10)
    return figure


def pool(feature_map: NDArray[Any], *, ragged: bool = False) -> NDArray[Any]:
    """Return the largest value of each 2×2 window.

    Parameters
    ----------
    feature_map : ndarray of float, (height, width)
    ragged : bool
        As for `max_pooling`.

    Returns
    -------
    ndarray of float, (height / 2, width / 2)
        Rounded up if ragged, else down.
    """
    height, width = feature_map.shape
    if ragged:
        pad = ((0, height % 2), (0, width % 2))
        feature_map = np.pad(feature_map, pad, constant_values=-np.inf)
    else:
        feature_map = feature_map[: height - height % 2, : width - width % 2]
    rows, columns = (n // 2 for n in feature_map.shape)
    return np.asarray(feature_map.reshape(rows, 2, columns, 2).max((1, 3)))


def confidence_scheme(score: float, threshold: float, *, source: str) -> Figure:
    """Draw how a confidence score decides whether an input is normal.

    Parameters
    ----------
    score, threshold : float
        The input is normal if its score is above the threshold.
    source : str
        Where the input comes from, for its box.
    """
    figure, axis = _canvas(6.8, 1.6)
    normal = score > threshold
    sign, verdict = (">", "normal") if normal else ("≤", "anomaly")
    _box(axis, (0.55, 0.5), source, 0.95, 0.6)
    _box(axis, (1.85, 0.5), "classifier", 0.95, 0.6)
    _box(axis, (3.2, 0.5), f"confidence\n{score:g} {sign} {threshold:g}", 1.1, 0.6)
    _box(axis, (4.55, 0.5), verdict, 0.95, 0.6, BLUE if normal else ORANGE)
    for a, b in ((1.04, 1.36), (2.34, 2.63), (3.77, 4.06)):
        _arrow(axis, (a, 0.5), (b, 0.5))
    axis.set(xlim=(0, 5.1), ylim=(0.1, 0.9))
    return figure


def _factor(number: float) -> str:
    return f"{number:g}" if number >= 0 else f"(−{-number:g})"


def _canvas(width: float, height: float) -> tuple[Figure, Axes]:
    figure, axis = subplots(figsize=(width, height))
    axis.axis("off")
    return figure, axis


def _box(
    axis: Axes,
    centre: tuple[float, float],
    text: str,
    w: float,
    h: float,
    color: str = BLUE,
    *,
    size: float = 11.0,
) -> None:
    corner = (centre[0] - w / 2, centre[1] - h / 2)
    style = "round,pad=0,rounding_size=0.06"
    axis.add_patch(FancyBboxPatch(corner, w, h, style, fc=_FILL, ec=color, lw=1.6))
    axis.text(*centre, text, ha="center", va="center", fontsize=size)


def _node(axis: Axes, at: tuple[float, float], text: str, radius: float = 0.3) -> None:
    axis.add_patch(Circle(at, radius, fc=_FILL, ec=BLUE, lw=1.5))
    axis.text(*at, text, ha="center", va="center")


def _arrow(
    axis: Axes,
    start: tuple[float, float],
    end: tuple[float, float],
    *,
    color: str = "black",
    lw: float = 1.2,
) -> None:
    axis.annotate("", end, start, arrowprops={"arrowstyle": "->", "color": color, "lw": lw})


def _grid(
    axis: Axes, values: NDArray[Any], title: str, window: tuple[int, int, int, int] | None = None
) -> None:
    """Write numbers into cells; colour those of a window (row, column, height, width)."""
    rows, columns = values.shape
    for i in range(rows):
        for j in range(columns):
            inside = window is not None and (
                window[0] <= i < window[0] + window[2] and window[1] <= j < window[1] + window[3]
            )
            axis.add_patch(
                Rectangle((j, rows - 1 - i), 1, 1, fc=SKY if inside else "white", ec=GREY)
            )
            axis.text(j + 0.5, rows - 0.5 - i, f"{values[i, j]:g}", ha="center", va="center")
    axis.set(xlim=(-0.05, columns + 0.05), ylim=(-0.05, rows + 0.05), aspect="equal", title=title)
    axis.axis("off")
