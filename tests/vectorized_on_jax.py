"""What test_vectorized.py checks, measured in a process of its own whose Keras runs on JAX.

Prints one JSON object. Double precision, so that only the order of summation sets the single run
and the vectorised ones apart.
"""

import contextlib
import dataclasses
import itertools
import json
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import jax
import jax.numpy as jnp
import keras
import numpy as np

from thesis_lib import data, experiments, model, training
from thesis_lib.engine import budget, fast_layers, stages, vectorized

keras.config.set_floatx("float64")
EPOCHS = 3


def small_digits() -> data.Dataset:
    """Return the digits of 8×8 pixels, and every third of those to test."""
    digits = data.load("digits-8x8")
    return dataclasses.replace(digits, x_test=digits.x_test[::3], y_test=digits.y_test[::3])


DIGITS = small_digits()


def setting(name: str, **changes: object) -> training.Experiment:
    return dataclasses.replace(experiments.get(name), **changes)


def follow(experiment: training.Experiment, seed: int) -> tuple[list[float], np.ndarray]:
    """Train one run with Keras's ``fit``, as `training.train` does, in the vectorised order."""
    subset = data.task(experiment.task, DIGITS)
    x, y = data.to_unit(subset.x_train), np.eye(10)[subset.y_train]
    counts = data.class_counts(subset.y_train, 10)
    network = model.build_cnn(10, x.shape[1:], dropout=experiment.dropout, seed=seed, fast=True)
    network.compile(
        loss=stages.LOSSES[experiment.loss](experiment, counts),
        optimizer=keras.optimizers.SGD(experiment.learning_rate),
    )
    losses = []
    for epoch in range(EPOCHS):
        order = np.asarray(vectorized.batch_order(seed, epoch, len(x)))
        fitted = network.fit(x[order], y[order], batch_size=100, shuffle=False, verbose=0)
        losses.append(fitted.history["loss"][0])
    x_test = data.to_unit(subset.x_test)  # at once: a smaller last batch is compiled anew
    return losses, network.predict(x_test, batch_size=len(x_test), verbose=0)


def jobs() -> list[tuple[training.Experiment, int]]:
    """Return runs with losses of every kind, and one whose learning rate makes its loss NaN."""
    return [
        (setting("multiclass/focal-g2-a10", dropout=0.0), 2),
        # The last experiment of a loss may leave out what another one sets.
        (setting("multiclass/unclipped-focal", dropout=0.0, gamma=2.0, minority_weight=5.0), 3),
        (setting("multiclass/unclipped-focal", dropout=0.0, gamma=None, learning_rate=0.001), 3),
        (setting("multiclass/mfe", dropout=0.0, learning_rate=0.005), 1),
        (setting("multiclass/learning-rate", dropout=0.0), 3),
        (setting("multiclass/cross-entropy", dropout=0.0, learning_rate=1e30), 2),
    ]


def same_training(trained: list[training.Run]) -> dict[str, object]:
    """Compare each run of a group with the run alone in ``fit``."""
    *runs, broken = trained
    found = []
    for (experiment, seed), run in zip(jobs(), runs, strict=False):
        losses, outputs = follow(experiment, seed)
        found.append(
            {
                "loss": float(np.abs(np.array(losses) - run.loss_curve).max()),
                "outputs": float(np.abs(outputs - run.probabilities).max()),
                "moved": float(np.ptp(run.loss_curve)),
            }
        )
    return {"runs": found, "diverged": broken.diverged, "accuracy": str(broken.test_accuracy)}


@contextlib.contextmanager
def out_of_time_after_a_call() -> Iterator[None]:
    """Let the time end in the second look at the clock after the group is prepared."""
    clock, times = budget.clock, itertools.chain([0.0] * 3, itertools.repeat(99.0))
    budget.clock = lambda: next(times)
    with budget.limit(60):
        yield
    budget.clock = clock


def interrupted(
    group: vectorized.Group, whole: list[training.Run], folder: Path
) -> dict[str, object]:
    """Stop a group after its first call, go on, and compare with one that was never stopped."""
    path = folder / "group.npz"

    def train(on_epochs: Callable[[int], object] = lambda images: None) -> list[training.Run]:
        return group.train(path, on_epochs)

    class Stop(Exception):
        pass

    calls: list[int] = []

    def stop(images: int) -> None:
        calls.append(images)
        if len(calls) == 2:
            raise Stop

    with contextlib.suppress(Stop):
        train(stop)
    with budget.limit(0):
        out_of_time = train()
        not_begun = vectorized.train_group(jobs(), epochs=EPOCHS, dataset=DIGITS)
    kept = path.exists()
    rest: list[int] = []
    resumed = train(rest.append)
    again: list[int] = []
    train(again.append)
    path.write_bytes(path.read_bytes()[:-100])
    with warnings.catch_warnings(record=True) as torn:
        warnings.simplefilter("always")
        with out_of_time_after_a_call():
            one_call = train()
    after_a_call: list[int] = []
    train(after_a_call.append)
    return {
        "out_of_time": len(out_of_time) + len(not_begun),
        "one_call": len(one_call),
        "after_a_call": len(after_a_call),
        "kept": kept,
        "calls_after": len(rest),
        "calls_once_done": len(again),
        "torn": [str(w.message) for w in torn if "starts afresh" in str(w.message)],
        "equal": all(
            np.array_equal(a.probabilities, b.probabilities, equal_nan=True)
            and np.array_equal(a.loss_curve, b.loss_curve, equal_nan=True)
            for a, b in zip(whole, resumed, strict=True)
        ),
    }


def results(kind: type[keras.Layer], size: int, dtype: str, channels: int) -> list[np.ndarray]:
    """Return a convolution's outputs, and the slopes of their squares' sum."""
    rng = np.random.default_rng(size)
    layer = kind(4, size, padding="same", dtype=dtype)
    images = jnp.asarray(rng.normal(size=(2, 5, 6, channels)), dtype)
    layer.build(images.shape)
    weights = [jnp.asarray(rng.normal(size=v.shape), v.dtype) for v in layer.trainable_variables]

    def squares(weights: list[jax.Array], images: jax.Array) -> tuple[jax.Array, jax.Array]:
        outputs = layer.stateless_call(weights, [], images)[0].astype("float64")
        return (outputs**2).sum(), outputs

    slopes = jax.jit(jax.grad(squares, argnums=(0, 1), has_aux=True))
    ((kernel, bias), slope), outputs = slopes(weights, images)
    return [np.asarray(array, np.float64) for array in (outputs, kernel, bias, slope)]


def layers() -> dict[str, float]:
    """Return the largest differences of the fast convolution from Keras's, each to the scale."""
    found = {}
    for channels, size, dtype in [
        (3, 2, "float64"),
        (3, 3, "bfloat16"),
        (8, 2, "bfloat16"),
        (8, 3, "float64"),
    ]:
        plain, fast = (
            results(kind, size, dtype, channels)
            for kind in (keras.layers.Conv2D, fast_layers.PatchConv2D)
        )
        found[f"{channels} channels, {size}×{size}, {dtype}"] = max(
            float(np.abs(one - other).max() / np.abs(one).max())
            for one, other in zip(plain, fast, strict=True)
        )
    return found


def dropout() -> dict[str, float]:
    """Return the share that falls, its expected distance, and what the rest becomes."""
    layer, ones = fast_layers.BitDropout(0.2, seed=1), np.ones((50, 40, 51), np.float32)
    first, second, *others = (np.asarray(layer(ones, training=True)) for _ in range(20))
    again = np.asarray(fast_layers.BitDropout(0.2, seed=1)(ones, training=True))
    kept = np.unique(first[first > 0])
    return {
        "share": float(np.mean([m == 0 for m in (first, second, *others)])),
        "spread": float(np.sqrt(0.16 / (20 * ones.size)) + 0.5 / 256 / np.sqrt(20)),
        "kept": kept.tolist(),
        "anew": float(np.mean(first != second)),
        "again": float(np.mean(first != again)),
        "outside": float(np.abs(np.asarray(layer(ones, training=False)) - 1).max()),
    }


def errors() -> dict[str, str]:
    """Return the texts of the errors."""
    one, other = setting("binary/baseline"), setting("binary/rus")
    found = {}
    for name, call in {
        "groups": lambda: vectorized.train_group([(one, 1), (other, 1)], dataset=DIGITS),
        "precision": lambda: vectorized.train_group([(one, 1)], precision="half"),
        "epochs": lambda: vectorized.train_group([(one, 1)], epochs=0, dataset=DIGITS),
    }.items():
        try:
            call()
        except ValueError as error:
            found[name] = str(error)
    return found


if __name__ == "__main__":
    # Compiling takes nearly all the time: one program serves both comparisons.
    vectorized._IMAGES_A_CALL = 1
    vectorized._SECONDS_A_SAVE = 0
    vectorized._IMAGES_AT_ONCE = 100 * len(jobs())  # the test images come in two pieces
    prepared = vectorized.prepare(jobs(), epochs=EPOCHS, dataset=DIGITS)
    never_stopped = prepared.train(None, lambda images: None)
    print(
        json.dumps(
            {
                "same": same_training(never_stopped),
                "interrupted": interrupted(prepared, never_stopped, Path(sys.argv[1])),
                "layers": layers(),
                "types": [type(x).__name__ for x in model.build_cnn(fast=True).layers[:4]],
                "dropout": dropout(),
                "errors": errors(),
            }
        )
    )
