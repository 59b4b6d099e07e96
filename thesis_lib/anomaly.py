"""Anomaly detection: confidence, Gaussian density, and how well a score tells samples apart."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


def confidence(probabilities: ArrayLike) -> Floats:
    """Return the largest probability of each row (thesis, section 5.1).

    Parameters
    ----------
    probabilities : array_like, (n, n_classes)

    Returns
    -------
    ndarray of float64, (n,)
    """
    outputs = np.asarray(probabilities, dtype=np.float64)
    if outputs.ndim != 2 or outputs.size == 0:
        raise ValueError(f"probabilities have to have shape (n, classes); got {outputs.shape}.")
    if not np.isfinite(outputs).all() or outputs.min() < 0 or outputs.max() > 1 + 1e-6:
        raise ValueError("probabilities have to lie in [0, 1].")
    return np.asarray(outputs.max(1))


def is_anomaly(scores: ArrayLike, threshold: float) -> NDArray[np.bool_]:
    """Whether confidences do not exceed a threshold in [0, 1] (thesis, section 5.1)."""
    if not 0 <= threshold <= 1:
        raise ValueError(f"threshold has to lie in [0, 1]; got {threshold}.")
    return np.asarray(scores) <= threshold


class GaussianDensity:
    """Independent Gaussians, one a feature, in logarithms (thesis, section 5.2).

    Products of many small densities underflow; sums of their logarithms do not.
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
        """
        points = _points(x)
        if not 0 <= quantile <= 1:
            raise ValueError(f"quantile has to lie in [0, 1]; got {quantile}.")
        variance = points.var(0)
        if (variance == 0).any():
            constant = np.flatnonzero(variance == 0).tolist()
            raise ValueError(f"Features {constant} of x are constant; leave them out.")
        self.mean, self.variance = points.mean(0), variance
        self.threshold = float(np.quantile(self.log_density(points), quantile))
        return self

    def log_density(self, x: ArrayLike) -> Floats:
        """Return the natural logarithm of the density, (n,)."""
        if self.mean is None or self.variance is None:
            raise RuntimeError("Call fit() before log_density().")
        points = _points(x)
        if points.shape[1] != len(self.mean):
            raise ValueError(f"x has {points.shape[1]} features, but {len(self.mean)} were fitted.")
        squared = (points - self.mean) ** 2 / self.variance
        return np.asarray(-0.5 * (squared + np.log(2 * np.pi * self.variance)).sum(1))

    def is_anomaly(self, x: ArrayLike) -> NDArray[np.bool_]:
        """Whether the density does not exceed the threshold, (n,)."""
        density = self.log_density(x)
        assert self.threshold is not None  # fit() sets all three
        return density <= self.threshold


def detection(normal: ArrayLike, anomalous: ArrayLike) -> dict[str, float]:
    """Measure how well a score, high for normal inputs, tells two samples apart.

    Normal inputs are the positive class throughout: the last entry is the share of anomalies
    that pass as normal at the threshold that lets 95 % of the normal inputs pass.

    Parameters
    ----------
    normal, anomalous : array_like, (n,), (m,)

    Returns
    -------
    dict
        "AUROC", "AUPR", "FPR at 95 % TPR", all in [0, 1].
    """
    from sklearn.metrics import average_precision_score, roc_auc_score

    good, bad = np.ravel(normal), np.ravel(anomalous)
    if not len(good) or not len(bad):
        raise ValueError("normal and anomalous both have to hold at least one score.")
    truth = np.repeat([1, 0], [len(good), len(bad)])
    scores = np.concatenate([good, bad])
    # At least 95 % of the normal scores lie at or above this one.
    threshold = np.quantile(good, 0.05, method="lower")
    return {
        "AUROC": float(roc_auc_score(truth, scores)),
        "AUPR": float(average_precision_score(truth, scores)),
        "FPR at 95 % TPR": float((bad >= threshold).mean()),
    }


def _points(x: ArrayLike) -> NDArray[Any]:
    points = np.asarray(x, dtype=np.float64)
    if points.ndim != 2 or points.size == 0:
        raise ValueError(f"x has to have shape (n, features); got {points.shape}.")
    if not np.isfinite(points).all():
        raise ValueError("x holds NaN or infinite values; remove or replace them.")
    return points
