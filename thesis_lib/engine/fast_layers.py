"""Keras's layers for the network of the thesis, computed faster on the backend that is in use.

Each is the same function as Keras's own layer with the same weights. On a backend where Keras's
own layer is as fast, that one is taken.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from thesis_lib import backend

backend.start()

import keras  # noqa: E402
from keras import ops  # noqa: E402


class BitDropout(keras.layers.Dropout):  # type: ignore[misc]
    """Dropout whose mask takes 8 random bits an element instead of a random float.

    Drawing floats is a quarter of the time that the thesis's network trains on one core of a CPU
    with TensorFlow, and a fifth on a GPU with JAX. An element falls if its byte lies below a
    threshold: the rate in 256ths, rounded up or down at random for each batch, so that the
    expected rate is exact.
    """

    def call(self, inputs: Any, training: bool = False) -> Any:
        if not training or self.rate == 0 or 256 * self.rate > 255:
            return super().call(inputs, training=training)
        draw = _bytes_by_jax if keras.backend.backend() == "jax" else _bytes_by_tensorflow
        random_bytes, between_0_and_1 = draw(self.seed_generator.next(), inputs)
        threshold = ops.cast(ops.floor(256 * self.rate + between_0_and_1), "uint8")
        kept = ops.cast(random_bytes >= threshold, inputs.dtype)
        return inputs * kept / (1 - self.rate)


def _bytes_by_tensorflow(seed: Any, like: Any) -> tuple[Any, Any]:
    """Return random bytes of the shape of a tensor, and a random number in [0, 1)."""
    import tensorflow as tf

    size = tf.size(like)
    words = tf.random.stateless_uniform(
        [(size + 3) // 4 + 1],
        seed=tf.cast(seed, tf.int32),
        minval=None,
        maxval=None,
        dtype=tf.uint32,
    )
    random_bytes = tf.reshape(tf.bitcast(words, tf.uint8), [-1])[:size]
    return tf.reshape(random_bytes, tf.shape(like)), tf.cast(words[-1], tf.float32) / 2.0**32


def _bytes_by_jax(seed: Any, like: Any) -> tuple[Any, Any]:
    """Return what `_bytes_by_tensorflow` does."""
    import jax

    for_bytes, for_number = jax.random.split(jax.random.wrap_key_data(seed))
    words = jax.random.bits(for_bytes, ((like.size + 3) // 4,), "uint32")
    # Else the compiler draws each word again for each of its bytes, which takes four times as long.
    words = jax.lax.optimization_barrier(words)
    random_bytes = jax.lax.bitcast_convert_type(words, "uint8").reshape(-1)[: like.size]
    return random_bytes.reshape(like.shape), jax.random.uniform(for_number)


class PatchConv2D(keras.layers.Conv2D):  # type: ignore[misc]
    """Convolution with zero padding and stride 1 as one matrix product over patches; JAX.

    Under ``jax.vmap`` over networks Keras's own becomes a grouped convolution, this one a batched
    matrix product, which a GPU's matrix units compute.
    """

    def call(self, inputs: Any) -> Any:
        n, height, width, channels = inputs.shape
        kernel = ops.cast(ops.reshape(self.kernel, (-1, self.filters)), inputs.dtype)
        if channels < 8:
            product = ops.einsum("kp,kf->pf", self._rows(inputs), kernel)
        else:
            product = ops.matmul(self._columns(inputs), kernel)
        outputs = ops.reshape(product, (n, height, width, self.filters))
        return outputs + ops.cast(self.bias, outputs.dtype)

    def _padded(self, inputs: Any) -> Any:
        around = [((size - 1) // 2, size // 2) for size in self.kernel_size]
        return ops.pad(inputs, [(0, 0), *around, (0, 0)])

    def _moved(self, inputs: Any) -> list[Any]:
        """Return the images (n, height, width, channels) as each place of a filter meets them."""
        height, width = inputs.shape[1:3]
        padded = self._padded(inputs)
        rows, columns = self.kernel_size
        return [
            padded[:, i : i + height, j : j + width] for i in range(rows) for j in range(columns)
        ]

    def _rows(self, inputs: Any) -> Any:
        """Return the patches of few channels, a row for each weight of a filter.

        Patches of a few numbers each, one after the other, take a GPU ten times as long.
        """
        images = [moved[..., c] for moved in self._moved(inputs) for c in range(inputs.shape[-1])]
        return ops.reshape(ops.stack(images), (len(images), -1))

    def _columns(self, inputs: Any) -> Any:
        """Return the patches of many channels, a row for each pixel.

        They are gathered by index, which takes a GPU a quarter of the time of joining slices. For
        the way back it is the other way round: adding up slices against a scatter.
        """
        import jax

        gathered = jax.custom_vjp(self._gathered)

        def back(_: None, slope: Any) -> Any:
            like = jax.ShapeDtypeStruct(inputs.shape, inputs.dtype)
            return jax.linear_transpose(self._joined, like)(slope)

        gathered.defvjp(lambda images: (self._gathered(images), None), back)
        return gathered(inputs)

    def _joined(self, inputs: Any) -> Any:
        """Return the patches as joined slices (pixels, weights of a filter)."""
        patches = ops.concatenate(self._moved(inputs), axis=-1)
        return ops.reshape(patches, (-1, patches.shape[-1]))

    def _gathered(self, inputs: Any) -> Any:
        """Return what `_joined` does."""
        import jax

        padded = self._padded(inputs)
        if inputs.dtype == "bfloat16" and inputs.shape[-1] % 2 == 0:
            # Two numbers of 16 bits are moved as one of 32.
            pairs = padded.reshape(*padded.shape[:-1], -1, 2)
            padded = jax.lax.bitcast_convert_type(pairs, "uint32")
        n, _, wide, channels = padded.shape
        rows, columns = (np.arange(size) for size in self.kernel_size)
        height, width = (np.arange(size) for size in inputs.shape[1:3])
        pixel = height[:, None] * wide + width
        around = rows[:, None] * wide + columns
        index = (pixel.reshape(-1, 1) + around.reshape(-1)).reshape(-1)
        flat = padded.reshape(n, -1, channels)
        patches = flat.at[:, index].get(mode="promise_in_bounds")
        if patches.dtype != inputs.dtype:
            patches = jax.lax.bitcast_convert_type(patches, inputs.dtype)
        return patches.reshape(n * pixel.size, -1)


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
    return keras.layers.Dropout if keras.backend.backend() == "torch" else BitDropout


def convolution() -> type[keras.layers.Layer]:
    """Return the class of convolution layer to use on this backend."""
    return PatchConv2D if keras.backend.backend() == "jax" else keras.layers.Conv2D


def max_pooling() -> type[keras.layers.Layer]:
    """Return the class of max pooling layer to use on this backend."""
    return BlockMaxPooling2D if keras.backend.backend() == "jax" else keras.layers.MaxPooling2D
