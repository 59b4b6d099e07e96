"""The methods that `thesis_lib.compare` offers: the catalogue's, by the same names, and more."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from thesis_lib import later, resampling
from thesis_lib.engine import stages
from thesis_lib.own.image_sets import ImageSets
from thesis_lib.training import Experiment

Counts = NDArray[np.int64]

TASK = "own-data"
BASELINE = later.BASELINE

# What each method differs in from the baseline: the fields of its experiment.
METHODS: Mapping[str, Mapping[str, Any]] = {
    **later.STUDY_METHODS,
    "class-weights": {"method": "Class weights", "loss": "focal", "gamma": 0.0},
    "focal": {"method": "Focal loss, class weights", "loss": "focal", "gamma": 2.0},
    "prior-correction": {
        "method": "Prior correction",
        "cost": "prior",
        "base": f"{TASK}/{BASELINE}",
    },
    **later.METHODS,
}

# Names for those who have not read the book.
_SPELLED = {
    BASELINE: "Cross-entropy (baseline)",
    "ros": "Random oversampling",
    "rus": "Random undersampling",
    "mfe": "Mean false error",
    "ldam": "LDAM loss",
    "ldam-drw": "LDAM loss, deferred re-weighting",
    "feature-smote": "SMOTE of features",
    "ros-moved": "Oversampling, shifts and rotations",
    "ensemble": "Ensemble of five networks",
    "balanced-ensemble": "Ensemble of five networks, undersampling",
    "tuned-threshold": "Threshold tuned on held-out images",
    "ros-focal": "Oversampling and focal loss",
}
LABELS = {name: _SPELLED.get(name, fields["method"]) for name, fields in METHODS.items()}
"""What tables call the methods."""

# The outputs of these are probabilities where the classes are as frequent as in training, or where
# all are equally frequent, as the network met them. The others' losses or decisions distort them in
# ways that no shares describe.
_OF_TRAINING = (BASELINE, "mixup", "moved", "ensemble")
_OF_EQUAL = (
    *("ros", "smote", "rus", "class-weights", "balanced-softmax", "prior-correction", "crt"),
    *("feature-smote", "class-aware", "ros-moved", "balanced-ensemble"),
)

DEFAULT_METHODS = (
    BASELINE,
    "ros",
    "smote",
    "rus",
    "class-weights",
    "focal",
    "balanced-softmax",
    "prior-correction",
)


def experiment(name: str, *, epochs: int, batch_size: int, learning_rate: float) -> Experiment:
    """Return a method as an experiment on images that are not the catalogue's.

    The optimiser is Adam: it copes with weights of very different sizes without tuning.

    Parameters
    ----------
    name : str
        A key of ``METHODS``.
    epochs, batch_size, learning_rate
        As Keras means them.
    """
    shared = {
        "loss": "cross-entropy",
        "optimizer": "adam",
        "epochs": epochs,
        "batch_size": batch_size,
        "learning_rate": learning_rate,
    }
    fields = {**shared, **METHODS[name], "method": LABELS[name]}
    return Experiment(name=f"{TASK}/{name}", task=TASK, **fields)


def prior(name: str, counts: Counts) -> Counts:
    """Return how frequent the classes are where a method's outputs are probabilities.

    Parameters
    ----------
    name : str
        A key of ``METHODS``.
    counts : ndarray of int, (n_classes,)
        Sizes of the classes in training.

    Returns
    -------
    ndarray of int, (n_classes,)
        Counts: those of training, or ones.

    Raises
    ------
    ValueError
        If they are so nowhere.
    """
    if name in _OF_TRAINING:
        return counts
    if name in _OF_EQUAL:
        return np.ones_like(counts)
    raise ValueError(
        f"The outputs of {name} are no probabilities, so nothing can be weighed by them. Train one "
        f"of {', '.join(_OF_TRAINING + _OF_EQUAL)}."
    )


def families(experiments: Iterable[Experiment]) -> list[list[Experiment]]:
    """Group experiments that share their networks: the first is trained, the others decide.

    Parameters
    ----------
    experiments : iterable of Experiment
        With the base of each that has one.
    """
    found: dict[str, list[Experiment]] = {}
    for one in experiments:
        found.setdefault(one.base or one.name, []).append(one)
    return [sorted(family, key=lambda one: one.base is not None) for family in found.values()]


def obstacle(experiment: Experiment, sets: ImageSets, n_features: int) -> str:
    """Say why an experiment cannot be done with these images; "" if it can.

    Parameters
    ----------
    experiment : Experiment
        As `experiment` returns it.
    sets : ImageSets
    n_features : int
        How many numbers the last layer of the network gets for an image.
    """
    counts = sets.counts
    if experiment.sampler == "smote" and (
        reason := resampling.smote_obstacle(sets.x_train.shape[1:], sets.y_train)
    ):
        return reason
    if experiment.second_stage == "feature-smote" and (
        reason := resampling.smote_obstacle((n_features,), sets.y_train)
    ):
        return reason
    if experiment.second_stage is not None and experiment.epochs < 2:
        return f"two stages need at least two epochs; there are {experiment.epochs}"
    if experiment.cost == "tuned" and counts.max() < 2:
        return "tuning holds images out, and no class has two"
    weighted = experiment.minority_weight not in (None, 1.0)
    if weighted and not stages.minority(TASK, counts):
        return "no class is a minority, with at most a tenth of the largest's images"
    return ""
