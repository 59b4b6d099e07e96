"""Sweeps for test_reliability.py to kill: a real pool and a real store.

Training is a stand-in of milliseconds, unless SMALL_SWEEP is "real": then it trains on noise. Each
run whose record is reported done is also written to the file "reported" beside the store.
"""

import dataclasses
import functools
import json
import multiprocessing
import os
import random
import signal
import sys
import time
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from tests.runs import make_run
from thesis_lib import data, experiments, training
from thesis_lib.__main__ import main
from thesis_lib.engine import budget, processes, sweep
from thesis_lib.training import Experiment, Run

STORE = Path(os.environ["THESIS_LIB_RECORDS"])
REAL = os.environ.get("SMALL_SWEEP") == "real"
SECONDS = float(os.environ.get("SMALL_SWEEP_SECONDS", "0.002"))
ENDS_WITH = int(os.environ.get("SMALL_SWEEP_ENDS_WITH", "0"))


def noise() -> data.Dataset:
    """Images of every digit, all alike to anyone; reading real ones takes a process long."""
    x = np.random.default_rng(0).integers(0, 256, (1000, 8, 8), dtype=np.uint8)
    y = np.repeat(np.arange(10), 100)
    return data.Dataset("noise", x, y, x, y, "nowhere")


DIGITS = noise()
Y_TEST = data.task("binary", DIGITS).y_test


def note(file: str, line: str = "") -> None:
    descriptor = os.open(STORE / file, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(descriptor, f"{line}\n".encode())
    os.close(descriptor)


def outputs_of(seed: int) -> np.ndarray:
    first = np.random.default_rng(seed).random(len(Y_TEST), dtype=np.float32)
    return np.stack([first, 1 - first], axis=1)


def train(experiment: Experiment, seed: int, **options: Any) -> Run:
    """Stand in for training; the record fills several pages of memory, as real ones do."""
    if ENDS_WITH:
        note("training")
    time.sleep(SECONDS)
    return training.measured(
        experiment,
        seed,
        y_test=Y_TEST,
        probabilities=outputs_of(seed),
        train_accuracy=0.5,
        curves=((0.123456,) * 400, (0.654321,) * 400),
        seconds=0.1,
        provenance=make_run().provenance,
        keep_probabilities=True,
    )


record = experiments.record


def record_and_report(run: Run) -> bool:
    written = record(run)
    if written:
        note("reported", f"{run.experiment.name} {run.seed}")
    return written


def clock() -> float:
    """Stand still until so many runs train, and then say that the time is up."""
    path = STORE / "training"
    training_now = len(path.read_text().splitlines()) if path.exists() else 0
    return 1e6 if training_now >= ENDS_WITH else 0.0


@functools.cache
def short_catalogue() -> dict[str, Experiment]:
    return {name: dataclasses.replace(e, epochs=2) for name, e in whole_catalogue().items()}


# At the top level, so that the processes that a sweep spawns do the same.
data.load = lambda *a, **k: DIGITS
experiments.record = record_and_report
if REAL:
    whole_catalogue = experiments.catalogue
    experiments.catalogue = short_catalogue
else:
    training.train = train
    processes.one_thread = lambda: None
    sweep.images_of = lambda job: 1000
if ENDS_WITH:
    budget.clock = clock


def reported() -> list[str]:
    path = STORE / "reported"
    return path.read_text().splitlines() if path.exists() else []


def problems() -> list[str]:
    """Say what is wrong with the store: lost, doubled or half-written."""
    found: list[str] = []
    runs = set()
    for name in experiments.store().names():
        seeds, said = seeds_of(name, written(experiments.store().path(name)))
        runs |= {(name, seed) for seed in seeds}
        found += said
    lines = reported()
    found += [f"{line} is lost" for line in lines if (line.split()[0], int(line[-2:])) not in runs]
    found += [f"{line} {n} times" for line, n in Counter(lines).items() if n > 1]
    for name, seed in runs:
        if experiments.get(name).base is None:
            path = experiments.store().outputs_path(name, seed)
            if not path.exists() or not outputs_are_right(path, seed, written(path)):
                found.append(f"{name} {seed} has other outputs")
    return found


def written(path: Path) -> tuple[int, ...]:
    """Return what changes whenever a file is replaced or written to."""
    status = path.stat()
    return status.st_ino, status.st_mtime_ns, status.st_size


# Most files are as they were when they were looked at after the kill before: they are read once.


@functools.cache
def seeds_of(name: str, written: tuple[int, ...]) -> tuple[list[int], list[str]]:
    """Return the seeds of the runs that a file holds, and the warnings of reading it."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        seeds = [run["seed"] for run in experiments.store().read(name)]
    return seeds, [str(w.message) for w in caught]


@functools.cache
def outputs_are_right(path: Path, seed: int, written: tuple[int, ...]) -> bool:
    # The file itself: `experiments.outputs` would read all records of the name again.
    return bool(np.allclose(np.load(path), outputs_of(seed), atol=1e-3))


def wait_for_more(child: int, n_runs: int) -> None:
    """Wait until so many more runs are reported, or the child has ended, and a little longer."""
    first = len(reported())
    while len(reported()) - first < n_runs and psutil.Process(child).status() != "zombie":
        time.sleep(0.001)
    time.sleep(random.uniform(0.0, 0.03 if n_runs else 0.1))


def kill_many(kills: int) -> None:
    """Kill a sweep, with its processes, at random moments; then let one end."""
    # Forking is fast, and safe here, where no TensorFlow runs.
    processes.get_context = lambda method: multiprocessing.get_context("fork")
    selection = [e for e in experiments.catalogue().values() if e.task == "binary"]
    train(selection[0], 1)  # loads what every child would load anew
    seeds = list(range(1, 9))
    random.seed(1)
    found: list[str] = []
    recorded: list[int] = []
    for turn in range(kills + 1):
        child = os.fork()
        if child == 0:
            os.setpgid(0, 0)
            os.environ["TQDM_DISABLE"] = "1"
            sweep.run(sweep.missing(selection, seeds), workers=2)
            os._exit(0)
        os.setpgid(child, child)  # here too: the child may not have come to it before it is killed
        if turn < kills:
            wait_for_more(child, random.randrange(5))
            os.killpg(child, signal.SIGKILL)
        os.waitpid(child, 0)
        found += problems()
        recorded.append(len(reported()))
    left = len(sweep.missing(selection, seeds))
    halves = [str(path) for path in STORE.rglob("*.part")]
    print(json.dumps({"problems": found, "recorded": recorded, "left": left, "halves": halves}))


def cell() -> None:
    """Do as a cell that asks for results, and is interrupted while its third run trains."""
    stop = [3]

    def train_until(experiment: Experiment, seed: int, **options: Any) -> Run:
        if seed in stop:
            stop.clear()
            raise KeyboardInterrupt
        for _ in range(experiment.epochs):
            options["on_epoch"]()
        return train(experiment, seed)

    training.train = train_until
    try:
        experiments.results("binary/rus")
    except KeyboardInterrupt:
        kept = [run.seed for run in experiments.recorded("binary/rus")]
        print(json.dumps({"kept": kept}))
    again = [run.seed for run in experiments.results("binary/rus")]
    print(json.dumps({"again": again}))


if __name__ == "__main__":
    if sys.argv[1] == "kill-many":
        kill_many(int(sys.argv[2]))
    elif sys.argv[1] == "cell":
        cell()
    else:
        sys.exit(main(sys.argv[1:]))
