"""Where a sweep trains by default: processes of one thread on this machine."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any

from thesis_lib import arguments, backend, experiments, training
from thesis_lib.training import Run


class Processes:
    """A pool of processes, as `thesis_lib.engine.sweep` asks for one; `pool` makes it.

    Parameters
    ----------
    executor : ProcessPoolExecutor
        With ``workers`` processes.
    workers : int
    passed : multiprocessing.Value
        Counts the images that all processes have passed.
    """

    def __init__(self, executor: ProcessPoolExecutor, workers: int, passed: Any) -> None:
        self._executor, self._workers, self._passed = executor, workers, passed
        self._training: list[Future[Run]] = []

    def slots(self) -> int:
        """Return how many runs can train at the same time."""
        return self._workers

    def passed(self) -> int:
        """Return how many images all runs together have passed so far."""
        return int(self._passed.value)

    def submit(self, name: str, seed: int, precision: str) -> Future[Run]:
        """Hand a run over. Processes that start here are deaf to Ctrl-C, which this one answers.

        Parameters
        ----------
        name : str
            Of an experiment without a base.
        seed : int
        precision : {"float32", "bfloat16"}

        Returns
        -------
        Future of Run
            With probabilities.
        """
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            handed = self._executor.submit(_train, name, seed, precision)
            # Those that have ended hold their outputs, which somebody else keeps.
            self._training = [*(f for f in self._training if not f.done()), handed]
            return handed
        except BrokenProcessPool as error:
            future = Future[Run]()
            future.set_exception(error)
            return future
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def busy(self) -> bool:
        """Return whether some run still trains."""
        return not all(future.done() for future in self._training)


@contextlib.contextmanager
def pool(workers: int | None = None) -> Iterator[Processes]:
    """Give a pool of processes.

    What they still train where the block ends, or this process is killed, ends with them at once.

    Parameters
    ----------
    workers : int, optional
        At least 1; one a core if not given.

    Raises
    ------
    ValueError, TypeError
        If workers is no whole number from 1.
    """
    workers = arguments.whole("workers", (os.cpu_count() or 1) if workers is None else workers, 1)
    # Fresh interpreters: a forked TensorFlow hangs.
    context = get_context("spawn")
    passed = context.Value("q", 0)
    theirs, ours = context.Pipe(duplex=False)
    executor = ProcessPoolExecutor(workers, context, _start, (passed, theirs))
    with theirs, ours, executor:
        processes = Processes(executor, workers, passed)
        try:
            yield processes
        finally:
            if processes.busy():
                ours.close()


def one_thread() -> None:
    """Give a process one thread: at batches of 100 a second gains less than a second process."""
    os.environ["OMP_NUM_THREADS"] = "1"
    backend.start()
    import keras

    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        tf.config.threading.set_intra_op_parallelism_threads(1)
        tf.config.threading.set_inter_op_parallelism_threads(1)


def train(name: str, seed: int, precision: str, passed: Callable[[int], None]) -> Run:
    """Train one experiment with one seed, and record nothing.

    Parameters
    ----------
    name : str
        Of an experiment without a base.
    seed : int
    precision : {"float32", "bfloat16"}
    passed : callable
        Called after each epoch with the number of its images.

    Returns
    -------
    Run
        With probabilities.
    """
    experiment = experiments.get(name)
    # An epoch is one network's; the size is that of all networks of the run.
    size = training.training_size(experiment) // (experiment.members or 1)
    return training.train(
        experiment,
        seed,
        precision=precision,
        progress=False,
        keep_probabilities=True,
        on_epoch=lambda: passed(size),
    )


_passed: Any = None  # in a worker: how many images all workers have passed, shared between them


def _start(passed: Any, alive: Connection) -> None:
    global _passed
    from tqdm import tqdm

    _passed = passed
    # Its own would be a semaphore of the system, which is left over where a process ends at once.
    tqdm.set_lock(threading.RLock())
    threading.Thread(target=_end_with, args=(alive,), daemon=True).start()
    one_thread()


def _end_with(alive: Connection) -> None:
    """End this process once the other end of the pipe is closed."""
    alive.poll(None)
    os._exit(1)


def _train(name: str, seed: int, precision: str) -> Run:
    def count(images: int) -> None:
        with _passed.get_lock():
            _passed.value += images

    return train(name, seed, precision, count)
