"""Fitting batch by batch is what Keras's own ``fit`` does."""

import keras
import numpy as np
import pytest

from thesis_lib.engine import batches, fitting

RNG = np.random.default_rng(1)
X = RNG.integers(0, 256, (25, 6), dtype=np.uint8)
Y = RNG.integers(0, 3, 25)


def perceptron() -> keras.Model:
    return keras.Sequential(
        [keras.Input((6,)), keras.layers.Dense(3, "softmax", kernel_initializer="zeros")]
    )


def made(**more: object) -> batches.Batches:
    settings = {"scale": 255.0, "n_classes": 3, "batch_size": 10, "seed": 4, **more}
    return batches.of(None, X, Y, **settings)  # type: ignore[arg-type]


def fit(network: keras.Model, optimizer: object, feed: batches.Batches, epochs: int) -> object:
    return fitting.fit(network, "mse", optimizer, feed, epochs=epochs, on_epoch_end=lambda: None)


def test_weights_and_curves_are_those_of_keras_fit() -> None:
    ours, keras_own = perceptron(), perceptron()
    curves = fit(ours, keras.optimizers.SGD(0.5), made(), epochs=3)
    keras_own.compile(keras.optimizers.SGD(0.5), "mse", metrics=["accuracy"])
    same, history = made(), []
    for _ in range(3):  # the last batch has five images, and counts half as much
        x, y = (
            np.concatenate(parts) for parts in zip(*map(same.__getitem__, range(3)), strict=True)
        )
        history.append(keras_own.fit(x, y, batch_size=10, shuffle=False, verbose=0).history)
        same.on_epoch_end()
    for a, b in zip(ours.get_weights(), keras_own.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-7)
        assert np.abs(a).max() > 0.01
    for curve, name in zip(curves, ("loss", "accuracy"), strict=True):
        np.testing.assert_allclose(curve, [h[name][0] for h in history], atol=2e-6)


def test_each_epoch_has_every_image_once_in_a_new_order() -> None:
    feed, orders = made(change=None), []
    for _ in range(2):
        images = np.concatenate([feed[index][0] for index in range(len(feed))])
        orders.append([int(np.flatnonzero((row == X).all(1))[0]) for row in np.rint(255 * images)])
        feed.on_epoch_end()
    assert sorted(orders[0]) == sorted(orders[1]) == list(range(25))
    assert orders[0] != orders[1]


@pytest.mark.filterwarnings("ignore:.*encountered")
def test_a_loss_that_is_no_number_ends_training() -> None:
    told = []
    loss, accuracy = fitting.fit(
        perceptron(),
        lambda true, found: keras.ops.sum(true - found) / 0.0,
        keras.optimizers.SGD(0.5),
        made(),
        epochs=5,
        on_epoch_end=lambda: told.append(1),
    )
    assert (len(loss), len(accuracy), len(told)) == (1, 1, 1)
    assert not np.isfinite(loss[0])
