"""The evidence of each finding: from records, from the published tables, or from data."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from sklearn.metrics import confusion_matrix, roc_auc_score

from thesis_lib import (
    confidences,
    data,
    decision,
    experiments,
    intervals,
    published,
    resampling,
    tasks,
    training,
    verdicts,
)

Floats = NDArray[np.float64]

CONFIRMED, REFUTED, CORRECTED = "confirmed", "refuted", "corrected"
OPEN, ONE_SEED = "open: not recorded yet", "open: one seed only"

MINORITY = {task: [str(c) for c in tasks.get(task).minority] for task in ("multiclass", "binary")}


@dataclass(frozen=True)
class Evidence:
    """Where a finding or a claim stands, and the measurement that says so in a few words."""

    status: str
    measured: str


_CHECKS: dict[str, Callable[[], Evidence]] = {}


def check(id: str) -> Callable[[Callable[[], Evidence]], Callable[[], Evidence]]:
    """Register a function as the one that computes the evidence of a finding.

    Parameters
    ----------
    id : str
        Of the finding in ``findings.yml``.

    Returns
    -------
    callable
        A decorator, which returns the function as it is.
    """

    def register(function: Callable[[], Evidence]) -> Callable[[], Evidence]:
        _CHECKS[id] = function
        return function

    return register


def of(id: str) -> Evidence:
    """Compute from records, published tables or data where a finding stands now.

    Parameters
    ----------
    id : str
        Of the finding.

    Raises
    ------
    KeyError
        If ``findings.yml`` has no such finding.
    """
    if id not in _CHECKS:
        raise KeyError(f"No finding {id!r}; there are {', '.join(_CHECKS)}.")
    return _CHECKS[id]()


def values(name: str, column: str) -> list[float]:
    """Return what each recorded seed of an experiment measured, in percent, without NaN.

    Parameters
    ----------
    name : str
        Of the experiment.
    column : str
        As :func:`verdicts.value` takes it, or "balanced" (mean recall of all classes) or, on the
        thesis's two tasks, "minority" (that of the minority classes).

    Raises
    ------
    KeyError
        If there is no such experiment.
    """
    runs = experiments.recorded(name)
    if column in ("minority", "balanced"):
        chosen = MINORITY[name.split("/")[0]] if column == "minority" else None
        found = [_mean_recall(run, chosen) for run in runs]
    else:
        found = [verdicts.value(run, column) for run in runs]
    return [number for number in found if not math.isnan(number)]


def said(name: str, column: str) -> str:
    """Say the mean of the recorded seeds with its 95 % interval, "19.84 ± 2.92 % (5 seeds)".

    Parameters
    ----------
    name, column
        As for `values`.
    """
    found = published.compare(0.0, values(name, column))
    if not found.n:
        return "no record"
    spread = f" ± {(found.high - found.low) / 2:.2f}" if found.n > 1 else ""
    return f"{found.mean:.2f}{spread} % ({found.n} seed{'s' if found.n > 1 else ''})"


def known(*names: str) -> bool:
    """Return whether each experiment has a spread: two recorded seeds or more.

    Parameters
    ----------
    *names : str
        Of experiments; a run that diverged does not count.
    """
    return all(len(values(name, "Testing")) > 1 for name in names)


def pending(*names: str) -> str | None:
    """Return the status of what waits for records of experiments; None if all have two seeds.

    Parameters
    ----------
    *names : str
        As for `known`.
    """
    if known(*names):
        return None
    return ONE_SEED if all(values(name, "Testing") for name in names) else OPEN


def difference(one: str, other: str, column: str) -> tuple[float, float, float]:
    """Return the difference of two experiments' means with its 95 % interval (Welch).

    Parameters
    ----------
    one, other : str
        Names of experiments.
    column : str
        As for `values`.

    Returns
    -------
    tuple of float
        Mean of ``one`` minus mean of ``other``, lower and upper bound, in percentage points; NaN as
        of :func:`intervals.welch`.
    """
    return intervals.welch(values(one, column), values(other, column))


def said_difference(one: str, other: str, column: str) -> str:
    """Say a difference in points, "+3.10 points, 95 % interval +1.00 to +5.20".

    Parameters
    ----------
    one, other, column
        As for `difference`.
    """
    mean, low, high = difference(one, other, column)
    return f"{mean:+.2f} points, 95 % interval {low:+.2f} to {high:+.2f}"


@check("rus-labels")
def _rus_labels() -> Evidence:
    name, twin = "multiclass/rus", "multiclass/rus-corrected"
    if status := pending(name, twin):
        return Evidence(status, _beside(name, twin, "Testing"))
    never = [f"{c}" for c in range(3, 10)]
    listed = max(max(values(name, c)) for c in never)
    right = max(max(values(twin, c)) for c in never)
    text = (
        f"Largest recall of classes 3 to 9 in any seed: {listed:.2f} % as listed, {right:.2f} % "
        f"with the right labels. {_beside(name, twin, 'Testing')}"
    )
    return Evidence(CONFIRMED if listed == 0 < right else REFUTED, text)


@check("mfe-averaging")
def _mfe_averaging() -> Evidence:
    return _expected_above("multiclass/mfe", "multiclass/mfe-corrected", "Testing")


@check("msfe-averaging")
def _msfe_averaging() -> Evidence:
    return _expected_above("binary/msfe-corrected", "binary/msfe", "0")


@check("msfe-table")
def _msfe_table() -> Evidence:
    name, twin = "binary/msfe", "binary/msfe-corrected"
    printed = published.number("8.6", "M_fse", "0")
    text = f"Class 0: printed {printed:.2f} %. {_beside(name, twin, '0')}"
    if status := pending(name):
        return Evidence(status, text)
    listed = published.compare(printed, values(name, "0")).verdict
    corrected = published.compare(printed, values(twin, "0")).verdict
    text += f" The printed number {listed} with the listing and, for the twin, {corrected}."
    return Evidence(CONFIRMED if listed == "differs" else REFUTED, text)


@check("ros-redraw")
def _ros_redraw() -> Evidence:
    # Which images are drawn does not matter: the counts of the classes decide what is lost.
    labels = np.repeat(np.arange(10), data.MULTICLASS_COUNTS)
    drawn = resampling.random_oversample_as_published(np.zeros((len(labels), 1)), labels)
    lost = labels[np.setdiff1d(np.arange(len(labels)), drawn.parents[:, 0])]
    by_class = [f"{n:,} of class {c}" for c, n in enumerate(np.bincount(lost)) if n]
    text = (
        f"{len(lost):,} of {len(labels):,} images are lost: {', '.join(by_class)}."
        if len(lost)
        else "No image is lost."
    )
    return Evidence(CONFIRMED if len(lost) else REFUTED, text)


@check("smote-distances")
def _smote_distances() -> Evidence:
    counted = _wrong_neighbours()
    text = "MNIST is not at hand. " if counted is None else f"Class 9: {counted}. "
    pairs = [(f"{task}/smote", f"{task}/smote-corrected") for task in ("multiclass", "binary")]
    text += " ".join(
        f"{task}: {_beside(*pair, 'Testing')}" for task, pair in zip(MINORITY, pairs, strict=True)
    )
    if not any(known(*pair) for pair in pairs):
        waits = {pending(*pair) for pair in pairs}
        return Evidence(ONE_SEED if ONE_SEED in waits else OPEN, text)
    effects = [difference(*pair, "Testing") for pair in pairs if known(*pair)]
    harmless = all(low <= 0 <= high for _, low, high in effects)
    return Evidence(CONFIRMED if harmless else CORRECTED, text)


@check("focal-gamma")
def _focal_gamma() -> Evidence:
    grid = published.table("7.11").to_numpy(dtype=float)
    best = experiments.GAMMAS[int(grid.max(axis=1).argmax())]
    steps = np.diff(grid, axis=0)
    means = np.diff(grid.mean(axis=1))
    text = (
        f"Printed: best at γ = {best:g}; {(steps < 0).sum()} of {steps.size} steps to a larger γ "
        f"lose accuracy, and {(means < 0).sum()} of {means.size} on average over a."
    )
    ours = {g: values(verdicts.focal("multiclass", g, 100), "Testing") for g in experiments.GAMMAS}
    measured = ", ".join(f"γ = {g:g}: {np.mean(v):.2f} %" for g, v in ours.items() if v)
    text += f" Recorded, a = 100: {measured or 'nothing'}."
    every = best == 0 and bool((steps < 0).all())
    return Evidence(CONFIRMED if every else CORRECTED if best == 0 else REFUTED, text)


@check("cross-entropy")
def _cross_entropy() -> Evidence:
    plain, base, best = (
        f"multiclass/{name}" for name in ("cross-entropy", "baseline", "focal-g0-a100")
    )
    if status := pending(plain, base, best):
        text = "; ".join(f"{n}: {said(n, 'Testing')}" for n in (base, plain, best))
        return Evidence(status, text)
    first, rest = difference(plain, base, "Testing"), difference(best, plain, "Testing")
    text = (
        f"Test accuracy: cross-entropy instead of squared error, "
        f"{said_difference(plain, base, 'Testing')}; weight 100 on top, "
        f"{said_difference(best, plain, 'Testing')}."
    )
    return Evidence(CONFIRMED if first[1] > max(rest[0], 0) else CORRECTED, text)


@check("cost-matrix")
def _cost_matrix() -> Evidence:
    listed, text_says = decision.multiclass_cost_as_published(), decision.multiclass_cost()
    zeros = [c for c in range(10) if c != 1 and listed[1, c] == 0]
    spread = text_says.copy()
    spread[1] = text_says[1].sum() / 9
    spread[1, 1] = 0
    outputs = np.random.default_rng(0).dirichlet(np.ones(10), 10_000)
    same = np.array_equal(
        decision.move_thresholds(outputs, text_says).argmax(1),
        decision.move_thresholds(outputs, spread).argmax(1),
    )
    text = (
        f"Zeros of class 1 at columns {zeros}; row sums {listed[1].sum():.0f} and "
        f"{text_says[1].sum():.0f}. The same sum spread evenly changes "
        f"{'no decision' if same else 'decisions'} on 10,000 random outputs. "
        + _beside("multiclass/threshold-moving", "multiclass/threshold-moving-corrected", "1")
    )
    return Evidence(CONFIRMED if zeros == [6, 7] and same else REFUTED, text)


@check("confusion-axes")
def _confusion_axes() -> Evidence:
    y_true, y_pred = [0, 0, 0, 1], [0, 1, 1, 1]
    listed = confusion_matrix(y_pred, y_true)
    rows_are_predictions = listed.sum(1).tolist() == [y_pred.count(0), y_pred.count(1)]
    text = (
        f"Three zeros and a one, two zeros taken for ones: the call of the listing has row sums "
        f"{listed.sum(1).tolist()}, the counts of the predictions."
    )
    return Evidence(CONFIRMED if rows_are_predictions else REFUTED, text)


@check("specificity")
def _specificity() -> Evidence:
    runs = experiments.recorded("multiclass/baseline") or experiments.recorded("multiclass/rus")
    if not runs:
        return Evidence(OPEN, "Needs a recorded confusion matrix of ten classes.")
    matrix = np.mean([run.confusion for run in runs], axis=0)
    listed, right = specificities(matrix)
    text = (
        f"Mean over the classes, {runs[0].experiment.name}: {100 * listed.mean():.1f} % as listed, "
        f"{100 * right.mean():.1f} % as defined."
    )
    return Evidence(CONFIRMED if (listed < right).any() else REFUTED, text)


def specificities(confusion: NDArray[Any]) -> tuple[Floats, Floats]:
    """Return each class's specificity as A.7 and A.9 compute it, and as it is defined.

    Parameters
    ----------
    confusion : ndarray, (n_classes, n_classes)
        Counts, true classes as rows.
    """
    right = np.diag(confusion).astype(float)
    false_positive = confusion.sum(0) - right
    listed = right.sum() - right
    negative = confusion.sum() - confusion.sum(1)
    return listed / (listed + false_positive), (negative - false_positive) / negative


@check("anomaly-scale")
def _anomaly_scale() -> Evidence:
    if lacking := confidences.lacking():
        return Evidence(OPEN, lacking)
    pictures, bright, dark = (
        confidences.of_pictures("handwriting", factor) for factor in (1.0, 255.0, 1 / 255)
    )
    shares = [float((scores > 0.6).mean()) for scores in (pictures, bright, dark)]
    text = (
        f"Above 0.6, of {len(pictures):,} channel pictures: {shares[0]:.1%} on the scale of "
        f"training, {shares[1]:.1%} if 255 times too bright, {shares[2]:.1%} if 255 times too "
        f"dark. So {'some' if shares[0] else 'none'} pass on the right scale."
    )
    return Evidence(CONFIRMED if max(shares) - min(shares) > 0.5 else REFUTED, text)


@check("anomaly-pictures")
def _anomaly_pictures() -> Evidence:
    printed = published.table("5.1").iloc[:, 0].to_numpy(dtype=float).reshape(6, 3)
    test = stats.f_oneway(*printed)
    text = (
        "In threes, as the listing makes them, the scores of Table 5.1 are alike: one-way analysis "
        f"of variance over six groups of three, F = {test.statistic:.1f}, p = {test.pvalue:.1g}."
    )
    return Evidence(CONFIRMED if test.pvalue < 0.05 else REFUTED, text)


@check("anomaly-unseen")
def _anomaly_unseen() -> Evidence:
    if lacking := confidences.lacking():
        return Evidence(OPEN, lacking)
    printed = published.table("5.2").iloc[:, 0]
    dogs = int((printed[printed.index.str.startswith("Dog")] > 0.8).sum())
    name = confidences.CLASSIFIERS["5.2"]
    ours = confidences.of_pictures(name)
    digits = np.concatenate([confidences.of_digits(name, c) for c in (5, 6)])
    text = (
        f"Printed: {dogs} of 9 dogs above 0.8. Ours: {(ours > 0.8).mean():.1%} of the pictures, "
        f"and {(digits > 0.8).mean():.1%} of the fives and sixes, all under another name."
    )
    return Evidence(CONFIRMED if dogs == 5 and (ours > 0.8).any() else CORRECTED, text)


@check("contradictions")
def _contradictions() -> Evidence:
    found = [c for c in published.contradictions() if "Section" not in str(c.places)]
    text = "; ".join(
        f"{c.quantity.replace('gamma', 'γ')}: " + ", ".join(f"{v:.2f} ({p})" for p, v in c.places)
        for c in found
    )
    return Evidence(CONFIRMED if found else REFUTED, text + ".")


@check("impossible")
def _impossible() -> Evidence:
    found = published.impossible_accuracies()
    text = "; ".join(
        f"{row.Place} prints {row.Printed:.2f}, possible {row.Lowest:.2f} to {row.Highest:.2f}"
        for row in found.itertuples()
    )
    return Evidence(CONFIRMED if len(found) else REFUTED, text + ".")


@check("text-and-table")
def _text_and_table() -> Evidence:
    smote = {
        p: v
        for c in published.contradictions()
        if c.quantity == "M_sm, Testing"
        for p, v in c.places
    }
    order = list(published.minority_means("7.13").index)
    text = (
        f"SMOTE: {', '.join(f'{value:.2f} ({place})' for place, value in smote.items())}. By mean "
        f"minority recall table 7.13 has {order[0]} first, M_fe in place {order.index('M_fe') + 1}."
    )
    return Evidence(CONFIRMED if len(smote) > 1 and order[0] != "M_fe" else REFUTED, text)


@check("counts")
def _counts() -> Evidence:
    ten, two = sum(data.MULTICLASS_COUNTS), sum(data.BINARY_COUNTS)
    means = published.minority_means("7.13")
    text = (
        f"{ten:,} and {two:,} images. Mean minority recall: M_os {means['M_os']:.1f}, M_fl "
        f"{means['M_fl']:.1f} %."
    )
    return Evidence(CONFIRMED if (ten, two) == (15_016, 5_002) else REFUTED, text)


@check("one-draw")
def _one_draw() -> Evidence:
    studies = ("multiclass-draws/", "binary-draws/")
    draws = [name for name in experiments.every() if name.startswith(studies) and known(name)]
    return Evidence(OPEN, f"Experiments on other draws with a record: {len(draws)}.")


@check("ranking")
def _ranking() -> Evidence:
    best, second = "multiclass/focal-g0-a100", "multiclass/ros"
    if status := pending(best, second):
        text = _beside(best, second, "minority", "focal loss", "ROS")
        return Evidence(status, text)
    _, low, high = difference(best, second, "minority")
    text = (
        f"Focal loss less ROS, mean minority recall: {said_difference(best, second, 'minority')}."
    )
    return Evidence(CONFIRMED if low <= 0 <= high else REFUTED, text)


@check("ranking-reversed")
def _ranking_reversed() -> Evidence:
    areas = baseline_areas()
    moved = "; ".join(f"class {c}: {said('binary/threshold-moving', c)}" for c in ("0", "1"))
    if len(areas) < 2:
        status = ONE_SEED if areas else OPEN
        return Evidence(status, f"Kept outputs of {len(areas)} seeds. After moving, {moved}.")
    text = (
        f"Area under the ROC curve, {len(areas)} seeds: {min(areas):.3f} to {max(areas):.3f}, mean "
        f"{np.mean(areas):.3f}. Recalls after moving: {moved}."
    )
    below = sum(area < 0.5 for area in areas)
    status = CONFIRMED if below == len(areas) else CORRECTED if below else REFUTED
    return Evidence(status, text)


@check("binary-loss")
def _binary_loss() -> Evidence:
    plain, base = "binary/cross-entropy", "binary/baseline"
    if status := pending(plain, base):
        text = f"Recall of class 0: {said(base, '0')}; {plain}: {said(plain, '0')}."
        return Evidence(status, text)
    text = (
        f"Recall of class 0: {said(base, '0')} with squared error, {said(plain, '0')} with "
        f"cross-entropy, a difference of {said_difference(plain, base, '0')}."
    )
    return Evidence(CONFIRMED if difference(plain, base, "0")[1] > 50 else CORRECTED, text)


def baseline_areas() -> list[float]:
    """Return the area under the ROC curve of class 0 of each recorded binary baseline.

    Empty without MNIST, whose test labels the kept outputs belong to.
    """
    mnist = data.load("mnist", fallback="digits")
    if mnist.name != "mnist":
        return []
    y_test = data.task("binary", mnist).y_test
    kept = (experiments.outputs("binary/baseline", seed) for seed in experiments.SEEDS)
    return [float(roc_auc_score(y_test == 0, p[:, 0])) for p in kept if p is not None]


@check("larger-weight")
def _larger_weight() -> Evidence:
    parts, down = [], 0
    for name in ("7.11", "8.12"):
        steps = np.diff(published.table(name).to_numpy(dtype=float), axis=1)
        down += int((steps < 0).sum())
        parts.append(f"table {name}: {(steps > 0).sum()} of {steps.size} steps to a larger a gain")
    return Evidence(CONFIRMED if down else REFUTED, f"Printed, {'; '.join(parts)}.")


@check("zeros-as-fours")
def _zeros_as_fours() -> Evidence:
    runs = experiments.recorded("multiclass/baseline")
    if not runs:
        return Evidence(OPEN, "Needs the confusion matrix of the recorded baseline.")
    row = np.mean([run.confusion[0] for run in runs], axis=0)
    share = 100 * row / row.sum()
    text = f"Of the zeros, {len(runs)} seeds: " + ", ".join(
        f"{share[c]:.1f} % as {c}" for c in (2, 4, 8)
    )
    return Evidence(CONFIRMED if share[4] < 1 else REFUTED, text + ".")


@check("rus-speed")
def _rus_speed() -> Evidence:
    runs = {n: experiments.recorded(f"multiclass/{n}") for n in ("baseline", "rus")}
    alike = {
        (str(run.provenance["device"]), run.provenance.get("precision", "float32"))
        for group in runs.values()
        for run in group
    }
    if not all(runs.values()) or len(alike) > 1:
        return Evidence(OPEN, "Needs both recorded on one machine in one precision.")
    base, rus = (float(np.mean([run.seconds for run in group])) for group in runs.values())
    text = f"{base / rus:.0f} times as fast on {next(iter(alike))[0]}."
    return Evidence(CONFIRMED if 60 <= base / rus <= 300 else CORRECTED, text)


def _beside(
    name: str, twin: str, column: str, one: str = "as listed", other: str = "corrected"
) -> str:
    what = {"Testing": "Test accuracy", "minority": "Mean minority recall"}.get(
        column, f"Class {column}"
    )
    text = f"{what}: {one} {said(name, column)}, {other} {said(twin, column)}"
    return text + (f" ({said_difference(name, twin, column)})." if known(name, twin) else ".")


def _expected_above(high_name: str, low_name: str, column: str) -> Evidence:
    """Confirm that one experiment lies above another; correct it where no difference shows."""
    what = "Test accuracy" if column == "Testing" else f"Recall of class {column}"
    text = f"{what}: {high_name} {said(high_name, column)}, {low_name} {said(low_name, column)}."
    if status := pending(high_name, low_name):
        return Evidence(status, text)
    _, low, high = difference(high_name, low_name, column)
    text += f" Difference {said_difference(high_name, low_name, column)}."
    return Evidence(CONFIRMED if low > 0 else REFUTED if high < 0 else CORRECTED, text)


def _mean_recall(run: training.Run, chosen: list[str] | None) -> float:
    classes = range(len(run.recall)) if chosen is None else map(int, chosen)
    return 100 * float(np.mean([run.recall[c] for c in classes]))


@cache
def _wrong_neighbours() -> str | None:
    mnist = data.load("mnist", fallback="digits")
    if mnist.name != "mnist":
        return None
    task = data.task("multiclass", mnist)
    nines = task.x_train[task.y_train == 9]
    flat = nines.reshape(len(nines), -1).astype(float)
    wrong = 0
    for row, image in enumerate(nines):
        wrapped = resampling.wrapped_distances(image, nines).argsort(kind="stable")[1:4]
        nearest = ((flat - flat[row]) ** 2).sum(1).argsort(kind="stable")[1:4]
        wrong += len(set(wrapped) - set(nearest))
    return f"{wrong:,} of {3 * len(nines):,} neighbours are not among the three nearest"
