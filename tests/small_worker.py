"""What a worker of test_cluster.py loads at its start: training of some tenths of a second.

Each run is written to the file "started" in the folder STARTED when it starts, and to "ended" when
it ends; binary/mfe kills its worker. WORKER says what is wrong with the worker, if anything is.
"""

import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

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
    from thesis_lib import cluster, training

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
