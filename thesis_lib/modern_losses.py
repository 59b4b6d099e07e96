"""Losses that came after the thesis: class-balanced, logit-adjusted, and with margins.

As in :mod:`thesis_lib.losses` all take one-hot labels and probabilities of shape (n, C), or logits
with ``from_logits=True``. Three of the papers add a number to each logit before the softmax. A
softmax forgets a common shift of its logits, so where the network puts out probabilities, adding
:math:`a_c` to :math:`\\log p_c` and normalising again is the same thing.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from thesis_lib import arguments, backend
from thesis_lib.losses import (
    TINY,
    FocalLoss,
    Loss,
    check_length,
    checked_counts,
    checked_weights,
    times_weight,
)

backend.start()

import keras  # noqa: E402
from keras import ops  # noqa: E402

_registered = keras.saving.register_keras_serializable(package="thesis_lib")


def effective_number_weights(class_counts: ArrayLike, beta: float) -> NDArray[np.float64]:
    r"""Return class weights :math:`\propto(1-\beta)/(1-\beta^{n_c})` that sum to C.

    Cui et al. 2019: :math:`E_n=(1-\beta^n)/(1-\beta)` is the effective number
    of n images. With beta = 0 all weights are 1; towards beta = 1 they become those of inverse
    frequency.

    Parameters
    ----------
    class_counts : array_like of int, (C,)
        Sizes of the classes in the training set.
    beta : float
        In [0, 1).

    Raises
    ------
    ValueError, TypeError
        If a count is not positive, or beta no number in its range.

    Examples
    --------
    With beta = 0.5 three images count as 1 + 0.5 + 0.25 of them:

    >>> [effective_number_weights([1, 3], beta).round(2).tolist() for beta in (0, 0.5, 0.99999)]
    [[1.0, 1.0], [1.27, 0.73], [1.5, 0.5]]
    """
    counts = np.asarray(checked_counts(class_counts))
    beta = arguments.number("beta", beta, 0, 1, "[)")
    # expm1 keeps the digits that 1 - beta**n loses near beta = 1.
    numbers = np.ones(len(counts)) if beta == 0 else -np.expm1(counts * np.log(beta))
    weights: NDArray[np.float64] = len(counts) / numbers / (1 / numbers).sum()
    return weights


@_registered
class ClassBalancedLoss(FocalLoss):
    r"""Cross-entropy or focal loss, weighted by effective numbers (Cui et al. 2019).

    :math:`-w_c(1-p_c)^\gamma\log p_c` of the true class c, with the weights of
    `effective_number_weights`.

    Parameters
    ----------
    class_counts : array_like of int, (C,)
    beta : float
        In [0, 1); the paper tries 0.9 to 0.9999.
    gamma : float
        0 is cross-entropy.

    Examples
    --------
    An image of each class, and outputs of 0.5 for both: the logarithm of 2, 0.693, times 14/11 and
    8/11. With Keras's ``reduction=None`` each image keeps its loss:

    >>> loss = ClassBalancedLoss([1, 3], beta=0.5, reduction=None)
    >>> [round(float(value), 3) for value in loss(np.eye(2), np.full((2, 2), 0.5))]
    [0.882, 0.504]
    """

    def __init__(
        self,
        class_counts: ArrayLike,
        beta: float = 0.999,
        gamma: float = 0.0,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(gamma, effective_number_weights(class_counts, beta), name=name, **kwargs)
        self.class_counts = checked_counts(class_counts)
        self.beta = float(beta)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["class_weight"]
        return {**config, "class_counts": self.class_counts, "beta": self.beta}


class _ShiftedCrossentropy(Loss):
    r"""Cross-entropy after a shift of each logit: :math:`-\log(p_c s_c/\sum_j p_j s_j)`.

    The factors :math:`s=e^a` stand for a shift by a. Outputs of 0 are safe: in the sum they stay
    0, and only where a class goes into a logarithm of its own is it kept off 0. Labels may be
    shares of classes, by which each class's term counts.
    """

    def __init__(self, class_counts: ArrayLike, name: str | None = None, **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)
        self.class_counts = checked_counts(class_counts)

    def _shifts(self) -> NDArray[np.float64]:
        """Return what is added to the logit of each class, (C,)."""
        raise NotImplementedError

    def _totals(self, p: Any, factors: Any) -> Any:
        """Return the sum of p s with each class as the true one, (n, C) or (n, 1)."""
        raise NotImplementedError

    def _labels(self, y_true: Any) -> Any:
        return y_true

    def call(self, y_true: Any, y_pred: Any) -> Any:
        check_length("class_counts", self.class_counts, y_true)
        shifts = self._shifts()
        # In float64 up to here: the smallest factor must not become 0.
        factors = ops.convert_to_tensor(np.maximum(np.exp(shifts), TINY), y_true.dtype)
        totals = self._totals(self._probabilities(y_pred), factors)
        moved = self._logarithms(y_pred) + ops.convert_to_tensor(shifts, y_true.dtype)
        return ops.sum(self._labels(y_true) * (ops.log(totals) - moved), axis=-1)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "class_counts": self.class_counts}


@_registered
class LogitAdjustedCrossentropy(_ShiftedCrossentropy):
    r"""Cross-entropy of logits that know the prior: :math:`z_c+\tau\log\pi_c`.

    Menon et al. 2021, with :math:`\pi_c=n_c/n`. The adjustment is made in training only:
    the network's own outputs then aim at equal classes. They are to be probabilities, of softmax,
    or logits with ``from_logits=True``.

    Parameters
    ----------
    class_counts : array_like of int, (C,)
        Sizes of the classes in the training set, all positive.
    tau : float
        Not negative. 0 is cross-entropy, 1 balanced softmax.

    Raises
    ------
    ValueError, TypeError
        If a number is not as above.

    Examples
    --------
    The rare class gets 0.5 where it is true. With tau = 1 the loss takes it as 0.1, its prior, and
    with tau = 0.5 as 0.25, since the square roots of the priors are as 3 to 1:

    >>> rare, outputs = np.array([[0, 1]]), np.array([[0.5, 0.5]])
    >>> losses = [LogitAdjustedCrossentropy([9, 1], tau) for tau in (0, 0.5, 1)]
    >>> [round(float(loss(rare, outputs)), 3) for loss in losses]
    [0.693, 1.386, 2.303]
    """

    def __init__(
        self, class_counts: ArrayLike, tau: float = 1.0, name: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(class_counts, name=name, **kwargs)
        self.tau = arguments.number("tau", tau, 0)

    def _shifts(self) -> NDArray[np.float64]:
        counts = np.asarray(self.class_counts)
        return np.asarray(np.maximum(self.tau * np.log(counts / counts.max()), np.log(TINY)))

    def _totals(self, p: Any, factors: Any) -> Any:
        return ops.sum(p * factors, axis=-1, keepdims=True)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "tau": self.tau}


@_registered
class BalancedSoftmax(LogitAdjustedCrossentropy):
    r"""Cross-entropy of :math:`n_c e^{z_c}/\sum_j n_j e^{z_j}` (Ren et al. 2020).

    It is `LogitAdjustedCrossentropy` with tau = 1, and as that takes probabilities, or logits with
    ``from_logits=True``.

    Parameters
    ----------
    class_counts : array_like of int, (C,)
    """

    def __init__(self, class_counts: ArrayLike, name: str | None = None, **kwargs: Any) -> None:
        super().__init__(class_counts, tau=1.0, name=name, **kwargs)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["tau"]
        return config


@_registered
class LDAMLoss(_ShiftedCrossentropy):
    r"""Label-distribution-aware margin loss (Cao et al. 2019).

    Cross-entropy in which the true class's logit is lowered by :math:`\Delta_c=C/n_c^{1/4}`, so
    rare classes have to win by more. The authors normalise features and weights of the last layer
    and multiply the logits by 30; without that, as here, a network can outgrow the margins by
    larger logits. It takes probabilities, or logits with ``from_logits=True``.

    Parameters
    ----------
    class_counts : array_like of int, (C,)
        Sizes of the classes in the training set, all positive.
    max_margin : float
        Margin of the smallest class, which fixes C; not negative, and 0 is cross-entropy.
    class_weight : array_like, (C,), optional
        Each image's loss times that of its class: deferred re-weighting (LDAM-DRW) sets
        `effective_number_weights` here for the last epochs.

    Raises
    ------
    ValueError, TypeError
        If a number is not as above.

    Examples
    --------
    Class 0 has 16 times the images, so half the margin, 0.25. An image of each class, with equal
    logits, costs :math:`\log(1+e^{0.25})` and :math:`\log(1+e^{0.5})`:

    >>> loss = LDAMLoss([16, 1], max_margin=0.5, from_logits=True, reduction=None)
    >>> [round(float(value), 3) for value in loss(np.eye(2), np.zeros((2, 2)))]
    [0.826, 0.974]
    """

    def __init__(
        self,
        class_counts: ArrayLike,
        max_margin: float = 0.5,
        class_weight: ArrayLike | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(class_counts, name=name, **kwargs)
        self.max_margin = arguments.number("max_margin", max_margin, 0)
        self.class_weight = checked_weights(class_weight)

    def _labels(self, y_true: Any) -> Any:
        return times_weight(y_true, self.class_weight)

    def _shifts(self) -> NDArray[np.float64]:
        counts = np.asarray(self.class_counts)
        return np.asarray(-self.max_margin * (counts.min() / counts) ** 0.25)

    def _totals(self, p: Any, factors: Any) -> Any:
        # Only the true class is lowered. Its share is not taken from the sum of all: the others
        # would be lost by rounding.
        others = ops.matmul(p, 1.0 - ops.eye(len(self.class_counts), dtype=p.dtype))
        return others + p * factors

    def get_config(self) -> dict[str, Any]:
        settings = {"max_margin": self.max_margin, "class_weight": self.class_weight}
        return {**super().get_config(), **settings}
