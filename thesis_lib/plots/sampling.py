"""What resampling does to points and images."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from thesis_lib.plots.style import PALETTE, subplots


def before_and_after(
    points: NDArray[np.float64], labels: NDArray[np.int64], resampled: Any, *, name: str
) -> Figure:
    """Draw points in the plane before and after resampling.

    Parameters
    ----------
    points : ndarray, (n, 2)
    labels : ndarray of int, (n,)
    resampled : Resampled
        Of these points. Copies grow the mark; new points are hollow.
    name : str
        Of the method.
    """
    figure, axes = subplots(1, 2, figsize=(6.6, 2.9), sharex=True, sharey=True)
    original = resampled.weights == 1
    copies = np.bincount(resampled.parents[original, 0], minlength=len(points))
    for label in np.unique(labels):
        color, marker = PALETTE[label % len(PALETTE)], "os^"[label % 3]
        axes[0].scatter(*points[labels == label].T, s=14, color=color, marker=marker)
        kept = (labels == label) & (copies > 0)
        axes[1].scatter(*points[kept].T, s=14 * copies[kept], color=color, marker=marker, alpha=0.7)
        new = ~original & (resampled.y == label)
        axes[1].scatter(
            *resampled.x[new].T, s=14, facecolors="none", edgecolors=color, marker=marker
        )
    sizes = (np.bincount(labels), np.bincount(resampled.y))
    for axis, title, size in zip(axes, ("before", f"after {name}"), sizes, strict=True):
        axis.set(title=f"{title}: {', '.join(map(str, size))}", xticks=[], yticks=[])
    return figure


def smote_pair(
    first: NDArray[Any], second: NDArray[Any], child: NDArray[Any], weight: float
) -> Figure:
    """Draw two images and the one that SMOTE drew between them.

    Parameters
    ----------
    first, second, child : ndarray, (height, width) or (height, width, 1)
        From 0 to 255.
    weight : float
        Of the first, in [0, 1].
    """
    figure, axes = subplots(1, 3, figsize=(5, 1.9))
    titles = ("A", "B", f"{weight:.2f}·A + {1 - weight:.2f}·B")
    for axis, image, title in zip(axes, (first, second, child), titles, strict=True):
        axis.imshow(np.squeeze(image), vmin=0, vmax=255)
        axis.set_title(title, fontsize=10)
        axis.axis("off")
    return figure
