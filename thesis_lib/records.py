"""The store of runs: one JSON line a run, appended whole under a lock, never edited."""

from __future__ import annotations

import json
import math
import shutil
import sys
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from thesis_lib import durable

SCHEMA = 1

Record = dict[str, Any]

_FIELDS: dict[str, type | tuple[type, ...]] = {
    "schema": int,
    "experiment": dict,
    "seed": int,
    "train_accuracy": (int, float, type(None)),
    "test_accuracy": (int, float, type(None)),
    "recall": list,
    "confusion": list,
    "loss_curve": list,
    "accuracy_curve": list,
    "epochs": int,
    "diverged": bool,
    "seconds": (int, float),
    "provenance": dict,
}


# What pages say of a run's origin.
_ORIGIN: dict[str, type] = {"device": str, "backend": str, "versions": dict, "utc": str}


class RecordWarning(UserWarning):
    """A line of the store could not be read; the others were."""


class Store:
    """Runs on disk, in ``folder/<task>/<method>.jsonl``.

    Parameters
    ----------
    folder : str or Path
        Made when the first run is appended.

    Raises
    ------
    NotADirectoryError
        If the path is a file.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        if self.folder.exists() and not self.folder.is_dir():
            raise NotADirectoryError(f"{self.folder} is a file; the store needs a folder.")

    def path(self, name: str) -> Path:
        """Return the file of the experiment ``task/method``.

        Parameters
        ----------
        name : str

        Raises
        ------
        ValueError
            If the name is of another form, or a part of it begins with a dot.
        """
        parts = name.split("/")
        if len(parts) != 2 or any(not p or p.startswith(".") for p in parts):
            raise ValueError(f"An experiment's name is task/method; got {name!r}.")
        return self.folder / parts[0] / f"{parts[1]}.jsonl"

    def outputs_path(self, name: str, seed: int) -> Path:
        """Return the file that a run's outputs on the test set are kept in, beside its record.

        Parameters
        ----------
        name : str
            As for `path`.
        seed : int

        Raises
        ------
        ValueError
            As for `path`.

        Examples
        --------
        >>> Store("records").outputs_path("binary/ros", seed=1).as_posix()
        'records/binary/ros.seed-1.npy'
        """
        return self.path(name).with_suffix(f".seed-{seed}.npy")

    def append(self, record: Record) -> bool:
        """Append one run, unless the same experiment and seed are there.

        Parameters
        ----------
        record : dict
            NaN and infinity are written as null.

        Returns
        -------
        bool
            Whether the run was written. When True is returned, the line is on the disk.

        Raises
        ------
        ValueError
            If `problem` finds one, or as for `path`.

        Examples
        --------
        >>> import tempfile
        >>> from thesis_lib import experiments
        >>> run = experiments.store().read("binary/baseline")[0]
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     Store(folder).append(run), Store(folder).append(run), Store(folder).names()
        (True, False, ['binary/baseline'])
        """
        record = _without_nan(record)
        reason = problem(record)
        if reason:
            raise ValueError(f"This run cannot be recorded: {reason}.")
        path = self.path(record["experiment"]["name"])
        line = json.dumps(record, allow_nan=False, separators=(",", ":"))
        durable.make_folder(path.parent)
        with durable.locked(path) as file:
            content = file.read()
            if any(_same_run(record, old) for _, old, bad in _lines(content) if not bad):
                return False
            # A torn last line, of a copy that broke off, must not swallow this one.
            torn = content and not content.endswith(b"\n")
            with durable.replacing(path) as new:
                new.write(content + b"\n" * bool(torn) + line.encode() + b"\n")
        return True

    def read(self, name: str) -> list[Record]:
        """Return the readable runs of an experiment in the order of their seeds.

        Unreadable lines are reported as a :class:`RecordWarning` with file and line number.

        Parameters
        ----------
        name : str
            As for `path`.

        Raises
        ------
        ValueError
            As for `path`.
        """
        path = self.path(name)
        if not path.exists():
            return []
        records: list[Record] = []
        for number, record, bad in _lines(path.read_bytes()):
            if not bad and record["experiment"]["name"] != name:
                bad = f"a run of {record['experiment']['name']!r} is in the wrong file"
            if bad:
                warnings.warn(f"{path}, line {number}: {bad}.", RecordWarning, stacklevel=2)
            elif any(_same_run(record, old) for old in records):
                warnings.warn(
                    f"{path}, line {number}: seed {record['seed']} is there already.",
                    RecordWarning,
                    stacklevel=2,
                )
            else:
                records.append(record)
        return sorted(records, key=lambda record: int(record["seed"]))

    def names(self) -> list[str]:
        """Return the names of all experiments that have a file."""
        found = self.folder.glob("[!.]*/[!.]*.jsonl")
        return sorted(f"{path.parent.name}/{path.stem}" for path in found)

    def merge(self, other: Store) -> int:
        """Append the other store's runs that are missing here, with their kept outputs.

        Parameters
        ----------
        other : Store
            Is left as it is.

        Returns
        -------
        int
            How many runs were missing.

        Raises
        ------
        NotADirectoryError
            If there is no other store.

        Examples
        --------
        The other store has two runs, of which one is here already:

        >>> import tempfile
        >>> from thesis_lib import experiments
        >>> first, second = experiments.store().read("binary/baseline")[:2]
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     here, there = Store(f"{folder}/here"), Store(f"{folder}/there")
        ...     here.append(first), there.append(first), there.append(second)
        ...     here.merge(there), [run["seed"] for run in here.read("binary/baseline")]
        (True, True, True)
        (1, [1, 2])
        """
        if not other.folder.is_dir():
            raise NotADirectoryError(f"{other.folder} is no folder; name one that holds records.")
        added = 0
        for name in other.names():
            ours = self.read(name)
            for record in other.read(name):
                # Outputs belong to one training: those of another with the same seed stay there.
                if record in ours or not any(_same_run(record, run) for run in ours):
                    self._copy_outputs(other, name, record["seed"])
                added += self.append(record)
        return added

    def _copy_outputs(self, other: Store, name: str, seed: int) -> None:
        here, there = self.outputs_path(name, seed), other.outputs_path(name, seed)
        if there.exists() and not (here.exists() and here.samefile(there)):
            with open(there, "rb") as source, durable.replacing(here) as target:
                shutil.copyfileobj(source, target)


def problem(record: Any) -> str:
    """Say in a few words what keeps a decoded line from being a record; "" if nothing does.

    Parameters
    ----------
    record : object
    """
    if not isinstance(record, dict):
        return f"a record is a JSON object, this is a {type(record).__name__}"
    if record.get("schema") != SCHEMA:
        return f"schema {record.get('schema')!r} is not {SCHEMA}, the one this version reads"
    wrong = _wrong_types(record, _FIELDS)
    unknown = set(record) - set(_FIELDS)
    if wrong or unknown:
        return wrong or f"unknown fields {sorted(unknown)}"
    for key in ("name", "task", "method"):
        if not isinstance(record["experiment"].get(key), str):
            return f"'experiment' has no {key}"
    wrong = _wrong_types(record["provenance"], _ORIGIN)
    if wrong or not isinstance(record["provenance"]["versions"].get("keras"), str):
        return f"'provenance': {wrong or 'the version of Keras is missing'}"
    return _wrong_values(record)


def _wrong_types(fields: Record, kinds: Mapping[str, type | tuple[type, ...]]) -> str:
    for key, kind in kinds.items():
        if key not in fields:
            return f"{key!r} is missing"
        # To Python, true is an integer.
        number = isinstance(fields[key], bool) and kind is not bool
        if number or not isinstance(fields[key], kind):
            return f"{key!r} has type {type(fields[key]).__name__}"
    return ""


def _wrong_values(record: Record) -> str:
    """Say which value of a record, of the right fields and types, cannot be."""
    n_classes, epochs = len(record["recall"]), record["epochs"]
    if not 0 <= record["seed"] < 2**32:
        return f"'seed' has to lie between 0 and 2**32 - 1, and is {record['seed']}"
    if epochs < 0:
        return f"'epochs' is {epochs}"
    if not 0 <= record["seconds"] <= sys.float_info.max:
        return f"'seconds' is {record['seconds']}"
    for key in ("train_accuracy", "test_accuracy"):
        if not _is_number_or_null(record[key], 1.0):
            return f"{key!r} has to lie between 0 and 1, and is {record[key]}"
    if n_classes < 2 or not all(_is_number_or_null(value, 1.0) for value in record["recall"]):
        return "'recall' has to hold a number between 0 and 1 for each of at least two classes"
    rows = [row if isinstance(row, list) else [] for row in record["confusion"]]
    if [len(row) for row in rows] != [n_classes] * n_classes:
        return f"'confusion' has to have {n_classes} rows of {n_classes}, as 'recall' has"
    if not all(type(count) is int and count >= 0 for row in rows for count in row):
        return "'confusion' has to hold counts from 0"
    for key in ("loss_curve", "accuracy_curve"):
        if len(record[key]) != epochs or not all(map(_is_number_or_null, record[key])):
            return f"{key!r} has to hold a number for each of {epochs} epochs"
    return ""


def _is_number_or_null(value: Any, most: float = sys.float_info.max) -> bool:
    if value is None:
        return True
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    # A loss may be anything finite: the focal loss of the appendix falls below zero.
    least = -most if most == sys.float_info.max else 0
    return bool(least <= value <= most)


def _same_run(one: Record, other: Record) -> bool:
    """Whether two records stand for the same seed of the same experiment, by its `settings`.

    Parameters
    ----------
    one, other : dict
        In which `problem` finds nothing.
    """
    of_one, of_other = settings(one["experiment"]), settings(other["experiment"])
    return (of_one, one["seed"]) == (of_other, other["seed"])


def settings(experiment: Mapping[str, Any]) -> dict[str, Any]:
    """Return what makes one experiment another: equal settings are the same experiment.

    The method's name on pages decides nothing, and a hyperparameter without a value is the same
    as one that the record does not know.

    Parameters
    ----------
    experiment : mapping
        As a record holds it.
    """
    fields = experiment.items()
    return {key: value for key, value in fields if key != "method" and value is not None}


def _lines(content: bytes) -> Iterator[tuple[int, Record, str]]:
    """Yield line number, record and what is wrong with the line ("" if nothing)."""
    for number, line in enumerate(content.split(b"\n"), start=1):
        if not line.strip():
            continue
        try:
            record = json.loads(line.decode(), parse_constant=_refuse_constant)
            if b"\\u" in line:  # half a surrogate can be shown nowhere
                json.dumps(record, ensure_ascii=False).encode()
        except (ValueError, RecursionError) as error:
            yield number, {}, f"not a complete JSON line ({error})"
            continue
        yield number, record, problem(record)


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _without_nan(value: Any) -> Any:
    """Write NaN and infinity as null: JSON has neither."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(item) for item in value]
    return value
