"""Fair settings: each method's own learning rate and epochs, at one budget, on validation images.

``python -m thesis_lib.tuning digits`` tunes the methods of the study on a task and adds to
``tuned.yml``, from which `study` makes experiments named ``digits-tuned-draws/...``. It is tuned on
draw 0, which no study has.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from thesis_lib import data, durable, later, metrics, training
from thesis_lib.engine import feeds, fitting
from thesis_lib.training import Experiment

LEARNING_RATES = (0.02, 0.05, 0.1, 0.2)
EPOCH_SHARES = (0.5, 1.0)
"""Of the experiment's own epochs."""

FILE = Path(__file__).with_name("tuned.yml")


def grid(
    experiment: Experiment,
    *,
    rates: Sequence[float] = LEARNING_RATES,
    shares: Sequence[float] = EPOCH_SHARES,
) -> list[Experiment]:
    """Return the settings that a method is tried with: the same number for each method.

    Parameters
    ----------
    experiment : Experiment
    rates : sequence of float
        Learning rates.
    shares : sequence of float
        Of the experiment's own epochs; there are two epochs at least.
    """
    return [
        dataclasses.replace(
            experiment, learning_rate=rate, epochs=max(2, round(share * experiment.epochs))
        )
        for share in shares
        for rate in rates
    ]


def validated(
    experiment: Experiment,
    *,
    splits: Sequence[int] = (1, 2, 3),
    dataset: data.Dataset | None = None,
) -> list[float]:
    """Train on four fifths of a task's training images and measure on the others.

    The test set is never looked at. The split is made before the images are resampled, so no copy
    of a validation image is trained on.

    Parameters
    ----------
    experiment : Experiment
    splits : sequence of int
        Seeds of the split and of the network.
    dataset : Dataset, optional
        The task's own if not given.

    Returns
    -------
    list of float
        Balanced accuracy on the held-out images, one a split; chance where training diverged.
    """
    subset = training.subset_of(experiment, dataset)
    found = []
    for seed in splits:
        fitting.set_up(seed)
        kept, held_out = feeds.split((subset.x_train, subset.y_train), seed)
        part = dataclasses.replace(subset, x_train=kept[0], y_train=kept[1])
        images = training.resampled(experiment, kept, seed)
        fitted = training.train_network(
            experiment, seed, part, images, experiment.epochs, "float32", lambda: None
        )
        outputs = fitted.network.predict(data.to_unit(held_out[0]), batch_size=1000, verbose=0)
        finite = bool(np.isfinite(outputs).all())
        chance = 1 / subset.n_classes
        found.append(
            metrics.balanced_accuracy(held_out[1], outputs.argmax(1)) if finite else chance
        )
    return found


def tune(experiment: Experiment, **options: Any) -> tuple[Experiment, pd.DataFrame]:
    """Choose the learning rate and the epochs of an experiment on validation images.

    Parameters
    ----------
    experiment : Experiment
    **options
        ``rates`` and ``shares`` of `grid`, ``splits`` and ``dataset`` of `validated`.

    Returns
    -------
    Experiment
        With the settings of the best mean; among equals the first of the grid, which is the
        shorter training and then the lower rate.
    DataFrame
        A row a setting: "Learning rate", "Epochs", "Balanced accuracy" (percent, the mean).
    """
    shape = {k: options.pop(k) for k in ("rates", "shares") if k in options}
    tried = grid(experiment, **shape)
    means = [float(np.mean(validated(setting, **options))) for setting in tried]
    table = pd.DataFrame(
        {
            "Learning rate": [setting.learning_rate for setting in tried],
            "Epochs": [setting.epochs for setting in tried],
            "Balanced accuracy": [100 * mean for mean in means],
        }
    )
    return tried[int(np.argmax(means))], table


@cache
def tuned() -> dict[str, dict[str, dict[str, Any]]]:
    """Return the settings that were chosen, by task and method; empty if none were yet."""
    if not FILE.exists():
        return {}
    content: dict[str, dict[str, dict[str, Any]]] = yaml.safe_load(FILE.read_text("utf-8")) or {}
    return content


def study(task: str, draws: Sequence[int] = later.DRAWS) -> list[Experiment]:
    """Return the experiments of `later.study` with the settings that were chosen for each method.

    Empty if none were chosen for the task yet.

    Parameters
    ----------
    task, draws
        As for :func:`later.study`.
    """
    chosen = tuned().get(task, {})
    members = later.study(task, draws, [m for m in later.STUDY_METHODS if m in chosen])
    return [later.variant(e, "tuned", **chosen[later.slug_of(e.base or e.name)]) for e in members]


def main(task: str) -> None:
    """Tune every method of the study on a task that is not tuned yet, and write what was chosen.

    Parameters
    ----------
    task : str
        As for `study`.

    Raises
    ------
    ValueError
        If there is no such task.
    """
    for slug in later.STUDY_METHODS:
        if slug in tuned().get(task, {}):
            continue
        (experiment, *_) = later.study(task, [0], [slug])
        best, table = tune(experiment)
        print(table.assign(Method=slug).to_string(index=False), flush=True)
        content = {name: dict(methods) for name, methods in tuned().items()}
        settings = {"learning_rate": best.learning_rate, "epochs": best.epochs}
        content.setdefault(task, {})[slug] = settings
        with durable.replacing(FILE) as file:
            file.write(yaml.safe_dump(content, sort_keys=False).encode())
        tuned.cache_clear()


if __name__ == "__main__":
    main(*sys.argv[1:])
