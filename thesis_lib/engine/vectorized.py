"""Train many runs at once: one compiled JAX program for all seeds and hyperparameters of a group.

The network is Keras's, called without state, under ``jax.vmap`` over runs and ``jax.lax.scan`` over
steps. The training images lie on the device once and each run gathers its batches by index. At
batches of 100 a GPU waits for the next kernel most of the time; fifty networks side by side keep
it busy. Start Python with ``KERAS_BACKEND=jax``.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from thesis_lib import arguments, data, model, tasks, training
from thesis_lib.engine import budget, checkpoint, fitting, stages
from thesis_lib.engine.checkpoint import State
from thesis_lib.engine.provenance import checksum, provenance
from thesis_lib.training import Experiment, Run

Job = tuple[Experiment, int]
_Outputs = Callable[..., Any]

RUNS_AT_ONCE = 68
"""How many runs one program trains at most."""

# JAX's own choice for products of float32 on a GPU is TensorFloat-32, which keeps 10 bits of 23.
_PRODUCTS = {"float32": "float32", "bfloat16": None}
_IMAGES_A_CALL = 2_000_000
_IMAGES_AT_ONCE = 10_000  # of all runs, where they are evaluated
_SECONDS_A_SAVE = 30.0


def groups(jobs: Sequence[Job]) -> list[list[Job]]:
    """Return the jobs that one program trains together, in the order of their first job.

    They share the task, the number of images after resampling, epochs, batch size and dropout; the
    seed, the draw, the sampler and the loss with all its settings may differ. Groups end at
    ``RUNS_AT_ONCE``: more runs at once are hardly faster, and the first are recorded sooner.

    Parameters
    ----------
    jobs : sequence of (Experiment, seed)
    """
    found: dict[tuple[object, ...], list[Job]] = {}
    for experiment, seed in jobs:
        e = experiment
        structure: tuple[object, ...] = (
            (e.task, training.class_size(e), e.epochs, e.batch_size, e.dropout)
            if side_by_side(e)
            else (e.name, seed)
        )
        found.setdefault(structure, []).append((experiment, seed))
    most = RUNS_AT_ONCE
    return [some[i : i + most] for some in found.values() for i in range(0, len(some), most)]


def _drawn_anew(experiment: Experiment) -> bool:
    """Return whether each seed has training images of its own."""
    return experiment.sampler is not None and not experiment.sampler.endswith("-as-published")


def side_by_side(experiment: Experiment) -> bool:
    """Return whether one program can train runs of this kind together.

    Not where batches are changed or drawn by class, in two stages, with several networks, with
    held-out images, with another optimiser than the thesis's, or with a recurrent network: these
    are trained one by one.

    Parameters
    ----------
    experiment : Experiment
    """
    e = experiment
    plain = all(part is None for part in (e.change, e.second_stage, e.members, e.optimizer))
    whole = e.sampler != "class-aware" and e.cost != "tuned"
    return plain and whole and tasks.get(e.task).network == "cnn"


def batch_order(seed: int, epoch: int, n: int) -> Any:
    """Return the order (n,) in which a run passes its training images in an epoch from 0.

    Parameters
    ----------
    seed : int
        Of the run.
    epoch : int
    n : int
        Number of images.
    """
    import jax

    return jax.random.permutation(jax.random.fold_in(jax.random.key(seed), epoch), n)


@dataclasses.dataclass(frozen=True)
class Group:
    """Runs that are ready to train: :meth:`train` does so, once or again.

    Attributes
    ----------
    jobs : tuple of (Experiment, seed)
    train : callable
        Takes a file for checkpoints or None, and what `train_group` calls ``on_epochs``; returns
        what `train_group` returns.
    """

    jobs: tuple[Job, ...]
    train: Callable[[Path | None, Callable[[int], None]], list[Run]]


def prepare(
    jobs: Sequence[Job],
    *,
    epochs: int | None = None,
    dataset: data.Dataset | None = None,
    precision: str = "float32",
) -> Group:
    """Make the training sets of a group and compile its program.

    Groups can be prepared in threads of their own while another one trains.

    Parameters
    ----------
    jobs, epochs, dataset, precision
        As for `train_group`.

    Raises
    ------
    RuntimeError, ValueError, TypeError
        As for `train_group`.
    """
    _check(jobs, precision)
    total = arguments.whole("epochs", jobs[0][0].epochs if epochs is None else epochs, 1)
    if not side_by_side(jobs[0][0]):
        return Group(tuple(jobs), partial(_one_by_one, jobs, total, dataset, precision))
    problem = _Problem.of(jobs, dataset, precision)
    # Needed when training has ended, which can begin before.
    pool = ThreadPoolExecutor(1)
    outputs = pool.submit(problem.outputs)
    pool.shutdown(wait=False)
    program = problem.program(_epochs_a_call(total, problem.n * len(jobs)))
    return Group(tuple(jobs), partial(_side_by_side, problem, program, outputs, total))


def train_group(
    jobs: Sequence[Job],
    *,
    epochs: int | None = None,
    dataset: data.Dataset | None = None,
    precision: str = "float32",
    checkpoint: Path | None = None,
    on_epochs: Callable[[int], None] = lambda images: None,
) -> list[Run]:
    """Train all jobs of a group side by side.

    Within `budget.limit` no group is begun at its end, and no call of the program that would end
    later if it took as long as the longest so far. What cannot be bounded: making the training
    set and compiling the program, which may take a minute, and the evaluation at the end.

    Parameters
    ----------
    jobs : sequence of (Experiment, seed)
        Of one group (see :func:`groups`).
    epochs : int, optional
        Instead of the experiments' own number.
    dataset : Dataset, optional
        The task's own if not given.
    precision : {"float32", "bfloat16"}
        What activations are computed in; weights are float32.
    checkpoint : Path, optional
        File that the state is saved to every half minute and where the time ends, and that
        training goes on from if it is there and belongs to these jobs. It stays: remove it when
        the runs are recorded.
    on_epochs : callable
        Told after each call how many images all runs have passed since the last one.

    Returns
    -------
    list of Run
        One a job, with its probabilities; empty if the time ran out first.

    Raises
    ------
    RuntimeError
        If Keras does not run on JAX.
    ValueError, TypeError
        If the jobs are not of one group, the precision is unknown, or epochs no whole number from
        1.
    """
    _check(jobs, precision)
    if budget.left() == 0:
        return []
    group = prepare(jobs, epochs=epochs, dataset=dataset, precision=precision)
    return group.train(checkpoint, on_epochs)


def _side_by_side(
    problem: _Problem,
    program: Callable[[State], State],
    outputs: Future[_Outputs],
    total: int,
    path: Path | None,
    on_epochs: Callable[[int], None],
) -> list[Run]:
    """Train the runs of a problem; return none of them if the time runs out first."""
    if budget.left() == 0:
        return []
    started = saved = time.perf_counter()
    identity = problem.identity(total)
    state = (path and checkpoint.load(path, identity)) or problem.start()
    longest = 0.0
    while state["epoch"] < total:
        begun = time.perf_counter()
        out_of_time = budget.left() <= longest
        if path and state["epoch"] and (out_of_time or begun - saved > _SECONDS_A_SAVE):
            checkpoint.save(path, identity, state)
            saved = begun
        if out_of_time:
            return []
        before = state["epoch"]
        state = program(state)
        longest = max(longest, time.perf_counter() - begun)
        on_epochs((state["epoch"] - before) * problem.n * len(problem.jobs))
    return problem.runs(state, outputs.result(), time.perf_counter() - started)


def _one_by_one(
    jobs: Sequence[Job],
    epochs: int,
    dataset: data.Dataset | None,
    precision: str,
    path: Path | None,
    on_epochs: Callable[[int], None],
) -> list[Run]:
    """Train runs that no program takes together as :func:`thesis_lib.training.train` does.

    Nothing is saved at the path: what is stopped begins anew.
    """
    found = []
    for experiment, seed in jobs:
        # An epoch is one network's; the size is that of all networks of the run.
        images = training.training_size(experiment, dataset) // (experiment.members or 1)
        try:
            run = training.train(
                experiment,
                seed,
                epochs=epochs,
                dataset=dataset,
                precision=precision,
                progress=False,
                keep_probabilities=True,
                on_epoch=partial(on_epochs, images),
            )
        except budget.OutOfTime:
            return []
        found.append(run)
    return found


@dataclasses.dataclass(frozen=True)
class _Problem:
    """The images, the network and the hyperparameters of a group.

    ``x`` (s, n, h, w, c) and ``y`` (s, n, n_classes) hold one training set for each slot; ``slot``
    says which one a run uses, and ``digests`` has the checksum of each with the test images.
    Hyperparameters are arrays with one row a run.
    """

    jobs: tuple[Job, ...]
    network: Any
    x: NDArray[np.float32]
    y: NDArray[np.float32]
    slot: NDArray[np.int32]
    subset: data.Dataset
    digests: tuple[str, ...]
    source: str
    precision: str

    @property
    def n(self) -> int:
        return int(self.x.shape[1])

    @classmethod
    def of(cls, jobs: Sequence[Job], dataset: data.Dataset | None, precision: str) -> _Problem:
        first = jobs[0][0]
        task = tasks.get(first.task)
        source = training.source_of(first, dataset)
        subset = data.task(first.task, source)
        keys = [(e.sampler, e.draw, seed if _drawn_anew(e) else None) for e, seed in jobs]
        members = dict(zip(keys, jobs, strict=True))
        sets = [training.training_set(e, source, seed) for e, seed in members.values()]
        slot = [list(members).index(key) for key in keys]
        x = np.stack([data.to_unit(images) for images, _ in sets])
        test = data.to_unit(subset.x_test), subset.y_test
        digests = [checksum(one, labels, *test) for one, (_, labels) in zip(x, sets, strict=True)]
        y = np.stack([np.eye(subset.n_classes, dtype=np.float32)[labels] for _, labels in sets])
        with fitting.layers_in(precision):
            network = model.BUILDERS[task.network](
                subset.n_classes, x.shape[2:], dropout=first.dropout, seed=jobs[0][1], fast=True
            )
        return cls(
            tuple(jobs),
            network,
            x,
            y,
            np.array(slot, np.int32),
            subset,
            tuple(digests),
            source.name,
            precision,
        )

    def identity(self, epochs: int) -> str:
        """Return a checksum of what a checkpoint belongs to."""
        jobs = [[experiment.hyperparameters(), seed] for experiment, seed in self.jobs]
        described = json.dumps([jobs, self.digests, epochs, self.precision])
        return hashlib.sha256(described.encode()).hexdigest()

    def start(self) -> State:
        """Return the state before the first epoch: each run's own initial weights and noise."""
        first = self.jobs[0][0]
        kind = tasks.get(first.task).network, self.subset.n_classes, self.x.shape[2:], first.dropout
        weights, noise = zip(*(_initial(*kind, seed) for _, seed in self.jobs), strict=True)
        empty = np.zeros((0, len(self.jobs)), np.float32)
        return {
            "epoch": 0,
            "weights": [np.stack(arrays) for arrays in zip(*weights, strict=True)],
            "noise": [np.stack(arrays) for arrays in zip(*noise, strict=True)],
            "loss": empty,
            "accuracy": empty,
        }

    def losses(self) -> list[str]:
        """Return the forms of loss of these runs, in the order of their first run."""
        return list(dict.fromkeys(experiment.loss for experiment, _ in self.jobs))

    def hyperparameters(self) -> dict[str, NDArray[Any]]:
        """Return what differs between runs, one row a run."""
        counts = data.class_counts(self.subset.y_train, self.subset.n_classes)
        rows = [e for e, _ in self.jobs]
        losses = self.losses()
        return {
            "seed": np.array([seed for _, seed in self.jobs], np.uint32),
            "slot": self.slot,
            "learning_rate": np.array([e.learning_rate for e in rows], np.float32),
            "loss": np.array([losses.index(e.loss) for e in rows], np.int32),
            "gamma": np.array([e.gamma or 0.0 for e in rows], np.float32),
            "class_weight": np.array(
                [stages.class_weight(e, counts) for e in rows], dtype=np.float32
            ),
        }

    def loss(self) -> Callable[[dict[str, Any], Any, Any], Any]:
        """Return the mean loss of a batch by a run's hyperparameters, labels and outputs."""
        import copy

        import jax
        import jax.numpy as jnp
        import keras

        counts = data.class_counts(self.subset.y_train, self.subset.n_classes)
        examples = {experiment.loss: experiment for experiment, _ in self.jobs}

        def form(name: str) -> Callable[[dict[str, Any], Any, Any], Any]:
            template = keras.losses.get(stages.LOSSES[name](examples[name], counts))
            given = [s for s in ("gamma", "class_weight") if getattr(template, s, None) is not None]

            def mean(hyper: dict[str, Any], labels: Any, outputs: Any) -> Any:
                loss = copy.copy(template)
                for setting in given:
                    setattr(loss, setting, hyper[setting])
                # Keras names the plain loss by a function, which leaves one value an image.
                return jnp.mean(loss(labels, outputs)).astype(outputs.dtype)

            return mean

        forms = [form(name) for name in self.losses()]
        return lambda hyper, *batch: jax.lax.switch(hyper["loss"], forms, hyper, *batch)

    def program(self, epochs: int) -> Callable[[State], State]:
        """Compile so many epochs of all runs."""
        import jax
        import jax.numpy as jnp

        hyper = self.hyperparameters()
        one_run = _epoch_of_one_run(self.network, self.loss(), self.n, self.jobs[0][0].batch_size)

        # Images and hyperparameters are arguments: as constants they would make each group a
        # program of its own, which the cache of compiled programs does not find again.
        def advance(weights: Any, noise: Any, epoch: Any, x: Any, y: Any, hyper: Any) -> Any:
            def one_epoch(carry: Any, epoch: Any) -> Any:
                over_runs = jax.vmap(one_run, in_axes=(0, 0, 0, None, None, None))
                return over_runs(*carry, hyper, epoch, x, y)

            return jax.lax.scan(one_epoch, (weights, noise), epoch + jnp.arange(epochs))

        start = self.start()
        first = start["weights"], start["noise"], np.uint32(0)
        compiled = self._compiled(advance, *first, self.x, self.y, hyper)
        on_device: list[Any] = []

        def run(state: State) -> State:
            on_device[:] = on_device or jax.device_put([self.x, self.y, hyper])
            (weights, noise), (loss, accuracy) = compiled(
                state["weights"], state["noise"], np.uint32(state["epoch"]), *on_device
            )
            return {
                "epoch": state["epoch"] + epochs,
                "weights": weights,
                "noise": noise,
                "loss": np.concatenate([state["loss"], np.asarray(loss)]),
                "accuracy": np.concatenate([state["accuracy"], np.asarray(accuracy)]),
            }

        return run

    def outputs(self) -> _Outputs:
        """Compile the outputs of all runs, without dropout, each for the images of its slot.

        Returns
        -------
        callable
            Takes the weights and noise of a state and images (s, n, h, w, c), and returns outputs
            (runs, n, n_classes).
        """
        import jax

        def of_run(weights: Any, noise: Any, slot: Any, images: Any) -> Any:
            return self.network.stateless_call(weights, noise, images[slot], training=False)[0]

        start, size = self.start(), max(1, _IMAGES_AT_ONCE // len(self.jobs))
        some = np.zeros((len(self.x), size, *self.x.shape[2:]), np.float32)
        over_runs = jax.vmap(of_run, in_axes=(0, 0, 0, None))
        compiled = self._compiled(over_runs, start["weights"], start["noise"], self.slot, some)

        def run(weights: Any, noise: Any, images: NDArray[np.float32]) -> NDArray[Any]:
            found = []
            for i in range(0, images.shape[1], size):
                batch = images[:, i : i + size]
                rest = size - batch.shape[1]
                batch = np.pad(batch, [(0, 0), (0, rest), (0, 0), (0, 0), (0, 0)])
                found.append(np.asarray(compiled(weights, noise, self.slot, batch)))
            return np.concatenate(found, axis=1)[:, : images.shape[1]]

        return run

    def _compiled(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Compile a function for arguments like these."""
        import jax

        with jax.default_matmul_precision(_PRODUCTS[self.precision]):
            return jax.jit(function).lower(*arguments).compile()

    def runs(self, state: State, outputs: _Outputs, seconds: float) -> list[Run]:
        """Measure every run as :func:`thesis_lib.training.train` does."""
        weights, noise = state["weights"], state["noise"]
        x_test = data.to_unit(self.subset.x_test)
        x_test = np.broadcast_to(x_test, (len(self.x), *x_test.shape))
        tested, fitted = (outputs(weights, noise, x) for x in (x_test, self.x))
        origins = [provenance(digest, self.source, self.precision) for digest in self.digests]
        counts = data.class_counts(self.subset.y_train, self.subset.n_classes)
        found = []
        for row, (experiment, seed) in enumerate(self.jobs):
            slot = self.slot[row]
            correct = float((fitted[row].argmax(1) == self.y[slot].argmax(1)).mean())
            finite = bool(np.isfinite(fitted[row]).all() and np.isfinite(tested[row]).all())
            probabilities = tested[row] if finite else np.full_like(tested[row], np.nan)
            found.append(
                training.measured(
                    experiment,
                    seed,
                    y_test=self.subset.y_test,
                    probabilities=training.decided(experiment, probabilities, counts),
                    train_accuracy=correct if finite else np.nan,
                    curves=_curves(state["loss"][:, row], state["accuracy"][:, row]),
                    seconds=seconds / len(self.jobs),
                    provenance=origins[slot],
                    keep_probabilities=True,
                )
            )
        return found


@cache
def _initial(
    network: str, n_classes: int, shape: tuple[int, ...], dropout: float, seed: int
) -> tuple[list[NDArray[Any]], list[NDArray[Any]]]:
    """Return the initial weights and noise of a seed, which all experiments begin with."""
    import jax

    # Many small arrays one after the other, for which a GPU takes longer.
    with jax.default_device(jax.devices("cpu")[0]):
        built = model.BUILDERS[network](n_classes, shape, dropout=dropout, seed=seed, fast=True)
    parts = built.trainable_variables, built.non_trainable_variables
    weights, noise = ([np.asarray(v) for v in part] for part in parts)
    return weights, noise


def _epoch_of_one_run(
    network: Any, mean_loss: Callable[[dict[str, Any], Any, Any], Any], n: int, batch_size: int
) -> Callable[..., Any]:
    """Return the function that takes one run through one epoch of n images."""
    import jax
    import jax.numpy as jnp

    n_full, rest = divmod(n, batch_size)

    def epoch(
        weights: Any, noise: Any, hyper: dict[str, Any], epoch: Any, x: Any, y: Any
    ) -> tuple[Any, Any]:
        def objective(weights: Any, noise: Any, images: Any, labels: Any) -> Any:
            outputs, noise = network.stateless_call(weights, noise, images, training=True)
            hits = jnp.sum(outputs.argmax(-1) == labels.argmax(-1))
            return mean_loss(hyper, labels, outputs), (noise, hits)

        def step(carry: Any, batch: Any) -> Any:
            weights, noise = carry
            images, labels = x[hyper["slot"], batch], y[hyper["slot"], batch]
            slope = jax.value_and_grad(objective, has_aux=True)
            (loss, (noise, hits)), gradient = slope(weights, noise, images, labels)
            rate = hyper["learning_rate"]
            weights = [w - rate * g for w, g in zip(weights, gradient, strict=True)]
            return (weights, noise), (loss * len(batch), hits)

        order = batch_order(hyper["seed"], epoch, n)
        full = order[: n_full * batch_size].reshape(n_full, batch_size)
        carry, (losses, hits) = jax.lax.scan(step, (weights, noise), full)
        loss, hit = losses.sum(), hits.sum()
        if rest:
            carry, (last_loss, last_hits) = step(carry, order[n_full * batch_size :])
            loss, hit = loss + last_loss, hit + last_hits
        return carry, (loss / n, hit / n)

    return epoch


def _epochs_a_call(total: int, images_an_epoch: int) -> int:
    """Return a divisor of all epochs, so that one program does, and calls end now and then."""
    most = max(1, _IMAGES_A_CALL // images_an_epoch)
    return max(k for k in range(1, total + 1) if total % k == 0 and k <= most)


def _curves(
    loss: NDArray[np.float32], accuracy: NDArray[np.float32]
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return the curves up to the epoch in which the loss became NaN or infinite."""
    broken = np.flatnonzero(~np.isfinite(loss))
    end = broken[0] + 1 if len(broken) else len(loss)
    rounded = (tuple(round(float(v), 6) for v in curve[:end]) for curve in (loss, accuracy))
    losses, accuracies = rounded
    return losses, accuracies


def _check(jobs: Sequence[Job], precision: str) -> None:
    import keras

    if keras.backend.backend() != "jax":
        raise RuntimeError(
            f"Training many runs at once needs Keras on JAX, and it runs on "
            f"{keras.backend.backend()}. Start Python with KERAS_BACKEND=jax."
        )
    arguments.one_of("precision", precision, fitting.PRECISIONS)
    if len(groups(jobs)) != 1:
        raise ValueError(f"The jobs have to be of one group; they are of {len(groups(jobs))}.")
