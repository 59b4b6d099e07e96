"""The evidence of each finding: from records, from the published tables, or from data."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats
from sklearn.metrics import confusion_matrix, roc_auc_score

from thesis_lib import (
    arguments,
    data,
    decision,
    experiments,
    intervals,
    metrics,
    rankings,
    resampling,
    tasks,
    training,
)
from thesis_lib.book import (
    confidences,
    findings,
    last_batch,
    listings,
    precision,
    published,
    studies,
    verdicts,
)
from thesis_lib.engine.provenance import precision_of
from thesis_lib.wording import counted, some

Floats = NDArray[np.float64]

CONFIRMED, REFUTED, CORRECTED = "confirmed", "refuted", "corrected"
OPEN, FEW_SEEDS = "open: not recorded yet", "open: fewer than three seeds"
UNDECIDED = "not decided by the records"
READ = "read in the thesis, nothing to compute"

_LITTLE = 1.0  # points of balanced accuracy that another draw may change, and the finding falls
_FEWEST_DRAWS = 3  # that an order of draws takes

MINORITY = {task: [str(c) for c in tasks.get(task).minority] for task in ("multiclass", "binary")}
_FEW_IMAGES = tasks.get("multiclass").minority


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
    ValueError
        If ``findings.yml`` has no such finding.
    """
    arguments.one_of("id of a finding", id, _CHECKS)
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
    ValueError
        If there is no such experiment.
    """
    found = [_measured(run, column) for run in experiments.recorded(name)]
    return [number for number in found if not math.isnan(number)]


def _measured(run: training.Run, column: str) -> float:
    if column not in ("minority", "balanced"):
        return verdicts.value(run, column)
    return _mean_recall(run, MINORITY[run.experiment.task] if column == "minority" else None)


def by_seed(names: Sequence[str], column: str) -> pd.DataFrame:
    """Return what the recorded seeds that all of several experiments have measured, in percent.

    Parameters
    ----------
    names : sequence of str
        Of experiments.
    column : str
        As for `values`.

    Returns
    -------
    DataFrame
        A row a seed, in their order, a column an experiment; a seed that one of them lacks, or that
        diverged there, is left out.
    """
    runs = {name: experiments.recorded(name) for name in names}
    found = {
        name: pd.Series({run.seed: _measured(run, column) for run in group}, dtype=float)
        for name, group in runs.items()
    }
    return pd.DataFrame(found).dropna().sort_index().rename_axis("Seed")


def said(name: str, column: str) -> str:
    """Say the mean of the recorded seeds with its 95 % interval, "19.84 ± 2.92 % (5 seeds)".

    Where that would reach beyond 0 or 100: "98.01 (92.61 to 100.00) % (2 seeds)".

    Parameters
    ----------
    name, column
        As for `values`.
    """
    found = values(name, column)
    if not found:
        return "no record"
    number = intervals.said_percentage(*intervals.t_interval(found))
    return f"{number} % ({counted(len(found), 'seed')})"


def known(*names: str) -> bool:
    """Return whether each experiment has the three recorded seeds that a verdict needs.

    Parameters
    ----------
    *names : str
        Of experiments; a run that diverged does not count.
    """
    return all(len(values(name, "Testing")) >= published.FEWEST_SEEDS for name in names)


def pending(*names: str) -> str | None:
    """Return the status of what waits for records of experiments; None if all have three seeds.

    Parameters
    ----------
    *names : str
        As for `known`.
    """
    if known(*names):
        return None
    return FEW_SEEDS if all(values(name, "Testing") for name in names) else OPEN


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
    wrong, of_all = listings.wrong_labels()
    never = [f"{c}" for c in range(3, 10)]
    listed, right = (
        max((v for c in never for v in values(e, c)), default=math.nan) for e in (name, twin)
    )
    text = f"{wrong} of the {of_all} labels are another digit's. "
    if not math.isnan(listed):
        text += f"Largest recall of classes 3 to 9 in any seed: {listed:.2f} % as listed"
        text += ". " if math.isnan(right) else f", {right:.2f} % with the right labels. "
    # A network that has never seen the labels 3 to 9 cannot answer them: one that does refutes it.
    confirmed = wrong > 0 and not listed > 0
    text += f"{_beside(name, twin, 'Testing')} {_beside(name, twin, 'balanced')}"
    return Evidence(CONFIRMED if confirmed else REFUTED, text)


@check("mfe-averaging")
def _mfe_averaging() -> Evidence:
    status, text = _same_whichever_is_wrong(squared=False)
    name, rate, each = (f"multiclass/{end}" for end in ("mfe", "learning-rate", "mfe-per-image"))
    counts = listings.batch_weights(data.MULTICLASS_COUNTS, experiments.get(name).batch_size)
    text += (
        f" The rare images still count more, as every batch that they are in is heavy: a four "
        f"{counts[4]:.0f} on average, a two {counts[2]:.0f}. "
    )
    text += _beside(name, "multiclass/mfe-corrected", "Testing")
    text += " The mean of its weights as a constant factor on the learning rate: "
    text += said(rate, "Testing")
    if known(name, rate):
        text += f"; as listed less that: {said_difference(name, rate, 'Testing')}"
    text += f". Its weights, image by image: {said(each, 'Testing')}{_one_answer(each)}. Two "
    text += "classes: "
    return Evidence(status, text + _beside("binary/mfe", "binary/mfe-corrected", "0"))


def _one_answer(name: str) -> str:
    """Say in how many runs a network answers every image with one class."""
    runs = _converged(name)
    alike = sum(metrics.one_answer(run.confusion) for run in runs)
    return f", one answer to every image in {alike} of {len(runs)}" if runs else ""


@check("msfe-averaging")
def _msfe_averaging() -> Evidence:
    status, text = _same_whichever_is_wrong(squared=True)
    return Evidence(status, f"{text} {_beside('binary/msfe', 'binary/msfe-corrected', '0')}")


def _same_whichever_is_wrong(*, squared: bool) -> tuple[str, str]:
    """Compare two batches of nine ones and a zero, in which the zero or one of the ones is missed.

    A loss that averages before it weights cannot tell them apart.
    """
    labels = np.array([0] + [1] * 9)
    y_true = np.eye(2)[labels]
    zero_missed, one_missed = np.tile([0.1, 0.9], (10, 1)), np.eye(2)[labels] * 0.8 + 0.1
    one_missed[1] = [0.9, 0.1]
    outputs = (zero_missed, one_missed)
    listed = [
        listings.listed_false_error(y_true, p, data.BINARY_COUNTS, squared=squared) for p in outputs
    ]
    defined = [listings.defined_false_error(y_true, p, squared=squared) for p in outputs]
    text = (
        f"Nine ones and a zero, one of the ten missed: the listing gives {listed[0]:.3g} if it is "
        f"the zero and {listed[1]:.3g} if it is a one; the definition {defined[0]:.3g} and "
        f"{defined[1]:.3g}."
    )
    same = math.isclose(*listed) and not math.isclose(*defined)
    return (CONFIRMED if same else REFUTED), text


@check("focal-clip")
def _focal_clip() -> Evidence:
    outputs = np.array([1e-8, 1e-10])
    listed, defined = (-np.log(p) for p in (np.clip(outputs, 1e-7, 1 - 1e-7), outputs))
    pairs = [
        ("multiclass/focal-g0-a100", "multiclass/unclipped-focal"),
        ("binary/focal-g0-a50", "binary/unclipped-focal"),
    ]
    text = (
        f"As the output for the true class falls from {outputs[0]:.0e} to {outputs[1]:.0e}, the "
        f"loss with γ = 0 rises by {np.ptp(listed):.2f} as listed and by {np.ptp(defined):.2f} "
        f"as defined. Effect: {' '.join(_beside(*pair, 'Testing') for pair in pairs)}"
    )
    return Evidence(CONFIRMED if np.ptp(listed) == 0 < np.ptp(defined) else REFUTED, text)


@check("msfe-table")
def _msfe_table() -> Evidence:
    name, twin = "binary/msfe", "binary/msfe-corrected"
    printed = published.number("8.6", "M_fse", "0")
    text = f"Class 0: printed {printed:.2f} %. {_beside(name, twin, '0')}"
    if status := pending(name):
        return Evidence(status, text)
    listed = published.compare(printed, values(name, "0")).verdict
    corrected = published.compare(printed, values(twin, "0")).verdict
    text += f" Verdict on the printed number: {listed} (listing), {corrected} (as defined)."
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
    text += f" Effect: {_beside('multiclass/ros', 'multiclass/ros-corrected', 'Testing')}"
    return Evidence(CONFIRMED if len(lost) else REFUTED, text)


@check("smote-distances")
def _smote_distances() -> Evidence:
    counted, few = listings.neighbours((9,)), listings.neighbours(_FEW_IMAGES)
    if counted is None or few is None:
        return Evidence(OPEN, "MNIST is not at hand.")
    wrong, _, of_all = counted
    text = f"Class 9: {wrong:,} of {of_all:,} neighbours are not among the three nearest; minority "
    text += f"classes: {few[0]} of {few[2]}. "
    text += " ".join(
        f"{task}: {_beside(f'{task}/smote', f'{task}/smote-corrected', 'Testing')}"
        for task in MINORITY
    )
    return Evidence(CONFIRMED if wrong else REFUTED, text)


@check("smote-ties")
def _smote_ties() -> Evidence:
    # The last pixel is equally far from two; it is drawn with one of them, then with the first.
    pixels = np.array([[0], [10], [10], [30]], np.uint8)
    partners = resampling.wrapped_partners(pixels, np.array([3, 3]), np.array([1, 3]))
    text = (
        "Images 0 to 3 of one pixel, 0, 10, 10 and 30: drawn for image 3 are its nearest, then its "
        f"third, image 0; the listing pairs it with image {partners[0]}, then with image "
        f"{partners[1]}."
    )
    if (counted := listings.neighbours((*_FEW_IMAGES, 9))) is not None:
        text += (
            f" In the minority classes and class 9, {counted[1]:,} of {counted[2]:,} neighbours "
        )
        text += "stand at a tied distance"
        text += (
            "." if counted[1] else ", so none of the thesis's pairs of these classes is shifted."
        )
    return Evidence(CONFIRMED if partners[1] != 0 else REFUTED, text)


@check("focal-gamma")
def _focal_gamma() -> Evidence:
    grid, weights = published.table("7.11").to_numpy(dtype=float), experiments.MINORITY_WEIGHTS
    best = experiments.GAMMAS[int(grid.max(axis=1).argmax())]
    steps = np.diff(grid, axis=0)
    means = np.diff(grid.mean(axis=1))
    text = (
        f"Printed: best at γ = {best:g}; {(steps < 0).sum()} of {steps.size} steps to a larger γ "
        f"lose accuracy, and {(means < 0).sum()} of {means.size} on average over a."
    )
    ours = {
        g: [values(verdicts.focal("multiclass", g, a), "Testing") for a in weights]
        for g in experiments.GAMMAS
    }
    measured = ", ".join(
        f"γ = {g:g}: {np.mean([np.mean(v) for v in row]):.2f} %"
        for g, row in ours.items()
        if all(row)
    )
    text += f" Recorded, mean over a: {measured or 'nothing'}."
    every = best == 0 and bool((steps < 0).all())
    return Evidence(CONFIRMED if every else CORRECTED if best == 0 else REFUTED, text)


@check("cross-entropy")
def _cross_entropy() -> Evidence:
    plain, base, best, weighted = (
        f"multiclass/{name}"
        for name in ("cross-entropy", "baseline", "focal-g0-a100", "weighted-mse")
    )
    if status := pending(plain, base, best, weighted):
        text = "; ".join(f"{n}: {said(n, 'Testing')}" for n in (base, plain, best, weighted))
        return Evidence(status, text)
    first, rest = difference(plain, base, "Testing"), difference(best, plain, "Testing")
    alone = first[1] > max(rest[0], 0)
    # What one change brings depends on which is made first: the weights alone may do as much.
    needed = difference(best, weighted, "Testing")[1] > 0
    text = (
        f"Test accuracy: cross-entropy instead of squared error, "
        f"{said_difference(plain, base, 'Testing')}; weight 100 on top, "
        f"{said_difference(best, plain, 'Testing')}. In the other order: squared error with class "
        f"weights, {said_difference(weighted, base, 'Testing')}; this focal loss instead of it, "
        f"{said_difference(best, weighted, 'Testing')}. So cross-entropy alone "
        f"{'brings' if alone else 'does not bring'} most of the gain, and squared error with class "
        f"weights {'brings less than both together' if needed else 'is not told apart from both'}."
    )
    return Evidence(CONFIRMED if alone and needed else CORRECTED, text)


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
        f"{'no decision' if same else 'decisions'} on 10,000 random outputs. {_moved_alike()}"
        f"{_rows_of_other_lengths()}"
    )
    holds = [zeros == [6, 7], same]
    return Evidence(CONFIRMED if all(holds) else CORRECTED if any(holds) else REFUTED, text)


# What the rows of the listing that are not ten numbers long sum to, in the text that we have of it;
# whether they are printed so, or were misread, is not known.
_SUMS_OF_OTHER_LENGTHS = {0: 8.0, 2: 8.0, 7: 10.0, 9: 10.0}


def _rows_of_other_lengths() -> str:
    """Say how many answers of the recorded baselines would change with the sums of these rows."""
    listed = decision.multiclass_cost_as_published()
    others = listed.copy()
    for c, total in _SUMS_OF_OTHER_LENGTHS.items():
        others[c] *= total / listed[c].sum()
    matrices = (listed, others)
    kept = [experiments.outputs("multiclass/baseline", seed) for seed in experiments.SEEDS]
    changed = [
        float(np.mean(np.not_equal(*(decision.move_thresholds(p, m).argmax(1) for m in matrices))))
        for p in kept
        if p is not None
    ]
    if not changed:
        return ""
    rows = ", ".join(map(str, _SUMS_OF_OTHER_LENGTHS))
    return (
        f" In the text that we have of the listing the rows {rows} are not ten numbers long; with "
        f"their sums the answers change for {max(changed):.1%} of the test images at most "
        f"({counted(len(changed), 'network')})."
    )


def _moved_alike() -> str:
    """Say how often the listed and the described matrix decide alike for the same network."""
    name, twin = (f"multiclass/threshold-moving{ending}" for ending in ("", "-corrected"))
    one, other = ({r.seed: r.confusion for r in experiments.recorded(n)} for n in (name, twin))
    seeds = one.keys() & other.keys()
    if not seeds:
        return _beside(name, twin, "1")
    alike = sum(bool(np.array_equal(one[s], other[s])) for s in seeds)
    return (
        f"Class 1 of the baseline with its outputs moved: as listed {said(name, '1')}, corrected "
        f"{said(twin, '1')}; of {counted(len(seeds), 'network')} {alike} have the same confusion "
        "matrix with both."
    )


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


@check("training-accuracy")
def _training_accuracy() -> Evidence:
    name, printed = "multiclass/baseline", published.number("7.1", "M_b", "Training")
    reported = findings.reported_while_training(experiments.get(name))
    text = (
        f"Printed {printed:.2f} %. Ours as Keras reports it in the last epoch: "
        f"{intervals.said_percentage(*intervals.t_interval(reported))} %; of the trained networks, "
        f"without dropout: {said(name, 'Training')}."
    )
    if status := pending(name):
        return Evidence(status, text)
    while_training, trained = (
        published.compare(printed, sample).verdict == "agrees"
        for sample in (reported, values(name, "Training"))
    )
    if while_training == trained:
        return Evidence(UNDECIDED, text)
    return Evidence(CONFIRMED if while_training else REFUTED, text)


@check("specificity")
def _specificity() -> Evidence:
    runs = _converged("multiclass/baseline") or _converged("multiclass/rus")
    if not runs:
        return Evidence(OPEN, "Needs a recorded confusion matrix of ten classes.")
    matrix = np.mean([run.confusion for run in runs], axis=0)
    listed, right = listings.specificities(matrix)
    text = (
        f"Mean over the classes, {runs[0].experiment.name}: {100 * listed.mean():.1f} % as listed, "
        f"{100 * right.mean():.1f} % as defined."
    )
    return Evidence(CONFIRMED if (listed < right).any() else REFUTED, text)


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
    digits = np.concatenate(
        [confidences.of_digits(confidences.CLASSIFIERS["5.2"], c) for c in (5, 6)]
    )
    rejected = float((digits <= 0.8).mean())
    text = (
        f"{rejected:.1%} of {len(digits):,} fives and sixes score 0.8 or less. The finding asks "
        "for more than one in twenty."
    )
    return Evidence(CONFIRMED if rejected > 0.05 else REFUTED, text)


@check("anomaly-dogs")
def _anomaly_dogs() -> Evidence:
    printed = published.table("5.2").iloc[:, 0]
    dogs = printed[printed.index.str.startswith("Dog")] > 0.8
    text = f"Printed: {dogs.sum()} of {len(dogs)} dogs above 0.8."
    if not (lacking := confidences.lacking()):
        ours = confidences.of_pictures(confidences.CLASSIFIERS["5.2"])
        text += f" Ours: {(ours > 0.8).mean():.1%} of {len(ours):,} channel pictures."
    else:
        text += f" {lacking}"
    return Evidence(CONFIRMED if dogs.mean() > 0.5 else REFUTED, text)


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
    holds = [len(smote) > 1, order[0] != "M_fe"]
    return Evidence(CONFIRMED if all(holds) else CORRECTED if any(holds) else REFUTED, text)


@check("counts")
def _counts() -> Evidence:
    counts = {15_015: data.MULTICLASS_COUNTS, 5_004: data.BINARY_COUNTS}
    text = " ".join(
        f"The comment says {said:,}, the list beside it adds up to {sum(listed):,}."
        for said, listed in counts.items()
    )
    wrong = [said != sum(listed) for said, listed in counts.items()]
    return Evidence(CONFIRMED if all(wrong) else CORRECTED if any(wrong) else REFUTED, text)


@check("wording")
def _wording() -> Evidence:
    return Evidence(READ, "These are matters of wording, which no experiment decides.")


@check("one-draw")
def _one_draw() -> Evidence:
    scores = {task: _over_draws(task) for task in MINORITY}
    parts = {task: studies.components(found) for task, found in scores.items()}
    own = [task for task in MINORITY if not parts[task].empty]
    if not own:
        return _one_seed_a_draw(scores)
    found = pd.concat([parts[task] for task in own])
    shown = found["Draws low"] > 0
    # A draw that is not shown to matter may matter all the same, unless its interval is narrow.
    hardly = bool((found["Draws high"] < _LITTLE).all())
    status = CORRECTED if shown.any() else REFUTED if hardly else UNDECIDED
    text = " ".join(_spread_over_draws(task, scores[task], parts[task]) for task in own)
    return Evidence(CONFIRMED if shown.all() else status, text)


def _over_draws(task: str) -> pd.DataFrame:
    """Return the scores that tell most: of several seeds, else of as many epochs as the thesis."""
    shared = studies.scores(task)
    if studies.components(shared).empty:
        long = studies.scores(task, kind="long")
        if len(studies.per_draw(long)) >= _FEWEST_DRAWS:
            return long
    return shared


def _one_seed_a_draw(scores: Mapping[str, pd.DataFrame]) -> Evidence:
    """Judge draws of one seed each, in which nothing but the images changes from draw to draw.

    What chance in training makes of that differs from method to method. Where the methods agree on
    which draws are easy, by Friedman's test, it is the images.
    """
    said, agreed = [], []
    for task, found in scores.items():
        means = studies.per_draw(found)
        trained = means.loc[:, means.std() > 0].drop(columns="prior-correction", errors="ignore")
        if len(means) < _FEWEST_DRAWS or trained.shape[1] < 2:
            continue
        w, p = rankings.concordance(trained)
        agreed.append(p < 0.05)
        spread = means.std(ddof=1).sort_values()
        said.append(
            f"{task}, {len(means)} draws, each with one seed and so with the same first "
            f"weights: standard deviations from {spread.iloc[0]:.1f} to {spread.iloc[-1]:.1f} "
            f"points of balanced accuracy, method by method; {means.idxmax(axis=1).nunique()} "
            f"methods are best on some draw. Do the methods agree on which draws are easy? "
            f"Kendall's W is {w:.2f}, p = {p:.2g} by Friedman's test."
        )
    if said:
        status = CONFIRMED if all(agreed) else FEW_SEEDS
        return Evidence(status, " ".join([*said, _draws_beside_seeds()]).strip())
    digits = studies.scores("digits")
    spread_of_digits = _spread_over_draws("digits", digits, studies.components(digits))
    text = "No other draw of MNIST is recorded. Until then small digits have to serve."
    return Evidence(OPEN, f"{text} {spread_of_digits}".strip())


def _draws_beside_seeds() -> str:
    """Set the spread over draws beside that over seeds, of the one experiment that has both."""
    drawn = studies.scores("binary", kind="long").get("cross-entropy", pd.Series(dtype=float))
    over_draws, over_seeds = drawn.dropna(), values("binary/cross-entropy", "balanced")
    if min(len(over_draws), len(over_seeds)) < _FEWEST_DRAWS:
        return ""
    ratio, low, high = intervals.spread_ratio(over_draws.tolist(), over_seeds)
    return (
        "One experiment has both, cross-entropy on two classes: a standard deviation of "
        f"{over_draws.std():.1f} points over {len(over_draws)} draws and of "
        f"{np.std(over_seeds, ddof=1):.1f} over {len(over_seeds)} seeds on the thesis's draw, "
        f"{ratio:.1f} times as large, 95 % interval {low:.1f} to {high:.1f}."
    )


def _spread_over_draws(task: str, scores: pd.DataFrame, parts: pd.DataFrame) -> str:
    """Say how far the draw moves the methods of a study, and how often their order changes."""
    if parts.empty:
        return ""
    means = studies.per_draw(scores)
    shown = int((parts["Draws low"] > 0).sum())
    first = means.idxmax(axis=1).value_counts()
    return (
        f"Study of {task}, {int(parts['n draws'].max())} draws: the standard deviation between "
        f"draws is shown to be above zero for {shown} of {len(parts)} methods and is at most "
        f"{parts['Draws'].max():.1f} points of balanced accuracy; {len(first)} methods are best on "
        "some draw, seeds included."
    )


@check("ranking")
def _ranking() -> Evidence:
    best, second = "multiclass/focal-g0-a100", "multiclass/ros"
    if status := pending(best, second):
        text = _beside(best, second, "minority", "focal loss", "ROS")
        return Evidence(status, text)
    _, low, high = difference(best, second, "minority")
    text = (
        f"Mean minority recall: focal loss {said(best, 'minority')}, ROS "
        f"{said(second, 'minority')}, a difference of {said_difference(best, second, 'minority')}."
    )
    return Evidence(CONFIRMED if low <= 0 <= high else REFUTED, text)


@check("ranking-reversed")
def _ranking_reversed() -> Evidence:
    areas = baseline_areas()
    moved = "; ".join(f"class {c}: {said('binary/threshold-moving', c)}" for c in ("0", "1"))
    if len(areas) < published.FEWEST_SEEDS:
        status = FEW_SEEDS if areas else OPEN
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
        f"Recall of class 0, with one learning rate and as many epochs: {said(base, '0')} with "
        f"squared error, {said(plain, '0')} with cross-entropy, a difference of "
        f"{said_difference(plain, base, '0')}. Squared error with class weights: "
        f"{said('binary/weighted-mse', '0')} of class 0, "
        f"{said('binary/weighted-mse', 'balanced')} mean recall."
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
    parts, holds = [], []
    for what, name in (("a", "7.11"), ("a", "8.12"), ("γ", "7.11")):
        grid = published.table(name).to_numpy(dtype=float)
        better = np.diff(grid, axis=1) if what == "a" else -np.diff(grid, axis=0)
        holds.append(bool((better < 0).any()))
        step = "larger a" if what == "a" else "smaller γ"
        parts.append(f"table {name}: {(better > 0).sum()} of {better.size} steps to a {step} gain")
    status = CONFIRMED if all(holds) else CORRECTED if any(holds) else REFUTED
    return Evidence(status, f"Printed, {'; '.join(parts)}.")


@check("zeros-as-fours")
def _zeros_as_fours() -> Evidence:
    return _share_of_zeros([4], below=1.0)


@check("zeros-as-others")
def _zeros_as_others() -> Evidence:
    return _share_of_zeros([2, 4, 8], below=90.0)


def _share_of_zeros(answers: Sequence[int], *, below: float) -> Evidence:
    """Confirm that the baseline takes less than a share (percent) of the zeros for some digits."""
    runs = _converged("multiclass/baseline")
    if not runs:
        return Evidence(OPEN, "Needs the confusion matrix of the recorded baseline.")
    rows = np.array([run.confusion[0] for run in runs], dtype=float)
    shares = 100 * rows / rows.sum(axis=1, keepdims=True)
    each = ", ".join(f"{shares[:, c].mean():.1f} % as {c}" for c in answers)
    mean, low, high = intervals.t_interval(shares[:, answers].sum(axis=1))
    text = f"Of the zeros: {each}; together {intervals.said_percentage(mean, low, high)} %"
    text += f" ({counted(len(runs), 'seed')}). The finding asks for less than "
    text += f"{below:g} %."
    if len(runs) < published.FEWEST_SEEDS:
        return Evidence(FEW_SEEDS, text)
    return Evidence(CONFIRMED if high < below else REFUTED if low > below else UNDECIDED, text)


@check("rus-speed")
def _rus_speed() -> Evidence:
    base, rus = (experiments.get(f"multiclass/{name}") for name in ("baseline", "rus"))
    sizes = (sum(data.MULTICLASS_COUNTS), min(data.MULTICLASS_COUNTS) * len(data.MULTICLASS_COUNTS))
    pairs = list(zip((base, rus), sizes, strict=True))
    images, few_images = (e.epochs * size for e, size in pairs)
    steps, few_steps = (e.epochs * math.ceil(size / e.batch_size) for e, size in pairs)
    fewer_images, fewer_steps = images / few_images, steps / few_steps
    text = (
        f"{fewer_images:.0f} times fewer images, {fewer_steps:.0f} times fewer steps. If a step "
        "costs a fixed time and a time for each of its images, the factor lies between the two. "
    )
    text += " ".join(_timed(base.name, rus.name) or ["No machine has recorded both alike."])
    return Evidence(CONFIRMED if fewer_steps <= 180 <= fewer_images else REFUTED, text)


@check("last-batch")
def _last_batch() -> Evidence:
    met = last_batch.meetings()
    if met is None:
        return Evidence(OPEN, "MNIST is not at hand.")
    if not any(met.values()):
        return Evidence(OPEN, "No recorded network met a zero there, in an order that is known.")
    after, others = last_batch.rises(met)
    usual, unusual = others.median(), others.quantile(0.99)
    each = "; ".join(f"seed {s} in epoch {some(list(map(str, e)))}" for s, e in met.items() if e)
    text = (
        f"Focal loss has {counted(len(met), 'seed')} whose order is known. A zero is in that "
        f"batch: {each}. To the next epoch the loss grows {after.min():.3g} to {after.max():,.0f} "
        f"times in the {counted(len(after), 'network')} of these, median {after.median():.3g}. In "
        f"all other epochs it is {usual:.2f} times as large in the median, and one time in a "
        f"hundred more than {unusual:.2g} times."
    )
    return Evidence(CONFIRMED if after.min() > unusual else REFUTED, text)


def _timed(slow: str, fast: str) -> list[str]:
    """Say how many times as fast one experiment trained, for each kind of machine with both."""
    seconds: dict[tuple[str, ...], dict[str, list[float]]] = {}
    for name in (slow, fast):
        for part in ("", precision.STORE):
            for run in experiments.recorded(name, part=part):
                origin = run.provenance
                kind = (origin["device"], origin["backend"], precision_of(origin))
                seconds.setdefault(kind, {}).setdefault(name, []).append(run.seconds)
    said = []
    for (device, _, precise), group in seconds.items():
        if len(group) < 2 or min(map(len, group.values())) < published.FEWEST_SEEDS:
            continue
        logs = (np.log(group[n]).tolist() for n in (slow, fast))
        ratio, low, high = np.exp(intervals.welch(*logs))
        spans = " and ".join(f"{min(group[n]):,.0f} to {max(group[n]):,.0f}" for n in (slow, fast))
        said.append(
            f"Ours on {device} in {precise}, where other work ran beside them: {spans} seconds, a "
            f"factor of {ratio:.0f}, 95 % interval {low:.0f} to {high:.0f}."
        )
    return said


def _beside(
    name: str, twin: str, column: str, one: str = "as listed", other: str = "corrected"
) -> str:
    names = {
        "Testing": "Test accuracy",
        "minority": "Mean minority recall",
        "balanced": "Mean recall of all classes",
    }
    what = names.get(column, f"Class {column}")
    text = f"{what}: {one} {said(name, column)}, {other} {said(twin, column)}"
    if not known(name, twin):
        return text + "."
    return f"{text}; {one} less {other}: {said_difference(name, twin, column)}."


def _converged(name: str) -> list[training.Run]:
    return experiments.converged(experiments.recorded(name))


def _mean_recall(run: training.Run, chosen: list[str] | None) -> float:
    classes = range(len(run.recall)) if chosen is None else map(int, chosen)
    return 100 * float(np.mean([run.recall[c] for c in classes]))
