"""Fit a network with Keras so that it can be repeated, whatever experiment it belongs to."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

# What activations are computed in, and Keras's name of it; weights are float32 either way.
PRECISIONS = {"float32": "float32", "bfloat16": "mixed_bfloat16"}


def set_up(seed: int) -> None:
    """Seed Python, NumPy and Keras, and make TensorFlow's kernels deterministic.

    Parameters
    ----------
    seed : int
        Not negative; the same seed gives the same numbers on the same machine.
    """
    import keras

    if isinstance(seed, bool) or not isinstance(seed, int | np.integer):
        raise TypeError(f"seed has to be an integer; got {seed!r}.")
    if not 0 <= seed < 2**32:
        raise ValueError(f"seed has to lie between 0 and 2**32 - 1; got {seed}.")
    keras.utils.set_random_seed(int(seed))
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        tf.config.experimental.enable_op_determinism()
        # Its note on retracing, one for every few networks, would land on the page.
        tf.get_logger().setLevel("ERROR")


def check_precision(precision: str) -> None:
    """Raise a ValueError if the precision is not one of ``PRECISIONS``."""
    if precision not in PRECISIONS:
        raise ValueError(f"precision has to be one of {', '.join(PRECISIONS)}; got {precision!r}.")


@contextlib.contextmanager
def layers_in(precision: str) -> Iterator[None]:
    """Build the layers of a ``with`` block in one of ``PRECISIONS``."""
    import keras

    check_precision(precision)
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
    x: Any,
    y: NDArray[np.float32] | None,
    *,
    batch_size: int | None,
    epochs: int,
    on_epoch_end: Callable[[int, object], None],
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Fit the network in place; stop where the loss is no number any more.

    Parameters
    ----------
    network : keras.Model
    loss : str or keras.losses.Loss
    optimizer : keras.optimizers.Optimizer
    x, y : ndarray
        Images in [0, 1] and one-hot labels; or a ``keras.utils.PyDataset`` of both, and None.
    batch_size : int or None
        None where x makes its own batches.
    epochs : int
    on_epoch_end : callable
        Called with the epoch and its logs.

    Returns
    -------
    tuple of two tuples of float
        The curves of loss and accuracy, a value an epoch.
    """
    import keras

    network.compile(loss=loss, optimizer=optimizer, metrics=["accuracy"])
    history = network.fit(
        x,
        y,
        batch_size=batch_size,
        epochs=epochs,
        verbose=0,
        callbacks=[
            keras.callbacks.LambdaCallback(on_epoch_end=on_epoch_end),
            keras.callbacks.TerminateOnNaN(),
        ],
    ).history
    loss_curve, accuracy = (
        tuple(round(float(v), 6) for v in history[k]) for k in ("loss", "accuracy")
    )
    return loss_curve, accuracy
