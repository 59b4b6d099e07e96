"""Compare on many splits of one set of images: what another sample of images might say."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from thesis_lib.data import stratified_split
from thesis_lib.engine import budget
from thesis_lib.own import class_labels, comparison
from thesis_lib.own.comparison_result import Comparison


def compare_splits(
    x: ArrayLike,
    y: ArrayLike,
    *,
    test_size: float = 0.3,
    seeds: Sequence[int] = (1, 2, 3, 4, 5),
    progress: bool = True,
    **options: Any,
) -> Comparison:
    """Compare methods on several splits of your images: each seed draws a test set of its own.

    With `thesis_lib.compare` seeds share one training and one test set, and the intervals say
    nothing of other images. Here both change with the seed, class by class in the same shares.
    Splits of the same images share many of them, so intervals and tests are widened as Nadeau and
    Bengio (Machine Learning 52, 2003) propose.

    Parameters
    ----------
    x, y : array_like
        All images and their labels, as `thesis_lib.compare` takes one set of them; the rows of
        each split are copied. Keep photographs of the same thing out of both sets by passing
        `thesis_lib.compare` a split of your own.
    test_size : float
        Share of each class's images that becomes the test set; a class of one image is trained on.
    seeds : sequence of int
        Each fixes a split, the initial weights on it and the order of its images.
    progress, **options
        As for `thesis_lib.compare`; with a ``folder`` finished runs are not trained again.

    Returns
    -------
    Comparison
        Its ``overlap`` is the number of test images to one training image.

    Raises
    ------
    ValueError, TypeError, OSError, ConnectionError, RuntimeError, OutOfTime
        As for `thesis_lib.compare`, or if x and y differ in length, or test_size is no such share.

    Examples
    --------
    >>> from thesis_lib import compare_splits, tiles
    >>> x, y = tiles.draw({"whole": 40, "stain": 10}, random_state=1)
    >>> result = compare_splits(x, y, methods=["ros"], seeds=[1, 2], epochs=1, progress=False)
    >>> result.train_counts.tolist(), result.test_counts.tolist(), round(result.overlap, 2)
    ([7, 28], [3, 12], 0.43)
    """
    images = np.asarray(x)
    labels = class_labels.of_images(images, y)
    seeds = comparison.checked_seeds(seeds)
    found = []
    for number, seed in enumerate(seeds, start=1):
        train, test = stratified_split(labels, test_size, seed)
        sets = images[train], labels[train], images[test], labels[test]
        split = f"split {number} of {len(seeds)}"
        if progress:
            print(f"{split.capitalize()}.", flush=True)
        try:
            found.append(comparison.compare(*sets, seeds=[seed], progress=progress, **options))
        except budget.OutOfTime as stopped:
            raise budget.OutOfTime(f"{split}: {stopped}") from None
    return _joined(found, test_size)


def _joined(parts: Sequence[Comparison], test_size: float) -> Comparison:
    """Return the comparisons of single splits as one, a seed a split."""
    first = parts[0]

    def of_all(name: str) -> dict[str, dict[int, Any]]:
        """Unite what each part holds by method and seed under this name."""
        fields = [getattr(part, name) for part in parts]
        return {m: {s: v for one in fields for s, v in one[m].items()} for m in fields[0]}

    digests = "".join(str(part.settings["data_sha256"]) for part in parts)
    digest = hashlib.sha256(digests.encode()).hexdigest()
    return dataclasses.replace(
        first,
        confusions=of_all("confusions"),
        loss_curves=of_all("loss_curves"),
        copies=max(part.copies for part in parts),
        pixels_note=next((part.pixels_note for part in parts if part.pixels_note), ""),
        settings={**first.settings, "data_sha256": digest[:16], "test_size": test_size},
        overlap=int(first.test_counts.sum()) / int(first.train_counts.sum()),
    )
