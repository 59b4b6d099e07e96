"""Seconds and memory of SMOTE and of preparing the data: the thesis's way against the library's.

Run it with ``python benchmarks/resampling.py [classes]``. The thesis's way does what the listings
of appendix A do: it walks through images one by one, keeps a Python list of all distances of a
class and searches it again for each drawn partner. Each part runs in a process of its own, whose
largest memory is what is compared. SMOTE grows some classes of the multi-class task (8 and 9 if
none are named; all of them take minutes) to 5,000 images each.
"""

from __future__ import annotations

import multiprocessing
import resource
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from thesis_lib import data, resampling

Images = NDArray[Any]
TARGET = 5000


def members(classes: Sequence[int]) -> dict[int, Images]:
    """Return the images of some classes of the multi-class task."""
    subset = data.task("multiclass", data.load("mnist"))
    return {c: subset.x_train[subset.y_train == c] for c in classes}


def smote_with_lists(classes: Sequence[int]) -> int:
    """Compare every pair twice in Python, as appendix A.3 does; return the number of images."""
    random, total = np.random.RandomState(10), 0
    for images in members(classes).values():
        distances = [[np.linalg.norm(one - other) for other in images] for one in images]
        ranked = [sorted(row) for row in distances]
        chosen = random.choice(len(images), TARGET - len(images))
        ranks = random.choice(np.arange(1, resampling.K_NEIGHBORS + 1), len(chosen))
        partners = []
        for row, rank in zip(chosen, ranks, strict=True):
            for j, other in enumerate(images):
                if ranked[row][rank] == np.linalg.norm(images[row] - other):
                    partners.append(j)
        grown = list(images)
        for row, partner in zip(chosen, partners, strict=False):
            share = random.random_sample()
            grown.append(share * images[row] + (1 - share) * images[partner])
        total += len(grown)
    return total


def smote_of_the_library(classes: Sequence[int]) -> int:
    """Grow the same classes with :func:`thesis_lib.resampling.smote`."""
    parts = members(classes)
    largest = data.task("multiclass", data.load("mnist"))
    reference = largest.x_train[largest.y_train == 2]  # 5,000 images: what the others grow to
    x = np.concatenate([reference, *parts.values()])
    y = np.concatenate([np.full(len(x), c) for c, x in enumerate([reference, *parts.values()])])
    return len(resampling.smote(x, y, random_state=10).x) - len(reference)


def prepare_with_lists(classes: Sequence[int]) -> int:
    """Split, draw, scale and encode image by image, as appendix A.1 does."""
    mnist = data.load("mnist")
    by_class: list[list[Images]] = [[] for _ in range(10)]
    for image, label in zip(mnist.x_train, mnist.y_train, strict=True):
        by_class[label].append(image)
    np.random.seed(10)
    drawn, labels = [], []
    for c, count in enumerate((2, 5, 5000, 3000, 4, 4000, 2, 3, 2000, 1000)):
        for i in np.random.choice(range(len(by_class[c])), count, replace=False):
            drawn.append(by_class[c][i])
            labels.append(c)
    scaled, encoded = [], []
    for i in np.random.permutation(len(drawn)):
        scaled.append(drawn[i] / 255)
        encoded.append(np.eye(10)[labels[i]])
    return len(np.array(scaled).reshape(-1, 28, 28, 1))


def prepare_with_the_library(classes: Sequence[int]) -> int:
    """Do the same with :mod:`thesis_lib.data`."""
    subset = data.task("multiclass", data.load("mnist"))
    encoded = np.eye(10, dtype=np.float32)[subset.y_train]
    return min(len(data.to_unit(subset.x_train)), len(encoded))


def alone(work: Callable[[Sequence[int]], int], classes: Sequence[int]) -> tuple[float, float, int]:
    """Return seconds, the growth of the largest memory in MiB, and the number of images."""
    data.load("mnist")
    unit = 2**20 if sys.platform == "darwin" else 2**10
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
    started = time.perf_counter()
    images = work(classes)
    seconds = time.perf_counter() - started
    return seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit - before, images


def main() -> None:
    """Print both ways and their ratios."""
    classes = [int(c) for c in sys.argv[1:]] or [8, 9]
    context = multiprocessing.get_context("spawn")
    pairs = {
        f"SMOTE, classes {classes}": (smote_with_lists, smote_of_the_library),
        "data of the multi-class task": (prepare_with_lists, prepare_with_the_library),
    }
    for title, ways in pairs.items():
        found = []
        for work in ways:
            with context.Pool(1) as pool:
                found.append(pool.apply(alone, (work, classes)))
        (slow, much, n), (fast, little, m) = found
        print(f"{title}: {n:,} and {m:,} images")
        print(f"  thesis's way {slow:8.2f} s {much:8.0f} MiB")
        print(f"  library      {fast:8.2f} s {little:8.0f} MiB")
        print(f"  ratio        {slow / fast:8.1f}   {much / max(little, 1e-9):8.1f}")


if __name__ == "__main__":
    main()
