"""Keras's layers for the network of the thesis, computed faster on the backend that is in use.

Each is the same function as Keras's own layer with the same weights. On a backend where Keras's
own layer is as fast, that one is taken.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


class BitDropout(keras.layers.Dropout):  # type: ignore[misc]
    """Dropout whose mask takes 8 random bits an element instead of a random float; TensorFlow.

    Drawing floats is a quarter of the time that the thesis's network trains on one core of a CPU.
    An element falls if its byte lies below a threshold: the rate in 256ths, rounded up or down at
    random for each batch, so that the expected rate is exact.
    """

    def call(self, inputs: Any, training: bool = False) -> Any:
        if not training or self.rate == 0 or 256 * self.rate > 255:
            return super().call(inputs, training=training)
        import tensorflow as tf

        size = tf.size(inputs)
        words = tf.random.stateless_uniform(
            [(size + 3) // 4 + 1],
            seed=tf.cast(self.seed_generator.next(), tf.int32),
            minval=None,
            maxval=None,
            dtype=tf.uint32,
        )
        between_0_and_1 = tf.cast(words[-1], tf.float32) / 2.0**32
        threshold = tf.cast(tf.floor(256 * self.rate + between_0_and_1), tf.uint8)
        random_bytes = tf.reshape(tf.bitcast(words, tf.uint8), [-1])[:size]
        kept = tf.cast(random_bytes >= threshold, inputs.dtype)
        return inputs * tf.reshape(kept, tf.shape(inputs)) / (1 - self.rate)


class PatchConv2D(keras.layers.Conv2D):  # type: ignore[misc]
    """Convolution with zero padding and stride 1 as one matrix product over patches; JAX.

    Under ``jax.vmap`` over networks Keras's own becomes a grouped convolution, this one a batched
    matrix product, which a GPU's matrix units compute.
    """

    def call(self, inputs: Any) -> Any:
        height, width = inputs.shape[1:3]
        rows, columns = self.kernel_size
        around = [((size - 1) // 2, size // 2) for size in (rows, columns)]
        padded = ops.pad(inputs, [(0, 0), *around, (0, 0)])
        shifted = [
            padded[:, i : i + height, j : j + width] for i in range(rows) for j in range(columns)
        ]
        patches = ops.concatenate(shifted, axis=-1)
        kernel = ops.cast(ops.reshape(self.kernel, (-1, self.filters)), patches.dtype)
        return ops.matmul(patches, kernel) + ops.cast(self.bias, patches.dtype)


class BlockMaxPooling2D(keras.layers.MaxPooling2D):  # type: ignore[misc]
    """Max pooling over blocks that do not overlap, by reshaping; JAX.

    Its gradient is a comparison instead of a scatter. Where several pixels of a block are the
    largest, the gradient is shared between them.
    """

    def call(self, inputs: Any) -> Any:
        rows, columns = self.pool_size
        _, height, width, channels = inputs.shape
        height, width = height // rows, width // columns
        inside = inputs[:, : height * rows, : width * columns]
        blocks = ops.reshape(inside, (-1, height, rows, width, columns, channels))
        return ops.max(blocks, axis=(2, 4))


def dropout() -> type[keras.layers.Layer]:
    """Return the class of dropout layer to use on this backend."""
    return BitDropout if keras.backend.backend() == "tensorflow" else keras.layers.Dropout


def convolution() -> type[keras.layers.Layer]:
    """Return the class of convolution layer to use on this backend."""
    return PatchConv2D if keras.backend.backend() == "jax" else keras.layers.Conv2D


def max_pooling() -> type[keras.layers.Layer]:
    """Return the class of max pooling layer to use on this backend."""
    return BlockMaxPooling2D if keras.backend.backend() == "jax" else keras.layers.MaxPooling2D
