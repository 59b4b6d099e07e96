"""When an image of the minority is in the last, small batch of an epoch, and what the loss does."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from thesis_lib import data, experiments, tasks, training
from thesis_lib.book import verdicts
from thesis_lib.training import Experiment

_NAMES = ["Experiment", "Seed"]


def size() -> int:
    """Return how many images the last batch of an epoch of two classes has."""
    return sum(data.BINARY_COUNTS) % _focal().batch_size


def met(experiment: Experiment, seed: int) -> list[int] | None:
    """Return the epochs, from 1, that have an image of a minority class in their last, small batch.

    The order of the images follows from the seed where runs train side by side
    (:func:`thesis_lib.engine.vectorized.batch_order`).

    Parameters
    ----------
    experiment : Experiment
        Without a sampler, on MNIST.
    seed : int

    Returns
    -------
    list of int or None
        None without MNIST, whose labels say where the images are.
    """
    mnist = data.load("mnist", fallback="digits")
    if mnist.name != "mnist":
        return None
    labels = training.subset_of(experiment, mnist).y_train
    few = np.flatnonzero(np.isin(labels, tasks.get(experiment.task).minority))
    lasts = _last_batches(seed, experiment.epochs, len(labels), experiment.batch_size)
    return [epoch for epoch, last in enumerate(lasts, start=1) if np.isin(last, few).any()]


@cache
def _last_batches(seed: int, epochs: int, n: int, batch_size: int) -> NDArray[np.int32]:
    """Return which of n images are in the last, small batch (epochs, n % batch_size)."""
    orders = _orders()(seed, np.arange(epochs), n)
    return np.asarray(orders)[:, n - n % batch_size :]


@cache
def _orders() -> Callable[[int, NDArray[np.int64], int], Any]:
    """Return the orders of many epochs as one program, compiled once for all seeds."""
    # Not at the head: it starts JAX.
    import jax

    from thesis_lib.engine.vectorized import batch_order

    together: Callable[[int, NDArray[np.int64], int], Any]
    together = jax.jit(jax.vmap(batch_order, in_axes=(None, 0, None)), static_argnums=2)
    return together


def meetings() -> dict[int, list[int]] | None:
    """Return what `met` does for focal loss on two classes, by seed.

    Of the seeds that are recorded from training side by side. None without MNIST.
    """
    found = {int(s): met(_focal(), int(s)) for s in sorted(losses().columns.unique("Seed"))}
    known = {seed: epochs for seed, epochs in found.items() if epochs is not None}
    return known if len(known) == len(found) else None


def _focal() -> Experiment:
    """Return one of the settings of focal loss, which share images, epochs and batches."""
    return experiments.get(verdicts.focal("binary", 0, 1))


def losses() -> pd.DataFrame:
    """Return the recorded losses of focal loss on two classes, trained side by side.

    Returns
    -------
    DataFrame
        A row an epoch, from 1, and a column for each (experiment, seed).
    """
    names = [
        verdicts.focal("binary", gamma, weight)
        for gamma in experiments.GAMMAS
        for weight in experiments.MINORITY_WEIGHTS
    ]
    curves = {
        (name, run.seed): pd.Series(run.loss_curve)
        for name in names
        for run in experiments.recorded(name)
        if run.provenance["backend"] == "jax"
    }
    found = pd.DataFrame(curves, columns=pd.MultiIndex.from_tuples(curves, names=_NAMES))
    found.index = pd.RangeIndex(1, len(found) + 1, name="Epoch")
    return found


def rises(met: dict[int, list[int]]) -> tuple[pd.Series, pd.Series]:
    """Return by which factor the loss grows from an epoch to the next: after meetings, and else.

    Parameters
    ----------
    met : mapping of int to list of int
        As `meetings` returns it.

    Returns
    -------
    after, else : Series
        By epoch, experiment and seed; the last epoch has no next.
    """
    found = losses()
    # Losses are recorded with six digits after the point, and the smallest are 0 there.
    factor = pd.Series((found.shift(-1) / found.clip(lower=1e-6)).iloc[:-1].unstack())
    seeds, epochs = (factor.index.get_level_values(n) for n in ("Seed", "Epoch"))
    after = np.array([e in met[s] for s, e in zip(seeds, epochs, strict=True)], dtype=bool)
    return factor.loc[after], factor.loc[~after]
