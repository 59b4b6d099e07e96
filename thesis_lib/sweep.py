"""Train many runs: one single-threaded process a core, each finished run recorded at once."""

from __future__ import annotations

import dataclasses
import os
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from multiprocessing import get_context

from thesis_lib import data, experiments
from thesis_lib.training import Experiment

Job = tuple[str, int]


@dataclasses.dataclass(frozen=True)
class Progress:
    """What a sweep has done, has left, and how fast it went."""

    done: list[Job]
    left: list[Job]
    failed: dict[Job, str]
    images: int
    seconds: float


def missing(selection: Iterable[Experiment], seeds: Sequence[int]) -> list[Job]:
    """Return the jobs (experiment, seed) without a record: seed after seed, base networks once."""
    jobs: dict[Job, None] = {}
    chosen = list(selection)
    have = {e.name: {run.seed for run in experiments.recorded(e)} for e in chosen}
    for seed in seeds:
        for experiment in chosen:
            if seed not in have[experiment.name]:
                jobs[(experiment.base or experiment.name, seed)] = None
    return list(jobs)


def run(
    jobs: Sequence[Job], *, workers: int | None = None, max_seconds: float | None = None
) -> Progress:
    """Train the jobs and record each as it ends.

    Parameters
    ----------
    jobs : sequence of (name, seed)
    workers : int, optional
        Number of processes; the number of cores if not given.
    max_seconds : float, optional
        No job is started after it, nor one that the speed so far says would outlast it.

    Returns
    -------
    Progress
    """
    from tqdm import tqdm

    workers = workers or os.cpu_count() or 1
    if workers < 1:
        raise ValueError(f"workers has to be at least 1; got {workers}.")
    started = time.monotonic()
    sizes = {job: images_of(job) for job in jobs}
    done: list[Job] = []
    failed: dict[Job, str] = {}
    waiting, running = list(jobs), dict[Future[float], Job]()
    rate = 0.0  # images a second of one process
    # Fresh interpreters: a forked TensorFlow hangs.
    pool = ProcessPoolExecutor(workers, get_context("spawn"), initializer=_one_thread)
    with pool, tqdm(total=sum(sizes.values()), unit="image", unit_scale=True, disable=None) as bar:
        while waiting or running:
            left = None if max_seconds is None else max_seconds - (time.monotonic() - started)
            while waiting and len(running) < workers:
                index = _next_that_fits(waiting, sizes, rate, left)
                if index is None:
                    break
                job = waiting.pop(index)
                running[pool.submit(_train, *job)] = job
            if not running:
                break
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                job = running.pop(future)
                error = future.exception()
                if error is not None:
                    failed[job] = f"{type(error).__name__}: {error}"
                    continue
                done.append(job)
                rate = max(rate, sizes[job] / future.result())
                bar.update(sizes[job])
    images = sum(sizes[job] for job in done)
    return Progress(done, waiting, failed, images, time.monotonic() - started)


def images_of(job: Job) -> int:
    """Return how many images a job passes through the network."""
    experiment = experiments.get(job[0])
    size = experiments.training_size(experiment, data.load("mnist"))
    return size * experiment.epochs


def _next_that_fits(
    waiting: Sequence[Job], sizes: dict[Job, int], rate: float, left: float | None
) -> int | None:
    """Return the index of the first job that should end in time; None if none does."""
    if left is None:
        return 0
    for index, job in enumerate(waiting):
        if left > 0 and (rate == 0 or sizes[job] / rate < left):
            return index
    return None


def _one_thread() -> None:
    """Give a worker one thread: at batches of 100 a second one gains less than a second run."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ["OMP_NUM_THREADS"] = "1"
    import keras

    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        tf.config.threading.set_intra_op_parallelism_threads(1)
        tf.config.threading.set_inter_op_parallelism_threads(1)


def _train(name: str, seed: int) -> float:
    """Train one job in a worker and return its seconds."""
    family = experiments.train_family(experiments.get(name), seed, progress=False)
    return family[name].seconds
