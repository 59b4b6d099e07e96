"""Intervals of means and of differences, and p-values adjusted for their number."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import scipy  # its stats load when first asked for: no command waits for them in vain
from numpy.typing import ArrayLike, NDArray


def t_interval(sample: ArrayLike, overlap: float = 0.0) -> tuple[float, float, float]:
    r"""Return the mean and its 95 % interval by Student's t.

    Parameters
    ----------
    sample : array_like of float, (n,)
        NaN (a run that diverged) is left out.
    overlap : float
        How many test images there are to one training image, where each value is of another random
        split of the same images. Such values are not independent, and their mean varies more than
        1 / n says: by about 1 / n + overlap (Nadeau and Bengio, Machine Learning 52, 2003).

    Returns
    -------
    tuple of float
        Mean, lower and upper bound. The bounds are NaN with fewer than two values, and the mean
        too with none.

    Examples
    --------
    Four values, first independent, then of splits of the same images into 80 % and 20 %. There the
    variance of the mean doubles, and the interval is :math:`\sqrt2` times as wide:

    >>> [round(value, 3) for value in t_interval([1, 1, 3, 3])]
    [2.0, 0.163, 3.837]
    >>> [round(value, 3) for value in t_interval([1, 1, 3, 3], overlap=0.25)]
    [2.0, -0.598, 4.598]
    """
    values = np.asarray(sample, dtype=float)
    values = values[~np.isnan(values)]
    if len(values) < 2:
        return float(values.mean()) if len(values) else math.nan, math.nan, math.nan
    error = values.std(ddof=1) * (1 / len(values) + overlap) ** 0.5
    half = float(scipy.stats.t.ppf(0.975, len(values) - 1) * error)
    mean = float(values.mean())
    return mean, mean - half, mean + half


def of_percentage(low: float, high: float) -> tuple[float, float]:
    """Return the bounds of an interval of a percentage as they are shown: cut at 0 and 100.

    Parameters
    ----------
    low, high : float
        NaN stays NaN.
    """
    return float(np.clip(low, 0, 100)), float(np.clip(high, 0, 100))


def t_interval_of_percentages(
    sample: ArrayLike, overlap: float = 0.0
) -> tuple[float, float, float]:
    """Return `t_interval` with its bounds cut at 0 and 100.

    Parameters
    ----------
    sample : array_like of float, (n,)
        Percent.
    overlap : float
        As for `t_interval`.

    Examples
    --------
    The interval of these, 98 ± 4.968, would end above 100:

    >>> [round(value, 3) for value in t_interval_of_percentages([96, 98, 100])]
    [98.0, 93.032, 100.0]
    """
    mean, low, high = t_interval(sample, overlap)
    return mean, *of_percentage(low, high)


def said_percentage(mean: float, low: float, high: float, digits: int = 2) -> str:
    """Say a percentage with its interval: "19.84 ± 2.92", "75.02 (0.00 to 100.00)" or "74.23".

    Parameters
    ----------
    mean, low, high : float
        As of `t_interval`. Where a bound is no percentage, the interval is given by its bounds,
        cut at 0 and 100.
    digits : int
        After the point.
    """
    if math.isnan(low):
        return f"{mean:.{digits}f}"
    shown = of_percentage(low, high)
    if shown != (low, high):
        return f"{mean:.{digits}f} ({shown[0]:.{digits}f} to {shown[1]:.{digits}f})"
    return f"{mean:.{digits}f} ± {(high - low) / 2:.{digits}f}"


def t_prediction(sample: ArrayLike) -> tuple[float, float]:
    r"""Return the 95 % interval of one more value of the same kind, by Student's t.

    Parameters
    ----------
    sample : array_like of float, (n,)
        NaN (a run that diverged) is left out.

    Returns
    -------
    tuple of float
        Lower and upper bound; NaN with fewer than two values.

    Examples
    --------
    For one more value after n the interval is :math:`\sqrt{n+1}` times as wide as that of the mean,
    which is twice as wide after three:

    >>> [round(value, 3) for value in t_interval([1, 2, 3])]
    [2.0, -0.484, 4.484]
    >>> [round(value, 3) for value in t_prediction([1, 2, 3])]
    [-2.968, 6.968]
    """
    mean, _, high = t_interval(sample)
    # The new value varies as one of the sample does, and the mean that it is held against as well.
    half = (high - mean) * (np.count_nonzero(~np.isnan(np.asarray(sample, float))) + 1) ** 0.5
    return float(mean - half), float(mean + half)


def paired_t(
    differences: ArrayLike, step: float, overlap: float = 0.0
) -> tuple[float, float, float, float]:
    r"""Return a mean difference with its 95 % interval and p by the paired t-test.

    Parameters
    ----------
    differences : array_like of float, (n,)
        One value a pair.
    step : float
        What the measure moves in. Differences that agree more closely than such steps can show
        would make the test overconfident, so their deviation is taken as at least
        step / sqrt(12), the error of rounding.
    overlap : float
        As for `t_interval`.

    Returns
    -------
    tuple of float
        Mean, lower and upper bound, p. All but the mean are NaN with fewer than two pairs, or
        where one of them is NaN.

    Examples
    --------
    A count rose by 1 in each of three pairs. The differences do not deviate, so
    :math:`1/\sqrt{12}` is taken; the standard error of their mean is 1 / 6, and t is 6:

    >>> [round(value, 3) for value in paired_t([1, 1, 1], step=1)]
    [1.0, 0.283, 1.717, 0.027]
    """
    values = np.asarray(differences, dtype=float)
    n, mean = len(values), float(values.mean())
    if n < 2 or math.isnan(mean):
        return mean, math.nan, math.nan, math.nan
    error = max(float(values.std(ddof=1)), step / 12**0.5) * (1 / n + overlap) ** 0.5
    half = float(scipy.stats.t.ppf(0.975, n - 1)) * error
    return mean, mean - half, mean + half, float(2 * scipy.stats.t.sf(abs(mean) / error, n - 1))


def spread_ratio(one: Sequence[float], other: Sequence[float]) -> tuple[float, float, float]:
    """Return the ratio of two standard deviations with its 95 % interval by the F distribution.

    Parameters
    ----------
    one, other : sequence of float
        Two samples or more each, of normal distributions.

    Examples
    --------
    With five values each, even twice the deviation may be chance:

    >>> [round(value, 3) for value in spread_ratio([0, 2, 4, 6, 8], [0, 1, 2, 3, 4])]
    [2.0, 0.645, 6.198]
    """
    ratio = float(np.std(one, ddof=1) / np.std(other, ddof=1))
    bounds = scipy.stats.f.ppf([0.975, 0.025], len(one) - 1, len(other) - 1)
    low, high = (ratio / math.sqrt(bound) for bound in bounds)
    return ratio, low, high


def welch(one: Sequence[float], other: Sequence[float]) -> tuple[float, float, float]:
    """Return the difference of two means with its 95 % interval by Welch's t test.

    The test does not suppose that the two spreads are equal (Welch, Biometrika 34, 1947).

    Parameters
    ----------
    one, other : sequence of float
        One value a run; NaN (a run that diverged) is left out.

    Returns
    -------
    tuple of float
        Mean of ``one`` minus mean of ``other``, lower and upper bound. The bounds are NaN with
        fewer than two values on a side, and equal the difference where neither side varies.

    Examples
    --------
    Four degrees of freedom where both vary alike. Where only one side varies two are left, and the
    interval is wider, though there is less variation:

    >>> [round(value, 3) for value in welch([4, 5, 6], [1, 2, 3])]
    [3.0, 0.733, 5.267]
    >>> [round(value, 3) for value in welch([4, 5, 6], [2, 2, 2])]
    [3.0, 0.516, 5.484]
    """
    difference, error, freedom = _welch(one, other)
    half = 0.0 if error == 0 else float(scipy.stats.t.ppf(0.975, freedom)) * error
    return difference, difference - half, difference + half


def welch_p(one: Sequence[float], other: Sequence[float]) -> float:
    """Return p of Welch's t test of two equal means.

    Parameters
    ----------
    one, other : sequence of float
        As for `welch`.

    Returns
    -------
    float
        NaN with fewer than two values on a side; where neither side varies, 0 if the two differ
        and 1 if they do not.
    """
    difference, error, freedom = _welch(one, other)
    if error == 0:
        return float(abs(difference) < 1e-9)
    return float(2 * scipy.stats.t.sf(abs(difference) / error, freedom))


def _welch(one: Sequence[float], other: Sequence[float]) -> tuple[float, float, float]:
    """Return the difference of two means, its standard error and the degrees of freedom."""
    a, b = (np.asarray([v for v in values if not math.isnan(v)]) for values in (one, other))
    if not len(a) or not len(b):
        return math.nan, math.nan, math.nan
    difference = float(a.mean() - b.mean())
    if min(len(a), len(b)) < 2:
        return difference, math.nan, math.nan
    # Equal values have a spread of rounding errors, which would make the degrees of freedom noise.
    parts = [0.0 if np.ptp(x) < 1e-9 else float(x.var(ddof=1)) / len(x) for x in (a, b)]
    variance = sum(parts)
    if variance == 0:
        return difference, 0.0, math.nan
    freedom = variance**2 / (parts[0] ** 2 / (len(a) - 1) + parts[1] ** 2 / (len(b) - 1))
    return difference, math.sqrt(variance), freedom


def holm(p: ArrayLike) -> NDArray[np.float64]:
    """Adjust p-values for their number by Holm's step-down procedure (1979).

    Parameters
    ----------
    p : array_like, (n,)
        In [0, 1]; NaN stay NaN and do not count.

    Returns
    -------
    ndarray of float64, (n,)
        In [0, 1].

    Examples
    --------
    The smallest of three is multiplied by 3 and the next by 2; none falls below one before it:

    >>> holm([0.01, 0.04, np.nan, 0.03]).round(3).tolist()
    [0.03, 0.06, nan, 0.06]
    """
    values = np.asarray(p, dtype=float)
    adjusted = np.full(values.shape, np.nan)
    order = np.argsort(values)[: int((~np.isnan(values)).sum())]
    factors = len(order) - np.arange(len(order))
    adjusted[order] = np.minimum(np.maximum.accumulate(values[order] * factors), 1)
    return adjusted
