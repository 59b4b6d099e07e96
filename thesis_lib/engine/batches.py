"""Batches of images that are resampled and scaled only when they are asked for.

Nothing of the size of the data set is copied: a plan holds row numbers, and a batch is read,
mixed and turned into floats when the network gets to it. So the images may lie in a file
(``numpy.memmap``) that is larger than memory.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from thesis_lib import data, resampling

Labels = NDArray[np.int64]
Floats = NDArray[np.float32]
Change = Callable[[Floats, Floats, np.random.Generator], tuple[Floats, Floats]]


@dataclass(frozen=True)
class Plan:
    """The images that a method trains on: each is an image of the set, or between two of it.

    Attributes
    ----------
    parents : ndarray of int64, (n, 2)
        Rows of the training set.
    weights : ndarray of float64, (n,)
        Image i is ``w * x[p0] + (1 - w) * x[p1]``.
    """

    parents: Labels
    weights: NDArray[np.float64]


def plan(
    sampler: str | None, x: NDArray[Any], y: Labels, seed: int, rows: Labels | None = None
) -> Plan:
    """Plan what a sampler makes of a training set.

    Parameters
    ----------
    sampler : {"ros", "rus", "smote"} or None
    x : ndarray, (n, ...)
        Only SMOTE looks at the images, and only at those of the classes that it grows.
    y : ndarray of int64, (n,)
    seed : int
    rows : ndarray of int64, optional
        Rows of the set that are used; all if not given.

    Raises
    ------
    ValueError
        If SMOTE cannot be: a class of one image, or one too large to compare its images.
    """
    own = np.arange(len(y)) if rows is None else rows
    if sampler == "smote":
        return _smote_plan(x, y, seed, own)
    if sampler is not None:
        parents = resampling.resample(own[:, None], y[own], sampler, random_state=seed).parents
        own = own[parents[:, 0]]
    return Plan(np.stack([own, own], 1), np.ones(len(own)))


def _smote_plan(x: NDArray[Any], y: Labels, seed: int, own: Labels) -> Plan:
    obstacle = resampling.smote_obstacle(x.shape[1:], y[own])
    if obstacle:
        raise ValueError(f"{obstacle}.")
    state = np.random.RandomState(seed)
    counts = np.bincount(y[own])
    parents, weights = [np.stack([own, own], 1)], [np.ones(len(own))]
    for label in np.flatnonzero(counts < counts.max()):
        members = own[y[own] == label]
        pairs, shares = resampling.smote_pairs(x[members], int(counts.max()), state)
        parents.append(members[pairs])
        weights.append(shares)
    return Plan(np.concatenate(parents), np.concatenate(weights))


class Batches:
    """Batches of a plan, as many an epoch as the training set itself has.

    Every method so makes the same number of updates: a small plan (RUS) is gone through several
    times an epoch, a large one (ROS, SMOTE) once in several epochs, always in a new random order.

    Parameters
    ----------
    x : ndarray, (n, height, width[, channels]) or (n, n_features)
    y : ndarray of int64, (n,)
    plan : Plan
    scale : float
        What a white pixel is divided by to become 1.
    n_classes, batch_size : int
    seed : int
        Of the order.
    limit : int, optional
        Images an epoch, instead of as many as the training set has.
    change : callable, optional
        Takes and returns the images and one-hot labels of a batch, and a random generator.
    """

    def __init__(
        self,
        x: NDArray[Any],
        y: Labels,
        plan: Plan,
        *,
        scale: float,
        n_classes: int,
        batch_size: int,
        seed: int,
        limit: int | None = None,
        change: Change | None = None,
    ) -> None:
        self._x, self._y, self._plan, self._scale = x, y, plan, scale
        self._one_hot = np.eye(n_classes, dtype=np.float32)
        self._batch_size, self._epoch_size = batch_size, limit or len(y)
        self._random = np.random.default_rng(seed)
        # Of its own, so that the order of the images is the same with and without a change.
        self._change, self._noise = change, np.random.default_rng([seed, 1])
        self._waiting = np.empty(0, np.int64)
        self.on_epoch_end()

    def __len__(self) -> int:
        return -(-self._epoch_size // self._batch_size)

    def __getitem__(self, index: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        chosen = self._order[index * self._batch_size : (index + 1) * self._batch_size]
        parents = self._plan.parents[chosen]
        mixed = resampling.blend(self._x, parents, self._plan.weights[chosen])
        images, labels = data.scaled(mixed, self._scale), self._one_hot[self._y[parents[:, 0]]]
        return self._change(images, labels, self._noise) if self._change else (images, labels)

    def on_epoch_end(self) -> None:
        """Take the next images of the plan, shuffled anew each time that it is used up."""
        pieces = [self._waiting]
        while sum(map(len, pieces)) < self._epoch_size:
            pieces.append(self._random.permutation(len(self._plan.weights)))
        self._order, self._waiting = np.split(np.concatenate(pieces), [self._epoch_size])


class ClassAware(Batches):
    """Batches in which every class is as frequent: class-aware sampling (Shen et al. 2016).

    The classes come in turn, in an order that is shuffled each time; so do the images of a class.
    An epoch has as many images as the training set: most of the largest classes' are left out of
    it, and those of the smallest come again and again.
    """

    def on_epoch_end(self) -> None:
        """Take the classes and their images for the next epoch."""
        labels = self._y[self._plan.parents[:, 0]]
        classes = np.unique(labels)
        rounds = -(-self._epoch_size // len(classes))
        turns = np.stack([self._random.permutation(len(classes)) for _ in range(rounds)])
        order = np.empty(turns.shape, np.int64)
        for number, label in enumerate(classes):
            members = np.flatnonzero(labels == label)
            repeats = -(-rounds // len(members))
            images = np.concatenate([self._random.permutation(members) for _ in range(repeats)])
            order[turns == number] = images[:rounds]
        self._order = order.ravel()[: self._epoch_size]


def of(
    sampler: str | None,
    x: NDArray[Any],
    y: Labels,
    *,
    seed: int,
    rows: Labels | None = None,
    **settings: Any,
) -> Batches:
    """Return the batches of a sampler: class by class, or by its plan.

    Parameters
    ----------
    sampler : str or None
        ``"class-aware"``, or as `plan` takes it.
    x, y, seed
        As `Batches` takes them; the seed is the plan's too.
    rows
        As `plan` takes them.
    **settings
        The others that `Batches` takes.
    """
    aware = sampler == "class-aware"
    kind = ClassAware if aware else Batches
    planned = plan(None if aware else sampler, x, y, seed, rows)
    return kind(x, y, planned, seed=seed, **settings)
