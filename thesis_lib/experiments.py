"""The catalogue of experiments, and where their results come from: records, or training now."""

from __future__ import annotations

import dataclasses
import difflib
import fnmatch
import math
import os
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from thesis_lib import backend, data, durable, later, records, training, tuning
from thesis_lib.progress import progress_bar
from thesis_lib.training import Experiment, Run

SEEDS = (1, 2, 3, 4, 5)
GAMMAS = (0.0, 0.5, 1.0, 2.0, 5.0)
MINORITY_WEIGHTS = (1.0, 5.0, 10.0, 50.0, 100.0)

THESIS = "thesis"
"""What `select` takes for the catalogue: the thesis's experiments, their twins, the controls."""

# A quick build trains a live network for so many epochs, or on so many images if that is less, of
# which a longer epoch is a sample; where an epoch is a single batch, for so many epochs.
_QUICK_EPOCHS = 3
_QUICK_IMAGES = 8_000
_QUICK_BATCHES = 200

_SETTINGS = ("quick", "full", "fresh")


def build_setting() -> str:
    """Return what a build trains: the variable THESIS_BUILD, or "quick" ("full" with a GPU).

    Raises
    ------
    ValueError
        If the variable is none of "quick", "full" and "fresh".
    """
    setting = os.environ.get("THESIS_BUILD", "")
    if setting and setting not in _SETTINGS:
        raise ValueError(
            f"THESIS_BUILD is {setting!r}; it has to be one of {', '.join(_SETTINGS)}."
        )
    return setting or ("full" if has_gpu() else "quick")


def store() -> records.Store:
    """Return the committed records, or those of the folder that THESIS_LIB_RECORDS names.

    Where the library is installed without its checkout, they lie in ``records`` of the current
    folder: an installation is no place for data, which would go with the next version.
    """
    root = Path(__file__).resolve().parent.parent
    checkout = root if (root / "pyproject.toml").is_file() else Path()
    return records.Store(os.environ.get("THESIS_LIB_RECORDS") or checkout / "records")


@cache
def catalogue() -> Mapping[str, Experiment]:
    """Return every experiment of the thesis, its corrected twins and the controls, by name."""
    experiments = [*_multiclass(), *_binary()]
    return {experiment.name: experiment for experiment in experiments}


@cache
def every() -> Mapping[str, Experiment]:
    """Return the catalogue, and after it the experiments beyond the thesis, by name."""
    tuned = [e for task in tuning.tuned() for e in tuning.study(task)]
    return {**catalogue(), **{e.name: e for e in (*later.all_of_them(), *tuned)}}


def get(name: str) -> Experiment:
    """Return one experiment of the catalogue, or one beyond the thesis.

    Parameters
    ----------
    name : str
        ``task/method``.

    Raises
    ------
    ValueError
        If there is none of that name; the message names the nearest ones.

    Examples
    --------
    What the thesis's code computed, and its corrected twin:

    >>> get("binary/ros").sampler, get("binary/ros-corrected").sampler
    ('ros-as-published', 'ros')
    """
    if name not in every():
        raise ValueError(_unknown(name))
    return every()[name]


def _unknown(name: str) -> str:
    # All names are in small letters.
    nearest = difflib.get_close_matches(name.lower(), every(), n=3, cutoff=0.3)
    hint = f" The nearest are {', '.join(nearest)}." if nearest else ""
    return f"There is no experiment {name!r}.{hint}"


def select(patterns: Sequence[str]) -> list[Experiment]:
    """Return the experiments whose names match any of the shell patterns, in the order of `every`.

    Parameters
    ----------
    patterns : sequence of str
        Such as ``binary/*``, or whole names; ``thesis`` stands for those of `catalogue`.

    Raises
    ------
    ValueError
        If a pattern matches none; the message names the nearest.

    Examples
    --------
    >>> [one.name for one in select(["binary/rus*", "binary/baseline"])]
    ['binary/baseline', 'binary/rus', 'binary/rus-corrected']
    """
    chosen: set[str] = set()
    for pattern in patterns:
        found = catalogue() if pattern == THESIS else fnmatch.filter(every(), pattern)
        if not found:
            hint = f"{_unknown(pattern)} {THESIS!r} selects all of the thesis, '*' all there are."
            raise ValueError(hint)
        chosen.update(found)
    return [experiment for name, experiment in every().items() if name in chosen]


def recorded(experiment: Experiment | str, *, part: str = "") -> list[Run]:
    """Return the recorded runs of an experiment, one a seed; an empty list if there are none.

    A record whose hyperparameters are no longer the catalogue's does not count.

    Parameters
    ----------
    experiment : Experiment or str
        Or its name.
    part : str
        Names a store inside the store, such as "precision", whose runs belong to no table.

    Returns
    -------
    list of Run
        In the order of their seeds.

    Raises
    ------
    ValueError
        If there is no experiment of that name.

    Examples
    --------
    MNIST's test set has 980 zeros and 1,135 ones, the rows of the confusion matrix:

    >>> run = recorded("binary/baseline")[0]
    >>> run.seed, [sum(row) for row in run.confusion]
    (1, [980, 1135])
    """
    experiment = get(experiment) if isinstance(experiment, str) else experiment
    return _runs(experiment, records.Store(store().folder / part) if part else store())


def converged(runs: Iterable[Run]) -> list[Run]:
    """Return the runs that did not diverge; the others have no measures.

    Parameters
    ----------
    runs : iterable of Run
        Of `recorded` or `results`.
    """
    return [run for run in runs if not run.diverged]


def _runs(experiment: Experiment, where: records.Store) -> list[Run]:
    try:
        state = where.path(experiment.name).stat()
    except FileNotFoundError:
        return []
    written = (state.st_ino, state.st_mtime_ns, state.st_size)
    return list(_runs_as_written(experiment, where.folder.absolute(), written))


# A page asks for some runs hundreds of times; reading and checking a file takes milliseconds.
@lru_cache(maxsize=4096)
def _runs_as_written(
    experiment: Experiment, folder: Path, written: tuple[int, ...]
) -> tuple[Run, ...]:
    """Return an experiment's runs in a store; ``written`` tells the states of its file apart."""
    runs = (_from_record(record) for record in records.Store(folder).read(experiment.name))
    wanted = experiment.hyperparameters()
    found: dict[int, Run] = {}
    for run in runs:
        if run.experiment.hyperparameters() == wanted and run.seed not in found:
            # The catalogue says what the method is called, whatever the record does.
            found[run.seed] = dataclasses.replace(run, experiment=experiment)
    return tuple(found.values())


def results(experiment: Experiment | str) -> list[Run]:
    """Return the runs that a page shows: recorded, or trained now where the build setting says so.

    Quick takes what is recorded; full trains the missing seeds and records them; fresh ignores
    the records and trains every seed, once for all chapters of a build, which names the folder of
    its runs in THESIS_LIB_FRESH, or once a process. Each run is kept as it ends: a cell that was
    interrupted goes on where it was. Findings, claims and kept outputs are judged by the records
    in every build.

    Parameters
    ----------
    experiment : Experiment or str
        As for `recorded`.

    Returns
    -------
    list of Run
        In the order of their seeds.

    Raises
    ------
    ValueError
        As for `recorded` and `build_setting`.
    """
    experiment = get(experiment) if isinstance(experiment, str) else experiment
    setting = build_setting()
    if setting == "quick":
        return recorded(experiment)
    fresh = setting == "fresh"
    where = _store_of_fresh() if fresh else store()
    runs = _runs(experiment, where)
    missing = sorted(set(SEEDS) - {run.seed for run in runs})
    total = len(missing) * experiment.epochs * (experiment.members or 1)
    with progress_bar(total, shown=bool(missing), desc=experiment.name, unit="epoch") as bar:
        for seed in missing:
            members = train_family(
                experiment, seed, keep=not fresh, progress=False, on_epoch=lambda: bar.update()
            )
            if fresh:
                for run in members.values():
                    where.append(to_record(run))
            runs.append(members[experiment.name])
    return sorted(runs, key=lambda run: run.seed)


def _store_of_fresh() -> records.Store:
    """Return where a fresh build keeps its runs: a page asks for the same one again and again."""
    return records.Store(os.environ.get("THESIS_LIB_FRESH") or _of_process().name)


@cache
def _of_process() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="thesis-lib-")  # which goes with this process


def train_family(
    experiment: Experiment,
    seed: int,
    *,
    keep: bool = True,
    precision: str = "float32",
    progress: bool = True,
    on_epoch: Callable[[], None] = lambda: None,
) -> dict[str, Run]:
    """Train one network and read off it every experiment that differs in the decision only.

    Parameters
    ----------
    experiment : Experiment
        One with a ``base`` stands for its base's network.
    seed : int
    keep : bool
        Append the runs to the store, and the outputs on the test set beside them as float16.
    precision : {"float32", "bfloat16"}
        What activations are computed in.
    progress : bool
    on_epoch : callable
        Called after each epoch.

    Returns
    -------
    dict
        Name of the experiment to its run.
    """
    trained = get(experiment.base) if experiment.base else experiment
    run = training.train(
        trained,
        seed,
        precision=precision,
        progress=progress,
        keep_probabilities=True,
        on_epoch=on_epoch,
    )
    return keep_family(run) if keep else family(run)


def family(run: Run) -> dict[str, Run]:
    """Return a run, and those of the experiments that move the thresholds of its network, by name.

    Parameters
    ----------
    run : Run
        Of a trained experiment, with its probabilities.
    """
    members = {run.experiment.name: run}
    subset = training.subset_of(run.experiment)
    for derived in every().values():
        if derived.base == run.experiment.name:
            members[derived.name] = training.with_moved_thresholds(run, derived, subset)
    return members


def keep_family(run: Run) -> dict[str, Run]:
    """Record a run with its family, and its outputs on the test set beside them as float16.

    Outputs are there before the record is. Those of a run that has a record stay as they are.

    Parameters
    ----------
    run : Run
        As for `family`.

    Returns
    -------
    dict
        As of `family`.
    """
    members = family(run)
    if run.seed not in {old.seed for old in recorded(run.experiment)}:
        _keep_outputs(run)
    for member in members.values():
        record(member)
    return members


def outputs(name: str, seed: int) -> np.ndarray[Any, np.dtype[np.float32]] | None:
    """Return the kept outputs of one run on the test set (n_test, n_classes), None if not kept.

    Parameters
    ----------
    name : str
        Of the experiment.
    seed : int

    Raises
    ------
    ValueError
        If the file is damaged or does not fit the record.
    """
    path = store().outputs_path(name, seed)
    if not path.exists():
        return None
    advice = "restore the file, or remove it and go without"
    try:
        kept = np.load(path, allow_pickle=False)
    except (ValueError, EOFError) as error:
        raise ValueError(f"{path} is damaged or no .npy file ({error}); {advice}.") from None
    counts = [np.array(run.confusion) for run in recorded(name) if run.seed == seed]
    shape = (int(counts[0].sum()), len(counts[0])) if counts else kept.shape
    if not isinstance(kept, np.ndarray) or kept.dtype.kind != "f" or kept.ndim != 2:
        raise ValueError(f"{path} has to hold one row of numbers an image; {advice}.")
    if kept.shape != shape:
        raise ValueError(f"{path} has shape {kept.shape}, its record {shape}; {advice}.")
    return kept.astype(np.float32)


def _keep_outputs(run: Run) -> None:
    with durable.replacing(store().outputs_path(run.experiment.name, run.seed)) as file:
        np.save(file, np.asarray(run.probabilities, dtype=np.float16))


def live(name: str, dataset: data.Dataset) -> Run:
    """Train one experiment now with seed 1, as long as the build setting allows.

    Parameters
    ----------
    name : str
    dataset : Dataset
        The balanced data set that the task is cut from, MNIST or a stand-in.

    Returns
    -------
    Run
        Its ``epochs`` say how far it went, beside ``run.experiment.epochs``; with probabilities.
        See ``most_images`` of :func:`training.train` for the images of a quick build.
    """
    experiment = get(name)
    limits: dict[str, Any] = {}
    if build_setting() == "quick":
        epochs = quick_epochs(experiment, training.training_size(experiment, dataset))
        limits = {"epochs": epochs, "most_images": _QUICK_IMAGES}
    return training.train(experiment, 1, dataset=dataset, keep_probabilities=True, **limits)


def quick_epochs(experiment: Experiment, n_images: int) -> int:
    """Return how many epochs a quick build trains a set of so many images.

    Parameters
    ----------
    experiment : Experiment
    n_images : int
        As `training.training_size` counts them.
    """
    if n_images <= experiment.batch_size:
        return min(_QUICK_BATCHES, experiment.epochs)
    return max(1, min(_QUICK_EPOCHS, _QUICK_IMAGES // n_images, experiment.epochs))


def record(run: Run) -> bool:
    """Append a run to the store; return False if it was there already.

    Parameters
    ----------
    run : Run

    Raises
    ------
    ValueError
        If the run makes no valid record.
    """
    return store().append(to_record(run))


def to_record(run: Run) -> records.Record:
    """Turn a run into the JSON object that the store keeps (without probabilities).

    Parameters
    ----------
    run : Run
    """
    fields = {f.name: getattr(run, f.name) for f in dataclasses.fields(run)}
    del fields["probabilities"]
    fields["experiment"] = {
        "method": run.experiment.method,
        **run.experiment.hyperparameters(),
    }
    return {"schema": records.SCHEMA, **_plain(fields)}


def _from_record(record: records.Record) -> Run:
    """Turn a record into a run; fields of the experiment that are unknown here are left out."""
    known = {f.name for f in dataclasses.fields(Experiment)}
    experiment = Experiment(**{k: v for k, v in record["experiment"].items() if k in known})
    fields = {k: v for k, v in record.items() if k not in ("schema", "experiment")}
    for key in ("recall", "loss_curve", "accuracy_curve"):
        fields[key] = tuple(math.nan if v is None else float(v) for v in fields[key])
    for key in ("train_accuracy", "test_accuracy"):
        fields[key] = math.nan if fields[key] is None else float(fields[key])
    fields["confusion"] = tuple(tuple(int(n) for n in row) for row in fields["confusion"])
    return Run(experiment=experiment, **fields)


def _plain(value: Any) -> Any:
    """Turn tuples into lists and NumPy numbers into Python's, as JSON will give them back."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value.item() if isinstance(value, np.generic) else value


def has_gpu() -> bool:
    """Return whether Keras's backend, JAX or TensorFlow, finds a GPU."""
    backend.start()
    import keras

    if keras.backend.backend() == "jax":
        import jax

        return any(device.platform == "gpu" for device in jax.devices())
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        return bool(tf.config.list_physical_devices("GPU"))
    return False


def _multiclass() -> list[Experiment]:
    """The rows of tables 7.1 to 7.13, their corrected twins, and the controls."""

    def make(slug: str, method: str, **settings: Any) -> Experiment:
        return Experiment(name=f"multiclass/{slug}", task="multiclass", method=method, **settings)

    def row(table: str, name: str) -> tuple[tuple[str, str], ...]:
        return ((table, name), ("7.13", name))

    return [
        make("baseline", "Baseline", published=(("7.1", "M_b"), ("7.13", "M_b"))),
        make("ros", "ROS", sampler="ros-as-published", published=row("7.2", "M_os")),
        make("smote", "SMOTE", sampler="smote-as-published", published=row("7.3", "M_sm")),
        make("rus", "RUS", sampler="rus-as-published", epochs=500, published=row("7.4", "M_us")),
        make("mfe", "MFE", loss="mfe-as-published", published=row("7.5", "M_fe")),
        *_focal_grid("multiclass", ("7.6", "7.7", "7.8", "7.9", "7.10"), best=(0.0, 100.0)),
        make(
            "threshold-moving",
            "Threshold moving",
            cost="multiclass-as-published",
            base="multiclass/baseline",
            published=row("7.12", "M_c"),
        ),
        make("ros-corrected", "ROS", sampler="ros", corrects="multiclass/ros"),
        make("smote-corrected", "SMOTE", sampler="smote", corrects="multiclass/smote"),
        make("rus-corrected", "RUS", sampler="rus", epochs=500, corrects="multiclass/rus"),
        make(
            "rus-corrected-long",
            "RUS until the loss is flat",
            sampler="rus",
            epochs=20_000,
            corrects="multiclass/rus",
        ),
        make("mfe-corrected", "MFE", loss="mfe", corrects="multiclass/mfe"),
        # The published weights n / n_c are C times balanced ones: C times the learning rate.
        make(
            "mfe-per-image",
            "MFE's weights, image by image",
            loss="weighted-mse",
            learning_rate=0.5,
        ),
        make(
            "unclipped-focal",
            "Focal loss",
            loss="focal",
            gamma=0.0,
            minority_weight=100.0,
            corrects="multiclass/focal-g0-a100",
        ),
        make(
            "threshold-moving-corrected",
            "Threshold moving",
            cost="multiclass-as-defined",
            base="multiclass/baseline",
            corrects="multiclass/threshold-moving",
        ),
        make("cross-entropy", "Baseline with cross-entropy", loss="cross-entropy"),
        # MFE's published weights average to the number of classes: ten times the learning rate.
        make("learning-rate", "Baseline with ten times the learning rate", learning_rate=0.5),
        make("weighted-mse", "Weighted squared error", loss="weighted-mse"),
    ]


def _binary() -> list[Experiment]:
    """The rows of tables 8.1 to 8.14 and their corrected twins."""

    def make(slug: str, method: str, **settings: Any) -> Experiment:
        return Experiment(name=f"binary/{slug}", task="binary", method=method, **settings)

    def row(table: str, name: str) -> tuple[tuple[str, str], ...]:
        return ((table, name), ("8.14", name))

    short = {"learning_rate": 0.001, "epochs": 40}
    return [
        make("baseline", "Baseline", published=row("8.1", "M_b2")),
        make("ros", "ROS", sampler="ros-as-published", published=row("8.2", "M_os2")),
        make("smote", "SMOTE", sampler="smote-as-published", published=row("8.3", "M_sm2")),
        make("rus", "RUS", sampler="rus-as-published", epochs=500, published=row("8.4", "M_us2")),
        make("mfe", "MFE", loss="mfe-as-published", epochs=1000, published=row("8.5", "M_fe2")),
        make("msfe", "MSFE", loss="msfe-as-published", published=row("8.6", "M_fse"), **short),
        *_focal_grid("binary", ("8.7", "8.8", "8.9", "8.10", "8.11"), best=(0.0, 50.0)),
        make(
            "threshold-moving",
            "Threshold moving",
            cost="binary",
            base="binary/baseline",
            published=(("8.14", "M_c2"),),
        ),
        make("ros-corrected", "ROS", sampler="ros", corrects="binary/ros"),
        make("smote-corrected", "SMOTE", sampler="smote", corrects="binary/smote"),
        make("rus-corrected", "RUS", sampler="rus", epochs=500, corrects="binary/rus"),
        make("mfe-corrected", "MFE", loss="mfe", epochs=1000, corrects="binary/mfe"),
        make("msfe-corrected", "MSFE", loss="msfe", corrects="binary/msfe", **short),
        make(
            "unclipped-focal",
            "Focal loss",
            loss="focal",
            gamma=0.0,
            minority_weight=50.0,
            corrects="binary/focal-g0-a50",
        ),
        make("cross-entropy", "Baseline with cross-entropy", loss="cross-entropy"),
        make("learning-rate", "Baseline with twice the learning rate", learning_rate=0.1),
        make("weighted-mse", "Weighted squared error", loss="weighted-mse"),
    ]


def _focal_grid(task: str, tables: Sequence[str], *, best: tuple[float, float]) -> list[Experiment]:
    """The 25 settings of focal loss of sections 7.6 and 8.7."""
    chapter, model = ("7", "M_fl") if task == "multiclass" else ("8", "M_fl2")
    summary = "7.11" if chapter == "7" else "8.12"
    overview = "7.13" if chapter == "7" else "8.14"
    experiments = []
    for gamma, table in zip(GAMMAS, tables, strict=True):
        for weight in MINORITY_WEIGHTS:
            published: tuple[tuple[str, str], ...] = (
                (table, f"a={weight:g}"),
                (summary, f"gamma={gamma:g}"),
            )
            if (gamma, weight) == best:
                published += ((overview, model),)
            experiments.append(
                Experiment(
                    name=f"{task}/focal-g{gamma:g}-a{weight:g}",
                    task=task,
                    method="Focal loss",
                    loss="focal-as-published",
                    gamma=gamma,
                    minority_weight=weight,
                    published=published,
                )
            )
    return experiments
