"""What a network is trained on: arrays in memory, or batches that are read when they are needed."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from thesis_lib import data, two_stage
from thesis_lib.engine import batches
from thesis_lib.engine.batches import Batches

Array = NDArray[Any]
Labels = NDArray[np.int64]
Floats = NDArray[np.float32]

VALIDATION = 0.2
"""The share of the training images that a tuned decision holds out."""

_MOST_IMAGES, _MOST_PIXELS = 500, 2**20  # that are classified at once


class Feed(Protocol):
    """The training images of one network."""

    @property
    def labels(self) -> Labels:
        """The classes of the images, (n,)."""

    @property
    def counts(self) -> Labels:
        """Sizes of the classes that losses are weighted by, (n_classes,)."""

    def batches(self, change: Callable[..., Any] | None, seed: int) -> Batches:
        """Return the images of a stage of training, each batch of them changed.

        Parameters
        ----------
        change : callable or None
            What happens to a batch, as `Batches` takes it.
        seed : int
            Of the order, and of the sampler where the feed has one.
        """

    def balanced(self, found: Floats, stage: str, seed: int) -> Batches:
        """Return features of these images, in their order, balanced for a second stage.

        Parameters
        ----------
        found : ndarray of float32, (n, n_features)
            The `outputs` of :func:`two_stage.extractor`.
        stage : {"retrained-classifier", "feature-smote"}
            As :func:`two_stage.balanced_features` takes it.
        seed : int
            Of the balancing and of the order.
        """

    def split(self, seed: int) -> tuple[Self, Self]:
        """Return the images to train on and those to tune with.

        Parameters
        ----------
        seed : int

        Returns
        -------
        tuple of two feeds
            The second has the share ``VALIDATION`` of each class, as
            :func:`data.stratified_split` draws it.
        """

    def outputs(self, network: Any) -> Floats:
        """Return what a network puts out for each image, in their order.

        Parameters
        ----------
        network : keras.Model

        Returns
        -------
        ndarray of float32, (n, n_outputs)
        """


@dataclasses.dataclass(frozen=True)
class Arrays:
    """Images in memory, resampled beforehand, as the thesis trains.

    Attributes
    ----------
    x : ndarray, (n, height, width[, channels])
        Pixels from 0 to 255.
    labels : ndarray of int64, (n,)
    counts : ndarray of int64, (n_classes,)
        Sizes of the classes before they were resampled.
    batch_size : int
    class_aware : bool
        Whether the classes of each batch are drawn.
    """

    x: Array
    labels: Labels
    counts: Labels
    batch_size: int
    class_aware: bool = False

    @cached_property
    def unit(self) -> Floats:
        """The images in [0, 1], with an axis of channels."""
        return data.to_unit(self.x)

    def batches(self, change: Callable[..., Any] | None, seed: int) -> Batches:
        """As `Feed` says."""
        sampler = "class-aware" if self.class_aware else None
        return _batches(self, sampler, self.x, self.labels, seed, scale=255.0, change=change)

    def balanced(self, found: Floats, stage: str, seed: int) -> Batches:
        """As `Feed` says."""
        x, y = two_stage.balanced_features(found, self.labels, stage, seed)
        return _batches(self, None, x, y, seed, scale=1.0)

    def split(self, seed: int) -> tuple[Arrays, Arrays]:
        """As `Feed` says; what is trained on is shuffled, since the rows come class by class."""
        return tuple(  # type: ignore[return-value]
            dataclasses.replace(self, x=x, labels=y, counts=data.class_counts(y, self.n_classes))
            for x, y in split((self.x, self.labels), seed)
        )

    def outputs(self, network: Any) -> Floats:
        """As `Feed` says."""
        return np.asarray(network.predict(self.unit, batch_size=1000, verbose=0))

    @property
    def n_classes(self) -> int:
        """Number of classes."""
        return len(self.counts)


def split(
    images: tuple[Array, Labels], seed: int
) -> tuple[tuple[Array, Labels], tuple[Array, Labels]]:
    """Return the images to train on, shuffled, and those to tune with, a fifth of each class.

    Parameters
    ----------
    images : tuple of ndarray, (n, ...), (n,)
        With their labels.
    seed : int
        Of the split and of the order.

    Returns
    -------
    tuple of two tuples of ndarray
        Each as ``images``.
    """
    x, y = images
    kept, out = data.stratified_split(y, VALIDATION, seed)
    shuffled = np.random.default_rng(seed).permutation(kept)
    return (x[shuffled], y[shuffled]), (x[out], y[out])


@dataclasses.dataclass(frozen=True)
class Stream:
    """Images that are resampled and read batch by batch, in memory or in a file.

    An epoch has as many images as the whole set, whatever the sampler.

    Attributes
    ----------
    x : ndarray, (n, height, width[, channels])
    y : ndarray of int64, (n,)
    scale : float
        The value of a white pixel.
    n_classes, batch_size : int
    sampler : str or None
        As `thesis_lib.engine.batches.of` takes it.
    limit : int, optional
        Images an epoch, instead of as many as the whole set has.
    rows : ndarray of int64, optional
        Rows of the set that are used; all if not given.
    """

    x: Array
    y: Labels
    scale: float
    n_classes: int
    batch_size: int
    sampler: str | None = None
    limit: int | None = None
    rows: Labels | None = None

    @property
    def counts(self) -> Labels:
        """As `Feed` says."""
        return data.class_counts(self.labels, self.n_classes)

    def batches(self, change: Callable[..., Any] | None, seed: int) -> Batches:
        """As `Feed` says."""
        settings = {"scale": self.scale, "limit": self._epoch_size, "rows": self.rows}
        return _batches(self, self.sampler, self.x, self.y, seed, change=change, **settings)

    def balanced(self, found: Floats, stage: str, seed: int) -> Batches:
        """As `Feed` says."""
        sampler = two_stage.SAMPLERS[stage]
        limit = self._epoch_size
        return _batches(self, sampler, found, self.labels, seed, scale=1.0, limit=limit)

    def split(self, seed: int) -> tuple[Stream, Stream]:
        """As `Feed` says."""
        kept, out = data.stratified_split(self.labels, VALIDATION, seed)
        rows = np.arange(len(self.y)) if self.rows is None else self.rows
        return tuple(  # type: ignore[return-value]
            dataclasses.replace(self, rows=rows[chosen]) for chosen in (kept, out)
        )

    def outputs(self, network: Any) -> Floats:
        """As `Feed` says."""
        found = [network.predict_on_batch(x) for x in pieces(self.x, self.scale, self.rows)]
        return np.concatenate(found)

    @property
    def labels(self) -> Labels:
        """As `Feed` says."""
        return self.y if self.rows is None else self.y[self.rows]

    @property
    def _epoch_size(self) -> int:
        return self.limit or len(self.y)


def _batches(
    feed: Arrays | Stream, sampler: str | None, x: Array, y: Labels, seed: int, **settings: Any
) -> Batches:
    size = feed.batch_size
    return batches.of(
        sampler, x, y, seed=seed, n_classes=feed.n_classes, batch_size=size, **settings
    )


def pieces(x: Array, scale: float, rows: Labels | None = None) -> Iterator[Floats]:
    """Read images piece by piece, in [0, 1], as many at once as a network's layers can hold.

    Parameters
    ----------
    x : ndarray, (n, height, width[, channels])
    scale : float
        The value of a white pixel.
    rows : ndarray of int64, optional
        Which; all if not given.
    """
    size = max(1, min(_MOST_IMAGES, _MOST_PIXELS // (x.shape[1] * x.shape[2])))
    for start in range(0, len(x) if rows is None else len(rows), size):
        part = slice(start, start + size)
        yield data.scaled(np.asarray(x[part] if rows is None else x[rows[part]]), scale)
