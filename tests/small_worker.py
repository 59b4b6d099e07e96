"""What a worker of test_cluster.py loads at its start: training of some tenths of a second.

Each run is written to the file "started" in the folder STARTED when it starts, and to "ended" when
it ends; binary/mfe kills its worker, own-data/mfe fails. WORKER says what is wrong with the worker,
if anything is, or "trains", and then it really does.
"""

import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

WRONG = os.environ.get("WORKER")
FOLDER = Path(os.environ["STARTED"])


def note(file: str, line: str) -> None:
    descriptor = os.open(FOLDER / file, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(descriptor, f"{line} {os.getpid()}\n".encode())
    os.close(descriptor)


if WRONG == "without the library":
    sys.modules["thesis_lib"] = None  # type: ignore[assignment]
elif WRONG == "without MNIST":
    from thesis_lib import download, sources

    download._refused[sources._MNIST_URL] = "no network"
elif WRONG is None:
    from tests import small_sweep
    from tests.runs import make_run
    from thesis_lib import training
    from thesis_lib.engine import cluster
    from thesis_lib.own import image_sets, method_runs

    cluster._TELL_SECONDS = 0.0

    def train(experiment: training.Experiment, seed: int, **options: Any) -> training.Run:
        note("started", f"{experiment.name} {seed}")
        if experiment.name == "binary/mfe":
            os.kill(os.getpid(), signal.SIGKILL)
        for _ in range(10):
            time.sleep(small_sweep.SECONDS / 10)
            options["on_epoch"]()
        note("ended", f"{experiment.name} {seed}")
        return small_sweep.train(experiment, seed)

    training.train = train

    def train_own(
        sets: Any, network: Any, family: list[training.Experiment], seed: int, passed: Any
    ) -> Any:
        """Stand in for `method_runs.train`; the confusion matrix tells what images came here."""
        images = image_sets.opened(sets)
        note("started", f"{family[0].name} {seed}")
        if family[0].name == "own-data/mfe":
            raise ValueError("no such luck")
        for _ in range(10):
            time.sleep(small_sweep.SECONDS / 10)
            passed(len(images.y_train))
        note("ended", f"{family[0].name} {seed}")
        table = np.array([[int(images.x_train.sum()), seed], [0, int(images.x_test.sum())]])
        return [
            training.of_confusion(
                one,
                seed,
                table,
                diverged=False,
                train_accuracy=0.5,
                curves=((0.5,), (0.5,)),
                seconds=0.1,
                provenance=make_run().provenance,
            )
            for one in family
        ]

    method_runs.train = train_own
    method_runs.seconds_of = lambda sets, network, experiment, passed: (1.0, 0.001)
