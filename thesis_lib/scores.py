"""Scores of how normal an input looks to a trained classifier, all with one contract.

``fit(features, logits, labels)`` learns what normal inputs look like, ``score(features, logits)``
returns one number an input; logits and labels may be left out where a score does not use them.
**Higher is more normal, for every score**, so that normal inputs are the positive class of
:func:`thesis_lib.anomaly.detection`; a formula whose source has the other sign is negated here.
Features are the activations of the last hidden layer, logits the inputs of the softmax. All is
computed in float64.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from thesis_lib import arguments

Floats = NDArray[np.float64]
Labels = NDArray[np.int64]


class Score(ABC):
    """The contract: checks, and the shapes that :meth:`fit` saw."""

    # What has to be given beside the features.
    _uses: frozenset[str] = frozenset()
    _widths: tuple[int, int] | None = None

    def fit(
        self,
        features: ArrayLike,
        logits: ArrayLike | None = None,
        labels: ArrayLike | None = None,
    ) -> Self:
        """Learn from normal inputs.

        Parameters
        ----------
        features : array_like, (n, n_features)
        logits : array_like, (n, n_classes), optional
            Of at least two classes; of use to the scores of logits only.
        labels : array_like of int, (n,), optional
            True classes from 0 to n_classes - 1; not every class has to occur. Of use to
            `Mahalanobis` only.

        Raises
        ------
        ValueError, TypeError
            If shapes, lengths or labels do not fit, something is NaN or infinite, or what the
            score uses is left out.
        """
        self._check_given(logits=logits, labels=labels)
        hidden, outputs = _checked(features, logits)
        if outputs.shape[1] == 1:
            raise ValueError("logits has to have at least 2 columns; got 1.")
        classes = _checked_labels(labels, len(hidden), outputs.shape[1])
        self._fit(hidden, outputs, classes)
        self._widths = hidden.shape[1], outputs.shape[1]
        return self

    def score(self, features: ArrayLike, logits: ArrayLike | None = None) -> Floats:
        """Return one number an input, higher for more normal ones.

        Parameters
        ----------
        features : array_like, (n, n_features)
        logits : array_like, (n, n_classes), optional
            As for :meth:`fit`.

        Returns
        -------
        ndarray of float64, (n,)

        Raises
        ------
        RuntimeError
            Before :meth:`fit`.
        ValueError
            If the shapes are not those of :meth:`fit`, something is NaN or infinite, or logits
            that the score uses are left out.
        """
        if self._widths is None:
            raise RuntimeError("Call fit() before score().")
        self._check_given(logits=logits)
        hidden, outputs = _checked(features, logits)
        for name, array, width in zip(
            ("features", "logits"), (hidden, outputs), self._widths, strict=True
        ):
            # Left out here or there, logits have no columns.
            if array.shape[1] not in (width, 0) and width:
                raise ValueError(f"{name} has {array.shape[1]} columns, but fit() saw {width}.")
        return self._score(hidden, outputs)

    def _check_given(self, **arrays: ArrayLike | None) -> None:
        for name, values in arrays.items():
            if values is None and name in self._uses:
                raise ValueError(f"{type(self).__name__} uses {name}; pass them too.")

    # Scores of the logits alone learn nothing.
    def _fit(self, features: Floats, logits: Floats, labels: Labels) -> None:  # noqa: B027
        pass

    @abstractmethod
    def _score(self, features: Floats, logits: Floats) -> Floats: ...


class MaximumProbability(Score):
    """Logarithm of the largest softmax probability (Hendrycks and Gimpel, 2017).

    It ranks inputs as the probability does, and goes on doing so where that is rounded to 1.

    Parameters
    ----------
    temperature : float
        Divides the logits, as in ODIN (Liang, Li and Srikant, 2018), whose perturbation of the
        input is left out. Positive; 1 changes nothing.

    Raises
    ------
    ValueError, TypeError
        If temperature is no positive number.

    Examples
    --------
    Both probabilities are rounded to 1, and the scores still tell which is the larger one:

    >>> features, logits = np.zeros((2, 5)), [[40, 0], [50, 0]]
    >>> scores = MaximumProbability().fit(features, logits).score(features, logits)
    >>> np.exp(scores).tolist(), bool(scores[0] < scores[1])
    ([1.0, 1.0], True)
    """

    _uses = frozenset({"logits"})

    def __init__(self, temperature: float = 1.0) -> None:
        self.temperature = arguments.number("temperature", temperature, 0, ends="()")

    def _score(self, features: Floats, logits: Floats) -> Floats:
        scaled = logits / self.temperature
        others = np.exp(scaled - scaled.max(1, keepdims=True))
        # The largest logit's own term is exp(0) = 1, which log1p adds without losing the others.
        np.put_along_axis(others, scaled.argmax(1)[:, None], 0, 1)
        return np.asarray(-np.log1p(others.sum(1)))


class MaximumLogit(Score):
    """The largest logit (Hendrycks et al., 2022)."""

    _uses = frozenset({"logits"})

    def _score(self, features: Floats, logits: Floats) -> Floats:
        return np.asarray(logits.max(1))


class Energy(Score):
    """Negative free energy, T · log Σ exp(logit / T) (Liu et al., 2020).

    As T falls to 0 it becomes the largest logit.

    Parameters
    ----------
    temperature : float
        T, positive.

    Raises
    ------
    ValueError, TypeError
        If temperature is no positive number.

    Examples
    --------
    Two inputs with the same probabilities. The energy tells them apart: log 2, and 5 + log 2.

    >>> features, logits = np.zeros((2, 3)), [[0, 0], [5, 5]]
    >>> Energy().fit(features, logits).score(features, logits).round(3).tolist()
    [0.693, 5.693]
    """

    _uses = frozenset({"logits"})

    def __init__(self, temperature: float = 1.0) -> None:
        self.temperature = arguments.number("temperature", temperature, 0, ends="()")

    def _score(self, features: Floats, logits: Floats) -> Floats:
        from scipy.special import logsumexp

        return np.asarray(self.temperature * logsumexp(logits / self.temperature, axis=1))


class Mahalanobis(Score):
    """Negative squared Mahalanobis distance of the features to the nearest class mean.

    All classes share one covariance (Lee et al., 2018; their last layer only, without input
    perturbation). Features that are constant or depend on others make it singular, so its
    pseudo-inverse is taken: directions without variance in training do not count.

    Examples
    --------
    Class 0 lies about (0, 0) and class 1 about (100, 100), both ten times as wide along the second
    feature. Being 30 off there is as unusual as being 3 off along the first:

    >>> corners = np.array([[-1, -10], [-1, 10], [1, -10], [1, 10]])
    >>> fitted = Mahalanobis().fit([*corners, *(corners + 100)], labels=[0] * 4 + [1] * 4)
    >>> fitted.score([[3, 0], [0, 30], [100, 130]]).round(3).tolist()
    [-9.0, -9.0, -9.0]
    """

    _uses = frozenset({"labels"})
    _means: Floats
    _whitening: Floats

    def _fit(self, features: Floats, logits: Floats, labels: Labels) -> None:
        present, row = np.unique(labels, return_inverse=True)
        means = np.stack([features[labels == c].mean(0) for c in present])
        centred = features - means[row]
        variances, directions = np.linalg.eigh(centred.T @ centred / len(features))
        # Beneath this share of the largest, an eigenvalue is rounding.
        kept = variances > variances[-1] * len(variances) * np.finfo(np.float64).eps
        self._whitening = directions[:, kept] / np.sqrt(variances[kept])
        self._means = means @ self._whitening

    def _score(self, features: Floats, logits: Floats) -> Floats:
        white = features @ self._whitening
        # One class at a time: n × classes × features at once would fill the memory.
        squared = np.stack([((white - mean) ** 2).sum(1) for mean in self._means])
        return np.asarray(-squared.min(0))


class NearestNeighbours(Score):
    r"""Negative distance to the k-th nearest training image (Sun et al., 2022).

    All features are scaled to length 1 first, so that only their direction counts.

    Parameters
    ----------
    k : int
        At least 1, at most the number of rows of :meth:`fit`. Sun et al. take 50 on CIFAR-10.

    Raises
    ------
    ValueError, TypeError
        If k is no whole number from 1.

    Examples
    --------
    However long, an input to the left is at :math:`\sqrt2` from the nearest of two directions, up,
    and at 2 from the second nearest, right:

    >>> training, left = [[1, 0], [0, 1]], [[-1, 0], [-5, 0]]
    >>> NearestNeighbours(k=1).fit(training).score(left).round(3).tolist()
    [-1.414, -1.414]
    >>> NearestNeighbours(k=2).fit(training).score(left).round(3).tolist()
    [-2.0, -2.0]
    """

    _index: Any

    def __init__(self, k: int = 50) -> None:
        self.k = arguments.whole("k", k, 1)

    def _fit(self, features: Floats, logits: Floats, labels: Labels) -> None:
        from sklearn.neighbors import NearestNeighbors

        if self.k > len(features):
            raise ValueError(f"k is {self.k}, but fit() got {len(features)} rows; lower k.")
        self._index = NearestNeighbors(n_neighbors=self.k, algorithm="brute")
        self._index.fit(_of_length_one(features))

    def _score(self, features: Floats, logits: Floats) -> Floats:
        distances, _ = self._index.kneighbors(_of_length_one(features))
        return np.asarray(-distances[:, -1], dtype=np.float64)


class IsolationForest(Score):
    """Isolation forest of the features (Liu, Ting and Zhou, 2008): a one-class baseline.

    It knows neither classes nor logits: random cuts isolate strange points early. The value is
    the negative of the paper's anomaly score, so it lies in [-1, 0].

    Parameters
    ----------
    random_state : int

    Examples
    --------
    The paper calls inputs anomalous whose score is well above 0.5, here well below -0.5:

    >>> features = np.random.default_rng(0).normal(size=(256, 2))
    >>> middle, far = IsolationForest().fit(features).score([[0, 0], [9, 9]])
    >>> bool(far < -0.7), bool(middle > -0.5)
    (True, True)
    """

    _forest: Any

    def __init__(self, random_state: int = 0) -> None:
        self.random_state = random_state

    def _fit(self, features: Floats, logits: Floats, labels: Labels) -> None:
        from sklearn import ensemble

        self._forest = ensemble.IsolationForest(random_state=self.random_state).fit(features)

    def _score(self, features: Floats, logits: Floats) -> Floats:
        return np.asarray(self._forest.score_samples(features), dtype=np.float64)


def catalogue() -> dict[str, Score]:
    """Return every score with the settings of its source, not fitted, by its name.

    Examples
    --------
    >>> list(catalogue())[:4]
    ['Maximum probability', 'Temperature 1,000', 'Maximum logit', 'Energy']
    >>> list(catalogue())[4:]
    ['Mahalanobis', 'Nearest neighbours', 'Isolation forest']
    """
    return {
        "Maximum probability": MaximumProbability(),
        "Temperature 1,000": MaximumProbability(temperature=1000),
        "Maximum logit": MaximumLogit(),
        "Energy": Energy(),
        "Mahalanobis": Mahalanobis(),
        "Nearest neighbours": NearestNeighbours(),
        "Isolation forest": IsolationForest(),
    }


def _checked_labels(labels: ArrayLike | None, n: int, n_classes: int) -> Labels:
    """Return the labels, all 0 if left out; without logits, (n, 0), any class is allowed."""
    if labels is None:
        return np.zeros(n, np.int64)
    classes = arguments.class_numbers("labels", labels)
    if classes.shape != (n,):
        raise ValueError(f"labels has to have one entry a row, ({n},); got {classes.shape}.")
    if classes.min() < 0 or (n_classes and classes.max() >= n_classes):
        columns = f"0 to {n_classes - 1}, a column of logits each" if n_classes else "those from 0"
        raise ValueError(
            f"labels go from {classes.min()} to {classes.max()}; allowed are {columns}."
        )
    return classes


def _checked(features: ArrayLike, logits: ArrayLike | None) -> tuple[Floats, Floats]:
    """Return both as arrays; logits that are left out have no columns."""
    arrays: list[Floats] = []
    for name, values in (("features", features), ("logits", logits)):
        if values is None and name == "logits":
            arrays.append(np.empty((len(arrays[0]), 0)))
            continue
        array = np.asarray(values, dtype=np.float64)
        if array.ndim != 2 or array.size == 0:
            raise ValueError(
                f"{name} has to have shape (n, columns), not empty; got {array.shape}."
            )
        if not np.isfinite(array).all():
            raise ValueError(f"{name} holds NaN or infinite values; remove or replace them.")
        arrays.append(array)
    if len(arrays[0]) != len(arrays[1]):
        raise ValueError(f"features has {len(arrays[0])} rows, but logits {len(arrays[1])}.")
    return arrays[0], arrays[1]


def _of_length_one(features: Floats) -> Floats:
    lengths = np.linalg.norm(features, axis=1, keepdims=True)
    # A row of zeros has no direction; it stays where it is, at distance 1 from all others.
    return np.asarray(features / np.where(lengths == 0, 1, lengths))
