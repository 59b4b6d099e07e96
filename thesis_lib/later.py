"""Experiments beyond the thesis: later methods, other data, and the studies over draws.

They stand beside the thesis's own in no published table, so nothing is missing where one of them
has no record.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

from thesis_lib import tasks
from thesis_lib.training import Experiment

DRAWS = tuple(range(1, 21))
"""Seeds that a study over draws draws with; 10 is the thesis's."""

FEW_DRAWS = DRAWS[:5]
"""Those of a study over sizes or numbers of classes."""

STUDY_SEEDS = (1, 2, 3)
"""Seeds that each draw is trained with in a study over draws; one is enough over sizes."""

_OTHER_TASKS = ("digits", "digits-rows", "mnist-rows", "fashion-lt", "cifar10-lt")
"""The tasks on other data than the thesis's, or with another network."""

BASELINE = "cross-entropy"

# What each method of a study differs in. The first is the baseline.
STUDY_METHODS: Mapping[str, Mapping[str, Any]] = {
    BASELINE: {"method": "Cross-entropy", "loss": "cross-entropy"},
    "ros": {"method": "ROS", "loss": "cross-entropy", "sampler": "ros"},
    "smote": {"method": "SMOTE", "loss": "cross-entropy", "sampler": "smote"},
    "rus": {"method": "RUS", "loss": "cross-entropy", "sampler": "rus"},
    "mfe": {"method": "MFE", "loss": "mfe"},
    "balanced-softmax": {"method": "Balanced softmax", "loss": "balanced-softmax"},
}

# What is compared over many draws: these, and what else the thesis trains.
DRAW_METHODS: Mapping[str, Mapping[str, Any]] = {
    **STUDY_METHODS,
    "mse": {"method": "Squared error", "loss": "mse"},
    "msfe": {"method": "MSFE", "loss": "msfe"},
    "focal": {"method": "Focal loss, class weights", "loss": "focal", "gamma": 2.0},
}

# The methods that came after the thesis, and the combinations that it proposes, by their slugs.
METHODS: Mapping[str, Mapping[str, Any]] = {
    "class-balanced": {"method": "Class-balanced loss", "loss": "class-balanced"},
    "balanced-softmax": {"method": "Balanced softmax", "loss": "balanced-softmax"},
    "ldam": {"method": "LDAM", "loss": "ldam"},
    "ldam-drw": {
        "method": "LDAM, deferred re-weighting",
        "loss": "ldam",
        "second_stage": "deferred-weights",
    },
    "crt": {"method": "Classifier re-training", "second_stage": "retrained-classifier"},
    "feature-smote": {"method": "SMOTE of features", "second_stage": "feature-smote"},
    "class-aware": {"method": "Class-aware sampling", "sampler": "class-aware"},
    "mixup": {"method": "Mixup", "loss": "soft-cross-entropy", "change": "mixup"},
    "remix": {"method": "Remix", "loss": "soft-cross-entropy", "change": "remix"},
    "moved": {"method": "Shifts and rotations", "change": "moved"},
    "ros-moved": {"method": "ROS, shifts and rotations", "sampler": "ros", "change": "moved"},
    "ensemble": {"method": "Five networks", "members": 5},
    "balanced-ensemble": {"method": "Five networks, RUS each", "members": 5, "sampler": "rus"},
    "tuned-threshold": {"method": "Threshold tuned on validation data", "cost": "tuned"},
    "ros-focal": {
        "method": "ROS and focal loss",
        "sampler": "ros",
        "loss": "focal",
        "gamma": 2.0,
        "minority_weight": 1.0,
    },
    "smote-weighted": {
        "method": "SMOTE and minority weight 5",
        "sampler": "smote",
        "loss": "focal",
        "minority_weight": 5.0,
    },
}

# What is trained for four times the epochs as well; RUS learns its few images in the first ones.
_LONG_METHODS = [slug for slug in STUDY_METHODS if slug != "rus"]
_LONGER = 4

# Settings that the methods of a study share, by the task's data set.
_OF_LARGE_SETS = {"learning_rate": 0.05, "batch_size": 100, "epochs": 50}
_STUDY_SETTINGS: Mapping[str, Mapping[str, Any]] = {
    "digits-8x8": {"learning_rate": 0.1, "batch_size": 32, "epochs": 50},
    "mnist": _OF_LARGE_SETS,
    "fashion-mnist": _OF_LARGE_SETS,
    "cifar10": _OF_LARGE_SETS,
}
# More epochs teach an undersampled set no more: it is learnt by heart.
_MOST_EPOCHS = 200


def all_of_them() -> list[Experiment]:
    """Return every experiment beyond the thesis."""
    found = [*_beyond("multiclass"), *_beyond("binary")]
    for task in _OTHER_TASKS:
        found += [*_plain(task), *_beyond(task)]
    for task in ("digits", "multiclass", "binary"):
        found += study(task, DRAWS)
    found += long_study("binary", DRAWS)
    # Between an image and itself SMOTE finds nothing.
    of_one = {slug: m for slug, m in STUDY_METHODS.items() if slug != "smote"}
    grid = {tasks.with_size("digits", size): STUDY_METHODS for size in tasks.DIGIT_SIZES}
    for size in tasks.MNIST_SIZES:
        grid[tasks.with_size("binary", size)] = STUDY_METHODS if size > 1 else of_one
    for number in tasks.MINORITY_NUMBERS:
        for data_set in ("digits", "multiclass"):
            grid[tasks.with_minority(data_set, number)] = STUDY_METHODS
    for task, methods in grid.items():
        if task not in ("digits", "binary"):  # whose draws are there already
            found += study(task, FEW_DRAWS, methods)
    return found


def _beyond(task: str) -> list[Experiment]:
    """Return the later methods on a task, and prior correction of its cross-entropy network."""
    found = [_experiment(task, slug, method) for slug, method in METHODS.items()]
    correction = {"method": "Prior correction", "cost": "prior", "base": f"{task}/{BASELINE}"}
    return [*found, _experiment(task, "prior-correction", correction)]


def _plain(task: str) -> list[Experiment]:
    """Return the baseline and the methods that the thesis's own tasks have in its catalogue."""
    chosen = (BASELINE, "ros", "smote", "rus", "mfe")
    return [_experiment(task, slug, STUDY_METHODS[slug]) for slug in chosen]


def _experiment(task: str, slug: str, method: Mapping[str, Any]) -> Experiment:
    """Return an experiment with the settings of its data set; on MNIST they are the thesis's."""
    chosen = tasks.get(task)
    shared = dict(_STUDY_SETTINGS[chosen.dataset]) if chosen.dataset != "mnist" else {}
    if chosen.dataset in ("fashion-mnist", "cifar10"):
        # As many updates for each method: an epoch of ROS has four times the images there.
        shared["epochs"] = _epochs(shared, chosen.counts, method.get("sampler"))
    defaults = {"loss": "cross-entropy", **shared}
    return Experiment(**{**defaults, **method, "name": f"{task}/{slug}", "task": task})


def study(
    task: str, draws: Iterable[int], methods: Iterable[str] = DRAW_METHODS
) -> list[Experiment]:
    """Return the experiments of a study: each method on each draw of a task.

    They are named ``task-draws/method-07``. Prior correction decides by the baseline's network.

    Parameters
    ----------
    task : str
        A key of ``tasks.TASKS``.
    draws : iterable of int
    methods : iterable of str
        Keys of ``DRAW_METHODS``.
    """
    found = []
    for draw in draws:
        for slug in methods:
            found.append(_study_member(task, slug, draw))
            if slug == BASELINE:
                base = found[-1]
                found.append(
                    dataclasses.replace(
                        base,
                        name=member_name(task, "prior-correction", draw),
                        method="Prior correction",
                        cost="prior",
                        base=base.name,
                    )
                )
    return found


def long_study(task: str, draws: Iterable[int]) -> list[Experiment]:
    """Return the experiments of `study` with four times the epochs: on MNIST as many as the thesis.

    They are named ``task-long-draws/method-07``.

    Parameters
    ----------
    task, draws
        As for `study`.
    """
    members = study(task, draws, _LONG_METHODS)
    return [variant(e, "long", epochs=_LONGER * e.epochs) for e in members]


def variant(member: Experiment, kind: str, **settings: Any) -> Experiment:
    """Return an experiment of `study` with other settings, named ``task-kind-draws/method-07``.

    Parameters
    ----------
    member : Experiment
    kind : str
    **settings
        Of `Experiment`.
    """
    study_name = f"{member.task}-draws/", f"{member.task}-{kind}-draws/"
    names = {"name": member.name.replace(*study_name)}
    if member.base:
        names["base"] = member.base.replace(*study_name)
    return dataclasses.replace(member, **{**names, **settings})


def member_name(task: str, method: str, draw: int) -> str:
    """Return the name of the experiment that a method on a draw of a study is.

    Parameters
    ----------
    task : str
        A key of ``tasks.TASKS``.
    method : str
        A key of ``DRAW_METHODS``, or "prior-correction".
    draw : int
    """
    return f"{task}-draws/{method}-{draw:02d}"


def slug_of(name: str) -> str:
    """Return the method of a study that `member_name` named.

    Parameters
    ----------
    name : str
        ``task-draws/method-07``.
    """
    return name.split("/")[1].rsplit("-", 1)[0]


def _study_member(task: str, slug: str, draw: int) -> Experiment:
    chosen = tasks.get(task)
    settings = dict(_STUDY_SETTINGS[chosen.dataset])
    method = DRAW_METHODS[slug]
    settings["epochs"] = _epochs(settings, chosen.counts, method.get("sampler"))
    return Experiment(
        name=member_name(task, slug, draw), task=task, draw=draw, **{**settings, **method}
    )


def _epochs(settings: Mapping[str, Any], counts: tuple[int, ...], sampler: str | None) -> int:
    """Return epochs that give the method as many updates as the baseline, from 1 to 200."""
    sizes = {"ros": max(counts), "smote": max(counts), "rus": min(counts)}
    images = sizes[sampler] * len(counts) if sampler in sizes else sum(counts)
    batches, own = (-(-n // int(settings["batch_size"])) for n in (sum(counts), images))
    return min(_MOST_EPOCHS, max(1, round(int(settings["epochs"]) * batches / own)))
