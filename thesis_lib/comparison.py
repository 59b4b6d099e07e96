"""Compare what helps against imbalance on images of your own: `compare`."""

from __future__ import annotations

import difflib
import hashlib
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from thesis_lib import decision, fitting, quiet, rankings, records, training
from thesis_lib.progress import progress_bar
from thesis_lib.provenance import provenance

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Array = NDArray[Any]
Floats = NDArray[np.float64]
Labels = NDArray[np.int64]

BASELINE = "cross-entropy"
MEASURES = ("Balanced accuracy", "Macro F1", "G-mean")

_MAX_SIDE = 256
_CHUNK = 500  # images that are looked at or classified at once
_DROPOUT = 0.2


@dataclass(frozen=True)
class Method:
    """What is done against the imbalance.

    Attributes
    ----------
    label : str
        Name in tables.
    loss : callable
        Class counts to a Keras loss.
    sampler : str or None
        As `thesis_lib.batches.plan` takes it, or "class-aware".
    change : str or None
        A key of ``training.CHANGES``: what happens to the images of each batch.
    corrects_prior : bool
        Whether the outputs of the network are moved to equal classes.
    """

    label: str
    loss: Callable[[Labels], Any]
    sampler: str | None = None
    change: str | None = None
    corrects_prior: bool = False


def _cross_entropy(counts: Labels) -> Any:
    from thesis_lib import losses

    return losses.CategoricalCrossentropy()


def _focal(gamma: float) -> Callable[[Labels], Any]:
    def make(counts: Labels) -> Any:
        from thesis_lib import losses

        return losses.FocalLoss(gamma, counts.sum() / (len(counts) * counts))

    return make


def _modern(name: str) -> Callable[[Labels], Any]:
    def make(counts: Labels) -> Any:
        from thesis_lib import modern_losses

        return getattr(modern_losses, name)(counts)

    return make


def _soft(counts: Labels) -> Any:
    from thesis_lib import modern_losses

    return modern_losses.SoftCrossentropy()


METHODS: dict[str, Method] = {
    BASELINE: Method("Cross-entropy (baseline)", _cross_entropy),
    "ros": Method("Random oversampling", _cross_entropy, sampler="ros"),
    "smote": Method("SMOTE", _cross_entropy, sampler="smote"),
    "rus": Method("Random undersampling", _cross_entropy, sampler="rus"),
    "class-weights": Method("Class weights", _focal(0.0)),
    "focal": Method("Focal loss, class weights", _focal(2.0)),
    "balanced-softmax": Method("Balanced softmax", _modern("BalancedSoftmax")),
    "prior-correction": Method("Prior correction", _cross_entropy, corrects_prior=True),
    "class-balanced": Method("Class-balanced loss", _modern("ClassBalancedLoss")),
    "ldam": Method("LDAM loss", _modern("LDAMLoss")),
    "class-aware": Method("Class-aware sampling", _cross_entropy, sampler="class-aware"),
    "moved": Method("Shifts and rotations", _cross_entropy, change="moved"),
    "mixup": Method("Mixup", _soft, change="mixup"),
    "remix": Method("Remix", _soft, change="remix"),
}
DEFAULT_METHODS = tuple(METHODS)[:8]


@dataclass(frozen=True)
class _Problem:
    """Checked data: images as they came, labels as class numbers."""

    x_train: Array
    y_train: Labels
    x_test: Array
    y_test: Labels
    classes: tuple[str, ...]
    scale: float
    sha256: str

    @property
    def counts(self) -> Labels:
        return np.bincount(self.y_train, minlength=len(self.classes))

    @property
    def test_counts(self) -> Labels:
        return np.bincount(self.y_test, minlength=len(self.classes))

    @property
    def input_shape(self) -> tuple[int, ...]:
        return (*self.x_train.shape[1:], 1)[:3]


@dataclass(frozen=True)
class _Settings:
    epochs: int
    batch_size: int
    learning_rate: float


@dataclass(frozen=True)
class Comparison:
    """What `compare` found.

    Attributes
    ----------
    classes : tuple of str
    train_counts, test_counts : ndarray of int64, (n_classes,)
    confusions : mapping of str to mapping of int to ndarray or None
        Method, then seed, to the confusion matrix on the test set (true classes as rows); None
        where training diverged.
    skipped : mapping of str to str
        Methods that could not be trained on these data, and why.
    settings : mapping of str to value
        What all methods were trained with.
    """

    classes: tuple[str, ...]
    train_counts: Labels
    test_counts: Labels
    confusions: Mapping[str, Mapping[int, Labels | None]]
    skipped: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)

    def scores(self, measure: str = MEASURES[0]) -> pd.DataFrame:
        """Return one measure in percent: a row a seed, a column a method; NaN where diverged."""
        _check_choice("measure", [measure], MEASURES)
        column = MEASURES.index(measure)
        return pd.DataFrame(
            {
                method: {
                    seed: math.nan if c is None else 100 * measures(c)[column]
                    for seed, c in runs.items()
                }
                for method, runs in self.confusions.items()
            }
        )

    def recalls(self) -> pd.DataFrame:
        """Return the mean recall in percent: a row a class, a column a method."""
        means = {}
        for method, runs in self.confusions.items():
            found = [recall(c) for c in runs.values() if c is not None]
            means[method] = 100 * np.mean(found, axis=0) if found else math.nan
        return pd.DataFrame(means, index=pd.Index(self.classes, name="Class"))

    def table(self) -> pd.DataFrame:
        """Return the means in percent with 95 % intervals over the seeds, a row a method.

        With up to ten classes the recall of each is there too. A method that was skipped has the
        reason in its last column.
        """
        rows: dict[str, dict[str, str]] = {}
        for method, runs in self.confusions.items():
            row = {m: _shown(self.scores(m)[method]) for m in MEASURES}
            if len(self.classes) <= 10:
                means = self.recalls()[method]
                row |= {
                    f"Recall {c}": "–" if math.isnan(v) else f"{v:.1f}" for c, v in means.items()
                }
            lost = sum(c is None for c in runs.values())
            row["Note"] = f"{lost} of {len(runs)} seeds diverged" if lost else ""
            rows[METHODS[method].label] = row
        for method, reason in self.skipped.items():
            rows[METHODS[method].label] = {"Note": f"skipped: {reason}"}
        return pd.DataFrame.from_dict(rows, orient="index").fillna("–").rename_axis("Method")

    def paired(self, measure: str = MEASURES[0]) -> pd.DataFrame:
        """Compare each method with the baseline, seed by seed.

        Returns
        -------
        pandas.DataFrame
            A row a method: mean difference in percentage points, bounds of its 95 % interval, p of
            a paired t-test, and p after Holm's correction (1979) for the number of methods. NaN
            with fewer than two seeds, or where a seed diverged.

        Notes
        -----
        A measure moves in steps: one more image of the smallest test class changes balanced
        accuracy by 1 / (C n). Differences that agree more closely than such steps can show would
        make the test overconfident, so their deviation is taken as at least step / sqrt(12), the
        error of rounding.
        """
        scores = self.scores(measure)
        tested = self.test_counts[self.test_counts > 0]
        step = 100 / (len(tested) * int(tested.min()))
        rows = {
            method: _paired_t(np.asarray(scores[method] - scores[BASELINE]), step)
            for method in scores.columns
            if method != BASELINE
        }
        columns = ["Difference", "Low", "High", "p"]
        frame = pd.DataFrame.from_dict(rows, orient="index", columns=columns)
        frame["p (Holm)"] = rankings.holm(frame["p"].to_numpy(dtype=float))
        return frame

    def better(self, measure: str = MEASURES[0]) -> list[str]:
        """Return the methods that are clearly better than the baseline, best mean first."""
        paired = self.paired(measure)
        clear = paired[(paired["p (Holm)"] < 0.05) & (paired["Difference"] > 0)]
        return list(clear.sort_values("Difference", ascending=False).index)

    @property
    def recommendation(self) -> str:
        """What to use, and what that rests on."""
        measure, seeds = MEASURES[0], len(self.scores())
        base = self.scores(measure)[BASELINE].mean()
        if seeds < 2:
            return (
                "No recommendation: one seed does not show how much a result varies. "
                "Compare with at least three."
            )
        clear, paired = self.better(measure), self.paired(measure)
        if not clear:
            text = (
                f"No method is clearly better than cross-entropy without any remedy "
                f"({measure.lower()} {base:.1f} %), judged by {seeds} seeds and Holm's correction "
                f"for {len(paired)} comparisons. That does not show that none is."
            )
        else:
            best, row = clear[0], paired.loc[clear[0]]
            text = (
                f"Use {METHODS[best].label}: {measure.lower()} {base + row['Difference']:.1f} % "
                f"against {base:.1f} % of the baseline, a difference of {row['Difference']:.1f} "
                f"points (95 % interval {row['Low']:.1f} to {row['High']:.1f}; paired over {seeds} "
                f"seeds, p = {_shown_p(row['p (Holm)'])} after Holm's correction for "
                f"{len(paired)} comparisons)."
            )
            if clear[1:]:
                others = ", ".join(METHODS[m].label for m in clear[1:])
                text += f" Also clearly better than the baseline: {others}."
        return " ".join([text, *self.caveats()])

    def caveats(self) -> list[str]:
        """Return sentences on what the comparison cannot show."""
        found = [
            "Seeds change the network's initial weights and the order of the images, not the "
            "data: another sample of images may give another ranking."
        ]
        fewest = int(self.test_counts[self.test_counts > 0].min())
        if fewest < 30:
            found.append(
                f"The smallest class has {fewest} test image{'s' if fewest > 1 else ''}, so one "
                f"image changes its recall by {100 / fewest:.0f} points."
            )
        if (self.test_counts == 0).any():
            lacking = int((self.test_counts == 0).sum())
            found.append(f"Classes without a test image, which no measure includes: {lacking}.")
        return found

    def figure(self, measure: str = MEASURES[0]) -> Figure:
        """Draw each method's runs, mean and interval."""
        from thesis_lib.plots import comparison as plots

        scores = self.scores(measure)
        intervals = [interval(scores[method]) for method in scores]
        labels = [METHODS[str(method)].label for method in scores]
        return plots.method_intervals(labels, intervals, scores.to_numpy().T, measure=measure)

    def recall_figure(self, limit: int = 20) -> Figure:
        """Draw the mean recall of the smallest classes under each method."""
        from thesis_lib.plots import comparison as plots

        rarest = np.argsort(self.train_counts, kind="stable")[:limit]
        names = [f"{self.classes[c]} ({self.train_counts[c]:,})" for c in rarest]
        recalls = self.recalls()
        labels = [METHODS[str(method)].label for method in recalls]
        return plots.recall_grid(labels, names, recalls.to_numpy()[rarest])

    def save_report(self, path: str | Path) -> Path:
        """Write one HTML file that holds everything and needs no network; return its path."""
        from thesis_lib import comparison_report

        return comparison_report.write(self, path)


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
    folder: str | Path | None = None,
    progress: bool = True,
) -> Comparison:
    """Train the library's network on your images with each method and each seed, and compare.

    Every method makes the same number of updates, as many as `epochs` passes over the training
    set. The test set is looked at once a run, after the last epoch: nothing is chosen by it.

    Parameters
    ----------
    x_train, x_test : array_like, (n, height, width) or (n, height, width, channels)
        From 8×8 to 256×256 pixels, grey or up to four channels; uint8, uint16, or numbers from 0
        to 1 or 0 to 255. A ``numpy.memmap`` is read batch by batch, never as a whole.
    y_train, y_test : array_like, (n,)
        Integers or strings, 2 to 1000 classes. Every class of the test set has to be in the
        training set.
    methods : sequence of str
        Keys of ``METHODS``. The baseline, cross-entropy, is always trained.
    seeds : sequence of int
        One run of each method a seed; at least three for a recommendation worth the name.
    epochs, batch_size, learning_rate
        As Keras means them; the optimiser is Adam.
    folder : str or Path, optional
        Where finished runs are recorded. With the same data and settings, runs that are there
        are not trained again.
    progress : bool
        Say beforehand how long it will take, and show a bar in a terminal.

    Returns
    -------
    Comparison

    Raises
    ------
    ValueError
        If the data or the settings are not as above.
    """
    if isinstance(methods, str):
        raise ValueError(f"methods has to be a list of names; got the text {methods!r}.")
    chosen = _check_choice("method", [BASELINE, *methods], tuple(METHODS))
    seeds = _checked_seeds(seeds)
    settings = _checked_settings(epochs, batch_size, learning_rate)
    problem = _checked_problem(x_train, y_train, x_test, y_test)
    quiet.import_keras()
    obstacle = _smote_obstacle(problem) if "smote" in chosen else ""
    skipped = {"smote": obstacle} if obstacle else {}
    chosen = [method for method in chosen if method not in skipped]
    store = None if folder is None else records.Store(folder)
    done = {m: {} if store is None else _recorded(store, m, problem, settings) for m in chosen}
    jobs = [
        (family, seed)
        for seed in seeds
        for family in _families(chosen)
        if any(seed not in done[method] for method in family)
    ]
    if jobs and progress:
        print(_estimate(problem, settings, len(jobs)), flush=True)
    with progress_bar(len(jobs) * epochs, shown=progress, unit="epoch") as bar:
        for family, seed in jobs:
            for record in _train(family, seed, problem, settings, bar.update):
                method = record["experiment"]["method"]
                done[method][seed] = _confusion(record)
                if store is not None:
                    store.append(record)
    return Comparison(
        classes=problem.classes,
        train_counts=problem.counts,
        test_counts=problem.test_counts,
        confusions={m: {s: done[m][s] for s in seeds} for m in chosen},
        skipped=skipped,
        settings=_identity(problem, settings),
    )


def measures(confusion: Labels) -> tuple[float, float, float]:
    """Return balanced accuracy, macro F1 and G-mean over the classes that the test set has.

    Parameters
    ----------
    confusion : ndarray of int, (n_classes, n_classes)
        True classes as rows.
    """
    there = confusion.sum(1) > 0
    found = recall(confusion)[there]
    predicted_or_true = confusion.sum(0) + confusion.sum(1)
    f1 = 2 * np.diag(confusion)[there] / predicted_or_true[there]
    geometric = 0.0 if (found == 0).any() else math.exp(np.log(found).mean())
    return float(found.mean()), float(f1.mean()), geometric


def recall(confusion: Labels) -> Floats:
    """Return each class's recall; NaN for a class without test images."""
    rows = confusion.sum(1)
    return np.where(rows > 0, np.diag(confusion) / np.maximum(rows, 1), np.nan)


def interval(sample: ArrayLike) -> tuple[float, float, float]:
    """Return the mean and its 95 % interval by Student's t; NaN bounds below two values."""
    values = np.asarray(sample, dtype=float)
    values = values[~np.isnan(values)]
    if len(values) < 2:
        return float(values.mean()) if len(values) else math.nan, math.nan, math.nan
    half = float(stats.t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / len(values) ** 0.5)
    mean = float(values.mean())
    return mean, mean - half, mean + half


def _paired_t(differences: Floats, step: float) -> tuple[float, float, float, float]:
    n = len(differences)
    mean = float(differences.mean())
    if n < 2 or math.isnan(mean):
        return mean, math.nan, math.nan, math.nan
    error = max(float(differences.std(ddof=1)), step / 12**0.5) / n**0.5
    half = float(stats.t.ppf(0.975, n - 1)) * error
    return mean, mean - half, mean + half, float(2 * stats.t.sf(abs(mean) / error, n - 1))


def _shown(sample: pd.Series) -> str:
    mean, low, high = interval(sample)
    if math.isnan(mean):
        return "–"
    return f"{mean:.1f}" if math.isnan(low) else f"{mean:.1f} ± {(high - low) / 2:.1f}"


def _shown_p(p: Any) -> str:
    return f"{p:.3f}" if p >= 0.001 else "less than 0.001"


def _families(methods: Sequence[str]) -> list[list[str]]:
    """Group the methods that share a network: they differ in the decision only."""
    families: dict[tuple[object, ...], list[str]] = {}
    for name in methods:
        method = METHODS[name]
        families.setdefault((method.loss, method.sampler, method.change), []).append(name)
    return list(families.values())


def _network(problem: _Problem, seed: int) -> Any:
    from thesis_lib import model

    fitting.set_up(seed)
    return model.build_cnn(
        len(problem.classes), problem.input_shape, dropout=_DROPOUT, seed=seed, fast=True
    )


def _optimizer(settings: _Settings) -> Any:
    """Return Adam: it copes with weights of very different sizes without tuning."""
    import keras

    return keras.optimizers.Adam(settings.learning_rate)


def _batches(
    problem: _Problem, settings: _Settings, method: Method, seed: int, limit: int | None = None
) -> Any:
    from thesis_lib import batches

    return batches.of(
        method.sampler,
        problem.x_train,
        problem.y_train,
        scale=problem.scale,
        n_classes=len(problem.classes),
        batch_size=settings.batch_size,
        seed=seed,
        limit=limit,
        change=training.CHANGES[method.change](problem.counts) if method.change else None,
    )


def _train(
    family: Sequence[str],
    seed: int,
    problem: _Problem,
    settings: _Settings,
    tick: Callable[[], None],
) -> list[records.Record]:
    """Train one network; return a record for each method that decides by it."""
    network = _network(problem, seed)
    method = METHODS[family[0]]
    started = time.perf_counter()
    curves = fitting.fit(
        network,
        method.loss(problem.counts),
        _optimizer(settings),
        _batches(problem, settings, method, seed),
        None,
        batch_size=None,
        epochs=settings.epochs,
        on_epoch_end=lambda epoch, logs: tick(),
    )
    seconds = time.perf_counter() - started
    tables = _classify(network, problem, family)
    # The data have their checksum already; hashing them again would copy them into memory.
    nothing = np.empty(0)
    origin = provenance(nothing, nothing, nothing, nothing, "own data")
    origin["data_sha256"] = problem.sha256
    return [
        {
            "schema": records.SCHEMA,
            "experiment": _experiment(name, problem, settings),
            "seed": seed,
            "train_accuracy": None,
            "test_accuracy": None if c is None else float(np.trace(c) / c.sum()),
            "recall": [] if c is None else recall(c).tolist(),
            "confusion": [] if c is None else c.tolist(),
            "loss_curve": list(curves[0]),
            "accuracy_curve": list(curves[1]),
            "epochs": len(curves[0]),
            "diverged": c is None,
            "seconds": round(seconds, 2),
            "provenance": origin,
        }
        for name, c in tables.items()
    ]


def _classify(network: Any, problem: _Problem, family: Sequence[str]) -> dict[str, Labels | None]:
    """Return each method's confusion matrix on the test set, in pieces; None where it diverged."""
    from thesis_lib.batches import to_unit

    n = len(problem.classes)
    tables = {name: np.zeros((n, n), np.int64) for name in family}
    for start in range(0, len(problem.y_test), _CHUNK):
        piece = to_unit(np.asarray(problem.x_test[start : start + _CHUNK]), problem.scale)
        outputs = np.asarray(network.predict_on_batch(piece))
        if not np.isfinite(outputs).all():
            return dict.fromkeys(family)
        true = problem.y_test[start : start + _CHUNK]
        for name, table in tables.items():
            moved = METHODS[name].corrects_prior
            decided = decision.correct_prior(outputs, problem.counts) if moved else outputs
            np.add.at(table, (true, decided.argmax(1)), 1)
    return dict(tables)


def _identity(problem: _Problem, settings: _Settings) -> dict[str, Any]:
    """Return what a run depends on besides its method and seed."""
    return {
        "data_sha256": problem.sha256,
        "epochs": settings.epochs,
        "batch_size": settings.batch_size,
        "optimizer": "adam",
        "learning_rate": settings.learning_rate,
        "dropout": _DROPOUT,
    }


def _experiment(name: str, problem: _Problem, settings: _Settings) -> dict[str, Any]:
    return {
        "name": f"own-data/{name}",
        "task": "own-data",
        "method": name,
        **_identity(problem, settings),
    }


def _recorded(
    store: records.Store, method: str, problem: _Problem, settings: _Settings
) -> dict[int, Labels | None]:
    wanted = _experiment(method, problem, settings)
    found = store.read(wanted["name"])
    return {r["seed"]: _confusion(r) for r in found if r["experiment"] == wanted}


def _confusion(record: records.Record) -> Labels | None:
    return None if record["diverged"] else np.asarray(record["confusion"], dtype=np.int64)


def _estimate(problem: _Problem, settings: _Settings, networks: int) -> str:
    """Train two short epochs, the first of which compiles, and say how long all will take."""
    limit = min(len(problem.y_train), 30 * settings.batch_size)
    network = _network(problem, 0)
    times = [time.perf_counter()]
    fitting.fit(
        network,
        _cross_entropy(problem.counts),
        _optimizer(settings),
        _batches(problem, settings, METHODS[BASELINE], 0, limit),
        None,
        batch_size=None,
        epochs=2,
        on_epoch_end=lambda epoch, logs: times.append(time.perf_counter()),
    )
    first, second = np.diff(times[:3]) if len(times) > 2 else (times[1] - times[0], 0.0)
    # An image is classified in about a third of the time that it is trained with.
    images = settings.epochs * len(problem.y_train) + len(problem.y_test) / 3
    seconds = networks * (max(first - second, 0.0) + images * second / limit)
    took = f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"
    return f"{networks} networks of {settings.epochs} epochs to train: about {took}."


def _check_choice(kind: str, names: Sequence[str], known: Sequence[str]) -> list[str]:
    """Return the names once each, or name the nearest of what there is."""
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(str(name), known, n=2, cutoff=0.5)
            hint = f"did you mean {' or '.join(near)}? " if near else ""
            raise ValueError(f"There is no {kind} {name!r}; {hint}Known: {', '.join(known)}.")
    return list(dict.fromkeys(names))


def _checked_seeds(seeds: Sequence[int]) -> list[int]:
    seeds = list(seeds)
    whole = all(isinstance(s, int | np.integer) and not isinstance(s, bool) for s in seeds)
    if not seeds or not whole or min(seeds) < 0:
        raise ValueError(f"seeds have to be whole numbers from 0, at least one; got {seeds!r}.")
    return list(dict.fromkeys(int(seed) for seed in seeds))


def _checked_settings(epochs: int, batch_size: int, learning_rate: float) -> _Settings:
    for name, value in (("epochs", epochs), ("batch_size", batch_size)):
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise ValueError(f"{name} has to be a whole number from 1; got {value!r}.")
    if not (math.isfinite(learning_rate) and learning_rate > 0):
        raise ValueError(f"learning_rate has to be larger than 0; got {learning_rate!r}.")
    return _Settings(epochs, batch_size, float(learning_rate))


def _checked_problem(
    x_train: ArrayLike, y_train: ArrayLike, x_test: ArrayLike, y_test: ArrayLike
) -> _Problem:
    train, test = _checked_images("x_train", x_train), _checked_images("x_test", x_test)
    if train.shape[1:] != test.shape[1:]:
        raise ValueError(
            f"Images of the training and test set differ in shape: {train.shape[1:]} and "
            f"{test.shape[1:]}. Resize them to one (thesis_lib.own_data.resized)."
        )
    labels, tested = _checked_labels("train", y_train, train), _checked_labels("test", y_test, test)
    classes, numbers = np.unique(labels, return_inverse=True)
    if not 2 <= len(classes) <= 1000:
        raise ValueError(f"y_train has to hold 2 to 1000 classes; it holds {len(classes)}.")
    strange = np.setdiff1d(tested, classes)
    if len(strange):
        raise ValueError(
            f"y_test holds classes that y_train does not: {strange[:5].tolist()}. "
            "A network cannot learn what it never sees; drop them or add images."
        )
    digest = hashlib.sha256(repr((classes.tolist(), train.shape, test.shape)).encode())
    highest = max(_scan("x_train", train, digest), _scan("x_test", test, digest))
    for array in (labels, tested):
        digest.update(np.searchsorted(classes, array).astype(np.int64).tobytes())
    return _Problem(
        x_train=train,
        y_train=numbers.astype(np.int64),
        x_test=test,
        y_test=np.searchsorted(classes, tested).astype(np.int64),
        classes=tuple(str(name) for name in classes),
        scale=_scale(train.dtype, highest),
        sha256=digest.hexdigest()[:16],
    )


def _checked_images(name: str, x: ArrayLike) -> Array:
    images = x if isinstance(x, np.ndarray) else np.asarray(x)
    if images.ndim not in (3, 4) or len(images) == 0:
        raise ValueError(
            f"{name} has to be (n, height, width) or (n, height, width, channels), not empty; "
            f"got shape {images.shape}."
        )
    if images.dtype.kind not in "uif":
        raise ValueError(f"{name} has to hold numbers; got dtype {images.dtype}.")
    if images.ndim == 4 and not 1 <= images.shape[3] <= 4:
        raise ValueError(
            f"{name} has {images.shape[3]} channels; allowed are 1 to 4, on the last axis. "
            "Move them there with numpy.moveaxis(x, 1, -1) if they come first."
        )
    low, high = min(images.shape[1:3]), max(images.shape[1:3])
    if low < 8 or high > _MAX_SIDE:
        raise ValueError(
            f"{name} has images of {images.shape[1]}×{images.shape[2]} pixels; allowed are 8 to "
            f"{_MAX_SIDE} a side. Resize them (thesis_lib.own_data.resized(x, 64))."
        )
    return images


def _checked_labels(which: str, y: ArrayLike, images: Array) -> Array:
    labels = np.asarray(y)
    if labels.dtype == object:
        labels = labels.astype(str)
    if labels.ndim != 1 or labels.dtype.kind not in "biuUS":
        raise ValueError(
            f"y_{which} has to be one integer or string an image; got {labels.dtype} of shape "
            f"{labels.shape}. For one-hot labels pass y.argmax(1)."
        )
    if len(labels) != len(images):
        raise ValueError(f"x_{which} has {len(images)} images, y_{which} {len(labels)} labels.")
    return labels


def _pieces(images: Array) -> Iterator[Array]:
    for start in range(0, len(images), _CHUNK):
        yield np.ascontiguousarray(images[start : start + _CHUNK])


def _scan(name: str, images: Array, digest: Any) -> float:
    """Read all images once, in pieces: add them to the digest, return the largest pixel."""
    highest = 0.0
    for piece in _pieces(images):
        digest.update(piece.tobytes())
        low, high = float(piece.min()), float(piece.max())
        if not (math.isfinite(low) and math.isfinite(high)):
            raise ValueError(f"{name} holds NaN or infinite pixels; remove or replace them.")
        if low < 0:
            raise ValueError(f"{name} holds negative pixels (smallest: {low:g}); shift them to 0.")
        highest = max(highest, high)
    return highest


def _scale(dtype: np.dtype[Any], highest: float) -> float:
    """Return the value of a white pixel."""
    for white in (1.0, 255.0):
        if highest <= white:
            return white
    if dtype.kind in "ui" and highest <= 65535:
        return 65535.0
    raise ValueError(
        f"The largest pixel is {highest:g}; allowed are 0 to 1, 0 to 255, or uint16 up to 65535."
    )


def _smote_obstacle(problem: _Problem) -> str:
    from thesis_lib import batches

    return batches.smote_obstacle(problem.x_train.shape[1:], problem.y_train)
