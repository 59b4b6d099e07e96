"""Images a second of many runs in one JAX program: run counts, precisions, ways to convolve.

``python benchmarks/vectorized.py [runs ...]`` (default: 1 4). Trains so many baselines of the
binary task side by side, three epochs each, and sets beside one another: the layers of
`thesis_lib.engine.fast_layers` against Keras's own, whose convolution ``jax.vmap`` turns into a
grouped one; float32, TensorFloat-32 (a GPU's products of float32 with 10 bits) and bfloat16; and
Keras's ``fit`` of one network on the same device. The compilation is timed apart. The shares of the
device are of what one large matrix product and one large copy reach in this same process, not of a
data sheet.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any
from unittest import mock

os.environ["KERAS_BACKEND"] = "jax"

import jax
import jax.numpy as jnp
import keras

from thesis_lib import data, experiments, model
from thesis_lib.engine import fast_layers, vectorized

NAME = "binary/baseline"
EPOCHS = 3


KERAS = {
    "convolution": keras.layers.Conv2D,
    "dropout": keras.layers.Dropout,
    "max_pooling": keras.layers.MaxPooling2D,
}
PRECISIONS = ("float32", "tensorfloat32", "bfloat16")


@contextmanager
def setting(way: str, precision: str) -> Iterator[str]:
    """Use the fast layers or Keras's own; give the precision as the library names it."""
    own = {name: (lambda kind=kind: kind) for name, kind in KERAS.items()}
    changed: dict[str, Any] = own if way == "keras" else {}
    products = {"float32": precision, "bfloat16": None}
    with (
        mock.patch.multiple(fast_layers, **changed) if changed else nullcontext(),
        mock.patch.object(vectorized, "_PRODUCTS", products),
        mock.patch.object(vectorized, "_IMAGES_A_CALL", 1),
    ):
        yield "bfloat16" if precision == "bfloat16" else "float32"


def side_by_side(runs: int, precision: str, way: str) -> tuple[float, float, float]:
    """Return seconds to compile (with the first epoch), images a second, the mean last loss."""
    jobs = [(experiments.get(NAME), seed) for seed in range(1, runs + 1)]
    ends: list[tuple[float, int]] = []
    started = time.perf_counter()
    with setting(way, precision) as named:
        trained = vectorized.train_group(
            jobs,
            epochs=EPOCHS,
            precision=named,
            on_epochs=lambda images: ends.append((time.perf_counter(), images)),
        )
    steady = sum(images for _, images in ends[1:]) / (ends[-1][0] - ends[0][0])
    return ends[0][0] - started, steady, sum(run.loss_curve[-1] for run in trained) / runs


def keras_fit() -> float:
    """Return the images a second of ``fit``, one network at a time."""
    experiment = experiments.get(NAME)
    subset = data.task(experiment.task, data.load("mnist"))
    x, y = data.to_unit(subset.x_train), keras.utils.to_categorical(subset.y_train, 2)
    network = model.build_cnn(2, x.shape[1:], dropout=experiment.dropout, seed=1)
    network.compile(loss="mse", optimizer=keras.optimizers.SGD(experiment.learning_rate))
    network.fit(x, y, batch_size=100, verbose=0)
    started = time.perf_counter()
    network.fit(x, y, batch_size=100, verbose=0)
    return len(x) / (time.perf_counter() - started)


def work_of_an_image() -> tuple[float, float]:
    """Return the operations that training on one image takes, and the elements it moves at least.

    Two operations a multiplication, three times the forward pass; each activation and its gradient
    written once and read once.
    """
    network = model.build_cnn(2)
    operations = elements = 0.0
    for layer in network.layers:
        _, *shape = layer.output.shape
        size = float(jnp.prod(jnp.array(shape)))
        elements += size
        if hasattr(layer, "kernel"):
            *reach, _ = layer.kernel.shape
            operations += 2 * size * float(jnp.prod(jnp.array(reach)))
    return 3 * operations, 4 * elements


def best_seconds(call: Callable[[], Any]) -> float:
    """Return the shortest of five times, after one to compile."""
    call().block_until_ready()
    times = []
    for _ in range(5):
        started = time.perf_counter()
        call().block_until_ready()
        times.append(time.perf_counter() - started)
    return min(times)


def device_limits(precision: str) -> tuple[float, float]:
    """Return the operations and bytes a second that a matrix product and a copy reach."""
    n = 8192 if jax.devices()[0].platform == "gpu" else 2048
    dtype = "bfloat16" if precision == "bfloat16" else "float32"
    matrix = jax.random.normal(jax.random.key(0), (n, n), dtype)
    with jax.default_matmul_precision(None if precision == "bfloat16" else precision):
        product = jax.jit(lambda a: a @ a).lower(matrix).compile()
    copy = jax.jit(lambda a: a + 1)
    large = jnp.ones((4 * n * n,), "float32")
    return (
        2 * n**3 / best_seconds(lambda: product(matrix)),
        2 * large.nbytes / best_seconds(lambda: copy(large)),
    )


def main() -> None:
    """Print a line a setting, with ratios to ``fit``."""
    counts = [int(n) for n in sys.argv[1:]] or [1, 4]
    operations, elements = work_of_an_image()
    fit = keras_fit()
    print(f"{jax.devices()[0].device_kind}, {NAME}, {EPOCHS} epochs")
    print(f"Keras fit on JAX: {fit:,.0f} images a second")
    print("runs precision     layers compile s  images/s  to fit  of product  of copy  last loss")
    for precision in PRECISIONS:
        product, copy = device_limits(precision)
        traffic = elements * (2 if precision == "bfloat16" else 4)
        for way in ("fast", "keras"):
            for runs in counts:
                compiled, speed, loss = side_by_side(runs, precision, way)
                print(
                    f"{runs:4d} {precision:13} {way:6} {compiled:9.1f} {speed:9,.0f} "
                    f"{speed / fit:7.2f} {speed * operations / product:11.1%} "
                    f"{speed * traffic / copy:8.1%} {loss:10.5f}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
