"""Train many runs and record each as it ends: on cores, a cluster, or side by side on a GPU."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import os
import time
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from thesis_lib import backend, experiments, tasks, training
from thesis_lib.engine import budget, processes
from thesis_lib.progress import progress_bar
from thesis_lib.training import Experiment, Run

if TYPE_CHECKING:  # it needs Keras on JAX, which most sweeps go without
    from thesis_lib.engine import vectorized

Job = tuple[str, int]
_Group = Sequence[tuple[Experiment, int]]

_REFRESH_SECONDS = 1.0

J = TypeVar("J", bound=Hashable)
R = TypeVar("R")


@dataclasses.dataclass(frozen=True)
class Progress(Generic[J]):
    """What a sweep has done, has left, and how fast it went."""

    done: list[J]
    left: list[J]
    failed: dict[J, str]
    images: int
    seconds: float


def missing(selection: Iterable[Experiment], seeds: Sequence[int]) -> list[Job]:
    """Return the jobs (experiment, seed) without a record, base networks once.

    First come the methods of both tasks with their corrected twins, then the grid of focal loss of
    the binary task, that of the other one row by row, the controls, and what is beyond the thesis:
    one stage after the other, each seed after seed.

    Parameters
    ----------
    selection : iterable of Experiment
    seeds : sequence of int
    """
    jobs: dict[Job, int] = {}
    for experiment in selection:
        have = {run.seed for run in experiments.recorded(experiment)}
        name = experiment.base or experiment.name
        jobs |= {(name, seed): place for place, seed in enumerate(seeds) if seed not in have}

    def order(job: Job) -> tuple[float, ...]:
        experiment = experiments.get(job[0])
        return _stage(experiment), jobs[job], _method(experiment)

    return sorted(jobs, key=order)


_METHODS = ("baseline", "ros", "smote", "rus", "mfe", "msfe")


def _method(experiment: Experiment) -> int:
    """Return the place of a method, or of the one that it corrects, among the thesis's."""
    slug = (experiment.corrects or experiment.name).split("/")[1]
    return _METHODS.index(slug) if slug in _METHODS else len(_METHODS)


def _stage(experiment: Experiment) -> float:
    """Return when an experiment's networks are trained: the stages of `missing`, from 0."""
    if experiment.name not in experiments.catalogue():
        return 4
    if _method(experiment) < len(_METHODS):
        return 0
    if not experiment.loss.startswith("focal"):
        return 3
    row = (experiment.gamma or 0.0) / (1 + max(experiments.GAMMAS))
    return 1 if experiment.task == "binary" else 2 + row


def images_of(job: Job) -> int:
    """Return how many images a job passes through the network.

    Parameters
    ----------
    job : (name, seed)
    """
    experiment = experiments.get(job[0])
    size = training.training_size(experiment)
    return size * experiment.epochs


def _data_set_of(name: str) -> str:
    """Return the data set that an experiment's images are from.

    Parameters
    ----------
    name : str
        Of the experiment.

    Returns
    -------
    str
        As `thesis_lib.data.load` names it.
    """
    return tasks.get(experiments.get(name).task).dataset


class Slots(Protocol):
    """What trains several runs at the same time, and says how far they are."""

    def slots(self) -> int:
        """Return how many runs can train at the same time, now."""

    def passed(self) -> int:
        """Return how many images all runs together have passed so far."""


class Pool(Slots, Protocol):
    """Where runs train: processes of this machine, or a cluster."""

    def submit(self, name: str, seed: int, precision: str) -> Future[Run]:
        """Train a run and give it back with its probabilities; record nothing.

        Parameters
        ----------
        name : str
            Of an experiment without a base.
        seed : int
        precision : {"float32", "bfloat16"}
        """


def run(
    jobs: Sequence[Job],
    *,
    workers: int | None = None,
    scheduler: str | None = None,
    precision: str = "float32",
) -> Progress[Job]:
    """Train the jobs on CPUs, each in a process of one thread, and record each as it ends.

    Within `budget.limit` no job is started that the speed so far says would outlast it, and what
    still trains at its end is stopped and left: at once in processes of this machine, after its
    epoch on a cluster, for which nobody waits.

    Parameters
    ----------
    jobs : sequence of (name, seed)
    workers : int, optional
        Number of processes; the number of cores if not given.
    scheduler : str, optional
        Address of a Dask scheduler: train on its workers (:mod:`thesis_lib.engine.cluster`).
    precision : {"float32", "bfloat16"}
        What activations are computed in.

    Returns
    -------
    Progress

    Raises
    ------
    ValueError
        If both workers and scheduler are given, or workers is smaller than 1.
    OSError
        If a run could not be recorded, or the scheduler is gone; the others are ended.
    RuntimeError
        As for :func:`thesis_lib.engine.cluster.pool`.
    """
    if scheduler is None:
        return _run(jobs, processes.pool(workers), precision)
    if workers is not None:
        raise ValueError(
            "workers are processes of this machine, and a scheduler has its own; give only one."
        )
    # Not at the head: it reads all of the library's sources, which other sweeps have no use for.
    from thesis_lib.engine import cluster

    needed = {_data_set_of(name) for name, _ in jobs}
    return _run(jobs, cluster.pool(scheduler, needed), precision)


def _run(
    jobs: Sequence[Job], opened: AbstractContextManager[Pool], precision: str
) -> Progress[Job]:
    def keep(job: Job, one: Run) -> float:
        experiments.keep_family(one)
        return one.seconds

    sizes = {job: images_of(job) for job in jobs}
    with opened as pool:
        return drive(pool, sizes, lambda job: pool.submit(*job, precision), keep)


def drive(
    pool: Slots,
    sizes: Mapping[J, int],
    submit: Callable[[J], Future[R]],
    keep: Callable[[J, R], float],
    *,
    shown: bool = True,
) -> Progress[J]:
    """Hand jobs to a pool as it has room, and keep what each gives back as it ends.

    At the end of `budget.limit` it returns, whatever still trains: the pool has to end that.

    Parameters
    ----------
    pool : Slots
    sizes : mapping of job to int
        The images that each job passes through its networks, in the order of their start.
    submit : callable
        Hands a job to the pool.
    keep : callable
        Takes a job and what it gave back, and returns the seconds that it trained.
    shown : bool
        Whether a bar is shown, in a terminal or a notebook.
    """
    started = time.monotonic()
    done: list[J] = []
    failed: dict[J, str] = {}
    waiting, running = list(sizes), dict[Future[R], J]()
    rate = 0.0  # images a second of one process
    total = sum(sizes.values())
    with progress_bar(total, shown=shown, unit="image", unit_scale=True) as bar:
        while waiting or running:
            slots = pool.slots()
            left = budget.left()
            if left == 0:
                break
            while waiting and len(running) < max(slots, 1):
                index = _next_that_fits(waiting, sizes, rate, left)
                if index is None:
                    break
                job = waiting.pop(index)
                running[submit(job)] = job
            if not running:
                break
            patience = min(_REFRESH_SECONDS, budget.left())
            for future in wait(running, patience, FIRST_COMPLETED).done:
                job, error = running.pop(future), future.exception()
                if error is not None:
                    failed[job] = _reason(error)
                    continue
                seconds = keep(job, future.result())
                done.append(job)
                rate = max(rate, sizes[job] / seconds)
            bar.update(pool.passed() - bar.n)
            if _DIED in failed.values():
                # A pool that has lost one process ends the others and takes no more jobs.
                failed |= dict.fromkeys(running.values(), _DIED)
                running.clear()
                break
    images = sum(sizes[job] for job in done)
    still = [*running.values(), *waiting]
    return Progress(done, still, failed, images, time.monotonic() - started)


_DIED = "a training process was killed, perhaps for want of memory; fewer workers need less"


def _reason(error: BaseException) -> str:
    return _DIED if isinstance(error, BrokenProcessPool) else f"{type(error).__name__}: {error}"


def run_side_by_side(jobs: Sequence[Job], *, precision: str = "float32") -> Progress[Job]:
    """Train the jobs in groups with JAX (`vectorized`), recording each group.

    A group that does not fit into the device's memory is halved. One that is stopped, as at the
    end of `budget.limit`, goes on from its last saved epoch when the same jobs are asked for again.

    Parameters
    ----------
    jobs : sequence of (name, seed)
    precision : {"float32", "bfloat16"}
        What activations are computed in.

    Returns
    -------
    Progress

    Raises
    ------
    RuntimeError
        If the device's memory is too small for a single run, or Keras does not run on JAX.
    ValueError
        If the precision is unknown.
    """
    backend.start()
    from thesis_lib.engine import vectorized

    started = time.monotonic()
    waiting = vectorized.groups([(experiments.get(name), seed) for name, seed in jobs])
    done: list[Job] = []
    with (
        _preparation(precision) as prepared,
        _recording() as record,
        progress_bar(sum(map(images_of, jobs)), unit="image", unit_scale=True) as bar,
    ):
        while waiting:
            group = waiting[0]
            try:
                runs = prepared(waiting).train(_checkpoint(group), bar.update)
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
            record(runs, _checkpoint(group))
            done += [(experiment.name, seed) for experiment, seed in group]
    still = [(experiment.name, seed) for group in waiting for experiment, seed in group]
    images = sum(images_of(job) for job in done)
    return Progress(done, still, {}, images, time.monotonic() - started)


@contextlib.contextmanager
def _preparation(precision: str) -> Iterator[Callable[[Sequence[_Group]], vectorized.Group]]:
    """Give a function that prepares the first of the groups left, and the next ones meanwhile.

    Compiling a program takes a processor as long as a GPU takes to train small groups with it. A
    program that is compiled while the GPU trains is tried out on that GPU and ready only when the
    training ends: on an H200 it took 160 seconds instead of 16.
    """
    from thesis_lib.engine import vectorized

    ahead = max(1, (os.cpu_count() or 1) // 4)
    futures: dict[tuple[tuple[Experiment, int], ...], Future[vectorized.Group]] = {}

    def prepared(waiting: Sequence[_Group]) -> vectorized.Group:
        if not futures:  # and nothing trains yet: so the second, which is needed next, as well
            for early in waiting[:2]:
                submit(early)
            wait(futures.values())
        submit(waiting[0])
        group = futures.pop(tuple(waiting[0])).result()
        for later in waiting[1 : 1 + ahead]:
            submit(later)
        return group

    def submit(group: _Group) -> None:
        key = tuple(group)
        if key not in futures:
            futures[key] = pool.submit(vectorized.prepare, group, precision=precision)

    pool = ThreadPoolExecutor(1 + ahead)
    try:
        yield prepared
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


@contextlib.contextmanager
def _recording() -> Iterator[Callable[[Iterable[Run], Path], None]]:
    """Give a function that records runs while the next ones train, and ends what it began.

    Writing the outputs of fifty runs takes seconds, in which a GPU would wait. It takes the file of
    their checkpoint too, which is removed when they are recorded. What fails is raised by the next
    call, or at the end.
    """
    begun: list[Future[None]] = []

    def record(runs: Iterable[Run], unfinished: Path) -> None:
        while begun:
            begun.pop().result()
        begun.append(pool.submit(keep, runs, unfinished))

    def keep(runs: Iterable[Run], unfinished: Path) -> None:
        for one in runs:
            experiments.keep_family(one)
        unfinished.unlink(missing_ok=True)

    with ThreadPoolExecutor(1) as pool:
        yield record
        while begun:
            begun.pop().result()


def _checkpoint(group: Sequence[tuple[Experiment, int]]) -> Path:
    """Return the file that the state of these runs is kept in while they train."""
    names = ",".join(f"{experiment.name}:{seed}" for experiment, seed in group)
    digest = hashlib.sha256(names.encode()).hexdigest()[:16]
    return experiments.store().folder / "unfinished" / f"{digest}.npz"


def _next_that_fits(
    waiting: Sequence[J], sizes: Mapping[J, int], rate: float, left: float
) -> int | None:
    """Return the index of the first job that should end in time; None if none does.

    Before the first run has ended nothing is known of the speed, and any job may.
    """
    for index, job in enumerate(waiting):
        if rate == 0 or sizes[job] / rate < left:
            return index
    return None
