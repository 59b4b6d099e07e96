"""Compare what helps against imbalance on images of your own: `compare`."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from thesis_lib import arguments, backend, durable, records
from thesis_lib.arguments import number, whole
from thesis_lib.engine import budget, sweep
from thesis_lib.own import builders, image_sets, method_runs, offered
from thesis_lib.own.builders import Builder, Network
from thesis_lib.own.comparison_result import Comparison, copies_note, untested_note
from thesis_lib.own.image_sets import ImageSets
from thesis_lib.own.method_runs import Outcome
from thesis_lib.own.offered import BASELINE, DEFAULT_METHODS, METHODS
from thesis_lib.progress import progress_bar
from thesis_lib.training import Experiment, Run
from thesis_lib.wording import counted

Job = tuple[str, int]
Jobs = dict[Job, list[Experiment]]
Keep = Callable[[Sequence[Run]], None]


def compare(
    x_train: ArrayLike,
    y_train: ArrayLike,
    x_test: ArrayLike,
    y_test: ArrayLike,
    *,
    methods: Sequence[str] = DEFAULT_METHODS,
    seeds: Sequence[int] = (1, 2, 3, 4, 5),
    epochs: int = 20,
    batch_size: int = 32,
    learning_rate: float = 0.001,
    network: Builder | None = None,
    white: float | None = None,
    folder: str | Path | None = None,
    scheduler: str | None = None,
    progress: bool = True,
) -> Comparison:
    """Train a network on your images with each method and each seed, and compare.

    Every network makes the same number of updates, as many as `epochs` passes over the training
    set; an ensemble has five networks. The test set is looked at once a run, after the last epoch:
    nothing is chosen by it.

    Parameters
    ----------
    x_train, x_test : array_like, (n, height, width) or (n, height, width, channels)
        From 8×8 to 256×256 pixels, grey or up to four channels; uint8, uint16, or numbers from 0
        to 1 or 0 to 255, on one scale in both sets. Integers of more than 8 bits count as 10, 12,
        14 or 16, the fewest that hold the largest pixel, unless `white` says otherwise. A
        ``numpy.memmap`` is read batch by batch, never as a whole.
    y_train, y_test : array_like, (n,)
        Integers or strings, or one-hot rows, 2 to 1000 classes. Every class of the test set has to
        be in the training set.
    methods : sequence of str
        Keys of ``thesis_lib.own.offered.METHODS``. The baseline, cross-entropy, is always trained.
    seeds : sequence of int
        One run of each method a seed; at least three for a recommendation worth the name.
    epochs, batch_size, learning_rate
        As Keras means them; the optimiser is Adam.
    network : callable, optional
        ``network(input_shape, n_classes)`` returns a new Keras model each time it is called, from
        pixels in [0, 1], ``input_shape`` being (height, width, channels), to probabilities. It
        ends with ``Dense(n_classes, activation="softmax")``. The seed fixes what it draws; weights
        that it sets stay, and those of frozen layers are not trained. The library's own network,
        three blocks of convolution and 200 units, if not given.
    white : float, optional
        The value of a white pixel, the largest that a pixel can have: 4095 with 12 bits. Told from
        the largest pixel of both sets if not given, so that other images of one camera may be
        scaled otherwise.
    folder : str or Path, optional
        Where finished runs are recorded. With the same data and settings, runs that are there
        are not trained again.
    scheduler : str, optional
        Address of a Dask scheduler, ``tcp://host:port``: train on its workers, which need this
        library and none of its data sets. Arrays in memory are sent to each worker once. A
        ``numpy.memmap`` is not sent: each worker reads the file at the same path, and checks that
        it holds the same images.
    progress : bool
        Say beforehand how long it will take, and show a bar, in a terminal or a notebook.

    Returns
    -------
    Comparison

    Raises
    ------
    ValueError, TypeError
        If the data, the network or the settings are not as above.
    OSError
        If nothing can be written to the folder.
    ConnectionError, RuntimeError
        If the cluster cannot be reached, or could not train all; what it finished is recorded.
    OutOfTime
        Of ``thesis_lib.engine.budget``, at the end of its `limit`, with the number of runs that
        are left; as above.

    Examples
    --------
    >>> from thesis_lib import compare, tiles
    >>> train = tiles.draw({"whole": 40, "stain": 4}, random_state=1)
    >>> test = tiles.draw({"whole": 30, "stain": 30}, random_state=2)
    >>> settings = {"methods": ["prior-correction"], "seeds": [1, 2], "epochs": 1}
    >>> result = compare(*train, *test, **settings, progress=False)
    >>> result.recalls().columns.tolist(), result.train_counts.tolist()
    (['cross-entropy', 'prior-correction'], [4, 40])

    ``print(result.recommendation)`` says what to use, and ``result.save_report("report.html")``
    writes tables and figures.
    """
    names = checked_methods(methods)
    seeds = checked_seeds(seeds)
    settings = checked_settings(epochs, batch_size, learning_rate)
    sets = image_sets.checked(x_train, y_train, x_test, y_test, white)
    pixels_note = "" if white is not None else image_sets.dark_note(sets)
    copies = copies_note(sets.copies, len(sets.y_test)) if sets.copies else ""
    for note in (copies, untested_note(sets.classes, sets.test_counts), pixels_note):
        if note:
            warnings.warn(f"{note}.", stacklevel=2)
    own = builders.checked(network, sets)
    every = {name: offered.experiment(name, **settings) for name in names}
    why_not = {n: offered.obstacle(e, sets, own.n_features) for n, e in every.items()}
    chosen = {n: e for n, e in every.items() if not why_not[n]}
    store = None if folder is None else records.Store(folder)
    timed = every[BASELINE] if progress else None
    done = _runs(chosen, seeds, sets, own, store, scheduler, timed)
    return Comparison(
        classes=sets.classes,
        train_counts=sets.counts,
        test_counts=sets.test_counts,
        copies=sets.copies,
        pixels_note=pixels_note,
        confusions={n: {s: done[n][s].confusion for s in seeds} for n in chosen},
        loss_curves={n: {s: done[n][s].loss_curve for s in seeds} for n in chosen},
        skipped={n: reason for n, reason in why_not.items() if reason},
        settings={
            "data_sha256": sets.sha256,
            **settings,
            **({} if white is None else {"white": white}),
            "optimizer": "adam",
            **(own.settings() or {"dropout": every[BASELINE].dropout}),
        },
    )


def _runs(
    chosen: Mapping[str, Experiment],
    seeds: Sequence[int],
    sets: ImageSets,
    own: Network,
    store: records.Store | None,
    scheduler: str | None,
    timed: Experiment | None,
) -> dict[str, dict[int, Outcome]]:
    """Return the outcome of each method and seed, training what is not recorded."""
    done = {
        n: method_runs.recorded(store, e, sets, own) if store else {} for n, e in chosen.items()
    }

    def keep(runs: Sequence[Run]) -> None:
        for run in runs:
            record = method_runs.record(run, sets, own)
            done[_slug(run.experiment)][run.seed] = method_runs.outcome(record)
            if store is not None:
                store.append(record)

    families = offered.families(chosen.values())
    every = {(family[0].name, seed): family for seed in seeds for family in families}
    jobs = {
        (name, seed): family
        for (name, seed), family in every.items()
        if any(seed not in done[_slug(experiment)] for experiment in family)
    }
    if timed is not None and len(jobs) < len(every):
        total = _networks(every)
        kept = f"{total - _networks(jobs)} of {counted(total, 'network')}"
        print(f"Recorded already, and not trained again: {kept}.", flush=True)
    if jobs and store is not None:
        durable.check_writable(store.folder)
    if jobs and scheduler is not None:
        _train_on_cluster(jobs, sets, own, keep, scheduler, timed)
    elif jobs:
        _train_here(jobs, sets, own, keep, timed)
    return done


def _slug(experiment: Experiment) -> str:
    """Return the name that `compare` knows a method by."""
    return experiment.name.split("/")[1]


def _train_here(
    jobs: Jobs, sets: ImageSets, own: Network, keep: Keep, timed: Experiment | None
) -> None:
    """Train in this process, one network after the other; estimate the time by one, if given."""
    backend.start()
    images, shown, left = sum(_sizes(jobs, sets).values()), timed is not None, dict(jobs)
    try:
        if timed is not None:
            seconds = method_runs.seconds_of(sets, own, timed, lambda images: None)
            print(_estimate(jobs, sets, seconds), flush=True)
        with progress_bar(images, shown=shown, unit="image", unit_scale=True) as bar:
            for job, family in jobs.items():
                keep(method_runs.train(sets, own, family, job[1], bar.update))
                del left[job]
    except budget.OutOfTime:
        raise _out_of_time(left, jobs) from None


def _train_on_cluster(
    jobs: Jobs,
    sets: ImageSets,
    own: Network,
    keep: Keep,
    scheduler: str,
    timed: Experiment | None,
) -> None:
    """Do the same on the workers of a cluster, and keep each run as it ends."""
    from thesis_lib.engine import cluster

    def kept(job: Job, runs: Sequence[Run]) -> float:
        keep(runs)
        return runs[0].seconds

    with cluster.pool(scheduler) as pool:
        slots = pool.slots()
        shared = (pool.share(sets.portable()), pool.share(own.portable()))
        if timed is not None:
            seconds = pool.call("estimate", method_runs.seconds_of, *shared, timed).result()
            print(_estimate(jobs, sets, seconds, slots), flush=True)

        def submit(job: Job) -> Future[list[Run]]:
            return pool.call(job, method_runs.train, *shared, jobs[job], job[1])

        outcome = sweep.drive(pool, _sizes(jobs, sets), submit, kept, shown=timed is not None)
    if outcome.failed:
        reason = next(iter(outcome.failed.values()))
        raise RuntimeError(
            f"{len(outcome.failed)} of {len(jobs)} could not be trained; the first: {reason}"
        )
    if outcome.left:
        raise _out_of_time(outcome.left, jobs)


def _out_of_time(left: Iterable[Job], jobs: Jobs) -> budget.OutOfTime:
    """Count runs: a job has one of each experiment of its family."""
    runs = sum(len(jobs[job]) for job in left)
    total = counted(sum(map(len, jobs.values())), "run")
    return budget.OutOfTime(f"out of time with {runs} of {total} left")


def _sizes(jobs: Jobs, sets: ImageSets) -> dict[Job, int]:
    """Return how many images each job passes through its networks."""
    return {job: method_runs.images_of(family[0], sets) for job, family in jobs.items()}


def _networks(jobs: Jobs) -> int:
    return sum(family[0].members or 1 for family in jobs.values())


def _estimate(jobs: Jobs, sets: ImageSets, timed: tuple[float, float], slots: int = 1) -> str:
    """Say how long all will take, from the seconds that a network and an image take."""
    networks = _networks(jobs)
    epochs = next(iter(jobs.values()))[0].epochs
    # An image is classified in about a third of the time that it is trained with.
    images = sum(_sizes(jobs, sets).values()) + networks * len(sets.y_test) / 3
    seconds = (networks * timed[0] + images * timed[1]) / min(slots, len(jobs))
    took = f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"
    return f"{counted(networks, 'network')} of {counted(epochs, 'epoch')} to train: about {took}."


def checked_methods(methods: Sequence[str]) -> list[str]:
    """Return the names of methods, the baseline first, each once.

    Parameters
    ----------
    methods : sequence of str
        Keys of ``thesis_lib.own.offered.METHODS``.

    Raises
    ------
    ValueError
        If they are no list, or one is unknown.
    """
    if isinstance(methods, str) or not isinstance(methods, Iterable):
        kind = "the text " if isinstance(methods, str) else ""
        raise ValueError(f"methods has to be a list of names; got {kind}{methods!r}.")
    return arguments.chosen("method", [BASELINE, *methods], tuple(METHODS))


def checked_seeds(seeds: Sequence[int]) -> list[int]:
    """Return seeds, each once.

    Parameters
    ----------
    seeds : sequence of int
        From 0 to 2**32 - 1, at least one.

    Raises
    ------
    ValueError
        If they are no list of whole numbers that can be seeds.
    """
    if not isinstance(seeds, Iterable):
        raise ValueError(
            f"seeds has to be a list; got {seeds!r}. For three seeds pass [1, 2, 3], for a single "
            "one [3]."
        )
    seeds = list(seeds)
    all_whole = all(isinstance(s, int | np.integer) and not isinstance(s, bool) for s in seeds)
    if not seeds or not all_whole or not 0 <= min(seeds) <= max(seeds) < 2**32:
        raise ValueError(
            f"seeds have to be whole numbers from 0 to 2**32 - 1, at least one; got {seeds!r}."
        )
    return list(dict.fromkeys(int(seed) for seed in seeds))


def checked_settings(
    epochs: int, batch_size: int = 32, learning_rate: float = 0.001
) -> dict[str, Any]:
    """Return what all methods are trained with.

    Parameters
    ----------
    epochs, batch_size : int
        At least 1.
    learning_rate : float
        Above 0.

    Returns
    -------
    dict
        The arguments by name, as Python's own numbers.

    Raises
    ------
    ValueError, TypeError
        If one of them is no such number.
    """
    return {
        "epochs": whole("epochs", epochs, 1),
        "batch_size": whole("batch_size", batch_size, 1),
        "learning_rate": number("learning_rate", learning_rate, 0, ends="()"),
    }
