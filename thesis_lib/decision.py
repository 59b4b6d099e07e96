"""What happens after the network: costs, threshold moving and prior correction."""

from __future__ import annotations

import numbers
from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from thesis_lib import arguments

Floats = NDArray[np.float64]

TAUS = tuple(k / 20 for k in range(41))
"""The corrections that `tune_tau` tries, from none to twice the full one."""


def cost_matrix(n_classes: int, costs: Mapping[tuple[int, int], float] | None = None) -> Floats:
    """Build a cost matrix: 0 on the diagonal, 1 elsewhere, and what is given.

    Parameters
    ----------
    n_classes : int
        At least 2.
    costs : mapping of (true, predicted) to float, optional
        Costs of single mistakes, not negative.

    Returns
    -------
    ndarray of float64, (n_classes, n_classes)
        ``C[c, j]`` is the cost of taking class ``c`` for class ``j`` (thesis, section 6.2.4).

    Raises
    ------
    ValueError, TypeError
        If an argument is not as above, or a class would cost nothing to miss.

    Examples
    --------
    Rows are the true classes, so the first says what it costs to miss class 0:

    >>> cost_matrix(3, {(0, 1): 50})
    array([[ 0., 50.,  1.],
           [ 1.,  0.,  1.],
           [ 1.,  1.,  0.]])
    """
    n_classes = arguments.whole("n_classes", n_classes, 2)
    if costs is not None and not isinstance(costs, Mapping):
        raise TypeError(
            "costs has to name single mistakes, as {(0, 1): 50}; a whole matrix needs no "
            f"cost_matrix. Got {type(costs).__name__}."
        )
    matrix = 1.0 - np.eye(n_classes)
    for mistake, cost in (costs or {}).items():
        if not _is_mistake(mistake, n_classes):
            raise ValueError(
                f"costs names the mistake {mistake!r}; allowed are two different classes, whole "
                f"numbers from 0 to {n_classes - 1}."
            )
        true, predicted = map(int, mistake)
        matrix[true, predicted] = arguments.number(f"costs[{mistake}]", cost, 0)
    return _checked_cost(matrix, n_classes)


def multiclass_cost() -> Floats:
    """Return the cost matrix that section 7.7 of the thesis describes.

    Examples
    --------
    Only mistakes with images of class 1 cost more than 1:

    >>> multiclass_cost()[1].tolist()
    [1.0, 0.0, 1000.0, 1.0, 1.0, 1.0, 1.0, 1.0, 2000.0, 1.0]
    """
    return cost_matrix(10, {(1, 2): 1000, (1, 8): 2000})


def multiclass_cost_as_published() -> Floats:
    """Return the cost matrix of appendix A.7: row 1 has zeros at columns 6 and 7."""
    return cost_matrix(10, {(1, 2): 1000, (1, 8): 2000, (1, 6): 0, (1, 7): 0})


def binary_cost() -> Floats:
    """Return the cost matrix that section 8.8 of the thesis describes.

    Examples
    --------
    >>> binary_cost().tolist()
    [[0.0, 100.0], [1.0, 0.0]]
    """
    return cost_matrix(2, {(0, 1): 100})


def prior_cost(class_counts: ArrayLike) -> Floats:
    r"""Return costs of :math:`1/\pi_c` for missing class c, less a common factor.

    Moving thresholds with them is `correct_prior` to equal classes (Elkan 2001, theorem 2).

    Parameters
    ----------
    class_counts : array_like, (n_classes,)
        Counts, or shares, of the classes in the training set; all positive.

    Returns
    -------
    ndarray of float64, (n_classes, n_classes)
        As of `cost_matrix`.

    Raises
    ------
    ValueError
        If class_counts are not as above.

    Examples
    --------
    The rarest class costs 1; one that is eight times as frequent, an eighth:

    >>> prior_cost([8, 4, 1])
    array([[0.   , 0.125, 0.125],
           [0.25 , 0.   , 0.25 ],
           [1.   , 1.   , 0.   ]])
    """
    shares = checked_prior("class_counts", class_counts)
    costs = np.outer(shares.min() / shares, np.ones(len(shares)))
    np.fill_diagonal(costs, 0.0)
    return _checked_cost(costs, len(shares))


def move_thresholds(probabilities: ArrayLike, cost: ArrayLike) -> Floats:
    r"""Weight each output by the total cost of missing its class, and normalise again.

    :math:`F^*_c = \beta \sum_j F_c\, C(c, j)` (thesis, section 6.2.4, after Zhou and Liu 2006).
    Since :math:`F_c` does not depend on *j*, only the row sums of the cost matrix act. The largest
    output is the decision of `least_cost` with two classes, or where a class costs the same
    whatever it is taken for; elsewhere it can cost more than the outputs as they were.

    Parameters
    ----------
    probabilities : array_like, (n, n_classes)
        Rows sum to 1.
    cost : array_like, (n_classes, n_classes)
        Not negative, zero on the diagonal, no row of zeros only.

    Returns
    -------
    ndarray of float64, (n, n_classes)

    Raises
    ------
    ValueError
        If the probabilities or the cost matrix are not as above.

    Examples
    --------
    Where missing class 1 costs nine times as much, an output of 0.1 is enough for a tie:

    >>> cost = cost_matrix(2, {(1, 0): 9})
    >>> move_thresholds([[0.9, 0.1], [0.75, 0.25]], cost).round(3).tolist()
    [[0.5, 0.5], [0.25, 0.75]]
    """
    outputs = arguments.probabilities(probabilities)
    weighted = outputs * _checked_cost(cost, outputs.shape[1]).sum(1)
    return np.asarray(weighted / weighted.sum(1, keepdims=True))


def least_cost(probabilities: ArrayLike, cost: ArrayLike) -> NDArray[np.int64]:
    r"""Decide for the class whose expected cost is the smallest.

    :math:`\arg\min_j \sum_c F_c\, C(c, j)` (Elkan 2001, eq. 1, whose matrix is the transpose).

    Parameters
    ----------
    probabilities : array_like, (n, n_classes)
        Rows sum to 1; true for the shares of the classes where the decision is made.
    cost : array_like, (n_classes, n_classes)
        As of `cost_matrix`: not negative, zero on the diagonal.

    Returns
    -------
    ndarray of int64, (n,)
        Class numbers; the first of those that cost the same.

    Raises
    ------
    ValueError
        If the probabilities or the cost matrix are not as above.

    Examples
    --------
    Class 0 costs 50 if it is taken for class 1, and 1 if it is taken for class 2:

    >>> cost = cost_matrix(3, {(0, 1): 50})
    >>> outputs = [[0.3, 0.1, 0.6]]
    >>> least_cost(outputs, cost), move_thresholds(outputs, cost).argmax(1)
    (array([2]), array([0]))
    """
    outputs = arguments.probabilities(probabilities)
    expected = outputs @ _checked_cost(cost, outputs.shape[1], idle=True)
    return np.asarray(expected.argmin(1), dtype=np.int64)


def mean_cost(rates: ArrayLike, cost: ArrayLike, prior: ArrayLike) -> float:
    r"""Return what an image costs on average under decisions that were made.

    :math:`\sum_c \pi_c \sum_j r_{cj}\, C(c, j)`, the mean over classes with prior :math:`\pi` of
    what their images cost, :math:`r_{cj}` being the share of class c's images that are taken for j.

    Parameters
    ----------
    rates : array_like, (n_classes, n_classes)
        A confusion matrix, true classes as rows, each divided by its sum.
    cost : array_like, (n_classes, n_classes)
        As of `cost_matrix`; a class may cost nothing to miss.
    prior : array_like, (n_classes,)
        How often each class occurs where the decisions are made, shares or counts larger than 0.

    Raises
    ------
    ValueError, TypeError
        If an argument is not as above.

    Examples
    --------
    Of 100 images 2 are of class 0, half of them missed at a cost of 50; a false alarm costs 1:

    >>> cost = cost_matrix(2, {(0, 1): 50})
    >>> round(mean_cost([[0.5, 0.5], [0.1, 0.9]], cost, [2, 98]), 3)
    0.598
    """
    found = np.asarray(rates, dtype=np.float64)
    square = found.ndim == 2 and found.shape[0] == found.shape[1]
    if not square or found.min() < 0 or not np.allclose(found.sum(1), 1):
        raise ValueError(
            "rates has to be a confusion matrix (n_classes, n_classes) with each row divided by "
            f"its sum; got shape {found.shape} with rows that sum to {found.sum(-1).tolist()}."
        )
    matrix = _checked_cost(cost, len(found), idle=True)
    return float(checked_prior("prior", prior, len(found)) @ (found * matrix).sum(1))


def correct_prior(
    probabilities: ArrayLike,
    prior: ArrayLike,
    target: ArrayLike | None = None,
    *,
    tau: float = 1.0,
) -> Floats:
    r"""Move outputs from the prior that a network was trained with to another.

    :math:`F^*_c\propto F_c\,(\pi'_c/\pi_c)^\tau` (Saerens et al. 2002, eq. 2.4). With equal target
    priors it is the post-hoc logit adjustment of Menon et al. 2021, and threshold moving
    with a cost of :math:`1/\pi_c` for missing class c.

    Parameters
    ----------
    probabilities : array_like, (n, n_classes)
        Rows sum to 1.
    prior : array_like, (n_classes,)
        Shares, or counts, of the classes in the training set; all positive. A pandas Series is
        read by its index, the class numbers.
    target : array_like, (n_classes,), optional
        The same where the network is used; equal classes if not given.
    tau : float
        Not negative: 0 leaves the outputs, 1 corrects fully.

    Returns
    -------
    ndarray of float64, (n, n_classes)

    Raises
    ------
    ValueError, TypeError
        If the probabilities, a prior or tau are not as above.

    Examples
    --------
    Training saw class 0 fifty times as often. With equal classes 9 to 1 become 9 / 50 to 1:

    >>> correct_prior([[0.9, 0.1]], prior=[50, 1]).round(3)
    array([[0.153, 0.847]])
    """
    outputs = arguments.probabilities(probabilities)
    n_classes = outputs.shape[1]
    old = checked_prior("prior", prior, n_classes)
    new = checked_prior("target", np.ones(n_classes) if target is None else target, n_classes)
    tau = arguments.number("tau", tau, 0)
    # Logarithms, less each row's largest: no product of extremes overflows or vanishes.
    with np.errstate(divide="ignore"):
        logits = np.log(outputs) + tau * (np.log(new) - np.log(old))
    moved = np.exp(logits - logits.max(1, keepdims=True))
    return np.asarray(moved / moved.sum(1, keepdims=True))


def tune_tau(
    probabilities: ArrayLike,
    y_true: ArrayLike,
    prior: ArrayLike,
    *,
    taus: ArrayLike = TAUS,
) -> float:
    """Choose how far to correct the prior: tau of the best balanced accuracy on validation data.

    The tau of `correct_prior` (Menon et al. 2021). With two classes it is a threshold: class 0 wins
    where p0 / p1 exceeds (pi0 / pi1) ** tau.

    Parameters
    ----------
    probabilities : array_like, (n, n_classes)
        Of images that neither training nor the test has seen.
    y_true : array_like of int, (n,)
        From 0 to n_classes - 1. Classes without an image are left out of the accuracy.
    prior : array_like, (n_classes,)
        As for `correct_prior`.
    taus : array_like, (k,)
        What to try, not negative; among equals the one next to 1, the full correction, is taken.

    Returns
    -------
    float
        One of taus.

    Raises
    ------
    ValueError, TypeError
        If an argument is not as above.

    Examples
    --------
    With a prior of 4 to 1 these taus put the threshold of p0 / p1 at 1, 2 and 4. The images have
    9, 3 and 1.5, and only the threshold of 2 tells the classes apart:

    >>> outputs = [[0.9, 0.1], [0.75, 0.25], [0.6, 0.4]]
    >>> tune_tau(outputs, [0, 0, 1], prior=[4, 1], taus=[0, 0.5, 1])
    0.5
    """
    outputs, labels = arguments.labelled(probabilities, y_true)
    tried = np.asarray(taus, dtype=np.float64)
    if tried.ndim != 1 or tried.size == 0:
        raise ValueError(f"taus has to hold at least one number; got shape {tried.shape}.")
    classes = np.unique(labels)
    best = (-1.0, 0.0, 1.0)
    for tau in tried:
        predicted = correct_prior(outputs, prior, tau=float(tau)).argmax(1)
        recalls = [(predicted[labels == c] == c).mean() for c in classes]
        best = max(best, (float(np.mean(recalls)), -abs(float(tau) - 1), float(tau)))
    return best[2]


def checked_prior(name: str, prior: ArrayLike, n_classes: int | None = None) -> Floats:
    """Return how frequent classes are as shares that add up to 1.

    Parameters
    ----------
    name : str
        Of the argument, for the message.
    prior : array_like, (n_classes,)
        Shares or counts, larger than 0, of at least two classes.
    n_classes : int, optional
        How many there have to be.

    Raises
    ------
    ValueError
        If they are not as above.
    """
    shares = arguments.by_class(name, prior)
    allowed = shares.size == n_classes if n_classes else shares.size > 1
    if shares.ndim != 1 or not allowed:
        raise ValueError(
            f"{name} has shape {shares.shape}; it has to hold one number for each of "
            f"{f'the {n_classes}' if n_classes else 'at least two'} classes."
        )
    if not np.isfinite(shares).all() or shares.min() <= 0:
        raise ValueError(f"{name} has to be larger than 0 for each class; got {shares.tolist()}.")
    return np.asarray(shares / shares.sum())


def _is_mistake(key: object, n_classes: int) -> bool:
    if not isinstance(key, tuple) or len(key) != 2 or key[0] == key[1]:
        return False
    return all(isinstance(c, numbers.Integral) and c in range(n_classes) for c in key)


def _checked_cost(cost: ArrayLike, n_classes: int, *, idle: bool = False) -> Floats:
    """Return a matrix of costs, in which an idle class may cost nothing to miss."""
    matrix = np.asarray(cost, dtype=np.float64)
    if matrix.shape != (n_classes, n_classes):
        raise ValueError(
            f"cost has shape {matrix.shape}; for {n_classes} classes it has to be "
            f"({n_classes}, {n_classes})."
        )
    if not np.isfinite(matrix).all() or matrix.min() < 0:
        raise ValueError("cost has to be finite and not negative.")
    if np.diag(matrix).any():
        raise ValueError("cost has to be 0 on the diagonal: right answers cost nothing.")
    if not idle and not matrix.any(1).all():
        raise ValueError("cost has a row of zeros: that class could never be chosen.")
    return matrix
