"""When an image of the minority is in the last, small batch of an epoch, and what the loss does."""

from __future__ import annotations

import numpy as np
import pandas as pd

from thesis_lib import data, experiments
from thesis_lib.book import verdicts

_NAMES = ["Experiment", "Seed"]


def size() -> int:
    """Return how many images the last batch of an epoch of two classes has."""
    batch = experiments.get(verdicts.focal("binary", 0, 1)).batch_size
    return sum(data.BINARY_COUNTS) % batch


def meetings() -> dict[int, list[int]] | None:
    """Return the epochs, from 1, that a zero is in the last batch of, by seed.

    Of the seeds that focal loss on two classes is recorded with, trained side by side: their order
    follows from the seed (:func:`thesis_lib.engine.vectorized.batch_order`). None without MNIST,
    whose labels say where the zeros are.
    """
    mnist = data.load("mnist", fallback="digits")
    if mnist.name != "mnist":
        return None
    # Not at the head: it starts JAX.
    from thesis_lib.engine.vectorized import batch_order

    zeros = np.flatnonzero(data.task("binary", mnist).y_train == 0)
    epochs = experiments.get(verdicts.focal("binary", 0, 1)).epochs

    def met(seed: int, epoch: int) -> bool:
        order = np.asarray(batch_order(seed, epoch, sum(data.BINARY_COUNTS)))
        return bool(np.isin(order[-size() :], zeros).any())

    seeds = losses().columns.unique("Seed")
    return {int(s): [e + 1 for e in range(epochs) if met(int(s), e)] for s in sorted(seeds)}


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
