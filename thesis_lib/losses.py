"""Losses for imbalanced data, as their sources define them and as the thesis computed them.

All take one-hot labels and probabilities of shape (n, C), and work on every Keras backend; for a
network without softmax give them ``from_logits=True``, as Keras's own losses have it. Names that
end in ``AsPublished`` compute what the thesis's appendix computes, slips included.

Class counts and weights are lists in the order of the columns, or a pandas Series with the class
numbers as its index, as ``value_counts()`` returns it.

The false-error losses are quantities of a whole batch: the value of one image depends on the
others. They return one number a batch, so sample weights do not apply to them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from thesis_lib import arguments, backend

backend.start()

import keras  # noqa: E402
from keras import ops  # noqa: E402

TINY = float(np.finfo(np.float32).tiny)
"""The smallest normal float32: log stays finite, and so does a badly wrong image's gradient."""

# What the listing of A.6 clips to; below it the gradient is zero.
_PUBLISHED_CLIP = 1e-7

_registered = keras.saving.register_keras_serializable(package="thesis_lib")


class Loss(keras.losses.Loss):
    """A loss that checks shapes before anything is broadcast, and knows what the outputs are.

    Parameters
    ----------
    from_logits : bool
        Whether the network ends without softmax.

    Raises
    ------
    ValueError
        If from_logits is no bool.
    """

    def __init__(
        self, name: str | None = None, *, from_logits: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(name=name, **kwargs)
        arguments.one_of("from_logits", from_logits, (False, True))
        self.from_logits = bool(from_logits)

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        true, predicted = np.shape(y_true), np.shape(y_pred)
        if len(predicted) != 2 or tuple(true)[1:] != tuple(predicted)[1:]:
            numbers = len(predicted) == 2 and tuple(true)[1:] in ((), (1,))
            hint = f" Pass keras.utils.to_categorical(y, {predicted[-1]})." if numbers else ""
            raise ValueError(
                "y_true and y_pred have to be (n, classes), y_true one-hot; "
                f"got {tuple(true)} and {tuple(predicted)}.{hint}"
            )
        if predicted[1] == 1:
            raise ValueError(
                "y_pred has one column, and a class needs one each: for two classes end the "
                "network with Dense(2, activation='softmax'), and make the labels one-hot."
            )
        if None not in (true[0], predicted[0]) and true[0] != predicted[0]:
            raise ValueError(f"y_true has {true[0]} rows, y_pred has {predicted[0]}.")
        if not self.from_logits:
            _check_probabilities(type(self).__name__, y_pred)
        return super().__call__(y_true, y_pred, sample_weight=sample_weight)

    def _probabilities(self, y_pred: Any) -> Any:
        return ops.softmax(y_pred) if self.from_logits else y_pred

    def _logarithms(self, y_pred: Any) -> Any:
        """Return the logarithms of the probabilities, all finite."""
        if self.from_logits:
            return ops.log_softmax(y_pred)
        return ops.log(ops.clip(y_pred, TINY, 1.0))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "from_logits": self.from_logits}


class _BatchLoss(Loss):
    """A loss that is one number a batch."""

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        if sample_weight is not None:
            raise ValueError(
                f"{type(self).__name__} is a quantity of the whole batch; it takes no "
                "sample_weight, and no fit(class_weight=...), which Keras hands on as one."
            )
        return super().__call__(y_true, y_pred)


class _Weighted(Loss):
    """A loss with a weight for each class, 1 if not given."""

    def __init__(
        self, class_weight: ArrayLike | None = None, name: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(name=name, **kwargs)
        self.class_weight = checked_weights(class_weight)

    def _weights(self, y_true: Any) -> Any:
        """Return each image's weight, (n,)."""
        return ops.sum(times_weight(y_true, self.class_weight), axis=-1)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "class_weight": self.class_weight}


@_registered
class MeanAbsoluteError(Loss):
    r"""Mean Euclidean norm of the error, :math:`\frac1k\sum_i\|y_i-F(x_i)\|` (thesis, 2.3).

    Examples
    --------
    The true class gets 0.5, so the errors are 0.5, 0.3, 0.1 and 0.1, and their squares sum to 0.36:

    >>> round(float(MeanAbsoluteError()(np.eye(4)[:1], np.array([[0.5, 0.3, 0.1, 0.1]]))), 3)
    0.6
    """

    def call(self, y_true: Any, y_pred: Any) -> Any:
        squared = ops.sum(ops.square(y_true - self._probabilities(y_pred)), axis=-1)
        # The norm has no gradient at 0; there the error is zero and so is its gradient.
        safe = ops.where(squared == 0, ops.ones_like(squared), squared)
        return ops.where(squared == 0, ops.zeros_like(squared), ops.sqrt(safe))


@_registered
class MeanSquaredError(Loss):
    r"""Mean squared norm of the error, :math:`\frac1k\sum_i\|y_i-F(x_i)\|^2` (thesis, 2.3).

    Keras's loss of that name, which the thesis's code compiles, averages over the C outputs too
    and so is this one divided by C.

    Examples
    --------
    The errors are 0.5, 0.3, 0.1 and 0.1; Keras divides the sum of their squares by 4:

    >>> true, outputs = np.eye(4)[:1], np.array([[0.5, 0.3, 0.1, 0.1]])
    >>> of_keras = keras.losses.MeanSquaredError()
    >>> round(float(MeanSquaredError()(true, outputs)), 3), round(float(of_keras(true, outputs)), 3)
    (0.36, 0.09)
    """

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return ops.sum(ops.square(y_true - self._probabilities(y_pred)), axis=-1)


@_registered
class WeightedMeanSquaredError(_Weighted):
    """Keras's mean squared error, each image times the weight of its class.

    Parameters
    ----------
    class_weight : array_like, (C,), optional
        Not negative; 1 if not given.

    Examples
    --------
    Keras's errors of the two images are 0.04 and 0.36, and the second counts five times:

    >>> loss = WeightedMeanSquaredError(class_weight=[1, 5])
    >>> round(float(loss(np.eye(2), np.array([[0.8, 0.2], [0.6, 0.4]]))), 3)
    0.92
    """

    def call(self, y_true: Any, y_pred: Any) -> Any:
        error = ops.mean(ops.square(y_true - self._probabilities(y_pred)), axis=-1)
        return self._weights(y_true) * error


@_registered
class FocalLoss(_Weighted):
    r"""Focal loss, :math:`-\alpha_c (1-p_c)^\gamma \log p_c` of the true class c.

    Lin et al. 2017, eq. 5; for several classes as in section 6.2.3 of the thesis. With gamma = 0
    it is weighted cross-entropy. Labels may be shares of classes, as of mixup or smoothing: each
    class's term counts by its share, :math:`-\sum_c y_c\alpha_c(1-p_c)^\gamma\log p_c`.

    Parameters
    ----------
    gamma : float
        Focusing parameter, not negative.
    class_weight : array_like, (C,), optional
        The alphas, not negative; 1 if not given.

    Raises
    ------
    ValueError, TypeError
        If a number is not as above.

    Examples
    --------
    One image of each of two classes, and outputs that are 0.8 and 0.4 for the true one:

    >>> loss = FocalLoss(gamma=2, class_weight=[1, 5])
    >>> true, outputs = np.eye(2), np.array([[0.8, 0.2], [0.6, 0.4]])
    >>> print(f"{float(loss(true, outputs)):.4f}")
    0.8291

    A network of yours takes it as any loss: ``network.compile("adam", FocalLoss(2.0))``, and is
    then fitted on ``keras.utils.to_categorical(y)``. Without softmax at its end it takes
    ``FocalLoss(2.0, from_logits=True)``.
    """

    def __init__(
        self,
        gamma: float = 2.0,
        class_weight: ArrayLike | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(class_weight, name=name, **kwargs)
        self.gamma = arguments.number("gamma", gamma, 0)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        # (1 - p) ** gamma has an infinite slope at p = 1 for gamma < 1; there the loss is 0.
        miss = ops.maximum(1.0 - self._probabilities(y_pred), float(np.finfo(np.float32).eps))
        return ops.sum(ops.power(miss, self.gamma) * self._entropies(y_true, y_pred), axis=-1)

    def _entropies(self, y_true: Any, y_pred: Any) -> Any:
        """Return the terms of weighted cross-entropy, one an image and class."""
        return -times_weight(y_true, self.class_weight) * self._logarithms(y_pred)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "gamma": self.gamma}


@_registered
class CategoricalCrossentropy(FocalLoss):
    r"""Cross-entropy, :math:`-\frac1k\sum_i\log p_i` (thesis, 2.3 and 6.2.3).

    Not clipped as the listing's is: only a probability too small for a float counts as the
    smallest.

    Labels may be shares of classes, as of mixup: :math:`-\sum_c y_c\log p_c` for each image.

    Examples
    --------
    Half of each of two classes, which get 0.5 and 0.25: 1.5 times the logarithm of 2. Logits give
    the same, whatever is added to all of them:

    >>> shares, outputs = np.array([[0.5, 0.5, 0]]), np.array([[0.5, 0.25, 0.25]])
    >>> round(float(CategoricalCrossentropy()(shares, outputs)), 3)
    1.04
    >>> of_logits = CategoricalCrossentropy(from_logits=True)
    >>> round(float(of_logits(shares, np.log(outputs) + 7)), 3)
    1.04
    """

    def __init__(self, name: str | None = None, **kwargs: Any) -> None:
        super().__init__(gamma=0.0, name=name, **kwargs)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return ops.sum(self._entropies(y_true, y_pred), axis=-1)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["gamma"], config["class_weight"]
        return config


@_registered
class FocalLossAsPublished(FocalLoss):
    """Focal loss as the listing of A.6: probabilities clipped to [1e-7, 1 - 1e-7].

    An image whose true class gets less than 1e-7 has no gradient any more.

    Examples
    --------
    The true class gets a billionth. The logarithm of that is -20.7, and the listing's is -16.1:

    >>> true, outputs = np.eye(2)[1:], np.array([[1 - 1e-9, 1e-9]])
    >>> losses = FocalLoss(), FocalLossAsPublished()
    >>> [round(float(loss(true, outputs)), 3) for loss in losses]
    [20.723, 16.118]
    """

    def call(self, y_true: Any, y_pred: Any) -> Any:
        p = ops.clip(self._probabilities(y_pred), _PUBLISHED_CLIP, 1.0 - _PUBLISHED_CLIP)
        entropy = -y_true * ops.log(p)
        focused = ops.sum(ops.power(1.0 - p, self.gamma) * entropy, axis=-1)
        return self._weights(y_true) * focused


@_registered
class MeanFalseError(_BatchLoss):
    r"""Sum over the classes of each class's mean squared error norm (thesis, 6.2.1).

    :math:`\sum_c\frac1{N_c}\sum_{i\in c}\|y_i-F(x_i)\|^2` (Wang et al. 2016), where the sums run
    over the batch; a class without an image in the batch adds nothing. For what Keras reports as
    ``val_loss`` this means that it depends on the order of the rows and on the batch size: the mean
    over batches is not the value of the whole. Validate in one batch,
    ``fit(..., validation_batch_size=len(x_val))``, or watch another measure.

    Examples
    --------
    Three images of class 0 have an error of 0.08 each, the one of class 1 has 0.72. The classes
    count alike; the mean of the four images would be 0.24:

    >>> true = np.eye(2)[[0, 0, 0, 1]]
    >>> outputs = np.array([[0.8, 0.2], [0.8, 0.2], [0.8, 0.2], [0.6, 0.4]])
    >>> round(float(MeanFalseError()(true, outputs)), 3)
    0.8
    """

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return ops.sum(_class_errors(y_true, self._probabilities(y_pred)))


@_registered
class MeanSquaredFalseError(_BatchLoss):
    r"""Sum over the classes of the square of each class's mean error (thesis, 6.2.2).

    For two classes :math:`FPE^2+FNE^2=\frac12((FPE+FNE)^2+(FPE-FNE)^2)` (Wang et al. 2016). As for
    `MeanFalseError`, Keras's ``val_loss`` depends on the order of the rows and on the batch size:
    validate in one batch, ``fit(..., validation_batch_size=len(x_val))``.

    Examples
    --------
    Errors of 0.08 in class 0 and of 0.72 in class 1 give 0.0064 + 0.5184:

    >>> true = np.eye(2)[[0, 0, 0, 1]]
    >>> outputs = np.array([[0.8, 0.2], [0.8, 0.2], [0.8, 0.2], [0.6, 0.4]])
    >>> round(float(MeanSquaredFalseError()(true, outputs)), 4)
    0.5248
    """

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return ops.sum(ops.square(_class_errors(y_true, self._probabilities(y_pred))))


class _FalseErrorAsPublished(_BatchLoss):
    """Shared by the two listings: a weight n / n_c for each image, times a batch's mean error."""

    def __init__(self, class_counts: Sequence[int], name: str | None = None, **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)
        self.class_counts = checked_counts(class_counts)

    def _factors(self, y_true: Any, power: int) -> Any:
        """Return n / n_c ** power for each image, (n,)."""
        check_length("class_counts", self.class_counts, y_true)
        factors = sum(self.class_counts) / np.array(self.class_counts) ** power
        return ops.matmul(y_true, ops.convert_to_tensor(factors, y_true.dtype))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "class_counts": self.class_counts}


@_registered
class MeanFalseErrorAsPublished(_FalseErrorAsPublished):
    """MFE as the listing of A.5: the whole batch's mean squared error times its mean weight.

    The error is averaged over all images and outputs *before* it is weighted, so it is no mean of
    per-class errors, but a learning rate that jumps when a minority image is in the batch.

    Parameters
    ----------
    class_counts : sequence of int, (C,)
        Sizes of the classes in the training set.

    Examples
    --------
    Two batches without and with one of the two minority images; every image is missed by 0.2, and
    its mean squared error is 0.04. The weights are 10/8 and 10/2:

    >>> loss = MeanFalseErrorAsPublished(class_counts=[8, 2])
    >>> round(float(loss(np.eye(2)[[0, 0]], np.array([[0.8, 0.2], [0.8, 0.2]]))), 3)
    0.05
    >>> round(float(loss(np.eye(2)[[0, 1]], np.array([[0.8, 0.2], [0.2, 0.8]]))), 3)
    0.125
    """

    def call(self, y_true: Any, y_pred: Any) -> Any:
        error = ops.mean(ops.square(y_true - self._probabilities(y_pred)))
        return ops.mean(self._factors(y_true, 1)) * error


@_registered
class MeanSquaredFalseErrorAsPublished(_FalseErrorAsPublished):
    """MSFE as the listing of A.8: as `MeanFalseErrorAsPublished`, with the quotient squared.

    Parameters
    ----------
    class_counts : sequence of int, (C,)
        Sizes of the classes in the training set.
    """

    def call(self, y_true: Any, y_pred: Any) -> Any:
        error = ops.mean(ops.square(y_true - self._probabilities(y_pred)))
        return ops.mean(self._factors(y_true, 2)) * ops.square(error)


def _class_errors(y_true: Any, y_pred: Any) -> Any:
    """Return each class's mean squared error norm over the batch, (C,); 0 for an absent class."""
    error = ops.sum(ops.square(y_true - y_pred), axis=-1)
    present = ops.sum(y_true, axis=0)
    return ops.matmul(error, y_true) / ops.maximum(present, 1.0)


def times_weight(y_true: Any, class_weight: Sequence[float] | None) -> Any:
    """Return the labels, each times the weight of its class, (n, C).

    Parameters
    ----------
    y_true : tensor, (n, C)
    class_weight : sequence of float, (C,), or None
        Weights of 1 if it is None.

    Raises
    ------
    ValueError
        As for `check_length`.
    """
    if class_weight is None:
        return y_true
    check_length("class_weight", class_weight, y_true)
    return y_true * ops.convert_to_tensor(class_weight, y_true.dtype)


def _check_probabilities(loss: str, y_pred: Any) -> None:
    """Refuse rows that clearly are none, as logits are; in compiled graphs no value can be seen."""
    try:
        rows = np.asarray(ops.convert_to_numpy(y_pred), dtype=np.float32)
    except (NotImplementedError, TypeError, ValueError):  # of TensorFlow, JAX and Keras
        return
    # Wide enough for half precision, and true of no NaN: outputs that diverged give a NaN.
    wrong = (rows < -1e-3).any(1) | (np.abs(rows.sum(1) - 1) > 0.1)
    if wrong.any():
        row = rows[wrong.argmax()]
        raise ValueError(
            f"y_pred has to hold probabilities, in rows that sum to 1; one sums to {row.sum():.3g} "
            f"with {row.min():.3g} as its smallest entry. End the network with softmax, or make "
            f"the loss with {loss}(..., from_logits=True)."
        )


def checked_weights(class_weight: ArrayLike | None) -> list[float] | None:
    """Return weights of classes as a plain list, so that a loss can be saved.

    Parameters
    ----------
    class_weight : array_like, (C,), or None
        Not negative; None stays None.

    Raises
    ------
    ValueError
        If they are not as above.
    """
    return None if class_weight is None else _plain("class_weight", class_weight, zero=True)


def checked_counts(class_counts: ArrayLike) -> list[float]:
    """Return the sizes of classes as a plain list, so that a loss can be saved.

    Parameters
    ----------
    class_counts : array_like, (C,)
        Larger than 0.

    Raises
    ------
    ValueError
        If they are not as above.
    """
    if class_counts is None:
        raise ValueError("class_counts has to give the size of each class.")
    return _plain("class_counts", class_counts, zero=False)


def _plain(name: str, values: ArrayLike, *, zero: bool) -> list[float]:
    array = arguments.by_class(name, values)
    allowed = array >= 0 if zero else array > 0
    if array.ndim != 1 or array.size < 2 or not np.isfinite(array).all() or not allowed.all():
        bound = "not negative" if zero else "larger than 0"
        raise ValueError(f"{name} has to hold a number a class, {bound}; got {array.tolist()}.")
    return [float(value) for value in array]


def check_length(name: str, values: Sequence[float], y_true: Any) -> None:
    """Refuse numbers that are not one a class.

    Parameters
    ----------
    name : str
        Of the argument, for the message.
    values : sequence of float
    y_true : tensor, (n, C)

    Raises
    ------
    ValueError
        If there are not C.
    """
    if len(values) != y_true.shape[-1]:
        raise ValueError(
            f"{name} has {len(values)} entries, but there are {y_true.shape[-1]} classes."
        )
