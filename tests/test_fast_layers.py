"""Layers that compute Keras's functions faster."""

import keras
import numpy as np
import pytest

from thesis_lib import model
from thesis_lib.engine import fast_layers

RNG = np.random.default_rng(0)


def test_the_fast_network_is_the_same_function() -> None:
    plain, fast = model.build_cnn(seed=3), model.build_cnn(seed=3, fast=True)
    for one, other in zip(plain.get_weights(), fast.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    x = RNG.random((7, 28, 28, 1), dtype=np.float32)
    np.testing.assert_allclose(plain(x), fast(x), atol=1e-6)


def test_its_gradient_is_the_same() -> None:
    import tensorflow as tf

    x = RNG.random((7, 28, 28, 1), dtype=np.float32)
    gradients = []
    for fast in (False, True):
        network = model.build_cnn(seed=3, fast=fast)
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(tf.square(network(x, training=False))[:, 0])
        gradients.append(tape.gradient(loss, network.trainable_variables))
    for one, other in zip(*gradients, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


@pytest.mark.parametrize("rate", [0.1, 0.2, 0.5, 0.999])
def test_dropout_has_the_rate_and_keeps_the_mean(rate: float) -> None:
    layer = fast_layers.BitDropout(rate, seed=1)
    ones = np.ones((50, 40, 50), np.float32)
    masks = np.stack([np.asarray(layer(ones, training=True)) for _ in range(20)])
    # Five standard deviations of the elements, and of the batches' rounding to a 256th.
    spread = np.sqrt(rate * (1 - rate) / masks.size) + 0.5 / 256 / np.sqrt(len(masks))
    assert abs((masks == 0).mean() - rate) < 5 * spread
    kept = masks[masks > 0]
    np.testing.assert_allclose(kept, 1 / (1 - rate), rtol=1e-5)


def test_dropout_draws_anew_each_batch_and_again_from_its_seed() -> None:
    ones = np.ones((10, 100), np.float32)
    layer, again = (fast_layers.BitDropout(0.5, seed=1) for _ in range(2))
    first, second = (np.asarray(layer(ones, training=True)) for _ in range(2))
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(first, again(ones, training=True))


def test_dropout_is_the_identity_outside_training() -> None:
    x = RNG.random((3, 5), dtype=np.float32)
    np.testing.assert_array_equal(fast_layers.BitDropout(0.5)(x, training=False), x)


@pytest.mark.parametrize("shape", [(2, 8, 8, 3), (2, 7, 9, 1)])
def test_blocks_are_keras_s_pooling(shape: tuple[int, ...]) -> None:
    x = RNG.standard_normal(shape).astype(np.float32)
    expected = keras.layers.MaxPooling2D(2)(x)
    np.testing.assert_array_equal(fast_layers.BlockMaxPooling2D(2)(x), expected)


def test_tensorflow_takes_its_own_layers() -> None:
    """Those that JAX takes are in test_vectorized.py."""
    here = [type(layer).__name__ for layer in model.build_cnn(fast=True).layers[:4]]
    assert here == ["Conv2D", "BitDropout", "MaxPooling2D", "Activation"]
