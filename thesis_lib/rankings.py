"""Which method is better, and how sure is that: statistics over draws, seeds and many methods."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import stats

from thesis_lib import arguments
from thesis_lib.intervals import holm, t_interval

Interval = tuple[float, float]


PAIRED = ["Difference", "Low", "High", "Wins", "Losses", "p", "p (Holm)"]
"""The columns of `paired`."""


@dataclass(frozen=True)
class Components:
    """How much of the spread of a score comes from the draw, and how much from the seed.

    Attributes
    ----------
    mean : float
    mean_interval : tuple of float
        Of the mean over all possible draws, and over all possible seeds if each draw has its own.
    draw, seed : float
        Variance between draws, and between the seeds of a draw, in squared units of the score.
        That between draws is estimated without bias, so it may fall below zero.
    draw_interval, seed_interval : tuple of float
    share : float
        Of the draws in the whole variance of a single run, from 0 to 1.
    share_interval : tuple of float
        NaN for the same seeds in all draws.
    """

    mean: float
    mean_interval: Interval
    draw: float
    draw_interval: Interval
    seed: float
    seed_interval: Interval
    share: float
    share_interval: Interval


def variance_components(
    scores: ArrayLike, *, same_seeds: bool = False, confidence: float = 0.95
) -> Components:
    r"""Split the variance of scores by an analysis of variance with random draws.

    With a draws of n seeds each, the mean square between the draws estimates
    :math:`n\sigma_D^2+\sigma_E^2`. Where each draw has seeds of its own, the mean square within
    the draws estimates :math:`\sigma_E^2`, and that is the variance of seeds. Where all draws have
    the same seeds, a seed may suit every draw: then :math:`\sigma_E^2` is what is left in the
    two-way table without draws and seeds, and what a seed does to all draws alike belongs to the
    variance of seeds as well.

    The interval of :math:`\sigma_D^2` is Williams's and Tukey's, which holds at least the
    confidence (Searle, Casella and McCulloch, *Variance Components*, 1992, section 3.6). For seeds
    of each draw's own and normal errors, those of the variance of seeds and of the share are exact.
    For the same seeds the first is Graybill's and Wang's (1980), which is wide where there are few
    seeds, and the share has none.

    Parameters
    ----------
    scores : array_like, (draws, seeds)
        At least two of each, none missing.
    same_seeds : bool
        Whether a column is one seed in all rows.
    confidence : float
        Between 0 and 1.

    Returns
    -------
    Components

    Raises
    ------
    ValueError, TypeError
        If the scores or the confidence are not as above.

    Examples
    --------
    Two draws of two seeds. The second seed is better by 2 in both, which counts as luck of each
    draw's own seeds, unless they are the same:

    >>> scores = [[1, 3], [5, 7]]
    >>> own, same = variance_components(scores), variance_components(scores, same_seeds=True)
    >>> own.draw, own.seed, same.draw, same.seed
    (7.0, 2.0, 8.0, 2.0)
    """
    values = np.asarray(scores, dtype=np.float64)
    if values.ndim != 2 or min(values.shape) < 2 or not np.isfinite(values).all():
        raise ValueError(
            f"scores has to be (draws, seeds), two of each or more, and finite; got shape "
            f"{values.shape} with {int((~np.isfinite(values)).sum())} missing values."
        )
    low, high = _tails(confidence)
    a, n = values.shape
    between, within = a - 1, a * (n - 1)
    means, apart = values.mean(1), values - values.mean(1, keepdims=True)
    of_draws = float(n * means.var(ddof=1))
    of_seeds = float((apart**2).sum() / within)
    error, left = of_seeds, within  # what the mean square between draws holds beside draws
    if same_seeds:
        left = (a - 1) * (n - 1)
        error = float(((apart - apart.mean(0)) ** 2).sum() / left)
    # The variance of seeds is the sum of these, each with its degrees of freedom.
    sums = [(error, left)]
    if same_seeds:
        sums = [(error * between / a, left), (float(apart.mean(0).var(ddof=1)), n - 1)]
    f = {tail: float(stats.f.ppf(tail, between, left)) for tail in (low, high)}
    draws = tuple(
        max(0.0, between * (of_draws - f[tail] * error) / n / float(stats.chi2.ppf(tail, between)))
        for tail in (high, low)
    )
    draw = (of_draws - error) / n
    # Scores that never vary leave 0 / 0: then nothing is known of where variance comes from.
    ratio = of_draws / of_seeds if of_seeds > 0 else np.inf if of_draws > 0 else np.nan
    # `np.maximum` keeps NaN, which `max` would turn into 0.
    thetas = [np.maximum((ratio / f[tail] - 1) / n, 0.0) for tail in (high, low)]
    shares = [1.0 if np.isinf(theta) else theta / (1 + theta) for theta in thetas]
    whole = max(draw, 0.0) + of_seeds
    half = float(stats.t.ppf(high, between)) * (of_draws / (a * n)) ** 0.5
    mean = float(values.mean())
    return Components(
        mean=mean,
        mean_interval=(mean - half, mean + half),
        draw=draw,
        draw_interval=(draws[0], draws[1]),
        seed=of_seeds,
        seed_interval=(of_seeds - _reach(sums, high), of_seeds + _reach(sums, low)),
        share=max(draw, 0.0) / whole if whole > 0 else np.nan,
        share_interval=(np.nan, np.nan) if same_seeds else (float(shares[0]), float(shares[1])),
    )


def _reach(sums: list[tuple[float, int]], tail: float) -> float:
    """Return how far the bound of a sum of mean squares lies from it (Graybill and Wang 1980).

    Of a single one this is the exact interval of a variance.
    """
    parts = [part * (freedom / stats.chi2.ppf(tail, freedom) - 1) for part, freedom in sums]
    return float(np.linalg.norm(parts))


def paired(scores: pd.DataFrame, baseline: str) -> pd.DataFrame:
    """Compare each method with a baseline, draw by draw.

    Parameters
    ----------
    scores : DataFrame
        A row a draw (the mean of its seeds), a column a method, none missing.
    baseline : str
        One of the columns.

    Returns
    -------
    DataFrame
        A row a method: mean difference with its 95 % t interval, the number of draws on which it
        wins and loses, p of Wilcoxon's signed-rank test (`signed_rank`), and p after Holm's
        correction for the number of methods.

    Raises
    ------
    ValueError
        If there are fewer than two draws or methods, a score is missing, or the baseline is none
        of the columns.

    Examples
    --------
    SMOTE gains 1, 2 and 3 points on three draws, and class weights 1, 0 and -1:

    >>> scores = {"None": [70, 71, 72], "SMOTE": [71, 73, 75], "Weights": [71, 71, 71]}
    >>> paired(pd.DataFrame(scores), baseline="None").T.round(3)
    Method      SMOTE  Weights
    Difference  2.000    0.000
    Low        -0.484   -2.484
    High        4.484    2.484
    Wins        3.000    1.000
    Losses      0.000    1.000
    p           0.250    1.000
    p (Holm)    0.500    1.000
    """
    frame = _checked(scores)
    arguments.one_of("baseline", baseline, frame)
    rows = {}
    for method in frame.columns.drop(baseline):
        gain = (frame[method] - frame[baseline]).to_numpy(dtype=float)
        wins, losses = int((gain > 0).sum()), int((gain < 0).sum())
        rows[method] = (*t_interval(gain), wins, losses, signed_rank(gain))
    found = pd.DataFrame.from_dict(rows, orient="index", columns=PAIRED[:-1])
    found[PAIRED[-1]] = holm(found["p"].to_numpy(dtype=float))
    return found.rename_axis("Method")


def signed_rank(differences: ArrayLike) -> float:
    """Return p of Wilcoxon's signed-rank test (1945), two-sided and exact, with ties as well.

    Equal sizes share their mean rank, and zeros are left out. Each sign is as likely as the other
    if the differences lie about 0 in the same way to both sides, which gives the distribution.

    Parameters
    ----------
    differences : array_like, (n,)
        One a pair, none missing.

    Returns
    -------
    float
        1 without any difference.

    Examples
    --------
    Of the 32 ways to give five differences a sign, two are as extreme as no loss at all, so five
    pairs never reach 0.05:

    >>> signed_rank([1, 2, 3, 4, 5])
    0.0625
    """
    values = np.asarray(differences, dtype=np.float64)
    # What differs by errors of rounding only is a tie.
    values = values.round(9)[values.round(9) != 0]
    if not len(values):
        return 1.0
    ranks = (2 * stats.rankdata(np.abs(values))).astype(int)  # whole, since a mean rank is a half
    counts = np.ones(1)
    for rank in ranks:
        counts = (np.pad(counts, (0, rank)) + np.pad(counts, (rank, 0))) / 2
    above = int(ranks[values > 0].sum())
    return float(min(1.0, 2 * min(counts[: above + 1].sum(), counts[above:].sum())))


@dataclass(frozen=True)
class Friedman:
    """Friedman's test of equal methods, and Nemenyi's critical difference.

    Attributes
    ----------
    ranks : Series
        Mean rank of each method, the best (1 is first) on top.
    chi2, p : float
        Friedman's statistic, and its p by the chi-squared distribution.
    f, p_f : float
        Iman's and Davenport's statistic (1980), which is less conservative, and its p.
    critical_difference : float
        Two methods differ if their mean ranks differ by at least this.
    n : int
        Number of draws.
    """

    ranks: pd.Series
    chi2: float
    p: float
    f: float
    p_f: float
    critical_difference: float
    n: int

    def cliques(self) -> list[list[str]]:
        """Return the largest groups of methods that do not differ, as bars of a diagram show."""
        names, ranks = list(self.ranks.index), self.ranks.to_numpy(dtype=float)
        found: list[list[str]] = []
        for first, rank in enumerate(ranks):
            last = int(np.flatnonzero(ranks - rank < self.critical_difference)[-1])
            group = names[first : last + 1]
            if len(group) > 1 and not (found and set(group) <= set(found[-1])):
                found.append(group)
        return found


def friedman(scores: pd.DataFrame, *, alpha: float = 0.05) -> Friedman:
    r"""Rank the methods on each draw and test whether they are all alike (Demšar 2006).

    With mean ranks :math:`R_j` of k methods on N draws,
    :math:`\chi_F^2=\frac{12N}{k(k+1)}\big(\sum_jR_j^2-\frac{k(k+1)^2}4\big)` and
    :math:`F_F=\frac{(N-1)\chi_F^2}{N(k-1)-\chi_F^2}`. Ties share their mean rank.

    Parameters
    ----------
    scores : DataFrame
        A row a draw, a column a method, larger is better, none missing.
    alpha : float
        Level of the critical difference, between 0 and 1.

    Returns
    -------
    Friedman

    Raises
    ------
    ValueError, TypeError
        If scores or alpha are not as above.

    Examples
    --------
    On four draws A comes first three times, B once, and C is always the last:

    >>> scores = pd.DataFrame({"A": [9, 9, 9, 8], "B": [8, 8, 8, 9], "C": [7, 7, 7, 7]})
    >>> test = friedman(scores)
    >>> test.ranks.to_dict(), round(test.chi2, 3), round(test.f, 3)
    ({'A': 1.25, 'B': 1.75, 'C': 3.0}, 6.5, 13.0)

    Mean ranks have to differ by 1.657, as those of A and C alone do:

    >>> round(test.critical_difference, 3), test.cliques()
    (1.657, [['A', 'B'], ['B', 'C']])
    """
    frame = _checked(scores)
    n, k = frame.shape
    ranks = frame.rank(axis=1, ascending=False).mean().sort_values(kind="stable")
    squares = float((ranks**2).sum())
    chi2 = max(0.0, 12 * n / (k * (k + 1)) * (squares - k * (k + 1) ** 2 / 4))
    left = n * (k - 1) - chi2
    f = (n - 1) * chi2 / left if left > 1e-9 else np.inf
    return Friedman(
        ranks=ranks,
        chi2=chi2,
        p=float(stats.chi2.sf(chi2, k - 1)),
        f=f,
        p_f=float(stats.f.sf(f, k - 1, (k - 1) * (n - 1))),
        critical_difference=critical_difference(k, n, alpha=alpha),
        n=n,
    )


def concordance(scores: pd.DataFrame) -> tuple[float, float]:
    """Return how far methods agree on the order of the draws: Kendall's W and Friedman's p.

    Parameters
    ----------
    scores : DataFrame
        A row a draw, three or more; a column a method.

    Returns
    -------
    tuple of float
        W, 0 for no agreement and 1 for one order, and the p of orders that have nothing in common.

    Examples
    --------
    Two methods order three draws alike, and the third swaps two of them:

    >>> scores = pd.DataFrame({"A": [1, 2, 3], "B": [4, 6, 8], "C": [7, 9, 8]})
    >>> [round(value, 3) for value in concordance(scores)]
    [0.778, 0.097]
    """
    test = stats.friedmanchisquare(*scores.to_numpy())
    n_draws, n_methods = scores.shape
    return float(test.statistic) / (n_methods * (n_draws - 1)), float(test.pvalue)


def critical_difference(n_methods: int, n_draws: int, *, alpha: float = 0.05) -> float:
    r"""Return Nemenyi's critical difference of mean ranks, :math:`q_\alpha\sqrt{k(k+1)/6N}`.

    :math:`q_\alpha` is the quantile of the studentised range with infinite degrees of freedom over
    :math:`\sqrt2` (Demšar 2006, table 5).

    Parameters
    ----------
    n_methods, n_draws : int
        k and N, each at least 2.
    alpha : float
        Level, between 0 and 1.

    Returns
    -------
    float
        In ranks.

    Raises
    ------
    ValueError, TypeError
        If an argument is no number in its range.

    Examples
    --------
    Demšar's own example, four methods on 14 data sets:

    >>> round(critical_difference(4, 14), 2)
    1.25
    """
    n_methods = arguments.whole("n_methods", n_methods, 2)
    n_draws = arguments.whole("n_draws", n_draws, 2)
    alpha = arguments.number("alpha", alpha, 0, 1, "()")
    q = float(stats.studentized_range.ppf(1 - alpha, n_methods, np.inf)) / 2**0.5
    return float(q * (n_methods * (n_methods + 1) / (6 * n_draws)) ** 0.5)


def rank_correlation(
    x: ArrayLike, y: ArrayLike, *, confidence: float = 0.95
) -> tuple[float, float, float]:
    r"""Return Spearman's rank correlation of two scores of the same methods, with its interval.

    The interval is that of Fisher's :math:`\operatorname{artanh} r` with the variance
    :math:`(1+r^2/2)/(n-3)` (Bonett and Wright 2000, Psychometrika 65, 23-28).

    Parameters
    ----------
    x, y : array_like, (n,)
        Of the same n methods; at least four, none missing.
    confidence : float
        Between 0 and 1.

    Returns
    -------
    r, low, high : float
        NaN if all of x or all of y are equal; at r = 1 or -1 the interval is that point.

    Raises
    ------
    ValueError, TypeError
        If x, y or the confidence are not as above.

    Examples
    --------
    Five methods, two of which change places. Even 0.9 does not exclude 0 with so few:

    >>> [round(value, 3) for value in rank_correlation([1, 2, 3, 4, 5], [1, 2, 3, 5, 4])]
    [0.9, -0.169, 0.996]
    """
    _, high = _tails(confidence)
    a, b = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    if a.ndim != 1 or a.shape != b.shape or len(a) < 4 or not np.isfinite([a, b]).all():
        raise ValueError(
            f"x and y have to be finite scores of the same methods, four or more; got shapes "
            f"{a.shape} and {b.shape}."
        )
    if np.ptp(a) == 0 or np.ptp(b) == 0:
        return np.nan, np.nan, np.nan
    r = float(np.clip(stats.spearmanr(a, b).statistic, -1, 1))
    if abs(r) == 1:
        return r, r, r
    half = float(stats.norm.ppf(high)) * ((1 + r**2 / 2) / (len(a) - 3)) ** 0.5
    return r, float(np.tanh(np.arctanh(r) - half)), float(np.tanh(np.arctanh(r) + half))


def _tails(confidence: float) -> Interval:
    confidence = arguments.number("confidence", confidence, 0, 1, "()")
    return (1 - confidence) / 2, (1 + confidence) / 2


def _checked(scores: pd.DataFrame) -> pd.DataFrame:
    if min(scores.shape) < 2:
        raise ValueError(
            f"scores has to have two draws (rows) and two methods (columns) or more; got "
            f"{scores.shape[0]} and {scores.shape[1]}."
        )
    if not np.isfinite(scores.to_numpy(dtype=float)).all():
        raise ValueError("scores has missing values; drop the draws that lack a method.")
    return scores
