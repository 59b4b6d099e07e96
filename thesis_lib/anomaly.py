"""Anomaly detection: confidence, Gaussian density, and how well a score tells samples apart."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from thesis_lib import arguments

Floats = NDArray[np.float64]

MEASURES = ("AUROC", "AUPR", "FPR at 95 % TPR")


def confidence(probabilities: ArrayLike) -> Floats:
    """Return the largest probability of each row (thesis, section 5.1).

    Parameters
    ----------
    probabilities : array_like, (n, n_classes)
        In [0, 1].

    Returns
    -------
    ndarray of float64, (n,)
        In [0, 1].

    Raises
    ------
    ValueError
        If probabilities are not as above.
    """
    outputs = np.asarray(probabilities, dtype=np.float64)
    if outputs.ndim != 2 or outputs.size == 0:
        raise ValueError(f"probabilities have to have shape (n, classes); got {outputs.shape}.")
    if not np.isfinite(outputs).all() or outputs.min() < 0 or outputs.max() > 1 + 1e-6:
        raise ValueError("probabilities have to lie in [0, 1].")
    return np.asarray(outputs.max(1))


def is_anomaly(scores: ArrayLike, threshold: float) -> NDArray[np.bool_]:
    """Whether scores, high for normal inputs, do not exceed a threshold (thesis, section 5.1).

    Parameters
    ----------
    scores : array_like, (n,)
        Of `confidence`, or of any of :mod:`thesis_lib.scores`.
    threshold : float
        Finite.

    Returns
    -------
    ndarray of bool, (n,)

    Raises
    ------
    ValueError, TypeError
        If a score or the threshold is no finite number.

    Examples
    --------
    An input on the threshold is anomalous:

    >>> is_anomaly(confidence([[0.9, 0.1], [0.4, 0.6], [0.2, 0.8]]), 0.6).tolist()
    [False, True, False]
    """
    threshold = arguments.number("threshold", threshold)
    return _finite_scores(scores) <= threshold


class GaussianDensity:
    r"""Independent Gaussians, one a feature, in logarithms (thesis, section 5.2).

    :math:`\log p(x)=-\frac12\sum_j\big((x_j-\mu_j)^2/\sigma_j^2+\log2\pi\sigma_j^2\big)`.
    Products of many small densities underflow; sums of their logarithms do not.

    Attributes
    ----------
    mean, variance : ndarray of float64, (features,)
        Those of the training data, the variance divided by n; None before `fit`.
    threshold : float
        Log density up to which a point is anomalous; None before `fit`.

    Examples
    --------
    Points with mean 0 and variance 1: the density at 0 is :math:`1/\sqrt{2\pi}`, and its logarithm
    falls by :math:`x^2/2`.

    >>> density = GaussianDensity().fit([[-2], [0], [0], [0], [0], [0], [0], [2]])
    >>> density.log_density([[0], [3]]).round(3).tolist(), round(density.threshold, 3)
    ([-0.919, -5.419], -2.919)
    >>> density.is_anomaly([[0], [3]]).tolist()
    [False, True]
    """

    mean: Floats | None = None
    variance: Floats | None = None
    threshold: float | None = None

    def fit(self, x: ArrayLike, *, quantile: float = 0.01) -> GaussianDensity:
        """Estimate means and variances, and the threshold.

        Parameters
        ----------
        x : array_like, (n, features)
        quantile : float
            Share of the training data, in [0, 1], that the threshold calls anomalous.

        Returns
        -------
        GaussianDensity
            Itself.

        Raises
        ------
        ValueError, TypeError
            If x is empty, not finite, or has a constant feature; if quantile is outside its range.
        """
        points = _points(x)
        quantile = arguments.number("quantile", quantile, 0, 1)
        variance = points.var(0)
        if (variance == 0).any():
            constant = np.flatnonzero(variance == 0).tolist()
            raise ValueError(f"Features {constant} of x are constant; leave them out.")
        self.mean, self.variance = points.mean(0), variance
        self.threshold = float(np.quantile(self.log_density(points), quantile))
        return self

    def log_density(self, x: ArrayLike) -> Floats:
        """Return the natural logarithm of the density.

        Parameters
        ----------
        x : array_like, (n, features)

        Returns
        -------
        ndarray of float64, (n,)

        Raises
        ------
        RuntimeError
            Before `fit`.
        ValueError
            If x is empty, not finite, or has other features than were fitted.
        """
        if self.mean is None or self.variance is None:
            raise RuntimeError("Call fit() before log_density().")
        points = _points(x)
        if points.shape[1] != len(self.mean):
            raise ValueError(f"x has {points.shape[1]} features, but {len(self.mean)} were fitted.")
        squared = (points - self.mean) ** 2 / self.variance
        return np.asarray(-0.5 * (squared + np.log(2 * np.pi * self.variance)).sum(1))

    def is_anomaly(self, x: ArrayLike) -> NDArray[np.bool_]:
        """Whether the density does not exceed the threshold.

        Parameters
        ----------
        x : array_like, (n, features)

        Returns
        -------
        ndarray of bool, (n,)

        Raises
        ------
        RuntimeError, ValueError
            As for `log_density`.
        """
        density = self.log_density(x)
        assert self.threshold is not None  # fit() sets all three
        return density <= self.threshold


def detection(normal: ArrayLike, anomalous: ArrayLike) -> dict[str, float]:
    """Measure how well a score, high for normal inputs, tells two samples apart.

    Normal inputs are the positive class throughout: the last entry is the share of anomalies
    that pass as normal at the highest threshold that lets 95 % of the normal inputs pass.

    Parameters
    ----------
    normal, anomalous : array_like, (n,), (m,)

    Returns
    -------
    dict
        "AUROC", "AUPR", "FPR at 95 % TPR", all in [0, 1]. AUPR is the average precision; of a
        score that knows nothing it is the share of normal inputs, n / (n + m).

    Raises
    ------
    ValueError
        If a sample is empty or holds NaN.

    Examples
    --------
    Five of six pairs are in order. One of two anomalies passes where all normal inputs do:

    >>> found = detection([0.9, 0.8, 0.4], [0.6, 0.1])
    >>> {name: round(value, 3) for name, value in found.items()}
    {'AUROC': 0.833, 'AUPR': 0.917, 'FPR at 95 % TPR': 0.5}
    """
    ranked = _Ranked(normal, anomalous)
    values = ranked.measures(np.ones(len(ranked.normal)), np.ones(len(ranked.anomalous)))
    return dict(zip(MEASURES, values.tolist(), strict=True))


def detection_intervals(
    normal: ArrayLike,
    anomalous: ArrayLike,
    *,
    groups: ArrayLike | None = None,
    repeats: int = 1000,
    level: float = 0.95,
    random_state: int = 0,
) -> dict[str, tuple[float, float, float]]:
    """Measure as :func:`detection` does, with bootstrap percentile intervals (Efron, 1979).

    Both samples are drawn again with replacement, each at its own size.

    Parameters
    ----------
    normal, anomalous : array_like, (n,), (m,)
    groups : array_like, (m,), optional
        Anomalies with equal entries are drawn together, since they are not independent: the
        colour channels of one picture, for instance.
    repeats : int
        Samples drawn, at least 2.
    level : float
        Share of the drawn samples inside the interval, in (0, 1).
    random_state : int

    Returns
    -------
    dict
        Name of each measure to its value and the bounds of its interval.

    Raises
    ------
    ValueError, TypeError
        If a sample is empty or holds NaN, or an argument is out of its range.

    Examples
    --------
    Of two anomalies one passes and one does not. Drawn apart, both may pass, or none; drawn
    together as parts of one picture, always one of two:

    >>> detection_intervals([1, 1], [2, 0])["AUROC"]
    (0.5, 0.0, 1.0)
    >>> detection_intervals([1, 1], [2, 0], groups=["cat", "cat"])["AUROC"]
    (0.5, 0.5, 0.5)
    """
    drawn = _bootstrap([_Ranked(normal, anomalous)], groups, repeats, level, random_state)
    return _with_bounds(detection(normal, anomalous), drawn[:, 0], level)


def detection_differences(
    one: tuple[ArrayLike, ArrayLike],
    other: tuple[ArrayLike, ArrayLike],
    *,
    groups: ArrayLike | None = None,
    repeats: int = 1000,
    level: float = 0.95,
) -> dict[str, tuple[float, float, float]]:
    """Compare two scores of the same inputs: measures of the first minus those of the second.

    Each bootstrap sample draws the same inputs for both scores, so what makes an input hard for
    both does not widen the interval. Intervals of two scores may overlap, and that of their
    difference exclude 0.

    Parameters
    ----------
    one, other : (normal, anomalous), each array_like, (n,) and (m,)
        The two scores' values for the same inputs in the same order.
    groups, repeats, level
        As in :func:`detection_intervals`.

    Returns
    -------
    dict
        Name of each measure to the difference and the bounds of its interval.

    Raises
    ------
    ValueError, TypeError
        If the scores are not of the same numbers of inputs, or as in :func:`detection_intervals`.

    Examples
    --------
    Two scores that put the inputs in the same order do not differ, however wide the interval of
    each is:

    >>> score, doubled = ([1, 1], [2, 0]), ([2, 2], [4, 0])
    >>> detection_differences(score, doubled)["AUROC"]
    (0.0, 0.0, 0.0)
    """
    ranked = [_Ranked(*one), _Ranked(*other)]
    sizes = [(len(pair.normal), len(pair.anomalous)) for pair in ranked]
    if sizes[0] != sizes[1]:
        raise ValueError(
            f"Both scores have to be of the same inputs; got {sizes[0]} and {sizes[1]}."
        )
    drawn = _bootstrap(ranked, groups, repeats, level, random_state=0)
    first, second = detection(*one), detection(*other)
    values = {name: first[name] - second[name] for name in MEASURES}
    return _with_bounds(values, drawn[:, 0] - drawn[:, 1], level)


def percent(interval: tuple[float, float, float]) -> str:
    """Write a share and the bounds of its interval in percent: "97.4 [97.1,97.6]".

    Parameters
    ----------
    interval : (value, low, high)
        In [0, 1].
    """
    # No space inside the brackets: a narrow column would break the interval there.
    value, low, high = (f"{100 * number:.1f}" for number in interval)
    return f"{value} [{low},{high}]"


def roc(normal: ArrayLike, anomalous: ArrayLike) -> tuple[Floats, Floats]:
    """Return false and true positive rate at every threshold, normal inputs being positive.

    Parameters
    ----------
    normal, anomalous : array_like, (n,), (m,)
        Scores, high for normal inputs.

    Returns
    -------
    fpr, tpr : ndarray of float64, (k,)
        Share of the anomalies and of the normal inputs that pass, both rising from 0 to 1.

    Raises
    ------
    ValueError
        If a sample is empty or holds NaN.

    Examples
    --------
    A step for each score from the highest down, up for a normal input and right for an anomaly:

    >>> fpr, tpr = roc([0.9, 0.4], [0.6, 0.1])
    >>> fpr.tolist(), tpr.tolist()
    ([0.0, 0.0, 0.5, 0.5, 1.0], [0.0, 0.5, 0.5, 1.0, 1.0])
    """
    ranked = _Ranked(normal, anomalous)
    passed = [
        np.concatenate([[0], np.bincount(rows, minlength=ranked.size).cumsum() / len(rows)])
        for rows in (ranked.anomalous, ranked.normal)
    ]
    return passed[0], passed[1]


class _Ranked:
    """Two samples of scores as positions among their distinct values, from the highest down.

    However often a score is counted, its position stays: a bootstrap need not sort again.
    """

    def __init__(self, normal: ArrayLike, anomalous: ArrayLike) -> None:
        good, bad = np.ravel(normal), np.ravel(anomalous)
        if not len(good) or not len(bad):
            raise ValueError("normal and anomalous both have to hold at least one score.")
        scores = np.concatenate([good, bad])
        if np.isnan(scores).any():
            raise ValueError("The scores hold NaN; a NaN can be put in no order.")
        values, rising = np.unique(scores, return_inverse=True)
        self.size = len(values)
        rows = self.size - 1 - rising
        self.normal, self.anomalous = rows[: len(good)], rows[len(good) :]

    def measures(self, normal_counts: Floats, anomalous_counts: Floats) -> Floats:
        """Return the three measures, (3,), where each score counts so often, (n,) and (m,)."""
        good = np.bincount(self.normal, normal_counts, self.size)
        bad = np.bincount(self.anomalous, anomalous_counts, self.size)
        true, false = good.cumsum(), bad.cumsum()
        n, m = true[-1], false[-1]
        # An anomaly loses against every normal input above it; a tie counts half. A sum, for a
        # product of short vectors wakes all of BLAS's threads, which takes longer than the rest.
        auroc = (bad * (true - good / 2)).sum() / (n * m)
        # Where nothing is counted yet, the numerator is zero too.
        aupr = (good * true / np.maximum(true + false, 1)).sum() / n
        # In whole numbers, since 0.95 n may be rounded past the count that just reaches it.
        fpr = false[(20 * true >= 19 * n).argmax()] / m
        return np.array([auroc, aupr, fpr])


def _bootstrap(
    ranked: list[_Ranked],
    groups: ArrayLike | None,
    repeats: int,
    level: float,
    random_state: int,
) -> Floats:
    """Measure scores of the same inputs on samples drawn again, (repeats, scores, 3)."""
    repeats = arguments.whole("repeats", repeats, 2)
    arguments.number("level", level, 0, 1, "()")
    n, m = len(ranked[0].normal), len(ranked[0].anomalous)
    members = np.arange(m) if groups is None else np.ravel(groups)
    if len(members) != m:
        raise ValueError(f"groups has {len(members)} entries for {m} anomalous scores.")
    names, group_of = np.unique(members, return_inverse=True)
    rng = np.random.default_rng(random_state)
    samples = []
    for _ in range(repeats):
        counts = _drawn_again(rng, n), _drawn_again(rng, len(names))[group_of]
        samples.append([score.measures(*counts) for score in ranked])
    return np.array(samples)


def _with_bounds(
    values: dict[str, float], drawn: Floats, level: float
) -> dict[str, tuple[float, float, float]]:
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2], axis=0).tolist()
    return {name: (values[name], low[k], high[k]) for k, name in enumerate(MEASURES)}


def _drawn_again(rng: np.random.Generator, n: int) -> Floats:
    """Return how often each of n comes up in n draws with replacement, (n,)."""
    return np.bincount(rng.integers(n, size=n), minlength=n).astype(np.float64)


def _finite_scores(scores: ArrayLike) -> Floats:
    # In float64, which tells a threshold from the score next above it.
    values = np.asarray(scores, dtype=np.float64)
    if not np.isfinite(values).all():
        raise ValueError("scores hold NaN or infinite values; remove or replace them.")
    return values


def _points(x: ArrayLike) -> NDArray[Any]:
    points = np.asarray(x, dtype=np.float64)
    if points.ndim != 2 or points.size == 0:
        raise ValueError(f"x has to have shape (n, features); got {points.shape}.")
    if not np.isfinite(points).all():
        raise ValueError("x holds NaN or infinite values; remove or replace them.")
    return points
