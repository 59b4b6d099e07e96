"""What a comparison of methods on somebody's own data found: tables, tests and advice."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from thesis_lib import arguments, decision
from thesis_lib.intervals import holm, paired_t, t_interval, t_interval_of_percentages
from thesis_lib.metrics import MEASURES, of_confusion, one_answer, precision_of, recall_of
from thesis_lib.own import costs as own_costs
from thesis_lib.own.costs import Costs, Prior
from thesis_lib.own.offered import BASELINE, LABELS, METHODS
from thesis_lib.wording import counted, some

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Labels = NDArray[np.int64]

_HARDLY = 0.1  # of the way from guessing to perfect
_SMALL = 0.1  # of a batch
_FEW_UPDATES = 100  # fewer than five epochs of 20 batches
# Of the whole fall of a loss, from one fifth of the epochs to the next. A loss that nears its end
# exponentially crosses this when about 3.5 % of its fall are still to come.
_FALLING = 0.05


@dataclass(frozen=True, repr=False)
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
    copies : int
        How many test images are in the training set too, pixel by pixel.
    pixels_note : str
        What may be wrong with the scale of the pixels; "" if nothing.
    overlap : float
        Test images a training image, where each seed split the same images anew: intervals and
        tests allow for what the splits share, see `intervals.t_interval`. 0 where all seeds have
        one training and one test set.
    loss_curves : mapping of str to mapping of int to sequence of float
        Method, then seed, to the training loss of each epoch, up to one in which it diverged: the
        mean over its images, each as the network was when its batch came. Of an ensemble that of
        its first network.

    Examples
    --------
    Three seeds, each tested on ten images of both classes. Of the stained tiles the baseline finds
    two, and random oversampling four, five and six:

    >>> runs = {
    ...     "cross-entropy": {s: np.array([[2, 8], [0, 10]]) for s in (1, 2, 3)},
    ...     "ros": {s: np.array([[3 + s, 7 - s], [0, 10]]) for s in (1, 2, 3)},
    ... }
    >>> found = Comparison(("stain", "whole"), np.array([5, 95]), np.array([10, 10]), runs)
    >>> found.table()["Balanced accuracy"].to_dict()
    {'Cross-entropy (baseline)': '60.0 [60.0, 60.0]', 'Random oversampling': '75.0 [62.6, 87.4]'}
    >>> found.lead
    'Use Random oversampling: balanced accuracy 75.0 % against 60.0 % of the baseline.'
    """

    classes: tuple[str, ...]
    train_counts: Labels
    test_counts: Labels
    confusions: Mapping[str, Mapping[int, Labels | None]]
    skipped: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    copies: int = 0
    pixels_note: str = ""
    overlap: float = 0.0
    loss_curves: Mapping[str, Mapping[int, Sequence[float]]] = field(default_factory=dict)

    def __repr__(self) -> str:
        return (
            f"<Comparison of {counted(len(self.confusions), 'method')} with "
            f"{counted(len(self.scores()), 'seed')} on {len(self.classes)} classes; "
            "see .recommendation, .table(), .save_report(path)>"
        )

    @property
    def updates(self) -> int | None:
        """How many updates each network made; None if the settings do not tell."""
        if not {"epochs", "batch_size"} <= self.settings.keys():
            return None
        batches = math.ceil(int(self.train_counts.sum()) / int(self.settings["batch_size"]))
        return int(self.settings["epochs"]) * batches

    def scores(self, measure: str = MEASURES[0]) -> pd.DataFrame:
        """Return one measure in percent: a row a seed, a column a method; NaN where diverged.

        Parameters
        ----------
        measure : str
            One of ``metrics.MEASURES``.

        Raises
        ------
        ValueError
            If the measure is unknown.

        Examples
        --------
        Half of one class and all of the other with seed 1; seed 2 diverged:

        >>> runs = {"cross-entropy": {1: np.array([[5, 5], [0, 10]]), 2: None}}
        >>> found = Comparison(("stain", "whole"), np.array([5, 95]), np.array([10, 10]), runs)
        >>> found.scores("Balanced accuracy").to_dict()
        {'cross-entropy': {1: 75.0, 2: nan}}
        """
        arguments.chosen("measure", [measure], MEASURES)
        column = MEASURES.index(measure)
        return self._each_run(lambda table: 100 * of_confusion(table)[column])

    def _each_run(self, value: Callable[[Labels], float]) -> pd.DataFrame:
        """Return what each confusion matrix is worth, as `scores` does."""
        return pd.DataFrame(
            {
                method: {seed: math.nan if c is None else value(c) for seed, c in runs.items()}
                for method, runs in self.confusions.items()
            }
        )

    def recalls(self) -> pd.DataFrame:
        """Return the mean recall in percent: a row a class, a column a method."""
        means = {}
        for method, runs in self.confusions.items():
            found = [recall_of(c) for c in runs.values() if c is not None]
            means[method] = 100 * np.mean(found, axis=0) if found else math.nan
        return pd.DataFrame(means, index=pd.Index(self.classes, name="Class"))

    def precisions(self) -> pd.DataFrame:
        """Return the precision in percent to expect if classes are as frequent as in training.

        Recalls do not depend on how frequent the classes are; precision does, and a balanced test
        set flatters it: see `metrics.precision_of`.

        Returns
        -------
        DataFrame
            A row a class, a column a method; over all seeds; NaN where a class is never answered.

        Examples
        --------
        Nine tenths of each class are recognised. Of 100 tiles 10 are stained: 9 of them are called
        so, and 9 of the 90 whole ones as well:

        >>> runs = {"ros": {1: np.array([[9, 1], [1, 9]])}}
        >>> found = Comparison(("stain", "whole"), np.array([10, 90]), np.array([10, 10]), runs)
        >>> found.recalls()["ros"].round(1).to_dict()
        {'stain': 90.0, 'whole': 90.0}
        >>> found.precisions()["ros"].round(1).to_dict()
        {'stain': 50.0, 'whole': 98.8}
        """
        found = {}
        for method, runs in self.confusions.items():
            tables = [c for c in runs.values() if c is not None]
            found[method] = (
                100 * precision_of(np.sum(tables, axis=0), self.train_counts)
                if tables
                else math.nan
            )
        return pd.DataFrame(found, index=pd.Index(self.classes, name="Class"))

    def losses(self) -> pd.DataFrame:
        """Return the mean training loss: a row an epoch, from 1 on, a column a method.

        The mean is over the seeds that did not diverge. Each method minimises a loss of its own, so
        the heights of two columns cannot be compared; whether a column still falls at its end can
        be seen. A method that only decides anew, as prior correction, has the baseline's networks
        and so its losses. Two stages have two losses, the second in the last fifth of the epochs.

        Examples
        --------
        Seed 3 diverged:

        >>> runs = {"ros": {1: np.eye(2, dtype=int), 2: np.eye(2, dtype=int), 3: None}}
        >>> curves = {"ros": {1: [4.0, 2.0], 2: [2.0, 1.0], 3: [9.0, math.nan]}}
        >>> sizes = np.array([1, 1])
        >>> Comparison(("a", "b"), sizes, sizes, runs, loss_curves=curves).losses().to_dict()
        {'ros': {1: 3.0, 2: 1.5}}
        """
        means = {}
        for method in self.loss_curves:
            curves = {seed: pd.Series(curve) for seed, curve in self._kept(method).items()}
            means[method] = pd.DataFrame(curves, dtype=float).mean(axis=1, skipna=False)
        frame = pd.DataFrame(means, dtype=float)
        return frame.set_axis(pd.RangeIndex(1, len(frame) + 1, name="Epoch"))

    def _kept(self, method: str) -> dict[int, Sequence[float]]:
        """Return the loss curves of the seeds that did not diverge."""
        runs = self.confusions[method]
        return {s: c for s, c in self.loss_curves[method].items() if runs[s] is not None}

    def falling(self) -> list[str]:
        """Return the methods whose training loss still falls at the end, as far as can be told.

        It does if, with every seed, its mean over the last fifth of the epochs lies below that over
        the fifth before by more than a twentieth of its whole fall since the first epoch. That a
        method is not named does not show that training has ended: a loss may rest before it falls.
        Not judged are fewer than ten epochs, second stages, which have a loss of their own in the
        last fifth, and decisions with the networks of another method.

        Examples
        --------
        The loss of one falls by 1 an epoch, that of the other rests after the first:

        >>> runs = {name: {1: np.eye(2, dtype=int)} for name in ("ros", "smote")}
        >>> curves = {"ros": {1: [9, 8, 7, 6, 5, 4, 3, 2, 1, 0]}, "smote": {1: [9] + 9 * [0]}}
        >>> sizes = np.array([1, 1])
        >>> Comparison(("a", "b"), sizes, sizes, runs, loss_curves=curves).falling()
        ['ros']
        """
        found = []
        for method in self.loss_curves:
            curves = self._kept(method).values()
            judged = curves and not METHODS[method].keys() & {"second_stage", "base"}
            if judged and all(map(_still_falls, curves)):
                found.append(method)
        return found

    def table(self) -> pd.DataFrame:
        """Return the means in percent with 95 % intervals over the seeds, a row a method.

        With up to ten classes the recall of each is there too. A method that was skipped has the
        reason in its last column.
        """
        rows: dict[str, dict[str, str]] = {}
        for method, runs in self.confusions.items():
            row = {m: _shown(self.scores(m)[method], self.overlap) for m in MEASURES}
            if len(self.classes) <= 10:
                means = self.recalls()[method]
                row |= {
                    f"Recall {c}": "–" if math.isnan(v) else f"{v:.1f}" for c, v in means.items()
                }
            lost = sum(c is None for c in runs.values())
            row["Note"] = f"{lost} of {len(runs)} seeds diverged" if lost else ""
            rows[LABELS[method]] = row
        for method, reason in self.skipped.items():
            rows[LABELS[method]] = {"Note": f"skipped: {reason}"}
        return pd.DataFrame.from_dict(rows, orient="index").fillna("–").rename_axis("Method")

    def paired(self, measure: str = MEASURES[0]) -> pd.DataFrame:
        """Compare each method with the baseline, seed by seed.

        Parameters
        ----------
        measure : str
            As for `scores`.

        Returns
        -------
        pandas.DataFrame
            A row a method: mean difference in percentage points, bounds of its 95 % interval, p of
            a paired t-test, and p after Holm's correction (1979) for the number of methods. NaN
            with fewer than two seeds, or where a seed diverged.

        Raises
        ------
        ValueError
            As for `scores`.

        Notes
        -----
        A measure moves in steps: one more image of the smallest test class changes balanced
        accuracy by 1 / (C n). Differences that agree more closely than such steps can show would
        make the test overconfident, so their deviation is taken as at least step / sqrt(12), the
        error of rounding.

        Examples
        --------
        Differences of 10, 15 and 20 points:

        >>> runs = {
        ...     "cross-entropy": {s: np.array([[2, 8], [0, 10]]) for s in (1, 2, 3)},
        ...     "ros": {s: np.array([[3 + s, 7 - s], [0, 10]]) for s in (1, 2, 3)},
        ... }
        >>> found = Comparison(("stain", "whole"), np.array([5, 95]), np.array([10, 10]), runs)
        >>> found.paired().loc["ros"].round(3).to_dict()
        {'Difference': 15.0, 'Low': 2.579, 'High': 27.421, 'p': 0.035, 'p (Holm)': 0.035}
        """
        return self._against_baseline(self.scores(measure), self._step)

    def _against_baseline(self, scores: pd.DataFrame, step: float) -> pd.DataFrame:
        """Compare each column with the baseline's, seed by seed, as `paired` does."""
        rows = {
            method: paired_t(np.asarray(scores[method] - scores[BASELINE]), step, self.overlap)
            for method in scores.columns
            if method != BASELINE
        }
        columns = ["Difference", "Low", "High", "p"]
        frame = pd.DataFrame.from_dict(rows, orient="index", columns=columns)
        frame["p (Holm)"] = holm(frame["p"].to_numpy(dtype=float))
        return frame

    def costs(self, costs: Costs, prior: Prior | None = None) -> pd.DataFrame:
        """Return what an image costs on average under each method, and against the baseline.

        Parameters
        ----------
        costs : mapping of (true, predicted) to float
            Of single mistakes, as `costs.matrix` takes them: ``{("stain", "whole"): 50}``.
        prior : mapping of class to float, or array_like, (n_classes,), optional
            How often each class occurs in use, shares or counts: by the names of the classes, as
            `costs.prior_of` reads them, ``{"whole": 99, "stain": 1}``, or in the order of
            `classes`; as in training if not given.

        Returns
        -------
        pandas.DataFrame
            A row a method, the baseline first: "Cost" with its 95 % interval over seeds, "Low" and
            "High", and as in `paired` "Difference", "Difference low", "Difference high", "p" and
            "p (Holm)"; NaN where seeds are missing, and for the baseline itself.

        Raises
        ------
        ValueError, TypeError
            If a class is unknown or has no test image, or as for `costs.matrix` and
            `costs.prior_of`.

        Notes
        -----
        The networks decided for the class with the largest output, whatever a mistake costs.
        `TrainedMethod.predict` decides by the costs.

        Examples
        --------
        In use one tile of a hundred is stained. The baseline misses 8 of 10 of them, which costs
        0.01 × 0.8 × 50; oversampling misses 4, but calls a tenth of the whole ones stained, which
        costs 0.01 × 0.4 × 50 + 0.99 × 0.1:

        >>> runs = {
        ...     "cross-entropy": {1: np.array([[2, 8], [0, 10]])},
        ...     "ros": {1: np.array([[6, 4], [1, 9]])},
        ... }
        >>> found = Comparison(("stain", "whole"), np.array([5, 95]), np.array([10, 10]), runs)
        >>> costs = found.costs({("stain", "whole"): 50}, prior={"whole": 99, "stain": 1})
        >>> costs["Cost"].round(3).to_dict()
        {'cross-entropy': 0.4, 'ros': 0.299}
        """
        matrix = own_costs.matrix(costs, self.classes)
        if untested := untested_note(self.classes, self.test_counts):
            raise ValueError(f"{untested}. Give each class a test image.")
        shares = own_costs.prior_of(self.train_counts if prior is None else prior, self.classes)

        def cost_of(table: Labels) -> float:
            return decision.mean_cost(table / table.sum(1, keepdims=True), matrix, shares)

        each = self._each_run(cost_of)
        means = {method: t_interval(each[method], self.overlap) for method in each}
        frame = pd.DataFrame.from_dict(means, orient="index", columns=["Cost", "Low", "High"])
        # A cost moves in steps, too: that of the dearest mistake with one image more.
        steps = matrix.max(1) * shares / self.test_counts
        bounds = {"Low": "Difference low", "High": "Difference high"}
        paired = self._against_baseline(each, float(steps.max()))
        return frame.join(paired.rename(columns=bounds))

    def cost_table(self, costs: Costs, prior: Prior | None = None) -> pd.DataFrame:
        """Return `costs` as texts, with 95 % intervals over the seeds, a row a method.

        Parameters
        ----------
        costs, prior
            As for `costs`.

        Raises
        ------
        ValueError, TypeError
            As for `costs`.
        """
        found = self.costs(costs, prior)
        cost = [_interval(*row, digits=3) for row in found[["Cost", "Low", "High"]].to_numpy()]
        bounds = ["Difference", "Difference low", "Difference high"]
        difference = [_interval(*row, digits=3) for row in found[bounds].to_numpy()]
        p = [
            "–" if math.isnan(v) else _shown_p(v).removeprefix("p ").removeprefix("= ")
            for v in found["p (Holm)"]
        ]
        index = pd.Index([LABELS[str(method)] for method in found.index], name="Method")
        columns = {"Cost": cost, "Difference to the baseline": difference, "p (Holm)": p}
        return pd.DataFrame(columns, index=index)

    def better(self, measure: str = MEASURES[0]) -> list[str]:
        """Return the methods that are clearly better than the baseline, best mean first.

        Parameters
        ----------
        measure : str
            As for `scores`.

        Raises
        ------
        ValueError
            As for `scores`.
        """
        paired = self.paired(measure)
        clear = paired[(paired["p (Holm)"] < 0.05) & (paired["Difference"] > 0)]
        return list(clear.sort_values("Difference", ascending=False).index)

    @property
    def recommendation(self) -> str:
        """What to use, and below it, as a list in Markdown, `points`."""
        points = [f"- {point}" for point in self.points()]
        return "\n\n".join([self.lead, "\n".join(points)] if points else [self.lead])

    @property
    def lead(self) -> str:
        """What to use, in a sentence; what makes every number doubtful comes before it."""
        text = self._no_ground() or self._advice()
        if self.copies:
            note = copies_note(self.copies, int(self.test_counts.sum()))
            text = f"Compare again: {note}. As it is: {text}"
        untested = untested_note(self.classes, self.test_counts)
        return f"{untested}. {text}" if untested else text

    def points(self) -> list[str]:
        """Return sentences on what the lead rests on, and then the `caveats`."""
        if self._no_ground():
            return [f"{self.pixels_note}."] if self.pixels_note else []
        return [*self._grounds(), *self.caveats()]

    def _no_ground(self) -> str:
        """Say why nothing can be recommended; "" if something can."""
        head, seeds = "No recommendation:", len(self.scores())
        if (self.test_counts > 0).sum() < 2:
            return (
                f"{head} with one tested class a method that always answers with it is perfect. "
                "Test at least two."
            )
        if seeds < 2:
            return (
                f"{head} one seed does not show how much a result varies. Compare with at least "
                "three."
            )
        if len(self.confusions) < 2:
            return f"{head} no method was compared with the baseline."
        if lost := sum(c is None for c in self.confusions[BASELINE].values()):
            return (
                f"{head} the baseline diverged with {lost} of {seeds} seeds. Try a lower learning "
                "rate."
            )
        return ""

    def _advice(self) -> str:
        scores = self.scores()
        base, measure = scores[BASELINE].mean(), MEASURES[0].lower()
        if clear := self.better():
            best = scores[clear[0]].mean()
            return (
                f"Use {LABELS[clear[0]]}: {measure} {best:.1f} % against {base:.1f} % of the "
                "baseline."
            )
        if base == 100:
            return (
                "No method can be better than cross-entropy without any remedy, which gets every "
                f"test image right with all {len(scores)} seeds."
            )
        return (
            f"No method is clearly better than cross-entropy without any remedy ({measure} "
            f"{base:.1f} %), judged by {len(scores)} seeds and Holm's correction for "
            f"{self._compared()}. That does not show that none is."
        )

    def _grounds(self) -> list[str]:
        """Return what speaks for the best method, and which others may be as good."""
        if not (clear := self.better()):
            return []
        best, row = clear[0], self.paired().loc[clear[0]]
        found = [
            f"The difference is {row['Difference']:.1f} points (95 % interval {row['Low']:.1f} to "
            f"{row['High']:.1f}; paired over {len(self.scores())} seeds, "
            f"{_shown_p(row['p (Holm)'])} after Holm's correction for {self._compared()})."
        ]
        if clear[1:]:
            others = ", ".join(LABELS[m] for m in clear[1:])
            found.append(f"Also clearly better than the baseline: {others}.")
        if near := self._not_beaten(best):
            found.append(f"Not shown to be worse than it, seed by seed: {', '.join(near)}.")
        return [*found, f"It is trained by `thesis_lib.fit(x, y, {self._as_arguments(best)})`."]

    def _compared(self) -> str:
        return counted(int(self.paired()["p"].notna().sum()), "comparison")

    def _as_arguments(self, method: str) -> str:
        """Write a method and what all were trained with as arguments of `thesis_lib.fit`."""
        shared = [
            name
            for name in ("epochs", "batch_size", "learning_rate", "white")
            if name in self.settings
        ]
        values = [f'method="{method}"', *(f"{n}={self.settings[n]}" for n in shared)]
        if "network" in self.settings:
            name = self.settings["network"]
            values.append(f"network={name if name.isidentifier() else '...'}")
        return ", ".join(values)

    def _not_beaten(self, best: str) -> list[str]:
        """Name the methods whose mean is below the best's by no more than chance can do."""
        scores, step = self.scores(), self._step
        others = scores.columns.drop([BASELINE, best])
        lows = {
            m: paired_t(np.asarray(scores[best] - scores[m]), step, self.overlap)[1] for m in others
        }
        return [LABELS[method] for method, low in lows.items() if low <= 0]

    @property
    def _step(self) -> float:
        """By how many points one image of the smallest test class changes balanced accuracy."""
        tested = self.test_counts[self.test_counts > 0]
        return 100 / (len(tested) * int(tested.min()))

    def caveats(self) -> list[str]:
        """Return sentences on what the comparison cannot show."""
        found = [f"{self.pixels_note}."] if self.pixels_note else []
        guess, best = 100 / int((self.test_counts > 0).sum()), float(self.scores().mean().max())
        if best - guess < _HARDLY * (100 - guess):
            found.append(
                f"Guessing has a balanced accuracy of {guess:.1f} %, and the best method "
                f"{best:.1f} %: it has hardly learned to tell the classes apart. Train longer, on "
                "larger images or on more of them, before you choose."
            )
        found.append(
            "Each seed split the same images anew; intervals and tests allow for what the splits "
            "share (Nadeau and Bengio 2003)."
            if self.overlap
            else "Seeds change the network's initial weights and the order of the images, not the "
            "data: another sample of images may give another ranking. `thesis_lib.compare_splits` "
            "splits one set anew with each seed."
        )
        if len(self.scores()) == 2:
            found.append("Two seeds say little of how much a result varies; take at least three.")
        base = [c for c in self.confusions[BASELINE].values() if c is not None]
        if alike := sum(map(one_answer, base)):
            found.append(
                f"With {alike} of {counted(len(base), 'seed')} the baseline gives every image the "
                "same class: it has not learned yet, and a gain over it says little. Train longer, "
                "or with another learning rate."
            )
        lost = [
            LABELS[method]
            for method, runs in self.confusions.items()
            if method != BASELINE and any(c is None for c in runs.values())
        ]
        if lost:
            found.append(f"Not compared, since a seed diverged: {', '.join(lost)}.")
        if self.updates is not None and self.updates < _FEW_UPDATES:
            found.append(
                f"Each network made only {self.updates} updates, and may be judged before it has "
                "learned; more epochs make more."
            )
        if falling := self.falling():
            names = some([LABELS[method] for method in falling])
            found.append(
                f"The training loss still fell at the end under {names}: in the last fifth of the "
                "epochs by more than a twentieth of its whole fall, with every seed. More epochs "
                "may change the result."
            )
        if rest := self._small_last_batch():
            times = int(self.settings["batch_size"]) / rest
            found.append(
                f"The last batch of an epoch has {counted(rest, 'image')}, so a rare one in it "
                f"weighs {times:.0f} times as much as elsewhere and can throw a network back. "
                "Another batch size avoids that."
            )
        if any("members" in METHODS[method] for method in self.confusions):
            found.append("An ensemble trains five networks, so it had five times the updates.")
        fewest = int(self.test_counts[self.test_counts > 0].min())
        if fewest < 30:
            found.append(
                f"The smallest class has {counted(fewest, 'test image')}, so one "
                f"image changes its recall by {100 / fewest:.0f} points."
            )
        few = [n for n, k in zip(self.classes, self.test_counts, strict=True) if 0 < k < 10]
        if few:
            found.append(f"Fewer than ten test images, too few to judge a class by: {some(few)}.")
        return found

    def _small_last_batch(self) -> int:
        """Return how many images the last batch of an epoch has if these are few, else 0."""
        size = int(self.settings.get("batch_size", 1))
        rest = int(self.train_counts.sum()) % size
        return rest if rest <= _SMALL * size else 0

    def figure(self, measure: str = MEASURES[0]) -> Figure:
        """Draw each method's runs, mean and interval.

        Parameters
        ----------
        measure : str
            As for `scores`.

        Raises
        ------
        ValueError
            As for `scores`.
        """
        from thesis_lib.plots import comparison as plots

        scores = self.scores(measure)
        intervals = [t_interval_of_percentages(scores[m], self.overlap) for m in scores]
        labels = [LABELS[str(method)] for method in scores]
        return plots.method_intervals(labels, intervals, scores.to_numpy().T, measure=measure)

    def recall_figure(self, limit: int = 20) -> Figure:
        """Draw the mean recall of the smallest classes under each method.

        Parameters
        ----------
        limit : int
            How many classes at most: those with the fewest training images.
        """
        from thesis_lib.plots import comparison as plots

        rarest = np.argsort(self.train_counts, kind="stable")[:limit]
        names = [f"{self.classes[c]} ({self.train_counts[c]:,})" for c in rarest]
        recalls = self.recalls()
        labels = [LABELS[str(method)] for method in recalls]
        return plots.recall_grid(labels, names, recalls.to_numpy()[rarest])

    def loss_figure(self) -> Figure:
        """Draw `losses`, a curve a method; those that only decide anew have none of their own."""
        from thesis_lib.plots import results as plots

        trained = {m: c for m, c in self.losses().items() if "base" not in METHODS[str(m)]}
        curves = {LABELS[str(method)]: curve.to_list() for method, curve in trained.items()}
        return plots.learning_curves(curves, ylabel="Training loss")

    def save_report(
        self,
        path: str | Path,
        *,
        source: str = "",
        costs: Costs | None = None,
        prior: Prior | None = None,
    ) -> Path:
        """Write one HTML file that holds everything and needs no network; return its path.

        Parameters
        ----------
        path : str or Path
            As for `comparison_report.write`.
        source : str
            Where the images come from and how they were split, to be said there.
        costs, prior
            As for `costs`: a section on what mistakes cost, left out without.

        Raises
        ------
        ValueError, TypeError
            As for `comparison_report.write` and `costs`.
        """
        from thesis_lib.own import comparison_report

        return comparison_report.write(self, path, source, costs, prior)


def _still_falls(curve: Sequence[float]) -> bool:
    """Say whether a loss still falls at its end, as `Comparison.falling` defines it."""
    fifth = len(curve) // 5
    if fifth < 2:  # a single epoch is mostly chance
        return False
    last = float(np.mean(curve[-fifth:]))
    fallen = float(np.mean(curve[-2 * fifth : -fifth])) - last
    return fallen > max(_FALLING * (curve[0] - last), 0.0)


def copies_note(copies: int, tested: int) -> str:
    """Say what it means that test images are copies of training images.

    Parameters
    ----------
    copies : int
        Test images that are copies.
    tested : int
        All test images.
    """
    are = "is a copy" if copies == 1 else "are copies"
    return (
        f"{copies} of {tested} test images {are} of training images, so that every score is too "
        "high; leave them out of one of the two sets"
    )


def untested_note(classes: Sequence[str], test_counts: Labels) -> str:
    """Name the classes that have no test image; "" if all have one.

    Parameters
    ----------
    classes : sequence of str
    test_counts : ndarray of int64, (n_classes,)
    """
    names = [name for name, count in zip(classes, test_counts, strict=True) if count == 0]
    if not names:
        return ""
    have, them = ("has", "it") if len(names) == 1 else ("have", "them")
    return (
        f"{counted(len(names), 'class', 'classes')} {have} no test image: {some(names)}; "
        f"no measure says anything of {them}"
    )


def _shown(sample: pd.Series, overlap: float) -> str:
    return _interval(*t_interval_of_percentages(sample, overlap), digits=1)


def _interval(mean: float, low: float, high: float, *, digits: int) -> str:
    """Return a mean and the bounds of its interval as far as they are known."""
    if math.isnan(mean):
        return "–"
    text, *bounds = (f"{value:.{digits}f}" for value in (mean, low, high))
    return text if math.isnan(low) else f"{text} [{', '.join(bounds)}]"


def _shown_p(p: Any) -> str:
    return f"p = {p:.3f}" if p >= 0.001 else "p < 0.001"
