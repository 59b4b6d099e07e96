"""The convolutional network of the thesis, and a recurrent one for rows as time steps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from thesis_lib import arguments, backend

_FILTERS = (32, 64, 128)
DENSE_UNITS = 200
_GRU_UNITS = 64


def build_cnn(
    n_classes: int = 10,
    input_shape: tuple[int, ...] = (28, 28, 1),
    *,
    dropout: float = 0.2,
    seed: int | None = None,
    fast: bool = False,
) -> Any:
    """Build the network of section 7.1 and figure 7.4 of the thesis, not yet compiled.

    Three blocks of convolution (3×3, zero padding), ReLU, dropout and 2×2 max pooling, with 32,
    64 and 128 filters; then 200 units and a softmax.

    Parameters
    ----------
    n_classes : int
        At least 2.
    input_shape : (height, width, channels)
        Height and width of at least 8, so that something is left after three poolings.
    dropout : float
        Share of activations that is dropped in training, in [0, 1).
    seed : int, optional
        Fixes the initial weights and the dropout.
    fast : bool
        Build the same function so that it trains faster: pooling comes before the ReLU, with which
        a maximum commutes, and the layers are those of :mod:`thesis_lib.engine.fast_layers`.

    Returns
    -------
    keras.Model
        Outputs probabilities, (n, n_classes).

    Raises
    ------
    ValueError, TypeError
        If an argument is not as above.

    Examples
    --------
    The network of the thesis, and its outputs for a black image, which are equal since all biases
    begin at 0:

    >>> import numpy as np
    >>> network = build_cnn()
    >>> network.count_params(), network.output_shape
    (325282, (None, 10))
    >>> network.predict(np.zeros((1, 28, 28, 1)), verbose=0).astype(float).round(3).tolist()
    [[0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1]]
    """
    backend.start()
    import keras
    from keras import layers

    from thesis_lib.engine import fast_layers

    n_classes = _checked(n_classes, input_shape, dropout, smallest=8)
    # One generator hands a seed of its own to every layer: equal seeds would tie them together.
    seeds = iter(range(1000 * (seed + 1), 1000 * (seed + 1) + 100)) if seed is not None else None

    def glorot() -> Any:
        return keras.initializers.GlorotUniform(seed=next(seeds) if seeds else None)

    network = keras.Sequential([keras.Input(input_shape)], name="cnn")
    for filters in _FILTERS:
        convolution = {"padding": "same", "kernel_initializer": glorot()}
        seed_of_dropout = next(seeds) if seeds else None
        if fast:
            network.add(fast_layers.convolution()(filters, 3, **convolution))
            network.add(fast_layers.dropout()(dropout, seed=seed_of_dropout))
            network.add(fast_layers.max_pooling()(2))
            network.add(layers.Activation("relu"))
        else:
            network.add(layers.Conv2D(filters, 3, **convolution))
            network.add(layers.Activation("relu"))
            network.add(layers.Dropout(dropout, seed=seed_of_dropout))
            network.add(layers.MaxPooling2D(2))
    network.add(layers.Flatten())
    network.add(layers.Dense(DENSE_UNITS, activation="relu", kernel_initializer=glorot()))
    network.add(layers.Dense(n_classes, kernel_initializer=glorot()))
    # Probabilities stay float32 where a policy of mixed precision computes the rest in 16 bits.
    network.add(layers.Activation("softmax", dtype="float32"))
    return network


def build_gru(
    n_classes: int = 10,
    input_shape: tuple[int, ...] = (28, 28, 1),
    *,
    dropout: float = 0.2,
    seed: int | None = None,
    fast: bool = False,
) -> Any:
    """Build a recurrent network that reads an image row by row, top to bottom; not yet compiled.

    A GRU (Cho et al. 2014) of 64 units whose last state goes through dropout, 200 units and a
    softmax, as the features of `build_cnn` do.

    Parameters
    ----------
    n_classes, dropout, seed
        As for `build_cnn`.
    input_shape : (height, width, channels)
        Of any size, as nothing is pooled; each row is a time step of width × channels numbers.
    fast : bool
        Without effect: Keras's own layer is the fast one.

    Returns
    -------
    keras.Model
        Outputs probabilities, (n, n_classes).

    Raises
    ------
    ValueError, TypeError
        If an argument is not as above.

    Examples
    --------
    Each row goes through the same weights, so a higher image needs no more of them:

    >>> [build_gru(10, (height, 8, 1)).count_params() for height in (8, 16)]
    [29218, 29218]
    """
    backend.start()
    import keras
    from keras import layers

    n_classes = _checked(n_classes, input_shape, dropout, smallest=1)
    seeds = iter(range(1000 * (seed + 1), 1000 * (seed + 1) + 100)) if seed is not None else None

    def initial(kind: Any) -> Any:
        return kind(seed=next(seeds) if seeds else None)

    glorot = keras.initializers.GlorotUniform
    height, width, channels = input_shape
    return keras.Sequential(
        [
            keras.Input(input_shape),
            layers.Reshape((height, width * channels)),
            layers.GRU(
                _GRU_UNITS,
                kernel_initializer=initial(glorot),
                recurrent_initializer=initial(keras.initializers.Orthogonal),
            ),
            layers.Dropout(dropout, seed=next(seeds) if seeds else None),
            layers.Dense(DENSE_UNITS, activation="relu", kernel_initializer=initial(glorot)),
            layers.Dense(n_classes, kernel_initializer=initial(glorot)),
            layers.Activation("softmax", dtype="float32"),
        ],
        name="gru",
    )


def _checked(n_classes: int, input_shape: tuple[int, ...], dropout: float, *, smallest: int) -> int:
    """Return the number of classes as Keras takes it, or say which argument does not fit."""
    if len(input_shape) != 3 or min(input_shape[:2]) < smallest or input_shape[2] < 1:
        raise ValueError(
            f"input_shape has to be (height, width, channels) with at least "
            f"{smallest}×{smallest} pixels; got {tuple(input_shape)}."
        )
    arguments.number("dropout", dropout, 0, 1, "[)")
    return arguments.whole("n_classes", n_classes, 2)


BUILDERS: Mapping[str, Callable[..., Any]] = {"cnn": build_cnn, "gru": build_gru}
"""How the network of a task is built, by its name."""
