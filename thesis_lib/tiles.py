"""Drawn photographs of ceramic tiles, whole or damaged: a small inspection task in colour."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from thesis_lib import arguments

CLASSES = ("whole", "scratch", "chip", "stain")
SIDE = 16


def draw(
    counts: Mapping[str, int], random_state: int
) -> tuple[NDArray[np.uint8], NDArray[np.str_]]:
    """Draw tiles in random order.

    Each has a colour, light, grain and a joint of its own. A scratch is a thin, barely lighter
    line, a chip a dark bite out of an edge, a stain a soft discoloured spot.

    Parameters
    ----------
    counts : mapping of str to int
        How many of each of ``CLASSES``.
    random_state : int
        The same number draws the same tiles.

    Returns
    -------
    images : ndarray of uint8, (n, 16, 16, 3)
    labels : ndarray of str, (n,)

    Raises
    ------
    ValueError, TypeError
        If there is no such class, a count is no whole number from 0, or all are 0.

    Examples
    --------
    >>> images, labels = draw({"whole": 3, "chip": 2}, random_state=0)
    >>> images.shape, sorted(labels.tolist())
    ((5, 16, 16, 3), ['chip', 'chip', 'whole', 'whole', 'whole'])
    """
    unknown = sorted(set(counts) - set(CLASSES))
    if unknown:
        raise ValueError(f"There are no tiles {unknown}; allowed are {', '.join(CLASSES)}.")
    sizes = [arguments.whole(f"counts[{name!r}]", n, 0) for name, n in counts.items()]
    if not any(sizes):
        raise ValueError("counts has to ask for at least one tile, as in {'whole': 40}.")
    rng = np.random.default_rng(random_state)
    labels = np.repeat(list(counts), sizes)
    images = np.stack([_tile(label, rng) for label in labels])
    order = rng.permutation(len(labels))
    return images[order], labels[order]


def _tile(label: str, rng: np.random.Generator) -> NDArray[np.uint8]:
    i, j = np.mgrid[:SIDE, :SIDE] / (SIDE - 1)
    colour = np.array([0.62, 0.56, 0.5]) + rng.normal(0, 0.05, 3)
    angle = rng.uniform(0, 2 * np.pi)
    light = 1 + 0.15 * (np.cos(angle) * (i - 0.5) + np.sin(angle) * (j - 0.5))
    image = colour * light[..., None] + rng.normal(0, 0.03, (SIDE, SIDE, 1))
    image[rng.integers(0, 2) - 1] *= 0.8
    image[:, rng.integers(0, 2) - 1] *= 0.8
    if label != "whole":
        _DAMAGES[label](image, i, j, rng)
    return np.asarray(np.rint(255 * image.clip(0, 1)), dtype=np.uint8)


def _scratch(image: Any, i: Any, j: Any, rng: np.random.Generator) -> None:
    angle, (y, x) = rng.uniform(0, np.pi), rng.uniform(0.3, 0.7, 2)
    along = np.cos(angle) * (j - x) + np.sin(angle) * (i - y)
    across = np.cos(angle) * (i - y) - np.sin(angle) * (j - x)
    line = (abs(across) < 0.05) & (abs(along) < rng.uniform(0.25, 0.45))
    image[line] += rng.uniform(0.12, 0.25)


def _chip(image: Any, i: Any, j: Any, rng: np.random.Generator) -> None:
    place, side = rng.uniform(0.15, 0.85), rng.integers(0, 2)
    y, x = rng.permutation(np.array([place, side]))
    bite = np.hypot(i - y, j - x) + rng.normal(0, 0.02, i.shape) < rng.uniform(0.15, 0.28)
    image[bite] *= rng.uniform(0.45, 0.7)


def _stain(image: Any, i: Any, j: Any, rng: np.random.Generator) -> None:
    y, x = rng.uniform(0.2, 0.8, 2)
    radius, depth = rng.uniform(0.1, 0.2), rng.uniform(0.15, 0.3)
    spot = np.exp(-((i - y) ** 2 + (j - x) ** 2) / (2 * radius**2))
    image -= depth * spot[..., None] * np.array([0.3, 0.7, 1.0])


_DAMAGES = {"scratch": _scratch, "chip": _chip, "stain": _stain}
