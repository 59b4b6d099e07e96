"""Images a second: the thesis's way (one Keras ``fit`` on all cores) against a sweep's.

Run it on a quiet machine: ``python benchmarks/sweep.py [epochs]``. Both parts train the thesis's
baseline network on its multi-class images; the sweep trains one network a core, each in a process
of one thread. The time is that of ``fit`` alone, start-up and data preparation excluded for both.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Callable

from thesis_lib import data, experiments, sweep, training

NAME = "multiclass/baseline"


def seconds(seed: int, epochs: int) -> tuple[float, float]:
    """Train one network in this process; return the seconds of ``fit`` and the test accuracy."""
    run = training.train(experiments.get(NAME), seed, epochs=epochs, progress=False)
    return run.seconds, run.test_accuracy


def in_processes(
    count: int, initializer: Callable[[], None] | None, epochs: int
) -> list[tuple[float, float]]:
    """Train ``count`` networks at once, one a fresh process."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(count, initializer) as pool:
        return pool.starmap(seconds, [(seed, epochs) for seed in range(1, count + 1)], 1)


def main() -> None:
    """Print both speeds and their ratio."""
    epochs = int(sys.argv[1]) if len(sys.argv) > 1 else 4
    cores = os.cpu_count() or 1
    images = epochs * experiments.training_size(experiments.get(NAME), data.load("mnist"))
    ((alone, accuracy),) = in_processes(1, None, epochs)
    together = in_processes(cores, sweep.one_thread, epochs)
    slowest = max(duration for duration, _ in together)
    fit, swept = images / alone, cores * images / slowest
    print(f"{cores} cores, {epochs} epochs of {NAME}")
    print(f"Keras fit, one process on all cores: {fit:8.0f} images a second")
    print(f"sweep, one process a core:           {swept:8.0f} images a second")
    print(f"ratio: {swept / fit:.2f}")
    print(f"test accuracy of seed 1, both ways: {accuracy:.4f} {together[0][1]:.4f}")


if __name__ == "__main__":
    main()
