"""Fit a network with Keras so that it can be repeated, whatever experiment it belongs to."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from thesis_lib import arguments, backend
from thesis_lib.engine import budget
from thesis_lib.engine.batches import Batches

# What activations are computed in, and Keras's name of it; weights are float32 either way.
PRECISIONS = {"float32": "float32", "bfloat16": "mixed_bfloat16"}


def set_up(seed: int) -> None:
    """Seed Python, NumPy and Keras, and make TensorFlow's kernels deterministic.

    Parameters
    ----------
    seed : int
        From 0 to 2**32 - 1; the same seed gives the same numbers on the same machine.

    Raises
    ------
    ValueError, TypeError
        If the seed is no whole number in its range.
    """
    backend.start()
    import keras

    keras.utils.set_random_seed(arguments.whole("seed", seed, 0, 2**32 - 1))
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        tf.config.experimental.enable_op_determinism()
        # Its note on retracing, one for every few networks, would land on the page.
        tf.get_logger().setLevel("ERROR")


@contextlib.contextmanager
def layers_in(precision: str) -> Iterator[None]:
    """Build the layers of a ``with`` block in one of ``PRECISIONS``.

    Parameters
    ----------
    precision : {"float32", "bfloat16"}
        What activations are computed in.

    Raises
    ------
    ValueError
        If it is none of them.
    """
    import keras

    arguments.one_of("precision", precision, PRECISIONS)
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(PRECISIONS[precision])
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def fit(
    network: Any,
    loss: Any,
    optimizer: Any,
    batches: Batches,
    *,
    epochs: int,
    on_epoch_end: Callable[[], None],
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Fit the network in place; stop where the loss is no number any more.

    Batch by batch rather than with Keras's own ``fit``: on TensorFlow that makes two iterators for
    each epoch, which takes longer than an epoch of a few images itself.

    Parameters
    ----------
    network : keras.Model
    loss : str or keras.losses.Loss
    optimizer : keras.optimizers.Optimizer
    batches : Batches
    epochs : int
    on_epoch_end : callable
        Called after each epoch.

    Returns
    -------
    tuple of two tuples of float
        The curves of loss and accuracy, a value an epoch: the means over its images, each as the
        network was when its batch came.

    Raises
    ------
    OutOfTime
        Before the first batch that lies beyond `budget.limit`.
    """
    import keras

    accuracy = keras.metrics.CategoricalAccuracy(name="accuracy")
    network.compile(loss=loss, optimizer=optimizer, metrics=[accuracy])
    # TensorFlow traces a step twice whose first call makes variables: make them before.
    network.optimizer.build(network.trainable_variables)
    if keras.backend.backend() == "tensorflow":
        network.train_function = _traced_once(network)
    means: list[NDArray[np.float64]] = []
    for _ in range(epochs):
        means.append(_epoch(network, batches))
        on_epoch_end()
        if not np.isfinite(means[-1]).all():
            break
    loss_curve, accuracy_curve = (
        tuple(round(float(value), 6) for value in curve) for curve in zip(*means, strict=True)
    )
    return loss_curve, accuracy_curve


def _traced_once(network: Any) -> Callable[[Iterator[Any]], Any]:
    """Return a training step for batches of any size; Keras's is traced again for a shorter one."""
    import tensorflow as tf

    step: Any = None

    def train(batches: Iterator[Any]) -> Any:
        nonlocal step
        x, y, _ = next(batches)
        if step is None:
            specs = [tf.TensorSpec((None, *part.shape[1:]), part.dtype) for part in (x, y)]
            step = tf.function(lambda x, y: network.train_step((x, y)), input_signature=specs)
        return step(x, y)

    return train


def _epoch(network: Any, batches: Batches) -> NDArray[np.float64]:
    """Train one epoch, up to a batch whose loss is no number; return mean loss and accuracy."""
    found, sizes = [], []
    for index in range(len(batches)):
        budget.check()
        x, y = batches[index]
        found.append(network.train_on_batch(x, y))
        sizes.append(len(x))
        if not np.isfinite(found[-1][0]):
            break
    batches.on_epoch_end()
    return np.average(found, axis=0, weights=sizes)
