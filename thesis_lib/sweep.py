"""Train many runs and record each as it ends: one process a core, or side by side on a GPU."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import os
import signal
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from thesis_lib import experiments, quiet
from thesis_lib.training import Experiment, Run

Job = tuple[str, int]

_REFRESH_SECONDS = 1.0


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


def images_of(job: Job) -> int:
    """Return how many images a job passes through the network."""
    experiment = experiments.get(job[0])
    size = experiments.training_size(experiment)
    return size * experiment.epochs


def run(
    jobs: Sequence[Job],
    *,
    workers: int | None = None,
    precision: str = "float32",
    max_seconds: float | None = None,
) -> Progress:
    """Train the jobs on the CPU, each in a process of one thread, and record each as it ends.

    Parameters
    ----------
    jobs : sequence of (name, seed)
    workers : int, optional
        Number of processes; the number of cores if not given.
    precision : {"float32", "bfloat16"}
        What activations are computed in.
    max_seconds : float, optional
        No job is started after it, nor one that the speed so far says would outlast it.

    Returns
    -------
    Progress

    Raises
    ------
    OSError
        If a run could not be recorded; the others are ended.
    """
    workers = (os.cpu_count() or 1) if workers is None else workers
    if workers < 1:
        raise ValueError(f"workers has to be at least 1; got {workers}.")
    started = time.monotonic()
    sizes = {job: images_of(job) for job in jobs}
    done: list[Job] = []
    failed: dict[Job, str] = {}
    waiting, running = list(jobs), dict[Future[float], Job]()
    rate = 0.0  # images a second of one process
    with _pool(workers) as (pool, passed), _bar(sum(sizes.values())) as bar:
        while waiting or running:
            left = None if max_seconds is None else max_seconds - (time.monotonic() - started)
            while waiting and len(running) < workers:
                index = _next_that_fits(waiting, sizes, rate, left)
                if index is None:
                    break
                future = _submit(pool, waiting[index], precision)
                running[future] = waiting.pop(index)
            if not running:
                break
            for future in wait(running, _REFRESH_SECONDS, FIRST_COMPLETED).done:
                job, error = running.pop(future), future.exception()
                if isinstance(error, OSError):
                    raise error  # no folder or no disk to record to: not for the next job either
                if error is not None:
                    failed[job] = _reason(error)
                    continue
                done.append(job)
                rate = max(rate, sizes[job] / future.result())
            bar.update(passed.value - bar.n)
            if _DIED in failed.values():
                # A pool that has lost one process ends the others and takes no more jobs.
                failed |= dict.fromkeys(running.values(), _DIED)
                break
    images = sum(sizes[job] for job in done)
    return Progress(done, waiting, failed, images, time.monotonic() - started)


@contextlib.contextmanager
def _pool(workers: int) -> Iterator[tuple[ProcessPoolExecutor, Any]]:
    """Give processes of one thread, and the number of images that all of them have passed.

    They end at once where the block fails or is interrupted, and where this process is killed.
    """
    # Fresh interpreters: a forked TensorFlow hangs.
    context = get_context("spawn")
    passed = context.Value("q", 0)
    theirs, ours = context.Pipe(duplex=False)
    pool = ProcessPoolExecutor(workers, context, _start_worker, (passed, theirs))
    with theirs, ours, pool:
        try:
            yield pool, passed
        except BaseException:
            ours.close()
            raise


def _submit(pool: ProcessPoolExecutor, job: Job, precision: str) -> Future[float]:
    """Hand a job over. Processes that start here are deaf to Ctrl-C, which this one answers."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        return pool.submit(_train, *job, precision)
    except BrokenProcessPool as error:
        future = Future[float]()
        future.set_exception(error)
        return future
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


_DIED = "a training process was killed, perhaps for want of memory; fewer workers need less"


def _reason(error: BaseException) -> str:
    return _DIED if isinstance(error, BrokenProcessPool) else f"{type(error).__name__}: {error}"


def run_side_by_side(
    jobs: Sequence[Job], *, precision: str = "float32", max_seconds: float | None = None
) -> Progress:
    """Train the jobs in groups with JAX (:mod:`thesis_lib.vectorized`), recording each group.

    A group that does not fit into the device's memory is halved. One that is stopped goes on from
    its last saved epoch when the same jobs are asked for again.

    Parameters
    ----------
    jobs : sequence of (name, seed)
    precision : {"float32", "bfloat16"}
        What activations are computed in.
    max_seconds : float, optional
        Stop within this time, save the group's state, and say what is left.

    Returns
    -------
    Progress
    """
    quiet.import_keras()
    from thesis_lib import vectorized

    started = time.monotonic()
    waiting = vectorized.groups([(experiments.get(name), seed) for name, seed in jobs])
    done: list[Job] = []
    with _bar(sum(images_of(job) for job in jobs)) as bar:
        while waiting:
            group = waiting[0]
            left = None if max_seconds is None else max_seconds - (time.monotonic() - started)
            try:
                runs = vectorized.train_group(
                    group,
                    precision=precision,
                    checkpoint=_checkpoint(group),
                    max_seconds=left,
                    on_epochs=bar.update,
                )
            except Exception as error:
                if "RESOURCE_EXHAUSTED" not in str(error):
                    raise
                if len(group) == 1:
                    (experiment, seed), reason = group[0], str(error).splitlines()[0]
                    raise RuntimeError(
                        f"The device's memory is too small for a single run, {experiment.name} "
                        f"seed {seed} ({reason}); what was finished before is recorded."
                    ) from error
                half = len(group) // 2
                bar.write(f"{len(group)} runs do not fit into memory at once; trying {half}.")
                waiting[:1] = [group[:half], group[half:]]
                continue
            if not runs:
                break
            waiting.pop(0)
            _record(runs)
            _checkpoint(group).unlink(missing_ok=True)
            done += [(experiment.name, seed) for experiment, seed in group]
    still = [(experiment.name, seed) for group in waiting for experiment, seed in group]
    images = sum(images_of(job) for job in done)
    return Progress(done, still, {}, images, time.monotonic() - started)


def _record(runs: Iterable[Run]) -> None:
    for one in runs:
        experiments.keep_family(one)


def _checkpoint(group: Sequence[tuple[Experiment, int]]) -> Path:
    """Return the file that the state of these runs is kept in while they train."""
    names = ",".join(f"{experiment.name}:{seed}" for experiment, seed in group)
    digest = hashlib.sha256(names.encode()).hexdigest()[:16]
    return experiments.store().folder / "unfinished" / f"{digest}.npz"


def _bar(images: int) -> Any:
    """Return a bar with images a second and the time left, in a terminal only."""
    from tqdm import tqdm

    return tqdm(total=images, unit="image", unit_scale=True, disable=None)


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


def one_thread() -> None:
    """Give a process one thread: at batches of 100 a second gains less than a second process."""
    os.environ["OMP_NUM_THREADS"] = "1"
    quiet.import_keras()
    import keras

    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        tf.config.threading.set_intra_op_parallelism_threads(1)
        tf.config.threading.set_inter_op_parallelism_threads(1)


_passed: Any = None  # in a worker: how many images all workers have passed, shared between them


def _start_worker(passed: Any, alive: Connection) -> None:
    global _passed
    _passed = passed
    threading.Thread(target=_end_with, args=(alive,), daemon=True).start()
    one_thread()


def _end_with(alive: Connection) -> None:
    """End this process once the other end of the pipe is closed."""
    alive.poll(None)
    os._exit(1)


def _train(name: str, seed: int, precision: str) -> float:
    """Train one job in a worker and return its seconds."""
    experiment = experiments.get(name)
    size = experiments.training_size(experiment)

    def count() -> None:
        with _passed.get_lock():
            _passed.value += size

    runs = experiments.train_family(
        experiment, seed, precision=precision, progress=False, on_epoch=count
    )
    return runs[name].seconds
