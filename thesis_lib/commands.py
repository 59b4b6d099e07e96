"""The commands of ``thesis-lib``: arguments in, calls out."""

from __future__ import annotations

import argparse
import contextlib
import difflib
import math
import os
import signal
import sys
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path

from thesis_lib import __version__, backend, experiments, export, records, training
from thesis_lib.book import findings, published
from thesis_lib.engine import budget, fitting, sweep, verification
from thesis_lib.own import compare_command, fit_command
from thesis_lib.wording import counted

_EXAMPLES = {
    "list": "thesis-lib list 'binary/*'",
    "run": "thesis-lib run binary/rus --seed 1 --epochs 20",
    "sweep": "thesis-lib sweep thesis --seeds 1 2 3 --workers 4 --max-seconds 3600",
    "compare": "thesis-lib compare 7.4 8.6",
    "compare-on": "thesis-lib compare-on photos --methods ros smote --epochs 30 --out result",
    "fit-on": "thesis-lib fit-on photos --method ros --epochs 30 --out ros.keras",
    "predict-on": "thesis-lib predict-on ros.keras new-photos",
    "verify": "thesis-lib verify binary/msfe --seed 1",
    "export": "thesis-lib export runs.csv 'binary/*'",
    "merge": "thesis-lib merge ../other-machine/records",
}

# What is said of what an interrupt leaves; of other commands, that finished runs are recorded.
_LEFT = {
    "fit-on": "no network is saved",
    "predict-on": "files without a line in the table are not classified",
}

_PATTERNS = "shell patterns of names, or thesis for all of the thesis"
_NAME = "its name in thesis-lib list"
_SEED = "of the weights and of all that is drawn (default: 1)"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command of ``thesis-lib``.

    Parameters
    ----------
    arguments : sequence of str, optional
        Those after the name of the program; the command line's if not given.

    Returns
    -------
    int
        The exit status: 0; 1 if a run failed, the records do not confirm the repeated run, the
        time was too short for the one run or comparison asked for, or nobody reads the output any
        more; 2 if the arguments or the data do not fit; 130 if it was interrupted.

    Raises
    ------
    SystemExit
        If there is no such command or argument (2), or help is asked for (0).
    """
    options, unknown = _parser().parse_known_args(arguments)
    if unknown:  # with the usage of the command, not that of the program
        options.parser.error(f"unrecognized arguments: {' '.join(unknown)}")
    try:
        with _terminable(), _short_warnings(), budget.limit(getattr(options, "max_seconds", None)):
            status = int(options.call(options))
            sys.stdout.flush()  # here, where a full disk can still be told
            return status
    except budget.OutOfTime:  # a sweep says itself what it left
        _show_left([(options.experiment, options.seed)])
        return 1
    except BrokenPipeError:  # as `thesis-lib list | head` ends
        _drop_output()
        return 1
    except KeyboardInterrupt:
        print(f"thesis-lib: interrupted; {options.left}.", file=sys.stderr)
        return 130
    except (ValueError, OSError, RuntimeError, MemoryError) as error:
        _drop_output()
        print(f"thesis-lib: {_in_one_line(error)}", file=sys.stderr)
        return 2


def _in_one_line(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        text = f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    else:
        text = str(error.args[-1] if error.args else error) or type(error).__name__
    return " ".join(text.split())


def _drop_output() -> None:
    """Keep Python from failing once more at its end on what could not be written."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


@contextlib.contextmanager
def _terminable() -> Iterator[None]:
    """Let SIGTERM end a command as Ctrl-C does."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextlib.contextmanager
def _short_warnings() -> Iterator[None]:
    """Show a warning as one line without the place in the code."""

    def show(message: Warning | str, *_: object) -> None:
        print(f"thesis-lib: warning: {' '.join(str(message).split())}", file=sys.stderr)

    with warnings.catch_warnings():
        warnings.showwarning = show  # type: ignore[assignment]
        yield


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="thesis-lib",
        description="Train, record and check the experiments of the book, and compare methods "
        "against imbalance on images of your own.",
        epilog="Experiments are recorded in the folder that THESIS_LIB_RECORDS names; if it is not "
        "set, in records of the checkout, or of the current folder where there is no checkout.",
    )
    parser.add_argument("--version", action="version", version=f"thesis-lib {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, call: object, help_text: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(
            name, help=help_text, description=help_text, epilog=f"Example: {_EXAMPLES[name]}"
        )
        left = _LEFT.get(name, "finished runs are recorded")
        sub.set_defaults(call=call, parser=sub, left=left)
        return sub

    listing = command("list", _list, "Show the catalogue and how many seeds are recorded.")
    listing.add_argument("pattern", nargs="*", default=["*"], help=_PATTERNS)
    running = command("run", _run, "Train one experiment with one seed and show the result.")
    running.add_argument("experiment", help=_NAME)
    running.add_argument("--seed", type=int, default=1, help=_SEED)
    running.add_argument("--epochs", type=int, help="fewer or more than the experiment's own")
    _add_limit(running)
    _add_sweep_arguments(command("sweep", _sweep, "Train and record what has no record yet."))
    comparing = command("compare", _compare, "Set recorded runs beside the published numbers.")
    comparing.add_argument("table", nargs="*", help="their numbers in the thesis (default: all)")
    compare_command.add_arguments(
        command("compare-on", compare_command.run, "Compare methods on images of your own.")
    )
    fit_command.add_fit_arguments(
        command(
            "fit-on", fit_command.run_fit, "Train one method on images of your own, and save it."
        )
    )
    fit_command.add_predict_arguments(
        command(
            "predict-on", fit_command.run_predict, "Classify image files with what fit-on saved."
        )
    )
    verifying = command("verify", _verify, "Train one recorded run again and compare.")
    verifying.add_argument("experiment", help=_NAME)
    verifying.add_argument("--seed", type=int, default=1, help=_SEED)
    _add_limit(verifying)
    exporting = command("export", _export, "Write recorded runs as one table.")
    exporting.add_argument("file", type=Path, help="ends in .csv or .parquet")
    exporting.add_argument("pattern", nargs="*", default=["*"], help=_PATTERNS)
    merging = command("merge", _merge, "Add the runs of another folder of records.")
    merging.add_argument("folder", help="of records, as another machine's sweep left it")
    return parser


def _add_sweep_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("pattern", nargs="+", help=_PATTERNS)
    parser.add_argument(
        "--seeds",
        type=compare_command.seed_argument,
        nargs="+",
        default=list(experiments.SEEDS),
        help="the seeds themselves, not their number (default: 1 2 3 4 5)",
    )
    parser.add_argument(
        "--device",
        choices=("cpu", "gpu"),
        default="cpu",
        help="cpu: one process a core; gpu: side by side in one JAX program (default: cpu)",
    )
    parser.add_argument(
        "--precision",
        choices=tuple(fitting.PRECISIONS),
        default="float32",
        help="of activations; bfloat16 is faster on processors that have it (default: float32)",
    )
    parser.add_argument("--workers", type=int, help="processes on the CPU (default: one a core)")
    parser.add_argument(
        "--scheduler",
        metavar="tcp://HOST:PORT",
        help="train on the workers of this Dask cluster instead of processes here",
    )
    _add_limit(parser)


def _add_limit(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--max-seconds",
        type=float,
        help="stop at the end of this time, and say what is left",
    )


def _list(options: argparse.Namespace) -> int:
    for experiment in experiments.select(options.pattern):
        runs = experiments.recorded(experiment)
        print(f"{experiment.name:40} {counted(len(runs), 'seed')}")
    return 0


def _run(options: argparse.Namespace) -> int:
    experiment = experiments.get(options.experiment)  # before what takes seconds
    backend.start()
    _show(training.train(experiment, options.seed, epochs=options.epochs))
    return 0


def _sweep(options: argparse.Namespace) -> int:
    selection = experiments.select(options.pattern)
    jobs = sweep.missing(selection, options.seeds)
    try:
        outcome = _trained(jobs, options)
    except KeyboardInterrupt:
        left = sweep.missing(selection, options.seeds)
        print(f"Interrupted; {counted(len(jobs) - len(left), 'run')} recorded.")
        _show_left(left)
        return 130
    speed = outcome.images / max(outcome.seconds, 1e-9)
    print(f"{counted(len(outcome.done), 'run')} recorded, {speed:,.0f} images a second.")
    _show_left(outcome.left)
    for (name, seed), reason in outcome.failed.items():
        print(f"failed: {name} seed {seed}: {reason}", file=sys.stderr)
    return 1 if outcome.failed else 0


def _trained(jobs: Sequence[sweep.Job], options: argparse.Namespace) -> sweep.Progress[sweep.Job]:
    precision = options.precision
    if options.device == "cpu":
        where = {"workers": options.workers, "scheduler": options.scheduler}
        return sweep.run(jobs, precision=precision, **where)
    if options.scheduler is not None:
        raise ValueError("--scheduler trains on CPUs; leave --device gpu out.")
    _prepare_gpu()
    return sweep.run_side_by_side(jobs, precision=precision)


def _prepare_gpu() -> None:
    """Start Keras on JAX; refuse to go on without a GPU, where JAX would train for days."""
    os.environ["KERAS_BACKEND"] = "jax"  # Keras, not yet imported, reads it once
    try:
        backend.start()
        found = experiments.has_gpu()
    except ImportError:
        found = False
    if not found:
        raise RuntimeError(
            "--device gpu needs a GPU and JAX for it (pip install 'thesis-lib[gpu]'), and there is "
            "none. Leave it out: on processors TensorFlow trains many times faster than JAX."
        )


def _show_left(jobs: Sequence[sweep.Job]) -> None:
    for name, seed in jobs:
        print(f"left: {name} seed {seed}")


def _compare(options: argparse.Namespace) -> int:
    table = findings.table()
    known = list(dict.fromkeys(table["Table"]))
    for name in options.table:
        if name not in known:
            raise ValueError(_no_table(name, known))
    chosen = table[table["Table"].isin(options.table or known)]
    print(chosen.to_string(index=False, float_format="{:.2f}".format, na_rep="-"))
    return 0


def _no_table(name: str, known: Sequence[str]) -> str:
    """Say what can be compared instead of a table, or where that is done."""
    if name in published.tables():
        return (
            f"Table {name} holds outputs for single pictures, of which no run keeps a record. The "
            "chapter on anomaly detection computes it again, and the replication report judges it."
        )
    nearest = difflib.get_close_matches(name, known, n=3, cutoff=0.3) or [known[0], known[-1]]
    return f"No table {name!r} can be compared; the nearest are {', '.join(nearest)}."


def _export(options: argparse.Namespace) -> int:
    table = export.frame(experiments.select(options.pattern))
    export.write(table, options.file)
    print(f"{counted(len(table), 'run')} written to {options.file}.")
    return 0


def _verify(options: argparse.Namespace) -> int:
    experiment = experiments.get(options.experiment)
    backend.start()
    found = verification.verify(experiment, options.seed)
    _show(found.run)
    print("\n".join(found.lines()))
    return 0 if found.passed else 1


def _merge(options: argparse.Namespace) -> int:
    added = experiments.store().merge(records.Store(options.folder))
    print(f"{counted(added, 'run')} added.")
    return 0


def _show(run: training.Run) -> None:
    if run.diverged or math.isnan(run.test_accuracy):
        print(f"{run.experiment.name} seed {run.seed}: diverged after {run.epochs} epochs.")
        return
    print(
        f"{run.experiment.name} seed {run.seed}, {run.epochs} of {run.experiment.epochs} epochs: "
        f"training {run.train_accuracy:.2%}, test {run.test_accuracy:.2%}"
    )
    print("recall: " + "  ".join(f"{c}: {r:.1%}" for c, r in enumerate(run.recall)))
