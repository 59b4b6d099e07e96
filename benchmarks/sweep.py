"""Images a second: the thesis's way (one Keras ``fit`` on all cores) against a sweep's.

Run it on a quiet machine: ``python benchmarks/sweep.py [epochs]``. Both train the thesis's baseline
network on its multi-class images, in batches of 100. The thesis's way is Keras as it comes, its own
layers in one process; the sweep trains one network a core, each in a process of one thread, with
the kernels of ``thesis_lib.backend`` and the layers of ``thesis_lib.engine.fast_layers``, in
float32 and in bfloat16. The time is that of ``fit`` alone, without start-up and preparation.
Equal results: the training losses of the last epoch, which dropout makes differ from run to run,
lie as close together between the ways as between seeds.
"""

from __future__ import annotations

import multiprocessing
import os
import statistics
import sys
import time
from collections.abc import Callable, Sequence

from thesis_lib import data, experiments, model, training
from thesis_lib.engine import fitting, processes

NAME = "multiclass/baseline"
Measured = tuple[float, float]


def keras_fit(seed: int, epochs: int) -> Measured:
    """Train Keras's own layers; return the seconds of ``fit`` and the last epoch's loss."""
    import keras  # as it comes, without `backend`

    experiment = experiments.get(NAME)
    subset = data.task(experiment.task, data.load("mnist"))
    x, y = data.to_unit(subset.x_train), keras.utils.to_categorical(subset.y_train, 10)
    network = model.build_cnn(10, x.shape[1:], dropout=experiment.dropout, seed=seed)
    network.compile(loss="mse", optimizer=keras.optimizers.SGD(experiment.learning_rate))
    network.train_on_batch(x[:100], y[:100])  # compiles
    started = time.perf_counter()
    history = network.fit(x, y, batch_size=100, epochs=epochs, verbose=0).history
    return time.perf_counter() - started, history["loss"][-1]


def swept(seed: int, epochs: int, precision: str) -> Measured:
    """Train as a sweep does; return the seconds and the last epoch's loss."""
    run = training.train(
        experiments.get(NAME), seed, epochs=epochs, precision=precision, progress=False
    )
    return run.seconds, run.loss_curve[-1]


def in_processes(
    train: Callable[..., Measured],
    arguments: Sequence[tuple[object, ...]],
    workers: int,
    initializer: Callable[[], None] | None,
) -> list[Measured]:
    """Train one network for each tuple of arguments, so many at once, in fresh processes."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(workers, initializer) as pool:
        return pool.starmap(train, arguments, 1)


def show(way: str, speed: float, fit: float, runs: Sequence[Measured]) -> None:
    """Print one way: images a second, the ratio to Keras's ``fit``, the last losses."""
    losses = " ".join(f"{loss:.5f}" for _, loss in runs)
    print(f"{way:38} {speed:8,.0f} {speed / fit:6.2f}   {losses}")


def main() -> None:
    """Print the speed of each way, its ratio to the thesis's, and the losses."""
    epochs = int(sys.argv[1]) if len(sys.argv) > 1 else 4
    cores = os.cpu_count() or 1
    images = epochs * training.training_size(experiments.get(NAME), data.load("mnist"))
    alone = in_processes(keras_fit, [(seed, epochs) for seed in (1, 2, 3)], 1, None)
    fit = images / statistics.median(seconds for seconds, _ in alone)
    print(f"{cores} cores, {epochs} epochs of {NAME}")
    print(f"{'':38} images/s  ratio   loss of the last epoch")
    show("Keras fit, one process on all cores", fit, fit, alone)
    for precision in fitting.PRECISIONS:
        jobs = [(seed, epochs, precision) for seed in range(1, cores + 1)]
        together = in_processes(swept, jobs, cores, processes.one_thread)
        speed = cores * images / max(seconds for seconds, _ in together)
        show(f"sweep, one process a core, {precision}", speed, fit, together)


if __name__ == "__main__":
    main()
