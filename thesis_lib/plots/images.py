"""Images in grids, and how many there are of each class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from thesis_lib import arguments
from thesis_lib.plots.style import name_ticks, plain_numbers, subplots


def image_grid(
    images: NDArray[Any], titles: Sequence[str] = (), *, columns: int = 8, height: float = 1.1
) -> Figure:
    """Draw images in rows.

    Parameters
    ----------
    images : ndarray, (n, height, width) or (n, height, width, 1 or 3)
        uint8 from 0 to 255, or floats from 0 to 1.
    titles : sequence of str
        One an image, or none.
    columns : int
    height : float
        Of a row, in inches.

    Raises
    ------
    ValueError, TypeError
        If there are no images, no columns, or another number of titles.
    """
    columns = arguments.whole("columns", columns, 1)
    if len(images) == 0:
        raise ValueError("There are no images to show.")
    if len(titles) not in (0, len(images)):
        raise ValueError(f"titles has {len(titles)} entries; there are {len(images)} images.")
    rows = -(-len(images) // columns)
    figure, axes = subplots(rows, columns, figsize=(6.4, rows * height + 0.1), squeeze=False)
    for index, axis in enumerate(axes.flat):
        if index >= len(images):
            axis.axis("off")
        else:
            # A frame, since the margin of an image may be as light as the page.
            axis.set(xticks=[], yticks=[])
            axis.spines[:].set(visible=True, color="#bbbbbb", linewidth=0.6)
            image = np.squeeze(images[index])
            limit = 255 if images.dtype == np.uint8 else 1
            axis.imshow(image, vmin=0, vmax=limit, interpolation="nearest")
            if titles:
                axis.set_title(titles[index], fontsize=9)
    return figure


def class_counts(
    counts: Mapping[str, ArrayLike], *, log: bool = False, class_names: Sequence[str] = ()
) -> Figure:
    """Draw the number of images of each class as bars, one group of bars for each entry.

    Parameters
    ----------
    counts : mapping of str to array_like, (n_classes,)
        Name of the set to its counts.
    log : bool
        Logarithmic axis, on which two images beside 5,000 can still be seen.
    class_names : sequence of str
        The class numbers if not given.
    """
    figure, axis = subplots(figsize=(6.4, 3.2))
    width = 0.8 / len(counts)
    for position, (name, values) in enumerate(counts.items()):
        heights = np.asarray(values)
        x = np.arange(len(heights)) + (position - (len(counts) - 1) / 2) * width
        bars = axis.bar(x, heights, width, label=name)
        if len(counts) == 1:
            axis.bar_label(bars, [f"{v:,}" for v in heights], fontsize=8)
    names = class_names or [str(c) for c in range(len(heights))]
    name_ticks(axis.xaxis, names, room=5.5 / len(names))
    axis.set(xlabel="Class", ylabel="Images", yscale="log" if log else "linear")
    if log:
        axis.set_ylim(bottom=1)
    plain_numbers(axis.yaxis)
    if len(counts) > 1:
        figure.legend(loc="outside upper center", ncols=len(counts))
    return figure
