"""Where a sweep trains when one machine is not enough: the workers of a Dask cluster.

A run is one task of Dask's. When a worker dies, Dask gives its task to another, until four workers
have died of the same one (its setting ``distributed.scheduler.allowed-failures``, which is 3). A
task that raises an error is not tried again: the same training would raise the same.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import hashlib
import logging
import re
import time
import uuid
from collections.abc import Callable, Hashable, Iterable, Iterator
from concurrent.futures import CancelledError, Future
from pathlib import Path
from types import ModuleType
from typing import Any

from thesis_lib import __version__, data
from thesis_lib.engine import processes
from thesis_lib.training import Run

_CONNECT_SECONDS = 10.0
_WORKER_SECONDS = 30.0
_TELL_SECONDS = 1.0
_TOPIC = "thesis-lib"
_ADDRESS = re.compile(r"((tcp|tls|wss?|ucxx?)://)?(\[[\da-f:.%]+\]|[^/:\s]+):\d{1,5}/?", re.I)


def _library() -> str:
    digest = hashlib.sha256()
    for file in sorted(Path(__file__).parents[1].rglob("*.py")):
        digest.update(file.read_bytes())
    return f"{__version__} ({digest.hexdigest()[:8]})"


# Taken when this module is imported: a worker that has imported an older state of a file that was
# changed since is known by it.
LIBRARY = _library()
_NO_SCHEDULER = (
    "No Dask scheduler answers at {!r} ({}). Start one with `dask scheduler`, and give the address "
    "that it shows, such as tcp://192.168.0.5:8786."
)
_WITHOUT = f"has no such thesis_lib as this machine, {LIBRARY}: {{}}."


class _Unreachable(Exception):
    """The scheduler does not answer any more."""


@dataclasses.dataclass(frozen=True)
class _Shared:
    """Stands for a value that every worker holds, by the name of the plugin that holds it."""

    name: str


def _holder(value: Any) -> Any:
    """Return a plugin of Dask's workers that holds a value."""
    from distributed.diagnostics.plugin import WorkerPlugin

    class Holder(WorkerPlugin):
        def __init__(self) -> None:
            self.value = value

    return Holder()


class Cluster:
    """The workers of a cluster, as `thesis_lib.engine.sweep` asks for them; `pool` makes it.

    Parameters
    ----------
    client : distributed.Client
    data_sets : iterable of str
        As for `pool`.
    """

    def __init__(self, client: Any, data_sets: Iterable[str] = ()) -> None:
        self._client = client
        self._data_sets = sorted(data_sets)
        self._executor = client.get_executor(pure=True)
        self._checked: set[str] = set()
        self._passed: dict[Hashable, int] = {}
        self._shared: list[str] = []
        client.subscribe_topic(_TOPIC, self._hear)

    def slots(self) -> int:
        """Return how many workers there are now, after a look at those that are new.

        Raises
        ------
        RuntimeError
            If one of them cannot train what this process would.
        """
        try:
            threads: dict[str, int] = self._client.nthreads()
            if new := threads.keys() - self._checked:
                self._check({address: threads[address] for address in new})
        except OSError as error:
            raise _Unreachable from error
        return len(threads)

    def passed(self) -> int:
        """Return how many images all runs together have passed, a second ago at most."""
        return sum(self._passed.values())

    def submit(self, name: str, seed: int, precision: str) -> Future[Run]:
        """Hand a run to whichever worker is free.

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
        return self.call((name, seed), processes.train, name, seed, precision)

    def call(self, job: Hashable, function: Callable[..., Any], *arguments: Any) -> Future[Any]:
        """Call a function in whichever worker is free.

        Parameters
        ----------
        job : hashable
            What `passed` counts its images under.
        function : callable
            Of a module of this library. Its last argument is a function that it has to call with
            each number of images that it has passed.
        *arguments
            The others; what `share` returned stands for what it was given.
        """
        self._passed[job] = 0
        future: Future[Any] = self._executor.submit(_call, job, LIBRARY, function, *arguments)
        return future

    def share(self, value: Any) -> Any:
        """Send a value to every worker once, also to later ones, and return what stands for it.

        Parameters
        ----------
        value : object
            That can be pickled.
        """
        # Of data that was scattered Dask keeps one copy in the end, which can die with its worker.
        name = f"{_TOPIC}-{uuid.uuid4().hex}"
        self._client.register_plugin(_holder(value), name=name)
        self._shared.append(name)
        return _Shared(name)

    def forget(self) -> None:
        """Take back from the workers what was shared, as far as they can be reached."""
        for name in self._shared:
            with contextlib.suppress(Exception):
                self._client.unregister_worker_plugin(name)

    def _hear(self, event: tuple[float, tuple[Hashable, int]]) -> None:
        job, passed = event[1]
        if job in self._passed:
            self._passed[job] = passed

    def _check(self, threads: dict[str, int]) -> None:
        needed = (LIBRARY, self._data_sets)
        answers = self._client.run(_obstacle, *needed, workers=list(threads), on_error="return")
        for address, answer in answers.items():
            if isinstance(answer, OSError):
                continue  # it has died meanwhile
            if isinstance(answer, Exception):
                answer = _WITHOUT.format(answer)
            if threads[address] > 1:
                answer = (
                    f"runs {threads[address]} tasks at once, and training needs a process for "
                    "itself; start it with --nthreads 1 (and --nworkers)."
                )
            if answer:
                raise RuntimeError(f"The worker {address} {answer}")
            self._checked.add(address)


def check_address(scheduler: str) -> None:
    """Refuse what is no address: Dask would wait long for it, and log more than it says.

    Parameters
    ----------
    scheduler : str
        As for `pool`.

    Raises
    ------
    ConnectionError
        If it is not a host and a port.
    """
    if not _ADDRESS.fullmatch(scheduler):
        raise ConnectionError(_NO_SCHEDULER.format(scheduler, "it has to be tcp://HOST:PORT"))


@contextlib.contextmanager
def pool(scheduler: str, data_sets: Iterable[str] = ()) -> Iterator[Cluster]:
    """Give the workers of a scheduler; where the block ends, what they still train is cancelled.

    Parameters
    ----------
    scheduler : str
        Its address, ``tcp://host:port``.
    data_sets : iterable of str
        Those that each worker has to be able to load, as `thesis_lib.data.load` names them.

    Raises
    ------
    ConnectionError
        If no scheduler answers, it has no workers, or the connection is lost.
    RuntimeError
        If Dask is not installed, the scheduler does not have this library, or a worker has another
        version of it, lacks a data set, or has more than one thread.
    """
    distributed = _dask()
    check_address(scheduler)
    try:
        client = distributed.Client(scheduler, timeout=_CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError) as error:
        raise ConnectionError(_NO_SCHEDULER.format(scheduler, error)) from error
    with client:
        try:
            client.wait_for_workers(1, timeout=_WORKER_SECONDS)
        except TimeoutError:
            raise ConnectionError(
                f"The scheduler {scheduler} has no workers; start some on each machine with "
                f"`dask worker {scheduler} --nthreads 1 --nworkers 4`."
            ) from None
        try:
            client.run_on_scheduler(_importable)
        except Exception as error:  # whatever an import raises there
            raise RuntimeError(f"The scheduler {scheduler} {_WITHOUT.format(error)}") from error
        found = Cluster(client, data_sets)
        try:
            yield found
        except (CancelledError, _Unreachable) as error:
            raise ConnectionError(
                f"The connection to the scheduler {scheduler} is lost. Finished runs are "
                "recorded; the same sweep goes on from there."
            ) from error
        finally:
            found.forget()


def _dask() -> ModuleType:
    try:
        import distributed
    except ImportError as error:
        raise RuntimeError(
            "A sweep on a cluster needs Dask, the extra `cluster`: pip install "
            "'thesis-lib[cluster]'."
        ) from error
    # What it would log to the terminal is raised and told in a line.
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    logging.getLogger("distributed.client").setLevel(logging.CRITICAL)
    return distributed


def _importable() -> None:
    """Do nothing, where the library is installed; a scheduler reads the tasks that it hands on."""


def _obstacle(library: str, data_sets: Iterable[str]) -> str:
    """Say in a worker what keeps it from training what the client would; "" if nothing does."""
    if library != LIBRARY:
        return (
            f"has thesis_lib {LIBRARY}, this machine has {library}; install the same there and "
            "start the worker again."
        )
    for name in data_sets:
        try:
            data.load(name)
        except (RuntimeError, ValueError, OSError) as error:
            return f"cannot load {name}: {error}"
    return ""


@functools.cache
def _one_thread() -> None:
    """Do it once a process: TensorFlow takes the number only before its first computation."""
    processes.one_thread()


def _call(job: Hashable, library: str, function: Callable[..., Any], *arguments: Any) -> Any:
    """Call a function in a worker and tell the client how far it is."""
    from distributed import Reschedule, get_worker

    if obstacle := _obstacle(library, ()):
        raise RuntimeError(f"The worker {obstacle}")
    _one_thread()
    worker: Any = get_worker()
    task = worker.state.tasks[worker.get_current_task()]
    passed, told = 0, time.monotonic()

    def tell() -> None:
        worker.log_event(_TOPIC, (job, passed))

    def count(images: int) -> None:
        nonlocal passed, told
        if task.state == "cancelled":
            raise Reschedule  # which it is if somebody wants it again by now
        passed += images
        if time.monotonic() - told > _TELL_SECONDS:
            told = time.monotonic()
            tell()

    held = [worker.plugins[a.name].value if isinstance(a, _Shared) else a for a in arguments]
    found = function(*held, count)
    tell()
    return found
