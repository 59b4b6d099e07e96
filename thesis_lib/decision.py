"""What happens after the network: cost matrices and threshold moving."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


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
    """
    if n_classes < 2:
        raise ValueError(f"n_classes has to be at least 2; got {n_classes}.")
    matrix = 1.0 - np.eye(n_classes)
    for (true, predicted), cost in (costs or {}).items():
        if true == predicted or not (0 <= true < n_classes and 0 <= predicted < n_classes):
            raise ValueError(
                f"costs names the mistake ({true}, {predicted}); allowed are two different "
                f"classes from 0 to {n_classes - 1}."
            )
        matrix[true, predicted] = cost
    return _checked_cost(matrix, n_classes)


def multiclass_cost() -> Floats:
    """Return the cost matrix that section 7.7 of the thesis describes."""
    return cost_matrix(10, {(1, 2): 1000, (1, 8): 2000})


def multiclass_cost_as_published() -> Floats:
    """Return the cost matrix of appendix A.7: row 1 has zeros at columns 6 and 7."""
    return cost_matrix(10, {(1, 2): 1000, (1, 8): 2000, (1, 6): 0, (1, 7): 0})


def binary_cost() -> Floats:
    """Return the cost matrix that section 8.8 of the thesis describes."""
    return cost_matrix(2, {(0, 1): 100})


def move_thresholds(probabilities: ArrayLike, cost: ArrayLike) -> Floats:
    r"""Weight each output by the total cost of missing its class, and normalise again.

    :math:`F^*_c = \beta \sum_j F_c\, C(c, j)` (thesis, section 6.2.4, after Zhou and Liu 2006).
    Since :math:`F_c` does not depend on *j*, only the row sums of the cost matrix act.

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
    """
    outputs = np.asarray(probabilities, dtype=np.float64)
    if outputs.ndim != 2 or outputs.size == 0:
        raise ValueError(f"probabilities have to have shape (n, classes); got {outputs.shape}.")
    if not np.isfinite(outputs).all() or outputs.min() < 0:
        raise ValueError("probabilities have to be finite and not negative.")
    if not np.allclose(outputs.sum(1), 1, atol=1e-3):
        raise ValueError("Each row of probabilities has to sum to 1; apply softmax first.")
    weighted = outputs * _checked_cost(cost, outputs.shape[1]).sum(1)
    return np.asarray(weighted / weighted.sum(1, keepdims=True))


def _checked_cost(cost: ArrayLike, n_classes: int) -> Floats:
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
    if not matrix.any(1).all():
        raise ValueError("cost has a row of zeros: that class could never be chosen.")
    return matrix
